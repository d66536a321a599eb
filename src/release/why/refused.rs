//! Where a field comes from that somebody refuses: the template line that wrote it, and the values in it with their places.

use helm_engine::render::Reason;
use helm_engine::trace::{StepKind, Trace};

use super::super::render::{UNDRAWN, request, run};
use super::super::{Draw, Release};
use super::objects::{Explained, ExplainedField, Traced, explain_objects, secret_values};
use super::origins::{Given, Origins};

/// Renders once more, with a trace, and says of fields, each by the key of its object and its path in a plan, where they come from.
/// What cannot be told is none; no answer holds a value.
pub fn places(
    release: &Release<'_>,
    draw: Option<Draw>,
    chart_path: &str,
    fields: &[(String, String)],
) -> Vec<Option<String>> {
    told(release, draw, chart_path, fields).unwrap_or_else(|| vec![None; fields.len()])
}

fn told(
    release: &Release<'_>,
    draw: Option<Draw>,
    chart_path: &str,
    fields: &[(String, String)],
) -> Option<Vec<Option<String>>> {
    let draw = draw.unwrap_or(UNDRAWN);
    let output = run(release, draw, Trace::Steps).ok()?;
    let secrets = secret_values(&output).ok()?;
    let request = request(release, draw, Trace::Steps);
    let values = helm_engine::effective_values(release.chart, &request).ok()?;
    let origins = Origins::new(Given {
        values: &values,
        stack: release.layers,
        chart: release.chart,
        chart_path,
        sets: &request.sets,
        secrets: Some(&secrets),
    });
    let traced =
        Traced { output: &output, namespace: release.namespace, patches: release.patches, secrets: &secrets };
    let explained = explain_objects(traced, &|path| origins.is_in_sensitive_layer(path)).ok()?;
    let place = |(key, field): &(String, String)| {
        let object = explained.iter().find(|one| one.id.key() == *key)?;
        place(object, field, &origins, &release.chart.metadata().name, chart_path)
    };
    Some(fields.iter().map(place).collect())
}

fn place(
    object: &Explained,
    field: &str,
    origins: &Origins<'_>,
    chart: &str,
    chart_path: &str,
) -> Option<String> {
    let found = field_at(object, field).filter(|found| found.patches.is_empty())?;
    let file = |template: &str| match template.strip_prefix(chart).and_then(|rest| rest.strip_prefix('/')) {
        Some(rest) if !chart_path.is_empty() => format!("{}/{rest}", chart_path.trim_end_matches('/')),
        _ => template.to_owned(),
    };
    let written = found.steps.iter().rfind(|step| step.kind == StepKind::Print).or(found.steps.last());
    let line = written
        .map_or_else(|| file(&object.template), |step| format!("{}:{}", file(&step.template), step.line));
    let values = found.data.iter().filter_map(|reason| match reason {
        Reason::Value(path) => Some(origins.of(path)),
        _ => None,
    });
    let values = values.filter(|value| !value.place.is_empty());
    let values: Vec<String> =
        values.map(|value| format!("{} ({})", value.path, value.place)).take(3).collect();
    Some(if values.is_empty() { line } else { format!("{line}, from {}", values.join(", ")) })
}

/// Finds a field, or the first one of the smallest map around it: what is missing has no line of its own.
fn field_at<'a>(object: &'a Explained, field: &'a str) -> Option<&'a ExplainedField> {
    let mut path = field;
    loop {
        let exact = object.fields.iter().find(|found| found.path == path);
        if let Some(found) = exact.or_else(|| object.fields_at(path).next()) {
            return Some(found);
        }
        path = &path[..path.rfind(['.', '[']).unwrap_or_default()];
    }
}
