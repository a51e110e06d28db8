//! Overall equipment effectiveness: how much of the planned time the line could work, how fast it then was, and how much of it was good. Pure.
//!
//! Planned time is that of the shifts, as far as it has passed, without breaks and planned maintenance. Availability is what is left of it without the
//! other stops; performance is the units at the takt over the time that is left; quality is first-pass yield.

use core::time::Duration;

use fixture_ledger::pace::Standstill;
use fixture_ledger::report::Yield;
use fixture_link::act::StopReason;
use fixture_link::settings::ShiftTime;

/// Time that the line stood still, by its reason.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stood {
    /// The reason.
    pub reason: StopReason,
    /// How long, in the time of the shifts.
    pub time: Duration,
    /// How many stops.
    pub stops: u32,
}

/// The effectiveness of a period.
#[derive(Debug, Clone, PartialEq)]
pub struct Oee {
    /// Planned time.
    pub planned: Duration,
    /// Time of it in which the line could work.
    pub able: Duration,
    /// The share of planned time in which it could; `None` where none was planned.
    pub availability: Option<f64>,
    /// Units at the takt over the time in which it could work; `None` without a takt.
    pub performance: Option<f64>,
    /// First-pass yield; `None` without units.
    pub quality: Option<f64>,
    /// What it stood still for, the longest first.
    pub stood: Vec<Stood>,
}

impl Oee {
    /// All three together; `None` where one is not known.
    pub fn whole(&self) -> Option<f64> {
        Some(self.availability? * self.performance? * self.quality?)
    }

    /// Looks at a period until `now` (microseconds since 1970 UTC).
    #[expect(clippy::cast_precision_loss, reason = "counts of runs are far below 2^52")]
    pub fn of(
        shifts: &[ShiftTime],
        stops: &[Standstill],
        now: i64,
        runs: u64,
        first: Yield,
        takt: Option<Duration>,
    ) -> Self {
        let working = merged(shifts.iter().map(|shift| (shift.from, shift.until.min(now))).collect());
        let of = |planned: bool| {
            let chosen = stops.iter().filter(|stop| stop.reason.is_planned() == planned);
            within(&merged(chosen.map(|stop| (stop.from, stop.until)).collect()), &working)
        };
        let breaks = of(true);
        let planned = length(&working) - length(&breaks);
        // A fault during a break costs nothing.
        let faults = of(false);
        let lost = length(&faults) - length(&within(&faults, &breaks));
        let able = planned - lost;
        let mut stood: Vec<Stood> = StopReason::ALL
            .into_iter()
            .filter_map(|reason| {
                let chosen = || stops.iter().filter(|stop| stop.reason == reason);
                let time = within(
                    &merged(chosen().map(|stop| (stop.from, stop.until)).collect()),
                    &working,
                );
                let stops = u32::try_from(chosen().count()).unwrap_or(u32::MAX);
                (stops > 0).then(|| Stood {
                    reason,
                    time: Duration::from_micros(length(&time)),
                    stops,
                })
            })
            .collect();
        stood.sort_by_key(|stood| core::cmp::Reverse(stood.time));
        Self {
            planned: Duration::from_micros(planned),
            able: Duration::from_micros(able),
            availability: (planned > 0).then(|| able as f64 / planned as f64),
            performance: takt
                .filter(|_| able > 0)
                .map(|takt| takt.as_secs_f64() * runs as f64 / Duration::from_micros(able).as_secs_f64()),
            quality: (first.total > 0).then(|| first.passed as f64 / first.total as f64),
            stood,
        }
    }
}

/// Stretches of time in order, without overlaps and empty ones.
fn merged(mut times: Vec<(i64, i64)>) -> Vec<(i64, i64)> {
    times.retain(|(from, until)| from < until);
    times.sort_unstable();
    let mut merged: Vec<(i64, i64)> = Vec::new();
    for (from, until) in times {
        match merged.last_mut().filter(|last| from <= last.1) {
            Some(last) => last.1 = last.1.max(until),
            None => merged.push((from, until)),
        }
    }
    merged
}

/// What of some stretches lies in others; both merged.
fn within(times: &[(i64, i64)], others: &[(i64, i64)]) -> Vec<(i64, i64)> {
    times
        .iter()
        .flat_map(|(from, until)| {
            others
                .iter()
                .map(move |(other_from, other_until)| (*from.max(other_from), *until.min(other_until)))
        })
        .filter(|(from, until)| from < until)
        .collect()
}

fn length(times: &[(i64, i64)]) -> u64 {
    times.iter().map(|(from, until)| until.abs_diff(*from)).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINUTE: i64 = 60_000_000;

    fn shift(from: i64, until: i64) -> ShiftTime {
        ShiftTime {
            name: "early".to_owned(),
            date: jiff::civil::date(2026, 1, 9),
            from: from * MINUTE,
            until: until * MINUTE,
        }
    }

    fn stop(from: i64, until: i64, reason: StopReason) -> Standstill {
        Standstill {
            from: from * MINUTE,
            until: until * MINUTE,
            lasts: false,
            reason,
            cause: String::new(),
            lane: None,
        }
    }

    #[test]
    fn stops_in_a_break_and_outside_of_shifts_cost_nothing_and_overlapping_ones_once() {
        let stops = [
            stop(200, 230, StopReason::Break),
            stop(220, 240, StopReason::Fixture),
            stop(235, 250, StopReason::Network),
            stop(470, 520, StopReason::Changeover),
            stop(600, 700, StopReason::Fixture),
        ];
        let first = Yield {
            passed: 380,
            total: 400,
        };
        let found = Oee::of(
            &[shift(0, 480)],
            &stops,
            480 * MINUTE,
            400,
            first,
            Some(Duration::from_mins(1)),
        );
        // 480 minutes, 30 of them a break; 230 to 250 and 470 to 480 lost.
        assert_eq!(found.planned, Duration::from_mins(450));
        assert_eq!(found.able, Duration::from_hours(7));
        assert!((found.availability.unwrap() - 420.0 / 450.0).abs() < 1e-12);
        assert!((found.performance.unwrap() - 400.0 / 420.0).abs() < 1e-12);
        assert!((found.whole().unwrap() - 420.0 / 450.0 * 400.0 / 420.0 * 0.95).abs() < 1e-12);
        let reasons: Vec<_> = found
            .stood
            .iter()
            .map(|stood| (stood.reason, stood.time.as_secs() / 60, stood.stops))
            .collect();
        assert_eq!(
            reasons,
            [
                (StopReason::Break, 30, 1),
                (StopReason::Fixture, 20, 2),
                (StopReason::Network, 15, 1),
                (StopReason::Changeover, 10, 1),
            ]
        );
    }

    #[test]
    fn a_shift_that_lasts_counts_until_now_and_nothing_is_made_up() {
        let found = Oee::of(&[shift(0, 480)], &[], 120 * MINUTE, 0, Yield::default(), None);
        assert_eq!(found.planned, Duration::from_hours(2));
        assert_eq!(
            (found.availability, found.performance, found.quality, found.whole()),
            (Some(1.0), None, None, None)
        );
        let before = Oee::of(&[shift(10, 480)], &[], 0, 0, Yield::default(), None);
        assert_eq!(before.availability, None);
    }
}
