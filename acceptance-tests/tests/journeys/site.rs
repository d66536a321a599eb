//! One release on a real cluster, as a starting point for the journeys that deliver straight to it.

use acceptance_tests::charts::PASSWORD;
use acceptance_tests::cluster::{Cluster, shared};
use acceptance_tests::terraform::Workspace;
use serde_json::Value;

/// A configuration with one release, and where it goes.
pub(crate) struct Site {
    pub(crate) workspace: Workspace,
    pub(crate) cluster: &'static Cluster,
    pub(crate) namespace: String,
}

/// The address of the release.
pub(crate) const ADDRESS: &str = "strata_release.this";

const CONFIG_MAP: &str = "\
apiVersion: v1
kind: ConfigMap
metadata:
  name: {{ .Release.Name }}
data:
  color: {{ .Values.color }}
  size: {{ .Values.size | quote }}
";

/// A release of a chart with one ConfigMap in a namespace of its own. `settings` goes into the block `cluster` of its delivery.
pub(crate) fn site(settings: &str) -> Site {
    site_on(shared().cluster(0), settings)
}

/// The same on a cluster of one's choice.
pub(crate) fn site_on(cluster: &'static Cluster, settings: &str) -> Site {
    let namespace = cluster.namespace("site");
    let workspace = Workspace::new();
    workspace.write("chart/Chart.yaml", "apiVersion: v2\nname: small\nversion: 1.0.0\nappVersion: \"1\"\n");
    workspace.write("chart/values.yaml", "color: blue\nsize: 1\n");
    workspace.write("chart/templates/config.yaml", CONFIG_MAP);
    workspace.write("base.yaml", "color: green\n");
    let connection = connection(cluster);
    workspace.write("main.tf", &configuration(&connection, &namespace, settings));
    Site { workspace, cluster, namespace }
}

/// Returns what reaches a cluster as its administrator, by token.
pub(crate) fn connection(cluster: &Cluster) -> String {
    format!(
        "host = {:?}\n    certificate_authority = {:?}\n    token = {:?}",
        cluster.host(),
        cluster.file("pki/ca.crt"),
        cluster.file("admin.token")
    )
}

/// Returns the configuration of the provider for agents whose versions are on a mirror: with one cluster, `one`, whose block also says
/// `connection`, and other blocks.
pub(crate) fn agents_from(host: &str, connection: &str, more: &str) -> String {
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
  agent_source = "http://{host}/flux/{{version}}/manifests.tar.gz"
  registry {{
    host     = "{host}"
    username = "shop"
    password = "{PASSWORD}"
  }}
  {more}
  cluster {{
    name = "one"
    {connection}
  }}
}}
"#
    )
}

/// Returns the block of a repository that is named `clusters`.
pub(crate) fn clusters_at(url: &str, more: &str) -> String {
    format!("repository {{\n    name = \"clusters\"\n    url  = \"{url}\"\n    {more}\n  }}")
}

/// Returns the configuration of [`site`].
pub(crate) fn configuration(connection: &str, namespace: &str, settings: &str) -> String {
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
  root = path.root
  cluster {{
    name         = "one"
    kube_version = "1.36.0"
    {connection}
  }}
}}

resource "strata_release" "this" {{
  name      = "small"
  namespace = "{namespace}"
  cluster   = "one"
  chart {{
    path = "chart"
  }}
  layer {{
    name = "base"
    file = "base.yaml"
  }}
  delivery {{
    cluster {{
      {settings}
    }}
  }}
  timeouts {{
    create = "60s"
    update = "60s"
    delete = "60s"
  }}
}}
"#
    )
}

impl Site {
    /// Returns the path of an object in the site's namespace.
    pub(crate) fn path(&self, collection: &str, name: &str) -> String {
        let (root, kind) = match collection.rsplit_once('/') {
            Some((group, kind)) => (format!("/apis/{group}"), kind),
            None => ("/api/v1".to_owned(), collection),
        };
        format!("{root}/namespaces/{}/{kind}/{name}", self.namespace)
    }

    /// Returns an object in the site's namespace; none where there is none.
    pub(crate) fn get(&self, collection: &str, name: &str) -> Option<Value> {
        self.cluster.get(&self.path(collection, name))
    }

    /// Returns an attribute of the release in the state.
    pub(crate) fn attribute(&self, name: &str) -> Value {
        self.workspace.attributes(ADDRESS).map(|all| all[name].clone()).unwrap_or_default()
    }

    /// Returns the lines of the release's inventory.
    pub(crate) fn inventory(&self) -> Vec<String> {
        let map = self.get("configmaps", "strata-release-small").unwrap_or_default();
        map["data"]["objects"].as_str().unwrap_or_default().lines().map(str::to_owned).collect()
    }
}
