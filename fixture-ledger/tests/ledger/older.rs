//! A ledger of an older version is brought to this one with all that it holds.

use std::path::{Path, PathBuf};

use fixture_ledger::record::{Measurement, Quantity, RefusedStart, StopKind};
use fixture_ledger::report::RunFilter;
use fixture_ledger::yields::{QUARTER, Scope, Span};
use fixture_ledger::{Durability, Ledger, LedgerError, Reports};
use fixture_link::act::Act;
use fixture_link::snapshot::LineStop;
use fixture_link::verdict::{Outcome, Refusal, VerdictCode};
use rusqlite::Connection;

use crate::sample::{asked, at, done, end, lane, run_id, setup, start};

/// The migrations with their numbers, in order.
fn migrations() -> Vec<(i64, PathBuf)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../migrations");
    let mut files: Vec<_> = std::fs::read_dir(folder)
        .unwrap()
        .map(|file| file.unwrap().path())
        // The people's are another database's.
        .filter(|file| file.is_file())
        .map(|file| {
            let name = file.file_name().unwrap().to_str().unwrap().to_owned();
            (name.split_once('_').unwrap().0.parse().unwrap(), file)
        })
        .collect();
    files.sort();
    files
}

/// One that is added below another would be run after it, and take the version back.
#[test]
fn migrations_are_numbered_without_a_gap() {
    let numbers: Vec<i64> = migrations().into_iter().map(|(number, _)| number).collect();
    assert_eq!(numbers, (1..).take(numbers.len()).collect::<Vec<i64>>());
    for (number, file) in migrations() {
        let text = std::fs::read_to_string(&file).unwrap();
        assert!(
            text.contains(&format!("PRAGMA user_version = {number};")),
            "{}",
            file.display()
        );
    }
}

/// A ledger as a program of that version left it: with a run that failed after two attempts, a run without a verdict, and the lot that a person named.
/// What sqlx notes of each migration is taken over from a new ledger.
fn left_by(version: i64, path: &Path, new: &Path) {
    let connection = Connection::open(path).unwrap();
    connection.pragma_update(None, "journal_mode", "wal").unwrap();
    connection.execute("ATTACH ?1 AS new", [new.to_str().unwrap()]).unwrap();
    let table: String = connection
        .query_row(
            "SELECT sql FROM new.sqlite_schema WHERE name = '_sqlx_migrations'",
            [],
            |row| row.get(0),
        )
        .unwrap();
    connection.execute_batch(&table).unwrap();
    connection
        .execute(
            "INSERT INTO main._sqlx_migrations SELECT * FROM new._sqlx_migrations WHERE version <= ?1",
            [version],
        )
        .unwrap();
    connection.execute_batch("DETACH new").unwrap();
    for (_, file) in migrations().iter().filter(|(number, _)| *number <= version) {
        connection
            .execute_batch(&std::fs::read_to_string(file).unwrap())
            .unwrap();
    }
    let lateness = format!("[{}]", ["0"; 21].join(","));
    let (verdict, counted, stop) = if version < 6 {
        (
            "",
            "INSERT INTO rollup VALUES (0, 1, 'lot-7', 1, 'FAIL', 'stuck-joining', 1, 1, 1, 0);",
            "",
        )
    } else {
        (
            ", ordinal = 1",
            "INSERT INTO batch VALUES (1, 1, 'lot-7', '', 'console', 'production');
            INSERT INTO rollup VALUES (0, 1, 1, 'stuck-joining', 1, 1, 1, 1, 0, 2, 1, 61000);",
            ", 'other'",
        )
    };
    // From version 13 on one number tells a row's run and its place there.
    let (key, [first, second]) = if version < 13 {
        ("run, number", ["1, 1", "1, 2"])
    } else {
        ("id", ["1000001", "1000002"])
    };
    connection
        .execute_batch(&format!(
            "PRAGMA foreign_keys = ON;
            BEGIN;
            INSERT INTO setup VALUES (1, 'fixture-1', '0.1.0', 'sensor-wifi', '0123456789abcdef', 'blessed', 1);
            INSERT INTO run (number, id, setup, lane, serial, operator, lot, seated, seated_synchronised)
            VALUES (1, x'{one}', 1, 1, 'SN-1', 'console', 'lot-7', 1000, 1), (2, x'{two}', 1, 2, 'SN-2', 'console', '', 2000, 1);
            INSERT INTO attempt ({key}, rate, level_permille, began, took, token_id, result, symbols, latest, lateness)
            VALUES ({first}, 60, 800, 2500, 14000, 'token-1', 'damaged', 840, 731, '{lateness}'),
                ({second}, 30, 800, 20000, 28000, NULL, 'received', 840, 731, '{lateness}');
            INSERT INTO reading VALUES ({first}, 900, '[\"wifi-joining\"]', 0.75);
            INSERT INTO evidence VALUES ({first}, 0, 'nest', 'ambient 41 counts');
            INSERT INTO trace VALUES (1, x'0102');
            UPDATE run
            SET outcome = 'FAIL', code = 'stuck-joining', detail = 'last seen: wifi-joining', stage = 'joining', took = 61000, ended = 62000,
                ended_synchronised = 1, samples_lost = 3, is_first = 1, verdict_number = 1{verdict}
            WHERE number = 1;
            {counted}
            INSERT INTO refusal VALUES (1, 1, 500, 1, 3, 'SN-3', 'quarantined', 'twice the same');
            INSERT INTO act (number, at, at_synchronised, by, kind, lane, serial, words, refused)
            VALUES (1, 400, 1, 'zoë', 'lot', NULL, NULL, 'lot-7', NULL);
            INSERT INTO line_stop VALUES (1, 3000, 1, NULL, 'smoke', 1, 0, NULL, NULL{stop});
            COMMIT;",
            one = run_id(1).0.simple(),
            two = run_id(2).0.simple(),
        ))
        .unwrap();
}

/// The schema as text, in order of name; names that a renaming has put in quotation marks are as those that it has not.
fn schema(path: &Path) -> Vec<String> {
    Connection::open(path)
        .unwrap()
        .prepare("SELECT sql FROM sqlite_schema WHERE sql IS NOT NULL ORDER BY type, name")
        .unwrap()
        .query_map([], |row| row.get::<_, String>(0))
        .unwrap()
        .map(Result::unwrap)
        .collect()
}

#[tokio::test]
async fn a_ledger_of_any_older_version_is_brought_to_this_one_with_all_that_it_holds() {
    let directory = tempfile::tempdir().unwrap();
    let new = directory.path().join("new");
    Ledger::create(&new, Durability::Synced)
        .await
        .unwrap()
        .close()
        .await
        .unwrap();
    let known = migrations().last().unwrap().0;
    for version in 1..=known {
        let path = directory.path().join(format!("ledger-{version}"));
        left_by(version, &path, &new);
        let (mut ledger, recovered) = Ledger::open(&path, at(9_000)).await.unwrap();
        assert_eq!(recovered.interrupted, [run_id(2)], "version {version}");
        assert_eq!(schema(&path), schema(&new), "version {version}");

        let reports = Reports::open(&path).await.unwrap();
        reports.check().await.unwrap();
        let old = reports.run(run_id(1)).await.unwrap().unwrap();
        assert_eq!(old.setup, setup());
        assert_eq!((old.row.lot.as_str(), old.row.work_order.as_str()), ("lot-7", ""));
        let verdict = old.row.verdict.unwrap();
        assert_eq!(
            (verdict.code, verdict.detail.as_str()),
            (VerdictCode::StuckJoining, "last seen: wifi-joining")
        );
        let attempts: Vec<_> = old
            .attempts
            .iter()
            .map(|attempt| (attempt.rate, attempt.level_permille, attempt.mid_permille))
            .collect();
        assert_eq!(attempts, [(60, 800, None), (30, 800, None)], "version {version}");
        assert_eq!((old.readings.len(), old.evidence.len()), (1, 1));
        assert_eq!(old.trace, [1, 2]);
        assert_eq!(old.measurements, []);
        let acts = reports.acts(10).await.unwrap();
        let lot = Act::Lot {
            lot: "lot-7".to_owned(),
        };
        assert_eq!(acts.len(), 1, "version {version}");
        assert_eq!((acts[0].by.as_str(), &acts[0].act), ("zoë", &lot));
        assert_eq!((acts[0].id, acts[0].role, acts[0].from.as_str()), (None, None, ""));
        assert_eq!(acts[0].change, None);
        assert_eq!(
            ledger.standing_stops().await.unwrap(),
            [LineStop {
                code: None,
                cause: "smoke".to_owned(),
                lane: Some(lane(1)),
                since: at(3_000),
                wants_acknowledgement: false,
            }]
        );

        let counted = reports
            .tally(
                Span {
                    from: 0,
                    until: QUARTER,
                },
                &Scope::default(),
            )
            .await
            .unwrap();
        assert_eq!((counted.first.passed, counted.first.total, counted.runs), (0, 1, 2));
        assert_eq!((counted.last.total, counted.second.total), (1, 0));
        assert_eq!((counted.attempts.passed, counted.attempts.total), (1, 2));
        assert_eq!(counted.reached, [1, 1, 0, 0]);
        assert_eq!(counted.took, core::time::Duration::from_millis(61));

        goes_on(&mut ledger, &reports).await;
        ledger.close().await.unwrap();

        let connection = Connection::open(&path).unwrap();
        let said = connection
            .execute("UPDATE run SET detail = '' WHERE number = 1", [])
            .unwrap_err()
            .to_string();
        assert!(said.contains("a recorded verdict never changes"), "{said}");
    }
}

/// It goes on with what only this version has.
async fn goes_on(ledger: &mut Ledger, reports: &Reports) {
    ledger.record_go(StopKind::Person, at(9_500)).await.unwrap();
    let setup = ledger.setup(&setup()).await.unwrap();
    let refused = RefusedStart {
        lane: lane(2),
        serial: None,
        refusal: Refusal::TooLate,
        detail: String::new(),
    };
    ledger.record_refusal(setup, &refused, at(9_600)).await.unwrap();
    let named = Act::WorkOrder {
        work_order: "wo-31".to_owned(),
    };
    ledger
        .record_act(&done(asked(1, "zoë", named)), at(9_700))
        .await
        .unwrap();
    ledger
        .begin_run(setup, &start(3, 1, Some("SN-1"), 10_000))
        .await
        .unwrap();
    let ended = end(3, VerdictCode::Ok);
    ledger.finish_run(&ended, at(11_000)).await.unwrap();
    let stored = reports.run(run_id(3)).await.unwrap().unwrap();
    assert_eq!(stored.measurements, ended.measurements);
    assert_eq!(stored.attempts, ended.attempts);
    assert_eq!(reports.refusals(10).await.unwrap().len(), 2);
    for (outcome, code, runs) in [
        (Some(Outcome::Fail), None, 1),
        (Some(Outcome::Pass), None, 1),
        (Some(Outcome::Interrupted), None, 1),
        (Some(Outcome::Error), None, 0),
        (None, Some(VerdictCode::Ok), 1),
        (None, Some(VerdictCode::StuckJoining), 1),
        (None, Some(VerdictCode::LampWeak), 0),
    ] {
        let filter = RunFilter {
            outcome,
            code,
            ..RunFilter::default()
        };
        assert_eq!(
            reports.runs(&filter, 10).await.unwrap().rows.len(),
            runs,
            "{outcome:?} {code:?}"
        );
    }
    let summary = reports.today(0, i64::MAX, None).await.unwrap();
    assert_eq!(
        (summary.runs, summary.last_pass.passed, summary.last_pass.total),
        (3, 1, 1)
    );
}

/// What version 12 held of a ledger of this one, whose rows of a run had a key of two columns.
fn as_version_12(path: &Path, new: &Path) -> Connection {
    let connection = Connection::open(path).unwrap();
    connection.pragma_update(None, "journal_mode", "wal").unwrap();
    connection.pragma_update(None, "foreign_keys", false).unwrap();
    connection.execute("ATTACH ?1 AS new", [new.to_str().unwrap()]).unwrap();
    for (_, file) in migrations().iter().filter(|(number, _)| *number <= 12) {
        connection
            .execute_batch(&std::fs::read_to_string(file).unwrap())
            .unwrap();
    }
    let all = |query: &str| -> Vec<String> {
        let mut select = connection.prepare(query).unwrap();
        let rows = select.query_map([], |row| row.get(0)).unwrap();
        rows.map(Result::unwrap).collect()
    };
    let triggers = all("SELECT sql FROM main.sqlite_schema WHERE type = 'trigger' AND tbl_name <> 'verdict'");
    for name in all("SELECT name FROM main.sqlite_schema WHERE type = 'trigger' AND tbl_name <> 'verdict'") {
        connection.execute_batch(&format!("DROP TRIGGER {name}")).unwrap();
    }
    for table in all("SELECT name FROM main.sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%'") {
        let columns = all(&format!("SELECT name FROM main.pragma_table_info('{table}')")).join(", ");
        connection
            .execute_batch(&format!(
                "DELETE FROM main.{table}; INSERT INTO main.{table} ({columns}) SELECT {columns} FROM new.{table}"
            ))
            .unwrap();
    }
    for trigger in triggers {
        connection.execute_batch(&trigger).unwrap();
    }
    connection
        .execute_batch(&all("SELECT sql FROM new.sqlite_schema WHERE name = '_sqlx_migrations'")[0])
        .unwrap();
    connection
        .execute_batch(
            "INSERT INTO main._sqlx_migrations SELECT * FROM new._sqlx_migrations WHERE version <= 12;
            DETACH new",
        )
        .unwrap();
    connection
}

/// A ledger with runs that have everything that a run can have.
async fn full(path: &Path) {
    let mut ledger = Ledger::create(path, Durability::Synced).await.unwrap();
    let setup = ledger.setup(&setup()).await.unwrap();
    for n in 1..=12 {
        let mut end = end(n, [VerdictCode::Ok, VerdictCode::StuckJoining][n as usize % 2]);
        let sample = end.measurements[0].clone();
        end.measurements = Quantity::ALL
            .into_iter()
            .map(|what| Measurement {
                what,
                value: 100.5 + f32::from(what.number()),
                ..sample.clone()
            })
            .collect();
        ledger
            .begin_run(setup, &start(n, 1, Some("SN-1"), i64::from(n) * 1_000))
            .await
            .unwrap();
        ledger
            .finish_run_with_label(&end, at(i64::from(n) * 1_000 + 500))
            .await
            .unwrap();
    }
    ledger.close().await.unwrap();
}

#[tokio::test]
async fn rows_that_come_into_the_order_of_their_runs_are_what_they_were_and_so_are_the_seals() {
    let directory = tempfile::tempdir().unwrap();
    let (new, path) = (directory.path().join("new"), directory.path().join("ledger"));
    full(&new).await;
    as_version_12(&path, &new).close().unwrap();
    let (ledger, recovered) = Ledger::open(&path, at(90_000)).await.unwrap();
    assert_eq!(recovered.interrupted, []);
    // What was copied went by way of the -wal, and is not left there.
    let wal = std::fs::metadata(path.with_file_name("ledger-wal")).unwrap().len();
    assert_eq!(wal, 0);
    let reports = Reports::open(&path).await.unwrap();
    assert_eq!(reports.run(run_id(3)).await.unwrap().unwrap().measurements.len(), 6);
    let verified = reports.verify(None).await.unwrap();
    assert_eq!((verified.fit, verified.misfit), (12, None));
    ledger.close().await.unwrap();
    assert!(fixture_ledger::dump(&path).await.unwrap() == fixture_ledger::dump(&new).await.unwrap());
}

#[tokio::test]
async fn a_ledger_that_cannot_be_brought_to_this_version_stays_what_it_is() {
    let directory = tempfile::tempdir().unwrap();
    let (new, path) = (directory.path().join("new"), directory.path().join("ledger"));
    full(&new).await;
    let connection = as_version_12(&path, &new);
    // A row whose number would be the next run's.
    let added: String = connection
        .query_row(
            "SELECT sql FROM sqlite_schema WHERE name = 'reading_is_added_before_the_verdict'",
            [],
            |row| row.get(0),
        )
        .unwrap();
    connection
        .execute_batch(&format!(
            "DROP TRIGGER reading_is_added_before_the_verdict;
            INSERT INTO reading VALUES (3, 1000001, 0, '[]', 0.5);
            {added}"
        ))
        .unwrap();
    connection.close().unwrap();
    let before = schema(&path);
    let refused = Ledger::open(&path, at(90_000)).await.unwrap_err().to_string();
    assert!(refused.contains("CHECK constraint failed: number >= 1"), "{refused}");
    assert_eq!(schema(&path), before);

    // A file of that length needs as much again.
    let file = std::fs::OpenOptions::new().write(true).open(&path).unwrap();
    let length = file.metadata().unwrap().len();
    file.set_len(1 << 42).unwrap();
    let refused = Ledger::open(&path, at(90_000)).await.unwrap_err();
    assert!(
        matches!(refused, LedgerError::NoRoom { needed, .. } if needed == 1 << 42),
        "{refused}"
    );
    file.set_len(length).unwrap();
    assert_eq!(schema(&path), before);
}
