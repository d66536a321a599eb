#!/usr/bin/env bash
# Records the fixtures beside this: files encrypted by the real sops, and what it decrypts them to.
# The keys are made anew each time and open nothing else.
set -euo pipefail
cd "$(dirname "$0")/fixtures"
sops=$(../../../../.ci/control-plane sops)/sops
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export GNUPGHOME=$work/gnupg HOME=$work
rm -f ./*

for _ in 1 2; do age-keygen 2>/dev/null; done >keys.txt
export SOPS_AGE_KEY_FILE=$PWD/keys.txt
mapfile -t recipients < <(sed -n 's/^# public key: //p' keys.txt)

cat >"$work/plain.yaml" <<'YAML'
# who may come in
database:
    user_unencrypted: joe
    user: shop
    password: hunter2 # rotated in May
    port: 5432
    ratio: 0.75
    huge: 1e+21
    tls: true
    empty: ""
    nothing: null
    pem: |
        -----BEGIN-----
        line

        last
    unicode: "ä: \"x\" ☃"
    number_as_text: "007"
list:
    - one
    - name: two
      token: t0ps3cret
    - 3
    - [nested, false]
empty_list: []
empty_map: {}
visible_unencrypted:
    whole: 3
    text: "yes"
    float: 1.5
    truth: false
    date: 2024-05-01T00:00:00Z
YAML
cat >"$work/small.yaml" <<'YAML'
replicas: 2
image:
    tag: v1
auth:
    password: hunter2
    user_secret: shop
    # public
    realm: example
# private
token: t0ps3cret
YAML
printf '%s\n---\n%s\n' "$(cat "$work/small.yaml")" 'auth: {password: other, more: 1}' >"$work/documents.yaml"
cat >"$work/json.json" <<'JSON'
{"z": "last", "a": {"password": "hunter2", "port": 5432, "ratio": 0.5, "list": ["x", 1, true, null]}, "big": 9007199254740993}
JSON

encrypt() { # NAME SOURCE RULES…
  local name=$1 source=$2 format=${2##*.}
  shift 2
  printf 'creation_rules:\n    - age: %s\n' "${recipients[0]}" >"$work/sops.yaml"
  printf '      %s\n' "$@" >>"$work/sops.yaml"
  "$sops" --config "$work/sops.yaml" encrypt "$source" >"$name.$format"
  "$sops" decrypt --output-type yaml "$name.$format" >"$name.decrypted.yaml"
}
encrypt plain "$work/plain.yaml" ''
encrypt regex "$work/small.yaml" 'encrypted_regex: ^(password|token)$'
encrypt suffix "$work/small.yaml" 'encrypted_suffix: _secret'
encrypt only_encrypted "$work/small.yaml" 'encrypted_regex: ^(auth|token)$' 'mac_only_encrypted: true'
encrypt comments "$work/small.yaml" 'encrypted_comment_regex: private'
encrypt documents "$work/documents.yaml" ''
encrypt json "$work/json.json" ''
"$sops" encrypt --age "$(IFS=,; echo "${recipients[*]}")" "$work/small.yaml" >two_recipients.yaml
"$sops" decrypt two_recipients.yaml >two_recipients.decrypted.yaml

mkdir -m 700 "$GNUPGHOME"
gpg --batch --quiet --passphrase '' --quick-generate-key 'Fixture <fixture@example.com>' default default never 2>/dev/null
fingerprint=$(gpg --list-keys --with-colons | awk -F: '$1 == "fpr" { print $10; exit }')
"$sops" encrypt --pgp "$fingerprint" "$work/small.yaml" >pgp.yaml
