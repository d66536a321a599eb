//! Reads a dry run: what the server's answer means for one object of a set. Pure.

use serde_json::Value;

use super::error::ClusterError;
use super::owned::{decided, fields_of};
use super::ownership;
use super::preview::{Action, Reason};
use super::refusal::{self, Conflict};
use super::set::ObjectSet;
use crate::manifest::object::{ObjectId, is_custom_resource_definition};

/// What a dry run told.
pub(super) enum Verdict {
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
    /// Gives what becomes of the object.
    pub(super) fn action(self) -> Action {
        match self {
            Verdict::Settled(action) => action,
            Verdict::TakeOver { owner, overwritten } => Action::Adopt { owner, overwritten },
            Verdict::ChangeBack(overwritten) => Action::Update { overwritten },
        }
    }
}

/// Reads a dry run. Pure.
pub(super) fn judge(
    set: &ObjectSet,
    index: usize,
    live: Option<&Value>,
    tried: Result<Value, ClusterError>,
) -> Result<Verdict, Reason> {
    let (id, desired) = (&set.objects[index].id, &set.objects[index].object);
    let set_id = set.parent.set_id();
    let owners = live.map(|live| ownership::other_owners(live, desired, &set_id)).unwrap_or_default();
    let takes_over = set.takes_over(id, &owners);
    let owner = owners.into_iter().next();
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
pub(super) fn inherits(set: &ObjectSet, live: &Value) -> bool {
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

/// Tells whether a definition of the set brings the object's kind.
pub(super) fn comes_with(set: &ObjectSet, id: &ObjectId) -> bool {
    set.objects.iter().any(|one| defines(&one.object, id))
}

/// Tells whether an object is the definition of another's kind.
pub(super) fn defines(definition: &Value, id: &ObjectId) -> bool {
    is_custom_resource_definition(definition)
        && definition["spec"]["group"] == id.group()
        && definition["spec"]["names"]["kind"] == id.kind.as_str()
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
