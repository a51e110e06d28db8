//! The Raspberry Pi's own health: temperature, supply, wear of its card, clock.
//!
//! All of it is read from files under a root folder that is an argument, so that a tree of files stands for a board in tests. What the
//! machine does not tell is `None`: never taken for good or bad.

mod card;
mod supply;

use std::path::{Path, PathBuf};

use fixture_link::snapshot::Machine;

use crate::clock;

pub use card::{Card, Spare};
pub use supply::Supply;

/// The highest temperature of the processor, in degrees Celsius, at which nothing is said: from 80 on the firmware slows the processor
/// down (raspberrypi.com, documentation "Frequency management and thermal control").
const WARM: f32 = 75.0;

/// From here on the firmware slows processor and graphics down to the least (same page).
const HOT: f32 = 85.0;

/// Life of a card that is used up, in per cent, from which it is to be changed.
const WORN: u8 = 80;

/// What a machine says about itself.
#[derive(Debug, Clone, PartialEq)]
pub struct Health {
    /// The processor's temperature in degrees Celsius.
    pub celsius: Option<f32>,
    /// What the firmware says about the supply.
    pub supply: Option<Supply>,
    /// The cards that tell how worn they are.
    pub cards: Vec<Card>,
    /// Whether the wall clock is known to be synchronised.
    pub clock: ClockTrust,
}

/// Whether the wall clock can be believed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ClockTrust {
    /// A time service has said so since the start.
    Synchronised,
    /// None has.
    Unknown,
}

/// Something that a person should see to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Concern {
    /// The part: `temperature`, `supply`, `card`, `clock`.
    pub part: &'static str,
    /// How bad it is.
    pub grave: Grave,
    /// What is so.
    pub what: String,
    /// What to do.
    pub remedy: &'static str,
}

/// How bad a concern is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Grave {
    /// The fixture works, but not for long or not as well.
    Weak,
    /// What the fixture says now may be wrong.
    Bad,
}

impl Health {
    /// What the machine under `root` (`/` for the real one) says now. Blocks for some milliseconds.
    pub fn read(root: &Path) -> Self {
        let real = root == Path::new("/");
        if real {
            clock::ask();
        }
        Self {
            celsius: celsius(root),
            supply: Supply::read(root),
            cards: card::read_all(root),
            clock: if root.join("run/systemd/timesync/synchronized").exists() || real && clock::synchronised() {
                ClockTrust::Synchronised
            } else {
                ClockTrust::Unknown
            },
        }
    }

    /// What a person should see to; nothing where all that is told is good.
    pub fn concerns(&self) -> Vec<Concern> {
        let mut concerns = Vec::new();
        if let Some(celsius) = self.celsius
            && celsius >= WARM
        {
            concerns.push(Concern {
                part: "temperature",
                grave: if celsius >= HOT { Grave::Bad } else { Grave::Weak },
                what: format!("the processor is at {celsius:.0} °C"),
                remedy: "clean or add a cooler, and move the Pi away from the lamp's and the units' heat",
            });
        }
        if let Some(supply) = self.supply {
            concerns.extend(supply.concerns());
        }
        for card in &self.cards {
            concerns.extend(card.concern(WORN));
        }
        if self.clock == ClockTrust::Unknown {
            concerns.push(Concern {
                part: "clock",
                grave: Grave::Weak,
                what: "not known to be synchronised: records will say so".to_owned(),
                remedy: "enable systemd-timesyncd or chrony, and give it a time server that this network reaches",
            });
        }
        concerns
    }

    /// The same as figures, for who watches from afar.
    pub fn told(&self) -> Machine {
        Machine {
            celsius: self.celsius,
            under_voltage: self.supply.map(Supply::under_voltage),
            slowed: self.supply.and_then(Supply::slowed),
            card_worn: self.cards.iter().filter_map(|card| card.worn).max(),
        }
    }

    /// One line for a log or `doctor`.
    pub fn worded(&self) -> String {
        let mut said = Vec::new();
        if let Some(celsius) = self.celsius {
            said.push(format!("processor at {celsius:.0} °C"));
        }
        if let Some(supply) = self.supply {
            said.push(supply.worded().to_owned());
        }
        said.extend(self.cards.iter().map(Card::worded));
        if said.is_empty() {
            "this machine tells neither temperature, supply nor wear".to_owned()
        } else {
            said.join(", ")
        }
    }
}

/// The hottest of the processor's zones: thousandths of a degree in `temp` (kernel, `Documentation/driver-api/thermal/sysfs-api.rst`).
fn celsius(root: &Path) -> Option<f32> {
    folders(&root.join("sys/class/thermal"), "thermal_zone")
        .iter()
        .filter_map(|zone| text(&zone.join("temp"))?.parse::<i32>().ok())
        // A zone whose sensor is off says 0 or less.
        .filter(|thousandths| *thousandths > 0)
        .max()
        .map(|thousandths| {
            #[expect(clippy::cast_precision_loss, reason = "temperatures have few digits")]
            let thousandths = thousandths as f32;
            thousandths / 1000.0
        })
}

/// The entries of a folder whose name begins so, in order of name.
fn folders(folder: &Path, begins: &str) -> Vec<PathBuf> {
    let Ok(entries) = std::fs::read_dir(folder) else {
        return Vec::new();
    };
    let mut found: Vec<PathBuf> = entries
        .filter_map(Result::ok)
        .filter(|entry| entry.file_name().to_str().is_some_and(|name| name.starts_with(begins)))
        .map(|entry| entry.path())
        .collect();
    found.sort();
    found
}

/// A small file's text, without white space at its ends.
fn text(file: &Path) -> Option<String> {
    std::fs::read_to_string(file).ok().map(|text| text.trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A machine made of files.
    fn machine(files: &[(&str, &str)]) -> (tempfile::TempDir, Health) {
        let root = tempfile::tempdir().unwrap();
        for (path, text) in files {
            let file = root.path().join(path);
            std::fs::create_dir_all(file.parent().unwrap()).unwrap();
            std::fs::write(file, text).unwrap();
        }
        let health = Health::read(root.path());
        (root, health)
    }

    fn parts(health: &Health) -> Vec<(&'static str, Grave)> {
        health
            .concerns()
            .iter()
            .map(|concern| (concern.part, concern.grave))
            .collect()
    }

    const GOOD: [(&str, &str); 6] = [
        ("sys/class/thermal/thermal_zone0/temp", "48312\n"),
        ("sys/class/thermal/thermal_zone1/temp", "-5000\n"),
        ("sys/devices/platform/soc/soc:firmware/get_throttled", "0\n"),
        ("sys/block/mmcblk0/device/life_time", "0x01 0x02\n"),
        ("sys/block/mmcblk0/device/pre_eol_info", "0x01\n"),
        ("run/systemd/timesync/synchronized", ""),
    ];

    #[test]
    fn a_healthy_board_gives_no_concern_and_tells_what_it_measured() {
        let (_root, health) = machine(&GOOD);
        assert_eq!(health.concerns(), []);
        assert_eq!(
            health.worded(),
            "processor at 48 °C, supply good, card mmcblk0 at most 20 % worn"
        );
        let told = Machine {
            celsius: Some(48.312),
            under_voltage: Some(false),
            slowed: Some(false),
            card_worn: Some(20),
        };
        assert_eq!(health.told(), told);
    }

    #[test]
    fn a_machine_that_tells_nothing_is_neither_good_nor_bad() {
        let (_root, health) = machine(&[]);
        assert_eq!(health.celsius, None);
        assert_eq!(health.supply, None);
        assert_eq!(parts(&health), [("clock", Grave::Weak)]);
        assert!(health.worded().contains("tells neither"));
        assert_eq!(health.told(), Machine::default());
        let alarm = "sys/devices/platform/soc/soc:firmware/raspberrypi-hwmon/hwmon/hwmon1/in0_lcrit_alarm";
        let (_root, health) = machine(&[(alarm, "1")]);
        let told = health.told();
        assert_eq!(
            (told.under_voltage, told.slowed),
            (Some(true), None),
            "the kernel's alarm is of the voltage only"
        );
    }

    #[test]
    fn a_warm_and_a_hot_processor_are_told_apart() {
        for (thousandths, said) in [
            ("74999", None),
            ("75000", Some(Grave::Weak)),
            ("85000", Some(Grave::Bad)),
        ] {
            let (_root, health) = machine(&[
                ("sys/class/thermal/thermal_zone0/temp", thousandths),
                ("run/systemd/timesync/synchronized", ""),
            ]);
            assert_eq!(
                parts(&health),
                said.map(|grave| ("temperature", grave)).into_iter().collect::<Vec<_>>(),
                "{thousandths}"
            );
        }
    }

    #[test]
    fn every_board_s_place_of_the_supply_flags_is_found() {
        for place in [
            "sys/devices/platform/soc/soc:firmware/get_throttled",
            "sys/devices/platform/soc@107c000000/soc@107c000000:firmware/get_throttled",
            "sys/devices/platform/soc/soc:firmware/raspberrypi-hwmon/hwmon/hwmon1/in0_lcrit_alarm",
        ] {
            let (_root, health) = machine(&[(place, "1\n"), ("run/systemd/timesync/synchronized", "")]);
            assert_eq!(parts(&health), [("supply", Grave::Bad)], "{place}");
        }
    }

    #[test]
    fn a_worn_card_is_a_concern() {
        let (_root, health) = machine(&[
            ("sys/block/mmcblk0/device/life_time", "0x00 0x00\n"),
            ("sys/block/mmcblk1/device/life_time", "0x03 0x09\n"),
            ("sys/block/mmcblk1/device/pre_eol_info", "0x03\n"),
            ("run/systemd/timesync/synchronized", ""),
        ]);
        assert_eq!(health.cards.len(), 1, "0x00 is `not defined`");
        assert_eq!(parts(&health), [("card", Grave::Bad)]);
        assert_eq!(
            health.worded(),
            "card mmcblk1 at most 90 % worn, its spare blocks nearly used up"
        );
    }
}
