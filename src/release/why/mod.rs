//! Why rendered objects are what they are, told from a traced render: which values and which lines of which templates made
//! a field, and what a line of a layer reaches.
//!
//! A field's reasons are of two sorts. Its *data* reasons gave its text; its *control* reasons decided that it is there.
//! What is secret is never part of an answer: neither the content of a Secret, nor a value that reaches one.

pub mod objects;
pub mod origins;
pub mod reach;
pub mod refused;

pub use objects::{Explained, ExplainedField, Traced, explain_objects};
pub use origins::{Origins, ValueOrigin};
pub use reach::{Reach, Reached, keys_at, reach};
