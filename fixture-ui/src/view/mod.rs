//! What screen and pages show, worded once. Pure: a snapshot and the time in, words out.
//!
//! Both renderers draw the same [`View`]; neither looks at a snapshot itself, so that they can never say different things.

pub mod around;
pub mod lane;
pub mod led;
pub mod look;
pub mod place;
pub mod standing;
pub mod wording;

use fixture_link::identity::LaneId;
use fixture_link::snapshot::{Commissioning, Figure, Fixture, LaneView, LineStop, Notice, Snapshot, Turn};

use self::around::Around;
use self::lane::LaneWords;
use self::standing::{Heard, Standing};
use blinkup::Tick;

/// Everything that is shown live, in words.
#[derive(Debug, Clone, PartialEq)]
pub struct View {
    /// What people call the fixture; empty before its daemon was first heard.
    pub fixture: String,
    /// What has to stand on every frame and page.
    pub badges: Vec<&'static str>,
    /// The recipe and its version; empty before the daemon was first heard.
    pub recipe: String,
    /// The lot, if there is one.
    pub lot: String,
    /// The work order, if there is one.
    pub work_order: String,
    /// What a person should see to, although nothing stands still for it; none while the daemon is silent.
    pub notices: Vec<Notice>,
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
    /// The lane, and which of its steps.
    pub place: String,
    /// What a person is to do, or what is being measured.
    pub what: String,
    /// Whose turn it is.
    pub turn: Turn,
    /// The same in words.
    pub whose: &'static str,
    /// What was measured last: names and figures.
    pub figures: Vec<Figure>,
}

/// A stopped line, in words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StopWords {
    /// The lane that it was seen on, where it was one.
    pub lane: Option<LaneId>,
    /// The likely cause, one sentence.
    pub cause: String,
    /// What a person has to do before the line goes on.
    pub todo: &'static str,
}

/// A silent daemon, in words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GoneWords {
    /// How long it has been silent, or that it was never heard.
    pub since: String,
    /// What the link says; empty where it only fell silent.
    pub why: String,
    /// What to do with units that lie in the nests.
    pub todo: &'static str,
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
    /// Words what was heard, as it stands at `now`.
    pub fn of(heard: &Heard, now: Tick) -> Self {
        match heard.standing(now) {
            Standing::Live(snapshot) => Self::live(snapshot),
            Standing::Gone { last, silent, why } => Self::gone(last, silent, why),
        }
    }

    fn live(snapshot: &Snapshot) -> Self {
        if let Some(commissioning) = &snapshot.commissioning {
            let face = Face::Commissioning(commissioning_words(commissioning));
            return Self::framed(&snapshot.fixture, face);
        }
        let words = |lane: &LaneView| LaneWords::of(lane, Around::of(snapshot, lane.lane));
        let lanes = snapshot.lanes.iter().map(words).collect();
        let stop = snapshot.line.stopped.as_ref().map(stop_words);
        Self {
            lot: snapshot.line.lot.clone(),
            work_order: snapshot.line.work_order.clone(),
            notices: snapshot.notices.clone(),
            ..Self::framed(&snapshot.fixture, Face::Live { stop, lanes })
        }
    }

    fn gone(last: Option<&Snapshot>, silent: Option<core::time::Duration>, why: &str) -> Self {
        let face = Face::Gone(GoneWords {
            since: silent.map_or_else(
                || "It has not been heard yet.".to_owned(),
                |silent| format!("Silent for {} s.", silent.as_secs()),
            ),
            why: sentence(why),
            todo: "No unit in a nest counts as passed. Leave the units in and call a supervisor.",
        });
        match last {
            Some(snapshot) => Self::framed(&snapshot.fixture, face),
            None => Self {
                fixture: String::new(),
                badges: Vec::new(),
                recipe: String::new(),
                lot: String::new(),
                work_order: String::new(),
                notices: Vec::new(),
                face,
            },
        }
    }

    fn framed(fixture: &Fixture, face: Face) -> Self {
        let badges = [
            (fixture.simulated, SIMULATED),
            (fixture.led_evidence_only, LED_EVIDENCE_ONLY),
            (fixture.without_real_time && !fixture.simulated, WITHOUT_REAL_TIME),
        ];
        Self {
            fixture: fixture.name.clone(),
            badges: badges.iter().filter(|(on, _)| *on).map(|(_, badge)| *badge).collect(),
            recipe: format!("{} ({})", fixture.recipe, fixture.recipe_version),
            lot: String::new(),
            work_order: String::new(),
            notices: Vec::new(),
            face,
        }
    }
}

/// A fragment as a sentence of its own.
fn sentence(fragment: &str) -> String {
    let mut letters = fragment.chars();
    letters
        .next()
        .map(|first| format!("{}{}.", first.to_uppercase(), letters.as_str().trim_end_matches('.')))
        .unwrap_or_default()
}

fn commissioning_words(step: &Commissioning) -> CommissioningWords {
    let Commissioning {
        lane,
        step,
        of,
        what,
        turn,
        figures,
    } = step;
    CommissioningWords {
        place: match lane {
            Some(lane) => format!("Lane {lane}, step {step} of {of}"),
            None => format!("Step {step} of {of}"),
        },
        what: what.clone(),
        turn: *turn,
        whose: match turn {
            Turn::Person => "Do this, then press Enter at the terminal.",
            Turn::Fixture => "Measuring: touch nothing.",
        },
        figures: figures.clone(),
    }
}

fn stop_words(stop: &LineStop) -> StopWords {
    StopWords {
        lane: stop.lane,
        cause: match stop.code {
            Some(code) if stop.cause.is_empty() => code.text().title.to_owned(),
            Some(_) | None => sentence(&wording::named(&stop.cause)),
        },
        todo: if stop.wants_acknowledgement {
            "Call the engineer, then acknowledge."
        } else {
            "A supervisor starts it again."
        },
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
            last: None,
            golden_check: None,
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
            },
            notices: Vec::new(),
            shelved: Vec::new(),
            machine: fixture_link::snapshot::Machine::default(),
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
                LaneWords::of(&lane(1, verdict(code)), RUNS)
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
