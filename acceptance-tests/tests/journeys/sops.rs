//! Layers that the real SOPS encrypted: decrypted for the render, seen nowhere, refused when somebody changed them.

use acceptance_tests::sops;
use acceptance_tests::terraform::{Workspace, shown_changes};

use crate::shop::{DELIVERY, Shop, assert_shows, single};

const CANARY: &str = "correct-horse-battery-staple";

/// A map of settings in which a secret ends up in plain sight, one in which it does not, and a Secret.
const TEMPLATE: &str = "\
apiVersion: v1
kind: ConfigMap
metadata:
  name: {{ .Release.Name }}
data:
  url: db://{{ .Values.user }}:{{ .Values.database.password }}@db
  user: {{ .Values.user }}
---
apiVersion: v1
kind: Secret
metadata:
  name: {{ .Release.Name }}
stringData:
  password: {{ .Values.database.password }}
";

/// A release with a layer that is encrypted for the first key; `user` is left plain in it.
fn encrypted() -> Shop {
    let shop = single(&DELIVERY.replace("path       =", "plain_secrets = true\n      path       ="));
    let workspace = &shop.workspace;
    workspace.write("chart/templates/settings.yaml", TEMPLATE);
    workspace.write("secrets.yaml", &format!("user: joe\ndatabase:\n    password: {CANARY}\n"));
    let (_, recipient) = &sops::keys()[0];
    let arguments =
        ["encrypt", "--in-place", "--age", recipient, "--encrypted-regex", "^database$", "secrets.yaml"];
    sops::run(workspace.path(), &[], &arguments);
    assert!(!workspace.read("secrets.yaml").contains(CANARY));
    let layer = "layer {\n    name = \"secrets\"\n    file = \"secrets.yaml\"\n  }\n  delivery {";
    workspace.replace("main.tf", "delivery {", layer);
    workspace.replace("main.tf", "cluster {", "sops {\n    age_key = var.age_key\n  }\n  cluster {");
    workspace.write("variables.tf", "variable \"age_key\" {\n  type      = string\n  sensitive = true\n}\n");
    shop
}

/// Checks that nothing that Terraform says or keeps holds the canary, its base64 or its digest.
#[track_caller]
fn assert_silent(texts: &[&str]) {
    const FORMS: [&str; 3] = [
        CANARY,
        "Y29ycmVjdC1ob3JzZS1iYXR0ZXJ5LXN0YXBsZQ",
        "87cbebfeebc05f7c54ac9336c4b4bbec831227a641951a4bde7edd56020f8590",
    ];
    for (index, text) in texts.iter().enumerate() {
        for form in FORMS {
            assert!(!text.contains(form), "text {index} holds {form}:\n{text}");
        }
        assert!(sops::keys().iter().all(|(key, _)| !text.contains(key)), "text {index} holds a key");
    }
}

#[track_caller]
fn assert_refused(workspace: &Workspace, expected: &[&str]) {
    let message = workspace.plan().expect_failure();
    let words = message.split_whitespace().collect::<Vec<_>>().join(" ");
    for part in expected {
        assert!(words.contains(part), "{part:?} is not in\n{message}");
    }
    assert_silent(&[&message]);
}

#[test]
fn what_is_encrypted_shows_as_a_revision_and_what_is_plain_as_it_is() {
    let mut shop = encrypted();
    let (key, _) = sops::keys()[0].clone();
    shop.workspace.set("TF_VAR_age_key", &key);
    shop.workspace.set("TF_LOG", "TRACE");
    let terraform = &shop.workspace;
    let plan = terraform.plan().expect_success();
    assert_shows(&plan.stdout, "\"data.url\" = \"(sensitive, revision 1)\"");
    assert_shows(&plan.stdout, "\"data.user\" = \"joe\"");
    assert_shows(&plan.stdout, "\"database.password\" = \"(sensitive, revision 1) (secrets)\"");
    assert_shows(&plan.stdout, "\"user\" = \"joe (secrets)\"");
    let apply = terraform.apply().expect_success();
    terraform.assert_nothing_to_do();
    let state = terraform.read("terraform.tfstate");
    let mut plan_json = terraform.plan_json();
    // Terraform itself writes down what variables hold.
    plan_json["variables"].take();
    let plan_json = plan_json.to_string();
    assert_silent(&[&plan.stdout, &plan.stderr, &apply.stdout, &apply.stderr, &state, &plan_json]);
    let delivered = shop.repository.read("clusters/one/small/configmap-small.yaml").expect("it is delivered");
    assert!(delivered.contains(&format!("db://joe:{CANARY}@db")), "{delivered}");

    let other = "[\"database\"][\"password\"] \"another\"".split_once(' ').expect("it has two parts");
    sops::run(terraform.path(), &[("SOPS_AGE_KEY", &key)], &["set", "secrets.yaml", other.0, other.1]);
    let shown = shown_changes(&terraform.plan().expect_success().stdout);
    assert_shows(&shown, "\"data.url\" = \"(sensitive, revision 1)\" -> \"(sensitive, revision 2)\"");
    assert!(!shown.contains("another"), "{shown}");
    terraform.apply().expect_success();
    terraform.assert_nothing_to_do();
}

#[test]
fn a_file_that_cannot_be_opened_or_was_changed_is_not_used() {
    let mut shop = encrypted();
    let keys = sops::keys();
    let home = shop.workspace.path().join("home").display().to_string();
    shop.workspace.set("HOME", &home);
    shop.workspace.set("XDG_CONFIG_HOME", &home);
    shop.workspace.replace("main.tf", "age_key = var.age_key", "");
    shop.workspace.remove("variables.tf");
    assert_refused(
        &shop.workspace,
        &[
            "layer \"secrets\" cannot be decrypted",
            "secrets.yaml is encrypted for",
            &keys[0].1,
            "there is no age key",
            "SOPS_AGE_KEY_FILE",
            "main.tf line",
        ],
    );
    shop.workspace.write("home/sops/age/keys.txt", &format!("# a stranger\n{}\n", keys[1].0));
    assert_refused(&shop.workspace, &[&keys[0].1, "the keys at hand are those of", &keys[1].1]);
    shop.workspace.write("home/sops/age/keys.txt", &format!("{}\n{}\n", keys[1].0, keys[0].0));
    shop.workspace.plan().expect_success();

    let good = shop.workspace.read("secrets.yaml");
    shop.workspace.write("secrets.yaml", &good.replace("user: joe", "user: eve"));
    assert_refused(&shop.workspace, &["message authentication code does not match", "sops edit"]);
    shop.workspace.write("secrets.yaml", &good.replace("    password:", "    pasword:"));
    assert_refused(&shop.workspace, &["secrets.yaml:3:5: `database.pasword` cannot be decrypted"]);
    shop.workspace.write("secrets.yaml", &good);
    shop.workspace.set("SOPS_AGE_KEY", "AGE-SECRET-KEY-1BROKEN");
    assert_refused(&shop.workspace, &["SOPS_AGE_KEY holds no age key"]);
}

#[test]
fn a_file_for_a_pgp_key_goes_through_the_command() {
    let mut shop = encrypted();
    let folder = shop.workspace.path().to_owned();
    // The path of the agent's socket is short enough in a folder of its own only.
    let gnupg = tempfile::Builder::new().prefix("gpg").tempdir().expect("a temporary folder can be made");
    let home = gnupg.path().display().to_string();
    let gpg = |arguments: &[&str]| {
        let output = std::process::Command::new("gpg")
            .args(["--batch", "--quiet"])
            .args(arguments)
            .env("GNUPGHOME", &home)
            .output();
        let output = output.expect("gpg is installed; .ci/packages does it");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8_lossy(&output.stdout).into_owned()
    };
    gpg(&[
        "--passphrase",
        "",
        "--quick-generate-key",
        "Test <test@example.com>",
        "default",
        "default",
        "never",
    ]);
    let listing = gpg(&["--list-keys", "--with-colons"]);
    let fingerprint =
        listing.lines().find_map(|line| line.strip_prefix("fpr:::::::::")).expect("there is a key");
    let fingerprint = fingerprint.trim_end_matches(':');
    shop.workspace.write("secrets.yaml", &format!("user: joe\ndatabase:\n    password: {CANARY}\n"));
    sops::run(
        &folder,
        &[("GNUPGHOME", &home)],
        &["encrypt", "--in-place", "--pgp", fingerprint, "secrets.yaml"],
    );
    shop.workspace.set("TF_VAR_age_key", &sops::keys()[0].0);

    let path = std::env::var("PATH").unwrap_or_default();
    let without = std::env::split_paths(&path).filter(|folder| !folder.join("sops").exists());
    let without = std::env::join_paths(without).expect("it was a path before").to_string_lossy().into_owned();
    shop.workspace.set("PATH", &without);
    assert_refused(
        &shop.workspace,
        &["encrypted for pgp, which takes the `sops` command", "not on PATH", "install sops"],
    );
    let program = sops::program();
    let tools = std::path::Path::new(&program).parent().expect("it has a folder").display().to_string();
    shop.workspace.set("PATH", &format!("{tools}:{without}"));
    assert_refused(&shop.workspace, &["`sops` does not decrypt it"]);
    shop.workspace.set("GNUPGHOME", &home);
    let plan = shop.workspace.plan().expect_success();
    assert_shows(&plan.stdout, "\"database.password\" = \"(sensitive, revision 1) (secrets)\"");
    shop.workspace.apply().expect_success();
    shop.workspace.assert_nothing_to_do();
    assert_silent(&[&plan.stdout, &shop.workspace.read("terraform.tfstate")]);
}
