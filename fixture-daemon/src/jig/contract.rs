//! What every backend of every trait must do, once; and each backend held to it.

use core::cell::RefCell;
use core::convert::Infallible;
use core::time::Duration;
use std::io::{Read as _, Write as _};
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU16, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use blinkup::codes::Colour;
use blinkup::{Level, Tick};
use embedded_hal::digital::{self, InputPin, OutputPin};
use embedded_hal::pwm::{self, SetDutyCycle};
use embedded_hal::spi::{self, Operation, SpiDevice};
use fixture_link::identity::{LaneId, Serial};
use fixture_link::snapshot::LaneState;
use fixture_link::verdict::VerdictCode;
use serialport::{SerialPort as _, TTYPort};

use super::raspberry_pi::absent::Absent;
use super::raspberry_pi::bus::Trunk;
use super::raspberry_pi::contact::{AnyContact, ContactLine, Polled};
use super::raspberry_pi::lamp::curve::Curve;
use super::raspberry_pi::lamp::dimmed::Dimmed;
use super::raspberry_pi::lamp::expander::{Expander, Pca9685};
use super::raspberry_pi::lamp::ladder::Ladder;
use super::raspberry_pi::model::{Bus, Reset};
use super::raspberry_pi::nest::Switches;
use super::raspberry_pi::outside::{AnyOf, Button, Outside, Wire as Lines};
use super::raspberry_pi::power::Relays;
use super::raspberry_pi::printer::{Language, Printer, PrinterParts, Tape};
use super::raspberry_pi::scanner::{Kind, Only, Pattern, ScannerParts, Scanners};
use super::raspberry_pi::sensor::colour::{ColourSensors, Place, Setting};
use super::raspberry_pi::sensor::comparators::Comparators;
use super::raspberry_pi::sensor::photodiodes::Photodiodes;
use super::raspberry_pi::serial::Port;
use super::raspberry_pi::transmitter::lamp::ByImp;
use super::raspberry_pi::transmitter::{Speed, Transmitter, peer};
use super::simulated::Jig as SimulatedJig;
use super::{
    Field, JigError, Label, LabelPrinter, Lamp, Nest, Power, Press, Printed, Scan, Scanner, Signals, StartButton,
    StatusSensor, UnitPower, Unsent,
};
use crate::clock::Clock;
use crate::config::{Active, example_recipe};
use crate::drivers::virtual_time::Simulated;
use crate::engine::effect::Signal;

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
    let lamp = Expander::new(
        lane(1),
        Pca9685::new(bus.clone(), Trunk::default(), 0x40, 1526),
        3,
        Curve::default(),
    );
    lamp_keeps_the_contract(lamp, || expander_light(&bus));
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

// --- machines that send whole frames ----------------------------------------------------------------------------------

/// What the machine at the other end does with an order.
#[derive(Clone, Copy)]
enum Does {
    Sends(Duration),
    Refuses(&'static str),
    Nothing,
}

/// A machine that sends whole frames tells how long its light lasted, and a refusal in its own words from a fault that names the lane. It is
/// waited for no longer than `patience`, and not at all once the process ends. Whatever it does, the lane's own lamp stays dark.
fn sends_whole_keeps_the_contract<L: Lamp>(start: impl Fn(Does, Duration) -> L, light: impl Fn() -> u16) {
    let (long, short) = (Duration::from_secs(20), Duration::from_millis(300));
    let goes_on = || false;
    let faulty = |sent| matches!(sent, Err(Unsent::Failed(JigError::Failed { lane: of, .. })) if of == lane(1));

    let mut lamp = start(Does::Sends(Duration::from_millis(4200)), long);
    for _ in 0..2 {
        let sent = lamp.whole().unwrap().send(&goes_on);
        assert_eq!(sent, Ok(Duration::from_millis(4200)));
        assert_eq!(light(), 0);
    }
    let mut lamp = start(Does::Refuses("no token"), long);
    let sent = lamp.whole().unwrap().send(&goes_on);
    assert_eq!(sent, Err(Unsent::Refused("no token".to_owned())));
    let clock = Clock::start();
    let mut lamp = start(Does::Nothing, short);
    assert!(faulty(lamp.whole().unwrap().send(&goes_on)));
    let mut lamp = start(Does::Nothing, Duration::from_mins(10));
    assert!(faulty(lamp.whole().unwrap().send(&|| true)), "the process ends");
    assert!(clock.now() < Tick::ZERO + long, "it was waited for");
    assert_eq!(light(), 0);
}

#[test]
fn an_imp_transmitter_keeps_the_contract() {
    let wire = Wire::default();
    let own = wire.clone();
    let kept = RefCell::new(Vec::new());
    let start = move |does: Does, patience: Duration| {
        let (device, line) = TTYPort::pair().unwrap();
        let answer = move |number: &str| match does {
            Does::Sends(took) => vec![(b'D', format!("{number},{}", took.as_millis()))],
            Does::Refuses(why) => vec![(b'F', format!("{number},{why}"))],
            Does::Nothing => Vec::new(),
        };
        let file = line.name().unwrap().into();
        peer::imp(device, 0, 9, answer);
        let (transmitter, news) = Transmitter::start(Port { file, baud: 115_200 }).unwrap();
        // Without its own end open a pseudo-terminal is as unplugged.
        kept.borrow_mut().push((line, news));
        let lamp = Dimmed::new(lane(1), own.clone(), Curve::default()).unwrap();
        ByImp::new(lane(1), Box::new(lamp), transmitter, (None, Speed::Fast), patience)
    };
    lamp_keeps_the_contract(start(Does::Nothing, Duration::ZERO), || {
        f64::from(wire.state()) / 40_000.0
    });
    sends_whole_keeps_the_contract(start, || wire.state());
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

/// For jigs whose lamps are not lit.
fn no_pause(_: Duration) {
    panic!("a lamp that is not lit does not stutter");
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
    let lanes = [Place {
        lane: lane(1),
        channel: Some(0),
        setting: Setting::new(16, Duration::from_micros(4_800)),
    }];
    let mut sensors = ColourSensors::new(
        bus.clone(),
        Trunk::default(),
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

// --- nests ------------------------------------------------------------------------------------------------------------

/// A nest is empty, occupied and empty again as a unit is put in and taken out; edges that are told are in order, none lies in the future, and
/// the last says what the look says; a lane that is not there is an error.
fn nest_keeps_the_contract(nest: &mut dyn Nest, now: impl Fn() -> Tick, mut unit: impl FnMut(bool)) {
    for there in [false, true, false, true] {
        unit(there);
        let edges = nest.edges(lane(1)).unwrap();
        assert_eq!(nest.occupied(lane(1)), Ok(there));
        assert!(edges.is_sorted_by_key(|edge| edge.at), "{edges:?}");
        assert!(edges.iter().all(|edge| edge.at <= now()), "{edges:?}");
        assert!(edges.last().is_none_or(|last| last.closed == there), "{edges:?}");
        assert_eq!(nest.edges(lane(1)), Ok(Vec::new()), "told once");
    }
    let said = nest.occupied(lane(8)).unwrap_err().to_string();
    assert!(said.starts_with("lane 8: nest: "), "{said}");
}

#[test]
fn a_simulated_nest_keeps_the_contract() {
    let simulated = Simulated {
        lanes: 1,
        units: 10,
        ..Simulated::new(5, example_recipe())
    };
    let time = Arc::new(AtomicU64::new(1_000_000));
    let clock = Arc::clone(&time);
    let now = move || Tick::from_micros(clock.load(Ordering::Relaxed));
    let jig = SimulatedJig::new(simulated.world(), now.clone(), no_pause);
    let (mut nest, mut operator) = (jig.clone(), jig.clone());
    let judged = jig;
    nest_keeps_the_contract(&mut nest, now, |there| {
        for _ in 0..100_000 {
            if operator.occupied(lane(1)) == Ok(there) {
                return;
            }
            {
                // The operator lifts a unit whose verdict is shown, and seats the next one in an empty nest.
                let (mut world, now) = judged.world();
                if there {
                    world.show_lane(now, lane(1), &LaneState::Empty);
                } else {
                    world.verdict(now, lane(1), VerdictCode::Ok);
                    world.show_lane(now, lane(1), &shown(VerdictCode::Ok));
                }
            }
            time.fetch_add(100_000, Ordering::Relaxed);
        }
        panic!("the model operator never does it");
    });
}

fn shown(code: VerdictCode) -> LaneState {
    LaneState::Verdict {
        outcome: code.outcome(),
        code,
        detail: String::new(),
        device_id: None,
        agent_url: None,
        from_before: false,
    }
}

#[test]
fn nest_switches_keep_the_contract() {
    for closed in [Active::Low, Active::High] {
        let (time, now) = clock();
        let wire = Wire::default();
        let contact = AnyContact::on(Polled(wire.clone()), closed);
        let mut nest = Switches::wired(vec![(lane(1), contact)], now.clone());
        nest_keeps_the_contract(&mut nest, now, |there| {
            time.fetch_add(50_000, Ordering::Relaxed);
            set(&wire, there == (closed == Active::High));
        });
    }
}

fn set(wire: &Wire, high: bool) {
    let mut wire = wire.clone();
    if high { wire.set_high() } else { wire.set_low() }.unwrap();
}

/// A line whose edges are kept as the kernel keeps them.
struct Kept(Wire, Arc<Mutex<Vec<(Tick, bool)>>>, Arc<AtomicU64>);

impl ContactLine for Kept {
    fn is_high(&mut self) -> Result<bool, String> {
        Ok(self.0.state() != 0)
    }

    fn turns(&mut self) -> Result<Vec<(Duration, bool)>, String> {
        let now = Tick::from_micros(self.2.load(Ordering::Relaxed));
        let kept = core::mem::take(&mut *self.1.lock().unwrap());
        Ok(kept.into_iter().map(|(at, high)| (now.since(at), high)).collect())
    }
}

#[test]
fn nest_switches_with_edges_keep_the_contract() {
    let (time, now) = clock();
    let (wire, kept) = (Wire::default(), Arc::new(Mutex::new(Vec::new())));
    set(&wire, true);
    let line = Kept(wire.clone(), Arc::clone(&kept), Arc::clone(&time));
    let mut nest = Switches::wired(vec![(lane(1), AnyContact::on(line, Active::Low))], now.clone());
    nest_keeps_the_contract(&mut nest, now.clone(), |there| {
        if (wire.state() == 0) == there {
            return;
        }
        // It bounces.
        for high in [!there, there, !there] {
            time.fetch_add(1_000, Ordering::Relaxed);
            set(&wire, high);
            kept.lock().unwrap().push((now(), high));
        }
        time.fetch_add(5_000, Ordering::Relaxed);
    });
}

// --- start buttons ----------------------------------------------------------------------------------------------------

/// A button is at rest, asks for a start while it is pressed, and is at rest again.
fn button_keeps_the_contract(button: &mut dyn StartButton, asks: Press, mut press: impl FnMut(bool)) {
    for pressed in [false, true, false, true, false] {
        press(pressed);
        let edges = button.edges().unwrap();
        assert!(edges.is_sorted_by_key(|edge| edge.at), "{edges:?}");
        assert!(edges.last().is_none_or(|last| last.closed == pressed), "{edges:?}");
        assert_eq!(button.pressed(), Ok(if pressed { asks } else { Press::No }));
    }
}

#[test]
fn a_button_on_a_line_keeps_the_contract_and_so_does_one_of_several() {
    for closed in [Active::Low, Active::High] {
        let wire = Wire::default();
        let button = |wire: &Wire| Button::on(AnyContact::on(Polled(wire.clone()), closed), || Tick::ZERO);
        let press = |pressed: bool| set(&wire, pressed == (closed == Active::High));
        button_keeps_the_contract(&mut button(&wire), Press::Yes, press);
        let idle = Wire::default();
        set(&idle, closed == Active::Low);
        let mut any = AnyOf(vec![Box::new(button(&idle)), Box::new(button(&wire))]);
        button_keeps_the_contract(&mut any, Press::Yes, press);
    }
}

// --- scanners ---------------------------------------------------------------------------------------------------------

/// What was scanned comes once, in order, each with its lane where the scanner tells; then nothing.
fn scanner_keeps_the_contract(scanner: &mut dyn Scanner, expected: &[Scan]) {
    let clock = Clock::start();
    let end = clock.now() + Duration::from_secs(10);
    let mut found = Vec::new();
    while found.len() < expected.len() {
        assert!(clock.now() < end, "{found:?}");
        match scanner.next() {
            Ok(Some(scan)) => found.push(scan),
            // A port that is being opened.
            Ok(None) | Err(_) => clock.sleep_until(clock.now() + Duration::from_millis(2)),
        }
    }
    assert_eq!(found, expected);
    assert_eq!(scanner.next(), Ok(None));
}

fn scan(of: Option<LaneId>, serial: &str) -> Scan {
    Scan {
        lane: of,
        field: Field::Serial(Serial::new(serial).unwrap()),
    }
}

#[test]
fn scanners_on_serial_ports_keep_the_contract() {
    let (mut device, line) = TTYPort::pair().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let name = folder.path().join("scanner");
    let parts = ScannerParts {
        port: Port {
            file: name.clone(),
            baud: 9600,
        },
        lane: Some(lane(2)),
        terminators: b"\r\n".to_vec(),
        patterns: vec![(
            Kind::Serial,
            Pattern {
                starts: String::new(),
                length: (1, 20),
                only: Only::Alphanumeric,
            },
        )],
    };
    let mut scanners = Scanners::open(&[parts]).unwrap();
    // Plugged in after it was missed, so that it is known to be open before anything is scanned.
    let clock = Clock::start();
    let end = clock.now() + Duration::from_secs(10);
    let mut until = |open: bool| {
        while scanners.next().is_ok() != open {
            assert!(clock.now() < end);
            clock.sleep_until(clock.now() + Duration::from_millis(2));
        }
    };
    until(false);
    std::os::unix::fs::symlink(line.name().unwrap(), &name).unwrap();
    until(true);
    device.write_all(b"A1\r\nB2\r\n").unwrap();
    scanner_keeps_the_contract(&mut scanners, &[scan(Some(lane(2)), "A1"), scan(Some(lane(2)), "B2")]);
}

#[test]
fn a_jig_without_a_scanner_and_a_simulated_one_keep_the_contract() {
    scanner_keeps_the_contract(&mut Absent, &[]);
    let simulated = Simulated {
        lanes: 1,
        units: 1,
        ..Simulated::new(5, example_recipe())
    };
    let jig = SimulatedJig::new(simulated.world(), || Tick::ZERO + Duration::from_mins(1), no_pause);
    let mut scanner = jig.clone();
    assert_eq!(
        jig.clone().occupied(lane(1)),
        Ok(true),
        "its operator has seated a unit"
    );
    scanner_keeps_the_contract(&mut scanner, &[scan(Some(lane(1)), "SIM-000001")]);
}

// --- unit power -------------------------------------------------------------------------------------------------------

/// Power is what it was last set to; a lane that is not there is an error.
fn power_keeps_the_contract(power: &mut dyn UnitPower, is_on: impl Fn() -> bool) {
    assert!(is_on(), "units have power from the start");
    for state in [Power::Off, Power::On, Power::On, Power::Off, Power::Off, Power::On] {
        power.set(lane(1), state).unwrap();
        assert_eq!(is_on(), state == Power::On);
    }
    let said = power.set(lane(8), Power::On).unwrap_err().to_string();
    assert!(said.starts_with("lane 8: unit power: "), "{said}");
}

#[test]
fn relays_keep_the_contract_whichever_way_they_pull() {
    for on in [Active::Low, Active::High] {
        let (wire, other) = (Wire::default(), Wire::default());
        set(&wire, on == Active::High);
        let mut relays = Relays::wired(vec![(lane(1), wire.clone()), (lane(2), other.clone())], on);
        power_keeps_the_contract(&mut relays, || (wire.state() != 0) == (on == Active::High));
        assert_eq!(other.state(), 0, "the other lane's relay was never touched");
    }
}

#[test]
fn a_relay_that_fails_is_named_with_its_lane() {
    use embedded_hal_mock::eh1::MockError;
    use embedded_hal_mock::eh1::digital::{Mock, State, Transaction};
    let gone = MockError::Io(std::io::ErrorKind::NotFound);
    let mut pin = Mock::new(&[
        Transaction::set(State::Low).with_error(gone),
        Transaction::set(State::High),
    ]);
    let mut relays = Relays::wired(vec![(lane(3), pin.clone())], Active::High);
    let said = relays.set(lane(3), Power::Off).unwrap_err().to_string();
    assert!(said.starts_with("lane 3: unit power: "), "{said}");
    relays.set(lane(3), Power::On).unwrap();
    pin.done();
}

#[test]
fn simulated_relays_keep_the_contract_and_a_jig_without_says_so() {
    let simulated = Simulated {
        lanes: 1,
        units: 1,
        ..Simulated::new(5, example_recipe())
    };
    let time = Arc::new(AtomicU64::new(30_000_000));
    let shown = Arc::clone(&time);
    let now = move || Tick::from_micros(shown.load(Ordering::Relaxed));
    let jig = SimulatedJig::new(simulated.world(), now, no_pause);
    assert_eq!(
        jig.clone().occupied(lane(1)),
        Ok(true),
        "its operator has seated a unit"
    );
    let mut power = jig.clone();
    power_keeps_the_contract(&mut power, || {
        time.fetch_add(1_000, Ordering::Relaxed);
        jig.world().0.has_power(lane(1)) == Some(true)
    });
    let said = Absent.set(lane(1), Power::Off).unwrap_err().to_string();
    assert!(said.contains("no relays"), "{said}");
}

// --- signals ----------------------------------------------------------------------------------------------------------

/// Every signal is taken, and is out when it has settled.
fn signals_keep_the_contract(signals: &mut dyn Signals, mut out: impl FnMut(Signal)) {
    for signal in [
        Signal::Ready,
        Signal::Busy,
        Signal::Pass,
        Signal::Busy,
        Signal::Fail,
        Signal::Attention,
        Signal::Ready,
    ] {
        signals.show(lane(1), signal).unwrap();
        signals.settled().unwrap();
        out(signal);
    }
}

#[test]
fn signals_keep_the_contract_on_lines_without_any_and_simulated() {
    signals_keep_the_contract(&mut Absent, |_| {});
    signals_keep_the_contract(&mut simulated().0, |_| {});
    let lines: Vec<(Lines, Wire)> = [Lines::Ready, Lines::Busy, Lines::Pass, Lines::Fail]
        .map(|line| (line, Wire::default()))
        .to_vec();
    let wired = lines.clone();
    let mut outside = Outside::wired(wired, &[lane(1)]).unwrap();
    signals_keep_the_contract(&mut outside, |signal| {
        let on: Vec<Lines> = lines
            .iter()
            .filter(|(_, wire)| wire.state() != 0)
            .map(|(line, _)| *line)
            .collect();
        let wanted = match signal {
            Signal::Ready => vec![Lines::Ready],
            Signal::Busy => vec![Lines::Busy],
            Signal::Pass => vec![Lines::Pass],
            Signal::Fail | Signal::Attention => vec![Lines::Fail],
        };
        assert_eq!(on, wanted, "{signal:?}");
    });
    drop(outside);
    assert!(lines.iter().all(|(_, wire)| wire.state() == 0), "nothing is left on");
}

// --- label printers ---------------------------------------------------------------------------------------------------

/// A printer that is there says so without printing, and takes a label; one that is not says so both times.
fn printer_keeps_the_contract(printer: &mut dyn LabelPrinter, sure: Printed, labels: impl Fn() -> usize) {
    assert_eq!(printer.ready(), Ok(sure));
    assert_eq!(labels(), 0, "asking prints nothing");
    assert_eq!(printer.print(&label()), Ok(sure));
    assert_eq!(labels(), 1);
}

fn label() -> Label {
    Label {
        serial: Serial::new("SN-1").ok(),
        device_id: None,
        lot: String::new(),
        work_order: String::new(),
    }
}

fn printer(file: &Path, language: Language) -> Printer {
    Printer::new(PrinterParts {
        port: Port {
            file: file.to_owned(),
            baud: 9600,
        },
        language,
        lines: vec!["{serial}".to_owned()],
        code: None,
    })
}

const ZPL: Language = Language::Zpl {
    width: 400,
    height: 200,
};

#[test]
fn a_printer_on_a_serial_port_keeps_the_contract() {
    let (mut device, line) = TTYPort::pair().unwrap();
    device.set_timeout(Duration::from_secs(10)).unwrap();
    let labels = Arc::new(AtomicU16::new(0));
    let counted = Arc::clone(&labels);
    let zebra = std::thread::spawn(move || {
        let (mut heard, mut byte, mut asked) = (Vec::new(), [0], 0);
        while asked < 3 && device.read_exact(&mut byte).is_ok() {
            heard.push(byte[0]);
            if heard.ends_with(b"^XZ") {
                counted.fetch_add(1, Ordering::SeqCst);
            } else if heard.ends_with(b"~HS") {
                asked += 1;
                device
                    .write_all(b"\x02030,0,0,0400,000,0,0,0,000,0,0,0\x03\r\n\x02000,0,0,0,0,2,4,0,00000000,1,000\x03\r\n\x021234,0\x03\r\n")
                    .unwrap();
            }
        }
        // Not unplugged before its last answer is read.
        device
    });
    let mut printer = printer(Path::new(&line.name().unwrap()), ZPL);
    printer_keeps_the_contract(&mut printer, Printed::Confirmed, || {
        labels.load(Ordering::SeqCst).into()
    });
    drop(zebra.join().unwrap());
}

#[test]
fn a_printer_on_a_device_file_that_tells_nothing_takes_labels_in_both_languages() {
    // The kernel's own file that takes everything and says nothing.
    for language in [ZPL, Language::BrotherQl { tape: Tape::Mm62 }] {
        let mut printer = printer(Path::new("/dev/null"), language);
        assert_eq!(printer.ready(), Ok(Printed::Taken));
        assert_eq!(printer.print(&label()), Ok(Printed::Taken));
    }
}

#[test]
fn a_printer_that_is_not_there_says_so_and_prints_nothing() {
    let mut printer = printer(Path::new("/nowhere/printer"), ZPL);
    assert_eq!(printer.ready(), printer.print(&label()));
    assert!(printer.ready().is_err());
}

// --- a process that was killed ----------------------------------------------------------------------------------------

/// A lamp whose process was killed stays lit, since nothing of it runs any more; the next process makes it dark before it does anything else.
fn the_next_process_makes_it_dark<L: Lamp>(open: impl Fn() -> L, light: impl Fn() -> f64) {
    let mut lamp = open();
    lamp.set(Level::FULL).unwrap();
    core::mem::forget(lamp);
    assert!(light() > 0.99, "killed with its lamp lit: {}", light());
    // As `dark` does it.
    let mut lamp = open();
    lamp.set(Level::DARK).unwrap();
    assert!(light() < 1.0e-3, "{}", light());
}

#[test]
fn a_lamp_of_a_process_that_was_killed_is_made_dark_by_the_next_one() {
    let channel = Wire::default();
    the_next_process_makes_it_dark(
        || Dimmed::new(lane(1), channel.clone(), Curve::default()).unwrap(),
        || f64::from(channel.state()) / 40_000.0,
    );
    let (mid, rest) = (Wire::default(), Wire::default());
    the_next_process_makes_it_dark(
        || Ladder::new(lane(1), mid.clone(), rest.clone(), Active::High, 0.5).unwrap(),
        || 0.5 * f64::from(mid.state()) + 0.5 * f64::from(rest.state()),
    );
    let bus = Bus::new(0);
    the_next_process_makes_it_dark(
        || {
            let chip = Pca9685::new(bus.clone(), Trunk::default(), 0x40, 1526);
            Expander::new(lane(1), chip, 3, Curve::default())
        },
        || expander_light(&bus),
    );
}

/// The light of the expander's channel 3, which begins at 0x12: asleep, or told OFF all the time, it is dark.
fn expander_light(bus: &Bus) -> f64 {
    let registers = bus.wires().expander.unwrap();
    let [_, on_high, off_low, off_high] = [registers[0x12], registers[0x13], registers[0x14], registers[0x15]];
    if registers[0] & 0x10 != 0 || off_high & 0x10 != 0 {
        0.0
    } else if on_high & 0x10 != 0 {
        1.0
    } else {
        f64::from(u16::from_le_bytes([off_low, off_high])) / 4096.0
    }
}
