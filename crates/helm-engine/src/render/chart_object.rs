//! `.Chart`: a map in Helm 4, a struct in Helm 3.

use std::rc::Rc;

use super::scope::Surroundings;
use super::values::Marking;
use crate::Mode;
use crate::chart::scoped::Scoped;
use crate::chart::{Dependency, Maintainer};
use crate::trace::{Mark, Marks};
use crate::tree::{Node, NodeKind};
use crate::value::{Data, ElementType, FieldNames, List, Map, MapType, Object, Value};

/// A field of a Go struct: its name in Go, its name in JSON, whether JSON leaves it out when empty.
#[derive(Clone)]
struct FieldValue {
    go: &'static str,
    json: &'static str,
    omit_empty: bool,
    value: Value,
}

/// Makes `.Chart`.
pub(super) fn chart_value(chart: &Scoped, is_root: bool, around: &Surroundings<'_>) -> Value {
    let (mode, marking) = (around.mode, around.marking);
    let mut fields = metadata_fields(chart, mode);
    fields.push(FieldValue { go: "IsRoot", json: "IsRoot", omit_empty: false, value: Value::bool(is_root) });
    if marking == Marking::On {
        for field in &mut fields {
            let mark = Marks::one(Mark::Fact(format!("Chart.{}", field.go).into()));
            let switches = if field.go == "Dependencies" { around.switches } else { Marks::NONE };
            field.value = std::mem::take(&mut field.value).marked(mark).marked(switches);
        }
    }
    finish(
        fields,
        mode,
        Shape { go_type: "struct { chart.Metadata; IsRoot bool }", is_pointer: false, is_chart: true },
    )
}

fn metadata_fields(chart: &Scoped, mode: Mode) -> Vec<FieldValue> {
    let metadata = &chart.unit.metadata;
    let maintainers =
        metadata.maintainers.iter().flatten().map(|maintainer| maintainer_value(maintainer, mode));
    let dependencies = chart.requirements.iter().map(|dependency| dependency_value(dependency, mode));
    let annotations = match &metadata.annotations {
        None => Map::nil(MapType::String),
        Some(texts) => {
            let entries = texts.iter().map(|(key, text)| (Rc::from(key.as_bytes()), text.as_str().into()));
            Map::typed(MapType::String, entries.collect())
        }
    };
    vec![
        text("Name", "name", &chart.name),
        text("Home", "home", &metadata.home),
        field("Sources", "sources", texts(&metadata.sources, mode)),
        text("Version", "version", &metadata.version),
        text("Description", "description", &metadata.description),
        field("Keywords", "keywords", texts(&metadata.keywords, mode)),
        field("Maintainers", "maintainers", list(ElementType::Maintainer, maintainers.collect(), mode)),
        text("Icon", "icon", &metadata.icon),
        text("APIVersion", "apiVersion", &metadata.api_version),
        text("Condition", "condition", &metadata.condition),
        text("Tags", "tags", &metadata.tags),
        text("AppVersion", "appVersion", &metadata.app_version),
        field("Deprecated", "deprecated", Value::bool(metadata.deprecated)),
        field("Annotations", "annotations", Data::Map(annotations).into()),
        text("KubeVersion", "kubeVersion", &metadata.kube_version),
        field("Dependencies", "dependencies", list(ElementType::Dependency, dependencies.collect(), mode)),
        text("Type", "type", &metadata.chart_type),
    ]
}

fn maintainer_value(maintainer: &Maintainer, mode: Mode) -> Value {
    let fields = vec![
        text("Name", "name", &maintainer.name),
        text("Email", "email", &maintainer.email),
        text("URL", "url", &maintainer.url),
    ];
    finish(fields, mode, Shape { go_type: "*chart.Maintainer", is_pointer: true, is_chart: false })
}

fn dependency_value(dependency: &Dependency, mode: Mode) -> Value {
    let imports = dependency.import_values.iter().map(import_value).collect();
    let mut fields = vec![
        text("Name", "name", &dependency.name),
        text("Version", "version", &dependency.version),
        text("Repository", "repository", &dependency.repository),
        text("Condition", "condition", &dependency.condition),
        field("Tags", "tags", texts(&dependency.tags, mode)),
        field("Enabled", "enabled", Value::bool(dependency.enabled)),
        field("ImportValues", "import-values", list(ElementType::Any, imports, mode)),
        text("Alias", "alias", &dependency.alias),
    ];
    fields[0].omit_empty = false;
    fields[2].omit_empty = false;
    finish(fields, mode, Shape { go_type: "*chart.Dependency", is_pointer: true, is_chart: false })
}

/// Processed import entries are maps of text.
fn import_value(node: &Node) -> Value {
    let NodeKind::Map(map) = &node.kind else { return crate::gotext::print(node).into() };
    let entries =
        map.iter().map(|(key, value)| (Rc::from(key.as_bytes()), crate::gotext::print(value).into()));
    Data::Map(Map::typed(MapType::String, entries.collect())).into()
}

fn field(go: &'static str, json: &'static str, value: Value) -> FieldValue {
    FieldValue { go, json, omit_empty: true, value }
}

fn text(go: &'static str, json: &'static str, text: &str) -> FieldValue {
    field(go, json, text.into())
}

fn texts(items: &[String], mode: Mode) -> Value {
    list(ElementType::String, items.iter().map(|item| item.as_str().into()).collect(), mode)
}

/// Makes a slice: Helm 4 makes all of them new, in Helm 3 one without items is what Chart.yaml did not give.
fn list(element: ElementType, items: Vec<Value>, mode: Mode) -> Value {
    let list = match mode {
        Mode::Helm4 => List::new(items),
        Mode::Helm3 if items.is_empty() => List::nil(element),
        Mode::Helm3 => List::typed(element, items),
    };
    Data::List(list).into()
}

/// What kind of struct it is in Helm 3.
struct Shape {
    go_type: &'static str,
    is_pointer: bool,
    is_chart: bool,
}

fn finish(fields: Vec<FieldValue>, mode: Mode, shape: Shape) -> Value {
    if mode == Mode::Helm4 {
        let entries = fields.into_iter().map(|field| (Rc::from(field.go.as_bytes()), field.value));
        return Value::map(entries.collect());
    }
    Value::object(StructObject { fields, shape })
}

/// A Go struct of Helm 3, or a pointer to one.
struct StructObject {
    fields: Vec<FieldValue>,
    shape: Shape,
}

impl Object for StructObject {
    fn type_name(&self) -> &str {
        self.shape.go_type
    }

    fn kind(&self) -> &str {
        if self.shape.is_pointer { "ptr" } else { "struct" }
    }

    fn field(&self, name: &str) -> Option<Value> {
        if self.shape.is_chart && name == "Metadata" {
            return Some(self.metadata());
        }
        self.fields.iter().find(|field| field.go == name).map(|field| field.value.clone())
    }

    fn print(&self) -> String {
        let (last, inner) = match self.fields.split_last() {
            Some((last, inner)) if self.shape.is_chart => (Some(last), inner),
            _ => (None, self.fields.as_slice()),
        };
        let inner: Vec<String> = inner.iter().map(|field| printed(&field.value)).collect();
        let inner = format!("{{{}}}", inner.join(" "));
        match last {
            Some(last) => format!("{{{inner} {}}}", printed(&last.value)),
            None if self.shape.is_pointer => format!("&{inner}"),
            None => inner,
        }
    }

    fn fields_to_print(&self) -> Option<Vec<(&'static str, Value)>> {
        if self.shape.is_chart {
            let is_root = self.field("IsRoot").unwrap_or_default();
            return Some(vec![("Metadata", self.metadata()), ("IsRoot", is_root)]);
        }
        Some(self.fields.iter().map(|field| (field.go, field.value.clone())).collect())
    }

    fn is_comparable(&self) -> bool {
        self.shape.is_pointer
    }

    fn to_plain(&self) -> Value {
        Value::map(self.fields_in_order(FieldNames::Json).into_iter().flatten().collect())
    }

    fn fields_in_order(&self, names: FieldNames) -> Option<Vec<(Rc<[u8]>, Value)>> {
        if self.shape.is_chart && names == FieldNames::Lower {
            // go-yaml nests an embedded struct.
            let is_root = self.field("IsRoot").unwrap_or_default();
            return Some(vec![((*b"metadata").into(), self.metadata()), ((*b"isroot").into(), is_root)]);
        }
        let spelled = |field: &FieldValue| match names {
            FieldNames::Json => Rc::from(field.json.as_bytes()),
            FieldNames::Go => Rc::from(field.go.as_bytes()),
            FieldNames::Lower => Rc::from(field.go.to_ascii_lowercase().as_bytes()),
        };
        let is_kept =
            |field: &&FieldValue| names != FieldNames::Json || !field.omit_empty || field.value.is_true();
        Some(self.fields.iter().filter(is_kept).map(|field| (spelled(field), field.value.clone())).collect())
    }

    fn as_any(&self) -> &dyn std::any::Any {
        self
    }
}

impl StructObject {
    /// Returns the embedded `chart.Metadata`.
    fn metadata(&self) -> Value {
        let fields = self.fields.iter().filter(|field| field.go != "IsRoot").cloned().collect();
        Value::object(StructObject {
            fields,
            shape: Shape { go_type: "chart.Metadata", is_pointer: false, is_chart: false },
        })
    }
}

fn printed(value: &Value) -> String {
    match &value.data {
        Data::Text(text) => text.to_str_lossy().into_owned(),
        Data::Bool(value) => value.to_string(),
        Data::List(list) => {
            let items: Vec<String> = list.items().iter().map(printed).collect();
            format!("[{}]", items.join(" "))
        }
        Data::Map(map) => {
            let entries = map.entries();
            let entries: Vec<String> = entries
                .iter()
                .map(|(key, value)| format!("{}:{}", String::from_utf8_lossy(key), printed(value)))
                .collect();
            format!("map[{}]", entries.join(" "))
        }
        // Go prints an address.
        _ => "0xc000000000".to_owned(),
    }
}
