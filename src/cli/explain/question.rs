//! What is to be explained, told from how it is written.

/// What is to be explained.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum What {
    /// A value and everything below it, by path; everything where it is empty.
    Value(String),
    /// An object, or the fields of it at a path and below.
    Object {
        /// As the user wrote it: `deployment/web`, or the key of a plan.
        object: String,
        /// The field's path; empty for all.
        field: String,
    },
    /// A line of a file.
    Line {
        /// The file.
        file: String,
        /// The line, from one.
        line: u32,
    },
}

/// Reads what comes behind the chart.
pub(super) fn read(words: &[String]) -> Result<What, String> {
    let (what, field) = match words {
        [] => return Ok(What::Value(String::new())),
        [what] => (what.as_str(), ""),
        [what, field] => (what.as_str(), field.as_str()),
        _ => return Err("Error: a chart, what to explain and a field are all there can be".to_owned()),
    };
    let of_object = is_object(what);
    if !field.is_empty() && !of_object {
        return Err(format!(
            "Error: only an object has fields, and {what:?} is none\nhint: write KIND/NAME and then the field: deployment/web spec.replicas"
        ));
    }
    if let Some((file, line)) = file_and_line(what) {
        return Ok(What::Line { file, line });
    }
    if of_object {
        let field = field.trim_start_matches('.').to_owned();
        return Ok(What::Object { object: what.to_owned(), field });
    }
    let path = what.strip_prefix(".Values.").unwrap_or(what).trim_start_matches('.');
    Ok(What::Value(path.to_owned()))
}

/// Reads `FILE:LINE` or `FILE:LINE:COLUMN`.
pub(super) fn file_and_line(text: &str) -> Option<(String, u32)> {
    let (before, last) = text.rsplit_once(':')?;
    let last: u32 = last.parse().ok()?;
    match before.rsplit_once(':').and_then(|(file, line)| Some((file, line.parse().ok()?))) {
        Some((file, line)) => Some((file.to_owned(), line)),
        None => Some((before.to_owned(), last)),
    }
}

/// Tells `deployment/web` from the path of a value, whose slashes stand in brackets.
fn is_object(text: &str) -> bool {
    let slash = text.find('/');
    slash.is_some_and(|slash| text.find('[').is_none_or(|bracket| slash < bracket))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(words: &[&str], expected: &str) {
        let words: Vec<String> = words.iter().map(|word| (*word).to_owned()).collect();
        let shown = match read(&words) {
            Ok(What::Value(path)) => format!("value {path}"),
            Ok(What::Object { object, field }) => format!("object {object} {field}"),
            Ok(What::Line { file, line }) => format!("line {file} {line}"),
            Err(error) => error,
        };
        assert!(shown.starts_with(expected), "{shown}");
    }

    #[test]
    fn values_objects_and_lines_are_told_apart() {
        check(&[], "value ");
        check(&[".Values.image.tag"], "value image.tag");
        check(&["podAnnotations[prometheus.io/scrape]"], "value podAnnotations[prometheus.io/scrape]");
        check(&["deployment/web"], "object deployment/web ");
        check(
            &["apps/v1/Deployment/shop/web", ".spec.replicas"],
            "object apps/v1/Deployment/shop/web spec.replicas",
        );
        check(&["values/web/prod.yaml:12"], "line values/web/prod.yaml 12");
        check(&["prod.yaml:12:3"], "line prod.yaml 12");
        check(&["image.tag", "x"], "Error: only an object has fields");
    }
}
