//! Which version of a chart a text means.
//!
//! Follows Helm: an exact text wins, then the newest version that satisfies the constraint; a prerelease only where the
//! constraint names one. No text means any release.

use std::cmp::Ordering;

use helm_engine::semver::{Constraints, Version};

use super::super::SourceError;
use crate::notation::distance;

/// How many names or versions an error shows.
const SHOWN: usize = 5;

/// Chooses among versions as they are written; nothing where none is wanted.
///
/// # Errors
/// When the constraint is none, with the library's reason.
pub(super) fn choose<'a>(versions: &[&'a str], wanted: &str) -> Result<Option<&'a str>, String> {
    let constraint = Constraints::parse(if wanted.is_empty() { "*" } else { wanted })
        .map_err(|error| error.to_string())?;
    if let Some(exact) = versions.iter().find(|version| **version == wanted && !wanted.is_empty()) {
        return Ok(Some(exact));
    }
    let fits = |text: &&str| Version::parse(text).is_ok_and(|version| constraint.check(&version));
    Ok(newest_first(versions).into_iter().find(fits))
}

/// Sorts versions, newest first; what is no version comes last.
pub(super) fn newest_first<'a>(versions: &[&'a str]) -> Vec<&'a str> {
    let mut known: Vec<(Option<Version>, &str)> =
        versions.iter().map(|text| (Version::parse(text).ok(), *text)).collect();
    known.sort_by(|(a, _), (b, _)| match (a, b) {
        (Some(a), Some(b)) => b.compare(a),
        (Some(_), None) => Ordering::Less,
        (None, Some(_)) => Ordering::Greater,
        (None, None) => Ordering::Equal,
    });
    known.into_iter().map(|(_, text)| text).collect()
}

/// Explains that no version fits.
pub(super) fn no_version(name: &str, wanted: &str, versions: &[&str], place: &str) -> SourceError {
    let what = if wanted.is_empty() {
        format!("release of chart `{name}`")
    } else {
        format!("version of chart `{name}` for `{wanted}`")
    };
    SourceError::Unknown {
        what,
        place: place.to_owned(),
        nearest: listed("nearest versions", &nearest_versions(wanted, versions)),
    }
}

/// Explains that a text is no constraint.
pub(super) fn no_constraint(name: &str, wanted: &str, reason: &str) -> SourceError {
    let nearest = format!(": {reason}");
    SourceError::Unknown {
        what: format!("meaning for version `{}` of chart `{name}`", wanted.escape_debug()),
        place: "Helm".to_owned(),
        nearest,
    }
}

/// Explains that there is no such chart.
pub(super) fn no_chart<'a>(name: &str, names: impl Iterator<Item = &'a str>, place: &str) -> SourceError {
    // Names come from the repository, so only their first letters count.
    let head = |text: &str| text.chars().take(100).collect::<String>();
    let name_head = head(name);
    let mut near: Vec<(usize, &str)> =
        names.map(|other| (distance(&name_head, &head(other)), other)).collect();
    near.sort_unstable();
    let near: Vec<&str> = near.into_iter().take(SHOWN).map(|(_, other)| other).collect();
    SourceError::Unknown {
        what: format!("chart `{name}`"),
        place: place.to_owned(),
        nearest: listed("nearest names", &near),
    }
}

fn listed(title: &str, entries: &[&str]) -> String {
    let entries: Vec<String> =
        entries.iter().map(|entry| entry.chars().take(100).flat_map(char::escape_debug).collect()).collect();
    if entries.is_empty() {
        "; it has none at all".to_owned()
    } else {
        format!("; {title}: {}", entries.join(", "))
    }
}

/// Returns the versions around the first number that is written in the constraint.
fn nearest_versions<'a>(wanted: &str, versions: &[&'a str]) -> Vec<&'a str> {
    let sorted = newest_first(versions);
    let number: String = wanted
        .chars()
        .skip_while(|c| !c.is_ascii_digit())
        .take_while(|c| c.is_ascii_alphanumeric() || ".-".contains(*c))
        .collect();
    let Ok(aim) = Version::parse(number.trim_end_matches(['.', '-', 'x', 'X'])) else {
        return sorted.into_iter().take(SHOWN).collect();
    };
    let newer =
        |text: &&&str| Version::parse(text).is_ok_and(|version| version.compare(&aim) == Ordering::Greater);
    let at = sorted.iter().take_while(newer).count();
    let start = at.saturating_sub(SHOWN / 2 + 1).min(sorted.len().saturating_sub(SHOWN));
    sorted.into_iter().skip(start).take(SHOWN).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chooses_as_helm_does() {
        let check = |wanted: &str, expected: Result<Option<&str>, &str>| {
            let versions = ["1.2.0", "2.0.0-rc.1", "1.10.0", "latest", "1.9.3", "v1.11.0"];
            assert_eq!(choose(&versions, wanted).map_err(|error| error.leak() as &str), expected, "{wanted}");
        };
        check("", Ok(Some("v1.11.0")));
        check("1.9.3", Ok(Some("1.9.3")));
        check("~1.9", Ok(Some("1.9.3")));
        check("1.11.0", Ok(Some("v1.11.0")));
        check("<1.11", Ok(Some("1.10.0")));
        check(">0.0.0-0", Ok(Some("2.0.0-rc.1")));
        check("^3", Ok(None));
        check("latest!", Err("improper constraint: \"latest!\""));
    }

    #[test]
    fn errors_name_what_is_near() {
        let error = no_version(
            "web",
            "^1.3",
            &["2.0.0", "1.2.0", "1.1.0", "0.9.0", "0.8.0", "0.7.0"],
            "`https://a/`",
        );
        let expected = "`https://a/` has no version of chart `web` for `^1.3`; nearest versions: 2.0.0, 1.2.0, 1.1.0, 0.9.0, 0.8.0";
        assert_eq!(error.to_string(), expected);
        let names = ["redis", "web", "webhook", "web-app", "mysql", "postgresql", "prometheus"];
        let error = no_chart("wbe", names.into_iter(), "`https://a/`");
        assert!(error.to_string().contains("nearest names: web, "), "{error}");
    }
}
