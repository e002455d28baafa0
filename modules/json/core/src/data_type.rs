//! What the server may ask of a document, beside loading and saving it.

use keyspan_common::{
    data_type::{DataType, Mover, Progress},
    rdb::{Error, Read, dump},
};

use crate::{Document, document::NESTING_MAX, print};

/// An RDB version that every server takes in a RESTORE.
const RESTORED_EVERYWHERE: u16 = 9;

impl DataType for Document {
    /// Previews of RedisJSON 2.0 wrote their indexes beside the keys: counts, names and paths, which
    /// nothing uses any more.
    fn load_aux<R: Read>(reader: &mut R, version: u32, before_keys: bool) -> Result<(), Error> {
        if version != 2 || !before_keys {
            return Err(Error::Version);
        }
        for _ in 0..reader.unsigned()? {
            reader.bytes()?;
            for _ in 0..reader.unsigned()? {
                reader.bytes()?;
                reader.bytes()?;
            }
        }
        Ok(())
    }

    fn rewrite(&self, emit: &mut dyn FnMut(&'static str, &[&[u8]])) {
        if self.root().depth() <= NESTING_MAX {
            return emit("JSON.SET", &[b"$", &self.text()]);
        }
        // Encoding 4 nests one level deeper than any text that parses.
        if let Ok(payload) = dump::save_dump(self, 4, RESTORED_EVERYWHERE) {
            emit("RESTORE", &[b"0", &payload]);
        }
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
    use keyspan_common::rdb::{Field, Memory};

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
    fn index_records_of_previews_are_read_to_their_end() {
        let body: Memory = [
            Field::Unsigned(2),
            Field::Bytes(b"first".to_vec()),
            Field::Unsigned(1),
            Field::Bytes(b"field".to_vec()),
            Field::Bytes(b"$.path".to_vec()),
            Field::Bytes(b"second".to_vec()),
            Field::Unsigned(0),
        ]
        .into_iter()
        .collect();
        let mut reader = body.clone();
        assert_eq!(Document::load_aux(&mut reader, 2, true), Ok(()));
        assert_eq!(reader.fields().count(), 0, "fields were left");
        assert_eq!(Document::load_aux(&mut body.clone(), 3, true), Err(Error::Version));
        let mut lie: Memory = [Field::Unsigned(u64::MAX)].into_iter().collect();
        assert_eq!(Document::load_aux(&mut lie, 2, true), Err(Error::Truncated));
    }

    #[test]
    fn a_rewrite_makes_the_deepest_document_again() {
        // An array in an array, 128 times, as encoding 4 may hold it.
        let deepest = [vec![0x81; 127], vec![0x80]].concat();
        let fields: Memory = [Field::Bytes(deepest)].into_iter().collect();
        let document: Document = fields.load(4).unwrap();
        document.rewrite(&mut |command, words| {
            assert_eq!((command, words[0]), ("RESTORE", &b"0"[..]));
            let again: Document = dump::load_dump(words[1]).unwrap();
            assert_eq!(again.text(), document.text());
        });
        let shallow = Document::parse(b"[[]]").unwrap();
        shallow.rewrite(&mut |command, words| {
            assert_eq!((command, words), ("JSON.SET", &[&b"$"[..], b"[[]]"][..]));
        });
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
