//! Applies of one resource: create, update or delete, as prior and planned state say.
//!
//! A refusal answers no state. Terraform then saves nothing for a create and keeps the prior state, private
//! bytes included, for an update and a delete.

use std::sync::Arc;

use super::catalog::{Part, find};
use super::{Capabilities, Server, WireValue};
use crate::schema::{
    CreateRequest, Deferral, DeleteRequest, Diagnostic, Diagnostics, NewState, Object, Resource,
    UpdateRequest,
};

/// Asks for a change.
#[derive(Debug, Default)]
pub(crate) struct ApplyCall {
    pub(crate) type_name: String,
    pub(crate) prior: WireValue,
    pub(crate) planned: WireValue,
    pub(crate) config: WireValue,
    pub(crate) private: Vec<u8>,
    pub(crate) provider_meta: WireValue,
    pub(crate) identity: Option<WireValue>,
}

/// Answers what is there now.
#[derive(Debug, Default)]
pub(crate) struct StateAnswer {
    pub(crate) state: WireValue,
    pub(crate) private: Vec<u8>,
    pub(crate) identity: Option<WireValue>,
    pub(crate) diagnostics: Diagnostics,
    pub(crate) deferral: Option<Deferral>,
}

impl Server {
    pub(crate) async fn apply(self: Arc<Self>, call: ApplyCall) -> Result<StateAnswer, Diagnostics> {
        let part = find(&self.catalog().resources, "resource", &call.type_name)?.clone();
        let prior = part.described.read(&call.prior, "prior state")?;
        let planned = part.described.read(&call.planned, "planned state")?;
        let new_state = self.change(&part, prior, planned, &call).await?;
        encode_state(&part, new_state, call.private, call.identity)
    }

    async fn change(
        &self,
        part: &Part<dyn Resource>,
        prior: Option<Object>,
        planned: Option<Object>,
        call: &ApplyCall,
    ) -> Result<NewState, Diagnostics> {
        let private = call.private.clone();
        let identity = part.read_identity(call.identity.as_ref())?;
        let provider_meta = self.read_meta(&call.provider_meta)?;
        let context = self.context(Capabilities { write_only_allowed: true, ..Capabilities::default() });
        let config = || part.described.read_some(&call.config, "configuration");
        let resource = part.part.as_ref();
        match (prior, planned) {
            (None, Some(planned)) => {
                let config = config()?;
                resource
                    .create(CreateRequest { planned, config, private, identity, provider_meta, context })
                    .await
            }
            (Some(prior), Some(planned)) => {
                let config = config()?;
                let request =
                    UpdateRequest { prior, planned, config, private, identity, provider_meta, context };
                resource.update(request).await
            }
            (Some(prior), None) => {
                resource.delete(DeleteRequest { prior, private, identity, provider_meta, context }).await
            }
            (None, None) => Ok(NewState::gone()),
        }
    }
}

/// Writes what an author answered; what the answer leaves open stays as it was.
///
/// A state that cannot be written would be lost with everything it says was done. The reason comes with the
/// author's own diagnostics, so that nothing of them is lost too.
pub(crate) fn encode_state(
    part: &Part<dyn Resource>,
    new_state: NewState,
    private: Vec<u8>,
    identity: Option<WireValue>,
) -> Result<StateAnswer, Diagnostics> {
    let NewState { state, private: new_private, identity: new_identity, mut diagnostics, deferral } =
        new_state;
    let is_gone = state.is_none();
    let state = match part.described.write(state) {
        Ok(state) => state,
        Err(errors) => {
            diagnostics.extend(errors);
            return Err(diagnostics);
        }
    };
    let identity = match new_identity {
        Some(new_identity) => part.write_identity(Some(new_identity))?,
        None => identity.filter(|_| !is_gone),
    };
    let private = if is_gone { Vec::new() } else { new_private.unwrap_or(private) };
    Ok(StateAnswer { state, private, identity, diagnostics, deferral })
}

impl Part<dyn Resource> {
    /// Reads an identity; a resource without one has none.
    pub(crate) fn read_identity(&self, value: Option<&WireValue>) -> Result<Option<Object>, Diagnostics> {
        match (&self.identity, value) {
            (Some((_, described)), Some(value)) => described.read(value, "identity"),
            _ => Ok(None),
        }
    }

    /// Writes an identity; nothing for a resource without one.
    pub(crate) fn write_identity(&self, identity: Option<Object>) -> Result<Option<WireValue>, Diagnostics> {
        match (&self.identity, identity) {
            (_, None) => Ok(None),
            (Some((_, described)), Some(identity)) => described.write(Some(identity)).map(Some),
            (None, Some(_)) => {
                let name = self.part.type_name();
                Err(Diagnostic::error(format!("{name} answered an identity but declares none")).into())
            }
        }
    }
}
