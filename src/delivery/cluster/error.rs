//! What can keep objects from a cluster, or a reader from knowing what is there.

use super::refusal::Cause;

/// A cluster that did not do what it was asked.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ClusterError {
    /// The kubeconfig does not say how to reach it.
    #[error("the kubeconfig of cluster {cluster} cannot be used: {reason}")]
    Kubeconfig {
        /// The cluster.
        cluster: String,
        /// What is wrong.
        reason: String,
    },
    /// The connection's parts do not fit together.
    #[error("cluster {cluster} cannot be connected to: {reason}")]
    Connection {
        /// The cluster.
        cluster: String,
        /// What is wrong.
        reason: String,
    },
    /// The credential plugin gave none.
    #[error("cluster {cluster}: `{program}` gives no credentials: {reason}")]
    Credentials {
        /// The cluster.
        cluster: String,
        /// The plugin.
        program: String,
        /// What it did.
        reason: String,
    },
    /// Nobody answered.
    #[error("cluster {cluster} does not answer at {host}: {reason}")]
    Unreachable {
        /// The cluster.
        cluster: String,
        /// Where it was looked for.
        host: String,
        /// What happened.
        reason: String,
    },
    /// The server's certificate is not signed by who should have.
    #[error("cluster {cluster} at {host} shows a certificate that cannot be trusted: {reason}")]
    Untrusted {
        /// The cluster.
        cluster: String,
        /// Its address.
        host: String,
        /// Why not.
        reason: String,
    },
    /// The server does not know who asks.
    #[error("cluster {cluster} does not accept the credentials")]
    Unauthorized {
        /// The cluster.
        cluster: String,
    },
    /// The server knows who asks and says no.
    #[error("cluster {cluster} forbids to {action}: {message}")]
    Forbidden {
        /// The cluster.
        cluster: String,
        /// What was tried.
        action: String,
        /// What the server says, which names user, verb and kind.
        message: String,
    },
    /// The server says no for another reason.
    #[error("cluster {cluster} refused to {action}: {message}")]
    Refused {
        /// The cluster.
        cluster: String,
        /// What was tried.
        action: String,
        /// What the server says.
        message: String,
        /// The HTTP status.
        code: u16,
        /// Kubernetes' word for it, such as `Invalid`.
        reason: String,
        /// The fields that it is about.
        causes: Vec<Cause>,
    },
    /// The time was over.
    #[error("cluster {cluster} did not {action} in time: {message}")]
    Late {
        /// The cluster.
        cluster: String,
        /// What was tried.
        action: String,
        /// How far it came.
        message: String,
    },
    /// A kind that the cluster does not serve.
    #[error("cluster {cluster} does not know {api_version} {kind}, which {object} needs; {instead}")]
    UnknownKind {
        /// The cluster.
        cluster: String,
        /// Group and version.
        api_version: String,
        /// The kind.
        kind: String,
        /// The object's key.
        object: String,
        /// What it knows instead.
        instead: String,
    },
    /// The server's answer is none.
    #[error("cluster {cluster} answered nonsense to {action}: {message}")]
    Nonsense {
        /// The cluster.
        cluster: String,
        /// What was tried.
        action: String,
        /// What is wrong with it.
        message: String,
    },
    /// The user stopped the run.
    #[error("interrupted before {action}")]
    Interrupted {
        /// What was to come.
        action: String,
    },
}

/// What a server says of a field that the definition of a kind does not have.
pub(super) const UNKNOWN_FIELD: &str = "field not declared in schema";

impl ClusterError {
    /// Tells whether the cluster could not be asked at all, which says nothing about what is in it.
    pub fn is_out_of_reach(&self) -> bool {
        matches!(
            self,
            Self::Unreachable { .. }
                | Self::Untrusted { .. }
                | Self::Credentials { .. }
                | Self::Kubeconfig { .. }
                | Self::Connection { .. }
        )
    }

    /// Tells whether the object is certainly not there.
    pub fn is_absence(&self) -> bool {
        matches!(self, Self::Refused { code: 404, .. })
    }

    /// Says what to do next, where that is known.
    pub fn hint(&self) -> Option<&'static str> {
        Some(match self {
            Self::Kubeconfig { .. } => "name a file and a context that reach the cluster without a terminal",
            Self::Connection { .. } => "check host, certificates and key in the provider's cluster block",
            Self::Credentials { .. } => {
                "run the program by hand, as the user and with the environment that Terraform has"
            }
            Self::Unreachable { .. } => "check `host`, the network between here and there, and that it runs",
            Self::Untrusted { .. } => {
                "set `certificate_authority` to the authority of the cluster, or `tls_server_name` to the name in its certificate"
            }
            Self::Unauthorized { .. } => {
                "the token or certificate is wrong, expired or of another cluster; renew it"
            }
            Self::Forbidden { .. } => {
                "grant the verb on the kind to this user, by a Role or ClusterRole and its binding"
            }
            Self::UnknownKind { instead, .. } if instead.starts_with("it knows") => {
                "write that apiVersion; a chart chooses by the `kube_version` and `api_versions` that it is rendered for"
            }
            Self::UnknownKind { .. } => {
                "deliver the CustomResourceDefinition with the same objects or with a resource that this one depends on (`depends_on`), or install \
                 it first; check the apiVersion for a typo"
            }
            Self::Refused { reason, message, .. } => return refusal_hint(reason, message),
            Self::Late { .. } => "raise timeouts, or look at what holds the objects up",
            Self::Nonsense { .. } => {
                "check that `host` is a Kubernetes API server and not something before it"
            }
            Self::Interrupted { .. } => "apply again to go on where this run stopped",
        })
    }
}

fn refusal_hint(reason: &str, message: &str) -> Option<&'static str> {
    if message.contains("exceeded quota") {
        return Some("raise the ResourceQuota of the namespace, or ask for less");
    }
    if ["admission webhook", "denied the request", "denied request"].iter().any(|part| message.contains(part))
    {
        return Some("the cluster's own policy says no: change the object, or the policy");
    }
    if message.contains(UNKNOWN_FIELD) {
        return Some(
            "the kind's definition in the cluster does not know the field: correct it, or bring the definition that has it, with this release or \
             before it",
        );
    }
    if message.contains("being terminated") {
        return Some("wait until the namespace is gone, then apply again");
    }
    if message.contains("namespaces ") && reason == "NotFound" {
        return Some("say `create_namespace = true` in the delivery, or create the namespace before");
    }
    match reason {
        "Invalid" | "BadRequest" => {
            Some("the server names the field; `strata template` shows what the chart renders")
        }
        "Conflict" => Some("somebody else changed it meanwhile; plan again"),
        "TooManyRequests" => Some("the server is busy; apply again later"),
        _ => None,
    }
}
