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

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use blinkup::sample::Sample;
use blinkup::{Level, Tick};
use fixture_link::identity::LaneId;

pub use world::{Event, Setting, Truth, World};

use super::{JigError, Lamp, Nest, Power, Scan, Scanner, Signals, StatusSensor, UnitPower};
use crate::engine::effect::Signal;

/// A shared simulated jig whose parts read the time from a clock; a clone is another handle on the same jig.
#[derive(Clone)]
pub struct Jig {
    world: Arc<Mutex<World>>,
    clock: Arc<dyn Fn() -> Tick + Send + Sync>,
}

impl Jig {
    /// Shares a world whose time is told by `clock`.
    pub fn new(world: World, clock: impl Fn() -> Tick + Send + Sync + 'static) -> Self {
        Self {
            world: Arc::new(Mutex::new(world)),
            clock: Arc::new(clock),
        }
    }

    /// The world, brought up to now; nothing else happens in it while it is held.
    pub fn world(&self) -> (MutexGuard<'_, World>, Tick) {
        // A panic elsewhere leaves the world as consistent as any moment in it.
        let mut world = self.world.lock().unwrap_or_else(PoisonError::into_inner);
        let now = (self.clock)();
        world.advance(now);
        (world, now)
    }

    /// The lamp of a lane.
    pub fn lamp(&self, lane: LaneId) -> SimulatedLamp {
        SimulatedLamp {
            jig: self.clone(),
            lane,
        }
    }
}

/// The lamp of one lane.
#[derive(Clone)]
pub struct SimulatedLamp {
    jig: Jig,
    lane: LaneId,
}

impl Lamp for SimulatedLamp {
    fn set(&mut self, level: Level) -> Result<(), JigError> {
        // Bringing the world up to now takes time of its own; the light changes after it.
        let (mut world, _) = self.jig.world();
        let now = (self.jig.clock)();
        world.set_lamp(now, self.lane, level)
    }
}

impl StatusSensor for Jig {
    fn sample(&mut self, lane: LaneId) -> Result<Sample, JigError> {
        let (mut world, now) = self.world();
        world.sample(now, lane)?.ok_or(JigError::Stale { lane })
    }
}

impl Nest for Jig {
    fn occupied(&mut self, lane: LaneId) -> Result<bool, JigError> {
        let (mut world, now) = self.world();
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
