//! `[jig.raspberry_pi.lamp.…]`: what makes three levels of light.

use std::path::PathBuf;

use fixture_link::mistake::Mistake;
use serde::Deserialize;
use toml::Spanned;

use super::claims::Claims;
use super::{Active, Board};
use crate::jig::raspberry_pi::pins::{self, LampKind};

/// The lamps of all lanes, of one kind.
#[derive(Debug, Clone, PartialEq)]
pub enum Lamp {
    /// A hardware PWM channel a lane.
    Pwm(PwmLamp),
    /// Two lines over a resistor ladder a lane.
    Ladder(LadderLamp),
    /// A channel of an I2C PWM expander a lane.
    Expander(ExpanderLamp),
}

/// Lamps on hardware PWM.
#[derive(Debug, Clone, PartialEq)]
pub struct PwmLamp {
    /// The channel of each lane.
    pub channels: Vec<u8>,
    /// Periods a second.
    pub frequency: u32,
    /// The number of the kernel's PWM chip, where it is not the board's usual one.
    pub chip: Option<u8>,
}

/// Lamps on a resistor ladder.
#[derive(Debug, Clone, PartialEq)]
pub struct LadderLamp {
    /// The lines of each lane: mid light, and what mid lacks to bright.
    pub pins: Vec<[u8; 2]>,
    /// The voltage that makes light.
    pub lit: Active,
    /// Light of mid as a share of bright, as the resistors make it.
    pub mid_share: f32,
}

/// Lamps on a PCA9685.
#[derive(Debug, Clone, PartialEq)]
pub struct ExpanderLamp {
    /// The I2C bus.
    pub bus: PathBuf,
    /// The expander's address.
    pub address: u8,
    /// The channel of each lane.
    pub channels: Vec<u8>,
    /// Periods a second.
    pub frequency: u32,
}

impl Lamp {
    /// Mid light as a share of bright, where the light is fixed.
    pub fn fixed_light(&self) -> Option<f32> {
        match self {
            Self::Ladder(ladder) => Some(ladder.mid_share),
            Self::Pwm(_) | Self::Expander(_) => None,
        }
    }

    /// Its kind in the table of combinations.
    pub fn kind(&self) -> LampKind {
        match self {
            Self::Pwm(_) => LampKind::Pwm,
            Self::Ladder(_) => LampKind::Ladder,
            Self::Expander(_) => LampKind::Expander,
        }
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
pub(in crate::config) enum Raw {
    Pwm(RawPwm),
    Ladder(RawLadder),
    Expander(RawExpander),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::config) struct RawPwm {
    pins: Spanned<Vec<Spanned<u64>>>,
    frequency: Option<Spanned<u64>>,
    chip: Option<Spanned<u64>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::config) struct RawLadder {
    pins: Spanned<Vec<[Spanned<u64>; 2]>>,
    lit: Option<Active>,
    mid_share: Spanned<f64>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::config) struct RawExpander {
    bus: Spanned<PathBuf>,
    address: Option<Spanned<u64>>,
    channels: Spanned<Vec<Spanned<u64>>>,
    frequency: Option<Spanned<u64>>,
}

/// Checks the table of the lamps.
pub(in crate::config) fn check(claims: &mut Claims<'_>, raw: &Spanned<Raw>, board: Board) -> Result<Lamp, Mistake> {
    let source = claims.source();
    match raw.get_ref() {
        Raw::Pwm(pwm) => {
            // Two lamps on one channel would show the same light, whatever their pins.
            let mut channels = Vec::new();
            claims.one_a_lane(&pwm.pins, "pins")?;
            for (place, pin) in pwm.pins.get_ref().iter().enumerate() {
                let number = claims.pin(pin, &format!("lane {}'s lamp", place + 1))?;
                let channel = pins::pwm_channel(board, number).ok_or_else(|| {
                    source.mistake(
                        pin,
                        format!(
                            "GPIO {number} has no hardware PWM on this board: {}",
                            pins::pwm_pins(board)
                        ),
                    )
                })?;
                if let Some(other) = channels.iter().position(|taken| *taken == channel) {
                    let what = format!(
                        "GPIO {number} is PWM channel {channel}, which is lane {}'s lamp already",
                        other + 1
                    );
                    return Err(source.mistake(pin, what));
                }
                channels.push(channel);
            }
            Ok(Lamp::Pwm(PwmLamp {
                channels,
                // Many periods in the shortest integration of a sensor (2.4 ms), and thousands of steps of the board's clock in one.
                frequency: source.count(pwm.frequency.as_ref(), 20_000, 5_000, 50_000)?,
                chip: pwm
                    .chip
                    .as_ref()
                    .map(|chip| source.count(Some(chip), 0, 0, 15))
                    .transpose()?,
            }))
        }
        Raw::Ladder(ladder) => Ok(Lamp::Ladder(LadderLamp {
            pins: claims.pair_a_lane(&ladder.pins, ["lamp, mid line", "lamp, bright line"])?,
            lit: ladder.lit.unwrap_or(Active::High),
            mid_share: source.number(Some(&ladder.mid_share), 0.5, 0.2, 0.8)?,
        })),
        Raw::Expander(expander) => {
            claims.bus(&expander.bus, &expander.bus.get_ref().to_string_lossy())?;
            claims.one_a_lane(&expander.channels, "channels")?;
            let mut channels: Vec<u8> = Vec::new();
            for channel in expander.channels.get_ref() {
                let number = source.count(Some(channel), 0, 0, 15)?;
                if channels.contains(&number) {
                    return Err(source.mistake(channel, format!("channel {number} is another lane's lamp already")));
                }
                channels.push(number);
            }
            Ok(Lamp::Expander(ExpanderLamp {
                bus: expander.bus.get_ref().clone(),
                // PCA9685 data sheet, section 7.1: 1 A5 to A0, hence 0x40 to 0x7F; 0x70 is its all-call address.
                address: source.count(expander.address.as_ref(), 0x40, 0x40, 0x6F)?,
                channels,
                // Section 7.3.5: 24 to 1526 Hz by its own oscillator.
                frequency: source.count(expander.frequency.as_ref(), 1526, 200, 1526)?,
            }))
        }
    }
}
