//! How fast virtual time is: `cargo bench -p fixture-daemon --bench simulate`.
//!
//! Two processes with two seeds are a line on two cores; a process needs one.

use core::time::Duration;
use std::time::Instant;

use divan::counter::ItemsCount;
use fixture_daemon::config;
use fixture_daemon::drivers::virtual_time::{SHIFT_BEGINS, Simulated, Summary, simulate};
use nix::sys::resource::{UsageWho, getrusage};

const UNITS: u32 = 40;
const LANES: u8 = 4;

fn main() {
    let (began, worked) = (now(), cpu());
    let summary = line();
    let (real, worked) = (began.elapsed(), cpu().saturating_sub(worked));
    let lane_hours = summary.lasted.as_secs_f64() * f64::from(LANES) / 3_600.0;
    #[expect(clippy::print_stdout, reason = "what a benchmark is for")]
    {
        println!(
            "{UNITS} units on {LANES} lanes: {:.2} lane-hours in {:.2} s of a core: {:.2} lane-hours a second per core, {:.1} units; {:.0} times as fast \
             as real time",
            lane_hours,
            worked.as_secs_f64(),
            lane_hours / worked.as_secs_f64(),
            f64::from(UNITS) / worked.as_secs_f64(),
            summary.lasted.as_secs_f64() / real.as_secs_f64()
        );
    }
    divan::main();
}

#[expect(clippy::disallowed_methods, reason = "a benchmark measures real time")]
fn now() -> Instant {
    Instant::now()
}

/// Processor time of this process so far.
fn cpu() -> Duration {
    let usage = getrusage(UsageWho::RUSAGE_SELF).expect("Linux tells");
    let of = |time: nix::sys::time::TimeVal| {
        Duration::from_secs(time.tv_sec().unsigned_abs()) + Duration::from_micros(time.tv_usec().unsigned_abs())
    };
    of(usage.user_time()) + of(usage.system_time())
}

fn line() -> Summary {
    let folder = tempfile::tempdir().expect("a folder for the ledger");
    let simulated = Simulated {
        units: UNITS,
        lanes: LANES,
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
