//! `calibration` and `calibration_lasts`.

use std::path::PathBuf;

use fixture_link::mistake::Mistake;
use toml::Spanned;

use super::super::{Lasting, Source};
use super::Calibration;

/// How long a calibration is good for where the file does not say.
const LASTS: u64 = 90 * DAY;
/// A day in milliseconds.
const DAY: u64 = 86_400_000;

/// The file need not be there yet: `calibrate` makes it.
pub(in crate::config) fn check(
    source: Source<'_>,
    file: &Spanned<PathBuf>,
    lasts: Option<&Spanned<Lasting>>,
) -> Result<Calibration, Mistake> {
    Ok(Calibration {
        file: source.path(file)?,
        lasts: source.lasting(lasts, LASTS, 3_600_000, 730 * DAY)?,
    })
}
