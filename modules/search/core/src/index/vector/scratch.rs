//! What a search writes on: kept by each thread and used again.

use std::collections::BinaryHeap;

use super::pool::Pool;
use super::store::Slot;

/// Working memory of searches and insertions. Any index may use it after any other; it grows with
/// the largest: a byte for each vector, and some KB.
#[derive(Clone, Debug, Default)]
pub struct Scratch {
    pub(super) visited: Visited,
    pub(super) pool: Pool,
    /// The nearest not expanded yet, where the pool holds only what is allowed.
    pub(super) frontier: BinaryHeap<std::cmp::Reverse<u64>>,
    pub(super) slots: Vec<Slot>,
    pub(super) distances: Vec<f32>,
}

/// Which slots were seen in this search: forgetting all is counting up a number, but for one time
/// in 255.
#[derive(Clone, Debug, Default)]
pub(super) struct Visited {
    epochs: Vec<u8>,
    epoch: u8,
}

impl Visited {
    /// Forgets all, and makes room for `slots`.
    pub(super) fn reset(&mut self, slots: usize) {
        self.epochs.resize(slots.max(self.epochs.len()), 0);
        self.epoch = self.epoch.wrapping_add(1);
        if self.epoch == 0 {
            self.epochs.fill(0);
            self.epoch = 1;
        }
    }

    /// Marks `slot`; whether it was new. What is out of range is not.
    #[inline]
    pub(super) fn visit(&mut self, slot: Slot) -> bool {
        match self.epochs.get_mut(slot as usize) {
            Some(epoch) => std::mem::replace(epoch, self.epoch) != self.epoch,
            None => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_is_new_once_an_epoch() {
        let mut visited = Visited::default();
        for slots in (1..600u32).map(|n| n % 7 + 1) {
            visited.reset(slots as usize);
            assert!((0..slots).all(|slot| visited.visit(slot) && !visited.visit(slot)));
            assert!(!visited.visit(100));
        }
    }
}
