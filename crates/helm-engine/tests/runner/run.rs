//! Asks the engine for every case, on all processors, and says what differs. A panic is a difference.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

use helm_engine::{Chart, Mode, SourceFile, render, render_files};

use crate::Family;
use crate::cases::{Answer, Case};
use crate::flags;

/// The stack of a worker: what a thread has by default, so that deep recursion ends in an error there too.
const STACK_BYTES: usize = 2 << 20;

/// Runs all families.
pub(crate) fn run(families: Vec<(String, Vec<Case>)>) -> Vec<Family> {
    std::panic::set_hook(Box::new(|_| {}));
    let flat: Vec<&Case> = families.iter().flat_map(|(_, cases)| cases).collect();
    let next = AtomicUsize::new(0);
    let results: Vec<Mutex<[Option<String>; 2]>> = flat.iter().map(|_| Mutex::default()).collect();
    std::thread::scope(|scope| {
        for _ in 0..std::thread::available_parallelism().map_or(2, usize::from) {
            let worker = || {
                while let Some((case, result)) = next_of(&next, &flat, &results) {
                    let different = [Mode::Helm3, Mode::Helm4].map(|mode| difference(case, mode));
                    *result.lock().unwrap_or_else(PoisonError::into_inner) = different;
                }
            };
            std::thread::Builder::new()
                .stack_size(STACK_BYTES)
                .spawn_scoped(scope, worker)
                .expect("a thread");
        }
    });
    let _ = std::panic::take_hook();
    let mut results =
        results.into_iter().map(|result| result.into_inner().unwrap_or_else(PoisonError::into_inner));
    families
        .into_iter()
        .map(|(name, cases)| Family { name, cases: cases.into_iter().zip(results.by_ref()).collect() })
        .collect()
}

type Slot = Mutex<[Option<String>; 2]>;

fn next_of<'a>(next: &AtomicUsize, cases: &[&'a Case], results: &'a [Slot]) -> Option<(&'a Case, &'a Slot)> {
    let index = next.fetch_add(1, Ordering::Relaxed);
    Some((cases.get(index)?, results.get(index)?))
}

fn difference(case: &Case, mode: Mode) -> Option<String> {
    let want = &case.answers[usize::from(mode == Mode::Helm4)];
    let got = catch_unwind(AssertUnwindSafe(|| answer(case, mode))).unwrap_or_else(|panic| {
        let text = panic.downcast_ref::<String>().cloned();
        let text =
            text.or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned())).unwrap_or_default();
        Answer { text: format!("PANIC: {text}").into_bytes(), failed: true }
    });
    (got != *want).then(|| describe(want, &got))
}

fn answer(case: &Case, mode: Mode) -> Answer {
    match ask(case, mode) {
        Ok(text) => Answer { text, failed: false },
        Err(text) => Answer { text: text.into_bytes(), failed: true },
    }
}

fn ask(case: &Case, mode: Mode) -> Result<Vec<u8>, String> {
    let read =
        |path: &str| case.beside.get(path).or_else(|| case.files.get(path.strip_prefix("c/")?)).cloned();
    let invocation = flags::parse(&case.flags, mode, &read)?;
    let files = case.files.iter().map(|(path, data)| SourceFile::new(&**path, &**data)).collect();
    let chart = Chart::load(files, mode).map_err(|error| error.to_string())?;
    if !case.is_whole {
        let template = format!("{}/templates/t", chart.metadata().name);
        let outputs =
            render_files(&chart, &invocation.request).map_err(|error| error.message().to_owned())?;
        return Ok(outputs
            .into_iter()
            .find(|(path, _)| *path == template)
            .map(|(_, text)| text)
            .unwrap_or_default());
    }
    let whole = |error: helm_engine::RenderError| {
        let text = error.to_helm_text();
        let text = text.strip_prefix("Error: ").unwrap_or(&text);
        text.strip_suffix('\n').unwrap_or(text).to_owned()
    };
    render(&chart, &invocation.request)
        .and_then(|rendered| rendered.to_helm_text(&invocation.print))
        .map_err(whole)
}

/// Shows both answers, long ones from shortly before the first differing line.
fn describe(want: &Answer, got: &Answer) -> String {
    let same_bytes = want.text.iter().zip(&got.text).take_while(|(a, b)| a == b).count();
    let lines = |answer: &Answer| -> Vec<String> {
        let mut at = 0;
        let lines = answer.text.split(|byte| *byte == b'\n').map(|line| {
            let skipped = same_bytes.saturating_sub(at + 80).min(line.len());
            let skipped = if line.len() > 300 { skipped } else { 0 };
            at += line.len() + 1;
            let shown = &line[skipped..line.len().min(skipped + 300)];
            format!("{}\"{}\"", if skipped > 0 { "…" } else { "" }, shown.escape_ascii())
        });
        lines.collect()
    };
    let (want_lines, got_lines) = (lines(want), lines(got));
    let same = want_lines.iter().zip(&got_lines).take_while(|(a, b)| a == b).count();
    let from = same.saturating_sub(2);
    let show = |lines: &[String]| lines.iter().skip(from).take(6).cloned().collect::<Vec<_>>().join("\n    ");
    let kind = |answer: &Answer| if answer.failed { "refuses" } else { "prints" };
    format!(
        "  helm {}, from line {}:\n    {}\n  we {}:\n    {}",
        kind(want),
        from + 1,
        show(&want_lines),
        kind(got),
        show(&got_lines)
    )
}
