//! What a trace says is held against what happens: one value is changed, and only what was said to depend on it may
//! differ. The charts are those of the corpus and small ones put together from fragments by a seeded generator.
//!
//! A change is told by the difference between the values that templates saw before and after it, so that defaults,
//! globals, imports and the rules for null are part of what is tested.

#[path = "../runner/cases.rs"]
#[allow(dead_code, reason = "the runner uses the rest")]
mod cases;
mod changes;
#[path = "../runner/charts.rs"]
#[allow(dead_code, reason = "the runner uses the rest")]
mod charts;
mod documents;
#[path = "../../examples/helm_template/flags.rs"]
mod flags;
mod fragments;
mod inputs;
mod precision;
mod soundness;
mod steps;
