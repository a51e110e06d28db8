//! Pages of runs by filters by chance are those that plain SQL finds in all rows.

use fixture_ledger::report::{RunFilter, SerialFilter, Sort};
use fixture_ledger::{Ledger, Reports};
use rand::SeedableRng as _;
use rand_chacha::ChaCha8Rng;
use rusqlite::Connection;

use crate::filters::{Known, Pages, ids, plain_filter};
use crate::history::made::{self, Wanted};
use crate::sample::{at, setup, start};

#[tokio::test]
async fn any_filter_finds_what_a_look_at_all_rows_finds() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("ledger");
    // So many that a serial's beginning is looked for in every way that there is.
    let wanted = Wanted {
        runs: 9000,
        seed: 3,
        lanes: 4,
    };
    let told = made::make(wanted, &path).await.unwrap();
    // What has no verdict, and what belongs to no lot, in the midst of the rest and after it.
    let (mut ledger, _) = Ledger::open(&path, at(told.ended)).await.unwrap();
    let setup = ledger.setup(&setup()).await.unwrap();
    for (n, back) in (0..).zip([0, 3_600, 40_000, 100_000]) {
        let mut start = start(n, 2, Some("SN-00000007"), told.ended - back * 1_000_000);
        start.lot = String::new();
        start.work_order = if n == 2 { "WO-2".to_owned() } else { String::new() };
        ledger.begin_run(setup, &start).await.unwrap();
    }
    let connection = Connection::open(&path).unwrap();
    let known = Known::of(&connection);
    let reports = Reports::open(&path).await.unwrap();
    let mut chance = ChaCha8Rng::seed_from_u64(17);
    let by_days = reports.clone().by_days_beyond(0);
    let compare = async |reports: &Reports, filter: RunFilter| {
        let page = reports.runs(&filter, 50).await.unwrap();
        let runs: Vec<_> = page.rows.iter().map(|row| row.run).collect();
        let (condition, values) = plain_filter(&filter);
        let mut expected = ids(&connection, &condition.replace("LIMIT 50", "LIMIT 51"), values);
        assert_eq!(page.next.is_some(), expected.len() > 50, "{filter:?}");
        expected.truncate(50);
        assert_eq!(runs, expected, "{filter:?}");
        runs.len()
    };
    for kind in Pages::ALL {
        let mut found = 0;
        for _ in 0..120 {
            found += compare(&reports, known.filter(&mut chance, &connection, kind)).await;
        }
        assert!(found > 500, "{}: {found}", kind.words());
    }
    let mut found = 0;
    // Serials that many have, but none of the next thousands; with and without more.
    for sort in Sort::ALL {
        for operator in [None, known.operators.first().cloned()] {
            for prefix in ["SN-00000", "SN-000000", "SN-00006", "SN-00007", "", "GOLD"] {
                let filter = RunFilter {
                    serial: Some(SerialFilter::BeginsWith(prefix.to_owned())),
                    operator: operator.clone(),
                    sort,
                    ..RunFilter::default()
                };
                found += compare(&reports, filter.clone()).await;
                found += compare(&by_days, filter).await;
            }
        }
    }
    assert!(found > 500, "{found}");
    ledger.close().await.unwrap();
}
