//! Vectors moved into graphs, on other threads.

use std::cell::RefCell;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

use keyspan_search_core::engine::Settled;
use keyspan_search_core::index::vector::{Cancel, Scratch};

use crate::registry::Entry;
use crate::settings::{self, WORKERS};

/// Vectors a thread moves before it lets others have a turn.
const STEP: usize = 32;

thread_local! {
    /// What searches and links of this thread write on.
    static SCRATCH: RefCell<Scratch> = RefCell::default();
}

/// Whether a file is being loaded: its graphs come last, and nothing is linked before.
static LOADING: AtomicBool = AtomicBool::new(false);

/// Says whether a file is being loaded.
pub(crate) fn set_loading(is_loading: bool) {
    LOADING.store(is_loading, Relaxed);
}

/// Whether a file is being loaded.
pub(crate) fn is_loading() -> bool {
    LOADING.load(Relaxed)
}

/// Runs `body` with this thread's scratch.
pub(crate) fn with_scratch<T>(body: impl FnOnce(&mut Scratch) -> T) -> T {
    SCRATCH.with(|scratch| match scratch.try_borrow_mut() {
        Ok(mut scratch) => body(&mut scratch),
        // Within itself: cannot happen, and costs an allocation.
        Err(_) => body(&mut Scratch::default()),
    })
}

/// Has threads settle what is new in the index, if there is something; does it here if there are no
/// threads.
pub(crate) fn settle(entry: &Arc<Entry>) {
    if is_loading() || entry.index.backlog() == 0 || entry.settling.swap(true, Relaxed) {
        return;
    }
    keyspan_server::set_threads(settings::size(&WORKERS));
    step_in_background(Arc::clone(entry));
}

fn step_in_background(entry: Arc<Entry>) {
    let here = Arc::clone(&entry);
    if !keyspan_server::in_background(move || step(entry)) {
        with_scratch(|scratch| here.index.settle(usize::MAX, scratch, &Cancel::new()));
        here.settling.store(false, Relaxed);
    }
}

/// Frees an index that is gone, on another thread: a large one takes a while.
pub(crate) fn discard(entry: Arc<Entry>) {
    keyspan_server::in_background(move || drop(entry));
}

/// One thread's turn.
fn step(entry: Arc<Entry>) {
    let settled = if entry.dropped.load(Relaxed) {
        Settled::Stuck
    } else {
        keyspan_server::between_forks(|| {
            with_scratch(|scratch| entry.index.settle(STEP, scratch, &Cancel::new()))
        })
    };
    match settled {
        Settled::Part => step_in_background(entry),
        Settled::All | Settled::Stuck => {
            entry.settling.store(false, Relaxed);
            // What came since the last look, before the flag was down.
            if settled == Settled::All {
                settle(&entry);
            }
        }
    }
}
