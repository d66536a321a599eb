//! Charts in a git repository: a folder of a commit.
//!
//! The digest covers the chart's own files, so that commits elsewhere in the repository change nothing.

use std::time::Duration;

use super::super::git::{CommitTree, ObjectId};
use super::super::repositories::block_on;
use super::super::{RelativePath, SourceError};
use super::cache::Fetched;
use super::dependencies::{self, Home};
use super::{Charts, Files};

/// Fetches the files of a chart, its dependencies among them.
///
/// # Errors
/// When the repository cannot be read, or has no such reference or folder.
pub(super) fn fetch(
    charts: &Charts,
    repository: &str,
    reference: &str,
    path: &str,
) -> Result<Files, SourceError> {
    let (remote, reference) = charts.repositories.remote(repository, reference)?;
    let folder = folder(path)?;
    let shown = folder.as_ref().map_or("", RelativePath::as_str);
    let key = format!("{}#{reference}:{shown}", remote.url());
    // A commit is what it is; a branch may have moved.
    let longest_age = if is_commit(&reference) { Duration::MAX } else { Duration::ZERO };
    let content = charts.cache.answer(&key, longest_age, |_| {
        let tree = block_on(charts.repositories.commit(remote, &reference))??;
        let home = Home::Commit { tree, path: shown.to_owned() };
        let files = dependencies::complete(charts, home.files()?, &home, 0)?;
        Ok(Fetched::New { content: pack(&files), tag: None })
    })?;
    unpack(&content).ok_or_else(|| SourceError::Refused {
        url: key,
        message: "the cache holds something else".to_owned(),
    })
}

/// Reads all files below a folder of a commit.
pub(super) fn read(tree: &CommitTree, path: &str) -> Result<Files, SourceError> {
    let folder = folder(path)?;
    block_on(tree.read_all(folder.as_ref()))?
}

fn is_commit(text: &str) -> bool {
    ObjectId::parse(text).is_some()
}

fn folder(path: &str) -> Result<Option<RelativePath>, SourceError> {
    if matches!(path, "" | ".") { Ok(None) } else { RelativePath::new(path).map(Some) }
}

/// Writes files one after the other, each with its name and length before it; equal files are equal bytes.
pub(super) fn pack(files: &Files) -> Vec<u8> {
    let mut sorted: Vec<_> = files.iter().collect();
    sorted.sort();
    let mut packed = Vec::new();
    for (name, content) in sorted {
        packed.extend(format!("{} {} {name}\n", name.len(), content.len()).into_bytes());
        packed.extend(content);
    }
    packed
}

fn unpack(mut packed: &[u8]) -> Option<Files> {
    let number = |bytes: &[u8]| std::str::from_utf8(bytes).ok()?.parse::<usize>().ok();
    let mut files = Files::new();
    while !packed.is_empty() {
        let mut parts = packed.splitn(3, |byte| *byte == b' ');
        let (name, content) = (number(parts.next()?)?, number(parts.next()?)?);
        let rest = parts.next()?;
        let body = rest.get(name + 1..)?;
        files.push((std::str::from_utf8(rest.get(..name)?).ok()?.to_owned(), body.get(..content)?.to_vec()));
        packed = &body[content..];
    }
    Some(files)
}

#[cfg(test)]
mod tests {
    use super::super::super::git::fixture::Fixture;
    use super::super::super::repositories::Repository;
    use super::super::tests::charts;
    use super::*;

    #[test]
    fn files_come_back_as_they_went() {
        let files: Files = vec![
            ("Chart.yaml".into(), b"a: 1\n2 3 x".to_vec()),
            ("t/ä b".into(), vec![0, 10, 255]),
            ("x".into(), vec![]),
        ];
        assert_eq!(unpack(&pack(&files)), Some(files));
        for broken in [&b"5"[..], b"1 2 x", b"1 5 x\nab", b"x y z\n"] {
            assert_eq!(unpack(broken), None);
        }
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_chart_of_a_commit_brings_its_siblings_and_serves_offline() {
        let fixture = Fixture::with_files(&[
            (
                "charts/web/Chart.yaml",
                "apiVersion: v2\nname: web\nversion: 1.0.0\ndependencies:\n- name: lib\n  version: '*'\n  repository: file://../lib\n",
            ),
            ("charts/lib/Chart.yaml", "apiVersion: v2\nname: lib\nversion: 2.0.0\n"),
        ]);
        let folder = tempfile::tempdir().unwrap();
        let mut charts = charts(&folder, Vec::new());
        let repository = Repository { remote: Some(fixture.remote()), ..Repository::default() };
        charts.repositories.insert("apps", repository);
        let work = tokio::task::spawn_blocking(move || {
            let files = fetch(&charts, "apps", "main", "charts/web").unwrap();
            let names: Vec<&str> = files.iter().map(|(name, _)| name.as_str()).collect();
            assert_eq!(names, ["Chart.yaml", "charts/lib/Chart.yaml"]);
            for (repository, reference, path, part) in [
                ("apps", "v9", "charts/web", "has no branch `v9`"),
                ("apps", "main", "charts/nowhere", "charts/nowhere"),
                ("apps", "main", "../x", "`..`"),
                ("other", "main", "x", "no repository `other`"),
            ] {
                let error = fetch(&charts, repository, reference, path).unwrap_err().to_string();
                assert!(error.contains(part), "{error}");
            }
        });
        work.await.unwrap();
    }
}
