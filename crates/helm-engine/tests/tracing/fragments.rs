//! Small charts put together from fragments, each of which uses values in one way that charts use them.

use std::collections::BTreeMap;

const CHART: &str = "{apiVersion: v2, name: c, version: 1.0.0, dependencies: [\
    {name: sub, version: 1.0.0, repository: '', condition: sub.enabled, tags: [extras], \
    import-values: [{child: exported, parent: imported}]}]}";

const SUBCHART: &str = "{apiVersion: v2, name: sub, version: 1.0.0}";

const SUBCHART_VALUES: &str = "{own: 1, exported: {e: 5}, global: {fallback: f}}";

const SUBCHART_TEMPLATE: &str = "kind: ConfigMap\nmetadata: {name: sub}\ndata:\n  own: {{ .Values.own }}\n  \
    g: {{ .Values.global.g }}\n  f: {{ .Values.global.fallback }}\n  {{- if .Values.extra }}\n  extra: 1\n  {{- end }}\n";

const VALUES: &str = "\
flag: true
idle: false
num: 3
s: text
none: null
empty: ''
key: x
name: c.name
m: {x: 1, why: two, inner: {z: 3, w: [4, 5]}}
o: {x: other, extra: 9}
l: [one, two, {k: v}]
ports: [{name: http, port: 80}, {name: https, port: 443}]
t: '{{ .Values.s }}-{{ .Values.num }}'
text: \"a: 1\\nb: two\\n\"
global: {g: 1}
sub: {enabled: true}
tags: {}
";

const HELPERS: &str = r#"
{{- define "c.name" -}}{{ default .Chart.Name .Values.s | trunc 63 | trimSuffix "-" }}{{- end -}}
{{- define "c.labels" -}}
name: {{ include "c.name" . | quote }}
{{- if .Values.flag }}
flagged: "yes"
{{- end }}
{{- with .Values.none }}
none: {{ . }}
{{- end }}
{{- end -}}
{{- define "c.context" -}}{{ .top.Values.num }}-{{ .given }}{{- end -}}
{{- define "c.truth" -}}{{- if and .Values.flag (not .Values.idle) -}}true{{- end -}}{{- end -}}
{{- define "c.mutate" -}}{{- if .Values.idle -}}{{- $_ := set .Values.o "made" 1 -}}{{- end -}}{{- end -}}
{{- define "c.render" -}}
{{- if typeIs "string" .value }}{{ tpl .value .context }}{{ else }}{{ tpl (.value | toYaml) .context }}{{ end }}
{{- end -}}
"#;

/// Lines of a map; `@` is a number that no other fragment of the template has.
const FRAGMENTS: &[&str] = &[
    "v@: {{ .Values.s }}",
    "v@: {{ .Values.s | quote }}",
    "v@: {{ .Values.s | upper | trunc 3 | b64enc }}",
    "v@: {{ .Values.absent | default .Values.s }}",
    "v@: {{ .Values.empty | default \"fixed\" | quote }}",
    "v@: {{ coalesce .Values.empty .Values.none .Values.num }}",
    "v@: {{ ternary \"a\" \"b\" .Values.flag }}",
    "v@: {{ and .Values.flag .Values.s }}",
    "v@: {{ or .Values.idle .Values.num }}",
    "v@: {{ printf \"%s-%v\" .Values.s .Values.num }}",
    "v@: {{ include \"c.name\" . }}",
    "v@:\n{{ include \"c.labels\" . | indent 2 }}",
    "v@:\n  {{- include \"c.labels\" . | nindent 2 }}",
    "v@: {{ include \"c.context\" (dict \"top\" . \"given\" .Values.m.x) }}",
    "v@: {{ include .Values.name . }}",
    "v@: {{ if include \"c.truth\" . }}1{{ else }}2{{ end }}",
    "v@: {{ tpl .Values.t . }}",
    "v@: {{ include \"c.render\" (dict \"value\" .Values.t \"context\" $) }}",
    "v@:\n  {{- include \"c.render\" (dict \"value\" .Values.m \"context\" $) | nindent 2 }}",
    "v@: {{ toJson .Values.m }}",
    "v@:\n  {{- toYaml .Values.m | nindent 2 }}",
    "v@: {{ (fromYaml (toYaml .Values.m)).x }}",
    "v@: {{ (.Values.text | fromYaml).b }}",
    "v@: {{ (.Values.m | toJson | fromJson).why }}",
    "v@: {{ index .Values.m \"inner\" \"z\" }}",
    "v@: {{ index .Values.m .Values.key }}",
    "v@: {{ index .Values.l 1 }}",
    "v@: {{ (index .Values.ports 0).port }}",
    "v@: {{ get .Values.m \"x\" }}",
    "v@: {{ get .Values.m \"absent\" | quote }}",
    "v@: {{ dig \"inner\" \"z\" 0 (.Values.m) }}",
    "v@: {{ dig \"inner\" \"absent\" 7 .Values.m }}",
    "v@: {{ hasKey .Values.m \"x\" }}",
    "v@: {{ hasKey .Values.m \"absent\" }}",
    "v@: {{ keys .Values.m | sortAlpha | join \",\" | quote }}",
    "v@: {{ values .Values.o | join \",\" | quote }}",
    "v@: {{ len .Values.l }}",
    "v@: {{ len .Values.m }}",
    "v@: {{ empty .Values.m }}",
    "v@: {{ has \"two\" .Values.l }}",
    "v@: {{ first .Values.l }}",
    "v@: {{ .Values.l | rest | first }}",
    "v@: {{ kindOf .Values.m }}",
    "v@: {{ kindIs \"string\" .Values.s }}",
    "v@: {{ eq .Values.s \"text\" }}",
    "v@: {{ gt (int .Values.num) 2 }}",
    "v@: {{ add .Values.num 1 }}",
    "v@: {{ .Values.m.x | int | mul 2 }}",
    "v@: {{ (merge (dict) .Values.o .Values.m).x }}",
    "v@: {{ (mergeOverwrite (deepCopy .Values.m) .Values.o).x }}",
    "v@: {{ (mergeOverwrite (dict \"x\" 1 \"q\" 2) .Values.o).q }}",
    "v@: {{ (merge (dict \"x\" \"\") .Values.o).x | quote }}",
    "v@: {{ toJson (omit .Values.m \"inner\") }}",
    "v@: {{ toJson (pick .Values.m \"x\" \"absent\") }}",
    "v@: {{ pluck \"x\" .Values.m .Values.o | first }}",
    "v@: {{ .Values.imported.e }}",
    "v@: {{ .Values.global.g }}",
    "v@: {{ .Values.sub.own }}",
    "v@: {{ .Values.s | sha256sum }}",
    "v@: {{ regexReplaceAll \"t+\" .Values.s \"x\" }}",
    "v@: {{ splitList \"e\" .Values.s | last }}",
    "v@: {{ list .Values.s .Values.num | join \"-\" }}",
    "v@: {{ cat .Values.s .Values.num }}",
    "v@: {{ .Values.s | replace \"t\" \"u\" }}",
    "v@: {{ contains \"ex\" .Values.s }}",
    "v@: {{ .Release.Name }}-{{ .Capabilities.KubeVersion.Major }}",
    "v@: {{ now | date \"2006-01-02\" }}",
    "v@: {{ randAlphaNum 8 | quote }}",
    "v@: {{ now | unixEpoch | quote }}",
    "v@: {{ uuidv4 | trunc 8 | quote }}",
    "v@: {{ if .Values.flag }}1{{ else }}2{{ end }}",
    "v@: {{ if .Values.idle }}1{{ end }}",
    "v@: {{ with .Values.m.inner }}{{ .z }}{{ end }}",
    "{{- if .Values.flag }}\nv@: here\n{{- end }}",
    "{{- if .Values.idle }}\nv@: here\n{{- else if eq .Values.s \"text\" }}\nv@: there\n{{- end }}",
    "{{- range $k, $v := .Values.o }}\nv@-{{ $k }}: {{ $v }}\n{{- end }}",
    "v@:\n{{- range .Values.l }}\n- {{ toJson . }}\n{{- end }}",
    "v@:\n{{- range $i, $p := .Values.ports }}\n- {name: {{ $p.name }}, i: {{ $i }}}\n{{- end }}",
    "v@:\n{{- range until (int .Values.num) }}\n- {{ . }}\n{{- end }}",
    "v@:\n{{- range .Values.ports }}\n{{- if eq .name \"http\" }}{{ continue }}{{ end }}\n- {{ .port }}\n{{- end }}",
    "v@:\n{{- range .Values.ports }}\n{{- if .last }}{{ break }}{{ end }}\n- fixed\n{{- end }}",
    "{{- $a@ := 1 }}{{ if .Values.flag }}{{ $a@ = 2 }}{{ end }}\nv@: {{ $a@ }}",
    "{{- $a@ := 1 }}{{ if .Values.idle }}{{ $a@ = 2 }}{{ end }}\nv@: {{ $a@ }}",
    "{{- $a@ := \"\" }}{{ range .Values.ports }}{{ $a@ = printf \"%s%s\" $a@ .name }}{{ end }}\nv@: {{ $a@ }}",
    "{{- $a@ := 0 }}{{ range .Values.l }}{{ $a@ = add1 $a@ }}{{ end }}\nv@: {{ $a@ }}",
    "{{- $d@ := dict \"a\" 1 }}{{ if .Values.flag }}{{ $_ := set $d@ \"b\" 2 }}{{ end }}\nv@: {{ toJson $d@ }}",
    "{{- $d@ := dict \"a\" 1 }}{{ if .Values.idle }}{{ $_ := set $d@ \"a\" 2 }}{{ end }}\nv@: {{ $d@.a }}",
    "{{- $d@ := dict \"a\" 1 }}{{ if .Values.flag }}{{ $_ := set $d@ \"b\" 2 }}{{ end }}\nv@: {{ hasKey $d@ \"b\" }}",
    "{{- $d@ := dict \"a\" 1 }}{{ if .Values.flag }}{{ $_ := unset $d@ \"a\" }}{{ end }}\nv@: {{ $d@.a | default \"gone\" }}",
    "{{- $d@ := dict }}{{ range .Values.ports }}{{ $_ := set $d@ .name .port }}{{ end }}\nv@: {{ toJson $d@ }}",
    "{{- $d@ := dict }}{{ range .Values.ports }}{{ $_ := set $d@ .name .port }}{{ end }}\nv@: {{ len $d@ }}",
    "{{- $_ := set .Values.o \"x\" .Values.s }}\nv@: {{ .Values.o.x }}",
    "{{- if .Values.flag }}{{ $_ := set .Values.o \"late\" 1 }}{{ end }}\nv@: {{ .Values.o.late }}",
    "{{- if .Values.idle }}{{ $_ := set .Values.o \"never\" 1 }}{{ end }}\nv@: {{ .Values.o.never }}",
    "{{- include \"c.mutate\" . }}\nv@: {{ .Values.o.made }}",
    "v@: {{ .Values.o.made | default .Values.o.never | default .Values.o.late | quote }}",
    "{{- $l@ := list }}{{ if .Values.flag }}{{ $l@ = append $l@ .Values.s }}{{ end }}\nv@: {{ toJson $l@ }}",
    "v@: |\n  first\n  {{- if .Values.idle }}\n  second\n  {{- end }}\n  {{ .Values.num }}",
    "{{- with .Values.none }}\nv@: {{ . }}\n{{- else }}\nv@: other\n{{- end }}",
    "v@: {{ required \"needed\" .Values.s }}",
    "v@: {{ .Values.s | squote }}",
    "v@: {{ not .Values.idle }}",
    "v@: {{ .Values.m.why | eq \"two\" | ternary .Values.s .Values.num }}",
    "v@: {{ semverCompare \">=1.2.0\" (printf \"1.%v.0\" .Values.num) }}",
    "v@: {{ typeOf .Values.l | quote }}",
    "v@: {{ $.Files.Get \"file.txt\" | trim }}",
    "v@: {{ .Capabilities.APIVersions.Has \"apps/v1\" }}",
    "v@: {{ fixed }}",
    "v@: fixed",
];

/// Returns the files of the chart of a seed.
pub(crate) fn files(seed: u64) -> BTreeMap<String, String> {
    let mut chance = Chance(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) ^ 0x5DEE_CE66);
    let mut files = BTreeMap::from([
        ("Chart.yaml".to_owned(), CHART.to_owned()),
        ("values.yaml".to_owned(), VALUES.to_owned()),
        ("file.txt".to_owned(), "content\n".to_owned()),
        ("templates/_helpers.tpl".to_owned(), HELPERS.to_owned()),
        ("templates/NOTES.txt".to_owned(), "{{ .Values.s }}".to_owned()),
        ("charts/sub/Chart.yaml".to_owned(), SUBCHART.to_owned()),
        ("charts/sub/values.yaml".to_owned(), SUBCHART_VALUES.to_owned()),
        ("charts/sub/templates/config.yaml".to_owned(), SUBCHART_TEMPLATE.to_owned()),
    ]);
    let count = FRAGMENTS.len() as u64;
    for file in ["a", "b"] {
        let mut template = format!("kind: ConfigMap\nmetadata: {{name: {file}}}");
        for at in 0..8 {
            // Every fragment is in some chart; the rest of each chart is chance.
            let picked =
                if at == 0 { (seed * 2 + u64::from(file == "b")) % count } else { chance.below(count) };
            let fragment = FRAGMENTS[picked as usize].replace('@', &at.to_string());
            let fragment = fragment.replace("{{ fixed }}", "fixed");
            template.push('\n');
            template.push_str(&fragment);
        }
        template.push('\n');
        files.insert(format!("templates/{file}.yaml"), template);
    }
    files
}

/// A small source of numbers, the same for the same seed.
struct Chance(u64);

impl Chance {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        (mixed ^ (mixed >> 31)) % bound
    }
}
