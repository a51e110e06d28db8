//! TCS3472 colour sensors, one a lane, behind a TCA9548A multiplexer (ams data sheet TCS3472, DS000390; Texas Instruments data sheet
//! TCA9548A, SCPS207).
//!
//! Each sample is one integration that is started here, so that its start and end are known: the sensor's own free running would leave
//! them open by a whole cycle. What was integrated since the last call is read, then the next integration is started.

use core::time::Duration;

use blinkup::Tick;
use blinkup::sample::{Counts, Sample};
use embedded_hal::digital::OutputPin;
use embedded_hal::i2c::{Error as _, I2c};
use fixture_link::identity::LaneId;

use super::failed;
use crate::jig::{JigError, StatusSensor};

/// The address of every TCS34721 and TCS34725 (ordering information); hence the multiplexer.
const ADDRESS: u8 = 0x29;
/// Every access starts with a command: bit 7, and type "auto-increment" in bits 6 and 5 (command register).
const COMMAND: u8 = 0x80;
/// The register number counts up by itself.
const AUTO_INCREMENT: u8 = 0x20;
/// Enable register: power and converter.
const ENABLE: u8 = 0x00;
/// ENABLE: oscillator on. A converter may be started 2.4 ms later.
const POWER_ON: u8 = 0x01;
/// ENABLE: converter on.
const CONVERTER_ON: u8 = 0x02;
/// Integration time: 256 less the number of steps.
const ATIME: u8 = 0x01;
/// Gain: 0 to 3 for 1, 4, 16 and 60.
const CONTROL: u8 = 0x0F;
/// Part number.
const ID: u8 = 0x12;
/// Status; clear, red, green and blue follow, low byte first.
const STATUS: u8 = 0x13;
/// STATUS: an integration is complete since the converter was started.
const VALID: u8 = 0x01;
/// The part numbers of TCS34721 and TCS34725, and of TCS34723 and TCS34727.
const PARTS: [u8; 2] = [0x44, 0x4D];

/// One step of integration, nominal.
const STEP: Duration = Duration::from_micros(2_400);
/// One step at its longest (operating characteristics, "ATIME integration time step size").
const LONGEST_STEP: Duration = Duration::from_micros(2_560);
/// Counts that one step adds at most.
const COUNTS_A_STEP: u16 = 1024;

/// Integrations that may come to nothing in a row: a sensor may lose its supply for a moment.
const LOST: u8 = 3;

/// How long a sensor that failed is left alone at first, and at most: a bus that is held low costs a time-out with every try.
const ALONE: [Duration; 2] = [Duration::from_millis(250), Duration::from_secs(4)];

/// Gain and integration.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Setting {
    /// The gain's code in CONTROL.
    gain: u8,
    /// Steps of integration.
    steps: u8,
}

impl Setting {
    /// A gain of 1, 4, 16 or 60, and an integration in whole steps of 2.4 ms.
    pub fn new(gain: u8, integration: Duration) -> Self {
        let steps = integration.as_micros() / STEP.as_micros();
        Self {
            gain: match gain {
                0..=1 => 0,
                2..=4 => 1,
                5..=16 => 2,
                17.. => 3,
            },
            steps: u8::try_from(steps).unwrap_or(u8::MAX).max(1),
        }
    }

    /// Counts at which a channel no longer follows the light. Below 150 ms of integration the converter's ripple takes the last quarter
    /// of the range (ams design note DN40, "Lux and CCT calculations", saturation).
    pub fn saturated_at(self) -> u16 {
        (COUNTS_A_STEP / 4 * 3).saturating_mul(u16::from(self.steps))
    }

    /// The longest time from the start of an integration to its end. The converter's own beginning takes one step more.
    fn takes(self) -> Duration {
        LONGEST_STEP * (u32::from(self.steps) + 1)
    }
}

/// The sensors of all lanes on one bus.
pub struct ColourSensors<I, R, C> {
    bus: I,
    setting: Setting,
    multiplexer: Option<u8>,
    reset: Option<R>,
    lanes: Vec<Wired>,
    clock: C,
}

/// One lane's sensor.
struct Wired {
    lane: LaneId,
    /// Its channel of the multiplexer.
    channel: Option<u8>,
    state: State,
    /// Integrations in a row that came to nothing.
    lost: u8,
}

enum State {
    /// Nothing is known of it.
    Unknown,
    /// Its oscillator was switched on.
    Awake { since: Tick },
    /// An integration was started: not before the first moment, not after the second.
    Integrating { from: Tick, until: Tick },
    /// It failed, and is left alone for a while.
    Alone { until: Tick, lasts: Duration, why: String },
}

impl<I: I2c, R: OutputPin, C: Fn() -> Tick> ColourSensors<I, R, C> {
    /// Sensors of which nothing is known yet, each with its channel. `reset` is the line at the multiplexer's RESET.
    pub fn new(
        bus: I,
        setting: Setting,
        multiplexer: Option<u8>,
        reset: Option<R>,
        lanes: &[(LaneId, Option<u8>)],
        clock: C,
    ) -> Self {
        Self {
            bus,
            setting,
            multiplexer,
            reset,
            lanes: lanes
                .iter()
                .map(|(lane, channel)| Wired {
                    lane: *lane,
                    channel: *channel,
                    state: State::Unknown,
                    lost: 0,
                })
                .collect(),
            clock,
        }
    }

    /// One step of a sensor's life; `Ok(None)` when it has no sample yet.
    fn step(&mut self, place: usize) -> Result<Option<Sample>, String> {
        let Some(wired) = self.lanes.get(place) else {
            return Err("this lane does not exist on the jig".to_owned());
        };
        if let (Some(address), Some(channel)) = (self.multiplexer, wired.channel) {
            // SCPS207, section 8.6.2, table 1: a bit a channel.
            self.bus
                .write(address, &[1 << (channel & 7)])
                .map_err(|error| format!("multiplexer at 0x{address:02X}: {}", error.kind()))?;
        }
        let now = (self.clock)();
        match &wired.state {
            State::Unknown | State::Alone { .. } => {
                self.wake().map(|()| self.enter(place, State::Awake { since: now }))?;
                Ok(None)
            }
            State::Awake { since } if now.since(*since) < LONGEST_STEP => Ok(None),
            State::Awake { .. } => {
                self.start(place)?;
                Ok(None)
            }
            State::Integrating { until, .. } if now < *until => Ok(None),
            State::Integrating { from, until } => {
                let (start, end) = (*from, *until);
                let mut data = [0; 9];
                self.read(STATUS, &mut data)?;
                let [status, clear @ .., _, _, _, _, _, _] = data;
                if status & VALID == 0 {
                    // It has lost its supply meanwhile, or somebody else stopped it: begin anew.
                    self.enter(place, State::Unknown);
                    return self.lost(place).map(|()| None);
                }
                let [_, _, _, red_low, red_high, green_low, green_high, blue_low, blue_high] = data;
                let counts = Counts {
                    clear: u16::from_le_bytes(clear),
                    red: u16::from_le_bytes([red_low, red_high]),
                    green: u16::from_le_bytes([green_low, green_high]),
                    blue: u16::from_le_bytes([blue_low, blue_high]),
                };
                self.start(place)?;
                if let Some(wired) = self.lanes.get_mut(place) {
                    wired.lost = 0;
                }
                Ok(Some(Sample { start, end, counts }))
            }
        }
    }

    /// An integration came to nothing.
    fn lost(&mut self, place: usize) -> Result<(), String> {
        let Some(wired) = self.lanes.get_mut(place) else {
            return Ok(());
        };
        wired.lost = wired.lost.saturating_add(1);
        if wired.lost < LOST {
            return Ok(());
        }
        Err(format!("TCS3472 at 0x{ADDRESS:02X}: answers, but integrates nothing"))
    }

    /// Looks who is there, sets it up and switches its oscillator on.
    fn wake(&mut self) -> Result<(), String> {
        let mut part = [0];
        self.read(ID, &mut part)?;
        match part[0] {
            0x00 => return Err("every bit reads 0: SDA is held low, or the sensor has no supply".to_owned()),
            0xFF => return Err("every bit reads 1: no sensor answers".to_owned()),
            part if !PARTS.contains(&part) => {
                return Err(format!("part 0x{part:02X} at 0x{ADDRESS:02X} is no TCS3472"));
            }
            _ => {}
        }
        let Setting { gain, steps } = self.setting;
        self.write(ENABLE, 0)?;
        self.write(ATIME, 0_u8.wrapping_sub(steps))?;
        self.write(CONTROL, gain)?;
        self.write(ENABLE, POWER_ON)
    }

    /// Starts an integration.
    fn start(&mut self, place: usize) -> Result<(), String> {
        self.write(ENABLE, POWER_ON)?;
        let from = (self.clock)();
        self.write(ENABLE, POWER_ON | CONVERTER_ON)?;
        let until = (self.clock)() + self.setting.takes();
        self.enter(place, State::Integrating { from, until });
        Ok(())
    }

    fn enter(&mut self, place: usize, state: State) {
        if let Some(wired) = self.lanes.get_mut(place) {
            wired.state = state;
        }
    }

    fn write(&mut self, register: u8, value: u8) -> Result<(), String> {
        self.bus
            .write(ADDRESS, &[COMMAND | register, value])
            .map_err(|error| told(&error))
    }

    fn read(&mut self, first: u8, data: &mut [u8]) -> Result<(), String> {
        self.bus
            .write_read(ADDRESS, &[COMMAND | AUTO_INCREMENT | first], data)
            .map_err(|error| told(&error))
    }

    /// After a failure: closes every channel, so that a lane that holds the bus low lets go of it, and leaves the lane alone for a while.
    fn let_go(&mut self, place: usize, why: &str) {
        let released = match (&mut self.reset, self.multiplexer) {
            // SCPS207, section 8.4.1: RESET low for 6 ns closes all channels, whatever hangs on them.
            (Some(reset), _) => reset.set_low().and_then(|()| reset.set_high()).is_ok(),
            (None, Some(address)) => self.bus.write(address, &[0]).is_ok(),
            (None, None) => true,
        };
        if !released {
            tracing::debug!("the multiplexer could not be reset");
        }
        let now = (self.clock)();
        let Some(wired) = self.lanes.get_mut(place) else { return };
        let [first, most] = ALONE;
        let lasts = match &wired.state {
            State::Alone { lasts, .. } => (*lasts * 2).min(most),
            State::Unknown | State::Awake { .. } | State::Integrating { .. } => first,
        };
        wired.state = State::Alone {
            until: now + lasts,
            lasts,
            why: why.to_owned(),
        };
    }
}

fn told<E: embedded_hal::i2c::Error>(error: &E) -> String {
    format!("TCS3472 at 0x{ADDRESS:02X}: {}", error.kind())
}

impl<I, R, C> StatusSensor for ColourSensors<I, R, C>
where
    I: I2c + Send,
    R: OutputPin + Send,
    C: Fn() -> Tick + Send,
{
    fn sample(&mut self, lane: LaneId) -> Result<Sample, JigError> {
        let place = self
            .lanes
            .iter()
            .position(|wired| wired.lane == lane)
            .ok_or_else(|| failed(lane, "this lane does not exist on the jig"))?;
        if let Some(Wired {
            state: State::Alone { until, why, .. },
            ..
        }) = self.lanes.get(place)
            && (self.clock)() < *until
        {
            return Err(failed(lane, why));
        }
        match self.step(place) {
            Ok(Some(sample)) => Ok(sample),
            Ok(None) => Err(JigError::Stale { lane }),
            Err(why) => {
                self.let_go(place, &why);
                Err(failed(lane, why))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use embedded_hal::i2c::{ErrorKind, NoAcknowledgeSource};
    use embedded_hal_mock::eh1::digital::Mock as NoPin;
    use embedded_hal_mock::eh1::i2c::{Mock, Transaction};
    use std::sync::Arc;
    use std::sync::atomic::{AtomicU64, Ordering};

    use super::super::super::model::{Bus, Reset, Tcs};
    use super::*;

    const ROUND: Duration = Duration::from_millis(10);

    fn lane(number: u8) -> LaneId {
        LaneId::new(number).unwrap()
    }

    fn eight(bus: &Bus, reset: Option<Reset>) -> ColourSensors<Bus, Reset, impl Fn() -> Tick + Send + use<>> {
        let lanes: Vec<(LaneId, Option<u8>)> = LaneId::first(8)
            .zip(0..)
            .map(|(lane, channel)| (lane, Some(channel)))
            .collect();
        let time = bus.clone();
        let setting = Setting::new(16, Duration::from_micros(4_800));
        ColourSensors::new(bus.clone(), setting, Some(0x70), reset, &lanes, move || time.now())
    }

    /// Samples every lane a hundred times a second, and counts what each gave: samples, and its last error.
    fn rounds(sensors: &mut impl StatusSensor, bus: &Bus, rounds: u32) -> [(u32, Option<String>); 8] {
        let mut seen: [(u32, Option<String>); 8] = Default::default();
        let mut due = bus.now();
        for _ in 0..rounds {
            for (lane, (samples, error)) in LaneId::first(8).zip(&mut seen) {
                match sensors.sample(lane) {
                    Ok(_) => *samples += 1,
                    Err(JigError::Stale { .. }) => {}
                    Err(told @ (JigError::Failed { .. } | JigError::Board(_))) => *error = Some(told.to_string()),
                }
            }
            due = (due + ROUND).max(bus.now() - ROUND);
            bus.wait_until(due);
        }
        seen
    }

    #[test]
    fn a_sensors_life_is_the_data_sheets_bytes() {
        const AT: u8 = 0x29;
        let ticks = Arc::new(AtomicU64::new(0));
        let clock = {
            let ticks = Arc::clone(&ticks);
            move || Tick::from_micros(ticks.load(Ordering::Relaxed))
        };
        let select = || Transaction::write(0x70, vec![0b0000_0100]);
        let mut bus = Mock::new(&[
            // SCPS207, section 8.6.2: channel 2. DS000390, register ID: 0x44. ATIME 0xFE is two steps, CONTROL 0x02 a gain of 16; ENABLE.
            select(),
            Transaction::write_read(AT, vec![0xB2], vec![0x44]),
            Transaction::write(AT, vec![0x80, 0x00]),
            Transaction::write(AT, vec![0x81, 0xFE]),
            Transaction::write(AT, vec![0x8F, 0x02]),
            Transaction::write(AT, vec![0x80, 0x01]),
            // More than 2.4 ms later: the converter is started.
            select(),
            Transaction::write(AT, vec![0x80, 0x01]),
            Transaction::write(AT, vec![0x80, 0x03]),
            // The integration is over: STATUS and eight bytes of clear, red, green, blue, low byte first; then the next one.
            select(),
            Transaction::write_read(
                AT,
                vec![0xB3],
                vec![0x01, 0x34, 0x12, 0x02, 0x01, 0x04, 0x03, 0x06, 0x05],
            ),
            Transaction::write(AT, vec![0x80, 0x01]),
            Transaction::write(AT, vec![0x80, 0x03]),
        ]);
        let setting = Setting::new(16, Duration::from_micros(4_800));
        let lanes = [(lane(1), Some(2))];
        let mut sensors = ColourSensors::new(bus.clone(), setting, Some(0x70), None::<NoPin>, &lanes, clock);
        assert!(matches!(sensors.sample(lane(1)), Err(JigError::Stale { .. })));
        ticks.store(10_000, Ordering::Relaxed);
        assert!(matches!(sensors.sample(lane(1)), Err(JigError::Stale { .. })));
        ticks.store(20_000, Ordering::Relaxed);
        let sample = sensors.sample(lane(1)).unwrap();
        let Counts {
            red,
            green,
            blue,
            clear,
        } = sample.counts;
        assert_eq!([clear, red, green, blue], [0x1234, 0x0102, 0x0304, 0x0506]);
        // Two steps and the converter's beginning, each 2.56 ms at most.
        assert_eq!((sample.start.as_micros(), sample.end.as_micros()), (10_000, 17_680));
        bus.done();
    }

    #[test]
    fn eight_lanes_are_sampled_a_hundred_times_a_second() {
        let bus = Bus::new(8);
        let mut sensors = eight(&bus, None);
        let from = bus.now();
        let seen = rounds(&mut sensors, &bus, 103);
        assert_eq!(bus.now().since(from), ROUND * 103, "no round took longer than it may");
        for (lane, (samples, error)) in LaneId::first(8).zip(seen) {
            // One round to wake, one to start.
            assert_eq!((samples, error), (101, None), "lane {lane}");
        }
    }

    #[test]
    fn samples_carry_what_was_integrated_between_their_ticks() {
        let bus = Bus::new(1);
        let mut sensors = eight(&bus, None);
        rounds(&mut sensors, &bus, 2);
        let started = bus.now();
        let sample = sensors.sample(lane(1)).unwrap();
        // 6 counts a step, two steps, gain 16.
        assert_eq!(sample.counts.red, 6 * 2 * 16);
        assert!(sample.start < sample.end && sample.end <= started);
    }

    #[test]
    fn a_sensor_that_is_unplugged_fails_alone_and_comes_back_by_itself() {
        let bus = Bus::new(8);
        let mut sensors = eight(&bus, None);
        rounds(&mut sensors, &bus, 10);
        let unplugged = bus.wires().sensors[2].take();
        let seen = rounds(&mut sensors, &bus, 100);
        for (place, (samples, error)) in seen.into_iter().enumerate() {
            if place == 2 {
                let error = error.unwrap();
                assert!(error.starts_with("lane 3: status sensor: TCS3472 at 0x29: "), "{error}");
            } else {
                assert_eq!((samples, error), (100, None), "lane {}", place + 1);
            }
        }
        // Plugged in again it has forgotten its setting.
        assert!(unplugged.is_some());
        bus.wires().sensors[2] = Some(Tcs::new([20, 6, 5, 4]));
        rounds(&mut sensors, &bus, 410);
        let (samples, error) = rounds(&mut sensors, &bus, 100)[2].clone();
        assert_eq!((samples, error), (100, None));
    }

    #[test]
    fn a_lane_that_holds_the_bus_low_is_let_go_and_the_others_go_on() {
        let bus = Bus::new(8);
        let mut sensors = eight(&bus, Some(Reset(bus.clone())));
        rounds(&mut sensors, &bus, 10);
        bus.wires().held[4] = true;
        let seen = rounds(&mut sensors, &bus, 1000);
        for (place, (samples, error)) in seen.into_iter().enumerate() {
            if place == 4 {
                assert!(error.unwrap().starts_with("lane 5: status sensor: "));
                assert_eq!(samples, 0);
            } else {
                // Each try costs the others a few rounds; they are tried ever less often.
                assert!(
                    samples >= 960 && error.is_none(),
                    "lane {}: {samples} {error:?}",
                    place + 1
                );
            }
        }
        bus.wires().held[4] = false;
        rounds(&mut sensors, &bus, 410);
        assert_eq!(rounds(&mut sensors, &bus, 100)[4], (100, None));
    }

    #[test]
    fn without_the_reset_line_a_bus_that_is_held_low_stops_all_lanes_and_each_says_so() {
        let bus = Bus::new(8);
        let mut sensors = eight(&bus, None);
        rounds(&mut sensors, &bus, 10);
        bus.wires().held[0] = true;
        for (_, error) in rounds(&mut sensors, &bus, 100) {
            assert!(error.unwrap().contains("status sensor: "));
        }
        bus.wires().held[0] = false;
        rounds(&mut sensors, &bus, 410);
        for seen in rounds(&mut sensors, &bus, 100) {
            assert_eq!(seen, (100, None));
        }
    }

    #[test]
    fn a_sensor_that_integrates_nothing_is_an_error_and_not_silence() {
        let bus = Bus::new(8);
        let mut sensors = eight(&bus, None);
        bus.wires().sensors[1].as_mut().unwrap().frozen = true;
        let seen = rounds(&mut sensors, &bus, 100);
        let error = seen[1].1.clone().unwrap();
        assert!(error.contains("answers, but integrates nothing"), "{error}");
        assert_eq!(seen[0], (98, None));
    }

    #[test]
    fn a_sensor_that_lost_its_supply_for_a_moment_is_set_up_again() {
        let bus = Bus::new(8);
        let mut sensors = eight(&bus, None);
        rounds(&mut sensors, &bus, 10);
        bus.wires().sensors[0] = Some(Tcs::new([20, 6, 5, 4]));
        let (samples, error) = rounds(&mut sensors, &bus, 100)[0].clone();
        assert!(samples >= 95 && error.is_none(), "{samples} {error:?}");
        // With the gain of the configuration, not that of a sensor that was just switched on.
        assert_eq!(sensors.sample(lane(1)).unwrap().counts.clear, 20 * 2 * 16);
    }

    #[test]
    fn who_answers_is_looked_at() {
        for (part, words) in [
            (0x00, "every bit reads 0: SDA is held low"),
            (0xFF, "every bit reads 1"),
            (0x60, "part 0x60 at 0x29 is no TCS3472"),
        ] {
            let mut bus = Mock::new(&[Transaction::write_read(0x29, vec![0xB2], vec![part])]);
            let setting = Setting::new(1, Duration::from_micros(2_400));
            let mut sensors = ColourSensors::new(bus.clone(), setting, None, None::<NoPin>, &[(lane(1), None)], || {
                Tick::ZERO
            });
            let said = sensors.sample(lane(1)).unwrap_err().to_string();
            assert!(said.contains(words), "{said}");
            bus.done();
        }
        let no_answer = ErrorKind::NoAcknowledge(NoAcknowledgeSource::Address);
        let mut bus = Mock::new(&[Transaction::write_read(0x29, vec![0xB2], vec![0]).with_error(no_answer)]);
        let setting = Setting::new(60, Duration::from_micros(2_400));
        let mut sensors = ColourSensors::new(bus.clone(), setting, None, None::<NoPin>, &[(lane(1), None)], || {
            Tick::ZERO
        });
        assert!(matches!(sensors.sample(lane(1)), Err(JigError::Failed { .. })));
        // Left alone for a while: the bus is not touched, and the error stays.
        assert!(matches!(sensors.sample(lane(1)), Err(JigError::Failed { .. })));
        bus.done();
    }

    #[test]
    fn the_range_ends_where_the_converters_ripple_begins() {
        assert_eq!(Setting::new(16, Duration::from_micros(4_800)).saturated_at(), 1536);
        assert_eq!(Setting::new(16, Duration::from_micros(2_400)).saturated_at(), 768);
        assert_eq!([1, 4, 16, 60].map(|gain| Setting::new(gain, STEP).gain), [0, 1, 2, 3]);
    }
}
