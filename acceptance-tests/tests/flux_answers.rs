//! The generator of `strata_agent` against Flux's own, for every version that is recorded and every option: the same bytes.

use std::collections::BTreeMap;
use std::time::Duration;

use acceptance_tests::flux::{answer, cases, components, versions};
use serde_json::Value;
use strata::flux::manifests::Manifests;
use strata::flux::options::Options;
use strata::flux::sync::{Reference, Sync};
use strata::flux::{gotk, install, sync};

fn text(case: &Value, name: &str) -> Option<String> {
    case[name].as_str().map(str::to_owned)
}

fn texts(case: &Value, name: &str) -> Option<Vec<String>> {
    let list = case[name].as_array()?;
    Some(list.iter().filter_map(Value::as_str).map(str::to_owned).collect())
}

fn options(case: &Value, version: &str, manifests: &Manifests) -> Options {
    let default = Options::default();
    let mut chosen = texts(case, "components").unwrap_or(default.components);
    let extra = texts(case, "components_extra").unwrap_or_default();
    chosen.extend(extra.into_iter().filter(|name| manifests.available().contains(&name.as_str())));
    Options {
        version: version.to_owned(),
        namespace: text(case, "namespace").unwrap_or(default.namespace),
        components: chosen,
        registry: text(case, "registry").unwrap_or(default.registry),
        image_pull_secret: text(case, "image_pull_secret"),
        watch_all_namespaces: case["watch_all_namespaces"].as_bool().unwrap_or(true),
        network_policy: case["network_policy"].as_bool().unwrap_or(true),
        log_level: text(case, "log_level").unwrap_or(default.log_level),
        cluster_domain: text(case, "cluster_domain").unwrap_or(default.cluster_domain),
        toleration_keys: texts(case, "toleration_keys").unwrap_or_default(),
        events_address: String::new(),
    }
}

fn list<'a>(cases: &'a Value, name: &str) -> impl Iterator<Item = &'a Value> {
    cases[name].as_array().into_iter().flatten()
}

#[track_caller]
fn assert_same(found: &str, expected: &str, of: &str) {
    if found == expected {
        return;
    }
    let differing =
        found.lines().zip(expected.lines()).enumerate().find(|(_, (found, expected))| found != expected);
    panic!(
        "{of}: {} and {} lines; first difference {differing:#?}",
        found.lines().count(),
        expected.lines().count()
    );
}

fn check_install(manifests: &Manifests, version: &str, case: &Value) {
    let name = case["name"].as_str().expect("a case has a name");
    let options = options(case, version, manifests);
    let objects = install::objects(manifests, &options)
        .unwrap_or_else(|error| panic!("{name} of {version}: {error:?}"));
    let expected = answer(&format!("install/{version}/{name}.yaml"));
    assert_same(&gotk::components(&objects, &options), &expected, &format!("{name} of {version}"));
}

#[test]
fn every_recorded_version_is_installed_as_flux_would() {
    let (cases, versions) = (cases(), versions());
    assert!(versions.len() >= 30, "{versions:?}");
    for version in &versions {
        let manifests = Manifests::read(&components(version)).expect("it is a release");
        list(&cases, "every_version").for_each(|case| check_install(&manifests, version, case));
    }
}

#[test]
fn every_option_gives_what_flux_would() {
    let cases = cases();
    for version in list(&cases, "versions").filter_map(Value::as_str) {
        let manifests = Manifests::read(&components(version)).expect("it is a release");
        list(&cases, "some_versions").for_each(|case| check_install(&manifests, version, case));
    }
}

/// The artifact `flux-manifests` holds an installation of everything with default options: all that any other options need.
#[test]
fn an_installation_of_everything_serves_as_a_release() {
    let cases = cases();
    for version in list(&cases, "versions").filter_map(Value::as_str) {
        let everything = answer(&format!("install/{version}/all.yaml")).into_bytes();
        let manifests =
            Manifests::read(&[("gotk-components.yaml".to_owned(), everything)]).expect("it is a release");
        let of_files = Manifests::read(&components(version)).expect("it is a release");
        assert_eq!(manifests.available(), of_files.available());
        list(&cases, "every_version")
            .chain(list(&cases, "some_versions"))
            .for_each(|case| check_install(&manifests, version, case));
        let other = Options { version: "2.0.0".to_owned(), ..Options::default() };
        let error = install::objects(&manifests, &other).expect_err("it is another version");
        assert!(error[0].to_string().contains("not of 2.0.0"), "{error:?}");
    }
}

#[test]
fn every_sync_is_written_as_flux_would() {
    for case in list(&cases(), "sync") {
        let name = case["name"].as_str().expect("a case has a name");
        let namespace = text(case, "namespace").unwrap_or_else(|| "flux-system".to_owned());
        let objects = sync::objects(&Sync {
            name: namespace.clone(),
            secret: Some(namespace.clone()),
            namespace,
            url: text(case, "url").unwrap_or_default(),
            reference: Reference {
                branch: text(case, "branch"),
                tag: text(case, "tag"),
                semver: text(case, "semver"),
                commit: text(case, "commit"),
            },
            path: text(case, "path").unwrap_or_default(),
            interval: Duration::from_secs(case["interval_seconds"].as_u64().unwrap_or(60)),
            recurse_submodules: case["recurse_submodules"].as_bool().unwrap_or(false),
            provider: text(case, "provider").unwrap_or_default(),
            sparse_checkout: texts(case, "sparse_checkout").unwrap_or_default(),
        });
        assert_same(&gotk::sync(&objects), &answer(&format!("sync/{name}.yaml")), name);
    }
}

#[test]
fn every_secret_has_the_keys_that_flux_reads() {
    const KEYS: [(&str, &str); 9] = [
        ("username", "username"),
        ("password", "password"),
        ("bearer_token", "bearerToken"),
        ("certificate_authority", "ca.crt"),
        ("github_app_id", "githubAppID"),
        ("github_app_installation_id", "githubAppInstallationID"),
        ("github_app_installation_owner", "githubAppInstallationOwner"),
        ("github_app_private_key", "githubAppPrivateKey"),
        ("github_app_base_url", "githubAppBaseURL"),
    ];
    for case in list(&cases(), "secrets") {
        let name = case["name"].as_str().expect("a case has a name");
        let data: BTreeMap<&'static str, String> =
            KEYS.iter().filter_map(|(of, key)| Some((*key, text(case, of)?))).collect();
        let secret = sync::secret("flux-system", "flux-system", &data);
        let expected =
            strata::manifest::yaml::read(answer(&format!("secrets/{name}.yaml")).trim_start_matches("---\n"));
        let expected = expected.expect("it is YAML");
        for (key, value) in expected["stringData"].as_object().expect("it has data") {
            use base64::Engine as _;
            let encoded =
                base64::engine::general_purpose::STANDARD.encode(value.as_str().unwrap_or_default());
            assert_eq!(secret["data"][key], encoded.as_str(), "{name}: {key}");
        }
        assert_eq!(
            secret["data"].as_object().map(serde_json::Map::len),
            expected["stringData"].as_object().map(serde_json::Map::len),
            "{name}"
        );
    }
}
