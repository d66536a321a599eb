//! What lets an agent into its repository and its images be pulled: Secrets with the keys that Flux itself writes and reads, in the
//! cluster and nowhere else.

use std::path::Path;
use std::process::{Command, Output};
use std::sync::atomic::{AtomicBool, Ordering};

use acceptance_tests::cluster::{Cluster, ControlPlane};
use acceptance_tests::flux::answer;
use acceptance_tests::flux_controllers::{Controllers, Fleet, control_plane, login};
use acceptance_tests::git_server::GitServer;
use acceptance_tests::repository::Repository;
use acceptance_tests::terraform::{Run, Workspace, shown_changes};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value, json};

use crate::agent_in_cluster::{Ground, ground};
use crate::git_ssh::Sshd;
use crate::reconciled_agent::{BY_GIT, configuration, mirror};
use crate::shop::assert_shows;

/// In the place of what is secret in the recorded answers of Flux, in the order of the steps. No other journey has them: the command
/// lines of all processes are searched for them.
const CANARIES: [&str; 4] = [
    "agent-walrus-sings-at-midnight",
    "agent-otter-counts-to-eleven",
    "agent-lynx-tells-nobody",
    "agent-heron-waits-by-the-weir",
];

/// Everything that was printed, kept or started, to be searched at the end.
#[derive(Default)]
struct Seen(Vec<(String, String)>);

impl Seen {
    fn text(&mut self, what: &str, text: String) {
        self.0.push((what.to_owned(), text));
    }

    /// Runs Terraform and keeps what it printed, and the command lines of all processes meanwhile.
    fn run(&mut self, terraform: &Workspace, arguments: &[&str]) -> Run {
        let done = AtomicBool::new(false);
        let (run, lines) = std::thread::scope(|scope| {
            let watch = scope.spawn(|| {
                let mut lines = String::new();
                while !done.load(Ordering::Relaxed) {
                    lines.push_str(&command_lines());
                    std::thread::sleep(std::time::Duration::from_millis(20));
                }
                lines
            });
            let run = terraform.run(arguments);
            done.store(true, Ordering::Relaxed);
            (run, watch.join().expect("watching does not panic"))
        });
        let step = arguments.join(" ");
        assert!(lines.contains("terraform-provider-strata"), "{step}: the provider was not seen");
        self.text(&format!("command lines of {step}"), lines);
        self.text(&format!("stdout of {step}"), run.stdout.clone());
        self.text(&format!("stderr of {step}"), run.stderr.clone());
        run
    }

    /// Checks that a secret is nowhere, in none of its forms.
    #[track_caller]
    fn assert_clean(&self, secrets: &[&str]) {
        for secret in secrets {
            let encoded = STANDARD.encode(secret);
            let forms = [secret.to_string(), encoded.trim_end_matches('=').to_owned()];
            for (what, text) in &self.0 {
                let holds = |line: &&str| forms.iter().any(|form| line.contains(form.as_str()));
                assert_eq!(text.lines().find(holds), None, "{what} holds {secret}");
            }
        }
    }
}

/// Returns the command lines of all processes but this one, whose arguments are the test's.
fn command_lines() -> String {
    let processes = std::fs::read_dir("/proc").expect("there are processes").flatten();
    let lines = processes.filter_map(|process| std::fs::read(process.path().join("cmdline")).ok());
    lines.map(|line| String::from_utf8_lossy(&line).replace('\0', " ") + "\n").collect()
}

fn quiet_control_plane() -> &'static Cluster {
    let control = ControlPlane::start(1, &["--controllers", "namespace-controller"]);
    Box::leak(Box::new(control)).cluster(0)
}

/// A `sync` block with credentials; `more` goes beside them.
fn sync(url: &str, more: &str, credentials: &str) -> String {
    format!(
        "sync {{\n    url  = \"{url}\"\n    path = \"clusters/one\"\n{more}    credentials {{\n{credentials}\n    }}\n  }}"
    )
}

/// Returns the data of the Secret, decoded.
fn data(ground: &Ground) -> Map<String, Value> {
    decoded(&secret(ground)["data"])
}

fn secret(ground: &Ground) -> Value {
    let path = format!("/api/v1/namespaces/{0}/secrets/{0}", ground.namespace);
    ground.cluster.get(&path).expect("the Secret is there")
}

fn decoded(data: &Value) -> Map<String, Value> {
    let text = |value: &Value| {
        let bytes = STANDARD.decode(value.as_str().unwrap_or_default()).expect("it is base64");
        Value::from(String::from_utf8(bytes).expect("it is text"))
    };
    data.as_object().into_iter().flatten().map(|(key, value)| (key.clone(), text(value))).collect()
}

/// Returns what Flux's own library writes into the Secret of a case, with another text for what is secret.
fn of_flux(case: &str, secret: &str) -> Map<String, Value> {
    let text = answer(&format!("secrets/{case}.yaml"));
    let object = strata::manifest::yaml::read(text.trim_start_matches("---\n")).expect("it is YAML");
    let plain = object["stringData"].as_object().cloned().unwrap_or_else(|| decoded(&object["data"]));
    let canary = |(key, value): (String, Value)| {
        let text = value.as_str().unwrap_or_default();
        let is_secret = ["password", "bearerToken", "githubAppPrivateKey"].contains(&key.as_str());
        (key, Value::from(if is_secret { secret } else { text }))
    };
    plain.into_iter().map(canary).collect()
}

#[test]
fn every_sort_of_credentials_is_the_secret_that_flux_makes_and_is_nowhere_else() {
    let mut ground = ground(
        quiet_control_plane(),
        "2.9.4",
        "SYNC\n  delivery {\n    cluster {\n      wait = false\n    }\n  }",
    );
    let ssh = Sshd::start();
    let (key, known_hosts) = (ssh.text("client"), ssh.known_hosts("host.pub"));
    ground.workspace.write("keys.tf", "variable \"secret\" {\n  type      = string\n  ephemeral = true\n}\nvariable \"key\" {\n  type      = string\n  ephemeral = true\n}\n");
    ground.workspace.set("TF_VAR_key", &key);
    ground.workspace.set("TF_LOG", "TRACE");
    ground.workspace.set("TF_LOG_PATH", "trace.log");
    let https = "https://git.example.com/fleet.git";
    let basic = "      username = \"git\"\n      password = var.secret";
    let authority = "      certificate_authority = <<-EOT\n        -----BEGIN CERTIFICATE-----\n        MIIB\n        -----END CERTIFICATE-----\n      EOT";
    let app = "      github_app {\n        app_id          = \"1\"\n        installation_id = \"2\"\n        private_key     = var.secret\n      }";
    let owner = "      github_app {\n        app_id             = \"1\"\n        installation_owner = \"org\"\n        base_url           = \"https://ghe.example.com/api/v3\"\n        private_key        = var.secret\n      }";
    let github = "    provider = \"github\"\n";
    let steps = [
        ("basic", "", basic.to_owned(), CANARIES[0]),
        // The same with another password: it is rotated in place.
        ("basic", "", basic.to_owned(), CANARIES[1]),
        ("authority", "", format!("{basic}\n{authority}"), CANARIES[1]),
        ("bearer", "", "      bearer_token = var.secret".to_owned(), CANARIES[2]),
        ("github-app", github, app.to_owned(), CANARIES[3]),
        ("github-app-owner", github, owner.to_owned(), CANARIES[3]),
    ];
    let (mut seen, mut written) = (Seen::default(), "SYNC".to_owned());
    let mut first = None;
    for (case, more, credentials, canary) in steps {
        let block = sync(https, more, &credentials);
        ground.workspace.replace("main.tf", &written, &block);
        written = block;
        ground.workspace.set("TF_VAR_secret", canary);
        let plan = seen.run(&ground.workspace, &["plan", "-no-color", "-out=plan.bin"]).expect_success();
        assert_shows(&shown_changes(&plan.stdout), "(sensitive, revision ");
        seen.text(&format!("the plan of {case}"), ground.workspace.plan_json().to_string());
        seen.run(&ground.workspace, &["apply", "-no-color", "-auto-approve"]).expect_success();
        seen.text(&format!("the state after {case}"), ground.workspace.read("terraform.tfstate"));
        ground.workspace.assert_nothing_to_do();
        assert_eq!(data(&ground), of_flux(case, canary), "{case}");
        let uid = secret(&ground)["metadata"]["uid"].clone();
        assert_eq!(first.get_or_insert_with(|| uid.clone()), &uid, "{case}: it is the same Secret");
    }

    // Over ssh, with a key and the server's: what is in the Secret lets git in.
    let bare = Repository::new();
    let block = sync(
        &ssh.url(bare.path()),
        "",
        &format!("      private_key = var.key\n      known_hosts = {known_hosts:?}"),
    );
    ground.workspace.replace("main.tf", &written, &block);
    seen.run(&ground.workspace, &["apply", "-no-color", "-auto-approve"]).expect_success();
    seen.text("the state after ssh", ground.workspace.read("terraform.tfstate"));
    ground.workspace.assert_nothing_to_do();
    let live = data(&ground);
    let keys: Vec<&str> = live.keys().map(String::as_str).collect();
    assert_eq!(keys, ["identity", "identity.pub", "known_hosts"]);
    assert_eq!(live["identity"], key.as_str());
    let public = ssh.text("client.pub");
    let public: Vec<&str> = public.split_whitespace().take(2).collect();
    assert_eq!(live["identity.pub"], format!("{}\n", public.join(" ")));
    let listed = over_ssh(&live, &ssh.url(bare.path()));
    assert!(
        listed.status.success() && String::from_utf8_lossy(&listed.stdout).contains("refs/heads/main"),
        "{listed:?}"
    );

    seen.text("the log", ground.workspace.read("trace.log"));
    seen.assert_clean(&CANARIES);
    let body: Vec<&str> = key.lines().filter(|line| !line.starts_with("-----")).collect();
    seen.assert_clean(&body);
}

/// Lists a repository with what a Secret holds, and nothing else.
fn over_ssh(secret: &Map<String, Value>, url: &str) -> Output {
    let folder = tempfile::tempdir().expect("a temporary folder can be made");
    let put = |key: &str| {
        use std::os::unix::fs::PermissionsExt;
        let path = folder.path().join(key);
        std::fs::write(&path, secret[key].as_str().expect("it is text")).expect("it can be written");
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).expect("it can be changed");
        path.display().to_string()
    };
    let command = format!(
        "ssh -F none -i {} -o IdentitiesOnly=yes -o StrictHostKeyChecking=yes -o UserKnownHostsFile={}",
        put("identity"),
        put("known_hosts")
    );
    Command::new("git").args(["ls-remote", url]).env("GIT_SSH_COMMAND", command).output().expect("git runs")
}

/// What a bearer shows to a server here is on the command line of git.
const BEARER: &str = "shown-to-the-server";

/// Lists a repository with a header.
fn over_https(folder: &Path, token: &str) -> Output {
    let parent = folder.parent().expect("it is in a folder");
    let server = GitServer::start_for_bearer(parent, BEARER);
    let name = folder.file_name().and_then(|name| name.to_str()).expect("it has a name");
    let header = format!("http.extraHeader=Authorization: Bearer {token}");
    let command = Command::new("git").args(["-c", &header, "ls-remote", &server.url(name)]).output();
    command.expect("git runs")
}

#[test]
fn a_bearer_token_that_is_known_only_after_apply_lets_in_and_another_does_not() {
    let ground = ground(
        quiet_control_plane(),
        "2.9.4",
        "SYNC\n  delivery {\n    cluster {\n      wait = false\n    }\n  }",
    );
    let late = format!("resource \"terraform_data\" \"token\" {{\n  input = {BEARER:?}\n}}\n");
    ground.workspace.write("late.tf", &late);
    let bearer = "      bearer_token = terraform_data.token.output";
    let block = sync("https://git.example.com/fleet.git", "", bearer);
    ground.workspace.replace("main.tf", "SYNC", &block);
    let plan = ground.workspace.plan().expect_success();
    let name = &ground.namespace;
    assert_shows(&plan.stdout, &format!("+ \"v1/Secret/{name}/{name}\" = (known after apply)"));
    assert_shows(&plan.stdout, &format!("+ \"apps/v1/Deployment/{name}/source-controller\" = jsonencode("));
    ground.workspace.apply().expect_success();
    ground.workspace.assert_nothing_to_do();
    let token = data(&ground)["bearerToken"].as_str().expect("it is text").to_owned();
    assert!(over_https(ground.repository.path(), &token).status.success());
    assert!(!over_https(ground.repository.path(), "another").status.success());
}

const PULLED: &str = "image_pull_secret = \"regcred\"\n  registry_credentials {\n    username = \"robot\"\n    password = \"first-of-all\"\n  }";

/// Looks in the cluster for a Secret of the agent.
fn found(cluster: &Cluster, name: &str) -> Option<Value> {
    cluster.get(&format!("/api/v1/namespaces/flux-system/secrets/{name}"))
}

#[test]
fn the_secrets_beside_a_git_delivery_are_looked_after() {
    let control = control_plane(1);
    let cluster = control.cluster(0);
    let (mirror, _controllers) = (mirror(), Controllers::start(cluster));
    let fleet = Fleet::without_sync(cluster, "flux-system".to_owned());
    let terraform = Workspace::new();
    let settings = format!("{PULLED}\n  {BY_GIT}");
    terraform.write("main.tf", &configuration(cluster, &fleet, &mirror, &settings));
    let plan = terraform.plan().expect_success();
    assert_shows(&plan.stdout, "+ \"data.password\" = \"(sensitive, revision 1)\"");
    assert_shows(&plan.stdout, "+ \"data[.dockerconfigjson]\" = \"(sensitive, revision 1)\"");
    terraform.apply().expect_success();
    fleet.reconciled("flux-system");
    terraform.assert_nothing_to_do();
    let pulled = found(cluster, "regcred").expect("it is applied");
    assert_eq!(pulled["type"], "kubernetes.io/dockerconfigjson");
    let config = |secret: &Value| -> Value {
        let text = decoded(&secret["data"])[".dockerconfigjson"].as_str().expect("it is text").to_owned();
        serde_json::from_str(&text).expect("it is JSON")
    };
    let auth = |password: &str| {
        let auth = STANDARD.encode(format!("robot:{password}"));
        json!({"auths": {"ghcr.io/fluxcd": {"username": "robot", "password": password, "auth": auth}}})
    };
    assert_eq!(config(&pulled), auth("first-of-all"));
    for file in fleet.repository.files() {
        let text = fleet.repository.read(&file).unwrap_or_default();
        assert!(
            !text.contains("first-of-all")
                && !text.contains(
                    "regcred
  namespace"
                ),
            "{file}"
        );
    }
    let state = terraform.read("terraform.tfstate");
    assert!(!state.contains("first-of-all") && !state.contains(&STANDARD.encode("robot:first-of-all")));

    // One is gone, and the other is not what it was: both show, and both are healed.
    cluster.delete("/api/v1/namespaces/flux-system/secrets/flux-system");
    let other = json!({"data": {".dockerconfigjson": STANDARD.encode("{\"auths\":{}}")}});
    cluster.patch("/api/v1/namespaces/flux-system/secrets/regcred", &other);
    let plan = terraform.plan().expect_success();
    let shown = shown_changes(&plan.stdout);
    assert_shows(&shown, "+ \"v1/Secret/flux-system/flux-system\" = jsonencode(");
    assert_shows(&shown, "~ \"v1/Secret/flux-system/regcred\" = jsonencode(");
    assert!(!shown.contains("apps/v1/Deployment"), "{shown}");
    let commits = fleet.repository.commits();
    terraform.apply().expect_success();
    assert_eq!(fleet.repository.commits(), commits, "nothing of it is git's affair");
    assert!(found(cluster, "flux-system").is_some());
    let healed = found(cluster, "regcred").expect("it is there");
    assert_eq!(config(&healed), auth("first-of-all"));
    terraform.assert_nothing_to_do();

    // Another password is the same Secret.
    terraform.replace("main.tf", "first-of-all", "second-to-none");
    let plan = terraform.plan().expect_success();
    assert!(!plan.stdout.contains("second-to-none"), "{}", plan.stdout);
    terraform.apply().expect_success();
    terraform.assert_nothing_to_do();
    let rotated = found(cluster, "regcred").expect("it is there");
    assert_eq!(config(&rotated), auth("second-to-none"));
    assert_eq!(rotated["metadata"]["uid"], healed["metadata"]["uid"]);

    // What nothing asks for any more goes: first the one, then the other, for which the user has one of their own.
    terraform.replace("main.tf", &PULLED.replace("first-of-all", "second-to-none"), "");
    terraform.apply().expect_success();
    assert!(found(cluster, "regcred").is_none() && found(cluster, "flux-system").is_some());
    terraform.assert_nothing_to_do();
    let (user, password) = acceptance_tests::flux_controllers::LOGIN;
    let own = login("mine", (user, password));
    cluster.create("/api/v1/namespaces/flux-system/secrets", &own);
    let credentials =
        format!("credentials {{\n      username = \"{user}\"\n      password = \"{password}\"\n    }}");
    terraform.replace("main.tf", &credentials, "secret = \"mine\"");
    terraform.apply().expect_success();
    assert!(found(cluster, "flux-system").is_none() && found(cluster, "mine").is_some());
    terraform.assert_nothing_to_do();
    fleet.reconciled("flux-system");
}

#[test]
fn credentials_without_a_way_to_the_cluster_are_refused_with_what_to_do() {
    let ground =
        ground(acceptance_tests::cluster::shared().cluster(0), "2.9.4", &format!("{PULLED}\n  {BY_GIT}"));
    let connection = crate::site::connection(ground.cluster);
    ground.workspace.replace("main.tf", &connection, "");
    let message = ground.workspace.plan().expect_failure();
    let words = message.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(words.contains("has registry_credentials and no way to its cluster"), "{message}");
    assert!(words.contains("provider's cluster block \"one\""), "{message}");
    ground.workspace.replace("main.tf", "image_pull_secret = \"regcred\"", "");
    let message = ground.workspace.plan().expect_failure();
    assert!(message.contains("registry_credentials need an image_pull_secret"), "{message}");
    assert!(!message.contains("first-of-all"), "{message}");
}
