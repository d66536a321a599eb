//! What Terraform and the provider cost in one run, each by itself.
//!
//! The provider runs detached from Terraform, so that the kernel accounts for the two separately.

use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, mpsc};
use std::time::Duration;

use crate::terraform::program;

/// What two processes cost.
#[derive(Debug)]
pub struct Cost {
    /// Processor time of the provider.
    pub provider: Duration,
    /// Processor time of Terraform.
    pub terraform: Duration,
    /// Most memory that the provider had.
    pub provider_peak_kib: u64,
    /// Most memory that Terraform had.
    pub terraform_peak_kib: u64,
    /// How many charts the provider loaded.
    pub charts_loaded: usize,
    /// What Terraform printed.
    pub stdout: String,
}

impl Cost {
    /// Returns the provider's processor time as a ratio to Terraform's.
    pub fn ratio(&self) -> f64 {
        self.provider.as_secs_f64() / self.terraform.as_secs_f64()
    }
}

/// Runs Terraform in a folder with a provider of its own, which must succeed.
pub fn measured(provider: &Path, folder: &Path, arguments: &[&str]) -> Cost {
    let mut provider = Command::new(provider)
        .arg("--debug")
        .current_dir(folder)
        .env("XDG_CACHE_HOME", folder.join("cache"))
        .env("TF_LOG_PROVIDER_STRATA", "INFO")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the provider starts");
    let (attach, charts) = reattach(&mut provider);
    let mut command = Command::new(program());
    command
        .args(arguments)
        .current_dir(folder)
        .env("TF_REATTACH_PROVIDERS", attach)
        .env("CHECKPOINT_DISABLE", "1")
        .env_remove("TF_CLI_CONFIG_FILE")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::inherit());
    let before = cpu(provider.id());
    let mut child = command.spawn().expect("terraform starts");
    let (stdout, terraform, terraform_peak_kib) = watch(&mut child);
    let cost = Cost {
        provider: cpu(provider.id()).saturating_sub(before),
        provider_peak_kib: peak_kib(provider.id()),
        terraform,
        terraform_peak_kib,
        charts_loaded: charts.load(Ordering::Relaxed),
        stdout,
    };
    end(&mut provider);
    cost
}

/// Reads the variable that attaches Terraform to a provider that was just started, and counts the charts that it loads.
fn reattach(provider: &mut Child) -> (String, Arc<AtomicUsize>) {
    let (sender, receiver) = mpsc::channel();
    let charts = Arc::new(AtomicUsize::new(0));
    let outputs: [Box<dyn Read + Send>; 2] =
        [Box::new(provider.stdout.take().expect("piped")), Box::new(provider.stderr.take().expect("piped"))];
    for output in outputs {
        let (sender, charts) = (sender.clone(), Arc::clone(&charts));
        std::thread::spawn(move || {
            for line in BufReader::new(output).lines().map_while(Result::ok) {
                if let Some((_, value)) = line.split_once("TF_REATTACH_PROVIDERS='") {
                    let _ = sender.send(value.trim_end_matches('\'').to_owned());
                }
                charts.fetch_add(usize::from(line.contains("loaded a chart")), Ordering::Relaxed);
            }
        });
    }
    (receiver.recv_timeout(Duration::from_secs(30)).expect("the provider says how to attach to it"), charts)
}

/// Waits for a process, looking at what it has cost so far until it ends.
fn watch(child: &mut Child) -> (String, Duration, u64) {
    let mut output = child.stdout.take().expect("it is piped");
    let reader = std::thread::spawn(move || {
        let mut text = String::new();
        let _ = output.read_to_string(&mut text);
        text
    });
    let (mut spent, mut peak) = (Duration::ZERO, 0);
    loop {
        spent = spent.max(cpu(child.id()));
        peak = peak.max(peak_kib(child.id()));
        if let Some(status) = child.try_wait().expect("it can be waited for") {
            let text = reader.join().expect("the reader ends");
            assert!(status.success(), "terraform failed\n{text}");
            return (text, spent, peak);
        }
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// Returns the processor time that a process and its children, those that ended included, have used so far.
pub fn cpu_with_children(process: u32) -> Duration {
    let children = std::fs::read_to_string(format!("/proc/{process}/task/{process}/children"));
    let children: Vec<u32> =
        children.unwrap_or_default().split_whitespace().filter_map(|child| child.parse().ok()).collect();
    let ended = ticks(process, [13, 14]);
    cpu(process) + ended + children.into_iter().map(cpu_with_children).sum::<Duration>()
}

/// Returns the processor time that a process has used, in the kernel's hundredths of a second.
fn cpu(process: u32) -> Duration {
    ticks(process, [11, 12])
}

fn ticks(process: u32, fields: [usize; 2]) -> Duration {
    let stat = std::fs::read_to_string(format!("/proc/{process}/stat")).unwrap_or_default();
    let all: Vec<&str> = stat.rsplit(')').next().unwrap_or_default().split_whitespace().collect();
    let ticks = |index: usize| all.get(index).and_then(|field| field.parse::<u64>().ok()).unwrap_or(0);
    Duration::from_millis(fields.into_iter().map(ticks).sum::<u64>() * 10)
}

fn peak_kib(process: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap_or_default();
    line.split_whitespace().next().and_then(|number| number.parse().ok()).unwrap_or(0)
}

/// Ends a process and waits for that.
pub fn end(child: &mut Child) {
    let _ = child.kill();
    let _ = child.wait();
}
