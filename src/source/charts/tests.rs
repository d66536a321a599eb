//! Peers that serve, stall, lie and break off, each behind a real socket.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use super::super::git::Reach;
use super::http::Limits;
use super::*;

/// A server on the loopback. It answers each request, by its path, with raw bytes, and notes what it was sent.
struct Server {
    address: String,
    requests: Arc<Mutex<Vec<String>>>,
}

impl Server {
    fn start(answer: impl Fn(&str, &str) -> Vec<u8> + Send + Sync + 'static) -> Server {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let requests: Arc<Mutex<Vec<String>>> = Arc::default();
        let (seen, answer) = (Arc::clone(&requests), Arc::new(answer));
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (seen, answer) = (Arc::clone(&seen), Arc::clone(&answer));
                std::thread::spawn(move || serve(stream, &seen, &*answer));
            }
        });
        Server { address, requests }
    }

    fn url(&self) -> String {
        format!("http://{}/", self.address)
    }

    fn asked(&self) -> Vec<String> {
        let lines = |request: &String| request.lines().next().unwrap_or_default().to_owned();
        self.requests.lock().unwrap().iter().map(lines).collect()
    }
}

fn serve(mut stream: TcpStream, seen: &Mutex<Vec<String>>, answer: &dyn Fn(&str, &str) -> Vec<u8>) {
    let mut head = String::new();
    let mut reader = BufReader::new(stream.try_clone().unwrap());
    while reader.read_line(&mut head).is_ok_and(|read| read > 2) {}
    let path = head.split(' ').nth(1).unwrap_or_default().to_owned();
    seen.lock().unwrap().push(head.clone());
    let bytes = answer(&path, &head.to_ascii_lowercase());
    let _ = stream.write_all(&bytes);
    if bytes.ends_with(b"STALL") {
        let _ = stream.read(&mut [0; 1]);
    }
}

fn reply(status: &str, headers: &str, body: &[u8]) -> Vec<u8> {
    let head =
        format!("HTTP/1.1 {status}\r\ncontent-length: {}\r\nconnection: close\r\n{headers}\r\n", body.len());
    [head.as_bytes(), body].concat()
}

fn index(digest: &str) -> String {
    format!(
        "apiVersion: v1\nentries:\n  web:\n  - version: 1.2.3\n    digest: {digest}\n    urls:\n    - web-1.2.3.tgz\n  \
         - version: 1.2.2\n    urls:\n    - web-1.2.2.tgz\n"
    )
}

pub(super) fn charts(folder: &tempfile::TempDir, registries: Vec<Registry>) -> Charts {
    let limits = Limits {
        connect: Duration::from_secs(5),
        read: Duration::from_millis(400),
        whole: Duration::from_secs(20),
        attempts: 3,
        pause: Duration::from_millis(5),
    };
    Charts {
        cache: Cache::new(folder.path(), false),
        client: Client::new(limits),
        logins: Logins::new(registries, Vec::new()),
        repositories: Repositories::new(folder.path().join("git"), Reach::Remote),
        tokens: Mutex::default(),
        offline: false,
    }
}

/// Fetches `web` from a server and expects an archive, or an error with a text in it.
#[track_caller]
fn check(server: &Server, version: &str, expected: Result<&[u8], &str>) {
    let folder = tempfile::tempdir().unwrap();
    let found = charts(&folder, Vec::new()).archive(&server.url(), "web", version);
    match (found, expected) {
        (Ok(found), Ok(expected)) => assert_eq!(found, expected),
        (Err(error), Err(part)) => assert!(error.to_string().contains(part), "{error}"),
        (found, expected) => panic!("{found:?}, expected {expected:?}"),
    }
}

/// A repository whose archives are answered by `archive`.
fn repository(digest: &str, archive: impl Fn() -> Vec<u8> + Send + Sync + 'static) -> Server {
    let index = index(digest);
    Server::start(
        move |path, _| if path == "/index.yaml" { reply("200 OK", "", index.as_bytes()) } else { archive() },
    )
}

#[test]
fn a_chart_is_found_by_version_and_constraint() {
    let server = repository(Digest::of(b"chart").digits(), || reply("200 OK", "", b"chart"));
    check(&server, "1.2.3", Ok(b"chart"));
    check(&server, "~1.2", Ok(b"chart"));
    check(&server, "", Ok(b"chart"));
    check(&server, "^2", Err("no version of chart `web` for `^2`; nearest versions: 1.2.3, 1.2.2"));
    check(&server, ">=x.y", Err("improper constraint"));
}

#[test]
fn lies_breaks_and_refusals_are_told_apart_and_never_used() {
    let promised = Digest::of(b"chart").digits().to_owned();
    let check_archive =
        |answer: fn() -> Vec<u8>, part: &str| check(&repository(&promised, answer), "1.2.3", Err(part));
    check_archive(|| reply("200 OK", "", b"other"), "is not what it should be: expected sha256:");
    check_archive(|| reply("200 OK", "", b"")[..20].to_vec(), "unreachable");
    check_archive(|| b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nchart".to_vec(), "unreachable");
    check_archive(
        || b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nchart\r\n".to_vec(),
        "unreachable",
    );
    check_archive(|| b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nSTALL".to_vec(), "said nothing");
    check_archive(|| b"STALL".to_vec(), "");
    check_archive(|| reply("401 Unauthorized", "", b""), "status 401");
    check_archive(|| reply("403 Forbidden", "", b""), "refused access");
    check_archive(|| reply("404 Not Found", "", b""), "status 404");
    check_archive(|| reply("429 Too Many Requests", "retry-after: 0\r\n", b""), "status 429");
    check_archive(|| reply("503 Unavailable", "", b""), "status 503");
    check_archive(|| reply("302 Found", "location: /again\r\n", b""), "more than 5 redirects");
    check_archive(|| reply("302 Found", "location: http://example.com/x\r\n", b""), "plain http");
}

#[test]
fn a_repository_without_an_index_or_with_another_chart_is_named() {
    let server = Server::start(|_, _| reply("200 OK", "", b"<html>Welcome</html>"));
    check(&server, "1.2.3", Err("no index of charts"));
    let server = Server::start(|_, _| reply("200 OK", "", b"entries:\n  webb:\n  - version: 1.0.0\n"));
    check(&server, "1.2.3", Err("has no chart `web`; nearest names: webb"));
}

#[test]
fn a_busy_server_is_asked_again() {
    let tries = Mutex::new(0);
    let server = Server::start(move |path, _| {
        if path == "/index.yaml" {
            return reply("200 OK", "", index("").as_bytes());
        }
        let mut tries = tries.lock().unwrap();
        *tries += 1;
        if *tries < 3 {
            reply("503 Unavailable", "retry-after: 0\r\n", b"")
        } else {
            reply("200 OK", "", b"chart")
        }
    });
    check(&server, "1.2.3", Ok(b"chart"));
}

#[test]
fn credentials_stay_with_their_host() {
    let other = Server::start(|_, head| {
        assert!(!head.contains("authorization"), "{head}");
        reply("200 OK", "", b"chart")
    });
    let target = format!("location: {}x\r\n", other.url());
    let server = Server::start(move |path, head| {
        if !head.contains("authorization: basic dtpodw50zxiy") {
            return reply("401 Unauthorized", "", b"");
        }
        if path == "/index.yaml" {
            reply("200 OK", "", index("").as_bytes())
        } else {
            reply("302 Found", &target, b"")
        }
    });
    let registry = Registry {
        host: server.address.clone(),
        username: Some("u".into()),
        password: Some(Secret::new("hunter2")),
        ..Registry::default()
    };
    let folder = tempfile::tempdir().unwrap();
    assert_eq!(charts(&folder, vec![registry]).archive(&server.url(), "web", "1.2.3").unwrap(), b"chart");
    assert_eq!(other.asked(), ["GET /x HTTP/1.1"]);
    let error = charts(&folder, Vec::new()).archive(&server.url(), "web", "1.2.4").unwrap_err();
    assert!(
        matches!(error, SourceError::Forbidden { .. }) && !error.to_string().contains("hunter2"),
        "{error}"
    );
}

#[test]
fn what_was_fetched_is_not_asked_for_again_and_serves_offline() {
    let server = repository(Digest::of(b"chart").digits(), || reply("200 OK", "", b"chart"));
    let folder = tempfile::tempdir().unwrap();
    for _ in 0..2 {
        assert_eq!(charts(&folder, Vec::new()).archive(&server.url(), "web", "^1").unwrap(), b"chart");
    }
    assert_eq!(server.asked(), ["GET /index.yaml HTTP/1.1", "GET /web-1.2.3.tgz HTTP/1.1"]);
    let offline =
        Charts { cache: Cache::new(folder.path(), true), offline: true, ..charts(&folder, Vec::new()) };
    assert_eq!(offline.archive(&server.url(), "web", "1.2.3").unwrap(), b"chart");
    let error = offline.archive(&server.url(), "web", "1.2.2").unwrap_err();
    assert!(error.to_string().contains("web-1.2.2.tgz` is not in the cache"), "{error}");
}

/// A registry that wants a token, and gives one to `u:hunter2` and, if `open`, to anybody.
fn registry(open: bool) -> Server {
    let manifest = format!(
        r#"{{"layers":[{{"mediaType":"application/vnd.cncf.helm.chart.content.v1.tar+gzip","digest":"{}"}}]}}"#,
        Digest::of(b"chart")
    );
    Server::start(move |path, head| {
        let host = head.lines().find_map(|line| line.strip_prefix("host: ")).unwrap_or_default();
        if path.starts_with("/token?service=s&scope=") {
            let known = head.contains("authorization: basic dtpodw50zxiy");
            return if known || open && !head.contains("authorization") {
                reply("200 OK", "", br#"{"token":"T"}"#)
            } else {
                reply("401 Unauthorized", "", b"")
            };
        }
        if !head.contains("authorization: bearer t\r\n") {
            let challenge = format!(
                "www-authenticate: Bearer realm=\"http://{host}/token\",service=\"s\",scope=\"repository:a/web:pull\"\r\n"
            );
            return reply("401 Unauthorized", &challenge, b"");
        }
        match path {
            "/v2/a/web/tags/list" => reply(
                "200 OK",
                "link: </v2/a/web/tags/list?last=x>; rel=\"next\"\r\n",
                br#"{"tags":["1.2.2"]}"#,
            ),
            "/v2/a/web/tags/list?last=x" => reply("200 OK", "", br#"{"tags":["1.2.3_b1","latest"]}"#),
            "/v2/a/web/manifests/1.2.3_b1" | "/v2/a/web/manifests/1.2.2" => {
                reply("200 OK", "", manifest.as_bytes())
            }
            path if path.contains("/blobs/sha256:") => reply("200 OK", "", b"chart"),
            _ => reply("404 Not Found", "", b""),
        }
    })
}

#[test]
fn registries_give_charts_by_tag_and_constraint_to_who_may_read() {
    let check = |open: bool, password: Option<&str>, version: &str, expected: Result<(), &str>| {
        let server = registry(open);
        let (host, folder) = (server.address.clone(), tempfile::tempdir().unwrap());
        let registry = Registry {
            host: host.clone(),
            username: Some("u".into()),
            password: password.map(Secret::new),
            ..Registry::default()
        };
        let found = charts(&folder, vec![registry]).archive(&format!("oci://{host}/a"), "web", version);
        match (found, expected) {
            (Ok(found), Ok(())) => assert_eq!(found, b"chart"),
            (Err(error), Err(part)) => {
                assert!(error.to_string().contains(part) && !error.to_string().contains("hunter"), "{error}")
            }
            (found, expected) => panic!("{found:?}, expected {expected:?}"),
        }
    };
    check(false, Some("hunter2"), "1.2.2", Ok(()));
    check(false, Some("hunter2"), "~1.2", Ok(()));
    check(false, Some("hunter2"), "1.2.3+b1", Ok(()));
    check(true, None, "1.2.2", Ok(()));
    check(true, Some("hunter1"), "1.2.2", Ok(()));
    check(false, Some("hunter1"), "1.2.2", Err("refused access"));
    check(false, None, "^1", Err("refused access"));
    check(true, None, "1.2.4", Err("nearest versions: "));
    check(true, None, "^2", Err("no version of chart `web` for `^2`"));
}

/// A server that answers every request with `chart` over TLS, and the PEM text of its certificate.
fn tls_server() -> (String, String) {
    let made = rcgen::generate_simple_self_signed(vec!["127.0.0.1".to_owned()]).unwrap();
    let key = rustls::pki_types::PrivateKeyDer::try_from(made.signing_key.serialize_der()).unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config =
        rustls::ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    let config =
        Arc::new(config.with_no_client_auth().with_single_cert(vec![made.cert.der().clone()], key).unwrap());
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let host = listener.local_addr().unwrap().to_string();
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let connection = rustls::ServerConnection::new(Arc::clone(&config)).unwrap();
            let mut stream = rustls::StreamOwned::new(connection, stream);
            let mut request = BufReader::new(&mut stream);
            let mut head = String::new();
            while request.read_line(&mut head).is_ok_and(|read| read > 2) {}
            let _ = stream.write_all(&reply(
                "200 OK",
                "",
                b"entries:\n  web:\n  - version: 1.0.0\n    urls: [w.tgz]\n",
            ));
            stream.conn.send_close_notify();
            let _ = stream.flush();
        }
    });
    (host, made.cert.pem())
}

#[test]
fn a_server_must_prove_who_it_is() {
    let (host, authority) = tls_server();
    let check = |authority: Option<&str>, expected: Result<(), &str>| {
        let folder = tempfile::tempdir().unwrap();
        let registry = Registry {
            host: host.clone(),
            certificate_authority: authority.map(str::to_owned),
            ..Registry::default()
        };
        match (charts(&folder, vec![registry]).archive(&format!("https://{host}/"), "web", "1.0.0"), expected)
        {
            (Ok(found), Ok(())) => assert!(found.starts_with(b"entries:")),
            (Err(error), Err(part)) => assert!(error.to_string().contains(part), "{error}"),
            (found, expected) => panic!("{found:?}, expected {expected:?}"),
        }
    };
    check(Some(&authority), Ok(()));
    check(None, Err("could not prove who it is"));
    check(Some("no certificate"), Err("holds no certificate"));
}
