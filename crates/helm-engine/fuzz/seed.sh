#!/bin/bash
# Fills fuzz/corpus/TARGET with seeds from the test corpus: every template, values file and archive in it.
set -euo pipefail
cd "$(dirname "$0")"
tests=../tests/corpus
mkdir -p corpus/{template,render,yaml,values,semver,archive,toml}
awk '/^e /{n += 1; file = sprintf("corpus/template/e%05d", n % 2500); print "{{ " substr($0, 3) " }}" > file}' "$tests"/{language,errors,functions}/*.txt
find "$tests/charts" \( -path '*/templates/*' -o -name '*.tpl' \) -type f | while read -r file; do
    cp "$file" "corpus/template/$(echo "$file" | md5sum | cut -c1-12)"
done
for file in corpus/template/*; do cp "$file" "corpus/render/$(basename "$file")"; done
find "$tests/charts" -name '*.yaml' -not -name 'expected*' -type f | while read -r file; do
    cp "$file" "corpus/yaml/$(echo "$file" | md5sum | cut -c1-12)"
done
awk '/^[vb] /{file = sprintf("corpus/yaml/v%04d", n % 900); printf "%s\n", substr($0, 3) > file} /^$/{n += 1}' "$tests"/yaml/documents.txt "$tests"/yaml/scalars-cross.txt
awk '/^s --set/{i++; file = sprintf("corpus/values/s%04d", i % 900); printf "a: 1\n%cb: 2\n%cc: {d: 1}\n%c%s", 0, 0, 0, $3 > file}' "$tests"/values/set-cross.txt
awk -F'"' '/^e semverCompare "/{n += 1; file = sprintf("corpus/semver/s%04d", n % 900); printf "%s\n%s", $2, $4 > file}' "$tests"/functions/semver-cross.txt
find "$tests/charts" -name '*.tgz' -exec cp {} corpus/archive/ \;
awk -F' ¦ ' '/^\$DOC = /{for (i = 1; i <= NF; i++) {file = sprintf("corpus/toml/t%04d", i); text = $i; sub(/^\$DOC = /, "", text); gsub(/^"|"$/, "", text); gsub(/\\n/, "\n", text); gsub(/\\"/, "\"", text); printf "%s", text > file}}' "$tests"/yaml/toml.gen
