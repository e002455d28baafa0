//! Chains of Bloom filters as valkey-bloom makes, grows and stores them: the release and what came
//! before it.
//!
//! An item goes to the newest link. When that is full, the next has `expansion` times its capacity,
//! at the first link's error times the tightening ratio for each link before.

mod blob;
mod link;
mod scale;

use keyspan_common::{
    data_type::{Mover, allocated},
    rdb::{Error, Read, Write},
    totals::Share,
};

use crate::zeroed::fits;

use super::{GROUP, PREFETCH_LEN_MIN, Refusal, TOTALS, bitmap::Hashes};
use link::Link;

pub use link::Seed;

/// The encoding chains are written in.
pub(super) const VERSION: u32 = 1;

/// The most links of a chain. There are no more than 1075 at the default tightening ratio, and none
/// reaches this number that expands; a lookup goes through all of them.
const LINKS_MAX: u64 = 1 << 14;

/// The seed of chains that have none of their own.
pub const FIXED_SEED: Seed = [
    0x59, 0x0f, 0xf5, 0x22, 0xea, 0x78, 0x11, 0xda, 0xa7, 0x14, 0xd8, 0x09, 0x3b, 0x3e, 0x7b, 0xd9,
    0x1d, 0x89, 0x8a, 0x73, 0x3e, 0x98, 0x88, 0x87, 0x30, 0x7f, 0x97, 0xcd, 0x28, 0x07, 0x33, 0x83,
];

/// What a new chain shall be.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Shape {
    /// The promised rate of false positives of the first link, between 0 and 1.
    pub error: f64,
    /// Items of the first link.
    pub capacity: u64,
    /// How many times larger the next link is; 0 if there is none.
    pub expansion: u32,
    /// What each link's error is multiplied with for the next, between 0 and 1.
    pub tightening: f64,
    /// The keys of the hashes; [`FIXED_SEED`] if `None`.
    pub seed: Option<Seed>,
}

/// A chain of filters.
#[derive(Clone, Debug)]
pub struct Chain {
    links: Vec<Link>,
    expansion: u32,
    error: f64,
    tightening: f64,
    is_seed_random: bool,
    seed: Seed,
    share: Share,
}

impl Chain {
    /// An empty chain of one link; O(1), the pages of a large bitmap come when they are touched.
    /// `bytes_max` bounds [`Self::size_bytes`].
    ///
    /// # Errors
    /// [`Refusal::Size`] if there is no such filter, [`Refusal::Limit`] if it is larger than
    /// `bytes_max`, [`Refusal::Memory`] if there is none for it.
    pub fn new(shape: Shape, bytes_max: u64) -> Result<Self, Refusal> {
        let Shape { error, capacity, expansion, tightening, .. } = shape;
        if !is_ratio(tightening) {
            return Err(Refusal::Size);
        }
        scale::check(capacity, error, 0, 1, bytes_max)?;
        let seed = shape.seed.unwrap_or(FIXED_SEED);
        let links = vec![Link::empty(capacity, error, &seed)?];
        let is_seed_random = seed != FIXED_SEED;
        let share = Share::of(&TOTALS);
        let mut chain = Self { links, expansion, error, tightening, is_seed_random, seed, share };
        chain.account();
        Ok(chain)
    }

    /// Brings the totals up to date after the links changed.
    fn account(&mut self) {
        let memory = u64::try_from(self.memory()).unwrap_or(u64::MAX);
        self.share.set(self.links(), self.items(), memory);
    }

    /// Links in the chain.
    pub fn links(&self) -> u64 {
        u64::try_from(self.links.len()).unwrap_or(u64::MAX)
    }

    /// Items that were new when added; O(links).
    pub fn items(&self) -> u64 {
        self.links.iter().fold(0, |sum: u64, link| sum.saturating_add(link.items))
    }

    /// Items that fit the links there are; O(links).
    pub fn capacity(&self) -> u64 {
        self.links.iter().fold(0, |sum: u64, link| sum.saturating_add(link.capacity))
    }

    /// How many times larger the next link is; `None` if there is no next.
    pub fn expansion(&self) -> Option<u32> {
        Some(self.expansion).filter(|&expansion| expansion > 0)
    }

    /// The promised rate of false positives of the first link.
    pub const fn error(&self) -> f64 {
        self.error
    }

    /// What each link's error is multiplied with for the next.
    pub const fn tightening(&self) -> f64 {
        self.tightening
    }

    /// The keys of the hashes.
    pub const fn seed(&self) -> &Seed {
        &self.seed
    }

    /// The `Size` of BF.INFO, and what a limit bounds: bits, and the structs of valkey-bloom.
    pub fn size_bytes(&self) -> u64 {
        scale::size(self.bits_bytes(), self.links())
    }

    fn bits_bytes(&self) -> u64 {
        self.links.iter().fold(0, |sum: u64, link| sum.saturating_add(link.bitmap.len()))
    }

    /// The lines of BF.DEBUG for the links, as for RedisBloom's.
    pub fn debug_lines(&self) -> impl Iterator<Item = (String, f64)> {
        self.links.iter().zip(0_u32..).map(move |(link, place)| {
            let (bytes, probes) = (link.bitmap.len(), link.bitmap.probes());
            let bits = bytes.saturating_mul(8);
            let line = format!(
                "bytes:{bytes} bits:{bits} hashes:{probes} hashwidth:64 capacity:{} size:{}",
                link.capacity, link.items
            );
            (line, scale::error(self.error, self.tightening, place))
        })
    }

    /// Whether an item may have been added; O(probes) for each link, newest first.
    pub fn contains(&self, item: &[u8]) -> bool {
        self.has(link::hashes(&self.seed, item))
    }

    fn has(&self, hashes: Hashes) -> bool {
        self.links.iter().rev().any(|link| link.bitmap.contains(hashes))
    }

    /// Adds an item; whether it was new. O(probes) for each link. `bytes_max` bounds
    /// [`Self::size_bytes`].
    ///
    /// # Errors
    /// If it is new and does not fit: [`Refusal::Full`] if the chain does not grow,
    /// [`Refusal::Limit`] if it would be larger than `bytes_max`, [`Refusal::Rate`] if no smaller
    /// error can be said, [`Refusal::Size`] if there is no such filter, [`Refusal::Memory`] if there
    /// is none for it.
    pub fn insert(&mut self, item: &[u8], bytes_max: u64) -> Result<bool, Refusal> {
        let added = self.add(link::hashes(&self.seed, item), bytes_max)?;
        if added {
            self.share.set_items(self.items());
        }
        Ok(added)
    }

    fn add(&mut self, hashes: Hashes, bytes_max: u64) -> Result<bool, Refusal> {
        let Some((newest, older)) = self.links.split_last_mut() else {
            return Err(Refusal::Size);
        };
        if older.iter().any(|link| link.bitmap.contains(hashes)) {
            return Ok(false);
        }
        if !newest.is_full() {
            return Ok(newest.insert(hashes));
        }
        if newest.bitmap.contains(hashes) {
            return Ok(false);
        }
        self.grow(bytes_max).map(|link| link.insert(hashes))
    }

    /// The next link of a full chain.
    fn grow(&mut self, bytes_max: u64) -> Result<&mut Link, Refusal> {
        let expansion = self.expansion().ok_or(Refusal::Full)?;
        let full = self.links.last().ok_or(Refusal::Size)?.capacity;
        let place = u32::try_from(self.links.len()).map_err(|_| Refusal::Size)?;
        let error = scale::error(self.error, self.tightening, place);
        let capacity = scale::next_capacity(full, expansion).ok_or(Refusal::Size)?;
        let bytes = self.bits_bytes();
        if !fits(scale::check(capacity, error, bytes, self.links() + 1, bytes_max)?) {
            return Err(Refusal::Memory);
        }
        self.links.push(Link::empty(capacity, error, &self.seed)?);
        self.account();
        self.links.last_mut().ok_or(Refusal::Size)
    }

    /// [`Self::contains`] for each item in turn, their memory asked for ahead.
    pub fn contains_many<I: AsRef<[u8]>>(&self, items: &[I], mut found: impl FnMut(bool)) {
        for group in items.chunks(GROUP) {
            let hashes = self.prefetched(group);
            for &hashes in hashes.iter().take(group.len()) {
                found(self.has(hashes));
            }
        }
    }

    /// [`Self::insert`] for each item in turn, to the first that is refused, which `added` sees as
    /// well. Memory is asked for ahead.
    pub fn insert_many<I: AsRef<[u8]>>(
        &mut self,
        items: &[I],
        bytes_max: u64,
        mut added: impl FnMut(Result<bool, Refusal>),
    ) {
        'all: for group in items.chunks(GROUP) {
            let hashes = self.prefetched(group);
            for &hashes in hashes.iter().take(group.len()) {
                let outcome = self.add(hashes, bytes_max);
                added(outcome);
                if outcome.is_err() {
                    break 'all;
                }
            }
        }
        self.share.set_items(self.items());
    }

    /// The hashes of a group of items, whose memory is on its way.
    fn prefetched<I: AsRef<[u8]>>(&self, group: &[I]) -> [Hashes; GROUP] {
        let mut all = [Hashes { first: 0, second: 0 }; GROUP];
        for (hashes, item) in all.iter_mut().zip(group) {
            *hashes = link::hashes(&self.seed, item.as_ref());
        }
        for (age, link) in self.links.iter().rev().enumerate() {
            if link.bitmap.block().len() < PREFETCH_LEN_MIN {
                continue;
            }
            // A new item has most of its bits only where it belongs.
            let probes = if age == 0 { u32::MAX } else { 2 };
            for &hashes in all.iter().take(group.len()) {
                link.bitmap.prefetch(hashes, probes);
            }
        }
        all
    }

    /// Bytes on the heap.
    pub(super) fn memory(&self) -> usize {
        let blocks = self.links.iter().map(|link| link.bitmap.memory());
        blocks.sum::<usize>() + allocated(self.links.capacity() * size_of::<Link>())
    }

    /// Offers the block that holds the links.
    pub(super) fn move_links<M: Mover>(&mut self, mover: &mut M) {
        self.links = mover.relocate(std::mem::take(&mut self.links));
    }

    /// The block of each link.
    pub(super) fn blocks_mut(&mut self) -> impl Iterator<Item = &mut Vec<u8>> {
        self.links.iter_mut().map(|link| link.bitmap.block_mut())
    }

    /// The block of each link.
    pub(super) fn blocks(&self) -> impl Iterator<Item = &[u8]> {
        self.links.iter().map(|link| link.bitmap.block())
    }

    /// The chain of links and their seeds that were stored; `None` if they do not belong together.
    fn stored(
        shape: Shape,
        is_seed_random: bool,
        stored: impl IntoIterator<Item = (Link, Seed)>,
    ) -> Option<Self> {
        let (mut links, seeds): (Vec<_>, Vec<_>) = stored.into_iter().unzip();
        let Shape { error, expansion, tightening, .. } = shape;
        let seed = *seeds.first()?;
        let sound = is_ratio(error)
            && is_ratio(tightening)
            && seeds.iter().all(|other| *other == seed)
            && (is_seed_random || seed == FIXED_SEED);
        if !sound {
            return None;
        }
        links.shrink_to_fit();
        let share = Share::of(&TOTALS);
        let mut chain = Self { links, expansion, error, tightening, is_seed_random, seed, share };
        chain.account();
        Some(chain)
    }

    /// Reads either encoding of `bloomfltr`. 0 has no tightening ratio and no seed, and its bits
    /// stand the other way round in each byte.
    pub(super) fn load<R: Read>(reader: &mut R, version: u32) -> Result<Self, Error> {
        if version > VERSION {
            return Err(Error::Version);
        }
        let count = reader.unsigned()?;
        if count > LINKS_MAX {
            return Err(Error::Invalid);
        }
        let expansion = u32::try_from(reader.unsigned()?).map_err(|_| Error::Invalid)?;
        let (error, tightening, is_seed_random) = match version {
            // What a person wrote, not its neighbour in 32 bits.
            0 => (reader.float()?.to_string().parse().unwrap_or(f64::NAN), 0.5, false),
            _ => (reader.double()?, reader.double()?, flag(reader.unsigned()?)?),
        };
        // Not reserved: nothing says that so many links follow.
        let mut links = Vec::new();
        for place in (0..count).rev() {
            links.push(load_link(reader, version, place == 0)?);
        }
        let shape = Shape { error, capacity: 0, expansion, tightening, seed: None };
        Self::stored(shape, is_seed_random, links).ok_or(Error::Invalid)
    }

    /// Writes encoding 1.
    pub(super) fn save<W: Write>(&self, writer: &mut W) {
        writer.unsigned(self.links());
        writer.unsigned(self.expansion.into());
        writer.double(self.error);
        writer.double(self.tightening);
        writer.unsigned(self.is_seed_random.into());
        for link in &self.links {
            writer.bytes(link.bitmap.block());
            writer.unsigned(link.capacity);
        }
        if let Some(newest) = self.links.last() {
            writer.unsigned(newest.items);
        }
    }
}

/// Reads a link. Only the newest has its items stored: the others are full.
fn load_link<R: Read>(
    reader: &mut R,
    version: u32,
    is_newest: bool,
) -> Result<(Link, Seed), Error> {
    let block: Vec<u8> = reader.bytes()?.into();
    let (bits, probes) = match version {
        0 => (reader.unsigned()?, reader.unsigned()?),
        _ => (0, 0),
    };
    let capacity = count(reader.unsigned()?)?;
    let items = if is_newest { count(reader.unsigned()?)? } else { capacity };
    let loaded = if version == 0 {
        let len = bits.checked_div(8).filter(|_| bits % 8 == 0);
        let probes = u32::try_from(probes).map_err(|_| Error::Invalid)?;
        Link::mirrored(&block, probes, &FIXED_SEED, capacity)
            .filter(|link| Some(link.bitmap.len()) == len)
            .map(|link| (Link { items, ..link }, FIXED_SEED))
    } else {
        Link::stored(block, capacity, items)
    };
    loaded.ok_or(Error::Invalid)
}

/// A count that valkey-bloom keeps in 63 bits.
fn count(stored: u64) -> Result<u64, Error> {
    i64::try_from(stored).map(|_| stored).map_err(|_| Error::Invalid)
}

fn flag(stored: u64) -> Result<bool, Error> {
    match stored {
        0 => Ok(false),
        1 => Ok(true),
        _ => Err(Error::Invalid),
    }
}

/// Whether a rate or ratio is between 0 and 1.
fn is_ratio(ratio: f64) -> bool {
    ratio > 0.0 && ratio < 1.0
}
