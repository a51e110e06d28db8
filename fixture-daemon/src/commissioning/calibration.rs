//! The calibration of a jig as a file: measured, dated, signed off, and sealed so that a change by hand is noticed.

use std::fmt::Write as _;
use std::io;
use std::path::{Path, PathBuf};

use fixture_link::identity::LaneId;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// The first line of a file that `calibrate` wrote.
const HEAD: &str =
    "# Written by `fixture-daemon calibrate` and sealed: changed by hand, it is no calibration any more.\n";
/// The line that holds the seal, without it.
const SEAL: &str = "# seal ";

/// What commissioning measured.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Calibration {
    /// When it was signed off.
    pub at: Timestamp,
    /// By whom.
    pub by: String,
    /// The parts that it was measured with, as the configuration had them.
    pub jig: String,
    /// Each lane that was measured.
    pub lanes: Vec<LaneCalibration>,
}

/// One lane.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LaneCalibration {
    /// Which.
    pub lane: LaneId,
    /// The serial or label on its sensor.
    pub sensor: String,
    /// Counts of the dark, empty nest: red, green, blue, clear.
    pub ambient: [f32; 4],
    /// Clear counts of the lamp at full light above that; none where the sensor measures no strength.
    pub lamp: Option<f32>,
    /// The lamp's light over its duty, between dark and full; empty for a lamp of fixed levels.
    pub curve: Vec<[f32; 2]>,
    /// Its light at half duty, or at the ladder's mid, as a share of full; none where the sensor measures no strength.
    #[serde(default)]
    pub mid: Option<f32>,
    /// The gain that was chosen for its sensor; none where there is none to choose.
    #[serde(default)]
    pub gain: Option<u8>,
    /// How long its samples integrate, in microseconds; none where that is not to be chosen.
    #[serde(default)]
    pub integration_us: Option<u32>,
    /// Response to the red die by its strongest colour channel; none where the sensor measures no strength.
    pub red: Option<[f32; 4]>,
    /// The same for the green die.
    pub green: Option<[f32; 4]>,
    /// Counts of the reference unit's red and green die in their strongest colour channel.
    pub strength: Option<[f32; 2]>,
}

/// Why a file is no calibration.
#[derive(Debug, thiserror::Error)]
pub enum CalibrationError {
    /// There is none.
    #[error("{0}: no calibration yet: `fixture-daemon calibrate --config FILE` makes it")]
    Missing(PathBuf),
    /// It cannot be read or written.
    #[error("{file}: {error}", file = .0.display(), error = .1)]
    File(PathBuf, io::Error),
    /// Somebody changed it.
    #[error("{0}: was changed since it was signed off: calibrate again")]
    Changed(PathBuf),
    /// It is not what this release writes.
    #[error("{file}: {what}", file = .0.display(), what = .1)]
    Unreadable(PathBuf, String),
}

impl Calibration {
    /// Reads a sealed file.
    ///
    /// # Errors
    /// It is not there, was changed, or is not what this release writes.
    pub fn load(file: &Path) -> Result<Self, CalibrationError> {
        let text = std::fs::read_to_string(file).map_err(|error| {
            if error.kind() == io::ErrorKind::NotFound {
                CalibrationError::Missing(file.to_owned())
            } else {
                CalibrationError::File(file.to_owned(), error)
            }
        })?;
        let sealed = text
            .split_once(SEAL)
            .is_some_and(|(content, seal)| seal.trim_end() == seal_of(content));
        if !sealed {
            return Err(CalibrationError::Changed(file.to_owned()));
        }
        toml::from_str(&text).map_err(|error| CalibrationError::Unreadable(file.to_owned(), error.message().to_owned()))
    }

    /// Writes the file, sealed; whole or not at all.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn save(&self, file: &Path) -> Result<(), CalibrationError> {
        let wrong = |error| CalibrationError::File(file.to_owned(), error);
        let mut text = String::from(HEAD);
        text +=
            &toml::to_string(self).map_err(|error| CalibrationError::Unreadable(file.to_owned(), error.to_string()))?;
        let seal = seal_of(&text);
        let _ = writeln!(text, "{SEAL}{seal}");
        let beside = file.with_extension("new");
        std::fs::write(&beside, text).map_err(wrong)?;
        std::fs::rename(&beside, file).map_err(wrong)
    }

    /// What it holds of a lane.
    pub fn lane(&self, lane: LaneId) -> Option<&LaneCalibration> {
        self.lanes.iter().find(|measured| measured.lane == lane)
    }

    /// Takes over what is new, and keeps the rest.
    #[must_use]
    pub fn with(mut self, newer: Self) -> Self {
        let Self { at, by, jig, lanes } = newer;
        self.lanes
            .retain(|kept| lanes.iter().all(|lane| lane.lane != kept.lane));
        self.lanes.extend(lanes);
        self.lanes.sort_by_key(|lane| lane.lane);
        Self {
            at,
            by,
            jig,
            lanes: self.lanes,
        }
    }
}

/// SHA-256 of a file's content, in hexadecimal digits.
fn seal_of(content: &str) -> String {
    Sha256::digest(content.as_bytes())
        .iter()
        .fold(String::new(), |mut digits, byte| {
            let _ = write!(digits, "{byte:02x}");
            digits
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn calibration() -> Calibration {
        Calibration {
            at: "2026-03-01T08:00:00Z".parse().unwrap(),
            by: "A. Meyer".to_owned(),
            jig: "a jig".to_owned(),
            lanes: vec![LaneCalibration {
                lane: LaneId::new(2).unwrap(),
                sensor: "C-0017".to_owned(),
                ambient: [40.0, 34.5, 26.0, 130.0],
                lamp: Some(900.0),
                curve: vec![[0.25, 0.3], [0.5, 0.55]],
                mid: Some(0.55),
                gain: Some(16),
                integration_us: Some(4_800),
                red: Some([1.0, 0.08, 0.05, 1.1]),
                green: None,
                strength: Some([500.0, 450.0]),
            }],
        }
    }

    #[test]
    fn what_was_saved_is_loaded() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("calibration.toml");
        calibration().save(&file).unwrap();
        assert_eq!(Calibration::load(&file).unwrap(), calibration());
        assert!(!folder.path().join("calibration.new").exists());
    }

    #[test]
    fn a_change_by_hand_is_noticed() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("calibration.toml");
        assert!(matches!(Calibration::load(&file), Err(CalibrationError::Missing(_))));
        calibration().save(&file).unwrap();
        let text = std::fs::read_to_string(&file).unwrap();
        for (right, wrong) in [("2026-03", "2027-03"), ("900.0", "901.0"), ("# seal ", "# ")] {
            assert!(text.contains(right), "{text}");
            std::fs::write(&file, text.replace(right, wrong)).unwrap();
            assert!(
                matches!(Calibration::load(&file), Err(CalibrationError::Changed(_))),
                "{wrong}"
            );
        }
    }

    #[test]
    fn a_lane_that_is_measured_again_takes_the_place_of_the_old_one() {
        let mut newer = calibration();
        newer.by = "B. Singh".to_owned();
        newer.lanes[0].sensor = "C-0018".to_owned();
        newer.lanes.push(LaneCalibration {
            lane: LaneId::new(1).unwrap(),
            ..newer.lanes[0].clone()
        });
        let both = calibration().with(newer);
        let sensors: Vec<_> = both
            .lanes
            .iter()
            .map(|lane| (lane.lane.number(), lane.sensor.as_str()))
            .collect();
        assert_eq!(sensors, [(1, "C-0018"), (2, "C-0018")]);
        assert_eq!(both.by, "B. Singh");
    }
}
