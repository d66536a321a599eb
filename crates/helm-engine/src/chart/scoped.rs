//! A chart as one render sees it: subcharts switched on and off, aliases applied, imported values in place.
//!
//! The loaded chart stays as it is and is shared; a scoped chart is a light tree of references into it.

use std::sync::Arc;

use super::Unit;
use super::metadata::Dependency;
use crate::tree::NodeMap;

/// A chart in its place in the tree of one render.
#[derive(Clone, Debug)]
pub(crate) struct Scoped {
    /// What was loaded.
    pub(crate) unit: Arc<Unit>,
    /// The chart's name, or its alias.
    pub(crate) name: String,
    /// The dependencies of Chart.yaml that are enabled, with aliases for names.
    pub(crate) requirements: Vec<Dependency>,
    /// The chart's defaults, with imported values once they are processed.
    pub(crate) values: Arc<NodeMap>,
    /// The subcharts that are enabled.
    pub(crate) dependencies: Vec<Scoped>,
}

impl Scoped {
    /// Takes a chart and everything below it as it was loaded.
    pub(crate) fn new(unit: &Arc<Unit>) -> Scoped {
        Scoped {
            unit: Arc::clone(unit),
            name: unit.metadata.name.clone(),
            requirements: unit.metadata.dependencies.iter().flatten().cloned().collect(),
            values: Arc::clone(&unit.values),
            dependencies: unit.dependencies.iter().map(Scoped::new).collect(),
        }
    }

    /// Visits the chart and everything below it, parents first, with the path of each.
    pub(crate) fn visit(&self, path: &str, visit: &mut dyn FnMut(&Scoped, &str)) {
        visit(self, path);
        for dependency in &self.dependencies {
            dependency.visit(&format!("{path}/charts/{}", dependency.name), visit);
        }
    }
}
