//! What people decided about units, until the ledger can be sure to tell it.

use std::collections::VecDeque;

use fixture_ledger::record::{Decided, Decision, UnitHistory};
use fixture_link::act::{Disposition, Mark};
use fixture_link::identity::Serial;

/// Units that are remembered. A unit can be seated between a decision and its commit, which is a matter of moments.
const REMEMBERED: usize = 64;

/// The last decisions of this process: a unit's history that was read before they were stored does not tell of them.
#[derive(Debug, Default)]
pub struct Decisions {
    last: VecDeque<Last>,
}

/// What was decided about a unit.
#[derive(Debug)]
struct Last {
    serial: Serial,
    decision: Option<Decision>,
    mark: Option<Mark>,
}

impl Decisions {
    /// Something is decided about a unit.
    pub fn decide(&mut self, serial: &Serial, decision: Decision) {
        self.of(serial).decision = Some(decision);
    }

    /// A unit is marked.
    pub fn mark(&mut self, serial: &Serial, mark: Mark) {
        self.of(serial).mark = Some(mark);
    }

    /// Brings what the ledger said of a unit up to date.
    pub fn tell(&self, serial: &Serial, history: &mut UnitHistory) {
        let Some(last) = self.last.iter().find(|last| last.serial == *serial) else {
            return;
        };
        if let Some(decision) = &last.decision
            && history.decision.as_ref() != Some(decision)
        {
            history.decide(decision.clone());
        }
        if let Some(mark) = last.mark {
            history.mark = mark;
        }
    }

    /// Brings what the ledger said of the marks of units up to date.
    pub fn tell_marks(&self, units: &mut Vec<(Serial, Mark)>) {
        for last in &self.last {
            let Some(mark) = last.mark else { continue };
            match units.iter_mut().find(|(serial, _)| *serial == last.serial) {
                Some(unit) => unit.1 = mark,
                None => units.push((last.serial.clone(), mark)),
            }
        }
    }

    fn of(&mut self, serial: &Serial) -> &mut Last {
        let place = self.last.iter().position(|last| last.serial == *serial);
        let last = match place.and_then(|place| self.last.remove(place)) {
            Some(last) => last,
            None => Last {
                serial: serial.clone(),
                decision: None,
                mark: None,
            },
        };
        if self.last.len() == REMEMBERED {
            self.last.pop_front();
        }
        self.last.push_back(last);
        let newest = self.last.len() - 1;
        &mut self.last[newest]
    }
}

/// A decision in words: what, who, and why.
pub fn words(decision: &Decision) -> String {
    let what = match decision.what {
        Decided::Quarantine => "set aside",
        Decided::Disposition(Disposition::Rework) => "sent to rework",
        Decided::Disposition(Disposition::Scrap) => "scrapped",
        Decided::Disposition(Disposition::Rma) => "sent back to its maker",
        Decided::Disposition(Disposition::Release) => "released",
    };
    format!("{what} by {}: {}", decision.by, decision.reason)
}

/// What was decided about a unit last, in words.
pub fn decided(history: &UnitHistory) -> String {
    history
        .decision
        .as_ref()
        .map_or_else(|| "nothing decided".to_owned(), words)
}
