//! A lamp's light over weeks.

use fixture_ledger::record::LoopBack;
use fixture_ledger::{Durability, LampLight, Ledger, Reports};
use fixture_link::verdict::VerdictCode;

use crate::sample::{at, end, lane, setup, start};

const HOUR: i64 = 3_600_000_000;

#[tokio::test]
async fn a_lamps_light_is_that_of_its_own_lane_at_full_level_in_spans_with_gaps() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ledger");
    let mut ledger = Ledger::create(&path, Durability::Unsynced).await.unwrap();
    let setup = ledger.setup(&setup()).await.unwrap();
    // Lane, hour it was seated, level, counts that loop-back saw.
    let attempts: [(u8, i64, u16, Option<f32>); 6] = [
        (1, 30, 500, Some(3000.0)),
        (1, 31, 1000, Some(5000.0)),
        (2, 31, 1000, Some(1.0)),
        (1, 32, 1000, None),
        (1, 36, 250, Some(1000.0)),
        (1, 2, 1000, Some(9000.0)),
    ];
    for (n, (on, hour, level, seen)) in (1..).zip(attempts) {
        ledger.begin_run(setup, &start(n, on, None, hour * HOUR)).await.unwrap();
        let mut ended = end(n, VerdictCode::Ok);
        ended.attempts.truncate(1);
        ended.attempts[0].level_permille = level;
        ended.attempts[0].loop_back = seen.map(|bright| LoopBack {
            bright,
            mid_share: 0.5,
            samples: 9,
        });
        ledger.finish_run(&ended, at(hour * HOUR + 1)).await.unwrap();
    }
    ledger.close().await.unwrap();
    let reports = Reports::open(&path).await.unwrap();
    let light = |from: i64, light: f64, attempts: u32| LampLight {
        from: from * HOUR,
        light,
        attempts,
    };
    let seen = reports.lamp_light(lane(1), 10 * HOUR, 3 * HOUR).await.unwrap();
    assert_eq!(seen, [light(30, 5500.0, 2), light(36, 4000.0, 1)]);
    let all = reports.lamp_light(lane(1), 0, 3 * HOUR).await.unwrap();
    assert_eq!(all.first(), Some(&light(0, 9000.0, 1)));
    assert_eq!(reports.lamp_light(lane(3), 0, 3 * HOUR).await.unwrap(), []);
}
