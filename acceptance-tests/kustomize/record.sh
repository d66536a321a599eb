#!/bin/bash
# Records the real Kustomize's answers for src/manifest/patch: the cases' outcomes, and the lists that are merged by key.
# Needs Go and the Go module proxy; builds outside the clone.
set -euo pipefail
cd "$(dirname "$0")"
work=${XDG_CACHE_HOME:-$HOME/.cache}/strata
mkdir -p "$work"
go build -o "$work/kustomize-recorder" .
room=../../src/manifest/patch
"$work/kustomize-recorder" answers "$room"/cases/*.yaml
"$work/kustomize-recorder" schema >"$room/merged_lists.txt"
