//! What a cluster said, as Terraform's diagnostics: one for each thing that somebody has to do something about.

use std::collections::BTreeSet;

use tf_provider::schema::{Diagnostic, Diagnostics, Path};

use crate::delivery::cluster::apply::Outcome;
use crate::delivery::cluster::definitions::Outgrown;
use crate::delivery::cluster::preview::{Action, Preview, Problem, Reason};
use crate::delivery::cluster::remove::Removal;
use crate::delivery::cluster::{ClusterError, Conflict, ObjectSet};
use crate::manifest::object::ObjectId;

/// Lines that a list of objects has at the most.
const MOST: usize = 20;

fn at(attribute: &str) -> Path {
    Path::from("delivery").attribute("cluster").attribute(attribute)
}

/// A cluster that did not do what it was asked.
pub(crate) fn of_error(error: &ClusterError) -> Diagnostic {
    let diagnostic = Diagnostic::error(error.to_string());
    match error.hint() {
        Some(hint) => diagnostic.hint(hint),
        None => diagnostic,
    }
}

/// Everything that keeps a set from being applied.
pub(super) fn problems(set: &ObjectSet, problems: &[Problem]) -> Diagnostics {
    let places = places(set, problems);
    let told = problems.iter().take(MOST).zip(places).map(|(one, places)| problem(set, one, &places));
    let mut found: Diagnostics = told.collect();
    if problems.len() > MOST {
        let more = problems.len() - MOST;
        found.push(Diagnostic::error(format!("{}: {more} more objects cannot be applied", set.title)));
    }
    found
}

/// Says where the fields come from that the server refuses.
fn places(set: &ObjectSet, problems: &[Problem]) -> Vec<Vec<String>> {
    let fields = |problem: &Problem| match &problem.reason {
        Reason::Error(error) => set.refused_fields(&problem.object, error),
        _ => Vec::new(),
    };
    let fields: Vec<_> = problems.iter().take(MOST).map(fields).collect();
    let asked = problems
        .iter()
        .zip(&fields)
        .flat_map(|(problem, fields)| fields.iter().map(|(_, path)| (problem.object.key(), path.clone())));
    let mut answers = set.sources.ask(&asked.collect::<Vec<_>>()).into_iter();
    let line = |field: &str, answer: Option<Option<String>>| {
        answer.flatten().map(|place| format!("  {field} is written by {place}"))
    };
    let of_one = |fields: Vec<(String, String)>| {
        fields.iter().filter_map(|(field, _)| line(field, answers.next())).collect()
    };
    fields.into_iter().map(of_one).collect()
}

/// Tells of one object; `places` say where the fields come from that it is about.
fn problem(set: &ObjectSet, problem: &Problem, places: &[String]) -> Diagnostic {
    let (title, object) = (&set.title, &problem.object);
    match &problem.reason {
        Reason::Error(error) => {
            let places: Vec<String> = places.iter().map(|place| format!("\n{place}")).collect();
            let diagnostic = Diagnostic::error(format!("{title}: {object} cannot be applied"))
                .detail(format!("{error}.{}", places.concat()));
            match error.hint() {
                Some(hint) => diagnostic.hint(hint),
                None => diagnostic,
            }
        }
        Reason::Conflicts(conflicts) => {
            let line = |(conflict, value): &(Conflict, Option<String>)| {
                let value = value.as_ref().map(|value| format!(" = {value}")).unwrap_or_default();
                format!("  {}{value}, owned by {:?}", conflict.field, conflict.manager)
            };
            let lines: Vec<String> = conflicts.iter().map(line).collect();
            Diagnostic::error(format!("{title}: fields of {object} belong to somebody else"))
                .detail(lines.join("\n"))
                .hint("leave them out of the values, or say `force_conflicts = true` to overwrite them")
                .at(at("force_conflicts"))
        }
        Reason::Foreign(owner) => Diagnostic::error(format!("{title}: {object} is looked after by {owner}"))
            .detail("Two writers of one object undo each other's work.")
            .hint("take it out there first, or say `adopt = true` to take it over")
            .at(at("adopt")),
        Reason::Writer { owner, way_out } => {
            Diagnostic::error(format!("{title}: {object} would have two writers"))
                .detail(format!(
                    "{owner} is live and goes on writing it; the two would undo each other's work."
                ))
                .hint(way_out)
        }
        Reason::Immutable(fields) => {
            Diagnostic::error(format!("{title}: {object} would have to be deleted and made again"))
                .detail(format!("Cannot change in place: {}.", fields.join(", ")))
                .hint(format!("keep the fields as they are, or say `recreate = [{:?}]`", object.kind))
                .at(at("recreate"))
        }
    }
}

/// Two resources that write one object.
pub(super) fn claimed(set: &ObjectSet, taken: &[(String, String)]) -> Diagnostics {
    let lines: Vec<String> =
        taken.iter().take(MOST).map(|(key, other)| format!("  {key}, also of {other}")).collect();
    Diagnostic::error(format!("{} writes objects that another resource writes too", set.title))
        .detail(lines.join("\n"))
        .hint("keep each object in one of them")
        .into()
}

/// Objects that cannot be tried before another resource of the same plan is applied.
pub(super) fn waiting(set: &ObjectSet, waiting: &[(ObjectId, String)]) -> Diagnostic {
    let line = |(id, by): &(ObjectId, String)| format!("  {id}, after {by}");
    Diagnostic::warning(format!("objects of {} are tried only when it is applied", set.title))
        .detail(format!(
            "Their kind or namespace comes with another resource of this plan:\n{}",
            cut(waiting.iter().map(line).collect())
        ))
        .hint("that resource must be applied first: refer to it, or say so with `depends_on`")
}

/// What a reader of the plan should know beside the changed fields.
pub(super) fn notices(set: &ObjectSet, preview: &Preview) -> Diagnostics {
    let (mut adopted, mut replaced, mut changed_back) = (Vec::new(), Vec::new(), Vec::new());
    let before = set.predecessor.as_ref().map(|one| one.title.as_str()).unwrap_or_default();
    let mut inherited = 0;
    for (one, action) in set.objects.iter().zip(&preview.actions) {
        match action {
            Action::Adopt { owner, overwritten } => {
                let overwritten = preview.overwritten(one, overwritten);
                if overwritten.is_empty() && owner.as_deref() == Some(before) {
                    inherited += 1;
                    continue;
                }
                let owner = owner.as_ref().map(|owner| format!(", of {owner}")).unwrap_or_default();
                adopted.push(format!("  {}{owner}{}", one.id, fields(overwritten)));
            }
            Action::Replace { fields } => replaced.push(format!("  {}: {}", one.id, fields.join(", "))),
            Action::Update { overwritten } if !overwritten.is_empty() => {
                changed_back.push(format!("  {}{}", one.id, fields(overwritten.iter().collect())));
            }
            _ => {}
        }
    }
    let notice = |lines: Vec<String>, what: &str| {
        let summary = format!("{} {what}", set.title);
        (!lines.is_empty()).then(|| Diagnostic::warning(summary).detail(cut(lines)))
    };
    let left = &preview.leftovers;
    let deleted = left.delete.keys().map(|id| format!("  {id}")).collect();
    let kept = left.keep.iter().map(|(id, reason)| format!("  {id}: {reason}")).collect();
    match inherited {
        0 => {}
        1 => adopted.insert(0, format!("  1 object of {before}")),
        many => adopted.insert(0, format!("  {many} objects of {before}")),
    }
    let all = [
        notice(deleted, &format!("deletes what {before} had and it has not")),
        notice(kept, &format!("leaves objects of {before} where they are")),
        notice(adopted, "takes over objects that are there already"),
        notice(replaced, "deletes objects and makes them again, because a field cannot change in place"),
        notice(changed_back, "changes back what somebody changed by hand"),
    ];
    all.into_iter().flatten().collect()
}

/// What the server makes of the objects beside what they say: policies and webhooks change what is sent.
pub(super) fn answered(set: &ObjectSet, preview: &Preview, with_defaults: bool) -> Option<Diagnostic> {
    let mut lines = Vec::new();
    for (id, told) in preview.answered(set) {
        let defaults = if with_defaults { told.defaults } else { Vec::new() };
        if told.changes.is_empty() && defaults.is_empty() {
            continue;
        }
        lines.push(format!("  {id}"));
        lines.extend(told.changes.into_iter().map(|line| format!("    {line}")));
        lines.extend(defaults.into_iter().map(|line| format!("    {line}, a default")));
    }
    let most = if with_defaults { usize::MAX } else { MOST };
    let summary = format!("the cluster changes what {} says", set.title);
    (!lines.is_empty()).then(|| Diagnostic::warning(summary).detail(cut_at(lines, most)))
}

fn fields(overwritten: Vec<&Conflict>) -> String {
    let named: Vec<String> =
        overwritten.into_iter().map(|one| format!("{} (of {:?})", one.field, one.manager)).collect();
    if named.is_empty() { String::new() } else { format!(": {}", named.join(", ")) }
}

fn cut(lines: Vec<String>) -> String {
    cut_at(lines, MOST)
}

fn cut_at(lines: Vec<String>, most: usize) -> String {
    let more = lines.len().saturating_sub(most);
    let shown: Vec<String> = lines.into_iter().take(most).collect();
    if more > 0 { format!("{}\n  and {more} more", shown.join("\n")) } else { shown.join("\n") }
}

/// A plan without the cluster's word.
pub(super) fn offline(set: &ObjectSet, reason: &str) -> Diagnostic {
    Diagnostic::warning(format!("{} is planned without asking its cluster", set.title))
        .detail(format!("{reason}\n\nConflicts and refusals will show only when it is applied."))
}

/// A plan before the cluster is known.
pub(super) fn not_known_yet(set: &ObjectSet, cluster: &str) -> Diagnostic {
    offline(set, &format!("It is known only after apply how cluster {cluster} is reached."))
}

/// A look at a cluster that saw nothing.
pub(super) fn unseen(reason: &str, hint: Option<&str>) -> Diagnostic {
    let diagnostic = Diagnostic::warning("drift could not be looked for")
        .detail(format!("{reason}\n\nThe plan goes by what was applied last."));
    match hint {
        Some(hint) => diagnostic.hint(hint),
        None => diagnostic,
    }
}

/// Tells what is not as it should be after an apply that wrote something; `error` says whether it stops the run.
pub(super) fn incomplete(set: &ObjectSet, outcome: &Outcome, is_error: bool) -> Diagnostic {
    let summary = format!("{} is incomplete", set.title);
    let diagnostic = if is_error { Diagnostic::error(summary) } else { Diagnostic::warning(summary) };
    let next = match is_error {
        true => "apply again to go on; what was written stays",
        false => {
            "apply again to go on. Terraform would replace a new resource that fails, so this is a warning; a \
             `lifecycle { postcondition { condition = self.status == \"ready\" … } }` makes it stop the run"
        }
    };
    with_causes(diagnostic, set, outcome, next)
}

/// Tells why a first apply was taken back.
pub(super) fn taken_back(set: &ObjectSet, outcome: &Outcome) -> Diagnostic {
    let diagnostic = Diagnostic::error(format!("{} was taken back", set.title));
    let next = "what was new is deleted again, and what was there before stays; nothing is kept in the state";
    with_causes(diagnostic, set, outcome, next)
}

fn with_causes(diagnostic: Diagnostic, set: &ObjectSet, outcome: &Outcome, next: &str) -> Diagnostic {
    let mut lines: Vec<String> = Vec::new();
    let mut places = places(set, &outcome.problems).into_iter();
    for one in &outcome.problems {
        lines.push(match &one.reason {
            Reason::Error(error) => format!("  {}: {error}", one.object),
            _ => {
                let told = problem(set, one, &[]);
                format!("  {}: {}", told.summary, told.detail.replace('\n', " "))
            }
        });
        lines.extend(places.next().into_iter().flatten().map(|place| format!("  {place}")));
    }
    let (skipped, failed): (Vec<_>, Vec<_>) =
        outcome.failed.iter().partition(|(_, error)| matches!(error, ClusterError::Interrupted { .. }));
    let stuck = outcome.undone.iter().map(|undone| &undone.failed).chain([&outcome.removal.failed]).flatten();
    lines.extend(failed.iter().map(|(id, error)| format!("  {id}: {error}")));
    lines.extend(stuck.clone().map(|(id, error)| format!("  {id} is still there: {error}")));
    lines.extend(outcome.pending.iter().map(|(id, reason)| format!("  {id} is not ready: {reason}")));
    lines.extend(outcome.error.iter().map(|error| format!("  {error}")));
    if !skipped.is_empty() {
        let names: Vec<String> = skipped.iter().take(3).map(|(id, _)| id.to_string()).collect();
        lines.push(format!("  not written: {}, {} …", counted(skipped.len()), names.join(", ")));
    }
    if outcome.interrupted {
        lines.push("  the run was interrupted".to_owned());
    }
    let refused = outcome.problems.iter().filter_map(|one| match &one.reason {
        Reason::Error(error) => Some(&**error),
        _ => None,
    });
    let errors = refused.chain(failed.iter().map(|(_, error)| *error));
    let mut errors = errors.chain(stuck.map(|(_, error)| error)).chain(&outcome.error);
    let hint = errors.find_map(ClusterError::hint);
    diagnostic.detail(cut(lines)).hint(hint.map_or_else(|| next.to_owned(), |hint| format!("{hint}; {next}")))
}

fn counted(objects: usize) -> String {
    if objects == 1 { "1 object".to_owned() } else { format!("{objects} objects") }
}

/// Definitions of a set that no longer know what the server writes now.
pub(super) fn stuck(set: &ObjectSet, outgrown: &[Outgrown]) -> Diagnostic {
    let lines = outgrown.iter().filter(|one| !one.can_migrate).map(outgrown_line).collect();
    Diagnostic::error(format!("{} cannot go to its new definitions at once", set.title))
        .detail(format!("Objects are stored in versions that they do not know any more:\n{}", cut(lines)))
        .hint("apply a version between the two first, which knows the old and the new form")
}

/// What an apply rewrites before it applies definitions.
pub(super) fn migration(set: &ObjectSet, outgrown: &[Outgrown]) -> Diagnostic {
    let lines = outgrown.iter().map(outgrown_line).collect();
    Diagnostic::warning(format!("{} first rewrites objects that are stored in an old form", set.title))
        .detail(format!("The new definitions do not know it any more:\n{}", cut(lines)))
        .hint("nothing in the objects changes; the cluster was not asked about the rest of the plan")
}

fn outgrown_line(one: &Outgrown) -> String {
    let names: Vec<&str> = one.objects.iter().take(MOST).map(String::as_str).collect();
    let more = one.objects.len().saturating_sub(MOST);
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    format!(
        "  {} {}: {} {}{more}",
        one.definition,
        one.versions.join(", "),
        counted(one.objects.len()),
        names.join(", ")
    )
}

/// What stays in a cluster that a set is no longer delivered to.
pub(super) fn left(title: &str, cluster: &str, objects: &BTreeSet<ObjectId>) -> Diagnostic {
    Diagnostic::warning(format!("{title} leaves its objects in cluster {cluster}"))
        .detail(cut(objects.iter().map(|id| format!("  {id}")).collect()))
        .hint("what it is delivered to now can take them over; delete them by hand if nobody shall have them")
}

/// What is still there after a destroy.
pub(super) fn still_there(title: &str, removal: &Removal) -> Diagnostic {
    let lines: Vec<String> = removal.failed.iter().map(|(id, error)| format!("  {id}: {error}")).collect();
    Diagnostic::error(format!("{title} is not gone"))
        .detail(cut(lines))
        .hint("remove what holds them, then destroy again; what is gone already is no error")
}
