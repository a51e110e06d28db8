//! `selftest`: each part of each lane in turn, and what to check where one fails.

use core::time::Duration;
use std::io::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;

use blinkup::Level;
use clap::Args;
use fixture_link::identity::LaneId;

use super::bench;
use crate::commissioning::bench::{Bench, BenchError, Curves, Seen};
use crate::engine::effect::Signal;
use crate::engine::lane::{LaneConfig, Validity};
use crate::engine::sensor::Measures;
use crate::engine::station::UnitPower;
use crate::jig::Power;

/// Tries each part of each lane in turn, with empty nests, and says what to check where one fails.
#[derive(Debug, Args)]
pub struct Selftest {
    /// The fixture's configuration.
    #[arg(long)]
    config: PathBuf,
    /// One lane only.
    #[arg(long, value_parser = bench::lane)]
    lane: Option<LaneId>,
}

/// How long light is looked at for each question.
const LOOK: Duration = Duration::from_millis(400);
/// Share of the neighbours' lamps above which a baffle leaks.
const LEAK: f32 = 0.03;
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
    let (_, mut bench) = bench::open(&arguments.config, Curves::Measured)?;
    let mut out = std::io::stdout().lock();
    let mut bad = 0;
    if bench.simulated() {
        writeln!(out, "SIMULATED: this jig is a model")?;
    }
    let mut tell = |lane: LaneId, part: &str, found: Found| -> std::io::Result<()> {
        match found {
            Ok(what) => writeln!(out, "good  lane {lane}  {part:<11} {what}")?,
            Err(Wrong { what, remedy }) => {
                bad += 1;
                writeln!(out, "BAD   lane {lane}  {part:<11} {what}\n              do: {remedy}")?;
            }
        }
        out.flush()
    };
    for lane in bench::lanes(&bench, arguments.lane)? {
        let config = bench.lane(lane)?.clone();
        tell(lane, "calibration", calibration(&config))?;
        tell(lane, "nest", nest(&mut bench, lane))?;
        let dark = bench.look(lane, LOOK)?;
        tell(lane, "sensor", sensor(&dark, &config))?;
        if dark.fault(config.measures).is_none() {
            tell(lane, "ambient", ambient(&dark, &config))?;
            let (bright, found) = lamp(&mut bench, &dark, &config)?;
            tell(lane, "lamp", found)?;
            if let Some(bright) = bright {
                tell(lane, "lamp, mid", mid(&mut bench, &dark, &bright, &config)?)?;
                tell(lane, "lamp, off", off(&mut bench, &dark, &bright, &config)?)?;
                tell(lane, "baffle", baffle(&mut bench, &dark, &bright, &config)?)?;
            }
        }
        tell(lane, "unit power", unit_power(&mut bench, lane, config.unit_power))?;
        tell(lane, "signals", signals(&mut bench, lane))?;
    }
    Ok(if bad == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
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

fn signals(bench: &mut Bench, lane: LaneId) -> Found {
    let shown = [Signal::Attention, Signal::Ready]
        .into_iter()
        .try_for_each(|signal| bench.parts.signals.show(lane, signal));
    shown.map(|()| "shown".to_owned()).map_err(|error| {
        wrong(
            error.to_string(),
            "check the signals' pins in the configuration and their plugs",
        )
    })
}
