//! Import of what is in a cluster: a release that was delivered straight to it, from its inventory, or one that Helm
//! installed, from what Helm wrote down of it.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value as Json;
use tf_provider::schema::{Diagnostic, Diagnostics, Imported, Object};

use super::super::super::{Shared, cluster_delivery};
use super::super::objects::description::Keep;
use super::super::objects::predecessor::Predecessor;
use super::arguments::Arguments;
use super::desired::{Desired, desired};
use super::files::Found;
use super::import::{adopt, from_record};
use super::private::{Private, Seed};
use super::{attributes, in_cluster, inherit, schema};
use crate::delivery::cluster::inventory::Inventory;
use crate::delivery::cluster::{ApiServer, Patience, helm, observe};
use crate::manifest::mask::{Masker, ObjectMarks};
use crate::manifest::object::{self, ObjectId};
use crate::manifest::surface::{Desired as DesiredObject, Detail, surface};
use crate::release::helm_storage::{self, HelmRelease};
use crate::release::record;

/// Asking a cluster for an import may take this long.
const LONGEST: Duration = Duration::from_secs(120);

/// Names a release in a cluster: `CLUSTER/NAMESPACE/NAME`.
pub(super) struct Id<'a> {
    cluster: &'a str,
    namespace: &'a str,
    name: &'a str,
}

impl<'a> Id<'a> {
    /// Reads an id; none where it is of another form.
    pub(super) fn read(id: &'a str) -> Option<Self> {
        let parts: Vec<&str> = id.split('/').collect();
        match parts[..] {
            [cluster, namespace, name] if parts.iter().all(|part| !part.is_empty()) && !id.contains(':') => {
                Some(Id { cluster, namespace, name })
            }
            _ => None,
        }
    }

    fn title(&self) -> String {
        format!("{}/{} on {}", self.namespace, self.name, self.cluster)
    }
}

/// Finds a release in its cluster.
pub(super) async fn import(shared: &Arc<Shared>, id: &Id<'_>) -> Result<Imported, Diagnostics> {
    let server = cluster_delivery::known(shared, id.cluster)?;
    let patience = Patience::of_a_look(LONGEST);
    let parent = in_cluster::parent(&Arguments {
        namespace: id.namespace.to_owned(),
        name: id.name.to_owned(),
        ..Arguments::default()
    });
    let told = |error| Diagnostics::from(cluster_delivery::of_error(&error));
    if let Some(inventory) = observe::read_inventory(&server, &parent, patience).await.map_err(told)? {
        return of_inventory(shared, &server, id, &inventory).await;
    }
    let revision = helm::newest_revision(&server, id.namespace, id.name, patience).await.map_err(told)?;
    let Some(record) = revision else {
        return Err(Diagnostic::error(format!("there is no release {}", id.title()))
            .detail(format!(
                "Looked for ConfigMap {0}/{1}, which strata writes, and for Secrets and ConfigMaps {0}/sh.helm.release.v1.{2}.vN, which Helm writes.",
                id.namespace, parent.name, id.name
            ))
            .hint("write CLUSTER/NAMESPACE/NAME, the name of the provider's cluster block and the release's namespace and name there")
            .into());
    };
    of_helm(id, &record)
}

/// Takes back what was delivered straight to the cluster.
async fn of_inventory(
    shared: &Arc<Shared>,
    server: &Arc<ApiServer>,
    id: &Id<'_>,
    inventory: &Inventory,
) -> Result<Imported, Diagnostics> {
    let written = inventory.notes.get(in_cluster::RECORD).map(String::as_str).unwrap_or_default();
    let record = record::read(written.as_bytes()).map_err(|error| {
        Diagnostic::error(format!("the record of release {} cannot be read", id.title()))
            .detail(error.to_string())
    })?;
    // The cluster may have had another name in the configuration that delivered to it.
    let record = record::Record { cluster: id.cluster.to_owned(), ..record };
    let note = inventory.notes.get(in_cluster::DELIVERY).map(String::as_str).unwrap_or_default();
    let settings = cluster_delivery::Settings::block_of_note(note);
    let state = from_record(&record, Object::new().with("cluster", settings));
    let arguments = Arguments::read(&state);
    let mut keep = Private { seed: Some(Seed::draw()?), ..Private::default() };
    let parent = in_cluster::parent(&arguments);
    let seen = observe::observe(server, &parent, &BTreeSet::new(), Patience::of_a_look(LONGEST)).await;
    let seen = seen.map_err(|error| cluster_delivery::of_error(&error))?;
    keep.in_cluster.cluster_uid = seen.cluster_uid;
    let found = Found {
        objects: seen.objects.into_iter().map(|(id, live)| (id, with_plain_data(live))).collect(),
        ..Found::default()
    };
    // Chart and layers are usually there, and then the next plan is empty; without them it shows what they would change.
    let state = match kept(shared, &arguments, &mut keep, &found).await {
        Ok(desired) => attributes::with_computed(state, &arguments, &desired),
        Err(_) => state,
    };
    let waits = arguments.in_cluster.as_ref().is_none_or(|settings| settings.policy.wait);
    let mut imported = Imported::of(state.with("status", if waits { "ready" } else { "applied" }));
    imported.private = keep.write();
    Ok(imported)
}

/// Renders the release with what is in the cluster in the place of what the chart would draw anew.
async fn kept(
    shared: &Arc<Shared>,
    arguments: &Arguments,
    keep: &mut Private,
    found: &Found,
) -> Result<Desired, Diagnostics> {
    let anew = desired(shared, arguments, keep).await?;
    adopt(keep, &anew, found);
    let desired = desired(shared, arguments, keep).await?;
    keep.remember(&desired);
    Ok(desired)
}

/// Adds the form in which a chart may write a Secret, which the server does not keep.
fn with_plain_data(mut live: Json) -> Json {
    if object::is_secret(&live) {
        let data = live["data"].as_object().cloned().unwrap_or_default();
        for (name, value) in data {
            let plain = value.as_str().and_then(|text| String::from_utf8(STANDARD.decode(text).ok()?).ok());
            if let Some(plain) = plain {
                live["stringData"][name.as_str()] = Json::from(plain);
            }
        }
    }
    live
}

/// Takes over what Helm installed: nothing is written, the first apply does it.
fn of_helm(id: &Id<'_>, revision: &Json) -> Result<Imported, Diagnostics> {
    let (release, objects) = inherit::read_revision(id.cluster, id.namespace, id.name, revision)?;
    let record = release.to_record(id.cluster, schema::CRDS[0]);
    let mut state = from_record(&record, Object::new().with("cluster", Object::new()));
    let predecessor = Predecessor::HelmRelease {
        namespace: id.namespace.to_owned(),
        name: id.name.to_owned(),
        deployed: release.last_deployed(),
    };
    let mut keep =
        Private { seed: Some(Seed::draw()?), predecessor: Some(predecessor), ..Private::default() };
    show(&mut state, &mut keep, objects);
    state.set("status", "helm");
    let mut imported = Imported::of(state);
    imported.private = keep.write();
    imported.diagnostics.push(what_is_to_do(id, &release));
    Ok(imported)
}

/// Shows the objects as Helm made them, so that the next plan shows what differs.
pub(super) fn show(state: &mut Object, keep: &mut Private, objects: Vec<(ObjectId, Json)>) {
    let objects: Vec<DesiredObject> = objects
        .into_iter()
        .map(|(id, object)| DesiredObject { id, object, marks: ObjectMarks::default() })
        .collect();
    let mut masker = Masker::new(keep.seed.as_ref().map(|seed| &seed.mask_key[..]), &keep.revisions);
    let shown = surface(&objects, Detail::Full, &mut masker);
    keep.revisions.take_from(masker.finish());
    attributes::set_surface(state, &shown);
}

fn what_is_to_do(id: &Id<'_>, release: &HelmRelease) -> Diagnostic {
    let (chart, version) = release.chart();
    Diagnostic::warning(format!("release {} is Helm's until it is applied", id.title()))
        .detail(format!(
            "Imported from revision {} of chart {chart} {version}. Helm does not write down where the chart is fetched from. The apply takes \
             the objects over, deletes those that the release does not have any more, and what Helm wrote down, so that Helm no longer \
             lists it.",
            release.version
        ))
        .hint(format!(
            "write `chart {{ repository = … name = {chart:?} version = {version:?} }}` and `delivery {{ cluster {{}} }}`; \
             the values that were given to Helm are the layer {:?}",
            helm_storage::LAYER
        ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_has_three_parts_and_no_repository() {
        assert!(Id::read("one/shop/web").is_some_and(|id| id.title() == "shop/web on one"));
        for other in ["clusters:clusters/one/web", "one/shop", "one//web", "one/a/b/c", ""] {
            assert!(Id::read(other).is_none(), "{other}");
        }
    }
}
