#!/usr/bin/env bash
# Writes skew-MINOR.mod and skew-MINOR.sum for another version of Kubernetes, `./skew.sh 1.35.4`: the same sources with another
# control plane, without Flux's controllers and kwok. `make test-skew` uses them.
set -euo pipefail
cd "$(dirname "$0")"

version=$1
minor=$(cut -d. -f1,2 <<<"$version")
staging=v0.${version#1.}
module=skew-$minor.mod
sources=$(cd / && go mod download -json "k8s.io/kubernetes@v$version" | sed -n 's/^[[:space:]]*"Dir": "\(.*\)",\{0,1\}$/\1/p')
etcd=$(awk '$1 == "go.etcd.io/etcd/server/v3" { print $2; exit }' "$sources/go.mod")
{
  cat <<END
module strata/control-plane

$(sed -n '/^go /p; /^godebug /p' go.mod)

require (
	go.etcd.io/etcd/server/v3 $etcd
	k8s.io/kubernetes v$version
)

// Kubernetes can be built only with every one of its own modules pinned.
replace (
END
  sed -n 's#^[[:space:]]*\(k8s.io/[a-z0-9-]*\) => ./staging.*#\1#p' "$sources/go.mod" | sort -u |
    while read -r one; do echo "	$one => $one $staging"; done
  echo ")"
} >"$module"
rm -f "${module%.mod}.sum"
go list -mod=mod -modfile="$module" -deps . >/dev/null
