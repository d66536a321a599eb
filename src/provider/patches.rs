//! `patch` blocks, which every resource that renders objects may have.

use tf_provider::schema::{
    Attribute, Block, Diagnostic, Diagnostics, NestedBlock, Object, Path, Type, Value,
};

use crate::manifest::patch::{Field, Patch, PatchError, PatchFailure, Selector, Written};

/// The attributes of a target with the parts of a selector that they are.
const PARTS: [(&str, &str); 7] = [
    ("group", "API group, such as `apps`."),
    ("version", "API version without its group, such as `v1`."),
    ("kind", "Kind."),
    ("name", "Name."),
    ("namespace", "Namespace."),
    ("label_selector", "Selector over labels, as for `kubectl -l`: `app=web,tier in (front, back),!canary`."),
    ("annotation_selector", "Selector over annotations, in the same notation."),
];

/// Describes a `patch` block.
pub(super) fn block() -> Block {
    let target = PARTS.into_iter().fold(
        Block::new().description(
            "Which objects the patch is for. `group`, `version`, `kind`, `name` and `namespace` are regular expressions that must \
             match as a whole; an object must satisfy everything that is said.",
        ),
        |block, (name, description)| block.attribute(name, Attribute::optional(Type::String).description(description)),
    );
    Block::new()
        .description(
            "Changes rendered objects, as a Kustomize post-render does. Patches are applied in their order; one that no object \
             matches is an error.",
        )
        .attribute(
            "patch",
            Attribute::required(Type::String).description(
                "A strategic merge patch (objects with the fields to change; `null` removes, `$patch: delete` removes an object or \
                 a list's element), or a JSON patch (a list of RFC 6902 operations). YAML or JSON.",
            ),
        )
        .block("target", NestedBlock::single(target))
}

/// Reads the `patch` blocks of a resource.
pub(super) fn read(block: &Object) -> Vec<Written> {
    let written = |block: &Object| Written {
        patch: block.string("patch").unwrap_or_default().to_owned(),
        target: block.block("target").map(read_target),
    };
    block.blocks("patch").into_iter().map(written).collect()
}

fn read_target(block: &Object) -> Selector {
    let text = |name: &str| block.string(name).map(str::to_owned);
    Selector {
        group: text("group"),
        version: text("version"),
        kind: text("kind"),
        name: text("name"),
        namespace: text("namespace"),
        label_selector: text("label_selector"),
        annotation_selector: text("annotation_selector"),
    }
}

/// Writes patches as the blocks that they were read from.
pub(super) fn to_blocks(patches: &[Written]) -> Value {
    let text = |value: &Option<String>| value.as_deref().map_or(Value::Null, Value::from);
    let target = |target: &Selector| {
        Object::new()
            .with("group", text(&target.group))
            .with("version", text(&target.version))
            .with("kind", text(&target.kind))
            .with("name", text(&target.name))
            .with("namespace", text(&target.namespace))
            .with("label_selector", text(&target.label_selector))
            .with("annotation_selector", text(&target.annotation_selector))
    };
    let block = |one: &Written| {
        Object::new()
            .with("patch", one.patch.as_str())
            .with("target", one.target.as_ref().map_or(Value::Null, |selector| target(selector).into()))
    };
    Value::list(patches.iter().map(block))
}

/// Reads patches as far as they can be without the objects.
///
/// # Errors
/// With a diagnostic for each patch that is none.
pub(super) fn parse(written: &[Written]) -> Result<Vec<Patch>, Diagnostics> {
    let mut failed = Diagnostics::new();
    let mut patches = Vec::new();
    for (index, one) in written.iter().enumerate() {
        match one.read() {
            Ok(patch) => patches.push(patch),
            Err(error) => failed.push(told(&PatchFailure { index, error })),
        }
    }
    failed.into_result().map(|_| patches)
}

/// Checks the patches whose text and target are known already.
pub(super) fn validate(config: &Object, found: &mut Diagnostics) {
    for (index, block) in config.blocks("patch").into_iter().enumerate() {
        let known = block.get("patch").is_wholly_known() && block.get("target").is_wholly_known();
        let written = read(&Object::new().with("patch", Value::list([block.clone()])));
        if let (true, Some(Err(error))) = (known, written.first().map(Written::read)) {
            found.push(told(&PatchFailure { index, error }));
        }
    }
}

/// Tells why a patch cannot be read or applied, at its place.
pub(super) fn told(failure: &PatchFailure) -> Diagnostic {
    let diagnostic = Diagnostic::error(failure.to_string());
    let diagnostic = match failure.error.detail() {
        Some(detail) => diagnostic.detail(detail),
        None => diagnostic,
    };
    diagnostic.hint(failure.error.hint()).at(place(failure))
}

/// Gives the argument to blame.
fn place(failure: &PatchFailure) -> Path {
    let block = || Path::from("patch").index(failure.index);
    let part = |name: &str| block().attribute("target").attribute(name);
    match failure.error.field() {
        // A target that is missing or matches nothing has no place of its own where there is none.
        Field::Patch => match failure.error {
            PatchError::NoTarget => block(),
            _ => block().attribute("patch"),
        },
        Field::Target => block().attribute("target"),
        Field::Group => part("group"),
        Field::Version => part("version"),
        Field::Kind => part("kind"),
        Field::Name => part("name"),
        Field::Namespace => part("namespace"),
        Field::LabelSelector => part("label_selector"),
        Field::AnnotationSelector => part("annotation_selector"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_come_back_as_they_went() {
        let written = [
            Written { patch: "a: 1".to_owned(), target: None },
            Written {
                patch: "[]".to_owned(),
                target: Some(Selector { kind: Some("Pod".to_owned()), ..Selector::default() }),
            },
        ];
        assert_eq!(read(&Object::new().with("patch", to_blocks(&written))), written);
    }

    #[test]
    fn what_is_known_is_checked_early() {
        let check = |patch: Value, expected: &[&str]| {
            let config = Object::new().with("patch", Value::list([Object::new().with("patch", patch)]));
            let mut found = Diagnostics::new();
            validate(&config, &mut found);
            assert_eq!(found.iter().map(|one| one.summary.clone()).collect::<Vec<_>>(), expected);
        };
        check(Value::unknown(), &[]);
        check("[{op: remove, path: /spec/replicas}]".into(), &["patch 1 is a JSON patch without a target"]);
        check("apiVersion: v1\nkind: Pod\nmetadata: {name: a}\n".into(), &[]);
    }
}
