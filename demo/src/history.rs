//! Simulated history: what the ledger of a fixture holds that has been at work for a while.

use core::sync::atomic::{AtomicBool, Ordering};
use core::time::Duration;
use std::io;
use std::time::SystemTime;

use anyhow::Context as _;
use fixture_daemon::config::{self, Config};
use fixture_daemon::drivers::virtual_time::{Simulated, SimulationError, simulate, simulate_more};
use fixture_daemon::jig::simulated::scenario::Scenario;

use crate::folder::Folder;

/// Units of a history by default: as many as take a development build some seconds.
pub const UNITS: u32 = 36;

/// Shifts of a history.
const SHIFTS: u32 = 5;

/// From the beginning of one shift to that of the next.
const SHIFT: Duration = Duration::from_hours(8);

/// Units that are simulated together at most: virtual time costs what the line's sensors sample in it, so the hours between are left out.
const TOGETHER: u32 = 3;

/// From which all chance of a history comes.
const SEED: u64 = 2026;

/// Whether a history was made to its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Made {
    /// It was.
    Whole,
    /// It was asked to end, and left no ledger behind.
    Ended,
}

/// Some units of a history, and when the first of them was seated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Lot {
    first: u32,
    units: u32,
    /// Before the present.
    ago: Duration,
}

/// Units spread evenly over the shifts, and over each of them. The shift that is on now has none: its units are the demo's own.
fn lots(units: u32) -> Vec<Lot> {
    (0..SHIFTS)
        .flat_map(|shift| {
            let (first, until) = (units * shift / SHIFTS, units * (shift + 1) / SHIFTS);
            let lots = (until - first).div_ceil(TOGETHER);
            (0..lots).map(move |lot| Lot {
                first: first + lot * TOGETHER,
                units: TOGETHER.min(until - first - lot * TOGETHER),
                ago: (SHIFT * (SHIFTS - shift)).saturating_sub(SHIFT * lot / lots),
            })
        })
        .collect()
}

/// Makes a ledger with the last five shifts, until `end` is set.
pub fn make(folder: &Folder, units: u32, end: &AtomicBool) -> anyhow::Result<Made> {
    #[expect(clippy::disallowed_methods, reason = "a history ends at the present")]
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH)?;
    let (recipe, _) = config::load_recipe(&folder.recipe())?;
    let scenario = Scenario::load(&folder.usual())?;
    let fixture = Config::load(&folder.config())?.settings.id;
    let mut each = |_: &_| {
        if end.load(Ordering::Relaxed) {
            return Err(io::Error::from(io::ErrorKind::Interrupted));
        }
        Ok(())
    };
    for (seed, lot) in (SEED..).zip(lots(units)) {
        let begins = now
            .checked_sub(lot.ago)
            .and_then(|begins| i64::try_from(begins.as_micros()).ok())
            .context("the clock is before the first shift or beyond the calendar")?;
        let mut simulation = Simulated {
            first_unit: lot.first,
            units: lot.units,
            scenario: scenario.clone(),
            jig_seed: SEED,
            ..Simulated::new(seed, recipe.clone())
        }
        .build(begins);
        simulation.setup.fixture.clone_from(&fixture);
        let made = match lot.first {
            0 => simulate(simulation, &folder.ledger(), &mut each),
            _ => simulate_more(simulation, &folder.ledger(), &mut each),
        };
        match made {
            Ok(_) if !end.load(Ordering::Relaxed) => {}
            // Half a history would be gone on with at the next start.
            Ok(_) | Err(SimulationError::Output(_)) => {
                fixture_ledger::discard(&folder.ledger())?;
                return Ok(Made::Ended);
            }
            Err(error) => return Err(error.into()),
        }
    }
    Ok(Made::Whole)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn units_are_spread_over_five_whole_shifts() {
        let lots = lots(UNITS);
        assert_eq!(lots.iter().map(|lot| lot.units).sum::<u32>(), UNITS);
        assert!(
            lots.windows(2)
                .all(|pair| pair[0].first + pair[0].units == pair[1].first)
        );
        assert!(lots.windows(2).all(|pair| pair[0].ago > pair[1].ago));
        for shift in 1..=SHIFTS {
            let within = |lot: &&Lot| lot.ago <= SHIFT * shift && lot.ago > SHIFT * (shift - 1);
            let times: Vec<_> = lots.iter().filter(within).collect();
            assert!(times.len() >= 3, "{times:?}");
            let apart = times[0].ago.checked_sub(times[times.len() - 1].ago);
            assert!(apart.is_some_and(|apart| apart >= SHIFT / 2), "{times:?}");
        }
    }

    #[test]
    fn few_units_are_spread_as_well() {
        for units in 1..20 {
            let lots = lots(units);
            assert_eq!(lots[0].first, 0);
            assert_eq!(lots.iter().map(|lot| lot.units).sum::<u32>(), units);
            assert!(lots.iter().all(|lot| lot.units > 0), "{lots:?}");
        }
    }

    #[test]
    fn a_history_that_is_ended_leaves_no_ledger() {
        let folder = Folder::make(None, Some(0), None).unwrap();
        assert_eq!(make(&folder, 10, &AtomicBool::new(true)).unwrap(), Made::Ended);
        assert!(!folder.ledger().exists());
        folder.close().unwrap();
    }
}
