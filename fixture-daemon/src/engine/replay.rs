//! A stored run once more: its recorded light and facts through the same station, under rules that may be others.
//!
//! What the fixture did is taken as it was: a transmission that the station asks for is answered by the recorded one, a restart by the recorded
//! restart. Where other rules ask for something that was never done, or for light from after the recorded end, nobody knows what the unit would have
//! shown, and that is what is told.

use core::time::Duration;
use std::collections::VecDeque;

use blinkup::Tick;
use blinkup::codes::CodeTable;
use blinkup::frame::SymbolRate;
use blinkup::packet::{Password, PlanId, Token, Wifi};
use blinkup::reader::{Observed, Reader};
use blinkup::trace::{Header, Trace};
use fixture_ledger::record::{
    Attempt, AttemptResult, Evidence, EvidenceKind, Limits, Measurement, Purpose, Quantity, Scale, Side, UnitHistory,
};
use fixture_link::bless::BlessEvent;
use fixture_link::identity::{LaneId, RunId};
use fixture_link::verdict::{Class, VerdictCode};

use super::effect::{Batch, LaneEffect};
use super::flashing::GoesOn;
use super::input::{ClaimAnswer, Seating, SendEnd, SendReport, TokenGrant};
use super::lane::reader_settings;
use super::led::{LedLimits, Strength};
use super::nest::{Flash, NestReport, TEST_FLASH_SEEN};
use super::recipe::{PassRule, Recipe};
use super::sensor::{LaneSensor, Measures};
use super::station::{Equipment, LampSeen, Rules, Seen, Station, StationInput, Transmitter, UnitPower, packet, words};

/// How much later than recorded a verdict may come out: light is recorded to the millisecond, and what stands for some seconds counts from there.
const LEEWAY: Duration = Duration::from_millis(50);
/// How late an answer of the cloud may be told: as long as the station waits between two questions.
const POLL_EVERY: Duration = Duration::from_secs(1);

/// A stored run, as far as a verdict rests on it. Its times count from when the unit was seated.
#[derive(Debug, Clone)]
pub struct Recorded {
    /// The run.
    pub run: RunId,
    /// Its lane.
    pub lane: LaneId,
    /// From seated to the verdict.
    pub took: Duration,
    /// The name of the pass rule that it was judged by.
    pub pass_rule: String,
    /// The recorded light.
    pub trace: Trace,
    /// Every attempt.
    pub attempts: Vec<Attempt>,
    /// Every fact, in order of time.
    pub evidence: Vec<Evidence>,
    /// What was measured of its LED.
    pub measurements: Vec<Measurement>,
}

/// What becomes of a stored run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Replayed {
    /// It ends so.
    Ended {
        /// The code.
        code: VerdictCode,
        /// What exactly was seen.
        detail: String,
    },
    /// What was recorded does not say how it would end, and why not.
    Open(String),
}

/// Whether a verdict rests on the unit's light and its witnesses, so that rules decide it: those of the fixture, the network and of people do not.
pub fn is_of_the_unit(code: VerdictCode) -> bool {
    code != VerdictCode::Interrupted && matches!(code.class(), Class::Unit | Class::Evidence)
}

/// A recorded run's light as a reader of some confidence has it: the same for all rules that ask for that confidence.
#[derive(Debug, Clone)]
pub struct Read {
    observed: Vec<(Tick, Observed)>,
}

impl Read {
    /// Reads the light of a run as its lane did.
    pub fn new(recorded: &Recorded, table: &CodeTable, confidence: f32) -> Self {
        let header = recorded.trace.header;
        let mut reader = Reader::new(table, sensor(&header), reader_settings(confidence));
        let mut restarts = restarts(&recorded.evidence).peekable();
        let mut observed = Vec::new();
        for sample in recorded.trace.samples() {
            if restarts.next_if(|restart| sample.end > *restart).is_some() {
                reader.restart(sensor(&header));
            }
            let seen = reader.push(&sample);
            if seen != Observed::default() {
                observed.push((sample.end, seen));
            }
        }
        Self { observed }
    }
}

fn sensor(header: &Header) -> LaneSensor {
    LaneSensor::new(Measures::Strength, header.shape, header.ambient, header.saturated_at)
}

/// When the unit's power supply restarted it.
fn restarts(evidence: &[Evidence]) -> impl Iterator<Item = Tick> {
    evidence
        .iter()
        .filter(|fact| fact.kind == EvidenceKind::Stage && fact.detail == words::RESTARTED)
        .map(|fact| Tick::ZERO + fact.at)
}

/// A recipe whose packet is as long as the one that a run's attempts sent: the secrets that it has may be stand-ins, and by a packet's length a unit's
/// window may be too short for it. As it is where nothing tells.
pub fn fitted(recipe: &Recipe, attempts: &[Attempt]) -> Recipe {
    let whole = attempts.iter().find(|attempt| {
        matches!(
            attempt.result,
            AttemptResult::Received | AttemptResult::Damaged | AttemptResult::NoAnswer
        ) && !is_by_imp(attempt)
    });
    let (Some(attempt), Some(wifi)) = (whole, &recipe.wifi) else {
        return recipe.clone();
    };
    let rate = SymbolRate::new(attempt.rate).unwrap_or(SymbolRate::FASTEST);
    (0..=Password::MOST_BYTES)
        .filter_map(|length| {
            let wifi = Wifi {
                ssid: wifi.ssid.clone(),
                password: Password::new(&"x".repeat(length)).ok()?,
            };
            Some(Recipe {
                wifi: Some(wifi),
                ..recipe.clone()
            })
        })
        .find(|recipe| {
            packet(recipe, None).is_ok_and(|packet| {
                u32::try_from(packet.frame(rate.preamble()).symbol_count()).is_ok_and(|count| count == attempt.symbols)
            })
        })
        .unwrap_or_else(|| recipe.clone())
}

fn is_by_imp(attempt: &Attempt) -> bool {
    attempt.mid_permille.is_none() && attempt.symbols <= 1
}

/// What a stored run comes to under some rules. `read` has to be of that run, with the confidence that the rules' recipe asks for.
pub fn replay(recorded: &Recorded, read: &Read, rules: &Rules) -> Replayed {
    let mut replay = Replay::new(recorded, rules);
    replay.begin();
    for (at, observed) in &read.observed {
        replay.until(*at);
        if replay.is_over() {
            break;
        }
        replay.tell(*at, StationInput::Observed(*observed));
    }
    replay.until(Tick::ZERO + recorded.took + LEEWAY);
    if let Some(why) = replay.open {
        return Replayed::Open(why);
    }
    let Some((_, conclusion)) = replay.station.conclusion() else {
        return Replayed::Open("the recorded light ends before these rules decide".to_owned());
    };
    let (code, detail) = (conclusion.code, conclusion.detail.clone());
    if !is_of_the_unit(code) {
        return Replayed::Open(format!("what was done then does not fit these rules: {code}, {detail}"));
    }
    if let Some(why) = unasked(code, rules.recipe.pass, recorded) {
        return Replayed::Open(why.to_owned());
    }
    if code != VerdictCode::Ok {
        return Replayed::Ended { code, detail };
    }
    match outside(&recorded.measurements, rules.recipe.led.as_ref()) {
        Led::Outside(detail) => Replayed::Ended {
            code: VerdictCode::LedOutOfLimits,
            detail,
        },
        Led::Passes => Replayed::Ended { code, detail },
        Led::OnAnotherScale => Replayed::Open("its LED was measured on another scale".to_owned()),
    }
}

/// A witness that did not come may never have been asked, or not have answered.
fn unasked(code: VerdictCode, rule: PassRule, recorded: &Recorded) -> Option<&'static str> {
    let same_rule = recorded.pass_rule == rule.name();
    let mut facts = recorded.evidence.iter();
    match (code, rule) {
        (VerdictCode::NoBlessEvent, PassRule::Blessed { .. }) => {
            let came = facts.any(|fact| fact.kind == EvidenceKind::Bless);
            (!same_rule && !came).then_some("no bless event was waited for")
        }
        (VerdictCode::NotClaimed, PassRule::Claimed { .. }) => {
            let claims = || recorded.evidence.iter().filter(|fact| fact.kind == EvidenceKind::Claim);
            if claims().any(|fact| !fact.detail.starts_with(words::CLAIMED)) {
                return Some("the cloud did not answer who had used the token");
            }
            (!same_rule && claims().next().is_none()).then_some("nobody said that the cloud tells who used a token")
        }
        _ => None,
    }
}

/// What other limits make of a measured LED.
enum Led {
    /// Inside, or not measured: as on the line, no failure.
    Passes,
    /// Surely outside, and by what.
    Outside(String),
    /// Nobody knows.
    OnAnotherScale,
}

/// What of the recorded measurements is outside of limits.
fn outside(measurements: &[Measurement], limits: Option<&LedLimits>) -> Led {
    let Some(limits) = limits else {
        return Led::Passes;
    };
    let mut outside = Vec::new();
    for figure in measurements {
        let allowed = match (figure.what, figure.scale, &limits.strength) {
            (Quantity::LedStrength, Scale::OfReference, Some(Strength::OfReference(allowed)))
            | (Quantity::LedStrength, Scale::Counts, Some(Strength::Counts(allowed))) => Some(allowed),
            (Quantity::LedStrength, _, Some(_)) => return Led::OnAnotherScale,
            (Quantity::GreenShare, _, _) => limits.green_share.as_ref(),
            _ => None,
        };
        let Some(allowed) = allowed else { continue };
        if Limits::weigh(allowed.clone(), figure.value, figure.deviation).side == Side::Outside {
            outside.push(format!(
                "{} {:.2} ± {:.2} ({:.2} to {:.2} allowed)",
                figure.what.as_str(),
                figure.value,
                figure.deviation,
                allowed.start(),
                allowed.end()
            ));
        }
    }
    if outside.is_empty() {
        Led::Passes
    } else {
        Led::Outside(outside.join("; "))
    }
}

/// One run through a station.
struct Replay<'a> {
    recorded: &'a Recorded,
    rules: &'a Rules,
    station: Station,
    now: Tick,
    /// What is still to be told, in order of time.
    coming: Vec<(Tick, StationInput)>,
    /// When the unit's power supply restarted it, as far as that was not asked for yet.
    restarts: VecDeque<Tick>,
    /// The end of a transmission that was cut short.
    cut: Option<Tick>,
    /// A device that the cloud named, and when.
    claimed: Option<(Tick, String)>,
    /// Why it cannot go on.
    open: Option<String>,
    effects: Vec<LaneEffect>,
}

impl<'a> Replay<'a> {
    fn new(recorded: &'a Recorded, rules: &'a Rules) -> Self {
        let transmitter = match recorded.attempts.first() {
            Some(attempt) if is_by_imp(attempt) => Transmitter::Imp { rate: attempt.rate },
            Some(_) | None => Transmitter::Lamp,
        };
        let equipment = Equipment {
            // Whether the lane has a relay is not stored; where a restart is asked for that was not made, nobody knows how it would go on.
            unit_power: UnitPower::Relay,
            transmitter,
            light: 1.0,
        };
        let mut coming: Vec<(Tick, StationInput)> = recorded
            .evidence
            .iter()
            .filter_map(|fact| Some((Tick::ZERO + fact.at, told(fact)?)))
            .collect();
        coming.sort_by_key(|(at, _)| *at);
        let claimed = recorded.evidence.iter().find_map(|fact| {
            let device = fact.detail.strip_prefix(words::CLAIMED)?;
            (fact.kind == EvidenceKind::Claim).then(|| (Tick::ZERO + fact.at, device.to_owned()))
        });
        Self {
            recorded,
            rules,
            station: Station::new(recorded.lane, equipment),
            now: Tick::ZERO,
            coming,
            restarts: restarts(&recorded.evidence).collect(),
            cut: None,
            claimed,
            open: None,
            effects: Vec::new(),
        }
    }

    fn is_over(&self) -> bool {
        self.open.is_some() || self.station.conclusion().is_some()
    }

    fn begin(&mut self) {
        let seen = |fact: &Evidence| fact.kind == EvidenceKind::Nest && fact.detail.contains(TEST_FLASH_SEEN);
        let nest = NestReport {
            fault: None,
            flash: if self.recorded.evidence.iter().any(seen) {
                Flash::Seen
            } else {
                Flash::NotSeen
            },
            words: String::new(),
            light: Vec::new(),
        };
        let seating = Seating {
            run: self.recorded.run,
            serial: None,
            history: UnitHistory::default(),
        };
        let batch = Batch::default();
        let powered = Tick::ZERO;
        self.tell(
            Tick::ZERO,
            StationInput::Begin {
                seating,
                powered,
                nest,
                batch,
                purpose: Purpose::Production,
            },
        );
    }

    /// Lets time come: what is due by itself, and what was recorded.
    fn until(&mut self, end: Tick) {
        while !self.is_over() {
            let told = self.coming.first().map(|(at, _)| *at).filter(|at| *at <= end);
            let due = self.station.deadline(self.rules, self.now).map(|(at, _)| at);
            let due = due.filter(|at| *at <= end && *at > self.now && told.is_none_or(|told| *at < told));
            let restart = self.restarts.front().copied().filter(|at| *at <= end);
            if restart.is_some_and(|at| told.is_none_or(|told| at < told) && due.is_none_or(|due| at < due)) {
                self.open = Some("it was restarted, for which these rules do not ask".to_owned());
                return;
            }
            match (due, told) {
                (Some(at), _) => self.tell(at, StationInput::Tick),
                (None, Some(_)) => {
                    let (at, input) = self.coming.remove(0);
                    if matches!(input, StationInput::Sent(..)) && self.cut == Some(at) {
                        self.open = Some("the lamp was stopped, and by these rules would have sent on".to_owned());
                        return;
                    }
                    self.tell(at.max(self.now), input);
                }
                (None, None) => return,
            }
        }
    }

    fn tell(&mut self, now: Tick, input: StationInput) {
        self.now = now;
        let mut inputs = vec![input];
        while let Some(input) = inputs.pop() {
            if self.is_over() {
                return;
            }
            self.effects.clear();
            self.station.step(self.rules, now, input, &mut self.effects);
            for effect in core::mem::take(&mut self.effects) {
                inputs.extend(self.follow(now, effect));
            }
        }
    }

    /// Does what the station wants as it was done then.
    fn follow(&mut self, now: Tick, effect: LaneEffect) -> Option<StationInput> {
        match effect {
            LaneEffect::BeginRun { run, .. } => Some(StationInput::Stored { run, result: Ok(()) }),
            LaneEffect::RequestToken { run, .. } => {
                self.token(now, run);
                None
            }
            LaneEffect::PollClaim { run, .. } => self.claim(now, run),
            LaneEffect::Send(transmission) => {
                let frame = transmission.packet.frame(transmission.preamble);
                let of = u32::try_from(frame.symbol_count()).unwrap_or(u32::MAX);
                self.send(now, transmission.attempt, transmission.rate, of)
            }
            LaneEffect::SendByImp { attempt, .. } => {
                let rate = self.recorded.attempts.first().map_or(0, |made| made.rate);
                self.send(now, attempt, rate, 0)
            }
            LaneEffect::StopSending => {
                let last = self
                    .coming
                    .iter()
                    .position(|(_, input)| matches!(input, StationInput::Sent(..)))?;
                let (_, input) = self.coming.remove(last);
                let StationInput::Sent(report, seen) = input else {
                    return None;
                };
                let end = SendEnd::Stopped;
                Some(StationInput::Sent(SendReport { end, ..report }, seen))
            }
            LaneEffect::PowerCycle { .. } => {
                match self.restarts.pop_front() {
                    Some(at) => self.schedule(at.max(now), StationInput::PowerCycled),
                    None => self.open = Some("the unit would have been restarted, which it was not".to_owned()),
                }
                None
            }
            // What is shown, stored or done in an empty nest is not done again.
            LaneEffect::Refuse(..)
            | LaneEffect::TestFlash { .. }
            | LaneEffect::RecordAttempt { .. }
            | LaneEffect::Commit(_)
            | LaneEffect::RecordLifted(_)
            | LaneEffect::Signal(_) => None,
        }
    }

    fn schedule(&mut self, at: Tick, input: StationInput) {
        let place = self.coming.partition_point(|(other, _)| *other <= at);
        self.coming.insert(place, (at, input));
    }

    /// Gives the token that was given then, at its time, or says why there was none.
    fn token(&mut self, now: Tick, run: RunId) {
        let answer = self.recorded.evidence.iter().find_map(|fact| {
            let at = Tick::ZERO + fact.at;
            if fact.kind != EvidenceKind::Token || at + LEEWAY < now {
                return None;
            }
            let answer = match (
                fact.detail.strip_prefix(words::TOKEN),
                fact.detail.strip_prefix(words::NO_TOKEN),
            ) {
                (Some(id), _) => Ok(TokenGrant {
                    id: id.to_owned(),
                    token: Token::from_bytes([0; 8]),
                    plan: PlanId::from_bytes([0; 8]),
                }),
                (None, Some(why)) => Err(why.to_owned()),
                (None, None) => return None,
            };
            Some((at, answer))
        });
        match answer {
            Some((at, answer)) => self.schedule(at.max(now), StationInput::Token { run, answer }),
            None => {
                self.open = Some("it would have been sent to once more, and what it answers was never seen".to_owned());
            }
        }
    }

    fn claim(&mut self, now: Tick, run: RunId) -> Option<StationInput> {
        let answer = match &self.claimed {
            Some((at, device)) if *at < now + POLL_EVERY => {
                let (at, device) = (*at, device.clone());
                let answer = ClaimAnswer::Claimed {
                    device_id: device,
                    agent_url: None,
                };
                if at > now {
                    self.schedule(at, StationInput::Claim { run, answer });
                    return None;
                }
                answer
            }
            Some(_) | None => ClaimAnswer::NotYet,
        };
        Some(StationInput::Claim { run, answer })
    }

    /// Sends as it was sent: at that rate, and `of` so many symbols.
    fn send(&mut self, now: Tick, number: u32, rate: u8, of: u32) -> Option<StationInput> {
        let Some(attempt) = self.recorded.attempts.iter().find(|made| made.number == number) else {
            self.open = Some("it would have been sent to once more, and what it answers was never seen".to_owned());
            return None;
        };
        let began = Tick::ZERO + attempt.began;
        let ended = began + attempt.took;
        if attempt.rate != rate {
            self.open = Some(format!(
                "it would have been sent to at {rate} symbols a second, and was at {}",
                attempt.rate
            ));
            return None;
        }
        let whole = attempt.symbols >= of;
        let cut = match attempt.result {
            AttemptResult::NotReceiving => true,
            AttemptResult::Damaged | AttemptResult::Stopped => !whole,
            AttemptResult::Received | AttemptResult::NoAnswer | AttemptResult::Late | AttemptResult::LampFailed => {
                false
            }
        };
        self.cut = cut.then_some(ended);
        if now > ended {
            self.open = Some("it would have been sent to later than it was".to_owned());
            return None;
        }
        self.station.watches(true);
        let report = SendReport {
            run: self.recorded.run,
            attempt: number,
            began,
            ended,
            symbols: attempt.symbols,
            end: match attempt.result {
                AttemptResult::Received
                | AttemptResult::Damaged
                | AttemptResult::NoAnswer
                | AttemptResult::NotReceiving => SendEnd::Complete,
                AttemptResult::Late => SendEnd::Late,
                AttemptResult::Stopped if whole => SendEnd::Complete,
                AttemptResult::Stopped => SendEnd::Stopped,
                AttemptResult::LampFailed => SendEnd::LampFailed(String::new()),
            },
            latest: attempt.latest,
            lateness: attempt.lateness,
        };
        self.schedule(began.max(now), StationInput::Symbol(began));
        self.schedule(ended, StationInput::Sent(report, Seen::default()));
        None
    }
}

/// What the station was told, by what it noted.
fn told(fact: &Evidence) -> Option<StationInput> {
    match fact.kind {
        EvidenceKind::Bless => bless(&fact.detail).map(StationInput::Bless),
        EvidenceKind::LoopBack if fact.detail == words::LAMP_SEEN => Some(StationInput::Lamp(LampSeen::Well)),
        EvidenceKind::Light => fact
            .detail
            .starts_with(words::GOES_ON)
            .then_some(StationInput::GoesOnFlashing(GoesOn { lit: 0, share: 0.0 })),
        EvidenceKind::Nest
        | EvidenceKind::Stage
        | EvidenceKind::LoopBack
        | EvidenceKind::Token
        | EvidenceKind::Claim
        | EvidenceKind::Fault
        | EvidenceKind::Act
        | EvidenceKind::Policy => None,
    }
}

/// The bless event that a fact tells of; nothing from one that says that an event does not count.
fn bless(detail: &str) -> Option<BlessEvent> {
    let (event, rest) = detail.strip_prefix("event ")?.split_once(": ")?;
    let (said, device) = rest.split_once(", device ")?;
    Some(BlessEvent {
        event: event.to_owned(),
        device_id: (device != words::UNNAMED).then(|| device.to_owned()),
        token_id: None,
        blessed: match said {
            words::BLESSED => true,
            words::REFUSED => false,
            _ => return None,
        },
    })
}
