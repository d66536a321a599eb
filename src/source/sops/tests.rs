//! Files that the real `sops` encrypted, recorded beside this by `record.sh`.

use super::super::Secret;
use super::*;

/// The private keys of the fixtures; they open nothing else.
const KEYS: &str = include_str!("fixtures/keys.txt");

fn fixture(name: &str) -> String {
    let path = format!("{}/src/source/sops/fixtures/{name}", env!("CARGO_MANIFEST_DIR"));
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{path}: {error}"))
}

fn sops(key: &str) -> Sops {
    Sops::new(KeySources { given: Some(Secret::new(key)), ..KeySources::default() })
}

fn key(number: usize) -> &'static str {
    KEYS.lines().filter(|line| line.starts_with("AGE-SECRET-KEY-")).nth(number).expect("the key is recorded")
}

/// Lists the leaves as `PATH=VALUE LINE`, with `*` behind what is secret.
fn leaves(path: &str, node: &Node, found: &mut Vec<String>) {
    let below = |key: &str| if path.is_empty() { key.to_owned() } else { format!("{path}.{key}") };
    match &node.kind {
        NodeKind::Map(map) if !map.is_empty() => {
            map.iter().for_each(|(key, node)| leaves(&below(key), node, found));
        }
        NodeKind::List(items) if !items.is_empty() => {
            items.iter().enumerate().for_each(|(at, node)| leaves(&format!("{path}[{at}]"), node, found));
        }
        kind => {
            let shown = match kind {
                NodeKind::String(text) => format!("{text:?}"),
                NodeKind::Float(number) => number.to_string(),
                NodeKind::Bool(truth) => truth.to_string(),
                NodeKind::Null => "null".to_owned(),
                _ => "empty".to_owned(),
            };
            let mark = if node.mark.sensitive { "*" } else { "" };
            found.push(format!("{path}={shown} {}{mark}", node.key_position.line));
        }
    }
}

fn decrypted(name: &str, text: &str, sops: &Sops) -> Result<String, SopsError> {
    let node = sops.values(name, text.as_bytes(), 3)?.expect("it is a SOPS file");
    let mut found = Vec::new();
    leaves("", &node, &mut found);
    Ok(found.join("\n"))
}

#[test]
fn what_sops_encrypted_is_read_as_sops_reads_it() {
    for name in
        ["plain", "regex", "suffix", "only_encrypted", "comments", "two_recipients", "documents", "json"]
    {
        let file = if name == "json" { "json.json".to_owned() } else { format!("{name}.yaml") };
        let found = sops(key(0)).values(&file, fixture(&file).as_bytes(), 0);
        let found = found.unwrap_or_else(|error| panic!("{file}: {error}")).expect("it is a SOPS file");
        let expected =
            yaml::read_documents(fixture(&format!("{name}.decrypted.yaml")).as_bytes(), 0).unwrap();
        assert!(found == merged(expected), "{file}: differs from what sops decrypts");
    }
}

#[test]
fn values_keep_their_lines_and_what_was_encrypted_is_secret() {
    let check = |name: &str, expected: &[&str]| {
        let found = decrypted(name, &fixture(name), &sops(key(0))).unwrap();
        assert_eq!(found.lines().collect::<Vec<_>>(), expected, "{name}");
    };
    check(
        "regex.yaml",
        &[
            "auth.password=\"hunter2\" 5*",
            "auth.realm=\"example\" 8",
            "auth.user_secret=\"shop\" 6",
            "image.tag=\"v1\" 3",
            "replicas=2 1",
            "token=\"t0ps3cret\" 10*",
        ],
    );
    check(
        "comments.yaml",
        &[
            "auth.password=\"hunter2\" 5",
            "auth.realm=\"example\" 8",
            "auth.user_secret=\"shop\" 6",
            "image.tag=\"v1\" 3",
            "replicas=2 1",
            "token=\"t0ps3cret\" 10*",
        ],
    );
}

#[test]
fn any_recipients_key_opens_a_file() {
    let text = fixture("two_recipients.yaml");
    let both = [key(0), key(1)].map(|key| decrypted("x", &text, &sops(key)).unwrap());
    assert_eq!(both[0], both[1]);
    let many = format!("# several\n{}\n{}\n", key(1), key(0));
    decrypted("x", &fixture("plain.yaml"), &sops(&many)).unwrap();
}

#[test]
fn a_wrong_key_names_both_sides() {
    let error = decrypted("secrets.yaml", &fixture("plain.yaml"), &sops(key(1))).unwrap_err();
    assert!(matches!(error, SopsError::WrongKey { .. }), "{error}");
    let text = error.to_string();
    assert!(text.contains("secrets.yaml is encrypted for age1") && text.contains("those of age1"), "{text}");
    assert!(!text.contains("SECRET"), "{text}");
}

#[test]
fn what_was_changed_is_refused() {
    let text = fixture("plain.yaml");
    let refused = |text: &str, part: &str| {
        let error = decrypted("secrets.yaml", text, &sops(key(0))).unwrap_err();
        assert!(error.to_string().contains(part), "{error}");
        assert!(!error.hint().is_empty());
    };
    let line = |text: &str, key: &str| {
        text.lines().find(|line| line.trim_start().starts_with(key)).expect("the key is there").to_owned()
    };
    // A value that was moved to another key, one that somebody wrote in plain, one that is cut off.
    let (user, password) = (line(&text, "user:"), line(&text, "password:"));
    let value = |line: &str| line.split_once(": ").expect("it has a value").1.to_owned();
    refused(&text.replace(&value(&password), &value(&user)), "`database.password` cannot be decrypted");
    refused(
        &text.replace(&value(&password), "hunter2"),
        "`database.password` should be encrypted and is not",
    );
    refused(&text.replace(&value(&password), "ENC[AES256_GCM,data:x]"), "should be encrypted and is not");
    // A plain value that was changed, an encrypted one that was taken out, the code of another file.
    refused(&text.replace("joe", "jim"), "message authentication code does not match");
    refused(&text.replace(&format!("{password}\n"), ""), "message authentication code does not match");
    let mac = line(&text, "mac:");
    refused(
        &text.replace(&mac, &line(&fixture("regex.yaml"), "mac:")),
        "message authentication code does not match",
    );
    refused(&text.replace(&format!("{mac}\n"), ""), "it has no `mac`");
}

#[test]
fn only_encrypted_values_are_covered_where_the_file_says_so() {
    let text = fixture("only_encrypted.yaml");
    let changed = text.replace("replicas: 2", "replicas: 3");
    assert_ne!(text, changed);
    assert!(decrypted("x", &changed, &sops(key(0))).unwrap().contains("replicas=3"));
    assert!(decrypted("x", &changed.replace("mac_only_encrypted: true", ""), &sops(key(0))).is_err());
}

#[test]
fn other_files_are_left_alone() {
    for text in ["a: 1", "sops: {enabled: true}\nlastmodified: x", "sops: [lastmodified", ""] {
        assert_eq!(sops(key(0)).values("x", text.as_bytes(), 0).unwrap(), None, "{text}");
    }
}

#[test]
fn a_file_for_other_keys_takes_the_command() {
    let text = fixture("pgp.yaml");
    let documents: Vec<_> = yaml::split_documents(text.as_bytes()).unwrap();
    let root = yaml::read_with_spans(&documents[0].1).unwrap().unwrap();
    let metadata = Metadata::of(&root).unwrap().unwrap();
    assert!(needs_command(&metadata));
    assert_eq!(metadata.recipients(), "pgp");
    let error = SopsError::CommandMissing { file: "x.yaml".into(), recipients: metadata.recipients() };
    assert!(error.to_string().contains("encrypted for pgp, which takes the `sops` command"));
}
