//! What every call carries beside its own arguments.

use tokio_util::sync::CancellationToken;

/// Tells a call about Terraform and about its wish to stop.
#[derive(Clone, Debug, Default)]
pub struct Context {
    /// Fires when the user pressed Ctrl-C: end soon and return what is true by then.
    pub cancel: CancellationToken,
    /// Terraform can postpone what depends on too many unknowns.
    pub deferral_allowed: bool,
    /// Terraform keeps write-only attributes out of plan and state.
    pub write_only_allowed: bool,
}

/// Says why a change is postponed. Terraform accepts it only where [`Context::deferral_allowed`] is set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Deferral {
    /// For a reason not listed.
    Unspecified,
    /// The resource's configuration has unknown values.
    ResourceConfigUnknown,
    /// The provider's configuration has unknown values.
    ProviderConfigUnknown,
    /// Something that must exist first does not.
    AbsentPrerequisite,
}
