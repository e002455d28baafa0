//! Compressed chunks, bit for bit as the peer has them (after Pelkonen et al., "Gorilla: A Fast,
//! Scalable, In-Memory Time Series Database", 2015).
//!
//! ```text
//! bits, from the lowest of each little-endian word of 64 on; the first sample takes none
//! sample:  time  value
//! time:    the change of the distance between two samples
//!          0 | 10 + 5 bits | 110 + 8 | 1110 + 11 | 11110 + 15 | 111110 + 32 | 111111 + 64
//! value:   XOR with the one before
//!          0 | 10 + the block where the last block was | 11 + zeros before it (5) + its bits - 1 (6)
//!          + the block
//! ```
//! The prefixes are written as they stand here, first bit first; numbers lowest bit first.

use super::{Columns, Full, Sample};

/// Zeros at both ends of a chunk's first block, of which none can be used again.
const NO_BLOCK: u32 = 32;

/// Zeros before a block, as far as they are counted.
const LEADING_MAX: u32 = 31;

/// Bits that say where a new block is.
const HEAD_BITS: u32 = 5 + 6;

/// Bytes by which a chunk grows that must take more than it has room for.
const STEP_BYTES: u32 = 32;

/// Bits of the change of a distance, by how many ones stand before it.
const CHANGE_BITS: [u32; 7] = [0, 5, 8, 11, 15, 32, 64];

/// Words a chunk gets with its first bits.
const WORDS_MIN: usize = 4;

/// Where a stream of samples stands: what the next one is told against.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct State {
    /// Time of the last sample.
    pub time: u64,
    /// Its distance to the one before, 0 for the first.
    pub distance: u64,
    /// Its value's bits.
    pub value: u64,
    /// Zeros before the last block that was written.
    pub leading: u32,
    /// Zeros behind it.
    pub trailing: u32,
}

/// A compressed run of samples.
///
/// * Appending: O(1). Reading: from the beginning on, 2 to 3 ns a sample.
/// * Memory: the words in use, doubled as they fill, to `size` bytes at most.
#[derive(Clone, Debug)]
pub struct Gorilla {
    words: Vec<u64>,
    /// Bits in use.
    bits: u32,
    count: u32,
    size: u32,
    base: State,
    state: State,
}

impl PartialEq for Gorilla {
    /// Bit for bit, as a NaN is equal to itself.
    fn eq(&self, other: &Self) -> bool {
        let numbers = |chunk: &Self| (chunk.bits, chunk.count, chunk.size, chunk.base, chunk.state);
        numbers(self) == numbers(other) && self.words == other.words
    }
}

impl State {
    /// Behind the first sample.
    fn first(sample: Sample) -> Self {
        let value = sample.value.to_bits();
        let (leading, trailing) = (NO_BLOCK, NO_BLOCK);
        Self { time: sample.timestamp, distance: 0, value, leading, trailing }
    }

    fn sample(&self) -> Sample {
        Sample { timestamp: self.time, value: f64::from_bits(self.value) }
    }
}

/// The bits of one sample, in up to three parts of at most 64.
struct Code {
    parts: [(u64, u32); 4],
    state: State,
}

impl Code {
    /// The code of `sample` behind `state`.
    fn of(sample: Sample, state: &State) -> Self {
        let distance = sample.timestamp.wrapping_sub(state.time);
        let change = distance.wrapping_sub(state.distance);
        let mut code = Self { parts: [(0, 0); 4], state: *state };
        let [time, wide, head, block] = &mut code.parts;
        (*time, *wide) = Self::change(change.cast_signed());
        let value = sample.value.to_bits();
        let xor = value ^ state.value;
        (*head, *block) = Self::block(xor, &mut code.state);
        code.state.time = sample.timestamp;
        code.state.distance = distance;
        code.state.value = value;
        code
    }

    /// The code of a change of distance.
    fn change(change: i64) -> ((u64, u32), (u64, u32)) {
        if change == 0 {
            return ((0, 1), (0, 0));
        }
        // Bits that a signed number takes.
        let needed = 65 - (change ^ (change >> 63)).leading_zeros();
        let field = |ones: u32, bits: u32| {
            let mask = (1_u64 << bits) - 1;
            let prefix = (1_u64 << ones) - 1;
            (((change.cast_unsigned() & mask) << (ones + 1) | prefix, ones + 1 + bits), (0, 0))
        };
        match needed {
            0..=5 => field(1, 5),
            6..=8 => field(2, 8),
            9..=11 => field(3, 11),
            12..=15 => field(4, 15),
            16..=32 => field(5, 32),
            _ => ((0b11_1111, 6), (change.cast_unsigned(), 64)),
        }
    }

    /// The code of a changed value, and in `state` where its block is.
    fn block(xor: u64, state: &mut State) -> ((u64, u32), (u64, u32)) {
        if xor == 0 {
            return ((0, 1), (0, 0));
        }
        let leading = xor.leading_zeros().min(LEADING_MAX);
        let trailing = xor.trailing_zeros();
        let needed = 64 - leading - trailing;
        let last = 64_u32.saturating_sub(state.leading + state.trailing);
        let fits = leading >= state.leading && trailing >= state.trailing;
        if fits && HEAD_BITS + needed > last {
            return ((0b01, 2), (xor >> (state.trailing & 63), last));
        }
        (state.leading, state.trailing) = (leading, trailing);
        let head = 0b11 | u64::from(leading) << 2 | u64::from(needed - 1) << 7;
        ((head, 2 + HEAD_BITS), (xor >> trailing, needed))
    }

    fn len(&self) -> u32 {
        self.parts.iter().map(|&(_, len)| len).sum()
    }
}

impl Gorilla {
    /// An empty chunk of `size` bytes. It allocates as it grows.
    pub fn new(size: u32) -> Self {
        let state = State::first(Sample::default());
        Self { words: Vec::new(), bits: 0, count: 0, size, base: state, state }
    }

    /// A chunk as it was written: `bits` bits of `data`, its first sample, and where its stream
    /// ends. Nothing is decoded here ([`Self::is_sound`]).
    ///
    /// `None` if there are fewer bytes, or fewer bits than so many samples take.
    pub(crate) fn of_parts(
        data: &[u8],
        bits: u64,
        count: u64,
        base: Sample,
        state: State,
    ) -> Option<Self> {
        let size = u32::try_from(data.len()).ok().filter(|&size| size <= u32::MAX / 8)?;
        let bits = u32::try_from(bits).ok().filter(|&bits| bits <= size * 8)?;
        let count = u32::try_from(count).ok()?;
        if count.saturating_sub(1) > bits / 2 || count == 0 && bits > 0 {
            return None;
        }
        let used = usize::try_from(bits.div_ceil(64)).ok()?;
        let (chunks, _) = data.as_chunks::<8>();
        let mut words: Vec<_> =
            chunks.iter().take(used).map(|&word| u64::from_le_bytes(word)).collect();
        if words.len() < used {
            return None;
        }
        if let (Some(last), rest @ 1..) = (words.last_mut(), bits % 64) {
            *last &= (1 << rest) - 1;
        }
        let base = State::first(base);
        Some(Self { words, bits, count, size, base, state })
    }

    /// Whether the bits are what the numbers say: as many samples, each later than the one before,
    /// in just these bits, with the last sample that was told. Where the stream then stands is taken
    /// from the bits. Decodes once.
    pub(crate) fn is_sound(&mut self, buffer: &mut Columns) -> bool {
        if self.count == 0 {
            self.state = self.base;
            return true;
        }
        let mut cursor = self.cursor();
        let mut last = None;
        loop {
            buffer.clear();
            if cursor.read(buffer, 1024) == 0 {
                break;
            }
            let starts_later = last.is_none_or(|last| buffer.times.first() > Some(&last));
            if !starts_later || !buffer.times.is_sorted_by(|a, b| a < b) {
                return false;
            }
            last = buffer.times.last().copied();
        }
        let told = |state: &State| (state.time, state.distance, state.value);
        let is_whole = !cursor.is_damaged && cursor.position == self.bits;
        let state = cursor.state;
        if !is_whole || told(&state) != told(&self.state) {
            return false;
        }
        self.state = state;
        true
    }

    pub(crate) fn count(&self) -> u32 {
        self.count
    }

    pub(crate) fn size(&self) -> u32 {
        self.size
    }

    /// Bits in use.
    pub fn bits(&self) -> u32 {
        self.bits
    }

    /// The words in use; what lies behind the last bit is 0.
    pub fn words(&self) -> &[u64] {
        &self.words
    }

    pub(crate) fn words_mut(&mut self) -> &mut Vec<u64> {
        &mut self.words
    }

    /// Where the stream starts.
    pub fn base(&self) -> &State {
        &self.base
    }

    /// Where the stream ends.
    pub fn state(&self) -> &State {
        &self.state
    }

    pub(crate) fn first_time(&self) -> u64 {
        self.base.time
    }

    pub(crate) fn last(&self) -> Sample {
        self.state.sample()
    }

    pub(crate) fn append(&mut self, sample: Sample) -> Result<(), Full> {
        if self.count == 0 {
            self.base = State::first(sample);
            self.state = self.base;
            self.count = 1;
            return Ok(());
        }
        let code = Code::of(sample, &self.state);
        // A size is at most 2^29 bytes.
        if code.len() > self.size.saturating_mul(8).saturating_sub(self.bits) {
            return Err(Full);
        }
        self.write(&code);
        Ok(())
    }

    pub(crate) fn push(&mut self, sample: Sample) {
        while self.append(sample).is_err() && self.size < u32::MAX / 16 {
            self.size = self.size.saturating_add(STEP_BYTES);
        }
    }

    fn write(&mut self, code: &Code) {
        for (bits, len) in code.parts {
            self.put(bits, len);
        }
        self.state = code.state;
        self.count = self.count.saturating_add(1);
    }

    /// Appends the lowest `len` bits of `bits`, the others being 0.
    #[inline]
    fn put(&mut self, bits: u64, len: u32) {
        let used = self.bits % 64;
        if len == 0 {
            return;
        }
        self.bits = self.bits.saturating_add(len);
        if used == 0 {
            return self.push_word(bits);
        }
        if let Some(last) = self.words.last_mut() {
            *last |= bits << used;
        }
        if used + len > 64 {
            self.push_word(bits >> (64 - used));
        }
    }

    #[inline]
    fn push_word(&mut self, word: u64) {
        if self.words.len() == self.words.capacity() {
            self.grow();
        }
        self.words.push(word);
    }

    /// Twice the room, but no more than the size.
    #[cold]
    fn grow(&mut self) {
        let len = self.words.len();
        let most = usize::try_from(self.size / 8).unwrap_or(usize::MAX).max(len + 1);
        let room = len.saturating_mul(2).clamp(WORDS_MIN.min(most), most);
        self.words.reserve_exact(room.saturating_sub(len));
    }

    /// As the peer trims the parts of a split: to whole bytes, one spare, and then a multiple of 8,
    /// of which it takes the next one even if it has one.
    pub(crate) fn fit(&mut self) {
        let excess = (self.size.saturating_mul(8).saturating_sub(self.bits)) / 8;
        if excess > 1 {
            let bytes = self.size - excess + 1;
            self.size = self.size.min(bytes + 8 - bytes % 8);
        }
    }

    pub(crate) fn trim(&mut self) {
        self.words.shrink_to_fit();
    }

    pub(crate) fn block_bytes(&self) -> usize {
        self.words.capacity().saturating_mul(size_of::<u64>())
    }

    /// Reads from the beginning on.
    pub(crate) fn cursor(&self) -> Cursor<'_> {
        Cursor {
            words: &self.words,
            position: 0,
            is_started: false,
            left: self.count,
            state: self.base,
            is_damaged: false,
        }
    }
}

/// A reader of a compressed chunk.
pub(crate) struct Cursor<'a> {
    words: &'a [u64],
    /// Bits that were read.
    position: u32,
    is_started: bool,
    /// Samples that were not.
    left: u32,
    state: State,
    /// A block lay outside of its word.
    is_damaged: bool,
}

/// The 64 bits from `position` on; zeros behind the end.
#[inline(always)]
fn peek(words: &[u64], position: u32) -> u64 {
    let (word, shift) = ((position / 64) as usize, position % 64);
    let low = words.get(word).copied().unwrap_or(0);
    let high = words.get(word + 1).copied().unwrap_or(0);
    low >> shift | high << 1 << (63 - shift)
}

impl Cursor<'_> {
    /// Appends up to `most` of the next samples to `columns`. Returns how many: none at the end.
    pub(crate) fn read(&mut self, columns: &mut Columns, most: usize) -> usize {
        let count = usize::try_from(self.left).unwrap_or(usize::MAX).min(most);
        self.left -= u32::try_from(count).unwrap_or(self.left);
        let mut rest = count;
        if !self.is_started && rest > 0 {
            self.is_started = true;
            columns.push(self.state.sample());
            rest -= 1;
        }
        let start = columns.len();
        columns.times.resize(start + rest, 0);
        columns.values.resize(start + rest, 0.0);
        let times = columns.times.iter_mut().skip(start);
        let values = columns.values.iter_mut().skip(start);
        let (words, mut position, mut state) = (self.words, self.position, self.state);
        let mut is_damaged = false;
        for (time, value) in times.zip(values) {
            position = next_time(words, position, &mut state);
            position = next_value(words, position, &mut state, &mut is_damaged);
            *time = state.time;
            *value = f64::from_bits(state.value);
        }
        (self.position, self.state) = (position, state);
        self.is_damaged |= is_damaged;
        count
    }
}

#[inline(always)]
fn next_time(words: &[u64], position: u32, state: &mut State) -> u32 {
    let bits = peek(words, position);
    let mut end = position.wrapping_add(1);
    if bits & 1 != 0 {
        let ones = bits.trailing_ones();
        let change = if ones >= 6 {
            end = position.wrapping_add(70);
            peek(words, position.wrapping_add(6)).cast_signed()
        } else {
            let width = CHANGE_BITS.get(ones as usize).copied().unwrap_or(64);
            end = position.wrapping_add(ones + 1 + width);
            ((bits >> (ones + 1)) << (64 - width)).cast_signed() >> (64 - width)
        };
        state.distance = state.distance.wrapping_add(change.cast_unsigned());
    }
    state.time = state.time.wrapping_add(state.distance);
    end
}

#[inline(always)]
fn next_value(words: &[u64], position: u32, state: &mut State, is_damaged: &mut bool) -> u32 {
    let bits = peek(words, position);
    if bits & 1 == 0 {
        return position.wrapping_add(1);
    }
    let mut start = position.wrapping_add(2);
    if bits & 2 != 0 {
        start = start.wrapping_add(HEAD_BITS);
        let size = (bits >> 7 & 63) as u32 + 1;
        state.leading = (bits >> 2 & 31) as u32;
        *is_damaged |= state.leading + size > 64;
        state.trailing = 64_u32.saturating_sub(state.leading + size);
    }
    let size = 64_u32.saturating_sub(state.leading + state.trailing);
    // A size of 0 is only in damaged chunks: no block was there.
    *is_damaged |= size == 0;
    let block = peek(words, start) & (u64::MAX >> (64 - size.max(1)));
    state.value ^= block << (state.trailing & 63);
    start.wrapping_add(size)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bits_of(samples: &[(u64, f64)]) -> String {
        let mut chunk = Gorilla::new(4096);
        for &(timestamp, value) in samples {
            chunk.append(Sample { timestamp, value }).unwrap();
        }
        let bit = |index: u32| chunk.words[index as usize / 64] >> (index % 64) & 1;
        (0..chunk.bits).map(|index| if bit(index) == 1 { '1' } else { '0' }).collect()
    }

    #[test]
    fn bits_are_the_peers() {
        let check = |samples: &[(u64, f64)], parts: &[&str]| {
            assert_eq!(bits_of(samples), parts.concat(), "{samples:?}");
        };
        check(&[(1000, 1.5)], &[]);
        check(&[(0, 1.5), (15, 1.5), (30, 1.5)], &["10", "11110", "0", "0", "0"]);
        check(&[(0, 1.0), (16, 1.0)], &["110", "00001000", "0"]);
        check(&[(9, 1.0), (137, 1.0)], &["1110", "00000001000", "0"]);
        check(
            &[(100, 1.0), (200, 1.0), (201, 1.0)],
            &["110", "00100110", "0", "110", "10111001", "0"],
        );
        // A block of one bit: 1.0 and -1.0 differ in the highest.
        check(&[(0, 1.0), (1, -1.0)], &["10", "10000", "11", "00000", "000000", "1"]);
        // 1.0 and 1.25 differ in bit 50, then in bit 51, outside of that block, then in both.
        let values = [(0, 1.0), (0, 1.25), (0, 1.75), (0, 1.0)].map(|(time, value)| (time, value));
        let first = ["0", "11", "10110", "000000", "1"];
        let second = ["0", "11", "00110", "000000", "1"];
        let third = ["0", "11", "00110", "100000", "11"];
        check(&values, &[first, second, third].concat());
    }
}
