//! Versions of recipes: the newest holds, each is kept with who made it and why, and an act is stored with the version that it makes or not at all.

use fixture_ledger::recipes::{Origin, RecipeVersion};
use fixture_ledger::{Durability, Ledger, Reports};
use fixture_link::act::{Act, RecipeChange};

use crate::sample::{asked, at, done};

/// The version of one digit, as a file had it.
pub fn version(name: &str, digit: char, micros: i64) -> RecipeVersion {
    RecipeVersion {
        name: name.to_owned(),
        version: digit.to_string().repeat(16),
        origin: Origin::File,
        at: at(micros),
        by: String::new(),
        reason: String::new(),
        from: None,
        file: "f".repeat(16),
        text: format!("name = \"{name}\" # {digit}"),
        changes: String::new(),
    }
}

fn by_act(name: &str, digit: char, from: char, micros: i64) -> RecipeVersion {
    RecipeVersion {
        origin: Origin::Act,
        by: "Ana".to_owned(),
        reason: "stages are quick here".to_owned(),
        from: Some(from.to_string().repeat(16)),
        changes: "times.stage: \"30s\" → \"20s\"".to_owned(),
        ..version(name, digit, micros)
    }
}

fn act() -> Act {
    Act::Recipe {
        recipe: "claimed".to_owned(),
        change: RecipeChange::Entries(vec!["times.stage = \"20s\"".to_owned()]),
        reason: "stages are quick here".to_owned(),
    }
}

#[tokio::test]
async fn the_newest_version_of_a_recipe_holds_and_every_one_is_kept() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("ledger");
    let mut ledger = Ledger::create(&path, Durability::Unsynced).await.unwrap();
    assert_eq!(ledger.newest_recipe("claimed").await.unwrap(), None);
    let (first, other) = (version("claimed", '1', 10), version("blessed", 'a', 11));
    ledger.record_recipe(&first).await.unwrap();
    ledger.record_recipe(&other).await.unwrap();
    let second = by_act("claimed", '2', '1', 20);
    ledger
        .record_recipe_act(&done(asked(1, "Ana", act())), &second)
        .await
        .unwrap();
    let back = RecipeVersion {
        reason: "it was better".to_owned(),
        ..by_act("claimed", '1', '2', 30)
    };
    ledger
        .record_recipe_act(&done(asked(2, "Ana", act())), &back)
        .await
        .unwrap();
    assert_eq!(ledger.newest_recipe("claimed").await.unwrap(), Some(back.clone()));
    let found = ledger.recipe_version("claimed", Some(&"2".repeat(16))).await.unwrap();
    assert_eq!(found, Some(second.clone()));
    assert_eq!(ledger.recipe_version("claimed", Some("none")).await.unwrap(), None);
    ledger.close().await.unwrap();

    let reports = Reports::open(&path).await.unwrap();
    let of = reports.recipe_versions(Some("claimed"), 10).await.unwrap();
    assert_eq!(of, [back.clone(), second, first]);
    assert_eq!(reports.recipe_versions(None, 2).await.unwrap().len(), 2);
    assert_eq!(reports.recipes().await.unwrap(), [other, back]);
    assert_eq!(reports.acts(10).await.unwrap().len(), 2);
}

#[tokio::test]
async fn an_act_and_the_version_that_it_makes_are_stored_both_or_neither() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("ledger");
    let mut ledger = Ledger::create(&path, Durability::Unsynced).await.unwrap();
    ledger.record_recipe(&version("claimed", '1', 10)).await.unwrap();
    let audited = done(asked(1, "Ana", act()));
    // A text that is none, and a person who has no name.
    for wrong in [
        RecipeVersion {
            text: String::new(),
            ..by_act("claimed", '2', '1', 20)
        },
        RecipeVersion {
            by: String::new(),
            ..by_act("claimed", '2', '1', 20)
        },
    ] {
        ledger.record_recipe_act(&audited, &wrong).await.unwrap_err();
    }
    assert_eq!(ledger.act(audited.request.id).await.unwrap(), None);
    ledger
        .record_recipe_act(&audited, &by_act("claimed", '2', '1', 20))
        .await
        .unwrap();
    // An act of the same id is not stored again, nor is a version with it.
    ledger
        .record_recipe_act(&audited, &by_act("claimed", '3', '2', 30))
        .await
        .unwrap_err();
    let newest = ledger.newest_recipe("claimed").await.unwrap().unwrap();
    assert_eq!(newest.version, "2".repeat(16));
    let stored = ledger.act(audited.request.id).await.unwrap().unwrap();
    assert!(stored.is_of(&audited.request));
}
