//! Lots and work orders choose the recipe of the units that begin from then on, and other versions of a recipe do likewise.

use fixture_daemon::engine::effect::Batch;
use fixture_daemon::engine::input::{ActFacts, Input, NewRecipe};
use fixture_daemon::engine::product::{Choice, Lots};
use fixture_daemon::engine::recipe::Recipe;
use fixture_link::act::{Act, ActAnswer, RecipeChange};
use fixture_link::role::Role;
use fixture_link::settings::{Label, LotName, UnknownLots};
use fixture_link::snapshot::LaneState;
use fixture_link::verdict::{Refusal, VerdictCode};

use crate::bench::{BLESSED, LED_ONLY, ms, recipe};
use crate::light::{Light, Unit, good_unit};
use crate::whole::named;

fn choice(label: Label, name: LotName, recipe: &str) -> Choice {
    Choice {
        label,
        name,
        recipe: recipe.to_owned(),
    }
}

fn called(name: &str, recipe: Recipe) -> Recipe {
    Recipe {
        name: name.to_owned(),
        version: format!("{name:0>16}"),
        ..recipe
    }
}

/// Two lanes; units without a lot are blessed, those of a lot that begins with B need only be connected, and so do those of work order W-2.
fn two_recipes(unknown: UnknownLots) -> Light {
    let mut light = Light::new(2, called("blessed", recipe(BLESSED)));
    let lots = Lots {
        choices: vec![
            choice(Label::Lot, LotName::Exactly("B-0".to_owned()), "blessed"),
            choice(Label::Lot, LotName::Beginning("B-".to_owned()), "led"),
            choice(Label::WorkOrder, LotName::Exactly("W-2".to_owned()), "led"),
        ],
        unknown,
    };
    light.line.take_over(Batch::default(), []);
    light.line.offer(vec![called("led", recipe(LED_ONLY))], lots);
    light
}

fn lot(name: &str) -> Act {
    Act::Lot { lot: name.to_owned() }
}

fn why(answer: ActAnswer) -> String {
    match answer {
        ActAnswer::Refused { why } => why,
        ActAnswer::Done => panic!("it was done"),
    }
}

/// A unit that stays connected, and is never blessed.
fn connected(serial: &'static str) -> Unit {
    let mut unit = named(serial);
    unit.after.pop();
    unit.after.last_mut().unwrap().1 = 0;
    Unit { event: None, ..unit }
}

/// What the next units are run by, and what the unit in a lane is, where that is something else.
fn shown(light: &Light, number: usize) -> (String, Option<String>) {
    let view = light.line.view(light.now);
    let other = view.lanes[number - 1].recipe.clone();
    (view.recipe.name, other.map(|recipe| recipe.name))
}

#[test]
fn a_lot_chooses_what_the_units_that_begin_from_then_on_are_run_by() {
    let mut light = two_recipes(UnknownLots::Refuse);
    assert_eq!(light.run(1, named("A1")), VerdictCode::Ok);
    assert_eq!(light.act(lot("B-7")), ActAnswer::Done);
    assert_eq!(light.run(1, connected("A2")), VerdictCode::Ok, "connected is enough");
    // The first that fits holds, not the one that fits best or last.
    assert_eq!(light.act(lot("B-0")), ActAnswer::Done);
    assert_eq!(light.run(1, named("A3")), VerdictCode::Ok);
    assert_eq!(light.act(lot("")), ActAnswer::Done);
    assert_ne!(light.run(1, connected("A4")), VerdictCode::Ok, "without a lot: blessed");
    assert_eq!(light.recipes, ["blessed", "led", "blessed", "blessed"]);
    let order = Act::WorkOrder {
        work_order: "W-2".to_owned(),
    };
    assert_eq!(light.act(order), ActAnswer::Done);
    assert_eq!(light.run(1, connected("A5")), VerdictCode::Ok);
    assert_eq!(light.recipes.last().unwrap(), "led");
}

#[test]
fn a_run_that_is_under_way_keeps_its_recipe_and_says_so() {
    let mut light = two_recipes(UnknownLots::Refuse);
    light.wait(ms(3000));
    light.seat(1, good_unit());
    light.wait(ms(4000));
    assert_eq!(shown(&light, 1), ("blessed".to_owned(), None));
    assert_eq!(light.act(lot("B-7")), ActAnswer::Done);
    assert_eq!(shown(&light, 1), ("led".to_owned(), Some("blessed".to_owned())));
    assert!(light.line.view(light.now).led_evidence_only, "the next unit's is");
    // One beside it begins by the new one, and passes by it.
    light.seat(2, connected("B2"));
    light.wait(ms(100));
    assert_eq!(shown(&light, 2).1, None);
    for _ in 0..200 {
        light.wait(ms(500));
    }
    let of = |number: u8| {
        let ends = light.ends.iter();
        ends.filter(|(lane, _)| lane.number() == number)
            .map(|(_, end)| end.code)
            .collect::<Vec<_>>()
    };
    assert_eq!(of(1), [VerdictCode::Ok], "blessed, as when it began");
    assert_eq!(of(2), [VerdictCode::Ok]);
    assert_eq!(light.recipes, ["blessed", "led"]);
    // The verdict that stands still says by what it was found.
    assert_eq!(shown(&light, 1).1.as_deref(), Some("blessed"));
    light.lift(1);
    light.wait(ms(1000));
    assert_eq!(shown(&light, 1).1, None);
}

#[test]
fn a_lot_that_no_recipe_is_for_is_refused_and_the_lot_stays() {
    let mut light = two_recipes(UnknownLots::Refuse);
    assert_eq!(light.act(lot("B-7")), ActAnswer::Done);
    assert_eq!(
        why(light.act(lot("C-1"))),
        "lot \"C-1\" has no recipe: expected B-0 (blessed), B-* (led), or nothing"
    );
    let audited = light.audited.last().unwrap();
    assert!(audited.change.is_none(), "{audited:?}");
    let view = light.line.view(light.now);
    assert_eq!((view.batch.lot.as_str(), view.recipe.name.as_str()), ("B-7", "led"));
    let order = Act::WorkOrder {
        work_order: "W-1".to_owned(),
    };
    assert!(why(light.act(order)).starts_with("work order \"W-1\" has no recipe: expected W-2 (led)"));
    // Where every lot is welcome, the others are run by the first recipe.
    let mut light = two_recipes(UnknownLots::Default);
    assert_eq!(light.act(lot("C-1")), ActAnswer::Done);
    assert_eq!(light.line.view(light.now).recipe.name, "blessed");
    // A line without a list takes every lot.
    let mut light = Light::new(1, recipe(BLESSED));
    assert_eq!(light.act(lot("C-1")), ActAnswer::Done);
}

#[test]
fn units_of_a_lot_that_lost_its_recipe_are_not_run_until_another_is_chosen() {
    let mut light = two_recipes(UnknownLots::Refuse);
    let batch = Batch {
        lot: "C-1".to_owned(),
        ..Batch::default()
    };
    light.line.take_over(batch, []);
    assert!(light.line.without_recipe().is_some());
    light.wait(ms(3000));
    light.seat(1, connected("A1"));
    light.wait(ms(1000));
    let LaneState::Refused { refusal, detail } = light.state(1) else {
        panic!("{:?}", light.state(1));
    };
    assert_eq!(refusal, Refusal::LineStopped);
    assert!(
        detail.starts_with("lot \"C-1\" has no recipe: expected B-0"),
        "{detail}"
    );
    assert_eq!(light.act(lot("B-7")), ActAnswer::Done);
    let start = Act::Start {
        lane: Some(crate::light::lane(1)),
        serial: None,
    };
    assert_eq!(light.act(start), ActAnswer::Done);
    assert_eq!(light.recipes, ["led"]);
}

#[test]
fn another_version_of_a_recipe_holds_for_the_units_that_begin_from_then_on() {
    let mut light = two_recipes(UnknownLots::Refuse);
    light.wait(ms(3000));
    light.seat(1, good_unit());
    light.wait(ms(4000));
    let other = Recipe {
        version: "other".to_owned(),
        ..called("blessed", recipe(LED_ONLY))
    };
    light.input(Input::Recipe(Box::new(other)));
    let view = light.line.view(light.now);
    assert_eq!(view.recipe.version, "other");
    let kept = view.lanes[0].recipe.clone().expect("its own");
    assert_eq!(
        (kept.name.as_str(), kept.version.as_str()),
        ("blessed", "000000000blessed")
    );
    light.seat(2, connected("B2"));
    for _ in 0..200 {
        light.wait(ms(500));
    }
    assert!(
        light.ends.iter().all(|(_, end)| end.code == VerdictCode::Ok),
        "{:?}",
        light.ends
    );
    assert_eq!(light.ends.len(), 2);
    // Of a recipe that the line does not have nothing is made.
    light.input(Input::Recipe(Box::new(called("third", recipe(LED_ONLY)))));
    assert_eq!(light.line.view(light.now).recipe.version, "other");
}

#[test]
fn an_act_that_makes_a_version_is_audited_in_words_and_changes_nothing_before_it_is_stored() {
    let mut light = two_recipes(UnknownLots::Refuse);
    let act = Act::Recipe {
        recipe: "blessed".to_owned(),
        change: RecipeChange::Entries(vec!["times.stage=\"20s\"".to_owned()]),
        reason: "stages are quick here".to_owned(),
    };
    let words = NewRecipe {
        before: "blessed 0: times.stage = \"30s\"".to_owned(),
        after: "blessed 1: times.stage = \"20s\"".to_owned(),
    };
    let facts = |recipe| ActFacts {
        recipe: Some(Box::new(recipe)),
        ..ActFacts::default()
    };
    assert_eq!(
        light.act_as(Role::Engineer, act.clone(), facts(Ok(words.clone()))),
        ActAnswer::Done
    );
    let change = light.audited.last().unwrap().change.clone().expect("before and after");
    assert_eq!(
        (change.before, change.after),
        (words.before.clone(), words.after.clone())
    );
    assert_eq!(light.line.view(light.now).recipe.version, "000000000blessed");
    assert_eq!(
        why(light.act_as(Role::Engineer, act.clone(), facts(Err("times: nothing".to_owned())))),
        "times: nothing"
    );
    assert!(why(light.act_as(Role::Operator, act.clone(), facts(Ok(words.clone())))).starts_with("role: "));
    let without = Act::Recipe {
        recipe: "blessed".to_owned(),
        change: RecipeChange::Version("0".repeat(16)),
        reason: " ".to_owned(),
    };
    assert!(why(light.act_as(Role::Engineer, without, facts(Ok(words)))).starts_with("reason: "));
    assert!(light.audited.last().unwrap().change.is_none());
}
