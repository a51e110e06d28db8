//! `[jig.raspberry_pi.transmitter]`: an imp that sends BlinkUp in the place of a lane's lamp.

use std::path::PathBuf;

use blinkup::packet::Wifi;
use fixture_link::identity::LaneId;
use fixture_link::mistake::Mistake;
use serde::Deserialize;
use toml::Spanned;

use super::claims::Claims;
use super::serial;
use crate::jig::raspberry_pi::serial::Port;
use crate::jig::raspberry_pi::transmitter::Speed;

/// The imp.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Transmitter {
    /// Its port.
    pub port: Port,
    /// The lane whose frames it sends.
    pub lane: LaneId,
    /// How fast.
    pub speed: Speed,
    /// The recipe's network, once the recipe is read.
    pub wifi: Option<Wifi>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::config) struct Raw {
    port: Spanned<PathBuf>,
    baud: Option<Spanned<u64>>,
    lane: Spanned<u64>,
    speed: Option<Speed>,
}

/// Checks the table of the imp.
pub(in crate::config) fn check(claims: &mut Claims<'_>, raw: &Spanned<Raw>) -> Result<Transmitter, Mistake> {
    let raw = raw.get_ref();
    let lanes = u64::from(claims.lanes());
    let number: u8 = claims.source().count(Some(&raw.lane), 1, 1, lanes)?;
    Ok(Transmitter {
        port: serial::check(claims, &raw.port, raw.baud.as_ref(), 115_200)?,
        lane: LaneId::new(number).map_err(|error| claims.source().mistake(&raw.lane, error))?,
        speed: raw.speed.unwrap_or(Speed::Normal),
        wifi: None,
    })
}
