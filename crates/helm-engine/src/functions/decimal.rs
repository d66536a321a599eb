//! Decimal arithmetic as shopspring/decimal 1.4.0 does it for `addf`, `subf`, `mulf` and `divf`.

use num_bigint::BigInt;

use crate::error::CallError;
use crate::template::format_float;

/// The digits kept behind the point by a division.
const DIVISION_PRECISION: i32 = 16;

/// A number `value × 10^exponent`, exact but for division.
#[derive(Clone, Debug)]
pub(super) struct Decimal {
    value: BigInt,
    exponent: i32,
}

impl Decimal {
    /// Returns the decimal of a float's shortest digits.
    pub(super) fn from_float(number: f64) -> Result<Self, CallError> {
        if !number.is_finite() {
            return Err(CallError::new(format!("Cannot create a Decimal from {}", format_float(number))));
        }
        let text = format!("{number:e}");
        let (mantissa, exponent) = text.split_once('e').unwrap_or((&text, "0"));
        let places = mantissa.split_once('.').map_or(0, |(_, fraction)| fraction.len() as i32);
        let value = mantissa.replace('.', "").parse().unwrap_or_default();
        Ok(Decimal { value, exponent: exponent.parse::<i32>().unwrap_or(0) - places })
    }

    /// Returns the nearest float.
    pub(super) fn to_float(&self) -> f64 {
        format!("{}e{}", self.value, self.exponent).parse().unwrap_or(f64::NAN)
    }

    /// Adds.
    pub(super) fn add(self, other: Decimal) -> Decimal {
        let exponent = self.exponent.min(other.exponent);
        Decimal { value: self.scaled(exponent) + other.scaled(exponent), exponent }
    }

    /// Returns the number with the opposite sign.
    pub(super) fn negate(self) -> Decimal {
        Decimal { value: -self.value, exponent: self.exponent }
    }

    /// Multiplies.
    pub(super) fn multiply(self, other: Decimal) -> Decimal {
        Decimal { value: self.value * other.value, exponent: self.exponent.saturating_add(other.exponent) }
    }

    /// Divides, rounding half away from zero.
    ///
    /// # Errors
    /// For a division by zero.
    pub(super) fn divide(self, other: Decimal) -> Result<Decimal, CallError> {
        let zero = BigInt::ZERO;
        if other.value == zero {
            return Err(CallError::new("decimal division by 0"));
        }
        let negative = (self.value < zero) != (other.value < zero);
        let shift = self.exponent.saturating_sub(other.exponent).saturating_add(DIVISION_PRECISION);
        let mut number = BigInt::from(self.value.magnitude().clone());
        let mut divisor = BigInt::from(other.value.magnitude().clone());
        if shift >= 0 {
            number *= power(shift)
        } else {
            divisor *= power(-shift)
        }
        let quotient: BigInt = (number * 2i32 + &divisor) / (divisor * 2i32);
        let value = if negative { -quotient } else { quotient };
        Ok(Decimal { value, exponent: -DIVISION_PRECISION })
    }

    fn scaled(self, exponent: i32) -> BigInt {
        self.value * power(self.exponent - exponent)
    }
}

fn power(exponent: i32) -> BigInt {
    BigInt::from(10).pow(exponent.unsigned_abs())
}
