//! Plans of one resource: draft by the schema's rules, then the author's word.

use std::sync::Arc;

use super::catalog::{Part, find};
use super::{Capabilities, Server, WireValue};
use crate::schema::{
    Deferral, Diagnostic, Diagnostics, Object, Path, Plan, PlanDestroyRequest, PlanRequest, Resource, propose,
};

/// Asks for a plan.
#[derive(Debug, Default)]
pub(crate) struct PlanCall {
    pub(crate) type_name: String,
    pub(crate) prior: WireValue,
    pub(crate) proposed: WireValue,
    pub(crate) config: WireValue,
    pub(crate) private: Vec<u8>,
    pub(crate) provider_meta: WireValue,
    pub(crate) identity: Option<WireValue>,
    pub(crate) capabilities: Capabilities,
}

/// Answers with a plan.
#[derive(Debug, Default)]
pub(crate) struct PlanAnswer {
    pub(crate) planned: WireValue,
    pub(crate) requires_replace: Vec<Path>,
    pub(crate) private: Vec<u8>,
    pub(crate) identity: Option<WireValue>,
    pub(crate) diagnostics: Diagnostics,
    pub(crate) deferral: Option<Deferral>,
}

impl Server {
    pub(crate) async fn plan(self: Arc<Self>, call: PlanCall) -> Result<PlanAnswer, Diagnostics> {
        let part = find(&self.catalog().resources, "resource", &call.type_name)?.clone();
        let prior = part.described.read(&call.prior, "prior state")?;
        match part.described.read(&call.proposed, "proposed state")? {
            Some(proposed) => self.plan_change(&part, prior, proposed, call).await,
            None => self.plan_destroy(&part, prior, call).await,
        }
    }

    async fn plan_change(
        &self,
        part: &Part<dyn Resource>,
        prior: Option<Object>,
        proposed: Object,
        call: PlanCall,
    ) -> Result<PlanAnswer, Diagnostics> {
        let config = part.described.read_some(&call.config, "configuration")?;
        let (planned, requires_replace) =
            propose(&part.described.schema.block, prior.as_ref(), &config, proposed.clone());
        let request = PlanRequest {
            prior,
            config,
            proposed,
            planned,
            requires_replace,
            private: call.private.clone(),
            identity: part.read_identity(call.identity.as_ref())?,
            provider_meta: self.read_meta(&call.provider_meta)?,
            context: self.context(call.capabilities),
        };
        let plan = part.part.plan(request).await?;
        encode_plan(part, plan, call)
    }

    async fn plan_destroy(
        &self,
        part: &Part<dyn Resource>,
        prior: Option<Object>,
        call: PlanCall,
    ) -> Result<PlanAnswer, Diagnostics> {
        let mut answer = PlanAnswer {
            planned: part.described.write(None)?,
            private: call.private.clone(),
            identity: call.identity,
            ..PlanAnswer::default()
        };
        if let Some(prior) = prior {
            let request = PlanDestroyRequest {
                prior,
                private: call.private,
                provider_meta: self.read_meta(&call.provider_meta)?,
                context: self.context(call.capabilities),
            };
            answer.diagnostics = part.part.plan_destroy(request).await?;
        }
        Ok(answer)
    }
}

fn encode_plan(part: &Part<dyn Resource>, plan: Plan, call: PlanCall) -> Result<PlanAnswer, Diagnostics> {
    if plan.deferral.is_some() && !call.capabilities.deferral_allowed {
        return Err(deferral_refused(&call.type_name));
    }
    let identity = match plan.identity {
        Some(identity) => part.write_identity(Some(identity))?,
        None => call.identity,
    };
    Ok(PlanAnswer {
        planned: part.described.write(Some(plan.planned))?,
        requires_replace: plan.requires_replace,
        private: plan.private.unwrap_or(call.private),
        identity,
        diagnostics: plan.diagnostics,
        deferral: plan.deferral,
    })
}

/// Says that this Terraform cannot postpone what the provider wants to postpone.
pub(crate) fn deferral_refused(type_name: &str) -> Diagnostics {
    Diagnostic::error(format!("{type_name} cannot be planned yet"))
        .detail("It depends on values that are not known, and this version of Terraform cannot postpone it.")
        .hint("apply what it depends on first, with -target")
        .into()
}
