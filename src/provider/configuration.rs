//! The `provider "strata"` block: repositories, clusters and where relative paths start.
//!
//! One block serves every cluster. A value that is unknown at plan makes only what needs it wait.

use std::collections::BTreeMap;
use std::path::{Path as FilePath, PathBuf};

use tf_provider::schema::{
    Attribute, Block, Diagnostic, Diagnostics, NestedBlock, Object, Path, Schema, Type,
};

use super::{connections, guard, layouts, substitutes};
use crate::layers::layout::{Captures, Layout};
use crate::source::charts::{Places, Registry};
use crate::source::git::{Credentials, Reach, Remote};
use crate::source::repositories::{self, Instead, Repositories, Substitute};
use crate::source::sops::KeySources;
use crate::source::{Secret, SourceError};

/// The provider's configuration, decoded.
#[derive(Debug)]
pub(crate) struct Configuration {
    root: PathBuf,
    cache: PathBuf,
    offline: bool,
    registries: Vec<Registry>,
    agent_source: Option<String>,
    repositories: BTreeMap<String, Repository>,
    clusters: BTreeMap<String, Cluster>,
    layouts: BTreeMap<String, Layout>,
    guard: guard::Guard,
    sops: KeySources,
}

/// A git repository that releases are delivered to, or layers and charts are read from.
#[derive(Clone, Debug)]
pub(crate) struct Repository {
    /// Address and credentials; none while one of them is unknown at plan.
    pub(crate) remote: Option<Remote>,
    /// The branch that the clusters read.
    pub(crate) branch: String,
    /// Who the commits are by.
    pub(crate) author: Author,
    /// What layers and charts are read at where they do not say.
    reference: Option<String>,
    /// What they are read from instead.
    substitutes: Vec<Substitute>,
}

impl Repository {
    /// Returns what layers and charts are read from instead, for change.
    pub(crate) fn substitutes_mut(&mut self) -> &mut Vec<Substitute> {
        &mut self.substitutes
    }
}

/// Who commits.
#[derive(Clone, Debug)]
pub(crate) struct Author {
    /// The name in commits.
    pub(crate) name: String,
    /// The mail address in commits.
    pub(crate) email: String,
}

/// What is known of a cluster.
#[derive(Clone, Debug, Default)]
pub(crate) struct Cluster {
    /// The Kubernetes version that charts see, unless a release says another.
    pub(crate) kube_version: Option<String>,
    /// API versions that charts see beside the built-in ones.
    pub(crate) api_versions: Vec<String>,
    /// How its API server is reached.
    pub(crate) access: connections::Access,
    /// Facts about the cluster, which stand for captures of layouts.
    pub(crate) labels: Captures,
    /// Which of these are not known at plan.
    pub(crate) unknown: Vec<&'static str>,
}

/// Describes the `provider` block.
pub(crate) fn schema() -> Schema {
    Schema::new()
        .description(
            "Rolls out layered Helm releases to many clusters. Its plans show, object by object, what changes on \
             which cluster, and which layer decided it.",
        )
        .attribute(
            "root",
            Attribute::optional(Type::String)
                .description("Folder that relative paths of charts and layers start from, usually `path.root`. Default: the working directory."),
        )
        .attribute(
            "cache_dir",
            Attribute::optional(Type::String)
                .description("Folder for clones of repositories and for charts, shared by parallel runs. Default: `strata` in the user's cache folder."),
        )
        .attribute(
            "offline",
            Attribute::optional(Type::Bool)
                .description("Whether charts come from `cache_dir` alone; what is missing there is an error. Default: `false`."),
        )
        .attribute(
            "agent_source",
            Attribute::optional(Type::String)
                .description("Where `strata_agent` resources without a `source` block take their manifests from, such as a mirror, `https://mirror.example.com/flux/{version}/manifests.tar.gz`, `oci://HOST/PATH`, or a folder. `{kind}` stands for `flux` or `argocd`. Default: the official releases."),
        )
        .block("repository", NestedBlock::list(repository_block()))
        .block("registry", NestedBlock::list(registry_block()))
        .block("cluster", NestedBlock::list(cluster_block()))
        .block("layout", NestedBlock::list(layouts::schema()))
        .block("sops", NestedBlock::single(sops_block()))
        .block("guard", NestedBlock::single(guard::schema()))
}

fn repository_block() -> Block {
    let text = || Attribute::optional(Type::String);
    Block::new()
        .description("A git repository that releases are delivered to, or layers and charts are read from.")
        .attribute("name", Attribute::required(Type::String).description("Name that releases refer to."))
        .attribute(
            "url",
            Attribute::required(Type::String)
                .description("Address: `https://…`, `ssh://…`, `user@host:path` or `file://…`, without any password in it."),
        )
        .attribute("branch", text().description("Branch that the clusters read, which releases are delivered to. Default: `main`."))
        .attribute("ref", text().description("Branch, tag or full commit id at which layers and charts are read that do not say one. Default: the repository's default branch."))
        .attribute(
            "work_tree",
            text().description(
                "Folder of this machine that layers and charts are read from instead, whatever their `ref`: to plan what is not pushed yet. \
                 The environment variables `STRATA_WORK_TREES` and `STRATA_REFS` say the same from outside: `NAME=FOLDER` and `NAME=REF`, with \
                 commas between them; `NAME@REF=…` stands in for that `ref` alone. A warning names each.",
            ),
        )
        .attribute("username", text().description("User name for https. Default: `oauth2`, which servers that look at the token alone accept."))
        .attribute("password", text().sensitive().description("Password or token for https."))
        .attribute("certificate_authority", text().description("PEM text of the certificate authority that signed the server's certificate, for https."))
        .attribute("private_key", text().sensitive().description("Private key for ssh, in OpenSSH or PEM form, without a passphrase."))
        .attribute("known_hosts", text().description("Lines of a known_hosts file that name the server's key; required for ssh, the first key seen is never trusted."))
        .attribute("author_name", text().description("Author of the commits. Default: `strata`."))
        .attribute("author_email", text().description("Mail address of the author. Default: `strata@localhost`."))
}

fn registry_block() -> Block {
    let text = || Attribute::optional(Type::String);
    Block::new()
        .description(
            "A host that charts are fetched from, an OCI registry or a classic Helm repository. Without a block for an OCI \
             registry, the files and credential commands of Helm (`HELM_REGISTRY_CONFIG`) and Docker (`DOCKER_CONFIG`) are \
             looked at; an OCI registry that refuses credentials is asked again without them.",
        )
        .attribute("host", Attribute::required(Type::String).description("Host, with its port where it has one: `registry.example.com`."))
        .attribute("username", text().description("User name."))
        .attribute("password", text().sensitive().description("Password or token. It is sent to this host only."))
        .attribute("certificate_authority", text().description("PEM text of the certificate authority that signed the host's certificate, where the machine does not trust it."))
}

fn sops_block() -> Block {
    Block::new()
        .description(
            "How layers that are encrypted with SOPS are decrypted. Age keys are looked for here, in `SOPS_AGE_KEY`, in the file that \
             `SOPS_AGE_KEY_FILE` names and in `sops/age/keys.txt` of the user's configuration folder; files for other kinds of keys go \
             through the `sops` command.",
        )
        .attribute("age_key", Attribute::optional(Type::String).sensitive().description("Private age keys, one a line: `AGE-SECRET-KEY-1…`."))
}

fn cluster_block() -> Block {
    connections::with_connection(Block::new())
        .description("A cluster that releases run on.")
        .attribute("name", Attribute::required(Type::String).description("Name that releases refer to."))
        .attribute(
            "kube_version",
            Attribute::optional(Type::String)
                .description("Kubernetes version that charts see as `.Capabilities.KubeVersion`, such as `1.34.0`."),
        )
        .attribute(
            "api_versions",
            Attribute::optional(Type::list(Type::String))
                .description("API versions that charts see in `.Capabilities.APIVersions` beside the built-in ones, such as `monitoring.coreos.com/v1`."),
        )
        .attribute("labels", Attribute::optional(Type::map(Type::String)).description("Facts about the cluster, such as its environment and region; layouts use them as `{environment}` and `{region}`."))
}

/// Checks what can be checked while values may be unknown.
pub(crate) fn validate(config: &Object) -> Diagnostics {
    let mut found = Diagnostics::new();
    for block in ["repository", "cluster", "layout"] {
        let mut seen: BTreeMap<&str, usize> = BTreeMap::new();
        for (index, entry) in config.blocks(block).into_iter().enumerate() {
            let Some(name) = entry.string("name") else { continue };
            if let Some(first) = seen.insert(name, index) {
                found.push(
                    Diagnostic::error(format!("two {block} blocks are named {name:?}"))
                        .detail(format!("The other one is number {}; names must be unique.", first + 1))
                        .at(Path::from(block).index(index).attribute("name")),
                );
            }
        }
    }
    for (index, entry) in config.blocks("cluster").into_iter().enumerate() {
        connections::validate(entry, &Path::from("cluster").index(index), &mut found);
    }
    for (index, entry) in config.blocks("registry").into_iter().enumerate() {
        let Some(host) = entry.string("host") else { continue };
        if host.is_empty() || host.contains(['/', '@', ' ']) {
            found.push(
                Diagnostic::error(format!("{host:?} is no host"))
                    .hint("write the host alone, with its port where it has one: `registry.example.com:5000`")
                    .at(Path::from("registry").index(index).attribute("host")),
            );
        }
    }
    for (index, entry) in config.blocks("repository").into_iter().enumerate() {
        if let Err(diagnostic) = remote(entry) {
            found.push(diagnostic.at(Path::from("repository").index(index).attribute("url")));
        }
    }
    layouts::validate(config, &mut found);
    guard::validate(config, &mut found);
    found
}

impl Configuration {
    /// Decodes the block.
    ///
    /// # Errors
    /// When an address or credentials cannot be used.
    pub(crate) fn read(config: &Object) -> Result<Self, Diagnostics> {
        validate(config).into_result()?;
        let root = config.string("root").unwrap_or(".");
        let mut repositories = named(config, "repository", read_repository);
        substitutes::add(&mut repositories, FilePath::new(root))?;
        Ok(Self {
            root: PathBuf::from(root),
            cache: config.string("cache_dir").map_or_else(default_cache, PathBuf::from),
            offline: config.bool("offline").unwrap_or(false),
            agent_source: config.string("agent_source").map(str::to_owned),
            registries: config.blocks("registry").into_iter().filter_map(read_registry).collect(),
            repositories,
            clusters: named(config, "cluster", |block| read_cluster(block, FilePath::new(root))),
            layouts: layouts::read(config),
            guard: guard::read(config),
            sops: read_sops(config),
        })
    }

    /// Makes a path of the configuration absolute or relative to where the provider runs.
    pub(crate) fn resolve(&self, path: &str) -> PathBuf {
        self.root.join(path)
    }

    /// Returns where agents that do not say it take their manifests from.
    pub(crate) fn agent_source(&self) -> Option<&str> {
        self.agent_source.as_deref()
    }

    /// Returns the folder for clones.
    pub(crate) fn cache(&self) -> &FilePath {
        &self.cache
    }

    /// Returns what finding charts depends on.
    pub(crate) fn places(&self, repositories: Repositories) -> Places {
        Places {
            cache: self.cache.clone(),
            registries: self.registries.clone(),
            repositories,
            offline: self.offline,
        }
    }

    /// Returns the repositories that layers and charts are read from.
    pub(crate) fn readable(&self) -> Repositories {
        let reach = if self.offline { Reach::Cache } else { Reach::Remote };
        let mut all = Repositories::new(self.cache.join("git"), reach);
        for (name, one) in &self.repositories {
            let (remote, reference) = (one.remote.clone(), one.reference.clone());
            let substitutes = one.substitutes.clone();
            all.insert(name, repositories::Repository { remote, reference, substitutes });
        }
        all
    }

    /// Returns where keys of encrypted layers are.
    pub(crate) fn sops(&self) -> &KeySources {
        &self.sops
    }

    /// Warns of what is read from elsewhere than the configuration's repositories say.
    pub(crate) fn warnings(&self) -> Diagnostics {
        let all = self.repositories.iter();
        all.flat_map(|(name, one)| one.substitutes.iter().map(|one| substitutes::warning(name, one)))
            .collect()
    }

    /// Finds a repository by name, or lists the names there are.
    pub(crate) fn repository(&self, name: &str) -> Result<&Repository, Diagnostic> {
        find(&self.repositories, name, "repository")
    }

    /// Finds a cluster by name, or lists the names there are.
    pub(crate) fn cluster(&self, name: &str) -> Result<&Cluster, Diagnostic> {
        find(&self.clusters, name, "cluster")
    }

    /// Lists the names of the clusters.
    pub(crate) fn cluster_names(&self) -> impl Iterator<Item = &str> {
        self.clusters.keys().map(String::as_str)
    }

    /// Lists the names of the repositories.
    pub(crate) fn repository_names(&self) -> impl Iterator<Item = &str> {
        self.repositories.keys().map(String::as_str)
    }

    /// Returns the bounds on what one plan may take away.
    pub(crate) fn guard(&self) -> &guard::Guard {
        &self.guard
    }

    /// Finds a layout by name, or lists the names there are.
    pub(crate) fn layout(&self, name: &str) -> Result<&Layout, Diagnostic> {
        find(&self.layouts, name, "layout")
    }
}

fn find<'a, T>(all: &'a BTreeMap<String, T>, name: &str, block: &str) -> Result<&'a T, Diagnostic> {
    all.get(name).ok_or_else(|| {
        let known: Vec<&str> = all.keys().map(String::as_str).collect();
        let known = if known.is_empty() { "none".to_owned() } else { known.join(", ") };
        Diagnostic::error(format!("the provider has no {block} named {name:?}"))
            .detail(format!("Known: {known}."))
            .hint(format!("add a `{block} {{ name = {name:?} … }}` block to the provider"))
    })
}

fn named<T>(config: &Object, block: &str, read: impl Fn(&Object) -> T) -> BTreeMap<String, T> {
    let entries = config.blocks(block).into_iter();
    entries.filter_map(|entry| Some((entry.string("name")?.to_owned(), read(entry)))).collect()
}

/// Takes keys from the block and from the environment.
fn read_sops(config: &Object) -> KeySources {
    let block = config.block("sops");
    KeySources {
        given: block.and_then(|block| block.string("age_key")).map(Secret::new),
        is_waiting: block.is_some_and(|block| block.is_unknown("age_key")),
        ..KeySources::from_environment()
    }
}

fn read_registry(block: &Object) -> Option<Registry> {
    let text = |name: &str| block.string(name).map(str::to_owned);
    Some(Registry {
        host: text("host")?,
        username: text("username"),
        password: text("password").map(Secret::new),
        certificate_authority: text("certificate_authority"),
    })
}

fn read_cluster(block: &Object, root: &FilePath) -> Cluster {
    Cluster {
        access: connections::read(block, root),
        kube_version: block.string("kube_version").map(str::to_owned),
        api_versions: block.strings("api_versions").into_iter().map(str::to_owned).collect(),
        labels: block
            .string_map("labels")
            .into_iter()
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .collect(),
        unknown: ["kube_version", "api_versions", "labels"]
            .into_iter()
            .filter(|name| !block.get(name).is_wholly_known())
            .collect(),
    }
}

fn read_repository(block: &Object) -> Repository {
    Repository {
        remote: remote(block).ok().flatten(),
        branch: block.string("branch").unwrap_or("main").to_owned(),
        author: Author {
            name: block.string("author_name").unwrap_or("strata").to_owned(),
            email: block.string("author_email").unwrap_or("strata@localhost").to_owned(),
        },
        reference: block.string("ref").filter(|reference| !reference.is_empty()).map(str::to_owned),
        substitutes: block
            .string("work_tree")
            .map(|folder| Substitute { of: String::new(), with: Instead::WorkTree(PathBuf::from(folder)) })
            .into_iter()
            .collect(),
    }
}

/// Reads address and credentials; nothing while one of them is unknown.
fn remote(block: &Object) -> Result<Option<Remote>, Diagnostic> {
    const PARTS: [&str; 6] =
        ["url", "username", "password", "certificate_authority", "private_key", "known_hosts"];
    if PARTS.iter().any(|part| block.is_unknown(part)) {
        return Ok(None);
    }
    let Some(url) = block.string("url") else { return Ok(None) };
    let text = |name: &str| block.string(name).map(str::to_owned);
    let credentials = match (text("password"), text("private_key")) {
        (Some(_), Some(_)) => {
            return Err(Diagnostic::error(format!(
                "repository {url:?} has both a password and a private key"
            ))
            .hint("keep the one that fits the address: a password for https, a key for ssh"));
        }
        (Some(password), None) => Credentials::Basic {
            username: text("username").unwrap_or_else(|| "oauth2".to_owned()),
            password: Secret::new(password),
        },
        (None, Some(private_key)) => Credentials::SshKey {
            private_key: Secret::new(private_key),
            known_hosts: text("known_hosts").unwrap_or_default(),
        },
        (None, None) => Credentials::None,
    };
    let remote = Remote::new(url, credentials, text("certificate_authority"));
    remote.map(Some).map_err(|error: SourceError| super::diagnostics::of_source(&error))
}

/// Returns the folder `strata` in the user's cache folder.
fn default_cache() -> PathBuf {
    let from = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    from("XDG_CACHE_HOME")
        .or_else(|| from("HOME").map(|home| home.join(".cache")))
        .unwrap_or_else(std::env::temp_dir)
        .join("strata")
}
