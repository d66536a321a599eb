//! What of a schema the validator must not see as it is, and messages must show as it was written: patterns, which have
//! Go's syntax and not ECMA's; numbers; blanks in addresses.

use std::collections::HashMap;

use serde_json::{Map, Value as Json};

use super::formats::GO_REGEX;

/// What the patterns of a schema were before they were rewritten.
#[derive(Default)]
pub(super) struct Patterns {
    written: HashMap<String, String>,
    /// Numbers by how `serde_json` writes them, where the schema writes them otherwise.
    numbers: HashMap<String, String>,
}

impl Patterns {
    /// Returns a pattern as the schema has it.
    pub(super) fn as_written<'p>(&'p self, pattern: &'p str) -> &'p str {
        self.written.get(pattern).map_or(pattern, String::as_str)
    }

    /// Returns a number as the schema has it.
    pub(super) fn number_as_written<'p>(&'p self, number: &'p str) -> &'p str {
        self.numbers.get(number).map_or(number, String::as_str)
    }

    /// Rewrites a pattern; one that is none becomes one that the validator refuses too.
    fn rewrite(&mut self, pattern: &str) -> String {
        let rewritten = crate::functions::regex_for_crate(pattern).unwrap_or_else(|_| {
            let spoilt = ["(", "\\("].map(|tail| format!("{pattern}{tail}"));
            spoilt.into_iter().find(|spoilt| regex::Regex::new(spoilt).is_err()).unwrap_or_default()
        });
        if rewritten != pattern {
            self.written.insert(rewritten.clone(), pattern.to_owned());
        }
        rewritten
    }

    fn schema(&mut self, schema: Json) -> Json {
        match schema {
            Json::Object(keywords) => Json::Object(
                keywords.into_iter().map(|(keyword, value)| self.keyword(keyword, value)).collect(),
            ),
            Json::Array(schemas) => {
                Json::Array(schemas.into_iter().map(|schema| self.schema(schema)).collect())
            }
            other => other,
        }
    }

    fn keyword(&mut self, keyword: String, value: Json) -> (String, Json) {
        let value = match (keyword.as_str(), value) {
            ("pattern", Json::String(pattern)) => Json::String(self.rewrite(&pattern)),
            ("patternProperties", Json::Object(schemas)) => {
                let schemas =
                    schemas.into_iter().map(|(key, schema)| (self.rewrite(&key), self.schema(schema)));
                Json::Object(schemas.collect())
            }
            (
                "properties" | "$defs" | "definitions" | "dependentSchemas" | "dependencies",
                Json::Object(schemas),
            ) => {
                let schemas: Map<String, Json> =
                    schemas.into_iter().map(|(name, schema)| (name, self.schema(schema))).collect();
                Json::Object(schemas)
            }
            ("format", Json::String(format)) if format == "regex" => Json::String(GO_REGEX.to_owned()),
            ("$id" | "id" | "$ref", Json::String(address)) => Json::String(without_blanks(&address)),
            ("const" | "enum" | "default" | "examples", value) => value,
            (_, value) => self.schema(value),
        };
        (keyword, value)
    }
}

/// Writes blanks as Go does when it puts an address together; the validator refuses them.
fn without_blanks(address: &str) -> String {
    let (before, fragment) = address.split_once('#').map_or((address, None), |(a, b)| (a, Some(b)));
    let before = before.replace(' ', "%20");
    fragment.map_or(before.clone(), |fragment| format!("{before}#{fragment}"))
}

/// Finds the numbers of a schema, outside of strings.
fn numbers(text: &str) -> HashMap<String, String> {
    let mut found = HashMap::new();
    let mut rest = text;
    while let Some(at) = rest.find(|rune: char| rune == '"' || rune == '-' || rune.is_ascii_digit()) {
        rest = &rest[at..];
        if rest.starts_with('"') {
            rest = behind_string(rest);
            continue;
        }
        let is_part = |rune: char| rune.is_ascii_digit() || matches!(rune, '-' | '+' | '.' | 'e' | 'E');
        let (written, behind) = rest.split_at(rest.find(|rune| !is_part(rune)).unwrap_or(rest.len()));
        if let Ok(number) = written.parse::<serde_json::Number>()
            && number.to_string() != written
        {
            found.insert(number.to_string(), written.to_owned());
        }
        rest = behind;
    }
    found
}

fn behind_string(text: &str) -> &str {
    let mut is_escaped = false;
    for (at, byte) in text.bytes().enumerate().skip(1) {
        match byte {
            b'"' if !is_escaped => return &text[at + 1..],
            b'\\' => is_escaped = !is_escaped,
            _ => is_escaped = false,
        }
    }
    ""
}

/// Rewrites every pattern of a schema, and notes how its text writes numbers.
pub(super) fn translate(schema: Json, text: &[u8]) -> (Json, Patterns) {
    let numbers = std::str::from_utf8(text).map(numbers).unwrap_or_default();
    let mut patterns = Patterns { numbers, ..Patterns::default() };
    let schema = patterns.schema(schema);
    (schema, patterns)
}
