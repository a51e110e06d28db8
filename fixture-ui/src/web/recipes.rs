//! The recipes: what each is now, its versions with who made them and why, and the form that makes another.

use std::sync::Arc;

use askama::Template;
use axum::extract::{RawQuery, State};
use axum::response::Html;
use fixture_ledger::recipes::{Origin, RecipeVersion};
use fixture_ledger::report::Reports;
use fixture_link::act::{Act, ActId, RecipeChange};
use fixture_link::role::Right;

use super::Sources;
use super::acts::{done, new_id, reason};
use super::frame::Frame;
use super::list::instant;
use super::posted::Posted;
use super::problem::{Problem, page as rendered};
use super::visitor::Visitor;
use crate::view::standing::Standing;

/// Where the page is.
pub const PATH: &str = "/recipes";

/// Versions of one recipe that are listed.
const VERSIONS: u32 = 50;

#[derive(Template)]
#[template(path = "recipes.html")]
struct RecipesPage {
    frame: Frame,
    done: &'static str,
    form: String,
    changes: bool,
    recipes: Vec<RecipeWords>,
}

/// A recipe.
struct RecipeWords {
    name: String,
    version: String,
    /// Whether the next units are run by it.
    is_next: bool,
    /// As TOML.
    text: String,
    versions: Vec<VersionWords>,
    id: ActId,
}

/// A version of it.
struct VersionWords {
    version: String,
    since: String,
    by: String,
    why: String,
    /// What is other than before, an entry each.
    changes: Vec<String>,
    /// The form to go back to it; `None` for what the recipe is now.
    back: Option<ActId>,
}

/// `GET /recipes`
pub async fn page(sources: State<Arc<Sources>>, RawQuery(query): RawQuery) -> Result<Html<String>, Problem> {
    let ledger = |error| Problem::ledger(&sources, &error);
    let reports = Reports::open(&sources.ledger).await.map_err(ledger)?;
    let next = {
        let heard = sources.newest.borrow().clone();
        match heard.standing(sources.clock.now()) {
            Standing::Live(snapshot) => snapshot.fixture.recipe.clone(),
            Standing::Gone { .. } => String::new(),
        }
    };
    let mut recipes = Vec::new();
    for newest in reports.recipes().await.map_err(ledger)? {
        let versions = reports
            .recipe_versions(Some(&newest.name), VERSIONS)
            .await
            .map_err(ledger)?;
        recipes.push(RecipeWords {
            is_next: newest.name == next,
            versions: versions
                .iter()
                .map(|version| words(&sources, version, &newest.version))
                .collect(),
            name: newest.name,
            version: newest.version,
            text: newest.text,
            id: new_id(),
        });
    }
    let visitor = Visitor::asking();
    rendered(
        &sources,
        &RecipesPage {
            frame: Frame::now(&sources, "recipes"),
            done: done(query.as_deref()),
            form: visitor.of_form(),
            changes: visitor.has(Right::ChangeTheFixture),
            recipes,
        },
    )
}

fn words(sources: &Sources, version: &RecipeVersion, now: &str) -> VersionWords {
    VersionWords {
        version: version.version.clone(),
        since: instant(sources, version.at),
        by: match version.origin {
            Origin::Act => version.by.clone(),
            Origin::File => "the recipe’s file".to_owned(),
            Origin::Program => "the program".to_owned(),
        },
        why: version.reason.clone(),
        changes: version.changes.lines().map(str::to_owned).collect(),
        back: (version.version != now).then(new_id),
    }
}

/// The act in a form: entries, one a line, or the version to go back to.
pub fn read(posted: &Posted) -> Result<Act, String> {
    let version = posted.field("version");
    let entries: Vec<String> = posted.lines("entries").map(str::to_owned).collect();
    let change = match (entries.is_empty(), version.is_empty()) {
        (false, true) => RecipeChange::Entries(entries),
        (true, false) => RecipeChange::Version(version.to_owned()),
        (_, _) => return Err("entries: expected one a line, such as times.stage = \"20s\"".to_owned()),
    };
    Ok(Act::Recipe {
        recipe: posted.field("recipe").to_owned(),
        change,
        reason: reason(posted)?,
    })
}
