//! What commissioning finds out about a lane, and what the engine makes of it.

pub mod bench;
pub mod calibration;
mod lane;

pub use calibration::{Calibration, CalibrationError, LaneCalibration};
pub use lane::{Commissioned, SIMULATED_PARTS, typical};
