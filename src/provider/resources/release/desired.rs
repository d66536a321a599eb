//! From a decoded block to objects and what a plan shows of them: reads the files, renders, hides.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use tf_provider::schema::{Diagnostic, Diagnostics, Object, Path};

use super::super::super::{Shared, diagnostics, patches};
use super::arguments::{Arguments, Lint};
use super::formats::{self, Delivered};
use super::ingredients::{self, Ingredients};
use super::private::{Private, Seed};
use crate::delivery::cluster::Sources;
use crate::layers::provenance::{self, Decision};
use crate::layers::stack::Stack;
use crate::manifest;
use crate::manifest::mask::{Mark, Masker, Reason, Revisions};
use crate::manifest::surface::{Desired as DesiredObject, Detail, Surface, surface};
use crate::release::formats::Format;
use crate::release::hooks::HookObject;
use crate::release::record::VerifyRecord;
use crate::release::{self, Draw, Release, ReleaseError, Rendered, Unknown};
use crate::source;
use crate::source::charts::{Found, Origin, Verify};

/// What a release shall be.
#[derive(Debug, Default)]
pub(super) struct Desired {
    /// The objects.
    pub(super) objects: Vec<DesiredObject>,
    /// What runs before and after them.
    pub(super) hooks: Vec<HookObject>,
    /// What the plan shows of them.
    pub(super) surface: Surface,
    /// Key → `VALUE (LAYER)`; none where the value is not known yet.
    pub(super) values: BTreeMap<String, Option<String>>,
    /// Whether it is not known yet which keys there are.
    pub(super) unknown_keys: bool,
    /// Name and versions of the chart.
    pub(super) chart: BTreeMap<String, String>,
    /// Which revision of every hidden value is shown.
    pub(super) revisions: Revisions,
    /// What is not known before apply.
    pub(super) unknown: Unknown,
    /// What is delivered in the place of the objects; none where they are.
    pub(super) delivered: Option<Vec<DesiredObject>>,
    /// What the plan shows of that.
    pub(super) delivered_surface: Surface,
    /// What the plan shows of the hooks.
    pub(super) hooks_surface: Surface,
    /// The keys of delivered objects that hold values of sensitive layers.
    pub(super) holding_secrets: BTreeSet<String>,
    /// Whether chance decides which objects there are, and is not drawn yet.
    pub(super) objects_by_chance: bool,
    /// What the user should know.
    pub(super) warnings: Diagnostics,
    /// Where fields come from, for what a cluster refuses.
    pub(super) sources: Sources,
}

/// Reads chart and layers and renders them.
///
/// # Errors
/// With one diagnostic for everything that is wrong, each at its place in the configuration.
pub(super) async fn desired(
    shared: &Arc<Shared>,
    arguments: &Arguments,
    keep: &Private,
) -> Result<Desired, Diagnostics> {
    let (shared, arguments, keep) = (Arc::clone(shared), arguments.clone(), keep.clone());
    // Fetching takes no processor, so it waits for none.
    let chart = {
        let (shared, origin) = (Arc::clone(&shared), origin(&shared, &arguments)?);
        tokio::task::spawn_blocking(move || shared.chart(&origin)).await
    };
    let chart =
        chart.unwrap_or_else(|_| Err(Diagnostic::error("fetching the chart stopped unexpectedly")))?;
    let permit = shared.rendering().await;
    let work = tokio::task::spawn_blocking(move || {
        let _permit = permit;
        compute(&shared, &arguments, &chart, &keep)
    });
    work.await.unwrap_or_else(|_| Err(Diagnostic::error("rendering stopped unexpectedly").into()))
}

/// Lists what rendering needs to know of the cluster and is not known yet.
pub(super) fn waits_for(shared: &Shared, arguments: &Arguments) -> Result<Vec<String>, Diagnostics> {
    let Ok(cluster) = shared.configuration()?.cluster(&arguments.cluster) else { return Ok(Vec::new()) };
    let is_needed = |name: &str| match name {
        "kube_version" => arguments.kube_version.is_none(),
        "labels" => arguments.layout.is_some(),
        _ => true,
    };
    let needed = cluster.unknown.iter().filter(|name| is_needed(name));
    Ok(needed.map(|name| format!("`{name}` of cluster {:?}", arguments.cluster)).collect())
}

/// Returns where the chart is.
///
/// # Errors
/// Before the provider is configured.
pub(super) fn origin(shared: &Shared, arguments: &Arguments) -> Result<Origin, Diagnostics> {
    let chart = arguments.chart.clone();
    if let Some(git) = chart.git {
        let reference = git.reference.unwrap_or_default();
        shared.configuration()?.repository(&git.repository).map_err(|one| one.at("chart"))?;
        return Ok(Origin::Git { repository: git.repository, reference, path: git.path });
    }
    let origin = match chart.repository {
        Some(repository) => Origin::Repository {
            repository,
            name: chart.name.unwrap_or_default(),
            version: chart.version.unwrap_or_default(),
        },
        None => Origin::Path(shared.configuration()?.resolve(&chart.path.unwrap_or_default())),
    };
    Ok(match chart.verify {
        Some(written) => Origin::Verified(Box::new(origin), verify(shared, &written)?),
        None => origin,
    })
}

/// Reads the keys that must have signed the chart.
fn verify(shared: &Shared, written: &VerifyRecord) -> Result<Verify, Diagnostics> {
    let at = || Path::from("chart").attribute("verify").attribute("keyring_file");
    let keyring = match (&written.keyring, &written.keyring_file) {
        (Some(text), _) => Some(text.clone().into_bytes()),
        (None, Some(path)) => {
            let content = source::file::read(&shared.configuration()?.resolve(path));
            Some(content.map_err(|error| diagnostics::of_source(&error).at(at()))?)
        }
        (None, None) => None,
    };
    Ok(Verify { keyring, cosign_key: written.cosign_key.clone() })
}

fn compute(
    shared: &Arc<Shared>,
    arguments: &Arguments,
    chart: &Found,
    keep: &Private,
) -> Result<Desired, Diagnostics> {
    let ingredients = Ingredients::read(shared, arguments, chart.clone())?;
    let (release, layers) = (ingredients.release(arguments), &ingredients.layers);
    let draw = keep.seed.as_ref().map(Seed::draw_from);
    let mut rendered = release::render(&release, draw)
        .map_err(|error| failed(arguments, &release::without_secrets(&release, error)))?;
    keep_adopted(&mut rendered, keep);
    let mut delivered = formats::delivered(shared, arguments, chart, layers, release.definitions, &rendered)?;
    let warning = delivered.warning.take();
    let mut desired = present(arguments, chart, layers, rendered, delivered, keep);
    if arguments.in_cluster.is_some() {
        desired.sources = ingredients::sources(shared, arguments, keep);
    }
    desired.warnings.extend(warning);
    desired.warnings.extend(lint(arguments, &release)?);
    Ok(desired)
}

/// Looks for what is wrong in the layers, where the release asks for it.
///
/// # Errors
/// With what was found, where the release wants that to be an error.
fn lint(arguments: &Arguments, release: &Release<'_>) -> Result<Option<Diagnostic>, Diagnostics> {
    if arguments.lint == Lint::Off {
        return Ok(None);
    }
    let findings = release::lint::lint(release).map_err(|error| failed(arguments, &error))?;
    if findings.is_empty() {
        return Ok(None);
    }
    let summary =
        format!("release {}: {} values of its layers look wrong", arguments.title(), findings.len());
    let detail: Vec<String> = findings.iter().map(ToString::to_string).collect();
    let told = |diagnostic: Diagnostic| diagnostic.detail(detail.join("\n")).at("lint");
    match arguments.lint {
        Lint::Error => Err(told(Diagnostic::error(summary)).into()),
        _ => Ok(Some(told(Diagnostic::warning(summary)))),
    }
}

fn failed(arguments: &Arguments, error: &ReleaseError) -> Diagnostic {
    if let ReleaseError::Patch(failure) = error {
        return patches::told(failure);
    }
    Diagnostic::error(format!("release {}: {error}", arguments.title()))
        .detail(error.detail())
        .hint(error.hint())
}

/// Returns what a plan shows of the chart.
fn chart_metadata(found: &Found) -> BTreeMap<String, String> {
    let mut shown = release::chart_metadata(&found.chart);
    shown.extend(found.digest.clone().map(|digest| ("digest".to_owned(), digest)));
    shown
}

/// Puts the values that were at the target at import in the place of what the chart drew now.
fn keep_adopted(rendered: &mut Rendered, keep: &Private) {
    for desired in &mut rendered.objects {
        let Some(adopted) = keep.adopted.get(&desired.id.key()) else { continue };
        let kept = |place: &String| adopted.get(&manifest::path_of(&desired.object, place)).cloned();
        let generated = desired.marks.at.iter().filter(|(_, mark)| **mark == Mark::Hidden(Reason::Generated));
        let places: Vec<_> = generated.filter_map(|(place, _)| Some((place, kept(place)?))).collect();
        for (place, value) in places {
            if let Some(drawn) = desired.object.pointer_mut(place) {
                *drawn = value;
            }
        }
    }
}

fn present(
    arguments: &Arguments,
    chart: &Found,
    layers: &Stack,
    rendered: Rendered,
    delivered: Delivered,
    keep: &Private,
) -> Desired {
    let pin = arguments.sensitive_values_version.clone().unwrap_or_default();
    let mut masker =
        Masker::new(keep.seed.as_ref().map(|seed| &seed.mask_key[..]), &keep.revisions).pinned(&pin);
    let detail = if arguments.full_detail { Detail::Full } else { Detail::Summary };
    let delivered_surface = surface(delivered.objects.as_deref().unwrap_or_default(), detail, &mut masker);
    let hooks_surface = surface(&shown_hooks(&rendered.hooks), detail, &mut masker);
    let surface = surface(&rendered.objects, detail, &mut masker);
    let values = provenance::shown(
        layers,
        |path| rendered.secret_values.contains(path),
        |layer, path, value| match layer.pin {
            Some(_) => masker.shown_pinned(path),
            None => masker.shown(path, Reason::Sensitive, value),
        },
    );
    let decisions = provenance::decisions(layers);
    let mut unknown = rendered.unknown.clone();
    unknown.settle(&rendered.objects, |place| keep.revisions.knows(place));
    Desired {
        warnings: warnings(arguments, &rendered, &unknown),
        sources: Sources::default(),
        unknown_keys: decisions.iter().any(Decision::has_unknown_shape),
        unknown,
        holding_secrets: delivered.holding_secrets().unwrap_or(rendered.holding_secrets),
        delivered: delivered.objects,
        delivered_surface,
        objects_by_chance: rendered.objects_by_chance && keep.seed.is_none(),
        objects: rendered.objects,
        hooks: rendered.hooks,
        hooks_surface,
        surface,
        values,
        chart: chart_metadata(chart),
        revisions: masker.finish(),
    }
}

/// Gives the hooks of which a plan can tell what the apply will run.
fn shown_hooks(hooks: &[HookObject]) -> Vec<DesiredObject> {
    let is_open = |mark: &Mark| matches!(mark, Mark::Late | Mark::Unknown);
    let known =
        hooks.iter().filter(|hook| !hook.is_named_by_chance && !hook.desired.marks.at.values().any(is_open));
    known.map(|hook| hook.desired.clone()).collect()
}

fn warnings(arguments: &Arguments, rendered: &Rendered, unknown: &Unknown) -> Diagnostics {
    let mut found = Diagnostics::new();
    found.extend(waiting(arguments, unknown));
    let delivers_objects = arguments.in_cluster.is_some()
        || arguments.delivery.as_ref().is_some_and(|git| git.format == Format::Manifests);
    if !rendered.skipped_hooks.is_empty() && delivers_objects {
        found.push(
            Diagnostic::warning(format!(
                "release {} leaves out {} hooks of its chart",
                arguments.title(),
                rendered.skipped_hooks.len()
            ))
            .detail(format!("They are {}.", rendered.skipped_hooks.join(", ")))
            .hint(
                "hooks = \"include\" delivers them as ordinary objects, and \"run\" runs those of an installation, upgrade or deletion where \
                 the release goes straight to its cluster",
            ),
        );
    }
    found
}

/// Says what waits for apply beside single fields, and why.
fn waiting(arguments: &Arguments, unknown: &Unknown) -> Option<Diagnostic> {
    const HINT: &str = "give the chart a value of its own that decides and is known at plan, such as `enabled = true`, or a \
                        text whose beginning is known, such as \"https://${…}\"";
    if let Some(cause) = &unknown.set {
        return Some(
            Diagnostic::warning(format!(
                "the objects of release {} are not known before apply",
                arguments.title()
            ))
            .detail(format!("A value that is not known yet decides which there are: {cause}."))
            .hint(HINT)
            .at("layer"),
        );
    }
    if unknown.objects.is_empty() {
        return None;
    }
    let objects = unknown.objects.iter().map(|(key, cause)| format!("{key}: {cause}"));
    let summary = format!(
        "{} objects of release {} are not known before apply",
        unknown.objects.len(),
        arguments.title()
    );
    let detail = "More than single fields of them depends on values that are not known yet.";
    let detail = format!("{detail}\n{}", objects.collect::<Vec<_>>().join("\n"));
    Some(Diagnostic::warning(summary).detail(detail).hint(HINT).at("layer"))
}

impl Seed {
    /// Makes a seed from the system's source of chance and its clock.
    ///
    /// # Errors
    /// When the system has no source of chance.
    pub(super) fn draw() -> Result<Seed, Diagnostics> {
        let mut bytes = [0; 64];
        getrandom::fill(&mut bytes).map_err(|error| {
            Diagnostic::error("the system gives no random numbers").detail(error.to_string())
        })?;
        let (mut random, mut mask_key) = ([0; 32], [0; 32]);
        random.copy_from_slice(&bytes[..32]);
        mask_key.copy_from_slice(&bytes[32..]);
        let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
        Ok(Seed { random, now_unix_nanoseconds: i64::try_from(now.as_nanos()).unwrap_or_default(), mask_key })
    }

    /// Returns the part that the engine draws from.
    pub(super) fn draw_from(&self) -> Draw {
        Draw { seed: self.random, now_unix_nanoseconds: self.now_unix_nanoseconds }
    }
}

impl Private {
    /// Keeps what the next plan needs of what was delivered now.
    pub(super) fn remember(&mut self, desired: &Desired) {
        self.revisions = desired.revisions.clone();
        self.remember_marks(desired);
    }
}

impl Desired {
    /// Returns the objects that are delivered.
    pub(super) fn shipped(&self) -> &[DesiredObject] {
        self.delivered.as_ref().unwrap_or(&self.objects)
    }

    /// Holds the chart against the one that was planned.
    ///
    /// # Errors
    /// When it is another one: its place has published a newer version since, or changed this one.
    pub(super) fn expect_planned_chart(&self, planned: &Object) -> Result<(), Diagnostics> {
        let before = planned.string_map("chart_metadata");
        let Some(before) = before.get("digest") else { return Ok(()) };
        let now = self.chart.get("digest").map_or("none", String::as_str);
        if *before == now {
            return Ok(());
        }
        Err(Diagnostic::error("the chart is another one than at plan")
            .detail(format!(
                "Planned was {before}; its place now gives version {} with {now}.",
                self.chart.get("version").map_or("", String::as_str)
            ))
            .hint("plan again, and say an exact version where that must not happen")
            .at("chart")
            .into())
    }
}
