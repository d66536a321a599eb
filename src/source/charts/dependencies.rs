//! The charts that a chart depends on and does not bring along, put under `charts/` as `helm dependency build` does.
//!
//! A version in Chart.lock wins over the constraint. Charts at `file://` lie beside the chart, on the machine or in the same
//! commit. What names no repository must be in `charts/` already, as for Helm.

use std::path::PathBuf;

use helm_engine::chart::Dependency;
use helm_engine::{Chart, Mode, SourceFile};
use serde::Deserialize;

use super::super::SourceError;
use super::super::directory::{ChartBytes, read_chart_now};
use super::super::git::CommitTree;
use super::{Charts, Files, git};

const DEEPEST: usize = 16;

/// Where a chart's folder is.
#[derive(Clone, Debug)]
pub(super) enum Home {
    /// On this machine.
    Folder(PathBuf),
    /// In a commit; an empty path is the whole of it.
    Commit {
        /// The commit.
        tree: CommitTree,
        /// Folder in it.
        path: String,
    },
}

#[derive(Default, Deserialize)]
struct Lock {
    #[serde(default)]
    dependencies: Vec<Locked>,
}

#[derive(Deserialize)]
struct Locked {
    name: String,
    #[serde(default)]
    repository: String,
    version: String,
}

impl Home {
    /// Reads the files of the folder.
    pub(super) fn files(&self) -> Result<Files, SourceError> {
        match self {
            Home::Folder(path) => match read_chart_now(path)? {
                ChartBytes::Files(files) => Ok(files),
                ChartBytes::Archive(_) => Err(SourceError::Path {
                    path: path.display().to_string(),
                    reason: "a dependency at `file://` is a folder",
                }),
            },
            Home::Commit { tree, path } => git::read(tree, path),
        }
    }

    fn beside(&self, link: &str) -> Result<Home, SourceError> {
        match self {
            Home::Folder(path) => Ok(Home::Folder(path.join(link))),
            Home::Commit { tree, path } => {
                let refuse =
                    || SourceError::Path { path: link.to_owned(), reason: "it leaves the repository" };
                let mut names: Vec<&str> = path.split('/').filter(|name| !name.is_empty()).collect();
                for name in link.split('/') {
                    match name {
                        "" | "." => {}
                        ".." => drop(names.pop().ok_or_else(refuse)?),
                        name => names.push(name),
                    }
                }
                Ok(Home::Commit { tree: tree.clone(), path: names.join("/") })
            }
        }
    }
}

/// Adds what is missing under `charts/`. Files that are no chart are returned as they are: loading says what is wrong.
///
/// # Errors
/// When a dependency cannot be had.
pub(super) fn complete(
    charts: &Charts,
    mut files: Files,
    home: &Home,
    depth: usize,
) -> Result<Files, SourceError> {
    let lists = |(name, content): &(String, Vec<u8>)| {
        matches!(name.as_str(), "Chart.yaml" | "requirements.yaml")
            && content.windows(12).any(|part| part == b"dependencies")
    };
    if !files.iter().any(lists) {
        return Ok(files);
    }
    let as_source = |(path, data): &(String, Vec<u8>)| SourceFile {
        path: path.as_str().into(),
        data: data.as_slice().into(),
    };
    let Ok(chart) = Chart::load(files.iter().map(as_source).collect(), Mode::Helm4) else { return Ok(files) };
    if depth > DEEPEST {
        let what = format!("the chain of dependencies of chart `{}`", chart.metadata().name);
        return Err(SourceError::TooLarge { what, limit: format!("{DEEPEST} charts") });
    }
    let lock = lock(&files);
    for (wanted, _) in chart.requirements().filter(|(_, is_there)| !is_there) {
        for (name, content) in bring(charts, wanted, &lock, home, depth)? {
            if !files.iter().any(|(there, _)| *there == name) {
                files.push((name, content));
            }
        }
    }
    Ok(files)
}

fn bring(
    charts: &Charts,
    wanted: &Dependency,
    lock: &Lock,
    home: &Home,
    depth: usize,
) -> Result<Files, SourceError> {
    let repository = wanted.repository.as_str();
    if repository.is_empty() {
        return Ok(Files::new());
    }
    if let Some(link) = repository.strip_prefix("file://") {
        let sibling = home.beside(link)?;
        let files = complete(charts, sibling.files()?, &sibling, depth + 1)?;
        return Ok(files
            .into_iter()
            .map(|(path, content)| (format!("charts/{}/{path}", wanted.name), content))
            .collect());
    }
    if repository.starts_with('@') || repository.starts_with("alias:") {
        let reason = format!(
            "dependency `{}` names a repository of one machine's Helm; write its address into Chart.yaml",
            wanted.name
        );
        return Err(SourceError::Url { url: repository.to_owned(), reason });
    }
    let same = |one: &&Locked| {
        one.name == wanted.name && one.repository.trim_end_matches('/') == repository.trim_end_matches('/')
    };
    let version =
        lock.dependencies.iter().find(same).map_or(wanted.version.as_str(), |locked| locked.version.as_str());
    let archive = charts.archive(repository, &wanted.name, version)?;
    let name: String = version
        .chars()
        .map(|c| if c.is_ascii_alphanumeric() || ".-+".contains(c) { c } else { '_' })
        .collect();
    Ok(vec![(format!("charts/{}-{name}.tgz", wanted.name), archive)])
}

fn lock(files: &Files) -> Lock {
    let found = files.iter().find(|(name, _)| matches!(name.as_str(), "Chart.lock" | "requirements.lock"));
    found.and_then(|(_, text)| serde_yaml::from_slice(text).ok()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::super::tests::charts;
    use super::*;

    fn folder(files: &[(&str, &str)]) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        for (path, content) in files {
            let path = folder.path().join(path);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, content).unwrap();
        }
        folder
    }

    fn check(dependencies: &str, expected: Result<&[&str], &str>) {
        let web = format!("apiVersion: v2\nname: web\nversion: 1.0.0\n{dependencies}");
        let deep = "apiVersion: v2\nname: lib\nversion: 1.0.0\ndependencies: [{name: base, version: 1.0.0, repository: 'file://../base'}]\n";
        let looped = "apiVersion: v2\nname: loop\nversion: 1.0.0\ndependencies: [{name: loop, version: 1.0.0, repository: 'file://.'}]\n";
        let work = folder(&[
            ("web/Chart.yaml", &web),
            ("lib/Chart.yaml", deep),
            ("base/Chart.yaml", "apiVersion: v2\nname: base\nversion: 1.0.0\n"),
            ("loop/Chart.yaml", looped),
        ]);
        let cache = tempfile::tempdir().unwrap();
        let home = Home::Folder(work.path().join("web"));
        let found = complete(&charts(&cache, Vec::new()), home.files().unwrap(), &home, 0);
        match (found, expected) {
            (Ok(files), Ok(names)) => {
                assert_eq!(files.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>(), names)
            }
            (Err(error), Err(part)) => assert!(error.to_string().contains(part), "{error}"),
            (found, expected) => panic!("{found:?}, expected {expected:?}"),
        }
    }

    #[test]
    fn siblings_come_with_their_own_dependencies() {
        let one = |name: &str, repository: &str| {
            format!("dependencies: [{{name: {name}, version: '*', repository: '{repository}'}}]\n")
        };
        check("", Ok(&["Chart.yaml"]));
        check(&one("lib", ""), Ok(&["Chart.yaml"]));
        check(
            &one("lib", "file://../lib"),
            Ok(&["Chart.yaml", "charts/lib/Chart.yaml", "charts/lib/charts/base/Chart.yaml"]),
        );
        check(&one("lib", "file://../nowhere"), Err("nowhere"));
        check(&one("lib", "@stable"), Err("write its address into Chart.yaml"));
        check(&one("lib", "http://charts.example.com"), Err("plain http"));
        check(&one("loop", "file://../loop"), Err("chain of dependencies"));
        check("dependencies: {", Ok(&["Chart.yaml"]));
    }
}
