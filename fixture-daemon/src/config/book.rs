//! The recipes of a fixture as they are now, and how other versions of them are made: by changed entries, or as an earlier one was.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use blinkup::codes::CodeTable;
use fixture_ledger::recipes::LONGEST_TEXT;
use fixture_link::mistake::{Mistake, read};
use toml::{Table, Value};

use super::recipe::{Secrets, parse};
use super::tried::Change;
use super::{digest, text_of};
use crate::engine::input::NewRecipe;
use crate::engine::recipe::{PassRule, Recipe};

/// The longest list of recipes in what is stored of a configuration, in characters.
const LONGEST_TOLD: usize = 1500;

/// The recipes of a fixture as they are now.
#[derive(Debug)]
pub struct Book {
    configuration: String,
    codes: CodeTable,
    rest: Rest,
    /// The first is the one of units without a lot.
    pages: Vec<Page>,
}

/// What every recipe of a fixture has to fit.
#[derive(Debug, Clone, Copy)]
pub struct Rest {
    /// An imp sends.
    pub by_imp: bool,
    /// All units are enrolled by the same token.
    pub shared_token: bool,
    /// The lamps' light is fixed, with mid light as this share of bright.
    pub fixed_light: Option<f32>,
}

/// A recipe.
#[derive(Debug)]
struct Page {
    file: PathBuf,
    /// By which what the file sets is told from another.
    stands: String,
    entries: Table,
    recipe: Recipe,
}

impl Page {
    /// The entries in a text of another version.
    fn read(&self, text: &str) -> Result<Table, String> {
        read(&changed_file(&self.file), text).map_err(|mistake| mistake.to_string())
    }
}

/// What is stored of a version: all that it is made of again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stored {
    /// The recipe's name.
    pub name: String,
    /// Its version.
    pub version: String,
    /// The version before.
    pub from: String,
    /// By which the recipe's file is told from another.
    pub file: String,
    /// The recipe as TOML.
    pub text: String,
    /// What is other than before, an entry a line.
    pub changes: String,
}

/// Another version of a recipe, checked as a whole.
#[derive(Debug, Clone)]
pub struct NewVersion {
    entries: Table,
    recipe: Recipe,
    from: String,
    file: String,
    differences: Vec<Difference>,
}

/// An entry that is another than before.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Difference {
    name: String,
    /// `None` where there was none.
    before: Option<String>,
    after: Option<String>,
}

impl Difference {
    fn side(name: &str, value: Option<&String>) -> String {
        match value {
            Some(value) => format!("{name} = {value}"),
            None => format!("no {name}"),
        }
    }
}

impl NewVersion {
    /// The recipe.
    pub fn recipe(&self) -> &Recipe {
        &self.recipe
    }

    /// The version that it was made from.
    pub fn from(&self) -> &str {
        &self.from
    }

    /// What an audit says of it.
    pub fn words(&self) -> NewRecipe {
        let side = |version: &str, of: fn(&Difference) -> Option<&String>| {
            let entries = self.differences.iter();
            let entries: Vec<String> = entries
                .map(|difference| Difference::side(&difference.name, of(difference)))
                .collect();
            format!("{} {version}: {}", self.recipe.name, entries.join(", "))
        };
        NewRecipe {
            before: side(&self.from, |difference| difference.before.as_ref()),
            after: side(&self.recipe.version, |difference| difference.after.as_ref()),
        }
    }

    /// What is stored of it.
    pub fn stored(&self) -> Stored {
        Stored {
            name: self.recipe.name.clone(),
            version: self.recipe.version.clone(),
            from: self.from.clone(),
            file: self.file.clone(),
            text: self.entries.to_string(),
            changes: told(&self.differences),
        }
    }
}

impl Book {
    /// One without recipes.
    pub fn new(configuration: String, codes: CodeTable, rest: Rest) -> Self {
        Self {
            configuration,
            codes,
            rest,
            pages: Vec::new(),
        }
    }

    /// Adds a recipe as it stands in its file.
    ///
    /// # Errors
    /// The file cannot be read any more.
    pub fn add(&mut self, file: &Path, recipe: &Recipe) -> Result<(), Mistake> {
        let text = text_of(file)?;
        let entries: Table = read(file, &text)?;
        self.pages.push(Page {
            file: file.to_owned(),
            stands: stands(&entries),
            entries,
            recipe: recipe.clone(),
        });
        Ok(())
    }

    /// The recipe of units without a lot.
    ///
    /// # Panics
    /// Never: a configuration names one.
    pub fn first(&self) -> &Recipe {
        &self.pages.first().expect("a configuration names a recipe").recipe
    }

    /// The others.
    pub fn others(&self) -> impl Iterator<Item = &Recipe> {
        self.pages.iter().skip(1).map(|page| &page.recipe)
    }

    /// What is stored of each as it is now. It counts as made from itself.
    pub fn stored(&self) -> Vec<Stored> {
        let stored = self.pages.iter().map(|page| Stored {
            name: page.recipe.name.clone(),
            version: page.recipe.version.clone(),
            from: page.recipe.version.clone(),
            file: page.stands.clone(),
            text: page.entries.to_string(),
            changes: String::new(),
        });
        stored.collect()
    }

    /// The version that a recipe is now; `None` where there is no such recipe.
    pub fn version(&self, name: &str) -> Option<&str> {
        self.page(name).map(|page| page.recipe.version.as_str())
    }

    /// What the fixture is set to, as a change of it is stored: the configuration, and the versions of its recipes.
    pub fn told(&self) -> String {
        let recipes = self.pages.iter().map(|page| &page.recipe);
        let recipes: Vec<String> = recipes
            .map(|recipe| format!("recipe {} {}", recipe.name, recipe.version))
            .collect();
        let recipes = recipes.join("; ");
        let recipes = if recipes.chars().count() > LONGEST_TOLD {
            format!("{} recipes {}", self.pages.len(), digest(&recipes))
        } else {
            recipes
        };
        format!("configuration {}; {recipes}", self.configuration)
    }

    /// A version with some entries changed, each `NAME=VALUE`.
    ///
    /// # Errors
    /// There is no such recipe, an entry is none that can be changed, or the recipe would be none or not fit the fixture: what was expected.
    pub fn change(&self, name: &str, changes: &[String]) -> Result<NewVersion, String> {
        let page = self.asked(name)?;
        let mut entries = page.entries.clone();
        for change in changes {
            Change::of_version(change)
                .map_err(|error| error.to_string())?
                .apply(&mut entries);
        }
        // An entry that was taken out of a section may leave nothing of it.
        let empty = |value: &Value| value.as_table().is_some_and(Table::is_empty);
        entries.retain(|section, value| !empty(value) || page.entries.contains_key(section));
        self.make_another(page, entries)
    }

    /// A version as an earlier one was.
    ///
    /// # Errors
    /// There is no such recipe, or the text is none for this fixture any more.
    pub fn back(&self, name: &str, text: &str) -> Result<NewVersion, String> {
        let page = self.asked(name)?;
        self.make_another(page, page.read(text)?)
    }

    /// What a stored text is now, whatever the recipe is: at a start, in place of the file.
    ///
    /// # Errors
    /// There is no such recipe, or the text is none for this fixture any more.
    pub fn again(&self, name: &str, text: &str) -> Result<NewVersion, String> {
        let page = self.asked(name)?;
        self.make(page, page.read(text)?)
    }

    /// What is other in the recipe as it is now than in a stored text, an entry a line.
    pub fn changed_since(&self, name: &str, text: &str) -> String {
        let Some(page) = self.page(name) else {
            return String::new();
        };
        let before = toml::from_str(text).unwrap_or_default();
        told(&differences(&before, &page.entries))
    }

    /// The recipe is this version from now on.
    pub fn take(&mut self, version: NewVersion) {
        if let Some(page) = self
            .pages
            .iter_mut()
            .find(|page| page.recipe.name == version.recipe.name)
        {
            page.entries = version.entries;
            page.recipe = version.recipe;
        }
    }

    /// A recipe as the fixture's lamps can show it.
    pub fn as_lit(&self, recipe: &Recipe) -> Recipe {
        match self.rest.fixed_light {
            Some(mid_share) => recipe.at_fixed_light(mid_share),
            None => recipe.clone(),
        }
    }

    fn page(&self, name: &str) -> Option<&Page> {
        self.pages.iter().find(|page| page.recipe.name == name)
    }

    fn asked(&self, name: &str) -> Result<&Page, String> {
        self.page(name).ok_or_else(|| {
            let known: Vec<&str> = self.pages.iter().map(|page| page.recipe.name.as_str()).collect();
            format!("recipe: expected one of {}, found {name:?}", known.join(", "))
        })
    }

    /// Checks a recipe with everything that a start would check.
    fn make(&self, page: &Page, entries: Table) -> Result<NewVersion, String> {
        let text = entries.to_string();
        if text.len() > LONGEST_TEXT {
            return Err(format!(
                "expected a recipe of at most {LONGEST_TEXT} bytes, found {}",
                text.len()
            ));
        }
        // The folder is the file's: what it names is found from there.
        let (mut recipe, _) = parse(&changed_file(&page.file), &text, &self.codes, Secrets::Read)
            .map_err(|mistake| mistake.to_string())?;
        let kept = ["name", "link", "enrols", "wifi", "static", "proxy"];
        if let Some(name) = kept
            .into_iter()
            .find(|name| entries.get(*name) != page.entries.get(*name))
        {
            return Err(format!("{name}: is changed in the recipe's file alone"));
        }
        // What is sent is what was read at the start, as everything else of the fixture has it.
        recipe.wifi.clone_from(&page.recipe.wifi);
        recipe.proxy.clone_from(&page.recipe.proxy);
        match recipe.pass {
            PassRule::Claimed { .. } if self.rest.by_imp => {
                return Err(
                    "pass: an imp transmitter does not tell its tokens: expected blessed or led-only".to_owned(),
                );
            }
            PassRule::Claimed { .. } | PassRule::Blessed { .. } if self.rest.shared_token => {
                return Err("pass: all units are enrolled by the same token: expected led-only".to_owned());
            }
            PassRule::Claimed { .. } | PassRule::Blessed { .. } | PassRule::LedOnly { .. } => {}
        }
        Ok(NewVersion {
            differences: differences(&page.entries, &entries),
            from: page.recipe.version.clone(),
            file: page.stands.clone(),
            entries,
            recipe,
        })
    }

    /// The same, where it would be another than the recipe is now.
    fn make_another(&self, page: &Page, entries: Table) -> Result<NewVersion, String> {
        let made = self.make(page, entries)?;
        if made.differences.is_empty() {
            let name = &page.recipe.name;
            return Err(format!("{name} is so already: nothing would become another"));
        }
        Ok(made)
    }
}

/// By which what a recipe's file sets is told from another: without comments and order.
pub fn stands(entries: &Table) -> String {
    digest(&entries.to_string())
}

/// What a changed recipe is called where a mistake in it is told.
fn changed_file(file: &Path) -> PathBuf {
    let name = file.file_name().unwrap_or_default().to_string_lossy();
    file.with_file_name(format!("{name} as changed"))
}

/// The entries that are others, in order of name.
fn differences(before: &Table, after: &Table) -> Vec<Difference> {
    let [before, after] = [before, after].map(|table| {
        let mut entries = BTreeMap::new();
        flatten("", table, &mut entries);
        entries
    });
    let mut names: Vec<&String> = before.keys().chain(after.keys()).collect();
    names.sort();
    names.dedup();
    names
        .into_iter()
        .filter(|name| before.get(*name) != after.get(*name))
        .map(|name| Difference {
            name: name.clone(),
            before: before.get(name).cloned(),
            after: after.get(name).cloned(),
        })
        .collect()
}

fn flatten(under: &str, table: &Table, entries: &mut BTreeMap<String, String>) {
    for (key, value) in table {
        let name = if under.is_empty() {
            key.clone()
        } else {
            format!("{under}.{key}")
        };
        if let Value::Table(table) = value {
            flatten(&name, table, entries);
        } else {
            entries.insert(name, value.to_string());
        }
    }
}

/// Differences in words, one a line.
fn told(differences: &[Difference]) -> String {
    let lines: Vec<String> = differences
        .iter()
        .map(|difference| {
            let side = |value: &Option<String>| value.clone().unwrap_or_else(|| "nothing".to_owned());
            format!(
                "{}: {} → {}",
                difference.name,
                side(&difference.before),
                side(&difference.after)
            )
        })
        .collect();
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::super::Config;
    use super::*;

    fn book() -> Book {
        let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../config/simulated.toml");
        Config::load(&file).unwrap().book
    }

    fn changed(changes: &[&str]) -> Result<NewVersion, String> {
        let changes: Vec<String> = changes.iter().map(|change| (*change).to_owned()).collect();
        book().change("claimed", &changes)
    }

    #[test]
    fn a_version_is_told_by_what_is_other_and_can_be_taken_back() {
        let mut book = book();
        let first = book.stored().remove(0);
        let made = changed(&["times.stage=\"7s\"", "led=-", "unit.runs_at_most=5"]).unwrap();
        assert_eq!(made.recipe().stage_within.as_secs(), 7);
        assert_eq!(made.recipe().runs_at_most, 5);
        let words = made.words();
        assert!(
            words.before.starts_with(&format!("claimed {}: ", first.version)),
            "{words:?}"
        );
        assert!(words.before.contains("times.stage = \"30s\""), "{words:?}");
        assert!(words.after.contains("no led.green_share, "), "{words:?}");
        assert!(words.after.contains("unit.runs_at_most = 5"), "{words:?}");
        let stored = made.stored();
        assert_eq!((&stored.from, &stored.file), (&first.version, &first.file));
        assert!(
            stored.changes.contains("times.stage: \"30s\" → \"7s\""),
            "{}",
            stored.changes
        );
        assert!(!stored.text.contains("example only"), "no secret: {}", stored.text);
        assert!(stored.text.contains("password_file"), "{}", stored.text);
        let told = book.told();
        book.take(made);
        assert_ne!(book.told(), told);
        assert_eq!(book.version("claimed"), Some(stored.version.as_str()));
        let back = book.back("claimed", &first.text).unwrap();
        assert_eq!(back.recipe().version, first.version);
        book.take(back);
        assert_eq!(book.told(), told);
        assert!(book.back("claimed", &first.text).unwrap_err().contains("is so already"));
    }

    #[test]
    fn what_cannot_be_is_told_with_what_was_expected() {
        let told = |changes: &[&str]| changed(changes).unwrap_err();
        for (change, expected) in [
            ("times.stage=\"30s\"", "claimed is so already"),
            ("times.stage", "expected NAME=VALUE"),
            ("times.nothing=3", "nothing"),
            ("times.stage=\"1ms\"", "claimed.toml as changed:"),
            ("send.ladder=[]", "expected at least one rung"),
            ("name=\"other\"", "is changed in the recipe's file alone"),
            ("enrols=false", "is changed in the recipe's file alone"),
            (
                "wifi.password_file=\"/etc/shadow\"",
                "is changed in the recipe's file alone",
            ),
            ("proxy.server=\"x\"", "is changed in the recipe's file alone"),
        ] {
            let told = told(&[change]);
            assert!(told.contains(expected), "{change}: {told}");
        }
        let book = book();
        assert_eq!(
            book.change("blessed", &[]).unwrap_err(),
            "recipe: expected one of claimed, found \"blessed\""
        );
        // What is stored cannot be another recipe, nor send something else.
        let text = book.stored().remove(0).text;
        let other = text.replace("factory-floor", "somewhere-else");
        assert!(
            book.back("claimed", &other)
                .unwrap_err()
                .starts_with("wifi: is changed in the recipe's file")
        );
        let other = text.replace("name = \"claimed\"", "name = \"blessed\"");
        assert!(
            book.back("claimed", &other)
                .unwrap_err()
                .starts_with("name: is changed in the recipe's file")
        );
    }
}
