//! What a Terraform provider in Rust stands on: tfplugin5 over tonic, cty values, schema, diagnostics.

pub mod schema;

pub use async_trait::async_trait;
pub use tokio_util::sync::CancellationToken;
