//! A fixture's recipe, and the same with some of its entries changed, to be tried on what is stored. No secret is read for it: who asks may not.

use std::path::{Path, PathBuf};
use std::str::FromStr;

use blinkup::codes::CodeTable;
use fixture_ledger::recipes::RecipeVersion;
use fixture_link::mistake::{Mistake, read};
use fixture_link::settings::Settings;
use toml::{Table, Value};

use super::book::stands;
use super::recipe::{Secrets, parse};
use super::{Raw, Source, codes_of, text_of};
use crate::engine::recipe::Recipe;

/// An entry of a recipe, changed: `times.stage = "20s"`, or with `-` in place of a value, taken out: `led = -`.
#[derive(Debug, Clone, PartialEq)]
pub struct Change {
    /// The names that lead to it.
    path: Vec<String>,
    /// What it is to be; `None` takes it out.
    value: Option<Value>,
}

/// It is not a change of an entry.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadChange {
    /// There is no `=`.
    #[error("{0:?}: expected NAME=VALUE as in a recipe, such as times.stage=\"20s\"")]
    NoEquals(String),
    /// The name is none.
    #[error("{0:?}: expected the name of a recipe's entry, such as times.stage or pass.blessed.hold")]
    Name(String),
    /// What is stored says nothing of it.
    #[error(
        "{0}: stored light says nothing of it; expected an entry of pass, ready, times, reader or led, or send.attempts"
    )]
    NotTold(String),
    /// It cannot become another while the daemon runs.
    #[error(
        "{0}: is changed in the recipe's file alone; expected an entry of pass, ready, send, times, reader, led or unit"
    )]
    OfTheFile(String),
    /// The value is none.
    #[error(
        "{name}: {value:?}: expected a value as in a recipe: \"20s\", 0.99, true, [0.4, 0.6], or - to leave the entry out"
    )]
    Value {
        /// Of which entry.
        name: String,
        /// What was found.
        value: String,
    },
}

impl FromStr for Change {
    type Err = BadChange;

    fn from_str(text: &str) -> Result<Self, BadChange> {
        let change = Self::read(text)?;
        let name = change.path.join(".");
        if !["pass", "ready", "times", "reader", "led"].contains(&change.first()) && name != "send.attempts" {
            return Err(BadChange::NotTold(name));
        }
        Ok(change)
    }
}

impl Change {
    /// A change of one of the entries that can become others while the daemon runs: none that decides what is sent to units or what the fixture is
    /// wired for, and none that names a file.
    pub fn of_version(text: &str) -> Result<Self, BadChange> {
        let change = Self::read(text)?;
        if ["pass", "ready", "send", "times", "reader", "led", "unit"].contains(&change.first()) {
            Ok(change)
        } else {
            Err(BadChange::OfTheFile(change.path.join(".")))
        }
    }

    fn first(&self) -> &str {
        self.path.first().map_or("", String::as_str)
    }

    fn read(text: &str) -> Result<Self, BadChange> {
        let (name, value) = text
            .split_once('=')
            .ok_or_else(|| BadChange::NoEquals(text.to_owned()))?;
        let (name, value) = (name.trim(), value.trim());
        let path: Vec<String> = name.split('.').map(str::to_owned).collect();
        let plain = |part: &String| {
            !part.is_empty()
                && part
                    .bytes()
                    .all(|byte| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-')
        };
        if !path.iter().all(plain) {
            return Err(BadChange::Name(name.to_owned()));
        }
        if value == "-" {
            return Ok(Self { path, value: None });
        }
        // A value alone is no document, and a line break would make it more than one entry.
        let wrong = || BadChange::Value {
            name: name.to_owned(),
            value: value.to_owned(),
        };
        if value.contains(['\n', '\r']) {
            return Err(wrong());
        }
        let mut table: Table = toml::from_str(&format!("value = {value}")).map_err(|_| wrong())?;
        let value = table.remove("value").filter(|_| table.is_empty()).ok_or_else(wrong)?;
        Ok(Self {
            path,
            value: Some(value),
        })
    }
}

impl Change {
    /// Changes it in a recipe's entries.
    pub fn apply(&self, recipe: &mut Table) {
        let Some((last, way)) = self.path.split_last() else {
            return;
        };
        let mut table = recipe;
        for (depth, name) in way.iter().enumerate() {
            // There is one pass rule: another takes its place.
            if depth == 1 && way.first().is_some_and(|first| first == "pass") {
                table.retain(|rule, _| rule == name);
            }
            let entry = table.entry(name.clone()).or_insert_with(|| Value::Table(Table::new()));
            if !entry.is_table() {
                *entry = Value::Table(Table::new());
            }
            let Value::Table(next) = entry else { return };
            table = next;
        }
        match &self.value {
            Some(value) => {
                table.insert(last.clone(), value.clone());
            }
            None => {
                table.remove(last);
            }
        }
    }
}

/// What a fixture judges by, and what is tried beside it.
#[derive(Debug, Clone)]
pub struct Tried {
    /// The ledger that the configuration names.
    pub ledger: PathBuf,
    /// The table of status codes.
    pub codes: CodeTable,
    /// The recipe as it is.
    pub recipe: Recipe,
    /// The recipe with the changes.
    pub changed: Recipe,
}

impl Tried {
    /// Reads the recipe of the configuration in `file`, and makes the changed one. `newest` is asked for the newest version that the ledger has of it: where
    /// that was made from the recipe's file as it is, the recipe is that version.
    ///
    /// # Errors
    /// The first mistake in either; one in the changed recipe is told with its text.
    pub fn load(
        file: &Path,
        changes: &[Change],
        newest: impl FnOnce(&Path, &str) -> Option<RecipeVersion>,
    ) -> Result<Self, Mistake> {
        let text = text_of(file)?;
        let settings = Settings::parse(file, &text)?;
        let raw: Raw = read(file, &text)?;
        let source = Source {
            file,
            text: &text,
            secrets: Secrets::NotRead,
        };
        let codes = codes_of(&settings)?;
        let recipe_file = source.existing(&raw.recipe)?;
        let text = text_of(&recipe_file)?;
        let (mut recipe, _) = parse(&recipe_file, &text, &codes, Secrets::NotRead)?;
        let mut entries: Table = read(&recipe_file, &text)?;
        let version = newest(&settings.ledger, &recipe.name).filter(|version| version.file == stands(&entries));
        if let Some(version) = version
            && let Ok((newest, _)) = parse(&recipe_file, &version.text, &codes, Secrets::NotRead)
        {
            recipe = newest;
            entries = read(&recipe_file, &version.text)?;
        }
        for change in changes {
            change.apply(&mut entries);
        }
        let text = entries.to_string();
        let (tried, _) = parse(Path::new("the recipe that is tried"), &text, &codes, Secrets::NotRead)?;
        Ok(Self {
            ledger: settings.ledger,
            codes,
            recipe,
            changed: tried,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn example() -> PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../config/simulated.toml")
    }

    fn changed(changes: &[&str]) -> Result<Recipe, String> {
        let changes: Vec<Change> = changes.iter().map(|change| change.parse().unwrap()).collect();
        Tried::load(&example(), &changes, |_, _| None)
            .map(|tried| tried.changed)
            .map_err(|mistake| mistake.to_string())
    }

    #[test]
    fn entries_are_changed_and_a_pass_rule_takes_anothers_place() {
        use crate::engine::recipe::PassRule;
        let tried = Tried::load(&example(), &[], |_, _| None).unwrap();
        assert_eq!(tried.recipe.version, tried.changed.version, "nothing is changed");
        assert!(matches!(tried.recipe.pass, PassRule::Claimed { .. }));
        let recipe = changed(&[
            "times.stage=\"7s\"",
            "reader.confidence = 0.95",
            "pass.led-only.hold=\"3s\"",
        ])
        .unwrap();
        assert_eq!(recipe.stage_within.as_secs(), 7);
        assert!((recipe.confidence - 0.95).abs() < 1e-6);
        assert!(matches!(recipe.pass, PassRule::LedOnly { hold } if hold.as_secs() == 3));
        assert_ne!(recipe.version, tried.recipe.version);
        assert!(changed(&["led=-"]).unwrap().led.is_none());
    }

    #[test]
    fn what_is_no_change_or_no_recipe_is_told_with_what_was_expected() {
        let told = |text: &str| text.parse::<Change>().unwrap_err().to_string();
        insta::assert_snapshot!(
            [told("stage"), told("=3"), told("a..b=3"), told("times.stage=20 s"), told("led=1\nb=2"), told("wifi.ssid=\"x\"")].join("\n"),
            @r#"
        "stage": expected NAME=VALUE as in a recipe, such as times.stage="20s"
        "": expected the name of a recipe's entry, such as times.stage or pass.blessed.hold
        "a..b": expected the name of a recipe's entry, such as times.stage or pass.blessed.hold
        times.stage: "20 s": expected a value as in a recipe: "20s", 0.99, true, [0.4, 0.6], or - to leave the entry out
        led: "1\nb=2": expected a value as in a recipe: "20s", 0.99, true, [0.4, 0.6], or - to leave the entry out
        wifi.ssid: stored light says nothing of it; expected an entry of pass, ready, times, reader or led, or send.attempts
        "#
        );
        for (change, expected) in [
            ("reader.confidence=2.0", "expected a number from 0.5 to 1"),
            ("times.stage=\"soon\"", "the recipe that is tried"),
            ("times.nothing=3", "nothing"),
            ("pass.claimed.within=\"1ms\"", "the recipe that is tried"),
        ] {
            let told = changed(&[change]).unwrap_err();
            assert!(told.contains(expected), "{change}: {told}");
        }
    }
}
