//! Who we are at a registry: the provider's `registry` blocks first, then the files and commands that Helm and Docker use.
//!
//! Nothing here is printed; a credential command's own messages are not repeated, for they may hold what it keeps.

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;

use super::super::Secret;
use super::super::directory::read_bounded;

/// A credential command may take this long.
const LONGEST: Duration = Duration::from_secs(30);

/// A host with what it takes to be let in.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Registry {
    /// Host, with its port where it has one.
    pub host: String,
    /// User name.
    pub username: Option<String>,
    /// Password or token.
    pub password: Option<Secret>,
    /// PEM text of the authority that signed the host's certificate.
    pub certificate_authority: Option<String>,
}

/// How to log in at one host.
#[derive(Clone, Debug, Default)]
pub(crate) struct Login {
    name: Option<(String, Secret)>,
    /// A token that is exchanged for others.
    pub(crate) refresh: Option<Secret>,
    authority: Option<String>,
}

impl Login {
    /// Returns the value of an `Authorization` header.
    pub(crate) fn basic(&self) -> Option<Secret> {
        let (name, password) = self.name.as_ref()?;
        Some(Secret::new(format!("Basic {}", STANDARD.encode(format!("{name}:{}", password.reveal())))))
    }

    /// Returns the authority to trust beside the machine's own.
    pub(crate) fn authority(&self) -> Option<&str> {
        self.authority.as_deref()
    }

    /// Returns the same login without credentials.
    pub(crate) fn anonymous(&self) -> Login {
        Login { authority: self.authority.clone(), ..Login::default() }
    }

    /// Tells whether there are credentials.
    pub(crate) fn is_named(&self) -> bool {
        self.name.is_some() || self.refresh.is_some()
    }
}

/// All places that know credentials, in their order.
#[derive(Clone, Debug, Default)]
pub(crate) struct Logins {
    registries: Vec<Registry>,
    files: Vec<PathBuf>,
}

impl Logins {
    /// Takes the given hosts first, then files.
    pub(crate) fn new(registries: Vec<Registry>, files: Vec<PathBuf>) -> Self {
        Logins { registries, files }
    }

    /// Returns what a `registry` block says of a host: all that a classic repository gets.
    pub(crate) fn of_host(&self, host: &str) -> Option<Login> {
        let found = self.registries.iter().find(|one| one.host.eq_ignore_ascii_case(host))?;
        let name =
            found.password.clone().map(|password| (found.username.clone().unwrap_or_default(), password));
        Some(Login { name, refresh: None, authority: found.certificate_authority.clone() })
    }

    /// Returns how to log in at an OCI registry: the block, else the first file that knows the host.
    pub(crate) fn of_registry(&self, host: &str) -> Login {
        let block = self.of_host(host).unwrap_or_default();
        if block.is_named() {
            return block;
        }
        let found = self.files.iter().find_map(|file| of_file(file, host));
        found.map_or(block.clone(), |login| Login { authority: block.authority, ..login })
    }
}

/// Lists the files where Helm and Docker keep credentials.
pub(crate) fn usual_files() -> Vec<PathBuf> {
    let path = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let home = path("HOME");
    let configuration = path("XDG_CONFIG_HOME").or_else(|| Some(home.as_ref()?.join(".config")));
    let helm =
        path("HELM_REGISTRY_CONFIG").or_else(|| Some(configuration?.join("helm/registry/config.json")));
    let docker = path("DOCKER_CONFIG").or_else(|| Some(home?.join(".docker")));
    helm.into_iter().chain(docker.map(|folder| folder.join("config.json"))).collect()
}

#[derive(Deserialize)]
struct DockerFile {
    #[serde(default)]
    auths: BTreeMap<String, DockerEntry>,
    #[serde(default, rename = "credHelpers")]
    helpers: BTreeMap<String, String>,
    #[serde(default, rename = "credsStore")]
    store: Option<String>,
}

#[derive(Default, Deserialize)]
struct DockerEntry {
    auth: Option<String>,
    username: Option<String>,
    password: Option<String>,
    identitytoken: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct CommandAnswer {
    username: String,
    secret: String,
}

/// Looks a host up in a file; a file that cannot be read or knows nothing counts as none, and the log says so.
fn of_file(path: &Path, host: &str) -> Option<Login> {
    let text = read_bounded(path, 4 << 20).ok()?;
    let Ok(file) = serde_json::from_slice::<DockerFile>(&text) else {
        tracing::warn!(path = %path.display(), "the file of credentials is not JSON as Docker writes it");
        return None;
    };
    let is_host = |key: &str| host_of(key) == registry_key(host);
    if let Some((_, command)) = file.helpers.iter().find(|(key, _)| is_host(key)) {
        return of_command(command, host);
    }
    let entry = file.auths.iter().find(|(key, _)| is_host(key)).and_then(|(_, entry)| entry.login());
    entry.or_else(|| of_command(file.store.as_deref()?, host))
}

impl DockerEntry {
    fn login(&self) -> Option<Login> {
        let decoded =
            self.auth.as_ref().and_then(|text| String::from_utf8(STANDARD.decode(text.trim()).ok()?).ok());
        let pair = decoded
            .as_ref()
            .and_then(|text| text.split_once(':'))
            .map(|(name, password)| (name.to_owned(), password.to_owned()));
        let pair = self.username.clone().zip(self.password.clone()).or(pair);
        let name = pair
            .filter(|(_, password)| !password.is_empty())
            .map(|(name, password)| (name, Secret::new(password)));
        let refresh = self.identitytoken.as_ref().filter(|token| !token.is_empty()).map(Secret::new);
        (name.is_some() || refresh.is_some()).then_some(Login { name, refresh, authority: None })
    }
}

/// Cuts `https://` and the path off a key.
fn host_of(key: &str) -> &str {
    let key = key.split_once("://").map_or(key, |(_, rest)| rest);
    key.split('/').next().unwrap_or(key)
}

/// Returns the name under which credentials of a host are kept.
fn registry_key(host: &str) -> &str {
    if matches!(host, "docker.io" | "registry-1.docker.io") { "index.docker.io" } else { host }
}

fn of_command(name: &str, host: &str) -> Option<Login> {
    if name.is_empty() || !name.chars().all(|c| c.is_ascii_alphanumeric() || "-_.".contains(c)) {
        return None;
    }
    let command = format!("docker-credential-{name}");
    let key = registry_key(host);
    let key = if key == "index.docker.io" { "https://index.docker.io/v1/" } else { key };
    let answer = run(&command, key);
    let Some(answer) = answer.and_then(|text| serde_json::from_slice::<CommandAnswer>(&text).ok()) else {
        tracing::warn!(command, host, "the credential command knows nothing of the registry");
        return None;
    };
    let secret = Secret::new(answer.secret);
    Some(match answer.username.as_str() {
        "<token>" => Login { refresh: Some(secret), ..Login::default() },
        _ => Login { name: Some((answer.username, secret)), ..Login::default() },
    })
}

fn run(command: &str, input: &str) -> Option<Vec<u8>> {
    let child = Command::new(command)
        .arg("get")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn();
    let mut child = child.ok()?;
    child.stdin.take()?.write_all(input.as_bytes()).ok()?;
    let output = child.stdout.take()?;
    let reading = std::thread::spawn(move || {
        let mut text = Vec::new();
        output.take(1 << 20).read_to_end(&mut text).map(|_| text)
    });
    let end = Instant::now() + LONGEST;
    let status = loop {
        match child.try_wait().ok()? {
            Some(status) => break status,
            None if Instant::now() > end => {
                let _ = child.kill();
                let _ = child.wait();
                return None;
            }
            None => std::thread::sleep(Duration::from_millis(10)),
        }
    };
    reading.join().ok()?.ok().filter(|_| status.success())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn logins(file: &str) -> (tempfile::TempDir, Logins) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("config.json");
        std::fs::write(&path, file).unwrap();
        let block = Registry {
            host: "block.example".into(),
            username: Some("u".into()),
            password: Some(Secret::new("p")),
            ..Registry::default()
        };
        (folder, Logins::new(vec![block], vec![path]))
    }

    #[test]
    fn blocks_come_first_and_files_are_read_as_docker_writes_them() {
        let auth = |text: &str| STANDARD.encode(text);
        let (_folder, logins) = logins(&format!(
            r#"{{"auths": {{"block.example": {{"auth": "{}"}}, "a.example": {{"auth": "{}"}}, "https://b.example/v1/": {{"username": "me", "password": "x"}},
               "https://index.docker.io/v1/": {{"auth": "{}"}}, "t.example": {{"identitytoken": "r"}}, "empty.example": {{}}}}}}"#,
            auth("no:no"),
            auth("me:pass:word"),
            auth("hub:x"),
        ));
        let check = |host: &str, expected: Option<&str>| {
            let found = logins.of_registry(host).basic().map(|header| header.reveal().to_owned());
            assert_eq!(found, expected.map(|pair| format!("Basic {}", auth(pair))), "{host}");
        };
        check("block.example", Some("u:p"));
        check("a.example", Some("me:pass:word"));
        check("b.example", Some("me:x"));
        check("docker.io", Some("hub:x"));
        check("empty.example", None);
        check("other.example", None);
        assert_eq!(logins.of_registry("t.example").refresh, Some(Secret::new("r")));
        assert!(logins.of_host("a.example").is_none(), "a classic repository gets what its block says");
        assert!(!format!("{logins:?}{:?}", logins.of_registry("a.example")).contains("pass:word"));
    }

    #[test]
    fn a_broken_file_or_command_counts_as_none() {
        for text in
            ["{broken", r#"{"credsStore": "../evil"}"#, r#"{"credHelpers": {"a.example": "does-not-exist"}}"#]
        {
            assert!(!logins(text).1.of_registry("a.example").is_named(), "{text}");
        }
    }
}
