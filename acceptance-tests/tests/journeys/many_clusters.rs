//! One configuration for several clusters, of which one is down: an agent and a release on each, in one apply.

use std::fmt::Write as _;

use acceptance_tests::cluster::Cluster;
use acceptance_tests::flux::archive;
use acceptance_tests::flux_controllers::control_plane;
use acceptance_tests::terraform::Workspace;
use serde_json::Value;

use crate::site::connection;

fn configuration(clusters: &[(String, String)], folder: &str) -> String {
    let blocks = clusters.iter().fold(String::new(), |mut blocks, (name, connection)| {
        let _ = write!(
            blocks,
            "  cluster {{\n    name = \"{name}\"\n    kube_version = \"1.36.0\"\n    {connection}\n  }}\n"
        );
        blocks
    });
    let names: Vec<&str> = clusters.iter().map(|(name, _)| name.as_str()).collect();
    format!(
        r#"
terraform {{
  required_providers {{
    strata = {{
      source = "stratahq/strata"
    }}
  }}
}}

provider "strata" {{
  root         = path.root
  agent_source = "{folder}"
{blocks}}}

locals {{
  clusters = toset({names:?})
}}

resource "strata_agent" "flux" {{
  for_each = local.clusters
  cluster  = each.key
  version  = "2.9.5"
  delivery {{
    cluster {{
      wait = false
    }}
  }}
  timeouts {{
    create = "20s"
  }}
}}

resource "strata_release" "small" {{
  for_each = local.clusters
  name     = "small"
  cluster  = each.key
  chart {{
    path = "chart"
  }}
  layer {{
    name   = "cluster"
    values = "color: ${{each.key}}"
  }}
  delivery {{
    cluster {{}}
  }}
  timeouts {{
    create = "20s"
  }}
}}
"#
    )
}

fn color(cluster: &Cluster) -> Option<Value> {
    Some(cluster.get("/api/v1/namespaces/default/configmaps/small")?["data"]["color"].clone())
}

fn has_agent(cluster: &Cluster) -> bool {
    cluster.get("/apis/apps/v1/namespaces/flux-system/deployments/source-controller").is_some()
}

fn resources(terraform: &Workspace) -> usize {
    terraform.state()["values"]["root_module"]["resources"].as_array().map_or(0, Vec::len)
}

#[test]
fn a_cluster_that_is_down_fails_its_own_and_joins_the_others_later() {
    let control = control_plane(4);
    let closed = std::net::TcpListener::bind("127.0.0.1:0").and_then(|one| one.local_addr());
    let closed = format!("host = \"https://{}\"\n    token = \"t\"", closed.expect("a port is free"));
    let name = |index: usize| format!("prod-{index}");
    let mut ways: Vec<_> = (0..4).map(|index| (name(index), connection(control.cluster(index)))).collect();
    let last = std::mem::replace(&mut ways[3].1, closed);
    let terraform = Workspace::new();
    terraform.write("chart/Chart.yaml", "apiVersion: v2\nname: small\nversion: 1.0.0\n");
    terraform.write(
        "chart/templates/all.yaml",
        "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: small\ndata:\n  color: {{ .Values.color }}\n",
    );
    std::fs::write(terraform.path().join("flux.tar.gz"), archive("v2.9.5")).expect("it can be written");
    terraform.write("main.tf", &configuration(&ways, "flux.tar.gz"));

    let plan = terraform.plan().expect_success();
    assert!(plan.stdout.contains("is planned without asking its cluster"), "{}", plan.stdout);
    let told = terraform.apply().expect_failure();
    assert!(told.contains("cluster prod-3 does not answer"), "{told}");
    assert_eq!(told.matches("does not answer").count(), 2, "its agent and its release: {told}");
    for index in 0..3 {
        let cluster = control.cluster(index);
        assert!(has_agent(cluster) && color(cluster) == Some(name(index).into()), "{}", name(index));
    }
    assert_eq!(resources(&terraform), 6);

    ways[3].1 = last;
    terraform.write("main.tf", &configuration(&ways, "flux.tar.gz"));
    terraform.apply().expect_success();
    assert!(has_agent(control.cluster(3)) && color(control.cluster(3)) == Some(name(3).into()));
    assert_eq!(resources(&terraform), 8);
    terraform.assert_nothing_to_do();
}
