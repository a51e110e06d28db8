//! The thread that watches nests, start buttons and scanners, and says who was seated and lifted.
//!
//! What can be known of a switch that is stuck. Open: a unit's LED flashes in the nest (the lane stops with `nest-fault`); start was
//! pressed, or a unit was scanned, and none is seated (a person is told). Closed: the lane's next unit was scanned and the last one is
//! not lifted, or its verdict is shown for ten minutes (a person is told `nest-fault`; the verdict stays, because the unit may be there).
//! What cannot be known: a unit without light on a switch that is stuck open, before anybody scans or presses; a unit that is lifted
//! during its run from a switch that is stuck closed, which ends in the code of the light that it no longer shows.

use crate::engine::to_see::ToSee;
use core::time::Duration;
use std::collections::VecDeque;

use blinkup::Tick;
use fixture_link::act::{Act, ActId, ActRequest};
use fixture_link::identity::{LaneId, RunId, Serial};
use fixture_link::role::Role;
use fixture_link::verdict::VerdictCode;
use tokio::sync::{mpsc, oneshot};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::Told;
use super::clerk::Job;
use super::looks::Found;
use super::stray::Flashing;
use crate::clock::{Clock, wall};
use crate::engine::input::Part;
use crate::jig::switch::{Contact, Switch, Told as SwitchTold};
use crate::jig::{Edge, Field, JigError, Nest, Press, Scanner, StartButton};

/// How often nests, buttons and scanners are looked at.
const LOOK_EVERY: Duration = Duration::from_millis(20);

/// How long a scan waits for its unit: an operator scans, then seats.
const SCAN_LASTS: Duration = Duration::from_mins(1);

/// How long an LED must flash in a nest whose switch is open: a unit that is just being put in does so as well.
const STUCK_OPEN: Duration = Duration::from_secs(3);

/// Who an act is by that came out of a scanner.
const BY_SCANNER: &str = "scanner";

/// What is watched.
pub struct Watched {
    /// The nests' switches.
    pub nest: Box<dyn Nest>,
    /// The scanners.
    pub scanner: Box<dyn Scanner>,
    /// The button that starts what is seated; without one a unit starts as it is seated.
    pub start: Option<Box<dyn StartButton>>,
    /// Every lane, and whether its nest is known to be occupied.
    pub occupied: Vec<(LaneId, bool)>,
    /// In which nests an LED flashes.
    pub flashing: Flashing,
}

/// Watches until the stop.
///
/// # Errors
/// The ledger's task is gone.
pub fn watch(
    clock: Clock,
    watched: Watched,
    jobs: &mpsc::Sender<Job>,
    told: &mpsc::UnboundedSender<Told>,
    stop: &CancellationToken,
) -> anyhow::Result<()> {
    let Watched {
        mut nest,
        mut scanner,
        start,
        occupied,
        flashing,
    } = watched;
    let now = clock.now();
    let mut button = start.map(|line| Button {
        line,
        switch: Switch::new(Contact::Open, now),
        broken: None,
        granted: false,
    });
    let mut places: Vec<Place> = occupied
        .into_iter()
        .map(|(lane, occupied)| Place::new(lane, occupied, now))
        .collect();
    let mut scans = Scans::default();
    let mut due = now;
    let mut events = Vec::new();
    while !stop.is_cancelled() {
        let now = clock.now();
        let mut to_do = scans.take(scanner.as_mut(), now, told);
        for (lane, serial) in scans.expired(now) {
            let shown = lane.and_then(|lane| places.iter().find(|place| place.lane == lane));
            let what = unused(&serial, lane, shown.map_or(Contact::Open, Place::shows));
            notice(
                told,
                NEST_FAULT,
                Some(what),
                "see to the unit; if it is where it should be, the nest's switch is stuck",
            );
        }
        let start = match &mut button {
            None => Start::ByItself,
            Some(button) => {
                let before = button.broken.clone();
                let start = button.look(now);
                if button.broken != before {
                    notice(
                        told,
                        "start",
                        button.broken.clone(),
                        "check the start button, and what the PLC does",
                    );
                }
                start
            }
        };
        for place in &mut places {
            let seen = nest
                .edges(place.lane)
                .and_then(|edges| Ok((edges, nest.occupied(place.lane)?)));
            place.look(now, seen, start, &mut events);
            place.lit(now, flashing.in_lane(place.lane), &mut events);
        }
        let turned = events
            .iter()
            .any(|event| matches!(event, Event::Placed(..) | Event::Seated(_) | Event::Lifted(_)));
        if turned {
            notice(told, NEST_FAULT, None, "");
            notice(told, NEST, None, "");
        } else if start == Start::Pressed && button.as_ref().is_some_and(Button::is_a_persons) && for_nothing(&places) {
            let what = "start was pressed, but no unit is seated".to_owned();
            notice(
                told,
                NEST,
                Some(what),
                "seat the unit anew; if it lies well, its nest's switch is stuck open",
            );
        }
        to_do.extend(events.drain(..).map(|event| match event {
            Event::Placed(lane, since) => Job::Placed(lane, since),
            Event::Seated(lane) => Job::Seated(lane, new_run(), scans.serial(lane, now)),
            Event::Lifted(lane) => Job::Lifted(lane),
            Event::Fault(lane, fault) => {
                if let Some(why) = &fault {
                    tracing::error!("lane {lane}: nest: {why}");
                }
                Job::Part(lane, Part::Nest, fault)
            }
        }));
        for job in to_do {
            if jobs.blocking_send(job).is_err() && !stop.is_cancelled() {
                anyhow::bail!("the ledger's task is gone");
            }
        }
        due = (due + LOOK_EVERY).max(clock.now() - LOOK_EVERY);
        clock.sleep_until(due);
    }
    Ok(())
}

/// What notices of nests are filed under: doubt, and the code of a switch that is stuck.
const NEST: &str = "nest";
const NEST_FAULT: &str = VerdictCode::NestFault.as_str();

/// What a scan means that no unit followed within [`SCAN_LASTS`].
fn unused(serial: &Serial, lane: Option<LaneId>, shows: Contact) -> String {
    let within = SCAN_LASTS.as_secs();
    match (lane, shows) {
        (Some(lane), Contact::Closed) => {
            format!("lane {lane}: {serial} was scanned, but the unit before it was not lifted within {within} s")
        }
        (Some(lane), Contact::Open) => format!("lane {lane}: {serial} was scanned, but not seated within {within} s"),
        (None, Contact::Open | Contact::Closed) => format!("{serial} was scanned, but not seated within {within} s"),
    }
}

/// Whether a press of the start button can have been meant for a nest only whose switch says that it is empty.
fn for_nothing(places: &[Place]) -> bool {
    places
        .iter()
        .all(|place| place.told == Holds::Started || place.shows() == Contact::Open)
        && places.iter().any(|place| place.shows() == Contact::Open)
}

/// Tells a person what a part of the jig does not do, or with `None` that it does again.
fn notice(told: &mpsc::UnboundedSender<Told>, part: &'static str, what: Option<String>, remedy: &str) {
    if let Some(what) = &what {
        tracing::error!("{what}");
    }
    let notice = what.map(|what| ToSee {
        part: part.to_owned(),
        what,
        remedy: remedy.to_owned(),
    });
    // With the engine's task gone the daemon stops.
    let _ = told.send(Told::Found(Found::Part(part, notice)));
}

/// An id for a run that may follow. Version 7, so that ids sort by time.
fn new_run() -> RunId {
    let micros = u64::try_from(wall().micros).unwrap_or(0);
    let at = uuid::Timestamp::from_unix(uuid::NoContext, micros / 1_000_000, 1000 * (micros % 1_000_000) as u32);
    RunId(uuid::Uuid::new_v7(at))
}

/// What lets a seated unit start.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Start {
    /// Being seated.
    ByItself,
    /// The button, which is pressed now.
    Pressed,
    /// The button, which is not.
    Waits,
}

/// What happened in a nest.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Event {
    /// A unit is there, and waits for its start since then.
    Placed(LaneId, Tick),
    Seated(LaneId),
    Lifted(LaneId),
    Fault(LaneId, Option<String>),
}

/// One nest.
struct Place {
    lane: LaneId,
    switch: Switch,
    /// What the engine was told.
    told: Holds,
    /// The line cannot be read.
    unreadable: bool,
    /// Since when an LED flashes here although the switch is open.
    flashes: Option<Tick>,
    /// The lane stands still for that.
    stray: bool,
}

/// What a nest holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Holds {
    Nothing,
    /// A unit that is not started yet.
    Waiting,
    /// A unit that is, or whose verdict stands.
    Started,
}

impl Place {
    fn new(lane: LaneId, occupied: bool, now: Tick) -> Self {
        Self {
            lane,
            switch: Switch::new(occupied.into(), now),
            told: if occupied { Holds::Started } else { Holds::Nothing },
            unreadable: false,
            flashes: None,
            stray: false,
        }
    }

    /// What its switch shows, as far as it is believed.
    fn shows(&self) -> Contact {
        self.switch.contact()
    }

    fn look(&mut self, now: Tick, seen: Result<(Vec<Edge>, bool), JigError>, start: Start, events: &mut Vec<Event>) {
        let (edges, closed) = match seen {
            Ok(seen) => seen,
            Err(error) => {
                if !self.unreadable {
                    events.push(Event::Fault(self.lane, Some(error.to_string())));
                }
                self.unreadable = true;
                return;
            }
        };
        if self.unreadable {
            self.unreadable = false;
            self.switch = Switch::new((self.told != Holds::Nothing).into(), now);
            events.push(Event::Fault(self.lane, None));
        }
        // A start that comes now is not one of before.
        let before = if start == Start::ByItself {
            Start::ByItself
        } else {
            Start::Waits
        };
        for edge in edges {
            // What had settled before the edge is told, however late this look comes.
            self.judge(edge.at, before, events);
            self.switch.see(edge.at, edge.closed.into());
        }
        self.switch.see(now, closed.into());
        self.judge(now, start, events);
    }

    fn judge(&mut self, now: Tick, start: Start, events: &mut Vec<Event>) {
        match self.switch.told(now) {
            Some(SwitchTold::Bouncing) => {
                let why = "the nest's switch turns on and off again and again".to_owned();
                events.push(Event::Fault(self.lane, Some(why)));
            }
            Some(SwitchTold::Steady(_)) => events.push(Event::Fault(self.lane, None)),
            Some(SwitchTold::Turned(_)) | None => {}
        }
        if !self.switch.is_good() {
            return;
        }
        if self.told == Holds::Nothing && self.switch.contact() == Contact::Closed {
            self.unstray(events);
        }
        self.told = match (self.told, self.switch.contact(), start) {
            (Holds::Waiting | Holds::Started, Contact::Open, _) => {
                events.push(Event::Lifted(self.lane));
                Holds::Nothing
            }
            (Holds::Nothing, Contact::Closed, Start::ByItself) => {
                events.push(Event::Seated(self.lane));
                Holds::Started
            }
            (Holds::Nothing, Contact::Closed, Start::Waits) => {
                events.push(Event::Placed(self.lane, self.switch.since()));
                Holds::Waiting
            }
            (Holds::Nothing, Contact::Closed, Start::Pressed) => {
                events.push(Event::Placed(self.lane, self.switch.since()));
                events.push(Event::Seated(self.lane));
                Holds::Started
            }
            (Holds::Waiting, Contact::Closed, Start::Pressed | Start::ByItself) => {
                events.push(Event::Seated(self.lane));
                Holds::Started
            }
            (told @ Holds::Nothing, Contact::Open, _)
            | (told @ Holds::Waiting, Contact::Closed, Start::Waits)
            | (told @ Holds::Started, Contact::Closed, _) => told,
        };
    }

    /// Whether an LED flashes here: where the switch says that nobody is, it is stuck open, or the unit is not pressed home.
    fn lit(&mut self, now: Tick, flashes: bool, events: &mut Vec<Event>) {
        if !flashes || self.unreadable || !self.switch.is_good() || self.switch.contact() == Contact::Closed {
            self.flashes = None;
            self.unstray(events);
            return;
        }
        let since = *self.flashes.get_or_insert(now);
        if !self.stray && now.since(since) >= STUCK_OPEN {
            self.stray = true;
            let why =
                "an LED flashes in the nest, but its switch is open: press the unit home, else the switch is stuck";
            events.push(Event::Fault(self.lane, Some(why.to_owned())));
        }
    }

    fn unstray(&mut self, events: &mut Vec<Event>) {
        // What cannot be read or believed has a fault of its own by now, which stays.
        if core::mem::take(&mut self.stray) && !self.unreadable && self.switch.is_good() {
            events.push(Event::Fault(self.lane, None));
        }
    }
}

/// The start button or footswitch.
struct Button {
    line: Box<dyn StartButton>,
    switch: Switch,
    broken: Option<String>,
    /// A machine grants starts.
    granted: bool,
}

impl Button {
    /// A press counts once, however long it lasts.
    fn look(&mut self, now: Tick) -> Start {
        self.granted = false;
        let seen = self.line.edges().and_then(|edges| Ok((edges, self.line.pressed()?)));
        let (edges, press) = match seen {
            Ok(seen) => seen,
            Err(error) => {
                self.broken = Some(error.to_string());
                return Start::Waits;
            }
        };
        self.broken = None;
        let mut start = Start::Waits;
        for edge in edges {
            // A press that is over by now is one, however late this look comes.
            if self.told(edge.at) == Start::Pressed {
                start = Start::Pressed;
            }
            self.switch.see(edge.at, edge.closed.into());
        }
        self.switch.see(now, (press == Press::Yes).into());
        if press == Press::Granted {
            self.granted = true;
            return Start::Pressed;
        }
        match self.told(now) {
            Start::Waits => start,
            pressed @ (Start::Pressed | Start::ByItself) => pressed,
        }
    }

    /// Whether the last start was a person's, and not a machine's that grants it for as long as it lasts.
    fn is_a_persons(&self) -> bool {
        !self.granted
    }

    fn told(&mut self, now: Tick) -> Start {
        match self.switch.told(now) {
            Some(SwitchTold::Turned(Contact::Closed)) => Start::Pressed,
            Some(SwitchTold::Turned(Contact::Open) | SwitchTold::Steady(_)) | None => Start::Waits,
            Some(SwitchTold::Bouncing) => {
                tracing::error!("start button: turns on and off again and again");
                Start::Waits
            }
        }
    }
}

/// What a scan has done. Nobody waits for the answer: what holds from now on stands on the live page.
fn by_scanner(act: Act) -> Job {
    let request = ActRequest {
        id: ActId(Uuid::now_v7()),
        by: BY_SCANNER.to_owned(),
        role: Role::Operator,
        from: "line".to_owned(),
        act,
    };
    Job::Act(request, oneshot::channel().0)
}

/// Scans that wait for their unit.
#[derive(Debug, Default)]
struct Scans {
    waiting: VecDeque<(Tick, Option<LaneId>, Serial)>,
    broken: Option<String>,
}

impl Scans {
    /// Takes what was scanned; what is no serial is done at once.
    fn take(&mut self, scanner: &mut dyn Scanner, now: Tick, told: &mpsc::UnboundedSender<Told>) -> Vec<Job> {
        let mut to_do = Vec::new();
        let broken = loop {
            match scanner.next() {
                Ok(Some(scan)) => match scan.field {
                    Field::Serial(serial) => {
                        // A lane's second scan takes the place of its first.
                        self.waiting.retain(|(_, lane, _)| *lane != scan.lane);
                        self.waiting.push_back((now, scan.lane, serial));
                    }
                    Field::Lot(lot) => to_do.push(by_scanner(Act::Lot { lot })),
                    Field::WorkOrder(work_order) => to_do.push(by_scanner(Act::WorkOrder { work_order })),
                },
                Ok(None) => break None,
                Err(error) => break Some(error.to_string()),
            }
        };
        if broken != self.broken {
            notice(
                told,
                "scanner",
                broken.clone(),
                "plug it in, or scan again what it could not read; a recipe that wants a serial refuses units until then (no-serial)",
            );
            self.broken = broken;
        }
        to_do
    }

    /// Scans that no unit followed in time; they are forgotten.
    fn expired(&mut self, now: Tick) -> Vec<(Option<LaneId>, Serial)> {
        let mut expired = Vec::new();
        self.waiting.retain(|(at, lane, serial)| {
            let waits = now.since(*at) <= SCAN_LASTS;
            if !waits {
                expired.push((*lane, serial.clone()));
            }
            waits
        });
        expired
    }

    /// The serial for the unit that was just seated in a lane.
    fn serial(&mut self, seated: LaneId, now: Tick) -> Option<Serial> {
        self.waiting.retain(|(at, ..)| now.since(*at) <= SCAN_LASTS);
        let place = self
            .waiting
            .iter()
            .position(|(_, lane, _)| *lane == Some(seated))
            .or_else(|| self.waiting.iter().position(|(_, lane, _)| lane.is_none()))?;
        self.waiting.remove(place).map(|(_, _, serial)| serial)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lane(number: u8) -> LaneId {
        LaneId::new(number).unwrap()
    }

    fn at(millis: u64) -> Tick {
        Tick::ZERO + Duration::from_millis(millis)
    }

    /// What a nest tells while its switch shows what `closed` says at each look.
    fn told(place: &mut Place, looks: core::ops::Range<u64>, start: Start, closed: impl Fn(u64) -> bool) -> Vec<Event> {
        let mut events = Vec::new();
        for millis in looks.step_by(20) {
            place.look(at(millis), Ok((Vec::new(), closed(millis))), start, &mut events);
        }
        events
    }

    #[test]
    fn a_unit_is_seated_and_lifted_once() {
        let mut place = Place::new(lane(1), false, at(0));
        let events = told(&mut place, 0..3000, Start::ByItself, |millis| {
            (500..2000).contains(&millis)
        });
        assert_eq!(events, [Event::Seated(lane(1)), Event::Lifted(lane(1))]);
    }

    #[test]
    fn a_unit_that_lay_there_before_is_not_seated_again() {
        let mut place = Place::new(lane(1), true, at(0));
        assert_eq!(told(&mut place, 0..1000, Start::ByItself, |_| true), []);
        assert_eq!(
            told(&mut place, 1000..2000, Start::ByItself, |_| false),
            [Event::Lifted(lane(1))]
        );
    }

    #[test]
    fn a_bouncing_switch_is_a_fault_of_its_lane_and_comes_back_by_itself() {
        let (mut bad, mut good) = (Place::new(lane(1), false, at(0)), Place::new(lane(2), false, at(0)));
        let mut events = Vec::new();
        for millis in (0..8000).step_by(20) {
            let bounces = millis < 3000 && millis % 40 == 0;
            bad.look(
                at(millis),
                Ok((Vec::new(), bounces || millis >= 3000)),
                Start::ByItself,
                &mut events,
            );
            good.look(
                at(millis),
                Ok((Vec::new(), millis > 1000)),
                Start::ByItself,
                &mut events,
            );
        }
        assert!(
            matches!(&events[0], Event::Fault(at, Some(_)) if *at == lane(1)),
            "{events:?}"
        );
        assert_eq!(
            events[1..],
            [
                Event::Seated(lane(2)),
                Event::Fault(lane(1), None),
                Event::Seated(lane(1)),
            ]
        );
    }

    #[test]
    fn an_edge_between_two_looks_is_seen() {
        // Open at every look, but a contact that chatters in between is not one to be believed.
        let mut place = Place::new(lane(1), false, at(0));
        let mut events = Vec::new();
        for millis in (0..2000).step_by(20) {
            let edge = |after, closed| Edge {
                at: at(millis + after),
                closed,
            };
            let seen = (vec![edge(1, true), edge(2, false)], false);
            place.look(at(millis + 10), Ok(seen), Start::ByItself, &mut events);
        }
        assert_eq!(events.len(), 1, "{events:?}");
        assert!(matches!(events[0], Event::Fault(_, Some(_))));
    }

    #[test]
    fn a_switch_that_cannot_be_read_is_a_fault_until_it_can() {
        let mut place = Place::new(lane(1), false, at(0));
        let mut events = Vec::new();
        let broken = || {
            Err(JigError::Failed {
                lane: lane(1),
                part: "nest",
                what: "no such line".to_owned(),
            })
        };
        place.look(at(0), broken(), Start::ByItself, &mut events);
        place.look(at(20), broken(), Start::ByItself, &mut events);
        events.extend(told(&mut place, 40..1000, Start::ByItself, |_| true));
        assert_eq!(events.len(), 3, "{events:?}");
        assert_eq!(events[1..], [Event::Fault(lane(1), None), Event::Seated(lane(1))]);
    }

    /// A button that is pressed from its 25th look on.
    struct Pressed(u32);

    impl StartButton for Pressed {
        fn pressed(&mut self) -> Result<Press, JigError> {
            self.0 += 1;
            Ok(if self.0 >= 25 { Press::Yes } else { Press::No })
        }
    }

    #[test]
    fn with_a_button_a_unit_waits_for_it_and_a_long_press_starts_it_once() {
        let mut place = Place::new(lane(1), false, at(0));
        let mut button = Button {
            line: Box::new(Pressed(0)),
            switch: Switch::new(Contact::Open, at(0)),
            broken: None,
            granted: false,
        };
        let mut told = Vec::new();
        for millis in (0..3000).step_by(20) {
            let start = button.look(at(millis));
            let mut events = Vec::new();
            place.look(at(millis), Ok((Vec::new(), millis < 2500)), start, &mut events);
            told.extend(events.into_iter().map(|event| (millis, event)));
        }
        // There at the first look, pressed at 480 ms, and lifted at 2500 ms; each settles for 40 ms.
        assert_eq!(
            told,
            [
                (40, Event::Placed(lane(1), at(0))),
                (520, Event::Seated(lane(1))),
                (2540, Event::Lifted(lane(1)))
            ]
        );
    }

    #[test]
    fn a_unit_that_is_put_in_while_the_plc_grants_starts_is_told_with_when_it_got_power() {
        let mut place = Place::new(lane(1), false, at(0));
        let events = told(&mut place, 0..3000, Start::Pressed, |millis| {
            (500..2000).contains(&millis)
        });
        assert_eq!(
            events,
            [
                Event::Placed(lane(1), at(500)),
                Event::Seated(lane(1)),
                Event::Lifted(lane(1))
            ]
        );
    }

    #[test]
    fn a_unit_that_is_lifted_before_its_start_was_never_seated() {
        let mut place = Place::new(lane(1), false, at(0));
        let events = told(&mut place, 0..3000, Start::Waits, |millis| {
            (500..2000).contains(&millis)
        });
        assert_eq!(events, [Event::Placed(lane(1), at(500)), Event::Lifted(lane(1))]);
    }

    /// A button whose edges the hardware keeps: pressed and let go between two looks.
    struct Kept(Vec<Edge>);

    impl StartButton for Kept {
        fn pressed(&mut self) -> Result<Press, JigError> {
            Ok(Press::No)
        }

        fn edges(&mut self) -> Result<Vec<Edge>, JigError> {
            Ok(core::mem::take(&mut self.0))
        }
    }

    #[test]
    fn a_press_that_is_over_before_a_late_look_still_starts() {
        let edge = |millis, closed| Edge { at: at(millis), closed };
        let pressed = |edges: Vec<Edge>| {
            let mut button = Button {
                line: Box::new(Kept(edges)),
                switch: Switch::new(Contact::Open, at(0)),
                broken: None,
                granted: false,
            };
            [button.look(at(400)), button.look(at(420))]
        };
        assert_eq!(
            pressed(vec![edge(100, true), edge(180, false)]),
            [Start::Pressed, Start::Waits]
        );
        assert_eq!(
            pressed(vec![edge(100, true), edge(110, false)]),
            [Start::Waits; 2],
            "it bounced"
        );
    }

    #[test]
    fn a_unit_that_is_swapped_before_a_late_look_is_lifted_and_seated() {
        let mut place = Place::new(lane(1), true, at(0));
        let edge = |millis, closed| Edge { at: at(millis), closed };
        let mut events = Vec::new();
        let seen = (vec![edge(100, false), edge(400, true)], true);
        place.look(at(900), Ok(seen), Start::ByItself, &mut events);
        assert_eq!(events, [Event::Lifted(lane(1)), Event::Seated(lane(1))]);
    }

    #[test]
    fn an_led_that_flashes_in_an_empty_nest_is_a_switch_that_is_stuck_open_until_it_closes() {
        let mut place = Place::new(lane(1), false, at(0));
        let mut events = Vec::new();
        for millis in (0..10_000).step_by(20) {
            let closed = millis >= 8_000;
            place.look(at(millis), Ok((Vec::new(), closed)), Start::ByItself, &mut events);
            place.lit(at(millis), millis >= 1_000, &mut events);
            if millis < 4_000 {
                assert_eq!(events, []);
            }
        }
        assert!(
            matches!(&events[0], Event::Fault(of, Some(why)) if *of == lane(1) && why.contains("its switch is open")),
            "{events:?}"
        );
        assert_eq!(events[1..], [Event::Fault(lane(1), None), Event::Seated(lane(1))]);
        // The unit that is seated may flash.
        place.lit(at(20_000), true, &mut events);
        assert_eq!(events.len(), 3);
    }

    #[test]
    fn light_that_stops_flashing_puts_the_lane_back() {
        let mut place = Place::new(lane(1), false, at(0));
        let mut events = Vec::new();
        for millis in (0..10_000).step_by(20) {
            place.lit(at(millis), millis < 5_000, &mut events);
        }
        assert!(
            matches!(events[..], [Event::Fault(_, Some(_)), Event::Fault(_, None)]),
            "{events:?}"
        );
    }

    #[test]
    fn a_unit_that_waits_for_the_button_may_flash() {
        let mut place = Place::new(lane(1), false, at(0));
        let mut events = Vec::new();
        for millis in (0..10_000).step_by(20) {
            place.look(at(millis), Ok((Vec::new(), true)), Start::Waits, &mut events);
            place.lit(at(millis), millis > 40, &mut events);
        }
        assert_eq!(events, [Event::Placed(lane(1), at(0))]);
    }

    #[test]
    fn a_scan_that_no_unit_follows_says_which_way_the_switch_may_be_stuck() {
        let mut scans = Scans::default();
        let serial = Serial::new("SN-1").unwrap();
        scans.waiting.push_back((at(0), Some(lane(2)), serial.clone()));
        assert_eq!(scans.expired(at(60_000)), []);
        assert_eq!(scans.expired(at(60_020)), [(Some(lane(2)), serial.clone())]);
        assert_eq!(scans.expired(at(60_040)), [], "told once");
        assert_eq!(
            unused(&serial, Some(lane(2)), Contact::Closed),
            "lane 2: SN-1 was scanned, but the unit before it was not lifted within 60 s"
        );
        assert_eq!(
            unused(&serial, Some(lane(2)), Contact::Open),
            "lane 2: SN-1 was scanned, but not seated within 60 s"
        );
        assert_eq!(
            unused(&serial, None, Contact::Open),
            "SN-1 was scanned, but not seated within 60 s"
        );
    }

    #[test]
    fn a_press_means_a_stuck_switch_only_where_a_nest_seems_empty_and_none_waits() {
        let place = |number, told, closed: bool| Place {
            told,
            switch: Switch::new(closed.into(), at(0)),
            ..Place::new(lane(number), false, at(0))
        };
        assert!(for_nothing(&[
            place(1, Holds::Started, true),
            place(2, Holds::Nothing, false)
        ]));
        assert!(
            !for_nothing(&[place(1, Holds::Started, true), place(2, Holds::Started, true)]),
            "all are busy"
        );
        for told in [Holds::Nothing, Holds::Waiting] {
            assert!(
                !for_nothing(&[place(1, told, true), place(2, Holds::Nothing, false)]),
                "one waits for it"
            );
        }
    }
}
