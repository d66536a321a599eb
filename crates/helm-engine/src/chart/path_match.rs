//! Go's `filepath.Match`: shell patterns that do not cross `/`, as `.helmignore` and `--show-only` use them.

use std::borrow::Cow;

/// The text of Go's `filepath.ErrBadPattern`.
pub(crate) const BAD_PATTERN: &str = "syntax error in pattern";

/// The pattern is malformed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct BadPattern;

/// Says whether the pattern matches the whole name: `*` and `?` stop at `/`, `[a-z]` and `[^a]` are classes, `\` escapes.
///
/// # Errors
/// When the pattern is malformed at a place that matching has to look at.
pub(crate) fn matches(pattern: &[u8], name: &[u8]) -> Result<bool, BadPattern> {
    let (mut pattern, mut name) = (pattern, Cow::Borrowed(name));
    'chunks: while !pattern.is_empty() {
        let (star, chunk, rest) = next_chunk(pattern);
        pattern = rest;
        if star && chunk.is_empty() {
            return Ok(!name.contains(&b'/'));
        }
        if let Some(left) = match_chunk(chunk, &name)?
            && (left == 0 || !pattern.is_empty())
        {
            name = Cow::Owned(name[name.len() - left..].to_vec());
            continue;
        }
        if star {
            for skipped in 0..name.len() {
                if name[skipped] == b'/' {
                    break;
                }
                if let Some(left) = match_chunk(chunk, &name[skipped + 1..])? {
                    if pattern.is_empty() && left > 0 {
                        continue;
                    }
                    name = Cow::Owned(name[name.len() - left..].to_vec());
                    continue 'chunks;
                }
            }
        }
        while !pattern.is_empty() {
            let (_, chunk, rest) = next_chunk(pattern);
            pattern = rest;
            match_chunk(chunk, b"")?;
        }
        return Ok(false);
    }
    Ok(name.is_empty())
}

/// Splits off leading stars and everything up to the next star outside a class.
fn next_chunk(pattern: &[u8]) -> (bool, &[u8], &[u8]) {
    let stars = pattern.iter().take_while(|byte| **byte == b'*').count();
    let pattern = &pattern[stars..];
    let (mut in_class, mut at) = (false, 0);
    while at < pattern.len() {
        match pattern[at] {
            b'\\' => at += 1,
            b'[' => in_class = true,
            b']' => in_class = false,
            b'*' if !in_class => break,
            _ => {}
        }
        at += 1;
    }
    let at = at.min(pattern.len());
    (stars > 0, &pattern[..at], &pattern[at..])
}

/// Matches a star-free chunk at the start of `text`; returns how many bytes remain.
fn match_chunk(mut chunk: &[u8], mut text: &[u8]) -> Result<Option<usize>, BadPattern> {
    // Go reads on after a mismatch to find syntax errors.
    let mut failed = false;
    while let Some(first) = chunk.first() {
        failed |= text.is_empty();
        match first {
            b'[' => {
                let (hit, rest) = match_class(&chunk[1..], rune(text).0)?;
                if !failed {
                    failed = !hit;
                    text = &text[rune(text).1..];
                }
                chunk = rest;
            }
            b'?' => {
                if !failed {
                    failed = text[0] == b'/';
                    text = &text[rune(text).1..];
                }
                chunk = &chunk[1..];
            }
            _ => {
                if *first == b'\\' {
                    chunk = &chunk[1..];
                }
                let Some(byte) = chunk.first() else { return Err(BadPattern) };
                if !failed {
                    failed = *byte != text[0];
                    text = &text[1..];
                }
                chunk = &chunk[1..];
            }
        }
    }
    Ok((!failed).then_some(text.len()))
}

/// Matches a rune against the class whose `[` was read; returns what stands behind its `]`.
fn match_class(mut class: &[u8], rune: char) -> Result<(bool, &[u8]), BadPattern> {
    let negated = class.first() == Some(&b'^');
    if negated {
        class = &class[1..];
    }
    let (mut hit, mut ranges) = (false, 0);
    loop {
        if class.first() == Some(&b']') && ranges > 0 {
            return Ok((hit != negated, &class[1..]));
        }
        let (low, rest) = class_rune(class)?;
        class = rest;
        let mut high = low;
        if class.first() == Some(&b'-') {
            (high, class) = class_rune(&class[1..])?;
        }
        hit |= (low..=high).contains(&rune);
        ranges += 1;
    }
}

fn class_rune(class: &[u8]) -> Result<(char, &[u8]), BadPattern> {
    let class = match class.first() {
        None | Some(b'-' | b']') => return Err(BadPattern),
        Some(b'\\') => &class[1..],
        Some(_) => class,
    };
    if class.is_empty() {
        return Err(BadPattern);
    }
    let (rune, width) = rune(class);
    let rest = &class[width..];
    if rest.is_empty() { Err(BadPattern) } else { Ok((rune, rest)) }
}

fn rune(text: &[u8]) -> (char, usize) {
    let head = &text[..text.len().min(4)];
    let valid = match std::str::from_utf8(head) {
        Ok(valid) => valid,
        Err(error) => std::str::from_utf8(&head[..error.valid_up_to()]).unwrap_or_default(),
    };
    valid
        .chars()
        .next()
        .map_or((char::REPLACEMENT_CHARACTER, text.len().min(1)), |rune| (rune, rune.len_utf8()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(pattern: &str, name: &str, expected: Result<bool, BadPattern>) {
        assert_eq!(matches(pattern.as_bytes(), name.as_bytes()), expected, "{pattern} on {name}");
    }

    #[test]
    fn matches_as_go_does() {
        check("abc", "abc", Ok(true));
        check("*", "abc", Ok(true));
        check("*c", "abc", Ok(true));
        check("a*/b", "abc/b", Ok(true));
        check("a*/b", "a/c/b", Ok(false));
        check("a*b*c*d*e*/f", "axbxcxdxe/f", Ok(true));
        check("a*b?c*x", "abxbbxdbxebxczzx", Ok(true));
        check("ab[^c]", "abc", Ok(false));
        check("a\\*b", "a*b", Ok(true));
        check("[a-ζ]*", "α", Ok(true));
        check("*x", "xxx", Ok(true));
        check("[]a]", "]", Err(BadPattern));
        check("[-]", "-", Err(BadPattern));
        check("[", "a", Err(BadPattern));
        check("a[", "ab", Err(BadPattern));
        check("[a-b-c]", "a", Err(BadPattern));
        check("\\", "a", Err(BadPattern));
        check("templates/*.yaml", "templates/a.yaml", Ok(true));
    }
}
