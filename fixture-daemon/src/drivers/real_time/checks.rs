//! When golden checks are due: by the fixture's shifts, or so long after the last one.

use core::time::Duration;

use blinkup::Tick;
use fixture_ledger::record::Purpose;
use fixture_ledger::report::{Reports, RunFilter};
use fixture_ledger::{LedgerError, audit};
use fixture_link::act::{Act, ActKind};
use fixture_link::identity::{LaneId, WallTime};
use fixture_link::settings::Shifts;
use fixture_link::verdict::Outcome;

use crate::config::{CheckEvery, GoldenCheck};
use crate::engine::golden::KnownBad;
use crate::engine::input::CheckDue;

/// How often the calendar is looked at.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// The most acts that are looked through for golden checks that somebody began.
const LAST_ACTS: u32 = 100;

/// The fixture's golden checks.
#[derive(Debug)]
pub struct Checks {
    asked: GoldenCheck,
    shifts: Shifts,
    lanes: Vec<Planned>,
    looked: Option<Tick>,
}

/// A lane, and when its check is due or was told to be due.
#[derive(Debug, Clone, Copy)]
struct Planned {
    lane: LaneId,
    /// The beginning of the last shift that the engine was told of; microseconds since 1970 UTC.
    told: Option<i64>,
    /// When the next check is due, where that does not hang on shifts; microseconds since 1970 UTC.
    next: Option<i64>,
}

impl Checks {
    /// Checks of which nothing is known yet: all are due.
    pub fn new(asked: GoldenCheck, shifts: Shifts, lanes: &[LaneId]) -> Self {
        Self {
            asked,
            shifts,
            lanes: lanes
                .iter()
                .map(|lane| Planned {
                    lane: *lane,
                    told: None,
                    next: Some(i64::MIN),
                })
                .collect(),
            looked: None,
        }
    }

    /// Takes over what earlier processes left: what is due of each lane, with what of it is done.
    ///
    /// # Errors
    /// The ledger could not be read.
    pub async fn take_over(
        &mut self,
        reports: &Reports,
        at: WallTime,
        now: Tick,
    ) -> Result<Vec<CheckDue>, LedgerError> {
        let begun = audit::AuditFilter {
            kind: Some(ActKind::GoldenCheck),
            answer: Some(audit::Answered::Done),
            ..audit::AuditFilter::default()
        };
        let begun = reports.audit(&begun, LAST_ACTS).await?.rows;
        let mut due = Vec::new();
        for place in 0..self.lanes.len() {
            let Some(Planned { lane, .. }) = self.lanes.get(place).copied() else {
                continue;
            };
            let golden = last(reports, lane, Purpose::Golden, Outcome::Pass).await?;
            let known_bad = last(reports, lane, Purpose::KnownBad, Outcome::Fail).await?;
            let first = match self.asked.rules.known_bad {
                KnownBad::NotAsked => golden,
                KnownBad::Asked => golden.zip(known_bad).map(|(one, other)| one.min(other)),
            };
            let by_hand = begun.iter().find_map(|row| match &row.act {
                Act::GoldenCheck { lane: only } if only.is_none_or(|only| only == lane) => Some(row.at.micros),
                Act::GoldenCheck { .. }
                | Act::Start { .. }
                | Act::Account { .. }
                | Act::Stop { .. }
                | Act::Acknowledge { .. }
                | Act::Unlock { .. }
                | Act::Lot { .. }
                | Act::WorkOrder { .. }
                | Act::Operator { .. }
                | Act::Quarantine { .. }
                | Act::Dispose { .. }
                | Act::Mark { .. }
                | Act::Study { .. }
                | Act::Shelve { .. }
                | Act::Recipe { .. }
                | Act::Language { .. } => None,
            });
            let planned = match self.asked.every {
                CheckEvery::Shift => self.shifts.at(at.micros).map(|shift| shift.from),
                CheckEvery::Span(span) => Some(first.map_or(at.micros, |first| later(first, span))),
            };
            // What somebody began holds, unless the plan's own came later.
            let since = match (planned.filter(|planned| *planned <= at.micros), by_hand) {
                (Some(planned), Some(by_hand)) => Some(planned.max(by_hand)),
                (planned, by_hand) => planned.or(by_hand.filter(|by_hand| first.is_none_or(|first| first < *by_hand))),
            };
            if let Some(lane) = self.lanes.get_mut(place) {
                match self.asked.every {
                    CheckEvery::Shift => lane.told = planned,
                    CheckEvery::Span(_) => {
                        lane.next = planned.filter(|planned| since.is_none() && *planned > at.micros);
                    }
                }
            }
            let Some(since) = since else { continue };
            let done = [(Purpose::Golden, golden), (Purpose::KnownBad, known_bad)]
                .into_iter()
                .filter(|(_, last)| last.is_some_and(|last| last >= since))
                .map(|(purpose, _)| purpose);
            due.push(CheckDue {
                done: done.collect(),
                ..self.of(Some(lane), since, at, now)
            });
        }
        Ok(due)
    }

    /// What becomes due now.
    pub fn due(&mut self, at: WallTime, now: Tick) -> Vec<CheckDue> {
        if self.looked.is_some_and(|looked| now.since(looked) < LOOK_EVERY) {
            return Vec::new();
        }
        self.looked = Some(now);
        let shift = match self.asked.every {
            CheckEvery::Shift => self.shifts.at(at.micros).map(|shift| shift.from),
            CheckEvery::Span(_) => None,
        };
        let mut due = Vec::new();
        for planned in &mut self.lanes {
            let since = match self.asked.every {
                CheckEvery::Shift => {
                    let begins = shift.filter(|from| planned.told.is_none_or(|told| told < *from));
                    planned.told = begins.or(planned.told);
                    begins
                }
                CheckEvery::Span(_) => {
                    let over = planned.next.filter(|next| *next <= at.micros);
                    if over.is_some() {
                        planned.next = None;
                    }
                    over.map(|next| if next == i64::MIN { at.micros } else { next })
                }
            };
            due.extend(since.map(|since| (planned.lane, since)));
        }
        due.into_iter()
            .map(|(lane, since)| self.of(Some(lane), since, at, now))
            .collect()
    }

    /// A lane's check is done; its first part since then.
    pub fn done(&mut self, lane: LaneId, since: WallTime) {
        let CheckEvery::Span(span) = self.asked.every else {
            return;
        };
        if let Some(planned) = self.lanes.iter_mut().find(|planned| planned.lane == lane) {
            planned.next = Some(later(since.micros, span));
        }
    }

    fn of(&self, lane: Option<LaneId>, since: i64, at: WallTime, now: Tick) -> CheckDue {
        let overdue = later(since, self.asked.rules.grace).saturating_sub(at.micros);
        CheckDue {
            lane,
            since: WallTime { micros: since, ..at },
            overdue: now + Duration::from_micros(u64::try_from(overdue).unwrap_or(0)),
            done: Vec::new(),
        }
    }
}

/// When a lane last ended a marked unit's run so; microseconds since 1970 UTC.
async fn last(reports: &Reports, lane: LaneId, purpose: Purpose, outcome: Outcome) -> Result<Option<i64>, LedgerError> {
    let filter = RunFilter {
        lane: Some(lane),
        purpose: Some(purpose),
        outcome: Some(outcome),
        ..RunFilter::default()
    };
    let newest = reports.runs(&filter, 1).await?.rows.into_iter().next();
    Ok(newest.map(|row| row.seated.micros))
}

fn later(at: i64, lasts: Duration) -> i64 {
    at.saturating_add(i64::try_from(lasts.as_micros()).unwrap_or(i64::MAX))
}

#[cfg(test)]
mod tests {
    use fixture_link::settings::Settings;

    use super::*;
    use crate::engine::golden::CheckRules;

    const HOUR: i64 = 3_600_000_000;

    fn at(hours: i64) -> (WallTime, Tick) {
        let wall = WallTime {
            micros: hours * HOUR,
            synchronised: true,
        };
        (wall, Tick::ZERO + Duration::from_hours(u64::try_from(hours).unwrap()))
    }

    fn checks(every: CheckEvery, grace: Duration) -> Checks {
        let settings = Settings::parse(
            std::path::Path::new("fixture.toml"),
            "[fixture]
            id = \"f-1\"
            name = \"Fixture\"
            ledger = \"data/ledger.db\"
            socket = \"data/fixture.sock\"
            [shifts]
            zone = \"UTC\"
            [[shifts.shift]]
            name = \"early\"
            from = \"06:00\"
            until = \"14:00\"
            [[shifts.shift]]
            name = \"late\"
            from = \"16:00\"
            until = \"22:00\"",
        );
        let asked = GoldenCheck {
            every,
            rules: CheckRules {
                known_bad: KnownBad::Asked,
                grace,
            },
        };
        let lanes: Vec<LaneId> = LaneId::first(2).collect();
        Checks::new(asked, settings.unwrap().shifts, &lanes)
    }

    fn due(checks: &mut Checks, hours: i64) -> Vec<(u8, i64, bool)> {
        let (wall, now) = at(hours);
        checks
            .due(wall, now)
            .into_iter()
            .map(|due| (due.lane.unwrap().number(), due.since.micros / HOUR, due.overdue <= now))
            .collect()
    }

    #[test]
    fn a_check_is_due_as_each_shift_begins_and_not_between_them() {
        let mut checks = checks(CheckEvery::Shift, Duration::from_hours(1));
        assert_eq!(due(&mut checks, 5), [], "nobody works");
        assert_eq!(due(&mut checks, 6), [(1, 6, false), (2, 6, false)]);
        assert_eq!(due(&mut checks, 8), []);
        assert_eq!(due(&mut checks, 15), []);
        assert_eq!(due(&mut checks, 18), [(1, 16, true), (2, 16, true)], "the hour is over");
        assert_eq!(due(&mut checks, 30), [(1, 30, false), (2, 30, false)]);
    }

    #[test]
    fn a_check_is_due_so_long_after_the_last_one() {
        let mut checks = checks(CheckEvery::Span(Duration::from_hours(12)), Duration::ZERO);
        assert_eq!(due(&mut checks, 3), [(1, 3, true), (2, 3, true)], "there was none yet");
        assert_eq!(due(&mut checks, 4), []);
        checks.done(LaneId::new(2).unwrap(), at(4).0);
        assert_eq!(due(&mut checks, 15), []);
        assert_eq!(due(&mut checks, 17), [(2, 16, true)]);
    }
}
