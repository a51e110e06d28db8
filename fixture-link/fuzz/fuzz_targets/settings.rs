//! Any bytes as a fixture's settings.
#![no_main]

#[path = "../judges/settings.rs"]
mod judge;

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    judge::settings(data);
});
