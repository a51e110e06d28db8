//! The demo as processes.

use core::time::Duration;
use std::io::{BufRead as _, BufReader, Read as _};
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use nix::errno::Errno;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

/// A process that is ended with the test.
pub struct Ended(pub Child);

impl Drop for Ended {
    fn drop(&mut self) {
        let _gone = self.0.kill();
        let _gone = self.0.wait();
    }
}

/// The demo, and what it says of itself.
pub struct Demo {
    process: Ended,
    pub pages: String,
    roles: Vec<(String, Pid)>,
    output: BufReader<std::process::ChildStdout>,
}

impl Demo {
    pub fn start(folder: &Path) -> Self {
        Self::start_until(folder, "Ctrl-C")
    }

    /// Starts a demo that makes so many units of history first.
    pub fn with_history(folder: &Path, units: u32) -> Self {
        Self::told(folder, "Ctrl-C", units)
    }

    /// Starts a demo and reads what it says until a line begins with the word.
    pub fn start_until(folder: &Path, word: &str) -> Self {
        Self::told(folder, word, 10)
    }

    /// Starts a demo whose units have what a scenario says.
    pub fn with_scenario(folder: &Path, scenario: &Path) -> Self {
        let scenario = scenario.to_str().unwrap();
        Self::told_more(folder, "Ctrl-C", 10, &["--scenario", scenario])
    }

    fn told(folder: &Path, word: &str, history: u32) -> Self {
        Self::told_more(folder, word, history, &[])
    }

    fn told_more(folder: &Path, word: &str, history: u32, more: &[&str]) -> Self {
        let child = Command::new(env!("CARGO_BIN_EXE_demo"))
            .args(["--port", "0", "--history", &history.to_string()])
            .args(more)
            .arg("--keep")
            .arg(folder)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut process = Ended(child);
        let mut output = BufReader::new(process.0.stdout.take().unwrap());
        let (mut pages, mut roles) = (None, Vec::new());
        loop {
            let mut line = String::new();
            assert!(
                output.read_line(&mut line).unwrap() > 0,
                "the demo ended before it was up"
            );
            let words: Vec<_> = line.split_whitespace().collect();
            match words.as_slice() {
                [role, "pid", pid] => roles.push(((*role).to_owned(), Pid::from_raw(pid.parse().unwrap()))),
                ["Live", "page:", address] => pages = Some((*address).to_owned()),
                _ => {}
            }
            if words.first() == Some(&word) {
                break;
            }
        }
        Self {
            process,
            pages: pages.unwrap_or_default(),
            roles,
            output,
        }
    }

    pub fn pid(&self, role: &str) -> Pid {
        self.roles
            .iter()
            .find(|(name, _)| name == role)
            .map(|(_, pid)| *pid)
            .unwrap()
    }

    /// Ctrl-C, and the end of it.
    pub fn interrupt(mut self) -> std::process::ExitStatus {
        let demo = Pid::from_raw(i32::try_from(self.process.0.id()).unwrap());
        kill(demo, Signal::SIGINT).unwrap();
        let mut rest = String::new();
        self.output.read_to_string(&mut rest).unwrap();
        let status = self.process.0.wait().unwrap();
        for (role, pid) in &self.roles {
            assert_eq!(
                kill(*pid, None),
                Err(Errno::ESRCH),
                "{role} is still there after the demo"
            );
        }
        status
    }
}

/// Starts a daemon anew in a demo's folder, as systemd would.
pub fn daemon(folder: &Path) -> Ended {
    Ended(
        Command::new(env!("CARGO_BIN_EXE_demo"))
            .arg0("fixture-daemon")
            .args(["run", "--config"])
            .arg(folder.join("fixture.toml"))
            .spawn()
            .unwrap(),
    )
}

/// Waits until a process that was killed is no more, or is only waited for: until then it holds its files and locks.
pub async fn ended(pid: Pid) {
    // 10 s: what it has open is closed by the kernel in milliseconds.
    for _ in 0..1_000 {
        let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
        // "12 (fixture-daemon) Z 1 …"
        if stat.is_empty()
            || stat
                .rsplit(')')
                .next()
                .is_some_and(|rest| rest.trim_start().starts_with('Z'))
        {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("{pid} was killed and is still there");
}
