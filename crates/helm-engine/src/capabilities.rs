//! What a template is told about the cluster: the Kubernetes version and the API versions it serves.
//!
//! Helm without a cluster knows a fixed list of API versions, those its client library was built with, whatever
//! version of Kubernetes is asked for. Both Helms carry the same list.

use crate::Mode;

/// The API versions every render knows, in Helm's order.
pub const API_VERSIONS: &[&str] = &[
    "v1",
    "admissionregistration.k8s.io/v1",
    "admissionregistration.k8s.io/v1alpha1",
    "admissionregistration.k8s.io/v1beta1",
    "internal.apiserver.k8s.io/v1alpha1",
    "apps/v1",
    "apps/v1beta1",
    "apps/v1beta2",
    "authentication.k8s.io/v1",
    "authentication.k8s.io/v1alpha1",
    "authentication.k8s.io/v1beta1",
    "authorization.k8s.io/v1",
    "authorization.k8s.io/v1beta1",
    "autoscaling/v1",
    "autoscaling/v2",
    "batch/v1",
    "batch/v1beta1",
    "certificates.k8s.io/v1",
    "certificates.k8s.io/v1beta1",
    "certificates.k8s.io/v1alpha1",
    "coordination.k8s.io/v1alpha2",
    "coordination.k8s.io/v1beta1",
    "coordination.k8s.io/v1",
    "discovery.k8s.io/v1",
    "discovery.k8s.io/v1beta1",
    "events.k8s.io/v1",
    "events.k8s.io/v1beta1",
    "extensions/v1beta1",
    "flowcontrol.apiserver.k8s.io/v1",
    "flowcontrol.apiserver.k8s.io/v1beta1",
    "flowcontrol.apiserver.k8s.io/v1beta2",
    "flowcontrol.apiserver.k8s.io/v1beta3",
    "lifecycle.k8s.io/v1alpha1",
    "networking.k8s.io/v1",
    "networking.k8s.io/v1beta1",
    "node.k8s.io/v1",
    "node.k8s.io/v1alpha1",
    "node.k8s.io/v1beta1",
    "policy/v1",
    "policy/v1beta1",
    "rbac.authorization.k8s.io/v1",
    "rbac.authorization.k8s.io/v1beta1",
    "rbac.authorization.k8s.io/v1alpha1",
    "resource.k8s.io/v1",
    "resource.k8s.io/v1beta2",
    "resource.k8s.io/v1beta1",
    "resource.k8s.io/v1alpha3",
    "scheduling.k8s.io/v1alpha3",
    "scheduling.k8s.io/v1beta1",
    "scheduling.k8s.io/v1",
    "storage.k8s.io/v1beta1",
    "storage.k8s.io/v1",
    "storage.k8s.io/v1alpha1",
    "storagemigration.k8s.io/v1",
    "storagemigration.k8s.io/v1beta1",
    "apiextensions.k8s.io/v1beta1",
    "apiextensions.k8s.io/v1",
];

/// A version of Kubernetes as templates see it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KubeVersion {
    /// `.Version`: in Helm 4 with whatever stands behind the numbers.
    pub version: String,
    /// What prints and compares: the numbers only.
    pub normalized: String,
    /// `.Major`.
    pub major: String,
    /// `.Minor`.
    pub minor: String,
}

impl KubeVersion {
    /// Reads a version such as `1.34`, `v1.34.0` or `v1.33.4-gke.1245000`.
    ///
    /// # Errors
    /// With Helm's message.
    pub fn parse(text: &str, mode: Mode) -> Result<KubeVersion, String> {
        let numbers = numbers(text).map_err(|reason| format!("invalid kube version '{text}': {reason}"))?;
        let join = |parts: &[u64]| parts.iter().map(u64::to_string).collect::<Vec<_>>().join(".");
        let normalized = format!("v{}", join(&numbers));
        let version = match mode {
            Mode::Helm3 => normalized.clone(),
            Mode::Helm4 if text.starts_with('v') => text.to_owned(),
            Mode::Helm4 => format!("v{text}"),
        };
        Ok(KubeVersion { version, normalized, major: numbers[0].to_string(), minor: numbers[1].to_string() })
    }
}

/// Reads the numbers as Kubernetes' `ParseGeneric` does: at least two, anything may follow them.
fn numbers(text: &str) -> Result<Vec<u64>, String> {
    let quoted = crate::gotext::quote(text);
    let trimmed = text.trim_start_matches([' ', '\t', '\n', '\u{c}', '\r']);
    let rest = trimmed.strip_prefix('v').unwrap_or(trimmed);
    let end = rest.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(rest.len());
    let digits = &rest[..end];
    // The pattern is numbers joined by single dots: what follows the last number is not looked at.
    let mut parts: Vec<&str> = digits.split('.').collect();
    let whole = parts.iter().position(|part| part.is_empty()).unwrap_or(parts.len());
    parts.truncate(whole);
    if parts.is_empty() {
        return Err(format!("could not parse {quoted} as version"));
    }
    if parts.len() < 2 {
        return Err(format!("illegal version string {quoted}"));
    }
    if parts[0].len() > 1 && parts[0].starts_with('0') {
        return Err(format!(
            "illegal zero-prefixed version component {} in {quoted}",
            crate::gotext::quote(parts[0])
        ));
    }
    let number = |part: &&str| {
        part.parse().map_err(|_| {
            let part = crate::gotext::quote(part);
            format!(
                "illegal non-numeric version component {part} in {quoted}: strconv.ParseUint: parsing {part}: value \
                 out of range"
            )
        })
    };
    parts.iter().map(number).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_versions_as_helm_does() {
        let read = |text: &str, mode| {
            KubeVersion::parse(text, mode)
                .map(|v| format!("{} {} {} {}", v.version, v.normalized, v.major, v.minor))
        };
        assert_eq!(read("1.34", Mode::Helm4), Ok("v1.34 v1.34 1 34".to_owned()));
        assert_eq!(read("v1.33.4-gke.1", Mode::Helm3), Ok("v1.33.4 v1.33.4 1 33".to_owned()));
        assert_eq!(read("v1.33.4-gke.1", Mode::Helm4), Ok("v1.33.4-gke.1 v1.33.4 1 33".to_owned()));
        assert_eq!(
            read("v1", Mode::Helm4),
            Err("invalid kube version 'v1': illegal version string \"v1\"".to_owned())
        );
        assert_eq!(
            read("foo", Mode::Helm4),
            Err("invalid kube version 'foo': could not parse \"foo\" as version".to_owned())
        );
        assert_eq!(
            read("v01.2.3", Mode::Helm3),
            Err("invalid kube version 'v01.2.3': illegal zero-prefixed version component \"01\" in \"v01.2.3\""
                .to_owned())
        );
    }
}
