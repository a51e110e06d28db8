//! The words for stages, status codes and classes. Those for verdict codes and refusals are `fixture_link`'s.

use std::sync::LazyLock;

use blinkup::codes::CodeTable;
use fixture_link::snapshot::Stage;
use fixture_link::verdict::Class;

/// The vendor's status codes, for their titles.
static CODES: LazyLock<CodeTable> = LazyLock::new(CodeTable::vendor);

/// Status codes that look alike, by their titles; a code that is in no table by its id.
pub fn status(codes: &[String]) -> String {
    let titles: Vec<_> = codes
        .iter()
        .map(|id| CODES.code(id).map_or(id.as_str(), |code| code.title.as_str()))
        .collect();
    titles.join(" / ")
}

/// How far a unit got, as it reads while it goes on.
pub const fn stage(stage: Stage) -> &'static str {
    match stage {
        Stage::Seated => "Seated",
        Stage::Ready => "Ready",
        Stage::Receiving => "Receiving",
        Stage::Received => "Packet received",
        Stage::Searching => "Searching for Wi-Fi",
        Stage::Joining => "Joining Wi-Fi",
        Stage::Proxy => "Going through the proxy",
        Stage::Cellular => "Starting the modem",
        Stage::GettingIp => "Getting an address",
        Stage::Resolving => "Resolving the server",
        Stage::Connecting => "Connecting to the server",
        Stage::Connected => "Connected",
        Stage::Updating => "Updating impOS",
        Stage::Blessed => "Green: checking the blessing",
    }
}

/// How far along the way a stage is, in thousandths of a run after its transmission.
pub const fn stage_permille(stage: Stage) -> u16 {
    match stage {
        Stage::Seated | Stage::Ready | Stage::Receiving => 0,
        Stage::Received => 125,
        Stage::Searching => 250,
        Stage::Joining | Stage::Cellular => 375,
        Stage::GettingIp => 500,
        Stage::Resolving | Stage::Proxy => 625,
        Stage::Connecting => 750,
        Stage::Connected | Stage::Updating => 875,
        Stage::Blessed => 950,
    }
}

/// Whose fault, as it reads in tables.
pub const fn class(class: Class) -> &'static str {
    match class {
        Class::Unit => "unit",
        Class::Evidence => "evidence",
        Class::Fixture => "fixture",
        Class::Network => "network",
        Class::Operator => "operator",
        Class::Power => "power",
    }
}
