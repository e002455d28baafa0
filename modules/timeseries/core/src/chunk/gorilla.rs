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

use super::code::{Code, HEAD_BITS};
use super::{Columns, Full, Sample};

/// Zeros at both ends of a chunk's first block, of which none can be used again.
const NO_BLOCK: u32 = 32;

/// Bytes by which a chunk grows that must take more than it has room for.
const STEP_BYTES: u32 = 32;

/// Bits of the change of a distance, by how many ones stand before it.
const CHANGE_BITS: [u32; 7] = [0, 5, 8, 11, 15, 32, 64];

/// The most bytes of a chunk that is loaded: four times what commands allow. A sample takes 2 bits at
/// least, so that this bounds what decoding one may take.
pub(crate) const SIZE_MAX: u32 = 1 << 22;

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
    /// Bits and state before the last sample, if it was appended here.
    before: Option<(u32, State)>,
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

impl Gorilla {
    /// An empty chunk of `size` bytes. It allocates as it grows.
    pub fn new(size: u32) -> Self {
        let state = State::first(Sample::default());
        Self { words: Vec::new(), bits: 0, count: 0, size, base: state, state, before: None }
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
        let size = u32::try_from(data.len()).ok().filter(|&size| size <= SIZE_MAX)?;
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
        Some(Self { words, bits, count, size, base, state, before: None })
    }

    /// Whether the bits are what the numbers say: a stream ([`Self::stream`]) that ends with the last
    /// sample that was told. Where the stream then stands is taken from the bits. Leaves the samples
    /// in `columns`.
    pub(crate) fn is_sound(&mut self, columns: &mut Columns) -> bool {
        let told = |state: &State| (state.time, state.distance, state.value);
        let Some(state) = self.stream(columns) else {
            return false;
        };
        let is_told = self.count == 0 || told(&state) == told(&self.state);
        self.state = state;
        is_told
    }

    /// Decodes all bits into `columns`, and says where their stream stands then: if they are as many
    /// samples as there should be, each later than the one before, in just these bits.
    fn stream(&self, columns: &mut Columns) -> Option<State> {
        columns.clear();
        let mut cursor = self.cursor();
        cursor.read(columns, usize::MAX);
        let is_whole = !cursor.is_damaged && cursor.position == self.bits;
        (is_whole && are_ascending(&columns.times)).then_some(cursor.state)
    }

    /// A chunk of `size` bytes, or as much more as they need, of samples that are there already.
    pub(crate) fn of_columns(size: u32, columns: &Columns) -> Self {
        let mut chunk = Self::new(size);
        let mut samples = columns.iter();
        let Some(last) = samples.next_back() else {
            return chunk;
        };
        if let Some(first) = samples.next() {
            chunk.push(first);
            chunk.write_all(samples);
        }
        // As if it were appended: it can be replaced.
        chunk.push(last);
        chunk
    }

    /// Appends samples behind the first one, without a look at how much they take.
    fn write_all(&mut self, samples: impl ExactSizeIterator<Item = Sample>) {
        self.count = self.count.saturating_add(u32::try_from(samples.len()).unwrap_or(u32::MAX));
        let words = usize::try_from(self.size / 8).unwrap_or(0).min(samples.len() * 2);
        let mut bits = BitWriter { words: vec![0; words], place: 0, word: 0, used: 0 };
        let mut state = self.state;
        for sample in samples {
            Code::write(sample, &mut state, &mut bits);
        }
        self.state = state;
        self.bits = bits.len();
        self.words = bits.into_words();
        while self.bits > self.size.saturating_mul(8) && self.size < u32::MAX / 16 {
            self.size = self.size.saturating_add(STEP_BYTES);
        }
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

    /// Gives the last sample another value, without reading the others, if it was appended here.
    /// Returns whether it was.
    pub(crate) fn replace_last(&mut self, value: f64) -> bool {
        let Some((bits, state)) = self.before.take() else {
            return false;
        };
        let timestamp = self.state.time;
        self.words.truncate(usize::try_from(bits.div_ceil(64)).unwrap_or(usize::MAX));
        if let (Some(last), rest @ 1..) = (self.words.last_mut(), bits % 64) {
            *last &= (1 << rest) - 1;
        }
        (self.bits, self.state, self.count) = (bits, state, self.count - 1);
        self.push(Sample { timestamp, value });
        true
    }

    fn write(&mut self, code: &Code) {
        self.before = Some((self.bits, self.state));
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

/// Words that are written bit by bit, without a branch on where a word ends: that is anywhere.
pub(super) struct BitWriter {
    words: Vec<u64>,
    /// Words that are full.
    place: usize,
    /// The one behind them, of which `used` bits are.
    word: u64,
    used: u32,
}

impl BitWriter {
    /// Appends the lowest `len` bits of `bits`, the others being 0.
    #[inline(always)]
    pub(super) fn put(&mut self, bits: u64, len: u32) {
        let word = self.word | bits << self.used;
        match self.words.get_mut(self.place) {
            Some(slot) => *slot = word,
            None => self.words.push(word),
        }
        let behind = bits >> 1 >> (63 - self.used);
        let is_full = self.used + len >= 64;
        self.word = if is_full { behind } else { word };
        self.place += usize::from(is_full);
        self.used = (self.used + len) % 64;
    }

    fn len(&self) -> u32 {
        let words = u32::try_from(self.place).unwrap_or(u32::MAX / 64);
        words.saturating_mul(64).saturating_add(self.used)
    }

    fn into_words(mut self) -> Vec<u64> {
        self.words.truncate(self.place);
        if self.used > 0 {
            self.words.push(self.word);
        }
        self.words
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

/// The samples in the first `bits` bits of `data`, behind the first one, and where the stream stands
/// then: what loading a chunk does with bytes of anybody.
///
/// `None` if they are not `count` samples, each later than the one before, in just these bits.
pub fn read_stream(data: &[u8], bits: u64, count: u64, first: Sample) -> Option<(Columns, State)> {
    let mut columns = Columns::default();
    let chunk = Gorilla::of_parts(data, bits, count, first, State::first(first))?;
    let state = chunk.stream(&mut columns)?;
    Some((columns, state))
}

/// Each later than the one before; without a branch for each.
fn are_ascending(times: &[u64]) -> bool {
    times.iter().zip(times.iter().skip(1)).fold(true, |all, (time, next)| all & (time < next))
}

/// The 64 bits from `position` on; zeros behind the end.
#[inline(always)]
fn peek(words: &[u64], position: u32) -> u64 {
    let (word, shift) = ((position / 64) as usize, position % 64);
    match words.get(word..) {
        Some([low, high, ..]) => low >> shift | high << 1 << (63 - shift),
        Some([low]) => low >> shift,
        _ => 0,
    }
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
        let times = columns.times.get_mut(start..).unwrap_or_default();
        self.fill(times, columns.values.get_mut(start..).unwrap_or_default());
        count
    }

    fn fill(&mut self, times: &mut [u64], values: &mut [f64]) {
        let (words, mut position, mut state) = (self.words, self.position, self.state);
        let mut is_damaged = false;
        for (time, value) in times.iter_mut().zip(values) {
            let mut bits = peek(words, position);
            if bits & 1 == 0 {
                position = position.wrapping_add(1);
                bits >>= 1;
            } else {
                position = change(words, position, bits, &mut state);
                bits = peek(words, position);
            }
            state.time = state.time.wrapping_add(state.distance);
            if bits & 1 == 0 {
                position = position.wrapping_add(1);
            } else {
                position = block(words, position, bits, &mut state, &mut is_damaged);
            }
            *time = state.time;
            *value = f64::from_bits(state.value);
        }
        (self.position, self.state) = (position, state);
        self.is_damaged |= is_damaged;
    }
}

/// Reads a change of distance, of which `bits` are the first.
#[inline(always)]
fn change(words: &[u64], position: u32, bits: u64, state: &mut State) -> u32 {
    let ones = bits.trailing_ones();
    if ones >= 6 {
        let change = peek(words, position.wrapping_add(6));
        state.distance = state.distance.wrapping_add(change);
        return position.wrapping_add(70);
    }
    let width = CHANGE_BITS.get(ones as usize).copied().unwrap_or(64);
    let change = ((bits >> (ones + 1)) << (64 - width)).cast_signed() >> (64 - width);
    state.distance = state.distance.wrapping_add(change.cast_unsigned());
    position.wrapping_add(ones + 1 + width)
}

/// Reads a changed value, of which `bits` are the first, at least 13 of them.
#[inline(always)]
fn block(words: &[u64], position: u32, bits: u64, state: &mut State, is_damaged: &mut bool) -> u32 {
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
    use proptest::{collection::vec, prelude::*};

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

    proptest! {
        /// Steps and values of every size, many of them the same as before.
        #[test]
        fn samples_written_together_are_those_appended(
            samples in vec((any::<u64>(), 0..64_u32, any::<u64>(), 0..64_u32), 0..200),
            size in 6..64_u32,
        ) {
            let (mut time, mut value) = (0_u64, 1.5_f64.to_bits());
            let (mut columns, mut chunk) = (Columns::default(), Gorilla::new(size * 8));
            for (step, less, bits, fewer) in samples {
                time = time.wrapping_add(step >> less);
                value ^= if bits % 3 == 0 { 0 } else { bits >> fewer & u64::MAX << (bits % 40) };
                let sample = Sample { timestamp: time, value: f64::from_bits(value) };
                columns.push(sample);
                chunk.push(sample);
            }
            let mut together = Gorilla::of_columns(size * 8, &columns);
            prop_assert_eq!(&together, &chunk);
            prop_assert_eq!(together.replace_last(0.5), chunk.replace_last(0.5));
            prop_assert_eq!(together, chunk);
        }
    }
}
