#!/usr/bin/env bash
# The quickstart: six releases on three clusters, planned, applied, changed by one line, and explained.
# Everything happens in target/quickstart; the example itself stays as it is. `make quickstart` calls this.
set -euo pipefail

project=$(cd "$(dirname "$0")/../.." && pwd)
binaries=${CARGO_TARGET_DIR:-$project/target}/debug
work=$project/target/quickstart
terraform=${TERRAFORM:-terraform}
strata=$binaries/strata

step() { printf '\n\033[1m── %s\033[0m\n' "$*"; }
show() { printf '\033[2m$ %s\033[0m\n' "$*"; }

rm -rf "$work"
mkdir -p "$work"
cp -r "$project/examples/quickstart/." "$work"
cd "$work"

step "A local git repository that the clusters read their manifests from"
git init --quiet --bare --initial-branch=main clusters.git
tree=$(git --git-dir=clusters.git hash-object -t tree -w /dev/null)
start=$(git --git-dir=clusters.git -c user.name=you -c user.email=you@example.com commit-tree "$tree" -m "Start")
git --git-dir=clusters.git update-ref refs/heads/main "$start"
export TF_VAR_repository="file://$work/clusters.git"

# A mirror on disk stands in for the registry, so that `init` installs the provider just built.
platform=$(go env GOOS 2>/dev/null || uname -s | tr '[:upper:]' '[:lower:]')_$(go env GOARCH 2>/dev/null || uname -m | sed 's/x86_64/amd64/; s/aarch64/arm64/')
for host in registry.terraform.io registry.opentofu.org; do
  mkdir -p "mirror/$host/stratahq/strata/0.1.0/$platform"
  ln -f "$binaries/terraform-provider-strata" "mirror/$host/stratahq/strata/0.1.0/$platform/" 2>/dev/null ||
    cp "$binaries/terraform-provider-strata" "mirror/$host/stratahq/strata/0.1.0/$platform/"
done
printf 'provider_installation {\n  filesystem_mirror {\n    path = "%s"\n  }\n}\n' "$work/mirror" >terraformrc
export TF_CLI_CONFIG_FILE=$work/terraformrc XDG_CACHE_HOME=$work/cache TF_IN_AUTOMATION=1 CHECKPOINT_DISABLE=1

step "terraform init"
"$terraform" init -no-color >init.log || { cat init.log; exit 1; }
tail -n 3 init.log

step "The first plan: what six new releases bring"
"$terraform" plan -no-color -out=first.plan >first.log 2>&1 || { cat first.log; exit 1; }
sed -n '/will be created/,/^$/p' first.log | sed -n '1,60p'
echo "  … ($(wc -l <first.log) lines in all)"
grep '^Plan:' first.log

step "terraform apply"
"$terraform" apply -no-color first.plan | tail -n 5
show "git log --stat"
git --git-dir=clusters.git log -1 --stat --format='%h %s' main

step "One line of one layer: production gets a fourth replica"
sed -i 's/^replicaCount: 3$/replicaCount: 4/' values/web/prod.yaml
show "terraform plan"
"$terraform" plan -no-color >second.log 2>&1 || { cat second.log; exit 1; }
sed -n '/will be updated/,/^Plan:/p' second.log

step "Which line decided it, and what did it shadow?"
show "strata explain charts/web replicaCount --layer global=values/web/global.yaml --layer environment=values/web/prod.yaml"
"$strata" explain charts/web replicaCount \
  --layer global=values/web/global.yaml --layer environment=values/web/prod.yaml

printf '\nEverything is in %s\n' "${work#"$PWD"/}"
