//! A `moved` block from `flux_bootstrap_git` to an agent: its files are in the folder already and become the agent's.

use std::sync::Arc;

use tf_provider::schema::{Diagnostics, MoveRequest, Object};

use super::super::super::{Shared, patches};
use super::super::objects::description::Keep;
use super::super::objects::moved;
use super::super::objects::predecessor::Predecessor;
use super::private::Private;
use super::{attributes, import};
use crate::flux::options::Options;

/// Gives the state of an agent that comes from the provider for Flux; none where it comes from elsewhere.
///
/// # Errors
/// When the state is not what that provider writes.
pub(super) fn state(request: &MoveRequest) -> Result<Option<(Object, Private)>, Diagnostics> {
    if request.source_type != "flux_bootstrap_git" {
        return Ok(None);
    }
    let source = moved::state(request)?;
    let text = |name: &str| source[name].as_str().filter(|text| !text.is_empty());
    let Some(version) = text("version") else {
        return Err(moved::unreadable(request, "it has no version").into());
    };
    let namespace = text("namespace").map_or_else(|| Options::default().namespace, str::to_owned);
    let state = Object::new()
        .with("kind", "flux")
        .with("namespace", namespace)
        .with("version", version.trim_start_matches('v'))
        .with("status", "moved");
    let path = text("path").unwrap_or(".").to_owned();
    let mut keep = Private { predecessor: Some(Predecessor::Bootstrap { path }), ..Private::default() };
    keep.draw()?;
    Ok(Some((state, keep)))
}

/// Shows what is in the folder, in whichever of the provider's repositories it is.
pub(super) async fn look_back(shared: &Arc<Shared>, state: Object, predecessor: &Predecessor) -> Object {
    let Predecessor::Bootstrap { path } = predecessor else { return state };
    let Ok(configuration) = shared.configuration() else { return state };
    let names: Vec<String> = configuration.repository_names().map(str::to_owned).collect();
    for repository in names {
        // What cannot be read is looked at again by the plan, which tells it.
        let namespace = state.string("namespace").unwrap_or_default();
        if let Ok((arguments, found)) = import::find(shared, &repository, path, namespace).await {
            let patched = state.with("patch", patches::to_blocks(&found.patches));
            return attributes::with_found(patched, &arguments, &found);
        }
    }
    state
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value as Json, json};
    use tf_provider::schema::{Context, RawState};

    fn moved_from(source_type: &str, source: &Json) -> Result<Option<(Object, Private)>, Diagnostics> {
        state(&MoveRequest {
            source_provider: "registry.terraform.io/fluxcd/flux".into(),
            source_type: source_type.into(),
            source_version: 1,
            source_state: RawState::from_json(source.to_string()),
            source_private: Vec::new(),
            source_identity: None,
            source_identity_version: 0,
            context: Context::default(),
        })
    }

    #[test]
    fn an_agent_comes_from_the_provider_for_flux_and_from_nobody_else() {
        let source = json!({"path": "clusters/one", "namespace": "flux-system", "version": "v2.9.4", "repository_files": {"a": "hunter2"}});
        let (state, keep) =
            moved_from("flux_bootstrap_git", &source).expect("it can be").expect("it is known");
        assert_eq!(state.string("version"), Some("2.9.4"));
        assert_eq!(keep.predecessor, Some(Predecessor::Bootstrap { path: "clusters/one".into() }));
        assert!(!format!("{state:?}").contains("hunter2"));
        assert!(moved_from("helm_release", &source).expect("nothing is wrong").is_none());
        let told = moved_from("flux_bootstrap_git", &json!({})).expect_err("it has no version").to_string();
        assert!(told.contains("it has no version"), "{told}");
    }
}
