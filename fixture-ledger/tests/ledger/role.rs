//! Processes of their own for the tests that need them: this test program again, as one of the ignored tests below, which each play a
//! role and speak by lines that begin with `> `.

use std::io::{BufRead, BufReader, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::{Mutex, MutexGuard, PoisonError};

use fixture_ledger::report::{RunFilter, SerialFilter};
use fixture_ledger::{Ledger, LedgerError, Reports};
use fixture_link::verdict::VerdictCode;

use crate::sample::{at, end, setup, start};

/// The variable by which a role learns its ledger.
const LEDGER: &str = "ROLE_LEDGER";

/// Users that own nothing else, and the group that they share.
pub const DAEMON: u32 = 64_201;
pub const WEB: u32 = 64_202;
pub const STRANGER: u32 = 64_203;
pub const GROUP: u32 = 64_210;
pub const OTHER_GROUP: u32 = 64_211;

/// Held while a program is copied and while one is started: a process that starts in between would hold the copy open for writing until it
/// has become its own program, and what is open for writing cannot be started (execve(2), `ETXTBSY`).
static COPIES_AND_STARTS: Mutex<()> = Mutex::new(());

pub fn one_at_a_time() -> MutexGuard<'static, ()> {
    COPIES_AND_STARTS.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A directory that every user can enter, with this program in it, where every user can start it.
pub struct Stage {
    directory: tempfile::TempDir,
}

impl Stage {
    pub fn new() -> Self {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let stage = Self { directory };
        open_to(stage.path(), 0o755);
        let _alone = one_at_a_time();
        std::fs::copy(std::env::current_exe().expect("this program's path"), stage.program())
            .expect("room for a copy of this program");
        open_to(&stage.program(), 0o755);
        stage
    }

    pub fn path(&self) -> &Path {
        self.directory.path()
    }

    fn program(&self) -> PathBuf {
        self.path().join("program")
    }

    /// A command that plays a role on a ledger as this user.
    pub fn command(&self, role: &str, ledger: &Path) -> Command {
        let mut command = Command::new(self.program());
        self.complete(&mut command, role, ledger);
        command
    }

    /// A command that plays a role on a ledger as another user.
    pub fn command_as(&self, user: u32, group: u32, role: &str, ledger: &Path) -> Command {
        needs_root();
        let mut command = Command::new("setpriv");
        command
            .arg(format!("--reuid={user}"))
            .arg(format!("--regid={group}"))
            .arg("--clear-groups")
            .arg("--")
            .arg(self.program());
        self.complete(&mut command, role, ledger);
        command
    }

    fn complete(&self, command: &mut Command, role: &str, ledger: &Path) {
        command
            .args([&format!("role::{role}"), "--exact", "--ignored", "--nocapture"])
            .current_dir(self.path())
            .env(LEDGER, ledger);
    }

    /// A directory of the daemon's that its group can read.
    pub fn directory_of_the_daemon(&self, mode: u32) -> PathBuf {
        needs_root();
        let path = self.path().join("daemon");
        std::fs::create_dir(&path).expect("a new directory");
        std::os::unix::fs::chown(&path, Some(DAEMON), Some(GROUP)).expect("root may give a directory away");
        open_to(&path, mode);
        path
    }
}

pub fn open_to(path: &Path, mode: u32) {
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).expect("this user's own file");
}

fn needs_root() {
    let _alone = one_at_a_time();
    let id = Command::new("id").arg("-u").output().expect("the program `id`");
    assert!(
        id.stdout == b"0\n",
        "this test plays several users and therefore needs root: run it as root, as ./check does in a container"
    );
}

/// A role that is being played. It is killed when dropped.
pub struct Player {
    child: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
}

impl Drop for Player {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Player {
    pub fn start(mut command: Command) -> Self {
        let _alone = one_at_a_time();
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap_or_else(|error| panic!("{}: {error}", command.get_program().display()));
        Self {
            input: child.stdin.take().expect("a pipe"),
            output: BufReader::new(child.stdout.take().expect("a pipe")),
            child,
        }
    }

    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// The next thing that the player says; `None` when it has ended.
    pub fn hears(&mut self) -> Option<String> {
        let mut line = String::new();
        loop {
            line.clear();
            if self.output.read_line(&mut line).expect("lines of text") == 0 {
                return None;
            }
            // A line that the end of the process cut short was not said. The test program's own words may stand before the mark.
            if let Some((_, said)) = line.split_once("> ")
                && let Some(said) = said.strip_suffix('\n')
            {
                return Some(said.to_owned());
            }
        }
    }

    pub fn told(&mut self, what: &str) {
        writeln!(self.input, "{what}").expect("the player listens");
    }

    /// Kills the process and gives back what it had said and nobody had heard.
    pub fn kill(mut self) -> Vec<String> {
        self.child.kill().expect("a running child");
        self.child.wait().expect("a child");
        core::iter::from_fn(|| self.hears()).collect()
    }

    pub fn ends_well(mut self) {
        drop(core::iter::from_fn(|| self.hears()).collect::<Vec<_>>());
        assert!(self.child.wait().expect("a child").success());
    }
}

fn ledger() -> PathBuf {
    PathBuf::from(std::env::var_os(LEDGER).expect("a role is played by another test, which names a ledger"))
}

#[expect(clippy::print_stdout, reason = "that is how a role speaks")]
fn say(what: &str) {
    println!("> {what}");
}

/// An error by the name of its variant, and its text.
fn error_in_words(error: &LedgerError) -> String {
    let name = format!("{error:?}");
    let name = name.split([' ', '{', '(']).next().unwrap_or_default();
    format!("{name}: {error}")
}

/// Opens the ledger, then commits a PASS for every line that it is told, until `close`, or something else than `commit`.
#[tokio::test]
#[ignore = "a role, played by other tests"]
async fn writer() {
    let (mut ledger, recovered) = match Ledger::open(&ledger(), at(1_000)).await {
        Ok(opened) => opened,
        Err(error) => return say(&error_in_words(&error)),
    };
    say(&format!("open, {} interrupted", recovered.interrupted.len()));
    let setup = ledger.setup(&setup()).await.unwrap();
    let mut n = u32::try_from(
        Reports::open(ledger.path())
            .await
            .unwrap()
            .latest(500)
            .await
            .unwrap()
            .len(),
    )
    .unwrap();
    for line in std::io::stdin().lines() {
        match line.unwrap().as_str() {
            "commit" => {
                n += 1;
                let start = start(n, 1, Some(&format!("SN-{n}")), i64::from(n) * 1_000);
                ledger.begin_run(setup, &start).await.unwrap();
                ledger
                    .finish_run(&end(n, VerdictCode::Ok), at(i64::from(n) * 1_000 + 500))
                    .await
                    .unwrap();
                say(&format!("committed {n}"));
            }
            "close" => {
                ledger.close().await.unwrap();
                return say("closed");
            }
            other => panic!("{other}"),
        }
    }
}

/// Says what every kind of report says of the ledger.
#[tokio::test]
#[ignore = "a role, played by other tests"]
async fn reader() {
    match read(&ledger()).await {
        Ok(said) => say(&said),
        Err(error) => say(&error_in_words(&error)),
    }
}

async fn read(path: &Path) -> Result<String, LedgerError> {
    let reports = Reports::open(path).await?;
    let summary = reports.today(0, i64::MAX, None).await?;
    let runs = reports.latest(500).await?;
    if let Some(latest) = runs.first() {
        let detail = reports.run(latest.run).await?.expect("a run that is in the list");
        let filter = RunFilter {
            serial: Some(SerialFilter::BeginsWith("SN-".to_owned())),
            ..RunFilter::default()
        };
        assert_eq!(reports.runs(&filter, 500).await?.rows.len(), runs.len());
        assert_eq!(detail.trace.is_empty(), detail.row.verdict.is_none());
    }
    Ok(format!(
        "{} runs, {} passed at first",
        runs.len(),
        summary.first_pass.passed
    ))
}

/// Begins and commits runs without end, and says so before and after.
#[tokio::test]
#[ignore = "a role, played by other tests"]
async fn restless_writer() {
    let (mut ledger, recovered) = Ledger::open(&ledger(), at(1_000)).await.unwrap();
    for run in recovered.interrupted {
        say(&format!("interrupted {run}"));
    }
    let setup = ledger.setup(&setup()).await.unwrap();
    let known = Reports::open(ledger.path())
        .await
        .unwrap()
        .today(0, i64::MAX, None)
        .await
        .unwrap()
        .runs;
    for n in u32::try_from(known).unwrap() + 1.. {
        let start = start(n, 1, Some(&format!("SN-{n}")), i64::from(n) * 1_000);
        ledger.begin_run(setup, &start).await.unwrap();
        say(&format!("begun {}", start.run));
        let end = end(n, VerdictCode::Ok);
        ledger.record_attempt(end.run, &end.attempts[0]).await.unwrap();
        ledger.finish_run(&end, at(i64::from(n) * 1_000 + 500)).await.unwrap();
        say(&format!("committed {}", end.run));
    }
}

/// Tries to make a ledger.
#[tokio::test]
#[ignore = "a role, played by other tests"]
async fn maker() {
    match Ledger::create(&ledger(), fixture_ledger::Durability::Synced).await {
        Ok(_) => say("made"),
        Err(error) => say(&error_in_words(&error)),
    }
}

/// Makes a ledger beside another one.
#[tokio::test]
#[ignore = "a role, played by other tests"]
async fn maker_beside() {
    match Ledger::create(&ledger().with_file_name("other"), fixture_ledger::Durability::Synced).await {
        Ok(_) => say("made"),
        Err(error) => say(&error_in_words(&error)),
    }
}

/// Says how many runs a ledger has.
#[tokio::test]
#[ignore = "a role, played by other tests"]
async fn counter() {
    match Reports::open(&ledger()).await {
        Ok(reports) => say(&format!("{} runs", reports.latest(500).await.unwrap().len())),
        Err(error) => say(&error_in_words(&error)),
    }
}

/// Fills a disk of 2 MB, makes room, and goes on.
#[tokio::test]
#[ignore = "a role, played by other tests"]
async fn writer_on_a_small_disk() {
    let path = ledger();
    let ballast = path.with_file_name("ballast");
    std::fs::write(&ballast, vec![1; 1_000_000]).unwrap();
    say("a small disk");
    let (mut ledger, _) = Ledger::open(&path, at(1_000)).await.unwrap();
    let setup = ledger.setup(&setup()).await.unwrap();
    let commit = async |ledger: &mut Ledger, n: u32, begin: bool| -> Result<(), LedgerError> {
        if begin {
            let start = start(n, 1, Some(&format!("SN-{n}")), i64::from(n) * 1_000);
            ledger.begin_run(setup, &start).await?;
        }
        ledger.finish_run(&end(n, VerdictCode::Ok), at(2_000)).await
    };
    let mut n = 0;
    let error = loop {
        n += 1;
        if let Err(error) = commit(&mut ledger, n, true).await {
            break error;
        }
        assert!(n < 10_000, "the disk does not fill");
    };
    say(&error_in_words(&error));

    // Nothing can be stored as long as the disk is full, and what was stored is all there.
    let again = commit(&mut ledger, n, false).await;
    assert!(
        matches!(again, Err(LedgerError::Full { .. } | LedgerError::NoSuchRun { .. })),
        "{again:?}"
    );
    let reports = Reports::open(&path).await.unwrap();
    assert_eq!(reports.today(0, i64::MAX, None).await.unwrap().runs, u64::from(n - 1));
    let begun = match reports.run(start(n, 1, None, 0).run).await.unwrap() {
        Some(detail) => {
            assert!(detail.row.verdict.is_none() && detail.attempts.is_empty() && detail.trace.is_empty());
            true
        }
        None => false,
    };
    say("nothing of it was stored");

    std::fs::remove_file(&ballast).unwrap();
    commit(&mut ledger, n, !begun).await.unwrap();
    commit(&mut ledger, n + 1, true).await.unwrap();
    say("stored once there was room");
    let before = fixture_ledger::dump(&path).await.unwrap();
    ledger.close().await.unwrap();
    let (ledger, recovered) = Ledger::open(&path, at(9_000)).await.unwrap();
    assert_eq!(recovered.interrupted, []);
    assert_eq!(fixture_ledger::dump(&path).await.unwrap(), before);
    ledger.close().await.unwrap();
    say("all there after opening it again");

    let mut room = std::fs::File::create(&ballast).unwrap();
    while room.write_all(&[1; 1_024]).is_ok() {}
    let other = path.with_file_name("other");
    let error = Ledger::create(&other, fixture_ledger::Durability::Synced)
        .await
        .map(|_| ())
        .unwrap_err();
    say(&error_in_words(&error));
    let left: Vec<_> = std::fs::read_dir(path.parent().unwrap())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| name.starts_with("other") && name != "other.lock")
        .collect();
    assert_eq!(left, [""; 0]);
    say("nothing was left of it");
}
