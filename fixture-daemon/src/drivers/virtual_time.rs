//! Virtual time: a plain loop that jumps to the next moment at which the engine, the simulated jig, a lamp or a sensor does something.
//!
//! The very same engine, reader and ledger as in real time; ids and wall time come from the seed, so that the same seed gives the
//! same records.

use core::cmp::Reverse;
use core::time::Duration;
use std::collections::{BTreeMap, BinaryHeap, VecDeque};
use std::path::Path;

use blinkup::codes::CodeTable;
use blinkup::frame::SymbolRate;
use blinkup::packet::Wifi;
use blinkup::reader::LedShape;
use blinkup::{Level, Symbol, Tick};
use fixture_ledger::record::{Annotation, AnnotationKind, RunEnd, RunStart, Setup, UnitHistory};
use fixture_ledger::{Durability, Ledger, LedgerError, SetupId};
use fixture_link::act::{ActId, ActRequest};
use fixture_link::bless::BlessEvent;
use fixture_link::identity::{LaneId, RunId, Serial, WallTime};
use fixture_link::verdict::{Outcome, VerdictCode};

use crate::engine::effect::{Effect, LaneEffect, Transmission};
use crate::engine::gate::LoopBackLimits;
use crate::engine::golden::CheckRules;
use crate::engine::input::{ActFacts, Input, LampEdge, LaneInput, Seating, SendEnd, SendReport};
use crate::engine::lane::{LaneConfig, Validity};
use crate::engine::line::{Line, LineConfig};
use crate::engine::recipe::{Link, PassRule, Recipe};
use crate::engine::sensor::Measures;
use crate::engine::station::{Transmitter, UnitPower};
use crate::jig::Field;
use crate::jig::Power;
use crate::jig::simulated::chance::{Chance, Stream};
use crate::jig::simulated::fault::{Fault, Uses};
use crate::jig::simulated::operator::{self, Policy};
use crate::jig::simulated::scenario::Scenario;
use crate::jig::simulated::sensor::{LedPart, SATURATED};
use crate::jig::simulated::unit::Port;
use crate::jig::simulated::world::REFERENCE;
use crate::jig::simulated::{Event, Setting, World};

/// How long nothing may come of the line before it counts as stuck: longer than any run, stop and walk of the operator.
const STANDSTILL: Duration = Duration::from_hours(2);

/// A run as it ended, with the truth that only a simulation knows.
#[derive(Debug, Clone, PartialEq)]
pub struct Ended {
    /// The unit.
    pub unit: Option<Serial>,
    /// The lane.
    pub lane: LaneId,
    /// The outcome.
    pub outcome: Outcome,
    /// The verdict code.
    pub code: VerdictCode,
    /// What exactly was seen.
    pub detail: String,
    /// What was really the matter: the unit's fault, else its lane's or the line's at that time.
    pub fault: Option<Fault>,
    /// The fault is one that must not pass.
    pub must_fail: bool,
    /// The operator will not run the unit again.
    pub last: bool,
    /// BlinkUp transmissions.
    pub attempts: usize,
    /// From seated to the verdict.
    pub took: Duration,
}

/// Why a simulation could not go on.
#[derive(Debug, thiserror::Error)]
pub enum SimulationError {
    /// The ledger.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    /// No runtime for the ledger.
    #[error("the ledger's runtime: {0}")]
    Runtime(#[from] std::io::Error),
    /// Nothing came of the line any more.
    #[error("the line stands still at {at} of virtual time: {done} runs stored, the last one at {last}")]
    Standstill {
        /// When it was noticed.
        at: Tick,
        /// Runs with a verdict.
        done: u64,
        /// When the last one got it.
        last: Tick,
    },
    /// Whoever takes the ended runs does not want more.
    #[error("writing a run's result: {0}")]
    Output(std::io::Error),
}

/// When simulated time begins on the wall: 2026-01-05 06:00 UTC, the early shift of a Monday.
pub const SHIFT_BEGINS: i64 = 1_767_592_800_000_000;

/// Counts (red, green, blue, clear) of an empty nest before any was measured: a dim room.
const AMBIENT: [f32; 4] = [40.0, 34.0, 26.0, 130.0];
/// Clear counts of the empty nest above which the LED cannot be read: half of the sensor's range would be light of the room.
const AMBIENT_LIMIT: f32 = 6_000.0;
/// Share of the lamp's light below which it is not there.
const LAMP_SEEN: f32 = 0.03;
/// Share of the lamp's light below which it is weak.
const LAMP_WEAK: f32 = 0.5;

/// How long a shift is.
pub const SHIFT: Duration = Duration::from_hours(8);

/// What to simulate.
#[derive(Debug, Clone)]
pub struct Simulated {
    /// From which all chance comes.
    pub seed: u64,
    /// From which what the jig itself is made of comes: its LED part, its lanes' optics.
    pub jig_seed: u64,
    /// Lanes, 1 to 8.
    pub lanes: u8,
    /// The place of the first unit among all units ever made; its serial follows from it.
    pub first_unit: u32,
    /// Distinct units.
    pub units: u32,
    /// After how long no further unit is brought, if any is left then.
    pub lasts: Option<Duration>,
    /// What goes wrong.
    pub scenario: Scenario,
    /// The product's recipe.
    pub recipe: Recipe,
    /// The status codes that its lanes read.
    pub codes: CodeTable,
    /// The network that is on the air.
    pub network: Option<Wifi>,
    /// How long after a lift the next unit comes; `None` for as fast as the operator can.
    pub takt: Option<Duration>,
    /// How many times as bright as a unit's LED the lamp is; as lanes and units differ, when there is none.
    pub lamp_over_led: Option<f64>,
    /// What commits go through.
    pub durability: Durability,
    /// The same code on so many units in a row on a lane stops the line.
    pub k_in_a_row: u32,
    /// What golden checks ask for; `None` where there are none. When they are due is for whoever drives the engine to say.
    pub golden_check: Option<CheckRules>,
    /// The same connection stage on two lanes within this time stops it as well.
    pub shared_within: Duration,
}

impl Simulated {
    /// Four lanes and one unit without faults, on the recipe's own network.
    pub fn new(seed: u64, recipe: Recipe) -> Self {
        Self {
            seed,
            jig_seed: seed,
            lanes: 4,
            first_unit: 0,
            units: 1,
            lasts: None,
            scenario: Scenario::none(),
            network: recipe.wifi.clone(),
            recipe,
            codes: CodeTable::vendor(),
            takt: None,
            lamp_over_led: None,
            durability: Durability::Unsynced,
            k_in_a_row: 3,
            golden_check: None,
            shared_within: Duration::from_mins(1),
        }
    }

    /// The jig and the engine over it, at tick 0, which is `begins` on the wall (microseconds since 1970 UTC).
    pub fn build(&self, begins: i64) -> Simulation {
        self.build_commissioned(begins, |lane| lane)
    }

    /// As [`build`](Self::build), with lanes as `commissioned` says instead of what the model knows of itself.
    pub fn build_commissioned(&self, begins: i64, commissioned: impl Fn(LaneConfig) -> LaneConfig) -> Simulation {
        let world = self.world();
        let setup = Setup {
            fixture: format!("sim-{}", self.seed),
            software: env!("CARGO_PKG_VERSION").to_owned(),
            recipe: self.recipe.name.clone(),
            recipe_version: self.recipe.version.clone(),
            pass_rule: self.recipe.pass.name().to_owned(),
            simulated: true,
        };
        Simulation {
            seed: self.seed,
            line: self.line(lanes(&world).map(commissioned).collect()),
            world,
            setup,
            begins,
            lasts: self.lasts,
            durability: self.durability,
        }
    }

    /// The jig.
    pub fn world(&self) -> World {
        let mut scenario = self.scenario.clone();
        if self.recipe.led.is_none() {
            scenario.rows.retain(|row| !row.fault.is_of_light());
        }
        let uses = match self.recipe.pass {
            PassRule::Blessed { .. } => Uses::Blessing,
            PassRule::Claimed { .. } | PassRule::LedOnly { .. } if self.recipe.enrols => Uses::Enrolment,
            PassRule::Claimed { .. } | PassRule::LedOnly { .. } => Uses::Settings,
        };
        World::new(Setting {
            seed: self.seed,
            jig_seed: self.jig_seed,
            lanes: self.lanes,
            first_unit: self.first_unit,
            units: self.units,
            scenario,
            wifi: self.network.clone(),
            uses,
            port: match self.recipe.link {
                Link::Wifi => Port::Radio,
                Link::Ethernet | Link::Cellular => Port::Ethernet,
            },
            policy: Policy {
                runs_at_most: self.recipe.runs_at_most,
                quarantine_after: self.recipe.quarantine_after,
            },
            takt: self.takt,
            lamp_over_led: self.lamp_over_led,
        })
    }

    /// The lanes of the jig, as its commissioning would have them.
    pub fn lanes(&self) -> Vec<LaneConfig> {
        lanes(&self.world()).collect()
    }

    /// The engine over such lanes.
    fn line(&self, lanes: Vec<LaneConfig>) -> Line {
        let config = LineConfig {
            lanes,
            recipe: self.recipe.clone(),
            k_in_a_row: self.k_in_a_row,
            shared_within: self.shared_within,
            lot: String::new(),
            golden_check: self.golden_check,
        };
        Line::new(config, &self.codes)
    }
}

/// A simulated jig's lanes, with what the model knows of itself.
fn lanes(world: &World) -> impl Iterator<Item = LaneConfig> {
    world.lanes().map(|lane| {
        let shapes = world.shapes(lane).unwrap_or(LedPart::YellowGreen.shapes());
        LaneConfig {
            lane,
            shape: LedShape {
                red: shapes.red.map(narrow),
                green: shapes.green.map(narrow),
            },
            saturated_at: SATURATED,
            ambient: AMBIENT,
            ambient_limit: AMBIENT_LIMIT,
            loop_back: LoopBackLimits {
                full: narrow(world.lamp_strength(lane).unwrap_or_default()),
                seen: LAMP_SEEN,
                weak: LAMP_WEAK,
            },
            sample_every: Duration::from_millis(10),
            unit_power: UnitPower::Relay,
            transmitter: Transmitter::Lamp,
            light: 1.0,
            measures: Measures::Strength,
            reference: Some([narrow(REFERENCE); 2]),
            calibration: Validity::Lasting,
        }
    })
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "figures of commissioning have three digits"
)]
fn narrow(figure: f64) -> f32 {
    figure as f32
}
/// What a simulation is made of.
#[derive(Debug)]
pub struct Simulation {
    /// The seed, also of ids.
    pub seed: u64,
    /// The jig.
    pub world: World,
    /// The engine over its lanes.
    pub line: Line,
    /// What the ledger says of every run.
    pub setup: Setup,
    /// The wall time of tick 0, in microseconds since 1970 UTC.
    pub begins: i64,
    /// After how long no further unit is brought, if any is left then.
    pub lasts: Option<Duration>,
    /// What its commits go through.
    pub durability: Durability,
}

/// What came of a simulation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Summary {
    /// Runs that got a verdict.
    pub runs: u64,
    /// Starts that were refused.
    pub refusals: u64,
    /// Stops of the line.
    pub stops: u64,
    /// Virtual time.
    pub lasted: Duration,
}

/// Runs a simulation until every unit is done, into a new ledger at `path`. `each` is told of every run as soon as it is committed.
///
/// # Errors
/// The ledger cannot be made or written, `each` fails, or the line stands still; then no ledger is left.
pub fn simulate(
    simulation: Simulation,
    path: &Path,
    each: &mut dyn FnMut(&Ended) -> std::io::Result<()>,
) -> Result<Summary, SimulationError> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let ledger = runtime.block_on(Ledger::create(path, simulation.durability))?;
    let summary = drive(simulation, &runtime, ledger, each);
    if summary.is_err()
        && let Err(error) = fixture_ledger::discard(path)
    {
        tracing::warn!(%error, "an unfinished ledger stays");
    }
    summary
}

/// As [`simulate`], but goes on with the ledger at `path` that an earlier simulation made; its units have to be others.
///
/// # Errors
/// The ledger cannot be opened or written, `each` fails, or the line stands still.
pub fn simulate_more(
    simulation: Simulation,
    path: &Path,
    each: &mut dyn FnMut(&Ended) -> std::io::Result<()>,
) -> Result<Summary, SimulationError> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let at = WallTime {
        micros: simulation.begins,
        synchronised: true,
    };
    let (ledger, _) = runtime.block_on(Ledger::open(path, at))?;
    drive(simulation, &runtime, ledger, each)
}

fn drive(
    simulation: Simulation,
    runtime: &tokio::runtime::Runtime,
    mut ledger: Ledger,
    each: &mut dyn FnMut(&Ended) -> std::io::Result<()>,
) -> Result<Summary, SimulationError> {
    let setup = runtime.block_on(ledger.setup(&simulation.setup))?;
    let lanes: Vec<LaneId> = simulation.world.lanes().collect();
    let mut driver = Driver {
        runtime,
        ledger,
        setup,
        begins: simulation.begins,
        over: simulation.lasts.map(|lasts| Tick::ZERO + lasts),
        ids: Chance::new(simulation.seed, Stream::Ids),
        world: simulation.world,
        line: simulation.line,
        now: Tick::ZERO,
        lanes: lanes.iter().map(|lane| Lane::new(*lane)).collect(),
        jobs: BinaryHeap::new(),
        waiting: BTreeMap::new(),
        planned: 0,
        acts: 0,
        inbox: VecDeque::new(),
        effects: Vec::new(),
        each,
        summary: Summary {
            runs: 0,
            refusals: 0,
            stops: 0,
            lasted: Duration::ZERO,
        },
        last: Tick::ZERO,
    };
    let result = driver.run();
    let summary = driver.summary;
    let closed = runtime.block_on(driver.ledger.close());
    result?;
    closed?;
    Ok(summary)
}

/// Something that comes at its time.
#[derive(Debug)]
enum Job {
    /// An input for a lane.
    Input(LaneId, LaneInput),
    /// The test flash is over.
    FlashOver(LaneId),
    /// The unit gets its power again.
    PowerBack(LaneId),
}

/// What the driver keeps of a lane.
#[derive(Debug)]
struct Lane {
    id: LaneId,
    sample: Tick,
    sending: Option<Sending>,
    serial: Option<Serial>,
}

impl Lane {
    fn new(id: LaneId) -> Self {
        // The sampler takes one lane after the other.
        let sample = Tick::ZERO + Duration::from_micros(10_000 + 1_200 * u64::from(id.number()));
        Self {
            id,
            sample,
            sending: None,
            serial: None,
        }
    }
}

/// A transmission under way: the sender's own arithmetic, with its lateness from the jig.
#[derive(Debug)]
struct Sending {
    transmission: Transmission,
    symbol_lasts: Duration,
    /// Symbols shown.
    shown: u32,
    began: Tick,
    due: Tick,
    /// When the next symbol really comes.
    at: Tick,
    /// How it ends once the symbol that is shown has had its length, where that is known.
    ends: Option<SendEnd>,
    latest: Duration,
    lateness: [u32; 21],
}

struct Driver<'a> {
    runtime: &'a tokio::runtime::Runtime,
    ledger: Ledger,
    setup: SetupId,
    begins: i64,
    /// When no further unit is brought; `None` once none is.
    over: Option<Tick>,
    ids: Chance,
    world: World,
    line: Line,
    now: Tick,
    lanes: Vec<Lane>,
    jobs: BinaryHeap<Reverse<(Tick, u64)>>,
    waiting: BTreeMap<u64, Job>,
    planned: u64,
    acts: u64,
    inbox: VecDeque<Input>,
    /// Room for what samples lead to.
    effects: Vec<Effect>,
    each: &'a mut dyn FnMut(&Ended) -> std::io::Result<()>,
    summary: Summary,
    last: Tick,
}

/// What comes next. Of two at the same time, the first in this order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Next {
    World,
    Job,
    Symbol(usize),
    Sample(usize),
    Deadline,
}

impl Driver<'_> {
    fn run(&mut self) -> Result<(), SimulationError> {
        self.feed_all()?;
        while !self.world.is_done() {
            let Some((at, next)) = self.next() else { break };
            self.now = at.max(self.now);
            if self.over.is_some_and(|over| over <= self.now) {
                self.over = None;
                self.world.knock_off();
                continue;
            }
            if self.now.since(self.last) > STANDSTILL {
                return Err(SimulationError::Standstill {
                    at: self.now,
                    done: self.summary.runs,
                    last: self.last,
                });
            }
            match next {
                Next::World => self.happenings()?,
                Next::Job => self.job()?,
                Next::Symbol(lane) => self.symbol(lane)?,
                Next::Sample(lane) => self.sample(lane)?,
                Next::Deadline => self.feed(Input::Tick)?,
            }
        }
        self.summary.lasted = self.now.since(Tick::ZERO);
        Ok(())
    }

    fn next(&self) -> Option<(Tick, Next)> {
        let mut first: Option<(Tick, Next)> = None;
        let mut consider = |at: Tick, next: Next| {
            if first.is_none_or(|first| (at, next) < first) {
                first = Some((at, next));
            }
        };
        for (index, lane) in self.lanes.iter().enumerate() {
            consider(lane.sample, Next::Sample(index));
            if let Some(sending) = &lane.sending {
                consider(sending.at, Next::Symbol(index));
            }
        }
        if let Some(at) = self.world.next_event() {
            consider(at, Next::World);
        }
        if let Some(Reverse((at, _))) = self.jobs.peek() {
            consider(*at, Next::Job);
        }
        if let Some((at, _)) = self.line.deadline() {
            consider(at, Next::Deadline);
        }
        first
    }

    fn feed(&mut self, input: Input) -> Result<(), SimulationError> {
        self.inbox.push_back(input);
        self.feed_all()
    }

    fn feed_all(&mut self) -> Result<(), SimulationError> {
        while let Some(input) = self.inbox.pop_front() {
            for effect in self.line.step(self.now, input) {
                self.perform(effect)?;
            }
        }
        Ok(())
    }

    fn happenings(&mut self) -> Result<(), SimulationError> {
        self.world.advance(self.now);
        for (_, event) in self.world.take_events() {
            match event {
                Event::Seated(lane) => self.seated(lane)?,
                Event::Lifted(lane) => self.feed(Input::Lane(lane, LaneInput::Lifted))?,
                Event::Bless(event) => self.feed(Input::Bless(event))?,
                Event::Act(request) => {
                    let history = match request.act.serial() {
                        Some(serial) => Some(self.history(&serial.clone())?),
                        None => None,
                    };
                    let facts = ActFacts {
                        at: Some(self.wall(self.now)),
                        history,
                        notice: None,
                        recipe: None,
                        marks: Vec::new(),
                    };
                    let request = ActRequest {
                        id: self.act_id(),
                        ..request
                    };
                    let facts = Box::new(facts);
                    self.feed(Input::Act { request, facts })?;
                }
            }
        }
        Ok(())
    }

    fn seated(&mut self, lane: LaneId) -> Result<(), SimulationError> {
        let mut serial = None;
        while let Some(scan) = self.world.next_scan(self.now) {
            if let (Some(on), Field::Serial(scanned)) = (scan.lane, scan.field)
                && on == lane
            {
                serial = Some(scanned);
            }
        }
        let history = match &serial {
            Some(serial) => self.history(&serial.clone())?,
            None => UnitHistory::default(),
        };
        let run = self.run_id();
        if let Some(lane) = self.lanes.get_mut(lane.index()) {
            lane.serial.clone_from(&serial);
        }
        self.feed(Input::Lane(lane, LaneInput::Seated(Seating { run, serial, history })))
    }

    fn job(&mut self) -> Result<(), SimulationError> {
        let Some(Reverse((_, number))) = self.jobs.pop() else {
            return Ok(());
        };
        match self.waiting.remove(&number) {
            None => Ok(()),
            Some(Job::Input(lane, input)) => self.feed(Input::Lane(lane, input)),
            Some(Job::FlashOver(lane)) => {
                self.light(lane, Symbol::Dark, Level::DARK)?;
                self.feed(Input::Lane(lane, LaneInput::TestFlashed))
            }
            Some(Job::PowerBack(lane)) => {
                self.world.set_power(self.now, lane, Power::On);
                self.feed(Input::Lane(lane, LaneInput::PowerCycled))
            }
        }
    }

    fn plan(&mut self, at: Tick, job: Job) {
        self.planned += 1;
        self.jobs.push(Reverse((at, self.planned)));
        self.waiting.insert(self.planned, job);
    }

    fn sample(&mut self, index: usize) -> Result<(), SimulationError> {
        let Some(lane) = self.lanes.get_mut(index) else {
            return Ok(());
        };
        let id = lane.id;
        lane.sample = self.world.next_sample(id, self.now);
        match self.world.sample(self.now, id) {
            Ok(Some(sample)) => {
                let mut effects = core::mem::take(&mut self.effects);
                self.line.sample(self.now, id, &sample, &mut effects);
                for effect in effects.drain(..) {
                    self.perform(effect)?;
                }
                self.effects = effects;
                self.feed_all()
            }
            Ok(None) => Ok(()),
            Err(error) => self.feed(Input::Lane(id, LaneInput::SensorFailed(error.to_string()))),
        }
    }

    /// Sets a lamp and tells the engine.
    fn light(&mut self, lane: LaneId, symbol: Symbol, level: Level) -> Result<(), SimulationError> {
        // The model lamp has no bus that could fail.
        let _ = self.world.set_lamp(self.now, lane, level);
        let edge = LampEdge {
            from: self.now,
            at: self.now,
            symbol,
        };
        self.feed(Input::Lane(lane, LaneInput::Lamp(edge)))
    }

    /// The next symbol of a transmission, or its end.
    fn symbol(&mut self, index: usize) -> Result<(), SimulationError> {
        let Some(lane) = self.lanes.get_mut(index) else {
            return Ok(());
        };
        let id = lane.id;
        let Some(sending) = &mut lane.sending else {
            return Ok(());
        };
        let frame = sending.transmission.packet.frame(sending.transmission.preamble);
        if let Some(end) = sending.ends.take() {
            return self.sent(index, end);
        }
        let Some(symbol) = frame.symbol(sending.shown as usize) else {
            return self.sent(index, SendEnd::Complete);
        };
        let level = match symbol {
            Symbol::Dark => Level::DARK,
            Symbol::Mid => sending.transmission.mid,
            Symbol::Bright => sending.transmission.bright,
        };
        if sending.shown == 0 {
            sending.began = self.now;
        }
        let before = sending
            .shown
            .checked_sub(1)
            .and_then(|shown| frame.symbol(shown as usize));
        let behind = if symbol == before.unwrap_or(Symbol::Dark) {
            Duration::ZERO
        } else {
            self.now.since(sending.due)
        };
        sending.shown += 1;
        sending.latest = sending.latest.max(behind);
        if let Some(count) = sending.lateness.get_mut(place(behind)) {
            *count += 1;
        }
        if behind > sending.transmission.late_limit {
            sending.ends = Some(SendEnd::Late);
        }
        sending.due = self.now + sending.symbol_lasts;
        sending.at = sending.due
            + if frame.symbol(sending.shown as usize).is_some() && sending.ends.is_none() {
                self.world.lateness(id)
            } else {
                Duration::ZERO
            };
        self.light(id, symbol, level)
    }

    fn sent(&mut self, index: usize, end: SendEnd) -> Result<(), SimulationError> {
        let Some((id, sending)) = self
            .lanes
            .get_mut(index)
            .and_then(|lane| Some((lane.id, lane.sending.take()?)))
        else {
            return Ok(());
        };
        self.light(id, Symbol::Dark, Level::DARK)?;
        let report = SendReport {
            run: sending.transmission.run,
            attempt: sending.transmission.attempt,
            began: sending.began,
            ended: self.now,
            symbols: sending.shown,
            end,
            latest: sending.latest,
            lateness: sending.lateness,
        };
        self.feed(Input::Lane(id, LaneInput::Sent(report)))
    }

    fn perform(&mut self, effect: Effect) -> Result<(), SimulationError> {
        let at = self.wall(self.now);
        match effect {
            Effect::Lane(lane, effect) => self.perform_in(lane, effect)?,
            Effect::Audit(audited) => self.runtime.block_on(self.ledger.record_act(&audited, at))?,
            // A simulation in virtual time has no notices.
            Effect::Shelve { .. } => {}
            // Nor has it a calendar by which golden checks are due.
            Effect::CheckDone { .. } => {}
            Effect::LineStopped(stop) => {
                self.summary.stops += 1;
                let since = self.wall(stop.since);
                self.runtime.block_on(self.ledger.record_stop(&stop.shown(since)))?;
            }
            Effect::StopLifted(kind) => self.runtime.block_on(self.ledger.record_go(kind, at))?,
            Effect::Annotate(annotations) => self.runtime.block_on(self.ledger.annotate(&annotations, at))?,
            Effect::UnknownBless(event) => self.late_bless(&event, at)?,
            Effect::Show => self.show(),
        }
        Ok(())
    }

    fn perform_in(&mut self, lane: LaneId, effect: LaneEffect) -> Result<(), SimulationError> {
        let at = self.wall(self.now);
        match effect {
            LaneEffect::BeginRun {
                run,
                serial,
                batch,
                purpose,
                recipe: _,
                seated,
            } => {
                let start = RunStart {
                    run,
                    lane,
                    serial,
                    operator: batch.operator_or(operator::NAME),
                    lot: batch.lot,
                    work_order: batch.work_order,
                    purpose,
                    seated: self.wall(seated),
                };
                let result = self.runtime.block_on(self.ledger.begin_run(self.setup, &start));
                self.stored(lane, run, result)
            }
            LaneEffect::Refuse(refused, _) => {
                self.summary.refusals += 1;
                self.runtime
                    .block_on(self.ledger.record_refusal(self.setup, &refused, at))
                    .map_err(SimulationError::from)
            }
            LaneEffect::RequestToken { run, attempt: _ } => {
                let (there, answer) = self.world.request_token(self.now, lane);
                self.plan(there, Job::Input(lane, LaneInput::Token { run, answer }));
                Ok(())
            }
            LaneEffect::PollClaim { run, token_id } => {
                let (there, answer) = self.world.poll_claim(self.now, lane, &token_id);
                self.plan(there, Job::Input(lane, LaneInput::Claim { run, answer }));
                Ok(())
            }
            LaneEffect::Send(transmission) => {
                self.send(lane, transmission);
                Ok(())
            }
            // The model's lanes have lamps.
            LaneEffect::SendByImp { .. } => Ok(()),
            LaneEffect::StopSending => {
                if let Some(sending) = self.lanes.get_mut(lane.index()).and_then(|lane| lane.sending.as_mut()) {
                    sending.ends.get_or_insert(SendEnd::Stopped);
                }
                Ok(())
            }
            LaneEffect::TestFlash { on } => {
                let _ = self.world.set_lamp(self.now, lane, Level::FULL);
                self.inbox.push_back(Input::Lane(
                    lane,
                    LaneInput::Lamp(LampEdge {
                        from: self.now,
                        at: self.now,
                        symbol: Symbol::Bright,
                    }),
                ));
                self.plan(self.now + on, Job::FlashOver(lane));
                Ok(())
            }
            LaneEffect::PowerCycle { off } => {
                self.world.set_power(self.now, lane, Power::Off);
                self.plan(self.now + off, Job::PowerBack(lane));
                Ok(())
            }
            LaneEffect::RecordAttempt { run, attempt } => self
                .runtime
                .block_on(self.ledger.record_attempt(run, &attempt))
                .map_err(SimulationError::from),
            LaneEffect::Commit(end) => self.commit(lane, &end),
            LaneEffect::RecordLifted(run) => self
                .runtime
                .block_on(self.ledger.lifted(run, at))
                .map_err(SimulationError::from),
            LaneEffect::Signal(_) => Ok(()),
        }
    }

    fn stored(&mut self, lane: LaneId, run: RunId, result: Result<(), LedgerError>) -> Result<(), SimulationError> {
        result?;
        self.inbox
            .push_back(Input::Lane(lane, LaneInput::Stored { run, result: Ok(()) }));
        Ok(())
    }

    fn commit(&mut self, lane: LaneId, end: &RunEnd) -> Result<(), SimulationError> {
        let at = self.wall(self.now);
        let result = self.runtime.block_on(self.ledger.finish_run(end, at));
        self.stored(lane, end.run, result)?;
        let truth = self.world.verdict(self.now, lane, end.code);
        self.summary.runs += 1;
        self.last = self.now;
        let ended = Ended {
            unit: self.lanes.get(lane.index()).and_then(|lane| lane.serial.clone()),
            lane,
            outcome: end.code.outcome(),
            code: end.code,
            detail: end.detail.clone(),
            fault: truth.fault,
            must_fail: truth.must_fail,
            last: truth.last,
            attempts: end.attempts.len(),
            took: end.took,
        };
        (self.each)(&ended).map_err(SimulationError::Output)
    }

    fn send(&mut self, id: LaneId, transmission: Transmission) {
        let symbol_lasts = SymbolRate::new(transmission.rate).unwrap_or(SymbolRate::SLOWEST).due(1);
        let lateness = self.world.lateness(id);
        if let Some(lane) = self.lanes.get_mut(id.index()) {
            lane.sending = Some(Sending {
                transmission,
                symbol_lasts,
                shown: 0,
                began: self.now,
                due: self.now,
                at: self.now + lateness,
                ends: None,
                latest: Duration::ZERO,
                lateness: [0; 21],
            });
        }
    }

    fn late_bless(&mut self, event: &BlessEvent, at: WallTime) -> Result<(), SimulationError> {
        let mut run = None;
        if let Some(token) = &event.token_id {
            run = self.runtime.block_on(self.ledger.run_by_token(token))?;
        }
        if let (None, Some(device)) = (run, &event.device_id) {
            run = self.runtime.block_on(self.ledger.run_by_device(device))?;
        }
        if let Some(run) = run {
            let annotation = Annotation {
                run,
                kind: AnnotationKind::LateBlessEvent,
                detail: format!(
                    "{} by event {}",
                    if event.blessed { "blessed" } else { "not blessed" },
                    event.event
                ),
            };
            self.runtime.block_on(self.ledger.annotate(&[annotation], at))?;
        }
        Ok(())
    }

    /// The operator looks at the screen.
    fn show(&mut self) {
        let view = self.line.view(self.now);
        for lane in &view.lanes {
            self.world.show_lane(self.now, lane.lane, &lane.state);
        }
        let stopped = view.line(|stop| self.wall(stop.since)).stopped;
        self.world.show_line(self.now, stopped.as_ref());
    }

    fn history(&mut self, serial: &Serial) -> Result<UnitHistory, SimulationError> {
        Ok(self.runtime.block_on(self.ledger.unit_history(serial))?)
    }

    fn wall(&self, at: Tick) -> WallTime {
        WallTime {
            micros: self.begins.saturating_add_unsigned(at.as_micros()),
            synchronised: true,
        }
    }

    /// An id for an act: by its time and its number among this simulation's, so that the same seed gives the same ledger.
    fn act_id(&mut self) -> ActId {
        self.acts += 1;
        let millis = u64::try_from(self.wall(self.now).micros / 1000).unwrap_or(0);
        let mut number = [0; 10];
        for (place, byte) in number.iter_mut().rev().zip(self.acts.to_le_bytes()) {
            *place = byte;
        }
        ActId(uuid::Builder::from_unix_timestamp_millis(millis, &number).into_uuid())
    }

    fn run_id(&mut self) -> RunId {
        let millis = u64::try_from(self.wall(self.now).micros / 1000).unwrap_or(0);
        let mut random = [0; 10];
        let words = [self.ids.bits().to_le_bytes(), self.ids.bits().to_le_bytes()].concat();
        for (place, byte) in random.iter_mut().zip(words) {
            *place = byte;
        }
        RunId(uuid::Builder::from_unix_timestamp_millis(millis, &random).into_uuid())
    }
}

/// The place in a histogram of lateness: below 2^n µs in place n, 0 to 19; the last for everything later.
fn place(late: Duration) -> usize {
    let micros = late.as_micros();
    usize::try_from(128 - micros.leading_zeros()).map_or(20, |place| place.min(20))
}
