//! Bits in bytes, most significant first.

use alloc::vec::Vec;

use super::CompactError;

/// Writes bits.
#[derive(Debug, Clone)]
pub struct BitWriter {
    /// Whole bytes.
    bytes: Vec<u8>,
    pending: u64,
    count: u32,
}

impl BitWriter {
    /// Goes on after these bytes.
    pub fn after(bytes: Vec<u8>) -> Self {
        Self {
            bytes,
            pending: 0,
            count: 0,
        }
    }

    /// Writes the low `length` bits, at most 32.
    pub fn put(&mut self, value: u64, length: u32) {
        self.pending = (self.pending << length) | value;
        self.count += length;
        while self.count >= 8 {
            self.count -= 8;
            self.bytes.push(((self.pending >> self.count) & 0xff) as u8);
        }
    }

    /// The bytes; the last one is filled up with zeros.
    pub fn finish(mut self) -> Vec<u8> {
        if self.count > 0 {
            let fill = 8 - self.count;
            self.put(0, fill);
        }
        self.bytes
    }
}

/// Reads bits.
pub struct BitReader<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> BitReader<'a> {
    /// From the first bit on.
    pub fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, at: 0 }
    }

    /// The next `length` bits, at most 32.
    pub fn take(&mut self, length: u32) -> Result<u64, CompactError> {
        let mut value = 0;
        for _ in 0..length {
            let byte = self.bytes.get(self.at / 8).ok_or(CompactError::Truncated)?;
            value = (value << 1) | u64::from(byte >> (7 - self.at % 8) & 1);
            self.at += 1;
        }
        Ok(value)
    }

    /// Whether every byte was read from.
    pub fn is_at_end(&self) -> bool {
        self.at.div_ceil(8) == self.bytes.len()
    }
}
