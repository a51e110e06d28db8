//! `[jig.raspberry_pi.power]`: a relay a lane.

use fixture_link::mistake::Mistake;
use serde::Deserialize;
use toml::Spanned;

use super::Active;
use super::claims::Claims;

/// The relays.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Power {
    /// The line of each lane.
    pub pins: Vec<u8>,
    /// The voltage that gives the unit its supply.
    pub on: Active,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::config) struct Raw {
    pins: Spanned<Vec<Spanned<u64>>>,
    on: Option<Active>,
}

/// Checks the table of the relays.
pub(in crate::config) fn check(claims: &mut Claims<'_>, raw: &Spanned<Raw>) -> Result<Power, Mistake> {
    let raw = raw.get_ref();
    Ok(Power {
        pins: claims.pin_a_lane(&raw.pins, "relay")?,
        on: raw.on.unwrap_or(Active::High),
    })
}
