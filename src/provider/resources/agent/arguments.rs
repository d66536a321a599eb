//! A `strata_agent` block, decoded.
//!
//! Everything here reads configuration, plan and state alike: all three have the block's shape.

use std::time::Duration;

use tf_provider::schema::{Diagnostic, Object, Path};

use super::super::super::{cluster_delivery, patches};
use super::super::objects::deletions::Holder;
use super::super::objects::git::Folder;
use super::super::objects::timeouts;
use super::credentials::Credentials;
use super::registry::RegistryCredentials;
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
    /// Whether the block brings what the images are pulled with.
    pub(super) has_registry_credentials: bool,
    /// What the images are pulled with; only the configuration holds it.
    pub(super) registry: Option<RegistryCredentials>,
    /// Whether a state says that something did not come to its end.
    pub(super) is_incomplete: bool,
    /// Whether a part of what the Secrets hold waits for apply.
    pub(super) secrets_wait: bool,
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
            has_registry_credentials: block.block("registry_credentials").is_some(),
            registry: None,
            is_incomplete: block.string("status") == Some("incomplete"),
            secrets_wait: false,
        }
    }

    /// Adds what only the configuration holds.
    pub(super) fn with_credentials_of(mut self, config: &Object) -> Self {
        self.credentials = Credentials::read(config, self.kind);
        self.registry = RegistryCredentials::read(config, &self.options.registry);
        let blocks = [
            config.block("sync").and_then(|sync| sync.block("credentials")),
            config.block("registry_credentials"),
        ];
        self.secrets_wait = blocks.into_iter().flatten().any(|block| !block.is_wholly_known());
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

    /// Tells whether the block brings what Secrets hold.
    pub(super) fn has_secrets(&self) -> bool {
        self.has_registry_credentials || self.sync.as_ref().is_some_and(|sync| sync.has_credentials)
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

/// Decodes which agent it is.
pub(super) fn read_kind(block: &Object) -> Kind {
    if block.string("kind") == Some(Kind::ArgoCd.word()) { Kind::ArgoCd } else { Kind::Flux }
}

/// Decodes the options; those that are not given or not known stand at their defaults.
pub(super) fn read_options(block: &Object) -> Options {
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

/// Turns what is wrong with a release or its options into a diagnostic at the attribute to blame.
pub(super) fn of_flux(error: &FluxError) -> Diagnostic {
    let at = match error {
        FluxError::Option { option, .. } => Path::from(*option),
        FluxError::Component { .. } => Path::from("components"),
        _ => Path::from("source"),
    };
    Diagnostic::error(error.to_string()).hint(error.hint()).at(at)
}
