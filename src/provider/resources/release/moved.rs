//! A `moved` block from another provider's resource to a release. What it had is known by name; what is to be done about it shows when
//! the release is planned, with the configuration.

use serde_json::Value as Json;
use tf_provider::schema::{Diagnostics, MoveRequest, Object, Value};

use super::super::objects::moved;
use super::super::objects::predecessor::Predecessor;
use super::import_cluster::show;
use super::private::{Private, Seed};

/// Gives the state of a release that comes from another resource; none where that is not one of a kind that is known here.
///
/// # Errors
/// When the state is not what its provider writes.
pub(super) fn state(request: &MoveRequest) -> Result<Option<(Object, Private)>, Diagnostics> {
    let source = moved::state(request)?;
    let mut keep = Private { seed: Some(Seed::draw()?), ..Private::default() };
    if request.source_type == "helm_release" {
        let (state, predecessor) = of_helm(request, &source)?;
        keep.predecessor = Some(predecessor);
        return Ok(Some((state, keep)));
    }
    let Some(objects) = moved::objects(request, &source)? else { return Ok(None) };
    let mut state = Object::new();
    keep.predecessor = Some(Predecessor::Objects {
        resource: request.source_type.clone(),
        ids: objects.iter().map(|(id, _)| id.key()).collect(),
    });
    let known = objects.into_iter().filter_map(|(id, object)| Some((id, object?))).collect::<Vec<_>>();
    if !known.is_empty() {
        show(&mut state, &mut keep, known);
    }
    Ok(Some((state.with("status", "moved"), keep)))
}

/// Reads a release of the provider for Helm. Its values stay where they are: they may be secret, and the new configuration says them.
fn of_helm(request: &MoveRequest, source: &Json) -> Result<(Object, Predecessor), Diagnostics> {
    let text = |name: &str| source[name].as_str().filter(|text| !text.is_empty());
    let (Some(name), Some(chart)) = (text("name"), text("chart")) else {
        return Err(moved::unreadable(request, "it names no release or no chart").into());
    };
    let namespace = text("namespace").unwrap_or("default");
    let of = |text: Option<&str>| text.map_or(Value::Null, Value::from);
    let is_folder = text("repository").is_none() && !chart.starts_with("oci://");
    let shown = if is_folder {
        Object::new().with("path", chart)
    } else {
        let (repository, name) = match text("repository") {
            Some(repository) => (repository, chart),
            None => chart.rsplit_once('/').unwrap_or((chart, "")),
        };
        Object::new().with("repository", repository).with("name", name).with("version", of(text("version")))
    };
    let state = Object::new()
        .with("name", name)
        .with("namespace", namespace)
        .with("chart", shown)
        .with("status", "moved");
    // A block in version 2 of that provider, an attribute from 3 on.
    let metadata = source["metadata"].get(0).unwrap_or(&source["metadata"]);
    let predecessor = Predecessor::HelmRelease {
        namespace: namespace.to_owned(),
        name: name.to_owned(),
        deployed: metadata["last_deployed"].as_i64(),
    };
    Ok((state, predecessor))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;
    use tf_provider::schema::{Context, RawState};

    fn moved_from(source_type: &str, source: &Json) -> Result<Option<(Object, Private)>, Diagnostics> {
        state(&MoveRequest {
            source_provider: "registry.terraform.io/hashicorp/helm".into(),
            source_type: source_type.into(),
            source_version: 2,
            source_state: RawState::from_json(source.to_string()),
            source_private: Vec::new(),
            source_identity: None,
            source_identity_version: 0,
            context: Context::default(),
        })
    }

    #[test]
    fn a_release_of_helm_keeps_its_name_and_none_of_its_values() {
        let source = json!({"name": "web", "namespace": "shop", "chart": "web", "version": "1.2.3", "repository": "https://charts.example.com",
            "values": ["password: hunter2\n"], "set_sensitive": [{"name": "a", "value": "hunter2"}], "metadata": {"last_deployed": 12}});
        let (state, keep) = moved_from("helm_release", &source).expect("it can be").expect("it is known");
        assert_eq!((state.string("name"), state.string("namespace")), (Some("web"), Some("shop")));
        assert_eq!(state.block("chart").and_then(|chart| chart.string("version")), Some("1.2.3"));
        assert!(!format!("{state:?} {keep:?}").contains("hunter2"));
        let of_helm = |deployed: Option<i64>| {
            Some(Predecessor::HelmRelease { namespace: "shop".into(), name: "web".into(), deployed })
        };
        assert_eq!(keep.predecessor, of_helm(Some(12)));
        let as_block =
            json!({"name": "web", "namespace": "shop", "chart": "web", "metadata": [{"last_deployed": 13}]});
        let (_, keep) = moved_from("helm_release", &as_block).expect("it can be").expect("it is known");
        assert_eq!(keep.predecessor, of_helm(Some(13)));
    }

    #[test]
    fn an_object_of_another_provider_shows_as_it_was_and_a_secret_hidden() {
        let text = "apiVersion: v1\nkind: Secret\nmetadata: {name: key, namespace: shop}\nstringData: {a: hunter2}\n";
        let (state, _) = moved_from("kubectl_manifest", &json!({"yaml_body": text}))
            .expect("it can be")
            .expect("it is known");
        assert!(state.string_map("manifests").contains_key("v1/Secret/shop/key"));
        assert!(!format!("{state:?}").contains("hunter2"));
        assert!(moved_from("aws_instance", &json!({})).expect("nothing is wrong").is_none());
    }
}
