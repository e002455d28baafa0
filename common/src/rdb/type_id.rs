//! The 8 bytes that name a module type and an encoding of it.

use super::{Encoding, Error, Value};

/// The characters of a name, in the order of their 6-bit codes.
const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/// A type name of 9 characters and an encoding version of 0 to 1023.
///
/// Observed in the payloads of every server: 9 times 6 bits, the first character on top, then 10
/// bits of version. Every `u64` is a valid one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TypeId(u64);

impl TypeId {
    /// The highest encoding version.
    pub const VERSION_MAX: u32 = 1023;

    /// Packs a name and a version.
    ///
    /// # Errors
    /// [`Error::Invalid`] unless `name` is 9 characters of `A-Za-z0-9-_`; [`Error::Version`] if
    /// `version` is above [`Self::VERSION_MAX`].
    pub fn new(name: &str, version: u32) -> Result<Self, Error> {
        if name.len() != 9 {
            return Err(Error::Invalid);
        }
        if version > Self::VERSION_MAX {
            return Err(Error::Version);
        }
        let name = name.bytes().try_fold(0, |id, byte| Some(id << 6 | code(byte)?));
        Ok(Self(name.ok_or(Error::Invalid)? << 10 | u64::from(version)))
    }

    /// The id of a value in encoding `version`.
    ///
    /// # Errors
    /// As [`TypeId::new`].
    pub fn of<V: Value>(value: &V, version: u32) -> Result<Self, Error> {
        Self::new(V::TYPE_NAMES.get(value.type_index()).ok_or(Error::Invalid)?, version)
    }

    /// The id as it is stored.
    #[must_use]
    pub const fn from_raw(raw: u64) -> Self {
        Self(raw)
    }

    /// The number that is stored.
    #[must_use]
    pub const fn raw(self) -> u64 {
        self.0
    }

    /// The type's name, 9 characters.
    #[must_use]
    pub fn name(self) -> String {
        (0..9).rev().filter_map(|place| character(self.0 >> (10 + 6 * place))).collect()
    }

    /// The encoding version, 0 to 1023.
    #[must_use]
    pub fn version(self) -> u32 {
        u32::try_from(self.0 & u64::from(Self::VERSION_MAX)).unwrap_or(0)
    }

    /// The encoding of `V` that this names, `None` if it names another type.
    #[must_use]
    pub fn encoding<V: Value>(self) -> Option<Encoding> {
        let is_own = |name: &&str| Self::new(name, 0).is_ok_and(|own| own.0 >> 10 == self.0 >> 10);
        let type_index = V::TYPE_NAMES.iter().position(is_own)?;
        Some(Encoding { type_index, version: self.version() })
    }
}

/// The 6-bit code of a character.
fn code(byte: u8) -> Option<u64> {
    ALPHABET.iter().position(|&known| known == byte).and_then(|code| u64::try_from(code).ok())
}

/// The character of the lowest 6 bits.
fn character(codes: u64) -> Option<char> {
    let code = usize::try_from(codes & 63).ok()?;
    ALPHABET.get(code).map(|&byte| char::from(byte))
}

#[cfg(test)]
mod tests {
    use super::TypeId;
    use crate::rdb::Error;

    #[test]
    fn packs_names_as_the_servers_do() {
        let check = |name: &str, version: u32, raw: u64| {
            let id = TypeId::new(name, version).unwrap();
            assert_eq!(id.raw(), raw, "{name}");
            assert_eq!((id.name().as_str(), id.version()), (name, version));
            assert_eq!(TypeId::from_raw(raw), id);
        };
        check("ReJSON-RL", 3, 0x45e2_5238_df91_2c03);
        check("MBbloom--", 0, 0x3016_e5a2_89be_f800);
        check("TSDB-TYPE", 9, 0x4d20_c1f9_360f_1009);
        check("bloomfltr", 1, 0x6e5a_2899_f96d_ac01);
        check("ft_index0", 23, 0x7edf_e29d_d7b1_d017);
        check("AAAAAAAAA", 0, 0);
        check("_________", 1023, u64::MAX);
    }

    #[test]
    fn refuses_other_names_and_versions() {
        let check = |name: &str, version: u32, expected: Error| {
            assert_eq!(TypeId::new(name, version), Err(expected), "{name} {version}");
        };
        check("ReJSON-R", 0, Error::Invalid);
        check("ReJSON-RL0", 0, Error::Invalid);
        check("ReJSON RL", 0, Error::Invalid);
        check("", 0, Error::Invalid);
        check("ReJSON-RL", 1024, Error::Version);
    }
}
