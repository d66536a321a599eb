//! Compares the readers and writers with the recorded answers of the Go libraries that Helm uses.

use std::fs;
use std::path::Path;

use base64::Engine;
use helm_engine::error::CallError;
use helm_engine::json::{self, Layout};
use helm_engine::toml;
use helm_engine::trace::Trace;
use helm_engine::value::{Data, Map, Text, Value};
use helm_engine::yaml::{self, Duplicates, Target};

#[derive(serde::Deserialize)]
struct Case {
    mode: String,
    #[serde(default, rename = "in")]
    input: String,
    in64: Option<String>,
    out: Option<String>,
    #[serde(default)]
    error: String,
}

impl Case {
    fn bytes(&self) -> Vec<u8> {
        match &self.in64 {
            Some(encoded) => {
                base64::engine::general_purpose::STANDARD.decode(encoded).expect("a case is base64")
            }
            None => self.input.clone().into_bytes(),
        }
    }

    fn expected(&self) -> Result<String, String> {
        self.out.clone().ok_or_else(|| self.error.clone())
    }
}

/// Returns Go's answer in our words, or none for a mode this crate does not offer.
fn answer(mode: &str, input: &[u8]) -> Result<String, String> {
    let one = |key: Value, value: Value| {
        let map = Map::default();
        map.set(key.as_bytes().unwrap_or_default(), value);
        Value::from(Data::Map(map))
    };
    let text = || Value::text(input);
    match mode {
        "yaml" => read_yaml(input, Target::Any),
        "yaml map" => read_yaml(input, Target::MAP),
        "yaml list" => read_yaml(input, Target::List),
        "yaml strict" => match yaml::read(input, 0, Target::MAP, Duplicates::Refused) {
            Ok(_) => read_yaml(input, Target::MAP),
            Err(error) => Err(error.message),
        },
        "json" => {
            from_json(input).and_then(|value| shown(json::to_json(&value, Layout::Compact, Trace::Off)))
        }
        "text to yaml" => line(yaml::to_yaml(&text(), Trace::Off)),
        "key to yaml" => line(yaml::to_yaml(&one(text(), Value::int(1)), Trace::Off)),
        "text to pretty yaml" => line(yaml::to_yaml_pretty(&one(text(), text()), Trace::Off)),
        "json to yaml" => from_json(input).and_then(|value| line(yaml::to_yaml(&value, Trace::Off))),
        "json to pretty yaml" => {
            from_json(input).and_then(|value| line(yaml::to_yaml_pretty(&value, Trace::Off)))
        }
        "json to toml" => from_json(input).and_then(|value| match toml::to_toml(&value) {
            Ok(bytes) => Ok(String::from_utf8_lossy(&bytes).into_owned()),
            Err(error) => Err(error.message),
        }),
        other => panic!("unknown mode {other}"),
    }
}

fn read_yaml(input: &[u8], target: Target) -> Result<String, String> {
    let value = yaml::read_value(&Text::copy_of(input), target).map_err(|error| error.message)?;
    shown(json::to_json(&value, Layout::Compact, Trace::Off))
}

fn from_json(input: &[u8]) -> Result<Value, String> {
    let decoded = json::from_json(&Text::copy_of(input), json::Target::Any);
    decoded.error.map_or(Ok(decoded.value), Err)
}

fn shown(written: Result<Text, CallError>) -> Result<String, String> {
    written.map(|text| text.to_str_lossy().into_owned()).map_err(|error| error.message)
}

/// The functions of templates drop the newline at the end.
fn line(written: Result<Text, CallError>) -> Result<String, String> {
    shown(written).map(|text| text + "\n")
}

fn check(name: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/go-libraries").join(name);
    let cases = fs::read_to_string(path).expect("the cases are there");
    let mut wrong = Vec::new();
    for text in cases.lines() {
        let case: Case = serde_json::from_str(text).expect("a case is a line of JSON");
        let (expected, found) = (case.expected(), answer(&case.mode, &case.bytes()));
        // What cannot be written is an empty text whatever the reason.
        let same_failure = case.mode.ends_with(" yaml") && expected.is_err() && found.is_err();
        let trimmed = |answer: &Result<String, String>| {
            answer.clone().map(|text| text.trim_end_matches('\n').to_owned())
        };
        if trimmed(&expected) != trimmed(&found) && !same_failure {
            wrong.push(format!("{text}\n  found {found:?}"));
        }
    }
    assert!(wrong.is_empty(), "{} cases differ:\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn reads_yaml_like_go() {
    check("yaml-read.jsonl");
}

#[test]
fn writes_yaml_like_go() {
    check("yaml-write.jsonl");
}

#[test]
fn reads_and_writes_json_and_toml_like_go() {
    check("json-and-toml.jsonl");
}
