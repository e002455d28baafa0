//! `TDIS-TYPE`, the layout of RedisBloom since 2.4, which saves digests merged.
//!
//! ```text
//! d compression  d min  d max  s capacity  s merged nodes  s unmerged nodes  s compressions
//! d merged weight  d unmerged weight  merged nodes x d mean  merged nodes x d weight
//! ```
//! The peer writes a single observation as an unmerged node, which it leaves out, and then loads a
//! node of weight 0 in its place. The observation is the least and the greatest value, so it is not
//! lost here; what the peer lost by that is found again where it still is the least or the greatest.
//! Here a single observation is written as a merged node.
//!
//! Version 1 is the same layout with nothing merged, for a replica, or this server itself, that
//! shall go on exactly where this one is: all nodes are written as merged nodes, by mean, and those
//! that are not merged have `(place + 1) / 2^31` added to their weight. The peer drops fractions of
//! weights, and every version is the same to it.

use std::cell::OnceCell;
use std::cmp::Ordering;

use keyspan_common::rdb::{Encoding, Error, Read, Value, Write};
use keyspan_common::totals::Share;

use super::centroid::{double, sort};
use super::{Centroid, Compression, TDigest, TOTALS};

/// What a place is divided by.
const PLACES: f64 = 2_147_483_648.0;

/// From this weight on a double has no room for a place. No node that is not merged has it: adding
/// puts in a weight of 1, and [`TDigest::merge`] merges heavier ones at once.
pub(super) const EXACT_WEIGHT_END: i64 = 1 << 22;

/// The least double that is no weight: 2^63.
const WEIGHT_END: f64 = 9_223_372_036_854_775_808.0;

/// The fields before the nodes.
struct Head {
    compression: Compression,
    min: f64,
    max: f64,
    merged_nodes: usize,
    is_single: bool,
    compressions: u64,
    weight: f64,
}

/// The nodes of a payload: merged ones, and others with their places.
#[derive(Default)]
struct Nodes {
    merged: Vec<Centroid>,
    unmerged: Vec<(u64, Centroid)>,
}

impl Value for TDigest {
    const TYPE_NAMES: &'static [&'static str] = &["TDIS-TYPE"];

    fn load<R: Read>(reader: &mut R, encoding: Encoding) -> Result<Self, Error> {
        if encoding.version > 1 {
            return Err(Error::Version);
        }
        let head = Head::load(reader)?;
        let mut nodes = Nodes::load(reader, head.merged_nodes)?;
        if head.is_single {
            nodes.merged = single(head.min);
            nodes.unmerge_single();
        } else {
            nodes.repair(&head)?;
        }
        Ok(Self::of_nodes(&head, nodes))
    }

    fn save<W: Write>(&self, writer: &mut W, version: u32) {
        let whole = if version == 0 { None } else { self.whole() };
        if let Some(nodes) = whole {
            return self.write(writer, self.compressions, &nodes);
        }
        let nodes: Vec<_> =
            self.merged_or_single().iter().map(|node| (node.mean, double(node.weight))).collect();
        let one_more = u64::from(self.is_compressible());
        self.write(writer, self.compressions.saturating_add(one_more), &nodes);
    }
}

impl TDigest {
    fn write<W: Write>(&self, writer: &mut W, compressions: u64, nodes: &[(f64, f64)]) {
        writer.double(self.compression.as_double());
        writer.double(self.min);
        writer.double(self.max);
        writer.unsigned(count(self.compression.capacity()));
        writer.unsigned(count(nodes.len()));
        writer.unsigned(0);
        writer.unsigned(compressions);
        writer.double(double(self.weight()));
        writer.double(0.0);
        nodes.iter().for_each(|&(mean, _)| writer.double(mean));
        nodes.iter().for_each(|&(_, weight)| writer.double(weight));
    }

    /// Mean and weight of every node, with the places of those not merged; `None` if a single one would
    /// come back merged.
    fn whole(&self) -> Option<Vec<(f64, f64)>> {
        let (merged, unmerged) = self.centroids.split_at_checked(self.merged)?;
        if self.weight() < 2 {
            return None;
        }
        let places = (1_u32..).map(|place| f64::from(place) / PLACES);
        let unmerged = unmerged
            .iter()
            .zip(places)
            .map(|(node, place)| (node.mean, double(node.weight) + place));
        let merged = merged.iter().map(|node| (node.mean, double(node.weight)));
        let mut nodes: Vec<_> = merged.chain(unmerged).collect();
        // Stable: merged nodes of equal means keep their order.
        nodes.sort_by(|a, b| a.0.partial_cmp(&b.0).unwrap_or(Ordering::Equal));
        Some(nodes)
    }

    fn of_nodes(head: &Head, nodes: Nodes) -> Self {
        let (merged, unmerged) = (nodes.merged, nodes.unmerged);
        let mut digest = Self {
            compression: head.compression,
            min: head.min,
            max: head.max,
            merged: merged.len(),
            merged_weight: merged.iter().map(|node| node.weight).sum(),
            unmerged_weight: unmerged.iter().map(|(_, node)| node.weight).sum(),
            centroids: merged,
            compressions: head.compressions,
            view: OnceCell::new(),
            share: Share::of(&TOTALS),
        };
        if digest.weight() == 0 {
            return Self { compressions: head.compressions, ..Self::new(head.compression) };
        }
        digest.centroids.extend(unmerged.into_iter().map(|(_, node)| node));
        digest.centroids.shrink_to_fit();
        digest.account();
        digest
    }
}

impl Head {
    fn load<R: Read>(reader: &mut R) -> Result<Self, Error> {
        let compression = Compression::from_double(reader.double()?).ok_or(Error::Invalid)?;
        let (min, max) = (reader.double()?, reader.double()?);
        let capacity = compression.capacity();
        if reader.unsigned()? != count(capacity) {
            return Err(Error::Invalid);
        }
        let merged_nodes = length(reader.unsigned()?, capacity)?;
        let unmerged_nodes = length(reader.unsigned()?, capacity)?;
        let compressions = u64::try_from(reader.signed()?).map_err(|_| Error::Invalid)?;
        let (weight, unmerged_weight) = (reader.double()?, reader.double()?);
        let is_single = (merged_nodes, unmerged_nodes) == (0, 1) && unmerged_weight == 1.0;
        let is_blank = merged_nodes == 0 && weight == 0.0 && unmerged_weight == 0.0;
        let is_merged = merged_nodes > 0 && unmerged_nodes == 0 && unmerged_weight == 0.0;
        let in_order = min.is_finite() && max.is_finite() && min <= max;
        if is_blank {
            let (min, max) = (f64::MAX, f64::MIN);
            return Ok(Self {
                compression,
                min,
                max,
                merged_nodes,
                is_single,
                compressions,
                weight,
            });
        }
        if !in_order || is_single && min != max || is_single == is_merged {
            return Err(Error::Invalid);
        }
        Ok(Self { compression, min, max, merged_nodes, is_single, compressions, weight })
    }
}

impl Nodes {
    /// Reads `len` means, then as many weights; grows as they come.
    fn load<R: Read>(reader: &mut R, len: usize) -> Result<Self, Error> {
        let mut means = Vec::new();
        for _ in 0..len {
            let mean = Some(reader.double()?).filter(|mean| mean.is_finite());
            means.push(mean.ok_or(Error::Invalid)?);
        }
        let mut nodes = Self::default();
        for mean in means {
            let (weight, place) = weight_and_place(reader.double()?).ok_or(Error::Invalid)?;
            let node = Centroid { mean, weight };
            match place {
                0 if weight == 0 => {}
                0 => nodes.merged.push(node),
                _ => nodes.unmerged.push((place, node)),
            }
        }
        Ok(nodes)
    }

    /// Makes a whole of what was read, or refuses it.
    fn repair(&mut self, head: &Head) -> Result<(), Error> {
        self.unmerged.sort_unstable_by_key(|&(place, _)| place);
        let places = self.unmerged.iter().map(|&(place, node)| (place, node.weight > 0));
        if !places.eq((1..).zip(std::iter::repeat(true)).take(self.unmerged.len())) {
            return Err(Error::Invalid);
        }
        for node in self.all_mut() {
            node.mean = node.mean.clamp(head.min, head.max);
        }
        if !self.merged.is_sorted_by(|a, b| a.mean <= b.mean) {
            sort(&mut self.merged);
        }
        let sum = self.all_mut().try_fold(0_i64, |sum, node| sum.checked_add(node.weight));
        let sum = double(sum.ok_or(Error::Invalid)?);
        // A sum over 2^53 is rounded.
        let slack = sum * f64::EPSILON;
        if head.weight == sum + 1.0 && sum + 1.0 > sum {
            self.find_lost(head);
        } else if !(sum - slack..=sum + slack).contains(&head.weight) {
            return Err(Error::Invalid);
        }
        self.unmerge_single();
        Ok(())
    }

    fn all_mut(&mut self) -> impl Iterator<Item = &mut Centroid> {
        self.merged.iter_mut().chain(self.unmerged.iter_mut().map(|(_, node)| node))
    }

    /// Puts back the observation that the peer counted but did not save, if it is the least or the
    /// greatest value.
    fn find_lost(&mut self, head: &Head) {
        let is_at = |end: f64, node: Option<&Centroid>| node.is_some_and(|node| node.mean == end);
        let has_room = self.merged.len() < head.compression.capacity();
        if !has_room || !self.unmerged.is_empty() {
            return;
        }
        if !is_at(head.max, self.merged.last()) {
            self.merged.extend(single(head.max));
        } else if !is_at(head.min, self.merged.first()) {
            self.merged.splice(..0, single(head.min));
        }
    }

    /// One observation is never merged.
    fn unmerge_single(&mut self) {
        if let ([node], []) = (self.merged.as_slice(), self.unmerged.as_slice())
            && node.weight == 1
        {
            self.unmerged.extend(self.merged.drain(..).map(|node| (1, node)));
        }
    }
}

fn single(mean: f64) -> Vec<Centroid> {
    vec![Centroid { mean, weight: 1 }]
}

/// A count as it is saved.
fn count(len: usize) -> u64 {
    u64::try_from(len).unwrap_or(u64::MAX)
}

/// A count that is read, of at most `most`.
fn length(count: u64, most: usize) -> Result<usize, Error> {
    let len = usize::try_from(count).ok().filter(|&len| len <= most);
    len.ok_or(Error::Invalid)
}

/// The two parts of a saved weight; a place of 0 is none.
fn weight_and_place(saved: f64) -> Option<(i64, u64)> {
    let place = saved.fract() * PLACES;
    let valid = (0.0..WEIGHT_END).contains(&saved) && place.fract() == 0.0;
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "whole numbers in the range of their types"
    )]
    valid.then_some((saved.trunc() as i64, place as u64))
}
