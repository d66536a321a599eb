//! What an agent keeps beside its state: Terraform stores it, never shows it, and hands it back.

use serde::{Deserialize, Serialize};
use tf_provider::schema::{Diagnostic, Diagnostics};

use super::super::super::cluster_delivery::{Keeper, Kept};
use super::super::objects::description::Keep;
use super::super::objects::predecessor::Predecessor;
use crate::delivery::FileIds;
use crate::manifest::mask::{Masker, ObjectMarks, Revisions};

/// The private state of one agent.
#[derive(Clone, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Private {
    /// Path in the repository → blob id of what was delivered.
    #[serde(default)]
    pub(super) delivered: FileIds,
    /// Who had the objects before, until everything is taken over.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) predecessor: Option<Predecessor>,
    /// What is known of the objects in the cluster.
    #[serde(default)]
    pub(super) in_cluster: Kept,
    /// Which revision of every hidden value the state shows.
    #[serde(default)]
    pub(super) revisions: Revisions,
    /// The key of the digests that decide whether a hidden value changed; none before the first apply.
    #[serde(default)]
    pub(super) mask_key: Option<[u8; 32]>,
}

impl std::fmt::Debug for Private {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mut known = formatter.debug_struct("Private");
        known.field("delivered", &self.delivered).field("in_cluster", &self.in_cluster);
        known.finish_non_exhaustive()
    }
}

impl Private {
    /// Starts hiding values, with what is known of those that were hidden before.
    pub(super) fn masker(&self) -> Masker<'_> {
        Masker::new(self.mask_key.as_ref().map(|key| &key[..]), &self.revisions)
    }
}

impl Keep for Private {
    fn delivered(&mut self) -> &mut FileIds {
        &mut self.delivered
    }

    fn predecessor(&mut self) -> &mut Option<Predecessor> {
        &mut self.predecessor
    }

    fn draw(&mut self) -> Result<(), Diagnostics> {
        if self.mask_key.is_none() {
            let mut key = [0; 32];
            getrandom::fill(&mut key).map_err(|error| {
                Diagnostic::error("the system gives no random numbers").detail(error.to_string())
            })?;
            self.mask_key = Some(key);
        }
        Ok(())
    }
}

impl Keeper for Private {
    fn kept(&mut self) -> &mut Kept {
        &mut self.in_cluster
    }

    fn mask_key(&self) -> Option<[u8; 32]> {
        self.mask_key
    }

    fn revisions(&mut self) -> &mut Revisions {
        &mut self.revisions
    }

    fn marks(&self, _key: &str) -> ObjectMarks {
        ObjectMarks::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn draws_its_key_once_and_never_prints_it() {
        let mut private = Private::default();
        private.draw().expect("the system has chance");
        let drawn = private.mask_key;
        private.draw().expect("the system has chance");
        assert!(drawn.is_some() && private.mask_key == drawn);
        assert_eq!(Private::read(&private.write()), private);
        assert!(!format!("{private:?}").contains("mask_key"));
    }
}
