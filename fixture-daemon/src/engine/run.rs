//! One unit's stay in a lane, as a record that grows.

use core::time::Duration;

use blinkup::Tick;
use blinkup::codes::Colour;
use blinkup::reader::{Observed, Shade};
use fixture_ledger::record::{
    Attempt, AttemptResult, Evidence, EvidenceKind, LoopBack, Measurement, Purpose, RunEnd, StoredReading,
};
use fixture_link::act::Mark;
use fixture_link::bless::BlessEvent;
use fixture_link::identity::{RunId, Serial};
use fixture_link::snapshot::Stage;
use fixture_link::verdict::VerdictCode;

use super::effect::LaneEffect;
use super::input::{Seating, SendReport};
use super::meaning::{Meaning, Meanings};
use super::nest::NestReport;
use super::watch::FAULT_STANDS;

/// Readings, and facts, that a run keeps at most; more only come from light that never settles.
const KEPT_AT_MOST: usize = 2000;

/// How long rapid red must stand as a reading alone.
const RAPID_RED_STANDS: Duration = Duration::from_secs(8);
/// The longest flash and the longest gap of rapid red (40 to 200 ms in the table, and the edge's wander).
const FLICKER_STEP: Duration = Duration::from_millis(220);
/// Flashes in a row that are no restart's single one.
const FLICKERS: u32 = 2;
/// How long ago the last one may have been: three gaps, so that two missed flashes do not end it.
const FLICKER_GAP: Duration = Duration::from_millis(600);

/// A run in progress.
#[derive(Debug)]
pub struct Run {
    /// Its id.
    pub id: RunId,
    /// The unit.
    pub serial: Option<Serial>,
    /// What it is run for.
    pub purpose: Purpose,
    /// When it began; all times of its records count from here.
    pub seated: Tick,
    /// When the unit last got power.
    pub powered: Tick,
    /// Whether the unit still lies in the nest.
    pub presence: Presence,
    /// What the empty nest told.
    pub nest: NestReport,
    /// How far the unit got.
    pub stage: Stage,
    /// The reading that stands.
    pub standing: Option<Standing>,
    /// The colour that the LED has.
    pub colour: Option<Shade>,
    /// Whether any light was seen since the unit got power.
    pub light: Light,
    /// When the LED last lit up.
    pub lit_up: Option<Tick>,
    /// Short red flashes in a row.
    pub flicker: Flicker,
    /// Attempts that failed by the unit's or the light's fault: how far along the ladder.
    pub failed: u32,
    /// How the last of those ended.
    pub last_failure: Option<AttemptResult>,
    /// Attempts that were void because a symbol was late.
    pub late: u32,
    /// How often the unit's power was cycled since the last attempt.
    pub power_cycles: u32,
    /// The ids of the tokens that it used, the newest last.
    pub tokens: Vec<String>,
    /// Since when the unit was seen online.
    pub online: Option<Tick>,
    /// What the cloud says about the blessing.
    pub bless: Option<BlessEvent>,
    /// Whether the cloud has said which device used the token.
    pub claimed: Claimed,
    /// The device id, where it is known: from there, or from a bless event.
    pub device_id: Option<String>,
    /// The agent's URL, where it is known.
    pub agent_url: Option<String>,
    /// What was measured of the unit.
    pub measurements: Vec<Measurement>,
    draft: Option<Attempt>,
    attempts: Vec<Attempt>,
    readings: Vec<StoredReading>,
    evidence: Vec<Evidence>,
}

/// What a unit is run for by its mark.
pub fn purpose(seating: &Seating) -> Purpose {
    match seating.history.mark {
        Mark::Ordinary => Purpose::Production,
        Mark::Golden => Purpose::Golden,
        Mark::KnownBad => Purpose::KnownBad,
    }
}

/// Whether the cloud has said which device used a run's token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Claimed {
    /// Not yet.
    No,
    /// It has; a bless event can then be matched by the device alone.
    Yes,
}

/// Whether the run's unit is in the nest.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Presence {
    /// It is.
    InNest,
    /// It was lifted.
    Lifted,
}

/// Whether any light was seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Light {
    /// None.
    Never,
    /// Some.
    Seen,
}

/// What an attempt was sent with.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Lit {
    /// Symbols a second.
    pub rate: u8,
    /// The light of bright that the lane's lamp gave, as a share of its full light.
    pub bright: f32,
    /// Mid light as a share of bright; `None` where an imp sent at levels of its own.
    pub mid_share: Option<f32>,
}

/// Short red flashes with short gaps.
#[derive(Debug, Clone, Copy, Default)]
pub struct Flicker {
    /// How many in a row.
    pub flashes: u32,
    /// When the last one ended.
    pub last_ended: Option<Tick>,
}

impl Flicker {
    fn shade(&mut self, before: Option<Shade>, shade: Shade) {
        let Some(before) = before.filter(|before| before.colour == Colour::Red) else {
            return;
        };
        let short = shade.from.since(before.from) <= FLICKER_STEP;
        let close = self
            .last_ended
            .is_some_and(|ended| before.from.since(ended) <= FLICKER_STEP);
        self.flashes = match (short, close) {
            (true, true) => self.flashes + 1,
            (true, false) => 1,
            (false, _) => 0,
        };
        self.last_ended = Some(shade.from);
    }
}

/// A reading that stands until the next one.
#[derive(Debug, Clone, PartialEq)]
pub struct Standing {
    /// When it was decided.
    pub at: Tick,
    /// What it means; `None` while the light is unreadable, or not as sure as the recipe asks.
    pub meaning: Option<Meaning>,
    /// The ids of its codes.
    pub codes: String,
}

impl Run {
    /// A run that begins now.
    pub fn new(seating: Seating, purpose: Purpose, seated: Tick, powered: Tick, nest: NestReport) -> Self {
        let mut run = Self {
            id: seating.run,
            purpose,
            serial: seating.serial,
            seated,
            powered,
            presence: Presence::InNest,
            nest,
            stage: Stage::Seated,
            standing: None,
            colour: None,
            light: Light::Never,
            lit_up: None,
            flicker: Flicker::default(),
            failed: 0,
            last_failure: None,
            late: 0,
            power_cycles: 0,
            tokens: Vec::new(),
            online: None,
            bless: None,
            claimed: Claimed::No,
            device_id: None,
            agent_url: None,
            measurements: Vec::new(),
            draft: None,
            attempts: Vec::new(),
            readings: Vec::new(),
            evidence: Vec::new(),
        };
        let words = run.nest.words.clone();
        run.note(seated, EvidenceKind::Nest, words);
        run
    }

    /// Takes in what a sample taught.
    pub fn observe(&mut self, observed: &Observed, meanings: &Meanings, confidence: f32) {
        if let Some(shade) = observed.shade {
            self.flicker.shade(self.colour, shade);
            self.colour = Some(shade);
            if shade.colour != Colour::Off {
                self.light = Light::Seen;
                self.lit_up = Some(shade.from);
            }
        }
        if let Some(reading) = observed.reading {
            let codes = reading.pattern.map_or(&[][..], |pattern| meanings.codes(pattern));
            if self.readings.len() < KEPT_AT_MOST {
                self.readings.push(StoredReading {
                    at: reading.at.since(self.seated),
                    codes: codes.to_vec(),
                    confidence: reading.confidence,
                });
            }
            let meaning = reading
                .pattern
                .filter(|_| reading.confidence >= confidence)
                .map(|pattern| meanings.of(pattern));
            if meaning.is_some_and(Meaning::is_lit) {
                self.light = Light::Seen;
            }
            self.standing = Some(Standing {
                at: reading.at,
                meaning,
                codes: codes.join(", "),
            });
        }
    }

    /// The unit was without power: what its LED showed before says nothing any more.
    pub fn power_came(&mut self, now: Tick) {
        self.powered = now;
        self.power_cycles += 1;
        self.standing = None;
        self.colour = None;
        self.lit_up = None;
        self.flicker = Flicker::default();
        self.light = Light::Never;
    }

    /// The meaning that stands, and since when.
    pub fn shows(&self) -> Option<(Meaning, Tick)> {
        let standing = self.standing.as_ref()?;
        Some((standing.meaning?, standing.at))
    }

    /// How long a rapid red must stand until it condemns the unit. The flash of one restart can be taken for it until the next pattern
    /// is sure; where the colours really flicker it needs less.
    pub fn rapid_red_stands(&self, now: Tick) -> Duration {
        let flickers = self.flicker.flashes >= FLICKERS
            && self
                .flicker
                .last_ended
                .is_some_and(|ended| now.since(ended) <= FLICKER_GAP);
        if flickers { FAULT_STANDS } else { RAPID_RED_STANDS }
    }

    /// The codes that stand, for the detail of a verdict.
    pub fn shown_codes(&self) -> String {
        self.standing
            .as_ref()
            .map_or_else(String::new, |standing| standing.codes.clone())
    }

    /// Whether the light is there but cannot be named.
    pub fn is_unreadable(&self) -> bool {
        match &self.standing {
            Some(standing) => standing.meaning.is_none(),
            None => self.light == Light::Seen,
        }
    }

    /// Keeps a fact.
    pub fn note(&mut self, now: Tick, kind: EvidenceKind, detail: impl Into<String>) {
        if self.evidence.len() < KEPT_AT_MOST {
            self.evidence.push(Evidence {
                at: now.since(self.seated),
                kind,
                detail: detail.into(),
            });
        }
    }

    /// Whether the last fact of this kind was the same.
    pub fn noted_last(&self, kind: EvidenceKind, detail: &str) -> bool {
        let last = self.evidence.iter().rev().find(|fact| fact.kind == kind);
        last.is_some_and(|fact| fact.detail == detail)
    }

    /// The unit reached a stage.
    pub fn reached(&mut self, now: Tick, stage: Stage) {
        if self.stage != stage {
            self.stage = stage;
            self.note(now, EvidenceKind::Stage, stage.as_str());
        }
    }

    /// The number of the next attempt, from 1.
    pub fn next_attempt(&self) -> u32 {
        u32::try_from(self.attempts.len()).map_or(u32::MAX, |made| made + 1)
    }

    /// A transmission is over; how it ended is not known yet.
    pub fn draft(&mut self, report: &SendReport, lit: Lit, token_id: Option<String>, loop_back: Option<LoopBack>) {
        self.draft = Some(Attempt {
            number: report.attempt,
            rate: lit.rate,
            level_permille: permille(lit.bright),
            mid_permille: lit.mid_share.map(permille),
            began: report.began.since(self.seated),
            took: report.ended.since(report.began),
            token_id,
            result: AttemptResult::Stopped,
            symbols: report.symbols,
            latest: report.latest,
            lateness: report.lateness,
            loop_back,
        });
    }

    /// The attempt has ended so: it is stored at once.
    pub fn close_attempt(&mut self, result: AttemptResult, out: &mut Vec<LaneEffect>) {
        if let Some(mut attempt) = self.draft.take() {
            attempt.result = result;
            out.push(LaneEffect::RecordAttempt {
                run: self.id,
                attempt: attempt.clone(),
            });
            self.attempts.push(attempt);
        }
    }

    /// Whether a bless event is about this run's unit.
    pub fn is_meant_by(&self, event: &BlessEvent) -> bool {
        is_meant(event, &self.tokens, self.device_id.as_deref(), self.serial.as_ref())
    }

    /// The record that goes into the ledger. The lane adds the trace and the lost samples.
    pub fn end(&mut self, now: Tick, code: VerdictCode, detail: String) -> RunEnd {
        let mut measurements = core::mem::take(&mut self.measurements);
        measurements.append(&mut self.nest.light);
        RunEnd {
            run: self.id,
            code,
            detail,
            stage: self.stage,
            took: now.since(self.seated),
            device_id: self.device_id.clone(),
            agent_url: self.agent_url.clone(),
            attempts: core::mem::take(&mut self.attempts),
            readings: core::mem::take(&mut self.readings),
            evidence: core::mem::take(&mut self.evidence),
            measurements,
            trace: Vec::new(),
            samples_lost: 0,
        }
    }

    /// How long the unit still listens for BlinkUp.
    pub fn window_left(&self, now: Tick, listens_for: Duration) -> Duration {
        (self.powered + listens_for).since(now)
    }
}

/// A level or a share, 0 to 1, in thousandths.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "it is 0 to 1")]
fn permille(share: f32) -> u16 {
    (f64::from(share.clamp(0.0, 1.0)) * 1000.0).round() as u16
}

/// Whether a bless event is about a unit in this run: by the token where the event names one, else by the device id, or by a serial that is the
/// device id. Another device's event is never this unit's, and an event about the token of an earlier run is not about this one.
pub fn is_meant(event: &BlessEvent, tokens: &[String], device_id: Option<&str>, serial: Option<&Serial>) -> bool {
    let named = event.device_id.as_deref();
    let known = named
        .zip(device_id)
        .map(|(named, known)| named.eq_ignore_ascii_case(known));
    if known == Some(false) {
        return false;
    }
    if let Some(token) = &event.token_id {
        return tokens.contains(token);
    }
    known == Some(true)
        || named.is_some_and(|device| serial.is_some_and(|serial| serial.as_str().eq_ignore_ascii_case(device)))
}
