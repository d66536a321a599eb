//! In which order the objects of a set are written: a graph, in which only what needs another object waits for it.
//!
//! | what | waits for |
//! |---|---|
//! | an object in a namespace | that Namespace |
//! | a custom resource | its CustomResourceDefinition, and that everything built in was written: it may serve the webhooks |
//! | workloads | accounts, configuration, claims, quotas and policies of their namespace; classes |
//! | bindings | roles |
//! | admission webhooks, aggregated APIs | everything else: from then on others answer for the API server |
//! | what says `config.kubernetes.io/depends-on` | what it names |
//!
//! Removal goes the other way round. Pure.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::manifest::object::ObjectId;
use crate::manifest::order::{self, Step};

const DEPENDS_ON: &str = "config.kubernetes.io/depends-on";

/// What waits for what, by index; indexes from `len` on are gates that no object stands for.
#[derive(Clone, Debug, Default)]
pub(super) struct Graph {
    /// How many objects there are.
    pub(super) len: usize,
    /// Node → nodes that must be done before.
    pub(super) after: Vec<Vec<usize>>,
    /// Gates that open once everything before them has ended, well or not.
    pub(super) lenient: Vec<usize>,
}

/// An object that is to be written, as far as the order depends on it.
#[derive(Clone, Debug)]
pub(super) struct Node<'a> {
    pub(super) id: &'a ObjectId,
    /// The object itself; none where only its name is known, as for what is removed.
    pub(super) object: Option<&'a Value>,
}

/// Orders objects for writing.
///
/// # Errors
/// With the circle of keys, where objects wait for each other.
pub(super) fn for_writing(nodes: &[Node<'_>]) -> Result<Graph, Vec<String>> {
    let mut graph = Graph { len: nodes.len(), after: vec![Vec::new(); nodes.len()], lenient: Vec::new() };
    let found = Positions::of(nodes);
    let steps: Vec<Step> = nodes.iter().map(|node| order::step(node.id)).collect();
    for (index, node) in nodes.iter().enumerate() {
        graph.after[index] = found.needed_by(index, node, nodes, &steps);
    }
    graph.gate(&steps, |step| matches!(step, Step::Foundation | Step::BuiltIn), Step::Custom, true);
    graph.gate(&steps, |step| step != Step::Interception, Step::Interception, false);
    match graph.circle() {
        Some(circle) => Err(circle.into_iter().map(|index| nodes[index].id.key()).collect()),
        None => Ok(graph),
    }
}

impl Graph {
    /// Turns the order round: what needs something goes before it.
    pub(super) fn reversed(&self) -> Graph {
        let mut after = vec![Vec::new(); self.after.len()];
        for (node, befores) in self.after.iter().enumerate() {
            for before in befores {
                after[*before].push(node);
            }
        }
        Graph { len: self.len, after, lenient: (self.len..self.after.len()).collect() }
    }

    fn gate(&mut self, steps: &[Step], before: impl Fn(Step) -> bool, behind: Step, lenient: bool) {
        let waits: Vec<usize> = (0..steps.len()).filter(|index| steps[*index] == behind).collect();
        if waits.is_empty() {
            return;
        }
        let gate = self.after.len();
        self.after.push((0..steps.len()).filter(|index| before(steps[*index])).collect());
        for index in waits {
            self.after[index].push(gate);
        }
        if lenient {
            self.lenient.push(gate);
        }
    }

    /// Finds objects that wait for each other.
    fn circle(&self) -> Option<Vec<usize>> {
        let mut left: Vec<usize> = self.after.iter().map(Vec::len).collect();
        let back = self.reversed();
        let mut free: Vec<usize> = (0..left.len()).filter(|index| left[*index] == 0).collect();
        while let Some(node) = free.pop() {
            for waiting in &back.after[node] {
                left[*waiting] -= 1;
                if left[*waiting] == 0 {
                    free.push(*waiting);
                }
            }
        }
        let mut at = (0..self.len).find(|index| left[*index] > 0)?;
        let mut path: Vec<usize> = Vec::new();
        loop {
            if let Some(start) = path.iter().position(|seen| *seen == at) {
                let circle = path[start..].iter().copied();
                return Some(circle.filter(|index| *index < self.len).collect());
            }
            path.push(at);
            at = *self.after[at].iter().find(|before| left[**before] > 0)?;
        }
    }
}

/// Where the objects stand that others need.
struct Positions<'a> {
    namespaces: BTreeMap<&'a str, usize>,
    /// Group and kind → definition. The kind is empty where only the definition's name is known.
    definitions: BTreeMap<(&'a str, &'a str), usize>,
    by_id: BTreeMap<(&'a str, &'a str, Option<&'a str>, &'a str), usize>,
    /// Namespace → what workloads in it need.
    furniture: BTreeMap<Option<&'a str>, Vec<usize>>,
    classes: Vec<usize>,
}

impl<'a> Positions<'a> {
    fn of(nodes: &[Node<'a>]) -> Self {
        let mut found = Positions {
            namespaces: BTreeMap::new(),
            definitions: BTreeMap::new(),
            by_id: BTreeMap::new(),
            furniture: BTreeMap::new(),
            classes: Vec::new(),
        };
        for (index, node) in nodes.iter().enumerate() {
            let id = node.id;
            found.by_id.insert((id.group(), &id.kind, id.namespace.as_deref(), &id.name), index);
            match (id.group(), id.kind.as_str()) {
                ("", "Namespace") => drop(found.namespaces.insert(&id.name, index)),
                ("apiextensions.k8s.io", "CustomResourceDefinition") => {
                    found.definitions.insert(defined_by(node), index);
                }
                (_, kind) if is_class(kind) => found.classes.push(index),
                (_, kind) if FURNITURE.contains(&kind) => {
                    found.furniture.entry(id.namespace.as_deref()).or_default().push(index);
                }
                _ => {}
            }
        }
        found
    }

    fn needed_by(&self, index: usize, node: &Node<'_>, nodes: &[Node<'_>], steps: &[Step]) -> Vec<usize> {
        let id = node.id;
        let mut needed: Vec<usize> = Vec::new();
        needed.extend(id.namespace.as_deref().and_then(|namespace| self.namespaces.get(namespace)));
        if steps[index] == Step::Custom {
            let exact = self.definitions.get(&(id.group(), id.kind.as_str()));
            needed.extend(exact.or_else(|| self.definitions.get(&(id.group(), ""))));
        }
        if WORKLOADS.contains(&id.kind.as_str()) {
            needed.extend(self.furniture.get(&id.namespace.as_deref()).into_iter().flatten());
            needed.extend(&self.classes);
        }
        if matches!(id.kind.as_str(), "PersistentVolumeClaim" | "Ingress") {
            needed.extend(&self.classes);
        }
        if id.kind.ends_with("Binding") {
            let others = nodes.iter().enumerate().filter(|(_, other)| {
                other.id.group() == id.group() && matches!(other.id.kind.as_str(), "Role" | "ClusterRole")
                    || other.id.kind.strip_suffix("Policy").is_some()
                        && id.kind.starts_with(other.id.kind.as_str())
            });
            needed.extend(others.map(|(other, _)| other));
        }
        needed.extend(self.named_by(node));
        needed.retain(|other| *other != index);
        needed.sort_unstable();
        needed.dedup();
        needed
    }

    /// `group/kind/name` or `group/namespaces/namespace/kind/name`, joined by commas.
    fn named_by(&self, node: &Node<'_>) -> Vec<usize> {
        let annotations = node.object.and_then(|object| object.get("metadata")?.get("annotations"));
        let Some(text) = annotations.and_then(|all| all.get(DEPENDS_ON)?.as_str()) else { return Vec::new() };
        let named = text.split(',').filter_map(|one| {
            let parts: Vec<&str> = one.trim().split('/').collect();
            match parts[..] {
                [group, kind, name] => self.by_id.get(&(group, kind, None, name)),
                [group, "namespaces", namespace, kind, name] => {
                    self.by_id.get(&(group, kind, Some(namespace), name))
                }
                _ => None,
            }
        });
        named.copied().collect()
    }
}

fn defined_by<'a>(node: &Node<'a>) -> (&'a str, &'a str) {
    let text = |pointer: &str| node.object.and_then(|object| object.pointer(pointer)?.as_str());
    match (text("/spec/group"), text("/spec/names/kind")) {
        (Some(group), Some(kind)) => (group, kind),
        // A definition is named PLURAL.GROUP.
        _ => (node.id.name.split_once('.').map_or("", |(_, group)| group), ""),
    }
}

fn is_class(kind: &str) -> bool {
    kind.ends_with("Class")
}

/// What workloads of a namespace stand on.
const FURNITURE: &[&str] = &[
    "ConfigMap",
    "LimitRange",
    "NetworkPolicy",
    "PersistentVolumeClaim",
    "ResourceQuota",
    "Role",
    "RoleBinding",
    "Secret",
    "ServiceAccount",
];

/// What starts pods.
const WORKLOADS: &[&str] = &[
    "CronJob",
    "DaemonSet",
    "Deployment",
    "Job",
    "Pod",
    "ReplicaSet",
    "ReplicationController",
    "StatefulSet",
];

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    /// Objects as `apiVersion/Kind namespace/name`; expects `later: earlier, earlier` for each that waits, gates taken out.
    fn check(objects: &[&str], expected: &[&str]) {
        let ids: Vec<ObjectId> = objects.iter().map(|text| id(text)).collect();
        let nodes: Vec<Node<'_>> = ids.iter().map(|id| Node { id, object: None }).collect();
        assert_eq!(shown(&for_writing(&nodes).expect("no circle"), &ids), expected);
    }

    fn id(text: &str) -> ObjectId {
        let (kind, name) = text.split_once(' ').expect("a kind and a name");
        let (api_version, kind) = kind.rsplit_once('/').expect("apiVersion/Kind");
        let (namespace, name) = match name.split_once('/') {
            Some((namespace, name)) => (Some(namespace.to_owned()), name),
            None => (None, name),
        };
        ObjectId { api_version: api_version.into(), kind: kind.into(), namespace, name: name.into() }
    }

    fn shown(graph: &Graph, ids: &[ObjectId]) -> Vec<String> {
        let mut lines = Vec::new();
        for (index, id) in ids.iter().enumerate() {
            let mut befores: Vec<usize> = Vec::new();
            for before in &graph.after[index] {
                if *before < graph.len {
                    befores.push(*before)
                } else {
                    befores.extend(&graph.after[*before])
                }
            }
            befores.sort_unstable();
            befores.dedup();
            let names: Vec<&str> = befores.iter().map(|before| ids[*before].name.as_str()).collect();
            if !names.is_empty() {
                lines.push(format!("{}: {}", id.name, names.join(" ")));
            }
        }
        lines
    }

    #[test]
    fn only_what_needs_another_object_waits_for_it() {
        check(
            &[
                "apps/v1/Deployment a/app",
                "v1/Namespace a",
                "v1/Secret a/secret",
                "v1/Secret b/other",
                "v1/Service a/service",
            ],
            &["app: a secret", "secret: a", "service: a"],
        );
        check(
            &["x.io/v1/Thing a/thing", "apiextensions.k8s.io/v1/CustomResourceDefinition things.x.io"],
            &["thing: things.x.io"],
        );
        check(
            &[
                "rbac.authorization.k8s.io/v1/RoleBinding a/binding",
                "rbac.authorization.k8s.io/v1/Role a/role",
            ],
            &["binding: role"],
        );
    }

    #[test]
    fn webhooks_wait_for_everything_and_custom_resources_for_what_is_built_in() {
        check(
            &[
                "admissionregistration.k8s.io/v1/ValidatingWebhookConfiguration hook",
                "cert-manager.io/v1/Issuer a/issuer",
                "apps/v1/Deployment a/app",
            ],
            &["hook: issuer app", "issuer: app"],
        );
    }

    #[test]
    fn an_annotation_adds_an_edge_and_a_circle_is_named() {
        let ids = [id("v1/ConfigMap a/one"), id("v1/ConfigMap a/two")];
        let needs = |other: &str| json!({"metadata": {"annotations": {DEPENDS_ON: format!("/namespaces/a/ConfigMap/{other}")}}});
        let (one, two) = (needs("two"), needs("one"));
        let node = |index: usize, object| Node { id: &ids[index], object };
        let graph = for_writing(&[node(0, Some(&one)), node(1, None)]).expect("no circle");
        assert_eq!(shown(&graph, &ids), ["one: two"]);
        let circle = for_writing(&[node(0, Some(&one)), node(1, Some(&two))]).expect_err("a circle");
        assert_eq!(circle, ["v1/ConfigMap/a/one", "v1/ConfigMap/a/two"]);
    }

    #[test]
    fn removal_goes_the_other_way_round() {
        let ids = [id("v1/Namespace a"), id("v1/Secret a/secret"), id("apps/v1/Deployment a/app")];
        let nodes: Vec<Node<'_>> = ids.iter().map(|id| Node { id, object: None }).collect();
        let graph = for_writing(&nodes).expect("no circle").reversed();
        assert_eq!(shown(&graph, &ids), ["a: secret app", "secret: app"]);
    }
}
