//! How the count of one item gives way to other items on the same cell.

use keyspan_common::data_type::allocated;

/// Powers kept ready: counts below that are found without a multiplication.
const POWERS: usize = 256;

/// A chance below that is none: the numbers drawn have 53 bits.
const HOPELESS: f64 = 1.0 / (1_u64 << 53) as f64;

/// The decay of a Top-K: a unit of another item takes one from a count with the chance
/// `factor ^ count`.
///
/// Only multiplications, so that every machine has the same chances.
#[derive(Clone, Debug, PartialEq)]
pub struct Decay {
    factor: f64,
    powers: Vec<f64>,
}

impl Decay {
    /// A decay by `factor`, above 0 and at most 1; `None` if it is not.
    pub fn new(factor: f64) -> Option<Self> {
        let power = |power: &f64| Some(power * factor);
        let powers = || std::iter::successors(Some(1.0), power).take(POWERS).collect();
        (factor > 0.0 && factor <= 1.0).then(|| Self { factor, powers: powers() })
    }

    /// The factor.
    pub const fn factor(&self) -> f64 {
        self.factor
    }

    /// Whether a unit always takes one, so that nothing is drawn.
    fn is_certain(&self) -> bool {
        self.factor >= 1.0
    }

    /// `factor ^ count`; O(log count).
    fn chance(&self, count: u32) -> f64 {
        let power = |count: u32| self.powers.get(count as usize).copied();
        power(count).unwrap_or_else(|| {
            let last = u32::try_from(POWERS - 1).unwrap_or(1);
            raised(power(last).unwrap_or(0.0), count / last) * power(count % last).unwrap_or(0.0)
        })
    }

    /// The powers, to be moved.
    pub(super) const fn powers_mut(&mut self) -> &mut Vec<f64> {
        &mut self.powers
    }

    /// Bytes on the heap.
    pub(super) const fn memory(&self) -> usize {
        allocated(self.powers.capacity() * size_of::<f64>())
    }
}

/// `base ^ exponent` by squaring; O(log exponent).
fn raised(mut base: f64, mut exponent: u32) -> f64 {
    let mut product = 1.0;
    while exponent > 0 {
        if exponent & 1 == 1 {
            product *= base;
        }
        base *= base;
        exponent >>= 1;
    }
    product
}

/// What is left of a cell after units of another item fell on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    /// The item keeps it, with this count.
    Kept(u32),
    /// The other item has it, with this count.
    Taken(u32),
}

/// Numbers that follow from a seed alone (SplitMix64, by Sebastiano Vigna, public domain).
///
/// What decays is drawn from what the value holds, where the reference asks `rand()`: so a replica,
/// and one that loaded the value in between, draws what its primary drew.
#[derive(Debug)]
pub(super) struct Numbers(u64);

impl Numbers {
    /// The numbers of the `turn`th draw, on the cell at `place` with `count`, by the item with
    /// `fingerprint`.
    pub(super) fn of(turn: u32, place: usize, count: u32, fingerprint: u32) -> Self {
        let turn = u64::from(turn) << 32 | u64::from(fingerprint);
        let mut seed = Self(turn);
        let spread = seed.next();
        Self(spread ^ (place as u64).rotate_left(32) ^ u64::from(count))
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ z >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ z >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ z >> 31
    }

    /// From 0 up to 1, without 1.
    fn unit(&mut self) -> f64 {
        (self.next() >> 11) as f64 * HOPELESS
    }

    fn hit(&mut self, chance: f64) -> bool {
        self.unit() < chance
    }

    /// How many of `limit` tries fail before the first that succeeds, each with `chance`: `limit`
    /// if none does.
    ///
    /// One number for each try, or, where that takes long, O(log limit) for whole runs of them.
    fn failures(&mut self, chance: f64, limit: u32) -> u32 {
        if chance > 1.0 / 16.0 || limit < 16 {
            return (0..limit).find(|_| self.hit(chance)).unwrap_or(limit);
        }
        let runs = Runs::of(chance);
        let mut failed = 0;
        while failed < limit {
            let level = (limit - failed).ilog2().min(Runs::LAST);
            if self.hit(runs.within(level)) {
                return failed + self.first_in(&runs, level);
            }
            failed += 1 << level;
        }
        limit
    }

    /// Where the first success is in a run of `2 ^ level` tries that has one.
    fn first_in(&mut self, runs: &Runs, level: u32) -> u32 {
        (0..level).rev().fold(0, |before, half| {
            let in_first_half = self.unit() * runs.within(half + 1) < runs.within(half);
            before + if in_first_half { 0 } else { 1 << half }
        })
    }
}

/// The chance of a success within `1, 2, 4, ...` tries.
struct Runs([f64; 18]);

impl Runs {
    /// The longest run has `2 ^ LAST` tries.
    const LAST: u32 = 17;

    fn of(chance: f64) -> Self {
        let mut within = chance;
        Self(std::array::from_fn(|_| {
            let run = within;
            within = run * (2.0 - run);
            run
        }))
    }

    fn within(&self, level: u32) -> f64 {
        self.0.get(level as usize).copied().unwrap_or(0.0)
    }
}

impl Decay {
    /// Lets `units` of another item, one after the other, fall on a cell with `count`: the unit
    /// that takes the last one takes the cell, and the units from this one on are its count.
    ///
    /// `numbers` is asked for the numbers to draw if there is anything to draw.
    pub(super) fn strike(
        &self,
        count: u32,
        units: u32,
        numbers: impl FnOnce() -> Numbers,
    ) -> Outcome {
        if self.is_certain() {
            return match units.checked_sub(count) {
                Some(rest) => Outcome::Taken(rest.saturating_add(1)),
                None => Outcome::Kept(count - units),
            };
        }
        if units == 0 || self.chance(count) < HOPELESS {
            return Outcome::Kept(count);
        }
        self.draw(count, units, &mut numbers())
    }

    fn draw(&self, count: u32, units: u32, numbers: &mut Numbers) -> Outcome {
        let (mut count, mut left) = (count, units);
        loop {
            left -= numbers.failures(self.chance(count), left);
            if left == 0 {
                return Outcome::Kept(count);
            }
            count -= 1;
            if count == 0 {
                return Outcome::Taken(left);
            }
            left -= 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn factors_lie_above_0_and_up_to_1() {
        for (factor, fine) in [
            (1.0, true),
            (0.9, true),
            (f64::MIN_POSITIVE, true),
            (0.0, false),
            (-0.5, false),
            (1.000_001, false),
            (f64::NAN, false),
            (f64::INFINITY, false),
        ] {
            assert_eq!(Decay::new(factor).is_some(), fine, "{factor}");
        }
    }

    #[test]
    fn chances_are_powers() {
        for factor in [0.9, 0.999_9, 0.5] {
            let decay = Decay::new(factor).unwrap();
            for count in [0, 1, 2, 7, 254, 255, 256, 509, 510, 511, 1000, 100_000, u32::MAX] {
                let (is, expected) = (decay.chance(count), factor.powf(f64::from(count)));
                assert!((is - expected).abs() <= expected * 1e-8, "{factor} ^ {count} = {is}");
            }
        }
    }

    #[test]
    fn without_a_decay_every_unit_counts() {
        let decay = Decay::new(1.0).unwrap();
        let check = |count: u32, units: u32, expected: Outcome| {
            let drawn = decay.strike(count, units, || panic!("drawn"));
            assert_eq!(drawn, expected, "{count} {units}");
        };
        check(5, 0, Outcome::Kept(5));
        check(5, 4, Outcome::Kept(1));
        check(5, 5, Outcome::Taken(1));
        check(5, 9, Outcome::Taken(5));
        check(1, u32::MAX, Outcome::Taken(u32::MAX));
    }

    #[test]
    fn what_cannot_succeed_is_not_drawn() {
        let decay = Decay::new(0.9).unwrap();
        for (count, units) in [(400, 100_000), (u32::MAX, 1), (3, 0)] {
            let drawn = decay.strike(count, units, || panic!("drawn"));
            assert_eq!(drawn, Outcome::Kept(count));
        }
    }

    /// Whether `hits` of `tries` are as `chance` has it, within 5 standard deviations.
    fn assert_close(hits: u32, tries: u32, chance: f64, what: &str) {
        let (hits, tries) = (f64::from(hits), f64::from(tries));
        let deviation = (tries * chance * (1.0 - chance)).sqrt();
        let off = (hits - tries * chance).abs();
        assert!(off <= 5.0 * deviation + 1e-9, "{what}: {hits} of {tries}, not {chance}");
    }

    #[test]
    fn one_unit_succeeds_with_the_chance() {
        let decay = Decay::new(0.9).unwrap();
        for count in [1, 2, 5, 10, 20, 40] {
            let tries = 20_000;
            // Successive turns, one cell, one item: what the adding of one item draws.
            let lost = |turn: &u32| {
                let numbers = || Numbers::of(*turn, 3, count, 0x1234_5678);
                decay.strike(count, 1, numbers) != Outcome::Kept(count)
            };
            let hits = u32::try_from((0..tries).filter(lost).count()).unwrap();
            assert_close(hits, tries, decay.chance(count), &format!("count {count}"));
        }
    }

    /// The first failures of both ways to draw them are distributed alike.
    #[test]
    fn runs_of_tries_are_tries() {
        for (chance, limit) in [(0.06, 100_u32), (0.01, 300), (0.001, 5000), (0.03, 37)] {
            let tries = 20_000;
            let mut numbers = Numbers::of(1, 2, 3, 4);
            let drawn: Vec<u32> = (0..tries).map(|_| numbers.failures(chance, limit)).collect();
            assert!(drawn.iter().all(|&failed| failed <= limit));
            for bound in [0, 1, 2, 5, 10, 30, 36, 64, 99, 250, 1024, 4096] {
                if bound < limit {
                    let hits = drawn.iter().filter(|&&failed| failed <= bound).count();
                    let expected = 1.0 - (1.0 - chance).powf(f64::from(bound) + 1.0);
                    let what = format!("{chance} of {limit}, up to {bound}");
                    assert_close(u32::try_from(hits).unwrap(), tries, expected, &what);
                }
            }
        }
    }

    /// The plainest rule: a number for each unit.
    fn unit_by_unit(decay: &Decay, count: u32, units: u32, numbers: &mut Numbers) -> Outcome {
        let mut count = count;
        for left in (1..=units).rev() {
            if numbers.hit(decay.chance(count)) {
                count -= 1;
                if count == 0 {
                    return Outcome::Taken(left);
                }
            }
        }
        Outcome::Kept(count)
    }

    #[test]
    fn many_units_do_what_they_do_one_by_one() {
        let decay = Decay::new(0.9).unwrap();
        for (count, units) in [(3_u32, 4_u32), (30, 100), (40, 200), (60, 2000)] {
            let tries = 4000_u32;
            let mut numbers = Numbers::of(9, 9, 9, 9);
            let outcomes = |draw: &dyn Fn(&mut Numbers) -> Outcome, numbers: &mut Numbers| {
                let outcomes: Vec<f64> = (0..tries)
                    .map(|_| match draw(numbers) {
                        Outcome::Kept(left) => f64::from(left),
                        Outcome::Taken(rest) => -f64::from(rest),
                    })
                    .collect();
                let mean = outcomes.iter().sum::<f64>() / f64::from(tries);
                let spread = outcomes.iter().map(|value| (value - mean).powi(2)).sum::<f64>();
                (mean, spread / f64::from(tries))
            };
            let runs = outcomes(&|numbers| decay.draw(count, units, numbers), &mut numbers);
            let plain =
                outcomes(&|numbers| unit_by_unit(&decay, count, units, numbers), &mut numbers);
            let deviation = ((runs.1 + plain.1) / f64::from(tries)).sqrt();
            assert!((runs.0 - plain.0).abs() <= 5.0 * deviation, "{runs:?} {plain:?}");
        }
    }
}
