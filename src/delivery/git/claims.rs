//! Who wants to write what, across all releases that one process plans or applies: finds two releases with one path before either
//! writes.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use super::super::{DeliveryError, Owner};
use super::target::{Key, Target};
use crate::source::RelativePath;

/// The paths that owners have claimed.
#[derive(Debug, Default)]
pub(super) struct Claims(Mutex<HashMap<(Key, RelativePath), Owner>>);

impl Claims {
    /// Claims paths for `owner`: all or none.
    pub(super) fn claim<'a>(
        &self,
        target: &Target,
        owner: &Owner,
        paths: impl Iterator<Item = &'a RelativePath>,
    ) -> Result<(), DeliveryError> {
        let mut claims = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let keys: Vec<_> = paths.map(|path| (target.key(), path.clone())).collect();
        for key in &keys {
            if let Some(first) = claims.get(key).filter(|first| *first != owner) {
                let (path, place) = (key.1.to_string(), target.to_string());
                return Err(DeliveryError::Claimed {
                    path,
                    place,
                    first: first.clone().into(),
                    second: owner.clone().into(),
                });
            }
        }
        claims.extend(keys.into_iter().map(|key| (key, owner.clone())));
        Ok(())
    }

    /// Gives back the owner's claim to one path.
    pub(super) fn release(&self, target: &Target, owner: &Owner, path: &RelativePath) {
        let mut claims = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let key = (target.key(), path.clone());
        if claims.get(&key) == Some(owner) {
            claims.remove(&key);
        }
    }
}
