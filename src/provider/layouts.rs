//! `layout` blocks of the provider: path templates that name the layers of many releases once.

use std::collections::BTreeMap;

use tf_provider::schema::{Attribute, Block, Diagnostic, Diagnostics, NestedBlock, Object, Path, Type};

use crate::layers::layout::{LayerTemplate, Layout, PathTemplate};

/// Describes a `layout` block.
pub(super) fn schema() -> Block {
    let layer = Block::new()
        .description("One layer of every release that uses the layout; later layers win.")
        .attribute("name", Attribute::required(Type::String).description("Name of the layer, shown beside every value it decides."))
        .attribute(
            "file",
            Attribute::required(Type::String).description(
                "Path of the YAML file with captures in braces, relative to `root`: `values/{service}/{environment}.yaml`. \
                 Known are `{service}` (the release's name), `{namespace}`, `{cluster}`, the cluster's labels, and the release's `captures`.",
            ),
        )
        .attribute("optional", Attribute::optional(Type::Bool).description("Whether a release may lack the file. Default: `false`."));
    Block::new()
        .description("Names the layers of many releases once: a release says `layout = NAME` instead of listing its files.")
        .attribute("name", Attribute::required(Type::String).description("Name that releases refer to."))
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
        })
    });
    Some(Layout { name: block.string("name")?.to_owned(), layers: layers.collect::<Option<_>>()? })
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
    fn a_layout_is_read_with_its_layers() {
        let layouts = read(&config(&[("global", "values/{service}.yaml")]));
        assert_eq!(layouts["tenant"].layers[0].file.to_string(), "values/{service}.yaml");
        assert!(!layouts["tenant"].layers[0].optional);
    }
}
