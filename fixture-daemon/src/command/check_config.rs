//! `check-config`: what a configuration says, or where it is wrong.

use std::io::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;

use crate::config::{Config, Enrolment, Jig};
use crate::engine::recipe::PassRule;

/// Checks a fixture's configuration and everything that it names.
#[derive(Debug, Args)]
pub struct CheckConfig {
    /// The configuration.
    file: PathBuf,
}

/// Runs the command.
///
/// # Errors
/// The first mistake, with its place.
pub fn run(arguments: &CheckConfig) -> anyhow::Result<ExitCode> {
    let config = Config::load(&arguments.file)?;
    let mut out = std::io::stdout().lock();
    write!(out, "{}", Report(&config))?;
    Ok(ExitCode::SUCCESS)
}

/// What was found, for a person.
struct Report<'a>(&'a Config);

impl core::fmt::Display for Report<'_> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        let Self(config) = self;
        let (settings, recipe) = (&config.settings, &config.recipe);
        writeln!(f, "{}: good", config.file.display())?;
        writeln!(f, "fixture    {} ({})", settings.id, settings.name)?;
        writeln!(f, "lanes      {}", config.lanes.len())?;
        match &config.jig {
            Jig::Simulated {
                seed,
                scenario,
                takt: _,
                calibration: _,
            } => {
                write!(f, "jig        SIMULATED, seed {seed}")?;
                match scenario {
                    Some(scenario) => writeln!(f, ", scenario {}", scenario.display())?,
                    None => writeln!(f, ", no faults")?,
                }
            }
            Jig::RaspberryPi(pi) => writeln!(
                f,
                "jig        Raspberry Pi, {}; {}; calibration {}",
                pi.lamp.kind(),
                pi.sensor.kind(),
                pi.calibration
                    .as_ref()
                    .map_or_else(|| "none".into(), |calibration| calibration.file.display().to_string())
            )?,
        }
        match &settings.status_codes {
            Some(file) => writeln!(f, "codes      the fixture's own: {}", file.display())?,
            None => writeln!(f, "codes      the vendor's")?,
        }
        let rule = match recipe.pass {
            PassRule::Blessed { .. } => "blessed: blessed-green and a bless event",
            PassRule::Claimed { .. } => "claimed: connected and a device id from the cloud",
            PassRule::LedOnly { .. } => "led-only: LED evidence only",
        };
        writeln!(f, "recipe     {}, version {}", recipe.name, recipe.version)?;
        writeln!(f, "pass rule  {rule}")?;
        for entry in &config.lots.choices {
            let (label, name) = (entry.label.title(), &entry.name);
            writeln!(f, "lots       {label} {name}: recipe {}", entry.recipe)?;
        }
        for other in &config.others {
            let rule = other.pass.name();
            writeln!(f, "recipe     {}, version {}, {rule}", other.name, other.version)?;
        }
        match &config.enrolment {
            None => writeln!(f, "tokens     none")?,
            Some(Enrolment::Fixed { .. }) => writeln!(f, "tokens     one fixed token")?,
            Some(Enrolment::Simulated) => writeln!(f, "tokens     from the simulated cloud")?,
            Some(Enrolment::ImpCloud(cloud)) => writeln!(f, "tokens     from {}", cloud.base_url)?,
        }
        let rungs: Vec<String> = recipe.ladder.iter().map(|rung| rung.rate.to_string()).collect();
        writeln!(
            f,
            "ladder     {} symbols a second, {} attempts",
            rungs.join(", "),
            recipe.attempts
        )?;
        writeln!(f, "ledger     {}", settings.ledger.display())?;
        writeln!(f, "socket     {}", settings.socket.display())?;
        writeln!(f, "pages      http://{}/", settings.web.bind)?;
        for remark in &config.remarks {
            writeln!(f, "note       {remark}")?;
        }
        Ok(())
    }
}
