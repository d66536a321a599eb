//! `helm template` as a pure library: charts and values in, Kubernetes manifests out, byte-identical to Helm.
//!
//! The crate performs no I/O: it knows no file system, network, clock or environment. A caller hands it a
//! chart as a list of files and values as trees, and gets documents, hooks and notes back, together with
//! what decided each of them.
//!
//! ```
//! use helm_engine::manifests::PrintOptions;
//! use helm_engine::request::read_values;
//! use helm_engine::{Chart, Mode, Request, SourceFile, render};
//!
//! let files = vec![
//!     SourceFile::new("Chart.yaml", *b"{apiVersion: v2, name: web, version: 1.0.0}"),
//!     SourceFile::new("values.yaml", *b"replicas: 1"),
//!     SourceFile::new("templates/config.yaml", *b"kind: ConfigMap\ndata: {n: {{ .Values.replicas | quote }}}"),
//! ];
//! let chart = Chart::load(files, Mode::Helm4)?;
//! let mut request = Request::new("my-release", "v1.34.0");
//! request.layers.push(read_values(b"replicas: 2", 0, Mode::Helm4)?);
//! let rendered = render(&chart, &request)?;
//! assert_eq!(rendered.manifests[0].head.kind, "ConfigMap");
//! assert_eq!(
//!     rendered.to_helm_text(&PrintOptions::default())?,
//!     b"---\n# Source: web/templates/config.yaml\nkind: ConfigMap\ndata: {n: \"2\"}\n",
//! );
//! # Ok::<(), helm_engine::RenderError>(())
//! ```
//!
//! The rooms, in the order a render passes them:
//! - [`chart`]: what a chart is: metadata, files, dependencies, values of a chart and its subcharts
//! - [`tree`]: values as written by people, with a position for every leaf
//! - [`request`], [`strvals`], [`capabilities`]: what a caller asks for: release, cluster, layers, `--set` flags
//! - [`yaml`], [`json`], [`toml`]: reading and writing the way Helm's Go libraries do
//! - [`value`], [`kind`], [`number`]: what a template computes with: Go's kinds and what reflection says of them
//! - [`trace`]: marks, and the sets they form
//! - [`template`]: Go's `text/template`: lexer, parser, evaluation, formatting
//! - [`functions`], [`semver`]: the functions a template may call, one family per file
//! - [`mod@render`]: the way from a chart and a request to documents, and why it was refused
//! - [`manifests`]: rendered text cut into documents, hooks set apart, sorted, printed
//! - [`limits`], [`stack`], [`error`]: bounds on what a render may consume, and what goes wrong below it

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
mod marked;
pub mod number;
pub mod render;
pub mod request;
pub mod semver;
pub mod stack;
pub mod strvals;
pub mod template;
pub mod toml;
pub mod trace;
pub mod tree;
pub mod value;
pub mod yaml;

pub use chart::{Chart, SourceFile};
pub use context::{Context, Mode};
pub use render::{RenderError, Rendered, effective_values, render, render_files};
pub use request::Request;
