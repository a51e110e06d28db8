//! The simulated jig as a whole: lanes with lamp, nest, unit and sensor; network, cloud, mishaps and the model operator.

use core::time::Duration;
use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap, VecDeque};

use blinkup::codes::Colour;
use blinkup::packet::{Settings, Wifi};
use blinkup::sample::Sample;
use blinkup::{Level, Tick};
use fixture_link::act::ActRequest;
use fixture_link::bless::BlessEvent;
use fixture_link::identity::LaneId;
use fixture_link::snapshot::{LaneState, LineStop};
use fixture_link::verdict::VerdictCode;

use super::chance::{Chance, Stream};
use super::cloud::Cloud;
use super::fault::{Fault, Uses};
use super::light::{Lamp, Steps};
use super::mishaps::Mishaps;
use super::network::Network;
use super::operator::{self, Operator, Policy};
use super::scenario::{Scenario, Strikes};
use super::sensor::{Afterglow, LedPart, SATURATED, Sensor, Shapes, Sources, Upset};
use super::shows::Shows;
use super::unit::{self, Nature, Port, Surroundings, Unit};
use crate::engine::input::{ClaimAnswer, TokenGrant};
use crate::jig::{Field, JigError, Power, Scan};

/// What a simulated jig is made of.
#[derive(Debug, Clone)]
pub struct Setting {
    /// From which all chance comes.
    pub seed: u64,
    /// From which what the jig itself is made of comes: its LED part, its lanes' optics.
    pub jig_seed: u64,
    /// Lanes, 1 to 8.
    pub lanes: u8,
    /// The place of the first unit in the order of all units ever made, from 0: serials follow from it.
    pub first_unit: u32,
    /// Units that the operator has to get done; `u32::MAX` for a line that never runs out.
    pub units: u32,
    /// What goes wrong.
    pub scenario: Scenario,
    /// The network on the air; units that were told another one get stuck.
    pub wifi: Option<Wifi>,
    /// What of a unit's way the line uses.
    pub uses: Uses,
    /// How units reach the network.
    pub port: Port,
    /// The retest policy that the operator follows.
    pub policy: Policy,
    /// How long after a lift the next unit comes; the operator's own pace, when there is none.
    pub takt: Option<Duration>,
    /// How many times as bright as a unit's LED (both dice) the lamp is in every lane's sensor; as lanes and units differ, when there is none.
    pub lamp_over_led: Option<f64>,
}

/// Something that happened at the jig or around it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// A unit closed a nest switch; its scan waits at the scanner.
    Seated(LaneId),
    /// A nest switch opened.
    Lifted(LaneId),
    /// The cloud sent a bless event.
    Bless(BlessEvent),
    /// The operator pressed a button.
    Act(ActRequest),
}

/// What was really the matter with a run, for whoever judges the fixture.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Truth {
    /// The fault: the unit's, else its lane's or the line's at that time.
    pub fault: Option<Fault>,
    /// The fault struck this run in such a way that it must not pass.
    pub must_fail: bool,
    /// The operator will not run this unit again.
    pub last: bool,
}

/// A whole simulated jig. Time is an argument and never goes back; a call with an earlier time counts as now.
#[derive(Debug)]
pub struct World {
    seed: u64,
    now: Tick,
    /// When something next happens by itself: asked for several times a sample, another one a few times a second.
    next: Option<Tick>,
    /// Everything that was due up to now has happened.
    settled: bool,
    scenario: Scenario,
    shows: Shows,
    network: Network,
    cloud: Cloud,
    mishaps: Mishaps,
    operator: Operator,
    uses: Uses,
    port: Port,
    lamp_over_led: Option<f64>,
    lanes: Vec<Lane>,
    /// Bless events on their way: when, in which order, which.
    mail: BinaryHeap<Reverse<(Tick, u64)>>,
    letters: BTreeMap<(Tick, u64), BlessEvent>,
    sent: u64,
    /// How often each unit was seated.
    stays: BTreeMap<u32, u32>,
    scans: VecDeque<Scan>,
    events: VecDeque<(Tick, Event)>,
}

/// Counts of a reference unit's LED, one die, in its strongest colour channel.
pub const REFERENCE: f64 = 1_200.0;

/// How far a lamp that lags is behind: most of a symbol at 60 a second.
const LAMP_LAGS: Duration = Duration::from_millis(11);

/// Counts that a die of a dim LED gives.
const DIM: f64 = 150.0;

/// What is left of the green die of an LED that is off its colour.
const OFF_COLOUR: f64 = 0.5;

/// The most by which a lamp outshines the LEDs at its usual strength; beyond that it is the lamp that is stronger.
const USUALLY_OVER_LED: f64 = 15.0;

#[derive(Debug)]
struct Lane {
    id: LaneId,
    lamp: Lamp,
    /// Clear counts of the healthy lamp at full level in this lane's sensor.
    lamp_strength: f64,
    /// Share of its light that fades slowly.
    slow_share: f64,
    lamp_chance: Chance,
    /// As commissioning measured them.
    shapes: Shapes,
    sensor: Sensor,
    unit: Option<Seated>,
    /// The LED of a reference unit in an otherwise empty nest; dark without one.
    reference: Steps<Colour>,
    /// The truth about the unit that was lifted last.
    gone: Option<Truth>,
}

#[derive(Debug)]
struct Seated {
    unit: Unit,
    shapes: Shapes,
    power: Power,
    since: Tick,
    /// The scenario's row that strikes the unit in this run.
    row: Option<usize>,
    /// The unit's fault, whether it strikes this run or not.
    fault: Option<Fault>,
    /// Rows of lane and line that were seen during this run, each with whether it was there from the start on without a break.
    mishaps: Vec<(usize, Fault, bool)>,
}

impl World {
    /// An empty jig at tick 0, with the operator about to bring the first units.
    pub fn new(mut setting: Setting) -> Self {
        let uses = setting.uses;
        setting.scenario.rows.retain(|row| row.fault.shows_on(uses));
        let lanes: Vec<LaneId> = LaneId::first(setting.lanes).collect();
        let mut jig = Chance::new(setting.jig_seed, Stream::Jig);
        let part = if jig.happens(0.5) {
            LedPart::YellowGreen
        } else {
            LedPart::TrueGreen
        };
        let mains = if jig.happens(0.5) { 50.0 } else { 60.0 };
        let made = lanes
            .iter()
            .map(|lane| {
                let mut chance = Chance::new(setting.jig_seed, Stream::Lane(lane.number()));
                let stronger = setting
                    .lamp_over_led
                    .map_or(1.0, |over| (over / USUALLY_OVER_LED).max(1.0));
                let lamp_strength = stronger * chance.scaled(2_500.0..6_000.0);
                let afterglow = Afterglow::new(&mut chance);
                Lane {
                    id: *lane,
                    lamp: Lamp::new(afterglow.fades),
                    lamp_strength,
                    slow_share: afterglow.share,
                    lamp_chance: Chance::new(setting.seed, Stream::Lamp(lane.number())),
                    shapes: part.shapes().varied(0.01, &mut chance),
                    sensor: Sensor::new(mains, chance),
                    unit: None,
                    reference: Steps::new(Colour::Off),
                    gone: None,
                }
            })
            .collect();
        let mut world = Self {
            seed: setting.seed,
            now: Tick::ZERO,
            next: None,
            settled: false,
            shows: Shows::vendor(),
            network: Network::new(setting.wifi),
            cloud: Cloud::new(setting.seed),
            mishaps: Mishaps::new(setting.seed, &setting.scenario, &lanes),
            operator: Operator::new(
                setting.seed,
                (setting.policy, setting.takt),
                &lanes,
                setting.first_unit,
                setting.units,
            ),
            scenario: setting.scenario,
            uses: setting.uses,
            port: setting.port,
            lamp_over_led: setting.lamp_over_led,
            lanes: made,
            mail: BinaryHeap::new(),
            letters: BTreeMap::new(),
            sent: 0,
            stays: BTreeMap::new(),
            scans: VecDeque::new(),
            events: VecDeque::new(),
        };
        world.look_ahead();
        world
    }

    /// The lanes.
    pub fn lanes(&self) -> impl Iterator<Item = LaneId> {
        self.lanes.iter().map(|lane| lane.id)
    }

    /// What commissioning measured in a lane: the response shapes of the LED part in use.
    pub fn shapes(&self, lane: LaneId) -> Option<Shapes> {
        self.lane(lane).map(|lane| lane.shapes)
    }

    /// What commissioning measured in a lane: clear counts of the lamp at full level above the dark nest. A full sensor counts no more.
    pub fn lamp_strength(&self, lane: LaneId) -> Option<f64> {
        self.lane(lane).map(|lane| lane.lamp_strength.min(f64::from(SATURATED)))
    }

    /// When something next happens by itself that somebody outside could notice; `None` for never.
    pub fn next_event(&self) -> Option<Tick> {
        self.next
    }

    /// Notes when something next happens by itself.
    fn look_ahead(&mut self) {
        let units = self
            .lanes
            .iter()
            .filter_map(|lane| lane.unit.as_ref().and_then(|seated| seated.unit.next_event()));
        self.next = units
            .chain(self.mishaps.next_event())
            .chain(self.operator.next_event())
            .chain(self.mail.peek().map(|Reverse((at, _))| *at))
            .min();
    }

    /// Lets everything happen until `to`.
    pub fn advance(&mut self, to: Tick) {
        while let Some(at) = self.next_event().filter(|at| *at <= to) {
            self.settle(at.max(self.now));
        }
        if to > self.now || !self.settled {
            self.settle(to.max(self.now));
        }
    }

    /// What has happened since the last call, in order.
    pub fn take_events(&mut self) -> Vec<(Tick, Event)> {
        self.events.drain(..).collect()
    }

    /// The operator brings no unit any more that never was in a nest.
    pub fn knock_off(&mut self) {
        self.operator.knocks_off();
        self.look_ahead();
    }

    /// Whether every unit is done and lifted.
    pub fn is_done(&self) -> bool {
        self.operator.is_done()
    }

    /// Everything that is due at `now`.
    fn settle(&mut self, now: Tick) {
        self.now = now;
        self.settled = true;
        let due = self.next.is_some_and(|at| at <= now);
        if self.mishaps.advance(now) {
            self.mishaps_turned();
        }
        let mut moved = false;
        for index in 0..self.lanes.len() {
            moved |= self.live(index, now);
        }
        if !due {
            if moved {
                self.look_ahead();
            }
            return;
        }
        while let Some(Reverse(due)) = self.mail.peek().copied().filter(|Reverse((at, _))| *at <= now) {
            self.mail.pop();
            if let Some(event) = self.letters.remove(&due) {
                self.events.push_back((due.0, Event::Bless(event)));
            }
        }
        while let Some((at, deed)) = self.operator.act(now) {
            let at = at.max(now);
            match deed {
                operator::Deed::Seat(lane, unit) => self.seat(at, lane, unit),
                operator::Deed::Lift(lane) => self.lift(at, lane),
                operator::Deed::Mend(lane) => {
                    self.mishaps.mend(at, lane);
                    if lane.is_some() {
                        self.mishaps.mend(at, None);
                    }
                    self.mishaps_turned();
                }
                operator::Deed::Act(act) => self.events.push_back((at, Event::Act(act))),
            }
        }
        self.look_ahead();
    }

    fn mishaps_turned(&mut self) {
        self.network.trouble(self.mishaps.of_line().collect());
        for lane in &mut self.lanes {
            let Some(seated) = &mut lane.unit else { continue };
            let active: Vec<_> = self.mishaps.active(lane.id).collect();
            for (row, _, unbroken) in &mut seated.mishaps {
                *unbroken &= active.iter().any(|mishap| mishap.row == *row);
            }
            for mishap in active {
                if !seated.mishaps.iter().any(|(row, ..)| *row == mishap.row) {
                    seated.mishaps.push((mishap.row, mishap.fault, false));
                }
            }
        }
    }

    /// A lane's unit lives until `to`; whether something else is due next because of that.
    fn live(&mut self, index: usize, to: Tick) -> bool {
        let Some(lane) = self.lanes.get_mut(index) else {
            return false;
        };
        let Some(seated) = &mut lane.unit else { return false };
        let before = seated.unit.next_event();
        let mut deeds = Vec::new();
        let mut around = Surroundings {
            network: &self.network,
            cloud: &mut self.cloud,
            shows: &self.shows,
            lamp: lane.lamp.level(),
            deeds: &mut deeds,
        };
        seated.unit.advance(to, &mut around);
        if deeds.is_empty() {
            return seated.unit.next_event() != before;
        }
        for unit::Deed::Blessed(at, event) in deeds {
            self.sent += 1;
            self.mail.push(Reverse((at, self.sent)));
            self.letters.insert((at, self.sent), event);
        }
        true
    }

    fn seat(&mut self, now: Tick, id: LaneId, index: u32) {
        let stays = self.stays.entry(index).or_default();
        let stay = *stays;
        *stays += 1;
        let mut nature = Nature::new(self.seed, index);
        if let Some((over, lane)) = self.lamp_over_led.zip(self.lane(id)) {
            nature.strength = lane.lamp_strength / over / (lane.shapes.red[3] + lane.shapes.green[3]);
        }
        let (row, fault) = self.struck(index);
        let strikes = row.filter(|row| match self.scenario.rows.get(*row).map(|row| &row.strikes) {
            Some(Strikes::Unit { runs, .. }) => runs.is_none_or(|runs| stay < runs),
            Some(Strikes::Lane(_) | Strikes::Line(_)) | None => false,
        });
        let struck = fault.filter(|_| strikes.is_some());
        let serial = nature.serial.clone();
        let mishaps = self
            .mishaps
            .active(id)
            .map(|mishap| (mishap.row, mishap.fault, true))
            .collect();
        let Some(lane) = self.lanes.iter_mut().find(|lane| lane.id == id) else {
            return;
        };
        // The same part on every unit of a product, made with some spread.
        let mut spread = Chance::new(self.seed, Stream::Stay(index, u32::MAX));
        let [red, green] = match struck {
            Some(Fault::DimLed) => [DIM / nature.strength; 2],
            Some(Fault::OffColourLed) => [1.0, OFF_COLOUR],
            Some(_) | None => [1.0; 2],
        };
        let mut shapes = lane.shapes.varied(0.01, &mut spread);
        shapes.red = shapes.red.map(|channel| channel * red);
        shapes.green = shapes.green.map(|channel| channel * green);
        let mut seated = Seated {
            unit: Unit::new(self.seed, nature, stay, struck, (self.uses, self.port), now),
            shapes,
            power: Power::On,
            since: now,
            row: strikes,
            fault,
            mishaps,
        };
        let mut deeds = Vec::new();
        seated.unit.power_on(
            now,
            &Surroundings {
                network: &self.network,
                cloud: &mut self.cloud,
                shows: &self.shows,
                lamp: lane.lamp.level(),
                deeds: &mut deeds,
            },
        );
        lane.unit = Some(seated);
        self.operator.slips(now, id, struck);
        self.scans.push_back(Scan {
            lane: Some(id),
            field: Field::Serial(serial),
        });
        self.events.push_back((now, Event::Seated(id)));
    }

    /// Which row of the scenario strikes a unit, and its fault.
    fn struck(&self, index: u32) -> (Option<usize>, Option<Fault>) {
        let mut draw = Chance::new(self.seed, Stream::Stay(index, u32::MAX - 1)).unit();
        for (row, fault) in self.scenario.rows.iter().enumerate() {
            if let Strikes::Unit { share, .. } = fault.strikes {
                if draw < share {
                    return (Some(row), Some(fault.fault));
                }
                draw -= share;
            }
        }
        (None, None)
    }

    fn lift(&mut self, now: Tick, id: LaneId) {
        let truth = self.truth(id);
        if let Some(lane) = self.lanes.iter_mut().find(|lane| lane.id == id)
            && lane.unit.take().is_some()
        {
            lane.gone = truth;
            self.events.push_back((now, Event::Lifted(id)));
        }
    }

    /// Sets a lane's lamp.
    ///
    /// # Errors
    /// The lane does not exist.
    pub fn set_lamp(&mut self, now: Tick, id: LaneId, level: Level) -> Result<(), JigError> {
        self.advance(now);
        let dead = self.suffers(id, Fault::DeadLamp);
        let weak = self.suffers(id, Fault::WeakLamp);
        let one_level = self.suffers(id, Fault::LampLevels);
        let lags = self.suffers(id, Fault::LampLags);
        let now = if lags { self.now + LAMP_LAGS } else { self.now };
        let lane = self.lane_mut(id).ok_or_else(|| no_lane(id, "lamp"))?;
        let share = if dead {
            0.0
        } else if weak {
            0.12
        } else {
            1.0
        };
        let light = if one_level && level > Level::DARK {
            1.0
        } else {
            f64::from(level.fraction()) * share
        };
        lane.lamp.set(now, light);
        Ok(())
    }

    /// How late the sender of a lane shows its next symbol, in virtual time.
    pub fn lateness(&mut self, id: LaneId) -> Duration {
        let stutters = self.stutters(id);
        self.lane_mut(id).map_or(Duration::ZERO, |lane| {
            let usual = lane.lamp_chance.scaled(4e-6..80e-6);
            let late = if stutters { stutter(&mut lane.lamp_chance) } else { None };
            late.unwrap_or(Duration::from_secs_f64(usual))
        })
    }

    /// Whether a lane's lamp shows some symbols late.
    pub fn stutters(&self, id: LaneId) -> bool {
        self.suffers(id, Fault::LateSymbols)
    }

    /// Puts a reference unit whose LED shows one colour into a lane's empty nest; `Off` takes it away.
    pub fn set_reference(&mut self, now: Tick, id: LaneId, colour: Colour) {
        self.advance(now);
        let now = self.now;
        if let Some(lane) = self.lane_mut(id) {
            lane.reference.set(now, colour);
        }
    }

    /// One sample of a lane that ends now; `None` when it was lost.
    ///
    /// # Errors
    /// The bus does not answer, or the lane does not exist.
    pub fn sample(&mut self, now: Tick, id: LaneId) -> Result<Option<Sample>, JigError> {
        self.advance(now);
        let end = self.now;
        let start = end - super::sensor::INTEGRATION;
        let upset = self.upset(id);
        let index = id.index();
        let mut beside = [None, None];
        for (place, other) in beside.iter_mut().zip([index.checked_sub(1), index.checked_add(1)]) {
            *place = other
                .and_then(|other| self.lanes.get(other))
                .map(|other| other.sources().over(start, end));
        }
        let lane = self.lane_mut(id).ok_or_else(|| no_lane(id, "status sensor"))?;
        let Lane {
            lamp,
            lamp_strength,
            slow_share,
            shapes,
            sensor,
            unit,
            reference,
            ..
        } = lane;
        let own = sources((lamp, *lamp_strength, *slow_share), *shapes, unit.as_ref(), reference);
        sensor
            .sample(end, &own, beside.into_iter().flatten(), upset)
            .map_err(|_| JigError::Failed {
                lane: id,
                part: "status sensor",
                what: "no acknowledge at address 0x29".to_owned(),
            })
    }

    /// When the sampler takes the next sample of a lane, after one at `at`.
    pub fn next_sample(&mut self, id: LaneId, at: Tick) -> Tick {
        self.lane_mut(id)
            .map_or(at + Duration::from_millis(10), |lane| lane.sensor.next(at))
    }

    /// What the LED of the unit in a lane shows, as of the last advance; off without a unit.
    pub fn led(&self, id: LaneId) -> Colour {
        let unit = self.lane(id).and_then(|lane| lane.unit.as_ref());
        unit.map_or(Colour::Off, |seated| seated.unit.led().light().newest().1)
    }

    /// The settings that the unit in a lane has taken out of the light; `None` before that, and where a packet had none.
    pub fn settings(&self, id: LaneId) -> Option<&Settings> {
        self.lane(id)?.unit.as_ref()?.unit.settings()
    }

    /// Whether a unit lies in a lane's nest.
    pub fn occupied(&mut self, now: Tick, id: LaneId) -> bool {
        self.advance(now);
        self.lane(id).is_some_and(|lane| lane.unit.is_some())
    }

    /// The next scan that waits.
    pub fn next_scan(&mut self, now: Tick) -> Option<Scan> {
        self.advance(now);
        self.scans.pop_front()
    }

    /// Gives or takes a unit's power.
    pub fn set_power(&mut self, now: Tick, id: LaneId, power: Power) {
        self.advance(now);
        let now = self.now;
        let Some(lane) = self.lanes.iter_mut().find(|lane| lane.id == id) else {
            return;
        };
        let Some(seated) = &mut lane.unit else { return };
        if seated.power == power {
            return;
        }
        seated.power = power;
        match power {
            Power::Off => seated.unit.power_off(now),
            Power::On => {
                let mut deeds = Vec::new();
                seated.unit.power_on(
                    now,
                    &Surroundings {
                        network: &self.network,
                        cloud: &mut self.cloud,
                        shows: &self.shows,
                        lamp: lane.lamp.level(),
                        deeds: &mut deeds,
                    },
                );
            }
        }
        self.look_ahead();
    }

    /// Whether the unit in a lane has power; `None` without one.
    pub fn has_power(&self, id: LaneId) -> Option<bool> {
        Some(self.lane(id)?.unit.as_ref()?.power == Power::On)
    }

    /// Asks the cloud for a token: when the answer is there, and the answer.
    pub fn request_token(&mut self, now: Tick, lane: LaneId) -> (Tick, Result<TokenGrant, String>) {
        self.advance(now);
        let out_of_order = self.suffers(lane, Fault::TokenUnavailable);
        self.cloud.request_token(self.now, lane, out_of_order)
    }

    /// Asks the cloud who has used a token: when the answer is there, and the answer.
    pub fn poll_claim(&mut self, now: Tick, lane: LaneId, token_id: &str) -> (Tick, ClaimAnswer) {
        self.advance(now);
        self.cloud.poll_claim(self.now, lane, token_id)
    }

    /// The verdict of a lane's run is committed: the operator decides what becomes of the unit, and the truth comes out.
    ///
    /// The truth is that of the unit in the nest, or of the one that was just lifted from it.
    pub fn verdict(&mut self, now: Tick, id: LaneId, code: VerdictCode) -> Truth {
        self.advance(now);
        let truth = self.truth(id).unwrap_or(Truth {
            fault: None,
            must_fail: false,
            last: false,
        });
        let last = self.operator.verdict(self.now, id, code);
        self.look_ahead();
        Truth { last, ..truth }
    }

    /// What is really the matter with the unit in a lane so far; `last` is not known yet.
    pub fn truth(&self, id: LaneId) -> Option<Truth> {
        let lane = self.lane(id)?;
        let Some(seated) = lane.unit.as_ref() else {
            return lane.gone;
        };
        let must = |row: usize| self.scenario.rows.get(row).is_some_and(|row| row.must_fail);
        let of_jig = seated.mishaps.iter().any(|(row, _, unbroken)| *unbroken && must(*row));
        Some(Truth {
            fault: seated.fault.or(seated.mishaps.first().map(|(_, fault, _)| *fault)),
            must_fail: of_jig || seated.row.is_some_and(must),
            last: false,
        })
    }

    /// When the unit in a lane was seated.
    pub fn seated_since(&self, id: LaneId) -> Option<Tick> {
        Some(self.lane(id)?.unit.as_ref()?.since)
    }

    /// Shows the operator what the screen shows of a lane.
    pub fn show_lane(&mut self, now: Tick, id: LaneId, state: &LaneState) {
        self.advance(now);
        self.operator.sees(self.now, id, state);
        self.look_ahead();
    }

    /// Shows the operator what the screen shows of the line.
    pub fn show_line(&mut self, now: Tick, stopped: Option<&LineStop>) {
        self.advance(now);
        self.operator.sees_line(self.now, stopped);
        self.look_ahead();
    }

    fn suffers(&self, id: LaneId, fault: Fault) -> bool {
        self.mishaps.active(id).any(|mishap| mishap.fault == fault)
    }

    fn upset(&self, id: LaneId) -> Upset {
        if self.mishaps.active(id).next().is_none() {
            return Upset::None;
        }
        [
            (Fault::SensorSilent, Upset::Silent),
            (Fault::SensorStuck, Upset::Stuck),
            (Fault::SensorSaturated, Upset::Saturated),
            (Fault::BrightAmbient, Upset::Bright(9_000.0)),
        ]
        .into_iter()
        .find(|(fault, _)| self.suffers(id, *fault))
        .map_or(Upset::None, |(_, upset)| upset)
    }

    fn lane(&self, id: LaneId) -> Option<&Lane> {
        self.lanes.get(id.index())
    }

    fn lane_mut(&mut self, id: LaneId) -> Option<&mut Lane> {
        self.lanes.get_mut(id.index())
    }
}

impl Lane {
    fn sources(&self) -> Sources<'_> {
        sources(
            (&self.lamp, self.lamp_strength, self.slow_share),
            self.shapes,
            self.unit.as_ref(),
            &self.reference,
        )
    }
}

fn sources<'a>(
    (lamp, lamp_strength, slow_share): (&'a Lamp, f64, f64),
    shapes: Shapes,
    unit: Option<&'a Seated>,
    reference: &'a Steps<Colour>,
) -> Sources<'a> {
    Sources {
        led: unit.map_or(reference, |seated| seated.unit.led().light()),
        strength: unit.map_or(REFERENCE, |seated| seated.unit.nature().strength),
        shapes: unit.map_or(shapes, |seated| seated.shapes),
        lamp,
        lamp_strength,
        slow_share,
    }
}

fn no_lane(lane: LaneId, part: &'static str) -> JigError {
    JigError::Failed {
        lane,
        part,
        what: "this lane does not exist on the jig".to_owned(),
    }
}

/// How late a symbol of a lamp that stutters is, where it is late at all: one in a hundred.
pub fn stutter(chance: &mut Chance) -> Option<Duration> {
    chance.happens(0.01).then(|| chance.millis(6..40))
}
