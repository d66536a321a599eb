//! Why a workload is not ready, as its pods tell: which pod, which container, for which reason, and the last lines that it logged.

use std::time::Duration;

use serde_json::Value;

use super::call::{Call, escape};
use super::client::{ApiServer, Patience};
use super::discovery::Kinds;
use super::observe;
use super::readiness::{Trouble, pod_trouble};
use crate::manifest::object::ObjectId;

/// Reasons are a help, and not worth a long wait.
const LONGEST: Duration = Duration::from_secs(10);
/// How much of a log is told.
const TAIL_LINES: usize = 5;
const TAIL_BYTES: usize = 2000;

/// Tells what keeps the pods of a workload from being ready; none where they say nothing.
pub(super) async fn trouble_of(server: &ApiServer, kinds: &Kinds, id: &ObjectId) -> Option<String> {
    if !matches!(id.kind.as_str(), "Deployment" | "StatefulSet" | "DaemonSet" | "ReplicaSet" | "Job" | "Pod")
    {
        return None;
    }
    let patience = Patience::of_a_look(LONGEST);
    let owner = observe::find_one(server, kinds, id, patience).await.ok()??;
    let pods = if id.kind == "Pod" { vec![owner] } else { pods_of(server, id, &owner, patience).await? };
    // The youngest pod is the one of the change.
    let mut troubled: Vec<(&str, Trouble, &Value)> = pods
        .iter()
        .filter_map(|pod| Some((pod["metadata"]["creationTimestamp"].as_str()?, pod_trouble(pod)?, pod)))
        .collect();
    troubled.sort_by_key(|(created, _, _)| std::cmp::Reverse(*created));
    let (_, trouble, pod) = troubled.first()?;
    let name = pod["metadata"]["name"].as_str().unwrap_or_default();
    let told = if id.kind == "Pod" { String::new() } else { format!("pod {name}: {}", trouble.text) };
    let log = match &trouble.logged {
        Some(logged) => log_of(server, pod, logged.container.as_str(), logged.previous, patience).await,
        None => String::new(),
    };
    let parts: Vec<String> = [told, log].into_iter().filter(|part| !part.is_empty()).collect();
    (!parts.is_empty()).then(|| parts.join("; "))
}

async fn pods_of(server: &ApiServer, id: &ObjectId, owner: &Value, patience: Patience) -> Option<Vec<Value>> {
    let labels = owner.pointer("/spec/selector/matchLabels")?.as_object()?;
    let selector: Vec<String> =
        labels.iter().filter_map(|(name, value)| Some(format!("{name}={}", value.as_str()?))).collect();
    let namespace = escape(id.namespace.as_deref()?);
    let selector = escape(&selector.join(","));
    let target = format!("/api/v1/namespaces/{namespace}/pods?limit=100&labelSelector={selector}");
    let mut pods = server.call(&Call::get(target, format!("list the pods of {id}")), patience).await.ok()?;
    match pods.get_mut("items").map(Value::take) {
        Some(Value::Array(pods)) => Some(pods),
        _ => None,
    }
}

/// Gives the end of what a container logged, or why there is nothing.
async fn log_of(
    server: &ApiServer,
    pod: &Value,
    container: &str,
    previous: bool,
    patience: Patience,
) -> String {
    let text = |pointer: &str| pod.pointer(pointer).and_then(Value::as_str).unwrap_or_default();
    let (namespace, name) = (text("/metadata/namespace"), text("/metadata/name"));
    let target = format!(
        "/api/v1/namespaces/{}/pods/{}/log?container={}&tailLines={TAIL_LINES}&limitBytes={TAIL_BYTES}&previous={previous}",
        escape(namespace),
        escape(name),
        escape(container)
    );
    let call = Call::get(target, format!("read the log of pod {namespace}/{name}"));
    match server.text(&call, patience).await {
        Ok(log) => tail(&log),
        Err(error) => format!("no log: {error}"),
    }
}

/// Writes the last lines of a log so that they can stand in a message.
fn tail(log: &str) -> String {
    let lines: Vec<&str> = log.lines().map(str::trim_end).filter(|line| !line.is_empty()).collect();
    let last = &lines[lines.len().saturating_sub(TAIL_LINES)..];
    if last.is_empty() {
        return "its log is empty".to_owned();
    }
    let shown: Vec<String> = last.iter().map(|line| format!("\n      | {line}")).collect();
    format!("its log ends:{}", shown.concat())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_log_is_told_by_its_last_lines() {
        assert_eq!(
            tail("a\n\nb\r\nc\nd\ne\nf\n"),
            "its log ends:\n      | b\n      | c\n      | d\n      | e\n      | f"
        );
        assert_eq!(tail("\n"), "its log is empty");
    }
}
