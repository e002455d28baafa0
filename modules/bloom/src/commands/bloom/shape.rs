//! What a new filter shall be, out of words and settings, and how it is said to replicas.

use std::hash::{BuildHasher, Hasher, RandomState};

use keyspan_bloom_core::bloom::{Filter, redis, valkey};
use keyspan_common::{host::Host, number};

use super::error::Error;
use crate::settings;

/// The largest capacity of RedisBloom.
const CAPACITY_MAX: u64 = 1 << 30;

/// The largest growth.
const EXPANSION_MAX: u32 = 1 << 15;

/// The greatest error rate that RedisBloom grants.
const ERROR_RATE_MAX: f64 = 0.25;

/// What RedisBloom stores as the growth of filters that do not grow.
const GROWTH_OF_NON_SCALING: u32 = 2;

/// What a new filter shall be. What is `None` the settings say.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Wish {
    pub(super) error: Option<f64>,
    pub(super) capacity: Option<u64>,
    pub(super) expansion: Option<u32>,
    pub(super) is_non_scaling: bool,
    pub(super) tightening: Option<f64>,
    pub(super) seed: Option<valkey::Seed>,
    /// The capacity the filter must be able to grow to.
    pub(super) scale_to: Option<u64>,
}

/// A family and all its numbers.
#[derive(Clone, Copy, Debug)]
pub(super) enum Shape {
    /// RedisBloom's.
    Redis(redis::Shape),
    /// valkey-bloom's.
    Valkey(valkey::Shape),
}

/// Bytes that a filter of valkey-bloom may take. What a primary accepted is not refused.
pub(super) fn bytes_max<V, H: Host<V>>(host: &H) -> u64 {
    if host.is_replicated() {
        return u64::MAX;
    }
    settings::count(&settings::BLOOM_MEMORY_USAGE_LIMIT)
}

/// An error rate above 0 and below 1. `Some(None)` is a number out of that range.
pub(super) fn ratio(word: &[u8]) -> Option<Option<f64>> {
    let number = number::parse_f64(word)?;
    Some(Some(number).filter(|&number| number > 0.0 && number < 1.0))
}

/// A capacity in range; likewise.
pub(super) fn capacity(word: &[u8], is_replicated: bool) -> Option<Option<u64>> {
    let number = number::parse_i64(word)?;
    // valkey-bloom has its limit of memory instead.
    let is_free = is_replicated || settings::is_family_valkey();
    let max = if is_free { u64::MAX } else { CAPACITY_MAX };
    Some(u64::try_from(number).ok().filter(|capacity| (1..=max).contains(capacity)))
}

/// An expansion in range; likewise.
pub(super) fn expansion(word: &[u8], is_replicated: bool) -> Option<Option<u32>> {
    let number = number::parse_i64(word)?;
    let max = if is_replicated { u32::MAX } else { EXPANSION_MAX };
    Some(u32::try_from(number).ok().filter(|&expansion| expansion <= max))
}

impl Wish {
    /// With what the settings say.
    pub(super) fn shape(self, is_replicated: bool) -> Shape {
        // A primary says a seed where it means valkey-bloom's.
        let by_words = self.tightening.is_some() || self.seed.is_some();
        if by_words || (settings::is_family_valkey() && !is_replicated) {
            Shape::Valkey(self.valkey(is_replicated))
        } else {
            Shape::Redis(self.redis())
        }
    }

    fn capacity(&self) -> u64 {
        self.capacity.unwrap_or_else(|| settings::count(&settings::BF_INITIAL_SIZE))
    }

    fn expansion(&self) -> u32 {
        let by_setting = || settings::count(&settings::BF_EXPANSION_FACTOR);
        let by_setting = || u32::try_from(by_setting()).unwrap_or(EXPANSION_MAX);
        self.expansion.unwrap_or_else(by_setting)
    }

    fn redis(&self) -> redis::Shape {
        let error = self.error.unwrap_or_else(settings::error_rate).min(ERROR_RATE_MAX);
        let expansion = self.expansion();
        let growth = if self.is_non_scaling { GROWTH_OF_NON_SCALING } else { expansion };
        let scales = !self.is_non_scaling && expansion > 0;
        redis::Shape { error, capacity: self.capacity(), growth, scales }
    }

    fn valkey(&self, is_replicated: bool) -> valkey::Shape {
        let draws = settings::BLOOM_USE_RANDOM_SEED.get() != 0 && !is_replicated;
        valkey::Shape {
            error: self.error.unwrap_or_else(|| settings::BF_ERROR_RATE.ratio()),
            capacity: self.capacity(),
            expansion: if self.is_non_scaling { 0 } else { self.expansion() },
            tightening: self.tightening.unwrap_or_else(|| settings::BLOOM_TIGHTENING_RATIO.ratio()),
            seed: self.seed.or_else(|| draws.then(drawn_seed)),
        }
    }
}

/// 32 bytes nobody can foretell: the standard library's hashers are keyed by the system.
fn drawn_seed() -> valkey::Seed {
    let mut seed = valkey::Seed::default();
    for (place, word) in seed.chunks_mut(8).enumerate() {
        let mut hasher = RandomState::new().build_hasher();
        hasher.write_usize(place);
        word.copy_from_slice(&hasher.finish().to_le_bytes());
    }
    seed
}

impl Shape {
    /// An empty filter.
    pub(super) fn filter(self, bytes_max: u64) -> Result<Filter, Error> {
        let made = match self {
            Self::Redis(shape) => redis::Chain::new(shape).map(Filter::Redis),
            Self::Valkey(shape) => valkey::Chain::new(shape, bytes_max).map(Filter::Valkey),
        };
        made.map_err(Error::creation)
    }

    /// Refuses a filter that cannot grow to `capacity` items. RedisBloom's grow without a limit.
    pub(super) fn check_scale(self, capacity: u64, bytes_max: u64) -> Result<(), Error> {
        match self {
            Self::Redis(redis::Shape { scales: false, .. }) => Err(Error::ValidateNonScaling),
            Self::Redis(_) => Ok(()),
            Self::Valkey(shape) => match shape.scaled_capacity(Some(capacity), bytes_max) {
                Ok(_) => Ok(()),
                Err(refusal) => Err(Error::validation(refusal)),
            },
        }
    }

    /// The words of BF.INSERT, behind the key and before ITEMS, that make the same filter whatever
    /// the settings.
    pub(super) fn words(self) -> Vec<Vec<u8>> {
        let (error, capacity, growth, scales) = match self {
            Self::Redis(shape) => (shape.error, shape.capacity, shape.growth, shape.scales),
            Self::Valkey(valkey::Shape { error, capacity, expansion, .. }) => {
                (error, capacity, expansion.max(1), expansion > 0)
            }
        };
        let mut words = vec![b"ERROR".to_vec(), error.to_string().into_bytes()];
        words.extend([b"CAPACITY".to_vec(), capacity.to_string().into_bytes()]);
        if scales || growth == 0 {
            words.extend([b"EXPANSION".to_vec(), growth.to_string().into_bytes()]);
        } else {
            words.push(b"NONSCALING".to_vec());
        }
        if let Self::Valkey(valkey::Shape { tightening, seed, .. }) = self {
            let seed = seed.unwrap_or(valkey::FIXED_SEED).to_vec();
            words.extend([b"TIGHTENING".to_vec(), tightening.to_string().into_bytes()]);
            words.extend([b"SEED".to_vec(), seed]);
        }
        words
    }
}
