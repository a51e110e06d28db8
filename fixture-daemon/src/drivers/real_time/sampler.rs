//! The thread that samples the sensor, and the thread that watches nests and scanners.

use core::time::Duration;
use std::collections::VecDeque;

use blinkup::Tick;
use blinkup::sample::Sample;
use fixture_link::identity::{LaneId, RunId, Serial};
use tokio::sync::mpsc;
use tokio::sync::mpsc::error::TrySendError;
use tokio_util::sync::CancellationToken;

use super::clerk::Job;
use crate::clock::{Clock, wall};
use crate::jig::{JigError, Nest, Scanner, StatusSensor};
use crate::watchdog::Beat;

/// One sample of every lane; a lost one is left out.
pub type Round = Vec<(LaneId, Result<Sample, JigError>)>;

/// How often each lane is sampled.
pub const SAMPLE_EVERY: Duration = Duration::from_millis(10);

/// How often nests and scanners are looked at.
const LOOK_EVERY: Duration = Duration::from_millis(20);

/// How often a nest switch must say the same in a row: switches bounce for a few milliseconds.
const SAME: u8 = 3;

/// How long a scan waits for its unit: an operator scans, then seats.
const SCAN_LASTS: Duration = Duration::from_mins(1);

/// Samples all lanes until the stop. Rounds that the engine has no room for are dropped and counted.
///
/// `beat` moves with every round that the engine gets and that says something new: a sample, or why there is none. A sensor that
/// fails aloud has its own code and its own lane; stale samples alone are no sign of life.
///
/// # Errors
/// The engine is gone.
pub fn sample(
    clock: Clock,
    sensor: &mut dyn StatusSensor,
    lanes: &[LaneId],
    rounds: &mpsc::Sender<Round>,
    beat: &Beat,
    stop: &CancellationToken,
) -> anyhow::Result<()> {
    let mut due = clock.now();
    let mut dropped = 0_u64;
    while !stop.is_cancelled() {
        let round: Round = lanes
            .iter()
            .filter_map(|lane| match sensor.sample(*lane) {
                Err(JigError::Stale { .. }) => None,
                result @ (Ok(_) | Err(JigError::Failed { .. } | JigError::Board(_))) => Some((*lane, result)),
            })
            .collect();
        let fresh = !round.is_empty();
        match rounds.try_send(round) {
            Ok(()) if fresh => beat.beat(),
            Ok(()) => {}
            Err(TrySendError::Full(_)) => {
                dropped += 1;
                if dropped.is_power_of_two() {
                    tracing::warn!("the engine falls behind: {dropped} rounds of samples dropped so far");
                }
            }
            Err(TrySendError::Closed(_)) => {
                anyhow::ensure!(stop.is_cancelled(), "the engine takes no samples");
            }
        }
        // After a pause (a stopped process, a starved machine) there is nothing to catch up with.
        due = (due + SAMPLE_EVERY).max(clock.now() - SAMPLE_EVERY);
        clock.sleep_until(due);
    }
    Ok(())
}

/// One nest switch, debounced.
struct Switch {
    lane: LaneId,
    told: bool,
    other: u8,
    broken: bool,
}

/// Watches nests and scanners until the stop, and says who was seated and lifted.
///
/// # Errors
/// The ledger's task is gone.
pub fn watch(
    clock: Clock,
    nest: &mut dyn Nest,
    scanner: &mut dyn Scanner,
    occupied: &[(LaneId, bool)],
    jobs: &mpsc::Sender<Job>,
    stop: &CancellationToken,
) -> anyhow::Result<()> {
    let mut scans = Scans::default();
    let mut switches: Vec<Switch> = occupied
        .iter()
        .map(|(lane, told)| Switch {
            lane: *lane,
            told: *told,
            other: 0,
            broken: false,
        })
        .collect();
    let mut due = clock.now();
    while !stop.is_cancelled() {
        scans.take(scanner, clock.now());
        for switch in &mut switches {
            let Some(occupied) = switch.turned(nest) else {
                continue;
            };
            let job = if occupied {
                Job::Seated(switch.lane, new_run(), scans.serial(switch.lane, clock.now()))
            } else {
                Job::Lifted(switch.lane)
            };
            if jobs.blocking_send(job).is_err() && !stop.is_cancelled() {
                anyhow::bail!("the ledger's task is gone");
            }
        }
        due = (due + LOOK_EVERY).max(clock.now() - LOOK_EVERY);
        clock.sleep_until(due);
    }
    Ok(())
}

/// An id for a run that may follow. Version 7, so that ids sort by time.
fn new_run() -> RunId {
    let micros = u64::try_from(wall().micros).unwrap_or(0);
    let at = uuid::Timestamp::from_unix(uuid::NoContext, micros / 1_000_000, 1000 * (micros % 1_000_000) as u32);
    RunId(uuid::Uuid::new_v7(at))
}

impl Switch {
    /// Whether the nest is occupied, when that has just changed.
    fn turned(&mut self, nest: &mut dyn Nest) -> Option<bool> {
        let occupied = match nest.occupied(self.lane) {
            Ok(occupied) => {
                self.broken = false;
                occupied
            }
            Err(error) => {
                if !self.broken {
                    tracing::error!("{error}");
                }
                self.broken = true;
                return None;
            }
        };
        if occupied == self.told {
            self.other = 0;
            return None;
        }
        self.other += 1;
        if self.other < SAME {
            return None;
        }
        self.other = 0;
        self.told = occupied;
        Some(occupied)
    }
}

/// Scans that wait for their unit.
#[derive(Debug, Default)]
struct Scans {
    waiting: VecDeque<(Tick, Option<LaneId>, Serial)>,
    broken: bool,
}

impl Scans {
    fn take(&mut self, scanner: &mut dyn Scanner, now: Tick) {
        loop {
            match scanner.next() {
                Ok(Some(scan)) => {
                    // A lane's second scan takes the place of its first.
                    self.waiting.retain(|(_, lane, _)| *lane != scan.lane);
                    self.waiting.push_back((now, scan.lane, scan.serial));
                    self.broken = false;
                }
                Ok(None) => {
                    self.broken = false;
                    return;
                }
                Err(error) => {
                    if !self.broken {
                        tracing::error!("{error}");
                    }
                    self.broken = true;
                    return;
                }
            }
        }
    }

    /// The serial for the unit that was just seated in a lane.
    fn serial(&mut self, seated: LaneId, now: Tick) -> Option<Serial> {
        self.waiting.retain(|(at, ..)| now.since(*at) <= SCAN_LASTS);
        let place = self
            .waiting
            .iter()
            .position(|(_, lane, _)| *lane == Some(seated))
            .or_else(|| self.waiting.iter().position(|(_, lane, _)| lane.is_none()))?;
        self.waiting.remove(place).map(|(_, _, serial)| serial)
    }
}
