//! Which indexes there are, by name and alias.
//!
//! Only the main thread looks names up; threads hold the indexes they work for. The lock is held for
//! a look, never while the server is called.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU64, AtomicUsize, Ordering::Relaxed};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use keyspan_search_core::engine::Index;
use keyspan_search_core::expression::Expression;
use keyspan_search_core::schema::Schema;
use keyspan_search_core::schema::aux::{Definition, Synonyms};

use crate::{scan::Progress, settings};

/// An index as the server knows it.
#[derive(Debug)]
pub(crate) struct Entry {
    /// Its name.
    pub(crate) name: Box<[u8]>,
    /// Its documents.
    pub(crate) index: Index,
    /// What the keys of documents begin with; fixed, so that a write is judged without a lock.
    prefixes: Box<[Box<[u8]>]>,
    /// What a document has to meet.
    pub(crate) filter: Option<Expression>,
    /// The keys that were there before it.
    pub(crate) scan: Mutex<Progress>,
    /// Whether a thread settles it, or is about to.
    pub(crate) settling: AtomicBool,
    /// Whether it was searched since clients that track it were last told of a change.
    pub(crate) searched: AtomicBool,
    /// Whether keys were loaded before its definition was, and are to be scanned.
    pub(crate) is_behind: AtomicBool,
    /// Whether it is gone, so that nothing is to be done for it any more.
    pub(crate) dropped: AtomicBool,
    /// Commands that used it.
    pub(crate) uses: AtomicU64,
    /// Microseconds the main thread took to index documents.
    pub(crate) indexing_us: AtomicU64,
    /// Dialects of queries, a bit each.
    pub(crate) dialects: AtomicU8,
    /// Synonyms of an index of RediSearch: kept for files.
    synonyms: Vec<Synonyms>,
    /// When it was used last; for temporary indexes.
    used: Mutex<Instant>,
}

impl Entry {
    fn new(name: &[u8], schema: Schema, synonyms: Vec<Synonyms>) -> Arc<Self> {
        let filter = schema.filter.as_deref().and_then(|text| Expression::parse(text).ok());
        Arc::new(Self {
            name: name.into(),
            prefixes: schema.prefixes.clone().into(),
            filter,
            index: Index::new(schema, settings::engine()),
            scan: Mutex::default(),
            settling: AtomicBool::new(false),
            searched: AtomicBool::new(false),
            is_behind: AtomicBool::new(false),
            dropped: AtomicBool::new(false),
            uses: AtomicU64::new(0),
            indexing_us: AtomicU64::new(0),
            dialects: AtomicU8::new(0),
            synonyms,
            used: Mutex::new(Instant::now()),
        })
    }

    /// Whether a key begins as those of documents do.
    pub(crate) fn covers(&self, key: &[u8]) -> bool {
        self.prefixes.iter().any(|prefix| key.starts_with(prefix))
    }

    /// Counts a use.
    pub(crate) fn use_it(&self) {
        self.uses.fetch_add(1, Relaxed);
        *lock(&self.used) = Instant::now();
    }

    /// Whether the index is temporary and was not used for its time.
    pub(crate) fn is_over(&self) -> bool {
        let limit = self.index.schema().temporary_ms;
        limit.is_some_and(|limit| lock(&self.used).elapsed().as_millis() >= u128::from(limit))
    }

    /// The definition as files have it.
    fn definition(&self, aliases: Vec<Box<[u8]>>) -> Definition {
        Definition {
            name: self.name.clone(),
            schema: Schema::clone(&self.index.schema()),
            aliases,
            synonyms: self.synonyms.clone(),
        }
    }
}

/// All indexes.
#[derive(Debug, Default)]
struct Registry {
    indexes: BTreeMap<Box<[u8]>, Arc<Entry>>,
    /// The names of indexes by alias.
    aliases: BTreeMap<Box<[u8]>, Box<[u8]>>,
}

static REGISTRY: Mutex<Registry> =
    Mutex::new(Registry { indexes: BTreeMap::new(), aliases: BTreeMap::new() });

/// How many indexes there are: told without the lock, for each write of the server.
static COUNT: AtomicUsize = AtomicUsize::new(0);

/// What a poisoned lock guards is whole: nothing panics while it is half changed.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn registry() -> MutexGuard<'static, Registry> {
    lock(&REGISTRY)
}

/// How many indexes there are.
pub(crate) fn count() -> usize {
    COUNT.load(Relaxed)
}

/// The index of this name or alias.
pub(crate) fn find(name: &[u8]) -> Option<Arc<Entry>> {
    let registry = registry();
    let name =
        if registry.indexes.contains_key(name) { name } else { registry.aliases.get(name)? };
    registry.indexes.get(name).cloned()
}

/// The index of this name; aliases are none.
pub(crate) fn named(name: &[u8]) -> Option<Arc<Entry>> {
    registry().indexes.get(name).cloned()
}

/// All indexes, by name.
pub(crate) fn all() -> Vec<Arc<Entry>> {
    registry().indexes.values().cloned().collect()
}

/// The indexes whose documents may have one of `keys`.
pub(crate) fn covering(keys: &[&[u8]]) -> Vec<Arc<Entry>> {
    let registry = registry();
    let covers = |entry: &&Arc<Entry>| keys.iter().any(|key| entry.covers(key));
    registry.indexes.values().filter(covers).cloned().collect()
}

/// Adds an index; `None` if the name is taken, also by an alias.
pub(crate) fn add(name: &[u8], schema: Schema) -> Option<Arc<Entry>> {
    let mut registry = registry();
    if registry.indexes.contains_key(name) || registry.aliases.contains_key(name) {
        return None;
    }
    let entry = Entry::new(name, schema, Vec::new());
    registry.put(Arc::clone(&entry));
    Some(entry)
}

/// Adds what a file defines, over what has the same name.
pub(crate) fn restore(definition: Definition) {
    let Definition { name, schema, aliases, synonyms } = definition;
    let mut registry = registry();
    for alias in aliases {
        registry.aliases.insert(alias, name.clone());
    }
    registry.put(Entry::new(&name, schema, synonyms));
}

/// Takes an index out, with its aliases.
pub(crate) fn remove(name: &[u8]) -> Option<Arc<Entry>> {
    let mut registry = registry();
    let entry = registry.indexes.remove(name)?;
    registry.aliases.retain(|_, index| **index != *name);
    registry.changed();
    entry.dropped.store(true, Relaxed);
    Some(entry)
}

/// Takes all indexes out.
pub(crate) fn clear() -> Vec<Arc<Entry>> {
    let mut registry = registry();
    let gone = std::mem::take(&mut *registry).indexes;
    registry.changed();
    drop(registry);
    gone.into_values().inspect(|entry| entry.dropped.store(true, Relaxed)).collect()
}

/// Makes every index anew, without documents; the old ones are answered.
pub(crate) fn renew() -> Vec<Arc<Entry>> {
    let mut registry = registry();
    let old = std::mem::take(&mut registry.indexes);
    for entry in old.values() {
        entry.dropped.store(true, Relaxed);
        let schema = Schema::clone(&entry.index.schema());
        registry.put(Entry::new(&entry.name, schema, entry.synonyms.clone()));
    }
    old.into_values().collect()
}

/// The definitions of all indexes, as files have them.
pub(crate) fn definitions() -> Vec<Definition> {
    let registry = registry();
    let define = |entry: &Arc<Entry>| entry.definition(registry.aliases_of(&entry.name));
    registry.indexes.values().map(define).collect()
}

/// What became of an alias.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Aliased {
    /// It is set.
    Done,
    /// It is the name of an index.
    IsIndex,
    /// It is an alias already.
    Taken,
}

/// Gives the index `name` another name; `over` one that it may already be of another index.
pub(crate) fn alias(alias: &[u8], name: &[u8], over: bool) -> Aliased {
    let mut registry = registry();
    if registry.indexes.contains_key(alias) {
        return Aliased::IsIndex;
    }
    if !over && registry.aliases.contains_key(alias) {
        return Aliased::Taken;
    }
    registry.aliases.insert(alias.into(), name.into());
    Aliased::Done
}

/// Takes an alias away. False if it is none.
pub(crate) fn remove_alias(alias: &[u8]) -> bool {
    registry().aliases.remove(alias).is_some()
}

/// The aliases of the index `name`, in order.
pub(crate) fn aliases(name: &[u8]) -> Vec<Box<[u8]>> {
    registry().aliases_of(name)
}

impl Registry {
    fn aliases_of(&self, name: &[u8]) -> Vec<Box<[u8]>> {
        let own = self.aliases.iter().filter(|(_, index)| ***index == *name);
        own.map(|(alias, _)| alias.clone()).collect()
    }

    fn put(&mut self, entry: Arc<Entry>) {
        self.indexes.insert(entry.name.clone(), entry);
        self.changed();
    }

    fn changed(&self) {
        COUNT.store(self.indexes.len(), Relaxed);
    }
}
