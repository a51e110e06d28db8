//! What units are run for.

use core::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::verdict::{Outcome, Unknown};

/// What a unit is run for. Only runs for production count in yields, and only their units go into boxes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Purpose {
    /// To be sold.
    #[default]
    Production,
    /// To look at the fixture with a unit that is known to be good.
    Golden,
    /// To look at the fixture with a unit that is known to be bad.
    KnownBad,
    /// To see in a gauge study how well the fixture agrees with itself.
    Study,
}

/// What a run says of its lane.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Says {
    /// That it measures as it should.
    Well,
    /// That it does not.
    Ill,
    /// Nothing.
    Nothing,
}

impl Purpose {
    /// Every one.
    pub const ALL: [Self; 4] = [Self::Production, Self::Golden, Self::KnownBad, Self::Study];

    /// The name in messages and records, kebab-case.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Production => "production",
            Self::Golden => "golden",
            Self::KnownBad => "known-bad",
            Self::Study => "study",
        }
    }

    /// Whether its unit is to be sold.
    pub const fn is_production(&self) -> bool {
        matches!(self, Self::Production)
    }

    /// What the outcome of such a run says of its lane. What the fixture, the network or a person spoilt says nothing; nor does a study, which is judged
    /// as a whole.
    pub const fn says(self, outcome: Outcome) -> Says {
        match (self, outcome) {
            (Self::Golden, Outcome::Pass) | (Self::KnownBad, Outcome::Fail) => Says::Well,
            (Self::Golden, Outcome::Fail | Outcome::Undecided) | (Self::KnownBad, Outcome::Pass) => Says::Ill,
            (Self::KnownBad, Outcome::Undecided)
            | (Self::Golden | Self::KnownBad, Outcome::Error | Outcome::Aborted | Outcome::Interrupted)
            | (
                Self::Production | Self::Study,
                Outcome::Pass
                | Outcome::Fail
                | Outcome::Error
                | Outcome::Undecided
                | Outcome::Aborted
                | Outcome::Interrupted,
            ) => Says::Nothing,
        }
    }
}

impl FromStr for Purpose {
    type Err = Unknown;

    fn from_str(text: &str) -> Result<Self, Unknown> {
        Self::ALL
            .into_iter()
            .find(|known| known.as_str() == text)
            .ok_or_else(|| Unknown(text.to_owned(), "purpose"))
    }
}
