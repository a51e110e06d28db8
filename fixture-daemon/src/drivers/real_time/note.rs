//! Records that nobody waits for: kept in order until they are stored.

use std::collections::VecDeque;

use fixture_ledger::record::{Annotation, AnnotationKind, Attempt, LabelState, RefusedStart, RunEnd, StopKind};
use fixture_ledger::{Ledger, LedgerError};
use fixture_link::bless::BlessEvent;
use fixture_link::identity::{RunId, WallTime};
use fixture_link::snapshot::LineStop;

use super::setups::Setups;
use crate::engine::recipe::RecipeId;

/// So many notes wait for a disk that takes nothing; the oldest are given up first. A line makes a few hundred an hour.
const WAIT_AT_MOST: usize = 10_000;

/// Something to store that no verdict and no person waits for.
#[derive(Debug)]
pub enum Note {
    /// A start that was not allowed.
    Refused(RefusedStart, RecipeId),
    /// An attempt.
    Attempt(RunId, Box<Attempt>),
    /// A unit was lifted after its verdict.
    Lifted(RunId),
    /// The run was still going on when the daemon was told to stop.
    Interrupted(Box<RunEnd>),
    /// What became of a label.
    Label(RunId, LabelState),
    /// A stop of the line.
    Stop(LineStop),
    /// A stop was lifted.
    Go(StopKind),
    /// Annotations.
    Annotate(Vec<Annotation>),
    /// A bless event of no unit that is in a nest: an annotation of its run.
    LateBless(BlessEvent),
}

impl Note {
    /// What it is about, for the log.
    fn words(&self) -> String {
        match self {
            Self::Refused(refused, _) => format!("a refused start in lane {}", refused.lane),
            Self::Attempt(run, _) => format!("an attempt of run {run}"),
            Self::Lifted(run) => format!("the unit of run {run} was lifted"),
            Self::Interrupted(end) => format!("the record of run {}, which was cut short", end.run),
            Self::Label(run, state) => format!("the label of run {run} is {}", state.as_str()),
            Self::Stop(stop) => format!("the line stopped: {}", stop.cause),
            Self::Go(kind) => format!("a stop was lifted: {kind:?}"),
            Self::Annotate(annotations) => format!("{} annotations", annotations.len()),
            Self::LateBless(event) => format!("bless event {}", event.event),
        }
    }

    async fn store(&self, ledger: &mut Ledger, setups: &mut Setups, at: WallTime) -> Result<(), LedgerError> {
        match self {
            Self::Refused(refused, recipe) => {
                let setup = setups.of(recipe, ledger).await?;
                ledger.record_refusal(setup, refused, at).await
            }
            Self::Attempt(run, attempt) => ledger.record_attempt(*run, attempt).await,
            Self::Lifted(run) => ledger.lifted(*run, at).await,
            Self::Interrupted(end) => ledger.finish_run(end, at).await,
            Self::Label(run, state) => ledger.record_label(*run, state, at).await,
            Self::Stop(stop) => ledger.record_stop(stop).await,
            Self::Go(kind) => ledger.record_go(*kind, at).await,
            Self::Annotate(annotations) => ledger.annotate(annotations, at).await,
            Self::LateBless(event) => late_bless(ledger, event, at).await,
        }
    }
}

/// The notes that wait, oldest first, each with when it was made.
#[derive(Debug, Default)]
pub struct Notes {
    waiting: VecDeque<(WallTime, Note)>,
}

impl Notes {
    /// Takes a note and stores whatever waits, in order. What the disk does not take now stays for the next time; what the ledger refuses for
    /// good is told and dropped, because it would be refused again.
    pub async fn take(&mut self, note: Note, at: WallTime, ledger: &mut Ledger, setups: &mut Setups) {
        self.keep(note, at);
        self.store(ledger, setups).await;
    }

    /// Stores whatever waits, in order, until the disk takes no more.
    pub async fn store(&mut self, ledger: &mut Ledger, setups: &mut Setups) {
        while let Some((at, note)) = self.waiting.front() {
            let result = note.store(ledger, setups, *at).await;
            if self.tried(result) == Go::Later {
                return;
            }
        }
    }

    fn keep(&mut self, note: Note, at: WallTime) {
        if self.waiting.len() == WAIT_AT_MOST
            && let Some((at, lost)) = self.waiting.pop_front()
        {
            tracing::error!(
                "{WAIT_AT_MOST} records wait for the disk: given up: {} of {at:?}",
                lost.words()
            );
        }
        self.waiting.push_back((at, note));
    }

    /// What the ledger said of the oldest note.
    fn tried(&mut self, result: Result<(), LedgerError>) -> Go {
        match result {
            Ok(()) => {
                self.waiting.pop_front();
            }
            Err(error) if error.may_pass() => {
                tracing::error!("{error}: {} records wait", self.waiting.len());
                return Go::Later;
            }
            Err(error) => {
                let note = self.waiting.pop_front();
                let words = note.map_or_else(String::new, |(_, note)| note.words());
                tracing::error!("{error}: not stored: {words}");
            }
        }
        Go::On
    }
}

/// Whether the next note is worth a try.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Go {
    /// It is.
    On,
    /// Not before the disk takes something again.
    Later,
}

async fn late_bless(ledger: &mut Ledger, event: &BlessEvent, at: WallTime) -> Result<(), LedgerError> {
    let mut run = None;
    if let Some(token) = &event.token_id {
        run = ledger.run_by_token(token).await?;
    }
    if let (None, Some(device)) = (run, &event.device_id) {
        run = ledger.run_by_device(device).await?;
    }
    let Some(run) = run else {
        tracing::warn!("bless event {}: belongs to no run", event.event);
        return Ok(());
    };
    let annotation = Annotation {
        run,
        kind: AnnotationKind::LateBlessEvent,
        detail: format!(
            "{} by event {}",
            if event.blessed { "blessed" } else { "not blessed" },
            event.event
        ),
    };
    ledger.annotate(&[annotation], at).await
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use fixture_link::identity::RunId;
    use uuid::Uuid;

    use super::*;

    const AT: WallTime = WallTime {
        micros: 1_750_000_000_000_000,
        synchronised: true,
    };

    fn lifted(number: u128) -> Note {
        Note::Lifted(RunId(Uuid::from_u128(number)))
    }

    fn waiting(notes: &Notes) -> Vec<u128> {
        notes
            .waiting
            .iter()
            .map(|(_, note)| {
                let Note::Lifted(run) = note else {
                    panic!("{note:?}");
                };
                run.0.as_u128()
            })
            .collect()
    }

    #[test]
    fn what_a_full_disk_does_not_take_waits_in_order_and_what_is_refused_for_good_does_not_stand_in_the_way() {
        let mut notes = Notes::default();
        for number in 1..=3 {
            notes.keep(lifted(number), AT);
        }
        let full = || LedgerError::Full {
            path: PathBuf::from("ledger.db"),
            operation: "storing that a unit was lifted",
        };
        assert_eq!(notes.tried(Err(full())), Go::Later);
        assert_eq!(waiting(&notes), [1, 2, 3]);
        assert_eq!(notes.tried(Ok(())), Go::On);
        assert_eq!(waiting(&notes), [2, 3]);
        let unknown = LedgerError::NoSuchRun {
            run: RunId(Uuid::from_u128(2)),
        };
        assert_eq!(notes.tried(Err(unknown)), Go::On);
        assert_eq!(waiting(&notes), [3]);
        assert_eq!(notes.tried(Err(full())), Go::Later);
        assert_eq!(waiting(&notes), [3]);
    }

    #[test]
    fn a_disk_that_never_takes_anything_does_not_fill_the_memory() {
        let mut notes = Notes::default();
        for number in 0..=WAIT_AT_MOST as u128 {
            notes.keep(lifted(number), AT);
        }
        assert_eq!(notes.waiting.len(), WAIT_AT_MOST);
        assert_eq!(waiting(&notes).first(), Some(&1));
    }
}
