//! How much a run writes, by the process's own count; a process of its own, so that nothing else is counted.
#![expect(clippy::unwrap_used, reason = "a test")]

#[path = "../benches/rows/mod.rs"]
mod rows;

use fixture_ledger::Durability;

/// Everything of a run with its trace, into the `-wal` and from there into the ledger.
const AT_MOST: u64 = 64 * 1024;

#[tokio::test]
async fn a_run_writes_at_most_64_kib() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("ledger");
    // What a commit goes through changes when it is on the disk, not how much is written.
    let (mut ledger, setup) = rows::ledger(&path, Durability::Unsynced).await;
    for number in 1..=1_024 {
        rows::store(&mut ledger, setup, number, |_| ()).await;
    }
    let before = written();
    for number in 1_025..=1_536 {
        rows::store(&mut ledger, setup, number, |_| ()).await;
    }
    ledger.close().await.unwrap();
    let a_run = (written() - before) / 512;
    println!("{a_run} bytes a run");
    assert!(a_run <= AT_MOST, "{a_run} bytes a run");
    // It cannot be less than what the run is stored as, written once to the -wal and once to the ledger.
    let stored = std::fs::metadata(&path).unwrap().len() / 1_536;
    assert!(a_run >= 2 * stored, "{a_run} bytes of {stored}: not all is counted");
}

fn written() -> u64 {
    let io = std::fs::read_to_string("/proc/self/io").unwrap();
    let count = io.lines().find_map(|line| line.strip_prefix("wchar:")).unwrap();
    count.trim().parse().unwrap()
}
