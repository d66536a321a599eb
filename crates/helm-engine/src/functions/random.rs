//! Random text, bytes, numbers and ids, drawn from the render's seeded source: the same seed gives the same answers in
//! the same order of calls.

use crate::context::Context;
use crate::error::CallError;
use crate::functions::{Function, Param};
use crate::json;
use crate::template::unicode;
use crate::trace::{Mark, Marks, Trace};
use crate::value::Value;

use super::arguments::{self, Outcome};

const COUNT: &[Param] = &[Param::Int];

/// The functions of this family.
pub(super) const FUNCTIONS: &[Function] = &[
    Function::new("randAlphaNum", COUNT, rand_alpha_num, "Makes a random text of ASCII letters and digits."),
    Function::new("randAlpha", COUNT, rand_alpha, "Makes a random text of ASCII letters."),
    Function::new("randNumeric", COUNT, rand_numeric, "Makes a random text of digits."),
    Function::new("randAscii", COUNT, rand_ascii, "Makes a random text of printable ASCII."),
    Function::new("randBytes", COUNT, rand_bytes, "Makes random bytes, in base64."),
    Function::new(
        "randInt",
        &[Param::Int, Param::Int],
        rand_int,
        "Picks a number from the first up to the second.",
    ),
    Function::new("shuffle", &[Param::String], shuffle, "Puts the characters of a text in a random order."),
    Function::new("uuidv4", &[], uuid_v4, "Makes a random UUID."),
];

/// Marks a value as drawn by a function.
pub(super) fn generated(context: &Context<'_>, name: &'static str, value: Value) -> Value {
    if context.trace == Trace::Off { value } else { value.marked(Marks::one(Mark::Generated(name))) }
}

/// Draws a number below `bound`, which is not zero, every one as likely.
pub(super) fn below(context: &mut Context<'_>, bound: u64) -> u64 {
    let spare = u64::MAX - u64::MAX % bound;
    loop {
        let mut bytes = [0; 8];
        context.random_bytes(&mut bytes);
        let drawn = u64::from_be_bytes(bytes);
        if drawn < spare {
            return drawn % bound;
        }
    }
}

fn int(args: &[Value], at: usize) -> i64 {
    super::convert::to_int64(&args[at])
}

/// Makes a text of so many characters of an alphabet; Go's library answers nothing for a negative count.
fn text_of(context: &mut Context<'_>, args: &[Value], name: &'static str, alphabet: &[u8]) -> Outcome {
    let count = usize::try_from(int(args, 0)).unwrap_or(0);
    context.charge_value(count)?;
    context.charge(count as u64)?;
    let bound = alphabet.len() as u64;
    let text: Vec<u8> = (0..count).map(|_| alphabet[below(context, bound) as usize]).collect();
    Ok(generated(context, name, Value::text(text)))
}

const LETTERS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
const DIGITS: &[u8] = b"0123456789";

fn rand_alpha_num(context: &mut Context<'_>, args: &[Value]) -> Outcome {
    text_of(context, args, "randAlphaNum", &[DIGITS, LETTERS].concat())
}

fn rand_alpha(context: &mut Context<'_>, args: &[Value]) -> Outcome {
    text_of(context, args, "randAlpha", LETTERS)
}

fn rand_numeric(context: &mut Context<'_>, args: &[Value]) -> Outcome {
    text_of(context, args, "randNumeric", DIGITS)
}

fn rand_ascii(context: &mut Context<'_>, args: &[Value]) -> Outcome {
    let printable: Vec<u8> = (b' '..=b'~').collect();
    text_of(context, args, "randAscii", &printable)
}

fn rand_bytes(context: &mut Context<'_>, args: &[Value]) -> Outcome {
    let count = usize::try_from(int(args, 0))
        .map_err(|_| CallError::new("runtime error: makeslice: len out of range"))?;
    context.charge_value(count)?;
    let mut bytes = vec![0; count];
    context.random_bytes(&mut bytes);
    Ok(generated(context, "randBytes", Value::text(json::base64(&bytes))))
}

fn rand_int(context: &mut Context<'_>, args: &[Value]) -> Outcome {
    let (least, end) = (int(args, 0), int(args, 1));
    let span = u64::try_from(end.wrapping_sub(least)).unwrap_or(0);
    if span == 0 {
        return Err(CallError::new("invalid argument to Intn"));
    }
    let drawn = least.wrapping_add_unsigned(below(context, span));
    Ok(generated(context, "randInt", Value::int(drawn)))
}

fn shuffle(context: &mut Context<'_>, args: &[Value]) -> Outcome {
    let text = arguments::bytes(args, 0);
    context.charge_value(text.len())?;
    let mut runes: Vec<char> = unicode::runes(text).map(|(_, rune, _)| rune).collect();
    for at in (1..runes.len()).rev() {
        let other = below(context, at as u64 + 1) as usize;
        runes.swap(at, other);
    }
    Ok(generated(context, "shuffle", Value::text(runes.into_iter().collect::<String>())))
}

fn uuid_v4(context: &mut Context<'_>, _args: &[Value]) -> Outcome {
    let mut bytes = [0; 16];
    context.random_bytes(&mut bytes);
    bytes[6] = bytes[6] & 0x0F | 0x40;
    bytes[8] = bytes[8] & 0x3F | 0x80;
    let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    let text = format!("{}-{}-{}-{}-{}", &hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..]);
    Ok(generated(context, "uuidv4", Value::text(text)))
}
