//! One ordered source of values: a file of a layout, a `values` argument, the chart's own defaults.

use std::fmt;

use helm_engine::request::read_values;
use helm_engine::tree::{Node, NodeKind, Position};
use helm_engine::{Mode, RenderError};

use crate::notation::deeper_than;

/// Levels of nesting that a layer may have; Helm's own limit is the YAML reader's.
const DEEPEST: usize = 400;

/// One source of values, with the position of every key and value.
#[derive(Debug, Clone)]
pub struct Layer {
    /// The layer's name, as a plan shows it: `global`, `environment`.
    pub name: String,
    /// The file it was read from, as a person would open it; none for values given in place.
    pub file: Option<String>,
    /// Whether its values must never be shown.
    pub sensitive: bool,
    /// What says that its values changed, in the place of the values themselves.
    pub pin: Option<String>,
    /// The values: a map.
    pub values: Node,
}

/// Says why a source of values is no layer.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum LayerError {
    /// The top is a list or a scalar.
    #[error("{place}: the values of a layer must be a map of keys, this is {found}")]
    NotAMap {
        /// Where it stands.
        place: String,
        /// What was found instead.
        found: &'static str,
    },
    /// The text is no YAML.
    #[error("{place}: {message}{excerpt}")]
    NotYaml {
        /// Where it stops being YAML.
        place: String,
        /// Why, in the words of Helm's library.
        message: String,
        /// The line with a caret below, ready to append; empty where it is not known.
        excerpt: String,
    },
    /// What is wrong may hold a secret.
    #[error("{place}: it fails with what is secret; why is not shown")]
    Hidden {
        /// Where it fails.
        place: String,
    },
    /// The values nest too deeply.
    #[error("{place}: the values nest deeper than {DEEPEST} levels")]
    TooDeep {
        /// Where it stands.
        place: String,
    },
}

impl LayerError {
    /// Says where the source stops being a layer.
    pub fn place(&self) -> &str {
        match self {
            LayerError::NotAMap { place, .. }
            | LayerError::NotYaml { place, .. }
            | LayerError::Hidden { place }
            | LayerError::TooDeep { place } => place,
        }
    }
}

impl Layer {
    /// Reads a layer from the text of a values file; `source` is the number that its positions carry.
    ///
    /// # Errors
    /// When the text is no YAML, or no map.
    pub fn read(name: &str, file: Option<&str>, text: &[u8], source: u32) -> Result<Self, LayerError> {
        match read_values(text, source, Mode::Helm4) {
            Ok(values) => Layer::new(name, file, values),
            Err(error) => Err(not_values(name, file, &error)),
        }
    }

    /// Makes a layer of values that were read already; an empty document is an empty layer.
    ///
    /// # Errors
    /// When the values are no map, or nest too deeply to be worked with.
    pub fn new(name: &str, file: Option<&str>, values: Node) -> Result<Self, LayerError> {
        let values = if values.is_null() { Node::map(Default::default()) } else { values };
        let layer = Self {
            name: name.to_owned(),
            file: file.map(str::to_owned),
            sensitive: false,
            pin: None,
            values,
        };
        if layer.values.as_map().is_none() {
            let (place, found) = (layer.origin(&layer.values).to_string(), type_name(&layer.values));
            return Err(LayerError::NotAMap { place, found });
        }
        match deeper_than(&layer.values, DEEPEST) {
            Some(node) => Err(LayerError::TooDeep { place: layer.origin(node).to_string() }),
            None => Ok(layer),
        }
    }

    /// Marks all of the layer's values as secret.
    pub fn sensitive(mut self) -> Self {
        self.sensitive = true;
        self
    }

    /// Lets its values count as changed when `pin` does.
    pub fn pinned(mut self, pin: Option<&str>) -> Self {
        self.pin = pin.map(str::to_owned);
        self
    }

    /// Gives the values with what a render must know of them.
    pub fn marked_values(&self) -> Node {
        let mut values = self.values.clone();
        values.mark.sensitive |= self.sensitive;
        values
    }

    /// Says where a value of this layer was written: at its key where it has one.
    pub fn origin(&self, node: &Node) -> Origin<'_> {
        let position = if node.key_position.line > 0 { node.key_position } else { node.position };
        Origin { layer: &self.name, file: self.file.as_deref(), position }
    }
}

/// Says that the top is no map in words of values, not of Go's library.
fn not_values(name: &str, file: Option<&str>, error: &RenderError) -> LayerError {
    let message = error.message().strip_suffix(" into Go value of type map[string]interface {}");
    let found = message.and_then(|message| message.rsplit_once("cannot unmarshal "));
    let found = match found.map(|(_, found)| found) {
        Some("array") => "a list",
        Some("string") => "a text",
        Some("number") => "a number",
        Some("bool") => "a boolean",
        _ => return not_yaml(name, file, error),
    };
    LayerError::NotAMap { place: place(name, file, error), found }
}

/// Says where a failure is, for people.
pub(super) fn place(name: &str, file: Option<&str>, error: &RenderError) -> String {
    let what = file.map_or_else(|| format!("layer {name}"), str::to_owned);
    match error.location() {
        None => what,
        Some(at) if at.column == 0 => format!("{what}:{}", at.line),
        Some(at) => format!("{what}:{}:{}", at.line, at.column),
    }
}

/// Keeps an error's place and excerpt.
pub(super) fn not_yaml(name: &str, file: Option<&str>, error: &RenderError) -> LayerError {
    let excerpt = error.excerpt().map(|excerpt| format!("\n\n  {}", excerpt.replace('\n', "\n  ")));
    LayerError::NotYaml {
        place: place(name, file, error),
        message: error.message().to_owned(),
        excerpt: excerpt.unwrap_or_default(),
    }
}

/// Where a value was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Origin<'a> {
    /// The layer's name.
    pub layer: &'a str,
    /// The layer's file.
    pub file: Option<&'a str>,
    /// Line and column in the file, from one; zero where unknown.
    pub position: Position,
}

impl fmt::Display for Origin<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.file {
            Some(file) => formatter.write_str(file)?,
            None => write!(formatter, "layer {}", self.layer)?,
        }
        if self.position.line > 0 {
            write!(formatter, ":{}:{}", self.position.line, self.position.column)?;
        }
        Ok(())
    }
}

/// Names a value's type in the words of an error.
pub fn type_name(node: &Node) -> &'static str {
    match node.kind {
        NodeKind::Null => "null",
        NodeKind::Bool(_) => "a boolean",
        NodeKind::Int(_) | NodeKind::Float(_) => "a number",
        NodeKind::String(_) => "a text",
        NodeKind::List(_) => "a list",
        NodeKind::Map(_) => "a map",
    }
}
