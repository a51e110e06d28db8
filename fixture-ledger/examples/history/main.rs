//! Makes years of plausible history: `cargo run --release -p fixture-ledger --example history -- --runs N --seed S [--lanes N] PATH`.

mod made;

use std::io::Write as _;
use std::path::PathBuf;

use clap::Parser;

/// Makes a new ledger with years of plausible history, the same for the same seed.
#[derive(Debug, Parser)]
struct Arguments {
    /// How many runs.
    #[arg(long)]
    runs: u64,
    /// What everything by chance comes from.
    #[arg(long)]
    seed: u64,
    /// How many lanes.
    #[arg(long, default_value_t = 4, value_parser = clap::value_parser!(u8).range(1..=8))]
    lanes: u8,
    /// The new ledger.
    path: PathBuf,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), made::Failed> {
    let asked = Arguments::parse();
    let wanted = made::Wanted {
        runs: asked.runs,
        seed: asked.seed,
        lanes: asked.lanes,
    };
    let told = made::make(wanted, &asked.path).await?;
    writeln!(
        std::io::stdout(),
        "{} runs of {} units on {} days, {} stops, until {}",
        told.runs,
        told.units,
        told.days,
        told.stops,
        jiff::Timestamp::from_microsecond(told.ended)?
    )?;
    Ok(())
}
