//! `dark`: every lamp dark, after a daemon that could not do it itself.

use std::path::PathBuf;
use std::process::ExitCode;

use blinkup::Level;
use clap::Args;

use super::bench;
use crate::commissioning::bench::Curves;

/// Makes every lamp dark; for the service manager, after a daemon that was killed.
#[derive(Debug, Args)]
pub struct Dark {
    /// The fixture's configuration.
    #[arg(long)]
    config: PathBuf,
}

/// Runs the command: exit code 0 when every lamp took it.
///
/// # Errors
/// The daemon runs, the jig is not to be had, or a lamp failed.
pub fn run(arguments: &Dark) -> anyhow::Result<ExitCode> {
    let (_, mut bench) = bench::open(&arguments.config, Curves::Measured)?;
    let mut failed = None;
    for lane in bench::lanes(&bench, None)? {
        // One lamp that fails must not keep the next one lit.
        if let Err(error) = bench.set_lamp(lane, Level::DARK) {
            failed = Some(error);
        }
    }
    failed.map_or(Ok(ExitCode::SUCCESS), |error| Err(error.into()))
}
