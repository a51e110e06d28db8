//! `[[lots]]`: the lots and work orders that a fixture has recipes for.

use core::fmt;
use std::path::PathBuf;

use serde::Deserialize;
use toml::Spanned;

use super::screen::Source;
use crate::mistake::Mistake;

/// The longest lot and the longest work order, in characters.
pub const LONGEST_LOT: usize = 64;

/// The lots and work orders that a fixture has recipes for.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Lots {
    /// In order: the first that fits holds.
    pub entries: Vec<LotEntry>,
    /// What becomes of a lot or a work order that none is for.
    pub unknown: UnknownLots,
}

/// A lot or a work order, or all that begin in the same way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LotEntry {
    /// Which of the two it names.
    pub label: Label,
    /// How it is called.
    pub name: LotName,
    /// The recipe's file, as it stands in the configuration: relative to that one's folder.
    pub recipe: PathBuf,
}

/// What units can be labelled by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Label {
    /// Their lot.
    Lot,
    /// Their work order.
    WorkOrder,
}

impl Label {
    /// The name for people.
    pub const fn title(self) -> &'static str {
        match self {
            Self::Lot => "lot",
            Self::WorkOrder => "work order",
        }
    }
}

/// A name, or how names begin.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum LotName {
    /// This one.
    Exactly(String),
    /// Every one that begins so.
    Beginning(String),
}

impl LotName {
    /// Whether somebody who says `name` means it. Nobody means anything by an empty name.
    pub fn fits(&self, name: &str) -> bool {
        match self {
            Self::Exactly(exactly) => exactly == name,
            Self::Beginning(beginning) => !name.is_empty() && name.starts_with(beginning),
        }
    }

    /// Whether it fits all that the other one fits.
    fn covers(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Exactly(one), Self::Exactly(other)) => one == other,
            (Self::Exactly(_), Self::Beginning(_)) => false,
            (Self::Beginning(beginning), Self::Exactly(name) | Self::Beginning(name)) => name.starts_with(beginning),
        }
    }
}

impl fmt::Display for LotName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Exactly(name) => f.write_str(name),
            Self::Beginning(beginning) => write!(f, "{beginning}*"),
        }
    }
}

/// What becomes of a lot or a work order that no entry is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum UnknownLots {
    /// It is refused, and what was there stays.
    #[default]
    Refuse,
    /// Its units are run by the configuration's `recipe`.
    Default,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawLot {
    lot: Option<Spanned<String>>,
    work_order: Option<Spanned<String>>,
    recipe: PathBuf,
}

impl Lots {
    pub(super) fn checked(
        raw: &[Spanned<RawLot>],
        unknown: Option<&Spanned<UnknownLots>>,
        source: &Source<'_>,
    ) -> Result<Self, Mistake> {
        if let (Some(unknown), []) = (unknown, raw) {
            return Err(source.mistake(
                unknown,
                "expected [[lots]] beside it: without them every lot is welcome",
            ));
        }
        let mut entries: Vec<LotEntry> = Vec::new();
        for raw in raw {
            let (label, text) = match (&raw.get_ref().lot, &raw.get_ref().work_order) {
                (Some(lot), None) => (Label::Lot, lot),
                (None, Some(work_order)) => (Label::WorkOrder, work_order),
                (None, None) => {
                    return Err(source.mistake(raw, "expected lot = \"…\" or work_order = \"…\", found neither"));
                }
                (Some(_), Some(work_order)) => {
                    return Err(source.mistake(work_order, "expected either lot or work_order, found both"));
                }
            };
            let name = name(text, source)?;
            if let Some(before) = entries
                .iter()
                .find(|before| before.label == label && before.name.covers(&name))
            {
                let title = label.title();
                let what = if before.name == name {
                    format!("expected each {title} once: {name} stands further up already")
                } else {
                    format!(
                        "never comes to it: {} further up fits every {title} that {name} fits; put the narrower one first",
                        before.name
                    )
                };
                return Err(source.mistake(text, what));
            }
            entries.push(LotEntry {
                label,
                name,
                recipe: raw.get_ref().recipe.clone(),
            });
        }
        Ok(Self {
            entries,
            unknown: unknown.map(|unknown| *unknown.get_ref()).unwrap_or_default(),
        })
    }
}

fn name(raw: &Spanned<String>, source: &Source<'_>) -> Result<LotName, Mistake> {
    let text = raw.get_ref();
    let beginning = text.strip_suffix('*');
    let name = beginning.unwrap_or(text);
    if name.contains('*') {
        return Err(source.mistake(raw, format!("expected at most one *, at the end, found {text:?}")));
    }
    let plain = name.trim() == name && name.chars().count() <= LONGEST_LOT && !name.chars().any(char::is_control);
    if text.is_empty() || !plain {
        return Err(source.mistake(
            raw,
            format!("expected 1 to {LONGEST_LOT} printable characters, with * at the end for all that begin so, found {text:?}"),
        ));
    }
    Ok(match beginning {
        Some(beginning) => LotName::Beginning(beginning.to_owned()),
        None => LotName::Exactly(name.to_owned()),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_fits_itself_and_a_beginning_all_that_begin_so() {
        let exactly = LotName::Exactly("L-1".to_owned());
        let beginning = LotName::Beginning("L-".to_owned());
        let every = LotName::Beginning(String::new());
        assert!(exactly.fits("L-1") && !exactly.fits("L-12") && !exactly.fits(""));
        assert!(beginning.fits("L-12") && beginning.fits("L-") && !beginning.fits("M-1"));
        assert!(every.fits("x") && !every.fits(""), "an empty name is none");
        assert!(beginning.covers(&exactly) && !exactly.covers(&beginning) && every.covers(&beginning));
        assert_eq!(
            [exactly, beginning, every].map(|name| name.to_string()),
            ["L-1", "L-*", "*"]
        );
    }
}
