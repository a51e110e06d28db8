//! `selftest`: each part of each lane in turn, and what to check where one fails.

use core::time::Duration;
use std::io::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::mpsc::Receiver;

use blinkup::Level;
use clap::Args;
use fixture_link::identity::{LaneId, Serial};
use tokio_util::sync::CancellationToken;

use super::bench;
use crate::clock::Clock;
use crate::commissioning::bench::{Bench, BenchError, Curves, Seen};
use crate::config::{Jig, RaspberryPi};
use crate::engine::effect::Signal;
use crate::engine::lane::{LaneConfig, Validity};
use crate::engine::sensor::Measures;
use crate::engine::station::UnitPower;
use crate::jig::raspberry_pi::transmitter::News;
use crate::jig::switch::{Contact, Switch, Told};
use crate::jig::{Field, JigError, Label, LabelPrinter, Power, Press, Printed, Scanner, StartButton};

/// Tries each part of each lane in turn, with empty nests, and says what to check where one fails.
#[derive(Debug, Args)]
pub struct Selftest {
    /// The fixture's configuration.
    #[arg(long)]
    config: PathBuf,
    /// One lane only.
    #[arg(long, value_parser = bench::lane)]
    lane: Option<LaneId>,
    /// Asks for hands as well: nest switches are pressed, the start button, something is scanned, a label is printed, each signal is looked
    /// at; so many seconds for each.
    #[arg(long, value_name = "SECONDS", num_args = 0..=1, default_missing_value = "30", value_parser = clap::value_parser!(u64).range(1..=600))]
    hands: Option<u64>,
}

/// How long light is looked at for each question.
const LOOK: Duration = Duration::from_millis(400);
/// Share of the neighbours' lamps above which a baffle leaks.
const LEAK: f32 = 0.03;
/// How long a port is given to be opened, and an imp to say who it is.
const ANSWERS: Duration = Duration::from_millis(500);
const IMP_ANSWERS: Duration = Duration::from_secs(5);
/// How often what a person does is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(10);
/// How long each signal is shown, where somebody looks.
const SHOWN: Duration = Duration::from_secs(2);
/// What mid may be of bright: the code needs three levels that are told apart.
const MID: core::ops::RangeInclusive<f32> = 0.3..=0.75;

/// What was found out about one part.
type Found = Result<String, Wrong>;

/// What is wrong, and what to do.
struct Wrong {
    what: String,
    remedy: String,
}

fn wrong(what: impl Into<String>, remedy: impl Into<String>) -> Wrong {
    Wrong {
        what: what.into(),
        remedy: remedy.into(),
    }
}

/// Runs the command: exit code 0 when every part is good, 1 otherwise.
///
/// # Errors
/// The jig is not to be had, or standard output cannot be written.
pub fn run(arguments: &Selftest) -> anyhow::Result<ExitCode> {
    let (config, mut bench) = bench::open(&arguments.config, Curves::Measured)?;
    let mut tells = Tells {
        out: std::io::stdout().lock(),
        bad: 0,
    };
    if bench.simulated() {
        writeln!(tells.out, "SIMULATED: this jig is a model")?;
    }
    let hands = arguments.hands.map(Duration::from_secs);
    for lane in bench::lanes(&bench, arguments.lane)? {
        let config = bench.lane(lane)?.clone();
        let place = format!("lane {lane}");
        tells.tell(&place, "calibration", calibration(&config))?;
        tells.tell(&place, "nest", nest(&mut bench, lane))?;
        if let Some(within) = hands {
            tells.ask(&format!(
                "lane {lane}: press the nest's switch as a unit would, and let it go"
            ))?;
            tells.tell(&place, "nest switch", closes(&mut bench, lane, within)?)?;
        }
        let dark = bench.look(lane, LOOK)?;
        tells.tell(&place, "sensor", sensor(&dark, &config))?;
        if dark.fault(config.measures).is_none() {
            tells.tell(&place, "ambient", ambient(&dark, &config))?;
            let (bright, found) = lamp(&mut bench, &dark, &config)?;
            tells.tell(&place, "lamp", found)?;
            if let Some(bright) = bright {
                tells.tell(&place, "lamp, mid", mid(&mut bench, &dark, &bright, &config)?)?;
                tells.tell(&place, "lamp, off", off(&mut bench, &dark, &bright, &config)?)?;
                tells.tell(&place, "baffle", baffle(&mut bench, &dark, &bright, &config)?)?;
            }
        }
        tells.tell(&place, "unit power", unit_power(&mut bench, lane, config.unit_power))?;
        tells.tell(&place, "signals", signals(&mut bench, lane, hands)?)?;
    }
    if let Jig::RaspberryPi(pi) = &config.jig {
        of_the_fixture(pi, &mut bench, hands, &mut tells)?;
    }
    Ok(if tells.bad == 0 {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

/// The parts that no lane has for itself.
fn of_the_fixture<O: std::io::Write>(
    pi: &RaspberryPi,
    bench: &mut Bench,
    hands: Option<Duration>,
    tells: &mut Tells<O>,
) -> anyhow::Result<()> {
    const PLACE: &str = "fixture";
    if !pi.scanners.is_empty() {
        if hands.is_some() {
            tells.ask("scan a unit's serial")?;
        }
        let found = scanner(bench.parts.scanner.as_mut(), bench.clock, &bench.stop, hands);
        tells.tell(PLACE, "scanner", found)?;
    }
    if let (Some(_), Some(start)) = (&pi.start, &mut bench.parts.start) {
        if hands.is_some() {
            tells.ask("press the start button")?;
        }
        tells.tell(PLACE, "start", button(start.as_mut(), bench.clock, &bench.stop, hands))?;
    }
    if let Some(printer) = &mut bench.parts.printer {
        tells.tell(PLACE, "printer", prints(printer.as_mut(), hands))?;
    }
    if let Some((_, news)) = &bench.parts.news {
        tells.tell(PLACE, "imp", transmitter(news))?;
    }
    Ok(())
}

/// Where the findings go.
struct Tells<O> {
    out: O,
    bad: u32,
}

impl<O: std::io::Write> Tells<O> {
    fn tell(&mut self, place: &str, part: &str, found: Found) -> std::io::Result<()> {
        match found {
            Ok(what) => writeln!(self.out, "good  {place}  {part:<11} {what}")?,
            Err(Wrong { what, remedy }) => {
                self.bad += 1;
                writeln!(self.out, "BAD   {place}  {part:<11} {what}\n              do: {remedy}")?;
            }
        }
        self.out.flush()
    }

    fn ask(&mut self, what: &str) -> std::io::Result<()> {
        writeln!(self.out, "do    {what}")?;
        self.out.flush()
    }
}

fn calibration(config: &LaneConfig) -> Found {
    match &config.calibration {
        Validity::Lasting => Ok("none is kept".to_owned()),
        Validity::Until(until) => Ok(format!(
            "good for {} more days",
            until.since(blinkup::Tick::ZERO).as_secs() / 86_400
        )),
        Validity::Missing(why) => Err(wrong(why, "`fixture-daemon calibrate --config FILE`")),
    }
}

fn nest(bench: &mut Bench, lane: LaneId) -> Found {
    match bench.parts.nest.occupied(lane) {
        Ok(false) => Ok("empty".to_owned()),
        Ok(true) => Err(wrong(
            "the switch says that a unit is seated",
            "take the unit out; with the nest empty, look for a stuck switch or a short in its cable",
        )),
        Err(error) => Err(wrong(
            error.to_string(),
            "check the switch's pin in the configuration and its plug",
        )),
    }
}

/// A switch that a person closes and opens again.
fn closes(bench: &mut Bench, lane: LaneId, within: Duration) -> Result<Found, BenchError> {
    let clock = bench.clock;
    let mut switch = Switch::new(Contact::Open, clock.now());
    let mut closed = false;
    let end = clock.now() + within;
    while clock.now() < end {
        if bench.stop.is_cancelled() {
            return Err(BenchError::Stopped);
        }
        let seen = bench
            .parts
            .nest
            .edges(lane)
            .and_then(|edges| Ok((edges, bench.parts.nest.occupied(lane)?)));
        let (edges, shows) = match seen {
            Ok(seen) => seen,
            Err(error) => {
                let remedy = "check the switch's pin in the configuration and its plug";
                return Ok(Err(wrong(error.to_string(), remedy)));
            }
        };
        for edge in edges {
            switch.see(edge.at, edge.closed.into());
        }
        let now = clock.now();
        switch.see(now, shows.into());
        match switch.told(now) {
            Some(Told::Turned(Contact::Closed)) => closed = true,
            Some(Told::Turned(Contact::Open)) if closed => return Ok(Ok("closes and opens".to_owned())),
            Some(Told::Bouncing) => {
                let remedy = "its contact is worn or its wire loose: change it";
                return Ok(Err(wrong("turns on and off again and again", remedy)));
            }
            Some(Told::Turned(Contact::Open) | Told::Steady(_)) | None => {}
        }
        clock.sleep_until(now + LOOK_EVERY);
    }
    let seconds = within.as_secs();
    Ok(Err(if closed {
        wrong(
            format!("closed, and did not open again within {seconds} s"),
            "free the switch: it is stuck closed, or its cable is shorted",
        )
    } else {
        wrong(
            format!("did not close within {seconds} s"),
            "bend the switch so that a unit reaches it; check its cable, and `closed` in the configuration",
        )
    }))
}

/// A scanner's port, and what a person scans.
fn scanner(scanner: &mut dyn Scanner, clock: Clock, stop: &CancellationToken, hands: Option<Duration>) -> Found {
    let end = clock.now() + hands.unwrap_or(ANSWERS);
    let mut trouble = None;
    while clock.now() < end && !stop.is_cancelled() {
        match scanner.next() {
            Ok(Some(scan)) => {
                let what = match scan.field {
                    Field::Serial(serial) => format!("read the serial {serial}"),
                    Field::Lot(lot) => format!("read the lot {lot}"),
                    Field::WorkOrder(work_order) => format!("read the work order {work_order}"),
                };
                return Ok(what);
            }
            Ok(None) => trouble = None,
            Err(error) => trouble = Some(error.to_string()),
        }
        clock.sleep_until(clock.now() + LOOK_EVERY);
    }
    match (trouble, hands) {
        (Some(why), _) => Err(wrong(
            why,
            "plug it in; check its port, speed and terminators in the configuration, and the patterns of its fields",
        )),
        (None, Some(within)) => Err(wrong(
            format!("nothing was scanned within {} s", within.as_secs()),
            "look whether it is set to a serial port and not to a keyboard, and whether its beam comes on",
        )),
        (None, None) => Ok("its port is open (`--hands` tries a scan)".to_owned()),
    }
}

/// A start button at rest, and pressed by a person.
fn button(start: &mut dyn StartButton, clock: Clock, stop: &CancellationToken, hands: Option<Duration>) -> Found {
    let remedy = "check the button's pin and `closed` in the configuration, and its cable";
    let failed = |error: JigError| wrong(error.to_string(), remedy);
    match (start.pressed().map_err(failed)?, hands) {
        (Press::Yes, None) => return Err(wrong("is pressed, although nobody presses it", remedy)),
        (Press::Granted, _) => return Ok("the PLC lets units start".to_owned()),
        (Press::No, None) => return Ok("not pressed (`--hands` tries it)".to_owned()),
        (Press::Yes | Press::No, Some(_)) => {}
    }
    let within = hands.unwrap_or_default();
    let end = clock.now() + within;
    let mut switch = Switch::new(Contact::Open, clock.now());
    while clock.now() < end && !stop.is_cancelled() {
        for edge in start.edges().map_err(failed)? {
            switch.see(edge.at, edge.closed.into());
        }
        let now = clock.now();
        switch.see(now, (start.pressed().map_err(failed)? == Press::Yes).into());
        if switch.told(now) == Some(Told::Turned(Contact::Closed)) {
            return Ok("pressed".to_owned());
        }
        clock.sleep_until(now + LOOK_EVERY);
    }
    Err(wrong(format!("was not pressed within {} s", within.as_secs()), remedy))
}

/// A printer that is asked; with hands there, it prints a label that says what it is.
fn prints(printer: &mut dyn LabelPrinter, hands: Option<Duration>) -> Found {
    let remedy = "switch it on, put paper in, close it; check its port and language in the configuration";
    let failed = |error: JigError| wrong(error.to_string(), remedy);
    let told = printer.ready().map_err(failed)?;
    if hands.is_some() {
        let label = Label {
            serial: Serial::new("SELFTEST").ok(),
            device_id: None,
            lot: "selftest".to_owned(),
            work_order: "selftest".to_owned(),
        };
        return match printer.print(&label).map_err(failed)? {
            Printed::Confirmed => Ok("a label is out: look at it".to_owned()),
            Printed::Taken => Ok("took a label and does not tell more: look whether it is out".to_owned()),
        };
    }
    Ok(match told {
        Printed::Confirmed => "ready (`--hands` prints a label)".to_owned(),
        Printed::Taken => "its port is open; it does not tell how it is (`--hands` prints a label)".to_owned(),
    })
}

/// Whether the imp transmitter says who it is.
fn transmitter(news: &Receiver<News>) -> Found {
    let remedy = "check its power and its wires, that it runs the fixture's firmware (hw/imp-transmitter), and the port in the configuration";
    match news.recv_timeout(IMP_ANSWERS) {
        Ok(News::Up { device_id, software }) => Ok(format!("device {device_id}, {software}")),
        Ok(News::Lost(why)) => Err(wrong(why, remedy)),
        Ok(News::Bless(_)) => Ok("sends bless events".to_owned()),
        Err(_) => Err(wrong(format!("says nothing for {} s", IMP_ANSWERS.as_secs()), remedy)),
    }
}

fn sensor(dark: &Seen, config: &LaneConfig) -> Found {
    let remedy = "check the sensor's plug, cable and supply; on I2C, `i2cdetect` and the multiplexer's channel";
    if let Some(fault) = dark.fault(config.measures) {
        return Err(wrong(fault, remedy));
    }
    if config.measures == Measures::Strength && dark.is_full() {
        return Err(wrong(
            "over-range with the lamp dark: a channel is at its end",
            "shade the nest; then lower the gain (`align` shows it live)",
        ));
    }
    Ok(format!("{} of {} samples", dark.samples, dark.wanted))
}

fn ambient(dark: &Seen, config: &LaneConfig) -> Found {
    let [.., clear] = dark.mean;
    if clear > config.ambient_limit {
        return Err(wrong(
            format!(
                "{clear:.0} counts in the empty nest, the limit is {:.0}",
                config.ambient_limit
            ),
            "close the lid, shade the nest, or switch off the light above it",
        ));
    }
    Ok(format!("{clear:.0} counts"))
}

/// The lamp at full light, and what the sensor saw of it where it saw it.
fn lamp(bench: &mut Bench, dark: &Seen, config: &LaneConfig) -> Result<(Option<Seen>, Found), BenchError> {
    let bright = match under(bench, config.lane, Level::FULL)? {
        Ok(bright) => bright,
        Err(found) => return Ok((None, Err(found))),
    };
    let [.., light] = bright.above(dark);
    let full = config.loop_back.full;
    let percent = 100.0 * light / full;
    if light < full * config.loop_back.seen {
        let what = format!("the sensor saw {percent:.0} % of its light");
        let remedy = "check the lamp's plug and driver, and that nothing lies before it; a lamp that is shorted has tripped its fuse";
        return Ok((None, Err(wrong(what, remedy))));
    }
    if config.measures == Measures::LitOrNot {
        return Ok((Some(bright), Ok("lit; its strength is not measured".to_owned())));
    }
    if light < full * config.loop_back.weak && !bright.is_full() {
        let what = format!("weak: {percent:.0} % of what commissioning measured");
        return Ok((
            Some(bright),
            Err(wrong(
                what,
                "clean lamp, light pipe and sensor; aim again with `align --lamp bright`",
            )),
        ));
    }
    let over = if bright.is_full() { ", over-range" } else { "" };
    Ok((Some(bright), Ok(format!("{light:.0} counts, {percent:.0} %{over}"))))
}

fn mid(bench: &mut Bench, dark: &Seen, bright: &Seen, config: &LaneConfig) -> Result<Found, BenchError> {
    let mid = match under(bench, config.lane, Level::new(0.5))? {
        Ok(mid) => mid,
        Err(found) => return Ok(Err(found)),
    };
    let ([.., mid_light], [.., light]) = (mid.above(dark), bright.above(dark));
    let share = mid_light / light.max(1.0);
    Ok(match config.measures {
        Measures::LitOrNot if mid_light > config.loop_back.full / 2.0 => Ok("lit".to_owned()),
        Measures::LitOrNot => Err(wrong(
            "the comparators do not see it",
            "lower their thresholds until mid light is seen (`align --lamp mid`)",
        )),
        Measures::Strength if MID.contains(&share) || bright.is_full() => {
            Ok(format!("{:.0} % of bright", share * 100.0))
        }
        Measures::Strength => Err(wrong(
            format!("{:.0} % of bright", share * 100.0),
            "calibrate the lane; on a resistor ladder, check both lines and their resistors",
        )),
    })
}

fn off(bench: &mut Bench, dark: &Seen, bright: &Seen, config: &LaneConfig) -> Result<Found, BenchError> {
    let after = bench.look(config.lane, LOOK)?;
    let ([.., left], [.., light]) = (after.above(dark), bright.above(dark));
    let share = left / light.max(1.0);
    if share > LEAK.max(0.1) {
        return Ok(Err(wrong(
            format!("{:.0} % of its light is left", share * 100.0),
            "the lamp stays lit: check its driver and its pull-down",
        )));
    }
    Ok(Ok("dark".to_owned()))
}

/// The other lanes' lamps in this lane's sensor.
fn baffle(bench: &mut Bench, dark: &Seen, bright: &Seen, config: &LaneConfig) -> Result<Found, BenchError> {
    let others: Vec<LaneId> = bench
        .lanes
        .iter()
        .map(|other| other.lane)
        .filter(|other| *other != config.lane)
        .collect();
    for other in &others {
        // A lamp that fails is told in its own lane.
        let _ = bench.set_lamp(*other, Level::FULL);
    }
    let seen = bench.look(config.lane, LOOK);
    for other in &others {
        bench.set_lamp(*other, Level::DARK)?;
    }
    let ([.., leaked], [.., light]) = (seen?.above(dark), bright.above(dark));
    let share = leaked / light.max(1.0);
    if share > LEAK {
        return Ok(Err(wrong(
            format!("{:.1} % of the other lamps' light gets in", share * 100.0),
            "check the baffles between the lanes",
        )));
    }
    Ok(Ok(format!("{:.1} % of the other lamps' light gets in", share * 100.0)))
}

/// What the sensor sees under the lamp, which is dark again after; `Err` inside when the lamp's driver failed.
fn under(bench: &mut Bench, lane: LaneId, level: Level) -> Result<Result<Seen, Wrong>, BenchError> {
    if let Err(error) = bench.set_lamp(lane, level) {
        let remedy = "check the lamp's wiring as hw/pins.md has it; on I2C, the expander's address and supply";
        return Ok(Err(wrong(error.to_string(), remedy)));
    }
    let seen = bench.look(lane, LOOK);
    bench.set_lamp(lane, Level::DARK)?;
    seen.map(Ok)
}

fn unit_power(bench: &mut Bench, lane: LaneId, power: UnitPower) -> Found {
    if power == UnitPower::Nest {
        return Ok("by the nest: no relay".to_owned());
    }
    let switched = [Power::Off, Power::On]
        .into_iter()
        .try_for_each(|state| bench.parts.power.set(lane, state));
    switched.map(|()| "off and on".to_owned()).map_err(|error| {
        wrong(
            error.to_string(),
            "check the relay's pin in the configuration and its plug",
        )
    })
}

/// Each signal on its lines; with hands there, each for long enough to be looked at.
fn signals(bench: &mut Bench, lane: LaneId, hands: Option<Duration>) -> Result<Found, BenchError> {
    for signal in [
        Signal::Busy,
        Signal::Pass,
        Signal::Fail,
        Signal::Attention,
        Signal::Ready,
    ] {
        let lines = &mut bench.parts.signals;
        if let Err(error) = lines.show(lane, signal).and_then(|()| lines.settled()) {
            let remedy = "check the signals' pins in the configuration and their plugs";
            return Ok(Err(wrong(error.to_string(), remedy)));
        }
        let end = bench.clock.now() + hands.map_or(Duration::ZERO, |_| SHOWN);
        while bench.clock.now() < end {
            if bench.stop.is_cancelled() {
                return Err(BenchError::Stopped);
            }
            bench.clock.sleep_until(bench.clock.now() + LOOK_EVERY);
        }
    }
    Ok(Ok("busy, pass, fail, attention and ready were on the lines".to_owned()))
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::channel;

    use super::*;
    use crate::jig::Scan;

    fn said(found: Found) -> String {
        match found {
            Ok(what) => format!("good: {what}"),
            Err(Wrong { what, remedy }) => format!("BAD: {what}: {remedy}"),
        }
    }

    const SOON: Option<Duration> = Some(Duration::from_millis(200));

    /// A scanner that says the same at every look.
    struct Says(Result<Option<Scan>, JigError>);

    impl Scanner for Says {
        fn next(&mut self) -> Result<Option<Scan>, JigError> {
            self.0.clone()
        }
    }

    #[test]
    fn a_scanner_is_open_unplugged_silent_or_reads() {
        let looked = |says, hands| {
            said(scanner(
                &mut Says(says),
                Clock::start(),
                &CancellationToken::new(),
                hands,
            ))
        };
        let unplugged = || Err(JigError::Board("scanner: /dev/x: unplugged".to_owned()));
        assert_eq!(
            looked(Ok(None), None),
            "good: its port is open (`--hands` tries a scan)"
        );
        assert!(looked(unplugged(), None).starts_with("BAD: scanner: /dev/x: unplugged: plug it in"));
        assert!(looked(Ok(None), SOON).starts_with("BAD: nothing was scanned within"));
        let scan = Scan {
            lane: None,
            field: Field::Serial(Serial::new("SN-1").unwrap()),
        };
        assert_eq!(looked(Ok(Some(scan)), SOON), "good: read the serial SN-1");
    }

    /// A button that is pressed from its nth look on.
    struct From(u32);

    impl StartButton for From {
        fn pressed(&mut self) -> Result<Press, JigError> {
            self.0 = self.0.saturating_sub(1);
            Ok(if self.0 == 0 { Press::Yes } else { Press::No })
        }
    }

    #[test]
    fn a_button_is_at_rest_stuck_or_pressed_by_a_person() {
        let pressed = |from, hands| {
            said(button(
                &mut From(from),
                Clock::start(),
                &CancellationToken::new(),
                hands,
            ))
        };
        assert_eq!(pressed(u32::MAX, None), "good: not pressed (`--hands` tries it)");
        assert!(pressed(1, None).starts_with("BAD: is pressed, although nobody presses it"));
        assert_eq!(pressed(3, SOON), "good: pressed");
        assert!(pressed(u32::MAX, SOON).starts_with("BAD: was not pressed within"));
    }

    /// A printer with or without paper.
    struct Paper(Result<Printed, JigError>);

    impl LabelPrinter for Paper {
        fn print(&mut self, label: &Label) -> Result<Printed, JigError> {
            assert_eq!(label.serial.as_ref().map(Serial::as_str), Some("SELFTEST"));
            self.0.clone()
        }

        fn ready(&mut self) -> Result<Printed, JigError> {
            self.0.clone()
        }
    }

    #[test]
    fn a_printer_without_paper_is_told_and_one_with_paper_prints_only_where_hands_are() {
        let out = Err(JigError::Board("label printer x: paper out".to_owned()));
        assert!(said(prints(&mut Paper(out), None)).starts_with("BAD: label printer x: paper out: switch it on"));
        let confirmed = || Paper(Ok(Printed::Confirmed));
        assert_eq!(
            said(prints(&mut confirmed(), None)),
            "good: ready (`--hands` prints a label)"
        );
        assert_eq!(said(prints(&mut confirmed(), SOON)), "good: a label is out: look at it");
    }

    #[test]
    fn an_imp_says_who_it_is_or_why_not() {
        let heard = |news| {
            let (told, heard) = channel();
            told.send(news).unwrap();
            said(transmitter(&heard))
        };
        let up = News::Up {
            device_id: "2000000000000001".to_owned(),
            software: "1".to_owned(),
        };
        assert_eq!(heard(up), "good: device 2000000000000001, 1");
        assert!(
            heard(News::Lost("/dev/serial0: unplugged".to_owned()))
                .starts_with("BAD: /dev/serial0: unplugged: check its power")
        );
    }
}
