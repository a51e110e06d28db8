//! A late symbol is always noticed: processes that send are stopped for 1 to 500 ms at random, beside a recorder of their lamps' edges.
//!
//! Each sender is this program again, as a process of its own with one lane's real sender and a lamp that says when it was set. What the
//! lamp says goes through a pipe to the recorder, which knows nothing of the sender's own measure of lateness, and is held against what
//! the sender reported: an attempt is void when, and only when, an edge of its light came later than the limit allows; no symbol is
//! shorter than a symbol. A stop may reach the sender between the pins' change and its look at the clock: then it cannot know which of the
//! two was late, and the doubt voids; such stops are counted by themselves.
//!
//!     cargo test -p fixture-daemon --test stops -- --stops 10000 --senders 80

#![expect(clippy::print_stdout, reason = "its figures are published")]

use core::fmt;
use core::time::Duration;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{SyncSender, sync_channel};

use anyhow::Context as _;
use blinkup::Level;
use blinkup::frame::SymbolRate;
use blinkup::packet::Packet;
use fixture_daemon::clock::Clock;
use fixture_daemon::engine::effect::Transmission;
use fixture_daemon::engine::input::{Input, LaneInput, SendEnd};
use fixture_daemon::jig::simulated::chance::{Chance, Stream};
use fixture_daemon::jig::{JigError, Lamp};
use fixture_daemon::sender::Sender;
use fixture_daemon::tasks::Tasks;
use fixture_daemon::watchdog::Beat;
use fixture_link::identity::{LaneId, RunId};
use nix::sys::signal::{Signal, kill};
use nix::time::{ClockId, clock_gettime};
use nix::unistd::Pid;
use tokio::sync::mpsc;

/// Stops in the ordinary tests.
const STOPS: u32 = 400;
/// Senders that are stopped side by side in the ordinary tests.
const SENDERS: u32 = 100;
/// From one stop of a sender to its next, at most: longer than a frame, so that stops come anywhere in it.
const APART: Duration = Duration::from_secs(4);
/// A stop.
const SHORTEST: Duration = Duration::from_millis(1);
const LONGEST: Duration = Duration::from_millis(500);
/// Rates of the example recipes; each sender has one.
const RATES: [u8; 3] = [60, 30, 20];
/// The share of a symbol that the recipes allow it to be late.
const LATE_LIMIT: f32 = 0.25;
/// How far the two clocks' readings around one change of the pins may lie apart: a delay so close to the limit is on neither side of it.
const APART_AT_MOST: Duration = Duration::from_micros(50);
/// How much shorter than itself a symbol may look: both ends are rounded down to the sender's microseconds.
const ROUNDING: Duration = Duration::from_micros(3);
/// What the process says before everything else where it got real-time priority.
const REAL_TIME: &str = "real-time";

fn main() -> anyhow::Result<()> {
    let arguments: Vec<String> = std::env::args().collect();
    let number = |name: &str| {
        let place = arguments.iter().position(|argument| argument == name)?;
        arguments.get(place + 1)?.parse::<u32>().ok()
    };
    if let Some(rate) = number("--sender") {
        return sender(u8::try_from(rate)?);
    }
    // Whoever lists the tests wants none to run.
    if arguments.iter().any(|argument| argument == "--list") {
        return Ok(());
    }
    let seed = u64::from(number("--seed").unwrap_or(1));
    let stops = number("--stops").unwrap_or(STOPS);
    let senders = number("--senders").unwrap_or(SENDERS).clamp(1, stops.max(1));
    let each = stops.div_ceil(senders);
    let run: Vec<Tally> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..senders)
            .map(|index| {
                let rate = RATES[index as usize % RATES.len()];
                scope.spawn(move || stopped_at_random(rate, each, Chance::new(seed, Stream::Unit(index))))
            })
            .collect();
        threads
            .into_iter()
            .map(|thread| thread.join().map_err(|_| anyhow::anyhow!("a stopper panicked"))?)
            .collect::<anyhow::Result<_>>()
    })?;
    let mut all = Tally::default();
    for tally in &run {
        all.add(tally);
    }
    println!("{senders} senders at {RATES:?} symbols a second in turn, seed {seed}");
    println!("{all}");
    all.held(each * senders)
}

// --- the process that is stopped ---------------------------------------------------------------------------------------

/// A lamp that says when it was set, and to what. Nobody waits for it, and it waits for nobody.
struct Told(SyncSender<(Duration, Level)>);

impl Lamp for Told {
    fn set(&mut self, level: Level) -> Result<(), JigError> {
        let told = self.0.try_send((now(), level));
        told.map_err(|error| JigError::Failed {
            lane: lane(),
            part: "lamp",
            what: error.to_string(),
        })
    }
}

/// Sends one frame after the other until its standard input ends.
fn sender(rate: u8) -> anyhow::Result<()> {
    nix::sys::prctl::set_pdeathsig(Signal::SIGKILL)?;
    let (tasks, _ended) = Tasks::new();
    let (inputs, mut heard) = mpsc::channel(4_096);
    let (lamp, set) = sync_channel(4_096);
    let (claimed, told) = std::sync::mpsc::channel();
    let clock = Clock::start();
    let mut sender = Sender::start(
        &tasks,
        clock,
        lane(),
        Box::new(Told(lamp)),
        1.0,
        inputs,
        claimed,
        Beat::default(),
    )?;
    let mut out = std::io::stdout().lock();
    writeln!(out, "{}", if told.recv()?.is_ok() { REAL_TIME } else { "ordinary" })?;
    let over = Arc::new(AtomicBool::new(false));
    let ends = Arc::clone(&over);
    std::thread::spawn(move || {
        // Its end is what counts, however it comes.
        let _ = std::io::stdin().read_to_end(&mut Vec::new());
        ends.store(true, Ordering::Relaxed);
    });
    let symbol = SymbolRate::new(rate)
        .map_err(|error| anyhow::anyhow!("{error}"))?
        .due(1);
    let transmission = |attempt| Transmission {
        run: RunId(uuid::Uuid::nil()),
        attempt,
        packet: Packet::clear_settings(),
        rate,
        bright: Level::FULL,
        mid: Level::new(0.5),
        preamble: 3,
        late_limit: symbol.mul_f32(LATE_LIMIT),
    };
    // What the lamp said before the first frame is no frame's.
    let mut attempt = 1;
    let mut begun = false;
    while !begun || !over.load(Ordering::Relaxed) {
        if !begun {
            clock.sleep_until(clock.now() + Duration::from_millis(5));
            set.try_iter().for_each(drop);
            begun = true;
        }
        sender.send(transmission(attempt))?;
        let end = loop {
            clock.sleep_until(clock.now() + Duration::from_millis(20));
            let mut end = None;
            while let Ok(input) = heard.try_recv() {
                if let Input::Lane(_, LaneInput::Sent(report)) = input {
                    end = Some(report);
                }
            }
            // After the report, so that everything that the lamp said of this frame is there.
            for (at, level) in set.try_iter() {
                writeln!(out, "{} {}", at.as_nanos(), level.fraction())?;
            }
            if let Some(report) = end {
                break report;
            }
        };
        let void = match end.end {
            SendEnd::Complete => "complete",
            SendEnd::Late => "late",
            SendEnd::Stopped | SendEnd::NotSent(_) | SendEnd::LampFailed(_) => anyhow::bail!("{:?}", end.end),
        };
        writeln!(out, "{void} {}", end.symbols)?;
        out.flush()?;
        attempt += 1;
    }
    tasks.stop().cancel();
    Ok(())
}

fn lane() -> LaneId {
    LaneId::first(1).next().expect("there is a first lane")
}

/// The monotonic clock, which all processes share.
fn now() -> Duration {
    clock_gettime(ClockId::CLOCK_MONOTONIC).map_or(Duration::ZERO, Duration::from)
}

// --- the stopper and the recorder --------------------------------------------------------------------------------------

/// One frame as the lamp showed it, and what the sender said of it.
#[derive(Debug, Default)]
struct Attempt {
    /// When the lamp was set, to what; the last one is the dark after the frame.
    set: Vec<(Duration, f32)>,
    void: bool,
    symbols: usize,
}

/// Starts a sender, stops it so often, and judges what its lamp showed.
fn stopped_at_random(rate: u8, stops: u32, mut chance: Chance) -> anyhow::Result<Tally> {
    let mut child = Killed(
        Command::new(std::env::current_exe()?)
            .args(["--sender", &rate.to_string()])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?,
    );
    let pid = Pid::from_raw(i32::try_from(child.0.id())?);
    let mut lines = BufReader::new(child.0.stdout.take().context("its output")?).lines();
    let real_time = lines.next().context("it said nothing")?? == REAL_TIME;
    let recorder = std::thread::spawn(move || recorded(lines));
    let clock = Clock::start();
    let wait = |time: Duration| clock.sleep_until(clock.now() + time);
    let mut stopped = Vec::new();
    for _ in 0..stops {
        wait(chance.time(Duration::ZERO..APART));
        let from = now();
        kill(pid, Signal::SIGSTOP)?;
        wait(chance.time(SHORTEST..LONGEST));
        kill(pid, Signal::SIGCONT)?;
        stopped.push((from, now()));
    }
    // It ends after the frame that it is sending.
    drop(child.0.stdin.take());
    let attempts = recorder
        .join()
        .map_err(|_| anyhow::anyhow!("the recorder panicked"))??;
    let status = child.0.wait()?;
    anyhow::ensure!(status.success(), "a sender ended with {status}");
    let symbol = SymbolRate::new(rate)
        .map_err(|error| anyhow::anyhow!("{error}"))?
        .due(1);
    let mut tally = judge(&attempts, &stopped, symbol, symbol.mul_f32(LATE_LIMIT));
    tally.ordinary = u32::from(!real_time);
    Ok(tally)
}

/// A process that does not outlive its owner.
struct Killed(Child);

impl Drop for Killed {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn recorded(lines: impl Iterator<Item = std::io::Result<String>>) -> anyhow::Result<Vec<Attempt>> {
    let mut attempts = Vec::new();
    let mut attempt = Attempt::default();
    for line in lines {
        let line = line?;
        let (first, second) = line.split_once(' ').with_context(|| format!("{line:?}"))?;
        if let Ok(nanos) = first.parse() {
            attempt.set.push((Duration::from_nanos(nanos), second.parse()?));
        } else {
            attempt.void = first == "late";
            attempt.symbols = second.parse()?;
            attempts.push(core::mem::take(&mut attempt));
        }
    }
    Ok(attempts)
}

/// What came of the stops.
#[derive(Debug, Default)]
struct Tally {
    /// Stops that came between two frames.
    between: u32,
    /// Stops that delayed an edge by more than the limit, and those of them whose attempt is void.
    delayed: u32,
    voided: u32,
    /// Stops in a frame that delayed no edge by more than the limit, those of them in the dark tail, and those whose attempt is void.
    harmless: u32,
    harmless_in_tail: u32,
    voided_harmless: u32,
    /// Stops that delayed an edge by as much as the limit, give or take the clocks' readings.
    at_limit: u32,
    /// Stops between the pins' change and the sender's look at the clock.
    doubtful: u32,
    /// Edges that were late without a stop, and those of them whose attempt is void.
    by_machine: u32,
    voided_by_machine: u32,
    /// Attempts that are void although no edge was late, and those that are not although one was, whatever the stops.
    wrong: u32,
    /// Symbols shown, and those that were cut short.
    symbols: u64,
    short: u64,
    /// How much longer than a symbol the shortest one was, in nanoseconds.
    shortest: Option<i128>,
    /// Senders without real-time priority.
    ordinary: u32,
}

/// What the recorder makes of one frame.
#[derive(Debug)]
struct Judged {
    from: Duration,
    until: Duration,
    void: bool,
    late: Late,
    /// The edge that was the latest: when it was due, and when it came.
    due: Duration,
    came: Duration,
    /// The last edge of the light before the frame's end.
    last_edge: Duration,
}

/// How an attempt's latest edge stands to the limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Late {
    No,
    Yes,
    /// As late as the limit, give or take the clocks' readings.
    AsTheLimit,
    /// The pins changed in time, and the sender went on only later: it cannot know which of the two was late.
    InDoubt,
}

/// Holds the lamp's record against the sender's reports.
fn judge(attempts: &[Attempt], stops: &[(Duration, Duration)], symbol: Duration, limit: Duration) -> Tally {
    let mut tally = Tally::default();
    let judged: Vec<Judged> = attempts
        .iter()
        .filter_map(|attempt| frame(attempt, symbol, limit, &mut tally))
        .collect();
    for attempt in &judged {
        let wrong = match attempt.late {
            Late::No => attempt.void,
            Late::Yes => !attempt.void,
            Late::AsTheLimit | Late::InDoubt => false,
        };
        tally.wrong += u32::from(wrong);
        let by_a_stop = stops.iter().any(|stop| stop.0 < attempt.came && stop.1 > attempt.due);
        if attempt.late == Late::Yes && !by_a_stop {
            tally.by_machine += 1;
            tally.voided_by_machine += u32::from(attempt.void);
        }
    }
    for stop in stops {
        let mut met = judged
            .iter()
            .filter(|attempt| stop.0 < attempt.until && stop.1 > attempt.from);
        let Some(attempt) = met.next() else {
            tally.between += 1;
            continue;
        };
        let moved = stop.0 < attempt.came && stop.1 > attempt.due;
        match attempt.late {
            Late::Yes if moved => {
                tally.delayed += 1;
                tally.voided += u32::from(attempt.void);
            }
            Late::AsTheLimit if moved => tally.at_limit += 1,
            Late::InDoubt if stop.1 > attempt.last_edge => tally.doubtful += 1,
            Late::No | Late::Yes | Late::AsTheLimit | Late::InDoubt => {
                tally.harmless += 1;
                tally.harmless_in_tail += u32::from(!attempt.void && stop.0 > attempt.last_edge);
                tally.voided_harmless += u32::from(attempt.void && attempt.late == Late::No);
            }
        }
    }
    tally
}

/// One frame by its light alone, and whether the report fits it.
fn frame(attempt: &Attempt, symbol: Duration, limit: Duration, tally: &mut Tally) -> Option<Judged> {
    if attempt.symbols == 0 || attempt.set.len() != attempt.symbols + 1 {
        tally.wrong += 1;
        return None;
    }
    let (from, until) = (attempt.set.first()?.0, attempt.set.last()?.0);
    let mut judged = Judged {
        from,
        until,
        void: attempt.void,
        late: Late::No,
        due: from,
        came: from,
        last_edge: from,
    };
    let mut latest = Duration::ZERO;
    let mut held = Duration::ZERO;
    for (place, pair) in attempt.set.windows(2).enumerate() {
        let [(before, was), (at, level)] = pair else { continue };
        tally.symbols += 1;
        let longer = at.as_nanos().cast_signed() - (*before + symbol).as_nanos().cast_signed();
        tally.short += u64::from(longer < -ROUNDING.as_nanos().cast_signed());
        tally.shortest = Some(tally.shortest.map_or(longer, |shortest| shortest.min(longer)));
        held = at.saturating_sub(*before + symbol);
        // The dark after the last symbol belongs to no symbol.
        if (was - level).abs() > f32::EPSILON && place + 1 < attempt.symbols {
            judged.last_edge = *at;
            if held > latest {
                latest = held;
                (judged.due, judged.came) = (*before + symbol, *at);
            }
        }
    }
    judged.late = if latest > limit + APART_AT_MOST {
        Late::Yes
    } else if latest + APART_AT_MOST > limit {
        Late::AsTheLimit
    } else if attempt.void && held + APART_AT_MOST > limit {
        Late::InDoubt
    } else {
        Late::No
    };
    Some(judged)
}

impl Tally {
    fn add(&mut self, other: &Self) {
        self.between += other.between;
        self.delayed += other.delayed;
        self.voided += other.voided;
        self.harmless += other.harmless;
        self.harmless_in_tail += other.harmless_in_tail;
        self.voided_harmless += other.voided_harmless;
        self.at_limit += other.at_limit;
        self.doubtful += other.doubtful;
        self.by_machine += other.by_machine;
        self.voided_by_machine += other.voided_by_machine;
        self.wrong += other.wrong;
        self.symbols += other.symbols;
        self.short += other.short;
        self.shortest = self.shortest.into_iter().chain(other.shortest).min();
        self.ordinary += other.ordinary;
    }

    /// Fails where something was not as it must be.
    fn held(&self, stops: u32) -> anyhow::Result<()> {
        let seen = self.between + self.delayed + self.harmless + self.at_limit + self.doubtful;
        anyhow::ensure!(seen >= stops, "{seen} of {stops} stops were seen");
        anyhow::ensure!(
            self.delayed > 0 && self.harmless_in_tail > 0,
            "the stops came nowhere that matters"
        );
        anyhow::ensure!(self.voided == self.delayed, "a late edge was not noticed");
        anyhow::ensure!(self.voided_by_machine == self.by_machine, "a late edge was not noticed");
        anyhow::ensure!(
            self.voided_harmless == 0,
            "an attempt is void although no edge was late"
        );
        anyhow::ensure!(
            self.wrong == 0,
            "{} attempts were not judged by their light",
            self.wrong
        );
        anyhow::ensure!(self.short == 0, "{} symbols were cut short", self.short);
        anyhow::ensure!(
            self.doubtful <= stops / 100,
            "{} stops were left in doubt, which is no accident",
            self.doubtful
        );
        Ok(())
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let stops = self.between + self.delayed + self.harmless + self.at_limit + self.doubtful;
        writeln!(
            f,
            "{stops} stops of {} to {} ms",
            SHORTEST.as_millis(),
            LONGEST.as_millis()
        )?;
        writeln!(
            f,
            "  {} delayed an edge by more than the limit: {} attempts void",
            self.delayed, self.voided
        )?;
        writeln!(
            f,
            "  {} came in a frame and delayed no edge so much, {} of them in its dark tail: {} attempts void for it",
            self.harmless, self.harmless_in_tail, self.voided_harmless
        )?;
        writeln!(
            f,
            "  {} delayed an edge by the limit itself, within {} µs; {} came between the pins' change and the look at the clock",
            self.at_limit,
            APART_AT_MOST.as_micros(),
            self.doubtful
        )?;
        writeln!(f, "  {} came between two frames", self.between)?;
        writeln!(
            f,
            "edges late without a stop: {}, attempts void for it: {}; senders without real-time priority: {}",
            self.by_machine, self.voided_by_machine, self.ordinary
        )?;
        write!(
            f,
            "{} symbols shown, {} cut short; the shortest was {} ns longer than a symbol",
            self.symbols,
            self.short,
            self.shortest.unwrap_or_default()
        )
    }
}
