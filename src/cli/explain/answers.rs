//! Parts that several answers share.

use serde_json::Value;

/// Writes a field's value on one line.
pub(super) fn one_line(value: &Value, longest: usize) -> String {
    let text = match value {
        Value::String(text) => text.replace('\n', "\\n"),
        other => other.to_string(),
    };
    if text.len() <= longest { text } else { format!("{}…", &text[..text.floor_char_boundary(longest)]) }
}
