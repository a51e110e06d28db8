//! Outcomes, verdict codes and refusals: the closed vocabulary of results.

use core::fmt;
use core::str::FromStr;

use serde::{Deserialize, Serialize};

/// How a run ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum Outcome {
    /// Everything the pass rule asks for was seen.
    Pass,
    /// The unit's fault.
    Fail,
    /// The fixture's or the network's fault: says nothing about the unit.
    Error,
    /// Evidence is missing or disagrees: goes to a person.
    Undecided,
    /// A person stopped it or lifted the unit.
    Aborted,
    /// Power or the process died before the verdict.
    Interrupted,
}

/// Whose fault a code is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Class {
    /// The unit.
    Unit,
    /// Evidence is missing or disagrees.
    Evidence,
    /// The fixture.
    Fixture,
    /// The network.
    Network,
    /// A person.
    Operator,
    /// Power, or the process.
    Power,
}

/// A name that is not in the vocabulary.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not a known {1}")]
pub struct Unknown(pub String, pub &'static str);

impl Outcome {
    /// Every outcome.
    pub const ALL: [Self; 6] = [
        Self::Pass,
        Self::Fail,
        Self::Error,
        Self::Undecided,
        Self::Aborted,
        Self::Interrupted,
    ];

    /// The name in records and on screens, upper case.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pass => "PASS",
            Self::Fail => "FAIL",
            Self::Error => "ERROR",
            Self::Undecided => "UNDECIDED",
            Self::Aborted => "ABORTED",
            Self::Interrupted => "INTERRUPTED",
        }
    }

    /// Whether it counts in yields; only PASS and FAIL do.
    pub const fn in_yield(self) -> bool {
        matches!(self, Self::Pass | Self::Fail)
    }
}

/// What a verdict says: one of a closed list; `class` gives the outcome.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum VerdictCode {
    /// Everything the pass rule asks for was seen.
    Ok,
    /// No pattern at all after power, although the sensor saw its test flash.
    NoLight,
    /// Solid or rapid red before the transmission.
    PowerFault,
    /// The unit says that its SPI flash does not answer.
    FlashMissing,
    /// The unit says that its SPI flash fails.
    FlashBad,
    /// An imp006 found no signed impOS image.
    NoFirmware,
    /// None of the recipe's ready codes within its time.
    NotReady,
    /// A known pattern stood where the stage allows none.
    UnexpectedPattern,
    /// The LED kept flashing while the lamp, seen by loop-back, was sending.
    NotReceiving,
    /// The packet arrived damaged on every attempt.
    ReceptionError,
    /// Last seen searching for the network.
    StuckSearching,
    /// Last seen joining the network.
    StuckJoining,
    /// Last seen getting an address.
    StuckIp,
    /// Last seen resolving the server's name.
    StuckDns,
    /// Last seen connecting to the server.
    StuckConnecting,
    /// Last seen at the proxy.
    StuckProxy,
    /// Last seen bringing up the cellular link.
    StuckCellular,
    /// impOS update did not end in its time.
    StuckUpdating,
    /// Green, then amber only: the cloud refused the enrolment.
    Rejected,
    /// Green, then a burst of red, again and again.
    FirmwareCrash,
    /// Restarts during connection.
    BrownOut,
    /// Solid red after the connection stages.
    BlessFailed,
    /// The status LED's intensity or colour is outside the recipe's limits.
    LedOutOfLimits,
    /// Green, but no bless event in its time.
    NoBlessEvent,
    /// Connected, but no device has claimed the token in its time.
    NotClaimed,
    /// LED and bless event contradict each other.
    BlessDisagrees,
    /// The pattern could not be named with the confidence asked for.
    UnreadableLight,
    /// Loop-back did not see the light that was sent.
    LampNotSeen,
    /// Loop-back saw the lamp below its limit.
    LampWeak,
    /// Symbols later than the limit on every attempt.
    LampLate,
    /// The sensor does not answer, or its samples are stale or stuck.
    SensorFault,
    /// The sensor is out of range.
    SensorSaturated,
    /// Too much light in the nest before the run.
    AmbientTooBright,
    /// The record could not be committed.
    StoreFailed,
    /// The label could not be printed.
    LabelFailed,
    /// The nest's switch bounces or is stuck.
    NestFault,
    /// No enrolment token in time, on every try.
    TokenUnavailable,
    /// The line's network, not the unit: the same failure again and again, or the fixture's own check.
    NetworkDown,
    /// The lane's calibration is overdue.
    CalibrationOverdue,
    /// The lane has not passed its known-good and failed its known-bad unit.
    GoldenCheckOverdue,
    /// The unit was lifted before its verdict.
    LiftedEarly,
    /// A person stopped the run.
    StoppedByOperator,
    /// Power or the process died before the verdict.
    Interrupted,
}

impl VerdictCode {
    /// Every code, in the order of the documents.
    pub const ALL: [Self; 43] = [
        Self::Ok,
        Self::NoLight,
        Self::PowerFault,
        Self::FlashMissing,
        Self::FlashBad,
        Self::NoFirmware,
        Self::NotReady,
        Self::UnexpectedPattern,
        Self::NotReceiving,
        Self::ReceptionError,
        Self::StuckSearching,
        Self::StuckJoining,
        Self::StuckIp,
        Self::StuckDns,
        Self::StuckConnecting,
        Self::StuckProxy,
        Self::StuckCellular,
        Self::StuckUpdating,
        Self::Rejected,
        Self::FirmwareCrash,
        Self::BrownOut,
        Self::BlessFailed,
        Self::LedOutOfLimits,
        Self::NoBlessEvent,
        Self::NotClaimed,
        Self::BlessDisagrees,
        Self::UnreadableLight,
        Self::LampNotSeen,
        Self::LampWeak,
        Self::LampLate,
        Self::SensorFault,
        Self::SensorSaturated,
        Self::AmbientTooBright,
        Self::StoreFailed,
        Self::LabelFailed,
        Self::NestFault,
        Self::TokenUnavailable,
        Self::NetworkDown,
        Self::CalibrationOverdue,
        Self::GoldenCheckOverdue,
        Self::LiftedEarly,
        Self::StoppedByOperator,
        Self::Interrupted,
    ];

    /// The code's name in records, kebab-case.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::NoLight => "no-light",
            Self::PowerFault => "power-fault",
            Self::FlashMissing => "flash-missing",
            Self::FlashBad => "flash-bad",
            Self::NoFirmware => "no-firmware",
            Self::NotReady => "not-ready",
            Self::UnexpectedPattern => "unexpected-pattern",
            Self::NotReceiving => "not-receiving",
            Self::ReceptionError => "reception-error",
            Self::StuckSearching => "stuck-searching",
            Self::StuckJoining => "stuck-joining",
            Self::StuckIp => "stuck-ip",
            Self::StuckDns => "stuck-dns",
            Self::StuckConnecting => "stuck-connecting",
            Self::StuckProxy => "stuck-proxy",
            Self::StuckCellular => "stuck-cellular",
            Self::StuckUpdating => "stuck-updating",
            Self::Rejected => "rejected",
            Self::FirmwareCrash => "firmware-crash",
            Self::BrownOut => "brown-out",
            Self::BlessFailed => "bless-failed",
            Self::LedOutOfLimits => "led-out-of-limits",
            Self::NoBlessEvent => "no-bless-event",
            Self::NotClaimed => "not-claimed",
            Self::BlessDisagrees => "bless-disagrees",
            Self::UnreadableLight => "unreadable-light",
            Self::LampNotSeen => "lamp-not-seen",
            Self::LampWeak => "lamp-weak",
            Self::LampLate => "lamp-late",
            Self::SensorFault => "sensor-fault",
            Self::SensorSaturated => "sensor-saturated",
            Self::AmbientTooBright => "ambient-too-bright",
            Self::StoreFailed => "store-failed",
            Self::LabelFailed => "label-failed",
            Self::NestFault => "nest-fault",
            Self::TokenUnavailable => "token-unavailable",
            Self::NetworkDown => "network-down",
            Self::CalibrationOverdue => "calibration-overdue",
            Self::GoldenCheckOverdue => "golden-check-overdue",
            Self::LiftedEarly => "lifted-early",
            Self::StoppedByOperator => "stopped-by-operator",
            Self::Interrupted => "interrupted",
        }
    }

    /// Whose fault it is.
    pub const fn class(self) -> Class {
        match self {
            Self::Ok
            | Self::NoLight
            | Self::PowerFault
            | Self::FlashMissing
            | Self::FlashBad
            | Self::NoFirmware
            | Self::NotReady
            | Self::UnexpectedPattern
            | Self::NotReceiving
            | Self::ReceptionError
            | Self::StuckSearching
            | Self::StuckJoining
            | Self::StuckIp
            | Self::StuckDns
            | Self::StuckConnecting
            | Self::StuckProxy
            | Self::StuckCellular
            | Self::StuckUpdating
            | Self::Rejected
            | Self::FirmwareCrash
            | Self::BrownOut
            | Self::BlessFailed
            | Self::LedOutOfLimits => Class::Unit,
            Self::NoBlessEvent | Self::NotClaimed | Self::BlessDisagrees | Self::UnreadableLight => Class::Evidence,
            Self::LampNotSeen
            | Self::LampWeak
            | Self::LampLate
            | Self::SensorFault
            | Self::SensorSaturated
            | Self::AmbientTooBright
            | Self::StoreFailed
            | Self::LabelFailed
            | Self::NestFault
            | Self::CalibrationOverdue
            | Self::GoldenCheckOverdue => Class::Fixture,
            Self::TokenUnavailable | Self::NetworkDown => Class::Network,
            Self::LiftedEarly | Self::StoppedByOperator => Class::Operator,
            Self::Interrupted => Class::Power,
        }
    }

    /// The outcome that a run with this code has.
    pub const fn outcome(self) -> Outcome {
        match self.class() {
            Class::Unit => {
                if matches!(self, Self::Ok) {
                    Outcome::Pass
                } else {
                    Outcome::Fail
                }
            }
            Class::Evidence => Outcome::Undecided,
            Class::Fixture | Class::Network => Outcome::Error,
            Class::Operator => Outcome::Aborted,
            Class::Power => Outcome::Interrupted,
        }
    }
}

/// Why a start was not allowed: stored, but no run and in no yield.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Refusal {
    /// A second start while the lane already has a run.
    DoubleTrigger,
    /// The same serial is in another lane.
    DuplicateSerial,
    /// The recipe wants a serial and none was scanned.
    NoSerial,
    /// The serial does not have the recipe's form.
    BadSerial,
    /// This serial has passed.
    AlreadyPassed,
    /// The unit has had all the runs that the recipe allows.
    RetestLimit,
    /// The same code twice: a supervisor has to look at the unit.
    Quarantined,
    /// The line is stopped.
    LineStopped,
    /// The lane's own parts have failed.
    LaneStopped,
    /// The start came so late that the unit no longer listens for BlinkUp.
    TooLate,
}

impl Refusal {
    /// Every refusal.
    pub const ALL: [Self; 10] = [
        Self::DoubleTrigger,
        Self::DuplicateSerial,
        Self::NoSerial,
        Self::BadSerial,
        Self::AlreadyPassed,
        Self::RetestLimit,
        Self::Quarantined,
        Self::LineStopped,
        Self::LaneStopped,
        Self::TooLate,
    ];

    /// The refusal's name in records, kebab-case.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::DoubleTrigger => "double-trigger",
            Self::DuplicateSerial => "duplicate-serial",
            Self::NoSerial => "no-serial",
            Self::BadSerial => "bad-serial",
            Self::AlreadyPassed => "already-passed",
            Self::RetestLimit => "retest-limit",
            Self::Quarantined => "quarantined",
            Self::LineStopped => "line-stopped",
            Self::LaneStopped => "lane-stopped",
            Self::TooLate => "too-late",
        }
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Outcome {
    type Err = Unknown;

    fn from_str(text: &str) -> Result<Self, Unknown> {
        Self::ALL
            .into_iter()
            .find(|known| known.as_str() == text)
            .ok_or_else(|| Unknown(text.to_owned(), "outcome"))
    }
}

impl fmt::Display for VerdictCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for VerdictCode {
    type Err = Unknown;

    fn from_str(text: &str) -> Result<Self, Unknown> {
        Self::ALL
            .into_iter()
            .find(|known| known.as_str() == text)
            .ok_or_else(|| Unknown(text.to_owned(), "verdict code"))
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Refusal {
    type Err = Unknown;

    fn from_str(text: &str) -> Result<Self, Unknown> {
        Self::ALL
            .into_iter()
            .find(|known| known.as_str() == text)
            .ok_or_else(|| Unknown(text.to_owned(), "refusal"))
    }
}
