//! The provider's parts by name, each with its schema made once.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::schema::{
    Action, DataSource, Diagnostic, EphemeralResource, Function, IdentitySchema, ListResource, Provider,
    Resource, Schema, Signature, Type,
};

/// Holds everything that can be asked for by name.
pub(crate) struct Catalog {
    pub(crate) provider: Described,
    pub(crate) provider_meta: Option<Described>,
    pub(crate) resources: BTreeMap<String, Part<dyn Resource>>,
    pub(crate) data_sources: BTreeMap<String, Part<dyn DataSource>>,
    pub(crate) ephemeral_resources: BTreeMap<String, Part<dyn EphemeralResource>>,
    pub(crate) list_resources: BTreeMap<String, Part<dyn ListResource>>,
    pub(crate) actions: BTreeMap<String, Part<dyn Action>>,
    pub(crate) functions: BTreeMap<String, (Arc<dyn Function>, Signature)>,
}

/// Pairs a part with its description.
pub(crate) struct Part<T: ?Sized> {
    pub(crate) part: Arc<T>,
    pub(crate) described: Described,
    pub(crate) identity: Option<(IdentitySchema, Described)>,
}

impl<T: ?Sized> Clone for Part<T> {
    fn clone(&self) -> Self {
        Self { part: self.part.clone(), described: self.described.clone(), identity: self.identity.clone() }
    }
}

/// Holds a schema and the type that follows from it; cheap to clone.
#[derive(Clone)]
pub(crate) struct Described {
    pub(crate) schema: Arc<Schema>,
    pub(crate) ty: Arc<Type>,
}

impl From<Schema> for Described {
    fn from(schema: Schema) -> Self {
        Self { ty: Arc::new(schema.ty()), schema: Arc::new(schema) }
    }
}

impl Catalog {
    pub(crate) fn of(provider: &dyn Provider) -> Self {
        Self {
            provider: provider.schema().into(),
            provider_meta: provider.meta_schema().map(Described::from),
            resources: provider.resources().into_iter().map(resource_entry).collect(),
            data_sources: entries(provider.data_sources(), |part| {
                (part.type_name().to_owned(), part.schema())
            }),
            ephemeral_resources: entries(provider.ephemeral_resources(), |part| {
                (part.type_name().to_owned(), part.schema())
            }),
            list_resources: entries(provider.list_resources(), |part| {
                (part.type_name().to_owned(), part.schema())
            }),
            actions: entries(provider.actions(), |part| (part.type_name().to_owned(), part.schema())),
            functions: provider
                .functions()
                .into_iter()
                .map(|function| (function.name().to_owned(), (function.clone(), function.signature())))
                .collect(),
        }
    }
}

fn resource_entry(part: Arc<dyn Resource>) -> (String, Part<dyn Resource>) {
    let identity = part.identity().map(|identity| {
        let block = identity.as_block();
        (identity, Described::from(Schema { version: 0, block }))
    });
    (part.type_name().to_owned(), Part { described: part.schema().into(), part, identity })
}

fn entries<T: ?Sized>(
    parts: Vec<Arc<T>>,
    describe: impl Fn(&T) -> (String, Schema),
) -> BTreeMap<String, Part<T>> {
    let entry = |part: Arc<T>| {
        let (name, schema) = describe(&part);
        (name, Part { part, described: schema.into(), identity: None })
    };
    parts.into_iter().map(entry).collect()
}

/// Finds a part by the name that Terraform used.
pub(crate) fn find<'a, T: ?Sized>(
    parts: &'a BTreeMap<String, Part<T>>,
    kind: &str,
    name: &str,
) -> Result<&'a Part<T>, Diagnostic> {
    parts.get(name).ok_or_else(|| Diagnostic::error(format!("The provider has no {kind} {name:?}")))
}
