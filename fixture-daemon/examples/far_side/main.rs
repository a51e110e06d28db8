//! The other side of the pins, for emulated boards: model units under the lamps' lines and beside the comparators' lines, in the nests a
//! model operator.
//!
//! The daemon's own configuration says which line is what. The operator reads the daemon's screen over its socket. Says `ready` once every
//! line that the daemon reads is driven, and ends when every unit was run and lifted.

mod header;

use core::time::Duration;
use std::collections::BTreeSet;
use std::io::Write as _;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, channel};

use anyhow::Context as _;
use blinkup::codes::Colour;
use blinkup::packet::{Password, Wifi};
use blinkup::{Level, Tick};
use clap::Parser;
use fixture_daemon::clock::Clock;
use fixture_daemon::config::{Active, Config, Jig, LampParts, SensorParts};
use fixture_daemon::drivers::virtual_time::Simulated;
use fixture_daemon::jig::simulated::World;
use fixture_daemon::jig::{Field, Scan};
use fixture_link::client::Client;
use fixture_link::identity::{LaneId, RunId};
use fixture_link::snapshot::{LaneState, Snapshot};
use futures_util::StreamExt as _;

use header::{GpioSim, Header, Qtest};

/// How often the lines are looked at: at least ten times a symbol.
const LOOK_EVERY: Duration = Duration::from_millis(2);

/// How often a line is driven anew although nothing changed: a daemon that takes the line sets a bias of its own.
const DRIVE_EVERY: Duration = Duration::from_millis(100);

#[derive(Debug, Parser)]
struct Arguments {
    /// The daemon's configuration.
    config: PathBuf,
    /// The folder of a simulated chip's lines, in this kernel.
    #[arg(long, required_unless_present = "qtest", conflicts_with = "qtest")]
    gpio_sim: Option<PathBuf>,
    /// The test socket of a Raspberry Pi 3 in QEMU.
    #[arg(long)]
    qtest: Option<PathBuf>,
    /// The daemon's socket, where it is not the one that the configuration names.
    #[arg(long)]
    socket: Option<PathBuf>,
    /// The socket behind the serial port of a scanner: each unit is scanned before it is seated.
    #[arg(long)]
    scanner: Option<PathBuf>,
    /// Units that the operator brings.
    #[arg(long)]
    units: u32,
    /// The place of the first one among all units ever made.
    #[arg(long, default_value_t = 0)]
    first_unit: u32,
    /// The password of the network on the air; the recipe's own, where none is given.
    #[arg(long)]
    on_the_air: Option<String>,
    /// How many seconds the whole may take.
    #[arg(long, default_value_t = 600)]
    at_most: u64,
}

fn main() -> anyhow::Result<()> {
    let arguments = Arguments::parse();
    let config = Config::load(&arguments.config)?;
    let (snapshots, shown) = channel();
    let client = Client::new(arguments.socket.as_ref().unwrap_or(&config.settings.socket));
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
    FarSide::new(&arguments, &config)?.live(&shown, Duration::from_secs(arguments.at_most))
}

/// A scanner's serial port from outside. The first byte on a line that was just opened is garbage, on a real one as well: an empty line ends it.
fn scanner(socket: &Path) -> anyhow::Result<UnixStream> {
    let mut port = UnixStream::connect(socket).with_context(|| socket.display().to_string())?;
    port.write_all(b"\r").context("the scanner's port")?;
    Ok(port)
}

/// A line that the daemon reads, and the voltage at which it says yes.
struct Line {
    pin: u8,
    active: Active,
    said: Option<(bool, Tick)>,
}

impl Line {
    fn new(pin: u8, active: Active) -> Self {
        let said = None;
        Self { pin, active, said }
    }

    fn say(&mut self, header: &mut dyn Header, now: Tick, yes: bool) -> anyhow::Result<()> {
        let lately = |(said, at): (bool, Tick)| said == yes && now.since(at) < DRIVE_EVERY;
        if self.said.is_some_and(lately) {
            return Ok(());
        }
        header.drive(self.pin, yes == (self.active == Active::High))?;
        self.said = Some((yes, now));
        Ok(())
    }
}

/// One lane's lines.
struct Lane {
    id: LaneId,
    lamp: [u8; 2],
    red: Line,
    green: Line,
    nest: Line,
    light: Level,
    /// The settings that the unit in the nest took out of the light have been told.
    told: bool,
}

/// Units, operator, and the lines between them and the daemon.
struct FarSide {
    clock: Clock,
    world: World,
    header: Box<dyn Header>,
    lanes: Vec<Lane>,
    scanner: Option<UnixStream>,
    lit: Active,
    mid_share: f32,
    sent: BTreeSet<RunId>,
    judged: BTreeSet<RunId>,
    changes: u64,
}

impl FarSide {
    fn new(arguments: &Arguments, config: &Config) -> anyhow::Result<Self> {
        let Jig::RaspberryPi(pi) = &config.jig else {
            anyhow::bail!("expected [jig.raspberry_pi]");
        };
        let (LampParts::Ladder(lamp), SensorParts::Comparators(sensor)) = (&pi.lamp, &pi.sensor) else {
            anyhow::bail!("expected ladders and comparators: emulated lines are high or low, and nothing between");
        };
        let driven: Vec<u8> = lamp.pins.iter().flatten().copied().collect();
        let header: Box<dyn Header> = match (&arguments.gpio_sim, &arguments.qtest) {
            (Some(folder), _) => Box::new(GpioSim::open(folder, &driven)?),
            (None, Some(socket)) => Box::new(Qtest::open(socket)?),
            (None, None) => anyhow::bail!("expected --gpio-sim or --qtest"),
        };
        let wired = config.lanes.iter().zip(&lamp.pins).zip(&sensor.pins).zip(&pi.nest.pins);
        let lanes = wired
            .map(|(((lane, lamp), [red, green]), nest)| Lane {
                id: lane.lane,
                lamp: *lamp,
                red: Line::new(*red, sensor.lit),
                green: Line::new(*green, sensor.lit),
                nest: Line::new(*nest, pi.nest.closed),
                light: Level::DARK,
                told: false,
            })
            .collect::<Vec<Lane>>();
        let mut simulation = Simulated {
            lanes: u8::try_from(lanes.len())?,
            units: arguments.units,
            first_unit: arguments.first_unit,
            ..Simulated::new(1, config.recipe.clone())
        };
        if let Some(password) = &arguments.on_the_air {
            let sent = config.recipe.wifi.as_ref().context("a recipe without a network")?;
            simulation.network = Some(Wifi {
                ssid: sent.ssid.clone(),
                password: Password::new(password)?,
            });
        }
        Ok(Self {
            clock: Clock::start(),
            world: simulation.world(),
            header,
            lanes,
            scanner: arguments.scanner.as_deref().map(scanner).transpose()?,
            lit: lamp.lit,
            mid_share: lamp.mid_share,
            sent: BTreeSet::new(),
            judged: BTreeSet::new(),
            changes: 0,
        })
    }

    #[expect(clippy::print_stdout, reason = "a program for a console")]
    fn live(mut self, shown: &Receiver<Snapshot>, at_most: Duration) -> anyhow::Result<()> {
        let start = self.header.now()?;
        self.look(start)?;
        println!("ready");
        let mut due = self.clock.now();
        let mut now = start;
        while !self.world.is_done() {
            anyhow::ensure!(due < Tick::ZERO + at_most, "not done after {} s", at_most.as_secs());
            now = self.header.now()?;
            for snapshot in shown.try_iter() {
                self.read_screen(now, &snapshot);
            }
            self.world.advance(now);
            self.scan(now)?;
            self.look(now)?;
            due = (due + LOOK_EVERY).max(self.clock.now() - LOOK_EVERY);
            self.clock.sleep_until(due);
        }
        println!(
            "{} runs, {} changes of light, {} s at the line",
            self.judged.len(),
            self.changes,
            now.since(start).as_secs()
        );
        Ok(())
    }

    /// What the operator holds before the scanner comes out of it as a line.
    fn scan(&mut self, now: Tick) -> anyhow::Result<()> {
        while let Some(Scan { field, .. }) = self.world.next_scan(now) {
            if let (Some(port), Field::Serial(serial)) = (&mut self.scanner, field) {
                write!(port, "{}\r", serial.as_str()).context("the scanner's port")?;
            }
        }
        Ok(())
    }

    /// Carries light from the lines to the units, and from the units to the lines.
    #[expect(clippy::print_stdout, reason = "a program for a console")]
    fn look(&mut self, now: Tick) -> anyhow::Result<()> {
        let levels = self.header.levels()?;
        let lit = |pin: u8| (levels >> pin & 1 == 1) == (self.lit == Active::High);
        for lane in &mut self.lanes {
            let light = match lane.lamp.map(lit) {
                [false, false] => Level::DARK,
                [true, false] => Level::new(self.mid_share),
                // For an instant, between the writes of two lines.
                [false, true] => Level::new(1.0 - self.mid_share),
                [true, true] => Level::FULL,
            };
            if light != lane.light {
                lane.light = light;
                self.changes += 1;
                self.world.set_lamp(now, lane.id, light)?;
            }
            let header = self.header.as_mut();
            // A photodiode sees its colour of the LED, and the white lamp beside it.
            let (colour, lamp) = (self.world.led(lane.id), light != Level::DARK);
            let red = lamp || matches!(colour, Colour::Red | Colour::Amber);
            let green = lamp || matches!(colour, Colour::Green | Colour::Amber);
            lane.red.say(header, now, red)?;
            lane.green.say(header, now, green)?;
            lane.nest.say(header, now, self.world.occupied(now, lane.id))?;
            match self.world.settings(lane.id).and_then(|settings| settings.wifi.as_ref()) {
                // The password of an exercise: it is what the run is held to.
                Some(wifi) if !lane.told => println!(
                    "lane {}: the unit decoded {:?}, {:?}",
                    lane.id.number(),
                    wifi.ssid.as_str(),
                    wifi.password.as_str()
                ),
                Some(_) | None => {}
            }
            lane.told = self.world.settings(lane.id).is_some();
        }
        Ok(())
    }

    /// What the operator reads, and then does.
    #[expect(clippy::print_stdout, reason = "a program for a console")]
    fn read_screen(&mut self, now: Tick, snapshot: &Snapshot) {
        for lane in &snapshot.lanes {
            if let (Some(run), LaneState::Verdict { code, .. }) = (lane.run, &lane.state)
                && self.judged.insert(run)
            {
                self.world.verdict(now, lane.lane, *code);
            }
            if let (Some(run), LaneState::Sending { rate, .. }) = (lane.run, &lane.state)
                && self.sent.insert(run)
            {
                println!(
                    "lane {}: the screen says that {rate} symbols a second are sent",
                    lane.lane.number()
                );
            }
            self.world.show_lane(now, lane.lane, &lane.state);
        }
        self.world.show_line(now, snapshot.line.stopped.as_ref());
    }
}
