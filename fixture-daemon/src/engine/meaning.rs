//! What a pattern of light means to a station, under one recipe.

use blinkup::codes::{CodeTable, PatternId};
use fixture_link::snapshot::Stage;
use fixture_link::verdict::VerdictCode;

use super::recipe::{Link, Recipe};

/// What a pattern means; codes that look alike mean one thing here, and the station picks by context and age.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Meaning {
    /// One of the recipe's ready codes.
    Ready,
    /// A connection stage that the recipe's link allows.
    Stage(Stage),
    /// Online: green 1 Hz.
    Connected,
    /// Received, updating or blessed.
    SolidGreen,
    /// Power supply, or tests or blessing failed.
    SolidRed,
    /// Restarts without end: power supply.
    RapidRed,
    /// The legacy "BlinkUp successful".
    LegacyReceived,
    /// The legacy "BlinkUp unsuccessful".
    LegacyDamaged,
    /// Dark for long.
    Dark,
    /// A fault that the unit names itself, and its verdict code.
    Fault(VerdictCode),
    /// Old impOS loads an update, as far as light can tell.
    Downloading,
    /// A known pattern that no stage allows.
    Other,
}

impl Meaning {
    /// Whether the pattern has any light in it.
    pub const fn is_lit(self) -> bool {
        !matches!(self, Self::Dark)
    }
}

/// The meaning of every pattern of a table.
#[derive(Debug, Clone)]
pub struct Meanings {
    rows: Vec<Row>,
}

#[derive(Debug, Clone)]
struct Row {
    pattern: PatternId,
    codes: Vec<String>,
    meaning: Meaning,
}

impl Meanings {
    /// Weighs every pattern of the table under a recipe.
    pub fn new(table: &CodeTable, recipe: &Recipe) -> Self {
        let rows = table
            .patterns()
            .iter()
            .map(|pattern| {
                let pattern = pattern.id();
                let codes: Vec<String> = table.codes_of(pattern).map(|code| code.id.clone()).collect();
                let meaning = meaning(&codes, recipe);
                Row {
                    pattern,
                    codes,
                    meaning,
                }
            })
            .collect();
        Self { rows }
    }

    /// What a pattern means; a pattern of another table is `Other`.
    pub fn of(&self, pattern: PatternId) -> Meaning {
        self.row(pattern).map_or(Meaning::Other, |row| row.meaning)
    }

    /// The ids of the codes that share a pattern.
    pub fn codes(&self, pattern: PatternId) -> &[String] {
        self.row(pattern).map_or(&[], |row| row.codes.as_slice())
    }

    fn row(&self, pattern: PatternId) -> Option<&Row> {
        self.rows.iter().find(|row| row.pattern == pattern)
    }
}

fn meaning(codes: &[String], recipe: &Recipe) -> Meaning {
    if codes.iter().any(|code| recipe.ready_codes.contains(code)) {
        return Meaning::Ready;
    }
    // Codes that look alike but mean different things: what any of them could mean must not be guessed.
    let mut meanings = codes.iter().map(|code| code_meaning(code, recipe.link));
    let first = meanings.next().unwrap_or(Meaning::Other);
    if meanings.all(|other| other == first) {
        return first;
    }
    let any = |wanted: &str| codes.iter().any(|code| code == wanted);
    if any("legacy-downloading-impos") {
        Meaning::Downloading
    } else {
        Meaning::Other
    }
}

fn code_meaning(code: &str, link: Link) -> Meaning {
    let on = |links: &[Link], stage| {
        if links.contains(&link) {
            Meaning::Stage(stage)
        } else {
            Meaning::Other
        }
    };
    match code {
        "searching-for-wifi" => on(&[Link::Wifi], Stage::Searching),
        "joining-wifi" => on(&[Link::Wifi], Stage::Joining),
        "imp005-waiting-for-ethernet" => on(&[Link::Ethernet], Stage::Searching),
        "proxy-address-incorrect" | "proxy-credentials-rejected" => on(&[Link::Wifi, Link::Ethernet], Stage::Proxy),
        "waiting-for-modem"
        | "waiting-for-sim"
        | "registering-with-cell"
        | "cell-registration-denied"
        | "connecting-via-ppp"
        | "checking-ppp" => on(&[Link::Cellular], Stage::Cellular),
        "getting-ip-address" => Meaning::Stage(Stage::GettingIp),
        "resolving-server-name" => Meaning::Stage(Stage::Resolving),
        "connecting-to-server" => Meaning::Stage(Stage::Connecting),
        "connected" => Meaning::Connected,
        "blinkup-successful" | "updating-impos" | "legacy-installing-impos" | "factory-bless-pass" => {
            Meaning::SolidGreen
        }
        "factory-bless-fail" | "power-supply-solid-red" => Meaning::SolidRed,
        "power-supply-rapid-red" => Meaning::RapidRed,
        "legacy-blinkup-successful" => Meaning::LegacyReceived,
        "legacy-blinkup-unsuccessful" => Meaning::LegacyDamaged,
        "normal-operation" | "receiving-blinkup" => Meaning::Dark,
        "spi-flash-not-found" => Meaning::Fault(VerdictCode::FlashMissing),
        "spi-flash-error" => Meaning::Fault(VerdictCode::FlashBad),
        "imp006-fastrom-spi-flash" => Meaning::Fault(VerdictCode::NoFirmware),
        "legacy-downloading-impos" => Meaning::Downloading,
        _ => Meaning::Other,
    }
}
