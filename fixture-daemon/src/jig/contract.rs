//! What every backend of every trait must do, once; and each backend held to it.

use core::convert::Infallible;
use core::time::Duration;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU16, AtomicU64, Ordering};

use blinkup::codes::Colour;
use blinkup::{Level, Tick};
use embedded_hal::digital::{self, InputPin, OutputPin};
use embedded_hal::pwm::{self, SetDutyCycle};
use embedded_hal::spi::{self, Operation, SpiDevice};
use fixture_link::identity::LaneId;

use super::raspberry_pi::lamp::curve::Curve;
use super::raspberry_pi::lamp::dimmed::Dimmed;
use super::raspberry_pi::lamp::expander::{Expander, Pca9685};
use super::raspberry_pi::lamp::ladder::Ladder;
use super::raspberry_pi::model::{Bus, Reset};
use super::raspberry_pi::sensor::colour::{ColourSensors, Setting};
use super::raspberry_pi::sensor::comparators::Comparators;
use super::raspberry_pi::sensor::photodiodes::Photodiodes;
use super::simulated::Jig as SimulatedJig;
use super::{JigError, Lamp, StatusSensor};
use crate::config::{Active, example_recipe};
use crate::drivers::virtual_time::Simulated;

fn lane(number: u8) -> LaneId {
    LaneId::new(number).unwrap()
}

// --- lamps ------------------------------------------------------------------------------------------------------------

/// A lamp is dark at first, gives three levels that are told apart, and is dark when it is dropped.
fn lamp_keeps_the_contract<L: Lamp>(mut lamp: L, light: impl Fn() -> f64) {
    let near = |wanted: f64| (light() - wanted).abs() < 1.0e-3;
    assert!(near(0.0), "dark at first");
    for _ in 0..2 {
        lamp.set(Level::FULL).unwrap();
        assert!(near(1.0), "bright: {}", light());
        lamp.set(Level::new(0.5)).unwrap();
        assert!(near(0.5), "mid: {}", light());
        lamp.set(Level::DARK).unwrap();
        assert!(near(0.0), "dark: {}", light());
    }
    lamp.set(Level::FULL).unwrap();
    drop(lamp);
    assert!(near(0.0), "dark when dropped: {}", light());
}

/// A line, or a PWM channel, whose state others can look at.
#[derive(Clone, Default)]
struct Wire(Arc<AtomicU16>);

impl Wire {
    fn state(&self) -> u16 {
        self.0.load(Ordering::Relaxed)
    }
}

impl digital::ErrorType for Wire {
    type Error = Infallible;
}

impl OutputPin for Wire {
    fn set_low(&mut self) -> Result<(), Infallible> {
        self.0.store(0, Ordering::Relaxed);
        Ok(())
    }

    fn set_high(&mut self) -> Result<(), Infallible> {
        self.0.store(1, Ordering::Relaxed);
        Ok(())
    }
}

impl InputPin for Wire {
    fn is_high(&mut self) -> Result<bool, Infallible> {
        Ok(self.state() != 0)
    }

    fn is_low(&mut self) -> Result<bool, Infallible> {
        Ok(self.state() == 0)
    }
}

impl pwm::ErrorType for Wire {
    type Error = Infallible;
}

impl SetDutyCycle for Wire {
    fn max_duty_cycle(&self) -> u16 {
        40_000
    }

    fn set_duty_cycle(&mut self, duty: u16) -> Result<(), Infallible> {
        self.0.store(duty, Ordering::Relaxed);
        Ok(())
    }
}

#[test]
fn a_lamp_on_pwm_keeps_the_contract() {
    let channel = Wire::default();
    let lamp = Dimmed::new(lane(1), channel.clone(), Curve::default()).unwrap();
    lamp_keeps_the_contract(lamp, || f64::from(channel.state()) / 40_000.0);
}

#[test]
fn a_lamp_on_a_ladder_keeps_the_contract() {
    let (mid, rest) = (Wire::default(), Wire::default());
    let lamp = Ladder::new(lane(1), mid.clone(), rest.clone(), Active::High, 0.5).unwrap();
    lamp_keeps_the_contract(lamp, || 0.5 * f64::from(mid.state()) + 0.5 * f64::from(rest.state()));
}

#[test]
fn a_lamp_on_an_expander_keeps_the_contract() {
    let bus = Bus::new(0);
    let lamp = Expander::new(lane(1), Pca9685::new(bus.clone(), 0x40, 1526), 3, Curve::default());
    lamp_keeps_the_contract(lamp, || {
        let wires = bus.wires();
        let registers = wires.expander.unwrap();
        // Asleep, or told OFF all the time: dark. Channel 3 begins at 0x12.
        let [_, on_high, off_low, off_high] = [registers[0x12], registers[0x13], registers[0x14], registers[0x15]];
        if registers[0] & 0x10 != 0 || off_high & 0x10 != 0 {
            0.0
        } else if on_high & 0x10 != 0 {
            1.0
        } else {
            f64::from(u16::from_le_bytes([off_low, off_high])) / 4096.0
        }
    });
}

#[test]
fn a_simulated_lamp_keeps_the_contract() {
    let (jig, time) = simulated();
    let seen = jig.clone();
    // The model's light is what its sensor sees: nothing else looks at it.
    let dark = clear(&jig, &time);
    let lamp = jig.lamp(lane(1));
    let probe = jig.clone();
    let full = {
        let mut lamp = probe.lamp(lane(1));
        lamp.set(Level::FULL).unwrap();
        let full = clear(&probe, &time) - dark;
        lamp.set(Level::DARK).unwrap();
        clear(&probe, &time);
        full
    };
    // A noisy look is rounded to the three levels.
    lamp_keeps_the_contract(lamp, || ((clear(&seen, &time) - dark) / full * 4.0).round() / 4.0);
}

/// A simulated jig of one lane without units, and its time in microseconds.
fn simulated() -> (SimulatedJig, Arc<AtomicU64>) {
    let simulated = Simulated {
        lanes: 1,
        units: 0,
        ..Simulated::new(5, example_recipe())
    };
    let time = Arc::new(AtomicU64::new(1_000_000));
    let clock = Arc::clone(&time);
    let paused = Arc::clone(&time);
    let jig = SimulatedJig::new(
        simulated.world(),
        move || Tick::from_micros(clock.load(Ordering::Relaxed)),
        move |late| {
            paused.fetch_add(u64::try_from(late.as_micros()).unwrap(), Ordering::Relaxed);
        },
    );
    (jig, time)
}

/// The mean of some clear counts of the simulated sensor, later than now.
fn clear(jig: &SimulatedJig, time: &AtomicU64) -> f64 {
    let mut jig = jig.clone();
    let mut sum = 0.0;
    let mut samples = 0.0;
    time.fetch_add(20_000, Ordering::Relaxed);
    for _ in 0..40 {
        time.fetch_add(10_000, Ordering::Relaxed);
        if let Ok(sample) = jig.sample(lane(1)) {
            sum += f64::from(sample.counts.clear);
            samples += 1.0;
        }
    }
    sum / samples
}

// --- sensors ----------------------------------------------------------------------------------------------------------

/// A sensor brings a fresh sample at least every third round of 10 ms; each lies in the past, has a start before its end, and none is
/// older than the one before; red light counts more than none in the red channel; a lane that is not there is an error.
fn sensor_keeps_the_contract(
    sensor: &mut dyn StatusSensor,
    now: impl Fn() -> Tick,
    pass: impl Fn(Duration),
    mut show: impl FnMut(Colour),
) {
    let mut last = Tick::ZERO;
    let mut mean = |colour: Colour, sensor: &mut dyn StatusSensor| {
        show(colour);
        pass(Duration::from_millis(30));
        let (mut red, mut samples) = (0.0, 0_u32);
        for _ in 0..60 {
            match sensor.sample(lane(1)) {
                Ok(sample) => {
                    assert!(sample.start <= sample.end, "{sample:?}");
                    assert!(sample.end <= now(), "a sample of the future: {sample:?} at {}", now());
                    assert!(sample.end >= last, "older than the one before: {sample:?}");
                    last = sample.end;
                    red += f64::from(sample.counts.red);
                    samples += 1;
                }
                Err(JigError::Stale { lane: of }) => assert_eq!(of, lane(1)),
                Err(error @ (JigError::Failed { .. } | JigError::Board(_))) => panic!("{error}"),
            }
            pass(Duration::from_millis(10));
        }
        assert!(samples >= 20, "{samples} samples in 60 rounds");
        red / f64::from(samples)
    };
    let dark = mean(Colour::Off, sensor);
    let red = mean(Colour::Red, sensor);
    assert!(red > dark + 100.0, "red light {red}, dark {dark}");
    let said = sensor.sample(lane(8)).unwrap_err().to_string();
    assert!(said.starts_with("lane 8: status sensor: "), "{said}");
}

#[test]
fn a_simulated_sensor_keeps_the_contract() {
    let (jig, time) = simulated();
    let mut sensor = jig.clone();
    sensor_keeps_the_contract(
        &mut sensor,
        || Tick::from_micros(time.load(Ordering::Relaxed)),
        |passes| {
            time.fetch_add(u64::try_from(passes.as_micros()).unwrap(), Ordering::Relaxed);
        },
        |colour| {
            let (mut world, now) = jig.world();
            world.set_reference(now, lane(1), colour);
        },
    );
}

#[test]
fn colour_sensors_keep_the_contract() {
    let bus = Bus::new(1);
    let time = bus.clone();
    let setting = Setting::new(16, Duration::from_micros(4_800));
    let lanes = [(lane(1), Some(0))];
    let mut sensors = ColourSensors::new(
        bus.clone(),
        setting,
        Some(0x70),
        Some(Reset(bus.clone())),
        &lanes,
        move || time.now(),
    );
    sensor_keeps_the_contract(
        &mut sensors,
        || bus.now(),
        |passes| bus.wait_until(bus.now() + passes),
        |colour| {
            let lit = colour == Colour::Red;
            bus.wires().sensors[0].as_mut().unwrap().light = if lit { [24, 20, 2, 1] } else { [4, 1, 1, 1] };
        },
    );
}

/// An MCP3208 whose first channel sees red light.
struct Converter(Arc<AtomicBool>);

impl spi::ErrorType for Converter {
    type Error = Infallible;
}

impl SpiDevice for Converter {
    fn transaction(&mut self, operations: &mut [Operation<'_, u8>]) -> Result<(), Infallible> {
        for operation in operations {
            let Operation::TransferInPlace(bytes) = operation else {
                panic!("one transfer a conversion")
            };
            let channel = (bytes[0] & 1) << 2 | bytes[1] >> 6;
            let lit = channel == 0 && self.0.load(Ordering::Relaxed);
            let counts: u16 = if lit { 900 } else { 12 };
            let [low, high] = counts.to_le_bytes();
            bytes.copy_from_slice(&[0, high, low]);
        }
        Ok(())
    }
}

/// A clock that tests move on.
fn clock() -> (Arc<AtomicU64>, impl Fn() -> Tick + Send + Clone) {
    let time = Arc::new(AtomicU64::new(1_000_000));
    let shown = Arc::clone(&time);
    (time, move || Tick::from_micros(shown.load(Ordering::Relaxed)))
}

#[test]
fn photodiodes_keep_the_contract() {
    let (time, now) = clock();
    let lit = Arc::new(AtomicBool::new(false));
    let mut sensor = Photodiodes::new(Converter(Arc::clone(&lit)), &[lane(1)], 4, now.clone());
    sensor_keeps_the_contract(
        &mut sensor,
        now,
        |passes| {
            time.fetch_add(u64::try_from(passes.as_micros()).unwrap(), Ordering::Relaxed);
        },
        |colour| lit.store(colour == Colour::Red, Ordering::Relaxed),
    );
}

#[test]
fn comparators_keep_the_contract() {
    let (time, now) = clock();
    let (mut red, green) = (Wire::default(), Wire::default());
    let mut sensor = Comparators::new(vec![(lane(1), [red.clone(), green])], Active::High, now.clone());
    sensor_keeps_the_contract(
        &mut sensor,
        now,
        |passes| {
            time.fetch_add(u64::try_from(passes.as_micros()).unwrap(), Ordering::Relaxed);
        },
        |colour| {
            if colour == Colour::Red {
                red.set_high().unwrap();
            } else {
                red.set_low().unwrap();
            }
        },
    );
}
