//! Git's objects as data: ids, the files of a commit, the bytes of blobs, parsed from what plumbing prints.

use std::collections::BTreeMap;
use std::fmt;

/// The id of a blob, tree or commit: 40 or 64 lower-case hexadecimal digits.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ObjectId(String);

impl ObjectId {
    /// Checks and keeps an id.
    pub fn parse(text: &str) -> Option<Self> {
        let hex = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
        let valid = matches!(text.len(), 40 | 64) && text.bytes().all(hex);
        valid.then(|| Self(text.to_owned()))
    }

    /// Gives the digits.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ObjectId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

/// What stands at a path of a commit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// What it is.
    pub kind: EntryKind,
    /// Its object.
    pub id: ObjectId,
}

/// The kinds of entries that are not folders.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EntryKind {
    /// A plain file.
    File,
    /// A file with the executable bit.
    Executable,
    /// A symbolic link; its blob is the target.
    Symlink,
    /// A commit of another repository.
    Submodule,
}

/// All files of a commit by their paths. A path that is not UTF-8 is left out: no argument can name it.
pub type Listing = BTreeMap<String, Entry>;

/// Blobs by their ids.
pub(crate) type Blobs = BTreeMap<ObjectId, Vec<u8>>;

/// Parses `ls-tree -r -z`: `MODE TYPE ID\tPATH\0`.
pub(super) fn parse_listing(output: &[u8]) -> Listing {
    let lines = output.split(|byte| *byte == 0).filter_map(|line| std::str::from_utf8(line).ok());
    lines.filter_map(parse_entry).collect()
}

fn parse_entry(line: &str) -> Option<(String, Entry)> {
    let (about, path) = line.split_once('\t')?;
    let mut words = about.split(' ');
    let (mode, _kind, id) = (words.next()?, words.next()?, words.next()?);
    let kind = match mode {
        "120000" => EntryKind::Symlink,
        "160000" => EntryKind::Submodule,
        "100755" => EntryKind::Executable,
        _ => EntryKind::File,
    };
    Some((path.to_owned(), Entry { kind, id: ObjectId::parse(id)? }))
}

/// Parses `cat-file --batch`: `ID TYPE SIZE\n`, the bytes, `\n`. What is missing or no blob is left out.
pub(super) fn parse_blobs(mut output: &[u8]) -> Blobs {
    let mut blobs = Blobs::new();
    while let Some(end) = output.iter().position(|byte| *byte == b'\n') {
        let header = String::from_utf8_lossy(&output[..end]).into_owned();
        output = &output[end + 1..];
        let mut words = header.split(' ');
        let (id, kind, size) = (words.next(), words.next(), words.next().and_then(|size| size.parse().ok()));
        let (Some(id), Some(kind), Some(size)) = (id.and_then(ObjectId::parse), kind, size) else { continue };
        let size: usize = size;
        if output.len() < size {
            break;
        }
        if kind == "blob" {
            blobs.insert(id, output[..size].to_vec());
        }
        output = output.get(size + 1..).unwrap_or_default();
    }
    blobs
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "0123456789012345678901234567890123456789";

    #[test]
    fn ids_are_40_or_64_lower_case_digits() {
        assert!(ObjectId::parse(ID).is_some());
        for text in ["", "main", &ID[1..], &format!("{ID}0"), &ID.replace('0', "A")] {
            assert!(ObjectId::parse(text).is_none(), "{text}");
        }
    }

    #[test]
    fn listings_tell_files_links_and_submodules() {
        let text = format!(
            "100644 blob {ID}\ta b/c\0120000 blob {ID}\tl\0160000 commit {ID}\ts\0100644 blob x\tbad\0"
        );
        let listing = parse_listing(text.as_bytes());
        let kinds: Vec<_> = listing.iter().map(|(path, entry)| (path.as_str(), entry.kind)).collect();
        assert_eq!(
            kinds,
            [("a b/c", EntryKind::File), ("l", EntryKind::Symlink), ("s", EntryKind::Submodule)]
        );
    }

    #[test]
    fn blobs_are_cut_by_size_and_missing_ones_left_out() {
        let other = ID.replace('0', "f");
        let text = format!("{ID} blob 4\na\nb\n\n{other} missing\n");
        let blobs = parse_blobs(text.as_bytes());
        assert_eq!(
            blobs.into_iter().collect::<Vec<_>>(),
            [(ObjectId::parse(ID).unwrap(), b"a\nb\n".to_vec())]
        );
        assert!(parse_blobs(format!("{ID} blob 99\nshort").as_bytes()).is_empty());
    }
}
