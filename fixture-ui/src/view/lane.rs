//! One lane, in words.

use fixture_link::identity::{LaneId, RunId};
use fixture_link::snapshot::{LaneState, LaneView, LastVerdict};
use fixture_link::verdict_text::Text;

use super::around::{Around, Line, Others};
use super::led::LedWords;
use super::look::Look;
use super::place::Place;
use super::wording;

/// What a lane shows.
#[derive(Debug, Clone, PartialEq)]
pub struct LaneWords {
    /// The lane.
    pub lane: LaneId,
    /// How it looks.
    pub look: Look,
    /// The one big word.
    pub word: &'static str,
    /// What exactly, in a few words: the code's title, the stage.
    pub title: String,
    /// Where the unit goes now.
    pub place: Place,
    /// What to do with this unit now, in a sentence.
    pub todo: String,
    /// The same for the local screen, which is read from afar: at most two short lines.
    pub short: &'static str,
    /// What exactly was seen, where the title does not tell; else empty.
    pub detail: String,
    /// The unit; empty where it is not known.
    pub serial: String,
    /// How far a run is; `None` where nothing is in progress.
    pub progress: Option<Progress>,
    /// Seconds since the unit was seated; empty without one.
    pub seated: String,
    /// The device id, where it is known; else empty.
    pub device_id: String,
    /// The agent's URL, where it is known; else empty.
    pub agent_url: String,
    /// The run in progress or just ended.
    pub run: Option<RunId>,
    /// Which process gave the verdict that is shown.
    pub given: Given,
    /// The unit before, while the nest is empty.
    pub last: Option<LastWords>,
    /// What the LED shows.
    pub led: LedWords,
}

/// Which process gave a verdict.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Given {
    /// The one that runs; also where there is no verdict.
    Now,
    /// One before the last restart.
    BeforeRestart,
}

/// What became of the unit before.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LastWords {
    /// Its outcome, and where it went.
    pub verdict: String,
    /// Its outcome alone, for places that are too small for more.
    pub outcome: &'static str,
    /// The unit; empty where it was not known.
    pub serial: String,
    /// Its run.
    pub run: RunId,
}

impl LastWords {
    fn of(last: &LastVerdict, around: Around) -> Self {
        let place = around.place(Place::of_verdict(last.code)).words();
        let outcome = last.code.outcome().as_str();
        Self {
            verdict: format!("Last unit {outcome}: {place}"),
            outcome,
            serial: last.serial.as_ref().map(ToString::to_string).unwrap_or_default(),
            run: last.run,
        }
    }
}

/// How far a run is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Progress {
    /// Thousandths of what is going on now.
    pub permille: u16,
    /// Of what.
    pub of: &'static str,
}

impl Progress {
    /// In percent.
    pub const fn percent(&self) -> u16 {
        self.permille / 10
    }
}

/// The part of a lane's words that its state gives.
struct Said {
    look: Look,
    word: &'static str,
    title: String,
    place: Place,
    todo: String,
    short: &'static str,
    detail: String,
    given: Given,
    progress: Option<Progress>,
}

impl LaneWords {
    /// Words one lane.
    pub fn of(lane: &LaneView, around: Around) -> Self {
        let mut said = said(&lane.state, around);
        let last = lane.last.as_ref().map(|last| LastWords::of(last, around));
        if let (LaneState::Empty | LaneState::LineStopped, Some(last)) = (&lane.state, &last) {
            said.title.clone_from(&last.verdict);
        }
        let (device_id, agent_url) = match &lane.state {
            LaneState::Verdict {
                device_id, agent_url, ..
            } => (
                device_id.clone().unwrap_or_default(),
                agent_url.clone().unwrap_or_default(),
            ),
            LaneState::Empty
            | LaneState::ToStart
            | LaneState::Waiting
            | LaneState::Token
            | LaneState::Sending { .. }
            | LaneState::Watching { .. }
            | LaneState::Storing
            | LaneState::Refused { .. }
            | LaneState::LineStopped
            | LaneState::Stopped { .. } => (String::new(), String::new()),
        };
        Self {
            lane: lane.lane,
            look: said.look,
            word: said.word,
            title: said.title,
            place: said.place,
            todo: said.todo,
            short: said.short,
            detail: said.detail,
            serial: lane
                .serial
                .as_ref()
                .map(|serial| serial.as_str().to_owned())
                .unwrap_or_default(),
            progress: said.progress,
            seated: if lane.seated_ms == 0 {
                String::new()
            } else {
                format!("{} s", lane.seated_ms / 1000)
            },
            device_id,
            agent_url,
            run: lane.run,
            given: said.given,
            last,
            led: LedWords::of(&lane.led),
        }
    }

    /// How large its word may be, in style sheets: INTERRUPTED is longer than all others.
    pub const fn word_class(&self) -> &'static str {
        if self.word.len() > 9 { "word long" } else { "word" }
    }

    /// Its title for the local screen, which has no place for the detail: with the mark of a verdict from before a restart.
    pub fn headline(&self) -> String {
        match self.given {
            Given::Now => self.title.clone(),
            Given::BeforeRestart => format!("Before the restart: {}", self.title),
        }
    }
}

#[expect(clippy::too_many_lines, reason = "one state after another, each in all its words")]
fn said(state: &LaneState, around: Around) -> Said {
    match state {
        LaneState::Empty => Said {
            look: Look::Idle,
            word: "EMPTY",
            title: "Ready for a unit".to_owned(),
            place: Place::PutIn,
            todo: "Scan the next unit and put it into the nest.".to_owned(),
            short: "Scan a unit, then put it in.",
            detail: String::new(),
            given: Given::Now,
            progress: None,
        },
        LaneState::ToStart => Said {
            look: Look::Idle,
            word: "READY",
            title: "The unit waits for its start".to_owned(),
            place: Place::Start,
            todo: "The unit is in the nest: press the start button.".to_owned(),
            short: "Press the start button.",
            detail: String::new(),
            given: Given::Now,
            progress: None,
        },
        LaneState::Waiting => running("SEATED", "Waiting for its ready light".to_owned(), 0, "waiting"),
        LaneState::Token => running("TOKEN", "Getting an enrolment token".to_owned(), 0, "waiting"),
        LaneState::Sending {
            attempt,
            of,
            permille,
            rate,
        } => running(
            "SENDING",
            format!("Attempt {attempt} of {of}, {rate}/s"),
            (*permille).min(1000),
            "sending",
        ),
        LaneState::Watching { stage, attempt: _ } => running(
            "WATCHING",
            wording::stage(*stage).to_owned(),
            wording::stage_permille(*stage),
            "connecting",
        ),
        LaneState::Storing => running("STORING", "Writing the record".to_owned(), 1000, "storing"),
        LaneState::Verdict {
            outcome,
            code,
            detail,
            device_id: _,
            agent_url: _,
            from_before,
        } => {
            let detail = wording::named(detail);
            let said = unit(
                (look_of(*outcome), outcome.as_str()),
                code.text(),
                Place::of_verdict(*code),
                around,
            );
            if *from_before {
                Said {
                    detail: join("Judged before the last restart", &detail),
                    given: Given::BeforeRestart,
                    ..said
                }
            } else {
                Said { detail, ..said }
            }
        }
        LaneState::Refused { refusal, detail } => Said {
            detail: wording::named(detail),
            ..unit(
                (Look::Refused, "REFUSED"),
                refusal.text(),
                Place::of_refusal(*refusal),
                around,
            )
        },
        LaneState::LineStopped => {
            let (todo, short) = match around.line {
                Line::WaitsForStart => (
                    "Put no unit in: a person stopped the line. A supervisor starts it again.",
                    "Put no unit in. Ask the supervisor.",
                ),
                // A snapshot is whole: the line of a lane that waits for it is stopped.
                Line::WaitsForAcknowledgement | Line::Runs => (
                    "Put no unit in: the line is stopped. Call the engineer; it goes on once the stop is acknowledged.",
                    "Put no unit in. Call the engineer.",
                ),
            };
            empty(Look::Held, "The line is stopped".to_owned(), Place::Wait, todo, short)
        }
        LaneState::Stopped { cause } => {
            let (place, todo, short) = match (around.line, around.others) {
                (Line::Runs, Others::TakeUnits) => (
                    Place::OtherLane,
                    "This lane takes no units. Use another lane and call a supervisor.",
                    "Use another lane. Call a supervisor.",
                ),
                (Line::Runs, Others::TakeNone) => (
                    Place::Wait,
                    "This lane takes no units, and no other does. Call a supervisor.",
                    "No lane takes units. Call a supervisor.",
                ),
                (Line::WaitsForAcknowledgement | Line::WaitsForStart, _) => (
                    Place::Wait,
                    "This lane takes no units, and the line is stopped. Call a supervisor.",
                    "Put no unit in. Call a supervisor.",
                ),
            };
            empty(Look::Stopped, wording::named(cause), place, todo, short)
        }
    }
}

/// The words for a unit that is told to go to `place`, or to stay where it cannot go there.
fn unit((look, word): (Look, &'static str), text: &Text, place: Place, around: Around) -> Said {
    let instead = around.instead(place);
    Said {
        look,
        word,
        title: text.title.to_owned(),
        place: around.place(place),
        todo: instead.map_or(text.operator, |instead| instead.todo()).to_owned(),
        short: instead.map_or(text.operator_short, |instead| instead.short()),
        detail: String::new(),
        given: Given::Now,
        progress: None,
    }
}

/// The words for an empty lane that takes no unit.
fn empty(look: Look, title: String, place: Place, todo: &str, short: &'static str) -> Said {
    Said {
        look,
        word: "STOPPED",
        title,
        place,
        todo: todo.to_owned(),
        short,
        detail: String::new(),
        given: Given::Now,
        progress: None,
    }
}

fn running(word: &'static str, title: String, permille: u16, of: &'static str) -> Said {
    Said {
        look: Look::Running,
        word,
        title,
        place: Place::Leave,
        todo: "Leave the unit in the nest.".to_owned(),
        short: "Leave the unit in the nest.",
        detail: String::new(),
        given: Given::Now,
        progress: Some(Progress { permille, of }),
    }
}

/// The look of an outcome.
pub const fn look_of(outcome: fixture_link::verdict::Outcome) -> Look {
    use fixture_link::verdict::Outcome;
    match outcome {
        Outcome::Pass => Look::Pass,
        Outcome::Fail => Look::Fail,
        Outcome::Error => Look::Error,
        Outcome::Undecided => Look::Undecided,
        Outcome::Aborted | Outcome::Interrupted => Look::Aborted,
    }
}

fn join(first: &str, second: &str) -> String {
    if second.is_empty() {
        format!("{first}.")
    } else {
        format!("{first}. {}", super::sentence(second))
    }
}

#[cfg(test)]
mod tests {
    use fixture_link::snapshot::Stage;
    use fixture_link::verdict::{Refusal, VerdictCode};
    use fixture_link::verdict_text::Text;

    use super::*;
    use crate::view::tests::{RUNS, lane, verdict};

    #[test]
    fn every_state_has_a_word_a_title_and_something_to_do() {
        let mut states = vec![
            LaneState::Empty,
            LaneState::ToStart,
            LaneState::Waiting,
            LaneState::Token,
            LaneState::Sending {
                attempt: 1,
                of: 3,
                permille: 430,
                rate: 60,
            },
            LaneState::Watching {
                stage: Stage::Joining,
                attempt: 1,
            },
            LaneState::Storing,
            LaneState::LineStopped,
            LaneState::Stopped {
                cause: "lamp not seen: check the plug at J3".to_owned(),
            },
        ];
        states.extend(VerdictCode::ALL.map(verdict));
        states.extend(Refusal::ALL.map(|refusal| LaneState::Refused {
            refusal,
            detail: String::new(),
        }));
        let line = [Line::Runs, Line::WaitsForAcknowledgement, Line::WaitsForStart];
        let others = [Others::TakeUnits, Others::TakeNone];
        let arounds = line
            .into_iter()
            .flat_map(|line| others.map(|others| Around { line, others }));
        for (state, around) in states
            .iter()
            .flat_map(|state| arounds.clone().map(move |around| (state, around)))
        {
            let words = LaneWords::of(&lane(1, state.clone()), around);
            assert!(!words.word.is_empty() && words.word.len() <= 11, "{state:?}");
            assert!(!words.title.is_empty(), "{state:?}");
            assert!(words.todo.ends_with('.'), "{state:?}: {}", words.todo);
            assert!(words.short.ends_with('.'), "{state:?}: {}", words.short);
            assert!(words.short.len() <= 2 * Text::SHORT_LINE, "{state:?}: {}", words.short);
        }
    }

    #[test]
    fn a_verdict_is_never_shown_while_it_is_being_stored() {
        let words = LaneWords::of(&lane(1, LaneState::Storing), RUNS);
        assert_eq!(
            (words.look, words.word, words.place),
            (Look::Running, "STORING", Place::Leave)
        );
    }

    #[test]
    fn a_verdict_from_before_a_restart_says_so() {
        let mut state = verdict(VerdictCode::Ok);
        if let LaneState::Verdict { from_before, .. } = &mut state {
            *from_before = true;
        }
        let words = LaneWords::of(&lane(1, state), RUNS);
        assert_eq!(words.detail, "Judged before the last restart.");
        assert_eq!(words.headline(), "Before the restart: Passed");
        assert_eq!(
            LaneWords::of(&lane(1, verdict(VerdictCode::Ok)), RUNS).headline(),
            "Passed"
        );
    }

    #[test]
    fn the_verdict_of_the_unit_before_stays_beside_the_empty_nest() {
        let mut empty = lane(1, LaneState::Empty);
        empty.last = Some(LastVerdict {
            run: RunId(uuid::Uuid::from_u128(7)),
            serial: None,
            code: VerdictCode::Ok,
        });
        let words = LaneWords::of(&empty, RUNS);
        assert_eq!(
            (words.look, words.word),
            (Look::Idle, "EMPTY"),
            "the nest is what is live"
        );
        assert_eq!(words.title, "Last unit PASS: GOOD BOX");
    }

    #[test]
    fn a_lane_that_waits_for_its_line_is_not_blamed_and_sends_nobody_to_another() {
        for (line, who) in [
            (Line::WaitsForAcknowledgement, "engineer"),
            (Line::WaitsForStart, "supervisor"),
        ] {
            let around = Around { line, ..RUNS };
            let held = LaneWords::of(&lane(1, LaneState::LineStopped), around);
            assert_eq!((held.look, held.place), (Look::Held, Place::Wait));
            assert!(
                held.todo.contains(who) && held.short.contains(who),
                "{} {}",
                held.todo,
                held.short
            );
            for code in VerdictCode::ALL {
                let words = LaneWords::of(&lane(1, verdict(code)), around);
                assert!(
                    !matches!(words.place, Place::OtherLane | Place::Again | Place::Reseat),
                    "{code}: a unit that is seated now is refused"
                );
                assert!(!words.todo.contains("another lane"), "{code}: {}", words.todo);
            }
        }
    }

    #[test]
    fn no_unit_is_sent_to_another_lane_where_there_is_none() {
        let alone = Around {
            others: Others::TakeNone,
            ..RUNS
        };
        for state in VerdictCode::ALL.map(verdict).into_iter().chain([
            LaneState::Stopped {
                cause: "lamp-not-seen: check the plug at J3".to_owned(),
            },
            LaneState::Refused {
                refusal: Refusal::LaneStopped,
                detail: String::new(),
            },
        ]) {
            let words = LaneWords::of(&lane(1, state.clone()), alone);
            assert_ne!(words.place, Place::OtherLane, "{state:?}");
            for said in [&words.todo, words.short] {
                assert!(!said.to_lowercase().contains("another lane"), "{state:?}: {said}");
            }
        }
        assert_eq!(
            LaneWords::of(&lane(1, verdict(VerdictCode::LampNotSeen)), alone).place,
            Place::Keep
        );
        assert_eq!(
            LaneWords::of(&lane(1, verdict(VerdictCode::LampNotSeen)), RUNS).place,
            Place::OtherLane
        );
    }

    #[test]
    fn progress_is_that_of_the_frame_while_sending() {
        let words = LaneWords::of(
            &lane(
                1,
                LaneState::Sending {
                    attempt: 2,
                    of: 3,
                    permille: 430,
                    rate: 30,
                },
            ),
            RUNS,
        );
        assert_eq!(words.title, "Attempt 2 of 3, 30/s");
        assert_eq!(
            words.progress,
            Some(Progress {
                permille: 430,
                of: "sending"
            })
        );
    }
}
