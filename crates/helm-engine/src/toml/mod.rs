//! TOML as `github.com/BurntSushi/toml` 1.6.0 reads and writes it for `fromToml` and `toToml`: TOML 1.1, with that
//! library's own order, indentation, refusals and words.
//!
//! - `lexer` and `states`: text to items, the first mistake with its line
//! - `parser` and `tables`: items to tables, with the rules on what may be defined twice
//! - `scalars`: integers, floats, dates, escapes
//! - `write`: the way back

mod lexer;
mod parser;
mod scalars;
mod states;
mod tables;
#[cfg(test)]
mod tests;
mod write;

pub use parser::{ReadError, from_toml};
pub use write::to_toml;
