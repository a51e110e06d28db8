//! Where a unit goes now: the two words that an operator acts on.

use fixture_link::verdict::{Refusal, VerdictCode};

use super::language::Text;

/// Where a unit goes, or what has to be done with it, before anything else.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Place {
    /// Into the box of passed units.
    Good,
    /// Into the box of failed units.
    Bad,
    /// Into the box of units that a supervisor decides on.
    Hold,
    /// Lifted and seated again, once: the seating may be the fault.
    Reseat,
    /// It says nothing about the unit: run it again here.
    Again,
    /// It says nothing about the unit, and this lane is at fault.
    OtherLane,
    /// It stays beside the fixture until the fixture is put right.
    Keep,
    /// It stays in the nest.
    Leave,
    /// It lies in the nest and waits for the start button.
    Start,
    /// The next unit is wanted.
    PutIn,
    /// No unit is wanted.
    Wait,
    /// Its own serial has to be scanned.
    Scan,
    /// Its label has to be compared.
    CheckLabel,
    /// The golden unit is wanted, and no other.
    PutGolden,
    /// The known-bad unit is wanted, and no other.
    PutKnownBad,
    /// Back to where marked units are kept: it is none to be sold.
    Back,
}

impl Place {
    /// Where a unit with this verdict goes: the short form of what [`VerdictCode::text`] tells the operator.
    pub const fn of_verdict(code: VerdictCode) -> Self {
        match code {
            VerdictCode::Ok => Self::Good,
            VerdictCode::NoLight
            | VerdictCode::NotReady
            | VerdictCode::NotReceiving
            | VerdictCode::ReceptionError
            | VerdictCode::UnreadableLight => Self::Reseat,
            VerdictCode::PowerFault
            | VerdictCode::FlashMissing
            | VerdictCode::FlashBad
            | VerdictCode::NoFirmware
            | VerdictCode::UnexpectedPattern
            | VerdictCode::StuckSearching
            | VerdictCode::StuckJoining
            | VerdictCode::StuckIp
            | VerdictCode::StuckDns
            | VerdictCode::StuckConnecting
            | VerdictCode::StuckProxy
            | VerdictCode::StuckCellular
            | VerdictCode::StuckUpdating
            | VerdictCode::Rejected
            | VerdictCode::FirmwareCrash
            | VerdictCode::BrownOut
            | VerdictCode::BlessFailed
            | VerdictCode::LedOutOfLimits => Self::Bad,
            VerdictCode::NoBlessEvent | VerdictCode::NotClaimed | VerdictCode::BlessDisagrees => Self::Hold,
            VerdictCode::LampNotSeen
            | VerdictCode::LampWeak
            | VerdictCode::SensorFault
            | VerdictCode::NestFault
            | VerdictCode::CalibrationOverdue => Self::OtherLane,
            VerdictCode::StoreFailed | VerdictCode::LabelFailed | VerdictCode::NetworkDown => Self::Keep,
            VerdictCode::LampLate
            | VerdictCode::SensorSaturated
            | VerdictCode::AmbientTooBright
            | VerdictCode::TokenUnavailable
            | VerdictCode::GoldenCheckOverdue
            | VerdictCode::LiftedEarly
            | VerdictCode::StoppedByOperator
            | VerdictCode::Interrupted => Self::Again,
        }
    }

    /// Where a unit goes whose start was refused. A serial that has passed may be a second unit with the same label, so its label is
    /// looked at before anything else.
    pub const fn of_refusal(refusal: Refusal) -> Self {
        match refusal {
            Refusal::DoubleTrigger => Self::Leave,
            Refusal::NoSerial | Refusal::BadSerial | Refusal::DuplicateSerial => Self::Scan,
            Refusal::AlreadyPassed => Self::CheckLabel,
            Refusal::RetestLimit | Refusal::Quarantined => Self::Hold,
            Refusal::LineStopped => Self::Keep,
            Refusal::LaneStopped => Self::OtherLane,
            Refusal::TooLate => Self::Reseat,
        }
    }

    /// The words on screen and pages: at most two.
    pub const fn text(self) -> Text {
        match self {
            Self::Good => Text::PlaceGood,
            Self::Bad => Text::PlaceBad,
            Self::Hold => Text::PlaceHold,
            Self::Reseat => Text::PlaceReseat,
            Self::Again => Text::PlaceAgain,
            Self::OtherLane => Text::PlaceOtherLane,
            Self::Keep => Text::PlaceKeep,
            Self::Leave => Text::PlaceLeave,
            Self::Start => Text::PlaceStart,
            Self::PutIn => Text::PlacePutIn,
            Self::Wait => Text::PlaceWait,
            Self::Scan => Text::PlaceScan,
            Self::CheckLabel => Text::PlaceCheckLabel,
            Self::PutGolden => Text::PlacePutGolden,
            Self::PutKnownBad => Text::PlacePutKnownBad,
            Self::Back => Text::PlaceBack,
        }
    }
}

#[cfg(test)]
mod tests {
    use fixture_link::verdict::Outcome;

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

    #[test]
    fn only_a_fail_goes_into_the_fail_box() {
        for code in VerdictCode::ALL {
            if Place::of_verdict(code) == Place::Bad {
                assert_eq!(code.outcome(), Outcome::Fail, "{code}");
            }
        }
    }

    #[test]
    fn the_place_is_what_the_sentence_says() {
        for code in VerdictCode::ALL {
            let sentence = code.text().operator;
            let (place, word) = match Place::of_verdict(code) {
                Place::Good => ("good", "passed units"),
                Place::Bad => ("bad", "aside as FAIL"),
                Place::Hold => ("hold", "aside as UNDECIDED"),
                Place::Reseat => ("reseat", "same comes up|LED stays dark"),
                Place::Again => (
                    "again",
                    "un the unit again|run this unit again|seat the unit again|seat it again|run it again",
                ),
                Place::OtherLane => ("other lane", "into another lane"),
                Place::Keep => ("keep", "eep the unit"),
                Place::Leave
                | Place::Start
                | Place::PutIn
                | Place::Wait
                | Place::Scan
                | Place::CheckLabel
                | Place::PutGolden
                | Place::PutKnownBad
                | Place::Back => {
                    panic!("{code}: no place of a verdict")
                }
            };
            let lower = sentence.to_lowercase();
            assert!(
                word.split('|').any(|word| lower.contains(&word.to_lowercase())),
                "{code} is told {place}, but: {sentence}"
            );
        }
    }
}
