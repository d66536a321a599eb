//! Holds this room to Kustomize's recorded answers.

use std::collections::{BTreeMap, HashMap};

use serde::Deserialize;
use serde_json::Value;

use super::*;

const FILES: &[(&str, &str)] = &[
    (include_str!("cases/strategic_merge.yaml"), include_str!("cases/strategic_merge.answers.jsonl")),
    (include_str!("cases/json_patch.yaml"), include_str!("cases/json_patch.answers.jsonl")),
    (include_str!("cases/targets.yaml"), include_str!("cases/targets.answers.jsonl")),
];

/// What is an error here although Kustomize lets it pass, and why.
const STRICTER: &[(&str, &str)] = &[
    ("a scalar in a merged list", "Kustomize drops the whole list"),
    ("an element without its key", "Kustomize drops the whole list"),
    ("an element of the object without its key", "Kustomize drops the other elements"),
    ("an empty element", "Kustomize drops the whole list"),
    ("a null element", "Kustomize drops the whole list"),
    ("replaces all but what identifies", "Kustomize ignores it"),
    ("replaces a container as a whole", "Kustomize ignores it"),
    ("a volume changes its source by replacement", "Kustomize ignores it"),
    (
        "a directive in a list that is not there",
        "Kustomize leaves the directive there and drops the elements",
    ),
    ("an unknown directive on what is new", "Kustomize leaves the directive there"),
    ("a patch of a comment", "it does nothing"),
    ("no operations", "it does nothing"),
    ("copies what is not there", "Kustomize writes null"),
    ("a test without a value", "Kustomize takes it for null"),
    ("an operation without a value", "Kustomize takes it for null"),
    ("a replacement without a value", "Kustomize takes it for null"),
    ("a path without a slash", "Kustomize ignores it"),
    ("a target that a patch before deleted", "a patch without an object is a mistake"),
];

/// Where the objects differ, and why.
const DIFFERENT: &[(&str, &str)] = &[("large numbers", "Kustomize rounds whole numbers above 2^53")];

#[derive(Deserialize)]
struct File {
    objects: HashMap<String, String>,
    cases: Vec<Case>,
}

#[derive(Deserialize)]
struct Case {
    name: String,
    of: Vec<String>,
    patches: Vec<Written>,
}

#[derive(Deserialize)]
struct Written {
    patch: String,
    target: Option<Selector>,
}

#[derive(Deserialize)]
struct Answer {
    name: String,
    objects: Option<Vec<Value>>,
    error: Option<String>,
}

#[test]
fn patched_objects_are_those_of_kustomize() {
    let mut wrong = Vec::new();
    for (cases, answers) in FILES {
        let file: File = serde_yaml::from_str(cases).expect("the cases are readable");
        let answers = answers.lines().map(|line| serde_json::from_str(line).expect("an answer is JSON"));
        let answers: Vec<Answer> = answers.collect();
        assert_eq!(file.cases.len(), answers.len(), "record the answers again");
        for (case, answer) in file.cases.iter().zip(&answers) {
            assert_eq!(case.name, answer.name, "record the answers again");
            wrong.extend(compare(&file, case, answer).map(|why| format!("{}: {why}", case.name)));
        }
    }
    assert!(wrong.is_empty(), "{} cases differ\n{}", wrong.len(), wrong.join("\n"));
}

fn compare(file: &File, case: &Case, answer: &Answer) -> Option<String> {
    let is_in = |list: &[(&str, &str)]| list.iter().any(|(name, _)| *name == case.name);
    match (patched(file, case), &answer.objects) {
        (Err(_), _) if is_in(STRICTER) => None,
        (Ok(_), _) if is_in(STRICTER) => Some("is not stricter any more".to_owned()),
        // A patch that nothing matches changes nothing there.
        (Err(error), Some(expected))
            if error.contains("matches no object") && by_name(&objects(file, case)) == by_name(expected) =>
        {
            None
        }
        (Err(error), Some(_)) => Some(format!("refused: {error}")),
        (Ok(_), None) => Some(format!("Kustomize refuses: {}", answer.error.as_deref().unwrap_or_default())),
        (Ok(objects), Some(expected)) => {
            let (ours, theirs) = (by_name(&objects), by_name(expected));
            let same = ours == theirs;
            (same == is_in(DIFFERENT)).then(|| difference(&ours, &theirs))
        }
        (Err(_), _) => None,
    }
}

fn objects(file: &File, case: &Case) -> Vec<Value> {
    case.of
        .iter()
        .map(|name| yaml::read_words_as_texts(&file.objects[name]).expect("an object is YAML"))
        .collect()
}

fn patched(file: &File, case: &Case) -> Result<Vec<Value>, String> {
    let objects = objects(file, case).into_iter();
    let mut subjects: Vec<Subject> = objects.map(|object| Subject { object, ..Subject::default() }).collect();
    let patches: Result<Vec<Patch>, PatchError> =
        case.patches.iter().map(|one| Patch::read(&one.patch, one.target.as_ref())).collect();
    apply(&patches.map_err(|error| error.to_string())?, &mut subjects, "release")
        .map_err(|error| error.to_string())?;
    Ok(subjects.into_iter().map(|subject| subject.object).collect())
}

fn by_name(objects: &[Value]) -> BTreeMap<String, &Value> {
    let name = |object: &Value| {
        format!("{} {} {}", object["kind"], object["metadata"]["namespace"], object["metadata"]["name"])
    };
    objects.iter().map(|object| (name(object), object)).collect()
}

fn difference(ours: &BTreeMap<String, &Value>, theirs: &BTreeMap<String, &Value>) -> String {
    let mut told = Vec::new();
    for key in ours.keys().chain(theirs.keys()) {
        let (a, b) = (
            ours.get(key).copied().unwrap_or(&Value::Null),
            theirs.get(key).copied().unwrap_or(&Value::Null),
        );
        differences(a, b, key, &mut told);
    }
    told.dedup();
    told.join("; ")
}

fn differences(a: &Value, b: &Value, at: &str, told: &mut Vec<String>) {
    match (a, b) {
        (Value::Object(one), Value::Object(other)) => {
            let names: std::collections::BTreeSet<&String> = one.keys().chain(other.keys()).collect();
            for name in names {
                differences(&a[name], &b[name], &format!("{at}.{name}"), told);
            }
        }
        _ if a != b => told.push(format!("{at}: {a}, Kustomize: {b}")),
        _ => {}
    }
}
