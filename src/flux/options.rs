//! The options of `flux install`, with its defaults and what it cannot work with.

use super::FluxError;

/// The components that Flux installs unless told otherwise, in its order.
pub const COMPONENTS: [&str; 4] =
    ["source-controller", "kustomize-controller", "helm-controller", "notification-controller"];

/// What an installation shall be like.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Options {
    /// Version of Flux, with or without its `v`.
    pub version: String,
    /// Namespace; also the suffix of cluster-wide names.
    pub namespace: String,
    /// Components, in the order of their objects.
    pub components: Vec<String>,
    /// Registry and path that images are pulled from; as the release says where empty.
    pub registry: String,
    /// Secret that images are pulled with.
    pub image_pull_secret: Option<String>,
    /// Whether all namespaces are watched, or only Flux's own.
    pub watch_all_namespaces: bool,
    /// Whether traffic into the namespace is restricted.
    pub network_policy: bool,
    /// `debug`, `info` or `error`.
    pub log_level: String,
    /// Domain of the cluster's services.
    pub cluster_domain: String,
    /// Keys of taints that the controllers tolerate.
    pub toleration_keys: Vec<String>,
    /// Where events go if the notification controller is not installed.
    pub events_address: String,
}

impl Default for Options {
    fn default() -> Self {
        Options {
            version: String::new(),
            namespace: "flux-system".to_owned(),
            components: COMPONENTS.map(str::to_owned).to_vec(),
            registry: "ghcr.io/fluxcd".to_owned(),
            image_pull_secret: None,
            watch_all_namespaces: true,
            network_policy: true,
            log_level: "info".to_owned(),
            cluster_domain: "cluster.local".to_owned(),
            toleration_keys: Vec::new(),
            events_address: String::new(),
        }
    }
}

impl Options {
    /// Returns the version as Flux's labels have it: `v2.9.5`.
    pub fn label_version(&self) -> String {
        if self.version.starts_with('v') { self.version.clone() } else { format!("v{}", self.version) }
    }

    /// Returns where the controllers send events.
    pub(super) fn events_address(&self) -> String {
        const RECEIVER: &str = "notification-controller";
        if self.components.iter().any(|component| component == RECEIVER) {
            return format!("http://{RECEIVER}.$(RUNTIME_NAMESPACE).svc.{}./", self.cluster_domain);
        }
        self.events_address.clone()
    }

    /// Checks what needs no release to be checked.
    ///
    /// # Errors
    /// With everything that Flux or Kubernetes would refuse, one error for each.
    pub fn check(&self) -> Result<(), Vec<FluxError>> {
        let mut found = Vec::new();
        let mut refuse = |option, value: &str, reason| {
            found.push(FluxError::Option { option, value: value.to_owned(), reason });
        };
        if !is_version(&self.version) {
            refuse("version", &self.version, "it is no version such as 2.9.5");
        }
        if !is_label(&self.namespace) {
            refuse("namespace", &self.namespace, "it is no name of a namespace");
        }
        if self.components.is_empty() {
            refuse("components", "", "there is nothing to install");
        }
        for (index, component) in self.components.iter().enumerate() {
            if self.components[..index].contains(component) {
                refuse("components", component, "it is named twice");
            }
        }
        if !self.registry.is_empty() && !is_registry(&self.registry) {
            refuse(
                "registry",
                &self.registry,
                "it is no host with a path, such as registry.example.com/flux",
            );
        }
        if let Some(secret) = self.image_pull_secret.as_deref().filter(|secret| !is_name(secret)) {
            refuse("image_pull_secret", secret, "it is no name of a Secret");
        }
        if !["debug", "info", "error"].contains(&self.log_level.as_str()) {
            refuse("log_level", &self.log_level, "it is neither debug, info nor error");
        }
        if !is_name(&self.cluster_domain) {
            refuse("cluster_domain", &self.cluster_domain, "it is no domain, such as cluster.local");
        }
        for key in self.toleration_keys.iter().filter(|key| !is_qualified(key)) {
            refuse("toleration_keys", key, "it is no key of a taint");
        }
        if self.events_address.contains(char::is_whitespace) {
            refuse("events_address", &self.events_address, "it is no address");
        }
        if found.is_empty() { Ok(()) } else { Err(found) }
    }
}

/// Tells a version such as `2.9.5`, `v2.9.5` or `2.10.0-rc.1` from anything else.
fn is_version(text: &str) -> bool {
    let text = text.strip_prefix('v').unwrap_or(text);
    let (core, rest) = match text.find(['-', '+']) {
        Some(at) => (&text[..at], Some(&text[at + 1..])),
        None => (text, None),
    };
    let numbers: Vec<&str> = core.split('.').collect();
    let legal = |letter: char| letter.is_ascii_alphanumeric() || ".-+".contains(letter);
    numbers.len() == 3
        && numbers.iter().all(|part| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit()))
        && rest.is_none_or(|rest| !rest.is_empty() && rest.chars().all(legal))
}

/// Tells a DNS label: what a namespace may be called.
pub(super) fn is_label(text: &str) -> bool {
    let legal = |letter: char| letter.is_ascii_lowercase() || letter.is_ascii_digit() || letter == '-';
    (1..=63).contains(&text.len())
        && text.chars().all(legal)
        && !text.starts_with('-')
        && !text.ends_with('-')
}

/// Tells a DNS subdomain: what most objects may be called.
pub(super) fn is_name(text: &str) -> bool {
    text.len() <= 253 && text.split('.').all(is_label)
}

/// Tells `name` or `prefix/name`, the keys of labels and taints.
fn is_qualified(text: &str) -> bool {
    let (prefix, name) = text.split_once('/').map_or((None, text), |(prefix, name)| (Some(prefix), name));
    let legal = |letter: char| letter.is_ascii_alphanumeric() || "-_.".contains(letter);
    let edge = |letter: char| letter.is_ascii_alphanumeric();
    prefix.is_none_or(is_name)
        && (1..=63).contains(&name.len())
        && name.chars().all(legal)
        && name.starts_with(edge)
        && name.ends_with(edge)
}

fn is_registry(text: &str) -> bool {
    let legal = |letter: char| letter.is_ascii_alphanumeric() || ".-_/:[]".contains(letter);
    text.chars().all(legal) && !text.contains("//") && !text.starts_with('/') && !text.ends_with('/')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(change: impl FnOnce(&mut Options), expected: &[&str]) {
        let mut options = Options { version: "2.9.5".to_owned(), ..Options::default() };
        change(&mut options);
        let found = options.check().err().unwrap_or_default();
        let found: Vec<String> = found.iter().map(ToString::to_string).collect();
        assert_eq!(found, expected);
    }

    #[test]
    fn what_flux_cannot_work_with_is_named() {
        check(|_| {}, &[]);
        check(|options| options.version = "v2.10.0-rc.1".into(), &[]);
        check(
            |options| options.version = "2.9".into(),
            &["version = \"2.9\": it is no version such as 2.9.5"],
        );
        check(
            |options| options.version = "latest".into(),
            &["version = \"latest\": it is no version such as 2.9.5"],
        );
        check(
            |options| options.namespace = "Flux_".into(),
            &["namespace = \"Flux_\": it is no name of a namespace"],
        );
        check(|options| options.components.clear(), &["components = \"\": there is nothing to install"]);
        check(
            |options| options.components.push("source-controller".into()),
            &["components = \"source-controller\": it is named twice"],
        );
        check(|options| options.registry = "localhost:5000/flux".into(), &[]);
        check(
            |options| options.registry = "https://x".into(),
            &["registry = \"https://x\": it is no host with a path, such as registry.example.com/flux"],
        );
        check(
            |options| options.log_level = "warn".into(),
            &["log_level = \"warn\": it is neither debug, info nor error"],
        );
        check(|options| options.toleration_keys = vec!["a.b/c".into(), "CriticalAddonsOnly".into()], &[]);
        check(
            |options| options.toleration_keys = vec!["\"x".into()],
            &["toleration_keys = \"\\\"x\": it is no key of a taint"],
        );
        check(
            |options| {
                options.image_pull_secret = Some("a b".into());
                options.cluster_domain = "x:".into();
                options.events_address = "a b".into();
            },
            &[
                "image_pull_secret = \"a b\": it is no name of a Secret",
                "cluster_domain = \"x:\": it is no domain, such as cluster.local",
                "events_address = \"a b\": it is no address",
            ],
        );
    }
}
