//! `calibration` and `calibration_lasts` of a jig.

use core::time::Duration;
use std::path::PathBuf;

use fixture_link::mistake::Mistake;
use toml::Spanned;

use super::{Lasting, Source};

/// Where the calibration is, and how long it is good for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CalibrationFile {
    /// The file that `calibrate` writes.
    pub file: PathBuf,
    /// How long after its date a lane may pass units.
    pub lasts: Duration,
}

/// How long a calibration is good for where the file does not say.
const LASTS: u64 = 90 * DAY;
/// A day in milliseconds.
const DAY: u64 = 86_400_000;

/// The file need not be there yet: `calibrate` makes it.
pub fn check(
    source: Source<'_>,
    file: Option<&Spanned<PathBuf>>,
    lasts: Option<&Spanned<Lasting>>,
) -> Result<Option<CalibrationFile>, Mistake> {
    let lasts = source.lasting(lasts, LASTS, 1000, 730 * DAY)?;
    file.map(|file| {
        Ok(CalibrationFile {
            file: source.path(file)?,
            lasts,
        })
    })
    .transpose()
}
