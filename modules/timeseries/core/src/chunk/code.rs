//! The bits that one more sample takes in a compressed chunk.

use super::Sample;
use super::gorilla::{BitWriter, State};

/// Zeros before a block, as far as they are counted.
const LEADING_MAX: u32 = 31;

/// Bits that say where a new block is.
pub(super) const HEAD_BITS: u32 = 5 + 6;

/// The bits of one sample, in up to four parts of at most 64.
pub(super) struct Code {
    pub(super) parts: [(u64, u32); 4],
    pub(super) state: State,
}

impl Code {
    /// The code of `sample` behind `state`.
    pub(super) fn of(sample: Sample, state: &State) -> Self {
        let distance = sample.timestamp.wrapping_sub(state.time);
        let change = distance.wrapping_sub(state.distance);
        let mut code = Self { parts: [(0, 0); 4], state: *state };
        let [time, wide, head, block] = &mut code.parts;
        (*time, *wide) = Self::change(change.cast_signed());
        let value = sample.value.to_bits();
        let xor = value ^ state.value;
        (*head, *block) = Self::block(xor, &mut code.state);
        if wide.1 == 0 {
            // At most 38 and 13 bits: one part.
            *time = (time.0 | head.0 << time.1, time.1 + head.1);
            *head = (0, 0);
        }
        code.state.time = sample.timestamp;
        code.state.distance = distance;
        code.state.value = value;
        code
    }

    /// The code of a change of distance.
    #[inline(always)]
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
    #[inline(always)]
    fn block(xor: u64, state: &mut State) -> ((u64, u32), (u64, u32)) {
        if xor == 0 {
            return ((0, 1), (0, 0));
        }
        let leading = xor.leading_zeros().min(LEADING_MAX);
        let trailing = xor.trailing_zeros();
        let needed = 64 - leading - trailing;
        let last = 64_u32.saturating_sub(state.leading + state.trailing);
        let fits = leading >= state.leading && trailing >= state.trailing;
        let is_same = fits && HEAD_BITS + needed > last;
        // Which of both is anybody's guess: no branch.
        let new = 0b11 | u64::from(leading) << 2 | u64::from(needed - 1) << 7;
        let head = if is_same { (0b01, 2) } else { (new, 2 + HEAD_BITS) };
        state.leading = if is_same { state.leading } else { leading };
        state.trailing = if is_same { state.trailing } else { trailing };
        (head, (xor >> (state.trailing & 63), if is_same { last } else { needed }))
    }

    /// Writes the code of `sample` behind `state`, which is then behind `sample`: as [`Self::of`], for
    /// many samples.
    #[inline(always)]
    pub(super) fn write(sample: Sample, state: &mut State, bits: &mut BitWriter) {
        let distance = sample.timestamp.wrapping_sub(state.time);
        let change = distance.wrapping_sub(state.distance);
        let value = sample.value.to_bits();
        let (time, wide) = Self::change(change.cast_signed());
        let (head, block) = Self::block(value ^ state.value, state);
        if wide.1 == 0 {
            bits.put(time.0 | head.0 << time.1, time.1 + head.1);
        } else {
            bits.put(time.0, time.1);
            bits.put(wide.0, wide.1);
            bits.put(head.0, head.1);
        }
        if block.1 > 0 {
            bits.put(block.0, block.1);
        }
        (state.time, state.distance, state.value) = (sample.timestamp, distance, value);
    }

    pub(super) fn len(&self) -> u32 {
        self.parts.iter().map(|&(_, len)| len).sum()
    }
}
