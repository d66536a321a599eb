//! A `delivery { cluster { … } }` block: what a user lets us do to a cluster.

use tf_provider::schema::{Attribute, Block, Object, Type, Value};

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

    /// Writes down what a block says beside the defaults; empty where it says nothing.
    pub(crate) fn to_note(&self) -> String {
        let (policy, default) = (&self.policy, Policy::default());
        let mut said = serde_json::Map::new();
        let mut say = |name: &str, differs: bool, value: serde_json::Value| {
            if differs {
                said.insert(name.to_owned(), value);
            }
        };
        say(
            "field_manager",
            policy.field_manager != default.field_manager,
            policy.field_manager.as_str().into(),
        );
        say("force_conflicts", policy.force_conflicts, true.into());
        say("adopt", policy.adopt, true.into());
        say("create_namespace", policy.create_namespace, true.into());
        say("recreate", !policy.recreate.is_empty(), policy.recreate.clone().into());
        say("wait", !policy.wait, false.into());
        say("preview", !self.asks_server, "offline".into());
        say("on_create_failure", self.taints, "taint".into());
        if said.is_empty() { String::new() } else { serde_json::Value::Object(said).to_string() }
    }

    /// Writes the block that a note stands for; what cannot be read is left out.
    pub(crate) fn block_of_note(note: &str) -> Object {
        let said: serde_json::Map<String, serde_json::Value> = serde_json::from_str(note).unwrap_or_default();
        let mut block = Object::new();
        for (name, value) in &said {
            match value {
                serde_json::Value::Bool(truth) => block.set(name, *truth),
                serde_json::Value::String(text) => block.set(name, text.as_str()),
                serde_json::Value::Array(items) => {
                    block.set(name, Value::list(items.iter().filter_map(serde_json::Value::as_str)));
                }
                _ => {}
            }
        }
        block
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_block_says_beside_the_defaults_comes_back() {
        let said = Object::new()
            .with("adopt", true)
            .with("wait", false)
            .with("recreate", Value::list(["Service"]))
            .with("preview", "offline");
        let settings = Settings::read(&said);
        assert_eq!(Settings::read(&Settings::block_of_note(&settings.to_note())), settings);
        assert_eq!(Settings::read(&Object::new()).to_note(), "");
        assert_eq!(Settings::block_of_note("{broken"), Object::new());
    }
}
