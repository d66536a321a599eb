//! A trace must not say that everything depends on everything.

use helm_engine::Mode;
use helm_engine::render::Reason;
use helm_engine::trace::Trace;

use crate::inputs;

#[test]
fn names_few_values_for_most_fields() {
    let (mut fields, mut values, mut free, mut most) = (0usize, 0usize, 0usize, (0, String::new()));
    for input in inputs::corpus(Mode::Helm4) {
        let rendered = input.render(Trace::Full);
        for field in rendered.trace.manifests.iter().chain(&rendered.trace.hooks).flatten() {
            let count = field.reasons.iter().filter(|reason| matches!(reason, Reason::Value(_))).count();
            fields += 1;
            values += count;
            free += usize::from(count == 0);
            if count > most.0 {
                most = (count, format!("{}: {:?}", input.name, field.path));
            }
        }
    }
    assert!(values < fields, "{values} values for {fields} fields, most of them for {most:?}");
    assert!(free * 2 > fields, "{free} of {fields} fields depend on no value");
}

#[test]
fn names_nothing_for_a_field_that_is_always_the_same() {
    let template =
        "kind: ConfigMap\n{{ if .Values.flag }}more: 1\n{{ end }}data:\n  a: fixed\n  b: {{ .Values.b }}\n";
    let files = [
        ("Chart.yaml", "{apiVersion: v2, name: c, version: 1.0.0}"),
        ("values.yaml", "{flag: true, b: 1}"),
        ("templates/a.yaml", template),
    ];
    let files = files.map(|(path, text)| (path.to_owned(), text.to_owned())).into();
    let rendered = inputs::small("literals", &files).render(Trace::Full);
    let without = |path: &&[&str]| {
        let field = rendered.trace.manifests[0]
            .iter()
            .find(|field| field.path.iter().map(|key| &**key).eq(path.iter().copied()));
        field.expect("the field").reasons.is_empty()
    };
    assert!(without(&&["kind"][..]));
    assert!(without(&&["data", "a"][..]));
    assert!(!without(&&["data", "b"][..]));
    assert!(!without(&&["more"][..]));
}

/// Renders a template with `x` unset, and says which fields depend on it.
fn fields_deciding_on_x(template: &str) -> Vec<String> {
    let files = [
        ("Chart.yaml", "{apiVersion: v2, name: c, version: 1.0.0}"),
        ("values.yaml", "{x: \"\", l: [], y: 1}"),
        ("templates/_h.tpl", "{{ define \"h\" }}{{ if .Values.x }}more: 1{{ end }}{{ end }}"),
        ("templates/a.yaml", template),
    ];
    let files = files.map(|(path, text)| (path.to_owned(), text.to_owned())).into();
    let rendered = inputs::small("silence", &files).render(Trace::Full);
    let is_x = |reason: &Reason| {
        matches!(reason, Reason::Value(path) if &**path == "x" || &**path == "l")
            || matches!(reason, Reason::Shape(path) if &**path == "l" || &**path == "nope")
    };
    let fields = rendered.trace.manifests[0].iter().filter(|field| field.reasons.iter().any(is_x));
    fields.map(|field| field.path.join(".")).collect()
}

#[test]
fn names_what_decided_that_nothing_was_printed_in_a_field() {
    let check = |template: &str, expected: &[&str]| {
        let template = format!("kind: X\n{template}\nlast: 1\n");
        assert_eq!(fields_deciding_on_x(&template), expected, "{template}");
    };
    check("a: {{ if .Values.x }}3{{ end }}1", &["a"]);
    check("a: 1{{ if .Values.x }}3{{ end }}", &["a"]);
    check("a: 1{{ with .Values.x }}{{ . }}{{ end }}2", &["a"]);
    check("a: {{ range .Values.l }}{{ . }}{{ end }}1", &["a"]);
    check("a: {{ .Values.x }}", &["a"]);
    check("a: {{ .Values.nope }}", &["a"]);
    check("a: {{ if .Values.x }}b{{ end }}", &["a"]);
    check("a:\n  {{- if .Values.x }}\n  b: 1\n  {{- end }}", &["a"]);
    check("a:\n{{ if .Values.x }}  b: 1\n{{ end }}", &["a"]);
    check("a:\n  {{- include \"h\" . | nindent 2 }}", &["a"]);
    check("a: 1\n{{- if .Values.x }}\nb: 2\n{{- end }}", &[]);
    check("a: 1\n{{ if .Values.x }}b: 2\n{{ end }}", &[]);
    check("a: 1\n{{- with .Values.x }}\nb: {{ . }}\n{{- end }}\nc: 3", &[]);
    check("a: {{ if .Values.y }}1{{ end }}2", &[]);
}
