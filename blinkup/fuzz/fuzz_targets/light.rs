//! Any bytes as light.
#![no_main]

#[path = "../judges/light.rs"]
mod judge;

libfuzzer_sys::fuzz_target!(|data: &[u8]| judge::light(data));
