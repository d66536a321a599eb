//! Custom kinds that a release brings: definitions that change under objects which are stored in an old form, and what goes along with
//! a definition or a namespace.

use serde_json::json;

use crate::site::{Site, site};

fn words(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Writes a definition of Gadgets into the chart, with a line for each version: its name, and whether objects are stored in it.
fn define(site: &Site, versions: &[(&str, bool)]) -> String {
    let group = format!("{}.example.com", site.namespace);
    let versions: String = versions
        .iter()
        .map(|(name, storage)| {
            format!(
                "  - name: {name}\n    served: true\n    storage: {storage}\n    schema: {{openAPIV3Schema: {{type: object, x-kubernetes-preserve-unknown-fields: true}}}}\n"
            )
        })
        .collect();
    site.workspace.write(
        "chart/templates/gadgets.yaml",
        &format!(
            "apiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\nmetadata: {{name: gadgets.{group}}}\nspec:\n  group: {group}\n  scope: Namespaced\n  names: {{plural: gadgets, singular: gadget, kind: Gadget, listKind: GadgetList}}\n  versions:\n{versions}"
        ),
    );
    group
}

fn create_gadget(site: &Site, group: &str, version: &str, name: &str) {
    let gadget = json!({"apiVersion": format!("{group}/{version}"), "kind": "Gadget", "metadata": {"name": name}, "spec": {}});
    let collection = format!("/apis/{group}/{version}/namespaces/{}/gadgets", site.namespace);
    site.cluster.eventually("the kind is served", |cluster| {
        let (status, _) = cluster.request("POST", &collection, "application/json", Some(&gadget));
        (status < 300).then_some(())
    });
}

#[test]
fn objects_are_rewritten_before_a_release_drops_the_version_that_they_are_stored_in() {
    let site = site("");
    let terraform = &site.workspace;
    let group = define(&site, &[("v1alpha1", true)]);
    terraform.apply().expect_success();
    create_gadget(&site, &group, "v1alpha1", "old");

    define(&site, &[("v1", true)]);
    let message = words(&terraform.plan().expect_failure());
    assert!(message.contains("cannot go to its new definitions at once"), "{message}");
    let expected = format!("gadgets.{group} v1alpha1: 1 object {}/old", site.namespace);
    assert!(message.contains(&expected) && message.contains("a version between the two"), "{message}");

    define(&site, &[("v1alpha1", false), ("v1", true)]);
    terraform.apply().expect_success();
    define(&site, &[("v1", true)]);
    let plan = words(&terraform.plan().expect_success().stdout);
    assert!(plan.contains("first rewrites objects that are stored in an old form"), "{plan}");
    terraform.apply().expect_success();
    terraform.assert_nothing_to_do();
    let name = format!("/apis/apiextensions.k8s.io/v1/customresourcedefinitions/gadgets.{group}");
    let live = site.cluster.get(&name).expect("it is there");
    assert_eq!(live["status"]["storedVersions"], json!(["v1"]));
    assert!(site.get(&format!("{group}/v1/gadgets"), "old").is_some(), "nothing was lost");

    terraform.replace(
        "main.tf",
        "chart {\n",
        "allow_deletion_of = [\"CustomResourceDefinition\"]\n  chart {\n",
    );
    terraform.apply().expect_success();
    terraform.destroy().expect_success();
    assert_eq!(site.cluster.get(&name), None);
}

/// Writes a definition of Gadgets whose `spec` has these fields, and one Gadget.
fn define_and_create(site: &Site, fields: &str, spec: &str) {
    let group = define(site, &[("v1", true)]);
    let all = "{type: object, x-kubernetes-preserve-unknown-fields: true}";
    let schema =
        format!("{{type: object, properties: {{spec: {{type: object, properties: {{{fields}}}}}}}}}");
    site.workspace.replace("chart/templates/gadgets.yaml", all, &schema);
    let gadget = format!("apiVersion: {group}/v1\nkind: Gadget\nmetadata: {{name: one}}\nspec: {{{spec}}}\n");
    site.workspace.write("chart/templates/one.yaml", &gadget);
}

#[test]
fn a_definition_with_a_new_field_comes_with_an_object_that_has_it() {
    let site = site("");
    let terraform = &site.workspace;
    define_and_create(&site, "size: {type: integer}", "size: 1");
    terraform.apply().expect_success();
    terraform.assert_nothing_to_do();

    let both = "size: {type: integer}, color: {type: string, enum: [red, green]}";
    define_and_create(&site, both, "size: 1, color: red");
    let plan = terraform.plan().expect_success();
    assert!(plan.stdout.contains("+ \"spec.color\" = \"red\""), "{}", plan.stdout);
    terraform.apply().expect_success();
    terraform.assert_nothing_to_do();

    // What the new definition does not know either shows when it is there, before anything else is written.
    define_and_create(&site, &both.replace("green", "blue"), "size: 1, colour: red");
    terraform.replace("base.yaml", "green", "brown");
    terraform.plan().expect_success();
    let message = words(&terraform.apply().expect_failure());
    assert!(message.contains(".spec.colour: field not declared in schema"), "{message}");
    assert!(message.contains("one.yaml:4"), "{message}");
    assert_eq!(site.get("configmaps", "small").expect("it is there")["data"]["color"], "green");
    define_and_create(&site, &both.replace("green", "blue"), "size: 1, color: blue");
    terraform.apply().expect_success();
    terraform.assert_nothing_to_do();
    assert_eq!(site.get("configmaps", "small").expect("it is there")["data"]["color"], "brown");

    // The definition as it is says no at plan.
    define_and_create(&site, &both.replace("green", "blue"), "size: 1, color: green");
    let message = words(&terraform.plan().expect_failure());
    assert!(message.contains("Unsupported value: \"green\""), "{message}");
}

#[test]
fn definitions_of_one_release_come_with_objects_of_another_in_one_apply() {
    let site = site("");
    let terraform = &site.workspace;
    let (apart, group) = (format!("{}-apart", site.namespace), define(&site, &[("v1", true)]));
    let namespace = format!("apiVersion: v1\nkind: Namespace\nmetadata:\n  name: {apart}\n");
    terraform.write("chart/templates/apart.yaml", &namespace);
    terraform.write("other/Chart.yaml", "apiVersion: v2\nname: other\nversion: 1.0.0\n");
    let gadget = format!(
        "apiVersion: {group}/v1\nkind: Gadget\nmetadata: {{name: one}}\n---\napiVersion: v1\nkind: ConfigMap\nmetadata: {{name: one}}\n"
    );
    terraform.write("other/templates/gadget.yaml", &gadget);
    let other = |depends: &str| {
        format!(
            "resource \"strata_release\" \"other\" {{\n  name      = \"other\"\n  namespace = \"{apart}\"\n  cluster   = \"one\"\n  {depends}\n  chart {{\n    path = \"other\"\n  }}\n  delivery {{\n    cluster {{}}\n  }}\n}}\n"
        )
    };
    terraform.write("other.tf", &other("depends_on = [strata_release.this]"));
    terraform.replace(
        "main.tf",
        "chart {\n",
        "allow_deletion_of = [\"CustomResourceDefinition\", \"Namespace\"]\n  chart {\n",
    );
    let plan = words(&terraform.plan().expect_success().stdout.replace('│', " "));
    for part in [
        "objects of release".to_owned(),
        format!("{group}/v1/Gadget/{apart}/one, after release {}/small on one", site.namespace),
        format!("v1/ConfigMap/{apart}/one, after release {}/small on one", site.namespace),
        "depends_on".to_owned(),
    ] {
        assert!(plan.contains(&part), "{part} is not in\n{plan}");
    }
    terraform.apply().expect_success();
    terraform.assert_nothing_to_do();
    let gadgets = format!("/apis/{group}/v1/namespaces/{apart}/gadgets/one");
    assert!(site.cluster.get(&gadgets).is_some());
    terraform.destroy().expect_success();
    assert!(site.cluster.get(&format!("/api/v1/namespaces/{apart}")).is_none());

    // Alone it is refused.
    let main = terraform.read("main.tf");
    terraform.write("main.tf", main.split("resource \"strata_release\"").next().unwrap_or_default());
    terraform.write("other.tf", &other(""));
    let message = words(&terraform.plan().expect_failure());
    assert!(message.contains(&format!("does not know {group}/v1 Gadget")), "{message}");
}

#[test]
fn what_would_go_along_with_a_definition_or_a_namespace_is_counted() {
    let site = site("");
    let terraform = &site.workspace;
    let group = define(&site, &[("v1", true)]);
    let apart = format!("{}-apart", site.namespace);
    terraform.write(
        "chart/templates/apart.yaml",
        &format!("apiVersion: v1\nkind: Namespace\nmetadata:\n  name: {apart}\n"),
    );
    terraform.apply().expect_success();
    for name in ["one", "two", "three"] {
        create_gadget(&site, &group, "v1", name);
        let object = json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": name}});
        site.cluster.create(&format!("/api/v1/namespaces/{apart}/secrets"), &object);
    }
    terraform.write("chart/templates/gadgets.yaml", "");
    terraform.write("chart/templates/apart.yaml", "");
    for message in [terraform.plan().expect_failure(), terraform.destroy().expect_failure()] {
        let message = words(&message);
        assert!(message.contains("would delete objects that take others or data along"), "{message}");
        let definition = format!("CustomResourceDefinition/gadgets.{group}, and 3 Gadget objects with it");
        assert!(message.contains(&definition), "{message}");
        assert!(message.contains(&format!("v1/Namespace/{apart}, and ")), "{message}");
        assert!(message.contains("objects with it: 3 Secret"), "{message}");
    }
    terraform.replace(
        "main.tf",
        "chart {\n",
        "allow_deletion_of = [\"CustomResourceDefinition\", \"Namespace\"]\n  chart {\n",
    );
    terraform.apply().expect_success();
    terraform.assert_nothing_to_do();
    terraform.destroy().expect_success();
}
