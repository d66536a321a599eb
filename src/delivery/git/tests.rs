//! Deliveries to real bare repositories in temporary folders.

use std::time::Duration;

use super::super::contract::{keeps_the_contract, owner, parcel, soon};
use super::super::{Delivery, Existing, FileIds};
use super::*;
use crate::source::git::fixture::Fixture;
use crate::source::git::{Credentials, Remote};

fn target(fixture: &Fixture) -> Target {
    Target::new(fixture.remote(), "main", Author::default()).unwrap()
}

fn place(fixture: &Fixture, folder: &str) -> GitFolder {
    GitDelivery::new(fixture.cache()).folder(target(fixture), folder).unwrap()
}

async fn deliver(
    place: &GitFolder,
    name: &str,
    content: &str,
) -> Result<super::super::Receipt, DeliveryError> {
    place.deliver(parcel(&owner(name), &[("a.yaml", content)], &FileIds::new()), soon()).await
}

#[tokio::test]
async fn keeps_the_contract_in_an_empty_repository_and_beside_others() {
    let empty = Fixture::empty();
    keeps_the_contract(&place(&empty, "clusters/pre/dns")).await;
    let shared = Fixture::with_files(&[("README.md", "hello"), ("clusters/pre/dns/notes.txt", "mine")]);
    keeps_the_contract(&place(&shared, "clusters/pre/dns")).await;
    assert_eq!(shared.files(), ["README.md", "clusters/pre/dns/notes.txt"]);
}

#[tokio::test]
async fn a_commit_names_the_release_and_keeps_other_files() {
    let fixture = Fixture::with_files(&[("other.txt", "x"), ("clusters/other.yaml", "y")]);
    deliver(&place(&fixture, "clusters/pre/dns"), "dns", "a: 1\n").await.unwrap();
    assert_eq!(fixture.files(), ["clusters/other.yaml", "clusters/pre/dns/a.yaml", "other.txt"]);
    let log = fixture.git(&["log", "-1", "--format=%an <%ae>%n%B", "main"]);
    assert_eq!(log, "strata <strata@localhost>\nDeliver dns to pre\n\npre: n/dns (1 written)");
    assert!(fixture.show("clusters/pre/dns/a.yaml").unwrap().starts_with("# strata: release n/dns on pre\n"));
}

#[tokio::test]
async fn releases_that_arrive_together_make_one_commit() {
    let fixture = Fixture::with_files(&[("x", "x")]);
    let delivery = GitDelivery::new(fixture.cache());
    let calls = (0..40).map(|number| {
        let place = delivery.folder(target(&fixture), &format!("c{number}/dns")).unwrap();
        tokio::spawn(
            async move { deliver(&place, &format!("dns{number}"), "a: 1\n").await.unwrap().revision },
        )
    });
    let mut revisions = std::collections::BTreeSet::new();
    for call in calls.collect::<Vec<_>>() {
        revisions.insert(call.await.unwrap());
    }
    assert_eq!((revisions.len(), fixture.commits(), fixture.files().len()), (1, 2, 41));
}

#[tokio::test]
async fn eight_writers_at_once_all_land() {
    let fixture = Fixture::with_files(&[("x", "x")]);
    let writers = (0..8).map(|number| {
        // Four processes of one machine, and four machines with a cache of their own.
        let cache = if number < 4 { "cache".to_owned() } else { format!("cache{number}") };
        let delivery = GitDelivery::new(fixture.folder.path().join(cache));
        let place = delivery.folder(target(&fixture), &format!("w{number}")).unwrap();
        let deadline = Instant::now() + Duration::from_secs(300);
        tokio::spawn(async move {
            let files = [("a.yaml", "a: 1\n")];
            place.deliver(parcel(&owner(&format!("w{number}")), &files, &FileIds::new()), deadline).await
        })
    });
    for writer in writers.collect::<Vec<_>>() {
        writer.await.unwrap().unwrap();
    }
    assert_eq!((fixture.files().len(), fixture.commits()), (9, 9));
}

#[tokio::test]
async fn a_racing_pusher_is_overtaken_in_turn_without_losing_either_change() {
    let fixture = Fixture::with_files(&[("x", "x")]);
    // The first push finds that somebody committed between our fetch and our push.
    fixture.hook(
        "pre-receive",
        "test -e \"$GIT_DIR/raced\" && exit 0; touch \"$GIT_DIR/raced\"; unset GIT_QUARANTINE_PATH GIT_OBJECT_DIRECTORY GIT_ALTERNATE_OBJECT_DIRECTORIES
        export GIT_AUTHOR_NAME=s GIT_AUTHOR_EMAIL=s GIT_COMMITTER_NAME=s GIT_COMMITTER_EMAIL=s
        blob=$(echo theirs | git hash-object -w --stdin)
        tree=$( (git ls-tree main; printf '100644 blob %s\\traced\\n' $blob) | git mktree)
        git update-ref refs/heads/main $(git commit-tree -p main -m race $tree)",
    );
    deliver(&place(&fixture, "dns"), "dns", "a: 1\n").await.unwrap();
    assert_eq!(fixture.files(), ["dns/a.yaml", "raced", "x"]);
    assert_eq!(fixture.commits(), 3);
}

#[tokio::test]
async fn a_hook_that_refuses_is_quoted_and_nothing_is_reported() {
    let fixture = Fixture::with_files(&[("x", "x")]);
    fixture.hook("pre-receive", "echo 'policy: no deliveries on Friday' >&2; exit 1");
    let error = deliver(&place(&fixture, "dns"), "dns", "a: 1\n").await.unwrap_err();
    assert!(matches!(error, DeliveryError::Refused { .. }), "{error}");
    assert!(error.to_string().contains("policy: no deliveries on Friday"), "{error}");
    assert_eq!(fixture.commits(), 1);
}

#[tokio::test]
async fn contention_ends_at_the_deadline() {
    let fixture = Fixture::with_files(&[("x", "x")]);
    std::fs::write(fixture.bare().join("refs/heads/main.lock"), "").unwrap();
    let place = place(&fixture, "dns");
    let deadline = Instant::now() + Duration::from_secs(6);
    let parcel = parcel(&owner("dns"), &[("a.yaml", "a: 1\n")], &FileIds::new());
    let error = place.deliver(parcel, deadline).await.unwrap_err();
    let expected = matches!(
        &error,
        DeliveryError::Contended { .. } | DeliveryError::Source(SourceError::Timeout { .. })
    );
    assert!(expected, "{error}");
}

#[tokio::test]
async fn files_of_others_are_refused_adopted_on_request_and_never_deleted() {
    let fixture = Fixture::with_files(&[("dns/a.yaml", "theirs: true\n")]);
    let place = place(&fixture, "dns");
    let error = deliver(&place, "dns", "a: 1\n").await.unwrap_err();
    assert!(matches!(error, DeliveryError::Foreign { owner: None, .. }), "{error}");
    assert_eq!(fixture.show("dns/a.yaml").unwrap(), "theirs: true");
    let mut adopting = parcel(&owner("dns"), &[("a.yaml", "a: 1\n")], &FileIds::new());
    adopting.existing = Existing::Adopt;
    place.deliver(adopting, soon()).await.unwrap();
    assert!(fixture.show("dns/a.yaml").unwrap().ends_with("a: 1"));
}

#[tokio::test]
async fn another_releases_file_is_named_with_its_owner() {
    let fixture = Fixture::empty();
    deliver(&place(&fixture, "dns"), "dns", "a: 1\n").await.unwrap();
    let error = deliver(&place(&fixture, "dns"), "web", "a: 2\n").await.unwrap_err();
    assert!(error.to_string().contains("belongs to release n/dns on pre"), "{error}");
}

#[tokio::test]
async fn two_releases_with_one_path_fail_at_plan_and_at_apply_naming_both() {
    let fixture = Fixture::empty();
    let delivery = GitDelivery::new(fixture.cache());
    let place = delivery.folder(target(&fixture), "dns").unwrap();
    place.claim(&owner("dns"), ["a.yaml"]).unwrap();
    place.claim(&owner("dns"), ["a.yaml"]).unwrap();
    let planned = place.claim(&owner("web"), ["b.yaml", "a.yaml"]).unwrap_err();
    let applied = deliver(&place, "web", "a: 1\n").await.unwrap_err();
    for error in [planned, applied] {
        let text = error.to_string();
        assert!(
            text.contains("release n/web on pre and release n/dns on pre both write `dns/a.yaml`"),
            "{text}"
        );
    }
    place.claim(&owner("web"), ["b.yaml"]).unwrap();
}

#[tokio::test]
async fn links_in_the_tree_are_not_followed() {
    let fixture = Fixture::with_files(&[("dns", "->/etc")]);
    let error = deliver(&place(&fixture, "dns"), "dns", "a: 1\n").await.unwrap_err();
    assert!(error.to_string().contains("`dns` is a symbolic link"), "{error}");
}

#[tokio::test]
async fn drift_reads_as_the_changed_content() {
    let fixture = Fixture::with_files(&[("x", "x")]);
    let receipt = deliver(&place(&fixture, "dns"), "dns", "a: 1\n").await.unwrap();
    fixture.commit(&[("dns/a.yaml", "edited: true\n")]);
    let reading = place(&fixture, "dns").read(&receipt.files, soon()).await.unwrap();
    let found = reading.files["a.yaml"].clone().unwrap();
    assert_eq!(found.changed.as_deref(), Some(&b"edited: true\n"[..]));
    assert_ne!(found.id, receipt.files["a.yaml"]);
}

#[tokio::test]
async fn missing_branch_repository_and_path_are_told_apart() {
    let fixture = Fixture::with_files(&[("x", "x")]);
    let delivery = GitDelivery::new(fixture.cache());
    let check = async |remote: Remote, branch: &str, part: &str| {
        let target = Target::new(remote, branch, Author::default()).unwrap();
        let place = delivery.folder(target, "dns").unwrap();
        let delivered = deliver(&place, "dns", "a: 1\n").await.unwrap_err();
        let read = place.read(&FileIds::new(), soon()).await.unwrap_err();
        for error in [delivered, read] {
            assert!(error.to_string().contains(part) && error.hint().is_some(), "{error}");
        }
    };
    check(fixture.remote(), "absent", "has no branch `absent`; its branches: `main`").await;
    let nowhere = Remote::new("/nonexistent/x.git", Credentials::None, None).unwrap();
    check(nowhere, "main", "no git repository at `file:///nonexistent/x.git`").await;
    let refused = Remote::new("http://127.0.0.1:9/x.git", Credentials::None, None).unwrap();
    check(refused, "main", "`http://127.0.0.1:9/x.git` is unreachable").await;
}

#[tokio::test]
async fn a_caller_that_gives_up_before_the_push_leaves_nothing_behind() {
    let fixture = Fixture::with_files(&[("x", "x")]);
    let delivery = GitDelivery::new(fixture.cache());
    let place = delivery.folder(target(&fixture), "dns").unwrap();
    let abandoned = deliver(&place, "dns", "a: 1\n");
    assert!(tokio::time::timeout(Duration::from_millis(50), abandoned).await.is_err());
    let other = delivery.folder(target(&fixture), "web").unwrap();
    deliver(&other, "web", "a: 1\n").await.unwrap();
    assert_eq!(fixture.files(), ["web/a.yaml", "x"]);
}

#[tokio::test]
async fn a_push_that_nobody_waits_for_is_stopped() {
    let fixture = Fixture::with_files(&[("x", "x")]);
    fixture.hook("pre-receive", "touch \"$GIT_DIR/begun\"; sleep 60");
    let delivery = GitDelivery::new(fixture.cache());
    let place = delivery.folder(target(&fixture), "dns").unwrap();
    let call = tokio::spawn(async move { deliver(&place, "dns", "a: 1\n").await });
    let begun = fixture.bare().join("begun");
    while !begun.exists() {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    call.abort();
    std::fs::write(fixture.bare().join("hooks/pre-receive"), "#!/bin/sh\n").unwrap();
    let other = delivery.folder(target(&fixture), "web").unwrap();
    tokio::time::timeout(Duration::from_secs(45), deliver(&other, "web", "a: 1\n")).await.unwrap().unwrap();
    assert_eq!(fixture.files(), ["web/a.yaml", "x"]);
}

#[tokio::test]
async fn a_slow_remote_ends_at_the_deadline_and_is_not_reported_as_done() {
    let fixture = Fixture::with_files(&[("x", "x")]);
    fixture.hook("pre-receive", "sleep 60");
    let place = place(&fixture, "dns");
    let deadline = Instant::now() + Duration::from_secs(5);
    let parcel = parcel(&owner("dns"), &[("a.yaml", "a: 1\n")], &FileIds::new());
    let error = place.deliver(parcel, deadline).await.unwrap_err();
    assert!(matches!(error, DeliveryError::Source(SourceError::Timeout { .. })), "{error}");
    assert!(Instant::now() < deadline + Duration::from_secs(10));
}

#[test]
fn folders_and_names_that_escape_are_refused() {
    let delivery = GitDelivery::new("/nonexistent");
    let remote = || Remote::new("/nonexistent/x.git", Credentials::None, None).unwrap();
    let target = || Target::new(remote(), "main", Author::default()).unwrap();
    for folder in ["../x", "/x", "", ".git/hooks", "a\\b", "a/../../b"] {
        assert!(delivery.folder(target(), folder).is_err(), "{folder}");
    }
    let place = delivery.folder(target(), "x").unwrap();
    assert!(place.claim(&owner("dns"), ["../y.yaml"]).is_err());
    for branch in ["", "-f", "a b", "x:y", "HEAD~1"] {
        assert!(Target::new(remote(), branch, Author::default()).is_err(), "{branch}");
    }
}
