//! A hash table whose readers take no lock and wait for nobody; the one place of `unsafe`.
//!
//! ```text
//! index --> buckets, a power of two, one cache line each:
//!           | 7 tags of a byte, and how many went on to the next bucket | 7 pointers |
//! ```
//!
//! A tag is seven bits of the hash (and one that says that there is something), so that a pointer
//! is followed that is the right one with 127 of 128; what it points to says for sure. One at a
//! time changes the table, under its lock. What is taken out is freed when nobody can be
//! reading it: see [`Readers`].
//!
//! # Invariants
//!
//! 1. A pointer in a bucket of the current index came from [`Pointer::lower`] and was not raised.
//! 2. What was taken out, pointers and indexes, is raised only after a [`Snapshot`] that was
//!    made later is over: no [`Pin`] under which it may have been found exists any more.
//! 3. `index` points to an [`Index`] from `Box::into_raw` that was not taken back.

#![expect(unsafe_code, reason = "readers without locks: the rest of the crate has none")]

use std::collections::VecDeque;
use std::marker::PhantomData;
use std::mem::ManuallyDrop;
use std::ops::Deref;
use std::ptr::NonNull;
use std::sync::PoisonError;

use super::readers::{Pin, Readers, Snapshot};
use super::sync::{AtomicPtr, AtomicU64, Mutex, MutexGuard, Ordering};
use crate::entry::Entry;

/// What a table holds: something shared, that fits into one pointer.
///
/// # Safety
///
/// `lower` gives a pointer that is not null and stays good until [`Self::raise`]; between them, an
/// unowned copy raised from it may be used like the original (but not dropped), by many threads.
pub(super) unsafe trait Pointer: Send + Sync {
    /// The hash that it is found by; never changes.
    fn hash(&self) -> u64;

    /// Bytes that are freed when it is dropped.
    fn bytes(&self) -> usize;

    /// Becomes a pointer.
    fn lower(self) -> *mut ();

    /// What it leads to is looked at next.
    #[inline]
    fn announce(raw: *mut ()) {
        let _ = raw;
    }

    /// Becomes itself again.
    ///
    /// # Safety
    ///
    /// The pointer is from `lower`. What is raised twice is dropped once.
    unsafe fn raise(raw: *mut ()) -> Self;
}

// SAFETY: `ThinArc::into_raw` and `from_raw` keep the count, and the block stays where it is.
unsafe impl Pointer for Entry {
    #[inline]
    fn hash(&self) -> u64 {
        self.lookup().hash()
    }

    fn bytes(&self) -> usize {
        Self::bytes(self)
    }

    fn lower(self) -> *mut () {
        self.0.into_raw().cast_mut().cast()
    }

    #[inline]
    fn announce(raw: *mut ()) {
        for line in [1, 2] {
            // SAFETY: a hint, that may name any address.
            #[cfg(target_arch = "x86_64")]
            unsafe {
                use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
                _mm_prefetch::<_MM_HINT_T0>(raw.cast_const().cast::<i8>().wrapping_add(line * 64));
            }
        }
    }

    #[inline]
    unsafe fn raise(raw: *mut ()) -> Self {
        // SAFETY: the caller's promise.
        Self(unsafe { triomphe::ThinArc::from_raw(raw.cast_const().cast()) })
    }
}

/// Places in a bucket.
const PLACES: usize = 7;

/// So many in a bucket in the mean, at most: then one of eight has gone on to the next.
const LOAD_MAX: usize = 5;

/// A byte of each place set to this is free.
const FREE: u64 = 0;

/// The lowest bit of the byte of each place.
const ONES: u64 = 0x0001_0101_0101_0101;

/// Where the count of those that went on is.
const BEYOND_SHIFT: u32 = 56;

/// A count that has got so far stays.
const BEYOND_MAX: u64 = 0xff;

#[derive(Debug, Default)]
#[repr(align(64))]
struct Bucket {
    tags: AtomicU64,
    places: [AtomicPtr<()>; PLACES],
}

/// The bucket at which the search for this hash starts, before it is cut to the size of the index.
#[inline]
#[expect(clippy::cast_possible_truncation, reason = "only so many bits as there are buckets")]
const fn home(hash: u64) -> usize {
    hash as usize
}

#[inline]
const fn tag(hash: u64) -> u64 {
    (hash >> 57) | 0x80
}

/// The top bit of the byte of each place whose tag this is, and maybe of others.
#[inline]
const fn matches(tags: u64, tag: u64) -> u64 {
    let differing = tags ^ (ONES.wrapping_mul(tag));
    differing.wrapping_sub(ONES) & !differing & (ONES << 7)
}

/// The first place of these; [`PLACES`] if there is none.
#[inline]
const fn first(places: u64) -> usize {
    let place = places.trailing_zeros() / 8;
    if place > 6 { PLACES } else { place as usize }
}

const fn beyond(tags: u64) -> u64 {
    tags >> BEYOND_SHIFT
}

const fn with_tag(tags: u64, place: usize, tag: u64) -> u64 {
    let shift = place.wrapping_mul(8);
    (tags & !(0xff << shift)) | (tag << shift)
}

/// Buckets; how many is a power of two.
#[derive(Debug)]
struct Index {
    buckets: Box<[Bucket]>,
    mask: usize,
}

impl Index {
    fn new(buckets: usize) -> Box<Self> {
        let buckets: Box<[Bucket]> = (0..buckets).map(|_| Bucket::default()).collect();
        let mask = buckets.len().saturating_sub(1);
        Box::new(Self { buckets, mask })
    }

    #[inline]
    fn bytes(&self) -> usize {
        size_of_val(&*self.buckets)
    }

    /// The buckets in which this hash may be, in order.
    #[inline]
    fn path(&self, hash: u64) -> impl Iterator<Item = &Bucket> {
        let start = home(hash);
        (0..self.buckets.len())
            .map_while(move |step| self.buckets.get(start.wrapping_add(step) & self.mask))
    }

    /// The place of the pointer of this hash that `is` the one. For who may follow pointers.
    #[inline]
    fn place(
        &self,
        hash: u64,
        announce: impl Fn(*mut ()),
        is: impl Fn(*mut ()) -> bool,
    ) -> Option<(*mut (), &Bucket, usize)> {
        let (tag, mut at) = (tag(hash), home(hash));
        for _ in 0..self.buckets.len() {
            let bucket = self.buckets.get(at & self.mask)?;
            let tags = bucket.tags.load(Ordering::Acquire);
            let mut candidates = matches(tags, tag);
            while candidates != 0 {
                let place = first(candidates);
                let raw = bucket.places.get(place)?.load(Ordering::Acquire);
                announce(raw);
                if !raw.is_null() && is(raw) {
                    return Some((raw, bucket, place));
                }
                candidates &= candidates.wrapping_sub(1);
            }
            if beyond(tags) == 0 {
                return None;
            }
            at = at.wrapping_add(1);
        }
        None
    }

    /// Puts the pointer into the first free place. There is one: [`LOAD_MAX`].
    fn put(&self, hash: u64, raw: *mut ()) {
        for bucket in self.path(hash) {
            let tags = bucket.tags.load(Ordering::Relaxed);
            let free = first(matches(tags, FREE));
            if let Some(place) = bucket.places.get(free) {
                place.store(raw, Ordering::Release);
                bucket.tags.store(with_tag(tags, free, tag(hash)), Ordering::Release);
                return;
            }
            if beyond(tags) < BEYOND_MAX {
                bucket.tags.store(tags.wrapping_add(1 << BEYOND_SHIFT), Ordering::Release);
            }
        }
    }

    /// Empties the place.
    fn take(&self, hash: u64, bucket: &Bucket, place: usize) {
        let tags = bucket.tags.load(Ordering::Relaxed);
        bucket.tags.store(with_tag(tags, place, FREE), Ordering::Release);
        if let Some(place) = bucket.places.get(place) {
            place.store(std::ptr::null_mut(), Ordering::Release);
        }
        for passed in self.path(hash).take_while(|passed| !std::ptr::eq(*passed, bucket)) {
            let tags = passed.tags.load(Ordering::Relaxed);
            if beyond(tags) < BEYOND_MAX {
                passed.tags.store(tags.wrapping_sub(1 << BEYOND_SHIFT), Ordering::Release);
            }
        }
    }

    /// All pointers.
    fn pointers(&self) -> impl Iterator<Item = *mut ()> {
        let places = self.buckets.iter().flat_map(|bucket| &bucket.places);
        places.map(|place| place.load(Ordering::Relaxed)).filter(|raw| !raw.is_null())
    }
}

/// An index that was taken out and is not freed yet.
enum Retired<P: Pointer> {
    /// Its pointers are in another now.
    Outgrown(#[expect(dead_code, reason = "to be dropped")] Former),
    /// With its pointers.
    Cleared(#[expect(dead_code, reason = "to be dropped")] Cleared<P>),
}

/// An index that is not the table's any more. A plain pointer, as readers may still have it.
struct Former(NonNull<Index>);

// SAFETY: an index is nothing but atomics.
unsafe impl Send for Former {}

impl Drop for Former {
    fn drop(&mut self) {
        // SAFETY: 3; it was taken out once, and by 2 nobody reads it any more.
        drop(unsafe { Box::from_raw(self.0.as_ptr()) });
    }
}

struct Cleared<P: Pointer>(Former, PhantomData<P>);

impl<P: Pointer> Drop for Cleared<P> {
    fn drop(&mut self) {
        // SAFETY: 2 and 3.
        let index = unsafe { self.0.0.as_ref() };
        for raw in index.pointers() {
            // SAFETY: 1, and by 2 nobody else has it any more.
            drop(unsafe { P::raise(raw) });
        }
    }
}

/// What was taken out and is freed together.
struct Batch<P: Pointer> {
    pointers: Vec<P>,
    indexes: Vec<Retired<P>>,
    bytes: usize,
}

impl<P: Pointer> Batch<P> {
    const fn new() -> Self {
        Self { pointers: Vec::new(), indexes: Vec::new(), bytes: 0 }
    }

    const fn len(&self) -> usize {
        self.pointers.len().saturating_add(self.indexes.len())
    }

    fn add(&mut self, pointer: P) {
        let bytes = pointer.bytes();
        if self.pointers.capacity() == 0 {
            // Once, in place of six times as it grows.
            self.pointers.reserve_exact(BATCH);
        }
        self.pointers.push(pointer);
        self.bytes = self.bytes.saturating_add(bytes);
    }

    fn add_index(&mut self, index: Retired<P>, bytes: usize) {
        self.indexes.push(index);
        self.bytes = self.bytes.saturating_add(bytes);
    }

    fn append(&mut self, mut other: Self) {
        if self.len() == 0 {
            *self = other;
            return;
        }
        self.pointers.append(&mut other.pointers);
        self.indexes.append(&mut other.indexes);
        self.bytes = self.bytes.saturating_add(other.bytes);
    }
}

/// What waits until all who may read it have ended.
struct Limbo<P: Pointer> {
    open: Batch<P>,
    sealed: VecDeque<(Snapshot, Batch<P>)>,
    sealed_bytes: usize,
    bytes_max: usize,
}

/// One barrier for so many.
const BATCH: usize = 128;

impl<P: Pointer> Limbo<P> {
    const fn new(bytes_max: usize) -> Self {
        Self { open: Batch::new(), sealed: VecDeque::new(), sealed_bytes: 0, bytes_max }
    }

    const fn bytes(&self) -> usize {
        self.open.bytes.saturating_add(self.sealed_bytes)
    }

    const fn is_full(&self) -> bool {
        self.open.len() >= BATCH || self.open.bytes > self.bytes_max
    }

    /// Takes out what nobody reads any more.
    fn settle(&mut self, readers: &Readers) -> Batch<P> {
        if let Some(snapshot) = self.is_full().then(|| readers.snapshot()).flatten() {
            let batch = std::mem::replace(&mut self.open, Batch::new());
            self.sealed_bytes = self.sealed_bytes.saturating_add(batch.bytes);
            self.sealed.push_back((snapshot, batch));
        }
        let mut free = Batch::new();
        while let Some((snapshot, _)) = self.sealed.front_mut() {
            if !snapshot.is_over() {
                break;
            }
            let Some((_, batch)) = self.sealed.pop_front() else { break };
            self.sealed_bytes = self.sealed_bytes.saturating_sub(batch.bytes);
            free.append(batch);
        }
        free
    }
}

/// A table of `P`, and a state `S` that is changed together with it.
pub(super) struct Table<P: Pointer, S> {
    index: AtomicPtr<Index>,
    readers: &'static Readers,
    inside: Mutex<Inside<P, S>>,
}

struct Inside<P: Pointer, S> {
    limbo: Limbo<P>,
    count: usize,
    state: S,
}

impl<P: Pointer, S> Table<P, S> {
    /// An empty table. What was taken out may wait for readers with this many bytes.
    pub(super) fn new(readers: &'static Readers, limbo_bytes_max: usize, state: S) -> Self {
        let index = AtomicPtr::new(Box::into_raw(Index::new(1)));
        let limbo = Limbo::new(limbo_bytes_max);
        Self { index, readers, inside: Mutex::new(Inside { limbo, count: 0, state }) }
    }

    fn index(&self) -> &Index {
        // SAFETY: 3; an index that is taken out meanwhile lives by 2 as long as the pin of a reader,
        // or until the lock of who changes the table is given back.
        unsafe { &*self.index.load(Ordering::Acquire) }
    }

    /// What has this hash and `is` the one. The nearest to a plain load: no lock, no count.
    #[inline]
    pub(super) fn find<'p>(
        &'p self,
        pin: &'p Pin<'_>,
        hash: u64,
        is: impl Fn(&P) -> bool,
    ) -> Option<Found<'p, P>> {
        debug_assert!(pin.is_of(self.readers), "a pin that this table does not ask");
        self.index()
            .place(hash, P::announce, |raw| is(&Found::of(raw)))
            .map(|(raw, _, _)| Found::of(raw))
    }

    /// Starts to change it; waits for others who do.
    #[inline]
    pub(super) fn edit(&self) -> Edit<'_, P, S> {
        let inside = self.inside.lock().unwrap_or_else(PoisonError::into_inner);
        Edit { inside, table: self, free: None }
    }
}

impl<P: Pointer, S> Drop for Table<P, S> {
    fn drop(&mut self) {
        // Nobody else has the table, so nobody reads in it.
        let index = NonNull::new(self.index.load(Ordering::Relaxed));
        drop(index.map(|index| Cleared::<P>(Former(index), PhantomData)));
    }
}

/// Something in the table, as long as a pin holds it there.
pub(super) struct Found<'p, P>(ManuallyDrop<P>, PhantomData<&'p P>);

impl<P: Pointer> Found<'_, P> {
    #[inline]
    fn of(raw: *mut ()) -> Self {
        // SAFETY: 1 and 2; it is not dropped.
        Self(ManuallyDrop::new(unsafe { P::raise(raw) }), PhantomData)
    }

    /// What was found, to be dropped when it may be.
    ///
    /// # Safety
    ///
    /// It was taken out of the index, and this is called once for it.
    #[inline]
    unsafe fn own(self) -> P {
        ManuallyDrop::into_inner(self.0)
    }
}

impl<P> Deref for Found<'_, P> {
    type Target = P;

    #[inline]
    fn deref(&self) -> &P {
        &self.0
    }
}

/// The right to change the table. What it takes out is freed after others may change it again.
pub(super) struct Edit<'t, P: Pointer, S> {
    // Dropped in this order.
    inside: MutexGuard<'t, Inside<P, S>>,
    free: Option<Batch<P>>,
    table: &'t Table<P, S>,
}

/// What is in a table, for one who changes it.
pub(super) struct Contents<'e, P: Pointer> {
    index: &'e Index,
    limbo: &'e mut Limbo<P>,
    count: &'e mut usize,
}

impl<P: Pointer> Contents<'_, P> {
    /// What has this hash and `is` the one.
    #[inline]
    pub(super) fn find(&mut self, hash: u64, is: impl Fn(&P) -> bool) -> Option<Occupied<'_, P>> {
        let found = self.index.place(hash, |_| {}, |raw| is(&Found::of(raw)));
        let (raw, bucket, place) = found?;
        let Self { index, limbo, count } = self;
        Some(Occupied { found: Found::of(raw), index, bucket, place, limbo, count })
    }
}

/// Something in a table, that may be taken out where it was found.
pub(super) struct Occupied<'e, P: Pointer> {
    found: Found<'e, P>,
    index: &'e Index,
    bucket: &'e Bucket,
    place: usize,
    limbo: &'e mut Limbo<P>,
    count: &'e mut usize,
}

impl<P: Pointer> Occupied<'_, P> {
    /// Takes it out.
    #[inline]
    pub(super) fn remove(self) {
        self.index.take(self.found.hash(), self.bucket, self.place);
        *self.count = self.count.saturating_sub(1);
        // SAFETY: it was just taken out, once.
        self.limbo.open.add(unsafe { self.found.own() });
    }
}

impl<P: Pointer> Deref for Occupied<'_, P> {
    type Target = P;

    #[inline]
    fn deref(&self) -> &P {
        &self.found
    }
}

impl<P: Pointer, S> Edit<'_, P, S> {
    /// Puts it in. There must not be another that is the same.
    pub(super) fn insert(&mut self, pointer: P) {
        self.inside.count = self.inside.count.saturating_add(1);
        if self.inside.count > self.table.index().buckets.len().saturating_mul(LOAD_MAX) {
            self.grow();
        }
        self.table.index().put(pointer.hash(), pointer.lower());
    }

    /// Takes out what has this hash and `is` the one; whether there was such a thing.
    #[cfg(test)]
    pub(super) fn remove(&mut self, hash: u64, is: impl Fn(&P) -> bool) -> bool {
        self.parts().1.find(hash, is).map(Occupied::remove).is_some()
    }

    /// The state beside the table, and what is in the table.
    #[inline]
    pub(super) fn parts(&mut self) -> (&mut S, Contents<'_, P>) {
        let index = self.table.index();
        let Inside { limbo, count, state } = &mut *self.inside;
        (state, Contents { index, limbo, count })
    }

    /// Takes everything out. O(1); freeing it comes later.
    pub(super) fn clear(&mut self) {
        // So much that it is looked at soon.
        let bytes = self.inside.limbo.bytes_max.saturating_add(1);
        self.inside.count = 0;
        if let Some(old) = self.exchange(Index::new(1)) {
            let old = Retired::Cleared(Cleared(old, PhantomData));
            self.inside.limbo.open.add_index(old, bytes);
        }
    }

    /// How many are in it.
    #[inline]
    pub(super) fn count(&self) -> usize {
        self.inside.count
    }

    /// Bytes of the buckets.
    #[inline]
    pub(super) fn index_bytes(&self) -> usize {
        self.table.index().bytes()
    }

    /// Sorts out what may be freed when the table is given back.
    #[inline]
    pub(super) fn settle(&mut self) {
        let limbo = &mut self.inside.limbo;
        if limbo.is_full() || !limbo.sealed.is_empty() {
            let mut free = limbo.settle(self.table.readers);
            self.free.take().into_iter().for_each(|before| free.append(before));
            self.free = Some(free);
        }
    }

    /// Bytes of what was taken out and is not freed yet.
    #[inline]
    pub(super) fn limbo_bytes(&self) -> usize {
        self.inside.limbo.bytes()
    }

    /// The state beside the table.
    #[inline]
    pub(super) fn state(&mut self) -> &mut S {
        &mut self.inside.state
    }

    /// Doubles the buckets.
    #[cold]
    fn grow(&mut self) {
        let old = self.table.index();
        let index = Index::new(old.buckets.len().saturating_mul(2));
        for raw in old.pointers() {
            index.put(Found::<P>::of(raw).hash(), raw);
        }
        let bytes = old.bytes();
        if let Some(old) = self.exchange(index) {
            self.inside.limbo.open.add_index(Retired::Outgrown(old), bytes);
        }
    }

    fn exchange(&self, index: Box<Index>) -> Option<Former> {
        NonNull::new(self.table.index.swap(Box::into_raw(index), Ordering::AcqRel)).map(Former)
    }
}

impl<P: Pointer, S> Drop for Edit<'_, P, S> {
    fn drop(&mut self) {
        self.settle();
    }
}

#[cfg(test)]
pub(super) mod traced {
    //! What says when it is dropped, and can be looked at even then.

    use std::sync::Arc;

    use super::super::sync::{AtomicUsize, Ordering};
    use super::Pointer;

    #[derive(Debug)]
    pub(crate) struct Trace {
        pub(crate) hash: u64,
        pub(crate) number: u64,
        dropped: AtomicUsize,
    }

    impl Trace {
        pub(crate) fn new(hash: u64, number: u64) -> Arc<Self> {
            Arc::new(Self { hash, number, dropped: AtomicUsize::new(0) })
        }

        pub(crate) fn is_dropped(&self) -> bool {
            self.dropped.load(Ordering::Relaxed) > 0
        }
    }

    #[derive(Debug)]
    pub(crate) struct Traced(pub(crate) Arc<Trace>);

    impl Drop for Traced {
        fn drop(&mut self) {
            let dropped = self.0.dropped.load(Ordering::Relaxed);
            assert_eq!(dropped, 0, "dropped twice");
            self.0.dropped.store(1, Ordering::Relaxed);
        }
    }

    // SAFETY: `Arc::into_raw` and `from_raw` keep the count.
    unsafe impl Pointer for Traced {
        fn hash(&self) -> u64 {
            self.0.hash
        }

        fn bytes(&self) -> usize {
            1
        }

        fn lower(self) -> *mut () {
            let raw = Arc::into_raw(Arc::clone(&self.0));
            // The count that it had is the pointer's, and the one just made is gone again.
            // SAFETY: the count is above one.
            unsafe { Arc::decrement_strong_count(raw) };
            std::mem::forget(self);
            raw.cast_mut().cast()
        }

        unsafe fn raise(raw: *mut ()) -> Self {
            // SAFETY: the caller's promise.
            Self(unsafe { Arc::from_raw(raw.cast_const().cast()) })
        }
    }
}
