//! Why an object, or a field of one, is what it is.

use std::collections::BTreeSet;
use std::fmt::Write;

use helm_engine::render::{Reason, TemplateStep};
use helm_engine::trace::StepKind;
use serde::Serialize;
use serde_json::Value;

use super::Answer;
use super::answers::one_line;
use super::reasons::{ReasonAnswer, Rows, Sort};
use crate::cli::inputs::with_nearest;
use crate::cli::subject::Subject;
use crate::layers::nearest::nearest;
use crate::release::why::{Explained, ExplainedField, Origins};

const LONGEST_VALUE_BYTES: usize = 60;
const LONGEST_WHOLE_VALUE_BYTES: usize = 2_000;
/// Up to so many fields are told with all of their reasons.
const MOST_IN_FULL: usize = 4;

/// An answer about an object.
#[derive(Serialize)]
pub(super) struct ObjectAnswer {
    object: String,
    template: String,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    hook: bool,
    fields: Vec<FieldAnswer>,
}

#[derive(Serialize)]
struct FieldAnswer {
    field: String,
    value: Value,
    /// The patches that set it: `patch[N] FILE`; nothing else is told of what a patch sets.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    set_by: Vec<String>,
    /// What its text came from.
    from: Vec<ReasonAnswer>,
    /// The lines of templates that wrote it, the outermost first.
    written: Vec<StepAnswer>,
    /// The conditions that let it be written, and what they depended on.
    because: Vec<ConditionAnswer>,
    /// What else decided that it is there.
    also: Vec<ReasonAnswer>,
}

#[derive(Clone, PartialEq, Eq, Serialize)]
struct StepAnswer {
    place: String,
    text: String,
}

#[derive(Serialize)]
struct ConditionAnswer {
    #[serde(flatten)]
    step: StepAnswer,
    on: Vec<ReasonAnswer>,
}

/// Explains an object, or its fields at a path and below.
pub(super) fn answer(subject: &Subject, wanted: &str, field: &str) -> Result<ObjectAnswer, String> {
    let origins = subject.origins();
    let objects = subject.objects(&origins)?;
    let object = find(&objects, wanted)?;
    let fields: Vec<&ExplainedField> = object.fields_at(field).collect();
    if fields.is_empty() {
        let paths = object.fields.iter().map(|field| field.path.as_str());
        let near = nearest(field, paths, 3, usize::MAX);
        let error = format!("Error: {} has no field {field:?}", object.id.key());
        return Err(with_nearest(error, "fields", &near));
    }
    let context = Context { subject, origins: &origins };
    Ok(ObjectAnswer {
        object: object.id.key(),
        template: subject.template_path(&object.template),
        hook: object.is_hook,
        fields: fields.into_iter().map(|field| context.field(field)).collect(),
    })
}

/// Finds the object that is meant: by its key, or by kind and name, with or without a namespace.
fn find<'a>(objects: &'a [Explained], wanted: &str) -> Result<&'a Explained, String> {
    let found: Vec<&Explained> = objects.iter().filter(|object| is_meant(object, wanted)).collect();
    match found[..] {
        [object] => Ok(object),
        [] => {
            let names: Vec<String> = objects.iter().map(short_name).collect();
            let near = nearest(wanted, names.iter().map(String::as_str), 3, usize::MAX);
            Err(with_nearest(format!("Error: the chart renders no object {wanted:?}"), "objects", &near))
        }
        _ => {
            let keys: Vec<String> = found.iter().map(|object| object.id.key()).collect();
            Err(format!(
                "Error: {wanted:?} is {} objects\nhint: say which one: {}",
                found.len(),
                keys.join(", ")
            ))
        }
    }
}

fn short_name(object: &Explained) -> String {
    format!("{}/{}", object.id.kind, object.id.name)
}

fn is_meant(object: &Explained, wanted: &str) -> bool {
    let id = &object.id;
    if id.key() == wanted {
        return true;
    }
    let (kind, namespace, name) = match wanted.split('/').collect::<Vec<_>>()[..] {
        [kind, name] => (kind, None, name),
        [kind, namespace, name] => (kind, Some(namespace), name),
        _ => return false,
    };
    let (kind, group) = kind.split_once('.').map_or((kind, None), |(kind, group)| (kind, Some(group)));
    is_kind(&id.kind, kind)
        && group.is_none_or(|group| group == id.group())
        && namespace.is_none_or(|namespace| id.namespace.as_deref() == Some(namespace))
        && id.name == name
}

/// What people type for kinds, as kubectl has it.
const SHORT_KINDS: &[(&str, &str)] = &[
    ("cm", "ConfigMap"),
    ("crd", "CustomResourceDefinition"),
    ("cj", "CronJob"),
    ("deploy", "Deployment"),
    ("ds", "DaemonSet"),
    ("hpa", "HorizontalPodAutoscaler"),
    ("ing", "Ingress"),
    ("netpol", "NetworkPolicy"),
    ("ns", "Namespace"),
    ("pdb", "PodDisruptionBudget"),
    ("po", "Pod"),
    ("pvc", "PersistentVolumeClaim"),
    ("sa", "ServiceAccount"),
    ("sts", "StatefulSet"),
    ("svc", "Service"),
];

fn is_kind(kind: &str, typed: &str) -> bool {
    let short = SHORT_KINDS.iter().any(|(short, long)| *short == typed && *long == kind);
    let lower = kind.to_lowercase();
    let typed = typed.to_lowercase();
    let plural = typed.strip_prefix(lower.as_str()).is_some_and(|rest| matches!(rest, "s" | "es"))
        || lower.ends_with('y') && typed == format!("{}ies", &lower[..lower.len() - 1]);
    short || lower == typed || plural
}

struct Context<'a> {
    subject: &'a Subject,
    origins: &'a Origins<'a>,
}

impl Context<'_> {
    fn field(&self, field: &ExplainedField) -> FieldAnswer {
        let steps = |kind: StepKind| field.steps.iter().filter(move |step| step.kind == kind);
        let conditions: Vec<ConditionAnswer> = steps(StepKind::Guard)
            .filter(|step| !step.reasons.is_empty())
            .map(|step| ConditionAnswer {
                step: self.step(step),
                on: ReasonAnswer::all(self.origins, &step.reasons),
            })
            .collect();
        let told: BTreeSet<&Reason> = steps(StepKind::Guard).flat_map(|step| &step.reasons).collect();
        let text = one_line(&field.value, LONGEST_WHOLE_VALUE_BYTES);
        let mut from = ReasonAnswer::all(self.origins, &field.data);
        // What can be read in the field stands before what merely helped to choose it.
        from.sort_by_key(|reason| (reason.sort, !reason.is_seen_in(&text)));
        FieldAnswer {
            field: field.path.clone(),
            value: field.value.clone(),
            set_by: field.patches.iter().map(|number| self.patch(*number)).collect(),
            from,
            written: steps(StepKind::Print).map(|step| self.step(step)).collect(),
            because: conditions,
            also: ReasonAnswer::all(
                self.origins,
                field.control.iter().filter(|reason| !told.contains(reason)),
            ),
        }
    }

    fn patch(&self, number: usize) -> String {
        let file = self.subject.patch_files.get(number).map_or("", String::as_str);
        format!("patch[{number}] {file}").trim_end().to_owned()
    }

    fn step(&self, step: &TemplateStep) -> StepAnswer {
        let place = format!("{}:{}", self.subject.template_path(&step.template), step.line);
        StepAnswer { place, text: step.text.to_string() }
    }
}

impl Answer for ObjectAnswer {
    fn text(&self) -> String {
        let hook = if self.hook { ", a hook" } else { "" };
        let mut text = format!("{}  ({}{hook})\n", self.object, self.template);
        if self.fields.len() <= MOST_IN_FULL {
            self.fields.iter().for_each(|field| field.write_in_full(&mut text));
            return text;
        }
        let mut rows = Rows::default();
        for field in &self.fields {
            let shown = format!("{} = {}", field.field, one_line(&field.value, LONGEST_VALUE_BYTES));
            rows.push("", shown, field.in_short());
        }
        rows.write("", &mut text);
        text.push_str("\nAdd a field's path to see all of its reasons.\n");
        text
    }
}

impl FieldAnswer {
    fn write_in_full(&self, text: &mut String) {
        let _ = writeln!(text, "\n{} = {}", self.field, one_line(&self.value, LONGEST_WHOLE_VALUE_BYTES));
        let mut rows = Rows::default();
        self.set_by.iter().for_each(|patch| rows.push("set by", patch.as_str(), ""));
        let has_values = self.from.iter().any(|reason| reason.sort == Sort::Value);
        for reason in self.from.iter().filter(|reason| !(has_values && reason.sort == Sort::Keys)) {
            rows.push_reason("from", reason);
        }
        for step in &self.written {
            rows.push("written by", step.text.as_str(), step.place.as_str());
        }
        for condition in &self.because {
            rows.push("because of", condition.step.text.as_str(), condition.step.place.as_str());
            for reason in &condition.on {
                let (what, place) = reason.columns();
                rows.push("", format!("  {what}"), place);
            }
        }
        self.also.iter().for_each(|reason| rows.push_reason("and of", reason));
        rows.write("  ", text);
    }

    /// Names the first of the values that it came from, or the line that wrote it.
    fn in_short(&self) -> String {
        if let Some(patch) = self.set_by.last() {
            return patch.clone();
        }
        let told: Vec<&ReasonAnswer> =
            self.from.iter().filter(|reason| !matches!(reason.sort, Sort::NotSet | Sort::Keys)).collect();
        let Some(first) = told.first() else {
            return self.written.last().map(|step| step.place.clone()).unwrap_or_default();
        };
        let more = if told.len() > 1 { format!(", and {} more", told.len() - 1) } else { String::new() };
        match first.sort {
            Sort::Value => {
                format!("{}: {} ({}){more}", first.origin.path, first.origin.layer, first.origin.place)
            }
            _ => format!("{}{more}", first.columns().0),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_are_typed_as_for_kubectl() {
        for typed in ["Deployment", "deployment", "deployments", "deploy"] {
            assert!(is_kind("Deployment", typed), "{typed}");
        }
        assert!(is_kind("NetworkPolicy", "networkpolicies") && is_kind("Ingress", "ingresses"));
        assert!(!is_kind("Deployment", "deployed") && !is_kind("Service", "sa"));
    }
}
