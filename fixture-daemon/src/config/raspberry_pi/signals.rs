//! `[jig.raspberry_pi.signals]`: tower light, buzzer and PLC lines; `[jig.raspberry_pi.start]`: the start button.

use fixture_link::mistake::Mistake;
use serde::Deserialize;
use toml::Spanned;

use super::super::Lasting;
use super::Active;
use super::claims::Claims;
use crate::jig::raspberry_pi::outside::Wire;
use crate::jig::raspberry_pi::signals::Patience;

/// The lines to the world outside.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Signals {
    /// The output lines that there are.
    pub wires: Vec<(Wire, u8)>,
    /// The voltage at which a line is on, the PLC's request too.
    pub on: Active,
    /// The PLC's request; `None` where none is listened to.
    pub plc: Option<Plc>,
}

/// The PLC's request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Plc {
    /// Its line.
    pub start: u8,
    /// How long the PLC may take.
    pub patience: Patience,
}

/// The start button or footswitch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Start {
    /// Its line.
    pub pin: u8,
    /// The voltage of a pressed button.
    pub closed: Active,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::config) struct Raw {
    on: Option<Active>,
    tower: Option<RawTower>,
    buzzer: Option<Spanned<u64>>,
    plc: Option<RawPlc>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawTower {
    green: Spanned<u64>,
    amber: Spanned<u64>,
    red: Spanned<u64>,
    blue: Option<Spanned<u64>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawPlc {
    ready: Spanned<u64>,
    busy: Spanned<u64>,
    pass: Spanned<u64>,
    fail: Spanned<u64>,
    start: Option<Spanned<u64>>,
    takes_back: Option<Spanned<Lasting>>,
    begins: Option<Spanned<Lasting>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::config) struct RawStart {
    pin: Spanned<u64>,
    closed: Option<Active>,
}

/// Checks the table of the signals.
pub(in crate::config) fn check(claims: &mut Claims<'_>, raw: &Spanned<Raw>) -> Result<Signals, Mistake> {
    let place = raw;
    let raw = raw.get_ref();
    let mut wires = Vec::new();
    let mut wire = |claims: &mut Claims<'_>, wire, pin: Option<&Spanned<u64>>, what| {
        if let Some(pin) = pin {
            wires.push((wire, claims.pin(pin, what)?));
        }
        Ok::<(), Mistake>(())
    };
    if let Some(tower) = &raw.tower {
        wire(claims, Wire::Green, Some(&tower.green), "the tower light's green")?;
        wire(claims, Wire::Amber, Some(&tower.amber), "the tower light's amber")?;
        wire(claims, Wire::Red, Some(&tower.red), "the tower light's red")?;
        wire(claims, Wire::Blue, tower.blue.as_ref(), "the tower light's blue")?;
    }
    wire(claims, Wire::Buzzer, raw.buzzer.as_ref(), "the buzzer")?;
    let mut plc = None;
    if let Some(lines) = &raw.plc {
        wire(claims, Wire::Ready, Some(&lines.ready), "the PLC's ready")?;
        wire(claims, Wire::Busy, Some(&lines.busy), "the PLC's busy")?;
        wire(claims, Wire::Pass, Some(&lines.pass), "the PLC's pass")?;
        wire(claims, Wire::Fail, Some(&lines.fail), "the PLC's fail")?;
        let source = claims.source();
        if let Some(start) = &lines.start {
            plc = Some(Plc {
                start: claims.pin(start, "the PLC's start")?,
                patience: Patience {
                    takes_back: source.lasting(lines.takes_back.as_ref(), 5000, 100, 600_000)?,
                    begins: source.lasting(lines.begins.as_ref(), 10_000, 100, 600_000)?,
                },
            });
        }
    }
    if wires.is_empty() {
        return Err(claims.source().mistake(place, "expected tower, buzzer or plc"));
    }
    Ok(Signals {
        wires,
        on: raw.on.unwrap_or(Active::High),
        plc,
    })
}

/// Checks the start button.
pub(in crate::config) fn check_start(claims: &mut Claims<'_>, raw: &Spanned<RawStart>) -> Result<Start, Mistake> {
    let raw = raw.get_ref();
    Ok(Start {
        pin: claims.pin(&raw.pin, "the start button")?,
        closed: raw.closed.unwrap_or(Active::Low),
    })
}
