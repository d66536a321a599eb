//! Walks over an object together with the block that describes it.

use super::{Block, Diagnostic, Diagnostics, NestedBlock, Nesting, Object, Path, Presence, Step, Value};

/// Makes write-only attributes null, as plan and state demand.
pub(crate) fn clear_write_only(block: &Block, object: &mut Object) {
    for (name, _) in block.attributes.iter().filter(|(_, attribute)| attribute.write_only) {
        object.set(name.clone(), Value::Null);
    }
    for (name, nested) in block.blocks.iter().filter(|(_, nested)| has_write_only(&nested.block)) {
        for_each_object(object.get_mut(name), &mut |object| clear_write_only(&nested.block, object));
    }
}

/// Keeps what a configuration may give: no computed, write-only or deprecated attributes.
pub(crate) fn configurable(block: &Block, mut object: Object) -> Object {
    for (name, attribute) in &block.attributes {
        let is_default = attribute.default.as_ref() == Some(object.get(name));
        let given = attribute.presence == Presence::Required || attribute.is_optional() && !is_default;
        if !given || attribute.write_only || attribute.deprecation.is_some() {
            object.set(name.clone(), Value::Null);
        }
    }
    for (name, nested) in &block.blocks {
        for_each_object(object.get_mut(name), &mut |object| {
            *object = configurable(&nested.block, std::mem::take(object));
        });
    }
    object
}

/// Checks a configuration for what the schema's own rules say.
pub(crate) fn check_config(block: &Block, config: &Object, write_only_allowed: bool) -> Diagnostics {
    let mut diagnostics = Diagnostics::new();
    if !write_only_allowed {
        refuse_write_only(block, config, &mut Path::root(), &mut diagnostics);
    }
    check_allowed(block, config, &mut Path::root(), &mut diagnostics);
    diagnostics
}

fn refuse_write_only(block: &Block, object: &Object, path: &mut Path, diagnostics: &mut Diagnostics) {
    for (name, _) in
        block.attributes.iter().filter(|(name, attribute)| attribute.write_only && !object.is_null(name))
    {
        diagnostics.push(
            Diagnostic::error(format!("{name} needs write-only attributes"))
                .detail("This version of Terraform would store the value in its state.")
                .hint("use Terraform 1.11 or OpenTofu 1.11, or later")
                .at(path.clone().attribute(name)),
        );
    }
    for_each_nested(block, object, path, &mut |block, object, path| {
        refuse_write_only(block, object, path, diagnostics);
    });
}

fn check_allowed(block: &Block, object: &Object, path: &mut Path, diagnostics: &mut Diagnostics) {
    for (name, attribute) in block.attributes.iter().filter(|(_, attribute)| !attribute.allowed.is_empty()) {
        let value = object.get(name);
        let values = if value.elements().is_empty() { std::slice::from_ref(value) } else { value.elements() };
        for text in values.iter().filter_map(Value::as_str) {
            if !attribute.allowed.iter().any(|allowed| allowed == text) {
                let allowed: Vec<String> = attribute.allowed.iter().map(|one| format!("{one:?}")).collect();
                diagnostics.push(
                    Diagnostic::error(format!("{name} cannot be {text:?}"))
                        .detail(format!("It is one of {}.", allowed.join(", ")))
                        .at(path.clone().attribute(name)),
                );
            }
        }
    }
    for_each_nested(block, object, path, &mut |block, object, path| {
        check_allowed(block, object, path, diagnostics);
    });
}

/// Checks that an author's object has no attribute that the schema lacks: such a mistake would vanish silently.
pub(crate) fn check_against_schema(block: &Block, object: &Object) -> Result<(), Path> {
    let mut stray = None;
    find_stray(block, object, &mut Path::root(), &mut stray);
    stray.map_or(Ok(()), Err)
}

fn find_stray(block: &Block, object: &Object, path: &mut Path, stray: &mut Option<Path>) {
    let known = |name: &str| block.find_attribute(name).is_some() || block.find_block(name).is_some();
    if let Some((name, _)) = object.iter().find(|(name, _)| !known(name)) {
        stray.get_or_insert_with(|| path.clone().attribute(name));
        return;
    }
    for_each_nested(block, object, path, &mut |block, object, path| find_stray(block, object, path, stray));
}

type Visit<'a> = &'a mut dyn FnMut(&Block, &Object, &mut Path);

fn for_each_nested(block: &Block, object: &Object, path: &mut Path, visit: Visit<'_>) {
    for (name, nested) in &block.blocks {
        path.push(Step::Attribute(name.clone()));
        visit_nested(nested, object.get(name).undressed(), path, visit);
        path.pop();
    }
}

fn visit_nested(nested: &NestedBlock, value: &Value, path: &mut Path, visit: Visit<'_>) {
    let mut visit_at = |step: Option<Step>, value: &Value| {
        let Some(object) = value.as_object() else { return };
        let mut place = path.clone();
        place.extend_with(step);
        visit(&nested.block, object, &mut place);
    };
    match value {
        Value::Object(_) => visit_at(None, value),
        Value::Map(elements) => {
            elements.iter().for_each(|(key, element)| visit_at(Some(Step::Key(key.clone())), element));
        }
        // Terraform cannot point into a set: the block itself is as near as it gets.
        _ => value.elements().iter().enumerate().for_each(|(index, element)| {
            visit_at((nested.nesting != Nesting::Set).then_some(Step::Index(index)), element);
        }),
    }
}

fn has_write_only(block: &Block) -> bool {
    block.attributes.iter().any(|(_, attribute)| attribute.write_only)
        || block.blocks.iter().any(|(_, nested)| has_write_only(&nested.block))
}

/// Visits the objects of a nested block whatever its nesting.
fn for_each_object(value: &mut Value, visit: &mut dyn FnMut(&mut Object)) {
    match value {
        Value::Object(object) => visit(object),
        Value::Dynamic(dynamic) => for_each_object(&mut dynamic.value, visit),
        Value::List(elements) | Value::Set(elements) | Value::Tuple(elements) => {
            elements.iter_mut().for_each(|element| for_each_object(element, visit));
        }
        Value::Map(elements) => elements.values_mut().for_each(|element| for_each_object(element, visit)),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::schema::{Attribute, Type};

    fn block() -> Block {
        let inner = Block::new()
            .attribute("kind", Attribute::required(Type::String).one_of(["a", "b"]))
            .attribute("secret", Attribute::optional(Type::String).write_only());
        Block::new()
            .attribute("id", Attribute::computed(Type::String))
            .attribute("modes", Attribute::optional(Type::set(Type::String)).one_of(["x"]))
            .block("part", NestedBlock::list(inner.clone()))
            .block("other", NestedBlock::set(inner))
    }

    #[test]
    fn refuses_values_that_are_not_among_the_allowed() {
        let check = |config: Object, expected: &[&str]| {
            let found: Vec<String> = check_config(&block(), &config, true)
                .iter()
                .map(|diagnostic| diagnostic.path.clone().unwrap_or_default().to_string())
                .collect();
            assert_eq!(found, expected);
        };
        let part = |kind: &str| Object::new().with("kind", kind);
        check(Object::new().with("part", Value::list([part("a"), part("c")])), &["part[1].kind"]);
        check(Object::new().with("other", Value::set([part("c")])), &["other.kind"]);
        check(Object::new().with("modes", Value::set(["x", "y"])), &["modes"]);
        check(Object::new().with("modes", Value::unknown()), &[]);
    }

    #[test]
    fn write_only_values_need_a_terraform_that_knows_them() {
        let config = Object::new().with("part", Value::list([Object::new().with("secret", "s")]));
        assert!(check_config(&block(), &config, false).has_errors());
        assert!(check_config(&block(), &config, true).is_empty());
    }

    #[test]
    fn finds_attributes_that_the_schema_lacks() {
        let part = Object::new().with("kind", "a").with("knd", "a");
        let object = Object::new().with("part", Value::list([part]));
        assert_eq!(
            check_against_schema(&block(), &object),
            Err(Path::from("part").index(0).attribute("knd"))
        );
        assert_eq!(check_against_schema(&block(), &Object::new().with("id", "1")), Ok(()));
    }

    #[test]
    fn a_generated_configuration_has_only_what_a_user_may_write() {
        let state =
            Object::new().with("id", "1").with("part", Value::list([Object::new().with("kind", "a")]));
        let config = configurable(&block(), state);
        assert!(config.is_null("id"));
        assert_eq!(config.block("part").and_then(|part| part.string("kind")), Some("a"));
    }
}
