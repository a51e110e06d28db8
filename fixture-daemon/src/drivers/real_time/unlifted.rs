//! Units whose verdict has been shown for so long that nobody can be meant to lift them: or a nest's switch that is stuck closed.

use crate::engine::to_see::ToSee;
use core::time::Duration;

use blinkup::Tick;
use fixture_link::identity::{LaneId, RunId};
use fixture_link::snapshot::{LaneState, LaneView};
use fixture_link::verdict::VerdictCode;

/// How long a verdict may be shown before somebody is told: a break of the line is shorter.
const TOO_LONG: Duration = Duration::from_mins(10);

/// The verdicts that are shown, each since when.
#[derive(Debug, Default)]
pub struct Unlifted {
    shown: Vec<(LaneId, RunId, Tick)>,
}

impl Unlifted {
    /// Looks at the lanes; what a person should see to.
    pub fn look(&mut self, now: Tick, lanes: &[LaneView]) -> Vec<ToSee> {
        let verdict = |lane: &LaneView| match (&lane.state, lane.run) {
            (LaneState::Verdict { .. }, Some(run)) => Some((lane.lane, run)),
            (LaneState::Verdict { .. }, None)
            | (
                LaneState::Empty
                | LaneState::ToStart
                | LaneState::Waiting
                | LaneState::Token
                | LaneState::Sending { .. }
                | LaneState::Watching { .. }
                | LaneState::Storing
                | LaneState::Refused { .. }
                | LaneState::LineStopped
                | LaneState::Stopped { .. },
                _,
            ) => None,
        };
        let shown: Vec<(LaneId, RunId)> = lanes.iter().filter_map(verdict).collect();
        self.shown.retain(|(lane, run, _)| shown.contains(&(*lane, *run)));
        for (lane, run) in shown {
            if !self.shown.iter().any(|(known, of, _)| (*known, *of) == (lane, run)) {
                self.shown.push((lane, run, now));
            }
        }
        self.shown
            .iter()
            .filter(|(_, _, since)| now.since(*since) >= TOO_LONG)
            .map(|(lane, _, _)| ToSee {
                part: VerdictCode::NestFault.as_str().to_owned(),
                what: format!(
                    "lane {lane}: its unit was not lifted for {} minutes",
                    TOO_LONG.as_secs() / 60
                ),
                remedy: "lift the unit; if there is none, the nest's switch is stuck closed".to_owned(),
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use fixture_link::snapshot::LedView;

    use super::*;

    fn lane(number: u8, run: u128, verdict: bool) -> LaneView {
        let state = if verdict {
            LaneState::Verdict {
                outcome: VerdictCode::Ok.outcome(),
                code: VerdictCode::Ok,
                detail: String::new(),
                device_id: None,
                agent_url: None,
                from_before: false,
            }
        } else {
            LaneState::Waiting
        };
        LaneView {
            lane: LaneId::new(number).unwrap(),
            state,
            serial: None,
            run: Some(RunId(uuid::Uuid::from_u128(run))),
            seated_ms: 0,
            left_ms: None,
            last: None,
            golden_check: None,
            purpose: fixture_link::purpose::Purpose::Production,
            recipe: None,
            led: LedView::default(),
        }
    }

    fn at(seconds: u64) -> Tick {
        Tick::ZERO + Duration::from_secs(seconds)
    }

    #[test]
    fn a_switch_that_is_stuck_closed_is_told_after_ten_minutes_and_until_it_opens() {
        let mut unlifted = Unlifted::default();
        let lanes = [lane(1, 1, true), lane(2, 2, false)];
        assert_eq!(unlifted.look(at(0), &lanes), []);
        assert_eq!(unlifted.look(at(599), &lanes), []);
        let told = unlifted.look(at(600), &lanes);
        assert_eq!(told.len(), 1);
        assert!(told[0].what.starts_with("lane 1:") && told[0].part == "nest-fault");
        assert_eq!(unlifted.look(at(601), &[lane(2, 2, false)]), []);
    }

    #[test]
    fn each_unit_has_its_own_ten_minutes() {
        let mut unlifted = Unlifted::default();
        unlifted.look(at(0), &[lane(1, 1, true)]);
        assert_eq!(unlifted.look(at(599), &[lane(1, 2, true)]), []);
        assert_eq!(unlifted.look(at(700), &[lane(1, 2, true)]), []);
        assert_eq!(unlifted.look(at(1199), &[lane(1, 2, true)]).len(), 1);
    }
}
