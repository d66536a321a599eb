//! Whose a delivered file is, written into the file itself.
//!
//! Each file opens with a comment that names the release. A comment travels with the file through renames, copies and history, needs
//! no index file that every change would touch (and every merge would fight over), and tells a reader who finds the file what it is.

use std::fmt;

const MARK: &str = "# strata: ";
const ADVICE: &str =
    "# Rendered by Terraform: change the chart or the values instead, edits here are overwritten.";

/// What kind of thing owns a file.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum OwnerKind {
    /// A release.
    #[default]
    Release,
    /// A GitOps agent.
    Agent,
}

impl OwnerKind {
    const ALL: [OwnerKind; 2] = [OwnerKind::Release, OwnerKind::Agent];

    fn word(self) -> &'static str {
        match self {
            OwnerKind::Release => "release",
            OwnerKind::Agent => "agent",
        }
    }
}

/// The release or agent that owns a file.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Owner {
    /// What it is.
    pub kind: OwnerKind,
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
        let mark = format!("{MARK}{self}");
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
        let (word, rest) = line.strip_prefix(MARK)?.split_once(' ')?;
        let kind = OwnerKind::ALL.into_iter().find(|kind| kind.word() == word)?;
        let (of, cluster) = rest.split_once(" on ")?;
        let (namespace, name) = of.split_once('/')?;
        let (cluster, namespace, name) = (cluster.to_owned(), namespace.to_owned(), name.to_owned());
        Some(Self { kind, cluster, namespace, name })
    }
}

impl fmt::Display for Owner {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} {}/{} on {}", self.kind.word(), self.namespace, self.name, self.cluster)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_signed_file_names_its_owner_and_others_name_none() {
        for kind in OwnerKind::ALL {
            let (cluster, namespace, name) = ("pre gke on x".into(), "dns".into(), "external-dns".into());
            let owner = Owner { kind, cluster, namespace, name };
            let signed = owner.sign(b"kind: Service\n");
            assert_eq!(Owner::of(&signed), Some(owner));
            assert!(signed.ends_with(b"\nkind: Service\n"));
        }
        for content in [
            "",
            "kind: Service\n",
            "# strata: release x\n",
            "# strata: release a/b\n",
            "# strata: x a/b on c\n",
            "\u{0}",
        ] {
            assert_eq!(Owner::of(content.as_bytes()), None, "{content}");
        }
        assert!(Owner::of(b"# strata: release a/b on c\r\nx").is_some_and(|owner| owner.cluster == "c"));
    }
}
