//! What this fixture is: versions, configuration, clock, disk, and the seal that tells whether its ledger is whole.

use std::sync::Arc;

use askama::Template;
use axum::extract::State;
use axum::response::Html;
use fixture_ledger::report::Reports;

use super::Sources;
use super::frame::{Frame, moment};
use super::problem::{Problem, page as rendered};
use crate::view::standing::Standing;

#[derive(Template)]
#[template(path = "about.html")]
struct AboutPage {
    frame: Frame,
    facts: Vec<(&'static str, String)>,
    notices: Vec<(String, String, String)>,
    ledger: Vec<(&'static str, String)>,
}

/// `GET /about`
pub async fn page(sources: State<Arc<Sources>>) -> Result<Html<String>, Problem> {
    let standing = sources.newest.borrow().clone();
    let now = sources.clock.now();
    let mut facts = vec![
        ("Fixture", sources.fixture.clone()),
        ("Pages", format!("fixture-ui {}", env!("CARGO_PKG_VERSION"))),
        ("Now", moment(&sources, sources.clock.wall())),
        (
            "Time zone",
            sources.shifts.zone().iana_name().unwrap_or("the system's").to_owned(),
        ),
        (
            "Takt",
            sources.shifts.takt().map_or_else(
                || "none in the configuration".to_owned(),
                |takt| format!("{} s a unit", takt.as_secs_f64()),
            ),
        ),
    ];
    let mut notices = Vec::new();
    match standing.standing(now) {
        Standing::Live(snapshot) => {
            facts.push((
                "Daemon",
                format!("fixture-daemon {}, running", snapshot.fixture.software),
            ));
            facts.push((
                "Recipe",
                format!("{} ({})", snapshot.fixture.recipe, snapshot.fixture.recipe_version),
            ));
            for notice in &snapshot.notices {
                notices.push((notice.part.clone(), notice.what.clone(), notice.remedy.clone()));
            }
        }
        Standing::Gone { .. } => facts.push(("Daemon", "not heard".to_owned())),
    }
    let ledger = |error| Problem::ledger(&sources, &error);
    let reports = Reports::open(&sources.ledger).await.map_err(ledger)?;
    let last = reports.last_seal().await.map_err(ledger)?;
    let mut stored = vec![("File", sources.ledger.display().to_string())];
    if let Ok(metadata) = std::fs::metadata(&sources.ledger) {
        stored.push(("Size", size(metadata.len())));
    }
    match nix::sys::statvfs::statvfs(&sources.ledger) {
        Ok(disk) => {
            let bytes = |blocks: u64| size(blocks.saturating_mul(disk.fragment_size()));
            stored.push((
                "Disk",
                format!("{} free of {}", bytes(disk.blocks_available()), bytes(disk.blocks())),
            ));
        }
        Err(error) => stored.push(("Disk", format!("cannot be asked: {error}"))),
    }
    match last {
        Some((verdict, seal)) => {
            stored.push(("Verdicts", verdict.to_string()));
            stored.push(("Last seal", seal.to_string()));
        }
        None => stored.push(("Last seal", "none: no run is sealed".to_owned())),
    }
    rendered(
        &sources,
        &AboutPage {
            frame: Frame::now(&sources, "about"),
            facts,
            notices,
            ledger: stored,
        },
    )
}

/// Bytes as people say them.
#[expect(clippy::cast_precision_loss, reason = "a size to one place")]
fn size(bytes: u64) -> String {
    let mib = bytes as f64 / 1_048_576.0;
    if mib < 1024.0 {
        format!("{mib:.1} MiB")
    } else {
        format!("{:.1} GiB", mib / 1024.0)
    }
}
