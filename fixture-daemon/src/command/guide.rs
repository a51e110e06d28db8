//! A guide: asks a person at the terminal, and shows the same steps with live figures on the fixture's screen.
//!
//! The screen reads the fixture's socket, which nobody serves while the daemon is stopped: the guide serves it meanwhile, with snapshots
//! that say COMMISSIONING and hold no lane.

use core::time::Duration;
use std::io::{BufRead as _, Write};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::thread::JoinHandle;

use anyhow::{Context as _, ensure};
use fixture_link::identity::LaneId;
use fixture_link::snapshot::{Commissioning, Figure, Fixture, LineView, Machine, Snapshot, Turn};
use tokio::sync::{mpsc, watch};
use tokio_util::sync::CancellationToken;

use crate::clock::{Clock, wall};
use crate::config::Config;
use crate::engine::recipe::PassRule;
use crate::socket::{Ask, Desk, Published, Socket};
use crate::tasks::Tasks;

/// How often a snapshot is made although nothing has changed: viewers take 1.5 s of silence for the end.
const AT_LEAST_EVERY: Duration = Duration::from_millis(400);
/// How long the terminal is waited for at a time, where nothing is measured meanwhile.
const LISTENS: Duration = Duration::from_millis(100);

/// A person at the terminal, and whoever looks at the screen.
pub struct Guide<O> {
    lines: Receiver<String>,
    said: O,
    screen: Screen,
    step: Commissioning,
    stop: CancellationToken,
}

impl<O: Write> Guide<O> {
    /// Begins to listen to standard input and to serve the screen.
    pub fn open(config: &Config, said: O, stop: CancellationToken) -> std::io::Result<Self> {
        let (typed, lines) = channel();
        std::thread::Builder::new().name("terminal".to_owned()).spawn(move || {
            for line in std::io::stdin().lock().lines().map_while(Result::ok) {
                if typed.send(line).is_err() {
                    return;
                }
            }
        })?;
        let first = Commissioning {
            lane: None,
            step: 1,
            of: 1,
            what: "The jig is taken into use.".to_owned(),
            turn: Turn::Fixture,
            figures: Vec::new(),
        };
        Ok(Self {
            lines,
            said,
            screen: Screen::open(config, first.clone()),
            step: first,
            stop,
        })
    }

    /// Something that stays on the terminal.
    pub fn say(&mut self, what: &str) -> anyhow::Result<()> {
        writeln!(self.said, "{what}")?;
        Ok(())
    }

    /// The next step, of so many.
    pub fn step(&mut self, lane: Option<LaneId>, step: u32, of: u32) {
        (self.step.lane, self.step.step, self.step.of) = (lane, step, of);
    }

    /// The fixture's turn: something is measured.
    pub fn measures(&mut self, what: &str) {
        what.clone_into(&mut self.step.what);
        self.step.turn = Turn::Fixture;
        self.screen.show(&self.step);
    }

    /// Figures that stand until others do.
    pub fn figures(&mut self, figures: Vec<Figure>) {
        self.step.figures = figures;
        self.screen.show(&self.step);
    }

    /// Asks for an answer; `live` is called meanwhile, again and again, and gives the figures of the moment.
    ///
    /// # Errors
    /// Nobody answers, the process was told to stop, or `live` failed.
    pub fn ask(
        &mut self,
        what: &str,
        mut live: impl FnMut() -> anyhow::Result<Option<Vec<Figure>>>,
    ) -> anyhow::Result<String> {
        let place = self.step.lane.map_or_else(String::new, |lane| format!("Lane {lane}: "));
        write!(self.said, "{place}{what} ")?;
        self.said.flush()?;
        what.clone_into(&mut self.step.what);
        self.step.turn = Turn::Person;
        self.screen.show(&self.step);
        loop {
            match self
                .lines
                .try_recv()
                .or_else(|_| self.lines.recv_timeout(Duration::from_millis(1)))
            {
                Ok(typed) => return Ok(typed.trim().to_owned()),
                Err(RecvTimeoutError::Disconnected) => anyhow::bail!("nobody answers: nothing was written"),
                Err(RecvTimeoutError::Timeout) => {}
            }
            ensure!(!self.stop.is_cancelled(), "stopped: nothing was written");
            match live()? {
                Some(figures) => self.figures(figures),
                None => match self.lines.recv_timeout(LISTENS) {
                    Ok(typed) => return Ok(typed.trim().to_owned()),
                    Err(RecvTimeoutError::Disconnected) => anyhow::bail!("nobody answers: nothing was written"),
                    Err(RecvTimeoutError::Timeout) => {}
                },
            }
        }
    }

    /// Asks for a thing to be done.
    ///
    /// # Errors
    /// As [`ask`](Self::ask).
    pub fn wait(
        &mut self,
        what: &str,
        live: impl FnMut() -> anyhow::Result<Option<Vec<Figure>>>,
    ) -> anyhow::Result<()> {
        self.ask(&format!("{what} Then press Enter."), live).map(drop)
    }
}

/// The fixture's screen, where it can be served.
struct Screen {
    newest: watch::Sender<Commissioning>,
    stop: CancellationToken,
    thread: Option<JoinHandle<()>>,
}

impl Screen {
    /// Serves the socket of a configuration. Where that cannot be, the terminal alone guides, and says so.
    fn open(config: &Config, first: Commissioning) -> Self {
        let (newest, steps) = watch::channel(first);
        let stop = CancellationToken::new();
        let settings = config.settings.clone();
        let fixture = Fixture {
            id: settings.id.clone(),
            name: settings.name.clone(),
            software: env!("CARGO_PKG_VERSION").to_owned(),
            recipe: config.recipe.name.clone(),
            recipe_version: config.recipe.version.clone(),
            simulated: config.simulated(),
            led_evidence_only: matches!(config.recipe.pass, PassRule::LedOnly { .. }),
            without_real_time: false,
        };
        let thread = {
            let stop = stop.clone();
            std::thread::Builder::new().name("screen".to_owned()).spawn(move || {
                if let Err(error) = serve(&settings.socket, &fixture, steps, &stop) {
                    tracing::warn!("the screen does not show these steps: {error:#}");
                }
            })
        };
        Self {
            newest,
            stop,
            thread: thread.ok(),
        }
    }

    fn show(&self, step: &Commissioning) {
        self.newest.send_replace(step.clone());
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        self.stop.cancel();
        if let Some(thread) = self.thread.take() {
            // A panic in it has been told by the thread itself.
            let _ = thread.join();
        }
    }
}

fn serve(
    path: &std::path::Path,
    fixture: &Fixture,
    mut steps: watch::Receiver<Commissioning>,
    stop: &CancellationToken,
) -> anyhow::Result<()> {
    if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        std::fs::create_dir_all(folder).with_context(|| format!("{}: cannot be made", folder.display()))?;
    }
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let clock = Clock::start();
        let socket = Socket::take(path)?;
        let (tasks, _ended) = Tasks::new();
        let mut beat = 1;
        let (newest, published) = watch::channel(publish(fixture, &steps.borrow_and_update(), clock, beat)?);
        let (asks, mut asked) = mpsc::channel(16);
        let desk = Desk {
            clock,
            newest: published,
            asks,
            stop: stop.clone(),
        };
        tasks.spawn("socket", async move {
            socket.serve(desk).await.context("the listener failed")
        });
        loop {
            tokio::select! {
                () = stop.cancelled() => break,
                _ = tokio::time::timeout(AT_LEAST_EVERY, steps.changed()) => {
                    beat += 1;
                    newest.send_replace(publish(fixture, &steps.borrow_and_update(), clock, beat)?);
                }
                Some(ask) = asked.recv() => refuse(ask),
            }
        }
        tasks.stop().cancel();
        tasks.finish(Duration::from_secs(1)).await?;
        Ok(())
    })
}

/// Nobody's act is done meanwhile. A bless event is not taken, so that whoever sends it tries again.
fn refuse(ask: Ask) {
    match ask {
        Ask::Act(_, answer) => drop(answer.send(Err("the jig is being commissioned".to_owned()))),
        Ask::Bless(_, answer) => drop(answer),
    }
}

fn publish(fixture: &Fixture, step: &Commissioning, clock: Clock, beat: u64) -> anyhow::Result<Published> {
    let snapshot = Snapshot {
        version: fixture_link::VERSION,
        beat,
        at: wall(),
        fixture: fixture.clone(),
        line: LineView {
            lot: String::new(),
            work_order: String::new(),
            language: String::new(),
            stopped: None,
            study: None,
        },
        lanes: Vec::new(),
        notices: Vec::new(),
        shelved: Vec::new(),
        machine: Machine::default(),
        shift: None,
        commissioning: Some(step.clone()),
    };
    let json: Arc<str> = serde_json::to_string(&snapshot)?.into();
    Ok(Published {
        made: clock.now(),
        json,
    })
}
