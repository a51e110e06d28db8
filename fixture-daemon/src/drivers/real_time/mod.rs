//! Real time: the engine in one task, the ledger in another, lamps, sampler and nests on threads of their own.
//!
//! The engine's task never waits for a disk or a network. Verdicts reach a snapshot only after the clerk has committed them.

pub mod alarms;
pub mod checks;
pub mod clerk;
pub mod gate;
pub mod imp;
pub mod labels;
pub mod looks;
pub mod nests;
pub mod news;
pub mod note;
pub mod power;
pub mod recipes;
pub mod sampler;
pub mod setups;
pub mod shift;
pub mod signals;
pub mod standing;
pub mod stray;
pub mod surroundings;
pub mod unlifted;

use core::time::Duration;
use std::sync::Arc;

use blinkup::Tick;
use fixture_ledger::record::{RunEnd, UnitHistory};
use fixture_link::act::{ActRequest, Mark};
use fixture_link::identity::{LaneId, RunId, Serial, WallTime};
use fixture_link::snapshot::{Fixture, LineStop, Snapshot};
use fixture_link::verdict::VerdictCode;
use tokio::sync::{mpsc, watch};
use tokio::time::Instant;

use crate::clock::{Clock, wall};
use crate::engine::effect::{Effect, LaneEffect};
use crate::engine::input::{ActFacts, Input, LaneInput, NewRecipe};
use crate::engine::line::Line;
use crate::enrolment::TokenSource;
use crate::jig::simulated::Jig as SimulatedJig;
use crate::sender::Sender;
use crate::socket::Published;
use crate::tasks::Tasks;
use checks::Checks;
use clerk::Job;
use looks::{Found, Looks};
use news::News;
use note::Note;
use power::{Relays, Switched};
use sampler::Round;
use signals::Outside;
use stray::Strays;

/// The least time between two snapshots without a verdict that nobody saw: people do not read faster, and a progress bar needs no more.
const SHOW_AT_MOST_EVERY: Duration = Duration::from_millis(100);

/// A snapshot is made at least so often: viewers take 1.5 s of silence for the daemon's end.
const SHOW_AT_LEAST_EVERY: Duration = Duration::from_millis(400);

/// How long after a relay's failure its unit is given power again.
const RELAY_AGAIN: Duration = Duration::from_secs(1);

/// How long the lamps' last reports may take after the stop; a symbol lasts at most 100 ms.
const LAST_REPORTS: Duration = Duration::from_secs(2);

/// What the engine's task is told by others than the lamps and the sampler.
#[derive(Debug)]
pub enum Told {
    /// An input.
    Input(Input),
    /// A person's act.
    Act(Box<Act>),
    /// A verdict is committed; its `Stored` follows.
    Committed {
        /// The lane.
        lane: LaneId,
        /// The run.
        run: RunId,
        /// The verdict.
        code: VerdictCode,
        /// Since when it is in the ledger.
        at: Tick,
    },
    /// A unit is to get its power again.
    PowerBack(LaneId),
    /// Network or machine were looked at.
    Found(Found),
}

/// A person's act on its way through the engine.
#[derive(Debug)]
pub struct Act {
    /// What, and who.
    pub request: ActRequest,
    /// What the ledger says about the serial that it names.
    pub history: Option<UnitHistory>,
    /// The version of a recipe that it makes, or why there is none; `None` where it makes none.
    pub recipe: Option<Result<NewRecipe, String>>,
    /// What it says about the marks of the units of a study that is to begin.
    pub marks: Vec<(Serial, Mark)>,
}

/// The engine's task: everything that it holds.
pub struct Engine {
    /// The engine.
    pub line: Line,
    /// The clock of everything.
    pub clock: Clock,
    /// Which fixture it is; what its units are run by is the engine's.
    pub fixture: Fixture,
    /// The lamps' threads, in order of lane.
    pub senders: Vec<(LaneId, Sender)>,
    /// The relays.
    pub power: Relays,
    /// Tower light and PLC lines.
    pub signals: Outside,
    /// Where tokens come from; `None` where the recipe sends none.
    pub source: Option<TokenSource>,
    /// To the clerk.
    pub jobs: mpsc::Sender<Job>,
    /// To this task itself, for answers that come later.
    pub told: mpsc::UnboundedSender<Told>,
    /// For those answers.
    pub tasks: Tasks,
    /// Where the newest snapshot goes.
    pub newest: watch::Sender<Published>,
    /// The simulated jig, whose model operator reads the screen.
    pub simulated: Option<SimulatedJig>,
    /// What is looked at besides units.
    pub looks: Looks,
    /// Golden checks; `None` where there are none.
    pub checks: Option<Checks>,
    /// What this shift has made.
    pub tally: shift::Tally,
    /// Where LEDs flash.
    pub strays: Strays,
    /// Verdicts that nobody is shown yet.
    pub news: News,
    /// The stop that an earlier process left, with the wall time of its beginning; the engine has it since [`Tick::ZERO`].
    pub stopped_before: Vec<LineStop>,
}

/// What comes in.
pub struct Incoming {
    /// Lamp edges and reports; closed when every lamp's thread has ended.
    pub lamps: mpsc::Receiver<Input>,
    /// What others say.
    pub told: mpsc::UnboundedReceiver<Told>,
    /// Samples.
    pub rounds: mpsc::Receiver<Round>,
}

/// When snapshots were and will be made.
struct Shown {
    beat: u64,
    last: Tick,
    wanted: Wanted,
}

/// Whether the view has changed since the last snapshot.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Wanted {
    No,
    Yes,
    /// By a verdict: at once.
    Now,
}

impl Engine {
    /// Runs the engine until the stop; then waits for the lamps' last reports and stores what they say.
    ///
    /// # Errors
    /// A lamp's thread takes no orders, or the clerk is gone.
    pub async fn run(mut self, mut incoming: Incoming) -> anyhow::Result<()> {
        let stop = self.tasks.stop().clone();
        let mut shown = Shown {
            beat: 0,
            last: self.clock.now(),
            wanted: Wanted::Yes,
        };
        let mut effects = Vec::new();
        loop {
            self.show(&mut shown);
            self.check(&mut effects);
            let deadline = self.at(self.line.deadline().map(|(at, _)| at));
            let show = self.at(Some(shown.due()));
            tokio::select! {
                biased;
                () = stop.cancelled() => break,
                Some(input) = incoming.lamps.recv() => self.feed(input, &mut effects),
                Some(told) = incoming.told.recv() => self.told(told, &mut effects),
                Some(round) = incoming.rounds.recv() => self.samples(round, &mut effects),
                () = tokio::time::sleep_until(deadline) => self.feed(Input::Tick, &mut effects),
                () = tokio::time::sleep_until(show) => {}
            }
            self.perform_all(&mut effects, &mut shown).await?;
        }
        let mut cut_short = Vec::new();
        let last = self.last_reports(incoming, &mut effects, &mut shown, &mut cut_short);
        if tokio::time::timeout(LAST_REPORTS, last).await.is_err() {
            tracing::error!("the lamps' threads did not end within {} s", LAST_REPORTS.as_secs());
        }
        cut_short.extend(self.line.interrupt(self.clock.now()));
        for end in cut_short {
            tracing::warn!("run {}: interrupted by the end of the daemon", end.run);
            self.jobs
                .send(Job::Note(Note::Interrupted(Box::new(end))))
                .await
                .map_err(|_| anyhow::anyhow!("the ledger's task is gone"))?;
        }
        Ok(())
    }

    /// After the stop: the lamps' threads end by themselves, and what they report last is stored.
    async fn last_reports(
        &mut self,
        mut incoming: Incoming,
        effects: &mut Vec<Effect>,
        shown: &mut Shown,
        cut_short: &mut Vec<RunEnd>,
    ) -> anyhow::Result<()> {
        for (_, sender) in &mut self.senders {
            sender.stop();
        }
        while let Some(input) = incoming.lamps.recv().await {
            self.feed(input, effects);
            // The daemon's end is no verdict about a unit, whatever the engine makes of a lamp that stopped.
            for effect in &*effects {
                if let Effect::Lane(_, LaneEffect::Commit(end)) = effect {
                    let mut end = RunEnd::clone(end);
                    end.code = VerdictCode::Interrupted;
                    cut_short.push(end);
                }
            }
            effects.retain(|effect| match effect {
                Effect::Lane(
                    _,
                    LaneEffect::RequestToken { .. }
                    | LaneEffect::PollClaim { .. }
                    | LaneEffect::Send(_)
                    | LaneEffect::SendByImp { .. }
                    | LaneEffect::TestFlash { .. }
                    | LaneEffect::PowerCycle { .. }
                    | LaneEffect::Commit(_)
                    | LaneEffect::Signal(_),
                )
                | Effect::Show => false,
                Effect::Lane(
                    _,
                    LaneEffect::BeginRun { .. }
                    | LaneEffect::Refuse(..)
                    | LaneEffect::StopSending
                    | LaneEffect::RecordAttempt { .. }
                    | LaneEffect::RecordLifted(_),
                )
                | Effect::Audit(_)
                | Effect::Shelve { .. }
                | Effect::CheckDone { .. }
                | Effect::LineStopped(_)
                | Effect::StopLifted(_)
                | Effect::Annotate(_)
                | Effect::UnknownBless(_) => true,
            });
            self.perform_all(effects, shown).await?;
        }
        Ok(())
    }

    fn at(&self, at: Option<Tick>) -> Instant {
        let now = self.clock.now();
        // A day stands for never.
        Instant::now() + at.map_or(Duration::from_hours(24), |at| at.since(now))
    }

    /// Tells the engine of golden checks that become due.
    fn check(&mut self, effects: &mut Vec<Effect>) {
        let Some(checks) = &mut self.checks else { return };
        for due in checks.due(wall(), self.clock.now()) {
            self.feed(Input::CheckDue(due), effects);
        }
    }

    fn feed(&mut self, input: Input, effects: &mut Vec<Effect>) {
        let now = self.clock.now();
        self.news.evidence(now);
        effects.extend(self.line.step(now, input));
    }

    fn told(&mut self, told: Told, effects: &mut Vec<Effect>) {
        match told {
            Told::Input(input) => {
                let stored = if let Input::Lane(_, LaneInput::Stored { run, .. }) = &input {
                    Some(*run)
                } else {
                    None
                };
                self.feed(input, effects);
                if let Some(run) = stored {
                    self.news.told(run);
                }
            }
            Told::Committed { lane, run, code, at } => {
                self.news.committed(run, at);
                self.tally.committed();
                if let Some(jig) = &self.simulated {
                    let (mut world, now) = jig.world();
                    world.verdict(now, lane, code);
                }
            }
            Told::PowerBack(lane) => {
                let switched = self.power.on(lane);
                self.switched(lane, switched, effects);
            }
            Told::Found(found) => {
                if let Some(input) = self.looks.found(found) {
                    self.feed(input, effects);
                }
            }
            Told::Act(act) => {
                let Act {
                    request,
                    history,
                    recipe,
                    marks,
                } = *act;
                let notice = if let fixture_link::act::Act::Shelve { part, .. } = &request.act {
                    self.looks.says(part)
                } else {
                    None
                };
                let facts = ActFacts {
                    at: Some(wall()),
                    history,
                    notice,
                    recipe: recipe.map(Box::new),
                    marks,
                };
                let facts = Box::new(facts);
                self.feed(Input::Act { request, facts }, effects);
            }
        }
    }

    /// What became of a relay that was asked.
    fn switched(&mut self, lane: LaneId, switched: Switched, effects: &mut Vec<Effect>) {
        match switched {
            Switched::Off | Switched::On(None) => {}
            Switched::On(Some(input)) => self.feed(Input::Lane(lane, input), effects),
            Switched::Failed(input) => {
                self.feed(Input::Lane(lane, input), effects);
                self.power_back(lane, RELAY_AGAIN);
            }
        }
    }

    fn samples(&mut self, round: Round, effects: &mut Vec<Effect>) {
        let now = self.clock.now();
        let taken = round.iter().filter_map(|(_, sample)| Some(sample.as_ref().ok()?.end));
        self.news.evidence(taken.min().unwrap_or(now).min(now));
        for (lane, sample) in round {
            match sample {
                Ok(sample) => {
                    self.strays.see(lane, &sample);
                    self.line.sample(now, lane, &sample, effects);
                }
                Err(error) => {
                    let failed = LaneInput::SensorFailed(error.to_string());
                    effects.extend(self.line.step(now, Input::Lane(lane, failed)));
                }
            }
        }
    }

    /// Does what the engine wants done, in order.
    async fn perform_all(&mut self, effects: &mut Vec<Effect>, shown: &mut Shown) -> anyhow::Result<()> {
        for effect in core::mem::take(effects) {
            let job = match effect {
                Effect::Lane(lane, effect) => self.perform_in(lane, effect)?,
                Effect::Audit(audited) => Some(Job::Audit(audited)),
                Effect::Shelve { part, what, lasts, by } => {
                    self.looks.shelve(part, what, after(wall(), lasts), by);
                    None
                }
                Effect::LineStopped(stop) => Some(Job::Note(Note::Stop(stop.shown(self.clock.wall_at(stop.since))))),
                Effect::CheckDone { lane, since } => {
                    if let Some(checks) = &mut self.checks {
                        checks.done(lane, self.clock.wall_at(since));
                    }
                    None
                }
                Effect::StopLifted(kind) => Some(Job::Note(Note::Go(kind))),
                Effect::Annotate(annotations) => Some(Job::Note(Note::Annotate(annotations))),
                Effect::UnknownBless(event) => Some(Job::Note(Note::LateBless(event))),
                Effect::Show => {
                    shown.wanted = if self.news.is_waiting() {
                        Wanted::Now
                    } else {
                        Wanted::Yes
                    };
                    None
                }
            };
            if let Some(job) = job {
                self.jobs
                    .send(job)
                    .await
                    .map_err(|_| anyhow::anyhow!("the ledger's task is gone"))?;
            }
        }
        Ok(())
    }

    fn perform_in(&mut self, lane: LaneId, effect: LaneEffect) -> anyhow::Result<Option<Job>> {
        Ok(match effect {
            LaneEffect::BeginRun {
                run,
                serial,
                batch,
                purpose,
                recipe,
                seated,
            } => Some(Job::BeginRun {
                run,
                lane,
                serial,
                batch,
                purpose,
                recipe,
                seated,
            }),
            LaneEffect::Refuse(refused, recipe) => Some(Job::Note(Note::Refused(refused, recipe))),
            LaneEffect::RecordAttempt { run, attempt } => {
                self.looks.attempt(lane, wall(), &attempt);
                Some(Job::Note(Note::Attempt(run, Box::new(attempt))))
            }
            LaneEffect::Commit(end) => {
                self.news.decided(end.run);
                Some(Job::Commit(lane, end))
            }
            LaneEffect::RecordLifted(run) => Some(Job::Note(Note::Lifted(run))),
            LaneEffect::RequestToken { run, attempt: _ } => {
                self.request_token(lane, run);
                None
            }
            LaneEffect::PollClaim { run, token_id } => {
                self.poll_claim(lane, run, token_id);
                None
            }
            LaneEffect::Send(transmission) => {
                self.sender(lane)?.send(transmission)?;
                None
            }
            LaneEffect::SendByImp { run, attempt } => {
                self.sender(lane)?.send_whole(run, attempt)?;
                None
            }
            LaneEffect::StopSending => {
                self.sender(lane)?.stop();
                None
            }
            LaneEffect::TestFlash { on } => {
                self.sender(lane)?.flash(on)?;
                None
            }
            LaneEffect::PowerCycle { off } => {
                self.power_cycle(lane, off);
                None
            }
            LaneEffect::Signal(signal) => {
                self.signals.show(lane, signal);
                None
            }
        })
    }

    fn sender(&mut self, lane: LaneId) -> anyhow::Result<&mut Sender> {
        self.senders
            .iter_mut()
            .find(|(id, _)| *id == lane)
            .map(|(_, sender)| sender)
            .ok_or_else(|| anyhow::anyhow!("lane {lane}: has no lamp"))
    }

    fn request_token(&self, lane: LaneId, run: RunId) {
        let (source, told) = (self.source.clone(), self.told.clone());
        self.tasks.spawn_short(format!("token for lane {lane}"), async move {
            let answer = match source {
                Some(source) => source.token(lane).await,
                None => Err("no token source is configured".to_owned()),
            };
            let token = LaneInput::Token { run, answer };
            // Nobody waits for it any more only when the daemon stops.
            let _ = told.send(Told::Input(Input::Lane(lane, token)));
        });
    }

    fn poll_claim(&self, lane: LaneId, run: RunId, token_id: String) {
        let (source, told) = (self.source.clone(), self.told.clone());
        self.tasks.spawn_short(format!("claim for lane {lane}"), async move {
            let answer = match source {
                Some(source) => source.claim(lane, &token_id).await,
                None => crate::engine::input::ClaimAnswer::NobodyKnows,
            };
            let claim = LaneInput::Claim { run, answer };
            let _ = told.send(Told::Input(Input::Lane(lane, claim)));
        });
    }

    fn power_cycle(&mut self, lane: LaneId, off: Duration) {
        match self.power.off(lane) {
            Switched::Off | Switched::On(_) => self.power_back(lane, off),
            Switched::Failed(input) => {
                // With this task gone the daemon stops.
                let _ = self.told.send(Told::Input(Input::Lane(lane, input)));
                self.power_back(lane, RELAY_AGAIN);
            }
        }
    }

    fn power_back(&self, lane: LaneId, after: Duration) {
        let told = self.told.clone();
        self.tasks.spawn_short(format!("power of lane {lane}"), async move {
            tokio::time::sleep(after).await;
            let _ = told.send(Told::PowerBack(lane));
        });
    }

    /// Makes and publishes a snapshot, when one is due.
    fn show(&mut self, shown: &mut Shown) {
        let now = self.clock.now();
        if now < shown.due() {
            return;
        }
        shown.beat += 1;
        shown.last = now;
        shown.wanted = Wanted::No;
        if let Some(found) = self.signals.news() {
            self.looks.found(found);
        }
        let view = self.line.view(now);
        let at = wall();
        let (notices, shelved) = self.looks.notices(at);
        let snapshot = Snapshot {
            version: fixture_link::VERSION,
            beat: shown.beat,
            at,
            fixture: Fixture {
                recipe: view.recipe.name.clone(),
                recipe_version: view.recipe.version.clone(),
                led_evidence_only: view.led_evidence_only,
                ..self.fixture.clone()
            },
            line: view.line(|stop| {
                let before = self
                    .stopped_before
                    .iter()
                    .find(|before| **before == stop.shown(before.since));
                match before {
                    Some(before) if stop.since == Tick::ZERO => before.since,
                    Some(_) | None => self.clock.wall_at(stop.since),
                }
            }),
            lanes: view.lanes,
            notices,
            shelved,
            machine: self.looks.machine(),
            shift: self.tally.view(at.micros),
            commissioning: None,
        };
        self.looks.look(now, &snapshot.lanes, &self.tasks, &self.told);
        let json: Arc<str> = match serde_json::to_string(&snapshot) {
            Ok(json) => json.into(),
            Err(error) => {
                tracing::error!("snapshot: {error}");
                return;
            }
        };
        self.newest.send_replace(Published { made: now, json });
        self.news.published(self.clock.now(), self.clock);
        if let Some(jig) = &self.simulated {
            let (mut world, now) = jig.world();
            world.show_line(now, snapshot.line.stopped.as_ref());
            for lane in &snapshot.lanes {
                world.show_lane(now, lane.lane, &lane.state);
            }
        }
    }
}

/// An instant so much later.
fn after(at: WallTime, lasts: Duration) -> WallTime {
    WallTime {
        micros: at
            .micros
            .saturating_add(i64::try_from(lasts.as_micros()).unwrap_or(i64::MAX)),
        ..at
    }
}

impl Shown {
    fn due(&self) -> Tick {
        self.last
            + match self.wanted {
                Wanted::Now => Duration::ZERO,
                Wanted::Yes => SHOW_AT_MOST_EVERY,
                Wanted::No => SHOW_AT_LEAST_EVERY,
            }
    }
}
