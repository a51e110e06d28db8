//! Where a unit goes now: the two words that an operator acts on.

use fixture_link::verdict::{Outcome, Refusal, VerdictCode};

/// Where a unit goes, or what has to be done with it, before anything else.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Place {
    /// Into the box of good units.
    Good,
    /// Into the box of failed units.
    Bad,
    /// Into the box of units that a supervisor decides on.
    Hold,
    /// It says nothing about the unit: run it again.
    Again,
    /// It stays in the nest.
    Leave,
    /// The next unit is wanted.
    PutIn,
    /// Its serial has to be scanned.
    Scan,
    /// It waits beside the fixture.
    Wait,
}

impl Place {
    /// Where a unit with this verdict goes.
    pub const fn of_verdict(code: VerdictCode) -> Self {
        match code.outcome() {
            Outcome::Pass => Self::Good,
            Outcome::Fail => Self::Bad,
            Outcome::Undecided => Self::Hold,
            Outcome::Error | Outcome::Aborted | Outcome::Interrupted => Self::Again,
        }
    }

    /// Where a unit goes whose start was refused. A serial that has passed may be a second unit with the same label, so it is
    /// held, not trusted.
    pub const fn of_refusal(refusal: Refusal) -> Self {
        match refusal {
            Refusal::DoubleTrigger => Self::Leave,
            Refusal::NoSerial | Refusal::BadSerial => Self::Scan,
            Refusal::DuplicateSerial | Refusal::AlreadyPassed | Refusal::RetestLimit | Refusal::Quarantined => {
                Self::Hold
            }
            Refusal::LineStopped | Refusal::LaneStopped => Self::Wait,
        }
    }

    /// The words on screen and pages.
    pub const fn words(self) -> &'static str {
        match self {
            Self::Good => "GOOD BOX",
            Self::Bad => "FAIL BOX",
            Self::Hold => "HOLD BOX",
            Self::Again => "RUN AGAIN",
            Self::Leave => "LEAVE IN",
            Self::PutIn => "PUT UNIT IN",
            Self::Scan => "SCAN LABEL",
            Self::Wait => "WAIT",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_pass_goes_into_the_good_box() {
        for code in VerdictCode::ALL {
            assert_eq!(
                Place::of_verdict(code) == Place::Good,
                code.outcome() == Outcome::Pass,
                "{code}"
            );
        }
        for refusal in Refusal::ALL {
            assert_ne!(Place::of_refusal(refusal), Place::Good, "{refusal}");
        }
    }
}
