//! Where the configuration says so, the fixture passes no unit without a gauge study that it has passed: looked up in the ledger once in a while, as
//! a study holds only for a time.

use core::time::Duration;
use std::path::PathBuf;

use fixture_ledger::LedgerError;
use fixture_ledger::evaluation::Standing;
use fixture_ledger::report::Reports;
use fixture_link::identity::WallTime;
use fixture_link::study::{self, Criteria};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::Told;
use crate::clock::wall;
use crate::engine::input::Input;

/// How often it is looked up.
const EVERY: Duration = Duration::from_secs(5);

/// Whether the fixture may pass units.
#[derive(Debug)]
pub struct Gate {
    ledger: PathBuf,
    criteria: Criteria,
}

impl Gate {
    /// What looks after it; `None` where the configuration asks for no study.
    pub fn new(ledger: PathBuf, criteria: Criteria) -> Option<Self> {
        (criteria.gate == study::Gate::Shut).then_some(Self { ledger, criteria })
    }

    /// Why it may not, where it may not.
    ///
    /// # Errors
    /// The ledger could not be read.
    pub async fn shut(&self, at: WallTime) -> Result<Option<String>, LedgerError> {
        let reports = Reports::open(&self.ledger).await?;
        let standing = reports.study_standing(&self.criteria, at.micros).await?;
        Ok(said(&standing))
    }

    /// Tells the engine whenever that is another, until the stop.
    ///
    /// # Errors
    /// None; a ledger that cannot be read now leaves things as they are.
    pub async fn watch(self, told: mpsc::UnboundedSender<Told>, stop: CancellationToken) -> anyhow::Result<()> {
        let mut last = None;
        loop {
            tokio::select! {
                biased;
                () = stop.cancelled() => return Ok(()),
                () = tokio::time::sleep(EVERY) => {}
            }
            match self.shut(wall()).await {
                Ok(shut) if last.as_ref() == Some(&shut) => {}
                Ok(shut) => {
                    last = Some(shut.clone());
                    // With the engine's task gone the daemon stops.
                    let _ = told.send(Told::Input(Input::Studied(shut)));
                }
                Err(error) => tracing::error!("{error}"),
            }
        }
    }
}

fn said(standing: &Standing) -> Option<String> {
    match standing {
        Standing::Passed { .. } => None,
        Standing::NotPassed { why, .. } => Some(format!(
            "this fixture has not passed its gauge study ({}), and by its configuration passes no unit without: [study] gates",
            why.as_str()
        )),
    }
}
