//! What a caller asks of a render: the release, the cluster, the values in layers, and how much to record.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::Mode;
use crate::chart::values_file;
use crate::limits::Limits;
use crate::render::{Location, RenderError};
use crate::strvals::{self, SetKind};
use crate::trace::Trace;
use crate::tree::{InputMark, Node, NodeKind, NodeMap};

/// Positions with a source from here on, and below [`crate::chart::CHART_SOURCES`], are in a `--set` flag, by index.
pub const SET_SOURCES: u32 = 1 << 30;

/// One flag of the `--set` family.
#[derive(Clone, Debug)]
pub struct SetFlag {
    /// Which flag.
    pub kind: SetKind,
    /// Its argument, such as `image.tag=v1,replicas=2`.
    pub line: String,
}

/// Everything a render needs beside the chart.
#[derive(Clone, Debug)]
pub struct Request {
    /// The release's name.
    pub release_name: String,
    /// The release's namespace.
    pub namespace: String,
    /// `.Release.Revision`; `helm template` has 1.
    pub revision: i64,
    /// Whether `.Release.IsUpgrade` holds instead of `.Release.IsInstall`.
    pub is_upgrade: bool,
    /// The version of Kubernetes, such as `v1.34.0`.
    pub kube_version: String,
    /// API versions known beside [`crate::capabilities::API_VERSIONS`].
    pub api_versions: Vec<String>,
    /// Values above the chart's own, weakest first, as [`read_values`] reads them; nodes keep positions and marks.
    pub layers: Vec<Node>,
    /// Flags above all layers. Helm merges all `--set-json` first, then `--set`, `--set-string`, `--set-file`,
    /// `--set-literal`, whatever their order here.
    pub sets: Vec<SetFlag>,
    /// The contents that `--set-file` refers to, by path.
    pub set_files: BTreeMap<String, String>,
    /// Whether `values.schema.json` is left out of account.
    pub skip_schema: bool,
    /// How much is recorded about where output came from.
    pub trace: Trace,
    /// How conditions on unknown values are taken, by their [`crate::render::Undecided::key`], in the place of what their
    /// placeholders say.
    pub outcomes: BTreeMap<String, bool>,
    /// The seed of everything random.
    pub seed: [u8; 32],
    /// The time that `now` answers, in nanoseconds since the Unix epoch.
    pub now_unix_nanoseconds: i128,
    /// The bounds of the render.
    pub limits: Limits,
}

impl Request {
    /// Asks for a first installation into the namespace `default`, with the chart's own values.
    pub fn new(release_name: impl Into<String>, kube_version: impl Into<String>) -> Self {
        Request {
            release_name: release_name.into(),
            namespace: "default".to_owned(),
            revision: 1,
            is_upgrade: false,
            kube_version: kube_version.into(),
            api_versions: Vec::new(),
            layers: Vec::new(),
            sets: Vec::new(),
            set_files: BTreeMap::new(),
            skip_schema: false,
            trace: Trace::Off,
            outcomes: BTreeMap::new(),
            seed: [0; 32],
            now_unix_nanoseconds: 0,
            limits: Limits::default(),
        }
    }

    /// Merges layers and flags into what the user gave.
    pub(crate) fn user_values(&self, mode: Mode) -> Result<NodeMap, RenderError> {
        let mut values = NodeMap::new();
        for layer in &self.layers {
            let mut layer = layer.clone();
            if self.trace != Trace::Off {
                mark_below(&mut layer, InputMark::PLAIN);
            }
            if let NodeKind::Map(map) = layer.kind {
                values_file::merge(&mut values, Arc::unwrap_or_clone(map));
            }
        }
        let order = [SetKind::Json, SetKind::Typed, SetKind::Text, SetKind::File, SetKind::Literal];
        for kind in order {
            for (index, flag) in self.sets.iter().enumerate().filter(|(_, flag)| flag.kind == kind) {
                let source = SET_SOURCES + u32::try_from(index).unwrap_or_default();
                self.apply(flag, source, mode, &mut values).map_err(RenderError::plain)?;
            }
        }
        Ok(values)
    }

    fn apply(&self, flag: &SetFlag, source: u32, mode: Mode, values: &mut NodeMap) -> Result<(), String> {
        let (line, name) = (&flag.line, flag.kind.flag());
        let object = line.trim().starts_with('{');
        if flag.kind == SetKind::Json && mode == Mode::Helm4 && object {
            let json = serde_json::from_str(line.trim());
            let json = json.map_err(|_| format!("failed parsing --set-json data JSON: {line}"))?;
            if let NodeKind::Map(map) = strvals::from_json(json, source, 0).kind {
                values_file::merge(values, (*map).clone());
            }
            return Ok(());
        }
        let file = |path: &str| match self.set_files.get(path) {
            Some(content) => Ok(content.clone()),
            None => Err(format!("open {path}: no such file or directory")),
        };
        strvals::parse_into(line, flag.kind, values, source, mode, &file).map_err(|error| match flag.kind {
            SetKind::Json => format!("failed parsing --set-json data {line}"),
            _ => format!("failed parsing {name} data: {error}"),
        })
    }
}

/// Puts the mark of a node on everything in it, so that merging cannot part them.
fn mark_below(node: &mut Node, above: InputMark) {
    let mark = node.mark.with(above);
    node.mark = mark;
    match &mut node.kind {
        NodeKind::Map(map) => Arc::make_mut(map).values_mut().for_each(|node| mark_below(node, mark)),
        NodeKind::List(items) => Arc::make_mut(items).iter_mut().for_each(|node| mark_below(node, mark)),
        _ => {}
    }
}

/// Reads a values file into a layer. `source` is the number that the positions of its nodes carry: the layer's index,
/// say, below [`SET_SOURCES`].
///
/// # Errors
/// With Helm's words, without the file's name; line, column and excerpt are known where the text is no YAML.
pub fn read_values(bytes: &[u8], source: u32, mode: Mode) -> Result<Node, RenderError> {
    values_file::read(bytes, source, mode).map(Node::map).map_err(|error| {
        let place = Location { template: String::new(), line: error.line, column: error.column };
        RenderError::plain(error.message).at((error.line > 0).then_some(place), bytes)
    })
}

/// Checks a release's name as Helm does.
pub(crate) fn check_release_name(name: &str) -> Result<(), String> {
    if name.is_empty() {
        return Err(format!("release name {}: no name provided", crate::gotext::quote(name)));
    }
    let is_part = |part: &str| {
        let edge = |byte: Option<&u8>| byte.is_some_and(|b| b.is_ascii_lowercase() || b.is_ascii_digit());
        let bytes = part.as_bytes();
        edge(bytes.first())
            && edge(bytes.last())
            && bytes.iter().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || *b == b'-')
    };
    if name.len() <= 53 && name.split('.').all(is_part) {
        return Ok(());
    }
    Err(format!(
        "release name {}: invalid release name, must match regex \
         ^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$ and the length must not be longer than 53",
        crate::gotext::quote(name)
    ))
}
