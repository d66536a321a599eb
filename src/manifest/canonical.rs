//! Canonical JSON: keys sorted bytewise, no blanks, one way to write each number.
//!
//! Terraform prints a whole document when only white space or key order changed, and digests must not depend
//! on how a value was built. Walks with its own stack, so that no nesting can exhaust the thread's.

use serde_json::{Map, Number, Value};

/// Writes a value as canonical JSON.
pub fn to_string(value: &Value) -> String {
    let mut text = String::new();
    write(value, &mut text);
    text
}

/// Appends a value's canonical JSON to `text`.
pub fn write(value: &Value, text: &mut String) {
    write_seeing(value, text, |_| {});
}

/// Appends a value's canonical JSON to `text` and shows every text in it to `see`.
pub fn write_seeing(value: &Value, text: &mut String, mut see: impl FnMut(&str)) {
    let mut steps = vec![Step::Value(value)];
    while let Some(step) = steps.pop() {
        match step {
            Step::Text(literal) => text.push_str(literal),
            Step::Key(key) => {
                write_string(key, text);
                text.push(':');
            }
            Step::Value(Value::Object(map)) => push_map(map, &mut steps),
            Step::Value(Value::Array(list)) => push_list(list, &mut steps),
            Step::Value(Value::String(string)) => {
                see(string);
                write_string(string, text);
            }
            Step::Value(scalar) => write_scalar(scalar, text),
        }
    }
}

/// Writes a number the same way whether it arrived as an integer or as a whole float (Helm reads every YAML
/// number as a float).
pub fn number(number: &Number) -> String {
    const EXACT: f64 = 9_007_199_254_740_992.0;
    match number.as_f64() {
        Some(float)
            if !number.is_i64() && !number.is_u64() && float.fract() == 0.0 && float.abs() < EXACT =>
        {
            format!("{}", float as i64)
        }
        _ => number.to_string(),
    }
}

/// Writes a text as a JSON string.
pub fn write_string(value: &str, text: &mut String) {
    let is_special = |byte: u8| matches!(byte, b'"' | b'\\' | 0..=0x1f);
    text.push('"');
    let mut plain_from = 0;
    // Looks at all bytes without a branch first, which is quicker for the usual text without any.
    let any_special = value.bytes().fold(false, |any, byte| any | is_special(byte));
    for (at, byte) in value.bytes().enumerate().filter(|(_, byte)| any_special && is_special(*byte)) {
        text.push_str(&value[plain_from..at]);
        plain_from = at + 1;
        match byte {
            b'"' => text.push_str("\\\""),
            b'\\' => text.push_str("\\\\"),
            b'\n' => text.push_str("\\n"),
            b'\r' => text.push_str("\\r"),
            b'\t' => text.push_str("\\t"),
            _ => text.push_str(&format!("\\u{byte:04x}")),
        }
    }
    text.push_str(&value[plain_from..]);
    text.push('"');
}

enum Step<'a> {
    Value(&'a Value),
    Key(&'a str),
    Text(&'static str),
}

fn push_map<'a>(map: &'a Map<String, Value>, steps: &mut Vec<Step<'a>>) {
    let mut entries: Vec<(&String, &Value)> = map.iter().collect();
    entries.sort_unstable_by_key(|(key, _)| *key);
    steps.push(Step::Text("}"));
    for (position, (key, value)) in entries.into_iter().enumerate().rev() {
        steps.push(Step::Value(value));
        steps.push(Step::Key(key));
        if position > 0 {
            steps.push(Step::Text(","));
        }
    }
    steps.push(Step::Text("{"));
}

fn push_list<'a>(list: &'a [Value], steps: &mut Vec<Step<'a>>) {
    steps.push(Step::Text("]"));
    for (position, value) in list.iter().enumerate().rev() {
        steps.push(Step::Value(value));
        if position > 0 {
            steps.push(Step::Text(","));
        }
    }
    steps.push(Step::Text("["));
}

fn write_scalar(value: &Value, text: &mut String) {
    match value {
        Value::Number(value) => text.push_str(&number(value)),
        Value::Bool(true) => text.push_str("true"),
        Value::Bool(false) => text.push_str("false"),
        _ => text.push_str("null"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn check(value: Value, expected: &str) {
        assert_eq!(to_string(&value), expected);
    }

    #[test]
    fn there_is_one_way_to_write_a_value() {
        check(json!({"b": 1, "a": [true, null, "x"]}), r#"{"a":[true,null,"x"],"b":1}"#);
        check(json!(3.0), "3");
        check(json!(0.5), "0.5");
        check(json!(-0.0), "0");
        check(json!({}), "{}");
        check(json!([]), "[]");
        check(json!("a\"b\\c\nd\u{1}é"), "\"a\\\"b\\\\c\\nd\\u0001é\"");
        check(json!(u64::MAX), "18446744073709551615");
    }
}
