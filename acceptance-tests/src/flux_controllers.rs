//! The real controllers of Flux for a cluster of the journeys: kustomize-controller and helm-controller, and a stand-in for
//! source-controller, as processes in the place of pods. Each runs as long as its Deployment in the cluster wants it, with the
//! arguments and the service account of its manifest (`control-plane agent` in acceptance-tests/kube).

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::cluster::{Cluster, ControlPlane, program, unique};
use crate::git_server::GitServer;
use crate::repository::Repository;

/// The login of the git servers that [`Fleet`] starts.
pub const LOGIN: (&str, &str) = ("git", "correct-horse");

/// What runs beside a cluster; it ends with the value, also when the test process dies.
pub struct Controllers {
    child: Child,
    folder: TempDir,
}

impl Controllers {
    /// Begins to run what the cluster's Deployments of Flux say.
    pub fn start(cluster: &Cluster) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder can be made");
        let programs = program("kustomize-controller").parent().map(Path::to_path_buf);
        let programs =
            programs.filter(|_| program("helm-controller").exists()).expect("they are in a folder");
        let mut child = Command::new(program("control-plane"))
            .args(["agent", "--kubeconfig"])
            .arg(cluster.kubeconfig())
            .arg("--dir")
            .arg(folder.path())
            .arg("--programs")
            .arg(programs)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("the controllers' nodes start");
        let mut line = String::new();
        let stdout = child.stdout.take().expect("it is piped");
        BufReader::new(stdout).read_line(&mut line).expect("it says that it runs");
        assert_eq!(line, "READY\n");
        Controllers { child, folder }
    }

    /// Returns the last lines of what the controllers wrote to their logs.
    fn logs(&self) -> String {
        let folders = std::fs::read_dir(self.folder.path()).into_iter().flatten().flatten();
        let files = folders.map(|folder| folder.path().join("log")).filter(|file| file.exists());
        let shown = files.map(|file| {
            let text = std::fs::read_to_string(&file).unwrap_or_default();
            let last: Vec<&str> = text.lines().rev().take(30).collect();
            format!("{}\n{}\n", file.display(), last.into_iter().rev().collect::<Vec<_>>().join("\n"))
        });
        shown.collect()
    }
}

impl Drop for Controllers {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("{}", self.logs());
        }
        drop(self.child.stdin.take());
        let _ = self.child.wait();
    }
}

/// A cluster where Flux 2.9.5 is installed and runs, shared by the journeys of a run.
pub struct Flux {
    /// The cluster.
    pub cluster: &'static Cluster,
    /// Its controllers.
    pub controllers: Controllers,
}

/// Returns the cluster where Flux runs; its journeys keep to namespaces of their own.
pub fn shared() -> &'static Flux {
    static SHARED: OnceLock<(ControlPlane, OnceLock<Flux>)> = OnceLock::new();
    let (control, flux) = SHARED.get_or_init(|| (control_plane(1), OnceLock::new()));
    flux.get_or_init(|| {
        let cluster = control.cluster(0);
        install(cluster, &crate::flux::answer("install/v2.9.5/default.yaml"));
        Flux { cluster, controllers: Controllers::start(cluster) }
    })
}

/// Starts clusters without what looks after workloads: there are no nodes for pods.
pub fn control_plane(count: usize) -> ControlPlane {
    ControlPlane::start(
        count,
        &["--controllers", "namespace-controller,garbage-collector-controller,resourcequota-controller"],
    )
}

/// Applies objects as `flux install` does.
pub fn install(cluster: &Cluster, manifests: &str) {
    install_as(cluster, manifests, "flux", &json!({}));
}

/// Applies objects under the name of a field manager, with labels of its own.
pub fn install_as(cluster: &Cluster, manifests: &str, manager: &str, labels: &Value) {
    for document in manifests.split("\n---\n") {
        let mut object = strata::manifest::yaml::read(document).expect("the manifests are YAML");
        for (name, value) in labels.as_object().into_iter().flatten() {
            object["metadata"]["labels"][name] = value.clone();
        }
        let path = path_of(&object);
        let target = format!("{path}?fieldManager={manager}&force=true");
        cluster.eventually(&format!("{path} is accepted"), |cluster| {
            let kind = "application/apply-patch+yaml";
            let (status, answer) = cluster.request("PATCH", &target, kind, Some(&object));
            assert!(status < 300 || status == 404, "{path}: {answer}");
            (status < 300).then_some(())
        });
    }
}

/// Returns the path of an object whose kind has an ordinary plural.
pub fn path_of(object: &Value) -> String {
    let text = |pointer: &str| object.pointer(pointer).and_then(Value::as_str).unwrap_or_default();
    let (version, kind) = (text("/apiVersion"), text("/kind").to_lowercase());
    let root = if version.contains('/') { "/apis" } else { "/api" };
    let place = match text("/metadata/namespace") {
        "" => String::new(),
        namespace => format!("/namespaces/{namespace}"),
    };
    let plural = match kind.strip_suffix('y') {
        Some(stem) => format!("{stem}ies"),
        None if kind.ends_with('s') => format!("{kind}es"),
        None => format!("{kind}s"),
    };
    format!("{root}/{version}{place}/{plural}/{}", text("/metadata/name"))
}

/// A repository behind a git server with a login, and a namespace of a cluster whose Kustomization applies one of its folders.
pub struct Fleet<'a> {
    /// The repository.
    pub repository: Repository,
    /// The server.
    pub server: GitServer,
    /// The namespace.
    pub namespace: String,
    cluster: &'a Cluster,
}

impl<'a> Fleet<'a> {
    /// Makes the repository and points the Flux of a cluster at its folder `clusters/one`.
    pub fn new(cluster: &'a Cluster, prefix: &str) -> Self {
        let fleet = Fleet::without_sync(cluster, cluster.namespace(prefix));
        let namespace = &fleet.namespace;
        cluster.create(&format!("/api/v1/namespaces/{namespace}/secrets"), &login("login", LOGIN));
        cluster.create(&fleet.path("source.toolkit.fluxcd.io/v1", "gitrepositories", ""), &json!({
            "apiVersion": "source.toolkit.fluxcd.io/v1", "kind": "GitRepository", "metadata": {"name": "fleet"},
            "spec": {"interval": "10m", "url": fleet.url(), "ref": {"branch": "main"}, "secretRef": {"name": "login"}},
        }));
        fleet.kustomization("apps", "./clusters/one");
        fleet
    }

    /// Makes the repository alone.
    pub fn without_sync(cluster: &'a Cluster, namespace: String) -> Self {
        let repository = Repository::new();
        let folder = repository.path().parent().expect("it is in a folder");
        let server = GitServer::start(folder, Some(LOGIN));
        crate::repository::git(repository.path(), &["config", "http.receivepack", "true"]);
        crate::repository::git(repository.path(), &["config", "uploadpack.allowFilter", "true"]);
        Fleet { repository, server, namespace, cluster }
    }

    /// Adds a Kustomization of the namespace.
    pub fn kustomization(&self, name: &str, path: &str) {
        self.cluster.create(&self.path("kustomize.toolkit.fluxcd.io/v1", "kustomizations", ""), &json!({
            "apiVersion": "kustomize.toolkit.fluxcd.io/v1", "kind": "Kustomization", "metadata": {"name": name},
            "spec": {"interval": "10m", "retryInterval": "2s", "path": path, "prune": true,
                "sourceRef": {"kind": "GitRepository", "name": "fleet"}},
        }));
    }

    /// Returns the repository's address at the server.
    pub fn url(&self) -> String {
        let name = self.repository.path().file_name().and_then(|name| name.to_str());
        self.server.url(name.expect("a folder has a name"))
    }

    /// Returns the path of an object of the namespace.
    pub fn path(&self, version: &str, plural: &str, name: &str) -> String {
        let root = if version.contains('/') { "/apis" } else { "/api" };
        let path = format!("{root}/{version}/namespaces/{}/{plural}/{name}", self.namespace);
        path.trim_end_matches('/').to_owned()
    }

    /// Waits until the Kustomization of that name has applied the tip of the branch.
    #[track_caller]
    pub fn reconciled(&self, name: &str) -> Value {
        let tip = crate::repository::git(self.repository.path(), &["rev-parse", "main"]);
        let path = self.path("kustomize.toolkit.fluxcd.io/v1", "kustomizations", name);
        until_ready(self.cluster, &path, |found| {
            let revision = found["status"]["lastAppliedRevision"].as_str().unwrap_or_default();
            revision.ends_with(tip.trim())
        })
    }
}

/// Returns a Secret with a user name and a password.
pub fn login(name: &str, (user, password): (&str, &str)) -> Value {
    let encode = |text: &str| STANDARD.encode(text);
    json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": name},
        "data": {"username": encode(user), "password": encode(password)}})
}

/// Returns status and message of an object's condition `Ready`.
pub fn readiness(object: &Value) -> (String, String) {
    let conditions = object["status"]["conditions"].as_array().into_iter().flatten();
    let ready = conditions.into_iter().find(|one| one["type"] == "Ready");
    let text = |name: &str| ready.and_then(|one| one[name].as_str()).unwrap_or_default().to_owned();
    (text("status"), text("message"))
}

/// Waits until an object is ready and as it should be.
#[track_caller]
pub fn until_ready(cluster: &Cluster, path: &str, is_right: impl Fn(&Value) -> bool) -> Value {
    let deadline = Instant::now() + Duration::from_secs(120);
    loop {
        let found = cluster.get(path).unwrap_or_default();
        if readiness(&found).0 == "True" && is_right(&found) {
            return found;
        }
        assert!(Instant::now() < deadline, "{path} is not ready: {}", found["status"]);
        std::thread::sleep(Duration::from_millis(100));
    }
}

/// Asks Flux to look at an object now, and waits until it has.
#[track_caller]
pub fn reconcile(cluster: &Cluster, path: &str) {
    let asked = unique("asked");
    cluster.patch(path, &json!({"metadata": {"annotations": {"reconcile.fluxcd.io/requestedAt": asked}}}));
    cluster.eventually(&format!("{path} is reconciled"), |cluster| {
        let found = cluster.get(path).expect("it is there");
        (found["status"]["lastHandledReconcileAt"] == asked.as_str()).then_some(())
    });
}
