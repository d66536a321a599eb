//! What lets an agent into its repository: write-only arguments, which become a Secret with the keys that Flux reads.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use tf_provider::schema::{Attribute, Block, Diagnostic, Diagnostics, NestedBlock, Object, Path, Type};

use super::arguments::Kind;
use crate::source::Secret;

/// What lets an agent in.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Credentials {
    /// The data of the Secret, by the keys that the agent reads.
    data: BTreeMap<&'static str, Secret>,
    /// Keys of servers, where they do not stand in the Secret.
    pub(super) known_hosts: Option<String>,
    /// The authority of a server, where it does not stand in the Secret.
    pub(super) authority: Option<String>,
}

/// Arguments of the block with the keys of the Secret that Flux reads.
const KEYS: [(&str, &str, bool, &str); 8] = [
    ("username", "username", false, "User name for https."),
    ("password", "password", true, "Password or token for https."),
    ("bearer_token", "bearerToken", true, "Bearer token for https, in the place of user name and password."),
    (
        "certificate_authority",
        "ca.crt",
        false,
        "PEM text of the authority that signed the server's certificate, for https.",
    ),
    ("private_key", "identity", true, "Private key for ssh. Read access is enough."),
    ("passphrase", "password", true, "Passphrase of the private key."),
    (
        "known_hosts",
        "known_hosts",
        false,
        "Lines of a known_hosts file that name the server's key; required for ssh, the first key seen is never trusted.",
    ),
    (
        "public_key",
        "identity.pub",
        false,
        "Public key that belongs to the private key. Default: read from a private key in OpenSSH's form.",
    ),
];

const APP_KEYS: [(&str, &str, bool, &str); 5] = [
    ("app_id", "githubAppID", false, "Id of the app."),
    ("installation_id", "githubAppInstallationID", false, "Id of the installation."),
    (
        "installation_owner",
        "githubAppInstallationOwner",
        false,
        "Owner of the installation, in the place of its id.",
    ),
    ("private_key", "githubAppPrivateKey", true, "Private key of the app, PEM text."),
    ("base_url", "githubAppBaseURL", false, "Address of the API of a GitHub Enterprise Server."),
];

/// The keys that Argo CD reads. Whom it trusts stands in ConfigMaps of the installation, not in the Secret.
const ARGO_KEYS: [(&str, &str); 4] = [
    ("username", "username"),
    ("password", "password"),
    ("bearer_token", "bearerToken"),
    ("private_key", "sshPrivateKey"),
];

const ARGO_APP_KEYS: [(&str, &str); 4] = [
    ("app_id", "githubAppID"),
    ("installation_id", "githubAppInstallationID"),
    ("private_key", "githubAppPrivateKey"),
    ("base_url", "githubAppEnterpriseBaseUrl"),
];

const NOT_OF_ARGO: [(&str, &str); 2] = [
    ("passphrase", "give it a private key without one; the key is only in the cluster's Secret"),
    ("public_key", "take it out; it is not needed"),
];

fn with_keys(block: Block, keys: &[(&'static str, &str, bool, &str)]) -> Block {
    keys.iter().fold(block, |block, (name, _, secret, description)| {
        let attribute = Attribute::optional(Type::String).description(*description);
        block.attribute(*name, if *secret { attribute.sensitive().write_only() } else { attribute })
    })
}

/// Describes the block.
pub(super) fn block() -> Block {
    let app = with_keys(Block::new().description("A GitHub App, for `provider = \"github\"`."), &APP_KEYS);
    with_keys(
        Block::new().description(
            "What lets the agent read the repository; read access is enough. Secret values are write-only (Terraform and OpenTofu 1.11 \
             or later): they are in no plan and no state, which show them as revisions, and are applied straight to the cluster. \
             New values are noticed and change the Secret in place.",
        ),
        &KEYS,
    )
    .block("github_app", NestedBlock::single(app))
}

impl Credentials {
    /// Reads the block of a configuration; none where there is none.
    pub(super) fn read(config: &Object, kind: Kind) -> Option<Self> {
        let block = config.block("sync")?.block("credentials")?;
        let app = block.block("github_app");
        let flux = |keys: &[(&'static str, &'static str, bool, &str)]| -> Vec<(&'static str, &'static str)> {
            keys.iter().map(|(name, key, ..)| (*name, *key)).collect()
        };
        let (keys, app_keys) = match kind {
            Kind::Flux => (flux(&KEYS), flux(&APP_KEYS)),
            Kind::ArgoCd => (ARGO_KEYS.to_vec(), ARGO_APP_KEYS.to_vec()),
        };
        let take = |block: &Object, keys: &[(&str, &'static str)]| -> Vec<(&'static str, Secret)> {
            keys.iter().filter_map(|(name, key)| Some((*key, Secret::new(block.string(name)?)))).collect()
        };
        let of_app = app.map(|app| take(app, &app_keys)).unwrap_or_default();
        let mut read =
            Credentials { data: take(block, &keys).into_iter().chain(of_app).collect(), ..Self::default() };
        if kind == Kind::ArgoCd {
            let text = |name: &str| block.string(name).map(str::to_owned);
            (read.known_hosts, read.authority) = (text("known_hosts"), text("certificate_authority"));
        }
        let public = read.data.get("identity").and_then(|key: &Secret| public_key(key.reveal()));
        if let Some(public) = public {
            read.data.entry("identity.pub").or_insert_with(|| Secret::new(public));
        }
        Some(read)
    }

    /// Gives the data of the Secret.
    pub(super) fn data(&self) -> BTreeMap<&'static str, String> {
        self.data.iter().map(|(key, value)| (*key, value.reveal().to_owned())).collect()
    }
}

/// Checks a block; unknown values may stand anywhere.
pub(super) fn validate(sync: &Object, kind: Kind, found: &mut Diagnostics) {
    let Some(block) = sync.block("credentials") else { return };
    let at = |name: &str| Path::from("sync").attribute("credentials").attribute(name);
    let given = |name: &str| !block.is_null(name);
    let mut wrong = |summary: &str, hint: &str, name: &str| {
        found.push(Diagnostic::error(summary).hint(hint).at(at(name)));
    };
    let ways = ["password", "bearer_token", "private_key", "github_app"];
    let ways: Vec<&str> = ways.into_iter().filter(|way| given(way)).collect();
    match ways.as_slice() {
        [] => wrong(
            "sync.credentials let nobody in",
            "give it a password, a bearer_token, a private_key or a github_app, or take the block out",
            "password",
        ),
        [_] => {}
        [_, second, ..] => wrong("sync.credentials has two sorts of credentials", "keep one of them", second),
    }
    if given("private_key") && !given("known_hosts") {
        wrong(
            "sync.credentials has a private_key and no known_hosts",
            "add the server's lines from a source that you trust: `ssh-keyscan` shows a key, it does not prove it",
            "known_hosts",
        );
    }
    if given("password") && !given("username") {
        wrong(
            "sync.credentials has a password and no username",
            "add `username`; for tokens, `git` will do",
            "username",
        );
    }
    if kind == Kind::ArgoCd {
        for (name, hint) in NOT_OF_ARGO.into_iter().filter(|(name, _)| given(name)) {
            wrong(&format!("Argo CD reads no {name}"), hint, name);
        }
        if block.block("github_app").is_some_and(|app| !app.is_null("installation_owner")) {
            wrong("Argo CD reads no installation_owner", "give it the `installation_id`", "github_app");
        }
    }
    let Some(url) = sync.string("url") else { return };
    if url.starts_with("ssh://") && !given("private_key") {
        wrong(
            "sync.url is for ssh, and sync.credentials are not",
            "give it a private_key and known_hosts",
            "private_key",
        );
    } else if url.starts_with("http") && given("private_key") {
        wrong(
            "sync.url is for https, and sync.credentials are for ssh",
            "give it a password or bearer_token",
            "private_key",
        );
    }
}

/// Reads the public key that an OpenSSH private key holds beside the private one, also where that is encrypted.
fn public_key(private: &str) -> Option<String> {
    let body: String =
        private.lines().map(str::trim).filter(|line| !line.starts_with("-----")).collect::<Vec<_>>().concat();
    let bytes = STANDARD.decode(body).ok()?;
    let mut rest = bytes.strip_prefix(b"openssh-key-v1\0")?;
    let mut text = || -> Option<&[u8]> {
        let (length, after) = rest.split_at_checked(4)?;
        let length = u32::from_be_bytes(length.try_into().ok()?) as usize;
        let (text, after) = after.split_at_checked(length)?;
        rest = after;
        Some(text)
    };
    let (_cipher, _derivation, _options) = (text()?, text()?, text()?);
    rest = rest.get(4..)?;
    let (length, after) = rest.split_at_checked(4)?;
    let public = after.get(..u32::from_be_bytes(length.try_into().ok()?) as usize)?;
    let (length, after) = public.split_at_checked(4)?;
    let kind = after.get(..u32::from_be_bytes(length.try_into().ok()?) as usize)?;
    Some(format!("{} {}\n", std::str::from_utf8(kind).ok()?, STANDARD.encode(public)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_block_lets_somebody_in_and_trusts_no_server_on_first_use() {
        let check = |kind: Kind, url: &str, block: Object, expected: &[&str]| {
            let sync = Object::new().with("url", url).with("credentials", block);
            let mut found = Diagnostics::new();
            validate(&sync, kind, &mut found);
            let found: Vec<&str> = found.iter().map(|one| one.summary.as_str()).collect();
            assert_eq!(found, expected);
        };
        let block = Object::new;
        check(Kind::Flux, "https://a/b", block().with("username", "git").with("password", "x"), &[]);
        check(Kind::Flux, "https://a/b", block(), &["sync.credentials let nobody in"]);
        check(
            Kind::Flux,
            "ssh://git@a/b",
            block().with("private_key", "x"),
            &["sync.credentials has a private_key and no known_hosts"],
        );
        check(Kind::Flux, "ssh://git@a/b", block().with("private_key", "x").with("known_hosts", "y"), &[]);
        check(
            Kind::Flux,
            "https://a/b",
            block().with("private_key", "x").with("known_hosts", "y"),
            &["sync.url is for https, and sync.credentials are for ssh"],
        );
        check(
            Kind::Flux,
            "https://a/b",
            block().with("username", "git").with("password", "x").with("bearer_token", "y"),
            &["sync.credentials has two sorts of credentials"],
        );
        let key = || block().with("private_key", "x").with("known_hosts", "y").with("passphrase", "z");
        check(Kind::Flux, "ssh://git@a/b", key(), &[]);
        check(Kind::ArgoCd, "ssh://git@a/b", key(), &["Argo CD reads no passphrase"]);
    }

    #[test]
    fn each_agent_reads_keys_of_its_own() {
        let app = Object::new().with("app_id", "1").with("base_url", "https://git.example.com/api/v3");
        let block = Object::new().with("private_key", "x").with("known_hosts", "y").with("github_app", app);
        let config = Object::new().with("sync", Object::new().with("credentials", block));
        let read = |kind| Credentials::read(&config, kind).expect("there is a block");
        let flux: Vec<&str> = read(Kind::Flux).data().into_keys().collect();
        assert_eq!(flux, ["githubAppBaseURL", "githubAppID", "identity", "known_hosts"]);
        let argo: Vec<&str> = read(Kind::ArgoCd).data().into_keys().collect();
        assert_eq!(argo, ["githubAppEnterpriseBaseUrl", "githubAppID", "sshPrivateKey"]);
        assert_eq!(read(Kind::ArgoCd).known_hosts.as_deref(), Some("y"));
        assert_eq!(read(Kind::Flux).known_hosts, None);
    }

    #[test]
    fn the_public_key_is_read_from_the_private_one() {
        let part = |text: &[u8]| [&u32::try_from(text.len()).expect("short").to_be_bytes(), text].concat();
        let public = [part(b"ssh-ed25519"), part(&[7; 32])].concat();
        let key = [
            b"openssh-key-v1\0".to_vec(),
            part(b"none"),
            part(b"none"),
            part(b""),
            1_u32.to_be_bytes().to_vec(),
            part(&public),
            part(b"private"),
        ]
        .concat();
        let text = format!(
            "-----BEGIN OPENSSH PRIVATE KEY-----\n{}\n-----END OPENSSH PRIVATE KEY-----\n",
            STANDARD.encode(key)
        );
        assert_eq!(public_key(&text), Some(format!("ssh-ed25519 {}\n", STANDARD.encode(public))));
        assert_eq!(public_key("-----BEGIN RSA PRIVATE KEY-----\nAAAA\n"), None);
    }
}
