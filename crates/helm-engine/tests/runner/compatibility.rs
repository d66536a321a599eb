//! Writes docs/helm-compatibility.md from the outcome, and holds the committed page against it.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::fs;
use std::path::Path;

use helm_engine::functions::{FAMILIES, Since};

use crate::Family;
use crate::gaps::Gaps;

/// Compares the committed page with what it should say, or writes it when `UPDATE` is set.
pub(crate) fn check(families: &[Family], known: &Gaps) -> Option<String> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/helm-compatibility.md");
    let page = page(families, known);
    if std::env::var_os("UPDATE").is_some() {
        fs::write(&path, page).expect("docs/helm-compatibility.md can be written");
        return None;
    }
    let committed = fs::read_to_string(&path).unwrap_or_default();
    (committed != page)
        .then(|| "docs/helm-compatibility.md is out of date: run the runner with UPDATE=1".to_owned())
}

#[derive(Clone, Copy, Default)]
struct Count {
    cases: usize,
    equal: [usize; 2],
}

impl Count {
    fn add(&mut self, different: &[Option<String>; 2]) {
        self.cases += 1;
        for (equal, difference) in self.equal.iter_mut().zip(different) {
            *equal += usize::from(difference.is_none());
        }
    }

    fn cells(self) -> String {
        let [helm3, helm4] = self.equal;
        format!("{} | {helm3} | {helm4}", self.cases)
    }
}

fn page(families: &[Family], known: &Gaps) -> String {
    let mut total = Count::default();
    let mut by_family = Vec::new();
    for family in families {
        let mut count = Count::default();
        for (_, different) in &family.cases {
            count.add(different);
            total.add(different);
        }
        by_family.push((&family.name, count));
    }
    let mut page = String::from(INTRODUCTION);
    let _ = write!(
        page,
        "\nOf {} cases, {} are equal to Helm 3.22.0 and {} to Helm 4.3.1.\n",
        total.cases, total.equal[0], total.equal[1]
    );
    page.push_str("\n## Family by family\n\n| family | cases | equal to Helm 3 | equal to Helm 4 |\n|---|--:|--:|--:|\n");
    for (name, count) in by_family {
        let _ = writeln!(page, "| {name} | {} |", count.cells());
    }
    page.push_str("\n## Known gaps\n\nBy name in `crates/helm-engine/tests/known_gaps.txt`.\n\n");
    if known.is_empty() {
        page.push_str("None.\n");
    }
    for (reason, cases) in by_reason(known) {
        let example = cases.first().copied().unwrap_or_default().replace('`', "'");
        let _ = writeln!(page, "- {} ({} cases, such as `{}`)", reason, cases.len(), example);
    }
    page.push_str("\n## Public charts\n\n");
    page.push_str(include_str!("../public_charts.md"));
    page.push_str("\n## Function by function\n\nCases of the corpus that call the function.\n\n");
    page.push_str("| function | in | cases | equal to Helm 3 | equal to Helm 4 |\n|---|---|--:|--:|--:|\n");
    for (name, (since, count)) in by_function(families) {
        let _ = writeln!(page, "| `{name}` | {since} | {} |", count.cells());
    }
    page
}

fn by_reason(known: &Gaps) -> BTreeMap<&str, Vec<&str>> {
    let mut reasons: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for (case, reason) in known {
        reasons.entry(reason).or_default().push(case);
    }
    reasons
}

fn by_function(families: &[Family]) -> BTreeMap<&'static str, (&'static str, Count)> {
    let mut functions: BTreeMap<&str, (&str, Count)> = BTreeMap::new();
    for function in FAMILIES.iter().copied().flatten() {
        let since = if function.since == Since::Helm4 { "Helm 4" } else { "both" };
        functions.insert(function.name, (since, Count::default()));
    }
    for (case, different) in families.iter().flat_map(|family| &family.cases) {
        let templates = case.files.iter().filter(|(path, _)| path.contains("templates/"));
        let texts: Vec<String> =
            templates.map(|(_, text)| String::from_utf8_lossy(text).into_owned()).collect();
        let mut words: Vec<&str> = texts.iter().flat_map(|text| words(text)).collect();
        words.sort_unstable();
        words.dedup();
        for word in words {
            if let Some((_, count)) = functions.get_mut(word) {
                count.add(different);
            }
        }
    }
    functions
}

/// Words that are neither a field (`.name`) nor a variable (`$name`).
fn words(text: &str) -> impl Iterator<Item = &str> {
    let is_inner = |c: char| c.is_alphanumeric() || matches!(c, '_' | '.' | '$');
    text.split(move |c: char| !is_inner(c)).filter(|word| !word.is_empty() && !word.contains(['.', '$']))
}

const INTRODUCTION: &str = "\
# How equal to Helm

The engine of this project renders charts as `helm template` does, natively. What it prints is compared byte by byte
with what Helm 3.22.0 and Helm 4.3.1 print (go1.26, time zone UTC, `--kube-version v1.34.0`), refusals and their messages
included. This page is generated from that comparison: `UPDATE=1 cargo test -p helm-engine --test runner`.

The answers of the real Helm are recorded by `crates/helm-engine/tests/make_baseline.sh`; cases whose answer differs
between two runs of Helm are left out. `crates/helm-engine/compare.sh` does the same comparison for any folder of charts.
";
