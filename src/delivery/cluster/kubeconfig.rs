//! One context of a kubeconfig as a connection. The file is only ever one that the configuration names.

use std::path::{Path, PathBuf};
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;

use super::ClusterError;
use super::connection::{Connection, Identity, Program};
use crate::source::Secret;

/// How long a credential plugin may take where nothing else is said.
pub const LONGEST_PROGRAM: Duration = Duration::from_secs(60);

#[derive(Deserialize, Default)]
#[serde(default, rename_all = "kebab-case")]
struct File {
    current_context: Option<String>,
    contexts: Vec<Named>,
    clusters: Vec<Named>,
    users: Vec<Named>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Named {
    name: String,
    context: Option<Context>,
    cluster: Option<Server>,
    user: Option<User>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Context {
    cluster: String,
    user: String,
}

#[derive(Deserialize, Default)]
#[serde(default, rename_all = "kebab-case")]
struct Server {
    server: String,
    certificate_authority: Option<PathBuf>,
    certificate_authority_data: Option<String>,
    tls_server_name: Option<String>,
    insecure_skip_tls_verify: bool,
    proxy_url: Option<String>,
}

#[derive(Deserialize, Default)]
#[serde(default, rename_all = "kebab-case")]
struct User {
    token: Option<String>,
    #[serde(rename = "tokenFile")]
    token_file: Option<PathBuf>,
    client_certificate: Option<PathBuf>,
    client_certificate_data: Option<String>,
    client_key: Option<PathBuf>,
    client_key_data: Option<String>,
    username: Option<String>,
    exec: Option<Exec>,
    #[serde(rename = "auth-provider")]
    auth_provider: Option<serde_json::Value>,
}

#[derive(Deserialize, Default)]
#[serde(default, rename_all = "camelCase")]
struct Exec {
    api_version: Option<String>,
    command: String,
    args: Option<Vec<String>>,
    env: Option<Vec<Variable>>,
}

#[derive(Deserialize)]
struct Variable {
    name: String,
    value: String,
}

/// Reads a context, the current one where none is named; `folder` is where relative paths in the file start.
///
/// # Errors
/// When the text is no kubeconfig, the context or what it names is missing, or it wants what is refused.
pub fn connection(
    cluster: &str,
    text: &str,
    context: Option<&str>,
    folder: &Path,
) -> Result<Connection, ClusterError> {
    let wrong = |reason: String| ClusterError::Kubeconfig { cluster: cluster.to_owned(), reason };
    // The parser's message could quote a token; the place is enough.
    let file: File = serde_yaml::from_str(text).map_err(|error| {
        let line = error.location().map(|at| format!(" (line {})", at.line())).unwrap_or_default();
        wrong(format!("it is no kubeconfig{line}"))
    })?;
    let name = context.or(file.current_context.as_deref()).filter(|name| !name.is_empty());
    let name = name.ok_or_else(|| wrong("it has no current context, and none is named".to_owned()))?;
    let named = find(&file.contexts, name, "context").map_err(wrong)?;
    let context = named.context.as_ref().ok_or_else(|| wrong(format!("context {name:?} is empty")))?;
    let server = find(&file.clusters, &context.cluster, "cluster").map_err(wrong)?;
    let server =
        server.cluster.as_ref().ok_or_else(|| wrong(format!("cluster {:?} is empty", context.cluster)))?;
    if server.insecure_skip_tls_verify {
        return Err(wrong("it says insecure-skip-tls-verify, and strata never skips that".to_owned()));
    }
    if server.proxy_url.is_some() {
        return Err(wrong("it names a proxy, which is not supported".to_owned()));
    }
    let none = User::default();
    let user = match context.user.as_str() {
        "" => &none,
        user => find(&file.users, user, "user").map_err(wrong)?.user.as_ref().unwrap_or(&none),
    };
    let authority = text_of(&server.certificate_authority_data, &server.certificate_authority, folder);
    Ok(Connection {
        cluster: cluster.to_owned(),
        host: server.server.clone(),
        certificate_authority: authority.map_err(wrong)?,
        tls_server_name: server.tls_server_name.clone(),
        identity: identity(user, folder).map_err(wrong)?,
    })
}

fn find<'a>(all: &'a [Named], name: &str, what: &str) -> Result<&'a Named, String> {
    all.iter().find(|one| one.name == name).ok_or_else(|| {
        let known: Vec<&str> = all.iter().map(|one| one.name.as_str()).collect();
        format!("it has no {what} {name:?}; known: {}", known.join(", "))
    })
}

fn identity(user: &User, folder: &Path) -> Result<Identity, String> {
    if user.auth_provider.is_some() || user.username.is_some() {
        return Err(
            "its user logs in by auth-provider or password, which Kubernetes no longer has".to_owned()
        );
    }
    if let Some(exec) = &user.exec {
        return Ok(Identity::Program(program(exec)));
    }
    let certificate = text_of(&user.client_certificate_data, &user.client_certificate, folder)?;
    let key = text_of(&user.client_key_data, &user.client_key, folder)?;
    match (certificate, key) {
        (Some(certificate), Some(key)) => {
            return Ok(Identity::Certificate { certificate, key: Secret::new(key) });
        }
        (None, None) => {}
        _ => return Err("its user has a client certificate or a key, but not both".to_owned()),
    }
    Ok(match (&user.token, &user.token_file) {
        (Some(token), _) => Identity::Token(Secret::new(token.as_str())),
        (None, Some(path)) => Identity::TokenFile(folder.join(path)),
        (None, None) => Identity::Anonymous,
    })
}

fn program(exec: &Exec) -> Program {
    let environment = exec.env.iter().flatten();
    Program {
        command: exec.command.clone(),
        arguments: exec.args.clone().unwrap_or_default(),
        environment: environment.map(|one| (one.name.clone(), Secret::new(one.value.as_str()))).collect(),
        api_version: exec.api_version.clone().unwrap_or_else(|| "client.authentication.k8s.io/v1".to_owned()),
        longest: LONGEST_PROGRAM,
    }
}

fn text_of(data: &Option<String>, path: &Option<PathBuf>, folder: &Path) -> Result<Option<String>, String> {
    if let Some(data) = data {
        let bytes = STANDARD.decode(data.trim()).map_err(|_| "some of its data is no base64".to_owned())?;
        return String::from_utf8(bytes).map(Some).map_err(|_| "some of its data is no PEM text".to_owned());
    }
    let Some(path) = path else { return Ok(None) };
    let path = folder.join(path);
    let text = crate::source::file::read(&path).map_err(|error| error.to_string())?;
    String::from_utf8(text).map(Some).map_err(|_| format!("{} is no PEM text", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: &str = "\
apiVersion: v1
current-context: a
contexts:
- {name: a, context: {cluster: one, user: token}}
- {name: b, context: {cluster: one, user: program}}
- {name: c, context: {cluster: insecure, user: token}}
- {name: d, context: {cluster: one, user: half}}
- {name: e, context: {cluster: two, user: token}}
clusters:
- {name: one, cluster: {server: 'https://one', certificate-authority-data: Q0E=}}
- {name: insecure, cluster: {server: 'https://one', insecure-skip-tls-verify: true}}
users:
- {name: token, user: {token: hunter2}}
- {name: program, user: {exec: {command: aws, args: [eks], env: [{name: A, value: b}], interactiveMode: IfAvailable}}}
- {name: half, user: {client-certificate-data: Q0E=}}
";

    fn check(text: &str, context: Option<&str>, expected: &str) {
        let shown = match connection("here", text, context, Path::new("/")) {
            Ok(connection) => format!("{connection:?}"),
            Err(error) => error.to_string(),
        };
        assert!(shown.contains(expected) && !shown.contains("hunter2"), "{shown} lacks {expected}");
    }

    #[test]
    fn a_context_says_where_and_as_whom() {
        check(FILE, None, "certificate_authority: Some(\"CA\")");
        check(FILE, None, "identity: Token((secret))");
        check(FILE, Some("b"), "command: \"aws\", arguments: [\"eks\"]");
    }

    #[test]
    fn what_cannot_be_used_is_named() {
        check(FILE, Some("x"), "it has no context \"x\"; known: a, b, c, d, e");
        check(FILE, Some("c"), "insecure-skip-tls-verify");
        check(FILE, Some("d"), "not both");
        check(FILE, Some("e"), "it has no cluster \"two\"; known: one, insecure");
        check("{}", None, "no current context");
        check("users: hunter2", None, "it is no kubeconfig (line 1)");
    }
}
