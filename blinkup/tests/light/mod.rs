//! Light with its truth, for the tests, the benchmark and the quality table of the LED reader: recorded traces, a generator of
//! its own physics, the moment from which a showing can be told, and the scores.

pub mod decidable;
pub mod factory;
pub mod random;
pub mod score;
pub mod truth;
