//! Fields in memory: no bytes, no lengths, only the order and the kinds.

use std::collections::VecDeque;

use super::{Encoding, Error, Field, Read, Value, Write};

/// The fields of one value in the order they were written; reading takes them off the front.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Memory {
    fields: VecDeque<Field>,
}

impl Memory {
    /// The fields `value` writes in encoding `version`.
    #[must_use]
    pub fn of<V: Value>(value: &V, version: u32) -> Self {
        let mut memory = Self::default();
        value.save(&mut memory, version);
        memory
    }

    /// Reads one value of `encoding` from all the fields.
    ///
    /// # Errors
    /// What `V` reports; [`Error::Invalid`] if fields are left over.
    pub fn load<V: Value>(mut self, encoding: impl Into<Encoding>) -> Result<V, Error> {
        let value = V::load(&mut self, encoding.into())?;
        if self.fields.is_empty() { Ok(value) } else { Err(Error::Invalid) }
    }

    /// Writes `value` and reads it back.
    ///
    /// # Errors
    /// As [`Memory::load`].
    pub fn round_trip<V: Value>(value: &V, version: u32) -> Result<V, Error> {
        let type_index = value.type_index();
        Self::of(value, version).load(Encoding { type_index, version })
    }

    /// The fields not read yet, front first.
    pub fn fields(&self) -> impl Iterator<Item = &Field> {
        self.fields.iter()
    }
}

impl FromIterator<Field> for Memory {
    fn from_iter<I: IntoIterator<Item = Field>>(fields: I) -> Self {
        Self { fields: fields.into_iter().collect() }
    }
}

impl Read for Memory {
    type Bytes = Vec<u8>;

    fn unsigned(&mut self) -> Result<u64, Error> {
        match self.fields.pop_front() {
            Some(Field::Unsigned(value)) => Ok(value),
            Some(Field::Float(_) | Field::Double(_) | Field::Bytes(_)) | None => {
                Err(Error::Truncated)
            }
        }
    }

    fn signed(&mut self) -> Result<i64, Error> {
        Read::unsigned(self).map(u64::cast_signed)
    }

    fn float(&mut self) -> Result<f32, Error> {
        match self.fields.pop_front() {
            Some(Field::Float(value)) => Ok(value),
            Some(Field::Unsigned(_) | Field::Double(_) | Field::Bytes(_)) | None => {
                Err(Error::Truncated)
            }
        }
    }

    fn double(&mut self) -> Result<f64, Error> {
        match self.fields.pop_front() {
            Some(Field::Double(value)) => Ok(value),
            Some(Field::Unsigned(_) | Field::Float(_) | Field::Bytes(_)) | None => {
                Err(Error::Truncated)
            }
        }
    }

    fn bytes(&mut self) -> Result<Vec<u8>, Error> {
        match self.fields.pop_front() {
            Some(Field::Bytes(value)) => Ok(value),
            Some(Field::Unsigned(_) | Field::Float(_) | Field::Double(_)) | None => {
                Err(Error::Truncated)
            }
        }
    }
}

impl Write for Memory {
    fn unsigned(&mut self, value: u64) {
        self.fields.push_back(Field::Unsigned(value));
    }

    fn signed(&mut self, value: i64) {
        Write::unsigned(self, value.cast_unsigned());
    }

    fn float(&mut self, value: f32) {
        self.fields.push_back(Field::Float(value));
    }

    fn double(&mut self, value: f64) {
        self.fields.push_back(Field::Double(value));
    }

    fn bytes(&mut self, value: &[u8]) {
        self.fields.push_back(Field::Bytes(value.to_vec()));
    }
}

#[cfg(test)]
mod tests {
    use super::Memory;
    use crate::rdb::{Error, Field, Read};

    #[test]
    fn refuses_a_field_of_another_kind() {
        let fields = [
            Field::Unsigned(u64::MAX),
            Field::Float(1.5),
            Field::Double(2.5),
            Field::Bytes(b"x".to_vec()),
        ];
        for (place, field) in fields.iter().enumerate() {
            let memory = || Memory::from_iter([field.clone()]);
            let accepted = [
                memory().unsigned().is_ok(),
                memory().float().is_ok(),
                memory().double().is_ok(),
                memory().bytes().is_ok(),
            ];
            assert!(accepted.iter().enumerate().all(|(reader, &ok)| ok == (reader == place)));
        }
        assert_eq!(Memory::from_iter([Field::Unsigned(u64::MAX)]).signed(), Ok(-1));
        assert_eq!(Memory::default().unsigned(), Err(Error::Truncated));
    }
}
