//! Other pass rules and reader settings on stored light, judged by the engine: which verdicts would have been others, before anyone changes anything.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::sync::Arc;

use askama::Template;
use axum::extract::{RawQuery, State};
use axum::http::StatusCode;
use axum::response::Html;
use fixture_ledger::yields::Span;
use fixture_link::verdict::VerdictCode;
use fixture_link::what_if::Line;
use jiff::Timestamp;

use super::Sources;
use super::frame::Frame;
use super::link;
use super::list::instant;
use super::period::Ask;
use super::problem::{Problem, page as rendered};
use super::replays::{Answer, NoAnswer};
use super::yields::{Tab, periods, title};

/// The most units that are named one by one.
const NAMED: usize = 100;

/// How many runs are looked at where nobody says otherwise, and at most.
const RUNS: u32 = 200;
const MOST_RUNS: u32 = 1000;

const FIELDS: [&str; 10] = [
    "rule",
    "hold",
    "event_within",
    "within",
    "ready",
    "stage",
    "connect",
    "update",
    "confidence",
    "runs",
];

/// Fields that are entries of a recipe by themselves, with the entry's name.
const TIMES: [(&str, &str); 4] = [
    ("ready", "ready.within"),
    ("stage", "times.stage"),
    ("connect", "times.connect"),
    ("update", "times.update"),
];

/// The pass rules, with the fields of each and their entries.
const RULES: [(&str, &[(&str, &str)]); 3] = [
    ("blessed", &[("hold", "hold"), ("event_within", "event_within")]),
    ("claimed", &[("within", "within")]),
    ("led-only", &[("hold", "hold")]),
];

#[derive(Template)]
#[template(path = "what_if_rules.html")]
struct RulesPage {
    frame: Frame,
    ask: Ask,
    title: String,
    periods: Vec<Tab>,
    rules: Vec<&'static str>,
    /// Whether something was asked, but no entry of the recipe.
    asked_nothing: bool,
    runs: u32,
    /// What was refused, in words.
    refused: Option<String>,
    came: Option<Came>,
}

/// What came of it.
struct Came {
    answer: Answer,
    judged: u32,
    /// From which verdict to which, how often; most often first.
    turns: Vec<(String, String, usize)>,
    flips: Vec<FlipWords>,
    flipped: usize,
}

struct FlipWords {
    link: String,
    serial: String,
    unit: String,
    seated: String,
    was: String,
    would: String,
    why: String,
}

/// `GET /what-if/rules`
pub async fn page(sources: State<Arc<Sources>>, RawQuery(query): RawQuery) -> Result<Html<String>, Problem> {
    let unclear = |what| Problem::unclear(&sources, what, "Correct the address, or start again from the page.");
    let ask = Ask::with(&sources, query.as_deref().unwrap_or(""), &FIELDS).map_err(unclear)?;
    let whole = ask.whole(&sources).map_err(unclear)?;
    let changes = changes(&ask).map_err(unclear)?;
    let runs = runs(&ask).map_err(unclear)?;
    let (came, refused) = if changes.is_empty() {
        (None, None)
    } else {
        let arguments = arguments(&ask, whole, &changes, runs);
        match sources.replays.ask(&arguments).await {
            Ok(answer) => (Some(Came::of(&sources, answer)), None),
            Err(NoAnswer::Refused(why)) => (None, Some(why)),
            Err(why @ (NoAnswer::Busy | NoAnswer::TooLong(_))) => {
                return Err(Problem::new(
                    &sources,
                    StatusCode::SERVICE_UNAVAILABLE,
                    "Not now",
                    why.to_string(),
                    "Ask for fewer runs or a shorter period, or try again in a minute.",
                ));
            }
            Err(why @ (NoAnswer::NotRun { .. } | NoAnswer::Nonsense { .. } | NoAnswer::Failed { .. })) => {
                return Err(Problem::broken(&sources, &why));
            }
        }
    };
    let simulated = came.as_ref().is_some_and(|came| came.answer.summary.simulated);
    rendered(
        &sources,
        &RulesPage {
            frame: Frame::now(&sources, "what-if").with_simulated(simulated),
            title: title(&ask),
            periods: periods(&ask, "/what-if/rules"),
            rules: RULES.iter().map(|(rule, _)| *rule).collect(),
            asked_nothing: changes.is_empty() && query.is_some_and(|query| query.contains("runs=")),
            runs,
            refused,
            came,
            ask,
        },
    )
}

/// The entries of the recipe that are tried, as `fixture-daemon what-if --set` takes them.
fn changes(ask: &Ask) -> Result<Vec<String>, String> {
    let lasting = |name: &'static str, text: &str| {
        let plain = |letter: char| letter.is_ascii_alphanumeric() || letter == '.';
        if text.chars().all(plain) {
            Ok(format!("\"{text}\""))
        } else {
            Err(format!("{name}: {text:?}: expected a time such as 20s, 500ms or 5m"))
        }
    };
    let mut changes = Vec::new();
    for (name, entry) in TIMES {
        let text = ask.field(name);
        if !text.is_empty() {
            changes.push(format!("{entry}={}", lasting(name, text)?));
        }
    }
    let confidence = ask.field("confidence").replace(',', ".");
    if !confidence.is_empty() {
        let share: f64 = confidence
            .parse()
            .ok()
            .filter(|share: &f64| share.is_finite())
            .ok_or_else(|| format!("confidence: {confidence:?}: expected a share such as 0.99"))?;
        changes.push(format!("reader.confidence={share:?}"));
    }
    let rule = ask.field("rule");
    let fields: &[(&str, &str)] = match RULES.iter().find(|(name, _)| *name == rule) {
        Some((_, fields)) => fields,
        None if rule.is_empty() => &[],
        None => {
            let rules: Vec<&str> = RULES.iter().map(|(name, _)| *name).collect();
            return Err(format!("rule: {rule:?}: expected one of {}", rules.join(", ")));
        }
    };
    for name in ["hold", "event_within", "within"] {
        let text = ask.field(name);
        match (fields.iter().find(|(field, _)| *field == name), text.is_empty()) {
            (Some((_, entry)), false) => changes.push(format!("pass.{rule}.{entry}={}", lasting(name, text)?)),
            (Some(_), true) => return Err(format!("{name}: expected a time, which the rule {rule} needs")),
            (None, false) if rule.is_empty() => {
                return Err(format!("{name}: expected a pass rule beside it, such as rule=blessed"));
            }
            (None, false) => return Err(format!("{name}: the rule {rule} has none: expected nothing")),
            (None, true) => {}
        }
    }
    Ok(changes)
}

fn runs(ask: &Ask) -> Result<u32, String> {
    match ask.field("runs") {
        "" => Ok(RUNS),
        text => text
            .parse()
            .ok()
            .filter(|runs| (1..=MOST_RUNS).contains(runs))
            .ok_or_else(|| format!("runs: {text:?}: expected a number from 1 to {MOST_RUNS}")),
    }
}

fn arguments(ask: &Ask, whole: Span, changes: &[String], runs: u32) -> Vec<OsString> {
    let mut arguments: Vec<String> = changes.iter().map(|change| format!("--set={change}")).collect();
    if let Some(lane) = ask.scope.lane {
        arguments.push(format!("--lane={lane}"));
    }
    let scope = &ask.scope;
    for (name, text) in [
        ("lot", &scope.lot),
        ("work-order", &scope.work_order),
        ("operator", &scope.operator),
        ("recipe", &scope.recipe),
        ("software", &scope.software),
    ] {
        if let Some(text) = text {
            arguments.push(format!("--{name}={text}"));
        }
    }
    for (name, at) in [("from", whole.from), ("until", whole.until)] {
        if let Ok(at) = Timestamp::from_microsecond(at) {
            arguments.push(format!("--{name}={at}"));
        }
    }
    arguments.push(format!("--at-most={runs}"));
    arguments.into_iter().map(OsString::from).collect()
}

impl Came {
    fn of(sources: &Sources, answer: Answer) -> Self {
        let flips: Vec<&Line> = answer
            .lines
            .iter()
            .filter(|line| line.would != Some(line.was))
            .collect();
        let mut turns: BTreeMap<(String, String), usize> = BTreeMap::new();
        for flip in &flips {
            *turns.entry((verdict(Some(flip.was)), verdict(flip.would))).or_default() += 1;
        }
        let mut turns: Vec<_> = turns
            .into_iter()
            .map(|((was, would), count)| (was, would, count))
            .collect();
        turns.sort_by_key(|(_, _, count)| core::cmp::Reverse(*count));
        let summary = answer.summary;
        Self {
            judged: summary.same + summary.others,
            turns,
            flipped: flips.len(),
            flips: flips.iter().take(NAMED).map(|flip| flip_words(sources, flip)).collect(),
            answer,
        }
    }
}

fn flip_words(sources: &Sources, flip: &Line) -> FlipWords {
    let serial = flip.serial.as_ref().map(|serial| serial.as_str().to_owned());
    let serial = serial.unwrap_or_default();
    FlipWords {
        link: format!("/runs/{}", flip.run),
        unit: link::unit(&serial),
        serial,
        seated: instant(sources, flip.seated),
        was: verdict(Some(flip.was)),
        would: verdict(flip.would),
        why: flip.why.clone(),
    }
}

/// A verdict in words; `None` is one that nobody knows.
fn verdict(code: Option<VerdictCode>) -> String {
    code.map_or_else(
        || "cannot be told".to_owned(),
        |code| format!("{} {code}", code.outcome().as_str()),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::web::tests::nothing;

    fn tried(query: &str) -> Result<Vec<String>, String> {
        changes(&Ask::with(&nothing(), query, &FIELDS)?)
    }

    #[test]
    fn fields_become_entries_of_a_recipe() {
        assert_eq!(tried("").unwrap(), Vec::<String>::new());
        assert_eq!(
            tried("stage=7s&confidence=0,95&rule=led-only&hold=3s").unwrap(),
            [
                "times.stage=\"7s\"",
                "reader.confidence=0.95",
                "pass.led-only.hold=\"3s\""
            ]
        );
        assert_eq!(
            tried("rule=blessed&hold=2s&event_within=1m").unwrap(),
            ["pass.blessed.hold=\"2s\"", "pass.blessed.event_within=\"1m\""]
        );
    }

    #[test]
    fn what_makes_no_sense_is_told_by_its_field() {
        for (query, expected) in [
            ("stage=7%22,%22x", "stage: \"7\\\",\\\"x\": expected a time"),
            ("stage=7%0As", "expected no control characters"),
            ("confidence=sure", "confidence: \"sure\": expected a share"),
            ("rule=any", "rule: \"any\": expected one of blessed, claimed, led-only"),
            ("rule=claimed", "within: expected a time, which the rule claimed needs"),
            ("hold=3s", "hold: expected a pass rule beside it"),
            ("rule=led-only&hold=3s&within=3s", "within: the rule led-only has none"),
        ] {
            let told = tried(query).unwrap_err();
            assert!(told.contains(expected), "{query}: {told}");
        }
    }
}
