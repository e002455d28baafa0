//! `MBbloomCF` in RDB: encoding 4 of RedisBloom 2.2 to 8.8, read and written; 1 and 3 of older ones,
//! read.
//!
//! ```text
//! 4      u tables | u buckets | u items | u deletes | u bucket size | u iterations | u expansion
//!        per table: u buckets | b slots
//! 1, 3   u tables | u buckets | u items | per table: b slots
//!        bucket size 2, 20 iterations, expansion 1, no deletes; 32-bit hash
//! ```
//!
//! # The mark of a 32-bit hash
//!
//! RedisBloom since 2.2 reads encodings 1 and 3, but looks for their items with its 64-bit hash and
//! finds none. Encoding 4 has no field that says which hash a filter has, so one that came from
//! encodings 1 or 3 is written with the 16 bits `0x3233` ("23" in the high bytes of the number, free
//! in all genuine values) on top of `deletes`. RedisBloom takes any number there (observed with
//! 2^64 - 1): it loads such a filter, and answers for it as wrongly as if it had read encoding 3 itself;
//! `CF.INFO` there shows the mark as a large number of deletions until its next compaction. Here the
//! filter answers right after any DUMP, RESTORE, COPY, restart, rewrite or full synchronisation.

use std::num::NonZeroU8;

use keyspan_common::rdb::{Encoding, Error, Read, Value, Write};

use super::{Cuckoo, Layout, TABLES_MAX, hash::Family, table::Table};

/// The top 16 bits of `deletes` in filters with 32-bit hashes.
const NARROW: u64 = 0x3233 << 48;
/// The bits left for the number itself.
const COUNT: u64 = (1 << 48) - 1;

/// The number of deletions as it is stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Deletes {
    pub(super) family: Family,
    pub(super) count: u64,
}

impl Deletes {
    pub(super) fn marked(self) -> u64 {
        match self.family {
            Family::Narrow => NARROW | self.count.min(COUNT),
            Family::Wide => self.count,
        }
    }

    pub(super) fn unmarked(stored: u64) -> Self {
        if stored & !COUNT == NARROW {
            Self { family: Family::Narrow, count: stored & COUNT }
        } else {
            Self { family: Family::Wide, count: stored }
        }
    }
}

/// The fields before the tables.
struct Head {
    tables: usize,
    items: u64,
    deletes: Deletes,
    layout: Layout,
}

impl Value for Cuckoo {
    const TYPE_NAMES: &'static [&'static str] = &["MBbloomCF"];

    fn load<R: Read>(reader: &mut R, Encoding { version, .. }: Encoding) -> Result<Self, Error> {
        let head = match version {
            1 | 3 => Head::load_old(reader)?,
            4 => Head::load(reader)?,
            _ => return Err(Error::Version),
        };
        // Grown as it is read: a count is no promise.
        let mut tables = Vec::new();
        for index in 0..head.tables {
            tables.push(load_table(reader, head.layout, index, version == 4)?);
        }
        let Deletes { family, count } = head.deletes;
        Ok(Self::from_parts(tables, head.layout, family).with_counts(head.items, count))
    }

    fn save<W: Write>(&self, writer: &mut W, _: u32) {
        let number = |count: usize| u64::try_from(count).unwrap_or(u64::MAX);
        writer.unsigned(number(self.tables.len()));
        writer.unsigned(self.layout.buckets());
        writer.unsigned(self.items);
        writer.unsigned(Deletes { family: self.family, count: self.deletes }.marked());
        writer.unsigned(self.layout.bucket_size().into());
        writer.unsigned(self.layout.iterations().into());
        writer.unsigned(self.layout.expansion().into());
        for (index, table) in self.tables.iter().enumerate() {
            writer.unsigned(self.layout.buckets_of(index).unwrap_or(0));
            writer.bytes(table.slots());
        }
    }
}

impl Head {
    fn load<R: Read>(reader: &mut R) -> Result<Self, Error> {
        let tables = table_count(reader)?;
        let buckets = reader.unsigned()?;
        let items = reader.unsigned()?;
        let deletes = Deletes::unmarked(reader.unsigned()?);
        let bucket_size = u8::try_from(reader.unsigned()?).ok().and_then(NonZeroU8::new);
        let iterations = u16::try_from(reader.unsigned()?).map_err(|_| Error::Invalid)?;
        let expansion = u16::try_from(reader.unsigned()?).map_err(|_| Error::Invalid)?;
        let bucket_size = bucket_size.ok_or(Error::Invalid)?;
        let layout = Layout::exact(buckets, bucket_size, iterations, expansion);
        Ok(Self { tables, items, deletes, layout: layout.ok_or(Error::Invalid)? })
    }

    fn load_old<R: Read>(reader: &mut R) -> Result<Self, Error> {
        const PAIR: NonZeroU8 = NonZeroU8::MIN.saturating_add(1);
        let tables = table_count(reader)?;
        let layout = Layout::exact(reader.unsigned()?, PAIR, 20, 1).ok_or(Error::Invalid)?;
        let items = reader.unsigned()?;
        Ok(Self { tables, items, deletes: Deletes { family: Family::Narrow, count: 0 }, layout })
    }
}

fn table_count<R: Read>(reader: &mut R) -> Result<usize, Error> {
    let count = usize::try_from(reader.unsigned()?).map_err(|_| Error::Invalid)?;
    if (1..=TABLES_MAX).contains(&count) { Ok(count) } else { Err(Error::Invalid) }
}

fn load_table<R: Read>(
    reader: &mut R,
    layout: Layout,
    index: usize,
    is_sized: bool,
) -> Result<Table, Error> {
    let buckets = layout.buckets_of(index).ok_or(Error::Invalid)?;
    if is_sized && reader.unsigned()? != buckets {
        return Err(Error::Invalid);
    }
    let slots = reader.bytes()?;
    let slots = slots.as_ref();
    if layout.bytes_of(index) != Some(slots.len()) {
        return Err(Error::Invalid);
    }
    Table::from_slots(slots.to_vec(), layout.bucket_size()).ok_or(Error::Invalid)
}
