//! Charts that must prove who published them: provenance files of the real Helm and GnuPG, signatures in cosign's form.

use std::process::{Command, Stdio};

use acceptance_tests::charts::{HelmRepository, OciRegistry, PASSWORD, digest};
use acceptance_tests::terraform::{Workspace, project_folder};

use crate::shop::{Shop, assert_shows, single};

/// Reads a file that `record.sh` beside the unit tests recorded with the real tools.
fn recorded(name: &str) -> Vec<u8> {
    let file = project_folder().join("src/source/charts/verify/fixtures").join(name);
    std::fs::read(file).expect("it is recorded")
}

/// A release of the recorded chart from a place, with what must prove it.
fn verified(place: &str, host: &str, verify: &str) -> Shop {
    let shop = single("");
    let workspace = &shop.workspace;
    workspace.replace(
        "main.tf",
        "path = \"chart\"",
        &format!("{place}\n    verify {{\n      {verify}\n    }}"),
    );
    let registry = format!(
        "registry {{\n    host     = \"{host}\"\n    username = \"shop\"\n    password = \"{PASSWORD}\"\n  }}\n  cluster {{"
    );
    workspace.replace("main.tf", "cluster {", &registry);
    for key in ["publisher.asc", "stranger.asc"] {
        workspace.write(key, &String::from_utf8(recorded(key)).expect("keys are text"));
    }
    shop
}

#[track_caller]
fn assert_refused(workspace: &Workspace, expected: &[&str]) {
    let message = workspace.plan().expect_failure();
    let words = message.split_whitespace().collect::<Vec<_>>().join(" ");
    for part in expected {
        assert!(words.contains(part), "{part:?} is not in\n{message}");
    }
}

const KEYRING: &str = "keyring = file(\"publisher.asc\")";

#[test]
fn a_chart_of_a_helm_repository_is_used_only_with_its_publishers_provenance_file() {
    let (archive, provenance) = (recorded("signed-1.2.3.tgz"), recorded("signed-1.2.3.tgz.prov"));
    let repository = HelmRepository::start();
    let place = |version: &str| {
        format!("repository = \"{}\"\n    name = \"signed\"\n    version = \"{version}\"", repository.url())
    };
    let publish = |archive: &[u8]| repository.publish("signed", &[("1.2.3", archive.to_vec())], digest);

    publish(&archive);
    assert_refused(
        &verified(&place("1.2.3"), repository.host(), KEYRING).workspace,
        &["`signed` of", "is not used: it is not signed", "(.prov)", "main.tf line"],
    );
    repository.put("/charts/signed-1.2.3.tgz.prov", &provenance);
    let shop = verified(&place("^1"), repository.host(), KEYRING);
    let plan = shop.workspace.plan().expect_success();
    assert_shows(&plan.stdout, "\"data.color\" = \"green\"");
    shop.workspace.apply().expect_success();
    shop.workspace.assert_nothing_to_do();
    shop.workspace.replace("main.tf", "root = path.root", "root = path.root\n  offline = true");
    shop.workspace.assert_nothing_to_do();
    shop.workspace.replace("main.tf", "publisher.asc", "stranger.asc");
    assert_refused(&shop.workspace, &["no valid signature by a key of the keyring", "the keyring holds"]);
    shop.workspace.replace("main.tf", "keyring = file(\"stranger.asc\")", "keyring_file = \"publisher.asc\"");
    shop.workspace.plan().expect_success();

    let mut changed = archive.clone();
    changed.push(0);
    publish(&changed);
    repository.put("/charts/signed-1.2.3.tgz.prov", &provenance);
    assert_refused(
        &verified(&place("1.2.3"), repository.host(), KEYRING).workspace,
        &["it was changed after it was signed", &digest(&archive).replace("sha256:", "")[..20]],
    );
}

/// Signs a manifest's digest in cosign's form, with a key in a folder.
fn sign(workspace: &Workspace, manifest: &str) -> (String, String) {
    let payload = format!(
        r#"{{"critical":{{"identity":{{"docker-reference":"x"}},"image":{{"docker-manifest-digest":"{manifest}"}},"type":"cosign container image signature"}},"optional":null}}"#
    );
    workspace.write("payload.json", &payload);
    let signature = openssl(workspace, "openssl dgst -sha256 -sign cosign.key payload.json | base64 -w0");
    (payload, signature)
}

fn openssl(workspace: &Workspace, script: &str) -> String {
    let mut command = Command::new("sh");
    command.args(["-ec", script]).current_dir(workspace.path()).stdin(Stdio::null());
    let output = command.output().expect("openssl is installed; .ci/packages does it");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).into_owned()
}

const MAKE_KEY: &str = "openssl ecparam -name prime256v1 -genkey -noout -out cosign.key && openssl ec -in cosign.key -pubout -out cosign.pub";

#[test]
fn a_chart_of_a_registry_is_used_only_with_its_signature() {
    let (archive, provenance) = (recorded("signed-1.2.3.tgz"), recorded("signed-1.2.3.tgz.prov"));
    let registry = OciRegistry::start();
    let place = |path: &str| {
        format!(
            "repository = \"oci://{}/{path}\"\n    name = \"signed\"\n    version = \"1.2.3\"",
            registry.host()
        )
    };
    let key = "cosign_key = file(\"cosign.pub\")";
    let shop = verified(&place("team"), registry.host(), key);
    openssl(&shop.workspace, MAKE_KEY);
    let manifest = registry.push_signed("team/signed", "1.2.3", &archive, Some(&provenance));
    assert_refused(&shop.workspace, &["it is not signed", "no cosign signature", "main.tf line"]);

    let (payload, signature) = sign(&shop.workspace, &digest(b"another manifest"));
    registry.push_signature("team/signed", &manifest, payload.as_bytes(), &signature);
    assert_refused(&shop.workspace, &["its signature is of another manifest", &digest(b"another manifest")]);

    let (payload, signature) = sign(&shop.workspace, &manifest);
    registry.push_signature("team/signed", &manifest, payload.as_bytes(), &signature);
    shop.workspace.apply().expect_success();
    shop.workspace.assert_nothing_to_do();
    shop.workspace.replace("main.tf", key, &format!("{key}\n      {KEYRING}"));
    shop.workspace.plan().expect_success();
    openssl(&shop.workspace, MAKE_KEY);
    assert_refused(&shop.workspace, &["by another key than `cosign_key`"]);

    // Another chart under the same name: signed in one place only.
    registry.push("other/signed", "1.2.3", &archive);
    let shop = verified(&place("other"), registry.host(), KEYRING);
    assert_refused(&shop.workspace, &["there is no provenance file"]);
}
