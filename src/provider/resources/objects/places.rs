//! The `delivery` block of all resources: one place at the most.

use tf_provider::schema::{Diagnostic, Diagnostics, Object};

const PLACES: [&str; 2] = ["git", "cluster"];

/// Checks that the block names one place. `otherwise` is what the resource only does without it, `both` says what two
/// places would mean.
pub(in super::super) fn validate(
    config: &Object,
    otherwise: &str,
    both: Diagnostic,
    found: &mut Diagnostics,
) {
    let Some(delivery) = config.block("delivery") else { return };
    if PLACES.iter().any(|place| delivery.is_unknown(place)) {
        return;
    }
    match PLACES.iter().filter(|place| !delivery.is_null(place)).count() {
        0 => found.push(
            Diagnostic::error("the delivery block is empty")
                .hint(format!(
                    "say where the objects go, `git {{ … }}` or `cluster {{ … }}`, or leave the block out to {otherwise} only"
                ))
                .at("delivery"),
        ),
        1 => {}
        _ => found.push(both.at("delivery")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tf_provider::schema::Value;

    #[test]
    fn a_delivery_goes_to_one_place() {
        let check = |delivery: Value, expected: &[&str]| {
            let mut found = Diagnostics::new();
            let config = Object::new().with("delivery", delivery);
            validate(&config, "render", Diagnostic::error("two places"), &mut found);
            let found: Vec<&str> = found.iter().map(|one| one.summary.as_str()).collect();
            assert_eq!(found, expected);
        };
        let block = Object::new;
        check(Value::Null, &[]);
        check(block().into(), &["the delivery block is empty"]);
        check(block().with("git", block()).into(), &[]);
        check(block().with("git", block()).with("cluster", block()).into(), &["two places"]);
        check(block().with("git", Value::unknown()).with("cluster", block()).into(), &[]);
    }
}
