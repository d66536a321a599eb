//! A cluster on which pods run, as far as anybody can see: kwok plays the nodes. What a pod does is written on its image, see
//! `kube/stages.yaml`.

use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;

use serde_json::json;

use crate::cluster::{Cluster, ControlPlane, program};
use crate::terraform::project_folder;

/// Returns the cluster with nodes that all journeys of a run share.
pub fn shared_with_nodes() -> &'static Cluster {
    static SHARED: OnceLock<(ControlPlane, Nodes)> = OnceLock::new();
    let (servers, _) = SHARED.get_or_init(|| {
        let servers = ControlPlane::start(1, &["--scheduler"]);
        let nodes = Nodes::start(servers.cluster(0));
        (servers, nodes)
    });
    servers.cluster(0)
}

/// The nodes of a cluster; they end with this handle, and with the process.
pub struct Nodes {
    child: Child,
}

impl Nodes {
    /// Gives a cluster one node, and waits until it is ready.
    pub fn start(cluster: &Cluster) -> Self {
        // The shell ends kwok when this process closes the pipe, however it ends.
        let script = r#""$0" "$@" >kwok.log 2>&1 </dev/null & pid=$!; cat >/dev/null; kill $pid"#;
        let stages = project_folder().join("acceptance-tests/kube/stages.yaml");
        let kubeconfig = cluster.kubeconfig();
        let child = Command::new("sh")
            .args(["-c", script])
            .arg(program("kwok"))
            .arg(format!("--kubeconfig={}", kubeconfig.display()))
            .arg(format!("--config={}", stages.display()))
            .args(["--manage-all-nodes=true", "--node-lease-duration-seconds=0"])
            .current_dir(kubeconfig.parent().expect("it is in the cluster's folder"))
            .stdin(Stdio::piped())
            .spawn()
            .expect("a shell starts");
        let nodes = Nodes { child };
        let node = json!({"apiVersion": "v1", "kind": "Node", "metadata": {"name": "node", "labels": {"kubernetes.io/hostname": "node"}}});
        cluster.create("/api/v1/nodes", &node);
        cluster.eventually("a ready node", |cluster| {
            let node = cluster.get("/api/v1/nodes/node")?;
            let conditions = node["status"]["conditions"].as_array()?;
            conditions.iter().any(|one| one["type"] == "Ready" && one["status"] == "True").then_some(())
        });
        nodes
    }
}

impl Drop for Nodes {
    fn drop(&mut self) {
        drop(self.child.stdin.take());
        let _ = self.child.wait();
    }
}
