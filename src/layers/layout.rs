//! A layout: path templates with named captures, in order of precedence: `values/{service}/{environment}.yaml`.
//!
//! It is read in both directions. With the captures of a release it names the files of its layers; with a changed file
//! it gives the captures, and so the releases that the file reaches. A capture stands for a non-empty part of one path
//! segment; two captures of a segment have text between them.

use std::collections::BTreeMap;
use std::fmt;

/// Capture → what it stands for.
pub type Captures = BTreeMap<String, String>;

/// Ways to read one path that are looked for, and attempts made; an ambiguous template could have very many.
const MOST_READINGS: usize = 64;
const MOST_ATTEMPTS: usize = 10_000;

/// The layers of every release of one kind, lowest first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Layout {
    /// The layout's name.
    pub name: String,
    /// Its layers, the highest last.
    pub layers: Vec<LayerTemplate>,
}

/// Names one layer of every release.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LayerTemplate {
    /// The layer's name, as plans show it.
    pub name: String,
    /// Where its file stands.
    pub file: PathTemplate,
    /// Whether a release may lack the file.
    pub optional: bool,
    /// The repository that the file is in; none for the folder that relative paths start from.
    pub repository: Option<RepositoryTemplate>,
}

/// Names the repository of a layer's file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RepositoryTemplate {
    /// The repository's name.
    pub name: String,
    /// The branch, tag or commit to read; captures stand for parts of it.
    pub reference: Option<PathTemplate>,
}

/// A repository at a reference.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RepositoryAt {
    /// The repository's name.
    pub name: String,
    /// The branch, tag or commit to read; none for what the repository says.
    pub reference: Option<String>,
}

/// A layer of one release, by its file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LayerFile {
    /// The layer's name.
    pub name: String,
    /// The file's path, relative to the layout's root or the repository's.
    pub path: String,
    /// Whether the file may be absent.
    pub optional: bool,
    /// The repository that the file is in.
    pub repository: Option<RepositoryAt>,
}

/// One way in which a file belongs to a layout.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Match {
    /// The layer's name.
    pub layer: String,
    /// What its captures stand for; captures that the template lacks stand for anything.
    pub captures: Captures,
}

/// Says what is wrong with a template, or with what is put into it.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum LayoutError {
    /// A brace has no partner, or a capture has no name.
    #[error("`{template}`: {what} at column {column}")]
    Malformed {
        /// The template.
        template: String,
        /// What is wrong.
        what: &'static str,
        /// Where, in bytes, counted from one.
        column: usize,
    },
    /// The template leaves the root or is absolute.
    #[error("`{template}` must be a path inside the repository, without `..` and without a leading slash")]
    Escapes {
        /// The template.
        template: String,
    },
    /// A capture that nobody defines.
    #[error("`{template}`: there is no `{{{capture}}}`; known are {known}")]
    UnknownCapture {
        /// The template.
        template: String,
        /// The capture's name.
        capture: String,
        /// The names that are defined.
        known: String,
    },
    /// A capture whose value does not fit into a path.
    #[error(
        "`{template}`: `{{{capture}}}` cannot be `{value}`: it must be a single, non-empty part of a path"
    )]
    BadValue {
        /// The template.
        template: String,
        /// The capture's name.
        capture: String,
        /// The value.
        value: String,
    },
}

impl Layout {
    /// Names the files of a release's layers, lowest first.
    ///
    /// # Errors
    /// When a template wants a capture that is not given, or a value does not fit into a path.
    pub fn files(&self, captures: &Captures) -> Result<Vec<LayerFile>, LayoutError> {
        let file = |layer: &LayerTemplate| {
            let path = layer.file.expand(captures)?;
            let repository = layer.repository.as_ref().map(|one| one.expand(captures)).transpose()?;
            Ok(LayerFile { name: layer.name.clone(), path, optional: layer.optional, repository })
        };
        self.layers.iter().map(file).collect()
    }

    /// Tells whether a file of a repository belongs to a layer of some release.
    pub fn reaches(&self, repository: &str, path: &str) -> bool {
        let of_repository =
            |layer: &&LayerTemplate| layer.repository.as_ref().is_some_and(|one| one.name == repository);
        self.layers.iter().filter(of_repository).any(|layer| !layer.file.read(path).is_empty())
    }

    /// Gives every way in which a file can belong to the layout; none where it does not.
    pub fn matches(&self, path: &str) -> Vec<Match> {
        let of_layer = |layer: &LayerTemplate| {
            let name = layer.name.clone();
            layer.file.read(path).into_iter().map(move |captures| Match { layer: name.clone(), captures })
        };
        self.layers.iter().flat_map(of_layer).collect()
    }
}

impl RepositoryTemplate {
    fn expand(&self, captures: &Captures) -> Result<RepositoryAt, LayoutError> {
        let reference = self.reference.as_ref().map(|reference| reference.expand(captures)).transpose()?;
        Ok(RepositoryAt { name: self.name.clone(), reference })
    }
}

/// A path with named captures.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PathTemplate {
    text: String,
    parts: Vec<Part>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Part {
    Text(String),
    Capture(String),
}

impl PathTemplate {
    /// Reads a template.
    ///
    /// # Errors
    /// When braces do not match, captures touch, or the path leaves its root.
    pub fn parse(text: &str) -> Result<Self, LayoutError> {
        if text.starts_with('/')
            || text.contains(['\\', '\0'])
            || text.split('/').any(|segment| segment == "..")
        {
            return Err(LayoutError::Escapes { template: text.to_owned() });
        }
        let (mut parts, mut rest) = (Vec::new(), text.strip_prefix("./").unwrap_or(text));
        while !rest.is_empty() {
            let column = text.len() - rest.len() + 1;
            let (part, length) = next_part(rest)
                .and_then(|next| follows(parts.last(), next))
                .map_err(|what| LayoutError::Malformed { template: text.to_owned(), what, column })?;
            parts.push(part);
            rest = &rest[length..];
        }
        Ok(Self { text: text.to_owned(), parts })
    }

    /// Lists the captures' names, each once.
    pub fn captures(&self) -> Vec<&str> {
        let mut names: Vec<&str> = Vec::new();
        for part in &self.parts {
            match part {
                Part::Capture(name) if !names.contains(&name.as_str()) => names.push(name),
                _ => {}
            }
        }
        names
    }

    /// Puts values in for the captures.
    ///
    /// # Errors
    /// When a capture is not among the given ones, or its value does not fit into a path.
    pub fn expand(&self, captures: &Captures) -> Result<String, LayoutError> {
        let mut path = String::with_capacity(self.text.len() + 32);
        for part in &self.parts {
            match part {
                Part::Text(text) => path.push_str(text),
                Part::Capture(name) => path.push_str(self.value(name, captures)?),
            }
        }
        Ok(path)
    }

    /// Reads a path in every way in which it can have come from this template; usually one or none.
    pub fn read(&self, path: &str) -> Vec<Captures> {
        let mut reader = Reader { captures: Captures::new(), readings: Vec::new(), attempts: 0 };
        reader.read(&self.parts, path.strip_prefix("./").unwrap_or(path));
        reader.readings
    }

    fn value<'a>(&self, name: &str, captures: &'a Captures) -> Result<&'a str, LayoutError> {
        let (template, capture) = (self.text.clone(), name.to_owned());
        let Some(value) = captures.get(name) else {
            let known: Vec<String> = captures.keys().map(|name| format!("`{{{name}}}`")).collect();
            let known = if known.is_empty() { "none".to_owned() } else { known.join(", ") };
            return Err(LayoutError::UnknownCapture { template, capture, known });
        };
        let fits = !matches!(value.as_str(), "" | "." | "..") && !value.contains(['/', '\\', '\0', '\n']);
        if fits { Ok(value) } else { Err(LayoutError::BadValue { template, capture, value: value.clone() }) }
    }
}

impl fmt::Display for PathTemplate {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.text)
    }
}

/// Reads the part at the start of a template, and its length in bytes.
fn next_part(text: &str) -> Result<(Part, usize), &'static str> {
    let Some(inside) = text.strip_prefix('{') else {
        let end = text.find(['{', '}']).unwrap_or(text.len());
        return if end == 0 {
            Err("`}` closes nothing")
        } else {
            Ok((Part::Text(text[..end].to_owned()), end))
        };
    };
    let (name, _) = inside.split_once('}').ok_or("`{` is not closed")?;
    if name.is_empty() || !name.chars().all(|letter| letter.is_alphanumeric() || matches!(letter, '_' | '-'))
    {
        return Err("a capture needs a name of letters, digits, `_` and `-`");
    }
    Ok((Part::Capture(name.to_owned()), name.len() + 2))
}

fn follows(last: Option<&Part>, next: (Part, usize)) -> Result<(Part, usize), &'static str> {
    match (last, &next.0) {
        (Some(Part::Capture(_)), Part::Capture(_)) => Err("two captures need text between them"),
        _ => Ok(next),
    }
}

/// Tries every length for each capture, within a segment and a number of attempts.
struct Reader {
    captures: Captures,
    readings: Vec<Captures>,
    attempts: usize,
}

impl Reader {
    fn read(&mut self, parts: &[Part], path: &str) {
        self.attempts += 1;
        if self.is_done() {
            return;
        }
        match parts.split_first() {
            None if path.is_empty() => self.readings.push(self.captures.clone()),
            None => {}
            Some((Part::Text(text), rest)) => self.read_after(text, rest, path),
            Some((Part::Capture(name), rest)) => match self.captures.get(name).cloned() {
                Some(value) => self.read_after(&value, rest, path),
                None => self.capture(name, rest, path),
            },
        }
    }

    fn is_done(&self) -> bool {
        self.attempts > MOST_ATTEMPTS || self.readings.len() >= MOST_READINGS
    }

    fn read_after(&mut self, text: &str, rest: &[Part], path: &str) {
        if let Some(path) = path.strip_prefix(text) {
            self.read(rest, path);
        }
    }

    fn capture(&mut self, name: &str, rest: &[Part], path: &str) {
        let segment = path.split('/').next().unwrap_or_default();
        let ends = segment.char_indices().map(|(at, _)| at).skip(1).chain([segment.len()]);
        for end in ends.filter(|end| *end > 0 && can_follow(rest, &path[*end..])) {
            if self.is_done() {
                break;
            }
            self.captures.insert(name.to_owned(), path[..end].to_owned());
            self.read(rest, &path[end..]);
        }
        self.captures.remove(name);
    }
}

/// Says at once whether the text after a capture can be what the template wants there.
fn can_follow(rest: &[Part], path: &str) -> bool {
    match rest.first() {
        Some(Part::Text(text)) => path.starts_with(text.as_str()),
        Some(Part::Capture(_)) => true,
        None => path.is_empty(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn captures(pairs: &str) -> Captures {
        let pair = |pair: &str| pair.split_once('=').map(|(name, value)| (name.to_owned(), value.to_owned()));
        pairs.split_whitespace().filter_map(pair).collect()
    }

    fn written(captures: &Captures) -> String {
        captures.iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join(" ")
    }

    fn expands(template: &str, given: &str, expected: &str) {
        let path = PathTemplate::parse(template).and_then(|template| template.expand(&captures(given)));
        assert_eq!(path.unwrap_or_else(|error| format!("error: {error}")), expected);
    }

    fn reads(template: &str, path: &str, expected: &[&str]) {
        let template = PathTemplate::parse(template).expect("the template is well-formed");
        assert_eq!(template.read(path).iter().map(written).collect::<Vec<_>>(), expected);
    }

    #[test]
    fn captures_are_put_in() {
        let given = "service=dns environment=prod cluster=eu-1";
        expands("values/{service}/{environment}/{cluster}.yaml", given, "values/dns/prod/eu-1.yaml");
        expands("global.yaml", given, "global.yaml");
        expands("{service}/{service}.yaml", given, "dns/dns.yaml");
    }

    #[test]
    fn what_does_not_fit_is_named() {
        expands(
            "values/{servce}.yaml",
            "service=a cluster=b",
            "error: `values/{servce}.yaml`: there is no `{servce}`; known are `{cluster}`, `{service}`",
        );
        expands(
            "{a}",
            "a=..",
            "error: `{a}`: `{a}` cannot be `..`: it must be a single, non-empty part of a path",
        );
        expands(
            "{a}",
            "a=x/y",
            "error: `{a}`: `{a}` cannot be `x/y`: it must be a single, non-empty part of a path",
        );
        expands("a/{b", "", "error: `a/{b`: `{` is not closed at column 3");
        expands("a}", "", "error: `a}`: `}` closes nothing at column 2");
        expands("{a}{b}", "", "error: `{a}{b}`: two captures need text between them at column 4");
        expands("{}", "", "error: `{}`: a capture needs a name of letters, digits, `_` and `-` at column 1");
        expands(
            "../x",
            "",
            "error: `../x` must be a path inside the repository, without `..` and without a leading slash",
        );
    }

    #[test]
    fn a_file_gives_the_captures_back() {
        let template = "values/{service}/{environment}/{cluster}.yaml";
        reads(template, "values/dns/prod/eu-1.yaml", &["cluster=eu-1 environment=prod service=dns"]);
        reads(template, "values/dns/prod/eu/1.yaml", &[]);
        reads(template, "values/dns/prod/.yaml", &[]);
        reads("{a}/{a}.yaml", "x/x.yaml", &["a=x"]);
        reads("{a}/{a}.yaml", "x/y.yaml", &[]);
        reads("{a}-{b}.yaml", "x-y-z.yaml", &["a=x b=y-z", "a=x-y b=z"]);
        reads("{é}.yaml", "ü.yaml", &["é=ü"]);
    }

    #[test]
    fn hostile_paths_are_read_in_bounded_time() {
        let template = PathTemplate::parse("{a}-{b}-{c}-{d}-{e}-x").expect("the template is well-formed");
        assert!(template.read(&"-".repeat(10_000)).len() <= MOST_READINGS);
    }

    #[test]
    fn a_layout_names_files_and_knows_its_own() {
        let layer = |name: &str, file: &str, optional| LayerTemplate {
            name: name.to_owned(),
            file: PathTemplate::parse(file).expect("the template is well-formed"),
            optional,
            repository: optional.then(|| RepositoryTemplate {
                name: "clusters".to_owned(),
                reference: Some(PathTemplate::parse("env/{environment}").expect("it is well-formed")),
            }),
        };
        let (global, environment) = ("{service}/global.yaml", "{service}/{environment}.yaml");
        let layers = vec![layer("global", global, false), layer("environment", environment, true)];
        let layout = Layout { name: "tenant".to_owned(), layers };
        let files = layout.files(&captures("service=dns environment=prod")).expect("all captures are given");
        let names: Vec<String> =
            files.iter().map(|file| format!("{} {} {}", file.name, file.path, file.optional)).collect();
        assert_eq!(names, ["global dns/global.yaml false", "environment dns/prod.yaml true"]);
        let repository = files[1].repository.as_ref().expect("the layer names one");
        assert_eq!(
            (repository.name.as_str(), repository.reference.as_deref()),
            ("clusters", Some("env/prod"))
        );
        let found = layout.matches("dns/prod.yaml");
        assert_eq!(found.len(), 1);
        assert_eq!(
            (found[0].layer.as_str(), written(&found[0].captures).as_str()),
            ("environment", "environment=prod service=dns")
        );
    }
}
