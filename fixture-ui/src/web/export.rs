//! Runs as files for other programs, streamed: CSV, JSON lines, and whole records with their seals. `docs/export.md` says what they hold.

use core::fmt::Write as _;
use std::sync::Arc;

use askama::Template;
use axum::body::Body;
use axum::extract::{RawQuery, State};
use axum::http::header;
use axum::response::{Html, IntoResponse, Response};
use fixture_ledger::export::{COLUMNS, Cell, Column, Export, Row};
use fixture_ledger::report::{Reports, RunFilter};
use fixture_ledger::{LedgerError, export};
use futures_util::stream::try_unfold;
use jiff::Timestamp;

use super::Sources;
use super::asked::Asked;
use super::frame::Frame;
use super::problem::{Problem, page as rendered};

#[derive(Template)]
#[template(path = "export.html")]
struct ExportPage {
    frame: Frame,
    filters: Vec<(&'static str, String)>,
    runs: String,
    csv: String,
    lines: String,
    records: String,
    columns: &'static [Column],
}

/// How rows are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Format {
    Csv,
    JsonLines,
}

impl Format {
    const fn media_type(self) -> &'static str {
        match self {
            Self::Csv => "text/csv; charset=utf-8; header=present",
            Self::JsonLines => "application/jsonl; charset=utf-8",
        }
    }

    fn head(self) -> String {
        match self {
            Self::Csv => format!("{}\r\n", COLUMNS.map(|column| column.name).join(",")),
            Self::JsonLines => String::new(),
        }
    }

    fn write(self, text: &mut String, row: &Row) {
        match self {
            Self::Csv => write_csv(text, row),
            Self::JsonLines => write_json(text, row),
        }
    }
}

/// `GET /export`
pub async fn page(sources: State<Arc<Sources>>, RawQuery(query): RawQuery) -> Result<Html<String>, Problem> {
    let (asked, _) = asked(&sources, query.as_deref())?;
    rendered(
        &sources,
        &ExportPage {
            frame: Frame::now(&sources, "export"),
            filters: asked.words(),
            runs: asked.address("/runs", ""),
            csv: asked.address("/export/runs.csv", ""),
            lines: asked.address("/export/runs.jsonl", ""),
            records: asked.address("/export/records.jsonl", ""),
            columns: &COLUMNS,
        },
    )
}

/// `GET /export/runs.csv`
pub async fn csv(sources: State<Arc<Sources>>, RawQuery(query): RawQuery) -> Result<Response, Problem> {
    rows(&sources, query.as_deref(), Format::Csv).await
}

/// `GET /export/runs.jsonl`
pub async fn json_lines(sources: State<Arc<Sources>>, RawQuery(query): RawQuery) -> Result<Response, Problem> {
    rows(&sources, query.as_deref(), Format::JsonLines).await
}

fn asked(sources: &Sources, query: Option<&str>) -> Result<(Asked, RunFilter), Problem> {
    let unclear = |what| Problem::unclear(sources, what, "Correct the address, or start again from all runs.");
    let asked = Asked::of(query.unwrap_or("")).map_err(unclear)?;
    let filter = asked.filter(sources).map_err(unclear)?;
    Ok((asked, filter))
}

/// What is wrong with a ledger, or with what was asked of it.
fn failed(sources: &Sources) -> impl Fn(LedgerError) -> Problem {
    |error| {
        if matches!(error, LedgerError::TooMuch { .. }) {
            Problem::unclear(sources, error.to_string(), "Ask for a shorter range.")
        } else {
            Problem::ledger(sources, &error)
        }
    }
}

/// A broken export ends the connection before its time, so that a file that was cut short is not taken for a whole one.
fn cut_short(error: LedgerError) -> LedgerError {
    tracing::warn!(%error, "an export was cut short");
    error
}

async fn rows(sources: &Sources, query: Option<&str>, format: Format) -> Result<Response, Problem> {
    let (asked, filter) = asked(sources, query)?;
    let reports = Reports::open(&sources.ledger).await.map_err(failed(sources))?;
    let mut export = reports.export(filter);
    // Before anything is answered, so that what is wrong has a page.
    let first = export.next().await.map_err(failed(sources))?;
    let state = (export, format.head(), Some(first));
    let next = move |(mut export, head, first): (Export, String, Option<Vec<Row>>)| async move {
        let begins = first.is_some();
        let rows = match first {
            Some(rows) => rows,
            None => export.next().await.map_err(cut_short)?,
        };
        if rows.is_empty() && !begins {
            return Ok::<_, LedgerError>(None);
        }
        let mut text = head;
        for row in &rows {
            format.write(&mut text, row);
        }
        Ok(Some((text, (export, String::new(), None))))
    };
    let ending = match format {
        Format::Csv => "csv",
        Format::JsonLines => "jsonl",
    };
    let name = file_name(sources, &asked, "runs", ending);
    Ok(attached(
        format.media_type(),
        &name,
        Body::from_stream(try_unfold(state, next)),
    ))
}

/// `GET /export/records.jsonl`
pub async fn records(sources: State<Arc<Sources>>, RawQuery(query): RawQuery) -> Result<Response, Problem> {
    let (asked, filter) = asked(&sources, query.as_deref())?;
    let reports = Reports::open(&sources.ledger).await.map_err(failed(&sources))?;
    let next = |mut records: export::Records| async move {
        let lines = records.next().await.map_err(cut_short)?;
        Ok::<_, LedgerError>(lines.map(|lines| (lines, records)))
    };
    let body = Body::from_stream(try_unfold(reports.export_records(filter), next));
    let name = file_name(&sources, &asked, "records", "jsonl");
    Ok(attached(Format::JsonLines.media_type(), &name, body))
}

fn attached(media_type: &'static str, name: &str, body: Body) -> Response {
    let disposition = format!("attachment; filename=\"{name}\"");
    let headers = [
        (header::CONTENT_TYPE, media_type.to_owned()),
        (header::CONTENT_DISPOSITION, disposition),
    ];
    (headers, body).into_response()
}

/// Which fixture and which days it is of; of plain letters, as every system takes them.
fn file_name(sources: &Sources, asked: &Asked, what: &str, ending: &str) -> String {
    let fixture: String = sources
        .fixture
        .chars()
        .map(|letter| if letter.is_ascii_alphanumeric() { letter } else { '-' })
        .collect();
    let range = match (asked.day.as_str(), asked.from.as_str(), asked.to.as_str()) {
        ("", "", "") => "all".to_owned(),
        ("", from, "") => format!("from-{from}"),
        ("", "", to) => format!("to-{to}"),
        ("", from, to) => format!("{from}-to-{to}"),
        (day, _, _) => day.to_owned(),
    };
    format!("{fixture}-{what}-{range}.{ending}")
}

/// Writing to a String cannot fail.
fn put(text: &mut String, what: core::fmt::Arguments<'_>) {
    let _written = text.write_fmt(what);
}

/// An instant as RFC 3339, UTC, with microseconds; what is beyond the calendar as microseconds.
pub fn instant(micros: i64) -> String {
    Timestamp::from_microsecond(micros).map_or_else(|_| micros.to_string(), |at| format!("{at:.6}"))
}

/// A row as RFC 4180 has it.
fn write_csv(text: &mut String, row: &Row) {
    for (place, cell) in row.iter().enumerate() {
        if place > 0 {
            text.push(',');
        }
        match cell {
            Cell::Empty => {}
            Cell::Text(words) => write_csv_text(text, words),
            Cell::Number(number) => put(text, format_args!("{number}")),
            Cell::Fraction(fraction) => put(text, format_args!("{fraction}")),
            Cell::Flag(flag) => put(text, format_args!("{flag}")),
            Cell::Instant(micros) => text.push_str(&instant(*micros)),
            Cell::Seconds(micros) => write_seconds(text, *micros),
        }
    }
    text.push_str("\r\n");
}

/// Text that a spreadsheet takes for a formula gets an apostrophe in front, which makes it text there
/// (OWASP, "CSV Injection").
fn write_csv_text(text: &mut String, words: &str) {
    let formula = words.starts_with(['=', '+', '-', '@', '\t', '\r']);
    let quoted = words.contains(['"', ',', '\r', '\n']);
    if quoted {
        text.push('"');
    }
    if formula {
        text.push('\'');
    }
    if quoted {
        text.push_str(&words.replace('"', "\"\""));
        text.push('"');
    } else {
        text.push_str(words);
    }
}

fn write_seconds(text: &mut String, micros: i64) {
    put(text, format_args!("{}.{:06}", micros / 1_000_000, micros % 1_000_000));
}

/// A row as an object in a line.
fn write_json(text: &mut String, row: &Row) {
    let quoted = |words: &str| serde_json::Value::from(words).to_string();
    for (place, (column, cell)) in COLUMNS.iter().zip(row).enumerate() {
        put(
            text,
            format_args!("{}\"{}\":", if place == 0 { '{' } else { ',' }, column.name),
        );
        match cell {
            Cell::Empty => text.push_str("null"),
            Cell::Text(words) => text.push_str(&quoted(words)),
            Cell::Number(number) => put(text, format_args!("{number}")),
            Cell::Fraction(fraction) if fraction.is_finite() => put(text, format_args!("{fraction}")),
            Cell::Fraction(_) => text.push_str("null"),
            Cell::Flag(flag) => put(text, format_args!("{flag}")),
            Cell::Instant(micros) => text.push_str(&quoted(&instant(*micros))),
            Cell::Seconds(micros) => write_seconds(text, *micros),
        }
    }
    text.push_str("}\n");
}

#[cfg(test)]
mod tests {
    use super::*;

    fn csv(words: &str) -> String {
        let mut text = String::new();
        write_csv_text(&mut text, words);
        text
    }

    #[test]
    fn text_that_a_spreadsheet_would_run_is_text() {
        for (words, written) in [
            ("SN-1", "SN-1"),
            ("a \"b\", c", "\"a \"\"b\"\", c\""),
            ("two\nlines", "\"two\nlines\""),
            (
                "=HYPERLINK(\"http://x\",\"y\")",
                "\"'=HYPERLINK(\"\"http://x\"\",\"\"y\"\")\"",
            ),
            ("+1", "'+1"),
            ("-1", "'-1"),
            ("@SUM(A1)", "'@SUM(A1)"),
            ("\t=1", "'\t=1"),
            ("\r=1", "\"'\r=1\""),
            ("a=1", "a=1"),
            ("", ""),
        ] {
            assert_eq!(csv(words), written, "{words:?}");
        }
    }

    #[test]
    fn times_and_numbers_are_written_the_same_way_everywhere() {
        let row = vec![
            Cell::Instant(1_789_992_000_000_001),
            Cell::Seconds(61_000_200),
            Cell::Number(-3),
            Cell::Fraction(1.25),
            Cell::Flag(true),
            Cell::Empty,
            Cell::Text("é".to_owned()),
        ];
        let mut text = String::new();
        write_csv(&mut text, &row);
        assert_eq!(text, "2026-09-21T12:00:00.000001Z,61.000200,-3,1.25,true,,é\r\n");
        text.clear();
        write_json(&mut text, &row);
        assert!(
            text.starts_with("{\"run\":\"2026-09-21T12:00:00.000001Z\",\"simulated\":61.000200,\"seated\":-3,"),
            "{text}"
        );
    }
}
