//! One lane, in words.

use fixture_link::identity::{LaneId, RunId};
use fixture_link::purpose::Says;
use fixture_link::snapshot::{LaneState, LaneView, LastVerdict};
use fixture_link::verdict::Outcome;
use fixture_link::verdict_text::Text as Wording;

use super::around::{Around, Line, Others};
use super::language::{Key, Language, Text};
use super::led::LedWords;
use super::look::Look;
use super::marked;
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
    pub word: String,
    /// What exactly, in a few words: the code's title, the stage.
    pub title: String,
    /// Where the unit goes now.
    pub place: Place,
    /// The words for that: at most two.
    pub to: String,
    /// What to do with this unit now, in a sentence; in English, as only pages show it.
    pub todo: String,
    /// The same for the local screen, which is read from afar: at most two short lines.
    pub short: String,
    /// Its title for the local screen, which has no place for the detail: with the mark of a verdict from before a restart.
    pub headline: String,
    /// The same for lanes that have no place for both; the mark alone, where there is one.
    pub mark: String,
    /// What exactly was seen, where the title does not tell; else empty. In English, as only pages show it.
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
    /// What its unit is run by, where the next ones are run by something else; else empty.
    pub recipe: String,
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
    pub outcome: String,
    /// That it is the last unit that is told of.
    pub named: String,
    /// The same with the unit; empty where it was not known.
    pub unit: String,
    /// The unit; empty where it was not known.
    pub serial: String,
    /// Its run.
    pub run: RunId,
}

impl LastWords {
    fn of(last: &LastVerdict, around: Around, language: &Language) -> Self {
        let place = match marked::ended(last.purpose, last.code.outcome(), language) {
            Some(marked) => marked.place,
            None => around.place(Place::of_verdict(last.code)),
        };
        let place = language.say(place.text());
        let outcome = language.say(word_of(last.code.outcome()));
        let serial = last.serial.as_ref().map(ToString::to_string).unwrap_or_default();
        Self {
            verdict: language.fill(Text::SayLastVerdict, &[("outcome", outcome), ("place", place)]),
            outcome: outcome.to_owned(),
            named: language.say(Text::SayLastUnit).to_owned(),
            unit: if serial.is_empty() {
                String::new()
            } else {
                language.fill(Text::SayLastSerial, &[("serial", &serial)])
            },
            serial,
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
    /// How long it may still take at most; empty where nothing is timed.
    pub left: String,
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
    word: Text,
    title: String,
    place: Place,
    todo: String,
    short: Key,
    detail: String,
    given: Given,
    progress: Option<Progress>,
}

impl Said {
    /// What a golden check or a marked unit makes of it. A lane that is measured badly takes no units from then on, whatever its unit's verdict is.
    fn measured_by(&mut self, marked: marked::Instead, own: String) {
        self.title = marked.title.unwrap_or(own);
        self.place = marked.place;
        marked.todo.clone_into(&mut self.todo);
        self.short = marked.short.into();
        if marked.says == Says::Ill {
            self.look = Look::Stopped;
            self.word = Text::WordStopped;
        }
    }
}

impl LaneWords {
    /// Words one lane.
    pub fn of(lane: &LaneView, around: Around, language: &Language) -> Self {
        let mut said = said(&lane.state, around, language);
        let last = lane.last.as_ref().map(|last| LastWords::of(last, around, language));
        if let (Some(progress), Some(left)) = (&mut said.progress, lane.left_ms) {
            progress.left = language.fill(Text::SaySeconds, &[("seconds", &left.div_ceil(1000).to_string())]);
        }
        if let (LaneState::Empty | LaneState::LineStopped, Some(last)) = (&lane.state, &last) {
            said.title.clone_from(&last.verdict);
        }
        let own = marked::of_unit(lane.purpose, said.title.clone(), language);
        if let Some(marked) = marked::instead(lane, language) {
            said.measured_by(marked, own);
        } else if said.progress.is_some() {
            said.title = own;
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
        let (headline, mark) = match said.given {
            Given::Now => (said.title.clone(), said.title.clone()),
            Given::BeforeRestart => (
                language.fill(Text::SayBeforeRestart, &[("title", &said.title)]),
                language.say(Text::SayFromBefore).to_owned(),
            ),
        };
        Self {
            lane: lane.lane,
            look: said.look,
            word: language.say(said.word).to_owned(),
            title: said.title,
            place: said.place,
            to: language.say(said.place.text()).to_owned(),
            todo: said.todo,
            short: language.say(said.short).to_owned(),
            headline,
            mark,
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
                language.fill(Text::SaySeconds, &[("seconds", &(lane.seated_ms / 1000).to_string())])
            },
            device_id,
            agent_url,
            recipe: lane
                .recipe
                .as_ref()
                .map_or_else(String::new, |recipe| format!("{} ({})", recipe.name, recipe.version)),
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
}

#[expect(clippy::too_many_lines, reason = "one state after another, each in all its words")]
fn said(state: &LaneState, around: Around, language: &Language) -> Said {
    let say = |text: Text| language.say(text).to_owned();
    match state {
        LaneState::Empty => Said {
            look: Look::Idle,
            word: Text::WordEmpty,
            title: say(Text::SayReadyForAUnit),
            place: Place::PutIn,
            todo: "Scan the next unit and put it into the nest.".to_owned(),
            short: Text::TodoScanAndPutIn.into(),
            detail: String::new(),
            given: Given::Now,
            progress: None,
        },
        LaneState::ToStart => Said {
            look: Look::Idle,
            word: Text::WordReady,
            title: say(Text::SayWaitsForStart),
            place: Place::Start,
            todo: "The unit is in the nest: press the start button.".to_owned(),
            short: Text::TodoPressStart.into(),
            detail: String::new(),
            given: Given::Now,
            progress: None,
        },
        LaneState::Waiting => running(Text::WordSeated, say(Text::SayWaitsForReadyLight), 0, "waiting"),
        LaneState::Token => running(Text::WordToken, say(Text::SayGetsToken), 0, "waiting"),
        LaneState::Sending {
            attempt,
            of,
            permille,
            rate,
        } => running(
            Text::WordSending,
            language.fill(
                Text::SayAttempt,
                &[
                    ("attempt", &attempt.to_string()),
                    ("of", &of.to_string()),
                    ("rate", &rate.to_string()),
                ],
            ),
            (*permille).min(1000),
            "sending",
        ),
        LaneState::Watching { stage, attempt: _ } => running(
            Text::WordWatching,
            language.say(Key::Stage(*stage)).to_owned(),
            wording::stage_permille(*stage),
            "connecting",
        ),
        LaneState::Storing => running(Text::WordStoring, say(Text::SayWritesRecord), 1000, "storing"),
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
                (look_of(*outcome), word_of(*outcome)),
                (code.text(), Key::CodeTodo(*code)),
                Place::of_verdict(*code),
                around,
            );
            let said = Said {
                title: language.say(Key::Code(*code)).to_owned(),
                ..said
            };
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
            title: language.say(Key::Refusal(*refusal)).to_owned(),
            ..unit(
                (Look::Refused, Text::WordRefused),
                (refusal.text(), Key::RefusalTodo(*refusal)),
                Place::of_refusal(*refusal),
                around,
            )
        },
        LaneState::LineStopped => {
            let (todo, short) = match around.line {
                Line::WaitsForStart => (
                    "Put no unit in: a person stopped the line. A supervisor starts it again.",
                    Text::TodoLineWantsSupervisor,
                ),
                // A snapshot is whole: the line of a lane that waits for it is stopped.
                Line::WaitsForAcknowledgement | Line::Runs => (
                    "Put no unit in: the line is stopped. Call the engineer; it goes on once the stop is acknowledged.",
                    Text::TodoLineWantsEngineer,
                ),
            };
            empty(Look::Held, say(Text::SayLineIsStopped), Place::Wait, todo, short)
        }
        LaneState::Stopped { cause } => {
            let (place, todo, short) = match (around.line, around.others) {
                (Line::Runs, Others::TakeUnits) => (
                    Place::OtherLane,
                    "This lane takes no units. Use another lane and call a supervisor.",
                    Text::TodoUseAnotherLane,
                ),
                (Line::Runs, Others::TakeNone) => (
                    Place::Wait,
                    "This lane takes no units, and no other does. Call a supervisor.",
                    Text::TodoNoLaneTakesUnits,
                ),
                (Line::WaitsForAcknowledgement | Line::WaitsForStart, _) => (
                    Place::Wait,
                    "This lane takes no units, and the line is stopped. Call a supervisor.",
                    Text::TodoLaneAndLineStopped,
                ),
            };
            empty(Look::Stopped, wording::cause(cause, language), place, todo, short)
        }
    }
}

/// The words for a unit that is told to go to `place`, or to stay where it cannot go there.
fn unit((look, word): (Look, Text), (wording, short): (&Wording, Key), place: Place, around: Around) -> Said {
    let instead = around.instead(place);
    Said {
        look,
        word,
        title: wording.title.to_owned(),
        place: around.place(place),
        todo: instead.map_or(wording.operator, |instead| instead.todo()).to_owned(),
        short: instead.map_or(short, |instead| instead.short().into()),
        detail: String::new(),
        given: Given::Now,
        progress: None,
    }
}

/// The words for an empty lane that takes no unit.
fn empty(look: Look, title: String, place: Place, todo: &str, short: Text) -> Said {
    Said {
        look,
        word: Text::WordStopped,
        title,
        place,
        todo: todo.to_owned(),
        short: short.into(),
        detail: String::new(),
        given: Given::Now,
        progress: None,
    }
}

fn running(word: Text, title: String, permille: u16, of: &'static str) -> Said {
    Said {
        look: Look::Running,
        word,
        title,
        place: Place::Leave,
        todo: "Leave the unit in the nest.".to_owned(),
        short: Text::TodoLeaveIn.into(),
        detail: String::new(),
        given: Given::Now,
        progress: Some(Progress {
            permille,
            of,
            left: String::new(),
        }),
    }
}

/// The word for an outcome.
const fn word_of(outcome: Outcome) -> Text {
    match outcome {
        Outcome::Pass => Text::WordPass,
        Outcome::Fail => Text::WordFail,
        Outcome::Error => Text::WordError,
        Outcome::Undecided => Text::WordUndecided,
        Outcome::Aborted => Text::WordAborted,
        Outcome::Interrupted => Text::WordInterrupted,
    }
}

/// The look of an outcome.
pub const fn look_of(outcome: Outcome) -> Look {
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
    use fixture_link::identity::WallTime;
    use fixture_link::purpose::Purpose;
    use fixture_link::snapshot::{CheckView, Done, Stage};
    use fixture_link::verdict::{Refusal, VerdictCode};
    use fixture_link::verdict_text::Text as Wording;

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
            let words = LaneWords::of(&lane(1, state.clone()), around, Language::english());
            assert!(!words.word.is_empty() && words.word.len() <= 11, "{state:?}");
            assert!(!words.title.is_empty(), "{state:?}");
            assert!(words.todo.ends_with('.'), "{state:?}: {}", words.todo);
            assert!(words.short.ends_with('.'), "{state:?}: {}", words.short);
            assert!(
                words.short.len() <= 2 * Wording::SHORT_LINE,
                "{state:?}: {}",
                words.short
            );
        }
    }

    #[test]
    fn a_verdict_is_never_shown_while_it_is_being_stored() {
        let words = LaneWords::of(&lane(1, LaneState::Storing), RUNS, Language::english());
        assert_eq!(
            (words.look, words.word.as_str(), words.place),
            (Look::Running, "STORING", Place::Leave)
        );
    }

    #[test]
    fn a_verdict_from_before_a_restart_says_so() {
        let mut state = verdict(VerdictCode::Ok);
        if let LaneState::Verdict { from_before, .. } = &mut state {
            *from_before = true;
        }
        let words = LaneWords::of(&lane(1, state), RUNS, Language::english());
        assert_eq!(words.detail, "Judged before the last restart.");
        assert_eq!(words.headline, "Before the restart: Passed");
        assert_eq!(
            LaneWords::of(&lane(1, verdict(VerdictCode::Ok)), RUNS, Language::english()).headline,
            "Passed"
        );
    }

    #[test]
    fn the_verdict_of_the_unit_before_stays_beside_the_empty_nest() {
        let mut empty = lane(1, LaneState::Empty);
        empty.last = Some(LastVerdict {
            run: RunId(uuid::Uuid::from_u128(7)),
            serial: None,
            purpose: Purpose::Production,
            code: VerdictCode::Ok,
        });
        let words = LaneWords::of(&empty, RUNS, Language::english());
        assert_eq!(
            (words.look, words.word.as_str()),
            (Look::Idle, "EMPTY"),
            "the nest is what is live"
        );
        assert_eq!(words.title, "Last unit PASS: GOOD BOX");
    }

    #[test]
    fn a_marked_unit_goes_into_no_box_whatever_its_verdict_is() {
        for code in VerdictCode::ALL {
            for purpose in [Purpose::Golden, Purpose::KnownBad, Purpose::Study] {
                let mut lane = lane(1, verdict(code));
                lane.purpose = purpose;
                let words = LaneWords::of(&lane, RUNS, Language::english());
                assert!(
                    !matches!(words.place, Place::Good | Place::Bad | Place::Hold),
                    "{purpose:?} {code}: {:?}",
                    words.place
                );
                match purpose.says(code.outcome()) {
                    Says::Well => assert_eq!((words.place, words.look), (Place::Back, look_of(code.outcome()))),
                    Says::Ill => assert_eq!((words.place, words.look), (Place::Back, Look::Stopped)),
                    Says::Nothing => {}
                }
                let last = LastVerdict {
                    run: RunId(uuid::Uuid::from_u128(7)),
                    serial: None,
                    purpose,
                    code,
                };
                let verdict = LastWords::of(&last, RUNS, Language::english()).verdict;
                assert!(!verdict.contains("BOX"), "{purpose:?} {code}: {verdict}");
            }
        }
    }

    #[test]
    fn an_empty_lane_says_which_unit_its_golden_check_wants_next() {
        let mut lane = lane(1, LaneState::Empty);
        let mut said = |golden, known_bad, overdue| {
            lane.golden_check = Some(CheckView {
                since: WallTime {
                    micros: 0,
                    synchronised: true,
                },
                golden,
                known_bad,
                overdue,
            });
            let words = LaneWords::of(&lane, RUNS, Language::english());
            (words.title, words.place)
        };
        assert_eq!(
            said(Done::No, None, true),
            ("Golden check, step 1 of 1".to_owned(), Place::PutGolden)
        );
        assert_eq!(
            said(Done::Yes, Some(Done::No), true),
            ("Golden check, step 2 of 2".to_owned(), Place::PutKnownBad)
        );
        assert_eq!(
            said(Done::No, Some(Done::No), false),
            ("Golden check due, step 1 of 2".to_owned(), Place::PutIn),
            "others still pass"
        );
    }

    #[test]
    fn a_lane_that_waits_for_its_line_is_not_blamed_and_sends_nobody_to_another() {
        for (line, who) in [
            (Line::WaitsForAcknowledgement, "engineer"),
            (Line::WaitsForStart, "supervisor"),
        ] {
            let around = Around { line, ..RUNS };
            let held = LaneWords::of(&lane(1, LaneState::LineStopped), around, Language::english());
            assert_eq!((held.look, held.place), (Look::Held, Place::Wait));
            assert!(
                held.todo.contains(who) && held.short.contains(who),
                "{} {}",
                held.todo,
                held.short
            );
            for code in VerdictCode::ALL {
                let words = LaneWords::of(&lane(1, verdict(code)), around, Language::english());
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
            let words = LaneWords::of(&lane(1, state.clone()), alone, Language::english());
            assert_ne!(words.place, Place::OtherLane, "{state:?}");
            for said in [&words.todo, &words.short] {
                assert!(!said.to_lowercase().contains("another lane"), "{state:?}: {said}");
            }
        }
        assert_eq!(
            LaneWords::of(&lane(1, verdict(VerdictCode::LampNotSeen)), alone, Language::english()).place,
            Place::Keep
        );
        assert_eq!(
            LaneWords::of(&lane(1, verdict(VerdictCode::LampNotSeen)), RUNS, Language::english()).place,
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
            Language::english(),
        );
        assert_eq!(words.title, "Attempt 2 of 3, 30/s");
        assert_eq!(
            words.progress,
            Some(Progress {
                permille: 430,
                of: "sending",
                left: String::new(),
            })
        );
    }
}
