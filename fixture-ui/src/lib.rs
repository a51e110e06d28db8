//! The local screen and the web dashboard of a fixture, fed by the daemon's socket and the ledger (read-only).
//!
//! [`view`] words what both show, once; [`screen`] draws it on 320 × 240 pixels; [`web`] serves it as pages. Neither touches lamp,
//! sensor or nest, writes a result, or reads a secret of the daemon.

pub mod clock;
pub mod command;
pub mod feed;
pub mod languages;
pub mod screen;
pub mod view;
pub mod web;
