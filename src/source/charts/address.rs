//! An address of an HTTP peer, checked before anything is sent there.
//!
//! No insecure default: plain http only on the loopback, no password in an address. What is shown leaves the query out,
//! because signed links carry their secret in it.

use std::fmt;

use super::super::SourceError;

/// An `https://` address, or an `http://` one of this machine.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Address {
    scheme: &'static str,
    /// Host with its port.
    host: String,
    /// Path with its query; starts with a slash.
    path: String,
}

impl Address {
    /// Checks and splits a text.
    ///
    /// # Errors
    /// [`SourceError::Url`].
    pub(crate) fn parse(text: &str) -> Result<Self, SourceError> {
        let refuse = |reason: &str| Err(SourceError::Url { url: shown(text), reason: reason.to_owned() });
        if text.chars().any(|letter| letter.is_control() || letter == ' ' || !letter.is_ascii()) {
            return refuse("it contains a space, a control character or a letter beyond ASCII");
        }
        let (scheme, rest) = match text.split_once("://") {
            Some((scheme, rest)) if scheme.eq_ignore_ascii_case("https") => ("https", rest),
            Some((scheme, rest)) if scheme.eq_ignore_ascii_case("http") => ("http", rest),
            _ => return refuse("it starts neither with `https://` nor with `oci://`"),
        };
        let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
        let (host, path) = rest.split_at(end);
        let path = path.split('#').next().unwrap_or_default();
        if host.contains('@') {
            return refuse(
                "credentials in an address end up in logs and state; use a `registry` block of the provider",
            );
        }
        if host.is_empty() || host.contains(['\\', '"', '<', '>']) {
            return refuse("it needs a host");
        }
        if scheme == "http" && !is_loopback(host) {
            return refuse("plain http is for this machine only; use https");
        }
        let path = if path.starts_with('/') { path.to_owned() } else { format!("/{path}") };
        Ok(Self { scheme, host: host.to_ascii_lowercase(), path })
    }

    /// Resolves a link found at this address.
    ///
    /// # Errors
    /// [`SourceError::Url`], also for a link that leaves https for http.
    pub(crate) fn join(&self, link: &str) -> Result<Self, SourceError> {
        if link.contains("://") {
            let target = Self::parse(link)?;
            if self.scheme == "https" && target.scheme == "http" {
                let reason = "it leads from https to plain http".to_owned();
                return Err(SourceError::Url { url: target.to_string(), reason });
            }
            return Ok(target);
        }
        if let Some(rest) = link.strip_prefix("//") {
            return Self::parse(&format!("{}://{rest}", self.scheme));
        }
        let path = self.path.split('?').next().unwrap_or_default();
        let path = match link.strip_prefix('/') {
            Some(_) => link.to_owned(),
            None => format!("{}/{link}", path.rsplit_once('/').map_or("", |(folder, _)| folder)),
        };
        let (path, query) =
            path.split_once('?').map_or((path.as_str(), None), |(path, query)| (path, Some(query)));
        let mut names: Vec<&str> = Vec::new();
        for name in path.split('/').skip(1) {
            match name {
                "." => {}
                ".." => drop(names.pop()),
                name => names.push(name),
            }
        }
        let query = query.map(|query| format!("?{query}")).unwrap_or_default();
        Self::parse(&format!("{}://{}/{}{query}", self.scheme, self.host, names.join("/")))
    }

    /// Returns the address as a folder, so that links are resolved below it.
    pub(crate) fn folder(mut self) -> Self {
        if !self.path.contains('?') && !self.path.ends_with('/') {
            self.path.push('/');
        }
        self
    }

    /// Returns the name of the file, without the query.
    pub(crate) fn file(&self) -> &str {
        let path = self.path.split('?').next().unwrap_or_default();
        path.rsplit('/').next().unwrap_or_default()
    }

    /// Returns the address of a file beside this one, whose name has an ending more; the query stays.
    ///
    /// # Errors
    /// [`SourceError::Url`].
    pub(crate) fn with_ending(&self, ending: &str) -> Result<Self, SourceError> {
        let (path, query) = self.path.split_once('?').unwrap_or((&self.path, ""));
        let query = if query.is_empty() { String::new() } else { format!("?{query}") };
        Self::parse(&format!("{}://{}{path}{ending}{query}", self.scheme, self.host))
    }

    /// Returns what credentials are bound to.
    pub(crate) fn host(&self) -> &str {
        &self.host
    }

    /// Tells whether both are the same peer.
    pub(crate) fn same_peer(&self, other: &Self) -> bool {
        self.scheme == other.scheme && self.host == other.host
    }

    /// Tells whether the peer is this machine.
    pub(crate) fn is_loopback(&self) -> bool {
        is_loopback(&self.host)
    }

    /// Returns the whole address, query included, for the request itself.
    pub(crate) fn whole(&self) -> String {
        format!("{}://{}{}", self.scheme, self.host, self.path)
    }
}

impl fmt::Display for Address {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&shown(&self.whole()))
    }
}

/// Tells whether a host, with or without a port, is this machine.
pub(crate) fn is_loopback(host: &str) -> bool {
    if let Some(rest) = host.strip_prefix('[') {
        return rest.split(']').next() == Some("::1");
    }
    let name = host.rsplit_once(':').map_or(host, |(name, _)| name);
    name == "localhost" || name.parse::<std::net::Ipv4Addr>().is_ok_and(|address| address.is_loopback())
}

/// Leaves out what may be secret, and what would break a terminal.
fn shown(text: &str) -> String {
    let text = text.split(['?', '#']).next().unwrap_or_default();
    let text = match text.split_once("://") {
        Some((scheme, rest)) => {
            let end = rest.find('/').unwrap_or(rest.len());
            let host = rest[..end].rsplit_once('@').map_or(&rest[..end], |(_, host)| host);
            format!("{scheme}://{host}{}", &rest[end..])
        }
        None => text.to_owned(),
    };
    text.chars().take(300).flat_map(char::escape_default).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_safe_addresses_pass_and_secrets_are_not_shown() {
        let check = |text: &str, expected: Result<&str, &str>| match (Address::parse(text), expected) {
            (Ok(address), Ok(shown)) => assert_eq!(address.to_string(), shown),
            (Err(error), Err(part)) => {
                assert!(error.to_string().contains(part), "{error}");
                assert!(!error.to_string().contains("hunter2"), "{error}");
            }
            (found, expected) => panic!("{text}: {found:?}, expected {expected:?}"),
        };
        check("https://Charts.example.com/a", Ok("https://charts.example.com/a"));
        check("https://charts.example.com", Ok("https://charts.example.com/"));
        check("https://s3.example.com/a?signature=x", Ok("https://s3.example.com/a"));
        check("http://127.0.0.1:8080/a", Ok("http://127.0.0.1:8080/a"));
        check("http://[::1]:8080/a", Ok("http://[::1]:8080/a"));
        check("http://charts.example.com/a", Err("plain http"));
        check("http://127.0.0.1.evil.example/a", Err("plain http"));
        check("https://me:hunter2@charts.example.com/a", Err("credentials in an address"));
        check("ftp://charts.example.com", Err("https://"));
        check("https:///a", Err("needs a host"));
        check("https://a/b c", Err("space"));
    }

    #[test]
    fn links_are_resolved_as_in_a_browser_but_never_down_to_http() {
        let check = |base: &str, link: &str, expected: Option<&str>| {
            let found = Address::parse(base).unwrap().join(link).ok().map(|address| address.whole());
            assert_eq!(found.as_deref(), expected, "{base} {link}");
        };
        check("https://a.b/charts/", "web-1.tgz", Some("https://a.b/charts/web-1.tgz"));
        check("https://a.b/charts/index.yaml", "web-1.tgz", Some("https://a.b/charts/web-1.tgz"));
        check("https://a.b/charts/", "../x/./y?z=1", Some("https://a.b/x/y?z=1"));
        check("https://a.b/charts/", "/x", Some("https://a.b/x"));
        check("https://a.b/charts/", "../../../x", Some("https://a.b/x"));
        check("https://a.b/charts/", "https://c.d/x", Some("https://c.d/x"));
        check("https://a.b/charts/", "//c.d/x", Some("https://c.d/x"));
        check("https://a.b/charts/", "http://127.0.0.1/x", None);
    }
}
