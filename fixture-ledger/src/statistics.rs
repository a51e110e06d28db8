//! How sure a yield is, and whether it changed: intervals, limits and run rules. Pure.
#![expect(clippy::cast_precision_loss, reason = "counts of runs are far below 2^52")]

use statrs::function::beta::beta_reg;
use statrs::function::erf::erfc_inv;

/// The normal distribution's 97.5 % point.
const Z_95: f64 = 1.959_963_984_540_054;

/// What lies outside three standard deviations of a normal distribution, both sides together: the customary chance of a false alarm of one point
/// of a control chart (Shewhart).
pub const OUT_OF_LIMITS: f64 = 0.0027;

/// Shares from the least to the most, 0 to 1.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Interval {
    /// The least.
    pub low: f64,
    /// The most.
    pub high: f64,
}

/// Wilson's 95 % interval of the share that passed (E. B. Wilson, "Probable inference, the law of succession, and statistical inference",
/// 1927, without correction for continuity); `None` of none.
pub fn wilson(passed: u64, total: u64) -> Option<Interval> {
    if total == 0 {
        return None;
    }
    let total = total as f64;
    let share = (passed as f64 / total).min(1.0);
    let square = Z_95 * Z_95;
    let middle = share + square / (2.0 * total);
    let half = Z_95 * (share * (1.0 - share) / total + square / (4.0 * total * total)).sqrt();
    let whole = 1.0 + square / total;
    Some(Interval {
        low: if passed == 0 {
            0.0
        } else {
            ((middle - half) / whole).max(0.0)
        },
        high: if share >= 1.0 {
            1.0
        } else {
            ((middle + half) / whole).min(1.0)
        },
    })
}

/// How well a quantity keeps within two limits.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Capability {
    /// The mean.
    pub mean: f64,
    /// The standard deviation of single values, with n − 1.
    pub deviation: f64,
    /// The distance from the mean to the nearer limit in three standard deviations; negative where the mean is outside.
    pub cpk: f64,
    /// Its 95 % interval.
    pub interval: Interval,
}

/// The capability index Cpk of some values with its approximate 95 % interval (A. F. Bissell, "How reliable is your capability index?", Applied
/// Statistics 39, 1990): Cpk ± z √(1/(9n) + Cpk²/(2(n − 1))). It takes the values for normally distributed, which says little of fewer than some
/// thirty of them. `None` of fewer than two, or where all are the same.
pub fn capability(values: &[f64], least: f64, most: f64) -> Option<Capability> {
    let count = values.len() as f64;
    if values.len() < 2 {
        return None;
    }
    let mean = values.iter().sum::<f64>() / count;
    let squares: f64 = values.iter().map(|value| (value - mean).powi(2)).sum();
    let deviation = (squares / (count - 1.0)).sqrt();
    // What only rounding tells apart is the same.
    if deviation <= mean.abs() * 1e-12 {
        return None;
    }
    let cpk = (most - mean).min(mean - least) / (3.0 * deviation);
    let half = Z_95 * (1.0 / (9.0 * count) + cpk * cpk / (2.0 * (count - 1.0))).sqrt();
    Some(Capability {
        mean,
        deviation,
        cpk,
        interval: Interval {
            low: cpk - half,
            high: cpk + half,
        },
    })
}

/// The chance that of `total`, each with the chance `share`, at most `most` fail.
fn at_most(most: u64, total: u64, share: f64) -> f64 {
    if most >= total || share <= 0.0 {
        1.0
    } else if share >= 1.0 {
        0.0
    } else {
        beta_reg((total - most) as f64, most as f64 + 1.0, 1.0 - share)
    }
}

/// Control limits of a count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CountLimits {
    /// Fewer are out of limits.
    pub least: u64,
    /// More are out of limits.
    pub most: u64,
}

/// Exact binomial control limits of how many of `total` fail where each does with the chance `share`: of a process that did not change, a count lies
/// below them with a chance of at most half of [`OUT_OF_LIMITS`], and above them likewise.
pub fn binomial_limits(total: u64, share: f64) -> CountLimits {
    let tail = OUT_OF_LIMITS / 2.0;
    // The largest count that is out below has a lower tail of at most `tail`; the first that has more is in.
    let least = first(total, |count| at_most(count, total, share) > tail);
    // The first count whose upper tail, itself left out, is at most `tail` is the last that is in.
    let most = first(total, |count| 1.0 - at_most(count, total, share) <= tail);
    CountLimits { least, most }
}

/// The first count from 0 to `total` for which something holds that holds for all after it; `total` where for none.
fn first(total: u64, holds: impl Fn(u64) -> bool) -> u64 {
    let (mut low, mut high) = (0, total);
    while low < high {
        let middle = low + (high - low) / 2;
        if holds(middle) {
            high = middle;
        } else {
            low = middle + 1;
        }
    }
    low
}

/// How many failed of how many, in one of the spans of a chart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Point {
    /// Failed.
    pub failed: u64,
    /// Failed or passed.
    pub total: u64,
}

/// What a point of a control chart says of a process that should not have changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Rule {
    /// More failed than the limits allow.
    Above,
    /// Fewer failed than the limits allow.
    Below,
    /// Two of three points in a row beyond two standard deviations, on one side.
    TwoOfThree,
    /// Four of five points in a row beyond one standard deviation, on one side.
    FourOfFive,
    /// Nine points in a row on one side of the mean.
    NineOnOneSide,
    /// Six points in a row, each worse than the one before, or each better.
    SixInOneDirection,
}

impl Rule {
    /// What it says.
    pub const fn words(self) -> &'static str {
        match self {
            Self::Above => "more failures than the limit",
            Self::Below => "fewer failures than the limit",
            Self::TwoOfThree => "2 of 3 points beyond two standard deviations",
            Self::FourOfFive => "4 of 5 points beyond one standard deviation",
            Self::NineOnOneSide => "9 points in a row on one side of the mean",
            Self::SixInOneDirection => "6 points in a row in one direction",
        }
    }

    /// The name in the API, kebab-case.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Above => "above-limit",
            Self::Below => "below-limit",
            Self::TwoOfThree => "two-of-three",
            Self::FourOfFive => "four-of-five",
            Self::NineOnOneSide => "nine-on-one-side",
            Self::SixInOneDirection => "six-in-one-direction",
        }
    }
}

/// A point of a control chart, looked at.
#[derive(Debug, Clone, PartialEq)]
pub struct Charted {
    /// The point.
    pub point: Point,
    /// Its limits.
    pub limits: CountLimits,
    /// The rules that fired with it as the last point.
    pub rules: Vec<Rule>,
}

/// A p-chart: the share that failed over time, with the mean of all points and each point's exact limits. Points without units are passed over.
#[derive(Debug, Clone, PartialEq)]
pub struct Chart {
    /// The share that failed of all points together; `None` of none.
    pub mean: Option<f64>,
    /// The points.
    pub points: Vec<Charted>,
}

/// Looks at points in the order of time. The run rules (Western Electric, "Statistical Quality Control Handbook", 1956; Nelson, 1984) ask for normal
/// points; a count is put onto that scale by its exact mid-tail.
pub fn p_chart(points: &[Point]) -> Chart {
    let failed: u64 = points.iter().map(|point| point.failed).sum();
    let total: u64 = points.iter().map(|point| point.total).sum();
    let mean = (total > 0).then(|| failed as f64 / total as f64);
    let share = mean.unwrap_or(0.0);
    let mut scores: Vec<f64> = Vec::new();
    let mut shares: Vec<f64> = Vec::new();
    let points = points
        .iter()
        .map(|point| {
            let limits = binomial_limits(point.total, share);
            let mut rules = Vec::new();
            if point.total > 0 {
                scores.push(score(*point, share));
                shares.push(point.failed as f64 / point.total as f64);
                if point.failed > limits.most {
                    rules.push(Rule::Above);
                }
                if point.failed < limits.least {
                    rules.push(Rule::Below);
                }
                rules.extend(run_rules(&scores, &shares));
            }
            Charted {
                point: *point,
                limits,
                rules,
            }
        })
        .collect();
    Chart { mean, points }
}

/// Where a count lies on the scale of a normal distribution, in standard deviations from its mean; more failures are above.
fn score(point: Point, share: f64) -> f64 {
    let upto = at_most(point.failed, point.total, share);
    let below = point
        .failed
        .checked_sub(1)
        .map_or(0.0, |fewer| at_most(fewer, point.total, share));
    let middle = f64::midpoint(upto, below).clamp(1.0e-12, 1.0 - 1.0e-12);
    -core::f64::consts::SQRT_2 * erfc_inv(2.0 * middle)
}

/// The run rules that fire at the last of these.
fn run_rules(scores: &[f64], shares: &[f64]) -> Vec<Rule> {
    let beyond = |of: usize, at_least: usize, limit: f64| {
        let (Some(newest), Some(last)) = (
            scores.last(),
            scores.len().checked_sub(of).and_then(|from| scores.get(from..)),
        ) else {
            return false;
        };
        // The newest point is one of them, or the rule had fired before.
        let above = last.iter().filter(|score| **score > limit).count();
        let below = last.iter().filter(|score| **score < -limit).count();
        (*newest > limit && above >= at_least) || (*newest < -limit && below >= at_least)
    };
    let direction = shares
        .len()
        .checked_sub(6)
        .and_then(|from| shares.get(from..))
        .is_some_and(|last| last.is_sorted_by(|one, other| one < other) || last.is_sorted_by(|one, other| one > other));
    [
        (Rule::TwoOfThree, beyond(3, 2, 2.0)),
        (Rule::FourOfFive, beyond(5, 4, 1.0)),
        (Rule::NineOnOneSide, beyond(9, 9, 0.0)),
        (Rule::SixInOneDirection, direction),
    ]
    .into_iter()
    .filter_map(|(rule, fires)| fires.then_some(rule))
    .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn near(one: f64, other: f64, within: f64) {
        assert!((one - other).abs() <= within, "{one} is not {other}");
    }

    #[test]
    fn wilsons_interval_is_the_published_one() {
        // Newcombe, "Two-sided confidence intervals for the single proportion", Statistics in Medicine 17 (1998), table I, method 3.
        for (passed, total, low, high) in [
            (81, 263, 0.2553, 0.3662),
            (15, 148, 0.0624, 0.1605),
            (0, 20, 0.0, 0.1611),
            (1, 29, 0.0061, 0.1718),
        ] {
            let interval = wilson(passed, total).unwrap();
            near(interval.low, low, 0.000_05);
            near(interval.high, high, 0.000_05);
        }
        assert_eq!(wilson(0, 0), None);
        let all = wilson(20, 20).unwrap();
        near(all.low, 1.0 - 0.1611, 0.000_05);
        near(all.high, 1.0, 0.0);
    }

    /// The same by adding up the binomial distribution from its start.
    fn slow_limits(total: u64, share: f64) -> CountLimits {
        let mut chance = (1.0 - share).powf(total as f64);
        let mut sum = chance;
        let mut sums = vec![sum];
        for count in 1..=total {
            chance *= (total - count + 1) as f64 / count as f64 * share / (1.0 - share);
            sum += chance;
            sums.push(sum);
        }
        let place = |holds: &dyn Fn(f64) -> bool| sums.iter().position(|sum| holds(*sum)).unwrap() as u64;
        CountLimits {
            least: place(&|sum| sum > 0.00135),
            most: place(&|sum| 1.0 - sum <= 0.00135),
        }
    }

    #[test]
    fn limits_are_those_of_the_distribution_added_up() {
        for total in [1, 2, 7, 50, 240, 960] {
            for share in [0.001, 0.02, 0.1, 0.5, 0.9] {
                if (1.0_f64 - share).powf(total as f64) < 1.0e-300 {
                    // Nothing to begin adding up with.
                    continue;
                }
                assert_eq!(
                    binomial_limits(total, share),
                    slow_limits(total, share),
                    "{total} {share}"
                );
            }
        }
        // As a table of the binomial distribution has it: of 20 with 0.1, P(X > 6) = 0.0024 and P(X > 7) = 0.0004.
        assert_eq!(binomial_limits(20, 0.1), CountLimits { least: 0, most: 7 });
        assert_eq!(binomial_limits(0, 0.1), CountLimits { least: 0, most: 0 });
        assert_eq!(binomial_limits(100, 0.0), CountLimits { least: 0, most: 0 });
        assert_eq!(binomial_limits(100, 1.0), CountLimits { least: 100, most: 100 });
    }

    fn rules_of_last(failed: &[u64]) -> Vec<Rule> {
        let points: Vec<Point> = failed
            .iter()
            .map(|failed| Point {
                failed: *failed,
                total: 400,
            })
            .collect();
        p_chart(&points).points.pop().unwrap().rules
    }

    #[test]
    fn a_bad_day_is_out_of_limits_and_an_ordinary_one_is_not() {
        let mut days = vec![20, 18, 23, 19, 21, 17, 22, 20, 19, 21];
        assert_eq!(rules_of_last(&days), []);
        days.push(60);
        assert_eq!(rules_of_last(&days), [Rule::Above]);
        *days.last_mut().unwrap() = 1;
        assert_eq!(rules_of_last(&days), [Rule::Below]);
    }

    #[test]
    fn run_rules_fire_at_the_point_that_completes_them() {
        let quiet = [
            20, 19, 21, 20, 19, 21, 20, 19, 21, 20, 19, 21, 20, 19, 21, 20, 19, 21, 20, 19,
        ];
        let with = |more: &[u64]| {
            let mut days = quiet.to_vec();
            days.extend(more);
            rules_of_last(&days)
        };
        assert_eq!(with(&[31]), []);
        assert_eq!(with(&[31, 19, 32]), [Rule::TwoOfThree]);
        assert_eq!(with(&[27, 27, 19, 27, 27]), [Rule::FourOfFive]);
        assert_eq!(with(&[16, 17, 19, 20, 22, 24]), [Rule::SixInOneDirection]);
        assert_eq!(with(&[16, 17, 19, 20, 22, 22]), []);
        // The mean is what all points together say, so that the quiet ones lie below it.
        assert!(with(&[23; 9]).contains(&Rule::NineOnOneSide));
        assert!(!with(&[23; 8]).contains(&Rule::NineOnOneSide));
    }

    #[test]
    fn a_day_without_units_breaks_no_run_and_fires_no_rule() {
        let points: Vec<Point> = [(20, 400), (0, 0), (21, 400)]
            .into_iter()
            .map(|(failed, total)| Point { failed, total })
            .collect();
        let chart = p_chart(&points);
        assert_eq!(chart.points[1].rules, []);
        near(chart.mean.unwrap(), 41.0 / 800.0, 1.0e-12);
        assert_eq!(p_chart(&[]).mean, None);
    }

    /// Values with this mean and standard deviation (n − 1) to the last place.
    fn values_with(count: u32, mean: f64, deviation: f64) -> Vec<f64> {
        let half = deviation * (f64::from(count - 1) / f64::from(count)).sqrt();
        (0..count)
            .map(|n| if n % 2 == 0 { mean + half } else { mean - half })
            .collect()
    }

    #[test]
    fn a_capability_has_the_interval_of_bissells_formula() {
        // The intervals are computed by another program, Python's `z = statistics.NormalDist().inv_cdf(0.975)` and
        // `c - z * sqrt(1 / (9 * n) + c * c / (2 * (n - 1)))`. 1.33 of 20 is the case of textbooks.
        for (count, cpk, low, high) in [
            (20, 1.33, 0.882_606_050_6, 1.777_393_949_4),
            (50, 1.0, 0.781_516_283_1, 1.218_483_716_9),
            (500, 0.7, 0.647_657_431_2, 0.752_342_568_8),
        ] {
            let deviation = 0.02;
            let values = values_with(count, 0.5, deviation);
            let distance = 3.0 * deviation * cpk;
            for (least, most) in [
                (0.5 - distance, 9.0),
                (-9.0, 0.5 + distance),
                (0.5 - distance, 0.5 + distance),
            ] {
                let found = capability(&values, least, most).unwrap();
                assert!(
                    (found.mean - 0.5).abs() < 1e-12 && (found.deviation - deviation).abs() < 1e-12,
                    "{found:?}"
                );
                assert!((found.cpk - cpk).abs() < 1e-9, "{found:?}");
                assert!((found.interval.low - low).abs() < 1e-8, "{count}: {found:?}");
                assert!((found.interval.high - high).abs() < 1e-8, "{count}: {found:?}");
            }
        }
        // A mean outside of the limits.
        let outside = capability(&values_with(50, 0.5, 0.02), 0.56, 1.0).unwrap();
        assert!(
            (outside.cpk + 1.0).abs() < 1e-9 && outside.interval.high < 0.0,
            "{outside:?}"
        );
        assert_eq!(capability(&[0.5], 0.0, 1.0), None);
        assert_eq!(capability(&[0.1; 30], 0.0, 1.0), None);
    }

    #[test]
    fn about_19_of_20_intervals_of_a_capability_hold_what_is_true() {
        // Normal values: the sum of twelve even ones. The generator is Knuth's MMIX.
        let mut state = 1_u64;
        let mut even = move || {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            (state >> 11) as f64 / (1_u64 << 53) as f64
        };
        let mut normal = move || (0..12).map(|_| even()).sum::<f64>() - 6.0;
        // The true index is 4 / 3.
        let held = (0..2000)
            .filter(|_| {
                let values: Vec<f64> = (0..60).map(|_| normal()).collect();
                let interval = capability(&values, -4.0, 5.0).unwrap().interval;
                (interval.low..interval.high).contains(&(4.0 / 3.0))
            })
            .count();
        assert!((1860..=1940).contains(&held), "{held} of 2000");
    }
}
