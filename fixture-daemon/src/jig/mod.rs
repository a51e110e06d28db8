//! The hardware behind traits: small, blocking, honest about failure. They speak of the jig, not of pins.
//!
//! The backend is chosen at run time by the configuration; nothing in the engine, the reader or the store knows which one it is.

#[cfg(test)]
mod contract;
pub mod raspberry_pi;
pub mod simulated;
pub mod switch;

use core::time::Duration;

use blinkup::sample::Sample;
use blinkup::{Level, Tick};
use fixture_ledger::record::OpenLabel;
use fixture_link::identity::{LaneId, Serial};

use crate::engine::effect::Signal;

/// A whole jig, part by part.
pub struct Parts {
    /// The lamps, in order of lane.
    pub lamps: Vec<(LaneId, Box<dyn Lamp>)>,
    /// The sensors. What holds up one group does not hold up another.
    pub sensors: Vec<SensorGroup>,
    /// The nests' switches.
    pub nest: Box<dyn Nest>,
    /// The scanners.
    pub scanner: Box<dyn Scanner>,
    /// The start button; `None` where being seated starts a unit.
    pub start: Option<Box<dyn StartButton>>,
    /// The relays.
    pub power: Box<dyn UnitPower>,
    /// Tower light and PLC lines.
    pub signals: Box<dyn Signals>,
    /// The label printer.
    pub printer: Option<Box<dyn LabelPrinter>>,
    /// What an imp transmitter says by itself, and the lane whose units it sends to.
    pub news: Option<(LaneId, std::sync::mpsc::Receiver<raspberry_pi::transmitter::News>)>,
}

/// Sensors that share a bus.
pub struct SensorGroup {
    /// Their lanes.
    pub lanes: Vec<LaneId>,
    /// The sensors.
    pub sensor: Box<dyn StatusSensor>,
}

/// Why a part of the jig did not do what it was asked.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum JigError {
    /// The bus or the pin failed.
    #[error("lane {lane}: {part}: {what}")]
    Failed {
        /// The lane.
        lane: LaneId,
        /// The part of the jig: `lamp`, `status sensor`, `nest`, …
        part: &'static str,
        /// What the driver says.
        what: String,
    },
    /// This machine does not have what the configuration says.
    #[error("{0}")]
    Board(String),
    /// No fresh sample.
    #[error("lane {lane}: status sensor: the last sample is stale")]
    Stale {
        /// The lane.
        lane: LaneId,
    },
}

/// The lamp that sends light to a unit. One lane's. Dark when it is dropped.
pub trait Lamp: Send {
    /// Sets the light. Returns once the pins have changed.
    ///
    /// # Errors
    /// The bus or the pin failed; the light is then unknown and the attempt is void.
    fn set(&mut self, level: Level) -> Result<(), JigError>;

    /// The machine that sends frames in this lamp's place, where there is one.
    fn whole(&mut self) -> Option<&mut dyn SendsWhole> {
        None
    }
}

/// A machine that sends whole frames of its own: network and token as it has them, at its own rate.
pub trait SendsWhole {
    /// Sends one frame; returns when it is sent, with how long the light lasted. It cannot be stopped: what it was asked for it sends to the end,
    /// whatever unit lies there then. Only the end of the process (`ends`, which is asked often) is not kept waiting.
    ///
    /// # Errors
    /// Nothing was sent, or nobody knows; the attempt is void.
    fn send(&mut self, ends: &dyn Fn() -> bool) -> Result<Duration, Unsent>;
}

/// Why a machine sent no frame.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Unsent {
    /// It says that it could not: it got no token, or has no network.
    Refused(String),
    /// It does not do what it was asked.
    Failed(JigError),
}

/// The sensor that watches the status LEDs of all lanes.
pub trait StatusSensor: Send {
    /// One sample of one lane, in counts, with the start and end of its integration.
    ///
    /// # Errors
    /// The bus failed, or there is no fresh sample.
    fn sample(&mut self, lane: LaneId) -> Result<Sample, JigError>;

    /// What a lane's sensor can be set to, the most sensitive first; nothing where there is nothing to set.
    fn sensitivities(&self, _: LaneId) -> Vec<Sensitivity> {
        Vec::new()
    }

    /// Sets a lane's sensor; samples that begin later follow it.
    ///
    /// # Errors
    /// There is nothing to set, or no such lane.
    fn set_sensitivity(&mut self, lane: LaneId, _: Sensitivity) -> Result<(), JigError> {
        Err(JigError::Failed {
            lane,
            part: "status sensor",
            what: "its sensitivity is fixed".to_owned(),
        })
    }
}

/// How strongly a sensor counts light.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sensitivity {
    /// Its amplifier's gain.
    pub gain: u8,
    /// How long a sample integrates.
    pub integration: Duration,
}

/// The nests' presence switches.
pub trait Nest: Send {
    /// Whether a unit is in the lane's nest.
    ///
    /// # Errors
    /// The pin could not be read.
    fn occupied(&mut self, lane: LaneId) -> Result<bool, JigError>;

    /// How the switch turned since this was last asked, oldest first, where the hardware tells; else nothing.
    ///
    /// # Errors
    /// The pin could not be read.
    fn edges(&mut self, _: LaneId) -> Result<Vec<Edge>, JigError> {
        Ok(Vec::new())
    }
}

/// A switch turned.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Edge {
    /// When.
    pub at: Tick,
    /// Whether it is closed since.
    pub closed: bool,
}

/// A button or footswitch that starts what is seated.
pub trait StartButton: Send {
    /// Whether it is pressed.
    ///
    /// # Errors
    /// The pin could not be read.
    fn pressed(&mut self) -> Result<Press, JigError>;

    /// How it turned since this was last asked, oldest first, where the hardware tells; else nothing.
    ///
    /// # Errors
    /// The pin could not be read.
    fn edges(&mut self) -> Result<Vec<Edge>, JigError> {
        Ok(Vec::new())
    }
}

/// How a start is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Press {
    /// Not at all.
    No,
    /// By a person's press, which bounces and counts once, however long it lasts.
    Yes,
    /// By a machine, which lets units start as long as it lasts.
    Granted,
}

/// What stands on a label.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Label {
    /// The unit.
    pub serial: Option<Serial>,
    /// Its device id, where it is known.
    pub device_id: Option<String>,
    /// Its lot.
    pub lot: String,
    /// Its work order.
    pub work_order: String,
}

impl Label {
    /// The label of a unit that passed.
    pub fn of(open: &OpenLabel) -> Self {
        Self {
            serial: open.serial.clone(),
            device_id: open.device_id.clone(),
            lot: open.lot.clone(),
            work_order: open.work_order.clone(),
        }
    }
}

/// How surely a label is out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Printed {
    /// The printer took it and does not tell more.
    Taken,
    /// The printer says that it is out.
    Confirmed,
}

/// The label printer.
pub trait LabelPrinter: Send {
    /// Prints a label; returns when it is out, or known not to be.
    ///
    /// # Errors
    /// The printer is not there, or says why it does not print. Nothing of the label comes out later on its own.
    fn print(&mut self, label: &Label) -> Result<Printed, JigError>;

    /// Whether it could print now, without printing; `Taken` where it does not tell.
    ///
    /// # Errors
    /// The printer is not there, or says why it would not print.
    fn ready(&mut self) -> Result<Printed, JigError>;
}

/// Something that was scanned.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Scan {
    /// The lane, where the scanner tells (one scanner a lane); else the next lane to be seated.
    pub lane: Option<LaneId>,
    /// What it is.
    pub field: Field,
}

/// What a scan is, by the pattern that it fits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Field {
    /// A unit's serial.
    Serial(Serial),
    /// The lot of the units from now on.
    Lot(String),
    /// The work order of the units from now on.
    WorkOrder(String),
}

/// The scanners.
pub trait Scanner: Send {
    /// The next scan that waits, if one does.
    ///
    /// # Errors
    /// The port failed, or what was scanned fits no pattern.
    fn next(&mut self) -> Result<Option<Scan>, JigError>;
}

/// A relay a lane.
pub trait UnitPower: Send {
    /// Gives or takes the unit's power.
    ///
    /// # Errors
    /// The pin failed.
    fn set(&mut self, lane: LaneId, power: Power) -> Result<(), JigError>;
}

/// A unit's supply.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Power {
    /// Without.
    Off,
    /// With.
    On,
}

/// Tower light and PLC lines.
pub trait Signals: Send {
    /// Shows a lane's signal.
    ///
    /// # Errors
    /// A pin failed.
    fn show(&mut self, lane: LaneId, signal: Signal) -> Result<(), JigError>;

    /// Waits until the lines are as they were last told to be: [`show`](Self::show) does not.
    ///
    /// # Errors
    /// They are not.
    fn settled(&mut self) -> Result<(), JigError> {
        Ok(())
    }

    /// How they are now, where that is known beside what a signal met: a PLC breaks its hand-shake at any time.
    fn state(&mut self) -> Option<Result<(), JigError>> {
        None
    }
}
