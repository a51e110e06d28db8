//! TCS3472 colour sensors, one a lane, behind a TCA9548A multiplexer (ams data sheet TCS3472, v1-02, 8 February 2016; Texas Instruments
//! data sheet TCA9548A, SCPS207F, November 2016).
//!
//! Each sample is one integration that is started here, so that its start and end are known: the sensor's own free running would leave
//! them open by a whole cycle. What was integrated since the last call is read, then the next integration is started.
//!
//! A lane that holds its channel low holds the bus only while the channel is open: from the first byte of its own turn to the last. It is
//! told by its own turn, let go by the multiplexer's RESET before anybody else has the bus, and tried again only when no lamp sends.

use core::time::Duration;

use blinkup::Tick;
use blinkup::sample::{Counts, Sample};
use embedded_hal::digital::OutputPin;
use embedded_hal::i2c::{Error as _, I2c};
use fixture_link::identity::LaneId;

use super::super::bus::Trunk;
use super::failed;
use crate::jig::{JigError, Sensitivity, StatusSensor};

/// The address of every TCS34721 and TCS34725 (ordering information); hence the multiplexer.
const ADDRESS: u8 = 0x29;
/// Every access starts with a command: bit 7, and type "auto-increment" in bits 6 and 5 (page 21, figure 25). The registers below are those
/// of page 20, figure 24.
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

/// What the amplifier can be set to, by the code in CONTROL.
const GAINS: [u8; 4] = [1, 4, 16, 60];

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
/// A turn that failed and took longer ended by a time-out: the bus was held low. Whole turns take 0.6 ms, time-outs 10 ms and more.
const HELD: Duration = Duration::from_millis(5);
/// Lamps on the same bus that were told nothing for so long do not send: the slowest symbol takes 100 ms.
const QUIET: Duration = Duration::from_millis(150);
/// How long the next try waits for lamps that send at most. It then costs a sending lane an attempt, once; a lane that was mended comes
/// back, however busy the line is.
const PUT_OFF: Duration = Duration::from_mins(2);

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

    /// The setting that is so sensitive.
    pub fn of(sensitivity: Sensitivity) -> Self {
        Self::new(sensitivity.gain, sensitivity.integration)
    }

    /// How sensitive it is.
    pub fn sensitivity(self) -> Sensitivity {
        Sensitivity {
            gain: GAINS.get(usize::from(self.gain)).copied().unwrap_or(1),
            integration: STEP * u32::from(self.steps),
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

/// Where a lane's sensor is, and how it is set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    /// The lane.
    pub lane: LaneId,
    /// Its channel of the multiplexer, where there is one.
    pub channel: Option<u8>,
    /// Gain and integration.
    pub setting: Setting,
}

/// The sensors of all lanes on one bus.
pub struct ColourSensors<I, R, C> {
    bus: I,
    trunk: Trunk,
    multiplexer: Option<u8>,
    reset: Option<R>,
    lanes: Vec<Wired>,
    clock: C,
    /// The lamps' turns on the bus as they were last counted, and when that count last rose.
    lit: (u64, Option<Tick>),
}

/// One lane's sensor.
struct Wired {
    place: Place,
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
    Alone {
        until: Tick,
        lasts: Duration,
        why: String,
        holds: Holds,
    },
}

/// Whether a sensor that failed held the bus low.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Holds {
    No,
    Yes,
}

/// What failed.
enum Wrong {
    /// The lane's own sensor, cable or channel.
    Lane(String),
    /// The bus before the multiplexer, and with it all lanes.
    Trunk(String),
}

impl<I: I2c, R: OutputPin, C: Fn() -> Tick> ColourSensors<I, R, C> {
    /// Sensors of which nothing is known yet. `trunk` is the bus as its lamps see it, `reset` the line at the multiplexer's RESET.
    pub fn new(bus: I, trunk: Trunk, multiplexer: Option<u8>, reset: Option<R>, lanes: &[Place], clock: C) -> Self {
        Self {
            bus,
            trunk,
            multiplexer,
            reset,
            lanes: lanes
                .iter()
                .map(|place| Wired {
                    place: *place,
                    state: State::Unknown,
                    lost: 0,
                })
                .collect(),
            clock,
            lit: (0, None),
        }
    }

    /// A lane's turn on the bus: its channel is opened, and closed again before anybody else has the bus.
    fn turn(&mut self, place: usize) -> Result<Option<Sample>, String> {
        let _turn = self.trunk.sensor();
        let began = (self.clock)();
        let done = self.open(place).and_then(|()| {
            let sample = self.step(place).map_err(Wrong::Lane)?;
            self.close(place).map(|()| sample)
        });
        let wrong = match done {
            Ok(sample) => return Ok(sample),
            Err(wrong) => wrong,
        };
        let holds = if (self.clock)().since(began) >= HELD {
            Holds::Yes
        } else {
            Holds::No
        };
        self.reset();
        match (wrong, holds) {
            // Every channel was closed before: it is no lane that holds it. All of them wait, so that it costs one time-out and not eight.
            (Wrong::Trunk(why), Holds::Yes) => {
                let why = format!("{why}: the bus is held low before it");
                for place in 0..self.lanes.len() {
                    self.leave_alone(place, &why, holds);
                }
                Err(why)
            }
            (Wrong::Lane(why) | Wrong::Trunk(why), _) => {
                self.leave_alone(place, &why, holds);
                Err(why)
            }
        }
    }

    /// Opens a lane's channel (SCPS207F, page 17, section 8.5.4, table 2: a bit a channel, active from the stop condition on).
    fn open(&mut self, place: usize) -> Result<(), Wrong> {
        let channel = self.lanes.get(place).and_then(|wired| wired.place.channel);
        let (Some(address), Some(channel)) = (self.multiplexer, channel) else {
            return Ok(());
        };
        self.bus
            .write(address, &[1 << (channel & 7)])
            .map_err(|error| Wrong::Trunk(format!("multiplexer at 0x{address:02X}: {}", error.kind())))
    }

    /// Closes it, so that what the lane does from now on is nobody else's.
    fn close(&mut self, place: usize) -> Result<(), Wrong> {
        let channel = self.lanes.get(place).and_then(|wired| wired.place.channel);
        let (Some(address), Some(_)) = (self.multiplexer, channel) else {
            return Ok(());
        };
        self.bus
            .write(address, &[0])
            .map_err(|error| Wrong::Lane(format!("multiplexer at 0x{address:02X}: {}", error.kind())))
    }

    /// One step of a sensor's life; `Ok(None)` when it has no sample yet.
    fn step(&mut self, place: usize) -> Result<Option<Sample>, String> {
        let Some(wired) = self.lanes.get(place) else {
            return Err("this lane does not exist on the jig".to_owned());
        };
        let setting = wired.place.setting;
        let now = (self.clock)();
        match &wired.state {
            State::Unknown | State::Alone { .. } => {
                self.wake(setting)
                    .map(|()| self.enter(place, State::Awake { since: now }))?;
                Ok(None)
            }
            State::Awake { since } if now.since(*since) < LONGEST_STEP => Ok(None),
            State::Awake { .. } => {
                self.start(place, setting)?;
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
                self.start(place, setting)?;
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
    fn wake(&mut self, Setting { gain, steps }: Setting) -> Result<(), String> {
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
        self.write(ENABLE, 0)?;
        self.write(ATIME, 0_u8.wrapping_sub(steps))?;
        self.write(CONTROL, gain)?;
        self.write(ENABLE, POWER_ON)
    }

    /// Starts an integration.
    fn start(&mut self, place: usize, setting: Setting) -> Result<(), String> {
        self.write(ENABLE, POWER_ON)?;
        let from = (self.clock)();
        self.write(ENABLE, POWER_ON | CONVERTER_ON)?;
        let until = (self.clock)() + setting.takes();
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

    /// After a failure: closes every channel, so that a lane that holds the bus low lets go of it.
    fn reset(&mut self) {
        let released = match (&mut self.reset, self.multiplexer) {
            // SCPS207F, page 7, section 6.7: RESET low for 6 ns; it closes all channels, whatever hangs on them.
            (Some(reset), _) => reset.set_low().and_then(|()| reset.set_high()).is_ok(),
            (None, Some(address)) => self.bus.write(address, &[0]).is_ok(),
            (None, None) => true,
        };
        if !released {
            tracing::debug!("the multiplexer could not be reset");
        }
    }

    /// Leaves a lane alone for a while, longer with every failure.
    fn leave_alone(&mut self, place: usize, why: &str, holds: Holds) {
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
            holds,
        };
    }

    /// Whether a lamp on the same bus sends.
    fn lamp_sends(&mut self, now: Tick) -> bool {
        let lit = self.trunk.lit();
        if lit != self.lit.0 {
            self.lit = (lit, Some(now));
        }
        self.lit.1.is_some_and(|at| now.since(at) < QUIET)
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
            .position(|wired| wired.place.lane == lane)
            .ok_or_else(|| failed(lane, "this lane does not exist on the jig"))?;
        let now = (self.clock)();
        let sends = self.lamp_sends(now);
        if let Some(Wired {
            state: State::Alone { until, why, holds, .. },
            ..
        }) = self.lanes.get(place)
        {
            let waits = now < *until || (*holds == Holds::Yes && sends && now < *until + PUT_OFF);
            if waits {
                return Err(failed(lane, why));
            }
        }
        match self.turn(place) {
            Ok(Some(sample)) => Ok(sample),
            Ok(None) => Err(JigError::Stale { lane }),
            Err(why) => Err(failed(lane, why)),
        }
    }

    fn sensitivities(&self, lane: LaneId) -> Vec<Sensitivity> {
        let Some(wired) = self.lanes.iter().find(|wired| wired.place.lane == lane) else {
            return Vec::new();
        };
        let Sensitivity { integration, .. } = wired.place.setting.sensitivity();
        // Where the range ends does not move with the time: a step more counts more, and may.
        GAINS
            .iter()
            .rev()
            .map(|gain| Sensitivity {
                gain: *gain,
                integration,
            })
            .collect()
    }

    fn set_sensitivity(&mut self, lane: LaneId, sensitivity: Sensitivity) -> Result<(), JigError> {
        let wired = self
            .lanes
            .iter_mut()
            .find(|wired| wired.place.lane == lane)
            .ok_or_else(|| failed(lane, "this lane does not exist on the jig"))?;
        wired.place.setting = Setting::of(sensitivity);
        wired.state = State::Unknown;
        Ok(())
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
        on_trunk(bus, Trunk::default(), reset)
    }

    fn on_trunk(
        bus: &Bus,
        trunk: Trunk,
        reset: Option<Reset>,
    ) -> ColourSensors<Bus, Reset, impl Fn() -> Tick + Send + use<>> {
        let lanes: Vec<Place> = LaneId::first(8)
            .zip(0..)
            .map(|(lane, channel)| Place {
                lane,
                channel: Some(channel),
                setting: Setting::new(16, Duration::from_micros(4_800)),
            })
            .collect();
        let time = bus.clone();
        ColourSensors::new(bus.clone(), trunk, Some(0x70), reset, &lanes, move || time.now())
    }

    fn alone(gain: u8, channel: Option<u8>) -> [Place; 1] {
        [Place {
            lane: lane(1),
            channel,
            setting: Setting::new(gain, Duration::from_micros(4_800)),
        }]
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
        let close = || Transaction::write(0x70, vec![0]);
        let mut bus = Mock::new(&[
            // SCPS207F, page 17, table 2: channel 2. TCS3472 v1-02, page 20, figure 24: ID at 0x12 (0x44), ENABLE at 0x00, ATIME at 0x01 (0xFE is
            // two steps), CONTROL at 0x0F (0x02 is a gain of 16); page 21, figure 25: 0x80 a command, 0x20 auto-increment.
            select(),
            Transaction::write_read(AT, vec![0xB2], vec![0x44]),
            Transaction::write(AT, vec![0x80, 0x00]),
            Transaction::write(AT, vec![0x81, 0xFE]),
            Transaction::write(AT, vec![0x8F, 0x02]),
            Transaction::write(AT, vec![0x80, 0x01]),
            close(),
            // More than 2.4 ms later: the converter is started.
            select(),
            Transaction::write(AT, vec![0x80, 0x01]),
            Transaction::write(AT, vec![0x80, 0x03]),
            close(),
            // The integration is over: STATUS at 0x13 and eight bytes of clear, red, green, blue, low byte first (page 20, figure 24); then
            // the next one.
            select(),
            Transaction::write_read(
                AT,
                vec![0xB3],
                vec![0x01, 0x34, 0x12, 0x02, 0x01, 0x04, 0x03, 0x06, 0x05],
            ),
            Transaction::write(AT, vec![0x80, 0x01]),
            Transaction::write(AT, vec![0x80, 0x03]),
            close(),
        ]);
        let lanes = alone(16, Some(2));
        let mut sensors = ColourSensors::new(bus.clone(), Trunk::default(), Some(0x70), None::<NoPin>, &lanes, clock);
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
                // Each of the six tries costs the others a round or two; they are ever further apart.
                assert!(
                    samples >= 985 && error.is_none(),
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
    fn a_lane_that_begins_to_hold_the_bus_after_its_turn_is_the_one_that_is_told() {
        for held in 0..8 {
            let bus = Bus::new(8);
            let mut sensors = eight(&bus, Some(Reset(bus.clone())));
            rounds(&mut sensors, &bus, 10);
            // Right after its turn, before the next lane's.
            for lane in LaneId::first(8) {
                let _ = sensors.sample(lane);
                if lane.index() == held {
                    bus.wires().held[held] = true;
                }
            }
            for (place, (_, error)) in rounds(&mut sensors, &bus, 20).into_iter().enumerate() {
                assert_eq!(error.is_some(), place == held, "lane {}: {error:?}", place + 1);
            }
        }
    }

    #[test]
    fn a_lane_that_holds_the_bus_is_not_tried_while_a_lamp_on_it_sends_and_soon_after() {
        let (bus, trunk) = (Bus::new(8), Trunk::default());
        let mut sensors = on_trunk(&bus, trunk.clone(), Some(Reset(bus.clone())));
        rounds(&mut sensors, &bus, 10);
        bus.wires().held[4] = true;
        rounds(&mut sensors, &bus, 200);
        let before = bus.wires().timed_out;
        assert!(before > 1, "it is tried while nobody sends");
        // A minute of symbols at 10 a second, the slowest there are.
        for _ in 0..600 {
            drop(trunk.lamp());
            let (_, error) = &rounds(&mut sensors, &bus, 10)[4];
            assert!(error.is_some(), "it is told all the time");
        }
        assert_eq!(bus.wires().timed_out, before);
        rounds(&mut sensors, &bus, 20);
        assert_eq!(bus.wires().timed_out, before + 1, "tried in the first pause");
        // A line on which some lamp always sends: once in two minutes.
        for _ in 0..2400 {
            drop(trunk.lamp());
            rounds(&mut sensors, &bus, 10);
        }
        let tries = bus.wires().timed_out - before - 1;
        assert!((1..=2).contains(&tries), "{tries}");
    }

    #[test]
    fn a_sensor_that_is_only_unplugged_is_found_again_while_lamps_send() {
        let (bus, trunk) = (Bus::new(8), Trunk::default());
        let mut sensors = on_trunk(&bus, trunk.clone(), Some(Reset(bus.clone())));
        rounds(&mut sensors, &bus, 10);
        let unplugged = bus.wires().sensors[2].take();
        rounds(&mut sensors, &bus, 100);
        bus.wires().sensors[2] = unplugged;
        let mut seen = 0;
        for _ in 0..50 {
            drop(trunk.lamp());
            seen += rounds(&mut sensors, &bus, 10)[2].0;
        }
        assert!(seen > 100, "{seen}");
    }

    #[test]
    fn a_bus_that_is_held_low_before_the_multiplexer_costs_one_time_out_for_all_lanes() {
        let bus = Bus::new(8);
        let mut sensors = eight(&bus, Some(Reset(bus.clone())));
        rounds(&mut sensors, &bus, 10);
        bus.wires().trunk = true;
        for (_, error) in rounds(&mut sensors, &bus, 20) {
            assert!(error.unwrap().ends_with("the bus is held low before it"));
        }
        assert_eq!(bus.wires().timed_out, 1);
        rounds(&mut sensors, &bus, 1000);
        bus.wires().trunk = false;
        rounds(&mut sensors, &bus, 410);
        for seen in rounds(&mut sensors, &bus, 100) {
            assert_eq!(seen, (100, None));
        }
    }

    /// The modelled bus, on which nothing may happen out of turn.
    struct InTurn(Bus, Trunk);

    impl embedded_hal::i2c::ErrorType for InTurn {
        type Error = ErrorKind;
    }

    impl I2c for InTurn {
        fn transaction(
            &mut self,
            address: u8,
            operations: &mut [embedded_hal::i2c::Operation<'_>],
        ) -> Result<(), ErrorKind> {
            assert!(self.1.is_taken(), "0x{address:02X} out of turn");
            let done = self.0.transaction(address, operations);
            assert!(self.1.is_taken());
            done
        }
    }

    impl embedded_hal::digital::ErrorType for InTurn {
        type Error = core::convert::Infallible;
    }

    impl OutputPin for InTurn {
        fn set_low(&mut self) -> Result<(), Self::Error> {
            assert!(self.1.is_taken(), "the reset belongs to the turn that failed");
            Reset(self.0.clone()).set_low()
        }

        fn set_high(&mut self) -> Result<(), Self::Error> {
            Ok(())
        }
    }

    #[test]
    fn a_turn_ends_only_when_the_channel_is_closed_again_whatever_happens() {
        let (bus, trunk) = (Bus::new(1), Trunk::default());
        let time = bus.clone();
        let mut sensors = ColourSensors::new(
            InTurn(bus.clone(), trunk.clone()),
            trunk.clone(),
            Some(0x70),
            Some(InTurn(bus.clone(), trunk.clone())),
            &alone(16, Some(0)),
            move || time.now(),
        );
        for held in [false, true, false] {
            bus.wires().held[0] = held;
            for _ in 0..200 {
                let _ = sensors.sample(lane(1));
                assert!(!trunk.is_taken());
                assert_eq!(bus.wires().selected(), 0, "no channel stays open between two turns");
                bus.wait_until(bus.now() + ROUND);
            }
        }
        assert!(sensors.sample(lane(1)).is_ok());
    }

    #[test]
    fn a_sensor_is_set_to_another_gain_and_counts_so_from_then_on() {
        let bus = Bus::new(8);
        let mut sensors = eight(&bus, None);
        rounds(&mut sensors, &bus, 10);
        let gains: Vec<u8> = sensors.sensitivities(lane(3)).iter().map(|can| can.gain).collect();
        assert_eq!(gains, [60, 16, 4, 1]);
        for can in sensors.sensitivities(lane(3)) {
            sensors.set_sensitivity(lane(3), can).unwrap();
            rounds(&mut sensors, &bus, 5);
            let counts = sensors.sample(lane(3)).unwrap().counts;
            assert_eq!(counts.green, 5 * 2 * u16::from(can.gain));
            assert_eq!(
                sensors.sample(lane(2)).unwrap().counts.green,
                5 * 2 * 16,
                "the others keep theirs"
            );
        }
        assert!(
            sensors
                .set_sensitivity(LaneId::new(8).unwrap(), Setting::new(4, STEP).sensitivity())
                .is_ok()
        );
    }

    #[test]
    fn each_lane_has_its_own_gain_and_integration() {
        let bus = Bus::new(2);
        let time = bus.clone();
        let place = |number: u8, gain, micros| Place {
            lane: lane(number),
            channel: Some(number - 1),
            setting: Setting::new(gain, Duration::from_micros(micros)),
        };
        let lanes = [place(1, 16, 4_800), place(2, 4, 2_400)];
        let mut sensors = ColourSensors::new(
            bus.clone(),
            Trunk::default(),
            Some(0x70),
            None::<NoPin>,
            &lanes,
            move || time.now(),
        );
        rounds(&mut sensors, &bus, 5);
        // 20 counts of clear light a step.
        assert_eq!(sensors.sample(lane(1)).unwrap().counts.clear, 20 * 2 * 16);
        assert_eq!(sensors.sample(lane(2)).unwrap().counts.clear, 20 * 4);
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
            let lanes = alone(1, None);
            let mut sensors = ColourSensors::new(bus.clone(), Trunk::default(), None, None::<NoPin>, &lanes, || {
                Tick::ZERO
            });
            let said = sensors.sample(lane(1)).unwrap_err().to_string();
            assert!(said.contains(words), "{said}");
            bus.done();
        }
        let no_answer = ErrorKind::NoAcknowledge(NoAcknowledgeSource::Address);
        let mut bus = Mock::new(&[Transaction::write_read(0x29, vec![0xB2], vec![0]).with_error(no_answer)]);
        let lanes = alone(60, None);
        let mut sensors = ColourSensors::new(bus.clone(), Trunk::default(), None, None::<NoPin>, &lanes, || {
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
