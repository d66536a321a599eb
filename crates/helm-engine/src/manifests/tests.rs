//! Rendered text and the documents Helm sees in it.

use super::*;

fn sorted(text: &str, mode: Mode) -> Result<Sorted, String> {
    sort(
        &[("c/templates/a.yaml".to_owned(), crate::value::Text::copy_of(text.as_bytes()))],
        mode,
        crate::trace::Trace::Off,
    )
    .map_err(|e| e.to_string())
}

#[track_caller]
fn check(text: &str, mode: Mode, expected: &[&str]) {
    let ranges = split::documents(text.as_bytes(), mode);
    let found: Vec<&str> = ranges.into_iter().map(|range| &text[range]).collect();
    assert_eq!(found, expected, "{text:?}");
}

#[test]
fn cuts_documents_as_helm_3_does() {
    let check = |text, expected: &[&str]| check(text, Mode::Helm3, expected);
    check("a: 1\n---\nb: 2\n", &["a: 1", "b: 2"]);
    check("---\na: 1\n\n  \n---  \n\n b: 2\n", &["a: 1", "b: 2"]);
    check("a\n---\n---\nb", &["a", "---\nb"]);
    check("---apiVersion: v1", &["apiVersion: v1"]);
    check("a\n--- # c\nb", &["a", "# c\nb"]);
    check("a\n ---\nb", &["a\n ---\nb"]);
    check(" \n", &[]);
    check("a\n---\n", &["a"]);
}

#[test]
fn cuts_documents_as_helm_4_does() {
    let check = |text, expected: &[&str]| check(text, Mode::Helm4, expected);
    check("a: 1\n---\nb: 2\n\n", &["a: 1\n", "b: 2\n\n"]);
    check("---\na: 1\n\n---  \n\n b: 2\n", &["a: 1\n\n", "b: 2\n"]);
    check("a\n---\n---\nb", &["a\n", "b"]);
    check("---apiVersion: v1", &["apiVersion: v1"]);
    check("a\n ---\nb", &["a\n ---\nb"]);
    check(" \n", &[]);
}

#[test]
fn sorts_by_kind_and_keeps_the_order_within_one() {
    let text = "kind: Foo\n---\nkind: Service\n---\nkind: MutatingWebhookConfiguration\n---\n# none\n---\nkind: Secret\n";
    let kinds = |mode| {
        let sorted = sorted(text, mode).expect("valid documents");
        sorted.manifests.into_iter().map(|manifest| manifest.head.kind).collect::<Vec<_>>()
    };
    assert_eq!(kinds(Mode::Helm4), ["Secret", "Service", "MutatingWebhookConfiguration", "", "Foo"]);
    assert_eq!(kinds(Mode::Helm3), ["Secret", "Service", "", "Foo", "MutatingWebhookConfiguration"]);
}

#[test]
fn sets_hooks_apart() {
    let text = "kind: Job\nmetadata:\n  annotations:\n    helm.sh/hook: Pre-Install, test-success\n    \
                helm.sh/hook-weight: \"-5\"\n    helm.sh/hook-delete-policy: hook-succeeded\n---\n\
                metadata: {annotations: {helm.sh/hook: nope}}\n";
    let sorted = sorted(text, Mode::Helm4).expect("valid documents");
    assert!(sorted.manifests.is_empty());
    assert_eq!(sorted.hooks[0].events, [HookEvent::PreInstall, HookEvent::Test]);
    assert_eq!(sorted.hooks[0].weight, -5);
    assert_eq!(sorted.hooks[0].delete_policies, [DeletePolicy::HookSucceeded]);
    assert_eq!(sorted.warnings, ["info: skipping unknown hook: \"nope\""]);
}

#[test]
fn refuses_heads_in_the_words_of_helm() {
    let error = |text: &str, mode| sorted(text, mode).expect_err("a bad head");
    let prefix = "YAML parse error on c/templates/a.yaml: ";
    let json = "error unmarshaling JSON: while decoding JSON: json: cannot unmarshal ";
    let check =
        |text, expected: &str| assert_eq!(error(text, Mode::Helm4), format!("{prefix}{json}{expected}"));
    check(
        "metadata: {name: {a: 1}, annotations: {a: [1]}}",
        "array into Go struct field .metadata.annotations of type string",
    );
    check("kind: [a]", "array into Go struct field SimpleHead.kind of type string");
    check("abc", "string into Go value of type util.SimpleHead");
    check(
        "metadata: abc",
        "string into Go struct field SimpleHead.metadata of type struct { Name string \"json:\\\"name\\\"\"; \
         Annotations map[string]string \"json:\\\"annotations\\\"\" }",
    );
    assert!(error("abc", Mode::Helm3).ends_with("of type releaseutil.SimpleHead"));
    assert_eq!(
        error("a: [", Mode::Helm4),
        format!("{prefix}error converting YAML to JSON: yaml: line 1: did not find expected node content")
    );
}

#[test]
fn prints_as_helm_template_does() {
    let text = "kind: Job\nmetadata: {annotations: {helm.sh/hook: test}}\n---\nkind: Pod\n\n";
    let sorted = sorted(text, Mode::Helm4).expect("valid documents");
    let printed = |options: &PrintOptions| {
        let printed = print(&sorted.manifests, &sorted.hooks, &[], options, Mode::Helm4);
        printed.map(|bytes| String::from_utf8(bytes).expect("text")).map_err(|error| error.to_string())
    };
    let all = printed(&PrintOptions::default()).expect("printable");
    assert_eq!(
        all,
        "---\n# Source: c/templates/a.yaml\nkind: Pod\n---\n# Source: c/templates/a.yaml\nkind: Job\nmetadata: \
         {annotations: {helm.sh/hook: test}}\n\n"
    );
    let without = printed(&PrintOptions { skip_tests: true, ..PrintOptions::default() }).expect("printable");
    assert_eq!(without, "---\n# Source: c/templates/a.yaml\nkind: Pod\n");
    let show_only =
        |pattern: &str| printed(&PrintOptions { show_only: vec![pattern.into()], ..Default::default() });
    assert_eq!(
        show_only("templates/b.yaml"),
        Err("could not find template templates/b.yaml in chart".to_owned())
    );
    let only = show_only("templates/*.yaml").expect("printable");
    assert!(only.starts_with("---\n# Source: c/templates/a.yaml\nkind: Pod\n\n---\n"), "{only:?}");
}
