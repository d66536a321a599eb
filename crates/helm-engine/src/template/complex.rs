//! Complex numbers, which only constants such as `1+2i` can make.

use std::any::Any;

use super::float::push_float;
use crate::value::{Object, Value};

/// A `complex128`.
pub(super) struct Complex {
    pub(super) real: f64,
    pub(super) imaginary: f64,
}

/// Makes a `complex128`.
pub(crate) fn value(real: f64, imaginary: f64) -> Value {
    Value::object(Complex { real, imaginary })
}

impl Object for Complex {
    fn type_name(&self) -> &str {
        "complex128"
    }

    fn kind(&self) -> &str {
        "complex128"
    }

    fn print(&self) -> String {
        let mut out = b"(".to_vec();
        push_float(&mut out, self.real, b'g', None);
        if self.imaginary.is_sign_positive() && self.imaginary.is_finite() {
            out.push(b'+');
        }
        push_float(&mut out, self.imaginary, b'g', None);
        out.extend_from_slice(b"i)");
        String::from_utf8_lossy(&out).into_owned()
    }

    fn to_plain(&self) -> Value {
        Value::text(self.print())
    }

    fn is_true(&self) -> bool {
        self.real != 0.0 || self.imaginary != 0.0
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}
