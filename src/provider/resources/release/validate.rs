//! What is wrong with a `strata_release` block beyond what its schema says.

use tf_provider::schema::{Diagnostic, Diagnostics, Object, Path, Value};

use super::super::super::patches;
use super::super::objects::{places, timeouts};
use super::arguments::SENSITIVE_VALUES;
use super::{formats, hcl};

/// Checks what the schema cannot say; unknown values may stand anywhere.
pub(super) fn validate(config: &Object) -> Diagnostics {
    let mut found = Diagnostics::new();
    validate_chart(config, &mut found);
    validate_layers(config, &mut found);
    validate_sensitive_values(config, &mut found);
    if config.is_null("layout") && !config.is_null("captures") {
        found.push(
            Diagnostic::error("captures stand for parts of a layout's paths")
                .hint("name the `layout` too, or leave them out")
                .at("captures"),
        );
    }
    patches::validate(config, &mut found);
    formats::validate(config, &mut found);
    timeouts::validate(config, &mut found);
    validate_delivery(config, &mut found);
    found
}

fn validate_delivery(config: &Object, found: &mut Diagnostics) {
    let to_cluster = config.block("delivery").is_some_and(|delivery| !delivery.is_null("cluster"));
    if config.string("hooks") == Some("run") && !to_cluster && !config.is_unknown("delivery") {
        found.push(
            Diagnostic::error("hooks run only where the release goes straight to its cluster")
                .hint("say `delivery { cluster {} }`, or `hooks = \"include\"` to deliver them as ordinary objects")
                .at("hooks"),
        );
    }
    let both = Diagnostic::error("the objects go to git and straight to the cluster")
        .detail("Two writers of one object undo each other's work.")
        .hint("keep one of the two blocks");
    places::validate(config, "render", both, found);
}

fn validate_chart(config: &Object, found: &mut Diagnostics) {
    let Some(chart) = config.block("chart") else { return };
    let given = |name: &str| !chart.is_null(name);
    validate_verify(chart, found);
    if given("git") {
        if ["path", "repository", "name", "version"].into_iter().any(given) {
            found.push(
                Diagnostic::error("chart has a git block and another place too")
                    .hint("keep the one that the chart shall come from; repository and path go into the git block")
                    .at("chart"),
            );
        }
        return;
    }
    let wrong = match (given("path"), given("repository")) {
        (true, true) => {
            Some(("chart has both a path and a repository", "keep the one that the chart shall come from"))
        }
        (false, false) => Some((
            "chart says not where it is",
            "give it a `path`, a `repository` and a `name`, or a `git` block",
        )),
        (false, true) if !given("name") => {
            Some(("chart has a repository but no name", "add `name`, the chart's name in the repository"))
        }
        (true, false) if given("name") || given("version") => Some((
            "chart has a path and a name or version",
            "a chart at a path has its name and version in its Chart.yaml; leave them out",
        )),
        _ => None,
    };
    if let Some((summary, hint)) = wrong {
        found.push(Diagnostic::error(summary).hint(hint).at("chart"));
    }
}

fn validate_sensitive_values(config: &Object, found: &mut Diagnostics) {
    let values = config.get(SENSITIVE_VALUES);
    if values.is_null() {
        if !config.is_null("sensitive_values_version") {
            found.push(
                Diagnostic::error("sensitive_values_version has no values to count")
                    .hint("give the `sensitive_values` too, or leave it out")
                    .at("sensitive_values_version"),
            );
        }
    } else if !values.is_unknown() && values.as_str().is_none() && !hcl::is_object(values) {
        found.push(
            Diagnostic::error(format!("sensitive_values are {}", kind_of(values)))
                .hint("they are an object, `{ key = value }`, or YAML text")
                .at(SENSITIVE_VALUES),
        );
    }
}

fn validate_verify(chart: &Object, found: &mut Diagnostics) {
    let Some(verify) = chart.block("verify") else { return };
    let at = || Path::from("chart").attribute("verify");
    let given = |name: &str| !verify.is_null(name);
    let wrong = if !["keyring", "keyring_file", "cosign_key"].into_iter().any(given) {
        Some(("the verify block names no key", "give it a `keyring`, a `keyring_file` or a `cosign_key`"))
    } else if given("keyring") && given("keyring_file") {
        Some(("verify has a keyring and a keyring_file", "keep one of them"))
    } else if !chart.is_null("git") {
        Some((
            "a chart in git cannot be verified",
            "nobody signs a folder: take the packed chart from a repository, or pin a commit with `ref`",
        ))
    } else if given("cosign_key") && chart.string("repository").is_some_and(|one| !one.starts_with("oci://"))
    {
        Some(("cosign signs charts in registries only", "use a `keyring` for a classic repository"))
    } else {
        None
    };
    if let Some((summary, hint)) = wrong {
        found.push(Diagnostic::error(summary).hint(hint).at(at()));
    }
}

fn validate_layers(config: &Object, found: &mut Diagnostics) {
    let mut names: Vec<&str> = Vec::new();
    for (index, layer) in config.blocks("layer").into_iter().enumerate() {
        let at = || Path::from("layer").index(index);
        let (no_file, no_values) = (layer.is_null("file"), layer.is_null("values"));
        let name = layer.string("name").unwrap_or_default();
        if no_file && no_values {
            found.push(
                Diagnostic::error(format!("layer {name:?} has no values"))
                    .hint("give it a `file`, or `values = { … }`")
                    .at(at()),
            );
        } else if !no_file && !no_values {
            found.push(
                Diagnostic::error(format!("layer {name:?} has both a file and values"))
                    .hint("make two layers of it, in the order in which they shall win")
                    .at(at().attribute("values")),
            );
        }
        if let Some(diagnostic) = wrong_values(layer, name) {
            found.push(diagnostic.at(at().attribute("values")));
        }
        let (no_repository, no_reference) = (layer.is_null("repository"), layer.is_null("ref"));
        if no_file && !no_values && !(no_repository && no_reference) {
            found.push(
                Diagnostic::error(format!("layer {name:?} has values and a repository"))
                    .hint("a repository holds files: give it a `file`, or leave `repository` and `ref` out")
                    .at(at().attribute(if no_repository { "ref" } else { "repository" })),
            );
        } else if no_repository && !no_reference {
            found.push(
                Diagnostic::error(format!("layer {name:?} has a ref but no repository"))
                    .hint("add `repository`, the name of a repository block of the provider")
                    .at(at().attribute("ref")),
            );
        }
        if names.contains(&name) && !layer.is_unknown("name") {
            found.push(
                Diagnostic::error(format!("two layers are named {name:?}"))
                    .hint("the plan shows a layer's name beside every value it decides, so names must be unique")
                    .at(at().attribute("name")),
            );
        }
        let taken =
            [("chart", "the chart's own defaults"), (SENSITIVE_VALUES, "the attribute above all layers")];
        if let Some((_, what)) = taken.iter().find(|(taken, _)| *taken == name) {
            found.push(
                Diagnostic::error(format!("a layer cannot be named {name:?}"))
                    .hint(format!("that is the name of {what}"))
                    .at(at().attribute("name")),
            );
        }
        names.push(name);
    }
}

/// Tells what is wrong with values given in place; what is unknown may become anything.
fn wrong_values(layer: &Object, name: &str) -> Option<Diagnostic> {
    let values = layer.get("values");
    if values.is_null() {
        return None;
    }
    if !values.is_unknown() && values.as_str().is_none() && !hcl::is_object(values) {
        return Some(
            Diagnostic::error(format!("the values of layer {name:?} are {}", kind_of(values)))
                .hint("values are an object, `{ key = value }`, or YAML text"),
        );
    }
    (layer.bool("sensitive") == Some(true)).then(|| {
        Diagnostic::warning(format!("the values of layer {name:?} are in Terraform's state"))
            .detail("What depends on them shows as a revision, but Terraform keeps every argument as it is written.")
            .hint("`sensitive_values` is never kept; or keep them in a file of their own")
    })
}

fn kind_of(value: &Value) -> &'static str {
    match value.undressed() {
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::List(_) | Value::Set(_) | Value::Tuple(_) => "a list",
        _ => "no object",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn layers_say_what_is_wrong_with_them() {
        let layer = |name: &str| Object::new().with("name", name);
        let check = |layers: Vec<Object>, expected: &[&str]| {
            let config = Object::new().with("layer", Value::list(layers));
            let found: Vec<String> = validate(&config).iter().map(|one| one.summary.clone()).collect();
            assert_eq!(found, expected);
        };
        check(vec![layer("a").with("file", "x.yaml"), layer("b").with("values", "a: 1")], &[]);
        check(vec![layer("a")], &["layer \"a\" has no values"]);
        check(vec![layer("a").with("values", Value::unknown())], &[]);
        check(
            vec![layer("a").with("file", "x").with("values", "y")],
            &["layer \"a\" has both a file and values"],
        );
        check(
            vec![layer("a").with("file", "x"), layer("a").with("file", "y")],
            &["two layers are named \"a\""],
        );
        check(vec![layer("a").with("file", "x").with("repository", "r").with("ref", "v1")], &[]);
        check(
            vec![
                layer("a").with("file", "x").with("ref", "v1"),
                layer("b").with("values", "").with("ref", "v1"),
            ],
            &["layer \"a\" has a ref but no repository", "layer \"b\" has values and a repository"],
        );
        check(vec![layer("chart").with("file", "x")], &["a layer cannot be named \"chart\""]);
    }

    #[test]
    fn a_chart_comes_from_one_place() {
        let check = |chart: Object, expected: &[&str]| {
            let found: Vec<String> =
                validate(&Object::new().with("chart", chart)).iter().map(|one| one.summary.clone()).collect();
            assert_eq!(found, expected);
        };
        let chart = Object::new;
        check(chart().with("path", "x"), &[]);
        check(chart().with("repository", "oci://a/b").with("name", "x"), &[]);
        check(chart().with("repository", Value::unknown()).with("name", Value::unknown()), &[]);
        check(chart(), &["chart says not where it is"]);
        check(chart().with("repository", "https://a"), &["chart has a repository but no name"]);
        let git = || chart().with("repository", "apps").with("path", "web");
        check(chart().with("git", git()), &[]);
        check(chart().with("git", git()).with("path", "x"), &["chart has a git block and another place too"]);
        check(chart().with("path", "x").with("version", "1"), &["chart has a path and a name or version"]);
        let verify = || Object::new().with("cosign_key", "x");
        check(chart().with("path", "x").with("verify", Object::new()), &["the verify block names no key"]);
        check(chart().with("git", git()).with("verify", verify()), &["a chart in git cannot be verified"]);
        let classic = chart().with("repository", "https://a").with("name", "x");
        check(classic.with("verify", verify()), &["cosign signs charts in registries only"]);
        check(chart().with("path", "x").with("repository", "y"), &["chart has both a path and a repository"]);
    }
}
