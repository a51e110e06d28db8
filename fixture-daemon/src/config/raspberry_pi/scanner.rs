//! `[[jig.raspberry_pi.scanner]]`: scanners on serial ports.

use std::path::PathBuf;

use fixture_link::identity::LaneId;
use fixture_link::mistake::Mistake;
use serde::Deserialize;
use toml::Spanned;

use super::claims::Claims;
use super::serial;
use crate::jig::raspberry_pi::scanner::{Kind, Only, Pattern, ScannerParts};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::config) struct Raw {
    port: Spanned<PathBuf>,
    baud: Option<Spanned<u64>>,
    lane: Option<Spanned<u64>>,
    terminators: Option<Spanned<Vec<Terminator>>>,
    serial: Option<RawPattern>,
    lot: Option<RawPattern>,
    work_order: Option<RawPattern>,
}

#[derive(Deserialize, Clone, Copy)]
#[serde(rename_all = "lowercase")]
enum Terminator {
    Cr,
    Lf,
    Tab,
    Etx,
    Nul,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawPattern {
    #[serde(default)]
    starts: String,
    length: Option<Spanned<[usize; 2]>>,
    #[serde(default)]
    only: Only,
}

/// The longest field: a serial has at most 64 letters, and so has a lot.
const LONGEST: usize = 64;

/// Checks one scanner.
pub(in crate::config) fn check(claims: &mut Claims<'_>, raw: &Spanned<Raw>) -> Result<ScannerParts, Mistake> {
    let source = claims.source();
    let place = raw;
    let raw = raw.get_ref();
    let lane = match &raw.lane {
        None => None,
        Some(lane) => {
            let lanes = u64::from(claims.lanes());
            Some(*lane.get_ref())
                .filter(|number| (1..=lanes).contains(number))
                .and_then(|number| u8::try_from(number).ok())
                .and_then(|number| LaneId::new(number).ok())
                .map(Some)
                .ok_or_else(|| {
                    source.mistake(
                        lane,
                        format!("expected a lane from 1 to {lanes}, found {}", lane.get_ref()),
                    )
                })?
        }
    };
    let terminators = match &raw.terminators {
        None => vec![b'\r', b'\n'],
        Some(terminators) => terminators.get_ref().iter().map(|end| end.byte()).collect(),
    };
    let mut patterns = Vec::new();
    for (kind, pattern) in [
        (Kind::Serial, &raw.serial),
        (Kind::Lot, &raw.lot),
        (Kind::WorkOrder, &raw.work_order),
    ] {
        let Some(pattern) = pattern else { continue };
        let length = match &pattern.length {
            None => (1, LONGEST),
            Some(length) => {
                let [least, most] = *length.get_ref();
                if !(1..=most).contains(&least) || most > LONGEST {
                    let what =
                        format!("expected the least and the most letters, 1 to {LONGEST}, found {least} and {most}");
                    return Err(source.mistake(length, what));
                }
                (least, most)
            }
        };
        patterns.push((
            kind,
            Pattern {
                starts: pattern.starts.clone(),
                length,
                only: pattern.only,
            },
        ));
    }
    if patterns.is_empty() {
        return Err(source.mistake(place, "expected a pattern: serial = {}, lot = {} or work_order = {}"));
    }
    Ok(ScannerParts {
        port: serial::check(claims, &raw.port, raw.baud.as_ref(), 9600)?,
        lane,
        terminators,
        patterns,
    })
}

impl Terminator {
    fn byte(self) -> u8 {
        match self {
            Self::Cr => b'\r',
            Self::Lf => b'\n',
            Self::Tab => b'\t',
            Self::Etx => 0x03,
            Self::Nul => 0,
        }
    }
}
