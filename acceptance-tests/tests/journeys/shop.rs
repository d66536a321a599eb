//! The quickstart's shop as a starting point: two services on three clusters, delivered to one repository.

use acceptance_tests::repository::Repository;
use acceptance_tests::terraform::{Workspace, project_folder};
use serde_json::Value;

/// The quickstart's configuration and the repository that it delivers to.
pub(crate) struct Shop {
    pub(crate) workspace: Workspace,
    pub(crate) repository: Repository,
}

/// Copies the quickstart and makes it a repository.
pub(crate) fn shop() -> Shop {
    let repository = Repository::new();
    let mut workspace = Workspace::copy_of(&project_folder().join("examples/quickstart"));
    workspace.set("TF_VAR_repository", &repository.url());
    Shop { workspace, repository }
}

/// One release of a small chart, for journeys that need a single resource. `settings` goes into the resource block.
pub(crate) fn single(settings: &str) -> Shop {
    let repository = Repository::new();
    let workspace = Workspace::new();
    workspace.write("chart/Chart.yaml", "apiVersion: v2\nname: small\nversion: 1.0.0\nappVersion: \"1\"\n");
    workspace.write("chart/values.yaml", "color: blue\nsize: 1\n");
    workspace.write("chart/templates/settings.yaml", SETTINGS);
    workspace.write("base.yaml", "color: green\n");
    workspace.write("main.tf", &single_configuration(&repository.url(), settings));
    Shop { workspace, repository }
}

const SETTINGS: &str = "\
apiVersion: v1
kind: ConfigMap
metadata:
  name: {{ .Release.Name }}
data:
  color: {{ .Values.color }}
  size: {{ .Values.size | quote }}
";

/// Returns the configuration of [`single`] for a repository's address.
pub(crate) fn single_configuration(url: &str, settings: &str) -> String {
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
  repository {{
    name = "clusters"
    url  = "{url}"
  }}
  cluster {{
    name         = "one"
    kube_version = "1.34.0"
  }}
}}

resource "strata_release" "this" {{
  name    = "small"
  cluster = "one"
  chart {{
    path = "chart"
  }}
  layer {{
    name = "base"
    file = "base.yaml"
  }}
  {settings}
}}
"#
    )
}

/// The delivery block of [`single`].
pub(crate) const DELIVERY: &str = r#"delivery {
    git {
      repository = "clusters"
      path       = "clusters/one/small"
    }
  }"#;

/// Returns the resource changes of a plan that do something, as `address action,action`.
pub(crate) fn changes(plan: &Value) -> Vec<String> {
    let all = plan["resource_changes"].as_array().cloned().unwrap_or_default();
    let actions = |one: &Value| {
        let actions = one["change"]["actions"].as_array().cloned().unwrap_or_default();
        actions.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(",")
    };
    let named =
        all.iter().map(|one| format!("{} {}", one["address"].as_str().unwrap_or_default(), actions(one)));
    named.filter(|line| !line.ends_with(" no-op")).collect()
}

/// Checks that a plan has a line with these words; Terraform aligns columns with blanks.
#[track_caller]
pub(crate) fn assert_shows(plan: &str, line: &str) {
    let words = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(plan.lines().any(|one| words(one).contains(line)), "{line} is not in\n{plan}");
}
