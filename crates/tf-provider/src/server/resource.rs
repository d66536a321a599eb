//! The other questions about one resource: validate, upgrade, read, import, move, generate.

use std::sync::Arc;

use super::apply::{StateAnswer, encode_state};
use super::catalog::{Described, Part, find};
use super::plan::deferral_refused;
use super::{Capabilities, Server, WireValue};
use crate::schema::{
    Diagnostic, Diagnostics, ImportRequest, Imported, MoveRequest, NewState, Object, RawState, ReadRequest,
    Resource, UpgradeIdentityRequest, UpgradeRequest, ValidateRequest, check_config,
};

/// Asks what is there.
#[derive(Debug, Default)]
pub(crate) struct ReadCall {
    pub(crate) type_name: String,
    pub(crate) state: WireValue,
    pub(crate) private: Vec<u8>,
    pub(crate) provider_meta: WireValue,
    pub(crate) identity: Option<WireValue>,
    pub(crate) capabilities: Capabilities,
}

/// Asks for the current form of stored state or identity.
#[derive(Debug, Default)]
pub(crate) struct UpgradeCall {
    pub(crate) type_name: String,
    pub(crate) version: i64,
    pub(crate) raw: RawState,
    /// Terraform before 0.12 wrote state in another form, which nobody reads any more.
    pub(crate) is_flatmap: bool,
}

/// Answers an upgrade.
#[derive(Debug, Default)]
pub(crate) struct UpgradeAnswer {
    pub(crate) value: WireValue,
    pub(crate) diagnostics: Diagnostics,
}

/// Asks for an existing object.
#[derive(Debug, Default)]
pub(crate) struct ImportCall {
    pub(crate) type_name: String,
    pub(crate) id: String,
    pub(crate) identity: Option<WireValue>,
    pub(crate) capabilities: Capabilities,
}

/// Answers with what an import found.
#[derive(Debug, Default)]
pub(crate) struct ImportAnswer {
    pub(crate) imported: Vec<StateAnswer>,
    pub(crate) diagnostics: Diagnostics,
}

/// Asks to take over another resource's state.
#[derive(Debug, Default)]
pub(crate) struct MoveCall {
    pub(crate) target_type: String,
    pub(crate) source_provider: String,
    pub(crate) source_type: String,
    pub(crate) source_version: i64,
    pub(crate) source_state: RawState,
    pub(crate) source_private: Vec<u8>,
    pub(crate) source_identity: Option<RawState>,
    pub(crate) source_identity_version: i64,
}

impl Server {
    pub(crate) async fn validate_resource(
        self: Arc<Self>,
        type_name: String,
        config: WireValue,
        capabilities: Capabilities,
    ) -> Result<Diagnostics, Diagnostics> {
        let part = find(&self.catalog().resources, "resource", &type_name)?.clone();
        let config = part.described.read_some(&config, "configuration")?;
        let mut diagnostics =
            check_config(&part.described.schema.block, &config, capabilities.write_only_allowed);
        let request = ValidateRequest { config, context: self.context(capabilities) };
        diagnostics.extend(part.part.validate(request).await);
        Ok(diagnostics)
    }

    pub(crate) async fn read(self: Arc<Self>, call: ReadCall) -> Result<StateAnswer, Diagnostics> {
        let part = find(&self.catalog().resources, "resource", &call.type_name)?.clone();
        let Some(state) = part.described.read(&call.state, "state")? else {
            return encode_state(&part, NewState::gone(), Vec::new(), None);
        };
        let request = ReadRequest {
            state,
            private: call.private.clone(),
            identity: part.read_identity(call.identity.as_ref())?,
            provider_meta: self.read_meta(&call.provider_meta)?,
            context: self.context(call.capabilities),
        };
        let new_state = part.part.read(request).await?;
        if new_state.deferral.is_some() && !call.capabilities.deferral_allowed {
            return Err(deferral_refused(&call.type_name));
        }
        encode_state(&part, new_state, call.private, call.identity)
    }

    pub(crate) async fn upgrade(self: Arc<Self>, call: UpgradeCall) -> Result<UpgradeAnswer, Diagnostics> {
        let part = find(&self.catalog().resources, "resource", &call.type_name)?.clone();
        if call.is_flatmap {
            let error = format!("The state of {} was written by Terraform 0.11 or older", call.type_name);
            return Err(Diagnostic::error(error).hint("upgrade the state with Terraform 0.13 first").into());
        }
        let current = i64::try_from(part.described.schema.version).unwrap_or(i64::MAX);
        let state = if call.version == current {
            read_current(&part.described, &call)?
        } else if call.version > current {
            return Err(newer_than_ours(&call, current));
        } else {
            let context = self.context(Capabilities::default());
            part.part.upgrade(UpgradeRequest { version: call.version, raw: call.raw, context }).await?
        };
        Ok(UpgradeAnswer { value: part.described.write(Some(state))?, diagnostics: Diagnostics::new() })
    }

    pub(crate) async fn upgrade_identity(
        self: Arc<Self>,
        call: UpgradeCall,
    ) -> Result<UpgradeAnswer, Diagnostics> {
        let part = find(&self.catalog().resources, "resource", &call.type_name)?.clone();
        let Some((schema, described)) = &part.identity else {
            return Err(Diagnostic::error(format!("{} has no identity", call.type_name)).into());
        };
        let current = i64::try_from(schema.version).unwrap_or(i64::MAX);
        let identity = if call.version == current {
            read_current(described, &call)?
        } else if call.version > current {
            return Err(newer_than_ours(&call, current));
        } else {
            let context = self.context(Capabilities::default());
            let request = UpgradeIdentityRequest { version: call.version, raw: call.raw, context };
            part.part.upgrade_identity(request).await?
        };
        Ok(UpgradeAnswer { value: described.write(Some(identity))?, diagnostics: Diagnostics::new() })
    }

    pub(crate) async fn import(self: Arc<Self>, call: ImportCall) -> Result<ImportAnswer, Diagnostics> {
        let part = find(&self.catalog().resources, "resource", &call.type_name)?.clone();
        let identity = part.read_identity(call.identity.as_ref())?;
        let request = ImportRequest { id: call.id, identity, context: self.context(call.capabilities) };
        let mut imported = part.part.import(request).await?;
        let mut diagnostics = Diagnostics::new();
        imported.iter_mut().for_each(|found| diagnostics.extend(std::mem::take(&mut found.diagnostics)));
        let encode = |found: Imported| {
            let state = NewState { identity: found.identity, ..NewState::of(found.state) };
            encode_state(&part, state, found.private, call.identity.clone())
        };
        let imported = imported.into_iter().map(encode).collect::<Result<_, _>>()?;
        Ok(ImportAnswer { imported, diagnostics })
    }

    pub(crate) async fn move_state(self: Arc<Self>, call: MoveCall) -> Result<StateAnswer, Diagnostics> {
        let part = find(&self.catalog().resources, "resource", &call.target_type)?.clone();
        let source = format!("{} of {}", call.source_type, call.source_provider);
        let request = MoveRequest {
            source_provider: call.source_provider,
            source_type: call.source_type,
            source_version: call.source_version,
            source_state: call.source_state,
            source_private: call.source_private,
            source_identity: call.source_identity,
            source_identity_version: call.source_identity_version,
            context: self.context(Capabilities::default()),
        };
        match part.part.move_state(request).await? {
            Some(new_state) => encode_state(&part, new_state, Vec::new(), None),
            None => Err(Diagnostic::error(format!("{} cannot take over {source}", call.target_type))
                .hint("remove the moved block and import the object instead")
                .into()),
        }
    }

    pub(crate) async fn generate_config(
        self: Arc<Self>,
        type_name: String,
        state: WireValue,
    ) -> Result<UpgradeAnswer, Diagnostics> {
        let part = find(&self.catalog().resources, "resource", &type_name)?.clone();
        let state = part.described.read_some(&state, "state")?;
        let config = part.part.generate_config(state).await?;
        Ok(UpgradeAnswer { value: part.described.write(Some(config))?, diagnostics: Diagnostics::new() })
    }

    /// Reads the `provider_meta` of a module, for providers that have one.
    pub(crate) fn read_meta(&self, value: &WireValue) -> Result<Option<Object>, Diagnostics> {
        match &self.catalog().provider_meta {
            Some(described) => described.read(value, "provider_meta"),
            None => Ok(None),
        }
    }
}

/// Reads what the current schema wrote; attributes that a later patch dropped are passed over.
fn read_current(described: &Described, call: &UpgradeCall) -> Result<Object, Diagnostics> {
    call.raw.decode(&described.schema).map_err(|error| {
        Diagnostic::error(format!("{} cannot read its state", call.type_name))
            .detail(format!("The state has schema version {}: {error}.", call.version))
            .into()
    })
}

fn newer_than_ours(call: &UpgradeCall, current: i64) -> Diagnostics {
    Diagnostic::error(format!("{} was written by a newer version of the provider", call.type_name))
        .detail(format!("The state has schema version {}, this provider knows {current}.", call.version))
        .hint("use the newer version again")
        .into()
}

/// Names the resource parts for those who only need their description.
pub(crate) type ResourcePart = Part<dyn Resource>;
