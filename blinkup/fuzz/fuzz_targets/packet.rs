//! Any bytes as a packet.
#![no_main]

#[path = "../judges/packet.rs"]
mod judge;

libfuzzer_sys::fuzz_target!(|data: &[u8]| judge::packet(data));
