//! How long units took: a histogram with marks, and how each stage's times are spread. Everything is measured here, in units of the drawing; the
//! template only writes it down.
#![expect(
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    clippy::cast_sign_loss,
    reason = "places in a drawing, and counts far below 2^52"
)]

use core::time::Duration;

use fixture_ledger::pace::Times;

use super::chart::{LEFT, Level, Name, TOP, WIDTH, percent};

/// Its height.
pub const HEIGHT: u32 = 200;
/// The height of a stage's row.
pub const ROW: u32 = 26;
/// Where the rows of stages begin: their names stand left of it.
pub const STAGES_LEFT: u32 = 250;
/// How wide they are.
pub const STAGES_WIDTH: u32 = LEFT + WIDTH - STAGES_LEFT;

/// The most bars.
const BARS: u64 = 40;

/// Times as bars of equal width; what took longer than nearly all is one bar at the end.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Histogram {
    /// The bars.
    pub bars: Vec<Bar>,
    /// Figures of the upright axis.
    pub levels: Vec<Level>,
    /// Seconds along the other.
    pub names: Vec<Name>,
    /// Times that are marked.
    pub marks: Vec<Name>,
}

/// A bar.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bar {
    /// From the left.
    pub x: u32,
    /// From the top.
    pub y: u32,
    /// Its width.
    pub width: u32,
    /// Its height.
    pub height: u32,
    /// From which time to which.
    pub times: String,
    /// How many.
    pub count: usize,
    /// Their share of all.
    pub share: String,
    /// Whether it holds all that took longer than the axis reaches.
    pub longer: bool,
}

/// Widths of bars and distances of figures, milliseconds.
const STEPS: [u64; 18] = [
    10, 20, 50, 100, 200, 500, 1_000, 2_000, 5_000, 10_000, 20_000, 60_000, 120_000, 300_000, 600_000, 1_800_000,
    3_600_000, 86_400_000,
];

/// The first step of which at most so many lie within a length, milliseconds.
fn step(length: u64, most: u64) -> u64 {
    STEPS
        .into_iter()
        .find(|step| length.div_ceil(*step) <= most)
        .unwrap_or(STEPS[STEPS.len() - 1])
}

fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX / 4)
}

/// A time on an axis of such steps.
fn seconds(millis: u64, step: u64) -> String {
    match step {
        0..100 => format!("{:.2}", millis as f64 / 1000.0),
        100..1000 => format!("{:.1}", millis as f64 / 1000.0),
        _ => format!("{}", millis / 1000),
    }
}

impl Histogram {
    /// Whether the last bar holds all that took longer than the axis reaches.
    pub fn has_longer(&self) -> bool {
        self.bars.last().is_some_and(|bar| bar.longer)
    }

    /// Draws times; `marks` are drawn where the axis reaches them, which it does within half as much again as nearly all times need.
    pub fn of(times: &Times, marks: &[(Duration, String)]) -> Self {
        let sorted = times.sorted();
        let (Some(first), Some(nearly_all), Some(last)) = (sorted.first(), times.percentile(99), sorted.last()) else {
            return Self::default();
        };
        let shown = |upto: u64| {
            let marked = marks.iter().map(|(time, _)| millis(*time));
            marked.filter(|time| *time <= upto).max().unwrap_or(0)
        };
        let first = marks.iter().fold(millis(*first), |first, (time, _)| {
            // A mark below all times has its place where it does not squeeze them.
            let time = millis(*time);
            if time < first && time >= first / 2 { time } else { first }
        });
        let reach = millis(nearly_all).max(shown(millis(nearly_all) * 3 / 2)).max(first + 1);
        let width = step(reach - first + 1, BARS);
        let from = first / width * width;
        let bars = (reach - from) / width + 1;
        let until = from + bars * width;
        let longer = usize::from(millis(*last) >= until);
        let mut counts = vec![0_usize; bars as usize + longer];
        let end = counts.len() - 1;
        for time in sorted {
            let place = (millis(*time).saturating_sub(from) / width) as usize;
            if let Some(count) = counts.get_mut(place.min(end)) {
                *count += 1;
            }
        }
        let most = counts.iter().copied().max().unwrap_or(1).max(1);
        let wide = f64::from(WIDTH) / counts.len() as f64;
        let x = |time: u64| LEFT + ((time - from) as f64 / width as f64 * wide) as u32;
        let tall = |count: usize| (count as f64 / most as f64 * f64::from(HEIGHT)) as u32;
        let all = sorted.len() as f64;
        let figures = step(until - from, 12);
        Self {
            bars: counts
                .iter()
                .enumerate()
                .map(|(place, count)| {
                    let begins = from + place as u64 * width;
                    let is_longer = longer == 1 && place == end;
                    let (left, right) = (x(begins), x(begins + width));
                    // Nothing is nothing, and one of thousands is seen.
                    let height = if *count == 0 { 0 } else { tall(*count).max(1) };
                    Bar {
                        x: left,
                        y: TOP + HEIGHT - height,
                        width: (right - left).saturating_sub(1).max(1),
                        height,
                        times: if is_longer {
                            format!("{} s and more", seconds(begins, width))
                        } else {
                            format!("{} to {} s", seconds(begins, width), seconds(begins + width, width))
                        },
                        count: *count,
                        share: percent(*count as f64 / all),
                        longer: is_longer,
                    }
                })
                .collect(),
            levels: levels(most, tall),
            names: (from.div_ceil(figures)..=until / figures)
                .map(|number| Name {
                    x: x(number * figures),
                    label: seconds(number * figures, figures),
                })
                .collect(),
            marks: marks
                .iter()
                .filter(|(time, _)| (from..=until).contains(&millis(*time)))
                .map(|(time, label)| Name {
                    x: x(millis(*time)),
                    label: label.clone(),
                })
                .collect(),
        }
    }
}

/// Figures of the upright axis: whole counts, three to six of them.
fn levels(most: usize, tall: impl Fn(usize) -> u32) -> Vec<Level> {
    let apart = (0..19_u32)
        .flat_map(|tens| [1, 2, 5].map(|unit| unit * 10_usize.saturating_pow(tens)))
        .find(|apart| most / apart <= 5)
        .unwrap_or(1);
    (0..=most / apart)
        .map(|number| Level {
            y: TOP + HEIGHT - tall(number * apart),
            label: (number * apart).to_string(),
        })
        .collect()
}

/// How the times of some stages are spread, on one axis.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Spreads {
    /// A row for each.
    pub rows: Vec<Spread>,
    /// Seconds along the axis.
    pub names: Vec<Name>,
    /// Where the axis is, from the top.
    pub bottom: u32,
}

/// How the times of a stage are spread.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Spread {
    /// The stage.
    pub name: &'static str,
    /// The middle of its row, from the top.
    pub y: u32,
    /// From the left: the times that 5, 25, 50, 75 and 95 of a hundred units do not exceed.
    pub at: [u32; 5],
    /// All that there is to say of it.
    pub title: String,
}

/// What is told of a spread: percents.
pub const PERCENTS: [usize; 5] = [5, 25, 50, 75, 95];

impl Spreads {
    /// Draws times of stages.
    pub fn of(stages: &[(&'static str, &Times)]) -> Self {
        let at = |times: &Times, percent| times.percentile(percent).map_or(0, millis);
        let most = stages.iter().map(|(_, times)| at(times, 95)).max().unwrap_or(0).max(1);
        let figures = step(most, 10);
        let until = most.div_ceil(figures) * figures;
        let x = |time: u64| STAGES_LEFT + (time as f64 / until as f64 * f64::from(STAGES_WIDTH)) as u32;
        let bottom = ROW * u32::try_from(stages.len()).unwrap_or(0) + 8;
        Self {
            rows: (0..)
                .zip(stages)
                .map(|(place, (name, times))| {
                    let [least, quarter, half, three_quarters, most] = PERCENTS.map(|percent| at(times, percent));
                    let words = |time| seconds(time, 100);
                    Spread {
                        name,
                        y: place * ROW + ROW / 2 + 4,
                        at: [least, quarter, half, three_quarters, most].map(x),
                        title: format!(
                            "{name}: half of {} units within {} s, half of them from {} to {} s, nine of ten from {} to {} s",
                            times.sorted().len(),
                            words(half),
                            words(quarter),
                            words(three_quarters),
                            words(least),
                            words(most)
                        ),
                    }
                })
                .collect(),
            names: (0..=until / figures)
                .map(|number| Name {
                    x: x(number * figures),
                    label: seconds(number * figures, figures),
                })
                .collect(),
            bottom,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn times(millis: impl IntoIterator<Item = u64>) -> Times {
        Times::of(millis.into_iter().map(Duration::from_millis).collect())
    }

    #[test]
    fn every_time_is_in_the_bar_that_says_so() {
        // 38.0 s to 47.0 s, and three that took ten times as long.
        let all: Vec<u64> = (0..900_u64).map(|n| 38_000 + n * 10).chain([400_000; 3]).collect();
        let drawn = Histogram::of(&times(all.clone()), &[(Duration::from_secs(45), "takt".to_owned())]);
        assert_eq!(drawn.bars.iter().map(|bar| bar.count).sum::<usize>(), all.len());
        for bar in &drawn.bars {
            let figures: Vec<f64> = bar.times.split(' ').filter_map(|word| word.parse().ok()).collect();
            let within = |time: &&u64| match figures.as_slice() {
                [from, until] => (*from..*until).contains(&(**time as f64 / 1000.0)),
                [from] => bar.longer && **time as f64 / 1000.0 >= *from,
                other => panic!("{other:?}"),
            };
            assert_eq!(bar.count, all.iter().filter(within).count(), "{}", bar.times);
        }
        let longer: Vec<_> = drawn.bars.iter().filter(|bar| bar.longer).collect();
        assert_eq!((longer.len(), longer[0].count), (1, 3));
        assert!(
            drawn.bars.len() > 10 && drawn.bars.len() as u64 <= BARS + 2,
            "{}",
            drawn.bars.len()
        );
        assert!(drawn.bars.windows(2).all(|pair| pair[0].x + pair[0].width <= pair[1].x));
        // The mark stands between the bars that it is between.
        let [mark] = drawn.marks.as_slice() else {
            panic!("{:?}", drawn.marks)
        };
        let after = drawn.bars.iter().find(|bar| bar.times.starts_with("45.0 ")).unwrap();
        assert_eq!(mark.x, after.x);
    }

    #[test]
    fn one_time_and_none_and_the_same_times_are_drawn() {
        assert_eq!(Histogram::of(&Times::default(), &[]), Histogram::default());
        for all in [vec![0], vec![42_000; 2000], vec![1, 86_400_000]] {
            let drawn = Histogram::of(&times(all.clone()), &[]);
            assert_eq!(drawn.bars.iter().map(|bar| bar.count).sum::<usize>(), all.len());
            assert!(
                drawn.bars.iter().all(|bar| bar.x + bar.width <= LEFT + WIDTH),
                "{drawn:?}"
            );
        }
    }

    #[test]
    fn a_mark_beyond_all_times_is_left_out() {
        let drawn = Histogram::of(
            &times((0..100).map(|n| 40_000 + n * 50)),
            &[
                (Duration::from_secs(15), "far below".to_owned()),
                (Duration::from_secs(50), "above".to_owned()),
                (Duration::from_mins(10), "far above".to_owned()),
            ],
        );
        let labels: Vec<_> = drawn.marks.iter().map(|mark| mark.label.as_str()).collect();
        assert_eq!(labels, ["above"]);
    }

    #[test]
    fn stages_are_spread_on_one_axis() {
        let (early, late) = (times((1..=100).map(|n| n * 10)), times((1..=100).map(|n| n * 100)));
        let drawn = Spreads::of(&[("received", &early), ("blessed", &late)]);
        assert_eq!(drawn.rows.len(), 2);
        assert!(drawn.rows.iter().all(|row| row.at.is_sorted()));
        assert!(drawn.rows[0].at[4] < drawn.rows[1].at[1]);
        assert!(
            drawn.rows[1].title.contains("half of 100 units within 5.0 s"),
            "{}",
            drawn.rows[1].title
        );
    }
}
