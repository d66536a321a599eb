//! What a delivery would show to others of values that the release declares as sensitive.

use tf_provider::schema::{Diagnostic, Diagnostics, Path};

use super::arguments::Arguments;
use super::desired::Desired;
use crate::release::formats::Format;

/// Checks that no sensitive value is committed in the clear.
///
/// # Errors
/// When objects hold such values, unless the delivery allows it.
pub(super) fn check(arguments: &Arguments, desired: &Desired) -> Result<(), Diagnostics> {
    let Some(git) = &arguments.delivery else { return Ok(()) };
    if git.plain_secrets || desired.holding_secrets.is_empty() {
        return Ok(());
    }
    let objects: Vec<&str> = desired.holding_secrets.iter().map(String::as_str).collect();
    Err(Diagnostic::error(format!(
        "release {} would commit sensitive values in the clear",
        arguments.title()
    ))
    .detail(format!(
        "Whoever can read repository {:?} could read them, now and in its history: {}.",
        git.repository,
        objects.join(", ")
    ))
    .hint(hint(&git.format))
    .at(Path::from("delivery").attribute("git").attribute("path"))
    .into())
}

fn hint(format: &Format) -> &'static str {
    match format {
        Format::Manifests => {
            "let the chart read a Secret that is made elsewhere (an ExternalSecret, a SealedSecret), or say \
             `plain_secrets = true` where everybody who reads the repository may know them"
        }
        Format::HelmRelease(_) => {
            "name a Secret that holds them on the cluster, `helm_release { values_secret = … }`, or say \
             `plain_secrets = true` where everybody who reads the repository may know them"
        }
        Format::ArgocdApplication(_) => {
            "Argo CD takes values from nowhere else: let the chart read a Secret that is made elsewhere, or say \
             `plain_secrets = true` where everybody who reads the repository may know them"
        }
    }
}
