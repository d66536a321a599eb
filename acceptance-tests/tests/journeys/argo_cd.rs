//! Argo CD straight to a real API server: with its Application, and with what lets it into its repository.

use acceptance_tests::charts::HelmRepository;
use acceptance_tests::cluster::{Cluster, shared, unique};
use acceptance_tests::flux::answer;
use acceptance_tests::terraform::Workspace;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::shop::assert_shows;
use crate::site::{agents_from, connection};

const KNOWN: &str =
    "git.example.com ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcH";

fn configuration(host: &str, cluster: &Cluster, namespace: &str) -> String {
    let provider = agents_from(host, &connection(cluster), "");
    let provider = provider.replace("/flux/{version}/manifests.tar.gz", "/{kind}/{version}/install.yaml");
    format!(
        r#"{provider}
variable "key" {{
  type      = string
  ephemeral = true
  default   = "hunter2-first"
}}

resource "strata_agent" "argo" {{
  kind              = "argocd"
  cluster           = "one"
  version           = "3.1.9"
  namespace         = "{namespace}"
  allow_deletion_of = ["Namespace", "CustomResourceDefinition"]
  sync {{
    name = "fleet"
    url  = "ssh://git@git.example.com/fleet.git"
    path = "clusters/one"
    credentials {{
      private_key = var.key
      known_hosts = "{KNOWN}"
    }}
  }}
  delivery {{
    cluster {{
      wait = false
    }}
  }}
}}
"#
    )
}

#[test]
fn argo_cd_is_applied_let_in_and_let_in_with_another_key() {
    let (mirror, terraform, cluster) = (HelmRepository::start(), Workspace::new(), shared().cluster(1));
    mirror.put("/argocd/3.1.9/install.yaml", answer("argocd/install.yaml").as_bytes());
    let namespace = unique("argo");
    terraform.write("main.tf", &configuration(mirror.host(), cluster, &namespace));
    let plan = terraform.plan().expect_success();
    assert_shows(&plan.stdout, "+ \"data.sshPrivateKey\" = \"(sensitive, revision 1)\"");
    assert_shows(&plan.stdout, KNOWN);
    terraform.apply().expect_success();
    terraform.assert_nothing_to_do();

    let get = |collection: &str, name: &str| {
        let path = format!("/{collection}/{name}").replace("{namespace}", &namespace);
        cluster.get(&path).unwrap_or_else(|| panic!("{path} is there"))
    };
    let application = get("apis/argoproj.io/v1alpha1/namespaces/{namespace}/applications", "fleet");
    assert_eq!(application["spec"]["source"]["path"], "clusters/one");
    let known = get("api/v1/namespaces/{namespace}/configmaps", "argocd-ssh-known-hosts-cm");
    let known = known["data"]["ssh_known_hosts"].as_str().expect("it is a text").to_owned();
    assert!(known.contains(KNOWN) && known.contains("github.com ssh-ed25519"), "{known}");
    let secret = || get("api/v1/namespaces/{namespace}/secrets", &namespace);
    assert_eq!(secret()["metadata"]["labels"]["argocd.argoproj.io/secret-type"], "repository");
    assert_eq!(secret()["data"]["url"], STANDARD.encode("ssh://git@git.example.com/fleet.git"));
    assert_eq!(secret()["data"]["sshPrivateKey"], STANDARD.encode("hunter2-first"));

    terraform.replace("main.tf", "hunter2-first", "hunter2-second");
    let plan = terraform.plan().expect_success();
    let rotated = "~ \"data.sshPrivateKey\" = \"(sensitive, revision 1)\" -> \"(sensitive, revision 2)\"";
    assert_shows(&plan.stdout, rotated);
    terraform.apply().expect_success();
    terraform.assert_nothing_to_do();
    assert_eq!(secret()["data"]["sshPrivateKey"], STANDARD.encode("hunter2-second"));
    let state = terraform.read("terraform.tfstate");
    for text in ["hunter2-first", "hunter2-second"] {
        for text in [text.to_owned(), STANDARD.encode(text).trim_end_matches('=').to_owned()] {
            assert!(!state.contains(&text) && !plan.stdout.contains(&text), "{text} is shown");
        }
    }
    terraform.destroy().expect_success();
    let left = cluster.get(&format!("/api/v1/namespaces/{namespace}/secrets/{namespace}"));
    assert_eq!(left, None, "the Secret goes with the agent");
}

#[test]
fn what_argo_cd_cannot_be_told_is_refused() {
    let (mirror, terraform) = (HelmRepository::start(), Workspace::new());
    let original = configuration(mirror.host(), shared().cluster(1), "argo");
    for (from, to, expected) in [
        ("known_hosts = ", "passphrase = var.key\n      known_hosts = ", "Argo CD reads no passphrase"),
        ("name = \"fleet\"", "interval = \"5m\"", "Argo CD has no option sync.interval"),
        (
            "private_key = var.key\n      known_hosts",
            "github_app {\n        installation_owner = \"shop\"\n      }\n      known_hosts",
            "Argo CD reads no installation_owner",
        ),
    ] {
        terraform.write("main.tf", &original.replace(from, to));
        let message = terraform.plan().expect_failure();
        assert!(message.contains(expected), "{message}");
    }
    let (before, rest) = original.split_once("    credentials {").expect("there are credentials");
    let (_, after) = rest.split_once("    }\n").expect("the block ends");
    terraform.write("main.tf", &format!("{before}    secret = \"mine\"\n{after}"));
    let message = terraform.plan().expect_failure();
    assert!(message.contains("names a Secret that Argo CD would not look for by its name"), "{message}");
}
