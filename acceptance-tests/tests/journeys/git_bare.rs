//! A bare repository and a release's delivery to it, for the modules that differ only in how git reaches it.

#![allow(clippy::unwrap_used, reason = "a test that unwraps says enough when it fails")]

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use strata::delivery::git::{Author, GitDelivery, GitFolder, Target};
use strata::delivery::{Delivery, DeliveryError, Existing, FileIds, Instant, Owner, Parcel, Receipt};
use strata::source::git::Remote;

/// A folder with the bare repository `remote.git` and room for a cache.
pub(crate) struct Bare {
    folder: tempfile::TempDir,
}

impl Bare {
    /// Makes a repository whose branch `main` holds one empty commit.
    pub(crate) fn new() -> Self {
        let bare = Self { folder: tempfile::tempdir().unwrap() };
        std::fs::create_dir(bare.path()).unwrap();
        bare.git(&["init", "--quiet", "--bare", "--initial-branch=main"]);
        for key in ["uploadpack.allowFilter", "uploadpack.allowAnySHA1InWant", "http.receivepack"] {
            bare.git(&["config", key, "true"]);
        }
        let tree = bare.git(&["hash-object", "-t", "tree", "-w", "/dev/null"]);
        let commit = bare.git(&["commit-tree", "-m", "start", &tree]);
        bare.git(&["update-ref", "refs/heads/main", &commit]);
        bare
    }

    pub(crate) fn root(&self) -> &Path {
        self.folder.path()
    }

    pub(crate) fn path(&self) -> PathBuf {
        self.folder.path().join("remote.git")
    }

    /// Gives the folder `dns` of `main` as a place, reached at `remote`.
    pub(crate) fn place(&self, remote: Remote) -> GitFolder {
        let target = Target::new(remote, "main", Author::default()).unwrap();
        GitDelivery::new(self.folder.path().join("cache")).folder(target, "dns").unwrap()
    }

    pub(crate) fn files(&self) -> String {
        self.git(&["ls-tree", "-r", "--name-only", "main"])
    }

    pub(crate) fn commits(&self) -> String {
        self.git(&["rev-list", "--count", "main"])
    }

    pub(crate) fn git(&self, arguments: &[&str]) -> String {
        let mut command = Command::new("git");
        for role in ["AUTHOR", "COMMITTER"] {
            command.env(format!("GIT_{role}_NAME"), "s").env(format!("GIT_{role}_EMAIL"), "s@example.com");
        }
        let output = command.env("GIT_DIR", self.path()).args(arguments).output().unwrap();
        assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    }
}

pub(crate) fn soon() -> Instant {
    Instant::now() + Duration::from_secs(60)
}

/// Delivers one file and gives the receipt.
pub(crate) async fn deliver(place: &GitFolder, deadline: Instant) -> Result<Receipt, DeliveryError> {
    let owner =
        Owner { kind: Default::default(), cluster: "pre".into(), namespace: "n".into(), name: "dns".into() };
    let files = BTreeMap::from([("a.yaml".to_owned(), b"a: 1\n".to_vec())]);
    let parcel = Parcel { owner, files, delivered: FileIds::new(), existing: Existing::Refuse };
    place.deliver(parcel, deadline).await
}

/// Delivers, reads back with the content, and looks at the repository itself.
pub(crate) async fn delivers_and_reads_back(bare: &Bare, remote: Remote) {
    let receipt = deliver(&bare.place(remote.clone()), soon()).await.unwrap();
    assert_eq!(bare.git(&["rev-parse", "main"]), receipt.revision);
    let unknown = FileIds::from([("a.yaml".to_owned(), "0".repeat(40))]);
    // A fresh cache has no blob of it.
    std::fs::remove_dir_all(bare.root().join("cache")).unwrap();
    let reading = bare.place(remote).read(&unknown, soon()).await.unwrap();
    let content = reading.files["a.yaml"].clone().unwrap().changed.unwrap();
    assert!(content.ends_with(b"a: 1\n"));
}
