//! What surrounds every page.

use fixture_ledger::report::RunRow;
use fixture_link::role::Right;
use jiff::Timestamp;

use super::Sources;
use super::study;
use super::visitor::Visitor;
use crate::view::{SIMULATED, View};

/// The top and bottom of a page, in words.
#[derive(Debug, Clone)]
pub struct Frame {
    /// The fixture's name.
    pub fixture: String,
    /// Which page of the navigation this is; empty for none.
    pub page: &'static str,
    /// What has to stand on it.
    pub badges: Vec<&'static str>,
    /// Whose time it speaks of.
    pub zone: String,
    /// When it was made.
    pub at: String,
    /// Who asks, where somebody is logged in.
    pub person: Option<PersonWords>,
    /// That the fixture has not passed its gauge study; empty where it has, and for whoever may not look.
    pub study: String,
}

/// Who is logged in, as it stands on every page.
#[derive(Debug, Clone)]
pub struct PersonWords {
    /// The name.
    pub name: String,
    /// What it may do at the line.
    pub runs_the_line: bool,
    /// May read the audit.
    pub reads_the_audit: bool,
    /// Keeps the accounts.
    pub keeps_accounts: bool,
    /// What forms carry; empty for a machine with a token.
    pub form: String,
}

impl PersonWords {
    fn asking() -> Option<Self> {
        let visitor = Visitor::asking();
        Some(Self {
            name: visitor.person.as_ref()?.name.clone(),
            runs_the_line: visitor.has(Right::RunTheLine),
            reads_the_audit: visitor.has(Right::ReadTheAudit),
            keeps_accounts: visitor.has(Right::KeepAccounts),
            form: visitor.of_form(),
        })
    }
}

impl Frame {
    /// The frame of a page that shows `view`.
    pub fn of(sources: &Sources, page: &'static str, view: &View) -> Self {
        Self {
            fixture: if view.fixture.is_empty() {
                sources.fixture.clone()
            } else {
                view.fixture.clone()
            },
            page,
            badges: view.badges.clone(),
            zone: sources
                .shifts
                .zone()
                .iana_name()
                .unwrap_or("the fixture's time")
                .to_owned(),
            at: moment(sources, sources.clock.wall()),
            person: PersonWords::asking(),
            study: study::line(),
        }
    }

    /// The frame of a page that shows stored things.
    pub fn now(sources: &Sources, page: &'static str) -> Self {
        let view = View::of(&sources.newest.borrow(), sources.clock.now());
        Self::of(sources, page, &view)
    }

    /// The same with what has to stand on a page of these runs, whatever jig is at work now.
    #[must_use]
    pub fn with(self, runs: &[RunRow]) -> Self {
        self.with_simulated(runs.iter().any(|run| run.simulated))
    }

    /// The same with the word that has to stand on a page that tells of any run of a simulated jig.
    #[must_use]
    pub fn with_simulated(mut self, any: bool) -> Self {
        if any && !self.badges.contains(&SIMULATED) {
            self.badges.insert(0, SIMULATED);
        }
        self
    }
}

/// An instant as people at the fixture read it.
pub fn moment(sources: &Sources, at: Timestamp) -> String {
    at.to_zoned(sources.shifts.zone().clone())
        .strftime("%Y-%m-%d %H:%M:%S %Z")
        .to_string()
}
