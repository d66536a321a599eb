//! Plans: from prior state and configuration to what will be, by the rules of the schema.
//!
//! Terraform proposes the configuration with the prior values of computed attributes filled in. The draft
//! goes on from there: defaults take the place of nulls, and when anything changes, computed attributes
//! become unknown unless they keep their prior value. A value from the configuration is never touched.

use super::walk;
use super::{Block, Context, Deferral, Diagnostic, Diagnostics, Object, Path, Value};

/// Asks what a resource will look like.
#[derive(Clone, Debug)]
pub struct PlanRequest {
    /// The state before; none at create.
    pub prior: Option<Object>,
    /// The configuration; unknown values may stand anywhere.
    pub config: Object,
    /// What Terraform proposes: the configuration, with prior values of computed attributes.
    pub proposed: Object,
    /// The draft: the proposal after the schema's rules. A plan that changes nothing is equal to `prior`.
    pub planned: Object,
    /// Changed places whose schema says that another value means another resource.
    pub requires_replace: Vec<Path>,
    /// The bytes the resource keeps beside its state.
    pub private: Vec<u8>,
    /// The identity before.
    pub identity: Option<Object>,
    /// The `provider_meta` of the module.
    pub provider_meta: Option<Object>,
    /// What every call carries.
    pub context: Context,
}

impl PlanRequest {
    /// Tells whether the resource does not exist yet.
    pub fn is_create(&self) -> bool {
        self.prior.is_none()
    }
}

/// Answers what a resource will look like.
#[derive(Clone, Debug, Default)]
pub struct Plan {
    /// What will be; values that only apply can give are unknown.
    pub planned: Object,
    /// Places whose change means another resource.
    pub requires_replace: Vec<Path>,
    /// Bytes for apply; none keeps those there are.
    pub private: Option<Vec<u8>>,
    /// The identity that will be; none keeps the one there is.
    pub identity: Option<Object>,
    /// Warnings.
    pub diagnostics: Diagnostics,
    /// Postpones the change; see [`Context::deferral_allowed`].
    pub deferral: Option<Deferral>,
}

impl Plan {
    /// A plan for this state.
    pub fn of(planned: Object) -> Self {
        Self { planned, ..Self::default() }
    }

    /// Replaces the resource because of the value at this path.
    #[must_use]
    pub fn replace_for(mut self, path: impl Into<Path>) -> Self {
        self.requires_replace.push(path.into());
        self
    }

    /// Hands bytes to apply.
    #[must_use]
    pub fn private(mut self, private: impl Into<Vec<u8>>) -> Self {
        self.private = Some(private.into());
        self
    }

    /// Adds a diagnostic.
    #[must_use]
    pub fn diagnostic(mut self, diagnostic: Diagnostic) -> Self {
        self.diagnostics.push(diagnostic);
        self
    }
}

impl From<PlanRequest> for Plan {
    /// Accepts the draft as it is.
    fn from(request: PlanRequest) -> Self {
        Self { planned: request.planned, requires_replace: request.requires_replace, ..Self::default() }
    }
}

/// Drafts a plan by the schema's rules: the planned state and the paths that mean replacement.
pub(crate) fn propose(
    block: &Block,
    prior: Option<&Object>,
    config: &Object,
    proposed: Object,
) -> (Object, Vec<Path>) {
    let mut planned = proposed;
    fill_defaults(block, config, &mut planned);
    walk::clear_write_only(block, &mut planned);
    let requires_replace = prior.map_or_else(Vec::new, |prior| replacements(block, prior, &planned));
    let changes = prior.is_none_or(|prior| *prior != planned);
    if changes {
        mark_computed(block, prior, config, &mut planned, requires_replace.is_empty());
    }
    (planned, requires_replace)
}

/// Fills the defaults of a configuration in.
pub(crate) fn with_defaults(block: &Block, config: Object) -> Object {
    let mut filled = config.clone();
    fill_defaults(block, &config, &mut filled);
    filled
}

fn fill_defaults(block: &Block, config: &Object, planned: &mut Object) {
    for (name, attribute) in &block.attributes {
        if let Some(default) = attribute.default.as_ref().filter(|_| config.is_null(name)) {
            planned.set(name.clone(), default.clone());
        }
    }
    for_each_nested(block, None, config, planned, &mut |block, _, config, planned| {
        fill_defaults(block, config, planned);
    });
}

/// Makes what the provider will give unknown, unless it keeps what it gave before.
fn mark_computed(block: &Block, prior: Option<&Object>, config: &Object, planned: &mut Object, keep: bool) {
    for (name, attribute) in &block.attributes {
        if !attribute.is_computed() || attribute.default.is_some() || !config.is_null(name) {
            continue;
        }
        let has_prior = prior.is_some_and(|prior| !prior.is_null(name));
        if !(keep && attribute.keeps_prior && has_prior) {
            planned.set_unknown(name.clone());
        }
    }
    for_each_nested(block, prior, config, planned, &mut |block, prior, config, planned| {
        mark_computed(block, prior, config, planned, keep);
    });
}

type Visit<'a> = &'a mut dyn FnMut(&Block, Option<&Object>, &Object, &mut Object);

/// Visits the nested blocks of a plan together with their place in prior state and configuration.
///
/// Elements of sets have no place that could be matched: what Terraform proposes stands for the configuration,
/// so that an element new to the set gets its defaults and unknowns, and one that was there keeps what it has.
fn for_each_nested(
    block: &Block,
    prior: Option<&Object>,
    config: &Object,
    planned: &mut Object,
    visit: Visit<'_>,
) {
    for (name, nested) in &block.blocks {
        let prior = prior.map(|prior| prior.get(name));
        visit_value(&nested.block, prior, config.get(name), planned.get_mut(name), visit);
    }
}

fn visit_value(block: &Block, prior: Option<&Value>, config: &Value, planned: &mut Value, visit: Visit<'_>) {
    match planned {
        Value::Dynamic(dynamic) => visit_value(block, prior, config, &mut dynamic.value, visit),
        Value::Object(planned) => {
            // A group block that is left out reads as an object of nulls.
            let empty = Object::new();
            visit(block, prior.and_then(Value::as_object), config.as_object().unwrap_or(&empty), planned);
        }
        Value::List(elements) | Value::Tuple(elements) => {
            for (index, (element, config)) in elements.iter_mut().zip(config.elements()).enumerate() {
                let prior = prior.and_then(|prior| prior.elements().get(index));
                visit_value(block, prior, config, element, visit);
            }
        }
        Value::Set(elements) => {
            for element in elements {
                let config = element.clone();
                visit_value(block, None, &config, element, visit);
            }
        }
        Value::Map(elements) => {
            for (key, element) in elements {
                let prior = prior.and_then(Value::as_map).and_then(|prior| prior.get(key));
                let config = config.as_map().and_then(|config| config.get(key));
                visit_value(block, prior, config.unwrap_or(&super::value::NULL), element, visit);
            }
        }
        _ => {}
    }
}

fn replacements(block: &Block, prior: &Object, planned: &Object) -> Vec<Path> {
    let mut found = Vec::new();
    collect_replacements(block, prior, planned, &mut Path::root(), &mut found);
    found
}

fn collect_replacements(
    block: &Block,
    prior: &Object,
    planned: &Object,
    path: &mut Path,
    found: &mut Vec<Path>,
) {
    for (name, attribute) in &block.attributes {
        if attribute.requires_replace && prior.get(name) != planned.get(name) {
            found.push(path.clone().attribute(name));
        }
    }
    for (name, nested) in &block.blocks {
        let (before, after) = (prior.get(name), planned.get(name));
        if before == after {
            continue;
        }
        let place = path.clone().attribute(name);
        if nested.requires_replace {
            found.push(place);
            continue;
        }
        let is_one = before.as_object().is_some() || after.as_object().is_some();
        let empty = Object::new();
        if is_one {
            let inside = [before, after].map(|value| value.as_object().unwrap_or(&empty));
            collect_replacements(&nested.block, inside[0], inside[1], &mut place.clone(), found);
        } else if matches!(after.undressed(), Value::List(_) | Value::Tuple(_)) {
            for (index, pair) in before.elements().iter().zip(after.elements()).enumerate() {
                let inside = [pair.0, pair.1].map(|value| value.as_object().unwrap_or(&empty));
                let mut place = place.clone().index(index);
                collect_replacements(&nested.block, inside[0], inside[1], &mut place, found);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::schema::{Attribute, NestedBlock, Schema, Type};

    fn schema() -> Schema {
        let port = Block::new()
            .attribute("number", Attribute::required(Type::Number).requires_replace())
            .attribute("protocol", Attribute::optional(Type::String).default_value("tcp"))
            .attribute("address", Attribute::computed(Type::String));
        Schema::new()
            .attribute("id", Attribute::computed(Type::String).keeps_prior())
            .attribute("name", Attribute::required(Type::String).requires_replace())
            .attribute("size", Attribute::optional(Type::Number).default_value(1))
            .attribute("password", Attribute::optional(Type::String).write_only())
            .attribute("status", Attribute::computed(Type::String))
            .attribute("zone", Attribute::optional_computed(Type::String))
            .block("port", NestedBlock::list(port))
    }

    fn config(name: &str) -> Object {
        Object::new().with("name", name)
    }

    /// What Terraform proposes: the configuration with prior values of computed attributes.
    fn proposed(prior: &Object, config: &Object) -> Object {
        let mut proposed = config.clone();
        for name in ["id", "status", "zone", "size"] {
            if config.is_null(name) {
                proposed.set(name, prior.get(name).clone());
            }
        }
        proposed
    }

    fn prior() -> Object {
        config("a")
            .with("id", "1")
            .with("size", 1)
            .with("password", Value::Null)
            .with("status", "up")
            .with("zone", "z")
            .with("port", Value::Null)
    }

    #[test]
    fn create_fills_defaults_and_makes_computed_attributes_unknown() {
        let config = config("a")
            .with("password", "secret")
            .with("zone", "mine")
            .with("port", Value::list([Object::new().with("number", 80)]));
        let (planned, replaced) = propose(&schema().block, None, &config, config.clone());
        assert_eq!(planned.integer("size"), Some(1));
        assert!(planned.is_unknown("id") && planned.is_unknown("status"));
        assert_eq!(planned.string("zone"), Some("mine"));
        assert!(planned.is_null("password"), "write-only values never stand in a plan");
        let port = planned.block("port").expect("a port");
        assert_eq!(port.string("protocol"), Some("tcp"));
        assert!(port.is_unknown("address"));
        assert_eq!(replaced, []);
    }

    #[test]
    fn a_plan_without_changes_is_the_prior_state() {
        let prior = prior();
        let config = config("a").with("password", "secret").with("port", Value::Null);
        let (planned, replaced) = propose(&schema().block, Some(&prior), &config, proposed(&prior, &config));
        assert_eq!(planned, prior);
        assert_eq!(replaced, []);
    }

    #[test]
    fn an_update_keeps_what_says_so_and_makes_the_rest_unknown() {
        let prior = prior();
        let config = config("a").with("size", 2).with("port", Value::Null);
        let (planned, replaced) = propose(&schema().block, Some(&prior), &config, proposed(&prior, &config));
        assert_eq!(planned.string("id"), Some("1"));
        assert!(planned.is_unknown("status") && planned.is_unknown("zone"));
        assert_eq!(replaced, []);
    }

    #[test]
    fn a_replacement_keeps_nothing() {
        let prior = prior();
        let config = config("b").with("port", Value::Null);
        let (planned, replaced) = propose(&schema().block, Some(&prior), &config, proposed(&prior, &config));
        assert!(planned.is_unknown("id"));
        assert_eq!(replaced, [Path::from("name")]);
    }

    #[test]
    fn a_new_element_of_a_set_gets_defaults_and_unknowns_and_an_old_one_keeps_its_own() {
        let tag = Block::new()
            .attribute("key", Attribute::required(Type::String))
            .attribute("kind", Attribute::optional(Type::String).default_value("plain"))
            .attribute("owner", Attribute::computed(Type::String));
        let schema = Schema::new().block("tag", NestedBlock::set(tag));
        let old = Object::new().with("key", "a").with("kind", "plain").with("owner", "me");
        let new = Object::new().with("key", "b");
        let config = Object::new().with("tag", Value::set([Object::new().with("key", "a"), new.clone()]));
        let prior = Object::new().with("tag", Value::set([old.clone()]));
        let proposed = Object::new().with("tag", Value::set([old.clone(), new.clone()]));
        let (planned, _) = propose(&schema.block, Some(&prior), &config, proposed);
        let new = new.with("kind", "plain").with("owner", Value::unknown());
        assert_eq!(planned.get("tag"), &Value::set([old, new]));
    }

    #[test]
    fn replacements_inside_blocks_name_the_element() {
        let port =
            |number: i64| Object::new().with("number", number).with("protocol", "tcp").with("address", "x");
        let prior = prior().with("port", Value::list([port(80), port(90)]));
        let config = config("a")
            .with("port", Value::list([Object::new().with("number", 80), Object::new().with("number", 91)]));
        let proposed = proposed(&prior, &config).with("port", Value::list([port(80), port(91)]));
        let (_, replaced) = propose(&schema().block, Some(&prior), &config, proposed);
        assert_eq!(replaced, [Path::from("port").index(1).attribute("number")]);
    }
}
