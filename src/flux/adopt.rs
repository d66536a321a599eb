//! From the objects of an installation back to its options: what `flux install` or `flux bootstrap` was told.

use std::collections::BTreeSet;
use std::time::Duration;

use serde_json::Value;

use super::FluxError;
use super::manifests::kind;
use super::options::{COMPONENTS, Options};
use super::sync::{Reference, Sync};
use crate::manifest::live::{is_empty, is_same};
use crate::manifest::patch::{Selector, Written};
use crate::release::objects;

/// An installation as data.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Adopted {
    /// Its options.
    pub options: Options,
    /// What it applies, where it applies something.
    pub sync: Option<Sync>,
}

/// Reads the options of an installation from its objects. What no option explains is left to a comparison with what these
/// options give.
///
/// # Errors
/// When the objects hold no controller of Flux, or those of two installations.
pub fn installation(objects: &[Value]) -> Result<Adopted, FluxError> {
    let controllers: Vec<Controller<'_>> = objects.iter().filter_map(Controller::of).collect();
    let first = controllers
        .first()
        .ok_or_else(|| FluxError::NoRelease("there is no Deployment of a controller of Flux".to_owned()))?;
    let namespaces: BTreeSet<&str> = controllers.iter().map(|one| one.namespace).collect();
    if namespaces.len() > 1 {
        let listed: Vec<&str> = namespaces.into_iter().collect();
        return Err(FluxError::NoRelease(format!(
            "there are two installations, in {}",
            listed.join(" and ")
        )));
    }
    let default = Options::default();
    let argument = |name: &str| controllers.iter().find_map(|one| one.argument(name));
    let namespace = first.namespace.to_owned();
    let options = Options {
        version: first.version.trim_start_matches('v').to_owned(),
        components: components(&controllers),
        registry: first.registry().unwrap_or_default().to_owned(),
        image_pull_secret: first.text("/imagePullSecrets/0/name"),
        watch_all_namespaces: argument("--watch-all-namespaces=") != Some("false"),
        network_policy: objects
            .iter()
            .any(|object| kind(object) == "NetworkPolicy" && in_namespace(object, &namespace)),
        log_level: argument("--log-level=").map_or(default.log_level, str::to_owned),
        cluster_domain: domain(&controllers).unwrap_or(default.cluster_domain),
        toleration_keys: first.tolerated(),
        events_address: events_address(&controllers),
        namespace: namespace.clone(),
    };
    Ok(Adopted { sync: sync(objects, &namespace), options })
}

/// The Deployment of a controller.
struct Controller<'a> {
    component: &'a str,
    namespace: &'a str,
    version: &'a str,
    pod: &'a Value,
}

impl<'a> Controller<'a> {
    fn of(object: &'a Value) -> Option<Self> {
        let label = |name: &str| object["metadata"]["labels"][name].as_str();
        if kind(object) != "Deployment" || label("app.kubernetes.io/part-of") != Some("flux") {
            return None;
        }
        Some(Controller {
            component: label("app.kubernetes.io/component").or(object["metadata"]["name"].as_str())?,
            namespace: object["metadata"]["namespace"].as_str()?,
            version: label("app.kubernetes.io/version")?,
            pod: object.pointer("/spec/template/spec")?,
        })
    }

    fn argument(&self, name: &str) -> Option<&'a str> {
        let arguments = self.pod.pointer("/containers/0/args")?.as_array()?;
        arguments.iter().filter_map(Value::as_str).find_map(|argument| argument.strip_prefix(name))
    }

    fn text(&self, place: &str) -> Option<String> {
        self.pod.pointer(place)?.as_str().map(str::to_owned)
    }

    /// Returns what stands before the component's name in its image.
    fn registry(&self) -> Option<&'a str> {
        let image = self.pod.pointer("/containers/0/image")?.as_str()?;
        let (path, name) = image.rsplit_once('/')?;
        (name.split([':', '@']).next() == Some(self.component)).then_some(path)
    }

    fn tolerated(&self) -> Vec<String> {
        let tolerations = self.pod["tolerations"].as_array().into_iter().flatten();
        let keys = tolerations.filter(|one| one["operator"] == "Exists" && one.get("effect").is_none());
        keys.filter_map(|one| one["key"].as_str()).map(str::to_owned).collect()
    }
}

/// Lists the components, in Flux's order where nothing else is known.
fn components(controllers: &[Controller<'_>]) -> Vec<String> {
    let mut found: Vec<String> = controllers.iter().map(|one| one.component.to_owned()).collect();
    let rank = |name: &String| COMPONENTS.iter().position(|known| known == name).unwrap_or(COMPONENTS.len());
    if COMPONENTS.iter().all(|known| found.iter().any(|name| name == known)) {
        found.sort_by_key(rank);
    }
    found
}

fn in_namespace(object: &Value, namespace: &str) -> bool {
    object["metadata"]["namespace"] == namespace
}

/// Reads the domain from an address of a service: `…NAME.$(RUNTIME_NAMESPACE).svc.DOMAIN.`.
fn domain(controllers: &[Controller<'_>]) -> Option<String> {
    const SERVICE: &str = ".$(RUNTIME_NAMESPACE).svc.";
    let addresses = controllers
        .iter()
        .flat_map(|one| [one.argument("--storage-adv-addr="), one.argument("--events-addr=")]);
    addresses.flatten().find_map(|address| {
        let (_, domain) = address.split_once(SERVICE)?;
        Some(domain.trim_end_matches('/').trim_end_matches('.').to_owned())
    })
}

fn events_address(controllers: &[Controller<'_>]) -> String {
    if controllers.iter().any(|one| one.component == "notification-controller") {
        return String::new();
    }
    let address = controllers.iter().find_map(|one| one.argument("--events-addr="));
    address.unwrap_or_default().to_owned()
}

/// Reads the GitRepository and the Kustomization that apply each other, as `flux bootstrap` makes them.
fn sync(objects: &[Value], namespace: &str) -> Option<Sync> {
    let ours = |wanted: &'static str| {
        move |object: &&Value| kind(object) == wanted && in_namespace(object, namespace)
    };
    let kustomizations = objects.iter().filter(ours("Kustomization"));
    kustomizations.filter(|one| one["spec"]["sourceRef"]["kind"] == "GitRepository").find_map(|one| {
        let name = one["metadata"]["name"].as_str()?;
        let same = |object: &&Value| object["metadata"]["name"] == name;
        let repository = objects.iter().filter(ours("GitRepository")).find(same)?;
        (one["spec"]["sourceRef"]["name"] == name).then(|| read_sync(name, namespace, repository, one))
    })
}

fn read_sync(name: &str, namespace: &str, repository: &Value, kustomization: &Value) -> Sync {
    let spec = &repository["spec"];
    let text = |value: &Value| value.as_str().map(str::to_owned);
    let path = kustomization["spec"]["path"].as_str().unwrap_or_default();
    Sync {
        name: name.to_owned(),
        namespace: namespace.to_owned(),
        url: text(&spec["url"]).unwrap_or_default(),
        reference: Reference {
            branch: text(&spec["ref"]["branch"]),
            tag: text(&spec["ref"]["tag"]),
            semver: text(&spec["ref"]["semver"]),
            commit: text(&spec["ref"]["commit"]),
        },
        path: path.strip_prefix("./").unwrap_or(path).to_owned(),
        interval: spec["interval"].as_str().and_then(read_go_duration).unwrap_or(Duration::from_secs(60)),
        secret: text(&spec["secretRef"]["name"]),
        recurse_submodules: spec["recurseSubmodules"] == true,
        provider: text(&spec["provider"]).unwrap_or_default(),
        sparse_checkout: spec["sparseCheckout"].as_array().into_iter().flatten().filter_map(text).collect(),
    }
}

/// Writes what objects have that no option explains as patches: JSON patches, one for each object that differs from what the
/// options give. Objects that only one side has are left to the plan.
pub fn differences(found: &[Value], generated: &[Value]) -> Vec<Written> {
    let name = |object: &Value| {
        let place = |pointer: &str| object.pointer(pointer).and_then(Value::as_str).map(str::to_owned);
        (place("/apiVersion"), place("/kind"), place("/metadata/namespace"), place("/metadata/name"))
    };
    let differing = generated.iter().filter_map(|wanted| {
        let there = found.iter().find(|object| name(object) == name(wanted))?;
        let operations = json_patch::diff(wanted, there);
        if operations.0.is_empty() {
            return None;
        }
        let (_, kind, _, name) = name(wanted);
        let target =
            Selector { kind, name: name.map(|name| name.replace('.', "\\.")), ..Selector::default() };
        let value = serde_json::to_value(&operations).ok()?;
        let patch = format!("{}\n", objects::to_yaml(&value).trim_end());
        Some(Written { patch, target: Some(target) })
    });
    differing.collect()
}

/// Cuts a live object to the fields that the generated one decides, so that neither what the server fills in nor what others add
/// counts as a difference. Elements that a list has beside ours stay, since some lists have one owner for all of them.
pub fn as_generated(generated: &Value, live: &Value) -> Value {
    match (generated, live) {
        (Value::Object(wanted), Value::Object(there)) => {
            let fields = wanted.iter().filter_map(|(key, wanted)| match there.get(key) {
                Some(there) => Some((key.clone(), as_generated(wanted, there))),
                None => is_empty(wanted).then(|| (key.clone(), wanted.clone())),
            });
            Value::Object(fields.collect())
        }
        (Value::Array(wanted), Value::Array(there)) => Value::Array(elements(wanted, there)),
        _ if is_same(generated, live) => generated.clone(),
        _ => live.clone(),
    }
}

fn elements(wanted: &[Value], there: &[Value]) -> Vec<Value> {
    let by_name = |list: &[Value]| {
        let names: BTreeSet<&str> = list.iter().filter_map(|one| one["name"].as_str()).collect();
        names.len() == list.len()
    };
    if by_name(wanted) && by_name(there) {
        let same =
            |list: &[Value], one: &Value| list.iter().find(|other| other["name"] == one["name"]).cloned();
        let ours = wanted.iter().filter_map(|one| Some(as_generated(one, &same(there, one)?)));
        let others = there.iter().filter(|one| same(wanted, one).is_none()).cloned();
        return ours.chain(others).collect();
    }
    if wanted.len() != there.len() {
        return there.to_vec();
    }
    wanted.iter().zip(there).map(|(wanted, there)| as_generated(wanted, there)).collect()
}

/// Reads whole seconds of a duration in Go's notation: `1h30m0s`, `10m`.
pub fn read_go_duration(text: &str) -> Option<Duration> {
    let (mut seconds, mut number) = (0_u64, String::new());
    for letter in text.chars() {
        let unit = match letter {
            '0'..='9' => {
                number.push(letter);
                continue;
            }
            'h' => 3600,
            'm' => 60,
            's' => 1,
            _ => return None,
        };
        seconds = seconds.checked_add(number.parse::<u64>().ok()?.checked_mul(unit)?)?;
        number.clear();
    }
    number.is_empty().then_some(Duration::from_secs(seconds))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn of_a_live_object_only_what_we_decide_counts() {
        let generated = json!({
            "spec": {"replicas": 1, "containers": [{"name": "manager", "args": ["--a"], "resources": {"limits": {"cpu": "1000m"}}}],
                "volumes": [{"name": "tmp", "emptyDir": {}}]},
        });
        let live = |replicas: u8, arguments: Value| {
            json!({"status": {"x": 1}, "spec": {"replicas": replicas, "strategy": {"type": "RollingUpdate"},
                "containers": [{"name": "manager", "args": arguments, "imagePullPolicy": "Always", "resources": {"limits": {"cpu": "1"}}}],
                "volumes": [{"name": "tmp", "emptyDir": {}}, {"name": "ca", "secret": {"secretName": "ca"}}]}})
        };
        let mut expected = generated.clone();
        expected["spec"]["volumes"] =
            json!([{"name": "tmp", "emptyDir": {}}, {"name": "ca", "secret": {"secretName": "ca"}}]);
        assert_eq!(as_generated(&generated, &live(1, json!(["--a"]))), expected);
        let edited = as_generated(&generated, &live(2, json!(["--a", "--b"])));
        assert_eq!(edited["spec"]["replicas"], 2);
        assert_eq!(edited["spec"]["containers"][0]["args"], json!(["--a", "--b"]));
        assert_eq!(edited["spec"].get("strategy"), None);
    }
}
