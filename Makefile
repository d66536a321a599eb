# quickstart and test do all the set-up themselves; what they build or install is cached outside the clone.
CACHE := $(or $(XDG_CACHE_HOME),$(HOME)/.cache)/strata
DENY_VERSION := 0.20.2
DENY := $(CACHE)/cargo-deny-$(DENY_VERSION)/bin/cargo-deny

.PHONY: quickstart quickstart-cluster test check format lint deny docs bench help

help: ## Lists the targets
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' $(MAKEFILE_LIST) | expand -t 22

quickstart: ## Builds, then plans, applies, edits one layer and plans again on examples/quickstart
	cargo build --quiet
	TERRAFORM=$$(.ci/terraform) examples/quickstart/run.sh

quickstart-cluster: ## Installs, upgrades, heals and removes the agent on a local control plane (builds one first, once)
	cargo build --quiet
	TERRAFORM=$$(.ci/terraform) examples/quickstart-cluster/run.sh

test: ## Runs every test: units, the engine's corpus, and the journeys against real Terraform, git, ssh, an OCI registry and Kubernetes
	.ci/packages
	.ci/control-plane control-plane kwok >/dev/null
	.ci/flux >/dev/null
	.ci/sops >/dev/null
	cargo build --workspace
	TERRAFORM=$$(.ci/terraform) cargo test --workspace

check: format lint test deny docs ## Runs everything a commit must pass

format:
	cargo fmt --all --check

lint:
	cargo clippy --workspace --all-targets -- -D warnings

deny: $(DENY) ## Checks licences, sources and duplicate versions of all dependencies
	cargo fetch --quiet --locked
	$(DENY) --offline check bans licenses sources

$(DENY):
	CARGO_TARGET_DIR=$(CACHE)/build-cargo-deny cargo install --quiet cargo-deny@$(DENY_VERSION) --locked \
	  --no-default-features --root $(CACHE)/cargo-deny-$(DENY_VERSION)
	rm -rf $(CACHE)/build-cargo-deny

docs: ## Builds the API documentation; a broken link is an error
	RUSTDOCFLAGS="-D warnings" cargo doc --workspace --no-deps --quiet

bench: ## Prints the figures of docs/benchmarks.md, as ratios against the peers
	cargo build --release
	TERRAFORM=$$(.ci/terraform) benches/run.sh
