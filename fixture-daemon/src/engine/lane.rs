//! One lane: its station, and the eyes of that station: gate, loop-back, LED reader, the check of the empty nest, the recorder.

use core::time::Duration;
use std::collections::VecDeque;

use blinkup::codes::{CodeTable, Colour};
use blinkup::reader::{Expectations, LedShape, Observed, Reader, ReaderSettings, Reading};
use blinkup::sample::{Counts, Sample};
use blinkup::trace::compact::Recorder;
use blinkup::trace::{Header, Row};
use blinkup::{Level, Tick};
use fixture_ledger::record::{EvidenceKind, Purpose, RunEnd};
use fixture_link::identity::{LaneId, RunId};
use fixture_link::snapshot::{LaneState, LaneView, LedView, StripPiece};
use fixture_link::verdict::VerdictCode;

use super::afterglow::Afterglow;
use super::effect::{LaneEffect, Stop};
use super::flashing::Flashing;
use super::gate::{During, Gate, LoopBackLimits, Meant};
use super::golden::{Check, CheckRules};
use super::input::{LampEdge, LaneInput, Part};
use super::led;
use super::nest::{Nest, NestReport, Order};
use super::sensor::{LaneSensor, Measures};
use super::station::{
    Conclusion, Equipment, LampSeen, Reason, RecordedLight, Rules, Seen, Station, StationInput, Takes, Transmitter,
    UnitPower, is_too_late,
};

/// How long a sensor may be without a good sample during a run.
const SILENCE: Duration = Duration::from_secs(1);
/// How long a failure of the sensor may last during a run: a bus may stumble once.
const FAILURE: Duration = Duration::from_millis(500);
/// How long all channels may be full during a run.
const FULL: Duration = Duration::from_secs(1);
/// How long a sensor may count exactly the same: real light always varies.
const SAME: Duration = Duration::from_secs(3);
/// Counts below which light may be so even that nothing varies.
const EVEN: u16 = 16;
/// What is shown of the light.
const STRIP: Duration = Duration::from_secs(10);
/// Changes of colour that are remembered for it.
const STRIP_PIECES: usize = 256;
/// Of the samples that do not see the LED, one in so many is recorded, to show the lamp.
const LIT_ROWS: u32 = 8;

/// What commissioning found out about a lane.
#[derive(Debug, Clone, PartialEq)]
pub struct LaneConfig {
    /// Which lane.
    pub lane: LaneId,
    /// The LED part as this lane's sensor sees it.
    pub shape: LedShape,
    /// A channel at or above it is full.
    pub saturated_at: u16,
    /// Counts of the empty nest (red, green, blue, clear), until they are measured.
    pub ambient: [f32; 4],
    /// Clear counts of the empty nest above which no LED can be read.
    pub ambient_limit: f32,
    /// What loop-back must see.
    pub loop_back: LoopBackLimits,
    /// How often the sensor is sampled.
    pub sample_every: Duration,
    /// How the unit is powered.
    pub unit_power: UnitPower,
    /// What sends to it.
    pub transmitter: Transmitter,
    /// The share of its lamp's light that every level is scaled by, above 0 to 1.
    pub light: f32,
    /// What its sensor tells of light.
    pub measures: Measures,
    /// Counts of the reference unit's red and green die, by the shape, where commissioning measured one.
    pub reference: Option<[f32; 2]>,
    /// How long its calibration is good for.
    pub calibration: Validity,
}

impl LaneConfig {
    /// What the station must know of it.
    fn equipment(&self) -> Equipment {
        Equipment {
            unit_power: self.unit_power,
            transmitter: self.transmitter,
            light: self.light,
        }
    }
}

/// How long a lane's calibration is good for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Validity {
    /// For as long as the process lives.
    Lasting,
    /// Until a moment, from which on the lane passes no unit.
    Until(Tick),
    /// The lane passes no unit.
    Missing(String),
}

impl Validity {
    /// Why the lane may not pass units now, where it may not.
    fn overdue(&self, now: Tick) -> Option<String> {
        match self {
            Self::Lasting => None,
            Self::Until(until) if now < *until => None,
            Self::Until(_) => Some("the calibration has run out".to_owned()),
            Self::Missing(why) => Some(why.clone()),
        }
    }
}

/// One lane.
#[derive(Debug)]
pub struct Lane {
    config: LaneConfig,
    station: Station,
    gate: Gate,
    nest: Nest,
    reader: Reader<LaneSensor>,
    flashing: Flashing,
    afterglow: Afterglow,
    recorder: Option<Recorder>,
    ambient: [f32; 4],
    lit_rows: u32,
    lost: u32,
    sensor: Sensor,
    lamp_told: LampTold,
    standing: Option<Reading>,
    strip: VecDeque<(Tick, Option<Colour>)>,
    /// Since when a unit lies in the nest that is not started yet.
    placed: Option<Tick>,
    /// Why a person took the lane out of service.
    out_of_service: Option<String>,
    /// Parts that have failed, each with its code and why.
    failed: Vec<(Part, String)>,
    /// The golden check that is due.
    check: Option<Check>,
    shown: Mark,
}

/// The sensor's health.
#[derive(Debug, Clone, Default)]
struct Sensor {
    last: Option<Sample>,
    failed: Option<(Tick, String)>,
    /// Since when all samples are the same.
    same_since: Option<Tick>,
    /// Since when all channels are full.
    full_since: Option<Tick>,
}

/// Of the patterns that begin, the part that a unit on its way into the cloud shows for less than a period.
const STAGES: f32 = 0.2;

/// What the station knows of what loop-back says of this transmission.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum LampTold {
    No,
    /// That the lamp is as it should be, so far.
    Well,
    /// All that it is told before the end.
    AtTheEnd,
}

/// What a viewer would see change.
#[derive(Debug, Clone, PartialEq)]
struct Mark {
    state: core::mem::Discriminant<LaneState>,
    stage: Option<fixture_link::snapshot::Stage>,
    percent: u16,
    run: Option<RunId>,
    pattern: Option<blinkup::codes::PatternId>,
    in_service: Service,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Service {
    In,
    Out,
}

/// How a lane's reader is set for a recipe that asks for some confidence.
pub fn reader_settings(confidence: f32) -> ReaderSettings {
    ReaderSettings {
        confidence,
        steady_confidence: confidence,
        expectations: Expectations {
            brief: STAGES,
            ..Expectations::default()
        },
    }
}

impl Lane {
    /// A lane of which nothing is known yet.
    pub fn new(config: LaneConfig, table: &CodeTable, rules: &Rules) -> Self {
        let model = LaneSensor::new(config.measures, config.shape, config.ambient, config.saturated_at);
        let settings = reader_settings(rules.recipe.confidence);
        let station = Station::new(config.lane, config.equipment());
        let shown = mark(&station.state(rules), None, None, None);
        Self {
            station,
            gate: Gate::new(config.loop_back, config.saturated_at, config.measures),
            nest: Nest::default(),
            reader: Reader::new(table, model, settings),
            flashing: Flashing::new(table, &rules.meanings),
            afterglow: Afterglow::default(),
            recorder: None,
            ambient: config.ambient,
            config,
            lit_rows: 0,
            lost: 0,
            sensor: Sensor::default(),
            lamp_told: LampTold::No,
            standing: None,
            strip: VecDeque::with_capacity(STRIP_PIECES),
            placed: None,
            out_of_service: None,
            failed: Vec::new(),
            check: None,
            shown,
        }
    }

    /// The next unit is run by other rules than the last one: its light is read by them. Only between two units.
    pub fn adopt(&mut self, table: &CodeTable, rules: &Rules) {
        let config = &self.config;
        let model = LaneSensor::new(config.measures, config.shape, self.ambient, config.saturated_at);
        self.reader = Reader::new(table, model, reader_settings(rules.recipe.confidence));
        self.flashing = Flashing::new(table, &rules.meanings);
        self.standing = None;
    }

    /// Which lane.
    pub fn id(&self) -> LaneId {
        self.config.lane
    }

    /// What loop-back must see here.
    pub fn loop_back_limits(&self) -> LoopBackLimits {
        self.config.loop_back
    }

    /// Its station.
    pub fn station(&self) -> &Station {
        &self.station
    }

    /// Its station, to be told what only the line knows.
    pub fn station_mut(&mut self) -> &mut Station {
        &mut self.station
    }

    /// Why the lane takes no units.
    pub fn out_of_service(&self) -> Option<&str> {
        let failed = || self.failed.first().map(|(_, why)| why.as_str());
        self.out_of_service.as_deref().or_else(failed)
    }

    /// A person takes the lane out of service.
    pub fn take_out(&mut self, why: String) {
        self.out_of_service = Some(why);
    }

    /// A person puts the lane back into service: what became of a label is then theirs to see to; a switch or a relay must
    /// work by itself.
    pub fn put_back(&mut self) {
        self.out_of_service = None;
        self.failed.retain(|(part, _)| *part != Part::Label);
    }

    /// A part has failed, or works again.
    fn part(&mut self, rules: &Rules, now: Tick, part: Part, fault: Option<String>, out: &mut Vec<LaneEffect>) {
        self.failed.retain(|(other, _)| *other != part);
        let Some(fault) = fault else { return };
        self.failed.push((part, format!("{}: {fault}", part.code())));
        self.failed.sort_by_key(|(part, _)| *part);
        match part {
            Part::Nest | Part::Power => self.tell(rules, now, StationInput::Fault(part.code(), fault), out),
            Part::Label => {}
        }
    }

    /// When the lane must next be looked at.
    pub fn deadline(&self, rules: &Rules, now: Tick) -> Option<(Tick, Reason)> {
        let mut first = self.station.deadline(rules, now);
        earlier(&mut first, self.nest.deadline(), Reason::Nest);
        earlier(&mut first, self.sensor_due().map(|(at, _)| at), Reason::Sensor);
        first
    }

    /// The golden check that is due, where one is.
    pub fn check_mut(&mut self) -> &mut Option<Check> {
        &mut self.check
    }

    /// What the empty nest told, as the unit is seated that may run; what it is run for.
    pub fn nest_report(&mut self, now: Tick, purpose: Purpose) -> NestReport {
        let mut report = self.nest.seated(self.config.ambient_limit);
        if let Some((since, why)) = &self.sensor.failed
            && now.since(*since) >= FAILURE
        {
            report.fault = Some((VerdictCode::SensorFault, why.clone()));
        }
        if let (None, Some(why)) = (&report.fault, self.config.calibration.overdue(now)) {
            report.fault = Some((VerdictCode::CalibrationOverdue, why));
        }
        let overdue = self.check.as_ref().and_then(|check| check.overdue(now));
        if let (None, Purpose::Production, Some(why)) = (&report.fault, purpose, overdue) {
            report.fault = Some((VerdictCode::GoldenCheckOverdue, why.to_owned()));
        }
        if let Some(missing) = self.config.measures.missing() {
            report.words = format!("{}; {missing}", report.words);
        }
        report
    }

    /// Whether an imp sends to this lane's units.
    pub fn sends_by_imp(&self) -> bool {
        matches!(self.config.transmitter, Transmitter::Imp { .. })
    }

    /// Whether a unit that has had power since then listens for too short a time to be configured, and cannot be restarted.
    pub fn is_too_late(&self, rules: &Rules, powered: Tick, now: Tick) -> bool {
        let LaneConfig {
            unit_power,
            transmitter,
            ..
        } = self.config;
        unit_power == UnitPower::Nest && now > powered && is_too_late(&rules.recipe, transmitter, powered, now)
    }

    /// Since when the unit that is started now has had power.
    pub fn powered(&self, now: Tick) -> Tick {
        self.placed.unwrap_or(now)
    }

    /// A unit lies in the nest and waits for its start: its LED is no light of the empty nest.
    fn placed(&mut self, since: Tick) {
        if self.station.takes_units() != Takes::Occupied {
            let _ = self.nest.seated(self.config.ambient_limit);
            self.placed = Some(since);
        }
    }

    /// A unit is seated that may not run.
    pub fn occupied(&mut self, now: Tick) {
        self.placed = None;
        let _ = self.nest.seated(self.config.ambient_limit);
        self.look_anew(now);
        self.piece(now, None);
    }

    /// A unit begins its run.
    pub fn seated(&mut self, now: Tick) {
        self.placed = None;
        self.ambient = self.nest.light().map_or(self.config.ambient, |light| light.counts);
        self.look_anew(now);
    }

    /// One thing happened.
    pub fn input(&mut self, rules: &Rules, now: Tick, input: LaneInput, out: &mut Vec<LaneEffect>) {
        let input = match input {
            // The line answers them: it knows the other lanes.
            LaneInput::Seated(_) | LaneInput::Bless(_) => return,
            LaneInput::Placed(since) => {
                self.placed(since);
                StationInput::Tick
            }
            LaneInput::Lifted => {
                self.placed = None;
                self.nest.emptied(now);
                self.piece(now, None);
                StationInput::Lifted
            }
            LaneInput::Token { run, answer } => StationInput::Token { run, answer },
            LaneInput::Claim { run, answer } => StationInput::Claim { run, answer },
            LaneInput::Lamp(edge) => {
                self.edge(rules, now, edge, out);
                return;
            }
            LaneInput::Sent(report) => {
                self.drain(rules, now, Drain::All, out);
                let by_imp = self.gate.imp_seen(report.began, report.ended);
                let seen = Seen {
                    loop_back: self.gate.loop_back(),
                    lamp: by_imp.or_else(|| self.gate.lamp_seen()),
                    words: self.gate.words(),
                };
                self.gate.end(report.ended);
                self.flashing.end();
                StationInput::Sent(report, seen)
            }
            LaneInput::TestFlashed => {
                self.flashed(now);
                return;
            }
            LaneInput::PowerCycled => {
                self.look_anew(now);
                StationInput::PowerCycled
            }
            LaneInput::SensorFailed(why) => {
                self.sensor.failed.get_or_insert((now, why));
                self.piece(now, None);
                StationInput::Tick
            }
            LaneInput::Part { part, fault } => {
                self.part(rules, now, part, fault, out);
                StationInput::Tick
            }
            LaneInput::Stored { run, result } => StationInput::Stored { run, result },
            LaneInput::Standing(verdict) => {
                let _ = self.nest.seated(self.config.ambient_limit);
                StationInput::Standing(verdict)
            }
        };
        self.tell(rules, now, input, out);
    }

    /// Tells the station, and follows what it wants of the lamp.
    pub fn tell(&mut self, rules: &Rules, now: Tick, input: StationInput, out: &mut Vec<LaneEffect>) {
        let before = out.len();
        self.station.step(rules, now, input, out);
        for effect in out.get(before..).unwrap_or_default() {
            if let LaneEffect::Send(transmission) = effect {
                let meant = Meant {
                    bright: self.given(transmission.bright),
                    mid: self.given(transmission.mid),
                    mid_within: rules.recipe.mid_within,
                    edges_within: transmission.late_limit,
                };
                self.gate.begin(meant, None);
                let pattern = self.standing.and_then(|reading| reading.pattern);
                self.station.watches(self.flashing.begin(pattern, transmission.rate));
                self.afterglow.begin();
                self.lamp_told = LampTold::No;
            }
            if let LaneEffect::SendByImp { .. } = effect {
                self.gate.begin_imp(now);
                self.lamp_told = LampTold::AtTheEnd;
            }
        }
    }

    /// The light that this lane's lamp gives where a transmission asks for a level.
    fn given(&self, level: Level) -> Level {
        Level::new(level.fraction() * self.config.light)
    }

    /// Time has come.
    pub fn tick(&mut self, rules: &Rules, now: Tick, out: &mut Vec<LaneEffect>) {
        match self.nest.tick(now) {
            Some(Order::Flash(on)) => {
                let (flash, ambient) = (self.given(Level::FULL), self.nest.light());
                let meant = Meant {
                    bright: flash,
                    mid: flash,
                    mid_within: 1.0,
                    edges_within: Duration::MAX / 2,
                };
                self.gate.begin(meant, ambient.map(|light| light.counts[3]));
                out.push(LaneEffect::TestFlash { on });
            }
            Some(Order::Judge) => self.flashed(now),
            None => {}
        }
        if let Some((at, fault)) = self.sensor_due()
            && now >= at
        {
            let (code, detail) = fault.worded(&self.sensor);
            self.tell(rules, now, StationInput::Fault(code, detail), out);
        }
        self.tell(rules, now, StationInput::Tick, out);
    }

    /// A sample; the hot path. Allocates nothing unless it teaches something.
    pub fn sample(&mut self, rules: &Rules, now: Tick, sample: &Sample, out: &mut Vec<LaneEffect>) {
        self.health(sample);
        if !self.gate.push(sample) {
            self.lost += 1;
        }
        self.drain(rules, now, Drain::Known, out);
        if self.lamp_told != LampTold::AtTheEnd
            && self.station.is_sending()
            && let Some(seen) = self.gate.lamp_seen()
        {
            let told = if seen == LampSeen::Well {
                LampTold::Well
            } else {
                LampTold::AtTheEnd
            };
            if self.lamp_told != told {
                self.lamp_told = told;
                self.tell(rules, now, StationInput::Lamp(seen), out);
            }
        }
    }

    /// The reader said something; also how a test speaks in its place.
    pub fn observe(&mut self, rules: &Rules, now: Tick, observed: &Observed, out: &mut Vec<LaneEffect>) {
        // Of a unit that is out of the nest already nothing more is shown.
        if let Some(shade) = observed.shade
            && self.station.seated().is_some()
        {
            self.piece(shade.from, Some(shade.colour));
            self.flashing.shade(shade);
        }
        if let Some(reading) = observed.reading {
            self.standing = Some(reading);
        }
        self.tell(rules, now, StationInput::Observed(*observed), out);
    }

    /// The LED of the run's unit beside the recipe's limits; noted as evidence.
    pub fn measure_led(&mut self, rules: &Rules, now: Tick) -> led::Measured {
        let lit = self.station.has_lit_up();
        let dice = self.reader.model().dice().filter(|_| lit);
        let measured = led::judge(
            self.config.measures,
            dice,
            self.config.reference,
            rules.recipe.led.as_ref(),
        );
        self.station.note(now, EvidenceKind::Light, measured.words.clone());
        self.station.measured(measured.figures.clone());
        measured
    }

    /// Commits the run's verdict as the line judged it.
    pub fn commit(&mut self, now: Tick, judged: Conclusion, policy: Option<String>, out: &mut Vec<LaneEffect>) {
        let light = self.recorded();
        // From here on nobody reads the LED.
        self.piece(now, None);
        self.station.commit(now, judged, policy, light, out);
    }

    /// The process ends: the record of the run that is going on, if there is one.
    pub fn interrupt(&mut self, now: Tick) -> Option<RunEnd> {
        let mut end = self.station.interrupt(now)?;
        let light = self.recorded();
        end.trace = light.trace;
        end.samples_lost = light.samples_lost;
        Some(end)
    }

    fn recorded(&mut self) -> RecordedLight {
        RecordedLight {
            trace: self.recorder.take().map(Recorder::finish).unwrap_or_default(),
            samples_lost: self.lost,
        }
    }

    /// The lane as it is shown; `stop` is why the line takes no units.
    pub fn view(&self, rules: &Rules, now: Tick, stop: Option<&Stop>, check: Option<CheckRules>) -> LaneView {
        let state = match (self.state(rules), self.out_of_service(), stop) {
            (LaneState::Empty | LaneState::ToStart, Some(cause), _) => LaneState::Stopped {
                cause: cause.to_owned(),
            },
            (LaneState::Empty | LaneState::ToStart, None, Some(_)) => LaneState::LineStopped,
            (state, _, _) => state,
        };
        let seated = self.station.seated().or(self.placed);
        LaneView {
            golden_check: check.and_then(|rules| Some(self.check.as_ref()?.view(rules, now))),
            lane: self.config.lane,
            state,
            serial: self.station.serial().cloned(),
            purpose: self.station.purpose(),
            recipe: None,
            run: self.run(),
            seated_ms: seated.map_or(0, |seated| {
                u64::try_from(now.since(seated).as_millis()).unwrap_or(u64::MAX)
            }),
            left_ms: self
                .station
                .left(rules, now)
                .map(|left| u64::try_from(left.as_millis()).unwrap_or(u64::MAX)),
            last: self.station.last().cloned(),
            led: LedView {
                codes: match (seated, self.standing.and_then(|reading| reading.pattern)) {
                    (Some(_), Some(pattern)) => rules.meanings.codes(pattern).to_vec(),
                    (None, _) | (_, None) => Vec::new(),
                },
                confidence: self.standing.map_or(0.0, |reading| reading.confidence),
                strip: self.strip(now),
            },
        }
    }

    /// What the lane is doing: the station's state, or that a unit waits for its start.
    fn state(&self, rules: &Rules) -> LaneState {
        match (self.station.takes_units(), self.placed) {
            (Takes::Now, Some(_)) => LaneState::ToStart,
            (Takes::Now | Takes::Soon | Takes::Occupied, _) => self.station.state(rules),
        }
    }

    /// The run that is shown: none once another unit waits for its start.
    fn run(&self) -> Option<RunId> {
        match self.placed {
            Some(_) if self.station.takes_units() == Takes::Now => None,
            Some(_) | None => self.station.run(),
        }
    }

    /// Whether a viewer would see something change since this was last asked.
    pub fn changed(&mut self, rules: &Rules) -> bool {
        let pattern = self.standing.and_then(|reading| reading.pattern);
        let mark = mark(&self.state(rules), self.run(), pattern, self.out_of_service());
        let changed = mark != self.shown;
        self.shown = mark;
        changed
    }

    /// Forgets the last unit's light.
    fn look_anew(&mut self, now: Tick) {
        self.reader.restart(LaneSensor::new(
            self.config.measures,
            self.config.shape,
            self.ambient,
            self.config.saturated_at,
        ));
        self.flashing.restart();
        self.standing = None;
        self.strip.clear();
        self.piece(now, Some(Colour::Off));
        if self.station.running().is_none() {
            self.recorder = None;
            self.lost = 0;
            self.lit_rows = 0;
            self.sensor.same_since = None;
            self.sensor.full_since = None;
        }
    }

    fn edge(&mut self, rules: &Rules, now: Tick, edge: LampEdge, out: &mut Vec<LaneEffect>) {
        self.gate.edge(edge);
        self.flashing.edge(edge.at);
        self.tell(rules, now, StationInput::Symbol(edge.at), out);
        self.drain(rules, now, Drain::Known, out);
    }

    fn flashed(&mut self, now: Tick) {
        if self.nest.is_flashing() {
            while self.gate.next(now + super::gate::WAITS_AT_MOST).is_some() {}
            let seen = self.gate.flash_seen();
            self.nest.judge(now, seen.as_ref());
        }
        self.gate.end(now);
    }

    /// Judges the samples of which it is known what the lamp showed.
    fn drain(&mut self, rules: &Rules, now: Tick, drain: Drain, out: &mut Vec<LaneEffect>) {
        let known_at = match drain {
            Drain::Known => now,
            Drain::All => now + super::gate::WAITS_AT_MOST,
        };
        while let Some((sample, during)) = self.gate.next(known_at) {
            let from = self.station.running().map(|run| run.powered);
            let Some(from) = from else {
                if during == During::Dark {
                    self.nest.sample(&sample, self.config.saturated_at);
                }
                continue;
            };
            if sample.start < from {
                continue;
            }
            let mut sample = sample;
            // A sensor that only tells lit from dark cannot tell how much of the light is the unit's.
            if during == During::Dark && self.config.measures == Measures::Strength {
                if self.gate.is_idle() {
                    self.flashing.rests(&sample);
                } else if let Some(left) = self.gate.afterglow(&sample) {
                    // A full channel has seen so much at least: nothing can be taken from it, nor learnt.
                    if sample
                        .counts
                        .channels()
                        .iter()
                        .all(|count| *count < self.config.saturated_at)
                    {
                        sample = self.afterglow.without(&sample, left);
                    }
                    if let Some(goes_on) = self.flashing.dark(&sample, left) {
                        self.tell(rules, now, StationInput::GoesOnFlashing(goes_on), out);
                    }
                }
            }
            // As the reader has it, so that the trace reads the same.
            self.record(&sample, during);
            if during == During::Dark {
                let observed = self.reader.push(&sample);
                if observed != Observed::default() {
                    self.observe(rules, now, &observed, out);
                }
            }
        }
    }

    /// Keeps a sample for the run's trace, whose ticks count from when the unit was seated.
    fn record(&mut self, sample: &Sample, during: During) {
        let Some(seated) = self.station.seated().filter(|seated| sample.end > *seated) else {
            return;
        };
        let lamp = match during {
            During::Dark => Level::DARK,
            During::Lit(level) => level,
            During::Edge => return,
        };
        if lamp != Level::DARK {
            self.lit_rows += 1;
            if !self.lit_rows.is_multiple_of(LIT_ROWS) {
                return;
            }
        }
        let config = &self.config;
        let ambient = self.ambient;
        self.recorder
            .get_or_insert_with(|| {
                Recorder::new(&Header {
                    shape: config.shape,
                    ambient,
                    saturated_at: config.saturated_at,
                    integration: sample.end.since(sample.start),
                })
            })
            .push(&Row {
                at: Tick::ZERO + sample.end.since(seated),
                counts: sample.counts,
                lamp,
            });
    }

    /// Looks at the sample itself, whatever it saw.
    fn health(&mut self, sample: &Sample) {
        let sensor = &mut self.sensor;
        sensor.failed = None;
        let Counts {
            red,
            green,
            blue,
            clear,
        } = sample.counts;
        let measures = self.config.measures == Measures::Strength;
        let full = measures
            && [red, green, blue, clear]
                .into_iter()
                .all(|count| count >= self.config.saturated_at);
        sensor.full_since = if full {
            sensor.full_since.or(Some(sample.start))
        } else {
            None
        };
        if let Some(last) = &sensor.last {
            // What is only lit or not is the same for as long as a pattern holds its colour.
            let same = measures && last.counts == sample.counts && !full && clear >= EVEN;
            sensor.same_since = if same {
                sensor.same_since.or(Some(last.start))
            } else {
                None
            };
            let every = self.config.sample_every.as_secs_f64();
            let gap = sample.end.since(last.end).as_secs_f64();
            if every > 0.0 && gap > every * 1.5 && self.station.running().is_some() {
                #[expect(
                    clippy::cast_possible_truncation,
                    clippy::cast_sign_loss,
                    reason = "a gap in samples is small and positive; the cast saturates"
                )]
                let missing = (gap / every).round() as u32;
                self.lost = self.lost.saturating_add(missing.saturating_sub(1));
            }
        }
        sensor.last = Some(*sample);
    }

    /// When the sensor's state ends a run in progress.
    fn sensor_due(&self) -> Option<(Tick, SensorFault)> {
        let run = self.station.running()?;
        if self.station.is_ending() {
            return None;
        }
        let sensor = &self.sensor;
        let failed = sensor.failed.as_ref().map(|(since, _)| *since + FAILURE);
        let silent = sensor.last.as_ref().map(|last| last.end.max(run.seated) + SILENCE);
        let same = sensor.same_since.map(|since| since.max(run.seated) + SAME);
        let full = sensor.full_since.map(|since| since.max(run.seated) + FULL);
        let mut first = failed.map(|at| (at, SensorFault::Failed));
        earlier(&mut first, silent, SensorFault::Silent);
        earlier(&mut first, same, SensorFault::Same);
        earlier(&mut first, full, SensorFault::Full);
        first
    }

    fn piece(&mut self, from: Tick, colour: Option<Colour>) {
        if self.strip.back().is_some_and(|(_, last)| *last == colour) {
            return;
        }
        let from = self.strip.back().map_or(from, |(last, _)| from.max(*last));
        if self.strip.len() == STRIP_PIECES {
            self.strip.pop_front();
        }
        self.strip.push_back((from, colour));
    }

    fn strip(&self, now: Tick) -> Vec<StripPiece> {
        let oldest = now - STRIP;
        let ends = self.strip.iter().skip(1).map(|(from, _)| *from).chain([now]);
        self.strip
            .iter()
            .zip(ends)
            .filter_map(|(&(from, colour), end)| {
                let ms = u32::try_from(end.since(from.max(oldest)).as_millis()).unwrap_or(u32::MAX);
                (ms > 0).then_some(StripPiece { colour, ms })
            })
            .collect()
    }
}

/// Takes what is due at `at` instead, where that is earlier. Asked for after every sample.
fn earlier<What>(first: &mut Option<(Tick, What)>, at: Option<Tick>, what: What) {
    if let Some(at) = at
        && first.as_ref().is_none_or(|(first, _)| at < *first)
    {
        *first = Some((at, what));
    }
}

/// Which samples are judged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Drain {
    /// Those of which it is known what the lamp showed.
    Known,
    /// All: no edge is to come.
    All,
}

/// What is wrong with a sensor.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum SensorFault {
    Failed,
    Silent,
    Same,
    Full,
}

impl SensorFault {
    fn worded(self, sensor: &Sensor) -> (VerdictCode, String) {
        match self {
            Self::Failed => (
                VerdictCode::SensorFault,
                sensor.failed.as_ref().map_or_else(String::new, |(_, why)| why.clone()),
            ),
            Self::Silent => (
                VerdictCode::SensorFault,
                format!("no sample for {} ms", SILENCE.as_millis()),
            ),
            Self::Same => (
                VerdictCode::SensorFault,
                format!("the sensor has counted exactly the same for {} s", SAME.as_secs()),
            ),
            Self::Full => (
                VerdictCode::SensorSaturated,
                format!("all channels full for {} ms", FULL.as_millis()),
            ),
        }
    }
}

fn mark(
    shown: &LaneState,
    run: Option<RunId>,
    pattern: Option<blinkup::codes::PatternId>,
    out_of_service: Option<&str>,
) -> Mark {
    let (stage, percent) = match shown {
        LaneState::Sending { permille, .. } => (None, permille / 10),
        LaneState::Watching { stage, .. } => (Some(*stage), 0),
        LaneState::Empty
        | LaneState::ToStart
        | LaneState::Waiting
        | LaneState::Token
        | LaneState::Storing
        | LaneState::Verdict { .. }
        | LaneState::Refused { .. }
        | LaneState::LineStopped
        | LaneState::Stopped { .. } => (None, 0),
    };
    Mark {
        state: core::mem::discriminant(shown),
        stage,
        percent,
        run,
        pattern,
        in_service: if out_of_service.is_some() {
            Service::Out
        } else {
            Service::In
        },
    }
}
