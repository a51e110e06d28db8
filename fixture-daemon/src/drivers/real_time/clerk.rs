//! The clerk: the one task that holds the ledger. It does its jobs in order, so that the engine never waits for a disk, and answers
//! only after the commit.

use std::collections::BTreeSet;

use blinkup::Tick;
use fixture_ledger::record::{OpenLabel, Purpose, RunEnd, RunStart, UnitHistory};
use fixture_ledger::{Interruption, Ledger, LedgerError, SetupId};
use fixture_link::act::{Act, ActAnswer, ActRequest};
use fixture_link::identity::{LaneId, RunId, Serial};
use fixture_link::verdict::VerdictCode;
use tokio::sync::{mpsc, oneshot};
use tokio_util::sync::CancellationToken;

use super::note::{Note, Notes};
use super::{Act as AskedAct, Told};
use crate::clock::{Clock, wall};
use crate::engine::effect::Batch;
use crate::engine::input::{Input, LaneInput, Part, Seating};

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
        /// When it was seated.
        seated: Tick,
    },
    /// Commit a verdict, then tell the engine.
    Commit(LaneId, Box<RunEnd>),
    /// Store an act and its answer, then answer the person.
    Audit(
        ActRequest,
        ActAnswer,
        Option<oneshot::Sender<Result<ActAnswer, String>>>,
    ),
    /// Store what nobody waits for.
    Note(Note),
}

/// The clerk.
pub struct Clerk {
    /// The ledger.
    pub ledger: Ledger,
    /// What every run of this process is stored with.
    pub setup: SetupId,
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
            notes.store(&mut self.ledger, self.setup).await;
            self.job(job, jobs.len(), &mut doubtful, &mut notes).await;
        }
        notes.store(&mut self.ledger, self.setup).await;
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
                        purpose: Purpose::Production,
                        seated: self.clock.wall_at(seated),
                    };
                    said(self.ledger.begin_run(self.setup, &start).await)
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
            Job::Audit(request, answer, person) => {
                let stored = said(self.ledger.record_act(&request, &answer, wall()).await);
                if let Some(person) = person {
                    // A person who has gone away needs no answer.
                    let _ = person.send(stored.map(|()| answer));
                }
            }
            Job::Note(mut note) => {
                if let Note::Interrupted(end) = &mut note {
                    self.why().detail().clone_into(&mut end.detail);
                }
                notes.take(note, wall(), &mut self.ledger, self.setup).await;
                // Nobody waits for a note, but somebody may wait behind it.
                if behind == 0
                    && let Err(error) = self.ledger.tidy().await
                {
                    tracing::warn!("{error}");
                }
            }
        }
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

    async fn act(&mut self, request: ActRequest, answer: oneshot::Sender<Result<ActAnswer, String>>) {
        let history = match &request.act {
            Act::Start {
                serial: Some(serial), ..
            }
            | Act::Unlock { serial, .. } => match self.history(Some(serial)).await {
                Ok(history) => Some(history),
                Err(error) => {
                    tracing::error!("{error}");
                    let _ = answer.send(Err(error.to_string()));
                    return;
                }
            },
            Act::Start { serial: None, .. }
            | Act::Stop { .. }
            | Act::Acknowledge { .. }
            | Act::Account { .. }
            | Act::Lot { .. }
            | Act::WorkOrder { .. }
            | Act::Operator { .. } => None,
        };
        let asked = AskedAct {
            request,
            history,
            answer: Some(answer),
        };
        // With the engine's task gone the daemon stops; the person is told by the dropped answer.
        let _ = self.told.send(Told::Act(Box::new(asked)));
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

fn said<T>(result: Result<T, LedgerError>) -> Result<T, String> {
    result.map_err(|error| {
        tracing::error!("{error}");
        error.to_string()
    })
}
