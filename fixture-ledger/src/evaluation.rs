//! What a gauge study says of the fixture, and whether the fixture has passed one: from stored runs alone.

use fixture_link::act::Mark;
use fixture_link::identity::{Serial, WallTime};
use fixture_link::study::{Criteria, GrrOf};
use fixture_link::verdict::{Outcome, VerdictCode};

use crate::decode::{self, Place};
use crate::error::LedgerError;
use crate::gauge::{Agreed, Agreement, Crossed, Variation, agreement, variation};
use crate::record::{ChangeKind, Quantity, Scale};
use crate::report::Reports;
use crate::study::{Counted, Progress, Study, StudyRun, Which};

/// A day in microseconds.
const DAY: i64 = 86_400_000_000;

/// What a study comes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Grade {
    /// All that it has to show is shown.
    Passed,
    /// It is, with a gauge that is not as good as one would wish.
    Conditionally,
    /// Something is not.
    NotPassed,
}

impl Grade {
    /// Every one.
    pub const ALL: [Self; 3] = [Self::Passed, Self::Conditionally, Self::NotPassed];

    /// The name in the API, kebab-case.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Passed => "passed",
            Self::Conditionally => "conditionally",
            Self::NotPassed => "not-passed",
        }
    }
}

/// What is measured in every run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Measured {
    /// Of the LED.
    Led(Quantity),
    /// From seated to the verdict, in seconds.
    CycleTime,
}

impl Measured {
    /// The name in the API, kebab-case.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Led(what) => what.as_str(),
            Self::CycleTime => "cycle-time",
        }
    }
}

/// A variable of a study.
#[derive(Debug, Clone, PartialEq)]
pub struct Variable {
    /// What is measured.
    pub what: Measured,
    /// On which scale; `None`: in seconds.
    pub scale: Option<Scale>,
    /// The recipe's limits; `None` where it sets none.
    pub limits: Option<(f64, f64)>,
    /// The units that have a figure in each of their runs.
    pub units: Vec<Serial>,
    /// Units that have not, and are left out.
    pub left_out: usize,
    /// The figures.
    pub figures: Option<Crossed<f64>>,
    /// Their variation, or why that cannot be told.
    pub variation: Result<Variation, String>,
    /// What it comes to; `None` where it decides nothing.
    pub grade: Option<Grade>,
}

impl Variable {
    /// %GRR of the distance between the limits, as a share; `None` without limits.
    pub fn of_tolerance(&self) -> Option<f64> {
        let (least, most) = self.limits?;
        self.variation.as_ref().ok()?.of_tolerance(most - least)
    }
}

/// What a study says.
#[derive(Debug, Clone, PartialEq)]
pub struct Evaluation {
    /// How far it is.
    pub progress: Progress,
    /// What each of its runs is to it, in their order.
    pub counted: Vec<Counted>,
    /// How well its verdicts agree, by outcome; `None` while runs are missing.
    pub outcomes: Option<Agreement>,
    /// The same by code.
    pub codes: Option<Agreement>,
    /// Its variables, in order; those of which nothing was measured are left out.
    pub variables: Vec<Variable>,
    /// What it comes to.
    pub grade: Grade,
    /// Why it is not passed, or passed conditionally; one sentence each.
    pub reasons: Vec<String>,
}

/// What a study says by these criteria.
pub fn evaluate(study: &Study, criteria: &Criteria) -> Evaluation {
    let (progress, counted) = study.counted();
    let mut judged = Judged {
        grade: Grade::Passed,
        reasons: Vec::new(),
    };
    let runs = counting(study, &counted);
    let plan = &study.plan;
    let (units, people) = (plan.units.len(), plan.people.len());
    let times = usize::try_from(plan.times).unwrap_or(usize::MAX);
    let crossed = |cells: &[&StudyRun]| -> Option<(Crossed<Outcome>, Crossed<VerdictCode>)> {
        Some((
            Crossed::new(
                units,
                people,
                times,
                cells.iter().map(|run| run.code.outcome()).collect(),
            )?,
            Crossed::new(units, people, times, cells.iter().map(|run| run.code).collect())?,
        ))
    };
    let whole: Option<Vec<&StudyRun>> = runs.iter().copied().collect();
    let answers = whole.as_deref().and_then(crossed);
    let known: Vec<Option<Outcome>> = plan
        .units
        .iter()
        .map(|(_, mark)| match mark {
            Mark::Golden => Some(Outcome::Pass),
            Mark::KnownBad => Some(Outcome::Fail),
            Mark::Ordinary => None,
        })
        .collect();
    let outcomes = answers.as_ref().map(|(outcomes, _)| agreement(outcomes, &known));
    let codes = answers.as_ref().map(|(_, codes)| agreement(codes, &vec![None; units]));
    match &outcomes {
        None => judged.not_passed(format!("{} of its runs are missing", progress.left())),
        Some(outcomes) => judge_answers(outcomes, &plan.people, &known, criteria, &mut judged),
    }
    let mut variables = Vec::new();
    if whole.is_some() {
        let led = Quantity::ALL.into_iter().filter(|what| what.is_of_the_led());
        for what in led.map(Measured::Led).chain([Measured::CycleTime]) {
            variables.extend(variable(what, study, &runs, criteria));
        }
        for variable in &mut variables {
            judge_variable(variable, criteria, &mut judged);
        }
    }
    Evaluation {
        progress,
        counted,
        outcomes,
        codes,
        variables,
        grade: judged.grade,
        reasons: judged.reasons,
    }
}

/// The runs that count, by unit, then by person, then by time; `None` where one is missing.
fn counting<'a>(study: &'a Study, counted: &[Counted]) -> Vec<Option<&'a StudyRun>> {
    let people = study.plan.people.len();
    let times = usize::try_from(study.plan.times).unwrap_or(usize::MAX);
    let mut runs = vec![None; study.plan.units.len() * people * times];
    for (run, counted) in study.runs.iter().zip(counted) {
        if let Counted::As { unit, person, nth } = *counted
            && let Some(time) = usize::try_from(nth).ok().and_then(|nth| nth.checked_sub(1))
            && let Some(place) = runs.get_mut((unit * people + person) * times + time)
        {
            *place = Some(run);
        }
    }
    runs
}

/// What becomes of a study while it is judged.
struct Judged {
    grade: Grade,
    reasons: Vec<String>,
}

impl Judged {
    fn not_passed(&mut self, why: String) {
        self.grade = Grade::NotPassed;
        self.reasons.push(why);
    }

    fn conditionally(&mut self, why: String) {
        self.grade = self.grade.max(Grade::Conditionally);
        self.reasons.push(why);
    }
}

fn per_cent(share: f64) -> String {
    format!("{:.1} %", share * 100.0)
}

fn judge_answers(
    outcomes: &Agreement,
    people: &[String],
    known: &[Option<Outcome>],
    criteria: &Criteria,
    judged: &mut Judged,
) {
    let has = |outcome| known.contains(&Some(outcome));
    if !has(Outcome::Pass) || !has(Outcome::Fail) {
        judged.not_passed(
            "there is no golden or no known-bad unit in it, so that nobody knows whether its verdicts are right"
                .to_owned(),
        );
    }
    let mut share = |agreed: Agreed, of: String| {
        if let Some(share) = agreed.share().filter(|share| *share < criteria.agreement_least) {
            judged.not_passed(format!(
                "{of}: {} of {} units ({}), at least {} is asked",
                agreed.alike,
                agreed.of,
                per_cent(share),
                per_cent(criteria.agreement_least)
            ));
        }
    };
    for (person, name) in outcomes.people.iter().zip(people) {
        share(
            person.within,
            format!("always the same outcome when {name} runs a unit"),
        );
        share(
            person.right,
            format!("always the right outcome when {name} runs a unit"),
        );
    }
    share(
        outcomes.between,
        "always the same outcome whoever runs a unit".to_owned(),
    );
    share(
        outcomes.right,
        "always the right outcome whoever runs a unit".to_owned(),
    );
    let mut kappa = |kappa: Option<f64>, of: &str| match kappa {
        None => judged.not_passed(format!(
            "{of} cannot be told: every outcome was the same, whatever the unit"
        )),
        Some(kappa) if kappa < criteria.kappa_least => judged.not_passed(format!(
            "{of} is {kappa:.2}, at least {:.2} is asked",
            criteria.kappa_least
        )),
        Some(_) => {}
    };
    kappa(outcomes.kappa, "kappa between all runs of a unit");
    if known.iter().any(Option::is_some) {
        kappa(outcomes.right_kappa, "kappa against what is known of the units");
    }
}

/// What was measured of the units; `None` where nothing was.
fn variable(what: Measured, study: &Study, runs: &[Option<&StudyRun>], criteria: &Criteria) -> Option<Variable> {
    let plan = &study.plan;
    let people = plan.people.len();
    let times = usize::try_from(plan.times).unwrap_or(usize::MAX);
    let mut said = Vec::new();
    let (mut units, mut found) = (Vec::new(), Vec::new());
    for ((serial, _), of_unit) in plan.units.iter().zip(runs.chunks(people * times)) {
        let figures: Option<Vec<Figure>> = of_unit.iter().map(|run| figure(what, (*run)?)).collect();
        if let Some(figures) = figures {
            units.push(serial.clone());
            for figure in figures {
                found.push(figure.value);
                if !said.contains(&(figure.scale, figure.limits)) {
                    said.push((figure.scale, figure.limits));
                }
            }
        }
    }
    let (scale, limits) = *said.last()?;
    let left_out = plan.units.len() - units.len();
    let figures = Crossed::new(units.len(), people, times, found);
    let variation = match (&figures, said.len()) {
        (_, 2..) => Err("its scale or its limits became others while the study ran".to_owned()),
        (None, _) => Err(format!(
            "only {} of its units have a figure in each of their runs; at least 2 are needed",
            units.len()
        )),
        (Some(figures), _) => Ok(variation(figures, criteria.pool_above)),
    };
    Some(Variable {
        what,
        scale,
        limits,
        units,
        left_out,
        figures,
        variation,
        grade: None,
    })
}

/// A figure of a run.
struct Figure {
    value: f64,
    scale: Option<Scale>,
    limits: Option<(f64, f64)>,
}

fn figure(what: Measured, run: &StudyRun) -> Option<Figure> {
    match what {
        Measured::CycleTime => Some(Figure {
            value: run.took?.as_secs_f64(),
            scale: None,
            limits: None,
        }),
        Measured::Led(what) => {
            let measured = run.measurements.iter().find(|measured| measured.what == what)?;
            Some(Figure {
                value: f64::from(measured.value),
                scale: Some(measured.scale),
                limits: measured.limits.as_ref().map(|limits| {
                    let allowed = &limits.allowed;
                    (f64::from(*allowed.start()), f64::from(*allowed.end()))
                }),
            })
        }
    }
}

fn judge_variable(variable: &mut Variable, criteria: &Criteria, judged: &mut Judged) {
    let what = variable.what.as_str();
    let decides = match (criteria.grr_of, variable.what) {
        (GrrOf::Tolerance, _) => variable.limits.is_some(),
        (GrrOf::TotalVariation, Measured::Led(_)) => true,
        (GrrOf::TotalVariation, Measured::CycleTime) => false,
    };
    if !decides {
        return;
    }
    let mut alone = Judged {
        grade: Grade::Passed,
        reasons: Vec::new(),
    };
    match (&variable.variation, criteria.grr_of) {
        (Err(why), _) => alone.not_passed(format!("{what} cannot be told: {why}")),
        (Ok(_), GrrOf::Tolerance) => judge_grr(variable.of_tolerance(), what, "tolerance", criteria, &mut alone),
        (Ok(found), GrrOf::TotalVariation) => {
            judge_grr(found.of_total(), what, "total variation", criteria, &mut alone);
            if let Some(ndc) = found.categories().filter(|ndc| *ndc < criteria.ndc_least) {
                alone.not_passed(format!(
                    "{what}: {ndc} categories of units can be told apart, at least {} are asked",
                    criteria.ndc_least
                ));
            }
        }
    }
    variable.grade = Some(alone.grade);
    judged.grade = judged.grade.max(alone.grade);
    judged.reasons.append(&mut alone.reasons);
}

fn judge_grr(grr: Option<f64>, what: &str, of: &str, criteria: &Criteria, judged: &mut Judged) {
    let Some(grr) = grr else { return };
    let said = |most| {
        format!(
            "{what}: %GRR is {} of the {of}, more than {}",
            per_cent(grr),
            per_cent(most)
        )
    };
    if grr > criteria.grr_most {
        judged.not_passed(said(criteria.grr_most));
    } else if grr > criteria.grr_good {
        judged.conditionally(said(criteria.grr_good));
    }
}

/// Whether the fixture has passed its gauge study.
#[derive(Debug, Clone, PartialEq)]
pub enum Standing {
    /// It has.
    Passed {
        /// The study.
        study: i64,
        /// When that ended.
        at: WallTime,
        /// Until when it holds, microseconds since 1970 UTC.
        until: i64,
        /// Conditionally or not.
        grade: Grade,
    },
    /// It has not, or no longer.
    NotPassed {
        /// The study that decides; `None` where there was none.
        study: Option<i64>,
        /// Why.
        why: WhyNot,
    },
}

/// Why a fixture has not passed its gauge study.
#[derive(Debug, Clone, PartialEq)]
pub enum WhyNot {
    /// None was ever made to its end.
    Never,
    /// The last one did not show what it has to.
    Failed(Vec<String>),
    /// It holds no longer, since then; microseconds since 1970 UTC.
    Expired(i64),
    /// The lanes were commissioned or a lamp changed after it began.
    Changed(ChangeKind, WallTime),
    /// It was made with another version of the software: then and now.
    Software(String, String),
    /// It was made on a simulated jig, and this one is not.
    Simulated,
}

impl WhyNot {
    /// The name in the API, kebab-case.
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Never => "never-made",
            Self::Failed(_) => "failed",
            Self::Expired(_) => "expired",
            Self::Changed(..) => "fixture-changed",
            Self::Software(..) => "software-changed",
            Self::Simulated => "made-on-a-simulated-jig",
        }
    }
}

/// What is at the fixture now, as far as the ledger tells.
struct Now {
    at: i64,
    changed: Option<(ChangeKind, WallTime)>,
    software: Option<String>,
    simulated: bool,
}

fn standing(study: &Study, criteria: &Criteria, now: Now) -> Standing {
    let not = |why| Standing::NotPassed {
        study: Some(study.number),
        why,
    };
    let Some(end) = &study.end else {
        return not(WhyNot::Never);
    };
    let evaluation = evaluate(study, criteria);
    if evaluation.grade == Grade::NotPassed {
        return not(WhyNot::Failed(evaluation.reasons));
    }
    if !now.simulated && study.runs.iter().any(|run| run.simulated) {
        return not(WhyNot::Simulated);
    }
    if let Some((kind, at)) = now.changed {
        return not(WhyNot::Changed(kind, at));
    }
    let then = study.runs.last().map(|run| run.software.clone());
    if let (Some(then), Some(now)) = (then, now.software)
        && compatible(&then) != compatible(&now)
    {
        return not(WhyNot::Software(then, now));
    }
    let until = end.at.micros.saturating_add(i64::from(criteria.valid_days) * DAY);
    if until <= now.at {
        return not(WhyNot::Expired(until));
    }
    Standing::Passed {
        study: study.number,
        at: end.at,
        until,
        grade: evaluation.grade,
    }
}

/// What must be the same of two versions for one to behave as the other: the number up to its first part that is not 0 (Semantic Versioning 2.0.0,
/// as Cargo reads it).
fn compatible(version: &str) -> &str {
    let core = version.split(['-', '+']).next().unwrap_or_default();
    let mut end = 0;
    for part in core.split('.') {
        end += part.len();
        if part.parse() != Ok(0_u64) {
            break;
        }
        end += 1;
    }
    core.get(..end).unwrap_or(core)
}

impl Reports {
    /// Whether the fixture has passed its gauge study by these criteria, at an instant in microseconds since 1970 UTC. The newest study that was made
    /// to its end decides.
    ///
    /// # Errors
    /// The ledger could not be read, or a row of it makes no sense.
    pub async fn study_standing(&self, criteria: &Criteria, at: i64) -> Result<Standing, LedgerError> {
        const OPERATION: &str = "reading whether the fixture has passed its study";
        let failed = |error| LedgerError::sqlx(&self.path, OPERATION, error);
        let Some(study) = self.study(Which::NewestEnded).await? else {
            return Ok(Standing::NotPassed {
                study: None,
                why: WhyNot::Never,
            });
        };
        let mut reader = self.reader().await?;
        let changed = sqlx::query!(
            "SELECT number, at, at_synchronised, kind
            FROM change
            WHERE kind IN ('calibration', 'lamp')
                AND at > ?1
            ORDER BY number DESC
            LIMIT 1",
            study.began.micros
        )
        .fetch_optional(&mut reader.connection)
        .await
        .map_err(failed)?;
        let newest = sqlx::query!(
            r#"SELECT setup.software, setup.simulated AS "simulated: bool"
            FROM run
            JOIN setup ON setup.number = run.setup
            WHERE run.number = (SELECT max(number) FROM run)"#
        )
        .fetch_optional(&mut reader.connection)
        .await
        .map_err(failed)?;
        reader.close(&self.path, OPERATION).await?;
        let changed = changed
            .map(|row| {
                let place = Place {
                    path: &self.path,
                    table: "change",
                    row: row.number,
                };
                Ok::<_, LedgerError>((
                    place.parse("kind", &row.kind)?,
                    decode::wall(row.at, row.at_synchronised),
                ))
            })
            .transpose()?;
        let now = Now {
            at,
            changed,
            simulated: newest.as_ref().is_some_and(|newest| newest.simulated),
            software: newest.map(|newest| newest.software),
        };
        Ok(standing(&study, criteria, now))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_that_behave_alike_are_told_by_the_first_number_that_is_not_0() {
        for (one, other, alike) in [
            ("0.1.0", "0.1.7", true),
            ("0.1.0", "0.2.0", false),
            ("1.2.3", "1.9.0", true),
            ("1.2.3", "2.0.0", false),
            ("0.0.3", "0.0.4", false),
            ("1.0.0-rc.1", "1.0.0", true),
            ("1.0.0", "10.0.0", false),
        ] {
            assert_eq!(compatible(one) == compatible(other), alike, "{one} {other}");
        }
    }
}
