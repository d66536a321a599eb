//! Packaged charts: a gzipped tar archive, as bytes, to a list of files.
//!
//! Follows Helm's `loader/archive` with its messages: the first part of every path is dropped; absolute paths, `..`,
//! drive letters and oversized content are refused. Beyond Helm, links and devices are refused too (Helm reads them as
//! empty files), and so are archives nested in each other without end.

use std::io::{self, Read};

use flate2::bufread::MultiGzDecoder;

use super::load::SourceFile;
use crate::Mode;

/// The most bytes all files of one archive may have: Helm's default.
const MAX_CHART_BYTES: u64 = 100 << 20;
/// The most bytes one file may have in Helm 3.
pub(super) const MAX_FILE_BYTES: u64 = 5 << 20;
/// The most entries of one archive.
const MAX_ENTRIES: usize = 100_000;
/// The largest extension header, such as a long name.
const MAX_EXTENSION_BYTES: u64 = 1 << 20;

const BLOCK: usize = 512;

/// Reads the files of an archive, their paths without the first part.
///
/// # Errors
/// When it is no gzipped tar archive, leaves its directory, or is larger than allowed.
pub(super) fn read(bytes: &[u8], mode: Mode) -> Result<Vec<SourceFile>, String> {
    if bytes.is_empty() {
        return Err("EOF".to_owned());
    }
    if !bytes.starts_with(b"\x1F\x8B\x08") {
        return Err("gzip: invalid header".to_owned());
    }
    let mut tar = Tar { stream: MultiGzDecoder::new(bytes), overhead: 0 };
    let mut files = Vec::new();
    let mut remaining = MAX_CHART_BYTES;
    while let Some(entry) = tar.next_entry()? {
        if entry.is_directory() {
            tar.skip(entry.size)?;
            continue;
        }
        let path = path_in_chart(&entry.name)?;
        if !entry.is_file() {
            return Err(format!("chart contains {}, which is a link or a device", quote(&entry.name)));
        }
        if entry.size > remaining {
            return Err(too_large(mode));
        }
        if mode == Mode::Helm3 && entry.size > MAX_FILE_BYTES {
            let name = quote(&entry.name);
            return Err(format!(
                "decompressed chart file {name} is larger than the maximum file size {MAX_FILE_BYTES}"
            ));
        }
        let data = tar.content(entry.size)?;
        remaining -= entry.size;
        if remaining == 0 {
            return Err(too_large(mode));
        }
        if files.len() == MAX_ENTRIES {
            return Err(format!("chart archive holds more than {MAX_ENTRIES} files"));
        }
        files.push(SourceFile::new(path, data));
    }
    if files.is_empty() {
        return Err("no files in chart archive".to_owned());
    }
    Ok(files)
}

fn too_large(mode: Mode) -> String {
    let what = if mode == Mode::Helm3 { "maximum file size" } else { "maximum size" };
    format!("decompressed chart is larger than the {what} {MAX_CHART_BYTES}")
}

fn quote(name: &str) -> String {
    crate::gotext::quote(name)
}

/// Drops the first part of a path and refuses what would leave the chart.
fn path_in_chart(name: &str) -> Result<String, String> {
    let delimiter = if name.contains('\\') { '\\' } else { '/' };
    let (first, rest) = name.split_once(delimiter).unwrap_or((name, ""));
    let path = rest.replace(delimiter, "/");
    if path.starts_with('/') {
        return Err("chart illegally contains absolute paths".to_owned());
    }
    let path = super::clean_path(&path);
    if path == "." {
        return Err(format!("chart illegally contains content outside the base directory: {}", quote(name)));
    }
    if path.starts_with("..") {
        return Err("chart illegally references parent directory".to_owned());
    }
    let bytes = path.as_bytes();
    if bytes.len() > 2 && bytes[0].is_ascii_alphabetic() && &bytes[1..3] == b":/" {
        return Err("chart contains illegally named files".to_owned());
    }
    if first == "Chart.yaml" {
        return Err("chart yaml not in base directory".to_owned());
    }
    Ok(path)
}

/// One entry of a tar archive.
struct Entry {
    name: String,
    size: u64,
    kind: u8,
}

impl Entry {
    fn is_directory(&self) -> bool {
        self.kind == b'5' || (self.is_file() && self.name.ends_with('/'))
    }

    fn is_file(&self) -> bool {
        matches!(self.kind, b'0' | 0 | b'7')
    }
}

/// A reader of the formats that `tar`, Go and Helm write: ustar, PAX and GNU long names.
struct Tar<'a> {
    stream: MultiGzDecoder<&'a [u8]>,
    /// Bytes read that are no file content: headers, padding, skipped entries.
    overhead: u64,
}

impl Tar<'_> {
    /// Reads the next header that stands for a file, directory, link or device.
    fn next_entry(&mut self) -> Result<Option<Entry>, String> {
        let (mut long_name, mut long_size) = (None, None);
        loop {
            let Some(header) = self.header()? else { return Ok(None) };
            let size = number(&header[124..136]).ok_or(INVALID_HEADER)?;
            match header[156] {
                b'x' => {
                    let records = self.extension(size)?;
                    long_name = pax_record(&records, b"path").or(long_name);
                    long_size = pax_record(&records, b"size").and_then(|s| s.parse().ok()).or(long_size);
                }
                b'L' => {
                    let name = self.extension(size)?;
                    let end = name.iter().position(|b| *b == 0).unwrap_or(name.len());
                    long_name = Some(String::from_utf8_lossy(&name[..end]).into_owned());
                }
                b'K' | b'g' => {
                    self.extension(size)?;
                }
                kind => {
                    let name = long_name.unwrap_or_else(|| short_name(&header));
                    let size = if matches!(kind, b'1'..=b'6') { 0 } else { long_size.unwrap_or(size) };
                    return Ok(Some(Entry { name, size, kind }));
                }
            }
        }
    }

    /// Reads a header block; `None` at the end of the archive.
    fn header(&mut self) -> Result<Option<[u8; BLOCK]>, String> {
        let mut header = [0; BLOCK];
        if !self.fill(&mut header)? || header.iter().all(|byte| *byte == 0) {
            return Ok(None);
        }
        let stored = number(&header[148..156]).ok_or(INVALID_HEADER)?;
        let sum = |signed: bool| -> i64 {
            let byte = |at: usize| if (148..156).contains(&at) { b' ' } else { header[at] };
            (0..BLOCK)
                .map(|at| if signed { i64::from(byte(at).cast_signed()) } else { i64::from(byte(at)) })
                .sum()
        };
        let stored = i64::try_from(stored).unwrap_or(-1);
        if stored != sum(false) && stored != sum(true) {
            return Err(INVALID_HEADER.to_owned());
        }
        self.spend(BLOCK as u64)?;
        Ok(Some(header))
    }

    fn extension(&mut self, size: u64) -> Result<Vec<u8>, String> {
        if size > MAX_EXTENSION_BYTES {
            return Err(INVALID_HEADER.to_owned());
        }
        self.spend(size)?;
        self.content(size)
    }

    /// Reads the content of an entry and its padding.
    fn content(&mut self, size: u64) -> Result<Vec<u8>, String> {
        let mut data = Vec::new();
        let read = self.stream.by_ref().take(size).read_to_end(&mut data).map_err(stream_error)?;
        if (read as u64) < size {
            return Err("unexpected EOF".to_owned());
        }
        self.discard(padding(size))?;
        Ok(data)
    }

    fn skip(&mut self, size: u64) -> Result<(), String> {
        self.spend(size)?;
        self.discard(size.saturating_add(padding(size)))
    }

    fn discard(&mut self, bytes: u64) -> Result<(), String> {
        io::copy(&mut self.stream.by_ref().take(bytes), &mut io::sink()).map_err(stream_error)?;
        Ok(())
    }

    /// Bounds what is read beside the content of files.
    fn spend(&mut self, bytes: u64) -> Result<(), String> {
        self.overhead = self.overhead.saturating_add(bytes);
        if self.overhead > MAX_CHART_BYTES {
            return Err(too_large(Mode::Helm4));
        }
        Ok(())
    }

    /// Fills a block; false if the archive ended before it.
    fn fill(&mut self, block: &mut [u8]) -> Result<bool, String> {
        let mut filled = 0;
        while filled < block.len() {
            match self.stream.read(&mut block[filled..]).map_err(stream_error)? {
                0 if filled == 0 => return Ok(false),
                0 => return Err("unexpected EOF".to_owned()),
                read => filled += read,
            }
        }
        Ok(true)
    }
}

const INVALID_HEADER: &str = "archive/tar: invalid tar header";

fn padding(size: u64) -> u64 {
    size.next_multiple_of(BLOCK as u64) - size
}

fn stream_error(error: io::Error) -> String {
    match error.kind() {
        io::ErrorKind::UnexpectedEof => "unexpected EOF".to_owned(),
        _ if error.to_string().contains("checksum") => "gzip: invalid checksum".to_owned(),
        _ => format!("flate: corrupt input: {error}"),
    }
}

/// Reads an octal field, or a base-256 one.
fn number(field: &[u8]) -> Option<u64> {
    if field[0] & 0x80 != 0 {
        let (first, rest) = (u64::from(field[0] & 0x7F), &field[1..]);
        return rest.iter().try_fold(first, |sum, byte| Some(sum.checked_mul(256)? + u64::from(*byte)));
    }
    let digits = field.iter().filter(|byte| !matches!(byte, b' ' | 0));
    digits.copied().try_fold(0_u64, |sum, byte| {
        if (b'0'..=b'7').contains(&byte) { Some(sum.checked_mul(8)? + u64::from(byte - b'0')) } else { None }
    })
}

fn short_name(header: &[u8; BLOCK]) -> String {
    let text = |field: &[u8]| {
        let end = field.iter().position(|byte| *byte == 0).unwrap_or(field.len());
        String::from_utf8_lossy(&field[..end]).into_owned()
    };
    let name = text(&header[..100]);
    let is_ustar = &header[257..263] == b"ustar\0";
    let prefix = if is_ustar { text(&header[345..500]) } else { String::new() };
    if prefix.is_empty() { name } else { format!("{prefix}/{name}") }
}

/// Finds a record of a PAX header: `LENGTH KEY=VALUE\n`.
fn pax_record(mut records: &[u8], key: &[u8]) -> Option<String> {
    let mut found = None;
    while !records.is_empty() {
        let space = records.iter().position(|byte| *byte == b' ')?;
        let length: usize = std::str::from_utf8(&records[..space]).ok()?.parse().ok()?;
        let record = records.get(space + 1..length.checked_sub(1)?)?;
        if let Some(value) = record.strip_prefix(key).and_then(|rest| rest.strip_prefix(b"=")) {
            found = Some(String::from_utf8_lossy(value).into_owned());
        }
        records = records.get(length..)?;
    }
    found
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use flate2::Compression;
    use flate2::write::GzEncoder;

    use super::*;

    /// Packs entries of a name, a kind and a content.
    fn pack(entries: &[(&str, u8, &[u8])]) -> Vec<u8> {
        let mut tar = Vec::new();
        for (name, kind, content) in entries {
            let mut header = [0_u8; BLOCK];
            header[..name.len()].copy_from_slice(name.as_bytes());
            header[124..135].copy_from_slice(format!("{:011o}", content.len()).as_bytes());
            header[148..156].fill(b' ');
            header[156] = *kind;
            header[257..263].copy_from_slice(b"ustar\0");
            let sum: u32 = header.iter().map(|byte| u32::from(*byte)).sum();
            header[148..155].copy_from_slice(format!("{sum:06o}\0").as_bytes());
            tar.extend_from_slice(&header);
            tar.extend_from_slice(content);
            tar.resize(tar.len().next_multiple_of(BLOCK), 0);
        }
        tar.resize(tar.len() + 2 * BLOCK, 0);
        let mut gzip = GzEncoder::new(Vec::new(), Compression::fast());
        gzip.write_all(&tar).expect("a vector takes all");
        gzip.finish().expect("a vector takes all")
    }

    fn names(entries: &[(&str, u8, &[u8])]) -> Result<Vec<String>, String> {
        let files = read(&pack(entries), Mode::Helm4)?;
        Ok(files.iter().map(|file| file.path.to_string()).collect())
    }

    #[track_caller]
    fn check_refusal(name: &str, kind: u8, expected: &str) {
        assert_eq!(names(&[(name, kind, b"x")]), Err(expected.to_owned()), "{name}");
    }

    #[test]
    fn drops_the_first_part_of_every_path() {
        let entries: &[(&str, u8, &[u8])] =
            &[("c/", b'5', b""), ("c/Chart.yaml", b'0', b"a"), ("c\\templates\\x.yaml", b'0', b"b")];
        assert_eq!(names(entries), Ok(vec!["Chart.yaml".to_owned(), "templates/x.yaml".to_owned()]));
    }

    #[test]
    fn reads_long_names() {
        let long = format!("c/{}", "n".repeat(150));
        let record = format!("{} path={long}\n", long.len() + 10);
        let pax: &[(&str, u8, &[u8])] = &[("x", b'x', record.as_bytes()), ("short", b'0', b"a")];
        assert_eq!(names(pax), Ok(vec!["n".repeat(150)]));
        let gnu: &[(&str, u8, &[u8])] = &[("L", b'L', long.as_bytes()), ("short", b'0', b"a")];
        assert_eq!(names(gnu), Ok(vec!["n".repeat(150)]));
    }

    #[test]
    fn refuses_what_leaves_the_chart() {
        check_refusal("c/../../etc/passwd", b'0', "chart illegally references parent directory");
        check_refusal("c//etc/passwd", b'0', "chart illegally contains absolute paths");
        check_refusal("c", b'0', "chart illegally contains content outside the base directory: \"c\"");
        check_refusal("c/c:/x", b'0', "chart contains illegally named files");
        check_refusal("c/x", b'2', "chart contains \"c/x\", which is a link or a device");
        check_refusal("c/x", b'3', "chart contains \"c/x\", which is a link or a device");
    }

    #[test]
    fn refuses_what_is_no_archive() {
        let refusal = |bytes: &[u8]| read(bytes, Mode::Helm4).expect_err("no archive");
        assert_eq!(refusal(b"text"), "gzip: invalid header");
        assert_eq!(refusal(b""), "EOF");
        assert_eq!(names(&[]), Err("no files in chart archive".to_owned()));
        let whole = pack(&[("c/Chart.yaml", b'0', &[7; 4000])]);
        assert_eq!(refusal(&whole[..whole.len() / 2]), "unexpected EOF");
    }

    #[test]
    fn refuses_bombs() {
        let zeros = vec![0_u8; 60 << 20];
        let bomb: &[(&str, u8, &[u8])] = &[("c/a", b'0', &zeros), ("c/b", b'0', &zeros)];
        assert_eq!(
            names(bomb),
            Err("decompressed chart is larger than the maximum size 104857600".to_owned())
        );
    }
}
