//! What the firmware says about the supply and the processor's speed.

use std::path::Path;

use super::{Concern, Grave, folders, text};

/// The firmware's flags. The meaning of the bits: raspberrypi.com, documentation "`vcgencmd`", section `get_throttled`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Supply {
    flags: u32,
    tells: Tells,
}

/// Which of the flags the machine has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Tells {
    All,
    Voltage,
}

const UNDER_VOLTAGE: u32 = 1;
const CAPPED: u32 = 1 << 1;
const THROTTLED: u32 = 1 << 2;
const SOFT_LIMIT: u32 = 1 << 3;
/// The same four, at some time before.
const BEFORE: u32 = 16;

impl Supply {
    /// The flags as the machine under `root` has them; `None` where it has none.
    ///
    /// The firmware driver of Raspberry Pi OS gives all flags as hexadecimal digits; the mainline kernel (Debian) gives only the
    /// under-voltage alarm of its `raspberrypi-hwmon`.
    pub fn read(root: &Path) -> Option<Self> {
        let platform = root.join("sys/devices/platform");
        let firmwares: Vec<_> = folders(&platform, "soc")
            .iter()
            .flat_map(|soc| folders(soc, "soc"))
            .collect();
        let flags = firmwares.iter().find_map(|firmware| {
            let flags = text(&firmware.join("get_throttled"))?;
            u32::from_str_radix(flags.trim_start_matches("0x"), 16).ok()
        });
        let alarm = || {
            firmwares
                .iter()
                .flat_map(|firmware| folders(&firmware.join("raspberrypi-hwmon/hwmon"), "hwmon"))
                .find_map(|hwmon| text(&hwmon.join("in0_lcrit_alarm"))?.parse().ok())
                .map(|alarm: u32| if alarm == 0 { 0 } else { UNDER_VOLTAGE })
        };
        let all = flags.map(|flags| (flags, Tells::All));
        let (flags, tells) = all.or_else(|| Some((alarm()?, Tells::Voltage)))?;
        Some(Self { flags, tells })
    }

    fn has(self, flag: u32) -> bool {
        self.flags & flag != 0
    }

    /// The voltage is too low now.
    pub fn under_voltage(self) -> bool {
        self.has(UNDER_VOLTAGE)
    }

    /// The processor is held back now; `None` where the machine does not tell.
    pub fn slowed(self) -> Option<bool> {
        match self.tells {
            Tells::All => Some(self.has(CAPPED | THROTTLED | SOFT_LIMIT)),
            Tells::Voltage => None,
        }
    }

    /// What a person should see to.
    pub fn concerns(self) -> Vec<Concern> {
        let mut concerns = Vec::new();
        let supply = |grave, what: &str| Concern {
            part: "supply",
            grave,
            what: what.to_owned(),
            remedy: "use the board's own power supply and a short cable, and feed lamps and units from another one",
        };
        if self.has(UNDER_VOLTAGE) {
            concerns.push(supply(
                Grave::Bad,
                "under-voltage now: the lamps' light and the sensors may be off",
            ));
        } else if self.has(UNDER_VOLTAGE << BEFORE) {
            concerns.push(supply(Grave::Weak, "there was under-voltage since the start"));
        }
        let now = CAPPED | THROTTLED | SOFT_LIMIT;
        let speed = |grave, what: &str| Concern {
            part: "speed",
            grave,
            what: what.to_owned(),
            remedy: "see to temperature and supply: a slow processor makes symbols late",
        };
        if self.has(now) {
            concerns.push(speed(Grave::Bad, "the firmware holds the processor back now"));
        } else if self.has(now << BEFORE) {
            concerns.push(speed(
                Grave::Weak,
                "the firmware has held the processor back since the start",
            ));
        }
        concerns
    }

    /// In a few words.
    pub fn worded(self) -> &'static str {
        if self.has(UNDER_VOLTAGE) {
            "under-voltage"
        } else if self.has(UNDER_VOLTAGE << BEFORE) {
            "supply good now"
        } else {
            "supply good"
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_flags_of_now_are_graver_than_those_of_before() {
        for (flags, said) in [
            (0x0, vec![]),
            (0x1, vec![("supply", Grave::Bad)]),
            (0x1_0000, vec![("supply", Grave::Weak)]),
            (0x4_0000, vec![("speed", Grave::Weak)]),
            (0x5_0005, vec![("supply", Grave::Bad), ("speed", Grave::Bad)]),
            (0x5_0000, vec![("supply", Grave::Weak), ("speed", Grave::Weak)]),
            (0x8, vec![("speed", Grave::Bad)]),
        ] {
            let supply = Supply {
                flags,
                tells: Tells::All,
            };
            let found: Vec<_> = supply
                .concerns()
                .iter()
                .map(|concern| (concern.part, concern.grave))
                .collect();
            assert_eq!(found, said, "{flags:#x}");
        }
    }
}
