//! Any bytes as what an imp transmitter says.
#![no_main]

// The file itself: the daemon around it is of no use to a fuzzer, and slow to build.
#[path = "../../src/jig/raspberry_pi/transmitter/frame.rs"]
mod frame;
#[path = "../judges/imp_frame.rs"]
mod judge;

libfuzzer_sys::fuzz_target!(|data: &[u8]| judge::imp_frame(data));
