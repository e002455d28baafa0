//! Chunks in payloads.
//!
//! ```text
//! uncompressed: u first time  u samples  u size  b size bytes: (time u64, value f64)*, the rest is 0
//! compressed:   u size  u samples  u bits  u first value  u first time
//!               u last time  u last distance  u last value  u leading  u trailing  b size bytes
//! ```

use keyspan_common::rdb::{Error, Read, Write};

use crate::chunk::{
    Chunk, Columns, Encoding, Gorilla, Sample, Uncompressed,
    gorilla::{SIZE_MAX, State},
};

/// Bytes of a sample.
const SAMPLE_BYTES: usize = 16;

/// Reads a chunk, and decodes it once into `buffer`.
pub(super) fn load<R: Read>(
    reader: &mut R,
    encoding: Encoding,
    buffer: &mut Columns,
) -> Result<Chunk, Error> {
    match encoding {
        Encoding::Compressed => load_gorilla(reader, buffer).map(Chunk::Gorilla),
        Encoding::Uncompressed => load_uncompressed(reader).map(Chunk::Uncompressed),
    }
}

fn load_gorilla<R: Read>(reader: &mut R, buffer: &mut Columns) -> Result<Gorilla, Error> {
    let (size, count, bits) = (reader.unsigned()?, reader.unsigned()?, reader.unsigned()?);
    let value = f64::from_bits(reader.unsigned()?);
    let base = Sample { timestamp: reader.unsigned()?, value };
    let (time, distance, value) = (reader.unsigned()?, reader.unsigned()?, reader.unsigned()?);
    let leading = u32::try_from(reader.unsigned()?).map_err(|_| Error::Invalid)?;
    let trailing = u32::try_from(reader.unsigned()?).map_err(|_| Error::Invalid)?;
    let data = reader.bytes()?;
    let data = data.as_ref();
    let is_whole = u64::try_from(data.len()) == Ok(size) && size.is_multiple_of(8);
    if !is_whole || leading > 32 || trailing > 63 {
        return Err(Error::Invalid);
    }
    let state = State { time, distance, value, leading, trailing };
    let mut chunk = Gorilla::of_parts(data, bits, count, base, state).ok_or(Error::Invalid)?;
    if chunk.is_sound(buffer) { Ok(chunk) } else { Err(Error::Invalid) }
}

fn load_uncompressed<R: Read>(reader: &mut R) -> Result<Uncompressed, Error> {
    let (_, count, size) = (reader.unsigned()?, reader.unsigned()?, reader.unsigned()?);
    let data = reader.bytes()?;
    let data = data.as_ref();
    let count = usize::try_from(count).map_err(|_| Error::Invalid)?;
    let used = count.checked_mul(SAMPLE_BYTES).and_then(|used| data.get(..used));
    let (samples, _) = used.ok_or(Error::Invalid)?.as_chunks::<SAMPLE_BYTES>();
    let size = u32::try_from(size).map_err(|_| Error::Invalid)?;
    if u32::try_from(data.len()) != Ok(size) || size > SIZE_MAX {
        return Err(Error::Invalid);
    }
    let samples: Vec<_> = samples.iter().map(sample_of).collect();
    if !samples.is_sorted_by(|a, b| a.timestamp < b.timestamp) {
        return Err(Error::Invalid);
    }
    Ok(Uncompressed::of_parts(samples, size))
}

fn sample_of(bytes: &[u8; SAMPLE_BYTES]) -> Sample {
    let (halves, _) = bytes.as_chunks::<8>();
    let mut halves = halves.iter().map(|&half| u64::from_le_bytes(half));
    let timestamp = halves.next().unwrap_or(0);
    Sample { timestamp, value: f64::from_bits(halves.next().unwrap_or(0)) }
}

/// Writes a chunk, padded with zeros to its size.
pub(super) fn save<W: Write>(writer: &mut W, chunk: &Chunk) {
    match chunk {
        Chunk::Gorilla(chunk) => save_gorilla(writer, chunk),
        Chunk::Packed(chunk) => save_gorilla(writer, &chunk.unpacked()),
        Chunk::Uncompressed(chunk) => save_uncompressed(writer, chunk),
    }
}

fn save_uncompressed<W: Write>(writer: &mut W, chunk: &Uncompressed) {
    let size = usize::try_from(chunk.size()).unwrap_or(0);
    let mut data = Vec::with_capacity(size);
    for sample in chunk.samples() {
        data.extend_from_slice(&sample.timestamp.to_le_bytes());
        data.extend_from_slice(&sample.value.to_bits().to_le_bytes());
    }
    data.resize(size, 0);
    writer.unsigned(chunk.first_time());
    writer.unsigned(u64::from(chunk.count()));
    writer.unsigned(u64::from(chunk.size()));
    writer.bytes(&data);
}

fn save_gorilla<W: Write>(writer: &mut W, chunk: &Gorilla) {
    let size = usize::try_from(chunk.size()).unwrap_or(0);
    let mut data = Vec::with_capacity(size);
    chunk.words().iter().for_each(|word| data.extend_from_slice(&word.to_le_bytes()));
    data.resize(size, 0);
    let (base, state) = (chunk.base(), chunk.state());
    writer.unsigned(u64::from(chunk.size()));
    writer.unsigned(u64::from(chunk.count()));
    writer.unsigned(u64::from(chunk.bits()));
    for number in [base.value, base.time, state.time, state.distance, state.value] {
        writer.unsigned(number);
    }
    writer.unsigned(u64::from(state.leading));
    writer.unsigned(u64::from(state.trailing));
    writer.bytes(&data);
}
