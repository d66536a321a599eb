#!/usr/bin/env bash
# The agent on a local control plane: installed, upgraded from Flux 2.9.4 to 2.9.5, healed after somebody changed it by hand, and
# taken out again. Everything happens in target/quickstart-cluster. `make quickstart-cluster` calls this.
set -euo pipefail

project=$(cd "$(dirname "$0")/../.." && pwd)
binaries=${CARGO_TARGET_DIR:-$project/target}/debug
work=$project/target/quickstart-cluster
terraform=${TERRAFORM:-terraform}

step() { printf '\n\033[1m── %s\033[0m\n' "$*"; }
show() { printf '\033[2m$ %s\033[0m\n' "$*"; }
changes() { sed -n '/will be \(updated\|created\)/,/^Plan:/p' "$1"; }

rm -rf "$work"
mkdir -p "$work"
cp "$project/examples/quickstart-cluster/main.tf" "$work"
cd "$work"

step "A local control plane: a real API server, without nodes"
program=$("$project/.ci/control-plane")/control-plane
mkfifo ready
"$program" up --clusters 1 --dir "$work/cluster" < <(tail -f /dev/null --pid=$$) >ready 2>control-plane.log &
server=$!
trap 'kill "$server" 2>/dev/null || true; wait "$server" 2>/dev/null || true' EXIT
read -r line <ready || { cat control-plane.log; exit 1; }
export TF_VAR_kubeconfig=${line#READY *=}
echo "${TF_VAR_kubeconfig#"$work"/}"

# The files of Flux's releases that the tests use; without this variable, they come from the official releases.
TF_VAR_agent_source="$("$project/.ci/flux")/components/v{version}"
export TF_VAR_agent_source

printf 'provider_installation {\n  dev_overrides {\n    "stratahq/strata" = "%s"\n  }\n  direct {}\n}\n' "$binaries" >terraformrc
export TF_CLI_CONFIG_FILE=$work/terraformrc XDG_CACHE_HOME=$work/cache TF_IN_AUTOMATION=1 CHECKPOINT_DISABLE=1

plan() {
  show "terraform plan $*"
  "$terraform" plan -no-color "$@" >plan.log 2>&1 || { cat plan.log; exit 1; }
}
apply() { "$terraform" apply -no-color -auto-approve "$@" >apply.log 2>&1 || { cat apply.log; exit 1; }; }

step "The first plan: every object of the agent"
plan
changes plan.log | sed -n '1,40p'
echo "  … ($(wc -l <plan.log) lines in all)"
apply
grep '^Apply complete' apply.log

step "An upgrade is what really changes"
export TF_VAR_flux_version=2.9.5
plan
changes plan.log
apply

step "Somebody changes an image by hand"
server_address=$(grep -o 'server: "[^"]*' "$TF_VAR_kubeconfig" | head -n 1 | cut -d\" -f 2)
folder=$(dirname "$TF_VAR_kubeconfig")
curl --silent --show-error --fail --cacert "$folder/pki/ca.crt" --header "Authorization: Bearer $(cat "$folder/admin.token")" \
  --request PATCH --header 'Content-Type: application/strategic-merge-patch+json' --output /dev/null \
  --data '{"spec":{"template":{"spec":{"containers":[{"name":"manager","image":"example.com/mine:1"}]}}}}' \
  "$server_address/apis/apps/v1/namespaces/flux-system/deployments/helm-controller?fieldManager=by-hand"
plan
changes plan.log
apply
grep '^Apply complete' apply.log

step "Gone again, with what that means beforehand"
plan -destroy
awk '/^Warning: agent/ { shown = 1 } shown && hint && /^$/ { exit } shown; shown && /^hint:/ { hint = 1 }' plan.log
"$terraform" destroy -no-color -auto-approve >destroy.log 2>&1 || { cat destroy.log; exit 1; }
grep '^Destroy complete' destroy.log
