//! What becomes of a lane's lamp over weeks: it ages, gets dirty or is knocked out of its aim, and that is told before a run fails for it.
//!
//! Weeks are longer than a process lives, so that the wall clock counts here; an hour that it is off moves nothing.

use super::to_see::ToSee;
use std::collections::VecDeque;

use fixture_ledger::LampLight;
use fixture_ledger::record::Attempt;
use fixture_link::identity::{LaneId, WallTime};

use super::gate::LoopBackLimits;

/// Attempts are taken together over so many microseconds: three hours.
pub const SPAN: i64 = 3 * HOUR;
/// How far back a trend looks, in microseconds: four weeks.
pub const LOOKS_BACK: i64 = 28 * DAY;

const HOUR: i64 = 3_600_000_000;
const DAY: i64 = 24 * HOUR;
/// A trend that crosses the limit within so many days is told.
const AHEAD_DAYS: f64 = 14.0;
/// A trend needs so many spans, over at least so many microseconds, so that one shift's warm-up is none.
const SPANS_AT_LEAST: usize = 8;
const LASTS_AT_LEAST: i64 = 2 * DAY;
/// Kendall's rank correlation, in standard deviations, from which a fall is no chance: one in a thousand by the normal distribution.
const FALL_IS_REAL: f64 = -3.1;
/// Attempts whose middle one is the lamp's present light.
const RECENT: usize = 15;
/// So close above its limit, in shares of calibrated light, the lamp is told as nearly weak.
const NEARLY: f64 = 0.1;

/// One lane's lamp.
#[derive(Debug)]
pub struct LampTrend {
    lane: LaneId,
    limits: LoopBackLimits,
    spans: VecDeque<Span>,
    recent: VecDeque<f64>,
    falling: Option<f64>,
}

/// The attempts of three hours.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Span {
    /// Which, counted from 1970.
    number: i64,
    /// Sum of their lights, as shares of what commissioning measured.
    sum: f64,
    attempts: u32,
}

impl Span {
    fn mean(&self) -> f64 {
        self.sum / f64::from(self.attempts.max(1))
    }
}

impl LampTrend {
    /// A lamp with what the ledger knows of its last weeks, in order of time.
    pub fn new(lane: LaneId, limits: LoopBackLimits, history: &[LampLight]) -> Self {
        let spans = history.iter().map(|light| Span {
            number: light.from.div_euclid(SPAN),
            sum: light.light / f64::from(limits.full) * f64::from(light.attempts),
            attempts: light.attempts,
        });
        let mut trend = Self {
            lane,
            limits,
            spans: spans.collect(),
            recent: VecDeque::with_capacity(RECENT),
            falling: None,
        };
        trend.weigh();
        trend
    }

    /// Which lane's.
    pub fn lane(&self) -> LaneId {
        self.lane
    }

    /// An attempt has ended; one whose loop-back saw too little says nothing of the lamp.
    pub fn attempt(&mut self, at: WallTime, attempt: &Attempt) {
        let Some(seen) = attempt.loop_back else { return };
        if attempt.level_permille == 0 || self.limits.full <= 0.0 {
            return;
        }
        let meant = f64::from(self.limits.full) * f64::from(attempt.level_permille) / 1000.0;
        let share = f64::from(seen.bright) / meant;
        if self.recent.len() == RECENT {
            self.recent.pop_front();
        }
        self.recent.push_back(share);
        let number = at.micros.div_euclid(SPAN);
        if let Some(last) = self.spans.back_mut()
            && last.number >= number
        {
            // A wall clock that was set back does not open old spans again.
            last.sum += share;
            last.attempts += 1;
            return;
        }
        self.weigh();
        self.spans.push_back(Span {
            number,
            sum: share,
            attempts: 1,
        });
        while self
            .spans
            .front()
            .is_some_and(|first| number - first.number > LOOKS_BACK / SPAN)
        {
            self.spans.pop_front();
        }
    }

    /// What a person should see to, if anything.
    pub fn notice(&self) -> Option<ToSee> {
        let limit = f64::from(self.limits.weak);
        let now = (self.recent.len() == RECENT).then(|| middle(self.recent.iter().copied().collect()));
        let said = match (now, self.falling) {
            (Some(now), _) if now < limit + NEARLY => format!(
                "lane {}: the lamp gives {:.0} % of its calibrated light; below {:.0} % attempts fail",
                self.lane,
                now * 100.0,
                limit * 100.0
            ),
            (_, Some(days)) => format!(
                "lane {}: the lamp loses light; at this rate it is below its limit of {:.0} % in {}",
                self.lane,
                limit * 100.0,
                words(days)
            ),
            _ => return None,
        };
        Some(ToSee {
            part: "lamp".to_owned(),
            what: said,
            remedy: "clean the lamp and the light pipe, look at its aim; if that does not help, replace the LED and calibrate the lane".to_owned(),
        })
    }

    /// Looks at the spans that are over: in how many days a fall that is no chance reaches the limit.
    fn weigh(&mut self) {
        self.falling = None;
        let (Some(first), Some(last)) = (self.spans.front(), self.spans.back()) else {
            return;
        };
        if self.spans.len() < SPANS_AT_LEAST || (last.number - first.number) * SPAN < LASTS_AT_LEAST {
            return;
        }
        let newest: Vec<f64> = self
            .spans
            .iter()
            .rev()
            .take(SPANS_AT_LEAST / 2)
            .map(Span::mean)
            .collect();
        let now = middle(newest);
        if let Some(a_day) = fall(&self.spans) {
            let days = (now - f64::from(self.limits.weak)) / a_day;
            if days < AHEAD_DAYS {
                self.falling = Some(days.max(0.0));
            }
        }
    }
}

/// How much light is lost a day, where that is no chance: the middle one of the slopes between all pairs of spans (Theil and Sen), which a day with a
/// dirty window does not move; tested by Kendall's rank correlation.
fn fall(spans: &VecDeque<Span>) -> Option<f64> {
    let mut slopes = Vec::with_capacity(spans.len() * spans.len() / 2);
    let (mut up, mut down) = (0_u32, 0_u32);
    for (place, early) in spans.iter().enumerate() {
        for late in spans.iter().skip(place + 1) {
            #[expect(clippy::cast_precision_loss, reason = "spans of four weeks are a few hundred")]
            let days = ((late.number - early.number) * SPAN) as f64 / DAY as f64;
            let risen = late.mean() - early.mean();
            up += u32::from(risen > 0.0);
            down += u32::from(risen < 0.0);
            slopes.push(risen / days);
        }
    }
    #[expect(clippy::cast_precision_loss, reason = "a few hundred spans")]
    let count = spans.len() as f64;
    let spread = (count * (count - 1.0) * (2.0 * count + 5.0) / 18.0).sqrt();
    let correlated = (f64::from(up) - f64::from(down)) / spread;
    let slope = middle(slopes);
    (correlated < FALL_IS_REAL && slope < 0.0).then_some(-slope)
}

fn middle(mut values: Vec<f64>) -> f64 {
    values.sort_unstable_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or_default()
}

fn words(days: f64) -> String {
    if days < 1.0 {
        "less than a day".to_owned()
    } else {
        format!("about {days:.0} days")
    }
}

#[cfg(test)]
mod tests {
    use core::time::Duration;

    use fixture_ledger::record::{AttemptResult, LoopBack};

    use super::*;

    const LIMITS: LoopBackLimits = LoopBackLimits {
        full: 6000.0,
        seen: 0.1,
        weak: 0.5,
    };

    fn lane() -> LaneId {
        LaneId::first(1).next().unwrap()
    }

    fn attempt(share: f64) -> Attempt {
        #[expect(clippy::cast_possible_truncation, reason = "a count")]
        let bright = (6000.0 * 0.8 * share) as f32;
        Attempt {
            number: 1,
            rate: 60,
            level_permille: 800,
            mid_permille: Some(500),
            began: Duration::ZERO,
            took: Duration::from_secs(9),
            token_id: None,
            result: AttemptResult::Received,
            symbols: 540,
            latest: Duration::ZERO,
            lateness: [0; 21],
            loop_back: Some(LoopBack {
                bright,
                mid_share: 0.5,
                samples: 100,
            }),
        }
    }

    /// Days of two shifts, an attempt every ten minutes; light by day, with a wobble that no chance is needed for.
    fn days(trend: &mut LampTrend, days: core::ops::Range<i64>, light: impl Fn(f64) -> f64) {
        let mut wobble = 0.0;
        for day in days {
            for minute in (0..16 * 60).step_by(10) {
                let micros = day * DAY + minute * HOUR / 60;
                wobble = -1.3 * (wobble + 0.001) % 0.03;
                #[expect(clippy::cast_precision_loss, reason = "a few weeks")]
                let at = micros as f64 / DAY as f64;
                trend.attempt(
                    WallTime {
                        micros,
                        synchronised: true,
                    },
                    &attempt(light(at) + wobble),
                );
            }
        }
    }

    #[test]
    fn a_lamp_that_holds_its_light_is_not_told() {
        let mut trend = LampTrend::new(lane(), LIMITS, &[]);
        days(&mut trend, 0..40, |_| 0.9);
        assert_eq!(trend.notice(), None);
        assert!(trend.spans.len() <= 28 * 8 + 1, "{} spans", trend.spans.len());
    }

    #[test]
    fn a_lamp_that_ages_is_told_before_it_is_weak_and_with_the_time_that_is_left() {
        let mut trend = LampTrend::new(lane(), LIMITS, &[]);
        // 1 % a day: from 0.95 it is weak after 45 days, and told from the 31st on, fourteen days before.
        let light = |at: f64| 0.95 - 0.01 * at;
        days(&mut trend, 0..28, light);
        assert_eq!(trend.notice(), None, "17 days are left");
        days(&mut trend, 28..34, light);
        // 11.3 days are left; the newest spans' middle one is a few hours old.
        let said = trend.notice().expect("fewer than 14 days are left").what;
        assert_eq!(
            said,
            "lane 1: the lamp loses light; at this rate it is below its limit of 50 % in about 12 days"
        );
    }

    #[test]
    fn a_lamp_out_of_its_aim_is_told_after_a_few_attempts() {
        let mut trend = LampTrend::new(lane(), LIMITS, &[]);
        days(&mut trend, 0..1, |_| 0.9);
        let (nine, late) = (9, DAY + HOUR);
        for count in 0..RECENT {
            let told = trend.notice().is_some();
            assert_eq!(told, count > RECENT / 2, "after {count} attempts");
            trend.attempt(
                WallTime {
                    micros: late + i64::try_from(count).unwrap() * nine,
                    synchronised: true,
                },
                &attempt(0.55),
            );
        }
        let said = trend.notice().expect("nearly weak").what;
        assert_eq!(
            said,
            "lane 1: the lamp gives 55 % of its calibrated light; below 50 % attempts fail"
        );
    }

    #[test]
    fn what_the_ledger_knows_counts_as_if_the_process_had_lived() {
        let mut lived = LampTrend::new(lane(), LIMITS, &[]);
        let light = |at: f64| 0.95 - 0.01 * at;
        days(&mut lived, 0..34, light);
        let history: Vec<LampLight> = lived
            .spans
            .iter()
            .map(|span| LampLight {
                from: span.number * SPAN,
                light: span.mean() * 6000.0,
                attempts: span.attempts,
            })
            .collect();
        let mut anew = LampTrend::new(lane(), LIMITS, &history);
        assert!(anew.notice().is_some());
        days(&mut lived, 34..35, light);
        days(&mut anew, 34..35, light);
        assert_eq!(anew.notice(), lived.notice());
    }
}
