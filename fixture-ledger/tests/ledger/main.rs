//! The ledger over real files, processes and users.

mod access;
mod faults;
mod kill;
mod role;
mod runs;
mod sample;
