//! Every interleaving of one reader with one caller, by loom.
//!
//! Each caller takes the lock of the state machine only where the product does; hits take none.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use loom::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use loom::sync::{Mutex, MutexGuard};
use loom::thread;
use redis::Value;

use super::{Ask, Freshness, Lifetimes, ServerTtl, Ticket, Tracking, Word, find};
use crate::clock::Moment;
use crate::entry::Entry;
use crate::id::{Id, Key, Kind, Lookup};
use crate::store::Store;

struct Checked(AtomicU64);

impl Word for Checked {
    fn holding(value: u64) -> Self {
        Self(AtomicU64::new(value))
    }

    fn read(&self) -> u64 {
        self.0.load(Ordering::Acquire)
    }

    fn write(&self, value: u64) {
        self.0.store(value, Ordering::Release);
    }
}

struct Locked(Mutex<HashMap<Id, Entry>>);

impl Store for Locked {
    fn with<R>(&self, lookup: Lookup<'_>, read: impl FnOnce(&Entry) -> R) -> Option<R> {
        let entry = self.0.lock().unwrap().get(&lookup.to_id()).cloned();
        entry.as_ref().map(read)
    }

    fn insert(&self, entry: Entry) {
        self.0.lock().unwrap().insert(entry.lookup().to_id(), entry);
    }

    fn remove(&self, lookup: Lookup<'_>) -> bool {
        self.0.lock().unwrap().remove(&lookup.to_id()).is_some()
    }

    fn clear(&self) {
        self.0.lock().unwrap().clear();
    }

    fn contains(&self, lookup: Lookup<'_>) -> bool {
        self.find(lookup).is_some()
    }
}

const NOW: Moment = Moment::from_millis(1);
const LONG: Duration = Duration::from_secs(60);

struct Cache {
    store: Arc<Locked>,
    freshness: Arc<Freshness<Checked>>,
    tracking: Mutex<Tracking<Locked, u8, Freshness<Checked>>>,
    parsed: AtomicBool,
}

impl Cache {
    /// A proven connection on which `GET k` has been sent.
    fn asked() -> (Arc<Self>, Ticket) {
        let store = Arc::new(Locked(Mutex::new(HashMap::new())));
        let freshness = Arc::new(Freshness::new(LONG));
        freshness.prove(NOW);
        let lifetimes = Lifetimes { present_max: LONG, null_max: LONG };
        let tracking = Tracking::new(Arc::clone(&store), Arc::clone(&freshness), lifetimes);
        let parsed = AtomicBool::new(false);
        let cache = Self { store, freshness, tracking: Mutex::new(tracking), parsed };
        let Ask::Send(ticket) = cache.ask() else { panic!("joined nothing") };
        (Arc::new(cache), ticket)
    }

    fn lock(&self) -> MutexGuard<'_, Tracking<Locked, u8, Freshness<Checked>>> {
        self.tracking.lock().unwrap()
    }

    fn ask(&self) -> Ask {
        self.lock().ask(Id::new(Kind::Get, key()), &[key()], 0)
    }

    fn answer(&self, ticket: Ticket, value: Value) {
        self.lock().answered(ticket, value, ServerTtl::Forever, NOW);
    }

    /// What the reader has done so far may be relied on.
    fn publish(&self) {
        self.parsed.store(true, Ordering::Release);
    }

    fn is_published(&self) -> bool {
        self.parsed.load(Ordering::Acquire)
    }

    fn hit(&self, kind: Kind) -> Option<Value> {
        let entry = find(&*self.store, &*self.freshness, Lookup::new(kind, &key()), NOW);
        entry.and_then(|entry| entry.value().cloned())
    }
}

fn key() -> Key {
    b"k"[..].into()
}

/// Runs both at once, in every order; then `last`.
///
/// Twice, with either of them on the thread that starts the other: what loom takes for independent
/// differs.
fn interleave(reader: fn(&Cache, Ticket), caller: fn(&Cache), last: fn(&Cache)) {
    loom::model(move || {
        let (cache, ticket) = Cache::asked();
        let other = Arc::clone(&cache);
        let called = thread::spawn(move || caller(&other));
        reader(&cache, ticket);
        called.join().unwrap();
        last(&cache);
    });
    loom::model(move || {
        let (cache, ticket) = Cache::asked();
        let other = Arc::clone(&cache);
        let read = thread::spawn(move || reader(&other, ticket));
        caller(&cache);
        read.join().unwrap();
        last(&cache);
    });
}

const OLD: Value = Value::Int(1);

#[test]
fn an_invalidated_reply_is_not_served() {
    interleave(
        |cache, ticket| {
            cache.answer(ticket, OLD);
            cache.lock().invalidate(&key());
            cache.publish();
        },
        |cache| {
            let parsed = cache.is_published();
            let hit = cache.hit(Kind::Get);
            assert!(!(parsed && hit.is_some()), "served after its invalidation");
        },
        |cache| assert_eq!(cache.hit(Kind::Get), None),
    );
}

#[test]
fn an_answered_question_is_not_joined() {
    interleave(
        |cache, ticket| {
            cache.answer(ticket, OLD);
            cache.lock().invalidate(&key());
            cache.publish();
        },
        |cache| {
            let parsed = cache.is_published();
            let asked = cache.ask();
            assert!(!(parsed && asked == Ask::Joined), "joined what was answered before");
        },
        |_| {},
    );
}

#[test]
fn what_was_asked_before_forgetting_is_not_kept() {
    interleave(
        |cache, ticket| cache.answer(ticket, OLD),
        |cache| {
            cache.lock().forget(&key());
            assert_eq!(cache.hit(Kind::Get), None);
            assert!(matches!(cache.ask(), Ask::Send(_)), "joined what was asked before");
        },
        |cache| assert_eq!(cache.hit(Kind::Get), None),
    );
}

#[test]
fn nothing_survives_a_lost_connection() {
    interleave(
        |cache, ticket| {
            cache.answer(ticket, OLD);
            drop(cache.lock().lose());
            cache.publish();
            cache.freshness.prove(NOW);
        },
        |cache| {
            let lost = cache.is_published();
            let hit = cache.hit(Kind::Get);
            assert!(!(lost && hit.is_some()), "served after the loss");
        },
        |cache| assert_eq!(cache.hit(Kind::Get), None),
    );
}

#[test]
fn a_flush_takes_what_is_cached_and_what_is_asked() {
    interleave(
        |cache, ticket| {
            cache.lock().flush();
            cache.answer(ticket, OLD);
        },
        |cache| assert_eq!(cache.hit(Kind::Get), None),
        |cache| assert_eq!(cache.hit(Kind::Get), None),
    );
}

/// From its first instant on, while the store is still being emptied.
#[test]
fn a_flush_is_seen_at_once() {
    interleave(
        |cache, ticket| {
            cache.answer(ticket, OLD);
            cache.lock().flush();
        },
        |cache| {
            let flushed = cache.freshness.epoch() != 1;
            let hit = cache.hit(Kind::Get);
            assert!(!(flushed && hit.is_some()), "served during a flush");
        },
        |cache| assert_eq!(cache.hit(Kind::Get), None),
    );
}

#[test]
fn an_absence_ends_with_its_null() {
    interleave(
        |cache, ticket| {
            cache.answer(ticket, Value::Nil);
            cache.lock().invalidate(&key());
            cache.publish();
        },
        |cache| {
            cache.lock().absent(&key(), NOW, LONG);
            let parsed = cache.is_published();
            let hit = cache.hit(Kind::Absent);
            assert!(!(parsed && hit.is_some()), "absent after somebody wrote it");
        },
        |cache| assert_eq!(cache.hit(Kind::Absent), None),
    );
}
