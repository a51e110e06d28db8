//! The optical BlinkUp language, both ways.
//!
//! [`packet`] and [`frame`] turn a configuration into the light that a lamp sends; [`receive`] turns light back into the
//! packet; [`codes`] is what a status LED can say; [`reader`] tells from a sensor's samples what it is saying;
//! [`trace`] is recorded light.
//!
//! ```
//! use blinkup::packet::Packet;
//! use blinkup::receive::Receiver;
//!
//! let sent = Packet::clear_settings();
//! let mut receiver = Receiver::new();
//! let received = sent.frame(3).symbols().find_map(|symbol| receiver.push_symbol(symbol));
//! assert_eq!(received, Some(Ok(sent)));
//! ```
//!
//! This crate never reads a clock, never does I/O, never allocates per sample, and knows nothing of a fixture.
#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;

pub mod codes;
pub mod crc;
pub mod frame;
pub mod packet;
pub mod reader;
pub mod receive;
pub mod sample;
pub mod symbol;
pub mod tick;
pub mod trace;

pub use symbol::{Level, Symbol};
pub use tick::Tick;

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
