//! The head of a manifest: what Helm reads of it before anything else does.

use std::collections::BTreeMap;

use crate::Mode;
use crate::chart::fields::Fields;
use crate::yaml::Field;

/// What a document says it is. Missing fields are empty.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Head {
    /// `apiVersion`.
    pub api_version: String,
    /// `kind`.
    pub kind: String,
    /// `metadata.name`.
    pub name: String,
    /// `metadata.annotations`, scalars written out as text.
    pub annotations: BTreeMap<String, String>,
}

/// Go's name of the anonymous struct behind `metadata`.
const METADATA_TYPE: &str =
    r#"struct { Name string "json:\"name\""; Annotations map[string]string "json:\"annotations\"" }"#;

impl Head {
    /// Reads the head of a document, with Go's message if a field has the wrong type.
    pub(super) fn read(document: Option<&Field>, mode: Mode) -> Result<Head, String> {
        let package = if mode == Mode::Helm3 { "releaseutil" } else { "util" };
        let mut fields = Fields::root(document, "SimpleHead", &format!("{package}.SimpleHead"));
        let mut head = Head::default();
        fields.text("apiVersion", &mut head.api_version);
        fields.text("kind", &mut head.kind);
        let metadata = fields.inner("metadata", "", METADATA_TYPE, |metadata| {
            let mut inner = Head::default();
            let mut annotations = None;
            metadata.texts_by_key("annotations", &mut annotations);
            metadata.text("name", &mut inner.name);
            inner.annotations = annotations.unwrap_or_default();
            inner
        });
        fields.finish()?;
        if let Some(inner) = metadata {
            (head.name, head.annotations) = (inner.name, inner.annotations);
        }
        Ok(head)
    }
}
