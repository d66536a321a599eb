//! Numbers as Terraform means them: decimals of any size, never rounded on the way through.
//!
//! cty holds numbers as 512-bit floats. It writes what fits an integer as an integer, what a 64-bit float
//! holds exactly as a float, and the rest as decimal text (`0.1` is such a number). A number that arrives is
//! kept in the form it came in and leaves in the same form; it is compared by value. This is not an
//! arithmetic type.

use std::cmp::Ordering;
use std::fmt;
use std::str::FromStr;

/// Holds a number exactly, in the form in which it came.
#[derive(Clone, Debug)]
pub struct Number(Form);

/// Names the forms a number has on the wire.
#[derive(Clone, Debug)]
pub(crate) enum Form {
    Int(i64),
    UInt(u64),
    Float(f64),
    Text(Box<str>),
}

/// Says that a text is not a decimal number.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not a number")]
pub struct NotANumber(pub String);

/// The longest number text accepted; cty's own 512-bit numbers stay far below it.
const LONGEST_TEXT_BYTES: usize = 4096;

impl Number {
    /// Wraps a float as it is on the wire, without looking for its shortest decimal.
    pub(crate) fn from_wire_float(float: f64) -> Option<Self> {
        (!float.is_nan()).then_some(Self(Form::Float(float)))
    }

    /// Returns the form the number came in.
    pub(crate) fn form(&self) -> &Form {
        &self.0
    }

    /// Returns the number as a signed integer when it is one and fits.
    pub fn as_i64(&self) -> Option<i64> {
        match &self.0 {
            Form::Int(int) => Some(*int),
            Form::UInt(int) => i64::try_from(*int).ok(),
            Form::Float(_) | Form::Text(_) => self.decimal().to_integer_text()?.parse().ok(),
        }
    }

    /// Returns the number as an unsigned integer when it is one and fits.
    pub fn as_u64(&self) -> Option<u64> {
        match &self.0 {
            Form::Int(int) => u64::try_from(*int).ok(),
            Form::UInt(int) => Some(*int),
            Form::Float(_) | Form::Text(_) => self.decimal().to_integer_text()?.parse().ok(),
        }
    }

    /// Returns the nearest 64-bit float.
    pub fn as_f64(&self) -> f64 {
        match &self.0 {
            Form::Int(int) => *int as f64,
            Form::UInt(int) => *int as f64,
            Form::Float(float) => *float,
            Form::Text(text) => text.parse().unwrap_or(f64::NAN),
        }
    }

    fn decimal(&self) -> Decimal {
        match &self.0 {
            Form::Int(int) => Decimal::parse(&int.to_string()),
            Form::UInt(int) => Decimal::parse(&int.to_string()),
            Form::Float(float) if float.is_infinite() => Some(Decimal::infinite(*float < 0.0)),
            // A float's exact value never needs more than 1,074 digits after the point.
            Form::Float(float) if float.fract() == 0.0 => Decimal::parse(&format!("{float:.0}")),
            Form::Float(float) => Decimal::parse(&format!("{float:.1074}")),
            Form::Text(text) => Decimal::parse(text),
        }
        .unwrap_or_else(Decimal::zero)
    }
}

impl FromStr for Number {
    type Err = NotANumber;

    /// Reads a decimal number and keeps its text, as long as it is not a plain integer.
    fn from_str(text: &str) -> Result<Self, NotANumber> {
        if let Ok(int) = text.parse::<i64>() {
            return Ok(Self(Form::Int(int)));
        }
        if text.len() > LONGEST_TEXT_BYTES || Decimal::parse(text).is_none() {
            return Err(NotANumber(text.chars().take(80).collect()));
        }
        Ok(Self(Form::Text(text.into())))
    }
}

impl From<i64> for Number {
    fn from(int: i64) -> Self {
        Self(Form::Int(int))
    }
}

impl From<u64> for Number {
    fn from(int: u64) -> Self {
        i64::try_from(int).map_or(Self(Form::UInt(int)), Self::from)
    }
}

impl TryFrom<f64> for Number {
    type Error = NotANumber;

    /// Takes the shortest decimal that reads back as the float: `0.1` means the same as `0.1` in HCL.
    fn try_from(float: f64) -> Result<Self, NotANumber> {
        if float.is_infinite() {
            return Ok(Self(Form::Float(float)));
        }
        float.to_string().parse()
    }
}

impl fmt::Display for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Form::Int(int) => write!(f, "{int}"),
            Form::UInt(int) => write!(f, "{int}"),
            Form::Float(float) => write!(f, "{float}"),
            Form::Text(text) => f.write_str(text),
        }
    }
}

impl Ord for Number {
    fn cmp(&self, other: &Self) -> Ordering {
        match (&self.0, &other.0) {
            (Form::Int(a), Form::Int(b)) => a.cmp(b),
            (Form::Text(a), Form::Text(b)) if a == b => Ordering::Equal,
            _ => self.decimal().cmp(&other.decimal()),
        }
    }
}

impl PartialOrd for Number {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Number {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Number {}

/// A value `0.DIGITS × 10^exponent` without leading or trailing zero digits; zero has no digits.
#[derive(Debug, PartialEq, Eq)]
struct Decimal {
    negative: bool,
    infinite: bool,
    digits: Vec<u8>,
    exponent: i64,
}

impl Decimal {
    fn zero() -> Self {
        Self { negative: false, infinite: false, digits: Vec::new(), exponent: 0 }
    }

    fn infinite(negative: bool) -> Self {
        Self { negative, infinite: true, ..Self::zero() }
    }

    fn parse(text: &str) -> Option<Self> {
        let (negative, unsigned) = match text.as_bytes().first()? {
            b'-' => (true, &text[1..]),
            b'+' => (false, &text[1..]),
            _ => (false, text),
        };
        let (mantissa, exponent) = match unsigned.split_once(['e', 'E']) {
            Some((mantissa, exponent)) => (mantissa, exponent.parse::<i32>().ok()?),
            None => (unsigned, 0),
        };
        let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
        let mut digits: Vec<u8> = whole.bytes().chain(fraction.bytes()).collect();
        if digits.is_empty() || !digits.iter().all(u8::is_ascii_digit) {
            return None;
        }
        let leading_zeros = digits.iter().take_while(|digit| **digit == b'0').count();
        digits.drain(..leading_zeros);
        while digits.last() == Some(&b'0') {
            digits.pop();
        }
        if digits.is_empty() {
            return Some(Self::zero());
        }
        let exponent = i64::from(exponent) + whole.len() as i64 - leading_zeros as i64;
        Some(Self { negative, infinite: false, digits, exponent })
    }

    /// Returns the digits of a whole number of at most twenty digits.
    fn to_integer_text(&self) -> Option<String> {
        if self.digits.is_empty() && !self.infinite {
            return Some("0".to_owned());
        }
        let length = usize::try_from(self.exponent).ok().filter(|length| *length <= 20)?;
        if self.infinite || self.digits.len() > length {
            return None;
        }
        let mut text = String::from(if self.negative { "-" } else { "" });
        text.extend(self.digits.iter().map(|digit| char::from(*digit)));
        text.extend(std::iter::repeat_n('0', length - self.digits.len()));
        Some(text)
    }

    fn sign(&self) -> i8 {
        match (self.digits.is_empty() && !self.infinite, self.negative) {
            (true, _) => 0,
            (false, true) => -1,
            (false, false) => 1,
        }
    }

    fn cmp_magnitude(&self, other: &Self) -> Ordering {
        self.infinite
            .cmp(&other.infinite)
            .then(self.exponent.cmp(&other.exponent))
            .then_with(|| self.digits.cmp(&other.digits))
    }
}

impl Ord for Decimal {
    fn cmp(&self, other: &Self) -> Ordering {
        let sign = self.sign();
        sign.cmp(&other.sign()).then_with(|| match sign {
            0 => Ordering::Equal,
            -1 => other.cmp_magnitude(self),
            _ => self.cmp_magnitude(other),
        })
    }
}

impl PartialOrd for Decimal {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn number(text: &str) -> Number {
        text.parse().expect("a number")
    }

    #[test]
    fn compares_by_value_whatever_the_form() {
        let check = |a: &str, b: &str, expected: Ordering| {
            assert_eq!(number(a).cmp(&number(b)), expected, "{a} and {b}");
            assert_eq!(number(b).cmp(&number(a)), expected.reverse(), "{b} and {a}");
        };
        check("1", "1.0", Ordering::Equal);
        check("1", "1e0", Ordering::Equal);
        check("0", "-0.00", Ordering::Equal);
        check("0.1", "0.10", Ordering::Equal);
        check("100", "1E2", Ordering::Equal);
        check("-2", "1", Ordering::Less);
        check("-2.5", "-2.25", Ordering::Less);
        check("9", "10", Ordering::Less);
        check("0.09", "0.1", Ordering::Less);
        check("12345678901234567890123", "12345678901234567890124", Ordering::Less);
    }

    #[test]
    fn a_float_on_the_wire_is_its_exact_binary_value() {
        let wire = |float| Number::from_wire_float(float).expect("not NaN");
        assert_eq!(wire(0.5), number("0.5"));
        assert_eq!(wire(2.0), number("2"));
        assert_ne!(wire(0.1), number("0.1"), "0.1 has no exact binary form");
        assert!(wire(f64::INFINITY) > number("1e300"));
        assert!(wire(f64::NEG_INFINITY) < number("-1e300"));
        assert!(Number::from_wire_float(f64::NAN).is_none());
    }

    #[test]
    fn keeps_the_text_it_was_given() {
        for text in ["0.10", "1e3", "12345678901234567890123456789", "-0.5"] {
            assert_eq!(number(text).to_string(), text);
        }
    }

    #[test]
    fn reads_integers_where_they_fit() {
        let check = |text: &str, expected: Option<i64>| assert_eq!(number(text).as_i64(), expected, "{text}");
        check("7", Some(7));
        check("7.0", Some(7));
        check("7e2", Some(700));
        check("-9223372036854775808", Some(i64::MIN));
        check("9223372036854775808", None);
        check("0.5", None);
        check("1e30", None);
        assert_eq!(number("18446744073709551615").as_u64(), Some(u64::MAX));
        assert_eq!(Number::try_from(0.1).expect("a number").to_string(), "0.1");
    }

    #[test]
    fn refuses_what_is_not_a_number() {
        for text in ["", "-", ".", "1.2.3", "0x10", "1e", "one", "1e99999999999", "NaN", "١"] {
            assert!(text.parse::<Number>().is_err(), "{text}");
        }
    }
}
