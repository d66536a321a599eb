//! What a plan saw of a cluster, kept for the apply that follows it at once.
//!
//! Terraform plans every resource once more in the process that applies it, right before it does so. Trying all objects again
//! between the two would tell nothing new and cost as many requests as the writing itself. A look is good for moments only, for
//! one apply, and only for the very same set.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::preview::Preview;
use super::set::ObjectSet;

/// How long a look is good for.
const LONGEST: Duration = Duration::from_secs(20);
/// Looks that are kept at a time: more than Terraform applies at once, and few enough for a plan of a thousand releases.
const MOST: usize = 16;

/// The looks of a process.
#[derive(Debug, Default)]
pub struct Looks(Mutex<Vec<Look>>);

#[derive(Debug)]
struct Look {
    cluster: String,
    set: Arc<ObjectSet>,
    preview: Preview,
    taken: Instant,
}

impl Looks {
    /// Keeps what was seen of a set.
    pub fn keep(&self, cluster: &str, set: &Arc<ObjectSet>, preview: Preview) {
        let mut looks = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        looks.retain(|look| look.taken.elapsed() < LONGEST && !look.is_of(cluster, set));
        if looks.len() >= MOST {
            looks.remove(0);
        }
        looks.push(Look {
            cluster: cluster.to_owned(),
            set: Arc::clone(set),
            preview,
            taken: Instant::now(),
        });
    }

    /// Takes out what was seen of a set; none where that is too long ago, or the set is another one by now.
    pub fn take(&self, cluster: &str, set: &ObjectSet) -> Option<Preview> {
        self.take_within(LONGEST, cluster, set)
    }

    fn take_within(&self, longest: Duration, cluster: &str, set: &ObjectSet) -> Option<Preview> {
        let mut looks = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let place = looks.iter().position(|look| look.is_of(cluster, set))?;
        let look = looks.remove(place);
        (look.taken.elapsed() < longest && *look.set == *set).then_some(look.preview)
    }
}

impl Look {
    fn is_of(&self, cluster: &str, set: &ObjectSet) -> bool {
        self.cluster == cluster && self.set.parent == set.parent
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::super::inventory::Parent;
    use super::super::set::{Policy, Sources};
    use super::*;

    fn set(name: &str, color: &str) -> Arc<ObjectSet> {
        Arc::new(ObjectSet {
            title: format!("release a/{name}"),
            parent: Parent { namespace: "a".into(), name: name.into() },
            objects: Vec::new(),
            hooks: Vec::new(),
            notes: BTreeMap::from([("color".to_owned(), color.to_owned())]),
            sources: Sources::default(),
            policy: Policy::default(),
            predecessor: None,
        })
    }

    #[test]
    fn a_look_is_good_once_for_the_same_set_and_for_moments() {
        let looks = Looks::default();
        let red = set("one", "red");
        looks.keep("c", &red, Preview::default());
        assert!(looks.take("other", &red).is_none());
        assert!(looks.take("c", &set("one", "red")).is_some());
        assert!(looks.take("c", &red).is_none(), "it was taken");

        looks.keep("c", &red, Preview::default());
        assert!(looks.take("c", &set("one", "green")).is_none(), "another set");
        looks.keep("c", &red, Preview::default());
        assert!(looks.take_within(Duration::ZERO, "c", &red).is_none(), "too long ago");
    }

    #[test]
    fn a_plan_of_many_keeps_the_last_few() {
        let looks = Looks::default();
        let sets: Vec<_> = (0..=MOST).map(|number| set(&number.to_string(), "red")).collect();
        sets.iter().for_each(|set| looks.keep("c", set, Preview::default()));
        assert!(looks.take("c", &sets[0]).is_none() && looks.take("c", &sets[1]).is_some());
    }
}
