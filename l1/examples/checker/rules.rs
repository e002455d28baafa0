//! Writers, readers and the rules by which what is read must follow what was written.
//!
//! Each key has one writer, which writes numbers that grow. A read must not be older than
//!
//! 1. any read of the same key that ended before it started;
//! 2. the last write through this cache that had returned before it started;
//! 3. the last write of another client that had been acknowledged the staleness bound before.
//!
//! When all is quiet, every key must be read as the server has it.
//!
//! Servers may lose what they have acknowledged, when one is killed and its replica takes over. Then
//! what is read goes back, as the data does, and that is no fault of the cache. Whoever kills one says
//! so before ([`Check::doubt`]); what the servers have when that is over ([`Check::adopt`]) is what
//! rules 1 to 3 go on from, and the last rule holds as ever: what the servers lost, nobody may read.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError, RwLock, RwLockReadGuard};
use std::thread;
use std::time::{Duration, Instant};

/// The cache under test.
pub trait Subject: Sync {
    /// The number of a key, 0 when there is none; None when the cache cannot tell.
    fn read(&self, key: &str) -> Option<u64>;

    /// As [`Self::read`], of all keys.
    fn read_all(&self, keys: &[String]) -> Vec<Option<u64>> {
        keys.iter().map(|key| self.read(key)).collect()
    }

    /// Writes a number; whether it is known to have been written.
    fn write(&self, key: &str, number: u64) -> bool;

    /// Waits until everything that was acknowledged before has been heard of; false when that cannot
    /// be said.
    fn catch_up(&self) -> bool;

    /// A line on what the cache has done.
    fn report(&self) -> String;
}

/// Somebody else who writes, past the cache.
pub trait Other: Send {
    /// Writes a number; whether it is known to have been written.
    fn write(&mut self, key: &str, number: u64) -> bool;

    /// As [`Self::write`], of several keys.
    fn write_all(&mut self, writes: &[(&str, u64)]) -> Vec<bool> {
        writes.iter().map(|(key, number)| self.write(key, *number)).collect()
    }

    /// The numbers of keys as they are, 0 where there is none.
    fn truth(&mut self, keys: &[String]) -> Vec<u64>;
}

/// How a cache is to be checked.
#[derive(Clone, Copy, Debug)]
pub struct Plan {
    /// How many keys there are: a power of two.
    pub keys: usize,
    /// How many threads read.
    pub readers: usize,
    /// The cache's bound, and what else a change may take to be seen.
    pub staleness_max: Duration,
    /// How long there are writes before all is quiet.
    pub round: Duration,
    /// So many keys are looked at when all is quiet, in as many rounds as it takes.
    pub checks: u64,
}

/// What a check has come to.
#[derive(Clone, Copy, Debug, Default)]
pub struct Figures {
    /// Times that all was quiet.
    pub rounds: u64,
    /// Reads while there were writes.
    pub reads: u64,
    /// Reads that were not answered.
    pub errors: u64,
    /// Writes, through the cache and past it.
    pub writes: u64,
    /// Reads that are not judged, because the servers' data may have gone back meanwhile.
    pub doubtful: u64,
    /// Reads that broke rule 1, 2 or 3.
    pub violations: u64,
    /// Keys whose last acknowledged write the servers have lost.
    pub lost: u64,
    /// Keys looked at when all was quiet.
    pub checks: u64,
    /// How many of them were not read as they are.
    pub stale: u64,
}

/// So many keys are written at once by others.
const BATCH: usize = 16;

/// Writes several keys: their indices, their names and their numbers.
type Batches<'a> = dyn FnMut(&[(usize, &str, u64)]) + 'a;

/// What is known of one key.
#[derive(Default)]
struct Record {
    seen: AtomicU64,
    own: AtomicU64,
    /// Numbers that were acknowledged, and when; of a round.
    acknowledged: Mutex<Vec<(Instant, u64)>>,
}

impl Record {
    /// The least that a read which starts now may give.
    fn floor(&self, now: Instant, bound: Duration) -> u64 {
        let acknowledged = locked(&self.acknowledged);
        let old = acknowledged.partition_point(|(when, _)| *when + bound < now);
        let old = old.checked_sub(1).and_then(|last| acknowledged.get(last)).map_or(0, |a| a.1);
        old.max(self.seen.load(Ordering::SeqCst)).max(self.own.load(Ordering::SeqCst))
    }

    fn acknowledge(&self, number: u64) {
        locked(&self.acknowledged).push((Instant::now(), number));
    }

    /// The last number that was acknowledged.
    fn last(&self) -> u64 {
        let last = locked(&self.acknowledged).last().map_or(0, |(_, number)| *number);
        last.max(self.own.load(Ordering::SeqCst))
    }

    /// The last number matters in the next round too.
    fn forget(&self) {
        let mut acknowledged = locked(&self.acknowledged);
        let last = acknowledged.pop();
        *acknowledged = last.into_iter().collect();
    }

    /// As if nothing but this number had ever been written, and that just now.
    fn adopt(&self, number: u64) {
        self.seen.store(0, Ordering::SeqCst);
        self.own.store(0, Ordering::SeqCst);
        *locked(&self.acknowledged) = vec![(Instant::now(), number)];
    }
}

/// A check that goes on.
pub struct Check<'a> {
    plan: Plan,
    subject: &'a dyn Subject,
    keys: Vec<String>,
    records: Vec<Record>,
    number: AtomicU64,
    figures: Mutex<Figures>,
    /// Held by each who writes; whoever takes it alone has no writes under way.
    gate: RwLock<()>,
    /// Odd while the servers' data may go back.
    era: RwLock<u64>,
    over: AtomicBool,
    told: AtomicU64,
}

/// Ends a round when it goes.
struct Over<'a>(&'a AtomicBool);

impl Drop for Over<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::SeqCst);
    }
}

impl<'a> Check<'a> {
    /// Of keys with these names.
    pub fn new(plan: Plan, subject: &'a dyn Subject, name: impl Fn(usize) -> String) -> Self {
        let keys = (0..plan.keys).map(name).collect();
        let records = (0..plan.keys).map(|_| Record::default()).collect();
        let (number, figures) = (AtomicU64::new(1), Mutex::default());
        let (gate, over, told) = (RwLock::new(()), AtomicBool::new(false), AtomicU64::new(0));
        let era = RwLock::new(0);
        Self { plan, subject, keys, records, number, figures, gate, era, over, told }
    }

    /// Round after round: `trouble` is called again and again while there are reads and writes, then
    /// `heal`; then every key is looked at.
    pub fn run(
        &self,
        other: &mut dyn Other,
        trouble: impl Fn(&Self, usize) + Sync,
        heal: impl Fn(),
    ) -> Result<Figures, String> {
        let mut step = 0;
        while locked(&self.figures).checks < self.plan.checks {
            self.over.store(false, Ordering::SeqCst);
            thread::scope(|scope| {
                // Also when `trouble` panics: the threads would go on for ever.
                let over = Over(&self.over);
                for reader in 0..self.plan.readers {
                    scope.spawn(move || self.read(reader));
                }
                scope.spawn(|| self.write_own());
                let writer = &mut *other;
                scope.spawn(move || self.write_other(writer));
                let start = Instant::now();
                while start.elapsed() < self.plan.round {
                    trouble(self, step);
                    step += 1;
                }
                drop(over);
                heal();
            });
            self.settle(other)?;
        }
        Ok(*locked(&self.figures))
    }

    /// The values of all keys, when every change has been heard of. What is not answered is asked
    /// again, as long as something is.
    fn values(&self) -> Result<Vec<u64>, String> {
        let mut values: Vec<Option<u64>> = vec![None; self.keys.len()];
        let mut start = Instant::now();
        while start.elapsed() < Duration::from_secs(30) {
            if !self.subject.catch_up() {
                continue;
            }
            let missing = values.iter().zip(&self.keys).filter(|(value, _)| value.is_none());
            let missing: Vec<String> = missing.map(|(_, key)| key.clone()).collect();
            let mut answers = self.subject.read_all(&missing).into_iter();
            for value in values.iter_mut().filter(|value| value.is_none()) {
                *value = answers.next().flatten();
                if value.is_some() {
                    start = Instant::now();
                }
            }
            if let Some(values) = values.iter().copied().collect() {
                return Ok(values);
            }
        }
        Err("the cache does not connect again".into())
    }

    /// Says what is wrong; the first few times.
    fn tell(&self, what: impl Fn() -> String) {
        if self.told.fetch_add(1, Ordering::Relaxed) < 10 {
            eprintln!("{}", what());
        }
    }

    /// Runs `body` while nobody writes.
    pub fn quiet<R>(&self, body: impl FnOnce() -> R) -> R {
        let _alone = self.gate.write().unwrap_or_else(PoisonError::into_inner);
        body()
    }

    /// From now on the servers may lose what they have acknowledged, until [`Self::adopt`] or until
    /// all is quiet.
    pub fn doubt(&self) {
        let mut era = self.era.write().unwrap_or_else(PoisonError::into_inner);
        *era |= 1;
    }

    /// From now on the servers lose nothing any more. Writes rest until it is known what they have.
    pub fn adopt(&self, other: &mut dyn Other) {
        self.quiet(|| {
            let truth = other.truth(&self.keys);
            self.go_on_from(&truth);
        });
    }

    /// Counts what was lost, and ends the doubt if there was any.
    fn go_on_from(&self, truth: &[u64]) {
        let mut era = self.era.write().unwrap_or_else(PoisonError::into_inner);
        let pairs = || self.records.iter().zip(truth);
        let lost = pairs().filter(|(record, truth)| **truth < record.last()).count();
        locked(&self.figures).lost += u64::try_from(lost).unwrap_or(u64::MAX);
        if *era % 2 == 1 {
            pairs().for_each(|(record, truth)| record.adopt(*truth));
            *era += 1;
        }
    }

    fn era(&self) -> RwLockReadGuard<'_, u64> {
        self.era.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn read(&self, reader: usize) {
        let (mut index, mut count) = (reader, Figures::default());
        while !self.over.load(Ordering::SeqCst) {
            index = (index * 5 + 3) % self.plan.keys;
            let (Some(record), Some(key)) = (self.records.get(index), self.keys.get(index)) else {
                return;
            };
            let era = *self.era();
            let floor = record.floor(Instant::now(), self.plan.staleness_max);
            let value = self.subject.read(key);
            let now = self.era();
            match value {
                Some(_) if era % 2 == 1 || *now != era => count.doubtful += 1,
                Some(value) if value < floor => {
                    self.tell(|| format!("{key}: {value} read, {floor} due"));
                    count.violations += 1;
                }
                Some(value) => drop(record.seen.fetch_max(value, Ordering::SeqCst)),
                None => count.errors += 1,
            }
            drop(now);
            count.reads += 1;
            if count.reads % 64 == 0 {
                // Others are to come to a turn too.
                thread::sleep(Duration::from_micros(100));
            }
        }
        let mut figures = locked(&self.figures);
        figures.reads += count.reads;
        figures.errors += count.errors;
        figures.doubtful += count.doubtful;
        figures.violations += count.violations;
    }

    /// The keys of even numbers are written through the cache.
    fn write_own(&self) {
        self.write(0, 1, &mut |writes| {
            for &(index, key, number) in writes {
                if self.subject.write(key, number)
                    && let Some(record) = self.records.get(index)
                {
                    record.own.store(number, Ordering::SeqCst);
                }
            }
        });
    }

    /// The rest is written past it.
    fn write_other(&self, other: &mut dyn Other) {
        self.write(1, BATCH, &mut |writes| {
            let pairs: Vec<_> = writes.iter().map(|(_, key, number)| (*key, *number)).collect();
            let written = other.write_all(&pairs).into_iter().zip(writes);
            for (_, &(index, _, number)) in written.filter(|(written, _)| *written) {
                self.records.get(index).into_iter().for_each(|record| record.acknowledge(number));
            }
        });
    }

    /// Writes every second key again and again, so many at once.
    fn write(&self, first: usize, batch: usize, write: &mut Batches<'_>) {
        let indices: Vec<usize> = (first..self.plan.keys).step_by(2).collect();
        let (mut writes, mut rest) = (0, 0);
        for batch in indices.chunks(batch).cycle() {
            if self.over.load(Ordering::SeqCst) {
                break;
            }
            let open = self.gate.read().unwrap_or_else(PoisonError::into_inner);
            let keys = batch.iter().filter_map(|index| Some((*index, self.keys.get(*index)?)));
            let number = || self.number.fetch_add(1, Ordering::SeqCst);
            let batch: Vec<_> = keys.map(|(index, key)| (index, key.as_str(), number())).collect();
            write(&batch);
            drop(open);
            writes += u64::try_from(batch.len()).unwrap_or(0);
            if writes >= rest {
                rest = writes + 8;
                thread::sleep(Duration::from_micros(writes % 7 * 100));
            }
        }
        locked(&self.figures).writes += writes;
    }

    /// When every change has been heard of, every key is read as it is.
    fn settle(&self, other: &mut dyn Other) -> Result<(), String> {
        let truth = other.truth(&self.keys);
        self.go_on_from(&truth);
        let values = self.values()?;
        let mut figures = locked(&self.figures);
        for ((key, truth), value) in self.keys.iter().zip(truth).zip(values) {
            figures.checks += 1;
            if value != truth {
                self.tell(|| format!("{key}: {value} read when all is quiet, it is {truth}"));
                figures.stale += 1;
            }
        }
        figures.rounds += 1;
        self.records.iter().for_each(Record::forget);
        Ok(())
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
