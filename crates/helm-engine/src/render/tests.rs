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

/// Lists the late places of what a template prints, with `x` late.
fn late_places(x: &str, template: &str) -> Vec<String> {
    let mut layer = read_values(format!("x: {x}").as_bytes(), 0, Mode::Helm4).expect("valid values");
    for node in layer.as_map_mut().into_iter().flat_map(|map| map.values_mut()) {
        node.mark = InputMark::LATE;
    }
    let mut request = request();
    request.trace = Trace::Full;
    request.layers.push(layer);
    let rendered = render(&chart(Mode::Helm4, "{y: 1}", template), &request).expect("a valid render");
    let late = &rendered.trace.manifest_inputs[0].late;
    late.iter().map(|place| place.path.join(".")).collect()
}

#[test]
fn a_late_value_is_seen_in_the_same_places_when_it_is_empty() {
    let helper = "{{ define \"h\" }}b: {{ .Values.x }}\nc: fixed{{ end }}";
    let check = |template: &str, expected: &[&str]| {
        let template = format!("{helper}kind: X\n{template}\nlast: 1\n");
        for x in ["full", "''"] {
            assert_eq!(late_places(x, &template), expected, "{template} when x is {x}");
        }
    };
    check("a: {{ .Values.x }}", &["a"]);
    check("a:    {{ .Values.x }}  ", &["a"]);
    check("a: \"{{ .Values.x }}\"", &["a"]);
    check("a: {{ .Values.x | quote }}", &["a"]);
    check("a: x-{{ .Values.x }}-y", &["a"]);
    check("a: {{ printf \"https://%s/x\" .Values.x }}", &["a"]);
    check("a: {{ printf \"%s\" .Values.x }}", &["a"]);
    check("a: {{ .Values.x | default \"none\" }}", &["a"]);
    check("a: {{ .Values.x | upper | trim }}", &["a"]);
    check("a: {{ .Values.x | b64enc | quote }}", &["a"]);
    check("a: {{ or .Values.x \"none\" }}", &["a"]);
    check("a: {{ ternary .Values.x \"no\" true }}", &["a"]);
    check("a: {{ list .Values.x \"y\" | join \",\" | quote }}", &["a"]);
    check("a: {{ list \"y\" .Values.x | join \",\" | quote }}", &["a"]);
    check("a:{{ include \"h\" . | nindent 2 }}", &["a.b"]);
    check("a:{{ include \"h\" . | trim | nindent 2 }}", &["a.b"]);
    check("a:{{ toYaml (dict \"b\" .Values.x \"c\" 1) | nindent 2 }}", &["a.b"]);
    check("a:{{ tpl \"b: {{ .Values.x }}\\nc: 1\" . | nindent 2 }}", &["a.b"]);
    check("a: |\n  x={{ .Values.x }}\n  y=1", &["a"]);
    check("a:\n- {{ .Values.x }}\n- b", &["a.0"]);
    check("a: {{ .Values.x | replace \"f\" \"g\" }}", &["a"]);
    check("a: {{ cat .Values.x \"b\" }}", &["a"]);
}
