//! The canonical form of a run, and the seal that ties it to the run before: what makes it seen when a stored run was changed or taken away.
//!
//! The canonical form is one line of JSON: the fields of [`Record`] in their order, numbers in their shortest decimal form without exponent, instants
//! and durations in microseconds, the recorded light by its SHA-256. A seal is the SHA-256 of the seal of the run whose verdict was stored before
//! (32 zero bytes for the first) and of the canonical form. What is added to a run after its verdict (that it was lifted, its label, annotations) is
//! not in it.

use std::io;

use fixture_link::identity::{RunId, Serial, WallTime};
use fixture_link::verdict::VerdictCode;
use serde::Serialize;
use serde_json::ser::Formatter;
use sha2::{Digest as _, Sha256};

use crate::ledger::{AttemptRow, EvidenceRow, MeasurementRow, ReadingRow, measurement_rows, micros};
use crate::record::{RunEnd, RunStart, Setup};

/// A run's seal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Seal(pub [u8; 32]);

/// Text that is not a [`Seal`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not a seal: expected 64 hexadecimal digits")]
pub struct BadSeal(pub String);

impl Seal {
    /// What stands before the first run.
    pub const NONE: Self = Self([0; 32]);

    /// The seal of a run in its canonical form, after this one.
    #[must_use]
    pub fn of_next(self, record: &str) -> Self {
        let mut hash = Sha256::new();
        hash.update(self.0);
        hash.update(record.as_bytes());
        Self(hash.finalize().into())
    }
}

impl core::fmt::Display for Seal {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl core::str::FromStr for Seal {
    type Err = BadSeal;

    fn from_str(text: &str) -> Result<Self, BadSeal> {
        let bad = || BadSeal(text.chars().take(80).collect());
        let mut bytes = [0; 32];
        if text.len() != 64 || !text.is_ascii() {
            return Err(bad());
        }
        for (place, byte) in bytes.iter_mut().enumerate() {
            *byte = text
                .get(2 * place..2 * place + 2)
                .filter(|digits| digits.bytes().all(|digit| digit.is_ascii_hexdigit()))
                .and_then(|digits| u8::from_str_radix(digits, 16).ok())
                .ok_or_else(bad)?;
        }
        Ok(Self(bytes))
    }
}

/// A run as it is sealed.
#[derive(Serialize)]
pub(crate) struct Record<'a> {
    /// Of this form; another form has another number.
    version: u8,
    verdict_number: i64,
    run: String,
    fixture: &'a str,
    software: &'a str,
    recipe: &'a str,
    recipe_version: &'a str,
    pass_rule: &'a str,
    simulated: bool,
    lane: u8,
    serial: Option<&'a str>,
    operator: &'a str,
    lot: &'a str,
    work_order: &'a str,
    purpose: &'a str,
    seated: i64,
    seated_synchronised: bool,
    outcome: &'a str,
    code: &'a str,
    detail: &'a str,
    stage: Option<&'a str>,
    took: Option<i64>,
    ended: i64,
    ended_synchronised: bool,
    device_id: Option<&'a str>,
    agent_url: Option<&'a str>,
    samples_lost: u32,
    ordinal: i64,
    attempts: &'a [AttemptRow<'a>],
    readings: &'a [ReadingRow<'a>],
    evidence: &'a [EvidenceRow<'a>],
    measurements: &'a [MeasurementRow],
    /// SHA-256 of the recorded light; of nothing where none was recorded.
    light: String,
}

/// How a run began, as it is sealed.
pub(crate) struct Began<'a> {
    pub run: RunId,
    pub setup: &'a Setup,
    pub lane: u8,
    pub serial: Option<&'a str>,
    pub operator: &'a str,
    pub lot: &'a str,
    pub work_order: &'a str,
    pub purpose: &'a str,
    pub seated: WallTime,
}

/// How it ended.
pub(crate) struct Ended<'a> {
    pub verdict_number: i64,
    pub outcome: &'a str,
    pub code: &'a str,
    pub detail: &'a str,
    pub stage: Option<&'a str>,
    pub took: Option<i64>,
    pub at: WallTime,
    pub device_id: Option<&'a str>,
    pub agent_url: Option<&'a str>,
    pub samples_lost: u32,
    pub ordinal: i64,
}

/// What its verdict rests on.
pub(crate) struct Rests<'a> {
    pub attempts: &'a [AttemptRow<'a>],
    pub readings: &'a [ReadingRow<'a>],
    pub evidence: &'a [EvidenceRow<'a>],
    pub measurements: &'a [MeasurementRow],
    pub light: &'a [u8],
}

/// The canonical form of a run.
pub(crate) fn canonical(began: &Began<'_>, ended: &Ended<'_>, rests: &Rests<'_>) -> Result<String, serde_json::Error> {
    let record = Record {
        version: 1,
        verdict_number: ended.verdict_number,
        run: began.run.to_string(),
        fixture: &began.setup.fixture,
        software: &began.setup.software,
        recipe: &began.setup.recipe,
        recipe_version: &began.setup.recipe_version,
        pass_rule: &began.setup.pass_rule,
        simulated: began.setup.simulated,
        lane: began.lane,
        serial: began.serial,
        operator: began.operator,
        lot: began.lot,
        work_order: began.work_order,
        purpose: began.purpose,
        seated: began.seated.micros,
        seated_synchronised: began.seated.synchronised,
        outcome: ended.outcome,
        code: ended.code,
        detail: ended.detail,
        stage: ended.stage,
        took: ended.took,
        ended: ended.at.micros,
        ended_synchronised: ended.at.synchronised,
        device_id: ended.device_id,
        agent_url: ended.agent_url,
        samples_lost: ended.samples_lost,
        ordinal: ended.ordinal,
        attempts: rests.attempts,
        readings: rests.readings,
        evidence: rests.evidence,
        measurements: rests.measurements,
        light: Seal(Sha256::digest(rests.light).into()).to_string(),
    };
    let mut text = Vec::with_capacity(2048);
    record.serialize(&mut serde_json::Serializer::with_formatter(&mut text, Plain))?;
    // It is what `serde_json` wrote.
    Ok(String::from_utf8(text).unwrap_or_default())
}

/// The canonical form of a run that is yet to be stored, whose verdict will be that one of the ledger, and which is its unit's so many-th that counts.
///
/// # Errors
/// It cannot be written as JSON.
pub fn record(
    setup: &Setup,
    start: &RunStart,
    end: &RunEnd,
    at: WallTime,
    verdict_number: i64,
    ordinal: i64,
) -> Result<String, serde_json::Error> {
    let judged = end.code != VerdictCode::Interrupted;
    let attempts: Vec<AttemptRow<'_>> = end.attempts.iter().map(AttemptRow::from).collect();
    let readings: Vec<ReadingRow<'_>> = end.readings.iter().map(ReadingRow::from).collect();
    let evidence: Vec<EvidenceRow<'_>> = end.evidence.iter().map(EvidenceRow::from).collect();
    canonical(
        &Began {
            run: start.run,
            setup,
            lane: start.lane.number(),
            serial: start.serial.as_ref().map(Serial::as_str),
            operator: &start.operator,
            lot: &start.lot,
            work_order: &start.work_order,
            purpose: start.purpose.as_str(),
            seated: start.seated,
        },
        &Ended {
            verdict_number,
            outcome: end.code.outcome().as_str(),
            code: end.code.as_str(),
            detail: &end.detail,
            stage: judged.then(|| end.stage.as_str()),
            took: judged.then(|| micros(end.took)),
            at,
            device_id: end.device_id.as_deref(),
            agent_url: end.agent_url.as_deref(),
            samples_lost: end.samples_lost,
            ordinal,
        },
        &Rests {
            attempts: &attempts,
            readings: &readings,
            evidence: &evidence,
            measurements: &measurement_rows(&end.measurements),
            light: &end.trace,
        },
    )
}

/// JSON without spaces, whose numbers are written as this crate says, whatever a later `serde_json` would write.
struct Plain;

impl Formatter for Plain {
    fn write_f32<W: io::Write + ?Sized>(&mut self, writer: &mut W, value: f32) -> io::Result<()> {
        write!(writer, "{value}")
    }

    fn write_f64<W: io::Write + ?Sized>(&mut self, writer: &mut W, value: f64) -> io::Result<()> {
        write!(writer, "{value}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seal_is_read_back_from_its_text_and_nothing_else_is_one() {
        let seal = Seal::NONE.of_next("{}");
        assert_eq!(seal.to_string().parse(), Ok(seal));
        for bad in ["", "00", &"g".repeat(64), &"+1".repeat(32), &"é".repeat(32)] {
            assert!(bad.parse::<Seal>().is_err(), "{bad}");
        }
    }

    #[test]
    fn a_seal_is_the_hash_of_the_seal_before_and_the_record() {
        // printf '%064d' 0 | xxd -r -p | (cat; printf '{}') | sha256sum
        assert_eq!(
            Seal::NONE.of_next("{}").to_string(),
            "fb1634c4e6cd4b1f1afe3ce2d6ef080f7ac5d1f357d723ad4dfca782733b62db"
        );
        assert_ne!(Seal::NONE.of_next("{}").of_next("{}"), Seal::NONE.of_next("{}"));
    }
}
