//! Bytes that a run writes to the disk: what the process gives to the system, what the system counts as to be written, and what reaches the
//! device.
//!
//! The device's own count is of everything that is written to it meanwhile, so it says something of the ledger only on a file system of its own:
//! `benches/on-a-disk-of-its-own` makes one. The folder is the system's for temporary files (`TMPDIR`).
//!
//! Runs with two attempts each, or with `--ledger PATH` those of a ledger, such as a simulated shift's: stored once more in the commits in which they came,
//! those of all lanes in the order of their times, with a printed label where it passed and without. The first half is not counted.

#![expect(
    clippy::print_stdout,
    clippy::cast_precision_loss,
    reason = "a benchmark prints its result"
)]

mod rows;

use core::time::Duration;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use fixture_ledger::record::{LabelState, Purpose, RunEnd, RunStart};
use fixture_ledger::report::RunDetail;
use fixture_ledger::{Durability, Ledger, Reports};
use fixture_link::identity::RunId;
use fixture_link::verdict::Outcome;
use tokio::runtime::Runtime;
use uuid::Uuid;

/// What the trees have grown to before anything is counted, so that they are as deep as after some days.
const BEFORE: u32 = 4_000;
/// After so many more the `-wal` has the length that it keeps: the first shift of a process makes it.
const FIRST_SHIFT: u32 = 512;
const COUNTED: u32 = 1_024;

fn main() {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime");
    let arguments: Vec<String> = std::env::args().collect();
    match arguments.iter().position(|argument| argument == "--ledger") {
        Some(place) => {
            let path = PathBuf::from(arguments.get(place + 1).expect("--ledger PATH"));
            for labels in [false, true] {
                runtime.block_on(of_a_ledger(&path, labels));
            }
        }
        None => two_attempts(&runtime),
    }
}

fn two_attempts(runtime: &Runtime) {
    // Cargo also runs benchmarks as tests; those only see that it works.
    let (made, first_shift, counted) = if std::env::args().any(|argument| argument == "--bench") {
        (BEFORE, FIRST_SHIFT, COUNTED)
    } else {
        (1, 1, 1)
    };
    let before = made + first_shift;
    let directory = tempfile::tempdir().expect("a temporary directory");
    let path = directory.path().join("ledger");
    let [first, last] = runtime.block_on(async {
        let (ledger, setup) = rows::ledger(&path, Durability::Unsynced).await;
        let mut ledger = Some(ledger);
        for number in 1..=made {
            rows::store(ledger.as_mut().expect("open"), setup, number, |_| ()).await;
        }
        ledger.take().expect("open").close().await.expect("closed");
        let (mut ledger, _) = fixture_ledger::Ledger::open(&path, rows::wall(made))
            .await
            .expect("a ledger");
        for number in made + 1..=before {
            rows::store(&mut ledger, setup, number, |_| ()).await;
        }
        // What came before is not written during what is counted.
        let file = std::fs::File::open(&path).expect("a ledger");
        file.sync_all().expect("on the disk");
        let first = Written::so_far(&path);
        for number in before + 1..=before + counted {
            rows::store(&mut ledger, setup, number, |_| ()).await;
        }
        ledger.close().await.expect("closed");
        [first, Written::so_far(&path)]
    });
    tell(&path, before + counted, counted, &first, &last);
}

fn tell(path: &Path, stored: u32, counted: u32, first: &Written, last: &Written) {
    let size = std::fs::metadata(path).expect("a ledger").len();
    let a_run = |from: u64, to: u64| (to - from) as f64 / f64::from(counted) / 1024.0;
    println!(
        "a run of {:.1} KiB writes {:.1} KiB by the process's own count, {:.1} KiB of pages by the system's, {:.1} KiB to the device (with everything \
         else that wrote to it)",
        size as f64 / f64::from(stored) / 1024.0,
        a_run(first.given, last.given),
        a_run(first.pages, last.pages),
        a_run(first.device, last.device),
    );
}

async fn of_a_ledger(source: &Path, labels: bool) {
    let reports = Reports::open(source).await.expect("a ledger");
    let mut runs = Vec::new();
    for id in ids(source) {
        let run = reports.run(id).await.expect("a run").expect("it is there");
        // What a process left behind that ended in the middle was stored by nobody.
        if run.row.verdict.as_ref().is_some_and(|verdict| verdict.took.is_some()) {
            runs.push(run);
        }
    }
    let mut steps: Vec<(i64, Step, &RunDetail)> = Vec::new();
    for run in &runs {
        steps.extend(steps_of(run, labels).map(|(at, step)| (at, step, run)));
    }
    steps.sort_by_key(|(at, step, _)| (*at, *step));
    let uncounted = runs.len() / 2;
    assert!(
        uncounted > FIRST_SHIFT as usize,
        "a ledger of more than {} runs",
        2 * FIRST_SHIFT
    );
    let directory = tempfile::tempdir().expect("a temporary directory");
    let path = directory.path().join("ledger");
    let mut ledger = Ledger::create(&path, Durability::Synced).await.expect("a new ledger");
    let (mut stored, mut first) = (0, None);
    for (_, step, run) in steps {
        if stored == uncounted && first.is_none() {
            first = Some(Written::so_far(&path));
        }
        store(&mut ledger, step, run, labels).await;
        stored += usize::from(step == Step::Verdict);
    }
    ledger.close().await.expect("closed");
    let last = Written::so_far(&path);
    let count = |runs: usize| u32::try_from(runs).expect("runs");
    print!("{}: ", if labels { "with labels" } else { "without labels" });
    let first = first.expect("enough runs");
    tell(&path, count(runs.len()), count(runs.len() - uncounted), &first, &last);
}

/// All runs of a ledger, in their order.
fn ids(ledger: &Path) -> Vec<RunId> {
    let connection = rusqlite::Connection::open_with_flags(ledger, rusqlite::OpenFlags::SQLITE_OPEN_READ_ONLY);
    let connection = connection.expect("a ledger");
    let mut select = connection
        .prepare("SELECT id FROM run ORDER BY number")
        .expect("a query");
    let ids = select.query_map([], |row| row.get::<_, [u8; 16]>(0)).expect("rows");
    ids.map(|id| RunId(Uuid::from_bytes(id.expect("an id")))).collect()
}

/// A commit of a run.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Step {
    Start,
    /// Of this place among the run's attempts.
    Attempt(usize),
    Verdict,
    Label,
    Lift,
}

/// The commits of a run, and when they came, microseconds since 1970 UTC: those of several lanes came one between the other.
fn steps_of(run: &RunDetail, labels: bool) -> impl Iterator<Item = (i64, Step)> {
    let seated = run.row.seated.micros;
    let verdict = run.row.verdict.as_ref().expect("a verdict");
    let ended = verdict.ended.micros;
    let micros = |duration: Duration| i64::try_from(duration.as_micros()).expect("a run's duration");
    let attempts = run.attempts.iter().enumerate();
    let attempts = attempts.map(move |(place, attempt)| {
        let at = seated + micros(attempt.began + attempt.took);
        (at.min(ended), Step::Attempt(place))
    });
    let label = (labels && verdict.outcome == Outcome::Pass).then_some((ended, Step::Label));
    let lift = run.lifted.map_or(ended, |lifted| lifted.micros.max(ended));
    let ends = [Some((ended, Step::Verdict)), label, Some((lift, Step::Lift))];
    core::iter::once((seated, Step::Start))
        .chain(attempts)
        .chain(ends.into_iter().flatten())
}

/// Does one commit of a run of another ledger.
async fn store(ledger: &mut Ledger, step: Step, run: &RunDetail, labels: bool) {
    let row = &run.row;
    let verdict = row.verdict.as_ref().expect("a verdict");
    let at = verdict.ended;
    match step {
        Step::Start => {
            let setup = ledger.setup(&run.setup).await.expect("a setup");
            let start = RunStart {
                run: row.run,
                lane: row.lane,
                serial: row.serial.clone(),
                operator: row.operator.clone(),
                lot: row.lot.clone(),
                work_order: row.work_order.clone(),
                purpose: Purpose::Production,
                seated: row.seated,
            };
            ledger.begin_run(setup, &start).await.expect("a start");
        }
        Step::Attempt(place) => {
            let stored = ledger.record_attempt(row.run, &run.attempts[place]).await;
            stored.expect("an attempt");
        }
        Step::Verdict => {
            let end = RunEnd {
                run: row.run,
                code: verdict.code,
                detail: verdict.detail.clone(),
                stage: verdict.stage.expect("a stage"),
                took: verdict.took.expect("a duration"),
                device_id: verdict.device_id.clone(),
                agent_url: verdict.agent_url.clone(),
                attempts: run.attempts.clone(),
                readings: run.readings.clone(),
                evidence: run.evidence.clone(),
                measurements: run.measurements.clone(),
                trace: run.trace.clone(),
                samples_lost: verdict.samples_lost,
            };
            let stored = if labels {
                ledger.finish_run_with_label(&end, at).await
            } else {
                ledger.finish_run(&end, at).await
            };
            stored.expect("an end");
            ledger.tidy().await.expect("a tidy ledger");
        }
        Step::Label => {
            let printed = ledger.record_label(row.run, &LabelState::Printed, at).await;
            printed.expect("a label");
        }
        Step::Lift => {
            let lifted = ledger.lifted(row.run, run.lifted.unwrap_or(at)).await;
            lifted.expect("a lift");
        }
    }
}

/// Bytes written so far.
struct Written {
    /// By write calls of this process (`wchar` of `/proc/self/io`).
    given: u64,
    /// To pages of files by this process (`write_bytes`).
    pages: u64,
    /// To the device that the ledger is on (`/sys/dev/block/…/stat`, in 512 bytes).
    device: u64,
}

impl Written {
    fn so_far(path: &Path) -> Self {
        let io = std::fs::read_to_string("/proc/self/io").expect("Linux");
        let of = |name: &str| {
            let line = io.lines().find_map(|line| line.strip_prefix(name));
            line.and_then(|rest| rest.trim().parse().ok()).expect("a count")
        };
        let device = std::fs::metadata(path).expect("a ledger").dev();
        let (major, minor) = (device >> 8 & 0xfff, device & 0xff);
        // A file system without a device (in memory, or laid over another) has no count.
        let device = std::fs::read_to_string(format!("/sys/dev/block/{major}:{minor}/stat"))
            .ok()
            .and_then(|stat| stat.split_whitespace().nth(6)?.parse::<u64>().ok())
            .unwrap_or(0);
        Self {
            given: of("wchar:"),
            pages: of("write_bytes:"),
            device: device * 512,
        }
    }
}
