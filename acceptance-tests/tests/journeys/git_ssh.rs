//! Git over ssh with a real sshd on the loopback: our key, our known hosts, nothing else.
//!
//! Needs `sshd` and `ssh-keygen` (Debian: `openssh-server`).

#![allow(clippy::unwrap_used, reason = "a test that unwraps says enough when it fails")]

use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use strata::delivery::DeliveryError;
use strata::source::git::{Credentials, Remote};
use strata::source::{Secret, SourceError};

use crate::git_bare::{Bare, deliver, delivers_and_reads_back, soon};

/// A running sshd that lets one key in as the current user.
pub(crate) struct Sshd {
    folder: tempfile::TempDir,
    port: u16,
    child: Child,
}

impl Sshd {
    pub(crate) fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        for name in ["host", "client", "stranger"] {
            keygen(&folder.path().join(name));
        }
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let at = |name: &str| folder.path().join(name).display().to_string();
        let configuration = format!(
            "Port {port}\nListenAddress 127.0.0.1\nHostKey {}\nAuthorizedKeysFile {}\nPidFile none\nUsePAM no\n\
             StrictModes no\nPasswordAuthentication no\nKbdInteractiveAuthentication no\nPermitRootLogin yes\n",
            at("host"),
            at("client.pub"),
        );
        std::fs::write(at("sshd_config"), configuration).unwrap();
        // The daemon insists on this folder when root runs it.
        let _ = std::fs::create_dir_all("/run/sshd");
        let program = sshd().expect("sshd is missing: install openssh-server");
        let mut command = Command::new(program);
        command.args(["-D", "-e", "-f", &at("sshd_config")]).stderr(Stdio::null());
        let child = command.spawn().unwrap();
        let sshd = Self { folder, port, child };
        sshd.wait();
        sshd
    }

    fn wait(&self) {
        let limit = Instant::now() + Duration::from_secs(10);
        while TcpStream::connect(("127.0.0.1", self.port)).is_err() {
            assert!(Instant::now() < limit, "sshd does not listen");
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// Returns a file: `client` and `client.pub` let in, `host.pub` is what the server shows.
    pub(crate) fn text(&self, name: &str) -> String {
        std::fs::read_to_string(self.folder.path().join(name)).unwrap()
    }

    /// Returns the line of a known_hosts file for the server.
    pub(crate) fn known_hosts(&self, host_key: &str) -> String {
        format!("[127.0.0.1]:{} {}", self.port, self.text(host_key))
    }

    /// Returns the address of a folder.
    pub(crate) fn url(&self, folder: &Path) -> String {
        let user = String::from_utf8(Command::new("id").arg("-un").output().unwrap().stdout).unwrap();
        format!("ssh://{}@127.0.0.1:{}{}", user.trim(), self.port, folder.display())
    }

    fn remote(&self, bare: &Bare, key: &str, host_key: &str) -> Remote {
        let known_hosts = self.known_hosts(host_key);
        let credentials = Credentials::SshKey { private_key: Secret::new(self.text(key)), known_hosts };
        Remote::new(&self.url(&bare.path()), credentials, None).unwrap()
    }
}

impl Drop for Sshd {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn sshd() -> Option<PathBuf> {
    ["/usr/sbin/sshd", "/usr/local/sbin/sshd", "/usr/bin/sshd"]
        .map(PathBuf::from)
        .into_iter()
        .find(|path| path.exists())
}

fn keygen(path: &Path) {
    let status =
        Command::new("ssh-keygen").args(["-q", "-t", "ed25519", "-N", "", "-f"]).arg(path).status().unwrap();
    assert!(status.success());
}

#[tokio::test]
async fn delivers_with_our_key_to_a_known_host_and_refuses_all_else() {
    let (bare, sshd) = (Bare::new(), Sshd::start());
    delivers_and_reads_back(&bare, sshd.remote(&bare, "client", "host.pub")).await;

    let unknown_host = sshd.remote(&bare, "client", "stranger.pub");
    let error = deliver(&bare.place(unknown_host), soon()).await.unwrap_err();
    assert!(matches!(error, DeliveryError::Source(SourceError::Untrusted { .. })), "{error}");

    let unknown_key = sshd.remote(&bare, "stranger", "host.pub");
    let error = deliver(&bare.place(unknown_key), soon()).await.unwrap_err();
    assert!(matches!(error, DeliveryError::Source(SourceError::Forbidden { .. })), "{error}");
    assert_eq!(bare.commits(), "2");
}
