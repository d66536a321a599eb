//! CustomResourceDefinitions in a cluster, and the objects of their kinds: whether a new definition would leave some behind
//! in a form that it no longer knows, and the way past it.
//!
//! Follows the API server's rule: a version in `status.storedVersions` cannot leave `spec.versions`. The way past it is to
//! write every object once, which stores it in the current form, and then to say so in the status.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::task::JoinSet;

use super::call::{Call, escape};
use super::client::{ApiServer, Patience};
use super::error::ClusterError;

/// Where custom kinds are defined.
pub(super) const DEFINITIONS: &str = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions";
const MANAGER: &str = "strata";
const PAUSE: Duration = Duration::from_millis(250);

/// A definition whose new form drops versions in which objects are stored.
#[derive(Clone, Debug)]
pub struct Outgrown {
    /// Its name.
    pub definition: String,
    /// The versions that would go.
    pub versions: Vec<String>,
    /// The version that objects are stored in when they are written now.
    pub current: String,
    /// Whether the new form knows that version, so that writing every object once is enough.
    pub can_migrate: bool,
    /// The objects, as `namespace/name`.
    pub objects: Vec<String>,
    collection: String,
}

/// An object of a custom kind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CustomObject {
    /// Its kind.
    pub kind: String,
    /// Namespace and name, `a/b`.
    pub name: String,
    /// What must agree before it goes.
    pub finalizers: Vec<String>,
    path: String,
}

#[cfg(test)]
impl CustomObject {
    /// Makes one of a kind and name.
    pub(crate) fn named(kind: &str, name: &str) -> Self {
        CustomObject {
            kind: kind.to_owned(),
            name: name.to_owned(),
            finalizers: Vec::new(),
            path: String::new(),
        }
    }
}

/// Finds definitions in the cluster whose wanted form drops versions that objects are stored in.
///
/// # Errors
/// When the server cannot be asked.
pub async fn outgrown(
    server: &Arc<ApiServer>,
    wanted: &[&Value],
    patience: Patience,
) -> Result<Vec<Outgrown>, ClusterError> {
    let mut work = JoinSet::new();
    for definition in wanted {
        let name =
            definition.pointer("/metadata/name").and_then(Value::as_str).unwrap_or_default().to_owned();
        let kept: BTreeSet<String> = versions(definition, |_| true).into_iter().map(str::to_owned).collect();
        let server = Arc::clone(server);
        work.spawn(async move { outgrown_one(&server, name, &kept, patience).await });
    }
    let mut found = Vec::new();
    while let Some(one) = work.join_next().await {
        found.extend(one.unwrap_or(Ok(None))?);
    }
    found.sort_by(|one, other| one.definition.cmp(&other.definition));
    Ok(found)
}

async fn outgrown_one(
    server: &ApiServer,
    name: String,
    kept: &BTreeSet<String>,
    patience: Patience,
) -> Result<Option<Outgrown>, ClusterError> {
    let Some(live) = find(server, &name, patience).await? else { return Ok(None) };
    let stored = live.pointer("/status/storedVersions").and_then(Value::as_array).into_iter().flatten();
    let lost: Vec<String> =
        stored.filter_map(Value::as_str).filter(|one| !kept.contains(*one)).map(str::to_owned).collect();
    if lost.is_empty() {
        return Ok(None);
    }
    let current = versions(&live, |version| version["storage"] == true).into_iter().next();
    let current = current.unwrap_or_default();
    let collection = collection(&live, current);
    let objects = list(server, &live, &collection, patience).await?;
    Ok(Some(Outgrown {
        definition: name,
        versions: lost,
        can_migrate: kept.contains(current),
        current: current.to_owned(),
        objects: objects.into_iter().map(|one| one.name).collect(),
        collection,
    }))
}

/// Writes every object of outgrown definitions once and forgets the versions that none is stored in any more.
///
/// # Errors
/// When an object cannot be written; what was written is none the worse for it.
pub async fn migrate(
    server: &ApiServer,
    outgrown: &[Outgrown],
    patience: Patience,
) -> Result<(), ClusterError> {
    for one in outgrown {
        let Some(live) = find(server, &one.definition, patience).await? else { continue };
        for object in list(server, &live, &one.collection, patience).await? {
            let action = format!("rewrite {} {}", object.kind, object.name);
            // What is gone by now needs no new form.
            server.find(&Call::merge(&object.path, &json!({}), MANAGER, action), patience).await?;
        }
        let status = json!({"status": {"storedVersions": [one.current]}});
        let path = format!("{DEFINITIONS}/{}/status", escape(&one.definition));
        let action = format!("note the stored versions of {}", one.definition);
        server.call(&Call::merge(&path, &status, MANAGER, action), patience).await?;
    }
    Ok(())
}

/// Lists all objects of the kinds that definitions define.
///
/// # Errors
/// When the server cannot be asked.
pub async fn objects_of(
    server: &ApiServer,
    definitions: &BTreeSet<String>,
    patience: Patience,
) -> Result<Vec<CustomObject>, ClusterError> {
    let mut found = Vec::new();
    for name in definitions {
        let Some(live) = find(server, name, patience).await? else { continue };
        let Some(served) = versions(&live, |version| version["served"] == true).into_iter().next() else {
            continue;
        };
        let collection = collection(&live, served);
        found.extend(list(server, &live, &collection, patience).await?);
    }
    Ok(found)
}

/// Gives the kind that a definition in the cluster defines, and the path of all its objects; none where nothing is served.
///
/// # Errors
/// When the server cannot be asked.
pub(super) async fn served(
    server: &ApiServer,
    name: &str,
    patience: Patience,
) -> Result<Option<(String, String)>, ClusterError> {
    let Some(live) = find(server, name, patience).await? else { return Ok(None) };
    let served = versions(&live, |version| version["served"] == true).into_iter().next();
    let kind = live.pointer("/spec/names/kind").and_then(Value::as_str).unwrap_or_default();
    Ok(served.map(|served| (kind.to_owned(), collection(&live, served))))
}

/// Lets objects go without those who should agree: takes their finalizers off.
///
/// # Errors
/// When one cannot be changed.
pub async fn release(
    server: &ApiServer,
    objects: &[CustomObject],
    patience: Patience,
) -> Result<(), ClusterError> {
    let none = json!({"metadata": {"finalizers": null}});
    for object in objects.iter().filter(|object| !object.finalizers.is_empty()) {
        let action = format!("take the finalizers off {} {}", object.kind, object.name);
        server.find(&Call::merge(&object.path, &none, MANAGER, action), patience).await?;
    }
    Ok(())
}

/// Deletes objects and waits until whoever looks after them has let them go. Gives those that are still there when the time
/// is over.
///
/// # Errors
/// When the server cannot be asked.
pub async fn delete_and_wait(
    server: &ApiServer,
    objects: &[CustomObject],
    patience: Patience,
) -> Result<Vec<CustomObject>, ClusterError> {
    for object in objects {
        let action = format!("delete {} {}", object.kind, object.name);
        server.find(&Call::delete(&object.path, None, "Background", action), patience).await?;
    }
    let mut left = objects.to_vec();
    while !left.is_empty() && tokio::time::Instant::now() + 4 * PAUSE < patience.deadline {
        let mut there = Vec::new();
        for mut object in left {
            let call = Call::get(object.path.clone(), format!("read {} {}", object.kind, object.name));
            if let Some(live) = server.find(&call, patience).await? {
                object.finalizers = finalizers(&live);
                there.push(object);
            }
        }
        left = there;
        if !left.is_empty() {
            tokio::time::sleep(PAUSE).await;
        }
    }
    Ok(left)
}

/// Stops the controllers of a namespace and waits until their pods are gone; `selector` names pods and Deployments.
///
/// # Errors
/// When the server cannot be asked, or pods stay.
pub async fn stop_controllers(
    server: &ApiServer,
    namespace: &str,
    selector: &str,
    patience: Patience,
) -> Result<(), ClusterError> {
    let query = format!("?labelSelector={}", escape(selector));
    let deployments = format!("/apis/apps/v1/namespaces/{}/deployments", escape(namespace));
    let listed = Call::get(format!("{deployments}{query}"), format!("list Deployments of {namespace}"));
    let listed = server.find(&listed, patience).await?.unwrap_or_default();
    for deployment in listed["items"].as_array().into_iter().flatten() {
        let name = deployment.pointer("/metadata/name").and_then(Value::as_str).unwrap_or_default();
        let path = format!("{deployments}/{}", escape(name));
        let none = json!({"spec": {"replicas": 0}});
        server
            .find(
                &Call::merge(&path, &none, MANAGER, format!("stop Deployment {namespace}/{name}")),
                patience,
            )
            .await?;
    }
    let pods = format!("/api/v1/namespaces/{}/pods{query}", escape(namespace));
    loop {
        let call = Call::get(pods.clone(), format!("list pods of {namespace}"));
        let listed = server.find(&call, patience).await?.unwrap_or_default();
        if listed["items"].as_array().is_none_or(Vec::is_empty) {
            return Ok(());
        }
        if tokio::time::Instant::now() + 2 * PAUSE > patience.deadline {
            return Err(server.nonsense(&call, "the pods of its controllers do not go"));
        }
        tokio::time::sleep(PAUSE).await;
    }
}

async fn find(server: &ApiServer, name: &str, patience: Patience) -> Result<Option<Value>, ClusterError> {
    let call = Call::get(format!("{DEFINITIONS}/{}", escape(name)), format!("read definition {name}"));
    server.find(&call, patience).await
}

fn versions(definition: &Value, wanted: impl Fn(&Value) -> bool) -> BTreeSet<&str> {
    let versions = definition.pointer("/spec/versions").and_then(Value::as_array).into_iter().flatten();
    versions.filter(|version| wanted(version)).filter_map(|version| version["name"].as_str()).collect()
}

fn collection(definition: &Value, version: &str) -> String {
    let text = |pointer: &str| definition.pointer(pointer).and_then(Value::as_str).unwrap_or_default();
    format!(
        "/apis/{}/{}/{}",
        escape(text("/spec/group")),
        escape(version),
        escape(text("/spec/names/plural"))
    )
}

async fn list(
    server: &ApiServer,
    definition: &Value,
    collection: &str,
    patience: Patience,
) -> Result<Vec<CustomObject>, ClusterError> {
    let kind = definition.pointer("/spec/names/kind").and_then(Value::as_str).unwrap_or_default();
    let listed = server.find(&Call::get(collection, format!("list {kind} objects")), patience).await?;
    let items = listed.as_ref().and_then(|list| list["items"].as_array()).into_iter().flatten();
    let (group, plural) = collection.rsplit_once('/').unwrap_or_default();
    let read = |item: &Value| {
        let name = item.pointer("/metadata/name").and_then(Value::as_str).unwrap_or_default();
        let namespace = item.pointer("/metadata/namespace").and_then(Value::as_str);
        let within = namespace.map(|one| format!("/namespaces/{}", escape(one))).unwrap_or_default();
        CustomObject {
            kind: kind.to_owned(),
            name: namespace.map_or_else(|| name.to_owned(), |namespace| format!("{namespace}/{name}")),
            finalizers: finalizers(item),
            path: format!("{group}{within}/{plural}/{}", escape(name)),
        }
    };
    Ok(items.map(read).collect())
}

fn finalizers(object: &Value) -> Vec<String> {
    let list = object.pointer("/metadata/finalizers").and_then(Value::as_array).into_iter().flatten();
    list.filter_map(Value::as_str).map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::super::fake::{Fake, absent};
    use super::*;

    const NAME: &str = "things.x.io";

    fn patience() -> Patience {
        Patience::of_a_look(Duration::from_secs(5))
    }

    fn definition(versions: &[&str], storage: &str, stored: &[&str]) -> Value {
        let version = |name: &&str| json!({"name": name, "served": true, "storage": *name == storage});
        json!({
            "metadata": {"name": NAME},
            "spec": {"group": "x.io", "names": {"kind": "Thing", "plural": "things"},
                "versions": versions.iter().map(version).collect::<Vec<_>>()},
            "status": {"storedVersions": stored},
        })
    }

    fn thing(name: &str, finalizers: &[&str]) -> Value {
        json!({"metadata": {"name": name, "namespace": "a", "finalizers": finalizers}})
    }

    /// A server with one definition and two objects of its kind.
    fn server(live: Value) -> Fake {
        Fake::of(move |request, _| match request {
            "GET /apis/apiextensions.k8s.io/v1/customresourcedefinitions/things.x.io" => (200, live.clone()),
            "GET /apis/x.io/v1/things" | "GET /apis/x.io/v2/things" => {
                (200, json!({"items": [thing("one", &[]), thing("two", &["x.io/hold"])]}))
            }
            _ if request.starts_with("PATCH ") => (200, json!({})),
            _ => absent(),
        })
    }

    #[tokio::test]
    async fn a_definition_that_drops_a_stored_version_is_found_with_its_objects() {
        let fake = server(definition(&["v1", "v2"], "v2", &["v1", "v2"]));
        let find = async |wanted: Value| {
            outgrown(&fake.server, &[&wanted], patience()).await.expect("it answers").pop()
        };
        let found = find(definition(&["v2", "v3"], "v3", &[])).await.expect("v1 goes");
        assert_eq!(
            (found.versions, found.current.as_str(), found.can_migrate),
            (vec!["v1".to_owned()], "v2", true)
        );
        assert_eq!(found.objects, ["a/one", "a/two"]);
        let hop = find(definition(&["v3"], "v3", &[])).await.expect("both go");
        assert!(!hop.can_migrate, "what is written now would be unknown too");
        assert!(find(definition(&["v1", "v2"], "v2", &[])).await.is_none());
        let mut new = definition(&["v9"], "v9", &[]);
        new["metadata"]["name"] = json!("others.x.io");
        assert!(find(new).await.is_none(), "what is not there loses nothing");
    }

    #[tokio::test]
    async fn a_migration_writes_every_object_before_it_forgets_a_version() {
        let fake = server(definition(&["v1", "v2"], "v2", &["v1", "v2"]));
        let wanted = definition(&["v2"], "v2", &[]);
        let found = outgrown(&fake.server, &[&wanted], patience()).await.expect("it answers");
        migrate(&fake.server, &found, patience()).await.expect("it can be done");
        let patches: Vec<String> =
            fake.requests().into_iter().filter(|request| request.starts_with("PATCH")).collect();
        assert_eq!(
            patches,
            [
                "PATCH /apis/x.io/v2/namespaces/a/things/one?fieldManager=strata",
                "PATCH /apis/x.io/v2/namespaces/a/things/two?fieldManager=strata",
                "PATCH /apis/apiextensions.k8s.io/v1/customresourcedefinitions/things.x.io/status?fieldManager=strata",
            ]
        );
    }

    #[tokio::test]
    async fn only_objects_with_finalizers_are_released() {
        let fake = server(definition(&["v1"], "v1", &["v1"]));
        let names = BTreeSet::from([NAME.to_owned(), "missing.x.io".to_owned()]);
        let objects = objects_of(&fake.server, &names, patience()).await.expect("it answers");
        assert_eq!(objects.len(), 2);
        release(&fake.server, &objects, patience()).await.expect("it can be done");
        let patched: Vec<String> =
            fake.requests().into_iter().filter(|request| request.starts_with("PATCH")).collect();
        assert_eq!(patched, ["PATCH /apis/x.io/v1/namespaces/a/things/two?fieldManager=strata"]);
    }

    #[tokio::test]
    async fn what_is_still_there_at_the_end_is_given_with_its_finalizers() {
        let fake = Fake::of(|request, _| match request {
            "GET /apis/x.io/v1/namespaces/a/things/two" => (200, thing("two", &["x.io/other"])),
            _ if request.starts_with("DELETE") => (200, json!({})),
            _ => absent(),
        });
        let object = |name: &str| CustomObject {
            kind: "Thing".into(),
            name: format!("a/{name}"),
            finalizers: Vec::new(),
            path: format!("/apis/x.io/v1/namespaces/a/things/{name}"),
        };
        let patience = Patience::of_a_look(Duration::from_millis(1600));
        let left = delete_and_wait(&fake.server, &[object("one"), object("two")], patience).await;
        let left = left.expect("it answers");
        assert_eq!(left.len(), 1);
        assert_eq!(
            (left[0].name.as_str(), &left[0].finalizers[..]),
            ("a/two", &["x.io/other".to_owned()][..])
        );
    }

    #[tokio::test]
    async fn controllers_are_stopped_before_their_pods_are_waited_for() {
        let looks = AtomicUsize::new(0);
        let fake = Fake::of(move |request, body| match request.split('?').next() {
            Some("GET /apis/apps/v1/namespaces/flux/deployments") => {
                (200, json!({"items": [{"metadata": {"name": "source-controller"}}]}))
            }
            Some("PATCH /apis/apps/v1/namespaces/flux/deployments/source-controller") => {
                assert_eq!(body["spec"]["replicas"], 0);
                (200, json!({}))
            }
            Some("GET /api/v1/namespaces/flux/pods") => {
                let gone = looks.fetch_add(1, Ordering::Relaxed) > 0;
                (200, if gone { json!({"items": []}) } else { json!({"items": [{}]}) })
            }
            _ => absent(),
        });
        stop_controllers(&fake.server, "flux", "a=b", patience()).await.expect("they stop");
        assert_eq!(fake.requests().len(), 4);
        let stays = Fake::of(|_, _| (200, json!({"items": [{"metadata": {"name": "x"}}]})));
        let soon = Patience::of_a_look(Duration::from_millis(700));
        let told = stop_controllers(&stays.server, "flux", "a=b", soon).await.expect_err("they stay");
        assert!(told.to_string().contains("do not go"), "{told}");
    }
}
