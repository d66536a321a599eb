//! Hears of changes instead of asking for them: one watch for each kind and namespace. A watch is never the last word: it can be
//! slow, break off or be cut by a proxy without a sign, so that whoever waits looks again when it ends.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use http_body_util::BodyExt;
use kube::client::Body;
use serde_json::Value;
use tokio::sync::mpsc;
use tokio::task::JoinSet;

use super::call::{Call, escape};
use super::client::{ApiServer, Patience};
use super::discovery::Kinds;
use super::inventory::PART_OF;
use crate::manifest::object::ObjectId;

/// How long one watch lasts.
pub(super) const LONGEST: Duration = Duration::from_secs(30);
/// The longest line, which is one object, that is read.
const LONGEST_LINE_BYTES: usize = 8 << 20;

/// Watches that run until they are dropped.
pub(super) struct Watches {
    receiver: mpsc::Receiver<(ObjectId, Value)>,
    /// Ends them all.
    _running: JoinSet<()>,
}

impl Watches {
    /// Begins to watch objects of a set; a server that lets nobody watch ends them at once.
    pub(super) fn begin<'a>(
        server: &Arc<ApiServer>,
        kinds: &Kinds,
        set_id: &str,
        ids: impl IntoIterator<Item = &'a ObjectId>,
        patience: Patience,
    ) -> Self {
        let (sender, receiver) = mpsc::channel(64);
        let mut running = JoinSet::new();
        for (target, ids) in targets(kinds, set_id, ids) {
            let (server, sender) = (Arc::clone(server), sender.clone());
            running.spawn(async move { watch(&server, &target, &ids, &sender, patience).await });
        }
        Watches { receiver, _running: running }
    }

    /// Waits for the next change of an object; none when all watches have ended.
    pub(super) async fn next(&mut self) -> Option<(ObjectId, Value)> {
        self.receiver.recv().await
    }
}

/// Gives one request for each kind and namespace, with the objects by their names.
fn targets<'a>(
    kinds: &Kinds,
    set_id: &str,
    ids: impl IntoIterator<Item = &'a ObjectId>,
) -> BTreeMap<String, BTreeMap<String, ObjectId>> {
    let mut places: BTreeMap<String, BTreeMap<String, ObjectId>> = BTreeMap::new();
    for id in ids {
        if let Some(kind) = kinds.get(&id.api_version, &id.kind) {
            let place = kind.collection(&id.api_version, id.namespace.as_deref());
            places.entry(place).or_default().insert(id.name.clone(), id.clone());
        }
    }
    let seconds = LONGEST.as_secs();
    let target = |(place, ids): (String, BTreeMap<String, ObjectId>)| {
        let selector = match ids.keys().next() {
            Some(name) if ids.len() == 1 => {
                format!("fieldSelector={}", escape(&format!("metadata.name={name}")))
            }
            _ => format!("labelSelector={}", escape(&format!("{PART_OF}={set_id}"))),
        };
        // Without a version it begins with what is there now, so that nothing falls between a look and the watch.
        (format!("{place}?watch=true&timeoutSeconds={seconds}&{selector}"), ids)
    };
    places.into_iter().map(target).collect()
}

async fn watch(
    server: &ApiServer,
    target: &str,
    ids: &BTreeMap<String, ObjectId>,
    sender: &mpsc::Sender<(ObjectId, Value)>,
    patience: Patience,
) {
    let call = Call::get(target, "watch its objects");
    let mut lines = match server.open(&call, patience).await {
        Ok(body) => Lines { body, buffer: Vec::new() },
        Err(error) => return tracing::debug!("{error}; asking instead"),
    };
    while let Some(event) = lines.next().await {
        let mut object = match event["type"].as_str() {
            Some("ADDED" | "MODIFIED") => event["object"].clone(),
            // What is gone, and a watch that lost its place, is looked for.
            _ => return,
        };
        let name = object.pointer("/metadata/name").and_then(Value::as_str);
        let Some(id) = name.and_then(|name| ids.get(name)).cloned() else { continue };
        object["apiVersion"] = Value::from(id.api_version.as_str());
        object["kind"] = Value::from(id.kind.as_str());
        if sender.send((id, object)).await.is_err() {
            return;
        }
    }
}

struct Lines {
    body: Body,
    buffer: Vec<u8>,
}

impl Lines {
    /// Gives the next line as JSON; none at the end, or where something else comes.
    async fn next(&mut self) -> Option<Value> {
        loop {
            if let Some(end) = self.buffer.iter().position(|byte| *byte == b'\n') {
                let line: Vec<u8> = self.buffer.drain(..=end).collect();
                return serde_json::from_slice(&line).ok();
            }
            let frame = self.body.frame().await?.ok()?;
            if let Ok(data) = frame.into_data() {
                self.buffer.extend_from_slice(&data);
            }
            if self.buffer.len() > LONGEST_LINE_BYTES {
                return None;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[tokio::test]
    async fn lines_come_whole_until_the_end_or_nonsense() {
        let check = async |text: &str, expected: &[Value]| {
            let mut lines = Lines { body: Body::from(text.as_bytes().to_vec()), buffer: Vec::new() };
            for one in expected {
                assert_eq!(lines.next().await.as_ref(), Some(one), "{text}");
            }
            assert_eq!(lines.next().await, None, "{text}");
        };
        check("{\"a\":1}\n{\"b\":2}\n", &[json!({"a": 1}), json!({"b": 2})]).await;
        check("{\"a\":1}\n{\"b\":", &[json!({"a": 1})]).await;
        check("<html>\n", &[]).await;
        check("", &[]).await;
    }

    #[test]
    fn one_watch_serves_all_objects_of_a_kind_in_a_namespace() {
        let mut kinds = Kinds::default();
        kinds.define(&json!({"spec": {"group": "x.io", "scope": "Namespaced", "names": {"kind": "Thing", "plural": "things"},
            "versions": [{"name": "v1", "served": true}]}}));
        let id = |namespace: &str, name: &str| ObjectId {
            api_version: "x.io/v1".into(),
            kind: "Thing".into(),
            namespace: Some(namespace.into()),
            name: name.into(),
        };
        let ids = [id("a", "one"), id("a", "two"), id("b", "one")];
        let targets: Vec<String> = targets(&kinds, "set", &ids).into_keys().collect();
        assert_eq!(
            targets,
            [
                "/apis/x.io/v1/namespaces/a/things?watch=true&timeoutSeconds=30&labelSelector=applyset.kubernetes.io%2Fpart-of%3Dset",
                "/apis/x.io/v1/namespaces/b/things?watch=true&timeoutSeconds=30&fieldSelector=metadata.name%3Done",
            ]
        );
    }
}
