//! Age keys: where they are looked for, and the data key that one of them opens.
//!
//! The places are those of SOPS itself: `SOPS_AGE_KEY`, the file that `SOPS_AGE_KEY_FILE` names, and `sops/age/keys.txt` in the
//! user's configuration folder; what the provider block says comes first.

use std::io::Read;
use std::path::PathBuf;

use age::x25519::Identity;

use super::super::Secret;
use super::super::directory::read_bounded;
use super::cipher::DataKey;
use super::error::SopsError;

const LARGEST_KEY_FILE_BYTES: u64 = 1 << 20;

/// Where keys come from.
#[derive(Clone, Debug, Default)]
pub struct KeySources {
    /// Keys that are given, one a line.
    pub given: Option<Secret>,
    /// Whether keys will be given, but are not known yet.
    pub is_waiting: bool,
    /// `SOPS_AGE_KEY`.
    pub variable: Option<Secret>,
    /// The file that `SOPS_AGE_KEY_FILE` names.
    pub file: Option<PathBuf>,
    /// The file that need not be there.
    pub usual_file: Option<PathBuf>,
}

impl KeySources {
    /// Takes what the environment says.
    pub fn from_environment() -> Self {
        let variable = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
        Self {
            given: None,
            is_waiting: false,
            variable: variable("SOPS_AGE_KEY").map(Secret::new),
            file: variable("SOPS_AGE_KEY_FILE").map(PathBuf::from),
            usual_file: configuration_folder().map(|folder| folder.join("sops/age/keys.txt")),
        }
    }

    /// Names the places for people.
    fn looked(&self) -> String {
        let usual = self.usual_file.as_ref().map(|path| path.display().to_string());
        let places = ["the provider's sops block", "SOPS_AGE_KEY", "SOPS_AGE_KEY_FILE"].map(str::to_owned);
        places.into_iter().chain(usual).collect::<Vec<_>>().join(", ")
    }

    /// Reads all keys.
    ///
    /// # Errors
    /// When a place that is named holds no key.
    fn identities(&self) -> Result<Vec<Identity>, SopsError> {
        let mut all = Vec::new();
        let texts = [("the provider's sops block", &self.given), ("SOPS_AGE_KEY", &self.variable)];
        for (place, text) in texts {
            if let Some(text) = text {
                all.extend(parse(text.reveal(), place)?);
            }
        }
        if let Some(path) = &self.file {
            let place = format!("{} (SOPS_AGE_KEY_FILE)", path.display());
            let content = read_bounded(path, LARGEST_KEY_FILE_BYTES);
            let content = content
                .map_err(|error| SopsError::BadKey { place: place.clone(), why: error.to_string() })?;
            all.extend(parse(&String::from_utf8_lossy(&content), &place)?);
        }
        if let Some(path) = &self.usual_file
            && let Ok(content) = read_bounded(path, LARGEST_KEY_FILE_BYTES)
        {
            // Keys of plugins may stand there too, which others use.
            all.extend(parse(&String::from_utf8_lossy(&content), "").unwrap_or_default());
        }
        Ok(all)
    }

    /// Opens the data key of a file that is encrypted for these recipients.
    ///
    /// # Errors
    /// When there is no key, or none is the right one.
    pub(super) fn open(&self, file: &str, age: &[(String, String)]) -> Result<DataKey, SopsError> {
        let identities = self.identities()?;
        let recipients =
            || age.iter().map(|(recipient, _)| recipient.as_str()).collect::<Vec<_>>().join(", ");
        if identities.is_empty() {
            let looked = if self.is_waiting {
                "the provider's sops block, which is not known yet".to_owned()
            } else {
                self.looked()
            };
            return Err(SopsError::NoKey { file: file.to_owned(), recipients: recipients(), looked });
        }
        age.iter().find_map(|(_, armoured)| data_key(armoured, &identities)).ok_or_else(|| {
            let present: Vec<String> = identities.iter().map(|one| one.to_public().to_string()).collect();
            let (file, present) = (file.to_owned(), present.join(", "));
            SopsError::WrongKey { file, recipients: recipients(), present }
        })
    }
}

fn data_key(armoured: &str, identities: &[Identity]) -> Option<DataKey> {
    let reader = age::armor::ArmoredReader::new(armoured.as_bytes());
    let decryptor = age::Decryptor::new(reader).ok()?;
    let identities = identities.iter().map(|identity| identity as &dyn age::Identity);
    let mut key = Vec::new();
    decryptor.decrypt(identities).ok()?.take(64).read_to_end(&mut key).ok()?;
    Some(DataKey(key.try_into().ok()?))
}

/// Reads keys, one a line or with blanks between them; comments and empty lines are left out.
fn parse(text: &str, place: &str) -> Result<Vec<Identity>, SopsError> {
    let refused = |why: &str| SopsError::BadKey { place: place.to_owned(), why: why.to_owned() };
    let lines = text.lines().map(str::trim).filter(|line| !line.starts_with('#'));
    let words = lines.flat_map(str::split_whitespace);
    let keys: Vec<Identity> = words
        .map(|word| match word.parse::<Identity>() {
            Ok(identity) => Ok(identity),
            Err(_) if word.to_ascii_uppercase().starts_with("AGE-PLUGIN-") => {
                Err(refused("a plugin's key works with the `sops` command alone"))
            }
            Err(_) if word.starts_with("age1") => {
                Err(refused("it holds a public key, a private one is needed"))
            }
            Err(_) => Err(refused("it is no private key of age, or was cut off")),
        })
        .collect::<Result<_, _>>()?;
    if keys.is_empty() { Err(refused("it is empty")) } else { Ok(keys) }
}

/// Returns the folder that SOPS takes for the user's configuration.
fn configuration_folder() -> Option<PathBuf> {
    let path = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    if cfg!(windows) {
        return path("AppData");
    }
    let usual = if cfg!(target_os = "macos") { "Library/Application Support" } else { ".config" };
    path("XDG_CONFIG_HOME").or_else(|| Some(path("HOME")?.join(usual)))
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &str = "AGE-SECRET-KEY-1GFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPQ4EGAEX";

    #[test]
    fn keys_are_read_from_lines_and_what_is_none_is_never_shown() {
        assert_eq!(
            parse(&format!("# created: x\n# public key: age1x\n{KEY}\n\n{KEY}"), "x").unwrap().len(),
            2
        );
        for (text, part) in [
            ("", "it is empty"),
            ("# nothing", "it is empty"),
            ("AGE-PLUGIN-YUBIKEY-1X", "plugin"),
            ("age1qqq", "public key"),
            ("AGE-SECRET-KEY-1GFPYY", "cut off"),
        ] {
            let error = parse(text, "SOPS_AGE_KEY").map(|_| ()).unwrap_err().to_string();
            assert!(error.contains(part) && error.contains("SOPS_AGE_KEY"), "{error}");
            assert!(!error.contains("GFPYY"), "{error}");
        }
    }

    #[test]
    fn without_a_key_the_places_are_named() {
        let open = |sources: &KeySources| {
            let age = [("age1recipient".to_owned(), "x".to_owned())];
            sources.open("a.yaml", &age).map(|_| ()).unwrap_err().to_string()
        };
        let error = open(&KeySources::default());
        assert!(
            error.contains("encrypted for age1recipient") && error.contains("SOPS_AGE_KEY_FILE"),
            "{error}"
        );
        let error = open(&KeySources { is_waiting: true, ..KeySources::default() });
        assert!(error.contains("not known yet"), "{error}");
        let error = open(&KeySources { file: Some("/nonexistent/keys.txt".into()), ..KeySources::default() });
        assert!(error.contains("/nonexistent/keys.txt (SOPS_AGE_KEY_FILE)"), "{error}");
        let error = open(&KeySources { given: Some(Secret::new(KEY)), ..KeySources::default() });
        assert!(error.contains("the keys at hand are those of age1"), "{error}");
    }
}
