//! What a user may write in a `strata_agent` block, and what it shows.

use tf_provider::schema::{Attribute, Block, NestedBlock, Schema, Type};

use super::super::super::{cluster_delivery, patches};
use super::super::objects::timeouts;
use super::{credentials, registry};

/// Describes the resource.
pub(super) fn schema() -> Schema {
    let text = || Attribute::optional(Type::String);
    let schema = Schema::new()
        .description(
            "The GitOps agent on one cluster: Flux, generated natively from what a version of it ships, as `flux install` \
             and `flux bootstrap` would, or Argo CD. The plan shows every field of every object that changes, on create and on \
             upgrade.",
        )
        .attribute(
            "kind",
            text()
                .default_value("flux")
                .one_of(["flux", "argocd"])
                .requires_replace()
                .description("Which agent: `flux`, or `argocd`, which has no options of its own. Default: `flux`."),
        )
        .attribute("cluster", Attribute::required(Type::String).requires_replace().description("Name of a `cluster` block of the provider."))
        .attribute(
            "version",
            Attribute::required(Type::String)
                .description("Version of the agent, such as `2.9.5`. It does not depend on the provider's version."),
        )
        .attribute(
            "namespace",
            Attribute::optional_computed(Type::String)
                .requires_replace()
                .description("Namespace of the agent; of Flux, also the suffix of the names of its cluster-wide roles. Default: `flux-system`, or `argocd`."),
        );
    let schema = options(schema)
        .attribute(
            "plan_detail",
            text().default_value("full").one_of(["full", "summary"]).description(
                "`full` shows every changed field. `summary` keeps a digest per object, for fleets whose state would \
                 otherwise grow too large. Default: `full`.",
            ),
        )
        .attribute(
            "on_destroy",
            text().default_value("keep_workloads").one_of(["keep_workloads", "delete_workloads"]).description(
                "What a destroy does to what the agent has made; of an agent that is delivered to git, only where the provider says how the \
                 cluster is reached, and otherwise only the files go. \
                 `keep_workloads`: the controllers stop, their objects and definitions go, what they made keeps running. \
                 `delete_workloads`: the agent first takes its work away. The destroy plan lists both; it goes by what was applied \
                 last. Default: `keep_workloads`.",
            ),
        )
        .attribute(
            "allow_deletion_of",
            Attribute::optional(Type::list(Type::String)).description(
                "Objects that an update may delete although others or data go with them, by kind (`CustomResourceDefinition`) or by \
                 key: CustomResourceDefinitions, for example those of a component that is taken out. Without it, a plan that \
                 deletes one is an error.",
            ),
        );
    computed(schema)
        .block("source", NestedBlock::single(source_block()))
        .block("patch", NestedBlock::list(patches::block()))
        .block("sync", NestedBlock::single(sync_block()))
        .block("delivery", NestedBlock::single(delivery_block()))
        .block("timeouts", NestedBlock::single(timeouts::block()))
}

fn options(schema: Schema) -> Schema {
    let text = || Attribute::optional(Type::String);
    let texts = || Attribute::optional(Type::list(Type::String));
    schema
        .block("registry_credentials", NestedBlock::single(registry::block()))
        .attribute("components", texts().description("Components to install. Default: `source-controller`, `kustomize-controller`, `helm-controller` and `notification-controller`."))
        .attribute("components_extra", texts().description("Components to install beside those, such as `image-reflector-controller`, `image-automation-controller` and `source-watcher`."))
        .attribute("registry", text().description("Registry, with its path, that the images are pulled from. Default: `ghcr.io/fluxcd`."))
        .attribute("image_pull_secret", text().description("Name of a Secret in the agent's namespace that the images are pulled with; yours, unless there are `registry_credentials`."))
        .attribute("network_policy", Attribute::optional(Type::Bool).description("Whether network policies keep traffic of other namespaces away from the controllers. Default: `true`."))
        .attribute("watch_all_namespaces", Attribute::optional(Type::Bool).description("Whether the controllers watch all namespaces, or only their own. Default: `true`."))
        .attribute("toleration_keys", texts().description("Keys of node taints that the controllers tolerate."))
        .attribute("cluster_domain", text().description("Domain of the cluster's services. Default: `cluster.local`."))
        .attribute("log_level", text().one_of(["debug", "info", "error"]).description("How much the controllers log: `debug`, `info` or `error`. Default: `info`."))
        .attribute("events_address", text().description("Address that the controllers send events to where `notification-controller` is not among the components."))
}

fn computed(schema: Schema) -> Schema {
    let texts = || Attribute::computed(Type::map(Type::String));
    schema
        .attribute("manifests", texts().description("Object → its fields, as JSON of `path = value`. A CustomResourceDefinition shows its names and versions, and a digest for each version."))
        .attribute("common_labels", texts().description("Labels that are the same on every object, shown once instead of in each and in pod templates; the version is one of them."))
        .attribute("images", texts().description("Image → the controllers that run it."))
        .attribute("source_metadata", texts().description("Where the manifests came from, and their digest, which pins them: what a version ships must not change."))
        .attribute("digest", Attribute::computed(Type::String).description("Digest over the full objects, whatever the display form folds away."))
        .attribute("delivered", Attribute::computed(Type::String).description("Where the objects are delivered to."))
        .attribute("status", Attribute::computed(Type::String).description("`generated`, `delivered`, `ready` (`applied` without waiting), `incomplete`, `found` in a cluster by an import or `moved` from another resource and not taken over yet, or `missing` when the delivery is gone."))
}

fn source_block() -> Block {
    let text = || Attribute::optional(Type::String);
    Block::new()
        .description(
            "Where the version's manifests are. Default: the provider's `agent_source`, or the official release: Flux's asset \
             `manifests.tar.gz`, Argo CD's `manifests/install.yaml`. `{version}` stands for the version.",
        )
        .attribute(
            "url",
            text().description(
                "A mirror of the release archive, `https://…/{version}/manifests.tar.gz`, or an OCI artifact of the layout of Flux's \
                 `flux-manifests`, `oci://HOST/PATH`, whose tag is `v` and the version unless the address ends in another. \
                 Credentials come from `registry` blocks of the provider.",
            ),
        )
        .attribute("path", text().description("A folder, archive or YAML file with the release's files, relative to the provider's `root`."))
        .attribute(
            "sha256",
            text().description(
                "Digest that the archive must have, or the manifest of the OCI artifact. Without it, what was seen first is kept in the \
                 state, and another content of the same version is an error.",
            ),
        )
}

fn sync_block() -> Block {
    let text = || Attribute::optional(Type::String);
    Block::new()
        .description(
            "What the agent applies: a folder of a git repository, through a GitRepository and a Kustomization, or an Application. An empty \
             block follows the delivery: its repository, branch and path.",
        )
        .attribute("url", text().description("Address of the repository as the cluster reaches it. Default: that of the delivery's repository."))
        .attribute("path", text().description("Folder in the repository. Default: the delivery's path."))
        .attribute("branch", text().description("Branch to read. Default: the branch of the delivery's repository, unless another reference is given."))
        .attribute("tag", text().description("Tag to read."))
        .attribute("semver", text().description("Range of versions, of which the newest tag is read."))
        .attribute("commit", text().description("Commit to read."))
        .attribute("interval", text().description("How often the agent looks for changes, such as `90s` or `5m`. Default: `1m`."))
        .attribute("name", text().description("Name of the GitRepository and of the Kustomization, or of the Application. Default: the agent's namespace."))
        .attribute(
            "secret",
            text().description(
                "Name of the Secret in the agent's namespace that lets it read the repository; of Flux, with `username` and `password` or \
                 `bearerToken` for https, `identity`, `identity.pub` and `known_hosts` for ssh. You make it, unless there are `credentials`; it is \
                 never committed. Default: the agent's namespace where there are `credentials`; else the repository must be readable by \
                 anybody.",
            ),
        )
        .block("credentials", NestedBlock::single(credentials::block()))
        .attribute("recurse_submodules", Attribute::optional(Type::Bool).description("Whether submodules are read too. Default: `false`."))
        .attribute("provider", text().one_of(["generic", "github", "azure"]).description("Who lets the agent in: `generic`, `github` (a GitHub App in the Secret) or `azure` (workload identity)."))
        .attribute("sparse_checkout", Attribute::optional(Type::list(Type::String)).description("Folders to read; the whole repository without it."))
}

fn delivery_block() -> Block {
    let git = Block::new()
        .description(
            "Commits `gotk-components.yaml`, `gotk-sync.yaml` and `kustomization.yaml`, in the layout of `flux bootstrap` (of Argo CD, \
             `install.yaml` and `application.yaml`): from then on the agent applies itself from there, and owns its objects in the \
             cluster.",
        )
        .attribute("repository", Attribute::required(Type::String).description("Name of a `repository` block of the provider."))
        .attribute("path", Attribute::required(Type::String).description("The cluster's folder in the repository; `.` for the whole of it. The files go into a folder below it that is named after the namespace."))
        .attribute("adopt", Attribute::optional(Type::Bool).description("Whether files that are there already, such as those that `flux bootstrap` committed, are taken over. Default: `false`."));
    Block::new()
        .description("Where the objects go; without it, they are only generated.")
        .block("git", NestedBlock::single(git))
        .block("cluster", NestedBlock::single(cluster_delivery::block()))
}
