//! Runs credential plugins: no terminal, no input, a time limit, and what they said in the error.

use std::process::Stdio;

use k8s_openapi::jiff::Timestamp;
use serde::Deserialize;
use tokio::io::AsyncReadExt;
use tokio::process::Command;

use super::ClusterError;
use super::connection::{Connection, Program};
use crate::source::Secret;

/// The most that a plugin may print.
const LARGEST_ANSWER_BYTES: u64 = 1 << 20;

/// What a plugin answered.
#[derive(Clone, Debug, Default)]
pub(super) struct Credential {
    pub(super) token: Option<Secret>,
    pub(super) certificate: Option<(String, Secret)>,
    pub(super) expires: Option<Timestamp>,
}

#[derive(Deserialize)]
struct Answer {
    kind: String,
    status: Option<Status>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Status {
    token: Option<String>,
    client_certificate_data: Option<String>,
    client_key_data: Option<String>,
    expiration_timestamp: Option<String>,
}

/// Runs a plugin for a connection.
pub(super) async fn run(connection: &Connection, program: &Program) -> Result<Credential, ClusterError> {
    let failed = |reason: String| ClusterError::Credentials {
        cluster: connection.cluster.clone(),
        program: program.command.clone(),
        reason,
    };
    let mut command = Command::new(&program.command);
    command.args(&program.arguments).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command.envs(program.environment.iter().map(|(name, value)| (name, value.reveal())));
    command.env("KUBERNETES_EXEC_INFO", question(connection, program)).kill_on_drop(true);
    #[cfg(unix)]
    command.process_group(0);
    let mut child = command.spawn().map_err(|error| failed(format!("it cannot be started: {error}")))?;
    let (stdout, stderr) = (child.stdout.take(), child.stderr.take());
    let work = async { tokio::join!(read_all(stdout), read_all(stderr), child.wait()) };
    let Ok((stdout, stderr, exit)) = tokio::time::timeout(program.longest, work).await else {
        return Err(failed(format!(
            "it did not end within {} s; it gets no terminal and no input, so it must not ask",
            program.longest.as_secs()
        )));
    };
    let exit = exit.map_err(|error| failed(error.to_string()))?;
    if !exit.success() {
        return Err(failed(format!("it failed ({exit}): {}", last_words(&stderr))));
    }
    understand(&stdout).map_err(failed)
}

fn question(connection: &Connection, program: &Program) -> String {
    serde_json::json!({
        "apiVersion": program.api_version,
        "kind": "ExecCredential",
        "spec": {
            "interactive": false,
            "cluster": {"server": connection.host, "tls-server-name": connection.tls_server_name},
        },
    })
    .to_string()
}

async fn read_all(stream: Option<impl tokio::io::AsyncRead + Unpin>) -> Vec<u8> {
    let mut bytes = Vec::new();
    if let Some(stream) = stream {
        // What cannot be read is missing in the answer, which then is none.
        let _ = stream.take(LARGEST_ANSWER_BYTES).read_to_end(&mut bytes).await;
    }
    bytes
}

fn last_words(stderr: &[u8]) -> String {
    let text = String::from_utf8_lossy(stderr);
    let lines: Vec<&str> = text.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    let last = lines[lines.len().saturating_sub(3)..].join("; ");
    if last.is_empty() { "it said nothing".to_owned() } else { last.chars().take(500).collect() }
}

fn understand(stdout: &[u8]) -> Result<Credential, String> {
    // The parser's own message could quote a token.
    let answer: Answer =
        serde_json::from_slice(stdout).map_err(|_| "it printed no ExecCredential".to_owned())?;
    let status = answer.status.filter(|_| answer.kind == "ExecCredential");
    let status = status.ok_or_else(|| "it printed an ExecCredential without a status".to_owned())?;
    let certificate = match (status.client_certificate_data, status.client_key_data) {
        (Some(certificate), Some(key)) => Some((certificate, Secret::new(key))),
        _ => None,
    };
    let token = status.token.filter(|token| !token.is_empty()).map(Secret::new);
    if token.is_none() && certificate.is_none() {
        return Err("it printed neither a token nor a client certificate".to_owned());
    }
    let expires = status.expiration_timestamp.and_then(|text| text.parse().ok());
    Ok(Credential { token, certificate, expires })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::time::Duration;

    use super::super::connection::Identity;
    use super::*;

    async fn check(script: &str, expected: &str) {
        let program = Program {
            command: "sh".into(),
            arguments: vec!["-c".into(), script.into()],
            environment: BTreeMap::from([("SECRET".to_owned(), Secret::new("hunter2"))]),
            api_version: "client.authentication.k8s.io/v1".into(),
            longest: Duration::from_secs(if script.contains("sleep") { 1 } else { 60 }),
        };
        let connection = Connection {
            cluster: "one".into(),
            host: "https://x".into(),
            certificate_authority: None,
            tls_server_name: None,
            identity: Identity::Anonymous,
        };
        let shown = match run(&connection, &program).await {
            Ok(credential) => {
                format!("{credential:?} {}", credential.token.as_ref().map_or("", |token| token.reveal()))
            }
            Err(error) => error.to_string(),
        };
        assert!(shown.contains(expected), "{shown} lacks {expected}");
    }

    #[tokio::test]
    async fn a_plugin_gives_a_token_and_sees_no_terminal() {
        let answer = r#"printf '{"kind":"ExecCredential","status":{"token":"%s","expirationTimestamp":"2030-01-01T00:00:00Z"}}'"#;
        check(&format!("{answer} $SECRET"), "2030-01-01T00:00:00Z) } hunter2").await;
        check(&format!("read line || {answer} none"), " none").await;
        check(
            &format!(r#"case $KUBERNETES_EXEC_INFO in *'"interactive":false'*) {answer} quiet;; esac"#),
            " quiet",
        )
        .await;
    }

    #[tokio::test]
    async fn what_a_plugin_does_wrong_is_told() {
        check("echo 'please log in' >&2; exit 3", "it failed (exit status: 3): please log in").await;
        check("exec sleep 60", "did not end within 1 s").await;
        check("echo token=hunter2", "it printed no ExecCredential").await;
        check(r#"echo '{"kind":"ExecCredential","status":{}}'"#, "neither a token nor").await;
    }
}
