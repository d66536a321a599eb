//! `layout` blocks of the provider: path templates that name the layers of many releases once.

use std::collections::BTreeMap;

use tf_provider::schema::{Attribute, Block, Diagnostic, Diagnostics, NestedBlock, Object, Path, Type};

use crate::layers::layout::{LayerTemplate, Layout, PathTemplate, RepositoryTemplate};

/// Describes a `layout` block.
pub(super) fn schema() -> Block {
    let layer = Block::new()
        .description("One layer of every release that uses the layout; later layers win.")
        .attribute("name", Attribute::required(Type::String).description("Name of the layer, shown beside every value it decides."))
        .attribute(
            "file",
            Attribute::required(Type::String).description(
                "Path of the YAML file with captures in braces, relative to `root` or to the repository: `values/{service}/{environment}.yaml`. \
                 Known are `{service}` (the release's name), `{namespace}`, `{cluster}`, the cluster's labels, and the release's `captures`.",
            ),
        )
        .attribute("optional", Attribute::optional(Type::Bool).description("Whether a release may lack the file. Default: `false`."))
        .attribute(
            "repository",
            Attribute::optional(Type::String)
                .description("Name of the `repository` block that the file is in. Default: the layout's, else the file is in `root`."),
        )
        .attribute(
            "ref",
            Attribute::optional(Type::String).description(
                "Branch, tag or full commit id that the file is read at, where captures may stand in: `env/{environment}`. \
                 Default: the layout's, else what the repository says.",
            ),
        );
    Block::new()
        .description("Names the layers of many releases once: a release says `layout = NAME` instead of listing its files.")
        .attribute("name", Attribute::required(Type::String).description("Name that releases refer to."))
        .attribute("repository", Attribute::optional(Type::String).description("Name of the `repository` block that the layers' files are in, unless a layer says another. Default: they are in `root`."))
        .attribute("ref", Attribute::optional(Type::String).description("Branch, tag or full commit id that the layers' files are read at, unless a layer says another."))
        .block("layer", NestedBlock::list(layer))
}

/// Checks the templates and the names of the layers; unknown values may stand anywhere.
pub(super) fn validate(config: &Object, found: &mut Diagnostics) {
    for (index, layout) in config.blocks("layout").into_iter().enumerate() {
        let at = Path::from("layout").index(index);
        let mut names: Vec<&str> = Vec::new();
        for (number, layer) in layout.blocks("layer").into_iter().enumerate() {
            let at = at.clone().attribute("layer").index(number);
            if let Some(Err(error)) = layer.string("file").map(PathTemplate::parse) {
                found.push(
                    Diagnostic::error(error.to_string())
                        .hint("write captures in braces, `values/{service}/{environment}.yaml`")
                        .at(at.clone().attribute("file")),
                );
            }
            validate_repository(config, layout, layer, &at, found);
            let Some(name) = layer.string("name") else { continue };
            if name == "chart" || names.contains(&name) {
                let why = if name == "chart" {
                    "is the name of the chart's own defaults"
                } else {
                    "is taken by another layer of the layout"
                };
                found.push(
                    Diagnostic::error(format!("a layer cannot be named {name:?}"))
                        .detail(format!("{name:?} {why}."))
                        .at(at.attribute("name")),
                );
            }
            names.push(name);
        }
    }
}

/// Checks that a layer's repository is there, and that its reference has one.
fn validate_repository(config: &Object, layout: &Object, layer: &Object, at: &Path, found: &mut Diagnostics) {
    let either = |name: &str| layer.string(name).or_else(|| layout.string(name));
    if ["repository", "ref"].iter().any(|name| layer.is_unknown(name) || layout.is_unknown(name)) {
        return;
    }
    let known: Vec<&str> =
        config.blocks("repository").into_iter().filter_map(|one| one.string("name")).collect();
    match (either("repository"), either("ref")) {
        (None, Some(reference)) => found.push(
            Diagnostic::error(format!("the layout reads at {reference:?}, but of no repository"))
                .hint("add `repository`, the name of a repository block, or leave `ref` out")
                .at(at.clone()),
        ),
        (Some(name), _) if !known.contains(&name) && !config.is_unknown("repository") => found.push(
            Diagnostic::error(format!("the provider has no repository named {name:?}"))
                .detail(format!(
                    "Known: {}.",
                    if known.is_empty() { "none".to_owned() } else { known.join(", ") }
                ))
                .hint(format!("add a `repository {{ name = {name:?} … }}` block to the provider"))
                .at(at.clone().attribute("repository")),
        ),
        (_, Some(reference)) => {
            if let Err(error) = PathTemplate::parse(reference) {
                let diagnostic = Diagnostic::error(error.to_string());
                found.push(
                    diagnostic
                        .hint("write captures in braces, `env/{environment}`")
                        .at(at.clone().attribute("ref")),
                );
            }
        }
        _ => {}
    }
}

/// Reads the layouts of a valid block; one that is not known yet is left out.
pub(super) fn read(config: &Object) -> BTreeMap<String, Layout> {
    let layouts = config.blocks("layout").into_iter();
    layouts.filter_map(|block| read_layout(block).map(|layout| (layout.name.clone(), layout))).collect()
}

fn read_layout(block: &Object) -> Option<Layout> {
    let layers = block.blocks("layer").into_iter().map(|layer| {
        Some(LayerTemplate {
            name: layer.string("name")?.to_owned(),
            file: PathTemplate::parse(layer.string("file")?).ok()?,
            optional: layer.bool("optional").unwrap_or(false),
            repository: read_repository(block, layer)?,
        })
    });
    Some(Layout { name: block.string("name")?.to_owned(), layers: layers.collect::<Option<_>>()? })
}

/// Reads which repository a layer is in; nothing at all where that is not known yet.
fn read_repository(layout: &Object, layer: &Object) -> Option<Option<RepositoryTemplate>> {
    if ["repository", "ref"].iter().any(|name| layer.is_unknown(name) || layout.is_unknown(name)) {
        return None;
    }
    let either = |name: &str| layer.string(name).or_else(|| layout.string(name));
    let Some(name) = either("repository") else { return Some(None) };
    let reference = either("ref").map(PathTemplate::parse).transpose().ok()?;
    Some(Some(RepositoryTemplate { name: name.to_owned(), reference }))
}

#[cfg(test)]
mod tests {
    use tf_provider::schema::Value;

    use super::*;

    fn config(layers: &[(&str, &str)]) -> Object {
        let layers = layers.iter().map(|(name, file)| Object::new().with("name", *name).with("file", *file));
        let layout = Object::new().with("name", "tenant").with("layer", Value::list(layers));
        Object::new().with("layout", Value::list([layout]))
    }

    #[test]
    fn templates_and_names_are_checked() {
        let check = |layers: &[(&str, &str)], expected: &[&str]| {
            let mut found = Diagnostics::new();
            validate(&config(layers), &mut found);
            let found: Vec<&str> = found.iter().map(|one| one.summary.as_str()).collect();
            assert_eq!(found.len(), expected.len(), "{found:?}");
            assert!(found.iter().zip(expected).all(|(found, part)| found.contains(part)), "{found:?}");
        };
        check(&[("global", "values/{service}.yaml"), ("env", "{environment}/x.yaml")], &[]);
        check(&[("global", "values/{service.yaml")], &["is not closed"]);
        check(&[("global", "../x.yaml")], &["inside the repository"]);
        check(&[("a", "x"), ("a", "y")], &["cannot be named \"a\""]);
        check(&[("chart", "x")], &["cannot be named \"chart\""]);
    }

    #[test]
    fn a_layer_is_in_the_layouts_repository_unless_it_says_another() {
        let repository = |name: &str| Object::new().with("name", name);
        let layer = |name: &str| Object::new().with("name", name).with("file", "x");
        let layers = [layer("global"), layer("own").with("repository", "other").with("ref", "{environment}")];
        let layout = Object::new().with("name", "tenant").with("repository", "clusters").with("ref", "v1");
        let config = Object::new()
            .with("repository", Value::list([repository("clusters"), repository("other")]))
            .with("layout", Value::list([layout.with("layer", Value::list(layers))]));
        let mut found = Diagnostics::new();
        validate(&config, &mut found);
        assert_eq!(found.iter().count(), 0);
        let shown: Vec<String> = read(&config)["tenant"]
            .layers
            .iter()
            .filter_map(|layer| layer.repository.as_ref())
            .map(|one| {
                format!("{} {}", one.name, one.reference.as_ref().map_or(String::new(), ToString::to_string))
            })
            .collect();
        assert_eq!(shown, ["clusters v1", "other {environment}"]);
    }

    #[test]
    fn a_layout_is_read_with_its_layers() {
        let layouts = read(&config(&[("global", "values/{service}.yaml")]));
        assert_eq!(layouts["tenant"].layers[0].file.to_string(), "values/{service}.yaml");
        assert!(!layouts["tenant"].layers[0].optional);
    }
}
