//! `calibrate`: commissioning, guided on the terminal and the fixture's screen.

use core::time::Duration;
use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context as _, bail, ensure};
use blinkup::Level;
use blinkup::codes::Colour;
use clap::Args;
use fixture_link::identity::LaneId;
use fixture_link::snapshot::Figure;

use super::bench;
use super::guide::Guide;
use crate::clock::wall;
use crate::commissioning::bench::{Bench, Curves, Range, Seen};
use crate::commissioning::{Calibration, CalibrationError, LaneCalibration};
use crate::config::{CalibrationFile, Config, Jig};
use crate::engine::sensor::Measures;
use crate::jig::Sensitivity;
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
/// How long for the figures that are shown while a person is waited for.
const GLANCE: Duration = Duration::from_millis(150);
/// Duties at which a lamp that can be dimmed is measured, besides full; the middle one is mid.
const DUTIES: [f32; 3] = [0.25, 0.5, 0.75];
/// What mid may be of bright: the code needs three levels that are told apart.
const MID: core::ops::RangeInclusive<f32> = 0.3..=0.75;
/// Steps of a lane: empty nest, lamp, red, green, label.
const STEPS: u32 = 5;
/// The sensor's channels.
const CHANNELS: [&str; 4] = ["red", "green", "blue", "clear"];

/// Runs the command.
///
/// # Errors
/// The jig is not to be had, something cannot be measured, or the file cannot be written.
pub fn run(arguments: &Calibrate) -> anyhow::Result<ExitCode> {
    let (config, mut bench) = bench::open(&arguments.config, Curves::Raw)?;
    let file = file_of(&config)?;
    let lanes = bench::lanes(&bench, arguments.lane)?;
    let stop = bench.stop.clone();
    let mut guide = Guide::open(&config, std::io::stdout().lock(), stop).context("the terminal")?;
    if bench.simulated() {
        guide.say("SIMULATED: this jig is a model, and puts reference units into its nests by itself.")?;
    }
    let mut measured = Vec::new();
    for lane in lanes {
        measured.push(calibrate(&mut bench, lane, &mut guide)?);
    }
    guide.step(None, 1, 1);
    let by = guide.ask("Everything above is as it should be. Signed off by (name):", || {
        Ok(None)
    })?;
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
    guide.say(&format!(
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

/// The settings of a lane's sensor that are still in question, the most sensitive first; `None` for one that cannot be set.
type Settings = Vec<Option<Sensitivity>>;

fn calibrate<O: Write>(bench: &mut Bench, lane: LaneId, guide: &mut Guide<O>) -> anyhow::Result<LaneCalibration> {
    let measures = bench.lane(lane)?.measures;
    let ambient_limit = bench.lane(lane)?.ambient_limit;
    let can = bench.sensitivities(lane);
    let mut settings: Settings = if can.is_empty() {
        vec![None]
    } else {
        can.into_iter().map(Some).collect()
    };
    bench.place_reference(lane, Colour::Off);
    guide.step(Some(lane), 1, STEPS);
    guide.wait("empty the nest and close its lid.", || glance(bench, lane))?;
    guide.measures("the empty nest, lamp dark");
    bench.set_lamp(lane, Level::DARK)?;
    let mut darks = at_each(bench, lane, &settings, measures)?;
    keep(&mut settings, &mut [&mut darks], |place, darks| {
        let dark = &darks[0][place];
        let [.., clear] = dark.mean;
        ensure!(
            clear <= ambient_limit && !dark.is_full(),
            "lane {lane}: {clear:.0} counts in the empty nest, the limit is {ambient_limit:.0}: shade it, or lower the gain"
        );
        Ok(())
    })?;

    guide.step(Some(lane), 2, STEPS);
    guide.measures("the lamp, in the empty nest");
    bench.set_lamp(lane, Level::FULL)?;
    let fulls = at_each(bench, lane, &settings, measures);
    bench.set_lamp(lane, Level::DARK)?;
    let mut fulls = fulls?;
    keep(&mut settings, &mut [&mut darks, &mut fulls], |place, seen| {
        match seen[1][place].range(&seen[0][place], measures) {
            Range::Within => Ok(()),
            _ if measures == Measures::LitOrNot => {
                bail!("lane {lane}: the comparators do not see the lamp's bright light: lower their thresholds")
            }
            range @ (Range::Under | Range::Over) => bail!("lane {lane}: the lamp at full light is {}", range.words()),
        }
    })?;
    // The rest of its curve is a share of full, whatever the gain.
    let shape = lamp(bench, lane, settings[0], (&darks[0], &fulls[0]), measures, guide)?;

    guide.step(Some(lane), 3, STEPS);
    guide.wait("put the reference unit in, its LED red.", || glance(bench, lane))?;
    bench.place_reference(lane, Colour::Red);
    guide.measures("the red die");
    let mut reds = at_each(bench, lane, &settings, measures)?;
    keep(
        &mut settings,
        &mut [&mut darks, &mut fulls, &mut reds],
        |place, seen| of_die(lane, &seen[2][place], &seen[0][place], measures, [0, 1]),
    )?;
    guide.step(Some(lane), 4, STEPS);
    guide.wait("now its LED green.", || glance(bench, lane))?;
    bench.place_reference(lane, Colour::Green);
    guide.measures("the green die");
    let mut greens = at_each(bench, lane, &settings, measures)?;
    keep(
        &mut settings,
        &mut [&mut darks, &mut fulls, &mut reds, &mut greens],
        |place, seen| of_die(lane, &seen[3][place], &seen[0][place], measures, [1, 0]),
    )?;
    bench.place_reference(lane, Colour::Off);

    // The most sensitive one at which nothing is at its end.
    let seen = [&darks[0], &fulls[0], &reds[0], &greens[0]];
    conclude(bench, lane, settings[0], seen, shape, guide)
}

/// Sets the sensor as it was chosen, says what came of the lane, and asks what its sensor is called. `seen` is dark, lamp, red, green.
fn conclude<O: Write>(
    bench: &mut Bench,
    lane: LaneId,
    chosen: Option<Sensitivity>,
    seen: [&Seen; 4],
    shape: LampShape,
    guide: &mut Guide<O>,
) -> anyhow::Result<LaneCalibration> {
    let [dark, full, red, green] = seen;
    if let Some(sensitivity) = chosen {
        bench.set_sensitivity(lane, sensitivity)?;
    }
    let strength = bench.lane(lane)?.measures == Measures::Strength;
    let [red, green] = [red, green].map(|seen| strength.then(|| die(seen, dark)));
    let full = strength.then(|| full.above(dark)[3]);
    let mut figures = Vec::new();
    if let Some(Sensitivity { gain, integration }) = chosen {
        let fits = format!("{gain}, {} µs", integration.as_micros());
        guide.say(&format!("  gain {fits}: the highest that keeps lamp and LED in range"))?;
        figures.push(figure("gain", fits));
    }
    guide.say(&format!("  empty nest: {:.0} counts (clear)", dark.mean[3]))?;
    figures.push(figure("empty nest", format!("{:.0} counts", dark.mean[3])));
    match (red, green, full) {
        (Some((_, red)), Some((_, green)), Some(full)) => {
            guide.say(&format!("  lamp: {full:.0} counts at full light"))?;
            guide.say(&format!("  LED: red die {red:.0} counts, green die {green:.0}"))?;
            figures.push(figure("lamp", format!("{full:.0} counts")));
            figures.push(figure(
                "mid",
                format!("{:.0} % of it", shape.mid.unwrap_or_default() * 100.0),
            ));
            figures.push(figure("red die", format!("{red:.0} counts")));
            figures.push(figure("green die", format!("{green:.0} counts")));
        }
        (_, _, _) => guide.say("  LED: both comparators tell its dice apart; strength is not measured")?,
    }
    guide.step(Some(lane), STEPS, STEPS);
    guide.figures(figures);
    let sensor = guide.ask("serial or label on its sensor:", || Ok(None))?;
    ensure!(
        !sensor.is_empty(),
        "lane {lane}: a calibration belongs to one sensor: its serial or label is needed"
    );
    Ok(LaneCalibration {
        lane,
        sensor,
        ambient: dark.mean,
        lamp: full,
        curve: shape.curve,
        mid: shape.mid,
        gain: chosen.map(|chosen| chosen.gain),
        integration_us: chosen.and_then(|chosen| u32::try_from(chosen.integration.as_micros()).ok()),
        red: red.map(|(shape, _)| shape),
        green: green.map(|(shape, _)| shape),
        strength: red.zip(green).map(|((_, red), (_, green))| [red, green]),
    })
}

/// What a lane's sensor sees at each setting.
fn at_each(bench: &mut Bench, lane: LaneId, settings: &Settings, measures: Measures) -> anyhow::Result<Vec<Seen>> {
    let mut all = Vec::new();
    for setting in settings {
        if let Some(sensitivity) = setting {
            bench.set_sensitivity(lane, *sensitivity)?;
        }
        all.push(bench.look(lane, LOOK)?);
    }
    // Few counts hardly vary: a sensor is stuck only where it is so at every gain.
    let fault = |seen: &Seen| seen.fault(measures);
    if let Some(why) = all.iter().find(|seen| seen.samples * 2 < seen.wanted).and_then(fault) {
        bail!("lane {lane}: status sensor: {why}: `selftest` says what to check");
    }
    if let (true, Some(why)) = (
        all.iter().all(|seen| fault(seen).is_some()),
        all.first().and_then(fault),
    ) {
        bail!("lane {lane}: status sensor: {why}: `selftest` says what to check");
    }
    Ok(all)
}

/// Keeps the settings at which `fits`, with what was measured at each; where none is left, why the last one was not kept.
fn keep(
    settings: &mut Settings,
    measured: &mut [&mut Vec<Seen>],
    fits: impl Fn(usize, &[&mut Vec<Seen>]) -> anyhow::Result<()>,
) -> anyhow::Result<()> {
    let mut kept = Vec::new();
    let mut why = None;
    for place in 0..settings.len() {
        match fits(place, measured) {
            Ok(()) => kept.push(place),
            Err(error) => why = Some(error),
        }
    }
    if let (true, Some(why)) = (kept.is_empty(), why) {
        return Err(why);
    }
    *settings = kept.iter().filter_map(|place| settings.get(*place).copied()).collect();
    for seen in measured {
        **seen = kept.iter().filter_map(|place| seen.get(*place).cloned()).collect();
    }
    Ok(())
}

/// A lamp's light over its duty.
struct LampShape {
    curve: Vec<[f32; 2]>,
    mid: Option<f32>,
}

/// The curve of a lamp that can be dimmed, and how much light its mid is.
fn lamp<O: Write>(
    bench: &mut Bench,
    lane: LaneId,
    setting: Option<Sensitivity>,
    (dark, full): (&Seen, &Seen),
    measures: Measures,
    guide: &mut Guide<O>,
) -> anyhow::Result<LampShape> {
    if let Some(sensitivity) = setting {
        bench.set_sensitivity(lane, sensitivity)?;
    }
    let mut under = |duty: f32| -> anyhow::Result<Seen> {
        bench.set_lamp(lane, Level::new(duty))?;
        let seen = looked(bench, lane, measures);
        bench.set_lamp(lane, Level::DARK)?;
        seen
    };
    if measures == Measures::LitOrNot {
        ensure!(
            under(0.5)?.range(dark, measures) == Range::Within,
            "lane {lane}: the comparators do not see the lamp's mid light: lower their thresholds"
        );
        guide.say("  lamp: mid and bright are seen; strength is not measured")?;
        return Ok(LampShape {
            curve: Vec::new(),
            mid: None,
        });
    }
    let [.., light] = full.above(dark);
    let mut points = Vec::new();
    for duty in DUTIES {
        let [.., at] = under(duty)?.above(dark);
        points.push((duty, at / light));
    }
    let mid = points[1].1;
    if !bench.adjustable {
        ensure!(
            MID.contains(&mid),
            "lane {lane}: mid is {:.0} % of bright: check both lines of the ladder and their resistors",
            mid * 100.0
        );
        return Ok(LampShape {
            curve: Vec::new(),
            mid: Some(mid),
        });
    }
    ensure!(
        Curve::new(&points).is_ok(),
        "lane {lane}: the lamp's light does not rise with its duty ({points:?}): check its driver"
    );
    Ok(LampShape {
        curve: points.into_iter().map(|(duty, light)| [duty, light]).collect(),
        mid: Some(mid),
    })
}

/// Whether a die is in range and of the right colour; `order` is its own channel and the other one.
fn of_die(lane: LaneId, seen: &Seen, dark: &Seen, measures: Measures, order: [usize; 2]) -> anyhow::Result<()> {
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
    ensure!(
        measures == Measures::Strength || other < own / 2.0,
        "lane {lane}: both comparators see one die: raise the threshold of the other one"
    );
    Ok(())
}

/// A die's shape, by its strongest colour channel, and its counts there.
fn die(seen: &Seen, dark: &Seen) -> ([f32; 4], f32) {
    let light = seen.above(dark);
    let [red, green, blue, _] = light;
    let strongest = red.max(green).max(blue);
    (light.map(|channel| channel / strongest), strongest)
}

/// What a sensor sees, where it works.
fn looked(bench: &mut Bench, lane: LaneId, measures: Measures) -> anyhow::Result<Seen> {
    let seen = bench.look(lane, LOOK)?;
    if let Some(fault) = seen.fault(measures) {
        bail!("lane {lane}: status sensor: {fault}: `selftest` says what to check");
    }
    Ok(seen)
}

/// What a sensor sees while a person is waited for, as figures.
fn glance(bench: &mut Bench, lane: LaneId) -> anyhow::Result<Option<Vec<Figure>>> {
    let measures = bench.lane(lane)?.measures;
    let seen = bench.look(lane, GLANCE)?;
    if seen.samples == 0 {
        let why = seen.fault(measures).unwrap_or_default();
        return Ok(Some(vec![figure("sensor", why)]));
    }
    let mut figures: Vec<Figure> = CHANNELS
        .iter()
        .zip(seen.mean)
        .map(|(name, counts)| figure(name, format!("{counts:.0}")))
        .collect();
    let range = seen.range(&Seen::default(), measures).words();
    figures.push(figure("range", range.split(':').next().unwrap_or_default().to_owned()));
    Ok(Some(figures))
}

fn figure(name: &str, value: String) -> Figure {
    Figure {
        name: name.to_owned(),
        value,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(counts: f32, full: u32) -> Seen {
        Seen {
            wanted: 50,
            samples: 50,
            mean: [counts, counts / 10.0, 0.0, counts],
            full,
            varied: true,
            error: None,
        }
    }

    #[test]
    fn the_highest_gain_at_which_all_fits_is_left() {
        let settings = [60, 16, 4, 1].map(|gain| {
            Some(Sensitivity {
                gain,
                integration: Duration::from_micros(4_800),
            })
        });
        // At 60 the lamp is over-range, at 16 the red die, at 1 the red die is under-range.
        let (mut settings, mut lamp) = (
            settings.to_vec(),
            vec![seen(1536.0, 50), seen(900.0, 0), seen(225.0, 0), seen(56.0, 0)],
        );
        let within = |place: usize, seen: &[&mut Vec<Seen>]| {
            let range = seen.last().unwrap()[place].range(&Seen::default(), Measures::Strength);
            ensure!(range == Range::Within, "{}", range.words());
            Ok(())
        };
        keep(&mut settings, &mut [&mut lamp], within).unwrap();
        assert_eq!(settings.len(), 3);
        let mut red = vec![seen(1536.0, 40), seen(500.0, 0), seen(30.0, 0)];
        keep(&mut settings, &mut [&mut lamp, &mut red], within).unwrap();
        assert_eq!(settings.iter().flatten().map(|left| left.gain).collect::<Vec<_>>(), [4]);
        assert!((lamp[0].mean[0] - 225.0).abs() < 0.1 && (red[0].mean[0] - 500.0).abs() < 0.1);
        let mut green = vec![seen(1536.0, 50)];
        let why = keep(&mut settings, &mut [&mut lamp, &mut red, &mut green], within).unwrap_err();
        assert!(why.to_string().starts_with("over-range"), "{why}");
    }
}
