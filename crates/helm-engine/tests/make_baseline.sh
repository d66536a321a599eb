#!/bin/bash
# Records the real Helm's answers for the corpus. Needs Go and the Go module proxy.
#   make_baseline.sh            asks only for cases that have no answer yet
#   make_baseline.sh -all       asks for all of them again
#   make_baseline.sh -sample 50 changes nothing: asks the helm binaries for every 50th template case and compares
#   make_baseline.sh -only yaml works on files whose path contains "yaml"
# HELM3 and HELM4 may name binaries of exactly these versions; else they are built (some CPU minutes each).
set -euo pipefail
cd "$(dirname "$0")"
work=${BASELINE_DIR:-${TMPDIR:-/tmp}/helm-baseline}
mkdir -p "$work"

HELM3=${HELM3:-$work/helm3/helm}
HELM4=${HELM4:-$work/helm4/helm}
[ -x "$HELM3" ] || GOBIN=$work/helm3 go install helm.sh/helm/v3/cmd/helm@v3.22.0
[ -x "$HELM4" ] || GOBIN=$work/helm4 go install helm.sh/helm/v4/cmd/helm@v4.3.1
(cd recorder && go build -o "$work/recorder" .)
(cd recorder/helm3 && go build -o "$work/answer3" .)
(cd recorder/helm4 && go build -o "$work/answer4" .)

export TZ=UTC
exec "$work/recorder" -helm3 "$HELM3" -helm4 "$HELM4" -answer3 "$work/answer3" -answer4 "$work/answer4" "$@" corpus
