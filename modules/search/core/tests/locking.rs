//! The locks of an index under a model checker, which tries thousands of interleavings.
//!
//! The file under test is compiled into this test with the model checker's locks in place of those
//! of std.

#[path = "../src/engine/ledger.rs"]
mod ledger;

mod sync {
    pub(crate) use shuttle::sync::{
        Condvar, Mutex, MutexGuard, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard,
        TryLockError,
    };
}

use ledger::{Apply, Ledger};
use shuttle::sync::Arc;
use shuttle::{check_pct, check_random, thread};

/// What was done, in order, and a value that is odd while a writer is at work.
#[derive(Debug, Default)]
struct Log {
    changes: Vec<u32>,
    parity: u32,
}

impl Apply<u32> for Log {
    fn apply(&mut self, change: u32) {
        self.parity += 1;
        thread::yield_now();
        self.changes.push(change);
        self.parity += 1;
    }
}

type Shared = Arc<Ledger<Log, u32>>;

fn check(scenario: impl Fn(Shared) + Send + Sync + Copy + 'static) {
    let run = move || {
        let ledger = Arc::new(Ledger::new(Log::default()));
        scenario(Arc::clone(&ledger));
        assert_eq!(ledger.writers(), 0, "nobody waits in vain");
    };
    check_random(run, 1500);
    check_pct(run, 1500, 3);
}

fn spawn(ledger: &Shared, work: impl FnOnce(&Shared) + Send + 'static) -> thread::JoinHandle<()> {
    let ledger = Arc::clone(ledger);
    thread::spawn(move || work(&ledger))
}

/// What a server does: one thread changes, two search, one moves vectors.
#[test]
fn a_search_sees_what_was_changed_before_it() {
    check(|ledger| {
        let mut threads = vec![spawn(&ledger, |ledger| {
            for _ in 0..3 {
                let before = ledger.read(true).changes.len();
                thread::yield_now();
                let mut writing = ledger.write();
                assert!(writing.changes.len() >= before);
                writing.apply(1);
                assert_eq!(writing.parity % 2, 0);
            }
        })];
        for change in 0..4 {
            ledger.change(change, 2);
            if change % 2 == 1 {
                threads.push(spawn(&ledger, move |ledger| {
                    let state = ledger.current();
                    assert!(state.changes.contains(&change));
                    assert!((0..).zip(&state.changes).all(|(place, change)| place == *change));
                    assert_eq!(state.parity % 2, 0);
                }));
            }
        }
        threads.into_iter().for_each(|thread| thread.join().unwrap());
        assert_eq!(ledger.current().changes, [0, 1, 2, 3]);
        assert_eq!(ledger.waiting(), 0);
    });
}

/// A deadlock would be found if a change waited for a reader, or a glance for a writer that waits.
#[test]
fn who_changes_or_glances_waits_for_nobody() {
    check(|ledger| {
        let reading = ledger.current();
        let writer = spawn(&ledger, |ledger| ledger.write().apply(9));
        let reader = spawn(&ledger, |ledger| assert_eq!(ledger.current().parity % 2, 0));
        ledger.change(7, 9);
        // The model's locks take no two guards in one thread.
        let look = spawn(&ledger, |ledger| {
            ledger.peek(|state, queue| assert!(state.changes.is_empty() && *queue == [7]));
        });
        look.join().unwrap();
        assert!(reading.changes.is_empty());
        drop(reading);
        writer.join().unwrap();
        reader.join().unwrap();
        assert_eq!(ledger.current().changes, [7]);
    });
}

/// A reader at the time of a fork is enough for the child to find the state whole.
#[test]
fn a_fork_finds_the_state_if_someone_reads() {
    check(|ledger| {
        let writer = spawn(&ledger, |ledger| ledger.change(1, 1));
        let worker = spawn(&ledger, |ledger| ledger.write().apply(1));
        let hold = ledger.glance();
        let seen = hold.changes.len();
        let child = spawn(&ledger, move |ledger| {
            for _ in 0..2 {
                let frozen = ledger.frozen().unwrap();
                assert_eq!((frozen.parity % 2, frozen.changes.len()), (0, seen));
                thread::yield_now();
            }
        });
        child.join().unwrap();
        drop(hold);
        writer.join().unwrap();
        worker.join().unwrap();
    });
}

/// Readers that never stop coming do not keep a writer out.
#[test]
fn readers_let_a_writer_in() {
    check(|ledger| {
        let readers: Vec<_> = (0..2)
            .map(|_| {
                spawn(&ledger, |ledger| {
                    // Ends only once the writer was in.
                    while ledger.read(true).changes.is_empty() {
                        thread::yield_now();
                    }
                })
            })
            .collect();
        ledger.change(1, 0);
        ledger.write().apply(1);
        readers.into_iter().for_each(|reader| reader.join().unwrap());
    });
}
