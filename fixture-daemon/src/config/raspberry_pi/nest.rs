//! `[jig.raspberry_pi.nest]`: the presence switches.

use fixture_link::mistake::Mistake;
use serde::Deserialize;
use toml::Spanned;

use super::Active;
use super::claims::Claims;

/// The nests' switches.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Nest {
    /// The line of each lane.
    pub pins: Vec<u8>,
    /// The voltage of a switch that a unit closes.
    pub closed: Active,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::config) struct Raw {
    pins: Spanned<Vec<Spanned<u64>>>,
    closed: Option<Active>,
}

/// Checks the table of the nests.
pub(in crate::config) fn check(claims: &mut Claims<'_>, raw: &Spanned<Raw>) -> Result<Nest, Mistake> {
    let raw = raw.get_ref();
    Ok(Nest {
        pins: claims.pin_a_lane(&raw.pins, "nest switch")?,
        closed: raw.closed.unwrap_or(Active::Low),
    })
}
