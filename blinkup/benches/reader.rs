//! The cost of reading a lane: samples a second on one core, beside run lengths with a threshold, and bytes of state.
#![expect(
    clippy::pedantic,
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a measurement, printed"
)]

use std::path::Path;

use blinkup::codes::CodeTable;
use blinkup::reader::{Reader, ReaderSettings};
use blinkup::sample::Sample;
use blinkup::trace::Trace;
use divan::Bencher;
use divan::counter::ItemsCount;

fn main() {
    let trace = trace();
    let reader = Reader::new(&CodeTable::vendor(), trace.header.sensor(), ReaderSettings::default());
    println!(
        "state of a lane: {} bytes; at 100 samples a second a lane's share of a core is 100 / (items a second)",
        reader.state_bytes()
    );
    divan::main();
}

fn trace() -> Trace {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/vectors/led-traces/clean-01.csv");
    Trace::parse(&std::fs::read_to_string(path).unwrap()).unwrap()
}

/// The reader, a whole trace of 31 s.
#[divan::bench]
fn reader(bencher: Bencher) {
    let trace = trace();
    let samples: Vec<Sample> = trace.samples().collect();
    let mut reader = Reader::new(&CodeTable::vendor(), trace.header.sensor(), ReaderSettings::default());
    bencher.counter(ItemsCount::new(samples.len())).bench_local(|| {
        reader.restart(trace.header.sensor());
        samples
            .iter()
            .filter(|sample| reader.push(sample).reading.is_some())
            .count()
    });
}

/// The baseline: lit or dark by a threshold, and the lengths of runs.
#[divan::bench]
fn run_lengths(bencher: Bencher) {
    let trace = trace();
    let samples: Vec<Sample> = trace.samples().collect();
    let threshold = (trace.header.ambient[3] * 2.0) as u16 + 50;
    bencher.counter(ItemsCount::new(samples.len())).bench_local(|| {
        let mut since = samples[0].end;
        let mut lit = false;
        let mut short = 0;
        for sample in &samples {
            let now = sample.counts.clear > threshold;
            if now != lit {
                short += usize::from(sample.end.since(since).as_millis() < 375);
                (lit, since) = (now, sample.end);
            }
        }
        short
    });
}
