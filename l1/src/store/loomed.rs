//! Every interleaving of one who reads the table and one who changes it, by loom: the same sources as
//! the product's, with the model checker's atomics.

use std::sync::Arc;

use loom::thread;

use readers::Readers;
use table::Table;
use table::traced::{Trace, Traced};

mod sync {
    pub(super) use loom::sync::atomic::{AtomicPtr, AtomicU64, AtomicUsize, Ordering};
    pub(super) use loom::sync::{Mutex, MutexGuard};

    use loom::sync::atomic::fence;

    macro_rules! constant {
        ($($function:tt)*) => { $($function)* };
    }
    pub(super) use constant;

    pub(super) fn light_barrier() {
        fence(Ordering::SeqCst);
    }

    pub(super) fn heavy_barrier() -> bool {
        fence(Ordering::SeqCst);
        true
    }
}

#[expect(clippy::duplicate_mod, reason = "compiled again with the model checker's atomics")]
#[path = "readers.rs"]
mod readers;
#[expect(clippy::duplicate_mod, reason = "compiled again with the model checker's atomics")]
#[expect(dead_code, reason = "what the model does not use")]
#[path = "table.rs"]
mod table;

type Checked = Table<Traced, ()>;

/// A table that frees as early as it may, with traces of these hashes in it.
struct World {
    readers: &'static Readers,
    table: Checked,
    traces: Vec<Arc<Trace>>,
}

impl World {
    fn new(hashes: &[u64]) -> Arc<Self> {
        let readers: &_ = Box::leak(Box::new(Readers::new()));
        let traces: Vec<_> = hashes.iter().map(|&hash| Trace::new(hash, hash)).collect();
        let table = Table::new(readers, 0, ());
        for trace in &traces {
            table.edit().insert(Traced(Arc::clone(trace)));
        }
        Arc::new(Self { readers, table, traces })
    }

    /// Looks for the hash twice; whether it was there. It must not be dropped while it is looked at.
    fn read(&self, hash: u64) -> bool {
        let chair = self.readers.sit();
        let pin = chair.pin();
        let Some(found) = self.table.find(&pin, hash, |found| found.0.hash == hash) else {
            return false;
        };
        assert!(!found.0.is_dropped(), "dropped before it was read");
        thread::yield_now();
        assert!(!found.0.is_dropped(), "dropped while it was read");
        true
    }

    fn remove(&self, hash: u64) -> bool {
        self.table.edit().remove(hash, |found| found.0.hash == hash)
    }
}

/// Runs both at once, in every order with up to so many preemptions; then `last`.
fn interleave(hashes: &'static [u64], reader: fn(&World), writer: fn(&World), last: fn(&World)) {
    let mut model = loom::model::Builder::new();
    model.preemption_bound = Some(4);
    model.check(move || {
        let world = World::new(hashes);
        let other = Arc::clone(&world);
        let reading = thread::spawn(move || reader(&other));
        writer(&world);
        reading.join().unwrap();
        // What was waiting for the reader goes with the next change.
        drop(world.table.edit());
        last(&world);
    });
}

#[test]
fn nothing_is_freed_that_is_read() {
    interleave(
        &[1],
        |world| {
            world.read(1);
        },
        |world| {
            assert!(world.remove(1));
            assert!(!world.read(1), "found after it was taken out");
        },
        |world| assert!(world.traces.iter().all(|trace| trace.is_dropped())),
    );
}

#[test]
fn nothing_is_freed_that_is_read_while_all_goes() {
    interleave(
        &[1, 2],
        |world| {
            world.read(2);
        },
        |world| world.table.edit().clear(),
        |world| assert!(world.traces.iter().all(|trace| trace.is_dropped())),
    );
}

#[test]
fn what_stays_is_found_while_the_index_grows() {
    interleave(
        &[1, 2, 3, 4, 5],
        |world| assert!(world.read(3), "lost while the index grew"),
        |world| world.table.edit().insert(Traced(Trace::new(6, 6))),
        |world| assert!(world.read(6)),
    );
}

#[test]
fn what_stays_is_found_while_others_go() {
    interleave(
        &[1, 1 << 57, 2 << 57],
        |world| assert!(world.read(1 << 57)),
        |world| assert!(world.remove(1) && world.remove(2 << 57)),
        |world| assert!(world.read(1 << 57)),
    );
}
