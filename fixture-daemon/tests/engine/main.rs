//! The engine by hand-written timetables, by random scripts, and beside a small reference model.
#![expect(
    clippy::wildcard_enum_match_arm,
    clippy::cast_possible_truncation,
    clippy::unwrap_used,
    reason = "a test looks for one thing among many, with small numbers"
)]

mod bench;
mod codes;
mod golden;
mod imp;
mod light;
mod lots;
mod passes;
mod people;
mod random;
mod study;
mod whole;
