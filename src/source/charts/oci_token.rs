//! Being let in by an OCI registry: Basic, or a token from the server that the registry names.

use serde::Deserialize;

use super::super::{Secret, SourceError};
use super::address::Address;
use super::http::{Client, Question};
use super::login::Login;

/// What a registry wants to see.
#[derive(Debug, PartialEq)]
pub(super) enum Challenge {
    /// Name and password.
    Basic,
    /// A token from elsewhere.
    Bearer {
        /// Where tokens are given out.
        realm: String,
        /// For what service.
        service: Option<String>,
        /// For what.
        scope: Option<String>,
    },
}

impl Challenge {
    /// Reads a `WWW-Authenticate` header; nothing for a scheme that is not known here.
    pub(super) fn parse(header: &str) -> Option<Self> {
        let (scheme, rest) = header.trim().split_once(' ').unwrap_or((header.trim(), ""));
        if scheme.eq_ignore_ascii_case("basic") {
            return Some(Challenge::Basic);
        }
        if !scheme.eq_ignore_ascii_case("bearer") {
            return None;
        }
        let part = |name: &str| {
            let start = rest.to_ascii_lowercase().find(&format!("{name}=\""))? + name.len() + 2;
            rest[start..].split('"').next().map(str::to_owned)
        };
        Some(Challenge::Bearer { realm: part("realm")?, service: part("service"), scope: part("scope") })
    }
}

#[derive(Deserialize)]
struct TokenAnswer {
    token: Option<String>,
    access_token: Option<String>,
}

/// Returns the `Authorization` header for a challenge; nothing where the login has none to offer.
///
/// # Errors
/// When no token is given out.
pub(super) fn token(
    client: &Client,
    challenge: &Challenge,
    login: &Login,
    registry: &Address,
) -> Result<Option<Secret>, SourceError> {
    let Challenge::Bearer { realm, service, scope } = challenge else { return Ok(login.basic()) };
    let realm = registry.join(realm)?;
    let parts = [("service", service), ("scope", scope)];
    let query: Vec<String> = parts
        .iter()
        .filter_map(|(name, value)| Some(format!("{name}={}", escape(value.as_deref()?))))
        .collect();
    let query = query.join("&");
    let (address, form) = match &login.refresh {
        Some(refresh) => {
            let form = format!(
                "grant_type=refresh_token&client_id=strata&{query}&refresh_token={}",
                escape(refresh.reveal())
            );
            (realm, Some(Secret::new(form)))
        }
        None => {
            let whole = realm.whole();
            let joint = if whole.contains('?') { "&" } else { "?" };
            (Address::parse(&format!("{whole}{joint}{query}"))?, None)
        }
    };
    let question = Question {
        address: &address,
        accept: "application/json",
        authorization: if form.is_some() { None } else { login.basic() },
        authority: login.authority(),
        known: None,
        form,
        most_bytes: 1 << 20,
    };
    let content = client.ask(&question)?.into_content(&address)?;
    let malformed =
        |message: &str| SourceError::Refused { url: address.to_string(), message: message.to_owned() };
    let answer: TokenAnswer = serde_json::from_slice(&content).map_err(|_| malformed("it gave no token"))?;
    let token = answer.token.or(answer.access_token).ok_or_else(|| malformed("it gave no token"))?;
    Ok(Some(Secret::new(format!("Bearer {token}"))))
}

fn escape(text: &str) -> String {
    let escaped = |byte: u8| match byte {
        b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => char::from(byte).to_string(),
        other => format!("%{other:02X}"),
    };
    text.bytes().map(escaped).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn challenges_are_read() {
        let bearer = r#"Bearer realm="https://auth.example/token",service="registry",scope="repository:a/b:pull,push""#;
        let expected = Challenge::Bearer {
            realm: "https://auth.example/token".into(),
            service: Some("registry".into()),
            scope: Some("repository:a/b:pull,push".into()),
        };
        assert_eq!(Challenge::parse(bearer), Some(expected));
        assert_eq!(Challenge::parse("basic realm=\"x\""), Some(Challenge::Basic));
        assert_eq!(Challenge::parse("Negotiate"), None);
        assert_eq!(Challenge::parse("Bearer service=\"x\""), None);
        assert_eq!(escape("repository:a/b:pull"), "repository%3Aa%2Fb%3Apull");
    }
}
