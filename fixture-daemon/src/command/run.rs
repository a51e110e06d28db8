//! `run`: the appliance in real time.

use core::time::Duration;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::SystemTime;

use anyhow::Context as _;
use blinkup::Tick;
use clap::Args;
use fixture_ledger::audit::{Answered, AuditFilter};
use fixture_ledger::lane_trend::LampLimit;
use fixture_ledger::record::{ChangeKind, Purpose, Setup};
use fixture_ledger::report::{PAGE_LIMIT, RunFilter};
use fixture_ledger::study::Which;
use fixture_ledger::{Ledger, Reports};
use fixture_link::act::{Act, ActKind};
use fixture_link::identity::{LaneId, RunId, Serial, WallTime};
use fixture_link::snapshot::Fixture;
use fixture_link::verdict::VerdictCode;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::{mpsc, watch};

use crate::clock::{Clock, wall};
use crate::command::act::CONSOLE;
use crate::commissioning::{self, Commissioned, SIMULATED_PARTS};
use crate::config::{Config, Jig, LaneConfig, RaspberryPi};
use crate::drivers::real_time::alarms::Alarms;
use crate::drivers::real_time::checks::Checks;
use crate::drivers::real_time::clerk::{Acts, Clerk, Job};
use crate::drivers::real_time::gate::Gate;
use crate::drivers::real_time::looks::Looks;
use crate::drivers::real_time::nests::{self, Watched};
use crate::drivers::real_time::news::News;
use crate::drivers::real_time::power::Relays;
use crate::drivers::real_time::recipes;
use crate::drivers::real_time::setups::Setups;
use crate::drivers::real_time::shift;
use crate::drivers::real_time::signals::Outside;
use crate::drivers::real_time::standing::{self, StillThere};
use crate::drivers::real_time::stray::{Flashing, Strays};
use crate::drivers::real_time::{Engine, Incoming, Told, sampler, surroundings};
use crate::drivers::real_time::{imp, labels};
use crate::drivers::virtual_time::{Simulated, Simulation};
use crate::engine::effect::{Batch, Stop};
use crate::engine::input::{Input, LaneInput};
use crate::engine::lamp_trend::{self, LampTrend};
use crate::engine::lane::LaneConfig as EngineLane;
use crate::engine::line::{Line, LineConfig};
use crate::engine::recipe::PassRule;
use crate::engine::study::Study;
use crate::enrolment::TokenSource;
use crate::jig::raspberry_pi::{self, Measured};
use crate::jig::simulated::Jig as SimulatedJig;
use crate::jig::simulated::operator;
use crate::jig::simulated::scenario::Scenario;
use crate::jig::{Nest, Parts, SensorGroup};
use crate::real_time;
use crate::sender::Sender;
use crate::socket::{Ask, Desk, Published, Socket};
use crate::tasks::{Ended, Tasks};
use crate::watchdog::{self, Watchdog};

/// Runs the fixture until it is told to stop.
#[derive(Debug, Args)]
pub struct Run {
    /// The fixture's configuration.
    #[arg(long)]
    config: PathBuf,
}

/// How long everything may take to end after the first signal.
const TO_END: Duration = Duration::from_secs(10);

/// How long units that lay in a simulated jig when the last process ended still lie there.
const STILL_THERE: Duration = Duration::from_secs(10);

/// Newest runs that are looked at for the highest serial of a simulated unit. Retests come soon after the first run.
const NEWEST: u32 = 200;

/// A minute in microseconds.
const MINUTE: i64 = 60_000_000;

/// Runs of a lane that are looked through for the same code in a row: 20 units that are tried again and again.
const LAST_RUNS: u32 = 200;

/// How long a lamp's thread may take to start.
const CLAIMED_WITHIN: Duration = Duration::from_secs(2);

/// Room for lamp edges: eight lanes at 60 symbols a second fill it in two seconds.
const EDGES: usize = 1024;

/// Room for rounds of samples: one second.
const ROUNDS: usize = 100;

/// Room for jobs of the clerk.
const JOBS: usize = 256;

/// Runs the command.
///
/// # Errors
/// The configuration is wrong, ledger or socket are not to be had, or a part of the daemon ended by itself.
pub fn run(arguments: &Run) -> anyhow::Result<ExitCode> {
    super::log();
    let config = Config::load(&arguments.config)?;
    for remark in &config.remarks {
        tracing::warn!("{remark}");
    }
    for file in [&config.settings.ledger, &config.settings.socket] {
        if let Some(folder) = file.parent().filter(|folder| !folder.as_os_str().is_empty()) {
            std::fs::create_dir_all(folder).with_context(|| format!("{}: cannot be made", folder.display()))?;
        }
    }
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .context("no runtime")?;
    let result = runtime.block_on(until_stopped(config));
    // A request to the cloud that is still waiting is not waited for.
    runtime.shutdown_timeout(Duration::from_millis(100));
    result
}

async fn until_stopped(config: Config) -> anyhow::Result<ExitCode> {
    let mut interrupt = signal(SignalKind::interrupt()).context("SIGINT")?;
    let mut terminate = signal(SignalKind::terminate()).context("SIGTERM")?;

    let (tasks, mut ended) = Tasks::new();
    let started = start(config, &tasks).await;
    let result = if let Err(error) = started {
        Err(error)
    } else {
        tokio::select! {
            () = told(&mut interrupt, &mut terminate) => {
                tracing::info!("stopping: lamps dark, runs recorded, ledger closed");
                tasks.asked().cancel();
                Ok(ExitCode::SUCCESS)
            }
            Some(Ended { name, why }) = ended.recv() => Err(match why {
                Some(why) => why.context(format!("{name} ended by itself")),
                None => anyhow::anyhow!("{name} ended by itself"),
            }),
        }
    };
    watchdog::stopping();
    tasks.stop().cancel();
    tokio::select! {
        finished = tasks.finish(TO_END) => {
            finished?;
            // What went wrong while ending must not look like a clean end.
            if let Ok(Ended { name, why: Some(why) }) = ended.try_recv() && result.is_ok() {
                return Err(why.context(name));
            }
            result
        }
        () = told(&mut interrupt, &mut terminate) => Err(anyhow::anyhow!("told to stop twice: stopped at once")),
    }
}

async fn told(interrupt: &mut Signal, terminate: &mut Signal) {
    tokio::select! {
        _ = interrupt.recv() => {}
        _ = terminate.recv() => {}
    }
}

/// What changes while something is written to a ledger: length and time of its files.
fn ledger_written(ledger: &Path) -> [Option<(u64, SystemTime)>; 2] {
    let mut wal = ledger.as_os_str().to_owned();
    wal.push("-wal");
    [ledger, Path::new(&wal)].map(|file| {
        let metadata = std::fs::metadata(file).ok()?;
        Some((metadata.len(), metadata.modified().ok()?))
    })
}

/// Makes every part and starts it.
#[expect(clippy::too_many_lines, reason = "wiring reads top to bottom like a parts list")]
async fn start(mut config: Config, tasks: &Tasks) -> anyhow::Result<()> {
    let clock = Clock::start();
    let simulated = config.simulated();

    // The ledger first: its lock is what keeps a second daemon away. Runs that the last process left become INTERRUPTED here.
    let opened = Ledger::open(&config.settings.ledger, wall());
    let written = || ledger_written(&config.settings.ledger);
    let (mut ledger, recovered) = watchdog::starting("opening the ledger", written, opened).await?;
    for run in &recovered.interrupted {
        tracing::warn!("run {run}: interrupted by the end of an earlier process");
    }
    let socket = Socket::take(&config.settings.socket)?;
    recipes::take_over(&mut config.book, &mut ledger, wall()).await?;
    config.follow_the_book();

    // The jig, and the engine over its lanes.
    let lanes: Vec<LaneId> = config.lanes.iter().map(|lane| lane.lane).collect();
    let Taken {
        parts,
        mut line,
        setup,
        simulated: simulated_jig,
    } = match &config.jig {
        Jig::Simulated {
            seed,
            scenario,
            takt,
            calibration,
        } => {
            let simulated = Simulated {
                scenario: match scenario {
                    Some(file) => Scenario::load(file)?,
                    None => Scenario::none(),
                },
                takt: *takt,
                codes: config.codes.clone(),
                ..Simulated::new(*seed, config.recipe.clone())
            };
            let commissioned = Commissioned::load(calibration.as_ref(), SIMULATED_PARTS, clock.now(), wall());
            let first_unit = next_unit(&config.settings.ledger).await?;
            take_simulated(simulated, &config, &commissioned, first_unit, clock)
        }
        Jig::RaspberryPi(pi) => take_raspberry_pi(pi, &config, clock)?,
    };
    // What became another since the last start is marked on the charts of yields.
    ledger
        .record_change(ChangeKind::Config, &config.book.told(), wall())
        .await?;
    ledger
        .record_change(ChangeKind::Lamp, &config.lamps_told(), wall())
        .await?;
    let settings = config.settings;
    let stopped = ledger.standing_stops().await?;
    line.offer(
        config.others.iter().map(|other| config.book.as_lit(other)).collect(),
        config.lots.clone(),
    );
    line.take_over(
        last_batch(&settings.ledger).await?,
        stopped.iter().cloned().map(|stop| Stop {
            code: stop.code,
            cause: stop.cause,
            lane: stop.lane,
            since: Tick::ZERO,
            wants_acknowledgement: stop.wants_acknowledgement,
        }),
    );
    if let Some(why) = line.without_recipe() {
        tracing::error!("no unit is run: {why}");
    }
    for lane in &lanes {
        line.remember(*lane, last_verdicts(&settings.ledger, *lane).await?);
    }
    let mut checks = config
        .policy
        .golden_check
        .map(|asked| Checks::new(asked, settings.shifts.clone(), &lanes));
    if let Some(checks) = &mut checks {
        let reports = Reports::open(&settings.ledger).await?;
        for due in checks.take_over(&reports, wall(), clock.now()).await? {
            // It only shows something, and nobody looks yet.
            let _ = line.step(clock.now(), Input::CheckDue(due));
        }
    }
    if let Some(study) = Reports::open(&settings.ledger).await?.study(Which::Running).await? {
        line.take_over_study(Study::new(study.began, study.counted().0));
    }
    let gate = Gate::new(settings.ledger.clone(), settings.study);
    if let Some(gate) = &gate {
        // It only shows something, and nobody looks yet.
        let _ = line.step(clock.now(), Input::Studied(gate.shut(wall()).await?));
    }
    let trends = lamp_trends(&settings.ledger, &line).await?;
    let shelved = shelved(&settings.ledger, wall()).await?;
    let around = simulated_jig.clone().map(|jig| (jig, clock));
    let source = config
        .enrolment
        .map(|enrolment| TokenSource::new(enrolment, around))
        .transpose()?;

    // Lamps: a real-time thread each.
    let (lamp_inputs, lamps) = mpsc::channel(EDGES);
    let (claimed, claims) = std::sync::mpsc::channel();
    let mut senders = Vec::new();
    let mut watchdog = Watchdog::default();
    for ((lane, lamp), LaneConfig { light, .. }) in parts.lamps.into_iter().zip(&config.lanes) {
        let sender = Sender::start(
            tasks,
            clock,
            lane,
            lamp,
            *light,
            lamp_inputs.clone(),
            claimed.clone(),
            watchdog.watch(format!("lamp {lane}")),
        )?;
        senders.push((lane, sender));
    }
    drop((lamp_inputs, claimed));
    let without_real_time = real_time_rights(senders.len(), &claims);

    // What commissioning left, for pages that tell when a lamp will be too weak.
    let limits: Vec<LampLimit> = line
        .loop_back_limits()
        .map(|(lane, limits)| LampLimit {
            lane,
            full: limits.full,
            least: limits.full * limits.weak,
        })
        .collect();
    if !limits.is_empty() {
        ledger
            .record_change(ChangeKind::Calibration, &LampLimit::text(&limits), wall())
            .await?;
    }

    // The sampler, and whoever watches nests and scanners.
    let (round_sender, rounds) = mpsc::channel(ROUNDS);
    let (jobs, job_receiver) = mpsc::channel(JOBS);
    let (told, told_receiver) = mpsc::unbounded_channel();
    let mut nest = parts.nest;
    // A simulated jig is made anew, and its units lie where their verdicts stood.
    let held = if simulated {
        lanes.clone()
    } else {
        standing::lanes_with_units(clock, nest.as_mut(), &lanes)
    };
    let standing = standing::verdicts(&mut ledger, &held, wall()).await?;
    let flashing = Flashing::default();
    {
        for group in parts.sensors {
            let SensorGroup { lanes, mut sensor } = group;
            let rounds = round_sender.clone();
            let name = format!("sampler {}", lanes.first().map_or(0, |lane| lane.number()));
            let beat = watchdog.watch(name.clone());
            tasks.thread(name, move |stop| {
                if !simulated && let Err(error) = real_time::claim_below_the_lamps() {
                    tracing::warn!("a sampler runs without real-time priority: {error}");
                }
                sampler::sample(clock, sensor.as_mut(), &lanes, &rounds, &beat, stop)
            })?;
        }
        let held: Vec<LaneId> = standing.iter().map(|verdict| verdict.lane).collect();
        let occupied: Vec<(LaneId, bool)> = lanes.iter().map(|lane| (*lane, held.contains(lane))).collect();
        let nest: Box<dyn Nest> = if simulated {
            Box::new(StillThere::new(nest, clock, held, clock.now() + STILL_THERE))
        } else {
            nest
        };
        let watched = Watched {
            nest,
            scanner: parts.scanner,
            start: parts.start,
            occupied,
            flashing: flashing.clone(),
        };
        let (jobs, told) = (jobs.clone(), told.clone());
        tasks.thread("nests", move |stop| nests::watch(clock, watched, &jobs, &told, stop))?;
    }
    for verdict in standing {
        let lane = verdict.lane;
        told.send(Told::Input(Input::Lane(lane, LaneInput::Standing(verdict))))
            .context("the engine's queue")?;
    }

    // What lives around a simulated jig.
    if let Some(jig) = simulated_jig.clone() {
        tasks.spawn(
            "surroundings",
            surroundings::carry(jig, jobs.clone(), told.clone(), tasks.stop().clone()),
        );
    }

    // An imp transmitter's own news.
    if let Some((lane, news)) = parts.news {
        let told = told.clone();
        tasks.thread("imp", move |stop| imp::carry(lane, &news, &told, stop))?;
    }

    // The label printer; what an earlier process left unprinted comes first.
    let labels = match parts.printer {
        None => None,
        Some(printer) => {
            let (to_print, labels) = std::sync::mpsc::channel();
            for label in ledger.open_labels().await? {
                to_print.send(label).context("the printer's queue")?;
            }
            let jobs = jobs.clone();
            tasks.thread("labels", move |stop| {
                labels::print(clock, printer, &labels, &jobs, stop)
            })?;
            Some(to_print)
        }
    };

    // The clerk holds the ledger, the engine's task the engine.
    let clerk = Clerk {
        ledger,
        setups: Setups::new(setup),
        operator: if simulated { operator::NAME } else { CONSOLE }.to_owned(),
        clock,
        told: told.clone(),
        asked: tasks.asked().clone(),
        labels,
        acts: Acts::default(),
        book: config.book,
    };
    tasks.spawn("ledger", async move {
        clerk.work(job_receiver).await.context("the last records")
    });
    // Whether the fixture has passed its study, where it passes no unit without.
    if let Some(gate) = gate {
        tasks.spawn("gate", gate.watch(told.clone(), tasks.stop().clone()));
    }
    // What the shift has made, for the screen; read from the ledger like any report.
    let (counter, tally) = shift::counting(settings.ledger.clone(), settings.shifts.clone());
    let stop = tasks.stop().clone();
    tasks.spawn("shift", async move {
        counter.count(stop).await;
        Ok(())
    });
    let (newest_sender, newest) = watch::channel(Published {
        made: clock.now(),
        json: "null".into(),
    });
    let engine = Engine {
        line,
        clock,
        fixture: Fixture {
            id: settings.id,
            name: settings.name,
            software: env!("CARGO_PKG_VERSION").to_owned(),
            recipe: config.recipe.name.clone(),
            recipe_version: config.recipe.version.clone(),
            simulated,
            led_evidence_only: matches!(config.recipe.pass, PassRule::LedOnly { .. }),
            without_real_time,
        },
        senders,
        power: Relays::new(parts.power),
        signals: Outside::new(parts.signals),
        source,
        jobs: jobs.clone(),
        told: told.clone(),
        tasks: tasks.clone(),
        newest: newest_sender,
        simulated: simulated_jig,
        looks: Looks::new(config.network, trends, shelved),
        checks,
        tally,
        strays: Strays::new(flashing),
        news: News::default(),
        stopped_before: stopped,
    };
    let incoming = Incoming {
        lamps,
        told: told_receiver,
        rounds,
    };
    tasks.spawn("engine", engine.run(incoming));

    // The socket last: who can ask is answered.
    let mut first = newest.clone();
    first.changed().await.context("the engine's task ended at once")?;
    let (asks, ask_receiver) = mpsc::channel(16);
    let desk = Desk {
        clock,
        newest,
        asks,
        stop: tasks.stop().clone(),
    };
    tasks.spawn("socket", async move {
        socket.serve(desk).await.context("the listener failed")
    });
    let stop = tasks.stop().clone();
    tasks.spawn("asks", async move {
        tokio::select! {
            biased;
            () = stop.cancelled() => Ok(()),
            result = answer(ask_receiver, jobs, told) => result,
        }
    });
    // Only now is there something to be alive about: whoever waits for the daemon can ask it.
    tasks.spawn("watchdog", watchdog.feed(tasks.stop().clone()));
    let status = format!(
        "{}{} lanes, recipe {}, socket {}",
        if simulated { "SIMULATED: " } else { "" },
        lanes.len(),
        config.recipe.name,
        settings.socket.display()
    );
    tracing::info!("{status}");
    watchdog::ready(&status).context("the service manager")
}

/// A jig that was taken into use, with the engine over it.
struct Taken {
    parts: Parts,
    line: Line,
    setup: Setup,
    /// The simulated jig, for what lives around it.
    simulated: Option<SimulatedJig>,
}

fn take_simulated(
    simulated: Simulated,
    config: &Config,
    commissioned: &Commissioned,
    first_unit: u32,
    clock: Clock,
) -> Taken {
    let simulation = Simulated {
        lanes: u8::try_from(config.lanes.len()).unwrap_or(LaneId::MOST),
        first_unit,
        units: u32::MAX,
        k_in_a_row: config.policy.k_in_a_row,
        shared_within: config.policy.shared_within,
        golden_check: config.policy.golden_check.map(|check| check.rules),
        // Another process must not make the same tokens and device ids again.
        seed: simulated.seed.wrapping_add(u64::from(first_unit)),
        ..simulated
    };
    let Simulation { world, line, setup, .. } =
        simulation.build_commissioned(0, |lane| dimmed(config, commissioned.apply(lane)));
    let jig = SimulatedJig::new(
        world,
        move || clock.now(),
        move |late| clock.sleep_until(clock.now() + late),
    );
    Taken {
        parts: jig.parts(config.lanes.iter().map(|lane| lane.lane)),
        line,
        setup: Setup {
            fixture: config.settings.id.clone(),
            ..setup
        },
        simulated: Some(jig),
    }
}

fn take_raspberry_pi(pi: &RaspberryPi, config: &Config, clock: Clock) -> anyhow::Result<Taken> {
    let lanes: Vec<LaneId> = config.lanes.iter().map(|lane| lane.lane).collect();
    let commissioned = Commissioned::load(pi.calibration.as_ref(), &pi.parts(), clock.now(), wall());
    if let Some(why) = commissioned.missing() {
        tracing::error!("no lane passes a unit: {why}");
    }
    let measured: Vec<Measured> = lanes.iter().map(|lane| commissioned.measured(*lane)).collect();
    let line = LineConfig {
        lanes: lanes
            .iter()
            .map(|lane| dimmed(config, commissioned.apply(commissioning::typical(pi, *lane))))
            .collect(),
        recipe: config.book.as_lit(&config.recipe),
        k_in_a_row: config.policy.k_in_a_row,
        shared_within: config.policy.shared_within,
        lot: String::new(),
        golden_check: config.policy.golden_check.map(|check| check.rules),
    };
    Ok(Taken {
        parts: raspberry_pi::open(pi, &lanes, &measured, move || clock.now())?,
        line: Line::new(line, &config.codes),
        setup: Setup {
            fixture: config.settings.id.clone(),
            software: env!("CARGO_PKG_VERSION").to_owned(),
            recipe: config.recipe.name.clone(),
            recipe_version: config.recipe.version.clone(),
            pass_rule: config.recipe.pass.name().to_owned(),
            simulated: false,
        },
        simulated: None,
    })
}

/// A lane whose lamp gives the share of its light that the configuration says.
fn dimmed(config: &Config, mut lane: EngineLane) -> EngineLane {
    let configured = config.lanes.iter().find(|configured| configured.lane == lane.lane);
    lane.light = configured.map_or(1.0, |configured| configured.light);
    lane
}

/// Claims what light is timed by, and says once what is not to be had. Whether the lamps run without real-time priority.
fn real_time_rights(lamps: usize, claims: &std::sync::mpsc::Receiver<Result<(), String>>) -> bool {
    let told = (0..lamps).map(|_| {
        claims
            .recv_timeout(CLAIMED_WITHIN)
            .unwrap_or_else(|error| Err(format!("a thread did not start: {error}")))
    });
    let refused: Vec<String> = told.filter_map(Result::err).collect();
    if let Some(why) = refused.last() {
        tracing::warn!(
            "the lamps' threads run without real-time priority ({why}): symbols may be late under load; \
             give the service LimitRTPRIO={}",
            real_time::PRIORITY
        );
    }
    if let Err(why) = real_time::keep_memory() {
        tracing::warn!("memory may be paged out ({why}): give the service LimitMEMLOCK=infinity");
    }
    !refused.is_empty()
}

/// The place of the next simulated unit: after the highest serial among the newest runs.
async fn next_unit(ledger: &Path) -> anyhow::Result<u32> {
    let reports = Reports::open(ledger).await?;
    let newest = reports.latest(NEWEST).await?;
    Ok(newest
        .iter()
        .filter_map(|run| run.serial.as_ref()?.as_str().strip_prefix("SIM-")?.parse::<u32>().ok())
        .max()
        .unwrap_or(0))
}

/// The lamps with their last weeks.
async fn lamp_trends(ledger: &Path, line: &Line) -> anyhow::Result<Vec<LampTrend>> {
    let reports = Reports::open(ledger).await?;
    let since = wall().micros - lamp_trend::LOOKS_BACK;
    let mut lamps = Vec::new();
    for (lane, limits) in line.loop_back_limits() {
        let history = reports.lamp_light(lane, since, lamp_trend::SPAN).await?;
        lamps.push(LampTrend::new(lane, limits, &history));
    }
    Ok(lamps)
}

/// A lane's last verdicts, oldest first, by whichever process.
async fn last_verdicts(ledger: &Path, lane: LaneId) -> anyhow::Result<Vec<(RunId, Option<Serial>, VerdictCode)>> {
    let filter = RunFilter {
        lane: Some(lane),
        purpose: Some(Purpose::Production),
        ..RunFilter::default()
    };
    let page = Reports::open(ledger).await?.runs(&filter, LAST_RUNS).await?;
    let ended = page.rows.into_iter().rev();
    Ok(ended
        .filter_map(|row| row.verdict.map(|verdict| (row.run, row.serial, verdict.code)))
        .collect())
}

/// The last act of a kind that was done, by whichever process.
async fn last_act(reports: &Reports, kind: ActKind) -> anyhow::Result<Option<Act>> {
    let filter = AuditFilter {
        kind: Some(kind),
        answer: Some(Answered::Done),
        ..AuditFilter::default()
    };
    let newest = reports.audit(&filter, 1).await?.rows.into_iter().next();
    Ok(newest.map(|row| row.act))
}

/// The lot, the work order, the operator and the language that were named last, by whichever process.
async fn last_batch(ledger: &Path) -> anyhow::Result<Batch> {
    let reports = Reports::open(ledger).await?;
    let mut batch = Batch::default();
    if let Some(Act::Lot { lot }) = last_act(&reports, ActKind::Lot).await? {
        batch.lot = lot;
    }
    if let Some(Act::WorkOrder { work_order }) = last_act(&reports, ActKind::WorkOrder).await? {
        batch.work_order = work_order;
    }
    if let Some(Act::Operator { name }) = last_act(&reports, ActKind::Operator).await? {
        batch.operator = name;
    }
    if let Some(Act::Language { language }) = last_act(&reports, ActKind::Language).await? {
        batch.language = language;
    }
    Ok(batch)
}

/// What people have put out of sight, by whichever process, for a time that is not over.
async fn shelved(ledger: &Path, now: WallTime) -> anyhow::Result<Alarms> {
    let filter = AuditFilter {
        kind: Some(ActKind::Shelve),
        answer: Some(Answered::Done),
        from: Some(now.micros - i64::from(Act::LONGEST_SHELVED) * MINUTE),
        ..AuditFilter::default()
    };
    let page = Reports::open(ledger).await?.audit(&filter, PAGE_LIMIT).await?;
    let mut alarms = Alarms::default();
    for row in page.rows.into_iter().rev() {
        if let (Act::Shelve { part, minutes, .. }, Some(change)) = (row.act, row.change) {
            let until = WallTime {
                micros: row.at.micros + i64::from(minutes) * MINUTE,
                ..row.at
            };
            alarms.shelve(part, change.before, until, row.by);
        }
    }
    Ok(alarms)
}

/// Carries what the socket asks to the clerk and the engine.
async fn answer(
    mut asks: mpsc::Receiver<Ask>,
    jobs: mpsc::Sender<Job>,
    told: mpsc::UnboundedSender<Told>,
) -> anyhow::Result<()> {
    while let Some(ask) = asks.recv().await {
        match ask {
            Ask::Act(request, answer) => jobs
                .send(Job::Act(request, answer))
                .await
                .map_err(|_| anyhow::anyhow!("the ledger's task is gone"))?,
            Ask::Bless(event, answer) => {
                told.send(Told::Input(Input::Bless(event)))
                    .context("the engine's queue")?;
                let _ = answer.send(());
            }
        }
    }
    anyhow::bail!("the socket is gone")
}
