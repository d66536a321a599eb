//! Flags and what Helm makes of them.

use super::*;

fn show(node: &Node) -> String {
    match &node.kind {
        NodeKind::Null => "null".to_owned(),
        NodeKind::Bool(value) => value.to_string(),
        NodeKind::Int(value) => value.to_string(),
        NodeKind::Float(value) => format!("{value}f"),
        NodeKind::String(text) => format!("{text:?}"),
        NodeKind::List(items) => format!("[{}]", items.iter().map(show).collect::<Vec<_>>().join(",")),
        NodeKind::Map(map) => show_map(map),
    }
}

fn show_map(map: &NodeMap) -> String {
    let entries: Vec<String> = map.iter().map(|(key, value)| format!("{key}:{}", show(value))).collect();
    format!("{{{}}}", entries.join(","))
}

fn parse(kind: SetKind, line: &str, mode: Mode) -> Result<String, String> {
    let mut into = NodeMap::new();
    let files =
        |path: &str| if path == "f" { Ok("text\n".to_owned()) } else { Err(format!("open {path}: gone")) };
    parse_into(line, kind, &mut into, 7, mode, &files)?;
    Ok(show_map(&into))
}

#[track_caller]
fn check(kind: SetKind, line: &str, expected: &str) {
    let (Ok(found) | Err(found)) = parse(kind, line, Mode::Helm4);
    assert_eq!(found, expected, "{line}");
}

#[test]
fn recognises_integers_booleans_and_null() {
    let check = |line, expected| check(SetKind::Typed, line, expected);
    check("n=1", "{n:1}");
    check("n=-3,p=+3,z=0", "{n:-3,p:3,z:0}");
    check("a=00,b=012,c=1.5,d=1e3,e=0x10", r#"{a:"00",b:"012",c:"1.5",d:"1e3",e:"0x10"}"#);
    check("n=9223372036854775808", r#"{n:"9223372036854775808"}"#);
    check("a=TRUE,b=False,c=NULL,d=", r#"{a:true,b:false,c:null,d:""}"#);
    check(" x = 1", r#"{ x :" 1"}"#);
}

#[test]
fn reads_lists_and_escapes() {
    let check = |line, expected| check(SetKind::Typed, line, expected);
    check("p={a,1,true}", r#"{p:["a",1,true]}"#);
    check("p={}", r#"{p:[""]}"#);
    check("p={a},q=1", r#"{p:["a"],q:1}"#);
    check(r"q=x\,y", r#"{q:"x,y"}"#);
    check(r"dot\.key=1", "{dot.key:1}");
    check(r"a\b=1", "{ab:1}");
    check("x=a=b", r#"{x:"a=b"}"#);
    check("x=[1]", r#"{x:"[1]"}"#);
    check("=1", "{}");
    check("l[0]=9,l[3]=7", "{l:[9,null,null,7]}");
    check("l[1].a.b=1,l[0]=2", "{l:[2,{a:{b:1}}]}");
    check("l[1][2]=x", r#"{l:[null,[null,null,"x"]]}"#);
    check("a.b=1,a.c=2", "{a:{b:1,c:2}}");
}

#[test]
fn refuses_in_the_words_of_helm() {
    let check = |line: &str, expected: &str| check(SetKind::Typed, line, expected);
    check("x", r#"key "x" has no value"#);
    check(",x=1", r#"key "" has no value (cannot end with ,)"#);
    check("x={a", "list must terminate with '}'");
    check("l[-1]=1", "negative -1 index not allowed");
    check("x[0]y=1", r#"unexpected data at end of array index: ['y']"#);
    check("x[a]=1", r#"error parsing index: strconv.Atoi: parsing "a": invalid syntax"#);
    check("x[65537]=1", "index of 65537 is greater than maximum supported index of 65536");
    check("a.=1", r#"key map "a" has no value"#);
    check(
        "a.b=1,a[0]=2",
        "unable to parse key: interface conversion: interface {} is map[string]interface {}, not []interface {}",
    );
    check(
        "a=1,a.b=2",
        "unable to parse key: interface conversion: interface {} is int64, not map[string]interface {}",
    );
    let deep = format!("{}x=1", "a.".repeat(31));
    check(&deep, "value name nested level is greater than maximum supported nested level of 30");
}

#[test]
fn takes_an_unclosed_index_for_the_end_in_helm_4_only() {
    assert_eq!(parse(SetKind::Typed, "a[0", Mode::Helm4), Ok("{}".to_owned()));
    assert_eq!(parse(SetKind::Typed, "a[0", Mode::Helm3), Err("error parsing index: EOF".to_owned()));
}

#[test]
fn reads_every_value_as_text() {
    check(SetKind::Text, "a=1,b={2,true},c=null", r#"{a:"1",b:["2","true"],c:"null"}"#);
}

#[test]
fn reads_values_as_json() {
    let check = |line, expected| check(SetKind::Json, line, expected);
    check(r#"a={"b":[1,null]},c="x" ,d=true"#, r#"{a:{b:[1f,null]},c:"x",d:true}"#);
    check("a=,b= ", "{a:null,b:null}");
    check("l[1]=2", "{l:[null,2f]}");
}

#[test]
fn reads_values_from_files() {
    check(SetKind::File, "a=f,b={f}", r#"{a:"text\n",b:["text\n"]}"#);
    check(SetKind::File, "a=g", "open g: gone");
}

#[test]
fn takes_a_literal_as_it_stands() {
    check(SetKind::Literal, r"a.b=x,y={1}\", r#"{a:{b:"x,y={1}\\"}}"#);
    check(SetKind::Literal, "l[1]=,", r#"{l:[null,","]}"#);
    check(SetKind::Literal, "x", r#"key "x" has no value"#);
}

#[test]
fn places_values_in_the_flag() {
    let mut into = NodeMap::new();
    parse_into("a=1,bc=2", SetKind::Typed, &mut into, 7, Mode::Helm4, &|_| Ok(String::new()))
        .expect("a valid line");
    assert_eq!(into["bc"].position, Position { source: 7, line: 1, column: 8 });
}
