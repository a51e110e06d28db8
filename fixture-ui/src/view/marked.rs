//! Units by which the fixture is measured: which one a golden check wants next, and what becomes of one, or of one of a study. They are never sold, so that no word here
//! sends one into a box. Pure.

use fixture_link::purpose::{Purpose, Says};
use fixture_link::snapshot::{CheckView, Done, LaneState, LaneView};
use fixture_link::verdict::Outcome;

use super::language::{Language, Text};
use super::place::Place;

/// What is said of a lane in place of what its state alone would say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Instead {
    /// The title; `None` where its own stays, with what the unit is before it.
    pub title: Option<String>,
    /// Where the unit goes.
    pub place: Place,
    /// What to do, in a sentence; in English.
    pub todo: &'static str,
    /// The same for the local screen.
    pub short: Text,
    /// Whether the lane is measured badly by it.
    pub says: Says,
}

/// A unit that a golden check asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// The one that must pass.
    Golden,
    /// The one that must fail.
    KnownBad,
}

/// What a golden check wants next, and how far it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Next {
    /// The unit.
    pub wants: Step,
    /// Which step that is, from 1.
    pub step: u8,
    /// Of how many.
    pub of: u8,
}

impl Next {
    /// What a check that is due wants next.
    pub const fn of(check: &CheckView) -> Self {
        let of = if check.known_bad.is_some() { 2 } else { 1 };
        match check.golden {
            Done::No => Self {
                wants: Step::Golden,
                step: 1,
                of,
            },
            Done::Yes => Self {
                wants: Step::KnownBad,
                step: 2,
                of,
            },
        }
    }
}

/// What is said of an empty lane whose golden check is due.
pub fn wanted(check: &CheckView, language: &Language) -> Instead {
    let next = Next::of(check);
    let title = if check.overdue {
        Text::SayCheckOverdue
    } else {
        Text::SayCheckDue
    };
    let (place, todo, short) = match (next.wants, check.overdue) {
        (Step::Golden, true) => (
            Place::PutGolden,
            "Put the golden unit in: this lane passes no other unit before it has passed that one.",
            Text::TodoGoldenNow,
        ),
        (Step::Golden, false) => (
            Place::PutIn,
            "Put the golden unit in soon: until the check is overdue this lane still passes others.",
            Text::TodoGoldenSoon,
        ),
        (Step::KnownBad, true) => (
            Place::PutKnownBad,
            "Put the known-bad unit in: this lane passes no other unit before it has failed that one.",
            Text::TodoKnownBadNow,
        ),
        (Step::KnownBad, false) => (
            Place::PutIn,
            "Put the known-bad unit in soon: until the check is overdue this lane still passes others.",
            Text::TodoKnownBadSoon,
        ),
    };
    Instead {
        title: Some(language.fill(title, &[("step", &next.step.to_string()), ("of", &next.of.to_string())])),
        place,
        todo,
        short,
        says: Says::Nothing,
    }
}

/// What is said of a marked unit that has its verdict; `None` where the fixture, the network or a person spoilt it: then it is run again like any other.
pub fn ended(purpose: Purpose, outcome: Outcome, language: &Language) -> Option<Instead> {
    let says = purpose.says(outcome);
    let (title, todo, short) = match (purpose, says) {
        // A unit that is bad in some way may well be read neither way.
        (Purpose::KnownBad, Says::Nothing) if matches!(outcome, Outcome::Undecided) => {
            return Some(Instead {
                title: None,
                place: Place::Again,
                todo: "Run the known-bad unit again: this says nothing of the lane.",
                short: Text::TodoMarkedAgain,
                says,
            });
        }
        // A study is judged as a whole, and its units are run again and again.
        (Purpose::Study, _) if matches!(outcome, Outcome::Pass | Outcome::Fail | Outcome::Undecided) => {
            return Some(Instead {
                title: None,
                place: Place::Back,
                todo: "Put the unit back to the others of the study.",
                short: Text::TodoPutBack,
                says,
            });
        }
        (Purpose::Production | Purpose::Study, _) | (_, Says::Nothing) => return None,
        (Purpose::Golden, Says::Well) => (
            Text::SayGoldenWell,
            "Put the golden unit back where it is kept.",
            Text::TodoPutBack,
        ),
        (Purpose::KnownBad, Says::Well) => (
            Text::SayKnownBadWell,
            "Put the known-bad unit back where it is kept.",
            Text::TodoPutBack,
        ),
        (Purpose::Golden, Says::Ill) => (
            Text::SayGoldenIll,
            "Put the golden unit back and call the engineer: this lane takes no units until somebody has looked at it.",
            Text::TodoPutBackAndCall,
        ),
        (Purpose::KnownBad, Says::Ill) => (
            Text::SayKnownBadIll,
            "Put the known-bad unit back and call the engineer: this lane takes no units until somebody has looked at it.",
            Text::TodoPutBackAndCall,
        ),
    };
    Some(Instead {
        title: Some(language.say(title).to_owned()),
        place: Place::Back,
        todo,
        short,
        says,
    })
}

/// What is said in place of what the lane's state alone would say.
pub fn instead(lane: &LaneView, language: &Language) -> Option<Instead> {
    match (&lane.state, &lane.golden_check) {
        (LaneState::Empty, Some(check)) => Some(wanted(check, language)),
        (LaneState::Verdict { outcome, .. }, _) => ended(lane.purpose, *outcome, language),
        _ => None,
    }
}

/// A title with what the unit is before it.
pub fn of_unit(purpose: Purpose, title: String, language: &Language) -> String {
    let text = match purpose {
        Purpose::Production => return title,
        Purpose::Study => Text::SayOfStudy,
        Purpose::Golden => Text::SayOfGolden,
        Purpose::KnownBad => Text::SayOfKnownBad,
    };
    language.fill(text, &[("title", &title)])
}
