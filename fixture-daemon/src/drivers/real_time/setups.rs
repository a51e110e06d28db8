//! What runs are stored with: the fixture and its software, and the recipe of each.

use std::collections::HashMap;

use fixture_ledger::record::Setup;
use fixture_ledger::{Ledger, LedgerError, SetupId};

use crate::engine::recipe::RecipeId;

/// The setups of a process, one for each recipe and version that a unit was run by.
#[derive(Debug)]
pub struct Setups {
    /// All but the recipe.
    fixture: Setup,
    stored: HashMap<RecipeId, SetupId>,
}

impl Setups {
    /// Those of a process that stores what `fixture` says, but for the recipe.
    pub fn new(fixture: Setup) -> Self {
        Self {
            fixture,
            stored: HashMap::new(),
        }
    }

    /// The setup of runs by a recipe, stored the first time.
    ///
    /// # Errors
    /// The ledger does not take it.
    pub async fn of(&mut self, recipe: &RecipeId, ledger: &mut Ledger) -> Result<SetupId, LedgerError> {
        if let Some(stored) = self.stored.get(recipe) {
            return Ok(*stored);
        }
        let setup = Setup {
            recipe: recipe.name.clone(),
            recipe_version: recipe.version.clone(),
            pass_rule: recipe.pass_rule.to_owned(),
            ..self.fixture.clone()
        };
        let id = ledger.setup(&setup).await?;
        self.stored.insert(recipe.clone(), id);
        Ok(id)
    }
}
