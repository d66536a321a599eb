//! The server's answers as protocol 5's responses, field by field.

use super::convert;
use super::tfplugin5 as proto;
use crate::schema::Diagnostics;
use crate::server;

impl From<Result<server::UpgradeAnswer, Diagnostics>> for proto::upgrade_resource_state::Response {
    fn from(answer: Result<server::UpgradeAnswer, Diagnostics>) -> Self {
        match answer {
            Ok(answer) => Self {
                upgraded_state: Some(answer.value.into()),
                diagnostics: convert::diagnostics(answer.diagnostics),
            },
            Err(errors) => Self { diagnostics: convert::failure(errors), ..Self::default() },
        }
    }
}

impl From<Result<server::UpgradeAnswer, Diagnostics>> for proto::upgrade_resource_identity::Response {
    fn from(answer: Result<server::UpgradeAnswer, Diagnostics>) -> Self {
        match answer {
            Ok(answer) => Self {
                upgraded_identity: Some(answer.value.into()),
                diagnostics: convert::diagnostics(answer.diagnostics),
            },
            Err(errors) => Self { diagnostics: convert::failure(errors), ..Self::default() },
        }
    }
}

impl From<Result<server::StateAnswer, Diagnostics>> for proto::read_resource::Response {
    fn from(answer: Result<server::StateAnswer, Diagnostics>) -> Self {
        match answer {
            Ok(answer) => Self {
                new_state: Some(answer.state.into()),
                diagnostics: convert::diagnostics(answer.diagnostics),
                private: answer.private,
                deferred: answer.deferral.map(convert::deferral),
                new_identity: answer.identity.map(Into::into),
            },
            Err(errors) => Self { diagnostics: convert::failure(errors), ..Self::default() },
        }
    }
}

impl From<Result<server::PlanAnswer, Diagnostics>> for proto::plan_resource_change::Response {
    fn from(answer: Result<server::PlanAnswer, Diagnostics>) -> Self {
        match answer {
            Ok(answer) => Self {
                planned_state: Some(answer.planned.into()),
                requires_replace: answer.requires_replace.iter().map(convert::path).collect(),
                planned_private: answer.private,
                diagnostics: convert::diagnostics(answer.diagnostics),
                legacy_type_system: false,
                deferred: answer.deferral.map(convert::deferral),
                planned_identity: answer.identity.map(Into::into),
            },
            Err(errors) => Self { diagnostics: convert::failure(errors), ..Self::default() },
        }
    }
}

impl From<Result<server::StateAnswer, Diagnostics>> for proto::apply_resource_change::Response {
    fn from(answer: Result<server::StateAnswer, Diagnostics>) -> Self {
        match answer {
            Ok(answer) => Self {
                new_state: Some(answer.state.into()),
                private: answer.private,
                diagnostics: convert::diagnostics(answer.diagnostics),
                legacy_type_system: false,
                new_identity: answer.identity.map(Into::into),
            },
            Err(errors) => Self { diagnostics: convert::failure(errors), ..Self::default() },
        }
    }
}

impl From<Result<server::StateAnswer, Diagnostics>> for proto::move_resource_state::Response {
    fn from(answer: Result<server::StateAnswer, Diagnostics>) -> Self {
        match answer {
            Ok(answer) => Self {
                target_state: Some(answer.state.into()),
                diagnostics: convert::diagnostics(answer.diagnostics),
                target_private: answer.private,
                target_identity: answer.identity.map(Into::into),
            },
            Err(errors) => Self { diagnostics: convert::failure(errors), ..Self::default() },
        }
    }
}

impl From<Result<server::UpgradeAnswer, Diagnostics>> for proto::generate_resource_config::Response {
    fn from(answer: Result<server::UpgradeAnswer, Diagnostics>) -> Self {
        match answer {
            Ok(answer) => Self {
                config: Some(answer.value.into()),
                diagnostics: convert::diagnostics(answer.diagnostics),
            },
            Err(errors) => Self { diagnostics: convert::failure(errors), ..Self::default() },
        }
    }
}

impl From<Result<server::ReadDataAnswer, Diagnostics>> for proto::read_data_source::Response {
    fn from(answer: Result<server::ReadDataAnswer, Diagnostics>) -> Self {
        match answer {
            Ok(answer) => Self {
                state: Some(answer.state.into()),
                diagnostics: convert::diagnostics(answer.diagnostics),
                deferred: answer.deferral.map(convert::deferral),
            },
            Err(errors) => Self { diagnostics: convert::failure(errors), ..Self::default() },
        }
    }
}

impl From<Result<server::EphemeralAnswer, Diagnostics>> for proto::open_ephemeral_resource::Response {
    fn from(answer: Result<server::EphemeralAnswer, Diagnostics>) -> Self {
        match answer {
            Ok(answer) => Self {
                diagnostics: convert::diagnostics(answer.diagnostics),
                renew_at: answer.renew_at.map(convert::timestamp),
                result: convert::some_value(answer.result),
                private: Some(answer.private),
                deferred: answer.deferral.map(convert::deferral),
            },
            Err(errors) => Self { diagnostics: convert::failure(errors), ..Self::default() },
        }
    }
}

impl From<Result<server::EphemeralAnswer, Diagnostics>> for proto::renew_ephemeral_resource::Response {
    fn from(answer: Result<server::EphemeralAnswer, Diagnostics>) -> Self {
        match answer {
            Ok(answer) => Self {
                diagnostics: convert::diagnostics(answer.diagnostics),
                renew_at: answer.renew_at.map(convert::timestamp),
                private: Some(answer.private),
            },
            Err(errors) => Self { diagnostics: convert::failure(errors), ..Self::default() },
        }
    }
}

impl From<server::ListEvent> for proto::list_resource::Event {
    fn from(event: server::ListEvent) -> Self {
        Self {
            identity: event.identity.map(Into::into),
            display_name: event.display_name,
            resource_object: event.resource.map(Into::into),
            diagnostic: convert::diagnostics(event.diagnostics),
        }
    }
}

impl From<server::ActionEvent> for proto::invoke_action::Event {
    fn from(event: server::ActionEvent) -> Self {
        use proto::invoke_action::event::{Completed, Progress, Type};
        let event = match event {
            server::ActionEvent::Progress(message) => Type::Progress(Progress { message }),
            server::ActionEvent::Completed(ended) => {
                Type::Completed(Completed { diagnostics: convert::diagnostics(ended) })
            }
        };
        Self { r#type: Some(event) }
    }
}
