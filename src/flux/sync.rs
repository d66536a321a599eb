//! What points Flux at its repository: a GitRepository, a Kustomization that applies a folder of it, and the Secret that
//! lets Flux in. Written as `pkg/manifestgen/sync` and `pkg/manifestgen/sourcesecret` of fluxcd/flux2 write them.

use std::collections::BTreeMap;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

/// How often Flux applies its folder again.
const APPLY_EVERY: Duration = Duration::from_secs(600);

/// Where Flux finds what it applies.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sync {
    /// Name of both objects.
    pub name: String,
    /// Their namespace.
    pub namespace: String,
    /// Address of the repository.
    pub url: String,
    /// What is read of it.
    pub reference: Reference,
    /// Folder in the repository.
    pub path: String,
    /// How often Flux looks for changes.
    pub interval: Duration,
    /// Name of the Secret that lets Flux in; none for a repository that anybody may read.
    pub secret: Option<String>,
    /// Whether submodules are read too.
    pub recurse_submodules: bool,
    /// Who lets Flux in: `generic`, `github`, `azure`; as the object's default where empty.
    pub provider: String,
    /// The folders that are read; all of them where empty.
    pub sparse_checkout: Vec<String>,
}

/// What of a repository is read; Flux prefers the commit, then the range, then the tag, then the branch.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reference {
    /// A branch.
    pub branch: Option<String>,
    /// A tag.
    pub tag: Option<String>,
    /// A range of versions.
    pub semver: Option<String>,
    /// A commit.
    pub commit: Option<String>,
}

/// Makes the GitRepository and the Kustomization.
pub fn objects(sync: &Sync) -> Vec<Value> {
    let metadata = json!({"name": sync.name, "namespace": sync.namespace});
    let path = sync.path.strip_prefix("./").unwrap_or(&sync.path);
    let kustomization = json!({
        "apiVersion": "kustomize.toolkit.fluxcd.io/v1",
        "kind": "Kustomization",
        "metadata": metadata,
        "spec": {
            "interval": go_duration(APPLY_EVERY),
            "path": format!("./{path}"),
            "prune": true,
            "sourceRef": {"kind": "GitRepository", "name": sync.name},
        },
    });
    let repository = json!({
        "apiVersion": "source.toolkit.fluxcd.io/v1",
        "kind": "GitRepository",
        "metadata": metadata,
        "spec": repository_spec(sync),
    });
    vec![repository, kustomization]
}

fn repository_spec(sync: &Sync) -> Value {
    let reference = &sync.reference;
    let parts = [
        ("branch", &reference.branch),
        ("tag", &reference.tag),
        ("semver", &reference.semver),
        ("commit", &reference.commit),
    ];
    let parts: BTreeMap<&str, &String> =
        parts.into_iter().filter_map(|(name, part)| Some((name, part.as_ref()?))).collect();
    let mut spec = json!({"url": sync.url, "interval": go_duration(sync.interval), "ref": parts});
    if let Some(secret) = &sync.secret {
        spec["secretRef"] = json!({"name": secret});
    }
    if sync.recurse_submodules {
        spec["recurseSubmodules"] = Value::Bool(true);
    }
    if !sync.provider.is_empty() {
        spec["provider"] = Value::from(sync.provider.as_str());
    }
    if !sync.sparse_checkout.is_empty() {
        spec["sparseCheckout"] = sync.sparse_checkout.iter().map(String::as_str).collect();
    }
    spec
}

/// Makes a Secret that lets Flux in; `data` is a map of Flux's own keys, such as `username`.
pub fn secret(name: &str, namespace: &str, data: &BTreeMap<&'static str, String>) -> Value {
    let encoded: BTreeMap<&str, String> =
        data.iter().map(|(key, value)| (*key, STANDARD.encode(value))).collect();
    json!({
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": name, "namespace": namespace},
        "type": "Opaque",
        "data": encoded,
    })
}

/// Writes the Docker configuration with which images of a registry are pulled, as `flux bootstrap --registry-creds` does.
pub fn registry_config(server: &str, username: &str, password: &str) -> String {
    let auth = STANDARD.encode(format!("{username}:{password}"));
    let entry = json!({"username": username, "password": password, "auth": auth});
    json!({"auths": {server: entry}}).to_string()
}

/// Writes whole seconds as Go writes a duration: `1h30m0s`, `10m0s`, `30s`.
pub fn go_duration(duration: Duration) -> String {
    let seconds = duration.as_secs();
    let (hours, minutes, rest) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    match (hours, minutes) {
        (0, 0) => format!("{rest}s"),
        (0, minutes) => format!("{minutes}m{rest}s"),
        (hours, minutes) => format!("{hours}h{minutes}m{rest}s"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_written_as_go_writes_them() {
        let check = |seconds: u64, expected: &str| {
            assert_eq!(go_duration(Duration::from_secs(seconds)), expected);
        };
        check(0, "0s");
        check(30, "30s");
        check(60, "1m0s");
        check(3661, "1h1m1s");
        check(5400, "1h30m0s");
        check(86400, "24h0m0s");
    }

    #[test]
    fn a_repository_that_anybody_may_read_has_no_secret() {
        let sync = Sync { name: "a".into(), namespace: "b".into(), path: "./c".into(), ..Sync::default() };
        let objects = objects(&sync);
        assert_eq!(objects[0].pointer("/spec/secretRef"), None);
        assert_eq!(objects[1].pointer("/spec/path"), Some(&json!("./c")));
    }
}
