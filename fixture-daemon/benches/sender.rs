//! How late the lamps' symbols are, beside what the same machine gives `cyclictest` in the same minutes.
//!
//!     cargo bench -p fixture-daemon --bench sender                    ten minutes idle, ten beside the pages, ten under load
//!     cargo bench -p fixture-daemon --bench sender -- --minutes 1     shorter
//!     cargo bench -p fixture-daemon --bench sender -- --only load     one of the three: idle, pages, load
//!     cargo bench -p fixture-daemon --bench sender -- --ordinary      without the right to real-time priority
//!
//! Eight lanes' senders, the appliance's own, send frames at 60 symbols a second into lamps that do nothing; how late a symbol was comes from
//! what every symbol tells the engine, in microseconds. Beside them, at the same time and at the same priority, `cyclictest` (Debian's
//! rt-tests) has eight threads that wake as often. The pages are a daemon on a simulated jig and its dashboard with 50 clients on loopback, each of
//! which holds the live page's stream of events and asks for a page a second, and an export of a million runs as CSV, again and again. The load is
//! these, and two threads a core that compute, copy memory, and make system calls: each in processes of their own.

#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a measurement of whole processes, told to a person"
)]

use core::time::Duration;
use std::io::{BufRead as _, BufReader, Read as _, Seek as _, Write as _};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitCode, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread::JoinHandle;

use anyhow::Context as _;
use blinkup::frame::SymbolRate;
use blinkup::packet::{Packet, Settings};
use blinkup::{Level, Tick};
use fixture_daemon::clock::{self, Clock};
use fixture_daemon::config;
use fixture_daemon::engine::effect::Transmission;
use fixture_daemon::engine::input::{Input, LaneInput, SendEnd};
use fixture_daemon::jig::{JigError, Lamp};
use fixture_daemon::real_time;
use fixture_daemon::sender::Sender;
use fixture_daemon::tasks::Tasks;
use fixture_daemon::watchdog::Beat;
use fixture_ledger::record::{Purpose, RunEnd, RunStart, Setup};
use fixture_ledger::{Durability, Ledger};
use fixture_link::identity::{LaneId, RunId, Serial};
use fixture_link::snapshot::Stage;
use fixture_link::verdict::VerdictCode;
use nix::sys::signal::Signal;
use tokio::sync::mpsc;

const LANES: u8 = 8;
const MINUTES: f64 = 10.0;
const RATE: SymbolRate = SymbolRate::FASTEST;
/// The share of a symbol that the recipes allow it to be late.
const LATE_LIMIT: f32 = 0.25;
/// Rows of the export.
const ROWS: u32 = 1_000_000;
const CLIENTS: usize = 50;
/// How long the dashboard may take to be there.
const UP_WITHIN: Duration = Duration::from_mins(2);
/// How long a client waits between two pages.
const POLLS_EVERY: Duration = Duration::from_secs(1);
/// Latenesses are counted by the microsecond up to here.
const COUNTED: usize = 200_000;

/// By what a process is told its role, and the roles.
const ROLE: &str = "SENDER_BENCH_ROLE";
const DAEMON: &str = "daemon";
const WEB: &str = "web";
const STRESS: &str = "stress";
const CLIENTS_OF_WEB: &str = "clients";
const EXPORT: &str = "export";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().collect();
    // The other processes of a measurement are this program in another role.
    let role = std::env::var(ROLE).unwrap_or_default();
    if !role.is_empty() {
        // Whatever ends the measurement, they end too.
        if let Err(error) = nix::sys::prctl::set_pdeathsig(Signal::SIGKILL) {
            eprintln!("{role}: cannot be tied to the measurement: {error}");
            return ExitCode::FAILURE;
        }
    }
    let result = match role.as_str() {
        DAEMON => return fixture_daemon::command::main(),
        WEB => return fixture_ui::command::main(),
        STRESS => stress(),
        CLIENTS_OF_WEB => clients(arguments.get(1)),
        EXPORT => export(arguments.get(1)),
        // Cargo also runs benchmarks as tests, and this one takes twenty minutes.
        _ if !arguments.iter().any(|argument| argument == "--bench") => Ok(()),
        _ => measurements(&arguments),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("sender: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn measurements(arguments: &[String]) -> anyhow::Result<()> {
    let value = |name: &str| {
        let place = arguments.iter().position(|argument| argument == name)?;
        arguments.get(place + 1)
    };
    let minutes = value("--minutes").map_or(Ok(MINUTES), |minutes| minutes.parse())?;
    let lasts = Duration::try_from_secs_f64(minutes * 60.0)?;
    let only = value("--only").map(String::as_str);
    anyhow::ensure!(
        matches!(only, None | Some("idle" | "pages" | "load")),
        "--only: expected idle, pages or load"
    );
    if arguments.iter().any(|argument| argument == "--ordinary") && std::env::var_os(WITHOUT_RIGHT).is_none() {
        return without_right(arguments);
    }
    if Command::new("cyclictest").arg("--help").output().is_err() {
        anyhow::bail!("cyclictest is not installed, and there is nothing to compare with: apt-get install rt-tests");
    }
    let wanted = |name: &str| only.is_none_or(|only| only == name);
    if wanted("idle") {
        measure("idle", lasts, None)?;
    }
    if only != Some("idle") {
        let folder = tempfile::tempdir()?;
        let ledger = million(folder.path())?;
        if wanted("pages") {
            measure("beside the pages", lasts, Some((&ledger, Stress::None)))?;
        }
        if wanted("load") {
            measure("under load", lasts, Some((&ledger, Stress::AllCores)))?;
        }
    }
    Ok(())
}

/// Told to the process that has given the right up.
const WITHOUT_RIGHT: &str = "WITHOUT_REAL_TIME";

/// Starts the measurement again as a process that may not have real-time priority.
fn without_right(arguments: &[String]) -> anyhow::Result<()> {
    let status = ordinary(&std::env::current_exe()?)
        .args(arguments.iter().skip(1))
        .env(WITHOUT_RIGHT, "yes")
        .status()
        .context("setpriv (Debian's util-linux)")?;
    anyhow::ensure!(status.success(), "ended with {status}");
    Ok(())
}

/// A program without the right to real-time priority.
fn ordinary(program: &Path) -> Command {
    let mut command = Command::new("setpriv");
    command.args(["--bounding-set", "-sys_nice", "--"]).arg(program);
    command
}

// --- one measurement ---------------------------------------------------------------------------------------------------

/// How late something was, counted by the microsecond.
struct Latenesses {
    counts: Vec<u64>,
    over: u64,
    latest: u64,
}

impl Latenesses {
    fn new() -> Self {
        Self {
            counts: vec![0; COUNTED],
            over: 0,
            latest: 0,
        }
    }

    fn push(&mut self, micros: u64, times: u64) {
        match usize::try_from(micros)
            .ok()
            .and_then(|place| self.counts.get_mut(place))
        {
            Some(count) => *count += times,
            None => self.over += times,
        }
        if times > 0 {
            self.latest = self.latest.max(micros);
        }
    }

    fn total(&self) -> u64 {
        self.counts.iter().sum::<u64>() + self.over
    }

    /// How many were at least so late and less than that.
    fn between(&self, from: usize, until: usize) -> u64 {
        let until = until.min(self.counts.len());
        self.counts.get(from..until).map_or(0, |counts| counts.iter().sum())
    }

    /// The lateness that this share was not above, in microseconds; the latest where it is beyond what is counted one by one.
    #[expect(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "some millions at most"
    )]
    fn quantile(&self, share: f64) -> u64 {
        let wanted = (self.total() as f64 * share).ceil() as u64;
        let mut seen = 0;
        for (micros, count) in self.counts.iter().enumerate() {
            seen += count;
            if seen >= wanted {
                return micros as u64;
            }
        }
        self.latest
    }
}

#[expect(clippy::cast_precision_loss, reason = "figures for a person")]
fn measure(name: &str, lasts: Duration, load: Option<(&Path, Stress)>) -> anyhow::Result<()> {
    println!("== {name}, {:.1} min", lasts.as_secs_f64() / 60.0);
    let load = load.map(|(ledger, stress)| Load::start(ledger, stress)).transpose()?;
    let may = real_time::allowed();
    let priority = real_time::PRIORITY;
    match &may {
        Ok(()) => println!("real-time priority: {priority}, for the lamps' threads and for cyclictest's"),
        Err(why) => println!("real-time priority: none ({why}); both are ordinary threads"),
    }
    let seconds = lasts.as_secs().max(1).to_string();
    let interval = RATE.due(1).as_micros().to_string();
    let mut reference = Command::new("cyclictest");
    reference
        .args(["--quiet", "--mlockall", "--default-system", "--distance", "0"])
        .args(["--threads", &LANES.to_string(), "--interval", &interval])
        .args(["--duration", &seconds, "--histogram", "100000"]);
    match &may {
        Ok(()) => reference.args(["--policy", "fifo", "--priority", &priority.to_string()]),
        Err(_) => reference.args(["--policy", "other"]),
    };
    let steal = stolen();
    let reference = Killed(reference.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn()?);
    let sent = send(lasts)?;
    let cyclic = match (cyclictest(reference), &may) {
        (Err(why), Err(_)) => {
            // It does not start where the limit of real-time priority is 0.
            println!("no cyclictest beside it: {why:#}");
            Latenesses::new()
        }
        (cyclic, _) => cyclic?,
    };
    let (stolen, all) = stolen()
        .zip(steal)
        .map_or((0, 0), |(now, then)| (now.0 - then.0, now.1 - then.1));
    println!(
        "{} symbols on {LANES} lanes at {}/s in {} frames, {} of them told to nobody; cyclictest: {} wakes of {LANES} threads every {interval} µs",
        sent.late.total(),
        RATE.a_second(),
        sent.frames,
        sent.dropped,
        cyclic.total()
    );
    println!(
        "machine: {:.1} % of the processors' time was taken away by the host",
        100.0 * stolen as f64 / all.max(1) as f64
    );
    histogram(&sent.late, &cyclic);
    let limit = RATE.due(1).mul_f32(LATE_LIMIT);
    let beyond = sent.late.total() - sent.late.between(0, usize::try_from(limit.as_micros())? + 1);
    println!(
        "symbols later than the recipes' limit of {:.2} ms: {beyond}",
        limit.as_secs_f64() * 1e3
    );
    if let Some(load) = load {
        load.told()?;
    }
    println!();
    Ok(())
}

#[expect(clippy::cast_precision_loss, reason = "figures for a person")]
fn histogram(sender: &Latenesses, cyclic: &Latenesses) {
    println!("{:>22} {:>12} {:>12}", "late by", "sender", "cyclictest");
    let mut from = 0;
    for decade in [1, 10, 100, 1_000, 10_000, 100_000] {
        for step in [1, 2, 5] {
            let until = decade * step;
            let (here, there) = (sender.between(from, until), cyclic.between(from, until));
            if here + there > 0 {
                println!("{from:>8} to {until:>7} µs {here:>12} {there:>12}");
            }
            from = until;
        }
    }
    for (name, share) in [
        ("50 %", 0.5),
        ("90 %", 0.9),
        ("99 %", 0.99),
        ("99.9 %", 0.999),
        ("99.99 %", 0.9999),
    ] {
        let (here, there) = (sender.quantile(share), cyclic.quantile(share));
        let ratio = here as f64 / there.max(1) as f64;
        if cyclic.total() > 0 {
            println!("{name:>19} µs {here:>12} {there:>12}   ratio {ratio:.2}");
        } else {
            println!("{name:>19} µs {here:>12}");
        }
    }
    println!("{:>19} µs {:>12} {:>12}", "latest", sender.latest, cyclic.latest);
}

/// Time that the host took from this machine's processors, and all time, in the kernel's units.
fn stolen() -> Option<(u64, u64)> {
    let stat = std::fs::read_to_string("/proc/stat").ok()?;
    let fields: Vec<u64> = stat
        .lines()
        .next()?
        .split_whitespace()
        .skip(1)
        .filter_map(|field| field.parse().ok())
        .collect();
    Some((*fields.get(7)?, fields.iter().take(8).sum()))
}

/// Reads `cyclictest`'s histogram once it has ended.
fn cyclictest(mut child: Killed) -> anyhow::Result<Latenesses> {
    let mut text = String::new();
    child.0.stdout.take().context("its output")?.read_to_string(&mut text)?;
    let mut said = String::new();
    child.0.stderr.take().context("its output")?.read_to_string(&mut said)?;
    let status = child.0.wait()?;
    anyhow::ensure!(status.success(), "cyclictest ended with {status}: {said}");
    let mut late = Latenesses::new();
    for line in text.lines() {
        if let Some(latest) = line.strip_prefix("# Max Latencies:") {
            for micros in latest.split_whitespace() {
                late.latest = late.latest.max(micros.parse()?);
            }
        } else if let Some(over) = line.strip_prefix("# Histogram Overflows:") {
            for count in over.split_whitespace() {
                late.over += count.parse::<u64>()?;
            }
        } else if line.starts_with(|first: char| first.is_ascii_digit()) {
            let mut fields = line.split_whitespace();
            let micros = fields.next().context("a line")?.parse()?;
            for count in fields {
                late.push(micros, count.parse()?);
            }
        }
    }
    anyhow::ensure!(late.total() > 0, "cyclictest told nothing: {text:.200}");
    Ok(late)
}

// --- the senders -------------------------------------------------------------------------------------------------------

/// Pins that are as fast as a register.
#[derive(Clone, Default)]
struct Register(Arc<AtomicU64>);

impl Lamp for Register {
    fn set(&mut self, level: Level) -> Result<(), JigError> {
        self.0.store(u64::from(level.fraction().to_bits()), Ordering::Relaxed);
        Ok(())
    }
}

struct Sent {
    late: Latenesses,
    frames: u32,
    dropped: u64,
}

/// What is known of a lane's frame.
#[derive(Clone, Copy, Default)]
struct Frame {
    last: Option<Tick>,
    symbols: usize,
}

fn send(lasts: Duration) -> anyhow::Result<Sent> {
    // As the daemon does; where it may not, its pages may be taken.
    if let Err(why) = real_time::keep_memory() {
        println!("memory is not kept: {why}");
    }
    let packet = Packet::configure(&Settings {
        wifi: config::example_recipe().wifi,
        ..Settings::default()
    })
    .map_err(|error| anyhow::anyhow!("{error}"))?;
    let frame_symbols = packet.frame(RATE.preamble()).symbol_count();
    let transmission = |attempt| Transmission {
        run: RunId(uuid::Uuid::nil()),
        attempt,
        packet: packet.clone(),
        rate: RATE.a_second(),
        bright: Level::FULL,
        mid: Level::new(0.5),
        preamble: RATE.preamble(),
        // All of the frame is measured, however late.
        late_limit: Duration::from_hours(1),
    };
    let clock = Clock::start();
    let (tasks, _ended) = Tasks::new();
    let (inputs, mut heard) = mpsc::channel(65_536);
    let (claimed, told) = std::sync::mpsc::channel();
    let mut senders = Vec::new();
    for lane in LaneId::first(LANES) {
        let sender = Sender::start(
            &tasks,
            clock,
            lane,
            Box::new(Register::default()),
            1.0,
            inputs.clone(),
            claimed.clone(),
            Beat::default(),
        )?;
        senders.push(sender);
        // Whether it may have the priority is known already.
        let _ = told.recv()?;
    }
    let mut sent = Sent {
        late: Latenesses::new(),
        frames: 0,
        dropped: 0,
    };
    let mut frames = vec![Frame::default(); senders.len()];
    let until = clock.now() + lasts;
    for sender in &mut senders {
        sender.send(transmission(1))?;
    }
    while clock.now() < until {
        clock.sleep_until(clock.now() + Duration::from_millis(20));
        while let Ok(input) = heard.try_recv() {
            let Input::Lane(lane, input) = input else { continue };
            let Some(frame) = frames.get_mut(lane.index()) else {
                continue;
            };
            if let LaneInput::Lamp(edge) = input {
                // The first symbol begins the count; the dark after the last one is none.
                if let Some(last) = frame.last.filter(|_| frame.symbols < frame_symbols) {
                    let micros = edge.at.since(last + RATE.due(1)).as_micros();
                    sent.late.push(u64::try_from(micros)?, 1);
                }
                frame.last = Some(edge.at);
                frame.symbols += 1;
            } else if let LaneInput::Sent(report) = input {
                anyhow::ensure!(report.end == SendEnd::Complete, "lane {lane}: {:?}", report.end);
                *frame = Frame::default();
                sent.frames += 1;
                if let Some(sender) = senders.get_mut(lane.index()) {
                    sender.send(transmission(sent.frames))?;
                }
            }
        }
    }
    sent.dropped = senders.iter().map(Sender::dropped).sum();
    tasks.stop().cancel();
    Ok(sent)
}

// --- the load ----------------------------------------------------------------------------------------------------------

/// A process that does not outlive its owner.
struct Killed(Child);

impl Drop for Killed {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// What keeps every core busy besides the pages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stress {
    None,
    AllCores,
}

/// What keeps the machine busy meanwhile.
struct Load {
    counted: [Counted; 2],
    others: Vec<Killed>,
    _folder: tempfile::TempDir,
}

/// A process that says from time to time what it has done.
struct Counted {
    name: &'static str,
    child: Killed,
    last: JoinHandle<Option<String>>,
}

/// This program in another role, with an ordinary thread's rights only: no other real-time thread comes between the two that are compared.
fn role(name: &str) -> anyhow::Result<Command> {
    let mut command = ordinary(&std::env::current_exe()?);
    command.env(ROLE, name).process_group(0);
    Ok(command)
}

impl Counted {
    fn start(name: &'static str, argument: &str) -> anyhow::Result<Self> {
        let mut child = Killed(role(name)?.arg(argument).stdout(Stdio::piped()).spawn()?);
        let output = child.0.stdout.take().context("its output")?;
        let last = std::thread::spawn(move || BufReader::new(output).lines().map_while(Result::ok).last());
        Ok(Self { name, child, last })
    }

    /// Ends it, and prints what it did; it must have done something.
    fn told(mut self) -> anyhow::Result<()> {
        anyhow::ensure!(
            self.child.0.try_wait()?.is_none(),
            "{} ended before the measurement",
            self.name
        );
        self.child.0.kill()?;
        let last = self.last.join().ok().flatten();
        println!(
            "load, {}: {}",
            self.name,
            last.with_context(|| format!("{}: did nothing", self.name))?
        );
        Ok(())
    }
}

impl Load {
    fn start(ledger: &Path, stress: Stress) -> anyhow::Result<Self> {
        let folder = tempfile::tempdir()?;
        let pages = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?;
        let config = configured(folder.path(), ledger, pages)?;
        let log = std::fs::File::create(folder.path().join("log"))?;
        let service = |name: &str, command: &str| -> anyhow::Result<Killed> {
            let mut role = role(name)?;
            role.arg(command).arg("--config").arg(&config);
            Ok(Killed(role.stdout(log.try_clone()?).stderr(log.try_clone()?).spawn()?))
        };
        let daemon = service(DAEMON, "run")?;
        let web = service(WEB, "web")?;
        let clock = Clock::start();
        while let Err(why) = page(pages, "/today") {
            let said = || std::fs::read_to_string(folder.path().join("log")).unwrap_or_default();
            anyhow::ensure!(
                clock.now() < Tick::ZERO + UP_WITHIN,
                "no dashboard: {why:#}; {}",
                said()
            );
            clock.sleep_until(clock.now() + Duration::from_millis(100));
        }
        let clients = Counted::start(CLIENTS_OF_WEB, &pages.to_string())?;
        let export = Counted::start(EXPORT, &pages.to_string())?;
        let mut others = vec![daemon, web];
        if stress == Stress::AllCores {
            others.push(Killed(role(STRESS)?.spawn()?));
        }
        Ok(Self {
            counted: [clients, export],
            others,
            _folder: folder,
        })
    }

    /// Prints what the load did; all of it must have been there to the end.
    fn told(mut self) -> anyhow::Result<()> {
        for other in &mut self.others {
            anyhow::ensure!(
                other.0.try_wait()?.is_none(),
                "a part of the load ended before the measurement"
            );
        }
        self.counted.into_iter().try_for_each(Counted::told)
    }
}

/// The example configuration with this ledger and these pages.
fn configured(folder: &Path, ledger: &Path, pages: SocketAddr) -> anyhow::Result<PathBuf> {
    let examples = Path::new(env!("CARGO_MANIFEST_DIR")).join("../config");
    for name in ["recipes/claimed.toml", "recipes/example-secrets/wifi-password"] {
        let target = folder.join(name);
        std::fs::create_dir_all(target.parent().context("a folder")?)?;
        std::fs::copy(examples.join(name), target)?;
    }
    let text = std::fs::read_to_string(examples.join("simulated.toml"))?
        .replace("../demo-data/ledger.db", &ledger.to_string_lossy())
        .replace("../demo-data/fixture.sock", "fixture.sock")
        .replace("127.0.0.1:8080", &pages.to_string());
    let file = folder.join("fixture.toml");
    std::fs::write(&file, text)?;
    Ok(file)
}

/// A ledger with a million runs: one through the ledger, the others its copies made by SQLite, without attempts, readings and light.
fn million(folder: &Path) -> anyhow::Result<PathBuf> {
    let path = folder.join("ledger.db");
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let mut ledger = Ledger::create(&path, Durability::Unsynced).await?;
        let setup = Setup {
            fixture: "bench".to_owned(),
            software: env!("CARGO_PKG_VERSION").to_owned(),
            recipe: "claimed".to_owned(),
            recipe_version: "0123456789abcdef".to_owned(),
            pass_rule: "claimed".to_owned(),
            simulated: true,
        };
        let setup = ledger.setup(&setup).await?;
        let run = RunId(uuid::Uuid::from_u128(1));
        let wall = clock::wall();
        let start = RunStart {
            run,
            lane: LaneId::first(1).next().context("a lane")?,
            serial: Serial::new("SN-00000001").ok(),
            operator: "console".to_owned(),
            lot: "lot-1".to_owned(),
            work_order: "order-1".to_owned(),
            purpose: Purpose::Production,
            seated: wall,
        };
        ledger.begin_run(setup, &start).await?;
        let end = RunEnd {
            run,
            code: VerdictCode::Ok,
            detail: String::new(),
            stage: Stage::Connected,
            took: Duration::from_secs(61),
            device_id: None,
            agent_url: None,
            attempts: Vec::new(),
            readings: Vec::new(),
            evidence: Vec::new(),
            measurements: Vec::new(),
            trace: Vec::new(),
            samples_lost: 0,
        };
        ledger.finish_run(&end, wall).await?;
        ledger.lifted(run, wall).await?;
        ledger.close().await?;
        anyhow::Ok(())
    })?;
    let copies = format!(
        "PRAGMA synchronous = OFF;
        INSERT INTO run (
            number, id, setup, lane, serial, operator, lot, work_order, seated, seated_synchronised, outcome, code, detail, stage, took, ended,
            ended_synchronised, device_id, agent_url, samples_lost, is_first, verdict_number, lifted, lifted_synchronised
        )
        SELECT
            n, randomblob(16), setup, lane, printf('SN-%08d', n), operator, lot, work_order, seated - n * 20000000, seated_synchronised,
            outcome, code, detail, stage, took, ended - n * 20000000, ended_synchronised, device_id, agent_url, samples_lost,
            is_first, n, lifted - n * 20000000, lifted_synchronised
        FROM run, (
            WITH RECURSIVE counted(n) AS (SELECT 2 UNION ALL SELECT n + 1 FROM counted WHERE n < {ROWS}) SELECT n FROM counted
        )
        WHERE number = 1;"
    );
    let status = Command::new("sqlite3")
        .arg(&path)
        .arg(copies)
        .stdout(Stdio::null())
        .status()
        .context("sqlite3 is not installed: apt-get install sqlite3")?;
    anyhow::ensure!(status.success(), "sqlite3 ended with {status}");
    Ok(path)
}

/// Keeps every core busy: with arithmetic and memory, and with system calls.
fn stress() -> anyhow::Result<()> {
    let cores = std::thread::available_parallelism()?.get();
    std::thread::scope(|scope| {
        for core in 0..cores {
            scope.spawn(move || {
                let mut memory = vec![core as u64 + 1; 4 << 20];
                loop {
                    let half = memory.len() / 2;
                    let (from, to) = memory.split_at_mut(half);
                    to.copy_from_slice(from);
                    for word in from.iter_mut() {
                        *word = word.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                    }
                    std::hint::black_box(&mut memory);
                }
            });
            scope.spawn(|| -> anyhow::Result<()> {
                let mut file = tempfile::tempfile()?;
                let mut out = std::fs::OpenOptions::new().write(true).open("/dev/null")?;
                loop {
                    // New pages of memory, a page of a file, and a call that does nothing.
                    let block = std::hint::black_box(vec![1_u8; 1 << 20]);
                    file.rewind()?;
                    file.write_all(&block)?;
                    for piece in block.chunks(4_096) {
                        out.write_all(piece)?;
                    }
                }
            });
        }
    });
    Ok(())
}

/// Fifty people with the live page open, who look at another page a second each.
fn clients(address: Option<&String>) -> anyhow::Result<()> {
    let address: SocketAddr = address.context("which address")?.parse()?;
    let (asked, failed, events) = (AtomicU64::new(0), AtomicU64::new(0), AtomicU64::new(0));
    let clock = Clock::start();
    std::thread::scope(|scope| -> anyhow::Result<()> {
        for client in 0..CLIENTS {
            let (asked, failed, events) = (&asked, &failed, &events);
            scope.spawn(move || {
                // A stream that ends is missing from the count.
                let _ended = listen(address, events);
            });
            scope.spawn(move || {
                let pages = ["/", "/today", "/runs", "/units/SN-00000077"];
                for turn in client.. {
                    let answer = page(address, pages.get(turn % pages.len()).copied().unwrap_or("/"));
                    asked.fetch_add(1, Ordering::Relaxed);
                    failed.fetch_add(u64::from(answer.is_err()), Ordering::Relaxed);
                    clock.sleep_until(clock.now() + POLLS_EVERY);
                }
            });
        }
        loop {
            clock.sleep_until(clock.now() + Duration::from_secs(1));
            let [asked, failed, events] = [&asked, &failed, &events].map(|count| count.load(Ordering::Relaxed));
            println!(
                "{CLIENTS} clients asked for {asked} pages in {} and did not get {failed}; they heard {events} lines of events",
                clock.now()
            );
        }
    })
}

fn page(address: SocketAddr, path: &str) -> anyhow::Result<()> {
    let mut stream = TcpStream::connect_timeout(&address, Duration::from_secs(10))?;
    stream.set_read_timeout(Some(Duration::from_secs(30)))?;
    write!(
        stream,
        "GET {path} HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n\r\n"
    )?;
    let mut text = String::new();
    stream.read_to_string(&mut text)?;
    anyhow::ensure!(text.starts_with("HTTP/1.1 200"), "{path}: {text:.60}");
    Ok(())
}

/// Holds the live page's stream of events and counts its lines.
fn listen(address: SocketAddr, events: &AtomicU64) -> anyhow::Result<()> {
    let mut stream = TcpStream::connect_timeout(&address, Duration::from_secs(10))?;
    write!(
        stream,
        "GET /events HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n\r\n"
    )?;
    for line in BufReader::new(stream).lines() {
        line?;
        events.fetch_add(1, Ordering::Relaxed);
    }
    Ok(())
}

/// Has all runs exported as CSV, again and again.
fn export(address: Option<&String>) -> anyhow::Result<()> {
    let address: SocketAddr = address.context("which address")?.parse()?;
    let clock = Clock::start();
    let (mut bytes, mut whole) = (0_u64, 0_u32);
    loop {
        let mut stream = TcpStream::connect_timeout(&address, Duration::from_secs(10))?;
        write!(
            stream,
            "GET /export/runs.csv HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n\r\n"
        )?;
        let mut piece = vec![0; 1 << 16];
        let mut first = true;
        loop {
            let read = stream.read(&mut piece)?;
            let begins = piece.get(..read).unwrap_or_default();
            anyhow::ensure!(!first || begins.starts_with(b"HTTP/1.1 200"), "the export is refused");
            first = false;
            if read == 0 {
                break;
            }
            bytes += read as u64;
            println!(
                "{} MB of CSV in {}, {whole} times all {ROWS} runs",
                bytes >> 20,
                clock.now()
            );
        }
        whole += 1;
    }
}
