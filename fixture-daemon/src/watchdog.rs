//! What the service manager is told: ready, alive, stopping (`sd_notify(3)`).
//!
//! Alive means that the sampler brings fresh samples and every lamp's thread goes round. Where one stands still the service manager
//! hears nothing, and starts the daemon again; every lamp is dark then, and the run that was under way is INTERRUPTED.

use core::time::Duration;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use sd_notify::NotifyState;
use tokio_util::sync::CancellationToken;

/// How often the service manager hears of a living daemon within the time that it waits for that.
const FED_WITHIN: u32 = 4;

/// While something long keeps the daemon from answering, the service manager is asked so often to wait for so much longer.
const MORE_TIME_EVERY: Duration = Duration::from_secs(10);
const MORE_TIME: Duration = Duration::from_mins(2);

/// The beat of one thread: it moves as often as the thread has done what it is for.
#[derive(Debug, Clone, Default)]
pub struct Beat(Arc<AtomicU64>);

impl Beat {
    /// Moves it on.
    pub fn beat(&self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

/// The beats of all threads that light rests on.
#[derive(Debug, Default)]
pub struct Watchdog {
    watched: Vec<Watched>,
}

#[derive(Debug)]
struct Watched {
    name: String,
    beat: Beat,
    seen: u64,
}

impl Watchdog {
    /// A beat for one more thread.
    pub fn watch(&mut self, name: impl Into<String>) -> Beat {
        let beat = Beat::default();
        self.watched.push(Watched {
            name: name.into(),
            beat: beat.clone(),
            seen: 0,
        });
        beat
    }

    /// The threads whose beat has not moved since all had moved last; where there are none, the time since then begins anew.
    fn still(&mut self) -> Vec<&str> {
        let moved = |watched: &Watched| watched.beat.0.load(Ordering::Relaxed) != watched.seen;
        if self.watched.iter().all(moved) {
            for watched in &mut self.watched {
                watched.seen = watched.beat.0.load(Ordering::Relaxed);
            }
            return Vec::new();
        }
        let still = self.watched.iter().filter(|watched| !moved(watched));
        still.map(|watched| watched.name.as_str()).collect()
    }

    /// Tells the service manager of life until the stop, as often as it asks for; returns at the stop where it does not ask.
    ///
    /// # Errors
    /// The service manager cannot be told.
    pub async fn feed(mut self, stop: CancellationToken) -> anyhow::Result<()> {
        let Some(within) = sd_notify::watchdog_enabled().filter(|within| *within >= Duration::from_millis(1)) else {
            stop.cancelled().await;
            return Ok(());
        };
        let mut due = tokio::time::interval(within / FED_WITHIN);
        due.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        let mut silent = false;
        loop {
            tokio::select! {
                biased;
                () = stop.cancelled() => return Ok(()),
                _ = due.tick() => {}
            }
            let still = self.still();
            if still.is_empty() {
                sd_notify::notify(&[NotifyState::Watchdog])?;
                silent = false;
            } else if !silent {
                tracing::warn!("{}: no sign of life; the service manager is not fed", still.join(", "));
                silent = true;
            }
        }
    }
}

/// Does what may keep the daemon from answering for longer than the service manager waits for a start, such as bringing a large ledger to this program's version:
/// it is told of that and waits on, for as long as what `progress` says is another each time. In the `status` stands what is done.
pub async fn starting<T, P: PartialEq>(
    status: &str,
    mut progress: impl FnMut() -> P,
    work: impl Future<Output = T>,
) -> T {
    let micros = u32::try_from(MORE_TIME.as_micros()).unwrap_or(u32::MAX);
    let mut before = None;
    patiently(work, MORE_TIME_EVERY, || {
        let now = Some(progress());
        if now == before {
            tracing::warn!("{status}: nothing moves");
            return;
        }
        before = now;
        tracing::info!("{status}");
        if let Err(error) = sd_notify::notify(&[NotifyState::ExtendTimeoutUsec(micros), NotifyState::Status(status)]) {
            tracing::warn!("the service manager cannot be asked for more time: {error}");
        }
    })
    .await
}

/// Does something, and asks for more time again and again until it is done.
async fn patiently<T>(work: impl Future<Output = T>, every: Duration, mut more_time: impl FnMut()) -> T {
    let mut work = core::pin::pin!(work);
    let first = tokio::time::Instant::now() + every;
    let mut due = tokio::time::interval_at(first, every);
    loop {
        tokio::select! {
            biased;
            done = &mut work => return done,
            _ = due.tick() => more_time(),
        }
    }
}

/// Tells the service manager that the daemon answers.
///
/// # Errors
/// There is a service manager, and it cannot be told.
pub fn ready(status: &str) -> std::io::Result<()> {
    sd_notify::notify(&[NotifyState::Ready, NotifyState::Status(status)])
}

/// Tells the service manager that the daemon ends. Where it cannot be told, the end comes all the same.
pub fn stopping() {
    if let Err(error) = sd_notify::notify(&[NotifyState::Stopping]) {
        tracing::warn!("the service manager cannot be told of the end: {error}");
    }
}

#[cfg(test)]
mod tests {
    use tokio::sync::Semaphore;

    use super::*;

    #[tokio::test]
    async fn what_takes_long_is_given_more_time_again_and_again_and_what_does_not_is_given_none() {
        let given = Semaphore::new(0);
        let three_times = async { given.acquire_many(3).await.map(|_| "done") };
        let done = patiently(three_times, Duration::from_micros(1), || given.add_permits(1)).await;
        assert_eq!(done.unwrap(), "done");
        let at_once = patiently(core::future::ready(7), Duration::from_micros(1), || {
            panic!("no time is needed")
        });
        assert_eq!(at_once.await, 7);
    }

    #[test]
    fn whoever_stands_still_is_named_until_it_moves_again() {
        let mut watchdog = Watchdog::default();
        let (sampler, lamp) = (watchdog.watch("sampler"), watchdog.watch("lamp 1"));
        assert_eq!(watchdog.still(), ["sampler", "lamp 1"]);
        sampler.beat();
        lamp.beat();
        assert!(watchdog.still().is_empty());
        sampler.beat();
        assert_eq!(watchdog.still(), ["lamp 1"]);
        sampler.beat();
        assert_eq!(watchdog.still(), ["lamp 1"]);
        lamp.beat();
        assert!(watchdog.still().is_empty());
        assert_eq!(watchdog.still(), ["sampler", "lamp 1"]);
    }
}
