//! What each document has in an index, so that it can be taken out again.

use smallvec::SmallVec;

use super::DocId;

/// The values of one document; most have one.
pub(super) type Values<T> = SmallVec<[T; 1]>;

/// Values by document: an array, as numbers of documents are dense.
#[derive(Clone, Debug)]
pub(super) struct Forward<T>(Vec<Values<T>>);

impl<T> Default for Forward<T> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<T> Forward<T> {
    /// One above the greatest number seen.
    pub(super) const fn end(&self) -> usize {
        self.0.len()
    }

    pub(super) fn of(&self, document: DocId) -> &[T] {
        self.0.get(document as usize).map(SmallVec::as_slice).unwrap_or_default()
    }

    pub(super) fn take(&mut self, document: DocId) -> Values<T> {
        self.0.get_mut(document as usize).map(std::mem::take).unwrap_or_default()
    }

    pub(super) fn put(&mut self, document: DocId, values: Values<T>) {
        let place = document as usize;
        if place >= self.0.len() {
            self.0.resize_with(place + 1, Values::new);
        }
        if let Some(slot) = self.0.get_mut(place) {
            *slot = values;
        }
    }

    /// Bytes on the heap, as allocated. O(documents).
    pub(super) fn memory(&self) -> usize {
        let own = self.0.capacity() * size_of::<Values<T>>();
        let spilled = self.0.iter().filter(|values| values.spilled());
        own + spilled.map(|values| values.capacity() * size_of::<T>()).sum::<usize>()
    }
}
