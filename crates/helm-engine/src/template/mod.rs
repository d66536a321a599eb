//! Go's `text/template`, as Helm uses it: lexer, parser, evaluation, formatting.

mod ast;
mod complex;
mod eval;
mod float;
pub mod format;
mod lexer;
mod number;
mod parser;
mod set;
#[cfg(test)]
mod tests;
pub mod unicode;
mod unicode_tables;

pub(crate) use ast::Source;
pub(crate) use eval::{Origin, TPL_NAME, WARNING_END, WARNING_START, origins_of_pieces, plain_container};
pub use float::{format_float, push_float};
pub use set::{Rendered, TemplateFile, TemplateSet};
