//! CF.RESERVE, and filters that insertions create.

use std::num::NonZeroU8;

use keyspan_bloom_core::{
    cuckoo::{Cuckoo, EXPANSION_MAX, Layout},
    zeroed::NoMemory,
};
use keyspan_common::{
    args::{Arg, Args},
    command::{Access, Argument, ArgumentKind, Arity, Command, Row},
    host::Host,
    number,
    reply::Reply,
};

use super::{
    KEY,
    error::{Error, Parameter},
    row,
};
use crate::settings;

/// The largest capacity that a command may ask for.
pub(super) const CAPACITY_MAX: u64 = 1 << 30;

/// The numbers a filter is created with, as CF.RESERVE takes them.
#[derive(Clone, Copy, Debug)]
pub(super) struct Numbers {
    capacity: u64,
    bucket_size: NonZeroU8,
    iterations: u16,
    expansion: u16,
}

impl Numbers {
    /// What the settings say, with a capacity that CF.RESERVE takes.
    pub(super) fn of_settings() -> Self {
        let size = settings::count(&settings::CF_BUCKET_SIZE);
        let bucket_size = u8::try_from(size).ok().and_then(NonZeroU8::new);
        let iterations = settings::count(&settings::CF_MAX_ITERATIONS);
        let expansion = settings::count(&settings::CF_EXPANSION_FACTOR);
        let numbers = Self {
            capacity: settings::count(&settings::CF_INITIAL_SIZE),
            bucket_size: bucket_size.unwrap_or(NonZeroU8::MIN),
            iterations: u16::try_from(iterations).unwrap_or(u16::MAX),
            expansion: u16::try_from(expansion).unwrap_or(EXPANSION_MAX),
        };
        Self { capacity: numbers.capacity.max(numbers.capacity_min()), ..numbers }
    }

    /// The same with another capacity; `None` unless it is in range or from a primary.
    pub(super) fn with_capacity(self, capacity: i64, is_replicated: bool) -> Option<Self> {
        let capacity = u64::try_from(capacity).ok()?;
        let fits = (self.capacity_min()..=CAPACITY_MAX).contains(&capacity);
        (fits || is_replicated).then_some(Self { capacity, ..self })
    }

    fn capacity_min(self) -> u64 {
        2 * u64::from(self.bucket_size.get())
    }

    /// An empty filter.
    pub(super) fn filter(self) -> Result<Cuckoo, NoMemory> {
        let Self { capacity, bucket_size, iterations, expansion } = self;
        Cuckoo::new(Layout::new(capacity, bucket_size, iterations, expansion).ok_or(NoMemory)?)
    }

    /// Creates the filter at `key` on replicas and in the AOF, whatever their settings.
    pub(super) fn replicate<H: Host<Cuckoo>>(self, host: &mut H, key: Arg<'_>) {
        let capacity = self.capacity.to_string();
        let bucket_size = self.bucket_size.to_string();
        let (iterations, expansion) = (self.iterations.to_string(), self.expansion.to_string());
        let words: [&[u8]; 8] = [
            key.bytes,
            capacity.as_bytes(),
            b"BUCKETSIZE",
            bucket_size.as_bytes(),
            b"MAXITERATIONS",
            iterations.as_bytes(),
            b"EXPANSION",
            expansion.as_bytes(),
        ];
        host.replicate_as("CF.RESERVE", &words);
    }
}

/// `CF.RESERVE key capacity [BUCKETSIZE n] [MAXITERATIONS n] [EXPANSION n]`
#[derive(Debug)]
pub struct Reserve;

impl Reserve {
    /// Reads all words behind the key. RedisBloom looks for each option by itself, so that pairs of
    /// words that name none are passed over.
    fn parse(mut args: Args<'_>, is_replicated: bool) -> Result<Numbers, Error> {
        let capacity = args.take().map_err(Error::arity(Self::ROW.name))?;
        if !args.len().is_multiple_of(2) {
            return Err(Error::Arity(Self::ROW.name));
        }
        let capacity = number::parse_i64(capacity.bytes).ok_or(Error::Capacity)?;
        let mut numbers = Numbers::of_settings();
        if let Some(iterations) = option(args, Parameter::MaxIterations)? {
            numbers.iterations = iterations;
        }
        if let Some(size) = option(args, Parameter::BucketSize)? {
            // In range, so it fits.
            numbers.bucket_size = NonZeroU8::new(size).unwrap_or(NonZeroU8::MIN);
        }
        if let Some(expansion) = option(args, Parameter::Expansion)? {
            numbers.expansion = expansion;
        }
        numbers.with_capacity(capacity, is_replicated).ok_or(Error::CapacityRange)
    }
}

impl Parameter {
    fn keyword(self) -> &'static [u8] {
        match self {
            Self::BucketSize => b"BUCKETSIZE",
            Self::Expansion => b"EXPANSION",
            Self::MaxIterations => b"MAXITERATIONS",
        }
    }

    fn range(self) -> std::ops::RangeInclusive<i64> {
        match self {
            Self::BucketSize => 1..=u8::MAX.into(),
            Self::Expansion => 0..=EXPANSION_MAX.into(),
            Self::MaxIterations => 1..=u16::MAX.into(),
        }
    }
}

/// The number behind the first keyword of `parameter` in pairs of words.
fn option<T: TryFrom<i64>>(args: Args<'_>, parameter: Parameter) -> Result<Option<T>, Error> {
    let mut words = args.into_iter();
    while let (Some(name), Some(value)) = (words.next(), words.next()) {
        if name.bytes.eq_ignore_ascii_case(parameter.keyword()) {
            let number = number::parse_i64(value.bytes).ok_or(Error::Parameter(parameter))?;
            let in_range = parameter.range().contains(&number).then_some(number);
            let fitting = in_range.and_then(|number| T::try_from(number).ok());
            return fitting.map(Some).ok_or(Error::ParameterRange(parameter));
        }
    }
    Ok(None)
}

const fn number_option(name: &'static str, token: &'static str) -> Argument {
    Argument::new(name, ArgumentKind::Integer).token(token).optional()
}

impl Command for Reserve {
    type Value = Cuckoo;
    type Error = Error;
    const ROW: Row = Row {
        summary: "Creates an empty filter",
        complexity: "O(1)",
        arguments: &[
            KEY,
            Argument::new("capacity", ArgumentKind::Integer),
            number_option("bucketsize", "BUCKETSIZE"),
            number_option("maxiterations", "MAXITERATIONS"),
            number_option("expansion", "EXPANSION"),
        ],
        fast: true,
        ..row("cf.reserve", Arity::AtLeast(3), Access::Grow)
    };

    fn run<H: Host<Cuckoo>, R: Reply>(
        host: &mut H,
        mut args: Args<'_>,
        reply: &mut R,
    ) -> Result<(), Error> {
        let key = args.take().map_err(Error::arity(Self::ROW.name))?;
        let numbers = Self::parse(args, host.is_replicated())?;
        if host.read(key)?.is_some() {
            return Err(Error::Exists);
        }
        let filter = numbers.filter().map_err(|NoMemory| Error::Create)?;
        host.insert(key, filter);
        numbers.replicate(host, key);
        host.changed(key, Self::ROW.name);
        reply.ok();
        Ok(())
    }
}
