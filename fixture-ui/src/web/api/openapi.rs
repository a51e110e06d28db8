//! What is asked and answered, as `OpenAPI` 3.1 describes it. Tests hold it against real answers.

use fixture_ledger::evaluation::Grade;
use fixture_ledger::record::{ChangeKind, Purpose};
use fixture_ledger::report::{PAGE_LIMIT, Reached, Sort};
use fixture_ledger::yields::By;
use fixture_link::act::{ActKind, Mark, StopReason};
use fixture_link::identity::LaneId;
use fixture_link::verdict::{Outcome, Refusal, VerdictCode};
use serde_json::{Map, Value, json};

use crate::web::shift_report::Progress;

/// The document.
pub fn document() -> Value {
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Fixture reports",
            "version": "1",
            "description": "Yields, failures, runs and units of a fixture, read from its ledger with GET, and acts, which are sent with POST. Fields are \
                            only ever added. From the network every request carries a token; without a good one it is answered with 401. \
                            Instants are RFC 3339, UTC, with microseconds; lengths of time are seconds where a name ends in _s. \
                            A parameter that is empty is taken as left out."
        },
        "paths": {
            "/api/v1/yields": get(
                "Yields of the units that were seated on some days, with Wilson's 95 % intervals. Golden units are only in `runs` and `set_aside`.",
                &[days(), scope(), vec![
                    query("each", &json!({"type": "string", "enum": ["span", "day", "hour"]}), "Which spans of time are told of one by one; at most 1000."),
                    query("by", &names(By::ALL.map(By::as_str)), "By what runs are told apart."),
                ]].concat(),
                "Yields",
                &["400", "503"],
            ),
            "/api/v1/failures": get(
                "How often each code but `ok` was the verdict, most often first.",
                &[days(), scope()].concat(),
                "Failures",
                &["400", "503"],
            ),
            "/api/v1/shift-report": get(
                "One shift of the configuration's calendar: yields, lanes, failures, refusals, stops, effectiveness, times and what it was worked with.",
                &[
                    query("day", &json!({"type": "string", "format": "date"}), "The day on which it begins; without day and shift, the shift that ended last."),
                    query("shift", &json!({"type": "string"}), "Its name; the first of the day where none is given."),
                ],
                "ShiftReport",
                &["400", "503"],
            ),
            "/api/v1/study": get(
                "A gauge study with its runs and what it comes to, and whether the fixture has passed its study now.",
                &[query("study", &json!({"type": "integer", "minimum": 1}), "Its number; the newest where none is given.")],
                "StudyReport",
                &["400", "404", "503"],
            ),
            "/api/v1/runs": get(
                "A page of runs that fit everything that is asked for.",
                &[runs(), vec![
                    query("limit", &json!({"type": "integer", "minimum": 1, "maximum": PAGE_LIMIT, "default": 50}), "How many."),
                    query("before", &json!({"type": "string"}), "The `next` of the page before."),
                ]].concat(),
                "Runs",
                &["400", "503"],
            ),
            "/api/v1/runs/{id}": get(
                "Everything about a run but its recorded light.",
                &[path("id", &json!({"type": "string", "format": "uuid"}), "The run's id.")],
                "RunWhole",
                &["400", "404", "503"],
            ),
            "/api/v1/units/{serial}": get(
                "Every run of a unit, newest first.",
                &[path("serial", &json!({"type": "string", "minLength": 1, "maxLength": 64}), "The unit's serial.")],
                "UnitRuns",
                &["400", "404", "503"],
            ),
            "/api/v1/acts": {"post": acts()},
            "/api/v1/openapi.json": {"get": {
                "summary": "This document.",
                "responses": {
                    "200": {"description": "It.", "content": {"application/json": {"schema": {"type": "object"}}}},
                    "401": problem(),
                }
            }},
        },
        "components": {
            "schemas": schemas(),
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}}
        },
        "security": [{"token": []}]
    })
}

/// What people do, done by a program.
fn acts() -> Value {
    let problem = |says: &str| json!({"description": says, "content": {"application/problem+json": {"schema": reference("Problem")}}});
    let answer = json!({"oneOf": [
        object([("answer", json!({"const": "done"}))]),
        object([("answer", json!({"const": "refused"})), ("why", json!({"type": "string"}))]),
    ]});
    let kinds = ActKind::ALL.into_iter().filter(|kind| *kind != ActKind::Account);
    let act = json!({
        "type": "object",
        "description": "The kind of act, and what it needs beside: lane, serial, reason, note, lot, work_order, name, disposition, mark, part, minutes, language, step (of a study: \"end\", \"abandon\", or begin with units, people and times).",
        "properties": {"kind": {"type": "string", "enum": kinds.map(ActKind::as_str).collect::<Vec<_>>()}},
        "required": ["kind"]
    });
    let body = object([("id", json!({"type": "string", "format": "uuid"})), ("act", act)]);
    json!({
        "summary": "Something that a person could do, audited under the token's name. The same id again is answered as the first time and not done again.",
        "requestBody": {"required": true, "content": {"application/json": {"schema": body}}},
        "responses": {
            "200": {"description": "It was done, or refused; both are audited.", "content": {"application/json": {"schema": answer}}},
            "400": problem("It makes no sense."),
            "401": problem("No token, or none that is good."),
            "403": problem("The token's role may not."),
            "503": problem("The fixture does not answer."),
        }
    })
}

fn query(name: &str, schema: &Value, says: &str) -> Value {
    json!({"name": name, "in": "query", "required": false, "schema": schema, "description": says})
}

fn path(name: &str, schema: &Value, says: &str) -> Value {
    json!({"name": name, "in": "path", "required": true, "schema": schema, "description": says})
}

fn days() -> Vec<Value> {
    let date = json!({"type": "string", "format": "date"});
    vec![
        query(
            "day",
            &date,
            "One day, as the fixture's time zone has it; today where no day is named.",
        ),
        query("from", &date, "The first day."),
        query("to", &date, "The last day."),
    ]
}

fn scope() -> Vec<Value> {
    let text = json!({"type": "string"});
    vec![
        query("lane", &lane(), "On this lane."),
        query("lot", &text, "Of this lot."),
        query("work_order", &text, "Of this work order."),
        query("recipe", &text, "With this recipe."),
        query("operator", &text, "By this operator."),
        query("software", &text, "With this version of the software."),
    ]
}

fn runs() -> Vec<Value> {
    let mut runs = vec![
        query("serial", &json!({"type": "string"}), "How the serial begins."),
        query(
            "outcome",
            &names(Outcome::ALL.map(Outcome::as_str)),
            "With this outcome.",
        ),
        query(
            "code",
            &names(VerdictCode::ALL.map(VerdictCode::as_str)),
            "With this code.",
        ),
        query(
            "purpose",
            &names(Purpose::ALL.map(Purpose::as_str)),
            "Of units that were run for this.",
        ),
        query(
            "reached",
            &names(Reached::ALL.map(Reached::as_str)),
            "Of units that got so far and no further.",
        ),
        query("sort", &names(Sort::ALL.map(Sort::as_str)), "In which order."),
    ];
    runs.extend(scope());
    runs.extend(days());
    runs
}

fn lane() -> Value {
    json!({"type": "integer", "minimum": 1, "maximum": LaneId::MOST})
}

fn names<const N: usize>(names: [&str; N]) -> Value {
    json!({"type": "string", "enum": names.as_slice()})
}

fn get(says: &str, parameters: &[Value], answer: &str, problems: &[&str]) -> Value {
    let mut responses = Map::new();
    responses.insert(
        "200".to_owned(),
        json!({"description": "The answer.", "content": {"application/json": {"schema": reference(answer)}}}),
    );
    // Whoever may not look is told so before anything else is looked at.
    for status in problems.iter().chain(&["401"]) {
        responses.insert((*status).to_owned(), problem());
    }
    json!({"get": {"summary": says, "parameters": parameters, "responses": responses}})
}

fn problem() -> Value {
    json!({"description": "A problem.", "content": {"application/problem+json": {"schema": reference("Problem")}}})
}

fn reference(name: &str) -> Value {
    json!({"$ref": format!("#/components/schemas/{name}")})
}

/// An object with all of these and no others.
fn object<const N: usize>(fields: [(&str, Value); N]) -> Value {
    let names: Vec<&str> = fields.iter().map(|(name, _)| *name).collect();
    let required = json!(names);
    let properties: Map<String, Value> = fields.into_iter().map(|(name, of)| (name.to_owned(), of)).collect();
    json!({"type": "object", "properties": properties, "required": required, "additionalProperties": false})
}

fn list(of: &Value) -> Value {
    json!({"type": "array", "items": of})
}

fn or_nothing(of: &Value) -> Value {
    json!({"anyOf": [of, {"type": "null"}]})
}

#[expect(clippy::too_many_lines, reason = "a list")]
fn schemas() -> Value {
    let text = json!({"type": "string"});
    let flag = json!({"type": "boolean"});
    let count = json!({"type": "integer", "minimum": 0});
    let number = json!({"type": "number"});
    let share = json!({"type": "number", "minimum": 0, "maximum": 1});
    let instant = json!({"type": "string", "format": "date-time"});
    let moment = reference("Moment");
    let purpose = names(Purpose::ALL.map(Purpose::as_str));
    let class = names(["unit", "evidence", "fixture", "network", "operator", "power"]);
    let code = names(VerdictCode::ALL.map(VerdictCode::as_str));
    let outcome = names(Outcome::ALL.map(Outcome::as_str));
    json!({
        "Problem": object([
            ("type", json!({"type": "string", "const": "about:blank"})),
            ("title", text.clone()),
            ("status", json!({"type": "integer", "minimum": 400, "maximum": 599})),
            ("detail", text.clone()),
        ]),
        "Share": object([
            ("passed", count.clone()),
            ("total", count.clone()),
            ("share", or_nothing(&share)),
            ("low", or_nothing(&share)),
            ("high", or_nothing(&share)),
        ]),
        "OneYield": object([
            ("from", instant.clone()),
            ("until", instant.clone()),
            ("of", text.clone()),
            ("runs", count.clone()),
            ("set_aside", count.clone()),
            ("simulated", count.clone()),
            ("suspected", count.clone()),
            ("outcomes", object(Outcome::ALL.map(|outcome| (outcome.as_str(), count.clone())))),
            ("first_pass", reference("Share")),
            ("second_pass", reference("Share")),
            ("last_pass", reference("Share")),
            ("attempts", reference("Share")),
            ("reached", object(Reached::ALL.map(|reached| (reached.as_str(), count.clone())))),
        ]),
        "Yields": object([
            ("from", instant.clone()),
            ("until", instant.clone()),
            ("each", names(["span", "day", "hour"])),
            ("by", names(By::ALL.map(By::as_str))),
            ("yields", list(&reference("OneYield"))),
        ]),
        "OneFailure": object([
            ("code", code.clone()),
            ("class", class.clone()),
            ("outcome", outcome.clone()),
            ("title", text.clone()),
            ("runs", count.clone()),
            ("first", count.clone()),
            ("suspected", count.clone()),
        ]),
        "Failures": object([
            ("from", instant.clone()),
            ("until", instant.clone()),
            ("runs", count.clone()),
            ("set_aside", count.clone()),
            ("simulated", count.clone()),
            ("failures", list(&reference("OneFailure"))),
        ]),
        "Refused": object([("refusal", names(Refusal::ALL.map(Refusal::as_str))), ("starts", count.clone())]),
        "Stopped": object([
            ("from", instant.clone()),
            ("until", instant.clone()),
            ("lasts", flag.clone()),
            ("reason", names(StopReason::ALL.map(StopReason::as_str))),
            ("planned", flag.clone()),
            ("cause", text.clone()),
            ("lane", or_nothing(&lane())),
        ]),
        "Effectiveness": object([
            ("planned_s", number.clone()),
            ("able_s", number.clone()),
            ("availability", or_nothing(&share)),
            ("performance", or_nothing(&number)),
            ("quality", or_nothing(&share)),
            ("oee", or_nothing(&number)),
        ]),
        "Cycle": object([
            ("units", count.clone()),
            ("median_s", or_nothing(&number)),
            ("p95_s", or_nothing(&number)),
            ("longest_s", or_nothing(&number)),
            ("takt_s", or_nothing(&number)),
        ]),
        "Changed": object([
            ("at", moment.clone()),
            ("kind", names(ChangeKind::ALL.map(ChangeKind::as_str))),
            ("detail", text.clone()),
        ]),
        "Met": object([
            ("fixture", text.clone()),
            ("software", text.clone()),
            ("recipe", text.clone()),
            ("recipe_version", text.clone()),
            ("pass_rule", text.clone()),
            ("simulated", flag.clone()),
            ("lot", text.clone()),
            ("work_order", text.clone()),
            ("operator", text.clone()),
            ("purpose", purpose),
            ("runs", count.clone()),
        ]),
        "Sealed": object([("verdict", count.clone()), ("seal", text.clone())]),
        "ShiftReport": object([
            ("fixture", text.clone()),
            ("day", json!({"type": "string", "format": "date"})),
            ("shift", text.clone()),
            ("zone", text.clone()),
            ("from", instant.clone()),
            ("until", instant.clone()),
            ("progress", names(Progress::ALL.map(Progress::as_str))),
            ("read", instant.clone()),
            ("last_verdict", or_nothing(&moment)),
            ("unjudged", count.clone()),
            ("unsynchronised", count.clone()),
            ("total", reference("OneYield")),
            ("lanes", list(&reference("OneYield"))),
            ("failures", list(&reference("OneFailure"))),
            ("refusals", list(&reference("Refused"))),
            ("stops", list(&reference("Stopped"))),
            ("effectiveness", reference("Effectiveness")),
            ("cycle", reference("Cycle")),
            ("changes", list(&reference("Changed"))),
            ("met", list(&reference("Met"))),
            ("last_seal", or_nothing(&reference("Sealed"))),
            ("study", reference("StudyStanding")),
        ]),
        "StudyStanding": object([
            ("passed", flag.clone()),
            ("conditionally", flag.clone()),
            ("study", or_nothing(&count)),
            ("why_not", or_nothing(&names(["never-made", "failed", "expired", "fixture-changed", "software-changed", "made-on-a-simulated-jig"]))),
            ("until", or_nothing(&instant)),
            ("says", text.clone()),
        ]),
        "StudyUnit": object([
            ("serial", text.clone()),
            ("mark", names(Mark::ALL.map(Mark::as_str))),
            ("done", list(&count)),
        ]),
        "StudyEnd": object([
            ("at", moment.clone()),
            ("by", text.clone()),
            ("reason", text.clone()),
            ("abandoned", flag.clone()),
        ]),
        "StudyRun": object([
            ("run", json!({"type": "string", "format": "uuid"})),
            ("serial", text.clone()),
            ("operator", text.clone()),
            ("seated", moment.clone()),
            ("code", code.clone()),
            ("counts", flag.clone()),
            ("why_not", or_nothing(&text)),
            ("simulated", flag.clone()),
        ]),
        "StudyShare": object([
            ("alike", count.clone()),
            ("of", count.clone()),
            ("share", or_nothing(&share)),
            ("low", or_nothing(&share)),
            ("high", or_nothing(&share)),
        ]),
        "PersonAgreement": object([
            ("person", text.clone()),
            ("within", reference("StudyShare")),
            ("within_kappa", or_nothing(&number)),
            ("right", reference("StudyShare")),
            ("right_kappa", or_nothing(&number)),
        ]),
        "StudyAgreement": object([
            ("people", list(&reference("PersonAgreement"))),
            ("between", reference("StudyShare")),
            ("kappa", or_nothing(&number)),
            ("right", reference("StudyShare")),
            ("right_kappa", or_nothing(&number)),
        ]),
        "StudyVariation": object([
            ("repeatability", number.clone()),
            ("reproducibility", number.clone()),
            ("interaction", number.clone()),
            ("interaction_chance", share.clone()),
            ("interaction_pooled", flag.clone()),
            ("gauge", number.clone()),
            ("units", number.clone()),
            ("total", number.clone()),
            ("grr_of_total", or_nothing(&share)),
            ("ndc", or_nothing(&count)),
        ]),
        "StudyVariable": object([
            ("what", text.clone()),
            ("scale", or_nothing(&text)),
            ("least", or_nothing(&number)),
            ("most", or_nothing(&number)),
            ("units", count.clone()),
            ("left_out", count.clone()),
            ("cannot_be_told", or_nothing(&text)),
            ("variation", or_nothing(&reference("StudyVariation"))),
            ("grr_of_tolerance", or_nothing(&number)),
            ("decides", flag.clone()),
            ("grade", or_nothing(&names(Grade::ALL.map(Grade::as_str)))),
        ]),
        "OneStudy": object([
            ("number", count.clone()),
            ("began", moment.clone()),
            ("began_by", text.clone()),
            ("reason", text.clone()),
            ("people", list(&text)),
            ("times", count.clone()),
            ("units", list(&reference("StudyUnit"))),
            ("left", count.clone()),
            ("ended", or_nothing(&reference("StudyEnd"))),
            ("runs", list(&reference("StudyRun"))),
            ("grade", names(Grade::ALL.map(Grade::as_str))),
            ("reasons", list(&text)),
            ("agreement", or_nothing(&reference("StudyAgreement"))),
            ("variables", list(&reference("StudyVariable"))),
        ]),
        "StudyReport": object([
            ("standing", reference("StudyStanding")),
            ("study", or_nothing(&reference("OneStudy"))),
        ]),
        "Moment": object([("at", instant), ("synchronised", flag.clone())]),
        "Verdict": object([
            ("outcome", outcome),
            ("code", code),
            ("class", class),
            ("title", text.clone()),
            ("detail", text.clone()),
            ("stage", or_nothing(&text)),
            ("took_s", or_nothing(&number)),
            ("ended", moment.clone()),
            ("device_id", or_nothing(&text)),
            ("agent_url", or_nothing(&text)),
            ("samples_lost", count.clone()),
            ("first", flag.clone()),
        ]),
        "Run": object([
            ("run", json!({"type": "string", "format": "uuid"})),
            ("lane", lane()),
            ("serial", or_nothing(&text)),
            ("operator", text.clone()),
            ("lot", text.clone()),
            ("work_order", text.clone()),
            ("seated", moment.clone()),
            ("recipe", text.clone()),
            ("pass_rule", names(["blessed", "claimed", "led-only"])),
            ("simulated", flag),
            ("verdict", or_nothing(&reference("Verdict"))),
            ("attempts", count.clone()),
            ("annotations", count.clone()),
        ]),
        "Runs": object([("runs", list(&reference("Run"))), ("next", or_nothing(&text))]),
        "UnitRuns": object([
            ("serial", text.clone()),
            ("passed", json!({"type": "boolean"})),
            ("runs", list(&reference("Run"))),
        ]),
        "Attempt": object([
            ("number", count.clone()),
            ("rate", count.clone()),
            ("level_permille", count.clone()),
            ("mid_permille", or_nothing(&count)),
            ("began_s", number.clone()),
            ("took_s", number.clone()),
            ("token_id", or_nothing(&text)),
            ("result", text.clone()),
            ("symbols", count.clone()),
            ("latest_us", count.clone()),
            ("loop_back_bright", or_nothing(&number)),
        ]),
        "Reading": object([("at_s", number.clone()), ("codes", list(&text)), ("confidence", share)]),
        "Fact": object([("at_s", number.clone()), ("kind", text.clone()), ("detail", text.clone())]),
        "Measured": object([
            ("what", text.clone()),
            ("scale", text.clone()),
            ("value", number.clone()),
            ("deviation", number.clone()),
            ("least", or_nothing(&number)),
            ("most", or_nothing(&number)),
        ]),
        "Note": object([("at", moment.clone()), ("kind", text.clone()), ("detail", text.clone())]),
        "RunWhole": object([
            ("run", reference("Run")),
            ("fixture", text.clone()),
            ("software", text.clone()),
            ("recipe_version", text),
            ("lifted", or_nothing(&moment)),
            ("attempts", list(&reference("Attempt"))),
            ("readings", list(&reference("Reading"))),
            ("evidence", list(&reference("Fact"))),
            ("measurements", list(&reference("Measured"))),
            ("annotations", list(&reference("Note"))),
            ("light", count),
        ]),
    })
}
