//! What an apply would do, asked of the server without doing it: every object is applied as a dry run and compared with what is there.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde_json::Value;
use tokio::task::JoinSet;

use super::call::{Apply, Call};
use super::client::{ApiServer, Patience, redact};
use super::discovery::Kinds;
use super::error::ClusterError;
use super::inventory::Inventory;
use super::judge::{Verdict, comes_with, defines, inherits, judge};
use super::predecessor::Leftovers;
use super::refusal::{self, Conflict};
use super::set::ObjectSet;
use super::writers::Writers;
use super::{observe, owned, ownership, schemas};
use crate::manifest::answered::{self, Answered};
use crate::manifest::defaults;
use crate::manifest::object::{ObjectId, is_custom_resource_definition};
use crate::manifest::surface::Desired;

/// What an apply would do.
#[derive(Clone, Debug, Default)]
pub struct Preview {
    /// What becomes of each object, in the set's order.
    pub actions: Vec<Action>,
    /// What is written down and no longer in the set.
    pub prune: BTreeSet<ObjectId>,
    /// What keeps the set from being applied.
    pub problems: Vec<Problem>,
    /// What the server would make of the objects that change.
    answers: BTreeMap<ObjectId, Value>,
    /// The objects of the set that were there.
    pub(super) live: BTreeMap<ObjectId, Value>,
    /// What was written down before.
    pub(super) inventory: Option<Inventory>,
    /// The kinds that are served or come with the set.
    pub(super) kinds: Kinds,
    /// What who had the objects before had besides.
    pub leftovers: Leftovers,
    /// The schemas of custom kinds, by API version and name, where the server added something.
    schemas: BTreeMap<(String, String), Value>,
}

/// What becomes of one object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action {
    /// It is new.
    Create,
    /// It changes in place.
    Update {
        /// Fields that somebody changed by hand, and that change back.
        overwritten: Vec<Conflict>,
    },
    /// It is as it should be.
    Unchanged,
    /// It was there before the set, of this owner where it names one, and becomes part of it.
    Adopt {
        /// Whose it was.
        owner: Option<String>,
        /// Fields that other managers owned with other values, and lose.
        overwritten: Vec<Conflict>,
    },
    /// It is deleted and made again, because these fields cannot change in place.
    Replace {
        /// The fields.
        fields: Vec<String>,
    },
    /// The server cannot say before something else of the set is there.
    Unknown,
}

/// Why a set cannot be applied as it is.
#[derive(Clone, Debug)]
pub struct Problem {
    /// The object.
    pub object: ObjectId,
    /// What is wrong with it.
    pub reason: Reason,
}

impl Problem {
    /// Tells whether the server says that the object is none of its kind.
    pub(super) fn is_refusal(&self) -> bool {
        matches!(&self.reason, Reason::Error(error) if matches!(**error, ClusterError::Refused { .. }))
    }
}

/// What can be wrong with an object.
#[derive(Clone, Debug)]
pub enum Reason {
    /// The server, or the way to it, says so.
    Error(Box<ClusterError>),
    /// Others own fields with other values.
    Conflicts(Vec<(Conflict, Option<String>)>),
    /// Somebody else looks after it.
    Foreign(String),
    /// It is to be taken over from somebody who goes on writing it.
    Writer {
        /// Who it is.
        owner: String,
        /// How to stop them.
        way_out: String,
    },
    /// It would have to be made anew, which its kind is not without being asked.
    Immutable(Vec<String>),
}

/// Asks the server what applying a set would do.
///
/// # Errors
/// When the server cannot be asked at all. What is wrong with single objects is in [`Preview::problems`].
pub async fn preview(
    server: &Arc<ApiServer>,
    set: &Arc<ObjectSet>,
    patience: Patience,
) -> Result<Preview, ClusterError> {
    let inventory = observe::read_inventory(server, &set.parent, patience).await?;
    let wanted: BTreeSet<ObjectId> = set.objects.iter().map(|one| one.id.clone()).collect();
    let prune: BTreeSet<ObjectId> = inventory
        .iter()
        .flat_map(|inventory| &inventory.objects)
        .filter(|id| !is_in(&wanted, id))
        .cloned()
        .collect();
    let left = set.predecessor.iter().flat_map(|one| &one.objects).cloned();
    let others: BTreeSet<ObjectId> = prune.iter().cloned().chain(left).collect();
    let served = served_kinds(server, set, &others, patience).await?;
    let set_id = set.parent.set_id();
    let known = inventory.as_ref().map(|inventory| inventory.objects.clone()).unwrap_or_default();
    let ours: BTreeSet<ObjectId> = wanted.intersection(&known).cloned().collect();
    let live = observe::find_all(server, &served, &ours, &set_id, patience).await?;
    let leftovers = match &set.predecessor {
        Some(predecessor) => predecessor.leftovers(server, &wanted, &set_id, patience).await?,
        None => Leftovers::default(),
    };
    let indexes: Vec<usize> = (0..set.objects.len()).collect();
    let looked = look_at(server, set, &served, &live, &indexes, patience).await?;
    let mut preview = Preview {
        actions: vec![Action::Unknown; set.objects.len()],
        prune,
        problems: Vec::new(),
        answers: BTreeMap::new(),
        live,
        inventory,
        kinds: set.with_own_kinds(served),
        leftovers,
        schemas: BTreeMap::new(),
    };
    preview.take(set, looked);
    preview.leave_open(set);
    preview.find_writers(server, set, patience).await?;
    preview.find_schemas(server, set, patience).await?;
    Ok(preview)
}

/// Tells whether an object is in a set, in whichever version of its kind.
pub(super) fn is_in(ids: &BTreeSet<ObjectId>, id: &ObjectId) -> bool {
    let same = |other: &ObjectId| {
        other.name == id.name
            && other.kind == id.kind
            && other.namespace == id.namespace
            && other.group() == id.group()
    };
    ids.contains(id) || ids.iter().any(same)
}

/// Finds the kinds that are served; a kind that nobody knows is looked for once more, it may be new.
async fn served_kinds(
    server: &Arc<ApiServer>,
    set: &ObjectSet,
    others: &BTreeSet<ObjectId>,
    patience: Patience,
) -> Result<Kinds, ClusterError> {
    let ids = || set.objects.iter().map(|one| &one.id).chain(others);
    let kinds = server.discover(ids(), false, patience).await?;
    if ids().all(|id| kinds.get(&id.api_version, &id.kind).is_some()) {
        return Ok(kinds);
    }
    server.discover(ids(), true, patience).await
}

/// What looking at one object brought.
pub(super) struct Looked {
    index: usize,
    live: Option<Value>,
    answer: Option<Value>,
    outcome: Result<Action, Reason>,
}

impl Preview {
    /// Tells what the server makes of the objects that change, beside what they say themselves.
    pub fn answered<'a>(&self, set: &'a ObjectSet) -> Vec<(&'a ObjectId, Answered)> {
        let told = |(index, one): (usize, &'a Desired)| Some((&one.id, self.answered_for(set, index)?));
        set.objects.iter().enumerate().filter_map(told).collect()
    }

    fn answered_for(&self, set: &ObjectSet, index: usize) -> Option<Answered> {
        let id = &set.objects[index].id;
        let answer = self.answers.get(id)?;
        let schema = self.schemas.get(&(id.api_version.clone(), id.kind.clone()));
        let mut told = answered::answered(&set.stamped(index), self.live.get(id), answer, schema);
        let hidden = set.hidden(index);
        for line in told.changes.iter_mut().chain(&mut told.defaults) {
            *line = redact(std::mem::take(line), &hidden);
        }
        Some(told)
    }

    /// Takes back what the server refused by a definition that this very set changes: it is tried again when the new one is there.
    fn leave_open(&mut self, set: &ObjectSet) {
        let redefined = self.redefined(set);
        self.problems.retain(|one| !(one.is_refusal() && redefined.contains(&one.object)));
    }

    /// Gives the objects of those kinds whose definitions the set changes.
    pub(super) fn redefined<'a>(&self, set: &'a ObjectSet) -> BTreeSet<&'a ObjectId> {
        let all = set.objects.iter().zip(&self.actions);
        let changed: Vec<&Value> = all
            .filter(|(one, action)| {
                **action != Action::Unchanged && is_custom_resource_definition(&one.object)
            })
            .map(|(one, _)| &one.object)
            .collect();
        let ids = set.objects.iter().map(|one| &one.id);
        ids.filter(|id| changed.iter().any(|definition| defines(definition, id))).collect()
    }

    /// Finds those fields of an object that others have with another value: what is empty or a default is none.
    pub fn overwritten<'a>(&self, one: &Desired, conflicts: &'a [Conflict]) -> Vec<&'a Conflict> {
        let live = self.live.get(&one.id).unwrap_or(&Value::Null);
        let differs = |conflict: &&Conflict| {
            let at = |object| refusal::value_at(object, &conflict.field).unwrap_or(&Value::Null);
            !defaults::is_only_filled_in(at(&one.object), at(live), &conflict.field)
        };
        conflicts.iter().filter(differs).collect()
    }

    /// Finds the objects that somebody goes on writing who is to lose them.
    async fn find_writers(
        &mut self,
        server: &ApiServer,
        set: &ObjectSet,
        patience: Patience,
    ) -> Result<(), ClusterError> {
        // Whom the set succeeds by itself writes no more when it is applied.
        if set.policy.succeeds.is_some() {
            return Ok(());
        }
        let mut writers = Writers::default();
        for (one, action) in set.objects.iter().zip(&self.actions) {
            let Action::Adopt { owner: Some(owner), .. } = action else { continue };
            let Some(live) = self.live.get(&one.id) else { continue };
            // Who applies under the name of the owner's program is no second one.
            if ownership::writes_for(owner, &set.policy.field_manager) {
                continue;
            }
            if let Some(way_out) = writers.way_out(server, owner, &one.id, live, patience).await? {
                let reason = Reason::Writer { owner: owner.clone(), way_out };
                self.problems.push(Problem { object: one.id.clone(), reason });
            }
        }
        Ok(())
    }

    /// Looks up the schemas of custom kinds where the server added something: it may be what they say by default.
    async fn find_schemas(
        &mut self,
        server: &ApiServer,
        set: &ObjectSet,
        patience: Patience,
    ) -> Result<(), ClusterError> {
        let custom =
            set.objects.iter().enumerate().filter(|(_, one)| schemas::may_be_defined(one.id.group()));
        let changed = custom
            .filter(|(index, _)| self.answered_for(set, *index).is_some_and(|told| !told.changes.is_empty()));
        let kinds: BTreeSet<(String, String)> =
            changed.map(|(_, one)| (one.id.api_version.clone(), one.id.kind.clone())).collect();
        for (api_version, kind) in kinds {
            if let Some(schema) =
                schemas::schema_of(server, &self.kinds, &api_version, &kind, patience).await?
            {
                self.schemas.insert((api_version, kind), schema);
            }
        }
        Ok(())
    }

    /// Takes in what was found out.
    pub(super) fn take(&mut self, set: &ObjectSet, looked: Vec<Looked>) {
        for one in looked {
            let id = &set.objects[one.index].id;
            if let Some(live) = one.live {
                self.live.insert(id.clone(), live);
            }
            match one.outcome {
                Ok(action) => {
                    let answer = one.answer.filter(|_| action != Action::Unchanged);
                    self.answers.extend(answer.map(|answer| (id.clone(), answer)));
                    self.actions[one.index] = action;
                }
                Err(reason) => self.problems.push(Problem { object: id.clone(), reason }),
            }
        }
        self.problems.sort_by(|one, other| one.object.cmp(&other.object));
    }
}

/// Tries objects without effect.
pub(super) async fn look_at(
    server: &Arc<ApiServer>,
    set: &Arc<ObjectSet>,
    kinds: &Kinds,
    live: &BTreeMap<ObjectId, Value>,
    indexes: &[usize],
    patience: Patience,
) -> Result<Vec<Looked>, ClusterError> {
    let mut work = JoinSet::new();
    for index in indexes.iter().copied() {
        let (server, set, kinds) = (Arc::clone(server), Arc::clone(set), kinds.clone());
        let live = live.get(&set.objects[index].id).cloned();
        work.spawn(async move { look_at_one(&server, &set, &kinds, index, live, patience).await });
    }
    let mut all = Vec::with_capacity(indexes.len());
    while let Some(looked) = work.join_next().await {
        let looked = looked.map_err(|error| ClusterError::Nonsense {
            cluster: server.cluster().to_owned(),
            action: "try the objects".to_owned(),
            message: error.to_string(),
        })??;
        all.push(looked);
    }
    Ok(all)
}

async fn look_at_one(
    server: &ApiServer,
    set: &ObjectSet,
    kinds: &Kinds,
    index: usize,
    live: Option<Value>,
    patience: Patience,
) -> Result<Looked, ClusterError> {
    let id = &set.objects[index].id;
    let Some(path) = kinds.path(id) else {
        let outcome = if comes_with(set, id) {
            Ok(Action::Unknown)
        } else {
            Err(Reason::Error(Box::new(kinds.unknown(server.cluster(), id))))
        };
        return Ok(Looked { index, live, answer: None, outcome });
    };
    let stamped = set.stamped(index);
    if let Some(live) = &live
        && ownership::is_ours(live, &set.parent.set_id())
        && owned::is_as_applied(live, &stamped, &set.policy.field_manager)
        && !inherits(set, live)
    {
        let outcome = Ok(Action::Unchanged);
        return Ok(Looked { index, live: Some(live.clone()), answer: None, outcome });
    }
    let dry_run = |force: bool| {
        let how = Apply { field_manager: &set.policy.field_manager, force, dry_run: true };
        Call::apply(&path, &stamped, &how, format!("apply {id}")).hiding(set.hidden(index))
    };
    let tried = server.call(&dry_run(set.policy.force_conflicts), patience).await;
    let live = match (&tried, live) {
        (Err(error), _) if error.is_out_of_reach() => return Err(error.clone()),
        (_, Some(live)) => Some(live),
        // An object that is only in the dry run has no version yet.
        (Ok(result), None) if result.pointer("/metadata/resourceVersion").is_none() => None,
        (Err(error), None) if error.is_absence() => None,
        _ => server.find(&Call::get(path.as_str(), format!("read {id}")), patience).await?,
    };
    let mut answer = tried.as_ref().ok().cloned();
    let outcome = match judge(set, index, live.as_ref(), tried) {
        Ok(Verdict::Settled(action)) => Ok(action),
        Ok(overwrite) => match server.call(&dry_run(true), patience).await {
            Ok(answered) => {
                answer = Some(answered);
                Ok(overwrite.action())
            }
            Err(error) => judge(set, index, live.as_ref(), Err(error)).map(Verdict::action),
        },
        Err(reason) => Err(reason),
    };
    Ok(Looked { index, live, answer, outcome })
}
