//! Which lists of built-in kinds are merged by key, and by which: the schema that Kustomize has compiled in.
//!
//! The table is that of Kubernetes 1.21.2, the only one that Kustomize knows, recorded from its library. Kinds and fields
//! that came later have no merge keys there, and their lists are replaced; so we do, since an agent would.

use std::collections::HashMap;
use std::sync::OnceLock;

const TABLE: &str = include_str!("merged_lists.txt");

/// What is known of a part of an object.
#[derive(Clone, Copy, Debug)]
pub(super) enum Schema {
    /// Nothing: it is part of a kind that is not built in.
    Unknown,
    /// It is of a built-in type.
    Known(Known),
}

/// A type's number in the table, and how its list is merged.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Known {
    number: usize,
    /// The keys by which a list of this is merged; none for a list of plain values, nothing where it is replaced.
    merged_by: Option<&'static [&'static str]>,
}

#[derive(Debug, Default)]
struct Table {
    kinds: HashMap<(&'static str, &'static str), usize>,
    types: HashMap<usize, HashMap<&'static str, Known>>,
}

impl Schema {
    /// Looks a kind up.
    pub(super) fn of_kind(api_version: &str, kind: &str) -> Self {
        let number = table().kinds.get(&(api_version, kind));
        number.map_or(Schema::Unknown, |number| Schema::Known(Known { number: *number, merged_by: None }))
    }

    /// Gives what is known of a field.
    pub(super) fn field(self, name: &str) -> Self {
        let Schema::Known(known) = self else { return Schema::Unknown };
        let field = table().types.get(&known.number).and_then(|fields| fields.get(name));
        Schema::Known(field.copied().unwrap_or_default())
    }

    /// Gives what is known of the elements of a list.
    pub(super) fn element(self) -> Self {
        match self {
            Schema::Known(known) => Schema::Known(Known { merged_by: None, ..known }),
            Schema::Unknown => Schema::Unknown,
        }
    }

    /// Gives the keys by which a list is merged; nothing where it is replaced.
    pub(super) fn merged_by(self) -> Option<&'static [&'static str]> {
        match self {
            Schema::Known(known) => known.merged_by,
            Schema::Unknown => None,
        }
    }
}

fn table() -> &'static Table {
    static TABLE_READ: OnceLock<Table> = OnceLock::new();
    TABLE_READ.get_or_init(|| read(TABLE))
}

/// Reads lines such as `apps/v1 Deployment = 3` and `3 metadata:1 containers[name]:4`.
fn read(text: &'static str) -> Table {
    let mut table = Table::default();
    for line in text.lines() {
        if let Some((kind, number)) = line.split_once(" = ") {
            if let (Some(kind), Ok(number)) = (kind.split_once(' '), number.parse()) {
                table.kinds.insert(kind, number);
            }
        } else if let Some((number, fields)) = line.split_once(' ')
            && let Ok(number) = number.parse()
        {
            table.types.insert(number, fields.split(' ').filter_map(field).collect());
        }
    }
    table
}

fn field(text: &'static str) -> Option<(&'static str, Known)> {
    let (name, number) = text.rsplit_once(':')?;
    let number = number.parse().ok()?;
    let Some((name, keys)) = name.strip_suffix(']').and_then(|name| name.split_once('[')) else {
        return Some((name, Known { number, merged_by: None }));
    };
    let keys: Vec<&str> = keys.split(',').filter(|key| !key.is_empty()).collect();
    // The table is read once and lives as long as the process.
    Some((name, Known { number, merged_by: Some(keys.leak()) }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(api_version: &str, kind: &str, path: &[&str], expected: Option<&[&str]>) {
        let schema = path.iter().fold(Schema::of_kind(api_version, kind), |schema, step| match *step {
            "[]" => schema.element(),
            name => schema.field(name),
        });
        assert_eq!(schema.merged_by(), expected, "{kind} {path:?}");
    }

    #[test]
    fn lists_have_the_keys_of_kubernetes() {
        let pod = ["spec", "template", "spec", "containers"];
        check("apps/v1", "Deployment", &pod, Some(&["name"]));
        check("apps/v1", "Deployment", &[&pod[..], &["[]", "env"]].concat(), Some(&["name"]));
        check("apps/v1", "Deployment", &[&pod[..], &["[]", "args"]].concat(), None);
        let ports = [&pod[..], &["[]", "ports"]].concat();
        check("apps/v1", "Deployment", &ports, Some(&["containerPort", "protocol"]));
        check("v1", "Service", &["spec", "ports"], Some(&["port", "protocol"]));
        check("v1", "ConfigMap", &["metadata", "finalizers"], Some(&[]));
        check("example.com/v1", "Thing", &["metadata", "finalizers"], None);
        check("v1", "ConfigMap", &["data"], None);
    }
}
