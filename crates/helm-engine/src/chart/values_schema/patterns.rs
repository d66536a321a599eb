//! The patterns of a schema: Go's syntax, not ECMA's, so that they are rewritten before the validator sees them, and
//! shown as they were written.

use std::collections::HashMap;

use serde_json::{Map, Value as Json};

/// What the patterns of a schema were before they were rewritten.
#[derive(Default)]
pub(super) struct Patterns {
    written: HashMap<String, String>,
}

impl Patterns {
    /// Returns a pattern as the schema has it.
    pub(super) fn as_written<'p>(&'p self, pattern: &'p str) -> &'p str {
        self.written.get(pattern).map_or(pattern, String::as_str)
    }

    /// Rewrites a pattern; one that is none stays, and is refused by the validator.
    fn rewrite(&mut self, pattern: &str) -> String {
        let Ok(rewritten) = crate::functions::regex_for_crate(pattern) else { return pattern.to_owned() };
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
            ("const" | "enum" | "default" | "examples", value) => value,
            (_, value) => self.schema(value),
        };
        (keyword, value)
    }
}

/// Rewrites every pattern of a schema.
pub(super) fn translate(schema: Json) -> (Json, Patterns) {
    let mut patterns = Patterns::default();
    let schema = patterns.schema(schema);
    (schema, patterns)
}
