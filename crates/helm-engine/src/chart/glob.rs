//! The patterns of `.Files.Glob`: `gobwas/glob` with `/` as separator.
//!
//! `*` and `?` stay within a path part, `**` crosses parts, `[abc]`, `[a-z]` and `[!a]` match one rune, `{a,b}` one of
//! several patterns, `\` escapes. A pattern that does not parse matches everything, as Helm has it.

/// A compiled pattern.
pub(crate) struct Glob(Option<Vec<Token>>);

#[derive(Debug)]
enum Token {
    Rune(char),
    /// `?`: one rune that is no separator.
    Single,
    /// `*`: any number of runes that are no separator.
    Any,
    /// `**`: any number of runes.
    Super,
    Class {
        negated: bool,
        ranges: Vec<(char, char)>,
    },
    Choice(Vec<Vec<Token>>),
}

impl Glob {
    /// Compiles a pattern.
    pub(crate) fn new(pattern: &str) -> Glob {
        let runes: Vec<char> = pattern.chars().collect();
        let mut at = 0;
        Glob(parse(&runes, &mut at, 0).filter(|_| at == runes.len()))
    }

    /// Says whether the pattern matches the whole path.
    pub(crate) fn matches(&self, path: &str) -> bool {
        let Some(tokens) = &self.0 else { return true };
        let runes: Vec<char> = path.chars().collect();
        ends(tokens, &runes, &[0]).contains(&runes.len())
    }
}

/// Parses up to the end, or to `,` or `}` inside braces.
fn parse(runes: &[char], at: &mut usize, depth: usize) -> Option<Vec<Token>> {
    let mut tokens = Vec::new();
    while let Some(&rune) = runes.get(*at) {
        match rune {
            ',' | '}' if depth > 0 => return Some(tokens),
            '*' => {
                let stars = runes[*at..].iter().take_while(|r| **r == '*').count();
                // gobwas reads stars in pairs: `***` is `**` and `*`.
                tokens.extend((0..stars / 2).map(|_| Token::Super));
                tokens.extend((stars % 2 == 1).then_some(Token::Any));
                *at += stars;
                continue;
            }
            '?' => tokens.push(Token::Single),
            '[' => {
                tokens.push(parse_class(runes, at)?);
                continue;
            }
            '{' => {
                tokens.push(parse_choice(runes, at, depth)?);
                continue;
            }
            '\\' => {
                *at += 1;
                tokens.push(Token::Rune(*runes.get(*at)?));
            }
            rune => tokens.push(Token::Rune(rune)),
        }
        *at += 1;
    }
    (depth == 0).then_some(tokens)
}

fn parse_choice(runes: &[char], at: &mut usize, depth: usize) -> Option<Token> {
    if depth > 100 {
        return None;
    }
    let mut choices = Vec::new();
    loop {
        *at += 1;
        choices.push(parse(runes, at, depth + 1)?);
        match runes.get(*at) {
            Some(',') => {}
            Some('}') => {
                *at += 1;
                return Some(Token::Choice(choices));
            }
            _ => return None,
        }
    }
}

/// Parses `[abc]`, `[a-z]` or `[!…]`: either one range or a list of runes.
fn parse_class(runes: &[char], at: &mut usize) -> Option<Token> {
    let mut inside = *at + 1;
    let negated = runes.get(inside) == Some(&'!');
    inside += usize::from(negated);
    let end = inside + runes[inside.min(runes.len())..].iter().position(|r| *r == ']')?;
    let body = &runes[inside..end];
    let ranges = match body {
        [] => return None,
        [low, '-', high] if low <= high => vec![(*low, *high)],
        [_, '-', _] => return None,
        list => list.iter().map(|rune| (*rune, *rune)).collect(),
    };
    *at = end + 1;
    Some(Token::Class { negated, ranges })
}

/// Returns every place where a match that began at one of `starts` may end, without repeats.
fn ends(tokens: &[Token], path: &[char], starts: &[usize]) -> Vec<usize> {
    let mut places = starts.to_vec();
    for token in tokens {
        let mut next = vec![false; path.len() + 1];
        for &place in &places {
            step(token, path, place, &mut next);
        }
        places = next.iter().enumerate().filter(|(_, hit)| **hit).map(|(place, _)| place).collect();
        if places.is_empty() {
            break;
        }
    }
    places
}

fn step(token: &Token, path: &[char], place: usize, next: &mut [bool]) {
    let rune = path.get(place);
    let one = match token {
        Token::Rune(wanted) => rune == Some(wanted),
        Token::Single => rune.is_some_and(|r| *r != '/'),
        Token::Class { negated, ranges } => {
            rune.is_some_and(|r| ranges.iter().any(|(low, high)| (low..=high).contains(&r)) != *negated)
        }
        Token::Any | Token::Super => {
            let reach =
                path[place..].iter().take_while(|r| matches!(token, Token::Super) || **r != '/').count();
            next[place..=place + reach].fill(true);
            false
        }
        Token::Choice(choices) => {
            for choice in choices {
                for end in ends(choice, path, &[place]) {
                    next[end] = true;
                }
            }
            false
        }
    };
    if one {
        next[place + 1] = true;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(pattern: &str, path: &str, expected: bool) {
        assert_eq!(Glob::new(pattern).matches(path), expected, "{pattern} on {path}");
    }

    #[test]
    fn matches_as_gobwas_does() {
        check("*.txt", "a.txt", true);
        check("*.txt", "b/a.txt", false);
        check("**.txt", "b/a.txt", true);
        check("files/**", "files/a/b", true);
        check("files/**/x", "files/x", false);
        check("files/*", "files/", true);
        check("{a,b}*.txt", "bc.txt", true);
        check("{a,{b,c}}.txt", "c.txt", true);
        check("[ab].txt", "b.txt", true);
        check("[!ab].txt", "b.txt", false);
        check("[a-c].txt", "b.txt", true);
        check("a?c", "a/c", false);
        check("a\\*", "a*", true);
        check("", "a", false);
        check("[", "anything", true);
        check("{a", "anything", true);
    }
}
