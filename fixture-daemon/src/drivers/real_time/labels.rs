//! The thread that prints labels, one after the other, until each is out; what becomes of each is stored by the clerk.

use core::time::Duration;
use std::collections::VecDeque;
use std::sync::mpsc::{Receiver, RecvTimeoutError};

use blinkup::Tick;
use fixture_ledger::record::{LabelState, OpenLabel};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::clerk::Job;
use super::note::Note;
use crate::clock::Clock;
use crate::engine::input::Part;
use crate::jig::{Label, LabelPrinter, Printed};

/// How often the thread looks whether the daemon stops.
const IDLE: Duration = Duration::from_millis(50);

/// How long after a failure a label is tried again: somebody has to put paper in.
const AGAIN: Duration = Duration::from_secs(5);

/// Prints until the stop. A label that failed stops its lane until it is out.
///
/// # Errors
/// The ledger's task is gone.
pub fn print(
    clock: Clock,
    mut printer: Box<dyn LabelPrinter>,
    labels: &Receiver<OpenLabel>,
    jobs: &mpsc::Sender<Job>,
    stop: &CancellationToken,
) -> anyhow::Result<()> {
    let mut queue = Queue::default();
    while !stop.is_cancelled() {
        match labels.recv_timeout(IDLE) {
            Ok(label) => queue.add(label, clock.now()),
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => {
                anyhow::ensure!(stop.is_cancelled(), "the ledger's task gives no labels any more");
            }
        }
        for job in queue.step(clock.now(), printer.as_mut()) {
            if jobs.blocking_send(job).is_err() && !stop.is_cancelled() {
                anyhow::bail!("the ledger's task is gone");
            }
        }
    }
    Ok(())
}

/// Labels that are to be printed.
#[derive(Default)]
struct Queue {
    waiting: VecDeque<Waiting>,
}

struct Waiting {
    label: OpenLabel,
    due: Tick,
    /// Its lane stands still for it.
    failed: bool,
}

impl Queue {
    fn add(&mut self, label: OpenLabel, now: Tick) {
        self.waiting.push_back(Waiting {
            label,
            due: now,
            failed: false,
        });
    }

    /// Prints the first label that is due.
    fn step(&mut self, now: Tick, printer: &mut dyn LabelPrinter) -> Vec<Job> {
        let Some(place) = self.waiting.iter().position(|waiting| waiting.due <= now) else {
            return Vec::new();
        };
        let Some(mut waiting) = self.waiting.remove(place) else {
            return Vec::new();
        };
        let (run, lane) = (waiting.label.run, waiting.label.lane);
        match printer.print(&Label::of(&waiting.label)) {
            Ok(sure) => {
                let state = match sure {
                    Printed::Taken => LabelState::Printed,
                    Printed::Confirmed => LabelState::Confirmed,
                };
                let mut jobs = vec![Job::Note(Note::Label(run, state))];
                let others = self
                    .waiting
                    .iter()
                    .any(|other| other.failed && other.label.lane == lane);
                if waiting.failed && !others {
                    jobs.push(Job::Part(lane, Part::Label, None));
                }
                jobs
            }
            Err(error) => {
                let first = !waiting.failed;
                waiting.failed = true;
                waiting.due = now + AGAIN;
                self.waiting.push_back(waiting);
                if !first {
                    return Vec::new();
                }
                tracing::error!("run {run}: {error}");
                vec![
                    Job::Note(Note::Label(run, LabelState::Failed(error.to_string()))),
                    Job::Part(lane, Part::Label, Some(error.to_string())),
                ]
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use fixture_link::identity::{LaneId, RunId, Serial};

    use super::*;
    use crate::jig::JigError;

    /// A printer with and without paper.
    struct Paper(bool, Vec<String>);

    impl LabelPrinter for Paper {
        fn print(&mut self, label: &Label) -> Result<Printed, JigError> {
            if !self.0 {
                return Err(JigError::Board("paper out".to_owned()));
            }
            self.1.extend(label.serial.as_ref().map(ToString::to_string));
            Ok(Printed::Confirmed)
        }

        fn ready(&mut self) -> Result<Printed, JigError> {
            Ok(Printed::Taken)
        }
    }

    fn label(number: u8, lane: u8) -> OpenLabel {
        OpenLabel {
            run: RunId(uuid::Uuid::from_u128(u128::from(number))),
            lane: LaneId::new(lane).unwrap(),
            serial: Serial::new(&format!("SN-{number}")).ok(),
            device_id: None,
            lot: String::new(),
            work_order: String::new(),
        }
    }

    fn at(seconds: u64) -> Tick {
        Tick::ZERO + Duration::from_secs(seconds)
    }

    fn said(jobs: &[Job]) -> Vec<String> {
        jobs.iter()
            .map(|job| match job {
                Job::Note(Note::Label(run, state)) => format!("{}: {}", run.0.as_u128(), state.as_str()),
                Job::Part(lane, _, Some(_)) => format!("lane {lane} stops"),
                Job::Part(lane, _, None) => format!("lane {lane} goes on"),
                Job::Placed(..)
                | Job::Seated(..)
                | Job::Lifted(_)
                | Job::Act(..)
                | Job::BeginRun { .. }
                | Job::Commit(..)
                | Job::Audit(..)
                | Job::Note(_) => panic!("{job:?}"),
            })
            .collect()
    }

    #[test]
    fn a_label_that_failed_stops_its_lane_until_it_is_out_and_no_other_lane_waits_behind_it() {
        let mut queue = Queue::default();
        let mut printer = Paper(false, Vec::new());
        queue.add(label(1, 1), at(0));
        assert_eq!(said(&queue.step(at(0), &mut printer)), ["1: failed", "lane 1 stops"]);
        // The failure is told once, however often it is tried.
        assert_eq!(said(&queue.step(at(4), &mut printer)), [""; 0]);
        assert_eq!(said(&queue.step(at(5), &mut printer)), [""; 0]);
        printer.0 = true;
        queue.add(label(2, 2), at(6));
        assert_eq!(said(&queue.step(at(6), &mut printer)), ["2: confirmed"]);
        assert_eq!(said(&queue.step(at(9), &mut printer)), [""; 0]);
        assert_eq!(
            said(&queue.step(at(10), &mut printer)),
            ["1: confirmed", "lane 1 goes on"]
        );
        assert_eq!(printer.1, ["SN-2", "SN-1"]);
    }

    #[test]
    fn a_lane_with_two_failed_labels_goes_on_when_both_are_out() {
        let mut queue = Queue::default();
        let mut printer = Paper(false, Vec::new());
        for number in [1, 2] {
            queue.add(label(number, 1), at(0));
            queue.step(at(0), &mut printer);
        }
        printer.0 = true;
        assert_eq!(said(&queue.step(at(5), &mut printer)), ["1: confirmed"]);
        assert_eq!(
            said(&queue.step(at(5), &mut printer)),
            ["2: confirmed", "lane 1 goes on"]
        );
    }
}
