//! A `strata_release` block, decoded and checked.
//!
//! Everything here reads configuration, plan and state alike: all three have the block's shape.

use std::collections::BTreeMap;

use tf_provider::schema::{Diagnostic, Diagnostics, Object, Path, Value};

use super::super::super::cluster_delivery::Settings;
use super::super::super::patches;
use super::super::objects::deletions::Holder;
use super::super::objects::git::Folder;
use super::super::objects::timeouts;
use super::{formats, hcl};
use crate::delivery::{Existing, Owner, OwnerKind};
use crate::layers::layout::RepositoryAt;
use crate::manifest::patch::Written;
use crate::release::formats::Format;
use crate::release::objects;
use crate::release::record::{ChartRecord, GitChartRecord, LayerRecord, VerifyRecord};

/// What a user wrote, or a state holds.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Arguments {
    /// Name of the release.
    pub(super) name: String,
    /// Its namespace.
    pub(super) namespace: String,
    /// The cluster's name.
    pub(super) cluster: String,
    /// Where the chart is.
    pub(super) chart: ChartRecord,
    /// Name of the layout that comes before the layers.
    pub(super) layout: Option<String>,
    /// What captures of the layout stand for, where the release says so.
    pub(super) captures: BTreeMap<String, String>,
    /// Layers, lowest first.
    pub(super) layers: Vec<Layer>,
    /// Values above all layers that only the configuration holds.
    pub(super) sensitive_values: Value,
    /// What says that those values changed, where the user counts.
    pub(super) sensitive_values_version: Option<String>,
    /// The release's own Kubernetes version.
    pub(super) kube_version: Option<String>,
    /// The release's own API versions.
    pub(super) api_versions: Vec<String>,
    /// What happens to CRDs.
    pub(super) crds: String,
    /// Whether hooks are delivered as objects.
    pub(super) includes_hooks: bool,
    /// Whether hooks are run.
    pub(super) runs_hooks: bool,
    /// Whether the state holds fields, not digests.
    pub(super) full_detail: bool,
    /// Whether the layers are looked at for what is wrong.
    pub(super) lint: Lint,
    /// Kinds or keys of objects that take others along and may be deleted all the same.
    pub(super) allow_deletion_of: Vec<String>,
    /// What changes the rendered objects, in this order.
    pub(super) patches: Vec<Written>,
    /// Where in git the objects go.
    pub(super) delivery: Option<GitDelivery>,
    /// How the objects go straight to the cluster.
    pub(super) in_cluster: Option<Settings>,
}

/// What becomes of things in the layers that look wrong.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Lint {
    /// Nobody looks.
    #[default]
    Off,
    /// They are warnings.
    Warn,
    /// They are errors.
    Error,
}

impl Lint {
    fn read(written: Option<&str>) -> Self {
        match written {
            Some("warn") => Lint::Warn,
            Some("error") => Lint::Error,
            _ => Lint::Off,
        }
    }
}

/// One `layer` block.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Layer {
    /// Its name.
    pub(super) name: String,
    /// Where its values are.
    pub(super) source: LayerSource,
    /// Whether its values must not be seen.
    pub(super) sensitive: Option<bool>,
    /// Whether fields made of its values stand in `late`, where the block says so.
    pub(super) late: Option<bool>,
}

/// What the layer of the sensitive values is called.
pub(super) const SENSITIVE_VALUES: &str = "sensitive_values";

/// Where a layer's values are.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum LayerSource {
    /// In a file that may be absent if `optional`.
    File {
        /// Path of the file.
        path: String,
        /// Whether it may be absent, where the block says so.
        optional: Option<bool>,
        /// The repository that it is in; none for the provider's `root`.
        repository: Option<RepositoryAt>,
    },
    /// In the block itself, as YAML.
    Text(String),
    /// In the block itself, as an object.
    Object(Value),
}

/// A `delivery { git { … } }` block.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct GitDelivery {
    /// Name of the repository.
    pub(super) repository: String,
    /// Folder in it.
    pub(super) path: String,
    /// Whether values of sensitive layers may be committed in the clear.
    pub(super) plain_secrets: bool,
    /// In which form.
    pub(super) format: Format,
}

impl Arguments {
    /// Decodes a block in which everything that is read here is known.
    pub(super) fn read(block: &Object) -> Self {
        let text = |name: &str| block.string(name).unwrap_or_default().to_owned();
        let strings =
            |name: &str| -> Vec<String> { block.strings(name).into_iter().map(str::to_owned).collect() };
        let delivery = |place: &str| block.block("delivery").and_then(|delivery| delivery.block(place));
        Arguments {
            name: text("name"),
            namespace: block.string("namespace").unwrap_or("default").to_owned(),
            cluster: text("cluster"),
            chart: block.block("chart").map(read_chart).unwrap_or_default(),
            layout: block.string("layout").map(str::to_owned),
            captures: block
                .string_map("captures")
                .into_iter()
                .map(|(name, value)| (name.to_owned(), value.to_owned()))
                .collect(),
            layers: block.blocks("layer").into_iter().map(Layer::read).collect(),
            sensitive_values: Value::Null,
            sensitive_values_version: block.string("sensitive_values_version").map(str::to_owned),
            kube_version: block.string("kube_version").map(str::to_owned),
            api_versions: strings("api_versions"),
            crds: block.string("crds").unwrap_or(super::schema::CRDS[0]).to_owned(),
            includes_hooks: block.string("hooks") == Some("include"),
            runs_hooks: block.string("hooks") == Some("run"),
            full_detail: block.string("plan_detail") != Some("summary"),
            lint: Lint::read(block.string("lint")),
            allow_deletion_of: strings("allow_deletion_of"),
            patches: patches::read(block),
            delivery: delivery("git").map(GitDelivery::read),
            in_cluster: delivery("cluster").map(Settings::read),
        }
    }

    /// Adds what only the configuration holds.
    pub(super) fn with_secrets_of(mut self, config: &Object) -> Self {
        self.sensitive_values = config.get(SENSITIVE_VALUES).clone();
        self
    }

    /// Shows everything where it belongs: Terraform reads a data source when all of its configuration is known.
    pub(super) fn without_late(mut self) -> Self {
        self.layers.iter_mut().for_each(|layer| layer.late = Some(false));
        self
    }

    /// Names the folder in git that the objects go to.
    pub(super) fn folder(&self) -> Option<Folder> {
        let git = self.delivery.as_ref()?;
        let owner = Owner {
            kind: OwnerKind::Release,
            cluster: self.cluster.clone(),
            namespace: self.namespace.clone(),
            name: self.name.clone(),
        };
        Some(Folder { place: (git.repository.clone(), git.path.clone()), owner, existing: Existing::Refuse })
    }

    /// Names the release for people: `shop/web on prod-eu`.
    pub(super) fn title(&self) -> String {
        format!("{}/{} on {}", self.namespace, self.name, self.cluster)
    }

    /// Says whose objects these are, for what a plan may delete and what a delivery tells.
    pub(super) fn holder(&self) -> Holder {
        Holder {
            title: format!("release {}", self.title()),
            cluster: self.cluster.clone(),
            allow_deletion_of: self.allow_deletion_of.clone(),
        }
    }
}

fn read_chart(block: &Object) -> ChartRecord {
    let text = |name: &str| block.string(name).map(str::to_owned);
    ChartRecord {
        path: text("path"),
        repository: text("repository"),
        name: text("name"),
        version: text("version"),
        git: block.block("git").map(|git| GitChartRecord {
            repository: git.string("repository").unwrap_or_default().to_owned(),
            reference: git.string("ref").map(str::to_owned),
            path: git.string("path").unwrap_or_default().to_owned(),
        }),
        verify: block.block("verify").map(|verify| {
            let text = |name: &str| verify.string(name).map(str::to_owned);
            VerifyRecord {
                keyring: text("keyring"),
                keyring_file: text("keyring_file"),
                cosign_key: text("cosign_key"),
            }
        }),
    }
}

impl Layer {
    fn read(block: &Object) -> Self {
        let text = |name: &str| block.string(name).map(str::to_owned);
        let source = match (text("file"), block.get("values")) {
            (Some(path), _) => {
                let reference = text("ref");
                let repository = text("repository").map(|name| RepositoryAt { name, reference });
                LayerSource::File { path, optional: block.bool("optional"), repository }
            }
            (None, values) => LayerSource::read(values),
        };
        Layer {
            name: text("name").unwrap_or_default(),
            source,
            sensitive: block.bool("sensitive"),
            late: block.bool("late"),
        }
    }

    /// Tells whether fields made of the layer's values stand in `late`.
    pub(super) fn is_late(&self) -> bool {
        self.late.unwrap_or(matches!(self.source, LayerSource::Object(_)))
    }

    /// Returns what is written down of the layer beside the delivered objects.
    pub(super) fn to_record(&self) -> LayerRecord {
        let record = LayerRecord {
            name: self.name.clone(),
            sensitive: self.sensitive,
            late: self.late,
            ..LayerRecord::default()
        };
        match &self.source {
            LayerSource::File { path, optional, repository } => LayerRecord {
                file: Some(path.clone()),
                optional: *optional,
                repository: repository.as_ref().map(|at| at.name.clone()),
                reference: repository.as_ref().and_then(|at| at.reference.clone()),
                ..record
            },
            // What must not be seen is not written down where everybody reads.
            _ if self.sensitive == Some(true) => record,
            LayerSource::Text(text) => LayerRecord { values: Some(text.as_str().into()), ..record },
            LayerSource::Object(value) => {
                LayerRecord { values: Some(objects::to_json(&hcl::node(value))), ..record }
            }
        }
    }
}

impl LayerSource {
    /// Reads values given in place: an object, or text.
    pub(super) fn read(values: &Value) -> Self {
        match values.as_str() {
            Some(text) => LayerSource::Text(text.to_owned()),
            None if values.is_null() => LayerSource::Text(String::new()),
            None => LayerSource::Object(values.clone()),
        }
    }
}

impl GitDelivery {
    fn read(block: &Object) -> Self {
        let text = |name: &str| block.string(name).unwrap_or_default().to_owned();
        GitDelivery {
            repository: text("repository"),
            path: text("path"),
            plain_secrets: block.bool("plain_secrets") == Some(true),
            format: formats::read(block),
        }
    }
}

/// Checks what the schema cannot say; unknown values may stand anywhere.
pub(super) fn validate(config: &Object) -> Diagnostics {
    let mut found = Diagnostics::new();
    validate_chart(config, &mut found);
    validate_layers(config, &mut found);
    validate_sensitive_values(config, &mut found);
    if config.is_null("layout") && !config.is_null("captures") {
        found.push(
            Diagnostic::error("captures stand for parts of a layout's paths")
                .hint("name the `layout` too, or leave them out")
                .at("captures"),
        );
    }
    patches::validate(config, &mut found);
    formats::validate(config, &mut found);
    timeouts::validate(config, &mut found);
    validate_delivery(config, &mut found);
    found
}

fn validate_delivery(config: &Object, found: &mut Diagnostics) {
    let to_cluster = config.block("delivery").is_some_and(|delivery| !delivery.is_null("cluster"));
    if config.string("hooks") == Some("run") && !to_cluster && !config.is_unknown("delivery") {
        found.push(
            Diagnostic::error("hooks run only where the release goes straight to its cluster")
                .hint("say `delivery { cluster {} }`, or `hooks = \"include\"` to deliver them as ordinary objects")
                .at("hooks"),
        );
    }
    let Some(delivery) = config.block("delivery") else { return };
    const PLACES: [&str; 2] = ["git", "cluster"];
    if PLACES.iter().any(|place| delivery.is_unknown(place)) {
        return;
    }
    match PLACES.iter().filter(|place| !delivery.is_null(place)).count() {
        0 => found.push(
            Diagnostic::error("the delivery block is empty")
                .hint("say where the objects go, `git { … }` or `cluster { … }`, or leave the block out to render only")
                .at("delivery"),
        ),
        1 => {}
        _ => found.push(
            Diagnostic::error("the objects go to git and straight to the cluster")
                .detail("Two writers of one object undo each other's work.")
                .hint("keep one of the two blocks")
                .at("delivery"),
        ),
    }
}

fn validate_chart(config: &Object, found: &mut Diagnostics) {
    let Some(chart) = config.block("chart") else { return };
    let given = |name: &str| !chart.is_null(name);
    validate_verify(chart, found);
    if given("git") {
        if ["path", "repository", "name", "version"].into_iter().any(given) {
            found.push(
                Diagnostic::error("chart has a git block and another place too")
                    .hint("keep the one that the chart shall come from; repository and path go into the git block")
                    .at("chart"),
            );
        }
        return;
    }
    let wrong = match (given("path"), given("repository")) {
        (true, true) => {
            Some(("chart has both a path and a repository", "keep the one that the chart shall come from"))
        }
        (false, false) => Some((
            "chart says not where it is",
            "give it a `path`, a `repository` and a `name`, or a `git` block",
        )),
        (false, true) if !given("name") => {
            Some(("chart has a repository but no name", "add `name`, the chart's name in the repository"))
        }
        (true, false) if given("name") || given("version") => Some((
            "chart has a path and a name or version",
            "a chart at a path has its name and version in its Chart.yaml; leave them out",
        )),
        _ => None,
    };
    if let Some((summary, hint)) = wrong {
        found.push(Diagnostic::error(summary).hint(hint).at("chart"));
    }
}

fn validate_sensitive_values(config: &Object, found: &mut Diagnostics) {
    let values = config.get(SENSITIVE_VALUES);
    if values.is_null() {
        if !config.is_null("sensitive_values_version") {
            found.push(
                Diagnostic::error("sensitive_values_version has no values to count")
                    .hint("give the `sensitive_values` too, or leave it out")
                    .at("sensitive_values_version"),
            );
        }
    } else if !values.is_unknown() && values.as_str().is_none() && !hcl::is_object(values) {
        found.push(
            Diagnostic::error(format!("sensitive_values are {}", kind_of(values)))
                .hint("they are an object, `{ key = value }`, or YAML text")
                .at(SENSITIVE_VALUES),
        );
    }
}

fn validate_verify(chart: &Object, found: &mut Diagnostics) {
    let Some(verify) = chart.block("verify") else { return };
    let at = || Path::from("chart").attribute("verify");
    let given = |name: &str| !verify.is_null(name);
    let wrong = if !["keyring", "keyring_file", "cosign_key"].into_iter().any(given) {
        Some(("the verify block names no key", "give it a `keyring`, a `keyring_file` or a `cosign_key`"))
    } else if given("keyring") && given("keyring_file") {
        Some(("verify has a keyring and a keyring_file", "keep one of them"))
    } else if !chart.is_null("git") {
        Some((
            "a chart in git cannot be verified",
            "nobody signs a folder: take the packed chart from a repository, or pin a commit with `ref`",
        ))
    } else if given("cosign_key") && chart.string("repository").is_some_and(|one| !one.starts_with("oci://"))
    {
        Some(("cosign signs charts in registries only", "use a `keyring` for a classic repository"))
    } else {
        None
    };
    if let Some((summary, hint)) = wrong {
        found.push(Diagnostic::error(summary).hint(hint).at(at()));
    }
}

fn validate_layers(config: &Object, found: &mut Diagnostics) {
    let mut names: Vec<&str> = Vec::new();
    for (index, layer) in config.blocks("layer").into_iter().enumerate() {
        let at = || Path::from("layer").index(index);
        let (no_file, no_values) = (layer.is_null("file"), layer.is_null("values"));
        let name = layer.string("name").unwrap_or_default();
        if no_file && no_values {
            found.push(
                Diagnostic::error(format!("layer {name:?} has no values"))
                    .hint("give it a `file`, or `values = { … }`")
                    .at(at()),
            );
        } else if !no_file && !no_values {
            found.push(
                Diagnostic::error(format!("layer {name:?} has both a file and values"))
                    .hint("make two layers of it, in the order in which they shall win")
                    .at(at().attribute("values")),
            );
        }
        if let Some(diagnostic) = wrong_values(layer, name) {
            found.push(diagnostic.at(at().attribute("values")));
        }
        let (no_repository, no_reference) = (layer.is_null("repository"), layer.is_null("ref"));
        if no_file && !no_values && !(no_repository && no_reference) {
            found.push(
                Diagnostic::error(format!("layer {name:?} has values and a repository"))
                    .hint("a repository holds files: give it a `file`, or leave `repository` and `ref` out")
                    .at(at().attribute(if no_repository { "ref" } else { "repository" })),
            );
        } else if no_repository && !no_reference {
            found.push(
                Diagnostic::error(format!("layer {name:?} has a ref but no repository"))
                    .hint("add `repository`, the name of a repository block of the provider")
                    .at(at().attribute("ref")),
            );
        }
        if names.contains(&name) && !layer.is_unknown("name") {
            found.push(
                Diagnostic::error(format!("two layers are named {name:?}"))
                    .hint("the plan shows a layer's name beside every value it decides, so names must be unique")
                    .at(at().attribute("name")),
            );
        }
        let taken =
            [("chart", "the chart's own defaults"), (SENSITIVE_VALUES, "the attribute above all layers")];
        if let Some((_, what)) = taken.iter().find(|(taken, _)| *taken == name) {
            found.push(
                Diagnostic::error(format!("a layer cannot be named {name:?}"))
                    .hint(format!("that is the name of {what}"))
                    .at(at().attribute("name")),
            );
        }
        names.push(name);
    }
}

/// Tells what is wrong with values given in place; what is unknown may become anything.
fn wrong_values(layer: &Object, name: &str) -> Option<Diagnostic> {
    let values = layer.get("values");
    if values.is_null() {
        return None;
    }
    if !values.is_unknown() && values.as_str().is_none() && !hcl::is_object(values) {
        return Some(
            Diagnostic::error(format!("the values of layer {name:?} are {}", kind_of(values)))
                .hint("values are an object, `{ key = value }`, or YAML text"),
        );
    }
    (layer.bool("sensitive") == Some(true)).then(|| {
        Diagnostic::warning(format!("the values of layer {name:?} are in Terraform's state"))
            .detail("What depends on them shows as a revision, but Terraform keeps every argument as it is written.")
            .hint("`sensitive_values` is never kept; or keep them in a file of their own")
    })
}

fn kind_of(value: &Value) -> &'static str {
    match value.undressed() {
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::List(_) | Value::Set(_) | Value::Tuple(_) => "a list",
        _ => "no object",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn layers_say_what_is_wrong_with_them() {
        let layer = |name: &str| Object::new().with("name", name);
        let check = |layers: Vec<Object>, expected: &[&str]| {
            let config = Object::new().with("layer", Value::list(layers));
            let found: Vec<String> = validate(&config).iter().map(|one| one.summary.clone()).collect();
            assert_eq!(found, expected);
        };
        check(vec![layer("a").with("file", "x.yaml"), layer("b").with("values", "a: 1")], &[]);
        check(vec![layer("a")], &["layer \"a\" has no values"]);
        check(vec![layer("a").with("values", Value::unknown())], &[]);
        check(
            vec![layer("a").with("file", "x").with("values", "y")],
            &["layer \"a\" has both a file and values"],
        );
        check(
            vec![layer("a").with("file", "x"), layer("a").with("file", "y")],
            &["two layers are named \"a\""],
        );
        check(vec![layer("a").with("file", "x").with("repository", "r").with("ref", "v1")], &[]);
        check(
            vec![
                layer("a").with("file", "x").with("ref", "v1"),
                layer("b").with("values", "").with("ref", "v1"),
            ],
            &["layer \"a\" has a ref but no repository", "layer \"b\" has values and a repository"],
        );
        check(vec![layer("chart").with("file", "x")], &["a layer cannot be named \"chart\""]);
    }

    #[test]
    fn a_chart_comes_from_one_place() {
        let check = |chart: Object, expected: &[&str]| {
            let found: Vec<String> =
                validate(&Object::new().with("chart", chart)).iter().map(|one| one.summary.clone()).collect();
            assert_eq!(found, expected);
        };
        let chart = Object::new;
        check(chart().with("path", "x"), &[]);
        check(chart().with("repository", "oci://a/b").with("name", "x"), &[]);
        check(chart().with("repository", Value::unknown()).with("name", Value::unknown()), &[]);
        check(chart(), &["chart says not where it is"]);
        check(chart().with("repository", "https://a"), &["chart has a repository but no name"]);
        let git = || chart().with("repository", "apps").with("path", "web");
        check(chart().with("git", git()), &[]);
        check(chart().with("git", git()).with("path", "x"), &["chart has a git block and another place too"]);
        check(chart().with("path", "x").with("version", "1"), &["chart has a path and a name or version"]);
        let verify = || Object::new().with("cosign_key", "x");
        check(chart().with("path", "x").with("verify", Object::new()), &["the verify block names no key"]);
        check(chart().with("git", git()).with("verify", verify()), &["a chart in git cannot be verified"]);
        let classic = chart().with("repository", "https://a").with("name", "x");
        check(classic.with("verify", verify()), &["cosign signs charts in registries only"]);
        check(chart().with("path", "x").with("repository", "y"), &["chart has both a path and a repository"]);
    }
}
