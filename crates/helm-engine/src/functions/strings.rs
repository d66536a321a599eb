//! Functions on text. Text is bytes, as in Go: lengths and offsets count bytes, letters are runes where Go says so.

use super::arguments::{Outcome, any, bytes, integer, own_marks};
use super::letters::{self, trim_space_range};
use super::marks::{Pieces, cut, map_pieces, marks_within, part, shape};
use super::{Function, Param};
use crate::context::Context;
use crate::error::CallError;
use crate::template::unicode::{decode_last_rune, decode_rune, runes};
use crate::trace::Marks;
use crate::value::{Data, Value};

const TEXT: &[Param] = &[Param::String];
const TEXTS: &[Param] = &[Param::String, Param::String];
const COUNT_AND_TEXT: &[Param] = &[Param::Int, Param::String];

/// The functions on text.
pub(super) const FUNCTIONS: &[Function] = &[
    own("trim", TEXT, trim, "Removes white space at both ends."),
    own("trimAll", TEXTS, trim_all, "Removes characters of a set at both ends."),
    own("trimall", TEXTS, trim_all, "Removes characters of a set at both ends."),
    own("trimSuffix", TEXTS, trim_suffix, "Removes an ending once."),
    own("trimPrefix", TEXTS, trim_prefix, "Removes a beginning once."),
    own("upper", TEXT, |_, args| Ok(map_pieces(any(args, 0), letters::upper)), "Makes letters upper case."),
    own("lower", TEXT, |_, args| Ok(map_pieces(any(args, 0), letters::lower)), "Makes letters lower case."),
    Function::new(
        "title",
        TEXT,
        |_, args| Ok(Value::text(letters::title(bytes(args, 0)))),
        "Makes the first letter of every word upper case.",
    ),
    Function::new(
        "untitle",
        TEXT,
        |_, args| Ok(Value::text(letters::untitle(bytes(args, 0)))),
        "Makes the first letter of every word lower case.",
    ),
    Function::new(
        "swapcase",
        TEXT,
        |_, args| Ok(Value::text(letters::swap_case(bytes(args, 0)))),
        "Swaps upper and lower case.",
    ),
    Function::new(
        "nospace",
        TEXT,
        |_, args| Ok(Value::text(letters::without_space(bytes(args, 0)))),
        "Removes white space.",
    ),
    Function::new(
        "initials",
        TEXT,
        |_, args| Ok(Value::text(letters::initials(bytes(args, 0)))),
        "Returns the first letter of every word.",
    ),
    Function::new(
        "snakecase",
        TEXT,
        |_, args| Ok(Value::text(letters::joined_words(bytes(args, 0), '_'))),
        "Joins the words of a name by underscores.",
    ),
    Function::new(
        "kebabcase",
        TEXT,
        |_, args| Ok(Value::text(letters::joined_words(bytes(args, 0), '-'))),
        "Joins the words of a name by hyphens.",
    ),
    Function::new(
        "camelcase",
        TEXT,
        |_, args| Ok(Value::text(letters::pascal_case(bytes(args, 0)))),
        "Joins the words of a name by capitals.",
    ),
    own("trunc", COUNT_AND_TEXT, trunc, "Cuts to a number of bytes, from the end if negative."),
    own("substr", &[Param::Int, Param::Int, Param::String], substr, "Returns the bytes between two offsets."),
    own("abbrev", COUNT_AND_TEXT, abbrev, "Shortens with three dots."),
    own(
        "abbrevboth",
        &[Param::Int, Param::Int, Param::String],
        abbrev_both,
        "Shortens with dots at both ends.",
    ),
    own("repeat", COUNT_AND_TEXT, repeat, "Repeats a text."),
    Function::new("wrap", COUNT_AND_TEXT, wrap, "Breaks lines at a width."),
    Function::new(
        "wrapWith",
        &[Param::Int, Param::String, Param::String],
        wrap_with,
        "Breaks lines with a separator.",
    ),
    Function::new(
        "contains",
        TEXTS,
        |_, args| Ok(Value::bool(find(bytes(args, 1), bytes(args, 0)).is_some())),
        "Says whether the second text contains the first.",
    ),
    Function::new(
        "hasPrefix",
        TEXTS,
        |_, args| Ok(Value::bool(bytes(args, 1).starts_with(bytes(args, 0)))),
        "Says whether the second text begins with the first.",
    ),
    Function::new(
        "hasSuffix",
        TEXTS,
        |_, args| Ok(Value::bool(bytes(args, 1).ends_with(bytes(args, 0)))),
        "Says whether the second text ends with the first.",
    ),
    own("indent", COUNT_AND_TEXT, indent, "Indents every line."),
    own("nindent", COUNT_AND_TEXT, nindent, "Indents every line, behind a line break."),
    own(
        "replace",
        &[Param::String, Param::String, Param::String],
        replace,
        "Replaces every occurrence of a text.",
    ),
    Function::new(
        "plural",
        &[Param::String, Param::String, Param::Int],
        plural,
        "Chooses between singular and plural.",
    ),
];

const fn own(
    name: &'static str,
    params: &'static [Param],
    call: fn(&mut Context<'_>, &[Value]) -> Outcome,
    doc: &'static str,
) -> Function {
    Function::new(name, params, call, doc).own_marks()
}

fn trim(_: &mut Context<'_>, args: &[Value]) -> Outcome {
    Ok(cut(any(args, 0), trim_space_range(bytes(args, 0))))
}

fn trim_all(_: &mut Context<'_>, args: &[Value]) -> Outcome {
    let (set, text) = (bytes(args, 0), bytes(args, 1));
    let set: Vec<char> = runes(set).map(|(_, rune, _)| rune).collect();
    let (mut start, mut end) = (0, text.len());
    while start < end {
        let (rune, width) = decode_rune(&text[start..end]);
        if !set.contains(&rune) {
            break;
        }
        start += width;
    }
    while start < end {
        let (rune, width) = decode_last_rune(&text[start..end]);
        if !set.contains(&rune) {
            break;
        }
        end -= width;
    }
    Ok(cut(any(args, 1), start..end).marked(own_marks(args, 0)))
}

fn trim_suffix(_: &mut Context<'_>, args: &[Value]) -> Outcome {
    let text = bytes(args, 1);
    let kept = text.strip_suffix(bytes(args, 0)).unwrap_or(text).len();
    Ok(cut(any(args, 1), 0..kept).marked(own_marks(args, 0)))
}

fn trim_prefix(_: &mut Context<'_>, args: &[Value]) -> Outcome {
    let text = bytes(args, 1);
    let kept = text.strip_prefix(bytes(args, 0)).unwrap_or(text).len();
    Ok(cut(any(args, 1), text.len() - kept..text.len()).marked(own_marks(args, 0)))
}

fn trunc(_: &mut Context<'_>, args: &[Value]) -> Outcome {
    let (count, length) = (integer(args, 0), bytes(args, 1).len());
    let size = usize::try_from(count.unsigned_abs()).unwrap_or(usize::MAX);
    let range = match count {
        ..0 if size < length => length - size..length,
        0.. if size < length => 0..size,
        _ => 0..length,
    };
    Ok(part(any(args, 1), range).marked(own_marks(args, 0)))
}

fn substr(_: &mut Context<'_>, args: &[Value]) -> Outcome {
    let (start, end, length) = (integer(args, 0), integer(args, 1), bytes(args, 2).len());
    let bad = |text: String| Err(CallError::new(format!("runtime error: slice bounds out of range [{text}")));
    let to_end = end < 0 || end > length as i64;
    if start < 0 && end < 0 {
        return bad(format!(":{end}]"));
    }
    if start < 0 && to_end {
        return bad(format!(":{end}] with length {length}"));
    }
    let end = if to_end { length as i64 } else { end };
    let start = start.max(0);
    if start > end {
        return bad(format!("{start}:{end}]"));
    }
    Ok(cut(any(args, 2), start as usize..end as usize).marked(own_marks(args, 0)).marked(own_marks(args, 1)))
}

fn abbrev(_: &mut Context<'_>, args: &[Value]) -> Outcome {
    Ok(abbreviated(any(args, 1), bytes(args, 1), 0, integer(args, 0)).marked(own_marks(args, 0)))
}

fn abbrev_both(_: &mut Context<'_>, args: &[Value]) -> Outcome {
    let (left, right) = (integer(args, 0), integer(args, 1));
    if left > 0 && right < 7 {
        return Ok(any(args, 2).clone());
    }
    let text = abbreviated(any(args, 2), bytes(args, 2), left, right);
    Ok(text.marked(own_marks(args, 0)).marked(own_marks(args, 1)))
}

/// Shortens as goutils does: dots count for three bytes of the width, a left edge of up to four is none.
fn abbreviated(value: &Value, text: &[u8], offset: i64, width: i64) -> Value {
    let length = text.len() as i64;
    if width < 4 || length <= width {
        return value.clone();
    }
    let mut offset = offset.min(length);
    if length - offset < width - 3 {
        offset = length - (width - 3);
    }
    if offset <= 4 {
        return dotted(value, 0..(width - 3) as usize, (false, true));
    }
    if width < 7 {
        return Value::from("");
    }
    if offset + width - 3 < length {
        let inner = (width - 3 - 3).max(0);
        return dotted(value, offset as usize..(offset + inner) as usize, (true, true));
    }
    dotted(value, (length - (width - 3)) as usize..length as usize, (true, false))
}

fn dotted(value: &Value, range: std::ops::Range<usize>, (before, after): (bool, bool)) -> Value {
    let Data::Text(text) = &value.data else { return value.clone() };
    let mut pieces = Pieces::default();
    let marks = shape(value);
    if before {
        pieces.push(b"...", marks);
    }
    pieces.push_part(text, value.marks, range);
    if after {
        pieces.push(b"...", marks);
    }
    pieces.finish()
}

fn repeat(context: &mut Context<'_>, args: &[Value]) -> Outcome {
    let (count, value) = (integer(args, 0), any(args, 1));
    let length = bytes(args, 1).len();
    let count = usize::try_from(count).map_err(|_| negative_repeat())?;
    context.charge_value(length.saturating_mul(count))?;
    let mut pieces = Pieces::new(own_marks(args, 0));
    if let (1.., Data::Text(text)) = (length, &value.data) {
        (0..count).for_each(|_| pieces.push_text(text, value.marks));
    }
    Ok(pieces.finish())
}

fn negative_repeat() -> CallError {
    CallError::new("strings: negative Repeat count")
}

fn wrap(context: &mut Context<'_>, args: &[Value]) -> Outcome {
    wrapped(context, bytes(args, 1), integer(args, 0), b"\n", false)
}

fn wrap_with(context: &mut Context<'_>, args: &[Value]) -> Outcome {
    let separator = bytes(args, 1);
    let separator = if separator.is_empty() { b"\n" } else { separator };
    wrapped(context, bytes(args, 2), integer(args, 0), separator, true)
}

fn wrapped(context: &mut Context<'_>, text: &[u8], width: i64, separator: &[u8], cut_words: bool) -> Outcome {
    let width = usize::try_from(width.max(1)).unwrap_or(usize::MAX);
    let breaks = text.len() / width.min(text.len().max(1)) + 1;
    context.charge_value(text.len().saturating_add(breaks.saturating_mul(separator.len())))?;
    let mut out = Vec::with_capacity(text.len());
    let mut offset = 0;
    while text.len() - offset > width {
        if text[offset] == b' ' {
            offset += 1;
            continue;
        }
        let line = &text[offset..offset + width + 1];
        let blank = match line.iter().rposition(|byte| *byte == b' ') {
            Some(at) => Some(offset + at),
            None if cut_words => {
                out.extend_from_slice(&text[offset..offset + width]);
                out.extend_from_slice(separator);
                offset += width;
                continue;
            }
            None => {
                text[offset + width..].iter().position(|byte| *byte == b' ').map(|at| offset + width + at)
            }
        };
        let Some(blank) = blank else { break };
        out.extend_from_slice(&text[offset..blank]);
        out.extend_from_slice(separator);
        offset = blank + 1;
    }
    out.extend_from_slice(&text[offset..]);
    Ok(Value::text(out))
}

fn indent(context: &mut Context<'_>, args: &[Value]) -> Outcome {
    indented(context, args, b"")
}

fn nindent(context: &mut Context<'_>, args: &[Value]) -> Outcome {
    indented(context, args, b"\n")
}

fn indented(context: &mut Context<'_>, args: &[Value], before: &[u8]) -> Outcome {
    let (value, text) = (any(args, 1), bytes(args, 1));
    let count = usize::try_from(integer(args, 0)).map_err(|_| negative_repeat())?;
    let breaks = text.iter().filter(|byte| **byte == b'\n').count();
    let size = count.saturating_mul(breaks + 1).saturating_add(text.len());
    context.charge_value(size)?;
    let pad = vec![b' '; count];
    let whole = own_marks(args, 0);
    if value.marks.is_none() && whole.is_none() && no_segments(value) {
        return Ok(Value::text(indented_plain(text, &pad, before, size)));
    }
    let Data::Text(source) = &value.data else { return Ok(value.clone()) };
    let mut pieces = Pieces::new(whole);
    pieces.push(before, Marks::NONE);
    let mut start = 0;
    for line in text.split_inclusive(|byte| *byte == b'\n') {
        pieces.push(&pad, Marks::NONE);
        pieces.push_part(source, value.marks, start..start + line.len());
        start += line.len();
    }
    if text.is_empty() || text.ends_with(b"\n") {
        pieces.push(&pad, Marks::NONE);
        pieces.push_part(source, value.marks, text.len()..text.len());
    }
    Ok(pieces.finish())
}

fn no_segments(value: &Value) -> bool {
    !matches!(&value.data, Data::Text(text) if !text.segments().is_empty())
}

fn indented_plain(text: &[u8], pad: &[u8], before: &[u8], size: usize) -> Vec<u8> {
    let mut out = Vec::with_capacity(size + before.len());
    out.extend_from_slice(before);
    for (at, line) in text.split(|byte| *byte == b'\n').enumerate() {
        if at > 0 {
            out.push(b'\n');
        }
        out.extend_from_slice(pad);
        out.extend_from_slice(line);
    }
    out
}

/// Returns where `needle` begins in `text`.
pub(super) fn find(text: &[u8], needle: &[u8]) -> Option<usize> {
    memchr::memmem::find(text, needle)
}

fn replace(context: &mut Context<'_>, args: &[Value]) -> Outcome {
    let (old, new, value) = (bytes(args, 0), bytes(args, 1), any(args, 2));
    let text = bytes(args, 2);
    let found: Vec<usize> = if old.is_empty() {
        runes(text).map(|(at, ..)| at).chain([text.len()]).collect()
    } else {
        memchr::memmem::find_iter(text, old).collect()
    };
    let grown = found.len().saturating_mul(new.len()).saturating_add(text.len());
    context.charge_value(grown)?;
    let Data::Text(source) = &value.data else { return Ok(value.clone()) };
    if found.is_empty() {
        return Ok(value.clone().marked(own_marks(args, 0)));
    }
    let mut pieces = Pieces::new(own_marks(args, 0));
    let mut start = 0;
    let inserted = own_marks(args, 1).union(value.marks);
    for at in found {
        if at > start {
            pieces.push_part(source, value.marks, start..at);
        }
        pieces.push(new, inserted.union(marks_within(source, at..at + old.len())));
        start = at + old.len();
    }
    pieces.push_part(source, value.marks, start..text.len());
    Ok(pieces.finish())
}

fn plural(_: &mut Context<'_>, args: &[Value]) -> Outcome {
    Ok(any(args, if integer(args, 2) == 1 { 0 } else { 1 }).clone())
}
