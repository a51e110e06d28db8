//! A trace as text: `#` lines of conditions, a line of column names, a line a sample.

use alloc::borrow::ToOwned;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;
use core::str::FromStr;
use core::time::Duration;

use super::{Header, INTEGRATION, Row, SATURATED_AT, Trace};
use crate::reader::LedShape;
use crate::sample::Counts;
use crate::symbol::Level;
use crate::tick::Tick;

/// The columns that every trace starts with.
const COLUMNS: [&str; 5] = ["time_us", "red", "green", "blue", "clear"];
/// The lamp's level, a column that may follow.
const LAMP: &str = "lamp";

/// Why text is not a trace.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TraceError {
    /// The line, from 1. A condition that is missing is told at the columns' line, missing columns one past the last line.
    pub line: usize,
    /// The field or column.
    pub field: String,
    /// What should have been there.
    pub expected: String,
    /// What was there; empty where nothing was.
    pub found: String,
}

impl fmt::Display for TraceError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            line,
            field,
            expected,
            found,
        } = self;
        write!(f, "line {line}: {field}: expected {expected}, found ")?;
        if found.is_empty() {
            f.write_str("nothing")
        } else {
            write!(f, "{found:?}")
        }
    }
}

impl core::error::Error for TraceError {}

impl Trace {
    /// Reads a trace from text. `#` lines with an unknown word and further columns are skipped.
    ///
    /// # Errors
    /// The first line that is not as it should be, with its field and what was expected there.
    pub fn parse(text: &str) -> Result<Self, TraceError> {
        let mut conditions = Conditions::default();
        let mut lines = text.lines().zip(1..);
        let (first, mut last_line) = lines.next().unwrap_or(("", 1));
        check_version(first, last_line)?;
        let mut columns = None;
        let mut rows: Vec<Row> = Vec::new();
        for (text, line) in lines {
            last_line = line;
            if let Some(condition) = text.strip_prefix('#') {
                conditions.take(condition.trim(), line)?;
            } else if text.trim().is_empty() {
            } else if let Some(columns) = &columns {
                let row = row(text, line, columns)?;
                if let Some(before) = rows.last()
                    && row.at <= before.at
                {
                    let expected = format!("a time after {} µs", before.at.as_micros());
                    return Err(error(line, COLUMNS[0], &expected, &format!("{}", row.at.as_micros())));
                }
                rows.push(row);
            } else {
                columns = Some(Columns::parse(text, line)?);
            }
        }
        let Some(columns) = columns else {
            return Err(error(last_line + 1, "columns", "time_us,red,green,blue,clear", ""));
        };
        Ok(Self {
            header: conditions.header(columns.line)?,
            rows,
        })
    }
}

impl fmt::Display for Trace {
    /// Writes the trace as text that [`Trace::parse`] reads back unchanged.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Header {
            shape,
            ambient,
            saturated_at,
            integration,
        } = &self.header;
        writeln!(f, "# blinkup-trace 1")?;
        for (word, values) in [
            ("red-led", shape.red),
            ("green-led", shape.green),
            ("ambient", *ambient),
        ] {
            let [red, green, blue, clear] = values;
            writeln!(f, "# {word} {red} {green} {blue} {clear}")?;
        }
        if *saturated_at != SATURATED_AT {
            writeln!(f, "# saturated-at {saturated_at}")?;
        }
        if *integration != INTEGRATION {
            writeln!(f, "# integration-us {}", integration.as_micros())?;
        }
        let lamp = self.rows.iter().any(|row| row.lamp != Level::DARK);
        f.write_str("time_us,red,green,blue,clear")?;
        f.write_str(if lamp { ",lamp\n" } else { "\n" })?;
        for Row {
            at,
            counts,
            lamp: level,
        } in &self.rows
        {
            let Counts {
                red,
                green,
                blue,
                clear,
            } = counts;
            write!(f, "{},{red},{green},{blue},{clear}", at.as_micros())?;
            if lamp {
                write!(f, ",{}", level.fraction())?;
            }
            f.write_str("\n")?;
        }
        Ok(())
    }
}

fn error(line: usize, field: &str, expected: &str, found: &str) -> TraceError {
    TraceError {
        line,
        field: field.to_owned(),
        expected: expected.to_owned(),
        found: found.chars().take(40).collect(),
    }
}

fn check_version(text: &str, line: usize) -> Result<(), TraceError> {
    let mut words = text.strip_prefix('#').unwrap_or_default().split_whitespace();
    if words.next() != Some("blinkup-trace") {
        return Err(error(
            line,
            "blinkup-trace",
            "the first line \"# blinkup-trace 1\"",
            text,
        ));
    }
    match words.next() {
        Some("1") => Ok(()),
        version => Err(error(line, "blinkup-trace", "version 1", version.unwrap_or_default())),
    }
}

/// The `#` lines met so far.
#[derive(Default)]
struct Conditions {
    red: Option<[f32; 4]>,
    green: Option<[f32; 4]>,
    ambient: Option<[f32; 4]>,
    saturated_at: Option<u16>,
    integration: Option<Duration>,
}

impl Conditions {
    fn take(&mut self, text: &str, line: usize) -> Result<(), TraceError> {
        let mut words = text.split_whitespace();
        match words.next() {
            Some(word @ "red-led") => self.red = Some(response(word, words, line)?),
            Some(word @ "green-led") => self.green = Some(response(word, words, line)?),
            Some(word @ "ambient") => self.ambient = Some(four(word, words, line)?),
            Some(word @ "saturated-at") => {
                self.saturated_at = Some(one(
                    word,
                    words.next(),
                    line,
                    "a count of 1 to 65535",
                    |counts: &u16| *counts > 0,
                )?);
            }
            Some(word @ "integration-us") => {
                let micros = one(word, words.next(), line, "1 to 1000000 µs", |micros: &u64| {
                    (1..=1_000_000).contains(micros)
                })?;
                self.integration = Some(Duration::from_micros(micros));
            }
            Some(_) | None => {}
        }
        Ok(())
    }

    fn header(self, line: usize) -> Result<Header, TraceError> {
        let missing =
            |word: &'static str| move || error(line, word, &format!("a line \"# {word}\" with four numbers"), "");
        Ok(Header {
            shape: LedShape {
                red: self.red.ok_or_else(missing("red-led"))?,
                green: self.green.ok_or_else(missing("green-led"))?,
            },
            ambient: self.ambient.ok_or_else(missing("ambient"))?,
            saturated_at: self.saturated_at.unwrap_or(SATURATED_AT),
            integration: self.integration.unwrap_or(INTEGRATION),
        })
    }
}

fn one<T: FromStr>(
    word: &str,
    text: Option<&str>,
    line: usize,
    expected: &str,
    fits: impl Fn(&T) -> bool,
) -> Result<T, TraceError> {
    let text = text.unwrap_or_default();
    text.parse()
        .ok()
        .filter(fits)
        .ok_or_else(|| error(line, word, expected, text))
}

fn four<'a>(word: &str, mut words: impl Iterator<Item = &'a str>, line: usize) -> Result<[f32; 4], TraceError> {
    let mut values = [0.0; 4];
    for value in &mut values {
        *value = one(
            word,
            words.next(),
            line,
            "four numbers from 0 to 65535",
            |value: &f32| (0.0..=65_535.0).contains(value),
        )?;
    }
    Ok(values)
}

fn response<'a>(word: &str, words: impl Iterator<Item = &'a str>, line: usize) -> Result<[f32; 4], TraceError> {
    let values = four(word, words, line)?;
    if values.iter().all(|value| *value == 0.0) {
        return Err(error(line, word, "a channel that sees the die", "0 0 0 0"));
    }
    Ok(values)
}

/// Where the columns are that may follow.
struct Columns {
    /// The line that names them.
    line: usize,
    count: usize,
    lamp: Option<usize>,
}

impl Columns {
    fn parse(text: &str, line: usize) -> Result<Self, TraceError> {
        let mut names = text.split(',').map(str::trim);
        for column in COLUMNS {
            let name = names.next().unwrap_or_default();
            if name != column {
                return Err(error(line, "columns", &format!("column {column}"), name));
            }
        }
        Ok(Self {
            line,
            count: text.split(',').count(),
            lamp: names.position(|name| name == LAMP).map(|place| place + COLUMNS.len()),
        })
    }
}

fn row(text: &str, line: usize, columns: &Columns) -> Result<Row, TraceError> {
    let count = text.split(',').count();
    if count != columns.count {
        return Err(error(
            line,
            "columns",
            &format!("{} values", columns.count),
            &format!("{count} values"),
        ));
    }
    let mut values = text.split(',').map(str::trim);
    let micros = one(COLUMNS[0], values.next(), line, "whole microseconds", |_: &u64| true)?;
    let mut counts = [0_u16; 4];
    for (counts, column) in counts.iter_mut().zip(&COLUMNS[1..]) {
        *counts = one(column, values.next(), line, "a count of 0 to 65535", |_| true)?;
    }
    let [red, green, blue, clear] = counts;
    let lamp = match columns.lamp {
        Some(place) => {
            let level = one(
                LAMP,
                text.split(',').nth(place).map(str::trim),
                line,
                "a level of 0 to 1",
                |level: &f32| (0.0..=1.0).contains(level),
            )?;
            Level::new(level)
        }
        None => Level::DARK,
    };
    Ok(Row {
        at: Tick::from_micros(micros),
        counts: Counts {
            red,
            green,
            blue,
            clear,
        },
        lamp,
    })
}
