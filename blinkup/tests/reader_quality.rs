//! The reader against recorded and generated light whose truth is known.
#![cfg(feature = "toml")]
#![expect(
    clippy::pedantic,
    clippy::unwrap_used,
    reason = "a judge of figures: floating point throughout, and a missing vector must fail"
)]

mod light;

use std::path::Path;

use blinkup::codes::{CodeTable, Colour, Pattern};
use blinkup::reader::ReaderSettings;
use blinkup::tick::Tick;
use blinkup::trace::Trace;
use light::decidable::{decidable_after, variants};
use light::factory::{Condition, case};
use light::random::Random;
use light::score::{Said, Score, said};
use light::truth::Case;

fn recorded(condition: Condition) -> Vec<Case> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/vectors/led-traces");
    Case::load_all(&folder, condition.name())
}

fn recorded_clean() -> Vec<Case> {
    let cases = recorded(Condition::Clean);
    assert_eq!(cases.len(), 12);
    cases
}

/// Single red flashes are told as such, and nothing else is.
fn assert_flashes_are_told(score: &Score) {
    let remarks = format!("{}\n{}", score.flash_row(), score.remarks.join("\n"));
    assert!(score.flashes_due >= 3, "{remarks}");
    assert!(score.flashes_told * 5 >= score.flashes_due * 4, "{remarks}");
    assert!(score.flashes_false * 200 <= score.showings, "{remarks}");
}

fn assert_demanding_when_clean(score: &Score) {
    let remarks = format!("{}\n{}", score.row("clean"), score.remarks.join("\n"));
    assert_eq!(score.named, score.due, "named\n{remarks}");
    assert_eq!(score.false_readings, 0, "false\n{remarks}");
    assert!(
        score.excess_at(0.5) <= 0.0,
        "median excess {} ms\n{remarks}",
        score.excess_at(0.5)
    );
    assert!(
        score.excess_at(0.95) <= 1000.0,
        "excess at 95 % {} ms\n{remarks}",
        score.excess_at(0.95)
    );
    assert!(score.stale_share() <= 0.003, "stale {}\n{remarks}", score.stale_share());
}

#[test]
fn recorded_clean_light_is_read_to_the_demanding_figures() {
    assert_demanding_when_clean(&Score::of(
        &recorded_clean(),
        &CodeTable::vendor(),
        ReaderSettings::default(),
    ));
}

#[test]
fn a_hundred_generated_clean_traces_are_read_to_the_demanding_figures() {
    let table = CodeTable::vendor();
    let variants = variants(&table);
    let cases: Vec<Case> = (0..100)
        .map(|seed| case(Condition::Clean, 77_000 + seed, &table, &variants))
        .collect();
    let score = Score::of(&cases, &table, ReaderSettings::default());
    assert_demanding_when_clean(&score);
    assert_flashes_are_told(&score);
}

/// Named, median and 95 % of the excess in milliseconds, stale: the demanding row of a condition, but for what is false.
const DEMANDING: [(Condition, [f64; 4]); 3] = [
    (Condition::Factory, [0.99, 20.0, 1000.0, 0.004]),
    (Condition::Moving, [0.985, 20.0, 1000.0, 0.005]),
    (Condition::Hard, [0.97, 60.0, 1800.0, 0.03]),
];
/// The share of false readings that sixty traces may have: the figures of hundreds lie between 0.2 and 1.2 %.
const FALSE: f64 = 0.015;

#[test]
fn generated_light_of_every_other_condition_is_named_in_time_and_seldom_falsely() {
    let table = CodeTable::vendor();
    let variants = variants(&table);
    let mut all = Score::default();
    for (condition, [named, median, most, stale]) in DEMANDING {
        let cases: Vec<Case> = (0..60)
            .map(|seed| case(condition, 78_000 + seed, &table, &variants))
            .collect();
        let score = Score::of(&cases, &table, ReaderSettings::default());
        let remarks = format!("{}\n{}", score.row(condition.name()), score.remarks.join("\n"));
        assert!(score.named_share() >= named, "named\n{remarks}");
        assert!(score.false_share() <= FALSE, "false\n{remarks}");
        assert!(score.excess_at(0.5) <= median, "median excess\n{remarks}");
        assert!(score.excess_at(0.95) <= most, "excess at 95 %\n{remarks}");
        assert!(score.stale_share() <= stale, "stale\n{remarks}");
        all = all.and(score);
    }
    assert_flashes_are_told(&all);
}

#[test]
fn a_unit_that_is_dark_from_the_start_in_moving_light_is_no_weak_one_that_is_lit() {
    let score = Score::of(
        &recorded(Condition::Moving),
        &CodeTable::vendor(),
        ReaderSettings::default(),
    );
    let remarks = format!("{}\n{}", score.row("moving"), score.remarks.join("\n"));
    assert_eq!(score.traces, 1);
    assert_eq!(score.named, score.due, "named\n{remarks}");
    assert_eq!(score.false_readings, 0, "false\n{remarks}");
}

#[test]
fn as_a_lane_sets_it_the_reader_is_in_time_and_names_fewer_falsely() {
    let table = CodeTable::vendor();
    let variants = variants(&table);
    // With the recipe's confidence at once, and more stages that are cut short.
    let mut lane = ReaderSettings {
        confidence: 0.99,
        steady_confidence: 0.99,
        ..ReaderSettings::default()
    };
    lane.expectations.brief = 0.2;
    let mut all = Score::default();
    for condition in [Condition::Clean, Condition::Factory, Condition::Moving] {
        let cases: Vec<Case> = (0..60)
            .map(|seed| case(condition, 80_000 + seed, &table, &variants))
            .collect();
        all = all.and(Score::of(&cases, &table, lane));
    }
    let remarks = format!("{}\n{}", all.row("lane"), all.remarks.join("\n"));
    assert!(all.named_share() >= 0.99, "named\n{remarks}");
    assert!(all.false_share() <= 0.005, "false\n{remarks}");
    assert!(all.excess_at(0.5) <= 0.0, "median excess\n{remarks}");
    assert!(all.excess_at(0.95) <= 1000.0, "excess at 95 %\n{remarks}");
    assert!(all.stale_share() <= 0.004, "stale\n{remarks}");
}

#[test]
fn a_trace_cut_anywhere_gives_the_same_readings_and_flashes_before_the_cut() {
    let table = CodeTable::vendor();
    let variants = variants(&table);
    let generated = Condition::ALL.map(|condition| case(condition, 79_000, &table, &variants));
    let mut random = Random::new(79_001);
    let ms = |tick: Tick| tick.as_micros() as f64 / 1000.0;
    let mut flashes = 0;
    for whole in recorded_clean().iter().take(3).chain(&generated) {
        let all = said(whole, &table, ReaderSettings::default());
        assert!(!all.readings.is_empty(), "{}", whole.name);
        flashes += all.transients.len();
        for _ in 0..8 {
            let cut = random.between(0.0, whole.trace.rows.len() as f64) as usize;
            let rows = whole.trace.rows[..cut].to_vec();
            let end_ms = rows.last().map_or(0.0, |row| ms(row.at));
            let part = Case {
                name: whole.name.clone(),
                trace: Trace {
                    header: whole.trace.header,
                    rows,
                },
                length_ms: end_ms,
                shown: whole.shown.clone(),
            };
            let before = Said {
                readings: all.readings.iter().copied().filter(|(at, _)| *at <= end_ms).collect(),
                transients: all
                    .transients
                    .iter()
                    .copied()
                    .filter(|told| ms(told.at) <= end_ms)
                    .collect(),
            };
            let part = said(&part, &table, ReaderSettings::default());
            assert_eq!(part, before, "{} cut at {end_ms} ms", whole.name);
        }
    }
    assert!(flashes > 0, "no trace had a flash");
}

/// The colours of clean light by plain thresholds on the whole trace, every 10 ms.
fn colours(case: &Case) -> Vec<Colour> {
    let shape = case.trace.header.shape;
    let dot = |a: [f64; 4], b: [f64; 4]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
    let (red, green) = (shape.red.map(f64::from), shape.green.map(f64::from));
    let (rr, rg, gg) = (dot(red, red), dot(red, green), dot(green, green));
    let fits: Vec<(f64, f64, f64)> = case
        .trace
        .rows
        .iter()
        .map(|row| {
            let c = row.counts;
            let mut light = [c.red, c.green, c.blue, c.clear].map(f64::from);
            for (light, ambient) in light.iter_mut().zip(case.trace.header.ambient) {
                *light -= f64::from(ambient);
            }
            let (ry, gy) = (dot(red, light), dot(green, light));
            let determinant = rr * gg - rg * rg;
            (
                row.at.as_micros() as f64 / 1e3,
                (gg * ry - rg * gy) / determinant,
                (rr * gy - rg * ry) / determinant,
            )
        })
        .collect();
    let most = fits.iter().map(|fit| fit.1.max(fit.2)).fold(0.0, f64::max);
    (0..(case.length_ms / 10.0) as usize)
        .map(|cell| {
            let ms = cell as f64 * 10.0 + 5.0;
            // A sample ends about 5 ms after what it saw.
            let near = fits
                .iter()
                .min_by(|a, b| (a.0 - 5.0 - ms).abs().total_cmp(&(b.0 - 5.0 - ms).abs()))
                .unwrap();
            match (near.1 > 0.3 * most, near.2 > 0.3 * most) {
                (false, false) => Colour::Off,
                (true, false) => Colour::Red,
                (true, true) => Colour::Amber,
                (false, true) => Colour::Green,
            }
        })
        .collect()
}

#[test]
fn the_decidable_moment_is_the_one_that_the_recorded_truth_gives() {
    let table = CodeTable::vendor();
    let variants = variants(&table);
    for case in recorded_clean() {
        let light = colours(&case);
        for (index, showing) in case.shown.iter().enumerate() {
            let Some(shown) = table.pattern_of(&showing.code).map(Pattern::id) else {
                continue;
            };
            let (from, until) = (
                (showing.from_ms / 10.0) as usize + 1,
                (case.until_ms(index) / 10.0) as usize,
            );
            let ours = decidable_after(&light[from..until.min(from + 400)], shown, &variants);
            let name = format!("{}: {}", case.name, showing.code);
            match (ours, showing.decidable_after_ms) {
                (None, None) => {}
                (Some(ours), Some(theirs)) => {
                    // The truth's own grid of phases and clocks is not published; the light here is rounded to samples.
                    assert!((ours - theirs).abs() <= 50.0, "{name}: {ours} ms, not {theirs} ms");
                }
                (ours, theirs) => panic!("{name}: {ours:?}, not {theirs:?}"),
            }
        }
    }
}
