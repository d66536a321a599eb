//! From a decoded block to objects, their files, and what a plan shows of them.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde_json::Value;
use tf_provider::schema::{Diagnostic, Diagnostics};

use super::super::super::{Shared, patches};
use super::super::objects::description::Files;
use super::arguments::{Arguments, Kind, SyncArguments, of_flux};
use super::private::Private;
use super::registry;
use super::shipped::{self, Manifests, Shipped};
use crate::argocd;
use crate::flux::sync::{self, Sync};
use crate::flux::{gotk, install};
use crate::manifest::digest;
use crate::manifest::mask::{Masker, ObjectMarks, Revisions};
use crate::manifest::object::{ObjectId, Scopes};
use crate::manifest::patch::{self, Subject};
use crate::manifest::surface::{Desired as DesiredObject, Detail, Surface, surface};

/// What an agent shall be.
#[derive(Clone, Debug, Default)]
pub(super) struct Desired {
    /// The objects of the installation.
    pub(super) installed: Vec<Value>,
    /// The objects that point the agent at its repository.
    pub(super) sync: Vec<Value>,
    /// The Secrets that let the agent in and its images be pulled, which are never committed.
    pub(super) secrets: Vec<Value>,
    /// All of them, named.
    pub(super) objects: Vec<DesiredObject>,
    /// What the plan shows of both.
    pub(super) surface: Surface,
    /// Keys of objects of which a part waits for apply.
    pub(super) waiting: BTreeSet<String>,
    /// Where the manifests came from.
    pub(super) source: BTreeMap<String, String>,
    /// Which revision of every hidden value is shown.
    pub(super) revisions: Revisions,
}

/// Fetches what the version ships and makes the agent's objects of it; with `pinned`, of nothing else.
///
/// # Errors
/// With one diagnostic for everything that is wrong, each at its place in the configuration.
pub(super) async fn desired(
    shared: &Arc<Shared>,
    arguments: &Arguments,
    pinned: Option<String>,
    keep: &Private,
) -> Result<Desired, Diagnostics> {
    let (shared, arguments, keep) = (Arc::clone(shared), arguments.clone(), keep.clone());
    // Fetching takes no processor, so it waits for none.
    let shipped = {
        let (shared, arguments) = (Arc::clone(&shared), arguments.clone());
        tokio::task::spawn_blocking(move || shipped::load(&shared, &arguments, pinned)).await
    };
    let shipped =
        shipped.unwrap_or_else(|_| Err(Diagnostic::error("fetching the manifests stopped unexpectedly")))?;
    let permit = shared.rendering().await;
    let work = tokio::task::spawn_blocking(move || {
        let _permit = permit;
        compute(&shared, &arguments, &shipped, &keep)
    });
    work.await.unwrap_or_else(|_| Err(Diagnostic::error("generating stopped unexpectedly").into()))
}

fn compute(
    shared: &Shared,
    arguments: &Arguments,
    shipped: &Shipped,
    keep: &Private,
) -> Result<Desired, Diagnostics> {
    shared.configuration()?.cluster(&arguments.cluster).map_err(|one| one.at("cluster"))?;
    let options = &arguments.options;
    let mut installed = match &shipped.manifests {
        Manifests::Flux(manifests) => install::objects(manifests, options)
            .map_err(|errors| errors.iter().map(of_flux).collect::<Diagnostics>())?,
        Manifests::ArgoCd(manifests) => argocd::installation(manifests, &options.version, &options.namespace)
            .map_err(|error| {
                Diagnostic::error(error.to_string()).hint("correct `version`, or `source`").at("version")
            })?,
    };
    let complete = arguments.sync.as_ref().map(|sync| complete(shared, arguments, sync)).transpose()?;
    let url = complete.as_ref().map(|sync| sync.url.clone()).unwrap_or_default();
    if let Some(credentials) = &arguments.credentials {
        let authority = credentials.authority.as_deref().map(|pem| (url.as_str(), pem));
        argocd::trust(&mut installed, &options.namespace, credentials.known_hosts.as_deref(), authority);
    }
    let sync = complete.map(|sync| point(arguments.kind, sync)).unwrap_or_default();
    let (installed, sync) = patched(arguments, installed, sync)?;
    let secrets: Vec<Value> =
        [secret(arguments, &url), pull_secret(arguments)].into_iter().flatten().collect();
    let objects = named(arguments, installed.iter().chain(&sync).chain(&secrets));
    let sync_waits = arguments.sync.as_ref().is_some_and(|sync| sync.waits);
    let trusts = |one: &DesiredObject| arguments.kind == Kind::ArgoCd && argocd::is_trust(&one.object);
    let waits = |one: &&DesiredObject| {
        (sync_waits && (sync.contains(&one.object) || trusts(one)))
            || (arguments.secrets_wait && secrets.contains(&one.object))
    };
    let waiting = objects.iter().filter(waits).map(|one| one.id.key()).collect();
    let origin = shipped::origin(shared, arguments)?;
    let source = BTreeMap::from([
        ("digest".to_owned(), shipped.digest.clone()),
        ("place".to_owned(), shipped::shown(arguments, &origin)),
    ]);
    let (surface, revisions) = shown(arguments, objects.clone(), keep.masker());
    Ok(Desired { installed, sync, secrets, objects, surface, waiting, source, revisions })
}

/// Applies the patches; what they delete is gone, and nothing changes its side.
fn patched(
    arguments: &Arguments,
    installed: Vec<Value>,
    sync: Vec<Value>,
) -> Result<(Vec<Value>, Vec<Value>), Diagnostics> {
    if arguments.patches.is_empty() {
        return Ok((installed, sync));
    }
    let patches = patches::parse(&arguments.patches)?;
    let names = |object: &Value| (object["kind"].clone(), object["metadata"]["name"].clone());
    let of_sync: Vec<(Value, Value)> = sync.iter().map(names).collect();
    let subject = |object: Value| Subject { object, ..Subject::default() };
    let mut subjects: Vec<Subject> = installed.into_iter().chain(sync).map(subject).collect();
    patch::apply(&patches, &mut subjects, &arguments.options.namespace)
        .map_err(|failure| patches::told(&failure))?;
    Ok(subjects.into_iter().map(|one| one.object).partition(|object| !of_sync.contains(&names(object))))
}

/// Makes the objects that point an agent at its repository.
fn point(kind: Kind, sync: Sync) -> Vec<Value> {
    if kind == Kind::Flux {
        return sync::objects(&sync);
    }
    let reference = sync.reference;
    let revision = reference.commit.or(reference.semver).or(reference.tag).or(reference.branch);
    vec![argocd::application(&argocd::Sync {
        name: sync.name,
        namespace: sync.namespace,
        url: sync.url,
        revision: revision.unwrap_or_default(),
        path: sync.path,
    })]
}

/// Makes the Secret that lets the agent in, where the block brings what it holds.
fn secret(arguments: &Arguments, url: &str) -> Option<Value> {
    let (name, credentials) = (arguments.secret()?, arguments.credentials.as_ref()?);
    let (namespace, data) = (&arguments.options.namespace, credentials.data());
    Some(match arguments.kind {
        Kind::Flux => sync::secret(&name, namespace, &data),
        Kind::ArgoCd => argocd::repository(&name, namespace, url, &data),
    })
}

/// Makes the Secret that the images are pulled with, where the block brings what it holds.
fn pull_secret(arguments: &Arguments) -> Option<Value> {
    let (name, credentials) = (arguments.options.image_pull_secret.as_ref()?, arguments.registry.as_ref()?);
    Some(registry::secret(name, &arguments.options.namespace, credentials))
}

/// Fills what the block leaves out from the delivery.
fn complete(shared: &Shared, arguments: &Arguments, sync: &SyncArguments) -> Result<Sync, Diagnostics> {
    const EVERY: std::time::Duration = std::time::Duration::from_secs(60);
    let namespace = &arguments.options.namespace;
    let mut complete = Sync {
        name: sync.name.clone().unwrap_or_else(|| namespace.clone()),
        namespace: namespace.clone(),
        url: sync.url.clone().unwrap_or_default(),
        reference: sync.reference.clone(),
        path: sync.path.clone().unwrap_or_default(),
        interval: sync.interval.unwrap_or(EVERY),
        secret: arguments.secret(),
        recurse_submodules: sync.recurse_submodules,
        provider: sync.provider.clone().unwrap_or_default(),
        sparse_checkout: sync.sparse_checkout.clone(),
    };
    let none = complete.reference == Default::default();
    let Some(git) = &arguments.delivery else {
        if none {
            complete.reference.branch = Some("main".to_owned());
        }
        return Ok(complete);
    };
    let repository = shared.configuration()?.repository(&git.repository).map_err(|one| one.at("delivery"))?;
    if none {
        complete.reference.branch = Some(repository.branch.clone());
    }
    if sync.path.is_none() {
        complete.path = git.path.trim_end_matches('/').trim_start_matches("./").to_owned();
        if complete.path == "." {
            complete.path.clear();
        }
    }
    if sync.url.is_none() {
        complete.url = repository.remote.as_ref().map(|remote| remote.url().to_owned()).unwrap_or_default();
    }
    Ok(complete)
}

/// Names the objects. An object that is named twice would be a release that ships it twice, which Kubernetes takes as one.
pub(super) fn named<'a>(
    arguments: &Arguments,
    objects: impl Iterator<Item = &'a Value> + Clone,
) -> Vec<DesiredObject> {
    let scopes = Scopes::from_objects(objects.clone());
    let named = objects.filter_map(|object| {
        let id = ObjectId::read(object, &arguments.options.namespace, &scopes).ok()?;
        Some(DesiredObject { id, object: object.clone(), marks: ObjectMarks::default() })
    });
    named.collect()
}

/// Gives what a plan shows of the objects. The labels that Flux stamps on everything, pod templates included, are shown once;
/// the digest covers them where they stand.
pub(super) fn shown(
    arguments: &Arguments,
    mut objects: Vec<DesiredObject>,
    mut masker: Masker<'_>,
) -> (Surface, Revisions) {
    let mut digests = BTreeMap::new();
    for one in objects.iter_mut().filter(|one| one.id.kind == "Deployment") {
        digests.insert(one.id.key(), digest::of_object(&one.object));
        fold_stamps(&mut one.object);
    }
    let detail = if arguments.full_detail { Detail::Full } else { Detail::Summary };
    let mut shown = surface(&objects, detail, &mut masker);
    shown.object_digests.extend(digests);
    shown.digest =
        digest::of_set(shown.object_digests.iter().map(|(key, digest)| (key.as_str(), digest.as_str())));
    (shown, masker.finish())
}

/// Takes the labels of an object off its pods, where both say the same.
fn fold_stamps(object: &mut Value) {
    const STAMPS: [&str; 3] =
        ["app.kubernetes.io/instance", "app.kubernetes.io/version", "app.kubernetes.io/part-of"];
    for stamp in STAMPS {
        let own = object["metadata"]["labels"].get(stamp).cloned();
        let pods = object.pointer_mut("/spec/template/metadata/labels").and_then(Value::as_object_mut);
        if let Some(pods) = pods.filter(|pods| own.is_some() && pods.get(stamp) == own.as_ref()) {
            pods.remove(stamp);
        }
    }
}

impl Desired {
    /// Gives the objects of which nothing waits for apply.
    pub(super) fn known(&self) -> Vec<DesiredObject> {
        self.objects.iter().filter(|one| !self.waiting.contains(&one.id.key())).cloned().collect()
    }

    /// Tells whether an object goes straight to the cluster, whatever the delivery is.
    pub(super) fn is_secret(&self, object: &DesiredObject) -> bool {
        self.secrets.contains(&object.object)
    }

    /// Writes the files that are committed.
    pub(super) fn files(&self, arguments: &Arguments) -> Files {
        if arguments.kind == Kind::ArgoCd {
            return argocd::files(&self.installed, self.sync.first());
        }
        let mut files = BTreeMap::new();
        let mut put = |name: &str, text: String| files.insert(name.to_owned(), text.into_bytes());
        put(gotk::COMPONENTS_FILE, gotk::components(&self.installed, &arguments.options));
        let mut listed = vec![gotk::COMPONENTS_FILE];
        if !self.sync.is_empty() {
            put(gotk::SYNC_FILE, gotk::sync(&self.sync));
            listed.push(gotk::SYNC_FILE);
        }
        put(gotk::INDEX_FILE, gotk::index(&listed));
        files
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn stamps_on_pods_are_folded_where_they_say_the_same() {
        let labels = |version: &str| json!({"app.kubernetes.io/version": version, "app": "x"});
        let mut object = json!({
            "metadata": {"labels": labels("v1")},
            "spec": {"template": {"metadata": {"labels": labels("v1")}}},
        });
        fold_stamps(&mut object);
        assert_eq!(object.pointer("/spec/template/metadata/labels"), Some(&json!({"app": "x"})));
        let mut other = json!({
            "metadata": {"labels": labels("v1")},
            "spec": {"template": {"metadata": {"labels": labels("v2")}}},
        });
        fold_stamps(&mut other);
        assert_eq!(other.pointer("/spec/template/metadata/labels"), Some(&labels("v2")));
    }
}
