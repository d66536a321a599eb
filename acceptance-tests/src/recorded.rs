//! Output that documentation shows: fenced blocks behind a marker `<!-- recorded: NAME -->`, compared with what the real
//! tools print. With `STRATA_RECORD=1` in the environment the blocks are rewritten instead.

use std::path::Path;

use crate::terraform::is_opentofu;

/// Compares the block NAME of a Markdown file with `actual`, or rewrites it.
#[track_caller]
pub fn check_recorded(file: &Path, name: &str, actual: &str) {
    let text = std::fs::read_to_string(file).expect("the page can be read");
    let (before, block, after) =
        split(&text, name).unwrap_or_else(|| panic!("{} has no block {name}", file.display()));
    // The pages show what Terraform prints.
    if is_opentofu() {
        return;
    }
    let actual = actual.trim_end();
    if std::env::var_os("STRATA_RECORD").is_some() {
        std::fs::write(file, format!("{before}{actual}\n{after}")).expect("the page can be written");
        return;
    }
    assert_eq!(
        block.trim_end(),
        actual,
        "{}: {name} is out of date; STRATA_RECORD=1 rewrites it",
        file.display()
    );
}

/// Splits a page at the content of a block: what is before, the content, and what is behind.
fn split<'a>(text: &'a str, name: &str) -> Option<(&'a str, &'a str, &'a str)> {
    let marker = format!("<!-- recorded: {name} -->\n");
    let fence = text.find(&marker)? + marker.len();
    let start = fence + text[fence..].find('\n')? + 1;
    let end = start + text[start..].find("```\n")?;
    Some((&text[..start], &text[start..end], &text[end..]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_block_is_found_by_its_marker() {
        let page = "# Title\n\n<!-- recorded: one -->\n```text\nfirst\n```\n\n<!-- recorded: two -->\n```text\nsecond\nline\n```\n";
        assert_eq!(split(page, "one").map(|(_, block, _)| block), Some("first\n"));
        assert_eq!(split(page, "two").map(|(_, block, _)| block), Some("second\nline\n"));
        assert!(split(page, "three").is_none());
    }
}
