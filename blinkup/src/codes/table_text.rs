//! Status-code tables as TOML text.

use alloc::borrow::ToOwned;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::fmt;
use core::ops::Range;
use core::time::Duration;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::{Category, Code, CodeTable, Colour, Confidence, Kind, Span, Step};

/// The table that comes with this crate: every code of the vendor's troubleshooting guide, the factory ones, and observed ones.
const VENDOR: &str = include_str!("../../status-codes.toml");

/// The keys that a row may have.
const KEYS: [&str; 17] = [
    "id",
    "kind",
    "pattern",
    "title",
    "category",
    "applies_to",
    "steps",
    "repeat",
    "period_ms",
    "duration_ms",
    "duration",
    "source",
    "confidence",
    "meaning",
    "remedy",
    "hypothesis",
    "note",
];

/// The longest step or duration that makes sense in a table, an hour.
const LONGEST_MS: u64 = 3_600_000;

/// Why a text is no table of status codes: the line, the code, the field, and what was expected.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TableError {
    /// The line, from 1.
    pub line: usize,
    /// The code's id, or its place as in `#3` where it has none; `None` when the fault is in no code.
    pub code: Option<String>,
    /// The field; `None` when the text is not TOML.
    pub field: Option<String>,
    /// What is there and what was expected.
    pub what: String,
}

impl fmt::Display for TableError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}: ", self.line)?;
        if let Some(code) = &self.code {
            write!(f, "code {code}: ")?;
        }
        if let Some(field) = &self.field {
            write!(f, "{field}: ")?;
        }
        f.write_str(&self.what)
    }
}

impl core::error::Error for TableError {}

impl CodeTable {
    /// The table that comes with this crate.
    ///
    /// # Panics
    /// Never: this crate's tests read it.
    #[expect(
        clippy::expect_used,
        reason = "the bundled table is part of this crate and read by its tests"
    )]
    pub fn vendor() -> Self {
        Self::parse(VENDOR).expect("the bundled table of status codes is valid")
    }

    /// The text of [`vendor`](Self::vendor): what a fixture's own table begins as.
    pub const fn vendor_text() -> &'static str {
        VENDOR
    }

    /// The text of a table in which the steps of the code `id` have these colours, one a step, as `source` says; the rest of the text stays as
    /// it is. A hypothesis about the code is dropped.
    ///
    /// # Errors
    /// The text is no table, or knows no such code, or would be no table any more: the colours make the code equal another one,
    /// or are more or fewer than its steps.
    pub fn teach(text: &str, id: &str, colours: &[Colour], source: &str) -> Result<String, TableError> {
        let table = Self::parse(text)?;
        let wrong = |what: &str| TableError {
            line: 1,
            code: Some(format!("{id:?}")),
            field: None,
            what: what.to_owned(),
        };
        let code = table
            .code(id)
            .ok_or_else(|| wrong("not in the table, expected the id of a code"))?;
        if code.steps.len() != colours.len() {
            return Err(wrong("expected a colour for each of its steps"));
        }
        let unchanged = |_| wrong("the table cannot be read again");
        let document = DeTable::parse(text).map_err(unchanged)?;
        let rows = document
            .get_ref()
            .get("code")
            .and_then(|rows| rows.get_ref().as_array());
        let row = rows.into_iter().flatten().filter_map(|row| row.get_ref().as_table());
        let row = row
            .into_iter()
            .find(|row| row.get("id").and_then(|id| id.get_ref().as_str()) == Some(id))
            .ok_or_else(|| wrong("not in the table, expected the id of a code"))?;
        let steps = code.steps.iter().zip(colours).map(|(step, colour)| {
            let ms = match step.lasts {
                None => "0".to_owned(),
                Some(span) if span.shortest == span.longest => span.shortest.as_millis().to_string(),
                Some(span) => format!("[{}, {}]", span.shortest.as_millis(), span.longest.as_millis()),
            };
            format!("{{ colour = \"{colour}\", ms = {ms} }}")
        });
        let sources = code.source.iter().map(String::as_str).chain([source]).map(quoted);
        let mut changes: Vec<(Range<usize>, String)> = Vec::new();
        for (field, value) in [
            ("steps", format!("[{}]", steps.collect::<Vec<_>>().join(", "))),
            ("source", format!("[{}]", sources.collect::<Vec<_>>().join(", "))),
            ("confidence", quoted("inferred")),
        ] {
            let span = row
                .get(field)
                .map(Spanned::span)
                .ok_or_else(|| wrong("a field is missing"))?;
            changes.push((span, value));
        }
        if let Some((key, value)) = row.get_key_value("hypothesis") {
            let end = text
                .get(value.span().end..)
                .and_then(|rest| rest.find('\n'))
                .map_or(text.len(), |at| value.span().end + at + 1);
            changes.push((key.span().start..end, String::new()));
        }
        changes.sort_by_key(|(span, _)| core::cmp::Reverse(span.start));
        let mut taught = text.to_owned();
        for (span, value) in changes {
            taught.replace_range(span, &value);
        }
        Self::parse(&taught)?;
        Ok(taught)
    }

    /// Reads and checks a table of status codes.
    ///
    /// # Errors
    /// The text is not TOML, holds a key that no code has, lacks one that every code has, or holds codes that contradict themselves or
    /// each other.
    pub fn parse(text: &str) -> Result<Self, TableError> {
        let document = DeTable::parse(text).map_err(|error| TableError {
            line: line_of(text, error.span().map_or(0, |span| span.start)),
            code: None,
            field: None,
            what: error.message().to_owned(),
        })?;
        let of_document = |span: Range<usize>, field: &str, what: &str| TableError {
            line: line_of(text, span.start),
            code: None,
            field: Some(field.to_owned()),
            what: what.to_owned(),
        };
        let mut rows = Vec::new();
        for (key, value) in document.get_ref() {
            if key.get_ref() != "code" {
                return Err(of_document(
                    key.span(),
                    key.get_ref(),
                    "unknown key, expected only [[code]]",
                ));
            }
            let DeValue::Array(values) = value.get_ref() else {
                return Err(of_document(
                    value.span(),
                    "code",
                    "expected [[code]], one for each code",
                ));
            };
            for (index, value) in values.iter().enumerate() {
                let DeValue::Table(table) = value.get_ref() else {
                    return Err(of_document(value.span(), "code", "expected a table for each code"));
                };
                rows.push(Row::new(text, index, value.span(), table));
            }
        }
        if rows.is_empty() {
            return Err(of_document(0..0, "code", "expected at least one [[code]]"));
        }
        let codes = rows.iter().map(Row::code).collect::<Result<Vec<_>, _>>()?;
        Self::new(codes).map_err(|error| match rows.get(error.row) {
            Some(row) => row.wrong(error.field, error.what),
            None => of_document(0..0, error.field, &error.what),
        })
    }
}

/// A text as a basic string of TOML 1.0.
fn quoted(text: &str) -> String {
    let mut quoted = String::from("\"");
    for letter in text.chars() {
        match letter {
            '"' | '\\' => quoted.extend(['\\', letter]),
            letter if letter.is_control() => quoted.extend(format!("\\u{:04X}", u32::from(letter)).chars()),
            letter => quoted.push(letter),
        }
    }
    quoted.push('"');
    quoted
}

fn line_of(text: &str, offset: usize) -> usize {
    1 + text.bytes().take(offset).filter(|&byte| byte == b'\n').count()
}

/// One row, with what is needed to say where a fault is.
struct Row<'text> {
    text: &'text str,
    name: String,
    span: Range<usize>,
    table: &'text DeTable<'text>,
}

impl<'text> Row<'text> {
    fn new(text: &'text str, index: usize, span: Range<usize>, table: &'text DeTable<'text>) -> Self {
        let name = match table.get("id").map(Spanned::get_ref) {
            Some(DeValue::String(id)) => format!("{id:?}"),
            Some(_) | None => format!("#{}", index + 1),
        };
        Self {
            text,
            name,
            span,
            table,
        }
    }

    /// An error at a field's line, or at the row's first where the field is not there.
    fn wrong(&self, field: &str, what: impl Into<String>) -> TableError {
        let span = self.table.get(field).map_or(self.span.clone(), Spanned::span);
        self.wrong_at(span, field, what)
    }

    fn wrong_at(&self, span: Range<usize>, field: &str, what: impl Into<String>) -> TableError {
        TableError {
            line: line_of(self.text, span.start),
            code: Some(self.name.clone()),
            field: Some(field.to_owned()),
            what: what.into(),
        }
    }

    fn code(&self) -> Result<Code, TableError> {
        if let Some((key, _)) = self.table.iter().find(|(key, _)| !KEYS.contains(&&**key.get_ref())) {
            let what = format!("unknown key, expected one of {}", KEYS.join(", "));
            return Err(self.wrong_at(key.span(), key.get_ref(), what));
        }
        Ok(Code {
            id: self.words("id")?,
            kind: self.one_of("kind", &[("pattern", Kind::Pattern), ("transient", Kind::Transient)])?,
            pattern: self.optional_words("pattern")?,
            title: self.words("title")?,
            category: self.one_of(
                "category",
                &[
                    ("blinkup", Category::Blinkup),
                    ("wifi", Category::Wifi),
                    ("wifi-ethernet", Category::WifiEthernet),
                    ("cellular", Category::Cellular),
                    ("generic", Category::Generic),
                    ("fault", Category::Fault),
                    ("device-specific", Category::DeviceSpecific),
                    ("legacy", Category::Legacy),
                    ("factory", Category::Factory),
                    ("observed", Category::Observed),
                ],
            )?,
            applies_to: self.words("applies_to")?,
            steps: self.steps()?,
            repeats: self.flag("repeat")?,
            period: self.optional_duration("period_ms")?,
            duration: self.optional_duration("duration_ms")?,
            until: self.optional_words("duration")?,
            source: self.sources()?,
            confidence: self.one_of(
                "confidence",
                &[
                    ("certain", Confidence::Certain),
                    ("inferred", Confidence::Inferred),
                    ("unknown", Confidence::Unknown),
                ],
            )?,
            meaning: self.words("meaning")?,
            remedy: self.words("remedy")?,
            hypothesis: self.optional_words("hypothesis")?,
            note: self.optional_words("note")?,
        })
    }

    fn required(&self, field: &str, expected: &str) -> Result<&'text DeValue<'text>, TableError> {
        self.table
            .get(field)
            .map(Spanned::get_ref)
            .ok_or_else(|| self.wrong(field, format!("missing, expected {expected}")))
    }

    fn words(&self, field: &str) -> Result<String, TableError> {
        let value = self.required(field, "a text")?;
        value
            .as_str()
            .map(ToString::to_string)
            .ok_or_else(|| self.wrong(field, format!("{}, expected a text", kind_of(value))))
    }

    fn optional_words(&self, field: &str) -> Result<Option<String>, TableError> {
        self.table.get(field).map(|_| self.words(field)).transpose()
    }

    fn flag(&self, field: &str) -> Result<bool, TableError> {
        let value = self.required(field, "true or false")?;
        value
            .as_bool()
            .ok_or_else(|| self.wrong(field, format!("{}, expected true or false", kind_of(value))))
    }

    fn one_of<T: Copy>(&self, field: &str, names: &[(&str, T)]) -> Result<T, TableError> {
        let word = self.words(field)?;
        names.iter().find(|(name, _)| *name == word).map_or_else(
            || {
                let names: Vec<&str> = names.iter().map(|&(name, _)| name).collect();
                Err(self.wrong(field, format!("{word:?}, expected one of {}", names.join(", "))))
            },
            |&(_, value)| Ok(value),
        )
    }

    fn optional_duration(&self, field: &str) -> Result<Option<Duration>, TableError> {
        let Some(value) = self.table.get(field) else {
            return Ok(None);
        };
        match milliseconds(value.get_ref()) {
            Some(ms) if ms > 0 => Ok(Some(Duration::from_millis(ms))),
            Some(_) | None => Err(self.wrong(field, format!("expected whole milliseconds, 1 to {LONGEST_MS}"))),
        }
    }

    fn sources(&self) -> Result<Vec<String>, TableError> {
        const EXPECTED: &str = "a list of texts";
        let DeValue::Array(sources) = self.required("source", EXPECTED)? else {
            return Err(self.wrong("source", format!("expected {EXPECTED}")));
        };
        sources
            .iter()
            .map(|source| {
                source.get_ref().as_str().map(ToString::to_string).ok_or_else(|| {
                    let what = format!("{} in the list, expected {EXPECTED}", kind_of(source.get_ref()));
                    self.wrong_at(source.span(), "source", what)
                })
            })
            .collect()
    }

    fn steps(&self) -> Result<Vec<Step>, TableError> {
        const EXPECTED: &str = "a list of { colour, ms }";
        let DeValue::Array(steps) = self.required("steps", EXPECTED)? else {
            return Err(self.wrong("steps", format!("expected {EXPECTED}")));
        };
        steps
            .iter()
            .enumerate()
            .map(|(index, step)| {
                step_of(step.get_ref())
                    .map_err(|what| self.wrong_at(step.span(), "steps", format!("step {}: {what}", index + 1)))
            })
            .collect()
    }
}

fn step_of(value: &DeValue<'_>) -> Result<Step, String> {
    let DeValue::Table(step) = value else {
        return Err("expected { colour, ms }".to_owned());
    };
    if let Some((key, _)) = step
        .iter()
        .find(|(key, _)| !["colour", "ms"].contains(&&**key.get_ref()))
    {
        return Err(format!("unknown key {:?}, expected colour and ms", key.get_ref()));
    }
    let colour = match step.get("colour").map(Spanned::get_ref) {
        Some(DeValue::String(name)) if name == "unknown" => None,
        Some(DeValue::String(name)) => Some(
            Colour::ALL
                .into_iter()
                .find(|colour| colour.as_str() == name)
                .ok_or_else(|| format!("colour {name:?}, expected off, red, amber, green or unknown"))?,
        ),
        Some(_) | None => return Err("expected a colour: off, red, amber, green or unknown".to_owned()),
    };
    let expected = || format!("expected ms: 0 for held, 1 to {LONGEST_MS}, or a range [shortest, longest]");
    let lasts = match step.get("ms").map(Spanned::get_ref) {
        Some(DeValue::Array(range)) => match &**range {
            [shortest, longest] => Some((
                milliseconds(shortest.get_ref()).ok_or_else(expected)?,
                milliseconds(longest.get_ref()).ok_or_else(expected)?,
            ))
            .filter(|(shortest, longest)| 0 < *shortest && shortest < longest)
            .ok_or_else(expected)
            .map(Some)?,
            _ => return Err(expected()),
        },
        Some(value) => match milliseconds(value).ok_or_else(expected)? {
            0 => None,
            ms => Some((ms, ms)),
        },
        None => return Err(expected()),
    };
    Ok(Step {
        colour,
        lasts: lasts.map(|(shortest, longest)| Span {
            shortest: Duration::from_millis(shortest),
            longest: Duration::from_millis(longest),
        }),
    })
}

/// Whole milliseconds up to an hour.
fn milliseconds(value: &DeValue<'_>) -> Option<u64> {
    let DeValue::Integer(number) = value else { return None };
    u64::from_str_radix(number.as_str(), number.radix())
        .ok()
        .filter(|&ms| ms <= LONGEST_MS)
}

fn kind_of(value: &DeValue<'_>) -> &'static str {
    match value {
        DeValue::String(_) => "a text",
        DeValue::Integer(_) => "a whole number",
        DeValue::Float(_) => "a number",
        DeValue::Boolean(_) => "true or false",
        DeValue::Datetime(_) => "a date",
        DeValue::Array(_) => "a list",
        DeValue::Table(_) => "a table",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ROW: &str = r#"
[[code]]
id = "connected"
kind = "pattern"
pattern = "connected"
title = "Connected"
category = "generic"
applies_to = "all imps"
steps = [{ colour = "off", ms = 500 }, { colour = "green", ms = 500 }]
repeat = true
period_ms = 1000
source = ["guide"]
confidence = "certain"
meaning = "Online."
remedy = "None."
"#;

    fn error_of(text: &str) -> String {
        CodeTable::parse(text).unwrap_err().to_string()
    }

    #[test]
    fn the_bundled_table_holds_every_code() {
        let table = CodeTable::vendor();
        let of_kind = |kind| table.codes().iter().filter(|code| code.kind == kind).count();
        assert_eq!(of_kind(Kind::Transient), 2);
        assert_eq!(table.codes().len(), VENDOR.matches("[[code]]").count());
        let unknown: Vec<&str> = table
            .patterns()
            .iter()
            .filter(|pattern| !pattern.is_fully_known())
            .map(super::super::Pattern::name)
            .collect();
        assert_eq!(unknown.len(), 12, "{unknown:?}");
    }

    #[test]
    fn codes_that_look_alike_share_a_pattern() {
        let table = CodeTable::vendor();
        let ids = |name: &str| -> Vec<&str> {
            let pattern = table.pattern_named(name).unwrap();
            table.codes_of(pattern.id()).map(|code| code.id.as_str()).collect()
        };
        assert_eq!(
            ids("solid-green"),
            [
                "blinkup-successful",
                "updating-impos",
                "legacy-installing-impos",
                "factory-bless-pass"
            ]
        );
        assert_eq!(ids("amber-500-500"), ["no-network-settings", "legacy-no-wifi-settings"]);
        assert_eq!(ids("dark"), ["normal-operation", "receiving-blinkup"]);
        assert_eq!(
            table.pattern_named("solid-green").unwrap().steps()[0].lasts,
            None,
            "held"
        );
        assert_eq!(table.pattern_of("factory-bless-fail").unwrap().name(), "solid-red");
        assert_eq!(table.pattern_of("power-on-red"), None, "a transient");
    }

    #[test]
    fn teaching_changes_what_is_known_of_one_code_and_nothing_else() {
        use Colour::{Amber, Green, Off, Red};
        let text = VENDOR;
        let taught = CodeTable::teach(
            text,
            "wps-in-progress",
            &[Off, Green, Off, Amber],
            "seen by O'Brien and Jörg on \"A\\B\"\t",
        )
        .unwrap();
        let (before, after) = (CodeTable::vendor(), CodeTable::parse(&taught).unwrap());
        for (before, after) in before.codes().iter().zip(after.codes()) {
            if before.id == "wps-in-progress" {
                let colours: Vec<_> = after.steps.iter().map(|step| step.colour.unwrap()).collect();
                assert_eq!(colours, [Off, Green, Off, Amber]);
                assert_eq!(after.confidence, Confidence::Inferred);
                assert_eq!(after.source.last().unwrap(), "seen by O'Brien and Jörg on \"A\\B\"\t");
                assert_eq!(after.hypothesis, None);
                assert_eq!(after.meaning, before.meaning);
            } else {
                assert_eq!(before, after);
            }
        }
        let refused =
            |id: &str, colours: &[Colour]| CodeTable::teach(text, id, colours, "seen").unwrap_err().to_string();
        assert!(refused("no-such", &[Off]).contains("not in the table"));
        assert!(refused("wps-in-progress", &[Off, Red]).contains("a colour for each"));
        assert!(refused("wps-in-progress", &[Off, Red, Red, Off]).contains("same colour"));
        let again = CodeTable::teach(&taught, "device-offline", &[Off, Green, Off, Amber], "seen").unwrap_err();
        assert!(again.to_string().contains("looks like \"wps-in-progress\""), "{again}");
    }

    #[test]
    fn a_wrong_table_is_refused_with_line_code_field_and_what_was_expected() {
        let changed = |from: &str, to: &str| {
            assert!(ROW.contains(from), "{from}");
            error_of(&ROW.replace(from, to))
        };
        assert!(CodeTable::parse(ROW).is_ok());
        for (from, to, expected) in [
            (
                "period_ms = 1000",
                "period_ms = 900",
                "line 11: code \"connected\": period_ms: 900, expected 1000, the sum of the steps of a repeating code",
            ),
            (
                "period_ms = 1000",
                "",
                "line 2: code \"connected\": period_ms: none, expected 1000, the sum of the steps of a repeating code",
            ),
            (
                "remedy",
                "remedies",
                "line 15: code \"connected\": remedies: unknown key, expected one of id, kind,",
            ),
            (
                "\"green\"",
                "\"blue\"",
                "line 9: code \"connected\": steps: step 2: colour \"blue\", expected off, red, amber, green or unknown",
            ),
            (
                "\"green\"",
                "\"off\"",
                "line 9: code \"connected\": steps: steps 1 and 2 have the same colour, expected one longer step",
            ),
            (
                "\"green\", ms = 500",
                "\"green\", ms = [200, 40]",
                "line 9: code \"connected\": steps: step 2: expected ms: 0 for held,",
            ),
            (
                "\"green\", ms = 500",
                "\"green\", ms = 0",
                "line 9: code \"connected\": steps: a held step (ms = 0), expected it alone and without repeat",
            ),
            (
                "\"green\", ms = 500",
                "\"unknown\", ms = 500",
                "line 13: code \"connected\": confidence: expected \"unknown\" exactly where",
            ),
            (
                "\"pattern\"\npattern = \"connected\"",
                "\"transient\"\npattern = \"x\"",
                "line 5: code \"connected\": pattern: expected none: a transient is never a reading",
            ),
            (
                "kind = \"pattern\"",
                "kind = \"patern\"",
                "line 4: code \"connected\": kind: \"patern\", expected one of pattern, transient",
            ),
            (
                "id = \"connected\"\n",
                "",
                "line 2: code #1: id: missing, expected a text",
            ),
            (
                "repeat = true",
                "repeat = 1",
                "line 10: code \"connected\": repeat: a whole number, expected true or false",
            ),
            (
                "source = [\"guide\"]",
                "source = []",
                "line 12: code \"connected\": source: expected at least one source, none of them empty",
            ),
            (
                "remedy = \"None.\"",
                "remedy = \"None.\"\nhypothesis = \"o500 g400\"",
                "line 16: code \"connected\": hypothesis: \"o500 g400\", expected a letter",
            ),
            (
                "[[code]]",
                "[code]",
                "line 2: code: expected [[code]], one for each code",
            ),
            (
                "[[code]]",
                "version = 2\n[[code]]",
                "line 2: version: unknown key, expected only [[code]]",
            ),
            ("\"Online.\"", "\"Online.", "line 14: "),
        ] {
            let error = changed(from, to);
            assert!(error.starts_with(expected), "{error}\nexpected {expected}");
        }
        assert_eq!(error_of(""), "line 1: code: expected at least one [[code]]");
    }

    #[test]
    fn codes_that_contradict_each_other_are_refused() {
        let twice = format!("{ROW}{ROW}");
        assert_eq!(
            error_of(&twice),
            "line 18: code \"connected\": id: stands twice, expected unique ids"
        );
        let alike = format!("{ROW}{}", ROW.replace("\"connected\"", "\"online\""));
        assert_eq!(
            error_of(&alike),
            "line 20: code \"online\": pattern: looks like \"connected\", expected codes that look alike to share it"
        );
        let turned = format!(
            "{ROW}{}",
            ROW.replace("\"connected\"", "\"online\"")
                .replace("\"off\"", "\"x\"")
                .replace("\"green\"", "\"off\"")
                .replace("\"x\"", "\"green\"")
        );
        assert!(error_of(&turned).contains("looks like"), "{}", error_of(&turned));
        let unlike = format!(
            "{ROW}{}",
            ROW.replace("id = \"connected\"", "id = \"online\"")
                .replace("green", "amber")
        );
        assert_eq!(
            error_of(&unlike),
            "line 24: code \"online\": steps: differs from the other codes of \"connected\""
        );
    }
}
