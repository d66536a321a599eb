//! The short way against the long one: whatever the short way reads, the long way reads as the same nodes.

use super::compose::Document;
use super::input::Input;
use super::parser::Parser;
use super::scanner::Scanner;
use super::simple;

const ALL: &dyn Fn(&str) -> bool = &|_| true;

/// Everything that the short way knows, and what is next to it.
const USUAL: &str = "# A comment
apiVersion: v1
kind:   Config # why
'a b': \"x\\n\\\"y\\\"\\\\\"
empty:
metadata:
    # inside
    name: it''s a name: no
    labels: {a: b, \"c\":1, d/e: [x, 'y', {}]}
list:
- one
-   k: v
    w:
    - deep
    - - deeper
      - x: -5
- |
  text

    more
- |-
    strip
  # comment
-
  last: []
args: [\"--a=b\", c]
block: |+
  keep

folded: >-
  one
  two

    deep
  three

next: http://example.com:80/#a
é: ü
";

/// Compares both ways; says whether the short one went through.
fn agree(text: &str) -> bool {
    let Some(short) = simple::compose(text, ALL) else { return false };
    let mut parser = Parser::new(Scanner::new(Input::new(text.as_bytes(), None)));
    let long = Document::compose(&mut parser)
        .unwrap_or_else(|error| panic!("{text:?} is refused: {}", error.message))
        .unwrap_or_else(|| panic!("{text:?} is no document"));
    assert_eq!(format!("{:#?}", short.nodes), format!("{:#?}", long.nodes), "{text:?}");
    true
}

#[test]
fn usual_documents_go_the_short_way() {
    let text = USUAL.replace(": no", "");
    assert!(agree(&text), "{text}");
    for text in [
        "a: 1",
        "a:",
        "---\na: 1\n",
        "- a\n- b: c\n  d: e\n",
        "a:\n- b\n- c\nd: e",
        "a:\n  - b\n  -\n  - |\n   x",
        "a: |\n\n  x\n \n\n  y  \n   \nb: 'it''s'\n",
        "a:\n  {}\nb:\n- c\n-\n  d\ne:\n  'f'\ng: :h\n",
        "a: {b: c, d: {}}\nf: [ 1, [2] ] # x\n",
        "a: >\n  b\n  c\n\n  d\n   e\n  f\n\n\ng: [_h, .5]",
    ] {
        assert!(agree(text), "{text}");
    }
}

#[test]
fn one_change_anywhere_changes_both_alike() {
    let parts = [
        "", " ", "  ", "\n", "\n\n", ":", ": ", "#", " #", "-", "- ", "\"", "'", "|", ">", "[", "]", "{",
        "}", ",", "\t", "\r", "é", "\u{85}", "\u{7F}", "\u{FEFF}", "&a ", "*a", "!!str ", "? ", "\n---\n",
        "\n...\n", "%", "<<: ", "\\", "~: ", ".inf",
    ];
    let places = USUAL.char_indices().map(|(at, _)| at);
    for (at, part) in places.flat_map(|at| parts.map(|part| (at, part))) {
        let (before, after) = USUAL.split_at(at);
        agree(&format!("{before}{part}{after}"));
        let width = after.chars().next().map_or(0, char::len_utf8);
        agree(&format!("{before}{part}{}", &after[width..]));
    }
}

#[test]
fn documents_of_random_parts_are_read_alike() {
    let parts = [
        "a",
        "b: ",
        "c:",
        "d: e",
        ": ",
        "\n",
        "\n",
        "\n",
        "\n  ",
        "\n  ",
        "\n    ",
        "\n ",
        "- ",
        "- ",
        "-",
        "|",
        "|-\n",
        ">",
        ">+\n",
        "\n  x\n  y\n",
        "|+\n",
        " # x",
        "#",
        "'q'",
        "\"r\"",
        "\"\\n\"",
        "{}",
        "[]",
        "{a: 1}",
        "[b, c]",
        "{",
        "}",
        "[",
        "]",
        ",",
        " ",
        "~",
        "-1",
        "1e999",
        "é",
        "\t",
        "''",
        "---\n",
        "<<: ",
        "x: |\n",
    ];
    let mut state = 42_u64;
    let mut next = |below: usize| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) as usize % below
    };
    let mut short = 0;
    for _ in 0..60_000 {
        let count = 1 + next(14);
        let text: String = (0..count).map(|_| parts[next(parts.len())]).collect();
        short += usize::from(agree(&text));
    }
    assert!(short > 2_500, "{short} texts went the short way");
}

#[test]
fn leaves_out_what_is_not_wanted_and_still_refuses_it() {
    let keeps: &dyn Fn(&str) -> bool = &|key| key == "kind";
    let document =
        simple::compose("kind: A\nspec:\n  a: [1]\n  b: |\n   x\nx: 1\n", keeps).expect("a usual text");
    let texts: Vec<&str> = document.nodes.iter().map(|node| &*node.text).collect();
    assert_eq!(texts, ["", "kind", "A"]);
    for text in ["kind: A\nspec: .inf\n", "kind: A\nspec: {~: 1}\n", "kind: A\nspec:\n  b: c: d\n"] {
        assert!(simple::compose(text, keeps).is_none(), "{text}");
    }
}
