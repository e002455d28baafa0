//! The graphs of an index beside the keys of an RDB file.
//!
//! ```text
//! version (1), documents: unsigned
//! keys of documents: strings of key lengths (u32) and keys, about 64 KiB each
//! graphs: unsigned; for each: name of the field: string, then the graph
//! ```
//! Definitions stand elsewhere, in front of the keys; documents come with their keys. This record
//! stands behind them and says only how vectors are linked, which is what takes time to find. A
//! record that cannot be used is no loss but of that time.

use keyspan_common::rdb::{Error, Read, Write};

use super::Index;
use super::state::State;
use super::vectors::VectorField;
use crate::index::DocId;

/// The only layout so far.
const VERSION: u64 = 1;
/// Bytes a string of keys aims at.
const CHUNK_BYTES: usize = 1 << 16;

impl Index {
    /// Writes the graphs, as far as they are settled. With `is_forked` in a process that was forked
    /// while other threads may have been changing the index: it is written without graphs if one
    /// was, unless the forking thread had a [`super::Hold`]. O(vectors).
    pub fn save<W: Write>(&self, writer: &mut W, is_forked: bool) {
        if !is_forked {
            self.ledger.glance().save(writer);
        } else if let Some(state) = self.ledger.frozen() {
            state.save(writer);
        } else {
            save_nothing(writer);
        }
    }

    /// Reads what [`Self::save`] wrote, and links the vectors that documents have by now as they were
    /// linked then. Main thread, behind the keys of a file. O(vectors * (dimension + M^2)).
    ///
    /// # Errors
    /// [`Error`]: then [`Self::settle`] links them anew, those of fields that are not read yet.
    pub fn load<R: Read>(&self, reader: &mut R) -> Result<(), Error> {
        let mut state = self.ledger.write();
        state.apply(usize::MAX);
        state.load(reader)
    }
}

fn save_nothing<W: Write>(writer: &mut W) {
    [VERSION, 0, 0].into_iter().for_each(|number| writer.unsigned(number));
}

impl State {
    fn save<W: Write>(&self, writer: &mut W) {
        writer.unsigned(VERSION);
        self.save_keys(writer);
        let live = self.documents.all();
        let mut numbers = vec![u32::MAX; live.max().map_or(0, |last| last as usize + 1)];
        for (number, id) in (0..).zip(live) {
            if let Some(place) = numbers.get_mut(id as usize) {
                *place = number;
            }
        }
        let number = |id: DocId| numbers.get(id as usize).copied().unwrap_or(u32::MAX);
        let graphs = || self.graphs();
        writer.unsigned(graphs().count() as u64);
        for (name, field) in graphs() {
            writer.bytes(name);
            field.save(number, writer);
        }
    }

    fn save_keys<W: Write>(&self, writer: &mut W) {
        // Numbers in the record: places among all that are live, in their order.
        writer.unsigned(self.documents.len());
        let mut chunk = Vec::new();
        for key in self.documents.all().iter().filter_map(|id| self.documents.key(id)) {
            chunk.extend(u32::try_from(key.len()).unwrap_or(u32::MAX).to_le_bytes());
            chunk.extend_from_slice(key);
            if chunk.len() >= CHUNK_BYTES {
                writer.bytes(&chunk);
                chunk.clear();
            }
        }
        if !chunk.is_empty() {
            writer.bytes(&chunk);
        }
    }

    fn graphs(&self) -> impl Iterator<Item = (&[u8], &VectorField)> {
        let fields = self.schema.fields.iter().zip(&self.vectors.0);
        let fields = fields.filter_map(|(field, vectors)| Some((&*field.name, vectors.as_ref()?)));
        fields.filter(|(_, vectors)| vectors.has_graph())
    }

    fn load<R: Read>(&mut self, reader: &mut R) -> Result<(), Error> {
        if reader.unsigned()? != VERSION {
            return Err(Error::Version);
        }
        let ids = self.load_keys(reader)?;
        for _ in 0..reader.unsigned()? {
            let name = reader.bytes()?;
            let place = self.schema.position(name.as_ref()).ok_or(Error::Invalid)?;
            let id = |number: u32| ids.get(number as usize).copied().flatten();
            self.with_vectors(place, |field| field.load(reader, id)).ok_or(Error::Invalid)??;
        }
        Ok(())
    }

    /// What the documents of the record are numbered here.
    fn load_keys<R: Read>(&self, reader: &mut R) -> Result<Vec<Option<DocId>>, Error> {
        let count = usize::try_from(reader.unsigned()?).map_err(|_| Error::Invalid)?;
        let mut ids = Vec::new();
        while ids.len() < count {
            let chunk = reader.bytes()?;
            let mut chunk = chunk.as_ref();
            if chunk.is_empty() {
                return Err(Error::Invalid);
            }
            while let Some((len, rest)) = chunk.split_first_chunk() {
                let key = rest.split_at_checked(u32::from_le_bytes(*len) as usize);
                let (key, rest) = key.ok_or(Error::Invalid)?;
                ids.push(self.documents.id(key));
                chunk = rest;
            }
            if !chunk.is_empty() {
                return Err(Error::Invalid);
            }
        }
        if ids.len() == count { Ok(ids) } else { Err(Error::Invalid) }
    }
}
