//! Simulated history: what the ledger of a fixture holds that has been at work for a while.

use core::time::Duration;
use std::time::SystemTime;

use anyhow::Context as _;
use fixture_daemon::config;
use fixture_daemon::drivers::virtual_time::{Simulated, simulate, simulate_more};
use fixture_daemon::jig::simulated::scenario::Scenario;

use crate::folder::Folder;

/// Units of a history by default: as many as take a development build some seconds.
pub const UNITS: u32 = 40;

/// Shifts of a history.
const SHIFTS: u32 = 5;

/// From the beginning of one shift to that of the next.
const SHIFT: Duration = Duration::from_hours(8);

/// From which all chance of a history comes.
const SEED: u64 = 2026;

/// Makes a ledger with the last five shifts, the units spread over them evenly. The shift that is on now has none: its units are
/// the demo's own.
pub fn make(folder: &Folder, units: u32) -> anyhow::Result<()> {
    #[expect(clippy::disallowed_methods, reason = "a history ends at the present")]
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH)?;
    let (recipe, _) = config::load_recipe(&folder.recipe())?;
    let scenario = Scenario::load(&folder.scenario())?;
    for shift in 0..SHIFTS {
        let begins = now
            .checked_sub(SHIFT * (SHIFTS - shift))
            .and_then(|begins| i64::try_from(begins.as_micros()).ok())
            .context("the clock is before the first shift or beyond the calendar")?;
        let first = units * shift / SHIFTS;
        let simulation = Simulated {
            first_unit: first,
            units: units * (shift + 1) / SHIFTS - first,
            scenario: scenario.clone(),
            ..Simulated::new(SEED + u64::from(shift), recipe.clone())
        }
        .build(begins);
        let mut each = |_: &_| Ok(());
        match shift {
            0 => simulate(simulation, &folder.ledger(), &mut each)?,
            _ => simulate_more(simulation, &folder.ledger(), &mut each)?,
        };
    }
    Ok(())
}
