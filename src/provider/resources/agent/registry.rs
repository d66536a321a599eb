//! What the agent's images are pulled with: write-only arguments, which become the Secret that `image_pull_secret` names, as
//! `flux bootstrap --registry-creds` makes it.

use serde_json::{Value as Json, json};
use tf_provider::schema::{Attribute, Block, Diagnostic, Diagnostics, Object, Path, Type};

use crate::flux::sync::registry_config;
use crate::source::Secret;

/// A `registry_credentials` block, as the text of a Docker configuration.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct RegistryCredentials(Secret);

/// Describes the block.
pub(super) fn block() -> Block {
    let text = || Attribute::optional(Type::String);
    let secret = || text().sensitive().write_only();
    Block::new()
        .description(
            "What the images are pulled with, as `flux bootstrap --registry-creds`: becomes the Secret that `image_pull_secret` names, \
             of the type `kubernetes.io/dockerconfigjson`, in the agent's namespace. Secret values are write-only (Terraform and OpenTofu \
             1.11 or later): they are in no plan and no state, which show them as a revision, are never committed, and are applied \
             straight to the cluster, also beside a delivery to git. New values are noticed and change the Secret in place.",
        )
        .attribute("server", text().description("Registry that they are for, with or without a path. Default: `registry`."))
        .attribute("username", text().description("User name."))
        .attribute("password", secret().description("Password or token."))
        .attribute(
            "docker_config_json",
            secret().description("A whole Docker configuration, in the place of user name and password."),
        )
}

impl RegistryCredentials {
    /// Reads the block of a configuration; none where there is none. `registry` is where the images come from.
    pub(super) fn read(config: &Object, registry: &str) -> Option<Self> {
        let block = config.block("registry_credentials")?;
        let text = |name: &str| block.string(name).unwrap_or_default();
        let config = match block.string("docker_config_json") {
            Some(whole) => whole.to_owned(),
            None => {
                let server = block.string("server").unwrap_or(registry);
                registry_config(server, text("username"), text("password"))
            }
        };
        Some(RegistryCredentials(Secret::new(config)))
    }

    /// Gives the text of the Docker configuration.
    pub(super) fn config(&self) -> &str {
        self.0.reveal()
    }
}

/// Checks a block; unknown values may stand anywhere.
pub(super) fn validate(config: &Object, found: &mut Diagnostics) {
    let Some(block) = config.block("registry_credentials") else { return };
    let given = |name: &str| !block.is_null(name);
    let mut wrong = |summary: &str, hint: &str, name: &str| {
        let at = Path::from("registry_credentials").attribute(name);
        found.push(Diagnostic::error(summary).hint(hint).at(at));
    };
    let whole = given("docker_config_json");
    match (whole, given("username"), given("password")) {
        (true, false, false) | (false, true, true) => {}
        (true, ..) => wrong(
            "registry_credentials say twice who pulls the images",
            "keep `docker_config_json`, or `username` and `password`",
            "docker_config_json",
        ),
        (false, false, _) => wrong(
            "registry_credentials have no username",
            "add `username` and `password`, or a whole `docker_config_json`",
            "username",
        ),
        (false, true, false) => {
            wrong("registry_credentials have no password", "add `password`", "password");
        }
    }
    if whole && given("server") {
        wrong(
            "registry_credentials have a server that nothing uses",
            "take `server` out: `docker_config_json` names its servers itself",
            "server",
        );
    }
    if block.string("docker_config_json").is_some_and(|text| !is_config(text)) {
        wrong(
            "registry_credentials.docker_config_json is no Docker configuration",
            "give it JSON such as `{\"auths\":{\"ghcr.io\":{\"auth\":\"…\"}}}`",
            "docker_config_json",
        );
    }
    if config.is_null("image_pull_secret") {
        found.push(
            Diagnostic::error("registry_credentials need an image_pull_secret")
                .detail(
                    "It names the Secret that they become, and that the controllers pull their images with.",
                )
                .hint("add `image_pull_secret = \"regcred\"`, or another name")
                .at("registry_credentials"),
        );
    }
    if config.is_null("delivery") {
        found.push(
            Diagnostic::error("registry_credentials go to the cluster, and nothing is delivered")
                .hint("add a delivery block, or take them out and make the Secret yourself")
                .at("registry_credentials"),
        );
    }
}

fn is_config(text: &str) -> bool {
    serde_json::from_str::<Json>(text).is_ok_and(|config| config["auths"].is_object())
}

/// Makes the Secret.
pub(super) fn secret(name: &str, namespace: &str, credentials: &RegistryCredentials) -> Json {
    json!({
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": name, "namespace": namespace},
        "type": "kubernetes.io/dockerconfigjson",
        "stringData": {".dockerconfigjson": credentials.config()},
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(block: Object) -> Object {
        Object::new()
            .with("registry_credentials", block)
            .with("image_pull_secret", "regcred")
            .with("delivery", Object::new())
    }

    #[test]
    fn a_block_says_once_who_pulls_the_images_and_where_that_goes() {
        let check = |config: Object, expected: &[&str]| {
            let mut found = Diagnostics::new();
            validate(&config, &mut found);
            let found: Vec<&str> = found.iter().map(|one| one.summary.as_str()).collect();
            assert_eq!(found, expected);
        };
        let block = Object::new;
        let login = || block().with("username", "robot").with("password", "x");
        let whole = |text: &str| block().with("docker_config_json", text);
        check(block(), &[]);
        check(config(login()), &[]);
        check(config(whole("{\"auths\":{}}")), &[]);
        check(config(block()), &["registry_credentials have no username"]);
        check(config(block().with("username", "robot")), &["registry_credentials have no password"]);
        check(
            config(whole("hunter2")),
            &["registry_credentials.docker_config_json is no Docker configuration"],
        );
        check(
            config(login().with("docker_config_json", "{\"auths\":{}}")),
            &["registry_credentials say twice who pulls the images"],
        );
        check(
            config(whole("{\"auths\":{}}").with("server", "a")),
            &["registry_credentials have a server that nothing uses"],
        );
        check(
            Object::new().with("registry_credentials", login()),
            &[
                "registry_credentials need an image_pull_secret",
                "registry_credentials go to the cluster, and nothing is delivered",
            ],
        );
    }

    #[test]
    fn the_secret_is_what_flux_makes_of_a_registry_a_user_and_a_password() {
        let login = config(Object::new().with("username", "robot").with("password", "hunter2"));
        let read = RegistryCredentials::read(&login, "ghcr.io/fluxcd").expect("there is a block");
        assert!(!format!("{read:?}").contains("hunter2"));
        let secret = secret("regcred", "flux-system", &read);
        assert_eq!(secret["type"], "kubernetes.io/dockerconfigjson");
        let text = secret["stringData"][".dockerconfigjson"].as_str().expect("it is text");
        let config: Json = serde_json::from_str(text).expect("it is JSON");
        let entry = json!({"username": "robot", "password": "hunter2", "auth": "cm9ib3Q6aHVudGVyMg=="});
        assert_eq!(config, json!({"auths": {"ghcr.io/fluxcd": entry}}));
    }
}
