//! Create, update and delete, each failing before the first write, half-way, and after the end: state and repository
//! stay true, and the next apply converges.

use crate::shop::{DELIVERY, Shop, changes, single};

const FILE: &str = "clusters/one/small/configmap-small.yaml";
const ADDRESS: &str = "strata_release.this";
const REFUSE: &str = "echo 'not now' >&2; exit 1";

/// Accepts the push, then breaks the connection: the pusher cannot know that it succeeded.
const ACCEPT_AND_BREAK: &str = "kill -9 $PPID";

fn is_kept(shop: &Shop) -> bool {
    shop.workspace.attributes(ADDRESS).is_some()
}

fn converges(shop: &Shop, content: &str) {
    shop.workspace.apply().expect_success();
    shop.workspace.assert_nothing_to_do();
    let delivered = shop.repository.read(FILE).expect("the release is delivered");
    assert!(delivered.contains(content), "{delivered}");
}

#[test]
fn create_refused_before_the_write_keeps_nothing_and_converges() {
    let shop = single(DELIVERY);
    shop.repository.hook("pre-receive", REFUSE);
    shop.workspace.apply().expect_failure();
    assert!(!is_kept(&shop) && shop.repository.read(FILE).is_none());
    shop.repository.remove_hook("pre-receive");
    converges(&shop, "green");
}

#[test]
fn create_whose_answer_is_lost_is_found_again() {
    let shop = single(DELIVERY);
    shop.repository.hook("post-update", ACCEPT_AND_BREAK);
    let run = shop.workspace.apply();
    shop.repository.remove_hook("post-update");
    assert!(shop.repository.read(FILE).is_some(), "the push went through\n{}", run.stderr);
    converges(&shop, "green");
}

#[test]
fn create_refused_half_way_keeps_nothing_and_converges() {
    let shop = single(DELIVERY);
    shop.repository.hook("update", REFUSE);
    shop.workspace.apply().expect_failure();
    assert!(!is_kept(&shop) && shop.repository.read(FILE).is_none());
    shop.repository.remove_hook("update");
    converges(&shop, "green");
}

#[test]
fn update_refused_keeps_the_prior_state_and_converges() {
    for hook in ["pre-receive", "update"] {
        let shop = single(DELIVERY);
        shop.workspace.apply().expect_success();
        let before = shop.workspace.attributes(ADDRESS);
        shop.workspace.replace("base.yaml", "green", "red");
        shop.repository.hook(hook, REFUSE);
        shop.workspace.apply().expect_failure();
        assert_eq!(shop.workspace.attributes(ADDRESS), before, "{hook}");
        shop.repository.remove_hook(hook);
        shop.workspace.plan().expect_success();
        assert_eq!(
            changes(&shop.workspace.plan_json()),
            ["strata_release.this update"],
            "no taint, no replacement"
        );
        converges(&shop, "red");
    }
}

#[test]
fn update_whose_answer_is_lost_converges() {
    let shop = single(DELIVERY);
    shop.workspace.apply().expect_success();
    shop.workspace.replace("base.yaml", "green", "red");
    shop.repository.hook("post-update", ACCEPT_AND_BREAK);
    shop.workspace.apply();
    shop.repository.remove_hook("post-update");
    converges(&shop, "red");
}

#[test]
fn update_with_a_broken_template_writes_nothing() {
    let shop = single(DELIVERY);
    shop.workspace.apply().expect_success();
    let commits = shop.repository.commits();
    shop.workspace.replace("chart/templates/settings.yaml", ".Values.color", ".Values.color.shade");
    shop.workspace.apply().expect_failure();
    assert_eq!(shop.repository.commits(), commits);
    shop.workspace.replace("chart/templates/settings.yaml", ".Values.color.shade", ".Values.color");
    shop.workspace.assert_nothing_to_do();
}

#[test]
fn delete_refused_keeps_the_release_and_a_second_destroy_succeeds() {
    for hook in ["pre-receive", "update"] {
        let shop = single(DELIVERY);
        shop.workspace.apply().expect_success();
        shop.repository.hook(hook, REFUSE);
        shop.workspace.destroy().expect_failure();
        assert!(is_kept(&shop) && shop.repository.read(FILE).is_some(), "{hook}");
        shop.repository.remove_hook(hook);
        shop.workspace.assert_nothing_to_do();
        shop.workspace.destroy().expect_success();
        assert!(shop.repository.read(FILE).is_none());
    }
}

#[test]
fn delete_whose_answer_is_lost_is_done_at_the_next_try() {
    let shop = single(DELIVERY);
    shop.workspace.apply().expect_success();
    shop.repository.hook("post-update", ACCEPT_AND_BREAK);
    shop.workspace.destroy();
    shop.repository.remove_hook("post-update");
    shop.workspace.destroy().expect_success();
    assert!(shop.repository.read(FILE).is_none() && !is_kept(&shop));
}

#[test]
fn somebody_elses_push_in_between_is_no_failure() {
    let shop = single(DELIVERY);
    // The first push is refused as if another one had won the race; the hook then lets everything pass.
    let path = shop.repository.path().display().to_string();
    shop.repository.hook(
        "pre-receive",
        &format!(
            "if [ ! -e {path}/raced ]; then touch {path}/raced; \
             tree=$(git --git-dir={path} rev-parse 'main^{{tree}}'); \
             new=$(unset GIT_QUARANTINE_PATH GIT_OBJECT_DIRECTORY GIT_ALTERNATE_OBJECT_DIRECTORIES; \
             GIT_AUTHOR_NAME=x GIT_AUTHOR_EMAIL=x GIT_COMMITTER_NAME=x GIT_COMMITTER_EMAIL=x \
             git --git-dir={path} commit-tree \"$tree\" -p main -m race); \
             (unset GIT_QUARANTINE_PATH GIT_OBJECT_DIRECTORY GIT_ALTERNATE_OBJECT_DIRECTORIES; \
             git --git-dir={path} update-ref refs/heads/main \"$new\"); fi; exit 0"
        ),
    );
    shop.workspace.apply().expect_success();
    assert_eq!(shop.repository.commits(), 3, "start, the race, ours");
    shop.workspace.assert_nothing_to_do();
}
