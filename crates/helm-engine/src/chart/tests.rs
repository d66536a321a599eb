//! Small charts, as text, and what loading and coalescing make of them.

use super::scoped::Scoped;
use super::*;
use crate::request::{Request, SetFlag};
use crate::strvals::SetKind;
use crate::tree::{Node, NodeKind};

/// Reads files out of a text: `== path` begins a file.
fn files(text: &str) -> Vec<SourceFile> {
    let files = text.split("== ").filter(|part| !part.trim().is_empty());
    files
        .map(|part| {
            let (path, content) = part.split_once('\n').expect("a path and a content");
            SourceFile::new(path.trim(), content.as_bytes())
        })
        .collect()
}

fn chart_yaml(more: &str) -> String {
    format!("== Chart.yaml\napiVersion: v2\nname: c\nversion: 1.0.0\n{more}\n")
}

#[track_caller]
fn check_refusal(text: &str, mode: Mode, expected: &str) {
    let error = Chart::load(files(text), mode).expect_err("no valid chart");
    assert_eq!(error.to_string(), expected, "{text}");
}

#[test]
fn refuses_bad_metadata_in_the_words_of_helm() {
    let json =
        "cannot load Chart.yaml: error unmarshaling JSON: while decoding JSON: json: cannot unmarshal ";
    let check = |more: &str, mode, expected: &str| check_refusal(&chart_yaml(more), mode, expected);
    let check_json = |more: &str, expected: &str| check(more, Mode::Helm4, &format!("{json}{expected}"));
    check_json("keywords: abc", "string into Go struct field Metadata.keywords of type []string");
    check_json(
        "maintainers: abc",
        "string into Go struct field Metadata.maintainers of type []*v2.Maintainer",
    );
    check_json(
        "maintainers: [abc]",
        "string into Go struct field Metadata.maintainers of type v2.Maintainer",
    );
    check_json(
        "maintainers: [{name: [1]}]",
        "array into Go struct field Maintainer.maintainers.name of type string",
    );
    check_json("deprecated: \"true\"", "string into Go struct field Metadata.deprecated of type bool");
    check_json(
        "annotations: [1]",
        "array into Go struct field Metadata.annotations of type map[string]string",
    );
    check("type: x", Mode::Helm3, "validation: chart.metadata.type must be application or library");
    check("maintainers: [null]", Mode::Helm4, "validation: maintainers must not contain empty or null nodes");
    check(
        "dependencies: [{name: a}, {name: a}]",
        Mode::Helm4,
        "validation: more than one dependency with name or alias \"a\"",
    );
    check(
        "dependencies: [{name: a, alias: b.c}]",
        Mode::Helm4,
        "validation: dependency \"a\" has disallowed characters in the alias",
    );
    check_refusal("== a\n", Mode::Helm3, "Chart.yaml file is missing");
    check_refusal("== Chart.yaml\nname: c\n", Mode::Helm3, "validation: chart.metadata.version is required");
    check_refusal(
        "== Chart.yaml\nname: c\nversion: x\n",
        Mode::Helm3,
        "validation: chart.metadata.version \"x\" is invalid",
    );
    check_refusal(
        "== Chart.yaml\nname: a/b\nversion: 1.0.0\n",
        Mode::Helm3,
        "validation: chart.metadata.name \"a/b\" is invalid",
    );
    check_refusal(
        &format!("{}== charts/y\nx", chart_yaml("")),
        Mode::Helm4,
        "error unpacking subchart y in c: Chart.yaml file is missing",
    );
    check_refusal(
        &format!("{}== charts/z.tgz\nx", chart_yaml("")),
        Mode::Helm4,
        "error unpacking subchart z.tgz in c: gzip: invalid header",
    );
    check_refusal(
        &format!("{}== values.yaml\na: [", chart_yaml("")),
        Mode::Helm3,
        "cannot load values.yaml: error converting YAML to JSON: yaml: line 1: did not find expected node content",
    );
}

#[test]
fn turns_scalars_of_metadata_into_text() {
    let app_version = |text: &str| {
        let chart = Chart::load(files(&chart_yaml(&format!("appVersion: {text}"))), Mode::Helm4);
        chart.expect("a valid chart").metadata().app_version.clone()
    };
    assert_eq!(app_version("1.10"), "1.1");
    assert_eq!(app_version("1e6"), "1e+06");
    assert_eq!(app_version("123456789012345678"), "123456789012345678");
    assert_eq!(app_version("yes"), "true");
    assert_eq!(app_version("2001-01-01"), "2001-01-01");
}

fn show(node: &Node) -> String {
    match &node.kind {
        NodeKind::List(items) => format!("[{}]", items.iter().map(show).collect::<Vec<_>>().join(",")),
        NodeKind::Map(map) => {
            format!(
                "{{{}}}",
                map.iter().map(|(key, value)| format!("{key}:{}", show(value))).collect::<Vec<_>>().join(",")
            )
        }
        NodeKind::Null => "null".to_owned(),
        _ => crate::gotext::print(node),
    }
}

/// Coalesces a chart's values with `--set` flags.
fn values(text: &str, sets: &[&str], mode: Mode) -> Result<String, String> {
    let chart = Chart::load(files(text), mode).map_err(|error| error.to_string())?;
    let mut request = Request::new("r", "v1.34.0");
    request.sets =
        sets.iter().map(|line| SetFlag { kind: SetKind::Typed, line: (*line).to_owned() }).collect();
    crate::render::effective_values(&chart, &request)
        .map(|node| show(&node))
        .map_err(|error| error.to_string())
}

#[track_caller]
fn check_values(text: &str, sets: &[&str], mode: Mode, expected: &str) {
    let (Ok(found) | Err(found)) = values(text, sets, mode);
    assert_eq!(found, expected, "{sets:?} over {text}");
}

#[test]
fn deletes_and_keeps_nulls_as_each_helm_does() {
    let chart = format!("{}== values.yaml\na: null\nb: {{c: null, d: 1}}\n", chart_yaml(""));
    check_values(&chart, &[], Mode::Helm3, "{a:null,b:{c:null,d:1}}");
    check_values(&chart, &[], Mode::Helm4, "{b:{d:1}}");
    check_values(&chart, &["b.d=null"], Mode::Helm3, "{a:null,b:{c:null}}");
    check_values(&chart, &["b=null"], Mode::Helm4, "{}");
    check_values(&chart, &["zz.y=null"], Mode::Helm4, "{b:{d:1},zz:{y:null}}");
}

const WITH_SUBCHART: &str = "== charts/s/Chart.yaml\napiVersion: v2\nname: s\nversion: 1.0.0\n\
                             == charts/s/values.yaml\nk: 1\nglobal: {a: {b: {x: 1}}}\n";

#[test]
fn hands_values_and_globals_to_subcharts() {
    let chart = format!("{}{WITH_SUBCHART}", chart_yaml(""));
    check_values(&chart, &[], Mode::Helm4, "{s:{global:{a:{b:{x:1}}},k:1}}");
    check_values(
        &chart,
        &["global.g=1", "s.k=2"],
        Mode::Helm4,
        "{global:{g:1},s:{global:{a:{b:{x:1}},g:1},k:2}}",
    );
    check_values(&chart, &["s=x"], Mode::Helm4, "type mismatch on s: %!t(string=x)");
    check_values(&chart, &["s=null"], Mode::Helm3, "type mismatch on s: %!t(<nil>)");
}

#[test]
fn lets_nested_globals_of_a_child_reach_its_parent() {
    let chart = format!("{}{WITH_SUBCHART}", chart_yaml(""));
    let expected = "{global:{a:{b:{x:1,y:2}}},s:{global:{a:{b:{x:1,y:2}}},k:1}}";
    check_values(&chart, &["global.a.b.y=2"], Mode::Helm4, expected);
}

#[test]
fn reads_several_documents_of_values_in_helm_4_only() {
    let chart = format!("{}== values.yaml\na: 1\n--- # c\nb: 1\n---\n---\n# c\n---\nnull\n", chart_yaml(""));
    check_values(&chart, &[], Mode::Helm3, "{a:1}");
    check_values(&chart, &[], Mode::Helm4, "{a:1,b:1}");
}

#[test]
fn enables_by_tags_and_conditions_and_renames_by_alias() {
    let dependencies = "dependencies:\n- {name: s, version: 1.x, condition: \"no,s.on\", tags: [t]}\n\
                        - {name: s, version: 1.x, alias: other}";
    let chart = format!("{}{WITH_SUBCHART}", chart_yaml(dependencies));
    let subcharts = |sets: &[&str]| {
        let chart = Chart::load(files(&chart), Mode::Helm4).expect("a valid chart");
        let mut request = Request::new("r", "v1.34.0");
        request.sets =
            sets.iter().map(|line| SetFlag { kind: SetKind::Typed, line: (*line).to_owned() }).collect();
        let mut scoped = Scoped::new(chart.root());
        let user = request.user_values(Mode::Helm4).expect("valid flags");
        dependencies::process(&mut scoped, &user, Mode::Helm4, &mut Vec::new()).expect("valid dependencies");
        scoped.dependencies.into_iter().map(|subchart| subchart.name).collect::<Vec<_>>()
    };
    assert_eq!(subcharts(&[]), ["s", "other"]);
    assert_eq!(subcharts(&["tags.t=false"]), ["other"]);
    assert_eq!(subcharts(&["tags.t=false,s.on=true"]), ["s", "other"]);
    assert_eq!(subcharts(&["s.on=false"]), ["other"]);
}

#[test]
fn imports_values_below_the_parents_own() {
    let dependencies =
        "dependencies:\n- {name: s, version: 1.x, import-values: [d, {child: deep, parent: to.here}]}";
    let chart = format!(
        "{}== values.yaml\nx: 1\n{}",
        chart_yaml(dependencies),
        "== charts/s/Chart.yaml\napiVersion: v2\nname: s\nversion: 1.0.0\n\
         == charts/s/values.yaml\nexports: {d: {x: 2, w: 3}}\ndeep: {z: 4}\n"
    );
    let expected = "{s:{deep:{z:4},exports:{d:{w:3,x:2}},global:{}},to:{here:{z:4}},w:3,x:1}";
    check_values(&chart, &[], Mode::Helm4, expected);
}

#[test]
fn names_missing_dependencies() {
    let chart = chart_yaml("dependencies: [{name: a}, {name: b}]");
    check_values(
        &chart,
        &[],
        Mode::Helm4,
        "an error occurred while checking for chart dependencies. You may need to run 'helm dependency build' to \
         fetch missing dependencies: found in Chart.yaml, but missing in charts/ directory: a, b",
    );
}

#[test]
fn keeps_the_place_of_every_value() {
    let chart = format!("{}{WITH_SUBCHART}", chart_yaml(""));
    let chart = Chart::load(files(&chart), Mode::Helm4).expect("a valid chart");
    let values =
        crate::render::effective_values(&chart, &Request::new("r", "v1.34.0")).expect("valid values");
    let k = &values.as_map().expect("a map")["s"].as_map().expect("a map")["k"];
    assert_eq!(chart.source_name(k.position), Some("charts/s/values.yaml"));
    assert_eq!((k.position.line, k.key_position.line), (1, 1));
}

#[test]
fn validates_against_schemas_in_the_words_of_helm() {
    let schema = r#"{"properties":{"n":{"type":"integer"},"e":{"enum":["a",1.5,null]},
        "m":{"maximum":0},"l":{"minLength":1234},"p":{"required":["x","y"]}},"required":["need"]}"#;
    let text = format!("{}== values.schema.json\n{schema}", chart_yaml(""));
    let found = values(&text, &["n=x,e=b,m=1234567,l=x,p.z=1"], Mode::Helm4).expect_err("violations");
    let mut lines: Vec<&str> = found.lines().collect();
    lines.sort_unstable();
    assert_eq!(
        lines,
        [
            "- at '': missing property 'need'",
            "- at '/e': value must be one of 'a', 1.5, <nil>",
            "- at '/l': minLength: got 1, want 1,234",
            "- at '/m': maximum: got 1.234567×10⁰⁶, want 0",
            "- at '/n': got string, want integer",
            "- at '/p': missing properties 'x', 'y'",
            "c:",
            "values don't meet the specifications of the schema(s) in the following chart(s):",
        ]
    );
}
