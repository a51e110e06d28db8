//! The imp as a lane's lamp: frames are sent by it, the light of test flashes by the lane's own lamp.

use core::time::Duration;

use blinkup::Level;
use blinkup::packet::Wifi;
use fixture_link::identity::LaneId;

use super::{Event, Speed, Transmitter};
use crate::clock::Clock;
use crate::jig::{JigError, Lamp, SendsWhole};

/// How long one BlinkUp may take: 20 s for the token, and the slowest frame.
const PATIENCE: Duration = Duration::from_secs(45);

/// How often the imp is asked.
const LOOK_EVERY: Duration = Duration::from_millis(10);

/// A lane whose frames an imp sends.
pub struct ByImp {
    lane: LaneId,
    lamp: Box<dyn Lamp>,
    transmitter: Transmitter,
    wifi: Option<Wifi>,
    speed: Speed,
}

impl ByImp {
    /// Puts the imp before the lane's own lamp. `wifi` is what the recipe gives units; `None` for those without.
    pub fn new(lane: LaneId, lamp: Box<dyn Lamp>, transmitter: Transmitter, wifi: Option<Wifi>, speed: Speed) -> Self {
        Self {
            lane,
            lamp,
            transmitter,
            wifi,
            speed,
        }
    }

    fn failed(&self, what: String) -> JigError {
        JigError::Failed {
            lane: self.lane,
            part: "imp transmitter",
            what,
        }
    }
}

impl Lamp for ByImp {
    fn set(&mut self, level: Level) -> Result<(), JigError> {
        self.lamp.set(level)
    }

    fn whole(&mut self) -> Option<&mut dyn SendsWhole> {
        Some(self)
    }
}

impl SendsWhole for ByImp {
    fn send(&mut self, stopped: &dyn Fn() -> bool) -> Result<(), JigError> {
        // What became of an earlier order is not this one's.
        while self.transmitter.event().is_some() {}
        let order = self.transmitter.send(self.wifi.as_ref(), self.speed);
        let clock = Clock::start();
        let end = clock.now() + PATIENCE;
        loop {
            match self.transmitter.event() {
                Some(Event::Sent(number, _)) if number == order => return Ok(()),
                Some(Event::NotSent(number, why)) if number == order => return Err(self.failed(why)),
                Some(Event::Doubtful(number)) if number == order => {
                    return Err(self.failed("the imp does not answer".to_owned()));
                }
                Some(Event::Taken(_) | Event::Sent(..) | Event::NotSent(..) | Event::Doubtful(_)) => {}
                // An imp that flashes cannot be stopped: it is only no longer waited for.
                None if stopped() => return Ok(()),
                None if clock.now() >= end => return Err(self.failed("did not say that it has sent".to_owned())),
                None => clock.sleep_until(clock.now() + LOOK_EVERY),
            }
        }
    }
}
