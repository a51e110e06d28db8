//! `record`: a lane's light as a trace.

use core::time::Duration;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context as _;
use blinkup::Level;
use blinkup::trace::Trace;
use clap::Args;
use fixture_link::identity::LaneId;

use super::bench;
use crate::commissioning::bench::Curves;

/// Records a lane's light to a file (blinkup-trace), which `read-led` reads.
#[derive(Debug, Args)]
pub struct Record {
    /// The fixture's configuration.
    #[arg(long)]
    config: PathBuf,
    /// The lane.
    #[arg(long, value_parser = bench::lane)]
    lane: LaneId,
    /// How many seconds, 1 to 600.
    #[arg(long, default_value_t = 10, value_parser = clap::value_parser!(u64).range(1..=600))]
    seconds: u64,
    /// The lamp's light meanwhile, 0 to 1.
    #[arg(long, default_value_t = 0.0)]
    light: f32,
    /// The trace.
    out: PathBuf,
}

/// Runs the command.
///
/// # Errors
/// The jig is not to be had, the sensor brings nothing, or the file cannot be written.
pub fn run(arguments: &Record) -> anyhow::Result<ExitCode> {
    let (_, mut bench) = bench::open(&arguments.config, Curves::Measured)?;
    let level = Level::new(arguments.light.clamp(0.0, 1.0));
    let (header, rows, seen) = bench.record(arguments.lane, level, Duration::from_secs(arguments.seconds))?;
    anyhow::ensure!(
        !rows.is_empty(),
        "lane {}: nothing to record: {}",
        arguments.lane,
        seen.error.as_deref().unwrap_or("no fresh sample")
    );
    let trace = Trace { header, rows };
    std::fs::write(&arguments.out, trace.to_string())
        .with_context(|| format!("{}: cannot be written", arguments.out.display()))?;
    eprintln!("{} samples in {}", trace.rows.len(), arguments.out.display());
    Ok(ExitCode::SUCCESS)
}
