//! Go's `text/template`, as Helm uses it: lexer, parser, evaluation, formatting.

mod float;
pub mod format;
pub mod unicode;
mod unicode_tables;

pub use float::{format_float, push_float};
