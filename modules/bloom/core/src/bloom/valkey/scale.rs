//! How large a chain becomes, and how far it may.

use crate::bloom::Refusal;

use super::{Chain, LINKS_MAX, Shape, link};

/// The largest capacity valkey-bloom can say.
const CAPACITY_MAX: u64 = i64::MAX.cast_unsigned();

/// What a chain takes in valkey-bloom: its bits, 200 bytes a link, 56 of its own and a list of links
/// that has room for 1, 4, 8 and so on.
pub(super) fn size(bits_bytes: u64, links: u64) -> u64 {
    let listed = if links <= 1 { 1 } else { links.max(4).next_power_of_two() };
    let structs = links.saturating_mul(200).saturating_add(listed.saturating_mul(8));
    bits_bytes.saturating_add(structs).saturating_add(56)
}

/// The error of the link in this place.
pub(super) fn error(first: f64, tightening: f64, place: u32) -> f64 {
    first * tightening.powi(i32::try_from(place).unwrap_or(i32::MAX))
}

/// The capacity of the link behind one of `capacity`.
pub(super) fn next_capacity(capacity: u64, expansion: u32) -> Option<u64> {
    capacity.checked_mul(expansion.into()).filter(|&next| next <= CAPACITY_MAX)
}

/// Whether a chain of `links`, the last of them still to be made and the others of `bits_bytes`,
/// stays in its limit; the bytes of its bits.
pub(super) fn check(
    capacity: u64,
    error: f64,
    bits_bytes: u64,
    links: u64,
    bytes_max: u64,
) -> Result<u64, Refusal> {
    if error < f64::MIN_POSITIVE || links > LINKS_MAX {
        return Err(Refusal::Rate);
    }
    let bytes = link::bytes(capacity, error).ok_or(Refusal::Size)?;
    let bits_bytes = bits_bytes.saturating_add(bytes);
    if size(bits_bytes, links) > bytes_max { Err(Refusal::Limit) } else { Ok(bits_bytes) }
}

impl Shape {
    /// The capacity a chain of this shape has when it has grown to hold `wanted` items, or as far
    /// as it can where `wanted` is `None`; O(links).
    ///
    /// # Errors
    /// Why it cannot grow so far: [`Refusal::Full`], [`Refusal::Limit`], [`Refusal::Rate`] or
    /// [`Refusal::Size`].
    pub fn scaled_capacity(&self, wanted: Option<u64>, bytes_max: u64) -> Result<u64, Refusal> {
        let (mut capacity, mut total) = (self.capacity, self.capacity);
        let mut bits_bytes = check(capacity, self.error, 0, 1, bytes_max)?;
        let mut links = 1_u32;
        while wanted.is_none_or(|wanted| total < wanted) {
            match self.next_link(capacity, bits_bytes, links, bytes_max) {
                Ok((next, bytes)) => (capacity, bits_bytes) = (next, bytes),
                Err(_) if wanted.is_none() => break,
                Err(refusal) => return Err(refusal),
            }
            total = total.saturating_add(capacity);
            links = links.saturating_add(1);
        }
        Ok(total)
    }

    /// The capacity of the link behind `links` others, and the bytes of all bits.
    fn next_link(
        &self,
        capacity: u64,
        bits_bytes: u64,
        links: u32,
        bytes_max: u64,
    ) -> Result<(u64, u64), Refusal> {
        if self.expansion == 0 {
            return Err(Refusal::Full);
        }
        let next = next_capacity(capacity, self.expansion).ok_or(Refusal::Size)?;
        let error = error(self.error, self.tightening, links);
        let count = u64::from(links).saturating_add(1);
        check(next, error, bits_bytes, count, bytes_max).map(|bytes| (next, bytes))
    }
}

impl Chain {
    /// The capacity this chain has when it has grown as far as it can.
    pub fn scaled_capacity_max(&self, bytes_max: u64) -> u64 {
        let capacity = self.links.first().map_or(0, |link| link.capacity);
        let Self { error, expansion, tightening, .. } = *self;
        let shape = Shape { error, capacity, expansion, tightening, seed: None };
        shape.scaled_capacity(None, bytes_max).unwrap_or(capacity).max(self.capacity())
    }
}
