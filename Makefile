# quickstart and test do all the set-up themselves; what they build or install is cached outside the clone.
CACHE := $(or $(XDG_CACHE_HOME),$(HOME)/.cache)/strata
DENY_VERSION := 0.20.2
DENY := $(CACHE)/cargo-deny-$(DENY_VERSION)/bin/cargo-deny

# A minor version of Kubernetes beside the one of acceptance-tests/kube/go.mod, which has a skew-MINOR.mod there.
SKEW := 1.35

.PHONY: quickstart quickstart-cluster test test-skew peers check format lint deny docs bench help

help: ## Lists the targets
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' $(MAKEFILE_LIST) | expand -t 22

quickstart: ## Builds, then plans, applies, edits one layer and plans again on examples/quickstart
	cargo build --quiet
	TERRAFORM=$$(.ci/terraform) examples/quickstart/run.sh

quickstart-cluster: ## Installs, upgrades, heals and removes the agent on a local control plane (builds one first, once)
	cargo build --quiet
	TERRAFORM=$$(.ci/terraform) examples/quickstart-cluster/run.sh

test: peers ## Runs every test: units, the engine's corpus, and the journeys against real Terraform, git, ssh, an OCI registry, Kubernetes and Flux
	cargo build --workspace
	TERRAFORM=$$(.ci/terraform) cargo test --workspace

test-skew: peers ## Runs the journeys that meet a cluster against the minor version of Kubernetes before (built once: 8 minutes)
	cargo build --workspace
	STRATA_KUBERNETES=$(SKEW) TERRAFORM=$$(.ci/terraform) cargo test -p acceptance-tests --test journeys -- cluster takeover moved reconciled rollouts admission definitions agent_ argo_cd::

peers: ## Builds or installs the real programs that the tests meet
	.ci/packages
	.ci/control-plane control-plane kwok kustomize-controller helm-controller helm sops >/dev/null
	.ci/flux >/dev/null
	.ci/terraform >/dev/null

check: format lint test deny docs ## Runs everything a commit must pass

format:
	cargo fmt --all --check

lint:
	cargo clippy --workspace --all-targets -- -D warnings

deny: $(DENY) ## Checks licences, sources and duplicate versions of all dependencies
	cargo fetch --quiet --locked
	$(DENY) --offline check bans licenses sources

$(DENY):
	CARGO_TARGET_DIR=$(CACHE)/build-cargo-deny cargo install --quiet --debug cargo-deny@$(DENY_VERSION) --locked \
	  --no-default-features --root $(CACHE)/cargo-deny-$(DENY_VERSION)
	rm -rf $(CACHE)/build-cargo-deny

docs: ## Builds the API documentation; a broken link is an error
	RUSTDOCFLAGS="-D warnings" cargo doc --workspace --no-deps --quiet

bench: ## Prints the figures of docs/benchmarks.md, as ratios against the peers
	cargo build --release
	TERRAFORM=$$(.ci/terraform) benches/run.sh
