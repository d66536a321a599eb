//! Versions and comparisons as they are written, read byte by byte, since compiling a pattern for them takes longer than
//! loading and rendering a small chart.

/// The parts of a comparison.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Written<'t> {
    pub(super) operator: &'t str,
    /// The version with everything in it.
    pub(super) version: &'t str,
    pub(super) major: &'t str,
    /// With its dot; empty if it is missing.
    pub(super) minor: &'t str,
    /// With its dot; empty if it is missing.
    pub(super) patch: &'t str,
    /// With its hyphen; empty if there is none.
    pub(super) prerelease: &'t str,
}

const OPERATORS: [&str; 11] = [">=", "=>", "<=", "=<", "!=", "~>", ">", "<", "=", "~", "^"];

/// Reads comparisons with commas or spaces between them; none if something is unusual, which is not yet a mistake.
pub(super) fn usual(text: &str) -> Option<Vec<Written<'_>>> {
    let mut all = Vec::new();
    let mut rest = text.trim_start_matches(' ');
    loop {
        let (written, behind) = comparison(rest)?;
        all.push(written);
        let next = behind.trim_start_matches(' ');
        if next.is_empty() {
            return Some(all);
        }
        rest = match next.strip_prefix(',') {
            // Spaces may stand behind a comma only where the patterns have them.
            Some(_) if next.len() != behind.len() => return None,
            Some(next) => next.trim_start_matches(' '),
            None if next.len() != behind.len() => next,
            None => return None,
        };
    }
}

/// Reads one comparison; returns it and what is behind it.
fn comparison(text: &str) -> Option<(Written<'_>, &str)> {
    let operator = OPERATORS.into_iter().find(|operator| text.starts_with(operator)).unwrap_or_default();
    let (operator, behind) = text.split_at(operator.len());
    let (written, _, rest) = version(behind.trim_start_matches(' '))?;
    Some((Written { operator, ..written }, rest))
}

/// Reads a version, parts of which may be missing or wildcards; returns it, its metadata, and what is behind it.
pub(super) fn version(text: &str) -> Option<(Written<'_>, &str, &str)> {
    let rest = text.strip_prefix('v').unwrap_or(text);
    let (major, rest) = rest.split_at(number(rest)?);
    let (minor, rest) = rest.split_at(dotted_number(rest)?);
    let (patch, rest) = rest.split_at(if minor.is_empty() { 0 } else { dotted_number(rest)? });
    let (prerelease, rest) = rest.split_at(labels(rest, b'-')?);
    let (metadata, rest) = rest.split_at(labels(rest, b'+')?);
    let version = &text[..text.len() - rest.len()];
    let metadata = metadata.strip_prefix('+').unwrap_or_default();
    Some((Written { operator: "", version, major, minor, patch, prerelease }, metadata, rest))
}

/// Returns how long the number or wildcard at the start is.
fn number(text: &str) -> Option<usize> {
    let is_part = |byte: &u8| byte.is_ascii_digit() || matches!(byte, b'x' | b'X' | b'*');
    Some(text.bytes().take_while(|byte| is_part(byte)).count()).filter(|length| *length > 0)
}

/// Returns how long the dot and number at the start are; zero if there is no dot.
fn dotted_number(text: &str) -> Option<usize> {
    match text.strip_prefix('.') {
        Some(rest) => Some(1 + number(rest)?),
        None => Some(0),
    }
}

/// Returns how long the labels behind that mark at the start are; zero if the mark is not there.
fn labels(text: &str, mark: u8) -> Option<usize> {
    if text.bytes().next() != Some(mark) {
        return Some(0);
    }
    let is_inside = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.');
    let length = text[1..].bytes().take_while(|byte| is_inside(byte)).count();
    text[1..=length].split('.').all(|label| !label.is_empty()).then_some(1 + length)
}

#[cfg(test)]
mod tests {
    use super::super::constraint::{EACH, ONE, VALID};
    use super::*;

    fn by_pattern(text: &str) -> Vec<Written<'_>> {
        assert!(VALID.is_match(text), "{text:?}");
        let each = EACH.find_iter(text).map(|found| ONE.captures(found.as_str()).expect("a comparison"));
        each.map(|found| {
            let part = |at: usize| found.get(at).map_or("", |part| part.as_str());
            Written {
                operator: part(1),
                version: part(2),
                major: part(3),
                minor: part(4),
                patch: part(5),
                prerelease: part(6),
            }
        })
        .collect()
    }

    #[test]
    fn reads_usual_comparisons_as_the_patterns_do() {
        for text in [
            ">=1.25.0-0",
            ">= 1.16-0",
            "^1.10.x",
            "~> 2",
            "*",
            "0.12.*",
            "=>v1.2.3-rc.1+build.5, <2 !=1.5",
            "1.2 2.3",
            "  =1.0  ",
            ">1,  <2",
        ] {
            assert_eq!(usual(text), Some(by_pattern(text)), "{text:?}");
        }
    }

    #[test]
    fn reads_any_text_as_the_patterns_do_or_not_at_all() {
        let parts = [
            "1", "2.3", ".4", "x", "*", "-rc", "+b", ".", "-", " ", ",", ">", ">=", "=", "~", "^", "!", "v",
            "|", "<",
        ];
        let mut state = 7_u64;
        let mut next = |below: usize| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 33) as usize % below
        };
        let mut read = 0;
        for _ in 0..20_000 {
            let count = 1 + next(7);
            let text: String = (0..count).map(|_| parts[next(parts.len())]).collect();
            if let Some(found) = usual(&text) {
                assert_eq!(found, by_pattern(&text), "{text:?}");
                read += 1;
            }
        }
        assert!(read > 500, "{read} of the texts were read");
    }
}
