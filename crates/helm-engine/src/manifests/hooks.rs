//! Hooks: documents that the `helm.sh/hook` annotation takes out of the release.

use super::{Head, Manifest};

/// A document that runs at an event instead of belonging to the release.
#[derive(Clone, Debug)]
pub struct Hook {
    /// The document.
    pub manifest: Manifest,
    /// When it runs.
    pub events: Vec<HookEvent>,
    /// Its place among the hooks of an event; it has no effect on printing.
    pub weight: i64,
    /// When it is deleted.
    pub delete_policies: Vec<DeletePolicy>,
}

/// When a hook runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[allow(missing_docs, reason = "the names are Helm's")]
pub enum HookEvent {
    PreInstall,
    PostInstall,
    PreDelete,
    PostDelete,
    PreUpgrade,
    PostUpgrade,
    PreRollback,
    PostRollback,
    Test,
}

const EVENTS: &[(&str, HookEvent)] = &[
    ("pre-install", HookEvent::PreInstall),
    ("post-install", HookEvent::PostInstall),
    ("pre-delete", HookEvent::PreDelete),
    ("post-delete", HookEvent::PostDelete),
    ("pre-upgrade", HookEvent::PreUpgrade),
    ("post-upgrade", HookEvent::PostUpgrade),
    ("pre-rollback", HookEvent::PreRollback),
    ("post-rollback", HookEvent::PostRollback),
    ("test", HookEvent::Test),
    ("test-success", HookEvent::Test),
];

/// When a hook is deleted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DeletePolicy {
    /// `before-hook-creation`.
    BeforeHookCreation,
    /// `hook-succeeded`.
    HookSucceeded,
    /// `hook-failed`.
    HookFailed,
    /// Anything else, in lower case: Helm keeps it and never acts on it.
    Other(String),
}

/// What the annotations make of a document.
pub(super) enum Class {
    Manifest,
    Hook(HookFacts),
    /// It names an event that does not exist and is dropped.
    Unknown(String),
}

pub(super) struct HookFacts {
    events: Vec<HookEvent>,
    weight: i64,
    delete_policies: Vec<DeletePolicy>,
}

impl HookFacts {
    pub(super) fn with(self, manifest: Manifest) -> Hook {
        let HookFacts { events, weight, delete_policies } = self;
        Hook { manifest, events, weight, delete_policies }
    }
}

pub(super) fn classify(head: &Head) -> Class {
    let Some(names) = head.annotations.get("helm.sh/hook") else { return Class::Manifest };
    let event = |name: &str| {
        let name = name.trim().to_lowercase();
        EVENTS.iter().find(|(known, _)| *known == name).map(|(_, event)| *event)
    };
    let Some(events) = names.split(',').map(event).collect() else { return Class::Unknown(names.clone()) };
    let weight =
        head.annotations.get("helm.sh/hook-weight").and_then(|weight| weight.parse().ok()).unwrap_or(0);
    let policies = head.annotations.get("helm.sh/hook-delete-policy");
    let delete_policies = policies.into_iter().flat_map(|policies| policies.split(',')).map(policy).collect();
    Class::Hook(HookFacts { events, weight, delete_policies })
}

fn policy(name: &str) -> DeletePolicy {
    match name.trim().to_lowercase().as_str() {
        "before-hook-creation" => DeletePolicy::BeforeHookCreation,
        "hook-succeeded" => DeletePolicy::HookSucceeded,
        "hook-failed" => DeletePolicy::HookFailed,
        other => DeletePolicy::Other(other.to_owned()),
    }
}
