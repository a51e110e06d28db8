//! Red- and green-filtered photodiodes behind comparators, two lines a lane: lit or not, no more.

use blinkup::Tick;
use blinkup::sample::{Counts, Sample};
use embedded_hal::digital::InputPin;
use fixture_link::identity::LaneId;

use super::failed;
use crate::config::Active;
use crate::jig::{JigError, StatusSensor};

/// What a lit photodiode counts for: any number would do, since nothing is measured; this one is well within every trace.
pub const LIT: u16 = 1000;

/// The comparators of all lanes.
pub struct Comparators<P, C> {
    lines: Vec<(LaneId, [P; 2])>,
    lit: Active,
    clock: C,
}

impl<P: InputPin, C: Fn() -> Tick> Comparators<P, C> {
    /// The lines of each lane: red, green; `lit` is their voltage under light.
    pub fn new(lines: Vec<(LaneId, [P; 2])>, lit: Active, clock: C) -> Self {
        Self { lines, lit, clock }
    }
}

impl<P: InputPin + Send, C: Fn() -> Tick + Send> StatusSensor for Comparators<P, C> {
    fn sample(&mut self, lane: LaneId) -> Result<Sample, JigError> {
        let lit = self.lit;
        let start = (self.clock)();
        let (_, lines) = self
            .lines
            .iter_mut()
            .find(|(wired, _)| *wired == lane)
            .ok_or_else(|| failed(lane, "this lane does not exist on the jig"))?;
        let mut counts = [0; 2];
        for (count, line) in counts.iter_mut().zip(lines) {
            let high = line.is_high().map_err(|error| failed(lane, format!("{error:?}")))?;
            if high == (lit == Active::High) {
                *count = LIT;
            }
        }
        let [red, green] = counts;
        Ok(Sample {
            start,
            end: (self.clock)(),
            counts: Counts {
                red,
                green,
                blue: 0,
                clear: red.max(green),
            },
        })
    }
}

#[cfg(test)]
mod tests {
    use std::io::ErrorKind;

    use embedded_hal_mock::eh1::MockError;
    use embedded_hal_mock::eh1::digital::{Mock, State, Transaction};

    use super::*;

    fn line(states: &[State]) -> Mock {
        let expected: Vec<Transaction> = states.iter().map(|state| Transaction::get(*state)).collect();
        Mock::new(&expected)
    }

    #[test]
    fn open_collectors_pull_low_under_light() {
        let lane = LaneId::new(1).unwrap();
        // Dark, red, amber, green.
        let mut red = line(&[State::High, State::Low, State::Low, State::High]);
        let mut green = line(&[State::High, State::High, State::Low, State::Low]);
        let lines = vec![(lane, [red.clone(), green.clone()])];
        let mut sensor = Comparators::new(lines, Active::Low, || Tick::from_micros(5));
        for (red, green) in [(0, 0), (LIT, 0), (LIT, LIT), (0, LIT)] {
            let counts = sensor.sample(lane).unwrap().counts;
            assert_eq!((counts.red, counts.green, counts.blue), (red, green, 0));
            assert_eq!(counts.clear, red.max(green));
        }
        red.done();
        green.done();
    }

    #[test]
    fn a_line_that_fails_is_named_with_its_lane() {
        let lane = LaneId::new(2).unwrap();
        let mut red = Mock::new(&[Transaction::get(State::High).with_error(MockError::Io(ErrorKind::NotFound))]);
        let mut green = line(&[]);
        let lines = vec![(lane, [red.clone(), green.clone()])];
        let mut sensor = Comparators::new(lines, Active::Low, || Tick::ZERO);
        let said = sensor.sample(lane).unwrap_err().to_string();
        assert!(said.starts_with("lane 2: status sensor: "), "{said}");
        red.done();
        green.done();
    }
}
