//! What a person does: always audited, with who, when and why.

use core::str::FromStr;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::identity::{LaneId, Serial};
use crate::role::Role;
use crate::study::StudyStep;
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
    /// Sets a unit aside: it is not run until somebody disposes of it.
    Quarantine {
        /// The unit.
        serial: Serial,
        /// Why, 1 to 200 characters.
        reason: String,
    },
    /// Says what becomes of a unit.
    Dispose {
        /// The unit.
        serial: Serial,
        /// What becomes of it.
        disposition: Disposition,
        /// Why, 1 to 200 characters.
        reason: String,
    },
    /// Says what a unit is run for from its next run on.
    Mark {
        /// The unit.
        serial: Serial,
        /// What it is.
        mark: Mark,
        /// Why, 1 to 200 characters.
        reason: String,
    },
    /// Begins a golden check now, whenever the next one is due.
    GoldenCheck {
        /// The lane; `None` for every one.
        lane: Option<LaneId>,
    },
    /// Begins, ends or gives up a gauge study.
    Study {
        /// What is to become of it.
        step: StudyStep,
        /// Why, 1 to 200 characters.
        reason: String,
    },
    /// Puts a notice out of sight for a time, as long as it says the same.
    Shelve {
        /// The part that the notice is about.
        part: String,
        /// For how many minutes, 1 to 1440.
        minutes: u16,
        /// Why, 1 to 200 characters.
        reason: String,
    },
    /// Makes another version of a recipe: the runs that begin from then on are run by it.
    Recipe {
        /// The recipe's name.
        recipe: String,
        /// What becomes another.
        change: RecipeChange,
        /// Why, 1 to 200 characters.
        reason: String,
    },
    /// Chooses the language at the line.
    Language {
        /// Its tag, such as `de` or `zh-Hans`; empty for the configured one.
        language: String,
    },
}

impl Act {
    /// The longest that a notice can be shelved, in minutes.
    pub const LONGEST_SHELVED: u16 = 24 * 60;

    /// The unit that it names, where it names one.
    pub const fn serial(&self) -> Option<&Serial> {
        match self {
            Self::Start { serial, .. } => serial.as_ref(),
            Self::Unlock { serial, .. }
            | Self::Quarantine { serial, .. }
            | Self::Dispose { serial, .. }
            | Self::Mark { serial, .. } => Some(serial),
            Self::Stop { .. }
            | Self::Acknowledge { .. }
            | Self::Lot { .. }
            | Self::WorkOrder { .. }
            | Self::Operator { .. }
            | Self::GoldenCheck { .. }
            | Self::Study { .. }
            | Self::Shelve { .. }
            | Self::Account { .. }
            | Self::Recipe { .. }
            | Self::Language { .. } => None,
        }
    }

    /// Why it is done, where it must say so.
    pub fn reason(&self) -> Option<&str> {
        match self {
            Self::Stop { reason, .. }
            | Self::Unlock { reason, .. }
            | Self::Quarantine { reason, .. }
            | Self::Dispose { reason, .. }
            | Self::Mark { reason, .. }
            | Self::Recipe { reason, .. }
            | Self::Study { reason, .. }
            | Self::Shelve { reason, .. } => Some(reason),
            Self::Start { .. }
            | Self::Acknowledge { .. }
            | Self::Lot { .. }
            | Self::WorkOrder { .. }
            | Self::Operator { .. }
            | Self::GoldenCheck { .. }
            | Self::Account { .. }
            | Self::Language { .. } => None,
        }
    }

    /// Which kind it is.
    pub const fn kind(&self) -> ActKind {
        match self {
            Self::Start { .. } => ActKind::Start,
            Self::Stop { .. } => ActKind::Stop,
            Self::Acknowledge { .. } => ActKind::Acknowledge,
            Self::Unlock { .. } => ActKind::Unlock,
            Self::Lot { .. } => ActKind::Lot,
            Self::WorkOrder { .. } => ActKind::WorkOrder,
            Self::Operator { .. } => ActKind::Operator,
            Self::Quarantine { .. } => ActKind::Quarantine,
            Self::Dispose { .. } => ActKind::Dispose,
            Self::Mark { .. } => ActKind::Mark,
            Self::GoldenCheck { .. } => ActKind::GoldenCheck,
            Self::Study { .. } => ActKind::Study,
            Self::Shelve { .. } => ActKind::Shelve,
            Self::Recipe { .. } => ActKind::Recipe,
            Self::Language { .. } => ActKind::Language,
            Self::Account { .. } => ActKind::Account,
        }
    }
}

/// Kinds of acts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ActKind {
    /// [`Act::Start`].
    Start,
    /// [`Act::Stop`].
    Stop,
    /// [`Act::Acknowledge`].
    Acknowledge,
    /// [`Act::Unlock`].
    Unlock,
    /// [`Act::Lot`].
    Lot,
    /// [`Act::WorkOrder`].
    WorkOrder,
    /// [`Act::Operator`].
    Operator,
    /// [`Act::Quarantine`].
    Quarantine,
    /// [`Act::Dispose`].
    Dispose,
    /// [`Act::Mark`].
    Mark,
    /// [`Act::GoldenCheck`].
    GoldenCheck,
    /// [`Act::Study`].
    Study,
    /// [`Act::Shelve`].
    Shelve,
    /// [`Act::Recipe`].
    Recipe,
    /// [`Act::Language`].
    Language,
    /// [`Act::Account`].
    Account,
}

impl ActKind {
    /// Every one.
    pub const ALL: [Self; 16] = [
        Self::Start,
        Self::Stop,
        Self::Acknowledge,
        Self::Unlock,
        Self::Lot,
        Self::WorkOrder,
        Self::Operator,
        Self::Quarantine,
        Self::Dispose,
        Self::Mark,
        Self::GoldenCheck,
        Self::Study,
        Self::Shelve,
        Self::Recipe,
        Self::Language,
        Self::Account,
    ];

    /// The name in messages and records, kebab-case.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Start => "start",
            Self::Stop => "stop",
            Self::Acknowledge => "acknowledge",
            Self::Unlock => "unlock",
            Self::Lot => "lot",
            Self::WorkOrder => "work-order",
            Self::Operator => "operator",
            Self::Quarantine => "quarantine",
            Self::Dispose => "dispose",
            Self::Mark => "mark",
            Self::GoldenCheck => "golden-check",
            Self::Study => "study",
            Self::Shelve => "shelve",
            Self::Recipe => "recipe",
            Self::Language => "language",
            Self::Account => "account",
        }
    }
}

impl FromStr for ActKind {
    type Err = Unknown;

    fn from_str(text: &str) -> Result<Self, Unknown> {
        Self::ALL
            .into_iter()
            .find(|known| known.as_str() == text)
            .ok_or_else(|| Unknown(text.to_owned(), "act"))
    }
}

/// What becomes another of a recipe.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RecipeChange {
    /// Entries of it: `NAME=VALUE` as in its file, such as `times.stage="20s"`; with `-` for a value the entry is left out.
    Entries(Vec<String>),
    /// All of it: it is again as it was in an earlier version, of 16 hex digits.
    Version(String),
}

impl RecipeChange {
    /// The most entries that are changed at once.
    pub const MOST_ENTRIES: usize = 32;
    /// The longest entry, in characters.
    pub const LONGEST_ENTRY: usize = 500;
}

/// What becomes of a unit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Disposition {
    /// It is mended, and run again as if it had never been run.
    Rework,
    /// It is thrown away: it is never run again.
    Scrap,
    /// It goes back to whoever made it: it is not run.
    Rma,
    /// It goes on as it is: what set it aside no longer counts, and where it has passed it is not run again.
    Release,
}

impl Disposition {
    /// Every one.
    pub const ALL: [Self; 4] = [Self::Rework, Self::Scrap, Self::Rma, Self::Release];

    /// The name in messages and records, kebab-case.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Rework => "rework",
            Self::Scrap => "scrap",
            Self::Rma => "rma",
            Self::Release => "release",
        }
    }
}

impl FromStr for Disposition {
    type Err = Unknown;

    fn from_str(text: &str) -> Result<Self, Unknown> {
        Self::ALL
            .into_iter()
            .find(|known| known.as_str() == text)
            .ok_or_else(|| Unknown(text.to_owned(), "disposition"))
    }
}

/// What a unit is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Mark {
    /// One to be sold.
    #[default]
    Ordinary,
    /// One that is known to be good: the fixture must pass it.
    Golden,
    /// One that is known to be bad: the fixture must not pass it.
    KnownBad,
}

impl Mark {
    /// Every one.
    pub const ALL: [Self; 3] = [Self::Ordinary, Self::Golden, Self::KnownBad];

    /// The name in messages and records, kebab-case.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Ordinary => "ordinary",
            Self::Golden => "golden",
            Self::KnownBad => "known-bad",
        }
    }
}

impl FromStr for Mark {
    type Err = Unknown;

    fn from_str(text: &str) -> Result<Self, Unknown> {
        Self::ALL
            .into_iter()
            .find(|known| known.as_str() == text)
            .ok_or_else(|| Unknown(text.to_owned(), "mark"))
    }
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

    #[test]
    fn a_change_of_a_recipe_is_the_same_after_its_way_over_the_link() {
        let change = |change| Act::Recipe {
            recipe: "claimed".to_owned(),
            change,
            reason: "quick".to_owned(),
        };
        let entries = change(RecipeChange::Entries(vec!["times.stage=\"20s\"".to_owned()]));
        let sent = serde_json::to_string(&entries).unwrap();
        assert_eq!(
            sent,
            r#"{"kind":"recipe","recipe":"claimed","change":{"entries":["times.stage=\"20s\""]},"reason":"quick"}"#
        );
        let back = change(RecipeChange::Version("0123456789abcdef".to_owned()));
        for act in [entries, back] {
            let sent = serde_json::to_string(&act).unwrap();
            assert_eq!(serde_json::from_str::<Act>(&sent).unwrap(), act);
            assert_eq!(act.kind().as_str().parse::<ActKind>(), Ok(ActKind::Recipe));
        }
        let neither = r#"{"kind":"recipe","recipe":"claimed","change":{},"reason":"quick"}"#;
        serde_json::from_str::<Act>(neither).unwrap_err();
    }
}
