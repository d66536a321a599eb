//! How a text value is shown: whole when short, line by line when longer, in pieces when long, by its head and a digest
//! when nobody reads it.
//!
//! Terraform prints every line of a changed multi-line string, in quadratic time, and never shortens a line. A list it
//! prints with one unchanged neighbour on each side of what changed, so a longer text is shown as the list of its lines.
//! Comparing lists takes quadratic time too: a long text is a list of pieces, which end where their content says so (a
//! hash of a line), not after a fixed count, so that a line put in moves no other piece.

use serde_json::Value;

use crate::notation::head;

const LONGEST_WHOLE_LINE_BYTES: usize = 256;
const LONGEST_WHOLE_TEXT_BYTES: usize = 1024;
const MOST_WHOLE_LINES: usize = 6;
const MOST_LISTED_LINES: usize = 250;
const LONGEST_SHOWN_TEXT_BYTES: usize = 32 * 1024;

/// Gives what a plan shows for a text: a string, or a list of consecutive pieces.
pub(crate) fn shown(text: &str) -> Value {
    if text.starts_with("-----BEGIN ") {
        return Value::String(head(text));
    }
    let lines = text.bytes().filter(|byte| *byte == b'\n').count();
    if lines == 0 { shown_line(text) } else { shown_lines(text, lines) }
}

fn shown_line(text: &str) -> Value {
    if text.len() <= LONGEST_WHOLE_LINE_BYTES {
        return Value::String(text.to_owned());
    }
    let pieces = pieces(text, LINE_PIECE);
    let readable = pieces.iter().all(|piece| piece.len() <= LONGEST_WHOLE_LINE_BYTES);
    if !readable || text.len() > LONGEST_SHOWN_TEXT_BYTES {
        return Value::String(head(text));
    }
    list(pieces.into_iter().map(str::to_owned))
}

fn shown_lines(text: &str, lines: usize) -> Value {
    if lines <= MOST_WHOLE_LINES && text.len() <= LONGEST_WHOLE_TEXT_BYTES {
        return Value::String(text.to_owned());
    }
    if text.len() > LONGEST_SHOWN_TEXT_BYTES {
        return list(pieces(text, FOLDED_PIECE).into_iter().map(head));
    }
    if lines <= MOST_LISTED_LINES {
        return list(text.lines().map(shown_piece));
    }
    list(pieces(text, TEXT_PIECE).into_iter().map(shown_piece))
}

fn shown_piece(piece: &str) -> String {
    if piece.len() > 4 * LONGEST_WHOLE_TEXT_BYTES { head(piece) } else { piece.to_owned() }
}

fn list(pieces: impl Iterator<Item = String>) -> Value {
    Value::Array(pieces.map(Value::String).collect())
}

/// Says where pieces may end and how long they are.
#[derive(Clone, Copy)]
struct Piece {
    ends: fn(u8) -> bool,
    fewest_units: usize,
    most_units: usize,
    /// A piece ends after a unit whose hash has these bits all zero.
    mask: u32,
}

const TEXT_PIECE: Piece = Piece { ends: |byte| byte == b'\n', fewest_units: 3, most_units: 16, mask: 3 };
const FOLDED_PIECE: Piece = Piece { ends: |byte| byte == b'\n', fewest_units: 16, most_units: 256, mask: 31 };
const LINE_PIECE: Piece = Piece {
    ends: |byte| matches!(byte, b' ' | b',' | b';' | b'&' | b'|'),
    fewest_units: 6,
    most_units: 24,
    mask: 7,
};

/// Cuts a text into consecutive pieces; joined, they are the text again.
fn pieces(text: &str, piece: Piece) -> Vec<&str> {
    let (mut pieces, mut piece_start, mut unit_start, mut units) = (Vec::new(), 0, 0, 0);
    for (at, byte) in text.bytes().enumerate() {
        if !(piece.ends)(byte) {
            continue;
        }
        units += 1;
        let unit = &text.as_bytes()[unit_start..=at];
        unit_start = at + 1;
        let content_ends_it = units >= piece.fewest_units && hash(unit) & piece.mask == 0;
        if content_ends_it || units >= piece.most_units {
            pieces.push(&text[piece_start..=at]);
            (piece_start, units) = (at + 1, 0);
        }
    }
    if piece_start < text.len() {
        pieces.push(&text[piece_start..]);
    }
    pieces
}

/// FNV-1a, folded so that the low bits depend on all others.
fn hash(bytes: &[u8]) -> u32 {
    let hash =
        bytes.iter().fold(0x811c_9dc5_u32, |hash, byte| (hash ^ u32::from(*byte)).wrapping_mul(0x0100_0193));
    (hash ^ (hash >> 15)).wrapping_mul(0x85eb_ca6b) >> 8
}

#[cfg(test)]
mod tests {
    use super::*;

    fn numbered(lines: usize) -> String {
        (0..lines).map(|line| format!("line {line} of the file\n")).collect()
    }

    fn strings(value: &Value) -> Vec<&str> {
        value.as_array().expect("a list of pieces").iter().filter_map(Value::as_str).collect()
    }

    #[test]
    fn short_texts_stay_whole() {
        for text in ["", "x", "one\ntwo\n", "a line of some length, with blanks"] {
            assert_eq!(shown(text), Value::String(text.to_owned()));
        }
    }

    #[test]
    fn pieces_joined_are_the_text() {
        for text in [numbered(500), "word, ".repeat(100), "\n".repeat(500)] {
            assert_eq!(strings(&shown(&text)).concat(), text);
        }
        assert_eq!(strings(&shown(&numbered(13))).join("\n") + "\n", numbered(13));
    }

    #[test]
    fn a_line_put_in_moves_no_other_piece() {
        let before = numbered(400);
        let after = before.replace("line 200 of", "an inserted line\nline 200 of");
        let (before, after) = (shown(&before), shown(&after));
        let (before, after) = (strings(&before), strings(&after));
        let kept = after.iter().filter(|piece| before.contains(piece)).count();
        assert!(after.len() - kept <= 3, "{} of {} pieces kept", kept, after.len());
        assert!(before.len() > 30);
    }

    #[test]
    fn what_nobody_reads_is_shown_by_its_head_and_a_digest() {
        let certificate = "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n";
        assert_eq!(shown(certificate), "-----BEGIN CERTIFICATE-----… (59 bytes, sha256:8010bfce)");
        let blob = shown(&"QUJD".repeat(100));
        assert!(blob.as_str().is_some_and(|text| text.ends_with("(400 bytes, sha256:fb1302f4)")), "{blob}");
    }

    #[test]
    fn a_huge_text_is_bounded_and_a_change_in_it_is_located() {
        let before = numbered(100_000);
        let after = before.replace("line 50000 of", "line fifty thousand of");
        let (before, after) = (shown(&before), shown(&after));
        let (before, after) = (strings(&before), strings(&after));
        assert!(after.iter().filter(|piece| !before.contains(piece)).count() <= 2);
        assert!(before.concat().len() < 300_000);
    }
}
