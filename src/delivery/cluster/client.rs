//! Speaks with one API server: bounded concurrency and time, retries, credentials renewed when they end.
//!
//! `kube` brings TLS, addresses and tokens; when to try again and how long to wait is decided here, because its own policy
//! neither knows a deadline nor tries again what ends by itself.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use http::{Request, StatusCode, header};
use http_body_util::{BodyExt, Limited};
use k8s_openapi::jiff::{SignedDuration, Timestamp};
use kube::client::Body;
use serde_json::Value;
use tokio::sync::{RwLock, Semaphore};
use tokio::time::Instant;

use super::ClusterError;
use super::call::Call;
use super::connection::{Connection, Identity};
use super::credentials::{self, Credential};
use super::discovery::Kinds;
use super::refusal;
use super::retry::{self, Failure};

/// Requests that one API server gets at a time. It has queues of its own; this keeps them short.
const AT_ONCE: usize = 24;
/// How long a connection may take to come about.
const LONGEST_CONNECT: Duration = Duration::from_secs(10);
/// How long one answer may take.
const LONGEST_ANSWER: Duration = Duration::from_secs(65);
/// The largest answer that is read.
const LARGEST_ANSWER_BYTES: usize = 256 << 20;
/// The largest text, or refusal of one, that is read.
const LARGEST_TEXT_BYTES: usize = 1 << 20;
/// Credentials are renewed so long before they end.
const RENEW_BEFORE: SignedDuration = SignedDuration::from_secs(60);

/// How patiently a server is waited for.
#[derive(Clone, Copy, Debug)]
pub struct Patience {
    /// When everything must be done.
    pub deadline: Instant,
    /// How long a server that cannot be reached at all is tried.
    pub reach: Duration,
}

impl Patience {
    /// Waits `longest` in all, and a moment for a server that cannot be reached: who plans or looks wants to know soon.
    pub fn of_a_look(longest: Duration) -> Self {
        Patience { deadline: Instant::now() + longest, reach: Duration::from_secs(3) }
    }

    /// Waits `longest` in all, and a minute of it for a server that cannot be reached: it may be restarting.
    pub fn of_a_change(longest: Duration) -> Self {
        Patience { deadline: Instant::now() + longest, reach: Duration::from_secs(60) }
    }
}

/// A client of one API server, for one user.
pub struct ApiServer {
    connection: Connection,
    session: RwLock<Option<Session>>,
    at_once: Semaphore,
    requests: AtomicU64,
    pub(super) kinds: RwLock<Option<Kinds>>,
}

#[derive(Clone)]
struct Session {
    client: kube::Client,
    expires: Option<Timestamp>,
    number: u64,
}

impl std::fmt::Debug for ApiServer {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("ApiServer").field("connection", &self.connection).finish_non_exhaustive()
    }
}

impl ApiServer {
    /// Makes a client; nothing is asked yet.
    pub(super) fn new(connection: Connection) -> Self {
        ApiServer {
            connection,
            session: RwLock::default(),
            at_once: Semaphore::new(AT_ONCE),
            requests: AtomicU64::new(0),
            kinds: RwLock::default(),
        }
    }

    /// Gives the cluster's name.
    pub fn cluster(&self) -> &str {
        &self.connection.cluster
    }

    /// Counts the requests sent so far, every try by itself.
    pub fn requests(&self) -> u64 {
        self.requests.load(Ordering::Relaxed)
    }

    /// Sends a request, again where that is worth it, and gives the answer's JSON.
    ///
    /// # Errors
    /// When the server says no or nonsense, cannot be reached, or the time is over.
    pub(super) async fn call(&self, call: &Call, patience: Patience) -> Result<Value, ClusterError> {
        let begun = Instant::now();
        let (mut tries, mut renewed) = (0, false);
        loop {
            let session = self.session(patience).await?;
            let failure = match self.send(&session.client, call, patience).await {
                Ok(answer) => return Ok(answer),
                Err(Stop::Final(error)) => return Err(error),
                Err(Stop::Failure(failure)) => failure,
            };
            if failure.code == Some(401) && !renewed && self.can_renew() {
                renewed = true;
                self.forget(session.number).await;
                continue;
            }
            let pause = retry::pause(&failure, tries, call);
            let patient = !failure.unconnected || begun.elapsed() < patience.reach;
            match pause.filter(|pause| patient && Instant::now() + *pause < patience.deadline) {
                Some(pause) => {
                    tracing::debug!(action = call.action, code = failure.code, "trying again in {pause:?}");
                    tokio::time::sleep(pause).await;
                    tries += 1;
                }
                None => return Err(self.error(call, failure)),
            }
        }
    }

    /// Sends a request, and takes a certain absence for an answer.
    ///
    /// # Errors
    /// As [`ApiServer::call`].
    pub(super) async fn find(&self, call: &Call, patience: Patience) -> Result<Option<Value>, ClusterError> {
        match self.call(call, patience).await {
            Ok(found) => Ok(Some(found)),
            Err(error) if error.is_absence() => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Sends a request whose answer goes on, without taking a place from others, and gives its body.
    ///
    /// # Errors
    /// As [`ApiServer::call`], after one try.
    pub(super) async fn open(&self, call: &Call, patience: Patience) -> Result<Body, ClusterError> {
        let session = self.session(patience).await?;
        let request = self.request(call)?;
        let answered = tokio::time::timeout_at(patience.deadline, session.client.send(request)).await;
        let failure = match answered {
            Err(_) => late(),
            Ok(Ok(response)) if response.status().is_success() => return Ok(response.into_body()),
            Ok(Ok(response)) => {
                let (head, body) = response.into_parts();
                let body = Limited::new(body, LARGEST_TEXT_BYTES).collect();
                let body = tokio::time::timeout_at(patience.deadline, body).await;
                let bytes = body.ok().and_then(Result::ok).map(|body| body.to_bytes()).unwrap_or_default();
                refused(head.status, &head.headers, &bytes)
            }
            Ok(Err(error)) => match self.transport(&error) {
                Stop::Final(error) => return Err(error),
                Stop::Failure(failure) => failure,
            },
        };
        Err(self.error(call, failure))
    }

    /// Reads an answer that is plain text, after one try.
    ///
    /// # Errors
    /// As [`ApiServer::call`].
    pub(super) async fn text(&self, call: &Call, patience: Patience) -> Result<String, ClusterError> {
        let body = Limited::new(self.open(call, patience).await?, LARGEST_TEXT_BYTES).collect();
        match tokio::time::timeout_at(patience.deadline, body).await {
            Ok(Ok(body)) => Ok(String::from_utf8_lossy(&body.to_bytes()).into_owned()),
            Ok(Err(error)) => Err(self.nonsense(call, &innermost(&*error))),
            Err(_) => Err(self.error(call, late())),
        }
    }

    fn request(&self, call: &Call) -> Result<Request<Body>, ClusterError> {
        let request = Request::builder()
            .method(&call.method)
            .uri(&call.target)
            .header(header::ACCEPT, call.accept)
            .header(header::CONTENT_TYPE, call.content_type)
            .body(Body::from(call.body.clone().unwrap_or_default()));
        self.requests.fetch_add(1, Ordering::Relaxed);
        request.map_err(|error| self.nonsense(call, &error.to_string()))
    }

    async fn send(&self, client: &kube::Client, call: &Call, patience: Patience) -> Result<Value, Stop> {
        let _place = self.at_once.acquire().await;
        let request = self.request(call).map_err(Stop::Final)?;
        let until = patience.deadline.min(Instant::now() + LONGEST_ANSWER);
        let Ok(answered) = tokio::time::timeout_at(until, client.send(request)).await else {
            return Err(Stop::Failure(late()));
        };
        let response = answered.map_err(|error| self.transport(&error))?;
        let (head, body) = response.into_parts();
        let body = tokio::time::timeout_at(until, Limited::new(body, LARGEST_ANSWER_BYTES).collect()).await;
        let bytes = match body {
            Err(_) => return Err(Stop::Failure(late())),
            Ok(Err(error)) => {
                return Err(Stop::Failure(Failure { message: innermost(&*error), ..Failure::default() }));
            }
            Ok(Ok(collected)) => collected.to_bytes(),
        };
        if head.status.is_success() {
            let cut = |error: serde_json::Error| {
                Stop::Failure(Failure {
                    message: format!("its answer is cut or no JSON: {error}"),
                    ..Failure::default()
                })
            };
            return serde_json::from_slice(&bytes).map_err(cut);
        }
        Err(Stop::Failure(refused(head.status, &head.headers, &bytes)))
    }

    /// Tells a certificate that nobody vouches for from a server that does not answer.
    fn transport(&self, error: &kube::Error) -> Stop {
        let message = innermost(error);
        // rustls' own words: its error is wrapped in more than one kind of others on the way here.
        if let Some(reason) = message.strip_prefix("invalid peer certificate: ") {
            let (cluster, host) = (self.connection.cluster.clone(), self.connection.host.clone());
            return Stop::Final(ClusterError::Untrusted { cluster, host, reason: reason.to_owned() });
        }
        let mut next: Option<&(dyn std::error::Error + 'static)> = Some(error);
        let mut unconnected = false;
        while let Some(cause) = next {
            // hyper's client says so in words only; an answer that broke off is said otherwise.
            unconnected |= cause.to_string().contains("client error (Connect)");
            next = cause.source();
        }
        Stop::Failure(Failure { message, unconnected, ..Failure::default() })
    }

    fn error(&self, call: &Call, failure: Failure) -> ClusterError {
        let (cluster, action) = (self.connection.cluster.clone(), call.action.clone());
        let message = redact(failure.message, &call.hidden);
        match failure.code {
            None if failure.unconnected => {
                ClusterError::Unreachable { cluster, host: self.connection.host.clone(), reason: message }
            }
            None => ClusterError::Late { cluster, action, message },
            Some(401) => ClusterError::Unauthorized { cluster },
            Some(403) if failure.reason == "Forbidden" && message.contains(" cannot ") => {
                ClusterError::Forbidden { cluster, action, message }
            }
            Some(code) => ClusterError::Refused {
                cluster,
                action,
                message,
                code,
                reason: failure.reason,
                causes: failure.causes,
            },
        }
    }

    pub(super) fn nonsense(&self, call: &Call, message: &str) -> ClusterError {
        ClusterError::Nonsense {
            cluster: self.connection.cluster.clone(),
            action: call.action.clone(),
            message: message.to_owned(),
        }
    }

    fn can_renew(&self) -> bool {
        matches!(self.connection.identity, Identity::Program(_) | Identity::TokenFile(_))
    }

    async fn forget(&self, number: u64) {
        let mut session = self.session.write().await;
        if session.as_ref().is_some_and(|session| session.number == number) {
            *session = None;
        }
    }

    /// Gives a session whose credentials last; the first caller makes it, the others wait.
    async fn session(&self, patience: Patience) -> Result<Session, ClusterError> {
        let lasts = |session: &&Session| {
            session.expires.is_none_or(|expires| Timestamp::now() + RENEW_BEFORE < expires)
        };
        if let Some(session) = self.session.read().await.as_ref().filter(lasts) {
            return Ok(session.clone());
        }
        let mut place = self.session.write().await;
        if let Some(session) = place.as_ref().filter(lasts) {
            return Ok(session.clone());
        }
        let number = place.as_ref().map_or(0, |session| session.number) + self.requests() + 1;
        let session = open(&self.connection, number, patience).await?;
        Ok(place.insert(session).clone())
    }
}

enum Stop {
    Failure(Failure),
    Final(ClusterError),
}

async fn open(connection: &Connection, number: u64, patience: Patience) -> Result<Session, ClusterError> {
    let wrong = |reason: String| ClusterError::Connection { cluster: connection.cluster.clone(), reason };
    let credential = match &connection.identity {
        Identity::Anonymous => Credential::default(),
        Identity::Token(token) => Credential { token: Some(token.clone()), ..Credential::default() },
        Identity::TokenFile(path) => {
            let text = crate::source::file::read(path).map_err(|error| wrong(error.to_string()))?;
            let text =
                String::from_utf8(text).map_err(|_| wrong("the token file holds no text".to_owned()))?;
            Credential { token: Some(crate::source::Secret::new(text.trim())), ..Credential::default() }
        }
        Identity::Certificate { certificate, key } => {
            Credential { certificate: Some((certificate.clone(), key.clone())), ..Credential::default() }
        }
        Identity::Program(program) => {
            let run = credentials::run(connection, program);
            tokio::time::timeout_at(patience.deadline, run)
                .await
                .map_err(|_| wrong("the time was over before its credential plugin answered".to_owned()))??
        }
    };
    let expires = credential.expires;
    let config = configuration(connection, credential).map_err(&wrong)?;
    // Reading keys and authorities takes no time worth a thread; kube would block only for plugins, which ran above.
    let client = kube::Client::try_from(config).map_err(|error| wrong(innermost(&error)))?;
    Ok(Session { client, expires, number })
}

fn configuration(connection: &Connection, credential: Credential) -> Result<kube::Config, String> {
    let url =
        connection.host.parse().map_err(|error| format!("{:?} is no address: {error}", connection.host))?;
    let mut config = kube::Config::new(url);
    config.connect_timeout = Some(LONGEST_CONNECT);
    config.read_timeout = Some(LONGEST_ANSWER);
    config.write_timeout = Some(LONGEST_ANSWER);
    config.reset_reader_on_write = true;
    config.default_retry = false;
    config.tls_server_name = connection.tls_server_name.clone();
    if let Some(text) = &connection.certificate_authority {
        config.root_cert = Some(certificates(text)?);
    }
    if let Some(token) = credential.token {
        config.auth_info.token = Some(token.reveal().to_owned().into());
    }
    if let Some((certificate, key)) = credential.certificate {
        use base64::Engine;
        let encode = |text: &str| base64::engine::general_purpose::STANDARD.encode(text);
        config.auth_info.client_certificate_data = Some(encode(&certificate));
        config.auth_info.client_key_data = Some(encode(key.reveal()).into());
    }
    Ok(config)
}

/// Reads the certificates of a PEM text.
fn certificates(text: &str) -> Result<Vec<Vec<u8>>, String> {
    use rustls::pki_types::CertificateDer;
    use rustls::pki_types::pem::PemObject;
    let found: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(text.as_bytes()).collect();
    let found = found.map_err(|error| format!("the certificate authority is no PEM text: {error}"))?;
    if found.is_empty() {
        return Err("the certificate authority holds no certificate".to_owned());
    }
    Ok(found.into_iter().map(|one| one.to_vec()).collect())
}

fn late() -> Failure {
    Failure { message: "no answer came in time".to_owned(), ..Failure::default() }
}

fn refused(status: StatusCode, headers: &http::HeaderMap, bytes: &[u8]) -> Failure {
    let retry_after = headers.get(header::RETRY_AFTER).and_then(|value| value.to_str().ok()?.parse().ok());
    let body: Value = serde_json::from_slice(bytes).unwrap_or_default();
    let text = |name: &str| body.get(name).and_then(Value::as_str).map(str::to_owned);
    let plain = || String::from_utf8_lossy(bytes).chars().take(300).collect::<String>().trim().to_owned();
    let message = text("message").filter(|text| !text.is_empty()).unwrap_or_else(plain);
    Failure {
        code: Some(status.as_u16()),
        reason: text("reason").unwrap_or_default(),
        message: if message.is_empty() { status.to_string() } else { message },
        causes: refusal::causes(&body),
        retry_after: retry_after.map(Duration::from_secs),
        unconnected: false,
    }
}

/// Takes secrets out of what a server says: it quotes values that it finds invalid.
pub(super) fn redact(mut message: String, hidden: &[String]) -> String {
    for secret in hidden.iter().filter(|secret| secret.len() >= 3) {
        message = message.replace(secret.as_str(), "(sensitive)");
        let quoted = serde_json::to_string(secret).unwrap_or_default();
        message = message.replace(quoted.trim_matches('"'), "(sensitive)");
    }
    message
}

fn innermost(error: &(dyn std::error::Error + 'static)) -> String {
    let mut last = error;
    while let Some(cause) = last.source() {
        last = cause;
    }
    last.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_that_the_server_quotes_are_taken_out() {
        let hidden = vec!["hunter2".to_owned(), "a\"b\nc".to_owned(), "x".to_owned()];
        let told = redact("Invalid value: \"hunter2\", \"a\\\"b\\nc\", x".to_owned(), &hidden);
        assert_eq!(told, "Invalid value: \"(sensitive)\", \"(sensitive)\", x");
    }

    #[test]
    fn a_refusal_is_read_from_kubernetes_status_or_else_from_the_text() {
        let mut headers = http::HeaderMap::new();
        headers.insert(header::RETRY_AFTER, "7".parse().expect("a number"));
        let status = br#"{"kind":"Status","reason":"TooManyRequests","message":"slow down"}"#;
        let failure = refused(StatusCode::TOO_MANY_REQUESTS, &headers, status);
        assert_eq!((failure.code, failure.reason.as_str()), (Some(429), "TooManyRequests"));
        assert_eq!(failure.retry_after, Some(Duration::from_secs(7)));
        let proxy = refused(StatusCode::BAD_GATEWAY, &http::HeaderMap::new(), b"<html>");
        assert_eq!(proxy.message, "<html>");
        let nothing = refused(StatusCode::FORBIDDEN, &http::HeaderMap::new(), b"");
        assert_eq!(nothing.message, "403 Forbidden");
    }

    #[test]
    fn what_is_no_certificate_is_said() {
        assert!(certificates("nonsense").is_err());
        assert!(certificates("").is_err());
    }
}
