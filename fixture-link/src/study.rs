//! Gauge studies: the same units several times by several people, to see how well the fixture agrees with itself, and with what is known of the units.

use serde::{Deserialize, Serialize};

use crate::act::Mark;
use crate::identity::{Serial, WallTime};

/// What is to become of a study.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum StudyStep {
    /// It begins; no other may run.
    Begin(StudyWish),
    /// The one that runs ends: all of its runs are made, and it is evaluated.
    End,
    /// The one that runs is given up: its runs are kept, and it says nothing of the fixture.
    Abandon,
}

/// What a study is to be made of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StudyWish {
    /// Its units, 2 to 50; empty for all that are marked as golden or known to be bad.
    #[serde(default)]
    pub units: Vec<Serial>,
    /// The people who run them, 2 to 10, each named as the operator of the runs is.
    pub people: Vec<String>,
    /// How often each of them runs each unit, 2 to 10.
    pub times: u32,
}

impl StudyWish {
    /// The fewest units.
    pub const FEWEST_UNITS: usize = 2;
    /// The most units.
    pub const MOST_UNITS: usize = 50;
    /// The fewest people, and the fewest times.
    pub const FEWEST: usize = 2;
    /// The most people, and the most times.
    pub const MOST: usize = 10;
    /// The longest name, in characters: as long as an operator's may be.
    const LONGEST_NAME: usize = 64;

    /// Whether a study can be made so.
    ///
    /// # Errors
    /// It cannot, and what was expected.
    pub fn checked(&self) -> Result<(), String> {
        let (fewest, most) = (Self::FEWEST_UNITS, Self::MOST_UNITS);
        if !self.units.is_empty() && !(fewest..=most).contains(&self.units.len()) {
            return Err(format!(
                "units: expected {fewest} to {most}, or none for all that are marked; found {}",
                self.units.len()
            ));
        }
        if let Some(twice) = twice(&self.units) {
            return Err(format!("units: {twice} is named twice"));
        }
        let (fewest, most) = (Self::FEWEST, Self::MOST);
        if !(fewest..=most).contains(&self.people.len()) {
            return Err(format!(
                "people: expected {fewest} to {most}, found {}",
                self.people.len()
            ));
        }
        for name in &self.people {
            let length = name.chars().count();
            if name.trim() != name || !(1..=Self::LONGEST_NAME).contains(&length) || name.chars().any(char::is_control)
            {
                return Err(format!(
                    "people: expected names of 1 to {} printable characters, found {name:?}",
                    Self::LONGEST_NAME
                ));
            }
        }
        if let Some(twice) = twice(&self.people) {
            return Err(format!("people: {twice} is named twice"));
        }
        if !(fewest..=most).contains(&usize::try_from(self.times).unwrap_or(usize::MAX)) {
            return Err(format!("times: expected {fewest} to {most}, found {}", self.times));
        }
        Ok(())
    }
}

/// The first that stands there a second time.
fn twice<T: PartialEq>(all: &[T]) -> Option<&T> {
    all.iter()
        .enumerate()
        .find(|(place, one)| all.iter().take(*place).any(|other| other == *one))
        .map(|(_, one)| one)
}

/// What a study has to show for the fixture to have passed it, and for how long that holds. The defaults are those of AIAG, Measurement Systems
/// Analysis, 4th edition (2010): chapter II D for %GRR and ndc, chapter III C for kappa and for how many decisions must be right.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Criteria {
    /// %GRR up to this share is good, 0 to 1.
    pub grr_good: f64,
    /// %GRR above this share is not passed, 0 to 1; between both it is passed under conditions.
    pub grr_most: f64,
    /// The fewest distinct categories, where these decide.
    pub ndc_least: u32,
    /// The least share of units that must be judged alike, and rightly, 0 to 1.
    pub agreement_least: f64,
    /// The least kappa, 0 to 1.
    pub kappa_least: f64,
    /// The interaction of people and units is pooled with the repeatability where its chance is higher than this, 0 to 1.
    pub pool_above: f64,
    /// What %GRR is a share of where it decides.
    pub grr_of: GrrOf,
    /// For how many days a passed study holds.
    pub valid_days: u32,
    /// Whether the fixture passes units without it.
    pub gate: Gate,
}

impl Default for Criteria {
    fn default() -> Self {
        Self {
            grr_good: 0.10,
            grr_most: 0.30,
            ndc_least: 5,
            agreement_least: 0.90,
            kappa_least: 0.75,
            pool_above: 0.25,
            grr_of: GrrOf::Tolerance,
            valid_days: 365,
            gate: Gate::Open,
        }
    }
}

/// What %GRR is a share of where it decides.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum GrrOf {
    /// Of the distance between the recipe's limits; what has none decides nothing.
    Tolerance,
    /// Of the variation of all that was measured in the study; the distinct categories decide as well.
    TotalVariation,
}

/// Whether the fixture passes units without a study that it has passed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Gate {
    /// It does, and says so.
    Open,
    /// It does not.
    Shut,
}

/// A study that runs, as it is shown.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StudyView {
    /// Since when.
    pub since: WallTime,
    /// The people, in order.
    pub people: Vec<String>,
    /// How often each is to run each unit.
    pub times: u32,
    /// The units.
    pub units: Vec<StudyUnitView>,
    /// Runs of its units that do not count: by somebody else, one too many, or without a verdict about the unit.
    pub not_counted: u32,
}

impl StudyView {
    /// Runs that are still to be made.
    pub fn left(&self) -> u32 {
        self.units
            .iter()
            .flat_map(|unit| &unit.done)
            .map(|done| self.times.saturating_sub(*done))
            .sum()
    }
}

/// A unit of a study.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StudyUnitView {
    /// The unit.
    pub serial: Serial,
    /// What was known of it as the study began.
    pub mark: Mark,
    /// How often each of the people has run it, in their order.
    pub done: Vec<u32>,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wish(units: usize, people: &[&str], times: u32) -> StudyWish {
        StudyWish {
            units: (0..units).map(|n| Serial::new(&format!("U-{n}")).unwrap()).collect(),
            people: people.iter().map(|name| (*name).to_owned()).collect(),
            times,
        }
    }

    #[test]
    fn a_study_needs_enough_of_everything_and_nothing_twice() {
        assert_eq!(wish(2, &["anna", "ben"], 2).checked(), Ok(()));
        assert_eq!(wish(0, &["anna", "ben"], 10).checked(), Ok(()), "the marked units");
        for (wish, said) in [
            (wish(1, &["anna", "ben"], 2), "units: expected 2 to 50"),
            (wish(51, &["anna", "ben"], 2), "units: expected 2 to 50"),
            (wish(2, &["anna"], 2), "people: expected 2 to 10"),
            (wish(2, &["anna", "anna"], 2), "people: anna is named twice"),
            (wish(2, &["anna", " ben"], 2), "people: expected names"),
            (wish(2, &["anna", ""], 2), "people: expected names"),
            (wish(2, &["anna", "ben"], 1), "times: expected 2 to 10"),
            (wish(2, &["anna", "ben"], 11), "times: expected 2 to 10"),
        ] {
            let error = wish.checked().unwrap_err();
            assert!(error.starts_with(said), "{error}");
        }
        let mut same = wish(2, &["anna", "ben"], 2);
        same.units[1] = same.units[0].clone();
        assert_eq!(same.checked().unwrap_err(), "units: U-0 is named twice");
    }
}
