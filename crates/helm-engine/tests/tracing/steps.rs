//! What the templates did for a field, and which of its reasons gave its text.

use std::collections::BTreeSet;

use helm_engine::render::{Reason, TemplateStep};
use helm_engine::trace::{StepKind, Trace};

use crate::inputs;

const HELPERS: &str = "{{ define \"image\" }}\n{{- if .Values.registry }}\n{{ .Values.registry }}/{{ .Values.repository }}\n{{- end }}\n{{ end }}";
const TEMPLATE: &str = "kind: ConfigMap
data:
  fixed: text
{{- if .Values.flag }}
  image: {{ include \"image\" . | trim | quote }}
{{- end }}
{{- with .Values.labels }}
  {{- toYaml . | nindent 2 }}
{{- end }}
  first: {{ .Values.absent | default .Values.tag }}
";

/// Returns the reasons of a field under `data`, its text's first, and the lines that wrote it.
fn check(key: &str, data: &[&str], control: &[&str], lines: &[&str]) {
    let files = [
        ("Chart.yaml", "{apiVersion: v2, name: c, version: 1.0.0}"),
        ("values.yaml", "{flag: true, registry: r, repository: web, tag: v1, labels: {team: a, tier: b}}"),
        ("templates/_helpers.tpl", HELPERS),
        ("templates/a.yaml", TEMPLATE),
    ];
    let files = files.map(|(path, text)| (path.to_owned(), text.to_owned())).into();
    let rendered = inputs::small("steps", &files).render(Trace::Steps);
    let fields = &rendered.trace.manifests[0];
    let field = fields.iter().find(|field| field.path.last().is_some_and(|last| &**last == key));
    let field = field.expect("the field is rendered");
    let named = |reasons: &mut dyn Iterator<Item = &Reason>| {
        reasons.map(|reason| format!("{reason:?}")).collect::<BTreeSet<_>>()
    };
    let expected = |all: &[&str]| all.iter().map(|one| (*one).to_owned()).collect::<BTreeSet<_>>();
    assert_eq!(named(&mut field.data.iter()), expected(data), "{key}");
    let rest = &mut field.reasons.iter().filter(|reason| !field.data.contains(reason));
    assert_eq!(named(rest), expected(control), "{key}");
    let step = |step: &TemplateStep| {
        let kind = if step.kind == StepKind::Guard { " if" } else { "" };
        format!("{}:{}{kind}", step.template, step.line)
    };
    assert_eq!(field.steps.iter().map(step).collect::<Vec<_>>(), lines, "{key}");
}

#[test]
fn literal_text_has_its_line_and_no_data() {
    check("fixed", &[], &[], &["c/templates/a.yaml:3"]);
}

#[test]
fn a_field_through_a_helper_names_the_call_the_condition_and_the_lines_of_the_helper() {
    check(
        "image",
        &["Value(\"registry\")", "Value(\"repository\")"],
        &["Value(\"flag\")"],
        &[
            "c/templates/a.yaml:4 if",
            "c/templates/a.yaml:5",
            "c/templates/_helpers.tpl:2 if",
            "c/templates/_helpers.tpl:3",
        ],
    );
}

#[test]
fn a_leaf_of_a_printed_map_comes_from_its_own_value() {
    check(
        "team",
        &["Shape(\"labels\")", "Value(\"labels.team\")"],
        &[],
        &["c/templates/a.yaml:7 if", "c/templates/a.yaml:8"],
    );
}

#[test]
fn a_default_names_what_gave_the_text_and_what_was_not_there() {
    check("first", &["Shape(\"absent\")", "Value(\"tag\")"], &[], &["c/templates/a.yaml:10"]);
}
