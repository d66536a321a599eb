//! Whole renders: what is refused in which words, and what a trace says.

use super::*;
use crate::chart::SourceFile;
use crate::request::read_values;
use crate::trace::Trace;
use crate::tree::InputMark;

fn chart(mode: Mode, values: &str, template: &str) -> Chart {
    let files = vec![
        SourceFile::new("Chart.yaml", *b"{apiVersion: v2, name: c, version: 1.0.0}"),
        SourceFile::new("values.yaml", values.as_bytes()),
        SourceFile::new("templates/a.yaml", template.as_bytes()),
    ];
    Chart::load(files, mode).expect("a valid chart")
}

fn request() -> Request {
    Request::new("r", "v1.34.0")
}

/// Returns what each field of the only manifest depends on, as `path: reasons`.
fn reasons(values: &str, template: &str, layer: Option<Node>) -> Vec<String> {
    let mut request = request();
    request.trace = Trace::Full;
    request.layers.extend(layer);
    let rendered = render(&chart(Mode::Helm4, values, template), &request).expect("a valid render");
    let show = |field: &FieldReasons| {
        let reasons: Vec<String> = field.reasons.iter().map(|reason| format!("{reason:?}")).collect();
        format!("{}: {}", field.path.join("."), reasons.join(" "))
    };
    rendered.trace.manifests[0].iter().map(show).collect()
}

#[test]
fn can_be_shared_between_threads() {
    fn is_shared<T: Send + Sync>() {}
    is_shared::<Chart>();
    is_shared::<Request>();
    is_shared::<Rendered>();
    is_shared::<RenderError>();
}

#[test]
fn tells_which_values_decided_a_field() {
    let template = "a: {{ .Values.x }}\nb: fixed\n{{ if .Values.flag }}c: 1{{ end }}\n";
    assert_eq!(
        reasons("{x: 1, flag: true}", template, None),
        ["a: Value(\"x\")", "b: ", "c: Value(\"flag\")"]
    );
}

#[test]
fn marks_what_secrets_reach() {
    let mut layer = read_values(b"x: secret", 0, Mode::Helm4).expect("valid values");
    for node in layer.as_map_mut().into_iter().flat_map(|map| map.values_mut()) {
        node.mark = InputMark::SENSITIVE;
    }
    let found = reasons("{x: 1, z: 2}", "a: {{ .Values.x | b64enc }}\nb: {{ .Values.z }}\n", Some(layer));
    assert_eq!(found, ["a: Value(\"x\") Sensitive(\"x\")", "b: Value(\"z\")"]);
}

#[test]
fn keeps_what_each_template_read() {
    let mut request = request();
    request.trace = Trace::Reads;
    let chart = chart(Mode::Helm4, "{x: 1, z: 2}", "a: {{ .Values.x }}{{ .Values.none }}\n");
    let rendered = render(&chart, &request).expect("a valid render");
    let reads = &rendered.trace.templates[0];
    assert_eq!(reads.template, "c/templates/a.yaml");
    assert!(reads.reads.contains(&Reason::Value("x".into())), "{reads:?}");
    assert!(reads.reads.contains(&Reason::Shape("none".into())), "{reads:?}");
    assert!(!reads.reads.contains(&Reason::Value("z".into())), "{reads:?}");
}

#[test]
fn shows_the_line_that_failed() {
    let error = render(&chart(Mode::Helm4, "", "a: 1\nb: {{ .Values.x.y }}\n"), &request())
        .expect_err("a nil pointer");
    let location = error.location().expect("a place");
    assert_eq!((location.template.as_str(), location.line), ("c/templates/a.yaml", 2));
    assert!(error.excerpt().is_some_and(|excerpt| excerpt.contains("b: {{ .Values.x.y }}")));
    assert!(error.to_helm_text().ends_with("\n\nUse --debug flag to render out invalid YAML\n"));
}

#[test]
fn shows_the_line_of_a_document_that_is_no_yaml() {
    let error = render(&chart(Mode::Helm3, "", "a: 1\nb: [\n"), &request()).expect_err("bad YAML");
    assert!(
        error.message().starts_with("YAML parse error on c/templates/a.yaml: error converting YAML to JSON")
    );
}

#[test]
fn renders_the_same_twice_and_with_any_trace() {
    let chart = chart(Mode::Helm4, "x: 1", "b: {{ now }}\nc: {{ .Values.x }}\n");
    let text = |trace| {
        let request = Request { trace, ..request() };
        render(&chart, &request).expect("a valid render").manifests.remove(0).text
    };
    assert_eq!(text(Trace::Off), text(Trace::Off));
    assert_eq!(text(Trace::Off), text(Trace::Full));
}

#[test]
fn refuses_release_names_in_the_words_of_each_helm() {
    let refusal = |mode| {
        let request = Request::new("A_B", "v1.34.0");
        render(&chart(mode, "", ""), &request).expect_err("a bad name").to_string()
    };
    assert!(refusal(Mode::Helm3).starts_with("release name \"A_B\": invalid release name"));
    assert!(
        refusal(Mode::Helm4)
            .starts_with("release name check failed: release name \"A_B\": invalid release name")
    );
}

#[test]
fn prints_the_same_with_a_trace_where_included_text_begins_like_what_is_before_it() {
    let template = "{{- define \"x\" -}}\nn: {{ .Chart.Name }}\nr: 1\n{{- end -}}\na:\n{{- include \"x\" . | nindent 2 }}\n";
    let text = |trace| {
        let request = Request { trace, ..request() };
        render(&chart(Mode::Helm4, "", template), &request).expect("a valid render").manifests.remove(0).text
    };
    assert_eq!(text(Trace::Full), text(Trace::Off));
}
