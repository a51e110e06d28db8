//! Versions of recipes between the book, which checks them, and the ledger, which keeps them.

use fixture_ledger::recipes::{Origin, RecipeVersion};
use fixture_ledger::{Ledger, LedgerError};
use fixture_link::act::{Act, ActRequest, RecipeChange};
use fixture_link::identity::WallTime;

use crate::config::{Book, NewVersion, Stored};

/// Brings every recipe to its newest version: the stored one as long as the recipe's file is the one that it was made from, else the file's, which then is
/// stored and told.
///
/// # Errors
/// The ledger could not be read or written.
pub async fn take_over(book: &mut Book, ledger: &mut Ledger, at: WallTime) -> Result<(), LedgerError> {
    for stands in book.stored() {
        let name = stands.name.clone();
        let Some(newest) = ledger.newest_recipe(&name).await? else {
            let first = row(stands, Origin::File, at, String::new(), None);
            ledger.record_recipe(&first).await?;
            continue;
        };
        let why = if newest.file == stands.file {
            match book.again(&name, &newest.text) {
                Ok(again) => {
                    if again.recipe().version != newest.version {
                        let from = Some(newest.version);
                        let read = Stored {
                            changes: String::new(),
                            ..again.stored()
                        };
                        let why = "this program, or its table of status codes, reads it as another version".to_owned();
                        ledger.record_recipe(&row(read, Origin::Program, at, why, from)).await?;
                    }
                    if newest.origin == Origin::Act {
                        tracing::info!(
                            "recipe {name}: version {}, made by {}",
                            again.recipe().version,
                            newest.by
                        );
                    }
                    book.take(again);
                    continue;
                }
                Err(why) => {
                    tracing::error!(
                        "recipe {name}: version {} cannot be used any more: {why}",
                        newest.version
                    );
                    format!("version {} cannot be used any more", newest.version)
                }
            }
        } else {
            "the recipe's file was changed".to_owned()
        };
        let stands = Stored {
            changes: book.changed_since(&name, &newest.text),
            ..stands
        };
        tracing::warn!(
            "recipe {name}: {why}: version {} of the file takes the place of version {}",
            stands.version,
            newest.version
        );
        let version = row(stands, Origin::File, at, why, Some(newest.version));
        ledger.record_recipe(&version).await?;
    }
    Ok(())
}

/// The version that an act makes, or why it makes none.
///
/// # Errors
/// The ledger could not be read.
pub async fn made(
    book: &Book,
    ledger: &mut Ledger,
    name: &str,
    change: &RecipeChange,
) -> Result<Result<NewVersion, String>, LedgerError> {
    Ok(match change {
        RecipeChange::Entries(entries) => book.change(name, entries),
        RecipeChange::Version(version) => match ledger.recipe_version(name, Some(version)).await? {
            Some(stored) => book.back(name, &stored.text),
            None => Err(format!("version: {name} was never {version:?}")),
        },
    })
}

/// What is stored of the version that an act made.
pub fn by_act(version: &NewVersion, request: &ActRequest, at: WallTime) -> RecipeVersion {
    let stored = version.stored();
    let reason = request.act.reason().unwrap_or_default().to_owned();
    let from = Some(stored.from.clone());
    RecipeVersion {
        by: request.by.clone(),
        ..row(stored, Origin::Act, at, reason, from)
    }
}

/// Which recipe an act is about, and what it makes another of it.
pub fn asked(act: &Act) -> Option<(&str, &RecipeChange)> {
    if let Act::Recipe { recipe, change, .. } = act {
        Some((recipe, change))
    } else {
        None
    }
}

fn row(stored: Stored, origin: Origin, at: WallTime, reason: String, from: Option<String>) -> RecipeVersion {
    RecipeVersion {
        name: stored.name,
        version: stored.version,
        origin,
        at,
        by: String::new(),
        reason,
        from,
        file: stored.file,
        text: stored.text,
        changes: stored.changes,
    }
}
