//! The model operator: brings units, lifts them after their verdict, acknowledges stops, retests by policy.

use core::time::Duration;
use std::collections::{BTreeMap, VecDeque};

use blinkup::Tick;
use fixture_link::act::{Act, ActId, ActRequest};
use fixture_link::identity::LaneId;
use fixture_link::role::Role;
use fixture_link::snapshot::{LaneState, LineStop};
use fixture_link::verdict::{Outcome, Refusal, VerdictCode};
use uuid::Uuid;

use super::chance::{Chance, Stream};
use super::fault::Fault;
use super::unit::serial;

/// The name that the model operator's runs and acts are stored under.
pub const NAME: &str = "model-operator";

/// Runs that ended ERROR or ABORTED after which a unit is set aside, so that nothing goes round for ever.
const PATIENCE: u32 = 8;

/// The retest policy, as it hangs on the wall.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Policy {
    /// Runs of one unit at most.
    pub runs_at_most: u32,
    /// The same code so many times on one unit quarantines it.
    pub quarantine_after: u32,
}

/// What the operator does next in a lane.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Hands {
    /// Nothing: waits for the line, for units, or for a verdict.
    Still,
    /// Seats the next unit.
    Seat(Tick),
    /// Lifts the unit.
    Lift(Tick),
    /// Stops the run.
    Stop(Tick),
    /// Mends the lane.
    Mend(Tick),
    /// Starts the lane again after mending it.
    Start(Tick),
    /// Holds a unit that was lifted in the middle of its run, until its verdict comes, and not longer than this.
    Hold(Tick),
}

/// What somebody did to the jig.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Deed {
    /// Scanned a unit and put it into the nest.
    Seat(LaneId, u32),
    /// Took the unit out.
    Lift(LaneId),
    /// Looked after a lane's parts, or the line's network for `None`, as well as could be.
    Mend(Option<LaneId>),
    /// Pressed a button.
    Act(ActRequest),
}

/// What becomes of a unit after a verdict.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fate {
    /// It passed, or is set aside.
    Done,
    /// It runs again.
    Again,
    /// A supervisor unlocks it, then it runs again.
    Unlock,
}

/// A unit as the operator knows it.
#[derive(Debug, Clone, Default)]
struct Card {
    /// Codes of the runs that count, since the last unlock.
    counted: Vec<VerdictCode>,
    /// Runs that do not count.
    uncounted: u32,
    unlocked: bool,
}

#[derive(Debug, Clone)]
struct Place {
    lane: LaneId,
    unit: Option<u32>,
    hands: Hands,
    /// The verdict or refusal that stands there was seen.
    seen: bool,
    fate: Fate,
}

/// The operator.
#[derive(Debug)]
pub struct Operator {
    chance: Chance,
    policy: Policy,
    takt: Option<Duration>,
    places: Vec<Place>,
    /// Units that were never seated: the next, and the one after the last.
    fresh: (u32, u32),
    units: u32,
    /// Units that wait for another run, and not before when.
    again: VecDeque<(Tick, u32)>,
    cards: BTreeMap<u32, Card>,
    done: u32,
    stop: Option<Stop>,
    /// When the supervisor unlocks a unit.
    unlocks: VecDeque<(Tick, u32)>,
}

/// A stop of the line that the operator has seen.
#[derive(Debug, Clone, PartialEq)]
struct Stop {
    lane: Option<LaneId>,
    /// When it is dealt with; `None` once it was.
    at: Option<Tick>,
    wants_acknowledgement: bool,
    acknowledged: u32,
}

impl Operator {
    /// An operator at these lanes with `units` units to get done, from the one with the place `first` on.
    pub fn new(
        seed: u64,
        (policy, takt): (Policy, Option<Duration>),
        lanes: &[LaneId],
        first: u32,
        units: u32,
    ) -> Self {
        let mut chance = Chance::new(seed, Stream::Operator);
        let last = first.saturating_add(units);
        let places = lanes
            .iter()
            .map(|lane| Place {
                lane: *lane,
                unit: None,
                hands: Hands::Seat(Tick::ZERO + chance.millis(4_000..9_000)),
                seen: false,
                fate: Fate::Again,
            })
            .collect();
        Self {
            chance,
            policy,
            takt,
            places,
            fresh: (first, last),
            units: last - first,
            again: VecDeque::new(),
            cards: BTreeMap::new(),
            done: 0,
            stop: None,
            unlocks: VecDeque::new(),
        }
    }

    /// Brings no unit that never was in a nest; those that were are still done.
    pub fn knocks_off(&mut self) {
        let left = self.fresh.1 - self.fresh.0;
        self.fresh.1 = self.fresh.0;
        self.units -= left;
    }

    /// Whether every unit is done and lifted, and the line goes.
    pub fn is_done(&self) -> bool {
        self.done == self.units && self.stop.is_none() && self.places.iter().all(|place| place.unit.is_none())
    }

    /// When the operator next does something.
    pub fn next_event(&self) -> Option<Tick> {
        let hands = self.places.iter().filter_map(|place| match place.hands {
            Hands::Still => None,
            Hands::Seat(at) if self.stop.is_none() => self.next_unit_from().map(|from| from.max(at)),
            Hands::Seat(_) => None,
            Hands::Lift(at) | Hands::Stop(at) | Hands::Mend(at) | Hands::Start(at) | Hands::Hold(at) => Some(at),
        });
        let stop = self.stop.as_ref().and_then(|stop| stop.at);
        hands
            .chain(stop)
            .chain(self.unlocks.front().map(|unlock| unlock.0))
            .min()
    }

    /// What the operator does until `to`: the earliest thing, if there is one.
    pub fn act(&mut self, to: Tick) -> Option<(Tick, Deed)> {
        let at = self.next_event().filter(|at| *at <= to)?;
        if self.unlocks.front().is_some_and(|unlock| unlock.0 <= at) {
            let (_, unit) = self.unlocks.pop_front()?;
            return Some((at, self.unlock(unit)));
        }
        if let Some(stop) = self.stop.as_mut().filter(|stop| stop.at.is_some_and(|due| due <= at)) {
            return Some((at, deal(stop, at, &mut self.chance)));
        }
        let there_is_one = self.stop.is_none() && self.next_unit_from().is_some_and(|from| from <= at);
        let index = self.places.iter().position(|place| match place.hands {
            Hands::Still => false,
            Hands::Seat(due) => there_is_one && due <= at,
            Hands::Lift(due) | Hands::Stop(due) | Hands::Mend(due) | Hands::Start(due) | Hands::Hold(due) => due <= at,
        })?;
        let hands = self.places.get(index)?.hands;
        match hands {
            Hands::Still => None,
            Hands::Seat(_) => {
                let unit = self.take_unit(at)?;
                let place = self.places.get_mut(index)?;
                place.unit = Some(unit);
                place.hands = Hands::Still;
                place.seen = false;
                place.fate = Fate::Again;
                Some((at, Deed::Seat(place.lane, unit)))
            }
            Hands::Lift(_) => Some((at, self.lift(index, at)?)),
            Hands::Stop(_) => {
                let place = self.places.get_mut(index)?;
                place.hands = Hands::Still;
                Some((
                    at,
                    Deed::Act(request(Act::Stop {
                        lane: Some(place.lane),
                        reason: "cable came loose".to_owned(),
                    })),
                ))
            }
            Hands::Mend(_) => {
                let then = at + self.chance.millis(500..2_000);
                let place = self.places.get_mut(index)?;
                place.hands = Hands::Start(then);
                Some((at, Deed::Mend(Some(place.lane))))
            }
            Hands::Start(_) => {
                let then = at + self.chance.millis(2_000..5_000);
                let place = self.places.get_mut(index)?;
                place.hands = Hands::Seat(then);
                Some((
                    at,
                    Deed::Act(request(Act::Start {
                        lane: Some(place.lane),
                        serial: None,
                    })),
                ))
            }
            Hands::Hold(_) => {
                self.conclude(index, at);
                self.act(to)
            }
        }
    }

    /// A unit of which the operator knows, by what is wrong with it, that a hand will slip.
    pub fn slips(&mut self, now: Tick, lane: LaneId, fault: Option<Fault>) {
        let after = now + self.chance.millis(3_000..20_000);
        if let Some(place) = self.places.iter_mut().find(|place| place.lane == lane) {
            if fault == Some(Fault::LiftedEarly) {
                place.hands = Hands::Lift(after);
            } else if fault == Some(Fault::OperatorStop) {
                place.hands = Hands::Stop(after);
            }
        }
    }

    /// The verdict of the unit in a lane is there: whether this was the unit's last run.
    pub fn verdict(&mut self, now: Tick, lane: LaneId, code: VerdictCode) -> bool {
        let Some((index, place)) = self.places.iter_mut().enumerate().find(|(_, place)| place.lane == lane) else {
            return false;
        };
        let Some(unit) = place.unit else {
            return false;
        };
        if place.seen {
            return place.fate == Fate::Done;
        }
        place.seen = true;
        let card = self.cards.entry(unit).or_default();
        place.fate = match code.outcome() {
            Outcome::Pass => Fate::Done,
            Outcome::Fail | Outcome::Undecided => {
                card.counted.push(code);
                let same = card.counted.iter().filter(|other| **other == code).count();
                let allowed = card.counted.len() < self.policy.runs_at_most as usize
                    && same < self.policy.quarantine_after as usize;
                if allowed {
                    Fate::Again
                } else if !card.unlocked && self.chance.happens(0.2) {
                    Fate::Unlock
                } else {
                    Fate::Done
                }
            }
            Outcome::Error | Outcome::Aborted | Outcome::Interrupted => {
                card.uncounted += 1;
                if card.uncounted < PATIENCE {
                    Fate::Again
                } else {
                    Fate::Done
                }
            }
        };
        let last = place.fate == Fate::Done;
        if matches!(place.hands, Hands::Hold(_)) {
            self.conclude(index, now);
        } else {
            place.hands = Hands::Lift(now + self.chance.millis(1_500..6_000));
        }
        last
    }

    /// What the screen shows of a lane.
    pub fn sees(&mut self, now: Tick, lane: LaneId, state: &LaneState) {
        match state {
            LaneState::Verdict { code, .. } => {
                self.verdict(now, lane, *code);
            }
            LaneState::Refused { refusal, .. } => self.refused(now, lane, *refusal),
            LaneState::LineStopped | LaneState::Stopped { .. } => {
                let after = now + self.chance.millis(20_000..60_000);
                if let Some(place) = self.places.iter_mut().find(|place| place.lane == lane)
                    && self.stop.is_none()
                    && matches!(place.hands, Hands::Still | Hands::Seat(_))
                {
                    place.hands = if place.unit.is_some() {
                        place.seen = true;
                        Hands::Lift(now + self.chance.millis(1_500..6_000))
                    } else {
                        Hands::Mend(after)
                    };
                }
            }
            LaneState::Empty
            | LaneState::ToStart
            | LaneState::Waiting
            | LaneState::Token
            | LaneState::Sending { .. }
            | LaneState::Watching { .. }
            | LaneState::Storing => {}
        }
    }

    /// What the screen shows of the line.
    pub fn sees_line(&mut self, now: Tick, stopped: Option<&LineStop>) {
        match (stopped, &self.stop) {
            (None, None) => {}
            (None, Some(_)) => {
                self.stop = None;
                for place in &mut self.places {
                    if place.unit.is_none() {
                        place.hands = Hands::Seat(now + self.chance.millis(4_000..9_000));
                    }
                }
            }
            (Some(stopped), None) => {
                self.stop = Some(Stop {
                    lane: stopped.lane,
                    at: Some(now + self.chance.millis(15_000..60_000)),
                    wants_acknowledgement: stopped.wants_acknowledgement,
                    acknowledged: 0,
                });
            }
            (Some(stopped), Some(known)) => {
                // Another stop on top of the one that was dealt with, or a mending that did not help.
                if known.at.is_none() || known.lane != stopped.lane {
                    let acknowledged = known.acknowledged;
                    self.stop = Some(Stop {
                        lane: stopped.lane,
                        at: Some(now + self.chance.millis(15_000..60_000)),
                        wants_acknowledgement: stopped.wants_acknowledgement,
                        acknowledged,
                    });
                }
            }
        }
    }

    fn refused(&mut self, now: Tick, lane: LaneId, refusal: Refusal) {
        let Some(place) = self.places.iter_mut().find(|place| place.lane == lane) else {
            return;
        };
        if place.seen || place.unit.is_none() {
            return;
        }
        place.seen = true;
        place.hands = Hands::Lift(now + self.chance.millis(2_000..5_000));
        place.fate = match refusal {
            Refusal::AlreadyPassed | Refusal::BadSerial => Fate::Done,
            Refusal::RetestLimit | Refusal::Quarantined => Fate::Unlock,
            Refusal::DoubleTrigger
            | Refusal::DuplicateSerial
            | Refusal::NoSerial
            | Refusal::LineStopped
            | Refusal::LaneStopped
            | Refusal::TooLate => Fate::Again,
        };
    }

    fn lift(&mut self, index: usize, now: Tick) -> Option<Deed> {
        let place = self.places.get_mut(index)?;
        let lane = place.lane;
        if place.seen {
            self.conclude(index, now);
        } else {
            place.hands = Hands::Hold(now + Duration::from_secs(30));
        }
        Some(Deed::Lift(lane))
    }

    /// The unit is out of the nest and its verdict is known: it goes where it must.
    fn conclude(&mut self, index: usize, now: Tick) {
        let Some(place) = self.places.get_mut(index) else {
            return;
        };
        let Some(unit) = place.unit.take() else {
            return;
        };
        let usual = self.chance.millis(3_000..8_000);
        place.hands = Hands::Seat(now + self.takt.unwrap_or(usual));
        match place.fate {
            Fate::Done => self.done += 1,
            Fate::Again => self.again.push_back((now + self.chance.millis(10_000..40_000), unit)),
            Fate::Unlock => {
                self.unlocks
                    .push_back((now + self.chance.millis(30_000..120_000), unit));
                self.unlocks.make_contiguous().sort_unstable();
            }
        }
    }

    fn unlock(&mut self, unit: u32) -> Deed {
        let card = self.cards.entry(unit).or_default();
        card.counted.clear();
        card.unlocked = true;
        self.again.push_back((Tick::ZERO, unit));
        Deed::Act(request(Act::Unlock {
            serial: serial(unit),
            reason: "reworked, checked by the supervisor".to_owned(),
        }))
    }

    /// From when there is a unit to seat; `None` for no unit at all.
    fn next_unit_from(&self) -> Option<Tick> {
        if self.fresh.0 < self.fresh.1 {
            return Some(Tick::ZERO);
        }
        self.again.iter().map(|waiting| waiting.0).min()
    }

    fn take_unit(&mut self, now: Tick) -> Option<u32> {
        if let Some(place) = self.again.iter().position(|waiting| waiting.0 <= now) {
            return self.again.remove(place).map(|waiting| waiting.1);
        }
        let unit = self.fresh.0;
        (unit < self.fresh.1).then(|| {
            self.fresh.0 += 1;
            unit
        })
    }
}

/// Mends what stopped the line, then acknowledges it.
fn deal(stop: &mut Stop, now: Tick, chance: &mut Chance) -> Deed {
    // First with the hands, then the button: a moment lies between.
    if stop.acknowledged == 0 {
        stop.acknowledged = 1;
        stop.at = Some(now + chance.millis(500..2_000));
        return Deed::Mend(stop.lane);
    }
    stop.acknowledged = 0;
    stop.at = None;
    Deed::Act(request(if stop.wants_acknowledgement {
        Act::Acknowledge {
            note: "looked after it".to_owned(),
        }
    } else {
        Act::Start {
            lane: None,
            serial: None,
        }
    }))
}

fn request(act: Act) -> ActRequest {
    ActRequest {
        id: ActId(Uuid::nil()),
        by: NAME.to_owned(),
        role: Role::Admin,
        from: "line".to_owned(),
        act,
    }
}
