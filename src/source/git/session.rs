//! Git bound to one repository: its transport, credentials and a private folder, for as long as one piece of work takes.
//!
//! Credentials reach git in its environment (a credential helper bound to the address's origin, so that a redirect to another
//! host gets nothing) or, for ssh, in a file of mode 0600 in a folder of mode 0700 that goes away with the session. They are
//! never in an argument, an address or a message.

use std::ffi::OsString;
use std::path::Path;

use tempfile::TempDir;
use tokio::time::Instant;

use super::super::SourceError;
use super::command::{Git, Invocation};
use super::remote::{Credentials, Remote, Scheme};

/// Prints name and password from the environment when git asks for them; it neither stores nor erases.
const CREDENTIAL_HELPER: &str = r#"!f() { test "$1" = get && printf 'username=%s\npassword=%s\n' "$STRATA_GIT_USERNAME" "$STRATA_GIT_PASSWORD"; }; f"#;

/// Settings of every run: no background work, no hooks, no other protocol, no fsync (the clone is a cache).
const SETTINGS: &[(&str, &str)] = &[
    ("credential.helper", ""),
    ("core.askPass", ""),
    ("core.hooksPath", "/dev/null"),
    ("core.fsync", "none"),
    ("core.longPaths", "true"),
    ("core.quotePath", "false"),
    ("gc.auto", "0"),
    ("maintenance.auto", "false"),
    ("protocol.version", "2"),
    ("transfer.credentialsInUrl", "die"),
    ("http.lowSpeedLimit", "1"),
    ("http.lowSpeedTime", "60"),
    ("submodule.recurse", "false"),
    ("fetch.recurseSubmodules", "false"),
];

/// One piece of work with one repository.
pub(crate) struct Session {
    git: Git,
    remote: Remote,
    variables: Vec<(OsString, OsString)>,
    private: TempDir,
    deadline: Instant,
}

impl Session {
    /// Prepares credentials; everything git does in the session ends at `deadline`.
    ///
    /// # Errors
    /// Git is missing or too old, or the private folder cannot be written.
    pub(crate) async fn open(remote: &Remote, deadline: Instant) -> Result<Self, SourceError> {
        let git = Git::find().await?;
        let private = private_folder()?;
        let variables = variables(remote, private.path())?;
        Ok(Self { git, remote: remote.clone(), variables, private, deadline })
    }

    pub(crate) fn remote(&self) -> &Remote {
        &self.remote
    }

    pub(crate) fn deadline(&self) -> Instant {
        self.deadline
    }

    /// Gives the folder that lives as long as the session.
    pub(crate) fn private_folder(&self) -> &Path {
        self.private.path()
    }

    /// Prepares git in the bare repository `directory`.
    pub(crate) fn invocation(&self, directory: &Path, action: impl Into<String>) -> Invocation {
        let run = self.git.invocation(action, self.deadline).variables(&self.variables);
        run.variable("GIT_DIR", directory)
    }
}

fn private_folder() -> Result<TempDir, SourceError> {
    let mut builder = tempfile::Builder::new();
    builder.prefix("strata-git-");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        builder.permissions(std::fs::Permissions::from_mode(0o700));
    }
    builder
        .tempdir()
        .map_err(|error| SourceError::io("creating a private folder in", std::env::temp_dir(), error))
}

fn variables(remote: &Remote, private: &Path) -> Result<Vec<(OsString, OsString)>, SourceError> {
    let mut settings: Vec<(String, OsString)> =
        SETTINGS.iter().map(|(key, value)| ((*key).to_owned(), OsString::from(value))).collect();
    let mut variables = vec![
        pair("GIT_ALLOW_PROTOCOL", remote.scheme().transport()),
        // Neither ~/.netrc nor ~/.ssh nor git's own per-user files.
        pair("HOME", private),
        pair("XDG_CONFIG_HOME", private),
    ];
    match remote.credentials() {
        Credentials::None => {}
        Credentials::Basic { username, password } => {
            let origin = remote.origin().unwrap_or_default();
            settings.push((format!("credential.{origin}.helper"), CREDENTIAL_HELPER.into()));
            variables.push(pair("STRATA_GIT_USERNAME", username));
            variables.push(pair("STRATA_GIT_PASSWORD", password.reveal()));
        }
        Credentials::SshKey { private_key, known_hosts } => {
            let key = write_private(private, "key", &with_final_newline(private_key.reveal()))?;
            let hosts = write_private(private, "known_hosts", &with_final_newline(known_hosts))?;
            variables.push(pair("GIT_SSH_VARIANT", "ssh"));
            variables.push(pair("GIT_SSH_COMMAND", ssh_command(&key, &hosts)));
        }
    }
    if let (Scheme::Https, Some(authority)) = (remote.scheme(), remote.authority()) {
        let file = write_private(private, "authority.pem", &with_final_newline(authority))?;
        settings.push(("http.sslCAInfo".to_owned(), file.into()));
    }
    variables.push(pair("GIT_CONFIG_COUNT", settings.len().to_string()));
    for (index, (key, value)) in settings.into_iter().enumerate() {
        variables.push(pair(&format!("GIT_CONFIG_KEY_{index}"), key));
        variables.push(pair(&format!("GIT_CONFIG_VALUE_{index}"), value));
    }
    Ok(variables)
}

fn pair(name: &str, value: impl Into<OsString>) -> (OsString, OsString) {
    (name.into(), value.into())
}

fn with_final_newline(text: &str) -> String {
    format!("{}\n", text.replace("\r\n", "\n").trim_end())
}

fn write_private(folder: &Path, name: &str, text: &str) -> Result<String, SourceError> {
    use std::io::Write;
    let path = folder.join(name);
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt;
        options.mode(0o600);
    }
    let written = options.open(&path).and_then(|mut file| file.write_all(text.as_bytes()));
    written.map_err(|error| SourceError::io("writing", &path, error))?;
    Ok(path.to_string_lossy().into_owned())
}

/// Ssh with our key and our known hosts only: no configuration, no agent, no question, no trust on first use.
fn ssh_command(key: &str, hosts: &str) -> String {
    let options = [
        "IdentitiesOnly=yes",
        "IdentityAgent=none",
        "BatchMode=yes",
        "StrictHostKeyChecking=yes",
        "UpdateHostKeys=no",
        "GlobalKnownHostsFile=/dev/null",
        "ConnectTimeout=20",
        "ServerAliveInterval=15",
        "ServerAliveCountMax=4",
        "LogLevel=ERROR",
    ];
    let options: String = options.iter().map(|option| format!(" -o {option}")).collect();
    format!(
        "ssh -F /dev/null -i {}{options} -o {}",
        quoted(key),
        quoted(&format!("UserKnownHostsFile=\"{hosts}\""))
    )
}

fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::super::super::Secret;
    use super::*;

    #[tokio::test]
    async fn key_files_are_private_and_go_with_the_session() {
        let private_key = Secret::new("-----BEGIN OPENSSH PRIVATE KEY-----\r\nabc");
        let credentials = Credentials::SshKey { private_key, known_hosts: "h ssh-ed25519 A".into() };
        let remote = Remote::new("git@h:x", credentials, None).unwrap();
        let session = Session::open(&remote, Instant::now()).await.unwrap();
        let key = session.private_folder().join("key");
        assert_eq!(std::fs::read_to_string(&key).unwrap(), "-----BEGIN OPENSSH PRIVATE KEY-----\nabc\n");
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            assert_eq!(std::fs::metadata(&key).unwrap().permissions().mode() & 0o777, 0o600);
            assert_eq!(
                std::fs::metadata(session.private_folder()).unwrap().permissions().mode() & 0o777,
                0o700
            );
        }
        drop(session);
        assert!(!key.exists());
    }

    #[test]
    fn a_password_stands_in_its_own_variable_only() {
        let credentials = Credentials::Basic { username: "u".into(), password: Secret::new("hunter2") };
        let remote = Remote::new("https://h/x", credentials, None).unwrap();
        let variables = variables(&remote, Path::new("/nonexistent")).unwrap();
        let holders: Vec<_> =
            variables.iter().filter(|(_, value)| value.to_string_lossy().contains("hunter2")).collect();
        assert_eq!(holders.len(), 1);
        assert_eq!(holders[0].0, "STRATA_GIT_PASSWORD");
    }
}
