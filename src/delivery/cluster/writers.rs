//! Whether who applied an object goes on to do so: taking such an object over would only start a fight.

use std::collections::BTreeMap;

use serde_json::Value;

use super::call::{Call, escape};
use super::client::{ApiServer, Patience};
use super::error::ClusterError;
use crate::manifest::object::ObjectId;

/// Owners by what names them, with the kind that writes for them, and how to stop it.
const WRITERS: [Writer; 5] = [
    Writer {
        title: "Flux Kustomization ",
        collection: "/apis/kustomize.toolkit.fluxcd.io/v1",
        plural: "kustomizations",
        rests: is_suspended,
        way_out: "take the object out of its folder first, with `prune: disabled` as an annotation on it, or suspend it: `flux suspend kustomization NAME -n NAMESPACE`",
    },
    Writer {
        title: "Flux HelmRelease ",
        collection: "/apis/helm.toolkit.fluxcd.io/v2",
        plural: "helmreleases",
        rests: is_suspended,
        way_out: "suspend it first, `flux suspend helmrelease NAME -n NAMESPACE`, and take it out of git after the apply",
    },
    Writer {
        title: "Flux Operator ",
        collection: "/apis/fluxcd.controlplane.io/v1",
        plural: "fluxinstances",
        rests: is_disabled,
        way_out: "stop it first, `kubectl annotate fluxinstance NAME -n NAMESPACE fluxcd.controlplane.io/reconcile=disabled`; deleted while it is disabled, it leaves Flux where it is",
    },
    Writer {
        title: "Flux ResourceSet ",
        collection: "/apis/fluxcd.controlplane.io/v1",
        plural: "resourcesets",
        rests: is_disabled,
        way_out: "stop it first, `kubectl annotate resourceset NAME -n NAMESPACE fluxcd.controlplane.io/reconcile=disabled`, or take the object out of it, with `fluxcd.controlplane.io/prune: disabled` as an annotation on it",
    },
    Writer {
        title: "Argo CD application ",
        collection: "/apis/argoproj.io/v1alpha1",
        plural: "applications",
        rests: is_by_hand,
        way_out: "switch off its automated sync first, and delete it after the apply without `--cascade`",
    },
];

struct Writer {
    title: &'static str,
    collection: &'static str,
    plural: &'static str,
    rests: fn(&Value) -> bool,
    way_out: &'static str,
}

fn is_suspended(live: &Value) -> bool {
    live["spec"]["suspend"] == true
}

fn is_disabled(live: &Value) -> bool {
    live["metadata"]["annotations"]["fluxcd.controlplane.io/reconcile"] == "disabled"
}

fn is_by_hand(live: &Value) -> bool {
    let automated = &live["spec"]["syncPolicy"]["automated"];
    !automated.is_object() || automated["enabled"] == false
}

/// Who has objects, looked up once each.
#[derive(Default)]
pub(super) struct Writers(BTreeMap<String, Option<Value>>);

impl Writers {
    /// Says how to stop the owner of an object, where it goes on to write it. What may not be looked up is not known to write.
    ///
    /// # Errors
    /// When the server cannot be reached.
    pub(super) async fn way_out(
        &mut self,
        server: &ApiServer,
        owner: &str,
        id: &ObjectId,
        live: &Value,
        patience: Patience,
    ) -> Result<Option<String>, ClusterError> {
        let Some((writer, name)) =
            WRITERS.iter().find_map(|writer| Some((writer, owner.strip_prefix(writer.title)?)))
        else {
            return Ok(None);
        };
        if is_left_alone(live) {
            return Ok(None);
        }
        if !self.0.contains_key(owner) {
            let found = look_up(server, writer, name, patience).await?;
            self.0.insert(owner.to_owned(), found);
        }
        let Some(Some(found)) = self.0.get(owner) else { return Ok(None) };
        let is_going = !found["metadata"]["deletionTimestamp"].is_null();
        if is_going || (writer.rests)(found) || !may_have(found, id) {
            return Ok(None);
        }
        let (namespace, name) = name.split_once('/').unwrap_or(("", name));
        Ok(Some(writer.way_out.replace("NAMESPACE", namespace).replace("NAME", name)))
    }
}

async fn look_up(
    server: &ApiServer,
    writer: &Writer,
    name: &str,
    patience: Patience,
) -> Result<Option<Value>, ClusterError> {
    let Writer { collection, plural, .. } = writer;
    let action = format!("read {}{name}", writer.title);
    let found = match name.split_once('/') {
        Some((namespace, name)) => {
            let path = format!("{collection}/namespaces/{}/{plural}/{}", escape(namespace), escape(name));
            server.find(&Call::get(path, action), patience).await
        }
        None => {
            let path = format!("{collection}/{plural}?fieldSelector=metadata.name%3D{}", escape(name));
            let listed = server.find(&Call::get(path, action), patience).await;
            listed.map(|list| list.and_then(|list| list["items"].get(0).cloned()))
        }
    };
    match found {
        Err(error) if error.is_out_of_reach() => Err(error),
        found => Ok(found.unwrap_or_default()),
    }
}

/// Tells whether an object says that Flux leaves it alone.
fn is_left_alone(live: &Value) -> bool {
    const RECONCILE: &str = "kustomize.toolkit.fluxcd.io/reconcile";
    let metadata = &live["metadata"];
    ["labels", "annotations"].iter().any(|field| metadata[*field][RECONCILE] == "disabled")
}

/// Tells whether an object can be among those that are written: a list of them that does not have it says no.
fn may_have(writer: &Value, id: &ObjectId) -> bool {
    let Some(entries) = writer.pointer("/status/inventory/entries").and_then(Value::as_array) else {
        return true;
    };
    let namespace = id.namespace.as_deref().unwrap_or_default();
    // Flux writes a colon in names as two underscores.
    let name = id.name.replace(':', "__");
    let wanted = format!("{namespace}_{name}_{}_{}", id.group(), id.kind);
    entries.iter().any(|entry| entry["id"] == wanted.as_str())
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use serde_json::json;

    use super::super::fake::{Fake, absent};
    use super::*;

    async fn check(owner: &str, path: &'static str, found: Value, live: Value, expected: Option<&str>) {
        let fake = Fake::of(
            move |request, _| {
                if request == format!("GET {path}") { (200, found.clone()) } else { absent() }
            },
        );
        let id = ObjectId::parse("apps/v1/Deployment/shop/web").expect("a key");
        let patience = Patience::of_a_look(Duration::from_secs(5));
        let told = Writers::default().way_out(&fake.server, owner, &id, &live, patience).await;
        let told = told.expect("it answers");
        match expected {
            Some(part) => {
                assert!(told.as_deref().is_some_and(|told| told.contains(part)), "{owner}: {told:?}")
            }
            None => assert_eq!(told, None, "{owner}"),
        }
    }

    #[tokio::test]
    async fn who_goes_on_writing_is_told_with_how_to_stop_it() {
        const FLUX: &str = "/apis/kustomize.toolkit.fluxcd.io/v1/namespaces/flux-system/kustomizations/apps";
        let flux = "Flux Kustomization flux-system/apps";
        let live = || json!({"metadata": {}});
        check(
            flux,
            FLUX,
            json!({"spec": {}}),
            live(),
            Some("flux suspend kustomization apps -n flux-system"),
        )
        .await;
        check(flux, FLUX, json!({"spec": {"suspend": true}}), live(), None).await;
        let going = json!({"metadata": {"deletionTimestamp": "2026-01-01T00:00:00Z"}, "spec": {}});
        check(flux, FLUX, going, live(), None).await;
        let has =
            |id: &str| json!({"spec": {}, "status": {"inventory": {"entries": [{"id": id, "v": "v1"}]}}});
        check(flux, FLUX, has("shop_web_apps_Deployment"), live(), Some("flux suspend")).await;
        check(flux, FLUX, has("shop_other_apps_Deployment"), live(), None).await;
        let alone =
            json!({"metadata": {"annotations": {"kustomize.toolkit.fluxcd.io/reconcile": "disabled"}}});
        check(flux, FLUX, json!({"spec": {}}), alone, None).await;
        check(flux, "/nothing", json!({}), live(), None).await;

        const HELM: &str = "/apis/helm.toolkit.fluxcd.io/v2/namespaces/shop/helmreleases/web";
        check(
            "Flux HelmRelease shop/web",
            HELM,
            json!({"spec": {}}),
            live(),
            Some("flux suspend helmrelease web"),
        )
        .await;
        const OPERATOR: &str = "/apis/fluxcd.controlplane.io/v1/namespaces/flux-system/fluxinstances/flux";
        let operator = "Flux Operator flux-system/flux";
        check(operator, OPERATOR, json!({}), live(), Some("fluxinstance flux -n flux-system")).await;
        let disabled = json!({"metadata": {"annotations": {"fluxcd.controlplane.io/reconcile": "disabled"}}});
        check(operator, OPERATOR, disabled, live(), None).await;
        const SET: &str = "/apis/fluxcd.controlplane.io/v1/namespaces/flux-system/resourcesets/apps";
        check(
            "Flux ResourceSet flux-system/apps",
            SET,
            json!({}),
            live(),
            Some("resourceset apps -n flux-system"),
        )
        .await;
        const ARGO: &str = "/apis/argoproj.io/v1alpha1/applications?fieldSelector=metadata.name%3Dshop";
        let application = |policy: Value| json!({"items": [{"spec": {"syncPolicy": policy}}]});
        let argo = "Argo CD application shop";
        check(argo, ARGO, application(json!({"automated": {}})), live(), Some("automated sync")).await;
        check(argo, ARGO, application(json!({})), live(), None).await;
        check("Helm release shop/web", "/nothing", json!({}), live(), None).await;
    }
}
