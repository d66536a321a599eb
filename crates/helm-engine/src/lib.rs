//! `helm template` as a pure library: charts and values in, Kubernetes manifests out, byte-identical to Helm.
//!
//! The crate performs no I/O: it knows no file system, network, clock or environment. A caller hands it a
//! chart as a list of files and values as trees, and gets documents, hooks and notes back, together with
//! what decided each of them.
//!
//! The rooms, in the order a render passes them:
//! - [`chart`]: what a chart is: metadata, files, dependencies, values of a chart and its subcharts
//! - [`tree`]: values as written by people, with a position for every leaf
//! - [`yaml`], [`json`], [`toml`]: reading and writing the way Helm's Go libraries do
//! - [`value`]: what a template computes with: Go's kinds, plus marks
//! - [`kind`]: what Go's reflection says of a value: type, kind, truth, emptiness
//! - [`trace`]: marks, and the sets they form
//! - [`template`]: Go's `text/template`: lexer, parser, evaluation, formatting
//! - [`semver`]: versions and constraints
//! - [`stack`]: the native stack that recursion may use
//! - [`functions`]: the functions a template may call, one family per file

pub mod capabilities;
pub mod chart;
mod context;

pub mod error;
pub mod functions;
mod gotext;
pub mod json;
pub mod kind;
pub mod limits;
pub mod manifests;
pub mod number;
pub mod semver;
pub mod render;
pub mod request;
pub mod strvals;
pub mod stack;
pub mod template;
pub mod toml;
pub mod trace;
pub mod tree;
pub mod value;
pub mod yaml;

pub use chart::{Chart, SourceFile};
pub use context::{Context, Mode};
pub use render::{RenderError, Rendered, render};
pub use request::Request;
