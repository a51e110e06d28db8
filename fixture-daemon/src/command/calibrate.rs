//! `calibrate`: commissioning, guided on the terminal.

use core::time::Duration;
use std::io::{BufRead, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context as _, bail, ensure};
use blinkup::Level;
use blinkup::codes::Colour;
use clap::Args;
use fixture_link::identity::LaneId;

use super::bench;
use crate::clock::wall;
use crate::commissioning::bench::{Bench, Curves, Range, Seen};
use crate::commissioning::{Calibration, CalibrationError, LaneCalibration};
use crate::config::{CalibrationFile, Config, Jig};
use crate::engine::sensor::Measures;
use crate::jig::raspberry_pi::lamp::curve::Curve;

/// Measures lamp, sensor and LED of each lane, step by step, and writes a dated, signed-off calibration.
#[derive(Debug, Args)]
pub struct Calibrate {
    /// The fixture's configuration.
    #[arg(long)]
    config: PathBuf,
    /// One lane only; the others keep what was measured of them.
    #[arg(long, value_parser = bench::lane)]
    lane: Option<LaneId>,
}

/// How long light is looked at for each figure: flicker of 100 and 120 Hz averages out.
const LOOK: Duration = Duration::from_millis(500);
/// Duties at which a lamp that can be dimmed is measured, besides full.
const DUTIES: [f32; 3] = [0.25, 0.5, 0.75];

/// Runs the command.
///
/// # Errors
/// The jig is not to be had, something cannot be measured, or the file cannot be written.
pub fn run(arguments: &Calibrate) -> anyhow::Result<ExitCode> {
    let (config, mut bench) = bench::open(&arguments.config, Curves::Raw)?;
    let file = file_of(&config)?;
    let lanes = bench::lanes(&bench, arguments.lane)?;
    let mut talk = Talk {
        heard: std::io::stdin().lock(),
        said: std::io::stdout().lock(),
    };
    if bench.simulated() {
        talk.say("SIMULATED: this jig is a model, and puts reference units into its nests by itself.")?;
    }
    let mut measured = Vec::new();
    for lane in lanes {
        measured.push(calibrate(&mut bench, lane, &mut talk)?);
    }
    let by = talk.ask("Everything above is as it should be. Signed off by (name):")?;
    ensure!(!by.is_empty(), "not signed off: nothing was written");
    let at = jiff::Timestamp::from_microsecond(wall().micros).context("the clock")?;
    let newer = Calibration {
        at,
        by,
        jig: bench.light_path.clone(),
        lanes: measured,
    };
    // One lane measured again does not make the others' calibration younger.
    let whole = match (arguments.lane, Calibration::load(&file.file)) {
        (Some(_), Ok(older)) if older.jig == newer.jig => {
            let at = older.at;
            let merged = older.with(newer);
            Calibration { at, ..merged }
        }
        (Some(_) | None, Ok(_) | Err(CalibrationError::Missing(_))) => newer,
        (None, Err(_)) => newer,
        (Some(_), Err(error)) => return Err(error.into()),
    };
    whole.save(&file.file)?;
    talk.say(&format!(
        "{}: {} lanes, good for {} days from {:.10}",
        file.file.display(),
        whole.lanes.len(),
        file.lasts.as_secs() / 86_400,
        whole.at.to_string()
    ))?;
    Ok(ExitCode::SUCCESS)
}

fn file_of(config: &Config) -> anyhow::Result<&CalibrationFile> {
    match &config.jig {
        Jig::Simulated { calibration, .. } => calibration.as_ref(),
        Jig::RaspberryPi(pi) => pi.calibration.as_ref(),
    }
    .context("the configuration names no calibration: set calibration = \"FILE\" in the jig's section")
}

/// A person at a terminal.
struct Talk<I, O> {
    heard: I,
    said: O,
}

impl<I: BufRead, O: Write> Talk<I, O> {
    fn say(&mut self, what: &str) -> anyhow::Result<()> {
        writeln!(self.said, "{what}")?;
        Ok(())
    }

    fn ask(&mut self, what: &str) -> anyhow::Result<String> {
        write!(self.said, "{what} ")?;
        self.said.flush()?;
        let mut answer = String::new();
        let read = self.heard.read_line(&mut answer)?;
        ensure!(read > 0, "nobody answers: nothing was written");
        Ok(answer.trim().to_owned())
    }

    fn wait(&mut self, what: &str) -> anyhow::Result<()> {
        self.ask(&format!("{what} Then press Enter.")).map(drop)
    }
}

fn calibrate<I: BufRead, O: Write>(
    bench: &mut Bench,
    lane: LaneId,
    talk: &mut Talk<I, O>,
) -> anyhow::Result<LaneCalibration> {
    let measures = bench.lane(lane)?.measures;
    let ambient_limit = bench.lane(lane)?.ambient_limit;
    bench.place_reference(lane, Colour::Off);
    talk.wait(&format!("Lane {lane}: empty the nest and close its lid."))?;
    bench.set_lamp(lane, Level::DARK)?;
    let dark = looked(bench, lane, measures)?;
    let [.., clear] = dark.mean;
    ensure!(
        clear <= ambient_limit && !dark.is_full(),
        "lane {lane}: {clear:.0} counts in the empty nest, the limit is {ambient_limit:.0}: shade it, or lower the gain"
    );
    talk.say(&format!("  empty nest: {clear:.0} counts (clear)"))?;

    let (lamp, curve) = lamp(bench, lane, &dark, measures, talk)?;

    talk.wait(&format!("Lane {lane}: put the reference unit in, its LED red."))?;
    bench.place_reference(lane, Colour::Red);
    let red = die(bench, lane, &dark, measures, [0, 1])?;
    talk.wait(&format!("Lane {lane}: now its LED green."))?;
    bench.place_reference(lane, Colour::Green);
    let green = die(bench, lane, &dark, measures, [1, 0])?;
    bench.place_reference(lane, Colour::Off);
    if let (Some((_, red)), Some((_, green))) = (red, green) {
        talk.say(&format!("  LED: red die {red:.0} counts, green die {green:.0}"))?;
    } else {
        talk.say("  LED: both comparators tell its dice apart; strength is not measured")?;
    }
    let sensor = talk.ask(&format!("Lane {lane}: serial or label on its sensor:"))?;
    ensure!(
        !sensor.is_empty(),
        "lane {lane}: a calibration belongs to one sensor: its serial or label is needed"
    );
    Ok(LaneCalibration {
        lane,
        sensor,
        ambient: dark.mean,
        lamp,
        curve,
        red: red.map(|(shape, _)| shape),
        green: green.map(|(shape, _)| shape),
        strength: red.zip(green).map(|((_, red), (_, green))| [red, green]),
    })
}

/// Full light above dark, and the curve of a lamp that can be dimmed.
fn lamp<I: BufRead, O: Write>(
    bench: &mut Bench,
    lane: LaneId,
    dark: &Seen,
    measures: Measures,
    talk: &mut Talk<I, O>,
) -> anyhow::Result<(Option<f32>, Vec<[f32; 2]>)> {
    let mut under = |duty: f32| -> anyhow::Result<Seen> {
        bench.set_lamp(lane, Level::new(duty))?;
        let seen = looked(bench, lane, measures);
        bench.set_lamp(lane, Level::DARK)?;
        seen
    };
    let full = under(1.0)?;
    if measures == Measures::LitOrNot {
        for (name, seen) in [("bright", full), ("mid", under(0.5)?)] {
            ensure!(
                seen.range(dark, measures) == Range::Within,
                "lane {lane}: the comparators do not see the lamp's {name} light: lower their thresholds"
            );
        }
        talk.say("  lamp: mid and bright are seen; strength is not measured")?;
        return Ok((None, Vec::new()));
    }
    let [.., light] = full.above(dark);
    match full.range(dark, measures) {
        Range::Within => {}
        range @ (Range::Under | Range::Over) => bail!("lane {lane}: the lamp at full light is {}", range.words()),
    }
    talk.say(&format!("  lamp: {light:.0} counts at full light"))?;
    let mut points = Vec::new();
    for duty in DUTIES {
        let [.., at] = under(duty)?.above(dark);
        points.push((duty, at / light));
    }
    if !bench.adjustable {
        return Ok((Some(light), Vec::new()));
    }
    ensure!(
        Curve::new(&points).is_ok(),
        "lane {lane}: the lamp's light does not rise with its duty ({points:?}): check its driver"
    );
    Ok((
        Some(light),
        points.into_iter().map(|(duty, light)| [duty, light]).collect(),
    ))
}

/// A die's shape, by its strongest colour channel, and its counts there; `lit` is which comparators must see it.
fn die(
    bench: &mut Bench,
    lane: LaneId,
    dark: &Seen,
    measures: Measures,
    order: [usize; 2],
) -> anyhow::Result<Option<([f32; 4], f32)>> {
    let seen = looked(bench, lane, measures)?;
    let light = seen.above(dark);
    let [own, other] = order.map(|channel| light.get(channel).copied().unwrap_or_default());
    match seen.range(dark, measures) {
        Range::Within => {}
        range @ (Range::Under | Range::Over) => bail!("lane {lane}: the LED is {}", range.words()),
    }
    ensure!(
        own > other,
        "lane {lane}: the {} channel sees less of it than the other one: is the LED the right colour, are the filters swapped?",
        if order == [0, 1] { "red" } else { "green" }
    );
    if measures == Measures::LitOrNot {
        ensure!(
            other < own / 2.0,
            "lane {lane}: both comparators see one die: raise the threshold of the other one"
        );
        return Ok(None);
    }
    let [red, green, blue, _] = light;
    let strongest = red.max(green).max(blue);
    Ok(Some((light.map(|channel| channel / strongest), strongest)))
}

/// What a sensor sees, where it works.
fn looked(bench: &mut Bench, lane: LaneId, measures: Measures) -> anyhow::Result<Seen> {
    let seen = bench.look(lane, LOOK)?;
    if let Some(fault) = seen.fault(measures) {
        bail!("lane {lane}: status sensor: {fault}: `selftest` says what to check");
    }
    Ok(seen)
}
