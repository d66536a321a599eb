//! What a user may write in a `strata_release` block, and what it shows.

use tf_provider::schema::{Attribute, Block, NestedBlock, Schema, Type};

use super::super::super::{cluster_delivery, patches};
use super::super::objects::timeouts;
use super::formats;

/// The kinds of things that `crds` may do.
pub(super) const CRDS: [&str; 3] = ["create_replace", "create", "skip"];

/// Describes the resource.
pub(super) fn schema() -> Schema {
    let schema = Schema::new()
        .description(
            "A Helm chart with layered values, rendered for one cluster and delivered to where its GitOps agent reads. \
             The plan shows every field of every object that changes, and the layer that decided each value.",
        )
        .attribute("name", Attribute::required(Type::String).requires_replace().description("Name of the release, `.Release.Name` in templates."))
        .attribute(
            "namespace",
            Attribute::optional(Type::String)
                .default_value("default")
                .requires_replace()
                .description("Namespace of the release, `.Release.Namespace` in templates. Default: `default`."),
        )
        .attribute("cluster", Attribute::required(Type::String).requires_replace().description("Name of a `cluster` block of the provider."));
    let schema = rendering(schema).attribute(
        "plan_detail",
        Attribute::optional(Type::String).default_value("full").one_of(["full", "summary"]).description(
            "`full` shows every changed field. `summary` keeps a digest per object, for fleets whose state would \
             otherwise grow too large. Default: `full`.",
        ),
    );
    let schema = schema
        .attribute(
            "sensitive_values",
            Attribute::optional(Type::Dynamic).write_only().description(
                "Values above all layers, as an object or as YAML text, that are in the configuration only, never in plan or \
                 state: what depends on one shows as `(sensitive, revision N)`. May come from ephemeral resources. Terraform or \
                 OpenTofu 1.11 and later.",
            ),
        )
        .attribute(
            "sensitive_values_version",
            Attribute::optional(Type::String).description(
                "Says that `sensitive_values` changed, in the place of the values themselves: revisions rise when it does, and \
                 only then. For values that come out anew in every run. Default: revisions rise when values do.",
            ),
        );
    let schema = schema.attribute(
        "allow_deletion_of",
        Attribute::optional(Type::list(Type::String)).description(
            "Objects that may be deleted although others or data go with them, by kind (`Namespace`) or by key \
             (`v1/Namespace/shop`): Namespaces, CustomResourceDefinitions, PersistentVolumes and PersistentVolumeClaims. \
             Without it, a plan that deletes one is an error. A destroy goes by what was applied last.",
        ),
    );
    computed(schema)
        .block("chart", NestedBlock::required(chart_block()))
        .block("layer", NestedBlock::list(layer_block()))
        .block("patch", NestedBlock::list(patches::block()))
        .block("delivery", NestedBlock::single(delivery_block()))
        .block("timeouts", NestedBlock::single(timeouts::block()))
}

/// Adds what decides how a chart renders.
pub(super) fn rendering(schema: Schema) -> Schema {
    layered(schema)
        .attribute(
            "kube_version",
            Attribute::optional(Type::String)
                .description("Kubernetes version that the chart sees, such as `1.34.0`. Default: the cluster's."),
        )
        .attribute(
            "api_versions",
            Attribute::optional(Type::list(Type::String))
                .description("API versions that the chart sees beside the built-in ones and the cluster's."),
        )
        .attribute(
            "crds",
            Attribute::optional(Type::String).default_value(CRDS[0]).one_of(CRDS).description(
                "What happens to the CustomResourceDefinitions in the chart's `crds` folder: `create_replace` keeps them \
                 at the chart's version, `create` leaves those alone that exist, `skip` leaves them out. Default: `create_replace`.",
            ),
        )
        .attribute(
            "hooks",
            Attribute::optional(Type::String).default_value("skip").one_of(["skip", "include", "run"]).description(
                "What happens to the chart's Helm hooks, tests excepted: `skip` leaves them out and says so, `include` delivers them \
                 as ordinary objects, and `run`, for a delivery straight to the cluster, runs those of an installation or upgrade as \
                 Helm would: by weight, until their Jobs have completed. Default: `skip`.",
            ),
        )
        .attribute(
            "lint",
            Attribute::optional(Type::String).one_of(["off", "warn", "error"]).description(
                "Whether layers are looked at for values that nothing in the chart reads, keys that are nearly one of the \
                 chart's, and values that repeat what a lower layer says: `warn` or `error`. It costs a second render. Default: `off`.",
            ),
        )
}

/// Adds what names layers beside the blocks.
pub(super) fn layered(schema: Schema) -> Schema {
    schema
        .attribute(
            "layout",
            Attribute::optional(Type::String)
                .description("Name of a `layout` block of the provider, whose layers come first; `layer` blocks win over them."),
        )
        .attribute(
            "captures",
            Attribute::optional(Type::map(Type::String)).description(
                "What captures of the layout stand for, where it is not the release's name, namespace or cluster or a label of the \
                 cluster: `{ service = \"web\" }`.",
            ),
        )
}

fn computed(schema: Schema) -> Schema {
    let texts = || Attribute::computed(Type::map(Type::String));
    shown(schema)
        .attribute(
            "late",
            texts().description("`object path` → value, of fields that were not known before apply."),
        )
        .attribute(
            "delivered_objects",
            texts().description("With another `format` than `manifests`: object → its fields, of what is committed in the place of `manifests`."),
        )
        .attribute(
            "hook_manifests",
            texts().description("With `hooks = \"run\"`: hook → its fields, of what runs beside the objects. Hooks that chance or a value of another resource decides about are left out."),
        )
        .attribute(
            "delivered",
            Attribute::computed(Type::String).description("Where the objects are delivered to."),
        )
        .attribute(
            "status",
            Attribute::computed(Type::String)
                .description(
                    "`rendered`, `delivered`, or `missing` when the delivery is gone. Of a release that goes straight to its cluster also \
                     `ready`, `applied` and `incomplete`. `helm` when it was imported from Helm, and `moved` when a `moved` block brought it from another \
                     resource, and not applied since.",
                ),
        )
}

/// Adds what shows a rendered release.
pub(super) fn shown(schema: Schema) -> Schema {
    let texts = || Attribute::computed(Type::map(Type::String));
    schema
        .attribute("manifests", texts().description("Object → its fields, as JSON of `path = value`. Secret values show as `(sensitive, revision N)`, values drawn by the chart as `(generated, revision N)`."))
        .attribute("common_labels", texts().description("Labels and annotations that are the same on every object, shown once instead of in each."))
        .attribute("values", texts().description("Key → `VALUE (LAYER)`, of every value that a layer decides."))
        .attribute("images", texts().description("Image → the number of objects that run it."))
        .attribute("chart_metadata", texts().description("Name, version and appVersion of the chart, and the digest of its archive where it was fetched."))
        .attribute("digest", Attribute::computed(Type::String).description("Digest over the full objects, whatever the display form folds away."))
}

/// Describes a `chart` block.
pub(super) fn chart_block() -> Block {
    let text = || Attribute::optional(Type::String);
    Block::new()
        .description("The chart to render: one at a `path`, one fetched from a `repository`, or one in `git`.")
        .attribute("path", text().description("Folder or `.tgz` file of the chart, relative to the provider's `root`."))
        .attribute(
            "repository",
            text().description(
                "Address of a classic Helm repository, `https://…`, or of the folder of an OCI registry that holds the chart, \
                 `oci://HOST/PATH`. Plain http is spoken with this machine only.",
            ),
        )
        .attribute("name", text().description("Name of the chart in the repository."))
        .attribute(
            "version",
            text().description(
                "Version, or a constraint such as `~1.4`: the newest version that satisfies it, prereleases only where it names \
                 one. A repository's list of versions is taken for current for five minutes. Default: the newest release.",
            ),
        )
        .block("git", NestedBlock::single(chart_git_block()))
        .block("verify", NestedBlock::single(chart_verify_block()))
}

fn chart_verify_block() -> Block {
    let text = || Attribute::optional(Type::String);
    Block::new()
        .description(
            "What must prove that a packed chart is what its publisher signed; without proof it is not used. Everything that is given here \
             must hold.",
        )
        .attribute(
            "keyring",
            text().description(
                "OpenPGP public keys in armour, usually from `file`; one of them must have signed the chart's provenance file (`.prov`), \
                 as `helm verify` checks it.",
            ),
        )
        .attribute("keyring_file", text().description("File of the keys instead, in armour or binary, relative to the provider's `root`."))
        .attribute(
            "cosign_key",
            text().description("Public key in PEM, usually from `file`, that must have signed the chart's manifest in its registry with `cosign sign --key`."),
        )
}

fn chart_git_block() -> Block {
    Block::new()
        .description("A chart in a git repository. It counts as changed when its own files change, not with every commit.")
        .attribute(
            "repository",
            Attribute::required(Type::String).description("Name of a `repository` block of the provider."),
        )
        .attribute(
            "ref",
            Attribute::optional(Type::String)
                .description("Tag, branch or full commit id; `refs/heads/…` or `refs/tags/…` where a name is both. Default: the repository's default branch."),
        )
        .attribute("path", Attribute::required(Type::String).description("Folder of the chart in the repository; `.` for the whole of it."))
}

/// Describes a `layer` block.
pub(super) fn layer_block() -> Block {
    Block::new()
        .description(
            "One source of values; later layers win over earlier ones, and all of them over the chart's defaults. \
             Maps merge, lists are replaced, `null` removes.",
        )
        .attribute("name", Attribute::required(Type::String).description("Name of the layer, shown beside every value it decides."))
        .attribute("file", Attribute::optional(Type::String).description("YAML file, relative to the provider's `root` or to the `repository`."))
        .attribute("repository", Attribute::optional(Type::String).description("Name of a `repository` block of the provider that the file is in. Default: it is in `root`."))
        .attribute(
            "ref",
            Attribute::optional(Type::String)
                .description("Branch, tag or full commit id that the file is read at; `refs/heads/…` or `refs/tags/…` where a name is both. Default: what the repository says."),
        )
        .attribute(
            "values",
            Attribute::optional(Type::Dynamic).description(
                "Values as an object, `{ ip = google_compute_address.this.address }`, or as YAML text. Of an object, each value \
                 may be unknown at plan on its own.",
            ),
        )
        .attribute(
            "late",
            Attribute::optional(Type::Bool).description(
                "Whether fields made of the layer's values stand in `late`, where one that is not known yet hides nothing else. \
                 Default: `true` for values that are an object, `false` for files and text.",
            ),
        )
        .attribute(
            "sensitive",
            Attribute::optional(Type::Bool).description(
                "Whether the layer's values must not be seen: whatever depends on one shows as `(sensitive, revision N)`. \
                 Default: `false`.",
            ),
        )
        .attribute("optional", Attribute::optional(Type::Bool).description("Whether the file may be absent. Default: `false`."))
}

fn delivery_block() -> Block {
    let git = Block::new()
        .description("Commits the objects to a git repository.")
        .attribute(
            "repository",
            Attribute::required(Type::String)
                .requires_replace()
                .description("Name of a `repository` block of the provider."),
        )
        .attribute(
            "path",
            Attribute::required(Type::String).description("Folder in the repository that the cluster reads."),
        )
        .attribute(
            "plain_secrets",
            Attribute::optional(Type::Bool).description(
                "Whether values of sensitive layers and `sensitive_values` may be committed in the clear, for everybody to read \
                 who can read the repository. Without it, that is an error. Default: `false`.",
            ),
        );
    let git = formats::with_formats(git);
    Block::new()
        .description("Where the objects go; without it, the release is only rendered.")
        .block("git", NestedBlock::single(git))
        .block("cluster", NestedBlock::single(cluster_delivery::block()))
}
