//! Places that charts are fetched from, for tests: a classic Helm repository over HTTP, and Debian's `docker-registry`.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use tempfile::TempDir;

/// The login that both places want: `shop` with this password.
pub const PASSWORD: &str = "hunter2";

/// `shop` with [`PASSWORD`], as bcrypt writes it.
const HTPASSWD: &str = "shop:$2b$05$abcdefghijklmnopqrstuuoXuKqgZXLiJqzfmMXDDhSFPIvxV7t8.\n";

/// Packs a chart of these files, as `helm package` does.
pub fn package(name: &str, version: &str, template: &str) -> Vec<u8> {
    let folder = tempfile::tempdir().expect("a temporary folder can be made");
    let chart = folder.path().join(name);
    std::fs::create_dir_all(chart.join("templates")).expect("the folder can be made");
    let about = format!("apiVersion: v2\nname: {name}\nversion: {version}\nappVersion: \"{version}\"\n");
    for (path, content) in [
        ("Chart.yaml", about.as_str()),
        ("values.yaml", "color: blue\nsize: 1\n"),
        ("templates/all.yaml", template),
    ] {
        std::fs::write(chart.join(path), content).expect("the file can be written");
    }
    package_folder(&chart)
}

/// Packs the folder of a chart, as `helm package` does.
pub fn package_folder(chart: &Path) -> Vec<u8> {
    let (folder, name) =
        (chart.parent().expect("it is in a folder"), chart.file_name().expect("it has a name"));
    let output = Command::new("tar").arg("-czC").arg(folder).arg(name).output().expect("tar runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    output.stdout
}

/// Content by path.
type Files = Mutex<Vec<(String, Vec<u8>)>>;

/// A classic Helm repository behind basic auth: files in memory, one request per connection.
pub struct HelmRepository {
    address: String,
    files: Arc<Files>,
    requests: Arc<Mutex<Vec<String>>>,
}

impl HelmRepository {
    /// Starts an empty repository.
    pub fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("the loopback has a free port");
        let address = listener.local_addr().expect("a listener has an address").to_string();
        let repository = HelmRepository { address, files: Arc::default(), requests: Arc::default() };
        let (files, requests) = (Arc::clone(&repository.files), Arc::clone(&repository.requests));
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (files, requests) = (Arc::clone(&files), Arc::clone(&requests));
                std::thread::spawn(move || serve(stream, &files, &requests));
            }
        });
        repository
    }

    /// Returns the host with its port.
    pub fn host(&self) -> &str {
        &self.address
    }

    /// Returns the address to write into a configuration.
    pub fn url(&self) -> String {
        format!("http://{}/charts", self.address)
    }

    /// Publishes versions of a chart in place of all before; `digest` writes each one's digest into the index.
    pub fn publish(&self, name: &str, versions: &[(&str, Vec<u8>)], digest: impl Fn(&[u8]) -> String) {
        let mut index = format!("apiVersion: v1\nentries:\n  {name}:\n");
        let mut files = Vec::new();
        for (version, archive) in versions {
            let file = format!("{name}-{version}.tgz");
            index += &format!(
                "  - name: {name}\n    version: {version}\n    digest: {}\n    urls:\n    - {file}\n",
                digest(archive)
            );
            files.push((format!("/charts/{file}"), archive.clone()));
        }
        files.push(("/charts/index.yaml".to_owned(), index.into_bytes()));
        *self.files.lock().expect("no thread panicked") = files;
    }

    /// Publishes a file beside the charts, in place of the one at the same path.
    pub fn put(&self, path: &str, content: &[u8]) {
        let mut files = self.files.lock().expect("no thread panicked");
        files.retain(|(name, _)| name != path);
        files.push((path.to_owned(), content.to_vec()));
    }

    /// Returns the paths that were asked for so far.
    pub fn requests(&self) -> Vec<String> {
        self.requests.lock().expect("no thread panicked").clone()
    }
}

fn serve(mut stream: TcpStream, files: &Files, requests: &Mutex<Vec<String>>) {
    let mut head = String::new();
    let mut reader = BufReader::new(&mut stream);
    while reader.read_line(&mut head).is_ok_and(|read| read > 2) {}
    let path = head.split(' ').nth(1).unwrap_or_default().to_owned();
    let login = format!("Basic {}", STANDARD.encode(format!("shop:{PASSWORD}")));
    let found = files
        .lock()
        .expect("no thread panicked")
        .iter()
        .find(|(name, _)| *name == path)
        .map(|(_, file)| file.clone());
    let (status, body) = match found {
        _ if !head.contains(&login) => ("401 Unauthorized", Vec::new()),
        Some(body) => ("200 OK", body),
        None => ("404 Not Found", Vec::new()),
    };
    requests.lock().expect("no thread panicked").push(path);
    let answer = format!("HTTP/1.1 {status}\r\ncontent-length: {}\r\nconnection: close\r\n\r\n", body.len());
    // A client that went away is its own affair.
    let _ = stream.write_all(&[answer.as_bytes(), &body].concat());
}

/// Debian's `docker-registry` on the loopback; it ends with the value.
pub struct OciRegistry {
    child: Child,
    host: String,
    _folder: TempDir,
}

impl OciRegistry {
    /// Starts an empty registry that wants a login.
    pub fn start() -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder can be made");
        let port = TcpListener::bind("127.0.0.1:0")
            .and_then(|one| one.local_addr())
            .expect("the loopback has a free port")
            .port();
        let host = format!("127.0.0.1:{port}");
        let (logins, data) = (folder.path().join("htpasswd"), folder.path().join("data"));
        std::fs::write(&logins, HTPASSWD).expect("the file can be written");
        let configuration = format!(
            "version: 0.1\nlog:\n  level: error\nstorage:\n  filesystem:\n    rootdirectory: {}\nhttp:\n  addr: {host}\n\
             auth:\n  htpasswd:\n    realm: test\n    path: {}\n",
            data.display(),
            logins.display()
        );
        let file = folder.path().join("config.yml");
        std::fs::write(&file, configuration).expect("the file can be written");
        let child = start_registry(&file);
        let registry = OciRegistry { child, host, _folder: folder };
        let end = Instant::now() + Duration::from_secs(30);
        while TcpStream::connect(&registry.host).is_err() {
            assert!(Instant::now() < end, "docker-registry does not listen");
            std::thread::sleep(Duration::from_millis(20));
        }
        registry
    }

    /// Returns the host with its port.
    pub fn host(&self) -> &str {
        &self.host
    }

    /// Pushes a chart as `helm push` does.
    pub fn push(&self, repository: &str, version: &str, archive: &[u8]) {
        self.push_signed(repository, version, archive, None);
    }

    /// Pushes a chart as `helm push` does, with its provenance file, and returns the digest of its manifest.
    pub fn push_signed(
        &self,
        repository: &str,
        version: &str,
        archive: &[u8],
        provenance: Option<&[u8]>,
    ) -> String {
        let mut layers = vec![self.layer(
            repository,
            "application/vnd.cncf.helm.chart.content.v1.tar+gzip",
            archive,
            "{}",
        )];
        layers.extend(provenance.map(|text| {
            self.layer(repository, "application/vnd.cncf.helm.chart.provenance.v1.prov", text, "{}")
        }));
        self.push_manifest(repository, version, "application/vnd.cncf.helm.config.v1+json", &layers)
    }

    /// Pushes files as `flux push artifact` does, and returns the digest of the manifest.
    pub fn push_artifact(&self, repository: &str, tag: &str, archive: &[u8]) -> String {
        let layer = self.layer(repository, "application/vnd.cncf.flux.content.v1.tar+gzip", archive, "{}");
        self.push_manifest(repository, tag, "application/vnd.cncf.flux.config.v1+json", &[layer])
    }

    /// Pushes a signature of a manifest as cosign keeps it: what is signed as a layer, the signature in its annotation.
    pub fn push_signature(&self, repository: &str, manifest: &str, payload: &[u8], signature: &str) {
        let annotations = format!(r#"{{"dev.cosignproject.cosign/signature":"{signature}"}}"#);
        let kind = "application/vnd.dev.cosign.simplesigning.v1+json";
        let layer = self.layer(repository, kind, payload, &annotations);
        let tag = format!("{}.sig", manifest.replace(':', "-"));
        self.push_manifest(repository, &tag, "application/vnd.oci.image.config.v1+json", &[layer]);
    }

    fn layer(&self, repository: &str, kind: &str, content: &[u8], annotations: &str) -> String {
        let digest = self.push_blob(repository, content);
        let size = content.len();
        format!(r#"{{"mediaType":"{kind}","digest":"{digest}","size":{size},"annotations":{annotations}}}"#)
    }

    fn push_manifest(&self, repository: &str, tag: &str, config: &str, layers: &[String]) -> String {
        let config = self.layer(repository, config, b"{}", "{}");
        let kind = "application/vnd.oci.image.manifest.v1+json";
        let manifest = format!(
            r#"{{"schemaVersion":2,"mediaType":"{kind}","config":{config},"layers":[{}]}}"#,
            layers.join(",")
        );
        self.ask("PUT", &format!("/v2/{repository}/manifests/{tag}"), kind, manifest.as_bytes());
        digest(manifest.as_bytes())
    }

    fn push_blob(&self, repository: &str, content: &[u8]) -> String {
        let digest = digest(content);
        let head =
            self.ask("POST", &format!("/v2/{repository}/blobs/uploads/"), "application/octet-stream", b"");
        let place = head
            .lines()
            .find_map(|line| line.strip_prefix("Location: "))
            .expect("an upload has a place")
            .trim();
        let path = place.split_once(&self.host).map_or(place, |(_, path)| path);
        self.ask("PUT", &format!("{path}&digest={digest}"), "application/octet-stream", content);
        digest
    }

    fn ask(&self, method: &str, path: &str, kind: &str, body: &[u8]) -> String {
        let login = STANDARD.encode(format!("shop:{PASSWORD}"));
        let head = format!(
            "{method} {path} HTTP/1.1\r\nHost: {}\r\nAuthorization: Basic {login}\r\nContent-Type: {kind}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
            self.host,
            body.len()
        );
        let mut stream = TcpStream::connect(&self.host).expect("the registry listens");
        stream.write_all(&[head.as_bytes(), body].concat()).expect("the registry reads");
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).expect("the registry answers");
        let answer = String::from_utf8_lossy(&answer).into_owned();
        assert!(answer.starts_with("HTTP/1.1 20"), "{method} {path}: {answer}");
        answer
    }
}

impl Drop for OciRegistry {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn start_registry(configuration: &Path) -> Child {
    let mut command = Command::new("docker-registry");
    command.arg("serve").arg(configuration).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    command.spawn().expect("docker-registry is installed; .ci/packages does it")
}

/// Returns the SHA-256 digest of bytes, through the command that every machine has.
pub fn digest(content: &[u8]) -> String {
    let mut child = Command::new("sha256sum")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("sha256sum runs");
    child.stdin.take().expect("it is piped").write_all(content).expect("sha256sum reads");
    let output = child.wait_with_output().expect("sha256sum ends");
    format!("sha256:{}", String::from_utf8_lossy(&output.stdout).split(' ').next().unwrap_or_default())
}
