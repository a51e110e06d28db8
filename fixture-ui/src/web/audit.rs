//! Who did what, from where, what it changed and why: read only, as the daemon wrote it down.

use std::sync::Arc;

use askama::Template;
use axum::extract::{RawQuery, State};
use axum::response::Html;
use fixture_ledger::audit::{ActCursor, ActRow, Answered, AuditFilter};
use fixture_ledger::report::Reports;
use fixture_link::act::{Act, ActAnswer, ActKind, RecipeChange};
use fixture_link::identity::Serial;
use fixture_link::study::StudyStep;

use super::Sources;
use super::asked::{parsed, short};
use super::day::Day;
use super::frame::Frame;
use super::link;
use super::list::instant;
use super::problem::{Problem, page as rendered};

/// Acts of one page.
const ROWS: u32 = 100;

/// The fields of an address, in order.
const NAMES: [&str; 7] = ["by", "kind", "serial", "from", "to", "answer", "before"];

#[derive(Template)]
#[template(path = "audit.html")]
struct AuditPage {
    frame: Frame,
    asked: AuditAsked,
    kinds: Vec<&'static str>,
    of: u64,
    rows: Vec<Row>,
    next: Option<String>,
}

/// What is asked for, as text.
#[derive(Debug, Clone, PartialEq, Eq)]
struct AuditAsked {
    fields: Vec<(&'static str, String)>,
}

impl AuditAsked {
    fn of(query: &str) -> Result<Self, String> {
        let mut fields: Vec<(&'static str, String)> = NAMES.map(|name| (name, String::new())).into();
        for (name, value) in link::fields(query) {
            let Some((_, place)) = fields.iter_mut().find(|(known, _)| *known == name) else {
                return Err(format!("{}: expected one of {}", short(&name), NAMES.join(", ")));
            };
            if value.chars().count() > 200 {
                return Err(format!("{name}: {}: expected at most 200 characters", short(&value)));
            }
            value.trim().clone_into(place);
        }
        Ok(Self { fields })
    }

    fn field(&self, name: &str) -> &str {
        self.fields
            .iter()
            .find(|(known, _)| *known == name)
            .map_or("", |(_, value)| value)
    }

    fn filter(&self, sources: &Sources) -> Result<AuditFilter, String> {
        let text = |name| Some(self.field(name)).filter(|text| !text.is_empty());
        let day = |name| {
            text(name)
                .map(|text| Day::of(sources, text).map_err(|why| why.replacen("day", name, 1)))
                .transpose()
        };
        let (from, until): (Option<Day>, Option<Day>) = (day("from")?, day("to")?);
        Ok(AuditFilter {
            by: text("by").map(str::to_owned),
            kind: parsed::<ActKind>("kind", self.field("kind"))?,
            serial: text("serial")
                .map(|text| Serial::new(text).map_err(|error| error.to_string()))
                .transpose()?,
            from: from.map(|day| day.from),
            until: until.map(|day| day.until),
            answer: parsed::<Answered>("answer", self.field("answer"))?,
            before: parsed::<ActCursor>("before", self.field("before"))?,
        })
    }

    /// The same from a place in the list on.
    fn after(&self, cursor: ActCursor) -> String {
        let mut query: Vec<String> = self
            .fields
            .iter()
            .filter(|(name, value)| *name != "before" && !value.is_empty())
            .map(|(name, value)| format!("{name}={}", link::quoted(value)))
            .collect();
        query.push(format!("before={cursor}"));
        format!("/audit?{}", query.join("&"))
    }
}

struct Row {
    at: String,
    by: String,
    from: String,
    what: String,
    unit: String,
    unit_link: String,
    change: String,
    why: String,
    refused: String,
}

/// `GET /audit`
pub async fn page(sources: State<Arc<Sources>>, RawQuery(query): RawQuery) -> Result<Html<String>, Problem> {
    let unclear = |what| {
        Problem::unclear(
            &sources,
            what,
            "Correct the address, or start again from the whole audit.",
        )
    };
    let asked = AuditAsked::of(query.as_deref().unwrap_or("")).map_err(unclear)?;
    let filter = asked.filter(&sources).map_err(unclear)?;
    let ledger = |error| Problem::ledger(&sources, &error);
    let reports = Reports::open(&sources.ledger).await.map_err(ledger)?;
    let found = reports.audit(&filter, ROWS).await.map_err(ledger)?;
    let page = AuditPage {
        frame: Frame::now(&sources, "audit"),
        kinds: ActKind::ALL.map(ActKind::as_str).into(),
        of: found.of,
        rows: found.rows.iter().map(|row| words(&sources, row)).collect(),
        next: found.next.map(|next| asked.after(next)),
        asked,
    };
    rendered(&sources, &page)
}

fn words(sources: &Sources, row: &ActRow) -> Row {
    let unit = row.act.serial().map(ToString::to_string).unwrap_or_default();
    let role = row.role.map(|role| format!(", {}", role.title())).unwrap_or_default();
    Row {
        at: instant(sources, row.at),
        by: format!("{}{role}", row.by),
        from: row.from.clone(),
        what: what(&row.act),
        unit_link: if unit.is_empty() {
            String::new()
        } else {
            link::unit(&unit)
        },
        unit,
        change: row
            .change
            .as_ref()
            .map(|change| format!("{} → {}", or_nothing(&change.before), or_nothing(&change.after)))
            .unwrap_or_default(),
        why: if let Act::Acknowledge { note } = &row.act {
            note.clone()
        } else {
            row.act.reason().unwrap_or_default().to_owned()
        },
        refused: match &row.answer {
            ActAnswer::Done => String::new(),
            ActAnswer::Refused { why } => why.clone(),
        },
    }
}

fn or_nothing(text: &str) -> &str {
    if text.is_empty() { "nothing" } else { text }
}

/// An act in words, without its unit and its reason.
pub fn what(act: &Act) -> String {
    let on = |lane: &Option<_>| match lane {
        None => "the line".to_owned(),
        Some(lane) => format!("lane {lane}"),
    };
    match act {
        Act::Start { lane, .. } => format!("start {}", on(lane)),
        Act::Stop { lane, .. } => format!("stop {}", on(lane)),
        Act::Acknowledge { .. } => "acknowledge the line’s stop".to_owned(),
        Act::Unlock { .. } => "unlock".to_owned(),
        Act::Lot { lot } => format!("lot {}", or_nothing(lot)),
        Act::WorkOrder { work_order } => format!("work order {}", or_nothing(work_order)),
        Act::Operator { name } => format!("operator at the line: {}", or_nothing(name)),
        Act::Quarantine { .. } => "set aside".to_owned(),
        Act::Dispose { disposition, .. } => format!("decide: {}", disposition.as_str()),
        Act::Mark { mark, .. } => format!("mark as {}", mark.as_str()),
        Act::GoldenCheck { lane } => format!("golden check now, {}", on(lane)),
        Act::Study { step, .. } => match step {
            StudyStep::Begin(wish) => format!(
                "begin a gauge study: {} by {}, {} times each",
                match wish.units.len() {
                    0 => "the marked units".to_owned(),
                    units => format!("{units} units"),
                },
                wish.people.join(", "),
                wish.times
            ),
            StudyStep::End => "end the gauge study".to_owned(),
            StudyStep::Abandon => "give up the gauge study".to_owned(),
        },
        Act::Shelve { part, minutes, .. } => format!("shelve the alarm of {part} for {minutes} min"),
        Act::Recipe {
            recipe,
            change: RecipeChange::Entries(_),
            ..
        } => format!("change recipe {recipe}"),
        Act::Recipe {
            recipe,
            change: RecipeChange::Version(version),
            ..
        } => format!("recipe {recipe} back to version {version}"),
        Act::Language { language } => format!("language {}", or_nothing(language)),
        Act::Account { name, change, .. } => format!("account {name}: {}", change.as_str()),
    }
}
