//! One field of a module value, with its kind.

/// A field as it is stored: signed and unsigned integers are one kind.
///
/// Equality is that of the bits, so that NaN equals itself and `-0.0` is not `0.0`.
#[derive(Clone, Debug)]
pub enum Field {
    /// An integer; a signed one in two's complement.
    Unsigned(u64),
    /// A 4-byte float.
    Float(f32),
    /// An 8-byte double.
    Double(f64),
    /// A string.
    Bytes(Vec<u8>),
}

impl PartialEq for Field {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Unsigned(a), Self::Unsigned(b)) => a == b,
            (Self::Float(a), Self::Float(b)) => a.to_bits() == b.to_bits(),
            (Self::Double(a), Self::Double(b)) => a.to_bits() == b.to_bits(),
            (Self::Bytes(a), Self::Bytes(b)) => a == b,
            (Self::Unsigned(_) | Self::Float(_) | Self::Double(_) | Self::Bytes(_), _) => false,
        }
    }
}

impl Eq for Field {}
