//! How a `cluster` block of the provider says that its API server is reached, and as whom.
//!
//! Nothing is read or asked while Terraform configures the provider: what a block cannot say yet, or a kubeconfig that an
//! earlier resource writes, only keeps the cluster's own resources waiting.

use std::path::{Path as FilePath, PathBuf};
use std::time::Duration;

use tf_provider::schema::{Attribute, Block, Diagnostic, Diagnostics, NestedBlock, Object, Path, Type};

use crate::delivery::cluster::connection::{Connection, Identity, Program};
use crate::delivery::cluster::{ClusterError, kubeconfig};
use crate::source::{self, Secret};

/// How a cluster can be reached, as far as it is known.
#[derive(Clone, Debug, Default)]
pub(crate) enum Access {
    /// The block does not say.
    #[default]
    Unsaid,
    /// A value is known only after apply.
    NotYet,
    /// By address.
    Direct(Box<Connection>),
    /// By a context of a kubeconfig.
    Kubeconfig {
        /// The cluster's name.
        cluster: String,
        /// Where the kubeconfig is.
        from: KubeconfigSource,
        /// The context; the current one where none is named.
        context: Option<String>,
    },
}

/// Where a kubeconfig is.
#[derive(Clone, Debug)]
pub(crate) enum KubeconfigSource {
    /// In a file.
    File(PathBuf),
    /// In the configuration.
    Text(Secret),
}

impl Access {
    /// Gives the connection; none where it is not known yet.
    ///
    /// # Errors
    /// When the kubeconfig cannot be read or used.
    pub(crate) fn connection(&self) -> Result<Option<Connection>, ClusterError> {
        match self {
            Access::Unsaid | Access::NotYet => Ok(None),
            Access::Direct(connection) => Ok(Some((**connection).clone())),
            Access::Kubeconfig { cluster, from: KubeconfigSource::Text(text), context } => {
                kubeconfig::connection(cluster, text.reveal(), context.as_deref(), FilePath::new("."))
                    .map(Some)
            }
            Access::Kubeconfig { cluster, from: KubeconfigSource::File(path), context } => {
                let wrong = |reason| ClusterError::Kubeconfig { cluster: cluster.clone(), reason };
                let text = source::file::read(path).map_err(|error| wrong(error.to_string()))?;
                let text =
                    String::from_utf8(text).map_err(|_| wrong(format!("{} is no text", path.display())))?;
                let folder = path.parent().unwrap_or(FilePath::new("."));
                kubeconfig::connection(cluster, &text, context.as_deref(), folder).map(Some)
            }
        }
    }
}

/// Adds to a `cluster` block what reaches the cluster.
pub(super) fn with_connection(block: Block) -> Block {
    let text = || Attribute::optional(Type::String);
    block
        .attribute("host", text().description("Address of the API server, `https://…`, for deliveries straight to the cluster. The environment's own kubeconfig is never used."))
        .attribute("certificate_authority", text().description("PEM text of the authority that signed the API server's certificate. Default: those that the machine trusts."))
        .attribute("tls_server_name", text().description("Name in the API server's certificate, where it is not the host."))
        .attribute("token", text().sensitive().description("Bearer token."))
        .attribute("client_certificate", text().description("PEM text of a client certificate."))
        .attribute("client_key", text().sensitive().description("PEM text of the client certificate's key."))
        .block("exec", NestedBlock::single(exec_block()))
        .block("kubeconfig", NestedBlock::single(kubeconfig_block()))
}

fn exec_block() -> Block {
    Block::new()
        .description("A program that prints credentials, as kubeconfig's `exec`. It gets neither a terminal nor input, and is asked once for all resources.")
        .attribute("command", Attribute::required(Type::String).description("The program."))
        .attribute("args", Attribute::optional(Type::list(Type::String)).description("Its arguments."))
        .attribute("env", Attribute::optional(Type::map(Type::String)).sensitive().description("Environment variables that it gets beside the provider's."))
        .attribute("api_version", Attribute::optional(Type::String).description("Version of `ExecCredential` that it speaks. Default: `client.authentication.k8s.io/v1`."))
        .attribute("timeout_seconds", Attribute::optional(Type::Number).description("Longest time that it may take. Default: `60`."))
}

fn kubeconfig_block() -> Block {
    Block::new()
        .description("A kubeconfig and one of its contexts, in the place of `host` and credentials.")
        .attribute(
            "path",
            Attribute::optional(Type::String).description("The file, relative to the provider's `root`."),
        )
        .attribute(
            "content",
            Attribute::optional(Type::String)
                .sensitive()
                .description("The text of a kubeconfig, in the place of a file."),
        )
        .attribute(
            "context",
            Attribute::optional(Type::String).description("The context. Default: its current one."),
        )
}

/// The parts of a block that must be known before the cluster can be spoken to.
const PARTS: [&str; 8] = [
    "host",
    "certificate_authority",
    "tls_server_name",
    "token",
    "client_certificate",
    "client_key",
    "exec",
    "kubeconfig",
];

/// Checks a block; unknown values may stand anywhere.
pub(super) fn validate(block: &Object, at: &Path, found: &mut Diagnostics) {
    let given = |name: &str| !block.is_null(name);
    let name = block.string("name").unwrap_or_default();
    let mut wrong = |summary: String, hint: &str, part: &str| {
        found.push(Diagnostic::error(summary).hint(hint).at(at.clone().attribute(part)));
    };
    let ways = ["token", "client_certificate", "exec"].into_iter().filter(|way| given(way)).count();
    if given("kubeconfig") && (given("host") || ways > 0) {
        wrong(
            format!("cluster {name:?} has both a kubeconfig and an address or credentials of its own"),
            "keep one of them",
            "kubeconfig",
        );
    } else if ways > 1 {
        wrong(
            format!("cluster {name:?} has more than one sort of credentials"),
            "keep one of token, client certificate and exec",
            "name",
        );
    } else if given("host") && ways == 0 {
        wrong(
            format!("cluster {name:?} has an address and no credentials"),
            "add a token, a client certificate with its key, or an exec block",
            "host",
        );
    } else if !given("host") && ways > 0 {
        wrong(format!("cluster {name:?} has credentials and no address"), "add `host`", "name");
    }
    if given("client_certificate") != given("client_key") {
        wrong(
            format!("cluster {name:?} has only one of client_certificate and client_key"),
            "give both",
            "client_certificate",
        );
    }
    if let Some(host) = block.string("host").filter(|host| !is_safe(host)) {
        wrong(
            format!("{host:?} is no address of an API server"),
            "write https://HOST:PORT; plain http is spoken with this machine only",
            "host",
        );
    }
    if let Some(file) = block.block("kubeconfig")
        && file.is_null("path") == file.is_null("content")
    {
        wrong(
            format!("the kubeconfig of cluster {name:?} needs a path or its content"),
            "give one of them",
            "kubeconfig",
        );
    }
}

fn is_safe(host: &str) -> bool {
    let local = |rest: &str| {
        let name = rest.split(['/', ':']).next().unwrap_or_default();
        matches!(name, "127.0.0.1" | "localhost") || rest.starts_with("[::1]")
    };
    host.strip_prefix("https://").is_some_and(|rest| !rest.is_empty() && !rest.contains(['@', ' ', '?', '#']))
        || host.strip_prefix("http://").is_some_and(local)
}

/// Reads how a valid block says that its cluster is reached; relative paths start at `root`.
pub(super) fn read(block: &Object, root: &FilePath) -> Access {
    if PARTS.iter().any(|part| !block.get(part).is_wholly_known()) {
        return Access::NotYet;
    }
    let text = |name: &str| block.string(name).map(str::to_owned);
    let cluster = text("name").unwrap_or_default();
    if let Some(file) = block.block("kubeconfig") {
        let from = match (file.string("content"), file.string("path")) {
            (Some(content), _) => KubeconfigSource::Text(Secret::new(content)),
            (None, path) => KubeconfigSource::File(root.join(path.unwrap_or_default())),
        };
        return Access::Kubeconfig { cluster, from, context: file.string("context").map(str::to_owned) };
    }
    let Some(host) = text("host") else { return Access::Unsaid };
    Access::Direct(Box::new(Connection {
        cluster,
        host,
        certificate_authority: text("certificate_authority"),
        tls_server_name: text("tls_server_name"),
        identity: identity(block),
    }))
}

fn identity(block: &Object) -> Identity {
    let text = |name: &str| block.string(name).map(str::to_owned);
    match (text("token"), text("client_certificate"), text("client_key"), block.block("exec")) {
        (Some(token), ..) => Identity::Token(Secret::new(token)),
        (None, Some(certificate), Some(key), _) => {
            Identity::Certificate { certificate, key: Secret::new(key) }
        }
        (.., Some(exec)) => Identity::Program(program(exec)),
        _ => Identity::Anonymous,
    }
}

fn program(exec: &Object) -> Program {
    let seconds = exec.integer("timeout_seconds").and_then(|seconds| u64::try_from(seconds).ok());
    let environment = exec.string_map("env").into_iter();
    Program {
        command: exec.string("command").unwrap_or_default().to_owned(),
        arguments: exec.strings("args").into_iter().map(str::to_owned).collect(),
        environment: environment.map(|(name, value)| (name.to_owned(), Secret::new(value))).collect(),
        api_version: exec.string("api_version").unwrap_or("client.authentication.k8s.io/v1").to_owned(),
        longest: seconds.map_or(kubeconfig::LONGEST_PROGRAM, Duration::from_secs),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tf_provider::schema::Value;

    fn check(block: Object, expected: &[&str]) {
        let mut found = Diagnostics::new();
        validate(&block.with("name", "one"), &Path::from("cluster"), &mut found);
        let told: Vec<&str> = found.iter().map(|one| one.summary.as_str()).collect();
        assert_eq!(told.len(), expected.len(), "{told:?}");
        assert!(told.iter().zip(expected).all(|(told, part)| told.contains(part)), "{told:?}");
    }

    #[test]
    fn a_block_says_where_and_as_whom_or_neither() {
        let block = Object::new;
        check(block(), &[]);
        check(block().with("host", "https://a").with("token", "t"), &[]);
        check(block().with("host", Value::unknown()).with("token", Value::unknown()), &[]);
        check(block().with("kubeconfig", block().with("path", "x")), &[]);
        check(block().with("host", "https://a"), &["no credentials"]);
        check(block().with("token", "t"), &["no address"]);
        check(block().with("host", "https://a").with("client_certificate", "c"), &["only one of"]);
        check(
            block().with("host", "https://a").with("token", "t").with("exec", block().with("command", "x")),
            &["more than one sort"],
        );
        check(block().with("kubeconfig", block()), &["needs a path or its content"]);
        check(
            block().with("host", "https://a").with("kubeconfig", block().with("path", "x")),
            &["both a kubeconfig"],
        );
        check(block().with("host", "http://example.com").with("token", "t"), &["is no address"]);
        check(block().with("host", "http://127.0.0.1:8080").with("token", "t"), &[]);
    }

    #[test]
    fn what_is_unknown_makes_only_this_cluster_wait() {
        let read = |block: Object| super::read(&block.with("name", "one"), FilePath::new("/root"));
        assert!(matches!(read(Object::new().with("host", Value::unknown())), Access::NotYet));
        assert!(matches!(read(Object::new()), Access::Unsaid));
        let file = read(Object::new().with("kubeconfig", Object::new().with("path", "missing")));
        assert!(file.connection().is_err_and(|error| error.is_out_of_reach()));
        let direct = read(Object::new().with("host", "https://a").with("token", "hunter2"));
        assert!(!format!("{direct:?}").contains("hunter2"));
    }
}
