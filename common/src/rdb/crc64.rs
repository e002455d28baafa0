//! The checksum of DUMP payloads and RDB files.

use crc::{CRC_64_REDIS, Crc, Digest, Table};

/// Jones' polynomial, reflected, no initial value and no final one: what the servers compute.
static ALGORITHM: Crc<u64, Table<16>> = Crc::<u64, Table<16>>::new(&CRC_64_REDIS);

/// The checksum of `bytes`; O(n).
#[must_use]
pub fn checksum(bytes: &[u8]) -> u64 {
    let mut digest: Digest<'_, u64, Table<16>> = ALGORITHM.digest();
    digest.update(bytes);
    digest.finalize()
}

#[cfg(test)]
mod tests {
    use super::checksum;

    #[test]
    fn matches_the_check_value_of_the_servers() {
        assert_eq!(checksum(b"123456789"), 0xe9c6_d914_c4b8_d9ca);
        assert_eq!(checksum(b""), 0);
    }
}
