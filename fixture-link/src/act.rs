//! What a person does: always audited, with who, when and why.

use core::str::FromStr;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::identity::{LaneId, Serial};
use crate::role::Role;
use crate::verdict::{Class, Unknown, VerdictCode};

/// An act, who does it, as what, and from where.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ActRequest {
    /// Names this act. Asked again under the same id it is answered as the first time, and not done again.
    pub id: ActId,
    /// The person: the name of an account, or `console` for the local console.
    pub by: String,
    /// What the person is, which decides about what is allowed: see [`Role::may`].
    pub role: Role,
    /// Where from: `console`, `line`, or a network address; 1 to 64 printable characters.
    pub from: String,
    /// What is to be done.
    pub act: Act,
}

/// An act's id: a UUID that whoever asks makes up, once for each act.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ActId(pub Uuid);

/// What a person can do to the line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Act {
    /// An account or a token is changed. The web service keeps those; the daemon writes down that it is done, before it is.
    Account {
        /// Whose: the account's or the token's name.
        name: String,
        /// What is changed.
        change: AccountChange,
        /// What it was; empty for nothing, and where it is secret.
        before: String,
        /// What it is from now on; empty for nothing, and where it is secret.
        after: String,
    },
    /// Starts the unit that lies in a lane, where the recipe does not start by itself; or the line again after a stop.
    Start {
        /// The lane; all of the line when left out.
        #[serde(default)]
        lane: Option<LaneId>,
        /// The unit's serial, typed or scanned, where the lane has none yet.
        #[serde(default)]
        serial: Option<Serial>,
    },
    /// Stops a lane's run, or the line.
    Stop {
        /// The lane; all of the line when left out.
        #[serde(default)]
        lane: Option<LaneId>,
        /// Why; 1 to 200 characters.
        reason: String,
    },
    /// Acknowledges what stopped the line; it goes on.
    Acknowledge {
        /// What was found or done; may be empty.
        #[serde(default)]
        note: String,
    },
    /// Lifts a quarantine or the retest limit of a unit.
    Unlock {
        /// The unit.
        serial: Serial,
        /// Why; 1 to 200 characters.
        reason: String,
    },
    /// Names the lot that the next units belong to.
    Lot {
        /// The lot; empty for none.
        lot: String,
    },
    /// Names the work order that the next units belong to.
    WorkOrder {
        /// The work order; empty for none.
        work_order: String,
    },
    /// Says who works at the line from now on: the operator of the runs that begin.
    Operator {
        /// The operator's name; empty for nobody in particular.
        name: String,
    },
}

/// What is changed of an account or a token.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum AccountChange {
    /// It is made.
    Made,
    /// Its role is another.
    Role,
    /// Its password is another.
    Password,
    /// Its PIN is another, or taken away.
    Pin,
    /// Its badge is another, or taken away.
    Badge,
    /// It is taken away.
    Ended,
    /// A token is made.
    TokenMade,
    /// A token is taken away.
    TokenEnded,
}

impl AccountChange {
    /// Every one.
    pub const ALL: [Self; 8] = [
        Self::Made,
        Self::Role,
        Self::Password,
        Self::Pin,
        Self::Badge,
        Self::Ended,
        Self::TokenMade,
        Self::TokenEnded,
    ];

    /// The name in records, kebab-case.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Made => "made",
            Self::Role => "role",
            Self::Password => "password",
            Self::Pin => "pin",
            Self::Badge => "badge",
            Self::Ended => "ended",
            Self::TokenMade => "token-made",
            Self::TokenEnded => "token-ended",
        }
    }
}

impl FromStr for AccountChange {
    type Err = Unknown;

    fn from_str(text: &str) -> Result<Self, Unknown> {
        Self::ALL
            .into_iter()
            .find(|known| known.as_str() == text)
            .ok_or_else(|| Unknown(text.to_owned(), "change of an account"))
    }
}

/// The daemon's answer to an act.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "answer", rename_all = "kebab-case", deny_unknown_fields)]
pub enum ActAnswer {
    /// Done, and audited.
    Done,
    /// Not done; the attempt is audited as well.
    Refused {
        /// What was expected, for the person.
        why: String,
    },
}

/// Why the line stood still, in one of a few words, so that stops can be added up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum StopReason {
    /// A break that was planned.
    Break,
    /// Another product, lot or work order.
    Changeover,
    /// No units, or nowhere to put them.
    Material,
    /// Work on the fixture that was planned.
    Maintenance,
    /// Something about the product that a person has to look at.
    Quality,
    /// Too many units failed in the same way.
    Unit,
    /// A fault of the fixture.
    Fixture,
    /// A fault of the network.
    Network,
    /// Anything else.
    Other,
}

impl StopReason {
    /// Every one.
    pub const ALL: [Self; 9] = [
        Self::Break,
        Self::Changeover,
        Self::Material,
        Self::Maintenance,
        Self::Quality,
        Self::Unit,
        Self::Fixture,
        Self::Network,
        Self::Other,
    ];

    /// The name in records, kebab-case.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Break => "break",
            Self::Changeover => "changeover",
            Self::Material => "material",
            Self::Maintenance => "maintenance",
            Self::Quality => "quality",
            Self::Unit => "unit",
            Self::Fixture => "fixture",
            Self::Network => "network",
            Self::Other => "other",
        }
    }

    /// Whether time that is stood still for it was planned, so that it takes nothing from the line's availability.
    pub const fn is_planned(self) -> bool {
        matches!(self, Self::Break | Self::Maintenance)
    }

    /// The reason of a stop. What stopped the line by itself has a code, whose class tells; a person begins the reason with the word and a colon,
    /// as in "changeover: lot 12".
    pub fn told(code: Option<VerdictCode>, cause: &str) -> Self {
        match code.map(VerdictCode::class) {
            Some(Class::Unit) => Self::Unit,
            Some(Class::Fixture) => Self::Fixture,
            Some(Class::Network) => Self::Network,
            Some(Class::Evidence | Class::Operator | Class::Power) => Self::Other,
            None => cause
                .split(':')
                .map(str::trim)
                .find_map(|word| word.parse().ok())
                .unwrap_or(Self::Other),
        }
    }
}

impl FromStr for StopReason {
    type Err = Unknown;

    fn from_str(text: &str) -> Result<Self, Unknown> {
        Self::ALL
            .into_iter()
            .find(|known| known.as_str().eq_ignore_ascii_case(text))
            .ok_or_else(|| Unknown(text.to_owned(), "reason of a stop"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stop_tells_its_reason_by_its_code_or_its_first_word() {
        assert_eq!(
            StopReason::told(Some(VerdictCode::NetworkDown), "break: no"),
            StopReason::Network
        );
        assert_eq!(StopReason::told(Some(VerdictCode::StuckDns), ""), StopReason::Unit);
        assert_eq!(StopReason::told(None, "Changeover: lot 12"), StopReason::Changeover);
        assert_eq!(
            StopReason::told(None, "stopped by zoë: break: lunch"),
            StopReason::Break
        );
        assert_eq!(StopReason::told(None, "smoke"), StopReason::Other);
    }
}
