//! A values file that is a template itself, as Helmfile has them: printed first, then read as values.
//!
//! It runs with `missingkey=error`, as Helmfile's do, and without any chart around it: no other templates, no files. Every
//! value of the result stands where the template printed it, and what depends on a secret or unknown value carries its
//! mark. Chance and the clock are refused, since values must be the same in every plan.

use std::ops::Range;
use std::rc::Rc;
use std::sync::Arc;

use super::scope::map_value;
use super::values::{self, Marking};
use super::{Location, RenderError};
use crate::Mode;
use crate::context::{Context, MissingKeys};
use crate::error::TemplateError;
use crate::limits::Limits;
use crate::stack;
use crate::template::{Origin, TemplateFile, TemplateSet, origins_of_pieces};
use crate::trace::{Mark, Marks, Trace};
use crate::tree::{InputMark, Node, NodeKind, NodeMap, Position};
use crate::value::{MapType, Segment, Text, pieces_of};
use crate::yaml::{self, Field, FieldKind, ReadError, marks_between};

/// A file of values to render.
#[derive(Clone, Copy, Debug)]
pub struct ValuesTemplate<'a> {
    /// The file, as errors name it.
    pub name: &'a str,
    /// Its content.
    pub text: &'a [u8],
    /// The number that the positions of its values carry.
    pub source: u32,
    /// What the dot holds beside `.Values`.
    pub facts: &'a NodeMap,
    /// `.Values`, whose marks go over to what depends on them.
    pub values: &'a NodeMap,
}

/// Renders a file of values and reads what it prints; of several documents, later ones win.
///
/// # Errors
/// When the template cannot be parsed or run, asks for chance or the time, or prints no map; with the place in the
/// template.
pub fn render_values(template: &ValuesTemplate<'_>, limits: Limits) -> Result<Node, RenderError> {
    stack::with_deep_stack(|| render_here(template, limits))
}

fn render_here(template: &ValuesTemplate<'_>, limits: Limits) -> Result<Node, RenderError> {
    Marks::forget_all();
    let file = TemplateFile { name: Arc::from(template.name), text: Arc::from(template.text) };
    let set = TemplateSet::parse(Mode::Helm4, [file]).map_err(|error| failed(template, &error))?;
    let mut context = Context::new(Mode::Helm4, Trace::Full, limits, [0; 32], 0);
    context.missing_keys = MissingKeys::Refused;
    context.keeps_origins = true;
    let dot = values::root(template.facts, Marking::Off);
    let below = values::root(template.values, Marking::On);
    dot.set("Values", map_value(below.as_kind(MapType::Values)));
    let rendered = set.execute(template.name, map_value(dot), &mut context);
    let rendered = rendered.map_err(|error| failed(template, &error))?;
    if let Some(condition) = context.undecided.values().next() {
        let paths: Vec<&str> = condition.paths.iter().map(|path| &**path).collect();
        let message = format!(
            "{}: what it prints depends on {}, which is not known yet",
            template.name,
            paths.join(", ")
        );
        let place = Location { template: template.name.to_owned(), line: condition.line, column: 0 };
        return Err(RenderError::rendering(message).at(Some(place), template.text));
    }
    if context.used_chance() {
        return Err(RenderError::rendering(format!(
            "{}: it draws from chance or asks for the time, but values must be the same in every plan",
            template.name
        )));
    }
    let printed = Printed::new(template, rendered.text, rendered.origins);
    let mut values = printed.read()?;
    // Conditions on late values leave no mark, and those on unknown ones are refused.
    if mark_of(rendered.tested).sensitive {
        mark_all(&mut values);
    }
    Ok(values)
}

/// Tells what failed in few words, at the innermost place of the file itself.
fn failed(template: &ValuesTemplate<'_>, error: &TemplateError) -> RenderError {
    let number = |at: usize| u32::try_from(at).unwrap_or_default();
    let place = error.places.iter().rev().find(|place| place.file == template.name);
    let location = place.map(|place| Location {
        template: template.name.to_owned(),
        line: number(place.line),
        column: number(place.column),
    });
    RenderError::rendering(error.reason.clone()).at(location, template.text)
}

/// What a template printed, without carriage returns.
struct Printed<'a> {
    template: &'a ValuesTemplate<'a>,
    text: Text,
    origins: Vec<Origin>,
}

impl<'a> Printed<'a> {
    fn new(template: &'a ValuesTemplate<'a>, text: Text, origins: Vec<Origin>) -> Self {
        let kept = beside_carriage_returns(text.bytes());
        if kept.len() < 2 {
            return Printed { template, text, origins };
        }
        let origins = origins_of_pieces(&origins, &kept);
        Printed { template, text: pieces_of(&text, kept), origins }
    }

    fn read(&self) -> Result<Node, RenderError> {
        // This reading is for its refusals, which are those of any other values file.
        yaml::read_documents(self.text.bytes(), 0).map_err(|error| self.refused(&error))?;
        let documents = yaml::split_documents(self.text.bytes()).map_err(|error| self.refused(&error))?;
        let mut values = Node::map(NodeMap::new());
        for (lines_before, text) in documents {
            let field = yaml::read_with_spans(&text).map_err(|error| self.refused(&error))?;
            let Some(field) = field else { continue };
            let node = self.node(&field, self.line_start(lines_before), Marks::NONE);
            if let (NodeKind::Map(entries), Some(into)) = (node.kind, values.as_map_mut()) {
                crate::chart::values_file::merge(into, Arc::unwrap_or_clone(entries));
            }
        }
        Ok(values)
    }

    /// Makes a node of a field of a document that begins at `base`.
    fn node(&self, field: &Field, base: usize, above: Marks) -> Node {
        let above = above.union(self.marks(&field.key_span, base));
        let kind = match &field.kind {
            FieldKind::Map(map) if !map.is_empty() => {
                let entry = |(key, value): (&String, &Field)| {
                    (Arc::from(key.as_str()), self.node(value, base, above))
                };
                NodeKind::Map(Arc::new(map.iter().map(entry).collect()))
            }
            FieldKind::List(items) if !items.is_empty() => {
                NodeKind::List(Arc::new(items.iter().map(|item| self.node(item, base, above)).collect()))
            }
            other => scalar(other),
        };
        let is_leaf = !matches!(&kind, NodeKind::Map(map) if !map.is_empty())
            && !matches!(&kind, NodeKind::List(items) if !items.is_empty());
        let own = if is_leaf { self.marks(&field.span, base) } else { Marks::NONE };
        let position = self.position(base + field.span.start);
        let key_position =
            if field.key_span.is_empty() { position } else { self.position(base + field.key_span.start) };
        Node { kind, position, key_position, mark: mark_of(above.union(own)) }
    }

    fn marks(&self, span: &Range<usize>, base: usize) -> Marks {
        let segments: &[Segment] = self.text.segments();
        if span.is_empty() || segments.is_empty() {
            return Marks::NONE;
        }
        marks_between(segments, base + span.start, base + span.end)
    }

    /// Finds the place of the template that printed a byte.
    fn position(&self, at: usize) -> Position {
        let index = self.origins.partition_point(|origin| origin.end <= at);
        let Some(origin) = self.origins.get(index).or(self.origins.last()) else {
            return Position::default();
        };
        let begin = index.checked_sub(1).map_or(0, |before| self.origins[before].end);
        let skipped = if origin.is_text { at.saturating_sub(begin) } else { 0 };
        let offset = (origin.offset + skipped).min(self.template.text.len());
        let before = &self.template.text[..offset];
        let line_start = before.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
        let number = |count: usize| u32::try_from(count).unwrap_or(u32::MAX);
        Position {
            source: self.template.source,
            line: number(1 + before.iter().filter(|byte| **byte == b'\n').count()),
            column: number(1 + offset - line_start),
        }
    }

    fn line_start(&self, lines_before: u32) -> usize {
        let mut ends = self.text.bytes().iter().enumerate().filter(|(_, byte)| **byte == b'\n');
        match lines_before.checked_sub(1) {
            None => 0,
            Some(last) => ends.nth(last as usize).map_or(0, |(at, _)| at + 1),
        }
    }

    /// Tells why what was printed is no map, at the place of the template; the printed line is shown unless it may be
    /// secret.
    fn refused(&self, error: &ReadError) -> RenderError {
        let name = self.template.name;
        let start = self.line_start(error.line.saturating_sub(1));
        let line = self.text.bytes()[start..].split(|byte| *byte == b'\n').next().unwrap_or_default();
        let is_plain = !mark_of(self.marks(&(start..start + line.len().max(1)), 0)).sensitive;
        let shown = match (error.line, is_plain) {
            (0, _) => String::new(),
            (number, true) => format!("\n\n  it prints, in line {number}: {}", String::from_utf8_lossy(line)),
            (number, false) => format!("\n\n  it prints something secret in line {number}"),
        };
        let message = format!("{name} prints what is no map of values: {}{shown}", error.message);
        let column = (error.column as usize).saturating_sub(1).min(line.len());
        let place = self.position(start + column);
        let location = (error.line > 0).then(|| Location {
            template: name.to_owned(),
            line: place.line,
            column: place.column,
        });
        RenderError::rendering(message).at(location, self.template.text)
    }
}

fn scalar(kind: &FieldKind) -> NodeKind {
    match kind {
        FieldKind::Null => NodeKind::Null,
        FieldKind::Bool(value) => NodeKind::Bool(*value),
        FieldKind::Int(value) => NodeKind::Float(*value as f64),
        FieldKind::Uint(value) => NodeKind::Float(*value as f64),
        FieldKind::Float(value) => NodeKind::Float(*value),
        FieldKind::String(text) => NodeKind::String(Arc::from(text.as_str())),
        FieldKind::List(_) => NodeKind::List(Arc::default()),
        FieldKind::Map(_) => NodeKind::Map(Arc::default()),
    }
}

/// Returns what must be said of a value that depends on these.
fn mark_of(marks: Marks) -> InputMark {
    let marks: Rc<_> = marks.resolve();
    let has = |wanted: fn(&Mark) -> bool| marks.iter().any(wanted);
    InputMark {
        sensitive: has(|mark| matches!(mark, Mark::Sensitive(_))),
        late: has(|mark| matches!(mark, Mark::Late(_))),
        unknown: has(|mark| matches!(mark, Mark::Unknown(_))),
        ..InputMark::PLAIN
    }
}

/// Makes everything in a tree secret: what decided a condition decided which keys there are.
fn mark_all(node: &mut Node) {
    node.mark.sensitive = true;
    match &mut node.kind {
        NodeKind::Map(map) => Arc::make_mut(map).values_mut().for_each(mark_all),
        NodeKind::List(items) => Arc::make_mut(items).iter_mut().for_each(mark_all),
        _ => {}
    }
}

fn beside_carriage_returns(bytes: &[u8]) -> Vec<Range<usize>> {
    let (mut kept, mut from) = (Vec::new(), 0);
    for at in memchr::memmem::find_iter(bytes, b"\r\n") {
        kept.push(from..at);
        from = at + 1;
    }
    kept.push(from..bytes.len());
    kept
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::request::read_values;

    fn map(text: &str) -> NodeMap {
        let node = read_values(text.as_bytes(), 0, Mode::Helm4).expect("it is YAML");
        node.as_map().expect("it is a map").clone()
    }

    fn render_with(text: &str, values: &NodeMap) -> Result<Node, RenderError> {
        let facts = map("{Environment: {Name: prod}, Release: {Name: web}}");
        let template =
            ValuesTemplate { name: "a.gotmpl", text: text.as_bytes(), source: 7, facts: &facts, values };
        render_values(&template, Limits::default())
    }

    /// Lists the leaves as `PATH=VALUE LINE:COLUMN`, with `?` or `*` behind what is unknown or secret.
    fn leaves(path: &str, node: &Node, found: &mut Vec<String>) {
        match &node.kind {
            NodeKind::Map(map) if !map.is_empty() => {
                map.iter().for_each(|(key, node)| leaves(&format!("{path}.{key}"), node, found));
            }
            NodeKind::List(items) if !items.is_empty() => {
                items.iter().for_each(|node| leaves(&format!("{path}[]"), node, found));
            }
            kind => {
                let at = node.key_position;
                let mark = match (node.mark.sensitive, node.mark.unknown) {
                    (true, _) => "*",
                    (_, true) => "?",
                    _ => "",
                };
                let shown = match kind {
                    NodeKind::String(text) => text.to_string(),
                    NodeKind::Float(number) => number.to_string(),
                    other => format!("{other:?}"),
                };
                found.push(format!("{path}={shown} {}:{}{mark}", at.line, at.column));
            }
        }
    }

    fn check(text: &str, values: &NodeMap, expected: &[&str]) {
        let node = render_with(text, values).unwrap_or_else(|error| panic!("{text:?}: {error}"));
        let mut found = Vec::new();
        leaves("", &node, &mut found);
        assert_eq!(found, expected, "{text:?}");
    }

    #[test]
    fn values_stand_where_the_template_printed_them() {
        let values = map("{hosts: [a, b], image: {tag: v1, repo: r}}");
        check("# x\nname: {{ .Release.Name }}\n", &values, &[".name=web 2:1"]);
        check(
            "{{- range .Values.hosts }}\n{{ . }}:\n  port: 1\n{{- end }}\nlast: 1\n",
            &values,
            &[".a.port=1 3:3", ".b.port=1 3:3", ".last=1 5:1"],
        );
        check(
            "image:\n  {{- toYaml .Values.image | nindent 2 }}\n",
            &values,
            &[".image.repo=r 2:7", ".image.tag=v1 2:7"],
        );
        check("a: 1\r\n---\r\nb: {{ 2 }}\r\n", &values, &[".a=1 1:1", ".b=2 3:1"]);
        check("{{ define \"x\" }}k: 1{{ end }}\n{{ include \"x\" . }}\n", &values, &[".k=1 2:4"]);
        check("{{ if eq .Environment.Name \"dev\" }}a: 1{{ end }}", &values, &["=Map({}) 0:0"]);
    }

    #[test]
    fn what_depends_on_a_secret_is_secret() {
        let mut values = map("{password: hush, enabled: true, user: joe}");
        values.get_mut("password").expect("it is there").mark = InputMark::SENSITIVE;
        check(
            "a: x-{{ .Values.password }}\nb: {{ .Values.user }}\nc: [1, {{ .Values.password | quote }}]\n",
            &values,
            &[".a=x-hush 1:1*", ".b=joe 2:1", ".c[]=1 3:5", ".c[]=hush 3:11*"],
        );
        check("{{ if .Values.password }}a: 1{{ end }}\nb: 2\n", &values, &[".a=1 1:26*", ".b=2 2:1*"]);
        values.get_mut("user").expect("it is there").mark = InputMark::UNKNOWN;
        check("a: {{ .Values.user }}\nb: 1\n", &values, &[".a=joe 1:1?", ".b=1 2:1"]);
        refuses(
            "a: 1\n{{ if .Values.user }}b: 1{{ end }}",
            &values,
            &["depends on user, which is not known yet", "a.gotmpl:2"],
        );
    }

    fn refuses(text: &str, values: &NodeMap, parts: &[&str]) {
        let error = render_with(text, values).expect_err(text);
        let place = error.location().map(|at| format!("{}:{}:{}", at.template, at.line, at.column));
        let shown =
            format!("{error}\n{}\n{}", place.unwrap_or_default(), error.excerpt().unwrap_or_default());
        assert!(parts.iter().all(|part| shown.contains(part)), "{text:?}: {shown}");
    }

    #[test]
    fn refusals_name_the_place_in_the_template() {
        let mut values = map("{a: 1, secret: 'x: y: z'}");
        values.get_mut("secret").expect("it is there").mark = InputMark::SENSITIVE;
        refuses(
            "\na: {{ .Values.b }}\n",
            &values,
            &["map has no entry for key \"b\"", "a.gotmpl:2:", "a: {{ .Values.b }}", "^"],
        );
        refuses("a: {{ .Values.a.b.c }}", &values, &["a.gotmpl:1:"]);
        refuses("a: {{ .Values.a }", &values, &["a.gotmpl:1"]);
        refuses("a: {{ randAlphaNum 5 }}", &values, &["draws from chance"]);
        refuses("a: {{ now }}", &values, &["draws from chance"]);
        refuses("- 1\n", &values, &["no map of values", "array"]);
        refuses(
            "x: 1\n{{ if true }}\na: b: c\n{{ end }}",
            &values,
            &["no map of values", "it prints, in line 3: a: b: c"],
        );
        let error = render_with("x: 1\na: {{ .Values.secret }}", &values).expect_err("it is no YAML");
        assert!(!error.to_string().contains("y: z"), "{error}");
    }
}
