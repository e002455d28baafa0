//! Records a module keeps beside the keys of an RDB file.

use crate::rdb::{Error, Read, Write};

/// A kind of record; nothing is stored at keys under its type.
pub trait Record {
    /// The type's name: 9 characters of `A-Za-z0-9-_`.
    const TYPE_NAME: &'static str;
    /// The encoding that is written; others may be read.
    const VERSION: u32;
    /// Whether records are written before the keys.
    const BEFORE_KEYS: bool = false;
    /// Whether records are written behind the keys.
    const AFTER_KEYS: bool = false;

    /// Reads one record to its end.
    ///
    /// # Errors
    /// [`Error`]: the server refuses the file.
    fn load<R: Read>(reader: &mut R, version: u32, before_keys: bool) -> Result<(), Error>;

    /// Writes the record. Servers that know how (from 7.2 on) leave out one without a field. May run
    /// in a forked process, where no other thread is alive.
    fn save<W: Write>(_writer: &mut W, _before_keys: bool) {}
}
