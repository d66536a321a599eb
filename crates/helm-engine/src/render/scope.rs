//! What `.` is in a chart's templates: values, release, chart, capabilities, files, subcharts.

use std::collections::BTreeMap;
use std::rc::Rc;
use std::sync::Arc;

use super::chart_object::chart_value;
use super::files_object::FilesObject;
use super::values::{Marking, share_globals, table};
use crate::Mode;
use crate::chart::ChartFile;
use crate::chart::scoped::Scoped;
use crate::request::Request;
use crate::trace::{Mark, Marks};
use crate::value::{Entries, Map, MapType, Value};

/// A template of the render: its source, and the scope it runs in.
pub(super) struct Renderable {
    pub(super) source: Arc<[u8]>,
    pub(super) scope: Map,
    pub(super) base_path: String,
}

/// What every scope of a render has in common.
pub(super) struct Surroundings<'a> {
    pub(super) mode: Mode,
    pub(super) marking: Marking,
    /// What decides which subcharts take part.
    pub(super) switches: Marks,
    pub(super) release: Value,
    pub(super) capabilities: Value,
    pub(super) templates: &'a mut BTreeMap<String, Renderable>,
}

/// Makes `.Release`.
pub(super) fn release(request: &Request, marking: Marking) -> Value {
    let fact = |name: &str, value: Value| {
        let marks = match marking {
            Marking::On => Marks::one(Mark::Fact(format!("Release.{name}").into())),
            Marking::Off => Marks::NONE,
        };
        (Rc::from(name.as_bytes()), value.marked(marks))
    };
    Value::map(Entries::from([
        fact("Name", request.release_name.as_str().into()),
        fact("Namespace", request.namespace.as_str().into()),
        fact("IsUpgrade", Value::bool(request.is_upgrade)),
        fact("IsInstall", Value::bool(!request.is_upgrade)),
        fact("Revision", Value::int(request.revision)),
        fact("Service", "Helm".into()),
    ]))
}

/// Makes the scope of a chart and of everything below it, and collects their templates.
pub(super) fn scope(
    chart: &Scoped,
    path: &str,
    values: Map,
    is_root: bool,
    around: &mut Surroundings<'_>,
) -> Map {
    let subcharts = Map::new(Entries::new());
    subcharts.note_written(around.switches);
    let files = FilesObject::new(path, chart.unit.files.as_slice(), around.marking);
    let scope = Map::new(Entries::new());
    scope.set("Chart", chart_value(chart, is_root, around));
    scope.set("Files", Value::object(files));
    scope.set("Release", around.release.clone());
    scope.set("Capabilities", around.capabilities.clone());
    scope.set("Values", map_value(values.as_kind(MapType::Values)));
    scope.set("Subcharts", map_value(subcharts.clone()));
    for subchart in &chart.dependencies {
        let own = subchart.name.split('.').try_fold(values.clone(), |map, part| table(&map, part));
        let own = own.unwrap_or_else(|| Map::typed(MapType::Values, Entries::new()));
        share_globals(&values, &own);
        let path = format!("{path}/charts/{}", subchart.name);
        subcharts.set(&subchart.name, map_value(self::scope(subchart, &path, own, false, around)));
    }
    for file in &chart.unit.templates {
        if !chart.unit.metadata.is_library() || crate::chart::base_name(&file.name).starts_with('_') {
            let name = crate::chart::clean_path(&format!("{path}/{}", file.name));
            around.templates.insert(name, renderable(file, &scope, path));
        }
    }
    scope
}

fn renderable(file: &ChartFile, scope: &Map, path: &str) -> Renderable {
    let base_path = crate::chart::clean_path(&format!("{path}/templates"));
    Renderable { source: Arc::clone(&file.data), scope: scope.clone(), base_path }
}

pub(super) fn map_value(map: Map) -> Value {
    crate::value::Data::Map(map).into()
}
