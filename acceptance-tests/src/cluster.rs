//! Real Kubernetes API servers for the journeys: etcd, kube-apiserver and kube-controller-manager, built once by
//! `.ci/control-plane` and ended when the handle on their standard input closes, which also happens when the test process dies.
//!
//! Starting takes seconds and hundreds of megabytes, so the journeys of one run share [`shared`] clusters, and each keeps
//! to namespaces of its own.

use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use http_body_util::BodyExt;
use serde_json::{Value, json};
use tempfile::TempDir;

/// API servers that live as long as this handle.
pub struct ControlPlane {
    child: Child,
    /// Keeps the pipe open that it prints to.
    _stdout: BufReader<ChildStdout>,
    folder: TempDir,
    clusters: Vec<Cluster>,
}

/// One cluster.
pub struct Cluster {
    /// Its name in the kubeconfig, `c1`, `c2` and so on.
    pub name: String,
    folder: PathBuf,
    kubeconfig: String,
    host: String,
    runtime: tokio::runtime::Runtime,
    client: kube::Client,
}

/// Returns the clusters that all journeys of a run share: two, with namespaces, accounts and owners looked after.
pub fn shared() -> &'static ControlPlane {
    static SHARED: OnceLock<ControlPlane> = OnceLock::new();
    SHARED.get_or_init(|| {
        // Workloads stay as the journeys leave them: there are no nodes for pods, and whoever waits for a Deployment
        // writes its status in the place of its controller.
        ControlPlane::start(2, &["--controllers", "namespace-controller,garbage-collector-controller,serviceaccount-controller,root-ca-certificate-publisher-controller"])
    })
}

/// Returns a name that no other journey of the run uses.
pub fn unique(prefix: &str) -> String {
    static NEXT: AtomicUsize = AtomicUsize::new(1);
    format!("{prefix}-{}", NEXT.fetch_add(1, Ordering::Relaxed))
}

impl ControlPlane {
    /// Starts `count` clusters and waits until they answer. Arguments are those of `control-plane up`.
    pub fn start(count: usize, arguments: &[&str]) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder can be made");
        let mut child = Command::new(program("control-plane"))
            .args(["up", "--clusters", &count.to_string(), "--dir"])
            .arg(folder.path())
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the control plane starts");
        let mut stdout = BufReader::new(child.stdout.take().expect("it is piped"));
        let mut line = String::new();
        let told = stdout.read_line(&mut line);
        if told.is_err() || !line.starts_with("READY ") {
            let mut text = String::new();
            let _ = child.stderr.take().expect("it is piped").read_to_string(&mut text);
            panic!("the control plane did not start: {line}{text}");
        }
        let named = line.trim().split(' ').skip(1).filter_map(|one| one.split_once('='));
        let clusters = named.map(|(name, kubeconfig)| Cluster::new(name, Path::new(kubeconfig))).collect();
        ControlPlane { child, _stdout: stdout, folder, clusters }
    }

    /// Returns a cluster by its place, from 0.
    pub fn cluster(&self, index: usize) -> &Cluster {
        &self.clusters[index]
    }

    /// Returns the process whose children are the servers.
    pub fn process(&self) -> u32 {
        self.child.id()
    }

    /// Returns the folder with the servers' logs.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }
}

impl Drop for ControlPlane {
    fn drop(&mut self) {
        drop(self.child.stdin.take());
        let _ = self.child.wait();
    }
}

impl Cluster {
    fn new(name: &str, kubeconfig: &Path) -> Self {
        let folder = kubeconfig.parent().expect("it is in the cluster's folder").to_path_buf();
        let text = std::fs::read_to_string(kubeconfig).expect("the kubeconfig can be read");
        let parsed = kube::config::Kubeconfig::from_yaml(&text).expect("it is one");
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build();
        let runtime = runtime.expect("a runtime can be made");
        let client = runtime.block_on(async {
            let options = kube::config::KubeConfigOptions::default();
            let config =
                kube::Config::from_custom_kubeconfig(parsed, &options).await.expect("it can be used");
            kube::Client::try_from(config).expect("a client can be made")
        });
        let host = text.split("server: \"").nth(1).and_then(|rest| rest.split('"').next());
        let host = host.expect("it names a server").to_owned();
        let file = kubeconfig.file_name().expect("it has a name").to_string_lossy().into_owned();
        Cluster { name: name.to_owned(), folder, kubeconfig: file, host, runtime, client }
    }

    /// Returns the same cluster, reached at another address of this machine.
    pub fn at(&self, address: std::net::SocketAddr) -> Cluster {
        let kubeconfig = self.file(&self.kubeconfig).replace(&self.host, &format!("https://{address}"));
        let name = format!("kubeconfig-{}", address.port());
        std::fs::write(self.folder.join(&name), kubeconfig).expect("the kubeconfig can be written");
        Cluster::new(&self.name, &self.folder.join(name))
    }

    /// Returns the path of a kubeconfig whose user is an administrator.
    pub fn kubeconfig(&self) -> PathBuf {
        self.folder.join(&self.kubeconfig)
    }

    /// Returns the API server's address.
    pub fn host(&self) -> &str {
        &self.host
    }

    /// Returns a file of the cluster's folder, such as `pki/ca.crt` or `viewer.token`.
    pub fn file(&self, name: &str) -> String {
        std::fs::read_to_string(self.folder.join(name)).expect("the file can be read")
    }

    /// Returns a client whose user is an administrator.
    pub fn client(&self) -> kube::Client {
        self.client.clone()
    }

    /// Sends a request and returns status and answer.
    pub fn request(
        &self,
        method: &str,
        target: &str,
        content_type: &str,
        body: Option<&Value>,
    ) -> (u16, Value) {
        let bytes = body.map(|body| body.to_string().into_bytes()).unwrap_or_default();
        let request =
            http::Request::builder().method(method).uri(target).header("Content-Type", content_type);
        let request = request.body(kube::client::Body::from(bytes)).expect("the request is one");
        self.runtime.block_on(async {
            let response = self.client.send(request).await;
            let response = response.unwrap_or_else(|error| {
                panic!("the API server does not answer: {error:?}\n{}", self.last_words())
            });
            let status = response.status().as_u16();
            let bytes = response.into_body().collect().await.expect("the answer is whole").to_bytes();
            (status, serde_json::from_slice(&bytes).unwrap_or_default())
        })
    }

    /// Returns the ends of the servers' logs.
    fn last_words(&self) -> String {
        const LINES: usize = 15;
        let files = std::fs::read_dir(&self.folder).into_iter().flatten().flatten();
        let logs =
            files.map(|file| file.path()).filter(|path| path.extension().is_some_and(|one| one == "log"));
        let end = |path: PathBuf| {
            let text = std::fs::read(&path).unwrap_or_default();
            let text = String::from_utf8_lossy(&text).into_owned();
            let lines: Vec<&str> = text.lines().rev().take(LINES).collect();
            let lines: Vec<&str> = lines.into_iter().rev().collect();
            format!("{}:\n{}", path.display(), lines.join("\n"))
        };
        logs.map(end).collect::<Vec<_>>().join("\n")
    }

    /// Returns an object; none where there is none.
    pub fn get(&self, path: &str) -> Option<Value> {
        let (status, answer) = self.request("GET", path, "application/json", None);
        assert!(status == 200 || status == 404, "GET {path}: {answer}");
        (status == 200).then_some(answer)
    }

    /// Creates an object in a collection.
    #[track_caller]
    pub fn create(&self, collection: &str, object: &Value) -> Value {
        let (status, answer) = self.request("POST", collection, "application/json", Some(object));
        assert!(status < 300, "POST {collection}: {answer}");
        answer
    }

    /// Changes an object as `kubectl edit` would, or its status where the path ends in `/status`.
    #[track_caller]
    pub fn patch(&self, path: &str, patch: &Value) -> Value {
        let target = format!("{path}?fieldManager=kubectl-edit");
        let (status, answer) = self.request("PATCH", &target, "application/merge-patch+json", Some(patch));
        assert!(status < 300, "PATCH {path}: {answer}");
        answer
    }

    /// Deletes an object; what is gone already is no error.
    pub fn delete(&self, path: &str) {
        let (status, answer) = self.request("DELETE", path, "application/json", None);
        assert!(status < 300 || status == 404, "DELETE {path}: {answer}");
    }

    /// Creates a namespace with a name of its own and returns it.
    pub fn namespace(&self, prefix: &str) -> String {
        let name = unique(prefix);
        let object = json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}});
        self.create("/api/v1/namespaces", &object);
        name
    }

    /// Waits until a condition holds.
    #[track_caller]
    pub fn eventually<T>(&self, what: &str, condition: impl FnMut(&Cluster) -> Option<T>) -> T {
        let mut condition = condition;
        let deadline = Instant::now() + Duration::from_secs(90);
        loop {
            if let Some(found) = condition(self) {
                return found;
            }
            assert!(Instant::now() < deadline, "{what} did not come about on {}", self.name);
            std::thread::sleep(Duration::from_millis(100));
        }
    }
}

/// Returns a program of the control plane's folder, and has it built where it is missing.
pub fn program(name: &str) -> PathBuf {
    let script = crate::terraform::project_folder().join(".ci/control-plane");
    let output = Command::new(script).arg(name).stderr(Stdio::inherit()).output().expect("the script runs");
    assert!(output.status.success(), "{name} could not be built");
    let folder = String::from_utf8(output.stdout).expect("the script prints a path");
    Path::new(folder.trim()).join(name)
}
