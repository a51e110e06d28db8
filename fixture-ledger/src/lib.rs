//! The ledger: runs in, reports out. The only crate that knows SQL; owns `migrations/`.
//!
//! [`Ledger`] is the one writer, held by the daemon: a verdict is committed and synced by [`Ledger::finish_run`] before anyone is
//! shown it. [`Reports`] reads, also as another user of the ledger's group and whether or not a writer runs.
//!
//! The crate never shows anything, knows no hardware, and reads no clock: wall time is always an argument.
//!
//! # The queries' own checks
//!
//! Every query is checked against the schema when the crate is compiled, from the descriptions in `.sqlx/` beside this crate's
//! manifest, so a build needs no database. After changing a query or adding a migration, write them again with
//!
//! ```text
//! fixture-ledger/describe-queries
//! ```
//!
//! A query without a description fails the build; `tests/ledger/queries.rs` fails when a description is stale or left over.

pub mod audit;
pub mod capability;
pub mod chain;
mod decode;
mod dump;
mod error;
pub mod evaluation;
pub mod export;
mod files;
pub mod gauge;
mod lamp_light;
pub mod lane_trend;
mod ledger;
pub mod pace;
mod pages;
pub mod people;
pub mod recipes;
pub mod record;
pub mod report;
pub mod seal;
pub mod shift;
pub mod statistics;
pub mod study;
pub mod what_if;
pub mod yields;

pub use dump::{dump, dump_to};
pub use error::LedgerError;
pub use files::discard;
pub use lamp_light::LampLight;
pub use ledger::{Durability, Interruption, Ledger, Recovered, SetupId};
pub use report::Reports;
