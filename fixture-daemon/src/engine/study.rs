//! A gauge study on the line: which runs are of it, and how far it is.

use fixture_ledger::study::{Counted, Plan, Progress};
use fixture_link::act::Mark;
use fixture_link::identity::{RunId, Serial, WallTime};
use fixture_link::study::{StudyView, StudyWish};
use fixture_link::verdict::VerdictCode;

/// A study that runs.
#[derive(Debug)]
pub struct Study {
    /// Since when, only to be shown.
    since: WallTime,
    progress: Progress,
    /// Runs whose verdict is not stored yet.
    open: Vec<Open>,
}

/// A run of a study.
#[derive(Debug)]
struct Open {
    run: RunId,
    serial: Serial,
    operator: String,
    code: Option<VerdictCode>,
}

impl Study {
    /// A study that is so far.
    pub const fn new(since: WallTime, progress: Progress) -> Self {
        Self {
            since,
            progress,
            open: Vec::new(),
        }
    }

    /// What it is made of.
    pub const fn plan(&self) -> &Plan {
        self.progress.plan()
    }

    /// Runs that are still to be made.
    pub fn left(&self) -> u32 {
        self.progress.left()
    }

    /// Whether a unit takes part.
    pub fn has(&self, serial: Option<&Serial>) -> bool {
        serial.is_some_and(|serial| self.plan().units.iter().any(|(known, _)| known == serial))
    }

    /// A run of one of its units begins, by that operator.
    pub fn began(&mut self, run: RunId, serial: Serial, operator: String) {
        self.open.push(Open {
            run,
            serial,
            operator,
            code: None,
        });
    }

    /// A run has come to a verdict that is to be stored: what the run is to the study, in words.
    pub fn concluded(&mut self, run: RunId, code: VerdictCode) -> Option<String> {
        let open = self.open.iter_mut().find(|open| open.run == run)?;
        open.code = Some(code);
        // What it would be: it counts once it is stored.
        let mut progress = self.progress.clone();
        let counted = progress.ended(&open.serial, &open.operator, code.outcome())?;
        Some(match counted {
            Counted::As { nth, .. } => format!(
                "gauge study: run {nth} of {} of this unit by {}",
                self.progress.plan().times,
                open.operator
            ),
            Counted::Outsider | Counted::OneTooMany | Counted::SaysNothing => {
                format!("gauge study: kept and not counted: {}", counted.why_not())
            }
        })
    }

    /// The verdict of a run is stored.
    pub fn stored(&mut self, run: RunId) {
        let concluded = |open: &Open| open.run == run && open.code.is_some();
        let Some(place) = self.open.iter().position(concluded) else {
            return;
        };
        let open = self.open.swap_remove(place);
        if let Some(code) = open.code {
            self.progress.ended(&open.serial, &open.operator, code.outcome());
        }
    }

    /// The study as it is shown.
    pub fn view(&self) -> StudyView {
        self.progress.view(self.since)
    }

    /// The study in words.
    pub fn words(&self) -> String {
        let Plan { units, people, times } = self.plan();
        format!(
            "a study of {} units by {}, {times} times each; {} runs to go",
            units.len(),
            people.join(", "),
            self.left()
        )
    }
}

/// What a study is made of that somebody wants, with what is known of the marks of its units: of those that are named, or of all that are marked.
///
/// # Errors
/// It cannot be made so, and what was expected.
pub fn plan(wish: &StudyWish, known: &[(Serial, Mark)]) -> Result<Plan, String> {
    wish.checked()?;
    let units: Vec<(Serial, Mark)> = if wish.units.is_empty() {
        known
            .iter()
            .filter(|(_, mark)| *mark != Mark::Ordinary)
            .cloned()
            .collect()
    } else {
        let mark = |serial: &Serial| known.iter().find(|(known, _)| known == serial).map(|(_, mark)| *mark);
        wish.units
            .iter()
            .map(|serial| (serial.clone(), mark(serial).unwrap_or_default()))
            .collect()
    };
    if !(StudyWish::FEWEST_UNITS..=StudyWish::MOST_UNITS).contains(&units.len()) {
        return Err(format!(
            "units: {} are marked as golden or known-bad; expected {} to {}: mark some, or name the units",
            units.len(),
            StudyWish::FEWEST_UNITS,
            StudyWish::MOST_UNITS
        ));
    }
    Ok(Plan {
        units,
        people: wish.people.clone(),
        times: wish.times,
    })
}
