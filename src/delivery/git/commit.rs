//! Builds a commit from changes with plumbing: no checkout, no blob of others fetched.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use super::edit::{Change, Changes, Edit, Prepared};
use super::target::Target;
use crate::source::SourceError;
use crate::source::git::{BareClone, ObjectId, Session};

const NULL_ID: &str = "0000000000000000000000000000000000000000";

/// Puts the contents of all edits into the clone as blobs, with one git process.
pub(super) async fn prepare<'a>(
    session: &Session,
    clone: &BareClone,
    edits: &'a [Edit],
) -> Result<Vec<Prepared<'a>>, SourceError> {
    let folder = session.private_folder().join("contents");
    let mut paths = String::new();
    let mut writes = Vec::new();
    std::fs::create_dir_all(&folder).map_err(|error| SourceError::io("creating", &folder, error))?;
    for (index, edit) in edits.iter().enumerate() {
        for (path, change) in &edit.changes {
            let Change::Write { content, .. } = change else { continue };
            let file = folder.join(writes.len().to_string());
            tokio::fs::write(&file, content)
                .await
                .map_err(|error| SourceError::io("writing", &file, error))?;
            // A file name of ours below a temporary folder: writing to a string cannot fail.
            let _ = writeln!(paths, "{}", file.display());
            writes.push((index, path));
        }
    }
    let mut blobs: Vec<BTreeMap<_, _>> = edits.iter().map(|_| BTreeMap::new()).collect();
    let ids = if writes.is_empty() { Vec::new() } else { hash(session, clone, paths, writes.len()).await? };
    for ((index, path), id) in writes.into_iter().zip(ids) {
        blobs[index].insert(path, id);
    }
    Ok(edits.iter().zip(blobs).map(|(edit, blobs)| Prepared { edit, blobs }).collect())
}

async fn hash(
    session: &Session,
    clone: &BareClone,
    paths: String,
    expected: usize,
) -> Result<Vec<ObjectId>, SourceError> {
    let action = format!("storing {expected} files for `{}`", session.remote());
    let run = session.invocation(clone.directory(), &action);
    let answer = run.args(["hash-object", "-w", "--no-filters", "--stdin-paths"]).input(paths).run().await?;
    let ids: Vec<_> = answer.text().lines().filter_map(ObjectId::parse).collect();
    if ids.len() == expected {
        return Ok(ids);
    }
    Err(SourceError::Git { action, message: format!("git stored {} files", ids.len()) })
}

/// Makes a commit on top of `tip` (or the first one) with the changes.
pub(super) async fn build(
    session: &Session,
    clone: &BareClone,
    target: &Target,
    tip: Option<&ObjectId>,
    changes: &Changes,
    message: &str,
) -> Result<ObjectId, SourceError> {
    let action = format!("building a commit for {target}");
    let index = session.private_folder().join("index");
    let _ = std::fs::remove_file(&index);
    let run = || session.invocation(clone.directory(), &action).variable("GIT_INDEX_FILE", &index);
    if let Some(tip) = tip {
        run().args(["read-tree", tip.as_str()]).run().await?;
    }
    run().args(["update-index", "-z", "--index-info"]).input(index_lines(changes)).run().await?;
    let tree = run().args(["write-tree", "--missing-ok"]).run().await?.text();
    let mut commit = run().args(["commit-tree", &tree]).input(message);
    if let Some(tip) = tip {
        commit = commit.args(["-p", tip.as_str()]);
    }
    for role in ["AUTHOR", "COMMITTER"] {
        commit = commit.variable(format!("GIT_{role}_NAME"), &target.author().name);
        commit = commit.variable(format!("GIT_{role}_EMAIL"), &target.author().email);
    }
    let answer = commit.run().await?.text();
    let unexpected =
        || SourceError::Git { action: action.clone(), message: format!("git answered `{answer}`") };
    ObjectId::parse(&answer).ok_or_else(unexpected)
}

fn index_lines(changes: &Changes) -> Vec<u8> {
    let line = |(path, blob): (&_, &Option<ObjectId>)| match blob {
        Some(id) => format!("100644 {id}\t{path}\0"),
        None => format!("0 {NULL_ID}\t{path}\0"),
    };
    changes.iter().map(line).collect::<String>().into_bytes()
}
