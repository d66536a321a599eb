//! The way from a chart and a request to documents, in the order in which Helm takes its steps and refuses.

mod error;

pub use error::{Location, RenderError};

use crate::Mode;
use crate::chart::scoped::Scoped;
use crate::chart::{Chart, coalesce_values, dependencies, validate};
use crate::request::{Request, check_release_name};
use crate::tree::{Node, NodeMap};

/// Computes the values that a chart's templates would see, without rendering: defaults, layers and flags coalesced.
///
/// # Errors
/// With Helm's message, from everything that is checked before templates run.
pub fn effective_values(chart: &Chart, request: &Request) -> Result<Node, RenderError> {
    prepare(chart, request, &mut Vec::new()).map(|prepared| Node::map(prepared.values))
}

/// A chart with its subcharts and values settled.
pub(crate) struct Prepared {
    pub(crate) chart: Scoped,
    pub(crate) values: NodeMap,
}

fn prepare(chart: &Chart, request: &Request, warnings: &mut Vec<String>) -> Result<Prepared, RenderError> {
    let mode = chart.mode();
    let prefixed = |prefix: &'static str| {
        move |error: String| {
            RenderError::plain(if mode == Mode::Helm4 { format!("{prefix}: {error}") } else { error })
        }
    };
    let user = request.user_values(mode)?;
    let kind = &chart.metadata().chart_type;
    if !matches!(kind.as_str(), "" | "application") {
        return Err(RenderError::plain(format!("{kind} charts are not installable")));
    }
    if chart.metadata().deprecated {
        warnings.push("this chart is deprecated".to_owned());
    }
    let mut scoped = Scoped::new(chart.root());
    dependencies::check_present(&scoped, mode).map_err(RenderError::plain)?;
    check_release_name(&request.release_name).map_err(prefixed("release name check failed"))?;
    dependencies::process(&mut scoped, &user, mode, warnings)
        .map_err(prefixed("chart dependencies processing failed"))?;
    let values = coalesce_values(&scoped, user, mode, warnings).map_err(RenderError::plain)?;
    if !request.skip_schema {
        validate(&scoped, &values, warnings).map_err(RenderError::plain)?;
    }
    Ok(Prepared { chart: scoped, values })
}
