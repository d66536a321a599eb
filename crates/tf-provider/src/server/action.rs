//! Questions about actions.

use std::sync::Arc;

use tokio::sync::mpsc;

use super::catalog::find;
use super::{Capabilities, Server, WireValue, guarded};
use crate::schema::{
    Diagnostics, InvokeActionRequest, PlanActionRequest, Progress, ValidateRequest, check_config,
};

/// Asks to do something.
#[derive(Debug, Default)]
pub(crate) struct InvokeCall {
    pub(crate) type_name: String,
    pub(crate) config: WireValue,
    pub(crate) capabilities: Capabilities,
}

/// Reports progress or the end.
#[derive(Debug)]
pub(crate) enum ActionEvent {
    Progress(String),
    Completed(Diagnostics),
}

const KIND: &str = "action";

/// How many lines of progress may wait for Terraform to take them.
const WAITING: usize = 16;

impl Server {
    pub(crate) async fn validate_action(
        self: Arc<Self>,
        type_name: String,
        config: WireValue,
    ) -> Result<Diagnostics, Diagnostics> {
        let part = find(&self.catalog().actions, KIND, &type_name)?;
        let config = part.described.read_some(&config, "configuration")?;
        let mut diagnostics = check_config(&part.described.schema.block, &config, true);
        let request = ValidateRequest { config, context: self.context(Capabilities::default()) };
        diagnostics.extend(part.part.validate(request).await);
        Ok(diagnostics)
    }

    pub(crate) async fn plan_action(
        self: Arc<Self>,
        type_name: String,
        config: WireValue,
        capabilities: Capabilities,
    ) -> Result<Diagnostics, Diagnostics> {
        let part = find(&self.catalog().actions, KIND, &type_name)?;
        let config = part.described.read_some(&config, "configuration")?;
        let context = self.context(capabilities);
        part.part.plan(PlanActionRequest { config, context }).await
    }

    /// Starts an action, whose progress and end come through the channel.
    pub(crate) fn invoke(self: Arc<Self>, call: InvokeCall) -> mpsc::Receiver<ActionEvent> {
        let (events, receiver) = mpsc::channel(WAITING);
        tokio::spawn(async move {
            let invocation = self.run_action(call, events.clone());
            let ended = guarded(invocation).await.and_then(|result| result);
            let diagnostics = ended.unwrap_or_else(|diagnostics| diagnostics);
            // Nobody listens when Terraform has hung up.
            let _ = events.send(ActionEvent::Completed(diagnostics)).await;
        });
        receiver
    }

    async fn run_action(
        self: Arc<Self>,
        call: InvokeCall,
        events: mpsc::Sender<ActionEvent>,
    ) -> Result<Diagnostics, Diagnostics> {
        let part = find(&self.catalog().actions, KIND, &call.type_name)?;
        let config = part.described.read_some(&call.config, "configuration")?;
        let context = self.context(call.capabilities);
        let (sender, mut lines) = mpsc::channel(WAITING);
        let forward = async {
            while let Some(line) = lines.recv().await {
                // The action goes on when nobody listens.
                let _ = events.send(ActionEvent::Progress(line)).await;
            }
        };
        let invoke = part.part.invoke(InvokeActionRequest { config, context }, Progress(sender));
        let (result, ()) = tokio::join!(invoke, forward);
        result
    }
}
