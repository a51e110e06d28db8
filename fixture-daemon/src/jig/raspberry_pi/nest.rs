//! The nests' presence switches. What bounces is debounced by whoever watches them.

use blinkup::Tick;
use fixture_link::identity::LaneId;

use super::contact::{self, AnyContact};
use super::gpio::Gpio;
use crate::config::NestParts;
use crate::jig::{Edge, JigError, Nest};

const PART: &str = "nest";

/// A switch a lane.
pub struct Switches<C> {
    wired: Vec<(LaneId, AnyContact)>,
    clock: C,
}

/// The switches of all lanes.
///
/// # Errors
/// A line is not to be had.
pub fn open<C: Fn() -> Tick>(
    gpio: &Gpio,
    parts: &NestParts,
    lanes: &[LaneId],
    clock: C,
) -> Result<Switches<C>, JigError> {
    let wired = lanes
        .iter()
        .zip(&parts.pins)
        .map(|(lane, pin)| {
            let contact = contact::open(gpio, *pin, parts.closed, PART).map_err(|error| failed(*lane, error))?;
            Ok((*lane, contact))
        })
        .collect::<Result<_, JigError>>()?;
    Ok(Switches { wired, clock })
}

impl<C> Switches<C> {
    /// Switches that are wired so.
    #[cfg(test)]
    pub fn wired(wired: Vec<(LaneId, AnyContact)>, clock: C) -> Self {
        Self { wired, clock }
    }

    fn contact(&mut self, lane: LaneId) -> Result<&mut AnyContact, JigError> {
        match self.wired.iter_mut().find(|(of, _)| *of == lane) {
            Some((_, switch)) => Ok(switch),
            None => Err(failed(lane, "this lane does not exist on the jig")),
        }
    }
}

impl<C: Fn() -> Tick + Clone + Send> Nest for Switches<C> {
    fn occupied(&mut self, lane: LaneId) -> Result<bool, JigError> {
        self.contact(lane)?.is_closed().map_err(|error| failed(lane, error))
    }

    fn edges(&mut self, lane: LaneId) -> Result<Vec<Edge>, JigError> {
        let clock = self.clock.clone();
        self.contact(lane)?.edges(clock).map_err(|error| failed(lane, error))
    }
}

fn failed(lane: LaneId, what: impl core::fmt::Display) -> JigError {
    JigError::Failed {
        lane,
        part: PART,
        what: what.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use core::time::Duration;

    use super::super::contact::tests::Turned;
    use super::*;
    use crate::config::Active;

    #[test]
    fn each_lane_has_its_own_switch_and_what_fails_is_named_with_its_lane() {
        let [one, two] = [1, 2].map(|number| LaneId::new(number).unwrap());
        let ago = Duration::from_millis(5);
        let turned = |high| AnyContact::on(Turned(vec![(ago, high)]), Active::Low);
        let now = Tick::from_micros(1_000_000);
        let mut switches = Switches::wired(vec![(one, turned(false)), (two, turned(true))], || now);
        let edge = |closed| Edge { at: now - ago, closed };
        assert_eq!(switches.edges(one), Ok(vec![edge(true)]));
        assert_eq!(switches.edges(two), Ok(vec![edge(false)]));
        assert_eq!(switches.occupied(two).unwrap_err().to_string(), "lane 2: nest: gone");
        assert!(switches.occupied(LaneId::new(3).unwrap()).is_err());
    }
}
