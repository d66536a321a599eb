//! What a delivery to git tells its user, whoever delivers.

use tf_provider::CancellationToken;
use tf_provider::schema::{Diagnostic, Diagnostics, Path};

use crate::delivery::DeliveryError;

/// Waits for a delivery unless Terraform is told to stop; `title` names who delivers.
///
/// # Errors
/// When nothing was delivered, or it is not known whether it was.
pub(in super::super) async fn unless_cancelled<T>(
    title: &str,
    cancel: CancellationToken,
    work: impl Future<Output = Result<T, DeliveryError>>,
) -> Result<T, Diagnostics> {
    tokio::select! {
        done = work => done.map_err(|error| not_delivered(title, &error).into()),
        () = cancel.cancelled() => Err(Diagnostic::error(format!("{title} was interrupted"))
            .detail("It was not confirmed whether its objects are delivered.")
            .hint("plan again to see; applying again is always safe")
            .into()),
    }
}

/// Says that nothing was delivered, and why.
pub(in super::super) fn not_delivered(title: &str, error: &DeliveryError) -> Diagnostic {
    let diagnostic = Diagnostic::error(format!("{title} is not delivered")).detail(error.to_string());
    let diagnostic = diagnostic.at(Path::from("delivery").attribute("git").attribute("path"));
    match error.hint() {
        Some(hint) => diagnostic.hint(hint),
        None => diagnostic,
    }
}

/// Says that a place could not be read, which says nothing about what is there.
pub(in super::super) fn unreadable(error: &DeliveryError) -> Diagnostic {
    let diagnostic = Diagnostic::warning("drift could not be looked for")
        .detail(format!("{error}. The plan goes by what was delivered last."));
    match error.hint() {
        Some(hint) => diagnostic.hint(hint),
        None => diagnostic,
    }
}
