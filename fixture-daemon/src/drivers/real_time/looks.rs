//! What the fixture looks at besides its units: the line's network, the machine itself, its lamps over weeks; and the notices that come of it.

use crate::engine::to_see::ToSee;
use core::time::Duration;
use std::collections::BTreeMap;
use std::path::Path;

use blinkup::Tick;
use fixture_ledger::record::Attempt;
use fixture_link::identity::{LaneId, WallTime};
use fixture_link::snapshot::{LaneView, Machine, Notice, Shelved};
use tokio::sync::mpsc;

use super::Told;
use super::alarms::Alarms;
use super::unlifted::Unlifted;
use crate::engine::input::{Input, NetworkSeen};
use crate::engine::lamp_trend::LampTrend;
use crate::health::Health;
use crate::network::watch::{Watch, Why};
use crate::network::{Check, Judgement, judge, probe};
use crate::tasks::Tasks;

/// How often the machine is looked at.
const MACHINE_EVERY: Duration = Duration::from_secs(30);

/// What was looked at, and what came of it.
pub struct Looks {
    network: Option<(Check, Watch)>,
    /// Counts the looks, so that no answer is taken for another one's.
    counted: u16,
    machine: Option<Tick>,
    of_network: Vec<ToSee>,
    of_machine: Vec<ToSee>,
    tells: Machine,
    lamps: Vec<LampTrend>,
    of_parts: BTreeMap<&'static str, ToSee>,
    unlifted: Unlifted,
    of_nests: Vec<ToSee>,
    alarms: Alarms,
}

/// What a look found.
#[derive(Debug)]
pub enum Found {
    /// Of the network, and why it was looked at.
    Network(Why, Judgement),
    /// Of the machine.
    Machine(Health),
    /// A part of the jig that no lane stands still for, and what is to be seen to; nothing when it works again.
    Part(&'static str, Option<ToSee>),
}

impl Looks {
    /// Nothing was looked at yet but the lamps' last weeks. Without a check the network never is.
    pub fn new(network: Option<Check>, lamps: Vec<LampTrend>, alarms: Alarms) -> Self {
        Self {
            network: network.map(|check| (check, Watch::default())),
            counted: 0,
            machine: None,
            of_network: Vec::new(),
            of_machine: Vec::new(),
            tells: Machine::default(),
            lamps,
            of_parts: BTreeMap::new(),
            unlifted: Unlifted::default(),
            of_nests: Vec::new(),
            alarms,
        }
    }

    /// Begins the looks that are due; what they find comes as [`Told::Found`].
    pub fn look(&mut self, now: Tick, lanes: &[LaneView], tasks: &Tasks, told: &mpsc::UnboundedSender<Told>) {
        self.of_nests = self.unlifted.look(now, lanes);
        if let Some((check, watch)) = &mut self.network
            && let Some(why) = watch.due(now, lanes)
        {
            // An answer to the look before must not be taken for this one's; each asks two questions.
            self.counted = self.counted.wrapping_add(2);
            let (check, id) = (check.clone(), self.counted);
            begin(tasks, "look at the network", told, move || {
                let facts = probe::look(&check, Path::new("/"), id);
                Found::Network(why, judge(&check, &facts))
            });
        }
        if self.machine.is_none_or(|last| now.since(last) >= MACHINE_EVERY) {
            self.machine = Some(now);
            begin(tasks, "look at the machine", told, || {
                Found::Machine(Health::read(Path::new("/")))
            });
        }
    }

    /// Takes what a look found; what the engine must know of it comes back.
    pub fn found(&mut self, found: Found) -> Option<Input> {
        match found {
            Found::Part(part, Some(notice)) => {
                self.of_parts.insert(part, notice);
                None
            }
            Found::Part(part, None) => {
                self.of_parts.remove(part);
                None
            }
            Found::Machine(health) => {
                self.tells = health.told();
                let concerns = health.concerns().into_iter();
                self.of_machine = concerns
                    .map(|concern| notice(concern.part, concern.what, concern.remedy))
                    .collect();
                None
            }
            Found::Network(why, judgement) => {
                let fault = judgement.fault();
                if let Some(fault) = &fault {
                    tracing::warn!("network looked at ({}): {fault}", worded(why));
                } else {
                    tracing::info!("network looked at ({}): {}", worded(why), judgement.measured);
                }
                let findings = judgement.faults.into_iter().chain(judgement.doubts);
                self.of_network = findings
                    .map(|finding| notice("network", finding.what, finding.remedy))
                    .collect();
                Some(Input::Network(NetworkSeen {
                    fault,
                    measured: judgement.measured,
                }))
            }
        }
    }

    /// An attempt has ended: what loop-back saw of its lane's lamp.
    pub fn attempt(&mut self, lane: LaneId, at: WallTime, attempt: &Attempt) {
        if let Some(lamp) = self.lamps.iter_mut().find(|lamp| lamp.lane() == lane) {
            lamp.attempt(at, attempt);
        }
    }

    /// What the machine told of itself at the last look.
    pub fn machine(&self) -> Machine {
        self.tells.clone()
    }

    /// What the notice says that stands of a part.
    pub fn says(&self, part: &str) -> Option<String> {
        self.alarms.says(part)
    }

    /// Somebody puts the notice of a part out of sight until then.
    pub fn shelve(&mut self, part: String, what: String, until: WallTime, by: String) {
        self.alarms.shelve(part, what, until, by);
    }

    /// What a person should see to at that moment, and what of it is shelved.
    pub fn notices(&mut self, at: WallTime) -> (Vec<Notice>, Vec<Shelved>) {
        let to_see = self.to_see();
        self.alarms.sort(at, to_see)
    }

    fn to_see(&self) -> Vec<ToSee> {
        let standing = self
            .of_nests
            .iter()
            .chain(self.of_parts.values())
            .chain(&self.of_network)
            .chain(&self.of_machine);
        standing
            .cloned()
            .chain(self.lamps.iter().filter_map(LampTrend::notice))
            .collect()
    }
}

fn begin(tasks: &Tasks, name: &str, told: &mpsc::UnboundedSender<Told>, look: impl FnOnce() -> Found + Send + 'static) {
    let told = told.clone();
    tasks.spawn_short(name, async move {
        match tokio::task::spawn_blocking(look).await {
            // Nobody waits for it any more only when the daemon stops.
            Ok(found) => drop(told.send(Told::Found(found))),
            Err(error) => tracing::error!("a look failed: {error}"),
        }
    });
}

fn worded(why: Why) -> String {
    match why {
        Why::Start => "the daemon starts".to_owned(),
        Why::Shift => "the first unit after a pause".to_owned(),
        Why::Stuck(lane, stage) => format!("the unit in lane {lane} stays at {}", stage.as_str()),
    }
}

fn notice(part: &str, what: String, remedy: &str) -> ToSee {
    ToSee {
        part: part.to_owned(),
        what,
        remedy: remedy.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::network::Finding;

    fn judgement(faults: &[&str]) -> Judgement {
        Judgement {
            faults: faults
                .iter()
                .map(|what| Finding {
                    what: (*what).to_owned(),
                    remedy: "do",
                })
                .collect(),
            doubts: Vec::new(),
            measured: "address 10.0.0.7".to_owned(),
        }
    }

    #[test]
    fn a_fault_is_a_notice_until_the_next_look_finds_none() {
        let mut looks = Looks::new(None, Vec::new(), Alarms::default());
        let told = looks.found(Found::Network(
            Why::Start,
            judgement(&["no DHCP server", "no name server"]),
        ));
        let Some(Input::Network(seen)) = told else {
            panic!("the engine must know");
        };
        assert_eq!(seen.fault.as_deref(), Some("no DHCP server; no name server"));
        assert_eq!(looks.to_see().len(), 2);
        let at = WallTime {
            micros: 7,
            synchronised: true,
        };
        let (notices, _) = looks.notices(at);
        assert_eq!(notices.len(), 1, "it is one part");
        assert_eq!(looks.says("network").as_deref(), Some("no DHCP server; no name server"));
        looks.found(Found::Network(Why::Shift, judgement(&[])));
        assert_eq!(looks.to_see(), []);
    }
}
