//! The descriptions by which queries are checked when the crate is compiled are those of the schema and of the sources as they are.

use std::path::Path;

use fixture_ledger::{Durability, Ledger};
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{AssertSqlSafe, ConnectOptions, Executor, SqlSafeStr};

const RENEW: &str = "run fixture-ledger/describe-queries and commit what it changes";

#[tokio::test]
async fn every_description_fits_the_schema() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("ledger");
    let ledger = Ledger::create(&path, Durability::Unsynced).await.unwrap();
    ledger.close().await.unwrap();
    // The people's database is another one; no table of it has the name of a table of the ledger.
    let people = Path::new(env!("CARGO_MANIFEST_DIR")).join("../migrations/people");
    let mut migrations: Vec<_> = std::fs::read_dir(people)
        .unwrap()
        .map(|file| file.unwrap().path())
        .collect();
    migrations.sort();
    for migration in migrations {
        let sql = std::fs::read_to_string(migration).unwrap();
        rusqlite::Connection::open(&path).unwrap().execute_batch(&sql).unwrap();
    }
    let mut connection = SqliteConnectOptions::new().filename(&path).connect().await.unwrap();
    let mut described = 0;
    for file in std::fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join(".sqlx")).unwrap() {
        let file = file.unwrap().path();
        let stored: serde_json::Value = serde_json::from_str(&std::fs::read_to_string(&file).unwrap()).unwrap();
        let query = stored["query"].as_str().unwrap();
        let found = connection
            .describe(AssertSqlSafe(query).into_sql_str())
            .await
            .unwrap_or_else(|error| panic!("{}: {error}: {RENEW}", file.display()));
        let found = serde_json::to_value(&found).unwrap();
        assert_eq!(found, stored["describe"], "{}: {RENEW}", file.display());
        described += 1;
    }
    assert!(described > 0);
}

#[test]
fn every_description_is_of_a_query_in_the_sources() {
    let crate_directory = Path::new(env!("CARGO_MANIFEST_DIR"));
    let words = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
    let mut sources = String::new();
    for folder in ["src", "src/people"] {
        for file in std::fs::read_dir(crate_directory.join(folder)).unwrap() {
            let file = file.unwrap().path();
            if file.is_file() {
                sources.push_str(&std::fs::read_to_string(file).unwrap());
            }
        }
    }
    let sources = words(&sources);
    for file in std::fs::read_dir(crate_directory.join(".sqlx")).unwrap() {
        let file = file.unwrap().path();
        let stored: serde_json::Value = serde_json::from_str(&std::fs::read_to_string(&file).unwrap()).unwrap();
        let query = words(stored["query"].as_str().unwrap());
        // Some are put together: of an index, a leading condition and an order, or of what runs are found by. Of those the parts have to be there.
        let ends = [
            " INDEXED BY ",
            " AS \"runs!: i64\" FROM ",
            " AS \"light: Vec<u8>\" FROM ",
        ];
        let put_together = query.contains("FROM act INDEXED BY")
            || query.contains("LIMIT ?10")
            || query.contains("LIMIT ?8")
            || query.contains("AS \"previous:");
        let parts: Vec<&str> = if put_together || query.contains("(?4, ?5)") {
            let beginning = ends.iter().find_map(|end| query.split_once(end)).unwrap().0;
            let index = query
                .split_once(" INDEXED BY ")
                .map(|(_, rest)| rest.split(' ').next().unwrap());
            [Some(beginning), index].into_iter().flatten().collect()
        } else {
            vec![&query]
        };
        for part in parts {
            assert!(sources.contains(part), "{}: left over: {RENEW}\n{part}", file.display());
        }
    }
}
