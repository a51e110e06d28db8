//! When the network is looked at: at the start, when a lane's first unit after a pause begins, and when a unit stays in a connection stage.

use core::time::Duration;

use blinkup::Tick;
use fixture_link::identity::{LaneId, RunId};
use fixture_link::snapshot::{LaneState, LaneView, Stage};

/// How long a unit may stay in a stage before the network is looked at: good networks let it through in a few seconds.
const STAYS: Duration = Duration::from_secs(8);

/// A look is not made again sooner: several units that are stuck at once have one cause.
const NOT_SOONER: Duration = Duration::from_secs(30);

/// After so long without a run, the next one begins a shift.
const PAUSE: Duration = Duration::from_hours(1);

/// Why the network is looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Why {
    /// The daemon started.
    Start,
    /// The first unit after a long pause.
    Shift,
    /// A unit stays in a connection stage.
    Stuck(LaneId, Stage),
}

/// What a lane was seen doing.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Seen {
    run: RunId,
    stage: Stage,
    since: Tick,
}

/// Watches the lanes for a reason to look.
#[derive(Debug, Default)]
pub struct Watch {
    seen: Vec<(LaneId, Seen)>,
    looked: Option<Tick>,
    /// When a unit was last in a lane.
    busy: Option<Tick>,
}

impl Watch {
    /// Whether the network is to be looked at now, and why.
    pub fn due(&mut self, now: Tick, lanes: &[LaneView]) -> Option<Why> {
        let mut stuck = None;
        let mut busy = false;
        for view in lanes {
            busy |= view.run.is_some();
            let stage = match view.state {
                LaneState::Watching { stage, .. } if is_connection(stage) => Some(stage),
                LaneState::Watching { .. }
                | LaneState::Empty
                | LaneState::ToStart
                | LaneState::Waiting
                | LaneState::Token
                | LaneState::Sending { .. }
                | LaneState::Storing
                | LaneState::Verdict { .. }
                | LaneState::Refused { .. }
                | LaneState::LineStopped
                | LaneState::Stopped { .. } => None,
            };
            let before = self.seen.iter().position(|(lane, _)| *lane == view.lane);
            let Some((stage, run)) = stage.zip(view.run) else {
                if let Some(place) = before {
                    self.seen.swap_remove(place);
                }
                continue;
            };
            let same = before
                .and_then(|place| self.seen.get(place))
                .is_some_and(|(_, seen)| (seen.run, seen.stage) == (run, stage));
            if !same {
                if let Some(place) = before {
                    self.seen.swap_remove(place);
                }
                self.seen.push((view.lane, Seen { run, stage, since: now }));
            }
            let since = self
                .seen
                .iter()
                .find(|(lane, _)| *lane == view.lane)
                .map(|(_, seen)| seen.since);
            if since.is_some_and(|since| now.since(since) >= STAYS) {
                stuck.get_or_insert(Why::Stuck(view.lane, stage));
            }
        }
        let shift = busy && self.busy.is_none_or(|last| now.since(last) >= PAUSE);
        if busy {
            self.busy = Some(now);
        }
        let why = match self.looked {
            None => Some(Why::Start),
            Some(last) if now.since(last) < NOT_SOONER => None,
            Some(_) => stuck.or(shift.then_some(Why::Shift)),
        };
        if why.is_some() {
            self.looked = Some(now);
        }
        why
    }
}

/// Whether a unit in this stage waits for the line's network. A modem's is not the line's.
fn is_connection(stage: Stage) -> bool {
    match stage {
        Stage::Searching
        | Stage::Joining
        | Stage::Proxy
        | Stage::GettingIp
        | Stage::Resolving
        | Stage::Connecting
        | Stage::Updating => true,
        Stage::Seated
        | Stage::Ready
        | Stage::Receiving
        | Stage::Received
        | Stage::Cellular
        | Stage::Connected
        | Stage::Blessed => false,
    }
}

#[cfg(test)]
mod tests {
    use fixture_link::snapshot::LedView;

    use super::*;

    fn at(seconds: u64) -> Tick {
        Tick::ZERO + Duration::from_secs(seconds)
    }

    fn lane(number: u8, run: Option<u128>, state: LaneState) -> LaneView {
        LaneView {
            lane: LaneId::new(number).unwrap(),
            state,
            serial: None,
            run: run.map(|id| RunId(uuid::Uuid::from_u128(id))),
            seated_ms: 0,
            left_ms: None,
            last: None,
            golden_check: None,
            purpose: fixture_link::purpose::Purpose::Production,
            recipe: None,
            led: LedView::default(),
        }
    }

    fn watching(stage: Stage) -> LaneState {
        LaneState::Watching { stage, attempt: 1 }
    }

    #[test]
    fn it_is_looked_at_once_at_the_start_and_not_while_nothing_happens() {
        let mut watch = Watch::default();
        let empty = [lane(1, None, LaneState::Empty)];
        assert_eq!(watch.due(at(0), &empty), Some(Why::Start));
        for second in 1..10_000 {
            assert_eq!(watch.due(at(second), &empty), None);
        }
        let first = [lane(1, Some(1), LaneState::Waiting)];
        assert_eq!(watch.due(at(10_000), &first), Some(Why::Shift));
        assert_eq!(watch.due(at(10_100), &first), None);
    }

    #[test]
    fn a_unit_that_stays_in_a_stage_is_a_reason_once_in_a_while() {
        let mut watch = Watch::default();
        watch.due(at(0), &[lane(1, Some(1), LaneState::Waiting)]);
        let stuck = [lane(1, Some(1), watching(Stage::GettingIp))];
        let one = LaneId::new(1).unwrap();
        assert_eq!(watch.due(at(40), &stuck), None);
        assert_eq!(watch.due(at(47), &stuck), None);
        assert_eq!(watch.due(at(48), &stuck), Some(Why::Stuck(one, Stage::GettingIp)));
        assert_eq!(watch.due(at(49), &stuck), None);
        assert_eq!(watch.due(at(78), &stuck), Some(Why::Stuck(one, Stage::GettingIp)));
    }

    #[test]
    fn a_unit_that_gets_on_and_the_next_unit_start_anew() {
        let mut watch = Watch::default();
        watch.due(at(0), &[lane(1, Some(1), LaneState::Waiting)]);
        for (second, run, stage) in [
            (40, 1, Stage::Searching),
            (47, 1, Stage::Joining),
            (54, 1, Stage::GettingIp),
            (61, 2, Stage::GettingIp),
            (68, 2, Stage::Connected),
            (90, 2, Stage::Cellular),
        ] {
            assert_eq!(
                watch.due(at(second), &[lane(1, Some(run), watching(stage))]),
                None,
                "{second}"
            );
        }
    }
}
