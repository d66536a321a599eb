//! What one owner wants in a cluster: objects, where they are written down, and what may be done for them.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use base64::Engine;
use serde_json::{Map, Value};

use super::discovery::Kinds;
use super::error::ClusterError;
use super::graph::Node;
use super::hooks::Hook;
use super::inventory::{PART_OF, Parent};
use super::predecessor::Predecessor;
use super::preview::{Problem, Reason};
use super::refusal;
use crate::manifest::mask::Mark;
use crate::manifest::object::{self, ObjectId};
use crate::manifest::surface::Desired;

/// The objects of one owner in one cluster.
#[derive(Clone, Debug, PartialEq)]
pub struct ObjectSet {
    /// Names the owner for people: `release shop/web`.
    pub title: String,
    /// Where it is written down what the set has.
    pub parent: Parent,
    /// The objects, with what of them is secret.
    pub objects: Vec<Desired>,
    /// What runs before and after them.
    pub hooks: Vec<Hook>,
    /// Texts that are kept in the inventory beside the list.
    pub notes: BTreeMap<String, String>,
    /// Where the fields of the objects come from.
    pub sources: Sources,
    /// What may be done.
    pub policy: Policy,
    /// Who had the objects before, until the set has them all.
    pub predecessor: Option<Predecessor>,
}

type Ask = dyn Fn(&[(String, String)]) -> Vec<Option<String>> + Send + Sync;

/// Whoever made the objects of a set and can say where a field of one comes from: asked only about what the server refuses, since
/// the answer costs another look at everything that the objects are made from.
#[derive(Clone, Default)]
pub struct Sources(Option<Arc<Ask>>);

impl Sources {
    /// Takes what answers, for the keys of objects and the paths of their fields in a plan, in their order.
    pub fn of(ask: impl Fn(&[(String, String)]) -> Vec<Option<String>> + Send + Sync + 'static) -> Self {
        Sources(Some(Arc::new(ask)))
    }

    /// Asks; who cannot say gives nothing.
    pub fn ask(&self, fields: &[(String, String)]) -> Vec<Option<String>> {
        match &self.0 {
            Some(ask) if !fields.is_empty() => ask(fields),
            _ => vec![None; fields.len()],
        }
    }
}

impl std::fmt::Debug for Sources {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_tuple("Sources").field(&self.0.is_some()).finish()
    }
}

/// Who answers makes no difference to a set.
impl PartialEq for Sources {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

/// What may be done for a set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Policy {
    /// The name under which the server notes which fields are ours.
    pub field_manager: String,
    /// Whether fields of other managers are overwritten.
    pub force_conflicts: bool,
    /// Whether objects of other tools are taken over.
    pub adopt: bool,
    /// Whether the namespace of the inventory is created where there is none. It is never deleted.
    pub create_namespace: bool,
    /// Kinds or keys that may be deleted and made again beside those where nothing is lost by it.
    pub recreate: Vec<String>,
    /// Whether objects must become ready.
    pub wait: bool,
    /// Whether a first apply that comes half-way is taken back.
    pub undo: bool,
    /// The field manager that applied the objects until now and does no more: what it applied becomes ours, so that what the set
    /// does not say goes.
    pub succeeds: Option<String>,
}

impl Default for Policy {
    fn default() -> Self {
        Policy {
            field_manager: "strata".to_owned(),
            force_conflicts: false,
            adopt: false,
            create_namespace: false,
            recreate: Vec::new(),
            wait: true,
            undo: false,
            succeeds: None,
        }
    }
}

/// Kinds whose objects hold data, others or traffic, and are not made anew unless somebody says so.
const PRECIOUS: [&str; 6] = [
    "CustomResourceDefinition",
    "Namespace",
    "PersistentVolume",
    "PersistentVolumeClaim",
    "Service",
    "StatefulSet",
];

impl Policy {
    /// Tells whether an object may be deleted and made again where a field cannot change in place.
    pub(super) fn may_recreate(&self, id: &ObjectId) -> bool {
        let named = self.recreate.iter().any(|one| *one == id.kind || *one == id.key());
        named || !PRECIOUS.contains(&id.kind.as_str())
    }
}

impl ObjectSet {
    /// Gives an object as it is applied: with the label of the set.
    pub(super) fn stamped(&self, index: usize) -> Value {
        let mut object = self.objects[index].object.clone();
        let entry = |map: &mut Map<String, Value>, name: &str| -> Option<()> {
            let place = map.entry(name).or_insert(Value::Null);
            if !place.is_object() {
                *place = Value::Object(Map::new());
            }
            Some(())
        };
        if let Some(metadata) = object.as_object_mut().and_then(|map| {
            entry(map, "metadata")?;
            map.get_mut("metadata")?.as_object_mut()
        }) {
            entry(metadata, "labels");
            metadata["labels"][PART_OF] = Value::from(self.parent.set_id());
        }
        if let Some(map) = object.as_object_mut() {
            map.remove("status");
        }
        if object::is_secret(&object) {
            encode_string_data(&mut object);
        }
        object
    }

    /// Tells whether an object that is there already, of owners where it names any, may become part of the set.
    pub(super) fn takes_over(&self, id: &ObjectId, owners: &[String]) -> bool {
        self.policy.adopt || self.predecessor.as_ref().is_some_and(|one| one.leaves(id, owners))
    }

    /// Gives the objects as the order of writing sees them.
    pub(super) fn nodes(&self) -> Vec<Node<'_>> {
        self.objects.iter().map(|one| Node { id: &one.id, object: Some(&one.object) }).collect()
    }

    /// Adds the kinds that the set's own definitions bring.
    pub(super) fn with_own_kinds(&self, mut kinds: Kinds) -> Kinds {
        for one in self.objects.iter().filter(|one| object::is_custom_resource_definition(&one.object)) {
            kinds.define(&one.object);
        }
        kinds
    }

    /// Gives the texts of all objects that no message may show.
    pub(super) fn all_hidden(&self) -> Vec<String> {
        let hooks = self.hooks.iter().map(|hook| &hook.object);
        self.objects.iter().chain(hooks).flat_map(hidden_of).collect()
    }

    /// Names the fields of an object that a refusal is about, each with its path in a plan.
    pub fn refused_fields(&self, id: &ObjectId, error: &ClusterError) -> Vec<(String, String)> {
        let ClusterError::Refused { causes, message, .. } = error else { return Vec::new() };
        let Some(one) = self.objects.iter().find(|one| one.id == *id) else { return Vec::new() };
        let path = |field: String| {
            let pointer = refusal::pointer_to(&one.object, &field);
            (field, crate::manifest::path_of(&one.object, &pointer))
        };
        refusal::fields(causes, message).into_iter().map(path).collect()
    }

    /// Gives the texts of an object that no message may show.
    pub(super) fn hidden(&self, index: usize) -> Vec<String> {
        hidden_of(&self.objects[index])
    }
}

/// Gives the texts of an object that no message may show.
pub(super) fn hidden_of(one: &Desired) -> Vec<String> {
    let mut hidden = Vec::new();
    for (pointer, mark) in &one.marks.at {
        if matches!(mark, Mark::Hidden(_))
            && let Some(value) = one.object.pointer(pointer)
        {
            texts(value, &mut hidden);
        }
    }
    if object::is_secret(&one.object) {
        for field in ["data", "stringData"] {
            texts(&one.object[field], &mut hidden);
        }
        let plain = |text: &String| {
            let bytes = base64::engine::general_purpose::STANDARD.decode(text).ok()?;
            String::from_utf8(bytes).ok()
        };
        let decoded: Vec<String> = hidden.iter().filter_map(plain).collect();
        hidden.extend(decoded);
    }
    hidden.sort_by_key(|text| std::cmp::Reverse(text.len()));
    hidden
}

/// Writes `stringData` into `data`. The server would do so too, but note `stringData` as ours, where nothing stays: who
/// changes or removes such a value later would neither be seen nor stopped.
fn encode_string_data(secret: &mut Value) {
    let Some(map) = secret.as_object_mut() else { return };
    let Some(Value::Object(plain)) = map.remove("stringData") else { return };
    let data = map.entry("data").or_insert(Value::Null);
    if !data.is_object() {
        *data = Value::Object(Map::new());
    }
    for (name, value) in plain {
        // What is no text is wrong, and the server shall say so.
        let encoded = value.as_str().map(|text| base64::engine::general_purpose::STANDARD.encode(text));
        data[name] = encoded.map_or(value, Value::from);
    }
}

fn texts(value: &Value, found: &mut Vec<String>) {
    match value {
        Value::String(text) if !text.is_empty() => found.push(text.clone()),
        Value::Array(items) => items.iter().for_each(|item| texts(item, found)),
        Value::Object(map) => map.values().for_each(|item| texts(item, found)),
        _ => {}
    }
}

/// Which set of a plan writes which object of which cluster.
#[derive(Debug, Default)]
pub struct Claims(Mutex<BTreeMap<(String, String), String>>);

impl Claims {
    /// Forgets what an earlier plan of this process claimed.
    pub fn clear(&self) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }

    /// Claims the objects of a set for it.
    ///
    /// # Errors
    /// With the objects that another set of the plan writes too, and its title.
    pub fn claim(&self, cluster: &str, set: &ObjectSet) -> Result<(), Vec<(String, String)>> {
        let mut claims = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mut taken = Vec::new();
        for one in &set.objects {
            let place = (cluster.to_owned(), without_version(&one.id));
            let holder = claims.entry(place).or_insert_with(|| set.title.clone());
            if *holder != set.title {
                taken.push((one.id.key(), holder.clone()));
            }
        }
        if taken.is_empty() { Ok(()) } else { Err(taken) }
    }

    /// Finds another set of the plan that brings what an object of this one lacks in its cluster: a definition of its group, or its
    /// namespace.
    pub fn brought_by(&self, cluster: &str, set: &ObjectSet, problem: &Problem) -> Option<String> {
        let Reason::Error(error) = &problem.reason else { return None };
        let id = &problem.object;
        let definition = format!(".{}", id.group());
        let namespace = format!("/Namespace//{}", id.namespace.as_deref().unwrap_or_default());
        let is_needed = |object: &str| match &**error {
            ClusterError::UnknownKind { .. } => object.starts_with(DEFINED) && object.ends_with(&definition),
            ClusterError::Refused { code: 404, message, .. } if message.starts_with("namespaces ") => {
                object == namespace
            }
            _ => false,
        };
        let claims = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mut others = claims.iter().filter(|(_, holder)| **holder != set.title);
        others.find(|((of, object), _)| of == cluster && is_needed(object)).map(|(_, holder)| holder.clone())
    }
}

/// How claims to definitions begin.
const DEFINED: &str = "apiextensions.k8s.io/CustomResourceDefinition//";

/// One object has one name, whichever version of its kind it is written in.
fn without_version(id: &ObjectId) -> String {
    format!("{}/{}/{}/{}", id.group(), id.kind, id.namespace.as_deref().unwrap_or_default(), id.name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::manifest::mask::{ObjectMarks, Reason};
    use serde_json::json;

    fn set(title: &str, objects: &[Value]) -> ObjectSet {
        let objects = objects.iter().map(|object| Desired {
            id: ObjectId::read(object, "default", &object::Scopes::default()).expect("an object"),
            object: object.clone(),
            marks: ObjectMarks::default(),
        });
        ObjectSet {
            title: title.to_owned(),
            parent: Parent { namespace: "default".into(), name: "x".into() },
            objects: objects.collect(),
            hooks: Vec::new(),
            notes: BTreeMap::new(),
            sources: Sources::default(),
            policy: Policy::default(),
            predecessor: None,
        }
    }

    #[test]
    fn the_label_is_added_and_nothing_else_changes() {
        let map = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a", "labels": null}, "status": {}});
        let set = set("a", &[map]);
        assert_eq!(
            set.stamped(0),
            json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a", "labels": {PART_OF: set.parent.set_id()}}})
        );
    }

    #[test]
    fn plain_secrets_are_applied_encoded() {
        let secret = json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "a"}, "data": null, "stringData": {"p": "hunter2"}});
        let stamped = set("a", &[secret]).stamped(0);
        assert_eq!((&stamped["data"]["p"], &stamped["stringData"]), (&json!("aHVudGVyMg=="), &Value::Null));
    }

    #[test]
    fn secrets_are_hidden_in_both_forms() {
        let secret = json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "a"}, "data": {"p": "aHVudGVyMg=="}});
        let mut all = set("a", &[secret]);
        all.objects[0].marks.at.insert("/metadata/name".into(), Mark::Hidden(Reason::Generated));
        assert_eq!(all.hidden(0), ["aHVudGVyMg==", "hunter2", "a"]);
    }

    #[test]
    fn two_sets_of_a_plan_cannot_write_one_object() {
        let claims = Claims::default();
        let object = |version: &str| json!({"apiVersion": format!("apps/{version}"), "kind": "Deployment", "metadata": {"name": "web"}});
        let (one, two) = (set("one", &[object("v1")]), set("two", &[object("v1beta1")]));
        assert_eq!(claims.claim("c", &one), Ok(()));
        assert_eq!(claims.claim("c", &one), Ok(()));
        assert_eq!(claims.claim("d", &two), Ok(()));
        let taken = vec![("apps/v1beta1/Deployment/default/web".to_owned(), "one".to_owned())];
        assert_eq!(claims.claim("c", &two), Err(taken));
    }

    #[test]
    fn what_an_object_lacks_may_come_with_another_set() {
        let claims = Claims::default();
        let object = |api_version: &str, kind: &str, name: &str| json!({"apiVersion": api_version, "kind": kind, "metadata": {"name": name}});
        let first = set(
            "first",
            &[
                object("apiextensions.k8s.io/v1", "CustomResourceDefinition", "widgets.x.io"),
                object("v1", "Namespace", "shop"),
            ],
        );
        let second = set("second", &[]);
        claims.claim("c", &first).expect("nobody else claims them");
        let check = |cluster: &str, of: &ObjectSet, object: &str, error: ClusterError, expected: bool| {
            let object = ObjectId::parse(object).expect("a key");
            let problem = Problem { object, reason: super::Reason::Error(Box::new(error)) };
            let found = claims.brought_by(cluster, of, &problem);
            assert_eq!(found.as_deref(), expected.then_some("first"), "{cluster} {problem:?}");
        };
        let unknown = || ClusterError::UnknownKind {
            cluster: "c".into(),
            api_version: "x.io/v1".into(),
            kind: "Widget".into(),
            object: "a".into(),
            instead: String::new(),
        };
        let absent = |message: &str| ClusterError::Refused {
            cluster: "c".into(),
            action: "apply".into(),
            code: 404,
            reason: "NotFound".into(),
            message: message.into(),
            causes: Vec::new(),
        };
        check("c", &second, "x.io/v1/Widget/shop/a", unknown(), true);
        check("d", &second, "x.io/v1/Widget/shop/a", unknown(), false);
        check("c", &first, "x.io/v1/Widget/shop/a", unknown(), false);
        check("c", &second, "y.x.io/v1/Widget/shop/a", unknown(), false);
        check("c", &second, "v1/ConfigMap/shop/a", absent("namespaces \"shop\" not found"), true);
        check("c", &second, "v1/ConfigMap/other/a", absent("namespaces \"other\" not found"), false);
        check("c", &second, "v1/ConfigMap/shop/a", absent("something else"), false);
    }

    #[test]
    fn what_holds_data_is_not_made_anew_unless_named() {
        let id = |kind: &str| ObjectId {
            api_version: "v1".into(),
            kind: kind.into(),
            namespace: None,
            name: "x".into(),
        };
        let policy = Policy { recreate: vec!["StatefulSet".into()], ..Policy::default() };
        assert!(policy.may_recreate(&id("Job")) && policy.may_recreate(&id("StatefulSet")));
        assert!(!policy.may_recreate(&id("Service")));
    }
}
