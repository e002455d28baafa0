//! Who reads at the moment, so that nothing is freed that somebody may still look at.
//!
//! Every thread that reads has a seat with a counter, which is odd while it reads. What was taken
//! out of the table may be freed once every counter that was odd *after* that has moved on: who
//! starts to read later cannot find it any more. A reader writes two words that no other thread
//! writes, and waits for nobody; who frees pays for the barrier, once for many.

use std::cell::Cell;
use std::sync::PoisonError;

use super::sync::{AtomicUsize, Mutex, Ordering, constant, heavy_barrier, light_barrier};

/// What one thread announces. Two cache lines, which processors fetch together.
#[derive(Debug)]
#[repr(align(128))]
pub(super) struct Seat {
    turn: AtomicUsize,
}

/// All seats, those that are free at the moment included.
#[derive(Debug)]
pub(super) struct Readers(Mutex<Register>);

#[derive(Debug)]
struct Register {
    all: Vec<&'static Seat>,
    free: Vec<&'static Seat>,
}

impl Readers {
    constant! {
        /// Nobody.
        pub(super) fn new() -> Self {
            Self(Mutex::new(Register { all: Vec::new(), free: Vec::new() }))
        }
    }

    /// A seat for the calling thread: a free one, or one that will stay as long as the process.
    pub(super) fn sit(&'static self) -> Chair {
        let mut register = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let seat = register.free.pop().unwrap_or_else(|| {
            let seat: &_ = Box::leak(Box::new(Seat { turn: AtomicUsize::new(0) }));
            register.all.push(seat);
            seat
        });
        Chair { seat, depth: Cell::new(0), readers: self }
    }

    /// Those who read now and may have started before the call; None when that cannot be known.
    pub(super) fn snapshot(&self) -> Option<Snapshot> {
        if !heavy_barrier() {
            return None;
        }
        let register = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let turns = register.all.iter().map(|seat| (*seat, seat.turn.load(Ordering::Acquire)));
        Some(Snapshot(turns.filter(|(_, turn)| turn % 2 == 1).collect()))
    }
}

/// Those who were reading at a moment.
#[derive(Debug)]
pub(super) struct Snapshot(Vec<(&'static Seat, usize)>);

impl Snapshot {
    /// Whether all of them have ended since.
    pub(super) fn is_over(&mut self) -> bool {
        self.0.retain(|(seat, turn)| seat.turn.load(Ordering::Acquire) == *turn);
        self.0.is_empty()
    }
}

/// A thread's own seat.
#[derive(Debug)]
pub(super) struct Chair {
    seat: &'static Seat,
    depth: Cell<usize>,
    readers: &'static Readers,
}

impl Chair {
    /// Starts to read; may be nested.
    #[inline]
    pub(super) fn pin(&self) -> Pin<'_> {
        let depth = self.depth.get();
        self.depth.set(depth.wrapping_add(1));
        if depth == 0 {
            let turn = self.seat.turn.load(Ordering::Relaxed);
            self.seat.turn.store(turn.wrapping_add(1), Ordering::Relaxed);
            light_barrier();
        }
        Pin(self)
    }
}

impl Drop for Chair {
    fn drop(&mut self) {
        // One that was left while reading (a forgotten pin) is not for others to have.
        if self.depth.get() == 0 {
            let mut register = self.readers.0.lock().unwrap_or_else(PoisonError::into_inner);
            register.free.push(self.seat);
        }
    }
}

/// While it lives, nothing is freed that its thread finds.
#[derive(Debug)]
pub(super) struct Pin<'a>(&'a Chair);

impl Pin<'_> {
    /// Whether it is one of these readers.
    pub(super) fn is_of(&self, readers: &'static Readers) -> bool {
        std::ptr::eq(self.0.readers, readers)
    }
}

impl Drop for Pin<'_> {
    #[inline]
    fn drop(&mut self) {
        let depth = self.0.depth.get().wrapping_sub(1);
        self.0.depth.set(depth);
        if depth == 0 {
            let turn = self.0.seat.turn.load(Ordering::Relaxed);
            self.0.seat.turn.store(turn.wrapping_add(1), Ordering::Release);
        }
    }
}
