//! What a function call may use beside its arguments: the mode, the bounds, the seeded sources of chance and time.

use std::collections::BTreeMap;
use std::marker::PhantomData;

use crate::error::CallError;
use crate::limits::Limits;
use crate::render::Undecided;
use crate::trace::{Marks, Trace};

/// Which Helm is followed where the two differ.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Mode {
    /// Helm 3 (3.22).
    Helm3,
    /// Helm 4 (4.3).
    #[default]
    Helm4,
}

/// What a field of a map is that has no such key.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum MissingKeys {
    /// Nothing: `missingkey=zero`, as charts are rendered.
    #[default]
    Zero,
    /// An error: `missingkey=error`.
    Refused,
}

/// The surroundings of a function call.
pub struct Context<'r> {
    /// Which Helm is followed.
    pub mode: Mode,
    /// How much is recorded.
    pub trace: Trace,
    /// The bounds of this render.
    pub limits: Limits,
    /// What a field is that is not there.
    pub missing_keys: MissingKeys,
    /// Whether it is kept which place of the template printed what.
    pub(crate) keeps_origins: bool,
    now_unix_nanoseconds: i128,
    random_state: [u8; 32],
    used_chance: bool,
    steps: u64,
    noted: Marks,
    /// The marks of all conditions around the call.
    pub(crate) control: Marks,
    /// What decided about changes of values that were not made, of values that cannot be told.
    pub(crate) hidden: Marks,
    /// How conditions on unknown values are taken, by key.
    pub(crate) outcomes: BTreeMap<String, bool>,
    /// The conditions on unknown values that were met, by key.
    pub(crate) undecided: BTreeMap<String, Undecided>,
    render: PhantomData<&'r ()>,
}

impl Context<'_> {
    /// Makes a context that follows `mode`, with a seed for everything random and a fixed time.
    pub fn new(mode: Mode, trace: Trace, limits: Limits, seed: [u8; 32], now_unix_nanoseconds: i128) -> Self {
        Context {
            mode,
            trace,
            limits,
            missing_keys: MissingKeys::default(),
            keeps_origins: false,
            now_unix_nanoseconds,
            random_state: seed,
            used_chance: false,
            steps: 0,
            noted: Marks::NONE,
            control: Marks::NONE,
            hidden: Marks::NONE,
            outcomes: BTreeMap::new(),
            undecided: BTreeMap::new(),
            render: PhantomData,
        }
    }

    /// Accounts for work about to be done.
    ///
    /// # Errors
    /// When the render's budget of steps is used up.
    #[inline]
    pub fn charge(&mut self, steps: u64) -> Result<(), CallError> {
        self.steps = self.steps.saturating_add(steps);
        if self.steps > self.limits.steps {
            return Err(CallError::new(format!("the render needs more than {} steps", self.limits.steps)));
        }
        Ok(())
    }

    /// Accounts for a value of that many bytes (or 24 per list item) about to be made.
    ///
    /// # Errors
    /// When the value would be larger than one value may be, or the budget of steps is used up.
    pub fn charge_value(&mut self, bytes: usize) -> Result<(), CallError> {
        if bytes > self.limits.value_bytes {
            return Err(CallError::new(format!(
                "the result would be {bytes} bytes long; at most {} are allowed",
                self.limits.value_bytes
            )));
        }
        self.charge(1 + bytes as u64 / 64)
    }

    /// Notes what a function read that shows in a value it changed, and not only in the one it returns.
    pub fn note_read(&mut self, marks: Marks) {
        self.noted = self.noted.union(marks);
    }

    /// Returns what was noted since the last time.
    pub(crate) fn take_noted(&mut self) -> Marks {
        std::mem::take(&mut self.noted)
    }

    /// Returns the time of the render, in nanoseconds since the Unix epoch.
    pub fn now_unix_nanoseconds(&mut self) -> i128 {
        self.used_chance = true;
        self.now_unix_nanoseconds
    }

    /// Says whether anything asked for the time or for chance so far.
    pub fn used_chance(&self) -> bool {
        self.used_chance
    }

    /// Fills `out` from the seeded source: the same seed gives the same bytes in the same order of calls.
    pub fn random_bytes(&mut self, out: &mut [u8]) {
        use sha2::{Digest, Sha256};
        self.used_chance = true;
        for chunk in out.chunks_mut(32) {
            self.random_state = Sha256::digest(self.random_state).into();
            let block = Sha256::new_with_prefix(self.random_state).chain_update(b"draw").finalize();
            chunk.copy_from_slice(&block[..chunk.len()]);
        }
    }
}
