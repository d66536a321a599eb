//! The one place that turns a room's error into what Terraform shows.

use std::error::Error;

use tf_provider::schema::Diagnostic;

use crate::layers::layer::LayerError;
use crate::source::SourceError;
use crate::source::sops::SopsError;

/// Terraform asked for work before it gave the configuration.
pub(crate) fn not_configured() -> Diagnostic {
    Diagnostic::error("the provider is not configured yet")
        .detail("A value that the provider block depends on is not known yet.")
        .hint("run `terraform apply -target` for what the provider block depends on, then plan again")
}

/// A failed read of a chart, layer or repository.
pub(crate) fn of_source(error: &SourceError) -> Diagnostic {
    let diagnostic = Diagnostic::error(error.to_string()).detail(causes(error));
    match error.hint() {
        Some(hint) => diagnostic.hint(hint),
        None => diagnostic,
    }
}

/// A layer's file that cannot be read.
pub(crate) fn of_layer(layer: &str, path: &str, error: &SourceError) -> Diagnostic {
    let diagnostic =
        Diagnostic::error(format!("layer {layer:?} cannot be read: {path}")).detail(error.to_string());
    match error {
        SourceError::Absent { .. } => {
            diagnostic.hint("check the path, or say `optional = true` if the file may be absent")
        }
        _ => match error.hint() {
            Some(hint) => diagnostic.hint(hint),
            None => diagnostic,
        },
    }
}

/// A layer's repository that cannot be opened.
pub(crate) fn of_repository(layer: &str, repository: &str, error: &SourceError) -> Diagnostic {
    let causes = Some(causes(error)).filter(|causes| !causes.is_empty());
    let detail = [Some(error.to_string()), causes].into_iter().flatten().collect::<Vec<_>>().join(": ");
    let diagnostic = Diagnostic::error(format!(
        "layer {layer:?} cannot be read: repository {repository:?} cannot be opened"
    ))
    .detail(detail);
    match error {
        SourceError::NoReference { .. } => diagnostic.hint(
            "correct `ref`, or push the branch; `work_tree` of the repository reads what is not pushed yet",
        ),
        _ => match error.hint() {
            Some(hint) => diagnostic.hint(hint),
            None => diagnostic,
        },
    }
}

/// A layer whose text is no values.
pub(crate) fn of_values(layer: &str, error: &LayerError) -> Diagnostic {
    Diagnostic::error(format!("layer {layer:?} holds no values"))
        .detail(error.to_string())
        .hint("values are a YAML map, `key: value`")
}

/// A layer that must not be seen and whose text is no values: neither the text nor the reader's words for it are shown.
pub(crate) fn of_secret_values(layer: &str, error: &LayerError) -> Diagnostic {
    let what = match error {
        LayerError::NotAMap { found, .. } => format!("{}: this is {found}", error.place()),
        LayerError::NotYaml { .. } => format!("{}: this is no YAML", error.place()),
        LayerError::TooDeep { .. } | LayerError::Hidden { .. } => error.to_string(),
    };
    Diagnostic::error(format!("layer {layer:?} holds no values"))
        .detail(format!("{what}. The text is not shown, since the layer is sensitive."))
        .hint("values are a YAML map, `key: value`")
}

/// A layer whose template does not render.
pub(crate) fn of_template(layer: &str, error: &LayerError) -> Diagnostic {
    Diagnostic::error(format!("layer {layer:?} cannot be rendered"))
        .detail(error.to_string())
        .hint("`.Values` holds the layers below it; `dig` and `get` read what may be missing, `hasKey` asks whether it is there")
}

/// A layer that cannot be decrypted.
pub(crate) fn of_sops(layer: &str, error: &SopsError) -> Diagnostic {
    Diagnostic::error(format!("layer {layer:?} cannot be decrypted"))
        .detail(error.to_string())
        .hint(error.hint())
}

/// Joins the causes behind an error, outermost first, without the error itself.
pub(crate) fn causes(error: &(dyn Error + 'static)) -> String {
    let mut chain = Vec::new();
    let mut next = error.source();
    while let Some(cause) = next {
        chain.push(cause.to_string());
        next = cause.source();
    }
    chain.join(": ")
}
