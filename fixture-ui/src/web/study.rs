//! Gauge studies: whether this fixture has passed one, which stands on every page; and the page of one, with what is to be run, what came of it and what
//! the figures mean.

use core::time::Duration;
use std::collections::BTreeSet;
use std::sync::Arc;

use askama::Template;
use axum::extract::{RawQuery, State};
use axum::response::Html;
use blinkup::Tick;
use fixture_ledger::LedgerError;
use fixture_ledger::evaluation::{self, Evaluation, Grade, Measured, Standing, Variable, WhyNot};
use fixture_ledger::gauge::{Agreed, Agreement, Pooled, Variation};
use fixture_ledger::record::{ChangeKind, Quantity, Scale};
use fixture_ledger::report::Reports;
use fixture_ledger::study::{Counted, EndedAs, Study, Which};
use fixture_link::act::{ActId, Mark};
use fixture_link::role::Right;
use fixture_link::study::{Criteria, GrrOf, StudyWish};
use tokio::sync::Mutex;

use super::acts::{done, new_id};
use super::chart::{LEFT, TOP, WIDTH, percent};
use super::frame::Frame;
use super::link;
use super::list::{instant, instant_at};
use super::problem::{Problem, page as rendered};
use super::study_chart::{HEIGHT, Spots};
use super::visitor::Visitor;
use super::{Sources, study_chart};

/// Where it is.
pub const PATH: &str = "/study";

/// So long it holds whether the fixture has passed its study, before the ledger is asked again.
const FRESH: Duration = Duration::from_secs(5);

/// So many older studies are listed.
const LISTED: u32 = 100;

/// Whether this fixture has passed its gauge study, asked of the ledger once in a while for all pages.
#[derive(Debug, Clone, Default)]
pub struct Cached(Arc<Mutex<Option<Asked>>>);

/// What the ledger said, and when.
#[derive(Debug, Clone)]
struct Asked {
    at: Tick,
    words: Arc<StandingWords>,
}

/// Whether this fixture has passed its gauge study, in words.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct StandingWords {
    /// What stands on every page; empty where it has passed.
    pub line: String,
    /// The whole of it.
    pub sentence: String,
}

tokio::task_local! {
    static STANDING: Arc<StandingWords>;
}

/// What stands on every page that is made now; outside of a request, nothing.
pub fn line() -> String {
    STANDING.try_with(|words| words.line.clone()).unwrap_or_default()
}

/// Whether the fixture has passed its study, in a sentence.
pub fn sentence() -> String {
    STANDING.try_with(|words| words.sentence.clone()).unwrap_or_default()
}

/// Has whatever is answered within say whether the fixture has passed its study.
pub async fn said<T>(sources: &Sources, answered: impl Future<Output = T>) -> T {
    let words = sources.study.now(sources).await;
    STANDING.scope(words, answered).await
}

impl Cached {
    async fn now(&self, sources: &Sources) -> Arc<StandingWords> {
        let now = sources.clock.now();
        let mut cached = self.0.lock().await;
        if let Some(asked) = cached.as_ref()
            && now.since(asked.at) < FRESH
        {
            return Arc::clone(&asked.words);
        }
        let words = Arc::new(match standing(sources).await {
            Ok(standing) => StandingWords::of(sources, &standing),
            Err(error) => {
                let line = format!("Whether this fixture has passed its gauge study cannot be read: {error}");
                StandingWords {
                    sentence: line.clone(),
                    line,
                }
            }
        });
        *cached = Some(Asked {
            at: now,
            words: Arc::clone(&words),
        });
        words
    }
}

/// Whether this fixture has passed its gauge study now.
///
/// # Errors
/// The ledger could not be read.
pub async fn standing(sources: &Sources) -> Result<Standing, LedgerError> {
    let reports = Reports::open(&sources.ledger).await?;
    let now = sources.clock.wall().as_microsecond();
    reports.study_standing(&sources.criteria, now).await
}

impl StandingWords {
    /// Whether this fixture has passed its gauge study, in words.
    pub fn of(sources: &Sources, standing: &Standing) -> Self {
        match standing {
            Standing::Passed {
                study,
                at,
                until,
                grade,
            } => Self {
                line: String::new(),
                sentence: format!(
                    "This fixture has passed its gauge study{}: study {study} of {}, which holds until {}.",
                    match grade {
                        Grade::Conditionally => " conditionally",
                        Grade::Passed | Grade::NotPassed => "",
                    },
                    instant(sources, *at),
                    instant_at(sources, *until)
                ),
            },
            Standing::NotPassed { study, why } => {
                let which = study.map_or_else(String::new, |study| format!("study {study} "));
                let why = match why {
                    WhyNot::Never => "none was made to its end".to_owned(),
                    WhyNot::Failed(reasons) => format!(
                        "{which}did not show what it has to ({}{})",
                        reasons.first().map_or("", String::as_str),
                        match reasons.len() {
                            0 | 1 => String::new(),
                            more => format!("; and {} more", more - 1),
                        }
                    ),
                    WhyNot::Expired(since) => format!("{which}held until {}", instant_at(sources, *since)),
                    WhyNot::Changed(kind, at) => format!(
                        "{which}was made before {} ({})",
                        match kind {
                            ChangeKind::Calibration => "the lanes were commissioned anew",
                            ChangeKind::Lamp => "a lamp was changed",
                            ChangeKind::Config => "the configuration was changed",
                        },
                        instant(sources, *at)
                    ),
                    WhyNot::Software(then, now) => {
                        format!("{which}was made with version {then} of the software, and this is {now}")
                    }
                    WhyNot::Simulated => format!("{which}was made on a simulated jig"),
                };
                let line = format!("This fixture has not passed a gauge study: {why}.");
                Self {
                    sentence: line.clone(),
                    line,
                }
            }
        }
    }
}

#[derive(Template)]
#[template(path = "study.html")]
struct StudyPage {
    frame: Frame,
    done: &'static str,
    standing: String,
    form: String,
    may: bool,
    ids: Ids,
    running: Option<String>,
    /// The one that is shown is the one that runs.
    is_shown: bool,
    study: Option<Words>,
    others: Vec<Other>,
    asked: Vec<(&'static str, String)>,
    most_units: usize,
    most: usize,
}

struct Ids {
    begin: ActId,
    end: ActId,
    abandon: ActId,
}

/// Another study.
struct Other {
    address: String,
    number: i64,
    began: String,
    by: String,
    how: &'static str,
    chosen: bool,
}

/// A study in words.
struct Words {
    number: i64,
    facts: Vec<(&'static str, String)>,
    people: Vec<String>,
    units: Vec<UnitWords>,
    left: u32,
    running: bool,
    not_counted: Vec<NotCounted>,
    grade: &'static str,
    comes_to: &'static str,
    reasons: Vec<String>,
    agreement: Vec<AgreementWords>,
    codes: String,
    variables: Vec<VariableWords>,
    remarks: Vec<String>,
}

struct UnitWords {
    serial: String,
    link: String,
    mark: &'static str,
    cells: Vec<Cell>,
}

struct Cell {
    done: u32,
    of: u32,
    left: u32,
}

struct NotCounted {
    link: String,
    at: String,
    serial: String,
    operator: String,
    code: &'static str,
    why: &'static str,
}

struct AgreementWords {
    who: String,
    within: AgreedWords,
    within_kappa: String,
    right: AgreedWords,
    right_kappa: String,
}

struct AgreedWords {
    share: String,
    interval: String,
    of: String,
}

struct VariableWords {
    name: &'static str,
    unit: &'static str,
    limits: String,
    grade: &'static str,
    trouble: String,
    left_out: String,
    parts: Vec<PartWords>,
    of_tolerance: String,
    of_total: String,
    ndc: String,
    means: Vec<&'static str>,
    spots: Option<Spots>,
    rows: Vec<(String, Vec<String>)>,
}

struct PartWords {
    name: &'static str,
    deviation: String,
    of_tolerance: String,
    of_total: String,
    means: String,
}

/// `GET /study`
pub async fn page(sources: State<Arc<Sources>>, RawQuery(query): RawQuery) -> Result<Html<String>, Problem> {
    let which = asked(query.as_deref().unwrap_or_default()).map_err(|what| {
        Problem::unclear(
            &sources,
            what,
            "Correct the address, or leave the study out of it for the newest.",
        )
    })?;
    let ledger = |error| Problem::ledger(&sources, &error);
    let reports = Reports::open(&sources.ledger).await.map_err(ledger)?;
    let study = reports.study(which).await.map_err(ledger)?;
    if let (Which::Number(number), None) = (which, &study) {
        return Err(Problem::missing(
            &sources,
            format!("There is no study {number}."),
            "Choose one of those that are listed on the page of studies.",
        )
        .leading(PATH, "The studies"));
    }
    let rows = reports.studies(LISTED).await.map_err(ledger)?;
    let running = rows
        .iter()
        .find(|row| row.end.is_none())
        .map(|row| row.number.to_string());
    let shown = study.as_ref().map(|study| study.number);
    let others = rows
        .iter()
        .map(|row| Other {
            address: format!("{PATH}?study={}", row.number),
            number: row.number,
            began: instant(&sources, row.began),
            by: row.by.clone(),
            how: how(row.end),
            chosen: shown == Some(row.number),
        })
        .collect();
    let simulated = study.iter().flat_map(|study| &study.runs).any(|run| run.simulated);
    let standing = sources.study.now(&sources).await;
    let page = StudyPage {
        frame: Frame::now(&sources, "study").with_simulated(simulated),
        done: done(query.as_deref()),
        standing: standing.sentence.clone(),
        form: Visitor::asking().of_form(),
        may: Visitor::asking().has(Right::StudyTheFixture),
        ids: Ids {
            begin: new_id(),
            end: new_id(),
            abandon: new_id(),
        },
        running,
        is_shown: study.as_ref().is_some_and(|study| study.end.is_none()),
        study: study.as_ref().map(|study| words(&sources, study)),
        others,
        asked: criteria(&sources.criteria),
        most_units: StudyWish::MOST_UNITS,
        most: StudyWish::MOST,
    };
    rendered(&sources, &page)
}

/// Which study an address asks for.
///
/// # Errors
/// It makes no sense, and what was expected.
pub fn asked(query: &str) -> Result<Which, String> {
    let mut which = Which::Newest;
    for (name, value) in link::fields(query) {
        match name.as_str() {
            "study" if value.is_empty() => {}
            "study" => {
                which = value
                    .parse()
                    .ok()
                    .filter(|number| *number >= 1)
                    .map(Which::Number)
                    .ok_or_else(|| format!("study: expected a number from 1, found {value:?}"))?;
            }
            "done" => {}
            other => return Err(format!("{other}: expected study")),
        }
    }
    Ok(which)
}

const fn how(end: Option<EndedAs>) -> &'static str {
    match end {
        None => "runs",
        Some(EndedAs::Ended) => "made to its end",
        Some(EndedAs::Abandoned) => "given up",
    }
}

/// What is asked of a study, by the configuration.
fn criteria(criteria: &Criteria) -> Vec<(&'static str, String)> {
    let grr = match criteria.grr_of {
        GrrOf::Tolerance => "of the distance between the recipe’s limits; what has no limits decides nothing",
        GrrOf::TotalVariation => "of the variation of all that was measured",
    };
    let mut asked = vec![
        (
            "%GRR",
            format!(
                "up to {} good, up to {} conditionally: {grr}",
                percent(criteria.grr_good),
                percent(criteria.grr_most)
            ),
        ),
        ("Agreement", format!("at least {}", percent(criteria.agreement_least))),
        ("Kappa", format!("at least {:.2}", criteria.kappa_least)),
        ("Holds", format!("{} days", criteria.valid_days)),
    ];
    if criteria.grr_of == GrrOf::TotalVariation {
        asked.push(("Categories", format!("at least {}", criteria.ndc_least)));
    }
    asked
}

fn words(sources: &Sources, study: &Study) -> Words {
    let evaluation = evaluation::evaluate(study, &sources.criteria);
    let left = evaluation.progress.left();
    let complete = left == 0;
    let given_up = study.end.as_ref().is_some_and(|end| end.how == EndedAs::Abandoned);
    let (grade, comes_to) = match (given_up, evaluation.grade) {
        (true, _) => ("given-up", "GIVEN UP: it says nothing of the fixture"),
        (false, _) if !complete => ("not-passed", "NOT COMPLETE"),
        (false, _) if study.end.is_none() => ("not-passed", "COMPLETE: it decides once it is ended"),
        (false, Grade::Passed) => ("passed", "PASSED"),
        (false, Grade::Conditionally) => ("conditionally", "PASSED CONDITIONALLY"),
        (false, Grade::NotPassed) => ("not-passed", "NOT PASSED"),
    };
    Words {
        number: study.number,
        facts: facts(sources, study),
        people: study.plan.people.clone(),
        units: units(study, &evaluation),
        left,
        running: study.end.is_none(),
        not_counted: not_counted(sources, study, &evaluation),
        grade,
        comes_to,
        reasons: evaluation.reasons.clone(),
        agreement: evaluation
            .outcomes
            .as_ref()
            .map(|outcomes| agreement(outcomes, &study.plan.people))
            .unwrap_or_default(),
        codes: evaluation.codes.as_ref().map(codes).unwrap_or_default(),
        variables: evaluation
            .variables
            .iter()
            .map(|variable| variable_words(variable, &study.plan.people))
            .collect(),
        remarks: remarks(study),
    }
}

fn facts(sources: &Sources, study: &Study) -> Vec<(&'static str, String)> {
    let plan = &study.plan;
    let mut facts = vec![
        ("Began", format!("{} by {}", instant(sources, study.began), study.by)),
        ("Why", study.reason.clone()),
        (
            "Asked for",
            format!(
                "{} units, each {} times by each of {} people",
                plan.units.len(),
                plan.times,
                plan.people.len()
            ),
        ),
    ];
    match &study.end {
        None => facts.push(("Ended", "it runs".to_owned())),
        Some(end) => facts.push((
            match end.how {
                EndedAs::Ended => "Ended",
                EndedAs::Abandoned => "Given up",
            },
            format!("{} by {}: {}", instant(sources, end.at), end.by, end.reason),
        )),
    }
    let made: BTreeSet<_> = study
        .runs
        .iter()
        .map(|run| (&run.recipe, &run.recipe_version, &run.software))
        .collect();
    for (recipe, version, software) in made {
        facts.push(("Made with", format!("recipe {recipe} ({version}), software {software}")));
    }
    facts
}

fn remarks(study: &Study) -> Vec<String> {
    let mut remarks = Vec::new();
    if study.end.is_none() {
        for (mark, name) in [(Mark::Golden, "golden"), (Mark::KnownBad, "known-bad")] {
            if !study.plan.units.iter().any(|(_, known)| *known == mark) {
                remarks.push(format!(
                    "It holds no {name} unit, so that it cannot be passed: give it up, mark one, and begin anew."
                ));
            }
        }
    }
    let mut versions: Vec<_> = study.runs.iter().map(|run| &run.recipe_version).collect();
    versions.sort_unstable();
    versions.dedup();
    if versions.len() > 1 {
        remarks.push("The recipe became another while it ran.".to_owned());
    }
    let mut lanes: Vec<_> = study.runs.iter().map(|run| run.lane.number()).collect();
    lanes.sort_unstable();
    lanes.dedup();
    if lanes.len() > 1 {
        remarks.push(format!(
            "It was run in {} lanes: what they measure differently is part of the repeatability.",
            lanes.len()
        ));
    }
    remarks
}

fn units(study: &Study, evaluation: &Evaluation) -> Vec<UnitWords> {
    let plan = &study.plan;
    plan.units
        .iter()
        .enumerate()
        .map(|(unit, (serial, mark))| UnitWords {
            serial: serial.as_str().to_owned(),
            link: link::unit(serial.as_str()),
            mark: match mark {
                Mark::Golden => "golden: has to pass",
                Mark::KnownBad => "known-bad: has to fail",
                Mark::Ordinary => "nothing is known of it",
            },
            cells: (0..plan.people.len())
                .map(|person| {
                    let done = evaluation.progress.done(unit, person);
                    Cell {
                        done,
                        of: plan.times,
                        left: plan.times.saturating_sub(done),
                    }
                })
                .collect(),
        })
        .collect()
}

fn not_counted(sources: &Sources, study: &Study, evaluation: &Evaluation) -> Vec<NotCounted> {
    study
        .runs
        .iter()
        .zip(&evaluation.counted)
        .filter(|(_, counted)| !matches!(counted, Counted::As { .. }))
        .map(|(run, counted)| NotCounted {
            link: format!("/runs/{}", run.run),
            at: instant(sources, run.seated),
            serial: run.serial.as_str().to_owned(),
            operator: run.operator.clone(),
            code: run.code.as_str(),
            why: counted.why_not(),
        })
        .collect()
}

fn agreement(found: &Agreement, people: &[String]) -> Vec<AgreementWords> {
    let mut rows: Vec<AgreementWords> = people
        .iter()
        .zip(&found.people)
        .map(|(name, person)| AgreementWords {
            who: name.clone(),
            within: agreed(person.within),
            within_kappa: kappa(person.within_kappa),
            right: agreed(person.right),
            right_kappa: kappa(person.right_kappa),
        })
        .collect();
    rows.push(AgreementWords {
        who: "all together".to_owned(),
        within: agreed(found.between),
        within_kappa: kappa(found.kappa),
        right: agreed(found.right),
        right_kappa: kappa(found.right_kappa),
    });
    rows
}

fn codes(found: &Agreement) -> String {
    let between = agreed(found.between);
    format!(
        "By the code of the verdict, not by the outcome alone: {} ({}) alike, kappa {}; that a unit always fails in the same way is not asked.",
        between.of,
        between.share,
        kappa(found.kappa)
    )
}

fn agreed(agreed: Agreed) -> AgreedWords {
    AgreedWords {
        share: agreed.share().map_or_else(|| "–".to_owned(), percent),
        interval: agreed.interval().map_or_else(String::new, |interval| {
            format!("{} to {}", percent(interval.low), percent(interval.high))
        }),
        of: match agreed.of {
            0 => "nothing is known of any unit".to_owned(),
            of => format!("{} of {of} units", agreed.alike),
        },
    }
}

fn kappa(kappa: Option<f64>) -> String {
    kappa.map_or_else(|| "cannot be told".to_owned(), |kappa| format!("{kappa:.2}"))
}

/// What a variable is called, and its unit.
pub const fn names(what: Measured, scale: Option<Scale>) -> (&'static str, &'static str) {
    let name = match what {
        Measured::Led(Quantity::RedDie) => "LED, red die",
        Measured::Led(Quantity::GreenDie) => "LED, green die",
        Measured::Led(Quantity::LedStrength) => "LED, strength",
        Measured::Led(Quantity::GreenShare) => "LED, green share",
        Measured::Led(Quantity::Ambient) => "Empty nest",
        Measured::Led(Quantity::AmbientNoise) => "Empty nest, its noise",
        Measured::CycleTime => "Cycle time, from seated to the verdict",
    };
    let unit = match scale {
        None => "s",
        Some(Scale::Counts) => "counts",
        Some(Scale::OfReference) => "× reference",
        Some(Scale::Share) => "share",
    };
    (name, unit)
}

fn variable_words(variable: &Variable, people: &[String]) -> VariableWords {
    let (name, unit) = names(variable.what, variable.scale);
    let figures = variable.figures.as_ref();
    let places = figures.map_or(3, |figures| study_chart::places(figures.of_all()));
    let figure = |value: f64| format!("{value:.places$}");
    let rows = figures.map_or_else(Vec::new, |figures| {
        let cells = (0..variable.units.len()).map(|unit| {
            (0..figures.people())
                .map(|person| {
                    let values: Vec<String> = figures.cell(unit, person).iter().map(|value| figure(*value)).collect();
                    values.join(", ")
                })
                .collect()
        });
        let serials = variable.units.iter().map(|serial| serial.as_str().to_owned());
        serials.zip(cells).collect()
    });
    let found = variable.variation.as_ref().ok();
    VariableWords {
        name,
        unit,
        limits: variable.limits.map_or_else(
            || "the recipe sets no limits".to_owned(),
            |(least, most)| format!("allowed {} to {} {unit}", figure(least), figure(most)),
        ),
        grade: match variable.grade {
            None => "decides nothing",
            Some(Grade::Passed) => "good",
            Some(Grade::Conditionally) => "conditionally",
            Some(Grade::NotPassed) => "NOT GOOD ENOUGH",
        },
        trouble: variable.variation.as_ref().err().cloned().unwrap_or_default(),
        left_out: match variable.left_out {
            0 => String::new(),
            1 => "1 unit without a figure in each of its runs is left out.".to_owned(),
            units => format!("{units} units without a figure in each of their runs are left out."),
        },
        parts: found.map_or_else(Vec::new, |found| parts(found, variable.limits, places)),
        of_tolerance: variable.of_tolerance().map_or_else(|| "–".to_owned(), percent),
        of_total: found
            .and_then(Variation::of_total)
            .map_or_else(|| "–".to_owned(), percent),
        ndc: found
            .and_then(Variation::categories)
            .map_or_else(|| "–".to_owned(), |ndc| ndc.to_string()),
        means: found.map_or_else(Vec::new, |found| meanings(found, variable.limits.is_some())),
        spots: figures.map(|figures| Spots::of(figures, &variable.units, people, variable.limits)),
        rows,
    }
}

fn meanings(found: &Variation, has_limits: bool) -> Vec<&'static str> {
    let mut means = Vec::new();
    if has_limits {
        means.push("%GRR of the tolerance: how much of the distance between the limits the gauge's own spread takes up (six standard deviations).");
    }
    means.push(
        "%GRR of the total variation: how much of the spread of these figures is the gauge's and not the units'.",
    );
    means.push("Categories (ndc): so many groups of units the gauge could tell apart.");
    if found.units < found.gauge() {
        means.push(
            "These units hardly differ, as good units of one batch should: then %GRR of the total variation is high and the categories are few, \
             however good the gauge is.",
        );
    }
    means
}

fn parts(found: &Variation, limits: Option<(f64, f64)>, places: usize) -> Vec<PartWords> {
    let total = found.total();
    let tolerance = limits.map(|(least, most)| most - least);
    let part = |name, deviation: f64, means: String| PartWords {
        name,
        // One place more than the figures have.
        deviation: format!("{deviation:.0$}", places + 1),
        of_tolerance: tolerance.filter(|tolerance| *tolerance > 0.0).map_or_else(
            || "–".to_owned(),
            |tolerance| percent(fixture_ledger::gauge::WIDE * deviation / tolerance),
        ),
        of_total: if total > 0.0 {
            percent(deviation / total)
        } else {
            "–".to_owned()
        },
        means,
    };
    let interaction = match found.pooled {
        Pooled::Yes => format!(
            "nothing speaks for one (chance {:.2}): it is in the repeatability",
            found.interaction_chance
        ),
        Pooled::No => format!(
            "some people measure some units differently (chance {:.3})",
            found.interaction_chance
        ),
    };
    vec![
        part(
            "Repeatability (EV)",
            found.repeatability,
            "the same unit by the same person again".to_owned(),
        ),
        part(
            "Reproducibility (AV)",
            found.reproducibility,
            "the same unit by another person".to_owned(),
        ),
        part("Interaction (INT)", found.interaction, interaction),
        part("Gauge (GRR)", found.gauge(), "all of these together".to_owned()),
        part("Units (PV)", found.units, "how the units themselves differ".to_owned()),
        part("Total (TV)", total, "gauge and units together".to_owned()),
    ]
}
