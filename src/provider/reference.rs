//! The reference pages, which follow from the schemas. With `STRATA_RECORD=1` in the environment they are written anew.

use std::path::{Path, PathBuf};

use tf_provider::schema::{PageKind, Provider, function_page, schema_page};

use super::Strata;

fn project(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

fn example(path: &str) -> String {
    std::fs::read_to_string(project(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

fn check(page: &str, expected: &str) {
    let path = project(page);
    if std::env::var_os("STRATA_RECORD").is_some() {
        std::fs::create_dir_all(path.parent().expect("a page has a folder")).expect("the folder can be made");
        std::fs::write(&path, expected).expect("the page can be written");
    }
    let actual = std::fs::read_to_string(&path).unwrap_or_default();
    assert_eq!(actual, expected, "{page} is out of date; STRATA_RECORD=1 rewrites it");
}

#[test]
fn the_providers_page_follows_its_schema() {
    let page = schema_page(
        PageKind::Provider,
        "strata",
        &Strata::default().schema(),
        &example("examples/provider/provider.tf"),
        "",
    );
    check("docs/index.md", &page);
}

#[test]
fn every_resource_has_a_page_and_examples() {
    for resource in Strata::default().resources() {
        let name = resource.type_name().to_owned();
        let example = |file: &str| example(&format!("examples/resources/{name}/{file}"));
        let page = schema_page(
            PageKind::Resource,
            &name,
            &resource.schema(),
            &example("resource.tf"),
            &example("import.sh"),
        );
        check(&format!("docs/resources/{}.md", name.trim_start_matches("strata_")), &page);
    }
}

#[test]
fn every_data_source_has_a_page_and_an_example() {
    for source in Strata::default().data_sources() {
        let name = source.type_name().to_owned();
        let example = example(&format!("examples/data-sources/{name}/data-source.tf"));
        let page = schema_page(PageKind::DataSource, &name, &source.schema(), &example, "");
        check(&format!("docs/data-sources/{}.md", name.trim_start_matches("strata_")), &page);
    }
}

#[test]
fn every_function_has_a_page_and_an_example() {
    for function in Strata::default().functions() {
        let name = function.name().to_owned();
        let page = function_page(
            &name,
            &function.signature(),
            &example(&format!("examples/functions/{name}/function.tf")),
        );
        check(&format!("docs/functions/{name}.md"), &page);
    }
}
