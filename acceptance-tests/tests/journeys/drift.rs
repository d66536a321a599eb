//! What somebody else did in the repository shows in the plan field by field, and the next apply heals it.

use acceptance_tests::terraform::shown_changes;

use crate::shop::{DELIVERY, assert_shows, changes, single};

const FILE: &str = "clusters/one/small/configmap-small.yaml";

#[test]
fn an_edited_field_shows_and_heals() {
    let shop = single(DELIVERY);
    let terraform = &shop.workspace;
    terraform.apply().expect_success();
    let delivered = shop.repository.read(FILE).expect("the release was delivered");

    shop.repository.commit(&[(FILE, Some(&delivered.replace("green", "black")))], "Edit by hand");
    let plan = terraform.plan().expect_success();
    assert_eq!(changes(&terraform.plan_json()), ["strata_release.this update"]);
    assert_shows(&shown_changes(&plan.stdout), r#"~ "data.color" = "black" -> "green""#);

    terraform.apply().expect_success();
    assert_eq!(shop.repository.read(FILE).as_deref(), Some(delivered.as_str()));
    terraform.assert_nothing_to_do();
}

#[test]
fn a_removed_file_shows_and_comes_back() {
    let shop = single(DELIVERY);
    let terraform = &shop.workspace;
    terraform.apply().expect_success();

    shop.repository.commit(&[(FILE, None)], "Remove by hand");
    terraform.plan().expect_success();
    assert_eq!(changes(&terraform.plan_json()).len(), 1, "the missing file must show");
    terraform.apply().expect_success();
    assert!(shop.repository.read(FILE).is_some());
    terraform.assert_nothing_to_do();
}

#[test]
fn commits_of_others_beside_ours_are_no_drift() {
    let shop = single(DELIVERY);
    shop.workspace.apply().expect_success();
    shop.repository.commit(&[("clusters/one/small/other.yaml", Some("a: 1\n"))], "Somebody else's file");
    shop.workspace.assert_nothing_to_do();
    shop.workspace.destroy().expect_success();
    assert!(shop.repository.read("clusters/one/small/other.yaml").is_some(), "others' files stay");
}

#[test]
fn an_unreachable_repository_never_drops_a_release_from_the_state() {
    let shop = single(DELIVERY);
    let terraform = &shop.workspace;
    terraform.apply().expect_success();
    let hidden = shop.repository.path().with_extension("away");
    std::fs::rename(shop.repository.path(), &hidden).expect("the repository can be moved");
    let run = terraform.plan();
    std::fs::rename(&hidden, shop.repository.path()).expect("the repository can be moved back");
    assert!(!run.stdout.contains("will be created"), "{}", run.stdout);
    terraform.assert_nothing_to_do();
}
