//! The vocabulary and the messages that fixture-daemon, fixture-ledger and fixture-ui share, versioned, and their client.
//!
//! The socket speaks HTTP: `GET /v1/state` (a [`Snapshot`](snapshot::Snapshot)), `GET /v1/events` (server-sent events, each a whole
//! snapshot: on every change and as a heartbeat at least every 500 ms), `POST /v1/act` (an [`Act`](act::Act)),
//! `POST /v1/bless` (a [`BlessEvent`](bless::BlessEvent)). Every request and answer carries the version in the header
//! [`VERSION_HEADER`]; a peer of another version is refused with both versions named.
//!
//! This crate never decides anything, and never does I/O outside its `client` feature.

pub mod act;
pub mod bless;
#[cfg(feature = "client")]
pub mod client;
pub mod identity;
#[cfg(feature = "settings")]
pub mod mistake;
pub mod problem;
pub mod purpose;
pub mod role;
#[cfg(feature = "settings")]
pub mod settings;
pub mod snapshot;
pub mod study;
pub mod verdict;
pub mod verdict_text;
pub mod what_if;

/// The version of these messages. Raised when a message changes in a way that an older peer would misread.
pub const VERSION: u32 = 3;

/// The HTTP header that carries [`VERSION`] both ways.
pub const VERSION_HEADER: &str = "x-fixture-link-version";
