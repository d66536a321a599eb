//! An agent that is applied straight to its cluster.

use super::super::objects::in_cluster::Tenant;
use super::arguments::Arguments;
use crate::delivery::cluster::inventory::Parent;

/// Says who has which objects in the cluster; none where the agent is not applied straight to it.
pub(super) fn tenant(arguments: &Arguments) -> Option<Tenant> {
    let mut settings = arguments.in_cluster.clone()?;
    // What the agent has is written down in its own namespace, which is the first of its objects.
    settings.policy.create_namespace = true;
    Some(Tenant {
        title: arguments.title(),
        cluster: arguments.cluster.clone(),
        parent: parent(arguments),
        settings,
        predecessor: None,
    })
}

/// Names where it is written down what an agent has.
pub(super) fn parent(arguments: &Arguments) -> Parent {
    let name = format!("strata-agent-{}", arguments.kind.word());
    Parent { namespace: arguments.options.namespace.clone(), name }
}
