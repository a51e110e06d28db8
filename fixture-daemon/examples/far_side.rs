//! The other side of the pins, for emulated boards: model units under the lamps' lines and beside the comparators' lines, in the nests a
//! model operator.
//!
//! `far_side CONFIG LINES`: the daemon's own configuration says which line is what; LINES is the folder of a simulated GPIO chip
//! (Linux, Documentation/admin-guide/gpio/gpio-sim.rst): `sim_gpioN/value` is what the daemon drives, `sim_gpioN/pull` what it reads.
//! The operator reads the daemon's screen over its socket. Ends when every unit was run and lifted.

use core::time::Duration;
use std::collections::BTreeSet;
use std::fs::File;
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, channel};

use anyhow::Context as _;
use blinkup::codes::Colour;
use blinkup::{Level, Tick};
use fixture_daemon::clock::Clock;
use fixture_daemon::config::{Active, Config, Jig, LampParts, SensorParts};
use fixture_daemon::drivers::virtual_time::Simulated;
use fixture_daemon::jig::simulated::World;
use fixture_link::client::Client;
use fixture_link::identity::{LaneId, RunId};
use fixture_link::snapshot::{LaneState, Snapshot};
use futures_util::StreamExt as _;

/// How often the lines are looked at: a twenty-fifth of the symbols here.
const LOOK_EVERY: Duration = Duration::from_millis(2);

/// How often a line is pulled anew although nothing changed: a daemon that takes the line sets a bias of its own.
const PULL_EVERY: Duration = Duration::from_millis(100);

/// Units that are run on each lane.
const UNITS_A_LANE: u32 = 1;

/// How long the whole may take.
const AT_MOST: Duration = Duration::from_mins(20);

fn main() -> anyhow::Result<()> {
    let mut arguments = std::env::args_os().skip(1).map(PathBuf::from);
    let (Some(config), Some(lines), None) = (arguments.next(), arguments.next(), arguments.next()) else {
        anyhow::bail!("expected a configuration and the folder of a simulated chip");
    };
    let config = Config::load(&config)?;
    let (snapshots, shown) = channel();
    let client = Client::new(&config.settings.socket);
    // The screen is read beside the pins; the process ends with them.
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        runtime.block_on(async {
            loop {
                let mut events = core::pin::pin!(client.events());
                // An error: the daemon is not there yet, or no longer.
                while let Some(Ok(snapshot)) = events.next().await {
                    snapshots.send(snapshot)?;
                }
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
            #[expect(unreachable_code, reason = "says what the block's errors are")]
            anyhow::Ok(())
        })
    });
    FarSide::new(&config, &lines)?.live(&shown)
}

/// One line of the chip, and the voltage at which it says yes.
struct Line {
    file: File,
    active: Active,
    said: Option<(bool, Tick)>,
}

impl Line {
    /// A line that the daemon drives.
    fn driven(lines: &Path, pin: u8, active: Active) -> anyhow::Result<Self> {
        Self::open(
            lines.join(format!("sim_gpio{pin}/value")),
            active,
            File::options().read(true),
        )
    }

    /// A line that the daemon reads.
    fn pulled(lines: &Path, pin: u8, active: Active) -> anyhow::Result<Self> {
        let options = File::options().read(true).write(true).clone();
        Self::open(lines.join(format!("sim_gpio{pin}/pull")), active, &options)
    }

    fn open(path: PathBuf, active: Active, options: &std::fs::OpenOptions) -> anyhow::Result<Self> {
        let file = options.open(&path).with_context(|| path.display().to_string())?;
        Ok(Self {
            file,
            active,
            said: None,
        })
    }

    fn says(&self) -> anyhow::Result<bool> {
        let mut value = [0; 1];
        self.file.read_at(&mut value, 0).context("a line")?;
        Ok((value == *b"1") == (self.active == Active::High))
    }

    fn say(&mut self, now: Tick, yes: bool) -> anyhow::Result<()> {
        if self
            .said
            .is_some_and(|(said, at)| said == yes && now.since(at) < PULL_EVERY)
        {
            return Ok(());
        }
        let pull = if yes == (self.active == Active::High) {
            "pull-up"
        } else {
            "pull-down"
        };
        self.file.write_all_at(pull.as_bytes(), 0).context("a line")?;
        self.said = Some((yes, now));
        Ok(())
    }
}

/// One lane's lines.
struct Lane {
    lane: LaneId,
    mid: Line,
    rest: Line,
    red: Line,
    green: Line,
    nest: Line,
    light: Level,
}

/// Units, operator, and the lines between them and the daemon.
struct FarSide {
    clock: Clock,
    world: World,
    lanes: Vec<Lane>,
    mid_share: f32,
    told: BTreeSet<RunId>,
    changes: u64,
}

impl FarSide {
    fn new(config: &Config, lines: &Path) -> anyhow::Result<Self> {
        let Jig::RaspberryPi(pi) = &config.jig else {
            anyhow::bail!("expected [jig.raspberry_pi]");
        };
        let (LampParts::Ladder(lamp), SensorParts::Comparators(sensor)) = (&pi.lamp, &pi.sensor) else {
            anyhow::bail!("expected ladders and comparators: simulated lines are high or low, and nothing between");
        };
        let wired = config.lanes.iter().zip(&lamp.pins).zip(&sensor.pins).zip(&pi.nest.pins);
        let lanes = wired
            .map(|(((lane, [mid, rest]), [red, green]), nest)| {
                Ok(Lane {
                    lane: lane.lane,
                    mid: Line::driven(lines, *mid, lamp.lit)?,
                    rest: Line::driven(lines, *rest, lamp.lit)?,
                    red: Line::pulled(lines, *red, sensor.lit)?,
                    green: Line::pulled(lines, *green, sensor.lit)?,
                    nest: Line::pulled(lines, *nest, pi.nest.closed)?,
                    light: Level::DARK,
                })
            })
            .collect::<anyhow::Result<Vec<Lane>>>()?;
        let count = u8::try_from(lanes.len())?;
        let simulation = Simulated {
            lanes: count,
            units: UNITS_A_LANE * u32::from(count),
            ..Simulated::new(1, config.recipe.clone())
        };
        Ok(Self {
            clock: Clock::start(),
            world: simulation.build(0).world,
            lanes,
            mid_share: lamp.mid_share,
            told: BTreeSet::new(),
            changes: 0,
        })
    }

    #[expect(clippy::print_stdout, reason = "a program for a console")]
    fn live(mut self, shown: &Receiver<Snapshot>) -> anyhow::Result<()> {
        let mut due = self.clock.now();
        while !self.world.is_done() {
            let now = self.clock.now();
            anyhow::ensure!(now < Tick::ZERO + AT_MOST, "not done after {} s", AT_MOST.as_secs());
            for snapshot in shown.try_iter() {
                self.read_screen(now, &snapshot);
            }
            self.world.advance(now);
            self.look(now)?;
            due = (due + LOOK_EVERY).max(self.clock.now() - LOOK_EVERY);
            self.clock.sleep_until(due);
        }
        println!(
            "{} runs, {} changes of light, {} s at the line",
            self.told.len(),
            self.changes,
            self.clock.now().since(Tick::ZERO).as_secs()
        );
        Ok(())
    }

    /// Carries light from the lines to the units, and from the units to the lines.
    fn look(&mut self, now: Tick) -> anyhow::Result<()> {
        for lane in &mut self.lanes {
            let light = match (lane.mid.says()?, lane.rest.says()?) {
                (false, false) => Level::DARK,
                (true, false) => Level::new(self.mid_share),
                // For an instant, between the writes of two lines.
                (false, true) => Level::new(1.0 - self.mid_share),
                (true, true) => Level::FULL,
            };
            if light != lane.light {
                lane.light = light;
                self.changes += 1;
                self.world.set_lamp(now, lane.lane, light)?;
            }
            // A photodiode sees its colour of the LED, and the white lamp beside it.
            let (colour, lamp) = (self.world.led(lane.lane), light != Level::DARK);
            lane.red
                .say(now, lamp || matches!(colour, Colour::Red | Colour::Amber))?;
            lane.green
                .say(now, lamp || matches!(colour, Colour::Green | Colour::Amber))?;
            lane.nest.say(now, self.world.occupied(now, lane.lane))?;
        }
        Ok(())
    }

    /// What the operator reads, and then does.
    fn read_screen(&mut self, now: Tick, snapshot: &Snapshot) {
        for lane in &snapshot.lanes {
            if let (Some(run), LaneState::Verdict { code, .. }) = (lane.run, &lane.state)
                && self.told.insert(run)
            {
                self.world.verdict(now, lane.lane, *code);
            }
            self.world.show_lane(now, lane.lane, &lane.state);
        }
        self.world.show_line(now, snapshot.line.stopped.as_ref());
    }
}
