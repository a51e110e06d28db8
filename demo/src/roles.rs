//! The three roles, each a process of its own, as on a fixture.

use core::fmt;
use core::time::Duration;
use std::net::SocketAddr;
use std::process::{ExitCode, ExitStatus};

use anyhow::Context as _;
use nix::sys::signal::Signal;
use nix::unistd::Pid;
use tokio::net::TcpStream;
use tokio::process::{Child, Command};
use tokio::time::timeout;

use crate::asked::Asked;
use crate::folder::Folder;

/// How long a role may take to end; the daemon's own limit is ten seconds.
const TO_END: Duration = Duration::from_secs(12);

/// How long the pages may take to answer before the demo goes on without waiting.
const TO_ANSWER: Duration = Duration::from_secs(20);

/// How long a role may take from its start until it hears signals.
const TO_HEAR: Duration = Duration::from_secs(5);

/// How often is looked whether a role is so far.
const LOOK_EVERY: Duration = Duration::from_millis(20);

/// A role.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// The appliance.
    Daemon,
    /// The local display.
    Screen,
    /// The pages.
    Web,
}

impl Role {
    const ALL: [Self; 3] = [Self::Daemon, Self::Screen, Self::Web];

    /// The name that its process has.
    const fn name(self) -> &'static str {
        match self {
            Self::Daemon => "fixture-daemon",
            Self::Screen => "fixture-ui-screen",
            Self::Web => "fixture-ui-web",
        }
    }

    /// The role that this process was started in, if it was.
    pub fn of_this_process() -> Option<Self> {
        let name = std::env::args_os().next()?;
        Self::ALL.into_iter().find(|role| name == role.name())
    }

    /// Plays the role until it is told to end.
    pub fn run(self) -> ExitCode {
        // Whatever ends the demo, its roles end too.
        if let Err(error) = nix::sys::prctl::set_pdeathsig(Signal::SIGTERM) {
            eprintln!("{self}: cannot be tied to the demo: {error}");
            return ExitCode::FAILURE;
        }
        match self {
            Self::Daemon => fixture_daemon::command::main(),
            Self::Screen | Self::Web => fixture_ui::command::main(),
        }
    }

    /// What it is asked to do.
    const fn command(self) -> &'static str {
        match self {
            Self::Daemon => "run",
            Self::Screen => "screen",
            Self::Web => "web",
        }
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A role's process.
struct Running {
    role: Role,
    child: Child,
    ended: Option<ExitStatus>,
}

impl Running {
    fn start(role: Role, folder: &Folder) -> anyhow::Result<Self> {
        let exe = std::env::current_exe().context("this program's own file")?;
        let child = Command::new(exe)
            .arg0(role.name())
            .arg(role.command())
            .arg("--config")
            .arg(folder.config())
            // Ctrl-C of the terminal goes to the demo alone, which passes it on once.
            .process_group(0)
            .kill_on_drop(true)
            .spawn()
            .with_context(|| format!("{role} cannot be started"))?;
        Ok(Self {
            role,
            child,
            ended: None,
        })
    }

    /// Waits for the process to end by itself; forever once it has.
    async fn end(&mut self) -> (Role, ExitStatus) {
        if self.ended.is_none()
            && let Ok(status) = self.child.wait().await
        {
            self.ended = Some(status);
            return (self.role, status);
        }
        core::future::pending().await
    }

    /// Tells the process to end, and makes sure that it does; whether it ended in order.
    async fn stop(&mut self) -> bool {
        if self.ended.is_some() {
            return true;
        }
        let pid = self.child.id().and_then(|pid| i32::try_from(pid).ok());
        if let Some(pid) = pid.map(Pid::from_raw) {
            // One that has only just started would die of the signal instead of ending in order.
            let _deaf = timeout(TO_HEAR, hears(pid, Signal::SIGTERM)).await;
            // A process that has ended meanwhile needs no signal.
            let _gone = nix::sys::signal::kill(pid, Signal::SIGTERM);
        }
        if let Ok(Ok(status)) = timeout(TO_END, self.child.wait()).await {
            if !status.success() {
                eprintln!("demo: {} ended with {status}", self.role);
            }
            return status.success();
        }
        eprintln!(
            "demo: {} did not end within {} s and was killed",
            self.role,
            TO_END.as_secs()
        );
        let _gone = self.child.kill().await;
        false
    }
}

/// Waits until the process catches the signal, or is gone.
async fn hears(pid: Pid, signal: Signal) {
    while std::fs::read_to_string(format!("/proc/{pid}/status")).is_ok_and(|status| !catches(&status, signal)) {
        tokio::time::sleep(LOOK_EVERY).await;
    }
}

/// Whether a process with this `/proc/PID/status` catches the signal: bit n − 1 of `SigCgt` (proc(5)).
fn catches(status: &str, signal: Signal) -> bool {
    status
        .lines()
        .find_map(|line| line.strip_prefix("SigCgt:"))
        .and_then(|caught| u64::from_str_radix(caught.trim(), 16).ok())
        .is_some_and(|caught| caught & (1 << (signal as u32 - 1)) != 0)
}

/// Waits until something listens at the address.
async fn answers(at: SocketAddr) {
    while TcpStream::connect(at).await.is_err() {
        tokio::time::sleep(LOOK_EVERY).await;
    }
}

/// Runs the roles until a signal. A role that ends by itself is named; the others go on, as they would on a fixture.
#[expect(clippy::print_stdout, reason = "the demo tells where its pages are")]
pub async fn run(folder: &Folder, asked: &mut Asked) -> anyhow::Result<ExitCode> {
    let mut daemon = Running::start(Role::Daemon, folder)?;
    let mut screen = Running::start(Role::Screen, folder)?;
    let mut web = Running::start(Role::Web, folder)?;
    for running in [&daemon, &screen, &web] {
        println!("{:18} pid {}", running.role, running.child.id().unwrap_or_default());
    }
    println!("{:18} {}", "folder", folder.path().display());
    // Not told before it answers; a web role that cannot start is named below.
    let pages = core::pin::pin!(timeout(TO_ANSWER, answers(folder.pages())));
    let mut open = Some(pages);
    let mut fault = false;
    loop {
        let (role, status) = tokio::select! {
            () = asked.heard() => break,
            Some(_answers_or_late) = async { Some(open.as_mut()?.await) } => {
                open = None;
                println!("Live page:         http://{}/", folder.pages());
                println!("Ctrl-C ends the demo.");
                continue;
            }
            ended = daemon.end() => ended,
            ended = screen.end() => ended,
            ended = web.end() => ended,
        };
        fault = true;
        eprintln!("demo: {role} ended by itself ({status}); the others go on, Ctrl-C ends the demo");
        if [&daemon, &screen, &web].iter().all(|running| running.ended.is_some()) {
            eprintln!("demo: nothing is left");
            break;
        }
    }
    println!("Ending …");
    // The daemon first: the pages see it go.
    let in_order = [daemon.stop().await, screen.stop().await, web.stop().await];
    Ok(if fault || in_order.contains(&false) {
        ExitCode::FAILURE
    } else {
        ExitCode::SUCCESS
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_catches_the_signals_of_its_mask() {
        let status = "Name:\tdemo\nSigIgn:\t0000000000001000\nSigCgt:\t0000000000004002\n";
        assert!(catches(status, Signal::SIGTERM));
        assert!(catches(status, Signal::SIGINT));
        assert!(!catches(status, Signal::SIGPIPE), "ignored is not caught");
        assert!(!catches("Name:\tdemo\n", Signal::SIGTERM));
    }
}
