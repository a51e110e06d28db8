//! The one place that reads clocks. Everything else gets time as an argument.

use core::time::Duration;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};

use blinkup::Tick;
use fixture_link::identity::WallTime;
use nix::errno::Errno;
use nix::sys::time::TimeSpec;
use nix::time::{ClockId, ClockNanosleepFlags, clock_gettime, clock_nanosleep};

/// What systemd-timesyncd makes when the clock is synchronised (systemd-timesyncd.service(8), "Files").
const SYNCHRONISED: &str = "/run/systemd/timesync/synchronized";

/// The monotonic clock: its ticks count from when this value was made.
#[derive(Debug, Clone, Copy)]
pub struct Clock {
    start: Duration,
}

impl Clock {
    /// A clock that is at [`Tick::ZERO`] now.
    pub fn start() -> Self {
        Self { start: since_boot() }
    }

    /// What it shows now.
    pub fn now(self) -> Tick {
        Tick::ZERO + since_boot().saturating_sub(self.start)
    }

    /// The same moment on the system's monotonic clock, which every process of the machine shares.
    pub fn since_boot_at(self, at: Tick) -> Duration {
        self.start + at.since(Tick::ZERO)
    }

    /// What the wall clock showed, or will show, at `at`, as far as it was not set in between.
    pub fn wall_at(self, at: Tick) -> WallTime {
        let (here, now) = (self.now(), wall());
        let micros = |apart: Duration| i64::try_from(apart.as_micros()).unwrap_or(i64::MAX);
        WallTime {
            micros: now.micros - micros(here.since(at)) + micros(at.since(here)),
            ..now
        }
    }

    /// Blocks the thread until the clock shows `at`; an absolute deadline, so that no delay before the call adds to it.
    pub fn sleep_until(self, at: Tick) {
        let until = TimeSpec::from_duration(self.start + at.since(Tick::ZERO));
        // A signal's handler may end the sleep early; the deadline stays where it is.
        while clock_nanosleep(ClockId::CLOCK_MONOTONIC, ClockNanosleepFlags::TIMER_ABSTIME, &until) == Err(Errno::EINTR)
        {
        }
    }
}

/// How long ago a moment of the kernel's monotonic clock was.
pub fn since(moment: Duration) -> Duration {
    since_boot().saturating_sub(moment)
}

fn since_boot() -> Duration {
    Duration::from(clock_gettime(ClockId::CLOCK_MONOTONIC).expect("Linux has had a monotonic clock since 2.6"))
}

/// The wall clock, only ever written down.
///
/// # Panics
/// Never: every Linux has a wall clock.
pub fn wall() -> WallTime {
    let now = clock_gettime(ClockId::CLOCK_REALTIME).expect("every Linux has a wall clock");
    WallTime {
        micros: now.tv_sec() * 1_000_000 + now.tv_nsec() / 1000,
        synchronised: synchronised(),
    }
}

/// Whether the wall clock is known to be synchronised: systemd-timesyncd says so, or the kernel did when it was last [asked](ask), whichever
/// time service told it (chrony, ntpd, a PTP daemon).
pub fn synchronised() -> bool {
    Path::new(SYNCHRONISED).exists() || BY_KERNEL.load(Ordering::Relaxed)
}

/// What the kernel said last.
static BY_KERNEL: AtomicBool = AtomicBool::new(false);

/// Asks the kernel whether the wall clock is synchronised; blocks for as long as that takes, some milliseconds.
///
/// It is asked by way of systemd-timedated, which calls adjtimex(3) (org.freedesktop.timedate1(5), `NTPSynchronized`): a service under
/// `ProtectClock` may not call it itself, not even to read.
pub fn ask() {
    if let Some(says) = asked_of(Path::new("timedatectl")) {
        BY_KERNEL.store(says, Ordering::Relaxed);
    }
}

/// What `timedatectl`, or a program in its place, says; `None` where it says nothing.
fn asked_of(program: &Path) -> Option<bool> {
    let output = Command::new(program)
        .args(["show", "--property=NTPSynchronized", "--value"])
        // Programs of systemd's tell the service manager of their own failures, in the name of the daemon.
        .env_remove("NOTIFY_SOCKET")
        .stdin(Stdio::null())
        .stderr(Stdio::null())
        .output()
        .ok()?;
    match output.stdout.trim_ascii() {
        b"yes" => Some(true),
        b"no" => Some(false),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kernel_is_asked_by_way_of_timedated_and_silence_says_nothing() {
        use std::os::unix::fs::PermissionsExt as _;
        let folder = tempfile::tempdir().unwrap();
        let program = folder.path().join("timedatectl");
        for (answer, says) in [("yes", Some(true)), ("no", Some(false)), ("", None)] {
            let script =
                format!("#!/bin/sh\n[ \"$*\" = \"show --property=NTPSynchronized --value\" ] && echo {answer}\n");
            std::fs::write(&program, script).unwrap();
            std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o755)).unwrap();
            // The child of another test has it open for writing until that has become a program of its own.
            let busy = |error: &std::io::Error| error.kind() == std::io::ErrorKind::ExecutableFileBusy;
            while Command::new(&program).status().as_ref().is_err_and(busy) {
                std::thread::yield_now();
            }
            assert_eq!(asked_of(&program), says, "{answer:?}");
        }
        assert_eq!(asked_of(&folder.path().join("nothing")), None);
    }

    #[test]
    fn a_sleep_ends_no_earlier_than_its_deadline() {
        let clock = Clock::start();
        let deadline = clock.now() + Duration::from_millis(3);
        clock.sleep_until(deadline);
        assert!(clock.now() >= deadline);
    }

    #[test]
    fn a_tick_of_the_past_has_an_earlier_wall_time() {
        let clock = Clock::start();
        let early = clock.wall_at(clock.now());
        let late = clock.wall_at(clock.now() + Duration::from_secs(10));
        let apart = late.micros - early.micros;
        assert!((10_000_000..11_000_000).contains(&apart), "{apart} µs");
    }

    #[test]
    fn a_deadline_that_has_passed_does_not_sleep() {
        let clock = Clock::start();
        clock.sleep_until(clock.now() + Duration::from_micros(10));
        clock.sleep_until(Tick::ZERO);
        assert!(clock.now() < Tick::ZERO + Duration::from_mins(1));
    }
}
