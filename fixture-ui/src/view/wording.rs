//! The words for codes, refusals and stages.

use fixture_link::snapshot::Stage;
use fixture_link::verdict::{Class, Outcome, Refusal, VerdictCode};

/// A verdict code's title.
pub fn title(code: VerdictCode) -> &'static str {
    code.as_str()
}

/// What to do with a unit now that has this verdict.
pub fn operator(code: VerdictCode) -> &'static str {
    match code.outcome() {
        Outcome::Pass => "Put the unit into the good box.",
        Outcome::Fail => "Put the unit into the fail box.",
        Outcome::Error => "The fixture could not judge this unit. Run it again.",
        Outcome::Undecided => "Put the unit into the hold box for a supervisor.",
        Outcome::Aborted | Outcome::Interrupted => "No judgement. Run the unit again.",
    }
}

/// A refusal's sentence, and what to do.
pub const fn refusal(refusal: Refusal) -> &'static str {
    match refusal {
        Refusal::DoubleTrigger => "This lane already runs a unit. Leave it in.",
        Refusal::DuplicateSerial => "This serial is in another lane. Take the unit out and give it to a supervisor.",
        Refusal::NoSerial => "No serial was scanned. Scan the unit's label, then seat it again.",
        Refusal::BadSerial => "This is not a serial of this product. Scan the unit's own label, then seat it again.",
        Refusal::AlreadyPassed => "This serial has passed before. Take the unit out and give it to a supervisor.",
        Refusal::RetestLimit => "This unit has had all its runs. Take it out and give it to a supervisor.",
        Refusal::Quarantined => "This unit failed the same way twice. Take it out and give it to a supervisor.",
        Refusal::LineStopped => "The line is stopped. Take the unit out and wait.",
        Refusal::LaneStopped => "This lane is stopped. Use another lane.",
    }
}

/// A refusal in three words at most.
pub const fn refusal_title(refusal: Refusal) -> &'static str {
    match refusal {
        Refusal::DoubleTrigger => "Already running",
        Refusal::DuplicateSerial => "Serial is in another lane",
        Refusal::NoSerial => "No serial",
        Refusal::BadSerial => "Wrong serial",
        Refusal::AlreadyPassed => "Has passed before",
        Refusal::RetestLimit => "Too many runs",
        Refusal::Quarantined => "Quarantined",
        Refusal::LineStopped => "Line stopped",
        Refusal::LaneStopped => "Lane stopped",
    }
}

/// How far a unit got, as it reads while it goes on.
pub const fn stage(stage: Stage) -> &'static str {
    match stage {
        Stage::Seated => "Seated",
        Stage::Ready => "Ready",
        Stage::Receiving => "Receiving",
        Stage::Received => "Packet received",
        Stage::Searching => "Searching for Wi-Fi",
        Stage::Joining => "Joining Wi-Fi",
        Stage::Proxy => "Going through the proxy",
        Stage::Cellular => "Starting the modem",
        Stage::GettingIp => "Getting an address",
        Stage::Resolving => "Resolving the server",
        Stage::Connecting => "Connecting to the server",
        Stage::Connected => "Connected",
        Stage::Updating => "Updating impOS",
        Stage::Blessed => "Green: checking the blessing",
    }
}

/// How far along the way a stage is, in thousandths of a run after its transmission.
pub const fn stage_permille(stage: Stage) -> u16 {
    match stage {
        Stage::Seated | Stage::Ready | Stage::Receiving => 0,
        Stage::Received => 125,
        Stage::Searching => 250,
        Stage::Joining | Stage::Cellular => 375,
        Stage::GettingIp => 500,
        Stage::Resolving | Stage::Proxy => 625,
        Stage::Connecting => 750,
        Stage::Connected | Stage::Updating => 875,
        Stage::Blessed => 950,
    }
}

/// Whose fault, as it reads in tables.
pub const fn class(class: Class) -> &'static str {
    match class {
        Class::Unit => "unit",
        Class::Evidence => "evidence",
        Class::Fixture => "fixture",
        Class::Network => "network",
        Class::Operator => "operator",
        Class::Power => "power",
    }
}
