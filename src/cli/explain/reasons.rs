//! The reasons for a field, as data and as lines of text.

use std::collections::BTreeSet;
use std::fmt::Write;

use helm_engine::render::Reason;
use helm_engine::tree::NodeKind;
use serde::Serialize;

use crate::release::why::{Origins, ValueOrigin};

/// What a reason is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Sort {
    /// A value.
    Value,
    /// A value that nobody sets.
    NotSet,
    /// What the release, the chart or the cluster is.
    Fact,
    /// A file of the chart.
    File,
    /// Chance or the clock.
    Generated,
    /// The keys of a map or the length of a list.
    Keys,
}

/// A reason with where it was written.
#[derive(Clone, Debug, Serialize)]
pub(super) struct ReasonAnswer {
    pub(super) sort: Sort,
    #[serde(flatten)]
    pub(super) origin: ValueOrigin,
}

impl ReasonAnswer {
    /// Looks up where what a reason names was written.
    pub(super) fn of(origins: &Origins<'_>, reason: &Reason) -> Self {
        let named = |name: &str| ValueOrigin { path: name.to_owned(), ..ValueOrigin::default() };
        let (sort, origin) = match reason {
            Reason::Value(path)
            | Reason::Sensitive(path)
            | Reason::Late(path)
            | Reason::Unknown(path)
            | Reason::Undecided(path) => {
                let origin = origins.of(path);
                (if origin.value.is_some() { Sort::Value } else { Sort::NotSet }, origin)
            }
            Reason::Shape(path) => match origins.node(path).map(|node| &node.kind) {
                None => (Sort::NotSet, origins.of(path)),
                Some(NodeKind::Map(_) | NodeKind::List(_)) => (Sort::Keys, origins.of(path)),
                Some(_) => (Sort::Value, origins.of(path)),
            },
            Reason::Fact(name) => (Sort::Fact, named(name)),
            Reason::File(path) => (Sort::File, named(path)),
            Reason::Generated(function) => (Sort::Generated, named(function)),
        };
        ReasonAnswer { sort, origin }
    }

    /// Looks up all reasons, values first, each once.
    pub(super) fn all<'r>(origins: &Origins<'_>, reasons: impl IntoIterator<Item = &'r Reason>) -> Vec<Self> {
        let mut seen = BTreeSet::new();
        let mut all: Vec<Self> = reasons
            .into_iter()
            .map(|reason| ReasonAnswer::of(origins, reason))
            .filter(|answer| seen.insert((answer.sort, answer.origin.path.clone())))
            .collect();
        all.sort_by(|one, other| (one.sort, &one.origin.path).cmp(&(other.sort, &other.origin.path)));
        all
    }

    /// Tells whether its value is part of a text.
    pub(super) fn is_seen_in(&self, text: &str) -> bool {
        let value = self.origin.value.as_deref().unwrap_or_default().trim_matches('"');
        !value.is_empty() && text.contains(value)
    }

    /// Says what it is and where it was written, in two columns.
    pub(super) fn columns(&self) -> (String, String) {
        let ValueOrigin { path, value, layer, place, .. } = &self.origin;
        let value = value.as_deref().unwrap_or_default();
        let place = if layer.is_empty() { String::new() } else { format!("{layer} ({place})") };
        let what = match self.sort {
            Sort::Value => format!("{path} = {value}"),
            Sort::NotSet => format!("{path} is not set"),
            Sort::Keys if path.is_empty() => "which values there are".to_owned(),
            Sort::Keys => format!("{path}: what is in it"),
            Sort::Fact => path.clone(),
            Sort::File => format!("the chart's file {path}"),
            Sort::Generated => format!("drawn by {path}"),
        };
        (what, place)
    }
}

/// Rows of two columns with a word before each; the second column starts at the same place in all.
#[derive(Default)]
pub(super) struct Rows(Vec<(String, String, String)>);

/// Columns wider than this do not push the others away.
const WIDEST_COLUMN: usize = 72;

impl Rows {
    /// Adds a row.
    pub(super) fn push(&mut self, word: &str, left: impl Into<String>, right: impl Into<String>) {
        self.0.push((word.to_owned(), left.into(), right.into()));
    }

    /// Adds a reason and what it shadows.
    pub(super) fn push_reason(&mut self, word: &str, reason: &ReasonAnswer) {
        let (what, place) = reason.columns();
        self.push(word, what, place);
        for shadowed in reason.origin.shadowed.iter().filter(|_| reason.sort == Sort::Value) {
            self.push(
                "",
                format!("  shadows {}", shadowed.value),
                format!("{} ({})", shadowed.layer, shadowed.place),
            );
        }
    }

    /// Writes the rows, each with this indentation.
    pub(super) fn write(&self, indent: &str, text: &mut String) {
        let width = |column: fn(&(String, String, String)) -> &String| {
            let widths = self.0.iter().map(|row| column(row).chars().count());
            widths.filter(|width| *width <= WIDEST_COLUMN).max().unwrap_or(0)
        };
        let (words, left) = (width(|row| &row.0), width(|row| &row.1));
        for (word, what, place) in &self.0 {
            let line = format!("{indent}{word:words$}  {what:left$}  {place}");
            let _ = writeln!(text, "{}", line.trim_end());
        }
    }
}
