//! Asking an HTTP peer: bounded in time and size, patient with a busy peer, careful with credentials.
//!
//! Redirects are followed here, not by the client library: credentials stay with the peer that they are for.

use std::collections::HashMap;
use std::io::Read;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use ureq::Agent;
use ureq::http::{self, HeaderMap};
use ureq::tls::{Certificate, PemItem, RootCerts, TlsConfig};

use super::super::{Secret, SourceError};
use super::address::Address;

const MOST_REDIRECTS: usize = 5;
const LONGEST_RETRY_AFTER: Duration = Duration::from_secs(30);

/// How long a conversation may take.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    /// Until connected.
    pub(crate) connect: Duration,
    /// Between two pieces of an answer.
    pub(crate) read: Duration,
    /// All attempts together.
    pub(crate) whole: Duration,
    /// How often a question is asked.
    pub(crate) attempts: u32,
    /// Pause after the first failure; doubles with every further one.
    pub(crate) pause: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Limits {
            connect: Duration::from_secs(10),
            read: Duration::from_secs(30),
            whole: Duration::from_secs(300),
            attempts: 4,
            pause: Duration::from_millis(500),
        }
    }
}

/// A question to a peer.
#[derive(Clone, Debug)]
pub(crate) struct Question<'a> {
    /// Whom to ask what.
    pub(crate) address: &'a Address,
    /// The accepted media types.
    pub(crate) accept: &'a str,
    /// The `Authorization` header.
    pub(crate) authorization: Option<Secret>,
    /// PEM text of a further authority to trust.
    pub(crate) authority: Option<&'a str>,
    /// The entity tag of what is known already.
    pub(crate) known: Option<&'a str>,
    /// A form to send; with it the question is a POST.
    pub(crate) form: Option<Secret>,
    /// The longest answer, in bytes.
    pub(crate) most_bytes: u64,
}

/// What a peer answered.
#[derive(Debug)]
pub(crate) struct Answer {
    /// The status code.
    pub(crate) status: u16,
    /// The headers.
    pub(crate) headers: HeaderMap,
    /// The content.
    pub(crate) content: Vec<u8>,
}

impl Answer {
    /// Returns a header's text.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// Returns the content of a successful answer.
    ///
    /// # Errors
    /// One for each way in which a peer says no.
    pub(crate) fn into_content(self, address: &Address) -> Result<Vec<u8>, SourceError> {
        match self.status {
            200..=299 => Ok(self.content),
            status => Err(refusal(status, address)),
        }
    }
}

/// Asks peers; connections are kept between questions.
#[derive(Debug, Default)]
pub(crate) struct Client {
    limits: Limits,
    agents: Mutex<HashMap<(Option<String>, bool), Agent>>,
}

impl Client {
    /// Makes a client with limits of its own.
    #[cfg(test)]
    pub(crate) fn new(limits: Limits) -> Self {
        Client { limits, agents: Mutex::default() }
    }

    /// Asks, and asks again where the peer is busy or the connection broke.
    ///
    /// # Errors
    /// When there is no answer, the answer is too long, or the peer fails each time (429, 5xx).
    pub(crate) fn ask(&self, question: &Question<'_>) -> Result<Answer, SourceError> {
        let deadline = Instant::now() + self.limits.whole;
        let mut pause = self.limits.pause;
        let mut attempt = 0;
        loop {
            attempt += 1;
            let (failed, wait) = match self.follow(question, deadline) {
                Ok(answer) if matches!(answer.status, 429 | 500..=599) => {
                    (refusal(answer.status, question.address), retry_after(&answer).unwrap_or(pause))
                }
                Ok(answer) => return Ok(answer),
                Err(error @ SourceError::Unreachable { .. }) => (error, pause),
                Err(error) => return Err(error),
            };
            if attempt >= self.limits.attempts || Instant::now() + wait >= deadline {
                return Err(failed);
            }
            tracing::debug!(address = %question.address, attempt, "asking again: {failed}");
            std::thread::sleep(wait);
            pause *= 2;
        }
    }

    fn follow(&self, question: &Question<'_>, deadline: Instant) -> Result<Answer, SourceError> {
        let mut question = question.clone();
        let mut address = question.address.clone();
        for _ in 0..=MOST_REDIRECTS {
            let answer = self.ask_once(&question, &address, deadline)?;
            let target = match answer.status {
                301 | 302 | 303 | 307 | 308 => answer.header("location").map(str::to_owned),
                _ => return Ok(answer),
            };
            let Some(target) = target else { return Err(refusal(answer.status, &address)) };
            let next = address.join(&target)?;
            if !next.same_peer(&address) {
                question.authorization = None;
                question.form = None;
            }
            address = next;
        }
        let message = format!("more than {MOST_REDIRECTS} redirects");
        Err(SourceError::Refused { url: question.address.to_string(), message })
    }

    fn ask_once(
        &self,
        question: &Question<'_>,
        address: &Address,
        deadline: Instant,
    ) -> Result<Answer, SourceError> {
        let failed = |error: ureq::Error| self.failure(error, address, question.most_bytes);
        let left = deadline.saturating_duration_since(Instant::now());
        let mut request = http::Request::builder().uri(address.whole()).header("accept", question.accept);
        for (name, value) in [
            ("authorization", question.authorization.as_ref().map(Secret::reveal)),
            ("if-none-match", question.known),
        ] {
            if let Some(value) = value {
                request = request.header(name, value);
            }
        }
        let agent = self.agent(question.authority, address.is_loopback())?;
        let malformed = |error: http::Error| failed(ureq::Error::Http(error));
        let response = match &question.form {
            Some(form) => {
                let request =
                    request.method("POST").header("content-type", "application/x-www-form-urlencoded");
                let request = request.body(form.reveal().to_owned()).map_err(malformed)?;
                agent.run(agent.configure_request(request).timeout_global(Some(left)).build())
            }
            None => {
                let request = request.body(()).map_err(malformed)?;
                agent.run(agent.configure_request(request).timeout_global(Some(left)).build())
            }
        };
        let mut response = response.map_err(failed)?;
        let mut content = Vec::new();
        let reading = response.body_mut().with_config().limit(question.most_bytes.saturating_add(1)).reader();
        reading
            .take(question.most_bytes + 1)
            .read_to_end(&mut content)
            .map_err(|error| failed(ureq::Error::from(error)))?;
        if content.len() as u64 > question.most_bytes {
            return Err(too_large(address, question.most_bytes));
        }
        Ok(Answer { status: response.status().as_u16(), headers: response.headers().clone(), content })
    }

    fn agent(&self, authority: Option<&str>, loopback: bool) -> Result<Agent, SourceError> {
        let mut agents = self.agents.lock().unwrap_or_else(PoisonError::into_inner);
        let key = (authority.map(str::to_owned), loopback);
        if let Some(agent) = agents.get(&key) {
            return Ok(agent.clone());
        }
        let tls = TlsConfig::builder()
            .unversioned_rustls_crypto_provider(Arc::new(rustls::crypto::aws_lc_rs::default_provider()))
            .root_certs(RootCerts::new_with_certs(&trusted(authority)?))
            .build();
        let config = Agent::config_builder()
            .http_status_as_error(false)
            .max_redirects(0)
            .max_redirects_will_error(false)
            .user_agent(concat!("strata/", env!("CARGO_PKG_VERSION")))
            .timeout_connect(Some(self.limits.connect))
            .timeout_per_read(Some(self.limits.read))
            .timeout_recv_response(Some(self.limits.read))
            .tls_config(tls);
        let config = if loopback { config.proxy(None) } else { config };
        let agent = config.build().new_agent();
        agents.insert(key, agent.clone());
        Ok(agent)
    }

    fn failure(&self, error: ureq::Error, address: &Address, most_bytes: u64) -> SourceError {
        let url = address.to_string();
        let lost = |message: String| SourceError::Unreachable { url: address.to_string(), message };
        match error {
            ureq::Error::Timeout(ureq::Timeout::Connect | ureq::Timeout::Resolve) => {
                lost(format!("no connection within {} s", self.limits.connect.as_secs()))
            }
            ureq::Error::Timeout(ureq::Timeout::Global) => SourceError::Timeout {
                action: format!("downloading `{url}`"),
                seconds: self.limits.whole.as_secs(),
            },
            ureq::Error::Timeout(_) => {
                lost(format!("the server said nothing for {} s", self.limits.read.as_secs()))
            }
            ureq::Error::BodyExceedsLimit(_) => too_large(address, most_bytes),
            ureq::Error::Tls(message) => SourceError::Untrusted { url, message: message.to_owned() },
            ureq::Error::Rustls(error) => SourceError::Untrusted { url, message: error.to_string() },
            ureq::Error::HostNotFound => lost("its host name is not known".to_owned()),
            ureq::Error::Io(error) => {
                match error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>()) {
                    Some(inner) => SourceError::Untrusted { url, message: inner.to_string() },
                    None => match error.kind() {
                        std::io::ErrorKind::UnexpectedEof => lost("the answer ended too early".to_owned()),
                        _ => lost(error.to_string()),
                    },
                }
            }
            other => lost(other.to_string()),
        }
    }
}

/// Says what a status means, one error for each way to say no.
fn refusal(status: u16, address: &Address) -> SourceError {
    let url = address.to_string();
    let message = format!("status {status}");
    match status {
        401 => SourceError::Forbidden { url, message: "it wants other credentials (status 401)".to_owned() },
        403 => SourceError::Forbidden { url, message },
        404 | 410 => SourceError::Absent {
            what: "file",
            path: url,
            place: format!("what `{}` serves (status {status})", address.host()),
        },
        429 => SourceError::Refused {
            url,
            message: "too many requests (status 429), also after waiting".to_owned(),
        },
        500..=599 => SourceError::Refused {
            url,
            message: format!("the server failed (status {status}), also when asked again"),
        },
        _ => SourceError::Refused { url, message },
    }
}

fn too_large(address: &Address, most_bytes: u64) -> SourceError {
    SourceError::TooLarge { what: format!("`{address}`"), limit: format!("{} MiB", most_bytes >> 20) }
}

fn retry_after(answer: &Answer) -> Option<Duration> {
    let seconds: u64 = answer.header("retry-after")?.trim().parse().ok()?;
    Some(Duration::from_secs(seconds).min(LONGEST_RETRY_AFTER))
}

/// Returns the authorities that this machine trusts, and the given one.
fn trusted(authority: Option<&str>) -> Result<Vec<Certificate<'static>>, SourceError> {
    static SYSTEM: OnceLock<Vec<Certificate<'static>>> = OnceLock::new();
    let system = SYSTEM.get_or_init(|| {
        let found = rustls_native_certs::load_native_certs().certs;
        found.iter().map(|one| Certificate::from_der(one).to_owned()).collect()
    });
    let mut all = system.clone();
    if let Some(text) = authority {
        let before = all.len();
        let items = ureq::tls::parse_pem(text.as_bytes()).filter_map(Result::ok);
        all.extend(
            items.filter_map(|item| if let PemItem::Certificate(one) = item { Some(one) } else { None }),
        );
        if all.len() == before {
            let reason = "certificate_authority holds no certificate in PEM form".to_owned();
            return Err(SourceError::Credentials { url: "registry".to_owned(), reason });
        }
    }
    Ok(all)
}
