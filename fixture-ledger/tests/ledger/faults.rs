//! Ledgers that cannot be opened or written: a clear error, and nothing lost.

use std::path::Path;
use std::process::Command;

use fixture_ledger::{Durability, Ledger, LedgerError, Reports};
use fixture_link::verdict::VerdictCode;
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};
use sqlx::{ConnectOptions, Connection};

use crate::role::{DAEMON, GROUP, Player, Stage, open_to};
use crate::sample::{at, end, setup, start};

/// A closed ledger with a few runs.
async fn filled(path: &Path, runs: u32) {
    let mut ledger = Ledger::create(path, Durability::Unsynced).await.unwrap();
    let setup = ledger.setup(&setup()).await.unwrap();
    for n in 1..=runs {
        let start = start(n, 1, Some(&format!("SN-{n}")), i64::from(n) * 1_000);
        ledger.begin_run(setup, &start).await.unwrap();
        ledger.finish_run(&end(n, VerdictCode::Ok), at(2_000)).await.unwrap();
    }
    ledger.close().await.unwrap();
}

/// The database alone, without the ledger's rules.
async fn database(path: &Path) -> SqliteConnection {
    SqliteConnectOptions::new()
        .filename(path)
        .create_if_missing(true)
        .connect()
        .await
        .unwrap()
}

#[tokio::test]
async fn a_ledger_of_a_newer_version_is_left_alone_and_both_versions_are_named() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("ledger");
    filled(&path, 2).await;
    let mut database = database(&path).await;
    sqlx::raw_sql("PRAGMA user_version = 99")
        .execute(&mut database)
        .await
        .unwrap();
    sqlx::raw_sql("PRAGMA wal_checkpoint(TRUNCATE)")
        .execute(&mut database)
        .await
        .unwrap();
    let before = std::fs::read(&path).unwrap();
    let opened = Ledger::open(&path, at(0)).await.map(|_| ());
    let Err(LedgerError::Newer { found: 99, known, .. }) = opened else {
        panic!("{opened:?}")
    };
    let said = opened.unwrap_err().to_string();
    assert!(said.contains("99") && said.contains(&known.to_string()), "{said}");
    let read = Reports::open(&path).await;
    assert!(matches!(read, Err(LedgerError::Newer { found: 99, .. })), "{read:?}");
    assert_eq!(std::fs::read(&path).unwrap(), before);
    database.close().await.unwrap();
}

#[tokio::test]
async fn a_file_that_is_no_database_is_left_alone() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("ledger");
    let text = "these are my notes\n".repeat(500);
    std::fs::write(&path, &text).unwrap();
    let opened = Ledger::open(&path, at(0)).await.map(|_| ());
    assert!(matches!(opened, Err(LedgerError::Corrupt { .. })), "{opened:?}");
    let read = Reports::open(&path).await;
    assert!(matches!(read, Err(LedgerError::Corrupt { .. })), "{read:?}");
    assert_eq!(std::fs::read_to_string(&path).unwrap(), text);
}

#[tokio::test]
async fn a_ledger_that_was_cut_to_nothing_is_damaged_and_not_a_new_one() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("ledger");
    filled(&path, 2).await;
    std::fs::write(&path, "").unwrap();
    let opened = Ledger::open(&path, at(0)).await.map(|_| ());
    assert!(matches!(opened, Err(LedgerError::Corrupt { .. })), "{opened:?}");
    let said = opened.unwrap_err().to_string();
    assert!(
        said.contains("the file is empty") && said.contains("restore it from a backup"),
        "{said}"
    );
    assert_eq!(std::fs::metadata(&path).unwrap().len(), 0, "left alone");
    let read = Reports::open(&path).await;
    assert!(read.is_err(), "{read:?}");
}

#[tokio::test]
async fn what_a_ledger_left_that_is_gone_is_kept_unless_it_is_empty() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("ledger");
    let wal = directory.path().join("ledger-wal");
    filled(&path, 1).await;
    std::fs::remove_file(&path).unwrap();
    std::fs::write(&wal, "verdicts").unwrap();
    let opened = Ledger::open(&path, at(0)).await.map(|_| ());
    assert!(matches!(opened, Err(LedgerError::Corrupt { .. })), "{opened:?}");
    let made = Ledger::create(&path, Durability::Unsynced).await.map(|_| ());
    assert!(
        matches!(&made, Err(LedgerError::Exists { path }) if *path == wal),
        "{made:?}"
    );
    assert_eq!(std::fs::read(&wal).unwrap(), b"verdicts");
    assert!(!path.exists());

    std::fs::write(&wal, "").unwrap();
    // And what a crash left while a ledger was being made.
    std::fs::write(directory.path().join("ledger.new"), "half a").unwrap();
    std::fs::write(directory.path().join("ledger.new-wal"), "ledger").unwrap();
    let (ledger, recovered) = Ledger::open(&path, at(0)).await.unwrap();
    assert_eq!(recovered.interrupted, []);
    ledger.close().await.unwrap();
    let mut left: Vec<_> = std::fs::read_dir(directory.path())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    left.sort();
    assert_eq!(left, ["ledger", "ledger-shm", "ledger-wal", "ledger.lock"]);
}

#[tokio::test]
async fn a_database_of_something_else_is_left_alone() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("ledger");
    let mut database = database(&path).await;
    sqlx::raw_sql("CREATE TABLE recipe (name TEXT)")
        .execute(&mut database)
        .await
        .unwrap();
    database.close().await.unwrap();
    let before = std::fs::read(&path).unwrap();
    let opened = Ledger::open(&path, at(0)).await.map(|_| ());
    assert!(matches!(opened, Err(LedgerError::NotALedger { .. })), "{opened:?}");
    assert_eq!(std::fs::read(&path).unwrap(), before);
}

#[tokio::test]
async fn damage_to_any_page_is_found_and_whatever_meets_it_says_so() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("ledger");
    filled(&path, 40).await;
    let whole = std::fs::read(&path).unwrap();
    assert!(Reports::open(&path).await.unwrap().check().await.is_ok());
    // Where SQLite's header has it, https://www.sqlite.org/fileformat.html#page_size
    let page_size = usize::from(u16::from_be_bytes([whole[16], whole[17]]));
    let pages = whole.len() / page_size;
    let mut opened = 0;
    for page in 0..pages {
        let mut damaged = whole.clone();
        damaged[page * page_size..(page + 1) * page_size].fill(0xa5);
        std::fs::write(&path, &damaged).unwrap();
        let checked = match Reports::open(&path).await {
            Ok(reports) => reports.check().await,
            Err(error) => Err(error),
        };
        assert!(
            matches!(checked, Err(LedgerError::Corrupt { .. })),
            "page {page}: {checked:?}"
        );
        // Whoever does not meet the damaged page goes on; whoever does is told.
        match fixture_ledger::dump(&path).await {
            Ok(_) | Err(LedgerError::Corrupt { .. }) => {}
            Err(other) => panic!("page {page}: {other:?}"),
        }
        match Ledger::open(&path, at(0)).await {
            Ok((ledger, recovered)) => {
                opened += 1;
                assert_eq!(recovered.interrupted, [], "page {page}");
                ledger.close().await.unwrap();
            }
            Err(LedgerError::Corrupt { .. }) => {
                assert_eq!(std::fs::read(&path).unwrap(), damaged, "page {page}: left alone");
            }
            Err(other) => panic!("page {page}: {other:?}"),
        }
    }
    assert!(opened < pages, "damage to the schema at least stops a writer");
}

#[tokio::test]
async fn a_missing_ledger_is_missing_to_a_reader_and_a_missing_directory_to_a_writer() {
    let directory = tempfile::tempdir().unwrap();
    let read = Reports::open(&directory.path().join("ledger")).await;
    assert!(matches!(read, Err(LedgerError::Missing { .. })), "{read:?}");
    let opened = Ledger::open(&directory.path().join("no").join("ledger"), at(0))
        .await
        .map(|_| ());
    assert!(
        matches!(&opened, Err(LedgerError::NoDirectory { path }) if path.ends_with("no")),
        "{opened:?}"
    );
    assert_eq!(std::fs::read_dir(directory.path()).unwrap().count(), 0);
}

#[tokio::test]
async fn a_ledger_is_not_made_over_anything() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("ledger");
    filled(&path, 1).await;
    let before = std::fs::read(&path).unwrap();
    let made = Ledger::create(&path, Durability::Unsynced).await.map(|_| ());
    assert!(matches!(made, Err(LedgerError::Exists { .. })), "{made:?}");
    assert_eq!(std::fs::read(&path).unwrap(), before);
}

#[test]
fn a_directory_or_a_ledger_that_cannot_be_written_is_read_only_and_stays_as_it_was() {
    let stage = Stage::new();
    let directory = stage.directory_of_the_daemon(0o750);
    let ledger = directory.join("ledger");
    let mut daemon = Player::start(stage.command_as(DAEMON, GROUP, "writer", &ledger));
    daemon.hears();
    daemon.told("commit");
    daemon.hears();
    daemon.told("close");
    daemon.ends_well();
    let before = std::fs::read(&ledger).unwrap();
    let refused = |role: &str, path: &Path| {
        let mut daemon = Player::start(stage.command_as(DAEMON, GROUP, role, path));
        let said = daemon.hears().unwrap();
        assert!(said.starts_with("ReadOnly: "), "{said}");
        assert!(said.contains("ledger"), "{said}");
    };

    open_to(&directory, 0o550);
    refused("maker", &directory.join("other-ledger"));
    assert!(!directory.join("other-ledger").exists());
    open_to(&ledger, 0o440);
    refused("writer", &ledger);
    open_to(&directory, 0o750);
    refused("writer", &ledger);

    assert_eq!(std::fs::read(&ledger).unwrap(), before);
    open_to(&ledger, 0o640);
    let mut daemon = Player::start(stage.command_as(DAEMON, GROUP, "writer", &ledger));
    assert_eq!(daemon.hears().as_deref(), Some("open, 0 interrupted"));
    daemon.told("commit");
    assert_eq!(daemon.hears().as_deref(), Some("committed 2"));
}

/// A role on a disk in a mount namespace of its own, gone with the process. `mounting` is a shell's line in which `$0` is the disk.
fn on_a_disk(stage: &Stage, mounting: &str, disk: &Path, role: &str) -> Player {
    let player = stage.command(role, &disk.join("ledger"));
    let mut command = Command::new("unshare");
    command
        .args(["--mount", "--propagation", "private", "--", "sh", "-c"])
        .arg(format!("{mounting} && exec \"$@\""))
        .arg(disk)
        .arg(player.get_program())
        .args(player.get_args())
        .current_dir(stage.path())
        .envs(player.get_envs().filter_map(|(name, value)| Some((name, value?))));
    Player::start(command)
}

#[tokio::test]
async fn a_disk_that_is_mounted_read_only_is_named_and_its_history_can_still_be_read() {
    let stage = Stage::new();
    let (kept, disk) = (stage.path().join("kept"), stage.path().join("disk"));
    for folder in [&kept, &disk] {
        std::fs::create_dir(folder).unwrap();
    }
    filled(&kept.join("ledger"), 2).await;
    let mounting = r#"mount -t tmpfs -o size=2m none "$0" && cp -p kept/ledger* "$0" && mount -o remount,ro "$0""#;
    for role in ["writer", "maker_beside"] {
        let mut player = on_a_disk(&stage, mounting, &disk, role);
        let said = player.hears().expect("what it says of the disk");
        assert!(
            said.starts_with("ReadOnly: ") && said.contains("Read-only file system"),
            "{role}: {said}"
        );
    }
    let mut reader = on_a_disk(&stage, mounting, &disk, "counter");
    assert_eq!(reader.hears().as_deref(), Some("2 runs"));
    reader.ends_well();
}

#[test]
fn a_full_disk_stores_all_or_nothing_and_writing_goes_on_once_there_is_room() {
    let stage = Stage::new();
    let disk = stage.path().join("disk");
    std::fs::create_dir(&disk).unwrap();
    let mounting = r#"mount -t tmpfs -o size=2m none "$0""#;
    let mut writer = on_a_disk(&stage, mounting, &disk, "writer_on_a_small_disk");
    assert_eq!(
        writer.hears().as_deref(),
        Some("a small disk"),
        "mounting one needs root and the right to mount, as ./check has in a container"
    );
    let said = writer.hears().expect("a full disk");
    assert!(said.starts_with("Full: "), "{said}");
    assert!(said.contains("storing a "), "{said}");
    assert_eq!(writer.hears().as_deref(), Some("nothing of it was stored"));
    assert_eq!(writer.hears().as_deref(), Some("stored once there was room"));
    assert_eq!(writer.hears().as_deref(), Some("all there after opening it again"));
    let said = writer.hears().expect("no room for a new ledger");
    assert!(said.starts_with("Full: "), "{said}");
    assert_eq!(writer.hears().as_deref(), Some("nothing was left of it"));
    writer.ends_well();
}
