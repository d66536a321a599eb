//! What a plan takes away from the place that objects are delivered to, and whether somebody allowed it.
//!
//! Deleting a Namespace, a CustomResourceDefinition or a claim takes other objects or data along, which no other delivery
//! of the same files brings back. Both states are compared by what the plan shows of them.

use std::collections::BTreeMap;

use serde_json::Value as Json;
use tf_provider::schema::{Diagnostic, Diagnostics, Object, Value};

use super::super::super::guard::Footprint;
use super::super::super::{Shared, cluster_delivery};
use crate::delivery::cluster::losses::{self, Losses};
use crate::manifest::change_set::{Change, ChangeSet, Snapshot, kind_of};
use crate::manifest::display::{DisplayForm, Field};
use crate::manifest::object::ObjectId;

/// Whose objects are looked at.
pub(in super::super) struct Holder {
    /// Names the resource for people: `release shop/web on prod-eu`.
    pub(in super::super) title: String,
    /// The cluster's name.
    pub(in super::super) cluster: String,
    /// Kinds or keys of objects that take others along and may be deleted all the same.
    pub(in super::super) allow_deletion_of: Vec<String>,
}

/// Checks what goes when the objects in the state become the planned ones; `planned` is none where they are destroyed.
///
/// # Errors
/// When something goes that its holder or the provider's guard does not let go.
pub(in super::super) async fn check(
    shared: &Shared,
    holder: &Holder,
    prior: Option<&Object>,
    planned: Option<&Object>,
) -> Result<(), Diagnostics> {
    let changes = ChangeSet::between(&delivered(prior), &delivered(planned));
    let refused: Vec<&str> = changes.losses().filter(|key| !allows(holder, key)).collect();
    if !refused.is_empty() {
        let losses = losses(shared, holder, &refused).await;
        return Err(refusal(holder, &refused, &losses).into());
    }
    let footprint = Footprint {
        cluster: holder.cluster.clone(),
        deleted: changes.gone().map(str::to_owned).collect(),
        changed: changes.changes.values().any(|change| *change != Change::Unchanged),
    };
    shared.configuration()?.guard().admit(shared.ledger(), &holder.title, footprint)
}

fn allows(holder: &Holder, key: &str) -> bool {
    holder.allow_deletion_of.iter().any(|allowed| allowed == key || allowed == kind_of(key))
}

/// Counts what goes along with each object, as far as the cluster can be asked.
async fn losses(shared: &Shared, holder: &Holder, refused: &[&str]) -> Vec<Losses> {
    let mut found = Vec::new();
    let Ok(Some(server)) = cluster_delivery::server(shared, &holder.cluster) else { return found };
    for key in refused {
        let Some(id) = ObjectId::parse(key) else { break };
        // Who does not answer once is not asked for the rest.
        let Ok(losses) = losses::losses(&server, &id).await else { break };
        found.push(losses);
    }
    found
}

fn with_losses(key: &str, losses: Option<&Losses>) -> String {
    /// Kinds that a line names.
    const MOST: usize = 6;
    let Some(losses) = losses.filter(|losses| !losses.is_empty()) else { return format!("  {key}") };
    let mut kinds: Vec<(&String, &u64)> = losses.iter().collect();
    kinds.sort_by_key(|(kind, count)| (std::cmp::Reverse(**count), *kind));
    if let [(kind, count)] = kinds[..] {
        return match count {
            0 => format!("  {key}, and no {kind} with it"),
            1 => format!("  {key}, and 1 {kind} with it"),
            many => format!("  {key}, and {many} {kind} objects with it"),
        };
    }
    let named: Vec<String> = kinds.iter().take(MOST).map(|(kind, count)| format!("{count} {kind}")).collect();
    let all: u64 = losses.values().sum();
    let more = if kinds.len() > MOST { ", …" } else { "" };
    format!("  {key}, and {all} objects with it: {}{more}", named.join(", "))
}

fn refusal(holder: &Holder, refused: &[&str], losses: &[Losses]) -> Diagnostic {
    let mut kinds: Vec<String> = refused.iter().map(|key| format!("{:?}", kind_of(key))).collect();
    kinds.sort_unstable();
    kinds.dedup();
    let lines: Vec<String> =
        refused.iter().enumerate().map(|(index, key)| with_losses(key, losses.get(index))).collect();
    Diagnostic::error(format!("{} would delete objects that take others or data along", holder.title))
        .detail(lines.join("\n"))
        .hint(format!("if they really shall go, say `allow_deletion_of = [{}]`, by kind or by key; before a destroy, apply that first", kinds.join(", ")))
        .at("allow_deletion_of")
}

/// Gives what a state has delivered; nothing where it only renders.
fn delivered(state: Option<&Object>) -> BTreeMap<String, Snapshot> {
    let Some(state) = state.filter(|state| {
        let delivery = state.block("delivery");
        delivery.is_some_and(|one| ["git", "cluster"].iter().any(|place| one.block(place).is_some()))
    }) else {
        return BTreeMap::new();
    };
    // An object that is not known yet is there all the same.
    let snapshot = |(key, shown): (&String, &Value)| {
        (key.clone(), Snapshot { form: form(shown.as_str().unwrap_or_default()), digest: None })
    };
    state.get("manifests").as_map().into_iter().flatten().map(snapshot).collect()
}

/// Reads a display form; the digest that a summary keeps is a form of one field.
fn form(shown: &str) -> DisplayForm {
    let digest =
        || DisplayForm { fields: vec![Field { path: "digest".to_owned(), value: Json::from(shown) }] };
    DisplayForm::from_json(shown).unwrap_or_else(|_| digest())
}

#[cfg(test)]
mod tests {
    use super::super::super::super::configuration::Configuration;
    use super::*;
    use tf_provider::schema::Value as Terraform;

    fn state(allowed: &[&str], manifests: &[(&str, &str)]) -> Object {
        Object::new()
            .with("name", "web")
            .with("namespace", "shop")
            .with("cluster", "one")
            .with("allow_deletion_of", Terraform::list(allowed.iter().copied()))
            .with("manifests", Terraform::map(manifests.iter().copied()))
            .with("delivery", Object::new().with("git", Object::new().with("path", "x")))
    }

    async fn check(prior: Option<&Object>, planned: Option<&Object>, expected: Option<&str>) {
        let shared = Shared::default();
        shared
            .configuration
            .set(Configuration::read(&Object::new()).expect("nothing is wrong with it"))
            .expect("it was not set");
        let of = planned.or(prior).expect("there is a state");
        let holder = Holder {
            title: "release shop/web on one".to_owned(),
            cluster: "one".to_owned(),
            allow_deletion_of: of.strings("allow_deletion_of").into_iter().map(str::to_owned).collect(),
        };
        let told = super::check(&shared, &holder, prior, planned)
            .await
            .err()
            .map(|found| found.iter().map(|one| one.detail.clone()).collect::<String>());
        match expected {
            Some(part) => assert!(told.as_deref().is_some_and(|told| told.contains(part)), "{told:?}"),
            None => assert_eq!(told, None),
        }
    }

    #[tokio::test]
    async fn what_holds_others_goes_only_where_it_is_allowed() {
        let objects = [
            ("v1/Namespace/shop", "{}"),
            ("v1/Service/shop/web", "{\"a\":1}"),
            ("v1/PersistentVolumeClaim/shop/d", "{}"),
        ];
        let all = state(&[], &objects);
        check(None, Some(&all), None).await;
        check(Some(&all), Some(&all), None).await;
        check(Some(&all), Some(&state(&[], &[objects[0], objects[2]])), None).await;
        check(Some(&all), Some(&state(&[], &objects[..2])), Some("v1/PersistentVolumeClaim/shop/d")).await;
        check(Some(&all), Some(&state(&["PersistentVolumeClaim"], &objects[..2])), None).await;
        check(Some(&all), Some(&state(&["v1/PersistentVolumeClaim/shop/d"], &objects[..2])), None).await;
        check(Some(&all), Some(&state(&["v1/PersistentVolumeClaim/shop/e"], &objects[..2])), Some("shop/d"))
            .await;
        check(Some(&all), None, Some("  v1/Namespace/shop\n  v1/PersistentVolumeClaim/shop/d")).await;
        check(Some(&state(&["Namespace", "PersistentVolumeClaim"], &objects)), None, None).await;
    }

    #[tokio::test]
    async fn what_was_only_rendered_does_not_go() {
        let mut rendered = state(&[], &[("v1/Namespace/shop", "{}")]);
        rendered.set("delivery", Terraform::Null);
        check(Some(&rendered), None, None).await;
        let delivered = state(&[], &[("v1/Namespace/shop", "sha256:00")]);
        check(Some(&delivered), Some(&rendered), Some("v1/Namespace/shop")).await;
    }

    #[test]
    fn what_goes_along_is_named_by_how_much_of_it_there_is() {
        let line = |losses: &[(&str, u64)]| {
            let losses = losses.iter().map(|(kind, count)| ((*kind).to_owned(), *count)).collect();
            with_losses("v1/Namespace/shop", Some(&losses))
        };
        assert_eq!(line(&[]), "  v1/Namespace/shop");
        assert_eq!(line(&[("Pod", 0)]), "  v1/Namespace/shop, and no Pod with it");
        assert_eq!(line(&[("Pod", 1)]), "  v1/Namespace/shop, and 1 Pod with it");
        assert_eq!(line(&[("Pod", 41)]), "  v1/Namespace/shop, and 41 Pod objects with it");
        let seven = [("A", 1), ("B", 2), ("C", 3), ("D", 4), ("E", 5), ("F", 6), ("G", 7)];
        let expected = "  v1/Namespace/shop, and 28 objects with it: 7 G, 6 F, 5 E, 4 D, 3 C, 2 B, …";
        assert_eq!(line(&seven), expected);
    }
}
