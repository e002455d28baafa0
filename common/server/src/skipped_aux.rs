//! Records another module left in an RDB file, read to their end and dropped.
//!
//! A server refuses a file with a record of a type it does not know; registering the type with a
//! loader that drops it lets the file open. Nothing is ever written under these types.

use std::marker::PhantomData;

use keyspan_common::rdb::search_aux::Aux;
use keyspan_common::rdb::{Error, Read};
use keyspan_common::record::Record;

use crate::log::{self, Level};
use crate::record::RecordEntry;

/// Records of `A` that say how many entries were dropped, and nothing else.
struct Skipped<A>(PhantomData<A>);

impl<A: Aux> Record for Skipped<A> {
    const TYPE_NAME: &'static str = A::TYPE_NAME;
    const VERSION: u32 = A::VERSION;

    fn load<R: Read>(reader: &mut R, version: u32, before_keys: bool) -> Result<(), Error> {
        let count = A::skip(reader, version, before_keys)?;
        log::line(Level::Notice, &format!("skipped {count} entries of '{}'", A::TYPE_NAME));
        Ok(())
    }
}

impl RecordEntry {
    /// The type of the records of `A`, which are dropped.
    pub const fn skipped<A: Aux>() -> Self {
        Self::of::<Skipped<A>>()
    }
}
