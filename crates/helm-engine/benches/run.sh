#!/bin/bash
# run.sh [FOLDER…]: measures the engine against Helm 4 in one run and prints a table: CPU per load and render in one
# process (Helm's own Go library is the peer), both programs as processes, and peak memory. On three charts it generates,
# and on every chart directly below the folders given. Go and its module proxy are needed; HELM4 may name a helm binary.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
work=${BENCH_DIR:-${TMPDIR:-/tmp}/helm-engine-bench}
mkdir -p "$work"
(cd "$here/peer" && GOFLAGS=-mod=mod go build -o "$work/peer" .)
HELM4=${HELM4:-$work/helm}
[ -x "$HELM4" ] || GOBIN=$work go install helm.sh/helm/v4/cmd/helm@v4.3.1
cargo build -q --release --manifest-path "$here/../Cargo.toml" --example load_and_render --example helm_template
built=$(cargo metadata --manifest-path "$here/../Cargo.toml" --format-version 1 --no-deps |
    sed -n 's/.*"target_directory":"\([^"]*\)".*/\1/p')/release/examples
"$work/peer" generate "$work/charts"
charts=("$work/charts/small" "$work/charts/median" "$work/charts/large")
for folder in "$@"; do
    for chart in "$folder"/*/Chart.yaml; do [ ! -f "$chart" ] || charts+=("$(dirname "$chart")"); done
    [ ! -f "$folder/Chart.yaml" ] || charts+=("$folder")
done
echo "helm $("$HELM4" version --template '{{.Version}}'), $(go version), $(rustc --version)"
"$work/peer" compare "$built/load_and_render" "$built/helm_template" "$HELM4" "${charts[@]}"
