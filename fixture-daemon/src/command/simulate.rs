//! `simulate`: a line on the simulated jig, in virtual time.

use std::io::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use fixture_link::identity::Serial;
use serde::Serialize;

use super::codes::Codes;
use crate::config;
use crate::drivers::virtual_time::{Ended, SHIFT, SHIFT_BEGINS, Simulated, Summary, simulate};
use crate::jig::simulated::scenario::Scenario;

/// Runs a line on the simulated jig in virtual time: the same seed gives the same output and the same ledger.
#[derive(Debug, Args)]
pub struct Simulate {
    /// From which all chance comes.
    #[arg(long)]
    seed: u64,
    /// Distinct units.
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..=10_000_000), required_unless_present = "shifts")]
    units: Option<u32>,
    /// Shifts of eight hours, one after the other, in place of a number of units: after the last one no further unit is brought. A line-year of two
    /// shifts a day is 500; two processes with two seeds and 250 each make it on two cores.
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..=10_000), conflicts_with = "units")]
    shifts: Option<u32>,
    /// Lanes of the jig.
    #[arg(long, default_value_t = 4, value_parser = clap::value_parser!(u8).range(1..=8))]
    lanes: u8,
    /// What goes wrong (config/scenarios/*.toml); nothing, when left out.
    #[arg(long)]
    scenario: Option<PathBuf>,
    /// The product's recipe; the blessed one of config/recipes, when left out.
    #[arg(long)]
    recipe: Option<PathBuf>,
    #[command(flatten)]
    codes: Codes,
    /// The ledger to make; nothing may be there. When the command fails, there is none.
    #[arg(long)]
    ledger: PathBuf,
    /// Prints one JSON object a run, in order of commit; otherwise a line for a person.
    #[arg(long)]
    jsonl: bool,
}

/// One line of `--jsonl`.
#[derive(Serialize)]
struct Line<'a> {
    unit: Option<&'a str>,
    lane: u8,
    outcome: &'static str,
    code: &'static str,
    fault: &'static str,
    must_fail: bool,
    r#final: bool,
    attempts: usize,
    seconds: f64,
}

impl<'a> Line<'a> {
    fn of(ended: &'a Ended) -> Self {
        Self {
            unit: ended.unit.as_ref().map(Serial::as_str),
            lane: ended.lane.number(),
            outcome: ended.outcome.as_str(),
            code: ended.code.as_str(),
            fault: ended.fault.map_or("none", |fault| fault.as_str()),
            must_fail: ended.must_fail,
            r#final: ended.last,
            attempts: ended.attempts,
            seconds: (ended.took.as_secs_f64() * 1000.0).round() / 1000.0,
        }
    }
}

/// Runs the command.
///
/// # Errors
/// Scenario, recipe or status codes are wrong, the ledger exists or cannot be written, the line stands still, or standard output takes no more; then no
/// ledger is left.
pub fn run(arguments: &Simulate) -> anyhow::Result<ExitCode> {
    let scenario = match &arguments.scenario {
        Some(file) => Scenario::load(file)?,
        None => Scenario::none(),
    };
    let codes = arguments.codes.load()?;
    let recipe = match &arguments.recipe {
        Some(file) => config::load_recipe_with_codes(file, &codes)?.0,
        None => config::example_recipe(),
    };
    let simulated = Simulated {
        lanes: arguments.lanes,
        units: arguments.units.unwrap_or(u32::MAX),
        lasts: arguments.shifts.map(|shifts| SHIFT * shifts),
        scenario,
        codes,
        ..Simulated::new(arguments.seed, recipe)
    };
    let mut out = std::io::BufWriter::new(std::io::stdout().lock());
    let jsonl = arguments.jsonl;
    let summary = simulate(simulated.build(SHIFT_BEGINS), &arguments.ledger, &mut |ended| {
        if jsonl {
            serde_json::to_writer(&mut out, &Line::of(ended))?;
            writeln!(out)
        } else {
            writeln!(
                out,
                "lane {}  {}  {:10} {:20} {}{}",
                ended.lane,
                ended.unit.as_ref().map_or("-", Serial::as_str),
                ended.outcome.as_str(),
                ended.code.as_str(),
                ended.detail,
                ended
                    .fault
                    .map_or_else(String::new, |fault| format!("  (fault: {fault})")),
            )
        }
    })?;
    if let Err(error) = finish(&mut out, (!jsonl).then_some(&summary)) {
        fixture_ledger::discard(&arguments.ledger)?;
        return Err(anyhow::Error::new(error).context("standard output"));
    }
    Ok(ExitCode::SUCCESS)
}

/// Writes what is still to be written; with `summary`, a last line for a person.
fn finish(out: &mut impl std::io::Write, summary: Option<&Summary>) -> std::io::Result<()> {
    if let Some(summary) = summary {
        writeln!(
            out,
            "{} runs, {} refusals, {} stops in {:.0} s of virtual time",
            summary.runs,
            summary.refusals,
            summary.stops,
            summary.lasted.as_secs_f64()
        )?;
    }
    out.flush()
}
