//! Chart.yaml: what it may hold, and Helm's checks of it.
//!
//! Follows Helm's `pkg/chart/v2` metadata and dependency types, read with the rules of [`super::fields`].

use std::collections::BTreeMap;

use super::fields::Fields;
use crate::Mode;
use crate::tree::{Node, NodeKind};
use crate::yaml::{Field, FieldKind};

/// What Chart.yaml says about a chart.
#[derive(Clone, Debug, Default, PartialEq)]
#[allow(missing_docs, reason = "the fields are Chart.yaml's own, documented by Helm")]
pub struct Metadata {
    pub name: String,
    pub home: String,
    pub sources: Vec<String>,
    pub version: String,
    pub description: String,
    pub keywords: Vec<String>,
    pub maintainers: Vec<Option<Maintainer>>,
    pub icon: String,
    pub api_version: String,
    pub condition: String,
    pub tags: String,
    pub app_version: String,
    pub deprecated: bool,
    /// `None` if Chart.yaml has none, which Helm 4 lets templates tell from an empty map.
    pub annotations: Option<BTreeMap<String, String>>,
    pub kube_version: String,
    pub dependencies: Vec<Option<Dependency>>,
    /// `application`, `library` or empty.
    pub chart_type: String,
}

/// Who maintains a chart.
#[derive(Clone, Debug, Default, PartialEq)]
#[allow(missing_docs, reason = "the fields are Chart.yaml's own, documented by Helm")]
pub struct Maintainer {
    pub name: String,
    pub email: String,
    pub url: String,
}

/// A chart that another one depends on.
#[derive(Clone, Debug, Default, PartialEq)]
#[allow(missing_docs, reason = "the fields are Chart.yaml's own, documented by Helm")]
pub struct Dependency {
    pub name: String,
    pub version: String,
    pub repository: String,
    pub condition: String,
    pub tags: Vec<String>,
    pub enabled: bool,
    pub import_values: Vec<Node>,
    pub alias: String,
}

impl Metadata {
    /// Says whether only the `_*` files of the chart count.
    pub fn is_library(&self) -> bool {
        self.chart_type.eq_ignore_ascii_case("library")
    }

    /// Reads a Chart.yaml or requirements.yaml over what is known already, as decoding into the same struct does.
    pub(super) fn read(&mut self, document: Option<&Field>, mode: Mode) -> Result<(), String> {
        let package = if mode == Mode::Helm3 { "chart" } else { "v2" };
        let mut fields = Fields::root(document, "Metadata", &format!("{package}.Metadata"));
        fields.texts_by_key("annotations", &mut self.annotations);
        fields.text("apiVersion", &mut self.api_version);
        fields.text("appVersion", &mut self.app_version);
        fields.text("condition", &mut self.condition);
        fields.list(
            "dependencies",
            &format!("[]*{package}.Dependency"),
            &mut self.dependencies,
            |item, errors| {
                item.object("Dependency", &format!("{package}.Dependency"), errors, Dependency::read)
            },
        );
        fields.flag("deprecated", &mut self.deprecated);
        fields.text("description", &mut self.description);
        fields.text("home", &mut self.home);
        fields.text("icon", &mut self.icon);
        fields.texts("keywords", &mut self.keywords);
        fields.text("kubeVersion", &mut self.kube_version);
        fields.list(
            "maintainers",
            &format!("[]*{package}.Maintainer"),
            &mut self.maintainers,
            |item, errors| {
                item.object("Maintainer", &format!("{package}.Maintainer"), errors, Maintainer::read)
            },
        );
        fields.text("name", &mut self.name);
        fields.texts("sources", &mut self.sources);
        fields.text("tags", &mut self.tags);
        fields.text("type", &mut self.chart_type);
        fields.text("version", &mut self.version);
        fields.finish()
    }

    /// Cleans the texts and checks the fields, in Helm's order.
    pub(super) fn validate(&mut self) -> Result<(), String> {
        for text in [
            &mut self.name,
            &mut self.description,
            &mut self.home,
            &mut self.icon,
            &mut self.condition,
            &mut self.tags,
            &mut self.app_version,
            &mut self.kube_version,
        ] {
            sanitize(text);
        }
        self.sources.iter_mut().chain(&mut self.keywords).for_each(sanitize);
        self.check().map_err(|message| format!("validation: {message}"))
    }

    fn check(&mut self) -> Result<(), String> {
        let quote = crate::gotext::quote;
        if self.api_version.is_empty() {
            return Err("chart.metadata.apiVersion is required".to_owned());
        }
        if self.name.is_empty() {
            return Err("chart.metadata.name is required".to_owned());
        }
        if self.name == "." || self.name == ".." {
            return Err(format!("chart.metadata.name {} is not allowed", quote(&self.name)));
        }
        if self.name != base(&self.name) {
            return Err(format!("chart.metadata.name {} is invalid", quote(&self.name)));
        }
        if self.version.is_empty() {
            return Err("chart.metadata.version is required".to_owned());
        }
        if !super::versions::is_version(&self.version) {
            return Err(format!("chart.metadata.version {} is invalid", quote(&self.version)));
        }
        if !matches!(&*self.chart_type, "" | "application" | "library") {
            return Err("chart.metadata.type must be application or library".to_owned());
        }
        for maintainer in &mut self.maintainers {
            let Some(maintainer) = maintainer else {
                return Err("maintainers must not contain empty or null nodes".to_owned());
            };
            [&mut maintainer.name, &mut maintainer.email, &mut maintainer.url].into_iter().for_each(sanitize);
        }
        self.check_dependencies()
    }

    fn check_dependencies(&mut self) -> Result<(), String> {
        let mut names = std::collections::BTreeSet::new();
        for dependency in &mut self.dependencies {
            let Some(dependency) = dependency else {
                return Err("dependencies must not contain empty or null nodes".to_owned());
            };
            dependency.clean();
            let quoted = crate::gotext::quote(&dependency.name);
            let legal = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
            if !dependency.alias.chars().all(legal) {
                return Err(format!("dependency {quoted} has disallowed characters in the alias"));
            }
            let key = if dependency.alias.is_empty() { &dependency.name } else { &dependency.alias };
            if !names.insert(key.clone()) {
                let quoted = crate::gotext::quote(key);
                return Err(format!("more than one dependency with name or alias {quoted}"));
            }
        }
        Ok(())
    }
}

impl Maintainer {
    fn read(fields: &mut Fields<'_>) -> Maintainer {
        let mut maintainer = Maintainer::default();
        fields.text("email", &mut maintainer.email);
        fields.text("name", &mut maintainer.name);
        fields.text("url", &mut maintainer.url);
        maintainer
    }
}

impl Dependency {
    fn read(fields: &mut Fields<'_>) -> Dependency {
        let mut dependency = Dependency::default();
        fields.text("alias", &mut dependency.alias);
        fields.text("condition", &mut dependency.condition);
        fields.flag("enabled", &mut dependency.enabled);
        if let Some(items) = fields.items("import-values", "[]interface {}") {
            dependency.import_values = items.iter().map(plain).collect();
        }
        fields.text("name", &mut dependency.name);
        fields.text("repository", &mut dependency.repository);
        fields.texts("tags", &mut dependency.tags);
        fields.text("version", &mut dependency.version);
        dependency
    }

    fn clean(&mut self) {
        let texts = [&mut self.name, &mut self.version, &mut self.repository, &mut self.condition];
        texts.into_iter().chain(&mut self.tags).for_each(sanitize);
    }

    /// Returns the name the subchart goes by: its alias if it has one.
    pub(crate) fn effective_name(&self) -> &str {
        if self.alias.is_empty() { &self.name } else { &self.alias }
    }
}

/// Turns every kind of blank into a space and drops what cannot be printed.
fn sanitize(text: &mut String) {
    let clean = |rune: char| match rune {
        '\t' | '\n' | '\u{b}' | '\u{c}' | '\r' | '\u{85}' | '\u{a0}' => Some(' '),
        rune if rune.is_whitespace() => Some(' '),
        rune => crate::template::unicode::is_print(rune).then_some(rune),
    };
    if !text.bytes().all(|byte| (b' '..=b'~').contains(&byte)) {
        *text = text.chars().filter_map(clean).collect();
    }
}

/// Go's `filepath.Base`.
fn base(path: &str) -> &str {
    let trimmed = path.trim_end_matches('/');
    if trimmed.is_empty() { if path.is_empty() { "." } else { "/" } } else { super::load::base_name(trimmed) }
}

/// Returns a field as a value without a place, numbers as floats.
fn plain(field: &Field) -> Node {
    match &field.kind {
        FieldKind::Null => Node::default(),
        FieldKind::Bool(value) => Node::new(NodeKind::Bool(*value)),
        FieldKind::Int(value) => Node::new(NodeKind::Float(*value as f64)),
        FieldKind::Uint(value) => Node::new(NodeKind::Float(*value as f64)),
        FieldKind::Float(value) => Node::new(NodeKind::Float(*value)),
        FieldKind::String(text) => Node::new(NodeKind::String(text.as_str().into())),
        FieldKind::List(items) => Node::list(items.iter().map(plain).collect()),
        FieldKind::Map(map) => {
            Node::map(map.iter().map(|(key, value)| (key.as_str().into(), plain(value))).collect())
        }
    }
}

/// Makes the values of import entries that dependency processing leaves behind.
pub(super) fn import_entry(child: &str, parent: &str) -> Node {
    let text = |text: &str| Node::new(NodeKind::String(text.into()));
    Node::map([("child".into(), text(child)), ("parent".into(), text(parent))].into_iter().collect())
}
