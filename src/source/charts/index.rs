//! The index of a classic Helm repository, of any size.
//!
//! An index is megabytes of YAML of which one chart is wanted, so its block is cut out by lines and only that is parsed. The
//! cut trusts the layout that every tool writes (two levels of plain keys); any other layout, and JSON, is parsed whole.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_yaml::Value;

/// One version of a chart.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub(super) struct Entry {
    /// Its version; numbers are taken for texts.
    #[serde(default, deserialize_with = "text")]
    pub(super) version: String,
    /// The digest of its archive, if the index has one.
    #[serde(default, deserialize_with = "text")]
    pub(super) digest: String,
    /// Where its archive is.
    #[serde(default)]
    pub(super) urls: Option<Vec<String>>,
}

/// What an index says of one chart.
#[derive(Debug, PartialEq)]
pub(super) enum Found {
    /// Its versions, as ordered in the index.
    Versions(Vec<Entry>),
    /// The chart is not there; these are.
    OtherCharts(Vec<String>),
}

#[derive(Deserialize)]
struct Whole {
    entries: Option<BTreeMap<String, Option<Vec<Option<Entry>>>>>,
}

/// Finds a chart.
///
/// # Errors
/// With the reason, when the text is no index.
pub(super) fn find(index: &[u8], name: &str) -> Result<Found, String> {
    let text = std::str::from_utf8(index).map_err(|_| "it is not UTF-8".to_owned())?;
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    scan(text, name).map_or_else(|| parse_whole(text, name), Ok)
}

/// Cuts out the chart's block; nothing where the layout is not the usual one.
fn scan(text: &str, name: &str) -> Option<Found> {
    let start = if text.starts_with("entries:\n") { 0 } else { text.find("\nentries:\n")? + 1 };
    let body = &text[start + "entries:\n".len()..];
    let indent = body
        .lines()
        .find(|line| !line.trim().is_empty())?
        .find(|letter| letter != ' ')
        .filter(|indent| *indent > 0)?;
    let (mut names, mut block, mut at) = (Vec::new(), None, 0);
    for line in body.split_inclusive('\n') {
        let content = line.trim_end();
        let depth = content.find(|letter| letter != ' ').unwrap_or(usize::MAX);
        if depth < indent {
            break;
        }
        if depth == indent && !content[depth..].starts_with("- ") {
            let key = plain_key(&content[depth..])?;
            if let Some((from, to @ None)) = &mut block {
                let _: &usize = from;
                *to = Some(at);
            }
            if key == name {
                if block.is_some() {
                    return None;
                }
                block = Some((at + line.len(), None));
            }
            names.push(key.to_owned());
        }
        at += line.len();
    }
    let Some((from, to)) = block else {
        return (!names.is_empty()).then_some(Found::OtherCharts(names));
    };
    let entries: Vec<Option<Entry>> = serde_yaml::from_str(&body[from..to.unwrap_or(at)]).ok()?;
    Some(Found::Versions(entries.into_iter().flatten().collect()))
}

/// Reads `name:`; nothing for any other form of a key.
fn plain_key(text: &str) -> Option<&str> {
    let key = text.strip_suffix(':')?;
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
    (!key.is_empty() && key.chars().all(plain)).then_some(key)
}

fn parse_whole(text: &str, name: &str) -> Result<Found, String> {
    let whole: Whole = if text.trim_start().starts_with('{') {
        serde_json::from_str(text).map_err(|error| error.to_string())?
    } else {
        serde_yaml::from_str(text).map_err(|error| error.to_string())?
    };
    let mut entries = whole.entries.ok_or("it has no `entries`")?;
    match entries.remove(name) {
        Some(versions) => Ok(Found::Versions(versions.into_iter().flatten().flatten().collect())),
        None => Ok(Found::OtherCharts(entries.into_keys().collect())),
    }
}

fn text<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    Ok(match Value::deserialize(deserializer)? {
        Value::String(text) => text,
        Value::Number(number) => number.to_string(),
        _ => String::new(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const USUAL: &str = "apiVersion: v1\nentries:\n  api:\n  - version: 0.1.0\n    urls:\n    - a.tgz\n    description: |\n      entries:\n      web:\n  \
                         web:\n  - version: 1.2.0\n    digest: abc\n    urls: [web-1.2.0.tgz]\n  - version: 1.1.0\n    urls:\n    - https://x/w.tgz\ngenerated: x\n";

    fn entry(version: &str, digest: &str, url: &str) -> Entry {
        Entry { version: version.into(), digest: digest.into(), urls: Some(vec![url.into()]) }
    }

    #[test]
    fn cuts_out_the_block_of_one_chart() {
        let both = Found::Versions(vec![
            entry("1.2.0", "abc", "web-1.2.0.tgz"),
            entry("1.1.0", "", "https://x/w.tgz"),
        ]);
        assert_eq!(scan(USUAL, "web"), Some(both));
        assert_eq!(scan(USUAL, "api"), Some(Found::Versions(vec![entry("0.1.0", "", "a.tgz")])));
        assert_eq!(scan(USUAL, "wbe"), Some(Found::OtherCharts(vec!["api".into(), "web".into()])));
    }

    #[test]
    fn of_a_large_index_only_the_charts_block_is_read() {
        let broken = "  other:\n  - version: [\n    description: never parsed, for it is another chart's\n"
            .repeat(50_000);
        let index = format!("entries:\n{broken}  web:\n  - version: 1.0.0\n    urls: [w.tgz]\n{broken}");
        assert_eq!(find(index.as_bytes(), "web"), Ok(Found::Versions(vec![entry("1.0.0", "", "w.tgz")])));
    }

    #[test]
    fn other_layouts_are_parsed_whole() {
        for text in [
            r#"{"apiVersion":"v1","entries":{"web":[{"version":"1.0.0","urls":["w.tgz"]}]}}"#,
            "entries: {web: [{version: 1.0.0, urls: [w.tgz]}]}",
            "entries:\n    \"web\":\n        - version: 1.0.0\n          urls: [w.tgz]\n",
            "entries:\n  web: [{version: 1.0.0, urls: [w.tgz]}]\n",
            "a: &x [{version: 1.0.0, urls: [w.tgz]}]\nentries:\n  web: *x\n",
            "\u{feff}entries:\n  web:\n  -\n    version: 1.0.0\n    urls: [w.tgz]\n  - null\n",
        ] {
            assert_eq!(
                find(text.as_bytes(), "web"),
                Ok(Found::Versions(vec![entry("1.0.0", "", "w.tgz")])),
                "{text}"
            );
        }
    }

    #[test]
    fn what_is_no_index_is_refused() {
        let check = |text: &[u8], part: &str| {
            let error = find(text, "web").unwrap_err();
            assert!(error.contains(part), "{error}");
        };
        check(b"\xff", "UTF-8");
        check(b"<html>", "");
        check(b"a: 1", "no `entries`");
        check(b"{\"entries\":", "EOF");
        check(b"entries:\n  web:\n  - version: [\n", "");
    }
}
