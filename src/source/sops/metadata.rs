//! The `sops` part of a file: whom it is encrypted for, and which of its values are.
//!
//! Follows getsops/sops 3.13 (`stores/stores.go`, `sops.go`): at most one rule says what is encrypted; without one, all is that
//! has no key ending in `_unencrypted` above it.

use helm_engine::yaml::{Field, FieldKind};
use regex::Regex;

/// What is said beside the values.
#[derive(Debug)]
pub(super) struct Metadata {
    /// Recipients of age with the data key encrypted for each, in age's armour.
    pub(super) age: Vec<(String, String)>,
    /// Keys of other kinds, as people call them: `pgp`, `kms`.
    pub(super) others: Vec<&'static str>,
    /// Whether the data key is in several parts.
    pub(super) has_groups: bool,
    /// The encrypted message authentication code.
    pub(super) mac: String,
    /// What the code is bound to.
    pub(super) last_modified: String,
    /// Whether the code covers encrypted values only.
    pub(super) mac_only_encrypted: bool,
    /// Which values are encrypted.
    pub(super) rule: Rule,
}

/// Which values are encrypted.
#[derive(Debug)]
pub(super) enum Rule {
    /// All without a key of this ending above them.
    UnencryptedSuffix(String),
    /// Those with a key of this ending above them.
    EncryptedSuffix(String),
    /// All without a matching key above them.
    UnencryptedRegex(Regex),
    /// Those with a matching key above them.
    EncryptedRegex(Regex),
    /// Comments decide; a value is taken for what it looks like.
    Comments,
}

/// Kinds of keys, as they are called in a file.
const OTHERS: &[&str] = &["pgp", "kms", "gcp_kms", "hckms", "azure_kv", "hc_vault"];

impl Metadata {
    /// Finds the part in a document; none where the file is no SOPS file.
    pub(super) fn of(document: &Field) -> Option<Result<Self, String>> {
        let part = document.get("sops").filter(|part| matches!(part.kind, FieldKind::Map(_)))?;
        part.get("mac").or(part.get("lastmodified"))?;
        Some(Self::read(part))
    }

    fn read(part: &Field) -> Result<Self, String> {
        let text = |name: &str| part.get(name).and_then(Field::as_go_string).filter(|text| !text.is_empty());
        let needed = |name: &str| text(name).ok_or(format!("it has no `{name}`"));
        let keys = |name: &str| part.get(name).map(items).unwrap_or_default();
        let age = keys("age")
            .iter()
            .filter_map(|key| Some((key.get("recipient")?.as_go_string()?, key.get("enc")?.as_go_string()?)));
        Ok(Self {
            age: age.collect(),
            others: OTHERS.iter().copied().filter(|name| !keys(name).is_empty()).collect(),
            has_groups: !keys("key_groups").is_empty(),
            mac: needed("mac")?,
            last_modified: needed("lastmodified")?,
            mac_only_encrypted: text("mac_only_encrypted").is_some_and(|text| text == "true"),
            rule: Rule::read(&text)?,
        })
    }

    /// Names all whom the file is encrypted for.
    pub(super) fn recipients(&self) -> String {
        let age = self.age.iter().map(|(recipient, _)| recipient.as_str());
        let all: Vec<&str> = age.chain(self.others.iter().copied()).collect();
        match (all.is_empty(), self.has_groups) {
            (_, true) => "several groups of keys".to_owned(),
            (true, false) => "nobody".to_owned(),
            (false, false) => all.join(", "),
        }
    }
}

fn items(field: &Field) -> &[Field] {
    match &field.kind {
        FieldKind::List(items) => items,
        _ => &[],
    }
}

impl Rule {
    fn read(text: &dyn Fn(&str) -> Option<String>) -> Result<Self, String> {
        let regex = |name: &str| {
            let pattern = text(name)?;
            Some(
                Regex::new(&pattern).map_err(|_| format!("its `{name}` is no regular expression: {pattern}")),
            )
        };
        let mut found = vec![
            text("unencrypted_suffix").map(|suffix| Ok(Self::UnencryptedSuffix(suffix))),
            text("encrypted_suffix").map(|suffix| Ok(Self::EncryptedSuffix(suffix))),
            regex("unencrypted_regex").map(|regex| regex.map(Self::UnencryptedRegex)),
            regex("encrypted_regex").map(|regex| regex.map(Self::EncryptedRegex)),
            text("unencrypted_comment_regex").map(|_| Ok(Self::Comments)),
            text("encrypted_comment_regex").map(|_| Ok(Self::Comments)),
        ]
        .into_iter()
        .flatten();
        let rule = found.next().unwrap_or_else(|| Ok(Self::UnencryptedSuffix("_unencrypted".to_owned())))?;
        match found.next() {
            None => Ok(rule),
            Some(_) => Err("more than one rule says what is encrypted".to_owned()),
        }
    }

    /// Tells whether the value below these keys is encrypted.
    pub(super) fn covers(&self, path: &[&str], looks_encrypted: bool) -> bool {
        match self {
            Self::UnencryptedSuffix(suffix) => !path.iter().any(|key| key.ends_with(suffix)),
            Self::EncryptedSuffix(suffix) => path.iter().any(|key| key.ends_with(suffix)),
            Self::UnencryptedRegex(regex) => !path.iter().any(|key| regex.is_match(key)),
            Self::EncryptedRegex(regex) => path.iter().any(|key| regex.is_match(key)),
            Self::Comments => looks_encrypted,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use helm_engine::yaml::read_with_spans;

    fn read(text: &str) -> Option<Result<Metadata, String>> {
        Metadata::of(&read_with_spans(text.as_bytes()).unwrap().unwrap())
    }

    #[test]
    fn a_key_called_sops_is_no_sops_file() {
        assert!(read("sops: {enabled: true}").is_none());
        assert!(read("sops: 1").is_none());
        assert!(read("a: 1").is_none());
    }

    #[test]
    fn what_is_missing_or_contradicts_itself_is_named() {
        let error = |text: &str| read(text).unwrap().unwrap_err();
        assert_eq!(error("sops: {mac: x}"), "it has no `lastmodified`");
        assert_eq!(error("sops: {lastmodified: x}"), "it has no `mac`");
        let two = "sops: {mac: x, lastmodified: x, encrypted_suffix: a, encrypted_regex: b}";
        assert_eq!(error(two), "more than one rule says what is encrypted");
        let broken = "sops: {mac: x, lastmodified: x, encrypted_regex: '('}";
        assert_eq!(error(broken), "its `encrypted_regex` is no regular expression: (");
    }

    #[test]
    fn rules_look_at_all_keys_above_a_value() {
        let check = |rule: &str, path: &[&str], expected: bool| {
            let text = format!("sops: {{mac: x, lastmodified: x{rule}}}");
            let metadata = read(&text).unwrap().unwrap();
            assert_eq!(metadata.rule.covers(path, false), expected, "{rule} {path:?}");
        };
        check("", &["a", "b"], true);
        check("", &["a_unencrypted", "b"], false);
        check(", encrypted_suffix: _secret", &["a", "b"], false);
        check(", encrypted_suffix: _secret", &["a_secret", "b"], true);
        check(", encrypted_regex: '^(data|stringData)$'", &["data", "b"], true);
        check(", encrypted_regex: '^(data|stringData)$'", &["metadata", "b"], false);
        check(", unencrypted_regex: 'name'", &["a", "name"], false);
    }
}
