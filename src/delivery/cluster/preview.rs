//! What an apply would do, asked of the server without doing it: every object is applied as a dry run and compared with what is there.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde_json::Value;
use tokio::task::JoinSet;

use super::call::{Apply, Call};
use super::client::{ApiServer, Patience, redact};
use super::discovery::Kinds;
use super::error::ClusterError;
use super::inventory::Inventory;
use super::predecessor::Leftovers;
use super::refusal::{self, Conflict};
use super::set::ObjectSet;
use super::writers::Writers;
use super::{observe, owned, ownership};
use crate::manifest::answered::{self, Answered};
use crate::manifest::object::{ObjectId, is_custom_resource_definition};
use crate::manifest::surface::Desired;

/// What an apply would do.
#[derive(Clone, Debug, Default)]
pub struct Preview {
    /// What becomes of each object, in the set's order.
    pub actions: Vec<Action>,
    /// What is written down and no longer in the set.
    pub prune: BTreeSet<ObjectId>,
    /// What keeps the set from being applied.
    pub problems: Vec<Problem>,
    /// What the server would make of the objects that change.
    answers: BTreeMap<ObjectId, Value>,
    /// The objects of the set that were there.
    pub(super) live: BTreeMap<ObjectId, Value>,
    /// What was written down before.
    pub(super) inventory: Option<Inventory>,
    /// The kinds that are served or come with the set.
    pub(super) kinds: Kinds,
    /// What who had the objects before had besides.
    pub leftovers: Leftovers,
}

/// What becomes of one object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action {
    /// It is new.
    Create,
    /// It changes in place.
    Update {
        /// Fields that somebody changed by hand, and that change back.
        overwritten: Vec<Conflict>,
    },
    /// It is as it should be.
    Unchanged,
    /// It was there before the set, of this owner where it names one, and becomes part of it.
    Adopt {
        /// Whose it was.
        owner: Option<String>,
        /// Fields that other managers owned with other values, and lose.
        overwritten: Vec<Conflict>,
    },
    /// It is deleted and made again, because these fields cannot change in place.
    Replace {
        /// The fields.
        fields: Vec<String>,
    },
    /// The server cannot say before something else of the set is there.
    Unknown,
}

/// Why a set cannot be applied as it is.
#[derive(Clone, Debug)]
pub struct Problem {
    /// The object.
    pub object: ObjectId,
    /// What is wrong with it.
    pub reason: Reason,
}

/// What can be wrong with an object.
#[derive(Clone, Debug)]
pub enum Reason {
    /// The server, or the way to it, says so.
    Error(Box<ClusterError>),
    /// Others own fields with other values.
    Conflicts(Vec<(Conflict, Option<String>)>),
    /// Somebody else looks after it.
    Foreign(String),
    /// It is to be taken over from somebody who goes on writing it.
    Writer {
        /// Who it is.
        owner: String,
        /// How to stop them.
        way_out: String,
    },
    /// It would have to be made anew, which its kind is not without being asked.
    Immutable(Vec<String>),
}

/// Asks the server what applying a set would do.
///
/// # Errors
/// When the server cannot be asked at all. What is wrong with single objects is in [`Preview::problems`].
pub async fn preview(
    server: &Arc<ApiServer>,
    set: &Arc<ObjectSet>,
    patience: Patience,
) -> Result<Preview, ClusterError> {
    let inventory = observe::read_inventory(server, &set.parent, patience).await?;
    let wanted: BTreeSet<ObjectId> = set.objects.iter().map(|one| one.id.clone()).collect();
    let prune: BTreeSet<ObjectId> = inventory
        .iter()
        .flat_map(|inventory| &inventory.objects)
        .filter(|id| !is_in(&wanted, id))
        .cloned()
        .collect();
    let left = set.predecessor.iter().flat_map(|one| &one.objects).cloned();
    let others: BTreeSet<ObjectId> = prune.iter().cloned().chain(left).collect();
    let served = served_kinds(server, set, &others, patience).await?;
    let set_id = set.parent.set_id();
    let known = inventory.as_ref().map(|inventory| inventory.objects.clone()).unwrap_or_default();
    let ours: BTreeSet<ObjectId> = wanted.intersection(&known).cloned().collect();
    let live = observe::find_all(server, &served, &ours, &set_id, patience).await?;
    let leftovers = match &set.predecessor {
        Some(predecessor) => predecessor.leftovers(server, &wanted, &set_id, patience).await?,
        None => Leftovers::default(),
    };
    let indexes: Vec<usize> = (0..set.objects.len()).collect();
    let looked = look_at(server, set, &served, &live, &indexes, patience).await?;
    let mut preview = Preview {
        actions: vec![Action::Unknown; set.objects.len()],
        prune,
        problems: Vec::new(),
        answers: BTreeMap::new(),
        live,
        inventory,
        kinds: set.with_own_kinds(served),
        leftovers,
    };
    preview.take(set, looked);
    preview.find_writers(server, set, patience).await?;
    Ok(preview)
}

/// Tells whether an object is in a set, in whichever version of its kind.
pub(super) fn is_in(ids: &BTreeSet<ObjectId>, id: &ObjectId) -> bool {
    let same = |other: &ObjectId| {
        other.name == id.name
            && other.kind == id.kind
            && other.namespace == id.namespace
            && other.group() == id.group()
    };
    ids.contains(id) || ids.iter().any(same)
}

/// Finds the kinds that are served; a kind that nobody knows is looked for once more, it may be new.
async fn served_kinds(
    server: &Arc<ApiServer>,
    set: &ObjectSet,
    others: &BTreeSet<ObjectId>,
    patience: Patience,
) -> Result<Kinds, ClusterError> {
    let ids = || set.objects.iter().map(|one| &one.id).chain(others);
    let kinds = server.discover(ids(), false, patience).await?;
    if ids().all(|id| kinds.get(&id.api_version, &id.kind).is_some()) {
        return Ok(kinds);
    }
    server.discover(ids(), true, patience).await
}

/// What looking at one object brought.
pub(super) struct Looked {
    index: usize,
    live: Option<Value>,
    answer: Option<Value>,
    outcome: Result<Action, Reason>,
}

impl Preview {
    /// Tells what the server makes of the objects that change, beside what they say themselves.
    pub fn answered<'a>(&self, set: &'a ObjectSet) -> Vec<(&'a ObjectId, Answered)> {
        let told = |(index, one): (usize, &'a Desired)| {
            let answer = self.answers.get(&one.id)?;
            let mut told = answered::answered(&set.stamped(index), self.live.get(&one.id), answer);
            let hidden = set.hidden(index);
            for line in told.changes.iter_mut().chain(&mut told.defaults) {
                *line = redact(std::mem::take(line), &hidden);
            }
            Some((&one.id, told))
        };
        set.objects.iter().enumerate().filter_map(told).collect()
    }

    /// Finds the objects that somebody goes on writing who is to lose them.
    async fn find_writers(
        &mut self,
        server: &ApiServer,
        set: &ObjectSet,
        patience: Patience,
    ) -> Result<(), ClusterError> {
        // Whom the set succeeds by itself writes no more when it is applied.
        if set.policy.succeeds.is_some() {
            return Ok(());
        }
        let mut writers = Writers::default();
        for (one, action) in set.objects.iter().zip(&self.actions) {
            let Action::Adopt { owner: Some(owner), .. } = action else { continue };
            let Some(live) = self.live.get(&one.id) else { continue };
            // Who applies under the name of the owner's program is no second one.
            if ownership::writes_for(owner, &set.policy.field_manager) {
                continue;
            }
            if let Some(way_out) = writers.way_out(server, owner, &one.id, live, patience).await? {
                let reason = Reason::Writer { owner: owner.clone(), way_out };
                self.problems.push(Problem { object: one.id.clone(), reason });
            }
        }
        Ok(())
    }

    /// Takes in what was found out.
    pub(super) fn take(&mut self, set: &ObjectSet, looked: Vec<Looked>) {
        for one in looked {
            let id = &set.objects[one.index].id;
            if let Some(live) = one.live {
                self.live.insert(id.clone(), live);
            }
            match one.outcome {
                Ok(action) => {
                    let answer = one.answer.filter(|_| action != Action::Unchanged);
                    self.answers.extend(answer.map(|answer| (id.clone(), answer)));
                    self.actions[one.index] = action;
                }
                Err(reason) => self.problems.push(Problem { object: id.clone(), reason }),
            }
        }
        self.problems.sort_by(|one, other| one.object.cmp(&other.object));
    }
}

/// Tries objects without effect.
pub(super) async fn look_at(
    server: &Arc<ApiServer>,
    set: &Arc<ObjectSet>,
    kinds: &Kinds,
    live: &BTreeMap<ObjectId, Value>,
    indexes: &[usize],
    patience: Patience,
) -> Result<Vec<Looked>, ClusterError> {
    let mut work = JoinSet::new();
    for index in indexes.iter().copied() {
        let (server, set, kinds) = (Arc::clone(server), Arc::clone(set), kinds.clone());
        let live = live.get(&set.objects[index].id).cloned();
        work.spawn(async move { look_at_one(&server, &set, &kinds, index, live, patience).await });
    }
    let mut all = Vec::with_capacity(indexes.len());
    while let Some(looked) = work.join_next().await {
        let looked = looked.map_err(|error| ClusterError::Nonsense {
            cluster: server.cluster().to_owned(),
            action: "try the objects".to_owned(),
            message: error.to_string(),
        })??;
        all.push(looked);
    }
    Ok(all)
}

async fn look_at_one(
    server: &ApiServer,
    set: &ObjectSet,
    kinds: &Kinds,
    index: usize,
    live: Option<Value>,
    patience: Patience,
) -> Result<Looked, ClusterError> {
    let id = &set.objects[index].id;
    let Some(path) = kinds.path(id) else {
        let outcome = if comes_with(set, id) {
            Ok(Action::Unknown)
        } else {
            Err(Reason::Error(Box::new(kinds.unknown(server.cluster(), id))))
        };
        return Ok(Looked { index, live, answer: None, outcome });
    };
    let stamped = set.stamped(index);
    if let Some(live) = &live
        && ownership::is_ours(live, &set.parent.set_id())
        && owned::is_as_applied(live, &stamped, &set.policy.field_manager)
        && !inherits(set, live)
    {
        let outcome = Ok(Action::Unchanged);
        return Ok(Looked { index, live: Some(live.clone()), answer: None, outcome });
    }
    let dry_run = |force: bool| {
        let how = Apply { field_manager: &set.policy.field_manager, force, dry_run: true };
        Call::apply(&path, &stamped, &how, format!("apply {id}")).hiding(set.hidden(index))
    };
    let tried = server.call(&dry_run(set.policy.force_conflicts), patience).await;
    let live = match (&tried, live) {
        (Err(error), _) if error.is_out_of_reach() => return Err(error.clone()),
        (_, Some(live)) => Some(live),
        // An object that is only in the dry run has no version yet.
        (Ok(result), None) if result.pointer("/metadata/resourceVersion").is_none() => None,
        (Err(error), None) if error.is_absence() => None,
        _ => server.find(&Call::get(path.as_str(), format!("read {id}")), patience).await?,
    };
    let mut answer = tried.as_ref().ok().cloned();
    let outcome = match judge(set, index, live.as_ref(), tried) {
        Ok(Verdict::Settled(action)) => Ok(action),
        Ok(overwrite) => match server.call(&dry_run(true), patience).await {
            Ok(answered) => {
                answer = Some(answered);
                Ok(overwrite.action())
            }
            Err(error) => judge(set, index, live.as_ref(), Err(error)).map(Verdict::action),
        },
        Err(reason) => Err(reason),
    };
    Ok(Looked { index, live, answer, outcome })
}

/// What a dry run told.
enum Verdict {
    Settled(Action),
    /// Only fields stand in the way that those wrote who wrote the object before, and it shall be taken over.
    TakeOver {
        owner: Option<String>,
        overwritten: Vec<Conflict>,
    },
    /// Only fields stand in the way that were ours and that somebody changed by hand since.
    ChangeBack(Vec<Conflict>),
}

impl Verdict {
    fn action(self) -> Action {
        match self {
            Verdict::Settled(action) => action,
            Verdict::TakeOver { owner, overwritten } => Action::Adopt { owner, overwritten },
            Verdict::ChangeBack(overwritten) => Action::Update { overwritten },
        }
    }
}

/// Reads a dry run. Pure.
fn judge(
    set: &ObjectSet,
    index: usize,
    live: Option<&Value>,
    tried: Result<Value, ClusterError>,
) -> Result<Verdict, Reason> {
    let (id, desired) = (&set.objects[index].id, &set.objects[index].object);
    let set_id = set.parent.set_id();
    let owner = live.and_then(|live| ownership::other_owner(live, desired, &set_id));
    let takes_over = set.takes_over(id, owner.as_deref());
    if let Some(owner) = owner.as_ref().filter(|_| !takes_over) {
        return Err(Reason::Foreign(owner.clone()));
    }
    let ours = live.is_some_and(|live| ownership::is_ours(live, &set_id));
    let error = match tried {
        Ok(result) => {
            return Ok(Verdict::Settled(match live {
                None => Action::Create,
                Some(_) if !ours => Action::Adopt { owner, overwritten: Vec::new() },
                Some(live) if same(live, &result, &set.policy.field_manager) && !inherits(set, live) => {
                    Action::Unchanged
                }
                Some(_) => Action::Update { overwritten: Vec::new() },
            }));
        }
        Err(error) => error,
    };
    let ClusterError::Refused { code, causes, message, .. } = &error else {
        return Err(Reason::Error(Box::new(error)));
    };
    match code {
        409 => {
            let conflicts = refusal::conflicts(causes);
            let live = live.unwrap_or(&Value::Null);
            let succeeds = set.policy.succeeds.as_deref();
            let all = |is: fn(&str, &str) -> bool| {
                let mut each = conflicts.iter().map(|one| one.manager.as_str());
                each.all(|manager| succeeds == Some(manager) || is_manager(live, manager, is))
            };
            if conflicts.is_empty() {
                Err(Reason::Error(Box::new(error)))
            } else if !ours && (takes_over || all(ownership::is_client_side_writer)) {
                Ok(Verdict::TakeOver { owner, overwritten: conflicts })
            } else if ours && all(ownership::is_change_by_hand) {
                Ok(Verdict::ChangeBack(conflicts))
            } else {
                Err(Reason::Conflicts(with_values(set, index, live, conflicts)))
            }
        }
        422 => match refusal::immutable_fields(causes).filter(|_| live.is_some()) {
            Some(fields) if set.policy.may_recreate(id) => Ok(Verdict::Settled(Action::Replace { fields })),
            Some(fields) => Err(Reason::Immutable(fields)),
            None => Err(Reason::Error(Box::new(error))),
        },
        // Webhooks with side effects refuse to be tried; what they say shows when the object is applied.
        400 if message.contains("does not support dry run") => Ok(Verdict::Settled(Action::Unknown)),
        404 if message.starts_with("namespaces ") && namespace_comes_with(set, id) => {
            Ok(Verdict::Settled(Action::Unknown))
        }
        404 if comes_with(set, id) => Ok(Verdict::Settled(Action::Unknown)),
        _ => Err(Reason::Error(Box::new(error))),
    }
}

/// Tells whether an object still has fields of the manager that the set succeeds.
fn inherits(set: &ObjectSet, live: &Value) -> bool {
    set.policy.succeeds.as_deref().is_some_and(|manager| fields_of(live, manager).is_some())
}

/// Tells whether all that a manager did to an object is of one sort, by its name and operation. What it did to a
/// subresource, such as scaling, is of no sort; a status is nobody's field here.
fn is_manager(live: &Value, manager: &str, sort: fn(&str, &str) -> bool) -> bool {
    let fields = live.pointer("/metadata/managedFields").and_then(Value::as_array).into_iter().flatten();
    let mut of = fields.filter(|one| one["manager"] == manager).peekable();
    of.peek().is_some()
        && of.all(|one| match (one["operation"].as_str(), one["subresource"].as_str()) {
            (Some(operation), None) => sort(manager, operation),
            (_, Some(subresource)) => subresource == "status",
            (None, None) => false,
        })
}

/// Adds what is there now to conflicts, except where it is secret.
fn with_values(
    set: &ObjectSet,
    index: usize,
    live: &Value,
    conflicts: Vec<Conflict>,
) -> Vec<(Conflict, Option<String>)> {
    let secret = crate::manifest::object::is_secret(live);
    let hidden = set.hidden(index);
    let shown = |conflict: &Conflict| {
        let value = refusal::value_at(live, &conflict.field).filter(|_| !secret)?;
        let text = value.to_string();
        let short: String = text.chars().take(80).collect();
        (!hidden.iter().any(|secret| text.contains(secret.as_str()))).then_some(short)
    };
    conflicts.into_iter().map(|conflict| (conflict.clone(), shown(&conflict))).collect()
}

/// Compares what is there with what would be, as far as somebody decides it: not what the server itself counts and dates.
fn same(live: &Value, result: &Value, manager: &str) -> bool {
    fields_of(live, manager) == fields_of(result, manager) && decided(live) == decided(result)
}

/// Gives what is noted of what a manager applied.
pub(super) fn applied_by<'a>(object: &'a Value, manager: &str) -> Option<&'a Value> {
    let all = object.pointer("/metadata/managedFields")?.as_array()?;
    let applied = |one: &&Value| {
        one["manager"] == manager && one["operation"] == "Apply" && one["subresource"].is_null()
    };
    all.iter().find(applied)
}

/// Gives the fields that a manager applied.
pub(super) fn fields_of<'a>(object: &'a Value, manager: &str) -> Option<&'a Value> {
    applied_by(object, manager).map(|one| &one["fieldsV1"])
}

/// Takes out of an object what the server writes.
pub(super) fn decided(object: &Value) -> Value {
    const SERVERS: [&str; 6] =
        ["managedFields", "resourceVersion", "generation", "uid", "creationTimestamp", "selfLink"];
    let mut object = object.clone();
    if let Some(metadata) = object.get_mut("metadata").and_then(Value::as_object_mut) {
        SERVERS.iter().for_each(|name| drop(metadata.remove(*name)));
    }
    if let Some(map) = object.as_object_mut() {
        map.remove("status");
    }
    object
}

/// Tells whether a definition of the set brings the object's kind.
fn comes_with(set: &ObjectSet, id: &ObjectId) -> bool {
    set.objects.iter().filter(|one| is_custom_resource_definition(&one.object)).any(|one| {
        one.object["spec"]["group"] == id.group() && one.object["spec"]["names"]["kind"] == id.kind.as_str()
    })
}

fn namespace_comes_with(set: &ObjectSet, id: &ObjectId) -> bool {
    let Some(namespace) = &id.namespace else { return false };
    let created = set.policy.create_namespace && *namespace == set.parent.namespace;
    created
        || set
            .objects
            .iter()
            .any(|one| one.id.kind == "Namespace" && one.id.group().is_empty() && one.id.name == *namespace)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::super::inventory::Parent;
    use super::super::refusal::Cause;
    use super::super::set::{Policy, Sources};
    use super::*;
    use crate::manifest::mask::ObjectMarks;
    use crate::manifest::surface::Desired;
    use serde_json::json;

    fn set(policy: Policy, kind: &str) -> ObjectSet {
        let object = json!({"apiVersion": "v1", "kind": kind, "metadata": {"name": "a", "namespace": "n"}});
        let id = ObjectId {
            api_version: "v1".into(),
            kind: kind.into(),
            namespace: Some("n".into()),
            name: "a".into(),
        };
        ObjectSet {
            title: "release n/a".into(),
            parent: Parent { namespace: "n".into(), name: "x".into() },
            objects: vec![Desired { id, object, marks: ObjectMarks::default() }],
            hooks: Vec::new(),
            notes: BTreeMap::new(),
            sources: Sources::default(),
            policy,
            predecessor: None,
        }
    }

    fn live(ours: bool, manager: &str, value: &str) -> Value {
        let mut live = json!({"metadata": {"name": "a", "resourceVersion": "1", "managedFields": [{"manager": manager, "operation": "Update"}]}, "data": {"x": value}});
        if ours {
            live["metadata"]["labels"] = json!({"applyset.kubernetes.io/part-of": set(Policy::default(), "ConfigMap").parent.set_id()});
        }
        live
    }

    fn refused(code: u16, causes: &[(&str, &str, &str)], message: &str) -> Result<Value, ClusterError> {
        let cause = |(reason, field, message): &(&str, &str, &str)| Cause {
            field: (*field).to_owned(),
            reason: (*reason).to_owned(),
            message: (*message).to_owned(),
        };
        Err(ClusterError::Refused {
            cluster: "c".into(),
            action: "apply".into(),
            message: message.into(),
            code,
            reason: String::new(),
            causes: causes.iter().map(cause).collect(),
        })
    }

    fn conflict(manager: &str) -> Result<Value, ClusterError> {
        refused(
            409,
            &[("FieldManagerConflict", ".data.x", &format!("conflict with {manager:?} using v1"))],
            "",
        )
    }

    fn check(policy: Policy, live: Option<Value>, tried: Result<Value, ClusterError>, expected: &str) {
        check_kind("ConfigMap", policy, live, tried, expected);
    }

    fn check_kind(
        kind: &str,
        policy: Policy,
        live: Option<Value>,
        tried: Result<Value, ClusterError>,
        expected: &str,
    ) {
        let shown = match judge(&set(policy, kind), 0, live.as_ref(), tried) {
            Ok(Verdict::Settled(action)) => format!("{action:?}"),
            Ok(Verdict::TakeOver { .. }) => "TakeOver".to_owned(),
            Ok(Verdict::ChangeBack(_)) => "ChangeBack".to_owned(),
            Err(reason) => format!("{reason:?}"),
        };
        assert!(shown.starts_with(expected), "{shown} is not {expected}");
    }

    #[test]
    fn a_dry_run_tells_what_becomes_of_an_object() {
        let none = Policy::default;
        check(none(), None, Ok(live(true, "m", "1")), "Create");
        check(none(), Some(live(true, "m", "1")), Ok(live(true, "m", "1")), "Unchanged");
        check(none(), Some(live(true, "m", "1")), Ok(live(true, "m", "2")), "Update");
        check(none(), Some(live(false, "m", "1")), Ok(live(true, "m", "1")), "Adopt");
    }

    #[test]
    fn conflicts_are_told_except_with_who_wrote_the_object_before() {
        let none = Policy::default;
        check(
            none(),
            Some(live(true, "hpa-controller", "7")),
            conflict("hpa-controller"),
            r#"Conflicts([(Conflict { field: "data.x", manager: "hpa-controller" }, Some("\"7\"""#,
        );
        check(none(), Some(live(true, "kubectl-edit", "7")), conflict("kubectl-edit"), "ChangeBack");
        check(none(), Some(live(false, "kubectl-edit", "7")), conflict("kubectl-edit"), "Conflicts");
        check(none(), Some(live(false, "helm", "7")), conflict("helm"), "TakeOver");
        check(
            Policy { adopt: true, ..none() },
            Some(live(false, "kubectl-edit", "7")),
            conflict("kubectl-edit"),
            "TakeOver",
        );
    }

    #[test]
    fn what_the_manager_that_is_succeeded_has_applied_is_no_conflict_and_never_unchanged() {
        let mut both = live(true, "kustomize-controller", "1");
        both["metadata"]["managedFields"][0]["operation"] = json!("Apply");
        let successor = || Policy { succeeds: Some("kustomize-controller".into()), ..Policy::default() };
        check(Policy::default(), Some(both.clone()), Ok(both.clone()), "Unchanged");
        check(successor(), Some(both.clone()), Ok(both.clone()), "Update");
        check(Policy::default(), Some(both.clone()), conflict("kustomize-controller"), "Conflicts");
        check(successor(), Some(both), conflict("kustomize-controller"), "ChangeBack");
    }

    #[test]
    fn objects_of_others_are_taken_only_where_that_is_allowed() {
        let mut of_helm = live(false, "helm", "1");
        of_helm["metadata"]["annotations"] = json!({"meta.helm.sh/release-name": "web"});
        check(Policy::default(), Some(of_helm.clone()), Ok(of_helm.clone()), "Foreign(\"Helm release");
        let adopt = Policy { adopt: true, ..Policy::default() };
        check(adopt, Some(of_helm.clone()), Ok(of_helm), "Adopt { owner: Some(\"Helm");
    }

    #[test]
    fn what_cannot_change_in_place_is_made_anew_where_nothing_is_lost() {
        let immutable = || refused(422, &[("FieldValueInvalid", "data", "field is immutable")], "");
        check(Policy::default(), Some(live(true, "m", "1")), immutable(), "Replace { fields: [\"data\"] }");
        check(Policy::default(), None, immutable(), "Error");
        check_kind("Service", Policy::default(), Some(live(true, "m", "1")), immutable(), "Immutable");
        check_kind(
            "Service",
            Policy { recreate: vec!["Service".into()], ..Policy::default() },
            Some(live(true, "m", "1")),
            immutable(),
            "Replace",
        );
        check(
            Policy::default(),
            Some(live(true, "m", "1")),
            refused(422, &[("FieldValueRequired", "data", "Required value")], ""),
            "Error",
        );
    }

    #[test]
    fn a_webhook_that_cannot_be_tried_leaves_the_question_open() {
        let told = || refused(400, &[], "admission webhook \"x\" does not support dry run");
        check(Policy::default(), None, told(), "Unknown");
        check(Policy::default(), Some(live(true, "m", "1")), told(), "Unknown");
        check(Policy::default(), None, refused(400, &[], "nonsense"), "Error");
    }

    #[test]
    fn a_namespace_that_is_still_to_come_leaves_the_question_open() {
        let missing = || refused(404, &[], "namespaces \"n\" not found");
        check(Policy::default(), None, missing(), "Error");
        check(Policy { create_namespace: true, ..Policy::default() }, None, missing(), "Unknown");
    }
}
