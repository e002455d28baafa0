//! Chains of Bloom filters as RedisBloom makes, grows, stores and dumps them: every version of it.
//!
//! An item goes to the newest link. When that is full, the next has `growth` times its entries at
//! half its error. Until 2.2 links were rounded up to a power of two, hashed in 32 bits at first,
//! and grew by a sharper rule: chains from then keep theirs, which their options tell.

mod header;
mod link;

use keyspan_common::{
    data_type::{Mover, allocated},
    rdb::{Error, Read, Write},
    totals::Share,
};

use crate::zeroed::fits;

use super::{GROUP, PREFETCH_LEN_MIN, Refusal, TOTALS, bitmap::Hashes};
use link::{Link, Plan};

pub use header::{BadChunk, CHUNK_LEN_MAX};
pub use link::Options;

/// The encoding chains are written in.
pub(super) const VERSION: u32 = 4;

/// The most links of a chain. The error of each is at most half of the last one's, so that RedisBloom
/// makes 1075 at most; more would only hold up whoever asks for an item.
const LINKS_MAX: u64 = 2048;

/// What a new chain shall be.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Shape {
    /// The promised rate of false positives, between 0 and 1.
    pub error: f64,
    /// Items of the first link.
    pub capacity: u64,
    /// How many times larger the next link is.
    pub growth: u32,
    /// Whether there may be a next link.
    pub scales: bool,
}

/// A chain of filters.
#[derive(Clone, Debug)]
pub struct Chain {
    links: Vec<Link>,
    /// Items in all links. Kept apart, as stored: a payload may have another sum.
    items: u64,
    options: Options,
    growth: u32,
    share: Share,
}

impl Chain {
    /// An empty chain of one link, as RedisBloom 2.2 and later makes it; O(1), the pages of a large
    /// bitmap come when they are touched.
    ///
    /// # Errors
    /// [`Refusal::Size`] if there is no such filter, [`Refusal::Memory`] if there is none for it.
    pub fn new(shape: Shape) -> Result<Self, Refusal> {
        if !(shape.error > 0.0 && shape.error < 1.0) {
            return Err(Refusal::Size);
        }
        let scaling = if shape.scales { 0 } else { Options::NO_SCALING };
        let options = Options(Options::NO_ROUND | Options::FORCE_64 | scaling);
        let error = if shape.scales { shape.error * 0.5 } else { shape.error };
        let link = Link::empty(Plan::new(shape.capacity, error, options)?, options)?;
        Ok(Self::of(vec![link], 0, options, shape.growth))
    }

    fn of(links: Vec<Link>, items: u64, options: Options, growth: u32) -> Self {
        let mut chain = Self { links, items, options, growth, share: Share::of(&TOTALS) };
        chain.account();
        chain
    }

    /// Brings the totals up to date after the links changed.
    fn account(&mut self) {
        let (links, memory) = (self.links(), u64::try_from(self.memory()).unwrap_or(u64::MAX));
        self.share.set(links, self.items, memory);
    }

    /// Links in the chain.
    pub fn links(&self) -> u64 {
        u64::try_from(self.links.len()).unwrap_or(u64::MAX)
    }

    /// Items that were new when added.
    pub const fn items(&self) -> u64 {
        self.items
    }

    /// Items that fit the links there are.
    pub fn capacity(&self) -> u64 {
        self.links.iter().fold(0, |sum: u64, link| sum.saturating_add(link.plan.entries))
    }

    /// How many times larger the next link is; `None` if there is no next.
    pub fn expansion(&self) -> Option<u32> {
        (!self.options.has(Options::NO_SCALING)).then_some(self.growth)
    }

    /// Bytes of all bits.
    fn bits_bytes(&self) -> u64 {
        self.links.iter().fold(0, |sum: u64, link| sum.saturating_add(link.bitmap.len()))
    }

    /// The `Size` of BF.INFO: what the chain takes in RedisBloom, 32 bytes and 64 for each link
    /// beside the bits.
    pub fn size_bytes(&self) -> u64 {
        self.bits_bytes().saturating_add(self.links().saturating_mul(64)).saturating_add(32)
    }

    /// The lines of BF.DEBUG: the chain's, then one for each link. The last number is for the
    /// caller to print as C's `%g` does.
    pub fn debug_lines(&self) -> impl Iterator<Item = (String, f64)> {
        let width = if self.options.has(Options::FORCE_64) { 64 } else { 32 };
        self.links.iter().map(move |link| {
            let Plan { entries, error, probes, bits, .. } = link.plan;
            let line = format!(
                "bytes:{} bits:{bits} hashes:{probes} hashwidth:{width} capacity:{entries} size:{}",
                link.bitmap.len(),
                link.items
            );
            (line, error)
        })
    }

    /// Whether an item may have been added; O(probes) for each link, newest first.
    pub fn contains(&self, item: &[u8]) -> bool {
        self.has(self.options.hashes(item))
    }

    fn has(&self, hashes: Hashes) -> bool {
        self.links.iter().rev().any(|link| link.bitmap.contains(hashes))
    }

    /// Adds an item; whether it was new. O(probes) for each link.
    ///
    /// # Errors
    /// If it is new and the chain is full: [`Refusal::Full`] if it does not grow, [`Refusal::Size`]
    /// or [`Refusal::Memory`] if it cannot.
    pub fn insert(&mut self, item: &[u8]) -> Result<bool, Refusal> {
        let added = self.add(self.options.hashes(item))?;
        self.share.set_items(self.items);
        Ok(added)
    }

    fn add(&mut self, hashes: Hashes) -> Result<bool, Refusal> {
        let Some((newest, older)) = self.links.split_last_mut() else {
            return Err(Refusal::Size);
        };
        if older.iter().any(|link| link.bitmap.contains(hashes)) {
            return Ok(false);
        }
        let added = if !newest.is_full() {
            newest.insert(hashes)
        } else if newest.bitmap.contains(hashes) {
            false
        } else {
            self.grow()?.insert(hashes)
        };
        self.items = self.items.saturating_add(added.into());
        Ok(added)
    }

    /// The next link of a full chain.
    fn grow(&mut self) -> Result<&mut Link, Refusal> {
        if self.options.has(Options::NO_SCALING) {
            return Err(Refusal::Full);
        }
        let plan = self.links.last().ok_or(Refusal::Size)?.plan;
        let entries = plan.entries.checked_mul(self.growth.into()).ok_or(Refusal::Size)?;
        let error = plan.error * 0.5_f64.powi(self.sharpness());
        let plan = Plan::new(entries, error, self.options)?;
        if self.links() >= LINKS_MAX {
            return Err(Refusal::Size);
        }
        if !fits(self.bits_bytes().saturating_add(plan.bytes())) {
            return Err(Refusal::Memory);
        }
        self.links.push(Link::empty(plan, self.options)?);
        self.account();
        self.links.last_mut().ok_or(Refusal::Size)
    }

    /// How often the next link's error is halved. Only chains from before RedisBloom 2.2 round, and
    /// those halve once more with each link.
    fn sharpness(&self) -> i32 {
        if self.options.has(Options::NO_ROUND) {
            return 1;
        }
        i32::try_from(self.links.len()).map_or(i32::MAX, |links| links.saturating_add(1))
    }

    /// [`Self::contains`] for each item in turn. The memory of a group of items is asked for before
    /// the first is tested, so that a large chain answers many as fast as the memory delivers.
    pub fn contains_many<I: AsRef<[u8]>>(&self, items: &[I], mut found: impl FnMut(bool)) {
        for group in items.chunks(GROUP) {
            let hashes = self.prefetched(group);
            for &hashes in hashes.iter().take(group.len()) {
                found(self.has(hashes));
            }
        }
    }

    /// [`Self::insert`] for each item in turn, to the first that is refused, which `added` sees as
    /// well. Memory is asked for as in [`Self::contains_many`].
    pub fn insert_many<I: AsRef<[u8]>>(
        &mut self,
        items: &[I],
        mut added: impl FnMut(Result<bool, Refusal>),
    ) {
        'all: for group in items.chunks(GROUP) {
            let hashes = self.prefetched(group);
            for &hashes in hashes.iter().take(group.len()) {
                let outcome = self.add(hashes);
                added(outcome);
                if outcome.is_err() {
                    break 'all;
                }
            }
        }
        self.share.set_items(self.items);
    }

    /// The hashes of a group of items, whose memory is on its way.
    fn prefetched<I: AsRef<[u8]>>(&self, group: &[I]) -> [Hashes; GROUP] {
        let mut all = [Hashes { first: 0, second: 0 }; GROUP];
        for (hashes, item) in all.iter_mut().zip(group) {
            *hashes = self.options.hashes(item.as_ref());
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

    /// Reads any encoding of `MBbloom--`. In 0 the count of bits follows from the entries, from 2 on
    /// options are stored, from 4 on the growth.
    pub(super) fn load<R: Read>(reader: &mut R, version: u32) -> Result<Self, Error> {
        if version > VERSION {
            return Err(Error::Version);
        }
        let (items, count) = (reader.unsigned()?, reader.unsigned()?);
        let options = Options(if version >= 2 { narrow(reader.unsigned()?)? } else { 0 });
        let growth = if version >= 4 { narrow(reader.unsigned()?)? } else { 2 };
        if !(1..=LINKS_MAX).contains(&count) {
            return Err(Error::Invalid);
        }
        // Not reserved: nothing says that so many links follow.
        let mut links = Vec::new();
        for _ in 0..count {
            links.push(load_link(reader, version, options)?);
        }
        links.shrink_to_fit();
        Ok(Self::of(links, items, options, growth))
    }

    /// Writes encoding 4. Links from before RedisBloom 2.2 have a count of bits in it that
    /// RedisBloom accepts, though it refuses the encoding they came in.
    pub(super) fn save<W: Write>(&self, writer: &mut W) {
        writer.unsigned(self.items);
        writer.unsigned(self.links());
        writer.unsigned(self.options.0.into());
        writer.unsigned(self.growth.into());
        for Link { plan, items, bitmap } in &self.links {
            writer.unsigned(plan.entries);
            writer.double(plan.error);
            writer.unsigned(plan.probes.into());
            writer.double(plan.bits_per_entry);
            writer.unsigned(plan.bits);
            writer.unsigned(plan.log2.into());
            writer.bytes(bitmap.bytes());
            writer.unsigned(*items);
        }
    }
}

fn load_link<R: Read>(reader: &mut R, version: u32, options: Options) -> Result<Link, Error> {
    let entries = reader.unsigned()?;
    let error = reader.double()?;
    let probes = narrow(reader.unsigned()?)?;
    let bits_per_entry = reader.double()?;
    let (bits, log2) = if version == 0 {
        (link::whole(link::real(entries) * bits_per_entry), 0)
    } else {
        (reader.unsigned()?, narrow(reader.unsigned()?)?)
    };
    let bytes = reader.bytes()?;
    let items = reader.unsigned()?;
    let len = u64::try_from(bytes.as_ref().len()).map_err(|_| Error::Invalid)?;
    let plan = Plan { entries, error, bits_per_entry, probes, bits, log2 };
    let plan = plan.checked(options, len).ok_or(Error::Invalid)?;
    Link::new(plan, options, items, bytes.into()).ok_or(Error::Invalid)
}

/// A stored number that is smaller in memory.
fn narrow<T: TryFrom<u64>>(stored: u64) -> Result<T, Error> {
    T::try_from(stored).map_err(|_| Error::Invalid)
}
