//! Moving what newer tables hold into holes of older ones.

use super::{Cuckoo, hash::Probe, table::Table};
use crate::zeroed::zeroed;

/// The share of deleted items at which a filter compacts itself.
const SPARSE: f64 = 0.10;

/// With more tables than that it pays to remember where they are full.
const FEW: usize = 8;

/// For each number of a bucket, the oldest table that may have a free slot in it, in filters whose
/// tables are all of one size. While a filter is compacted slots of the tables that are looked at are
/// only filled, so that it never goes back: each bucket is found full once, and not once for each
/// fingerprint of all newer tables.
struct Vacancies {
    oldest: Vec<u16>,
}

impl Vacancies {
    /// The table that takes a probe, if one does.
    fn of(&mut self, tables: &[Table], probe: Probe) -> Option<usize> {
        let table = self.find(tables, probe.first).min(self.find(tables, probe.second));
        (table < tables.len()).then_some(table)
    }

    /// The oldest table with a free slot in the bucket of `hash`; at least their number if none has.
    fn find(&mut self, tables: &[Table], hash: u64) -> usize {
        let place = tables.first().and_then(|table| table.number(hash));
        let Some(oldest) = place.and_then(|place| self.oldest.get_mut(place)) else {
            return usize::MAX;
        };
        let full = tables.iter().skip((*oldest).into()).take_while(|table| !table.has_free(hash));
        // There are no more tables than that.
        *oldest = oldest.saturating_add(u16::try_from(full.count()).unwrap_or(u16::MAX));
        (*oldest).into()
    }
}

impl Cuckoo {
    /// Moves fingerprints from each table, newest first, into free slots of older tables, and drops the
    /// newest while it is empty. Says whether anything changed. O(slots).
    pub fn compact(&mut self) -> bool {
        self.compact_tables(true, self.vacancies())
    }

    /// Compacts after a deletion if many of the items are gone: newest tables only, until one
    /// cannot be emptied, as the others then hardly can.
    pub(super) fn compact_if_sparse(&mut self) {
        if self.tables.len() > 1 && self.deletes as f64 > self.items as f64 * SPARSE {
            self.compact_tables(false, self.vacancies());
        }
    }

    fn compact_tables(&mut self, beyond_failure: bool, mut vacancies: Option<Vacancies>) -> bool {
        let mut changed = self.deletes > 0;
        for index in (1..self.tables.len()).rev() {
            let (moved, emptied) = self.drain(index, vacancies.as_mut());
            changed |= moved;
            if emptied && index + 1 == self.tables.len() {
                self.tables.pop();
                changed = true;
            }
            if !emptied && !beyond_failure {
                break;
            }
        }
        self.deletes = 0;
        self.tell();
        changed
    }

    /// None for few tables, of which there are no more if they grow, and if there is no memory.
    fn vacancies(&self) -> Option<Vacancies> {
        let pays = self.tables.len() > FEW && self.layout.expansion() == 1;
        let buckets = usize::try_from(self.layout.buckets()).ok().filter(|_| pays)?;
        Some(Vacancies { oldest: zeroed(buckets).ok()? })
    }

    /// Moves what fits from table `index` into older ones: whether anything moved, whether all did.
    fn drain(&mut self, index: usize, mut vacancies: Option<&mut Vacancies>) -> (bool, bool) {
        let width = usize::from(self.layout.bucket_size());
        let Some((older, [table, ..])) = self.tables.split_at_mut_checked(index) else {
            return (false, false);
        };
        let (mut moved, mut emptied) = (false, true);
        for (bucket, slots) in (0..).zip(table.slots_mut().chunks_exact_mut(width)) {
            for slot in slots.iter_mut().filter(|slot| **slot != 0) {
                // Older tables have no more buckets than this one: the number of the bucket is as
                // good as the hash.
                if put_oldest(older, Probe::new(*slot, bucket), vacancies.as_deref_mut()) {
                    *slot = 0;
                    moved = true;
                } else {
                    emptied = false;
                }
            }
        }
        (moved, emptied)
    }
}

fn put_oldest(tables: &mut [Table], probe: Probe, vacancies: Option<&mut Vacancies>) -> bool {
    let Some(vacancies) = vacancies else {
        return tables.iter_mut().any(|table| table.put(probe));
    };
    let table = vacancies.of(tables, probe).and_then(|table| tables.get_mut(table));
    table.is_some_and(|table| table.put(probe))
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroU8;

    use proptest::prelude::*;

    use super::*;
    use crate::cuckoo::{Layout, Mode};

    /// A filter of small tables of one size, in which slots here and there are free.
    fn sparse(size: u8, fill: &[u8], holes: &[u16]) -> Cuckoo {
        let size = NonZeroU8::new(size).unwrap();
        let layout = Layout::new(4 * u64::from(size.get()), size, 3, 1).unwrap();
        let mut filter = Cuckoo::new(layout).unwrap();
        for item in fill {
            let _ = filter.add(&[*item], Mode::Always, usize::MAX);
        }
        for hole in holes {
            let table = usize::from(*hole) % filter.tables.len();
            let slots = filter.tables[table].slots_mut();
            let slot = usize::from(*hole >> 8) % slots.len();
            slots[slot] = 0;
        }
        filter
    }

    proptest! {
        /// Looking at every older table again for each fingerprint is the plain way.
        #[test]
        fn vacancies_are_where_the_plain_way_finds_them(
            size in 1..4_u8,
            fill: Vec<u8>,
            more in prop::collection::vec(0..4_u8, 100..400),
            holes in prop::collection::vec(any::<u16>(), 0..200),
            beyond_failure: bool,
        ) {
            let mut plain = sparse(size, &[fill, more].concat(), &holes);
            let mut other = plain.clone();
            let vacancies = other.vacancies();
            prop_assert_eq!(vacancies.is_some(), other.tables() > FEW);
            prop_assert_eq!(
                plain.compact_tables(beyond_failure, None),
                other.compact_tables(beyond_failure, vacancies)
            );
            prop_assert!(plain == other);
        }
    }
}
