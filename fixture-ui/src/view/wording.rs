//! The words for stages, status codes and classes. Those for verdict codes and refusals are `fixture_link`'s.

use std::sync::OnceLock;

use blinkup::codes::CodeTable;
use fixture_ledger::record::{AnnotationKind, AttemptResult};
use fixture_link::snapshot::Stage;
use fixture_link::verdict::{Class, VerdictCode};

use super::language::{Key, Language};

/// The status codes, for their titles and patterns.
static CODES: OnceLock<CodeTable> = OnceLock::new();

/// The fixture's status codes: its own, where it has said so, or the vendor's.
pub fn code_table() -> &'static CodeTable {
    CODES.get_or_init(CodeTable::vendor)
}

/// Takes a fixture's own status codes; called once, before anything is worded.
pub fn use_codes(table: CodeTable) {
    // Whoever asked before has been given the vendor's, which then stand.
    let _ = CODES.set(table);
}

/// Status codes that look alike, by their titles; a code that is in no table by its id.
pub fn status(codes: &[String]) -> String {
    let titles: Vec<_> = codes
        .iter()
        .map(|id| code_table().code(id).map_or(id.as_str(), |code| code.title.as_str()))
        .collect();
    titles.join(" / ")
}

/// A stored or sent sentence with what it names by id (a status code, a verdict code) called as in the tables. Ids of a single word are
/// left: they read as what they are.
pub fn named(sentence: &str) -> String {
    let is_part = |letter: char| letter.is_ascii_alphanumeric() || letter == '-';
    let mut said = String::with_capacity(sentence.len());
    let mut rest = sentence;
    while let Some(begins) = rest.find(is_part) {
        let (before, from) = rest.split_at(begins);
        let (word, after) = from.split_at(from.find(|letter| !is_part(letter)).unwrap_or(from.len()));
        said.push_str(before);
        match title(word) {
            Some(title) => said.extend(["\u{201c}", title, "\u{201d}"]),
            None => said.push_str(word),
        }
        rest = after;
    }
    said.push_str(rest);
    said
}

/// Why something stands still, as the daemon says it, in `language`. Where that has no such sentence, but it begins with a verdict code,
/// that code's title; else it stays English, or whatever language a person gave their reason in.
pub fn cause(sentence: &str, language: &Language) -> String {
    if let Some(said) = language.sentence(sentence) {
        return named(&said);
    }
    let first = sentence.split_once(':').map_or(sentence, |(first, _)| first);
    let code = VerdictCode::ALL
        .into_iter()
        .find(|code| first == code.as_str() || first == code.text().title);
    code.map_or_else(|| named(sentence), |code| language.say(Key::Code(code)).to_owned())
}

/// The title of what has this id.
fn title(id: &str) -> Option<&'static str> {
    if !id.contains('-') {
        return None;
    }
    let status = code_table().code(id).map(|code| code.title.as_str());
    status.or_else(|| id.parse().ok().map(|code: VerdictCode| code.text().title))
}

/// How far a unit got, as it stands in records; what is no stage as it is.
pub fn reached(stored: &str) -> &str {
    Stage::ALL
        .into_iter()
        .find(|known| known.as_str() == stored)
        .map_or(stored, |known| stage(known))
}

/// How an attempt ended.
pub const fn attempt(result: AttemptResult) -> &'static str {
    match result {
        AttemptResult::Received => "received",
        AttemptResult::Damaged => "damaged",
        AttemptResult::NoAnswer => "no answer",
        AttemptResult::NotReceiving => "not seen by the unit",
        AttemptResult::Late => "void: late",
        AttemptResult::Stopped => "stopped",
        AttemptResult::LampFailed => "lamp failed",
    }
}

/// What was learned of a run later.
pub const fn annotation(kind: AnnotationKind) -> &'static str {
    match kind {
        AnnotationKind::SuspectedNetwork => "The network is suspected",
        AnnotationKind::SuspectedFixture => "The fixture is suspected",
        AnnotationKind::LateBlessEvent => "A bless event came late",
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_called_as_in_the_tables_and_other_words_are_left() {
        assert_eq!(
            named("3 units in a row on lane 2 ended in lamp-not-seen: the lane's own parts need a person"),
            "3 units in a row on lane 2 ended in \u{201c}Lamp not seen\u{201d}: the lane's own parts need a person"
        );
        assert_eq!(named("joining-wifi"), "\u{201c}Joining WiFi network\u{201d}");
        assert_eq!(
            named("online, and the cloud knows the device"),
            "online, and the cloud knows the device"
        );
        assert_eq!(named("loop-back saw 0 % – of é-x"), "loop-back saw 0 % – of é-x");
        assert_eq!(named(""), "");
    }

    #[test]
    fn every_status_code_and_verdict_code_with_a_hyphen_has_a_name() {
        let codes = code_table().codes().iter().map(|code| code.id.as_str());
        for id in codes
            .chain(VerdictCode::ALL.map(VerdictCode::as_str))
            .filter(|id| id.contains('-'))
        {
            let said = named(&format!("it showed {id}, then nothing"));
            assert!(!said.contains(id) && said.ends_with("\u{201d}, then nothing"), "{said}");
        }
    }

    #[test]
    fn stages_in_records_are_worded() {
        assert_eq!(reached("getting-ip"), "Getting an address");
        assert_eq!(reached("elsewhere"), "elsewhere");
    }
}
