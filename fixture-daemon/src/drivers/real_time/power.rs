//! The relays of the units' power: a restart is told only where the relay did what it was asked, and a relay that fails is its lane's fault.

use fixture_link::identity::LaneId;

use crate::engine::input::{LaneInput, Part};
use crate::jig::{JigError, Power, UnitPower};

/// The relays, with what became of what they were asked.
pub struct Relays {
    relays: Box<dyn UnitPower>,
    lanes: Vec<(LaneId, State)>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// The unit was without power and is to get it again.
    Off,
    /// The relay has failed.
    Broken,
}

/// What the engine is told, and whether the relay is to be tried again.
#[derive(Debug)]
pub enum Switched {
    /// Nothing; the unit is without power now.
    Off,
    /// This: the unit has power.
    On(Option<LaneInput>),
    /// That the relay has failed. Its unit is to get power all the same: to be tried again.
    Failed(LaneInput),
}

impl Relays {
    /// Relays that give every unit power.
    pub fn new(relays: Box<dyn UnitPower>) -> Self {
        Self {
            relays,
            lanes: Vec::new(),
        }
    }

    /// Takes a unit's power away, to give it back later.
    pub fn off(&mut self, lane: LaneId) -> Switched {
        let result = self.relays.set(lane, Power::Off);
        self.lanes.retain(|(other, _)| *other != lane);
        match result {
            Ok(()) => {
                self.lanes.push((lane, State::Off));
                Switched::Off
            }
            Err(error) => self.failed(lane, &error),
        }
    }

    /// Gives a unit power: the end of its restart, or of the relay's fault.
    pub fn on(&mut self, lane: LaneId) -> Switched {
        let result = self.relays.set(lane, Power::On);
        let before = self.lanes.iter().position(|(other, _)| *other == lane);
        let before = before.map(|place| self.lanes.swap_remove(place).1);
        match (result, before) {
            (Ok(()), Some(State::Off)) => Switched::On(Some(LaneInput::PowerCycled)),
            (Ok(()), Some(State::Broken)) => Switched::On(Some(LaneInput::Part {
                part: Part::Power,
                fault: None,
            })),
            (Ok(()), None) => Switched::On(None),
            (Err(error), _) => self.failed(lane, &error),
        }
    }

    fn failed(&mut self, lane: LaneId, error: &JigError) -> Switched {
        tracing::error!("{error}");
        self.lanes.push((lane, State::Broken));
        Switched::Failed(LaneInput::Part {
            part: Part::Power,
            fault: Some(error.to_string()),
        })
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use super::*;

    /// A relay that fails at the asked times.
    #[derive(Clone, Default)]
    struct Relay(Arc<Mutex<Contact>>);

    #[derive(Default)]
    struct Contact {
        /// How often it was set.
        times: u32,
        /// At which of them it fails.
        fails: Vec<u32>,
        shows: Option<Power>,
    }

    impl UnitPower for Relay {
        fn set(&mut self, lane: LaneId, power: Power) -> Result<(), JigError> {
            let mut relay = self.0.lock().unwrap();
            relay.times += 1;
            if relay.fails.contains(&relay.times) {
                return Err(JigError::Failed {
                    lane,
                    part: "unit power",
                    what: "the line is gone".to_owned(),
                });
            }
            relay.shows = Some(power);
            Ok(())
        }
    }

    fn relays(fails: &[u32]) -> (Relays, Relay, LaneId) {
        let relay = Relay::default();
        relay.0.lock().unwrap().fails = fails.to_vec();
        (Relays::new(Box::new(relay.clone())), relay, LaneId::new(2).unwrap())
    }

    fn fault(switched: &Switched) -> Option<&str> {
        let Switched::Failed(LaneInput::Part {
            part: Part::Power,
            fault,
        }) = switched
        else {
            panic!("{switched:?}")
        };
        fault.as_deref()
    }

    fn is_mended(switched: &Switched) -> bool {
        matches!(
            switched,
            Switched::On(Some(LaneInput::Part {
                part: Part::Power,
                fault: None
            }))
        )
    }

    #[test]
    fn a_restart_is_told_once_the_unit_has_power_again() {
        let (mut relays, relay, lane) = relays(&[]);
        assert!(matches!(relays.off(lane), Switched::Off));
        assert_eq!(relay.0.lock().unwrap().shows, Some(Power::Off));
        assert!(matches!(relays.on(lane), Switched::On(Some(LaneInput::PowerCycled))));
        assert!(matches!(relays.on(lane), Switched::On(None)), "told once");
    }

    #[test]
    fn a_unit_whose_power_could_not_be_taken_away_was_not_restarted() {
        let (mut relays, _, lane) = relays(&[1]);
        assert_eq!(fault(&relays.off(lane)), Some("lane 2: unit power: the line is gone"));
        assert!(is_mended(&relays.on(lane)));
    }

    #[test]
    fn a_unit_whose_power_does_not_come_back_was_not_restarted_and_is_tried_again() {
        let (mut relays, relay, lane) = relays(&[2, 3]);
        assert!(matches!(relays.off(lane), Switched::Off));
        for _ in 0..2 {
            assert_eq!(fault(&relays.on(lane)), Some("lane 2: unit power: the line is gone"));
        }
        assert!(is_mended(&relays.on(lane)));
        assert_eq!(relay.0.lock().unwrap().shows, Some(Power::On));
    }
}
