//! Brings a batch of edits onto a branch: fetch, judge, commit, push, and all of it again when somebody else was faster.
//!
//! Nothing is rebased: the edits are judged anew on every tip, so a change that others made to one of our paths is found however
//! late it comes. A push whose answer got lost is settled by the next fetch: what arrived then reads as "equal already".

use std::collections::BTreeMap;
use std::hash::{BuildHasher, RandomState};
use std::path::Path;
use std::time::Duration;

use tokio::time::Instant;

use super::super::{DeliveryError, Owner};
use super::edit::{Edit, Prepared, contested, judge};
use super::message::message;
use super::push::{Pushed, push};
use super::target::Target;
use super::{GitReceipt, commit};
use crate::source::RelativePath;
use crate::source::git::{BareClone, ObjectId, Session};

const MOST_BROKEN_CONNECTIONS: usize = 3;
const FIRST_PAUSE: Duration = Duration::from_millis(50);
const LONGEST_PAUSE: Duration = Duration::from_secs(2);

/// The fate of each edit of a batch.
pub(super) type Fates = Vec<Result<GitReceipt, DeliveryError>>;

/// Delivers a batch; an error is the fate of all of it.
pub(super) async fn flush(
    cache: &Path,
    target: &Target,
    edits: &[Edit],
    deadline: Instant,
) -> Result<Fates, DeliveryError> {
    let session = Session::open(target.remote(), deadline).await?;
    let clone = BareClone::open(cache, &session).await?;
    let prepared = commit::prepare(&session, &clone, edits).await?;
    let (mut overtaken, mut broken) = (0, 0);
    loop {
        let failure = match attempt(&session, &clone, target, &prepared).await {
            Ok(Attempt::Done(fates)) => return Ok(fates),
            Ok(Attempt::Overtaken(message)) => {
                overtaken += 1;
                DeliveryError::Contended { place: target.to_string(), attempts: overtaken, message }
            }
            Err(DeliveryError::Source(error)) if error.is_transient() => {
                broken += 1;
                if broken >= MOST_BROKEN_CONNECTIONS {
                    return Err(error.into());
                }
                error.into()
            }
            Err(error) => return Err(error),
        };
        let pause = pause(overtaken + broken);
        if Instant::now() + pause >= deadline {
            return Err(failure);
        }
        tracing::debug!(place = %target, reason = %failure, "trying the delivery again");
        tokio::time::sleep(pause).await;
    }
}

enum Attempt {
    Done(Fates),
    Overtaken(String),
}

async fn attempt(
    session: &Session,
    clone: &BareClone,
    target: &Target,
    prepared: &[Prepared<'_>],
) -> Result<Attempt, DeliveryError> {
    let _turn = clone.turn(session, target.branch()).await;
    let tip = clone.fetch(session, &target.reference()).await?;
    let listing = match &tip {
        Some(tip) => clone.listing(session, tip).await?,
        None => BTreeMap::new(),
    };
    let blobs = clone.blobs(session, &contested(&listing, prepared)).await?;
    let owners = blobs.into_iter().map(|(id, content)| (id, Owner::of(&content))).collect();
    let judgement = judge(&target.to_string(), listing, &owners, prepared);
    let revision = if judgement.changes.is_empty() {
        tip
    } else {
        let accepted: Vec<_> = prepared
            .iter()
            .zip(&judgement.verdicts)
            .filter_map(|(prepared, verdict)| Some((&prepared.edit.owner, *verdict.as_ref().ok()?)))
            .collect();
        let text = message(&accepted);
        let commit = commit::build(session, clone, target, tip.as_ref(), &judgement.changes, &text).await?;
        match push(session, clone, target, &commit).await? {
            Pushed::Done => Some(commit),
            Pushed::Overtaken(message) => return Ok(Attempt::Overtaken(message)),
        }
    };
    let fates = prepared.iter().zip(judgement.verdicts);
    let fates =
        fates.map(|(prepared, verdict)| verdict.map(|_| receipt(revision.clone(), prepared))).collect();
    Ok(Attempt::Done(fates))
}

fn receipt(commit: Option<ObjectId>, prepared: &Prepared<'_>) -> GitReceipt {
    let files = prepared.blobs.iter().map(|(path, id)| ((*path).clone(), id.clone()));
    GitReceipt { commit, files: files.collect::<BTreeMap<RelativePath, ObjectId>>() }
}

/// Doubles with each attempt, and differs between processes that were overtaken together.
fn pause(attempts: usize) -> Duration {
    let doubled = FIRST_PAUSE * (1 << attempts.min(6));
    let longest = doubled.min(LONGEST_PAUSE);
    // A fresh RandomState is seeded by the operating system: enough to spread writers.
    let share = RandomState::new().hash_one(attempts) % 1000;
    longest.mul_f64(0.5 + share as f64 / 2000.0)
}
