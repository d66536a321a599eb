//! Delivery straight to a cluster: server-side apply, with everything that can be known before the first write known then.
//!
//! | file | what it does |
//! |---|---|
//! | [`connection`], `kubeconfig`, `credentials` | where a cluster is and as whom it is spoken to |
//! | `client`, `call`, `retry`, [`discovery`] | one API server: requests, patience, kinds |
//! | [`inventory`] | what a set has, written down in the cluster |
//! | [`preview`], `judge`, `ownership`, `writers`, `refusal`, [`looks`] | what an apply would do, asked of the server without doing it |
//! | [`apply`], `write`, `graph`, `schedule`, [`hooks`] | writing, in the order of what needs what |
//! | [`readiness`], `wait`, `watch`, `pods` | whether what was written has become what it should be, and why not |
//! | [`definitions`], [`losses`] | stored versions of kinds, the objects of custom kinds, and what goes along with a deletion |
//! | [`remove`], [`withdraw`], `farewell` | taking it away, the hooks of that |
//! | [`handover`], [`predecessor`] | objects that another takes over, who had them before, and what they leave behind |
//! | [`helm`] | what Helm wrote down of a release |
//! | [`observe`], [`owned`] | what is there, and what of it is ours |
//!
//! Rules that hold everywhere: nothing is written before all objects were tried without effect; no field of somebody else
//! is forced unless the policy says so; only what is in the inventory and carries the set's label is ever deleted; what could
//! not be asked is not taken for absent.

pub mod apply;
mod call;
mod client;
pub mod connection;
mod credentials;
pub mod definitions;
pub mod discovery;
mod error;
#[cfg(test)]
mod fake;
mod farewell;
mod graph;
pub mod handover;
pub mod helm;
pub mod hooks;
pub mod inventory;
mod judge;
pub mod kubeconfig;
pub mod looks;
pub mod losses;
pub mod observe;
pub mod owned;
mod ownership;
mod pods;
pub mod predecessor;
pub mod preview;
pub mod readiness;
mod refusal;
pub mod remove;
mod retry;
mod schedule;
mod schemas;
mod set;
mod wait;
mod watch;
pub mod withdraw;
mod write;
mod writers;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

pub use client::{ApiServer, Patience};
pub use connection::Connection;
pub use error::ClusterError;
pub use refusal::Conflict;
pub use set::{Claims, ObjectSet, Policy, Sources};

/// All API servers that a process speaks with: one client for each server and user, shared by everything that needs it.
#[derive(Debug, Default)]
pub struct Clusters {
    servers: Mutex<HashMap<[u8; 32], Arc<ApiServer>>>,
    /// Which set writes which object, found out while planning.
    pub claims: Claims,
    /// What planning saw, for the apply that follows at once.
    pub looks: looks::Looks,
}

impl Clusters {
    /// Gives the client of a connection; nothing is asked of the server yet.
    pub fn server(&self, connection: &Connection) -> Arc<ApiServer> {
        let mut servers = self.servers.lock().unwrap_or_else(PoisonError::into_inner);
        let server = servers
            .entry(connection.fingerprint())
            .or_insert_with(|| Arc::new(ApiServer::new(connection.clone())));
        Arc::clone(server)
    }
}
