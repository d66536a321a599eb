//! Answers that follow from the catalog alone: names, schemas, signatures.

use std::collections::{BTreeMap, HashMap};

use super::convert;
use super::tfplugin5 as proto;
use crate::server::{Catalog, Part};

pub(crate) fn metadata(catalog: &Catalog) -> proto::get_metadata::Response {
    use proto::get_metadata as metadata;
    metadata::Response {
        server_capabilities: Some(convert::server_capabilities()),
        diagnostics: Vec::new(),
        data_sources: named(&catalog.data_sources, |type_name| metadata::DataSourceMetadata { type_name }),
        resources: named(&catalog.resources, |type_name| metadata::ResourceMetadata { type_name }),
        functions: named(&catalog.functions, |name| metadata::FunctionMetadata { name }),
        ephemeral_resources: named(&catalog.ephemeral_resources, |type_name| metadata::EphemeralMetadata {
            type_name,
        }),
        list_resources: named(&catalog.list_resources, |type_name| metadata::ListResourceMetadata {
            type_name,
        }),
        actions: named(&catalog.actions, |type_name| metadata::ActionMetadata { type_name }),
    }
}

fn named<T, M>(parts: &BTreeMap<String, T>, metadata: impl Fn(String) -> M) -> Vec<M> {
    parts.keys().cloned().map(metadata).collect()
}

pub(crate) fn schemas(catalog: &Catalog) -> proto::get_provider_schema::Response {
    proto::get_provider_schema::Response {
        provider: Some(convert::schema(&catalog.provider.schema)),
        resource_schemas: part_schemas(&catalog.resources),
        data_source_schemas: part_schemas(&catalog.data_sources),
        functions: functions(catalog),
        ephemeral_resource_schemas: part_schemas(&catalog.ephemeral_resources),
        list_resource_schemas: part_schemas(&catalog.list_resources),
        action_schemas: part_schemas(&catalog.actions)
            .into_iter()
            .map(|(name, schema)| (name, proto::ActionSchema { schema: Some(schema) }))
            .collect(),
        diagnostics: Vec::new(),
        provider_meta: catalog.provider_meta.as_ref().map(|described| convert::schema(&described.schema)),
        server_capabilities: Some(convert::server_capabilities()),
    }
}

fn part_schemas<T: ?Sized>(parts: &BTreeMap<String, Part<T>>) -> HashMap<String, proto::Schema> {
    parts.iter().map(|(name, part)| (name.clone(), convert::schema(&part.described.schema))).collect()
}

pub(crate) fn functions(catalog: &Catalog) -> HashMap<String, proto::Function> {
    let functions = catalog.functions.iter();
    functions.map(|(name, (_, signature))| (name.clone(), convert::function(signature))).collect()
}

pub(crate) fn identity_schemas(catalog: &Catalog) -> proto::get_resource_identity_schemas::Response {
    let identities = catalog.resources.iter().filter_map(|(name, part)| {
        let (schema, _) = part.identity.as_ref()?;
        Some((name.clone(), convert::identity_schema(schema)))
    });
    proto::get_resource_identity_schemas::Response {
        identity_schemas: identities.collect(),
        diagnostics: Vec::new(),
    }
}
