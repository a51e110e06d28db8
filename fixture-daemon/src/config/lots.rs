//! `[[lots]]`: which recipe each of the lots and work orders has.

use std::path::{Path, PathBuf};

use blinkup::codes::CodeTable;
use fixture_link::mistake::Mistake;
use fixture_link::settings::Lots as Listed;
use serde::Deserialize;
use serde::de::IgnoredAny;
use toml::Spanned;

use super::Source;
use crate::engine::product::{Choice, Lots};
use crate::engine::recipe::{PassRule, Recipe};

/// An entry; which lot it is for is checked by `Settings`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Raw {
    #[serde(rename = "lot")]
    _lot: Option<IgnoredAny>,
    #[serde(rename = "work_order")]
    _work_order: Option<IgnoredAny>,
    recipe: Spanned<PathBuf>,
}

/// A recipe that lots choose.
pub struct Other<'a> {
    /// Where it is named first.
    pub place: &'a Spanned<PathBuf>,
    /// What is checked of it.
    pub recipe: Recipe,
    /// How many of the entries it has: by their places.
    entries: Vec<usize>,
    /// Whether it is the recipe of units without a lot.
    is_first: IsFirst,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum IsFirst {
    No,
    Yes,
}

/// The recipes of the entries, each once, in order. `first` is the one of units without a lot.
pub fn others<'a>(
    source: Source<'_>,
    raw: &'a [Raw],
    (first_place, first): (&'a Spanned<PathBuf>, &Recipe),
    codes: &CodeTable,
    remarks: &mut Vec<String>,
) -> Result<Vec<Other<'a>>, Mistake> {
    let mut others: Vec<Other<'a>> = Vec::new();
    for (index, entry) in raw.iter().enumerate() {
        let file = source.path(&entry.recipe)?;
        let same = |place: &Spanned<PathBuf>| source.path(place).is_ok_and(|path| same_file(&path, &file));
        if let Some(known) = others.iter_mut().find(|other| same(other.place)) {
            known.entries.push(index);
            continue;
        }
        let (recipe, odd) = source.recipe(&entry.recipe, codes)?;
        let is_first = if same(first_place) { IsFirst::Yes } else { IsFirst::No };
        if is_first == IsFirst::No {
            let called_so = others.iter().any(|other| other.recipe.name == recipe.name);
            if called_so || first.name == recipe.name {
                return Err(source.mistake(
                    &entry.recipe,
                    format!(
                        "expected recipes with different names: another file's is {:?} as well",
                        recipe.name
                    ),
                ));
            }
            remarks.extend(odd.into_iter().map(|odd| format!("{}: {odd}", recipe.name)));
        }
        others.push(Other {
            place: &entry.recipe,
            recipe,
            entries: vec![index],
            is_first,
        });
    }
    Ok(others)
}

/// Whether two paths lead to the same file.
fn same_file(one: &Path, other: &Path) -> bool {
    one == other || matches!((one.canonicalize(), other.canonicalize()), (Ok(one), Ok(other)) if one == other)
}

/// What of the recipes a simulated jig does not model: its units and its network are those of the first.
pub fn beyond_the_model(others: &[Other<'_>], first: &Recipe) -> Vec<String> {
    let blesses = |recipe: &Recipe| matches!(recipe.pass, PassRule::Blessed { .. });
    let beyond = others
        .iter()
        .map(|other| &other.recipe)
        .filter(|other| other.wifi != first.wifi || other.link != first.link || blesses(other) != blesses(first));
    let words = |other: &Recipe| {
        format!(
            "lots: the simulated units are those of recipe {}, on its network: they may fail by recipe {}",
            first.name, other.name
        )
    };
    beyond.map(words).collect()
}

/// Which entry has which of the recipes.
pub fn choices(listed: &Listed, others: &[Other<'_>]) -> Lots {
    let recipe = |index: usize| others.iter().find(|other| other.entries.contains(&index));
    Lots {
        choices: listed
            .entries
            .iter()
            .enumerate()
            .filter_map(|(index, entry)| {
                Some(Choice {
                    label: entry.label,
                    name: entry.name.clone(),
                    recipe: recipe(index)?.recipe.name.clone(),
                })
            })
            .collect(),
        unknown: listed.unknown,
    }
}

/// The recipes themselves, without the one of units without a lot.
pub fn recipes(others: Vec<Other<'_>>) -> Vec<Recipe> {
    let others = others.into_iter().filter(|other| other.is_first == IsFirst::No);
    others.map(|other| other.recipe).collect()
}
