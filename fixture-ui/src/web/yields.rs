//! Yields over a period: how sure they are, whether they changed, and what changed beside them.

use core::fmt::Write as _;
use core::time::Duration;
use std::collections::BTreeSet;
use std::sync::Arc;

use askama::Template;
use axum::extract::{RawQuery, State};
use axum::response::Html;
use fixture_ledger::LedgerError;
use fixture_ledger::pace::{PACE_LIMIT, Pace, Times};
use fixture_ledger::record::ChangeKind;
use fixture_ledger::report::{Reports, Yield};
use fixture_ledger::statistics::{Chart, Point, p_chart, wilson};
use fixture_ledger::yields::{By, Counted, Scope, Span, Tally};
use fixture_link::verdict::Outcome;

use super::Sources;
use super::chart::{HEIGHT, LEFT, Marked, TOP, WIDTH, YieldChart, percent};
use super::frame::Frame;
use super::histogram::{self, Histogram, PERCENTS, ROW, STAGES_LEFT, STAGES_WIDTH, Spreads};
use super::list::{instant, seconds};
use super::oee::Oee;
use super::period::{Ask, Part, Per};
use super::problem::{Problem, page as rendered};
use crate::view::wording;

#[derive(Template)]
#[template(path = "yield.html")]
struct YieldPage {
    frame: Frame,
    ask: Ask,
    title: String,
    periods: Vec<Tab>,
    pers: Vec<Tab>,
    bys: Vec<Tab>,
    figures: Vec<Figure>,
    left_out: Vec<String>,
    steps: Vec<StepWords>,
    chart: YieldChart,
    rows: Vec<PartWords>,
    changes: Vec<ChangeWords>,
    by: &'static str,
    groups: Vec<GroupWords>,
    times: Vec<TimesWords>,
    times_of: String,
    cycle: Histogram,
    spreads: Spreads,
    oee: OeeWords,
    failures: String,
    empty: bool,
}

/// A choice that is a link.
pub struct Tab {
    /// What it says.
    pub words: &'static str,
    /// Where it leads.
    pub address: String,
    /// Whether it is what is shown.
    pub chosen: bool,
}

/// A yield with how sure it is.
pub struct Figure {
    /// Which.
    pub name: &'static str,
    /// The percentage.
    pub value: String,
    /// Its Wilson interval; empty of no units.
    pub interval: String,
    /// How many of how many.
    pub of: String,
}

/// A step of a unit's way with its yield.
pub struct StepWords {
    /// From which stage to which.
    pub name: &'static str,
    /// The percentage.
    pub value: String,
    /// Its Wilson interval.
    pub interval: String,
    /// How many of how many.
    pub of: String,
}

struct PartWords {
    name: String,
    units: u64,
    passed: u64,
    value: String,
    interval: String,
    limits: String,
    rules: String,
    link: String,
}

struct ChangeWords {
    letter: char,
    when: String,
    what: String,
}

struct GroupWords {
    name: String,
    link: String,
    units: u64,
    value: String,
    interval: String,
    last: String,
    runs: u64,
    not_units: u64,
}

struct TimesWords {
    name: &'static str,
    runs: usize,
    /// At [`PERCENTS`] and the longest.
    at: Vec<String>,
}

struct OeeWords {
    whole: String,
    availability: String,
    performance: String,
    quality: String,
    planned: String,
    stood: Vec<(&'static str, String, u32, &'static str)>,
}

impl Figure {
    /// Words a yield.
    pub fn of(name: &'static str, share: Yield, what: &str) -> Self {
        Self {
            name,
            value: value(share),
            interval: interval(share),
            of: format!("{} of {} {what}", share.passed, share.total),
        }
    }
}

/// A yield as a percentage.
pub fn value(share: Yield) -> String {
    #[expect(clippy::cast_precision_loss, reason = "counts of units are far below 2^52")]
    match share.total {
        0 => "–".to_owned(),
        total => percent(share.passed as f64 / total as f64),
    }
}

/// Its Wilson interval.
pub fn interval(share: Yield) -> String {
    wilson(share.passed, share.total).map_or_else(String::new, |interval| {
        format!("{} to {}", percent(interval.low), percent(interval.high))
    })
}

/// What runs tell of changes: by what, the letter on the chart, and what it is called.
const TOLD_BY_RUNS: [(By, char, &str); 4] = [
    (By::Software, 'S', "software"),
    (By::Recipe, 'R', "recipe"),
    (By::Lot, 'L', "lot"),
    (By::Operator, 'O', "operator"),
];

/// The most changes that are told one by one.
const MOST_CHANGES: u32 = 200;

/// `GET /yield`
pub async fn page(sources: State<Arc<Sources>>, RawQuery(query): RawQuery) -> Result<Html<String>, Problem> {
    let unclear = |what| {
        Problem::unclear(
            &sources,
            what,
            "Correct the address, or start again from the page of yields.",
        )
    };
    let ask = Ask::of(&sources, query.as_deref().unwrap_or("")).map_err(unclear)?;
    let whole = ask.whole(&sources).map_err(unclear)?;
    let parts = ask.parts(&sources).map_err(unclear)?;
    let found = Found::read(&sources, &ask, whole, &parts)
        .await
        .map_err(|error| Problem::ledger(&sources, &error))?;
    rendered(&sources, &words(&sources, ask, &parts, &found))
}

/// What the ledger says.
struct Found {
    total: Tally,
    by_part: Vec<Tally>,
    groups: Vec<Counted>,
    marked: Vec<(Marked, String)>,
    pace: Pace,
    /// How many lanes work side by side.
    lanes: u32,
    oee: Oee,
}

impl Found {
    async fn read(sources: &Sources, ask: &Ask, whole: Span, parts: &[Part]) -> Result<Self, LedgerError> {
        let reports = Reports::open(&sources.ledger).await?;
        let spans: Vec<Span> = parts.iter().map(|part| part.span).collect();
        let mut by_part = vec![Tally::default(); spans.len()];
        for counted in reports.tallies(&spans, &ask.scope, By::Nothing).await? {
            if let Some(tally) = by_part.get_mut(counted.span) {
                *tally = counted.tally;
            }
        }
        // The parts may be shifts, between which there is time that belongs to none.
        let total = reports.tally(whole, &ask.scope).await?;
        let groups = reports.tallies(&[whole], &ask.scope, ask.by).await?;
        let mut marked = Vec::new();
        for (by, letter, what) in TOLD_BY_RUNS {
            let counted = reports.tallies(&spans, &ask.scope, by).await?;
            marked.extend(told_by_runs(&counted, letter, what).map(|mark| {
                let when = parts.get(mark.part).map(|part| part.long.clone()).unwrap_or_default();
                (mark, when)
            }));
        }
        for change in reports.changes(whole, MOST_CHANGES).await? {
            let letter = match change.kind {
                ChangeKind::Calibration => 'C',
                ChangeKind::Lamp => 'P',
                ChangeKind::Config => 'F',
            };
            let part = spans
                .iter()
                .rposition(|span| span.from <= change.at.micros)
                .unwrap_or(0);
            let mark = Marked {
                part,
                letter,
                what: format!("{}: {}", change.kind.as_str(), change.detail),
            };
            marked.push((mark, instant(sources, change.at)));
        }
        marked.sort_by_key(|(mark, _)| mark.part);
        let pace = reports.pace(whole, ask.scope.lane).await?;
        let lanes = reports.tallies(&[whole], &Scope::default(), By::Lane).await?.len();
        let now = sources.clock.wall().as_microsecond();
        let stops = reports.standstills(whole, now).await?;
        let mut shifts = Vec::new();
        let mut day = ask.from;
        while day <= ask.until {
            shifts.extend(sources.shifts.on(day));
            match day.tomorrow() {
                Ok(next) => day = next,
                Err(_) => break,
            }
        }
        let judged = total.with(Outcome::Pass) + total.with(Outcome::Fail);
        let oee = Oee::of(&shifts, &stops, now, judged, total.first, sources.shifts.takt());
        Ok(Self {
            total,
            by_part,
            groups,
            marked,
            pace,
            lanes: u32::try_from(lanes).unwrap_or(1),
            oee,
        })
    }
}

/// Where something is seen that was not in the part before it in which anything was.
fn told_by_runs(counted: &[Counted], letter: char, what: &'static str) -> impl Iterator<Item = Marked> {
    let mut marks = Vec::new();
    let mut before: Option<BTreeSet<&str>> = None;
    for part in counted.chunk_by(|one, other| one.span == other.span) {
        let now: BTreeSet<&str> = part.iter().map(|counted| counted.of.as_str()).collect();
        if let (Some(before), Some(first)) = (&before, part.first()) {
            let fresh: Vec<&str> = now.difference(before).copied().filter(|of| !of.is_empty()).collect();
            if !fresh.is_empty() {
                marks.push(Marked {
                    part: first.span,
                    letter,
                    what: format!("{what} {}", fresh.join(", ")),
                });
            }
        }
        before = Some(now);
    }
    marks.into_iter()
}

fn points(tallies: &[Tally]) -> Chart {
    let points: Vec<Point> = tallies
        .iter()
        .map(|tally| Point {
            failed: tally.first.total - tally.first.passed,
            total: tally.first.total,
        })
        .collect();
    p_chart(&points)
}

fn words(sources: &Sources, ask: Ask, parts: &[Part], found: &Found) -> YieldPage {
    let total = &found.total;
    let chart = points(&found.by_part);
    let names: Vec<String> = parts.iter().map(|part| part.short.clone()).collect();
    let marks: Vec<Marked> = found.marked.iter().map(|(mark, _)| mark.clone()).collect();
    let frame = Frame::now(sources, "yield").with_simulated(total.simulated > 0);
    YieldPage {
        title: title(&ask),
        periods: periods(&ask, "/yield"),
        pers: Per::ALL
            .into_iter()
            .map(|per| Tab {
                words: per.as_str(),
                address: ask.address("/yield", &[("per", per.as_str())]),
                chosen: per == ask.per,
            })
            .collect(),
        bys: By::ALL
            .into_iter()
            .filter(|by| *by != By::Nothing)
            .map(|by| Tab {
                words: by_words(by),
                address: ask.address("/yield", &[("by", by.as_str())]),
                chosen: by == ask.by,
            })
            .collect(),
        figures: vec![
            Figure::of("First-pass yield", total.first, "units in their first run"),
            Figure::of("Second-pass yield", total.second, "units in their second run"),
            Figure::of("Last-pass yield", total.last, "units in their latest run"),
            Figure::of("Yield of attempts", total.attempts, "transmissions received"),
        ],
        left_out: left_out(total),
        steps: steps(total),
        chart: YieldChart::of(&chart, &names, &marks),
        rows: part_rows(&ask, parts, &chart),
        changes: found
            .marked
            .iter()
            .map(|(mark, when)| ChangeWords {
                letter: mark.letter,
                when: when.clone(),
                what: mark.what.clone(),
            })
            .collect(),
        by: by_words(ask.by),
        groups: found.groups.iter().map(|counted| group_words(&ask, counted)).collect(),
        times: times(&found.pace),
        times_of: times_of(&ask, &found.pace, &takts(sources, found.lanes)),
        cycle: Histogram::of(&found.pace.cycle, &takts(sources, found.lanes)),
        spreads: Spreads::of(
            &found
                .pace
                .stages
                .iter()
                .map(|(stage, times)| (wording::stage(*stage), times))
                .collect::<Vec<_>>(),
        ),
        oee: oee_words(&found.oee),
        failures: ask.address("/failures", &[("per", ""), ("by", "")]),
        empty: total.runs == 0,
        frame,
        ask,
    }
}

/// The period and what it is narrowed to.
pub fn title(ask: &Ask) -> String {
    let mut title = if ask.from == ask.until {
        ask.from.to_string()
    } else {
        format!("{} to {}", ask.from, ask.until)
    };
    for (name, field) in [
        ("lane", "lane"),
        ("lot", "lot"),
        ("work order", "work_order"),
        ("recipe", "recipe"),
        ("operator", "operator"),
        ("software", "software"),
    ] {
        let value = ask.field(field);
        if !value.is_empty() {
            // Writing to a String cannot fail.
            let _written = write!(title, ", {name} {value}");
        }
    }
    title
}

/// Periods to choose from.
pub fn periods(ask: &Ask, path: &str) -> Vec<Tab> {
    [
        ("today", "1"),
        ("7 days", "7"),
        ("4 weeks", "28"),
        ("13 weeks", "91"),
        ("a year", "365"),
    ]
    .into_iter()
    .map(|(words, days)| Tab {
        words,
        address: ask.address(path, &[("days", days), ("from", ""), ("to", ""), ("per", "")]),
        chosen: ask.field("from").is_empty()
            && ask.field("to").is_empty()
            && (ask.field("days") == days || (ask.field("days").is_empty() && days == "28")),
    })
    .collect()
}

/// What yields leave out, and how much of it there is.
pub fn left_out(total: &Tally) -> Vec<String> {
    let runs = |count: u64, what: &str| match count {
        0 => None,
        1 => Some(format!("1 {what}")),
        count => Some(format!("{count} {what}")),
    };
    [
        runs(
            total.with(Outcome::Error),
            "ERROR (a fault of the fixture or the network)",
        ),
        runs(total.with(Outcome::Undecided), "UNDECIDED"),
        runs(total.with(Outcome::Aborted), "ABORTED"),
        runs(total.with(Outcome::Interrupted), "INTERRUPTED"),
        runs(total.set_aside, "of golden or known-bad units, or of a gauge study"),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// The yield of each step of the way, and of all of them one after another.
pub fn steps(total: &Tally) -> Vec<StepWords> {
    let [seated, received, connected, passed] = total.reached;
    let step = |name, passed, total| {
        let share = Yield { passed, total };
        StepWords {
            name,
            value: value(share),
            interval: interval(share),
            of: format!("{passed} of {total}"),
        }
    };
    vec![
        step("Seated → received", received, seated),
        step("Received → connected", connected, received),
        step("Connected → passed", passed, connected),
        step("All of the way", passed, seated),
    ]
}

#[expect(clippy::cast_precision_loss, reason = "counts of units are far below 2^52")]
fn part_rows(ask: &Ask, parts: &[Part], chart: &Chart) -> Vec<PartWords> {
    parts
        .iter()
        .zip(&chart.points)
        .filter(|(_, charted)| charted.point.total > 0)
        .map(|(part, charted)| {
            let point = charted.point;
            let share = Yield {
                passed: point.total - point.failed,
                total: point.total,
            };
            let limit = |failed: u64| percent(1.0 - failed as f64 / point.total as f64);
            let day = part.long.get(..10).unwrap_or_default();
            PartWords {
                name: part.long.clone(),
                units: point.total,
                passed: share.passed,
                value: value(share),
                interval: interval(share),
                limits: format!("{} to {}", limit(charted.limits.most), limit(charted.limits.least)),
                rules: charted
                    .rules
                    .iter()
                    .map(|rule| rule.words())
                    .collect::<Vec<_>>()
                    .join("; "),
                link: match ask.per {
                    Per::Hour | Per::Shift | Per::Day => ask.runs(&[("from", day), ("to", day)]),
                    Per::Week | Per::Month => String::new(),
                },
            }
        })
        .collect()
}

fn by_words(by: By) -> &'static str {
    match by {
        By::Nothing => "nothing",
        By::Lane => "lane",
        By::Lot => "lot",
        By::WorkOrder => "work order",
        By::Recipe => "recipe",
        By::Operator => "operator",
        By::Software => "software",
    }
}

fn group_words(ask: &Ask, counted: &Counted) -> GroupWords {
    let tally = &counted.tally;
    let link = match ask.by {
        By::Nothing => String::new(),
        // The name holds the recipe's version, which the filter does not know.
        By::Recipe => {
            let recipe = counted
                .of
                .rsplit_once(' ')
                .map_or(counted.of.as_str(), |(recipe, _)| recipe);
            ask.address("/yield", &[("recipe", recipe)])
        }
        By::Lane | By::Lot | By::WorkOrder | By::Operator | By::Software => {
            ask.address("/yield", &[(ask.by.as_str(), &counted.of)])
        }
    };
    GroupWords {
        name: if counted.of.is_empty() {
            "none".to_owned()
        } else {
            counted.of.clone()
        },
        link: if counted.of.is_empty() { String::new() } else { link },
        units: tally.first.total,
        value: value(tally.first),
        interval: interval(tally.first),
        last: value(tally.last),
        runs: tally.runs,
        not_units: tally.with(Outcome::Error) + tally.with(Outcome::Undecided),
    }
}

/// Which units the times are of.
fn times_of(ask: &Ask, pace: &Pace, takts: &[(Duration, String)]) -> String {
    let units = if pace.cycle.sorted().len() < PACE_LIMIT as usize {
        "all units that passed in the period".to_owned()
    } else {
        format!("the {PACE_LIMIT} units that passed last in the period")
    };
    let on = ask
        .scope
        .lane
        .map_or_else(String::new, |lane| format!(" on lane {lane}"));
    let narrowed = ["lot", "work_order", "recipe", "operator", "software"];
    let but = if narrowed.iter().any(|name| !ask.field(name).is_empty()) {
        " Times are narrowed by period and lane alone."
    } else {
        ""
    };
    let takts: Vec<&str> = takts.iter().map(|(_, words)| words.as_str()).collect();
    let asked = if takts.is_empty() {
        String::new()
    } else {
        format!(" The line's {}.", takts.join(", "))
    };
    format!("Of {units}{on}.{but}{asked}")
}

/// The takt, and what it leaves each of several lanes that work side by side.
fn takts(sources: &Sources, lanes: u32) -> Vec<(Duration, String)> {
    let Some(takt) = sources.shifts.takt() else {
        return Vec::new();
    };
    let mut takts = vec![(takt, format!("takt {}", seconds(takt)))];
    if lanes > 1 {
        takts.push((takt * lanes, format!("takt on {lanes} lanes {}", seconds(takt * lanes))));
    }
    takts
}

fn times(pace: &Pace) -> Vec<TimesWords> {
    let line = |name, times: &Times| TimesWords {
        name,
        runs: times.sorted().len(),
        at: PERCENTS
            .into_iter()
            .chain([100])
            .map(|percent| times.percentile(percent).map(seconds).unwrap_or_default())
            .collect(),
    };
    let mut lines: Vec<TimesWords> = pace
        .stages
        .iter()
        .map(|(stage, times)| line(wording::stage(*stage), times))
        .collect();
    lines.push(line("verdict", &pace.cycle));
    lines
}

fn oee_words(oee: &Oee) -> OeeWords {
    let share = |share: Option<f64>, missing: &str| share.map_or_else(|| missing.to_owned(), percent);
    OeeWords {
        whole: share(oee.whole(), "–"),
        availability: share(oee.availability, "no planned time"),
        performance: share(oee.performance, "no takt in the configuration"),
        quality: share(oee.quality, "no units"),
        planned: hours(oee.planned),
        stood: oee
            .stood
            .iter()
            .map(|stood| {
                let planned = if stood.reason.is_planned() { "planned" } else { "" };
                (stood.reason.as_str(), hours(stood.time), stood.stops, planned)
            })
            .collect(),
    }
}

/// A length of time in hours and minutes.
fn hours(time: Duration) -> String {
    let minutes = time.as_secs() / 60;
    format!("{} h {:02} min", minutes / 60, minutes % 60)
}

/// Used by the template.
const RIGHT: u32 = LEFT + WIDTH;
const BOTTOM: u32 = TOP + HEIGHT;
