//! What is made at a line: its recipes, and which of them the next units are run by.

use std::sync::Arc;

use blinkup::codes::CodeTable;
use fixture_link::settings::{Label, LotName, UnknownLots};

use super::effect::Batch;
use super::meaning::Meanings;
use super::recipe::Recipe;
use super::station::Rules;

/// So many entries are named at most where a lot is refused.
const NAMED: usize = 6;

/// Which lots and work orders have a recipe of their own.
#[derive(Debug, Clone, Default)]
pub struct Lots {
    /// In order: the first that fits holds.
    pub choices: Vec<Choice>,
    /// What becomes of a lot or a work order that none is for.
    pub unknown: UnknownLots,
}

/// A lot or a work order, or all that begin so, with their recipe.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Choice {
    /// Which of the two it names.
    pub label: Label,
    /// How it is called.
    pub name: LotName,
    /// The recipe's name.
    pub recipe: String,
}

/// The recipes of a line, and the one that the next units are run by.
#[derive(Debug)]
pub struct Products {
    table: CodeTable,
    /// The first is the one of units without a lot.
    known: Vec<Arc<Rules>>,
    lots: Lots,
    /// `Err`: why no unit may be run.
    next: Result<Arc<Rules>, String>,
}

impl Products {
    /// A line with one recipe.
    pub fn new(table: &CodeTable, recipe: Recipe) -> Self {
        let first = Arc::new(rules(table, recipe));
        Self {
            table: table.clone(),
            next: Ok(Arc::clone(&first)),
            known: vec![first],
            lots: Lots::default(),
        }
    }

    /// What units without a lot are run by.
    ///
    /// # Panics
    /// Never: a line has a recipe from the beginning.
    pub fn first(&self) -> Arc<Rules> {
        Arc::clone(self.known.first().expect("a line has a recipe from the beginning"))
    }

    /// The status codes that light is read by.
    pub fn table(&self) -> &CodeTable {
        &self.table
    }

    /// What the next units are run by, or why none may be run.
    pub fn next(&self) -> Result<&Arc<Rules>, &str> {
        self.next.as_ref().map_err(String::as_str)
    }

    /// What the next units are run by; where none may be run, what those without a lot are.
    pub fn shown(&self) -> Arc<Rules> {
        self.next.clone().unwrap_or_else(|_| self.first())
    }

    /// More recipes, and what they are for.
    pub fn add(&mut self, others: Vec<Recipe>, lots: Lots) {
        let table = &self.table;
        self.known
            .extend(others.into_iter().map(|recipe| Arc::new(rules(table, recipe))));
        self.lots = lots;
    }

    /// Puts another version in the place of the recipe of the same name.
    pub fn replace(&mut self, recipe: Recipe) {
        if let Some(known) = self.known.iter_mut().find(|known| known.recipe.name == recipe.name) {
            *known = Arc::new(rules(&self.table, recipe));
        }
    }

    /// Whether units may be labelled so.
    ///
    /// # Errors
    /// No recipe is for them: what was expected.
    pub fn welcomes(&self, label: Label, name: &str) -> Result<(), String> {
        let of_label = || self.lots.choices.iter().filter(|choice| choice.label == label);
        let listed = of_label().next().is_some();
        if self.lots.unknown == UnknownLots::Default
            || name.is_empty()
            || !listed
            || of_label().any(|choice| choice.name.fits(name))
        {
            return Ok(());
        }
        let title = label.title();
        let mut expected: Vec<String> = of_label()
            .take(NAMED)
            .map(|choice| format!("{} ({})", choice.name, choice.recipe))
            .collect();
        let more = of_label().count().saturating_sub(NAMED);
        if more > 0 {
            expected.push(format!("{more} more"));
        }
        Err(format!(
            "{title} {name:?} has no recipe: expected {}, or nothing",
            expected.join(", ")
        ))
    }

    /// Chooses for the next units.
    pub fn choose(&mut self, batch: &Batch) {
        let labels = [(Label::Lot, &batch.lot), (Label::WorkOrder, &batch.work_order)];
        let welcome = labels.iter().try_for_each(|(label, name)| self.welcomes(*label, name));
        let chosen = self.lots.choices.iter().find(|choice| {
            labels
                .iter()
                .any(|(label, name)| *label == choice.label && choice.name.fits(name))
        });
        let found = match chosen {
            Some(choice) => self.known.iter().find(|known| known.recipe.name == choice.recipe),
            None => self.known.first(),
        };
        self.next = welcome.and_then(|()| found.cloned().ok_or_else(|| "its recipe is not there".to_owned()));
    }
}

fn rules(table: &CodeTable, recipe: Recipe) -> Rules {
    Rules {
        meanings: Meanings::new(table, &recipe),
        recipe,
    }
}
