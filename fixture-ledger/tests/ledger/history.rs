//! A made-up history is one that a fixture could have: the same for the same seed, sealed, and counted as its runs tell.

#[path = "../../examples/history/made.rs"]
pub mod made;

use fixture_ledger::Reports;
use fixture_ledger::yields::{Scope, Span};
use rusqlite::Connection;

use self::made::Wanted;

#[tokio::test]
async fn the_same_seed_gives_the_same_bytes_and_every_seal_fits() {
    let directory = tempfile::tempdir().unwrap();
    let wanted = Wanted {
        runs: 4000,
        seed: 11,
        lanes: 4,
    };
    let [one, same, other] = ["one", "same", "other"].map(|name| directory.path().join(name));
    let told = made::make(wanted, &one).await.unwrap();
    made::make(wanted, &same).await.unwrap();
    made::make(Wanted { seed: 12, ..wanted }, &other).await.unwrap();
    let bytes = |path| std::fs::read(path).unwrap();
    assert!(bytes(&one) == bytes(&same));
    assert!(bytes(&one) != bytes(&other));

    let reports = Reports::open(&one).await.unwrap();
    reports.check().await.unwrap();
    let verified = reports.verify(None).await.unwrap();
    assert_eq!((verified.fit, verified.misfit), (told.runs, None));

    let all = Span {
        from: 0,
        until: told.ended + 1_000_000_000,
    };
    let tally = reports.tally(all, &Scope::default()).await.unwrap();
    let connection = Connection::open(&one).unwrap();
    let number = |query: &str| -> u64 {
        let number: u32 = connection.query_row(query, [], |row| row.get(0)).unwrap();
        number.into()
    };
    let count = |condition: &str| number(&format!("SELECT count(*) FROM run WHERE {condition}"));
    assert_eq!(tally.runs, count("true"));
    assert_eq!(tally.set_aside, count("purpose <> 'production'"));
    assert_eq!(tally.first.total, count("ordinal = 1"));
    assert_eq!(tally.first.passed, count("ordinal = 1 AND outcome = 'PASS'"));
    assert_eq!(tally.second.total, count("ordinal = 2"));
    let attempts = "SELECT count(*) FROM attempt JOIN run ON run.number = attempt.run WHERE run.purpose = 'production'";
    assert_eq!(tally.attempts.total, number(attempts));
    for (what, least) in [
        ("outcome = 'FAIL'", 60),
        ("outcome = 'ABORTED'", 1),
        ("outcome = 'ERROR'", 1),
        ("ordinal = 2", 20),
        ("purpose = 'golden'", 8),
    ] {
        assert!(count(what) >= least, "{what}: {}", count(what));
    }
}
