//! Who uses which GPIO: each pin once.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use fixture_link::mistake::Mistake;
use toml::Spanned;

use super::super::Source;
use super::Board;
use crate::jig::raspberry_pi::pins::{self, LampKind, SensorKind};

/// The pins claimed so far, and by what.
pub struct Claims<'a> {
    source: Source<'a>,
    lanes: u8,
    taken: BTreeMap<u8, String>,
    ports: Vec<PathBuf>,
}

impl<'a> Claims<'a> {
    /// Nothing claimed yet.
    pub fn new(source: Source<'a>, lanes: u8) -> Self {
        Self {
            source,
            lanes,
            taken: BTreeMap::new(),
            ports: Vec::new(),
        }
    }

    /// How many lanes the fixture has.
    pub fn lanes(&self) -> u8 {
        self.lanes
    }

    /// The file, to point into.
    pub fn source(&self) -> Source<'a> {
        self.source
    }

    /// Claims one pin for `what`.
    ///
    /// # Errors
    /// The header has no such pin, or something else uses it.
    pub fn pin(&mut self, raw: &Spanned<u64>, what: &str) -> Result<u8, Mistake> {
        let found = *raw.get_ref();
        let pin = u8::try_from(found)
            .ok()
            .filter(|pin| pins::HEADER.contains(pin))
            .ok_or_else(|| {
                self.source.mistake(
                    raw,
                    format!(
                        "expected a GPIO of the 40-pin header, {} to {}, found {found}",
                        pins::HEADER.start(),
                        pins::HEADER.end()
                    ),
                )
            })?;
        self.take(raw, pin, what)?;
        Ok(pin)
    }

    /// Claims one pin a lane: exactly as many as there are lanes.
    ///
    /// # Errors
    /// There are more or fewer, or one cannot be had.
    pub fn pin_a_lane(&mut self, raw: &Spanned<Vec<Spanned<u64>>>, what: &str) -> Result<Vec<u8>, Mistake> {
        self.one_a_lane(raw, "pins")?;
        raw.get_ref()
            .iter()
            .enumerate()
            .map(|(place, pin)| self.pin(pin, &format!("lane {}'s {what}", place + 1)))
            .collect()
    }

    /// Claims two pins a lane, `names` for what each is.
    ///
    /// # Errors
    /// There are more or fewer, or one cannot be had.
    pub fn pair_a_lane(
        &mut self,
        raw: &Spanned<Vec<[Spanned<u64>; 2]>>,
        names: [&str; 2],
    ) -> Result<Vec<[u8; 2]>, Mistake> {
        self.one_a_lane(raw, "pairs of pins")?;
        raw.get_ref()
            .iter()
            .enumerate()
            .map(|(place, [first, second])| {
                let lane = place + 1;
                Ok([
                    self.pin(first, &format!("lane {lane}'s {}", names[0]))?,
                    self.pin(second, &format!("lane {lane}'s {}", names[1]))?,
                ])
            })
            .collect()
    }

    /// Claims the pins of a bus, which several parts may share.
    ///
    /// # Errors
    /// Something other than this bus uses one of them.
    pub fn bus<T>(&mut self, raw: &Spanned<T>, device: &str) -> Result<(), Mistake> {
        let bus = pins::bus_of(device);
        for pin in bus.pins {
            if self.taken.get(pin).is_some_and(|by| by == bus.name) {
                continue;
            }
            self.take(raw, *pin, bus.name)?;
        }
        Ok(())
    }

    /// Claims a serial port; the header's own takes its pins with it.
    ///
    /// # Errors
    /// Another part uses it, or something else its pins.
    pub fn port<T>(&mut self, raw: &Spanned<T>, device: &Path) -> Result<(), Mistake> {
        if self.ports.iter().any(|taken| taken == device) {
            let what = format!("{} is another part's port already", device.display());
            return Err(self.source.mistake(raw, what));
        }
        // The names that Raspberry Pi OS gives the header's UART (its documentation, "UARTs").
        if ["/dev/serial0", "/dev/ttyAMA0", "/dev/ttyS0"]
            .iter()
            .any(|name| device == Path::new(name))
        {
            self.take(raw, 14, "the serial port")?;
            self.take(raw, 15, "the serial port")?;
        }
        self.ports.push(device.to_owned());
        Ok(())
    }

    /// Whether one value a lane was given.
    ///
    /// # Errors
    /// There are more or fewer.
    pub fn one_a_lane<T>(&self, raw: &Spanned<Vec<T>>, what: &str) -> Result<(), Mistake> {
        let (lanes, found) = (self.lanes, raw.get_ref().len());
        if found == usize::from(lanes) {
            return Ok(());
        }
        Err(self
            .source
            .mistake(raw, format!("expected {lanes} {what}, one a lane, found {found}")))
    }

    /// Whether the table of combinations has lamp and sensor for so many lanes.
    ///
    /// # Errors
    /// It has not; the mistake says why.
    pub fn supported<T>(
        &self,
        raw: &Spanned<T>,
        lamp: LampKind,
        sensor: SensorKind,
        board: Board,
    ) -> Result<(), Mistake> {
        pins::supported(lamp, sensor, board, self.lanes).map_err(|why| self.source.mistake(raw, why))
    }

    fn take<T>(&mut self, raw: &Spanned<T>, pin: u8, what: &str) -> Result<(), Mistake> {
        if let Some(by) = self.taken.get(&pin) {
            let what = format!("GPIO {pin} cannot be {what}: it is {by} already");
            return Err(self.source.mistake(raw, what));
        }
        self.taken.insert(pin, what.to_owned());
        Ok(())
    }
}
