//! Where in which pattern the LED may be: belief over pattern, step and time within the step, in cells of ten milliseconds.
#![expect(
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    clippy::cast_sign_loss,
    reason = "counts of cells and positive times, far below 2^24"
)]

use alloc::vec;
use alloc::vec::Vec;
use core::ops::Range;
use core::time::Duration;

use super::expectations::Expectations;
use super::exposure::{EXPOSURES, PerExposure, between};
use super::sensor::{COLOURS, PerColour, place};
use crate::codes::{Colour, PatternId};

/// Milliseconds of a pattern that a cell stands for.
const CELL_MS: f32 = 10.0;

/// Lengths of the dark between power and the red flash, cells.
const POWER_UP: Range<usize> = 1..150;
/// Lengths of the single red flash, cells.
const FLASH: Range<usize> = 6..40;
/// After a silence of this many cells only whole turns and an unknown place in them are left: more change nothing.
const LONGEST: usize = 100_000;

/// A step as the reader needs it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Step {
    pub(super) colour: Colour,
    pub(super) shortest: Duration,
    pub(super) longest: Duration,
}

/// A pattern of which every colour is known.
#[derive(Debug, Clone)]
pub(super) struct Known {
    pub(super) id: PatternId,
    pub(super) rarity: Rarity,
    pub(super) steps: Vec<Step>,
}

/// How often a pattern is to be expected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Rarity {
    Common,
    Rare,
}

/// What a track stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// A pattern of the table.
    Pattern(PatternId),
    /// A single red flash: an event, never a reading.
    Flash,
    /// Light that no pattern explains: any colour after any other.
    Strange,
}

/// How belief moves through a track's cells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Motion {
    /// It stays: one colour, held.
    Held,
    /// It goes round: every step has one length.
    Round,
    /// It leaves cells by their hazard: some steps have a range of lengths.
    Ranged,
    /// It leaves by hazard, and the track with it.
    Once,
    /// A cell a colour.
    Any,
}

/// How long a pattern is shown: a showing is one or the other from its start.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Showing {
    Lasting,
    /// A stage that the unit passes through, often in less than a period.
    Brief,
}

const SHOWINGS: [Showing; 2] = [Showing::Lasting, Showing::Brief];

#[derive(Debug, Clone)]
struct Track {
    /// Its place among the kinds.
    kind: usize,
    showing: Showing,
    motion: Motion,
    cells: Range<usize>,
    runs: Range<usize>,
}

/// Neighbouring cells of one step.
#[derive(Debug, Clone)]
struct Run {
    cells: Range<usize>,
    colour: usize,
    /// What a sample saw that ended in the first cells.
    edge: usize,
}

/// What all beliefs have in common: the patterns, laid out in cells.
#[derive(Debug, Clone)]
pub(super) struct Tracks {
    kinds: Vec<Kind>,
    laid: Vec<Track>,
    runs: Vec<Run>,
    /// How the first pattern begins: a share for each cell; sums to 1.
    first: Vec<f32>,
    /// How later ones begin; sums to 1.
    entry: Vec<f32>,
    entry_colours: PerColour,
    /// The part of a cell's belief that leaves its step in one cell's time; of ranged steps only.
    hazard: Vec<f32>,
    expectations: Expectations,
}

/// The belief of one view over all tracks.
#[derive(Debug, Clone)]
pub(super) struct Belief {
    cells: Vec<f32>,
    /// Belief in each kind; sums to 1.
    kinds: Vec<f32>,
    /// Belief in each colour of lasting and of brief showings.
    colours: [PerColour; 2],
    /// Time that has passed and is not yet a whole cell, milliseconds.
    rest_ms: f32,
}

/// What a sample changed: how probable it was (relative to its weights), and then each exposure, summing to 1.
#[derive(Debug, Clone, Copy)]
pub(super) struct Weighed {
    pub(super) total: f32,
    pub(super) exposures: PerExposure,
}

impl Belief {
    pub(super) fn kinds(&self) -> &[f32] {
        &self.kinds
    }

    /// Belief in each colour.
    pub(super) fn colours(&self) -> PerColour {
        let [lasting, brief] = self.colours;
        core::array::from_fn(|colour| lasting[colour] + brief[colour])
    }

    pub(super) fn state_bytes(&self) -> usize {
        (self.cells.len() + self.kinds.len()) * size_of::<f32>()
    }

    /// Becomes as another belief. Does not allocate.
    pub(super) fn copy_from(&mut self, other: &Self) {
        self.cells.copy_from_slice(&other.cells);
        self.kinds.copy_from_slice(&other.kinds);
        self.colours = other.colours;
        self.rest_ms = other.rest_ms;
    }

    /// Takes another belief in, as a `share` of both.
    pub(super) fn merge(&mut self, other: &Self, share: f32) {
        let both = [(&mut self.cells, &other.cells), (&mut self.kinds, &other.kinds)];
        for (values, others) in both {
            for (value, other) in values.iter_mut().zip(others) {
                *value += share * (other - *value);
            }
        }
        for (colours, others) in self.colours.iter_mut().zip(other.colours) {
            for (value, other) in colours.iter_mut().zip(others) {
                *value += share * (other - *value);
            }
        }
    }
}

impl Tracks {
    pub(super) fn new(patterns: &[Known], expectations: Expectations) -> Self {
        let mut tracks = Self {
            kinds: Vec::new(),
            laid: Vec::new(),
            runs: Vec::new(),
            first: Vec::new(),
            entry: Vec::new(),
            entry_colours: [0.0; 4],
            hazard: Vec::new(),
            expectations,
        };
        for Known { id, rarity, steps } in patterns {
            let share = match (rarity, &**steps) {
                (
                    Rarity::Common | Rarity::Rare,
                    [
                        Step {
                            colour: Colour::Off, ..
                        },
                    ],
                ) => expectations.dark,
                (Rarity::Common, _) => 1.0,
                (Rarity::Rare, _) => expectations.rare,
            };
            tracks.kinds.push(Kind::Pattern(*id));
            for showing in SHOWINGS {
                let part = match showing {
                    Showing::Lasting => 1.0 - expectations.brief,
                    Showing::Brief => expectations.brief,
                };
                tracks.lay(showing, steps, share * part);
            }
        }
        tracks.lay_flash();
        tracks.lay_strange();
        for shares in [&mut tracks.first, &mut tracks.entry] {
            let total: f32 = shares.iter().sum();
            for share in shares {
                *share /= total;
            }
        }
        for run in &tracks.runs {
            tracks.entry_colours[run.colour] += tracks.entry[run.cells.clone()].iter().sum::<f32>();
        }
        tracks
    }

    /// A belief of one that has seen nothing.
    pub(super) fn belief(&self) -> Belief {
        let mut belief = Belief {
            cells: vec![0.0; self.first.len()],
            kinds: vec![0.0; self.kinds.len()],
            colours: [[0.0; 4]; 2],
            rest_ms: 0.0,
        };
        self.restart(&mut belief);
        belief
    }

    /// Room for what [`pass`](Self::pass) works with.
    pub(super) fn room(&self) -> Vec<f32> {
        vec![0.0; self.first.len()]
    }

    /// Forgets everything seen.
    pub(super) fn restart(&self, belief: &mut Belief) {
        belief.cells.copy_from_slice(&self.first);
        belief.rest_ms = 0.0;
        let mut exposures = [0.0; EXPOSURES];
        self.sum_up(belief, &mut exposures);
    }

    /// What the tracks stand for, in the order of a belief's kinds.
    pub(super) fn kinds(&self) -> &[Kind] {
        &self.kinds
    }

    /// Lets time pass, and weighs every cell by what a sample at the end of it, `integration_ms` long, tells.
    ///
    /// `room` is as long as the belief; what is in it does not matter.
    pub(super) fn pass(
        &self,
        belief: &mut Belief,
        room: &mut Vec<f32>,
        milliseconds: f32,
        integration_ms: f32,
        weights: &PerExposure,
    ) -> Weighed {
        belief.rest_ms += milliseconds;
        let steps = ((belief.rest_ms / CELL_MS + 0.5) as usize).min(LONGEST);
        belief.rest_ms -= steps as f32 * CELL_MS;
        let expectations = &self.expectations;
        let seconds = milliseconds / 1000.0;
        let ends = [expectations.changes, expectations.brief_ends].map(|rate| rate * seconds / (1.0 + rate * seconds));
        let mut leaving = [0.0; 4];
        for (colours, ends) in belief.colours.iter().zip(ends) {
            for (leaving, colour) in leaving.iter_mut().zip(colours) {
                *leaving += ends * colour;
            }
        }
        for track in &self.laid {
            let cells = track.cells.clone();
            let (old, new) = (&mut belief.cells[cells.clone()], &mut room[cells.clone()]);
            match track.motion {
                Motion::Held | Motion::Any => new.copy_from_slice(old),
                Motion::Round => go_round(
                    old,
                    new,
                    steps,
                    expectations.stray * milliseconds / (2.0 * CELL_MS * CELL_MS),
                ),
                Motion::Ranged | Motion::Once => {
                    let runs = &self.runs[track.runs.clone()];
                    let course = Course {
                        runs,
                        hazard: &self.hazard[cells.clone()],
                        base: cells.start,
                        once: track.motion == Motion::Once,
                        part: expectations.stray / (2.0 * CELL_MS),
                    };
                    let ended = course.go_on(old, new, steps.min(400));
                    if let Some(last) = runs.last() {
                        leaving[last.colour] += ended;
                    }
                }
            }
        }
        // What changed since the last sample did so before this one began, or within it.
        let within = (integration_ms / milliseconds.max(1.0e-3)).min(1.0);
        let mut exposures = [0.0; EXPOSURES];
        let mut entering = [0.0; 4];
        for (before, leaving) in leaving.into_iter().enumerate() {
            for (after, entering) in entering.iter_mut().enumerate() {
                for (exposure, part) in [(between(before, after), within), (after, 1.0 - within)] {
                    let seen = leaving * part * weights[exposure];
                    *entering += seen;
                    exposures[exposure] += seen * self.entry_colours[after];
                }
            }
        }
        // A sample that ends in these first cells of a step began before it.
        let edges = (integration_ms / CELL_MS + 0.5).max(1.0) as usize;
        let of_cell = (integration_ms / CELL_MS).clamp(0.05, 1.0);
        for track in &self.laid {
            let keeps = 1.0 - ends[track.showing as usize];
            if track.motion == Motion::Any {
                let change = expectations.strange_changes * seconds;
                let changing = Changing {
                    keeps,
                    change: change / (1.0 + change * 4.0 / 3.0),
                    within,
                };
                let cells = &mut room[track.cells.clone()];
                go_anywhere(cells, &changing, weights, &mut exposures);
                for ((cell, entry), entering) in cells.iter_mut().zip(&self.entry[track.cells.clone()]).zip(entering) {
                    *cell += entering * entry;
                }
                continue;
            }
            for run in &self.runs[track.runs.clone()] {
                let cells = &mut room[run.cells.clone()];
                let entry = &self.entry[run.cells.clone()];
                let held = keeps * weights[run.colour];
                let entering = entering[run.colour];
                let edges = if run.edge == run.colour {
                    0
                } else {
                    edges.min(cells.len())
                };
                let (first, rest) = cells.split_at_mut(edges);
                let (first_entry, rest_entry) = entry.split_at(edges);
                let edge = keeps * of_cell * weights[run.edge];
                let beside = keeps * (1.0 - of_cell) * weights[run.colour];
                for (cell, entry) in first.iter_mut().zip(first_entry) {
                    exposures[run.edge] += *cell * edge;
                    exposures[run.colour] += *cell * beside;
                    *cell = *cell * (edge + beside) + entering * entry;
                }
                let mut sum = 0.0;
                for (cell, entry) in rest.iter_mut().zip(rest_entry) {
                    sum += *cell;
                    *cell = *cell * held + entering * entry;
                }
                exposures[run.colour] += sum * held;
            }
        }
        core::mem::swap(&mut belief.cells, room);
        let total = self.sum_up(belief, &mut exposures);
        Weighed { total, exposures }
    }

    /// Makes belief, and what it rests on, sum to 1; gives what it summed to.
    fn sum_up(&self, belief: &mut Belief, exposures: &mut PerExposure) -> f32 {
        belief.kinds.fill(0.0);
        belief.colours = [[0.0; 4]; 2];
        for track in &self.laid {
            let colours = &mut belief.colours[track.showing as usize];
            for run in &self.runs[track.runs.clone()] {
                let sum = sum_of(&belief.cells[run.cells.clone()]);
                belief.kinds[track.kind] += sum;
                colours[run.colour] += sum;
            }
        }
        let total: f32 = belief.kinds.iter().sum();
        let scale = 1.0 / total.max(f32::MIN_POSITIVE);
        for values in [&mut belief.cells, &mut belief.kinds] {
            for value in values {
                *value *= scale;
            }
        }
        for value in belief.colours.iter_mut().flatten().chain(exposures) {
            *value *= scale;
        }
        total
    }

    fn lay(&mut self, showing: Showing, steps: &[Step], share: f32) {
        let first_cell = self.entry.len();
        let first_run = self.runs.len();
        let held = steps.len() == 1;
        let ranged = steps.iter().any(|step| step.shortest != step.longest);
        let motion = match (held, ranged) {
            (true, _) => Motion::Held,
            (false, true) => Motion::Ranged,
            (false, false) => Motion::Round,
        };
        // Cells of fixed steps are shared out so that rounding never adds up.
        let mut end_ms = 0.0;
        for (index, step) in steps.iter().enumerate() {
            let start = self.entry.len();
            if held {
                self.entry.push(0.0);
                self.hazard.push(0.0);
            } else {
                end_ms += step.longest.as_secs_f32() * 1000.0;
                let end = first_cell + (end_ms / CELL_MS + 0.5) as usize;
                let length = (end - start).max(1);
                let shortest = (step.shortest.as_secs_f32() * 1000.0 / CELL_MS + 0.5) as usize;
                for cell in 0..length {
                    self.entry.push(0.0);
                    // All lengths of the range alike: the hazard of a uniform distribution. Straying past the end is not quite impossible.
                    let left = (length - cell) as f32;
                    let hazard = (1.0 / left).min(0.9);
                    self.hazard.push(if cell + 1 >= shortest { hazard } else { 0.0 });
                }
            }
            let before = steps[(index + steps.len() - 1) % steps.len()].colour;
            self.push_run(start, before, step.colour);
        }
        let cells = first_cell..self.entry.len();
        self.first.resize(cells.end, 0.0);
        let Expectations {
            from_the_start,
            first_from_the_start,
            ..
        } = self.expectations;
        for (shares, from_the_start) in [
            (&mut self.entry, from_the_start),
            (&mut self.first, first_from_the_start),
        ] {
            let from_the_start = if held { 1.0 } else { from_the_start };
            let anywhere = share * (1.0 - from_the_start) / cells.len() as f32;
            shares[cells.clone()].fill(anywhere);
            shares[first_cell] += share * from_the_start;
        }
        self.push_track(showing, motion, first_cell, first_run);
    }

    fn push_run(&mut self, start: usize, before: Colour, colour: Colour) {
        self.runs.push(Run {
            cells: start..self.entry.len(),
            colour: place(colour),
            edge: between(place(before), place(colour)),
        });
    }

    fn push_track(&mut self, showing: Showing, motion: Motion, first_cell: usize, first_run: usize) {
        self.laid.push(Track {
            kind: self.kinds.len() - 1,
            showing,
            motion,
            cells: first_cell..self.entry.len(),
            runs: first_run..self.runs.len(),
        });
    }

    /// A single red flash, alone or after the dark of a unit whose power comes up.
    fn lay_flash(&mut self) {
        let first_cell = self.entry.len();
        let first_run = self.runs.len();
        let Expectations {
            flash,
            power_up,
            first_power_up,
            ..
        } = self.expectations;
        self.kinds.push(Kind::Flash);
        for (before, colour, lengths, share, first_share) in [
            (Colour::Off, Colour::Off, POWER_UP, power_up, first_power_up),
            (Colour::Off, Colour::Red, FLASH, flash, flash),
        ] {
            let start = self.entry.len();
            for cell in 0..lengths.end {
                self.entry.push(if cell == 0 { share } else { 0.0 });
                self.first.push(if cell == 0 { first_share } else { 0.0 });
                self.hazard.push(if cell + 1 >= lengths.start {
                    1.0 / (lengths.end - cell) as f32
                } else {
                    0.0
                });
            }
            self.push_run(start, before, colour);
        }
        self.push_track(Showing::Lasting, Motion::Once, first_cell, first_run);
    }

    fn lay_strange(&mut self) {
        let first_cell = self.entry.len();
        let first_run = self.runs.len();
        self.kinds.push(Kind::Strange);
        for colour in COLOURS {
            let start = self.entry.len();
            self.entry.push(self.expectations.strange / 4.0);
            self.first.push(self.expectations.strange / 4.0);
            self.hazard.push(0.0);
            self.push_run(start, colour, colour);
        }
        self.push_track(Showing::Lasting, Motion::Any, first_cell, first_run);
    }
}

/// How colours change where any may follow any other.
struct Changing {
    /// The part that stays in the track.
    keeps: f32,
    /// The part that changes its colour.
    change: f32,
    /// The part of the changes that were within the sample.
    within: f32,
}

/// Any colour after any other; a cell a colour.
fn go_anywhere(cells: &mut [f32], changing: &Changing, weights: &PerExposure, exposures: &mut PerExposure) {
    let mut old = [0.0; 4];
    old.copy_from_slice(cells);
    for (after, cell) in cells.iter_mut().enumerate() {
        *cell = 0.0;
        for (before, old) in old.into_iter().enumerate() {
            let change = if before == after {
                1.0 - changing.change
            } else {
                changing.change / 3.0
            };
            for (exposure, part) in [
                (between(before, after), changing.within),
                (after, 1.0 - changing.within),
            ] {
                let seen = changing.keeps * change * part * old * weights[exposure];
                exposures[exposure] += seen;
                *cell += seen;
            }
        }
    }
}

/// A sum in lanes, which compilers vectorise.
fn sum_of(values: &[f32]) -> f32 {
    let (lanes, rest) = values.as_chunks::<8>();
    let mut sums = [0.0_f32; 8];
    for lane in lanes {
        for (sum, value) in sums.iter_mut().zip(lane) {
            *sum += value;
        }
    }
    sums.iter().sum::<f32>() + rest.iter().sum::<f32>()
}

/// Moves belief on by whole cells round a pattern; `stray` is the part that gets into either neighbour.
fn go_round(old: &mut [f32], new: &mut [f32], steps: usize, stray: f32) {
    let length = old.len();
    let turn = steps % length;
    if turn > 0 {
        new[turn..].copy_from_slice(&old[..length - turn]);
        new[..turn].copy_from_slice(&old[length - turn..]);
        old.copy_from_slice(new);
    }
    let mut stray = stray;
    // A wider kernel is the same one applied more often; more than 64 times is everywhere.
    for _ in 0..64 {
        let part = stray.min(0.25);
        blur(old, new, part);
        stray -= part;
        if stray <= 0.0 {
            break;
        }
        old.copy_from_slice(new);
    }
}

/// Lets a part of each cell's belief stray into either neighbour, round the ends.
fn blur(old: &[f32], new: &mut [f32], part: f32) {
    let length = old.len();
    if length < 3 {
        new.copy_from_slice(old);
        return;
    }
    let keep = 1.0 - 2.0 * part;
    new[0] = keep * old[0] + part * (old[length - 1] + old[1]);
    new[length - 1] = keep * old[length - 1] + part * (old[length - 2] + old[0]);
    for (new, around) in new[1..length - 1].iter_mut().zip(old.windows(3)) {
        *new = keep * around[1] + part * (around[0] + around[2]);
    }
}

/// The way through a track whose steps have ranges.
struct Course<'a> {
    runs: &'a [Run],
    hazard: &'a [f32],
    base: usize,
    once: bool,
    /// The part that strays into either neighbour.
    part: f32,
}

impl Course<'_> {
    /// Moves belief on cell by cell, leaving steps by their hazard; gives what left the track.
    fn go_on(&self, old: &mut [f32], new: &mut [f32], steps: usize) -> f32 {
        let mut ended = 0.0;
        if steps == 0 {
            new.copy_from_slice(old);
        }
        for step in 0..steps {
            if step > 0 {
                old.copy_from_slice(new);
            }
            let mut leaving = 0.0;
            for run in self.runs {
                let cells = run.cells.start - self.base..run.cells.end - self.base;
                let hazard = &self.hazard[cells.clone()];
                leaving = go_through(&old[cells.clone()], &mut new[cells], hazard, leaving, self.part);
            }
            if self.once {
                ended += leaving;
            } else {
                new[0] += leaving;
            }
        }
        ended
    }
}

/// Moves belief on by a cell within a step, straying; `entering` comes into the first cell; gives what leaves.
fn go_through(old: &[f32], new: &mut [f32], hazard: &[f32], entering: f32, part: f32) -> f32 {
    new.fill(0.0);
    new[0] = entering;
    let last = old.len() - 1;
    let mut leaving = 0.0;
    for (cell, (belief, hazard)) in old.iter().zip(hazard).enumerate() {
        let goes = belief * hazard;
        let moves = belief - goes;
        leaving += goes;
        new[cell] += part * moves;
        new[(cell + 1).min(last)] += (1.0 - 2.0 * part) * moves;
        new[(cell + 2).min(last)] += part * moves;
    }
    leaving
}
