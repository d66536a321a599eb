//! The native stack that recursion may use: evaluation and printing recurse, hostile charts must not overflow it.
//!
//! [`with_deep_stack`] runs work on a thread with a stack large enough for everything Helm itself accepts; recursive
//! code asks `is_exhausted` before it descends. The pages of the stack are only committed when touched.

use std::cell::Cell;
use std::sync::Mutex;
use std::thread;

/// Stack sizes to try, in bytes, from the wanted one to what any machine gives.
const SIZES: [usize; 3] = [1 << 30, 64 << 20, 8 << 20];
/// What stays free for code that does not ask, in bytes.
const RESERVE: usize = 512 << 10;
/// What a thread that we did not start is assumed to have left when it first asks, in bytes.
const UNKNOWN: usize = 1 << 20;

thread_local! {
    static FLOOR: Cell<Option<usize>> = const { Cell::new(None) };
}

/// Runs `work` on a thread of its own with a deep stack, and returns what it returns.
///
/// # Panics
/// When `work` panics.
pub fn with_deep_stack<R: Send>(work: impl FnOnce() -> R + Send) -> R {
    let slot = Mutex::new(Some(work));
    let run = |size: usize| {
        FLOOR.set(Some(here().saturating_sub(size - RESERVE)));
        let work = slot.lock().ok().and_then(|mut slot| slot.take());
        work.map(|work| work())
    };
    for size in SIZES {
        let result = thread::scope(|scope| {
            let started = thread::Builder::new().stack_size(size).spawn_scoped(scope, || run(size));
            started.ok().map(thread::ScopedJoinHandle::join)
        });
        match result {
            Some(Ok(Some(result))) => return result,
            Some(Err(panic)) => std::panic::resume_unwind(panic),
            Some(Ok(None)) | None => {}
        }
    }
    let work =
        slot.into_inner().ok().flatten().expect("no thread could be started, so the work was not taken");
    work()
}

/// Says whether recursion must stop here.
#[inline]
pub(crate) fn is_exhausted() -> bool {
    let here = here();
    let floor = FLOOR.get().unwrap_or_else(|| {
        let floor = here.saturating_sub(UNKNOWN);
        FLOOR.set(Some(floor));
        floor
    });
    here < floor
}

/// Returns about where the stack stands.
#[inline(never)]
fn here() -> usize {
    let marker = 0u8;
    std::ptr::from_ref(&marker) as usize
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gives_the_wanted_stack() {
        let room = with_deep_stack(|| here() - FLOOR.get().expect("the floor is set"));
        assert!(room > SIZES[0] - (2 << 20), "{room} bytes");
    }
}
