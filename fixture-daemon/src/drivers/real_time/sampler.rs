//! The thread that samples the sensor.

use core::time::Duration;

use blinkup::sample::Sample;
use fixture_link::identity::LaneId;
use tokio::sync::mpsc;
use tokio::sync::mpsc::error::TrySendError;
use tokio_util::sync::CancellationToken;

use crate::clock::Clock;
use crate::jig::{JigError, StatusSensor};
use crate::watchdog::Beat;

/// One sample of every lane; a lost one is left out.
pub type Round = Vec<(LaneId, Result<Sample, JigError>)>;

/// How often each lane is sampled.
pub const SAMPLE_EVERY: Duration = Duration::from_millis(10);

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
