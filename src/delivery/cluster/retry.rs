//! Whether a request that failed is worth another try, and when. Pure: the client waits and asks again.
//!
//! What Kubernetes' own clients do not retry is here because it ends by itself: a webhook whose pods are starting, an etcd
//! that elects a leader, a quota that counts, a namespace that another request is just creating.

use std::time::Duration;

use super::call::Call;
use super::refusal::Cause;

/// What came back instead of success.
#[derive(Clone, Debug, Default)]
pub(super) struct Failure {
    /// The HTTP status; none where no answer came.
    pub(super) code: Option<u16>,
    /// Kubernetes' `reason`.
    pub(super) reason: String,
    /// What the server or the network says.
    pub(super) message: String,
    /// The fields that it is about.
    pub(super) causes: Vec<Cause>,
    /// What `Retry-After` says.
    pub(super) retry_after: Option<Duration>,
    /// Whether no connection came about, so that nothing was asked yet.
    pub(super) unconnected: bool,
}

/// The longest pause that a server can ask for.
const LONGEST_PAUSE: Duration = Duration::from_secs(60);

/// Gives the pause before try number `tries + 1` of a call, or none where it is no use.
pub(super) fn pause(failure: &Failure, tries: u32, call: &Call) -> Option<Duration> {
    if !is_worth_it(failure, call) {
        return None;
    }
    let doubling = Duration::from_millis(100 << tries.min(6));
    Some(failure.retry_after.map_or(doubling, |wanted| wanted.clamp(doubling, LONGEST_PAUSE)))
}

fn is_worth_it(failure: &Failure, call: &Call) -> bool {
    let is_idempotent = call.is_idempotent();
    let says = |part: &str| failure.message.contains(part);
    match failure.code {
        None => failure.unconnected || is_idempotent,
        // Refused before anything was done.
        Some(429) => true,
        Some(502..=504) => is_idempotent,
        Some(500) => {
            is_idempotent
                && (says("failed calling webhook")
                    || says("etcdserver:")
                    || says("leader changed")
                    || says("deadline exceeded")
                    || says("request timed out")
                    || failure.retry_after.is_some())
        }
        // Counting what another object takes from a quota; a conflict about the quota itself stays one.
        Some(409) if says("resourcequotas") => !call.target.contains("/resourcequotas"),
        Some(409) => says("object is being deleted"),
        Some(403) => says("not yet ready to handle request") || says("status unknown for quota"),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::Value;

    fn check(code: Option<u16>, message: &str, idempotent: bool, expected: bool) {
        let call = if idempotent {
            Call::get("/x", "x")
        } else {
            Call::create("/x", &Value::Null, "x", String::new())
        };
        check_call(&call, code, message, expected);
    }

    fn check_call(call: &Call, code: Option<u16>, message: &str, expected: bool) {
        let failure = Failure { code, message: message.to_owned(), ..Failure::default() };
        assert_eq!(pause(&failure, 0, call).is_some(), expected, "{code:?} {message}");
    }

    #[test]
    fn a_quota_that_counts_is_waited_for_and_a_conflict_about_one_is_not() {
        const MESSAGE: &str =
            "Operation cannot be fulfilled on resourcequotas \"q\": the object has been modified";
        let delete = |path: &str| Call::delete(path, Some("uid"), "Background", String::new());
        check_call(&delete("/api/v1/namespaces/a/pods/x"), Some(409), MESSAGE, true);
        check_call(&delete("/api/v1/namespaces/a/resourcequotas/q"), Some(409), MESSAGE, false);
    }

    #[test]
    fn what_ends_by_itself_is_tried_again() {
        check(Some(429), "", false, true);
        check(Some(503), "", true, true);
        check(Some(500), "Internal error occurred: failed calling webhook \"x\"", true, true);
        check(Some(500), "etcdserver: leader changed", true, true);
        check(Some(409), "Operation cannot be fulfilled on resourcequotas \"q\"", true, true);
        check(None, "connection reset", true, true);
    }

    #[test]
    fn what_stays_wrong_or_may_have_been_done_is_not() {
        check(None, "connection reset", false, false);
        check(Some(503), "", false, false);
        check(Some(500), "a bug", true, false);
        check(Some(409), "conflict with \"kubectl\"", true, false);
        check(Some(422), "", true, false);
        check(Some(404), "namespaces \"x\" not found", true, false);
        check(Some(403), "exceeded quota", true, false);
    }

    #[test]
    fn pauses_grow_and_the_server_may_ask_for_longer_ones() {
        let at = |tries, wanted: Option<u64>| {
            let retry_after = wanted.map(Duration::from_secs);
            pause(
                &Failure { code: Some(429), retry_after, ..Failure::default() },
                tries,
                &Call::get("/x", "x"),
            )
        };
        assert_eq!(at(0, None), Some(Duration::from_millis(100)));
        assert_eq!(at(20, None), Some(Duration::from_millis(6400)));
        assert_eq!(at(0, Some(3)), Some(Duration::from_secs(3)));
        assert_eq!(at(0, Some(0)), Some(Duration::from_millis(100)));
        assert_eq!(at(0, Some(86400)), Some(LONGEST_PAUSE));
    }
}
