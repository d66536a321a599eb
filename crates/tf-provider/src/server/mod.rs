//! What the provider does for each question of Terraform's, whatever the protocol version.
//!
//! A call comes with values in wire form and leaves the same way; between, everything is meaning: which part
//! is asked, what its schema says, what follows for state and plan. The protocol's own files only move
//! fields in and out of their messages.

mod action;
mod apply;
mod catalog;
mod data_source;
mod ephemeral;
mod function;
mod list;
mod plan;
mod provider;
mod resource;
mod wire;

use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use tokio_util::sync::CancellationToken;
use tracing::Instrument as _;

pub(crate) use action::{ActionEvent, InvokeCall};
pub(crate) use apply::{ApplyCall, StateAnswer};
pub(crate) use catalog::{Catalog, Part};
pub(crate) use data_source::{ReadDataAnswer, ReadDataCall};
pub(crate) use ephemeral::{EphemeralAnswer, OpenCall};
pub(crate) use function::CallFunctionCall;
pub(crate) use list::{ListCall, ListEvent};
pub(crate) use plan::{PlanAnswer, PlanCall};
pub(crate) use resource::{ImportCall, MoveCall, ReadCall, UpgradeAnswer, UpgradeCall};
pub(crate) use wire::WireValue;

use crate::schema::{Context, Diagnostic, Diagnostics, Provider};

/// Answers for one provider.
pub(crate) struct Server {
    provider: Arc<dyn Provider>,
    catalog: OnceLock<Catalog>,
    /// Fires for the calls that run when Terraform asks to stop; replaced then.
    cancel: Mutex<CancellationToken>,
}

/// What the caller can do beyond the basics.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Capabilities {
    pub(crate) deferral_allowed: bool,
    pub(crate) write_only_allowed: bool,
}

impl Server {
    pub(crate) fn new(provider: Arc<dyn Provider>) -> Self {
        Self { provider, catalog: OnceLock::new(), cancel: Mutex::default() }
    }

    pub(crate) fn address(&self) -> &str {
        self.provider.address()
    }

    /// Lists the provider's parts; made at the first question, so that the start stays short.
    pub(crate) fn catalog(&self) -> &Catalog {
        self.catalog.get_or_init(|| Catalog::of(self.provider.as_ref()))
    }

    /// Asks the running calls to end soon.
    pub(crate) fn stop(&self) {
        let mut cancel = self.cancel.lock().unwrap_or_else(PoisonError::into_inner);
        std::mem::take(&mut *cancel).cancel();
    }

    pub(crate) fn context(&self, capabilities: Capabilities) -> Context {
        let cancel = self.cancel.lock().unwrap_or_else(PoisonError::into_inner);
        Context {
            cancel: cancel.child_token(),
            deferral_allowed: capabilities.deferral_allowed,
            write_only_allowed: capabilities.write_only_allowed,
        }
    }
}

/// Runs a call in a task of its own: a panic becomes a diagnostic, and a caller who hangs up does not stop
/// work half-way.
pub(crate) async fn guarded<T: Send + 'static>(
    call: impl Future<Output = T> + Send + 'static,
) -> Result<T, Diagnostics> {
    match tokio::spawn(call.in_current_span()).await {
        Ok(answer) => Ok(answer),
        Err(error) => match error.try_into_panic() {
            Ok(panic) => Err(panic_diagnostic(panic.as_ref()).into()),
            // Only a runtime that shuts down cancels a task.
            Err(error) => {
                Err(Diagnostic::error("The provider is shutting down").detail(error.to_string()).into())
            }
        },
    }
}

fn panic_diagnostic(panic: &(dyn std::any::Any + Send)) -> Diagnostic {
    let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
    let text = text.or_else(|| panic.downcast_ref::<String>().cloned()).unwrap_or_default();
    Diagnostic::error("The provider panicked")
        .detail(format!("This is a bug in the provider, not in the configuration: {text}"))
        .hint("TF_LOG=error shows where it happened; please report it")
}
