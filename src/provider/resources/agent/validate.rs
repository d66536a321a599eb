//! What is wrong with a `strata_agent` block beyond what its schema says.

use tf_provider::schema::{Diagnostic, Diagnostics, Object, Path};

use super::super::super::patches;
use super::super::objects::{places, timeouts};
use super::arguments::{Kind, of_flux, read_kind, read_options};
use super::{credentials, registry};

/// Checks what the schema cannot say; unknown values may stand anywhere.
pub(super) fn validate(config: &Object) -> Diagnostics {
    let mut found = Diagnostics::new();
    validate_options(config, &mut found);
    validate_kind(config, &mut found);
    validate_source(config, &mut found);
    validate_sync(config, &mut found);
    registry::validate(config, &mut found);
    patches::validate(config, &mut found);
    timeouts::validate(config, &mut found);
    validate_delivery(config, &mut found);
    found
}

fn validate_delivery(config: &Object, found: &mut Diagnostics) {
    let credentials = config.block("sync").is_some_and(|sync| !sync.is_null("credentials"));
    if credentials && config.is_null("delivery") {
        found.push(
            Diagnostic::error("sync.credentials go to the cluster, and nothing is delivered")
                .hint("add a delivery block, or take the credentials out and name a Secret with `secret`")
                .at(Path::from("sync").attribute("credentials")),
        );
    }
    let both = Diagnostic::error("the agent would have two owners")
        .detail("From git it applies itself; two writers of one object undo each other's work.")
        .hint("keep `git { … }`, and the agent owns itself, or `cluster { … }`, and Terraform owns it");
    places::validate(config, "generate", both, found);
}

/// Holds the options that are known against what Flux works with; those that are not known stand at their defaults.
fn validate_options(config: &Object, found: &mut Diagnostics) {
    let mut options = read_options(config);
    if config.string("version").is_none() {
        options.version = "0.0.0".to_owned();
    }
    found.extend(options.check().err().into_iter().flatten().map(|error| of_flux(&error)));
}

/// Refuses options that only Flux has.
fn validate_kind(config: &Object, found: &mut Diagnostics) {
    const OF_FLUX: [&str; 11] = [
        "components",
        "components_extra",
        "registry",
        "image_pull_secret",
        "registry_credentials",
        "network_policy",
        "watch_all_namespaces",
        "toleration_keys",
        "cluster_domain",
        "log_level",
        "events_address",
    ];
    const OF_SYNC: [&str; 4] = ["interval", "recurse_submodules", "provider", "sparse_checkout"];
    if read_kind(config) == Kind::Flux || config.is_unknown("kind") {
        return;
    }
    let mut refuse = |at: Path, name: &str| {
        found.push(
            Diagnostic::error(format!("Argo CD has no option {name}"))
                .hint("take it out; what shall be different from the release is a `patch`")
                .at(at),
        );
    };
    for name in OF_FLUX.into_iter().filter(|name| !config.is_null(name)) {
        refuse(Path::from(name), name);
    }
    let Some(sync) = config.block("sync") else { return };
    for name in OF_SYNC.into_iter().filter(|name| !sync.is_null(name)) {
        refuse(Path::from("sync").attribute(name), &format!("sync.{name}"));
    }
    if !sync.is_null("secret") && sync.is_null("credentials") {
        found.push(
            Diagnostic::error("sync.secret names a Secret that Argo CD would not look for by its name")
                .detail("It uses whichever Secret has the label argocd.argoproj.io/secret-type and the repository's address.")
                .hint("take it out and label your Secret, or give `credentials`, and the Secret is made for you")
                .at(Path::from("sync").attribute("secret")),
        );
    }
}

fn validate_source(config: &Object, found: &mut Diagnostics) {
    let Some(source) = config.block("source") else { return };
    if !source.is_null("url") && !source.is_null("path") {
        found.push(
            Diagnostic::error("source has both a url and a path")
                .hint("keep the one that the manifests shall come from")
                .at("source"),
        );
    }
    if let Some(digest) = source.string("sha256") {
        let digits = digest.strip_prefix("sha256:").unwrap_or(digest);
        if digits.len() != 64 || !digits.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            found.push(
                Diagnostic::error(format!("source.sha256 is no digest: {digest:?}"))
                    .hint("write the 64 hexadecimal digits that `sha256sum` prints")
                    .at(Path::from("source").attribute("sha256")),
            );
        }
    }
}

fn validate_sync(config: &Object, found: &mut Diagnostics) {
    let Some(sync) = config.block("sync") else { return };
    let at = |name: &str| Path::from("sync").attribute(name);
    if let Some(text) = sync.string("interval")
        && timeouts::parse_duration(text).is_none()
    {
        found.push(
            Diagnostic::error(format!("sync.interval is no duration: {text:?}"))
                .hint("write a whole number with `s`, `m` or `h`, such as `90s` or `1h30m`")
                .at(at("interval")),
        );
    }
    credentials::validate(sync, read_kind(config), found);
    let follows = config.block("delivery").is_some_and(|delivery| !delivery.is_null("git"));
    if !follows && !config.is_unknown("delivery") {
        for name in ["url", "path"].into_iter().filter(|name| sync.is_null(name)) {
            found.push(
                Diagnostic::error(format!("sync has no {name}"))
                    .detail("Without a delivery to git there is none to follow.")
                    .hint(format!("add `{name}` to the sync block, or deliver to git"))
                    .at(at(name)),
            );
        }
    }
    if let Some(url) = sync.string("url") {
        validate_sync_url(url, found);
    }
}

fn validate_sync_url(url: &str, found: &mut Diagnostics) {
    let at = || Path::from("sync").attribute("url");
    let rest = ["https://", "http://", "ssh://"].into_iter().find_map(|scheme| url.strip_prefix(scheme));
    let Some(rest) = rest else {
        found.push(
            Diagnostic::error(format!("Flux cannot read {url:?}"))
                .hint("write https://HOST/PATH or ssh://USER@HOST/PATH; `user@host:path` is not understood by Flux")
                .at(at()),
        );
        return;
    };
    let user = rest.split('/').next().and_then(|host| host.rsplit_once('@')).map(|(user, _)| user);
    if user.is_some_and(|user| user.contains(':') || !url.starts_with("ssh://")) {
        found.push(
            Diagnostic::error("sync.url holds credentials")
                .hint("take them out of the address and name a Secret with `secret`: objects are readable by many")
                .at(at()),
        );
    }
}
