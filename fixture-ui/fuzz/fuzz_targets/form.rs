//! Any bytes as a form or a query.
#![no_main]

// The file itself: the pages around it are of no use to a fuzzer, and slow to build.
#[allow(dead_code, reason = "the rest of the file is for pages and screens")]
#[path = "../../src/web/link.rs"]
mod link;
#[path = "../judges/form.rs"]
mod judge;

libfuzzer_sys::fuzz_target!(|data: &[u8]| judge::form(data));
