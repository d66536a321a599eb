//! What a Terraform provider in Rust stands on: tfplugin5 over tonic, cty values, schema, diagnostics.

pub mod protocol;
pub mod schema;
mod server;

pub use async_trait::async_trait;
pub use protocol::{Mode, is_started_by_terraform, serve, serve_as, serve_with};
pub use tokio_util::sync::CancellationToken;
