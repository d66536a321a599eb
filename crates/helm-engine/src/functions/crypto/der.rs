//! DER and PEM: just what keys and certificates need.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use num_bigint::BigUint;

pub(super) const INTEGER: u8 = 0x02;
pub(super) const BIT_STRING: u8 = 0x03;
pub(super) const OCTET_STRING: u8 = 0x04;
pub(super) const OID: u8 = 0x06;
pub(super) const SEQUENCE: u8 = 0x30;

/// Makes an element of a tag and content.
pub(super) fn element(tag: u8, content: &[u8]) -> Vec<u8> {
    let mut out = vec![tag];
    if content.len() < 0x80 {
        out.push(content.len() as u8);
    } else {
        let length = content.len().to_be_bytes();
        let significant = &length[length.iter().take_while(|b| **b == 0).count()..];
        out.push(0x80 | significant.len() as u8);
        out.extend_from_slice(significant);
    }
    out.extend_from_slice(content);
    out
}

/// Makes a sequence of elements.
pub(super) fn sequence(parts: &[Vec<u8>]) -> Vec<u8> {
    element(SEQUENCE, &parts.concat())
}

/// Makes an integer that is not negative.
pub(super) fn integer(value: &BigUint) -> Vec<u8> {
    let mut bytes = value.to_bytes_be();
    if bytes[0] & 0x80 != 0 {
        bytes.insert(0, 0);
    }
    element(INTEGER, &bytes)
}

/// Makes a bit string of whole bytes.
pub(super) fn bit_string(bytes: &[u8]) -> Vec<u8> {
    element(BIT_STRING, &[&[0], bytes].concat())
}

/// An element that was read.
#[derive(Clone, Copy, Debug)]
pub(super) struct Element<'d> {
    pub(super) tag: u8,
    pub(super) content: &'d [u8],
    /// The element with its tag and length.
    pub(super) whole: &'d [u8],
}

/// Reads elements one after the other.
pub(super) struct Reader<'d> {
    rest: &'d [u8],
}

impl<'d> Reader<'d> {
    pub(super) fn new(rest: &'d [u8]) -> Self {
        Reader { rest }
    }

    /// Reads the next element.
    pub(super) fn next(&mut self) -> Option<Element<'d>> {
        let (&tag, rest) = self.rest.split_first()?;
        let (&first, rest) = rest.split_first()?;
        let (length, rest) = match first {
            0..=0x7F => (usize::from(first), rest),
            0x81..=0x84 => {
                let (bytes, rest) = rest.split_at_checked(usize::from(first & 0x7F))?;
                (bytes.iter().fold(0, |length, b| length << 8 | usize::from(*b)), rest)
            }
            _ => return None,
        };
        let (content, after) = rest.split_at_checked(length)?;
        let whole = &self.rest[..self.rest.len() - after.len()];
        self.rest = after;
        Some(Element { tag, content, whole })
    }

    /// Reads the next element if it has that tag.
    pub(super) fn expect(&mut self, tag: u8) -> Option<Element<'d>> {
        let before = self.rest;
        let found = self.next().filter(|element| element.tag == tag);
        if found.is_none() {
            self.rest = before;
        }
        found
    }

    /// Reads an integer that is not negative.
    pub(super) fn integer(&mut self) -> Option<BigUint> {
        self.expect(INTEGER).map(|element| BigUint::from_bytes_be(element.content))
    }

    /// Reads a sequence's content.
    pub(super) fn sequence(&mut self) -> Option<Reader<'d>> {
        self.expect(SEQUENCE).map(|element| Reader::new(element.content))
    }
}

/// Writes a PEM block.
pub(super) fn to_pem(kind: &str, der: &[u8]) -> String {
    let encoded = STANDARD.encode(der);
    let mut out = format!("-----BEGIN {kind}-----\n");
    let mut rest = encoded.as_str();
    while !rest.is_empty() {
        let (line, next) = rest.split_at(rest.len().min(64));
        out.push_str(line);
        out.push('\n');
        rest = next;
    }
    out.push_str(&format!("-----END {kind}-----\n"));
    out
}

/// Reads the first PEM block of a text: its kind and content.
pub(super) fn from_pem(text: &str) -> Option<(&str, Vec<u8>)> {
    let mut rest = text;
    loop {
        let start = rest.find("-----BEGIN ")?;
        let at_line_start = start == 0 || rest.as_bytes()[start - 1] == b'\n';
        rest = &rest[start + "-----BEGIN ".len()..];
        if at_line_start && let Some(block) = pem_block(rest) {
            return Some(block);
        }
    }
}

fn pem_block(after_begin: &str) -> Option<(&str, Vec<u8>)> {
    let (kind, body) = after_begin.split_once("-----")?;
    let end = body.find(&format!("-----END {kind}-----"))?;
    let lines = body[..end].lines().filter(|line| !line.contains(':'));
    let encoded: String = lines.flat_map(str::chars).filter(|c| !c.is_whitespace()).collect();
    STANDARD.decode(encoded).ok().map(|der| (kind, der))
}
