//! The order of keys: letters after other characters, digits by the number they form, as go-yaml sorts.

use std::cmp::Ordering;

use super::Dialect;
use crate::template::unicode::{is_digit, is_letter};

/// Sorts entries by their keys. The order Go defines is not total for every set of keys, so the sort must not rely on
/// it.
pub(super) fn sort<T>(entries: Vec<(Box<str>, T)>, dialect: Dialect) -> Vec<(Box<str>, T)> {
    if entries.len() < 2 {
        return entries;
    }
    let mut left = entries;
    let right = left.split_off(left.len() / 2);
    merge(sort(left, dialect), sort(right, dialect), dialect)
}

fn merge<T>(left: Vec<(Box<str>, T)>, right: Vec<(Box<str>, T)>, dialect: Dialect) -> Vec<(Box<str>, T)> {
    let mut out = Vec::with_capacity(left.len() + right.len());
    let (mut left, mut right) = (left.into_iter().peekable(), right.into_iter().peekable());
    while let (Some(a), Some(b)) = (left.peek(), right.peek()) {
        let next = if less(&b.0, &a.0, dialect) { right.next() } else { left.next() };
        out.extend(next);
    }
    out.extend(left);
    out.extend(right);
    out
}

fn less(a: &str, b: &str, dialect: Dialect) -> bool {
    let same = a.bytes().zip(b.bytes()).take_while(|(x, y)| x == y).count();
    let mut at = same.min(a.len()).min(b.len());
    while !a.is_char_boundary(at) || !b.is_char_boundary(at) {
        at -= 1;
    }
    let (before, a, b) = (&a[..at], &a[at..], &b[at..]);
    let (Some(x), Some(y)) = (a.chars().next(), b.chars().next()) else {
        return a.is_empty() && !b.is_empty();
    };
    let after_digit = before.chars().next_back().is_some_and(is_digit);
    match (is_letter(x), is_letter(y)) {
        (true, true) => return x < y,
        (true, false) => return dialect == Dialect::Pretty && after_digit,
        (false, true) => return dialect == Dialect::Plain || !after_digit,
        (false, false) => {}
    }
    // A zero inside a number counts, one that leads it does not.
    let inside =
        (x == '0' || y == '0') && before.chars().rev().take_while(|c| is_digit(*c)).any(|c| c != '0');
    let (left_number, left_digits) = number(a, inside);
    let (right_number, right_digits) = number(b, inside);
    match left_number.cmp(&right_number).then(left_digits.cmp(&right_digits)) {
        Ordering::Equal => x < y,
        order => order == Ordering::Less,
    }
}

/// Returns the number the text starts with, with Go's wrap-around, and how many digits it has.
fn number(text: &str, inside: bool) -> (i64, usize) {
    let start = (i64::from(inside), 0);
    text.chars().take_while(|c| is_digit(*c)).fold(start, |(number, digits), c| {
        let digit = i64::from(u32::from(c)) - i64::from(b'0');
        (number.wrapping_mul(10).wrapping_add(digit), digits + 1)
    })
}
