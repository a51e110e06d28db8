//! Verdicts on their way from their evidence to whoever shows them, and when each got how far.
//!
//! What is told of it is a line of the log's target `fixture::news`, in microseconds of the system's monotonic clock, which every
//! process of the machine shares: the local screen tells with the same target when it has drawn the verdict (`cargo bench -p demo --bench shown`).

use blinkup::Tick;
use fixture_link::identity::RunId;

use crate::clock::Clock;

/// The verdicts that are not shown yet.
#[derive(Debug, Default)]
pub struct News {
    /// When the newest evidence came up.
    evidence: Tick,
    decided: Vec<(RunId, Tick)>,
    /// In the ledger; the engine is told next.
    in_ledger: Vec<Verdict>,
    committed: Vec<Verdict>,
}

/// A verdict that may be shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Verdict {
    run: RunId,
    evidence: Tick,
    committed: Tick,
}

impl News {
    /// The engine is given evidence that came up at `at`: a sample that ended then, or anything else that happened.
    pub fn evidence(&mut self, at: Tick) {
        self.evidence = at;
    }

    /// With it the evidence of a run is complete; its verdict goes to the ledger.
    pub fn decided(&mut self, run: RunId) {
        // A run whose verdict could not be stored gets another one.
        self.decided.retain(|(other, _)| *other != run);
        self.decided.push((run, self.evidence));
    }

    /// Its verdict is in the ledger since `at`.
    pub fn committed(&mut self, run: RunId, at: Tick) {
        if let Some(place) = self.decided.iter().position(|(other, _)| *other == run) {
            let (run, evidence) = self.decided.swap_remove(place);
            self.in_ledger.push(Verdict {
                run,
                evidence,
                committed: at,
            });
        }
    }

    /// The engine was told that a run is stored: what is shown from now on has its verdict.
    pub fn told(&mut self, run: RunId) {
        if let Some(place) = self.in_ledger.iter().position(|verdict| verdict.run == run) {
            self.committed.push(self.in_ledger.swap_remove(place));
        }
    }

    /// Whether a verdict may be shown and is not: nothing else is worth a snapshot of its own.
    pub fn is_waiting(&self) -> bool {
        !self.committed.is_empty()
    }

    /// A snapshot with everything that may be shown was published at `at`.
    pub fn published(&mut self, at: Tick, clock: Clock) {
        for verdict in self.committed.drain(..) {
            let micros = |tick| clock.since_boot_at(tick).as_micros();
            tracing::debug!(
                target: "fixture::news",
                run = %verdict.run,
                evidence = %micros(verdict.evidence),
                committed = %micros(verdict.committed),
                published = %micros(at),
                "verdict"
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    fn run(number: u128) -> RunId {
        RunId(Uuid::from_u128(number))
    }

    #[test]
    fn only_what_is_committed_waits_to_be_shown() {
        let mut news = News::default();
        let at = Tick::from_micros;
        news.evidence(at(10));
        news.decided(run(1));
        news.evidence(at(20));
        news.decided(run(2));
        assert!(!news.is_waiting(), "commit, then show");
        news.committed(run(3), at(25));
        assert!(!news.is_waiting(), "nobody decided that");
        news.evidence(at(30));
        news.decided(run(1));
        news.evidence(at(35));
        news.committed(run(1), at(40));
        assert!(
            !news.is_waiting(),
            "the engine does not know it yet, and would show the run as it was"
        );
        news.told(run(2));
        assert!(!news.is_waiting(), "that one is not in the ledger");
        news.told(run(1));
        assert_eq!(
            news.committed,
            [Verdict {
                run: run(1),
                evidence: at(30),
                committed: at(40)
            }]
        );
        assert!(news.is_waiting());
        news.published(at(50), Clock::start());
        assert!(!news.is_waiting());
        assert_eq!(news.decided, [(run(2), at(20))]);
    }
}
