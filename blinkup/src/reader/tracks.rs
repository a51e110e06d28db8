//! Where in which pattern the LED may be: belief over pattern, step and time within the step, in cells of ten milliseconds.

use alloc::vec;
use alloc::vec::Vec;
use core::ops::Range;
use core::time::Duration;

use super::sensor::{COLOURS, PerColour, place};
use crate::codes::{Colour, PatternId};

/// Milliseconds of a pattern that a cell stands for.
pub(super) const CELL_MS: f32 = 10.0;

/// How much an edge strays a millisecond of the pattern, milliseconds squared: the wander of single edges (10 ms) and the clock (2 %) together.
const STRAY: f32 = 0.6;
/// Pattern changes a second.
const CHANGES: f32 = 1.0 / 300.0;
/// Of the patterns that begin, those that begin with their first step; the others begin anywhere.
const FROM_THE_START: f32 = 0.7;
/// How often a single red flash begins, beside each of the patterns.
const FLASH_SHARE: f32 = 1.0;
/// How often light begins that is no known pattern, beside each of the patterns.
const STRANGE_SHARE: f32 = 0.02;
/// Changes of colour a second of light that is no known pattern.
const STRANGE_CHANGES: f32 = 2.0;
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
    tracks: Vec<Track>,
    runs: Vec<Run>,
    cells: Vec<f32>,
    next: Vec<f32>,
    /// How a pattern begins: a share for each cell; sums to 1.
    entry: Vec<f32>,
    /// The part of a cell's belief that leaves its step in one cell's time; of ranged steps only.
    hazard: Vec<f32>,
    /// Belief in each track.
    belief: Vec<f32>,
    /// Time that has passed and is not yet a whole cell, milliseconds.
    rest_ms: f32,
}

impl Tracks {
    pub(super) fn new(patterns: &[(PatternId, Vec<Step>)]) -> Self {
        let mut tracks = Self {
            tracks: Vec::new(),
            runs: Vec::new(),
            cells: Vec::new(),
            next: Vec::new(),
            entry: Vec::new(),
            hazard: Vec::new(),
            belief: Vec::new(),
            rest_ms: 0.0,
        };
        for (id, steps) in patterns {
            tracks.lay(Kind::Pattern(*id), steps, 1.0);
        }
        tracks.lay_flash();
        tracks.lay_strange();
        let total: f32 = tracks.entry.iter().sum();
        for share in &mut tracks.entry {
            *share /= total;
        }
        tracks.cells = tracks.entry.clone();
        tracks.next = vec![0.0; tracks.entry.len()];
        tracks.belief = vec![0.0; tracks.tracks.len()];
        tracks.settle();
        tracks
    }

    /// Forgets everything seen.
    pub(super) fn restart(&mut self) {
        self.cells.copy_from_slice(&self.entry);
        self.rest_ms = 0.0;
        self.settle();
    }

    pub(super) fn state_bytes(&self) -> usize {
        (self.cells.len() + self.next.len() + self.belief.len()) * size_of::<f32>()
    }

    /// What the tracks stand for, with the belief in each.
    pub(super) fn beliefs(&self) -> impl Iterator<Item = (Kind, f32)> {
        self.tracks
            .iter()
            .map(|track| track.kind)
            .zip(self.belief.iter().copied())
    }

    /// Lets time pass; gives how probable each colour is now.
    pub(super) fn pass(&mut self, milliseconds: f32) -> PerColour {
        self.rest_ms += milliseconds;
        let steps = ((self.rest_ms / CELL_MS + 0.5) as usize).min(100_000);
        self.rest_ms -= steps as f32 * CELL_MS;
        // After a long silence only whole turns and an unknown place in them are left: more than this many cells change nothing.
        let mut ended = 0.0;
        for index in 0..self.tracks.len() {
            let Track { motion, ref cells, .. } = self.tracks[index];
            let cells = cells.clone();
            let (old, new) = (&mut self.cells[cells.clone()], &mut self.next[cells.clone()]);
            match motion {
                Motion::Held => new.copy_from_slice(old),
                Motion::Round => go_round(old, new, steps),
                Motion::Ranged | Motion::Once => {
                    let runs = &self.runs[self.tracks[index].runs.clone()];
                    ended += go_on(
                        old,
                        new,
                        &self.hazard[cells.clone()],
                        runs,
                        cells.start,
                        steps.min(400),
                        motion == Motion::Once,
                    );
                }
                Motion::Any => go_anywhere(old, new, milliseconds / 1000.0),
            }
        }
        let change = 1.0 - exp_small(CHANGES * milliseconds / 1000.0);
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
        for (belief, track) in self.belief.iter_mut().zip(&self.tracks) {
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
                    // All lengths of the range alike: the hazard of a uniform distribution.
                    let left = (length - cell) as f32;
                    self.hazard.push(if cell + 1 >= shortest { 1.0 / left } else { 0.0 });
                }
            }
            self.runs.push(Run {
                cells: start..self.entry.len(),
                colour: place(step.colour),
            });
        }
        let cells = first_cell..self.entry.len();
        let anywhere = if held {
            0.0
        } else {
            share * (1.0 - FROM_THE_START) / cells.len() as f32
        };
        for cell in &mut self.entry[cells.clone()] {
            *cell = anywhere;
        }
        self.entry[first_cell] += if held { share } else { share * FROM_THE_START };
        self.tracks.push(Track {
            kind,
            motion,
            cells,
            runs: first_run..self.runs.len(),
        });
    }

    fn lay_flash(&mut self) {
        let first_cell = self.entry.len();
        let first_run = self.runs.len();
        for cell in 0..FLASH.end {
            self.entry.push(0.0);
            self.hazard.push(if cell + 1 >= FLASH.start {
                1.0 / (FLASH.end - cell) as f32
            } else {
                0.0
            });
        }
        self.entry[first_cell] = FLASH_SHARE;
        let cells = first_cell..self.entry.len();
        self.runs.push(Run {
            cells: cells.clone(),
            colour: place(Colour::Red),
        });
        self.tracks.push(Track {
            kind: Kind::Flash,
            motion: Motion::Once,
            cells,
            runs: first_run..self.runs.len(),
        });
    }

    fn lay_strange(&mut self) {
        let first_cell = self.entry.len();
        let first_run = self.runs.len();
        for colour in COLOURS {
            let cell = self.entry.len();
            self.entry.push(STRANGE_SHARE / 4.0);
            self.hazard.push(0.0);
            self.runs.push(Run {
                cells: cell..cell + 1,
                colour: place(colour),
            });
        }
        self.tracks.push(Track {
            kind: Kind::Strange,
            motion: Motion::Any,
            cells: first_cell..self.entry.len(),
            runs: first_run..self.runs.len(),
        });
    }
}

/// `e` to the power `-x` for small `x` from 0 up.
fn exp_small(x: f32) -> f32 {
    1.0 / (1.0 + x + 0.5 * x * x)
}

/// Moves belief on by whole cells round a pattern, straying as it goes.
fn go_round(old: &mut [f32], new: &mut [f32], steps: usize) {
    let length = old.len();
    let turn = steps % length;
    if turn > 0 {
        new[turn..].copy_from_slice(&old[..length - turn]);
        new[..turn].copy_from_slice(&old[length - turn..]);
        old.copy_from_slice(new);
    }
    let mut stray = steps as f32 * STRAY / (2.0 * CELL_MS);
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

/// Moves belief on cell by cell, leaving steps by their hazard; gives what left the track.
fn go_on(old: &mut [f32], new: &mut [f32], hazard: &[f32], runs: &[Run], base: usize, steps: usize, once: bool) -> f32 {
    let mut ended = 0.0;
    if steps == 0 {
        new.copy_from_slice(old);
    }
    for step in 0..steps {
        if step > 0 {
            old.copy_from_slice(new);
        }
        let mut leaving = 0.0;
        for run in runs {
            let cells = run.cells.start - base..run.cells.end - base;
            let mut out = 0.0;
            new[cells.start] = leaving;
            for cell in cells.clone() {
                let goes = old[cell] * hazard[cell];
                out += goes;
                if cell + 1 < cells.end {
                    new[cell + 1] = old[cell] - goes;
                }
            }
            leaving = out;
        }
        if once {
            ended += leaving;
        } else {
            new[runs[0].cells.start - base] += leaving;
        }
    }
    ended
}

/// Any colour after any other.
fn go_anywhere(old: &[f32], new: &mut [f32], seconds: f32) {
    let change = STRANGE_CHANGES * seconds / (1.0 + STRANGE_CHANGES * seconds * 4.0 / 3.0);
    let all: f32 = old.iter().sum();
    for (new, old) in new.iter_mut().zip(old) {
        *new = *old * (1.0 - change) + (all - *old) * change / 3.0;
    }
}
