//! Constraints such as `>=1.2 <2 || ~3.1`: groups joined by `||`, of comparisons that must all hold.

use std::cmp::Ordering;
use std::sync::LazyLock;

use regex::{Captures, Regex};

use super::written::{self, Written};
use super::{SemverError, Version};
use crate::template::unicode::quote;

/// One or more groups of comparisons, of which one must hold.
#[derive(Clone, Debug)]
pub struct Constraints {
    groups: Vec<Group>,
}

#[derive(Clone, Debug)]
struct Group {
    comparisons: Vec<Comparison>,
    /// Whether some comparison names a prerelease; only then prereleases can match.
    prereleases: bool,
}

#[derive(Clone, Debug)]
struct Comparison {
    operator: Operator,
    version: Version,
    /// Some part is a wildcard or missing.
    dirty: bool,
    minor_dirty: bool,
    patch_dirty: bool,
    spelled: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Operator {
    Equal,
    NotEqual,
    Greater,
    Less,
    GreaterEqual,
    LessEqual,
    Tilde,
    Caret,
}

/// The longest constraint, in bytes.
const LONGEST: usize = 512;

/// The most groups.
const MOST_GROUPS: usize = 32;

const VERSION: &str = r"v?([0-9|x|X|\*]+)(\.[0-9|x|X|\*]+)?(\.[0-9|x|X|\*]+)?(-([0-9A-Za-z\-]+(\.[0-9A-Za-z\-]+)*))?(\+([0-9A-Za-z\-]+(\.[0-9A-Za-z\-]+)*))?";
const OPERATORS: &str = r"=||!=|>|<|>=|=>|<=|=<|~|~>|\^";
const SPACE: &str = r"[\t\n\x0C\r ]";

fn pattern(text: String) -> Regex {
    Regex::new(&text).expect("the pattern is a constant")
}

// Compiling one of these takes longer than loading and rendering a small chart: `written` reads what is usual.
pub(super) static ONE: LazyLock<Regex> =
    LazyLock::new(|| pattern(format!("^{SPACE}*({OPERATORS}){SPACE}*({VERSION}){SPACE}*$")));
pub(super) static EACH: LazyLock<Regex> =
    LazyLock::new(|| pattern(format!("({OPERATORS}){SPACE}*({VERSION})")));
static RANGE: LazyLock<Regex> =
    LazyLock::new(|| pattern(format!("{SPACE}*({VERSION}){SPACE}+-{SPACE}+({VERSION}){SPACE}*")));
pub(super) static VALID: LazyLock<Regex> = LazyLock::new(|| {
    let first = format!("{SPACE}*({OPERATORS}){SPACE}*({VERSION}){SPACE}*");
    let next = format!("(?:{SPACE}+|,{SPACE}*)({OPERATORS}){SPACE}*({VERSION}){SPACE}*");
    pattern(format!("^({first})({next})*$"))
});

impl Constraints {
    /// Reads a constraint.
    ///
    /// # Errors
    /// When the text is none, or larger than the library allows.
    pub fn parse(text: &str) -> Result<Constraints, SemverError> {
        if text.len() > LONGEST {
            return Err(SemverError::ConstraintTooLong);
        }
        let text = without_ranges(text);
        let parts: Vec<&str> = text.split("||").collect();
        if parts.len() > MOST_GROUPS {
            return Err(SemverError::ConstraintGroups);
        }
        let groups = parts.into_iter().map(Group::parse).collect::<Result<_, _>>()?;
        Ok(Constraints { groups })
    }

    /// Says whether a version satisfies the constraint. A prerelease needs a group that names one.
    pub fn check(&self, version: &Version) -> bool {
        self.groups
            .iter()
            .any(|group| group.comparisons.iter().all(|one| one.holds(version, group.prereleases).is_ok()))
    }

    /// Says why a version does not satisfy the constraint; nothing if it does.
    pub fn violations(&self, version: &Version) -> Vec<String> {
        let mut all = Vec::new();
        for group in &self.groups {
            let reasons =
                group.comparisons.iter().filter_map(|one| one.holds(version, group.prereleases).err());
            let reasons: Vec<String> = reasons.collect();
            if reasons.is_empty() {
                return Vec::new();
            }
            all.extend(reasons);
        }
        all.dedup();
        all
    }
}

/// Writes `1.2 - 2.0` as `>= 1.2, <= 2.0`.
fn without_ranges(text: &str) -> String {
    let mut out = text.to_string();
    let is_space = |byte: u8| matches!(byte, b'\t' | b'\n' | 0xC | b'\r' | b' ');
    if !text.as_bytes().windows(2).any(|pair| is_space(pair[0]) && pair[1] == b'-') {
        return out;
    }
    for found in RANGE.captures_iter(text) {
        out = out.replacen(&found[0], &format!(">= {}, <= {} ", &found[1], &found[11]), 1);
    }
    out
}

impl Group {
    fn parse(text: &str) -> Result<Group, SemverError> {
        if is_plain_version(text) {
            let comparison = Comparison::whole("", text, text)?;
            return Ok(Group { comparisons: vec![comparison], prereleases: false });
        }
        let comparisons: Vec<Comparison> = match written::usual(text) {
            Some(all) => all.iter().map(Comparison::of).collect::<Result<_, _>>()?,
            None if !VALID.is_match(text) => return Err(improper(text)),
            None => EACH
                .find_iter(text)
                .map(|found| Comparison::parse(found.as_str()))
                .collect::<Result<_, _>>()?,
        };
        let prereleases = comparisons.iter().any(|one| !one.version.prerelease.is_empty());
        Ok(Group { comparisons, prereleases })
    }
}

fn improper(text: &str) -> SemverError {
    SemverError::Constraint(quote(text.as_bytes()))
}

/// Says whether this is `1.2.3` and nothing else, which most constraints of dependencies are.
fn is_plain_version(text: &str) -> bool {
    let is_number = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    text.split('.').count() == 3 && text.split('.').all(is_number)
}

fn is_wildcard(part: &str) -> bool {
    matches!(part.trim_start_matches('.'), "" | "x" | "X" | "*")
}

impl Comparison {
    /// Makes the comparison with a version of three numbers.
    fn whole(operator: &str, version: &str, spelled: &str) -> Result<Comparison, SemverError> {
        Ok(Comparison {
            operator: Operator::parse(operator),
            version: Version::parse(version).map_err(|_| SemverError::ConstraintVersion)?,
            dirty: false,
            minor_dirty: false,
            patch_dirty: false,
            spelled: spelled.to_string(),
        })
    }

    fn parse(text: &str) -> Result<Comparison, SemverError> {
        let found: Captures<'_> = ONE.captures(text).ok_or_else(|| improper(text))?;
        let part = |at: usize| found.get(at).map_or("", |part| part.as_str());
        Comparison::of(&Written {
            operator: part(1),
            version: part(2),
            major: part(3),
            minor: part(4),
            patch: part(5),
            prerelease: part(6),
        })
    }

    fn of(written: &Written<'_>) -> Result<Comparison, SemverError> {
        let Written { operator, version, major, minor, patch, prerelease } = *written;
        let no_major = is_wildcard(major);
        let minor_dirty = !no_major && is_wildcard(minor);
        let patch_dirty = !no_major && !minor_dirty && is_wildcard(patch);
        let spelled = if no_major {
            format!("0.0.0{prerelease}")
        } else if minor_dirty {
            format!("{major}.0.0{prerelease}")
        } else if patch_dirty {
            format!("{major}{minor}.0{prerelease}")
        } else {
            version.to_string()
        };
        let whole = Comparison::whole(operator, &spelled, version)?;
        let dirty = no_major || minor_dirty || patch_dirty;
        Ok(Comparison { dirty, minor_dirty, patch_dirty, ..whole })
    }

    /// Says whether a version satisfies the comparison, or why not.
    fn holds(&self, version: &Version, prereleases: bool) -> Result<(), String> {
        if !version.prerelease.is_empty() && !prereleases {
            return Err(format!(
                "{} is a prerelease version and the constraint is only looking for release versions",
                quoted(version)
            ));
        }
        let order = version.compare(&self.version);
        match self.operator {
            Operator::Equal if self.dirty => self.tilde(version, order),
            Operator::Equal => self.unless(order.is_eq(), version, "is not equal to"),
            Operator::NotEqual => self.unless(self.differs(version, order), version, "is equal to"),
            Operator::Greater => {
                self.unless(self.is_below(version, order), version, "is less than or equal to")
            }
            Operator::Less => self.unless(order.is_lt(), version, "is greater than or equal to"),
            Operator::GreaterEqual => self.unless(order.is_ge(), version, "is less than"),
            Operator::LessEqual => self.unless(self.is_at_least(version, order), version, "is greater than"),
            Operator::Tilde => self.tilde(version, order),
            Operator::Caret => self.caret(version, order),
        }
    }

    fn unless(&self, holds: bool, version: &Version, otherwise: &str) -> Result<(), String> {
        if holds {
            return Ok(());
        }
        Err(format!("{} {otherwise} {}", quoted(version), quote(self.spelled.as_bytes())))
    }

    fn differs(&self, version: &Version, order: Ordering) -> bool {
        let own = &self.version;
        if !self.dirty {
            return order.is_ne();
        }
        if own.major != version.major {
            return true;
        }
        if self.minor_dirty {
            return false;
        }
        if own.minor != version.minor {
            return true;
        }
        if self.patch_dirty {
            return version.prerelease != own.prerelease;
        }
        own.patch != version.patch || order.is_ne()
    }

    fn is_below(&self, version: &Version, order: Ordering) -> bool {
        let own = &self.version;
        if !self.dirty || version.major == own.major && !self.minor_dirty && !self.patch_dirty {
            return order.is_gt();
        }
        match version.major.cmp(&own.major) {
            Ordering::Greater => true,
            Ordering::Less => false,
            Ordering::Equal => !self.minor_dirty && version.minor > own.minor,
        }
    }

    fn is_at_least(&self, version: &Version, order: Ordering) -> bool {
        let own = &self.version;
        if !self.dirty {
            return order.is_le();
        }
        version.major <= own.major
            && (version.major != own.major || version.minor <= own.minor || self.minor_dirty)
    }

    fn tilde(&self, version: &Version, order: Ordering) -> Result<(), String> {
        let own = &self.version;
        self.unless(order.is_ge(), version, "is less than")?;
        let any = (own.major, own.minor, own.patch) == (0, 0, 0) && !self.minor_dirty && !self.patch_dirty;
        if any {
            return Ok(());
        }
        self.unless(version.major == own.major, version, "does not have same major version as")?;
        let same_minor = version.minor == own.minor || self.minor_dirty;
        self.unless(same_minor, version, "does not have same major and minor version as")
    }

    fn caret(&self, version: &Version, order: Ordering) -> Result<(), String> {
        let own = &self.version;
        self.unless(order.is_ge(), version, "is less than")?;
        self.unless(version.major == own.major, version, MAJOR)?;
        if own.major > 0 || self.minor_dirty {
            return Ok(());
        }
        let same_minor = version.minor == own.minor;
        if own.minor > 0 || self.patch_dirty {
            return self.unless(same_minor, version, MINOR).map_err(|reason| {
                format!("{reason}. Expected minor versions to match when constraint major version is 0")
            });
        }
        self.unless(same_minor, version, MINOR)?;
        self.unless(version.patch == own.patch, version, "does not equal").map_err(|reason| {
            format!("{reason}. Expect version and constraint to equal when major and minor versions are 0")
        })
    }
}

const MAJOR: &str = "does not have same major version as";
const MINOR: &str = "does not have same minor version as";

fn quoted(version: &Version) -> String {
    quote(version.to_string().as_bytes())
}

impl Operator {
    fn parse(text: &str) -> Operator {
        match text {
            "!=" => Operator::NotEqual,
            ">" => Operator::Greater,
            "<" => Operator::Less,
            ">=" | "=>" => Operator::GreaterEqual,
            "<=" | "=<" => Operator::LessEqual,
            "~" | "~>" => Operator::Tilde,
            "^" => Operator::Caret,
            _ => Operator::Equal,
        }
    }
}
