//! The nests' presence switches. What bounces is debounced by whoever watches them; where the kernel tells edges none of them is missed,
//! else the lines are looked at.

use blinkup::Tick;
use embedded_hal::digital::InputPin;
use fixture_link::identity::LaneId;
use gpiocdev::line::{Bias, EdgeDetection, EdgeKind, Value};

use super::gpio::{Gpio, Pull};
use crate::config::{Active, NestParts};
use crate::jig::{Edge, JigError, Nest};

const PART: &str = "nest";

/// Edges that are taken at one look: a switch that turns more often between two looks is broken, and told as such by fewer.
const EDGES_AT_ONCE: usize = 64;

/// A switch's line.
pub trait SwitchLine: Send {
    /// Whether it is at 3.3 V.
    ///
    /// # Errors
    /// The line cannot be read.
    fn is_high(&mut self) -> Result<bool, String>;

    /// The levels that it went to since this was last asked, oldest first.
    ///
    /// # Errors
    /// The line cannot be read.
    fn turns(&mut self) -> Result<Vec<bool>, String>;
}

/// A line that is only looked at.
struct Polled<P>(P);

impl<P: InputPin + Send> SwitchLine for Polled<P> {
    fn is_high(&mut self) -> Result<bool, String> {
        self.0.is_high().map_err(|error| format!("{error:?}"))
    }

    fn turns(&mut self) -> Result<Vec<bool>, String> {
        Ok(Vec::new())
    }
}

/// A line whose edges the kernel queues (Linux `gpio.h`, version 2 of its interface).
struct Edges(gpiocdev::Request);

impl SwitchLine for Edges {
    fn is_high(&mut self) -> Result<bool, String> {
        let value = self.0.lone_value().map_err(|error| error.to_string())?;
        Ok(value == Value::Active)
    }

    fn turns(&mut self) -> Result<Vec<bool>, String> {
        let mut turns = Vec::new();
        while turns.len() < EDGES_AT_ONCE && self.0.has_edge_event().map_err(|error| error.to_string())? {
            let edge = self.0.read_edge_event().map_err(|error| error.to_string())?;
            turns.push(edge.kind == EdgeKind::Rising);
        }
        Ok(turns)
    }
}

/// A switch a lane.
pub struct Switches<C> {
    wired: Vec<(LaneId, Box<dyn SwitchLine>)>,
    closed: Active,
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
            if let Some(edges) = edges(gpio, *pin, parts.closed.pull()) {
                return Ok((*lane, Box::new(edges) as Box<dyn SwitchLine>));
            }
            let line = gpio
                .input(*pin, parts.closed.pull())
                .map_err(|error| failed(*lane, error))?;
            Ok((*lane, Box::new(Polled(line)) as Box<dyn SwitchLine>))
        })
        .collect::<Result<_, JigError>>()?;
    Ok(Switches {
        wired,
        closed: parts.closed,
        clock,
    })
}

/// A line with edges; `None` where there are none to be had: with registers, and on a chip without interrupts (an emulated Pi).
fn edges(gpio: &Gpio, pin: u8, pull: Pull) -> Option<Edges> {
    let request = gpiocdev::Request::builder()
        .on_chip(gpio.chip()?)
        .with_consumer("fixture-daemon")
        .with_line(pin.into())
        .as_input()
        .with_bias(match pull {
            Pull::None => None,
            Pull::Up => Some(Bias::PullUp),
            Pull::Down => Some(Bias::PullDown),
        })
        .with_edge_detection(EdgeDetection::BothEdges)
        .request();
    match request {
        Ok(request) => Some(Edges(request)),
        Err(error) => {
            tracing::info!("nest: GPIO {pin} has no edge events ({error}): it is looked at instead");
            None
        }
    }
}

impl<C> Switches<C> {
    fn line(&mut self, lane: LaneId) -> Result<&mut dyn SwitchLine, JigError> {
        match self.wired.iter_mut().find(|(of, _)| *of == lane) {
            Some((_, switch)) => Ok(switch.as_mut()),
            None => Err(failed(lane, "this lane does not exist on the jig")),
        }
    }
}

impl<C: Fn() -> Tick + Send> Nest for Switches<C> {
    fn occupied(&mut self, lane: LaneId) -> Result<bool, JigError> {
        let closed = self.closed == Active::High;
        let high = self.line(lane)?.is_high().map_err(|error| failed(lane, error))?;
        Ok(high == closed)
    }

    fn edges(&mut self, lane: LaneId) -> Result<Vec<Edge>, JigError> {
        let closed = self.closed == Active::High;
        let turns = self.line(lane)?.turns().map_err(|error| failed(lane, error))?;
        let at = (self.clock)();
        Ok(turns
            .into_iter()
            .map(|high| Edge {
                at,
                closed: high == closed,
            })
            .collect())
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
    use embedded_hal_mock::eh1::digital::{Mock, State, Transaction};

    use super::*;

    /// A line that has turned some times and then cannot be read.
    struct Turned(Vec<bool>);

    impl SwitchLine for Turned {
        fn is_high(&mut self) -> Result<bool, String> {
            Err("gone".to_owned())
        }

        fn turns(&mut self) -> Result<Vec<bool>, String> {
            Ok(core::mem::take(&mut self.0))
        }
    }

    #[test]
    fn a_switch_to_ground_is_closed_at_low_and_edges_say_the_same() {
        let [one, two] = [1, 2].map(|number| LaneId::new(number).unwrap());
        let mut pin = Mock::new(&[Transaction::get(State::Low), Transaction::get(State::High)]);
        let mut switches = Switches {
            wired: vec![
                (one, Box::new(Polled(pin.clone()))),
                (two, Box::new(Turned(vec![false, true, false]))),
            ],
            closed: Active::Low,
            clock: || Tick::ZERO,
        };
        assert_eq!(switches.occupied(one), Ok(true));
        assert_eq!(switches.occupied(one), Ok(false));
        assert_eq!(switches.edges(one), Ok(Vec::new()));
        let closed: Vec<bool> = switches.edges(two).unwrap().iter().map(|edge| edge.closed).collect();
        assert_eq!(closed, [true, false, true]);
        assert_eq!(switches.occupied(two).unwrap_err().to_string(), "lane 2: nest: gone");
        assert!(switches.occupied(LaneId::new(3).unwrap()).is_err());
        pin.done();
    }
}
