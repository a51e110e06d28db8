//! The state of the fixture as screen and pages see it.

use blinkup::codes::Colour;
use serde::{Deserialize, Serialize};

use crate::identity::{LaneId, RunId, Serial, WallTime};
use crate::purpose::Purpose;
use crate::study::StudyView;
use crate::verdict::{Outcome, Refusal, VerdictCode};

/// Everything that is shown live, whole: a viewer needs no history to draw it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Snapshot {
    /// The version of this message, [`VERSION`](crate::VERSION).
    pub version: u32,
    /// Counts up with every snapshot that this daemon process publishes.
    pub beat: u64,
    /// When it was made.
    pub at: WallTime,
    /// Which fixture.
    pub fixture: Fixture,
    /// The line over the lanes.
    pub line: LineView,
    /// Every lane, in order of number.
    pub lanes: Vec<LaneView>,
    /// What a person should see to, although no lane stands still for it; one a part, without those that are shelved.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub notices: Vec<Notice>,
    /// What somebody put out of sight for a time; one a part.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub shelved: Vec<Shelved>,
    /// What the machine tells about itself.
    #[serde(default)]
    pub machine: Machine,
    /// What this shift has made so far; `None` outside shifts, and where it could not be counted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shift: Option<ShiftView>,
    /// The jig is in the hands of a person who commissions it: no lane takes a unit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub commissioning: Option<Commissioning>,
}

/// What a machine tells about itself; what it does not tell is `None`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Machine {
    /// The processor's temperature in degrees Celsius.
    pub celsius: Option<f32>,
    /// The supply's voltage is too low now.
    pub under_voltage: Option<bool>,
    /// The firmware slows the processor down now.
    pub slowed: Option<bool>,
    /// Life of the most worn memory card that is used up, in per cent, in steps of 10; 110 for more than all of it.
    pub card_worn: Option<u8>,
}

/// What a shift has made so far.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ShiftView {
    /// What the shift is called.
    pub name: String,
    /// Units that passed: in the latest run that ended in PASS or FAIL.
    pub passed: u32,
    /// Units that failed in that run.
    pub failed: u32,
    /// Runs that say nothing about a unit: ERROR, UNDECIDED, ABORTED, INTERRUPTED.
    pub other: u32,
    /// Units that passed in their first run, thousandths of those that had one; `None` before the first.
    pub first_pass_permille: Option<u16>,
    /// Units that the takt asks for by now; `None` without a takt.
    pub wanted: Option<u32>,
}

/// A step of commissioning.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Commissioning {
    /// The lane; `None` when it is about all of them.
    pub lane: Option<LaneId>,
    /// Which step of the lane's, from 1.
    pub step: u32,
    /// How many there are.
    pub of: u32,
    /// What a person is to do, or what is being measured, one sentence.
    pub what: String,
    /// Whose turn it is.
    pub turn: Turn,
    /// What was measured last, in order: the sensor's channels, what came of the steps before.
    pub figures: Vec<Figure>,
}

/// Whose turn it is in commissioning.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Turn {
    /// A person's: the terminal waits.
    Person,
    /// The fixture's: it measures.
    Fixture,
}

/// A figure with its name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Figure {
    /// What it is of.
    pub name: String,
    /// The figure in words, with its unit.
    pub value: String,
}

/// Something that a person should see to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Notice {
    /// The part that it is about: `supply`, `card`, `network`, `scanner`, …
    pub part: String,
    /// What is so, one sentence.
    pub what: String,
    /// What to do about it.
    pub remedy: String,
    /// Since when it is so.
    pub since: WallTime,
}

/// A notice that somebody put out of sight for a time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Shelved {
    /// The notice.
    pub notice: Notice,
    /// Until when, as long as it says the same.
    pub until: WallTime,
    /// By whom.
    pub by: String,
}

/// Which fixture it is, and by what its next units are run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fixture {
    /// The fixture's id, as stored with every run.
    pub id: String,
    /// What people call it.
    pub name: String,
    /// Version of the daemon.
    pub software: String,
    /// Name of the recipe by which the next units are run.
    pub recipe: String,
    /// Its version.
    pub recipe_version: String,
    /// The jig is simulated: everything made from this snapshot must say SIMULATED.
    pub simulated: bool,
    /// A PASS rests on the LED alone (the pass rule `led-only`): everything must say "LED evidence only".
    pub led_evidence_only: bool,
    /// The sender runs without real-time priority.
    pub without_real_time: bool,
}

/// The state of the line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LineView {
    /// The lot that new runs belong to; empty for none.
    pub lot: String,
    /// The work order that they belong to; empty for none.
    #[serde(default)]
    pub work_order: String,
    /// The language that was chosen at the line, as its tag; empty for the configured one.
    #[serde(default)]
    pub language: String,
    /// Why no lane starts a run, where the line is stopped.
    pub stopped: Option<LineStop>,
    /// The gauge study that runs, where one does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub study: Option<StudyView>,
}

/// Why the line is stopped.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LineStop {
    /// The code that stopped it; `None` when a person did.
    pub code: Option<VerdictCode>,
    /// The likely cause or the person's reason, one sentence.
    pub cause: String,
    /// The lane that it was seen on, where it was one.
    pub lane: Option<LaneId>,
    /// Since when.
    pub since: WallTime,
    /// An acknowledgement is wanted before the line goes on.
    pub wants_acknowledgement: bool,
}

/// One lane, live.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LaneView {
    /// The lane.
    pub lane: LaneId,
    /// What it is doing.
    pub state: LaneState,
    /// The unit in the nest, where known.
    pub serial: Option<Serial>,
    /// What that unit is run for: only one for production goes into a box.
    #[serde(default, skip_serializing_if = "Purpose::is_production")]
    pub purpose: Purpose,
    /// The run in progress or just ended.
    pub run: Option<RunId>,
    /// What that is run by, where the next units are run by something else.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub recipe: Option<RecipeView>,
    /// Milliseconds since the unit was seated; 0 without one.
    pub seated_ms: u64,
    /// Milliseconds that what the lane is doing may still take at most; `None` where nothing is timed, or where it ends by a person.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub left_ms: Option<u64>,
    /// The verdict of the unit before, once that is lifted and until the next one starts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last: Option<LastVerdict>,
    /// The golden check that is due here, where one is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub golden_check: Option<CheckView>,
    /// What the LED shows.
    pub led: LedView,
}

/// A version of a recipe.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RecipeView {
    /// Its name.
    pub name: String,
    /// Its version: 16 hex digits.
    pub version: String,
}

/// A golden check that is due.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CheckView {
    /// Since when.
    pub since: WallTime,
    /// Whether the golden unit has passed.
    pub golden: Done,
    /// Whether the known-bad unit has failed; `None` where none is asked for.
    pub known_bad: Option<Done>,
    /// The lane passes no unit until it is done.
    pub overdue: bool,
}

/// Whether something is done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Done {
    /// Not yet.
    No,
    /// It is.
    Yes,
}

/// What became of the unit that was in the nest before.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LastVerdict {
    /// Its run.
    pub run: RunId,
    /// The unit, where it was known.
    pub serial: Option<Serial>,
    /// What it was run for.
    #[serde(default, skip_serializing_if = "Purpose::is_production")]
    pub purpose: Purpose,
    /// Its verdict.
    pub code: VerdictCode,
}

/// What a lane is doing. Closed: a viewer words every one.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "kebab-case", deny_unknown_fields)]
pub enum LaneState {
    /// No unit; waits for the next one.
    Empty,
    /// A unit is in the nest; waits for the start button, or for the PLC.
    ToStart,
    /// A unit is seated; waits for its ready pattern.
    Waiting,
    /// Waits for an enrolment token.
    Token,
    /// The lamp is sending.
    Sending {
        /// Which attempt, from 1.
        attempt: u32,
        /// At most so many.
        of: u32,
        /// Thousandths of the frame that are sent.
        permille: u16,
        /// Symbols a second.
        rate: u8,
    },
    /// Sent; watches the unit connect.
    Watching {
        /// How far the unit got.
        stage: Stage,
        /// Which attempt, from 1.
        attempt: u32,
    },
    /// The verdict is being stored; it is not shown yet.
    Storing,
    /// The verdict, committed; stays until the unit is lifted.
    Verdict {
        /// The outcome.
        outcome: Outcome,
        /// Its code.
        code: VerdictCode,
        /// What exactly was seen, where the code alone does not tell (a status code's id, a reason).
        detail: String,
        /// The device id, where it is known.
        device_id: Option<String>,
        /// The agent's URL, for production tokens.
        agent_url: Option<String>,
        /// It was stored by an earlier process and the unit is still in the nest.
        from_before: bool,
    },
    /// The start was not allowed.
    Refused {
        /// Why.
        refusal: Refusal,
        /// What exactly, where the refusal alone does not tell.
        detail: String,
    },
    /// No unit, and none is taken while the line is stopped; the line's view says why.
    LineStopped,
    /// The lane takes no units, whatever the line does: a part of it has failed, or a person took it out of service.
    Stopped {
        /// Why, one sentence.
        cause: String,
    },
}

impl LaneState {
    /// The name as it is written in a message.
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Empty => "empty",
            Self::ToStart => "to-start",
            Self::Waiting => "waiting",
            Self::Token => "token",
            Self::Sending { .. } => "sending",
            Self::Watching { .. } => "watching",
            Self::Storing => "storing",
            Self::Verdict { .. } => "verdict",
            Self::Refused { .. } => "refused",
            Self::LineStopped => "line-stopped",
            Self::Stopped { .. } => "stopped",
        }
    }
}

/// How far a unit got, in the order of the way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Stage {
    /// Seated; nothing readable yet.
    Seated,
    /// Shows that it can be configured.
    Ready,
    /// Its LED went dark under the lamp.
    Receiving,
    /// The packet arrived.
    Received,
    /// Searching for the network.
    Searching,
    /// Joining the network.
    Joining,
    /// Working through a proxy.
    Proxy,
    /// Bringing up the cellular link.
    Cellular,
    /// Getting an address.
    GettingIp,
    /// Resolving the server's name.
    Resolving,
    /// Connecting to the server.
    Connecting,
    /// Online.
    Connected,
    /// Updating impOS.
    Updating,
    /// Blessed.
    Blessed,
}

impl Stage {
    /// Every one, in the order of the way.
    pub const ALL: [Self; 14] = [
        Self::Seated,
        Self::Ready,
        Self::Receiving,
        Self::Received,
        Self::Searching,
        Self::Joining,
        Self::Proxy,
        Self::Cellular,
        Self::GettingIp,
        Self::Resolving,
        Self::Connecting,
        Self::Connected,
        Self::Updating,
        Self::Blessed,
    ];

    /// The stage's name in records, kebab-case.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Seated => "seated",
            Self::Ready => "ready",
            Self::Receiving => "receiving",
            Self::Received => "received",
            Self::Searching => "searching",
            Self::Joining => "joining",
            Self::Proxy => "proxy",
            Self::Cellular => "cellular",
            Self::GettingIp => "getting-ip",
            Self::Resolving => "resolving",
            Self::Connecting => "connecting",
            Self::Connected => "connected",
            Self::Updating => "updating",
            Self::Blessed => "blessed",
        }
    }
}

/// What a unit's LED shows.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Default)]
#[serde(deny_unknown_fields)]
pub struct LedView {
    /// Ids of the status codes of the standing reading; empty while none stands.
    pub codes: Vec<String>,
    /// Confidence of that reading, 0 to 1.
    pub confidence: f32,
    /// The last ten seconds of light, oldest first.
    pub strip: Vec<StripPiece>,
}

/// A stretch of one colour.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StripPiece {
    /// The colour; `None` where nobody looked at an LED: no unit, no run, or the lamp's light or a fault hid it.
    pub colour: Option<Colour>,
    /// How long, in milliseconds.
    pub ms: u32,
}
