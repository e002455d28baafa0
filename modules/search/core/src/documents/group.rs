//! Documents that stand side by side.

use super::SortValue;

/// Documents of a group.
pub(super) const GROUP: usize = 16;

/// The longest key, so that the ends of all keys of a group are 32-bit numbers.
pub(super) const KEY_MAX: usize = 1 << 27;

/// Up to 16 documents, by their places.
///
/// ```text
/// keys   [ doc:1doc:2doc:17 ]     one behind the other, in a block just as long
/// ends   [ 5 | 10 | 16 | 16 .. ]  where the key of each place ends
/// ```
/// A key of its own block would take 24 bytes more. 14 bytes a document and its key when full.
#[derive(Clone, Debug, Default)]
pub(super) struct Group {
    keys: Box<[u8]>,
    sequences: [u64; GROUP],
    ends: [u32; GROUP],
    /// A bit for each place where a document is.
    live: u16,
    rest: Option<Box<Rest>>,
}

/// What most documents have not: a score of their own, and values to sort by.
#[derive(Clone, Debug)]
struct Rest {
    scores: [f64; GROUP],
    sortables: [Box<[SortValue]>; GROUP],
}

/// The score of documents that are given none.
const SCORE: f64 = 1.0;

impl Rest {
    fn new() -> Box<Self> {
        Box::new(Self { scores: [SCORE; GROUP], sortables: Default::default() })
    }
}

impl Group {
    /// Whether no document is left.
    pub(super) const fn is_empty(&self) -> bool {
        self.live == 0
    }

    fn has(&self, place: usize) -> bool {
        self.live >> place & 1 == 1
    }

    /// Where the key of `place` is, whether a document is there or not.
    fn span(&self, place: usize) -> std::ops::Range<usize> {
        let end = |place: usize| self.ends.get(place).map_or(0, |end| *end as usize);
        place.checked_sub(1).map_or(0, end)..end(place)
    }

    /// The key of the document at `place`.
    #[inline]
    pub(super) fn key(&self, place: usize) -> Option<&[u8]> {
        self.has(place).then(|| self.keys.get(self.span(place)).unwrap_or_default())
    }

    /// Gives `place` this key. False if it is too long; then nothing was changed. O(keys).
    pub(super) fn set_key(&mut self, place: usize, key: &[u8]) -> bool {
        if key.len() > KEY_MAX {
            return false;
        }
        let span = self.span(place);
        let (front, back) = (self.keys.get(..span.start), self.keys.get(span.end..));
        self.keys = [front.unwrap_or_default(), key, back.unwrap_or_default()].concat().into();
        for end in self.ends.iter_mut().skip(place) {
            // Below 16 times the longest key.
            let new = *end as usize - span.len() + key.len();
            *end = u32::try_from(new).unwrap_or(u32::MAX);
        }
        self.live |= 1 << place;
        true
    }

    /// Gives the document at `place` these values.
    pub(super) fn set(
        &mut self,
        place: usize,
        sequence: u64,
        score: f64,
        sortables: Box<[SortValue]>,
    ) {
        if let Some(to) = self.sequences.get_mut(place) {
            *to = sequence;
        }
        let is_plain = sortables.is_empty() && score.to_bits() == SCORE.to_bits();
        if is_plain && self.rest.is_none() {
            return;
        }
        let rest = self.rest.get_or_insert_with(Rest::new);
        if let Some((to, values)) = rest.scores.get_mut(place).zip(rest.sortables.get_mut(place)) {
            (*to, *values) = (score, sortables);
        }
    }

    /// Takes the document at `place` out.
    pub(super) fn remove(&mut self, place: usize) {
        self.set_key(place, &[]);
        self.live &= !(1 << place);
        if let Some(rest) = &mut self.rest
            && let Some(values) = rest.sortables.get_mut(place)
        {
            *values = Box::default();
        }
    }

    /// When the document came or changed last.
    #[inline]
    pub(super) fn sequence(&self, place: usize) -> u64 {
        self.sequences.get(place).copied().unwrap_or(0)
    }

    /// The score the document was given.
    pub(super) fn score(&self, place: usize) -> f64 {
        let score = self.rest.as_ref().and_then(|rest| rest.scores.get(place));
        score.copied().unwrap_or(SCORE)
    }

    /// The values the document is sorted by.
    pub(super) fn sortables(&self, place: usize) -> &[SortValue] {
        let values = self.rest.as_ref().and_then(|rest| rest.sortables.get(place));
        values.map(|values| &**values).unwrap_or_default()
    }

    /// Bytes of keys.
    pub(super) fn keys_memory(&self) -> usize {
        self.keys.len()
    }

    /// Bytes of values results are sorted by.
    pub(super) fn sortables_memory(&self) -> usize {
        let rest = self.rest.iter().flat_map(|rest| &rest.sortables);
        let values = rest.flatten().map(|value| size_of::<SortValue>() + value.memory());
        values.sum()
    }

    /// Bytes of the group itself, without keys and values.
    pub(super) fn rows_memory(&self) -> usize {
        size_of::<Self>() + self.rest.as_ref().map_or(0, |_| size_of::<Rest>())
    }
}
