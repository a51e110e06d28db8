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
use super::sensor::{COLOURS, PerColour, place};
use crate::codes::{Colour, PatternId};

/// Milliseconds of a pattern that a cell stands for.
pub(super) const CELL_MS: f32 = 10.0;

/// Lengths of the dark between power and the red flash, cells.
const POWER_UP: Range<usize> = 1..150;
/// Lengths of the single red flash, cells.
const FLASH: Range<usize> = 6..40;

/// A step as the reader needs it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Step {
    pub(super) colour: Colour,
    pub(super) shortest: Duration,
    pub(super) longest: Duration,
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

#[derive(Debug, Clone)]
struct Track {
    kind: Kind,
    motion: Motion,
    cells: Range<usize>,
    runs: Range<usize>,
    /// Of a held colour: how long other patterns show it at most.
    outlasts: Option<Outlasts>,
}

/// A colour that must be shown for longer than this before it can be a held one.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Outlasts {
    pub(super) colour: Colour,
    pub(super) others: Duration,
}

/// Neighbouring cells of one step.
#[derive(Debug, Clone)]
struct Run {
    cells: Range<usize>,
    colour: usize,
}

/// The belief over all tracks.
#[derive(Debug, Clone)]
pub(super) struct Tracks {
    laid: Vec<Track>,
    runs: Vec<Run>,
    cells: Vec<f32>,
    next: Vec<f32>,
    /// How the first pattern begins: a share for each cell; sums to 1.
    first: Vec<f32>,
    /// How later ones begin; sums to 1.
    entry: Vec<f32>,
    expectations: Expectations,
    /// The part of a cell's belief that leaves its step in one cell's time; of ranged steps only.
    hazard: Vec<f32>,
    /// Belief in each track.
    belief: Vec<f32>,
    /// Time that has passed and is not yet a whole cell, milliseconds.
    rest_ms: f32,
}

impl Tracks {
    pub(super) fn new(patterns: &[(PatternId, Vec<Step>)], expectations: Expectations) -> Self {
        let mut tracks = Self {
            laid: Vec::new(),
            runs: Vec::new(),
            cells: Vec::new(),
            next: Vec::new(),
            first: Vec::new(),
            entry: Vec::new(),
            expectations,
            hazard: Vec::new(),
            belief: Vec::new(),
            rest_ms: 0.0,
        };
        for (id, steps) in patterns {
            let dark = matches!(
                **steps,
                [Step {
                    colour: Colour::Off,
                    ..
                }]
            );
            tracks.lay(Kind::Pattern(*id), steps, if dark { expectations.dark } else { 1.0 });
            if let ([step], Some(track)) = (&**steps, tracks.laid.last_mut()) {
                let same = patterns
                    .iter()
                    .filter(|(_, steps)| steps.len() > 1)
                    .flat_map(|(_, steps)| steps);
                let longest = same
                    .filter(|other| other.colour == step.colour)
                    .map(|other| other.longest)
                    .max();
                track.outlasts = Some(Outlasts {
                    colour: step.colour,
                    others: longest.unwrap_or_default(),
                });
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
        tracks.cells = tracks.first.clone();
        tracks.next = vec![0.0; tracks.entry.len()];
        tracks.belief = vec![0.0; tracks.laid.len()];
        tracks.settle();
        tracks
    }

    /// Forgets everything seen.
    pub(super) fn restart(&mut self) {
        self.cells.copy_from_slice(&self.first);
        self.rest_ms = 0.0;
        self.settle();
    }

    pub(super) fn state_bytes(&self) -> usize {
        (self.cells.len() + self.next.len() + self.belief.len()) * size_of::<f32>()
    }

    /// What the tracks stand for, with the belief in each.
    pub(super) fn beliefs(&self) -> impl Iterator<Item = (Kind, f32)> {
        self.laid
            .iter()
            .map(|track| track.kind)
            .zip(self.belief.iter().copied())
    }

    /// The track that is believed in most.
    pub(super) fn best(&self) -> (Kind, f32, Option<Outlasts>) {
        let mut best = (Kind::Strange, 0.0, None);
        for (track, belief) in self.laid.iter().zip(&self.belief) {
            if *belief > best.1 {
                best = (track.kind, *belief, track.outlasts);
            }
        }
        best
    }

    /// Lets time pass; gives how probable each colour is now.
    pub(super) fn pass(&mut self, milliseconds: f32) -> PerColour {
        self.rest_ms += milliseconds;
        let steps = ((self.rest_ms / CELL_MS + 0.5) as usize).min(100_000);
        self.rest_ms -= steps as f32 * CELL_MS;
        // After a long silence only whole turns and an unknown place in them are left: more than this many cells change nothing.
        let mut ended = 0.0;
        for index in 0..self.laid.len() {
            let Track { motion, ref cells, .. } = self.laid[index];
            let cells = cells.clone();
            let (old, new) = (&mut self.cells[cells.clone()], &mut self.next[cells.clone()]);
            match motion {
                Motion::Held => new.copy_from_slice(old),
                Motion::Round => go_round(old, new, steps, self.expectations.stray),
                Motion::Ranged | Motion::Once => {
                    let course = Course {
                        runs: &self.runs[self.laid[index].runs.clone()],
                        hazard: &self.hazard[cells.clone()],
                        base: cells.start,
                        once: motion == Motion::Once,
                        part: self.expectations.stray / (2.0 * CELL_MS),
                    };
                    ended += course.go_on(old, new, steps.min(400));
                }
                Motion::Any => go_anywhere(old, new, self.expectations.strange_changes * milliseconds / 1000.0),
            }
        }
        let change = 1.0 - exp_small(self.expectations.changes * milliseconds / 1000.0);
        let entering = change * (1.0 - ended) + ended;
        for (cell, share) in self.next.iter_mut().zip(&self.entry) {
            *cell = *cell * (1.0 - change) + entering * share;
        }
        core::mem::swap(&mut self.cells, &mut self.next);
        let mut expected = [0.0; 4];
        for run in &self.runs {
            expected[run.colour] += self.cells[run.cells.clone()].iter().sum::<f32>();
        }
        expected
    }

    /// Weighs every cell by its colour.
    pub(super) fn weigh(&mut self, weights: &PerColour) {
        for run in &self.runs {
            let weight = weights[run.colour];
            for cell in &mut self.cells[run.cells.clone()] {
                *cell *= weight;
            }
        }
        self.settle();
    }

    /// Makes all belief sum to 1.
    fn settle(&mut self) {
        let mut total = 0.0;
        for (belief, track) in self.belief.iter_mut().zip(&self.laid) {
            *belief = self.cells[track.cells.clone()].iter().sum();
            total += *belief;
        }
        let scale = 1.0 / total;
        for cell in &mut self.cells {
            *cell *= scale;
        }
        for belief in &mut self.belief {
            *belief *= scale;
        }
    }

    fn lay(&mut self, kind: Kind, steps: &[Step], share: f32) {
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
        for step in steps {
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
            self.runs.push(Run {
                cells: start..self.entry.len(),
                colour: place(step.colour),
            });
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
        self.laid.push(Track {
            kind,
            motion,
            cells,
            runs: first_run..self.runs.len(),
            outlasts: None,
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
        for (colour, lengths, share, first_share) in [
            (Colour::Off, POWER_UP, power_up, first_power_up),
            (Colour::Red, FLASH, flash, flash),
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
            self.runs.push(Run {
                cells: start..self.entry.len(),
                colour: place(colour),
            });
        }
        self.laid.push(Track {
            kind: Kind::Flash,
            motion: Motion::Once,
            cells: first_cell..self.entry.len(),
            runs: first_run..self.runs.len(),
            outlasts: None,
        });
    }

    fn lay_strange(&mut self) {
        let first_cell = self.entry.len();
        let first_run = self.runs.len();
        for colour in COLOURS {
            let cell = self.entry.len();
            self.entry.push(self.expectations.strange / 4.0);
            self.first.push(self.expectations.strange / 4.0);
            self.hazard.push(0.0);
            self.runs.push(Run {
                cells: cell..cell + 1,
                colour: place(colour),
            });
        }
        self.laid.push(Track {
            kind: Kind::Strange,
            motion: Motion::Any,
            cells: first_cell..self.entry.len(),
            runs: first_run..self.runs.len(),
            outlasts: None,
        });
    }
}

/// `e` to the power `-x` for small `x` from 0 up.
fn exp_small(x: f32) -> f32 {
    1.0 / (1.0 + x + 0.5 * x * x)
}

/// Moves belief on by whole cells round a pattern, straying as it goes.
fn go_round(old: &mut [f32], new: &mut [f32], steps: usize, stray: f32) {
    let length = old.len();
    let turn = steps % length;
    if turn > 0 {
        new[turn..].copy_from_slice(&old[..length - turn]);
        new[..turn].copy_from_slice(&old[length - turn..]);
        old.copy_from_slice(new);
    }
    let mut stray = steps as f32 * stray / (2.0 * CELL_MS);
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

/// Any colour after any other.
fn go_anywhere(old: &[f32], new: &mut [f32], changes: f32) {
    let change = changes / (1.0 + changes * 4.0 / 3.0);
    let all: f32 = old.iter().sum();
    for (new, old) in new.iter_mut().zip(old) {
        *new = *old * (1.0 - change) + (all - *old) * change / 3.0;
    }
}
