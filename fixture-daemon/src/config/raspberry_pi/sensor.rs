//! `[jig.raspberry_pi.sensor.…]`: what sees the status LEDs.

use core::time::Duration;
use std::path::PathBuf;

use fixture_link::mistake::Mistake;
use serde::Deserialize;
use toml::Spanned;

use super::super::Lasting;
use super::Active;
use super::claims::Claims;
use crate::jig::raspberry_pi::pins::SensorKind;
use crate::jig::raspberry_pi::sensor::photodiodes::round_takes;

/// The status sensors of all lanes, of one kind.
#[derive(Debug, Clone, PartialEq)]
pub enum Sensor {
    /// A TCS3472 colour sensor a lane.
    Colour(ColourSensor),
    /// A red- and a green-filtered photodiode a lane on an MCP3208.
    Photodiodes(Photodiodes),
    /// A red- and a green-filtered photodiode a lane, each behind a comparator.
    Comparators(Comparators),
}

/// TCS3472 colour sensors.
#[derive(Debug, Clone, PartialEq)]
pub struct ColourSensor {
    /// The I2C bus.
    pub bus: PathBuf,
    /// The multiplexer (TCA9548A); `None` for the single sensor of a one-lane jig.
    pub multiplexer: Option<Multiplexer>,
    /// The gain: 1, 4, 16 or 60.
    pub gain: u8,
    /// How long a sample integrates: one or two steps of 2.4 ms.
    pub integration: Duration,
}

/// The multiplexer before the colour sensors.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Multiplexer {
    /// Its address.
    pub address: u8,
    /// The channel of each lane.
    pub channels: Vec<u8>,
    /// The line at its RESET, by which a channel that holds the bus is let go; `None` where it is not wired.
    pub reset: Option<u8>,
}

/// Photodiodes on MCP3208 converters, four lanes a chip: channels 0 and 1 are the first lane's red and green.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Photodiodes {
    /// The device file of each chip.
    pub chips: Vec<PathBuf>,
    /// Conversions that are added up to one sample.
    pub oversampling: u8,
    /// Clock of the bus in hertz.
    pub clock: u32,
}

/// Photodiodes behind comparators.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Comparators {
    /// The lines of each lane: red, green.
    pub pins: Vec<[u8; 2]>,
    /// The voltage of a lit photodiode.
    pub lit: Active,
}

impl Sensor {
    /// Its kind in the table of combinations.
    pub fn kind(&self) -> SensorKind {
        match self {
            Self::Colour(_) => SensorKind::Colour,
            Self::Photodiodes(_) => SensorKind::Photodiodes,
            Self::Comparators(_) => SensorKind::Comparators,
        }
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
pub(in crate::config) enum Raw {
    Colour(RawColour),
    Photodiodes(RawPhotodiodes),
    Comparators(RawComparators),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::config) struct RawColour {
    bus: Spanned<PathBuf>,
    multiplexer: Option<RawMultiplexer>,
    gain: Spanned<u64>,
    integration: Option<Spanned<Lasting>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawMultiplexer {
    address: Option<Spanned<u64>>,
    channels: Spanned<Vec<Spanned<u64>>>,
    reset: Option<Spanned<u64>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::config) struct RawPhotodiodes {
    chips: Spanned<Vec<Spanned<PathBuf>>>,
    oversampling: Option<Spanned<u64>>,
    clock: Option<Spanned<u64>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::config) struct RawComparators {
    pins: Spanned<Vec<[Spanned<u64>; 2]>>,
    lit: Option<Active>,
}

/// One step of a TCS3472's integration (data sheet TCS3472, register ATIME).
const STEP: Duration = Duration::from_micros(2_400);

/// What all lanes' conversions may take of the 10 ms between two samples.
const FITS: Duration = Duration::from_millis(8);

/// Lanes on one MCP3208: eight channels, two a lane.
pub const LANES_A_CHIP: usize = 4;

/// Checks the table of the sensors.
pub(in crate::config) fn check(claims: &mut Claims<'_>, raw: &Spanned<Raw>) -> Result<Sensor, Mistake> {
    let source = claims.source();
    match raw.get_ref() {
        Raw::Colour(colour) => {
            claims.bus(&colour.bus, &colour.bus.get_ref().to_string_lossy())?;
            let multiplexer = match &colour.multiplexer {
                Some(raw) => Some(multiplexer(claims, raw)?),
                None if claims.lanes() == 1 => None,
                None => {
                    return Err(source.mistake(
                        &colour.bus,
                        "a TCS3472 has one address only: expected a multiplexer for more than one lane",
                    ));
                }
            };
            let gain = *colour.gain.get_ref();
            let gain = u8::try_from(gain)
                .ok()
                .filter(|gain| [1, 4, 16, 60].contains(gain))
                .ok_or_else(|| source.mistake(&colour.gain, format!("expected 1, 4, 16 or 60, found {gain}")))?;
            let integration = match &colour.integration {
                None => STEP * 2,
                // More would not fit between two samples of a lane, nor into a dark symbol at 60 a second.
                Some(raw) if [STEP, STEP * 2].contains(&raw.get_ref().0) => raw.get_ref().0,
                Some(raw) => {
                    let what = format!("expected \"2400us\" or \"4800us\", found {:?}", raw.get_ref().0);
                    return Err(source.mistake(raw, what));
                }
            };
            Ok(Sensor::Colour(ColourSensor {
                bus: colour.bus.get_ref().clone(),
                multiplexer,
                gain,
                integration,
            }))
        }
        Raw::Photodiodes(photodiodes) => {
            let chips = photodiodes.chips.get_ref();
            let wanted = usize::from(claims.lanes()).div_ceil(LANES_A_CHIP);
            if chips.len() != wanted {
                let what = format!("expected {wanted}, one for {LANES_A_CHIP} lanes, found {}", chips.len());
                return Err(source.mistake(&photodiodes.chips, what));
            }
            for chip in chips {
                claims.bus(chip, &chip.get_ref().to_string_lossy())?;
            }
            let oversampling = source.count(photodiodes.oversampling.as_ref(), 4, 1, 16)?;
            // MCP3208 data sheet DS21298, electrical characteristics: 1.0 MHz at 2.7 V, 2.0 MHz at 5 V.
            let clock = source.count(photodiodes.clock.as_ref(), 1_000_000, 100_000, 1_000_000)?;
            // Chips may hang on one bus: all lanes together must fit between two samples.
            let takes = round_takes(claims.lanes(), oversampling, clock);
            if takes > FITS {
                let what = format!(
                    "{oversampling} conversions of {} lanes at {clock} Hz take {} µs, of 10000 between two samples: expected fewer, or a faster clock",
                    claims.lanes(),
                    takes.as_micros()
                );
                return Err(match &photodiodes.oversampling {
                    Some(given) => source.mistake(given, what),
                    None => source.mistake(&photodiodes.chips, what),
                });
            }
            Ok(Sensor::Photodiodes(Photodiodes {
                chips: chips.iter().map(|chip| chip.get_ref().clone()).collect(),
                oversampling,
                clock,
            }))
        }
        Raw::Comparators(comparators) => Ok(Sensor::Comparators(Comparators {
            pins: claims.pair_a_lane(&comparators.pins, ["red comparator", "green comparator"])?,
            // Open collectors with a pull-up: a comparator that sees light pulls low.
            lit: comparators.lit.unwrap_or(Active::Low),
        })),
    }
}

fn multiplexer(claims: &mut Claims<'_>, raw: &RawMultiplexer) -> Result<Multiplexer, Mistake> {
    let source = claims.source();
    claims.one_a_lane(&raw.channels, "channels")?;
    let mut channels: Vec<u8> = Vec::new();
    for channel in raw.channels.get_ref() {
        let number = source.count(Some(channel), 0, 0, 7)?;
        if channels.contains(&number) {
            return Err(source.mistake(channel, format!("channel {number} is another lane's sensor already")));
        }
        channels.push(number);
    }
    Ok(Multiplexer {
        // TCA9548A data sheet SCPS207, section 8.5.1: 1110 A2 A1 A0.
        address: source.count(raw.address.as_ref(), 0x70, 0x70, 0x77)?,
        channels,
        reset: raw
            .reset
            .as_ref()
            .map(|reset| claims.pin(reset, "the multiplexer's reset"))
            .transpose()?,
    })
}
