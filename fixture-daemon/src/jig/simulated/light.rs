//! Light that changes in steps: a lamp's level, an LED's colour. Kept for a moment, so that a sensor can integrate over it exactly.

use core::time::Duration;
use std::collections::VecDeque;

use blinkup::Tick;

/// How long past light is kept: longer than any integration of a sensor.
const KEPT: Duration = Duration::from_millis(100);

/// A quantity that is constant between edges.
#[derive(Debug, Clone)]
pub struct Steps<T> {
    /// Edges before the newest, oldest first.
    earlier: VecDeque<(Tick, T)>,
    newest: (Tick, T),
}

impl<T: Copy + PartialEq> Steps<T> {
    /// The same from the beginning of time.
    pub fn new(value: T) -> Self {
        Self {
            earlier: VecDeque::new(),
            newest: (Tick::ZERO, value),
        }
    }

    /// Another value from `at` on; an edge before the newest one counts as being at the newest one. Whether it is another one.
    pub fn set(&mut self, at: Tick, value: T) -> bool {
        if self.newest.1 == value {
            return false;
        }
        let at = at.max(self.newest.0);
        self.earlier.push_back(self.newest);
        while self.earlier.get(1).is_some_and(|(from, _)| *from + KEPT < at) {
            self.earlier.pop_front();
        }
        self.newest = (at, value);
        true
    }

    /// The newest edge: from when, and what.
    pub fn newest(&self) -> (Tick, T) {
        self.newest
    }

    /// The value at an instant; the oldest that is kept for an earlier one.
    pub fn at(&self, instant: Tick) -> T {
        if self.newest.0 <= instant {
            return self.newest.1;
        }
        self.earlier
            .iter()
            .rev()
            .find(|(from, _)| *from <= instant)
            .or_else(|| self.earlier.front())
            .map_or(self.newest.1, |edge| edge.1)
    }

    /// The mean of `measure` over a stretch of time; the value at its end when the stretch is empty.
    pub fn mean<const N: usize>(&self, start: Tick, end: Tick, measure: impl Fn(T) -> [f64; N]) -> [f64; N] {
        if self.newest.0 <= start || start >= end {
            return measure(self.at(end));
        }
        let whole = end.since(start).as_secs_f64();
        let mut mean = [0.0; N];
        let mut until = end;
        for (from, value) in core::iter::once(&self.newest).chain(self.earlier.iter().rev()) {
            let from = (*from).max(start);
            if from < until {
                let share = until.since(from).as_secs_f64() / whole;
                for (sum, part) in mean.iter_mut().zip(measure(*value)) {
                    *sum += share * part;
                }
                until = from;
            }
            if from <= start {
                break;
            }
        }
        // Light older than what is kept: as the oldest that is.
        if until > start {
            let share = until.since(start).as_secs_f64() / whole;
            for (sum, part) in mean.iter_mut().zip(measure(self.at(start))) {
                *sum += share * part;
            }
        }
        mean
    }
}

/// A lamp: its level, and what follows that slowly.
#[derive(Debug, Clone)]
pub struct Lamp {
    level: Steps<f64>,
    /// How long the slow part takes to come to 1/e of a change, seconds.
    fades: f64,
    /// Edges of the level, oldest first, at least one: from when, to what, and where the slow part is then.
    edges: VecDeque<(Tick, f64, f64)>,
}

impl Lamp {
    /// A dark one, whose slow part takes so long, above zero, to come to 1/e of a change.
    pub fn new(fades: Duration) -> Self {
        Self {
            level: Steps::new(0.0),
            fades: fades.as_secs_f64(),
            edges: VecDeque::from([(Tick::ZERO, 0.0, 0.0)]),
        }
    }

    /// Its level.
    pub fn level(&self) -> &Steps<f64> {
        &self.level
    }

    /// Another level from `at` on; an edge before the newest one counts as being at the newest one.
    pub fn set(&mut self, at: Tick, level: f64) {
        let (from, before, slow) = self.newest();
        if !self.level.set(at, level) {
            return;
        }
        let at = at.max(from);
        let slow = before + (slow - before) * self.left(from, at);
        self.edges.push_back((at, level, slow));
        while self.edges.get(1).is_some_and(|(from, ..)| *from + KEPT < at) {
            self.edges.pop_front();
        }
    }

    fn newest(&self) -> (Tick, f64, f64) {
        self.edges.back().copied().unwrap_or((Tick::ZERO, 0.0, 0.0))
    }

    /// What is left of a difference after a stretch of time.
    fn left(&self, from: Tick, until: Tick) -> f64 {
        (-until.since(from).as_secs_f64() / self.fades).exp()
    }

    /// The mean of the slow part over a stretch of time; the level when that is empty.
    pub fn mean_of_slow(&self, start: Tick, end: Tick) -> f64 {
        let whole = end.since(start).as_secs_f64();
        let (from, level, _) = self.newest();
        // Long after the last edge there is no difference left.
        if whole <= 0.0 || start.since(from).as_secs_f64() > 20.0 * self.fades {
            return level;
        }
        let (mut sum, mut until) = (0.0, end);
        for &(from, level, slow) in self.edges.iter().rev() {
            let begins = from.max(start);
            if begins < until {
                let apart = (slow - level) * self.left(from, begins);
                sum +=
                    level * until.since(begins).as_secs_f64() + self.fades * apart * (1.0 - self.left(begins, until));
                until = begins;
            }
            if from <= start {
                break;
            }
        }
        sum / whole
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ms(millis: u64) -> Tick {
        Tick::from_micros(millis * 1000)
    }

    #[test]
    fn a_stretch_is_weighed_by_how_long_each_value_lasted() {
        let mut steps = Steps::new(0.0);
        steps.set(ms(10), 1.0);
        steps.set(ms(14), 0.0);
        steps.set(ms(15), 0.5);
        let mean = |start, end| steps.mean(ms(start), ms(end), |v| [v])[0];
        assert!((mean(8, 18) - (4.0 + 1.5) / 10.0).abs() < 1e-9);
        assert!((mean(10, 14) - 1.0).abs() < 1e-9);
        assert!((mean(0, 5) - 0.0).abs() < 1e-9);
        assert!((mean(16, 20) - 0.5).abs() < 1e-9);
        assert!((mean(12, 12) - 1.0).abs() < 1e-9);
    }

    #[test]
    fn what_is_slow_fades_after_an_edge_and_comes_to_the_same_in_the_end() {
        let mut lamp = Lamp::new(Duration::from_millis(4));
        lamp.set(ms(100), 1.0);
        lamp.set(ms(200), 0.0);
        let mean = |start, end| lamp.mean_of_slow(ms(start), ms(end));
        assert!((mean(190, 200) - 1.0).abs() < 1e-6);
        // From 4 ms to 8 ms after the edge: the mean of e^(-t/4).
        let expected = (-1.0_f64).exp() - (-2.0_f64).exp();
        assert!((mean(204, 208) - expected).abs() < 1e-6, "{}", mean(204, 208));
        // Across the edge: the light itself, then what is left of it.
        let across = (4.0 + 4.0 * (1.0 - (-1.0_f64).exp())) / 8.0;
        assert!((mean(196, 204) - across).abs() < 1e-6, "{}", mean(196, 204));
        assert!(mean(280, 290) < 1e-6);
        // From the beginning of the light on, two edges before the newest.
        let rising = 1.0 - (1.0 - (-1.0_f64).exp());
        assert!((mean(100, 104) - rising).abs() < 1e-6, "{}", mean(100, 104));
    }

    #[test]
    fn what_is_slow_does_not_hang_on_how_many_edges_are_kept() {
        let mut lamp = Lamp::new(Duration::from_millis(8));
        let mut slow = 0.0;
        for n in 1..200_u32 {
            let level = f64::from(n % 3) / 2.0;
            let before = f64::from((n - 1) % 3) / 2.0;
            slow = before + (slow - before) * (-1.0_f64).exp();
            lamp.set(ms(u64::from(n) * 8), level);
        }
        assert!(lamp.edges.len() < 20, "{} edges", lamp.edges.len());
        // The level is 0.5 since 1,592 ms; over 8 ms a difference is 1 - 1/e of itself in the mean.
        let expected = 0.5 + (slow - 0.5) * (1.0 - (-1.0_f64).exp());
        let mean = lamp.mean_of_slow(ms(1_592), ms(1_600));
        assert!((mean - expected).abs() < 1e-9, "{mean} {expected}");
        assert!((lamp.mean_of_slow(ms(1_600), ms(1_600)) - 0.5).abs() < 1e-9);
    }

    #[test]
    fn old_light_is_forgotten_and_the_newest_never() {
        let mut steps = Steps::new(0_u8);
        for n in 1..1000_u64 {
            steps.set(ms(n * 10), u8::from(n % 2 == 0));
        }
        assert!(steps.earlier.len() < 20, "{} edges", steps.earlier.len());
        assert_eq!(steps.at(ms(9_990)), 0);
        assert_eq!(steps.at(ms(9_985)), 1);
    }
}
