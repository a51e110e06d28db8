//! Red- and green-filtered photodiodes on an MCP3208, the eight-channel 12-bit converter on SPI (Microchip data sheet DS21298E).
//!
//! The amplifiers give a little more than 0 V in the dark (`hw/`): a converter that reads nothing but zeros is not there.

use core::time::Duration;

use blinkup::Tick;
use blinkup::sample::{Counts, Sample};
use embedded_hal::spi::{Error as _, SpiDevice};
use fixture_link::identity::LaneId;

use super::failed;
use crate::jig::{JigError, StatusSensor};

/// Lanes on one chip: two channels each.
pub const LANES_A_CHIP: usize = 4;
/// Counts of one conversion at its end.
const FULL: u16 = 4095;
/// So many samples of nothing but zeros in a row are no light but no converter: half a second.
const ZEROS: u8 = 50;

/// The photodiodes of the lanes on one chip.
pub struct Photodiodes<S, C> {
    device: S,
    lanes: Vec<(LaneId, u8)>,
    oversampling: u8,
    clock: C,
}

/// Bits of a conversion on the bus (figure 6-1: three bytes).
const BITS: u32 = 24;
/// What the kernel takes for a transfer beside its bits: assumed, not measured on a Pi.
const CALL: Duration = Duration::from_micros(20);

/// How long one sample of so many lanes takes on one bus, whose chips take turns.
pub fn round_takes(lanes: u8, oversampling: u8, clock: u32) -> Duration {
    let one = Duration::from_secs(1) * BITS / clock.max(1) + CALL;
    one * 2 * u32::from(lanes) * u32::from(oversampling)
}

/// Counts at which a channel is full: conversions are added up.
pub const fn saturated_at(oversampling: u8) -> u16 {
    FULL.saturating_mul(oversampling as u16)
}

impl<S: SpiDevice, C: Fn() -> Tick> Photodiodes<S, C> {
    /// `lanes` are on channels 0 and 1, 2 and 3, and so on: red, green.
    pub fn new(device: S, lanes: &[LaneId], oversampling: u8, clock: C) -> Self {
        Self {
            device,
            lanes: lanes.iter().take(LANES_A_CHIP).map(|lane| (*lane, 0)).collect(),
            oversampling: oversampling.max(1),
            clock,
        }
    }

    /// One conversion (page 21, figure 6-1): start, single-ended and the channel in the last five bits of the first ten; then a null bit and
    /// twelve bits of result.
    fn convert(&mut self, channel: u8) -> Result<u16, String> {
        let mut bytes = [0x06 | channel >> 2, (channel & 3) << 6, 0];
        self.device
            .transfer_in_place(&mut bytes)
            .map_err(|error| format!("MCP3208: {}", error.kind()))?;
        if bytes[1] & 0x10 != 0 {
            return Err("MCP3208: no null bit before the result: the converter does not answer".to_owned());
        }
        Ok(u16::from(bytes[1] & 0x0F) << 8 | u16::from(bytes[2]))
    }
}

impl<S: SpiDevice + Send, C: Fn() -> Tick + Send> StatusSensor for Photodiodes<S, C> {
    fn sample(&mut self, lane: LaneId) -> Result<Sample, JigError> {
        let place = self
            .lanes
            .iter()
            .position(|(wired, _)| *wired == lane)
            .ok_or_else(|| failed(lane, "this lane does not exist on the jig"))?;
        let first = u8::try_from(2 * place).unwrap_or(0);
        let start = (self.clock)();
        let mut sums = [0_u16; 2];
        // Both channels by turns, so that they see the same light.
        for _ in 0..self.oversampling {
            for (sum, channel) in sums.iter_mut().zip([first, first + 1]) {
                *sum = sum.saturating_add(self.convert(channel).map_err(|what| failed(lane, what))?);
            }
        }
        let end = (self.clock)();
        if let Some((_, zeros)) = self.lanes.get_mut(place) {
            *zeros = if sums == [0, 0] { zeros.saturating_add(1) } else { 0 };
            if *zeros >= ZEROS {
                return Err(failed(
                    lane,
                    "MCP3208: nothing but zeros: the converter or its supply is missing",
                ));
            }
        }
        let [red, green] = sums;
        Ok(Sample {
            start,
            end,
            counts: Counts {
                red,
                green,
                blue: 0,
                // Ambient light and loop-back are judged by one number: the stronger of the two.
                clear: red.max(green),
            },
        })
    }
}

#[cfg(test)]
mod tests {
    use core::cell::Cell;
    use core::time::Duration;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicU64, Ordering};

    use embedded_hal::spi::ErrorKind;
    use embedded_hal_mock::eh1::spi::{Mock, Transaction};

    use super::*;

    fn lanes() -> Vec<LaneId> {
        LaneId::first(4).collect()
    }

    fn conversion(sent: [u8; 3], got: [u8; 3]) -> Vec<Transaction<u8>> {
        vec![
            Transaction::transaction_start(),
            Transaction::transfer_in_place(sent.to_vec(), got.to_vec()),
            Transaction::transaction_end(),
        ]
    }

    /// A clock that is a millisecond later with every look.
    fn clock() -> impl Fn() -> Tick + Send {
        let ticks = Cell::new(0);
        move || {
            ticks.set(ticks.get() + 1000);
            Tick::from_micros(ticks.get())
        }
    }

    #[test]
    fn the_third_lane_is_on_channels_four_and_five() {
        // DS21298E, page 21, figure 6-1: 0000 01 S/D D2 | D1 D0 x x x x x x; channels 4 and 5 are 100 and 101.
        let mut device = Mock::new(
            &[
                conversion([0x07, 0x00, 0], [0xFF, 0xE1, 0x23]),
                conversion([0x07, 0x40, 0], [0xFF, 0x04, 0x56]),
                conversion([0x07, 0x00, 0], [0x00, 0x01, 0x25]),
                conversion([0x07, 0x40, 0], [0x00, 0x04, 0x58]),
            ]
            .concat(),
        );
        let mut sensor = Photodiodes::new(device.clone(), &lanes(), 2, clock());
        let sample = sensor.sample(LaneId::new(3).unwrap()).unwrap();
        assert_eq!(sample.counts.red, 0x123 + 0x125);
        assert_eq!(sample.counts.green, 0x456 + 0x458);
        assert_eq!((sample.counts.blue, sample.counts.clear), (0, 0x456 + 0x458));
        assert_eq!(sample.end.since(sample.start), Duration::from_millis(1));
        device.done();
    }

    /// Two converters on one bus, with the time that their bits take; each channel counts its lane's number.
    #[derive(Clone)]
    struct Shared {
        micros: Arc<AtomicU64>,
        chip: u16,
        hertz: u32,
    }

    impl embedded_hal::spi::ErrorType for Shared {
        type Error = ErrorKind;
    }

    impl SpiDevice for Shared {
        fn transaction(&mut self, operations: &mut [embedded_hal::spi::Operation<'_, u8>]) -> Result<(), ErrorKind> {
            for operation in operations {
                let embedded_hal::spi::Operation::TransferInPlace(bytes) = operation else {
                    panic!("one transfer a conversion")
                };
                let bits = 8 * u64::try_from(bytes.len()).unwrap();
                self.micros
                    .fetch_add(bits * 1_000_000 / u64::from(self.hertz) + 20, Ordering::Relaxed);
                let channel = u16::from(bytes[0] & 1) << 2 | u16::from(bytes[1] >> 6);
                let [low, high] = (100 * (4 * self.chip + channel / 2 + 1)).to_le_bytes();
                bytes.copy_from_slice(&[0, high, low]);
            }
            Ok(())
        }
    }

    #[test]
    fn eight_lanes_on_two_converters_of_one_bus_are_sampled_a_hundred_times_a_second_with_oversampling() {
        const ROUND: u64 = 10_000;
        let hertz = 1_000_000;
        for oversampling in [1, 4, 8] {
            let micros = Arc::new(AtomicU64::new(0));
            let now = || {
                let micros = Arc::clone(&micros);
                move || Tick::from_micros(micros.load(Ordering::Relaxed))
            };
            let lanes: Vec<LaneId> = LaneId::first(8).collect();
            let mut chips: Vec<_> = (0..)
                .zip(lanes.chunks(LANES_A_CHIP))
                .map(|(chip, lanes)| {
                    let device = Shared {
                        micros: Arc::clone(&micros),
                        chip,
                        hertz,
                    };
                    (lanes, Photodiodes::new(device, lanes, oversampling, now()))
                })
                .collect();
            let mut samples = 0;
            for round in 0..100 {
                for (lanes, sensor) in &mut chips {
                    for lane in *lanes {
                        let sample = sensor.sample(*lane).unwrap();
                        let expected = 100 * u16::from(lane.number()) * u16::from(oversampling);
                        assert_eq!((sample.counts.red, sample.counts.green), (expected, expected));
                        assert!(sample.start < sample.end);
                        samples += 1;
                    }
                }
                let took = micros.load(Ordering::Relaxed) - round * ROUND;
                assert!(took < ROUND, "{oversampling} conversions: {took} µs");
                assert_eq!(u128::from(took), round_takes(8, oversampling, hertz).as_micros());
                micros.store((round + 1) * ROUND, Ordering::Relaxed);
            }
            assert_eq!(samples, 800);
        }
        assert!(
            round_takes(8, 16, hertz) > Duration::from_micros(ROUND),
            "which the configuration refuses"
        );
    }

    #[test]
    fn a_line_that_floats_high_is_no_light() {
        let mut device = Mock::new(&conversion([0x06, 0x00, 0], [0xFF, 0xFF, 0xFF]));
        let mut sensor = Photodiodes::new(device.clone(), &lanes(), 4, clock());
        let said = sensor.sample(LaneId::new(1).unwrap()).unwrap_err().to_string();
        assert!(said.contains("the converter does not answer"), "{said}");
        device.done();
    }

    #[test]
    fn nothing_but_zeros_is_no_darkness() {
        let zeros = [
            conversion([0x06, 0x00, 0], [0, 0, 0]),
            conversion([0x06, 0x40, 0], [0, 0, 0]),
        ]
        .concat();
        let light = [
            conversion([0x06, 0x00, 0], [0, 0, 9]),
            conversion([0x06, 0x40, 0], [0, 0, 8]),
        ]
        .concat();
        let mut expected: Vec<Transaction<u8>> = (0..50).flat_map(|_| zeros.clone()).collect();
        expected.extend(light);
        let mut device = Mock::new(&expected);
        let mut sensor = Photodiodes::new(device.clone(), &lanes(), 1, clock());
        let lane = LaneId::new(1).unwrap();
        for _ in 0..49 {
            assert_eq!(sensor.sample(lane).unwrap().counts.clear, 0);
        }
        let said = sensor.sample(lane).unwrap_err().to_string();
        assert!(said.contains("nothing but zeros"), "{said}");
        assert_eq!(sensor.sample(lane).unwrap().counts.clear, 9, "plugged in again");
        device.done();
    }

    /// A bus on which every transfer fails.
    struct Broken;

    impl embedded_hal::spi::ErrorType for Broken {
        type Error = ErrorKind;
    }

    impl SpiDevice for Broken {
        fn transaction(&mut self, _: &mut [embedded_hal::spi::Operation<'_, u8>]) -> Result<(), ErrorKind> {
            Err(ErrorKind::ModeFault)
        }
    }

    #[test]
    fn a_bus_that_fails_is_named_with_its_lane() {
        let mut sensor = Photodiodes::new(Broken, &lanes(), 1, clock());
        let said = sensor.sample(LaneId::new(2).unwrap()).unwrap_err().to_string();
        assert!(said.starts_with("lane 2: status sensor: MCP3208: "), "{said}");
    }

    #[test]
    fn conversions_that_are_added_up_are_full_together() {
        assert_eq!(saturated_at(1), 4095);
        assert_eq!(saturated_at(16), 65_520);
    }
}
