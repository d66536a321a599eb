//! `.helmignore`: which files of a chart directory do not belong to the chart.
//!
//! Follows Helm's `pkg/ignore`, which is not git's: the first matching rule decides, a pattern without a slash matches
//! the base name at any depth, `**` is refused, and `!p` ignores everything that does not match `p`.

use std::collections::HashMap;

use super::path_match;

/// The rules of one chart directory.
pub(super) struct Rules {
    patterns: Vec<Pattern>,
}

struct Pattern {
    glob: Vec<u8>,
    /// Whether `glob` is text without special characters, perhaps behind one star: most patterns are.
    is_simple: bool,
    negate: bool,
    directories_only: bool,
    whole_path: bool,
}

impl Rules {
    /// Reads the lines of a `.helmignore` and adds Helm's own rule, which ignores dotfiles in `templates/`.
    ///
    /// # Errors
    /// On `**` and on patterns that do not parse.
    pub(super) fn parse(text: &[u8]) -> Result<Rules, String> {
        let text = text.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(text);
        let mut patterns = Vec::new();
        for line in String::from_utf8_lossy(text).split('\n') {
            patterns.extend(Pattern::parse(line)?);
        }
        patterns.extend(Pattern::parse("templates/.?*")?);
        Ok(Rules { patterns })
    }

    /// Says whether a file is ignored, by itself or by a directory above it; `known` remembers the directories.
    pub(super) fn ignores_file<'p>(&self, path: &'p str, known: &mut HashMap<&'p str, bool>) -> bool {
        let mut above = path.match_indices('/').map(|(end, _)| &path[..end]);
        above.any(|directory| *known.entry(directory).or_insert_with(|| self.ignores(directory, true)))
            || self.ignores(path, false)
    }

    fn ignores(&self, path: &str, is_directory: bool) -> bool {
        if path.is_empty() || path == "." || path == "./" {
            return false;
        }
        for pattern in &self.patterns {
            let wrong_kind = pattern.directories_only && !is_directory;
            if pattern.negate {
                if wrong_kind || !pattern.matches(path) {
                    return true;
                }
            } else if !wrong_kind && pattern.matches(path) {
                return true;
            }
        }
        false
    }
}

impl Pattern {
    fn parse(line: &str) -> Result<Option<Pattern>, String> {
        let rule = line.trim();
        if rule.is_empty() || rule.starts_with('#') {
            return Ok(None);
        }
        if rule.contains("**") {
            return Err("double-star (**) syntax is not supported".to_owned());
        }
        path_match::matches(rule.as_bytes(), b"abc").map_err(|_| path_match::BAD_PATTERN.to_owned())?;
        let negate = rule.starts_with('!');
        let rule = rule.strip_prefix('!').unwrap_or(rule);
        let directories_only = rule.ends_with('/');
        let rule = rule.strip_suffix('/').unwrap_or(rule);
        let whole_path = rule.contains('/');
        let glob = rule.strip_prefix('/').unwrap_or(rule).as_bytes().to_vec();
        let is_simple = !glob.iter().skip(1).any(is_special)
            && !glob.first().is_some_and(|b| *b != b'*' && is_special(b));
        Ok(Some(Pattern { glob, is_simple, negate, directories_only, whole_path }))
    }

    fn matches(&self, path: &str) -> bool {
        let subject = if self.whole_path { path } else { path.rsplit('/').next().unwrap_or(path) };
        let subject = subject.as_bytes();
        if !self.is_simple {
            return path_match::matches(&self.glob, subject).unwrap_or(false);
        }
        match self.glob.strip_prefix(b"*") {
            Some(ending) => subject.strip_suffix(ending).is_some_and(|starred| !starred.contains(&b'/')),
            None => self.glob == subject,
        }
    }
}

fn is_special(byte: &u8) -> bool {
    matches!(byte, b'*' | b'?' | b'[' | b'\\')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(rules: &str, path: &str, ignored: bool) {
        let parsed = Rules::parse(rules.as_bytes()).expect("the rules parse");
        assert_eq!(parsed.ignores_file(path, &mut HashMap::new()), ignored, "{rules:?} on {path}");
    }

    #[test]
    fn follows_the_rules_of_helm() {
        check("*.txt", "a/b.txt", true);
        check("*.txt", "a/b.yaml", false);
        check("/b.txt", "b.txt", true);
        check("/b.txt", "a/b.txt", false);
        check("a/*.txt", "a/b.txt", true);
        check("a/*.txt", "a/c/b.txt", false);
        check("ci/", "ci/values.yaml", true);
        check("ci/", "x/ci/values.yaml", true);
        check("ci/", "ci", false);
        check("# note\n\n  .git  ", ".git/config", true);
        check("*.txt\n!keep.md", "Chart.yaml", true);
        check("!keep.md", "keep.md", false);
        check("[ab].md", "b.md", true);
        check("?.md", "bb.md", false);
        check("", "templates/.hidden", true);
        check("", "templates/.", false);
        check("", ".hidden", false);
        check("*.txt\r\n", "a.txt", true);
    }

    #[test]
    fn refuses_what_helm_refuses() {
        let error = |rules: &str| Rules::parse(rules.as_bytes()).err();
        assert_eq!(error("a/**"), Some("double-star (**) syntax is not supported".to_owned()));
        assert_eq!(error("a["), Some("syntax error in pattern".to_owned()));
    }
}
