//! What a caller wants changed on a branch, and whether the branch as it is now allows it. Pure: a tree and edits in, verdicts
//! and changes out, so that the same edits can be judged again on every new tip.
//!
//! The rule for each path: a write needs the path absent, or as it was last seen, or already ours; a delete needs it as last seen, or
//! absent. One refused path refuses its whole edit and no other.

use std::collections::{BTreeMap, BTreeSet};

use super::super::{DeliveryError, Existing, Owner};
use crate::source::RelativePath;
use crate::source::git::{Entry, EntryKind, Listing, ObjectId};

/// One caller's changes, done all or none.
#[derive(Clone, Debug)]
pub struct Edit {
    /// Whose files these are.
    pub owner: Owner,
    /// What to do about files of others.
    pub existing: Existing,
    /// What shall be at each path.
    pub changes: BTreeMap<RelativePath, Change>,
}

/// What shall be at a path.
#[derive(Clone, Debug)]
pub enum Change {
    /// This content.
    Write {
        /// The bytes.
        content: Vec<u8>,
        /// What was seen there; `None` when nothing was.
        expected: Option<ObjectId>,
    },
    /// Nothing.
    Delete {
        /// What was seen there.
        expected: ObjectId,
    },
}

/// An edit whose contents stand in the clone as blobs.
pub(super) struct Prepared<'a> {
    pub(super) edit: &'a Edit,
    /// The blobs of the writes.
    pub(super) blobs: BTreeMap<&'a RelativePath, ObjectId>,
}

/// What a branch becomes; `None` deletes.
pub(super) type Changes = BTreeMap<RelativePath, Option<ObjectId>>;

/// The judgement over all edits of a batch.
pub(super) struct Judgement {
    /// For each edit, how many files it writes and deletes.
    pub(super) verdicts: Vec<Result<Tally, DeliveryError>>,
    pub(super) changes: Changes,
}

/// How many files an edit changes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Tally {
    pub(super) written: usize,
    pub(super) deleted: usize,
}

/// Names the blobs whose owner decides about a write.
pub(super) fn contested(listing: &Listing, edits: &[Prepared<'_>]) -> BTreeSet<ObjectId> {
    let mut ids = BTreeSet::new();
    for prepared in edits.iter().filter(|prepared| prepared.edit.existing == Existing::Refuse) {
        for (path, blob) in &prepared.blobs {
            let unseen =
                matches!(prepared.edit.changes.get(*path), Some(Change::Write { expected: None, .. }));
            match listing.get(path.as_str()) {
                Some(entry) if unseen && is_file(entry) && entry.id != *blob => ids.insert(entry.id.clone()),
                _ => false,
            };
        }
    }
    ids
}

/// Judges all edits on one tree. An edit that another one of the batch stands in the way of is judged again after it, so that a
/// path can pass from one owner to the next in one commit.
pub(super) fn judge(
    place: &str,
    mut listing: Listing,
    owners: &BTreeMap<ObjectId, Option<Owner>>,
    edits: &[Prepared<'_>],
) -> Judgement {
    let mut owners = owners.clone();
    for prepared in edits {
        owners.extend(prepared.blobs.values().map(|blob| (blob.clone(), Some(prepared.edit.owner.clone()))));
    }
    let mut changes = Changes::new();
    let mut verdicts: Vec<Option<Result<Tally, DeliveryError>>> = edits.iter().map(|_| None).collect();
    let mut progress = true;
    while progress {
        progress = false;
        for (prepared, verdict) in edits.iter().zip(&mut verdicts) {
            if matches!(verdict, Some(Ok(_))) {
                continue;
            }
            let judged = judge_edit(place, &listing, &owners, prepared);
            progress |= judged.is_ok();
            *verdict = Some(judged.map(|edit_changes| {
                let tally = tally(&edit_changes);
                take_over(&mut listing, &edit_changes);
                changes.extend(edit_changes);
                tally
            }));
        }
    }
    Judgement { verdicts: verdicts.into_iter().flatten().collect(), changes }
}

fn judge_edit(
    place: &str,
    listing: &Listing,
    owners: &BTreeMap<ObjectId, Option<Owner>>,
    prepared: &Prepared<'_>,
) -> Result<Changes, DeliveryError> {
    let mut changes = Changes::new();
    for (path, change) in &prepared.edit.changes {
        let found = listing.get(path.as_str());
        let changed = || DeliveryError::Changed { path: path.to_string(), place: place.to_owned() };
        match change {
            Change::Delete { expected } => match found {
                None => {}
                Some(entry) if is_file(entry) && entry.id == *expected => {
                    changes.insert(path.clone(), None);
                }
                Some(_) => return Err(changed()),
            },
            Change::Write { expected, .. } => {
                let Some(blob) = prepared.blobs.get(path) else { continue };
                check_way(place, listing, path)?;
                if found.is_some_and(|entry| is_file(entry) && entry.id == *blob) {
                    continue;
                }
                check_found(place, path, found, expected.as_ref(), owners, prepared.edit)?;
                changes.insert(path.clone(), Some(blob.clone()));
            }
        }
    }
    Ok(changes)
}

fn check_found(
    place: &str,
    path: &RelativePath,
    found: Option<&Entry>,
    expected: Option<&ObjectId>,
    owners: &BTreeMap<ObjectId, Option<Owner>>,
    edit: &Edit,
) -> Result<(), DeliveryError> {
    let (path, place) = (path.to_string(), place.to_owned());
    match (found, expected) {
        (None, None) => Ok(()),
        (Some(entry), Some(expected)) if entry.id == *expected => Ok(()),
        (_, Some(_)) => Err(DeliveryError::Changed { path, place }),
        (Some(_), None) if edit.existing == Existing::Adopt => Ok(()),
        (Some(entry), None) => match owners.get(&entry.id).cloned().flatten() {
            Some(owner) if owner == edit.owner => Ok(()),
            owner => Err(DeliveryError::Foreign { path, place, owner: owner.map(Box::new) }),
        },
    }
}

/// A link or submodule at the path or above it, a file above it or a folder at it would make the write land elsewhere or
/// replace more than one file.
fn check_way(place: &str, listing: &Listing, path: &RelativePath) -> Result<(), DeliveryError> {
    let blocked = |obstacle: &str, kind| {
        Err(DeliveryError::Blocked {
            path: path.to_string(),
            place: place.to_owned(),
            obstacle: obstacle.to_owned(),
            kind,
        })
    };
    for folder in path.folders() {
        if let Some(entry) = listing.get(folder) {
            return blocked(folder, describe(entry.kind));
        }
    }
    if let Some(entry) = listing.get(path.as_str()).filter(|entry| !is_file(entry)) {
        return blocked(path.as_str(), describe(entry.kind));
    }
    let below = format!("{path}/");
    match listing.range(below.clone()..).next() {
        Some((first, _)) if first.starts_with(&below) => blocked(path.as_str(), "a folder"),
        _ => Ok(()),
    }
}

fn is_file(entry: &Entry) -> bool {
    matches!(entry.kind, EntryKind::File | EntryKind::Executable)
}

fn describe(kind: EntryKind) -> &'static str {
    match kind {
        EntryKind::File | EntryKind::Executable => "a file",
        EntryKind::Symlink => "a symbolic link",
        EntryKind::Submodule => "a submodule",
    }
}

fn tally(changes: &Changes) -> Tally {
    let written = changes.values().flatten().count();
    Tally { written, deleted: changes.len() - written }
}

fn take_over(listing: &mut Listing, changes: &Changes) {
    for (path, blob) in changes {
        match blob {
            Some(id) => listing.insert(path.to_string(), Entry { kind: EntryKind::File, id: id.clone() }),
            None => listing.remove(path.as_str()),
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(digit: char) -> ObjectId {
        ObjectId::parse(&digit.to_string().repeat(40)).unwrap()
    }

    fn owner(name: &str) -> Owner {
        Owner { kind: Default::default(), cluster: "c".into(), namespace: "n".into(), name: name.into() }
    }

    /// `+a/b=1` writes blob 1 where nothing was seen, `+a/b=1?2` where 2 was seen, `-a/b?2` deletes where 2 was seen.
    fn edit(name: &str, existing: Existing, text: &str) -> Edit {
        let mut changes = BTreeMap::new();
        for word in text.split(' ') {
            let (rest, expected) = word[1..].split_once('?').unwrap_or((&word[1..], ""));
            let expected = expected.chars().next().map(id);
            let (path, content) = rest.split_once('=').unwrap_or((rest, ""));
            let change = match &word[..1] {
                "+" => Change::Write { content: content.into(), expected },
                _ => Change::Delete { expected: expected.unwrap() },
            };
            changes.insert(RelativePath::new(path).unwrap(), change);
        }
        Edit { owner: owner(name), existing, changes }
    }

    fn prepare(edit: &Edit) -> Prepared<'_> {
        let blob = |change: &Change| match change {
            Change::Write { content, .. } => Some(id(content[0] as char)),
            Change::Delete { .. } => None,
        };
        let blobs = edit.changes.iter().filter_map(|(path, change)| Some((path, blob(change)?))).collect();
        Prepared { edit, blobs }
    }

    /// Tree `a/b=1`, `l@=2` a link, `s!=3` a submodule; blob a is owned by release `a`, and so on.
    fn check(tree: &str, edits: &[Edit], expected: &[&str]) {
        let mut listing = Listing::new();
        for (path, blob) in tree.split(' ').filter_map(|word| word.split_once('=')) {
            let (path, kind) = match path.strip_suffix('@') {
                Some(path) => (path, EntryKind::Symlink),
                None => (path.trim_end_matches('!'), EntryKind::File),
            };
            let id = id(blob.chars().next().unwrap());
            listing.insert(path.to_owned(), Entry { kind, id });
        }
        let owners = ["a", "b"].map(|name| (id(name.chars().next().unwrap()), Some(owner(name)))).into();
        let prepared: Vec<_> = edits.iter().map(prepare).collect();
        let judgement = judge("here", listing, &owners, &prepared);
        for (verdict, expected) in judgement.verdicts.iter().zip(expected) {
            let verdict = match verdict {
                Ok(tally) => format!("+{} -{}", tally.written, tally.deleted),
                Err(error) => error.to_string(),
            };
            assert!(verdict.contains(expected), "{tree} {edits:?}: {verdict} lacks {expected}");
        }
        assert_eq!(judgement.verdicts.len(), expected.len());
    }

    fn check_one(tree: &str, changes: &str, expected: &str) {
        check(tree, &[edit("a", Existing::Refuse, changes)], &[expected]);
    }

    #[test]
    fn a_write_needs_the_path_absent_as_last_seen_or_ours() {
        check_one("", "+x/y=1", "+1 -0");
        check_one("x/z=9", "+x/y=1", "+1 -0");
        check_one("x/y=1", "+x/y=1", "+0 -0");
        check_one("x/y=2", "+x/y=1?2", "+1 -0");
        check_one("x/y=1", "+x/y=1?2", "+0 -0");
        check_one("x/y=3", "+x/y=1?2", "changed since");
        check_one("", "+x/y=1?2", "changed since");
        check_one("x/y=3", "+x/y=1", "belongs to nobody");
        check_one("x/y=a", "+x/y=1", "+1 -0");
        check_one("x/y=b", "+x/y=1", "belongs to release n/b on c");
        check("x/y=b", &[edit("a", Existing::Adopt, "+x/y=1")], &["+1 -0"]);
    }

    #[test]
    fn a_delete_needs_the_path_as_last_seen_or_absent() {
        check_one("x=1", "-x?1", "+0 -1");
        check_one("", "-x?1", "+0 -0");
        check_one("x=2", "-x?1", "changed since");
        check_one("x@=1", "-x?1", "changed since");
    }

    #[test]
    fn links_files_and_folders_in_the_way_are_refused() {
        check_one("x@=1", "+x/y=1", "`x` is a symbolic link");
        check_one("x=1", "+x/y/z=1", "`x` is a file");
        check_one("x/y/z=1", "+x/y=1", "`x/y` is a folder");
        check_one("x@=1", "+x=1", "`x` is a symbolic link");
        check_one("x-y=1 x.y=2", "+x=1", "+1 -0");
    }

    #[test]
    fn one_refused_path_refuses_its_whole_edit_and_no_other() {
        let edits = [edit("a", Existing::Refuse, "+x=1 +y=1"), edit("b", Existing::Refuse, "+z=1")];
        check("y=9", &edits, &["belongs to nobody", "+1 -0"]);
    }

    #[test]
    fn a_path_passes_from_one_owner_to_the_next_in_one_batch() {
        let taking = edit("a", Existing::Refuse, "+x=1");
        let leaving = edit("b", Existing::Refuse, "-x?b");
        check("x=b", &[taking.clone(), leaving.clone()], &["+1 -0", "+0 -1"]);
        check("x=b", &[leaving, taking], &["+0 -1", "+1 -0"]);
    }

    #[test]
    fn two_owners_of_one_path_in_one_batch_fail_for_the_second() {
        let edits = [edit("a", Existing::Refuse, "+x=1"), edit("b", Existing::Refuse, "+x=2")];
        check("", &edits, &["+1 -0", "belongs to release n/a on c"]);
    }
}
