//! A state that is read by many and changed in order, where who asks for a change never waits.
//!
//! * **Changes** are put in a queue, which takes a mutex for a few nanoseconds. They are applied,
//!   in their order, by whoever holds the state to write next: the one who asked, if nobody is in
//!   it; else the next reader that wants all changes, or a worker.
//! * **Readers** ([`Ledger::current`]) apply what is in the queue before they read, so a reader sees
//!   every change that was asked for before it came. For that it waits until the readers before it
//!   have left, but only if there is something in the queue.
//! * **Writers** wait for the readers. Readers that come meanwhile go first, but at most
//!   [`OVERTAKES`] of them, so neither side starves. One that must not wait for other readers
//!   ([`Ledger::glance`]) always goes first: it waits for one short step of a writer at most.
//!
//! Nobody ever waits in the lock that guards the state: the turn decides who goes in, so it is
//! free when they come. A process that was forked can therefore read the state without the turn
//! ([`Ledger::frozen`]) unless a writer was in it.
//!
//! Order of locks, outer first: turn, queue; state, queue. Turn and state are not held together by
//! anyone who waits: the state is entered after the turn is let go.

use std::collections::VecDeque;
use std::ops::{Deref, DerefMut};

use crate::sync::{
    Condvar, Mutex, MutexGuard, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard,
    TryLockError,
};

/// How many readers go ahead of a writer that waits.
pub(super) const OVERTAKES: usize = 16;

/// Changes an empty queue keeps room for: a scan queues thousands.
const QUEUE_KEPT: usize = 64;

/// What is applied to a state.
pub(super) trait Apply<C> {
    /// Makes the change.
    fn apply(&mut self, change: C);
}

/// A state of `S` and the changes of `C` that are still to be made to it.
#[derive(Debug, Default)]
pub(super) struct Ledger<S, C> {
    state: RwLock<S>,
    queue: Mutex<VecDeque<C>>,
    turns: Turns,
}

/// Who may go in.
#[derive(Debug, Default)]
struct Turns {
    turn: Mutex<Turn>,
    changed: Condvar,
}

/// Who is in the state, and who waits.
#[derive(Debug, Default)]
struct Turn {
    readers: usize,
    is_written: bool,
    /// Writers that wait.
    writers: usize,
    /// Readers that came since a writer waits.
    overtook: usize,
    /// All who wait: waking nobody costs a call of the system too.
    waiting: usize,
}

impl Turns {
    fn turn(&self) -> MutexGuard<'_, Turn> {
        self.turn.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn wait<'a>(&self, mut turn: MutexGuard<'a, Turn>) -> MutexGuard<'a, Turn> {
        turn.waiting += 1;
        let mut turn = self.changed.wait(turn).unwrap_or_else(PoisonError::into_inner);
        turn.waiting -= 1;
        turn
    }

    fn read(&self, is_polite: bool) -> Leaving<'_> {
        let mut turn = self.turn();
        while turn.is_written || is_polite && turn.writers > 0 && turn.overtook >= OVERTAKES {
            turn = self.wait(turn);
        }
        turn.readers += 1;
        turn.overtook += usize::from(turn.writers > 0);
        Leaving { turns: self, is_writer: false }
    }

    fn write(&self) -> Leaving<'_> {
        let mut turn = self.turn();
        turn.writers += 1;
        while turn.is_written || turn.readers > 0 {
            turn = self.wait(turn);
        }
        turn.writers -= 1;
        turn.overtook = 0;
        turn.is_written = true;
        Leaving { turns: self, is_writer: true }
    }

    fn try_write(&self) -> Option<Leaving<'_>> {
        let mut turn = self.turn();
        if turn.is_written || turn.readers > 0 {
            return None;
        }
        turn.is_written = true;
        Some(Leaving { turns: self, is_writer: true })
    }
}

impl Drop for Leaving<'_> {
    fn drop(&mut self) {
        let mut turn = self.turns.turn();
        if self.is_writer {
            turn.is_written = false;
        } else {
            turn.readers -= 1;
        }
        let is_awaited = turn.waiting > 0;
        drop(turn);
        if is_awaited {
            self.turns.changed.notify_all();
        }
    }
}

/// The state, to be read.
pub(super) struct Reading<'a, S> {
    state: RwLockReadGuard<'a, S>,
    /// Behind the state: who leaves has left it.
    _turn: Leaving<'a>,
}

/// The state, to be changed.
pub(super) struct Writing<'a, S, C> {
    state: RwLockWriteGuard<'a, S>,
    queue: &'a Mutex<VecDeque<C>>,
    _turn: Leaving<'a>,
}

/// Gives a turn back.
struct Leaving<'a> {
    turns: &'a Turns,
    is_writer: bool,
}

impl<S: Apply<C>, C> Ledger<S, C> {
    /// A state without changes.
    pub(super) fn new(state: S) -> Self {
        Self {
            state: RwLock::new(state),
            queue: Mutex::new(VecDeque::new()),
            turns: Turns::default(),
        }
    }

    /// How many writers wait.
    #[cfg(test)]
    pub(super) fn writers(&self) -> usize {
        self.turns.turn().writers
    }

    /// How many changes are in the queue.
    pub(super) fn waiting(&self) -> usize {
        lock(&self.queue).len()
    }

    /// Asks for a change. It is made at once, with those before it, if nobody is in the state and
    /// they are not more than `most`. Never waits for a reader or a writer.
    pub(super) fn change(&self, change: C, most: usize) {
        lock(&self.queue).push_back(change);
        if let Some(turn) = self.turns.try_write() {
            self.enter(turn).apply(most);
        }
    }

    /// The state with all changes made that were asked for before the call.
    pub(super) fn current(&self) -> Reading<'_, S> {
        let waiting = self.waiting();
        if waiting > 0 {
            self.write().apply(waiting);
        }
        self.read(true)
    }

    /// The state as it is. Waits for a step of a writer at most.
    pub(super) fn glance(&self) -> Reading<'_, S> {
        self.read(false)
    }

    /// Looks at the state as it is and at what is queued, of which nothing is made meanwhile. Waits as
    /// [`Self::glance`].
    pub(super) fn peek<T>(&self, look: impl FnOnce(&S, &VecDeque<C>) -> T) -> T {
        let state = self.glance();
        let queue = lock(&self.queue);
        look(&state, &queue)
    }

    /// The state of a process that was forked from this one, unless a writer was in it.
    pub(super) fn frozen(&self) -> Option<RwLockReadGuard<'_, S>> {
        match self.state.try_read() {
            Ok(state) => Some(state),
            Err(TryLockError::Poisoned(poisoned)) => Some(poisoned.into_inner()),
            Err(TryLockError::WouldBlock) => None,
        }
    }

    /// The state, to be read: for workers, who let writers go first now and then.
    pub(super) fn read(&self, is_polite: bool) -> Reading<'_, S> {
        let turn = self.turns.read(is_polite);
        let state = self.state.read().unwrap_or_else(PoisonError::into_inner);
        Reading { state, _turn: turn }
    }

    /// The state, to be changed. Waits until the readers have left.
    pub(super) fn write(&self) -> Writing<'_, S, C> {
        self.enter(self.turns.write())
    }

    fn enter<'a>(&'a self, turn: Leaving<'a>) -> Writing<'a, S, C> {
        let state = self.state.write().unwrap_or_else(PoisonError::into_inner);
        Writing { state, queue: &self.queue, _turn: turn }
    }
}

impl<S: Apply<C>, C> Writing<'_, S, C> {
    /// Makes up to `most` of the changes in the queue.
    pub(super) fn apply(&mut self, most: usize) {
        for _ in 0..most {
            // Taken one by one: who asks for another one meanwhile must not wait.
            let mut queue = lock(self.queue);
            let Some(change) = queue.pop_front() else { return };
            if queue.is_empty() {
                queue.shrink_to(QUEUE_KEPT);
            }
            drop(queue);
            self.state.apply(change);
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl<S> Deref for Reading<'_, S> {
    type Target = S;

    fn deref(&self) -> &S {
        &self.state
    }
}

impl<S, C> Deref for Writing<'_, S, C> {
    type Target = S;

    fn deref(&self) -> &S {
        &self.state
    }
}

impl<S, C> DerefMut for Writing<'_, S, C> {
    fn deref_mut(&mut self) -> &mut S {
        &mut self.state
    }
}
