//! What the server may ask of a document, beside loading and saving it.

use keyspan_common::data_type::{DataType, Mover, Progress};

use crate::{Document, print};

impl DataType for Document {
    fn rewrite(&self, emit: &mut dyn FnMut(&'static str, &[&[u8]])) {
        emit("JSON.SET", &[b"$", &self.text()]);
    }

    fn memory(&self) -> usize {
        self.heap_memory()
    }

    /// The text: equal documents print equally, whatever their layout in memory.
    fn digest(&self, sink: &mut dyn FnMut(&[u8])) {
        sink(&self.text());
    }

    fn effort(&self) -> usize {
        self.free_effort()
    }

    fn defrag<M: Mover>(&mut self, mover: &mut M, from: u64) -> Progress {
        let start = usize::try_from(from).unwrap_or(usize::MAX);
        for (index, chunk) in self.chunks_mut().enumerate().skip(start) {
            if index > start && mover.should_stop() {
                return Progress::Paused(u64::try_from(index).unwrap_or(u64::MAX));
            }
            *chunk = mover.relocate(std::mem::take(chunk));
        }
        Progress::Done
    }
}

impl Document {
    fn text(&self) -> Vec<u8> {
        let mut text = Vec::new();
        // Without a limit printing has no error.
        let _ = print::compact(self.root(), &mut text, usize::MAX);
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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

    #[test]
    fn defragmentation_moves_every_block_in_steps_and_changes_nothing() {
        let long = format!("[{}\"end\"]", "\"some text of a certain length\",".repeat(200_000));
        let mut document = Document::parse(long.as_bytes()).unwrap();
        let before = document.text();
        let (mut mover, mut steps, mut from) = (EveryBlock(0), 1, 0);
        while let Progress::Paused(next) = document.defrag(&mut mover, from) {
            assert!(next > from, "no progress");
            (from, steps) = (next, steps + 1);
        }
        assert!(steps > 3 && mover.0 == steps, "{steps} steps, {} blocks", mover.0);
        assert_eq!(document.text(), before);
        document.validate().unwrap();
    }
}
