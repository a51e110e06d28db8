//! The cost of reading a lane: time a sample with the start and once it knows the unit, eight lanes' share of a core, the worst
//! sample, bytes of state; beside run lengths with a threshold.
#![expect(
    clippy::pedantic,
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a measurement, printed"
)]
#![expect(dead_code, reason = "the quality tests use the rest of the light")]

#[path = "../tests/light/mod.rs"]
mod light;

use std::hint::black_box;
use std::time::{Duration, Instant};

use blinkup::codes::CodeTable;
use blinkup::reader::{ColourSensor, Reader, ReaderSettings};
use blinkup::sample::Sample;
use blinkup::trace::Trace;
use light::factory::{Condition, case};

/// Traces of each condition, and how often each is read: what counts is the quickest time, as other work shares the machine.
const TRACES: u64 = 8;
const REPEATS: usize = 7;
/// From this moment on the reader knows the unit.
const KNOWN_AFTER: Duration = Duration::from_secs(5);
/// Silences at whose end a sample costs most, milliseconds.
const GAPS_MS: [u64; 6] = [50, 700, 3_900, 4_100, 61_000, 86_400_000];

/// A trace's samples, and the quickest time that each one took.
struct Timed {
    samples: Vec<Sample>,
    took: Vec<Duration>,
    views: Vec<usize>,
}

fn now() -> Instant {
    #[expect(clippy::disallowed_methods, reason = "a benchmark measures real time")]
    Instant::now()
}

fn time(reader: &mut Reader<ColourSensor>, trace: &Trace, samples: Vec<Sample>) -> Timed {
    let mut took = vec![Duration::MAX; samples.len()];
    let mut views = vec![0; samples.len()];
    for _ in 0..REPEATS {
        reader.restart(trace.header.sensor());
        for (index, sample) in samples.iter().enumerate() {
            let start = now();
            black_box(reader.push(sample));
            took[index] = took[index].min(start.elapsed());
            views[index] = reader.views();
        }
    }
    Timed { samples, took, views }
}

/// What a clock costs that is read twice: the quickest of many means, as for a sample what counts is its quickest time.
fn clock() -> Duration {
    let mean = |_| (0..100).map(|_| now().elapsed()).sum::<Duration>() / 100;
    (0..100).map(mean).min().unwrap_or_default()
}

fn mean_ns(took: &[Duration], clock: Duration) -> f64 {
    let sum: Duration = took.iter().map(|took| took.saturating_sub(clock)).sum();
    sum.as_secs_f64() * 1e9 / took.len().max(1) as f64
}

fn main() {
    let table = CodeTable::vendor();
    let traces =
        |condition| (0..TRACES).map(move |seed| case(condition, 91_000 + seed, &CodeTable::vendor(), &[]).trace);
    let first = case(Condition::Clean, 91_000, &table, &[]).trace;
    let mut reader = Reader::new(&table, first.header.sensor(), ReaderSettings::default());
    println!("state of a lane: {} bytes", reader.state_bytes());
    let clock = clock();
    let (mut all, mut known) = (Vec::new(), Vec::new());
    let mut worst = Duration::ZERO;
    println!("condition | ns a sample | once the unit is known | views then | worst sample, µs | after a silence, µs");
    for condition in Condition::ALL {
        let (mut took, mut later, mut views, mut gaps) = (Vec::new(), Vec::new(), 0, Duration::ZERO);
        for trace in traces(condition) {
            let timed = time(&mut reader, &trace, trace.samples().collect());
            let from = timed.samples[0].end + KNOWN_AFTER;
            let knows = timed.samples.partition_point(|sample| sample.end < from);
            later.extend_from_slice(&timed.took[knows..]);
            views += timed.views[knows..].iter().sum::<usize>();
            took.extend(timed.took);
            // Silences at the start, where all views are open, and later.
            for (index, gap) in GAPS_MS.into_iter().enumerate() {
                let mut samples: Vec<Sample> = trace.samples().take(400).collect();
                for sample in &mut samples[[2, 30, 300][index % 3]..] {
                    sample.start = sample.start + Duration::from_millis(gap);
                    sample.end = sample.end + Duration::from_millis(gap);
                }
                let timed = time(&mut reader, &trace, samples);
                gaps = timed.took.into_iter().fold(gaps, Duration::max);
            }
        }
        let most = took.iter().copied().fold(Duration::ZERO, Duration::max);
        println!(
            "{:9} | {:11.0} | {:22.0} | {:10.2} | {:16.1} | {:19.1}",
            condition.name(),
            mean_ns(&took, clock),
            mean_ns(&later, clock),
            views as f64 / later.len() as f64,
            most.as_secs_f64() * 1e6,
            gaps.as_secs_f64() * 1e6,
        );
        worst = worst.max(most).max(gaps);
        all.append(&mut took);
        known.append(&mut later);
    }
    let (mean, later) = (mean_ns(&all, clock), mean_ns(&known, clock));
    println!("all: {mean:.0} ns a sample with the start, {later:.0} ns once the unit is known");
    println!(
        "eight lanes at 100 samples a second: {:.3} % of a core with the start, {:.3} % once the units are known",
        mean * 800.0 / 1e7,
        later * 800.0 / 1e7
    );
    println!("worst sample: {:.3} ms", worst.as_secs_f64() * 1e3);
    println!("run lengths with a threshold: {:.1} ns a sample", run_lengths(&first));
}

/// The baseline: lit or dark by a threshold, and the lengths of runs.
fn run_lengths(trace: &Trace) -> f64 {
    let samples: Vec<Sample> = trace.samples().collect();
    let threshold = (trace.header.ambient[3] * 2.0) as u16 + 50;
    let quickest = (0..100).map(|_| {
        let start = now();
        let mut since = samples[0].end;
        let mut lit = false;
        let mut short = 0;
        for sample in black_box(&samples) {
            let now = sample.counts.clear > threshold;
            if now != lit {
                short += usize::from(sample.end.since(since).as_millis() < 375);
                (lit, since) = (now, sample.end);
            }
        }
        black_box(short);
        start.elapsed()
    });
    quickest.min().unwrap().as_secs_f64() * 1e9 / samples.len() as f64
}
