//! What is left of the lamp's light in the samples of its dark symbols, learnt from them and taken away.
//!
//! Some white LEDs glow on for milliseconds. Under a lamp that is a hundred times as bright as the unit's LED, a hundredth of its light looks
//! like the LED. How much of it there is in a sample follows from when the lamp was lit before it, up to two shares, quick and slow, which are
//! the lane's own and change slowly: they come from what two samples close to each other differ by.

use core::time::Duration;

use blinkup::Tick;
use blinkup::sample::{Counts, Sample};

/// How far apart two samples may be that are held against each other: the room's light hardly changes in so short a time.
const CLOSE: Duration = Duration::from_millis(100);
/// How unsure the shares are at first, as a variance beside that of one difference; and how much of it comes back with each transmission.
const UNSURE: f64 = 100.0;
const AGES: f64 = 0.01;
/// Differences that are farther off than so many times the usual are the LED's and no noise.
const USUAL: f64 = 3.0;
/// How much of a new difference goes into the usual one.
const GAIN: f64 = 0.1;

/// One lane's lamp as it fades.
#[derive(Debug, Clone)]
pub struct Afterglow {
    /// Counts in each channel of full light's quick and slow share.
    shares: [[f64; 2]; 4],
    covariance: [[f64; 2]; 2],
    /// What a channel's differences are off by usually.
    off: [f64; 4],
    last: Option<(Tick, [f64; 4], [f64; 2])>,
}

impl Default for Afterglow {
    /// That of a lamp that was not seen yet.
    fn default() -> Self {
        Self {
            shares: [[0.0; 2]; 4],
            covariance: [[UNSURE, 0.0], [0.0, UNSURE]],
            off: [0.0; 4],
            last: None,
        }
    }
}

impl Afterglow {
    /// The lamp begins to send.
    pub fn begin(&mut self) {
        self.last = None;
        for (place, row) in self.covariance.iter_mut().enumerate() {
            row[place] = (row[place] + AGES).min(UNSURE);
        }
    }

    /// A sample of a dark symbol without what the lamp left in it; `left` is how much that would be if all of its light faded.
    pub fn without(&mut self, sample: &Sample, left: [f64; 2]) -> Sample {
        let channels = sample.counts.channels();
        self.learn(sample, channels.map(f64::from), left);
        let mut channels = channels.into_iter().zip(&self.shares).map(|(count, [quick, slow])| {
            let glow = (quick * left[0] + slow * left[1]).clamp(0.0, f64::from(count));
            #[expect(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                reason = "between 0 and the count"
            )]
            let glow = glow.round() as u16;
            count - glow
        });
        let mut next = || channels.next().unwrap_or_default();
        Sample {
            counts: Counts {
                red: next(),
                green: next(),
                blue: next(),
                clear: next(),
            },
            ..*sample
        }
    }

    fn learn(&mut self, sample: &Sample, channels: [f64; 4], left: [f64; 2]) {
        let Some((_, before, left_before)) = self
            .last
            .replace((sample.end, channels, left))
            .filter(|(at, ..)| sample.start.since(*at) <= CLOSE)
        else {
            return;
        };
        let by = [left[0] - left_before[0], left[1] - left_before[1]];
        let dot = |of: [f64; 2]| of[0] * by[0] + of[1] * by[1];
        let moved = self.covariance.map(dot);
        let sum = 1.0 + dot(moved);
        let gain = moved.map(|moved| moved / sum);
        for place in 0..self.shares.len() {
            let shares = &mut self.shares[place];
            let off = channels[place] - before[place] - dot(*shares);
            let usual = &mut self.off[place];
            if *usual <= 0.0 {
                *usual = off.abs();
            }
            let off = off.clamp(-USUAL * *usual, USUAL * *usual);
            *usual += GAIN * (off.abs() - *usual);
            shares[0] += gain[0] * off;
            shares[1] += gain[1] * off;
        }
        for (row, gain) in self.covariance.iter_mut().zip(gain) {
            row[0] -= gain * moved[0];
            row[1] -= gain * moved[1];
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lamps_glow_is_taken_away_and_the_leds_light_is_left() {
        let mut afterglow = Afterglow::default();
        let mut at = Tick::ZERO;
        let mut noise = 1_u32;
        let mut worst = 0.0_f64;
        for transmission in 0..3 {
            afterglow.begin();
            for number in 0..300_u32 {
                at = at + Duration::from_millis(25);
                noise = noise.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                let quick = f64::from(noise >> 16) / 65_536.0 * 0.2;
                let slow = 0.1 + f64::from(noise & 0xFF) / 256.0 * 0.3;
                let led = if (number / 20).is_multiple_of(2) { 0.0 } else { 250.0 };
                let glow = 100.0 * quick + 250.0 * slow;
                let grain = f64::from(noise >> 8 & 0xFF) / 25.6 - 5.0;
                #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "some hundreds")]
                let count = (400.0 + led + glow + grain).round() as u16;
                let sample = Sample {
                    start: at - Duration::from_millis(5),
                    end: at,
                    counts: Counts {
                        red: count,
                        green: count,
                        blue: count,
                        clear: count,
                    },
                };
                let seen = f64::from(afterglow.without(&sample, [quick, slow]).counts.clear);
                if transmission > 0 {
                    worst = worst.max((seen - 400.0 - led).abs());
                }
            }
        }
        assert!(
            worst < 25.0,
            "off by {worst} counts, where the glow is up to 120 and the LED 250"
        );
    }

    #[test]
    fn a_lamp_without_glow_takes_nothing_away() {
        let mut afterglow = Afterglow::default();
        afterglow.begin();
        for number in 0..500_u16 {
            let end = Tick::from_micros(u64::from(number) * 25_000 + 5_000);
            // The LED flashes, and the room is as it is.
            let count = 400 + if number / 20 % 2 == 0 { 0 } else { 5_000 } + number % 7;
            let sample = Sample {
                start: end - Duration::from_millis(5),
                end,
                counts: Counts {
                    red: count,
                    green: count,
                    blue: count,
                    clear: count,
                },
            };
            let left = [f64::from(number * 31 % 17) / 80.0, f64::from(number * 13 % 11) / 30.0];
            let seen = afterglow.without(&sample, left).counts.clear;
            assert!(count - seen < 60, "{number}: {seen} of {count}");
        }
    }
}
