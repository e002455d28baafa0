//! A graph without its vectors in the fields of an RDB record.
//!
//! ```text
//! version (1), element, metric, dimension, quantization, M, EF_CONSTRUCTION: unsigned
//! vectors, entry slot (the number of vectors if there is none), state of the draws: unsigned
//! for each chunk of vectors, in the order of slots, two strings of little-endian numbers:
//!   names: number: u32, digest: u64 each
//!   links, for each vector: height: u8, then for each layer from 0 on, count: u16, slots: u32 each
//! ```
//! Vectors stand in the documents already; a digest says which of a document's vectors is meant, and
//! that it is still the same. So a record takes a tenth of the memory of what it describes, and
//! distances are always those of the documents, whatever the record says.

use keyspan_common::rdb::{Error, Read, Write};

use super::super::slots::LOST;
use super::super::space::{Probe, Space, digest};
use super::super::store::{Label, Slot};
use super::super::units::{Element, Metric, Quantization};
use super::graph::{Graph, TOP_MAX};
use super::{Hnsw, Params};

/// The only layout so far.
const VERSION: u64 = 1;

/// Vectors of a chunk: about 600 KB of links at M = 16.
const CHUNK: usize = 4096;

/// Of so many vectors one may be missing from the documents; a graph with more is built anew.
const LOST_SHARE: usize = 4;

/// What a graph was declared with, as numbers of the record.
fn header(space: &Space, params: Params) -> [u64; 7] {
    let element = match space.element() {
        Element::Float32 => 0,
        Element::Float64 => 1,
        Element::Float16 => 2,
        Element::Bfloat16 => 3,
        Element::Int8 => 4,
        Element::Uint8 => 5,
    };
    let metric = match space.metric() {
        Metric::L2 => 0,
        Metric::Ip => 1,
        Metric::Cosine => 2,
    };
    let quantization = match space.quantization() {
        Quantization::None => 0,
        Quantization::Sq8 => 1,
    };
    let dimension = space.dimension().elements() as u64;
    let (m, ef) = (params.m() as u64, params.ef_construction() as u64);
    [VERSION, element, metric, dimension, quantization, m, ef]
}

impl Hnsw {
    /// Writes the graph; `number` gives documents the numbers they have in the record.
    /// O(vectors * (dimension + M)); a few 100 KB besides.
    pub fn save<W: Write>(&self, number: impl Fn(Label) -> u32, writer: &mut W) {
        for value in header(self.space(), self.params) {
            writer.unsigned(value);
        }
        let count = self.slot_count();
        writer.unsigned(count.into());
        writer.unsigned(self.entry.unwrap_or(count).into());
        writer.unsigned(self.draws);
        let slots: Vec<Slot> = (0..count).collect();
        for chunk in slots.chunks(CHUNK) {
            let (mut names, mut links) = (Vec::new(), Vec::new());
            for slot in chunk {
                let number = self.store.label(*slot).map_or(u32::MAX, &number);
                names.extend(number.to_le_bytes());
                names.extend(digest(self.store.row(*slot)).to_le_bytes());
                write_links(&self.graph, *slot, &mut links);
            }
            writer.bytes(&names);
            writer.bytes(&links);
        }
    }

    fn slot_count(&self) -> u32 {
        u32::try_from(self.len()).unwrap_or(u32::MAX)
    }

    /// Reads a graph of `space` and `params`, of at most `vectors` that are there. `take` gives the vector of this digest of the document
    /// of this number away, and the label it has now; where there is none any more, the node stays
    /// as one of [`Hnsw::lost`] until it is removed. O(vectors * (dimension + M^2)).
    ///
    /// # Errors
    /// The error, and what was read until then, for its vectors. [`Error::Version`] of another
    /// layout; [`Error::Invalid`] if the record is of another space, too many vectors are gone, or
    /// the graph breaks a rule ([`Self::is_valid`]) - then the index is to be built anew;
    /// [`Error::Truncated`].
    pub fn load<R: Read>(
        reader: &mut R,
        (space, params): (Space, Params),
        vectors: usize,
        take: impl FnMut(u32, u64) -> Option<(Label, Probe)>,
    ) -> Result<Self, (Error, Box<Self>)> {
        let mut hnsw = Self::new(space, params);
        match hnsw.read(reader, vectors, take) {
            Ok(()) if hnsw.is_valid() => Ok(hnsw),
            Ok(()) => Err((Error::Invalid, Box::new(hnsw))),
            Err(error) => Err((error, Box::new(hnsw))),
        }
    }

    fn read<R: Read>(
        &mut self,
        reader: &mut R,
        vectors: usize,
        mut take: impl FnMut(u32, u64) -> Option<(Label, Probe)>,
    ) -> Result<(), Error> {
        for (place, expected) in header(self.space(), self.params).into_iter().enumerate() {
            if reader.unsigned()? != expected {
                return Err(if place == 0 { Error::Version } else { Error::Invalid });
            }
        }
        let count = u32::try_from(reader.unsigned()?).map_err(|_| Error::Invalid)?;
        let entry = u32::try_from(reader.unsigned()?).map_err(|_| Error::Invalid)?;
        self.entry = (entry < count).then_some(entry);
        self.draws = reader.unsigned()?;
        // What is gone takes memory all the same, until it is removed: not more than its share.
        let lost_max = count as usize / LOST_SHARE;
        if count as usize - lost_max > vectors {
            return Err(Error::Invalid);
        }
        let mut lost = 0;
        while self.slot_count() < count {
            let left = count.abs_diff(self.slot_count()) as usize;
            lost += self.read_chunk(reader, left.min(CHUNK), count, &mut take)?;
            if lost > lost_max {
                return Err(Error::Invalid);
            }
        }
        Ok(())
    }

    /// Reads the next `len` vectors, and says how many of them are gone.
    fn read_chunk<R: Read>(
        &mut self,
        reader: &mut R,
        len: usize,
        count: u32,
        take: &mut impl FnMut(u32, u64) -> Option<(Label, Probe)>,
    ) -> Result<usize, Error> {
        let (names, links) = (reader.bytes()?, reader.bytes()?);
        let (names, rest) = names.as_ref().as_chunks::<12>();
        if !rest.is_empty() || names.len() != len {
            return Err(Error::Invalid);
        }
        let mut links = Links { bytes: links.as_ref(), count };
        let mut lost = 0;
        for name in names {
            let [a, b, c, d, digest @ ..] = *name;
            let number = u32::from_le_bytes([a, b, c, d]);
            let taken = take(number, u64::from_le_bytes(digest));
            lost += usize::from(taken.is_none());
            let (label, probe) = taken.unwrap_or_else(|| (LOST, Probe::default()));
            let slot = self.store.push(label, probe.row(), probe.code());
            links.read(&mut self.graph, slot.map_err(|_| Error::Invalid)?)?;
        }
        if links.bytes.is_empty() { Ok(lost) } else { Err(Error::Invalid) }
    }

    /// The label of vectors whose documents were gone when the graph was loaded.
    #[must_use]
    pub fn lost(&self) -> Label {
        LOST
    }

    /// Takes the last vector away, links and all left as they are: for graphs that are given up.
    pub fn pop(&mut self) -> Option<(Label, Probe)> {
        let slot = self.slot_count().checked_sub(1)?;
        let vector = (self.store.label(slot)?, self.store.probe(slot));
        self.store.swap_remove(slot);
        Some(vector)
    }
}

fn write_links(graph: &Graph, slot: Slot, to: &mut Vec<u8>) {
    let height = graph.height(slot);
    to.push(u8::try_from(height).unwrap_or(0));
    for layer in 0..=height {
        let list = graph.neighbours(layer, slot);
        to.extend(u16::try_from(list.len()).unwrap_or(0).to_le_bytes());
        to.extend(list.iter().flat_map(|other| other.to_le_bytes()));
    }
}

/// What is left of a string of links.
struct Links<'a> {
    bytes: &'a [u8],
    /// Slots are below this.
    count: u32,
}

impl Links<'_> {
    /// Appends the node `slot` with its links.
    fn read(&mut self, graph: &mut Graph, slot: Slot) -> Result<(), Error> {
        let [height] = self.take()?;
        let height = usize::from(height);
        if height > TOP_MAX {
            return Err(Error::Invalid);
        }
        graph.push(height).map_err(|_| Error::Invalid)?;
        for layer in 0..=height {
            let degree = usize::from(u16::from_le_bytes(self.take()?));
            let list = self.bytes.split_at_checked(degree.saturating_mul(4));
            let (list, rest) = list.ok_or(Error::Invalid)?;
            self.bytes = rest;
            let slots = list.as_chunks::<4>().0.iter().map(|slot| u32::from_le_bytes(*slot));
            if degree > graph.room(layer) || slots.clone().any(|other| other >= self.count) {
                return Err(Error::Invalid);
            }
            graph.set(layer, slot, slots);
        }
        Ok(())
    }

    fn take<const N: usize>(&mut self) -> Result<[u8; N], Error> {
        let (front, rest) = self.bytes.split_first_chunk().ok_or(Error::Invalid)?;
        self.bytes = rest;
        Ok(*front)
    }
}
