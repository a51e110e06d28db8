//! What lives around a simulated jig in real time: its model operator presses buttons, and its model cloud sends bless events.

use core::time::Duration;

use fixture_link::act::{ActId, ActRequest};
use tokio::sync::{mpsc, oneshot};
use tokio::time::MissedTickBehavior;
use tokio_util::sync::CancellationToken;

use super::Told;
use super::clerk::Job;
use crate::engine::input::Input;
use crate::jig::simulated::{Event, Jig};

/// How often the model is asked what has happened.
const EVERY: Duration = Duration::from_millis(50);

/// Carries what happens around the jig to those who must know, until the stop. Nest switches and scanners are read elsewhere.
///
/// # Errors
/// The clerk is gone.
pub async fn carry(
    jig: Jig,
    jobs: mpsc::Sender<Job>,
    told: mpsc::UnboundedSender<Told>,
    stop: CancellationToken,
) -> anyhow::Result<()> {
    let mut every = tokio::time::interval(EVERY);
    every.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            () = stop.cancelled() => return Ok(()),
            _ = every.tick() => {}
        }
        let events = jig.world().0.take_events();
        for (_, event) in events {
            match event {
                Event::Seated(_) | Event::Lifted(_) => {}
                Event::Bless(event) => {
                    // With the engine's task gone the daemon stops.
                    let _ = told.send(Told::Input(Input::Bless(event)));
                }
                Event::Act(request) => {
                    let request = ActRequest {
                        id: ActId(uuid::Uuid::now_v7()),
                        ..request
                    };
                    // The model operator looks at the screen for the answer.
                    let (answer, _) = oneshot::channel();
                    let sent = jobs.send(Job::Act(request, answer)).await;
                    anyhow::ensure!(sent.is_ok() || stop.is_cancelled(), "the ledger's task is gone");
                }
            }
        }
    }
}
