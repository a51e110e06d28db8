//! A run's light, drawn over time: stages, named patterns, the LED's colour, the lamp, and what the sensor counted.
//!
//! Everything is measured here, in whole units of the drawing; the template only writes it down.

use core::fmt::Write as _;
use core::time::Duration;

use blinkup::codes::{CodeTable, Colour};
use blinkup::reader::{Reader, ReaderSettings};
use blinkup::trace::compact::{self, CompactError};
use blinkup::trace::{Row, Trace};
use blinkup::{Level, Tick};
use fixture_ledger::record::EvidenceKind;
use fixture_ledger::report::{RunDetail, StoredVerdict};
use fixture_link::verdict::Outcome;

use super::list::seconds;
use crate::view::led::{Piece, colour_word};
use crate::view::wording;

/// Left edge of the drawing's rows; names stand left of it.
pub const LEFT: u32 = 84;

/// Width of the time axis.
pub const WIDTH: u32 = 1000;

/// Height of the curve of counts.
const CURVE: u32 = 120;

/// A character's width at the drawing's size of type, rounded up.
const LETTER: u32 = 7;

/// A run's light, ready to be written as SVG.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Light {
    /// Stages, from when each was reached.
    pub stages: Vec<Band>,
    /// Readings, each until the next.
    pub readings: Vec<Band>,
    /// The LED's colour.
    pub led: Vec<Piece>,
    /// The samples that saw the lamp lit, as a path of vertical strokes.
    pub lamp: String,
    /// Attempts, each with the frame that it sent.
    pub attempts: Vec<Band>,
    /// The clear channel with the lamp dark, as a path of vertical strokes.
    pub counts: String,
    /// The most counts that the curve shows.
    pub most: String,
    /// Marks of the time axis.
    pub marks: Vec<Mark>,
    /// The drawing for those who do not see it.
    pub alternative: String,
    /// Why there is no light; empty where there is.
    pub missing: String,
}

impl Light {
    /// Whether there is anything to draw.
    pub fn is_drawn(&self) -> bool {
        self.missing.is_empty() || !(self.stages.is_empty() && self.readings.is_empty() && self.attempts.is_empty())
    }
}

/// A named stretch of time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Band {
    /// Its left edge.
    pub x: u32,
    /// Its width.
    pub width: u32,
    /// What it is called, as long as fits.
    pub label: String,
    /// All of what it is called, and from when.
    pub title: String,
}

/// A mark of the time axis.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mark {
    /// Where.
    pub x: u32,
    /// The time.
    pub label: String,
}

/// Time onto the drawing.
#[derive(Clone, Copy)]
struct Scale {
    whole: Duration,
}

impl Scale {
    /// The place of a time since the unit was seated.
    fn x(self, at: Duration) -> u32 {
        let whole = self.whole.as_micros().max(1);
        let place = at.as_micros().min(whole) * u128::from(WIDTH) / whole;
        u32::try_from(place).unwrap_or(WIDTH)
    }

    fn band(self, from: Duration, until: Duration, name: &str) -> Band {
        let (x, end) = (self.x(from), self.x(until));
        let width = end.saturating_sub(x).max(1);
        let letters = (width.saturating_sub(6) / LETTER) as usize;
        let label = if name.chars().count() <= letters {
            name.to_owned()
        } else if letters >= 4 {
            format!("{}…", name.chars().take(letters - 1).collect::<String>())
        } else {
            String::new()
        };
        Band {
            x,
            width,
            label,
            title: format!("{}: {name}", seconds(from)),
        }
    }
}

impl Light {
    /// Draws a run. The trace's ticks count from when the unit was seated.
    pub fn of(run: &RunDetail, codes: &CodeTable) -> Self {
        let trace = if run.trace.is_empty() {
            Err(without_light(run))
        } else {
            compact::decode(&run.trace)
                .map_err(|error: CompactError| format!("The recorded light cannot be read: {error}."))
        };
        let scale = Scale {
            whole: whole(run, trace.as_ref().ok()),
        };
        let mut light = Self {
            stages: stages(run, scale),
            readings: readings(run, scale),
            attempts: run
                .attempts
                .iter()
                .map(|attempt| {
                    let name = format!(
                        "{} {}: {} symbols at {}/s",
                        attempt.number,
                        wording::attempt(attempt.result),
                        attempt.symbols,
                        attempt.rate
                    );
                    scale.band(attempt.began, attempt.began + attempt.took, &name)
                })
                .collect(),
            marks: marks(scale),
            ..Self::default()
        };
        match trace {
            Ok(trace) => {
                let shades = shades(&trace, codes);
                light.led = pieces(&shades, scale);
                light.lamp = lamp(&trace.rows, scale);
                (light.counts, light.most) = counts(&trace.rows, scale);
                light.alternative = alternative(run, &shades, scale);
            }
            Err(missing) => {
                light.alternative = alternative(run, &[], scale);
                light.missing = missing;
            }
        }
        light
    }
}

/// Why a run has no light.
fn without_light(run: &RunDetail) -> String {
    match &run.row.verdict {
        None => "A run's light is stored with its verdict: there is none yet.".to_owned(),
        Some(verdict) if verdict.outcome == Outcome::Interrupted => {
            "No light was kept: it is stored with the verdict, and power or the software stopped before that."
                .to_owned()
        }
        Some(StoredVerdict { took: Some(took), .. }) => format!(
            "No light was recorded: the run ended {} after its unit was seated, before the sensor had seen the LED.",
            seconds(*took)
        ),
        Some(_) => "No light was recorded.".to_owned(),
    }
}

/// How long the drawing is: until the verdict, and until the last thing that is drawn.
fn whole(run: &RunDetail, trace: Option<&Trace>) -> Duration {
    let took = run.row.verdict.as_ref().and_then(|verdict| verdict.took);
    let attempts = run.attempts.iter().map(|attempt| attempt.began + attempt.took);
    let readings = run.readings.iter().map(|reading| reading.at);
    let facts = run.evidence.iter().map(|fact| fact.at);
    let light = trace
        .and_then(|trace| trace.rows.last())
        .map(|row| since_seated(row.at));
    let times = took
        .into_iter()
        .chain(attempts)
        .chain(readings)
        .chain(facts)
        .chain(light);
    times.max().unwrap_or_default().max(Duration::from_secs(1))
}

fn since_seated(at: Tick) -> Duration {
    at.since(Tick::ZERO)
}

fn stages(run: &RunDetail, scale: Scale) -> Vec<Band> {
    let reached: Vec<_> = run
        .evidence
        .iter()
        .filter(|fact| fact.kind == EvidenceKind::Stage)
        .collect();
    let ends = reached.iter().skip(1).map(|fact| fact.at).chain([scale.whole]);
    reached
        .iter()
        .zip(ends)
        .map(|(fact, end)| scale.band(fact.at, end, wording::reached(&fact.detail)))
        .collect()
}

fn readings(run: &RunDetail, scale: Scale) -> Vec<Band> {
    let ends = run
        .readings
        .iter()
        .skip(1)
        .map(|reading| reading.at)
        .chain([scale.whole]);
    run.readings
        .iter()
        .zip(ends)
        .map(|(reading, end)| scale.band(reading.at, end, &reading_words(&reading.codes)))
        .collect()
}

/// A reading in words.
pub fn reading_words(codes: &[String]) -> String {
    if codes.is_empty() {
        "unreadable".to_owned()
    } else {
        wording::status(codes)
    }
}

/// The LED's colours as the LED reader tells them from the trace, each from when.
fn shades(trace: &Trace, codes: &CodeTable) -> Vec<(Duration, Colour)> {
    let mut reader = Reader::new(codes, trace.header.sensor(), ReaderSettings::default());
    trace
        .samples()
        .filter_map(|sample| reader.push(&sample).shade)
        .map(|shade| (since_seated(shade.from), shade.colour))
        .collect()
}

fn pieces(shades: &[(Duration, Colour)], scale: Scale) -> Vec<Piece> {
    let ends = shades.iter().skip(1).map(|(from, _)| *from).chain([scale.whole]);
    shades
        .iter()
        .zip(ends)
        .filter_map(|(&(from, colour), until)| {
            let (from, until) = (scale.x(from), scale.x(until));
            (until > from).then_some(Piece {
                colour: Some(colour),
                from,
                width: until - from,
            })
        })
        .collect()
}

/// The brightest lamp of each column's samples, as strokes up from a base line at 30. Not every sample that saw the lamp is stored, so that
/// these are not the symbols.
fn lamp(rows: &[Row], scale: Scale) -> String {
    let mut path = String::new();
    for column in columns(rows, scale) {
        let brightest = column.rows.iter().map(|row| row.lamp.fraction()).fold(0.0, f32::max);
        if brightest > 0.0 {
            // Writing to a String cannot fail.
            let _written = write!(path, "M{} 30v-{:.1}", column.x, brightest * 26.0 + 2.0);
        }
    }
    path
}

/// The least and most of each column's clear counts with the lamp dark, as strokes.
fn counts(rows: &[Row], scale: Scale) -> (String, String) {
    let dark = |row: &&Row| row.lamp == Level::DARK;
    let most = rows.iter().filter(dark).map(|row| row.counts.clear).max().unwrap_or(0);
    let place = |counts: u16| CURVE - u32::from(counts) * CURVE / u32::from(most.max(1));
    let mut path = String::new();
    for column in columns(rows, scale) {
        let clear = || column.rows.iter().filter(dark).map(|row| row.counts.clear);
        if let (Some(low), Some(high)) = (clear().min(), clear().max()) {
            let (low, high) = (place(low), place(high));
            // Writing to a String cannot fail.
            let _written = write!(path, "M{} {}v{}", column.x, high, (low - high).max(1));
        }
    }
    (path, most.to_string())
}

/// Rows that fall onto the same place of the time axis.
struct Column<'a> {
    x: u32,
    rows: &'a [Row],
}

fn columns(rows: &[Row], scale: Scale) -> impl Iterator<Item = Column<'_>> {
    let x = move |row: &Row| scale.x(since_seated(row.at));
    rows.chunk_by(move |one, other| x(one) == x(other))
        .filter_map(move |rows| rows.first().map(|first| Column { x: x(first), rows }))
}

/// At most twelve marks, at round times.
fn marks(scale: Scale) -> Vec<Mark> {
    let whole = scale.whole.as_secs();
    let step = [1, 2, 5, 10, 20, 30, 60, 120, 300, 600, 1800, 3600]
        .into_iter()
        .find(|step| whole / step <= 12)
        .unwrap_or(86_400);
    (0..=whole / step)
        .map(|number| number * step)
        .map(|at| Mark {
            x: scale.x(Duration::from_secs(at)),
            label: format!("{at} s"),
        })
        .collect()
}

fn alternative(run: &RunDetail, shades: &[(Duration, Colour)], scale: Scale) -> String {
    let mut text = format!("The first {} from when the unit was seated.", seconds(scale.whole));
    for attempt in &run.attempts {
        // Writing to a String cannot fail.
        let _written = write!(
            text,
            " Attempt {} from {} to {}: {} symbols at {} a second.",
            attempt.number,
            seconds(attempt.began),
            seconds(attempt.began + attempt.took),
            attempt.symbols,
            attempt.rate
        );
    }
    if let Some((at, colour)) = shades.last() {
        let _written = write!(
            text,
            " The LED changed its colour {} times; it was {} from {} on.",
            shades.len(),
            colour_word(*colour),
            seconds(*at)
        );
    }
    text.push_str(" The tables below name every stage and reading.");
    text
}
