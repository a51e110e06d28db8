//! What an operator sees on the local display within two seconds when something else ends: the roles as processes, the frames as the panel's
//! file has them.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on ends there")]
#![expect(clippy::disallowed_methods, reason = "processes are waited for in real time")]

use core::time::Duration;
use std::net::{Ipv4Addr, TcpListener};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Instant;

use blinkup::Tick;
use fixture_ui::screen::{SMALL, frame};
use fixture_ui::view::language::Languages;
use fixture_ui::view::standing::Heard;
use fixture_ui::view::{Face, View};

/// How long a change may take until the display shows it, and as long again for a loaded machine to write and read the file.
const WITHIN: Duration = Duration::from_secs(4);

/// How long the processes may take to be up.
const UP: Duration = Duration::from_mins(1);

/// A process that is ended with the test.
struct Role(Child);

impl Role {
    fn start(role: &str, command: &str, config: &Path) -> Self {
        let mut program = Command::new(env!("CARGO_BIN_EXE_demo"));
        Self::of(program.arg0(role).arg(command), config)
    }

    /// The screen in a network namespace of its own, in which there is no network but an idle loopback: as with every cable cut.
    fn without_network(config: &Path) -> Self {
        let script = "exec -a fixture-ui-screen \"$0\" screen \"$@\"";
        let mut program = Command::new("unshare");
        program.args([
            "--map-root-user",
            "--net",
            "bash",
            "-c",
            script,
            env!("CARGO_BIN_EXE_demo"),
        ]);
        Self::of(&mut program, config)
    }

    fn of(program: &mut Command, config: &Path) -> Self {
        let child = program.arg("--config").arg(config).stdout(Stdio::null()).spawn();
        Self(child.unwrap())
    }

    /// As `kill -9` does: nothing is said, nothing is put in order.
    fn kill(&mut self) {
        self.0.kill().unwrap();
        self.0.wait().unwrap();
    }

    fn runs(&mut self) -> bool {
        self.0.try_wait().unwrap().is_none()
    }
}

impl Drop for Role {
    fn drop(&mut self) {
        let _gone = self.0.kill();
        let _gone = self.0.wait();
    }
}

/// A fixture with a simulated jig in a folder of its own, whose screen speaks German.
fn fixture(folder: &Path) -> (PathBuf, String) {
    let config = Path::new(env!("CARGO_MANIFEST_DIR")).join("../config");
    let recipe = config.join("recipes/claimed.toml").canonicalize().unwrap();
    let port = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))
        .and_then(|listener| listener.local_addr())
        .unwrap()
        .port();
    let text = format!(
        "recipe = \"{}\"\n\
         [fixture]\nid = \"sim-1\"\nname = \"Line 1\"\nledger = \"ledger.db\"\nsocket = \"fixture.sock\"\n\
         [lanes]\ncount = 2\n[policy]\nk_in_a_row = 3\nshared_within = \"60s\"\n\
         [jig.simulated]\nseed = 1\n[enrolment.simulated]\n\
         [ui.web]\nbind = \"127.0.0.1:{port}\"\n\
         [ui.screen]\nlanguage = \"de\"\n[ui.screen.png]\nfile = \"screen.png\"\n",
        recipe.display()
    );
    let file = folder.join("fixture.toml");
    std::fs::write(&file, text).unwrap();
    (file, format!("127.0.0.1:{port}"))
}

/// The frame that the panel shows, as red, green and blue; `None` where it shows nothing.
fn shown(folder: &Path) -> Option<Vec<u8>> {
    let file = std::fs::File::open(folder.join("screen.png")).ok()?;
    let mut reader = png::Decoder::new(std::io::BufReader::new(file)).read_info().ok()?;
    let mut pixels = vec![0; reader.output_buffer_size()?];
    let info = reader.next_frame(&mut pixels).ok()?;
    pixels.truncate(info.buffer_size());
    Some(pixels)
}

/// The part of a frame of a silent daemon that does not say for how long: its two words between striped edges, below the bar at the top.
fn stopped() -> Vec<u8> {
    let german = Languages::default().usually("de").unwrap();
    let view = View::of_line(&Heard::default(), Tick::ZERO, &german);
    assert!(
        matches!(&view.face, Face::Gone(gone) if gone.word == "ANLAGE STEHT"),
        "{view:?}"
    );
    head(&frame(&view, SMALL).rgb())
}

fn head(frame: &[u8]) -> Vec<u8> {
    let row = usize::try_from(SMALL.width).unwrap() * 3;
    frame[22 * row..128 * row].to_vec()
}

fn says_stopped(folder: &Path) -> bool {
    shown(folder).is_some_and(|frame| head(&frame) == stopped())
}

fn is_live(folder: &Path) -> bool {
    shown(folder).is_some_and(|frame| head(&frame) != stopped())
}

/// How long it took until this was so.
fn until(what: &str, within: Duration, mut so: impl FnMut() -> bool) -> Duration {
    let began = Instant::now();
    while !so() {
        assert!(began.elapsed() < within, "{what}: not within {within:?}");
        std::thread::sleep(Duration::from_millis(10));
    }
    began.elapsed()
}

/// Frames go on changing, and none of them says that the fixture has stopped: for more than the two seconds after which it would.
fn stays_live(folder: &Path) {
    let first = shown(folder);
    let (began, mut changed) = (Instant::now(), false);
    while began.elapsed() < Duration::from_secs(3) || !changed {
        assert!(is_live(folder), "it says that the fixture has stopped");
        assert!(began.elapsed() < UP, "nothing moves any more");
        changed |= shown(folder) != first;
        std::thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn the_screen_says_what_is_so_when_web_daemon_or_network_end() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let (config, pages) = fixture(folder);
    let mut screen = Role::start("fixture-ui-screen", "screen", &config);
    until("a screen that never heard its daemon", UP, || says_stopped(folder));

    let mut daemon = Role::start("fixture-daemon", "run", &config);
    until("the daemon on the screen", UP, || is_live(folder));
    let mut web = Role::start("fixture-ui-web", "web", &config);
    until("the pages", UP, || std::net::TcpStream::connect(&pages).is_ok());

    // The pages end: the line does not notice.
    web.kill();
    stays_live(folder);
    assert!(daemon.runs() && screen.runs());

    // The daemon ends: no lane is shown as live any more.
    daemon.kill();
    let took = until("the daemon's end on the screen", WITHIN, || says_stopped(folder));
    println!("the daemon's end was on the screen after {took:?}");
    assert!(screen.runs());

    // It comes back: so does the screen, by itself.
    daemon = Role::start("fixture-daemon", "run", &config);
    until("the daemon on the screen again", UP, || is_live(folder));

    // The daemon hangs: the socket is still open, and nothing is said on it.
    let pid = nix::unistd::Pid::from_raw(i32::try_from(daemon.0.id()).unwrap());
    nix::sys::signal::kill(pid, nix::sys::signal::Signal::SIGSTOP).unwrap();
    let took = until("the silent daemon on the screen", WITHIN, || says_stopped(folder));
    println!("a silent daemon was on the screen after {took:?}");
    nix::sys::signal::kill(pid, nix::sys::signal::Signal::SIGCONT).unwrap();
    until("the daemon that goes on", UP, || is_live(folder));

    // No network at all: the screen needs none, as the daemon is heard over a file.
    screen.kill();
    let _ = std::fs::remove_file(folder.join("screen.png"));
    let mut alone = Role::without_network(&config);
    until("the screen without a network", UP, || is_live(folder));
    stays_live(folder);
    assert!(alone.runs());
    daemon.kill();
    until("the daemon's end without a network", WITHIN, || says_stopped(folder));
}
