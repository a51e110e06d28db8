//! What stored runs come to under other rules: lines that `fixture-daemon what-if` writes and the pages read.

use serde::{Deserialize, Serialize};

use crate::identity::{RunId, Serial, WallTime};
use crate::verdict::VerdictCode;

/// A line.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Replay {
    /// A run whose stored verdict came out again under the rules as they are.
    Run(Line),
    /// A run whose stored verdict did not: what came out instead under the rules as they are.
    NotAgain(Line),
    /// The last line.
    Summary(Summary),
}

/// What a run comes to.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Line {
    /// The run.
    pub run: RunId,
    /// The unit, where it had a serial.
    pub serial: Option<Serial>,
    /// When it was seated.
    pub seated: WallTime,
    /// Its verdict.
    pub was: VerdictCode,
    /// What it would be; `None` where what was recorded does not say.
    pub would: Option<VerdictCode>,
    /// What exactly would be seen, or why nobody knows.
    pub why: String,
}

/// How many runs came to what.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Summary {
    /// Runs that were looked at.
    pub runs: u32,
    /// Whether there are more that were not.
    pub more: bool,
    /// Some are of a simulated jig: everything says SIMULATED.
    pub simulated: bool,
    /// Of them: made under another version of the recipe than the one that is in use; they count all the same.
    pub other_recipe: u32,
    /// Their verdict is the fixture's, the network's or a person's, or there is none: no rule of the unit decides it.
    pub not_of_the_unit: u32,
    /// Without recorded light that can be read.
    pub without_light: u32,
    /// Their stored verdict did not come out again under the recipe as it is, so that they say nothing about another.
    pub not_again: u32,
    /// The same verdict.
    pub same: u32,
    /// Another one.
    pub others: u32,
    /// What was recorded does not say.
    pub open: u32,
}
