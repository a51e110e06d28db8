//! Stored values back into what they mean; what makes no sense is an error that names table, column and row.

use core::fmt::Display;
use core::str::FromStr;
use core::time::Duration;
use std::path::Path;

use fixture_link::identity::{LaneId, RunId, Serial, WallTime};
use uuid::Uuid;

use crate::error::LedgerError;
use crate::seal::Seal;

/// A row that is being read.
#[derive(Clone, Copy)]
pub(crate) struct Place<'a> {
    pub path: &'a Path,
    pub table: &'static str,
    pub row: i64,
}

/// An instant.
pub(crate) fn wall(micros: i64, synchronised: i64) -> WallTime {
    WallTime {
        micros,
        synchronised: synchronised == 1,
    }
}

impl Place<'_> {
    /// That a column makes no sense.
    pub fn nonsense(self, column: &'static str, what: impl Display) -> LedgerError {
        LedgerError::Nonsense {
            path: self.path.to_owned(),
            table: self.table,
            column,
            row: self.row,
            what: what.to_string(),
        }
    }

    /// A name of a closed vocabulary.
    pub fn parse<T: FromStr<Err: Display>>(self, column: &'static str, text: &str) -> Result<T, LedgerError> {
        text.parse().map_err(|error| self.nonsense(column, error))
    }

    /// A whole number within the range of `T`.
    pub fn number<T: TryFrom<i64, Error: Display>>(self, column: &'static str, number: i64) -> Result<T, LedgerError> {
        T::try_from(number).map_err(|error| self.nonsense(column, format_args!("{number}: {error}")))
    }

    /// A duration in microseconds.
    pub fn duration(self, column: &'static str, micros: i64) -> Result<Duration, LedgerError> {
        self.number(column, micros).map(Duration::from_micros)
    }

    /// JSON.
    pub fn json<T: serde::de::DeserializeOwned>(self, column: &'static str, text: &str) -> Result<T, LedgerError> {
        serde_json::from_str(text).map_err(|error| self.nonsense(column, error))
    }

    /// A lane.
    pub fn lane(self, column: &'static str, lane: i64) -> Result<LaneId, LedgerError> {
        self.number::<u8>(column, lane)
            .and_then(|lane| LaneId::new(lane).map_err(|error| self.nonsense(column, error)))
    }

    /// A serial.
    pub fn serial(self, column: &'static str, serial: &str) -> Result<Serial, LedgerError> {
        Serial::new(serial).map_err(|error| self.nonsense(column, error))
    }

    /// A run's seal.
    pub fn seal(self, column: &'static str, bytes: &[u8]) -> Result<Seal, LedgerError> {
        <[u8; 32]>::try_from(bytes)
            .map(Seal)
            .map_err(|error| self.nonsense(column, error))
    }

    /// A run's id.
    pub fn run_id(self, column: &'static str, bytes: &[u8]) -> Result<RunId, LedgerError> {
        Uuid::from_slice(bytes)
            .map(RunId)
            .map_err(|error| self.nonsense(column, error))
    }
}

/// A number that was stored from an `f32`.
#[expect(
    clippy::cast_possible_truncation,
    reason = "it was an f32 when it was stored; the conversion gives it back"
)]
pub(crate) fn small_float(stored: f64) -> f32 {
    stored as f32
}
