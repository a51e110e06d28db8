//! Any bytes as what one program sends another.
#![no_main]

#[path = "../judges/message.rs"]
mod judge;

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    judge::message(data);
});
