//! A trace must not say that everything depends on everything.

use helm_engine::Mode;
use helm_engine::render::Reason;
use helm_engine::trace::Trace;

use crate::inputs;

#[test]
fn names_few_values_for_most_fields() {
    let (mut fields, mut values, mut free, mut most) = (0usize, 0usize, 0usize, (0, String::new()));
    for input in inputs::corpus(Mode::Helm4) {
        let rendered = input.render(Trace::Full);
        for field in rendered.trace.manifests.iter().chain(&rendered.trace.hooks).flatten() {
            let count = field.reasons.iter().filter(|reason| matches!(reason, Reason::Value(_))).count();
            fields += 1;
            values += count;
            free += usize::from(count == 0);
            if count > most.0 {
                most = (count, format!("{}: {:?}", input.name, field.path));
            }
        }
    }
    assert!(values < fields, "{values} values for {fields} fields, most of them for {most:?}");
    assert!(free * 2 > fields, "{free} of {fields} fields depend on no value");
}

#[test]
fn names_nothing_for_a_field_that_is_always_the_same() {
    let template =
        "kind: ConfigMap\n{{ if .Values.flag }}more: 1\n{{ end }}data:\n  a: fixed\n  b: {{ .Values.b }}\n";
    let files = [
        ("Chart.yaml", "{apiVersion: v2, name: c, version: 1.0.0}"),
        ("values.yaml", "{flag: true, b: 1}"),
        ("templates/a.yaml", template),
    ];
    let files = files.map(|(path, text)| (path.to_owned(), text.to_owned())).into();
    let rendered = inputs::small("literals", &files).render(Trace::Full);
    let without = |path: &&[&str]| {
        let field = rendered.trace.manifests[0]
            .iter()
            .find(|field| field.path.iter().map(|key| &**key).eq(path.iter().copied()));
        field.expect("the field").reasons.is_empty()
    };
    assert!(without(&&["kind"][..]));
    assert!(without(&&["data", "a"][..]));
    assert!(!without(&&["data", "b"][..]));
    assert!(!without(&&["more"][..]));
}
