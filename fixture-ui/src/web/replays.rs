//! Asks the engine what stored runs come to under other rules: by running `fixture-daemon what-if`, which only reads the ledger.
//!
//! A process of its own: the engine stays where it is, what it needs of memory and time is not the dashboard's, and one that goes wrong takes
//! nothing with it.

use core::time::Duration;
use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::sync::Arc;

use fixture_link::what_if::{Line, Replay, Summary};
use tokio::io::{AsyncRead, AsyncReadExt as _};
use tokio::process::Command;
use tokio::sync::Semaphore;

/// The name that the daemon's program has.
const PROGRAM: &str = "fixture-daemon";

/// The exit codes by which it says that what is tried makes no sense: an argument, or the recipe.
const BAD_ARGUMENTS: i32 = 2;
const NO_RECIPE: i32 = 3;

/// How long a question may take.
const WITHIN: Duration = Duration::from_secs(90);

/// The most that is read of an answer: many times what the most runs make.
const ANSWER_LIMIT: u64 = 8 << 20;

/// The most of what a process complains about that is shown.
const COMPLAINT_LIMIT: u64 = 4096;

/// Where the engine is, and whether it is being asked.
#[derive(Debug, Clone)]
pub struct Replays {
    program: PathBuf,
    config: PathBuf,
    asked: Arc<Semaphore>,
    within: Duration,
}

/// What stored runs come to.
#[derive(Debug, Clone, PartialEq)]
pub struct Answer {
    /// Runs whose verdict came out again under the rules as they are, the latest first.
    pub lines: Vec<Line>,
    /// All of them, counted.
    pub summary: Summary,
}

/// There is no answer.
#[derive(Debug, thiserror::Error)]
pub enum NoAnswer {
    /// Somebody else asks.
    #[error("runs are being judged for somebody else just now")]
    Busy,
    /// It takes too long.
    #[error("it took more than {} s", .0.as_secs())]
    TooLong(Duration),
    /// The engine does not take the question: the rules that are tried are wrong.
    #[error("{0}")]
    Refused(String),
    /// It ended without an answer.
    #[error("the engine ended with {status}: {said}")]
    Failed {
        /// How.
        status: ExitStatus,
        /// What it complained about.
        said: String,
    },
    /// The program cannot be run.
    #[error("{}: {source}", program.display())]
    NotRun {
        /// Which.
        program: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// What it says makes no sense.
    #[error("line {line} of its answer: {what}")]
    Nonsense {
        /// Which line, from 1.
        line: usize,
        /// What is wrong.
        what: String,
    },
}

impl Replays {
    /// The engine of the fixture that this configuration describes: the daemon's program beside this one, or this one under the daemon's name where
    /// it plays both.
    ///
    /// # Errors
    /// This program's own file is not known.
    pub fn of(config: &Path) -> io::Result<Self> {
        let this = std::env::current_exe()?;
        let beside = this.with_file_name(PROGRAM);
        Ok(Self::by(if beside.is_file() { beside } else { this }, config))
    }

    /// The engine that a program gives.
    pub fn by(program: PathBuf, config: &Path) -> Self {
        Self {
            program,
            config: config.to_owned(),
            asked: Arc::new(Semaphore::new(1)),
            within: WITHIN,
        }
    }

    /// The same with another limit of time.
    #[must_use]
    pub fn within(self, within: Duration) -> Self {
        Self { within, ..self }
    }

    /// Asks; `arguments` are those of `fixture-daemon what-if` beside the configuration.
    ///
    /// # Errors
    /// The rules are wrong, it takes too long, or the engine cannot be asked.
    pub async fn ask(&self, arguments: &[OsString]) -> Result<Answer, NoAnswer> {
        let Ok(_permit) = self.asked.try_acquire() else {
            return Err(NoAnswer::Busy);
        };
        tokio::time::timeout(self.within, self.answer(arguments))
            .await
            .map_err(|_| NoAnswer::TooLong(self.within))?
    }

    async fn answer(&self, arguments: &[OsString]) -> Result<Answer, NoAnswer> {
        let not_run = |source| NoAnswer::NotRun {
            program: self.program.clone(),
            source,
        };
        let mut child = Command::new(&self.program)
            .arg0(PROGRAM)
            .arg("what-if")
            .arg("--config")
            .arg(&self.config)
            .args(arguments)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .map_err(not_run)?;
        // Each pipe is closed once enough was read of it, so that nobody waits for it to be emptied.
        let (out, err) = (child.stdout.take(), child.stderr.take());
        let (text, complaint) = tokio::join!(async move { some_of(out, ANSWER_LIMIT).await }, async move {
            some_of(err, COMPLAINT_LIMIT).await
        });
        let (text, complaint) = (text.map_err(not_run)?, complaint.map_err(not_run)?);
        let status = child.wait().await.map_err(not_run)?;
        let said = String::from_utf8_lossy(&complaint).trim().to_owned();
        match status.code() {
            Some(0) => read(&text),
            Some(BAD_ARGUMENTS | NO_RECIPE) => Err(NoAnswer::Refused(said)),
            Some(_) | None => Err(NoAnswer::Failed { status, said }),
        }
    }
}

/// The beginning of what a pipe gives.
async fn some_of(pipe: Option<impl AsyncRead + Unpin>, most: u64) -> io::Result<Vec<u8>> {
    let mut read = Vec::new();
    if let Some(pipe) = pipe {
        pipe.take(most).read_to_end(&mut read).await?;
    }
    Ok(read)
}

fn read(text: &[u8]) -> Result<Answer, NoAnswer> {
    let mut lines = Vec::new();
    let mut count = 0;
    for (place, line) in text.split(|byte| *byte == b'\n').enumerate() {
        if line.is_empty() {
            continue;
        }
        count = place + 1;
        match serde_json::from_slice(line) {
            Ok(Replay::Run(line)) => lines.push(line),
            Ok(Replay::NotAgain(_)) => {}
            Ok(Replay::Summary(summary)) => return Ok(Answer { lines, summary }),
            Err(error) => {
                return Err(NoAnswer::Nonsense {
                    line: count,
                    what: error.to_string(),
                });
            }
        }
    }
    Err(NoAnswer::Nonsense {
        line: count + 1,
        what: "expected a line that sums up".to_owned(),
    })
}

#[cfg(test)]
pub(super) mod tests {
    use tempfile::TempDir;

    use super::*;

    /// A program in the engine's place that does what a shell is told.
    pub fn engine(script: &str) -> (TempDir, Replays) {
        let folder = tempfile::tempdir().unwrap();
        let (text, program) = (folder.path().join("text"), folder.path().join("engine"));
        std::fs::write(&text, format!("#!/bin/sh\n{script}\n")).unwrap();
        // Copied by another program: what this process has had open for writing, the child of another test may still have open as well, and it could
        // not be run.
        let copied = std::process::Command::new("install")
            .args(["-m", "755"])
            .args([&text, &program])
            .status();
        assert!(copied.unwrap().success());
        (folder, Replays::by(program, Path::new("fixture.toml")))
    }

    /// What an engine says that looked at some runs.
    pub const SUMMARY: &str = r#"{"summary":{"runs":7,"more":true,"simulated":true,"other_recipe":1,"not_of_the_unit":2,"without_light":0,"not_again":1,"same":2,"others":1,"open":1}}"#;

    async fn told(script: &str) -> String {
        engine(script).1.ask(&[]).await.unwrap_err().to_string()
    }

    #[tokio::test]
    async fn an_engine_that_does_not_answer_is_told() {
        assert_eq!(
            told("echo 'recipe: expected a time' >&2; exit 3").await,
            "recipe: expected a time"
        );
        assert_eq!(
            told("echo no >&2; exit 1").await,
            "the engine ended with exit status: 1: no"
        );
        // One that says far more than anybody reads is done with all the same.
        let much = "yes '{' | head -c 20000000; yes | head -c 100000 >&2; true";
        assert!(told(much).await.starts_with("line 1 of its answer: "));
        assert!(told("echo '{\"run\":'").await.starts_with("line 1 of its answer: "));
        assert!(told("true").await.contains("expected a line that sums up"));
        let nowhere = Replays::by("/nowhere/engine".into(), Path::new("fixture.toml"));
        assert!(
            nowhere
                .ask(&[])
                .await
                .unwrap_err()
                .to_string()
                .starts_with("/nowhere/engine: ")
        );
        let (_folder, hangs) = engine("exec sleep 600");
        let hangs = hangs.within(Duration::from_millis(100));
        assert!(matches!(hangs.ask(&[]).await, Err(NoAnswer::TooLong(_))));
        // It is not asked by two at once, and after one who gave up it answers again.
        let (first, second) = tokio::join!(hangs.ask(&[]), hangs.ask(&[]));
        assert!(matches!(first, Err(NoAnswer::TooLong(_))), "{first:?}");
        assert!(matches!(second, Err(NoAnswer::Busy)), "{second:?}");
        assert!(matches!(hangs.ask(&[]).await, Err(NoAnswer::TooLong(_))));
    }

    #[tokio::test]
    async fn it_is_asked_for_the_configuration_and_what_is_tried() {
        let (folder, replays) = engine(&format!("echo \"$@\" > \"$(dirname \"$0\")/asked\"; echo '{SUMMARY}'"));
        let answer = replays.ask(&["--set=times.stage=\"7s\"".into()]).await.unwrap();
        assert_eq!((answer.lines.len(), answer.summary.runs), (0, 7));
        let asked = std::fs::read_to_string(folder.path().join("asked")).unwrap();
        assert_eq!(asked.trim(), "what-if --config fixture.toml --set=times.stage=\"7s\"");
    }
}
