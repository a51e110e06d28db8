//! One lane, in words.

use fixture_link::identity::{LaneId, RunId};
use fixture_link::snapshot::{LaneState, LaneView};

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
    /// What the LED shows.
    pub led: LedWords,
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
    progress: Option<Progress>,
}

impl LaneWords {
    /// Words one lane.
    pub fn of(lane: &LaneView) -> Self {
        let said = said(&lane.state);
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
            led: LedWords::of(&lane.led),
        }
    }
}

fn said(state: &LaneState) -> Said {
    match state {
        LaneState::Empty => Said {
            look: Look::Idle,
            word: "EMPTY",
            title: "Ready for a unit".to_owned(),
            place: Place::PutIn,
            todo: "Scan the next unit and put it into the nest.".to_owned(),
            short: "Scan a unit, then put it in.",
            detail: String::new(),
            progress: None,
        },
        LaneState::ToStart => Said {
            look: Look::Idle,
            word: "START",
            title: "Press start".to_owned(),
            place: Place::Leave,
            todo: "The unit is in the nest: press the start button.".to_owned(),
            short: "Press start.",
            detail: String::new(),
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
        } => Said {
            look: look_of(*outcome),
            word: outcome.as_str(),
            title: code.text().title.to_owned(),
            place: Place::of_verdict(*code),
            todo: code.text().operator.to_owned(),
            short: code.text().operator_short,
            detail: if *from_before {
                join("Judged before the last restart", detail)
            } else {
                detail.clone()
            },
            progress: None,
        },
        LaneState::Refused { refusal, detail } => Said {
            look: Look::Refused,
            word: "REFUSED",
            title: refusal.text().title.to_owned(),
            place: Place::of_refusal(*refusal),
            todo: refusal.text().operator.to_owned(),
            short: refusal.text().operator_short,
            detail: detail.clone(),
            progress: None,
        },
        LaneState::Stopped { cause } => Said {
            look: Look::Stopped,
            word: "STOPPED",
            title: cause.clone(),
            place: Place::OtherLane,
            todo: "This lane takes no units. Use another lane and call a supervisor.".to_owned(),
            short: "Use another lane. Call a supervisor.",
            detail: String::new(),
            progress: None,
        },
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
        format!("{first}. {second}")
    }
}

#[cfg(test)]
mod tests {
    use fixture_link::snapshot::Stage;
    use fixture_link::verdict::{Refusal, VerdictCode};
    use fixture_link::verdict_text::Text;

    use super::*;
    use crate::view::tests::{lane, verdict};

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
            LaneState::Stopped {
                cause: "lamp not seen: check the plug at J3".to_owned(),
            },
        ];
        states.extend(VerdictCode::ALL.map(verdict));
        states.extend(Refusal::ALL.map(|refusal| LaneState::Refused {
            refusal,
            detail: String::new(),
        }));
        for state in states {
            let words = LaneWords::of(&lane(1, state.clone()));
            assert!(!words.word.is_empty() && words.word.len() <= 11, "{state:?}");
            assert!(!words.title.is_empty(), "{state:?}");
            assert!(words.todo.ends_with('.'), "{state:?}: {}", words.todo);
            assert!(words.short.ends_with('.'), "{state:?}: {}", words.short);
            assert!(words.short.len() <= 2 * Text::SHORT_LINE, "{state:?}: {}", words.short);
        }
    }

    #[test]
    fn a_verdict_is_never_shown_while_it_is_being_stored() {
        let words = LaneWords::of(&lane(1, LaneState::Storing));
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
        let words = LaneWords::of(&lane(1, state));
        assert_eq!(words.detail, "Judged before the last restart.");
    }

    #[test]
    fn progress_is_that_of_the_frame_while_sending() {
        let words = LaneWords::of(&lane(
            1,
            LaneState::Sending {
                attempt: 2,
                of: 3,
                permille: 430,
                rate: 30,
            },
        ));
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
