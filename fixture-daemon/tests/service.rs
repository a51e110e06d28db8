//! The daemon as a service manager sees it: ready, alive as long as its threads are, stopping.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::io::ErrorKind;
use std::os::unix::net::{UnixDatagram, UnixStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command};
use std::time::Duration;

use nix::sys::ptrace::{self, Options};
use nix::sys::signal::{Signal, kill};
use nix::sys::wait::{WaitPidFlag, waitpid};
use nix::unistd::Pid;

/// How long a condition may take to come true on a slow machine; a good run takes a fraction of it.
const BOUND: Duration = Duration::from_mins(2);

/// What the service manager would wait for a sign of life, in microseconds; one comes four times within it.
const WATCHDOG: &str = "800000";

/// Five signs of life that do not come.
const QUIET: Duration = Duration::from_secs(1);

/// A daemon, and the socket of a service manager that listens to it.
struct Service {
    folder: tempfile::TempDir,
    manager: UnixDatagram,
    child: Child,
    held: Option<Pid>,
}

impl Service {
    fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let notify = folder.path().join("notify");
        let manager = UnixDatagram::bind(&notify).unwrap();
        manager.set_read_timeout(Some(BOUND)).unwrap();
        let config = Path::new(env!("CARGO_MANIFEST_DIR")).join("../config");
        let text = std::fs::read_to_string(config.join("simulated.toml"))
            .unwrap()
            .replace("recipes/", &format!("{}/recipes/", config.display()))
            .replace("../demo-data/", "data/");
        std::fs::write(folder.path().join("fixture.toml"), text).unwrap();
        let child = Command::new(env!("CARGO_BIN_EXE_fixture-daemon"))
            .args(["run", "--config"])
            .arg(folder.path().join("fixture.toml"))
            .env("NOTIFY_SOCKET", &notify)
            .env("WATCHDOG_USEC", WATCHDOG)
            .stderr(std::fs::File::create(folder.path().join("log")).unwrap())
            .spawn()
            .unwrap();
        Self {
            folder,
            manager,
            child,
            held: None,
        }
    }

    fn socket(&self) -> PathBuf {
        self.folder.path().join("data/fixture.sock")
    }

    fn pid(&self) -> Pid {
        Pid::from_raw(i32::try_from(self.child.id()).unwrap())
    }

    /// What the daemon says next; nothing for as long as the socket waits is `None`.
    fn said(&self) -> Option<String> {
        let mut said = [0; 4096];
        match self.manager.recv(&mut said) {
            Ok(length) => Some(String::from_utf8(said[..length].to_vec()).unwrap()),
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => None,
            Err(error) => panic!("{error}"),
        }
    }

    fn expect(&self, wanted: &str) {
        let mut others = Vec::new();
        loop {
            let said = self.said();
            let said = said.unwrap_or_else(|| panic!("no {wanted} after {others:?}; the log:\n{}", self.log()));
            if said.lines().any(|line| line == wanted) {
                return;
            }
            others.push(said);
        }
    }

    /// Waits until nothing has come for [`QUIET`].
    fn falls_silent(&self) {
        self.manager.set_read_timeout(Some(QUIET)).unwrap();
        let silent = (0..50).any(|_| self.said().is_none());
        assert!(silent, "still alive; the log:\n{}", self.log());
        self.manager.set_read_timeout(Some(BOUND)).unwrap();
    }

    /// Holds one thread where it is.
    fn hold(&mut self, name: &str) {
        let thread = self.thread(name);
        ptrace::seize(thread, Options::empty()).unwrap();
        self.held = Some(thread);
        ptrace::interrupt(thread).unwrap();
        waitpid(thread, Some(WaitPidFlag::__WALL)).unwrap();
    }

    fn let_go(&mut self) {
        ptrace::detach(self.held.take().unwrap(), None).unwrap();
    }

    fn log(&self) -> String {
        std::fs::read_to_string(self.folder.path().join("log")).unwrap_or_default()
    }

    /// The id of the thread with this name.
    fn thread(&self, name: &str) -> Pid {
        let tasks = std::fs::read_dir(format!("/proc/{}/task", self.pid())).unwrap();
        let found = tasks.map(|task| task.unwrap()).find(|task| {
            let called = std::fs::read_to_string(task.path().join("comm")).unwrap_or_default();
            called.trim_end() == name
        });
        let id = found.unwrap_or_else(|| panic!("no thread {name}")).file_name();
        Pid::from_raw(id.to_str().unwrap().parse().unwrap())
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        let _ = self.child.kill();
        // A held thread's end is its holder's to take, before the process's.
        if let Some(thread) = self.held.take() {
            let _ = waitpid(thread, Some(WaitPidFlag::__WALL));
        }
        let _ = self.child.wait();
    }
}

#[test]
fn a_daemon_is_ready_when_it_answers_alive_while_it_runs_and_says_when_it_ends() {
    let mut service = Service::start();
    let first = service.said().unwrap();
    assert!(
        first.starts_with("READY=1\nSTATUS=SIMULATED: 4 lanes, recipe claimed"),
        "{first}"
    );
    UnixStream::connect(service.socket()).unwrap();
    for _ in 0..10 {
        assert_eq!(service.said().unwrap().trim_end(), "WATCHDOG=1");
    }
    kill(service.pid(), Signal::SIGTERM).unwrap();
    service.expect("STOPPING=1");
    assert!(service.child.wait().unwrap().success(), "{}", service.log());
}

#[test]
fn a_daemon_whose_lamp_or_sampler_stands_still_is_no_longer_alive() {
    let mut service = Service::start();
    for name in ["lamp 2", "sampler 1"] {
        service.expect("WATCHDOG=1");
        service.hold(name);
        service.falls_silent();
        assert!(
            service.log().contains(&format!("{name}: no sign of life")),
            "{}",
            service.log()
        );
        service.let_go();
        service.expect("WATCHDOG=1");
    }
}
