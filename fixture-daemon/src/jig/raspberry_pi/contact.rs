//! A mechanical contact's line: its edges with the kernel's own time where they are to be had, else only looks.

use core::time::Duration;

use blinkup::Tick;
use embedded_hal::digital::InputPin;
use gpiocdev::line::{Bias, EdgeDetection, EdgeKind, Value};

use super::gpio::{Gpio, GpioError, Pull};
use crate::clock;
use crate::config::Active;
use crate::jig::Edge;

/// Edges that are taken at one look: a contact that turns more often between two looks is broken, and told as such by fewer.
const EDGES_AT_ONCE: usize = 64;

/// A line that a contact pulls.
pub trait ContactLine: Send {
    /// Whether it is at 3.3 V.
    ///
    /// # Errors
    /// The line cannot be read.
    fn is_high(&mut self) -> Result<bool, String>;

    /// How it turned since this was last asked, oldest first: how long ago, and whether it is high since.
    ///
    /// # Errors
    /// The line cannot be read.
    fn turns(&mut self) -> Result<Vec<(Duration, bool)>, String>;
}

/// A line that is only looked at.
pub struct Polled<P>(pub P);

impl<P: InputPin + Send> ContactLine for Polled<P> {
    fn is_high(&mut self) -> Result<bool, String> {
        self.0.is_high().map_err(|error| format!("{error:?}"))
    }

    fn turns(&mut self) -> Result<Vec<(Duration, bool)>, String> {
        Ok(Vec::new())
    }
}

/// A line whose edges the kernel queues, each with the time of its interrupt (Linux `gpio.h`, version 2 of its interface:
/// `gpio_v2_line_event.timestamp_ns`, of the monotonic clock where nothing else is asked for).
struct Edges(gpiocdev::Request);

impl ContactLine for Edges {
    fn is_high(&mut self) -> Result<bool, String> {
        let value = self.0.lone_value().map_err(|error| error.to_string())?;
        Ok(value == Value::Active)
    }

    fn turns(&mut self) -> Result<Vec<(Duration, bool)>, String> {
        let mut turns = Vec::new();
        while turns.len() < EDGES_AT_ONCE && self.0.has_edge_event().map_err(|error| error.to_string())? {
            let edge = self.0.read_edge_event().map_err(|error| error.to_string())?;
            let ago = clock::since(Duration::from_nanos(edge.timestamp_ns));
            turns.push((ago, edge.kind == EdgeKind::Rising));
        }
        Ok(turns)
    }
}

/// A contact on whatever line it has.
pub struct AnyContact {
    closed: Active,
    line: Box<dyn ContactLine>,
}

/// The contact on a pin; `what` is its name in the log.
///
/// # Errors
/// The line is not to be had.
pub fn open(gpio: &Gpio, pin: u8, closed: Active, what: &str) -> Result<AnyContact, GpioError> {
    let line: Box<dyn ContactLine> = match edges(gpio, pin, closed.pull(), what) {
        Some(edges) => Box::new(edges),
        None => Box::new(Polled(gpio.input(pin, closed.pull())?)),
    };
    Ok(AnyContact { closed, line })
}

/// A line with edges; `None` where there are none to be had: with registers, and on a chip without interrupts (an emulated Pi).
fn edges(gpio: &Gpio, pin: u8, pull: Pull, what: &str) -> Option<Edges> {
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
            tracing::info!("{what}: GPIO {pin} has no edge events ({error}): it is looked at instead");
            None
        }
    }
}

impl AnyContact {
    /// A contact on any line.
    #[cfg(test)]
    pub fn on(line: impl ContactLine + 'static, closed: Active) -> Self {
        Self {
            closed,
            line: Box::new(line),
        }
    }

    /// Whether it is closed.
    ///
    /// # Errors
    /// The line cannot be read.
    pub fn is_closed(&mut self) -> Result<bool, String> {
        Ok(self.line.is_high()? == (self.closed == Active::High))
    }

    /// How it turned since this was last asked, oldest first, by a clock that shows `now`.
    ///
    /// # Errors
    /// The line cannot be read.
    pub fn edges(&mut self, now: impl Fn() -> Tick) -> Result<Vec<Edge>, String> {
        let turns = self.line.turns()?;
        // After the edges were read, so that none of them lies in the future.
        let now = now();
        Ok(turns
            .into_iter()
            .map(|(ago, high)| Edge {
                at: now - ago,
                closed: high == (self.closed == Active::High),
            })
            .collect())
    }
}

#[cfg(test)]
pub(super) mod tests {
    use embedded_hal_mock::eh1::digital::{Mock, State, Transaction};

    use super::*;

    /// A line that has turned some times and then cannot be read.
    pub struct Turned(pub Vec<(Duration, bool)>);

    impl ContactLine for Turned {
        fn is_high(&mut self) -> Result<bool, String> {
            Err("gone".to_owned())
        }

        fn turns(&mut self) -> Result<Vec<(Duration, bool)>, String> {
            Ok(core::mem::take(&mut self.0))
        }
    }

    #[test]
    fn a_contact_to_ground_is_closed_at_low() {
        let mut pin = Mock::new(&[Transaction::get(State::Low), Transaction::get(State::High)]);
        let mut contact = AnyContact::on(Polled(pin.clone()), Active::Low);
        assert_eq!(contact.is_closed(), Ok(true));
        assert_eq!(contact.is_closed(), Ok(false));
        assert_eq!(contact.edges(|| Tick::ZERO), Ok(Vec::new()));
        pin.done();
    }

    #[test]
    fn edges_keep_the_time_at_which_they_happened() {
        let ms = Duration::from_millis;
        let turned = Turned(vec![(ms(30), false), (ms(10), true)]);
        let mut contact = AnyContact::on(turned, Active::Low);
        let now = Tick::ZERO + ms(1000);
        let edges = contact.edges(|| now).unwrap();
        let at = |millis, closed| Edge {
            at: Tick::ZERO + ms(millis),
            closed,
        };
        assert_eq!(edges, [at(970, true), at(990, false)]);
        assert_eq!(contact.is_closed(), Err("gone".to_owned()));
    }
}
