//! The functions through templates: a few cases per family, for reading. What the real Helm answers to thousands more
//! is in the corpus.

use std::rc::Rc;
use std::sync::Arc;

use crate::context::{Context, Mode};
use crate::limits::Limits;
use crate::template::{TemplateFile, TemplateSet};
use crate::trace::{Mark, Marks, Trace};
use crate::value::{Data, Entries, List, Map, MapType, Text, Value};

/// Runs `{{ EXPRESSION }}` with `root` as the dot.
fn run(trace: Trace, limits: Limits, expression: &str, root: Value) -> Result<Text, String> {
    let text = Arc::from(format!("{{{{ {expression} }}}}").as_bytes());
    let file = TemplateFile { name: Arc::from("t"), text };
    let set = TemplateSet::parse(Mode::Helm4, [file]).map_err(|error| error.to_string())?;
    let mut context = Context::new(Mode::Helm4, trace, limits, [0; 32], 1_700_000_000_000_000_000);
    set.execute("t", root, &mut context).map(|rendered| rendered.text).map_err(|error| error.to_string())
}

fn check(expression: &str, expected: &str) {
    let result = run(Trace::Off, Limits::default(), expression, Value::NIL);
    assert_eq!(result.map(|text| text.to_str_lossy().into_owned()), Ok(expected.to_string()), "{expression}");
}

fn check_error(expression: &str, expected: &str) {
    let error = run(Trace::Off, Limits::default(), expression, Value::NIL)
        .map(|text| text.to_str_lossy().into_owned());
    let error = error.expect_err(expression);
    assert!(error.ends_with(expected), "{expression}\n  got {error}\n want {expected}");
}

#[test]
fn text() {
    check(r#"trunc -3 "hello""#, "llo");
    check(r#"substr 2 -1 "hello""#, "llo");
    check(r#"abbrev 5 "hello world""#, "he...");
    check(r#"snakecase "HTTPServer2Go""#, "http_server2_go");
    check(r#"camelcase "http_server""#, "HttpServer");
    check(r#"initials "é x""#, "Ãx");
    check(r#"cat 1 nil "a" 2.5"#, "1 a 2.5");
    check(r#"list 1 nil "a" | join "-""#, "1-a");
    check(r#"quote "a\"b" nil 1"#, r#""a\"b" "1""#);
    check(r#"replace "" "-" "aé""#, "-a-é-");
    check(r#"nindent 2 "a\nb""#, "\n  a\n  b");
    check(r#"splitn "/" 2 "a/b/c""#, "map[_0:a _1:b/c]");
    check_error("repeat -1 \"a\"", "strings: negative Repeat count");
    check_error(r#"substr 3 2 "abc""#, "runtime error: slice bounds out of range [3:2]");
}

#[test]
fn lists() {
    check("first (list)", "");
    check("rest (list 1 2) | typeOf", "[]interface {}");
    check("has 1 (list 1.0)", "false");
    check("chunk 2 (list 1 2 3)", "[[1 2] [3]]");
    check("uniq (list 1 1.0 1)", "[1 1]");
    check("deepEqual (concat list list) list", "false");
    check_error("first nil", "runtime error: invalid memory address or nil pointer dereference");
    check_error("append 1 2", "Cannot push on type int");
    check_error("slice (list 1) 2", "reflect.Value.Slice: slice index out of bounds");
}

#[test]
fn maps() {
    check(r#"dict 1 "a" "b""#, "map[1:a b:]");
    check(
        r#"merge (dict "a" false "b" (dict "x" 1)) (dict "a" 2 "b" (dict "y" 3))"#,
        "map[a:2 b:map[x:1 y:3]]",
    );
    check(r#"mergeOverwrite (dict "a" 1 "b" 2) (dict "a" nil "b" "")"#, "map[a:<nil> b:]");
    check(r#"dig "a" "b" "none" (dict "a" (dict))"#, "none");
    check(r#"omit (dict "a" 1 "b" 2) "a""#, "map[b:2]");
    check(r#"keys (dict "b" 1) (dict "a" 1)"#, "[b a]");
    check_error(
        r#"dig "a" "b" 1 (dict "a" 2)"#,
        "interface conversion: interface {} is int, not map[string]interface {}",
    );
}

#[test]
fn merged_maps_are_shared_until_copied() {
    check(
        r#"$s := dict "m" (dict "k" 1) }}{{ $d := merge (dict) $s }}{{ $_ := set $d.m "k" 2 }}{{ $s.m.k"#,
        "2",
    );
    check(
        r#"$s := dict "m" (dict "k" 1) }}{{ $d := merge (dict) (deepCopy $s) }}{{ $_ := set $d.m "k" 2 }}{{ $s.m.k"#,
        "1",
    );
}

#[test]
fn numbers() {
    check(
        r#"list (int "0x1F") (int "1_000") (int "08") (int "3.7") (int "3.0") (int 3.9)"#,
        "[31 1000 0 0 3 3]",
    );
    check("mulf 1.1 3", "3.3");
    check("divf 1 3", "0.3333333333333333");
    check("round 2.5 0", "3");
    check("until -2", "[0 -1]");
    check("seq 1 2 5", "1 3 5");
    check("add 1 2 | typeOf", "int64");
    check_error("div 1 0", "runtime error: integer divide by zero");
    check_error("divf 1 0", "decimal division by 0");
}

#[test]
fn expressions() {
    check(r#"regexReplaceAll "a(x*)b" "-ab-axxb-" "${1}W""#, "-W-xxW-");
    check(r#"regexReplaceAll "a(x*)b" "-ab-axxb-" "$1W""#, "---");
    check(r#"regexFindAll "[2468]" "123456" 2"#, "[2 4]");
    check(r#"regexSplit "z+" "pizza" -1"#, "[pi a]");
    check(r#"regexMatch "(" "a""#, "false");
    check_error(r#"regexFind "(" "a""#, "regexp: Compile(`(`): error parsing regexp: missing closing ): `(`");
    check_error(
        r#"mustRegexFind "a**" "a""#,
        "error parsing regexp: invalid nested repetition operator: `**`",
    );
    check_error(
        r#"mustRegexFind "(a{100}){100}" "a""#,
        "error parsing regexp: invalid repeat count: `{100}`",
    );
}

#[test]
fn dates() {
    check(r#"now | date "2006-01-02T15:04:05Z07:00""#, "2023-11-14T22:13:20Z");
    check(r#"dateInZone "Jan _2 15:04 MST -0700" 1700000000 "America/New_York""#, "Nov 14 17:13 EST -0500");
    check(r#"(toDate "2006-01-02" "2024-02-29").YearDay"#, "60");
    check(r#"toDate "2006-01-02" "x""#, "0001-01-01 00:00:00 +0000 UTC");
    check(r#"duration "95""#, "1m35s");
    check(r#"mustToDuration "1h30m" | durationMinutes"#, "90");
    check_error(
        r#"mustToDate "2006-01-02" "2021-13-01""#,
        r#"parsing time "2021-13-01": month out of range"#,
    );
}

#[test]
fn versions() {
    check(r#"semverCompare "^1.2" "1.9.0-rc1""#, "false");
    check(r#"semverCompare ">=1.19-0" "v1.34.0-gke.1""#, "true");
    check(r#"semverCompare "1.2 - 2.0" "2.0.5""#, "true");
    check(r#"(semver "v1.2.3-a").IncPatch"#, "1.2.3");
    check_error(r#"semverCompare ">=x.y" "1""#, r#"improper constraint: ">=x.y""#);
    check_error(r#"semver "x""#, "invalid semantic version");
}

#[test]
fn encodings_paths_and_urls() {
    check(r#"b64dec "YQ=""#, "illegal base64 data at input byte 3");
    check(r#"b32enc "foobar" | b32dec"#, "foobar");
    check(r#"adler32sum "Wikipedia""#, "300286872");
    check(r#"clean "/a/../../b//c/.""#, "/b/c");
    check(r#"(urlParse "https://u:p@[::1]:80/a%20b?q#f").userinfo"#, "u:p");
    check(r#"urlJoin (dict "scheme" "http" "host" "h" "path" "a b" "query" "q")"#, "http://h/a%20b?q");
    check_error(r#"urlParse "http://a b""#, r#"invalid character " " in host name"#);
}

#[test]
fn large_results_are_refused_before_they_are_made() {
    let limits = Limits { value_bytes: 1_000_000, ..Limits::default() };
    for expression in [
        r#"repeat 2000000 "a""#,
        "until 9000000000",
        "untilStep 0 9000000000 1",
        "seq 9000000000",
        r#"nindent 2000000 "a""#,
        r#"replace "" (repeat 1000 "a") (repeat 2000 "b")"#,
        r#"regexReplaceAll "b" (repeat 2000 "b") (repeat 1000 "a")"#,
        r#"wrapWith 1 (repeat 1000 "a") (repeat 2000 "b")"#,
    ] {
        let error = run(Trace::Off, limits, expression, Value::NIL).err().unwrap_or_default();
        assert!(error.contains("at most 1000000 are allowed"), "{expression}: {error}");
    }
}

#[test]
fn a_map_that_holds_itself_ends_in_an_error() {
    check_error(r#"$d := dict }}{{ $_ := set $d "d" $d }}{{ deepCopy $d"#, "nested deeper than 1000 levels");
}

/// Values `a`, `b` (texts), `l` (a list) and `m` (a map), each leaf marked with its path.
fn traced_values() -> Value {
    let leaf = |path: &str, text: &str| Value::from(text).marked(Marks::one(Mark::Value(Rc::from(path))));
    let list = List::at_path(vec![leaf("l[0]", "y"), leaf("l[1]", "x")], Rc::from("l"));
    let map =
        Map::at_path(MapType::Any, Entries::from([(Rc::from(&b"k"[..]), leaf("m.k", "v"))]), Rc::from("m"));
    Value::map(Entries::from([
        (Rc::from(&b"a"[..]), leaf("a", "  one  ")),
        (Rc::from(&b"b"[..]), leaf("b", "two")),
        (Rc::from(&b"l"[..]), Data::List(list).into()),
        (Rc::from(&b"m"[..]), Data::Map(map).into()),
    ]))
}

/// Shows a traced text as pieces, each with the paths that it depends on.
fn check_trace(expression: &str, expected: &str) {
    let text = run(Trace::Full, Limits::default(), expression, traced_values()).unwrap_or_default();
    let mut shown = Vec::new();
    let mut start = 0;
    for segment in text.segments() {
        let marks = segment.marks.resolve();
        let paths = marks.iter().map(|mark| match mark {
            Mark::Value(path) => path.to_string(),
            Mark::Shape(path) => format!("{path}#"),
            other => format!("{other:?}"),
        });
        let paths: Vec<String> = paths.collect();
        shown.push(format!(
            "{}<{}>",
            String::from_utf8_lossy(&text.bytes()[start..segment.end]),
            paths.join(" ")
        ));
        start = segment.end;
    }
    assert_eq!(shown.join("|"), expected, "{expression}");
}

#[test]
fn text_keeps_its_marks_piece_by_piece() {
    check_trace(r#"cat (trim .a) .b"#, "one<a>| <>|two<b>");
    check_trace(r#"list .b "-" .a | join "" | trim | upper"#, "TWO<a b>|-<a>|  ONE<a>");
}

#[test]
fn shapes_and_missing_keys_are_reads() {
    check_trace(r#"hasKey .m "k""#, "true<m#>");
    check_trace(r#"hasKey .m "z""#, "false<m.z#>");
    check_trace(r#"get .m "k""#, "v<m.k>");
    check_trace(r#"keys .m | join ",""#, "k<m#>");
    check_trace(r#"first .l"#, "y<l[0] l#>");
    check_trace(r#"first (sortAlpha .l)"#, "x<l[0] l[1] l#>");
    check_trace(r#"default "d" .m.z"#, "d<m.z#>");
    check_trace(r#"(merge (dict) .m).k"#, "v<m.k m#>");
}
