//! Forks: a snapshot is a copy of the process with its main thread alone, in which whatever another
//! thread was changing stays half changed for ever.
//!
//! Threads that change what a snapshot saves do so [`between_forks`]; a fork waits for them. This is
//! done by the C library, which calls the functions below on the thread that forks.

use std::cell::RefCell;
use std::ffi::c_int;
use std::sync::{Once, PoisonError, RwLock, RwLockWriteGuard};

type Handler = Option<unsafe extern "C" fn()>;

unsafe extern "C" {
    /// POSIX: `prepare` runs before a fork, the others behind it, in the parent and in the child.
    fn pthread_atfork(prepare: Handler, parent: Handler, child: Handler) -> c_int;
}

/// Read by threads that change something, written by a fork.
static GATE: RwLock<()> = RwLock::new(());

thread_local! {
    /// The gate, while this thread forks.
    static SHUT: RefCell<Option<RwLockWriteGuard<'static, ()>>> = const { RefCell::new(None) };
}

/// Has forks wait for [`between_forks`] from now on. False if the system refuses.
pub fn guard_forks() -> bool {
    static ONCE: Once = Once::new();
    let mut taken = true;
    ONCE.call_once(|| {
        // SAFETY: functions that live as long as the library, which is not unloaded.
        taken = unsafe { pthread_atfork(Some(shut), Some(open), None) } == 0;
    });
    taken
}

/// Runs `body` while no fork happens. For other threads than the main one; not within itself.
pub fn between_forks<T>(body: impl FnOnce() -> T) -> T {
    let _open = GATE.read().unwrap_or_else(PoisonError::into_inner);
    body()
}

/// # Safety
/// Called before a fork, on the thread that forks. Nothing in it panics.
unsafe extern "C" fn shut() {
    // A thread that is ending does not fork.
    let _ = SHUT.try_with(|shut| {
        if let Ok(mut shut) = shut.try_borrow_mut() {
            *shut = Some(GATE.write().unwrap_or_else(PoisonError::into_inner));
        }
    });
}

/// # Safety
/// Called behind a fork, in the parent, on the same thread. In the child the gate stays shut: it has
/// no other threads.
unsafe extern "C" fn open() {
    let _ = SHUT.try_with(|shut| {
        if let Ok(mut shut) = shut.try_borrow_mut() {
            *shut = None;
        }
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fork_waits_and_the_gate_opens_again() {
        assert!(guard_forks());
        let inside = std::thread::spawn(|| between_forks(|| 5));
        // SAFETY: as the C library calls them.
        unsafe { shut() };
        let outside = std::thread::spawn(|| between_forks(|| 6));
        assert!(!outside.is_finished() && GATE.try_read().is_err());
        // SAFETY: as above.
        unsafe { open() };
        assert_eq!((inside.join().ok(), outside.join().ok()), (Some(5), Some(6)));
    }
}
