//! What a product variant needs, checked. Made by `config` from a recipe file; the engine only reads it.

use core::time::Duration;

use blinkup::Level;
use blinkup::packet::{Proxy, StaticAddress, Wifi};

use super::led::LedLimits;

/// A checked recipe.
#[derive(Debug, Clone)]
pub struct Recipe {
    /// Its name.
    pub name: String,
    /// First 16 hex digits of a hash of its checked form, without secrets.
    pub version: String,
    /// Network and password; `None` on Ethernet and cellular units.
    pub wifi: Option<Wifi>,
    /// A static address instead of DHCP.
    pub address: Option<StaticAddress>,
    /// A proxy.
    pub proxy: Option<Proxy>,
    /// How the unit reaches the network: decides which stages are expected.
    pub link: Link,
    /// Whether a transmission carries an enrolment token.
    pub enrols: bool,
    /// What a PASS needs.
    pub pass: PassRule,
    /// Ids of the status codes that say that a unit is ready for BlinkUp.
    pub ready_codes: Vec<String>,
    /// How long after seating a ready code may take.
    pub ready_within: Duration,
    /// How long a unit listens after power-up, 60 s by the vendor's guide.
    pub listens_for: Duration,
    /// The confidence that a reading needs, 0.5 to 1.
    pub confidence: f32,
    /// The rungs along which a failed transmission is tried again; at least one.
    pub ladder: Vec<Rung>,
    /// Attempts at most.
    pub attempts: u32,
    /// By how much the lamp's mid light may be off what a rung means, as a share of bright (0.15).
    pub mid_within: f32,
    /// Lateness of a symbol that voids the attempt, as a share of a symbol (0.25).
    pub late_limit: f32,
    /// How long a token may take, with every try of its source.
    pub token_within: Duration,
    /// How long each connection stage may last, from when it was first read.
    pub stage_within: Duration,
    /// How long from received to connected in all.
    pub connect_within: Duration,
    /// How long an impOS update may take.
    pub update_within: Duration,
    /// What a unit's LED has to be; `None` for any that can be read.
    pub led: Option<LedLimits>,
    /// Whether a serial must have been scanned.
    pub wants_serial: bool,
    /// Runs of one unit at most.
    pub runs_at_most: u32,
    /// The same code so many times on one unit quarantines it.
    pub quarantine_after: u32,
}

/// By what records tell recipes apart.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RecipeId {
    /// Its name.
    pub name: String,
    /// Its version: 16 hex digits.
    pub version: String,
    /// The name of its pass rule.
    pub pass_rule: &'static str,
}

impl Recipe {
    /// By what records tell it.
    pub fn id(&self) -> RecipeId {
        RecipeId {
            name: self.name.clone(),
            version: self.version.clone(),
            pass_rule: self.pass.name(),
        }
    }

    /// This recipe for a lamp whose light is fixed, with mid light as a share of bright: rungs that differ from an earlier one by light alone are
    /// left out.
    #[must_use]
    pub fn at_fixed_light(&self, mid_share: f32) -> Self {
        let mut ladder: Vec<Rung> = Vec::new();
        for rung in &self.ladder {
            if ladder.iter().all(|kept| kept.rate != rung.rate) {
                ladder.push(Rung {
                    bright: Level::FULL,
                    mid_share,
                    ..*rung
                });
            }
        }
        Self { ladder, ..self.clone() }
    }
}

impl PassRule {
    /// Its name in recipes and records.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Blessed { .. } => "blessed",
            Self::Claimed { .. } => "claimed",
            Self::LedOnly { .. } => "led-only",
        }
    }
}

/// How the unit reaches the network.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Link {
    /// By Wi-Fi: searching and joining are expected.
    Wifi,
    /// By Ethernet.
    Ethernet,
    /// By a modem.
    Cellular,
}

/// One rung of the retry ladder.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Rung {
    /// Symbols a second, 10 to 60.
    pub rate: u8,
    /// Light of a bright symbol.
    pub bright: Level,
    /// Light of a mid symbol as a share of bright, in light; about 0.5.
    pub mid_share: f32,
}

/// What a PASS needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PassRule {
    /// Blessed-green held for `hold` after the connection stages, and a bless event for this unit within `event_within` of it.
    Blessed {
        /// How long solid green must stand.
        hold: Duration,
        /// How long the event may take from the green on.
        event_within: Duration,
    },
    /// Connected, and the token poll gives a device id within `within`.
    Claimed {
        /// How long the claim may take from connected on.
        within: Duration,
    },
    /// Connected held for `hold`. Steady green never passes under this rule.
    LedOnly {
        /// How long the connected pattern must stand.
        hold: Duration,
    },
}
