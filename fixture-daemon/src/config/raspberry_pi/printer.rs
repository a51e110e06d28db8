//! `[jig.raspberry_pi.printer]`: the label printer.

use std::path::PathBuf;

use fixture_link::mistake::Mistake;
use serde::Deserialize;
use toml::Spanned;

use super::claims::Claims;
use super::serial;
use crate::jig::raspberry_pi::printer::{Language, PrinterParts, Tape};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::config) struct Raw {
    port: Spanned<PathBuf>,
    baud: Option<Spanned<u64>>,
    zpl: Option<RawZpl>,
    brother_ql: Option<RawBrother>,
    lines: Option<Spanned<Vec<String>>>,
    code: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawZpl {
    width: Spanned<u64>,
    height: Spanned<u64>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawBrother {
    tape: Spanned<u64>,
}

/// Lines that a label has room for.
const LINES: usize = 8;

/// Checks the printer.
pub(in crate::config) fn check(claims: &mut Claims<'_>, raw: &Spanned<Raw>) -> Result<PrinterParts, Mistake> {
    let source = claims.source();
    let place = raw;
    let raw = raw.get_ref();
    let language = match (&raw.zpl, &raw.brother_ql) {
        (Some(zpl), None) => Language::Zpl {
            width: source.count(Some(&zpl.width), 0, 100, 2000)?,
            height: source.count(Some(&zpl.height), 0, 100, 4000)?,
        },
        (None, Some(brother)) => Language::BrotherQl {
            tape: match brother.tape.get_ref() {
                29 => Tape::Mm29,
                62 => Tape::Mm62,
                found => {
                    let what = format!("expected 29 or 62 (mm, continuous tape), found {found}");
                    return Err(source.mistake(&brother.tape, what));
                }
            },
        },
        (Some(_), Some(_)) | (None, None) => {
            return Err(source.mistake(place, "expected one of zpl = {} and brother_ql = {}"));
        }
    };
    let lines = match &raw.lines {
        None => vec!["{serial}".to_owned()],
        Some(lines) if lines.get_ref().len() > LINES => {
            let what = format!("expected at most {LINES} lines, found {}", lines.get_ref().len());
            return Err(source.mistake(lines, what));
        }
        Some(lines) => lines.get_ref().clone(),
    };
    Ok(PrinterParts {
        port: serial::check(claims, &raw.port, raw.baud.as_ref(), 9600)?,
        language,
        lines,
        code: raw.code.clone(),
    })
}
