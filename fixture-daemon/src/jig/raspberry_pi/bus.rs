//! The I2C bus: its time-out as the kernel gives it, and whose turn it is where lamps and sensors hang on the same one.

use std::path::Path;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

/// How long a transfer may take before the kernel gives it up, in milliseconds: the longest here takes half a one. A bus that is held low
/// would otherwise hold up every lane on it for a second at a time (Linux, `I2C_TIMEOUT` of the adapter, one second by default, in steps of
/// ten milliseconds: less cannot be said).
const TIME_OUT: u32 = 10;

/// Makes the adapter give up early. An adapter that does not take it keeps its own time.
pub fn short_time_out(device: &Path) {
    let number = device
        .to_str()
        .and_then(|device| device.strip_prefix("/dev/i2c-"))
        .and_then(|number| number.parse().ok());
    let Some(number) = number else { return };
    // linux-embedded-hal has no call for it; the time-out belongs to the adapter, and so to every handle.
    if let Err(error) = rppal::i2c::I2c::with_bus(number).and_then(|bus| bus.set_timeout(TIME_OUT)) {
        tracing::warn!("{}: keeps its own time-out: {error}", device.display());
    }
}

/// A bus, as those see it who take turns on it. A clone is the same bus.
///
/// A sensor's turn is everything from opening its channel of the multiplexer to closing it again: a lane that holds its channel low holds
/// the whole bus while it is open, and no lamp must be told anything meanwhile. A lamp's turn is one level. Lamps go first.
#[derive(Clone, Default)]
pub struct Trunk(Arc<Shared>);

#[derive(Default)]
struct Shared {
    turns: Mutex<Turns>,
    free: Condvar,
}

#[derive(Default)]
struct Turns {
    /// Somebody's turn is under way.
    taken: bool,
    /// Lamps that wait.
    lamps: u32,
    /// Turns that lamps have had so far.
    lit: u64,
}

/// A turn; it ends when this is dropped.
pub struct Turn(Trunk);

impl Trunk {
    /// A lamp's turn, as soon as the one under way is over.
    pub fn lamp(&self) -> Turn {
        let mut turns = self.turns();
        turns.lamps += 1;
        while turns.taken {
            turns = self.0.free.wait(turns).unwrap_or_else(PoisonError::into_inner);
        }
        turns.lamps -= 1;
        turns.lit = turns.lit.wrapping_add(1);
        turns.taken = true;
        Turn(self.clone())
    }

    /// A sensor's turn, as soon as no lamp waits.
    pub fn sensor(&self) -> Turn {
        let mut turns = self.turns();
        while turns.taken || turns.lamps > 0 {
            turns = self.0.free.wait(turns).unwrap_or_else(PoisonError::into_inner);
        }
        turns.taken = true;
        Turn(self.clone())
    }

    /// Turns that lamps have had so far: whoever sees it stand still knows that none is sending.
    pub fn lit(&self) -> u64 {
        self.turns().lit
    }

    /// Whether somebody's turn is under way.
    #[cfg(test)]
    pub fn is_taken(&self) -> bool {
        self.turns().taken
    }

    fn turns(&self) -> MutexGuard<'_, Turns> {
        self.0.turns.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        self.0.turns().taken = false;
        self.0.0.free.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::channel;

    use super::*;

    #[test]
    fn a_lamp_that_waits_goes_before_a_sensor_that_waits() {
        let trunk = Trunk::default();
        let now = trunk.sensor();
        let (told, order) = channel();
        let lamp = {
            let (trunk, told) = (trunk.clone(), told.clone());
            std::thread::spawn(move || {
                let _turn = trunk.lamp();
                told.send("lamp").unwrap();
            })
        };
        while trunk.turns().lamps == 0 {
            std::thread::yield_now();
        }
        let sensor = {
            let trunk = trunk.clone();
            std::thread::spawn(move || {
                let _turn = trunk.sensor();
                told.send("sensor").unwrap();
            })
        };
        drop(now);
        lamp.join().unwrap();
        sensor.join().unwrap();
        assert_eq!(order.iter().collect::<Vec<_>>(), ["lamp", "sensor"]);
        assert_eq!(trunk.lit(), 1);
        assert!(!trunk.is_taken());
    }
}
