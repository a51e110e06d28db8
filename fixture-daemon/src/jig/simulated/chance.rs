//! Chance, from one seed: a stream of its own for every lane and every unit, so that the order of calls between lanes changes
//! nothing.

use core::ops::Range;
use core::time::Duration;

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

/// What a stream of chance is for; streams never share numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stream {
    /// What differs between jigs: LED part, network.
    Jig,
    /// A lane's optics and sensor.
    Lane(u8),
    /// A lane's lamp: how late its symbols are.
    Lamp(u8),
    /// A unit's nature and fate.
    Unit(u32),
    /// One stay of a unit in a nest.
    Stay(u32, u32),
    /// The model cloud, for one lane.
    Cloud(u8),
    /// How long the model cloud takes to say who used a lane's token: a stream of its own, because how often it is asked is the fixture's affair.
    Claims(u8),
    /// What happens to the line and its lanes.
    Mishaps,
    /// The model operator's hands.
    Operator,
    /// Ids of runs.
    Ids,
}

/// A stream of chance.
#[derive(Debug, Clone)]
pub struct Chance(ChaCha8Rng);

impl Chance {
    /// The stream of a seed.
    pub fn new(seed: u64, stream: Stream) -> Self {
        let (kind, first, second): (u32, u32, u32) = match stream {
            Stream::Jig => (1, 0, 0),
            Stream::Lane(lane) => (2, lane.into(), 0),
            Stream::Lamp(lane) => (3, lane.into(), 0),
            Stream::Unit(unit) => (4, unit, 0),
            Stream::Stay(unit, stay) => (5, unit, stay),
            Stream::Cloud(lane) => (6, lane.into(), 0),
            Stream::Mishaps => (7, 0, 0),
            Stream::Operator => (8, 0, 0),
            Stream::Ids => (9, 0, 0),
            Stream::Claims(lane) => (10, lane.into(), 0),
        };
        let mut key = [0; 32];
        let words = [
            seed.to_le_bytes().as_slice(),
            &kind.to_le_bytes(),
            &first.to_le_bytes(),
            &second.to_le_bytes(),
        ]
        .concat();
        for (place, byte) in key.iter_mut().zip(words) {
            *place = byte;
        }
        Self(ChaCha8Rng::from_seed(key))
    }

    /// Sixty-four bits.
    pub fn bits(&mut self) -> u64 {
        self.0.next_u64()
    }

    /// Evenly from 0 (included) to 1 (not).
    #[expect(clippy::cast_precision_loss, reason = "53 bits fit a double exactly")]
    pub fn unit(&mut self) -> f64 {
        (self.0.next_u64() >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// Evenly within a range.
    pub fn within(&mut self, range: Range<f64>) -> f64 {
        range.start + (range.end - range.start) * self.unit()
    }

    /// Evenly on a logarithmic scale; both ends must be above 0.
    pub fn scaled(&mut self, range: Range<f64>) -> f64 {
        self.within(range.start.ln()..range.end.ln()).exp()
    }

    /// True with this probability.
    pub fn happens(&mut self, probability: f64) -> bool {
        self.unit() < probability
    }

    /// Nearly normal with mean 0 and deviation 1, never beyond 4.9: eight small even numbers, which is much cheaper than an exact
    /// normal and as good for noise.
    #[expect(clippy::cast_precision_loss, reason = "at most 524,280")]
    pub fn normal(&mut self) -> f64 {
        let mut sum = 0;
        for _ in 0..2 {
            let word = self.0.next_u64();
            sum += (word & 0xFFFF) + (word >> 16 & 0xFFFF) + (word >> 32 & 0xFFFF) + (word >> 48);
        }
        // Eight 16-bit numbers, each even over 0..65536: mean 262,140, variance 8 * 65536² / 12.
        (sum as f64 - 262_140.0) / 53_509.9
    }

    /// A time evenly within a range.
    pub fn time(&mut self, range: Range<Duration>) -> Duration {
        Duration::from_secs_f64(self.within(range.start.as_secs_f64()..range.end.as_secs_f64()))
    }

    /// Milliseconds evenly within a range.
    pub fn millis(&mut self, range: Range<u64>) -> Duration {
        self.time(Duration::from_millis(range.start)..Duration::from_millis(range.end))
    }

    /// A wait whose mean is given, of events that know nothing of each other; at most six means.
    pub fn wait(&mut self, mean: Duration) -> Duration {
        mean.mul_f64((-(1.0 - self.unit()).ln()).min(6.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn streams_differ_and_repeat() {
        let draw = |stream| Chance::new(7, stream).bits();
        assert_eq!(draw(Stream::Lane(1)), draw(Stream::Lane(1)));
        assert_ne!(draw(Stream::Lane(1)), draw(Stream::Lane(2)));
        assert_ne!(draw(Stream::Unit(1)), draw(Stream::Lane(1)));
        assert_ne!(Chance::new(8, Stream::Lane(1)).bits(), draw(Stream::Lane(1)));
    }

    #[test]
    fn the_cheap_normal_has_the_moments_of_a_normal() {
        let mut chance = Chance::new(1, Stream::Jig);
        let draws: Vec<f64> = (0..100_000).map(|_| chance.normal()).collect();
        let mean = draws.iter().sum::<f64>() / 100_000.0;
        let variance = draws.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / 100_000.0;
        let kurtosis = draws.iter().map(|x| (x - mean).powi(4)).sum::<f64>() / 100_000.0 / variance.powi(2);
        assert!(mean.abs() < 0.02, "mean {mean}");
        assert!((variance - 1.0).abs() < 0.02, "variance {variance}");
        assert!((2.7..3.1).contains(&kurtosis), "kurtosis {kurtosis}");
    }
}
