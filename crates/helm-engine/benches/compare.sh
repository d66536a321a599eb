#!/bin/bash
# compare.sh CHART...: processor time of loading and rendering each chart, and peak memory: with Helm 4's own library in
# one process, with `helm template` as a process, and with this engine, measured in the same run; and their ratios.
# Needs Go and its module proxy. HELM4 may name the binary; dependencies must be in charts/ already.
set -euo pipefail
[ $# -ge 1 ] || { sed -n '2,4s/^# //p' "$0"; exit 1; }
here=$(cd "$(dirname "$0")" && pwd)
work=${BASELINE_DIR:-${TMPDIR:-/tmp}/helm-baseline}
mkdir -p "$work"
HELM4=${HELM4:-$work/helm4/helm}
[ -x "$HELM4" ] || GOBIN=$work/helm4 go install helm.sh/helm/v4/cmd/helm@v4.3.1
(cd "$here/helm" && go build -o "$work/bench4" .)
ours=$(cargo bench -q --manifest-path "$here/../Cargo.toml" --bench render --no-run --message-format json |
    grep -o '"executable":"[^"]*"' | tail -1 | cut -d'"' -f4)

process() { # CPU seconds of `helm template`, in microseconds
    TIMEFORMAT='%U %S'
    { time HOME=/nonexistent "$HELM4" template release-name "$1" --kube-version v1.34.0 >/dev/null 2>&1; } 2>&1 |
        awk '{printf "%d", ($1 + $2) * 1000000}'
}

printf '%-28s %12s %12s %12s %9s %9s %20s\n' chart 'library µs' 'process µs' 'ours µs' library process 'memory KiB (theirs)'
for chart in "$@"; do
    rounds=$(("$("$ours" "$chart" 20 | cut -d' ' -f1)" > 5000 ? 50 : 400))
    read -r library library_memory < <("$work/bench4" "$chart" $((rounds / 10)))
    read -r mine memory < <("$ours" "$chart" "$rounds")
    process=$(process "$chart")
    printf '%-28s %12d %12d %12d %8.1fx %8.1fx %9d (%d)\n' "$(basename "$chart")" "$library" "$process" "$mine" \
        "$(bc -l <<<"$library / $mine")" "$(bc -l <<<"$process / $mine")" "$memory" "$library_memory"
done
