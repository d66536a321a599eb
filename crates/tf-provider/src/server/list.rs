//! Searches of list resources.

use std::sync::Arc;

use tokio::sync::mpsc;

use super::catalog::find;
use super::resource::ResourcePart;
use super::{Capabilities, Server, WireValue, guarded};
use crate::schema::{Diagnostics, Found, FoundSender, ListRequest, ValidateRequest, check_config};

/// Asks for a search.
#[derive(Debug, Default)]
pub(crate) struct ListCall {
    pub(crate) type_name: String,
    pub(crate) config: WireValue,
    pub(crate) include_resource: bool,
    pub(crate) limit: i64,
}

/// Reports one object, or diagnostics alone.
#[derive(Debug, Default)]
pub(crate) struct ListEvent {
    pub(crate) identity: Option<WireValue>,
    pub(crate) display_name: String,
    pub(crate) resource: Option<WireValue>,
    pub(crate) diagnostics: Diagnostics,
}

const KIND: &str = "list resource";

/// How many results may wait for Terraform to take them.
const WAITING: usize = 16;

impl Server {
    pub(crate) async fn validate_list(
        self: Arc<Self>,
        type_name: String,
        config: WireValue,
    ) -> Result<Diagnostics, Diagnostics> {
        let part = find(&self.catalog().list_resources, KIND, &type_name)?;
        let config = part.described.read_some(&config, "configuration")?;
        let mut diagnostics = check_config(&part.described.schema.block, &config, false);
        let request = ValidateRequest { config, context: self.context(Capabilities::default()) };
        diagnostics.extend(part.part.validate(request).await);
        Ok(diagnostics)
    }

    /// Starts a search, whose results come through the channel until it closes.
    pub(crate) fn list(self: Arc<Self>, call: ListCall) -> mpsc::Receiver<ListEvent> {
        let (events, receiver) = mpsc::channel(WAITING);
        tokio::spawn(async move {
            let search = self.search(call, events.clone());
            if let Err(diagnostics) = guarded(search).await.and_then(|result| result) {
                // Nobody listens when Terraform has hung up.
                let _ = events.send(ListEvent { diagnostics, ..ListEvent::default() }).await;
            }
        });
        receiver
    }

    async fn search(
        self: Arc<Self>,
        call: ListCall,
        events: mpsc::Sender<ListEvent>,
    ) -> Result<(), Diagnostics> {
        let catalog = self.catalog();
        let part = find(&catalog.list_resources, KIND, &call.type_name)?;
        let target = find(&catalog.resources, "resource", &call.type_name)?;
        let limit = u64::try_from(call.limit).ok().filter(|limit| *limit > 0).unwrap_or(u64::MAX);
        let request = ListRequest {
            config: part.described.read_some(&call.config, "configuration")?,
            include_resource: call.include_resource,
            limit,
            context: self.context(Capabilities::default()),
        };
        let (sender, found) = mpsc::channel(WAITING);
        let forward = forward(target, found, events, limit);
        let (searched, forwarded) = tokio::join!(part.part.list(request, FoundSender(sender)), forward);
        searched.and(forwarded)
    }
}

/// Writes results for the wire until there are enough; dropping the receiver tells the search.
async fn forward(
    target: &ResourcePart,
    mut found: mpsc::Receiver<Found>,
    events: mpsc::Sender<ListEvent>,
    limit: u64,
) -> Result<(), Diagnostics> {
    let mut sent = 0;
    while sent < limit {
        let Some(found) = found.recv().await else { break };
        sent += u64::from(!found.identity.is_empty());
        if events.send(encode_found(target, found)?).await.is_err() {
            break;
        }
    }
    Ok(())
}

fn encode_found(target: &ResourcePart, found: Found) -> Result<ListEvent, Diagnostics> {
    let identity = Some(found.identity).filter(|identity| !identity.is_empty());
    Ok(ListEvent {
        identity: target.write_identity(identity)?,
        display_name: found.display_name,
        resource: found.resource.map(|resource| target.described.write(Some(resource))).transpose()?,
        diagnostics: found.diagnostics,
    })
}
