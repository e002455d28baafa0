//! Sets from documents in no order.

use super::{DocId, DocSet};

/// From this share of all numbers on (1 / so many), a plain bit map is filled first.
const DENSE: u64 = 64;

/// The set of `documents`, about `count` of them, each below `end`.
///
/// O(count log count) for few of them, O(count + end / 8) for many.
pub(super) fn collect(documents: impl Iterator<Item = DocId>, count: u64, end: usize) -> DocSet {
    let end = end as u64;
    if count > 1024 && count > end / DENSE {
        return dense(documents, end);
    }
    let mut documents: Vec<DocId> = documents.collect();
    documents.sort_unstable();
    documents.dedup();
    documents.into_iter().collect()
}

fn dense(documents: impl Iterator<Item = DocId>, end: u64) -> DocSet {
    let bytes = usize::try_from(end / 8 + 1).unwrap_or(usize::MAX);
    let mut bits = vec![0_u8; bytes];
    for document in documents {
        if let Some(byte) = bits.get_mut(document as usize / 8) {
            *byte |= 1 << (document % 8);
        }
    }
    DocSet::from_lsb0_bytes(0, &bits)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_ways_give_the_same_set() {
        let documents: Vec<DocId> = (0..5000).map(|number| number * 7919 % 40_000).collect();
        let expected: DocSet = documents.iter().copied().collect();
        for count in [1, 5000] {
            assert_eq!(collect(documents.iter().copied(), count, 40_000), expected);
        }
    }
}
