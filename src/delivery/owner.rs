//! Whose a delivered file is, written into the file itself.
//!
//! Each file opens with a comment that names the release. A comment travels with the file through renames, copies and history, needs
//! no index file that every change would touch (and every merge would fight over), and tells a reader who finds the file what it is.

use std::fmt;

const MARK: &str = "# strata: release ";
const ADVICE: &str =
    "# Rendered by Terraform: change the chart or the values instead, edits here are overwritten.";

/// The release that owns a file.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Owner {
    /// The cluster it is for.
    pub cluster: String,
    /// Its namespace there.
    pub namespace: String,
    /// Its name in the namespace.
    pub name: String,
}

impl Owner {
    /// Gives `content` with the comment that names the owner on top.
    pub(crate) fn sign(&self, content: &[u8]) -> Vec<u8> {
        let mark = format!("{MARK}{}/{} on {}", self.namespace, self.name, self.cluster);
        let mut signed = mark.replace(|letter: char| letter.is_control(), " ").into_bytes();
        signed.push(b'\n');
        signed.extend_from_slice(ADVICE.as_bytes());
        signed.push(b'\n');
        signed.extend_from_slice(content);
        signed
    }

    /// Reads the owner from a file's first line.
    pub(crate) fn of(content: &[u8]) -> Option<Self> {
        let line = content.split(|byte| *byte == b'\n').next()?;
        let line = std::str::from_utf8(line).ok()?.trim_end_matches('\r');
        let (release, cluster) = line.strip_prefix(MARK)?.split_once(" on ")?;
        let (namespace, name) = release.split_once('/')?;
        Some(Self { cluster: cluster.to_owned(), namespace: namespace.to_owned(), name: name.to_owned() })
    }
}

impl fmt::Display for Owner {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "release {}/{} on {}", self.namespace, self.name, self.cluster)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_signed_file_names_its_owner_and_others_name_none() {
        let owner =
            Owner { cluster: "pre gke on x".into(), namespace: "dns".into(), name: "external-dns".into() };
        let signed = owner.sign(b"kind: Service\n");
        assert_eq!(Owner::of(&signed), Some(owner));
        assert!(signed.ends_with(b"\nkind: Service\n"));
        for content in ["", "kind: Service\n", "# strata: release x\n", "# strata: release a/b\n", "\u{0}"] {
            assert_eq!(Owner::of(content.as_bytes()), None, "{content}");
        }
        assert!(Owner::of(b"# strata: release a/b on c\r\nx").is_some_and(|owner| owner.cluster == "c"));
    }
}
