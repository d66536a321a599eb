//! The wire: processes, sockets, TLS, protobuf and msgpack. Nothing here knows what a call means.
//!
//! `service` serves protocol 5; another protocol version would stand beside it over the same server.

mod answers;
mod companions;
mod connection;
mod convert;
mod describe;
pub(crate) mod dynamic_value;
mod handshake;
mod listener;
mod log;
mod msgpack;
mod reattach;
mod requests;
mod serve;
mod service;
mod tls;

/// The wire types and services of protocol 5, generated from `proto/tfplugin5.proto`.
///
/// They are public for tests and tools that speak to a provider; resource authors need none of them.
#[allow(missing_docs, unreachable_pub, clippy::all, clippy::unwrap_used)]
#[rustfmt::skip]
#[path = "generated/tfplugin5.rs"]
pub mod tfplugin5;

/// The plugin host's own services, generated from `proto/go_plugin.proto`.
#[allow(missing_docs, unreachable_pub, clippy::all, clippy::unwrap_used)]
#[rustfmt::skip]
#[path = "generated/go_plugin.rs"]
pub mod go_plugin;

/// gRPC's health check, generated from `proto/health.proto`.
#[allow(missing_docs, unreachable_pub, clippy::all, clippy::unwrap_used)]
#[rustfmt::skip]
#[path = "generated/health.rs"]
pub mod health;

pub use handshake::{NoHandshake, is_started_by_terraform};
pub use serve::{CannotServe, Mode, serve, serve_as, serve_with};
pub use tls::TlsError;

/// The largest message in either direction: what Go's plugin servers allow.
pub const LARGEST_MESSAGE_BYTES: usize = 256 << 20;
