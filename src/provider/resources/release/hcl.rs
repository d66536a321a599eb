//! Values given as an object, in HCL: from Terraform's values to the engine's, unknown ones included.
//!
//! An unknown value becomes a placeholder of its type, with what Terraform tells of it: how a text begins, that it is not
//! empty, the bounds of a number. Numbers are floats, as in values files, so that `values = { … }` and
//! `values = yamlencode({ … })` render the same.

use helm_engine::tree::{InputMark, Node, NodeKind, NodeMap};
use tf_provider::schema::{Refinement, Type, Value};

/// What placeholders of unknown texts hold behind what is known of them.
const PLACEHOLDER: &str = "uNkNoWn";

/// The placeholder of an unknown number, if it is within its bounds.
const NUMBER: f64 = 7.0;

/// Turns a value into a tree; unknown values in it are marked.
pub(super) fn node(value: &Value) -> Node {
    Reader { placeholders: 0 }.node(&value.infer_type(), value)
}

/// Tells whether a value is an object or map, which holds values by their names.
pub(super) fn is_object(value: &Value) -> bool {
    matches!(value.undressed(), Value::Object(_) | Value::Map(_))
}

struct Reader {
    placeholders: usize,
}

impl Reader {
    fn node(&mut self, ty: &Type, value: &Value) -> Node {
        Node::new(match value {
            Value::Dynamic(dynamic) => return self.node(&dynamic.ty, &dynamic.value),
            Value::Unknown(refinement) => return self.unknown(ty, refinement.as_deref()),
            Value::Null => NodeKind::Null,
            Value::Bool(truth) => NodeKind::Bool(*truth),
            Value::Number(number) => NodeKind::Float(number.as_f64()),
            Value::String(text) => NodeKind::String(text.as_str().into()),
            Value::List(items) | Value::Set(items) | Value::Tuple(items) => {
                let items =
                    items.iter().enumerate().map(|(index, item)| self.node(&item_type(ty, index), item));
                return Node::list(items.collect());
            }
            Value::Map(entries) => {
                let entries = entries.iter().map(|(key, value)| (key.as_str(), value));
                return self.map(ty, entries);
            }
            Value::Object(object) => return self.map(ty, object.iter()),
        })
    }

    fn map<'v>(&mut self, ty: &Type, entries: impl Iterator<Item = (&'v str, &'v Value)>) -> Node {
        let entries = entries.map(|(key, value)| (key.into(), self.node(&field_type(ty, key), value)));
        Node::map(entries.collect::<NodeMap>())
    }

    fn unknown(&mut self, ty: &Type, refinement: Option<&Refinement>) -> Node {
        let kind = match ty {
            Type::Bool => NodeKind::Bool(true),
            Type::Number => NodeKind::Float(number(refinement)),
            Type::List(_) | Type::Set(_) | Type::Tuple(_) => Node::list(vec![self.text(None)]).kind,
            Type::Map(_) | Type::Object(_) => Node::map(NodeMap::new()).kind,
            Type::String | Type::Dynamic => return self.text(refinement),
        };
        Node { mark: InputMark::UNKNOWN, ..Node::new(kind) }
    }

    fn text(&mut self, refinement: Option<&Refinement>) -> Node {
        let prefix = refinement.and_then(|known| known.prefix.as_deref()).unwrap_or_default();
        self.placeholders += 1;
        let text = format!("{prefix}{PLACEHOLDER}{}", self.placeholders);
        let mark = InputMark { certain: !prefix.is_empty(), ..InputMark::UNKNOWN };
        Node { mark, ..Node::new(NodeKind::String(text.into())) }
    }
}

fn number(refinement: Option<&Refinement>) -> f64 {
    let bound =
        |bound: Option<&(tf_provider::schema::Number, bool)>| bound.map(|(number, _)| number.as_f64());
    let lowest = bound(refinement.and_then(|known| known.lower_bound.as_ref()));
    let highest = bound(refinement.and_then(|known| known.upper_bound.as_ref()));
    match (lowest, highest) {
        (Some(lowest), _) if lowest >= NUMBER => lowest + 1.0,
        (_, Some(highest)) if highest <= NUMBER => highest - 1.0,
        _ => NUMBER,
    }
}

fn item_type(ty: &Type, index: usize) -> Type {
    match ty {
        Type::List(item) | Type::Set(item) => (**item).clone(),
        Type::Tuple(items) => items.get(index).cloned().unwrap_or(Type::Dynamic),
        _ => Type::Dynamic,
    }
}

fn field_type(ty: &Type, key: &str) -> Type {
    match ty {
        Type::Map(item) => (**item).clone(),
        Type::Object(object) => object.attributes.get(key).cloned().unwrap_or(Type::Dynamic),
        _ => Type::Dynamic,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tf_provider::schema::Object;

    fn known(refinement: Refinement) -> Value {
        Value::Unknown(Some(Box::new(refinement)))
    }

    fn at<'n>(node: &'n Node, key: &str) -> &'n Node {
        &node.as_map().expect("a map")[key]
    }

    #[test]
    fn known_values_are_what_yaml_would_give() {
        let object = Object::new()
            .with("a", 3)
            .with("b", Value::list(["x", "z"]))
            .with("c", Value::Null)
            .with("d", Object::new().with("e", true));
        let yaml = "a: 3\nb: [x, z]\nc: null\nd: {e: true}\n";
        let read = helm_engine::request::read_values(yaml.as_bytes(), 0, helm_engine::Mode::Helm4);
        assert_eq!(node(&object.into()), read.expect("it is YAML"));
    }

    #[test]
    fn unknown_values_have_placeholders_of_their_type() {
        let prefixed = known(Refinement { prefix: Some("https://".to_owned()), ..Refinement::default() });
        let object = Object::new()
            .with("text", Value::unknown())
            .with("address", prefixed)
            .with("flag", Value::dynamic(Type::Bool, Value::unknown()))
            .with("list", Value::dynamic(Type::list(Type::String), Value::unknown()));
        let node = node(&object.into());
        assert!(at(&node, "text").mark.unknown && !at(&node, "text").mark.certain);
        assert!(at(&node, "address").mark.certain);
        assert!(
            matches!(&at(&node, "address").kind, NodeKind::String(text) if text.starts_with("https://uNkNoWn"))
        );
        assert!(matches!(at(&node, "flag").kind, NodeKind::Bool(true)));
        assert!(matches!(&at(&node, "list").kind, NodeKind::List(items) if items.len() == 1));
        assert_eq!(node.mark, InputMark::PLAIN);
    }

    #[test]
    fn placeholders_of_numbers_keep_their_bounds() {
        let check = |lower: Option<i64>, upper: Option<i64>, expected: f64| {
            let bound = |number: Option<i64>| number.map(|number| (number.into(), true));
            let refinement =
                Refinement { lower_bound: bound(lower), upper_bound: bound(upper), ..Refinement::default() };
            assert_eq!(number(Some(&refinement)), expected);
        };
        check(None, None, 7.0);
        check(Some(1), Some(100), 7.0);
        check(Some(80), None, 81.0);
        check(None, Some(3), 2.0);
    }
}
