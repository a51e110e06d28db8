//! A generator of traces: units that show codes one after the other, a sensor that counts their light.
//!
//! The physics is that of the reader's specification: two LED parts, dice of any strength, ambient light with flicker and drift,
//! clocks up to 2 % off, edges that wander, samples lost. It shares nothing with the simulated jig.

use std::time::Duration;

use blinkup::Level;
use blinkup::codes::{CodeTable, Colour, Kind, PatternId};
use blinkup::reader::LedShape;
use blinkup::sample::Counts;
use blinkup::tick::Tick;
use blinkup::trace::{Header, Row, SATURATED_AT, Trace};

use super::decidable::{Variant, decidable_after};
use super::random::Random;
use super::truth::{Case, Showing};

/// The surroundings.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Condition {
    /// A strong LED in a dark nest.
    Clean,
    /// Units of all strengths, flicker, clocks off, samples lost, patterns cut short.
    Factory,
    /// Factory under ambient light that swings and jumps.
    Moving,
    /// A weak LED under strong flickering light.
    Hard,
}

impl Condition {
    pub const ALL: [Self; 4] = [Self::Clean, Self::Factory, Self::Moving, Self::Hard];

    pub fn name(self) -> &'static str {
        match self {
            Self::Clean => "clean",
            Self::Factory => "factory",
            Self::Moving => "moving",
            Self::Hard => "hard",
        }
    }
}

/// Light of one colour.
pub struct Stretch {
    pub until_ms: f64,
    pub colour: Colour,
}

/// A trace of its own for every seed.
pub fn case(condition: Condition, seed: u64, table: &CodeTable, variants: &[Variant]) -> Case {
    let mut random = Random::new(seed.wrapping_mul(4) + condition as u64);
    let (shown, stretches) = show(condition, &mut random, table, variants);
    let length_ms = stretches.last().unwrap().until_ms;
    Case {
        name: format!("{}-seed-{seed}", condition.name()),
        trace: record(condition, &mut random, &stretches),
        length_ms,
        shown,
    }
}

fn show(
    condition: Condition,
    random: &mut Random,
    table: &CodeTable,
    variants: &[Variant],
) -> (Vec<Showing>, Vec<Stretch>) {
    let codes: Vec<_> = table
        .codes()
        .iter()
        .filter(|code| code.kind == Kind::Pattern && code.steps.iter().all(|step| step.colour.is_some()))
        .collect();
    let (clock, wander) = match condition {
        Condition::Clean => (random.between(-0.005, 0.005), 1.0),
        Condition::Factory | Condition::Moving | Condition::Hard => (random.between(-0.015, 0.015), 5.0),
    };
    let mut shown = Vec::new();
    let mut stretches = Vec::new();
    let mut now = 0.0;
    if random.chance(0.3) {
        shown.push(Showing {
            from_ms: now,
            code: "normal-operation".into(),
            decidable_after_ms: None,
        });
        now += random.between(500.0, 1000.0);
        stretches.push(Stretch {
            until_ms: now,
            colour: Colour::Off,
        });
        shown.push(Showing {
            from_ms: now,
            code: "power-on-red".into(),
            decidable_after_ms: None,
        });
        now += random.between(60.0, 400.0);
        stretches.push(Stretch {
            until_ms: now,
            colour: Colour::Red,
        });
    }
    let mut before: Option<PatternId> = None;
    for turn in 0..3 + (random.unit() * 4.0) as usize {
        let code = loop {
            let code = random.one(&codes);
            if table.pattern_of(&code.id).map(blinkup::codes::Pattern::id) != before {
                break code;
            }
        };
        let pattern = table.pattern_of(&code.id).unwrap();
        before = Some(pattern.id());
        let mut steps: Vec<(Colour, f64)> = Vec::new();
        for step in pattern.steps() {
            let ms = step.lasts.map_or(f64::INFINITY, |span| {
                random.between(span.shortest.as_secs_f64() * 1e3, span.longest.as_secs_f64() * 1e3)
            });
            steps.push((step.colour.unwrap(), ms * (1.0 + clock)));
        }
        let period: f64 = steps.iter().map(|step| step.1).sum();
        let short = !matches!(condition, Condition::Clean) && random.chance(0.15);
        let length = match (period.is_finite(), short) {
            (_, true) => random.between(300.0, 1200.0),
            (true, false) => (period * random.between(2.5, 5.0)).max(random.between(3000.0, 6000.0)),
            (false, false) => random.between(3800.0, 7000.0),
        };
        let skipped = if period.is_finite() && random.chance(if turn == 0 { 0.5 } else { 0.12 }) {
            random.unit() * period
        } else {
            0.0
        };
        let from = now;
        now += length;
        let first = stretches.len();
        let mut edge = from - skipped;
        'shown: loop {
            for (colour, ms) in &steps {
                edge = (edge + ms).min(now);
                let wandered = (edge + random.normal(wander)).min(now);
                if wandered > stretches.last().map_or(from, |last: &Stretch| last.until_ms) {
                    stretches.push(Stretch {
                        until_ms: if edge >= now { now } else { wandered },
                        colour: *colour,
                    });
                }
                if edge >= now {
                    break 'shown;
                }
            }
        }
        stretches.last_mut().unwrap().until_ms = now;
        let light: Vec<Colour> = (0..(length.min(4000.0) / 10.0) as usize)
            .map(|cell| colour_at(&stretches[first..], from + cell as f64 * 10.0 + 5.0))
            .collect();
        let decidable_after_ms = decidable_after(&light, pattern.id(), variants);
        shown.push(Showing {
            from_ms: from,
            code: code.id.clone(),
            decidable_after_ms,
        });
    }
    (shown, stretches)
}

fn colour_at(stretches: &[Stretch], ms: f64) -> Colour {
    stretches
        .iter()
        .find(|stretch| ms < stretch.until_ms)
        .map_or(stretches.last().unwrap().colour, |stretch| stretch.colour)
}

/// Light of one colour within a window, milliseconds.
fn lit_ms(stretches: &[Stretch], start: f64, end: f64, lit: impl Fn(Colour) -> bool) -> f64 {
    let mut from = f64::NEG_INFINITY;
    let mut sum = 0.0;
    for stretch in stretches {
        let overlap = stretch.until_ms.min(end) - from.max(start);
        if overlap > 0.0 && lit(stretch.colour) {
            sum += overlap;
        }
        from = stretch.until_ms;
        if from > end {
            break;
        }
    }
    sum
}

/// What a sensor counts of light, in a nest and of a unit of its own for every sequence of random numbers.
pub fn record(condition: Condition, random: &mut Random, stretches: &[Stretch]) -> Trace {
    const INTEGRATION_MS: f64 = 9.6;
    let yellow_green = random.chance(0.6);
    let (red_die, green_die) = if yellow_green {
        ([1.0, 0.077, 0.05, 1.1], [0.47, 0.87, 0.08, 1.32])
    } else {
        ([1.02, 0.098, 0.061, 1.13], [0.159, 1.01, 0.338, 1.38])
    };
    let jitter = |shape: [f64; 4], random: &mut Random, by: f64| shape.map(|value| value * (1.0 + random.normal(by)));
    let red_die = jitter(red_die, random, 0.03);
    let green_die = jitter(green_die, random, 0.03);
    let strength = match condition {
        Condition::Clean => random.ratio(1000.0, 4500.0),
        Condition::Factory | Condition::Moving => random.ratio(280.0, 4500.0),
        Condition::Hard => random.ratio(110.0, 240.0),
    };
    let green_strength = strength * random.ratio(0.68, 1.48);
    let base = match condition {
        Condition::Clean => random.ratio(12.0, 80.0),
        Condition::Factory | Condition::Moving => random.ratio(60.0, 1000.0),
        Condition::Hard => random.ratio(750.0, 2500.0),
    };
    let ambient = [
        1.0,
        random.between(0.65, 1.15),
        random.between(0.5, 0.9),
        random.between(2.1, 3.3),
    ]
    .map(|part| part * base);
    let flicker = match condition {
        Condition::Clean => 0.0,
        Condition::Factory | Condition::Moving => random.between(0.0, 0.2),
        Condition::Hard => random.between(0.1, 0.4),
    };
    let frequency = *random.one(&[0.1, 0.12]);
    let flicker_phase = random.between(0.0, core::f64::consts::TAU);
    let drift = random.normal(0.01);
    let swing = if condition == Condition::Moving {
        random.between(0.05, 0.2)
    } else {
        0.0
    };
    let swing_period = random.between(2000.0, 12_000.0);
    let mut jumps = Vec::new();
    if condition == Condition::Moving {
        for _ in 0..3 {
            jumps.push((
                random.unit() * stretches.last().unwrap().until_ms,
                random.between(-0.1, 0.1),
            ));
        }
    }
    let measured = jitter(ambient, random, 0.02);
    let header = Header {
        shape: LedShape {
            red: jitter(red_die, random, 0.01).map(|value| value as f32),
            green: jitter(green_die, random, 0.01).map(|value| value as f32),
        },
        ambient: measured.map(|value| value as f32),
        saturated_at: SATURATED_AT,
        integration: Duration::from_micros(9600),
    };
    // A sensor's own clock: its samples drift through any grid of times.
    let every = 10.0 * (1.0 + random.between(-0.01, 0.01));
    let lost = if condition == Condition::Clean { 0.0 } else { 0.005 };
    let mut rows = Vec::new();
    let mut index = 1.0;
    loop {
        let end = index * every + random.normal(0.4);
        index += 1.0;
        if end > stretches.last().unwrap().until_ms {
            break;
        }
        if random.chance(lost) {
            continue;
        }
        let start = end - INTEGRATION_MS;
        let red =
            strength * lit_ms(stretches, start, end, |c| matches!(c, Colour::Red | Colour::Amber)) / INTEGRATION_MS;
        let green = green_strength * lit_ms(stretches, start, end, |c| matches!(c, Colour::Green | Colour::Amber))
            / INTEGRATION_MS;
        let turn = core::f64::consts::TAU * frequency;
        let mean_flicker =
            ((turn * start + flicker_phase).cos() - (turn * end + flicker_phase).cos()) / (turn * INTEGRATION_MS);
        let jumped: f64 = jumps.iter().filter(|(at, _)| *at < end).map(|(_, by)| by).sum();
        let level = 1.0
            + drift * end / 30_000.0
            + flicker * mean_flicker
            + jumped
            + swing * (core::f64::consts::TAU * end / swing_period).sin();
        let mut counts = [0_u16; 4];
        for channel in 0..4 {
            let mean = ambient[channel] * level + red * red_die[channel] + green * green_die[channel];
            let counted = mean + random.normal((mean.max(0.0) + 8.0).sqrt());
            counts[channel] = counted.round().clamp(0.0, f64::from(SATURATED_AT)) as u16;
        }
        let [red, green, blue, clear] = counts;
        rows.push(Row {
            at: Tick::from_micros((end * 1000.0) as u64),
            counts: Counts {
                red,
                green,
                blue,
                clear,
            },
            lamp: Level::DARK,
        });
    }
    Trace { header, rows }
}
