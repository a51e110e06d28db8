//! Names of things: lanes, runs, serials, people.

use core::fmt;
use core::str::FromStr;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// A lane's number, from 1 to 8, as it is painted on the jig.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "u8", into = "u8")]
pub struct LaneId(u8);

/// A lane number outside 1 to 8.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("lane {0}: expected a number from 1 to 8")]
pub struct BadLane(pub u8);

impl LaneId {
    /// The most lanes that a jig has.
    pub const MOST: u8 = 8;

    /// A lane by its painted number.
    ///
    /// # Errors
    /// The number is not 1 to 8.
    pub const fn new(number: u8) -> Result<Self, BadLane> {
        if number >= 1 && number <= Self::MOST {
            Ok(Self(number))
        } else {
            Err(BadLane(number))
        }
    }

    /// The first `count` lanes in order; at most 8.
    pub fn first(count: u8) -> impl Iterator<Item = Self> {
        (1..=count.min(Self::MOST)).map(Self)
    }

    /// The painted number, 1 to 8.
    pub const fn number(self) -> u8 {
        self.0
    }

    /// The place in an array of lanes, 0 to 7.
    pub const fn index(self) -> usize {
        self.0 as usize - 1
    }
}

impl TryFrom<u8> for LaneId {
    type Error = BadLane;

    fn try_from(number: u8) -> Result<Self, BadLane> {
        Self::new(number)
    }
}

impl From<LaneId> for u8 {
    fn from(lane: LaneId) -> Self {
        lane.0
    }
}

impl fmt::Display for LaneId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A run's id: a version 7 UUID, so that ids sort by time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct RunId(pub Uuid);

impl fmt::Display for RunId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.hyphenated().fmt(f)
    }
}

impl FromStr for RunId {
    type Err = uuid::Error;

    fn from_str(text: &str) -> Result<Self, uuid::Error> {
        text.parse().map(Self)
    }
}

/// A unit's serial as scanned: 1 to 64 printable characters, no white space at either end.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Serial(String);

/// A serial that cannot be one.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("serial {0:?}: expected 1 to 64 printable characters without white space at the ends")]
pub struct BadSerial(pub String);

impl Serial {
    /// A serial from text.
    ///
    /// # Errors
    /// The text is empty, longer than 64 characters, holds a control character, or starts or ends with white space.
    pub fn new(text: &str) -> Result<Self, BadSerial> {
        let fits = !text.is_empty()
            && text.chars().count() <= 64
            && !text.chars().any(char::is_control)
            && text.trim() == text;
        if fits {
            Ok(Self(text.to_owned()))
        } else {
            Err(BadSerial(text.to_owned()))
        }
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for Serial {
    type Error = BadSerial;

    fn try_from(text: String) -> Result<Self, BadSerial> {
        Self::new(&text)
    }
}

impl From<Serial> for String {
    fn from(serial: Serial) -> Self {
        serial.0
    }
}

impl fmt::Display for Serial {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// An instant of the wall clock, only ever written down: microseconds since 1970 UTC, and whether the clock was synchronised.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct WallTime {
    /// Microseconds since 1970-01-01T00:00:00Z.
    pub micros: i64,
    /// Whether the system clock was known to be synchronised at that instant.
    pub synchronised: bool,
}
