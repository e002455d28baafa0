//! Chunks. Input: a byte for what follows: bits, which are read as a stream, or samples, which are put
//! into chunks of both encodings.

use keyspan_common::rdb::{PayloadWriter, TypeId, Write, dump::load_body, payload::Strings};
use keyspan_timeseries_core::chunk::gorilla::{State, read_stream};
use keyspan_timeseries_core::chunk::{Chunk, ChunkSize, Columns, Encoding, Sample};
use keyspan_timeseries_core::series::{DuplicatePolicy, Options, Series};

use super::{assert_answers, samples};

const INPUT_MAX: usize = 16 << 10;

/// Reads the input as its first byte says.
pub fn check(input: &[u8]) {
    let [kind, rest @ ..] = input else { return };
    if rest.len() > INPUT_MAX {
        return;
    }
    if kind & 1 == 0 { stream(rest) } else { points(*kind, rest) }
}

/// Four bytes of bits, four of samples, then the stream. Where it can be read, a payload with it
/// loads, has the same samples and writes the same bits.
fn stream(rest: &[u8]) {
    let Some((numbers, data)) = rest.split_first_chunk::<8>() else { return };
    let (bits, count) = numbers.split_at(4);
    let number = |bytes: &[u8]| u64::from(u32::from_le_bytes(bytes.try_into().expect("four")));
    let data = &data[..data.len() / 8 * 8];
    let room = data.len() as u64 * 8;
    // A number that lies by little is more to the point than one that lies by much.
    let (bits, count) = (number(bits) % (room + 9), number(count) % (room / 2 + 9));
    let first = Sample { timestamp: 1_700_000_000_000, value: 20.5 };
    let Some((columns, state)) = read_stream(data, bits, count, first) else { return };
    let loaded = load_body(type_id(), &payload(data, bits, count, first, &state));
    let is_late = columns.times.last().is_some_and(|&time| time > i64::MAX as u64);
    let Ok(series) = loaded else {
        assert!(is_late, "a stream that can be read");
        return;
    };
    let read: Vec<_> = columns.iter().map(|one| (one.timestamp, one.value.to_bits())).collect();
    assert_eq!(samples(&series), read);
    assert_answers(series);
}

fn type_id() -> TypeId {
    TypeId::new("TSDB-TYPE", 8).expect("a version")
}

/// A series of one compressed chunk.
fn payload(data: &[u8], bits: u64, count: u64, first: Sample, state: &State) -> Vec<u8> {
    let mut writer = PayloadWriter::new(Strings::Plain);
    writer.bytes(b"key");
    for number in [0, 128, 2, 0] {
        writer.unsigned(number);
    }
    writer.double(0.0);
    for number in [count, 0, 0, 0] {
        writer.unsigned(number);
    }
    writer.double(0.0);
    for number in [0, 0, 1] {
        writer.unsigned(number);
    }
    for number in [data.len() as u64, count, bits, first.value.to_bits(), first.timestamp] {
        writer.unsigned(number);
    }
    for number in [state.time, state.distance, state.value, 32, 32] {
        writer.unsigned(number);
    }
    writer.bytes(data);
    writer.into_body()
}

/// Samples: a distance of two bytes, a byte for the kind of value and eight for it.
fn points(kind: u8, rest: &[u8]) {
    let size = 48 + u32::from(kind >> 1) * 8;
    let mut all: Vec<Sample> = Vec::new();
    let mut timestamp = 0;
    for part in rest.chunks_exact(11) {
        timestamp +=
            1 + u64::from(u16::from_le_bytes([part[0], part[1]])).pow(u32::from(part[2] & 3));
        let bits = u64::from_le_bytes(part[3..].try_into().expect("eight"));
        let value = match part[2] >> 6 {
            0 => f64::from_bits(bits),
            1 => (bits % 1000) as f64 / 10.0,
            2 => (bits % 100_000) as f64 / 100.0 - 500.0,
            _ => bits as f64,
        };
        all.push(Sample { timestamp, value: if value.is_nan() { f64::NAN } else { value } });
    }
    for encoding in [Encoding::Compressed, Encoding::Uncompressed] {
        alone(encoding, size, &all);
        let chunk_size = ChunkSize::new(size.into()).expect("a multiple of 8");
        let mut series =
            Series::new(b"key", Options { encoding, chunk_size, ..Options::default() });
        for &sample in &all {
            let _ = series.add(sample, DuplicatePolicy::Block, &mut Vec::new());
        }
        let bits = |sample: &Sample| (sample.timestamp, sample.value.to_bits());
        assert_eq!(samples(&series), all.iter().map(bits).collect::<Vec<_>>());
        assert_answers(series);
    }
}

/// A chunk holds what it took, and says when it is full.
fn alone(encoding: Encoding, size: u32, all: &[Sample]) {
    let mut chunk = Chunk::new(encoding, size);
    let taken = all.iter().take_while(|&&sample| chunk.append(sample).is_ok()).count();
    let mut columns = Columns::default();
    chunk.decode(&mut columns);
    let bits = |sample: Sample| (sample.timestamp, sample.value.to_bits());
    let found: Vec<_> = columns.iter().map(bits).collect();
    assert_eq!(found, all[..taken].iter().copied().map(bits).collect::<Vec<_>>());
    assert_eq!(chunk.size(), size);
}
