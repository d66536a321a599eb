//! Import: from the files in a repository to a state whose next plan is empty.

use std::sync::Arc;
use std::time::Duration;

use tf_provider::schema::{Diagnostic, Diagnostics, Imported, Number, Object, Value};

use super::super::super::{Shared, patches};
use super::super::objects::description::Keep;
use super::super::objects::git::GitPlace;
use super::super::objects::shown;
use super::arguments::{Arguments, GitDelivery};
use super::desired::{Desired, desired};
use super::files::Found;
use super::private::{Private, Seed};
use super::{attributes, files, formats, import_cluster};
use crate::manifest;
use crate::release::formats::Format;
use crate::release::record::{self, GitChartRecord, LayerRecord, Record, VerifyRecord};

/// Reading a repository for an import may take this long.
const LONGEST: Duration = Duration::from_secs(300);

/// Finds the release that owns the folder PATH of the provider's repository REPOSITORY, by the id `REPOSITORY:PATH`.
pub(super) async fn import(shared: &Arc<Shared>, id: &str) -> Result<Imported, Diagnostics> {
    if let Some(id) = import_cluster::Id::read(id) {
        return import_cluster::import(shared, &id).await;
    }
    let (repository, path) = id
        .split_once(':')
        .filter(|(repository, path)| !repository.is_empty() && !path.is_empty())
        .ok_or_else(|| {
            Diagnostic::error(format!("{id:?} is no import id of a release")).hint(
                "write REPOSITORY:PATH, the name of the provider's repository and the release's folder in it, or \
                 CLUSTER/NAMESPACE/NAME for a release that is in its cluster",
            )
        })?;
    let delivery = GitDelivery {
        repository: repository.to_owned(),
        path: path.trim_end_matches('/').to_owned(),
        plain_secrets: false,
        format: Format::default(),
    };
    let wanted = Arguments { delivery: Some(delivery.clone()), ..Arguments::default() };
    let place = match wanted.folder() {
        Some(folder) => GitPlace::open(shared, folder, id.to_owned())?,
        None => None,
    };
    let place = place.ok_or_else(|| {
        Diagnostic::error(format!("the address of repository {repository:?} is not known yet"))
    })?;
    let (found, record) = files::read_back(&place, LONGEST).await.map_err(|error| {
        Diagnostic::error(format!("{id} cannot be read"))
            .detail(error.to_string())
            .hint("check the repository's address, branch and credentials")
    })?;
    let record = record.ok_or_else(|| {
        Diagnostic::error(format!("there is no release in {path:?} of repository {repository:?}"))
            .detail("The folder has no record of a release.")
            .hint("check the path; what strata did not deliver is taken over by applying to another path")
    })?;
    let record = record::read(&record).map_err(|error| {
        Diagnostic::error(format!("the record of the release in {path:?} cannot be read"))
            .detail(error.to_string())
    })?;
    let mut keep = Private { seed: Some(Seed::draw()?), ..Private::default() };
    let state = from_record(&record, in_git(&record, &delivery)).with("status", "delivered");
    let arguments = Arguments::read(&state);
    // Chart and layers are usually there, and then the next plan is empty; without them it shows what they would change.
    let state = match desired(shared, &arguments, &keep).await {
        Ok(desired) => {
            adopt(&mut keep, &desired, &found);
            attributes::with_computed(state, &arguments, &desired)
        }
        Err(_) => state,
    };
    let state = attributes::with_found(state, &arguments, &found, &mut keep);
    let mut imported = Imported::of(state);
    imported.private = keep.write();
    Ok(imported)
}

/// Keeps what is at the target in the place of what the chart would draw anew.
pub(super) fn adopt(keep: &mut Private, desired: &Desired, found: &Found) {
    keep.remember_marks(desired);
    for one in &desired.objects {
        let key = one.id.key();
        let Some(places) = keep.generated.get(&key) else { continue };
        let Some((_, there)) = found.objects.iter().find(|(id, _)| *id == one.id) else { continue };
        let path = |place: &String| manifest::path_of(&one.object, place);
        let values = places.iter().filter_map(|place| Some((path(place), there.pointer(place)?.clone())));
        keep.adopted.insert(key, values.collect());
    }
}

/// Writes the delivery block of a release in git.
fn in_git(record: &Record, delivery: &GitDelivery) -> Object {
    let git =
        Object::new().with("repository", delivery.repository.as_str()).with("path", delivery.path.as_str());
    Object::new().with("git", formats::to_block(git, &record.format))
}

/// Writes the arguments that a record holds.
pub(super) fn from_record(record: &Record, delivery: Object) -> Object {
    let text = |value: &Option<String>| value.as_deref().map_or(Value::Null, Value::from);
    let layer = |layer: &LayerRecord| {
        Object::new()
            .with("name", layer.name.as_str())
            .with("file", text(&layer.file))
            .with("values", layer.values.as_ref().map_or(Value::Null, written))
            .with("optional", layer.optional.map_or(Value::Null, Value::from))
            .with("sensitive", layer.sensitive.map_or(Value::Null, Value::from))
            .with("late", layer.late.map_or(Value::Null, Value::from))
            .with("repository", text(&layer.repository))
            .with("ref", text(&layer.reference))
    };
    let chart = Object::new()
        .with("path", text(&record.chart.path))
        .with("repository", text(&record.chart.repository))
        .with("name", text(&record.chart.name))
        .with("version", text(&record.chart.version))
        .with("git", record.chart.git.as_ref().map_or(Value::Null, |git| chart_git(git).into()))
        .with("verify", record.chart.verify.as_ref().map_or(Value::Null, |one| chart_verify(one).into()));
    let api_versions = if record.api_versions.is_empty() {
        Value::Null
    } else {
        Value::list(record.api_versions.iter().map(String::as_str))
    };
    Object::new()
        .with("name", record.name.as_str())
        .with("namespace", record.namespace.as_str())
        .with("cluster", record.cluster.as_str())
        .with("chart", chart)
        .with("layout", text(&record.layout))
        .with(
            "captures",
            if record.captures.is_empty() { Value::Null } else { shown::texts(&record.captures) },
        )
        .with("layer", Value::list(record.layers.iter().map(layer)))
        .with("kube_version", text(&record.kube_version))
        .with("api_versions", api_versions)
        .with("crds", record.crds.as_str())
        .with("hooks", record.hooks.as_str())
        .with("patch", patches::to_blocks(&record.patches))
        .with("plan_detail", "full")
        .with("delivery", delivery)
}

/// Returns values as HCL writes them: objects and tuples.
fn written(values: &serde_json::Value) -> Value {
    match values {
        serde_json::Value::Null => Value::Null,
        serde_json::Value::Bool(truth) => Value::from(*truth),
        serde_json::Value::Number(number) => {
            number.to_string().parse::<Number>().map_or(Value::Null, Value::Number)
        }
        serde_json::Value::String(text) => Value::from(text.as_str()),
        serde_json::Value::Array(items) => Value::Tuple(items.iter().map(written).collect()),
        serde_json::Value::Object(map) => {
            Value::Object(map.iter().map(|(key, value)| (key.clone(), written(value))).collect())
        }
    }
}

fn chart_git(git: &GitChartRecord) -> Object {
    Object::new()
        .with("repository", git.repository.as_str())
        .with("ref", git.reference.as_deref().map_or(Value::Null, Value::from))
        .with("path", git.path.as_str())
}

fn chart_verify(verify: &VerifyRecord) -> Object {
    let text = |value: &Option<String>| value.as_deref().map_or(Value::Null, Value::from);
    Object::new()
        .with("keyring", text(&verify.keyring))
        .with("keyring_file", text(&verify.keyring_file))
        .with("cosign_key", text(&verify.cosign_key))
}

impl Arguments {
    /// Returns what is written down beside the delivered objects.
    pub(super) fn to_record(&self) -> Record {
        Record {
            name: self.name.clone(),
            namespace: self.namespace.clone(),
            cluster: self.cluster.clone(),
            chart: self.chart.clone(),
            layout: self.layout.clone(),
            captures: self.captures.clone(),
            layers: self.layers.iter().map(super::arguments::Layer::to_record).collect(),
            kube_version: self.kube_version.clone(),
            api_versions: self.api_versions.clone(),
            crds: self.crds.clone(),
            hooks: match (self.includes_hooks, self.runs_hooks) {
                (true, _) => "include",
                (_, true) => "run",
                _ => "skip",
            }
            .to_owned(),
            patches: self.patches.clone(),
            format: self.delivery.as_ref().map(|git| formats::to_record(&git.format)).unwrap_or_default(),
        }
    }
}
