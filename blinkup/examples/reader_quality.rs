//! How good the LED reader is: the table of its four figures.
//!
//! `reader_quality FOLDER… SEED…`: a folder of recorded traces with their truth beside them (`clean-01.csv`, `clean-01.json`, …) gives a row a
//! condition; a seed gives 100 generated traces a condition, or as many as `traces=NUMBER` says. With `--remarks`, what went wrong as
//! well. `NAME=VALUE` sets a confidence or one of the reader's expectations for what follows; `only=CONDITION` leaves out the others.
#![expect(
    clippy::pedantic,
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a tool for developers, sharing the tests' light"
)]

#[path = "../tests/light/mod.rs"]
mod light;

use std::path::Path;

use blinkup::codes::CodeTable;
use blinkup::reader::ReaderSettings;
use light::factory::{Condition, case};
use light::score::Score;
use light::truth::Case;

fn main() {
    let table = CodeTable::vendor();
    let variants = light::decidable::variants(&table);
    let remarks = std::env::args().any(|argument| argument == "--remarks");
    let mut settings = ReaderSettings::default();
    let mut conditions = Condition::ALL.to_vec();
    let mut traces = 100;
    for argument in std::env::args().skip(1).filter(|argument| argument != "--remarks") {
        if let Some((name, value)) = argument.split_once('=') {
            match name {
                "traces" => traces = value.parse().unwrap(),
                "only" => conditions.retain(|condition| condition.name() == value),
                _ => set(&mut settings, name, value.parse().unwrap()),
            }
            continue;
        }
        println!("{argument}");
        for &condition in &conditions {
            let score = match argument.parse::<u64>() {
                Ok(seed) => {
                    let half = |start: u64| {
                        let cases: Vec<Case> = (start..traces)
                            .step_by(2)
                            .map(|number| case(condition, seed * 1000 + number, &table, &variants))
                            .collect();
                        Score::of(&cases, &table, settings)
                    };
                    std::thread::scope(|scope| {
                        let other = scope.spawn(|| half(1));
                        half(0).and(other.join().unwrap())
                    })
                }
                Err(_) => {
                    let cases = Case::load_all(Path::new(&argument), condition.name());
                    Score::of(&cases, &table, settings)
                }
            };
            println!("{}", score.row(condition.name()));
            println!("{}", score.flash_row());
            if remarks {
                for remark in &score.remarks {
                    println!("    {remark}");
                }
            }
        }
    }
}

fn set(settings: &mut ReaderSettings, name: &str, value: f32) {
    let expectations = &mut settings.expectations;
    *match name {
        "confidence" => &mut settings.confidence,
        "steady_confidence" => &mut settings.steady_confidence,
        "changes" => &mut expectations.changes,
        "brief" => &mut expectations.brief,
        "brief_ends" => &mut expectations.brief_ends,
        "from_the_start" => &mut expectations.from_the_start,
        "first_from_the_start" => &mut expectations.first_from_the_start,
        "stray" => &mut expectations.stray,
        "dark" => &mut expectations.dark,
        "rare" => &mut expectations.rare,
        "flash" => &mut expectations.flash,
        "power_up" => &mut expectations.power_up,
        "first_power_up" => &mut expectations.first_power_up,
        "strange" => &mut expectations.strange,
        "strange_changes" => &mut expectations.strange_changes,
        "least_weight" => &mut expectations.least_weight,
        _ => panic!("{name}: not a setting"),
    } = value;
}
