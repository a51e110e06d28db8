//! The bench's commands as whole processes on the simulated jig: selftest, calibrate, align, record, dark.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::io::{Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::Duration;

use fixture_daemon::clock::Clock;
use fixture_daemon::commissioning::Calibration;
use fixture_daemon::config::Config;
use fixture_daemon::drivers::virtual_time::Simulated;
use fixture_daemon::jig::simulated::scenario::Scenario;
use fixture_link::client::Client;
use fixture_link::snapshot::Turn;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

const DAEMON: &str = env!("CARGO_BIN_EXE_fixture-daemon");

/// A folder with a configuration of two lanes.
struct Fixture {
    folder: tempfile::TempDir,
}

impl Fixture {
    fn new(more: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let examples = Path::new(env!("CARGO_MANIFEST_DIR")).join("../config");
        std::fs::create_dir(folder.path().join("recipes")).unwrap();
        std::fs::copy(
            examples.join("recipes/led-only.toml"),
            folder.path().join("recipes/led-only.toml"),
        )
        .unwrap();
        let secrets = folder.path().join("recipes/example-secrets");
        std::fs::create_dir(&secrets).unwrap();
        std::fs::copy(
            examples.join("recipes/example-secrets/wifi-password"),
            secrets.join("wifi-password"),
        )
        .unwrap();
        let text = std::fs::read_to_string(examples.join("simulated.toml"))
            .unwrap()
            .replace("../demo-data/", "")
            .replace("recipes/claimed.toml", "recipes/led-only.toml")
            .replace("[enrolment.simulated]", "")
            .replace("count = 4", "count = 2")
            .replace(
                "seed = 1",
                &format!("seed = 1\ncalibration = \"calibration.toml\"\n{more}"),
            );
        std::fs::write(folder.path().join("fixture.toml"), text).unwrap();
        Self { folder }
    }

    /// A fixture on whose every lane something is wrong from the start.
    fn with_fault(fault: &str) -> Self {
        let fixture = Self::new("scenario = \"fault.toml\"\n");
        let scenario = format!(
            "name = \"fault\"\n\n[[fault]]\nfault = \"{fault}\"\nscope = \"lane\"\nevery_s = 0.001\nlasts_s = [3600, 3600]\n\
             codes = [\"sensor-fault\"]\nmust_fail = true\n"
        );
        std::fs::write(fixture.path("fault.toml"), &scenario).unwrap();
        Scenario::load(&fixture.path("fault.toml")).unwrap();
        fixture
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn run(&self, arguments: &[&str], typed: &str) -> Output {
        let (name, rest) = arguments.split_first().unwrap();
        let mut child = Command::new(DAEMON)
            .arg(name)
            .arg("--config")
            .arg(self.path("fixture.toml"))
            .args(rest)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        // A command that has failed reads no more.
        let _ = child.stdin.take().unwrap().write_all(typed.as_bytes());
        child.wait_with_output().unwrap()
    }
}

fn text(output: &Output) -> String {
    format!(
        "{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    )
}

#[test]
fn a_jig_is_commissioned_and_then_passes_its_selftest() {
    let fixture = Fixture::new("");
    let output = fixture.run(&["selftest"], "");
    assert!(!output.status.success());
    assert!(text(&output).contains("BAD   lane 1  calibration"), "{}", text(&output));
    assert!(text(&output).contains("no calibration yet"), "{}", text(&output));

    // Lane by lane: empty nest, LED red, LED green, label; then a name.
    let output = fixture.run(&["calibrate"], "\n\n\nC-0017\n\n\n\nC-0018\nA. Meyer\n");
    assert!(output.status.success(), "{}", text(&output));
    let measured = Calibration::load(&fixture.path("calibration.toml")).unwrap();
    assert_eq!(measured.by, "A. Meyer");
    assert_eq!(measured.lanes.len(), 2);
    assert_eq!(measured.lanes[1].sensor, "C-0018");

    // What was measured is what the model is made of.
    let recipe = fixture_daemon::config::example_recipe();
    let truth = Simulated {
        lanes: 2,
        ..Simulated::new(1, recipe)
    };
    for (lane, known) in measured.lanes.iter().zip(truth.lanes()) {
        let full = lane.lamp.unwrap();
        assert!(
            (full / known.loop_back.full - 1.0).abs() < 0.03,
            "{full} {:?}",
            known.loop_back
        );
        for (measured, shape) in [
            (lane.red.unwrap(), known.shape.red),
            (lane.green.unwrap(), known.shape.green),
        ] {
            let strongest = shape[0].max(shape[1]).max(shape[2]);
            for (one, other) in measured.iter().zip(shape) {
                assert!((one - other / strongest).abs() < 0.03, "{measured:?} {shape:?}");
            }
        }
        for [duty, light] in &lane.curve {
            assert!((duty - light).abs() < 0.03, "{:?}", lane.curve);
        }
    }

    let output = fixture.run(&["selftest"], "");
    assert!(output.status.success(), "{}", text(&output));
    for part in [
        "calibration",
        "nest",
        "sensor",
        "ambient",
        "lamp",
        "lamp, mid",
        "lamp, off",
        "baffle",
        "unit power",
        "signals",
    ] {
        assert!(
            text(&output).contains(&format!("good  lane 2  {part}")),
            "{part}: {}",
            text(&output)
        );
    }
}

#[test]
fn a_calibration_that_nobody_signs_is_not_written() {
    let fixture = Fixture::new("");
    let output = fixture.run(&["calibrate"], "\n\n\nC-0017\n\n\n\nC-0018\n\n");
    assert!(!output.status.success());
    assert!(text(&output).contains("not signed off"), "{}", text(&output));
    assert!(!fixture.path("calibration.toml").exists());
    let output = fixture.run(&["calibrate", "--lane", "2"], "\n");
    assert!(text(&output).contains("nobody answers"), "{}", text(&output));
}

#[test]
fn selftest_names_the_part_that_fails_and_what_to_check() {
    for (fault, part, remedy) in [
        ("dead-lamp", "BAD   lane 2  lamp ", "check the lamp's plug and driver"),
        ("weak-lamp", "BAD   lane 2  lamp ", "clean lamp, light pipe and sensor"),
        ("sensor-silent", "BAD   lane 2  sensor ", "check the sensor's plug"),
        ("sensor-stuck", "BAD   lane 2  sensor ", "check the sensor's plug"),
        ("sensor-saturated", "BAD   lane 2  sensor ", "lower the gain"),
        ("bright-ambient", "BAD   lane 2  ambient ", "shade the nest"),
    ] {
        let fixture = Fixture::with_fault(fault);
        let output = fixture.run(&["selftest", "--lane", "2"], "");
        let said = text(&output);
        assert_eq!(output.status.code(), Some(1), "{fault}: {said}");
        assert!(said.contains(part) && said.contains(remedy), "{fault}: {said}");
        assert!(!said.contains("lane 1"), "{said}");
    }
}

#[test]
fn calibrate_refuses_a_jig_that_is_not_in_order() {
    for (fault, words) in [
        ("dead-lamp", "the lamp at full light is under-range"),
        ("sensor-stuck", "stuck: "),
        ("bright-ambient", "counts in the empty nest, the limit is"),
    ] {
        let fixture = Fixture::with_fault(fault);
        let output = fixture.run(&["calibrate", "--lane", "1"], "\n\n\nC-0017\nA. Meyer\n");
        assert!(!output.status.success(), "{fault}");
        assert!(text(&output).contains(words), "{fault}: {}", text(&output));
        assert!(!fixture.path("calibration.toml").exists(), "{fault}");
    }
}

#[test]
fn light_is_shown_live_and_recorded_as_a_trace_that_the_reader_reads() {
    let fixture = Fixture::new("");
    let output = fixture.run(&["align", "--lane", "1", "--lamp", "bright", "--seconds", "1"], "");
    let said = text(&output);
    assert!(output.status.success(), "{said}");
    assert_eq!(said.matches("clear |").count(), 10, "{said}");
    assert!(said.contains("within range"), "{said}");

    let trace = fixture.path("dark.csv");
    let output = fixture.run(
        &["record", "--lane", "2", "--seconds", "4", trace.to_str().unwrap()],
        "",
    );
    assert!(output.status.success(), "{}", text(&output));
    let output = Command::new(DAEMON).arg("read-led").arg(&trace).output().unwrap();
    assert!(output.status.success(), "{}", text(&output));
    assert!(
        text(&output).contains("normal-operation"),
        "a dark nest: {}",
        text(&output)
    );

    let output = fixture.run(&["record", "--lane", "3", trace.to_str().unwrap()], "");
    assert!(
        text(&output).contains("this fixture has lanes 1 to 2"),
        "{}",
        text(&output)
    );
}

impl Fixture {
    fn start(&self, arguments: &[&str]) -> Child {
        let (name, rest) = arguments.split_first().unwrap();
        Command::new(DAEMON)
            .arg(name)
            .arg("--config")
            .arg(self.path("fixture.toml"))
            .args(rest)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap()
    }
}

/// Waits until something is so; a minute at most.
fn until<T>(what: &str, mut so: impl FnMut() -> Option<T>) -> T {
    let clock = Clock::start();
    let end = clock.now() + Duration::from_mins(1);
    loop {
        if let Some(found) = so() {
            return found;
        }
        assert!(clock.now() < end, "{what}: not within a minute");
        clock.sleep_until(clock.now() + Duration::from_millis(10));
    }
}

/// Whether a process has a handler of its own for a signal (proc(5), `SigCgt`).
fn catches(child: &Child, signal: Signal) -> bool {
    let status = std::fs::read_to_string(format!("/proc/{}/status", child.id())).unwrap_or_default();
    let caught = status.lines().find_map(|line| line.strip_prefix("SigCgt:"));
    caught
        .and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok())
        .is_some_and(|mask| mask & 1 << (signal as i32 - 1) != 0)
}

#[test]
fn a_signal_ends_every_command_of_the_bench_with_its_lamps_dark() {
    let fixture = Fixture::new("");
    let trace = fixture.path("lit.csv");
    let record = [
        "record",
        "--lane",
        "1",
        "--light",
        "1",
        "--seconds",
        "600",
        trace.to_str().unwrap(),
    ];
    for (arguments, signal) in [
        (record.as_slice(), Signal::SIGINT),
        (record.as_slice(), Signal::SIGTERM),
        (["selftest"].as_slice(), Signal::SIGTERM),
        (["calibrate"].as_slice(), Signal::SIGINT),
        (["calibrate"].as_slice(), Signal::SIGTERM),
    ] {
        let mut child = fixture.start(arguments);
        // Nobody answers, and nobody has gone away either.
        let typed = child.stdin.take();
        until("a handler", || catches(&child, signal).then_some(()));
        kill(Pid::from_raw(child.id().try_into().unwrap()), signal).unwrap();
        let output = child.wait_with_output().unwrap();
        drop(typed);
        assert_eq!(
            output.status.code(),
            Some(1),
            "{arguments:?} {signal}: {}",
            text(&output)
        );
        assert!(
            text(&output).contains("stopped: "),
            "{arguments:?} {signal}: {}",
            text(&output)
        );
        assert!(!trace.exists() && !fixture.path("calibration.toml").exists());
    }
    let align = fixture.start(&["align", "--lane", "1", "--lamp", "bright"]);
    until("a handler", || catches(&align, Signal::SIGINT).then_some(()));
    kill(Pid::from_raw(align.id().try_into().unwrap()), Signal::SIGINT).unwrap();
    let output = align.wait_with_output().unwrap();
    assert!(output.status.success(), "Ctrl-C is how it ends: {}", text(&output));
}

#[test]
fn commissioning_is_shown_on_the_fixtures_screen_step_by_step_with_live_figures() {
    let fixture = Fixture::new("");
    let config = Config::load(&fixture.path("fixture.toml")).unwrap();
    let client = Client::new(&config.settings.socket);
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let mut child = fixture.start(&["calibrate"]);
    let mut typed = child.stdin.take().unwrap();
    let mut step = |number: u32, lane: Option<u8>, what: &str| {
        until(what, || {
            if let Some(status) = child.try_wait().unwrap() {
                let mut said = String::new();
                let _ = child.stderr.take().map(|mut stderr| stderr.read_to_string(&mut said));
                panic!("it ended by itself ({status}): {said}");
            }
            let shown = runtime.block_on(client.state()).ok()?;
            assert!(shown.lanes.is_empty(), "no lane takes a unit meanwhile");
            let step = shown.commissioning?;
            let here = step.turn == Turn::Person
                && step.step == number
                && step.lane.map(fixture_link::identity::LaneId::number) == lane
                && step.what.contains(what);
            let names: Vec<&str> = step.figures.iter().map(|figure| figure.name.as_str()).collect();
            // Live where light is aimed at, else what came of the lane.
            let figures = match number {
                1 | 3 | 4 if lane.is_some() => names == ["red", "green", "blue", "clear", "range"],
                _ => names.contains(&"lamp") && names.contains(&"red die"),
            };
            (here && figures).then_some(())
        });
        typed.write_all(b"C-1\n").unwrap();
    };
    for lane in [1, 2] {
        step(1, Some(lane), "empty the nest");
        step(3, Some(lane), "its LED red");
        step(4, Some(lane), "its LED green");
        step(5, Some(lane), "serial or label");
    }
    step(1, None, "Signed off");
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "{}", text(&output));
    assert!(!config.settings.socket.exists(), "the socket is the daemon's again");
}

#[test]
fn lamps_are_made_dark_by_a_command_of_its_own() {
    let output = Fixture::new("").run(&["dark"], "");
    assert!(output.status.success(), "{}", text(&output));
}

/// The service manager runs `dark` as the daemon's user, after the credentials are gone: a recipe and secrets that cannot be read must not
/// keep a lamp lit. (A folder in a file's place is unreadable for root too.)
#[test]
fn lamps_are_made_dark_without_recipe_and_secrets() {
    let fixture = Fixture::new("");
    let password = fixture.path("recipes/example-secrets/wifi-password");
    std::fs::remove_file(&password).unwrap();
    std::fs::create_dir(&password).unwrap();
    let output = fixture.run(&["selftest"], "");
    assert!(text(&output).contains("password_file"), "{}", text(&output));
    let output = fixture.run(&["dark"], "");
    assert!(output.status.success(), "{}", text(&output));
    std::fs::remove_dir_all(fixture.path("recipes")).unwrap();
    let output = fixture.run(&["dark"], "");
    assert!(output.status.success(), "{}", text(&output));
    std::fs::write(fixture.path("fixture.toml"), "[jig.simulated]\nlamps = 2\n").unwrap();
    let output = fixture.run(&["dark"], "");
    assert_eq!(output.status.code(), Some(1), "{}", text(&output));
}

/// On a machine that is no Raspberry Pi every command says so, and none panics.
#[test]
fn a_jig_of_a_raspberry_pi_on_another_machine_is_a_clear_error() {
    if Path::new("/dev/gpiomem").exists() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let examples = Path::new(env!("CARGO_MANIFEST_DIR")).join("../config");
    for name in ["recipes/led-only.toml", "recipes/example-secrets/wifi-password"] {
        let to = folder.path().join(name);
        std::fs::create_dir_all(to.parent().unwrap()).unwrap();
        std::fs::copy(examples.join(name), to).unwrap();
    }
    let text_of = std::fs::read_to_string(examples.join("raspberry-pi.toml"))
        .unwrap()
        .replace("/var/lib/fixture/", "")
        .replace("/run/fixture/", "");
    let file = folder.path().join("raspberry-pi.toml");
    for (gpio, words) in [
        ("character-device", "no /dev/gpiochip with the label pinctrl-bcm2835"),
        ("registers", "no Raspberry Pi"),
    ] {
        std::fs::write(&file, text_of.replace("\"character-device\"", &format!("\"{gpio}\""))).unwrap();
        for command in ["run", "selftest", "calibrate", "dark"] {
            let output = Command::new(DAEMON)
                .arg(command)
                .arg("--config")
                .arg(&file)
                .output()
                .unwrap();
            assert_eq!(output.status.code(), Some(1), "{command}: {}", text(&output));
            assert!(text(&output).contains(words), "{command}: {}", text(&output));
            assert!(!text(&output).contains("panicked"), "{command}: {}", text(&output));
        }
    }
}
