//! A `delivery { cluster { … } }` block: what a user lets us do to a cluster.

use tf_provider::schema::{Attribute, Block, Object, Type, Value};

use crate::delivery::cluster::Policy;

/// What a block says.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Settings {
    /// What may be done.
    pub(crate) policy: Policy,
    /// Whether the API server is asked while planning.
    pub(crate) asks_server: bool,
    /// Whether a plan tells the defaults that the API server fills in.
    pub(crate) shows_defaults: bool,
    /// What becomes of a create that comes half-way.
    pub(crate) on_create_failure: OnCreateFailure,
}

/// What becomes of a create that wrote something and did not come to its end.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum OnCreateFailure {
    /// It is kept, and the next apply goes on.
    #[default]
    Resume,
    /// It is an error, after which Terraform replaces the resource.
    Taint,
    /// What it wrote is taken away again, and it is an error.
    Rollback,
}

impl OnCreateFailure {
    const ALL: [(Self, &'static str); 3] =
        [(Self::Resume, "resume"), (Self::Taint, "taint"), (Self::Rollback, "rollback")];

    fn read(text: Option<&str>) -> Self {
        let found = Self::ALL.into_iter().find(|(_, name)| Some(*name) == text);
        found.map_or_else(Self::default, |(choice, _)| choice)
    }

    fn name(self) -> &'static str {
        Self::ALL.into_iter().find(|(choice, _)| *choice == self).map_or("resume", |(_, name)| name)
    }
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
            Attribute::optional(Type::String).one_of(["server", "full", "offline"]).description(
                "Whether a plan asks the API server what an apply would do, so that it shows conflicts, objects to take over, what the server \
                 refuses and what its policies and webhooks change: `server`, or `offline`, or `full`, which lists the defaults too that the \
                 server fills in. A cluster that is not there yet is planned offline, with a warning. Default: `server`.",
            ),
        )
        .attribute(
            "on_create_failure",
            Attribute::optional(Type::String).one_of(["resume", "taint", "rollback"]).description(
                "What becomes of a create that wrote something and did not come to its end. `resume`: it is kept with the status \
                 `incomplete` and a warning, and the next apply goes on. `taint`: it is an error, and Terraform replaces the resource. \
                 `rollback`: it is an error, and what was new is deleted again; objects that were there before stay. Default: `resume`.",
            ),
        )
}

impl Settings {
    /// Decodes a block.
    pub(crate) fn read(block: &Object) -> Self {
        let default = Policy::default();
        let says = |name: &str, otherwise: bool| block.bool(name).unwrap_or(otherwise);
        let on_create_failure = OnCreateFailure::read(block.string("on_create_failure"));
        Settings {
            policy: Policy {
                field_manager: block.string("field_manager").map_or(default.field_manager, str::to_owned),
                force_conflicts: says("force_conflicts", default.force_conflicts),
                adopt: says("adopt", default.adopt),
                create_namespace: says("create_namespace", default.create_namespace),
                recreate: block.strings("recreate").into_iter().map(str::to_owned).collect(),
                wait: says("wait", default.wait),
                undo: on_create_failure == OnCreateFailure::Rollback,
                succeeds: None,
            },
            asks_server: block.string("preview") != Some("offline"),
            shows_defaults: block.string("preview") == Some("full"),
            on_create_failure,
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
        let preview = if self.shows_defaults { "full" } else { "offline" };
        say("preview", self.shows_defaults || !self.asks_server, preview.into());
        let failure = self.on_create_failure;
        say("on_create_failure", failure != OnCreateFailure::default(), failure.name().into());
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
            .with("preview", "offline")
            .with("on_create_failure", "rollback");
        let full = Object::new().with("preview", "full").with("on_create_failure", "taint");
        for said in [said, full] {
            assert_eq!(Settings::block_of_note(&Settings::read(&said).to_note()), said);
        }
        assert_eq!(Settings::read(&Object::new()).to_note(), "");
        assert_eq!(Settings::block_of_note("{broken"), Object::new());
    }
}
