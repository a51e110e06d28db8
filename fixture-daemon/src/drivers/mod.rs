//! The drivers: they give the engine time, and do what it wants done.

pub mod real_time;
pub mod virtual_time;
