//! How long after its evidence was complete a verdict is committed, published, heard on the socket, and drawn: `cargo bench -p demo --bench shown`.
//!
//! Starts daemon and screen as processes of their own on eight simulated lanes, and listens on the socket as a page would. Every instant is of the
//! system's monotonic clock, which all of them share: the daemon and the screen tell theirs in their logs (target `fixture::news`).
//! Beside it, in the same time and folder: how long the disk takes for as many bytes as a verdict, written and synced. `SECONDS=n` for how long.

#![expect(
    clippy::print_stdout,
    clippy::disallowed_methods,
    clippy::cast_precision_loss,
    reason = "a measurement of whole processes, told to a person"
)]

use core::time::Duration;
use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufRead as _, BufReader, Read, Write as _};
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};

use anyhow::Context as _;
use nix::sys::signal::{Signal, kill};
use nix::time::{ClockId, clock_gettime};
use nix::unistd::Pid;

/// Long enough for a hundred verdicts.
const SECONDS: u64 = 600;

/// Bytes that a verdict's commit writes, about.
const AS_MANY: usize = 20 * 1024;

/// What is known of each run: the name of an instant, and when it was, in microseconds.
type Instants = Arc<Mutex<BTreeMap<String, BTreeMap<String, u64>>>>;

fn main() -> anyhow::Result<()> {
    // Cargo also runs benchmarks as tests; those only see that it starts and ends.
    let seconds = if std::env::args().any(|argument| argument == "--bench") {
        std::env::var("SECONDS").map_or(Ok(SECONDS), |seconds| seconds.parse())?
    } else {
        3
    };
    let folder = tempfile::tempdir()?;
    let config = configure(folder.path())?;
    let instants = Instants::default();
    let mut daemon = role("fixture-daemon", "run", &config, &instants)?;
    let socket = folder.path().join("fixture.sock");
    wait_for(&socket)?;
    let mut screen = role("fixture-ui-screen", "screen", &config, &instants)?;
    let heard = Arc::clone(&instants);
    let events = UnixStream::connect(&socket).context("the daemon's socket")?;
    std::thread::spawn(move || listen(events, &heard));

    let mut disk = Vec::new();
    let until = now() + seconds * 1_000_000;
    let mut file = File::create(folder.path().join("beside"))?;
    while now() < until {
        std::thread::sleep(Duration::from_secs(3).min(Duration::from_micros(until.saturating_sub(now()))));
        let began = now();
        file.write_all(&vec![7; AS_MANY])?;
        file.sync_data()?;
        disk.push(now() - began);
    }
    for child in [&mut screen, &mut daemon] {
        kill(Pid::from_raw(i32::try_from(child.id())?), Signal::SIGTERM)?;
        child.wait()?;
    }

    let instants = instants.lock().map_err(|_| anyhow::anyhow!("a listener failed"))?;
    let whole = |run: &&BTreeMap<String, u64>| {
        ["committed", "published", "heard", "drawn"]
            .iter()
            .all(|name| run.contains_key(*name))
    };
    let runs: Vec<_> = instants.values().filter(whole).collect();
    println!(
        "{} verdicts in {seconds} s, milliseconds after their evidence was complete:",
        runs.len()
    );
    for name in ["committed", "published", "heard", "drawn"] {
        let after = runs
            .iter()
            .map(|run| run[name].saturating_sub(run["evidence"]))
            .collect();
        println!("    {name:24} {}", spread(after));
    }
    println!("    {:24} {}", "(20 KiB on this disk)", spread(disk));
    Ok(())
}

/// The demo's configuration in a folder, with eight lanes.
fn configure(folder: &Path) -> anyhow::Result<std::path::PathBuf> {
    let config = include_str!("../../config/simulated.toml")
        .replace("\"recipes/claimed.toml\"", "\"recipe.toml\"")
        .replace("\"../demo-data/ledger.db\"", "\"ledger.db\"")
        .replace("\"../demo-data/fixture.sock\"", "\"fixture.sock\"")
        .replace("count = 4", "count = 8")
        + "\n[ui.screen.png]\nfile = \"screen.png\"\n";
    std::fs::create_dir_all(folder.join("example-secrets"))?;
    std::fs::write(
        folder.join("example-secrets/wifi-password"),
        include_str!("../../config/recipes/example-secrets/wifi-password"),
    )?;
    std::fs::write(folder.join("recipe.toml"), include_str!("../recipe.toml"))?;
    let file = folder.join("fixture.toml");
    std::fs::write(&file, config)?;
    Ok(file)
}

/// Starts a role, and follows what it tells of verdicts.
fn role(name: &str, command: &str, config: &Path, instants: &Instants) -> anyhow::Result<Child> {
    let mut child = Command::new(env!("CARGO_BIN_EXE_demo"))
        .arg0(name)
        .arg(command)
        .arg("--config")
        .arg(config)
        .env("RUST_LOG", "warn,fixture::news=debug")
        .stderr(Stdio::piped())
        .spawn()?;
    let log = BufReader::new(child.stderr.take().context("a log")?);
    let instants = Arc::clone(instants);
    std::thread::spawn(move || {
        for line in log.lines().map_while(Result::ok) {
            let fields: Vec<(&str, &str)> = line
                .split_whitespace()
                .filter_map(|word| word.split_once('='))
                .collect();
            let run = fields.iter().find(|(name, _)| *name == "run");
            let (Some((_, run)), true) = (run, line.contains("fixture::news")) else {
                eprintln!("{line}");
                continue;
            };
            for (name, value) in &fields {
                if let Ok(at) = value.parse() {
                    tell(&instants, run, name, at);
                }
            }
        }
    });
    Ok(child)
}

/// Listens for snapshots as a page does.
fn listen(mut events: UnixStream, instants: &Instants) {
    let asked = events.write_all(b"GET /v1/events HTTP/1.1\r\nhost: fixture\r\n\r\n");
    if asked.is_err() {
        return;
    }
    let mut lines = BufReader::new(Read::by_ref(&mut events));
    let mut line = Vec::new();
    while lines.read_until(b'\n', &mut line).is_ok_and(|read| read > 0) {
        let at = now();
        if let Some(snapshot) = line.strip_prefix(b"data: ")
            && let Ok(snapshot) = serde_json::from_slice::<serde_json::Value>(snapshot)
        {
            for lane in snapshot["lanes"].as_array().into_iter().flatten() {
                if let (Some("verdict"), Some(run)) = (lane["state"]["state"].as_str(), lane["run"].as_str()) {
                    tell(instants, run, "heard", at);
                }
            }
        }
        line.clear();
    }
}

/// Notes an instant, unless it was before.
fn tell(instants: &Instants, run: &str, name: &str, at: u64) {
    if let Ok(mut instants) = instants.lock() {
        let run = instants.entry(run.to_owned()).or_default();
        run.entry(name.to_owned()).or_insert(at);
    }
}

fn wait_for(socket: &Path) -> anyhow::Result<()> {
    for _ in 0..1_000 {
        if UnixStream::connect(socket).is_ok() {
            return Ok(());
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    anyhow::bail!("the daemon does not answer")
}

/// The system's monotonic clock, in microseconds.
fn now() -> u64 {
    let now = clock_gettime(ClockId::CLOCK_MONOTONIC).map(Duration::from);
    now.ok()
        .and_then(|now| u64::try_from(now.as_micros()).ok())
        .unwrap_or(0)
}

fn spread(mut micros: Vec<u64>) -> String {
    micros.sort_unstable();
    let at = |share: usize| {
        let place = (micros.len() * share).div_ceil(100).saturating_sub(1);
        micros.get(place).map_or(f64::NAN, |micros| *micros as f64 / 1000.0)
    };
    format!(
        "median {:6.1}   90 % {:6.1}   99 % {:6.1}   most {:6.1}",
        at(50),
        at(90),
        at(99),
        at(100)
    )
}
