//! The `timeouts` block: how long operations may take.

use std::time::Duration;

use tf_provider::schema::{Attribute, Block, Diagnostic, Diagnostics, Object, Path, Type};

const OPERATIONS: [(&str, &str); 4] =
    [("create", "create"), ("read", "refresh"), ("update", "update"), ("delete", "destroy")];

/// Describes the block.
pub(in super::super) fn block() -> Block {
    OPERATIONS.into_iter().fold(
        Block::new().description("How long operations may take."),
        |block, (name, what)| {
            block.attribute(
                name,
                Attribute::optional(Type::String)
                    .description(format!("Longest time to {what}, such as `90s` or `10m`. Default: `5m`.")),
            )
        },
    )
}

/// Checks that what is written are durations.
pub(in super::super) fn validate(config: &Object, found: &mut Diagnostics) {
    let written = OPERATIONS.into_iter().filter_map(|(operation, _)| written(config, operation));
    found.extend(written.filter_map(Result::err));
}

/// Returns how long an operation may take.
pub(in super::super) fn timeout(block: &Object, operation: &str) -> Duration {
    const DEFAULT: Duration = Duration::from_secs(300);
    written(block, operation).and_then(Result::ok).unwrap_or(DEFAULT)
}

fn written(block: &Object, operation: &str) -> Option<Result<Duration, Diagnostic>> {
    let text = block.block("timeouts")?.string(operation)?;
    Some(parse_duration(text).ok_or_else(|| {
        Diagnostic::error(format!("timeouts.{operation} is no duration: {text:?}"))
            .hint("write a whole number with `s`, `m` or `h`, such as `90s` or `1h30m`")
            .at(Path::from("timeouts").attribute(operation))
    }))
}

/// Reads a duration such as `1h30m`; nothing for anything else, zero included.
pub(in super::super) fn parse_duration(text: &str) -> Option<Duration> {
    let mut seconds: u64 = 0;
    let mut number = String::new();
    for character in text.chars() {
        if character.is_ascii_digit() {
            number.push(character);
            continue;
        }
        let unit = match character {
            's' => 1,
            'm' => 60,
            'h' => 3600,
            _ => return None,
        };
        seconds = seconds.checked_add(number.parse::<u64>().ok()?.checked_mul(unit)?)?;
        number.clear();
    }
    (number.is_empty() && seconds > 0).then(|| Duration::from_secs(seconds))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_have_units() {
        let check = |text: &str, seconds: Option<u64>| {
            assert_eq!(parse_duration(text), seconds.map(Duration::from_secs), "{text}")
        };
        check("90s", Some(90));
        check("1h30m", Some(5400));
        check("10", None);
        check("0s", None);
        check("m", None);
        check("99999999999999999999h", None);
        check("1 h", None);
    }
}
