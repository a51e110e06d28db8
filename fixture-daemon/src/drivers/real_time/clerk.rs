//! The clerk: the one task that holds the ledger. It does its jobs in order, so that the engine never waits for a disk, and answers
//! only after the commit.

use std::collections::{BTreeSet, VecDeque};

use blinkup::Tick;
use fixture_ledger::record::{Audited, ChangeKind, OpenLabel, Purpose, RunEnd, RunStart, UnitHistory};
use fixture_ledger::{Interruption, Ledger, LedgerError};
use fixture_link::act::{Act, ActAnswer, ActId, ActRequest};
use fixture_link::identity::{LaneId, RunId, Serial};
use fixture_link::study::StudyStep;
use fixture_link::verdict::VerdictCode;
use tokio::sync::{mpsc, oneshot};
use tokio_util::sync::CancellationToken;

use super::note::{Note, Notes};
use super::recipes;
use super::setups::Setups;
use super::{Act as AskedAct, Told};
use crate::clock::{Clock, wall};
use crate::config::{Book, NewVersion};
use crate::engine::effect::Batch;
use crate::engine::input::{Input, LaneInput, Part, Seating};
use crate::engine::recipe::RecipeId;

/// Something to store or to look up.
#[derive(Debug)]
pub enum Job {
    /// A unit was put into a nest, and waits for its start since then: tell the engine, after what was told before.
    Placed(LaneId, Tick),
    /// A unit was seated: look up its history, then tell the engine.
    Seated(LaneId, RunId, Option<Serial>),
    /// A unit was lifted: tell the engine, after what was told before.
    Lifted(LaneId),
    /// A part of a lane has failed, or works again: tell the engine, after what was told before.
    Part(LaneId, Part, Option<String>),
    /// A person asks for an act: look up the history that a start needs, then tell the engine.
    Act(ActRequest, oneshot::Sender<Result<ActAnswer, String>>),
    /// Commit a run's first record, then tell the engine. The tick is when it was seated.
    BeginRun {
        /// The run.
        run: RunId,
        /// Its lane.
        lane: LaneId,
        /// The unit.
        serial: Option<Serial>,
        /// What the unit belongs to.
        batch: Batch,
        /// What it is run for.
        purpose: Purpose,
        /// What it is run by.
        recipe: RecipeId,
        /// When it was seated.
        seated: Tick,
    },
    /// Commit a verdict, then tell the engine.
    Commit(LaneId, Box<RunEnd>),
    /// Store an act with what came of it, then answer whoever waits for that.
    Audit(Box<Audited>),
    /// Store what nobody waits for.
    Note(Note),
}

/// The clerk.
pub struct Clerk {
    /// The ledger.
    pub ledger: Ledger,
    /// What runs are stored with.
    pub setups: Setups,
    /// Who seats the units.
    pub operator: String,
    /// For the wall time of ticks.
    pub clock: Clock,
    /// To the engine's task.
    pub told: mpsc::UnboundedSender<Told>,
    /// Cancelled when a person or the service manager asked for the end.
    pub asked: CancellationToken,
    /// To the label printer's thread; `None` where there is no printer.
    pub labels: Option<std::sync::mpsc::Sender<OpenLabel>>,
    /// Acts that are not stored yet.
    pub acts: Acts,
    /// The recipes as they are now.
    pub book: Book,
}

/// Where somebody waits for the answer to an act.
type Person = oneshot::Sender<Result<ActAnswer, String>>;

/// Acts that were asked for and are not in the ledger yet.
#[derive(Debug, Default)]
pub struct Acts {
    under_way: Vec<UnderWay>,
    unstored: VecDeque<Asked>,
}

/// An act that the engine has.
#[derive(Debug)]
struct UnderWay {
    request: ActRequest,
    people: Vec<Person>,
    /// The version of a recipe that it makes.
    version: Option<NewVersion>,
}

/// An act that the engine is done with.
#[derive(Debug, Clone)]
struct Asked {
    audited: Audited,
    version: Option<NewVersion>,
}

/// Acts that were done and could not be stored, at most: as many people will not ask again.
const UNSTORED: usize = 64;

impl Acts {
    fn begin(&mut self, request: ActRequest, person: Person, version: Option<NewVersion>) {
        self.under_way.push(UnderWay {
            request,
            people: vec![person],
            version,
        });
    }

    fn under_way(&mut self, id: ActId) -> Option<&mut UnderWay> {
        self.under_way.iter_mut().find(|act| act.request.id == id)
    }

    /// Who waits for the answer of an act that the engine is done with, and the version of a recipe that it makes.
    fn done(&mut self, id: ActId) -> (Vec<Person>, Option<NewVersion>) {
        match self.under_way.iter().position(|act| act.request.id == id) {
            Some(place) => {
                let act = self.under_way.swap_remove(place);
                (act.people, act.version)
            }
            None => (Vec::new(), None),
        }
    }

    fn keep(&mut self, asked: Asked) {
        if self.unstored.len() == UNSTORED {
            self.unstored.pop_front();
        }
        self.unstored.push_back(asked);
    }

    fn unstored(&self, id: ActId) -> Option<Asked> {
        let place = self.unstored.iter().position(|asked| asked.audited.request.id == id)?;
        self.unstored.get(place).cloned()
    }

    /// An act that could not be stored is, at last.
    fn forget(&mut self, id: ActId) {
        self.unstored.retain(|asked| asked.audited.request.id != id);
    }
}

impl Clerk {
    /// Works until all who give jobs are gone; then the runs that are left without a verdict become INTERRUPTED, and the ledger is
    /// closed.
    ///
    /// # Errors
    /// The last records could not be stored, or the ledger not be closed.
    pub async fn work(mut self, mut jobs: mpsc::Receiver<Job>) -> Result<(), LedgerError> {
        let mut doubtful = BTreeSet::new();
        let mut notes = Notes::default();
        while let Some(job) = jobs.recv().await {
            notes.store(&mut self.ledger, &mut self.setups).await;
            self.job(job, jobs.len(), &mut doubtful, &mut notes).await;
        }
        notes.store(&mut self.ledger, &mut self.setups).await;
        let left = self.ledger.interrupt(wall(), self.why()).await;
        self.ledger.close().await?;
        for run in left?.interrupted {
            tracing::warn!("run {run}: interrupted by the end of the daemon");
        }
        Ok(())
    }

    /// `behind` it so many wait; `doubtful` are runs of units whose history could not be read: they must not begin.
    async fn job(&mut self, job: Job, behind: usize, doubtful: &mut BTreeSet<RunId>, notes: &mut Notes) {
        match job {
            Job::Seated(lane, run, serial) => {
                let history = match self.history(serial.as_ref()).await {
                    Ok(history) => history,
                    Err(error) => {
                        tracing::error!("lane {lane}: {error}");
                        doubtful.insert(run);
                        UnitHistory::default()
                    }
                };
                self.tell(lane, LaneInput::Seated(Seating { run, serial, history }));
            }
            Job::Placed(lane, since) => self.tell(lane, LaneInput::Placed(since)),
            Job::Lifted(lane) => self.tell(lane, LaneInput::Lifted),
            Job::Part(lane, part, fault) => self.tell(lane, LaneInput::Part { part, fault }),
            Job::Act(request, answer) => self.act(request, answer).await,
            Job::BeginRun {
                run,
                lane,
                serial,
                batch,
                purpose,
                recipe,
                seated,
            } => {
                let result = if doubtful.remove(&run) {
                    Err("the unit's history could not be read".to_owned())
                } else {
                    let start = RunStart {
                        run,
                        lane,
                        serial,
                        operator: batch.operator_or(&self.operator),
                        lot: batch.lot,
                        work_order: batch.work_order,
                        purpose,
                        seated: self.clock.wall_at(seated),
                    };
                    said(self.begin_run(&recipe, &start).await)
                };
                self.tell(lane, LaneInput::Stored { run, result });
            }
            Job::Commit(lane, end) => {
                let run = end.run;
                let stored = match self.labels {
                    Some(_) => self.ledger.finish_run_with_label(&end, wall()).await,
                    None => self.ledger.finish_run(&end, wall()).await,
                };
                let mut result = said(stored);
                // A commit can fail after it has reached the disk: then the verdict stands there, and no other may be shown.
                if result.is_err()
                    && let Ok(Some(stored)) = self.ledger.verdict(run).await
                    && stored == end.code
                {
                    result = Ok(());
                }
                let committed = Told::Committed {
                    lane,
                    run,
                    code: end.code,
                    at: self.clock.now(),
                };
                if result.is_ok() && self.told.send(committed).is_err() {
                    tracing::debug!("run {run}: stored while the daemon was stopping");
                }
                let passed = result.is_ok() && end.code == VerdictCode::Ok;
                self.tell(lane, LaneInput::Stored { run, result });
                if passed {
                    self.label(run).await;
                }
            }
            Job::Audit(audited) => {
                let (people, version) = self.acts.done(audited.request.id);
                let stored = self
                    .audit(Asked {
                        audited: *audited,
                        version,
                    })
                    .await;
                for person in people {
                    // A person who has gone away needs no answer.
                    let _ = person.send(stored.clone());
                }
            }
            Job::Note(mut note) => {
                if let Note::Interrupted(end) = &mut note {
                    self.why().detail().clone_into(&mut end.detail);
                }
                notes.take(note, wall(), &mut self.ledger, &mut self.setups).await;
                // Nobody waits for a note, but somebody may wait behind it.
                if behind == 0
                    && let Err(error) = self.ledger.tidy().await
                {
                    tracing::warn!("{error}");
                }
            }
        }
    }

    async fn begin_run(&mut self, recipe: &RecipeId, start: &RunStart) -> Result<(), LedgerError> {
        let setup = self.setups.of(recipe, &mut self.ledger).await?;
        self.ledger.begin_run(setup, start).await
    }

    /// A unit has passed: its label, which was stored as pending with the verdict, is to be printed.
    async fn label(&mut self, run: RunId) {
        let Some(labels) = &self.labels else { return };
        match self.ledger.open_labels().await {
            Ok(open) => {
                for label in open.into_iter().filter(|label| label.run == run) {
                    // With the printer's thread gone the daemon stops.
                    let _ = labels.send(label);
                }
            }
            Err(error) => tracing::error!("{error}"),
        }
    }

    /// Has an act done, unless one of its id was done before: then that one's answer holds.
    async fn act(&mut self, request: ActRequest, person: Person) {
        if let Some(under_way) = self.acts.under_way(request.id) {
            if is_same(&under_way.request, &request) {
                under_way.people.push(person);
            } else {
                let _ = person.send(Ok(another_act()));
            }
            return;
        }
        match self.answered_before(&request).await {
            Ok(Some(answer)) => {
                let _ = person.send(Ok(answer));
                return;
            }
            Ok(None) => {}
            Err(what) => {
                let _ = person.send(Err(what));
                return;
            }
        }
        let (asked, version) = match self.looked_up(&request).await {
            Ok(found) => found,
            Err(what) => {
                let _ = person.send(Err(what));
                return;
            }
        };
        self.acts.begin(request, person, version);
        // With the engine's task gone the daemon stops; the person is told by the dropped answer.
        let _ = self.told.send(Told::Act(Box::new(asked)));
    }

    /// An act with what the ledger and the book of recipes say of it, and the version of a recipe that it makes.
    async fn looked_up(&mut self, request: &ActRequest) -> Result<(AskedAct, Option<NewVersion>), String> {
        let history = match request.act.serial() {
            Some(serial) => Some(said(self.ledger.unit_history(serial).await)?),
            None => None,
        };
        let made = match recipes::asked(&request.act).filter(|_| request.role.may(&request.act)) {
            Some((name, change)) => Some(said(recipes::made(&self.book, &mut self.ledger, name, change).await)?),
            None => None,
        };
        let marks = if let Act::Study {
            step: StudyStep::Begin(wish),
            ..
        } = &request.act
        {
            said(self.ledger.marks(&wish.units).await)?
        } else {
            Vec::new()
        };
        let recipe = made.as_ref().map(|made| made.as_ref().map(NewVersion::words));
        let asked = AskedAct {
            request: request.clone(),
            history,
            recipe: recipe.map(|words| words.map_err(Clone::clone)),
            marks,
        };
        Ok((asked, made.and_then(Result::ok)))
    }

    /// The answer that an act of this id was given, where there was one.
    async fn answered_before(&mut self, request: &ActRequest) -> Result<Option<ActAnswer>, String> {
        if let Some(asked) = self.acts.unstored(request.id) {
            if !is_same(&asked.audited.request, request) {
                return Ok(Some(another_act()));
            }
            return self.audit(asked).await.map(Some);
        }
        let stored = said(self.ledger.act(request.id).await)?;
        Ok(stored.map(|row| if row.is_of(request) { row.answer } else { another_act() }))
    }

    /// Stores what came of an act. What cannot be stored is kept, so that whoever asks again makes it be stored and not done again.
    async fn audit(&mut self, mut asked: Asked) -> Result<ActAnswer, String> {
        self.acts.forget(asked.audited.request.id);
        // Somebody else may have made another version meanwhile.
        let stale = |version: &NewVersion| self.book.version(&version.recipe().name) != Some(version.from());
        if asked.audited.answer == ActAnswer::Done && asked.version.as_ref().is_some_and(stale) {
            asked.audited.answer = ActAnswer::Refused {
                why: "the recipe became another meanwhile: look at it again".to_owned(),
            };
            asked.audited.change = None;
        }
        let made = asked
            .version
            .as_ref()
            .filter(|_| asked.audited.answer == ActAnswer::Done);
        let stored = match made {
            Some(version) => {
                let version = recipes::by_act(version, &asked.audited.request, wall());
                self.ledger.record_recipe_act(&asked.audited, &version).await
            }
            None => self.ledger.record_act(&asked.audited, wall()).await,
        };
        if let Err(what) = said(stored) {
            self.acts.keep(asked);
            return Err(what);
        }
        if let Some(version) = made.cloned() {
            self.use_version(version).await;
        }
        Ok(asked.audited.answer)
    }

    /// A version is stored: the runs that begin from now on are run by it.
    async fn use_version(&mut self, version: NewVersion) {
        let recipe = self.book.as_lit(version.recipe());
        tracing::info!("recipe {}: version {}", recipe.name, recipe.version);
        self.book.take(version);
        // With the engine's task gone the daemon stops, and the next one begins by the stored version.
        let _ = self.told.send(Told::Input(Input::Recipe(Box::new(recipe))));
        let told = self.book.told();
        if let Err(error) = self.ledger.record_change(ChangeKind::Config, &told, wall()).await {
            tracing::error!("{error}");
        }
    }

    async fn history(&mut self, serial: Option<&Serial>) -> Result<UnitHistory, LedgerError> {
        match serial {
            Some(serial) => self.ledger.unit_history(serial).await,
            None => Ok(UnitHistory::default()),
        }
    }

    /// Why this process ends.
    fn why(&self) -> Interruption {
        if self.asked.is_cancelled() {
            Interruption::Stopped
        } else {
            Interruption::Failed
        }
    }

    fn tell(&self, lane: LaneId, input: LaneInput) {
        // With the engine's task gone the daemon stops, and what was stored stays stored.
        let _ = self.told.send(Told::Input(Input::Lane(lane, input)));
    }
}

/// Whether one asks for what the other does.
fn is_same(one: &ActRequest, other: &ActRequest) -> bool {
    one.by == other.by && one.act == other.act
}

fn another_act() -> ActAnswer {
    ActAnswer::Refused {
        why: "id: another act has this id; expected a new one for each act".to_owned(),
    }
}

fn said<T>(result: Result<T, LedgerError>) -> Result<T, String> {
    result.map_err(|error| {
        tracing::error!("{error}");
        error.to_string()
    })
}
