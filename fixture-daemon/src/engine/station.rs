//! One lane's decisions about the unit in its nest: from seated to a verdict.
//!
//! The station is told what the LED showed, what the lamp did and what the cloud said; it never sees a sample. Its verdict goes to
//! the line first ([`Station::conclusion`], [`Station::commit`]), which may know better, and is shown only once it is stored.

use core::time::Duration;

use blinkup::Level;
use blinkup::Tick;
use blinkup::codes::Colour;
use blinkup::frame::SymbolRate;
use blinkup::packet::{Enrolment, Packet, PlanId, Settings, Token};
use blinkup::reader::{Observed, Shade};
use fixture_ledger::record::{
    AttemptResult, EvidenceKind, LoopBack, Measurement, Purpose, RefusedStart, RunEnd, StandingVerdict, UnitHistory,
};
use fixture_link::bless::BlessEvent;
use fixture_link::identity::{LaneId, RunId, Serial};
use fixture_link::purpose::Says;
use fixture_link::snapshot::{LaneState, LastVerdict, Stage};
use fixture_link::verdict::{Outcome, Refusal, VerdictCode};

use super::effect::{Batch, LaneEffect, Signal, Transmission};
use super::flashing::GoesOn;
use super::input::{ClaimAnswer, Seating, SendEnd, SendReport, TokenGrant};
use super::meaning::{Meaning, Meanings};
use super::nest::{Flash, NestReport};
use super::recipe::{PassRule, Recipe, Rung};
use super::run::{self, Claimed, Light, Lit, Presence, Run};
use super::watch::{FAULT_STANDS, Judgement, PATTERN_STANDS, Watch};

/// How long after its last symbol a packet may go unanswered.
const ANSWER_WITHIN: Duration = Duration::from_secs(6);
/// A ready pattern read this long after the last symbol is no memory of the light before.
const ANSWER_SETTLES: Duration = Duration::from_secs(1);
/// How long a connection stage must stand after a red flash before it says that the packet arrived all the same.
const STAGE_AFTER_FLASH: Duration = Duration::from_secs(3);
/// How much earlier than the last symbol's end the unit may show green: it knows the packet's end before the tail.
const TAIL_LEEWAY: Duration = Duration::from_millis(700);
/// The longest red flash of a bad packet (the table's 400 ms, and the edge's wander).
const LONGEST_FLASH: Duration = Duration::from_millis(430);
/// What a single red flash says before a transmission, and after one was answered.
const POWER_UP_FLASH: &str = "a single red flash, as at power-up";
const RESTART_FLASH: &str = "a single red flash, as of a unit that starts again";
/// How long a unit may take from the first symbol to stop flashing.
const NOTICES_WITHIN: Duration = Duration::from_millis(600);
/// Flashes after that which say that it does not see the lamp: two periods of the ready pattern.
const FLASHES_OF_A_BLIND_UNIT: u32 = 2;
/// Dark for so long is longer than any dark step of a ready pattern: the unit is receiving.
const RECEIVING_DARK: Duration = Duration::from_millis(1500);
/// How long a unit stays without power when it is restarted.
const POWER_OFF: Duration = Duration::from_secs(2);
/// How long the relay may take beyond that.
const POWER_WITHIN: Duration = Duration::from_secs(10);
/// How long the sender may take to report that it stopped.
const STOPS_WITHIN: Duration = Duration::from_secs(3);
/// How long an imp transmitter may take for its token (`hw/imp-transmitter/PROTOCOL.md`, "no token in 20 s").
const IMP_TOKEN: Duration = Duration::from_secs(20);
/// How long until an imp transmitter must have said what became of an order: its token, the longest frame, and every repetition on its line.
const IMP_WITHIN: Duration = Duration::from_secs(50);
/// How long the sender may take beyond the frame to report that it is done.
const SENDER_LEEWAY: Duration = Duration::from_secs(5);
/// How long a unit that is ready takes to be known as ready: two periods of the ready pattern, and the LED's start.
const READY_TAKES: Duration = Duration::from_secs(3);
/// What must be left of the listening window when the frame ends.
const WINDOW_MARGIN: Duration = Duration::from_millis(500);
/// What a listening window needs beside the frame: until the ready pattern is read and a token is there, and what must be left.
pub const WINDOW_BESIDE_FRAME: Duration = Duration::from_secs(3);
/// How long the verdict of a unit that is no longer in the nest is still shown.
const SHOWN_AFTER_LIFTING: Duration = Duration::from_secs(10);

/// What facts say in the evidence by which a stored run is told once more.
pub mod words {
    /// The lamp was seen to send as it should.
    pub const LAMP_SEEN: &str = "the lamp is seen";
    /// How a fact begins that says that the unit goes on flashing under the lamp.
    pub const GOES_ON: &str = "goes on flashing";
    /// The unit's power supply restarted it.
    pub const RESTARTED: &str = "restarted by its power supply";
    /// How a fact begins that names a token which was given.
    pub const TOKEN: &str = "token ";
    /// How a fact begins that says that there was none, and why.
    pub const NO_TOKEN: &str = "refused: ";
    /// How a fact begins that names the device which claimed the token.
    pub const CLAIMED: &str = "claimed by device ";
    /// What a bless event says.
    pub const BLESSED: &str = "blessed";
    /// What a bless event says otherwise.
    pub const REFUSED: &str = "blessing refused";
    /// A bless event that names no device.
    pub const UNNAMED: &str = "unnamed";
}

/// What does not change from run to run, for every station of a line.
#[derive(Debug, Clone)]
pub struct Rules {
    /// The recipe.
    pub recipe: Recipe,
    /// What patterns mean under it.
    pub meanings: Meanings,
}

/// Whether the lane can restart a unit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum UnitPower {
    /// A relay can take the unit's power away.
    Relay,
    /// The nest powers the unit; only reseating restarts it.
    Nest,
}

/// What sends to a lane's units.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Transmitter {
    /// The lane's lamp, symbol by symbol.
    Lamp,
    /// An imp, whole frames with a token of its own.
    Imp {
        /// Symbols a second.
        rate: u8,
    },
}

/// What a lane has for its units.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Equipment {
    /// How a unit is powered.
    pub unit_power: UnitPower,
    /// What sends to it.
    pub transmitter: Transmitter,
    /// The share of its lamp's light that every level is scaled by, above 0 to 1.
    pub light: f32,
}

/// What loop-back says of the lamp that is sending.
#[derive(Debug, Clone, PartialEq)]
pub enum LampSeen {
    /// It sends, as it should.
    Well,
    /// Its light is not there.
    Not(String),
    /// Its light is below the lane's limit.
    Weakly(String),
    /// Its mid light is not what was meant beside its bright light.
    Uneven(String),
    /// Its light follows its edges too late.
    Late(String),
    /// The sensor does not see anything change.
    BySensorStuck(String),
}

/// What loop-back saw of a whole transmission.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Seen {
    /// For the record; `None` where it saw too little to say.
    pub loop_back: Option<LoopBack>,
    /// What it says of the lamp in the end.
    pub lamp: Option<LampSeen>,
    /// Levels and edges beside what was meant.
    pub words: Option<String>,
}

/// One thing that happened to a station.
#[derive(Debug, Clone)]
pub enum StationInput {
    /// A unit was seated (or started) and may run.
    Begin {
        /// The seating.
        seating: Seating,
        /// When the unit got power.
        powered: Tick,
        /// What the empty nest told.
        nest: NestReport,
        /// What the unit belongs to.
        batch: Batch,
        /// What the unit is run for.
        purpose: Purpose,
    },
    /// A unit was seated and may not run.
    Refuse {
        /// The seating.
        seating: Seating,
        /// When the unit got power.
        powered: Tick,
        /// Why.
        refusal: Refusal,
        /// What exactly.
        detail: String,
    },
    /// The unit was lifted.
    Lifted,
    /// The LED said something.
    Observed(Observed),
    /// A token came, or did not.
    Token {
        /// The run that asked.
        run: RunId,
        /// The token, or why there is none.
        answer: Result<TokenGrant, String>,
    },
    /// The cloud said who used the token.
    Claim {
        /// The run that asked.
        run: RunId,
        /// The answer.
        answer: ClaimAnswer,
    },
    /// A symbol began.
    Symbol(Tick),
    /// Loop-back has seen enough of the lamp to say something.
    Lamp(LampSeen),
    /// The unit goes on flashing under the lamp.
    GoesOnFlashing(GoesOn),
    /// A transmission is over, and this is what loop-back saw of it.
    Sent(SendReport, Seen),
    /// The unit has power again.
    PowerCycled,
    /// A part of the lane failed.
    Fault(VerdictCode, String),
    /// The ledger answered.
    Stored {
        /// The run.
        run: RunId,
        /// Whether it was committed.
        result: Result<(), String>,
    },
    /// A verdict stands since before the start.
    Standing(StandingVerdict),
    /// A bless event for this unit.
    Bless(BlessEvent),
    /// A person stopped the run.
    Stop {
        /// Who.
        by: String,
        /// Why.
        reason: String,
    },
    /// Time has come.
    Tick,
}

/// What a deadline is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Reason {
    /// A ready pattern.
    Ready,
    /// A pattern that condemns a unit once it has stood long enough.
    Stands,
    /// A token.
    Token,
    /// The sender's report.
    Sender,
    /// Whether the unit went dark under the lamp.
    Receiving,
    /// The unit's answer to a packet.
    Answer,
    /// A connection stage.
    Stage,
    /// Green or connected being held.
    Hold,
    /// An impOS update.
    Update,
    /// The second witness.
    Witness,
    /// The next question whether the token was claimed.
    Poll,
    /// The unit's restart.
    Power,
    /// The end of a shown verdict.
    Shown,
    /// The check of the empty nest.
    Nest,
    /// A sample, or the sensor's return.
    Sensor,
}

/// One lane's station.
#[derive(Debug)]
pub struct Station {
    lane: LaneId,
    equipment: Equipment,
    phase: Phase,
    /// The verdict of the unit that was lifted last, until the next one starts.
    last: Option<LastVerdict>,
}

#[derive(Debug)]
enum Phase {
    /// No unit.
    Empty,
    /// A unit that may not run.
    Refused {
        seating: Seating,
        powered: Tick,
        refusal: Refusal,
        detail: String,
    },
    /// A run in progress.
    Running(Box<Run>, Step),
    /// The verdict is found; the line looks at it.
    Concluded(Box<Run>, Conclusion),
    /// The record is being committed.
    Storing(Box<Run>, Storing),
    /// The verdict, shown until the unit is lifted.
    Verdict { seated: Tick, shown: Shown },
    /// The verdict of a unit that is gone, shown for a moment.
    Told { shown: Shown, until: Tick },
}

#[derive(Debug)]
enum Step {
    /// Waits until the run's first record is stored; `then` when it is over before that.
    Opening { then: Option<Conclusion> },
    /// Waits for a ready pattern.
    Ready { from: Tick, token: Option<TokenGrant> },
    /// The unit is being restarted.
    PowerCycling { from: Tick, token: Option<TokenGrant> },
    /// Waits for a token.
    Token { from: Tick },
    /// The lamp sends.
    Sending(Sending),
    /// The lamp was told to stop.
    Stopping { sending: Sending, since: Tick, then: After },
    /// Sent; waits for what the unit says.
    Answer { ended: Tick, flash: Option<Tick> },
    /// Received; on its way into the cloud.
    Watching(Watch),
}

/// A transmission in progress.
#[derive(Debug)]
struct Sending {
    by: Transmitter,
    number: u32,
    rung: Rung,
    token_id: Option<String>,
    /// Symbols of the frame.
    of: u32,
    /// Symbols shown.
    shown: u32,
    /// When the first one was.
    began: Option<Tick>,
    /// When the sender's report is overdue.
    overdue: Tick,
    /// When it was seen that the unit went dark.
    went_dark: Option<Tick>,
    /// Flashes of the unit since it should have noticed, or since it went dark.
    flashes: u32,
    /// Whether the unit is watched in the lamp's dark symbols, against the pattern that it showed.
    watched: bool,
    /// What was seen of a unit that goes on with it.
    goes_on: Option<GoesOn>,
    /// When a red flash was seen.
    red: Option<Tick>,
    /// What loop-back said.
    lamp: Option<LampSeen>,
}

impl Sending {
    /// What it is sent with; `light` is the share of its light that the lane's lamp gives.
    fn lit(&self, light: f32) -> Lit {
        Lit {
            rate: self.rung.rate,
            bright: self.rung.bright.fraction() * light,
            mid_share: match self.by {
                Transmitter::Lamp => Some(self.rung.mid_share),
                Transmitter::Imp { .. } => None,
            },
        }
    }

    /// How long the symbols that are not shown yet take.
    fn left(&self) -> Duration {
        let symbols = self.of.saturating_sub(self.shown);
        Duration::from_secs(1) * symbols / u32::from(self.rung.rate.max(1))
    }
}

/// What follows once the lamp is dark.
#[derive(Debug)]
enum After {
    Conclude(Conclusion),
    Retry(AttemptResult),
}

/// A verdict as the station found it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Conclusion {
    /// The code.
    pub code: VerdictCode,
    /// What exactly was seen.
    pub detail: String,
}

#[derive(Debug)]
struct Storing {
    end: Box<RunEnd>,
    /// What the ledger said when it refused this run's verdict.
    refused: Option<String>,
}

#[derive(Debug, Clone)]
struct Shown {
    run: RunId,
    serial: Option<Serial>,
    outcome: Outcome,
    code: VerdictCode,
    detail: String,
    device_id: Option<String>,
    agent_url: Option<String>,
    purpose: Purpose,
    process: Process,
}

impl Shown {
    fn last(self) -> LastVerdict {
        LastVerdict {
            run: self.run,
            serial: self.serial,
            purpose: self.purpose,
            code: self.code,
        }
    }
}

/// Which process stored a verdict that is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Process {
    This,
    Before,
}

/// What a look at the clock says.
enum Due {
    /// Nothing is due before then; `None` while nothing is timed.
    Wait(Option<(Tick, Reason)>),
    /// This is due.
    Now(Go),
}

/// What is due.
enum Go {
    /// The run ends.
    End(VerdictCode, String),
    /// The unit is ready.
    Begin,
    /// The packet has arrived, then.
    Received(Tick),
    /// The attempt has failed.
    Retry(AttemptResult),
    /// The unit is receiving.
    Receiving,
    /// The unit does not see the lamp, or no longer.
    NotReceiving(AttemptResult),
    /// The cloud is to be asked.
    Ask,
    /// The sender does not answer.
    GiveUp,
    /// A shown verdict was shown long enough.
    Forget,
}

impl Station {
    /// A station whose nest is empty.
    pub fn new(lane: LaneId, equipment: Equipment) -> Self {
        Self {
            lane,
            equipment,
            phase: Phase::Empty,
            last: None,
        }
    }

    /// When [`StationInput::Tick`] is next needed, and what for.
    pub fn deadline(&self, rules: &Rules, now: Tick) -> Option<(Tick, Reason)> {
        match self.due(rules, now) {
            Due::Wait(deadline) => deadline,
            Due::Now(_) => Some((now, Reason::Stands)),
        }
    }

    /// Advances by one input and says what must now be done, in order.
    pub fn step(&mut self, rules: &Rules, now: Tick, input: StationInput, out: &mut Vec<LaneEffect>) {
        match input {
            StationInput::Begin {
                seating,
                powered,
                nest,
                batch,
                purpose,
            } => self.begin(now, Run::new(seating, purpose, now, powered, nest), batch, rules, out),
            StationInput::Refuse {
                seating,
                powered,
                refusal,
                detail,
            } => self.refuse(seating, powered, refusal, detail, rules, out),
            StationInput::Lifted => self.lifted(now, out),
            StationInput::Observed(observed) => self.observed(rules, now, &observed),
            StationInput::Token { run, answer } => self.token(rules, now, run, answer, out),
            StationInput::Claim { run, answer } => self.claim(now, run, answer),
            StationInput::Symbol(at) => self.symbol(at),
            StationInput::Lamp(seen) => self.lamp(now, seen, out),
            StationInput::GoesOnFlashing(seen) => self.goes_on_flashing(now, seen),
            StationInput::Sent(report, seen) => self.sent(rules, now, &report, seen, out),
            StationInput::PowerCycled => self.power_cycled(now),
            StationInput::Fault(code, detail) => {
                self.stop_with(now, code, detail, EvidenceKind::Fault, out);
            }
            StationInput::Stored { run, result } => self.stored(rules, now, run, result, out),
            StationInput::Standing(verdict) => self.standing(now, verdict, out),
            StationInput::Bless(event) => self.bless(now, event),
            StationInput::Stop { by, reason } => {
                self.stop_with(
                    now,
                    VerdictCode::StoppedByOperator,
                    format!("{by}: {reason}"),
                    EvidenceKind::Act,
                    out,
                );
            }
            StationInput::Tick => {}
        }
        self.catch_up(rules, now, out);
    }

    // --- the nest -----------------------------------------------------------------------------------------------------

    fn begin(&mut self, now: Tick, run: Run, batch: Batch, rules: &Rules, out: &mut Vec<LaneEffect>) {
        out.push(LaneEffect::BeginRun {
            run: run.id,
            serial: run.serial.clone(),
            purpose: run.purpose,
            batch,
            recipe: rules.recipe.id(),
            seated: now,
        });
        out.push(LaneEffect::Signal(Signal::Busy));
        self.last = None;
        self.phase = Phase::Running(Box::new(run), Step::Opening { then: None });
    }

    fn refuse(
        &mut self,
        seating: Seating,
        powered: Tick,
        refusal: Refusal,
        detail: String,
        rules: &Rules,
        out: &mut Vec<LaneEffect>,
    ) {
        let refused = RefusedStart {
            lane: self.lane,
            serial: seating.serial.clone(),
            refusal,
            detail: detail.clone(),
        };
        out.push(LaneEffect::Refuse(refused, rules.recipe.id()));
        // A second trigger changes nothing about the unit that lies there; a start that is refused again does.
        let this_unit = match &self.phase {
            Phase::Empty | Phase::Told { .. } => true,
            Phase::Refused { seating: there, .. } => there.run == seating.run,
            Phase::Running(..) | Phase::Concluded(..) | Phase::Storing(..) | Phase::Verdict { .. } => false,
        };
        if this_unit {
            out.push(LaneEffect::Signal(Signal::Attention));
            self.phase = Phase::Refused {
                seating,
                powered,
                refusal,
                detail,
            };
        }
    }

    fn lifted(&mut self, now: Tick, out: &mut Vec<LaneEffect>) {
        match core::mem::replace(&mut self.phase, Phase::Empty) {
            Phase::Empty => {}
            told @ Phase::Told { .. } => self.phase = told,
            Phase::Refused { .. } => out.push(LaneEffect::Signal(Signal::Ready)),
            Phase::Running(mut run, step) => {
                run.presence = Presence::Lifted;
                let stage = run.stage.as_str();
                let conclusion = Conclusion {
                    code: VerdictCode::LiftedEarly,
                    detail: format!("lifted at stage {stage}"),
                };
                self.phase = Self::stop(run, step, conclusion, now, out);
            }
            Phase::Concluded(mut run, conclusion) => {
                run.presence = Presence::Lifted;
                self.phase = Phase::Concluded(run, conclusion);
            }
            Phase::Storing(mut run, storing) => {
                run.presence = Presence::Lifted;
                self.phase = Phase::Storing(run, storing);
            }
            Phase::Verdict { shown, .. } => {
                out.push(LaneEffect::RecordLifted(shown.run));
                out.push(LaneEffect::Signal(Signal::Ready));
                self.last = Some(shown.last());
            }
        }
    }

    /// Whether the lane can take a unit.
    pub fn takes_units(&self) -> Takes {
        match &self.phase {
            Phase::Empty | Phase::Told { .. } => Takes::Now,
            Phase::Refused { .. } | Phase::Verdict { .. } => Takes::Occupied,
            Phase::Running(run, _) | Phase::Concluded(run, _) | Phase::Storing(run, _) => match run.presence {
                Presence::Lifted => Takes::Soon,
                Presence::InNest => Takes::Occupied,
            },
        }
    }

    /// The unit whose start was refused, with when it got power.
    pub fn refused(&self) -> Option<(&Seating, Tick, Refusal)> {
        match &self.phase {
            Phase::Refused {
                seating,
                powered,
                refusal,
                ..
            } => Some((seating, *powered, *refusal)),
            Phase::Empty
            | Phase::Running(..)
            | Phase::Concluded(..)
            | Phase::Storing(..)
            | Phase::Verdict { .. }
            | Phase::Told { .. } => None,
        }
    }

    /// What is known of a unit that was refused is another now.
    pub fn learn(&mut self, serial: &Serial, learn: impl Fn(&mut UnitHistory)) {
        if let Phase::Refused { seating, .. } = &mut self.phase
            && seating.serial.as_ref() == Some(serial)
        {
            learn(&mut seating.history);
        }
    }

    /// The unit in the nest.
    pub fn serial(&self) -> Option<&Serial> {
        match &self.phase {
            Phase::Empty | Phase::Told { .. } => None,
            Phase::Refused { seating, .. } => seating.serial.as_ref(),
            Phase::Running(run, _) | Phase::Concluded(run, _) | Phase::Storing(run, _) => match run.presence {
                Presence::InNest => run.serial.as_ref(),
                Presence::Lifted => None,
            },
            Phase::Verdict { shown, .. } => shown.serial.as_ref(),
        }
    }

    /// The run in progress, whose verdict is not found yet.
    pub fn running(&self) -> Option<&Run> {
        match &self.phase {
            Phase::Running(run, _) => Some(run),
            Phase::Empty
            | Phase::Refused { .. }
            | Phase::Concluded(..)
            | Phase::Storing(..)
            | Phase::Verdict { .. }
            | Phase::Told { .. } => None,
        }
    }

    // --- light --------------------------------------------------------------------------------------------------------

    fn observed(&mut self, rules: &Rules, now: Tick, observed: &Observed) {
        let Phase::Running(run, step) = &mut self.phase else {
            return;
        };
        let before = run.colour;
        let green_before = match step {
            Step::Watching(watch) => watch.green(run).filter(|from| now >= *from),
            Step::Opening { .. }
            | Step::Ready { .. }
            | Step::PowerCycling { .. }
            | Step::Token { .. }
            | Step::Sending(_)
            | Step::Stopping { .. }
            | Step::Answer { .. } => None,
        };
        run.observe(observed, &rules.meanings, rules.recipe.confidence);
        let red_flash = red_flash(before, observed);
        match step {
            Step::Opening { .. }
            | Step::Ready { .. }
            | Step::PowerCycling { .. }
            | Step::Token { .. }
            | Step::Stopping { .. } => {
                if let Some(transient) = observed.transient {
                    run.note(transient.from, EvidenceKind::Light, POWER_UP_FLASH);
                }
            }
            Step::Sending(sending) => {
                if let Some(shade) = observed.shade {
                    sending.shade(before, shade);
                }
                if let Some(at) = red_flash.filter(|at| is_another(sending.red, *at)) {
                    sending.red = Some(at);
                    run.note(at, EvidenceKind::Light, "red flash while the lamp was sending");
                }
            }
            Step::Answer { flash, .. } => {
                if let Some(at) = red_flash.filter(|at| is_another(*flash, *at)) {
                    *flash = Some(at);
                    run.note(at, EvidenceKind::Light, "red flash after the transmission");
                }
            }
            Step::Watching(watch) => {
                if let Some(transient) = observed.transient {
                    run.note(transient.from, EvidenceKind::Light, RESTART_FLASH);
                }
                if let Some(shade) = observed.shade {
                    watch.shade(shade, run.flicker);
                }
                if observed.reading.is_some() {
                    watch.reading(run, now);
                }
                match (green_before, watch.green(run)) {
                    // It was the first green of "connected", which is named only now.
                    (Some(_), None) if matches!(run.shows(), Some((Meaning::Connected, _))) => {}
                    (Some(_), None) => {
                        run.note(now, EvidenceKind::Light, "solid green ended");
                        watch.green_ended(now);
                    }
                    (None, Some(from)) if now >= from => {
                        run.note(now, EvidenceKind::Light, "solid green: updating or blessed");
                    }
                    (Some(_) | None, Some(_)) | (None, None) => {}
                }
                if watch.is_online(run, now) {
                    run.online.get_or_insert(now);
                }
            }
        }
    }

    // --- the lamp -----------------------------------------------------------------------------------------------------

    fn symbol(&mut self, at: Tick) {
        if let Phase::Running(_, Step::Sending(sending) | Step::Stopping { sending, .. }) = &mut self.phase
            && sending.by == Transmitter::Lamp
        {
            sending.began.get_or_insert(at);
            sending.shown = (sending.shown + 1).min(sending.of);
        }
    }

    /// Whether the lane watches the unit in the dark symbols of the transmission that was just told.
    pub fn watches(&mut self, watched: bool) {
        if let Phase::Running(_, Step::Sending(sending)) = &mut self.phase {
            sending.watched = watched;
        }
    }

    fn goes_on_flashing(&mut self, now: Tick, seen: GoesOn) {
        if let Phase::Running(run, Step::Sending(sending)) = &mut self.phase {
            sending.goes_on = Some(seen);
            let GoesOn { lit, share } = seen;
            let words = format!(
                "{}: {:.0} % of its light in {lit} samples",
                words::GOES_ON,
                share * 100.0
            );
            run.note(now, EvidenceKind::Light, words);
        }
    }

    fn lamp(&mut self, now: Tick, seen: LampSeen, out: &mut Vec<LaneEffect>) {
        let Phase::Running(run, Step::Sending(sending)) = &mut self.phase else {
            return;
        };
        let conclusion = seen.fault();
        match &conclusion {
            None => run.note(now, EvidenceKind::LoopBack, words::LAMP_SEEN),
            Some((_, detail)) => run.note(now, EvidenceKind::LoopBack, detail.clone()),
        }
        sending.lamp = Some(seen);
        if let Some((code, detail)) = conclusion {
            self.stop_with(now, code, detail, EvidenceKind::Fault, out);
        }
    }

    fn sent(&mut self, rules: &Rules, now: Tick, report: &SendReport, seen: Seen, out: &mut Vec<LaneEffect>) {
        let light = self.equipment.light;
        let Seen { loop_back, lamp, words } = seen;
        let fault = lamp.as_ref().and_then(LampSeen::fault);
        self.running_step(|mut run, step| match step {
            Step::Sending(sending) if report.run == run.id && report.attempt == sending.number => {
                if let Some(words) = words {
                    run.note(now, EvidenceKind::LoopBack, words);
                }
                run.draft(report, sending.lit(light), sending.token_id.clone(), loop_back);
                if let (SendEnd::Complete, Some((code, detail))) = (&report.end, &fault) {
                    run.note(now, EvidenceKind::LoopBack, detail.clone());
                    run.close_attempt(AttemptResult::Stopped, out);
                    return conclude(run, now, *code, detail.clone());
                }
                match &report.end {
                    SendEnd::Complete => {
                        let step = Step::Answer {
                            ended: report.ended,
                            flash: sending.red,
                        };
                        Phase::Running(run, step)
                    }
                    SendEnd::Late => {
                        let words = format!("a symbol was {} ms late: void", report.latest.as_millis());
                        run.note(now, EvidenceKind::Fault, words);
                        Self::retry(run, AttemptResult::Late, rules, now, out)
                    }
                    SendEnd::Stopped => {
                        run.close_attempt(AttemptResult::Stopped, out);
                        conclude(run, now, VerdictCode::LampNotSeen, "the sender stopped by itself")
                    }
                    SendEnd::LampFailed(what) => {
                        run.close_attempt(AttemptResult::LampFailed, out);
                        conclude(
                            run,
                            now,
                            VerdictCode::LampNotSeen,
                            format!("the lamp's driver failed: {what}"),
                        )
                    }
                    SendEnd::NotSent(why) => {
                        run.note(now, EvidenceKind::Token, format!("{}{why}", words::NO_TOKEN));
                        run.close_attempt(AttemptResult::Stopped, out);
                        conclude(
                            run,
                            now,
                            VerdictCode::TokenUnavailable,
                            format!("imp transmitter: {why}"),
                        )
                    }
                }
            }
            Step::Stopping { sending, then, .. } if report.run == run.id && report.attempt == sending.number => {
                run.draft(report, sending.lit(light), sending.token_id, loop_back);
                match (then, fault) {
                    // A unit that was given up under a lamp that was not as it should be.
                    (After::Retry(_), Some((code, detail))) => {
                        run.note(now, EvidenceKind::LoopBack, detail.clone());
                        run.close_attempt(AttemptResult::Stopped, out);
                        conclude(run, now, code, detail)
                    }
                    (After::Retry(result), None) => Self::retry(run, result, rules, now, out),
                    (After::Conclude(conclusion), _) => {
                        run.close_attempt(AttemptResult::Stopped, out);
                        Phase::Concluded(run, conclusion)
                    }
                }
            }
            step @ (Step::Opening { .. }
            | Step::Ready { .. }
            | Step::PowerCycling { .. }
            | Step::Token { .. }
            | Step::Sending(_)
            | Step::Stopping { .. }
            | Step::Answer { .. }
            | Step::Watching(_)) => Phase::Running(run, step),
        });
    }

    /// An attempt has failed: the next one, or the end.
    fn retry(mut run: Box<Run>, result: AttemptResult, rules: &Rules, now: Tick, out: &mut Vec<LaneEffect>) -> Phase {
        run.close_attempt(result, out);
        if result == AttemptResult::Late {
            run.late += 1;
            if run.late >= rules.recipe.attempts {
                let detail = format!("{} attempts were void", run.late);
                return conclude(run, now, VerdictCode::LampLate, detail);
            }
        } else {
            run.failed += 1;
            run.last_failure = Some(result);
            if run.failed >= rules.recipe.attempts {
                let detail = format!("{}; {} attempts", failure_words(result), run.failed);
                return conclude(run, now, failure_code(result), detail);
            }
        }
        Phase::Running(run, Step::Ready { from: now, token: None })
    }

    fn power_cycled(&mut self, now: Tick) {
        self.running_step(|mut run, step| match step {
            Step::PowerCycling { token, .. } => {
                run.power_came(now);
                run.note(now, EvidenceKind::Stage, words::RESTARTED);
                Phase::Running(run, Step::Ready { from: now, token })
            }
            step @ (Step::Opening { .. }
            | Step::Ready { .. }
            | Step::Token { .. }
            | Step::Sending(_)
            | Step::Stopping { .. }
            | Step::Answer { .. }
            | Step::Watching(_)) => Phase::Running(run, step),
        });
    }

    // --- the cloud ----------------------------------------------------------------------------------------------------

    fn token(
        &mut self,
        rules: &Rules,
        now: Tick,
        id: RunId,
        answer: Result<TokenGrant, String>,
        out: &mut Vec<LaneEffect>,
    ) {
        let equipment = self.equipment;
        self.running_step(|mut run, step| match step {
            Step::Token { .. } if run.id == id => match answer {
                Ok(token) => {
                    run.note(now, EvidenceKind::Token, format!("{}{}", words::TOKEN, token.id));
                    Self::proceed(run, Some(token), equipment, rules, now, out)
                }
                Err(why) => {
                    run.note(now, EvidenceKind::Token, format!("{}{why}", words::NO_TOKEN));
                    conclude(run, now, VerdictCode::TokenUnavailable, why)
                }
            },
            step @ (Step::Opening { .. }
            | Step::Ready { .. }
            | Step::PowerCycling { .. }
            | Step::Token { .. }
            | Step::Sending(_)
            | Step::Stopping { .. }
            | Step::Answer { .. }
            | Step::Watching(_)) => Phase::Running(run, step),
        });
    }

    fn claim(&mut self, now: Tick, id: RunId, answer: ClaimAnswer) {
        let Phase::Running(run, Step::Watching(watch)) = &mut self.phase else {
            return;
        };
        if run.id != id {
            return;
        }
        if answer == ClaimAnswer::NobodyKnows {
            watch.never_ask_again();
        } else {
            watch.answered(now);
        }
        match answer {
            ClaimAnswer::NotYet | ClaimAnswer::NobodyKnows => {}
            ClaimAnswer::Claimed { device_id, agent_url } => {
                if run.claimed == Claimed::No {
                    run.note(now, EvidenceKind::Claim, format!("{}{device_id}", words::CLAIMED));
                }
                run.claimed = Claimed::Yes;
                let another = run.bless.take_if(|event| {
                    let named = event.device_id.as_deref();
                    named.is_some_and(|named| !named.eq_ignore_ascii_case(&device_id))
                });
                if let Some(event) = another {
                    let detail = format!("event {} was about another device: it does not count", event.event);
                    run.note(now, EvidenceKind::Bless, detail);
                }
                run.device_id = Some(device_id);
                run.agent_url = agent_url.or(run.agent_url.take());
            }
            ClaimAnswer::Failed(why) => {
                let detail = format!("not answered: {why}");
                // The question is asked every second: the same answer again is no news.
                if !run.noted_last(EvidenceKind::Claim, &detail) {
                    run.note(now, EvidenceKind::Claim, detail);
                }
            }
        }
    }

    fn bless(&mut self, now: Tick, event: BlessEvent) {
        let Phase::Running(run, _) = &mut self.phase else {
            return;
        };
        let said = if event.blessed { words::BLESSED } else { words::REFUSED };
        let device = event.device_id.as_deref().unwrap_or(words::UNNAMED);
        run.note(
            now,
            EvidenceKind::Bless,
            format!("event {}: {said}, device {device}", event.event),
        );
        if run.device_id.is_none() {
            run.device_id.clone_from(&event.device_id);
        }
        run.bless = Some(event);
    }

    // --- sending ------------------------------------------------------------------------------------------------------

    /// The unit is ready: asks for a token, or sends; restarts the unit first where its window would be over too soon.
    fn proceed(
        mut run: Box<Run>,
        token: Option<TokenGrant>,
        equipment: Equipment,
        rules: &Rules,
        now: Tick,
        out: &mut Vec<LaneEffect>,
    ) -> Phase {
        let recipe = &rules.recipe;
        if let Transmitter::Imp { rate } = equipment.transmitter {
            return Self::by_imp(run, rate, equipment, rules, now, out);
        }
        let rung = rung_of(recipe, run.failed);
        let packet = match packet(recipe, token.as_ref()) {
            Ok(packet) => packet,
            Err(why) => return conclude(run, now, VerdictCode::TokenUnavailable, format!("no packet: {why}")),
        };
        let rate = SymbolRate::new(rung.rate).unwrap_or(SymbolRate::FASTEST);
        let frame = packet.frame(rate.preamble());
        let lasts = frame.duration(rate);
        let left = run.window_left(now, recipe.listens_for);
        if lasts + WINDOW_MARGIN > left {
            return Self::out_of_window(run, token, equipment, (lasts, left), now, out);
        }
        if recipe.enrols && token.is_none() {
            out.push(LaneEffect::RequestToken {
                run: run.id,
                attempt: run.next_attempt(),
            });
            return Phase::Running(run, Step::Token { from: now });
        }
        let symbols = u32::try_from(frame.symbol_count()).unwrap_or(u32::MAX);
        let sending = Sending {
            by: Transmitter::Lamp,
            number: run.next_attempt(),
            rung,
            token_id: token.map(|token| token.id),
            of: symbols,
            shown: 0,
            began: None,
            overdue: now + lasts + SENDER_LEEWAY,
            went_dark: None,
            flashes: 0,
            watched: false,
            goes_on: None,
            red: None,
            lamp: None,
        };
        run.tokens.extend(sending.token_id.clone());
        run.power_cycles = 0;
        out.push(LaneEffect::Send(Transmission {
            run: run.id,
            attempt: sending.number,
            packet,
            rate: rate.a_second(),
            bright: rung.bright,
            mid: Level::new(rung.bright.fraction() * rung.mid_share),
            preamble: rate.preamble(),
            late_limit: rate.due(1).mul_f32(recipe.late_limit.max(0.0)),
        }));
        Phase::Running(run, Step::Sending(sending))
    }

    /// The unit is ready, and an imp sends to it: with its own token, at its own rate.
    fn by_imp(
        mut run: Box<Run>,
        rate: u8,
        equipment: Equipment,
        rules: &Rules,
        now: Tick,
        out: &mut Vec<LaneEffect>,
    ) -> Phase {
        let lasts = shortest(&rules.recipe, equipment.transmitter);
        let left = run.window_left(now, rules.recipe.listens_for);
        if lasts + WINDOW_MARGIN > left {
            return Self::out_of_window(run, None, equipment, (lasts, left), now, out);
        }
        let sending = Sending {
            by: equipment.transmitter,
            number: run.next_attempt(),
            rung: Rung {
                rate,
                bright: Level::FULL,
                mid_share: 0.5,
            },
            token_id: None,
            of: 1,
            shown: 0,
            began: None,
            overdue: now + IMP_WITHIN,
            went_dark: None,
            flashes: 0,
            watched: false,
            goes_on: None,
            red: None,
            lamp: None,
        };
        run.power_cycles = 0;
        run.note(
            now,
            EvidenceKind::LoopBack,
            "sent by an imp: levels and edges not measured",
        );
        out.push(LaneEffect::SendByImp {
            run: run.id,
            attempt: sending.number,
        });
        Phase::Running(run, Step::Sending(sending))
    }

    /// The frame would end after the unit has stopped listening.
    fn out_of_window(
        mut run: Box<Run>,
        token: Option<TokenGrant>,
        equipment: Equipment,
        (lasts, left): (Duration, Duration),
        now: Tick,
        out: &mut Vec<LaneEffect>,
    ) -> Phase {
        let words = format!(
            "the frame takes {:.1} s, the unit listens for another {:.1} s",
            lasts.as_secs_f32(),
            left.as_secs_f32()
        );
        if equipment.unit_power == UnitPower::Relay && run.power_cycles == 0 {
            run.note(now, EvidenceKind::Policy, format!("{words}: restarts it"));
            out.push(LaneEffect::PowerCycle { off: POWER_OFF });
            return Phase::Running(run, Step::PowerCycling { from: now, token });
        }
        let (code, before) = run.last_failure.map_or((VerdictCode::NotReady, ""), |result| {
            (failure_code(result), failure_words(result))
        });
        let detail = format!(
            "{before}{}{words}: seat it again",
            if before.is_empty() { "" } else { "; " }
        );
        conclude(run, now, code, detail)
    }

    // --- the end ------------------------------------------------------------------------------------------------------

    fn stop_with(
        &mut self,
        now: Tick,
        code: VerdictCode,
        detail: String,
        kind: EvidenceKind,
        out: &mut Vec<LaneEffect>,
    ) {
        self.running_step(|mut run, step| {
            run.note(now, kind, detail.clone());
            Self::stop(run, step, Conclusion { code, detail }, now, out)
        });
    }

    /// Ends a run wherever it is: the lamp dark first, the first record stored first.
    fn stop(mut run: Box<Run>, step: Step, conclusion: Conclusion, now: Tick, out: &mut Vec<LaneEffect>) -> Phase {
        match step {
            Step::Opening { then } => {
                let then = Some(then.unwrap_or(conclusion));
                Phase::Running(run, Step::Opening { then })
            }
            Step::Sending(sending) => {
                out.push(LaneEffect::StopSending);
                let then = After::Conclude(conclusion);
                Phase::Running(
                    run,
                    Step::Stopping {
                        sending,
                        since: now,
                        then,
                    },
                )
            }
            Step::Stopping { sending, since, then } => {
                let then = match then {
                    After::Conclude(first) => After::Conclude(first),
                    After::Retry(_) => After::Conclude(conclusion),
                };
                Phase::Running(run, Step::Stopping { sending, since, then })
            }
            Step::Answer { .. } => {
                run.close_attempt(AttemptResult::Stopped, out);
                Phase::Concluded(run, conclusion)
            }
            Step::Ready { .. } | Step::PowerCycling { .. } | Step::Token { .. } | Step::Watching(_) => {
                Phase::Concluded(run, conclusion)
            }
        }
    }

    /// The run whose verdict was found and waits for the line's judgement.
    pub fn conclusion(&self) -> Option<(&Run, &Conclusion)> {
        match &self.phase {
            Phase::Concluded(run, conclusion) => Some((run, conclusion)),
            Phase::Empty
            | Phase::Refused { .. }
            | Phase::Running(..)
            | Phase::Storing(..)
            | Phase::Verdict { .. }
            | Phase::Told { .. } => None,
        }
    }

    /// Whether the LED of the run whose verdict was found was ever seen lit.
    pub fn has_lit_up(&self) -> bool {
        matches!(&self.phase, Phase::Concluded(run, _) if run.light == Light::Seen)
    }

    /// Adds a fact to the run whose verdict was found.
    pub fn note(&mut self, now: Tick, kind: EvidenceKind, detail: String) {
        if let Phase::Concluded(run, _) = &mut self.phase {
            run.note(now, kind, detail);
        }
    }

    /// Keeps what was measured of a concluded run's unit.
    pub fn measured(&mut self, measurements: Vec<Measurement>) {
        if let Phase::Concluded(run, _) = &mut self.phase {
            run.measurements = measurements;
        }
    }

    /// Commits the verdict, as the line judged it; `policy` is what the line adds to the evidence.
    pub fn commit(
        &mut self,
        now: Tick,
        judged: Conclusion,
        policy: Option<String>,
        light: RecordedLight,
        out: &mut Vec<LaneEffect>,
    ) {
        match core::mem::replace(&mut self.phase, Phase::Empty) {
            Phase::Concluded(mut run, _) => {
                if let Some(policy) = policy {
                    run.note(now, EvidenceKind::Policy, policy);
                }
                let mut end = run.end(now, judged.code, judged.detail);
                end.trace = light.trace;
                end.samples_lost = light.samples_lost;
                let end = Box::new(end);
                out.push(LaneEffect::Commit(end.clone()));
                self.phase = Phase::Storing(run, Storing { end, refused: None });
            }
            phase @ (Phase::Empty
            | Phase::Refused { .. }
            | Phase::Running(..)
            | Phase::Storing(..)
            | Phase::Verdict { .. }
            | Phase::Told { .. }) => self.phase = phase,
        }
    }

    /// The process ends: the record of a run that has no verdict yet. The station is of no use afterwards.
    pub fn interrupt(&mut self, now: Tick) -> Option<RunEnd> {
        match core::mem::replace(&mut self.phase, Phase::Empty) {
            Phase::Running(mut run, _) | Phase::Concluded(mut run, _) => {
                Some(run.end(now, VerdictCode::Interrupted, String::new()))
            }
            phase @ (Phase::Empty
            | Phase::Refused { .. }
            | Phase::Storing(..)
            | Phase::Verdict { .. }
            | Phase::Told { .. }) => {
                self.phase = phase;
                None
            }
        }
    }

    fn stored(&mut self, rules: &Rules, now: Tick, id: RunId, result: Result<(), String>, out: &mut Vec<LaneEffect>) {
        let equipment = self.equipment;
        self.phase = match core::mem::replace(&mut self.phase, Phase::Empty) {
            Phase::Running(run, Step::Opening { then }) if run.id == id => match (result, then) {
                (Ok(()), Some(conclusion)) => Phase::Concluded(run, conclusion),
                (Ok(()), None) => Self::opened(run, equipment, rules, now, out),
                (Err(why), _) => conclude(run, now, VerdictCode::StoreFailed, why),
            },
            Phase::Storing(run, storing) if run.id == id => match result {
                Ok(()) => Self::show(&run, *storing.end, now, out),
                Err(why) => Self::store_failed(run, storing, why, now, out),
            },
            phase @ (Phase::Empty
            | Phase::Refused { .. }
            | Phase::Running(..)
            | Phase::Concluded(..)
            | Phase::Storing(..)
            | Phase::Verdict { .. }
            | Phase::Told { .. }) => phase,
        };
    }

    /// The first record is stored: waits for the ready pattern, after a restart where the unit waited for its start for too long.
    fn opened(mut run: Box<Run>, equipment: Equipment, rules: &Rules, now: Tick, out: &mut Vec<LaneEffect>) -> Phase {
        let waited = run.seated.since(run.powered);
        let late = is_too_late(&rules.recipe, equipment.transmitter, run.powered, now);
        if equipment.unit_power == UnitPower::Relay && waited > Duration::ZERO && late {
            let words = format!("powered for {} s before its start: restarts it", waited.as_secs());
            run.note(now, EvidenceKind::Policy, words);
            out.push(LaneEffect::PowerCycle { off: POWER_OFF });
            return Phase::Running(run, Step::PowerCycling { from: now, token: None });
        }
        let from = run.seated;
        Phase::Running(run, Step::Ready { from, token: None })
    }

    /// The verdict could not be stored: whatever it was, it is an error now, and that is tried to be stored as well.
    fn store_failed(run: Box<Run>, mut storing: Storing, why: String, now: Tick, out: &mut Vec<LaneEffect>) -> Phase {
        if storing.refused.is_some() {
            return Self::show(&run, *storing.end, now, out);
        }
        storing.end.detail = format!("{why}; the verdict would have been {}", storing.end.code);
        storing.end.code = VerdictCode::StoreFailed;
        // Words from outside may be what the ledger refused: the detail has the reason, the evidence what was said.
        storing.end.device_id = None;
        storing.end.agent_url = None;
        storing.refused = Some(why);
        out.push(LaneEffect::Commit(storing.end.clone()));
        Phase::Storing(run, storing)
    }

    fn show(run: &Run, end: RunEnd, now: Tick, out: &mut Vec<LaneEffect>) -> Phase {
        let shown = Shown {
            run: run.id,
            serial: run.serial.clone(),
            outcome: end.code.outcome(),
            code: end.code,
            detail: end.detail,
            device_id: end.device_id,
            agent_url: end.agent_url,
            purpose: run.purpose,
            process: Process::This,
        };
        match run.presence {
            Presence::InNest => {
                out.push(LaneEffect::Signal(signal(shown.purpose, shown.outcome)));
                Phase::Verdict {
                    seated: run.seated,
                    shown,
                }
            }
            Presence::Lifted => {
                out.push(LaneEffect::RecordLifted(shown.run));
                out.push(LaneEffect::Signal(match signal(shown.purpose, shown.outcome) {
                    Signal::Pass | Signal::Ready | Signal::Busy => Signal::Ready,
                    Signal::Fail | Signal::Attention => Signal::Attention,
                }));
                Phase::Told {
                    shown,
                    until: now + SHOWN_AFTER_LIFTING,
                }
            }
        }
    }

    fn standing(&mut self, now: Tick, verdict: StandingVerdict, out: &mut Vec<LaneEffect>) {
        if matches!(self.phase, Phase::Empty) {
            out.push(LaneEffect::Signal(signal(verdict.purpose, verdict.outcome)));
            self.phase = Phase::Verdict {
                seated: now,
                shown: Shown {
                    run: verdict.run,
                    serial: verdict.serial,
                    outcome: verdict.outcome,
                    code: verdict.code,
                    detail: verdict.detail,
                    device_id: verdict.device_id,
                    agent_url: verdict.agent_url,
                    purpose: verdict.purpose,
                    process: Process::Before,
                },
            };
        }
    }

    // --- time ---------------------------------------------------------------------------------------------------------

    fn catch_up(&mut self, rules: &Rules, now: Tick, out: &mut Vec<LaneEffect>) {
        while let Due::Now(go) = self.due(rules, now) {
            self.go(rules, now, go, out);
        }
    }

    fn due(&self, rules: &Rules, now: Tick) -> Due {
        match &self.phase {
            Phase::Empty
            | Phase::Refused { .. }
            | Phase::Concluded(..)
            | Phase::Storing(..)
            | Phase::Verdict { .. } => Due::Wait(None),
            Phase::Told { until, .. } => due_at(*until, Reason::Shown, now, || Go::Forget),
            Phase::Running(run, step) => match step {
                Step::Opening { .. } => Due::Wait(None),
                Step::Ready { from, .. } => ready_due(run, *from, rules, now),
                Step::PowerCycling { from, .. } => due_at(*from + POWER_WITHIN, Reason::Power, now, || {
                    let why = "the relay of the unit's power gave no answer";
                    Go::End(VerdictCode::NestFault, why.to_owned())
                }),
                Step::Token { from } => due_at(*from + rules.recipe.token_within, Reason::Token, now, || {
                    Go::End(VerdictCode::TokenUnavailable, "no answer in time".to_owned())
                }),
                Step::Sending(sending) => sending_due(run, sending, now),
                Step::Stopping { since, sending, .. } => {
                    let until = match sending.by {
                        Transmitter::Lamp => *since + STOPS_WITHIN,
                        // It sends to its end, and the next unit must not get the rest.
                        Transmitter::Imp { .. } => sending.overdue.max(*since + STOPS_WITHIN),
                    };
                    due_at(until, Reason::Sender, now, || Go::GiveUp)
                }
                Step::Answer { ended, flash } => answer_due(run, *ended, *flash, now),
                Step::Watching(watch) => match watch.judge(run, &rules.recipe, now) {
                    Judgement::Wait(until, reason) => Due::Wait(Some((until, reason))),
                    Judgement::Ask => Due::Now(Go::Ask),
                    Judgement::End(code, detail) => Due::Now(Go::End(code, detail)),
                },
            },
        }
    }

    fn go(&mut self, rules: &Rules, now: Tick, go: Go, out: &mut Vec<LaneEffect>) {
        let equipment = self.equipment;
        if matches!(go, Go::Forget) {
            out.push(LaneEffect::Signal(Signal::Ready));
            if let Phase::Told { shown, .. } = core::mem::replace(&mut self.phase, Phase::Empty) {
                self.last = Some(shown.last());
            }
            return;
        }
        self.running_step(|mut run, step| match (go, step) {
            (Go::End(code, detail), step) => {
                if code == VerdictCode::Ok {
                    run.reached(now, passed_stage(&rules.recipe));
                }
                Self::stop(run, step, Conclusion { code, detail }, now, out)
            }
            (Go::Begin, Step::Ready { token, .. }) => {
                run.reached(now, Stage::Ready);
                Self::proceed(run, token, equipment, rules, now, out)
            }
            (Go::Received(at), step) => {
                run.close_attempt(AttemptResult::Received, out);
                run.reached(now, Stage::Received);
                let mut watch = Watch::new(at);
                watch.reading(&mut run, now);
                drop(step);
                Phase::Running(run, Step::Watching(watch))
            }
            (Go::Retry(result), Step::Answer { .. }) => Self::retry(run, result, rules, now, out),
            (Go::Receiving, Step::Sending(mut sending)) => {
                sending.went_dark = Some(now);
                sending.flashes = 0;
                run.reached(now, Stage::Receiving);
                Phase::Running(run, Step::Sending(sending))
            }
            (Go::NotReceiving(result), Step::Sending(sending)) => {
                run.note(now, EvidenceKind::Light, failure_words(result));
                out.push(LaneEffect::StopSending);
                let then = After::Retry(result);
                Phase::Running(
                    run,
                    Step::Stopping {
                        sending,
                        since: now,
                        then,
                    },
                )
            }
            (Go::Ask, Step::Watching(mut watch)) => {
                watch.asked(now);
                if let Some(token_id) = run.tokens.last() {
                    out.push(LaneEffect::PollClaim {
                        run: run.id,
                        token_id: token_id.clone(),
                    });
                }
                Phase::Running(run, Step::Watching(watch))
            }
            (Go::GiveUp, Step::Stopping { sending, then, .. }) => {
                run.note(now, EvidenceKind::Fault, "the sender did not report that it stopped");
                run.draft(
                    &sending.unreported(run.id, now),
                    sending.lit(equipment.light),
                    sending.token_id.clone(),
                    None,
                );
                run.close_attempt(AttemptResult::Stopped, out);
                match then {
                    After::Conclude(conclusion) => Phase::Concluded(run, conclusion),
                    After::Retry(_) => conclude(run, now, VerdictCode::LampLate, "the sender did not stop in time"),
                }
            }
            (
                Go::Begin | Go::Retry(_) | Go::Receiving | Go::NotReceiving(_) | Go::Ask | Go::GiveUp | Go::Forget,
                step,
            ) => Phase::Running(run, step),
        });
    }

    /// Replaces a running phase by what follows from it.
    fn running_step(&mut self, next: impl FnOnce(Box<Run>, Step) -> Phase) {
        self.phase = match core::mem::replace(&mut self.phase, Phase::Empty) {
            Phase::Running(run, step) => next(run, step),
            phase @ (Phase::Empty
            | Phase::Refused { .. }
            | Phase::Concluded(..)
            | Phase::Storing(..)
            | Phase::Verdict { .. }
            | Phase::Told { .. }) => phase,
        };
    }

    // --- what is shown ------------------------------------------------------------------------------------------------

    /// What the lane is doing.
    pub fn state(&self, rules: &Rules) -> LaneState {
        match &self.phase {
            Phase::Empty => LaneState::Empty,
            Phase::Refused { refusal, detail, .. } => LaneState::Refused {
                refusal: *refusal,
                detail: detail.clone(),
            },
            Phase::Running(run, step) => match step {
                Step::Opening { .. } | Step::Ready { .. } | Step::PowerCycling { .. } => LaneState::Waiting,
                Step::Token { .. } => LaneState::Token,
                Step::Sending(sending) | Step::Stopping { sending, .. } => LaneState::Sending {
                    attempt: sending.number,
                    of: rules.recipe.attempts.max(sending.number),
                    permille: sending.permille(),
                    rate: sending.rung.rate,
                },
                Step::Answer { .. } | Step::Watching(_) => LaneState::Watching {
                    stage: run.stage,
                    attempt: run.next_attempt().saturating_sub(1).max(1),
                },
            },
            Phase::Concluded(..) | Phase::Storing(..) => LaneState::Storing,
            Phase::Verdict { shown, .. } | Phase::Told { shown, .. } => LaneState::Verdict {
                outcome: shown.outcome,
                code: shown.code,
                detail: shown.detail.clone(),
                device_id: shown.device_id.clone(),
                agent_url: shown.agent_url.clone(),
                from_before: shown.process == Process::Before,
            },
        }
    }

    /// How long what the unit is doing may still take at most, by its recipe; of a frame, how long what is left of it takes to send. `None` where
    /// nothing is timed.
    pub fn left(&self, rules: &Rules, now: Tick) -> Option<Duration> {
        let Phase::Running(run, step) = &self.phase else {
            return None;
        };
        let recipe = &rules.recipe;
        let until = match step {
            Step::Opening { .. } => return None,
            Step::Ready { from, .. } => *from + recipe.ready_within,
            Step::PowerCycling { from, .. } => *from + POWER_WITHIN,
            Step::Token { from } => *from + recipe.token_within,
            Step::Sending(sending) => match sending.by {
                Transmitter::Lamp => return Some(sending.left()),
                Transmitter::Imp { .. } => sending.overdue,
            },
            Step::Stopping { since, .. } => *since + STOPS_WITHIN,
            Step::Answer { ended, .. } => *ended + ANSWER_WITHIN,
            Step::Watching(watch) => watch.ends_by(run, recipe),
        };
        Some(until.since(now))
    }

    /// The verdict of the unit before, while the nest is empty.
    pub fn last(&self) -> Option<&LastVerdict> {
        self.last.as_ref().filter(|_| matches!(self.phase, Phase::Empty))
    }

    /// The run in progress or just ended.
    pub fn run(&self) -> Option<RunId> {
        match &self.phase {
            Phase::Empty | Phase::Refused { .. } => None,
            Phase::Running(run, _) | Phase::Concluded(run, _) | Phase::Storing(run, _) => Some(run.id),
            Phase::Verdict { shown, .. } | Phase::Told { shown, .. } => Some(shown.run),
        }
    }

    /// What the lane's unit is run for.
    pub fn purpose(&self) -> Purpose {
        match &self.phase {
            Phase::Empty => Purpose::Production,
            Phase::Refused { seating, .. } => run::purpose(seating),
            Phase::Running(run, _) | Phase::Concluded(run, _) | Phase::Storing(run, _) => run.purpose,
            Phase::Verdict { shown, .. } | Phase::Told { shown, .. } => shown.purpose,
        }
    }

    /// When the unit in the nest was seated.
    pub fn seated(&self) -> Option<Tick> {
        match &self.phase {
            Phase::Empty | Phase::Told { .. } => None,
            Phase::Refused { powered, .. } | Phase::Verdict { seated: powered, .. } => Some(*powered),
            Phase::Running(run, _) | Phase::Concluded(run, _) | Phase::Storing(run, _) => match run.presence {
                Presence::InNest => Some(run.seated),
                Presence::Lifted => None,
            },
        }
    }

    /// Whether the run's verdict is found, and only the lamp or the first record is waited for.
    pub fn is_ending(&self) -> bool {
        matches!(
            self.phase,
            Phase::Running(
                _,
                Step::Opening { then: Some(_) }
                    | Step::Stopping {
                        then: After::Conclude(_),
                        ..
                    }
            )
        )
    }

    /// Whether the lamp has been told to send and has not reported its end.
    pub fn is_sending(&self) -> bool {
        matches!(self.phase, Phase::Running(_, Step::Sending(_) | Step::Stopping { .. }))
    }
}

/// Whether a lane can take a unit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Takes {
    /// It can.
    Now,
    /// Its nest is empty, but the last unit's record is not stored yet.
    Soon,
    /// Its nest is not.
    Occupied,
}

/// What the lane recorded of a run.
#[derive(Debug, Clone, Default)]
pub struct RecordedLight {
    /// The compact trace.
    pub trace: Vec<u8>,
    /// Samples that were lost or came too late.
    pub samples_lost: u32,
}

impl LampSeen {
    /// What a run ends in for it; `None` where the lamp is as it should be.
    fn fault(&self) -> Option<(VerdictCode, String)> {
        match self {
            Self::Well => None,
            Self::Not(detail) => Some((VerdictCode::LampNotSeen, detail.clone())),
            Self::Weakly(detail) | Self::Uneven(detail) => Some((VerdictCode::LampWeak, detail.clone())),
            Self::Late(detail) => Some((VerdictCode::LampLate, detail.clone())),
            Self::BySensorStuck(detail) => Some((VerdictCode::SensorFault, detail.clone())),
        }
    }
}

impl Sending {
    fn shade(&mut self, before: Option<Shade>, shade: Shade) {
        let Some(began) = self.began else { return };
        let lit_up = shade.colour != Colour::Off && before.is_none_or(|before| before.colour == Colour::Off);
        if lit_up && shade.from >= began + NOTICES_WITHIN {
            self.flashes += 1;
        }
    }

    /// What is known of a transmission whose sender says nothing.
    fn unreported(&self, run: RunId, now: Tick) -> SendReport {
        SendReport {
            run,
            attempt: self.number,
            began: self.began.unwrap_or(now),
            ended: now,
            symbols: self.shown,
            end: SendEnd::Stopped,
            latest: Duration::ZERO,
            lateness: [0; 21],
        }
    }

    fn permille(&self) -> u16 {
        let permille = u64::from(self.shown) * 1000 / u64::from(self.of.max(1));
        u16::try_from(permille).unwrap_or(1000).min(1000)
    }
}

fn due_at(at: Tick, reason: Reason, now: Tick, go: impl FnOnce() -> Go) -> Due {
    if now >= at {
        Due::Now(go())
    } else {
        Due::Wait(Some((at, reason)))
    }
}

/// What is due while the station waits for a ready pattern.
fn ready_due(run: &Run, from: Tick, rules: &Rules, now: Tick) -> Due {
    if let Some((code, detail)) = &run.nest.fault {
        return Due::Now(Go::End(*code, detail.clone()));
    }
    let deadline = from + rules.recipe.ready_within;
    let again = run.next_attempt() > 1;
    let condemned = |code, stands, at: Tick| {
        let until = (at.max(from) + stands).min(deadline);
        due_at(until, Reason::Stands, now, || Go::End(code, run.shown_codes()))
    };
    match run.shows() {
        Some((Meaning::Ready, at)) => {
            // After an attempt the pattern must be seen again: a memory of it says nothing of the unit now.
            let fresh = at >= from || run.lit_up.is_none_or(|lit| lit >= from);
            if !again || fresh {
                return Due::Now(Go::Begin);
            }
        }
        Some((Meaning::SolidRed, at)) => return condemned(VerdictCode::PowerFault, FAULT_STANDS, at),
        Some((Meaning::RapidRed, at)) => {
            return condemned(VerdictCode::PowerFault, run.rapid_red_stands(now), at);
        }
        Some((Meaning::Fault(code), at)) => return condemned(code, PATTERN_STANDS, at),
        Some((Meaning::Stage(_) | Meaning::Connected, at)) if again && at >= from => {
            return Due::Now(Go::Received(at));
        }
        Some((
            Meaning::Stage(_)
            | Meaning::Connected
            | Meaning::SolidGreen
            | Meaning::LegacyReceived
            | Meaning::LegacyDamaged
            | Meaning::Downloading
            | Meaning::Other,
            at,
        )) if !again => return condemned(VerdictCode::UnexpectedPattern, PATTERN_STANDS, at),
        Some((
            Meaning::Stage(_)
            | Meaning::Connected
            | Meaning::SolidGreen
            | Meaning::LegacyReceived
            | Meaning::LegacyDamaged
            | Meaning::Downloading
            | Meaning::Other
            | Meaning::Dark,
            _,
        ))
        | None => {}
    }
    due_at(deadline, Reason::Ready, now, || {
        let (code, detail) = not_ready(run);
        Go::End(code, detail)
    })
}

/// The verdict of a unit that did not get ready in its time.
fn not_ready(run: &Run) -> (VerdictCode, String) {
    if let Some(result) = run.last_failure {
        let words = format!("{}; then not ready again: {}", failure_words(result), run.shown_codes());
        return (failure_code(result), words);
    }
    if run.late > 0 {
        return (
            VerdictCode::LampLate,
            "void, and the unit did not get ready again".to_owned(),
        );
    }
    if run.is_unreadable() {
        return (VerdictCode::UnreadableLight, "light, but no pattern".to_owned());
    }
    match (run.light, run.nest.flash) {
        (Light::Seen, _) => (VerdictCode::NotReady, format!("last seen: {}", run.shown_codes())),
        (Light::Never, Flash::Seen) => (
            VerdictCode::NoLight,
            "no light at all, though the sensor saw the test flash".to_owned(),
        ),
        (Light::Never, Flash::NotSeen | Flash::NotDone) => (
            VerdictCode::LampNotSeen,
            "no light at all, and no test flash was seen in the empty nest: lift the unit and wait for the check"
                .to_owned(),
        ),
    }
}

/// What is due while the lamp sends.
fn sending_due(run: &Run, sending: &Sending, now: Tick) -> Due {
    if let Transmitter::Imp { .. } = sending.by {
        // Which light is whose is not known while it sends.
        return due_at(sending.overdue, Reason::Sender, now, || {
            let why = "the imp transmitter did not say what became of its order";
            Go::End(VerdictCode::LampNotSeen, why.to_owned())
        });
    }
    // Where the unit is watched, light that comes and goes may be a neighbour's lamp; only the pattern as a whole is the unit's.
    let shows_ready = || {
        let since = sending.began.map(|began| began + NOTICES_WITHIN);
        matches!((run.shows(), since), (Some((Meaning::Ready, at)), Some(since)) if at >= since)
    };
    let flashes = sending.flashes >= FLASHES_OF_A_BLIND_UNIT && (!sending.watched || shows_ready());
    if (sending.goes_on.is_some() || flashes) && sending.lamp == Some(LampSeen::Well) {
        let result = match (sending.went_dark, sending.red) {
            (Some(_), Some(_)) => AttemptResult::Damaged,
            (Some(_) | None, _) => AttemptResult::NotReceiving,
        };
        return Due::Now(Go::NotReceiving(result));
    }
    if now >= sending.overdue {
        let why = "the sender gave no report in its time";
        return Due::Now(Go::End(VerdictCode::LampLate, why.to_owned()));
    }
    let dark = match (sending.went_dark, sending.began, run.colour) {
        (None, Some(began), Some(shade)) if shade.colour == Colour::Off => Some(shade.from.max(began) + RECEIVING_DARK),
        (Some(_) | None, _, _) => None,
    };
    match dark {
        Some(at) if at < sending.overdue => due_at(at, Reason::Receiving, now, || Go::Receiving),
        Some(_) | None => Due::Wait(Some((sending.overdue, Reason::Sender))),
    }
}

/// What is due once a packet is sent.
fn answer_due(run: &Run, ended: Tick, flash: Option<Tick>, now: Tick) -> Due {
    let green = run
        .colour
        .filter(|shade| shade.colour == Colour::Green && shade.from + TAIL_LEEWAY >= ended);
    if let Some(shade) = green {
        return Due::Now(Go::Received(shade.from));
    }
    let failed = || match flash {
        Some(_) => AttemptResult::Damaged,
        None => AttemptResult::NoAnswer,
    };
    let until = ended + ANSWER_WITHIN;
    match run.shows() {
        Some((meaning, at)) if at + TAIL_LEEWAY >= ended => match meaning {
            // A red flash and then amber look like a stage for a moment.
            Meaning::Stage(_) | Meaning::Connected if flash.is_some() => {
                return due_at(at + STAGE_AFTER_FLASH, Reason::Answer, now, || Go::Received(at));
            }
            Meaning::SolidGreen
            | Meaning::LegacyReceived
            | Meaning::Stage(_)
            | Meaning::Connected
            | Meaning::Downloading => return Due::Now(Go::Received(at)),
            Meaning::LegacyDamaged => return Due::Now(Go::Retry(AttemptResult::Damaged)),
            Meaning::Ready if at >= ended + ANSWER_SETTLES => return Due::Now(Go::Retry(failed())),
            Meaning::RapidRed => {
                let at = (at + run.rapid_red_stands(now)).max(ended);
                return due_at(at, Reason::Stands, now, || {
                    Go::End(VerdictCode::BrownOut, run.shown_codes())
                });
            }
            Meaning::SolidRed => {
                let at = (at + FAULT_STANDS).max(ended);
                return due_at(at, Reason::Stands, now, || {
                    Go::End(VerdictCode::PowerFault, run.shown_codes())
                });
            }
            Meaning::Fault(code) => {
                let at = (at + FAULT_STANDS).max(ended);
                return due_at(at, Reason::Stands, now, || Go::End(code, run.shown_codes()));
            }
            Meaning::Ready | Meaning::Dark | Meaning::Other => {}
        },
        Some(_) | None => {}
    }
    due_at(until, Reason::Answer, now, || Go::Retry(failed()))
}

/// When a red flash began that has ended: red was short, or the reader says so a little later. In weak light only the reader notices, and of
/// a flash that could as well be a pattern's it says nothing.
fn red_flash(before: Option<Shade>, observed: &Observed) -> Option<Tick> {
    let short = observed
        .shade
        .zip(before)
        .filter(|(shade, before)| before.colour == Colour::Red && shade.from.since(before.from) <= LONGEST_FLASH);
    let short = short.map(|(_, before)| before.from);
    short.or(observed.transient.map(|transient| transient.from))
}

/// Whether a flash is not the one that was noticed last: its colour and the reader both tell of one, and not to the millisecond the same.
fn is_another(noticed: Option<Tick>, flash: Tick) -> bool {
    noticed.is_none_or(|noticed| flash.since(noticed) > LONGEST_FLASH)
}

fn conclude(run: Box<Run>, _now: Tick, code: VerdictCode, detail: impl Into<String>) -> Phase {
    let detail = detail.into();
    Phase::Concluded(run, Conclusion { code, detail })
}

fn rung_of(recipe: &Recipe, failed: u32) -> Rung {
    let last = recipe.ladder.len().saturating_sub(1);
    let place = usize::try_from(failed).map_or(last, |failed| failed.min(last));
    recipe.ladder.get(place).copied().unwrap_or(Rung {
        rate: SymbolRate::FASTEST.a_second(),
        bright: Level::FULL,
        mid_share: 0.5,
    })
}

/// Whether a unit that has had power since then no longer listens for long enough to be configured, on any rung.
pub fn is_too_late(recipe: &Recipe, transmitter: Transmitter, powered: Tick, now: Tick) -> bool {
    let needs = shortest(recipe, transmitter) + WINDOW_MARGIN + READY_TAKES;
    now + needs.min(recipe.listens_for) > powered + recipe.listens_for
}

/// How long a transmission takes on the fastest rung; by an imp, with the longest that its token may take.
fn shortest(recipe: &Recipe, transmitter: Transmitter) -> Duration {
    let Ok(packet) = packet(recipe, None) else {
        return Duration::ZERO;
    };
    let lasts = |rate: u8| {
        let rate = SymbolRate::new(rate).unwrap_or(SymbolRate::FASTEST);
        packet.frame(rate.preamble()).duration(rate)
    };
    match transmitter {
        Transmitter::Lamp => {
            let rungs = recipe.ladder.iter().map(|rung| lasts(rung.rate));
            rungs.min().unwrap_or_default()
        }
        Transmitter::Imp { rate } => IMP_TOKEN + lasts(rate),
    }
}

/// The packet for a unit; without a token yet, one of the same length.
///
/// # Errors
/// What the recipe says does not fit in a packet.
pub fn packet(recipe: &Recipe, token: Option<&TokenGrant>) -> Result<Packet, String> {
    let enrolment = match (recipe.enrols, token) {
        (false, _) => None,
        (true, Some(grant)) => Some(Enrolment {
            plan_id: grant.plan,
            token: grant.token.clone(),
        }),
        (true, None) => Some(Enrolment {
            plan_id: PlanId::from_bytes([0; 8]),
            token: Token::from_bytes([0; 8]),
        }),
    };
    Packet::configure(&Settings {
        wifi: recipe.wifi.clone(),
        address: recipe.address,
        proxy: recipe.proxy.clone(),
        enrolment,
    })
    .map_err(|why| why.to_string())
}

fn failure_code(result: AttemptResult) -> VerdictCode {
    match result {
        AttemptResult::NotReceiving => VerdictCode::NotReceiving,
        AttemptResult::Damaged | AttemptResult::NoAnswer | AttemptResult::Received | AttemptResult::Stopped => {
            VerdictCode::ReceptionError
        }
        AttemptResult::Late => VerdictCode::LampLate,
        AttemptResult::LampFailed => VerdictCode::LampNotSeen,
    }
}

fn failure_words(result: AttemptResult) -> &'static str {
    match result {
        AttemptResult::NotReceiving => "the LED kept flashing while the lamp was sending",
        AttemptResult::Damaged => "the unit says that the packet was bad",
        AttemptResult::NoAnswer => "the unit gave no sign of having received the packet",
        AttemptResult::Late => "a symbol was late",
        AttemptResult::Received => "received",
        AttemptResult::Stopped => "stopped",
        AttemptResult::LampFailed => "the lamp's driver failed",
    }
}

fn passed_stage(recipe: &Recipe) -> Stage {
    match recipe.pass {
        PassRule::Blessed { .. } => Stage::Blessed,
        PassRule::Claimed { .. } | PassRule::LedOnly { .. } => Stage::Connected,
    }
}

fn signal(purpose: Purpose, outcome: Outcome) -> Signal {
    match outcome {
        // Whatever it is: the lane measures badly.
        _ if purpose.says(outcome) == Says::Ill => Signal::Attention,
        Outcome::Pass => Signal::Pass,
        Outcome::Fail => Signal::Fail,
        Outcome::Error | Outcome::Undecided | Outcome::Aborted | Outcome::Interrupted => Signal::Attention,
    }
}
