//! Suggestion dictionaries of RediSearch (`trietype0`), kept as they are so that a data set which
//! holds some moves through a server without the search module.
//!
//! Layout (RediSearch 2.10, observed): a count, then for each entry a term that ends in NUL, a score
//! as a double, from encoding 1 a payload that ends in NUL, from encoding 2 a number of documents.

use crate::{
    data_type::{DataType, Mover, Progress},
    rdb::{Encoding, Error, Read, Value, Write, dump},
};

/// The encoding that RediSearch 2.4 to 8.6 write and later ones read.
pub const VERSION: u32 = 1;

/// The oldest RDB version, which every server reads in a RESTORE.
const RDB_VERSION: u16 = 9;

#[derive(Clone, Debug, PartialEq)]
struct Entry {
    term: Vec<u8>,
    score: f64,
    payload: Vec<u8>,
}

/// A suggestion dictionary: entries in the order of the file.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Suggestions(Vec<Entry>);

impl Value for Suggestions {
    const TYPE_NAMES: &'static [&'static str] = &["trietype0"];

    fn load<R: Read>(reader: &mut R, Encoding { version, .. }: Encoding) -> Result<Self, Error> {
        if version > 2 {
            return Err(Error::Version);
        }
        let count = reader.unsigned()?;
        // Grown as it is read: a count is no promise.
        let mut entries = Vec::new();
        for _ in 0..count {
            let term = reader.bytes()?.as_ref().to_vec();
            let score = reader.double()?;
            let payload = if version >= 1 { reader.bytes()?.as_ref().to_vec() } else { vec![0] };
            if version >= 2 {
                reader.unsigned()?;
            }
            entries.push(Entry { term, score, payload });
        }
        Ok(Self(entries))
    }

    fn save<W: Write>(&self, writer: &mut W, _: u32) {
        writer.unsigned(u64::try_from(self.0.len()).unwrap_or(u64::MAX));
        for Entry { term, score, payload } in &self.0 {
            writer.bytes(term);
            writer.double(*score);
            writer.bytes(payload);
        }
    }
}

impl DataType for Suggestions {
    fn rewrite(&self, emit: &mut dyn FnMut(&'static str, &[&[u8]])) {
        if let Ok(payload) = dump::save_dump(self, VERSION, RDB_VERSION) {
            emit("RESTORE", &[b"0", &payload]);
        }
    }

    fn memory(&self) -> usize {
        let entry = |entry: &Entry| size_of::<Entry>() + entry.term.len() + entry.payload.len();
        self.0.iter().map(entry).sum()
    }

    fn digest(&self, sink: &mut dyn FnMut(&[u8])) {
        for Entry { term, score, payload } in &self.0 {
            sink(term);
            sink(&score.to_le_bytes());
            sink(payload);
        }
    }

    fn effort(&self) -> usize {
        self.0.len()
    }

    fn defrag<M: Mover>(&mut self, mover: &mut M, _: u64) -> Progress {
        self.0 = mover.relocate(std::mem::take(&mut self.0));
        Progress::Done
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rdb::Memory;

    #[test]
    fn entries_come_back_and_lies_are_refused() {
        let entry = |term: &[u8], score| Entry { term: term.to_vec(), score, payload: vec![0] };
        let value = Suggestions(vec![entry(b"hello\0", 1.5), entry(b"\xff\0", -2.0)]);
        assert_eq!(Memory::round_trip(&value, VERSION), Ok(value.clone()));
        let mut lie = Memory::default();
        Write::unsigned(&mut lie, u64::MAX);
        assert_eq!(lie.load::<Suggestions>(1), Err(Error::Truncated));
        assert_eq!(Memory::of(&value, VERSION).load::<Suggestions>(3), Err(Error::Version));
    }

    #[test]
    fn a_rewrite_restores_the_same() {
        let value =
            Suggestions(vec![Entry { term: b"a\0".to_vec(), score: 1.0, payload: vec![0] }]);
        value.rewrite(&mut |command, words| {
            assert_eq!((command, words[0]), ("RESTORE", &b"0"[..]));
            assert_eq!(dump::load_dump::<Suggestions>(words[1]), Ok(value.clone()));
        });
    }
}
