//! The packet's check value: a 16-bit CRC of its own kind.

/// The table of the reflected polynomial 0xA001.
const TABLE: [u16; 256] = {
    let mut table = [0; 256];
    let mut index: u16 = 0;
    while index < 256 {
        let mut value = index;
        let mut bit = 0;
        while bit < 8 {
            value = if value & 1 == 1 {
                value >> 1 ^ 0xA001
            } else {
                value >> 1
            };
            bit += 1;
        }
        table[index as usize] = value;
        index += 1;
    }
    table
};

/// The check value of `bytes`.
///
/// The table is that of the reflected polynomial 0xA001 (CRC-16/ARC), walked in the *non-reflected* direction from 0: no catalogued
/// CRC is like it. From the vendor's JavaScript SDK, version 0.3.0; over ASCII `123456789` it is 0x9540.
pub fn crc16(bytes: &[u8]) -> u16 {
    bytes.iter().fold(0, |crc: u16, &byte| {
        let [high, _] = crc.to_be_bytes();
        crc << 8 ^ TABLE[usize::from(high ^ byte)]
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_check_value_is_the_published_one() {
        assert_eq!(crc16(b"123456789"), 0x9540);
        assert_eq!(crc16(b""), 0);
    }
}
