//! The `sops` command, for keys that only it can use: PGP, cloud key services, Vault, plugins and ssh keys of age.
//!
//! It gets the encrypted text on its standard input and the caller's whole environment, for that is where its credentials are;
//! no secret is in its arguments.

use std::io::{Read, Write};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use super::error::SopsError;
use super::identities::KeySources;
use super::metadata::Metadata;

const LONGEST: Duration = Duration::from_secs(60);
const LARGEST_ANSWER_BYTES: u64 = 256 << 20;
const LONGEST_MESSAGE_BYTES: u64 = 64 << 10;

/// Decrypts a text to YAML.
///
/// # Errors
/// When there is no such command, or it fails or takes too long.
pub(super) fn decrypt(
    file: &str,
    text: &[u8],
    metadata: &Metadata,
    keys: &KeySources,
) -> Result<Vec<u8>, SopsError> {
    let failed = |message: String| SopsError::Command { file: file.to_owned(), message };
    let is_json = text.trim_ascii_start().starts_with(b"{");
    let mut command = Command::new("sops");
    command
        .args([
            "--decrypt",
            "--input-type",
            if is_json { "json" } else { "yaml" },
            "--output-type",
            "yaml",
            "/dev/stdin",
        ])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    if let Some(given) = &keys.given {
        command.env("SOPS_AGE_KEY", given.reveal());
    }
    let mut child = command.spawn().map_err(|error| match error.kind() {
        std::io::ErrorKind::NotFound => {
            SopsError::CommandMissing { file: file.to_owned(), recipients: metadata.recipients() }
        }
        _ => failed(format!("it cannot be started: {error}")),
    })?;
    let (input, output, message) = (child.stdin.take(), child.stdout.take(), child.stderr.take());
    let text = text.to_vec();
    // A command that refuses early closes its end; its message tells why.
    let feeding = std::thread::spawn(move || input.map(|mut input| input.write_all(&text)));
    let reading = std::thread::spawn(move || read(output, LARGEST_ANSWER_BYTES));
    let listening = std::thread::spawn(move || read(message, LONGEST_MESSAGE_BYTES));
    let ended = wait(&mut child);
    let _ = feeding.join();
    let answer = reading.join().unwrap_or_default();
    let message = listening.join().unwrap_or_default();
    match ended {
        Some(true) => Ok(answer),
        Some(false) => Err(failed(printable(&String::from_utf8_lossy(&message)))),
        None => Err(failed(format!("it took longer than {} seconds and was ended", LONGEST.as_secs()))),
    }
}

/// Waits for the end and says whether it was a success; nothing where it had to be ended.
fn wait(child: &mut Child) -> Option<bool> {
    let end = Instant::now() + LONGEST;
    loop {
        match child.try_wait() {
            Ok(Some(status)) => return Some(status.success()),
            Ok(None) if Instant::now() < end => std::thread::sleep(Duration::from_millis(5)),
            _ => {
                let _ = child.kill();
                let _ = child.wait();
                return None;
            }
        }
    }
}

fn read(pipe: Option<impl Read>, limit: u64) -> Vec<u8> {
    let mut bytes = Vec::new();
    if let Some(pipe) = pipe {
        // A broken pipe ends the reading; the exit status decides what that means.
        let _ = pipe.take(limit).read_to_end(&mut bytes);
    }
    bytes
}

/// Keeps the lines that name no value, in printable form.
fn printable(message: &str) -> String {
    let lines = message.lines().filter(|line| !line.contains("Input string"));
    let lines = lines.map(|line| line.replace(char::is_control, " ").trim().to_owned());
    let text: String =
        lines.filter(|line| !line.is_empty()).collect::<Vec<_>>().join("\n").chars().take(2_000).collect();
    if text.is_empty() { "it says nothing that may be shown".to_owned() } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_lose_values_and_escapes() {
        let message =
            "Failed\u{1b} to get the data key\n\nCould not decrypt: Input string hunter2 does not match\n";
        assert_eq!(printable(message), "Failed  to get the data key");
        assert_eq!(printable(""), "it says nothing that may be shown");
    }
}
