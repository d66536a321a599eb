#!/usr/bin/env bash
# Records the fixtures beside this: a chart packed and signed by the real Helm with keys of the real GnuPG, and signatures in
# cosign's form, made with openssl after cosign's specification. The keys are made anew each time and sign nothing else.
# Wants HELM, the path of a Helm 4.
set -euo pipefail
cd "$(dirname "$0")/fixtures"
: "${HELM:?}"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export GNUPGHOME=$work/gnupg HOME=$work
mkdir -m 700 "$GNUPGHOME"
rm -f ./*

chart=$work/signed
mkdir -p "$chart/templates"
printf 'apiVersion: v2\nname: signed\nversion: 1.2.3\n' >"$chart/Chart.yaml"
printf 'color: blue\n' >"$chart/values.yaml"
printf 'apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: signed\ndata:\n  color: {{ .Values.color }}\n' >"$chart/templates/all.yaml"

gpg() { command gpg --batch --quiet --yes --no-tty --pinentry-mode loopback --passphrase '' "$@" 2>/dev/null; }
gpg --quick-generate-key 'Publisher <publisher@example.com>' rsa2048 sign never
gpg --quick-generate-key 'Stranger <stranger@example.com>' ed25519 sign never
gpg --export-secret-keys >"$work/secret.gpg"
"$HELM" package "$chart" --destination . --sign --key Publisher --keyring "$work/secret.gpg" >/dev/null
gpg --armor --export Publisher >publisher.asc
gpg --export Publisher >publisher.gpg
gpg --armor --export Stranger >stranger.asc
cat stranger.asc publisher.asc >both.asc

# The signed text of Helm, signed again by others.
gpg --decrypt signed-1.2.3.tgz.prov >"$work/text"
gpg --quick-generate-key 'Subkey <subkey@example.com>' ed25519 cert never
gpg --quick-add-key "$(gpg --list-keys --with-colons Subkey | awk -F: '$1 == "fpr" { print $10; exit }')" ed25519 sign never
gpg --local-user Subkey --digest-algo SHA512 --output by_subkey.prov --clearsign "$work/text"
gpg --armor --export Subkey >subkey.asc
gpg --faked-system-time 20200101T000000 --quick-generate-key 'Expired <expired@example.com>' ed25519 sign 1y
gpg --faked-system-time 20200201T000000 --local-user Expired --digest-algo SHA512 --output by_expired.prov --clearsign "$work/text"
gpg --armor --export Expired >expired.asc
fingerprint=$(gpg --list-keys --with-colons Publisher | awk -F: '$1 == "fpr" { print $10; exit }')
sed 's/^:-----/-----/' "$GNUPGHOME/openpgp-revocs.d/$fingerprint.rev" | gpg --import
gpg --armor --export Publisher >revoked.asc

openssl ecparam -name prime256v1 -genkey -noout -out "$work/p256.key"
openssl ecparam -name secp384r1 -genkey -noout -out "$work/p384.key"
openssl genrsa -out "$work/rsa.key" 2048 2>/dev/null
openssl genpkey -algorithm ed25519 -out "$work/ed25519.key"
openssl ec -in "$work/p256.key" -pubout -out cosign.pub 2>/dev/null
for kind in p384 rsa ed25519; do openssl pkey -in "$work/$kind.key" -pubout -out "$kind.pub"; done
digest=$(printf 'the manifest' | sha256sum | cut -d' ' -f1)
printf '{"critical":{"identity":{"docker-reference":"registry.example.com/team/web"},"image":{"docker-manifest-digest":"sha256:%s"},"type":"cosign container image signature"},"optional":null}' "$digest" >payload.json
printf '{"hello":"world"}' >other.json
openssl dgst -sha256 -sign "$work/p256.key" payload.json | base64 -w0 >payload.sig
openssl dgst -sha256 -sign "$work/p256.key" other.json | base64 -w0 >other.sig
openssl dgst -sha256 -sign "$work/rsa.key" payload.json | base64 -w0 >payload.rsa.sig
openssl dgst -sha384 -sign "$work/p384.key" payload.json | base64 -w0 >payload.p384.sig
openssl pkeyutl -sign -inkey "$work/ed25519.key" -rawin -in payload.json | base64 -w0 >payload.ed25519.sig
