//! What the server may ask of a Top-K, beside loading and saving it.

use keyspan_common::{
    data_type::{DataType, Mover, Progress},
    rdb::dump,
};

use super::TopK;
use crate::grid::{RESTORED_EVERYWHERE, freeing_effort};

impl DataType for TopK {
    fn rewrite(&self, emit: &mut dyn FnMut(&'static str, &[&[u8]])) {
        if let Ok(payload) = dump::save_dump(self, 0, RESTORED_EVERYWHERE) {
            emit("RESTORE", &[b"0", &payload]);
        }
    }

    fn memory(&self) -> usize {
        self.bytes()
    }

    fn digest(&self, sink: &mut dyn FnMut(&[u8])) {
        sink(&self.width().to_le_bytes());
        sink(&self.depth().to_le_bytes());
        sink(&self.decay().to_le_bytes());
        sink(&self.draws.to_le_bytes());
        sink(self.grid.bytes());
        for (slot, item) in self.heap.slots() {
            sink(&slot.fingerprint.to_le_bytes());
            sink(&slot.count.to_le_bytes());
            sink(&[u8::from(item.is_some())]);
            sink(item.unwrap_or_default());
        }
    }

    fn effort(&self) -> usize {
        let blocks = freeing_effort(self.grid.memory()) + freeing_effort(self.heap.memory());
        blocks + self.heap.filled()
    }

    fn defrag<M: Mover>(&mut self, mover: &mut M, from: u64) -> Progress {
        let start = usize::try_from(from).unwrap_or(usize::MAX);
        if start == 0 {
            self.relocate_numbers(mover);
        }
        for (place, item) in self.heap.items_mut().iter_mut().enumerate().skip(start) {
            if place > start && mover.should_stop() {
                return Progress::Paused(u64::try_from(place).unwrap_or(u64::MAX));
            }
            let moved = mover.relocate(std::mem::take(item).into_vec());
            *item = moved.into_boxed_slice();
        }
        Progress::Done
    }
}

impl TopK {
    fn relocate_numbers<M: Mover>(&mut self, mover: &mut M) {
        self.grid.relocate(mover);
        let powers = self.decay.powers_mut();
        *powers = mover.relocate(std::mem::take(powers));
        for numbers in self.heap.numbers_mut() {
            *numbers = mover.relocate(std::mem::take(numbers));
        }
        let items = self.heap.items_mut();
        *items = mover.relocate(std::mem::take(items));
    }
}

#[cfg(test)]
mod tests {
    use std::num::NonZero;

    use keyspan_common::data_type::allocated;

    use super::*;
    use crate::top_k::Decay;

    /// Moves every block, and asks for a pause after each.
    struct EveryBlock(usize);

    impl Mover for EveryBlock {
        fn relocate<T>(&mut self, block: Vec<T>) -> Vec<T> {
            self.0 += 1;
            let mut moved = Vec::with_capacity(block.len());
            moved.extend(block);
            moved
        }

        fn should_stop(&mut self) -> bool {
            true
        }
    }

    fn filled() -> TopK {
        let k = NonZero::new(5).unwrap();
        let mut top = TopK::new(k, 20, 3, Decay::new(0.9).unwrap()).unwrap();
        for item in 0..100_u8 {
            top.add(&[item % 7; 9], 3);
        }
        top
    }

    fn digest(top: &TopK) -> Vec<Vec<u8>> {
        let mut texts = Vec::new();
        top.digest(&mut |text| texts.push(text.to_vec()));
        texts
    }

    #[test]
    fn defragmentation_moves_every_block_in_steps_and_changes_nothing() {
        let mut top = filled();
        let before = digest(&top);
        let (mut mover, mut from) = (EveryBlock(0), 0);
        while let Progress::Paused(next) = top.defrag(&mut mover, from) {
            assert!(next > from, "no progress");
            from = next;
        }
        assert_eq!(mover.0, 6 + 5);
        assert_eq!(digest(&top), before);
    }

    #[test]
    fn memory_is_that_of_the_blocks() {
        let mut top = filled();
        let items = |top: &mut TopK| -> usize {
            top.heap.items_mut().iter().map(|item| allocated(item.len())).sum()
        };
        let fixed = top.memory() - items(&mut top);
        top.add(b"something longer than before", 1000);
        assert!(top.contains(b"something longer than before"));
        assert_eq!(top.memory() - items(&mut top), fixed);
        // The cells, the powers and three lists of numbers, as the allocator rounds them.
        let numbers = 512 + 8 * 256 + 3 * 32;
        assert_eq!(fixed, numbers + allocated(16 * top.heap.items_mut().capacity()));
    }
}
