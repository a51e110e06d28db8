//! What several runs say together: the same code again and again is hardly the units' fault.

use core::time::Duration;

use blinkup::Tick;
use fixture_ledger::record::{Annotation, AnnotationKind, Decided, UnitHistory};
use fixture_link::act::{Disposition, Mark};
use fixture_link::identity::{LaneId, RunId, Serial};
use fixture_link::verdict::{Class, Refusal, VerdictCode};

use super::decision::words;
use super::recipe::Recipe;

/// The line's memory of its last verdicts.
#[derive(Debug)]
pub struct Policy {
    k_in_a_row: u32,
    shared_within: Duration,
    streaks: Vec<Streak>,
    shared: Vec<Failure>,
}

/// Runs of one lane that all ended in the same code.
#[derive(Debug, Default)]
struct Streak {
    code: Option<VerdictCode>,
    runs: Vec<(RunId, Option<Serial>)>,
}

/// A unit that got stuck while connecting.
#[derive(Debug)]
struct Failure {
    run: RunId,
    lane: LaneId,
    serial: Option<Serial>,
    code: VerdictCode,
    at: Tick,
}

/// A verdict before it is stored.
#[derive(Debug, Clone)]
pub struct Candidate {
    /// The run.
    pub run: RunId,
    /// Its lane.
    pub lane: LaneId,
    /// The lane's place among the line's lanes.
    pub place: usize,
    /// The unit.
    pub serial: Option<Serial>,
    /// What the station found.
    pub code: VerdictCode,
}

/// What the line makes of a verdict.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trip {
    /// The code that the run gets instead; the same one where the line knows no better.
    pub code: VerdictCode,
    /// The likely cause, one sentence; why the line stops.
    pub cause: String,
    /// What earlier runs get beside their verdicts.
    pub annotations: Vec<Annotation>,
}

impl Policy {
    /// A memory of nothing, for so many lanes.
    pub fn new(lanes: usize, k_in_a_row: u32, shared_within: Duration) -> Self {
        Self {
            k_in_a_row: k_in_a_row.max(2),
            shared_within,
            streaks: (0..lanes).map(|_| Streak::default()).collect(),
            shared: Vec::new(),
        }
    }

    /// Weighs a verdict before it is stored; `Some` when the line must stop.
    pub fn judge(&mut self, now: Tick, candidate: &Candidate) -> Option<Trip> {
        let code = candidate.code;
        match code.class() {
            // What a person or the power did says nothing about lane or network.
            Class::Operator | Class::Power => return None,
            Class::Unit | Class::Evidence | Class::Fixture | Class::Network => {}
        }
        if code == VerdictCode::GoldenCheckOverdue {
            // It says what has to be done; a stop would only be in the way of that.
            return None;
        }
        if code == VerdictCode::Ok {
            // A unit that got through proves its lane, and the network for all.
            if let Some(streak) = self.streaks.get_mut(candidate.place) {
                *streak = Streak::default();
            }
            self.shared.clear();
            return None;
        }
        self.in_a_row(candidate).or_else(|| self.on_two_lanes(now, candidate))
    }

    /// Takes in a stored verdict of a lane, oldest first, that an earlier process gave: what led to a stop then counts no more.
    pub fn remember(&mut self, ended: &Candidate) {
        match ended.code.class() {
            Class::Operator | Class::Power => return,
            Class::Unit | Class::Evidence | Class::Fixture | Class::Network => {}
        }
        if ended.code == VerdictCode::GoldenCheckOverdue {
            return;
        }
        let enough = usize::try_from(self.k_in_a_row).unwrap_or(usize::MAX);
        let Some(streak) = self.streaks.get_mut(ended.place) else {
            return;
        };
        let named = (ended.run, ended.serial.clone());
        match streak.code {
            Some(code) if code == ended.code => streak.runs.push(named),
            // The run that tripped got the suspected code.
            Some(code) if streak.units() + 1 >= enough && suspicion(code).code == Some(ended.code) => {
                *streak = Streak::default();
            }
            Some(_) | None => {
                *streak = Streak {
                    code: (ended.code != VerdictCode::Ok).then_some(ended.code),
                    runs: if ended.code == VerdictCode::Ok {
                        Vec::new()
                    } else {
                        vec![named]
                    },
                };
            }
        }
        if streak.units() >= enough {
            *streak = Streak::default();
        }
    }

    fn in_a_row(&mut self, candidate: &Candidate) -> Option<Trip> {
        let streak = self.streaks.get_mut(candidate.place)?;
        if streak.code != Some(candidate.code) {
            *streak = Streak {
                code: Some(candidate.code),
                runs: Vec::new(),
            };
        }
        streak.runs.push((candidate.run, candidate.serial.clone()));
        let units = streak.units();
        if units < usize::try_from(self.k_in_a_row).unwrap_or(usize::MAX) {
            return None;
        }
        let earlier = core::mem::take(&mut streak.runs);
        streak.code = None;
        self.shared.clear();
        let suspicion = suspicion(candidate.code);
        let cause = format!(
            "{units} units in a row on lane {} ended in \"{}\": {}",
            candidate.lane,
            candidate.code.text().title,
            suspicion.likely
        );
        let earlier = earlier.into_iter().map(|(run, _)| run);
        Some(trip(candidate, suspicion, cause, earlier))
    }

    fn on_two_lanes(&mut self, now: Tick, candidate: &Candidate) -> Option<Trip> {
        if !is_connection_stage(candidate.code) {
            return None;
        }
        let within = self.shared_within;
        self.shared.retain(|failure| now.since(failure.at) <= within);
        let same = |failure: &Failure| {
            failure.code == candidate.code
                && failure.lane != candidate.lane
                && (failure.serial.is_none() || failure.serial != candidate.serial)
        };
        if !self.shared.iter().any(same) {
            self.shared.push(Failure {
                run: candidate.run,
                lane: candidate.lane,
                serial: candidate.serial.clone(),
                code: candidate.code,
                at: now,
            });
            return None;
        }
        let code = candidate.code;
        let earlier: Vec<RunId> = self
            .shared
            .drain(..)
            .filter(|failure| failure.code == code)
            .map(|failure| failure.run)
            .collect();
        if let Some(streak) = self.streaks.get_mut(candidate.place) {
            *streak = Streak::default();
        }
        let suspicion = suspicion(code);
        let cause = format!(
            "units on two lanes ended in \"{}\" within {} s: {}",
            code.text().title,
            within.as_secs(),
            suspicion.likely
        );
        Some(trip(candidate, suspicion, cause, earlier.into_iter()))
    }
}

impl Streak {
    /// Different units in it: one unit that is tried again and again says nothing about the lane. Units without a serial all count.
    fn units(&self) -> usize {
        let mut seen: Vec<&Serial> = Vec::new();
        let mut units = 0;
        for (_, serial) in &self.runs {
            match serial {
                Some(serial) if seen.contains(&serial) => {}
                Some(serial) => {
                    seen.push(serial);
                    units += 1;
                }
                None => units += 1,
            }
        }
        units
    }
}

fn trip(candidate: &Candidate, suspicion: Suspicion, cause: String, earlier: impl Iterator<Item = RunId>) -> Trip {
    let annotations = earlier
        .filter(|run| *run != candidate.run)
        .filter_map(|run| {
            suspicion.annotates.map(|kind| Annotation {
                run,
                kind,
                detail: cause.clone(),
            })
        })
        .collect();
    Trip {
        code: suspicion.code.unwrap_or(candidate.code),
        cause,
        annotations,
    }
}

/// What the same code on several units makes likely.
#[derive(Debug, Clone, Copy)]
struct Suspicion {
    /// The code that says so; `None` where no fixture or network code would be true.
    code: Option<VerdictCode>,
    annotates: Option<AnnotationKind>,
    likely: &'static str,
}

fn suspicion(code: VerdictCode) -> Suspicion {
    let network = |likely| Suspicion {
        code: Some(VerdictCode::NetworkDown),
        annotates: Some(AnnotationKind::SuspectedNetwork),
        likely,
    };
    let fixture = |code, likely| Suspicion {
        code,
        annotates: Some(AnnotationKind::SuspectedFixture),
        likely,
    };
    match code {
        VerdictCode::StuckSearching => network("is the line's Wi-Fi on the air, on a channel these units know?"),
        VerdictCode::StuckJoining => network("was the Wi-Fi password changed, or is the access point full?"),
        VerdictCode::StuckIp => network("does the line's DHCP server answer, has it addresses left?"),
        VerdictCode::StuckDns => network("does the line's name server answer?"),
        VerdictCode::StuckConnecting => network("does the firewall let TCP port 31314 out?"),
        VerdictCode::StuckProxy => network("is the proxy up, are its address and credentials right?"),
        VerdictCode::StuckCellular => network("is there cellular coverage at the line?"),
        VerdictCode::StuckUpdating => network("is the line's Internet too slow for updates?"),
        VerdictCode::Rejected => network("does the cloud know these units, is the token for their device group?"),
        VerdictCode::NotReceiving | VerdictCode::ReceptionError => fixture(
            Some(VerdictCode::LampWeak),
            "is the lamp aligned and clean, is its level right for these units?",
        ),
        VerdictCode::NoLight | VerdictCode::NotReady | VerdictCode::UnexpectedPattern => fixture(
            Some(VerdictCode::SensorFault),
            "does the lane's status sensor sit over the units' LED, are these the recipe's units?",
        ),
        VerdictCode::PowerFault | VerdictCode::BrownOut => fixture(
            Some(VerdictCode::NestFault),
            "is the nest's supply strong enough, are its contacts clean?",
        ),
        VerdictCode::FlashMissing | VerdictCode::FlashBad | VerdictCode::NoFirmware => Suspicion {
            code: None,
            annotates: None,
            likely: "a batch of boards without good SPI flash or firmware",
        },
        VerdictCode::FirmwareCrash | VerdictCode::BlessFailed | VerdictCode::LedOutOfLimits => Suspicion {
            code: None,
            annotates: None,
            likely: "a batch of units with the same fault, or the wrong firmware for this product",
        },
        VerdictCode::NoBlessEvent | VerdictCode::NotClaimed | VerdictCode::BlessDisagrees => Suspicion {
            code: None,
            annotates: Some(AnnotationKind::SuspectedNetwork),
            likely: "do the cloud's events and answers reach the fixture?",
        },
        VerdictCode::TokenUnavailable | VerdictCode::NetworkDown => Suspicion {
            code: None,
            annotates: Some(AnnotationKind::SuspectedNetwork),
            likely: "is the line's network up?",
        },
        VerdictCode::UnreadableLight
        | VerdictCode::LampNotSeen
        | VerdictCode::LampWeak
        | VerdictCode::LampLate
        | VerdictCode::SensorFault
        | VerdictCode::SensorSaturated
        | VerdictCode::AmbientTooBright
        | VerdictCode::StoreFailed
        | VerdictCode::LabelFailed
        | VerdictCode::NestFault
        | VerdictCode::CalibrationOverdue
        | VerdictCode::GoldenCheckOverdue => fixture(None, "the lane's own parts need a person"),
        VerdictCode::Ok | VerdictCode::LiftedEarly | VerdictCode::StoppedByOperator | VerdictCode::Interrupted => {
            Suspicion {
                code: None,
                annotates: None,
                likely: "",
            }
        }
    }
}

/// Whether a code says that a unit got stuck on its way into the network, which all lanes share.
fn is_connection_stage(code: VerdictCode) -> bool {
    matches!(
        code,
        VerdictCode::StuckSearching
            | VerdictCode::StuckJoining
            | VerdictCode::StuckIp
            | VerdictCode::StuckDns
            | VerdictCode::StuckConnecting
            | VerdictCode::StuckProxy
            | VerdictCode::StuckCellular
    )
}

/// Whether a code says that a unit did not get on in the line's own network. A modem's network is not the line's.
pub fn needs_network(code: VerdictCode) -> bool {
    matches!(
        code,
        VerdictCode::StuckSearching
            | VerdictCode::StuckJoining
            | VerdictCode::StuckIp
            | VerdictCode::StuckDns
            | VerdictCode::StuckConnecting
            | VerdictCode::StuckProxy
            | VerdictCode::StuckUpdating
            | VerdictCode::TokenUnavailable
    )
}

/// Why a unit is not to be run, by what somebody decided about it last.
pub fn why_not_to_run(history: &UnitHistory) -> Option<String> {
    let decision = history.decision.as_ref()?;
    match decision.what {
        Decided::Quarantine | Decided::Disposition(Disposition::Scrap | Disposition::Rma) => Some(words(decision)),
        Decided::Disposition(Disposition::Rework | Disposition::Release) => None,
    }
}

/// Whether what was decided about a unit or its earlier runs forbid another one, and in what words.
pub fn unit_refusal(recipe: &Recipe, history: &UnitHistory) -> Option<(Refusal, String)> {
    if let Some(why) = why_not_to_run(history) {
        return Some((Refusal::Quarantined, why));
    }
    match history.mark {
        // What the fixture is measured by is run as often as it takes.
        Mark::Golden | Mark::KnownBad => return None,
        Mark::Ordinary => {}
    }
    if history.passed {
        return Some((Refusal::AlreadyPassed, String::new()));
    }
    let again = history.codes.iter().find(|code| {
        let times = history.codes.iter().filter(|other| other == code).count();
        **code != VerdictCode::Ok && times >= usize::try_from(recipe.quarantine_after).unwrap_or(usize::MAX).max(1)
    });
    if let Some(code) = again {
        return Some((Refusal::Quarantined, format!("{code} again")));
    }
    if history.runs >= recipe.runs_at_most {
        return Some((Refusal::RetestLimit, format!("{} runs", history.runs)));
    }
    None
}
