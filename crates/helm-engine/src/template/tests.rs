//! Templates run alone: what they print, what they refuse with, and that hostile ones end.

use std::rc::Rc;
use std::sync::Arc;

use super::{Rendered, TemplateFile, TemplateSet};
use crate::context::{Context, Mode};
use crate::error::TemplateError;
use crate::limits::Limits;
use crate::stack::with_deep_stack;
use crate::trace::{Mark, Marks, Trace};
use crate::value::{Data, List, Map, MapType, Value};

fn values(trace: Trace) -> Value {
    let leaf = |path: &str, value: Value| match trace {
        Trace::Off => value,
        _ => value.marked(Marks::one(Mark::Value(Rc::from(path)))),
    };
    let map = |path: &str, entries: Vec<(&str, Value)>| {
        let entries = entries.into_iter().map(|(key, value)| (Rc::from(key.as_bytes()), value)).collect();
        Value::from(Data::Map(Map::at_path(MapType::Any, entries, Rc::from(path))))
    };
    let list = vec![leaf("l[0]", Value::from("x")), leaf("l[1]", Value::from("y"))];
    map(
        "",
        vec![
            ("a", leaf("a", Value::from("A"))),
            ("b", leaf("b", Value::from("B"))),
            ("n", leaf("n", Value::float(3.0))),
            ("off", leaf("off", Value::bool(false))),
            ("l", Data::List(List::at_path(list, Rc::from("l"))).into()),
            ("m", map("m", vec![("k", leaf("m.k", Value::from("K"))), ("z", leaf("m.z", Value::int64(7)))])),
        ],
    )
}

fn render(mode: Mode, trace: Trace, template: &str) -> Result<Rendered, TemplateError> {
    let helpers = "{{ define \"h\" }}<{{ . }}>{{ end }}{{ define \"loop\" }}{{ include \"loop\" . }}{{ end }}\
                   {{ define \"again\" }}{{ template \"again\" . }}{{ end }}";
    let file =
        |name: &str, text: &str| TemplateFile { name: Arc::from(name), text: Arc::from(text.as_bytes()) };
    let set = TemplateSet::parse(mode, [file("_h", helpers), file("f", template)])?;
    let root = [(Rc::from(&b"Values"[..]), values(trace))].into_iter().collect();
    let limits = Limits { steps: 3_000_000, ..Limits::default() };
    let mut context = Context::new(mode, trace, limits, [0; 32], 0);
    set.execute("f", Value::map(root), &mut context)
}

fn text(template: &str) -> String {
    match render(Mode::Helm3, Trace::Off, template) {
        Ok(rendered) => rendered.text.to_str_lossy().into_owned(),
        Err(error) => format!("! {}", error.message),
    }
}

#[track_caller]
fn check(cases: &[(&str, &str)]) {
    for (template, expected) in cases {
        assert_eq!(text(template), *expected, "{template}");
    }
}

#[test]
fn runs_actions_control_structures_and_variables() {
    check(&[
        ("{{ .Values.a }}-{{- \" x\" -}} y", "A- xy"),
        ("a{{/* c */}}b {{- /* c */ -}} c", "abc"),
        ("{{ if .Values.off }}1{{ else if .Values.a }}2{{ else }}3{{ end }}", "2"),
        ("{{ with .Values.no }}1{{ else with .Values.m }}{{ .k }}{{ end }}", "K"),
        ("{{ range $i, $x := .Values.l }}{{ $i }}{{ $x }}{{ end }}", "0x1y"),
        ("{{ range $k, $v := .Values.m }}{{ $k }}={{ $v }};{{ end }}", "k=K;z=7;"),
        ("{{ range 3 }}{{ if eq . 1 }}{{ continue }}{{ end }}{{ . }}{{ end }}", "02"),
        ("{{ range 9 }}{{ if eq . 2 }}{{ break }}{{ end }}{{ . }}{{ end }}", "01"),
        ("{{ range .Values.no }}1{{ else }}2{{ end }}", "2"),
        ("{{ $x := 1 }}{{ if true }}{{ $x = 2 }}{{ $x := 3 }}{{ end }}{{ $x }}", "2"),
        ("{{ $y := 0 }}{{ if false }}{{ $y := 1 }}{{ else }}{{ $y }}{{ end }}", "0"),
        ("{{ template \"h\" .Values.n }}{{ include \"h\" \"q\" | upper }}", "<3><Q>"),
        ("{{ block \"new\" .Values.b }}[{{ . }}]{{ end }}", "[B]"),
        (
            "{{ tpl \"{{ define \\\"own\\\" }}o{{ end }}{{ include \\\"own\\\" . }}{{ .Values.a }}\" . }}",
            "oA",
        ),
        (
            "{{ (dict \"a\" (list 1 2)).a }} {{ 1i }} {{ 'a' }} {{ 0x_1F }} {{ 1e6 }}",
            "[1 2] (0+1i) 97 31 1e+06",
        ),
        ("[{{ .Values.no }}{{ .Values.no | default \"d\" }}{{ print nil }}]", "[d<nil>]"),
        ("{{ or .Values.off 0 \"\" | quote }}{{ and 1 .Values.a }}", "\"\"A"),
        ("{{ index .Values.l 1 }}{{ index .Values \"m\" \"k\" }}{{ len .Values.l }}", "yK2"),
    ]);
}

#[test]
fn refuses_with_the_text_and_place_of_go() {
    let at = |place: &str| format!("! template: f:1:{place}");
    let cases = [
        (
            "{{ .Values.x.y }}",
            at("10: executing \"f\" at <.Values.x.y>: nil pointer evaluating interface {}.y"),
        ),
        (
            "{{ .Values.a.y }}",
            at("10: executing \"f\" at <.Values.a.y>: can't evaluate field y in type interface {}"),
        ),
        (
            "{{ $s := \"s\" }}{{ $s.y }}",
            at("20: executing \"f\" at <$s.y>: can't evaluate field y in type string"),
        ),
        (
            "{{ eq 1 \"1\" }}",
            at(
                "3: executing \"f\" at <eq 1 \"1\">: error calling eq: incompatible types for comparison: int and string",
            ),
        ),
        (
            "{{ upper .Values.x }}",
            at("16: executing \"f\" at <.Values.x>: wrong type for value; expected string; got interface {}"),
        ),
        ("{{ .Values.x | upper }}", at("15: executing \"f\" at <upper>: invalid value; expected string")),
        ("{{ upper 1 }}", at("9: executing \"f\" at <1>: expected string; found 1")),
        ("{{ upper }}", at("3: executing \"f\" at <upper>: wrong number of args for upper: want 1 got 0")),
        (
            "{{ template \"no\" }}",
            at("12: executing \"f\" at <{{template \"no\"}}>: template \"no\" not defined"),
        ),
        (
            "{{ range .Values.n }}{{ end }}",
            at("16: executing \"f\" at <.Values.n>: range can't iterate over 3"),
        ),
        (
            "{{ .Values.no | len }}",
            at(
                "16: executing \"f\" at <len>: error calling len: reflect: call of reflect.Value.Type on zero Value",
            ),
        ),
        (
            "{{ .Values.m.k 1 }}",
            at("10: executing \"f\" at <.Values.m.k>: k is not a method but has arguments"),
        ),
        ("{{ fail \"no\" }}", "! execution error at (f:1:3): no".to_string()),
        ("\n {{ required \"say a\" .Values.no }}", "! execution error at (f:2:4): say a".to_string()),
        ("{{ nofunc }}", "! parse error at (f:1): function \"nofunc\" not defined".to_string()),
        ("a\n{{ if }}", "! parse error at (f:2): missing value for if".to_string()),
        ("{{ if true }}", "! parse error at (f:1): unexpected EOF".to_string()),
    ];
    for (template, expected) in cases {
        assert_eq!(text(template), expected, "{template}");
    }
}

#[test]
fn shows_the_chain_of_includes_once_with_carets() {
    let template = "a: 1\nb: {{ include \"h\" (include \"h\" .Values.x.y) }}";
    let error = render(Mode::Helm4, Trace::Off, template).err().expect("a nil pointer is refused");
    assert_eq!(
        error.message,
        "f:2:38\n  executing \"f\" at <.Values.x.y>:\n    nil pointer evaluating interface {}.y"
    );
    let expected = "nil pointer evaluating interface {}.y
  at f:2:39
     2 | b: {{ include \"h\" (include \"h\" .Values.x.y) }}
       |                                       ^";
    assert_eq!(error.display(), expected);
}

#[test]
fn ends_endless_recursion_and_loops() {
    let endless_text = "{{ tpl \"{{ tpl .t . }}\" (dict \"t\" \"{{ tpl .t . }}\") }}";
    let cases = [
        (
            "{{ include \"loop\" . }}",
            "rendering template has a nested reference name: loop: unable to execute template",
        ),
        ("{{ template \"again\" . }}", "exceeded maximum template depth (100000)"),
        (endless_text, "tpl is nested more than 1000 levels deep"),
        ("{{ range 1000000000 }}{{ end }}", "the render needs more than 3000000 steps"),
        ("{{ repeat 1000000000 \"aaaa\" }}", "allowed"),
        (
            "{{ $d := dict }}{{ $_ := set $d \"d\" $d }}{{ $d }}",
            "the value is nested deeper than 10000 levels",
        ),
    ];
    with_deep_stack(|| {
        for (template, expected) in cases {
            let message = text(template);
            assert!(
                message.ends_with(expected),
                "{template}: {}",
                &message[message.len().saturating_sub(200)..]
            );
        }
    });
}

#[test]
fn frees_and_parses_what_is_nested_deeply() {
    with_deep_stack(|| {
        let deep = "{{ $d := dict }}{{ range 300000 }}{{ $d = dict \"d\" $d \"e\" (list $d) }}{{ end }}";
        assert_eq!(text(deep), "");
    });
    let parentheses = format!("{{{{ {}1{} }}}}", "(".repeat(5_000), ")".repeat(5_000));
    assert_eq!(text(&parentheses), "! parse error at (f:1): max expression depth exceeded");
    let nested = format!("{}{}", "{{ if 1 }}".repeat(5_000), "{{ end }}".repeat(5_000));
    assert_eq!(text(&nested), "! parse error at (f:1): max nesting depth exceeded");
}

fn marks_of(marks: Marks) -> String {
    let show = |mark: &Mark| match mark {
        Mark::Value(path) => path.to_string(),
        Mark::Shape(path) => format!("#{path}"),
        other => format!("{other:?}"),
    };
    let mut shown: Vec<String> = marks.resolve().iter().map(show).collect();
    shown.sort();
    shown.join(" ")
}

/// Shows each segment of the output with what it depends on.
fn traced(template: &str) -> String {
    let rendered = render(Mode::Helm4, Trace::Full, template).expect("the template renders");
    let text = rendered.text;
    let mut start = 0;
    let mut out = String::new();
    for segment in text.segments() {
        let piece = String::from_utf8_lossy(&text.bytes()[start..segment.end]).into_owned();
        out.push_str(&format!("{piece}[{}]", marks_of(segment.marks)));
        start = segment.end;
    }
    out
}

#[test]
fn keeps_what_each_piece_of_output_depends_on() {
    let cases = [
        ("x: {{ .Values.a }}!", "x: []A[a]![]"),
        ("{{ if .Values.off }}{{ else }}e{{ end }}", "e[off]"),
        ("{{ if .Values.a }}{{ .Values.b }}{{ end }}", "B[a b]"),
        ("{{ if .Values.no }}{{ else }}e{{ end }}", "e[#no]"),
        ("{{ range .Values.l }}{{ . }}{{ end }}", "x[#l l[0]]y[#l l[1]]"),
        ("{{ with .Values.m }}{{ .k }}{{ end }}", "K[#m m.k]"),
        ("{{ $x := 1 }}{{ if .Values.a }}{{ $x = 2 }}{{ end }}{{ $x }}", "2[a]"),
        ("{{ and .Values.a .Values.b }}", "B[a b]"),
        ("{{ or .Values.off .Values.b }}", "B[b off]"),
        ("{{ printf \"%s-%v\" .Values.a .Values.n }}", "A[a]-[]3[n]"),
        ("{{ include \"h\" .Values.a }}", "<[]A[a]>[]"),
        ("{{ tpl .Values.a . }}", "A[a]"),
        ("{{ tpl \"{{ .Values.b }}c\" . }}", "B[b]c[]"),
        ("{{ index .Values.m \"k\" }}", "K[m.k]"),
        ("{{ (dict \"q\" .Values.a).q }}", "A[a]"),
        ("{{ len .Values.l }}", "2[#l l[0] l[1]]"),
        ("{{ required \"r\" .Values.a }}", "A[a]"),
    ];
    for (template, expected) in cases {
        assert_eq!(traced(template), expected, "{template}");
    }
}

#[test]
fn says_what_a_file_read() {
    let cases = [
        ("{{ if .Values.off }}{{ .Values.a }}{{ end }}", "off"),
        ("{{ $x := .Values.a }}{{ upper $x }}", "a"),
        ("{{ .Values.no }}", "#no"),
        ("{{ if .Values.m }}{{ end }}", "#m"),
        ("{{ include \"h\" (dict \"a\" .Values.m) }}", "#m m.k m.z"),
    ];
    for (template, expected) in cases {
        let rendered = render(Mode::Helm4, Trace::Reads, template).expect("the template renders");
        assert_eq!(marks_of(rendered.reads), expected, "{template}");
    }
}
