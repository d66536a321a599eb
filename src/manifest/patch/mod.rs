//! Patches on rendered objects, as a Kustomize post-render applies them: strategic merge patches and JSON patches, with
//! targets, one after the other.
//!
//! What comes out is what Kustomize's library makes of the same objects and patches; the cases beside this room hold its
//! recorded answers. Two things are errors here that it lets pass: a patch that no object matches, and a list element
//! without the key that its list is merged by. A patch cannot rename objects: Kustomize would follow the new name into
//! references of others.
//!
//! Pure and free of marks of its own: what is known of an object's values (secret, drawn, late) follows the values to
//! where a patch moves them.

mod agent;
#[cfg(test)]
mod cases;
mod error;
mod json;
mod labels;
mod lists;
mod marks;
mod node;
mod schema;
mod special;
mod strategic;
mod target;
mod touch;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::mask::ObjectMarks;
use super::object::Scopes;
use super::yaml::{self, YamlError};
use json::Operation;
use target::{Identity, Target};

pub use agent::AgentPatch;
pub use error::{Field, PatchError, PatchFailure};
pub use json::OperationError;
pub use target::Selector;
pub use touch::{Touch, touches};

/// Length of a patch's text that is still read.
const LONGEST_BYTES: usize = 1 << 20;

/// A patch as a user wrote it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Written {
    /// The patch, in YAML or JSON.
    pub patch: String,
    /// What it is for, where the block says so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target: Option<Selector>,
}

impl Written {
    /// Reads the patch.
    ///
    /// # Errors
    /// As [`Patch::read`].
    pub fn read(&self) -> Result<Patch, PatchError> {
        Patch::read(&self.patch, self.target.as_ref())
    }
}

/// A patch, read and checked.
#[derive(Clone, Debug)]
pub struct Patch {
    target: Option<Target>,
    change: Change,
}

#[derive(Clone, Debug)]
enum Change {
    /// Objects to merge, one or more.
    Merge(Vec<Value>),
    /// Operations to do.
    Operations(Vec<Operation>),
}

/// An object with what is known of its values.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Subject {
    /// The object.
    pub object: Value,
    /// What is known of its values.
    pub marks: ObjectMarks,
}

impl Patch {
    /// Reads a patch in YAML or JSON: a list of operations is a JSON patch, objects are strategic merge patches.
    ///
    /// # Errors
    /// When the text is no patch, or the selector is none, or the two do not go together.
    pub fn read(text: &str, selector: Option<&Selector>) -> Result<Self, PatchError> {
        // As Kustomize does: a block of text at the end loses its last line break.
        let text = text.trim_end();
        if text.len() > LONGEST_BYTES {
            return Err(PatchError::TooLong { longest_bytes: LONGEST_BYTES });
        }
        let target = selector.map(Target::read).transpose()?;
        let change = Change::read(text)?;
        match (&change, &target) {
            (Change::Operations(_), None) => return Err(PatchError::NoTarget),
            (Change::Merge(documents), Some(_)) if documents.len() > 1 => {
                return Err(PatchError::ManyForOneTarget);
            }
            (Change::Merge(documents), None) => documents.iter().try_for_each(names_its_object)?,
            _ => {}
        }
        Ok(Patch { target, change })
    }
}

impl Change {
    fn read(text: &str) -> Result<Self, PatchError> {
        let documents: Vec<Value> = documents(text, yaml::read_words_as_texts)?;
        match documents.as_slice() {
            [] => Err(PatchError::Empty),
            [Value::Array(_)] => {
                // Kustomize reads a list of operations with another library.
                let operations = documents_of_operations(text)?;
                if operations.is_empty() {
                    return Err(PatchError::Empty);
                }
                json::check(&operations).map(Change::Operations).map_err(PatchError::Operation)
            }
            _ if documents.iter().all(is_object_to_merge) => Ok(Change::Merge(documents)),
            _ => Err(PatchError::NotAPatch),
        }
    }
}

fn documents_of_operations(text: &str) -> Result<Vec<Value>, PatchError> {
    let mut documents = documents(text, yaml::read)?;
    Ok(match documents.pop() {
        Some(Value::Array(operations)) => operations,
        _ => Vec::new(),
    })
}

/// Tells whether a document is a map, and not a single operation that should be a list.
fn is_object_to_merge(document: &Value) -> bool {
    document.is_object() && !(document.get("op").is_some() && document.get("path").is_some())
}

/// Applies patches one after the other to the objects of a release. An object in the release's namespace is found by that
/// namespace and by none: whether the chart wrote it or Helm fills it in makes no difference here.
///
/// # Errors
/// With the first patch that cannot be applied; then the objects are as far as the patches before it.
pub fn apply(
    patches: &[Patch],
    subjects: &mut Vec<Subject>,
    release_namespace: &str,
) -> Result<(), PatchFailure> {
    apply_watched(patches, subjects, release_namespace, |_, _, _| {})
}

/// Applies patches and shows each object that one was applied to: the patch's number, the object before and after.
fn apply_watched(
    patches: &[Patch],
    subjects: &mut Vec<Subject>,
    release_namespace: &str,
    mut watch: impl FnMut(usize, &Value, Option<&Value>),
) -> Result<(), PatchFailure> {
    for (index, patch) in patches.iter().enumerate() {
        let failure = |error: PatchError| PatchFailure { index, error };
        for step in patch.steps() {
            let selected = step.select(subjects, release_namespace).map_err(failure)?;
            for at in &selected {
                let before = subjects[*at].object.clone();
                step.change(&mut subjects[*at]).map_err(failure)?;
                let after = &subjects[*at].object;
                watch(index, &before, (!after.is_null()).then_some(after));
            }
            subjects.retain(|subject| !subject.object.is_null());
        }
    }
    Ok(())
}

/// One change of a patch with what it is for.
struct Step<'a> {
    target: Option<&'a Target>,
    change: StepChange<'a>,
}

#[derive(Clone, Copy)]
enum StepChange<'a> {
    Merge(&'a Value),
    Operations(&'a [Operation]),
}

impl Patch {
    fn steps(&self) -> Vec<Step<'_>> {
        let target = self.target.as_ref();
        let step = |change| Step { target, change };
        match &self.change {
            Change::Merge(documents) => documents.iter().map(|one| step(StepChange::Merge(one))).collect(),
            Change::Operations(operations) => vec![step(StepChange::Operations(operations))],
        }
    }
}

impl Step<'_> {
    fn select(&self, subjects: &[Subject], release_namespace: &str) -> Result<Vec<usize>, PatchError> {
        let scopes = Scopes::from_objects(subjects.iter().map(|subject| &subject.object));
        let identity = |object: &Value| Identity::of(object, &scopes);
        let names = |object: &Value, identity: &Identity| match (self.target, self.change) {
            (Some(target), _) => target.selects(object, identity),
            (None, StepChange::Merge(patch)) => *identity == Identity::of(patch, &scopes),
            (None, StepChange::Operations(_)) => false,
        };
        let selected: Vec<usize> = subjects
            .iter()
            .enumerate()
            .filter(|(_, Subject { object, .. })| {
                let identity = identity(object);
                names(object, &identity)
                    || identity.elsewhere(release_namespace).is_some_and(|other| names(object, &other))
            })
            .map(|(at, _)| at)
            .collect();
        if selected.is_empty() {
            let wanted = match (self.target, self.change) {
                (Some(target), _) => target.to_string(),
                (None, StepChange::Merge(patch)) => Identity::of(patch, &scopes).to_string(),
                (None, StepChange::Operations(_)) => String::new(),
            };
            let known = subjects.iter().map(|subject| identity(&subject.object).to_string()).collect();
            return Err(PatchError::NoMatch { wanted, by_target: self.target.is_some(), known });
        }
        Ok(selected)
    }

    fn change(&self, subject: &mut Subject) -> Result<(), PatchError> {
        let before = subject.object.clone();
        let shadow = marks::shadow(subject);
        let of = || Identity::of(&before, &Scopes::default()).to_string();
        match self.change {
            StepChange::Merge(patch) => {
                subject.object = merged(&before, patch).map_err(|error| PatchError::Merge {
                    object: of(),
                    path: error.path,
                    reason: error.reason,
                })?;
            }
            StepChange::Operations(operations) => {
                json::apply(operations, &mut subject.object, true)
                    .map_err(|error| PatchError::OperationFailed { object: of(), error })?;
                let stays = |pointer: &str| before.pointer(pointer) == subject.object.pointer(pointer);
                if !stays("/kind") || !stays("/metadata/name") {
                    return Err(PatchError::Renames { object: of() });
                }
            }
        }
        subject.marks = marks::after(shadow, subject, |shadow| match self.change {
            StepChange::Merge(patch) => merged(shadow, patch).ok(),
            StepChange::Operations(operations) => {
                let mut shadow = shadow.clone();
                json::apply(operations, &mut shadow, false).ok().map(|()| shadow)
            }
        });
        Ok(())
    }
}

/// Merges a patch; null comes back where it deletes the object. Who the object is stays as it was.
fn merged(object: &Value, patch: &Value) -> Result<Value, strategic::MergeError> {
    let Some(result) = strategic::merge(&node::tree(object), &node::tree(patch))? else {
        return Ok(Value::Null);
    };
    let mut result = node::data(&result);
    let of = |field: &str| object.get("metadata").and_then(|metadata| metadata.get(field)).cloned();
    if let Some(fields) = result.as_object_mut() {
        fields.extend(
            ["apiVersion", "kind"]
                .into_iter()
                .filter_map(|field| Some((field.to_owned(), object.get(field)?.clone()))),
        );
        let metadata = fields.entry("metadata").or_insert_with(|| Value::Object(Default::default()));
        if let Some(metadata) = metadata.as_object_mut() {
            for field in ["name", "namespace"] {
                match of(field) {
                    Some(value) => drop(metadata.insert(field.to_owned(), value)),
                    None => drop(metadata.remove(field)),
                }
            }
        }
    }
    Ok(result)
}

/// Reads the documents of a patch that are not empty.
fn documents(text: &str, read: fn(&str) -> Result<Value, YamlError>) -> Result<Vec<Value>, PatchError> {
    let mut texts = vec![(0, String::new())];
    for (number, line) in text.split_inclusive('\n').enumerate() {
        let begins = line.trim_end_matches(['\r', '\n']).strip_prefix("---");
        if begins.is_some_and(|rest| rest.is_empty() || rest.starts_with([' ', '\t', '#'])) {
            texts.push((number + 1, String::new()));
        } else if let Some((_, document)) = texts.last_mut() {
            document.push_str(line);
        }
    }
    let read = |(first_line, document): (usize, String)| {
        read(&document).map_err(|error| PatchError::Unreadable { reason: error.to_string(), first_line })
    };
    let documents: Result<Vec<Value>, PatchError> = texts.into_iter().map(read).collect();
    Ok(documents?.into_iter().filter(|document| !document.is_null()).collect())
}

fn names_its_object(patch: &Value) -> Result<(), PatchError> {
    let said =
        |pointer: &str| patch.pointer(pointer).and_then(Value::as_str).is_some_and(|text| !text.is_empty());
    let missing = [("/apiVersion", "apiVersion"), ("/kind", "kind"), ("/metadata/name", "metadata.name")]
        .into_iter()
        .find(|(pointer, _)| !said(pointer));
    missing.map_or(Ok(()), |(_, field)| Err(PatchError::Nameless { field }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::manifest::mask::{Mark, Reason};
    use serde_json::json;

    fn selector(kind: &str) -> Selector {
        Selector { kind: Some(kind.to_owned()), ..Selector::default() }
    }

    fn pod() -> Value {
        json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "web", "finalizers": ["a", "b", "c"]},
            "spec": {"dnsPolicy": "Default", "hostname": "x", "containers": [
                {"name": "app", "env": [{"name": "A", "value": "1"}, {"name": "B", "value": "2"}, {"name": "C", "value": "3"}]}]}})
    }

    fn merge(body: &str) -> Value {
        let text = format!("apiVersion: v1\nkind: Pod\nmetadata:\n  name: web\n{body}");
        let patch = Patch::read(&text, None).expect("a patch");
        let mut subjects = vec![Subject { object: pod(), marks: ObjectMarks::default() }];
        apply(&[patch], &mut subjects, "shop").expect("it applies");
        subjects.remove(0).object
    }

    #[test]
    fn directives_of_kubectl_work_as_in_kubernetes() {
        assert_eq!(
            merge("  $deleteFromPrimitiveList/finalizers: [b]\n")["metadata"]["finalizers"],
            json!(["a", "c"])
        );
        let spec = merge("spec: {$retainKeys: [hostname], hostname: y}\n")["spec"].clone();
        assert_eq!(spec, json!({"hostname": "y"}));
        let order = |order: &str, patch: &str| -> Vec<String> {
            let body = format!(
                "spec: {{containers: [{{name: app, $setElementOrder/env: [{order}], env: [{patch}]}}]}}\n"
            );
            let env = merge(&body)["spec"]["containers"][0]["env"].clone();
            let names = env
                .as_array()
                .expect("a list")
                .iter()
                .map(|one| one["name"].as_str().expect("a name").to_owned());
            names.collect()
        };
        assert_eq!(order("{name: C}, {name: A}, {name: B}", ""), ["C", "A", "B"]);
        assert_eq!(order("{name: A}, {name: X}, {name: C}", "{name: X, value: x}"), ["A", "X", "B", "C"]);
        assert_eq!(order("{name: X}, {name: B}", "{name: X, value: x}"), ["X", "A", "B", "C"]);
    }

    #[test]
    fn an_object_is_found_with_and_without_the_namespace_of_the_release() {
        let check = |namespace: &str, found: bool| {
            let text = format!(
                "apiVersion: v1\nkind: Pod\nmetadata: {{name: web{namespace}}}\nspec: {{hostname: y}}\n"
            );
            let patch = Patch::read(&text, None).expect("a patch");
            let mut subjects = vec![Subject { object: pod(), marks: ObjectMarks::default() }];
            assert_eq!(apply(&[patch], &mut subjects, "shop").is_ok(), found, "{namespace}");
        };
        check("", true);
        check(", namespace: shop", true);
        check(", namespace: other", false);
    }

    #[test]
    fn marks_follow_their_values() {
        let mark = Mark::Hidden(Reason::Generated);
        let marked = |object: Value, at: &[&str]| Subject {
            object,
            marks: ObjectMarks { at: at.iter().map(|at| ((*at).to_owned(), mark)).collect() },
        };
        let check = |patch: Patch, expected: &[&str]| {
            let mut subjects = vec![marked(
                pod(),
                &["/spec/containers/0/env/0/value", "/spec/containers/0/env/1", "/spec/hostname"],
            )];
            apply(&[patch], &mut subjects, "shop").expect("it applies");
            assert_eq!(subjects[0].marks.at.keys().collect::<Vec<_>>(), expected);
        };
        let merge =
            |body: &str| Patch::read(&format!("kind: Pod\n{body}"), Some(&selector("Pod"))).expect("a patch");
        check(
            merge("spec: {containers: [{name: app, env: [{name: Z, value: z}]}], hostname: mine}\n"),
            &[
                "/spec/containers/0/env/1/value",
                "/spec/containers/0/env/2/name",
                "/spec/containers/0/env/2/value",
            ],
        );
        let operations = "- {op: test, path: /spec/hostname, value: x}\n- {op: move, from: /spec/hostname, path: /metadata/h~1x}\n- {op: remove, path: /spec/containers}\n";
        let patch = Patch::read(operations, Some(&selector("Pod"))).expect("a patch");
        check(patch, &["/metadata/h~1x"]);
    }

    #[test]
    fn touches_name_the_fields_that_each_patch_set() {
        let read = |text: &str| Patch::read(text, Some(&selector("Pod"))).expect("a patch");
        let patches = [
            read(
                "spec: {containers: [{name: app, image: x, env: [{name: A, value: \"5\"}]}], hostname: null}",
            ),
            read("[{op: replace, path: /spec/dnsPolicy, value: None}]"),
            read("$patch: delete"),
        ];
        let touches = touches(&patches, &[pod()], "shop").expect("they apply");
        let shown: Vec<String> = touches
            .iter()
            .map(|one| {
                format!("{} {} +{:?} -{:?} {}", one.patch, one.object, one.set, one.removed, one.deleted)
            })
            .collect();
        let key = "v1/Pod/shop/web";
        assert_eq!(
            shown,
            [
                format!(
                    "0 {key} +[\"spec.containers[app].env[A].value\", \"spec.containers[app].image\"] -[\"spec.hostname\"] false"
                ),
                format!("1 {key} +[\"spec.dnsPolicy\"] -[] false"),
                format!("2 {key} +[] -[] true"),
            ]
        );
    }

    #[test]
    fn what_is_wrong_with_a_patch_is_named_without_its_values() {
        let check = |text: &str, target: Option<Selector>, expected: &str| {
            let read = Patch::read(text, target.as_ref());
            let mut subjects = vec![Subject { object: pod(), marks: ObjectMarks::default() }];
            let error = match read {
                Err(error) => error.to_string(),
                Ok(patch) => apply(&[patch], &mut subjects, "shop").expect_err("it cannot apply").to_string(),
            };
            assert_eq!(error, expected);
            assert!(!error.contains("hunter2"));
        };
        let pods = || Some(selector("Pod"));
        check("", None, "is empty");
        check("hunter2", None, "is neither an object to merge nor a list of operations");
        check(
            "op: add\npath: /x\nvalue: hunter2",
            pods(),
            "is neither an object to merge nor a list of operations",
        );
        check(
            "a: [",
            None,
            "is no YAML: error converting YAML to JSON: yaml: line 1: did not find expected node content",
        );
        check("kind: Pod", None, "has neither a target nor apiVersion");
        check("[{op: add, path: /x, value: 1}]", None, "is a JSON patch without a target");
        check("a: 1\n---\na: 2", pods(), "has several objects to merge and a target");
        check(
            "[{op: set, path: /x}]",
            pods(),
            "has a wrong operation 1: `op` is \"set\"; it may be add, remove, replace, move, copy, test",
        );
        check(
            "[{op: add, path: x, value: hunter2}]",
            pods(),
            "has a wrong operation 1: `path` must begin with a slash: \"x\"",
        );
        check("a: 1", Some(selector("(")), "has a target that cannot be read: unclosed group");
        let nothing = Selector { label_selector: Some("a in b".to_owned()), ..Selector::default() };
        check(
            "a: 1",
            Some(nothing),
            "has a target that cannot be read: a list of values in brackets is missing",
        );
        check("a: 1", Some(selector("Pods")), "patch 1 matches no object: kind \"Pods\"");
        check(
            "spec: hunter2",
            pods(),
            "patch 1 cannot be merged into v1 Pod web at `spec`: it is a map in the object and a plain value in the patch",
        );
        check(
            "spec: {containers: [{image: hunter2}]}",
            pods(),
            "patch 1 cannot be merged into v1 Pod web at `spec.containers`: element 0 of the patch has no `name`, by which the list is merged",
        );
        check(
            "[{op: test, path: /spec/hostname, value: hunter2}]",
            pods(),
            "patch 1 cannot be applied to v1 Pod web: operation 1: test of `/spec/hostname` failed: another value stands there",
        );
        check(
            "[{op: add, path: /a/b, value: hunter2}]",
            pods(),
            "patch 1 cannot be applied to v1 Pod web: operation 1: add at `/a/b`: there is no such place in the object",
        );
        check(
            "[{op: add, path: /metadata/name, value: hunter2}]",
            pods(),
            "patch 1 would rename v1 Pod web or change its kind",
        );
        check(
            "spec: {$patch: hunter}",
            pods(),
            "patch 1 cannot be merged into v1 Pod web at `spec`: `$patch` is \"hunter\"; it may be delete, replace or merge",
        );
    }
}
