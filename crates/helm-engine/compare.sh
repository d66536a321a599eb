#!/bin/bash
# compare.sh FOLDER [--only TEXT]: renders every chart below FOLDER with the real Helm 3 and 4 and with this engine and
# compares the bytes; with the charts' own ci/*values.yaml too. HELM3 and HELM4 may name binaries; else they are built
# (Go and its module proxy are needed). Dependencies must be in charts/ already: `helm dependency build` puts them there.
set -euo pipefail
[ $# -ge 1 ] || { sed -n '2,4s/^# //p' "$0"; exit 1; }
work=${BASELINE_DIR:-${TMPDIR:-/tmp}/helm-baseline}
HELM3=${HELM3:-$work/helm3/helm}
HELM4=${HELM4:-$work/helm4/helm}
[ -x "$HELM3" ] || GOBIN=$work/helm3 go install helm.sh/helm/v3/cmd/helm@v3.22.0
[ -x "$HELM4" ] || GOBIN=$work/helm4 go install helm.sh/helm/v4/cmd/helm@v4.3.1
exec cargo run -q --manifest-path "$(dirname "$0")/Cargo.toml" ${PROFILE:---release} --example compare_charts -- \
    --helm3 "$HELM3" --helm4 "$HELM4" "$@"
