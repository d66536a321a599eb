//! A `delivery { cluster { … } }` block: what a user lets us do to a cluster.

use tf_provider::schema::{Attribute, Block, Object, Type};

use crate::delivery::cluster::Policy;

/// What a block says.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Settings {
    /// What may be done.
    pub(crate) policy: Policy,
    /// Whether the API server is asked while planning.
    pub(crate) asks_server: bool,
    /// Whether a create that comes half-way is an error, after which Terraform replaces the resource.
    pub(crate) taints: bool,
}

/// Describes the block.
pub(crate) fn block() -> Block {
    let choice = |text: &str| Attribute::optional(Type::Bool).description(text);
    Block::new()
        .description(
            "Applies the objects straight to the cluster, server-side, and keeps an inventory of them there. All objects are \
             tried without effect before the first is written.",
        )
        .attribute(
            "field_manager",
            Attribute::optional(Type::String)
                .description("Name under which the API server notes which fields are ours. Default: `strata`."),
        )
        .attribute("force_conflicts", choice("Whether fields that other managers own are overwritten. Default: `false`: the plan names owner and value."))
        .attribute("adopt", choice("Whether objects that another tool looks after (Helm, Flux, Argo CD, another set) are taken over. Default: `false`."))
        .attribute("create_namespace", choice("Whether the namespace is created where there is none. It is not deleted again. Default: `false`."))
        .attribute(
            "recreate",
            Attribute::optional(Type::list(Type::String)).description(
                "Objects that may be deleted and made again where a field cannot change in place, by kind or key, beside those where \
                 nothing is lost by it: StatefulSets (their pods stay), Services, PersistentVolumeClaims and other holders of data or \
                 addresses are only made anew when named here.",
            ),
        )
        .attribute("wait", choice("Whether an apply waits until all objects are ready. Default: `true`."))
        .attribute(
            "preview",
            Attribute::optional(Type::String).one_of(["server", "offline"]).description(
                "Whether a plan asks the API server what an apply would do, so that it shows conflicts, objects to take over and what the \
                 server refuses: `server` or `offline`. A cluster that is not there yet is planned offline, with a warning. Default: `server`.",
            ),
        )
        .attribute(
            "on_create_failure",
            Attribute::optional(Type::String).one_of(["resume", "taint"]).description(
                "What becomes of a create that wrote something and did not come to its end. `resume`: it is kept with the status \
                 `incomplete` and a warning, and the next apply goes on. `taint`: it is an error, and Terraform replaces the resource. \
                 Default: `resume`.",
            ),
        )
}

impl Settings {
    /// Decodes a block.
    pub(crate) fn read(block: &Object) -> Self {
        let default = Policy::default();
        let says = |name: &str, otherwise: bool| block.bool(name).unwrap_or(otherwise);
        Settings {
            policy: Policy {
                field_manager: block.string("field_manager").map_or(default.field_manager, str::to_owned),
                force_conflicts: says("force_conflicts", default.force_conflicts),
                adopt: says("adopt", default.adopt),
                create_namespace: says("create_namespace", default.create_namespace),
                recreate: block.strings("recreate").into_iter().map(str::to_owned).collect(),
                wait: says("wait", default.wait),
            },
            asks_server: block.string("preview") != Some("offline"),
            taints: block.string("on_create_failure") == Some("taint"),
        }
    }
}
