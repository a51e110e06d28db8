//! Faults of lanes and the line: when they come, and when they are over.

use core::time::Duration;

use blinkup::Tick;
use fixture_link::identity::LaneId;

use super::chance::{Chance, Stream};
use super::fault::Fault;
use super::scenario::{Scenario, Spell, Strikes};

/// A spell of one fault in one place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Mishap {
    /// The row of the scenario.
    pub row: usize,
    /// The fault.
    pub fault: Fault,
    /// The lane; `None` for the line.
    pub lane: Option<LaneId>,
    /// Since when.
    pub from: Tick,
}

/// One fault in one place, over time.
#[derive(Debug)]
struct Course {
    mishap: Mishap,
    spell: Spell,
    active: bool,
    /// When it comes or goes next; `None` for never again.
    turns: Option<Tick>,
}

/// Everything that goes wrong with lanes and line.
#[derive(Debug)]
pub struct Mishaps {
    chance: Chance,
    courses: Vec<Course>,
    /// What is wrong now, in the order of the courses: asked at every sample, changed a few times an hour.
    standing: Vec<Mishap>,
    /// When something comes or goes next.
    next: Option<Tick>,
}

impl Mishaps {
    /// What a scenario has in store for these lanes.
    pub fn new(seed: u64, scenario: &Scenario, lanes: &[LaneId]) -> Self {
        let mut chance = Chance::new(seed, Stream::Mishaps);
        let mut courses = Vec::new();
        for (row, fault) in scenario.rows.iter().enumerate() {
            let (spell, places): (&Spell, Vec<Option<LaneId>>) = match &fault.strikes {
                Strikes::Unit { .. } => continue,
                Strikes::Lane(spell) => (spell, lanes.iter().copied().map(Some).collect()),
                Strikes::Line(spell) => (spell, vec![None]),
            };
            for lane in places {
                let from = Tick::ZERO + spell.from + chance.wait(spell.every);
                courses.push(Course {
                    mishap: Mishap {
                        row,
                        fault: fault.fault,
                        lane,
                        from,
                    },
                    spell: spell.clone(),
                    active: false,
                    turns: Some(from),
                });
            }
        }
        let mut mishaps = Self {
            chance,
            courses,
            standing: Vec::new(),
            next: None,
        };
        mishaps.turned();
        mishaps
    }

    /// When something comes or goes next.
    pub fn next_event(&self) -> Option<Tick> {
        self.next
    }

    /// Notes what the courses say now.
    fn turned(&mut self) {
        self.standing.clear();
        let active = self.courses.iter().filter(|course| course.active);
        self.standing.extend(active.map(|course| course.mishap));
        self.next = self.courses.iter().filter_map(|course| course.turns).min();
    }

    /// Lets everything come and go until `to`; whether anything did.
    pub fn advance(&mut self, to: Tick) -> bool {
        if self.next.is_none_or(|at| at > to) {
            return false;
        }
        while let Some(course) = self
            .courses
            .iter_mut()
            .filter(|course| course.turns.is_some_and(|at| at <= to))
            .min_by_key(|course| course.turns)
        {
            let at = course.turns.unwrap_or(to);
            course.active = !course.active;
            if course.active {
                course.mishap.from = at;
                course.turns = Some(at + self.chance.time(course.spell.lasts.clone()));
            } else {
                course.turns = next_onset(&course.spell, at, &mut self.chance);
            }
        }
        self.turned();
        true
    }

    /// Mends what is wrong with a lane, or with the line for `None`.
    pub fn mend(&mut self, now: Tick, lane: Option<LaneId>) {
        for course in &mut self.courses {
            if course.active && course.mishap.lane == lane {
                course.active = false;
                course.turns = next_onset(&course.spell, now, &mut self.chance);
            }
        }
        self.turned();
    }

    /// What is wrong with a lane now, its own faults first, then the line's.
    pub fn active(&self, lane: LaneId) -> impl Iterator<Item = Mishap> {
        let of = |place| self.standing.iter().filter(move |mishap| mishap.lane == place);
        of(Some(lane)).chain(of(None)).copied()
    }

    /// What is wrong with the line now.
    pub fn of_line(&self) -> impl Iterator<Item = Fault> {
        let of_line = self.standing.iter().filter(|mishap| mishap.lane.is_none());
        of_line.map(|mishap| mishap.fault)
    }
}

/// The next onset after an end; never again where no time between two is named.
fn next_onset(spell: &Spell, end: Tick, chance: &mut Chance) -> Option<Tick> {
    (spell.every > Duration::ZERO).then(|| end + chance.wait(spell.every))
}

#[cfg(test)]
mod tests {
    use super::super::scenario::Row;
    use super::*;

    #[test]
    fn a_mishap_comes_goes_comes_again_and_can_be_mended() {
        let lane = LaneId::new(1).unwrap();
        let scenario = Scenario {
            name: "x".to_owned(),
            rows: vec![Row {
                fault: Fault::DeadLamp,
                strikes: Strikes::Lane(Spell {
                    from: Duration::from_secs(10),
                    every: Duration::from_secs(100),
                    lasts: Duration::from_secs(20)..Duration::from_secs(30),
                }),
                codes: vec![fixture_link::verdict::VerdictCode::LampNotSeen],
                must_fail: true,
            }],
        };
        let mut mishaps = Mishaps::new(4, &scenario, &[lane]);
        let first = mishaps.next_event().unwrap();
        assert!(first >= Tick::from_micros(10_000_000));
        assert_eq!(mishaps.active(lane).count(), 0);
        assert!(mishaps.advance(first));
        assert_eq!(mishaps.active(lane).count(), 1);
        let end = mishaps.next_event().unwrap();
        assert!((20..=30).contains(&end.since(first).as_secs()));
        mishaps.mend(first, Some(lane));
        assert_eq!(mishaps.active(lane).count(), 0);
        assert!(mishaps.next_event().unwrap() > first);
        let mut onsets = 0;
        for _ in 0..10 {
            let next = mishaps.next_event().unwrap();
            mishaps.advance(next);
            onsets += mishaps.active(lane).count();
        }
        assert_eq!(onsets, 5);
    }
}
