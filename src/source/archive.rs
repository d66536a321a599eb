//! A `.tar.gz` archive as bytes, to its files. Hostile until read: bounded in size and number, no path that leaves it, no
//! links, no devices.

use std::io::Read;

use flate2::bufread::MultiGzDecoder;
use tar::{Archive, EntryType};

use super::SourceError;

const LARGEST_BYTES: u64 = 64 << 20;
const MOST_FILES: usize = 10_000;

/// Unpacks an archive; `name` names it in errors. Paths have `/` between their parts and no `./` before them.
///
/// # Errors
/// [`SourceError::Archive`] for what is none, or holds what no archive of files holds, and [`SourceError::TooLarge`].
pub(super) fn unpack(name: &str, bytes: &[u8]) -> Result<Vec<(String, Vec<u8>)>, SourceError> {
    let broken = |reason: String| SourceError::Archive { archive: name.to_owned(), reason };
    let too_large = |limit: String| SourceError::TooLarge { what: format!("archive {name}"), limit };
    if !bytes.starts_with(&[0x1f, 0x8b]) {
        return Err(broken("it is no .tar.gz archive".to_owned()));
    }
    let unreadable =
        |error: std::io::Error| broken(format!("it is no .tar.gz archive, or was cut off: {error}"));
    // Whatever the sizes in it promise, no more than this is unpacked; contents are counted on their own.
    let mut archive = Archive::new(MultiGzDecoder::new(bytes).take(2 * LARGEST_BYTES));
    let (mut files, mut room) = (Vec::new(), LARGEST_BYTES);
    for entry in archive.entries().map_err(unreadable)? {
        let mut entry = entry.map_err(unreadable)?;
        let path = String::from_utf8(entry.path_bytes().into_owned())
            .map_err(|_| broken("the name of a file in it is not UTF-8".to_owned()))?;
        match entry.header().entry_type() {
            EntryType::Directory | EntryType::XGlobalHeader => continue,
            EntryType::Regular | EntryType::Continuous => {}
            _ => return Err(broken(format!("`{}` in it is no plain file", path.escape_default()))),
        }
        let path =
            inside(&path).ok_or_else(|| broken(format!("`{}` leads out of it", path.escape_default())))?;
        if files.len() >= MOST_FILES {
            return Err(too_large(format!("{MOST_FILES} files")));
        }
        let mut content = Vec::new();
        (&mut entry).take(room + 1).read_to_end(&mut content).map_err(unreadable)?;
        room = room
            .checked_sub(content.len() as u64)
            .ok_or_else(|| too_large(format!("{} MiB", LARGEST_BYTES >> 20)))?;
        files.push((path, content));
    }
    if files.is_empty() { Err(broken("it holds no files".to_owned())) } else { Ok(files) }
}

/// Drops `./` parts; nothing for a path that leaves the archive.
fn inside(path: &str) -> Option<String> {
    if path.starts_with('/') || path.contains(['\\', ':', '\0']) {
        return None;
    }
    let parts: Vec<&str> = path.split('/').filter(|part| !matches!(*part, "" | ".")).collect();
    (!parts.is_empty() && !parts.contains(&"..")).then(|| parts.join("/"))
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use flate2::Compression;
    use flate2::write::GzEncoder;
    use tar::{Builder, Header};

    use super::*;

    fn packed(entries: &[(&str, EntryType, &[u8])]) -> Vec<u8> {
        let mut builder = Builder::new(GzEncoder::new(Vec::new(), Compression::fast()));
        for (path, kind, content) in entries {
            let mut header = Header::new_gnu();
            // As hostile archives do it: the builder itself refuses such names.
            header.as_old_mut().name[..path.len()].copy_from_slice(path.as_bytes());
            header.set_entry_type(*kind);
            header.set_size(content.len() as u64);
            header.set_cksum();
            builder.append(&header, *content).unwrap();
        }
        builder.into_inner().unwrap().finish().unwrap()
    }

    fn check(bytes: &[u8], expected: Result<&[(&str, &str)], &str>) {
        match (unpack("x.tar.gz", bytes), expected) {
            (Ok(files), Ok(expected)) => {
                let files: Vec<(&str, &str)> = files
                    .iter()
                    .map(|(name, content)| (name.as_str(), std::str::from_utf8(content).unwrap()))
                    .collect();
                assert_eq!(files, expected);
            }
            (Err(error), Err(part)) => assert!(error.to_string().contains(part), "{error}"),
            (found, expected) => panic!("{found:?}, expected {expected:?}"),
        }
    }

    #[test]
    fn files_come_out_and_what_leads_out_is_refused() {
        const FILE: EntryType = EntryType::Regular;
        check(
            &packed(&[("./", EntryType::Directory, b""), ("./a.yaml", FILE, b"a"), ("b/c.yaml", FILE, b"c")]),
            Ok(&[("a.yaml", "a"), ("b/c.yaml", "c")]),
        );
        check(&packed(&[("../a.yaml", FILE, b"a")]), Err("`../a.yaml` leads out of it"));
        check(&packed(&[("/etc/x", FILE, b"a")]), Err("leads out of it"));
        check(&packed(&[("a", EntryType::Symlink, b"")]), Err("`a` in it is no plain file"));
        check(&packed(&[("a", EntryType::Link, b"")]), Err("no plain file"));
        check(&packed(&[]), Err("holds no files"));
    }

    #[test]
    fn what_is_no_archive_or_too_large_a_one_is_refused() {
        check(b"<html>not found</html>", Err("it is no .tar.gz archive"));
        check(b"", Err("it is no .tar.gz archive"));
        let whole = packed(&[("a", EntryType::Regular, &[b'a'; 4000])]);
        check(&whole[..whole.len() / 2], Err("cut off"));
        let mut text = GzEncoder::new(Vec::new(), Compression::fast());
        text.write_all(&[b'x'; 2000]).unwrap();
        check(&text.finish().unwrap(), Err("it is no .tar.gz archive"));
        let bomb = vec![0; (LARGEST_BYTES + 10) as usize];
        check(&packed(&[("a", EntryType::Regular, &bomb)]), Err("larger than the limit of 64 MiB"));
    }
}
