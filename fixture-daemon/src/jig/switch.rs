//! A mechanical contact: what it means behind its bouncing, and when it can no longer be believed. Pure: time is an argument.

use core::time::Duration;
use std::collections::VecDeque;

use blinkup::Tick;

/// What a contact shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Contact {
    /// Nothing presses it.
    Open,
    /// Something does.
    Closed,
}

impl From<bool> for Contact {
    fn from(closed: bool) -> Self {
        if closed { Self::Closed } else { Self::Open }
    }
}

/// What is to be known of a contact.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Told {
    /// It has turned, for good.
    Turned(Contact),
    /// It turns so often that nothing can be believed.
    Bouncing,
    /// It can be believed again, and shows this.
    Steady(Contact),
}

/// A contact must show the same for so long. Switches bounce for up to some milliseconds (J. Ganssle, "A Guide to Debouncing", measured
/// 157 ms at worst and 6.2 ms on average); nobody seats a unit for less than this.
const SETTLES: Duration = Duration::from_millis(40);

/// A contact that has not settled for so long is broken, or its wire is loose.
const UNSETTLED: Duration = Duration::from_secs(1);

/// So many turns, each of them settled …
const TURNS: usize = 6;

/// … within this time are no person's.
const WITHIN: Duration = Duration::from_secs(4);

/// A contact that was not believed must show the same for so long.
const STEADY: Duration = Duration::from_secs(3);

/// One contact, debounced.
#[derive(Debug, Clone)]
pub struct Switch {
    /// What was told last.
    told: Contact,
    /// What it showed last, and since when.
    shows: Contact,
    since: Tick,
    /// Since when it has not shown the same for [`SETTLES`].
    unsettled: Option<Tick>,
    /// The last settled turns.
    turns: VecDeque<Tick>,
    trust: Trust,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Trust {
    Good,
    Lost,
}

impl Switch {
    /// A contact that is known to show this.
    pub fn new(told: Contact, now: Tick) -> Self {
        Self {
            told,
            shows: told,
            since: now,
            unsettled: None,
            turns: VecDeque::with_capacity(TURNS),
            trust: Trust::Good,
        }
    }

    /// What it shows at a moment: an edge, or a look. In order of time; one that comes late counts as now.
    pub fn see(&mut self, at: Tick, shows: Contact) {
        self.settle(at);
        if shows != self.shows {
            let at = at.max(self.since);
            self.shows = shows;
            self.since = at;
            self.unsettled.get_or_insert(at);
        }
    }

    /// A contact that has shown the same for long enough is no longer unsettled.
    fn settle(&mut self, now: Tick) {
        if now.since(self.since) >= SETTLES {
            self.unsettled = None;
        }
    }

    /// What is to be told now. Told once.
    pub fn told(&mut self, now: Tick) -> Option<Told> {
        self.settle(now);
        match self.trust {
            Trust::Lost if now.since(self.since) >= STEADY => {
                self.trust = Trust::Good;
                self.turns.clear();
                self.told = self.shows;
                Some(Told::Steady(self.shows))
            }
            Trust::Lost => None,
            Trust::Good if self.unsettled.is_some_and(|since| now.since(since) >= UNSETTLED) => Some(self.lose()),
            Trust::Good if self.shows == self.told || self.unsettled.is_some() => None,
            Trust::Good => {
                self.turns.retain(|turn| now.since(*turn) <= WITHIN);
                self.turns.push_back(now);
                if self.turns.len() >= TURNS {
                    return Some(self.lose());
                }
                self.told = self.shows;
                Some(Told::Turned(self.shows))
            }
        }
    }

    fn lose(&mut self) -> Told {
        self.trust = Trust::Lost;
        Told::Bouncing
    }

    /// Since when it shows what it shows.
    pub fn since(&self) -> Tick {
        self.since
    }

    /// What it was last told to show.
    pub fn contact(&self) -> Contact {
        self.told
    }

    /// Whether what it shows can be believed.
    pub fn is_good(&self) -> bool {
        self.trust == Trust::Good
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn at(millis: u64) -> Tick {
        Tick::ZERO + Duration::from_millis(millis)
    }

    /// Everything that is told, looked at every 20 ms until `end`, with these edges in between.
    fn played(edges: &[(u64, Contact)], end: u64) -> Vec<(u64, Told)> {
        let mut switch = Switch::new(Contact::Open, at(0));
        let mut edges = edges.iter().peekable();
        let mut told = Vec::new();
        for now in (0..=end).step_by(20) {
            while let Some((moment, shows)) = edges.next_if(|(moment, _)| *moment <= now) {
                switch.see(at(*moment), *shows);
            }
            let shows = switch.shows;
            switch.see(at(now), shows);
            told.extend(switch.told(at(now)).map(|what| (now, what)));
        }
        told
    }

    fn closed_at(millis: u64) -> (u64, Contact) {
        (millis, Contact::Closed)
    }

    fn open_at(millis: u64) -> (u64, Contact) {
        (millis, Contact::Open)
    }

    #[test]
    fn a_contact_that_bounces_for_some_milliseconds_turns_once() {
        let edges = [
            closed_at(100),
            open_at(101),
            closed_at(104),
            open_at(105),
            closed_at(112),
        ];
        assert_eq!(played(&edges, 400), [(160, Told::Turned(Contact::Closed))]);
    }

    #[test]
    fn a_short_pulse_is_no_turn() {
        assert_eq!(played(&[closed_at(100), open_at(130)], 400), []);
        // Not seen by looking alone: the edges tell it, and it is still no turn.
        assert_eq!(played(&[closed_at(101), open_at(102)], 400), []);
    }

    #[test]
    fn a_unit_that_is_seated_and_lifted_is_told_both() {
        let edges = [closed_at(100), open_at(5000)];
        assert_eq!(
            played(&edges, 6000),
            [
                (140, Told::Turned(Contact::Closed)),
                (5040, Told::Turned(Contact::Open))
            ]
        );
    }

    #[test]
    fn a_contact_that_never_settles_is_not_believed_until_it_is_steady() {
        let mut edges: Vec<_> = (0..60)
            .map(|turn| (100 + 25 * turn, Contact::from(turn % 2 == 0)))
            .collect();
        let end = 100 + 25 * 60;
        edges.push(closed_at(end));
        assert_eq!(
            played(&edges, 10_000),
            [(1100, Told::Bouncing), (end + 3000, Told::Steady(Contact::Closed))]
        );
    }

    #[test]
    fn turns_that_follow_faster_than_a_person_are_not_believed() {
        let edges: Vec<_> = (0..6)
            .map(|turn| (100 + 300 * turn, Contact::from(turn % 2 == 0)))
            .collect();
        let told = played(&edges, 10_000);
        assert_eq!(told.len(), 7, "{told:?}");
        assert_eq!(told[5].1, Told::Bouncing);
        assert_eq!(told[6].1, Told::Steady(Contact::Open));
    }

    #[test]
    fn a_quick_operator_is_believed() {
        // A unit every two seconds.
        let edges: Vec<_> = (0..20)
            .map(|turn| (100 + 1000 * turn, Contact::from(turn % 2 == 0)))
            .collect();
        assert!(
            played(&edges, 30_000)
                .iter()
                .all(|(_, told)| matches!(told, Told::Turned(_)))
        );
    }

    proptest! {
        #[test]
        fn what_is_told_alternates_and_ends_with_what_it_shows(gaps in proptest::collection::vec(1_u64..400, 0..60)) {
            let mut now = 100;
            let mut edges = Vec::new();
            for (turn, gap) in gaps.iter().enumerate() {
                now += gap;
                edges.push((now, Contact::from(turn % 2 == 0)));
            }
            let told = played(&edges, now + 10_000);
            let mut believed = Some(Contact::Open);
            for (_, what) in told {
                match what {
                    Told::Turned(contact) => {
                        prop_assert!(believed.is_some_and(|before| before != contact));
                        believed = Some(contact);
                    }
                    Told::Bouncing => believed = None,
                    Told::Steady(contact) => {
                        prop_assert_eq!(believed, None);
                        believed = Some(contact);
                    }
                }
            }
            prop_assert_eq!(believed, Some(Contact::from(gaps.len() % 2 == 1)));
        }
    }
}
