use super::{from_toml, to_toml};
use crate::json::{Layout, to_json};
use crate::trace::Trace;

/// Reads a document and shows it as JSON, or the refusal.
fn check(input: &[u8], expected: &str) {
    let read = match from_toml(input) {
        Ok(value) => {
            let json = to_json(&value, Layout::Raw, Trace::Off).expect("what TOML holds is JSON");
            json.to_str_lossy().into_owned()
        }
        Err(error) => error.to_string(),
    };
    assert_eq!(read, expected, "for {}", String::from_utf8_lossy(input));
}

#[test]
fn keeps_what_a_longer_key_implied() {
    check(b"[a.b]\nx = 1\n[a]\ny = 2", r#"{"a":{"b":{"x":1},"y":2}}"#);
    check(b"a.b = 1\na.c = 2", r#"{"a":{"b":1,"c":2}}"#);
    check(b"[[a]]\nb.c = 1\n[[a]]\nb.c = 2", r#"{"a":[{"b":{"c":1}},{"b":{"c":2}}]}"#);
}

#[test]
fn names_the_key_that_is_defined_twice() {
    check(b"[a]\n[a]", r#"toml: line 2: Key 'a' has already been defined."#);
    check(b"a = 1\na = 2", r#"toml: line 2 (last key "a"): Key 'a' has already been defined."#);
    check(
        b"[x]\na = []\n[[x.a]]",
        r#"toml: line 3 (last key "x"): Key 'x.a' was already created and cannot be used as an array."#,
    );
}

#[test]
fn counts_lines_as_go_does() {
    check(b"a = \"x\n", r#"toml: line 1 (last key "a"): strings cannot contain newlines"#);
    check(b"a = \"x\\", "toml: line 0 (last key \"a\"): invalid escape in string '\\\0'");
}

#[test]
fn refuses_what_costs_too_much() {
    let deep = [b"a = ".to_vec(), b"[".repeat(200_000)].concat();
    let error = from_toml(&deep).expect_err("too deep").to_string();
    assert!(error.contains("nested deeper than"), "{error}");
    let long = b"a.".repeat(50_000);
    let error = from_toml(&[&long[..], b"a = 1"].concat()).expect_err("too many parts").to_string();
    assert!(error.contains("too many parts"), "{error}");
    let tables = b"{a = ".repeat(9_000);
    from_toml(&[b"a = ", &tables[..]].concat()).expect_err("not closed");
}

#[test]
fn writes_dates_as_they_were_read() {
    let text = b"a = 2020-01-02\nb = 10:20:30\nc = 2020-01-02T10:20:30.5\nd = 2020-01-02T10:20:30Z\n";
    let value = from_toml(text).expect("dates");
    assert_eq!(to_toml(&value).expect("dates"), text);
}
