//! Anchors, aliases, tags and directives.

use super::chars::{break_width, char_width, is_blank, is_break_or_end, is_space_or_end, is_word};
use super::error::ReadError;
use super::scanner::Scanner;
use super::token::{Mark, TokenKind};

type Scan<T = ()> = Result<T, ReadError>;

impl<'a> Scanner<'a> {
    /// Reads `*name`.
    pub(super) fn scan_alias(&mut self) -> Scan {
        self.scan_name(TokenKind::Alias)
    }

    /// Reads `&name`.
    pub(super) fn scan_anchor(&mut self) -> Scan {
        self.scan_name(TokenKind::Anchor)
    }

    fn scan_name(&mut self, kind: fn(&'a str) -> TokenKind<'a>) -> Scan {
        let start = self.mark;
        self.skip();
        let name = self.read_word()?;
        let followed_well = matches!(self.byte(), b'?' | b':' | b',' | b']' | b'}' | b'%' | b'@' | b'`')
            || is_space_or_end(self.rest());
        if name.is_empty() || !followed_well {
            return Err(self.error(start, "did not find expected alphabetic or numeric character"));
        }
        self.push(kind(name), start);
        Ok(())
    }

    fn read_word(&mut self) -> Scan<&'a str> {
        self.ensure(1)?;
        let from = self.mark.offset;
        while is_word(self.byte()) {
            self.skip();
            self.ensure(1)?;
        }
        Ok(&self.text[from..self.mark.offset])
    }

    /// Reads `!suffix`, `!!suffix`, `!handle!suffix` or `!<uri>`.
    pub(super) fn scan_tag(&mut self) -> Scan {
        let start = self.mark;
        self.ensure(2)?;
        let (handle, suffix) = if self.byte_at(1) == b'<' {
            self.scan_verbatim_tag(start)?
        } else {
            let handle = self.scan_tag_handle(false, start)?;
            if handle.len() > 1 && handle.ends_with('!') {
                let suffix = self.scan_tag_uri("", start)?;
                (handle, suffix)
            } else {
                let suffix = self.scan_tag_uri(&handle, start)?;
                if suffix.is_empty() { (String::new(), "!".to_owned()) } else { ("!".to_owned(), suffix) }
            }
        };
        self.ensure(1)?;
        if !is_space_or_end(self.rest()) {
            return Err(self.error(start, "did not find expected whitespace or line break"));
        }
        self.push(TokenKind::Tag { handle, suffix }, start);
        Ok(())
    }

    fn scan_verbatim_tag(&mut self, start: Mark) -> Scan<(String, String)> {
        self.skip();
        self.skip();
        let uri = self.scan_tag_uri("", start)?;
        if self.byte() != b'>' {
            return Err(self.error(start, "did not find the expected '>'"));
        }
        self.skip();
        Ok((String::new(), uri))
    }

    fn scan_tag_handle(&mut self, in_directive: bool, start: Mark) -> Scan<String> {
        self.ensure(1)?;
        if self.byte() != b'!' {
            return Err(self.error(start, "did not find expected '!'"));
        }
        self.skip();
        let mut handle = format!("!{}", self.read_word()?);
        if self.byte() == b'!' {
            handle.push('!');
            self.skip();
        } else if in_directive && handle != "!" {
            return Err(self.error(start, "did not find expected '!'"));
        }
        Ok(handle)
    }

    /// Reads the characters of a URI; `head` is a tag handle that turned out to be its beginning.
    fn scan_tag_uri(&mut self, head: &str, start: Mark) -> Scan<String> {
        let mut uri = head.get(1..).unwrap_or_default().as_bytes().to_vec();
        let mut found = !head.is_empty();
        self.ensure(1)?;
        loop {
            match self.byte() {
                b'%' => self.scan_uri_escape(start, &mut uri)?,
                b';' | b'/' | b'?' | b':' | b'@' | b'&' | b'=' | b'+' | b'$' | b',' | b'.' | b'!' | b'~'
                | b'*' | b'\'' | b'(' | b')' | b'[' | b']' => {
                    uri.push(self.byte());
                    self.skip();
                }
                byte if is_word(byte) => {
                    uri.push(byte);
                    self.skip();
                }
                _ => break,
            }
            self.ensure(1)?;
            found = true;
        }
        if !found {
            return Err(self.error(start, "did not find expected tag URI"));
        }
        Ok(String::from_utf8_lossy(&uri).into_owned())
    }

    /// Reads the `%XX` of one character.
    fn scan_uri_escape(&mut self, start: Mark, uri: &mut Vec<u8>) -> Scan {
        let mut left = None;
        while left != Some(0) {
            self.ensure(3)?;
            let hex = |byte: u8| char::from(byte).to_digit(16);
            let (b'%', Some(high), Some(low)) = (self.byte(), hex(self.byte_at(1)), hex(self.byte_at(2)))
            else {
                return Err(self.error(start, "did not find URI escaped octet"));
            };
            let octet = u8::try_from(high * 16 + low).unwrap_or_default();
            match left {
                None if (0x80..0xC0).contains(&octet) || octet >= 0xF8 => {
                    return Err(self.error(start, "found an incorrect leading UTF-8 octet"));
                }
                Some(_) if octet & 0xC0 != 0x80 => {
                    return Err(self.error(start, "found an incorrect trailing UTF-8 octet"));
                }
                _ => {}
            }
            left = Some(left.unwrap_or_else(|| char_width(octet)) - 1);
            uri.push(octet);
            (0..3).for_each(|_| self.skip());
        }
        Ok(())
    }

    /// Reads a `%YAML` or `%TAG` line.
    pub(super) fn scan_directive(&mut self) -> Scan {
        let start = self.mark;
        self.skip();
        let name = self.read_word()?;
        if name.is_empty() {
            return Err(self.error(start, "could not find expected directive name"));
        }
        if !is_space_or_end(self.rest()) {
            return Err(self.error(start, "found unexpected non-alphabetical character"));
        }
        let kind = match name {
            "YAML" => self.scan_version(start)?,
            "TAG" => self.scan_tag_prefix(start)?,
            _ => return Err(self.error(start, "found unknown directive name")),
        };
        self.push(kind, start);
        self.finish_line(start)
    }

    /// Goes past blanks, a comment and the line break that must follow.
    pub(super) fn finish_line(&mut self, start: Mark) -> Scan {
        self.skip_blanks()?;
        if self.byte() == b'#' {
            self.skip_to_line_end()?;
        }
        if !is_break_or_end(self.rest()) {
            return Err(self.error(start, "did not find expected comment or line break"));
        }
        if break_width(self.rest()) > 0 {
            self.ensure(2)?;
            self.skip_line();
        }
        Ok(())
    }

    fn skip_blanks(&mut self) -> Scan {
        self.ensure(1)?;
        while is_blank(self.byte()) {
            self.skip();
            self.ensure(1)?;
        }
        Ok(())
    }

    fn scan_version(&mut self, start: Mark) -> Scan<TokenKind<'a>> {
        self.skip_blanks()?;
        let major = self.scan_version_number(start)?;
        if self.byte() != b'.' {
            return Err(self.error(start, "did not find expected digit or '.' character"));
        }
        self.skip();
        let minor = self.scan_version_number(start)?;
        Ok(TokenKind::Version { major, minor })
    }

    fn scan_version_number(&mut self, start: Mark) -> Scan<u8> {
        self.ensure(1)?;
        let (mut number, mut digits) = (0, 0);
        while self.byte().is_ascii_digit() {
            digits += 1;
            if digits > 2 {
                return Err(self.error(start, "found extremely long version number"));
            }
            number = number * 10 + (self.byte() - b'0');
            self.skip();
            self.ensure(1)?;
        }
        if digits == 0 {
            return Err(self.error(start, "did not find expected version number"));
        }
        Ok(number)
    }

    fn scan_tag_prefix(&mut self, start: Mark) -> Scan<TokenKind<'a>> {
        self.skip_blanks()?;
        let handle = self.scan_tag_handle(true, start)?;
        self.ensure(1)?;
        if !is_blank(self.byte()) {
            return Err(self.error(start, "did not find expected whitespace"));
        }
        self.skip_blanks()?;
        let prefix = self.scan_tag_uri("", start)?;
        self.ensure(1)?;
        if !is_space_or_end(self.rest()) {
            return Err(self.error(start, "did not find expected whitespace or line break"));
        }
        Ok(TokenKind::TagPrefix { handle, prefix })
    }
}
