//! Attributes: the leaves of a schema, with the few planning rules that Terraform knows for them.
//!
//! What the wire carries is name, type, use, sensitivity and texts. [`Attribute::requires_replace`],
//! [`Attribute::default_value`], [`Attribute::keeps_prior`] and [`Attribute::one_of`] are rules that the server
//! follows on its own, so that an author does not have to write them in `plan`.

use super::{Type, Value};

/// Describes one attribute.
#[derive(Clone, Debug, PartialEq)]
pub struct Attribute {
    /// The type of its value.
    pub ty: Type,
    /// Who gives the value.
    pub presence: Presence,
    /// Whether Terraform hides the value in its output.
    pub sensitive: bool,
    /// Whether the value is only ever in the configuration, never in plan and state.
    pub write_only: bool,
    /// What the attribute means, in Markdown.
    pub description: String,
    /// Why it should not be used any more.
    pub deprecation: Option<String>,
    /// Whether another value means another resource.
    pub requires_replace: bool,
    /// Whether an update keeps the value the provider gave before, instead of making it unknown.
    pub keeps_prior: bool,
    /// The value where the configuration has none.
    pub default: Option<Value>,
    /// The values it may have; empty when any.
    pub allowed: Vec<String>,
}

/// Says who gives an attribute's value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Presence {
    /// The configuration must.
    Required,
    /// The configuration may.
    Optional,
    /// The provider does.
    Computed,
    /// The configuration may, else the provider does.
    OptionalComputed,
}

impl Attribute {
    /// An attribute that the configuration must give.
    pub fn required(ty: Type) -> Self {
        Self::new(ty, Presence::Required)
    }

    /// An attribute that the configuration may give.
    pub fn optional(ty: Type) -> Self {
        Self::new(ty, Presence::Optional)
    }

    /// An attribute that the provider gives.
    pub fn computed(ty: Type) -> Self {
        Self::new(ty, Presence::Computed)
    }

    /// An attribute that the configuration may give, else the provider does.
    pub fn optional_computed(ty: Type) -> Self {
        Self::new(ty, Presence::OptionalComputed)
    }

    /// Explains the attribute, in Markdown.
    #[must_use]
    pub fn description(mut self, description: impl Into<String>) -> Self {
        self.description = description.into();
        self
    }

    /// Hides the value in Terraform's output.
    #[must_use]
    pub fn sensitive(mut self) -> Self {
        self.sensitive = true;
        self
    }

    /// Keeps the value out of plan and state (Terraform 1.11 and later).
    #[must_use]
    pub fn write_only(mut self) -> Self {
        self.write_only = true;
        self
    }

    /// Discourages the attribute and says what to use instead.
    #[must_use]
    pub fn deprecated(mut self, message: impl Into<String>) -> Self {
        self.deprecation = Some(message.into());
        self
    }

    /// Makes another value mean another resource.
    #[must_use]
    pub fn requires_replace(mut self) -> Self {
        self.requires_replace = true;
        self
    }

    /// Keeps a computed value through updates, as for an id.
    #[must_use]
    pub fn keeps_prior(mut self) -> Self {
        self.keeps_prior = true;
        self
    }

    /// Gives the value for a configuration without one, in resources and data sources; makes an optional
    /// attribute computed too, since Terraform lets a provider fill in only those.
    #[must_use]
    pub fn default_value(mut self, value: impl Into<Value>) -> Self {
        self.default = Some(value.into());
        if self.presence == Presence::Optional {
            self.presence = Presence::OptionalComputed;
        }
        self
    }

    /// Allows only these strings.
    #[must_use]
    pub fn one_of<S: Into<String>>(mut self, allowed: impl IntoIterator<Item = S>) -> Self {
        self.allowed = allowed.into_iter().map(Into::into).collect();
        self
    }

    /// Tells whether the provider may give the value.
    pub fn is_computed(&self) -> bool {
        matches!(self.presence, Presence::Computed | Presence::OptionalComputed)
    }

    /// Tells whether the configuration may leave the value out, but can give it.
    pub fn is_optional(&self) -> bool {
        matches!(self.presence, Presence::Optional | Presence::OptionalComputed)
    }

    fn new(ty: Type, presence: Presence) -> Self {
        Self {
            ty,
            presence,
            sensitive: false,
            write_only: false,
            description: String::new(),
            deprecation: None,
            requires_replace: false,
            keeps_prior: false,
            default: None,
            allowed: Vec::new(),
        }
    }
}
