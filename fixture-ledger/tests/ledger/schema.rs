//! The schema by itself: its vocabulary is the program's, and it refuses what the writer would never write.

use std::collections::BTreeMap;
use std::path::Path;

use fixture_ledger::{Durability, Ledger, Reports};
use fixture_link::act::Act;
use fixture_link::verdict::{Class, Outcome, VerdictCode};
use rusqlite::Connection;

use crate::sample::{asked, at, done, end, setup, start};

/// A ledger with one run that has a verdict (1) and one that has none (2), opened past the writer.
async fn past_the_writer(path: &Path) -> Connection {
    let mut ledger = Ledger::create(path, Durability::Unsynced).await.unwrap();
    let setup = ledger.setup(&setup()).await.unwrap();
    ledger
        .begin_run(setup, &start(1, 1, Some("SN-1"), 1_000))
        .await
        .unwrap();
    ledger.finish_run(&end(1, VerdictCode::Ok), at(2_000)).await.unwrap();
    ledger
        .begin_run(setup, &start(2, 1, Some("SN-1"), 3_000))
        .await
        .unwrap();
    let lot = Act::Lot {
        lot: "lot-8".to_owned(),
    };
    ledger.record_act(&done(asked(1, "zoë", lot)), at(4_000)).await.unwrap();
    ledger.close().await.unwrap();
    let connection = Connection::open(path).unwrap();
    connection.pragma_update(None, "foreign_keys", true).unwrap();
    connection
}

#[tokio::test]
async fn the_codes_in_the_ledger_are_the_codes_of_the_program() {
    let directory = tempfile::tempdir().unwrap();
    let connection = past_the_writer(&directory.path().join("ledger")).await;
    let stored: BTreeMap<String, (String, String)> = connection
        .prepare("SELECT code, class, outcome FROM verdict_code")
        .unwrap()
        .query_map([], |row| Ok((row.get(0)?, (row.get(1)?, row.get(2)?))))
        .unwrap()
        .map(Result::unwrap)
        .collect();
    let known = VerdictCode::ALL
        .into_iter()
        .map(|code| {
            let class = match code.class() {
                Class::Unit => "unit",
                Class::Evidence => "evidence",
                Class::Fixture => "fixture",
                Class::Network => "network",
                Class::Operator => "operator",
                Class::Power => "power",
            };
            let names = (class.to_owned(), code.outcome().as_str().to_owned());
            (code.as_str().to_owned(), names)
        })
        .collect();
    assert_eq!(stored, known);
}

/// Statements, and what the schema says to them.
const REFUSED: &[(&str, &str)] = &[
    // What is recorded never changes.
    (
        "UPDATE run SET outcome = 'FAIL', code = 'rejected' WHERE number = 1",
        "a recorded verdict never changes",
    ),
    (
        "UPDATE run SET detail = '' WHERE number = 1",
        "a recorded verdict never changes",
    ),
    (
        "UPDATE run SET outcome = NULL WHERE number = 1",
        "a recorded verdict never changes",
    ),
    (
        "UPDATE run SET serial = 'SN-2' WHERE number = 2",
        "a recorded start never changes",
    ),
    ("DELETE FROM run WHERE number = 2", "a run is never deleted"),
    (
        "INSERT OR REPLACE INTO trace (run, light) VALUES (1, x'00')",
        "what a recorded verdict rests on never changes",
    ),
    (
        "UPDATE attempt SET rate = 30 WHERE run = 1",
        "what a recorded verdict rests on never changes",
    ),
    (
        "UPDATE attempt SET id = 2000009 WHERE run = 1",
        "what a recorded verdict rests on never changes",
    ),
    // Into another run, or in place of what is there.
    (
        "INSERT INTO attempt (id, rate, level_permille, began, took, result, symbols, latest, lateness)
        SELECT 2000009, rate, level_permille, began, took, result, symbols, latest, lateness FROM attempt LIMIT 1;
        UPDATE OR REPLACE attempt SET id = 1000001 WHERE id = 2000009",
        "what a recorded verdict rests on never changes",
    ),
    (
        "INSERT INTO verdict (number, attempts, readings, evidence, measurements, label)
        SELECT 2, '[' || json_object('number', 1000001, 'rate', 60, 'level_permille', 800, 'began', 0, 'took', 0, 'result', 'late',
            'symbols', 0, 'latest', 0, 'lateness', json(lateness)) || ']', '[]', '[]', '[]', false FROM attempt LIMIT 1",
        "CHECK constraint failed: number >= 1",
    ),
    (
        "INSERT INTO verdict (number, attempts, readings, evidence, measurements, label)
        VALUES (2, '[]', '[]', '[]', '[1000001, \"counts\", 1, 1, null, null, null]', false)",
        "NOT NULL constraint failed: measurement.what",
    ),
    (
        "UPDATE reading SET confidence = 1 WHERE run = 1",
        "what a recorded verdict rests on never changes",
    ),
    (
        "UPDATE trace SET light = x'00' WHERE run = 1",
        "what a recorded verdict rests on never changes",
    ),
    (
        "INSERT INTO evidence VALUES (1000099, 0, 'nest', '')",
        "what a recorded verdict rests on never changes",
    ),
    (
        "UPDATE measurement SET value = 0 WHERE run = 1",
        "what a recorded verdict rests on never changes",
    ),
    (
        "INSERT OR REPLACE INTO measurement VALUES (1000001, 'counts', 1, 1, NULL, NULL, NULL)",
        "what a recorded verdict rests on never changes",
    ),
    ("DELETE FROM measurement", "a measurement is never deleted"),
    (
        "UPDATE run SET work_order = 'other' WHERE number = 1",
        "a recorded start never changes",
    ),
    (
        "UPDATE run SET work_order = 'other' WHERE number = 2",
        "a recorded start never changes",
    ),
    ("UPDATE act SET words = ''", "the audit never changes"),
    ("DELETE FROM act", "the audit is never deleted"),
    ("DELETE FROM evidence", "evidence is never deleted"),
    ("DELETE FROM attempt", "an attempt is never deleted"),
    ("DELETE FROM reading", "a reading is never deleted"),
    ("DELETE FROM trace", "a trace is never deleted"),
    // Closed vocabularies and ranges.
    (
        "INSERT INTO evidence VALUES (2000001, 0, 'rumour', '')",
        "CHECK constraint",
    ),
    (
        "INSERT INTO evidence VALUES (2000001, -1, 'nest', '')",
        "CHECK constraint",
    ),
    ("INSERT INTO evidence VALUES (3000001, 0, 'nest', '')", "FOREIGN KEY"),
    (
        "INSERT INTO evidence VALUES (2000000, 0, 'nest', '')",
        "CHECK constraint",
    ),
    // SQLite takes the number after the last one.
    (
        "INSERT INTO evidence (at, kind, detail) VALUES (0, 'nest', '')",
        "what a recorded verdict rests on never changes",
    ),
    (
        "INSERT INTO attempt (rate, level_permille, began, took, result, symbols, latest, lateness)
        SELECT rate, level_permille, began, took, result, symbols, latest, lateness FROM attempt LIMIT 1",
        "what a recorded verdict rests on never changes",
    ),
    ("INSERT INTO reading VALUES (2000001, 0, '[]', 1.5)", "CHECK constraint"),
    (
        "INSERT INTO measurement VALUES (2000007, 'counts', 1, 1, NULL, NULL, NULL)",
        "NOT NULL constraint",
    ),
    (
        "INSERT INTO measurement VALUES (2000001, 'lumens', 1, 1, NULL, NULL, NULL)",
        "CHECK constraint",
    ),
    (
        "INSERT INTO measurement VALUES (2000001, 'counts', 1, -1, NULL, NULL, NULL)",
        "CHECK constraint",
    ),
    (
        "INSERT INTO measurement VALUES (2000001, 'counts', 1, 1, 0, NULL, NULL)",
        "CHECK constraint",
    ),
    (
        "INSERT INTO measurement VALUES (2000001, 'counts', 1, 1, 2, 1, 0)",
        "CHECK constraint",
    ),
    (
        "INSERT INTO measurement VALUES (3000001, 'counts', 1, 1, NULL, NULL, NULL)",
        "FOREIGN KEY",
    ),
    (
        "INSERT INTO act (number, at, at_synchronised, by, kind, words) VALUES (9, 0, 0, 'x', 'dance', '')",
        "CHECK constraint",
    ),
    (
        "INSERT INTO act (number, at, at_synchronised, by, kind, words) VALUES (9, 0, 0, 'x', 'quarantine', 'no unit')",
        "CHECK constraint",
    ),
    (
        "INSERT INTO act (number, at, at_synchronised, by, kind, words) VALUES (9, 0, 0, 'x', 'mark', 'no mark')",
        "CHECK constraint",
    ),
    (
        "INSERT INTO act (number, at, at_synchronised, by, kind, serial, choice, words) VALUES (9, 0, 0, 'x', 'dispose', 'SN-1', 'keep', '')",
        "CHECK constraint",
    ),
    (
        "INSERT INTO act (number, at, at_synchronised, by, kind, choice, minutes, words) VALUES (9, 0, 0, 'x', 'shelve', 'card', 1441, '')",
        "CHECK constraint",
    ),
    (
        "INSERT INTO act (number, at, at_synchronised, by, kind, words, role) VALUES (9, 0, 0, 'x', 'lot', '', 'qa')",
        "CHECK constraint",
    ),
    (
        "INSERT INTO act (number, at, at_synchronised, by, kind, words, before) VALUES (9, 0, 0, 'x', 'lot', '', 'lot-7')",
        "CHECK constraint",
    ),
    (
        "INSERT INTO act (id, at, at_synchronised, by, role, origin, kind, words, after_verdict)
        SELECT id, at, at_synchronised, by, role, origin, kind, words, after_verdict FROM act",
        "UNIQUE constraint",
    ),
    ("INSERT INTO reading VALUES (2000001, 0, '[', 0.5)", "CHECK constraint"),
    (
        "INSERT INTO run (id, setup, lane, operator, lot, seated, seated_synchronised) VALUES (zeroblob(16), 1, 9, 'x', '', 0, 0)",
        "CHECK constraint",
    ),
    (
        "INSERT INTO run (id, setup, lane, operator, lot, seated, seated_synchronised) VALUES (zeroblob(15), 1, 1, 'x', '', 0, 0)",
        "CHECK constraint",
    ),
    (
        "INSERT INTO run (id, setup, lane, operator, lot, seated, seated_synchronised) VALUES (zeroblob(16), 2, 1, 'x', '', 0, 0)",
        "FOREIGN KEY",
    ),
    (
        "INSERT INTO run (id, setup, lane, operator, lot, seated, seated_synchronised) VALUES (zeroblob(16), 1, 1, 'x', '', 'noon', 0)",
        "cannot store TEXT value in INTEGER column",
    ),
    ("UPDATE run SET outcome = 'PASS' WHERE number = 2", "CHECK constraint"),
    (
        "UPDATE run SET outcome = 'PASS', code = 'rejected', detail = '', stage = 'blessed', took = 0, ended = 0, ended_synchronised = 0, samples_lost = 0, is_first = 0, verdict_number = 9 WHERE number = 2",
        "FOREIGN KEY",
    ),
    (
        "UPDATE run SET outcome = 'ERROR', code = 'lamp-weak', detail = '', stage = 'ready', took = 0, ended = 0, ended_synchronised = 0, samples_lost = 0, is_first = 1, verdict_number = 9 WHERE number = 2",
        "CHECK constraint",
    ),
    (
        "UPDATE run SET lifted = 1, lifted_synchronised = 0 WHERE number = 2",
        "CHECK constraint",
    ),
    ("UPDATE rollup SET last_runs = 2", "CHECK constraint"),
    (
        "INSERT INTO setup VALUES (9, 'f', '1', 'r', '1', 'by-eye', 0)",
        "CHECK constraint",
    ),
];

#[tokio::test]
async fn the_schema_refuses_what_the_writer_would_never_write() {
    let directory = tempfile::tempdir().unwrap();
    let connection = past_the_writer(&directory.path().join("ledger")).await;
    for (statement, why) in REFUSED {
        let said = match connection.execute_batch(statement) {
            Ok(()) => "nothing".to_owned(),
            Err(error) => error.to_string(),
        };
        assert!(said.contains(why), "{statement}\nexpected {why:?}, it said {said:?}");
    }
}

#[tokio::test]
async fn a_row_that_makes_no_sense_is_named_by_table_row_and_column() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("ledger");
    let connection = past_the_writer(&path).await;
    connection
        .execute_batch(
            "PRAGMA ignore_check_constraints = ON;
            INSERT INTO evidence VALUES (2000007, 0, 'rumour', '');",
        )
        .unwrap();
    let reports = Reports::open(&path).await.unwrap();
    let said = reports.run(end(2, VerdictCode::Ok).run).await.unwrap_err().to_string();
    for part in ["table evidence", "row 2", "column kind", "rumour"] {
        assert!(said.contains(part), "{said}");
    }
    assert_eq!(
        reports.today(0, i64::MAX, None).await.unwrap().with(Outcome::Pass),
        1,
        "the rest can be read"
    );
}

/// What `SQLite` says it will do for a query, which may be a text of several.
fn plan(connection: &Connection, query: &str) -> Vec<String> {
    let mut plan = Vec::new();
    // The people's queries are another database's, which never has many rows.
    if ["account", "log_in", "token", "guess", "salt"].iter().any(|table| {
        [" FROM ", "UPDATE ", " INTO "]
            .iter()
            .any(|word| query.contains(&format!("{word}{table}")))
    }) {
        return plan;
    }
    for one in query.split(';') {
        let mut statement = connection.prepare(&format!("EXPLAIN QUERY PLAN {one}")).unwrap();
        for parameter in 1..=statement.parameter_count() {
            statement.raw_bind_parameter(parameter, 1).unwrap();
        }
        let mut rows = statement.raw_query();
        while let Some(row) = rows.next().unwrap() {
            plan.push(row.get::<_, String>(3).unwrap());
        }
    }
    plan
}

/// Pages of runs come from an index in the order of the page, whatever they ask for, and the rollups from theirs; only what begins with a part of a
/// serial is sorted.
#[tokio::test]
async fn pages_of_runs_are_read_from_an_index_and_not_sorted() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("ledger");
    let connection = past_the_writer(&path).await;
    let (mut pages, mut sorted, mut rollups) = (BTreeMap::new(), 0, 0);
    let queries = Path::new(env!("CARGO_MANIFEST_DIR")).join(".sqlx");
    for file in std::fs::read_dir(queries).unwrap() {
        let text = std::fs::read_to_string(file.unwrap().path()).unwrap();
        let described: serde_json::Value = serde_json::from_str(&text).unwrap();
        let query = described["query"].as_str().unwrap();
        let steps = plan(&connection, query);
        let sorts = steps.iter().any(|step| step.contains("TEMP B-TREE"));
        if query.starts_with("SELECT rollup.quarter") {
            rollups += 1;
            // Quarters of an hour that are named are put in order afterwards; they are few.
            let named = query.contains("CROSS JOIN rollup");
            let step = steps.iter().find(|step| step.contains(" rollup ")).unwrap();
            assert!(
                step.starts_with("SEARCH rollup USING PRIMARY KEY (quarter") && (named || !sorts),
                "{query}\n{steps:#?}"
            );
        }
        if !query.starts_with("SELECT run.seated, run.number") {
            continue;
        }
        let index = query
            .split("INDEXED BY ")
            .nth(1)
            .unwrap()
            .split_whitespace()
            .next()
            .unwrap();
        if query.contains("WHERE run.serial >=") {
            sorted += 1;
            assert!(sorts && steps[0].contains("run_by_serial"), "{query}\n{steps:#?}");
            continue;
        }
        *pages.entry(index.to_owned()).or_insert(0) += 1;
        let expected = format!("INDEX {index} (");
        assert!(
            steps[0].starts_with("SEARCH run") && steps[0].contains(&expected) && !sorts,
            "{query}\n{steps:#?}"
        );
    }
    let both_ways = [
        "run_by_code",
        "run_by_lane",
        "run_by_lot",
        "run_by_outcome",
        "run_by_seated",
        "run_by_serial",
        "run_by_work_order",
    ];
    assert_eq!(pages, both_ways.map(|index| (index.to_owned(), 2)).into());
    assert_eq!((sorted, rollups), (4, 4));
}

/// Every query that the program makes, but for the pages of a serial's beginning and those that count everything anew, finds its rows of a run by an index or by the run's number: none reads
/// all that a ledger ever held.
#[tokio::test]
async fn no_query_reads_every_run() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("ledger");
    let connection = past_the_writer(&path).await;
    let (mut queries, mut counting_anew) = (0, 0);
    for file in std::fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join(".sqlx")).unwrap() {
        let text = std::fs::read_to_string(file.unwrap().path()).unwrap();
        let described: serde_json::Value = serde_json::from_str(&text).unwrap();
        let query = described["query"].as_str().unwrap();
        let anew = [
            "DELETE FROM rollup",
            "ORDER BY min(number)",
            "GROUP BY run.seated / 900000000",
        ];
        if anew.iter().any(|part| query.contains(part)) {
            counting_anew += 1;
            continue;
        }
        for step in plan(&connection, query) {
            let of_a_run = ["attempt", "reading", "evidence", "measurement"];
            // Those that were there before the run that they belong to, for which SQLite only looks where keys are deferred.
            let looked_for = !query.starts_with("INSERT INTO run ");
            let whole = ["run", "trace", "rollup", "label", "annotation"]
                .iter()
                .chain(of_a_run.iter().filter(|_| looked_for))
                .any(|table| step == format!("SCAN {table}"));
            assert!(!whole, "{step}:\n{query}");
        }
        queries += 1;
    }
    assert!(queries > 40, "{queries}");
    assert_eq!(counting_anew, 3);
}
