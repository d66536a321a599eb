//! Which container images a set of objects runs, and where.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

/// Levels of nesting that are searched for containers; a CronJob's are at seven.
const DEEPEST: usize = 24;

const CONTAINER_LISTS: &[&str] = &["containers", "initContainers", "ephemeralContainers"];

/// Where an image runs.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Use {
    /// The object's key.
    pub object: String,
    /// The container's name; none where a custom resource names the image itself.
    pub container: Option<String>,
}

/// Lists the images of a set of objects with their keys, each with all its uses.
pub fn of_objects<'a>(objects: impl IntoIterator<Item = (&'a str, &'a Value)>) -> BTreeMap<String, Vec<Use>> {
    let mut images: BTreeMap<String, Vec<Use>> = BTreeMap::new();
    for (key, object) in objects {
        let mut found = Vec::new();
        search(object, 0, &mut found);
        let custom = object.pointer("/spec/image").and_then(Value::as_str);
        found.extend(custom.map(|image| (image, None)));
        for (image, container) in found {
            let used = Use { object: key.to_owned(), container: container.map(str::to_owned) };
            images.entry(image.to_owned()).or_default().push(used);
        }
    }
    for uses in images.values_mut() {
        uses.sort_unstable();
        uses.dedup();
    }
    images
}

fn search<'a>(value: &'a Value, depth: usize, found: &mut Vec<(&'a str, Option<&'a str>)>) {
    if depth > DEEPEST {
        return;
    }
    match value {
        Value::Object(map) => {
            found.extend(CONTAINER_LISTS.iter().flat_map(|list| containers(map, list)));
            map.values().for_each(|value| search(value, depth + 1, found));
        }
        Value::Array(list) => list.iter().for_each(|value| search(value, depth + 1, found)),
        _ => {}
    }
}

fn containers<'a>(
    map: &'a Map<String, Value>,
    list: &str,
) -> impl Iterator<Item = (&'a str, Option<&'a str>)> {
    let containers = map.get(list).and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    containers.iter().filter_map(|container| {
        let image = container.get("image")?.as_str().filter(|image| !image.is_empty())?;
        Some((image, container.get("name").and_then(Value::as_str)))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn images_are_found_in_workloads_and_custom_resources() {
        let deployment = json!({"spec": {"template": {"spec": {
            "initContainers": [{"name": "wait", "image": "busybox:1"}],
            "containers": [{"name": "app", "image": "app:2"}, {"name": "side", "image": "busybox:1"}, {"name": "none"}]}}}});
        let custom = json!({"spec": {"image": "prometheus:3"}});
        let found: Vec<String> = of_objects([("d", &deployment), ("p", &custom)])
            .into_iter()
            .map(|(image, uses)| {
                let place = |used: Use| used.object + "/" + used.container.as_deref().unwrap_or("-");
                format!("{image} {}", uses.into_iter().map(place).collect::<Vec<_>>().join(" "))
            })
            .collect();
        assert_eq!(found, ["app:2 d/app", "busybox:1 d/side d/wait", "prometheus:3 p/-"]);
    }
}
