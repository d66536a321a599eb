//! Import: from the files of `flux bootstrap`, or of another run of this resource, to a state whose next plan is empty. What is
//! live in a cluster is found by `import_live`.

use std::sync::Arc;
use std::time::Duration;

use tf_provider::schema::{Diagnostic, Diagnostics, Imported, Object, Value};

use super::super::super::{Shared, patches};
use super::super::objects::description::Keep;
use super::super::objects::git::GitPlace;
use super::arguments::{Arguments, of_flux};
use super::files::{self, Found};
use super::private::Private;
use super::{attributes, desired, import_live};
use crate::delivery::Instant;
use crate::flux::adopt::{self, Adopted};
use crate::flux::gotk;
use crate::flux::options::{COMPONENTS, Options};
use crate::flux::sync::{Reference, Sync, go_duration};

/// Reading a repository for an import may take this long.
const LONGEST: Duration = Duration::from_secs(300);

/// What an import id says: `CLUSTER@REPOSITORY:PATH`.
struct Id<'a> {
    cluster: &'a str,
    repository: &'a str,
    path: &'a str,
}

/// Finds the agent of a cluster in a folder of the provider's repository.
pub(super) async fn import(shared: &Arc<Shared>, id: &str) -> Result<Imported, Diagnostics> {
    if !id.contains('@') {
        return import_live::import(shared, id).await;
    }
    let named = Id::read(id)?;
    shared.configuration()?.cluster(named.cluster)?;
    let namespace = Options::default().namespace;
    let (arguments, found) = find(shared, named.repository, named.path, &namespace).await?;
    let arguments = Arguments { cluster: named.cluster.to_owned(), ..arguments };
    let adopted = adopt::installation(&found.objects).map_err(|error| of_flux(&error))?;
    if found.has_patch_files {
        return Err(Diagnostic::error("the agent's kustomization.yaml names patches in files of their own")
            .hint("write them into kustomization.yaml, under `patches`, and import then; they become `patch` blocks")
            .into());
    }
    let mut state = state(shared, &named, &adopted)?.with("patch", patches::to_blocks(&found.patches));
    let mut wanted = Arguments { cluster: arguments.cluster, ..Arguments::read(&state) };
    // The manifests are usually there, and then the next plan is empty; without them it shows what they would change.
    if let Ok(mut desired) = desired::desired(shared, &wanted, None, &Default::default()).await {
        let generated: Vec<_> = desired.installed.iter().chain(&desired.sync).cloned().collect();
        let more = adopt::differences(&found.objects, &generated);
        if !more.is_empty() {
            wanted.patches.extend(more);
            state.set("patch", patches::to_blocks(&wanted.patches));
            desired = desired::desired(shared, &wanted, None, &Default::default()).await?;
        }
        state = attributes::with_computed(state, &wanted, &desired);
    }
    let mut imported = Imported::of(attributes::with_found(state, &wanted, &found));
    imported.private = Private { delivered: found.files, ..Private::default() }.write();
    Ok(imported)
}

impl<'a> Id<'a> {
    fn read(id: &'a str) -> Result<Self, Diagnostic> {
        let parts = id.split_once('@').and_then(|(cluster, rest)| {
            let (repository, path) = rest.split_once(':')?;
            Some(Id { cluster, repository, path: path.trim_end_matches('/') })
        });
        let whole = parts.filter(|id| ![id.cluster, id.repository, id.path].contains(&""));
        whole.ok_or_else(|| {
            Diagnostic::error(format!("{id:?} is no import id of an agent")).hint(
                "write CLUSTER@REPOSITORY:PATH, names of the provider's blocks and the cluster's folder in the repository; or \
                 CLUSTER or CLUSTER/NAMESPACE, for an agent that is live there",
            )
        })
    }
}

/// Looks for the files of an agent where `flux bootstrap` puts them.
pub(super) async fn find(
    shared: &Arc<Shared>,
    repository: &str,
    path: &str,
    namespace: &str,
) -> Result<(Arguments, Found), Diagnostics> {
    let deadline = Instant::now() + LONGEST;
    let options = Options { namespace: namespace.to_owned(), ..Options::default() };
    let arguments = Arguments::read(&block(&Id { cluster: "", repository, path }, &options));
    let place = match arguments.folder() {
        Some(folder) => GitPlace::open(shared, folder, arguments.title())?,
        None => None,
    };
    let place = place.ok_or_else(|| {
        Diagnostic::error(format!("the address of repository {:?} is not known yet", repository))
    })?;
    let names = [gotk::COMPONENTS_FILE, gotk::SYNC_FILE, gotk::INDEX_FILE].map(str::to_owned);
    let reading = place.read_whole(names.into_iter(), deadline).await.map_err(|unreadable| {
        Diagnostic::error(format!("the agent in {}:{} cannot be read", repository, path))
            .detail(unreadable.detail)
            .hint("check the repository's address, branch and credentials")
    })?;
    let found = files::found(&reading);
    if !found.files.contains_key(gotk::COMPONENTS_FILE) {
        return Err(Diagnostic::error(format!(
            "there is no agent in {:?} of repository {:?}",
            path, repository
        ))
        .detail(format!("{}/{} holds no {}.", path, arguments.options.namespace, gotk::COMPONENTS_FILE))
        .hint("name the folder that was given to `flux bootstrap` as its path")
        .into());
    }
    Ok((arguments, found))
}

fn block(id: &Id<'_>, options: &Options) -> Object {
    let git = Object::new().with("repository", id.repository).with("path", id.path);
    block_of(id.cluster, options, Object::new().with("git", git))
}

fn block_of(cluster: &str, options: &Options, delivery: Object) -> Object {
    Object::new()
        .with("kind", "flux")
        .with("cluster", cluster)
        .with("namespace", options.namespace.as_str())
        .with("version", options.version.as_str())
        .with("delivery", delivery)
}

fn state(shared: &Shared, id: &Id<'_>, adopted: &Adopted) -> Result<Object, Diagnostics> {
    let options = &adopted.options;
    let repository = shared.configuration()?.repository(id.repository)?;
    let implied = Implied {
        url: repository.remote.as_ref().map_or("", |remote| remote.url()),
        path: id.path,
        branch: &repository.branch,
    };
    Ok(with_arguments(block(id, options), adopted, &implied)
        .with("delivered", format!("{}:{}/{}", id.repository, id.path, options.namespace))
        .with("status", "delivered"))
}

/// Writes the arguments that give what is live in a cluster.
pub(super) fn live_state(cluster: &str, adopted: &Adopted, delivery: Object) -> Object {
    let block = block_of(cluster, &adopted.options, Object::new().with("cluster", delivery));
    with_arguments(block, adopted, &Implied { url: "", path: "", branch: "main" })
}

/// Writes the arguments that give what was found; what is at its default is left out where the schema knows no default.
fn with_arguments(block: Object, adopted: &Adopted, implied: &Implied<'_>) -> Object {
    let options = &adopted.options;
    let default = Options::default();
    let text = |text: &Option<String>| text.as_deref().map_or(Value::Null, Value::from);
    let (components, extra) = components(options);
    let sync = adopted.sync.as_ref().map_or(Value::Null, |sync| sync_block(sync, implied).into());
    block
        .with("components", components)
        .with("components_extra", extra)
        .with("registry", unless(&options.registry, &default.registry))
        .with("image_pull_secret", text(&options.image_pull_secret))
        .with("network_policy", if options.network_policy { Value::Null } else { false.into() })
        .with("watch_all_namespaces", if options.watch_all_namespaces { Value::Null } else { false.into() })
        .with("toleration_keys", list(&options.toleration_keys))
        .with("cluster_domain", unless(&options.cluster_domain, &default.cluster_domain))
        .with("log_level", unless(&options.log_level, &default.log_level))
        .with("events_address", unless(&options.events_address, ""))
        .with("plan_detail", "full")
        .with("on_destroy", "keep_workloads")
        .with("sync", sync)
}

/// What a sync is where its block does not say it.
struct Implied<'a> {
    url: &'a str,
    path: &'a str,
    branch: &'a str,
}

/// Parts the components into those that are installed by default, left out where they all are, and what came beside them.
fn components(options: &Options) -> (Value, Value) {
    match options.components.strip_prefix(&COMPONENTS.map(str::to_owned)[..]) {
        Some(extra) => (Value::Null, list(extra)),
        None => (list(&options.components), Value::Null),
    }
}

fn unless(text: &str, default: &str) -> Value {
    if text == default { Value::Null } else { Value::from(text) }
}

fn list(texts: &[String]) -> Value {
    if texts.is_empty() { Value::Null } else { Value::list(texts.iter().map(String::as_str)) }
}

/// Writes the sync; what follows from the delivery is left out.
fn sync_block(sync: &Sync, implied: &Implied<'_>) -> Object {
    const EVERY: Duration = Duration::from_secs(60);
    let only_branch = Reference { branch: Some(implied.branch.to_owned()), ..Reference::default() };
    let branch = if sync.reference == only_branch { &None } else { &sync.reference.branch };
    let text = |text: &Option<String>| text.as_deref().map_or(Value::Null, Value::from);
    Object::new()
        .with("url", unless(&sync.url, implied.url))
        .with("path", unless(&sync.path, implied.path))
        .with("branch", text(branch))
        .with("tag", text(&sync.reference.tag))
        .with("semver", text(&sync.reference.semver))
        .with("commit", text(&sync.reference.commit))
        .with(
            "interval",
            if sync.interval == EVERY { Value::Null } else { go_duration(sync.interval).into() },
        )
        .with("name", unless(&sync.name, &sync.namespace))
        .with("secret", text(&sync.secret))
        .with("recurse_submodules", if sync.recurse_submodules { Value::from(true) } else { Value::Null })
        .with("provider", unless(&sync.provider, ""))
        .with("sparse_checkout", list(&sync.sparse_checkout))
}
