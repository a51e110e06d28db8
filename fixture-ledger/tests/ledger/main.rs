//! The ledger over real files.

mod runs;
mod sample;
