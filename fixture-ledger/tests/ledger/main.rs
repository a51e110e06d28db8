//! The ledger over real files, processes and users.

mod access;
mod faults;
mod kill;
mod queries;
mod role;
mod rollups;
mod runs;
mod sample;
mod schema;
