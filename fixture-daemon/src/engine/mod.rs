//! The engine: pure. Inputs and time in, effects out; no clock, no I/O, no randomness, no tokio.
//!
//! [`line::Line`] spans the lanes; each [`lane::Lane`] holds its LED reader, its loop-back and its [`station::Station`]. Two drivers
//! run the very same engine: real time and virtual time.

pub mod afterglow;
pub mod decision;
pub mod effect;
pub mod flashing;
pub mod gate;
pub mod golden;
pub mod input;
pub mod lamp_trend;
pub mod lane;
pub mod led;
pub mod line;
pub mod meaning;
pub mod nest;
pub mod policy;
pub mod product;
pub mod recipe;
pub mod replay;
pub mod run;
pub mod sensor;
pub mod station;
pub mod study;
pub mod to_see;
pub mod watch;
