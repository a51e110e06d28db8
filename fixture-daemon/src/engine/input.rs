//! What the engine is told.

use core::time::Duration;

use blinkup::Tick;
use blinkup::packet::{PlanId, Token};
use fixture_ledger::record::{Purpose, StandingVerdict, UnitHistory};
use fixture_link::act::{ActRequest, Mark};
use fixture_link::bless::BlessEvent;
use fixture_link::identity::{LaneId, RunId, Serial, WallTime};
use fixture_link::verdict::VerdictCode;

use super::recipe::Recipe;

/// One thing that happened.
#[derive(Debug, Clone)]
pub enum Input {
    /// Something in a lane.
    Lane(LaneId, LaneInput),
    /// A person did something.
    Act {
        /// What, and who.
        request: ActRequest,
        /// What it rests on.
        facts: Box<ActFacts>,
    },
    /// The cloud says something about a blessing; the line finds the lane.
    Bless(BlessEvent),
    /// The fixture has looked at the line's network.
    Network(NetworkSeen),
    /// Whether the fixture has passed its gauge study, where it passes no unit without: why it has not, or `None`.
    Studied(Option<String>),
    /// A golden check is due.
    CheckDue(CheckDue),
    /// Another version of one of the line's recipes is stored: the runs that begin from now on are run by it.
    Recipe(Box<Recipe>),
    /// Time has come: the deadline that the engine asked for.
    Tick,
}

/// That a golden check is due.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CheckDue {
    /// Of which lane; `None` for every one.
    pub lane: Option<LaneId>,
    /// Since when, only to be shown.
    pub since: WallTime,
    /// From when on the lane passes no unit without it.
    pub overdue: Tick,
    /// What of it is done already.
    pub done: Vec<Purpose>,
}

/// What an act rests on besides the line's own state.
#[derive(Debug, Clone, Default)]
pub struct ActFacts {
    /// When it is done, only to be shown.
    pub at: Option<WallTime>,
    /// What the ledger says about the serial that it names; `None` where it names none.
    pub history: Option<UnitHistory>,
    /// What the notice says that stands of the part that it names; `None` where none does.
    pub notice: Option<String>,
    /// The version of a recipe that it makes, checked as a whole, or why there is none; `None` where it makes none.
    pub recipe: Option<Box<Result<NewRecipe, String>>>,
    /// What the ledger says about the marks of the units of a study that is to begin: of those that are named, or of all that are marked.
    pub marks: Vec<(Serial, Mark)>,
}

/// A version of a recipe that somebody makes, in words. The recipe itself comes by [`Input::Recipe`], once it is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewRecipe {
    /// What its entries are now, with the version before.
    pub before: String,
    /// What they become, with the version after.
    pub after: String,
}

/// What the fixture's own look at the line's network found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NetworkSeen {
    /// What keeps units from connecting; `None` where nothing does.
    pub fault: Option<String>,
    /// What was measured, in one line.
    pub measured: String,
}

/// One thing that happened in a lane. Samples come by `Line::sample`, the hot path.
#[derive(Debug, Clone)]
pub enum LaneInput {
    /// A unit is in the nest and has power since then; it waits for the start button, or for the PLC.
    Placed(Tick),
    /// The unit in the nest is started: by the start button or the PLC, or as the nest's switch closed where there is neither.
    Seated(Seating),
    /// The nest switch opened.
    Lifted,
    /// An answer to [`RequestToken`](super::effect::LaneEffect::RequestToken).
    Token {
        /// The run that asked.
        run: RunId,
        /// The token, or why there is none (already tried again as often as the source allows).
        answer: Result<TokenGrant, String>,
    },
    /// An answer to [`PollClaim`](super::effect::LaneEffect::PollClaim).
    Claim {
        /// The run that asked.
        run: RunId,
        /// What the cloud says.
        answer: ClaimAnswer,
    },
    /// What the lamp shows from a moment on: one for every symbol of a transmission, in order, the last one dark; and both ends of a
    /// test flash. The engine knows from it which samples saw the LED undisturbed, and what loop-back saw. It may come a little later
    /// than samples that were taken after it.
    Lamp(LampEdge),
    /// The sender has finished or given up a transmission.
    Sent(SendReport),
    /// The lane's imp transmitter tells of the blessing of a unit that it configured; it names the device, which may not be known yet.
    Bless(BlessEvent),
    /// The test flash in the empty nest is over.
    TestFlashed,
    /// The unit's power was off and is on again.
    PowerCycled,
    /// The sensor failed; the next good sample ends it.
    SensorFailed(String),
    /// Another part of the lane has failed, or works again (`None`).
    Part {
        /// Which.
        part: Part,
        /// Why it does not work, one sentence.
        fault: Option<String>,
    },
    /// An answer to [`Commit`](super::effect::LaneEffect::Commit), and to `BeginRun`.
    Stored {
        /// The run.
        run: RunId,
        /// Committed and synced, or why not.
        result: Result<(), String>,
    },
    /// At start: the verdict that was shown when the last process ended and whose unit is still in the nest.
    Standing(StandingVerdict),
}

/// A part of a lane that can fail beside lamp and sensor.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Part {
    /// The nest's switch: nobody knows any more whether a unit is there, so a run cannot go on.
    Nest,
    /// The relay of the unit's power: nobody knows any more whether the unit has any, so a run cannot go on.
    Power,
    /// The label of the last unit that passed: the verdict stands, and the lane waits.
    Label,
}

impl Part {
    /// What a lane that stands still for it says.
    pub const fn code(self) -> VerdictCode {
        match self {
            Self::Nest | Self::Power => VerdictCode::NestFault,
            Self::Label => VerdictCode::LabelFailed,
        }
    }
}

/// A unit in the nest.
#[derive(Debug, Clone)]
pub struct Seating {
    /// The id for the run that may follow (the driver makes ids).
    pub run: RunId,
    /// The serial scanned for this lane, where one was.
    pub serial: Option<Serial>,
    /// What the ledger says about that serial.
    pub history: UnitHistory,
}

/// A token for one transmission. Its `Debug` shows the id only.
#[derive(Clone)]
pub struct TokenGrant {
    /// The id by which the cloud's answers name it; not secret.
    pub id: String,
    /// The token itself; secret.
    pub token: Token,
    /// The plan.
    pub plan: PlanId,
}

impl core::fmt::Debug for TokenGrant {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("TokenGrant")
            .field("id", &self.id)
            .finish_non_exhaustive()
    }
}

/// What the cloud says about a token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ClaimAnswer {
    /// No device has used it yet.
    NotYet,
    /// A device has.
    Claimed {
        /// The device id, 16 hex digits.
        device_id: String,
        /// The agent's URL, where there is one.
        agent_url: Option<String>,
    },
    /// The question could not be answered now.
    Failed(String),
    /// The token's source never tells who used it: there is no use in asking again.
    NobodyKnows,
}

/// A change of a lamp's light as measured by the sender.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LampEdge {
    /// When the pins had not been told yet: the light changed between then and `at`.
    pub from: Tick,
    /// When the pins had changed.
    pub at: Tick,
    /// What the lamp shows since.
    pub symbol: blinkup::Symbol,
}

/// How a transmission went.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SendReport {
    /// The run.
    pub run: RunId,
    /// Which attempt, from 1.
    pub attempt: u32,
    /// When its first symbol was shown.
    pub began: Tick,
    /// When its last symbol ended.
    pub ended: Tick,
    /// Symbols shown.
    pub symbols: u32,
    /// How it ended.
    pub end: SendEnd,
    /// How late the latest symbol was; one that does not change the light is not late.
    pub latest: Duration,
    /// Symbols by lateness, as in `fixture_ledger::record::Attempt::lateness`.
    pub lateness: [u32; 21],
}

/// How a transmission ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SendEnd {
    /// Every symbol was shown.
    Complete,
    /// The engine stopped it.
    Stopped,
    /// A symbol was later than the limit; the rest was not sent.
    Late,
    /// The lamp's driver failed, or the imp in its place.
    LampFailed(String),
    /// The imp in the lamp's place says that it sent nothing, and why: no token, no network.
    NotSent(String),
}
