//! Moving what newer tables hold into holes of older ones.

use super::{Cuckoo, hash::Probe, table::Table};

/// The share of deleted items at which a filter compacts itself.
const SPARSE: f64 = 0.10;

impl Cuckoo {
    /// Moves fingerprints from each table, newest first, into free slots of older tables, and drops the
    /// newest while it is empty. Says whether anything changed. O(slots * tables).
    pub fn compact(&mut self) -> bool {
        self.compact_tables(true)
    }

    /// Compacts after a deletion if many of the items are gone: newest tables only, until one
    /// cannot be emptied, as the others then hardly can.
    pub(super) fn compact_if_sparse(&mut self) {
        if self.tables.len() > 1 && self.deletes as f64 > self.items as f64 * SPARSE {
            self.compact_tables(false);
        }
    }

    fn compact_tables(&mut self, beyond_failure: bool) -> bool {
        let mut changed = self.deletes > 0;
        for index in (1..self.tables.len()).rev() {
            let (moved, emptied) = self.drain(index);
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

    /// Moves what fits from table `index` into older ones: whether anything moved, whether all did.
    fn drain(&mut self, index: usize) -> (bool, bool) {
        let width = usize::from(self.layout.bucket_size());
        let Some((older, [table, ..])) = self.tables.split_at_mut_checked(index) else {
            return (false, false);
        };
        let (mut moved, mut emptied) = (false, true);
        for (bucket, slots) in (0..).zip(table.slots_mut().chunks_exact_mut(width)) {
            for slot in slots.iter_mut().filter(|slot| **slot != 0) {
                // Older tables have no more buckets than this one: the number of the bucket is as
                // good as the hash.
                if put_oldest(older, Probe::new(*slot, bucket)) {
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

fn put_oldest(tables: &mut [Table], probe: Probe) -> bool {
    tables.iter_mut().any(|table| table.put(probe))
}
