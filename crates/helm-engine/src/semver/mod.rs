//! Semantic versions and constraints as Masterminds/semver 3.5.0 reads and compares them, which is what Helm uses for
//! chart versions, dependencies, `kubeVersion` and the template functions.

mod constraint;
mod written;

use std::cmp::Ordering;
use std::fmt;

use thiserror::Error;

pub use constraint::Constraints;

/// Why a text is no version or constraint, in the library's words.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum SemverError {
    /// Not a version at all.
    #[error("invalid semantic version")]
    Invalid,
    /// An empty text where a strict version was wanted.
    #[error("version string empty")]
    Empty,
    /// Other characters than digits in a number.
    #[error("invalid characters in version")]
    Characters,
    /// A number, or numeric part of a prerelease, with a leading zero.
    #[error("version segment starts with 0")]
    LeadingZero,
    /// Bad build metadata.
    #[error("invalid metadata string")]
    Metadata,
    /// A bad prerelease.
    #[error("invalid prerelease string")]
    Prerelease,
    /// More than 256 bytes.
    #[error("version string is too long (max 256 bytes)")]
    TooLong,
    /// A number over 64 bits.
    #[error("error parsing version segment: strconv.ParseUint: parsing \"{0}\": value out of range")]
    Range(String),
    /// The same, of a strict version.
    #[error("strconv.ParseUint: parsing \"{0}\": value out of range")]
    StrictRange(String),
    /// Not a constraint.
    #[error("improper constraint: {0}")]
    Constraint(String),
    /// A constraint whose version is none.
    #[error("constraint parser error")]
    ConstraintVersion,
    /// A constraint over 512 bytes.
    #[error("constraint string is too long (max 512 bytes)")]
    ConstraintTooLong,
    /// More than 32 groups.
    #[error("too many constraint groups (max 32)")]
    ConstraintGroups,
}

/// A version; missing minor and patch numbers are zero.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Version {
    /// The major number.
    pub major: u64,
    /// The minor number.
    pub minor: u64,
    /// The patch number.
    pub patch: u64,
    /// The prerelease, without its hyphen.
    pub prerelease: String,
    /// The build metadata, without its plus.
    pub metadata: String,
    /// The text that was read.
    pub original: String,
}

/// The longest version.
const LONGEST: usize = 256;

impl Version {
    /// Reads a version as `NewVersion` does: a leading `v`, leading zeros and missing parts are fine.
    ///
    /// # Errors
    /// When the text is no version even so.
    pub fn parse(text: &str) -> Result<Version, SemverError> {
        if text.len() > LONGEST {
            return Err(SemverError::TooLong);
        }
        let (written, metadata, rest) = written::version(text).ok_or(SemverError::Invalid)?;
        let numbers = [written.major, written.minor, written.patch].map(|part| part.trim_start_matches('.'));
        if !rest.is_empty() || numbers.iter().any(|digits| !digits.bytes().all(|byte| byte.is_ascii_digit()))
        {
            return Err(SemverError::Invalid);
        }
        let number = |digits: &str| match digits {
            "" => Ok(0),
            digits => digits.parse().map_err(|_| SemverError::Range(digits.to_string())),
        };
        let version = Version {
            major: number(numbers[0])?,
            minor: number(numbers[1])?,
            patch: number(numbers[2])?,
            prerelease: written.prerelease.strip_prefix('-').unwrap_or_default().to_string(),
            metadata: metadata.to_string(),
            original: text.to_string(),
        };
        check_prerelease(&version.prerelease)?;
        check_metadata(&version.metadata)?;
        Ok(version)
    }

    /// Reads a version as `StrictNewVersion` does: three numbers without leading zeros or `v`.
    ///
    /// # Errors
    /// When the text is not exactly a semantic version.
    pub fn parse_strict(text: &str) -> Result<Version, SemverError> {
        if text.is_empty() {
            return Err(SemverError::Empty);
        }
        if text.len() > LONGEST {
            return Err(SemverError::TooLong);
        }
        let parts: Vec<&str> = text.splitn(3, '.').collect();
        let [major, minor, rest] = parts[..] else { return Err(SemverError::Invalid) };
        let (rest, metadata) = split_part(rest, '+');
        if let Some(metadata) = metadata {
            check_parts(metadata, SemverError::Metadata, false)?;
        }
        let (patch, prerelease) = split_part(rest, '-');
        if let Some(prerelease) = prerelease {
            check_parts(prerelease, SemverError::Prerelease, true)?;
        }
        for digits in [major, minor, patch] {
            if !digits.bytes().all(|byte| byte.is_ascii_digit()) {
                return Err(SemverError::Characters);
            }
            if digits.len() > 1 && digits.starts_with('0') {
                return Err(SemverError::LeadingZero);
            }
        }
        let number = |digits: &str| digits.parse().map_err(|_| SemverError::StrictRange(digits.to_string()));
        Ok(Version {
            major: number(major)?,
            minor: number(minor)?,
            patch: number(patch)?,
            prerelease: prerelease.unwrap_or_default().to_string(),
            metadata: metadata.unwrap_or_default().to_string(),
            original: text.to_string(),
        })
    }

    /// Compares by precedence: metadata does not count, a prerelease comes before its release.
    pub fn compare(&self, other: &Version) -> Ordering {
        let numbers = (self.major, self.minor, self.patch).cmp(&(other.major, other.minor, other.patch));
        numbers.then_with(|| match (self.prerelease.is_empty(), other.prerelease.is_empty()) {
            (true, true) => Ordering::Equal,
            (true, false) => Ordering::Greater,
            (false, true) => Ordering::Less,
            (false, false) => compare_prereleases(&self.prerelease, &other.prerelease),
        })
    }

    /// Returns the version with other parts and a spelling of its own; a leading `v` is kept.
    pub(crate) fn respelled(&self, change: impl FnOnce(&mut Version)) -> Version {
        let mut version = self.clone();
        change(&mut version);
        let prefix = if self.original.starts_with('v') { "v" } else { "" };
        version.original = format!("{prefix}{version}");
        version
    }
}

/// Writes the version without a leading `v`.
impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}.{}", self.major, self.minor, self.patch)?;
        if !self.prerelease.is_empty() {
            write!(f, "-{}", self.prerelease)?;
        }
        if !self.metadata.is_empty() {
            write!(f, "+{}", self.metadata)?;
        }
        Ok(())
    }
}

fn split_part(text: &str, at: char) -> (&str, Option<&str>) {
    text.split_once(at).map_or((text, None), |(before, after)| (before, Some(after)))
}

/// Checks a prerelease; an empty one is none.
pub(crate) fn check_prerelease(text: &str) -> Result<(), SemverError> {
    if text.is_empty() { Ok(()) } else { check_parts(text, SemverError::Prerelease, true) }
}

/// Checks build metadata; empty is none.
pub(crate) fn check_metadata(text: &str) -> Result<(), SemverError> {
    if text.is_empty() { Ok(()) } else { check_parts(text, SemverError::Metadata, false) }
}

fn check_parts(text: &str, error: SemverError, zeros_count: bool) -> Result<(), SemverError> {
    for part in text.split('.') {
        if zeros_count
            && part.len() > 1
            && part.starts_with('0')
            && part.bytes().all(|byte| byte.is_ascii_digit())
        {
            return Err(SemverError::LeadingZero);
        }
        if part.is_empty() || !part.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-') {
            return Err(error);
        }
    }
    Ok(())
}

fn compare_prereleases(a: &str, b: &str) -> Ordering {
    let (mut left, mut right) = (a.split('.'), b.split('.'));
    loop {
        let order = match (left.next(), right.next()) {
            (None, None) => return Ordering::Equal,
            (a, b) => compare_parts(a.unwrap_or_default(), b.unwrap_or_default()),
        };
        if order.is_ne() {
            return order;
        }
    }
}

/// Numbers come before words; a missing part before any.
fn compare_parts(a: &str, b: &str) -> Ordering {
    if a == b {
        return Ordering::Equal;
    }
    if a.is_empty() || b.is_empty() {
        return a.len().cmp(&b.len());
    }
    let number = |text: &str| text.parse::<u64>().ok().filter(|_| !text.starts_with('+'));
    match (number(a), number(b)) {
        (None, None) => a.cmp(b),
        (Some(_), None) => Ordering::Less,
        (None, Some(_)) => Ordering::Greater,
        (Some(a), Some(b)) if a > b => Ordering::Greater,
        (Some(_), Some(_)) => Ordering::Less,
    }
}
