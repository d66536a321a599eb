//! An API server of a few lines for tests: a closure behind a real socket.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex, PoisonError};

use serde_json::Value;

use super::client::ApiServer;
use super::connection::{Connection, Identity};

type Answer = dyn Fn(&str, &Value) -> (u16, Value) + Send + Sync;

/// A server, and what it was asked.
pub(crate) struct Fake {
    /// A client of it.
    pub(crate) server: Arc<ApiServer>,
    requests: Arc<Mutex<Vec<String>>>,
}

impl Fake {
    /// Starts a server that answers a request, `METHOD TARGET` and body, with a status and JSON.
    pub(crate) fn of(answer: impl Fn(&str, &Value) -> (u16, Value) + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port is free");
        let host = format!("http://{}", listener.local_addr().expect("it has an address"));
        let (answer, requests): (Arc<Answer>, _) = (Arc::new(answer), Arc::new(Mutex::new(Vec::new())));
        let asked = Arc::clone(&requests);
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (answer, asked) = (Arc::clone(&answer), Arc::clone(&asked));
                std::thread::spawn(move || serve(stream, &*answer, &asked));
            }
        });
        let connection = Connection {
            cluster: "one".to_owned(),
            host,
            certificate_authority: None,
            tls_server_name: None,
            identity: Identity::Anonymous,
        };
        Fake { server: Arc::new(ApiServer::new(connection)), requests }
    }

    /// Gives what was asked so far, in order.
    pub(crate) fn requests(&self) -> Vec<String> {
        self.requests.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// Gives the status that Kubernetes writes for what is not there.
pub(crate) fn absent() -> (u16, Value) {
    (404, serde_json::json!({"kind": "Status", "code": 404, "reason": "NotFound", "message": "not found"}))
}

fn serve(stream: TcpStream, answer: &Answer, asked: &Mutex<Vec<String>>) -> Option<()> {
    let mut reader = BufReader::new(stream);
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).ok().filter(|read| *read > 0)?;
        let request = line.rsplit_once(" HTTP/").map_or("", |(request, _)| request).to_owned();
        let mut length = 0;
        loop {
            let mut header = String::new();
            reader.read_line(&mut header).ok()?;
            if header.trim().is_empty() {
                break;
            }
            let (name, value) = header.split_once(':').unwrap_or_default();
            if name.eq_ignore_ascii_case("content-length") {
                length = value.trim().parse().ok()?;
            }
        }
        let mut body = vec![0; length];
        reader.read_exact(&mut body).ok()?;
        asked.lock().unwrap_or_else(PoisonError::into_inner).push(request.clone());
        let (code, told) = answer(&request, &serde_json::from_slice(&body).unwrap_or_default());
        let told = format!("{told}\n");
        let head =
            format!("HTTP/1.1 {code} X\r\ncontent-type: application/json\r\ncontent-length: {}", told.len());
        reader.get_mut().write_all(format!("{head}\r\n\r\n{told}").as_bytes()).ok()?;
    }
}
