//! What else decides where a lane's unit goes: the line, and whether there is another lane.

use fixture_link::identity::LaneId;
use fixture_link::snapshot::{LaneState, LineStop, Snapshot};

use super::language::Text;
use super::place::Place;

/// What is around a lane.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Around {
    /// The line.
    pub line: Line,
    /// The other lanes.
    pub others: Others,
}

/// Whether the line takes units.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Line {
    /// It does.
    Runs,
    /// It waits for an engineer's acknowledgement.
    WaitsForAcknowledgement,
    /// A person stopped it, and it waits for a person's start.
    WaitsForStart,
}

/// Whether another lane takes units.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Others {
    /// One does.
    TakeUnits,
    /// None does: they are out of service, or there are none.
    TakeNone,
}

impl Line {
    fn of(stop: Option<&LineStop>) -> Self {
        match stop {
            None => Self::Runs,
            Some(stop) if stop.wants_acknowledgement => Self::WaitsForAcknowledgement,
            Some(_) => Self::WaitsForStart,
        }
    }
}

/// Why a unit cannot go where its verdict alone would have it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Instead {
    /// The line is stopped, and this is what it waits for.
    LineStopped(&'static str),
    /// No other lane takes units.
    NoOtherLane,
}

impl Around {
    /// What is around this lane.
    pub fn of(snapshot: &Snapshot, lane: LaneId) -> Self {
        let takes_units = |state: &LaneState| !matches!(state, LaneState::Stopped { .. });
        let other = snapshot
            .lanes
            .iter()
            .any(|other| other.lane != lane && takes_units(&other.state));
        Self {
            line: Line::of(snapshot.line.stopped.as_ref()),
            others: if other { Others::TakeUnits } else { Others::TakeNone },
        }
    }

    /// Why a unit that would go to this place stays here.
    pub fn instead(self, place: Place) -> Option<Instead> {
        let needs_line = match place {
            Place::OtherLane | Place::Again | Place::Reseat => true,
            Place::Good
            | Place::Bad
            | Place::Hold
            | Place::Keep
            | Place::Leave
            | Place::PutIn
            | Place::Start
            | Place::Wait
            | Place::Scan
            | Place::CheckLabel
            | Place::PutGolden
            | Place::PutKnownBad
            | Place::Back => false,
        };
        match (self.line, self.others) {
            (Line::WaitsForAcknowledgement, _) if needs_line => Some(Instead::LineStopped(
                "Keep the unit beside the fixture: the line is stopped. Call the engineer; it can run again once the line goes on.",
            )),
            (Line::WaitsForStart, _) if needs_line => Some(Instead::LineStopped(
                "Keep the unit beside the fixture: a person stopped the line. It can run again once a supervisor starts it.",
            )),
            (Line::Runs, Others::TakeNone) if place == Place::OtherLane => Some(Instead::NoOtherLane),
            (Line::Runs | Line::WaitsForAcknowledgement | Line::WaitsForStart, _) => None,
        }
    }

    /// Where a unit goes that would go to this place.
    pub fn place(self, place: Place) -> Place {
        self.instead(place).map_or(place, |_| Place::Keep)
    }
}

impl Instead {
    /// What to do with the unit.
    pub const fn todo(self) -> &'static str {
        match self {
            Self::LineStopped(todo) => todo,
            Self::NoOtherLane => "Keep the unit beside the fixture and call the engineer: no other lane takes units.",
        }
    }

    /// The same for the local screen.
    pub const fn short(self) -> Text {
        match self {
            Self::LineStopped(_) => Text::TodoRunItLater,
            Self::NoOtherLane => Text::TodoKeepAndCall,
        }
    }
}
