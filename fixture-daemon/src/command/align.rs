//! `align`: live bars, to aim a light pipe and to choose a gain.

use core::fmt::Write as _;
use core::time::Duration;
use std::io::{IsTerminal as _, Write as _};
use std::path::PathBuf;
use std::process::ExitCode;

use blinkup::Level;
use clap::{Args, ValueEnum};
use fixture_link::identity::LaneId;

use super::bench;
use crate::commissioning::bench::{Bench, BenchError, Curves, Seen};
use crate::engine::sensor::Measures;

/// Shows what a lane's sensor sees, live, for aiming and for choosing the gain.
#[derive(Debug, Args)]
pub struct Align {
    /// The fixture's configuration.
    #[arg(long)]
    config: PathBuf,
    /// The lane.
    #[arg(long, value_parser = bench::lane)]
    lane: LaneId,
    /// What the lamp shows meanwhile.
    #[arg(long, value_enum, default_value_t = Shows::Dark)]
    lamp: Shows,
    /// How many seconds; until Ctrl-C without.
    #[arg(long)]
    seconds: Option<u64>,
}

/// What the lamp shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Shows {
    /// Nothing: the unit's LED is aimed at.
    Dark,
    /// Half of its light.
    Mid,
    /// All of its light: the lamp is aimed at.
    Bright,
}

/// How long each line sums up.
const LINE: Duration = Duration::from_millis(100);
/// How long a bar is at the sensor's end.
const WIDE: f32 = 40.0;
/// The channels' names.
const CHANNELS: [&str; 4] = ["red", "green", "blue", "clear"];

/// Runs the command. The lamp is dark when it ends.
///
/// # Errors
/// The jig is not to be had, or a part failed.
pub fn run(arguments: &Align) -> anyhow::Result<ExitCode> {
    let (_, mut bench) = bench::open(&arguments.config, Curves::Measured)?;
    let lane = arguments.lane;
    bench.lane(lane)?;
    let level = match arguments.lamp {
        Shows::Dark => Level::DARK,
        Shows::Mid => Level::new(0.5),
        Shows::Bright => Level::FULL,
    };
    let lines = arguments.seconds.map_or(u64::MAX, |seconds| seconds.saturating_mul(10));
    let shown = match bench.set_lamp(lane, level) {
        Ok(()) => show(&mut bench, lane, lines),
        // Ctrl-C is how it ends, however soon it comes.
        Err(BenchError::Stopped) => Ok(()),
        Err(error @ (BenchError::Jig(_) | BenchError::Scenario(_) | BenchError::NoLane(..))) => Err(error.into()),
    };
    bench.set_lamp(lane, Level::DARK)?;
    shown.map(|()| ExitCode::SUCCESS)
}

fn show(bench: &mut Bench, lane: LaneId, lines: u64) -> anyhow::Result<()> {
    let config = bench.lane(lane)?;
    let (measures, end) = (config.measures, f32::from(config.saturated_at));
    let dark = Seen {
        mean: config.ambient,
        ..Seen::default()
    };
    let mut out = std::io::stdout().lock();
    let terminal = out.is_terminal();
    for line in 0..lines {
        let seen = match bench.look(lane, LINE) {
            Ok(seen) => seen,
            // Ctrl-C is how it ends.
            Err(BenchError::Stopped) => break,
            Err(error @ (BenchError::Jig(_) | BenchError::Scenario(_) | BenchError::NoLane(..))) => {
                return Err(error.into());
            }
        };
        let text = match seen.fault(measures) {
            // A tenth of a second is too short to call a sensor stuck.
            Some(fault) if seen.samples == 0 => format!("lane {lane}  {fault}\n"),
            Some(_) | None => bars(&seen, &dark, measures, end),
        };
        if terminal && line > 0 {
            // Over the lines before.
            write!(out, "\x1b[5A\x1b[J")?;
        }
        let missing = 5 - text.lines().count().min(5);
        write!(
            out,
            "{text}{}",
            if terminal { "\n".repeat(missing) } else { String::new() }
        )?;
        out.flush()?;
    }
    Ok(())
}

/// A bar a channel, and a line about the range.
fn bars(seen: &Seen, dark: &Seen, measures: Measures, end: f32) -> String {
    let mut text = String::new();
    for (name, counts) in CHANNELS.into_iter().zip(seen.mean) {
        match measures {
            Measures::Strength => {
                #[expect(
                    clippy::cast_possible_truncation,
                    clippy::cast_sign_loss,
                    reason = "0 to 40, and the cast saturates"
                )]
                let long = (counts / end * WIDE).round().clamp(0.0, WIDE) as usize;
                let _ = writeln!(text, "{name:>5} |{:<40}| {counts:.0}", "#".repeat(long));
            }
            Measures::LitOrNot => {
                let _ = writeln!(text, "{name:>5} {}", if counts > 0.0 { "lit" } else { "-" });
            }
        }
    }
    let _ = writeln!(text, "      {}", seen.range(dark, measures).words());
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bars_are_as_long_as_the_light_is_strong() {
        let seen = Seen {
            samples: 10,
            mean: [768.0, 384.0, 0.0, 1536.0],
            full: 10,
            ..Seen::default()
        };
        insta::assert_snapshot!(bars(&seen, &Seen::default(), Measures::Strength, 1536.0), @r"
          red |####################                    | 768
        green |##########                              | 384
         blue |                                        | 0
        clear |########################################| 1536
              over-range: lower the gain, or take light away
        ");
    }
}
