//! A layer that is a template: what it is given, and what it renders to.
//!
//! Its dot has the words of this project, and `.Environment.Name`, `.Release.Name` and `.Values` for those who come from
//! Helmfile. A field that is not there is an error, as in Helmfile; the clock and chance are refused.

use std::collections::BTreeMap;
use std::sync::Arc;

use helm_engine::RenderError;
use helm_engine::limits::Limits;
use helm_engine::render::{ValuesTemplate, render_values};
use helm_engine::tree::{InputMark, Node, NodeKind, NodeMap};

use super::layer::{Layer, LayerError, not_yaml};
use super::layout::Captures;
use super::secrets::{holds_secrets, stand_in};
use super::stack::{Stack, overlay};

/// The ending of a template's name.
const ENDING: &str = ".gotmpl";

/// The capture that names an environment.
const ENVIRONMENT: &str = "environment";

/// Steps and bytes that a template of values may take: a hundredth of what a chart may.
const LIMITS: Limits =
    Limits { steps: 4_000_000, output_bytes: 16 << 20, value_bytes: 16 << 20, depth: 1_000 };

/// What is known of the release that a layer is for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Facts {
    /// `.Release.Name`.
    pub name: String,
    /// `.Release.Namespace`.
    pub namespace: String,
    /// `.Cluster.Name`.
    pub cluster: String,
    /// `.Cluster.Labels`.
    pub labels: BTreeMap<String, String>,
    /// `.Cluster.KubeVersion`.
    pub kube_version: String,
    /// `.Captures`; `environment` among them is `.Environment.Name`.
    pub captures: Captures,
}

/// Tells whether a file is a template, by its name.
pub fn is_template(file: &str) -> bool {
    file.ends_with(ENDING)
}

impl Layer {
    /// Renders a layer from a template over the layers below it; `source` is the number that its positions carry.
    ///
    /// # Errors
    /// When the template cannot be run, or prints no map; with its line.
    pub fn render(
        name: &str,
        file: &str,
        text: &[u8],
        source: u32,
        facts: &Facts,
        below: &Stack,
    ) -> Result<Self, LayerError> {
        let (values, facts) = (marked_values(below), facts.nodes());
        let render = |values: &Node| {
            let empty = NodeMap::new();
            let values = values.as_map().unwrap_or(&empty);
            render_values(&ValuesTemplate { name: file, text, source, facts: &facts, values }, LIMITS)
        };
        match render(&values) {
            Ok(values) => Layer::new(name, Some(file), values),
            Err(error) if holds_secrets(&values) => {
                Err(without_secrets(name, file, &error, render(&stand_in(&values)).err()))
            }
            Err(error) => Err(not_yaml(name, Some(file), &error)),
        }
    }
}

/// Gives the words for a failure with secrets about: those of the same failure with stand-ins for them, which cannot hold
/// what was never there; else only the place.
fn without_secrets(name: &str, file: &str, error: &RenderError, other: Option<RenderError>) -> LayerError {
    let place = |error: &RenderError| error.location().map(|at| (at.line, at.column));
    match other.filter(|other| place(other) == place(error)) {
        Some(other) => not_yaml(name, Some(file), &other),
        None => LayerError::Hidden { place: super::layer::place(name, Some(file), error) },
    }
}

impl Facts {
    fn nodes(&self) -> NodeMap {
        let release = [("Name", text(&self.name)), ("Namespace", text(&self.namespace))];
        let cluster = [
            ("Name", text(&self.cluster)),
            ("Labels", texts(&self.labels)),
            ("KubeVersion", text(&self.kube_version)),
        ];
        // Without an environment there is no name to ask for.
        let environment = self.captures.get(ENVIRONMENT).map(|name| ("Name", text(name)));
        map([
            ("Release", Node::map(map(release))),
            ("Cluster", Node::map(map(cluster))),
            ("Environment", Node::map(map(environment))),
            ("Captures", texts(&self.captures)),
        ])
    }
}

fn map<'a>(entries: impl IntoIterator<Item = (&'a str, Node)>) -> NodeMap {
    entries.into_iter().map(|(key, node)| (Arc::from(key), node)).collect()
}

fn text(text: &str) -> Node {
    Node::new(NodeKind::String(Arc::from(text)))
}

fn texts(entries: &BTreeMap<String, String>) -> Node {
    Node::map(map(entries.iter().map(|(key, value)| (key.as_str(), text(value)))))
}

/// Merges the layers below, the marks of whole layers and containers put on what is in them.
fn marked_values(below: &Stack) -> Node {
    let layers = below.layers.iter().map(|layer| {
        let mut values = layer.marked_values();
        mark_below(&mut values, InputMark::PLAIN);
        values
    });
    layers.fold(Node::map(NodeMap::new()), |lower, upper| overlay(&lower, &upper))
}

fn mark_below(node: &mut Node, above: InputMark) {
    node.mark = node.mark.with(above);
    let mark = node.mark;
    match &mut node.kind {
        NodeKind::Map(map) => Arc::make_mut(map).values_mut().for_each(|node| mark_below(node, mark)),
        NodeKind::List(items) => Arc::make_mut(items).iter_mut().for_each(|node| mark_below(node, mark)),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::super::provenance::{explain, shown};
    use super::*;

    fn facts() -> Facts {
        let texts = |pairs: &[(&str, &str)]| {
            pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
        };
        Facts {
            name: "web".to_owned(),
            namespace: "shop".to_owned(),
            cluster: "eu-1".to_owned(),
            labels: texts(&[("region", "eu")]),
            kube_version: "1.34.0".to_owned(),
            captures: texts(&[("environment", "prod"), ("service", "web")]),
        }
    }

    fn render(below: &[Layer], text: &str) -> Result<Stack, String> {
        let mut stack = Stack { chart: None, layers: below.to_vec() };
        let layer = Layer::render("top", "top.yaml.gotmpl", text.as_bytes(), 1, &facts(), &stack);
        stack.layers.push(layer.map_err(|error| error.to_string())?);
        Ok(stack)
    }

    fn layer(text: &str) -> Layer {
        Layer::read("below", Some("below.yaml"), text.as_bytes(), 0).expect("it is a map")
    }

    fn check(below: &[Layer], text: &str, expected: &[&str]) {
        let stack = render(below, text).unwrap_or_else(|error| panic!("{text:?}: {error}"));
        let lines: Vec<String> = shown(&stack, |_| false, |_, _, _| "(sensitive)".to_owned())
            .into_iter()
            .map(|(path, value)| format!("{path} = {}", value.unwrap_or("unknown".to_owned())))
            .collect();
        assert_eq!(lines, expected, "{text:?}");
    }

    #[test]
    fn a_template_knows_the_release_its_cluster_and_the_layers_below() {
        check(
            &[layer("domain: example.com\n")],
            "host: {{ .Release.Name }}.{{ .Environment.Name }}.{{ .Values.domain }}\nregion: {{ .Cluster.Labels.region }}\n",
            &["domain = example.com (below)", "host = web.prod.example.com (top)", "region = eu (top)"],
        );
        check(
            &[],
            "a: {{ .Cluster.Name }} {{ .Release.Namespace }} {{ .Captures.service }}\nnew: {{ semverCompare \">=1.30\" .Cluster.KubeVersion }}\n",
            &["a = eu-1 shop web (top)", "new = true (top)"],
        );
    }

    #[test]
    fn what_is_missing_is_named_with_its_line() {
        let error = render(&[], "a: 1\nb: {{ .Values.nowhere }}\n").unwrap_err();
        assert!(
            error.contains("top.yaml.gotmpl:2:") && error.contains("no entry for key \"nowhere\""),
            "{error}"
        );
        assert!(error.contains("b: {{ .Values.nowhere }}") && error.contains('^'), "{error}");
        let error = render(&[], "{{ .Cluster.Labels.zone }}").unwrap_err();
        assert!(error.contains("no entry for key \"zone\""), "{error}");
    }

    #[test]
    fn what_depends_on_a_secret_layer_is_secret_and_the_rest_is_not() {
        check(
            &[layer("user: joe\n"), layer("password: hush\n").sensitive()],
            "url: db://{{ .Values.user }}:{{ .Values.password }}@x\nuser2: {{ .Values.user }}\n",
            &[
                "password = (sensitive) (below)",
                "url = (sensitive) (top)",
                "user = joe (below)",
                "user2 = joe (top)",
            ],
        );
    }

    #[test]
    fn a_failure_never_tells_a_secret() {
        let secret = layer("password: hush\nsize: 3\n").sensitive();
        let check = |text: &str, parts: &[&str]| {
            let error = render(std::slice::from_ref(&secret), text).unwrap_err();
            assert!(parts.iter().all(|part| error.contains(part)) && !error.contains("hush"), "{error}");
        };
        check("a: {{ fail .Values.password }}", &["top.yaml.gotmpl:1", "(sensitive)"]);
        check("a: 1\n{{ .Values.password }}\n", &["top.yaml.gotmpl:2"]);
        check(
            "{{ if eq .Values.password \"hush\" }}{{ fail \"it is hush\" }}{{ end }}",
            &["top.yaml.gotmpl:1", "not shown"],
        );
        check("a: {{ .Values.passwrd }}", &["no entry for key \"passwrd\""]);
    }

    #[test]
    fn a_value_stands_at_the_line_of_the_template() {
        let stack = render(&[], "{{- range list 1 2 }}\nkey{{ . }}:\n  size: {{ . }}\n{{- end }}\n").unwrap();
        let found = explain(&stack, "key2.size");
        assert_eq!(found[0].winner.origin().to_string(), "top.yaml.gotmpl:3:3");
    }

    #[test]
    fn a_template_without_end_ends() {
        let error =
            render(&[], "{{ range until 100000 }}{{ range until 100000 }}{{ end }}{{ end }}").unwrap_err();
        assert!(error.contains("steps"), "{error}");
    }
}
