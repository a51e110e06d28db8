//! `act`: what a person at the local console does to the line. Audited as `console`.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context as _;
use clap::{Args, Subcommand};
use fixture_link::act::{Act, ActAnswer, ActId, ActRequest};
use fixture_link::client::Client;
use fixture_link::identity::{LaneId, Serial};
use fixture_link::role::Role;
use fixture_link::settings::Settings;
use uuid::Uuid;

/// The name that the local console acts under, and that the runs of a real jig are stored under.
pub const CONSOLE: &str = "console";

/// Does something to the line of the running fixture; audited as the local console.
#[derive(Debug, Args)]
pub struct ActCommand {
    /// The fixture's configuration.
    #[arg(long)]
    config: PathBuf,
    #[command(subcommand)]
    deed: Deed,
}

/// One variant an act.
#[derive(Debug, Subcommand)]
enum Deed {
    /// Starts the unit in a lane, or the line again after a stop.
    Start {
        /// The lane, 1 to 8; the whole line when left out.
        #[arg(long, value_parser = lane)]
        lane: Option<LaneId>,
        /// The unit's serial, where the lane has none yet.
        #[arg(long, value_parser = Serial::new)]
        serial: Option<Serial>,
    },
    /// Stops a lane's run, or the line.
    Stop {
        /// The lane, 1 to 8; the whole line when left out.
        #[arg(long, value_parser = lane)]
        lane: Option<LaneId>,
        /// Why, 1 to 200 characters.
        #[arg(long)]
        reason: String,
    },
    /// Acknowledges what stopped the line; it goes on.
    Acknowledge {
        /// What was found or done.
        #[arg(long, default_value = "")]
        note: String,
    },
    /// Lifts a unit's quarantine or retest limit.
    Unlock {
        /// The unit.
        #[arg(long, value_parser = Serial::new)]
        serial: Serial,
        /// Why, 1 to 200 characters.
        #[arg(long)]
        reason: String,
    },
    /// Names the lot that the next units belong to.
    Lot {
        /// The lot; empty for none.
        lot: String,
    },
    /// Names the work order that the next units belong to.
    WorkOrder {
        /// The work order; empty for none.
        work_order: String,
    },
    /// Says who works at the line from now on.
    Operator {
        /// The operator's name; empty for nobody in particular.
        name: String,
    },
}

fn lane(text: &str) -> Result<LaneId, String> {
    text.parse::<u8>()
        .ok()
        .and_then(|number| LaneId::new(number).ok())
        .ok_or_else(|| "expected a number from 1 to 8".to_owned())
}

/// Runs the command: exit code 0 when it was done, 1 when it was refused.
///
/// # Errors
/// The configuration is wrong, or the daemon does not answer.
pub fn run(arguments: ActCommand) -> anyhow::Result<ExitCode> {
    let settings = settings(&arguments.config)?;
    let act = match arguments.deed {
        Deed::Start { lane, serial } => Act::Start { lane, serial },
        Deed::Stop { lane, reason } => Act::Stop { lane, reason },
        Deed::Acknowledge { note } => Act::Acknowledge { note },
        Deed::Unlock { serial, reason } => Act::Unlock { serial, reason },
        Deed::Lot { lot } => Act::Lot { lot },
        Deed::WorkOrder { work_order } => Act::WorkOrder { work_order },
        Deed::Operator { name } => Act::Operator { name },
    };
    let request = ActRequest {
        id: ActId(Uuid::now_v7()),
        by: CONSOLE.to_owned(),
        role: Role::Admin,
        from: CONSOLE.to_owned(),
        act,
    };
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .context("no runtime")?;
    match runtime.block_on(Client::new(settings.socket).act(&request))? {
        ActAnswer::Done => {
            writeln!(std::io::stdout(), "done")?;
            Ok(ExitCode::SUCCESS)
        }
        ActAnswer::Refused { why } => {
            writeln!(std::io::stderr(), "refused: {why}")?;
            Ok(ExitCode::FAILURE)
        }
    }
}

/// The part of the configuration that needs no secrets.
fn settings(file: &Path) -> anyhow::Result<Settings> {
    let text = std::fs::read_to_string(file).with_context(|| format!("{}: cannot be read", file.display()))?;
    Ok(Settings::parse(file, &text)?)
}
