//! What is planned is what is applied, whatever an unknown value turns out to be: held against small charts that use
//! values in the ways that charts do.

use std::collections::BTreeMap;

use helm_engine::tree::{InputMark, Node, NodeKind, NodeMap};
use helm_engine::{Chart, Mode, SourceFile};

use super::{Definitions, Draw, Hooks, Release, Rendered, render};
use crate::layers::layer::Layer;
use crate::layers::stack::Stack;
use crate::manifest::mask::{Masker, Revisions};
use crate::manifest::surface::{Detail, Surface, surface};

#[path = "../../crates/helm-engine/tests/tracing/fragments.rs"]
#[allow(dead_code, reason = "the engine's own tests use the rest")]
mod fragments;

const CHARTS: u64 = 12;

#[test]
fn what_is_planned_is_applied() {
    let (mut known, mut all, mut wrong) = (0, 0, Vec::new());
    for seed in 0..CHARTS {
        let files = fragments::files(seed);
        let object = |text: &String| text.replacen("kind: ConfigMap", "apiVersion: v1\nkind: ConfigMap", 1);
        let sources =
            files.iter().map(|(path, text)| SourceFile::new(&**path, object(text).as_bytes())).collect();
        let chart = Chart::load(sources, Mode::Helm4).expect("a chart that loads");
        let values = helm_engine::request::read_values(files["values.yaml"].as_bytes(), 0, Mode::Helm4);
        for path in leaves(&values.expect("valid values"), &mut Vec::new()) {
            let plan = shown(&chart, &path, placeholder(&path.kind));
            for value in outcomes(&path.kind) {
                let Some(apply) = shown(&chart, &path, value.clone()) else { continue };
                let Some((planned, plan)) = &plan else { continue };
                let unknown = &planned.unknown;
                all += apply.1.manifests.len();
                if unknown.set.is_some() {
                    continue;
                }
                known += plan.manifests.len() - unknown.objects.len();
                let name = format!("chart {seed}, {} becomes {:?}", path.steps.join("."), value.kind);
                wrong.extend(
                    differences(plan, &apply.1, unknown).into_iter().map(|what| format!("{name}: {what}")),
                );
            }
        }
    }
    assert!(wrong.is_empty(), "{} of {all}\n{}", wrong.len(), wrong[..wrong.len().min(20)].join("\n"));
    assert!(known * 3 > all, "only {known} of {all} objects were planned");
}

/// Lists what Terraform would refuse: something that was known and comes out otherwise.
fn differences(plan: &Surface, apply: &Surface, unknown: &super::Unknown) -> Vec<String> {
    let mut found = Vec::new();
    if !plan.manifests.keys().eq(apply.manifests.keys()) {
        found.push("other objects".to_owned());
    }
    for (key, form) in plan.manifests.iter().filter(|(key, _)| !unknown.objects.contains_key(*key)) {
        if apply.manifests.get(key) != Some(form) {
            found.push(format!("{key} was {form}, is {:?}", apply.manifests.get(key)));
        }
    }
    if unknown.objects.is_empty() {
        let late = plan.late.iter().filter(|(_, value)| value.is_some());
        let is_same = |(path, value): (&String, &Option<String>)| apply.late.get(path) == Some(value);
        if !plan.late.keys().eq(apply.late.keys()) || !late.into_iter().all(is_same) {
            found.push(format!("late was {:?}, is {:?}", plan.late, apply.late));
        }
    }
    if plan.common_labels != apply.common_labels {
        found.push("other common labels".to_owned());
    }
    found
}

/// A scalar among the values.
struct Leaf {
    steps: Vec<String>,
    kind: NodeKind,
}

fn leaves(node: &Node, steps: &mut Vec<String>) -> Vec<Leaf> {
    match &node.kind {
        NodeKind::Map(map) => {
            let mut found = Vec::new();
            for (key, value) in map.iter() {
                steps.push(key.to_string());
                found.extend(leaves(value, steps));
                steps.pop();
            }
            found
        }
        NodeKind::Bool(_) | NodeKind::Float(_) | NodeKind::String(_) => {
            vec![Leaf { steps: steps.clone(), kind: node.kind.clone() }]
        }
        _ => Vec::new(),
    }
}

fn placeholder(kind: &NodeKind) -> Node {
    let kind = match kind {
        NodeKind::String(_) => NodeKind::String("uNkNoWn1".into()),
        NodeKind::Float(_) => NodeKind::Float(7.0),
        _ => NodeKind::Bool(true),
    };
    Node { mark: InputMark::UNKNOWN, ..Node::new(kind) }
}

fn outcomes(kind: &NodeKind) -> Vec<Node> {
    let kinds = match kind {
        NodeKind::String(text) => {
            vec![
                NodeKind::String(text.clone()),
                NodeKind::String("".into()),
                NodeKind::String("other".into()),
            ]
        }
        NodeKind::Float(_) => vec![NodeKind::Float(0.0), NodeKind::Float(1.0), NodeKind::Float(42.0)],
        _ => vec![NodeKind::Bool(false), NodeKind::Bool(true)],
    };
    kinds.into_iter().map(Node::new).collect()
}

/// Renders with a late value at a path; none where the chart refuses it.
fn shown(chart: &Chart, path: &Leaf, value: Node) -> Option<(Rendered, Surface)> {
    let wrap = |inner: Node, key: &String| Node::map(NodeMap::from([(key.as_str().into(), inner)]));
    let mut values = path.steps.iter().rev().fold(value, wrap);
    values.mark.late = true;
    let layers = Stack { chart: None, layers: vec![Layer::new("late", None, values).expect("a map")] };
    let release = Release {
        chart,
        name: "r",
        namespace: "default",
        kube_version: "1.34.0",
        api_versions: &[],
        layers: &layers,
        definitions: Definitions::CreateOrReplace,
        hooks: Hooks::Skip,
        patches: &[],
    };
    let rendered = render(&release, Some(Draw { seed: [1; 32], now_unix_nanoseconds: 1 })).ok()?;
    let revisions = Revisions::default();
    let shown = surface(&rendered.objects, Detail::Full, &mut Masker::new(Some(b"key"), &revisions));
    Some((rendered, shown))
}

#[test]
fn a_set_of_objects_that_is_not_known_names_the_line_that_asks() {
    let files = BTreeMap::from([
        ("Chart.yaml", "{apiVersion: v2, name: c, version: 1.0.0}"),
        (
            "templates/a.yaml",
            "\n{{ if eq .Values.mode \"ha\" }}\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n{{ end }}",
        ),
    ]);
    let sources = files.iter().map(|(path, text)| SourceFile::new(*path, text.as_bytes())).collect();
    let chart = Chart::load(sources, Mode::Helm4).expect("a chart that loads");
    let leaf = Leaf { steps: vec!["mode".to_owned()], kind: NodeKind::String("".into()) };
    let (rendered, _) = shown(&chart, &leaf, placeholder(&leaf.kind)).expect("it renders");
    assert_eq!(rendered.unknown.set.as_deref(), Some("c/templates/a.yaml:2 asks for `mode`"));
}
