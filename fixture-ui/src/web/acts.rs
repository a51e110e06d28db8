//! What people do, through forms and for programs: handed to the daemon, which checks it once more, does it and audits it.

use std::sync::Arc;

use askama::Template;
use axum::Json;
use axum::body::Bytes;
use axum::extract::{RawQuery, State};
use axum::http::{StatusCode, Uri};
use axum::response::{Html, IntoResponse as _, Redirect, Response};
use fixture_ledger::people::Person;
use fixture_link::act::{Act, ActAnswer, ActId, ActRequest, StopReason};
use fixture_link::client::LinkError;
use fixture_link::identity::{LaneId, Serial, WallTime};
use fixture_link::role::{Right, Role};
use fixture_link::settings::{Label, LotName, UnknownLots};
use fixture_link::snapshot::{CheckView, Done};
use fixture_link::study::{StudyStep, StudyWish};
use serde::Deserialize;

use super::Sources;
use super::api;
use super::frame::Frame;
use super::link;
use super::posted::Posted;
use super::problem::{Problem, page as rendered};
use super::recipes;
use super::study;
use super::visitor::Visitor;
use crate::view::marked::{Next, Step};
use crate::view::{Face, View};

/// An id for an act that somebody is about to do: a form carries it, so that one that is sent twice is done once.
pub fn new_id() -> ActId {
    let drawn = fixture_ledger::people::Secret::drawn().ok();
    let drawn = drawn
        .as_ref()
        .and_then(|drawn| u128::from_str_radix(drawn.tell().get(..32)?, 16).ok());
    ActId(uuid::Builder::from_random_bytes(drawn.unwrap_or_default().to_be_bytes()).into_uuid())
}

/// Asks the daemon to do something.
///
/// # Errors
/// It is not there, or does not take it.
pub async fn ask(
    sources: &Sources,
    by: &str,
    role: Role,
    from: &str,
    id: ActId,
    act: Act,
) -> Result<ActAnswer, LinkError> {
    let request = ActRequest {
        id,
        by: by.to_owned(),
        role,
        from: from.to_owned(),
        act,
    };
    sources.daemon.act(&request).await
}

/// A kind of act that has a form.
struct Kind {
    /// Its name in addresses.
    name: &'static str,
    /// Where it is sent to.
    address: &'static str,
    /// The right that it needs, whatever is in the form.
    needs: Right,
    /// What was done, in words.
    done: &'static str,
    /// The act in a form, or what is wrong with it.
    read: fn(&Posted) -> Result<Act, String>,
}

const KINDS: [Kind; 15] = [
    Kind {
        name: "start",
        address: "/acts/start",
        needs: Right::RunTheLine,
        done: "Started.",
        read: |posted| {
            Ok(Act::Start {
                lane: lane(posted)?,
                serial: some_serial(posted)?,
            })
        },
    },
    Kind {
        name: "stop",
        address: "/acts/stop",
        needs: Right::RunTheLine,
        done: "Stopped.",
        read: |posted| {
            Ok(Act::Stop {
                lane: lane(posted)?,
                reason: stop_reason(posted)?,
            })
        },
    },
    Kind {
        name: "acknowledge",
        address: "/acts/acknowledge",
        needs: Right::RunTheLine,
        done: "Acknowledged; the line goes on.",
        read: |posted| {
            Ok(Act::Acknowledge {
                note: posted.field("note").to_owned(),
            })
        },
    },
    Kind {
        name: "unlock",
        address: "/acts/unlock",
        needs: Right::JudgeUnits,
        done: "Unlocked: the unit may be run again.",
        read: |posted| {
            Ok(Act::Unlock {
                serial: serial(posted)?,
                reason: reason(posted)?,
            })
        },
    },
    Kind {
        name: "lot",
        address: "/acts/lot",
        needs: Right::RunTheLine,
        done: "The next units belong to this lot.",
        read: |posted| {
            Ok(Act::Lot {
                lot: posted.field("lot").to_owned(),
            })
        },
    },
    Kind {
        name: "work-order",
        address: "/acts/work-order",
        needs: Right::RunTheLine,
        done: "The next units belong to this work order.",
        read: |posted| {
            Ok(Act::WorkOrder {
                work_order: posted.field("work_order").to_owned(),
            })
        },
    },
    Kind {
        name: "operator",
        address: "/acts/operator",
        needs: Right::RunTheLine,
        done: "The next runs are this operator's.",
        read: |posted| {
            Ok(Act::Operator {
                name: posted.field("name").to_owned(),
            })
        },
    },
    Kind {
        name: "quarantine",
        address: "/acts/quarantine",
        needs: Right::RunTheLine,
        done: "Set aside: the unit is not run until somebody decides about it.",
        read: |posted| {
            Ok(Act::Quarantine {
                serial: serial(posted)?,
                reason: reason(posted)?,
            })
        },
    },
    Kind {
        name: "dispose",
        address: "/acts/dispose",
        needs: Right::JudgeUnits,
        done: "Decided.",
        read: |posted| {
            let disposition = posted.field("disposition");
            Ok(Act::Dispose {
                serial: serial(posted)?,
                disposition: disposition
                    .parse()
                    .map_err(|_| "disposition: expected rework, scrap, rma or release".to_owned())?,
                reason: reason(posted)?,
            })
        },
    },
    Kind {
        name: "mark",
        address: "/acts/mark",
        needs: Right::JudgeUnits,
        done: "Marked, from its next run on.",
        read: |posted| {
            let mark = posted.field("mark");
            Ok(Act::Mark {
                serial: serial(posted)?,
                mark: mark
                    .parse()
                    .map_err(|_| "mark: expected ordinary, golden or known-bad".to_owned())?,
                reason: reason(posted)?,
            })
        },
    },
    Kind {
        name: "golden-check",
        address: "/acts/golden-check",
        needs: Right::RunTheLine,
        done: "The golden check is due now: run the golden unit in each lane.",
        read: |posted| Ok(Act::GoldenCheck { lane: lane(posted)? }),
    },
    Kind {
        name: "study",
        address: "/acts/study",
        needs: Right::StudyTheFixture,
        done: "Done, and written down.",
        read: |posted| {
            let step = match posted.field("step") {
                "begin" => StudyStep::Begin(study_wish(posted)?),
                "end" => StudyStep::End,
                "abandon" => StudyStep::Abandon,
                other => return Err(format!("step: expected begin, end or abandon, found {other:?}")),
            };
            Ok(Act::Study {
                step,
                reason: reason(posted)?,
            })
        },
    },
    Kind {
        name: "shelve",
        address: "/acts/shelve",
        needs: Right::ChangeTheFixture,
        done: "Shelved for that time.",
        read: |posted| {
            let minutes = posted.field("minutes");
            Ok(Act::Shelve {
                part: posted.field("part").to_owned(),
                minutes: minutes
                    .parse()
                    .map_err(|_| format!("minutes: expected 1 to {}, found {minutes:?}", Act::LONGEST_SHELVED))?,
                reason: reason(posted)?,
            })
        },
    },
    Kind {
        name: "recipe",
        address: "/acts/recipe",
        needs: Right::ChangeTheFixture,
        done: "A version was made: the runs that begin from now on are run by it.",
        read: recipes::read,
    },
    Kind {
        name: "language",
        address: "/acts/language",
        needs: Right::RunTheLine,
        done: "The screen speaks this language.",
        read: |posted| {
            Ok(Act::Language {
                language: posted.field("language").to_owned(),
            })
        },
    },
];

fn lane(posted: &Posted) -> Result<Option<LaneId>, String> {
    match posted.field("lane") {
        "" => Ok(None),
        text => text
            .parse::<u8>()
            .ok()
            .and_then(|number| LaneId::new(number).ok())
            .map(Some)
            .ok_or_else(|| format!("lane: expected a number from 1 to 8, or nothing for the line; found {text:?}")),
    }
}

fn some_serial(posted: &Posted) -> Result<Option<Serial>, String> {
    match posted.field("serial") {
        "" => Ok(None),
        text => Serial::new(text).map(Some).map_err(|error| error.to_string()),
    }
}

fn serial(posted: &Posted) -> Result<Serial, String> {
    some_serial(posted)?.ok_or_else(|| "serial: expected the unit's".to_owned())
}

/// Why, which has to be said.
pub fn reason(posted: &Posted) -> Result<String, String> {
    match posted.field("reason") {
        "" => Err("reason: expected why".to_owned()),
        reason => Ok(reason.to_owned()),
    }
}

/// What a study is to be made of: units and people a line each.
fn study_wish(posted: &Posted) -> Result<StudyWish, String> {
    let times = posted.field("times");
    let wish = StudyWish {
        units: posted
            .lines("units")
            .map(|serial| Serial::new(serial).map_err(|error| format!("units: {error}")))
            .collect::<Result<_, _>>()?,
        people: posted.lines("people").map(str::to_owned).collect(),
        times: times
            .parse()
            .map_err(|_| format!("times: expected a number, found {times:?}"))?,
    };
    wish.checked()?;
    Ok(wish)
}

/// The reason of a stop begins with one of a few words, so that stops can be added up.
fn stop_reason(posted: &Posted) -> Result<String, String> {
    let class: StopReason = posted
        .field("class")
        .parse()
        .map_err(|_| "class: expected why the line stands, one of the few words".to_owned())?;
    let words = posted.field("reason");
    Ok(if words.is_empty() {
        class.as_str().to_owned()
    } else {
        format!("{}: {words}", class.as_str())
    })
}

/// What is said above a page that one comes back to.
pub fn done(query: Option<&str>) -> &'static str {
    let fields = link::fields(query.unwrap_or_default());
    let named = fields.iter().find(|(name, _)| name == "done");
    KINDS
        .iter()
        .find(|kind| named.is_some_and(|(_, value)| value == kind.name))
        .map_or("", |kind| kind.done)
}

/// Where one comes back to: the line, a unit, or the recipes.
fn back(posted: &Posted) -> String {
    let path = posted.field("back");
    let plain = |path: &str| !path.contains(['?', '#', '\\', '\r', '\n']) && !path.contains("//");
    if [recipes::PATH, study::PATH].contains(&path) || path.starts_with("/units/") && plain(path) {
        path.to_owned()
    } else {
        "/line".to_owned()
    }
}

/// `POST /acts/…`
pub async fn act(sources: State<Arc<Sources>>, address: Uri, posted: Posted) -> Result<Response, Problem> {
    let unclear = |what: String| Problem::unclear(&sources, what, "Go back, correct it, and send it again.");
    let Some(kind) = KINDS.iter().find(|known| known.address == address.path()) else {
        return Err(Problem::missing(
            &sources,
            "There is no such act.".to_owned(),
            "Open the page of the line.",
        ));
    };
    let act = (kind.read)(&posted).map_err(unclear)?;
    let id = posted
        .field("id")
        .parse()
        .map(ActId)
        .map_err(|_| unclear("id: expected the form's own".to_owned()))?;
    let visitor = Visitor::asking();
    let Some(person) = &visitor.person else {
        return Err(unclear("Nobody is logged in.".to_owned()));
    };
    if !person.role.may(&act) {
        return Err(Problem::new(
            &sources,
            StatusCode::FORBIDDEN,
            "Not allowed",
            format!(
                "{} is {}: that role may not {}.",
                person.name,
                person.role.title(),
                act.needs().title()
            ),
            "Ask somebody who may.",
        ));
    }
    let back = back(&posted);
    match ask(&sources, &person.name, person.role, visitor.from.as_str(), id, act).await {
        Ok(ActAnswer::Done) => Ok(Redirect::to(&format!("{back}?done={}", kind.name)).into_response()),
        Ok(ActAnswer::Refused { why }) => Err(Problem::new(
            &sources,
            StatusCode::CONFLICT,
            "Not done",
            why,
            "The fixture has refused it, and has written down that it was asked.",
        )
        .leading(&back, "Back")),
        Err(error) => Err(unreached(&sources, &error).leading(&back, "Back")),
    }
}

/// The daemon does not do it.
pub fn unreached(sources: &Sources, error: &LinkError) -> Problem {
    match error {
        LinkError::Refused { why, .. } => {
            Problem::unclear(sources, why.clone(), "Go back, correct it, and send it again.")
        }
        LinkError::NotRunning { .. }
        | LinkError::NotAllowed { .. }
        | LinkError::OtherVersion { .. }
        | LinkError::BadMessage { .. }
        | LinkError::Ended { .. }
        | LinkError::Silent { .. } => Problem::new(
            sources,
            StatusCode::SERVICE_UNAVAILABLE,
            "Not done",
            format!("The fixture does not answer: {error}."),
            "Look whether the fixture runs, then send it again: the same form is never done twice.",
        ),
    }
}

/// An act as a program sends it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Asked {
    id: ActId,
    act: Act,
}

/// `POST /api/v1/acts`
pub async fn by_program(sources: State<Arc<Sources>>, body: Bytes) -> Result<Response, api::Problem> {
    let visitor = Visitor::asking();
    let Some(Person {
        account: None,
        name,
        role,
    }) = &visitor.person
    else {
        return Err(api::Problem::who("programs send Authorization: Bearer TOKEN"));
    };
    let asked: Asked = serde_json::from_slice(&body).map_err(|error| api::Problem::unclear(&error))?;
    if matches!(asked.act, Act::Account { .. }) {
        return Err(api::Problem::unclear(
            "an account is changed on the page of people, which has it written down by itself",
        ));
    }
    if !role.may(&asked.act) {
        return Err(api::Problem::not_allowed(format_args!(
            "{name} is {}: that role may not {}",
            role.title(),
            asked.act.needs().title()
        )));
    }
    match ask(&sources, name, *role, visitor.from.as_str(), asked.id, asked.act).await {
        Ok(answer) => Ok(Json(answer).into_response()),
        Err(LinkError::Refused { why, .. }) => Err(api::Problem::unclear(&why)),
        Err(error) => Err(api::Problem::away(&error)),
    }
}

#[derive(Template)]
#[template(path = "line.html")]
struct LinePage {
    frame: Frame,
    done: &'static str,
    form: String,
    ids: Ids,
    stopped: Option<Standing>,
    lot: String,
    work_order: String,
    recipe: String,
    lots: Vec<LotWords>,
    work_orders: Vec<LotWords>,
    refuses: bool,
    lanes: Vec<LaneForms>,
    checks: Vec<LaneCheck>,
    classes: [&'static str; 9],
    alarms: Vec<Alarm>,
    shelves: bool,
    judges: bool,
}

/// A lot or a work order that has a recipe of its own.
struct LotWords {
    /// Its name; empty where it is how names begin.
    name: String,
    /// What is so called.
    fits: String,
    /// The recipe's file, without its ending.
    recipe: String,
}

/// The lots, or the work orders, that the configuration has recipes for.
fn labelled(sources: &Sources, label: Label) -> Vec<LotWords> {
    let entries = sources.lots.entries.iter();
    let entries = entries.filter(|entry| entry.label == label);
    entries
        .map(|entry| LotWords {
            name: match &entry.name {
                LotName::Exactly(name) => name.clone(),
                LotName::Beginning(_) => String::new(),
            },
            fits: entry.name.to_string(),
            recipe: entry
                .recipe
                .file_stem()
                .unwrap_or_default()
                .to_string_lossy()
                .into_owned(),
        })
        .collect()
}

/// Something that a person must act on.
struct Alarm {
    part: String,
    what: String,
    remedy: String,
    age: String,
    id: ActId,
}

/// Why the line stands, for whoever is to let it go on.
struct Standing {
    cause: String,
    wants_acknowledgement: bool,
}

struct LaneForms {
    number: u8,
    unit: String,
    state: String,
    recipe: String,
    start: ActId,
    stop: ActId,
}

/// A lane's golden check that is due.
struct LaneCheck {
    number: u8,
    since: String,
    steps: Vec<CheckStep>,
    consequence: &'static str,
}

/// One step of it.
struct CheckStep {
    what: &'static str,
    /// `done`, `next` or `later`.
    state: &'static str,
}

impl LaneCheck {
    fn of(sources: &Sources, lane: LaneId, check: &CheckView) -> Self {
        let next = Next::of(check).wants;
        let step = |what, mine: Step, done: Done| CheckStep {
            what,
            state: match done {
                Done::Yes => "done",
                Done::No if mine == next => "next",
                Done::No => "later",
            },
        };
        let known_bad = check
            .known_bad
            .map(|done| step("Run the known-bad unit: the lane must fail it", Step::KnownBad, done));
        Self {
            number: lane.number(),
            since: age(sources, check.since),
            steps: [step(
                "Run the golden unit: the lane must pass it",
                Step::Golden,
                check.golden,
            )]
            .into_iter()
            .chain(known_bad)
            .collect(),
            consequence: if check.overdue {
                "Overdue: this lane passes no other unit until it is done."
            } else {
                "Until it is overdue this lane still passes other units."
            },
        }
    }
}

/// Ids of a page's forms.
struct Ids {
    start: ActId,
    stop: ActId,
    acknowledge: ActId,
    lot: ActId,
    work_order: ActId,
    golden_check: ActId,
    language: ActId,
    quarantine: ActId,
    mark: ActId,
}

/// `GET /line`
pub async fn line(sources: State<Arc<Sources>>, RawQuery(query): RawQuery) -> Result<Html<String>, Problem> {
    let heard = sources.newest.borrow().clone();
    let view = View::of(&heard, sources.clock.now());
    let (stop, shown) = match &view.face {
        Face::Live { stop, lanes } => (stop.as_ref(), lanes.as_slice()),
        Face::Commissioning(_) | Face::Gone(_) => (None, [].as_slice()),
    };
    let wants_acknowledgement = heard
        .snapshot
        .as_ref()
        .and_then(|(snapshot, _)| snapshot.line.stopped.as_ref())
        .is_some_and(|stop| stop.wants_acknowledgement);
    let page = LinePage {
        frame: Frame::of(&sources, "line", &view),
        done: done(query.as_deref()),
        form: Visitor::asking().of_form(),
        ids: Ids {
            start: new_id(),
            stop: new_id(),
            acknowledge: new_id(),
            lot: new_id(),
            work_order: new_id(),
            golden_check: new_id(),
            language: new_id(),
            quarantine: new_id(),
            mark: new_id(),
        },
        stopped: stop.map(|stop| Standing {
            cause: stop.cause.clone(),
            wants_acknowledgement,
        }),
        lot: view.lot.clone(),
        work_order: view.work_order.clone(),
        recipe: view.recipe.clone(),
        lots: labelled(&sources, Label::Lot),
        work_orders: labelled(&sources, Label::WorkOrder),
        refuses: sources.lots.unknown == UnknownLots::Refuse,
        lanes: shown
            .iter()
            .map(|lane| LaneForms {
                number: lane.lane.number(),
                unit: lane.serial.clone(),
                state: lane.word.clone(),
                recipe: lane.recipe.clone(),
                start: new_id(),
                stop: new_id(),
            })
            .collect(),
        checks: if shown.is_empty() {
            Vec::new()
        } else {
            let snapshot = heard.snapshot.as_ref().map(|(snapshot, _)| snapshot);
            let lanes = snapshot.map(|snapshot| snapshot.lanes.as_slice()).unwrap_or_default();
            let due = lanes
                .iter()
                .filter_map(|lane| Some((lane.lane, lane.golden_check.as_ref()?)));
            due.map(|(lane, check)| LaneCheck::of(&sources, lane, check)).collect()
        },
        classes: StopReason::ALL.map(StopReason::as_str),
        alarms: view
            .notices
            .iter()
            .map(|notice| Alarm {
                part: notice.part.clone(),
                what: notice.what.clone(),
                remedy: notice.remedy.clone(),
                age: age(&sources, notice.since),
                id: new_id(),
            })
            .collect(),
        shelves: Visitor::asking().has(Right::ChangeTheFixture),
        judges: Visitor::asking().has(Right::JudgeUnits),
    };
    rendered(&sources, &page)
}

/// For how long something is so, in words.
fn age(sources: &Sources, since: WallTime) -> String {
    let seconds = sources.clock.wall().as_second() - since.micros.div_euclid(1_000_000);
    match seconds {
        ..120 => "just now".to_owned(),
        120..7200 => format!("for {} min", seconds / 60),
        7200..172_800 => format!("for {} h", seconds / 3600),
        _ => format!("for {} days", seconds / 86_400),
    }
}

/// The addresses of acts that have a form, with the right that each needs.
pub fn addresses() -> impl Iterator<Item = (&'static str, Right)> {
    KINDS.iter().map(|kind| (kind.address, kind.needs))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_form_needs_the_right_that_its_act_needs() {
        let whole = Posted::of(
            "serial=A-1&reason=why&class=break&disposition=scrap&mark=golden&part=card&minutes=60&lot=L&work_order=W&name=Ana&step=abandon&recipe=r&entries=led%3D-",
        );
        for kind in &KINDS {
            let act = (kind.read)(&whole).unwrap_or_else(|error| panic!("{}: {error}", kind.name));
            assert_eq!(act.needs(), kind.needs, "{}", kind.name);
            assert_eq!(act.kind().as_str(), kind.name);
        }
    }
}
