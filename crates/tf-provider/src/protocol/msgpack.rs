//! The part of msgpack that cty uses: a reader over a slice and a writer onto a vector.
//!
//! It knows formats, not meaning. Every length is checked against what is left of the input before anything
//! is allocated for it, so a lying header costs nothing.

/// Says what is wrong with the bytes.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Malformed {
    #[error("the message ends too early")]
    Truncated,
    #[error("{0} is required, found format 0x{1:02x}")]
    Unexpected(&'static str, u8),
    #[error("a string is not UTF-8")]
    NotUtf8,
}

/// A scalar or the head of a collection.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Token<'a> {
    Nil,
    Bool(bool),
    Int(i64),
    UInt(u64),
    Float(f64),
    Text(&'a str),
    Bytes(&'a [u8]),
    Array(usize),
    Map(usize),
    Extension(i8, &'a [u8]),
}

/// Reads tokens from the front of a slice.
#[derive(Clone, Debug)]
pub(crate) struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes }
    }

    pub(crate) fn is_at_end(&self) -> bool {
        self.rest.is_empty()
    }

    pub(crate) fn next(&mut self) -> Result<Token<'a>, Malformed> {
        let format = self.byte()?;
        Ok(match format {
            0x00..=0x7f => Token::Int(i64::from(format)),
            0x80..=0x8f => self.map(usize::from(format & 0x0f))?,
            0x90..=0x9f => self.array(usize::from(format & 0x0f))?,
            0xa0..=0xbf => self.text(usize::from(format & 0x1f))?,
            0xc0 => Token::Nil,
            0xc2 => Token::Bool(false),
            0xc3 => Token::Bool(true),
            0xc4..=0xc6 => {
                let length = self.length(format - 0xc4)?;
                Token::Bytes(self.take(length)?)
            }
            0xc7..=0xc9 => {
                let length = self.length(format - 0xc7)?;
                self.extension(length)?
            }
            0xca => Token::Float(f64::from(f32::from_be_bytes(self.fixed()?))),
            0xcb => Token::Float(f64::from_be_bytes(self.fixed()?)),
            0xcc => Token::UInt(u64::from(self.byte()?)),
            0xcd => Token::UInt(u64::from(u16::from_be_bytes(self.fixed()?))),
            0xce => Token::UInt(u64::from(u32::from_be_bytes(self.fixed()?))),
            0xcf => Token::UInt(u64::from_be_bytes(self.fixed()?)),
            0xd0 => Token::Int(i64::from(i8::from_be_bytes(self.fixed()?))),
            0xd1 => Token::Int(i64::from(i16::from_be_bytes(self.fixed()?))),
            0xd2 => Token::Int(i64::from(i32::from_be_bytes(self.fixed()?))),
            0xd3 => Token::Int(i64::from_be_bytes(self.fixed()?)),
            0xd4..=0xd8 => self.extension(1 << (format - 0xd4))?,
            0xd9..=0xdb => {
                let length = self.length(format - 0xd9)?;
                self.text(length)?
            }
            0xdc..=0xdd => {
                let length = self.length(format - 0xdc + 1)?;
                self.array(length)?
            }
            0xde..=0xdf => {
                let length = self.length(format - 0xde + 1)?;
                self.map(length)?
            }
            0xe0..=0xff => Token::Int(i64::from(i8::from_be_bytes([format]))),
            0xc1 => return Err(Malformed::Unexpected("a value", format)),
        })
    }

    pub(crate) fn peek(&self) -> Result<u8, Malformed> {
        self.rest.first().copied().ok_or(Malformed::Truncated)
    }

    fn byte(&mut self) -> Result<u8, Malformed> {
        let (first, rest) = self.rest.split_first().ok_or(Malformed::Truncated)?;
        self.rest = rest;
        Ok(*first)
    }

    fn take(&mut self, length: usize) -> Result<&'a [u8], Malformed> {
        let (taken, rest) = self.rest.split_at_checked(length).ok_or(Malformed::Truncated)?;
        self.rest = rest;
        Ok(taken)
    }

    fn fixed<const N: usize>(&mut self) -> Result<[u8; N], Malformed> {
        let (taken, rest) = self.rest.split_first_chunk::<N>().ok_or(Malformed::Truncated)?;
        self.rest = rest;
        Ok(*taken)
    }

    /// Reads a length of 1, 2 or 4 bytes.
    fn length(&mut self, size: u8) -> Result<usize, Malformed> {
        Ok(match size {
            0 => usize::from(self.byte()?),
            1 => usize::from(u16::from_be_bytes(self.fixed()?)),
            _ => usize::try_from(u32::from_be_bytes(self.fixed()?)).map_err(|_| Malformed::Truncated)?,
        })
    }

    fn text(&mut self, length: usize) -> Result<Token<'a>, Malformed> {
        std::str::from_utf8(self.take(length)?).map(Token::Text).map_err(|_| Malformed::NotUtf8)
    }

    fn extension(&mut self, length: usize) -> Result<Token<'a>, Malformed> {
        let kind = i8::from_be_bytes(self.fixed()?);
        Ok(Token::Extension(kind, self.take(length)?))
    }

    /// Every element takes at least one byte, which bounds what a header can claim.
    fn array(&self, length: usize) -> Result<Token<'a>, Malformed> {
        if length > self.rest.len() { Err(Malformed::Truncated) } else { Ok(Token::Array(length)) }
    }

    fn map(&self, length: usize) -> Result<Token<'a>, Malformed> {
        if length > self.rest.len() / 2 { Err(Malformed::Truncated) } else { Ok(Token::Map(length)) }
    }
}

/// Writes tokens in their shortest form.
#[derive(Debug, Default)]
pub(crate) struct Writer {
    bytes: Vec<u8>,
}

impl Writer {
    pub(crate) fn with_capacity(bytes: usize) -> Self {
        Self { bytes: Vec::with_capacity(bytes) }
    }

    pub(crate) fn into_bytes(self) -> Vec<u8> {
        self.bytes
    }

    pub(crate) fn nil(&mut self) {
        self.bytes.push(0xc0);
    }

    /// Writes cty's plain unknown value.
    pub(crate) fn unknown(&mut self) {
        self.bytes.extend([0xd4, 0x00, 0x00]);
    }

    pub(crate) fn bool(&mut self, truth: bool) {
        self.bytes.push(if truth { 0xc3 } else { 0xc2 });
    }

    pub(crate) fn int(&mut self, int: i64) {
        if let Ok(unsigned) = u64::try_from(int) {
            self.uint(unsigned);
        } else if int >= -32 {
            self.bytes.extend((int as i8).to_be_bytes());
        } else if let Ok(small) = i8::try_from(int) {
            self.tagged(0xd0, &small.to_be_bytes());
        } else if let Ok(small) = i16::try_from(int) {
            self.tagged(0xd1, &small.to_be_bytes());
        } else if let Ok(small) = i32::try_from(int) {
            self.tagged(0xd2, &small.to_be_bytes());
        } else {
            self.tagged(0xd3, &int.to_be_bytes());
        }
    }

    pub(crate) fn uint(&mut self, int: u64) {
        if int < 0x80 {
            self.bytes.push(int as u8);
        } else if let Ok(small) = u8::try_from(int) {
            self.tagged(0xcc, &small.to_be_bytes());
        } else if let Ok(small) = u16::try_from(int) {
            self.tagged(0xcd, &small.to_be_bytes());
        } else if let Ok(small) = u32::try_from(int) {
            self.tagged(0xce, &small.to_be_bytes());
        } else {
            self.tagged(0xcf, &int.to_be_bytes());
        }
    }

    pub(crate) fn float(&mut self, float: f64) {
        self.tagged(0xcb, &float.to_be_bytes());
    }

    pub(crate) fn text(&mut self, text: &str) {
        let length = text.len();
        if length < 32 {
            self.bytes.push(0xa0 | length as u8);
        } else {
            self.head([0xd9, 0xda, 0xdb], length);
        }
        self.bytes.extend_from_slice(text.as_bytes());
    }

    pub(crate) fn bytes(&mut self, bytes: &[u8]) {
        self.head([0xc4, 0xc5, 0xc6], bytes.len());
        self.bytes.extend_from_slice(bytes);
    }

    pub(crate) fn array(&mut self, length: usize) {
        if length < 16 {
            self.bytes.push(0x90 | length as u8);
        } else {
            self.wide_head([0xdc, 0xdd], length);
        }
    }

    pub(crate) fn map(&mut self, length: usize) {
        if length < 16 {
            self.bytes.push(0x80 | length as u8);
        } else {
            self.wide_head([0xde, 0xdf], length);
        }
    }

    fn head(&mut self, formats: [u8; 3], length: usize) {
        match u8::try_from(length) {
            Ok(small) => self.tagged(formats[0], &[small]),
            Err(_) => self.wide_head([formats[1], formats[2]], length),
        }
    }

    /// Lengths beyond 32 bits cannot occur: a gRPC message is shorter than that.
    fn wide_head(&mut self, formats: [u8; 2], length: usize) {
        match u16::try_from(length) {
            Ok(small) => self.tagged(formats[0], &small.to_be_bytes()),
            Err(_) => self.tagged(formats[1], &(length as u32).to_be_bytes()),
        }
    }

    fn tagged(&mut self, format: u8, bytes: &[u8]) {
        self.bytes.push(format);
        self.bytes.extend_from_slice(bytes);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn integers_read_back_in_their_shortest_form() {
        let edges = [0, 1, 127, 128, 255, 256, 65_535, 65_536, 4_294_967_295, 4_294_967_296, i64::MAX];
        for int in edges.into_iter().chain(edges.map(|edge| -edge)).chain(edges.map(|edge| -edge - 1)) {
            let mut writer = Writer::default();
            writer.int(int);
            let bytes = writer.into_bytes();
            let read = match Reader::new(&bytes).next() {
                Ok(Token::Int(read)) => i128::from(read),
                Ok(Token::UInt(read)) => i128::from(read),
                other => panic!("{int}: {other:?}"),
            };
            assert_eq!(read, i128::from(int));
        }
    }

    #[test]
    fn lengths_read_back_at_every_border() {
        for length in [0, 1, 15, 16, 31, 32, 255, 256, 65_535, 65_536] {
            let text = "x".repeat(length);
            let mut writer = Writer::default();
            writer.text(&text);
            writer.bytes(text.as_bytes());
            writer.array(length);
            let mut bytes = writer.into_bytes();
            bytes.extend(std::iter::repeat_n(0xc0, length));
            let mut reader = Reader::new(&bytes);
            assert_eq!(reader.next(), Ok(Token::Text(&text)));
            assert_eq!(reader.next(), Ok(Token::Bytes(text.as_bytes())));
            assert_eq!(reader.next(), Ok(Token::Array(length)));
        }
    }

    #[test]
    fn a_header_cannot_claim_more_than_there_is() {
        let check =
            |bytes: &[u8]| assert_eq!(Reader::new(bytes).next(), Err(Malformed::Truncated), "{bytes:x?}");
        check(&[]);
        check(&[0xdd, 0xff, 0xff, 0xff, 0xff]);
        check(&[0xdf, 0xff, 0xff, 0xff, 0xff, 0xc0]);
        check(&[0xdb, 0xff, 0xff, 0xff, 0xff, b'a']);
        check(&[0xc6, 0x00]);
        check(&[0xd4, 0x00]);
        check(&[0xcb, 0, 0]);
    }
}
