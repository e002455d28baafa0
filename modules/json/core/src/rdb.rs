//! Documents in RDB files and DUMP payloads: every encoding of `ReJSON-RL`.
//!
//! | version | writer | content |
//! |---|---|---|
//! | 0 | RedisJSON 1 | a stream of nodes, see [`legacy`] |
//! | 2 | previews of RedisJSON 2 | JSON text, then index entries that nothing uses |
//! | 3 | RedisJSON 2.0 to 8.6, valkey-json | JSON text |
//! | 4 | RedisJSON 8.8 | CBOR, see [`cbor`] |

mod cbor;
mod legacy;

use keyspan_common::rdb::{Encoding, Error, Read, Value, Write};

use crate::Document;
use crate::print;

impl Value for Document {
    const TYPE_NAMES: &'static [&'static str] = &["ReJSON-RL"];

    fn load<R: Read>(reader: &mut R, Encoding { version, .. }: Encoding) -> Result<Self, Error> {
        match version {
            0 => legacy::load(reader),
            2 => {
                let document = text(reader)?;
                skip_indexes(reader)?;
                Ok(document)
            }
            3 => text(reader),
            4 => cbor::decoded(reader.bytes()?.as_ref()).ok_or(Error::Invalid),
            _ => Err(Error::Version),
        }
    }

    /// Version 4 is CBOR; every other version is written as 3, JSON text.
    fn save<W: Write>(&self, writer: &mut W, version: u32) {
        let mut out = Vec::with_capacity(self.used());
        if version == 4 {
            cbor::encode(self.root(), &mut out);
        } else if print::compact(self.root(), &mut out, usize::MAX).is_err() {
            // No text is longer than that limit.
            out.clear();
        }
        writer.bytes(&out);
    }
}

fn text<R: Read>(reader: &mut R) -> Result<Document, Error> {
    Document::parse_stored(reader.bytes()?.as_ref()).map_err(|_| Error::Invalid)
}

/// Skips a count and as many pairs of index name and path.
fn skip_indexes<R: Read>(reader: &mut R) -> Result<(), Error> {
    for _ in 0..reader.unsigned()? {
        reader.bytes()?;
        reader.bytes()?;
    }
    Ok(())
}
