//! Git over http with a login: delivery, what the server and other processes get to see of the password, and faults.

#![allow(clippy::unwrap_used, reason = "a test that unwraps says enough when it fails")]

use std::time::Duration;

use acceptance_tests::git_server::{Fault, GitServer};
use strata::delivery::{Delivery, DeliveryError, FileIds, Instant};
use strata::source::git::{Credentials, Remote};
use strata::source::{Secret, SourceError};

use crate::git_bare::{Bare, deliver, delivers_and_reads_back, soon};

const PASSWORD: &str = "correct-horse%20'battery$(staple)";

fn start(bare: &Bare) -> GitServer {
    GitServer::start(bare.root(), Some(("tester", PASSWORD)))
}

fn remote(server: &GitServer, password: &str) -> Remote {
    let credentials = Credentials::Basic { username: "tester".into(), password: Secret::new(password) };
    Remote::new(&server.url("remote.git"), credentials, None).unwrap()
}

#[tokio::test]
async fn delivers_and_reads_back_with_a_login() {
    let bare = Bare::new();
    let server = start(&bare);
    delivers_and_reads_back(&bare, remote(&server, PASSWORD)).await;
    assert!(server.requests().iter().all(|request| !request.target.contains("horse")));
    assert_eq!(files_that_contain(&bare.root().join("cache"), PASSWORD), Vec::<String>::new());
}

#[tokio::test]
async fn a_wrong_or_missing_login_is_refused_without_showing_it() {
    let bare = Bare::new();
    let server = start(&bare);
    let nobody = Remote::new(&server.url("remote.git"), Credentials::None, None).unwrap();
    for remote in [remote(&server, "wrong-horse"), nobody] {
        let place = bare.place(remote);
        let delivered = deliver(&place, soon()).await.unwrap_err();
        let read = place.read(&FileIds::new(), soon()).await.unwrap_err();
        for error in [delivered, read] {
            assert!(matches!(error, DeliveryError::Source(SourceError::Forbidden { .. })), "{error}");
            assert!(!format!("{error} {error:?}").contains("wrong-horse"));
        }
    }
    assert_eq!(bare.commits(), "1");
}

#[tokio::test]
async fn a_redirect_to_another_host_gets_no_password() {
    let (bare, other) = (Bare::new(), Bare::new());
    let (server, thief) = (start(&bare), start(&other));
    for _ in 0..4 {
        server.fail("info/refs", Fault::Redirect(thief.url("remote.git/info/refs?service=git-upload-pack")));
    }
    let error = deliver(&bare.place(remote(&server, PASSWORD)), soon()).await.unwrap_err();
    assert!(matches!(error, DeliveryError::Source(_)), "{error}");
    assert!(!thief.requests().is_empty());
    assert!(thief.requests().iter().all(|request| !request.headers.contains_key("authorization")));
    assert_eq!((bare.commits(), other.commits()), ("1".to_owned(), "1".to_owned()));
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn no_process_shows_the_password_in_its_arguments() {
    let bare = Bare::new();
    let server = start(&bare);
    for part in ["git-upload-pack", "git-receive-pack"] {
        server.fail(part, Fault::Stall(Duration::from_secs(1)));
    }
    let place = bare.place(remote(&server, PASSWORD));
    let call = tokio::spawn(async move { deliver(&place, soon()).await });
    let mut git_was_seen = false;
    while !call.is_finished() {
        for arguments in all_arguments() {
            assert!(!arguments.contains("correct-horse"), "{arguments}");
            git_was_seen |= arguments.contains(&server.url("remote.git"));
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    call.await.unwrap().unwrap();
    assert!(git_was_seen);
}

#[tokio::test]
async fn a_broken_connection_is_tried_again() {
    for fault in [Fault::Close, Fault::Status(503), Fault::Truncate] {
        for part in
            ["info/refs?service=git-upload-pack", "/git-upload-pack", "info/refs?service=git-receive-pack"]
        {
            let bare = Bare::new();
            let server = start(&bare);
            server.fail(part, fault.clone());
            let delivered = deliver(&bare.place(remote(&server, PASSWORD)), soon()).await;
            delivered.unwrap_or_else(|error| panic!("{fault:?} at {part}: {error}"));
            assert_eq!((bare.commits().as_str(), bare.files().as_str()), ("2", "dns/a.yaml"));
        }
    }
}

#[tokio::test]
async fn a_push_whose_answer_got_lost_is_not_done_twice() {
    let bare = Bare::new();
    let server = start(&bare);
    server.fail("/git-receive-pack", Fault::CloseAfterwards);
    // The first post of a large push is a probe for the login; this one is small and is the push.
    let receipt = deliver(&bare.place(remote(&server, PASSWORD)), soon()).await.unwrap();
    assert_eq!((bare.commits().as_str(), bare.git(&["rev-parse", "main"])), ("2", receipt.revision));
}

#[tokio::test]
async fn a_server_that_stays_broken_or_silent_ends_in_an_error_in_time() {
    let bare = Bare::new();
    let server = start(&bare);
    for _ in 0..20 {
        server.fail("git-receive-pack", Fault::Status(500));
    }
    let error = deliver(&bare.place(remote(&server, PASSWORD)), soon()).await.unwrap_err();
    assert!(matches!(error, DeliveryError::Source(SourceError::Unreachable { .. })), "{error}");

    let silent = start(&bare);
    silent.fail("info/refs", Fault::Stall(Duration::from_secs(60)));
    let begun = Instant::now();
    let error =
        deliver(&bare.place(remote(&silent, PASSWORD)), begun + Duration::from_secs(3)).await.unwrap_err();
    assert!(matches!(error, DeliveryError::Source(SourceError::Timeout { .. })), "{error}");
    assert!(begun.elapsed() < Duration::from_secs(20));
    assert_eq!(bare.commits(), "1");
}

#[tokio::test]
async fn an_address_without_a_repository_says_so() {
    let bare = Bare::new();
    let server = GitServer::start(bare.root(), None);
    let remote = Remote::new(&server.url("absent.git"), Credentials::None, None).unwrap();
    let error = deliver(&bare.place(remote), soon()).await.unwrap_err();
    assert!(matches!(error, DeliveryError::Source(SourceError::NoRepository { .. })), "{error}");
}

/// Gives the command lines of all processes.
#[cfg(target_os = "linux")]
fn all_arguments() -> Vec<String> {
    let processes = std::fs::read_dir("/proc").unwrap().flatten();
    let lines = processes.filter_map(|process| std::fs::read(process.path().join("cmdline")).ok());
    lines.map(|line| String::from_utf8_lossy(&line).replace('\0', " ")).collect()
}

fn files_that_contain(folder: &std::path::Path, text: &str) -> Vec<String> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap().flatten() {
        let path = entry.path();
        if path.is_dir() {
            found.extend(files_that_contain(&path, text));
        } else if String::from_utf8_lossy(&std::fs::read(&path).unwrap()).contains(text) {
            found.push(path.display().to_string());
        }
    }
    found
}
