//! Protocol 5's requests as the server's calls, field by field.

use super::convert;
use super::tfplugin5 as proto;
use crate::server;

impl From<proto::read_resource::Request> for server::ReadCall {
    fn from(request: proto::read_resource::Request) -> Self {
        Self {
            type_name: request.type_name,
            state: convert::value(request.current_state),
            private: request.private,
            provider_meta: convert::value(request.provider_meta),
            identity: convert::identity(request.current_identity),
            capabilities: convert::capabilities(request.client_capabilities),
        }
    }
}

impl From<proto::plan_resource_change::Request> for server::PlanCall {
    fn from(request: proto::plan_resource_change::Request) -> Self {
        Self {
            type_name: request.type_name,
            prior: convert::value(request.prior_state),
            proposed: convert::value(request.proposed_new_state),
            config: convert::value(request.config),
            private: request.prior_private,
            provider_meta: convert::value(request.provider_meta),
            identity: convert::identity(request.prior_identity),
            capabilities: convert::capabilities(request.client_capabilities),
        }
    }
}

impl From<proto::apply_resource_change::Request> for server::ApplyCall {
    fn from(request: proto::apply_resource_change::Request) -> Self {
        Self {
            type_name: request.type_name,
            prior: convert::value(request.prior_state),
            planned: convert::value(request.planned_state),
            config: convert::value(request.config),
            private: request.planned_private,
            provider_meta: convert::value(request.provider_meta),
            identity: convert::identity(request.planned_identity),
        }
    }
}

impl From<proto::import_resource_state::Request> for server::ImportCall {
    fn from(request: proto::import_resource_state::Request) -> Self {
        Self {
            type_name: request.type_name,
            id: request.id,
            identity: convert::identity(request.identity),
            capabilities: convert::capabilities(request.client_capabilities),
        }
    }
}

impl From<proto::move_resource_state::Request> for server::MoveCall {
    fn from(request: proto::move_resource_state::Request) -> Self {
        Self {
            target_type: request.target_type_name,
            source_provider: request.source_provider_address,
            source_type: request.source_type_name,
            source_version: request.source_schema_version,
            source_state: convert::raw_state(request.source_state.unwrap_or_default()),
            source_private: request.source_private,
            source_identity: request.source_identity.map(convert::raw_state),
            source_identity_version: request.source_identity_schema_version,
        }
    }
}

impl From<proto::read_data_source::Request> for server::ReadDataCall {
    fn from(request: proto::read_data_source::Request) -> Self {
        Self {
            type_name: request.type_name,
            config: convert::value(request.config),
            provider_meta: convert::value(request.provider_meta),
            capabilities: convert::capabilities(request.client_capabilities),
        }
    }
}

impl From<proto::open_ephemeral_resource::Request> for server::OpenCall {
    fn from(request: proto::open_ephemeral_resource::Request) -> Self {
        Self {
            type_name: request.type_name,
            config: convert::value(request.config),
            capabilities: convert::capabilities(request.client_capabilities),
        }
    }
}

impl From<proto::list_resource::Request> for server::ListCall {
    fn from(request: proto::list_resource::Request) -> Self {
        Self {
            type_name: request.type_name,
            config: convert::value(request.config),
            include_resource: request.include_resource_object,
            limit: request.limit,
        }
    }
}

impl From<proto::invoke_action::Request> for server::InvokeCall {
    fn from(request: proto::invoke_action::Request) -> Self {
        Self {
            type_name: request.action_type,
            config: convert::value(request.config),
            capabilities: convert::capabilities(request.client_capabilities),
        }
    }
}

/// Reads an upgrade of state or identity, whose messages differ in a name only.
pub(crate) fn upgrade(type_name: String, version: i64, raw: Option<proto::RawState>) -> server::UpgradeCall {
    let raw = raw.unwrap_or_default();
    let is_flatmap = raw.json.is_empty() && !raw.flatmap.is_empty();
    server::UpgradeCall { type_name, version, raw: convert::raw_state(raw), is_flatmap }
}
