//! The `guard` block of the provider: bounds on what one plan may take away.
//!
//! Terraform plans every release on its own, in one process; a ledger in that process adds up what they take.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, PoisonError};

use tf_provider::schema::{Attribute, Block, Diagnostic, Diagnostics, Object, Path, Type};

use crate::manifest::change_set::kind_of;

/// Bounds on what one plan may take away.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Guard {
    max_deleted_objects: Option<usize>,
    max_changed_clusters: Option<usize>,
    forbid_kinds_deletion: Vec<String>,
}

/// What one release does to its cluster.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Footprint {
    /// The cluster's name.
    pub(crate) cluster: String,
    /// Keys of the objects that go.
    pub(crate) deleted: BTreeSet<String>,
    /// Whether any object changes.
    pub(crate) changed: bool,
}

/// What the releases of one plan do, by release.
#[derive(Debug, Default)]
pub(crate) struct Ledger(Mutex<BTreeMap<String, Footprint>>);

/// Describes the `guard` block.
pub(super) fn schema() -> Block {
    Block::new()
        .description("Bounds on what one plan may take away; a plan beyond them is an error that lists what would go.")
        .attribute("max_deleted_objects", Attribute::optional(Type::Number).description("Most objects that all releases of a plan together may delete or replace. Default: no bound."))
        .attribute("max_changed_clusters", Attribute::optional(Type::Number).description("Most clusters that a plan may change. Default: no bound."))
        .attribute(
            "forbid_kinds_deletion",
            Attribute::optional(Type::list(Type::String))
                .description("Kinds of objects that no plan may delete or replace, whatever a release allows, such as `StatefulSet`."),
        )
}

/// Checks that the bounds are numbers to count with.
pub(super) fn validate(config: &Object, found: &mut Diagnostics) {
    let Some(block) = config.block("guard") else { return };
    for name in ["max_deleted_objects", "max_changed_clusters"] {
        if !block.is_null(name) && !block.is_unknown(name) && bound(block, name).is_none() {
            found.push(
                Diagnostic::error(format!("guard.{name} must be a whole number, zero or more"))
                    .at(Path::from("guard").attribute(name)),
            );
        }
    }
}

/// Reads the block; without one there are no bounds.
pub(super) fn read(config: &Object) -> Guard {
    let Some(block) = config.block("guard") else { return Guard::default() };
    Guard {
        max_deleted_objects: bound(block, "max_deleted_objects"),
        max_changed_clusters: bound(block, "max_changed_clusters"),
        forbid_kinds_deletion: block
            .strings("forbid_kinds_deletion")
            .into_iter()
            .map(str::to_owned)
            .collect(),
    }
}

fn bound(block: &Object, name: &str) -> Option<usize> {
    block.integer(name).and_then(|number| usize::try_from(number).ok())
}

impl Ledger {
    /// Forgets what an earlier plan of this process did.
    pub(crate) fn clear(&self) {
        self.entries().clear();
    }

    /// Adds what a release does. Terraform plans a replacement twice, so what was added before stays.
    fn add(&self, release: &str, footprint: Footprint) -> BTreeMap<String, Footprint> {
        let mut entries = self.entries();
        let entry = entries.entry(release.to_owned()).or_default();
        entry.cluster = footprint.cluster;
        entry.deleted.extend(footprint.deleted);
        entry.changed |= footprint.changed;
        entries.clone()
    }

    fn entries(&self) -> std::sync::MutexGuard<'_, BTreeMap<String, Footprint>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Guard {
    /// Adds what a release does to the plan's ledger.
    ///
    /// # Errors
    /// With every bound that the plan is now beyond, and what would go.
    pub(crate) fn admit(
        &self,
        ledger: &Ledger,
        release: &str,
        footprint: Footprint,
    ) -> Result<(), Diagnostics> {
        if *self == Guard::default() {
            return Ok(());
        }
        let mut found = Diagnostics::new();
        let forbidden: Vec<&String> = footprint
            .deleted
            .iter()
            .filter(|key| self.forbid_kinds_deletion.iter().any(|kind| kind == kind_of(key)))
            .collect();
        if !forbidden.is_empty() {
            found.push(
                Diagnostic::error(format!("{release} would delete objects that the provider's guard keeps"))
                    .detail(format!("{}.", listed(&forbidden)))
                    .hint("take the kind out of the guard's `forbid_kinds_deletion` for this one plan, if they really shall go"),
            );
        }
        let entries = ledger.add(release, footprint);
        found.extend(self.too_many_deletions(&entries));
        found.extend(self.too_many_clusters(&entries));
        found.into_result().map(|_| ())
    }

    fn too_many_deletions(&self, entries: &BTreeMap<String, Footprint>) -> Option<Diagnostic> {
        let most = self.max_deleted_objects?;
        let named = |(release, footprint): (&String, &Footprint)| -> Vec<String> {
            footprint.deleted.iter().map(|key| format!("{key} ({release})")).collect()
        };
        let deleted: Vec<String> = entries.iter().flat_map(named).collect();
        (deleted.len() > most).then(|| {
            Diagnostic::error(format!(
                "the plan deletes at least {} objects, the provider's guard allows {most}",
                deleted.len()
            ))
            .detail(format!("{}.", listed(&deleted)))
            .hint("raise the guard's `max_deleted_objects` for this one plan, if they really shall go")
        })
    }

    fn too_many_clusters(&self, entries: &BTreeMap<String, Footprint>) -> Option<Diagnostic> {
        let most = self.max_changed_clusters?;
        let changed =
            entries.values().filter(|footprint| footprint.changed).map(|footprint| &footprint.cluster);
        let clusters: Vec<&String> = changed.collect::<BTreeSet<_>>().into_iter().collect();
        (clusters.len() > most).then(|| {
            Diagnostic::error(format!(
                "the plan changes at least {} clusters, the provider's guard allows {most}",
                clusters.len()
            ))
            .detail(format!("{}.", listed(&clusters)))
            .hint("plan fewer clusters at once with `-target`, or raise the guard's `max_changed_clusters`")
        })
    }
}

/// Lists things, but never more than a person reads.
fn listed<T: AsRef<str>>(all: &[T]) -> String {
    const MOST: usize = 30;
    let shown: Vec<&str> = all.iter().take(MOST).map(AsRef::as_ref).collect();
    let more = all.len().saturating_sub(MOST);
    if more > 0 { format!("{}, and {more} more", shown.join(", ")) } else { shown.join(", ") }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn footprint(cluster: &str, deleted: &[&str]) -> Footprint {
        Footprint {
            cluster: cluster.to_owned(),
            deleted: deleted.iter().map(|key| (*key).to_owned()).collect(),
            changed: true,
        }
    }

    /// Adds the releases of one plan, one a cluster, and expects what the last of them is told.
    fn check(guard: &Guard, releases: &[&[&str]], expected: &[&str]) {
        let ledger = Ledger::default();
        let admitted = releases.iter().enumerate().map(|(number, deleted)| {
            let cluster = format!("c{number}");
            guard.admit(&ledger, &format!("shop/web on {cluster}"), footprint(&cluster, deleted))
        });
        let told: Vec<String> = match admitted.last() {
            Some(Err(found)) => found.iter().map(|one| format!("{}: {}", one.summary, one.detail)).collect(),
            _ => Vec::new(),
        };
        assert_eq!(told.len(), expected.len(), "{told:?}");
        assert!(told.iter().zip(expected).all(|(told, part)| told.contains(part)), "{told:?}");
    }

    #[test]
    fn what_releases_take_adds_up() {
        let guard = Guard { max_deleted_objects: Some(2), ..Guard::default() };
        check(&guard, &[&["v1/Service/a/b"], &["v1/Service/a/c"]], &[]);
        check(
            &guard,
            &[&["v1/Service/a/b"], &["v1/Service/a/c", "v1/Service/a/d"]],
            &["v1/Service/a/b (shop/web on c0), v1/Service/a/c (shop/web on c1)"],
        );
        check(&Guard { max_deleted_objects: Some(0), ..Guard::default() }, &[&[]], &[]);
        check(&Guard::default(), &[&["v1/Namespace/x"]], &[]);
    }

    #[test]
    fn kinds_are_kept_and_clusters_are_counted() {
        let guard = Guard { forbid_kinds_deletion: vec!["StatefulSet".to_owned()], ..Guard::default() };
        check(
            &guard,
            &[&["apps/v1/StatefulSet/a/b", "v1/Service/a/b"]],
            &["keeps: apps/v1/StatefulSet/a/b."],
        );
        let guard = Guard { max_changed_clusters: Some(1), ..Guard::default() };
        check(&guard, &[&[]], &[]);
        check(&guard, &[&[], &[]], &["changes at least 2 clusters, the provider's guard allows 1: c0, c1."]);
    }

    #[test]
    fn a_replacement_that_is_planned_twice_keeps_what_goes() {
        let guard = Guard { max_deleted_objects: Some(0), ..Guard::default() };
        let ledger = Ledger::default();
        assert!(guard.admit(&ledger, "r", footprint("c", &["v1/Service/a/b"])).is_err());
        assert!(guard.admit(&ledger, "r", footprint("c", &[])).is_err());
        ledger.clear();
        assert!(guard.admit(&ledger, "r", footprint("c", &[])).is_ok());
    }

    #[test]
    fn bounds_are_whole_numbers() {
        let check = |bound: i64, expected: usize| {
            let config = Object::new().with("guard", Object::new().with("max_deleted_objects", bound));
            let mut found = Diagnostics::new();
            validate(&config, &mut found);
            assert_eq!(found.iter().count(), expected, "{bound}");
        };
        check(0, 0);
        check(20, 0);
        check(-1, 1);
    }
}
