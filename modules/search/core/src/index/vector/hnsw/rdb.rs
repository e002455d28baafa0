//! A graph with its vectors in the fields of an RDB record.
//!
//! ```text
//! version (1), element, metric, dimension, quantization, M, EF_CONSTRUCTION: unsigned
//! vectors, entry slot (the number of vectors if there is none), state of the draws: unsigned
//! for each chunk of vectors, in the order of slots, three strings of little-endian numbers:
//!   labels: u32 each
//!   rows: as they are measured
//!   links, for each vector: height: u8, then for each layer from 0 on, count: u16, slots: u32 each
//! ```
//! Codes are not stored: making them is faster than reading them.

use keyspan_common::rdb::{Error, Read, Write};

use super::super::space::{Probe, Space};
use super::super::store::Slot;
use super::super::units::{Element, Metric, Quantization};
use super::graph::{Graph, TOP_MAX};
use super::{Hnsw, Params};

/// The only layout so far.
const VERSION: u64 = 1;

/// Bytes of rows a chunk aims at.
const CHUNK_BYTES: usize = 1 << 18;

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

/// Vectors of a chunk.
fn chunk_len(space: &Space) -> usize {
    (CHUNK_BYTES / space.kernel().row_bytes().max(1)).clamp(1, 4096)
}

impl Hnsw {
    /// Writes the graph and its vectors. O(vectors * (dimension + M)); a few 100 KB besides.
    pub fn save<W: Write>(&self, writer: &mut W) {
        for number in header(self.space(), self.params) {
            writer.unsigned(number);
        }
        let count = self.slot_count();
        writer.unsigned(count.into());
        writer.unsigned(self.entry.unwrap_or(count).into());
        writer.unsigned(self.draws);
        let slots: Vec<Slot> = (0..count).collect();
        for chunk in slots.chunks(chunk_len(self.space())) {
            self.save_chunk(chunk, writer);
        }
    }

    fn slot_count(&self) -> u32 {
        u32::try_from(self.len()).unwrap_or(u32::MAX)
    }

    fn save_chunk<W: Write>(&self, slots: &[Slot], writer: &mut W) {
        let (mut labels, mut rows, mut links) = (Vec::new(), Vec::new(), Vec::new());
        for slot in slots {
            labels.extend(self.store.label(*slot).unwrap_or_default().to_le_bytes());
            rows.extend_from_slice(self.store.row(*slot));
            write_links(&self.graph, *slot, &mut links);
        }
        writer.bytes(&labels);
        writer.bytes(&rows);
        writer.bytes(&links);
    }

    /// Reads a graph of `space` and `params`. O(vectors * (dimension + M^2)).
    ///
    /// # Errors
    /// [`Error::Version`] of another layout; [`Error::Invalid`] if the record is of another space,
    /// or the graph breaks a rule ([`Self::is_valid`]) - then the index is to be built anew;
    /// [`Error::Truncated`].
    pub fn load<R: Read>(reader: &mut R, space: Space, params: Params) -> Result<Self, Error> {
        for (place, expected) in header(&space, params).into_iter().enumerate() {
            if reader.unsigned()? != expected {
                return Err(if place == 0 { Error::Version } else { Error::Invalid });
            }
        }
        let count = u32::try_from(reader.unsigned()?).map_err(|_| Error::Invalid)?;
        let entry = u32::try_from(reader.unsigned()?).map_err(|_| Error::Invalid)?;
        let mut hnsw = Self::new(space, params);
        hnsw.entry = (entry < count).then_some(entry);
        hnsw.draws = reader.unsigned()?;
        let mut probe = Probe::default();
        while hnsw.slot_count() < count {
            let left = count.abs_diff(hnsw.slot_count()) as usize;
            hnsw.load_chunk(reader, left.min(chunk_len(hnsw.space())), count, &mut probe)?;
        }
        if hnsw.is_valid() { Ok(hnsw) } else { Err(Error::Invalid) }
    }

    /// Reads the next `len` vectors.
    fn load_chunk<R: Read>(
        &mut self,
        reader: &mut R,
        len: usize,
        count: u32,
        probe: &mut Probe,
    ) -> Result<(), Error> {
        let (labels, rows) = (reader.bytes()?, reader.bytes()?);
        let links = reader.bytes()?;
        let (labels, rest) = labels.as_ref().as_chunks::<4>();
        let row_bytes = self.space().kernel().row_bytes();
        let rows = rows.as_ref().chunks_exact(row_bytes);
        if !rest.is_empty()
            || !rows.remainder().is_empty()
            || [labels.len(), rows.len()] != [len; 2]
        {
            return Err(Error::Invalid);
        }
        let mut links = Links { bytes: links.as_ref(), count };
        for (label, row) in labels.iter().zip(rows) {
            if !self.space().is_finite(row) {
                return Err(Error::Invalid);
            }
            let code = self.space().code_of(row, probe);
            let slot = self.store.push(u32::from_le_bytes(*label), row, code);
            links.read(&mut self.graph, slot.map_err(|_| Error::Invalid)?)?;
        }
        if links.bytes.is_empty() { Ok(()) } else { Err(Error::Invalid) }
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
