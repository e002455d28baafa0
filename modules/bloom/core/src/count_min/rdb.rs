//! `CMSk-TYPE` in RDB files and DUMP payloads, version 0.
//!
//! ```text
//! u width | u depth | u total | b counters (4 bytes each, little-endian, row 0 first)
//! ```

use keyspan_common::rdb::{Encoding, Error, Read, Value, Write};

use super::CountMin;
use crate::grid::Grid;

impl Value for CountMin {
    const TYPE_NAMES: &'static [&'static str] = &["CMSk-TYPE"];

    fn load<R: Read>(reader: &mut R, Encoding { version, .. }: Encoding) -> Result<Self, Error> {
        if version != 0 {
            return Err(Error::Version);
        }
        let (width, depth, total) = (reader.unsigned()?, reader.unsigned()?, reader.unsigned()?);
        Ok(Self::of(Grid::load(width, depth, reader.bytes()?.as_ref())?, total))
    }

    fn save<W: Write>(&self, writer: &mut W, _version: u32) {
        writer.unsigned(self.width());
        writer.unsigned(self.depth());
        writer.unsigned(self.total());
        writer.bytes(self.grid.bytes());
    }
}
