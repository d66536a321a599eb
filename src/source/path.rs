//! A path inside a repository or work tree that cannot leave it.
//!
//! The rules are git's own for tree entries (`verify_path`: no `..`, no `.git` in any spelling that a file system folds to
//! it), made stricter where a checkout on another system would differ: no backslash, no control or invisible character.

use std::borrow::Borrow;
use std::fmt;

use super::SourceError;

const LONGEST_PATH_BYTES: usize = 4096;
const LONGEST_NAME_BYTES: usize = 255;

/// A checked relative path with `/` between its names; never empty, never escaping.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RelativePath(String);

impl RelativePath {
    /// Checks `text` and keeps it; trailing slashes are dropped.
    ///
    /// # Errors
    /// [`SourceError::Path`] with the rule that was broken.
    pub fn new(text: &str) -> Result<Self, SourceError> {
        let trimmed = text.trim_end_matches('/');
        match broken_rule(text, trimmed) {
            Some(reason) => Err(SourceError::Path { path: printable(text), reason }),
            None => Ok(Self(trimmed.to_owned())),
        }
    }

    /// Gives the path below this one.
    ///
    /// # Errors
    /// As [`RelativePath::new`].
    pub fn join(&self, below: &str) -> Result<Self, SourceError> {
        Self::new(&format!("{}/{below}", self.0))
    }

    /// Gives the text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Gives every folder above the path, nearest the root first.
    pub fn folders(&self) -> impl Iterator<Item = &str> {
        self.0.match_indices('/').map(|(at, _)| &self.0[..at])
    }

    /// Gives the rest of `path` when it lies below this folder.
    pub fn strip_from<'a>(&self, path: &'a str) -> Option<&'a str> {
        path.strip_prefix(&self.0)?.strip_prefix('/')
    }
}

impl fmt::Display for RelativePath {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

impl Borrow<str> for RelativePath {
    fn borrow(&self) -> &str {
        &self.0
    }
}

fn broken_rule(text: &str, trimmed: &str) -> Option<&'static str> {
    if trimmed.is_empty() {
        return Some("it is empty");
    }
    if text.starts_with('/') || is_drive(text) {
        return Some("it is absolute; write it relative to the repository's root");
    }
    if text.contains('\\') {
        return Some("it contains a backslash; names are separated by `/`");
    }
    if text.chars().any(is_invisible) {
        return Some("it contains a control or invisible character");
    }
    if text.len() > LONGEST_PATH_BYTES {
        return Some("it is longer than 4096 bytes");
    }
    trimmed.split('/').find_map(broken_name_rule)
}

fn broken_name_rule(name: &str) -> Option<&'static str> {
    match name {
        "" => Some("it contains an empty name (`//`)"),
        "." => Some("it contains `.`"),
        ".." => Some("it leaves the repository through `..`"),
        _ if name.len() > LONGEST_NAME_BYTES => Some("one of its names is longer than 255 bytes"),
        _ if is_git_folder(name) => Some("it enters git's own folder `.git`"),
        _ => None,
    }
}

/// `.git`, also as case-folding file systems and NTFS (short name, trailing dots, streams) would resolve it.
fn is_git_folder(name: &str) -> bool {
    let folded = name.to_ascii_lowercase();
    let stem = folded.split(':').next().unwrap_or_default().trim_end_matches(['.', ' ']);
    stem == ".git" || stem == "git~1"
}

fn is_drive(text: &str) -> bool {
    let bytes = text.as_bytes();
    bytes.len() > 1 && bytes[1] == b':' && bytes[0].is_ascii_alphabetic()
}

fn is_invisible(character: char) -> bool {
    character.is_control()
        || matches!(character, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
}

fn printable(text: &str) -> String {
    text.chars().take(200).flat_map(char::escape_default).collect()
}

#[cfg(test)]
mod tests {
    use super::RelativePath;

    fn check(text: &str, expected: Result<&str, &str>) {
        match (RelativePath::new(text), expected) {
            (Ok(path), Ok(kept)) => assert_eq!(path.as_str(), kept),
            (Err(error), Err(part)) => {
                assert!(error.to_string().contains(part), "{text:?}: {error} lacks {part:?}");
            }
            (found, expected) => panic!("{text:?}: {found:?}, expected {expected:?}"),
        }
    }

    #[test]
    fn keeps_paths_inside_and_refuses_all_that_escape() {
        for (text, expected) in [
            ("clusters/pre-gke", Ok("clusters/pre-gke")),
            ("clusters/pre-gke/", Ok("clusters/pre-gke")),
            (".github/x.yaml", Ok(".github/x.yaml")),
            ("naïve/é", Ok("naïve/é")),
            ("a..b/...", Ok("a..b/...")),
            ("", Err("empty")),
            ("/", Err("empty")),
            ("/etc", Err("absolute")),
            ("c:/x", Err("absolute")),
            ("../x", Err("`..`")),
            ("a/../../x", Err("`..`")),
            ("a/..", Err("`..`")),
            ("./a", Err("`.`")),
            ("a//b", Err("`//`")),
            ("a\\b", Err("backslash")),
            ("a\nb", Err("control")),
            ("a\u{200c}b", Err("invisible")),
            (".git/config", Err(".git")),
            ("a/.GIT/config", Err(".git")),
            ("a/git~1/x", Err(".git")),
            (".git. /x", Err(".git")),
            (".git::$INDEX_ALLOCATION/x", Err(".git")),
        ] {
            check(text, expected);
        }
        check(&"a".repeat(256), Err("255"));
        check(&"ab/".repeat(2000), Err("4096"));
    }

    #[test]
    fn names_the_folders_above_a_path() {
        let path = RelativePath::new("a/b/c.yaml").unwrap();
        assert_eq!(path.folders().collect::<Vec<_>>(), ["a", "a/b"]);
    }
}
