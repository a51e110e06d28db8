//! The appliance: owns the jig, the secrets and the results.
//!
//! [`engine`] decides (pure), [`jig`] is the hardware behind traits, `enrolment` brings tokens, `drivers` give the engine time.
//! It never opens a network port: screen and web reach it over a Unix socket.

pub mod clock;
pub mod command;
pub mod commissioning;
pub mod config;
pub mod drivers;
pub mod engine;
pub mod enrolment;
pub mod health;
pub mod jig;
pub mod network;
pub mod real_time;
pub mod sender;
pub mod socket;
pub mod tasks;
pub mod watchdog;
