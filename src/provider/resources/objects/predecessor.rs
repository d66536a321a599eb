//! Who had a resource's objects before it. An import or a `moved` block keeps that beside the state, until an apply has taken
//! everything over.

use serde::{Deserialize, Serialize};
use tf_provider::schema::{Object, Path};

use crate::delivery::cluster::predecessor::Predecessor as InCluster;
use crate::manifest::object::ObjectId;

/// The status of a resource that a `moved` block brought and no apply has taken over yet.
pub(in super::super) const MOVED: &str = "moved";

/// What a resource comes from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(in super::super) enum Predecessor {
    /// A release that Helm installed.
    HelmRelease {
        /// Its namespace.
        namespace: String,
        /// Its name.
        name: String,
        /// When it was last deployed, in seconds since 1970, where that is known: it tells releases of one name on many clusters apart.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        deployed: Option<i64>,
    },
    /// Objects that another resource applied.
    Objects {
        /// Names that resource for people: `kubectl_manifest`.
        resource: String,
        /// Keys of the objects.
        ids: Vec<String>,
    },
    /// What `flux bootstrap` committed, by itself or as another resource.
    Bootstrap {
        /// The cluster's folder in its repository.
        path: String,
    },
}

impl Predecessor {
    /// Names who it was for people.
    pub(in super::super) fn title(&self) -> String {
        match self {
            Predecessor::HelmRelease { namespace, name, .. } => format!("Helm release {namespace}/{name}"),
            Predecessor::Objects { resource, .. } => resource.clone(),
            Predecessor::Bootstrap { .. } => "flux bootstrap".to_owned(),
        }
    }

    /// Says for the cluster whose objects are taken over: those that are known here, and `found` there.
    pub(in super::super) fn in_cluster(
        &self,
        found: impl IntoIterator<Item = ObjectId>,
        allow_deletion_of: &[String],
    ) -> InCluster {
        let known: &[String] = match self {
            Predecessor::Objects { ids, .. } => ids,
            _ => &[],
        };
        InCluster {
            title: self.title(),
            objects: known.iter().filter_map(|id| ObjectId::parse(id)).chain(found).collect(),
            allow_deletion_of: allow_deletion_of.to_vec(),
        }
    }
}

/// Leaves out what only seems to change: a state that comes from another resource does not say everything.
pub(in super::super) fn really_replaced(prior: Option<&Object>, requires_replace: Vec<Path>) -> Vec<Path> {
    let was_said = |path: &Path| prior.is_none_or(|prior| !prior.at(path).is_null());
    requires_replace.into_iter().filter(was_said).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn comes_back_as_it_went_and_names_its_objects() {
        let objects = Predecessor::Objects {
            resource: "kubectl_manifest".into(),
            ids: vec!["v1/ConfigMap/a/web".into()],
        };
        let text = serde_json::to_string(&objects).expect("it can be written");
        assert_eq!(serde_json::from_str::<Predecessor>(&text).expect("it can be read"), objects);
        let found = ObjectId::parse("v1/Secret/a/key").expect("a key");
        let in_cluster = objects.in_cluster([found], &["Namespace".to_owned()]);
        assert_eq!((in_cluster.title.as_str(), in_cluster.objects.len()), ("kubectl_manifest", 2));
        let written = json!({"helm_release": {"namespace": "shop", "name": "web"}});
        let helm: Predecessor = serde_json::from_value(written).expect("it can be read");
        assert_eq!(helm.title(), "Helm release shop/web");
    }

    #[test]
    fn what_the_state_did_not_say_does_not_replace() {
        let prior = Object::new().with("name", "web");
        let paths = || vec![Path::from("name"), Path::from("cluster")];
        assert_eq!(really_replaced(Some(&prior), paths()), [Path::from("name")]);
        assert_eq!(really_replaced(None, paths()).len(), 2);
    }
}
