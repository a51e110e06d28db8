//! One shift on one sheet: what was made, how well, what was left out and why, to be printed and signed.

use core::time::Duration;
use std::sync::Arc;

use askama::Template;
use axum::extract::{RawQuery, State};
use axum::response::Html;
use fixture_ledger::LedgerError;
use fixture_ledger::pace::{Change, PACE_LIMIT, Pace, Standstill};
use fixture_ledger::report::{Reports, Yield};
use fixture_ledger::seal::Seal;
use fixture_ledger::shift::{Met, Wholeness};
use fixture_ledger::yields::{By, Counted, Scope, Span, Tally};
use fixture_link::settings::ShiftTime;
use fixture_link::verdict::{Outcome, Refusal, VerdictCode};
use jiff::Timestamp;

use super::Sources;
use super::asked::short;
use super::chart::percent;
use super::day::Day;
use super::frame::{Frame, moment};
use super::link;
use super::list::{clock_time, instant, seconds};
use super::oee::Oee;
use super::problem::{Problem, page as rendered};
use super::study;
use super::yields::{Figure, StepWords, interval, left_out, steps, value};
use crate::view::wording;

/// Where it stands.
pub const PATH: &str = "/shift-report";

/// The most rows of a list that has to fit on the sheet; of stops and of changes each.
const ROWS: usize = 8;
const EVENTS: usize = 5;

/// The most changes that a report tells of.
const MOST_CHANGES: u32 = 200;

/// Whether a shift is over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Progress {
    /// It begins later.
    NotBegun,
    /// It lasts: its figures are those so far.
    Lasts,
    /// It is over.
    Over,
}

impl Progress {
    /// Every one.
    pub const ALL: [Self; 3] = [Self::NotBegun, Self::Lasts, Self::Over];

    /// The name in answers.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::NotBegun => "not-begun",
            Self::Lasts => "lasts",
            Self::Over => "over",
        }
    }
}

/// The shift that an address asks for: the one that ended last where it asks for none.
///
/// # Errors
/// What was expected.
pub fn asked(sources: &Sources, query: &str) -> Result<ShiftTime, String> {
    let (mut day, mut name) = (None, None);
    for (field, value) in link::fields(query) {
        let place = match field.as_str() {
            "day" => &mut day,
            "shift" => &mut name,
            _ => return Err(format!("{}: expected day or shift", short(&field))),
        };
        if place.replace(value.trim().to_owned()).is_some() {
            return Err(format!("{field}: expected once"));
        }
    }
    let given = |field: Option<String>| field.filter(|text| !text.is_empty());
    let (day, name) = (given(day), given(name));
    let Some(day) = day else {
        return match name {
            Some(_) => Err("shift: expected the day on which it begins as well".to_owned()),
            None => sources
                .shifts
                .ended_last(sources.clock.wall().as_microsecond())
                .ok_or_else(|| "day: no shift of the calendar has ended; expected a day".to_owned()),
        };
    };
    let date = Day::of(sources, &day)?.date();
    let mut on = sources.shifts.on(date);
    let names: Vec<String> = on.iter().map(|shift| shift.name.clone()).collect();
    on.retain(|shift| name.as_ref().is_none_or(|name| *name == shift.name));
    if on.is_empty() {
        return Err(match name {
            Some(name) if !names.is_empty() => {
                format!(
                    "shift: {:?}: expected one of {date}: {}",
                    short(&name),
                    names.join(", ")
                )
            }
            _ => format!("day: by the calendar no shift begins on {date}"),
        });
    }
    Ok(on.swap_remove(0))
}

/// The address of a shift's report.
pub fn address(shift: &ShiftTime) -> String {
    format!("{PATH}?day={}&shift={}", shift.date, link::quoted(&shift.name))
}

/// All that is told of a shift.
#[derive(Debug, Clone)]
pub struct Report {
    /// Which.
    pub shift: ShiftTime,
    /// Whether it is over.
    pub progress: Progress,
    /// When that was read, microseconds since 1970 UTC.
    pub now: i64,
    /// All of it.
    pub total: Tally,
    /// By lane.
    pub lanes: Vec<Counted>,
    /// What it was worked with.
    pub met: Vec<Met>,
    /// How whole it is.
    pub wholeness: Wholeness,
    /// Starts that were refused.
    pub refused: Vec<(Refusal, u64)>,
    /// Stops of the line.
    pub stops: Vec<Standstill>,
    /// Its effectiveness.
    pub oee: Oee,
    /// How long units took.
    pub pace: Pace,
    /// How often a unit was to be finished.
    pub takt: Option<Duration>,
    /// What became another.
    pub changes: Vec<Change>,
    /// The last verdict of the whole ledger and its seal.
    pub seal: Option<(i64, Seal)>,
}

impl Report {
    /// Reads it.
    ///
    /// # Errors
    /// The ledger could not be read.
    pub async fn read(sources: &Sources, shift: ShiftTime) -> Result<Self, LedgerError> {
        let now = sources.clock.wall().as_microsecond();
        let span = Span {
            from: shift.from,
            until: shift.until,
        };
        let reports = Reports::open(&sources.ledger).await?;
        let total = reports.tally(span, &Scope::default()).await?;
        let stops = reports.standstills(span, now).await?;
        let takt = sources.shifts.takt();
        let judged = total.with(Outcome::Pass) + total.with(Outcome::Fail);
        Ok(Self {
            progress: if now < shift.from {
                Progress::NotBegun
            } else if now < shift.until {
                Progress::Lasts
            } else {
                Progress::Over
            },
            now,
            lanes: reports.tallies(&[span], &Scope::default(), By::Lane).await?,
            met: reports.met(span).await?,
            wholeness: reports.wholeness(span).await?,
            refused: reports.refused(span).await?,
            oee: Oee::of(core::slice::from_ref(&shift), &stops, now, judged, total.first, takt),
            stops,
            pace: reports.pace(span, None).await?,
            takt,
            changes: reports.changes(span, MOST_CHANGES).await?,
            seal: reports.last_seal().await?,
            total,
            shift,
        })
    }
}

#[derive(Template)]
#[template(path = "shift_report.html")]
struct ReportPage {
    frame: Frame,
    day: String,
    shift: String,
    shifts: Vec<(String, bool)>,
    before: String,
    after: String,
    times: String,
    so_far: String,
    as_of: String,
    facts: Vec<(&'static str, String)>,
    study: String,
    figures: Vec<Figure>,
    steps: Vec<StepWords>,
    lanes: Vec<LaneWords>,
    codes: Vec<CodeWords>,
    more_codes: String,
    left_out: Vec<String>,
    refused: String,
    doubts: Vec<String>,
    oee: Vec<(&'static str, String)>,
    stops: Vec<StopWords>,
    more_stops: String,
    cycle: Vec<(&'static str, String)>,
    changes: Vec<(String, String)>,
    more_changes: String,
    seal: String,
    link: String,
    json: String,
}

struct LaneWords {
    lane: String,
    units: u64,
    first: String,
    interval: String,
    last: String,
    runs: u64,
    not_units: u64,
}

struct CodeWords {
    class: &'static str,
    title: &'static str,
    code: &'static str,
    runs: u64,
    first: u64,
    share: String,
    link: String,
}

struct StopWords {
    from: String,
    minutes: String,
    reason: &'static str,
    cause: String,
}

/// `GET /shift-report`
pub async fn page(sources: State<Arc<Sources>>, RawQuery(query): RawQuery) -> Result<Html<String>, Problem> {
    let shift = asked(&sources, query.as_deref().unwrap_or("")).map_err(|what| {
        Problem::unclear(
            &sources,
            what,
            "Correct the address, or leave day and shift out of it for the shift that ended last.",
        )
    })?;
    let report = Report::read(&sources, shift)
        .await
        .map_err(|error| Problem::ledger(&sources, &error))?;
    rendered(&sources, &words(&sources, &report))
}

fn words(sources: &Sources, report: &Report) -> ReportPage {
    let total = &report.total;
    let (before, after) = sources.shifts.beside(&report.shift);
    let to = |shift: Option<ShiftTime>| shift.map(|shift| address(&shift)).unwrap_or_default();
    let (codes, more_codes) = codes(report);
    let (stops, more_stops) = stops(sources, report);
    let (changes, more_changes) = changes(sources, report);
    let link = address(&report.shift);
    ReportPage {
        frame: Frame::now(sources, "export").with_simulated(total.simulated > 0),
        day: report.shift.date.to_string(),
        shift: report.shift.name.clone(),
        shifts: sources
            .shifts
            .names()
            .map(|name| (name.to_owned(), name == report.shift.name))
            .collect(),
        before: to(before),
        after: to(after),
        times: times(sources, &report.shift),
        so_far: match report.progress {
            Progress::NotBegun => "It has not begun.".to_owned(),
            Progress::Lasts => format!(
                "SO FAR: it lasts until {}, and these figures will change.",
                clock_time(sources, report.shift.until)
            ),
            Progress::Over => String::new(),
        },
        as_of: as_of(sources, report),
        facts: facts(report),
        study: study::sentence(),
        figures: vec![
            Figure::of("First-pass yield", total.first, "units in their first run"),
            Figure::of("Last-pass yield", total.last, "units in their latest run"),
            Figure::of("Yield of attempts", total.attempts, "transmissions received"),
        ],
        steps: steps(total),
        lanes: report.lanes.iter().map(lane_words).collect(),
        codes,
        more_codes,
        left_out: left_out(total),
        refused: refused(&report.refused),
        doubts: doubts(report),
        oee: oee(&report.oee),
        stops,
        more_stops,
        cycle: cycle(report),
        changes,
        more_changes,
        seal: report.seal.map_or_else(
            || "none: no run is sealed".to_owned(),
            |(verdict, seal)| format!("{seal} (verdict {verdict})"),
        ),
        json: link.replacen(PATH, "/api/v1/shift-report", 1),
        link,
    }
}

/// From when until when, in the fixture's time with its zone; with the day of the end where it is another.
fn times(sources: &Sources, shift: &ShiftTime) -> String {
    let at = |micros: i64, format: &str| {
        Timestamp::from_microsecond(micros)
            .map(|at| at.to_zoned(sources.shifts.zone().clone()).strftime(format).to_string())
            .unwrap_or_default()
    };
    format!(
        "{} to {}, {}",
        at(shift.from, "%Y-%m-%d %H:%M %Z (%a)"),
        at(shift.until, "%Y-%m-%d %H:%M %Z"),
        hours(shift.until - shift.from)
    )
}

fn as_of(sources: &Sources, report: &Report) -> String {
    let now = Timestamp::from_microsecond(report.now).map_or_else(|_| String::new(), |now| moment(sources, now));
    let last = report.wholeness.last.map_or_else(
        || "none of its verdicts is stored".to_owned(),
        |last| format!("its last verdict was stored {}", instant(sources, last)),
    );
    format!("Read from the ledger {now}; {last}.")
}

/// Hours and minutes.
fn hours(micros: i64) -> String {
    let minutes = micros / 60_000_000;
    format!("{} h {:02} min", minutes / 60, minutes % 60)
}

/// Names with how many runs there were of each, the most frequent first; what does not fit is counted.
fn named(met: &[Met], name: impl Fn(&Met) -> String) -> String {
    let mut names: Vec<(String, u64)> = Vec::new();
    for met in met {
        let name = name(met);
        match names.iter_mut().find(|(known, _)| *known == name) {
            Some((_, runs)) => *runs += met.runs,
            None => names.push((name, met.runs)),
        }
    }
    names.sort_by_key(|(_, runs)| core::cmp::Reverse(*runs));
    let more = names.len().saturating_sub(ROWS);
    let mut words: Vec<String> = names
        .iter()
        .take(ROWS)
        .map(|(name, runs)| {
            let name = if name.is_empty() { "none" } else { name.as_str() };
            format!("{} ({runs})", short(name))
        })
        .collect();
    if more > 0 {
        words.push(format!("and {more} more"));
    }
    words.join(", ")
}

fn facts(report: &Report) -> Vec<(&'static str, String)> {
    let met = &report.met;
    let of = |name: fn(&Met) -> String| named(met, name);
    [
        ("Fixture", of(|met| met.setup.fixture.clone())),
        ("Software", of(|met| met.setup.software.clone())),
        (
            "Recipe",
            of(|met| {
                format!(
                    "{} {}, {}",
                    met.setup.recipe, met.setup.recipe_version, met.setup.pass_rule
                )
            }),
        ),
        ("Lot", of(|met| met.lot.clone())),
        ("Work order", of(|met| met.work_order.clone())),
        ("Operator", of(|met| met.operator.clone())),
        (
            "Units, runs",
            format!(
                "{} units judged in {} runs",
                report.total.last.total,
                report.total.runs - report.total.set_aside
            ),
        ),
    ]
    .into_iter()
    .filter(|(_, value)| !value.is_empty())
    .collect()
}

fn lane_words(counted: &Counted) -> LaneWords {
    let tally = &counted.tally;
    LaneWords {
        lane: counted.of.clone(),
        units: tally.first.total,
        first: value(tally.first),
        interval: interval(tally.first),
        last: value(tally.last),
        runs: tally.runs - tally.set_aside,
        not_units: tally.with(Outcome::Error) + tally.with(Outcome::Undecided),
    }
}

/// What did not pass, those that count against the yield first, the most frequent first; and what does not fit.
fn codes(report: &Report) -> (Vec<CodeWords>, String) {
    let total = &report.total;
    let mut codes: Vec<_> = total
        .codes
        .iter()
        .filter(|(code, _)| **code != VerdictCode::Ok)
        .collect();
    codes.sort_by_key(|(code, tally)| (core::cmp::Reverse(tally.runs), **code));
    let cut = codes.split_off(codes.len().min(ROWS));
    // Stable: within a class the most frequent stays first.
    codes.sort_by_key(|(code, _)| code.class());
    let more = match cut.as_slice() {
        [] => String::new(),
        cut => format!(
            "{} more codes with {} runs together: page Failures.",
            cut.len(),
            cut.iter().map(|(_, tally)| tally.runs).sum::<u64>()
        ),
    };
    let day = report.shift.date;
    let words = codes
        .into_iter()
        .map(|(code, tally)| CodeWords {
            class: wording::class(code.class()),
            title: code.text().title,
            code: code.as_str(),
            runs: tally.runs,
            first: tally.first,
            share: value(Yield {
                passed: tally.first,
                total: total.first.total,
            }),
            link: format!("/runs?day={day}&code={code}"),
        })
        .collect();
    (words, more)
}

fn refused(refused: &[(Refusal, u64)]) -> String {
    if refused.is_empty() {
        return "none".to_owned();
    }
    refused
        .iter()
        .map(|(refusal, starts)| format!("{starts} {}", refusal.as_str()))
        .collect::<Vec<_>>()
        .join(", ")
}

/// What makes the figures less than whole.
fn doubts(report: &Report) -> Vec<String> {
    let runs = |count: u64, what: &str| match count {
        0 => None,
        1 => Some(format!("1 run {what}")),
        count => Some(format!("{count} runs {what}")),
    };
    [
        runs(report.total.simulated, "on a simulated jig"),
        runs(report.wholeness.unjudged, "without a verdict yet"),
        runs(
            report.wholeness.unsynchronised,
            "begun while the clock was not synchronised",
        ),
        runs(
            report.total.suspected,
            "blamed on the network or the fixture since; they stay in the yields",
        ),
    ]
    .into_iter()
    .flatten()
    .collect()
}

fn oee(oee: &Oee) -> Vec<(&'static str, String)> {
    let share = |share: Option<f64>, missing: &str| share.map_or_else(|| missing.to_owned(), percent);
    let minutes = |time: Duration| format!("{} min", time.as_secs() / 60);
    vec![
        ("OEE", share(oee.whole(), "–")),
        (
            "Availability",
            match oee.availability {
                Some(able) => format!("{}, {} of {}", percent(able), minutes(oee.able), minutes(oee.planned)),
                None => "no planned time".to_owned(),
            },
        ),
        (
            "Performance",
            share(oee.performance, "not known: no takt in the configuration"),
        ),
        ("Quality", share(oee.quality, "no units")),
    ]
}

/// The longest stops in the order in which they were, and what does not fit.
fn stops(sources: &Sources, report: &Report) -> (Vec<StopWords>, String) {
    let mut stops: Vec<&Standstill> = report.stops.iter().collect();
    stops.sort_by_key(|stop| core::cmp::Reverse(stop.until - stop.from));
    let cut = stops.split_off(stops.len().min(EVENTS));
    stops.sort_by_key(|stop| stop.from);
    let tenths = |micros: i64| format!("{}.{}", micros / 60_000_000, micros / 6_000_000 % 10);
    let more = match cut.as_slice() {
        [] => String::new(),
        cut => format!(
            "{} shorter ones, {} min together.",
            cut.len(),
            tenths(cut.iter().map(|stop| stop.until - stop.from).sum())
        ),
    };
    let words = stops
        .into_iter()
        .map(|stop| StopWords {
            from: clock_time(sources, stop.from),
            minutes: format!(
                "{}{}",
                tenths(stop.until - stop.from),
                if stop.lasts { ", lasts" } else { "" }
            ),
            reason: stop.reason.as_str(),
            cause: match stop.lane {
                Some(lane) => format!("lane {lane}: {}", clipped(&stop.cause)),
                None => clipped(&stop.cause),
            },
        })
        .collect();
    (words, more)
}

fn cycle(report: &Report) -> Vec<(&'static str, String)> {
    let times = &report.pace.cycle;
    let count = times.sorted().len();
    let at = |percent| times.percentile(percent).map_or_else(|| "–".to_owned(), seconds);
    vec![
        ("Half of them within", at(50)),
        ("95 % of them within", at(95)),
        (
            "Takt",
            report.takt.map_or_else(
                || "none in the configuration".to_owned(),
                |takt| {
                    // So many lanes work side by side.
                    let lanes = u32::try_from(report.lanes.len()).unwrap_or(1).max(1);
                    let may = takt * lanes;
                    let within = times.sorted().iter().filter(|time| **time <= may).count();
                    let takt = seconds(takt);
                    if lanes == 1 {
                        format!("{takt}; {within} of {count} within it")
                    } else {
                        format!(
                            "{takt}, on {lanes} lanes {} a unit; {within} of {count} within that",
                            seconds(may)
                        )
                    }
                },
            ),
        ),
        (
            "Of",
            if count < PACE_LIMIT as usize {
                format!("{count} units that passed")
            } else {
                format!("the {PACE_LIMIT} units that passed last")
            },
        ),
    ]
}

/// The latest changes, the oldest of them first, and what does not fit.
fn changes(sources: &Sources, report: &Report) -> (Vec<(String, String)>, String) {
    let cut = report.changes.len().saturating_sub(EVENTS);
    let words = report
        .changes
        .iter()
        .skip(cut)
        .map(|change| {
            let what = format!("{}: {}", change.kind.as_str(), clipped(&change.detail));
            (clock_time(sources, change.at.micros), what)
        })
        .collect();
    let more = match cut {
        0 => String::new(),
        cut => format!("{cut} before these."),
    };
    (words, more)
}

/// A sentence, as long as the sheet has room for.
fn clipped(words: &str) -> String {
    let mut clipped: String = words.chars().take(120).collect();
    if clipped.len() < words.len() {
        clipped.push('…');
    }
    clipped
}
