//! Which kinds an API server knows, and under which paths. Two requests tell all of them; servers before Kubernetes 1.26
//! are asked for each group and version that is needed.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::Value;

use super::call::{Call, escape};
use super::client::{ApiServer, Patience};
use super::error::ClusterError;
use crate::manifest::object::ObjectId;

/// The form of the answer in which one request tells all groups.
const AGGREGATED: &str = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,application/json;g=apidiscovery.k8s.io;v=v2beta1;as=APIGroupDiscoveryList,application/json";

/// What is known of a kind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Kind {
    /// The kind's name in paths: `deployments`.
    pub plural: String,
    /// Whether its objects stand in namespaces.
    pub is_namespaced: bool,
}

/// Kinds by API version and name; hundreds of them, which every request that runs has at hand, so that copies share them.
#[derive(Clone, Debug, Default)]
pub struct Kinds {
    known: Arc<BTreeMap<(String, String), Kind>>,
    /// API versions that were asked for; absent where one answer told all.
    asked: Option<Vec<String>>,
}

impl Kinds {
    /// Finds a kind.
    pub fn get(&self, api_version: &str, kind: &str) -> Option<&Kind> {
        self.known.get(&(api_version.to_owned(), kind.to_owned()))
    }

    /// Gives every kind with its API version and name.
    pub(super) fn all(&self) -> impl Iterator<Item = (&str, &str, &Kind)> {
        self.known.iter().map(|((version, name), kind)| (version.as_str(), name.as_str(), kind))
    }

    /// Lists everything that is served, as charts see it in `.Capabilities.APIVersions`.
    pub fn api_versions(&self) -> Vec<String> {
        let mut all: Vec<String> = self.known.keys().map(|(version, _)| version.clone()).collect();
        all.dedup();
        let kinds = self.known.keys().map(|(version, kind)| format!("{version}/{kind}"));
        all.into_iter().chain(kinds).collect()
    }

    /// Says that a kind is not known, and what is known that comes near.
    pub(super) fn unknown(&self, cluster: &str, id: &ObjectId) -> ClusterError {
        // A kind that moved to another group or version keeps its name.
        let same = self.known.keys().filter(|(_, kind)| *kind == id.kind);
        let versions: Vec<&str> = same.map(|(version, _)| version.as_str()).collect();
        let instead = if versions.is_empty() {
            "no CustomResourceDefinition brings it, neither in the cluster nor among the objects".to_owned()
        } else {
            format!("it knows {} {}", versions.join(" and "), id.kind)
        };
        ClusterError::UnknownKind {
            cluster: cluster.to_owned(),
            api_version: id.api_version.clone(),
            kind: id.kind.clone(),
            object: id.key(),
            instead,
        }
    }

    /// Gives the path of an object, where its kind is known.
    pub(super) fn path(&self, id: &ObjectId) -> Option<String> {
        let kind = self.get(&id.api_version, &id.kind)?;
        Some(format!("{}/{}", kind.collection(&id.api_version, id.namespace.as_deref()), escape(&id.name)))
    }

    /// Adds what a CustomResourceDefinition brings; its paths follow from its own text.
    pub(super) fn define(&mut self, definition: &Value) {
        let text = |pointer: &str| definition.pointer(pointer).and_then(Value::as_str).unwrap_or_default();
        let is_namespaced = text("/spec/scope") != "Cluster";
        let known = Arc::make_mut(&mut self.known);
        for version in definition["spec"]["versions"].as_array().into_iter().flatten() {
            let served = version["served"] == true;
            let Some(name) = version["name"].as_str().filter(|_| served) else { continue };
            let key = (format!("{}/{name}", text("/spec/group")), text("/spec/names/kind").to_owned());
            let plural = text("/spec/names/plural").to_owned();
            known.entry(key).or_insert(Kind { plural, is_namespaced });
        }
    }

    fn knows_all_of(&self, api_version: &str) -> bool {
        self.asked.as_ref().is_none_or(|asked| asked.iter().any(|one| one == api_version))
    }
}

impl Kind {
    /// Gives the path of all objects of the kind, in a namespace or everywhere.
    pub(super) fn collection(&self, api_version: &str, namespace: Option<&str>) -> String {
        let root = if api_version.contains('/') { "/apis" } else { "/api" };
        match namespace.filter(|_| self.is_namespaced) {
            Some(namespace) => {
                format!("{root}/{api_version}/namespaces/{}/{}", escape(namespace), self.plural)
            }
            None => format!("{root}/{api_version}/{}", self.plural),
        }
    }
}

impl ApiServer {
    /// Gives the kinds that are served, asked for once; `fresh` asks again, after definitions were applied.
    ///
    /// # Errors
    /// As [`ApiServer::call`].
    pub(super) async fn discover<'a>(
        &self,
        needed: impl IntoIterator<Item = &'a ObjectId>,
        fresh: bool,
        patience: Patience,
    ) -> Result<Kinds, ClusterError> {
        let versions: Vec<String> = needed.into_iter().map(|id| id.api_version.clone()).collect();
        let known = |kinds: &Kinds| versions.iter().all(|version| kinds.knows_all_of(version));
        if !fresh && let Some(kinds) = self.kinds.read().await.as_ref().filter(|kinds| known(kinds)) {
            return Ok(kinds.clone());
        }
        let mut place = self.kinds.write().await;
        if !fresh && let Some(kinds) = place.as_ref().filter(|kinds| known(kinds)) {
            return Ok(kinds.clone());
        }
        let kinds = match self.discover_all(patience).await? {
            Some(kinds) => kinds,
            None => self.discover_each(&versions, patience).await?,
        };
        Ok(place.insert(kinds).clone())
    }

    async fn discover_all(&self, patience: Patience) -> Result<Option<Kinds>, ClusterError> {
        let ask = |path: &str| Call::get(path, "list its kinds").accepting(AGGREGATED);
        let (core, groups) = (ask("/api"), ask("/apis"));
        let (core, groups) = tokio::join!(self.call(&core, patience), self.call(&groups, patience));
        let mut kinds = Kinds::default();
        for answer in [core?, groups?] {
            if answer["kind"] != "APIGroupDiscoveryList" {
                return Ok(None);
            }
            read_aggregated(&answer, Arc::make_mut(&mut kinds.known));
        }
        Ok(Some(kinds))
    }

    async fn discover_each(&self, versions: &[String], patience: Patience) -> Result<Kinds, ClusterError> {
        let mut kinds = Kinds { asked: Some(Vec::new()), ..Kinds::default() };
        for version in versions {
            if kinds.knows_all_of(version) {
                continue;
            }
            let root = if version.contains('/') { "/apis" } else { "/api" };
            let call = Call::get(format!("{root}/{version}"), format!("list the kinds of {version}"));
            if let Some(answer) = self.find(&call, patience).await? {
                read_list(version, &answer, Arc::make_mut(&mut kinds.known));
            }
            kinds.asked.get_or_insert_default().push(version.clone());
        }
        Ok(kinds)
    }
}

fn read_aggregated(answer: &Value, known: &mut BTreeMap<(String, String), Kind>) {
    let list = |value: &Value, name: &str| value[name].as_array().cloned().unwrap_or_default();
    for group in list(answer, "items") {
        let name = group["metadata"]["name"].as_str().unwrap_or_default().to_owned();
        for version in list(&group, "versions") {
            let number = version["version"].as_str().unwrap_or_default();
            let api_version = if name.is_empty() { number.to_owned() } else { format!("{name}/{number}") };
            for resource in list(&version, "resources") {
                let kind = resource["responseKind"]["kind"].as_str().unwrap_or_default().to_owned();
                let plural = resource["resource"].as_str().unwrap_or_default().to_owned();
                let is_namespaced = resource["scope"] == "Namespaced";
                known.entry((api_version.clone(), kind)).or_insert(Kind { plural, is_namespaced });
            }
        }
    }
}

fn read_list(version: &str, answer: &Value, known: &mut BTreeMap<(String, String), Kind>) {
    for resource in answer["resources"].as_array().into_iter().flatten() {
        let plural = resource["name"].as_str().unwrap_or_default();
        let kind = resource["kind"].as_str().unwrap_or_default();
        if plural.is_empty() || plural.contains('/') || kind.is_empty() {
            continue;
        }
        let is_namespaced = resource["namespaced"] == true;
        let kind = (version.to_owned(), kind.to_owned());
        known.entry(kind).or_insert(Kind { plural: plural.to_owned(), is_namespaced });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn id(api_version: &str, kind: &str, namespace: Option<&str>) -> ObjectId {
        ObjectId {
            api_version: api_version.into(),
            kind: kind.into(),
            namespace: namespace.map(str::to_owned),
            name: "x".into(),
        }
    }

    #[test]
    fn both_forms_of_the_answer_tell_paths() {
        let mut all = Kinds::default();
        read_aggregated(
            &json!({"items": [
                {"metadata": {"name": ""}, "versions": [{"version": "v1", "resources": [
                    {"resource": "namespaces", "responseKind": {"kind": "Namespace"}, "scope": "Cluster"}]}]},
                {"metadata": {"name": "apps"}, "versions": [{"version": "v1", "resources": [
                    {"resource": "deployments", "responseKind": {"kind": "Deployment"}, "scope": "Namespaced"}]}]},
            ]}),
            Arc::make_mut(&mut all.known),
        );
        assert_eq!(all.path(&id("v1", "Namespace", None)).as_deref(), Some("/api/v1/namespaces/x"));
        let deployment = id("apps/v1", "Deployment", Some("shop"));
        assert_eq!(all.path(&deployment).as_deref(), Some("/apis/apps/v1/namespaces/shop/deployments/x"));
        assert_eq!(all.path(&id("apps/v1", "Nothing", None)), None);
        assert_eq!(all.api_versions(), ["apps/v1", "v1", "apps/v1/Deployment", "v1/Namespace"]);

        let mut each = Kinds::default();
        read_list(
            "apps/v1",
            &json!({"resources": [
                {"name": "deployments/status", "kind": "Deployment", "namespaced": true},
                {"name": "deployments", "kind": "Deployment", "namespaced": true}]}),
            Arc::make_mut(&mut each.known),
        );
        assert_eq!(each.path(&deployment), all.path(&deployment));
        let told = |version: &str, kind: &str| all.unknown("one", &id(version, kind, None)).to_string();
        assert!(told("apps/v1beta1", "Deployment").ends_with("needs; it knows apps/v1 Deployment"));
        assert!(told("x.io/v1", "Thing").contains("neither in the cluster nor among the objects"));
    }
}
