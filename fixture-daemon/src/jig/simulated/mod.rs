//! The simulated jig: a model of lamp, units, sensors, network, cloud and operator, behind the same traits as the real one.
//!
//! Lamp light reaches a model unit that decodes the real packet from the light, goes through a model of the imp's connection stages
//! and drives its LED, which the sensor model sees beside neighbours, room light and noise. Everything comes from one seed; time is
//! an argument. In real time [`Jig`] gives the traits' handles over a shared [`World`]; in virtual time the driver holds the world
//! itself.

pub mod chance;
pub mod cloud;
pub mod eye;
pub mod fault;
pub mod led;
pub mod light;
pub mod mishaps;
pub mod network;
pub mod operator;
pub mod scenario;
pub mod sensor;
pub mod shows;
pub mod unit;
pub mod world;

use core::sync::atomic::{AtomicBool, Ordering};
use core::time::Duration;
use std::sync::mpsc::{self, Receiver, Sender};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use blinkup::sample::Sample;
use blinkup::{Level, Tick};
use fixture_link::identity::LaneId;

pub use world::{Event, Setting, Truth, World};

use chance::{Chance, Stream};
use world::stutter;

use super::{JigError, Lamp, Nest, Parts, Power, Scan, Scanner, SensorGroup, Signals, StatusSensor, UnitPower};
use crate::engine::effect::Signal;

/// A shared simulated jig whose parts read the time from a clock; a clone is another handle on the same jig.
#[derive(Clone)]
pub struct Jig {
    world: Arc<Mutex<World>>,
    clock: Arc<dyn Fn() -> Tick + Send + Sync>,
    /// What the lamps show: sent, not set, because a lamp's thread must never wait for whoever holds the world.
    light: Sender<Change>,
    /// The other end; locked only by who holds the world.
    changes: Arc<Mutex<Receiver<Change>>>,
    /// Which lamps stutter: told to their threads, which do not ask the world.
    stutters: Arc<[AtomicBool; LANES]>,
    /// Blocks a thread for so long: a lamp that stutters.
    pause: Arc<dyn Fn(Duration) + Send + Sync>,
}

const LANES: usize = LaneId::MOST as usize;

/// A lamp shows another level since a moment.
#[derive(Debug, Clone, Copy)]
struct Change {
    at: Tick,
    lane: LaneId,
    level: Level,
}

impl Jig {
    /// Shares a world whose time is told by `clock`; `pause` blocks the calling thread for so long.
    pub fn new(
        world: World,
        clock: impl Fn() -> Tick + Send + Sync + 'static,
        pause: impl Fn(Duration) + Send + Sync + 'static,
    ) -> Self {
        let (light, changes) = mpsc::channel();
        Self {
            world: Arc::new(Mutex::new(world)),
            clock: Arc::new(clock),
            light,
            changes: Arc::new(Mutex::new(changes)),
            stutters: Arc::default(),
            pause: Arc::new(pause),
        }
    }

    /// The world, brought up to now; nothing else happens in it while it is held.
    pub fn world(&self) -> (MutexGuard<'_, World>, Tick) {
        // A panic elsewhere leaves the world as consistent as any moment in it.
        let mut world = self.world.lock().unwrap_or_else(PoisonError::into_inner);
        // The time first: what the lamps did before it is in the channel by then.
        let now = (self.clock)();
        let changes = self.changes.lock().unwrap_or_else(PoisonError::into_inner);
        for change in changes.try_iter() {
            if let Err(error) = world.set_lamp(change.at, change.lane, change.level) {
                tracing::error!("{error}");
            }
        }
        world.advance(now);
        for lane in LaneId::first(LaneId::MOST) {
            self.stutters[lane.index()].store(world.stutters(lane), Ordering::Relaxed);
        }
        (world, now)
    }

    /// The whole jig, part by part.
    pub fn parts(&self, lanes: impl Iterator<Item = LaneId>) -> Parts {
        let lanes: Vec<LaneId> = lanes.collect();
        Parts {
            lamps: lanes
                .iter()
                .map(|lane| (*lane, Box::new(self.lamp(*lane)) as Box<dyn Lamp>))
                .collect(),
            sensors: vec![SensorGroup {
                lanes,
                sensor: Box::new(self.clone()),
            }],
            nest: Box::new(self.clone()),
            scanner: Box::new(self.clone()),
            start: None,
            printer: None,
            news: None,
            power: Box::new(self.clone()),
            signals: Box::new(self.clone()),
        }
    }

    /// The lamp of a lane.
    pub fn lamp(&self, lane: LaneId) -> SimulatedLamp {
        SimulatedLamp {
            clock: Arc::clone(&self.clock),
            light: self.light.clone(),
            lane,
            stutters: Arc::clone(&self.stutters),
            pause: Arc::clone(&self.pause),
            chance: Chance::new(0, Stream::Lamp(lane.number())),
        }
    }
}

/// The lamp of one lane.
pub struct SimulatedLamp {
    clock: Arc<dyn Fn() -> Tick + Send + Sync>,
    light: Sender<Change>,
    lane: LaneId,
    stutters: Arc<[AtomicBool; LANES]>,
    pause: Arc<dyn Fn(Duration) + Send + Sync>,
    /// When it stutters. The moments of real time come from no seed: these need none either.
    chance: Chance,
}

impl Lamp for SimulatedLamp {
    fn set(&mut self, level: Level) -> Result<(), JigError> {
        if self.stutters[self.lane.index()].load(Ordering::Relaxed)
            && let Some(late) = stutter(&mut self.chance)
        {
            (self.pause)(late);
        }
        let change = Change {
            at: (self.clock)(),
            lane: self.lane,
            level,
        };
        self.light.send(change).map_err(|_| JigError::Failed {
            lane: self.lane,
            part: "lamp",
            what: "the simulated jig is gone".to_owned(),
        })
    }
}

impl Drop for SimulatedLamp {
    fn drop(&mut self) {
        // A jig that is gone is dark.
        let _ = self.set(Level::DARK);
    }
}

impl StatusSensor for Jig {
    fn sample(&mut self, lane: LaneId) -> Result<Sample, JigError> {
        let (mut world, now) = self.world();
        world.sample(now, lane)?.ok_or(JigError::Stale { lane })
    }
}

/// Whether the jig has a lane.
fn known(world: &World, lane: LaneId, part: &'static str) -> Result<(), JigError> {
    if world.lanes().any(|known| known == lane) {
        return Ok(());
    }
    Err(JigError::Failed {
        lane,
        part,
        what: "this lane does not exist on the jig".to_owned(),
    })
}

impl Nest for Jig {
    fn occupied(&mut self, lane: LaneId) -> Result<bool, JigError> {
        let (mut world, now) = self.world();
        known(&world, lane, "nest")?;
        Ok(world.occupied(now, lane))
    }
}

impl Scanner for Jig {
    fn next(&mut self) -> Result<Option<Scan>, JigError> {
        let (mut world, now) = self.world();
        Ok(world.next_scan(now))
    }
}

impl UnitPower for Jig {
    fn set(&mut self, lane: LaneId, power: Power) -> Result<(), JigError> {
        let (mut world, now) = self.world();
        known(&world, lane, "unit power")?;
        world.set_power(now, lane, power);
        Ok(())
    }
}

impl Signals for Jig {
    /// The model operator reads the screen, not the tower light.
    fn show(&mut self, _: LaneId, _: Signal) -> Result<(), JigError> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use core::sync::atomic::AtomicU64;

    use super::*;
    use crate::config::example_recipe;
    use crate::drivers::virtual_time::Simulated;

    #[test]
    fn a_lamp_that_stutters_shows_some_symbols_late_in_real_time_too() {
        let simulated = Simulated {
            lanes: 2,
            units: 0,
            ..Simulated::new(5, example_recipe())
        };
        let late = Arc::new(AtomicU64::new(0));
        let counted = Arc::clone(&late);
        let jig = Jig::new(
            simulated.world(),
            || Tick::from_micros(1_000_000),
            move |pause| {
                assert!((6..40).contains(&pause.as_millis()), "{pause:?}");
                counted.fetch_add(1, Ordering::Relaxed);
            },
        );
        let [mut steady, mut stuttering] = [1, 2].map(|lane| jig.lamp(LaneId::new(lane).unwrap()));
        jig.stutters[1].store(true, Ordering::Relaxed);
        for _ in 0..2000 {
            steady.set(Level::DARK).unwrap();
        }
        assert_eq!(late.load(Ordering::Relaxed), 0);
        for _ in 0..2000 {
            stuttering.set(Level::DARK).unwrap();
        }
        assert!((5..60).contains(&late.load(Ordering::Relaxed)), "{late:?}");
        drop(jig.world());
        assert!(
            !jig.stutters[1].load(Ordering::Relaxed),
            "the world knows of no such fault"
        );
    }
}
