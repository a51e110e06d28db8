//! How soon a unit that does not receive is known, and how often one that does is taken for one that does not.
//!
//!     cargo bench -p fixture-daemon --bench receiving                      10,000 receiving units at each ratio of lamp to LED
//!     cargo bench -p fixture-daemon --bench receiving -- --units 1000      fewer
//!     cargo bench -p fixture-daemon --bench receiving -- --seed 7

#![expect(
    clippy::print_stdout,
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "figures for a person"
)]

#[path = "../tests/stand/mod.rs"]
mod stand;

use core::time::Duration;

use stand::{Outcome, Trial, Units};

/// Receiving units at each ratio; of those that do not, a tenth.
const UNITS: u32 = 10_000;
const RATIOS: [f64; 4] = [1.0, 10.0, 30.0, 100.0];
/// Rates of the example recipes, in turn.
const RATES: [u8; 3] = [60, 30, 20];
/// The period of the ready pattern that the units show.
const PERIOD: Duration = Duration::from_secs(1);
/// Units that lie in the same lanes one after the other; then come other lanes, another LED part, other light.
const A_JIG: u32 = 50;

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    // Cargo also runs benchmarks as tests.
    if !arguments.iter().any(|argument| argument == "--bench") {
        return;
    }
    let number = |name: &str| {
        let place = arguments.iter().position(|argument| argument == name)?;
        arguments.get(place + 1)?.parse::<u32>().ok()
    };
    let units = number("--units").unwrap_or(UNITS);
    let seed = u64::from(number("--seed").unwrap_or(1));
    let only = number("--ratio").map(f64::from);
    println!("units that do not receive: known so many periods of their pattern after the first symbol");
    println!(
        "{:>5} {:>7} {:>6} {:>6} {:>6} {:>6} {:>8}   receiving units: {:>7} {:>13}",
        "ratio", "units", "50 %", "95 %", "99.9 %", "latest", "over two", "units", "taken for blind"
    );
    for ratio in RATIOS
        .into_iter()
        .filter(|ratio| only.is_none_or(|only| (ratio - only).abs() < 0.5))
    {
        let blind = trials(seed, ratio, Units::DoNotSeeIt, units.div_ceil(10));
        let good = trials(seed + 1_000_000, ratio, Units::Receive, units);
        let mut told: Vec<f64> = blind
            .told
            .iter()
            .map(|told| told.as_secs_f64() / PERIOD.as_secs_f64())
            .collect();
        told.sort_by(f64::total_cmp);
        let at = |share: f64| {
            told.get(((told.len() as f64 * share).ceil() as usize).saturating_sub(1))
                .copied()
                .unwrap_or(f64::NAN)
        };
        let missed = blind.sent as usize - told.len();
        let over = told.iter().filter(|told| **told > 2.0).count() + missed;
        println!(
            "{ratio:>5} {:>7} {:>6.2} {:>6.2} {:>6.2} {:>6.2} {over:>8}   {:>24} {:>13}",
            blind.sent,
            at(0.5),
            at(0.95),
            at(0.999),
            at(1.0),
            good.sent,
            good.told.len(),
        );
        if blind.not_sent + good.not_sent > 0 || !good.otherwise.is_empty() || !blind.otherwise.is_empty() {
            println!(
                "      never ready, so never sent to: {} and {}; stopped otherwise: {:?}",
                blind.not_sent,
                good.not_sent,
                count(&blind, &good)
            );
        }
    }
}

fn count(blind: &Outcome, good: &Outcome) -> Vec<(String, usize)> {
    let mut words: Vec<String> = blind.otherwise.iter().chain(&good.otherwise).cloned().collect();
    words.sort();
    words
        .chunk_by(|a, b| a == b)
        .map(|same| (same[0].clone(), same.len()))
        .collect()
}

fn trials(seed: u64, lamp_over_led: f64, units: Units, count: u32) -> Outcome {
    let mut all = Outcome::default();
    for (jig, rate) in (0..count.div_ceil(A_JIG)).zip(RATES.into_iter().cycle()) {
        let outcome = stand::run(Trial {
            seed: seed * 100_000 + u64::from(jig),
            lamp_over_led,
            rate,
            units,
            count: A_JIG.min(count - jig * A_JIG),
        });
        all.sent += outcome.sent;
        all.not_sent += outcome.not_sent;
        all.told.extend(outcome.told);
        all.otherwise.extend(outcome.otherwise);
    }
    all
}
