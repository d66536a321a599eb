#!/usr/bin/env bash
# Prints the figures of docs/benchmarks.md. `make bench` builds and calls it.
set -euo pipefail
project=$(cd "$(dirname "$0")/.." && pwd)
target=${CARGO_TARGET_DIR:-$project/target}
cd "$project"

echo "== provider, against Terraform's own work =="
cargo run --quiet --release -p acceptance-tests --bin bench-provider -- "$target/release/terraform-provider-strata"

echo "== a fleet of 10, 100 and 1,000 releases, planned unchanged =="
cargo run --quiet --release -p acceptance-tests --bin bench-fleet -- "$target/release/terraform-provider-strata"

echo "== engine, against Helm's own library and program =="
crates/helm-engine/benches/run.sh

echo "== clusters, against one request after the other and kubectl =="
cargo run --quiet --release -p acceptance-tests --bin bench-cluster -- "$target/release/terraform-provider-strata"
