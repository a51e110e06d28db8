//! `verify`: whether stored runs are as they were sealed, in a ledger or in an export of it.

use std::fs::File;
use std::io::{BufReader, Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context as _;
use clap::Args;
use fixture_ledger::Reports;
use fixture_ledger::chain::{Verified, verify_export};
use fixture_ledger::seal::Seal;

/// Looks at every run of a ledger, or of an export of sealed runs, whether it is as it was sealed, and names the first that is not. Needs no fixture.
#[derive(Debug, Args)]
pub struct Verify {
    /// A seal that was noted elsewhere: it has to be among those of the runs, or runs were taken from the end.
    #[arg(long, value_name = "SEAL")]
    known: Option<Seal>,
    /// A ledger, or an export of sealed runs (JSON lines).
    #[arg(value_name = "LEDGER|EXPORT")]
    path: PathBuf,
}

/// Runs the command: exit code 0 when all fit, 1 when one does not.
///
/// # Errors
/// The file cannot be read, or is neither.
pub fn run(arguments: &Verify) -> anyhow::Result<ExitCode> {
    let path = &arguments.path;
    let verified = if is_ledger(path).with_context(|| path.display().to_string())? {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .context("no runtime")?;
        runtime.block_on(async { Reports::open(path).await?.verify(arguments.known).await })?
    } else {
        File::open(path)
            .and_then(|file| verify_export(BufReader::new(file), arguments.known))
            .with_context(|| path.display().to_string())?
    };
    let (said, fits) = words(&verified, arguments.known);
    let mut out = std::io::stdout().lock();
    for line in said {
        writeln!(out, "{line}")?;
    }
    Ok(if fits { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Whether a file begins as every database of `SQLite` does.
fn is_ledger(path: &Path) -> std::io::Result<bool> {
    let mut begins = Vec::new();
    File::open(path)?.take(16).read_to_end(&mut begins)?;
    Ok(begins == b"SQLite format 3\0")
}

/// What was found, and whether all is as it should be.
fn words(verified: &Verified, known: Option<Seal>) -> (Vec<String>, bool) {
    let mut said = Vec::new();
    if verified.unsealed > 0 {
        said.push(format!(
            "{} runs are from before there were seals: nothing is known of them",
            verified.unsealed
        ));
    }
    said.push(format!("{} runs fit", verified.fit));
    if let Some(misfit) = &verified.misfit {
        let run = misfit.run.map_or_else(String::new, |run| format!(", run {run}"));
        said.push(format!("{}{run}: DOES NOT FIT: {}", misfit.place, misfit.what));
        return (said, false);
    }
    if let Some(last) = verified.last {
        said.push(format!("last seal {last}"));
    }
    match known {
        Some(seal) if !verified.found => {
            said.push(format!(
                "the seal {seal} IS NOT AMONG THEM: runs were taken away, or it is another ledger's"
            ));
            (said, false)
        }
        Some(_) => {
            said.push("the seal that was asked for is among them".to_owned());
            (said, true)
        }
        None => (said, true),
    }
}

#[cfg(test)]
mod tests {
    use fixture_ledger::chain::Misfit;

    use super::*;

    #[test]
    fn what_does_not_fit_is_named_and_a_seal_that_is_missing_is_told() {
        let fit = Verified {
            fit: 3,
            last: Some(Seal::NONE),
            ..Verified::default()
        };
        assert!(words(&fit, None).1);
        let (said, fits) = words(&fit, Some(Seal::NONE.of_next("")));
        assert!(!fits && said.last().unwrap().contains("IS NOT AMONG THEM"), "{said:?}");
        let misfit = Verified {
            misfit: Some(Misfit {
                place: "verdict 4".to_owned(),
                run: None,
                what: "changed".to_owned(),
            }),
            ..fit
        };
        let (said, fits) = words(&misfit, None);
        assert!(!fits);
        assert_eq!(said, ["3 runs fit", "verdict 4: DOES NOT FIT: changed"]);
    }
}
