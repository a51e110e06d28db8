//! What screen and pages show, worded once. Pure: a snapshot and the time in, words out.
//!
//! Both renderers draw the same [`View`]; neither looks at a snapshot itself, so that they can never say different things.

pub mod around;
pub mod lane;
pub mod language;
pub mod led;
pub mod look;
pub mod marked;
pub mod notice;
pub mod place;
pub mod shift;
pub mod standing;
pub mod wording;

use fixture_link::identity::LaneId;
use fixture_link::snapshot::{Commissioning, Figure, Fixture, LaneView, LineStop, Notice, Snapshot, Turn};

use self::around::Around;
use self::lane::LaneWords;
use self::language::{Key, Language, Languages, Text};
use self::notice::{NoticeWords, SetupWords};
use self::shift::ShiftWords;
use self::standing::{Heard, Standing};
use blinkup::Tick;

/// Everything that is shown live, in words.
#[derive(Debug, Clone, PartialEq)]
pub struct View {
    /// What people call the fixture; empty before its daemon was first heard.
    pub fixture: String,
    /// What has to stand on every frame and page.
    pub badges: Vec<&'static str>,
    /// The same on the local screen, in its language.
    pub marks: Vec<String>,
    /// The recipe and its version; empty before the daemon was first heard.
    pub recipe: String,
    /// The lot, if there is one.
    pub lot: String,
    /// The work order, if there is one.
    pub work_order: String,
    /// What a person should see to, although nothing stands still for it; none while the daemon is silent.
    pub notices: Vec<Notice>,
    /// The first of them for the local screen; `None` where there is none.
    pub notice: Option<NoticeWords>,
    /// How the first administrator gets in, as long as there is none; only the local screen ever shows it.
    pub setup: Option<SetupWords>,
    /// What this shift has made; `None` where the daemon does not say.
    pub shift: Option<ShiftWords>,
    /// What is said where there are no lanes.
    pub no_lanes: String,
    /// What is shown.
    pub face: Face,
}

/// Live, or not.
#[derive(Debug, Clone, PartialEq)]
pub enum Face {
    /// The daemon speaks.
    Live {
        /// Why the line is stopped, if it is.
        stop: Option<StopWords>,
        /// Every lane, in order of number.
        lanes: Vec<LaneWords>,
    },
    /// A person commissions the jig: it takes no units.
    Commissioning(CommissioningWords),
    /// The daemon is silent: nothing that was shown before may be shown as live.
    Gone(GoneWords),
}

/// A step of commissioning, in words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CommissioningWords {
    /// The one big word.
    pub word: String,
    /// What a unit must not do meanwhile.
    pub no_units: String,
    /// The lane, and which of its steps.
    pub place: String,
    /// What a person is to do, or what is being measured.
    pub what: String,
    /// Whose turn it is.
    pub turn: Turn,
    /// The same in words.
    pub whose: String,
    /// What was measured last: names and figures.
    pub figures: Vec<Figure>,
}

/// A stopped line, in words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StopWords {
    /// The two words for it.
    pub word: String,
    /// The lane that it was seen on, where it was one.
    pub lane: Option<LaneId>,
    /// The likely cause, one sentence.
    pub cause: String,
    /// What a person has to do before the line goes on.
    pub todo: String,
}

/// A silent daemon, in words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GoneWords {
    /// The two words for it.
    pub word: String,
    /// How long it has been silent, or that it was never heard.
    pub since: String,
    /// What the link says, in English; empty where it only fell silent.
    pub why: String,
    /// What to do with units that lie in the nests.
    pub todo: String,
}

/// The two words for a silent daemon.
pub const GONE_WORD: &str = "FIXTURE STOPPED";

/// The word for a jig that a person commissions.
pub const COMMISSIONING_WORD: &str = "COMMISSIONING";

/// What a unit must not do meanwhile.
pub const NO_UNITS: &str = "No units: this fixture judges none now.";

/// The two words for a stopped line.
pub const STOP_WORD: &str = "LINE STOPPED";

/// What stands on everything that a simulated jig made.
pub const SIMULATED: &str = "SIMULATED";

/// What stands on everything where a PASS rests on the LED alone.
pub const LED_EVIDENCE_ONLY: &str = "LED evidence only";

/// What stands where the lamp's timing is not protected.
pub const WITHOUT_REAL_TIME: &str = "no real-time priority";

impl View {
    /// Words what was heard, as it stands at `now`, in English.
    pub fn of(heard: &Heard, now: Tick) -> Self {
        Self::in_language(heard, now, Language::english())
    }

    /// Words what was heard, as it stands at `now`, in the language of the line.
    pub fn of_line(heard: &Heard, now: Tick, languages: &Languages) -> Self {
        Self::in_language(heard, now, Self::language(heard, languages))
    }

    /// The language of the line, where it has chosen one; else the usual one.
    pub fn language<'a>(heard: &Heard, languages: &'a Languages) -> &'a Language {
        let snapshot = heard.snapshot.as_ref();
        languages.speak(snapshot.map_or("", |(snapshot, _)| &snapshot.line.language))
    }

    fn in_language(heard: &Heard, now: Tick, language: &Language) -> Self {
        match heard.standing(now) {
            Standing::Live(snapshot) => Self::live(snapshot, language),
            Standing::Gone { last, silent, why } => Self::gone(last, silent, why, language),
        }
    }

    fn live(snapshot: &Snapshot, language: &Language) -> Self {
        if let Some(commissioning) = &snapshot.commissioning {
            let face = Face::Commissioning(commissioning_words(commissioning, language));
            return Self::framed(&snapshot.fixture, face, language);
        }
        let words = |lane: &LaneView| LaneWords::of(lane, Around::of(snapshot, lane.lane), language);
        let lanes = snapshot.lanes.iter().map(words).collect();
        let stop = snapshot.line.stopped.as_ref();
        let face = Face::Live {
            stop: stop.map(|stop| stop_words(stop, language)),
            lanes,
        };
        Self {
            lot: snapshot.line.lot.clone(),
            work_order: snapshot.line.work_order.clone(),
            notices: snapshot.notices.clone(),
            notice: NoticeWords::of(&snapshot.notices, snapshot.at, language),
            shift: snapshot.shift.as_ref().map(|shift| ShiftWords::of(shift, language)),
            ..Self::framed(&snapshot.fixture, face, language)
        }
    }

    fn gone(last: Option<&Snapshot>, silent: Option<core::time::Duration>, why: &str, language: &Language) -> Self {
        let face = Face::Gone(GoneWords {
            word: language.say(Text::WordFixtureStopped).to_owned(),
            since: silent.map_or_else(
                || language.say(Text::SayNeverHeard).to_owned(),
                |silent| language.fill(Text::SaySilentFor, &[("seconds", &silent.as_secs().to_string())]),
            ),
            why: sentence(why),
            todo: language.say(Text::SayGoneTodo).to_owned(),
        });
        match last {
            Some(snapshot) => Self::framed(&snapshot.fixture, face, language),
            None => Self::unknown(face, language),
        }
    }

    fn framed(fixture: &Fixture, face: Face, language: &Language) -> Self {
        let badges: Vec<(&str, Text)> = [
            (fixture.simulated, SIMULATED, Text::WordSimulated),
            (fixture.led_evidence_only, LED_EVIDENCE_ONLY, Text::WordLedEvidenceOnly),
            (
                fixture.without_real_time && !fixture.simulated,
                WITHOUT_REAL_TIME,
                Text::WordWithoutRealTime,
            ),
        ]
        .into_iter()
        .filter_map(|(on, badge, mark)| on.then_some((badge, mark)))
        .collect();
        Self {
            fixture: fixture.name.clone(),
            marks: badges.iter().map(|(_, mark)| language.say(*mark).to_owned()).collect(),
            badges: badges.into_iter().map(|(badge, _)| badge).collect(),
            recipe: format!("{} ({})", fixture.recipe, fixture.recipe_version),
            ..Self::unknown(face, language)
        }
    }

    /// Of a fixture that nothing is known of.
    fn unknown(face: Face, language: &Language) -> Self {
        Self {
            fixture: String::new(),
            badges: Vec::new(),
            marks: Vec::new(),
            recipe: String::new(),
            lot: String::new(),
            work_order: String::new(),
            notices: Vec::new(),
            notice: None,
            setup: None,
            shift: None,
            no_lanes: language.say(Text::SayNoLanes).to_owned(),
            face,
        }
    }
}

/// A fragment as a sentence of its own.
fn sentence(fragment: &str) -> String {
    let mut letters = fragment.chars();
    letters
        .next()
        .map(|first| {
            let said = format!("{}{}", first.to_uppercase(), letters.as_str().trim_end_matches('.'));
            // A question stays one.
            let ends = said.ends_with(['?', '\u{ff1f}', '\u{3002}']);
            if ends { said } else { said + "." }
        })
        .unwrap_or_default()
}

fn commissioning_words(step: &Commissioning, language: &Language) -> CommissioningWords {
    let Commissioning {
        lane,
        step,
        of,
        what,
        turn,
        figures,
    } = step;
    let (step, of) = (step.to_string(), of.to_string());
    let whose = match turn {
        Turn::Person => Text::SayTurnPerson,
        Turn::Fixture => Text::SayTurnFixture,
    };
    CommissioningWords {
        word: language.say(Text::WordCommissioning).to_owned(),
        no_units: language.say(Text::SayNoUnits).to_owned(),
        place: match lane {
            Some(lane) => language.fill(
                Text::SayStepOfLane,
                &[("lane", &lane.to_string()), ("step", &step), ("of", &of)],
            ),
            None => language.fill(Text::SayStep, &[("step", &step), ("of", &of)]),
        },
        what: what.clone(),
        turn: *turn,
        whose: language.say(whose).to_owned(),
        figures: figures.clone(),
    }
}

fn stop_words(stop: &LineStop, language: &Language) -> StopWords {
    StopWords {
        word: language.say(Text::WordLineStopped).to_owned(),
        lane: stop.lane,
        cause: match stop.code {
            Some(code) if stop.cause.is_empty() => language.say(Key::Code(code)).to_owned(),
            Some(code) => language.sentence(&stop.cause).map_or_else(
                || language.say(Key::Code(code)).to_owned(),
                |cause| sentence(&wording::named(&cause)),
            ),
            None => sentence(&wording::named(&stop.cause)),
        },
        todo: language
            .say(if stop.wants_acknowledgement {
                Text::SayCallTheEngineer
            } else {
                Text::SaySupervisorStarts
            })
            .to_owned(),
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use core::time::Duration;
    use std::sync::Arc;

    use fixture_link::identity::{LaneId, Serial, WallTime};
    use fixture_link::snapshot::{
        Commissioning, Figure, Fixture, LaneState, LaneView, LedView, LineStop, LineView, Snapshot, Turn,
    };
    use fixture_link::verdict::{Outcome, VerdictCode};

    use super::*;
    use crate::view::around::{Line, Others};

    /// A lane among others, on a line that runs.
    pub(crate) const RUNS: Around = Around {
        line: Line::Runs,
        others: Others::TakeUnits,
    };

    pub(crate) fn lane(number: u8, state: LaneState) -> LaneView {
        let empty = matches!(
            state,
            LaneState::Empty | LaneState::LineStopped | LaneState::Stopped { .. }
        );
        LaneView {
            lane: LaneId::new(number).unwrap(),
            serial: (!empty).then(|| Serial::new(&format!("SN-2026-{:04}", 40 + u32::from(number))).unwrap()),
            state,
            run: None,
            seated_ms: if empty { 0 } else { 12_300 },
            left_ms: None,
            last: None,
            golden_check: None,
            purpose: fixture_link::purpose::Purpose::Production,
            recipe: None,
            led: LedView::default(),
        }
    }

    pub(crate) fn verdict(code: VerdictCode) -> LaneState {
        LaneState::Verdict {
            outcome: code.outcome(),
            code,
            detail: String::new(),
            device_id: None,
            agent_url: None,
            from_before: false,
        }
    }

    pub(crate) fn snapshot(states: Vec<LaneState>) -> Snapshot {
        Snapshot {
            version: fixture_link::VERSION,
            beat: 1,
            at: WallTime {
                micros: 1_790_000_000_000_000,
                synchronised: true,
            },
            fixture: Fixture {
                id: "sim-1".to_owned(),
                name: "Line 3 fixture A".to_owned(),
                software: "0.1.0".to_owned(),
                recipe: "demo".to_owned(),
                recipe_version: "00c0ffee00c0ffee".to_owned(),
                simulated: true,
                led_evidence_only: false,
                without_real_time: false,
            },
            line: LineView {
                lot: String::new(),
                work_order: String::new(),
                language: String::new(),
                stopped: None,
                study: None,
            },
            notices: Vec::new(),
            shelved: Vec::new(),
            machine: fixture_link::snapshot::Machine::default(),
            shift: None,
            commissioning: None,
            lanes: (1..).zip(states).map(|(number, state)| lane(number, state)).collect(),
        }
    }

    pub(crate) fn stop() -> LineStop {
        LineStop {
            code: Some(VerdictCode::NetworkDown),
            cause: "Three units in a row could not join the network: check the access point.".to_owned(),
            lane: None,
            since: WallTime {
                micros: 1_790_000_000_000_000,
                synchronised: true,
            },
            wants_acknowledgement: true,
        }
    }

    pub(crate) fn commissioning(turn: Turn) -> Commissioning {
        let figure = |name: &str, value: &str| Figure {
            name: name.to_owned(),
            value: value.to_owned(),
        };
        Commissioning {
            lane: LaneId::new(2).ok(),
            step: 3,
            of: 5,
            what: match turn {
                Turn::Person => "Put the reference unit in, its LED red.".to_owned(),
                Turn::Fixture => "The red die.".to_owned(),
            },
            turn,
            figures: vec![
                figure("red", "612"),
                figure("green", "84"),
                figure("blue", "47"),
                figure("clear", "705"),
                figure("range", "within range"),
                figure("gain", "16"),
                figure("lamp", "744 counts"),
            ],
        }
    }

    pub(crate) fn heard(snapshot: Snapshot) -> Heard {
        Heard {
            snapshot: Some((Arc::new(snapshot), Tick::from_micros(1_000_000))),
            trouble: None,
        }
    }

    #[test]
    fn a_fresh_snapshot_is_live_and_an_old_one_is_not() {
        let heard = heard(snapshot(vec![verdict(VerdictCode::Ok)]));
        let at = Tick::from_micros(1_000_000);
        let View {
            face: Face::Live { lanes, .. },
            ..
        } = View::of(&heard, at + Duration::from_millis(1499))
        else {
            panic!("a snapshot of 1.5 s ago is live");
        };
        assert_eq!(lanes[0].word, "PASS");
        let View {
            face: Face::Gone(gone),
            badges,
            ..
        } = View::of(&heard, at + Duration::from_millis(1501))
        else {
            panic!("a snapshot of more than 1.5 s ago must not be shown");
        };
        assert_eq!(gone.since, "Silent for 1 s.");
        assert_eq!(
            badges,
            [SIMULATED],
            "what the simulated jig made says so even when it is gone"
        );
    }

    #[test]
    fn a_broken_link_is_gone_at_once() {
        let mut heard = heard(snapshot(vec![verdict(VerdictCode::Ok)]));
        heard.trouble = Some("connection refused".to_owned());
        let View {
            face: Face::Gone(gone), ..
        } = View::of(&heard, Tick::from_micros(1_000_001))
        else {
            panic!("a broken link must not show the last snapshot");
        };
        assert_eq!(gone.why, "Connection refused.");
    }

    #[test]
    fn a_daemon_that_was_never_heard_is_gone() {
        let view = View::of(&Heard::default(), Tick::ZERO);
        let Face::Gone(gone) = view.face else {
            panic!("nothing was heard");
        };
        assert_eq!(gone.since, "It has not been heard yet.");
    }

    #[test]
    fn led_evidence_and_missing_priority_are_said() {
        let mut snapshot = snapshot(vec![LaneState::Empty]);
        snapshot.fixture.led_evidence_only = true;
        snapshot.fixture.simulated = false;
        snapshot.fixture.without_real_time = true;
        let view = View::of(&heard(snapshot), Tick::from_micros(1_000_000));
        assert_eq!(view.badges, [LED_EVIDENCE_ONLY, WITHOUT_REAL_TIME]);
    }

    #[test]
    fn commissioning_takes_the_place_of_all_lanes() {
        let mut snapshot = snapshot(vec![verdict(VerdictCode::Ok)]);
        snapshot.commissioning = Some(commissioning(Turn::Person));
        let view = View::of(&heard(snapshot), Tick::from_micros(1_000_000));
        assert_eq!(view.badges, [SIMULATED]);
        let Face::Commissioning(words) = view.face else {
            panic!("no lane is shown meanwhile");
        };
        assert_eq!(words.place, "Lane 2, step 3 of 5");
        assert_eq!(words.whose, "Do this, then press Enter at the terminal.");
    }

    #[test]
    fn a_stop_says_what_a_person_has_to_do() {
        let mut snapshot = snapshot(vec![LaneState::Empty]);
        snapshot.line.stopped = Some(stop());
        let View {
            face: Face::Live { stop: Some(stop), .. },
            ..
        } = View::of(&heard(snapshot), Tick::from_micros(1_000_000))
        else {
            panic!("the line is stopped");
        };
        assert_eq!(stop.todo, "Call the engineer, then acknowledge.");
        assert!(stop.cause.starts_with("Three units"));
    }

    #[test]
    fn every_outcome_has_a_look_of_its_own_that_no_running_lane_has() {
        let looks: Vec<_> = Outcome::ALL
            .into_iter()
            .map(|outcome| {
                let code = VerdictCode::ALL
                    .into_iter()
                    .find(|code| code.outcome() == outcome)
                    .unwrap();
                LaneWords::of(&lane(1, verdict(code)), RUNS, Language::english())
            })
            .collect();
        for words in &looks {
            assert_ne!(words.look, look::Look::Running);
            assert_ne!(words.look, look::Look::Idle);
        }
        for (one, other) in [
            (0, 1),
            (0, 2),
            (0, 3),
            (1, 2),
            (1, 3),
            (2, 3),
            (0, 4),
            (1, 4),
            (2, 4),
            (3, 4),
        ] {
            assert_ne!(looks[one].look, looks[other].look);
            assert_ne!(looks[one].word, looks[other].word);
            assert_ne!(looks[one].look.shape(), looks[other].look.shape());
        }
    }
}
