//! Reads the corpus's charts: `charts/NAME/chart` with the answers beside it, one case per file of flags.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use crate::cases::{Answer, Case};

/// Reads every chart below a folder.
pub(crate) fn read(folder: &Path) -> Vec<Case> {
    let mut cases = Vec::new();
    for name in sorted_names(folder) {
        let chart = folder.join(&name);
        let mut files = BTreeMap::new();
        read_files(&chart.join("chart"), "", &mut files);
        let mut beside = BTreeMap::new();
        for file in sorted_names(&chart).into_iter().filter(|file| chart.join(file).is_file()) {
            let content = fs::read(chart.join(&file)).expect("a file beside a chart of the corpus");
            beside.insert(file, content);
        }
        let variants = beside.keys().filter_map(|file| file.strip_prefix("flags."));
        for variant in [""].into_iter().chain(variants) {
            cases.push(case(&chart, &name, variant, &files, &beside));
        }
    }
    cases
}

type Files = BTreeMap<String, Vec<u8>>;

fn case(chart: &Path, name: &str, variant: &str, files: &Files, beside: &Files) -> Case {
    let (infix, flags) = match variant {
        "" => (String::new(), Vec::new()),
        variant => {
            let lines = fs::read_to_string(chart.join(format!("flags.{variant}"))).expect("a file of flags");
            (format!("{variant}."), lines.lines().map(str::to_owned).collect())
        }
    };
    let answer = |version: &str| {
        let path = |ending: &str| chart.join(format!("expected.{infix}{version}.{ending}"));
        match fs::read(path("yaml")) {
            Ok(text) => Answer { text, failed: false },
            Err(_) => Answer { text: fs::read(path("error")).expect("an expected answer"), failed: true },
        }
    };
    Case {
        name: format!("charts: {name} {variant}").trim_end().to_owned(),
        is_whole: true,
        files: files.clone(),
        beside: beside.clone(),
        flags,
        answers: [answer("v3"), answer("v4")],
    }
}

fn read_files(directory: &Path, prefix: &str, files: &mut Files) {
    for name in sorted_names(directory) {
        let path = directory.join(&name);
        if path.is_dir() {
            read_files(&path, &format!("{prefix}{name}/"), files);
        } else {
            files.insert(format!("{prefix}{name}"), fs::read(&path).expect("a chart's file"));
        }
    }
}

/// Returns the names in a folder, sorted.
pub(crate) fn sorted_names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).expect("a folder of the corpus");
    let mut names: Vec<String> = entries
        .map(|entry| entry.expect("a folder's entry").file_name().to_string_lossy().into_owned())
        .collect();
    names.sort();
    names
}
