//! How fast virtual time is: `cargo bench -p fixture-daemon --bench simulate`.

use std::time::Instant;

use divan::counter::ItemsCount;
use fixture_daemon::config;
use fixture_daemon::drivers::virtual_time::{SHIFT_BEGINS, Simulated, Summary, simulate};

const UNITS: u32 = 40;

fn main() {
    #[expect(clippy::disallowed_methods, reason = "a benchmark measures real time")]
    let began = Instant::now();
    let summary = line();
    let real = began.elapsed();
    #[expect(clippy::print_stdout, reason = "what a benchmark is for")]
    {
        println!(
            "{UNITS} units on 4 lanes: {:.1} units a second, virtual time runs {:.0} times as fast as real time",
            f64::from(UNITS) / real.as_secs_f64(),
            summary.lasted.as_secs_f64() / real.as_secs_f64()
        );
    }
    divan::main();
}

fn line() -> Summary {
    let folder = tempfile::tempdir().expect("a folder for the ledger");
    let simulated = Simulated {
        units: UNITS,
        ..Simulated::new(1, config::example_recipe())
    };
    simulate(
        simulated.build(SHIFT_BEGINS),
        &folder.path().join("ledger.db"),
        &mut |_| Ok(()),
    )
    .expect("a line without faults")
}

/// Units through four lanes without faults, each with its whole record in a ledger.
#[divan::bench(sample_count = 5)]
fn units(bencher: divan::Bencher<'_, '_>) {
    bencher.counter(ItemsCount::new(UNITS)).bench(line);
}
