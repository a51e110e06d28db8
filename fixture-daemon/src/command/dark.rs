//! `dark`: every lamp dark, after a daemon that could not do it itself.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;

use super::bench;
use crate::config::{Jig, Wiring};
use crate::jig::raspberry_pi;

/// Makes every lamp dark; for the service manager, after a daemon that was killed. Reads neither recipe nor secrets.
#[derive(Debug, Args)]
pub struct Dark {
    /// The fixture's configuration.
    #[arg(long)]
    config: PathBuf,
}

/// Runs the command: exit code 0 when every lamp took it.
///
/// # Errors
/// The daemon runs, the lamps are not to be had, or one failed.
pub fn run(arguments: &Dark) -> anyhow::Result<ExitCode> {
    super::log();
    let wiring = Wiring::load(&arguments.config)?;
    bench::alone(&wiring.settings.socket)?;
    match &wiring.jig {
        // Its lamps went with its process.
        Jig::Simulated { .. } => {}
        Jig::RaspberryPi(pi) => raspberry_pi::dark(pi, &wiring.lanes)?,
    }
    Ok(ExitCode::SUCCESS)
}
