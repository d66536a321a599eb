//! Secret values among others: whether there are any, and what stands in for them where an error must not tell them.

use helm_engine::tree::{Node, NodeKind, NodeMap};

/// What stands in for a secret text.
const STAND_IN: &str = "(sensitive)";

/// Tells whether anything in a tree is secret.
pub fn holds_secrets(node: &Node) -> bool {
    node.mark.sensitive
        || match &node.kind {
            NodeKind::Map(map) => map.values().any(holds_secrets),
            NodeKind::List(items) => items.iter().any(holds_secrets),
            _ => false,
        }
}

/// Puts a value of the same kind in the place of everything secret.
pub fn stand_in(node: &Node) -> Node {
    replace(node, false)
}

fn replace(node: &Node, above: bool) -> Node {
    let secret = above || node.mark.sensitive;
    let kind = match &node.kind {
        NodeKind::List(items) => {
            NodeKind::List(items.iter().map(|item| replace(item, secret)).collect::<Vec<_>>().into())
        }
        NodeKind::Map(map) => {
            let entries = map.iter().map(|(key, value)| (key.clone(), replace(value, secret)));
            NodeKind::Map(entries.collect::<NodeMap>().into())
        }
        NodeKind::Int(_) if secret => NodeKind::Int(1),
        NodeKind::Float(_) if secret => NodeKind::Float(1.0),
        NodeKind::String(_) if secret => NodeKind::String(STAND_IN.into()),
        other => other.clone(),
    };
    Node { kind, ..node.clone() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::layers::layer::Layer;
    use crate::notation::json_of;

    #[test]
    fn only_what_is_secret_is_replaced() {
        let mut layer = Layer::read("l", None, b"a: {b: x, c: [1, w]}\nd: z\n", 0).expect("it is a map");
        assert!(!holds_secrets(&layer.values));
        if let Some(a) = layer.values.as_map_mut().and_then(|map| map.get_mut("a")) {
            a.mark.sensitive = true;
        }
        assert!(holds_secrets(&layer.values));
        let expected = r#"{"a":{"b":"(sensitive)","c":[1,"(sensitive)"]},"d":"z"}"#;
        assert_eq!(json_of(&stand_in(&layer.values)).to_string(), expected);
    }
}
