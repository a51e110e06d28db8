//! What commissioning finds out about a lane, and what the engine makes of it.

mod lane;

pub use lane::typical;
