//! The ledger: runs in, reports out. The only crate that knows SQL; owns `migrations/`.
//!
//! It never shows anything and knows no hardware.

pub mod record;
