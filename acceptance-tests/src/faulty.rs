//! A way to a real API server on which things go wrong: a proxy on loopback that refuses, breaks off, dawdles or lies where a
//! journey tells it to, and counts what passes.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use http::{Method, Request, Response, StatusCode};
use http_body_util::BodyExt;
use hyper::body::Incoming;
use hyper_util::rt::TokioIo;
use kube::client::Body;
use serde_json::json;
use tokio::net::TcpListener;

use crate::cluster::Cluster;

/// The proxy; it ends with this handle.
pub struct Faulty {
    address: SocketAddr,
    state: Arc<Mutex<State>>,
    runtime: Option<tokio::runtime::Runtime>,
}

#[derive(Default)]
struct State {
    rules: Vec<Rule>,
    passed: Vec<String>,
}

/// What goes wrong with which requests, and how often.
#[derive(Clone, Debug)]
pub struct Rule {
    /// The method; any without one.
    pub method: Option<Method>,
    /// What the path and query contain.
    pub contains: String,
    /// What they do not contain.
    pub lacks: Option<String>,
    /// How many requests it happens to.
    pub times: usize,
    /// What happens.
    pub fault: Fault,
}

/// What can happen to a request.
#[derive(Clone, Debug)]
pub enum Fault {
    /// It is refused with this status, reason and message.
    Refuse(u16, &'static str, &'static str),
    /// It is refused with 429 and a pause to make, in seconds.
    Busy(u64),
    /// The connection breaks before it arrives.
    Break,
    /// It arrives, and the connection breaks before the answer.
    BreakAfter,
    /// Half of the answer comes.
    Half,
    /// The answer comes so late.
    Late(Duration),
    /// No answer comes.
    Never,
    /// A text comes in the place of the answer.
    Text(&'static str),
}

impl Rule {
    /// Something that goes wrong with all writes that are none of a dry run.
    pub fn on_writes(contains: &str, times: usize, fault: Fault) -> Self {
        Rule {
            method: Some(Method::PATCH),
            contains: contains.to_owned(),
            lacks: Some("dryRun".to_owned()),
            times,
            fault,
        }
    }

    /// Something that goes wrong with all requests of a kind.
    pub fn on(method: Method, contains: &str, times: usize, fault: Fault) -> Self {
        Rule { method: Some(method), contains: contains.to_owned(), lacks: None, times, fault }
    }

    fn fits(&self, method: &Method, target: &str) -> bool {
        self.times > 0
            && self.method.as_ref().is_none_or(|wanted| wanted == method)
            && target.contains(&self.contains)
            && self.lacks.as_ref().is_none_or(|lacks| !target.contains(lacks))
    }
}

impl Faulty {
    /// Stands before a cluster and speaks with it as its administrator.
    pub fn before(cluster: &Cluster) -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build();
        let runtime = runtime.expect("a runtime can be made");
        let state = Arc::new(Mutex::new(State::default()));
        let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0")).expect("a port is free");
        let address = listener.local_addr().expect("it has an address");
        let client = cluster.client();
        let shared = Arc::clone(&state);
        runtime.spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (client, state) = (client.clone(), Arc::clone(&shared));
                tokio::spawn(async move {
                    let service = hyper::service::service_fn(|request| {
                        answer(request, client.clone(), Arc::clone(&state))
                    });
                    // A connection that breaks is what this is for.
                    let _ = hyper::server::conn::http1::Builder::new()
                        .serve_connection(TokioIo::new(stream), service)
                        .await;
                });
            }
        });
        Faulty { address, state, runtime: Some(runtime) }
    }

    /// Returns the address to speak with.
    pub fn host(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Adds a rule; the first that fits decides.
    pub fn add(&self, rule: Rule) {
        self.state.lock().unwrap_or_else(PoisonError::into_inner).rules.push(rule);
    }

    /// Takes all rules back.
    pub fn heal(&self) {
        self.state.lock().unwrap_or_else(PoisonError::into_inner).rules.clear();
    }

    /// Returns `METHOD target` of every request since the last call, whatever became of it.
    pub fn take_requests(&self) -> Vec<String> {
        std::mem::take(&mut self.state.lock().unwrap_or_else(PoisonError::into_inner).passed)
    }
}

impl Drop for Faulty {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

async fn answer(
    request: Request<Incoming>,
    client: kube::Client,
    state: Arc<Mutex<State>>,
) -> Result<Response<Body>, Broken> {
    let target = request.uri().path_and_query().map_or_else(String::new, ToString::to_string);
    let fault = {
        let mut state = state.lock().unwrap_or_else(PoisonError::into_inner);
        state.passed.push(format!("{} {target}", request.method()));
        let rule = state.rules.iter_mut().find(|rule| rule.fits(request.method(), &target));
        rule.map(|rule| {
            rule.times -= 1;
            rule.fault.clone()
        })
    };
    match fault {
        Some(Fault::Refuse(code, reason, message)) => Ok(refusal(code, reason, message, None)),
        Some(Fault::Busy(seconds)) => Ok(refusal(429, "TooManyRequests", "slow down", Some(seconds))),
        Some(Fault::Break) => Err(Broken),
        Some(Fault::BreakAfter) => forward(request, client).await.and(Err(Broken)),
        Some(Fault::Half) => {
            let (head, body) = forward(request, client).await?.into_parts();
            let whole = body.collect().await.map_err(|_| Broken)?.to_bytes();
            Ok(Response::from_parts(head, Body::from(whole[..whole.len() / 2].to_vec())))
        }
        Some(Fault::Late(pause)) => {
            tokio::time::sleep(pause).await;
            forward(request, client).await
        }
        Some(Fault::Never) => std::future::pending().await,
        Some(Fault::Text(text)) => Ok(Response::new(Body::from(text.as_bytes().to_vec()))),
        None => forward(request, client).await,
    }
}

/// A connection that ends without an answer.
#[derive(Debug)]
struct Broken;

impl std::fmt::Display for Broken {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("broken on purpose")
    }
}

impl std::error::Error for Broken {}

async fn forward(request: Request<Incoming>, client: kube::Client) -> Result<Response<Body>, Broken> {
    let (mut head, body) = request.into_parts();
    let body = body.collect().await.map_err(|_| Broken)?.to_bytes();
    let target = head.uri.path_and_query().map_or("/", |target| target.as_str()).to_owned();
    head.uri = target.parse().map_err(|_| Broken)?;
    head.headers.remove(http::header::HOST);
    // The proxy's own identity speaks; a journey about identities speaks with the cluster itself.
    head.headers.remove(http::header::AUTHORIZATION);
    let request = Request::from_parts(head, Body::from(body.to_vec()));
    let mut response = client.send(request).await.map_err(|_| Broken)?;
    response.headers_mut().remove(http::header::CONTENT_LENGTH);
    response.headers_mut().remove(http::header::TRANSFER_ENCODING);
    // As it comes: the answer to a watch has no end.
    Ok(response)
}

fn refusal(code: u16, reason: &str, message: &str, retry_after: Option<u64>) -> Response<Body> {
    let status = json!({"apiVersion": "v1", "kind": "Status", "status": "Failure", "code": code, "reason": reason, "message": message});
    let mut response = Response::new(Body::from(status.to_string().into_bytes()));
    *response.status_mut() = StatusCode::from_u16(code).expect("a status");
    if let Some(seconds) = retry_after {
        response.headers_mut().insert(http::header::RETRY_AFTER, seconds.into());
    }
    response
}
