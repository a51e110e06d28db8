//! A mistake in a TOML file, told so that a person finds it: file, line, column, field, what was expected.

use core::fmt;
use core::ops::Range;
use std::path::{Path, PathBuf};

use serde::de::DeserializeOwned;

/// A mistake in a TOML file. Prints as `file:line:column: field: what`, then the line with carets under the place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mistake {
    file: PathBuf,
    field: String,
    what: String,
    place: Option<Place>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Place {
    /// From 1.
    line: usize,
    /// In characters, from 1.
    column: usize,
    text: String,
    carets: usize,
}

impl Mistake {
    /// A mistake at the bytes `span` of `text`, the content of `file`. The field is the key that stands there.
    pub fn at(file: &Path, text: &str, span: Range<usize>, what: impl fmt::Display) -> Self {
        let start = (0..=span.start.min(text.len()))
            .rev()
            .find(|at| text.is_char_boundary(*at))
            .unwrap_or(0);
        let before = text.get(..start).unwrap_or_default();
        let line_start = before.rfind('\n').map_or(0, |at| at + 1);
        let line = text
            .get(line_start..)
            .unwrap_or_default()
            .lines()
            .next()
            .unwrap_or_default();
        let marked = text.get(start..span.end).unwrap_or_default();
        let marked = marked.lines().next().unwrap_or_default();
        Self {
            file: file.to_owned(),
            field: field_at(before, line),
            what: what.to_string(),
            place: Some(Place {
                line: before.matches('\n').count() + 1,
                column: before.get(line_start..).unwrap_or_default().chars().count() + 1,
                text: line.to_owned(),
                carets: marked.chars().count().max(1),
            }),
        }
    }

    /// A mistake that has no place in the text: the file cannot be read, or is not text.
    pub fn of_file(file: &Path, what: impl fmt::Display) -> Self {
        Self {
            file: file.to_owned(),
            field: String::new(),
            what: what.to_string(),
            place: None,
        }
    }

    /// The line, from 1, where the mistake has a place.
    pub fn line(&self) -> Option<usize> {
        self.place.as_ref().map(|place| place.line)
    }
}

/// Reads a TOML text into a type.
///
/// # Errors
/// The text is not TOML, or not what the type wants.
pub fn read<T: DeserializeOwned>(file: &Path, text: &str) -> Result<T, Mistake> {
    toml::from_str(text).map_err(|error| {
        Mistake::at(
            file,
            text,
            error.span().unwrap_or_default(),
            error.message().replace('\n', ": "),
        )
    })
}

/// The dotted name of the key on `line`, under the last table header in `before`.
fn field_at(before: &str, line: &str) -> String {
    let header = |line: &str| {
        let line = line.trim_start();
        let name = line.strip_prefix('[')?.trim_start_matches('[').split(']').next()?;
        (!name.contains(['"', '\'', ',', '{'])).then(|| name.trim().to_owned())
    };
    let key = |line: &str| {
        let (key, _) = line.split_once('=')?;
        let key = key.trim();
        let plain = !key.is_empty()
            && key
                .chars()
                .all(|letter| letter.is_alphanumeric() || "_-.".contains(letter));
        plain.then(|| key.to_owned())
    };
    if let Some(table) = header(line) {
        return table;
    }
    let complete = before
        .rfind('\n')
        .map_or("", |end| before.get(..end).unwrap_or_default());
    let table = complete.lines().rev().find_map(header);
    [table, key(line)].into_iter().flatten().collect::<Vec<_>>().join(".")
}

impl fmt::Display for Mistake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.file.display())?;
        if let Some(place) = &self.place {
            write!(f, ":{}:{}", place.line, place.column)?;
        }
        if !self.field.is_empty() {
            write!(f, ": {}", self.field)?;
        }
        write!(f, ": {}", self.what)?;
        if let Some(place) = &self.place {
            let gutter = place.line.to_string().len();
            write!(
                f,
                "\n{:gutter$} |\n{} | {}\n{:gutter$} | {:indent$}{:^^carets$}",
                "",
                place.line,
                place.text,
                "",
                "",
                "",
                indent = place.column - 1,
                carets = place.carets,
            )?;
        }
        Ok(())
    }
}

impl std::error::Error for Mistake {}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, serde::Deserialize)]
    #[serde(deny_unknown_fields)]
    #[expect(dead_code, reason = "only its mistakes are of interest")]
    struct Outer {
        lanes: u8,
        inner: Option<Inner>,
    }

    #[derive(Debug, serde::Deserialize)]
    #[serde(deny_unknown_fields)]
    #[expect(dead_code, reason = "only its mistakes are of interest")]
    struct Inner {
        name: String,
    }

    fn said(text: &str) -> String {
        read::<Outer>(Path::new("a.toml"), text).unwrap_err().to_string()
    }

    #[test]
    fn a_wrong_value_is_shown_with_file_line_column_and_field() {
        assert_eq!(
            said("# a line\nlanes = \"four\"\n"),
            "a.toml:2:9: lanes: invalid type: string \"four\", expected u8\n  |\n2 | lanes = \"four\"\n  |         ^^^^^^"
        );
    }

    #[test]
    fn an_unknown_key_is_shown_with_its_table_and_what_there_is() {
        assert_eq!(
            said("lanes = 4\n\n[inner] # a comment\nnam = \"x\"\n"),
            "a.toml:4:1: inner.nam: unknown field `nam`, expected `name`\n  |\n4 | nam = \"x\"\n  | ^^^"
        );
    }

    #[test]
    fn a_missing_key_points_at_its_table() {
        assert_eq!(
            said("lanes = 4\n[inner]\n"),
            "a.toml:2:1: inner: missing field `name`\n  |\n2 | [inner]\n  | ^^^^^^^"
        );
    }

    #[test]
    fn a_place_after_wide_letters_is_counted_in_letters() {
        let text = "name = \"Füße\" x\n";
        let error = Mistake::at(Path::new("a.toml"), text, 15..16, "expected nothing more").to_string();
        assert!(error.starts_with("a.toml:1:14: name:"), "{error}");
        assert!(error.ends_with("  |              ^"), "{error}");
    }

    #[test]
    fn text_that_is_not_toml_is_told_where() {
        let error = said("lanes = 4\nlanes = = 5\n");
        assert!(error.starts_with("a.toml:2:9: lanes:"), "{error}");
    }

    #[test]
    fn an_empty_text_has_a_place_as_well() {
        assert_eq!(said(""), "a.toml:1:1: missing field `lanes`\n  |\n1 | \n  | ^");
    }
}
