//! Red- and green-filtered photodiodes on an MCP3208, the eight-channel 12-bit converter on SPI (Microchip data sheet DS21298).
//!
//! The amplifiers give a little more than 0 V in the dark (`hw/`): a converter that reads nothing but zeros is not there.

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

    /// One conversion (figure 6-1): start, single-ended and the channel in the last five bits of the first ten; then a null bit and
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
        // DS21298, figure 6-1: 0000 01 S/D D2 | D1 D0 x x x x x x; channels 4 and 5 are 100 and 101.
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
