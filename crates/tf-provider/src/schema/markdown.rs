//! Reference pages in the registry's form, rendered from a schema so that they cannot drift from it.
//!
//! A page has front matter, the description, an example, the arguments by required, optional and read-only,
//! and a section for each nested block, as tfplugindocs writes them.

use std::fmt::Write as _;

use super::{Attribute, Block, NestedBlock, Nesting, Parameter, Presence, Schema, Signature};

/// Says what a page describes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PageKind {
    /// The provider itself.
    Provider,
    /// A resource.
    Resource,
    /// A data source.
    DataSource,
    /// An ephemeral resource.
    EphemeralResource,
    /// A list resource.
    ListResource,
    /// An action.
    Action,
}

impl PageKind {
    fn label(self) -> &'static str {
        match self {
            Self::Provider => "Provider",
            Self::Resource => "Resource",
            Self::DataSource => "Data Source",
            Self::EphemeralResource => "Ephemeral Resource",
            Self::ListResource => "List Resource",
            Self::Action => "Action",
        }
    }
}

/// Renders the reference page of a schema; `example` is HCL and may be empty, as may `import`, a shell command.
pub fn schema_page(kind: PageKind, name: &str, schema: &Schema, example: &str, import: &str) -> String {
    let mut page = front_matter(name, kind.label(), &schema.block.description);
    write_deprecation(&mut page, schema.block.deprecation.as_deref());
    write_code(&mut page, "## Example Usage", "terraform", example);
    page.push_str("\n## Schema\n");
    let mut nested = Vec::new();
    write_block(&mut page, &schema.block, "", &mut nested);
    while !nested.is_empty() {
        let (anchor, block) = nested.remove(0);
        let mut inner = Vec::new();
        write_nested(&mut page, &anchor, block, &mut inner);
        // Depth first, so that a block's own blocks follow it.
        nested.splice(0..0, inner);
    }
    write_code(&mut page, "## Import", "shell", import);
    page
}

/// Renders the reference page of a function; `example` is HCL and may be empty.
pub fn function_page(name: &str, signature: &Signature, example: &str) -> String {
    let description =
        if signature.description.is_empty() { &signature.summary } else { &signature.description };
    let mut page = front_matter(name, "function", description);
    write_deprecation(&mut page, signature.deprecation.as_deref());
    write_code(&mut page, "## Example Usage", "terraform", example);
    let parameters = signature.parameters.iter().map(|one| format!("{} {}", one.name, one.ty));
    let variadic = signature.variadic.iter().map(|one| format!("{} {}...", one.name, one.ty));
    let parameters: Vec<String> = parameters.chain(variadic).collect();
    let _ = write!(
        page,
        "\n## Signature\n\n```text\n{name}({}) {}\n```\n",
        parameters.join(", "),
        signature.returns
    );
    if !parameters.is_empty() {
        page.push_str("\n## Arguments\n\n");
    }
    for (position, parameter) in signature.parameters.iter().chain(&signature.variadic).enumerate() {
        write_parameter(&mut page, position + 1, parameter, position >= signature.parameters.len());
    }
    page
}

fn write_parameter(page: &mut String, position: usize, parameter: &Parameter, is_variadic: bool) {
    let variadic = if is_variadic { "Variadic, " } else { "" };
    let nullable = if parameter.allows_null { ", Nullable" } else { "" };
    let Parameter { name, ty, description, .. } = parameter;
    let line =
        format!("{position}. `{name}` ({variadic}{}{nullable}) {}", type_label(ty), one_line(description));
    let _ = writeln!(page, "{}", line.trim_end());
}

fn front_matter(name: &str, label: &str, description: &str) -> String {
    let first = description.split("\n\n").next().unwrap_or_default();
    let indented: Vec<String> = first.lines().map(|line| format!("  {}", line.trim())).collect();
    let title = format!("{name} ({label})");
    format!(
        "---\npage_title: \"{title}\"\nsubcategory: \"\"\ndescription: |-\n{}\n---\n\n# {title}\n\n{}\n",
        indented.join("\n"),
        description.trim()
    )
}

fn write_deprecation(page: &mut String, deprecation: Option<&str>) {
    if let Some(message) = deprecation {
        let _ = write!(page, "\n~> **Deprecated** {message}\n");
    }
}

fn write_code(page: &mut String, heading: &str, language: &str, code: &str) {
    if !code.trim().is_empty() {
        let _ = write!(page, "\n{heading}\n\n```{language}\n{}\n```\n", code.trim());
    }
}

type Nested<'a> = Vec<(String, &'a NestedBlock)>;

fn write_nested<'a>(page: &mut String, anchor: &str, nested: &'a NestedBlock, inner: &mut Nested<'a>) {
    let path = anchor.replace("--", ".");
    let _ = write!(page, "\n<a id=\"nestedblock--{anchor}\"></a>\n### Nested Schema for `{path}`\n");
    if !nested.block.description.is_empty() {
        let _ = write!(page, "\n{}\n", nested.block.description.trim());
    }
    write_block(page, &nested.block, anchor, inner);
}

fn write_block<'a>(page: &mut String, block: &'a Block, anchor: &str, nested: &mut Nested<'a>) {
    write_group(
        page,
        block,
        "Required",
        anchor,
        |attribute| attribute.presence == Presence::Required,
        |b| b.min > 0,
    );
    write_group(page, block, "Optional", anchor, Attribute::is_optional, |nested| nested.min == 0);
    write_group(
        page,
        block,
        "Read-Only",
        anchor,
        |attribute| attribute.presence == Presence::Computed,
        |_| false,
    );
    nested.extend(block.blocks.iter().map(|(name, nested)| (anchor_of(anchor, name), nested)));
}

fn write_group(
    page: &mut String,
    block: &Block,
    heading: &str,
    anchor: &str,
    takes_attribute: impl Fn(&Attribute) -> bool,
    takes_block: impl Fn(&NestedBlock) -> bool,
) {
    let attributes = block.attributes.iter().filter(|(_, attribute)| takes_attribute(attribute));
    let blocks = block.blocks.iter().filter(|(_, nested)| takes_block(nested));
    let lines: Vec<String> = attributes
        .map(|(name, attribute)| attribute_line(name, attribute))
        .chain(blocks.map(|(name, nested)| block_line(name, nested, &anchor_of(anchor, name))))
        .collect();
    if !lines.is_empty() {
        let heading = if anchor.is_empty() { format!("### {heading}") } else { format!("{heading}:") };
        let _ = write!(page, "\n{heading}\n\n{}\n", lines.join("\n"));
    }
}

fn attribute_line(name: &str, attribute: &Attribute) -> String {
    let mut traits = vec![type_label(&attribute.ty)];
    traits.extend(attribute.sensitive.then(|| "Sensitive".to_owned()));
    traits.extend(attribute.write_only.then(|| "Write-only".to_owned()));
    traits.extend(attribute.deprecation.is_some().then(|| "Deprecated".to_owned()));
    let allowed: Vec<String> = attribute.allowed.iter().map(|one| format!("`{one}`")).collect();
    let default = attribute.default.as_ref().and_then(default_label);
    let mut line = vec![format!("- `{name}` ({})", traits.join(", "))];
    line.extend(Some(one_line(&attribute.description)).filter(|text| !text.is_empty()));
    line.extend((!allowed.is_empty()).then(|| format!("One of {}.", allowed.join(", "))));
    line.extend(default.map(|default| format!("Default: `{default}`.")));
    line.extend(attribute.requires_replace.then(|| "Another value replaces the resource.".to_owned()));
    line.extend(attribute.deprecation.as_ref().map(|message| format!("Deprecated: {message}")));
    line.join(" ")
}

fn default_label(value: &super::Value) -> Option<String> {
    value
        .as_str()
        .map(|text| format!("{text:?}"))
        .or_else(|| value.as_bool().map(|truth| truth.to_string()))
        .or_else(|| value.as_number().map(ToString::to_string))
}

fn block_line(name: &str, nested: &NestedBlock, anchor: &str) -> String {
    let label = match nested.nesting {
        Nesting::Single | Nesting::Group => "Block".to_owned(),
        Nesting::List => format!("Block List{}", limits(nested)),
        Nesting::Set => format!("Block Set{}", limits(nested)),
        Nesting::Map => "Block Map".to_owned(),
    };
    let description = one_line(&nested.block.description);
    let first = description.split_once(". ").map_or(description.clone(), |(first, _)| format!("{first}."));
    let space = if first.is_empty() { "" } else { " " };
    format!("- `{name}` ({label}) {first}{space}(see [below for nested schema](#nestedblock--{anchor}))")
}

fn limits(nested: &NestedBlock) -> String {
    let min = if nested.min > 0 { format!(", Min: {}", nested.min) } else { String::new() };
    let max = if nested.max > 0 { format!(", Max: {}", nested.max) } else { String::new() };
    min + &max
}

fn type_label(ty: &super::Type) -> String {
    use super::Type;
    match ty {
        Type::String => "String".to_owned(),
        Type::Number => "Number".to_owned(),
        Type::Bool => "Boolean".to_owned(),
        Type::Dynamic => "Dynamic".to_owned(),
        Type::List(element) => format!("List of {}", type_label(element)),
        Type::Set(element) => format!("Set of {}", type_label(element)),
        Type::Map(element) => format!("Map of {}", type_label(element)),
        Type::Tuple(_) => "Tuple".to_owned(),
        Type::Object(_) => format!("Object: `{ty}`"),
    }
}

fn anchor_of(parent: &str, name: &str) -> String {
    if parent.is_empty() { name.to_owned() } else { format!("{parent}--{name}") }
}

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::schema::Type;

    #[test]
    fn a_page_lists_arguments_by_use_and_blocks_in_depth() {
        let inner = Block::new().attribute("file", Attribute::optional(Type::String).description("A path."));
        let layer = Block::new()
            .description("One source of values. The last one wins.")
            .attribute("name", Attribute::required(Type::String))
            .block("from", NestedBlock::single(inner));
        let schema = Schema::new()
            .description("Rolls out a chart.\n\nMore about it.")
            .attribute("name", Attribute::required(Type::String).requires_replace().description("Its\nname."))
            .attribute("mode", Attribute::optional(Type::String).one_of(["a", "b"]).default_value("a"))
            .attribute(
                "token",
                Attribute::optional(Type::String).sensitive().write_only().deprecated("use mode."),
            )
            .attribute("objects", Attribute::computed(Type::map(Type::list(Type::Number))))
            .block("layer", NestedBlock::list(layer).min(1));
        insta::assert_snapshot!(
            schema_page(PageKind::Resource, "x_release", &schema, "resource \"x_release\" \"a\" {}\n", "terraform import x_release.a ID"),
            @r##"
        ---
        page_title: "x_release (Resource)"
        subcategory: ""
        description: |-
          Rolls out a chart.
        ---

        # x_release (Resource)

        Rolls out a chart.

        More about it.

        ## Example Usage

        ```terraform
        resource "x_release" "a" {}
        ```

        ## Schema

        ### Required

        - `name` (String) Its name. Another value replaces the resource.
        - `layer` (Block List, Min: 1) One source of values. (see [below for nested schema](#nestedblock--layer))

        ### Optional

        - `mode` (String) One of `a`, `b`. Default: `"a"`.
        - `token` (String, Sensitive, Write-only, Deprecated) Deprecated: use mode.

        ### Read-Only

        - `objects` (Map of List of Number)

        <a id="nestedblock--layer"></a>
        ### Nested Schema for `layer`

        One source of values. The last one wins.

        Required:

        - `name` (String)

        Optional:

        - `from` (Block) (see [below for nested schema](#nestedblock--layer--from))

        <a id="nestedblock--layer--from"></a>
        ### Nested Schema for `layer.from`

        Optional:

        - `file` (String) A path.

        ## Import

        ```shell
        terraform import x_release.a ID
        ```
        "##
        );
    }

    #[test]
    fn a_function_page_shows_its_signature() {
        let signature = Signature::returning(Type::String)
            .parameter(Parameter::new("values", Type::Dynamic).description("What to merge.").allow_null())
            .variadic(Parameter::new("more", Type::list(Type::String)))
            .summary("Merges values.");
        insta::assert_snapshot!(function_page("merge", &signature, ""), @r##"
        ---
        page_title: "merge (function)"
        subcategory: ""
        description: |-
          Merges values.
        ---

        # merge (function)

        Merges values.

        ## Signature

        ```text
        merge(values any, more list(string)...) string
        ```

        ## Arguments

        1. `values` (Dynamic, Nullable) What to merge.
        2. `more` (Variadic, List of String)
        "##);
    }
}
