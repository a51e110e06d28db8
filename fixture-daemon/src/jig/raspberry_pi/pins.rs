//! The pin table: which lamps and sensors go together on how many lanes, what each part needs of the 40-pin header, and the wiring that
//! `hw/` draws. The configuration is checked against it, and `hw/pins.md` is made from it.

use core::fmt::{self, Write as _};
use core::ops::RangeInclusive;

use crate::config::Board;

/// The GPIO of the 40-pin header; 0 and 1 belong to the board's identification memory (Raspberry Pi HAT specification).
pub const HEADER: RangeInclusive<u8> = 2..=27;

/// How many they are.
const PINS: u8 = *HEADER.end() - *HEADER.start() + 1;

/// A kind of lamp.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum LampKind {
    /// A hardware PWM channel a lane: light adjustable.
    Pwm,
    /// Two lines over a resistor ladder a lane: light fixed.
    Ladder,
    /// A channel of a PCA9685 a lane: light adjustable.
    Expander,
}

/// A kind of status sensor.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum SensorKind {
    /// TCS3472, over a TCA9548A for more than one lane.
    Colour,
    /// Two photodiodes a lane on MCP3208 converters.
    Photodiodes,
    /// Two photodiodes a lane behind comparators: lit or not.
    Comparators,
}

/// All kinds of lamps.
pub const LAMPS: [LampKind; 3] = [LampKind::Pwm, LampKind::Ladder, LampKind::Expander];

/// All kinds of sensors.
pub const SENSORS: [SensorKind; 3] = [SensorKind::Colour, SensorKind::Photodiodes, SensorKind::Comparators];

/// Lanes that `hw/` draws.
pub const DRAWN: [u8; 3] = [1, 4, 8];

impl LampKind {
    /// Pins of its own for so many lanes, without those of a bus.
    pub const fn pins(self, lanes: u8) -> u8 {
        match self {
            Self::Pwm => lanes,
            Self::Ladder => 2 * lanes,
            Self::Expander => 0,
        }
    }

    /// The bus that it needs.
    pub const fn bus(self) -> Option<Bus> {
        match self {
            Self::Pwm | Self::Ladder => None,
            Self::Expander => Some(I2C1),
        }
    }

    /// Whether its levels can be set.
    pub const fn adjustable(self) -> bool {
        match self {
            Self::Pwm | Self::Expander => true,
            Self::Ladder => false,
        }
    }
}

impl SensorKind {
    /// Pins of its own for so many lanes, without those of a bus: the multiplexer's reset, the second converter's select.
    pub const fn pins(self, lanes: u8) -> u8 {
        match self {
            Self::Colour | Self::Photodiodes => {
                let second = match self {
                    Self::Colour => lanes > 1,
                    Self::Photodiodes | Self::Comparators => lanes > 4,
                };
                if second { 1 } else { 0 }
            }
            Self::Comparators => 2 * lanes,
        }
    }

    /// The bus that it needs.
    pub const fn bus(self) -> Option<Bus> {
        match self {
            Self::Colour => Some(I2C1),
            Self::Photodiodes => Some(SPI0),
            Self::Comparators => None,
        }
    }

    /// Whether it tells how strong light is.
    pub const fn measures(self) -> bool {
        match self {
            Self::Colour | Self::Photodiodes => true,
            Self::Comparators => false,
        }
    }
}

/// Pins that a bus takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bus {
    /// Its name on the header.
    pub name: &'static str,
    /// Its pins.
    pub pins: &'static [u8],
}

/// `/dev/i2c-1`: data and clock.
const I2C1: Bus = Bus {
    name: "I2C1",
    pins: &[2, 3],
};
/// `/dev/spidev0.0`: select 0, data in, data out, clock.
const SPI0: Bus = Bus {
    name: "SPI0",
    pins: &[8, 9, 10, 11],
};
/// `/dev/spidev0.1`: select 1, data in, data out, clock.
const SPI0_1: Bus = Bus {
    name: "SPI0",
    pins: &[7, 9, 10, 11],
};
/// `/dev/spidev1.0`: select 0, data in, data out, clock.
const SPI1: Bus = Bus {
    name: "SPI1",
    pins: &[18, 19, 20, 21],
};
/// The serial port on the header: transmit and receive.
const UART: Bus = Bus {
    name: "UART0",
    pins: &[14, 15],
};

/// The bus behind a device file; one without pins where it is not on the header, or an overlay says where.
pub fn bus_of(device: &str) -> Bus {
    match device {
        "/dev/i2c-1" => I2C1,
        "/dev/spidev0.0" => SPI0,
        "/dev/spidev0.1" => SPI0_1,
        "/dev/spidev1.0" => SPI1,
        "/dev/serial0" | "/dev/ttyAMA0" | "/dev/ttyS0" => UART,
        _ => Bus {
            name: "another bus",
            pins: &[],
        },
    }
}

/// The hardware PWM channel on a pin. Boards before the Pi 5 have two (BCM2835 ARM Peripherals, section 9.5), the Pi 5 four (RP1
/// Peripherals, section 3.1.1).
pub const fn pwm_channel(board: Board, pin: u8) -> Option<u8> {
    match (board, pin) {
        (Board::Pi3 | Board::Pi4 | Board::Pi5, 12) | (Board::Pi3 | Board::Pi4, 18) => Some(0),
        (Board::Pi3 | Board::Pi4 | Board::Pi5, 13) | (Board::Pi3 | Board::Pi4, 19) => Some(1),
        (Board::Pi5, 18) => Some(2),
        (Board::Pi5, 19) => Some(3),
        (Board::Pi3 | Board::Pi4 | Board::Pi5, _) => None,
    }
}

/// The pins with hardware PWM, in words.
pub const fn pwm_pins(board: Board) -> &'static str {
    match board {
        Board::Pi3 | Board::Pi4 => "channel 0 is GPIO 12 or 18, channel 1 is GPIO 13 or 19",
        Board::Pi5 => "channels 0 to 3 are GPIO 12, 13, 18 and 19",
    }
}

/// Hardware PWM channels of a board.
pub const fn pwm_channels(board: Board) -> u8 {
    match board {
        Board::Pi3 | Board::Pi4 => 2,
        Board::Pi5 => 4,
    }
}

/// Pins that lamp, sensor and the nests' switches of so many lanes take, buses included.
pub fn needed(lamp: LampKind, sensor: SensorKind, lanes: u8) -> u8 {
    let buses = match (lamp.bus(), sensor.bus()) {
        (Some(one), Some(other)) if one == other => one.pins.len(),
        (one, other) => one.map_or(0, |bus| bus.pins.len()) + other.map_or(0, |bus| bus.pins.len()),
    };
    lamp.pins(lanes) + sensor.pins(lanes) + lanes + u8::try_from(buses).unwrap_or(u8::MAX)
}

/// Why a combination cannot be built.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unsupported {
    /// The board has too few PWM channels.
    Channels {
        /// How many it has.
        has: u8,
        /// How many lanes want one.
        lanes: u8,
    },
    /// The header has too few pins.
    Pins {
        /// How many it takes.
        needed: u8,
    },
}

impl fmt::Display for Unsupported {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Channels { has, lanes } => write!(
                f,
                "{lanes} lanes on hardware PWM: this board has {has} channels: expected a ladder or an expander"
            ),
            Self::Pins { needed } => write!(
                f,
                "lamp, sensor and nest switches take {needed} pins together, the header has {PINS}: expected fewer lanes, or parts on a bus"
            ),
        }
    }
}

/// Whether a combination can be built.
///
/// # Errors
/// It cannot; why.
pub fn supported(lamp: LampKind, sensor: SensorKind, board: Board, lanes: u8) -> Result<(), Unsupported> {
    let has = pwm_channels(board);
    if lamp == LampKind::Pwm && lanes > has {
        return Err(Unsupported::Channels { has, lanes });
    }
    let needed = needed(lamp, sensor, lanes);
    if needed > PINS {
        return Err(Unsupported::Pins { needed });
    }
    Ok(())
}

/// What a pin is for in the wiring that `hw/` draws.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// Data of I2C1: sensors, multiplexer, expander.
    I2cData,
    /// Clock of I2C1.
    I2cClock,
    /// Reset of the multiplexer, low.
    MultiplexerReset,
    /// The lamp of the one lane, by hardware PWM.
    Lamp,
    /// The first rung of the one lane's ladder: alone it is mid.
    LampMid,
    /// The second rung: with the first it is bright.
    LampRest,
    /// The comparator of the red photodiode, low under light.
    SeesRed,
    /// The comparator of the green photodiode, low under light.
    SeesGreen,
    /// A nest's switch, to ground.
    Nest(u8),
    /// A unit's relay.
    Relay(u8),
    /// The start button or footswitch, to ground.
    Start,
    /// Tower light: green, amber, red.
    TowerGreen,
    /// Tower light.
    TowerAmber,
    /// Tower light.
    TowerRed,
    /// Buzzer.
    Buzzer,
    /// A PLC asks for a start.
    PlcStart,
    /// A PLC is told: ready.
    PlcReady,
    /// A PLC is told: busy.
    PlcBusy,
    /// A PLC is told: PASS.
    PlcPass,
    /// A PLC is told: FAIL.
    PlcFail,
    /// Transmit of the serial port: imp transmitter, scanner or printer.
    SerialOut,
    /// Receive of the serial port.
    SerialIn,
    /// The display's bus or other wires.
    Display(&'static str),
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::I2cData => f.write_str("I2C1 data (sensors, expander)"),
            Self::I2cClock => f.write_str("I2C1 clock"),
            Self::MultiplexerReset => f.write_str("multiplexer reset"),
            Self::Lamp => f.write_str("lamp, lane 1"),
            Self::LampMid => f.write_str("lamp mid, lane 1"),
            Self::LampRest => f.write_str("lamp rest, lane 1"),
            Self::SeesRed => f.write_str("red comparator, lane 1"),
            Self::SeesGreen => f.write_str("green comparator, lane 1"),
            Self::Nest(lane) => write!(f, "nest switch, lane {lane}"),
            Self::Relay(lane) => write!(f, "relay, lane {lane}"),
            Self::Start => f.write_str("start button"),
            Self::TowerGreen => f.write_str("tower light, green"),
            Self::TowerAmber => f.write_str("tower light, amber"),
            Self::TowerRed => f.write_str("tower light, red"),
            Self::Buzzer => f.write_str("buzzer"),
            Self::PlcStart => f.write_str("PLC: start"),
            Self::PlcReady => f.write_str("PLC: ready"),
            Self::PlcBusy => f.write_str("PLC: busy"),
            Self::PlcPass => f.write_str("PLC: pass"),
            Self::PlcFail => f.write_str("PLC: fail"),
            Self::SerialOut => f.write_str("serial, transmit"),
            Self::SerialIn => f.write_str("serial, receive"),
            Self::Display(what) => write!(f, "display: {what}"),
        }
    }
}

/// One wire of the standard wiring.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Wire {
    /// The GPIO.
    pub gpio: u8,
    /// What it is for.
    pub role: Role,
}

// Inputs and lines that idle high lie on GPIO 2 to 8, which are pulled up while a Pi starts; lamps, relays and signals on those that
// are pulled down (BCM2835 ARM Peripherals, section 6.2, "Pull"): nothing lights or clicks before the daemon runs.
/// Switches of lanes 1 to 8.
const NESTS: [u8; 8] = [5, 6, 16, 20, 21, 26, 7, 8];
/// Relays of lanes 1 to 8.
const RELAYS: [u8; 8] = [13, 18, 19, 12, 23, 9, 10, 11];

const fn wire(gpio: u8, role: Role) -> Wire {
    Wire { gpio, role }
}

/// On every jig.
const EVERYWHERE: [Wire; 7] = [
    wire(14, Role::SerialOut),
    wire(15, Role::SerialIn),
    wire(17, Role::Start),
    wire(22, Role::TowerGreen),
    wire(24, Role::TowerAmber),
    wire(25, Role::TowerRed),
    wire(27, Role::Buzzer),
];

/// Where sensors, multiplexer and expander are on the bus.
const ON_I2C: [Wire; 2] = [wire(2, Role::I2cData), wire(3, Role::I2cClock)];

/// One lane's lamp on PWM, and the wire of its display that lies elsewhere on the cheapest jig.
const ONE: [Wire; 2] = [wire(12, Role::Lamp), wire(23, Role::Display(DATA_OR_COMMAND))];

/// One lane's lamp on a ladder and photodiodes behind comparators. The board's own resistors at GPIO 2 and 3 (1.8 kΩ to 3.3 V) are those
/// of the comparators' open collectors.
const CHEAPEST: [Wire; 5] = [
    wire(12, Role::LampMid),
    wire(23, Role::LampRest),
    wire(2, Role::SeesRed),
    wire(3, Role::SeesGreen),
    wire(7, Role::Display(DATA_OR_COMMAND)),
];

const DATA_OR_COMMAND: &str = "data or command";

/// What one lane adds beside its nest and relay: PLC lines, a display on SPI0.
const BESIDE_ONE: [Wire; 11] = [
    wire(6, Role::PlcStart),
    wire(19, Role::PlcReady),
    wire(20, Role::PlcBusy),
    wire(21, Role::PlcPass),
    wire(26, Role::PlcFail),
    wire(8, Role::Display("select")),
    wire(9, Role::Display("data in")),
    wire(10, Role::Display("data out")),
    wire(11, Role::Display("clock")),
    wire(18, Role::Display("reset")),
    wire(16, Role::Display("backlight")),
];

/// What four lanes add beside nests and relays: PLC lines; the display is on DSI or HDMI.
const FOUR: [Wire; 6] = [
    wire(4, Role::MultiplexerReset),
    wire(7, Role::PlcStart),
    wire(21, Role::PlcReady),
    wire(23, Role::PlcBusy),
    wire(26, Role::PlcPass),
    wire(9, Role::PlcFail),
];

/// What eight lanes add beside nests and relays.
const EIGHT: [Wire; 1] = [wire(4, Role::MultiplexerReset)];

/// A jig that `hw/` draws.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Drawing {
    /// One lane: lamp on PWM, colour sensor.
    One,
    /// One lane of the fewest and cheapest parts: ladder, comparators.
    Cheapest,
    /// Four lanes on the bus.
    Four,
    /// Eight lanes on the bus.
    Eight,
}

/// All of them.
pub const DRAWINGS: [Drawing; 4] = [Drawing::One, Drawing::Cheapest, Drawing::Four, Drawing::Eight];

impl Drawing {
    /// Its name, as a file's.
    pub const fn name(self) -> &'static str {
        match self {
            Self::One => "one-lane",
            Self::Cheapest => "one-lane-cheapest",
            Self::Four => "four-lanes",
            Self::Eight => "eight-lanes",
        }
    }

    /// How many lanes it has.
    pub const fn lanes(self) -> u8 {
        match self {
            Self::One | Self::Cheapest => 1,
            Self::Four => 4,
            Self::Eight => 8,
        }
    }

    /// Its lamp and sensor.
    pub const fn parts(self) -> (LampKind, SensorKind) {
        match self {
            Self::One => (LampKind::Pwm, SensorKind::Colour),
            Self::Cheapest => (LampKind::Ladder, SensorKind::Comparators),
            Self::Four | Self::Eight => (LampKind::Expander, SensorKind::Colour),
        }
    }

    /// Its wires, by GPIO.
    pub fn wires(self) -> Vec<Wire> {
        let (own, more): (&[Wire], &[Wire]) = match self {
            Self::One => (&ONE, &BESIDE_ONE),
            Self::Cheapest => (&CHEAPEST, &BESIDE_ONE),
            Self::Four => (&FOUR, &[]),
            Self::Eight => (&EIGHT, &[]),
        };
        let bus: &[Wire] = match self {
            Self::One | Self::Four | Self::Eight => &ON_I2C,
            Self::Cheapest => &[],
        };
        let lanes = self.lanes();
        let numbered = |pins: [u8; 8], role: fn(u8) -> Role| {
            (1..=lanes)
                .zip(pins)
                .map(move |(lane, gpio)| Wire { gpio, role: role(lane) })
        };
        let mut wires: Vec<Wire> = [EVERYWHERE.as_slice(), bus, own, more]
            .into_iter()
            .flatten()
            .copied()
            .chain(numbered(NESTS, Role::Nest))
            .chain(numbered(RELAYS, Role::Relay))
            .collect();
        wires.sort_by_key(|wire| wire.gpio);
        wires
    }

    /// The GPIO of a role, where this jig has it.
    fn gpio(self, role: Role) -> Option<u8> {
        self.wires().iter().find(|wire| wire.role == role).map(|wire| wire.gpio)
    }

    /// The lines for the Pi's firmware: `hw/config/NAME.txt` (Raspberry Pi documentation, "config.txt"; the firmware's overlays/README).
    pub fn firmware(self) -> String {
        let mut text = format!(
            "# Lines for /boot/firmware/config.txt (Raspberry Pi OS bookworm), for the jig {} as hw/pins.md has its wires. Made from the same\n\
             # table; a test holds this file to it. Lines that the file has already for the same things are to be taken out.\n",
            self.name()
        );
        let mut add = |why: &str, lines: &[String]| {
            let _ = write!(text, "\n# {why}\n");
            for line in lines {
                let _ = writeln!(text, "{line}");
            }
        };
        match self.gpio(Role::I2cData) {
            Some(_) => add(
                "Sensors, and from two lanes on multiplexer and expander: the first I2C bus, at 400 kHz.",
                &["dtparam=i2c_arm=on,i2c_arm_baudrate=400000".to_owned()],
            ),
            None => add(
                "GPIO 2 and 3 are comparators here.",
                &["dtparam=i2c_arm=off".to_owned()],
            ),
        }
        match self.gpio(Role::Display("clock")) {
            Some(_) => add(
                "The display: the first SPI bus with one select, on GPIO 8; `spi=on` would take GPIO 7 as well.",
                &["dtoverlay=spi0-1cs".to_owned()],
            ),
            None => add(
                "GPIO 7 to 11 have other uses here; the display is on DSI or HDMI.",
                &["dtparam=spi=off".to_owned()],
            ),
        }
        if let Some(lamp) = self.gpio(Role::Lamp) {
            add(
                "The lamp on hardware PWM, one channel: the analogue sound would use it, and a second one GPIO 13 or 19.",
                &[
                    format!("dtoverlay=pwm,pin={lamp},func=4"),
                    "dtparam=audio=off".to_owned(),
                ],
            );
        }
        add(
            "An imp transmitter or a scanner on the header's serial port; Bluetooth would have the better one.",
            &["enable_uart=1".to_owned(), "dtoverlay=disable-bt".to_owned()],
        );
        let pins = |wanted: fn(Role) -> bool| {
            let pins = self.wires().into_iter().filter(|wire| wanted(wire.role));
            pins.map(|wire| wire.gpio.to_string()).collect::<Vec<_>>().join(",")
        };
        add(
            "From the firmware on: nothing lit, nothing switched on; switches and comparators pulled up.",
            &[
                format!("gpio={}=op,dl", pins(Role::is_output)),
                format!("gpio={}=ip,pu", pins(Role::is_input)),
            ],
        );
        add(
            "Lines of a process that was killed are let go, and their resistors make them dark.",
            &["dtparam=strict_gpiod".to_owned()],
        );
        text
    }
}

impl Role {
    /// Whether the daemon drives it as a line of its own, high for on.
    const fn is_output(self) -> bool {
        match self {
            Self::Lamp | Self::LampMid | Self::LampRest | Self::Relay(_) => true,
            Self::TowerGreen | Self::TowerAmber | Self::TowerRed | Self::Buzzer => true,
            Self::PlcReady | Self::PlcBusy | Self::PlcPass | Self::PlcFail => true,
            Self::I2cData | Self::I2cClock | Self::MultiplexerReset => false,
            Self::SeesRed | Self::SeesGreen | Self::Nest(_) | Self::Start | Self::PlcStart => false,
            Self::SerialOut | Self::SerialIn | Self::Display(_) => false,
        }
    }

    /// Whether the daemon reads it as a line of its own, low for yes.
    const fn is_input(self) -> bool {
        match self {
            Self::SeesRed | Self::SeesGreen | Self::Nest(_) | Self::Start | Self::PlcStart => true,
            Self::Lamp | Self::LampMid | Self::LampRest | Self::Relay(_) => false,
            Self::TowerGreen | Self::TowerAmber | Self::TowerRed | Self::Buzzer => false,
            Self::PlcReady | Self::PlcBusy | Self::PlcPass | Self::PlcFail => false,
            Self::I2cData | Self::I2cClock | Self::MultiplexerReset => false,
            Self::SerialOut | Self::SerialIn | Self::Display(_) => false,
        }
    }
}

/// The pin of the 40-pin header for each GPIO from 2 to 27 (Raspberry Pi documentation, "GPIO and the 40-pin header").
const ON_HEADER: [u8; 26] = [
    3, 5, 7, 29, 31, 26, 24, 21, 19, 23, 32, 33, 8, 10, 36, 11, 12, 35, 38, 40, 15, 16, 18, 22, 37, 13,
];

/// The pin of the 40-pin header that a GPIO is on.
pub fn header_pin(gpio: u8) -> Option<u8> {
    let place = gpio.checked_sub(*HEADER.start())?;
    ON_HEADER.get(usize::from(place)).copied()
}

/// `hw/pins.md`.
pub fn document() -> String {
    let mut text = String::from(
        "# Pins\n\n\
         Made from the table that the configuration is checked against (`fixture-daemon/src/jig/raspberry_pi/pins.rs`); a test holds\n\
         this file to it. Make it again with `WRITE_PINS=1 cargo test -p fixture-daemon --lib pins`.\n\n\
         ## Lamps and sensors\n\n\
         Pins of the 40-pin header (26 GPIO) that lamp, sensor and the nests' switches take together, buses included; what is left is for\n\
         relays (one a lane), start button, tower light and buzzer (4), PLC lines (5), serial port (2), a display on SPI.\n\n\
         | lamp | sensor | light | measures | 1 lane | 4 lanes | 8 lanes |\n\
         |---|---|---|---|---|---|---|\n",
    );
    for lamp in LAMPS {
        for sensor in SENSORS {
            let cells: Vec<String> = DRAWN.into_iter().map(|lanes| cell(lamp, sensor, lanes)).collect();
            let _ = writeln!(
                text,
                "| {} | {} | {} | {} | {} |",
                lamp,
                sensor,
                if lamp.adjustable() { "adjustable" } else { "fixed" },
                if sensor.measures() { "strength" } else { "lit or not" },
                cells.join(" | ")
            );
        }
    }
    for drawing in DRAWINGS {
        let (lamp, sensor) = drawing.parts();
        let _ = writeln!(
            text,
            "\n## Wiring: {}\n\n{lamp}; {sensor}.\n\n| GPIO | header pin | is |\n|---|---|---|",
            drawing.name(),
        );
        for wire in drawing.wires() {
            let pin = header_pin(wire.gpio).unwrap_or_default();
            let _ = writeln!(text, "| {} | {pin} | {} |", wire.gpio, wire.role);
        }
    }
    text
}

fn cell(lamp: LampKind, sensor: SensorKind, lanes: u8) -> String {
    let of = |board| supported(lamp, sensor, board, lanes);
    match (of(Board::Pi4), of(Board::Pi5)) {
        (Ok(()), _) => format!("{}", needed(lamp, sensor, lanes)),
        (Err(_), Ok(())) => format!("{} (Pi 5 only)", needed(lamp, sensor, lanes)),
        (Err(_), Err(Unsupported::Channels { has, .. })) => format!("no: {has} PWM channels at most"),
        (Err(_), Err(Unsupported::Pins { needed })) => format!("no: {needed} pins"),
    }
}

impl fmt::Display for LampKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Pwm => "lamps on hardware PWM",
            Self::Ladder => "lamps on resistor ladders, two lines each",
            Self::Expander => "lamps on a PCA9685 (I2C)",
        })
    }
}

impl fmt::Display for SensorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Colour => "TCS3472 colour sensors (I2C; a TCA9548A from two lanes on)",
            Self::Photodiodes => "photodiodes on an MCP3208 (SPI)",
            Self::Comparators => "photodiodes behind comparators, two lines each",
        })
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::path::Path;

    use super::*;

    #[test]
    fn the_wiring_uses_each_pin_once_and_only_pins_of_the_header() {
        for drawing in DRAWINGS {
            let wires = drawing.wires();
            let pins: BTreeSet<u8> = wires.iter().map(|wire| wire.gpio).collect();
            assert_eq!(pins.len(), wires.len(), "{drawing:?}: {wires:?}");
            assert!(pins.iter().all(|pin| HEADER.contains(pin)), "{pins:?}");
        }
    }

    #[test]
    fn the_wiring_holds_what_its_lamp_and_sensor_need() {
        for drawing in DRAWINGS {
            let (lamp, sensor) = drawing.parts();
            assert_eq!(supported(lamp, sensor, Board::Pi3, drawing.lanes()), Ok(()));
            let of_parts = drawing
                .wires()
                .iter()
                .filter(|wire| {
                    matches!(
                        wire.role,
                        Role::I2cData
                            | Role::I2cClock
                            | Role::MultiplexerReset
                            | Role::Lamp
                            | Role::LampMid
                            | Role::LampRest
                            | Role::SeesRed
                            | Role::SeesGreen
                            | Role::Nest(_)
                    )
                })
                .count();
            let needed = needed(lamp, sensor, drawing.lanes());
            assert_eq!(of_parts, usize::from(needed), "{drawing:?}");
        }
    }

    /// What the overlays take by their own README, against what the wires are for.
    #[test]
    fn no_line_for_the_firmware_takes_a_pin_that_is_something_else() {
        for drawing in DRAWINGS {
            let text = drawing.firmware();
            let mut taken: Vec<(u8, &str)> = Vec::new();
            for line in text.lines().filter(|line| !line.starts_with('#') && !line.is_empty()) {
                let pins: &[u8] = match line {
                    "dtparam=i2c_arm=on,i2c_arm_baudrate=400000" => &[2, 3],
                    "dtoverlay=spi0-1cs" => &[8, 9, 10, 11],
                    "dtoverlay=pwm,pin=12,func=4" => &[12],
                    "enable_uart=1" => &[14, 15],
                    "dtparam=i2c_arm=off"
                    | "dtparam=spi=off"
                    | "dtparam=audio=off"
                    | "dtparam=strict_gpiod"
                    | "dtoverlay=disable-bt" => &[],
                    line => {
                        let (pins, state) = line.strip_prefix("gpio=").unwrap().split_once('=').unwrap();
                        for pin in pins.split(',') {
                            let wire = drawing.wires().into_iter().find(|wire| wire.gpio.to_string() == pin);
                            let role = wire.unwrap_or_else(|| panic!("{drawing:?}: {line}: no wire")).role;
                            assert_eq!(state, if role.is_output() { "op,dl" } else { "ip,pu" }, "{role}");
                        }
                        &[]
                    }
                };
                taken.extend(pins.iter().map(|pin| (*pin, line)));
            }
            for wire in drawing.wires() {
                let claimant = taken.iter().find(|(pin, _)| *pin == wire.gpio).map(|(_, line)| *line);
                let on = |wanted: bool, line: &'static str| wanted.then_some(line);
                let spi = matches!(wire.role, Role::Display("select" | "data in" | "data out" | "clock"));
                let i2c = matches!(wire.role, Role::I2cData | Role::I2cClock);
                let serial = matches!(wire.role, Role::SerialOut | Role::SerialIn);
                let bus = on(i2c, "dtparam=i2c_arm=on,i2c_arm_baudrate=400000")
                    .or(on(spi, "dtoverlay=spi0-1cs"))
                    .or(on(wire.role == Role::Lamp, "dtoverlay=pwm,pin=12,func=4"))
                    .or(on(serial, "enable_uart=1"));
                assert_eq!(claimant, bus, "{drawing:?}: GPIO {}: {}", wire.gpio, wire.role);
            }
        }
    }

    #[test]
    fn every_header_pin_is_named_once() {
        let pins: BTreeSet<u8> = HEADER.filter_map(header_pin).collect();
        assert_eq!(pins.len(), 26);
        // Supply, ground and the identification memory.
        assert!(
            [1, 2, 4, 6, 9, 14, 17, 20, 25, 27, 28, 30, 34, 39]
                .iter()
                .all(|pin| !pins.contains(pin))
        );
    }

    #[test]
    fn eight_lanes_of_ladders_and_comparators_do_not_fit() {
        let said = supported(LampKind::Ladder, SensorKind::Comparators, Board::Pi5, 8).unwrap_err();
        assert_eq!(said, Unsupported::Pins { needed: 40 });
        assert_eq!(
            supported(LampKind::Ladder, SensorKind::Comparators, Board::Pi3, 4),
            Ok(())
        );
        assert_eq!(supported(LampKind::Pwm, SensorKind::Colour, Board::Pi5, 4), Ok(()));
        let said = supported(LampKind::Pwm, SensorKind::Colour, Board::Pi4, 4).unwrap_err();
        assert_eq!(said, Unsupported::Channels { has: 2, lanes: 4 });
    }

    #[test]
    fn the_files_in_hw_say_what_the_table_says() {
        let hw = Path::new(env!("CARGO_MANIFEST_DIR")).join("../hw");
        let firmware = DRAWINGS.map(|drawing| (format!("config/{}.txt", drawing.name()), drawing.firmware()));
        for (name, wanted) in [("pins.md".to_owned(), document())].into_iter().chain(firmware) {
            let file = hw.join(&name);
            if std::env::var_os("WRITE_PINS").is_some() {
                std::fs::write(&file, &wanted).unwrap();
            }
            assert!(
                std::fs::read_to_string(&file).unwrap_or_default() == wanted,
                "hw/{name} is old: WRITE_PINS=1 cargo test -p fixture-daemon --lib pins"
            );
        }
    }
}
