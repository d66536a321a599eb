//! The commit message: the same releases always read the same, so that a log can be searched and parsed.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use super::super::Owner;
use super::edit::Tally;

const MOST_LINES: usize = 200;

/// Writes a subject and one line per release, sorted by cluster, namespace and name.
pub(super) fn message(deliveries: &[(&Owner, Tally)]) -> String {
    let mut deliveries: Vec<_> = deliveries.iter().filter(|(_, tally)| *tally != Tally::default()).collect();
    deliveries.sort_by_key(|(owner, _)| *owner);
    let mut text = subject(&deliveries);
    text.push_str("\n\n");
    for (owner, tally) in deliveries.iter().take(MOST_LINES) {
        // Writing to a string cannot fail.
        let _ = writeln!(text, "{}: {}/{} ({})", owner.cluster, owner.namespace, owner.name, counted(*tally));
    }
    if deliveries.len() > MOST_LINES {
        let _ = writeln!(text, "and {} more", deliveries.len() - MOST_LINES);
    }
    text
}

fn subject(deliveries: &[&(&Owner, Tally)]) -> String {
    let names: BTreeSet<_> = deliveries.iter().map(|(owner, _)| owner.name.as_str()).collect();
    let clusters: BTreeSet<_> = deliveries.iter().map(|(owner, _)| owner.cluster.as_str()).collect();
    let all_gone = deliveries.iter().all(|(_, tally)| tally.written == 0);
    let (verb, preposition) = if all_gone { ("Remove", "from") } else { ("Deliver", "to") };
    let what = name_or_count(&names, deliveries.len(), "releases");
    let whither = name_or_count(&clusters, clusters.len(), "clusters");
    format!("{verb} {what} {preposition} {whither}")
}

fn name_or_count(names: &BTreeSet<&str>, count: usize, noun: &str) -> String {
    match names.first() {
        Some(only) if names.len() == 1 => (*only).to_owned(),
        _ => format!("{count} {noun}"),
    }
}

fn counted(tally: Tally) -> String {
    match (tally.written, tally.deleted) {
        (written, 0) => format!("{written} written"),
        (0, deleted) => format!("{deleted} deleted"),
        (written, deleted) => format!("{written} written, {deleted} deleted"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(deliveries: &[(&str, &str, usize, usize)], expected: &str) {
        let owned: Vec<_> = deliveries
            .iter()
            .map(|(cluster, name, written, deleted)| {
                let owner = Owner {
                    kind: Default::default(),
                    cluster: (*cluster).into(),
                    namespace: "n".into(),
                    name: (*name).into(),
                };
                (owner, Tally { written: *written, deleted: *deleted })
            })
            .collect();
        let borrowed: Vec<_> = owned.iter().map(|(owner, tally)| (owner, *tally)).collect();
        assert_eq!(message(&borrowed), expected);
    }

    #[test]
    fn names_what_is_one_and_counts_what_is_many() {
        check(&[("pre", "dns", 2, 1)], "Deliver dns to pre\n\npre: n/dns (2 written, 1 deleted)\n");
        check(&[("pre", "dns", 0, 1)], "Remove dns from pre\n\npre: n/dns (1 deleted)\n");
        check(
            &[("pro", "dns", 1, 0), ("pre", "dns", 1, 0), ("pre", "web", 0, 0)],
            "Deliver dns to 2 clusters\n\npre: n/dns (1 written)\npro: n/dns (1 written)\n",
        );
        check(
            &[("pre", "web", 1, 0), ("pre", "dns", 1, 0)],
            "Deliver 2 releases to pre\n\npre: n/dns (1 written)\npre: n/web (1 written)\n",
        );
    }
}
