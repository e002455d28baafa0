//! What the table is synchronized by. The model checker compiles the table with its own in place of it.

pub(super) use std::sync::atomic::{AtomicPtr, AtomicU64, AtomicUsize, Ordering};
pub(super) use std::sync::{Mutex, MutexGuard};

use std::sync::LazyLock;
use std::sync::atomic::{compiler_fence, fence};

/// A function that is `const` here; the model checker's types are not made before it runs.
macro_rules! constant {
    ($(#[$doc:meta])* $see:vis fn $($rest:tt)*) => { $(#[$doc])* $see const fn $($rest)* };
}
pub(super) use constant;

/// Orders what a reader has announced before what it reads next, as seen by a thread that passes
/// [`heavy_barrier`] in between. Costs nothing where the kernel does the work for the other side.
#[inline]
pub(super) fn light_barrier() {
    if *ASYMMETRIC { compiler_fence(Ordering::SeqCst) } else { fence(Ordering::SeqCst) }
}

/// The other side of [`light_barrier`], in a thread that writes; false when there was none, and
/// nothing may be concluded.
pub(super) fn heavy_barrier() -> bool {
    fence(Ordering::SeqCst);
    !*ASYMMETRIC || kernel::barrier()
}

/// Whether the kernel interrupts the other threads for a barrier; decided before anybody reads.
static ASYMMETRIC: LazyLock<bool> = LazyLock::new(kernel::register);

#[cfg(all(target_os = "linux", not(miri)))]
mod kernel {
    use rustix::thread::{MembarrierCommand, membarrier};

    pub(super) fn register() -> bool {
        let registered = membarrier(MembarrierCommand::RegisterPrivateExpedited);
        registered.is_ok() && barrier()
    }

    pub(super) fn barrier() -> bool {
        membarrier(MembarrierCommand::PrivateExpedited).is_ok()
    }
}

#[cfg(not(all(target_os = "linux", not(miri))))]
mod kernel {
    pub(super) fn register() -> bool {
        false
    }

    pub(super) fn barrier() -> bool {
        false
    }
}
