//! The display form: what a plan shows of one object, as canonical JSON of field paths and scalars.
//!
//! A pure function of the desired object, so that it is the same in state before and after an apply. Terraform
//! renders a string that is a JSON document as a structural diff, hides what did not change, and prints one line
//! for each field that did; flattened paths keep those lines few and each of them complete.

use serde_json::{Map, Value};

use super::common_labels::CommonLabels;
use super::normalize::{self, Place};
use super::{canonical, flatten};
use crate::notation::short_digest;

pub(crate) use super::flatten::path_of;

/// One line of a display form.
#[derive(Debug, Clone, PartialEq)]
pub struct Field {
    /// The field's path, as [`crate::notation`] writes it.
    pub path: String,
    /// A scalar, an empty map or list, or a list of texts.
    pub value: Value,
}

/// What a plan shows of one object, sorted by path.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct DisplayForm {
    /// The lines; no path occurs twice.
    pub fields: Vec<Field>,
}

impl DisplayForm {
    /// Gives the display form of an object from which secrets are taken out already (see [`super::mask`]); labels that
    /// the whole set has in common are left out.
    pub fn of(object: &Value, common: &CommonLabels) -> Self {
        let place = Place::of(object, common);
        match normalize::object(&place, object) {
            Some(reduced) => Self { fields: flatten::fields(&reduced, place) },
            None => Self { fields: flatten::fields(object, place) },
        }
    }

    /// Reads back what [`DisplayForm::to_json`] wrote, for example from state.
    ///
    /// # Errors
    /// When the text is no JSON map.
    pub fn from_json(text: &str) -> Result<Self, serde_json::Error> {
        let map: Map<String, Value> = serde_json::from_str(text)?;
        let mut fields: Vec<Field> = map.into_iter().map(|(path, value)| Field { path, value }).collect();
        fields.sort_unstable_by(|one, other| one.path.cmp(&other.path));
        Ok(Self { fields })
    }

    /// Writes the form as canonical JSON, the value of a plan's `manifests`.
    pub fn to_json(&self) -> String {
        let mut text = String::with_capacity(self.fields.len() * 48 + 2);
        text.push('{');
        for (position, field) in self.fields.iter().enumerate() {
            if position > 0 {
                text.push(',');
            }
            canonical::write_string(&field.path, &mut text);
            text.push(':');
            canonical::write(&field.value, &mut text);
        }
        text.push('}');
        text
    }

    /// Gives the short digest that stands for the form where a plan's detail is `summary`.
    pub fn summary(&self) -> String {
        format!("sha256:{}", short_digest(self.to_json().as_bytes()))
    }

    /// Gives the value at a path.
    pub fn get(&self, path: &str) -> Option<&Value> {
        let at = self.fields.binary_search_by(|field| field.path.as_str().cmp(path)).ok()?;
        Some(&self.fields[at].value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn check(object: Value, expected: &[&str]) {
        let form = DisplayForm::of(&object, &CommonLabels::default());
        let lines: Vec<String> =
            form.fields.iter().map(|field| format!("{} = {}", field.path, field.value)).collect();
        assert_eq!(lines, expected);
        let again = DisplayForm::from_json(&form.to_json()).expect("the form is JSON");
        assert_eq!(again.to_json(), form.to_json());
    }

    #[test]
    fn fields_are_addressed_by_names_keys_and_merge_keys() {
        check(
            json!({"apiVersion": "apps/v1", "kind": "Deployment",
                "metadata": {"name": "web", "namespace": "shop", "labels": {"app.kubernetes.io/name": "web"}},
                "spec": {"replicas": 2.0, "template": {"spec": {"containers": [{"name": "app", "image": "web:1",
                    "env": [{"name": "LOG_LEVEL", "value": "info"}], "ports": [{"name": "http", "containerPort": 80, "protocol": "TCP"}]}]}}}}),
            &[
                "metadata.labels[app.kubernetes.io/name] = \"web\"",
                "spec.replicas = 2.0",
                "spec.template.spec.containers[app].env[LOG_LEVEL].value = \"info\"",
                "spec.template.spec.containers[app].image = \"web:1\"",
                "spec.template.spec.containers[app].ports[http].containerPort = 80",
            ],
        );
    }

    #[test]
    fn lists_stand_on_one_line_where_they_cannot_be_misread() {
        check(json!({"verbs": ["get", "list"]}), &["verbs = \"[get, list]\""]);
        check(json!({"verbs": "[get, list]"}), &["verbs = \"\\\"[get, list]\\\"\""]);
        check(json!({"verbs": "\"[get, list]\""}), &["verbs = \"\\\"\\\"[get, list]\\\"\\\"\""]);
        check(json!({"args": ["a b", "1"]}), &["args = [\"a b\",\"1\"]"]);
        check(json!({"ports": [1, 2]}), &["ports = [1,2]"]);
        check(json!({"args": ["sh\n-c", "x"]}), &["args[0] = \"sh\\n-c\"", "args[1] = \"x\""]);
        check(json!({"mixed": [1, {"a": 1}, [2]]}), &["mixed[0] = 1", "mixed[1].a = 1", "mixed[2] = [2]"]);
    }

    #[test]
    fn empty_maps_lists_and_nulls_stay_visible() {
        check(
            json!({"a": {}, "b": [], "c": null, "d": "", "e": [{}], "f": [{"name": "x"}]}),
            &["a = {}", "b = []", "c = null", "d = \"\"", "e[0] = {}", "f[x] = {}"],
        );
        check(json!({"metadata": {"annotations": null, "labels": {}}}), &["metadata.labels = {}"]);
    }

    #[test]
    fn texts_that_are_documents_are_opened() {
        check(
            json!({"data": {"app.json": "{\"log\": {\"level\": \"info\"}, \"on\": true}", "x.properties": "# c\na.b = 1\nc=\n"}}),
            &[
                "data[app.json].log.level = \"info\"",
                "data[app.json].on = true",
                "data[x.properties].c = \"\"",
                "data[x.properties][a.b] = \"1\"",
            ],
        );
        check(
            json!({"data": {"a": "{}", "b": "{not json}", "c": "[]"}}),
            &["data.a = \"{}\"", "data.b = \"{not json}\"", "data.c = \"\\\"[]\\\"\""],
        );
    }

    #[test]
    fn definitions_of_kinds_are_reduced_to_what_reviewers_ask_for() {
        let definition = json!({"apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
            "metadata": {"name": "things.x.io"}, "status": {},
            "spec": {"group": "x.io", "scope": "Namespaced", "names": {"kind": "Thing", "plural": "things", "listKind": "ThingList"},
                "versions": [{"name": "v1", "served": true, "storage": true, "schema": {"deep": [1, 2, 3]}}]}});
        check(
            definition,
            &[
                "spec.group = \"x.io\"",
                "spec.names.kind = \"Thing\"",
                "spec.names.plural = \"things\"",
                "spec.scope = \"Namespaced\"",
                "spec.versions[v1].digest = \"sha256:942be28e\"",
                "spec.versions[v1].served = true",
                "spec.versions[v1].storage = true",
            ],
        );
    }

    #[test]
    fn checksums_are_short() {
        let digest = "0123456789abcdef".repeat(4);
        check(
            json!({"spec": {"template": {"metadata": {"annotations": {"checksum/config": digest}}}}}),
            &["spec.template.metadata.annotations[checksum/config] = \"0123456789ab…\""],
        );
    }

    /// Builds a nest without recursion.
    fn nest(levels: usize) -> Value {
        let mut nest = json!("bottom");
        for level in 0..levels {
            nest = match level % 2 {
                0 => Value::Array(vec![nest]),
                _ => Value::Object(Map::from_iter([("a".to_owned(), nest)])),
            };
        }
        nest
    }

    /// Takes a nest apart without recursion, which dropping it would need.
    fn unnest(mut value: Value) {
        loop {
            value = match value {
                Value::Array(mut list) => list.pop().unwrap_or_default(),
                Value::Object(mut map) => map.remove("a").unwrap_or_default(),
                _ => return,
            };
        }
    }

    #[test]
    fn deep_nests_end_in_a_digest() {
        let (one, other) = (nest(10_000), nest(10_002));
        let [shown, differs] = [&one, &other].map(|nest| DisplayForm::of(nest, &CommonLabels::default()));
        unnest(one);
        unnest(other);
        assert_eq!(shown.fields.len(), 1);
        assert!(
            shown.fields[0]
                .value
                .as_str()
                .is_some_and(|text| text.starts_with("(nested deeper than 48 levels"))
        );
        assert_ne!(shown, differs);
    }

    #[test]
    fn hostile_objects_are_shown_in_linear_space() {
        let wide: Value = json!({"a".repeat(100_000): (0..2_000).map(|n| (n.to_string(), json!(n))).collect::<Map<_, _>>()});
        assert!(DisplayForm::of(&wide, &CommonLabels::default()).to_json().len() < 300_000);
        let same: Vec<Value> = (0..20_000).map(|_| json!({"name": "x", "v": 1})).collect();
        assert_eq!(DisplayForm::of(&json!({"env": same}), &CommonLabels::default()).fields.len(), 20_000);
        let long = json!({"data": {"x": "y".repeat(10_000_000)}});
        assert!(DisplayForm::of(&long, &CommonLabels::default()).to_json().len() < 200);
    }

    /// Draws a small tree from words chosen to collide.
    fn draw(state: &mut u64, depth: usize) -> Value {
        *state ^= *state << 13;
        *state ^= *state >> 7;
        *state ^= *state << 17;
        let (shape, size) = (*state >> 20, (*state >> 40) as usize % 3);
        const WORDS: &[&str] =
            &["a", "a.b", "name", "[0]", "0", "[a]", "[a, b]", "\"[a]\"", "1", "true", "", "a]", "x\\"];
        let word = WORDS[(*state >> 30) as usize % WORDS.len()];
        match shape % 8 {
            0 | 1 if depth > 0 => (0..size).map(|_| draw(state, depth - 1)).collect(),
            2..=4 if depth > 0 => {
                let word = |state: &mut u64| draw(state, 0).as_str().unwrap_or("k").to_owned();
                Value::Object((0..size).map(|_| (word(state), draw(state, depth - 1))).collect())
            }
            5 => json!(size),
            6 => Value::Null,
            7 => json!(true),
            _ => json!(word),
        }
    }

    #[test]
    fn different_objects_have_different_forms() {
        let mut seen: std::collections::HashMap<String, Value> = Default::default();
        let mut state = 0x9e37_79b9_7f4a_7c15;
        for _ in 0..60_000 {
            let object = json!({"spec": draw(&mut state, 3)});
            let form = DisplayForm::of(&object, &CommonLabels::default()).to_json();
            let read: Map<String, Value> = serde_json::from_str(&form).expect("the form is a map");
            let shown = DisplayForm::of(&object, &CommonLabels::default()).fields.len();
            assert_eq!(read.len(), shown, "{object} uses a path twice");
            let other = seen.entry(form.clone()).or_insert_with(|| object.clone());
            assert!(*other == object || is_intended(other, &object), "{object} and {other} are both {form}");
        }
        assert!(seen.len() > 5_000);
    }

    /// Lists that are addressed by a key may come in any order, and look like maps whose keys stand in brackets.
    fn is_intended(one: &Value, other: &Value) -> bool {
        let keyed = |value: &Value| value.to_string().contains("{\"name\":");
        keyed(one) || keyed(other)
    }
}
