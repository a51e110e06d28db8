//! `what-if`: other rules on what is stored, through the engine that judged it.

use std::io::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context as _;
use blinkup::codes::CodeTable;
use blinkup::trace::compact;
use clap::Args;
use fixture_ledger::Reports;
use fixture_ledger::record::Purpose;
use fixture_ledger::report::{PAGE_LIMIT, RunDetail, RunFilter};
use fixture_link::identity::LaneId;
use fixture_link::what_if::{Line, Replay, Summary};
use jiff::Timestamp;

use crate::config::{Change, Tried};
use crate::engine::meaning::Meanings;
use crate::engine::recipe::Recipe;
use crate::engine::replay::{Read, Recorded, Replayed, fitted, is_of_the_unit, replay};
use crate::engine::station::Rules;

/// Judges stored runs once more, with entries of the recipe changed, and tells which verdicts would have been others. Nothing is changed.
///
/// The recorded light goes through the LED reader and the station as it did then, with what the cloud said at its time. One JSON object a run, the
/// latest first, then one that sums up. A run whose stored verdict does not come out again under the recipe as it is says nothing about other rules,
/// and is only counted.
#[derive(Debug, Args)]
pub struct WhatIf {
    /// The fixture's configuration; no secret is read.
    #[arg(long, value_name = "FILE")]
    config: PathBuf,
    /// Another ledger than the configuration's.
    #[arg(long, value_name = "PATH")]
    ledger: Option<PathBuf>,
    /// An entry of the recipe as it is tried, such as times.stage="20s" or pass.blessed.hold="3s"; - in place of a value leaves it out.
    #[arg(long = "set", value_name = "NAME=VALUE")]
    changes: Vec<Change>,
    /// Only of this lane.
    #[arg(long, value_name = "LANE", value_parser = clap::value_parser!(u8).range(1..=8))]
    lane: Option<u8>,
    /// Only of this lot.
    #[arg(long)]
    lot: Option<String>,
    /// Only of this work order.
    #[arg(long)]
    work_order: Option<String>,
    /// Only by this operator.
    #[arg(long)]
    operator: Option<String>,
    /// Only with the recipe of this name.
    #[arg(long)]
    recipe: Option<String>,
    /// Only with this version of the software.
    #[arg(long)]
    software: Option<String>,
    /// Only of units seated then or later, such as 2026-03-01T06:00:00Z.
    #[arg(long, value_name = "INSTANT")]
    from: Option<Timestamp>,
    /// Only of units seated before then.
    #[arg(long, value_name = "INSTANT")]
    until: Option<Timestamp>,
    /// So many runs at most, the latest.
    #[arg(long, value_name = "RUNS", default_value_t = 200, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    at_most: u32,
}

/// The exit code that says so.
const NO_RECIPE: u8 = 3;

/// Runs the command: exit code 3 where what is tried is no recipe.
///
/// # Errors
/// The configuration is wrong, the ledger cannot be read, or standard output takes no more.
pub fn run(arguments: &WhatIf) -> anyhow::Result<ExitCode> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .context("no runtime")?;
    let newest = |ledger: &std::path::Path, name: &str| {
        let ledger = arguments.ledger.as_deref().unwrap_or(ledger);
        // A ledger that cannot be read is told where the runs are read.
        let versions = runtime.block_on(async { Reports::open(ledger).await?.recipe_versions(Some(name), 1).await });
        versions.ok()?.into_iter().next()
    };
    let tried = match Tried::load(&arguments.config, &arguments.changes, newest) {
        Ok(tried) => tried,
        Err(mistake) => {
            eprintln!("{mistake}");
            return Ok(ExitCode::from(NO_RECIPE));
        }
    };
    let lane = arguments.lane.map(LaneId::new).transpose()?;
    let filter = RunFilter {
        lane,
        lot: arguments.lot.clone(),
        work_order: arguments.work_order.clone(),
        operator: arguments.operator.clone(),
        recipe: arguments.recipe.clone(),
        software: arguments.software.clone(),
        from: arguments.from.map(Timestamp::as_microsecond),
        until: arguments.until.map(Timestamp::as_microsecond),
        purpose: Some(Purpose::Production),
        ..RunFilter::default()
    };
    let ledger = arguments.ledger.as_ref().unwrap_or(&tried.ledger);
    runtime.block_on(look(&tried, ledger, filter, arguments.at_most))?;
    Ok(ExitCode::SUCCESS)
}

async fn look(tried: &Tried, ledger: &std::path::Path, mut filter: RunFilter, at_most: u32) -> anyhow::Result<()> {
    let judges = Judges::new(tried);
    let reports = Reports::open(ledger).await?;
    let mut summary = Summary::default();
    let mut out = std::io::stdout().lock();
    'pages: loop {
        let page = reports.runs(&filter, PAGE_LIMIT).await?;
        for row in page.rows {
            if summary.runs == at_most {
                summary.more = true;
                break 'pages;
            }
            let Some(detail) = reports.run(row.run).await? else {
                continue;
            };
            if let Some(line) = judges.line(&detail, &mut summary) {
                serde_json::to_writer(&mut out, &line)?;
                // A page is told as it is made: whoever reads it may have enough.
                writeln!(out)?;
            }
        }
        match page.next {
            Some(next) => filter.before = Some(next),
            None => break,
        }
    }
    serde_json::to_writer(&mut out, &Replay::Summary(summary))?;
    writeln!(out).context("standard output")
}

/// The rules as they are and as they are tried.
struct Judges<'a> {
    codes: &'a CodeTable,
    version: &'a str,
    now: Rules,
    tried: Rules,
}

impl<'a> Judges<'a> {
    fn new(tried: &'a Tried) -> Self {
        let rules = |recipe: &Recipe| Rules {
            meanings: Meanings::new(&tried.codes, recipe),
            recipe: recipe.clone(),
        };
        Self {
            codes: &tried.codes,
            version: &tried.recipe.version,
            now: rules(&tried.recipe),
            tried: rules(&tried.changed),
        }
    }

    /// What a run comes to, counted; what is only counted is not told.
    fn line(&self, detail: &RunDetail, summary: &mut Summary) -> Option<Replay> {
        summary.runs += 1;
        summary.simulated |= detail.row.simulated;
        summary.other_recipe += u32::from(detail.setup.recipe_version != self.version);
        let verdict = detail.row.verdict.as_ref();
        let Some((verdict, took)) = verdict.and_then(|verdict| Some((verdict, verdict.took?))) else {
            summary.not_of_the_unit += 1;
            return None;
        };
        if !is_of_the_unit(verdict.code) {
            summary.not_of_the_unit += 1;
            return None;
        }
        let Ok(trace) = compact::decode(&detail.trace) else {
            summary.without_light += 1;
            return None;
        };
        let recorded = Recorded {
            run: detail.row.run,
            lane: detail.row.lane,
            took,
            pass_rule: detail.setup.pass_rule.clone(),
            trace,
            attempts: detail.attempts.clone(),
            evidence: detail.evidence.clone(),
            measurements: detail.measurements.clone(),
        };
        let now = &Rules {
            recipe: fitted(&self.now.recipe, &detail.attempts),
            meanings: self.now.meanings.clone(),
        };
        // What a packet is made of is not among what can be tried: it is as long as the other's.
        let tried = &Rules {
            recipe: Recipe {
                wifi: now.recipe.wifi.clone(),
                ..self.tried.recipe.clone()
            },
            meanings: self.tried.meanings.clone(),
        };
        let read = Read::new(&recorded, self.codes, now.recipe.confidence);
        let line = |replayed| {
            let (would, why) = match replayed {
                Replayed::Ended { code, detail, .. } => (Some(code), detail),
                Replayed::Open(why) => (None, why),
            };
            Line {
                run: detail.row.run,
                serial: detail.row.serial.clone(),
                seated: detail.row.seated,
                was: verdict.code,
                would,
                why,
            }
        };
        let again = line(replay(&recorded, &read, now));
        if again.would != Some(verdict.code) {
            summary.not_again += 1;
            return Some(Replay::NotAgain(again));
        }
        #[expect(clippy::float_cmp, reason = "the same entry of two recipes, or another")]
        let same = now.recipe.confidence == tried.recipe.confidence;
        let read = if same {
            read
        } else {
            Read::new(&recorded, self.codes, tried.recipe.confidence)
        };
        let line = line(replay(&recorded, &read, tried));
        match line.would {
            Some(code) if code == verdict.code => summary.same += 1,
            Some(_) => summary.others += 1,
            None => summary.open += 1,
        }
        Some(Replay::Run(line))
    }
}
