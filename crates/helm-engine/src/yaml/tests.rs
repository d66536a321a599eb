//! What the Go libraries have no words for: places, spans, marks, depth. The rest is compared with recorded answers.

use super::*;
use crate::trace::{Mark, Marks, Told, Trace};
use crate::value::{Data, Segment};

fn place(text: &str, path: &[&str]) -> (u32, u32, u32, u32) {
    let mut node = read_map(text.as_bytes(), 7).expect("the text is YAML");
    for key in path {
        node = match &node.kind {
            NodeKind::Map(map) => map[*key].clone(),
            NodeKind::List(list) => list[key.parse::<usize>().expect("a list has numbers")].clone(),
            other => panic!("{other:?} has no {key}"),
        };
    }
    let (value, key) = (node.position, node.key_position);
    assert_eq!((value.source, key.source), (7, 7));
    (key.line, key.column, value.line, value.column)
}

#[test]
fn every_value_and_key_knows_its_place() {
    assert_eq!(place("a: 1", &["a"]), (1, 1, 1, 4));
    assert_eq!(place("a:\n  b: x\n", &["a", "b"]), (2, 3, 2, 6));
    assert_eq!(place("a:\n  b: x\n", &["a"]), (1, 1, 2, 3));
    assert_eq!(place("a:\n- x\n- y\n", &["a", "1"]), (3, 3, 3, 3));
    assert_eq!(place("é: {ü: x}", &["é", "ü"]), (1, 6, 1, 10));
    assert_eq!(place("a: &x\n  b: 1\nc: *x\n", &["c"]), (3, 1, 1, 4));
    assert_eq!(place("# c\r\n\r\na: |\r\n  x\r\n", &["a"]), (3, 1, 3, 4));
    assert_eq!(place("\u{FEFF}a: 1", &["a"]), (1, 1, 1, 4));
}

#[test]
fn documents_of_helm_4_keep_the_lines_of_their_file() {
    let found = read_documents(b"# c\na: 1\n---\nb: 2\n--- # d\n", 0).expect("the text is YAML");
    let lines: Vec<u32> = found
        .iter()
        .map(|node| node.as_map().expect("a map").values().map(|v| v.position.line).sum())
        .collect();
    assert_eq!(lines, [2, 4]);
    let error = read_documents(b"a: 1\n---\nb: [\n", 0).expect_err("the list is open");
    assert!(
        error
            .message
            .starts_with("cannot unmarshal yaml document: error converting YAML to JSON: yaml: line 1")
    );
    assert_eq!(error.line, 4);
    let error = read_documents(b"a: 1\n--- b\n", 0).expect_err("a separator stands alone");
    assert_eq!(error.message, "error reading yaml document: invalid Yaml document separator: b");
}

#[test]
fn fields_know_the_bytes_they_came_from() {
    let text = "kind: A\nspec:\n  list:\n  - 'x'\n  m: 012\n";
    let root = read_with_spans(text.as_bytes()).expect("the text is YAML").expect("the text holds a value");
    let spec = root.get("spec").expect("there is a spec");
    let number = spec.get("m").expect("there is an m");
    assert_eq!(&text[number.span.clone()], "012");
    assert_eq!(&text[number.key_span.clone()], "m");
    assert_eq!((number.kind.clone(), number.line), (FieldKind::Int(10), 5));
    let FieldKind::List(items) = &spec.get("list").expect("there is a list").kind else {
        panic!("a list is a list")
    };
    assert_eq!(&text[items[0].span.clone()], "'x'");
    assert_eq!(read_with_spans(b"# only a comment\n"), Ok(None));
}

fn mark(name: &str) -> Marks {
    Marks::one(Mark::Value(name.into()))
}

#[test]
fn marks_go_from_leaf_to_text_and_back() {
    let map = crate::value::Map::default();
    map.set("a", Value::text("x").marked(mark("a")));
    map.set("b", Value::list(vec![Value::int(1), Value::text("y\nz").marked(mark("b"))]));
    let text = to_yaml(&Value::from(Data::Map(map)), Trace::Full).expect("it can be written");
    assert_eq!(&*text.to_str_lossy(), "a: x\nb:\n- 1\n- |-\n  y\n  z");
    let value = read_value(&text, Target::MAP).expect("it can be read");
    let map = value.as_map().expect("it is a map");
    assert_eq!(map.get("a").expect("there is an a").marks, mark("a"));
    let list = map.get("b").expect("there is a b");
    let items = list.as_list().expect("it is a list").items().to_vec();
    assert_eq!((items[0].marks, items[1].marks), (Marks::NONE, mark("b")));
}

#[test]
fn marks_between_takes_every_segment_it_overlaps() {
    let segments = [(3, "a"), (5, "b"), (9, "c")].map(|(end, name)| Segment {
        end,
        marks: mark(name),
        told: Told::default(),
    });
    assert_eq!(marks_between(&segments, 0, 3), mark("a"));
    assert_eq!(marks_between(&segments, 2, 4), mark("a").union(mark("b")));
    assert_eq!(marks_between(&segments, 5, 9), mark("c"));
    assert_eq!(marks_between(&segments, 4, 4), mark("b"));
}

#[test]
fn depth_costs_no_native_stack_while_reading() {
    let deep = "[".repeat(10_001);
    let error = read_with_spans(deep.as_bytes()).expect_err("the text is too deep");
    assert_eq!(error.message, "error converting YAML to JSON: yaml: exceeded max depth of 10000");
    let open = "[".repeat(9_000);
    let error = read_with_spans(open.as_bytes()).expect_err("the text is open");
    assert!(error.message.contains("did not find expected node content"), "{}", error.message);
}

#[test]
fn aliases_may_not_blow_a_document_up() {
    let mut text = String::from("a0: &a0 [x,x,x,x,x,x,x,x,x,x]\n");
    for level in 1..9 {
        let alias = format!("*a{},", level - 1).repeat(10);
        text.push_str(&format!("a{level}: &a{level} [{alias}]\n"));
    }
    let error = read_map(text.as_bytes(), 0).expect_err("the document is a bomb");
    assert_eq!(error.message, "error converting YAML to JSON: yaml: document contains excessive aliasing");
}
