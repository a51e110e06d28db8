//! A unit's BlinkUp receiver: its photodiode under the lamp, sampled by the imp's own timer, and the decoder behind it.

use core::time::Duration;

use blinkup::Tick;
use blinkup::packet::Packet;
use blinkup::receive::{Hearing, Receiver};

use super::chance::Chance;
use super::light::Steps;

/// The smallest change of light that the receiver takes for one, as a share of its scale: half of the swing of a tenth that the
/// weakest screens of the SDK's guide give.
const SWING: f64 = 0.05;
/// How long light must have stayed the same until the receiver heeds a new transmission.
const QUIET: Duration = Duration::from_millis(500);
/// Deviation of a sample.
const NOISE: f64 = 0.006;

/// How fast the imp looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sight {
    /// 240 times a second: four times a symbol at 60 a second.
    Modern,
    /// 45 times a second: too seldom for 60 symbols a second, enough for 30.
    Early,
}

/// Whether something disturbs the light on its way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Damage {
    /// Nothing.
    Never,
    /// The first transmission.
    Once,
    /// Every transmission.
    Always,
}

/// What the receiver noticed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Glimpse {
    /// Somebody is sending.
    Started,
    /// A whole packet.
    Packet(Packet),
    /// It ended, or went on, without one.
    Bad,
}

/// The receiver.
#[derive(Debug, Clone)]
pub struct Eye {
    gain: f64,
    every: Duration,
    next: Tick,
    decoder: Receiver,
    damage: Damage,
    /// Until when the light is disturbed, and from when it may be disturbed again.
    shade: Option<(Tick, Tick)>,
    /// Has given its result; heeds nothing before the light was quiet.
    deaf: bool,
    /// The level that stood last, and since when.
    level: f64,
    since: Tick,
}

impl Eye {
    /// A receiver that sees the lamp with this gain.
    pub fn new(sight: Sight, gain: f64, damage: Damage, now: Tick, chance: &mut Chance) -> Self {
        let hertz = match sight {
            Sight::Modern => 240.0,
            Sight::Early => 45.0,
        };
        Self {
            gain,
            every: Duration::from_secs_f64(chance.within(0.98..1.02) / hertz),
            next: now,
            decoder: Receiver::new(),
            damage,
            shade: None,
            deaf: false,
            level: 0.0,
            since: now,
        }
    }

    /// Forgets everything it has seen.
    pub fn reset(&mut self, now: Tick) {
        self.next = now;
        self.forget(now);
    }

    /// Starts to listen: light that is already flickering is not heeded before it was quiet.
    pub fn settle(&mut self, now: Tick) {
        self.skip(now);
        self.decoder.reset();
        self.deaf = true;
        self.since = now;
    }

    /// Does not look until `to`.
    pub fn skip(&mut self, to: Tick) {
        self.next = self.next.max(to);
    }

    /// Looks at the lamp until `to`, or until it noticed something.
    pub fn look(&mut self, lamp: &Steps<f64>, to: Tick, chance: &mut Chance) -> Option<(Tick, Glimpse)> {
        while self.next <= to {
            let (from, level) = lamp.newest();
            // A lamp that has been dark for long has nothing to tell, unless somebody waits for more.
            if level == 0.0 && from + QUIET + QUIET < self.next && !self.decoder.in_progress() {
                self.forget(to);
                self.next = to + self.every;
                return None;
            }
            let now = self.next;
            self.next = now + self.every;
            if let Some(glimpse) = self.see(now, lamp.at(now), chance) {
                return Some((now, glimpse));
            }
        }
        None
    }

    fn see(&mut self, now: Tick, lamp: f64, chance: &mut Chance) -> Option<Glimpse> {
        let light = if self.shaded(now, chance) {
            0.0
        } else {
            lamp * self.gain
        };
        let level = (light + NOISE * chance.normal()).clamp(0.0, 1.0);
        if (level - self.level).abs() >= SWING {
            self.level = level;
            self.since = now;
        }
        if self.deaf {
            if now.since(self.since) > QUIET {
                self.forget(now);
            }
            return None;
        }
        let before = self.decoder.in_progress();
        #[expect(clippy::cast_possible_truncation, reason = "a level between 0 and 1")]
        let result = self.decoder.push_level(self.level as f32);
        match result {
            Some(result) => {
                self.deaf = true;
                if self.damage == Damage::Once {
                    self.damage = Damage::Never;
                }
                Some(result.map_or(Glimpse::Bad, Glimpse::Packet))
            }
            None => (!before && self.decoder.in_progress()).then_some(Glimpse::Started),
        }
    }

    /// Something moves between lamp and receiver now and then, for some symbols.
    fn shaded(&mut self, now: Tick, chance: &mut Chance) -> bool {
        if self.damage == Damage::Never || self.decoder.hearing() != Hearing::Receiving {
            return false;
        }
        let (from, until) = match self.shade {
            Some((from, until)) if now < until => (from, until),
            Some(_) | None => {
                let from = now + chance.millis(400..1_500);
                let until = from + chance.millis(30..120);
                self.shade = Some((from, until));
                (from, until)
            }
        };
        from <= now && now < until
    }

    fn forget(&mut self, now: Tick) {
        self.deaf = false;
        self.decoder.reset();
        self.shade = None;
        self.level = 0.0;
        self.since = now;
    }
}
