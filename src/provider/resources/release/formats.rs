//! The forms in which git delivers a release: their blocks, and what they are told.

use std::collections::BTreeSet;

use tf_provider::schema::{
    Attribute, Block, Diagnostic, Diagnostics, NestedBlock, Object, Path, Type, Value,
};

use super::super::super::Shared;
use super::arguments::Arguments;
use crate::layers::stack::Stack;
use crate::manifest::surface::Desired as DesiredObject;
use crate::release::formats::{
    self, ApplicationOptions, ChartPlace, Format, FormatError, HelmReleaseOptions, Package,
};
use crate::release::record::FormatRecord;
use crate::release::{Definitions, Rendered};
use crate::source::charts::Found;

/// The names of the forms; those of all but the first are blocks too.
const NAMES: [&str; 3] = ["manifests", "helm_release", "argocd_application"];

/// Adds the argument that chooses a form, and the blocks of the forms.
pub(super) fn with_formats(git: Block) -> Block {
    git.attribute(
        "format",
        Attribute::optional(Type::String).default_value(NAMES[0]).one_of(NAMES).description(
            "What is committed: `manifests`, the rendered objects; `helm_release`, a HelmRelease of Flux with its chart's source; \
             `argocd_application`, an Application of Argo CD. The latter two have all values inline, and the plan shows them \
             as `delivered_objects` beside what the agent will render from them. Default: `manifests`.",
        ),
    )
    .block(NAMES[1], NestedBlock::single(helm_release()))
    .block(NAMES[2], NestedBlock::single(application()))
}

fn text(description: &str) -> Attribute {
    Attribute::optional(Type::String).description(description)
}

fn helm_release() -> Block {
    Block::new()
        .description("More about the HelmRelease, with `format = \"helm_release\"`.")
        .attribute("namespace", text("Namespace of the HelmRelease and its source. Default: the release's."))
        .attribute("interval", text("How often Flux looks at release and source. Default: `10m`."))
        .attribute("source_secret", text("Name of the Secret with the credentials for the chart's source, in the HelmRelease's namespace."))
        .attribute(
            "values_secret",
            text(
                "Name of a Secret in the HelmRelease's namespace that holds the values of sensitive layers and `sensitive_values` as \
                 `values.yaml`. They are then left out of the HelmRelease.",
            ),
        )
        .attribute("spec", text("More fields of the HelmRelease's `spec`, as YAML: `yamlencode({ dependsOn = […], timeout = \"5m\" })`."))
}

fn application() -> Block {
    Block::new()
        .description("More about the Application, with `format = \"argocd_application\"`.")
        .attribute("name", text("Name of the Application. Default: the release's."))
        .attribute("namespace", text("Namespace of the Application. Default: `argocd`."))
        .attribute("project", text("Project of the Application. Default: `default`."))
        .attribute("destination_name", text("Argo CD's name of the cluster. Default: the release's cluster."))
        .attribute("destination_server", text("Address of the cluster's API server, in the place of its name."))
        .attribute("spec", text("More fields of the Application's `spec`, as YAML: `yamlencode({ syncPolicy = { automated = { prune = true } } })`."))
}

/// Reads the form that a `git` block asks for.
pub(super) fn read(git: &Object) -> Format {
    let block = |name: &str| git.block(name).cloned().unwrap_or_default();
    match git.string("format") {
        Some("helm_release") => {
            let block = block(NAMES[1]);
            let text = |name: &str| block.string(name).map(str::to_owned);
            Format::HelmRelease(HelmReleaseOptions {
                namespace: text("namespace"),
                interval: text("interval"),
                source_secret: text("source_secret"),
                values_secret: text("values_secret"),
                spec: text("spec"),
            })
        }
        Some("argocd_application") => {
            let block = block(NAMES[2]);
            let text = |name: &str| block.string(name).map(str::to_owned);
            Format::ArgocdApplication(ApplicationOptions {
                name: text("name"),
                namespace: text("namespace"),
                project: text("project"),
                destination_name: text("destination_name"),
                destination_server: text("destination_server"),
                spec: text("spec"),
            })
        }
        _ => Format::Manifests,
    }
}

/// Adds the form to a `git` block of an imported release.
pub(super) fn to_block(git: Object, format: &FormatRecord) -> Object {
    let text = |value: &Option<String>| value.as_deref().map_or(Value::Null, Value::from);
    // A block without arguments and no block at all cannot be told apart; most have none.
    let unless_empty = |block: Object| {
        if block.iter().all(|(_, value)| value.is_null()) { Value::Null } else { Value::from(block) }
    };
    let helm_release = format.helm_release.as_ref().map(|options| {
        let block = Object::new()
            .with("namespace", text(&options.namespace))
            .with("interval", text(&options.interval))
            .with("source_secret", text(&options.source_secret))
            .with("values_secret", text(&options.values_secret))
            .with("spec", text(&options.spec));
        unless_empty(block)
    });
    let application = format.argocd_application.as_ref().map(|options| {
        let block = Object::new()
            .with("name", text(&options.name))
            .with("namespace", text(&options.namespace))
            .with("project", text(&options.project))
            .with("destination_name", text(&options.destination_name))
            .with("destination_server", text(&options.destination_server))
            .with("spec", text(&options.spec));
        unless_empty(block)
    });
    let name = match (&helm_release, &application) {
        (Some(_), _) => NAMES[1],
        (_, Some(_)) => NAMES[2],
        _ => NAMES[0],
    };
    git.with("format", name)
        .with(NAMES[1], helm_release.unwrap_or(Value::Null))
        .with(NAMES[2], application.unwrap_or(Value::Null))
}

/// Checks that blocks of forms stand with the form.
pub(super) fn validate(config: &Object, found: &mut Diagnostics) {
    let Some(git) = config.block("delivery").and_then(|delivery| delivery.block("git")) else { return };
    if git.is_unknown("format") {
        return;
    }
    let chosen = git.string("format").unwrap_or(NAMES[0]);
    for name in &NAMES[1..] {
        if *name != chosen && git.block(name).is_some() {
            found.push(
                Diagnostic::error(format!("the block {name} says more about another form than {chosen:?}"))
                    .hint(format!("set `format = {name:?}`, or leave the block out"))
                    .at(at(name)),
            );
        }
    }
    let argocd = git.block(NAMES[2]);
    if argocd.is_some_and(|block| !block.is_null("destination_name") && !block.is_null("destination_server"))
    {
        found.push(
            Diagnostic::error("the Application has two destinations")
                .hint("keep the name or the address of the cluster")
                .at(at(NAMES[2]).attribute("destination_server")),
        );
    }
}

fn at(name: &str) -> Path {
    Path::from("delivery").attribute("git").attribute(name)
}

/// What is delivered in the place of rendered objects.
#[derive(Debug, Default)]
pub(super) struct Delivered {
    /// The objects; none where the rendered ones are delivered.
    pub(super) objects: Option<Vec<DesiredObject>>,
    /// Whether values of sensitive layers are in them.
    pub(super) holds_sensitive_values: bool,
    /// What the user should know.
    pub(super) warning: Option<Diagnostic>,
}

impl Delivered {
    /// Returns the keys of the objects that hold values of sensitive layers; none where rendered objects are delivered.
    pub(super) fn holding_secrets(&self) -> Option<BTreeSet<String>> {
        let objects = self.objects.as_ref()?;
        let holding = objects.iter().filter(|one| self.holds_sensitive_values && !one.marks.at.is_empty());
        Some(holding.map(|one| one.id.key()).collect())
    }
}

/// Gives what is delivered in the place of rendered objects.
///
/// # Errors
/// With what the form has no place for.
pub(super) fn delivered(
    shared: &Shared,
    arguments: &Arguments,
    chart: &Found,
    layers: &Stack,
    definitions: Definitions,
    rendered: &Rendered,
) -> Result<Delivered, Diagnostics> {
    let format = match &arguments.delivery {
        Some(git) if git.format != Format::Manifests => &git.format,
        _ => return Ok(Delivered::default()),
    };
    let place = chart_place(shared, arguments, chart)?;
    let package = Package {
        name: &arguments.name,
        namespace: &arguments.namespace,
        cluster: &arguments.cluster,
        chart: &place,
        layers,
        definitions,
        includes_hooks: arguments.includes_hooks,
        patches: &arguments.patches,
    };
    let objects = formats::objects(format, &package, |path| rendered.secret_values.contains(path))
        .map_err(|error| told(arguments, format, &error))?;
    Ok(Delivered {
        objects,
        holds_sensitive_values: formats::holds_sensitive_values(format, layers),
        warning: follows_a_branch(arguments, &place),
    })
}

fn chart_place(shared: &Shared, arguments: &Arguments, chart: &Found) -> Result<ChartPlace, Diagnostics> {
    let of = &arguments.chart;
    if let Some(git) = &of.git {
        let repository =
            shared.configuration()?.repository(&git.repository).map_err(|one| one.at("chart"))?;
        let url = repository.remote.as_ref().map(|remote| remote.url().to_owned()).unwrap_or_default();
        let reference = git.reference.clone().unwrap_or_default();
        return Ok(ChartPlace::Git { url, reference, path: git.path.clone() });
    }
    Ok(match &of.repository {
        Some(address) => ChartPlace::Repository {
            address: address.clone(),
            name: of.name.clone().unwrap_or_default(),
            version: chart.chart.metadata().version.clone(),
        },
        None => ChartPlace::Local { path: of.path.clone().unwrap_or_default() },
    })
}

/// Warns where the agent will render what no plan has shown.
fn follows_a_branch(arguments: &Arguments, place: &ChartPlace) -> Option<Diagnostic> {
    let ChartPlace::Git { url, reference, .. } = place else { return None };
    let branch = reference.strip_prefix("refs/heads/")?;
    Some(
        Diagnostic::warning(format!(
            "the chart of release {} follows branch {branch:?} of {url}",
            arguments.title()
        ))
        .detail("The agent renders every commit there as it comes; a plan shows the branch as it is now.")
        .hint("name a tag or a commit, and what runs is what was planned")
        .at(Path::from("chart").attribute("git").attribute("ref")),
    )
}

fn told(arguments: &Arguments, format: &Format, error: &FormatError) -> Diagnostic {
    let place = match error {
        FormatError::LocalChart { .. } => Path::from("chart").attribute("path"),
        FormatError::VagueReference { .. } => Path::from("chart").attribute("git").attribute("ref"),
        FormatError::NotExpressible { argument, .. } => Path::from(*argument),
        FormatError::Patch { index, .. } => Path::from("patch").index(*index),
        _ => {
            let block = if matches!(format, Format::HelmRelease(_)) { NAMES[1] } else { NAMES[2] };
            at(block).attribute("spec")
        }
    };
    Diagnostic::error(format!("release {}: {error}", arguments.title())).hint(error.hint()).at(place)
}

/// Writes the form down beside what is delivered.
pub(super) fn to_record(format: &Format) -> FormatRecord {
    match format.clone() {
        Format::Manifests => FormatRecord::default(),
        Format::HelmRelease(options) => {
            FormatRecord { helm_release: Some(options), ..FormatRecord::default() }
        }
        Format::ArgocdApplication(options) => {
            FormatRecord { argocd_application: Some(options), ..FormatRecord::default() }
        }
    }
}
