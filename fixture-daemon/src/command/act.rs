//! `act`: what a person at the local console does to the line. Audited as `console`.

use core::str::FromStr;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context as _;
use clap::builder::{PossibleValuesParser, TypedValueParser};
use clap::{Args, Subcommand};
use fixture_link::act::{Act, ActAnswer, ActId, ActRequest, Disposition, Mark, RecipeChange};
use fixture_link::client::Client;
use fixture_link::identity::{LaneId, Serial};
use fixture_link::role::Role;
use fixture_link::settings::Settings;
use fixture_link::study::{StudyStep, StudyWish};
use fixture_link::verdict::Unknown;
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
    /// Sets a unit aside: it is not run until somebody disposes of it.
    Quarantine {
        /// The unit.
        #[arg(long, value_parser = Serial::new)]
        serial: Serial,
        /// Why, 1 to 200 characters.
        #[arg(long)]
        reason: String,
    },
    /// Says what becomes of a unit.
    Dispose {
        /// The unit.
        #[arg(long, value_parser = Serial::new)]
        serial: Serial,
        /// rework: it is run again as if it had never been run; scrap; rma: it goes back to its maker; release: it goes on as it is.
        #[arg(value_parser = one_of::<Disposition>(Disposition::ALL.map(Disposition::as_str)))]
        disposition: Disposition,
        /// Why, 1 to 200 characters.
        #[arg(long)]
        reason: String,
    },
    /// Says what a unit is run for from its next run on.
    Mark {
        /// The unit.
        #[arg(long, value_parser = Serial::new)]
        serial: Serial,
        /// ordinary: to be sold; golden: known to be good; known-bad.
        #[arg(value_parser = one_of::<Mark>(Mark::ALL.map(Mark::as_str)))]
        mark: Mark,
        /// Why, 1 to 200 characters.
        #[arg(long)]
        reason: String,
    },
    /// Begins a golden check now.
    GoldenCheck {
        /// The lane, 1 to 8; every lane when left out.
        #[arg(long, value_parser = lane)]
        lane: Option<LaneId>,
    },
    /// Begins, ends or gives up a gauge study.
    Study {
        #[command(subcommand)]
        step: Step,
    },
    /// Puts a notice out of sight for a time, as long as it says the same.
    Shelve {
        /// The part that the notice is about.
        part: String,
        /// For how many minutes.
        #[arg(long, value_parser = clap::value_parser!(u16).range(1..=i64::from(Act::LONGEST_SHELVED)))]
        minutes: u16,
        /// Why, 1 to 200 characters.
        #[arg(long)]
        reason: String,
    },
    /// Makes another version of a recipe: the runs that begin from then on are run by it.
    Recipe {
        /// The recipe's name.
        name: String,
        /// An entry of the recipe as it is to be, such as times.stage="20s" or pass.blessed.hold="3s"; - in place of a value leaves it out.
        #[arg(long = "set", value_name = "NAME=VALUE", required_unless_present = "version")]
        entries: Vec<String>,
        /// An earlier version, 16 hex digits: the recipe is again as it was then.
        #[arg(long, conflicts_with = "entries")]
        version: Option<String>,
        /// Why, 1 to 200 characters.
        #[arg(long)]
        reason: String,
    },
    /// Chooses the language at the line.
    Language {
        /// Its tag, such as de; empty for the configured one.
        language: String,
    },
}

/// What is to become of a study.
#[derive(Debug, Subcommand)]
enum Step {
    /// It begins: the same units several times by several people.
    Begin {
        /// A unit of it, 2 to 50 of them; all that are marked as golden or known-bad when left out.
        #[arg(long = "unit", value_parser = Serial::new)]
        units: Vec<Serial>,
        /// Somebody who runs them, as the operator is named; 2 to 10 of them.
        #[arg(long = "person", required = true)]
        people: Vec<String>,
        /// How often each of them runs each unit.
        #[arg(long, value_parser = clap::value_parser!(u32).range(2..=10))]
        times: u32,
        /// Why, 1 to 200 characters.
        #[arg(long)]
        reason: String,
    },
    /// It ends: all of its runs are made.
    End {
        /// Why, 1 to 200 characters.
        #[arg(long)]
        reason: String,
    },
    /// It is given up: its runs are kept, and it says nothing of the fixture.
    Abandon {
        /// Why, 1 to 200 characters.
        #[arg(long)]
        reason: String,
    },
}

impl Step {
    fn act(self) -> Act {
        let (step, reason) = match self {
            Self::Begin {
                units,
                people,
                times,
                reason,
            } => (StudyStep::Begin(StudyWish { units, people, times }), reason),
            Self::End { reason } => (StudyStep::End, reason),
            Self::Abandon { reason } => (StudyStep::Abandon, reason),
        };
        Act::Study { step, reason }
    }
}

/// Reads a word of a closed list, and shows the list in the help.
fn one_of<T>(names: impl IntoIterator<Item = &'static str>) -> impl TypedValueParser<Value = T>
where
    T: FromStr<Err = Unknown> + Clone + Send + Sync + 'static,
{
    PossibleValuesParser::new(names).try_map(|text| text.parse::<T>())
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
        Deed::Quarantine { serial, reason } => Act::Quarantine { serial, reason },
        Deed::Dispose {
            serial,
            disposition,
            reason,
        } => Act::Dispose {
            serial,
            disposition,
            reason,
        },
        Deed::Mark { serial, mark, reason } => Act::Mark { serial, mark, reason },
        Deed::GoldenCheck { lane } => Act::GoldenCheck { lane },
        Deed::Study { step } => step.act(),
        Deed::Shelve { part, minutes, reason } => Act::Shelve { part, minutes, reason },
        Deed::Recipe {
            name,
            entries,
            version,
            reason,
        } => Act::Recipe {
            recipe: name,
            change: version.map_or(RecipeChange::Entries(entries), RecipeChange::Version),
            reason,
        },
        Deed::Language { language } => Act::Language { language },
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
