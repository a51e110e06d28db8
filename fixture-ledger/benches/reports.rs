//! What reports cost on a ledger of ten thousand runs and on one of forty thousand: the same, where they should not grow with history.

use divan::Bencher;
use fixture_ledger::record::{Evidence, EvidenceKind, Purpose, RunEnd, RunStart, Setup};
use fixture_ledger::report::{RunFilter, SerialFilter};
use fixture_ledger::{Durability, Ledger, Reports};
use fixture_link::identity::{LaneId, RunId, Serial, WallTime};
use fixture_link::snapshot::Stage;
use fixture_link::verdict::VerdictCode;
use std::sync::LazyLock;
use tempfile::TempDir;
use tokio::runtime::Runtime;
use uuid::Uuid;

const HOUR: i64 = 3_600_000_000;
const DAY: i64 = 24 * HOUR;
const SIZES: [u32; 2] = [10_000, 40_000];
/// Runs a day, so that a larger ledger has more days and not fuller ones.
const A_DAY: u32 = 2_000;

static RUNTIME: LazyLock<Runtime> = LazyLock::new(|| {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime")
});

static LEDGERS: LazyLock<TempDir> = LazyLock::new(|| {
    let directory = tempfile::tempdir().expect("a temporary directory");
    for size in SIZES {
        RUNTIME.block_on(fill(&directory, size));
    }
    directory
});

fn main() {
    // Cargo also runs benchmarks as tests; making the ledgers would be most of that.
    if std::env::args().any(|argument| argument == "--bench") {
        divan::main();
    }
}

async fn fill(directory: &TempDir, size: u32) {
    let path = directory.path().join(size.to_string());
    let mut ledger = Ledger::create(&path, Durability::Unsynced).await.expect("a new ledger");
    let setup = Setup {
        fixture: "fixture-1".to_owned(),
        software: "0.1.0".to_owned(),
        recipe: "sensor-wifi".to_owned(),
        recipe_version: "0123456789abcdef".to_owned(),
        pass_rule: "blessed".to_owned(),
        simulated: true,
    };
    let setup = ledger.setup(&setup).await.expect("a setup");
    for number in 0..size {
        let wall = WallTime {
            micros: i64::from(number) * (DAY / i64::from(A_DAY)),
            synchronised: true,
        };
        let run = run_id(number);
        let start = RunStart {
            run,
            lane: LaneId::new(u8::try_from(number % 4 + 1).expect("a small number")).expect("a lane"),
            serial: Serial::new(&format!("SN-{:08}", number / 10 * 9 + number % 9)).ok(),
            operator: "console".to_owned(),
            lot: format!("lot-{}", number / 500),
            work_order: String::new(),
            purpose: Purpose::Production,
            seated: wall,
        };
        ledger.begin_run(setup, &start).await.expect("a start");
        let end = RunEnd {
            run,
            code: match number % 20 {
                0 => VerdictCode::StuckJoining,
                1 => VerdictCode::LampWeak,
                _ => VerdictCode::Ok,
            },
            detail: String::new(),
            stage: Stage::Blessed,
            took: core::time::Duration::from_secs(61),
            device_id: None,
            agent_url: None,
            attempts: Vec::new(),
            readings: Vec::new(),
            evidence: vec![Evidence {
                at: core::time::Duration::ZERO,
                kind: EvidenceKind::Nest,
                detail: "ambient 41 counts".to_owned(),
            }],
            measurements: Vec::new(),
            trace: vec![7; 3_000],
            samples_lost: 0,
        };
        ledger.finish_run(&end, wall).await.expect("an end");
    }
    ledger.close().await.expect("closed");
}

fn run_id(number: u32) -> RunId {
    RunId(Uuid::from_u128((u128::from(number) << 80) | 0x7000_8000_0000_0000_0000))
}

fn reports(size: u32) -> Reports {
    RUNTIME
        .block_on(Reports::open(&LEDGERS.path().join(size.to_string())))
        .expect("a ledger")
}

/// A day in the middle of the ledger, with both ends within an hour.
fn a_day(size: u32) -> (i64, i64) {
    let from = i64::from(size / A_DAY / 2) * DAY + HOUR / 2;
    (from, from + DAY)
}

#[divan::bench(args = SIZES)]
fn yields_of_a_day(bencher: Bencher<'_, '_>, size: u32) {
    let reports = reports(size);
    let (from, until) = a_day(size);
    bencher.bench_local(|| RUNTIME.block_on(reports.today(from, until, None)).expect("yields"));
}

#[divan::bench(args = SIZES)]
fn yields_of_everything(bencher: Bencher<'_, '_>, size: u32) {
    let reports = reports(size);
    bencher.bench_local(|| RUNTIME.block_on(reports.today(0, i64::MAX, None)).expect("yields"));
}

#[divan::bench(args = SIZES)]
fn failures_of_a_day(bencher: Bencher<'_, '_>, size: u32) {
    let reports = reports(size);
    let (from, until) = a_day(size);
    bencher.bench_local(|| {
        RUNTIME
            .block_on(reports.failures_by_code(from, until))
            .expect("failures")
    });
}

fn page(bencher: Bencher<'_, '_>, size: u32, filter: &RunFilter) {
    let reports = reports(size);
    bencher.bench_local(|| RUNTIME.block_on(reports.runs(filter, 50)).expect("a page"));
}

#[divan::bench(args = SIZES)]
fn newest_page(bencher: Bencher<'_, '_>, size: u32) {
    page(bencher, size, &RunFilter::default());
}

#[divan::bench(args = SIZES)]
fn page_of_a_code(bencher: Bencher<'_, '_>, size: u32) {
    let filter = RunFilter {
        code: Some(VerdictCode::LampWeak),
        ..RunFilter::default()
    };
    page(bencher, size, &filter);
}

#[divan::bench(args = SIZES)]
fn page_of_a_prefix_that_all_have(bencher: Bencher<'_, '_>, size: u32) {
    let filter = RunFilter {
        serial: Some(SerialFilter::BeginsWith("SN-".to_owned())),
        ..RunFilter::default()
    };
    page(bencher, size, &filter);
}

#[divan::bench(args = SIZES)]
fn everything_of_a_run(bencher: Bencher<'_, '_>, size: u32) {
    let reports = reports(size);
    bencher.bench_local(|| RUNTIME.block_on(reports.run(run_id(size / 2))).expect("a run"));
}
