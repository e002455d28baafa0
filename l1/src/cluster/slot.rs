//! Which slot a key belongs to.

use crc16::{State, XMODEM};

use crate::error::Error;
use crate::id::Key;

/// How many slots a cluster has.
pub(crate) const SLOTS: u16 = 1 << 14;

/// The slot of a key: CRC-16 of what is between the first `{` and the next `}` if there is anything,
/// else of the whole key.
pub(crate) fn slot(key: &[u8]) -> u16 {
    State::<XMODEM>::calculate(tag(key)) % SLOTS
}

fn tag(key: &[u8]) -> &[u8] {
    let Some(open) = key.iter().position(|byte| *byte == b'{') else { return key };
    let rest = key.get(open.saturating_add(1)..).unwrap_or_default();
    let close = rest.iter().position(|byte| *byte == b'}').unwrap_or(0);
    rest.get(..close).filter(|tag| !tag.is_empty()).unwrap_or(key)
}

/// The one slot of all these keys; None of none.
pub(crate) fn common(keys: &[Key]) -> Result<Option<u16>, Error> {
    let Some((first, rest)) = keys.split_first() else { return Ok(None) };
    let one = slot(first);
    if rest.iter().all(|key| slot(key) == one) { Ok(Some(one)) } else { Err(Error::CrossSlot) }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As `CLUSTER KEYSLOT` says.
    #[test]
    fn slots_of_keys() {
        let check = |key: &str, expected| assert_eq!(slot(key.as_bytes()), expected, "{key}");
        check("", 0);
        check("123456789", 0x31c3);
        check("foo", 12182);
        check("{foo}", 12182);
        check("a{foo}b{bar}", 12182);
        check("a{foo", slot(b"a{foo"));
        check("foo{}{bar}", 8363);
        check("foo{{bar}}zap", slot(b"{bar"));
        check("{user1000}.following", slot(b"user1000"));
    }

    #[test]
    fn keys_of_one_slot() {
        let keys = |names: &[&str]| names.iter().map(|name| name.as_bytes().into()).collect();
        let check = |names: &[&str]| common(&Vec::<Key>::from_iter::<Vec<Key>>(keys(names)));
        assert_eq!(check(&[]).unwrap(), None);
        assert_eq!(check(&["foo", "{foo}2"]).unwrap(), Some(12182));
        assert!(matches!(check(&["foo", "bar"]), Err(Error::CrossSlot)));
    }
}
