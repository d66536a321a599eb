//! A quick yes to values that meet a schema of usual keywords.
//!
//! Nearly all charts render with values that their schema allows, and finding that out with the validator means to
//! compile the schema of schemas first, which takes longer than the rest of the render. [`accepts`] says yes only where
//! the validator is certain to; everything unusual, and every violation, is left to the validator and its messages.

use std::cell::Cell;
use std::collections::{HashMap, HashSet};

use regex::Regex;
use serde_json::{Map, Value as Json};

use crate::tree::{Node, NodeKind, NodeMap};

/// How many pairs of a schema and a value are looked at.
const STEPS: u32 = 200_000;
/// How deep schemas and values may nest.
const DEPTH: u32 = 200;
/// From here on numbers are not exact.
const LARGEST: f64 = 9e15;

/// The drafts that give the keywords below the same meaning, without scheme.
const DRAFTS: [&str; 4] = [
    "json-schema.org/schema",
    "json-schema.org/draft-07/schema",
    "json-schema.org/draft/2019-09/schema",
    "json-schema.org/draft/2020-12/schema",
];

/// Keywords with a meaning that is not looked into here.
const UNUSUAL: &[&str] = &[
    "$anchor",
    "$dynamicAnchor",
    "$dynamicRef",
    "$id",
    "$recursiveAnchor",
    "$recursiveRef",
    "$schema",
    "$vocabulary",
    "additionalItems",
    "const",
    "contains",
    "contentEncoding",
    "contentMediaType",
    "contentSchema",
    "dependencies",
    "dependentRequired",
    "dependentSchemas",
    "else",
    "exclusiveMaximum",
    "exclusiveMinimum",
    "format",
    "id",
    "if",
    "maxContains",
    "maxItems",
    "maxLength",
    "maxProperties",
    "minContains",
    "minItems",
    "minLength",
    "minProperties",
    "multipleOf",
    "not",
    "patternProperties",
    "prefixItems",
    "propertyNames",
    "then",
    "unevaluatedItems",
    "unevaluatedProperties",
    "uniqueItems",
];

/// Says whether the schema is certain to be a valid one that the values meet.
pub(super) fn accepts(schema: &Json, values: &NodeMap) -> bool {
    let Json::Object(root) = schema else { return false };
    let draft = match root.get("$schema") {
        None => DRAFTS[3],
        Some(Json::String(url)) => draft_of(url),
        Some(_) => return false,
    };
    if !DRAFTS.contains(&draft) {
        return false;
    }
    // Sharing the map costs nothing but its own level.
    let values = Node::map(values.clone());
    let is_draft_7 = draft == DRAFTS[1];
    let mut checker = Checker { root: schema, is_draft_7, targets: HashSet::new(), patterns: HashMap::new() };
    if checker.object(root, 0, true).is_none() {
        return false;
    }
    let validator = Validator {
        root: schema,
        is_draft_7,
        patterns: checker.patterns,
        steps: Cell::new(STEPS),
        unsure: Cell::new(false),
    };
    validator.schema(schema, &values, 0) && !validator.unsure.get()
}

fn draft_of(url: &str) -> &str {
    let url = url.strip_suffix('#').unwrap_or(url);
    url.strip_prefix("http://").or_else(|| url.strip_prefix("https://")).unwrap_or(url)
}

/// Finds the schema that a reference within the document names.
fn target<'s>(root: &'s Json, reference: &str) -> Option<&'s Json> {
    let pointer = reference.strip_prefix('#')?;
    let is_plain = pointer.is_empty() || pointer.starts_with('/') && !pointer.contains(['%', '~', '#']);
    root.pointer(pointer).filter(|_| is_plain)
}

/// Checks that a schema is one, with usual keywords only: none if that is not certain.
struct Checker<'s> {
    root: &'s Json,
    is_draft_7: bool,
    /// The references that have been followed.
    targets: HashSet<&'s str>,
    patterns: HashMap<&'s str, Regex>,
}

impl<'s> Checker<'s> {
    fn schema(&mut self, schema: &'s Json, depth: u32) -> Option<()> {
        match schema {
            Json::Bool(_) => Some(()),
            Json::Object(keywords) if depth < DEPTH => self.object(keywords, depth, false),
            _ => None,
        }
    }

    fn object(&mut self, keywords: &'s Map<String, Json>, depth: u32, is_root: bool) -> Option<()> {
        for (keyword, value) in keywords {
            let is_usual = match keyword.as_str() {
                "title" | "description" | "$comment" => value.is_string(),
                "readOnly" | "writeOnly" | "deprecated" => value.is_boolean(),
                "examples" => value.is_array(),
                "default" => true,
                "$schema" if is_root => true,
                "$id" if is_root => value.as_str().is_some_and(is_plain_url),
                "$ref" => self.reference(value.as_str()?, depth)?,
                "$defs" if self.is_draft_7 => true,
                keyword if UNUSUAL.contains(&keyword) => false,
                "type" => is_type(value),
                "required" => is_set(value.as_array()?, Json::is_string),
                "pattern" => self.pattern(value.as_str()?),
                "enum" => is_set(value.as_array()?, is_plain),
                "minimum" | "maximum" => value.is_number() && is_plain(value),
                "properties" | "definitions" | "$defs" => {
                    value.as_object()?.values().try_for_each(|one| self.schema(one, depth + 1))?;
                    true
                }
                "additionalProperties" | "items" => self.schema(value, depth + 1).is_some(),
                "allOf" | "anyOf" | "oneOf" => {
                    value.as_array()?.iter().try_for_each(|one| self.schema(one, depth + 1))?;
                    value.as_array().is_some_and(|all| !all.is_empty())
                }
                // A keyword of somebody's own means nothing.
                _ => true,
            };
            is_usual.then_some(())?;
        }
        Some(())
    }

    fn pattern(&mut self, pattern: &'s str) -> bool {
        let known = is_plain_pattern(pattern).then(|| Regex::new(pattern).ok()).flatten();
        known.map(|regex| self.patterns.insert(pattern, regex)).is_some()
    }

    fn reference(&mut self, reference: &'s str, depth: u32) -> Option<bool> {
        if self.targets.insert(reference) {
            self.schema(target(self.root, reference)?, depth + 1)?;
        }
        Some(true)
    }
}

/// Says whether a member of an enumeration can be compared by its text or number alone.
fn is_plain(member: &Json) -> bool {
    let is_exact = |number: f64| number.abs() < LARGEST;
    match member {
        Json::Array(_) | Json::Object(_) => false,
        Json::Number(number) => number.as_f64().is_some_and(is_exact),
        _ => true,
    }
}

/// Says whether a pattern means the same in every syntax of regular expressions.
fn is_plain_pattern(pattern: &str) -> bool {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"_ /:,.^$()[]|?*+-".contains(&byte);
    let is_doubtful = |pair: &[u8]| {
        matches!(
            pair,
            b"(?" | b"[:" | b"[[" | b"--" | [b'?' | b'*' | b'+' | b'^' | b'|' | b'(', b'?' | b'*' | b'+']
        )
    };
    pattern.bytes().all(is_plain) && !pattern.as_bytes().windows(2).any(is_doubtful)
}

fn is_plain_url(url: &str) -> bool {
    let path = url.strip_prefix("https://").or_else(|| url.strip_prefix("http://"));
    path.is_some_and(|path| {
        let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'/' | b'-' | b'_');
        path.starts_with(|first: char| first.is_ascii_lowercase())
            && path.split('.').all(|part| !part.is_empty() && part.bytes().all(is_plain))
    })
}

fn is_type(value: &Json) -> bool {
    const TYPES: [&str; 7] = ["array", "boolean", "integer", "null", "number", "object", "string"];
    let is_one = |value: &Json| value.as_str().is_some_and(|name| TYPES.contains(&name));
    match value {
        Json::Array(all) => !all.is_empty() && is_set(all, is_one),
        value => is_one(value),
    }
}

/// Says whether all are of that kind and none is there twice.
fn is_set(all: &[Json], is_one: impl Fn(&Json) -> bool) -> bool {
    let mut seen = HashSet::new();
    all.iter().all(|one| is_one(one) && seen.insert(one.to_string()))
}

/// Validates values against a schema that was checked; exact as long as it is not unsure.
struct Validator<'s> {
    root: &'s Json,
    /// Whether nothing counts beside a reference.
    is_draft_7: bool,
    patterns: HashMap<&'s str, Regex>,
    steps: Cell<u32>,
    unsure: Cell<bool>,
}

impl Validator<'_> {
    fn schema(&self, schema: &Json, value: &Node, depth: u32) -> bool {
        let Json::Object(keywords) = schema else { return schema == &Json::Bool(true) };
        match self.steps.get().checked_sub(1) {
            Some(left) if depth < DEPTH => self.steps.set(left),
            _ => {
                self.unsure.set(true);
                return false;
            }
        }
        if self.is_draft_7
            && let Some(referred) = self.referred(keywords)
        {
            return self.schema(referred, value, depth + 1);
        }
        self.common(keywords, value, depth)
            && self.bounds(keywords, value)
            && self.matches(keywords, value)
            && self.items(keywords, value, depth)
            && self.entries(keywords, value, depth)
    }

    fn referred(&self, keywords: &Map<String, Json>) -> Option<&Json> {
        target(self.root, keywords.get("$ref")?.as_str()?)
    }

    fn entries(&self, keywords: &Map<String, Json>, value: &Node, depth: u32) -> bool {
        let Some(map) = value.as_map() else { return true };
        let has = |name: &Json| name.as_str().is_some_and(|name| map.contains_key(name));
        let properties = keywords.get("properties").and_then(Json::as_object);
        let others = keywords.get("additionalProperties").unwrap_or(&Json::Bool(true));
        keywords.get("required").and_then(Json::as_array).is_none_or(|names| names.iter().all(has))
            && map.iter().all(|(name, value)| {
                let schema = properties.and_then(|properties| properties.get(&**name)).unwrap_or(others);
                self.schema(schema, value, depth + 1)
            })
    }

    /// Checks the keywords that values of any type can meet.
    fn common(&self, keywords: &Map<String, Json>, value: &Node, depth: u32) -> bool {
        let meets = |schema: &Json| self.schema(schema, value, depth + 1);
        let all = |keyword: &str| keywords.get(keyword).and_then(Json::as_array);
        keywords.get("type").is_none_or(|wanted| self.is_of(wanted, value))
            && all("enum").is_none_or(|all| all.iter().any(|one| equal(one, value)))
            && self.referred(keywords).is_none_or(meets)
            && all("allOf").is_none_or(|all| all.iter().all(meets))
            && all("anyOf").is_none_or(|all| all.iter().any(meets))
            && all("oneOf").is_none_or(|all| all.iter().filter(|one| meets(one)).count() == 1)
    }

    fn is_of(&self, wanted: &Json, value: &Node) -> bool {
        let is_whole = || self.number(value).is_some_and(|number| number.fract() == 0.0);
        let is_one = |wanted: &Json| match (&value.kind, wanted.as_str().unwrap_or_default()) {
            (NodeKind::Int(_) | NodeKind::Float(_), "integer") => is_whole(),
            (NodeKind::Int(_) | NodeKind::Float(_), "number") => self.number(value).is_some(),
            (NodeKind::Null, wanted) => wanted == "null",
            (NodeKind::Bool(_), wanted) => wanted == "boolean",
            (NodeKind::String(_), wanted) => wanted == "string",
            (NodeKind::List(_), wanted) => wanted == "array",
            (NodeKind::Map(_), wanted) => wanted == "object",
            _ => false,
        };
        match wanted {
            Json::Array(all) => all.iter().any(is_one),
            one => is_one(one),
        }
    }

    /// Returns a number that JSON has as it is; of any other nothing is certain.
    fn number(&self, value: &Node) -> Option<f64> {
        let number = match value.kind {
            NodeKind::Int(number) => number as f64,
            NodeKind::Float(number) => number,
            _ => return None,
        };
        if number.is_finite() && number.abs() < LARGEST {
            return Some(number);
        }
        self.unsure.set(true);
        None
    }

    fn bounds(&self, keywords: &Map<String, Json>, value: &Node) -> bool {
        let Some(number) = self.number(value) else { return true };
        let bound = |keyword: &str| keywords.get(keyword).and_then(Json::as_f64);
        bound("minimum").is_none_or(|least| number >= least)
            && bound("maximum").is_none_or(|most| number <= most)
    }

    fn matches(&self, keywords: &Map<String, Json>, value: &Node) -> bool {
        let (NodeKind::String(text), Some(pattern)) = (&value.kind, keywords.get("pattern")) else {
            return true;
        };
        pattern
            .as_str()
            .and_then(|pattern| self.patterns.get(pattern))
            .is_some_and(|regex| regex.is_match(text))
    }

    fn items(&self, keywords: &Map<String, Json>, value: &Node, depth: u32) -> bool {
        let (NodeKind::List(items), Some(schema)) = (&value.kind, keywords.get("items")) else { return true };
        items.iter().all(|item| self.schema(schema, item, depth + 1))
    }
}

/// Compares with a member of an enumeration, which is no list or object.
fn equal(member: &Json, value: &Node) -> bool {
    match (&value.kind, member) {
        (NodeKind::Null, Json::Null) => true,
        (NodeKind::Bool(value), Json::Bool(member)) => value == member,
        (NodeKind::String(value), Json::String(member)) => **value == **member,
        (NodeKind::Int(value), Json::Number(member)) => member.as_f64() == Some(*value as f64),
        (NodeKind::Float(value), Json::Number(member)) => member.as_f64() == Some(*value),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::super::validate_slowly;
    use super::*;
    use crate::yaml;

    fn values(text: &str) -> NodeMap {
        yaml::read_map(text.as_bytes(), 0).expect("the text is YAML").as_map().expect("a map").clone()
    }

    fn read(schema: &str) -> Json {
        serde_json::from_str(schema).expect("the schema is JSON")
    }

    #[test]
    fn says_yes_to_usual_schemas() {
        let schema = read(
            r##"{"$schema": "http://json-schema.org/draft-07/schema#", "title": "t", "type": "object",
                 "required": ["a"], "additionalProperties": false, "definitions": {"own": {"d": {"enum": ["1s", null]}}},
                 "properties": {"a": {"type": ["string", "null"], "default": 1, "pattern": "^(x|([0-9]+)y)?$"}, "count": {"type": "integer", "minimum": 1},
                 "l": {"type": "array", "items": {"oneOf": [{"type": "string"}, {"type": "object"}]}},
                 "d": {"$ref": "#/definitions/own/d", "description": "x", "type": "object"}}}"##,
        );
        for text in ["a: x", "a:", "a: x\ncount: 3", "a: x\nl: [x, {}]", "a: x\nd: 1s"] {
            assert!(accepts(&schema, &values(text)), "{text}");
        }
        for text in [
            "b: x",
            "a: 1",
            "a: xx",
            "a: x\ncount: 0",
            "a: x\ncount: 1.5",
            "a: x\nl: [1]",
            "a: x\nd: 2s",
            "a: x\nz: 1",
        ] {
            assert!(!accepts(&schema, &values(text)), "{text}");
            assert!(validate_slowly(schema.clone(), b"", &values(text), &mut Vec::new()).is_err(), "{text}");
        }
    }

    #[test]
    fn leaves_what_is_unusual_to_the_validator() {
        for schema in [
            r#"{"properties": {"a": {"pattern": "\\\\w"}}}"#,
            r#"{"properties": {"a": {"pattern": "(?i)x"}}}"#,
            r#"{"properties": {"a": {"pattern": "["}}}"#,
            r#"{"properties": {"a": {"type": "text"}}}"#,
            r#"{"properties": {"a": {"type": []}}}"#,
            r#"{"properties": {"b": {"required": ["x", "x"]}}}"#,
            r#"{"properties": {"a": 1}}"#,
            r##"{"properties": {"a": {"$ref": "#/none"}}}"##,
            r##"{"properties": {"a": {"$ref": "#/properties/b"}, "b": {"$ref": "#/properties/a"}}}"##,
            r##"{"properties": {"a": {"$ref": "#/x", "type": "object"}}, "x": true}"##,
            r#"{"$schema": "http://json-schema.org/draft-04/schema#"}"#,
            r#"{"anyOf": []}"#,
            "true",
        ] {
            assert!(!accepts(&read(schema), &values("a: x")), "{schema}");
        }
        let schema = read(r#"{"properties": {"a": {"type": "number"}}}"#);
        assert!(!accepts(&schema, &values("a: 1e300")));
    }

    /// Makes schemas and values of random parts.
    struct Parts(u64);

    impl Parts {
        fn next(&mut self, below: usize) -> usize {
            self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (self.0 >> 33) as usize % below
        }

        fn schema(&mut self, depth: u32) -> String {
            let mut keywords = Vec::new();
            for _ in 0..1 + self.next(3) {
                let inner = if depth == 0 { "true".to_owned() } else { self.schema(depth - 1) };
                let other = if depth == 0 { "false".to_owned() } else { self.schema(depth - 1) };
                keywords.push(match self.next(13) {
                    0 => r#""type": "string""#.to_owned(),
                    1 => r#""type": ["integer", "object"]"#.to_owned(),
                    2 => r#""type": "object""#.to_owned(),
                    3 => r#""enum": ["x", 1, null, true]"#.to_owned(),
                    4 => r#""minimum": 1"#.to_owned(),
                    5 => r#""required": ["a"]"#.to_owned(),
                    6 => format!(r#""properties": {{"a": {inner}, "b": {other}}}"#),
                    7 => format!(r#""additionalProperties": {inner}"#),
                    8 => format!(r#""items": {inner}"#),
                    9 => format!(r#""oneOf": [{inner}, {other}]"#),
                    11 => r#""pattern": "^[a-w]*$|^x+y?$""#.to_owned(),
                    10 => format!(r#""anyOf": [{inner}, {other}]"#),
                    _ => r##""$ref": "#/definitions/d""##.to_owned(),
                });
            }
            format!("{{{}}}", keywords.join(", "))
        }

        fn value(&mut self, depth: u32) -> String {
            match self.next(if depth == 0 { 6 } else { 8 }) {
                0 => "x".to_owned(),
                1 => "1".to_owned(),
                2 => "null".to_owned(),
                3 => "0.5".to_owned(),
                4 => "true".to_owned(),
                5 => "{}".to_owned(),
                6 => format!("[{}, {}]", self.value(depth - 1), self.value(depth - 1)),
                _ => format!("{{a: {}, c: {}}}", self.value(depth - 1), self.value(depth - 1)),
            }
        }
    }

    #[test]
    fn says_yes_only_where_the_validator_does() {
        let mut parts = Parts(3);
        let (mut accepted, mut refused) = (0, 0);
        for _ in 0..1_500 {
            let (own, inner) = (parts.schema(1), parts.schema(1));
            let text = format!(r#"{{"definitions": {{"d": {own}}}, "properties": {{"a": {inner}}}}}"#);
            // One keyword twice is not what is tested here.
            let schema = read(&text);
            let values = values(&format!("a: {}", parts.value(2)));
            let slowly = validate_slowly(schema.clone(), b"", &values, &mut Vec::new());
            if accepts(&schema, &values) {
                assert_eq!(slowly, Ok(()), "{text} {values:?}");
                accepted += 1;
            }
            refused += usize::from(slowly.is_err());
        }
        assert!(accepted > 200 && refused > 200, "{accepted} accepted, {refused} refused");
    }
}
