//! RDB serialization: one pair of traits, three back ends.
//!
//! * the server's RDB stream (`keyspan-server`),
//! * [`Memory`], tagged primitives in a queue, for property tests,
//! * raw bytes ([`payload`]): DUMP payloads ([`dump`]) and whole `.rdb` files ([`mod@file`]), for
//!   fixtures, goldens and fuzzing.
//!
//! A loader treats its input as hostile: every field through its own check, no allocation from a
//! length that has not been checked against what remains.

pub mod crc64;
mod cursor;
pub mod dump;
mod field;
pub mod file;
pub mod lzf;
mod memory;
pub mod payload;
pub mod search_aux;
pub mod suggestions;
mod type_id;

pub use dump::{load_dump, save_dump};
pub use field::Field;
pub use memory::Memory;
pub use payload::{PayloadReader, PayloadWriter};
pub use type_id::TypeId;

/// Why a value could not be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Error {
    /// The bytes ended, a tag was of another kind, or the stream reported an error.
    Truncated,
    /// A field breaks a rule of its type.
    Invalid,
    /// An encoding version nobody writes.
    Version,
}

/// The fields of one module value, read in the order they were written.
pub trait Read {
    /// An owned or borrowed string field; turning it into a vector copies only a borrowed one.
    type Bytes: AsRef<[u8]> + Into<Vec<u8>>;

    /// An unsigned integer field.
    ///
    /// # Errors
    /// [`Error::Truncated`]; likewise for the other methods.
    fn unsigned(&mut self) -> Result<u64, Error>;
    /// A signed integer field (the same field as an unsigned one, in two's complement).
    fn signed(&mut self) -> Result<i64, Error>;
    /// A 4-byte float field.
    fn float(&mut self) -> Result<f32, Error>;
    /// An 8-byte double field.
    fn double(&mut self) -> Result<f64, Error>;
    /// A string field.
    fn bytes(&mut self) -> Result<Self::Bytes, Error>;
}

/// Where the fields of one module value are written.
pub trait Write {
    /// An unsigned integer field.
    fn unsigned(&mut self, value: u64);
    /// A signed integer field.
    fn signed(&mut self, value: i64);
    /// A 4-byte float field.
    fn float(&mut self, value: f32);
    /// An 8-byte double field.
    fn double(&mut self, value: f64);
    /// A string field.
    fn bytes(&mut self, value: &[u8]);
}

/// Which layout the fields of a value have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Encoding {
    /// Which of [`Value::TYPE_NAMES`] the value is stored under.
    pub type_index: usize,
    /// The encoding version that is stored with the type's name.
    pub version: u32,
}

impl From<u32> for Encoding {
    /// A version of the first name, the only one of most types.
    fn from(version: u32) -> Self {
        Self { type_index: 0, version }
    }
}

/// A value that is stored in RDB files. `load` reads what `save` wrote.
pub trait Value: Sized {
    /// The type's name: 9 characters of `A-Za-z0-9-_`. Several where the same commands serve the
    /// types of several producers; a value is stored under one of them.
    const TYPE_NAMES: &'static [&'static str];

    /// The place in [`Self::TYPE_NAMES`] of the name this value is stored under.
    fn type_index(&self) -> usize {
        0
    }

    /// Reads a value of `encoding`.
    ///
    /// # Errors
    /// [`Error`]; nothing outlives a failed load.
    fn load<R: Read>(reader: &mut R, encoding: Encoding) -> Result<Self, Error>;

    /// Writes the value in encoding `version`, one of those a value of its name is written in.
    fn save<W: Write>(&self, writer: &mut W, version: u32);
}
