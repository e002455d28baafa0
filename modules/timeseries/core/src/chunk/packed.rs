//! Full compressed chunks, kept smaller than they are written.
//!
//! Most series are of numbers with a few decimals, at almost even distances. Between the bits of such
//! doubles little is equal, so that the peer's code takes 4 to 8 bytes for each; as whole numbers
//! they take one or two, and are read several times faster. A chunk that will only be read is kept
//! this way if it is smaller, and is given the peer's bits again, the same ones, where it is written
//! or changed (after Afroozeh, Kuffo and Boncz, "ALP: Adaptive Lossless floating-Point Compression",
//! 2023, without its exceptions: one value that is no short decimal, and the chunk stays as it is).
//!
//! ```text
//! words: a directory of 4 words for each block of 256 samples, then groups of 4 words
//! block: first time | least distance | least number | its group << 16, bits of a distance << 8, of a
//!        number
//! group: one word of each of 4 lanes, which are runs of bits, lowest first: number i of a block is in
//!        lane i % 4, so that 4 are read by the same shifts (after Afroozeh and Boncz, "The FastLanes
//!        Compression Layout", 2023)
//! ```

use super::gorilla::Gorilla;
use super::{Columns, Sample};

/// Samples of a block.
const BLOCK: usize = 256;

/// Samples by which most chunks tell that they are no decimals.
const PROBE: usize = 16;

/// Words of a block in the directory.
const ENTRY: usize = 4;

/// Numbers that are beside each other in a group of words.
const LANES: usize = 4;

/// A word of each lane.
type Group = [u64; LANES];

/// Numbers stay below 2^51, so that [`MAGIC`] rounds them.
const NUMBER_END: f64 = 2_251_799_813_685_248.0;

/// 1.5 * 2^52: added to a smaller number, its lowest bits are that number, rounded to a whole one.
const MAGIC: f64 = 6_755_399_441_055_744.0;

/// Powers of ten that are tried.
const SCALES: [f64; 12] = [1.0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11];

/// A full chunk of short decimals.
#[derive(Clone, Debug, PartialEq)]
pub struct Packed {
    words: Vec<u64>,
    scale: f64,
    size: u32,
    count: u32,
    first: u64,
    last: Sample,
}

/// A block as it is read from the directory.
struct Entry {
    time: u64,
    distance: u64,
    number: i64,
    group: usize,
    distance_bits: u32,
    number_bits: u32,
}

impl Packed {
    /// The samples of `chunk`, if they are short decimals and so take less. O(samples).
    pub(super) fn of(chunk: &Gorilla) -> Option<Self> {
        let (mut columns, mut cursor) = (Columns::default(), chunk.cursor());
        cursor.read(&mut columns, PROBE);
        scale_of(&columns.values)?;
        cursor.read(&mut columns, usize::MAX);
        Self::of_columns(chunk, &columns)
    }

    /// As [`Self::of`], where the samples were decoded already.
    pub(super) fn of_columns(chunk: &Gorilla, columns: &Columns) -> Option<Self> {
        let most = chunk.words().len();
        let scale = scale_of(&columns.values)?;
        let directory = columns.len().div_ceil(BLOCK) * ENTRY;
        let mut writer = Writer { words: vec![0; directory], directory };
        let blocks = columns.times.chunks(BLOCK).zip(columns.values.chunks(BLOCK));
        for (index, (times, values)) in blocks.enumerate() {
            writer.block(index, times, values, scale);
            if writer.words.len() >= most {
                return None;
            }
        }
        writer.words.shrink_to_fit();
        let (size, count) = (chunk.size(), chunk.count());
        let (first, last) = (chunk.first_time(), chunk.last());
        Some(Self { words: writer.words, scale, size, count, first, last })
    }

    /// The same samples as the peer has them.
    pub(crate) fn unpacked(&self) -> Gorilla {
        let mut columns = Columns::default();
        self.cursor().read(&mut columns, usize::MAX);
        Gorilla::of_columns(self.size, &columns)
    }

    pub(crate) fn count(&self) -> u32 {
        self.count
    }

    pub(crate) fn size(&self) -> u32 {
        self.size
    }

    pub(crate) fn first_time(&self) -> u64 {
        self.first
    }

    pub(crate) fn last(&self) -> Sample {
        self.last
    }

    pub(crate) fn words_mut(&mut self) -> &mut Vec<u64> {
        &mut self.words
    }

    pub(crate) fn block_bytes(&self) -> usize {
        self.words.capacity().saturating_mul(size_of::<u64>())
    }

    pub(crate) fn cursor(&self) -> Cursor<'_> {
        Cursor { chunk: self, block: 0 }
    }

    fn blocks(&self) -> usize {
        usize::try_from(self.count).unwrap_or(0).div_ceil(BLOCK)
    }

    fn entry(&self, block: usize) -> Option<Entry> {
        let start = Some(block).filter(|&block| block < self.blocks())? * ENTRY;
        let &[time, distance, number, bits] = self.words.get(start..)?.first_chunk::<ENTRY>()?;
        let byte = |shift: u32| u32::try_from(bits >> shift & 0xff).unwrap_or(0);
        let group = usize::try_from(bits >> 16).unwrap_or(usize::MAX);
        let (distance_bits, number_bits) = (byte(8), byte(0));
        let number = number.cast_signed();
        Some(Entry { time, distance, number, group, distance_bits, number_bits })
    }
}

/// The least power of ten that makes whole numbers of all values, from which division gives each of
/// them back.
fn scale_of(values: &[f64]) -> Option<f64> {
    let mut scales = SCALES.iter().copied();
    let mut scale = scales.next()?;
    for values in values.chunks(BLOCK) {
        while !are_whole(values, scale) {
            scale = scales.next()?;
        }
    }
    // What was whole at a lesser scale still is, unless it grew too large.
    are_small(values, scale).then_some(scale)
}

fn are_whole(values: &[f64], scale: f64) -> bool {
    let is_whole = |value: f64| {
        let number = value * scale + MAGIC - MAGIC;
        (number / scale).to_bits() == value.to_bits()
    };
    // The first ones say it of most values that are no decimals; then without a branch.
    values.iter().take(4).all(|&value| is_whole(value))
        && values.iter().fold(true, |all, &value| all & is_whole(value))
        && are_small(values, scale)
}

fn are_small(values: &[f64], scale: f64) -> bool {
    values.iter().fold(true, |all, &value| all & ((value * scale).abs() < NUMBER_END))
}

/// The whole number next to `value * scale`.
#[inline(always)]
fn number_of(value: f64, scale: f64) -> i64 {
    (value * scale + MAGIC).to_bits().wrapping_sub(MAGIC.to_bits()).cast_signed()
}

/// Bits of the greatest of some numbers.
fn width(greatest: u64) -> u32 {
    64 - greatest.leading_zeros()
}

/// The least and the greatest of numbers, none of which is NaN; zeros for none.
fn extremes(values: &[f64]) -> (f64, f64) {
    let (fours, rest) = values.as_chunks::<LANES>();
    let start = [values.first().copied().unwrap_or(0.0); LANES];
    let less = |a: f64, b: f64| if b < a { b } else { a };
    let more = |a: f64, b: f64| if b > a { b } else { a };
    let (mut least, mut most) = (start, start);
    for &[a, b, c, d] in fours {
        let ([e, f, g, h], [i, j, k, l]) = (least, most);
        least = [less(e, a), less(f, b), less(g, c), less(h, d)];
        most = [more(i, a), more(j, b), more(k, c), more(l, d)];
    }
    let first = values.first().copied().unwrap_or(0.0);
    let least = least.iter().chain(rest).fold(first, |least, &value| less(least, value));
    (least, most.iter().chain(rest).fold(first, |most, &value| more(most, value)))
}

/// The least and the greatest distance, zeros for none: of most series all are the same.
fn nearest_and_farthest(distances: &[u64]) -> (u64, u64) {
    let first = distances.first().copied().unwrap_or(0);
    if distances.iter().fold(0, |other, distance| other | (distance ^ first)) == 0 {
        return (first, first);
    }
    let wider = |(near, far): (u64, u64), &distance: &u64| (near.min(distance), far.max(distance));
    distances.iter().fold((first, first), wider)
}

/// Groups that `count` numbers of `bits` bits take.
fn groups(count: usize, bits: u32) -> usize {
    let steps = u32::try_from(count.div_ceil(LANES)).unwrap_or(u32::MAX);
    usize::try_from(steps.saturating_mul(bits).div_ceil(64)).unwrap_or(usize::MAX)
}

struct Writer {
    words: Vec<u64>,
    /// Words of the directory.
    directory: usize,
}

impl Writer {
    fn block(&mut self, block: usize, times: &[u64], values: &[f64], scale: f64) {
        let mut numbers = [0; BLOCK];
        let numbers = numbers.get_mut(..values.len()).unwrap_or_default();
        for (number, &value) in numbers.iter_mut().zip(values) {
            *number = number_of(value, scale);
        }
        let (least, most) = extremes(values);
        let (least, most) = (number_of(least, scale), number_of(most, scale));
        let mut distances = [0; BLOCK];
        let distances = distances.get_mut(..times.len().saturating_sub(1)).unwrap_or_default();
        for ((distance, &time), &next) in
            distances.iter_mut().zip(times).zip(times.get(1..).unwrap_or_default())
        {
            *distance = next.wrapping_sub(time);
        }
        let (near, far) = nearest_and_farthest(distances);
        let distance_bits = width(far - near);
        let number_bits = width(most.wrapping_sub(least).cast_unsigned());
        let widths = u64::from(distance_bits) << 8 | u64::from(number_bits);
        let group = (self.words.len() - self.directory) / LANES;
        let place = u64::try_from(group).unwrap_or(u64::MAX) << 16 | widths;
        let entry = [times.first().copied().unwrap_or(0), near, least.cast_unsigned(), place];
        let places = self.words.iter_mut().skip(block * ENTRY);
        places.zip(entry).for_each(|(place, word)| *place = word);
        self.put(distances, distance_bits, |distance| distance.wrapping_sub(near));
        self.put(numbers, number_bits, |number| number.wrapping_sub(least).cast_unsigned());
    }

    /// Appends `len` bits of what `make` makes of each number.
    fn put<T: Copy>(&mut self, numbers: &[T], len: u32, make: impl Fn(T) -> u64) {
        let start = self.words.len();
        self.words.resize(start + LANES * groups(numbers.len(), len), 0);
        let (words, _) = self.words.get_mut(start..).unwrap_or_default().as_chunks_mut::<LANES>();
        let mut place = 0_u32;
        for numbers in numbers.chunks(LANES) {
            let (word, shift) = ((place / 64) as usize, place % 64);
            place += len;
            let Some([low, rest @ ..]) = words.get_mut(word..) else {
                return;
            };
            for (word, &number) in low.iter_mut().zip(numbers) {
                *word |= make(number) << shift;
            }
            if shift + len > 64
                && let Some(high) = rest.first_mut()
            {
                for (word, &number) in high.iter_mut().zip(numbers) {
                    *word = make(number) >> (64 - shift);
                }
            }
        }
    }
}

/// A reader of a packed chunk, block by block.
pub(crate) struct Cursor<'a> {
    chunk: &'a Packed,
    block: usize,
}

impl Cursor<'_> {
    /// Passes over blocks that end before `time`.
    pub(crate) fn skip_to(&mut self, time: u64) {
        let starts_later =
            |block: usize| self.chunk.entry(block).is_none_or(|entry| entry.time > time);
        let mut block = self.block;
        while !starts_later(block + 1) {
            block += 1;
        }
        self.block = block;
    }

    /// Appends whole blocks to `columns` until there are `most` samples more, or no further one.
    /// Returns how many.
    pub(crate) fn read(&mut self, columns: &mut Columns, most: usize) -> usize {
        let before = columns.len();
        while self.block < self.chunk.blocks() && columns.len() - before < most {
            self.read_block(columns);
            self.block += 1;
        }
        columns.len() - before
    }

    fn read_block(&self, columns: &mut Columns) {
        let Some(entry) = self.chunk.entry(self.block) else {
            return;
        };
        let count = usize::try_from(self.chunk.count).unwrap_or(0);
        let count = count.saturating_sub(self.block * BLOCK).min(BLOCK);
        let words = self.chunk.words.get(self.chunk.blocks() * ENTRY..).unwrap_or_default();
        let groups = words.as_chunks().0.get(entry.group..).unwrap_or_default();
        let start = columns.len();
        columns.times.resize(start + count, entry.time);
        columns.values.resize(start + count, 0.0);
        read_times(groups, &entry, columns.times.get_mut(start..).unwrap_or_default());
        let groups = groups.get(groups_of_times(&entry, count)..).unwrap_or_default();
        let values = columns.values.get_mut(start..).unwrap_or_default();
        read_values(groups, &entry, self.chunk.scale, values);
    }
}

fn groups_of_times(entry: &Entry, count: usize) -> usize {
    groups(count.saturating_sub(1), entry.distance_bits)
}

/// The first time is there already.
fn read_times(groups: &[Group], entry: &Entry, times: &mut [u64]) {
    let mut time = entry.time;
    let later = times.get_mut(1..).unwrap_or_default();
    if entry.distance_bits == 0 {
        for slot in later {
            time = time.wrapping_add(entry.distance);
            *slot = time;
        }
        return;
    }
    unpack(groups, entry.distance_bits, later, |above| above.wrapping_add(entry.distance));
    for slot in later {
        time = time.wrapping_add(*slot);
        *slot = time;
    }
}

/// The numbers, divided by their scale.
fn read_values(groups: &[Group], entry: &Entry, scale: f64, values: &mut [f64]) {
    let least = MAGIC.to_bits().wrapping_add(entry.number.cast_unsigned());
    let number = |above: u64| f64::from_bits(least.wrapping_add(above)) - MAGIC;
    if entry.number_bits == 0 {
        values.fill(number(0) / scale);
    } else if scale > 1.0 {
        unpack(groups, entry.number_bits, values, |above| number(above) / scale);
    } else {
        unpack(groups, entry.number_bits, values, number);
    }
}

/// What `make` makes of numbers of `bits` bits, at least one.
#[inline(always)]
fn unpack<T: Copy>(groups: &[Group], bits: u32, out: &mut [T], make: impl Fn(u64) -> T) {
    let mask = u64::MAX >> (64 - bits);
    let mut place = 0;
    let (fours, rest) = out.as_chunks_mut::<LANES>();
    for four in fours {
        let [a, b, c, d] = beside(groups, place);
        *four = [make(a & mask), make(b & mask), make(c & mask), make(d & mask)];
        place += bits;
    }
    for (slot, number) in rest.iter_mut().zip(beside(groups, place)) {
        *slot = make(number & mask);
    }
}

/// The 64 bits from `place` on of each lane; zeros behind the end.
#[inline(always)]
fn beside(groups: &[Group], place: u32) -> Group {
    let (group, shift) = ((place / 64) as usize, place % 64);
    let ([a, b, c, d], [e, f, g, h]) = match groups.get(group..) {
        Some([low, high, ..]) => (*low, *high),
        Some([low]) => (*low, [0; LANES]),
        _ => return [0; LANES],
    };
    let of = |low: u64, high: u64| low >> shift | high << 1 << (63 - shift);
    [of(a, e), of(b, f), of(c, g), of(d, h)]
}

#[cfg(test)]
mod tests {
    use proptest::{collection::vec, prelude::*};

    use super::*;

    fn gorilla(samples: impl Iterator<Item = (u64, f64)>) -> Gorilla {
        let mut chunk = Gorilla::new(1 << 20);
        samples.for_each(|(timestamp, value)| chunk.push(Sample { timestamp, value }));
        chunk
    }

    #[test]
    fn short_decimals_are_packed_and_come_back_bit_for_bit() {
        let check = |name: &str, value: fn(u64) -> f64, is_packed: bool| {
            for count in [1, 2, 255, 256, 257, 1000] {
                let time = |index: u64| 1_700_000_000_000 + index * 1000 + index * index % 7;
                let chunk = gorilla((0..count).map(|index| (time(index), value(index))));
                let packed = Packed::of(&chunk);
                assert_eq!(packed.is_some(), is_packed && count > 2, "{name} {count}");
                if let Some(packed) = packed {
                    assert_eq!(packed.unpacked(), chunk, "{name} {count}");
                    assert!(packed.words.len() < chunk.words().len());
                    assert_eq!((packed.last(), packed.count()), (chunk.last(), chunk.count()));
                }
            }
        };
        check("tenths", |index| (index * 7919 % 1000) as f64 / 10.0, true);
        check("hundredths", |index| ((index * 7919 % 4000) as f64 - 2000.0) / 100.0, true);
        check("counter", |index| (index * 1_000_003) as f64, true);
        check("fractions", |index| (index as f64).sin(), false);
        check("NaN", |index| if index % 300 == 1 { f64::NAN } else { 0.1 * index as f64 }, false);
        check("minus zero", |index| if index == 0 { -0.0 } else { index as f64 / 10.0 }, false);
        check("large", |index| 1e300 * (index + 1) as f64, false);
    }

    proptest! {
        #[test]
        fn numbers_and_distances_of_every_width_come_back(
            samples in vec((any::<u64>(), any::<i64>()), 1..700),
            (far, wide, scale) in (0..56_u32, 0..50_u32, 0..4_usize),
        ) {
            let mut time = 0_u64;
            let samples = samples.into_iter().map(|(step, number)| {
                time += 1 + (step >> 8 & ((1 << far) - 1));
                let number = number % (1 << wide);
                (time, number as f64 / SCALES[scale])
            });
            let chunk = gorilla(samples);
            let mut columns = Columns::default();
            chunk.cursor().read(&mut columns, usize::MAX);
            if let Some(packed) = Packed::of(&chunk) {
                let mut found = Columns::default();
                packed.cursor().read(&mut found, usize::MAX);
                prop_assert_eq!(&found, &columns);
                prop_assert_eq!(packed.unpacked(), chunk);
            }
        }
    }
}
