//! A repository's address and the credentials for it, both checked before git sees them.
//!
//! No insecure default: plain http only on the loopback, ssh only with known hosts, no password in an address.

use std::fmt;

use super::super::{Secret, SourceError};

/// A repository that git can reach.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Remote {
    url: String,
    scheme: Scheme,
    credentials: Credentials,
    authority: Option<String>,
}

/// How the peer learns who we are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Credentials {
    /// Nothing is sent.
    None,
    /// A name with a password or token, for https. Servers that look at the token alone take any name.
    Basic {
        /// The name, for example `oauth2` or `x-access-token` beside a token.
        username: String,
        /// The password or token.
        password: Secret,
    },
    /// A private key, for ssh.
    SshKey {
        /// The key in OpenSSH or PEM form, without a passphrase.
        private_key: Secret,
        /// Lines of a known_hosts file that name the server's key.
        known_hosts: String,
    },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Scheme {
    File,
    Http,
    Https,
    Ssh,
}

impl Scheme {
    /// Gives git's name of the transport, for `GIT_ALLOW_PROTOCOL`.
    pub(crate) fn transport(self) -> &'static str {
        match self {
            Self::File => "file",
            Self::Http => "http",
            Self::Https => "https",
            Self::Ssh => "ssh",
        }
    }
}

impl Remote {
    /// Checks an address and its credentials; `authority` is the PEM text of a certificate authority for https.
    ///
    /// # Errors
    /// [`SourceError::Url`] and [`SourceError::Credentials`].
    pub fn new(url: &str, credentials: Credentials, authority: Option<String>) -> Result<Self, SourceError> {
        let (url, scheme) = parse(url)?;
        let refuse = |reason: &str| SourceError::Credentials { url: url.clone(), reason: reason.to_owned() };
        check_credentials(scheme, &credentials, is_loopback(&url)).map_err(refuse)?;
        if authority.is_some() && scheme != Scheme::Https {
            return Err(refuse("a certificate authority is for https only"));
        }
        Ok(Self { url, scheme, credentials, authority })
    }

    /// Gives the address; it never holds a password.
    pub fn url(&self) -> &str {
        &self.url
    }

    pub(crate) fn scheme(&self) -> Scheme {
        self.scheme
    }

    pub(crate) fn credentials(&self) -> &Credentials {
        &self.credentials
    }

    pub(crate) fn authority(&self) -> Option<&str> {
        self.authority.as_deref()
    }

    /// Gives `https://HOST:PORT` of an http address: what credentials are bound to.
    pub(crate) fn origin(&self) -> Option<&str> {
        let host = self.url.find("://")? + 3;
        let end = self.url[host..].find('/').map_or(self.url.len(), |slash| host + slash);
        Some(&self.url[..end])
    }
}

impl fmt::Display for Remote {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.url)
    }
}

fn parse(text: &str) -> Result<(String, Scheme), SourceError> {
    let refuse =
        |reason: &str| Err(SourceError::Url { url: without_password(text), reason: reason.to_owned() });
    if text.is_empty() {
        return refuse("it is empty");
    }
    if text.chars().any(|letter| letter.is_control() || letter == ' ' && !text.starts_with('/')) {
        return refuse("it contains a space or control character");
    }
    let (scheme, rest) = match text.split_once("://") {
        Some(("file", rest)) if rest.starts_with('/') => return Ok((text.to_owned(), Scheme::File)),
        Some(("file", _)) => return refuse("after `file://` comes an absolute path, so three slashes"),
        Some(("https", rest)) => (Scheme::Https, rest),
        Some(("http", rest)) => (Scheme::Http, rest),
        Some(("ssh" | "git+ssh" | "ssh+git", rest)) => (Scheme::Ssh, rest),
        Some((other, _)) => return refuse(&format!("`{other}://` is not supported")),
        None => return parse_without_scheme(text).map_or_else(refuse, Ok),
    };
    let (host, path) = rest.split_once('/').unwrap_or((rest, ""));
    let (user, host) = host.rsplit_once('@').unwrap_or(("", host));
    if host.is_empty() || path.trim_matches('/').is_empty() {
        return refuse("it needs a host and a path");
    }
    if user.contains(':') || scheme != Scheme::Ssh && !user.is_empty() {
        return refuse("credentials in an address end up in logs and state; use username and password");
    }
    if user.starts_with('-') || host.starts_with('-') {
        return refuse("user and host cannot start with `-`");
    }
    if scheme == Scheme::Http && !is_loopback(text) {
        return refuse("plain http is allowed on the loopback only; use https");
    }
    Ok((text.to_owned(), scheme))
}

/// A plain path, or scp's `USER@HOST:PATH`.
fn parse_without_scheme(text: &str) -> Result<(String, Scheme), &'static str> {
    if text.starts_with('/') {
        return Ok((format!("file://{}", text.replace('%', "%25")), Scheme::File));
    }
    match text.split_once(':') {
        Some((host, path)) if !host.contains('/') && !host.is_empty() && !path.is_empty() => {
            if host.starts_with('-') || path.starts_with('-') || host.contains("::") || path.starts_with(':')
            {
                return Err("it reads as an option or a transport of git");
            }
            Ok((text.to_owned(), Scheme::Ssh))
        }
        _ => Err("a relative path means another folder for each caller; write it absolute"),
    }
}

fn check_credentials(scheme: Scheme, credentials: &Credentials, loopback: bool) -> Result<(), &'static str> {
    match (scheme, credentials) {
        (Scheme::Ssh, Credentials::SshKey { private_key, known_hosts }) => {
            if !private_key.reveal().contains("PRIVATE KEY") {
                return Err("the private key is not one (no `PRIVATE KEY` line)");
            }
            if known_hosts.lines().all(|line| line.trim().is_empty() || line.starts_with('#')) {
                return Err("known_hosts is empty; a host is never trusted on first use");
            }
            Ok(())
        }
        (Scheme::Ssh, _) => Err("ssh needs private_key and known_hosts"),
        (Scheme::Https, Credentials::Basic { username, password }) => check_basic(username, password),
        (Scheme::Http, Credentials::Basic { username, password }) if loopback => {
            check_basic(username, password)
        }
        (_, Credentials::None) => Ok(()),
        (Scheme::File, _) => Err("a local repository takes no credentials"),
        (_, Credentials::SshKey { .. }) => Err("a private key is for ssh; https takes username and password"),
        (Scheme::Http, Credentials::Basic { .. }) => Err("a password over plain http can be read by anyone"),
    }
}

fn check_basic(username: &str, password: &Secret) -> Result<(), &'static str> {
    let broken = |text: &str| text.is_empty() || text.contains(['\n', '\r', '\0']);
    if broken(username) || username.contains(':') {
        return Err("username is empty or contains a colon or a line break");
    }
    if broken(password.reveal()) {
        return Err("password is empty or contains a line break (a token read from a file may end with one)");
    }
    Ok(())
}

fn is_loopback(url: &str) -> bool {
    let Some((_, rest)) = url.split_once("://") else { return false };
    let host = rest.split('/').next().unwrap_or_default();
    let host = if host.starts_with('[') { host } else { host.split(':').next().unwrap_or_default() };
    host == "localhost" || host == "127.0.0.1" || host.starts_with("[::1]")
}

/// What may be shown of an address that was refused.
fn without_password(url: &str) -> String {
    let shown: String = url.chars().take(300).flat_map(char::escape_default).collect();
    let Some((scheme, rest)) = shown.split_once("://") else { return shown };
    let end = rest.find('/').unwrap_or(rest.len());
    match rest[..end].rfind('@') {
        Some(at) => format!("{scheme}://…{}", &rest[at..]),
        None => shown,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn basic() -> Credentials {
        Credentials::Basic { username: "u".into(), password: Secret::new("hunter2") }
    }

    fn key(known_hosts: &str) -> Credentials {
        let private_key = Secret::new("-----BEGIN OPENSSH PRIVATE KEY-----\n");
        Credentials::SshKey { private_key, known_hosts: known_hosts.into() }
    }

    fn check(url: &str, credentials: Credentials, expected: Result<&str, &str>) {
        match (Remote::new(url, credentials, None), expected) {
            (Ok(remote), Ok(kept)) => assert_eq!(remote.url(), kept),
            (Err(error), Err(part)) => {
                let text = error.to_string();
                assert!(text.contains(part) && !text.contains("hunter2"), "{url}: {text}");
            }
            (found, expected) => panic!("{url}: {found:?}, expected {expected:?}"),
        }
    }

    #[test]
    fn accepts_what_git_reaches_safely_and_refuses_the_rest() {
        use Credentials::None;
        check("file:///srv/x.git", None, Ok("file:///srv/x.git"));
        check("/srv/with space/x.git", None, Ok("file:///srv/with space/x.git"));
        check("https://h/x.git", basic(), Ok("https://h/x.git"));
        check("https://h:8443/x.git", None, Ok("https://h:8443/x.git"));
        check("http://127.0.0.1:8080/x.git", basic(), Ok("http://127.0.0.1:8080/x.git"));
        check("http://[::1]:8080/x.git", basic(), Ok("http://[::1]:8080/x.git"));
        check("ssh://git@h:22/x.git", key("h ssh-ed25519 AAAA"), Ok("ssh://git@h:22/x.git"));
        check("git@h:x/y.git", key("h ssh-ed25519 AAAA"), Ok("git@h:x/y.git"));
        check("", None, Err("empty"));
        check("../x.git", None, Err("absolute"));
        check("file://x.git", None, Err("three slashes"));
        check("ext::sh -c x", None, Err("space"));
        check("ext::sh", None, Err("transport"));
        check("ftp://h/x", None, Err("not supported"));
        check("https://u:hunter2@h/x", None, Err("`https://…@h/x`"));
        check("https://hunter2@h/x", None, Err("logs"));
        check("http://h/x", None, Err("plain http"));
        check("http://127.0.0.1.evil.example/x", None, Err("plain http"));
        check("http://localhost@evil.example/x", None, Err("logs"));
        check("https://h", None, Err("host and a path"));
        check("ssh://-oProxyCommand=x/y", key("h k"), Err("`-`"));
        check("-x@h:y", key("h k"), Err("option"));
        check("ssh://git@h/x", None, Err("known_hosts"));
        check("git@h:x", key(" \n# none\n"), Err("first use"));
        check("git@h:x", basic(), Err("private_key"));
        check("https://h/x", key("h k"), Err("for ssh"));
        check("file:///x", basic(), Err("no credentials"));
        let two_lines = Credentials::Basic { username: "u".into(), password: Secret::new("hunter2\n") };
        check("https://h/x", two_lines, Err("line break"));
    }

    #[test]
    fn credentials_are_bound_to_scheme_host_and_port() {
        let remote = Remote::new("https://h:8443/a/b.git", basic(), None).unwrap();
        assert_eq!(remote.origin(), Some("https://h:8443"));
    }
}
