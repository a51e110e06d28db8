//! The golden check of a lane: it must pass a unit that is known to be good, and where that is asked fail one that is known to be bad, before it passes
//! others.

use core::time::Duration;

use blinkup::Tick;
use fixture_ledger::record::Purpose;
use fixture_link::identity::WallTime;
use fixture_link::snapshot::{CheckView, Done};

/// What a check asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CheckRules {
    /// Whether a unit that is known to be bad must fail as well.
    pub known_bad: KnownBad,
    /// How long after a check is due the lane still passes units without it.
    pub grace: Duration,
}

/// Whether a check asks for a unit that is known to be bad.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KnownBad {
    /// It does.
    Asked,
    /// The golden unit is enough.
    NotAsked,
}

/// A check that is due.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Check {
    /// Since when, only to be shown.
    since: WallTime,
    /// Only units that were seated from then on count.
    counts_from: Tick,
    /// From when on the lane passes no unit without it.
    overdue: Tick,
    golden: Option<Tick>,
    known_bad: Option<Tick>,
}

impl Check {
    /// A check that is due now.
    pub fn new(since: WallTime, now: Tick, overdue: Tick, done: &[Purpose]) -> Self {
        let seen = |purpose| done.contains(&purpose).then_some(now);
        Self {
            since,
            counts_from: now,
            overdue,
            golden: seen(Purpose::Golden),
            known_bad: seen(Purpose::KnownBad),
        }
    }

    /// The lane measured a marked unit as it should, at that moment.
    pub fn measured(&mut self, purpose: Purpose, seated: Tick, now: Tick) {
        if seated < self.counts_from {
            return;
        }
        match purpose {
            Purpose::Golden => self.golden = Some(now),
            Purpose::KnownBad => self.known_bad = Some(now),
            Purpose::Production | Purpose::Study => {}
        }
    }

    /// Since when its first part is done, once all of it is.
    pub fn complete(&self, rules: CheckRules) -> Option<Tick> {
        let golden = self.golden?;
        match rules.known_bad {
            KnownBad::NotAsked => Some(golden),
            KnownBad::Asked => Some(golden.min(self.known_bad?)),
        }
    }

    /// Why the lane passes no unit now, where it does not.
    pub fn overdue(&self, now: Tick) -> Option<&'static str> {
        if now < self.overdue {
            return None;
        }
        Some(match self.golden {
            None => "the golden unit has not passed since the golden check is due",
            Some(_) => "the known-bad unit has not failed since the golden check is due",
        })
    }

    /// The check as it is shown.
    pub fn view(&self, rules: CheckRules, now: Tick) -> CheckView {
        let done = |at: Option<Tick>| if at.is_some() { Done::Yes } else { Done::No };
        CheckView {
            since: self.since,
            golden: done(self.golden),
            known_bad: match rules.known_bad {
                KnownBad::Asked => Some(done(self.known_bad)),
                KnownBad::NotAsked => None,
            },
            overdue: self.overdue(now).is_some(),
        }
    }
}
