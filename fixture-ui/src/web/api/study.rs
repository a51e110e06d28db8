//! A gauge study as it is answered, and whether the fixture has passed one.

use fixture_ledger::evaluation::{Evaluation, Standing, Variable, evaluate};
use fixture_ledger::gauge::{Agreed, Agreement, OfPerson, Pooled, Variation};
use fixture_ledger::study::{Counted, EndedAs, Study};
use fixture_link::study::Criteria;
use serde::Serialize;

use super::answers::Moment;
use crate::web::Sources;
use crate::web::export::instant;
use crate::web::study::StandingWords;

/// `GET /api/v1/study`
#[derive(Debug, Serialize)]
pub struct StudyReport {
    standing: StudyStanding,
    study: Option<OneStudy>,
}

/// Whether the fixture has passed its gauge study.
#[derive(Debug, Serialize)]
pub struct StudyStanding {
    passed: bool,
    conditionally: bool,
    study: Option<i64>,
    why_not: Option<&'static str>,
    until: Option<String>,
    says: String,
}

#[derive(Debug, Serialize)]
struct OneStudy {
    number: i64,
    began: Moment,
    began_by: String,
    reason: String,
    people: Vec<String>,
    times: u32,
    units: Vec<StudyUnit>,
    left: u32,
    ended: Option<StudyEnd>,
    runs: Vec<StudyRun>,
    grade: &'static str,
    reasons: Vec<String>,
    agreement: Option<StudyAgreement>,
    variables: Vec<StudyVariable>,
}

#[derive(Debug, Serialize)]
struct StudyUnit {
    serial: String,
    mark: &'static str,
    done: Vec<u32>,
}

#[derive(Debug, Serialize)]
struct StudyEnd {
    at: Moment,
    by: String,
    reason: String,
    abandoned: bool,
}

#[derive(Debug, Serialize)]
struct StudyRun {
    run: String,
    serial: String,
    operator: String,
    seated: Moment,
    code: &'static str,
    counts: bool,
    why_not: Option<&'static str>,
    simulated: bool,
}

#[derive(Debug, Serialize)]
struct StudyAgreement {
    people: Vec<PersonAgreement>,
    between: StudyShare,
    kappa: Option<f64>,
    right: StudyShare,
    right_kappa: Option<f64>,
}

#[derive(Debug, Serialize)]
struct PersonAgreement {
    person: String,
    within: StudyShare,
    within_kappa: Option<f64>,
    right: StudyShare,
    right_kappa: Option<f64>,
}

/// Units that are judged alike, of how many, with Wilson's 95 % interval.
#[derive(Debug, Serialize)]
struct StudyShare {
    alike: u64,
    of: u64,
    share: Option<f64>,
    low: Option<f64>,
    high: Option<f64>,
}

impl From<Agreed> for StudyShare {
    fn from(agreed: Agreed) -> Self {
        let interval = agreed.interval();
        Self {
            alike: agreed.alike,
            of: agreed.of,
            share: agreed.share(),
            low: interval.map(|interval| interval.low),
            high: interval.map(|interval| interval.high),
        }
    }
}

#[derive(Debug, Serialize)]
struct StudyVariable {
    what: &'static str,
    scale: Option<&'static str>,
    least: Option<f64>,
    most: Option<f64>,
    units: usize,
    left_out: usize,
    cannot_be_told: Option<String>,
    variation: Option<StudyVariation>,
    grr_of_tolerance: Option<f64>,
    decides: bool,
    grade: Option<&'static str>,
}

/// Standard deviations, and what follows from them.
#[derive(Debug, Serialize)]
struct StudyVariation {
    repeatability: f64,
    reproducibility: f64,
    interaction: f64,
    interaction_chance: f64,
    interaction_pooled: bool,
    gauge: f64,
    units: f64,
    total: f64,
    grr_of_total: Option<f64>,
    ndc: Option<u32>,
}

impl From<&Variation> for StudyVariation {
    fn from(found: &Variation) -> Self {
        Self {
            repeatability: found.repeatability,
            reproducibility: found.reproducibility,
            interaction: found.interaction,
            interaction_chance: found.interaction_chance,
            interaction_pooled: found.pooled == Pooled::Yes,
            gauge: found.gauge(),
            units: found.units,
            total: found.total(),
            grr_of_total: found.of_total(),
            ndc: found.categories(),
        }
    }
}

impl From<&Variable> for StudyVariable {
    fn from(variable: &Variable) -> Self {
        let limits = variable.limits;
        Self {
            what: variable.what.as_str(),
            scale: variable.scale.map(fixture_ledger::record::Scale::as_str),
            least: limits.map(|(least, _)| least),
            most: limits.map(|(_, most)| most),
            units: variable.units.len(),
            left_out: variable.left_out,
            cannot_be_told: variable.variation.as_ref().err().cloned(),
            variation: variable.variation.as_ref().ok().map(StudyVariation::from),
            grr_of_tolerance: variable.of_tolerance(),
            decides: variable.grade.is_some(),
            grade: variable.grade.map(fixture_ledger::evaluation::Grade::as_str),
        }
    }
}

impl StudyStanding {
    /// Whether the fixture has passed its gauge study.
    pub fn of(sources: &Sources, standing: &Standing) -> Self {
        let says = StandingWords::of(sources, standing).sentence;
        match standing {
            Standing::Passed {
                study, until, grade, ..
            } => Self {
                passed: true,
                conditionally: *grade == fixture_ledger::evaluation::Grade::Conditionally,
                study: Some(*study),
                why_not: None,
                until: Some(instant(*until)),
                says,
            },
            Standing::NotPassed { study, why } => Self {
                passed: false,
                conditionally: false,
                study: *study,
                why_not: Some(why.as_str()),
                until: None,
                says,
            },
        }
    }
}

impl StudyReport {
    /// What was read.
    pub fn of(sources: &Sources, standing: &Standing, study: Option<&Study>) -> Self {
        Self {
            standing: StudyStanding::of(sources, standing),
            study: study.map(|study| OneStudy::of(study, &sources.criteria)),
        }
    }
}

impl OneStudy {
    fn of(study: &Study, criteria: &Criteria) -> Self {
        let said: Evaluation = evaluate(study, criteria);
        let plan = &study.plan;
        let people = 0..plan.people.len();
        Self {
            number: study.number,
            began: study.began.into(),
            began_by: study.by.clone(),
            reason: study.reason.clone(),
            people: plan.people.clone(),
            times: plan.times,
            units: plan
                .units
                .iter()
                .enumerate()
                .map(|(unit, (serial, mark))| StudyUnit {
                    serial: serial.as_str().to_owned(),
                    mark: mark.as_str(),
                    done: people.clone().map(|person| said.progress.done(unit, person)).collect(),
                })
                .collect(),
            left: said.progress.left(),
            ended: study.end.as_ref().map(|end| StudyEnd {
                at: end.at.into(),
                by: end.by.clone(),
                reason: end.reason.clone(),
                abandoned: end.how == EndedAs::Abandoned,
            }),
            runs: study
                .runs
                .iter()
                .zip(&said.counted)
                .map(|(run, counted)| {
                    let counts = matches!(counted, Counted::As { .. });
                    StudyRun {
                        run: run.run.to_string(),
                        serial: run.serial.as_str().to_owned(),
                        operator: run.operator.clone(),
                        seated: run.seated.into(),
                        code: run.code.as_str(),
                        counts,
                        why_not: (!counts).then(|| counted.why_not()),
                        simulated: run.simulated,
                    }
                })
                .collect(),
            grade: said.grade.as_str(),
            reasons: said.reasons,
            agreement: said.outcomes.as_ref().map(|found| agreement(found, &plan.people)),
            variables: said.variables.iter().map(StudyVariable::from).collect(),
        }
    }
}

fn agreement(found: &Agreement, people: &[String]) -> StudyAgreement {
    let person = |(name, of): (&String, &OfPerson)| PersonAgreement {
        person: name.clone(),
        within: of.within.into(),
        within_kappa: of.within_kappa,
        right: of.right.into(),
        right_kappa: of.right_kappa,
    };
    StudyAgreement {
        people: people.iter().zip(&found.people).map(person).collect(),
        between: found.between.into(),
        kappa: found.kappa,
        right: found.right.into(),
        right_kappa: found.right_kappa,
    }
}
