//! A `strata_agent` block, decoded and checked.
//!
//! Everything here reads configuration, plan and state alike: all three have the block's shape.

use std::time::Duration;

use tf_provider::schema::{Diagnostic, Diagnostics, Object, Path};

use super::super::super::{cluster_delivery, patches};
use super::super::objects::deletions::Holder;
use super::super::objects::git::Folder;
use super::super::objects::timeouts;
use super::credentials::{self, Credentials};
use crate::argocd;
use crate::delivery::{Existing, Owner, OwnerKind};
use crate::flux::FluxError;
use crate::flux::options::{COMPONENTS, Options};
use crate::flux::sync::Reference;
use crate::manifest::patch::Written;

/// Which agent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(super) enum Kind {
    /// Flux.
    #[default]
    Flux,
    /// Argo CD.
    ArgoCd,
}

impl Kind {
    /// Returns what the agent calls itself.
    pub(super) fn title(self) -> &'static str {
        match self {
            Kind::Flux => "Flux",
            Kind::ArgoCd => "Argo CD",
        }
    }

    /// Returns how configurations call it.
    pub(super) fn word(self) -> &'static str {
        match self {
            Kind::Flux => "flux",
            Kind::ArgoCd => "argocd",
        }
    }
}

/// What a user wrote, or a state holds.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Arguments {
    /// Which agent.
    pub(super) kind: Kind,
    /// The cluster's name.
    pub(super) cluster: String,
    /// What the installation shall be like; of Argo CD, version and namespace.
    pub(super) options: Options,
    /// Where the manifests are.
    pub(super) source: Source,
    /// What is changed in the objects.
    pub(super) patches: Vec<Written>,
    /// What the agent applies.
    pub(super) sync: Option<SyncArguments>,
    /// Whether the state holds fields, not digests.
    pub(super) full_detail: bool,
    /// Kinds or keys of objects that take others along and may be deleted all the same.
    pub(super) allow_deletion_of: Vec<String>,
    /// Where in git the objects go.
    pub(super) delivery: Option<GitDelivery>,
    /// How the objects go straight to the cluster.
    pub(super) in_cluster: Option<cluster_delivery::Settings>,
    /// Whether a destroy takes away what the agent has made.
    pub(super) deletes_workloads: bool,
    /// What lets the agent into its repository; only the configuration holds it.
    pub(super) credentials: Option<Credentials>,
}

/// A `source` block.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Source {
    /// An archive or artifact elsewhere.
    pub(super) url: Option<String>,
    /// A folder or archive of this machine.
    pub(super) path: Option<String>,
    /// What pins it.
    pub(super) sha256: Option<String>,
}

/// A `sync` block.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct SyncArguments {
    /// Address of the repository, where it is not the delivery's.
    pub(super) url: Option<String>,
    /// Folder, where it is not the delivery's.
    pub(super) path: Option<String>,
    /// What is read of it.
    pub(super) reference: Reference,
    /// How often the agent looks.
    pub(super) interval: Option<Duration>,
    /// Name of the objects.
    pub(super) name: Option<String>,
    /// Name of the Secret.
    pub(super) secret: Option<String>,
    /// Whether the block brings what the Secret holds.
    pub(super) has_credentials: bool,
    /// Whether submodules are read.
    pub(super) recurse_submodules: bool,
    /// Who lets the agent in.
    pub(super) provider: Option<String>,
    /// Folders to read.
    pub(super) sparse_checkout: Vec<String>,
    /// Whether a part of the block waits for apply.
    pub(super) waits: bool,
}

/// A `delivery { git { … } }` block.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct GitDelivery {
    /// Name of the repository.
    pub(super) repository: String,
    /// The cluster's folder in it.
    pub(super) path: String,
    /// Whether files that are there are taken over.
    pub(super) adopt: bool,
}

impl Arguments {
    /// Decodes a block in which everything but the `sync` block is known.
    pub(super) fn read(block: &Object) -> Self {
        let delivery = |place: &str| block.block("delivery").and_then(|delivery| delivery.block(place));
        Arguments {
            kind: read_kind(block),
            cluster: block.string("cluster").unwrap_or_default().to_owned(),
            options: read_options(block),
            source: block.block("source").map(Source::read).unwrap_or_default(),
            patches: patches::read(block),
            sync: block.block("sync").map(SyncArguments::read),
            full_detail: block.string("plan_detail") != Some("summary"),
            allow_deletion_of: texts(block, "allow_deletion_of"),
            delivery: delivery("git").map(GitDelivery::read),
            in_cluster: delivery("cluster").map(cluster_delivery::Settings::read),
            deletes_workloads: block.string("on_destroy") == Some("delete_workloads"),
            credentials: None,
        }
    }

    /// Adds what only the configuration holds.
    pub(super) fn with_credentials_of(mut self, config: &Object) -> Self {
        self.credentials = Credentials::read(config);
        self
    }

    /// Names the agent for people: `agent flux-system on prod-eu`.
    pub(super) fn title(&self) -> String {
        format!("agent {} on {}", self.options.namespace, self.cluster)
    }

    /// Says whose objects these are, for what a plan may delete.
    pub(super) fn holder(&self) -> Holder {
        Holder {
            title: self.title(),
            cluster: self.cluster.clone(),
            allow_deletion_of: self.allow_deletion_of.clone(),
        }
    }

    /// Names the Secret that lets the agent in; none where anybody may read.
    pub(super) fn secret(&self) -> Option<String> {
        let sync = self.sync.as_ref()?;
        let own = sync.has_credentials.then(|| self.options.namespace.clone());
        sync.secret.clone().or(own)
    }

    /// Names the folder in git that the files go to.
    pub(super) fn folder(&self) -> Option<Folder> {
        let git = self.delivery.as_ref()?;
        let namespace = &self.options.namespace;
        let folder = match git.path.trim_start_matches("./").trim_end_matches('/') {
            "" | "." => namespace.clone(),
            path => format!("{path}/{namespace}"),
        };
        let owner = Owner {
            kind: OwnerKind::Agent,
            cluster: self.cluster.clone(),
            namespace: namespace.clone(),
            name: self.kind.word().to_owned(),
        };
        let existing = if git.adopt { Existing::Adopt } else { Existing::Refuse };
        Some(Folder { place: (git.repository.clone(), folder), owner, existing })
    }
}

fn texts(block: &Object, name: &str) -> Vec<String> {
    block.strings(name).into_iter().map(str::to_owned).collect()
}

fn read_kind(block: &Object) -> Kind {
    if block.string("kind") == Some(Kind::ArgoCd.word()) { Kind::ArgoCd } else { Kind::Flux }
}

fn read_options(block: &Object) -> Options {
    let mut default = Options::default();
    if read_kind(block) == Kind::ArgoCd {
        default.namespace = argocd::NAMESPACE.to_owned();
    }
    let text = |name: &str, default: String| block.string(name).map_or(default, str::to_owned);
    let mut components = texts(block, "components");
    if components.is_empty() {
        components = COMPONENTS.map(str::to_owned).to_vec();
    }
    components.extend(texts(block, "components_extra"));
    Options {
        version: text("version", default.version),
        namespace: text("namespace", default.namespace),
        components,
        registry: text("registry", default.registry),
        image_pull_secret: block.string("image_pull_secret").map(str::to_owned),
        watch_all_namespaces: block.bool("watch_all_namespaces").unwrap_or(true),
        network_policy: block.bool("network_policy").unwrap_or(true),
        log_level: text("log_level", default.log_level),
        cluster_domain: text("cluster_domain", default.cluster_domain),
        toleration_keys: texts(block, "toleration_keys"),
        events_address: text("events_address", String::new()),
    }
}

impl Source {
    fn read(block: &Object) -> Self {
        let text = |name: &str| block.string(name).map(str::to_owned);
        Source { url: text("url"), path: text("path"), sha256: text("sha256") }
    }
}

impl SyncArguments {
    fn read(block: &Object) -> Self {
        let text = |name: &str| block.string(name).map(str::to_owned);
        SyncArguments {
            url: text("url"),
            path: text("path"),
            reference: Reference {
                branch: text("branch"),
                tag: text("tag"),
                semver: text("semver"),
                commit: text("commit"),
            },
            interval: block.string("interval").and_then(timeouts::parse_duration),
            name: text("name"),
            secret: text("secret"),
            has_credentials: block.block("credentials").is_some(),
            recurse_submodules: block.bool("recurse_submodules").unwrap_or(false),
            provider: text("provider"),
            sparse_checkout: texts(block, "sparse_checkout"),
            waits: !block.is_wholly_known(),
        }
    }
}

impl GitDelivery {
    fn read(block: &Object) -> Self {
        let text = |name: &str| block.string(name).unwrap_or_default().to_owned();
        GitDelivery {
            repository: text("repository"),
            path: text("path"),
            adopt: block.bool("adopt").unwrap_or(false),
        }
    }
}

/// Checks what the schema cannot say; unknown values may stand anywhere.
pub(super) fn validate(config: &Object) -> Diagnostics {
    let mut found = Diagnostics::new();
    validate_options(config, &mut found);
    validate_kind(config, &mut found);
    validate_source(config, &mut found);
    validate_sync(config, &mut found);
    patches::validate(config, &mut found);
    timeouts::validate(config, &mut found);
    validate_delivery(config, &mut found);
    found
}

fn validate_delivery(config: &Object, found: &mut Diagnostics) {
    const PLACES: [&str; 2] = ["git", "cluster"];
    let delivery = config.block("delivery");
    let credentials = config.block("sync").is_some_and(|sync| !sync.is_null("credentials"));
    if credentials && config.is_null("delivery") {
        found.push(
            Diagnostic::error("sync.credentials go to the cluster, and nothing is delivered")
                .hint("add a delivery block, or take the credentials out and name a Secret with `secret`")
                .at(Path::from("sync").attribute("credentials")),
        );
    }
    let Some(delivery) = delivery.filter(|block| !PLACES.iter().any(|place| block.is_unknown(place))) else {
        return;
    };
    match PLACES.iter().filter(|place| !delivery.is_null(place)).count() {
        0 => found.push(
            Diagnostic::error("the delivery block is empty")
                .hint("say where the objects go, `git { … }` or `cluster { … }`, or leave the block out to generate only")
                .at("delivery"),
        ),
        1 => {}
        _ => found.push(
            Diagnostic::error("the agent would have two owners")
                .detail("From git it applies itself; two writers of one object undo each other's work.")
                .hint("keep `git { … }`, and the agent owns itself, or `cluster { … }`, and Terraform owns it")
                .at("delivery"),
        ),
    }
}

/// Holds the options that are known against what Flux works with; those that are not known stand at their defaults.
fn validate_options(config: &Object, found: &mut Diagnostics) {
    let mut options = read_options(config);
    if config.string("version").is_none() {
        options.version = "0.0.0".to_owned();
    }
    found.extend(options.check().err().into_iter().flatten().map(|error| of_flux(&error)));
}

/// Refuses options that only Flux has.
fn validate_kind(config: &Object, found: &mut Diagnostics) {
    const OF_FLUX: [&str; 10] = [
        "components",
        "components_extra",
        "registry",
        "image_pull_secret",
        "network_policy",
        "watch_all_namespaces",
        "toleration_keys",
        "cluster_domain",
        "log_level",
        "events_address",
    ];
    const OF_SYNC: [&str; 6] =
        ["interval", "secret", "credentials", "recurse_submodules", "provider", "sparse_checkout"];
    if read_kind(config) == Kind::Flux || config.is_unknown("kind") {
        return;
    }
    let mut refuse = |at: Path, name: &str| {
        found.push(
            Diagnostic::error(format!("Argo CD has no option {name}"))
                .hint("take it out; what shall be different from the release is a `patch`")
                .at(at),
        );
    };
    for name in OF_FLUX.into_iter().filter(|name| !config.is_null(name)) {
        refuse(Path::from(name), name);
    }
    for name in
        OF_SYNC.into_iter().filter(|name| config.block("sync").is_some_and(|sync| !sync.is_null(name)))
    {
        refuse(Path::from("sync").attribute(name), &format!("sync.{name}"));
    }
}

fn validate_source(config: &Object, found: &mut Diagnostics) {
    let Some(source) = config.block("source") else { return };
    if !source.is_null("url") && !source.is_null("path") {
        found.push(
            Diagnostic::error("source has both a url and a path")
                .hint("keep the one that the manifests shall come from")
                .at("source"),
        );
    }
    if let Some(digest) = source.string("sha256") {
        let digits = digest.strip_prefix("sha256:").unwrap_or(digest);
        if digits.len() != 64 || !digits.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            found.push(
                Diagnostic::error(format!("source.sha256 is no digest: {digest:?}"))
                    .hint("write the 64 hexadecimal digits that `sha256sum` prints")
                    .at(Path::from("source").attribute("sha256")),
            );
        }
    }
}

fn validate_sync(config: &Object, found: &mut Diagnostics) {
    let Some(sync) = config.block("sync") else { return };
    let at = |name: &str| Path::from("sync").attribute(name);
    if let Some(text) = sync.string("interval")
        && timeouts::parse_duration(text).is_none()
    {
        found.push(
            Diagnostic::error(format!("sync.interval is no duration: {text:?}"))
                .hint("write a whole number with `s`, `m` or `h`, such as `90s` or `1h30m`")
                .at(at("interval")),
        );
    }
    credentials::validate(sync, found);
    let follows = config.block("delivery").is_some_and(|delivery| !delivery.is_null("git"));
    if !follows && !config.is_unknown("delivery") {
        for name in ["url", "path"].into_iter().filter(|name| sync.is_null(name)) {
            found.push(
                Diagnostic::error(format!("sync has no {name}"))
                    .detail("Without a delivery to git there is none to follow.")
                    .hint(format!("add `{name}` to the sync block, or deliver to git"))
                    .at(at(name)),
            );
        }
    }
    if let Some(url) = sync.string("url") {
        validate_sync_url(url, found);
    }
}

fn validate_sync_url(url: &str, found: &mut Diagnostics) {
    let at = || Path::from("sync").attribute("url");
    let rest = ["https://", "http://", "ssh://"].into_iter().find_map(|scheme| url.strip_prefix(scheme));
    let Some(rest) = rest else {
        found.push(
            Diagnostic::error(format!("Flux cannot read {url:?}"))
                .hint("write https://HOST/PATH or ssh://USER@HOST/PATH; `user@host:path` is not understood by Flux")
                .at(at()),
        );
        return;
    };
    let user = rest.split('/').next().and_then(|host| host.rsplit_once('@')).map(|(user, _)| user);
    if user.is_some_and(|user| user.contains(':') || !url.starts_with("ssh://")) {
        found.push(
            Diagnostic::error("sync.url holds credentials")
                .hint("take them out of the address and name a Secret with `secret`: objects are readable by many")
                .at(at()),
        );
    }
}

/// Turns what is wrong with a release or its options into a diagnostic at the attribute to blame.
pub(super) fn of_flux(error: &FluxError) -> Diagnostic {
    let at = match error {
        FluxError::Option { option, .. } => Path::from(*option),
        FluxError::Component { .. } => Path::from("components"),
        _ => Path::from("source"),
    };
    Diagnostic::error(error.to_string()).hint(error.hint()).at(at)
}
