//! How worn a memory card says it is.

use std::path::Path;

use super::{Concern, Grave, folders, text};

/// A card that tells.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Card {
    /// The kernel's name: `mmcblk0`.
    pub name: String,
    /// Life used up, in per cent, in steps of 10; 110 for more than all of it. The worse of the card's two kinds of memory.
    pub worn: Option<u8>,
    /// Its spare blocks.
    pub spare: Option<Spare>,
}

/// The spare blocks of a card: `PRE_EOL_INFO` of JEDEC JESD84-B51, section 7.4.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Spare {
    /// As they should be.
    Enough,
    /// 80 % are used up.
    Few,
    /// 90 % are used up.
    NearlyNone,
}

/// Every card that tells something. SD cards seldom do; eMMC does since version 5.0.
pub(super) fn read_all(root: &Path) -> Vec<Card> {
    folders(&root.join("sys/block"), "mmcblk")
        .iter()
        .filter_map(|block| {
            let device = block.join("device");
            let card = Card {
                name: block.file_name()?.to_str()?.to_owned(),
                worn: text(&device.join("life_time")).and_then(|text| worn(&text)),
                spare: text(&device.join("pre_eol_info")).and_then(|text| spare(&text)),
            };
            (card.worn.is_some() || card.spare.is_some()).then_some(card)
        })
        .collect()
}

/// `DEVICE_LIFE_TIME_EST` of both kinds of memory: 1 for up to 10 %, 10 for up to 100 %, 11 for more, 0 for not defined.
fn worn(text: &str) -> Option<u8> {
    text.split_whitespace()
        .filter_map(hexadecimal)
        .filter(|step| (1..=11).contains(step))
        .max()
        .map(|step| step * 10)
}

fn spare(text: &str) -> Option<Spare> {
    match hexadecimal(text)? {
        1 => Some(Spare::Enough),
        2 => Some(Spare::Few),
        3 => Some(Spare::NearlyNone),
        _ => None,
    }
}

fn hexadecimal(text: &str) -> Option<u8> {
    u8::from_str_radix(text.trim_start_matches("0x"), 16).ok()
}

impl Card {
    pub(super) fn concern(&self, worn_from: u8) -> Option<Concern> {
        let worn = self.worn.unwrap_or(0);
        let grave = if worn > 100 || self.spare == Some(Spare::NearlyNone) {
            Grave::Bad
        } else if worn >= worn_from || self.spare == Some(Spare::Few) {
            Grave::Weak
        } else {
            return None;
        };
        Some(Concern {
            part: "card",
            grave,
            what: self.worded(),
            remedy: "back the ledger up, and change the card at the end of the shift",
        })
    }

    /// In a few words.
    pub fn worded(&self) -> String {
        let worn = match self.worn {
            None => "wear not told".to_owned(),
            Some(worn) if worn > 100 => "worn beyond its life".to_owned(),
            Some(worn) => format!("at most {worn} % worn"),
        };
        let spare = match self.spare {
            None | Some(Spare::Enough) => "",
            Some(Spare::Few) => ", few spare blocks left",
            Some(Spare::NearlyNone) => ", its spare blocks nearly used up",
        };
        format!("card {} {worn}{spare}", self.name)
    }
}
