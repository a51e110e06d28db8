//! What other programs get: exports and answers of the interface, held against what they are said to be.

use std::collections::{BTreeMap, BTreeSet};

use axum::http::HeaderMap;
use fixture_ledger::chain::verify_export;
use fixture_ledger::export::COLUMNS;
use fixture_ledger::record::{ChangeKind, RefusedStart, StopKind};
use fixture_link::snapshot::LineStop;
use fixture_link::verdict::Refusal;
use serde_json::Value;

use super::*;
use crate::web::api::openapi;

async fn fetched(sources: &Sources, address: &str) -> (StatusCode, HeaderMap, String) {
    let request = Request::get(address).body(Body::empty()).unwrap();
    let response = router(sources.clone()).oneshot(request).await.unwrap();
    let (status, headers) = (response.status(), response.headers().clone());
    let body = axum::body::to_bytes(response.into_body(), 40_000_000).await.unwrap();
    (status, headers, String::from_utf8(body.to_vec()).unwrap())
}

/// A ledger with runs of every kind, and hostile names.
pub(super) async fn mixed() -> (tempfile::TempDir, std::path::PathBuf) {
    let (folder, path, mut ledger) = ledger().await;
    store(&mut ledger, 1, "=cmd|' /C calc'!A0", VerdictCode::StuckJoining, trace()).await;
    store(
        &mut ledger,
        2,
        "\"quoted\", <script>alert(1)</script>",
        VerdictCode::Ok,
        Vec::new(),
    )
    .await;
    store(&mut ledger, 3, "+SN-3", VerdictCode::LampWeak, Vec::new()).await;
    store(&mut ledger, 4, "SN-0004", VerdictCode::Ok, Vec::new()).await;
    begin(&mut ledger, 5, "SN-0005").await;
    let hour = 3_600_000_000;
    let stop = LineStop {
        since: wall(NOON + hour),
        code: None,
        cause: "changeover: <i>lot</i>".to_owned(),
        lane: Some(LaneId::new(2).unwrap()),
        wants_acknowledgement: false,
    };
    ledger.record_stop(&stop).await.unwrap();
    ledger.record_go(StopKind::Person, wall(NOON + 2 * hour)).await.unwrap();
    ledger
        .record_change(ChangeKind::Lamp, "lane 2: a new LED", wall(NOON))
        .await
        .unwrap();
    refuse(&mut ledger).await;
    ledger.lifted(run_id(2), wall(NOON + 300_000_000)).await.unwrap();
    let note = Annotation {
        run: run_id(1),
        kind: AnnotationKind::SuspectedNetwork,
        detail: "three in a row".to_owned(),
    };
    ledger.annotate(&[note], wall(NOON + 999_000_000)).await.unwrap();
    (folder, path)
}

/// A start that is not allowed.
async fn refuse(ledger: &mut Ledger) {
    let setup = ledger.setup(&setup()).await.unwrap();
    let refused = RefusedStart {
        lane: LaneId::new(1).unwrap(),
        serial: None,
        refusal: Refusal::NoSerial,
        detail: String::new(),
    };
    ledger.record_refusal(setup, &refused, wall(NOON)).await.unwrap();
}

/// The rows of a CSV file as RFC 4180 has it.
fn csv_rows(text: &str) -> Vec<Vec<String>> {
    let (mut rows, mut row, mut cell, mut quoted) = (Vec::new(), Vec::new(), String::new(), false);
    let mut letters = text.chars().peekable();
    while let Some(letter) = letters.next() {
        match letter {
            '"' if quoted && letters.peek() == Some(&'"') => {
                letters.next();
                cell.push('"');
            }
            '"' => quoted = !quoted,
            ',' if !quoted => row.push(core::mem::take(&mut cell)),
            '\r' if !quoted => {
                assert_eq!(letters.next(), Some('\n'));
                row.push(core::mem::take(&mut cell));
                rows.push(core::mem::take(&mut row));
            }
            letter => cell.push(letter),
        }
    }
    assert!(
        row.is_empty() && cell.is_empty() && !quoted,
        "the last row ends as every other"
    );
    rows
}

#[tokio::test]
async fn a_csv_export_is_safe_for_spreadsheets_and_says_what_is_simulated() {
    let (_folder, path) = mixed().await;
    let (_keep, sources) = sources(&path, Heard::default());
    let (status, headers, text) = fetched(&sources, "/export/runs.csv?sort=oldest&day=2026-09-21").await;
    assert_eq!(status, StatusCode::OK);
    assert_eq!(headers[header::CONTENT_TYPE], "text/csv; charset=utf-8; header=present");
    assert_eq!(
        headers[header::CONTENT_DISPOSITION],
        "attachment; filename=\"Line-3-fixture-A-runs-2026-09-21.csv\""
    );
    let rows = csv_rows(&text);
    assert_eq!(rows[0], COLUMNS.map(|column| column.name));
    assert_eq!(rows.len(), 6);
    let cell = |row: usize, name: &str| {
        let place = COLUMNS.iter().position(|column| column.name == name).unwrap();
        rows[row][place].as_str()
    };
    assert_eq!(cell(1, "serial"), "'=cmd|' /C calc'!A0");
    assert_eq!(cell(2, "serial"), "\"quoted\", <script>alert(1)</script>");
    assert_eq!(cell(3, "serial"), "'+SN-3");
    assert_eq!(cell(1, "seated"), "2026-09-21T12:01:00.000000Z");
    assert_eq!(cell(1, "took_s"), "10.400000");
    assert_eq!((cell(1, "class"), cell(3, "class")), ("unit", "fixture"));
    assert_eq!((cell(1, "suspected"), cell(2, "suspected")), ("true", "false"));
    assert_eq!((cell(1, "red_die"), cell(1, "led_scale")), ("1204.46", ""));
    assert_eq!((cell(5, "outcome"), cell(5, "code")), ("", ""));
    for row in &rows {
        assert_eq!(row.len(), COLUMNS.len());
        assert!(
            row.iter()
                .all(|cell| !cell.starts_with(['=', '+', '-', '@', '\t', '\r'])),
            "{row:?}"
        );
    }
    assert!((1..6).all(|row| cell(row, "simulated") == "SIMULATED"));
}

#[tokio::test]
async fn json_lines_hold_the_same_as_csv() {
    let (_folder, path) = mixed().await;
    let (_keep, sources) = sources(&path, Heard::default());
    let (_, _, csv) = fetched(&sources, "/export/runs.csv?outcome=PASS").await;
    let (status, headers, lines) = fetched(&sources, "/export/runs.jsonl?outcome=PASS").await;
    assert_eq!(status, StatusCode::OK);
    assert_eq!(
        headers[header::CONTENT_DISPOSITION],
        "attachment; filename=\"Line-3-fixture-A-runs-all.jsonl\""
    );
    let rows = csv_rows(&csv);
    let objects: Vec<BTreeMap<String, Value>> = lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!((rows.len(), objects.len()), (3, 2));
    for (row, object) in rows[1..].iter().zip(&objects) {
        assert_eq!(object.len(), COLUMNS.len());
        for (column, cell) in COLUMNS.iter().zip(row) {
            let said = match &object[column.name] {
                Value::Null => String::new(),
                Value::String(text) => text.clone(),
                Value::Number(number) if column.name == "took_s" => format!("{:.6}", number.as_f64().unwrap()),
                other @ (Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_)) => other.to_string(),
            };
            assert_eq!(said, *cell, "{}", column.name);
        }
    }
}

#[tokio::test]
async fn exported_records_fit_their_seals_and_a_changed_one_does_not() {
    let (_folder, path) = mixed().await;
    let (_keep, sources) = sources(&path, Heard::default());
    let (status, _, all) = fetched(&sources, "/export/records.jsonl").await;
    assert_eq!(status, StatusCode::OK);
    let verified = verify_export(all.as_bytes(), None).unwrap();
    assert_eq!((verified.fit, verified.misfit), (4, None));
    let (_, _, some) = fetched(&sources, "/export/records.jsonl?outcome=PASS").await;
    let verified = verify_export(some.as_bytes(), None).unwrap();
    assert_eq!((verified.fit, verified.misfit), (2, None));
    assert!(some.lines().all(|line| all.contains(line)));
    let changed = some.replacen("\"outcome\":\"PASS\"", "\"outcome\":\"FAIL\"", 1);
    assert_ne!(changed, some);
    assert_eq!(
        verify_export(changed.as_bytes(), None).unwrap().misfit.unwrap().run,
        Some(run_id(2))
    );
    let (_, _, none) = fetched(&sources, "/export/records.jsonl?lane=8").await;
    assert_eq!(none, "");
}

#[test]
fn the_documented_columns_are_those_of_the_program() {
    let documented: Vec<(String, String)> = include_str!("../../../../docs/export.md")
        .lines()
        .filter_map(|line| {
            let (name, says) = line.strip_prefix("| `")?.split_once("` | ")?;
            Some((name.to_owned(), says.strip_suffix(" |")?.to_owned()))
        })
        .collect();
    let program = COLUMNS.map(|column| (column.name.to_owned(), column.says.to_owned()));
    assert_eq!(documented, program, "columns are only ever added, at the end");
}

#[tokio::test]
async fn an_export_is_explained_with_the_filters_of_the_list() {
    let (_folder, path) = mixed().await;
    let (_keep, sources) = sources(&path, Heard::default());
    let (status, page) = get(sources.clone(), "/runs?lot=LOT-7&sort=oldest").await;
    assert_eq!(status, StatusCode::OK);
    assert!(page.contains("href=\"/export?lot=LOT-7&#38;sort=oldest\""), "{page}");
    let (status, page) = get(sources.clone(), "/export?lot=LOT-7&serial=%22%3Cb%3E").await;
    assert_eq!(status, StatusCode::OK);
    assert!(
        page.contains("/export/runs.csv?serial=%22%3Cb%3E&#38;lot=LOT-7"),
        "{page}"
    );
    assert!(page.contains("lot: LOT-7") && !page.contains("<b>"), "{page}");
    assert!(page.contains("<code>led_strength</code>"));
}

/// What does not fit a schema: a path and what is wrong there. Every property that was seen is noted.
#[expect(clippy::too_many_lines, reason = "a keyword of the schema after another")]
fn misfits(document: &Value, schema: &Value, value: &Value, at: &str, seen: &mut BTreeSet<String>) -> Vec<String> {
    let object = schema.as_object().unwrap();
    for keyword in object.keys() {
        let known = [
            "$ref",
            "anyOf",
            "type",
            "properties",
            "required",
            "additionalProperties",
            "items",
            "enum",
            "const",
            "format",
            "minimum",
            "maximum",
            "default",
        ];
        assert!(
            known.contains(&keyword.as_str()),
            "{at}: this test does not know {keyword}"
        );
    }
    if let Some(reference) = object.get("$ref") {
        let name = reference
            .as_str()
            .unwrap()
            .strip_prefix("#/components/schemas/")
            .unwrap();
        let schema = &document["components"]["schemas"][name];
        assert!(schema.is_object(), "{name}");
        return misfits(document, schema, value, name, seen);
    }
    if let Some(any) = object.get("anyOf") {
        let all = any.as_array().unwrap().iter();
        let found: Vec<_> = all.map(|schema| misfits(document, schema, value, at, seen)).collect();
        return if found.iter().any(Vec::is_empty) {
            Vec::new()
        } else {
            found.concat()
        };
    }
    let mut wrong = Vec::new();
    let mut check = |fits: bool, what: &str| {
        if !fits {
            wrong.push(format!("{at}: {value}: {what}"));
        }
    };
    let number = value.as_f64();
    match object["type"].as_str().unwrap() {
        "object" => check(value.is_object(), "an object"),
        "array" => check(value.is_array(), "an array"),
        "string" => check(value.is_string(), "a string"),
        "boolean" => check(value.is_boolean(), "a boolean"),
        "integer" => check(value.is_u64() || value.is_i64(), "an integer"),
        "number" => check(value.is_number(), "a number"),
        "null" => check(value.is_null(), "null"),
        other => panic!("{other}"),
    }
    if let Some(names) = object.get("enum") {
        check(names.as_array().unwrap().contains(value), "one of its names");
    }
    if let Some(constant) = object.get("const") {
        check(value == constant, "its constant");
    }
    if let Some(least) = object.get("minimum") {
        check(
            number.is_none_or(|number| number >= least.as_f64().unwrap()),
            "too small",
        );
    }
    if let Some(most) = object.get("maximum") {
        check(
            number.is_none_or(|number| number <= most.as_f64().unwrap()),
            "too large",
        );
    }
    if let (Some(format), Some(text)) = (object.get("format"), value.as_str()) {
        match format.as_str().unwrap() {
            "date" => check(text.parse::<jiff::civil::Date>().is_ok(), "a date"),
            "date-time" => check(
                text.parse::<jiff::Timestamp>().is_ok() && text.ends_with('Z'),
                "an instant",
            ),
            "uuid" => check(text.parse::<Uuid>().is_ok(), "a UUID"),
            other => panic!("{other}"),
        }
    }
    if let (Some(properties), Some(fields)) = (object.get("properties"), value.as_object()) {
        let properties = properties.as_object().unwrap();
        assert_eq!(object["additionalProperties"], false);
        for name in object["required"].as_array().unwrap() {
            check(
                fields.contains_key(name.as_str().unwrap()),
                &format!("{name} is missing"),
            );
        }
        for name in fields.keys() {
            check(properties.contains_key(name), &format!("{name} is not described"));
        }
        for (name, schema) in properties {
            if let Some(value) = fields.get(name) {
                let inner = format!("{at}.{name}");
                if !value.is_null() {
                    seen.insert(inner.clone());
                }
                wrong.extend(misfits(document, schema, value, &inner, seen));
            }
        }
    }
    if let (Some(items), Some(values)) = (object.get("items"), value.as_array()) {
        for value in values {
            wrong.extend(misfits(document, items, value, &format!("{at}[]"), seen));
        }
    }
    wrong
}

/// Every property that a schema describes, named as [`misfits`] notes it.
fn described(schema: &Value, at: &str, names: &mut BTreeSet<String>) {
    if let Some(any) = schema.get("anyOf") {
        any.as_array()
            .unwrap()
            .iter()
            .for_each(|schema| described(schema, at, names));
    }
    if let Some(items) = schema.get("items") {
        described(items, &format!("{at}[]"), names);
    }
    for (name, schema) in schema
        .get("properties")
        .and_then(Value::as_object)
        .into_iter()
        .flatten()
    {
        names.insert(format!("{at}.{name}"));
        described(schema, &format!("{at}.{name}"), names);
    }
}

#[tokio::test]
#[expect(clippy::too_many_lines, reason = "an answer after another")]
async fn the_interface_answers_as_its_document_says() {
    let (_folder, path) = mixed().await;
    let (_keep, mut sources) = sources(&path, Heard::default());
    sources.clock = Clock::standing_at(NOON + 13 * 3_600_000_000);
    sources.shifts = days_with_a_takt();
    let studied = |path: &Path| {
        let (_, mut studied) = super::sources(path, Heard::default());
        studied.clock = Clock::standing_at(NOON + 13 * 3_600_000_000);
        studied
    };
    let (_passed, passed) = super::study::passed().await;
    let (_failed, failed) = super::study::failed().await;
    let (passed, failed) = (studied(&passed), studied(&failed));
    let (status, _, document) = fetched(&sources, "/api/v1/openapi.json").await;
    assert_eq!(status, StatusCode::OK);
    let document: Value = serde_json::from_str(&document).unwrap();
    assert_eq!(document, openapi::document());
    let whole = format!("/api/v1/runs/{}", run_id(2));
    let noted = format!("/api/v1/runs/{}", run_id(1));
    let unknown = format!("/api/v1/runs/{}", run_id(99));
    let damaged = nothing();
    let from_afar = Sources {
        door: Door::Network,
        ..sources.clone()
    };
    let mut seen = BTreeSet::new();
    let mut asked = BTreeSet::new();
    for (template, address, status) in [
        ("yields", "/api/v1/yields?day=2026-09-21&each=hour&by=lane", 200),
        (
            "yields",
            "/api/v1/yields?from=2026-09-20&to=2026-09-22&each=day&lot=LOT-7",
            200,
        ),
        ("yields", "/api/v1/yields?day=2026-09-21", 200),
        ("yields", "/api/v1/yields", 200),
        ("yields", "/api/v1/yields?each=minute", 400),
        ("failures", "/api/v1/failures?day=2026-09-21&operator=console", 200),
        ("failures", "/api/v1/failures?by=lane", 400),
        ("shift-report", "/api/v1/shift-report?day=2026-09-21", 200),
        ("shift-report", "/api/v1/shift-report?day=2026-09-22&shift=day", 200),
        ("shift-report", "/api/v1/shift-report", 200),
        ("shift-report", "/api/v1/shift-report?day=2026-09-21&shift=night", 400),
        ("runs", "/api/v1/runs?day=2026-09-21&limit=2", 200),
        ("runs", "/api/v1/runs?sort=oldest", 200),
        ("runs", "/api/v1/runs?lane=9", 400),
        ("runs/{id}", &whole, 200),
        ("runs/{id}", &noted, 200),
        ("runs/{id}", &unknown, 404),
        ("runs/{id}", "/api/v1/runs/none", 400),
        ("units/{serial}", "/api/v1/units/SN-0004", 200),
        ("units/{serial}", "/api/v1/units/%2BSN-3", 200),
        ("units/{serial}", "/api/v1/units/none", 404),
        ("units/{serial}", "/api/v1/units/%ff", 400),
        ("openapi.json", "/api/v1/openapi.json", 200),
        ("yields", "", 503),
        ("failures", "", 503),
        ("shift-report", "", 503),
        ("study", "/api/v1/study", 200),
        ("study", "/api/v1/study?study=01", 200),
        ("study", "/api/v1/study?study=1", 200),
        ("study", "/api/v1/study?study=9", 404),
        ("study", "/api/v1/study?study=x", 400),
        ("study", "", 503),
        ("runs", "", 503),
        ("runs/{id}", "", 503),
        ("units/{serial}", "", 503),
        ("yields", "/api/v1/yields", 401),
        ("failures", "/api/v1/failures", 401),
        ("shift-report", "/api/v1/shift-report", 401),
        ("study", "/api/v1/study", 401),
        ("runs", "/api/v1/runs", 401),
        ("runs/{id}", &whole, 401),
        ("units/{serial}", "/api/v1/units/SN-0004", 401),
        ("openapi.json", "/api/v1/openapi.json", 401),
    ] {
        let gone = address.is_empty().then(|| {
            let id = run_id(1).to_string();
            format!("/api/v1/{}", template.replace("{id}", &id).replace("{serial}", "x"))
        });
        let (from, address) = match &gone {
            Some(address) => (&damaged, address.as_str()),
            None if status == 401 => (&from_afar, address),
            None if address.ends_with("=01") => (&failed, address),
            None if address.ends_with("study=1") => (&passed, address),
            None => (&sources, address),
        };
        let (found, headers, text) = fetched(from, address).await;
        assert_eq!(found.as_u16(), status, "{address}: {text}");
        let operation = &document["paths"][format!("/api/v1/{template}")]["get"];
        let content = &operation["responses"][status.to_string()]["content"];
        let media_type = headers[header::CONTENT_TYPE].to_str().unwrap();
        let schema = &content[media_type]["schema"];
        assert!(
            schema.is_object(),
            "{address}: {media_type} is not described for {status}"
        );
        asked.insert(format!("{template} {status}"));
        let value: Value = serde_json::from_str(&text).unwrap();
        if template != "openapi.json" || status != 200 {
            assert_eq!(misfits(&document, schema, &value, "", &mut seen), [""; 0], "{address}");
        }
        if status != 200 {
            assert_eq!(value["status"], status);
        }
        // What an address asks for is described.
        for (name, _) in crate::web::link::fields(address.split_once('?').map_or("", |(_, query)| query)) {
            let parameters = operation["parameters"].as_array().unwrap();
            let described = parameters.iter().any(|parameter| parameter["name"] == name.as_str());
            assert!(described || status == 400, "{address}: {name}");
        }
    }
    let mut promised = BTreeSet::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        // What is sent is held to its description beside the tokens.
        for status in item["get"]["responses"]
            .as_object()
            .into_iter()
            .flatten()
            .map(|(status, _)| status)
        {
            promised.insert(format!("{} {status}", path.strip_prefix("/api/v1/").unwrap()));
        }
    }
    assert_eq!(asked, promised, "every answer that is promised was seen, and no other");
    let mut names = BTreeSet::new();
    for (name, schema) in document["components"]["schemas"].as_object().unwrap() {
        described(schema, name, &mut names);
    }
    let never: Vec<_> = names.difference(&seen).map(String::as_str).collect();
    assert_eq!(never, ["Verdict.agent_url"], "what is described is seen");
}

/// Days in UTC, of which each is a shift, with a takt.
fn days_with_a_takt() -> Shifts {
    let text = "recipe = \"r\"\n[fixture]\nid = \"a\"\nname = \"a\"\nledger = \"l\"\nsocket = \"s\"\n[shifts]\nzone = \"UTC\"\ntakt = \"30s\"\n";
    let settings = fixture_link::settings::Settings::parse(Path::new("fixture.toml"), text);
    settings.unwrap().shifts
}

#[tokio::test]
async fn a_shifts_report_adds_up() {
    let (_folder, path) = mixed().await;
    let (_keep, mut sources) = sources(&path, Heard::default());
    sources.clock = Clock::standing_at(NOON + 13 * 3_600_000_000);
    sources.shifts = days_with_a_takt();
    let (_, _, text) = fetched(&sources, "/api/v1/shift-report").await;
    let report: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(
        (&report["day"], &report["progress"]),
        (&"2026-09-21".into(), &"over".into())
    );
    // Five runs: one FAIL, two PASS, one ERROR, one that lasts.
    assert_eq!(report["total"]["runs"], 4);
    assert_eq!(report["unjudged"], 1);
    assert_eq!(report["total"]["first_pass"]["passed"], 2);
    assert_eq!(report["total"]["first_pass"]["total"], 3);
    let of_lanes = |name: &str| -> u64 {
        let lanes = report["lanes"].as_array().unwrap().iter();
        lanes.map(|lane| lane["first_pass"][name].as_u64().unwrap()).sum()
    };
    assert_eq!((of_lanes("passed"), of_lanes("total")), (2, 3));
    assert_eq!(report["refusals"][0]["starts"], 1);
    // An hour of 24 was lost; three units at the takt in the others.
    let near = |value: &Value, expected: f64| (value.as_f64().unwrap() - expected).abs() < 1e-9;
    let oee = &report["effectiveness"];
    assert!(near(&oee["availability"], 23.0 / 24.0), "{oee}");
    assert!(near(&oee["performance"], 3.0 * 30.0 / (23.0 * 3600.0)), "{oee}");
    assert!(near(&oee["oee"], 90.0 / 86_400.0 * 2.0 / 3.0), "{oee}");
    assert!(near(&report["cycle"]["median_s"], 10.4), "{report}");
    // Its last seal is one by which an export is looked at.
    let (_, _, records) = fetched(&sources, "/export/records.jsonl").await;
    let known = report["last_seal"]["seal"].as_str().unwrap().parse().unwrap();
    assert!(verify_export(records.as_bytes(), Some(known)).unwrap().found);
}

#[tokio::test]
async fn every_parameter_that_is_described_is_taken() {
    let (_folder, path) = mixed().await;
    let (_keep, sources) = sources(&path, Heard::default());
    let document = openapi::document();
    let mut taken = 0;
    for (path, item) in document["paths"].as_object().unwrap() {
        for parameter in item["get"]["parameters"].as_array().into_iter().flatten() {
            if parameter["in"] != "query" {
                continue;
            }
            let name = parameter["name"].as_str().unwrap();
            let schema = &parameter["schema"];
            let values: Vec<String> = match (schema["enum"].as_array(), name) {
                (Some(names), _) => names.iter().map(|name| name.as_str().unwrap().to_owned()).collect(),
                (None, "day") => vec!["day=2026-09-21".to_owned()],
                (None, "shift") => vec!["day=2026-09-21&shift=day".to_owned()],
                (None, "from" | "to") => vec!["from=2026-09-21&to=2026-09-22".to_owned()],
                // There is none here.
                (None, "study") => vec!["study=".to_owned()],
                (None, "before") => vec!["1789992060000000-1".to_owned()],
                (None, _) if schema["type"] == "integer" => vec![schema["maximum"].to_string()],
                (None, _) => vec!["x".to_owned()],
            };
            for value in values {
                let query = if value.contains('=') {
                    value
                } else {
                    format!("{name}={value}")
                };
                let (status, _, text) = fetched(&sources, &format!("{path}?{query}")).await;
                assert_eq!(status, StatusCode::OK, "{path}?{query}: {text}");
                taken += 1;
            }
        }
    }
    assert!(taken > 80, "{taken}");
}

#[tokio::test]
async fn a_yield_comes_with_its_interval() {
    let (_folder, path) = mixed().await;
    let (_keep, sources) = sources(&path, Heard::default());
    let (_, _, text) = fetched(&sources, "/api/v1/yields?day=2026-09-21").await;
    let answer: Value = serde_json::from_str(&text).unwrap();
    let first = &answer["yields"][0]["first_pass"];
    assert_eq!((&first["passed"], &first["total"]), (&2.into(), &3.into()));
    // Wilson's interval of 2 of 3.
    assert!((first["low"].as_f64().unwrap() - 0.2077).abs() < 0.0001, "{first}");
    assert!((first["high"].as_f64().unwrap() - 0.9385).abs() < 0.0001, "{first}");
}

#[tokio::test]
async fn what_makes_no_sense_is_told_and_never_run() {
    let (_folder, path) = mixed().await;
    let (_keep, sources) = sources(&path, Heard::default());
    let hostile = "%27%22%3E%3Cscript%3Ealert(1)%3C%2Fscript%3E";
    for (query, said) in [
        ("outcome=MAYBE", "outcome:"),
        ("code=no-such-code", "code:"),
        ("lane=0", "lane:"),
        ("lane=99999999999999999999", "lane:"),
        ("day=2026-02-30", "day:"),
        ("day=yesterday", "day:"),
        ("from=2026-02-02&to=2026-02-01", "to:"),
        ("day=2026-02-02&to=2026-02-03", "day:"),
        ("from=2026-13-01", "from:"),
        ("purpose=fun", "purpose:"),
        ("reached=moon", "reached:"),
        ("sort=random", "sort:"),
        ("before=1", "before:"),
        ("before=99999999999999999999-1", "before:"),
        ("colour=red", "colour:"),
        (&format!("lot={}", "9".repeat(300)), "lot:"),
        (&format!("{hostile}=1"), "expected"),
        (&format!("sort={hostile}"), "sort:"),
        ("lot=a&lot=b", "lot:"),
    ] {
        for page in [
            "/runs",
            "/export",
            "/export/runs.csv",
            "/export/runs.jsonl",
            "/export/records.jsonl",
            "/api/v1/runs",
        ] {
            let (status, headers, text) = fetched(&sources, &format!("{page}?{query}")).await;
            assert_eq!(status, StatusCode::BAD_REQUEST, "{page}?{query}: {text}");
            let media_type = headers[header::CONTENT_TYPE].to_str().unwrap();
            if page.starts_with("/api") {
                assert_eq!(media_type, "application/problem+json");
                let problem: Value = serde_json::from_str(&text).unwrap();
                assert!(problem["detail"].as_str().unwrap().contains(said), "{query}: {text}");
            } else {
                assert!(media_type.starts_with("text/html"), "{media_type}");
                assert!(
                    text.contains(said) && !text.contains("<script"),
                    "{page}?{query}: {text}"
                );
            }
        }
    }
    for limit in ["0", "501", "-1", "x", "4294967296", ""] {
        let (status, _, text) = fetched(&sources, &format!("/api/v1/runs?limit={limit}")).await;
        assert_eq!(status, StatusCode::BAD_REQUEST, "{limit}: {text}");
        assert!(text.contains("limit: expected a number from 1 to 500"), "{text}");
    }
    for query in [
        "each=hour&from=2020-01-01&to=2026-01-01",
        "by=colour",
        "from=2026-01-01",
        "colour=1",
    ] {
        let (status, _, text) = fetched(&sources, &format!("/api/v1/yields?{query}")).await;
        assert_eq!(status, StatusCode::BAD_REQUEST, "{query}: {text}");
    }
    // Filters that nothing can fit are an empty list.
    for query in [
        format!("serial={hostile}"),
        "serial=%25&lot=_".to_owned(),
        "outcome=PASS&code=lamp-weak".to_owned(),
        "day=1969-12-31".to_owned(),
        "from=9999-01-01".to_owned(),
        format!("operator={hostile}&purpose=golden"),
    ] {
        let (status, page) = get(sources.clone(), &format!("/runs?{query}")).await;
        assert_eq!(status, StatusCode::OK, "{query}: {page}");
        assert!(
            page.contains("No run fits.") && !page.contains("<script"),
            "{query}: {page}"
        );
        let (status, _, text) = fetched(&sources, &format!("/api/v1/runs?{query}")).await;
        assert_eq!((status, text.as_str()), (StatusCode::OK, "{\"runs\":[],\"next\":null}"));
        let (status, _, csv) = fetched(&sources, &format!("/export/runs.csv?{query}")).await;
        assert_eq!((status, csv_rows(&csv).len()), (StatusCode::OK, 1));
    }
    for address in ["/api/v1/", "/api/v1/none", "/api/v1/runs/1/2"] {
        let (status, headers, _) = fetched(&sources, address).await;
        assert_eq!(status, StatusCode::NOT_FOUND, "{address}");
        assert_eq!(headers[header::CONTENT_TYPE], "application/problem+json", "{address}");
    }
    let post = Request::post("/api/v1/runs").body(Body::empty()).unwrap();
    let response = router(sources).oneshot(post).await.unwrap();
    assert_eq!(response.status(), StatusCode::METHOD_NOT_ALLOWED);
    assert_eq!(response.headers()[header::CONTENT_TYPE], "application/problem+json");
}
