//! Runs in a table, in words.

use core::time::Duration;

use fixture_ledger::report::{RunRow, StoredVerdict};
use fixture_link::identity::WallTime;
use jiff::Timestamp;

use super::Sources;
use super::frame::moment;
use super::link;
use crate::view::lane::look_of;
use crate::view::look::Look;
use crate::view::standing::Standing;
use crate::view::{LED_EVIDENCE_ONLY, SIMULATED};

/// A run in a table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunWords {
    /// The address of its page.
    pub link: String,
    /// When its unit was seated.
    pub seated: String,
    /// Its lane.
    pub lane: String,
    /// Its unit; empty where it had no serial.
    pub serial: String,
    /// The address of the unit's page.
    pub unit: String,
    /// Its outcome; where it has none, whether it is in progress.
    pub outcome: &'static str,
    /// The outcome's look.
    pub class: &'static str,
    /// The code's title.
    pub title: &'static str,
    /// The code's name in records.
    pub code: &'static str,
    /// How long it took.
    pub took: String,
    /// How many attempts.
    pub attempts: u32,
    /// Its lot.
    pub lot: String,
    /// Its work order.
    pub work_order: String,
    /// What has to stand beside it.
    pub notes: Vec<String>,
}

impl RunWords {
    /// Words one run.
    pub fn of(sources: &Sources, row: &RunRow) -> Self {
        let serial = row
            .serial
            .as_ref()
            .map(|serial| serial.as_str().to_owned())
            .unwrap_or_default();
        let verdict = row.verdict.as_ref();
        let (outcome, class) = verdict.map_or_else(
            || unfinished(sources),
            |verdict| (verdict.outcome.as_str(), look_of(verdict.outcome).class()),
        );
        Self {
            link: format!("/runs/{}", row.run),
            seated: plain(sources, row.seated),
            lane: row.lane.to_string(),
            unit: link::unit(&serial),
            serial,
            outcome,
            class,
            title: verdict.map_or("", |verdict| verdict.code.text().title),
            code: verdict.map_or("", |verdict| verdict.code.as_str()),
            took: verdict
                .and_then(|verdict| verdict.took)
                .map(seconds)
                .unwrap_or_default(),
            attempts: row.attempts,
            lot: row.lot.clone(),
            work_order: row.work_order.clone(),
            notes: notes(row, verdict),
        }
    }
}

/// A run without a verdict, and how that looks: only a daemon that is heard can be at it.
fn unfinished(sources: &Sources) -> (&'static str, &'static str) {
    match sources.newest.borrow().standing(sources.clock.now()) {
        Standing::Live(_) => ("in progress", Look::Running.class()),
        Standing::Gone { .. } => ("no verdict (fixture stopped)", Look::Aborted.class()),
    }
}

fn notes(row: &RunRow, verdict: Option<&StoredVerdict>) -> Vec<String> {
    let mut notes = Vec::new();
    if row.simulated {
        notes.push(SIMULATED.to_owned());
    }
    if row.pass_rule == "led-only" {
        notes.push(LED_EVIDENCE_ONLY.to_owned());
    }
    if row.annotations > 0 {
        notes.push("annotated".to_owned());
    }
    if verdict.is_some_and(|verdict| verdict.outcome.in_yield() && !verdict.first) {
        notes.push("retest".to_owned());
    }
    notes
}

/// A stored instant as people at the fixture read it, with a mark where the clock was not synchronised.
pub fn instant(sources: &Sources, at: WallTime) -> String {
    let mark = if at.synchronised {
        ""
    } else {
        " (clock not synchronised)"
    };
    format!("{}{mark}", plain(sources, at))
}

/// An instant (microseconds since 1970 UTC) of which nothing is known about the clock.
pub fn instant_at(sources: &Sources, micros: i64) -> String {
    Timestamp::from_microsecond(micros).map_or_else(|_| format!("{micros} µs"), |at| moment(sources, at))
}

/// A stored instant without that mark.
fn plain(sources: &Sources, at: WallTime) -> String {
    instant_at(sources, at.micros)
}

/// The hour and minute of an instant (microseconds since 1970 UTC) at the fixture.
pub fn clock_time(sources: &Sources, micros: i64) -> String {
    Timestamp::from_microsecond(micros).map_or_else(
        |_| String::new(),
        |at| at.to_zoned(sources.shifts.zone().clone()).strftime("%H:%M").to_string(),
    )
}

/// A length of time in seconds, to a tenth.
pub fn seconds(time: Duration) -> String {
    format!("{:.1} s", time.as_secs_f64())
}
