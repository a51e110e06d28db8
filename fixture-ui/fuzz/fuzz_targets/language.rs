//! Any bytes as a file of a language.
#![no_main]

// The file itself: the screen around it is of no use to a fuzzer, and slow to build.
#[allow(dead_code, reason = "the rest of the file is for pages and screens")]
#[path = "../../src/view/language.rs"]
mod language;
#[path = "../judges/language.rs"]
mod judge;

libfuzzer_sys::fuzz_target!(|data: &[u8]| judge::language(data));
