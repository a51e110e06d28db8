//! How good a reader is, in the four figures that it is measured by.

use blinkup::codes::Colour;
use blinkup::codes::{CodeTable, PatternId};
use blinkup::reader::{Reader, ReaderSettings, Transient};

use super::truth::Case;

/// The figures over many traces.
#[derive(Debug, Default, Clone)]
pub struct Score {
    pub traces: usize,
    pub showings: usize,
    pub due: usize,
    pub named: usize,
    pub false_readings: usize,
    /// From the decidable moment to the reading, milliseconds, of those named.
    pub excess_ms: Vec<f64>,
    pub stale_ms: f64,
    pub standing_ms: f64,
    /// Single red flashes after which a pattern without red was shown, and those of them that were told.
    pub flashes_due: usize,
    pub flashes_told: usize,
    /// Flashes told where there was none.
    pub flashes_false: usize,
    /// From a flash's end to when it was told, milliseconds.
    pub flash_ms: Vec<f64>,
    /// Light, milliseconds.
    pub length_ms: f64,
    /// What went wrong, in words.
    pub remarks: Vec<String>,
}

/// What a reader said: readings by milliseconds and pattern, and single red flashes.
#[derive(Debug, PartialEq)]
pub struct Said {
    pub readings: Vec<(f64, Option<PatternId>)>,
    pub transients: Vec<Transient>,
}

impl Score {
    /// Reads every case with a reader of its own.
    pub fn of(cases: &[Case], table: &CodeTable, settings: ReaderSettings) -> Self {
        let mut score = Self::default();
        for case in cases {
            let said = said(case, table, settings);
            score.add(case, table, &said.readings);
            score.add_flashes(case, table, &said.transients);
        }
        score.excess_ms.sort_by(f64::total_cmp);
        score.flash_ms.sort_by(f64::total_cmp);
        score
    }

    /// Both together.
    pub fn and(mut self, other: Self) -> Self {
        self.traces += other.traces;
        self.showings += other.showings;
        self.due += other.due;
        self.named += other.named;
        self.false_readings += other.false_readings;
        self.excess_ms.extend(other.excess_ms);
        self.excess_ms.sort_by(f64::total_cmp);
        self.stale_ms += other.stale_ms;
        self.standing_ms += other.standing_ms;
        self.flashes_due += other.flashes_due;
        self.flashes_told += other.flashes_told;
        self.flashes_false += other.flashes_false;
        self.flash_ms.extend(other.flash_ms);
        self.flash_ms.sort_by(f64::total_cmp);
        self.length_ms += other.length_ms;
        self.remarks.extend(other.remarks);
        self
    }

    /// The share of due showings that got their reading.
    pub fn named_share(&self) -> f64 {
        self.named as f64 / self.due.max(1) as f64
    }

    /// Wrong readings over showings.
    pub fn false_share(&self) -> f64 {
        self.false_readings as f64 / self.showings.max(1) as f64
    }

    /// The excess below which this share of the showings lie.
    pub fn excess_at(&self, share: f64) -> f64 {
        let last = self.excess_ms.len().saturating_sub(1);
        self.excess_ms
            .get((last as f64 * share).round() as usize)
            .copied()
            .unwrap_or(f64::NAN)
    }

    /// The share of time under another standing reading.
    pub fn stale_share(&self) -> f64 {
        self.stale_ms / self.standing_ms.max(1.0)
    }

    /// The row of the table.
    pub fn row(&self, condition: &str) -> String {
        format!(
            "{condition:8} {:4} traces {:5} showings | named {:7.3} % of {:4} | false {:6.3} % | excess {:5.0} / {:5.0} ms | stale {:6.3} %",
            self.traces,
            self.showings,
            100.0 * self.named_share(),
            self.due,
            100.0 * self.false_share(),
            self.excess_at(0.5),
            self.excess_at(0.95),
            100.0 * self.stale_share(),
        )
    }

    /// What is said of single red flashes.
    pub fn flash_row(&self) -> String {
        let last = self
            .flash_ms
            .get((self.flash_ms.len() * 19 / 20).min(self.flash_ms.len().saturating_sub(1)));
        format!(
            "         flashes told {} of {}, 95 % within {:.0} ms of the end | where there was none {} in {:.2} h",
            self.flashes_told,
            self.flashes_due,
            last.copied().unwrap_or(f64::NAN),
            self.flashes_false,
            self.length_ms / 3.6e6
        )
    }

    fn add_flashes(&mut self, case: &Case, table: &CodeTable, transients: &[Transient]) {
        self.length_ms += case.length_ms;
        let is_flash = |code: &str| {
            table
                .code(code)
                .is_some_and(|code| code.kind == blinkup::codes::Kind::Transient)
        };
        let ms = |tick: blinkup::Tick| tick.as_micros() as f64 / 1e3;
        let is_of = |transient: &Transient, from: f64| (ms(transient.from) - from).abs() <= 60.0;
        let mut begins = Vec::new();
        for (index, showing) in case
            .shown
            .iter()
            .enumerate()
            .filter(|(_, showing)| is_flash(&showing.code))
        {
            begins.push(showing.from_ms);
            let next = case.shown.get(index + 1).and_then(|next| table.pattern_of(&next.code));
            if !next.is_some_and(|next| next.steps().iter().all(|step| step.colour != Some(Colour::Red))) {
                continue;
            }
            self.flashes_due += 1;
            match transients.iter().find(|transient| is_of(transient, showing.from_ms)) {
                Some(told) => {
                    self.flashes_told += 1;
                    self.flash_ms.push(ms(told.at) - case.until_ms(index));
                }
                None => self
                    .remarks
                    .push(format!("{}: flash at {:.0} not told", case.name, showing.from_ms)),
            }
        }
        for transient in transients {
            if !begins.iter().any(|from| is_of(transient, *from)) {
                self.flashes_false += 1;
                let shown = case
                    .shown
                    .iter()
                    .take_while(|showing| showing.from_ms <= ms(transient.from))
                    .last();
                self.remarks.push(format!(
                    "{}: {:.0}: flash told from {:.0} at {:.2} while {}",
                    case.name,
                    ms(transient.at),
                    ms(transient.from),
                    transient.confidence,
                    shown.map_or_else(String::new, |showing| format!(
                        "{} since {:.0}",
                        showing.code, showing.from_ms
                    ))
                ));
            }
        }
    }

    fn add(&mut self, case: &Case, table: &CodeTable, readings: &[(f64, Option<PatternId>)]) {
        let pattern_of = |code: &str| table.pattern_of(code).map(blinkup::codes::Pattern::id);
        let name = |pattern: Option<PatternId>| {
            pattern
                .and_then(|id| table.pattern(id))
                .map_or("unreadable", |pattern| pattern.name())
        };
        self.traces += 1;
        for (index, showing) in case.shown.iter().enumerate() {
            self.showings += 1;
            let (from, until) = (showing.from_ms, case.until_ms(index));
            let shown = pattern_of(&showing.code);
            let before = index
                .checked_sub(1)
                .and_then(|index| pattern_of(&case.shown[index].code));
            let standing_at = |ms: f64| {
                readings
                    .iter()
                    .take_while(|(at, _)| *at <= ms)
                    .last()
                    .map(|(_, pattern)| *pattern)
            };
            for (at, pattern) in readings.iter().filter(|(at, _)| (from..until).contains(at)) {
                let right = shown.is_some() && *pattern == shown;
                let late = before.is_some() && *pattern == before && at - from <= 600.0;
                if !right && !late {
                    self.false_readings += 1;
                    self.remarks.push(format!(
                        "{}: {at:.0}: {} while {} since {from:.0}",
                        case.name,
                        name(*pattern),
                        showing.code
                    ));
                }
            }
            let Some(decidable) = showing.decidable_after_ms else {
                continue;
            };
            let held_first = case.name.starts_with("hard")
                && index == 0
                && shown
                    .and_then(|id| table.pattern(id))
                    .is_some_and(|p| p.steps().len() == 1);
            if until - from >= decidable + 1200.0 && !held_first {
                self.due += 1;
                let told = readings
                    .iter()
                    .find(|(at, pattern)| (from..until).contains(at) && *pattern == shown);
                if let Some((at, _)) = told {
                    self.named += 1;
                    let excess = at - from - decidable;
                    self.excess_ms.push(excess);
                    if excess > 400.0 {
                        self.remarks
                            .push(format!("{}: {at:.0}: {} {excess:.0} ms late", case.name, showing.code));
                    }
                } else if standing_at(until) == Some(shown) {
                    self.named += 1;
                } else {
                    self.remarks.push(format!(
                        "{}: {} from {from:.0} to {until:.0} not named",
                        case.name, showing.code
                    ));
                }
            }
            let settled = from + decidable + 1500.0;
            let mut ms = settled;
            while ms < until {
                self.standing_ms += 10.0;
                if standing_at(ms).is_some_and(|standing| standing != shown) {
                    self.stale_ms += 10.0;
                }
                ms += 10.0;
            }
        }
    }
}

/// What a reader says of a case.
pub fn said(case: &Case, table: &CodeTable, settings: ReaderSettings) -> Said {
    let mut reader = Reader::new(table, case.trace.header.sensor(), settings);
    let mut said = Said {
        readings: Vec::new(),
        transients: Vec::new(),
    };
    for sample in case.trace.samples() {
        let observed = reader.push(&sample);
        let reading = observed.reading;
        said.readings
            .extend(reading.map(|reading| (reading.at.as_micros() as f64 / 1000.0, reading.pattern)));
        said.transients.extend(observed.transient);
    }
    said
}
