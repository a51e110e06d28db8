//! The imp as a lane's lamp: frames are sent by it, the light of test flashes by the lane's own lamp.

use core::time::Duration;

use blinkup::Level;
use blinkup::packet::Wifi;
use fixture_link::identity::LaneId;

use super::{Event, Speed, Transmitter};
use crate::clock::Clock;
use crate::jig::{JigError, Lamp, SendsWhole, Unsent};

/// How long one BlinkUp may take: 20 s for the token, and the slowest frame.
pub const PATIENCE: Duration = Duration::from_secs(45);

/// What an imp says that still sends what it was asked for before (`PROTOCOL.md`, "From the imp").
const BUSY: &str = "busy";

/// How often the imp is asked.
const LOOK_EVERY: Duration = Duration::from_millis(10);

/// A lane whose frames an imp sends.
pub struct ByImp {
    lane: LaneId,
    lamp: Box<dyn Lamp>,
    transmitter: Transmitter,
    wifi: Option<Wifi>,
    speed: Speed,
    patience: Duration,
}

impl ByImp {
    /// Puts the imp before the lane's own lamp. `wifi` is what the recipe gives units; `None` for those without. An imp of which nothing is heard
    /// for so long as `patience` sends no more.
    pub fn new(
        lane: LaneId,
        lamp: Box<dyn Lamp>,
        transmitter: Transmitter,
        (wifi, speed): (Option<Wifi>, Speed),
        patience: Duration,
    ) -> Self {
        Self {
            lane,
            lamp,
            transmitter,
            wifi,
            speed,
            patience,
        }
    }

    fn failed(&self, what: &str) -> Unsent {
        Unsent::Failed(JigError::Failed {
            lane: self.lane,
            part: "imp transmitter",
            what: what.to_owned(),
        })
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
    fn send(&mut self, ends: &dyn Fn() -> bool) -> Result<Duration, Unsent> {
        // What became of an earlier order is not this one's.
        self.transmitter.forget();
        let order = self.transmitter.send(self.wifi.as_ref(), self.speed);
        let clock = Clock::start();
        let end = clock.now() + self.patience;
        let mut what = "did not say that it has sent";
        loop {
            match self.transmitter.event() {
                Some(Event::Sent(number, took)) if number == order => return Ok(took),
                Some(Event::NotSent(number, why)) if number == order && why == BUSY => {
                    return Err(self.failed("still sends what it was asked for before"));
                }
                Some(Event::NotSent(number, why)) if number == order => return Err(Unsent::Refused(why)),
                Some(Event::NotReached(number)) if number == order => return Err(self.failed("is not there")),
                // It may have the order, and send it to whatever unit lies there then.
                Some(Event::Doubtful(number)) if number == order => what = "does not answer",
                Some(
                    Event::Taken(_) | Event::Sent(..) | Event::NotSent(..) | Event::NotReached(_) | Event::Doubtful(_),
                ) => {}
                None if ends() => return Err(self.failed("the daemon ends")),
                None if clock.now() >= end => return Err(self.failed(what)),
                None => clock.sleep_until(clock.now() + LOOK_EVERY),
            }
        }
    }
}
