//! The ledger over real files, processes and users.

#![expect(
    clippy::unwrap_used,
    reason = "in what tests share as well, what fails to unwrap fails the test"
)]

mod access;
mod audit;
mod capability;
mod chain;
mod faults;
mod filters;
mod history;
mod kill;
mod labels;
mod lamp_light;
mod lane_trend;
mod older;
mod pages;
mod people;
mod queries;
mod recipes;
mod role;
mod rollups;
mod runs;
mod sample;
mod schema;
mod study;
