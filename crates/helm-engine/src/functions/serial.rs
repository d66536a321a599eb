//! Functions that write and read YAML, JSON and TOML: Helm's, and sprig's on JSON.
//!
//! Helm's own never fail: what cannot be written is an empty text, what cannot be read a map or list with Go's
//! message. The `must` forms fail. Marks stay with the piece of text, or the leaf, they belong to.

use crate::context::Context;
use crate::error::CallError;
use crate::functions::{Function, Param};
use crate::json::{self, Layout};
use crate::value::{Text, Value};
use crate::{toml, yaml};

use super::arguments::Outcome;
use super::marks::whole;

const ANY: &[Param] = &[Param::Any];
const TEXT: &[Param] = &[Param::String];

/// The functions of this family.
pub(super) const FUNCTIONS: &[Function] = &[
    Function::new("toYaml", ANY, to_yaml, "Writes a value as YAML, without the final newline.").own_marks(),
    Function::new(
        "mustToYaml",
        ANY,
        must_to_yaml,
        "Writes a value as YAML and fails where `toYaml` answers nothing.",
    )
    .own_marks()
    .helm4(),
    Function::new("toYamlPretty", ANY, to_yaml_pretty, "Writes a value as YAML with indented lists.")
        .own_marks(),
    Function::new(
        "fromYaml",
        TEXT,
        from_yaml,
        "Reads YAML that holds a map; a mistake is told under `Error`.",
    )
    .own_marks(),
    Function::new(
        "fromYamlArray",
        TEXT,
        from_yaml_array,
        "Reads YAML that holds a list; a mistake is its only item.",
    )
    .own_marks(),
    Function::new("toJson", ANY, to_json, "Writes a value as JSON.").own_marks(),
    Function::new(
        "mustToJson",
        ANY,
        must_to_json,
        "Writes a value as JSON and fails where `toJson` answers nothing.",
    )
    .own_marks(),
    Function::new("toPrettyJson", ANY, to_pretty_json, "Writes a value as indented JSON.").own_marks(),
    Function::new("mustToPrettyJson", ANY, must_to_pretty_json, "Writes a value as indented JSON, or fails.")
        .own_marks(),
    Function::new("toRawJson", ANY, to_raw_json, "Writes a value as JSON with `<`, `>` and `&` as they are.")
        .own_marks(),
    Function::new("mustToRawJson", ANY, to_raw_json, "The same as `toRawJson`.").own_marks(),
    Function::new(
        "fromJson",
        TEXT,
        from_json,
        "Reads JSON that holds a map; a mistake is told under `Error`.",
    )
    .own_marks(),
    Function::new("mustFromJson", TEXT, must_from_json, "Reads any JSON, or fails.").own_marks(),
    Function::new(
        "fromJsonArray",
        TEXT,
        from_json_array,
        "Reads JSON that holds a list; a mistake is its only item.",
    )
    .own_marks(),
    Function::new("toToml", ANY, to_toml, "Writes a map as TOML; a mistake is the answer."),
    Function::new("mustToToml", ANY, must_to_toml, "Writes a map as TOML, or fails.").helm4(),
    Function::new("fromToml", TEXT, from_toml, "Reads TOML; a mistake is told under `Error`."),
];

/// Ends a call that wrote a value: the result's size counts, an error is an empty text.
fn or_empty(context: &mut Context<'_>, args: &[Value], written: Result<Text, CallError>) -> Outcome {
    match written {
        Ok(text) => finished(context, text),
        Err(_) => Ok(Value::text("").marked(whole(context, &args[0]))),
    }
}

fn finished(context: &mut Context<'_>, text: Text) -> Outcome {
    context.charge_value(text.bytes().len())?;
    Ok(text.into())
}

fn to_yaml(context: &mut Context<'_>, args: &[Value]) -> Outcome {
    let written = yaml::to_yaml(&args[0], context.trace);
    or_empty(context, args, written)
}

fn must_to_yaml(context: &mut Context<'_>, args: &[Value]) -> Outcome {
    let text = yaml::to_yaml(&args[0], context.trace)?;
    finished(context, text)
}

fn to_yaml_pretty(context: &mut Context<'_>, args: &[Value]) -> Outcome {
    // What go-yaml cannot write it panics over, which `toYamlPretty` does not catch.
    let text = yaml::to_yaml_pretty(&args[0], context.trace)?;
    finished(context, text)
}

fn to_json(context: &mut Context<'_>, args: &[Value]) -> Outcome {
    let written = json::to_json(&args[0], Layout::Compact, context.trace);
    or_empty(context, args, written)
}

fn must_to_json(context: &mut Context<'_>, args: &[Value]) -> Outcome {
    let text = json::to_json(&args[0], Layout::Compact, context.trace)?;
    finished(context, text)
}

fn to_pretty_json(context: &mut Context<'_>, args: &[Value]) -> Outcome {
    let written = json::to_json(&args[0], Layout::Pretty, context.trace);
    or_empty(context, args, written)
}

fn must_to_pretty_json(context: &mut Context<'_>, args: &[Value]) -> Outcome {
    let text = json::to_json(&args[0], Layout::Pretty, context.trace)?;
    finished(context, text)
}

fn to_raw_json(context: &mut Context<'_>, args: &[Value]) -> Outcome {
    let text = json::to_json(&args[0], Layout::Raw, context.trace)?;
    finished(context, text)
}

/// Returns the text argument; its own marks join those of its segments by [`with_argument_marks`].
fn text_argument<'a>(context: &mut Context<'_>, args: &'a [Value]) -> Result<&'a Text, CallError> {
    use crate::value::Data;
    match &args[0].data {
        Data::Text(text) => {
            context.charge(1 + text.bytes().len() as u64 / 16)?;
            Ok(text)
        }
        _ => Err(CallError::new("wrong type for value; expected string")),
    }
}

/// Puts the marks that the whole text has on the value read from it and on everything in it.
fn with_argument_marks(value: Value, args: &[Value]) -> Value {
    if args[0].marks.is_none() { value } else { spread(value, &args[0]) }
}

fn spread(value: Value, argument: &Value) -> Value {
    use crate::value::{Data, List, Map};
    let data = match value.data {
        Data::List(list) if !list.is_nil() => {
            Data::List(List::new(list.items().iter().map(|item| spread(item.clone(), argument)).collect()))
        }
        Data::Map(map) if !map.is_nil() => {
            let entries =
                map.entries().iter().map(|(k, v)| (k.clone(), spread(v.clone(), argument))).collect();
            Data::Map(Map::new(entries))
        }
        data => data,
    };
    Value { data, marks: value.marks.union(argument.marks) }
}

/// Makes the map that tells a mistake, which depends on all of the text.
fn error_map(message: &str, text: &Text) -> Value {
    let map = crate::value::Map::default();
    let marks = text.segment_marks();
    map.set("Error", Value::from(message).marked(marks));
    Value::from(crate::value::Data::Map(map)).marked(marks)
}

fn error_list(message: &str, text: &Text) -> Value {
    let marks = text.segment_marks();
    Value::list(vec![Value::from(message).marked(marks)]).marked(marks)
}

fn from_yaml(context: &mut Context<'_>, args: &[Value]) -> Outcome {
    let text = text_argument(context, args)?;
    let value = yaml::read_value(text, yaml::Target::MAP).unwrap_or_else(|e| error_map(&e.message, text));
    Ok(with_argument_marks(value, args))
}

fn from_yaml_array(context: &mut Context<'_>, args: &[Value]) -> Outcome {
    let text = text_argument(context, args)?;
    let value = yaml::read_value(text, yaml::Target::List).unwrap_or_else(|e| error_list(&e.message, text));
    Ok(with_argument_marks(value, args))
}

fn from_json(context: &mut Context<'_>, args: &[Value]) -> Outcome {
    let text = text_argument(context, args)?;
    let decoded = json::from_json(text, json::Target::Map);
    if let (Some(message), Some(map)) = (&decoded.error, decoded.value.as_map()) {
        map.set("Error", Value::from(message.as_str()).marked(text.segment_marks()));
    }
    Ok(with_argument_marks(decoded.value, args))
}

fn must_from_json(context: &mut Context<'_>, args: &[Value]) -> Outcome {
    let text = text_argument(context, args)?;
    let decoded = json::from_json(text, json::Target::Any);
    match decoded.error {
        Some(message) => Err(CallError::new(message)),
        None => Ok(with_argument_marks(decoded.value, args)),
    }
}

fn from_json_array(context: &mut Context<'_>, args: &[Value]) -> Outcome {
    let text = text_argument(context, args)?;
    let decoded = json::from_json(text, json::Target::List);
    let value = match decoded.error {
        Some(message) => error_list(&message, text),
        None => decoded.value,
    };
    Ok(with_argument_marks(value, args))
}

fn to_toml(context: &mut Context<'_>, args: &[Value]) -> Outcome {
    match toml::to_toml(&args[0]) {
        Ok(bytes) => finished(context, Text::new(bytes)),
        // Go's encoder asks nil for its type and panics, which is no error that it would return.
        Err(error) if args[0].is_nil() => Err(error),
        Err(error) => Ok(Value::text(error.message)),
    }
}

fn must_to_toml(context: &mut Context<'_>, args: &[Value]) -> Outcome {
    let bytes = toml::to_toml(&args[0])?;
    finished(context, Text::new(bytes))
}

fn from_toml(context: &mut Context<'_>, args: &[Value]) -> Outcome {
    let text = text_argument(context, args)?;
    Ok(toml::from_toml(text.bytes()).unwrap_or_else(|error| error_map(&error.0, text)))
}
