//! The line over its lanes: who may start, what people do, whose bless event it is, and what several runs say together.

use core::time::Duration;
use std::collections::VecDeque;
use std::sync::Arc;

use blinkup::Tick;
use blinkup::codes::CodeTable;
use blinkup::reader::Observed;
use blinkup::sample::Sample;
use fixture_ledger::record::{
    Annotation, AnnotationKind, Audited, Change, Decided, Decision, Known as KnownUnit, Purpose, RunEnd, StopKind,
    UnitHistory,
};
use fixture_ledger::study::Progress;
use fixture_link::act::{Act, ActAnswer, ActRequest};
use fixture_link::bless::BlessEvent;
use fixture_link::identity::{LaneId, RunId, Serial, WallTime};
use fixture_link::purpose::Says;
use fixture_link::settings::{LONGEST_LOT, Label};
use fixture_link::snapshot::{LaneView, LineView, RecipeView};
use fixture_link::study::{StudyStep, StudyView};
use fixture_link::verdict::{Refusal, VerdictCode};

use super::decision::{Decisions, decided};
use super::effect::{Batch, Effect, LaneEffect, Stop};
use super::gate::LoopBackLimits;
use super::golden::{Check, CheckRules};
use super::input::{ActFacts, CheckDue, Input, LaneInput, NetworkSeen, NewRecipe, Seating};
use super::lane::{Lane, LaneConfig};
use super::led;
use super::policy::{Candidate, Policy, needs_network, unit_refusal, why_not_to_run};
use super::product::{Lots, Products};
use super::recipe::{PassRule, Recipe, RecipeId};
use super::run::{Claimed, Presence, is_meant, purpose};
use super::station::{Conclusion, Reason, Rules, StationInput, Takes};
use super::study::{self, Study};

/// Ended runs that a late bless event can still be matched to; for older ones the ledger is asked.
const KNOWN_RUNS: usize = 512;
/// Bless events that are remembered, so that the same one twice counts once.
const KNOWN_EVENTS: usize = 512;
/// How long an event may come before the cloud tells which device used the token: it is asked every second once the unit is online.
const EARLY_AT_MOST: Duration = Duration::from_mins(1);
/// How long the event of a unit without power may be on its way to the imp transmitter.
const UNHEARD_AFTER_LIFTING: Duration = Duration::from_secs(30);
/// How long what was seen of the network explains why a unit does not get on: as long as the longest stage may last.
const SEEN_LATELY: Duration = Duration::from_mins(2);
/// The longest reason or note, in characters.
const LONGEST_REASON: usize = 200;
/// The longest name of an operator and the longest tag of a language, in characters.
const LONGEST_NAME: usize = LONGEST_LOT;

/// What a line is made of.
#[derive(Debug, Clone)]
pub struct LineConfig {
    /// Its lanes, at least one, in order of number.
    pub lanes: Vec<LaneConfig>,
    /// The recipe.
    pub recipe: Recipe,
    /// So many different units in a row with the same code on a lane stop the line; at least 2.
    pub k_in_a_row: u32,
    /// Units on two lanes that get stuck at the same connection stage within this time stop the line.
    pub shared_within: Duration,
    /// The lot that the first units belong to; empty for none.
    pub lot: String,
    /// What a golden check asks for; `None` where none is ever due.
    pub golden_check: Option<CheckRules>,
}

/// The line.
#[derive(Debug)]
pub struct Line {
    products: Products,
    lanes: Vec<Lane>,
    /// What the unit in each lane is run by; of an empty lane, what the next one will be.
    rules: Vec<Arc<Rules>>,
    /// Units that were seated while the last record of their lane was being stored.
    waiting: Vec<Option<(Seating, Tick)>>,
    policy: Policy,
    batch: Batch,
    decisions: Decisions,
    check: Option<CheckRules>,
    /// What a marked unit's run says of its lane, once its verdict is stored.
    measured: Vec<Measured>,
    /// The gauge study that runs.
    study: Option<Study>,
    /// Why no unit to be sold is run, where the fixture must pass a study before.
    shut: Option<String>,
    stops: Stops,
    known: VecDeque<Known>,
    events: VecDeque<String>,
    /// Bless events of no unit so far, for units whose device id is not known yet.
    early: VecDeque<Early>,
    /// The fixture's last look at the network.
    network: Option<(Tick, NetworkSeen)>,
    now: Tick,
    scratch: Vec<LaneEffect>,
}

/// Why the line stands still. What policy found and what a person wants do not cover each other: each is lifted in its own way.
#[derive(Debug, Default)]
struct Stops {
    /// Lifted by an acknowledgement.
    policy: Option<Stop>,
    /// Lifted by a start.
    person: Option<Stop>,
}

impl Stops {
    fn place(&mut self, kind: StopKind) -> &mut Option<Stop> {
        match kind {
            StopKind::Policy => &mut self.policy,
            StopKind::Person => &mut self.person,
        }
    }

    /// The one to see to first.
    fn first(&self) -> Option<&Stop> {
        self.policy.as_ref().or(self.person.as_ref())
    }
}

/// A bless event that waits for its unit to be known.
#[derive(Debug)]
struct Early {
    /// Until when it is kept.
    until: Tick,
    /// The place and the run that an imp transmitter's event can only be about.
    of: Option<(usize, RunId)>,
    event: BlessEvent,
}

/// Whether an ended run's unit may still be blessed by an event that nobody has heard.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Unheard {
    /// It cannot: it was never online, or its event has come.
    No,
    /// It can: it still lies in the nest.
    Powered,
    /// It lost its power, and its event may be on the way until then.
    Until(Tick),
}

/// An ended run, for bless events that come late.
#[derive(Debug)]
struct Known {
    run: RunId,
    place: usize,
    unheard: Unheard,
    tokens: Vec<String>,
    device_id: Option<String>,
    serial: Option<Serial>,
}

/// The line as it is shown, still without wall time.
#[derive(Debug, Clone, PartialEq)]
pub struct View {
    /// What new runs belong to.
    pub batch: Batch,
    /// What they are run by.
    pub recipe: RecipeId,
    /// Whether a PASS of one of the lanes, or of the next unit, rests on the LED alone.
    pub led_evidence_only: bool,
    /// Why the line is stopped, where it is.
    pub stopped: Option<Stop>,
    /// The gauge study that runs, where one does.
    pub study: Option<StudyView>,
    /// Every lane, in order of number.
    pub lanes: Vec<LaneView>,
}

impl View {
    /// The line's part of a snapshot; `wall` dates a stop.
    pub fn line(&self, wall: impl Fn(&Stop) -> WallTime) -> LineView {
        LineView {
            lot: self.batch.lot.clone(),
            work_order: self.batch.work_order.clone(),
            language: self.batch.language.clone(),
            stopped: self.stopped.as_ref().map(|stop| stop.shown(wall(stop))),
            study: self.study.clone(),
        }
    }
}

impl Line {
    /// A line whose nests have not been looked at yet; its first deadline is at once.
    pub fn new(config: LineConfig, table: &CodeTable) -> Self {
        let products = Products::new(table, config.recipe);
        let rules = products.first();
        let lanes: Vec<Lane> = config
            .lanes
            .into_iter()
            .map(|lane| Lane::new(lane, table, &rules))
            .collect();
        Self {
            policy: Policy::new(lanes.len(), config.k_in_a_row, config.shared_within),
            waiting: lanes.iter().map(|_| None).collect(),
            rules: lanes.iter().map(|_| Arc::clone(&rules)).collect(),
            lanes,
            products,
            batch: Batch {
                lot: config.lot,
                work_order: String::new(),
                operator: String::new(),
                language: String::new(),
            },
            decisions: Decisions::default(),
            check: config.golden_check,
            measured: Vec::new(),
            study: None,
            shut: None,
            stops: Stops::default(),
            known: VecDeque::new(),
            events: VecDeque::new(),
            early: VecDeque::new(),
            network: None,
            now: Tick::ZERO,
            scratch: Vec::new(),
        }
    }

    /// Gives the line more recipes than the one of units without a lot, and what they are for.
    pub fn offer(&mut self, others: Vec<Recipe>, lots: Lots) {
        self.products.add(others, lots);
        self.choose();
    }

    /// Why no unit may be run, where the lot that it would belong to has no recipe.
    pub fn without_recipe(&self) -> Option<&str> {
        self.products.next().err()
    }

    /// Takes over what an earlier process of this line left: what its units belong to, and why it stands still, where it does.
    pub fn take_over(&mut self, batch: Batch, stops: impl IntoIterator<Item = Stop>) {
        self.batch = batch;
        self.choose();
        for stop in stops {
            let place = self.stops.place(stop.kind());
            *place = Some(stop);
        }
    }

    /// Takes over the gauge study that an earlier process left running.
    pub fn take_over_study(&mut self, study: Study) {
        self.study = Some(study);
    }

    /// Takes over a lane's last verdicts, oldest first, so that the same code again and again is seen over a restart as well.
    pub fn remember(&mut self, lane: LaneId, ended: impl IntoIterator<Item = (RunId, Option<Serial>, VerdictCode)>) {
        let Some(place) = self.place(lane) else {
            return;
        };
        for (run, serial, code) in ended {
            self.policy.remember(&Candidate {
                run,
                lane,
                place,
                serial,
                code,
            });
        }
    }

    /// What loop-back of each lane must see, in order of lane.
    pub fn loop_back_limits(&self) -> impl Iterator<Item = (LaneId, LoopBackLimits)> {
        self.lanes.iter().map(|lane| (lane.id(), lane.loop_back_limits()))
    }

    /// When [`Input::Tick`] is next needed, and what for; `None` while nothing is timed.
    pub fn deadline(&self) -> Option<(Tick, Reason)> {
        let early = self.early.iter().map(|early| (early.until, Reason::Witness));
        let mut first: Option<(Tick, Reason)> = None;
        for (lane, rules) in self.lanes.iter().zip(&self.rules) {
            if let Some(due) = lane.deadline(rules, self.now)
                && first.is_none_or(|first| due.0 < first.0)
            {
                first = Some(due);
            }
        }
        first.into_iter().chain(early).min_by_key(|(at, _)| *at)
    }

    /// Advances by one input and says what must now be done, in order.
    pub fn step(&mut self, now: Tick, input: Input) -> Vec<Effect> {
        self.now = self.now.max(now);
        let mut effects = Vec::new();
        match input {
            Input::Lane(id, input) => {
                if let Some(place) = self.place(id) {
                    self.lane_input(place, input, &mut effects);
                }
            }
            Input::Act { request, facts } => self.act(request, *facts, &mut effects),
            Input::Bless(event) => self.bless(event, &mut effects),
            Input::CheckDue(due) => self.check_due(&due, &mut effects),
            Input::Recipe(recipe) => {
                self.products.replace(*recipe);
                self.choose();
                effects.push(Effect::Show);
            }
            Input::Network(seen) => self.network = Some((self.now, seen)),
            Input::Studied(shut) => self.shut = shut,
            Input::Tick => {}
        }
        self.early_events(&mut effects);
        // A unit that was let in, or a verdict that was judged, may have something due at once.
        loop {
            for place in 0..self.lanes.len() {
                self.in_lane(place, &mut effects, Lane::tick);
            }
            if self.settle(&mut effects) == Settled::Already {
                return effects;
            }
        }
    }

    /// A sample of a lane; the hot path. Allocates nothing unless the sample teaches something.
    pub fn sample(&mut self, now: Tick, id: LaneId, sample: &Sample, effects: &mut Vec<Effect>) {
        self.now = self.now.max(now);
        let Some(place) = self.place(id) else { return };
        let before = effects.len();
        self.in_lane(place, effects, |lane, rules, now, out| {
            lane.sample(rules, now, sample, out);
        });
        let concluded = self
            .lanes
            .get(place)
            .is_some_and(|lane| lane.station().conclusion().is_some());
        if concluded || effects.len() > before {
            self.settle(effects);
        } else if let (Some(lane), Some(rules)) = (self.lanes.get_mut(place), self.rules.get(place))
            && lane.changed(rules)
        {
            effects.push(Effect::Show);
        }
    }

    /// What a lane's reader says; how a test speaks in the reader's place.
    pub fn observe(&mut self, now: Tick, id: LaneId, observed: &Observed) -> Vec<Effect> {
        self.now = self.now.max(now);
        let mut effects = Vec::new();
        if let Some(place) = self.place(id) {
            self.in_lane(place, &mut effects, |lane, rules, now, out| {
                lane.observe(rules, now, observed, out);
            });
        }
        self.settle(&mut effects);
        effects
    }

    /// The process ends in order: the records of the runs that are going on, with everything that is known of their units. A verdict that is being
    /// stored is left to that. Whoever stores them says why.
    pub fn interrupt(&mut self, now: Tick) -> Vec<RunEnd> {
        self.lanes.iter_mut().filter_map(|lane| lane.interrupt(now)).collect()
    }

    /// The line as it is shown.
    pub fn view(&self, now: Tick) -> View {
        let stop = self.stops.first();
        let next = &self.products.shown().recipe;
        let with_unit = |lane: &Lane| lane.station().run().is_some();
        let by_led_alone = |recipe: &Recipe| matches!(recipe.pass, PassRule::LedOnly { .. });
        let mut led_evidence_only = by_led_alone(next);
        let lanes = self.lanes.iter().zip(&self.rules).map(|(lane, rules)| {
            let mut view = lane.view(rules, now, stop, self.check);
            if with_unit(lane) {
                led_evidence_only |= by_led_alone(&rules.recipe);
                let other =
                    (rules.recipe.name != next.name || rules.recipe.version != next.version).then_some(&rules.recipe);
                view.recipe = other.map(|recipe| RecipeView {
                    name: recipe.name.clone(),
                    version: recipe.version.clone(),
                });
            }
            view
        });
        let lanes = lanes.collect();
        View {
            batch: self.batch.clone(),
            recipe: next.id(),
            led_evidence_only,
            stopped: stop.cloned(),
            study: self.study.as_ref().map(Study::view),
            lanes,
        }
    }

    // --- lanes --------------------------------------------------------------------------------------------------------

    fn place(&self, id: LaneId) -> Option<usize> {
        self.lanes.iter().position(|lane| lane.id() == id)
    }

    /// Chooses the recipe of the next units; lanes without a unit wait for them.
    fn choose(&mut self) {
        self.products.choose(&self.batch);
        for place in 0..self.lanes.len() {
            self.adopt(place);
        }
    }

    /// The lane's next unit is run by what is chosen now; a unit that is there keeps its own.
    fn adopt(&mut self, place: usize) {
        let (Some(lane), Some(rules), Ok(next)) = (
            self.lanes.get_mut(place),
            self.rules.get_mut(place),
            self.products.next(),
        ) else {
            return;
        };
        let station = lane.station();
        let between_units = station.takes_units() == Takes::Now || station.refused().is_some();
        if between_units && !Arc::ptr_eq(rules, next) {
            *rules = Arc::clone(next);
            lane.adopt(self.products.table(), rules);
        }
    }

    fn in_lane(
        &mut self,
        place: usize,
        effects: &mut Vec<Effect>,
        act: impl FnOnce(&mut Lane, &Rules, Tick, &mut Vec<LaneEffect>),
    ) {
        if let (Some(lane), Some(rules)) = (self.lanes.get_mut(place), self.rules.get(place)) {
            act(lane, rules, self.now, &mut self.scratch);
            let id = lane.id();
            effects.extend(self.scratch.drain(..).map(|effect| Effect::Lane(id, effect)));
        }
    }

    fn lane_input(&mut self, place: usize, input: LaneInput, effects: &mut Vec<Effect>) {
        match input {
            LaneInput::Seated(seating) => {
                let powered = self.lanes.get(place).map_or(self.now, |lane| lane.powered(self.now));
                self.seated(place, seating, powered, effects);
            }
            LaneInput::Bless(event) => self.bless_by_imp(place, event, effects),
            LaneInput::Stored { run, result } => {
                match &result {
                    Ok(()) => {
                        self.measured(run, effects);
                        if let Some(study) = &mut self.study {
                            study.stored(run);
                        }
                    }
                    // It gets another verdict, which says nothing of the lane.
                    Err(_) => self.measured.retain(|measured| measured.run != run),
                }
                self.in_lane(place, effects, |lane, rules, now, out| {
                    lane.input(rules, now, LaneInput::Stored { run, result }, out);
                });
            }
            LaneInput::Lifted => {
                if let Some(waiting) = self.waiting.get_mut(place) {
                    *waiting = None;
                }
                let now = self.now;
                for known in self.known.iter_mut().filter(|known| known.place == place) {
                    if known.unheard == Unheard::Powered {
                        known.unheard = Unheard::Until(now + UNHEARD_AFTER_LIFTING);
                    }
                }
                self.in_lane(place, effects, |lane, rules, now, out| {
                    lane.input(rules, now, LaneInput::Lifted, out);
                });
            }
            input @ (LaneInput::Placed(_)
            | LaneInput::Token { .. }
            | LaneInput::Claim { .. }
            | LaneInput::Lamp(_)
            | LaneInput::Sent(_)
            | LaneInput::TestFlashed
            | LaneInput::PowerCycled
            | LaneInput::SensorFailed(_)
            | LaneInput::Part { .. }
            | LaneInput::Standing(_)) => {
                self.in_lane(place, effects, |lane, rules, now, out| {
                    lane.input(rules, now, input, out);
                });
            }
        }
    }

    fn seated(&mut self, place: usize, mut seating: Seating, powered: Tick, effects: &mut Vec<Effect>) {
        if let Some(serial) = &seating.serial {
            self.decisions.tell(serial, &mut seating.history);
        }
        let takes = self.lanes.get(place).map(|lane| lane.station().takes_units());
        match takes {
            Some(Takes::Now) => {
                self.adopt(place);
                let refusal = self.refusal(place, &seating, powered);
                self.start(place, seating, powered, refusal, effects);
            }
            Some(Takes::Soon) if self.waiting.get(place).is_some_and(Option::is_some) => {
                let refusal = (Refusal::DoubleTrigger, "a unit waits in the nest already".to_owned());
                self.refuse(place, seating, powered, refusal, effects);
            }
            Some(Takes::Soon) => {
                if let Some(waiting) = self.waiting.get_mut(place) {
                    *waiting = Some((seating, powered));
                }
            }
            Some(Takes::Occupied) => {
                let refusal = (Refusal::DoubleTrigger, "the nest has a unit already".to_owned());
                self.refuse(place, seating, powered, refusal, effects);
            }
            None => {}
        }
    }

    /// Lets a unit run, or refuses it; says why, where it does.
    fn start(
        &mut self,
        place: usize,
        seating: Seating,
        powered: Tick,
        refusal: Option<(Refusal, String)>,
        effects: &mut Vec<Effect>,
    ) -> Option<(Refusal, String)> {
        if let Some(refusal) = refusal {
            self.refuse(place, seating, powered, refusal.clone(), effects);
            return Some(refusal);
        }
        let batch = self.batch.clone();
        let mut purpose = purpose(&seating);
        if let (Some(study), Some(serial)) = (&mut self.study, &seating.serial)
            && study.has(Some(serial))
        {
            purpose = Purpose::Study;
            study.began(seating.run, serial.clone(), batch.operator.clone());
        }
        self.in_lane(place, effects, |lane, rules, now, out| {
            let nest = lane.nest_report(now, purpose);
            lane.seated(now);
            let input = StationInput::Begin {
                seating,
                powered,
                nest,
                batch,
                purpose,
            };
            lane.tell(rules, now, input, out);
        });
        None
    }

    fn refuse(
        &mut self,
        place: usize,
        seating: Seating,
        powered: Tick,
        (refusal, detail): (Refusal, String),
        effects: &mut Vec<Effect>,
    ) {
        self.in_lane(place, effects, |lane, rules, now, out| {
            if lane.station().takes_units() == Takes::Now {
                lane.occupied(now);
            }
            let input = StationInput::Refuse {
                seating,
                powered,
                refusal,
                detail,
            };
            lane.tell(rules, now, input, out);
        });
    }

    /// Why a unit may not run in a lane whose nest was empty.
    fn refusal(&self, place: usize, seating: &Seating, powered: Tick) -> Option<(Refusal, String)> {
        if let Some(stop) = self.stops.first() {
            return Some((Refusal::LineStopped, stop.cause.clone()));
        }
        if let Some(why) = self.lanes.get(place).and_then(Lane::out_of_service) {
            return Some((Refusal::LaneStopped, why.to_owned()));
        }
        if let Err(why) = self.products.next() {
            return Some((Refusal::LineStopped, why.to_owned()));
        }
        let (lane, rules) = (self.lanes.get(place)?, self.rules.get(place)?);
        if lane.is_too_late(rules, powered, self.now) {
            let detail = format!(
                "in the nest for {} s before its start; it listens for {} s",
                self.now.since(powered).as_secs(),
                rules.recipe.listens_for.as_secs()
            );
            return Some((Refusal::TooLate, detail));
        }
        let in_study = self
            .study
            .as_ref()
            .is_some_and(|study| study.has(seating.serial.as_ref()));
        if let (Some(why), Purpose::Production, false) = (&self.shut, purpose(seating), in_study) {
            return Some((Refusal::LineStopped, why.clone()));
        }
        let Some(serial) = &seating.serial else {
            return rules
                .recipe
                .wants_serial
                .then(|| (Refusal::NoSerial, "scan the unit, then start it".to_owned()));
        };
        let elsewhere = self
            .lanes
            .iter()
            .enumerate()
            .find(|(other, lane)| *other != place && lane.station().serial() == Some(serial));
        if let Some((_, lane)) = elsewhere {
            return Some((Refusal::DuplicateSerial, format!("it is in lane {}", lane.id())));
        }
        // What a study measures by is run as often as it takes, whatever became of it before.
        if in_study {
            return None;
        }
        unit_refusal(&rules.recipe, &seating.history)
    }

    // --- after every input --------------------------------------------------------------------------------------------

    /// Judges verdicts that were found, lets units in that waited, and says whether there is something new to show.
    fn settle(&mut self, effects: &mut Vec<Effect>) -> Settled {
        let mut settled = Settled::Already;
        for place in 0..self.lanes.len() {
            if self.conclude(place, effects) == Settled::Now || self.let_in(place, effects) == Settled::Now {
                settled = Settled::Now;
            }
        }
        let mut changed = false;
        for (lane, rules) in self.lanes.iter_mut().zip(&self.rules) {
            changed |= lane.changed(rules);
        }
        if changed {
            effects.push(Effect::Show);
        }
        settled
    }

    fn conclude(&mut self, place: usize, effects: &mut Vec<Effect>) -> Settled {
        let concluded = |lane: &Lane| lane.station().conclusion().is_some();
        let now = self.now;
        let measured = self
            .lanes
            .get_mut(place)
            .zip(self.rules.get(place))
            .filter(|(lane, _)| concluded(lane))
            .map(|(lane, rules)| lane.measure_led(rules, now));
        let (Some(lane), Some(measured)) = (self.lanes.get(place), measured) else {
            return Settled::Already;
        };
        let Some((run, conclusion)) = lane.station().conclusion() else {
            return Settled::Already;
        };
        let found = with_led(with_network(conclusion.clone(), self.network_seen()), measured);
        let candidate = Candidate {
            run: run.id,
            lane: lane.id(),
            place,
            serial: run.serial.clone(),
            code: found.code,
        };
        if self.known.len() == KNOWN_RUNS {
            self.known.pop_front();
        }
        let unheard = match run.presence {
            _ if !lane.sends_by_imp() || run.online.is_none() || run.bless.is_some() => Unheard::No,
            Presence::InNest => Unheard::Powered,
            Presence::Lifted => Unheard::Until(self.now + UNHEARD_AFTER_LIFTING),
        };
        self.known.push_back(Known {
            run: run.id,
            place,
            unheard,
            tokens: run.tokens.clone(),
            device_id: run.device_id.clone(),
            serial: run.serial.clone(),
        });
        // A unit by which the fixture is measured says nothing of units or network.
        let run_id = run.id;
        let trip = match run.purpose {
            Purpose::Production => self.policy.judge(self.now, &candidate),
            Purpose::Study => None,
            Purpose::Golden | Purpose::KnownBad => {
                self.measured.push(Measured {
                    run: run.id,
                    place,
                    purpose: run.purpose,
                    serial: run.serial.clone(),
                    seated: run.seated,
                    code: found.code,
                });
                None
            }
        };
        let (judged, policy) = match trip {
            None => {
                let study = self.study.as_mut();
                let said = study.and_then(|study| study.concluded(run_id, found.code));
                (found, said)
            }
            Some(trip) => {
                let judged = if trip.code == found.code {
                    found
                } else {
                    Conclusion {
                        code: trip.code,
                        detail: format!("{}; this unit: {}, {}", trip.cause, found.code, found.detail),
                    }
                };
                self.stop_line(
                    Stop {
                        code: Some(trip.code),
                        cause: trip.cause.clone(),
                        lane: Some(candidate.lane),
                        since: self.now,
                        wants_acknowledgement: true,
                    },
                    effects,
                );
                if !trip.annotations.is_empty() {
                    effects.push(Effect::Annotate(trip.annotations));
                }
                (judged, Some(trip.cause))
            }
        };
        self.in_lane(place, effects, |lane, _, now, out| {
            lane.commit(now, judged, policy, out);
        });
        Settled::Now
    }

    /// The verdict of a run is stored: where the unit was marked, what that says of its lane.
    fn measured(&mut self, run: RunId, effects: &mut Vec<Effect>) {
        let Some(known) = self.measured.iter().position(|measured| measured.run == run) else {
            return;
        };
        let measured = self.measured.swap_remove(known);
        let (now, rules) = (self.now, self.check);
        let Some(lane) = self.lanes.get_mut(measured.place) else {
            return;
        };
        match measured.purpose.says(measured.code.outcome()) {
            Says::Nothing => return,
            Says::Ill => lane.take_out(measured.cause()),
            Says::Well => {
                let id = lane.id();
                let check = lane.check_mut();
                if let (Some(due), Some(rules)) = (check.as_mut(), rules) {
                    due.measured(measured.purpose, measured.seated, now);
                    if let Some(since) = due.complete(rules) {
                        *check = None;
                        effects.push(Effect::CheckDone { lane: id, since });
                    }
                }
            }
        }
        effects.push(Effect::Show);
    }

    fn check_due(&mut self, due: &CheckDue, effects: &mut Vec<Effect>) {
        let Some(rules) = self.check else { return };
        let now = self.now;
        for lane in &mut self.lanes {
            if due.lane.is_none_or(|only| only == lane.id()) {
                let check = Check::new(due.since, now, due.overdue, &due.done);
                *lane.check_mut() = check.complete(rules).is_none().then_some(check);
            }
        }
        effects.push(Effect::Show);
    }

    /// What the fixture saw of the network, where that is not too long ago.
    fn network_seen(&self) -> Option<&NetworkSeen> {
        self.network
            .as_ref()
            .filter(|(at, _)| self.now.since(*at) <= SEEN_LATELY)
            .map(|(_, seen)| seen)
    }

    fn let_in(&mut self, place: usize, effects: &mut Vec<Effect>) -> Settled {
        let free = self
            .lanes
            .get(place)
            .is_some_and(|lane| lane.station().takes_units() == Takes::Now);
        if free && let Some((seating, powered)) = self.waiting.get_mut(place).and_then(Option::take) {
            self.seated(place, seating, powered, effects);
            return Settled::Now;
        }
        Settled::Already
    }

    fn stop_line(&mut self, stop: Stop, effects: &mut Vec<Effect>) {
        let place = self.stops.place(stop.kind());
        // What was found first is what has to be seen to; later ones follow from it.
        if stop.wants_acknowledgement && place.is_some() {
            return;
        }
        *place = Some(stop.clone());
        effects.push(Effect::LineStopped(stop));
        effects.push(Effect::Show);
    }

    // --- the cloud ----------------------------------------------------------------------------------------------------

    /// Whether this event came already.
    fn heard_before(&mut self, event: &BlessEvent) -> bool {
        if self.events.contains(&event.event) {
            return true;
        }
        if self.events.len() == KNOWN_EVENTS {
            self.events.pop_front();
        }
        self.events.push_back(event.event.clone());
        false
    }

    /// The imp transmitter of a lane tells of a blessing. It names the device, and nobody has told which device is in the lane: it is the one
    /// unit that the imp sent to and that is online now.
    fn bless_by_imp(&mut self, place: usize, event: BlessEvent, effects: &mut Vec<Effect>) {
        if self.heard_before(&event) {
            return;
        }
        let Some(event) = self.deliver(event, effects) else {
            return;
        };
        let running = self.lanes.get(place).and_then(|lane| lane.station().running());
        let Some(run) = running.map(|run| run.id) else {
            self.late(event, effects);
            return;
        };
        self.keep_early(Some((place, run)), event, effects);
    }

    fn keep_early(&mut self, of: Option<(usize, RunId)>, event: BlessEvent, effects: &mut Vec<Effect>) {
        if self.early.len() == KNOWN_EVENTS
            && let Some(early) = self.early.pop_front()
        {
            self.late(early.event, effects);
        }
        let until = self.now + EARLY_AT_MOST;
        self.early.push_back(Early { until, of, event });
    }

    /// What is to be done with an imp transmitter's event about a run: another device's is never this unit's, nor is one that could be that of the unit
    /// before it.
    fn fits(&self, place: usize, of: RunId, event: &BlessEvent) -> Fits {
        let running = self.lanes.get(place).and_then(|lane| lane.station().running());
        let Some(run) = running.filter(|run| run.id == of) else {
            return Fits::Never;
        };
        let same_unit = |known: &Known| known.serial.is_some() && known.serial == run.serial;
        let named = |device: &Option<String>| {
            let (device, named) = (device.as_deref()?, event.device_id.as_deref()?);
            Some(device.eq_ignore_ascii_case(named))
        };
        let anothers = self
            .known
            .iter()
            .any(|known| !same_unit(known) && named(&known.device_id) == Some(true));
        let unheard = self.known.iter().any(|known| {
            let open = match known.unheard {
                Unheard::No => false,
                Unheard::Powered => true,
                Unheard::Until(until) => self.now < until,
            };
            open && known.place == place && !same_unit(known)
        });
        let of_serial = run.serial.as_ref().is_some_and(|serial| {
            let text = serial.as_str();
            text.len() == 16 && text.bytes().all(|digit| digit.is_ascii_hexdigit())
        });
        if anothers || unheard || of_serial || named(&run.device_id) == Some(false) || run.bless.is_some() {
            return Fits::Never;
        }
        match run.online {
            Some(_) => Fits::Now,
            None => Fits::NotYet,
        }
    }

    fn bless(&mut self, event: BlessEvent, effects: &mut Vec<Effect>) {
        if self.heard_before(&event) {
            return;
        }
        if let Some(event) = self.deliver(event, effects) {
            let unclaimed = |lane: &Lane| lane.station().running().is_some_and(|run| run.claimed == Claimed::No);
            let by_device = event.token_id.is_none() && event.device_id.is_some();
            if by_device && self.lanes.iter().any(unclaimed) {
                self.keep_early(None, event, effects);
            } else {
                self.late(event, effects);
            }
        }
    }

    /// Tells the one unit that an event is about; gives the event back where there is none, or where it could be two: then it is nobody's.
    fn deliver(&mut self, event: BlessEvent, effects: &mut Vec<Effect>) -> Option<BlessEvent> {
        let mut meant = self
            .lanes
            .iter()
            .enumerate()
            .filter(|(_, lane)| lane.station().running().is_some_and(|run| run.is_meant_by(&event)))
            .map(|(place, _)| place);
        let (Some(place), None) = (meant.next(), meant.next()) else {
            return Some(event);
        };
        self.in_lane(place, effects, |lane, rules, now, out| {
            lane.tell(rules, now, StationInput::Bless(event), out);
        });
        None
    }

    /// Looks again at events that came before the cloud said which device is in which lane.
    fn early_events(&mut self, effects: &mut Vec<Effect>) {
        for _ in 0..self.early.len() {
            let Some(Early { until, of, event }) = self.early.pop_front() else {
                return;
            };
            let fits = of.map(|(place, run)| (place, self.fits(place, run, &event)));
            if let Some((place, Fits::Now)) = fits {
                self.in_lane(place, effects, |lane, rules, now, out| {
                    lane.tell(rules, now, StationInput::Bless(event), out);
                });
                continue;
            }
            let never = matches!(fits, Some((_, Fits::Never)));
            match self.deliver(event, effects) {
                None => {}
                Some(event) if never || self.now >= until => self.late(event, effects),
                Some(event) => self.early.push_back(Early { until, of, event }),
            }
        }
    }

    /// An event of no unit that is in a lane.
    fn late(&mut self, event: BlessEvent, effects: &mut Vec<Effect>) {
        let late = self
            .known
            .iter()
            .rev()
            .find(|known| is_meant(&event, &known.tokens, known.device_id.as_deref(), known.serial.as_ref()));
        effects.push(match late {
            Some(known) => Effect::Annotate(vec![Annotation {
                run: known.run,
                kind: AnnotationKind::LateBlessEvent,
                detail: format!(
                    "event {}: {}",
                    event.event,
                    if event.blessed { "blessed" } else { "blessing refused" }
                ),
            }]),
            None => Effect::UnknownBless(event),
        });
    }

    // --- people -------------------------------------------------------------------------------------------------------

    /// Does what a person asks for, where they may and where it can be done, and has it audited either way.
    fn act(&mut self, request: ActRequest, mut facts: ActFacts, effects: &mut Vec<Effect>) {
        let unit = request.act.serial();
        if let (Some(serial), Some(history)) = (unit, &mut facts.history) {
            self.decisions.tell(serial, history);
        }
        let before = self.told_of(&request.act, &facts);
        let answer = if request.role.may(&request.act) {
            self.do_act(&request, &facts, effects)
        } else {
            refused(format!(
                "role: {} may not {}",
                request.role,
                request.act.needs().title()
            ))
        };
        if let (Some(serial), Some(history), ActAnswer::Done) = (unit, &mut facts.history, &answer) {
            self.decisions.tell(serial, history);
            if let Act::Unlock { .. } = request.act {
                history.count_anew();
            }
        }
        let after = match &request.act {
            Act::Shelve { minutes, .. } => format!("shelved for {minutes} minutes"),
            Act::Account { after, .. } => after.clone(),
            Act::Recipe { .. } => made(&facts).map_or_else(String::new, |recipe| recipe.after.clone()),
            Act::Start { .. }
            | Act::Stop { .. }
            | Act::Acknowledge { .. }
            | Act::Unlock { .. }
            | Act::Lot { .. }
            | Act::WorkOrder { .. }
            | Act::Operator { .. }
            | Act::Quarantine { .. }
            | Act::Dispose { .. }
            | Act::Mark { .. }
            | Act::GoldenCheck { .. }
            | Act::Study { .. }
            | Act::Language { .. } => self.told_of(&request.act, &facts),
        };
        let study = match (&request.act, &answer) {
            (
                Act::Study {
                    step: StudyStep::Begin(_),
                    ..
                },
                ActAnswer::Done,
            ) => self.study.as_ref().map(|study| study.plan().clone()),
            (_, _) => None,
        };
        let change = (answer == ActAnswer::Done && before != after).then_some(Change { before, after });
        effects.push(Effect::Audit(Box::new(Audited {
            request,
            answer,
            change,
            study,
        })));
    }

    /// What an act is about, as it is now, in words.
    fn told_of(&self, act: &Act, facts: &ActFacts) -> String {
        let history = facts.history.as_ref();
        match act {
            Act::Start { lane: None, .. } | Act::Stop { lane: None, .. } | Act::Acknowledge { .. } => self
                .stops
                .first()
                .map_or_else(|| "runs".to_owned(), |stop| format!("stopped: {}", stop.cause)),
            Act::Start { lane: Some(lane), .. } | Act::Stop { lane: Some(lane), .. } => self
                .place(*lane)
                .and_then(|place| self.lanes.get(place).zip(self.rules.get(place)))
                .map(|(lane, rules)| match lane.out_of_service() {
                    Some(why) => format!("out of service: {why}"),
                    None => lane.station().state(rules).as_str().to_owned(),
                })
                .unwrap_or_default(),
            Act::Unlock { .. } => history.map_or_else(String::new, |history| {
                let codes: Vec<&str> = history.codes.iter().map(|code| code.as_str()).collect();
                format!("{} runs count against it: {}", history.runs, codes.join(", "))
            }),
            Act::Quarantine { .. } | Act::Dispose { .. } => history.map_or_else(String::new, decided),
            Act::Mark { .. } => history.map_or_else(String::new, |history| history.mark.as_str().to_owned()),
            Act::Lot { .. } => self.batch.lot.clone(),
            Act::WorkOrder { .. } => self.batch.work_order.clone(),
            Act::Operator { .. } => self.batch.operator.clone(),
            Act::Language { .. } => self.batch.language.clone(),
            Act::GoldenCheck { .. } => String::new(),
            Act::Study { .. } => self.study.as_ref().map_or_else(|| "no study".to_owned(), Study::words),
            Act::Account { before, .. } => before.clone(),
            Act::Shelve { .. } => facts.notice.clone().unwrap_or_default(),
            Act::Recipe { .. } => made(facts).map_or_else(String::new, |recipe| recipe.before.clone()),
        }
    }

    fn do_act(&mut self, request: &ActRequest, facts: &ActFacts, effects: &mut Vec<Effect>) -> ActAnswer {
        if request.by.trim().is_empty() {
            return refused("by: expected who does it");
        }
        if let Err(why) = request.act.reason().map_or(Ok(()), checked_reason) {
            return refused(why);
        }
        let history = facts.history.as_ref();
        match &request.act {
            Act::Start { lane: None, serial } => {
                if serial.is_some() {
                    return refused("lane: a serial belongs to a lane; name it");
                }
                match self.stops.first() {
                    None => refused("the line is not stopped"),
                    Some(stop) if stop.wants_acknowledgement => {
                        refused(format!("the line wants an acknowledgement first: {}", stop.cause))
                    }
                    Some(_) => self.go_on(StopKind::Person, effects),
                }
            }
            Act::Start {
                lane: Some(lane),
                serial,
            } => self.act_start(*lane, serial.clone(), history.cloned(), effects),
            Act::Stop { lane, reason } => match lane {
                Some(lane) => self.act_stop(*lane, &request.by, reason, effects),
                None => self.act_stop_line(&request.by, reason, effects),
            },
            // Kept by the web service; here it is written down.
            Act::Account { .. } => ActAnswer::Done,
            Act::Acknowledge { note } => {
                if note.chars().count() > LONGEST_REASON {
                    return refused("note: expected at most 200 characters");
                }
                match (&self.stops.policy, &self.stops.person) {
                    (Some(_), _) => self.go_on(StopKind::Policy, effects),
                    (None, Some(stop)) => refused(format!(
                        "nothing wants an acknowledgement: a person stopped the line, and a start lets it go on ({})",
                        stop.cause
                    )),
                    (None, None) => refused("nothing stopped the line"),
                }
            }
            Act::Unlock { serial, .. } => {
                if history.is_none_or(|history| history.runs == 0) {
                    return refused(format!(
                        "serial: no run of {serial} counts against it since it was last unlocked; is it spelt as on the unit?"
                    ));
                }
                self.learn(serial, UnitHistory::count_anew);
                ActAnswer::Done
            }
            Act::Quarantine { serial, reason } => match history.and_then(why_not_to_run) {
                Some(why) => refused(format!("serial: {serial} is set aside already: {why}")),
                None => self.decide(serial, Decided::Quarantine, &request.by, reason),
            },
            Act::Dispose { serial, .. }
                if history.is_none_or(|history| history.known == KnownUnit::No && history.decision.is_none()) =>
            {
                refused(format!(
                    "serial: {serial} was never run and never set aside; is it spelt as on the unit?"
                ))
            }
            Act::Dispose {
                serial,
                disposition,
                reason,
            } => self.decide(serial, Decided::Disposition(*disposition), &request.by, reason),
            Act::Mark { serial, mark, .. } => {
                self.decisions.mark(serial, *mark);
                self.learn(serial, |history| history.mark = *mark);
                ActAnswer::Done
            }
            Act::GoldenCheck { lane } => self.act_golden_check(*lane, facts, effects),
            // Whoever stores it tells the line of the recipe itself afterwards.
            Act::Recipe { .. } => match facts.recipe.as_deref() {
                Some(made) => made.as_ref().map_or_else(refused, |_| ActAnswer::Done),
                None => refused("nobody here makes versions of recipes"),
            },
            Act::Study { step, .. } => self.act_study(step, facts, effects),
            Act::Shelve { part, minutes, .. } => shelve(part, *minutes, &request.by, facts, effects),
            Act::Language { language } => named("language", language, &mut self.batch.language, effects),
            Act::Lot { lot } => self.label(Label::Lot, lot, effects),
            Act::WorkOrder { work_order } => self.label(Label::WorkOrder, work_order, effects),
            Act::Operator { name } => named("operator", name, &mut self.batch.operator, effects),
        }
    }

    /// Somebody begins a golden check.
    fn act_golden_check(&mut self, lane: Option<LaneId>, facts: &ActFacts, effects: &mut Vec<Effect>) -> ActAnswer {
        if let Some(lane) = lane.filter(|lane| self.place(*lane).is_none()) {
            return refused(format!("lane: this line has no lane {lane}"));
        }
        let (Some(rules), Some(since)) = (self.check, facts.at) else {
            return refused("this fixture's configuration asks for no golden check: [policy.golden_check]");
        };
        let due = CheckDue {
            lane,
            since,
            overdue: self.now + rules.grace,
            done: Vec::new(),
        };
        self.check_due(&due, effects);
        ActAnswer::Done
    }

    /// The next units have another lot or work order, and with it perhaps another recipe.
    fn label(&mut self, label: Label, name: &str, effects: &mut Vec<Effect>) -> ActAnswer {
        let place = match label {
            Label::Lot => &mut self.batch.lot,
            Label::WorkOrder => &mut self.batch.work_order,
        };
        if let Err(why) = self.products.welcomes(label, name.trim()) {
            return refused(why);
        }
        let answer = named(label.title(), name, place, effects);
        self.choose();
        answer
    }

    /// A gauge study begins, ends or is given up.
    fn act_study(&mut self, step: &StudyStep, facts: &ActFacts, effects: &mut Vec<Effect>) -> ActAnswer {
        let next = match (step, &self.study) {
            (StudyStep::Begin(_), Some(study)) => {
                return refused(format!("there is already {}: end it, or give it up", study.words()));
            }
            (StudyStep::Begin(wish), None) => {
                let mut marks = facts.marks.clone();
                self.decisions.tell_marks(&mut marks);
                let (plan, Some(since)) = (study::plan(wish, &marks), facts.at) else {
                    return refused("the time is not known");
                };
                match plan {
                    Err(why) => return refused(why),
                    Ok(plan) => Some(Study::new(since, Progress::new(plan))),
                }
            }
            (StudyStep::End | StudyStep::Abandon, None) => return refused("no study runs"),
            (StudyStep::End, Some(study)) if study.left() > 0 => {
                return refused(format!(
                    "{} runs are still to be made: make them, or give the study up",
                    study.left()
                ));
            }
            (StudyStep::End | StudyStep::Abandon, Some(_)) => None,
        };
        self.study = next;
        effects.push(Effect::Show);
        ActAnswer::Done
    }

    /// Somebody decided about a unit.
    fn decide(&mut self, serial: &Serial, what: Decided, by: &str, reason: &str) -> ActAnswer {
        let decision = Decision {
            what,
            by: by.to_owned(),
            reason: reason.to_owned(),
        };
        self.decisions.decide(serial, decision.clone());
        self.learn(serial, |history| history.decide(decision.clone()));
        ActAnswer::Done
    }

    /// What is known of a unit that waits in a nest is another now.
    fn learn(&mut self, serial: &Serial, learn: impl Fn(&mut UnitHistory)) {
        for lane in &mut self.lanes {
            lane.station_mut().learn(serial, &learn);
        }
        for (seating, _) in self.waiting.iter_mut().flatten() {
            if seating.serial.as_ref() == Some(serial) {
                learn(&mut seating.history);
            }
        }
    }

    fn go_on(&mut self, kind: StopKind, effects: &mut Vec<Effect>) -> ActAnswer {
        *self.stops.place(kind) = None;
        effects.push(Effect::StopLifted(kind));
        effects.push(Effect::Show);
        ActAnswer::Done
    }

    fn act_start(
        &mut self,
        id: LaneId,
        serial: Option<Serial>,
        history: Option<UnitHistory>,
        effects: &mut Vec<Effect>,
    ) -> ActAnswer {
        let Some(place) = self.place(id) else {
            return refused(format!("lane: this line has no lane {id}"));
        };
        let Some(lane) = self.lanes.get_mut(place) else {
            return refused(format!("lane: this line has no lane {id}"));
        };
        let back = lane.out_of_service().is_some();
        lane.put_back();
        let Some((seating, powered, _)) = lane.station().refused() else {
            return match (lane.station().run(), back) {
                (_, true) => {
                    effects.push(Effect::Show);
                    ActAnswer::Done
                }
                (Some(_), false) => refused("the lane has a run; lift the unit and seat it again"),
                (None, false) => refused("the nest is empty"),
            };
        };
        let mut seating = seating.clone();
        self.adopt(place);
        if let Some(serial) = serial {
            seating.serial = Some(serial);
            seating.history = history.unwrap_or_default();
        }
        let refusal = self.refusal(place, &seating, powered);
        match self.start(place, seating, powered, refusal, effects) {
            None => ActAnswer::Done,
            Some((refusal, detail)) => refused(format!("{refusal}: {detail}")),
        }
    }

    fn act_stop(&mut self, id: LaneId, by: &str, reason: &str, effects: &mut Vec<Effect>) -> ActAnswer {
        let Some(place) = self.place(id) else {
            return refused(format!("lane: this line has no lane {id}"));
        };
        if self.stop_run(place, by, reason, effects) {
            return ActAnswer::Done;
        }
        if let Some(lane) = self.lanes.get_mut(place) {
            lane.take_out(format!("{by}: {reason}"));
            effects.push(Effect::Show);
        }
        ActAnswer::Done
    }

    fn act_stop_line(&mut self, by: &str, reason: &str, effects: &mut Vec<Effect>) -> ActAnswer {
        for place in 0..self.lanes.len() {
            self.stop_run(place, by, reason, effects);
        }
        self.stop_line(
            Stop {
                code: None,
                cause: format!("{by}: {reason}"),
                lane: None,
                since: self.now,
                wants_acknowledgement: false,
            },
            effects,
        );
        ActAnswer::Done
    }

    fn stop_run(&mut self, place: usize, by: &str, reason: &str, effects: &mut Vec<Effect>) -> bool {
        let runs = self
            .lanes
            .get(place)
            .is_some_and(|lane| lane.station().running().is_some());
        if runs {
            let input = StationInput::Stop {
                by: by.to_owned(),
                reason: reason.to_owned(),
            };
            self.in_lane(place, effects, |lane, rules, now, out| {
                lane.tell(rules, now, input, out);
            });
        }
        runs
    }
}

/// The version of a recipe that an act makes, where it can be made.
fn made(facts: &ActFacts) -> Option<&NewRecipe> {
    facts.recipe.as_deref()?.as_ref().ok()
}

/// Somebody wants the notice of a part out of sight.
fn shelve(part: &str, minutes: u16, by: &str, facts: &ActFacts, effects: &mut Vec<Effect>) -> ActAnswer {
    if !(1..=Act::LONGEST_SHELVED).contains(&minutes) {
        return refused(format!("minutes: expected 1 to {}", Act::LONGEST_SHELVED));
    }
    let Some(what) = &facts.notice else {
        return refused(format!("part: there is no notice of {part:?}"));
    };
    effects.push(Effect::Shelve {
        part: part.to_owned(),
        what: what.clone(),
        lasts: Duration::from_mins(u64::from(minutes)),
        by: by.to_owned(),
    });
    effects.push(Effect::Show);
    ActAnswer::Done
}

/// What the next units belong to has a new name.
fn named(what: &str, name: &str, place: &mut String, effects: &mut Vec<Effect>) -> ActAnswer {
    if name.chars().count() > LONGEST_NAME || name.chars().any(char::is_control) {
        return ActAnswer::Refused {
            why: format!("{what}: expected at most {LONGEST_NAME} printable characters"),
        };
    }
    name.trim().clone_into(place);
    effects.push(Effect::Show);
    ActAnswer::Done
}

/// A unit that passed everything else fails by its LED.
fn with_led(found: Conclusion, measured: led::Measured) -> Conclusion {
    match measured.outside {
        Some(outside) if found.code == VerdictCode::Ok => Conclusion {
            code: VerdictCode::LedOutOfLimits,
            detail: outside,
        },
        Some(_) | None => found,
    }
}

/// A unit that did not get on while the fixture's own look says that nobody could: the network's fault, not the unit's. What was
/// measured stands in the record either way.
fn with_network(found: Conclusion, seen: Option<&NetworkSeen>) -> Conclusion {
    let Some(seen) = seen else { return found };
    if !needs_network(found.code) {
        return found;
    }
    match &seen.fault {
        Some(fault) => Conclusion {
            code: VerdictCode::NetworkDown,
            detail: format!("{fault}; this unit: {}, {}", found.code, found.detail),
        },
        None => Conclusion {
            detail: format!(
                "{}; the fixture's own look found the network good: {}",
                found.detail, seen.measured
            ),
            ..found
        },
    }
}

/// Whether an imp transmitter's event is about a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fits {
    Now,
    /// The unit is not seen online yet; light is named a little later than a cloud speaks.
    NotYet,
    Never,
}

/// A marked unit's run whose verdict is being stored.
#[derive(Debug)]
struct Measured {
    run: RunId,
    place: usize,
    purpose: Purpose,
    serial: Option<Serial>,
    seated: Tick,
    code: VerdictCode,
}

impl Measured {
    /// Why the lane stands still, where the verdict is not what the unit's mark wants.
    fn cause(&self) -> String {
        let unit = self.serial.as_ref().map_or("", Serial::as_str);
        let title = self.code.text().title;
        match self.purpose {
            Purpose::KnownBad => format!(
                "the known-bad unit {unit} passed: this lane passes what it must not; find out why before it goes on"
            ),
            Purpose::Golden | Purpose::Production | Purpose::Study => format!(
                "the golden unit {unit} ended in \"{title}\": is the unit still good, and the lane clean and aligned?"
            ),
        }
    }
}

/// Whether there was anything to settle.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Settled {
    Already,
    Now,
}

fn refused(why: impl Into<String>) -> ActAnswer {
    ActAnswer::Refused { why: why.into() }
}

fn checked_reason(reason: &str) -> Result<(), &'static str> {
    let length = reason.trim().chars().count();
    if (1..=LONGEST_REASON).contains(&length) && !reason.chars().any(char::is_control) {
        Ok(())
    } else {
        Err("reason: expected 1 to 200 printable characters")
    }
}
