//! Everything that runs beside the engine, by name: a task that ends by itself stops the daemon with that name.

use core::future::Future;
use core::time::Duration;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// The daemon's tasks and threads.
#[derive(Debug, Clone)]
pub struct Tasks {
    tracker: TaskTracker,
    stop: CancellationToken,
    asked: CancellationToken,
    running: Arc<Mutex<Vec<String>>>,
    ended: mpsc::UnboundedSender<Ended>,
}

/// A task that ended although nobody had stopped it.
#[derive(Debug)]
pub struct Ended {
    /// Its name.
    pub name: String,
    /// Why, where it said so.
    pub why: Option<anyhow::Error>,
}

/// Names every task that had not ended in time.
#[derive(Debug, thiserror::Error)]
#[error("still running after {} ms: {}", waited.as_millis(), names.join(", "))]
pub struct StillRunning {
    waited: Duration,
    names: Vec<String>,
}

impl Tasks {
    /// No tasks yet, and where those that end by themselves are named.
    pub fn new() -> (Self, mpsc::UnboundedReceiver<Ended>) {
        let (ended, receiver) = mpsc::unbounded_channel();
        let tasks = Self {
            tracker: TaskTracker::new(),
            stop: CancellationToken::new(),
            asked: CancellationToken::new(),
            running: Arc::default(),
            ended,
        };
        (tasks, receiver)
    }

    /// Cancelled when all tasks are to end.
    pub fn stop(&self) -> &CancellationToken {
        &self.stop
    }

    /// Cancelled when a person or the service manager has asked for the end; it is not, where a part that failed is the reason.
    pub fn asked(&self) -> &CancellationToken {
        &self.asked
    }

    /// Runs a task that must not end before [`stop`](Self::stop) is cancelled.
    pub fn spawn(&self, name: impl Into<String>, work: impl Future<Output = anyhow::Result<()>> + Send + 'static) {
        let mut watch = self.watch(name.into(), Lives::UntilStopped);
        self.tracker.spawn(async move { watch.tell(work.await) });
    }

    /// Runs a short piece of work that ends by itself; only a panic in it stops the daemon.
    pub fn spawn_short(&self, name: impl Into<String>, work: impl Future<Output = ()> + Send + 'static) {
        let mut watch = self.watch(name.into(), Lives::Shortly);
        self.tracker.spawn(async move {
            work.await;
            watch.done();
        });
    }

    /// Runs a thread of its own that must not end before [`stop`](Self::stop) is cancelled; `work` looks at the token by itself.
    ///
    /// # Errors
    /// The system gives no thread.
    pub fn thread(
        &self,
        name: impl Into<String>,
        work: impl FnOnce(&CancellationToken) -> anyhow::Result<()> + Send + 'static,
    ) -> std::io::Result<()> {
        let name = name.into();
        let mut watch = self.watch(name.clone(), Lives::UntilStopped);
        let stop = self.stop.clone();
        let counted = self.tracker.token();
        std::thread::Builder::new().name(name).spawn(move || {
            watch.tell(work(&stop));
            drop(watch);
            drop(counted);
        })?;
        Ok(())
    }

    /// Waits for every task to end, after [`stop`](Self::stop) has been cancelled.
    ///
    /// # Errors
    /// Some have not ended in time; they are named.
    pub async fn finish(&self, within: Duration) -> Result<(), StillRunning> {
        self.tracker.close();
        tokio::time::timeout(within, self.tracker.wait())
            .await
            .map_err(|_| StillRunning {
                waited: within,
                names: self.running.lock().unwrap_or_else(PoisonError::into_inner).clone(),
            })
    }

    fn watch(&self, name: String, lives: Lives) -> Watch {
        self.running
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(name.clone());
        Watch {
            name,
            lives,
            done: false,
            told: None,
            tasks: self.clone(),
        }
    }
}

/// How long a task is meant to live.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Lives {
    UntilStopped,
    Shortly,
}

/// Notices the end of a task, also by a panic.
#[derive(Debug)]
struct Watch {
    name: String,
    lives: Lives,
    done: bool,
    told: Option<anyhow::Error>,
    tasks: Tasks,
}

impl Watch {
    fn tell(&mut self, result: anyhow::Result<()>) {
        self.told = result.err();
    }

    fn done(&mut self) {
        self.done = true;
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        let mut running = self.tasks.running.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(place) = running.iter().position(|name| *name == self.name) {
            running.swap_remove(place);
        }
        drop(running);
        let expected = match self.lives {
            Lives::UntilStopped => self.tasks.stop.is_cancelled() && self.told.is_none(),
            Lives::Shortly => self.done,
        };
        if !expected {
            let ended = Ended {
                name: core::mem::take(&mut self.name),
                why: self.told.take(),
            };
            // Nobody listens any more only when the daemon is gone.
            let _ = self.tasks.ended.send(ended);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_task_that_ends_by_itself_is_named_with_its_reason() {
        let (tasks, mut ended) = Tasks::new();
        tasks.spawn("socket", async { Err(anyhow::anyhow!("no more files")) });
        let end = ended.recv().await.unwrap();
        assert_eq!(end.name, "socket");
        assert_eq!(end.why.unwrap().to_string(), "no more files");
    }

    #[tokio::test]
    async fn a_thread_that_panics_is_named() {
        let (tasks, mut ended) = Tasks::new();
        tasks.thread("sampler", |_| panic!("the bus is gone")).unwrap();
        let end = ended.recv().await.unwrap();
        assert_eq!(end.name, "sampler");
        assert!(end.why.is_none());
    }

    #[tokio::test]
    async fn tasks_that_end_after_the_stop_are_not_told() {
        let (tasks, mut ended) = Tasks::new();
        let stop = tasks.stop().clone();
        tasks.spawn("engine", async move {
            stop.cancelled().await;
            Ok(())
        });
        tasks.spawn_short("token", async {});
        tasks.stop().cancel();
        tasks.finish(Duration::from_secs(10)).await.unwrap();
        assert!(ended.try_recv().is_err());
    }

    #[tokio::test]
    async fn a_task_that_does_not_end_is_named() {
        let (tasks, _ended) = Tasks::new();
        tasks.spawn("web", core::future::pending());
        tasks.stop().cancel();
        let still = tasks.finish(Duration::from_millis(10)).await.unwrap_err();
        assert_eq!(still.to_string(), "still running after 10 ms: web");
    }
}
