//! What the engine wants done, in order. The driver does it; nothing is shown before it is stored.

use core::time::Duration;

use blinkup::packet::Packet;
use blinkup::{Level, Tick};
use fixture_ledger::record::{Annotation, Attempt, Audited, Purpose, RefusedStart, RunEnd, StopKind};
use fixture_link::bless::BlessEvent;
use fixture_link::identity::{LaneId, RunId, Serial, WallTime};
use fixture_link::snapshot::LineStop;
use fixture_link::verdict::VerdictCode;

use super::recipe::RecipeId;

/// One thing to do.
#[derive(Debug, Clone)]
pub enum Effect {
    /// In a lane.
    Lane(LaneId, LaneEffect),
    /// Store the act with what came of it, then answer the person.
    Audit(Box<Audited>),
    /// Keep the notice of a part out of sight for so long, as long as it says the same.
    Shelve {
        /// The part.
        part: String,
        /// What the notice says.
        what: String,
        /// How long.
        lasts: Duration,
        /// Who wants it.
        by: String,
    },
    /// Store that the line stopped.
    LineStopped(Stop),
    /// Store that a stop was lifted; the line goes on once no other is left.
    StopLifted(StopKind),
    /// A lane's golden check is done.
    CheckDone {
        /// The lane.
        lane: LaneId,
        /// Since when its first part is.
        since: Tick,
    },
    /// Store annotations beside earlier runs.
    Annotate(Vec<Annotation>),
    /// A bless event that belongs to none of the runs that the line still knows; the ledger may.
    UnknownBless(BlessEvent),
    /// The view of the line changed; publish a snapshot.
    Show,
}

/// Why the line is stopped.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stop {
    /// The code that stopped it; `None` when a person did.
    pub code: Option<VerdictCode>,
    /// The likely cause or the person's reason, one sentence.
    pub cause: String,
    /// The lane that it was seen on, where it was one.
    pub lane: Option<LaneId>,
    /// Since when.
    pub since: Tick,
    /// An acknowledgement is wanted before the line goes on.
    pub wants_acknowledgement: bool,
}

impl Stop {
    /// How it is lifted.
    pub fn kind(&self) -> StopKind {
        if self.wants_acknowledgement {
            StopKind::Policy
        } else {
            StopKind::Person
        }
    }

    /// The stop as it is shown, with the wall time of `since`.
    pub fn shown(&self, since: WallTime) -> LineStop {
        LineStop {
            code: self.code,
            cause: self.cause.clone(),
            lane: self.lane,
            since,
            wants_acknowledgement: self.wants_acknowledgement,
        }
    }
}

/// What units belong to, and how the line speaks to people.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Batch {
    /// The lot; empty for none.
    pub lot: String,
    /// The work order; empty for none.
    pub work_order: String,
    /// Who works at the line; empty for nobody in particular.
    pub operator: String,
    /// The language at the line, as its tag; empty for the configured one.
    pub language: String,
}

impl Batch {
    /// The operator, or somebody else where nobody in particular works at the line.
    pub fn operator_or(&self, other: &str) -> String {
        if self.operator.is_empty() {
            other
        } else {
            &self.operator
        }
        .to_owned()
    }
}

/// One thing to do in a lane.
#[derive(Debug, Clone)]
pub enum LaneEffect {
    /// Commit the run's first record; answered by `Stored`.
    BeginRun {
        /// The id from the seating.
        run: RunId,
        /// The unit.
        serial: Option<Serial>,
        /// The lot and the work order at that moment.
        batch: Batch,
        /// What the unit is run for.
        purpose: Purpose,
        /// What it is run by.
        recipe: RecipeId,
        /// When the run began; all times of its records count from here.
        seated: Tick,
    },
    /// Store a start that was not allowed, and by which recipe the unit would have been run.
    Refuse(RefusedStart, RecipeId),
    /// Get a token; answered by `Token`.
    RequestToken {
        /// The run that asks.
        run: RunId,
        /// Which attempt it is for, from 1.
        attempt: u32,
    },
    /// Ask who has used a token; answered by `Claim`.
    PollClaim {
        /// The run that asks.
        run: RunId,
        /// The token's id.
        token_id: String,
    },
    /// Send a packet; answered by `Lamp` at every symbol and `Sent` at the end.
    Send(Transmission),
    /// Have the lane's imp send with a token of its own; answered by `Sent`, as soon as it is known that the imp is dark.
    SendByImp {
        /// The run.
        run: RunId,
        /// Which attempt, from 1.
        attempt: u32,
    },
    /// Stop sending at once, lamp dark; answered by `Sent`. An imp cannot be stopped: its answer comes when it is done.
    StopSending,
    /// Flash the lamp in the empty nest (full light for `on`), so that the sensor proves itself; answered by two `Lamp` edges and then
    /// `TestFlashed`.
    TestFlash {
        /// How long bright.
        on: Duration,
    },
    /// Take the unit's power away for `off`, then give it again; answered by `PowerCycled`.
    PowerCycle {
        /// How long without power.
        off: Duration,
    },
    /// Store an attempt as soon as it has ended, so that a run cut short keeps it.
    RecordAttempt {
        /// The run.
        run: RunId,
        /// The attempt.
        attempt: Attempt,
    },
    /// Commit and sync the whole run; answered by `Stored`. Only then is the verdict shown.
    Commit(Box<RunEnd>),
    /// Store that the unit whose verdict stood was lifted.
    RecordLifted(RunId),
    /// What tower light and PLC lines show for this lane.
    Signal(Signal),
}

/// A frame to send.
#[derive(Clone)]
pub struct Transmission {
    /// The run.
    pub run: RunId,
    /// Which attempt, from 1.
    pub attempt: u32,
    /// The packet; secret.
    pub packet: Packet,
    /// Symbols a second, 10 to 60.
    pub rate: u8,
    /// Light of a bright symbol.
    pub bright: Level,
    /// Light of a mid symbol.
    pub mid: Level,
    /// Preamble bytes, 3 or more (about one second in all).
    pub preamble: u16,
    /// The lateness that voids the attempt.
    pub late_limit: Duration,
}

impl core::fmt::Debug for Transmission {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Transmission")
            .field("run", &self.run)
            .field("attempt", &self.attempt)
            .field("rate", &self.rate)
            .finish_non_exhaustive()
    }
}

/// What a lane tells the world outside: tower light and PLC lines.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Signal {
    /// Ready for a unit.
    Ready,
    /// A run is in progress.
    Busy,
    /// The committed verdict is PASS.
    Pass,
    /// The committed verdict is FAIL.
    Fail,
    /// A person is needed: ERROR, UNDECIDED, ABORTED, a refusal, a stop.
    Attention,
}
