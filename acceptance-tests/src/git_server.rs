//! A git server on the loopback for tests: `git http-backend` behind a small HTTP/1.1 front with a login and faults on request.
//!
//! It answers one request per connection, keeps bodies in memory and writes down each request: for tests, not for anything else.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use base64::Engine;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;

/// A running server; it ends with the value.
pub struct GitServer {
    address: SocketAddr,
    shared: Arc<Shared>,
    /// Dropping it stops the server's thread.
    _stop: oneshot::Sender<()>,
}

struct Shared {
    root: PathBuf,
    authorization: Option<String>,
    faults: Mutex<Vec<(String, Fault)>>,
    requests: Mutex<Vec<Request>>,
}

/// What the server does instead of answering properly, once.
#[derive(Clone, Debug)]
pub enum Fault {
    /// Answers with this status and nothing else.
    Status(u16),
    /// Sends the client to another address.
    Redirect(String),
    /// Closes the connection without an answer.
    Close,
    /// Does what was asked, then closes the connection without an answer.
    CloseAfterwards,
    /// Waits before it answers.
    Stall(Duration),
    /// Answers with half of the bytes.
    Truncate,
}

/// What a client asked for.
#[derive(Clone, Debug)]
pub struct Request {
    /// The method.
    pub method: String,
    /// Path and query.
    pub target: String,
    /// The headers, names in lower case.
    pub headers: HashMap<String, String>,
    body: Vec<u8>,
}

impl GitServer {
    /// Serves the repositories below `root`; with a login, `(name, password)`, to nobody else.
    pub fn start(root: &Path, login: Option<(&str, &str)>) -> Self {
        let encode = |(name, password): (&str, &str)| {
            let pair = format!("{name}:{password}");
            format!("Basic {}", base64::engine::general_purpose::STANDARD.encode(pair))
        };
        Self::serve(root, login.map(encode))
    }

    /// Serves the repositories below `root` to those who bear a token.
    pub fn start_for_bearer(root: &Path, token: &str) -> Self {
        Self::serve(root, Some(format!("Bearer {token}")))
    }

    fn serve(root: &Path, authorization: Option<String>) -> Self {
        let shared = Arc::new(Shared {
            root: root.to_owned(),
            authorization,
            faults: Mutex::default(),
            requests: Mutex::default(),
        });
        let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("the loopback has a free port");
        listener.set_nonblocking(true).expect("a listener can be polled");
        let address = listener.local_addr().expect("a listener has an address");
        let (stop, stopped) = oneshot::channel();
        let served = shared.clone();
        // A thread of its own: the tests that use the server may be synchronous or not.
        std::thread::spawn(move || run(listener, served, stopped));
        Self { address, shared, _stop: stop }
    }

    /// Gives the address of a repository by its folder's name.
    pub fn url(&self, repository: &str) -> String {
        format!("http://{}/{repository}", self.address)
    }

    /// Lets the next request whose path or query contains `part` meet a fault.
    pub fn fail(&self, part: &str, fault: Fault) {
        let mut faults = self.shared.faults.lock().unwrap_or_else(PoisonError::into_inner);
        faults.push((part.to_owned(), fault));
    }

    /// Gives all requests until now.
    pub fn requests(&self) -> Vec<Request> {
        self.shared.requests.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

fn run(listener: std::net::TcpListener, shared: Arc<Shared>, stopped: oneshot::Receiver<()>) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.expect("a runtime can be made").block_on(async move {
        let listener = TcpListener::from_std(listener).expect("the listener is nonblocking");
        tokio::select! {
            () = accept(listener, shared) => {}
            _ = stopped => {}
        }
    });
}

async fn accept(listener: TcpListener, shared: Arc<Shared>) {
    while let Ok((stream, _)) = listener.accept().await {
        let shared = shared.clone();
        // A client that goes away in the middle is its own problem.
        tokio::spawn(async move { drop(serve(stream, &shared).await) });
    }
}

async fn serve(mut stream: TcpStream, shared: &Shared) -> std::io::Result<()> {
    let Some(request) = read_request(&mut stream).await? else { return Ok(()) };
    shared.requests.lock().unwrap_or_else(PoisonError::into_inner).push(request.clone());
    let fault = take_fault(shared, &request.target);
    match &fault {
        Some(Fault::Close) => return Ok(()),
        Some(Fault::Status(status)) => {
            return respond(&mut stream, &format!("{status} Fault"), &[], b"").await;
        }
        Some(Fault::Redirect(to)) => {
            let header = format!("Location: {to}");
            return respond(&mut stream, "301 Moved Permanently", &[header], b"").await;
        }
        Some(Fault::Stall(pause)) => tokio::time::sleep(*pause).await,
        Some(Fault::CloseAfterwards | Fault::Truncate) | None => {}
    }
    if shared.authorization.is_some() && request.headers.get("authorization") != shared.authorization.as_ref()
    {
        let header = "WWW-Authenticate: Basic realm=\"git\"".to_owned();
        return respond(&mut stream, "401 Unauthorized", &[header], b"").await;
    }
    let (status, headers, body) = run_backend(shared, &request).await?;
    match fault {
        Some(Fault::CloseAfterwards) => Ok(()),
        Some(Fault::Truncate) => {
            let head = format!("HTTP/1.1 {status}\r\nContent-Length: {}\r\n", body.len());
            let head = headers.iter().fold(head, |head, header| format!("{head}{header}\r\n"));
            stream.write_all(format!("{head}\r\n").as_bytes()).await?;
            stream.write_all(&body[..body.len() / 2]).await
        }
        _ => respond(&mut stream, &status, &headers, &body).await,
    }
}

fn take_fault(shared: &Shared, target: &str) -> Option<Fault> {
    let mut faults = shared.faults.lock().unwrap_or_else(PoisonError::into_inner);
    let index = faults.iter().position(|(part, _)| target.contains(part))?;
    Some(faults.remove(index).1)
}

async fn read_request(stream: &mut TcpStream) -> std::io::Result<Option<Request>> {
    let mut reader = BufReader::new(stream);
    let mut line = String::new();
    if reader.read_line(&mut line).await? == 0 {
        return Ok(None);
    }
    let mut words = line.split_whitespace().map(str::to_owned);
    let (Some(method), Some(target)) = (words.next(), words.next()) else { return Ok(None) };
    let mut headers = HashMap::new();
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).await?;
        let Some((name, value)) = line.trim_end().split_once(':') else { break };
        headers.insert(name.to_ascii_lowercase(), value.trim().to_owned());
    }
    if headers.get("expect").is_some_and(|value| value.eq_ignore_ascii_case("100-continue")) {
        reader.get_mut().write_all(b"HTTP/1.1 100 Continue\r\n\r\n").await?;
    }
    let body = read_body(&mut reader, &headers).await?;
    Ok(Some(Request { method, target, headers, body }))
}

async fn read_body(
    reader: &mut BufReader<&mut TcpStream>,
    headers: &HashMap<String, String>,
) -> std::io::Result<Vec<u8>> {
    let mut body = Vec::new();
    if headers.get("transfer-encoding").is_none_or(|value| value != "chunked") {
        let length = headers.get("content-length").and_then(|value| value.parse().ok()).unwrap_or(0);
        reader.take(length).read_to_end(&mut body).await?;
        return Ok(body);
    }
    loop {
        let mut size = String::new();
        reader.read_line(&mut size).await?;
        let size = u64::from_str_radix(size.trim(), 16).unwrap_or(0);
        (&mut *reader).take(size).read_to_end(&mut body).await?;
        reader.read_line(&mut String::new()).await?;
        if size == 0 {
            return Ok(body);
        }
    }
}

/// Runs git's CGI program; gives status, headers and body.
async fn run_backend(shared: &Shared, request: &Request) -> std::io::Result<(String, Vec<String>, Vec<u8>)> {
    let (path, query) = request.target.split_once('?').unwrap_or((&request.target, ""));
    let header = |name: &str| request.headers.get(name).cloned().unwrap_or_default();
    let mut command = tokio::process::Command::new("git");
    command.arg("http-backend").stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
    for (name, value) in [
        ("GIT_CONFIG_GLOBAL", "/dev/null"),
        ("GIT_CONFIG_NOSYSTEM", "1"),
        ("GIT_HTTP_EXPORT_ALL", "1"),
        ("REMOTE_USER", "tester"),
        ("REQUEST_METHOD", &request.method),
        ("PATH_INFO", path),
        ("QUERY_STRING", query),
        ("CONTENT_TYPE", &header("content-type")),
        ("CONTENT_LENGTH", &request.body.len().to_string()),
        ("HTTP_CONTENT_ENCODING", &header("content-encoding")),
        ("GIT_PROTOCOL", &header("git-protocol")),
    ] {
        command.env(name, value);
    }
    let mut child = command.env("GIT_PROJECT_ROOT", &shared.root).spawn()?;
    let (input, body) = (child.stdin.take(), request.body.clone());
    let feed = tokio::spawn(async move {
        if let Some(mut input) = input {
            // The program need not read all of it.
            let _ = input.write_all(&body).await;
        }
    });
    let output = child.wait_with_output().await?.stdout;
    let _ = feed.await;
    Ok(split_answer(&output))
}

fn split_answer(output: &[u8]) -> (String, Vec<String>, Vec<u8>) {
    let end = output.windows(4).position(|part| part == b"\r\n\r\n").unwrap_or(output.len());
    let head = String::from_utf8_lossy(&output[..end]).into_owned();
    let body = output.get(end + 4..).unwrap_or_default().to_vec();
    let mut status = "200 OK".to_owned();
    let mut headers = Vec::new();
    for line in head.lines() {
        match line.strip_prefix("Status: ") {
            Some(given) => status = given.to_owned(),
            None => headers.push(line.to_owned()),
        }
    }
    (status, headers, body)
}

async fn respond(
    stream: &mut TcpStream,
    status: &str,
    headers: &[String],
    body: &[u8],
) -> std::io::Result<()> {
    let mut head = format!("HTTP/1.1 {status}\r\nContent-Length: {}\r\nConnection: close\r\n", body.len());
    for header in headers {
        head.push_str(header);
        head.push_str("\r\n");
    }
    head.push_str("\r\n");
    stream.write_all(head.as_bytes()).await?;
    stream.write_all(body).await?;
    stream.shutdown().await
}
