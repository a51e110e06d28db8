//! A unit's status LED as it is driven: a pattern's steps on a clock of its own, with edges that wander.

use core::time::Duration;

use blinkup::Tick;
use blinkup::codes::Colour;

use super::chance::Chance;
use super::light::Steps;

/// How far an edge is off: deviation, and at most. The guide gives no figure; units on the bench wander by about 10 ms.
const WANDER: (f64, f64) = (0.004, 0.010);

/// What an LED is told to show: colours, each for a time; held at the last when it does not repeat.
#[derive(Debug, Clone, PartialEq)]
pub struct Show {
    /// The steps; at least one.
    pub steps: Vec<(Colour, Duration)>,
    /// Again from the first after the last.
    pub repeat: bool,
}

impl Show {
    /// One colour, held.
    pub fn held(colour: Colour) -> Self {
        Self {
            steps: vec![(colour, Duration::ZERO)],
            repeat: false,
        }
    }
}

/// A bicolour LED, driven by a unit's own clock.
#[derive(Debug, Clone)]
pub struct Led {
    light: Steps<Colour>,
    show: Show,
    /// The step that is on, and when it ends by the unit's clock without wander; `None` when it is held.
    step: usize,
    until: Option<Tick>,
    /// Where the next edge really is.
    edge: Option<Tick>,
    /// The unit's second over a true one.
    clock: f64,
    /// Nothing lights any more.
    dead: bool,
}

impl Led {
    /// A dark LED on a clock that is off by `clock` (1.02: everything takes 2 % longer).
    pub fn new(clock: f64, dead: bool) -> Self {
        Self {
            light: Steps::new(Colour::Off),
            show: Show::held(Colour::Off),
            step: 0,
            until: None,
            edge: None,
            clock,
            dead,
        }
    }

    /// Shows another pattern from `at` on, from `into` its period.
    pub fn show(&mut self, at: Tick, show: Show, into: Duration, chance: &mut Chance) {
        self.advance(at, chance);
        self.show = show;
        self.step = 0;
        let mut left = into;
        let mut first = self.length(0);
        while self.show.repeat && left >= first && self.show.steps.len() > 1 {
            left -= first;
            self.step = (self.step + 1) % self.show.steps.len();
            first = self.length(self.step);
        }
        let held = self.is_held();
        self.until = (!held).then(|| at + first.saturating_sub(left));
        self.edge = self.until;
        self.light.set(at, self.colour());
    }

    /// The light, made up to `to`.
    pub fn advance(&mut self, to: Tick, chance: &mut Chance) {
        while let (Some(edge), Some(until)) = (self.edge, self.until) {
            if edge > to {
                break;
            }
            self.step = (self.step + 1) % self.show.steps.len();
            self.light.set(edge, self.colour());
            if self.is_held() {
                self.until = None;
                self.edge = None;
            } else {
                let next = until + self.length(self.step);
                let wander = (chance.normal() * WANDER.0).clamp(-WANDER.1, WANDER.1);
                self.until = Some(next);
                self.edge = Some(
                    if wander < 0.0 {
                        next - Duration::from_secs_f64(-wander)
                    } else {
                        next + Duration::from_secs_f64(wander)
                    }
                    .max(edge + Duration::from_millis(1)),
                );
            }
        }
    }

    /// The light so far.
    pub fn light(&self) -> &Steps<Colour> {
        &self.light
    }

    fn colour(&self) -> Colour {
        if self.dead {
            Colour::Off
        } else {
            self.show.steps.get(self.step).map_or(Colour::Off, |step| step.0)
        }
    }

    fn length(&self, step: usize) -> Duration {
        self.show
            .steps
            .get(step)
            .map_or(Duration::ZERO, |step| step.1.mul_f64(self.clock))
    }

    fn is_held(&self) -> bool {
        self.show.steps.len() == 1 || (!self.show.repeat && self.step + 1 == self.show.steps.len())
    }
}

/// How much of each die is lit: red, green.
pub fn dice(colour: Colour) -> [f64; 2] {
    match colour {
        Colour::Off => [0.0, 0.0],
        Colour::Red => [1.0, 0.0],
        Colour::Amber => [1.0, 1.0],
        Colour::Green => [0.0, 1.0],
    }
}

#[cfg(test)]
mod tests {
    use super::super::chance::Stream;
    use super::*;

    #[test]
    fn a_blinking_led_keeps_its_clock_although_its_edges_wander() {
        let mut chance = Chance::new(3, Stream::Unit(1));
        let mut led = Led::new(1.02, false);
        let half = Duration::from_millis(500);
        let show = Show {
            steps: vec![(Colour::Off, half), (Colour::Amber, half)],
            repeat: true,
        };
        led.show(Tick::ZERO, show, Duration::ZERO, &mut chance);
        let mut edges = Vec::new();
        let mut last = Colour::Off;
        for ms in 0..102_000 {
            let now = Tick::from_micros(ms * 1000);
            led.advance(now, &mut chance);
            if led.light().at(now) != last {
                last = led.light().at(now);
                edges.push(ms);
            }
        }
        assert_eq!(edges.len(), 199 + usize::from(edges.last() > Some(&101_989)));
        for (n, ms) in edges.iter().enumerate() {
            let nominal = 510 * (n as u64 + 1);
            assert!(ms.abs_diff(nominal) <= 11, "edge {n} at {ms} ms, nominal {nominal}");
        }
        assert!(edges.iter().enumerate().any(|(n, ms)| *ms != 510 * (n as u64 + 1)));
    }

    #[test]
    fn a_dead_led_is_dark_whatever_it_is_told() {
        let mut chance = Chance::new(3, Stream::Unit(1));
        let mut led = Led::new(1.0, true);
        led.show(Tick::ZERO, Show::held(Colour::Green), Duration::ZERO, &mut chance);
        assert_eq!(led.light().at(Tick::from_micros(5)), Colour::Off);
    }
}
