#!/bin/sh
# Records the answers anew: every line of *.jsonl keeps its case and gets the answer of the Go libraries.
set -eu
cd "$(dirname "$0")"
for cases in *.jsonl; do
  (cd record && GOFLAGS=-mod=mod go run .) <"$cases" >"$cases.new"
  mv "$cases.new" "$cases"
done
