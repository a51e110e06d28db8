//! The rows of a run as a real one stores them: two attempts, 12 readings, 16 facts, four figures of the LED, a label where it passed, and the light of 24 s, which is what
//! is left of a run's samples on average once those that see the lamp are thinned. Ids and tokens are scattered, as real ones are.

use core::time::Duration;
use std::path::Path;
use std::sync::LazyLock;

use blinkup::trace::{Trace, compact};
use fixture_ledger::record::{
    Attempt, AttemptResult, Evidence, EvidenceKind, LabelState, Limits, LoopBack, Measurement, Purpose, Quantity,
    RunEnd, RunStart, Scale, Setup, Side, StoredReading,
};
use fixture_ledger::{Durability, Ledger, SetupId};
use fixture_link::identity::{LaneId, RunId, Serial, WallTime};
use fixture_link::snapshot::Stage;
use fixture_link::verdict::VerdictCode;
use uuid::Uuid;

/// Samples of a run's light that are recorded: the mean of simulated runs.
const ROWS: usize = 2_400;

/// The recorded light of the reader's own tests, compact.
static LIGHT: LazyLock<Vec<Vec<u8>>> = LazyLock::new(|| {
    (1..=12)
        .map(|number| {
            let file = Path::new(env!("CARGO_MANIFEST_DIR"))
                .join(format!("../blinkup/tests/vectors/led-traces/clean-{number:02}.csv"));
            let text = std::fs::read_to_string(&file).expect("a recorded trace");
            let mut trace = Trace::parse(&text).expect("a trace");
            trace.rows.truncate(ROWS);
            compact::encode(&trace)
        })
        .collect()
});

/// What a commit of a run is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Commit {
    /// None yet: the rows are made.
    None,
    Start,
    Attempt,
    Verdict,
    Label,
    Lift,
}

/// Stores everything of a run, in the commits in which a real one comes; tells of each when it is done.
pub async fn store(ledger: &mut Ledger, setup: SetupId, number: u32, mut done: impl FnMut(Commit)) {
    let (start, end, at) = (start(number), end(number), wall(number));
    done(Commit::None);
    ledger.begin_run(setup, &start).await.expect("a start");
    done(Commit::Start);
    for attempt in &end.attempts {
        ledger.record_attempt(end.run, attempt).await.expect("an attempt");
        done(Commit::Attempt);
    }
    ledger.finish_run_with_label(&end, at).await.expect("an end");
    done(Commit::Verdict);
    if end.code == VerdictCode::Ok {
        let printed = ledger.record_label(end.run, &LabelState::Printed, at).await;
        printed.expect("a label");
        done(Commit::Label);
    }
    ledger.lifted(end.run, at).await.expect("a lift");
    done(Commit::Lift);
    ledger.tidy().await.expect("a tidy ledger");
}

/// A new ledger with one setup.
pub async fn ledger(path: &Path, durability: Durability) -> (Ledger, SetupId) {
    let mut ledger = Ledger::create(path, durability).await.expect("a new ledger");
    let setup = ledger.setup(&setup()).await.expect("a setup");
    (ledger, setup)
}

/// A number that looks drawn, the same for the same place: `SplitMix64` (Steele, Lea, Flood, 2014).
fn scattered(place: u32) -> u64 {
    let mut number = u64::from(place).wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    number = (number ^ (number >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    number = (number ^ (number >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    number ^ (number >> 31)
}

/// When a run was seated, and all else of it.
pub fn wall(number: u32) -> WallTime {
    WallTime {
        micros: i64::from(number) * 20_000_000 + 1_700_000_000_000_000,
        synchronised: true,
    }
}

fn setup() -> Setup {
    Setup {
        fixture: "fixture-1".to_owned(),
        software: "0.1.0".to_owned(),
        recipe: "sensor-wifi".to_owned(),
        recipe_version: "0123456789abcdef".to_owned(),
        pass_rule: "blessed".to_owned(),
        simulated: true,
    }
}

/// A run's start.
pub fn start(number: u32) -> RunStart {
    RunStart {
        run: RunId(Uuid::from_u128(
            (u128::from(number) << 80) | 0x7000_8000_0000_0000_0000 | u128::from(scattered(number) >> 8),
        )),
        lane: LaneId::new(u8::try_from(number % 4 + 1).expect("a small number")).expect("a lane"),
        serial: Serial::new(&format!("SN-{:016x}", scattered(number))).ok(),
        operator: "console".to_owned(),
        lot: "lot-7".to_owned(),
        work_order: "wo-31".to_owned(),
        purpose: Purpose::Production,
        seated: wall(number),
    }
}

/// A run's end.
pub fn end(number: u32) -> RunEnd {
    let attempt = Attempt {
        number: 1,
        rate: 60,
        level_permille: 800,
        mid_permille: Some(500),
        began: Duration::from_millis(2_500),
        took: Duration::from_millis(14_001),
        token_id: Some(format!("{:016x}", scattered(number))),
        result: AttemptResult::Damaged,
        symbols: 840,
        latest: Duration::from_micros(731),
        lateness: [0, 0, 3, 40, 300, 400, 80, 12, 4, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0],
        loop_back: Some(LoopBack {
            bright: 2_137.25,
            mid_share: 0.5,
            samples: 411,
        }),
    };
    let light = &LIGHT[number as usize % LIGHT.len()];
    RunEnd {
        run: start(number).run,
        code: if number.is_multiple_of(10) {
            VerdictCode::StuckJoining
        } else {
            VerdictCode::Ok
        },
        detail: "blessed-green for 5 s, bless event after 1.2 s".to_owned(),
        stage: Stage::Blessed,
        took: Duration::from_micros(61_234_567),
        device_id: Some(format!("{:016x}", scattered(number ^ 0x5555_5555))),
        agent_url: Some("https://agent.example/abcdefghijkl".to_owned()),
        attempts: vec![
            attempt.clone(),
            Attempt {
                number: 2,
                rate: 30,
                result: AttemptResult::Received,
                ..attempt
            },
        ],
        readings: (0..12)
            .map(|place| StoredReading {
                at: Duration::from_millis(900 * place),
                codes: vec!["wifi-joining".to_owned(), "wifi-searching".to_owned()],
                confidence: 0.75,
            })
            .collect(),
        evidence: (0..16)
            .map(|place| Evidence {
                at: Duration::from_millis(800 * place),
                kind: EvidenceKind::Stage,
                detail: "stage joining, from no-network-settings".to_owned(),
            })
            .collect(),
        measurements: measurements(),
        trace: light.clone(),
        samples_lost: 3,
    }
}

/// Figures of few digits and without a rest in binary, so that they are the same to the last bit as JSON and as numbers.
fn measurements() -> Vec<Measurement> {
    let figure = |what, scale, value, deviation, limits: Option<(f32, f32)>| Measurement {
        what,
        scale,
        value,
        deviation,
        limits: limits.map(|(least, most)| Limits {
            allowed: least..=most,
            side: Side::Inside,
        }),
    };
    vec![
        figure(Quantity::RedDie, Scale::Counts, 1_204.5, 4.5, None),
        figure(Quantity::GreenDie, Scale::Counts, 1_140.25, 3.75, None),
        figure(
            Quantity::LedStrength,
            Scale::OfReference,
            0.914_062_5,
            0.007_812_5,
            Some((0.5, 2.0)),
        ),
        figure(
            Quantity::GreenShare,
            Scale::Share,
            0.484_375,
            0.007_812_5,
            Some((0.375, 0.625)),
        ),
    ]
}
