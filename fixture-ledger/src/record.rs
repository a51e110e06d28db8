//! What goes into the ledger.

use core::ops::RangeInclusive;
use core::str::FromStr;
use core::time::Duration;

use fixture_link::act::{ActAnswer, ActRequest, Disposition, Mark};
use fixture_link::identity::{LaneId, RunId, Serial, WallTime};
pub use fixture_link::purpose::Purpose;
use fixture_link::snapshot::Stage;
use fixture_link::verdict::{Outcome, Refusal, Unknown, VerdictCode};

use crate::study::Plan;

/// Who, what and where of every run made by this process with this recipe; stored once, referred to by runs.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Setup {
    /// The fixture's id.
    pub fixture: String,
    /// Version of the daemon.
    pub software: String,
    /// The recipe's name.
    pub recipe: String,
    /// The recipe's version: the first 16 hex digits of a hash of its checked form.
    pub recipe_version: String,
    /// The pass rule's name: `blessed`, `claimed` or `led-only`.
    pub pass_rule: String,
    /// A simulated jig.
    pub simulated: bool,
}

/// A run's first record, committed when the unit was seated and accepted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunStart {
    /// The run.
    pub run: RunId,
    /// The lane.
    pub lane: LaneId,
    /// The unit, where the recipe wants a serial.
    pub serial: Option<Serial>,
    /// The operator logged in at the fixture; `console` where nobody is.
    pub operator: String,
    /// The lot; empty for none.
    pub lot: String,
    /// The work order; empty for none.
    pub work_order: String,
    /// What the unit is run for.
    pub purpose: Purpose,
    /// When the unit was seated.
    pub seated: WallTime,
}

/// What of the fixture can become another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum ChangeKind {
    /// What commissioning measured of the lanes.
    Calibration,
    /// A lane's lamp.
    Lamp,
    /// The configuration.
    Config,
}

impl ChangeKind {
    /// Every one.
    pub const ALL: [Self; 3] = [Self::Calibration, Self::Lamp, Self::Config];

    /// The name in records, kebab-case.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Calibration => "calibration",
            Self::Lamp => "lamp",
            Self::Config => "config",
        }
    }
}

impl FromStr for ChangeKind {
    type Err = Unknown;

    fn from_str(text: &str) -> Result<Self, Unknown> {
        Self::ALL
            .into_iter()
            .find(|known| known.as_str() == text)
            .ok_or_else(|| Unknown(text.to_owned(), "change"))
    }
}

/// One BlinkUp transmission.
#[derive(Debug, Clone, PartialEq)]
pub struct Attempt {
    /// From 1.
    pub number: u32,
    /// Symbols a second of its rung.
    pub rate: u8,
    /// Bright level of its rung, thousandths of full light.
    pub level_permille: u16,
    /// Light of a mid symbol that was meant, thousandths of bright; `None` of an imp, which sends at levels of its own, and of attempts stored
    /// before it was kept.
    pub mid_permille: Option<u16>,
    /// From seated to its first symbol.
    pub began: Duration,
    /// From its first symbol to its last; shorter than the frame when it was stopped.
    pub took: Duration,
    /// The id of the token used (never the token).
    pub token_id: Option<String>,
    /// How it ended.
    pub result: AttemptResult,
    /// Symbols sent.
    pub symbols: u32,
    /// How late the latest symbol was.
    pub latest: Duration,
    /// Symbols by lateness: below 2^n µs in place n (0 to 19), later than 2^19 µs in the last.
    pub lateness: [u32; 21],
    /// What loop-back saw of the lamp: mean counts of bright over dark, and of mid over bright in thousandths; `None` where it
    /// saw too little to say.
    pub loop_back: Option<LoopBack>,
}

/// The lamp as the lane's own sensor saw it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct LoopBack {
    /// Mean clear counts of bright symbols above those of dark ones.
    pub bright: f32,
    /// Mean of mid symbols above dark, as a share of `bright`, 0 to 1.
    pub mid_share: f32,
    /// How many samples that rests on.
    pub samples: u32,
}

/// How a transmission ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum AttemptResult {
    /// The unit says that it received the packet.
    Received,
    /// Sent to the end, but the unit says (red flash, or the legacy pattern) that the packet was bad.
    Damaged,
    /// Sent to the end, and the unit gave no sign of having received it.
    NoAnswer,
    /// Stopped: the unit kept flashing.
    NotReceiving,
    /// Void: a symbol was later than the limit.
    Late,
    /// Stopped for another reason: the unit was lifted, a person, a fault of the fixture.
    Stopped,
    /// The lamp's driver failed.
    LampFailed,
}

impl AttemptResult {
    /// Every one.
    pub const ALL: [Self; 7] = [
        Self::Received,
        Self::Damaged,
        Self::NoAnswer,
        Self::NotReceiving,
        Self::Late,
        Self::Stopped,
        Self::LampFailed,
    ];

    /// The name in records, kebab-case.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Received => "received",
            Self::Damaged => "damaged",
            Self::NoAnswer => "no-answer",
            Self::NotReceiving => "not-receiving",
            Self::Late => "late",
            Self::Stopped => "stopped",
            Self::LampFailed => "lamp-failed",
        }
    }
}

impl FromStr for AttemptResult {
    type Err = Unknown;

    fn from_str(text: &str) -> Result<Self, Unknown> {
        Self::ALL
            .into_iter()
            .find(|known| known.as_str() == text)
            .ok_or_else(|| Unknown(text.to_owned(), "result of an attempt"))
    }
}

/// A reading as stored.
#[derive(Debug, Clone, PartialEq)]
pub struct StoredReading {
    /// From seated to the sample that decided it.
    pub at: Duration,
    /// The status codes, most certain first; empty when the light became unreadable.
    pub codes: Vec<String>,
    /// 0 to 1.
    pub confidence: f32,
}

/// A fact that a verdict rests on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Evidence {
    /// From seated to when it was known.
    pub at: Duration,
    /// What kind of fact.
    pub kind: EvidenceKind,
    /// The fact, in words, without secrets.
    pub detail: String,
}

/// Kinds of evidence.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum EvidenceKind {
    /// The empty nest before the unit: ambient light, test flash.
    Nest,
    /// A stage was reached.
    Stage,
    /// A colour event: a red flash, the LED dark under the lamp.
    Light,
    /// The lamp as loop-back saw it.
    LoopBack,
    /// A token was given or refused.
    Token,
    /// The cloud said that the token was claimed.
    Claim,
    /// A bless event.
    Bless,
    /// A fixture part failed.
    Fault,
    /// A person did something.
    Act,
    /// A policy decided (k in a row, retest).
    Policy,
}

impl EvidenceKind {
    /// Every one.
    pub const ALL: [Self; 10] = [
        Self::Nest,
        Self::Stage,
        Self::Light,
        Self::LoopBack,
        Self::Token,
        Self::Claim,
        Self::Bless,
        Self::Fault,
        Self::Act,
        Self::Policy,
    ];

    /// The name in records, kebab-case.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Nest => "nest",
            Self::Stage => "stage",
            Self::Light => "light",
            Self::LoopBack => "loop-back",
            Self::Token => "token",
            Self::Claim => "claim",
            Self::Bless => "bless",
            Self::Fault => "fault",
            Self::Act => "act",
            Self::Policy => "policy",
        }
    }
}

impl FromStr for EvidenceKind {
    type Err = Unknown;

    fn from_str(text: &str) -> Result<Self, Unknown> {
        Self::ALL
            .into_iter()
            .find(|known| known.as_str() == text)
            .ok_or_else(|| Unknown(text.to_owned(), "kind of evidence"))
    }
}

/// Something measured of a unit or of the nest before it, beside the recipe's limits.
#[derive(Debug, Clone, PartialEq)]
pub struct Measurement {
    /// What was measured.
    pub what: Quantity,
    /// On which scale.
    pub scale: Scale,
    /// The figure.
    pub value: f32,
    /// Its standard deviation.
    pub deviation: f32,
    /// What the recipe allows; `None` where it sets no limits.
    pub limits: Option<Limits>,
}

/// What a recipe allows of a quantity, and what became of it.
#[derive(Debug, Clone, PartialEq)]
pub struct Limits {
    /// From and to.
    pub allowed: RangeInclusive<f32>,
    /// Where the figure is: outside only if its uncertainty leaves no doubt.
    pub side: Side,
}

/// How many standard deviations beyond a limit are outside it.
const SURELY: f32 = 3.0;

impl Limits {
    /// Limits, and where a figure with that standard deviation is: outside only by more than three of them.
    pub fn weigh(allowed: RangeInclusive<f32>, value: f32, deviation: f32) -> Self {
        let away = (allowed.start() - value).max(value - allowed.end());
        Self {
            allowed,
            side: if away > SURELY * deviation {
                Side::Outside
            } else {
                Side::Inside
            },
        }
    }
}

/// Where a figure is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Side {
    /// Within its limits, as far as one can tell.
    Inside,
    /// Surely outside.
    Outside,
}

/// Quantities that are measured, in the order in which they are told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Quantity {
    /// The light of the LED's red die, at its peak.
    RedDie,
    /// The light of the LED's green die, at its peak.
    GreenDie,
    /// The mean of both.
    LedStrength,
    /// The green die's share of both.
    GreenShare,
    /// The light of the empty nest before the unit: the mean of the sensor's clear channel.
    Ambient,
    /// How much that light varied: the standard deviation of its samples about their mean, which holds the sensor's noise and the flicker of the
    /// room's light together.
    AmbientNoise,
}

impl Quantity {
    /// Whether it is of a unit's LED, and not of the nest that it lies in.
    pub const fn is_of_the_led(self) -> bool {
        match self {
            Self::RedDie | Self::GreenDie | Self::LedStrength | Self::GreenShare => true,
            Self::Ambient | Self::AmbientNoise => false,
        }
    }

    /// Every one.
    pub const ALL: [Self; 6] = [
        Self::RedDie,
        Self::GreenDie,
        Self::LedStrength,
        Self::GreenShare,
        Self::Ambient,
        Self::AmbientNoise,
    ];

    /// Its number among a run's measurements in the ledger, from 1. One of a new quantity comes after all others.
    pub const fn number(self) -> u8 {
        match self {
            Self::RedDie => 1,
            Self::GreenDie => 2,
            Self::LedStrength => 3,
            Self::GreenShare => 4,
            Self::Ambient => 5,
            Self::AmbientNoise => 6,
        }
    }

    /// The name in records, kebab-case.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::RedDie => "red-die",
            Self::GreenDie => "green-die",
            Self::LedStrength => "led-strength",
            Self::GreenShare => "green-share",
            Self::Ambient => "ambient",
            Self::AmbientNoise => "ambient-noise",
        }
    }
}

impl FromStr for Quantity {
    type Err = Unknown;

    fn from_str(text: &str) -> Result<Self, Unknown> {
        Self::ALL
            .into_iter()
            .find(|known| known.as_str() == text)
            .ok_or_else(|| Unknown(text.to_owned(), "measured quantity"))
    }
}

/// Scales of figures.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Scale {
    /// Counts of the lane's sensor.
    Counts,
    /// Multiples of what the lane's reference unit has.
    OfReference,
    /// A share of a whole, 0 to 1.
    Share,
}

impl Scale {
    /// Every one.
    pub const ALL: [Self; 3] = [Self::Counts, Self::OfReference, Self::Share];

    /// The name in records, kebab-case.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Counts => "counts",
            Self::OfReference => "of-reference",
            Self::Share => "share",
        }
    }
}

impl FromStr for Scale {
    type Err = Unknown;

    fn from_str(text: &str) -> Result<Self, Unknown> {
        Self::ALL
            .into_iter()
            .find(|known| known.as_str() == text)
            .ok_or_else(|| Unknown(text.to_owned(), "scale of a measurement"))
    }
}

/// A run's end: all that the verdict rests on, committed in one transaction before anyone is shown the verdict.
#[derive(Debug, Clone, PartialEq)]
pub struct RunEnd {
    /// The run.
    pub run: RunId,
    /// The code; it gives the outcome.
    pub code: VerdictCode,
    /// What exactly was seen, where the code alone does not tell.
    pub detail: String,
    /// How far the unit got.
    pub stage: Stage,
    /// From seated to the verdict.
    pub took: Duration,
    /// The device id, where it is known.
    pub device_id: Option<String>,
    /// The agent's URL, where it is known.
    pub agent_url: Option<String>,
    /// Every attempt.
    pub attempts: Vec<Attempt>,
    /// Every reading.
    pub readings: Vec<StoredReading>,
    /// Every fact.
    pub evidence: Vec<Evidence>,
    /// What was measured of the unit, each quantity at most once.
    pub measurements: Vec<Measurement>,
    /// The recorded light in the compact format of `blinkup::trace`, its ticks from seated; empty when none was recorded.
    pub trace: Vec<u8>,
    /// Samples that were lost or came too late.
    pub samples_lost: u32,
}

/// What stopped the line, by how the stop is lifted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum StopKind {
    /// A policy, such as the same code so many times in a row: lifted by an acknowledgement.
    Policy,
    /// A person: lifted by a start.
    Person,
}

/// A start that was not allowed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RefusedStart {
    /// The lane.
    pub lane: LaneId,
    /// The serial, where one was scanned.
    pub serial: Option<Serial>,
    /// Why.
    pub refusal: Refusal,
    /// What exactly.
    pub detail: String,
}

/// Something learned later about a stored run; the verdict itself never changes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Annotation {
    /// The run.
    pub run: RunId,
    /// What kind.
    pub kind: AnnotationKind,
    /// In words.
    pub detail: String,
}

/// What became of the label of a unit that passed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LabelState {
    /// To be printed.
    Pending,
    /// The printer took it; it does not tell more.
    Printed,
    /// The printer says that it is out.
    Confirmed,
    /// It is not, and why.
    Failed(String),
}

impl LabelState {
    /// The name in records.
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Printed => "printed",
            Self::Confirmed => "confirmed",
            Self::Failed(_) => "failed",
        }
    }
}

/// A label that is not out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpenLabel {
    /// The run.
    pub run: RunId,
    /// Its lane.
    pub lane: LaneId,
    /// The unit.
    pub serial: Option<Serial>,
    /// The device id, where it is known.
    pub device_id: Option<String>,
    /// The lot.
    pub lot: String,
    /// The work order.
    pub work_order: String,
}

/// Kinds of annotation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum AnnotationKind {
    /// A later policy decision blames the network.
    SuspectedNetwork,
    /// A later policy decision blames the fixture.
    SuspectedFixture,
    /// A bless event came after the verdict.
    LateBlessEvent,
}

impl AnnotationKind {
    /// Every one.
    pub const ALL: [Self; 3] = [Self::SuspectedNetwork, Self::SuspectedFixture, Self::LateBlessEvent];

    /// The name in records, kebab-case.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::SuspectedNetwork => "suspected-network",
            Self::SuspectedFixture => "suspected-fixture",
            Self::LateBlessEvent => "late-bless-event",
        }
    }
}

impl FromStr for AnnotationKind {
    type Err = Unknown;

    fn from_str(text: &str) -> Result<Self, Unknown> {
        Self::ALL
            .into_iter()
            .find(|known| known.as_str() == text)
            .ok_or_else(|| Unknown(text.to_owned(), "kind of annotation"))
    }
}

/// What earlier runs say about a unit, and what people decided about it; an argument of the engine's decision to start a run.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct UnitHistory {
    /// Runs that count against the retest limit (PASS, FAIL and UNDECIDED), since the last unlock, rework or release.
    pub runs: u32,
    /// A run has passed since the last rework.
    pub passed: bool,
    /// Codes of the runs that count against the retest limit, oldest first.
    pub codes: Vec<VerdictCode>,
    /// Whether it was ever run.
    pub known: Known,
    /// What was decided about it last, where anything was.
    pub decision: Option<Decision>,
    /// What it is run for.
    pub mark: Mark,
}

impl UnitHistory {
    /// Its runs so far no longer count against it.
    pub fn count_anew(&mut self) {
        self.runs = 0;
        self.codes.clear();
    }

    /// Somebody decides about it.
    pub fn decide(&mut self, decision: Decision) {
        match decision.what {
            Decided::Quarantine | Decided::Disposition(Disposition::Scrap | Disposition::Rma) => {}
            Decided::Disposition(Disposition::Rework) => {
                self.passed = false;
                self.count_anew();
            }
            Decided::Disposition(Disposition::Release) => self.count_anew(),
        }
        self.decision = Some(decision);
    }
}

/// Whether there is a run of a unit in the ledger.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Known {
    /// There is none.
    #[default]
    No,
    /// There is.
    Yes,
}

/// What somebody decided about a unit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decision {
    /// What.
    pub what: Decided,
    /// Who.
    pub by: String,
    /// Why.
    pub reason: String,
}

/// What can be decided about a unit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Decided {
    /// It is set aside.
    Quarantine,
    /// What becomes of it.
    Disposition(Disposition),
}

/// What an act changed, in words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// What was before.
    pub before: String,
    /// What is after.
    pub after: String,
}

/// An act with what came of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Audited {
    /// What was asked for, and by whom.
    pub request: ActRequest,
    /// What was answered.
    pub answer: ActAnswer,
    /// What it changed; `None` where it changed nothing.
    pub change: Option<Change>,
    /// The study that it began, where it did.
    pub study: Option<Plan>,
}

/// A verdict that was shown and whose unit has not been lifted, as found at a start.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StandingVerdict {
    /// The run.
    pub run: RunId,
    /// The lane.
    pub lane: LaneId,
    /// The unit.
    pub serial: Option<Serial>,
    /// The outcome.
    pub outcome: Outcome,
    /// The code.
    pub code: VerdictCode,
    /// What exactly.
    pub detail: String,
    /// The device id, where it is known.
    pub device_id: Option<String>,
    /// The agent's URL, where it is known.
    pub agent_url: Option<String>,
    /// What its unit was run for.
    pub purpose: Purpose,
}
