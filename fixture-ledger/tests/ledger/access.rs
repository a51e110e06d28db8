//! Who may do what with the ledger's files, as real users in real processes.

use std::collections::BTreeMap;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::process::Command;

use crate::role::{DAEMON, GROUP, OTHER_GROUP, Player, STRANGER, Stage, WEB, one_at_a_time};

/// What the pages' user is told of the ledger.
fn pages_read(stage: &Stage, ledger: &Path) -> String {
    let mut web = Player::start(stage.command_as(WEB, GROUP, "reader", ledger));
    let said = web.hears().expect("an answer");
    web.ends_well();
    said
}

/// Mode, owner and group of every file of the ledger.
fn modes(directory: &Path) -> BTreeMap<String, (u32, u32, u32)> {
    std::fs::read_dir(directory)
        .unwrap()
        .map(|entry| {
            let entry = entry.unwrap();
            let metadata = entry.metadata().unwrap();
            (
                entry.file_name().into_string().unwrap(),
                (metadata.mode() & 0o7777, metadata.uid(), metadata.gid()),
            )
        })
        .collect()
}

#[test]
fn another_user_of_the_group_reads_whether_the_daemon_runs_is_stopped_or_was_killed() {
    let stage = Stage::new();
    let directory = stage.directory_of_the_daemon(0o750);
    let ledger = directory.join("ledger");

    let mut daemon = Player::start(stage.command_as(DAEMON, GROUP, "writer", &ledger));
    assert_eq!(daemon.hears().as_deref(), Some("open, 0 interrupted"));
    assert_eq!(pages_read(&stage, &ledger), "0 runs, 0 passed at first");
    for n in 1..=3 {
        daemon.told("commit");
        assert_eq!(daemon.hears(), Some(format!("committed {n}")));
        assert_eq!(
            pages_read(&stage, &ledger),
            format!("{n} runs, {n} passed at first"),
            "while it runs"
        );
    }
    let file = (0o640, DAEMON, GROUP);
    let files = ["ledger", "ledger-shm", "ledger-wal", "ledger.lock"].map(|name| (name.to_owned(), file));
    assert_eq!(modes(&directory), BTreeMap::from(files.clone()), "while it runs");

    daemon.told("close");
    assert_eq!(daemon.hears().as_deref(), Some("closed"));
    daemon.ends_well();
    assert_eq!(
        pages_read(&stage, &ledger),
        "3 runs, 3 passed at first",
        "when it was stopped"
    );
    assert_eq!(modes(&directory), BTreeMap::from(files.clone()), "when it was stopped");
    assert_eq!(
        std::fs::metadata(directory.join("ledger-wal")).unwrap().len(),
        0,
        "everything is in the ledger itself after a stop"
    );

    let mut daemon = Player::start(stage.command_as(DAEMON, GROUP, "writer", &ledger));
    assert_eq!(daemon.hears().as_deref(), Some("open, 0 interrupted"));
    daemon.told("commit");
    assert_eq!(daemon.hears().as_deref(), Some("committed 4"));
    daemon.kill();
    assert_eq!(
        pages_read(&stage, &ledger),
        "4 runs, 4 passed at first",
        "when it was killed"
    );
    assert_eq!(modes(&directory), BTreeMap::from(files), "when it was killed");

    // What a power cut leaves of the shared memory is anything.
    for left in [Vec::new(), vec![0xa5; 100], vec![0x5a; 32_768]] {
        std::fs::write(directory.join("ledger-shm"), &left).unwrap();
        assert_eq!(
            pages_read(&stage, &ledger),
            "4 runs, 4 passed at first",
            "{} bytes of -shm",
            left.len()
        );
    }

    let mut daemon = Player::start(stage.command_as(DAEMON, GROUP, "writer", &ledger));
    assert_eq!(daemon.hears().as_deref(), Some("open, 0 interrupted"));
    assert_eq!(
        pages_read(&stage, &ledger),
        "4 runs, 4 passed at first",
        "after the next start"
    );
}

#[test]
fn another_user_reads_after_maintenance_took_the_wal_files_away() {
    let stage = Stage::new();
    let directory = stage.directory_of_the_daemon(0o750);
    let ledger = directory.join("ledger");
    let mut daemon = Player::start(stage.command_as(DAEMON, GROUP, "writer", &ledger));
    daemon.hears();
    daemon.told("commit");
    daemon.hears();
    daemon.told("close");
    daemon.ends_well();
    let alone = one_at_a_time();
    let shell = Command::new("sqlite3")
        .arg(&ledger)
        .arg("SELECT count(*) FROM run")
        .output()
        .expect("the program `sqlite3`");
    drop(alone);
    assert_eq!(shell.stdout, b"1\n");
    assert!(
        !directory.join("ledger-wal").exists(),
        "the shell takes them away as the last to close"
    );
    assert_eq!(pages_read(&stage, &ledger), "1 runs, 1 passed at first");
    let mut daemon = Player::start(stage.command_as(DAEMON, GROUP, "writer", &ledger));
    daemon.hears();
    daemon.told("commit");
    daemon.hears();
    assert_eq!(pages_read(&stage, &ledger), "2 runs, 2 passed at first");
}

#[test]
fn who_may_only_read_cannot_write_and_who_is_not_in_the_group_cannot_read() {
    let stage = Stage::new();
    let directory = stage.directory_of_the_daemon(0o755);
    let ledger = directory.join("ledger");
    let mut daemon = Player::start(stage.command_as(DAEMON, GROUP, "writer", &ledger));
    daemon.hears();
    daemon.told("commit");
    daemon.hears();
    daemon.told("close");
    daemon.ends_well();
    let before = std::fs::read(&ledger).unwrap();

    let mut web = Player::start(stage.command_as(WEB, GROUP, "writer", &ledger));
    let said = web.hears().unwrap();
    assert!(said.starts_with("ReadOnly: "), "{said}");
    let mut stranger = Player::start(stage.command_as(STRANGER, OTHER_GROUP, "reader", &ledger));
    let said = stranger.hears().unwrap();
    assert!(said.starts_with("NoAccess: "), "{said}");
    let mut web = Player::start(stage.command_as(WEB, GROUP, "maker", &directory.join("new")));
    let said = web.hears().unwrap();
    assert!(said.starts_with("ReadOnly: "), "{said}");

    assert_eq!(std::fs::read(&ledger).unwrap(), before);
    assert!(!directory.join("new").exists());
}

#[test]
fn a_second_writer_is_refused_and_told_by_whom() {
    let stage = Stage::new();
    let ledger = stage.path().join("ledger");
    let mut first = Player::start(stage.command("writer", &ledger));
    assert_eq!(first.hears().as_deref(), Some("open, 0 interrupted"));
    let mut second = Player::start(stage.command("writer", &ledger));
    let said = second.hears().unwrap();
    assert!(said.starts_with("Locked: "), "{said}");
    assert!(said.contains(&format!("pid {}", first.pid())), "{said}");
    first.told("commit");
    assert_eq!(first.hears().as_deref(), Some("committed 1"));
    first.kill();
    let mut third = Player::start(stage.command("writer", &ledger));
    assert_eq!(
        third.hears().as_deref(),
        Some("open, 0 interrupted"),
        "a killed writer holds nothing"
    );
}
