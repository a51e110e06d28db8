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
use super::lanes::{Four, Twelve};
use super::sensor::{COLOURS, PerColour, place};
use crate::codes::{Colour, PatternId};

/// Milliseconds of a pattern that a cell stands for.
const CELL_MS: f32 = 10.0;

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

/// Steps of one colour are weighed alike: what they have in common is kept once for all of them, in a bank for each colour.
const BANKS: usize = COLOURS.len();

/// No belief is smaller: numbers below what a processor calls normal are slow, and mean nothing.
const TINY: f32 = 1.0e-30;
/// What is believed of a bank's steps is forgotten below this part of all; what enters later begins anew.
const FORGOTTEN: f32 = 1.0e-7;
/// A bank's factor is multiplied out before it leaves these bounds, and all are once in so many samples.
const FACTORS: Range<f32> = 1.0e-24..1.0e12;
const SETTLE_EVERY: u32 = 256;
/// After a silence of more cells than this a pattern may be anywhere in its round.
const LONGEST: usize = 100;
/// Changes that nobody can have seen are left out below this.
const LEAST_UNSEEN: f32 = 1.0e-8;

/// A step of a pattern that changes.
#[derive(Debug, Clone)]
struct Run {
    track: usize,
    kind: usize,
    bank: usize,
    /// The step before it, where there is one.
    before: Option<usize>,
    /// The lengths that it may have, all alike: from how many cells on, and how many lengths.
    shortest: usize,
    lengths: usize,
    /// Shares of the belief in what begins: in each of its cells, and in the first one besides; and in that of the first pattern.
    anywhere: f32,
    begins: f32,
    begins_first: f32,
}

impl Run {
    /// Its mean length, cells.
    fn mean(&self) -> f32 {
        self.shortest as f32 + 0.5 * (self.lengths as f32 - 1.0)
    }

    /// The part of its lengths that are longer than this.
    fn outlasts(&self, cells: usize) -> f32 {
        let shorter = (cells + 1).saturating_sub(self.shortest).min(self.lengths);
        1.0 - shorter as f32 / self.lengths as f32
    }

    /// How many cells of it are followed by so many more, in the mean.
    fn left(&self, cells: usize) -> f32 {
        (cells..self.shortest + self.lengths)
            .map(|cell| self.outlasts(cell))
            .sum()
    }
}

/// A round of cells for what entered a run: one for every cell that it may last. Runs with the same lengths turn together.
#[derive(Debug, Clone)]
struct Ring {
    shortest: usize,
    lengths: usize,
}

impl Ring {
    fn cells(&self) -> usize {
        self.shortest + self.lengths
    }

    /// The cell before this one by so many, fewer than there are.
    fn back(&self, cell: usize, by: usize) -> usize {
        if cell >= by {
            cell - by
        } else {
            cell + self.cells() - by
        }
    }
}

impl Ring {
    /// The cells, of which the newest is at `head`, that are as many cells old as that: two pieces of the round.
    fn ages<'a>(&self, cells: &'a mut [f32], head: usize, ages: Range<usize>) -> [&'a mut [f32]; 2] {
        let ages = ages.start.min(self.cells())..ages.end.min(self.cells());
        let (until, after) = cells.split_at_mut(head + 1);
        let pieces = |ages: Range<usize>, of: usize| of.saturating_sub(ages.end)..of.saturating_sub(ages.start);
        let older = ages.start.max(head + 1) - head - 1..ages.end.max(head + 1) - head - 1;
        let (newer, older) = (pieces(ages, until.len()), pieces(older, after.len()));
        [&mut until[newer], &mut after[older]]
    }
}

/// Where a run's ring is in the history: small numbers, as there is a list of them in every lane.
#[derive(Debug, Clone, Copy)]
struct Place {
    ring: u32,
    start: u32,
}

impl Place {
    fn ring(self) -> usize {
        self.ring as usize
    }

    fn start(self) -> usize {
        self.start as usize
    }
}

/// Neighbouring runs of one bank after the same colour.
#[derive(Debug, Clone)]
struct Edges {
    before: usize,
    runs: Range<usize>,
}

/// A pattern of one colour, held.
#[derive(Debug, Clone, Copy)]
struct Held {
    kind: usize,
    bank: usize,
    begins: f32,
    begins_first: f32,
}

/// What all beliefs have in common: the patterns, laid out in runs.
#[derive(Debug, Clone)]
pub(super) struct Tracks {
    kinds: Vec<Kind>,
    held: Vec<Held>,
    /// Where in the kinds light that no pattern explains is, and its share of what begins.
    strange: usize,
    strange_begins: f32,
    strange_begins_first: f32,
    rings: Vec<Ring>,
    /// Runs in the order of their banks, then of the colour before, each of these filled up to whole fours.
    of_bank: [Range<usize>; BANKS],
    edges: [Vec<Edges>; BANKS],
    /// Of every run: its ring, and where that begins in the history.
    places: Vec<Place>,
    /// The run before it, or one that is always empty; its kind.
    before: Vec<u32>,
    kind: Vec<u32>,
    /// The part of what entered in a cell that leaves in each of the cells in which the step may end; the mean length; shares as in [`Run`].
    part: Vec<f32>,
    mean: Vec<f32>,
    anywhere: Vec<f32>,
    begins: Vec<f32>,
    begins_first: Vec<f32>,
    /// The runs of each track, with one over its mean length.
    of_track: Vec<(Vec<u32>, f32)>,
    /// The run after which a single flash is over, and its track.
    flash: usize,
    flash_track: usize,
    /// How much of what begins in a bank does so in its runs.
    enters: [f32; BANKS],
    /// The first pattern begins anywhere so much likelier than later ones.
    first_anywhere: f32,
    entry_colours: PerColour,
    /// The share of what begins that begins with a colour, and still shows it after so many cells.
    begins_with: [[f32; LONGEST + 1]; 4],
    /// For each colour and so many cells: the mean share of what begins in these cells that begins with the colour and shows it to their end,
    /// of each kind.
    begin_unseen: Vec<Vec<f32>>,
    /// For each colour, the share of what begins with the colour that is of each kind.
    begin_as: [Vec<Four>; BANKS],
    history: usize,
    expectations: Expectations,
}

/// The belief of one view over all tracks.
///
/// A run is what entered it in each of the last cells of time: it moves on as time does, without being moved. All of it is weighed
/// alike, so that the factor is kept once for the bank, and so is what enters every cell. The belief in a cell is
/// `(its number in the history + anywhere × the bank's added) × the bank's factor`, while its step lasts.
#[derive(Debug, Clone)]
pub(super) struct Belief {
    history: Vec<f32>,
    /// The newest cell of each ring.
    heads: Vec<u32>,
    /// Of each run, without the bank's: the sum over the cells in which the step may end, and over all as far as the step still lasts.
    ending: Vec<f32>,
    lasting: Vec<f32>,
    factors: [f32; BANKS],
    added: [f32; BANKS],
    /// Cells since the bank was forgotten: what entered before that is zero.
    since: [usize; BANKS],
    /// Cells since the bank's factor was last multiplied out.
    fresh: [usize; BANKS],
    /// Whether next to nothing is believed of the bank: all its numbers are zero.
    asleep: [bool; BANKS],
    /// What would enter each run in the newest cell of time if its edge had not been seen yet, to be multiplied by the scale: several samples
    /// may end within one cell, and the edge may be in any of them.
    late: Vec<f32>,
    late_scale: f32,
    held: Vec<f32>,
    /// Belief in each colour of strange light.
    strange: PerColour,
    /// Belief in each kind; sums to 1. The last four are filled up with nothing.
    kinds: Vec<Four>,
    /// The part of the belief in each kind that is a stage, soon to end.
    stages: Vec<Four>,
    /// Changes a second that are to be expected now.
    changes: f32,
    /// Belief in each colour.
    colours: PerColour,
    /// What changed without being seen to: into something that begins with the same colour, all samples since have shown.
    unseen: PerColour,
    /// The same times how long ago, milliseconds.
    unseen_ms: PerColour,
    /// Time that has passed and is not yet a whole cell, milliseconds.
    rest_ms: f32,
    since_settled: u32,
}

/// What a pass works with: numbers for every run.
#[derive(Debug, Clone)]
pub(super) struct Room {
    /// What the bank adds to each cell.
    added: Vec<f32>,
    /// What left the run, and one number more, for those that nothing is before.
    left: Vec<f32>,
    entered: Vec<f32>,
    belief: Vec<f32>,
    /// Of each ring, the cell in which what leaves first is.
    ends: Vec<usize>,
}

/// What a sample changed: how probable it was (relative to its weights), and then each exposure, summing to 1.
#[derive(Debug, Clone, Copy)]
pub(super) struct Weighed {
    pub(super) total: f32,
    pub(super) exposures: PerExposure,
    /// How probable it is that a single flash ended since the last sample and was followed by each colour, before it is known how often what
    /// begins does so with that colour.
    pub(super) flashed: PerColour,
}

impl Room {
    pub(super) fn bytes(&self) -> usize {
        let numbers = [&self.added, &self.left, &self.entered, &self.belief];
        let numbers: usize = numbers.iter().map(|values| size_of_val(&***values)).sum();
        numbers + size_of_val(&*self.ends)
    }
}

impl Belief {
    /// Adds a share of the belief in each kind.
    pub(super) fn add_kinds(&self, share: f32, kinds: &mut [f32]) {
        for (sums, beliefs) in kinds.chunks_mut(4).zip(&self.kinds) {
            for (sum, belief) in sums.iter_mut().zip(&beliefs.0) {
                *sum += share * belief;
            }
        }
    }

    /// Belief in one kind.
    fn kind(&self, kind: usize) -> f32 {
        self.kinds[kind / 4].0[kind % 4]
    }

    fn kind_mut(&mut self, kind: usize) -> &mut f32 {
        &mut self.kinds[kind / 4].0[kind % 4]
    }

    /// Belief in each colour.
    pub(super) fn colours(&self) -> PerColour {
        self.colours
    }

    pub(super) fn state_bytes(&self) -> usize {
        let numbers = [&self.history, &self.ending, &self.lasting, &self.late, &self.held];
        let numbers: usize = numbers.iter().map(|values| size_of_val(&***values)).sum();
        numbers + size_of_val(&*self.heads) + size_of_val(&*self.kinds) + size_of_val(&*self.stages)
    }

    /// Becomes as another belief. Does not allocate.
    pub(super) fn copy_from(&mut self, other: &Self) {
        self.history.copy_from_slice(&other.history);
        self.heads.copy_from_slice(&other.heads);
        self.ending.copy_from_slice(&other.ending);
        self.lasting.copy_from_slice(&other.lasting);
        self.factors = other.factors;
        self.added = other.added;
        self.since = other.since;
        self.fresh = other.fresh;
        self.asleep = other.asleep;
        self.late.copy_from_slice(&other.late);
        self.late_scale = other.late_scale;
        self.held.copy_from_slice(&other.held);
        self.strange = other.strange;
        self.kinds.copy_from_slice(&other.kinds);
        self.stages.copy_from_slice(&other.stages);
        self.changes = other.changes;
        self.colours = other.colours;
        self.unseen = other.unseen;
        self.unseen_ms = other.unseen_ms;
        self.rest_ms = other.rest_ms;
        self.since_settled = other.since_settled;
    }
}

impl Tracks {
    pub(super) fn new(patterns: &[Known], expectations: Expectations) -> Self {
        let mut plan = Plan::new(expectations);
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
            plan.kinds.push(Kind::Pattern(*id));
            plan.lay(steps, share);
        }
        plan.lay_flash();
        plan.kinds.push(Kind::Strange);
        plan.tracks()
    }

    /// A belief of one that has seen nothing.
    pub(super) fn belief(&self) -> Belief {
        let runs = self.before.len();
        let mut belief = Belief {
            history: vec![0.0; self.history],
            heads: vec![0; self.rings.len()],
            ending: vec![0.0; runs],
            lasting: vec![0.0; runs],
            factors: [1.0; BANKS],
            added: [0.0; BANKS],
            since: [0; BANKS],
            fresh: [0; BANKS],
            asleep: [false; BANKS],
            late: vec![0.0; runs],
            late_scale: 1.0,
            held: vec![0.0; self.held.len()],
            strange: [0.0; 4],
            kinds: vec![Four::ZERO; self.kinds.len().div_ceil(4)],
            stages: vec![Four::ZERO; self.kinds.len().div_ceil(4)],
            changes: 0.0,
            colours: [0.0; 4],
            unseen: [0.0; 4],
            unseen_ms: [0.0; 4],
            rest_ms: 0.0,
            since_settled: 0,
        };
        self.restart(&mut belief);
        belief
    }

    /// Room for what [`pass`](Self::pass) works with.
    pub(super) fn room(&self) -> Room {
        let runs = self.before.len();
        Room {
            added: vec![0.0; runs],
            left: vec![0.0; runs + 1],
            entered: vec![0.0; runs],
            belief: vec![0.0; runs],
            ends: vec![0; self.rings.len()],
        }
    }

    pub(super) fn state_bytes(&self) -> usize {
        let numbers = [&self.part, &self.mean, &self.anywhere, &self.begins, &self.begins_first];
        let numbers: usize = numbers.iter().map(|values| size_of_val(&***values)).sum();
        let edges: usize = self.edges.iter().map(|edges| size_of_val(&**edges)).sum();
        let lists: usize = self.of_track.iter().map(|(runs, _)| size_of_val(&**runs)).sum();
        let shares: usize = self.begin_as.iter().map(|shares| size_of_val(&**shares)).sum();
        numbers
            + edges
            + lists
            + shares
            + size_of_val(&*self.before)
            + size_of_val(&*self.kind)
            + size_of_val(&*self.places)
            + size_of_val(&*self.rings)
            + size_of_val(&*self.of_track)
            + size_of_val(&*self.held)
            + size_of_val(&*self.kinds)
            + self
                .begin_unseen
                .iter()
                .map(|kinds| size_of::<Vec<f32>>() + size_of_val(&**kinds))
                .sum::<usize>()
    }

    /// Forgets everything seen.
    pub(super) fn restart(&self, belief: &mut Belief) {
        belief.history.fill(0.0);
        belief.heads.fill(0);
        belief.ending.fill(0.0);
        belief.lasting.copy_from_slice(&self.begins_first);
        belief.factors = [1.0; BANKS];
        belief.added = [self.first_anywhere; BANKS];
        belief.since = [0; BANKS];
        belief.fresh = [0; BANKS];
        belief.asleep = [false; BANKS];
        belief.late.fill(0.0);
        belief.rest_ms = 0.0;
        belief.since_settled = 0;
        belief.kinds.fill(Four::ZERO);
        belief.stages.fill(Four::all(self.expectations.brief));
        belief.changes = self.changes(self.expectations.brief);
        belief.colours = [0.0; 4];
        belief.unseen = [0.0; 4];
        belief.unseen_ms = [0.0; 4];
        for (place, begins) in self.places.iter().zip(&self.begins_first) {
            belief.history[place.start()] = *begins;
        }
        for (belief, held) in belief.held.iter_mut().zip(&self.held) {
            *belief = held.begins_first;
        }
        belief.strange = [self.strange_begins_first; 4];
        let share = |run: usize| self.begins_first[run] + self.first_anywhere * self.anywhere[run] * self.mean[run];
        for (bank, runs) in self.of_bank.iter().enumerate() {
            belief.colours[bank] = runs.clone().map(share).sum();
        }
        for (run, kind) in self.kind.iter().enumerate() {
            *belief.kind_mut(*kind as usize) += share(run);
        }
        self.sum_up_held(belief);
    }

    /// Adds what is held, and strange light, to the sums.
    fn sum_up_held(&self, belief: &mut Belief) {
        for (place, held) in self.held.iter().enumerate() {
            let value = belief.held[place];
            *belief.kind_mut(held.kind) += value;
            belief.colours[held.bank] += value;
        }
        for colour in 0..COLOURS.len() {
            let value = belief.strange[colour];
            *belief.kind_mut(self.strange) += value;
            belief.colours[colour] += value;
        }
    }

    /// What the tracks stand for, in the order of a belief's kinds.
    pub(super) fn kinds(&self) -> &[Kind] {
        &self.kinds
    }

    /// Lets time pass, and weighs what is believed by what a sample at the end of it, `integration_ms` long, tells.
    ///
    /// What is in `room` does not matter.
    #[expect(
        clippy::too_many_lines,
        reason = "one pass over everything that is believed, in the order of time"
    )]
    pub(super) fn pass(
        &self,
        belief: &mut Belief,
        room: &mut Room,
        milliseconds: f32,
        integration_ms: f32,
        weights: &PerExposure,
    ) -> Weighed {
        belief.rest_ms += milliseconds;
        let mut steps = (belief.rest_ms / CELL_MS + 0.5) as usize;
        belief.rest_ms -= steps as f32 * CELL_MS;
        let expectations = &self.expectations;
        let seconds = milliseconds / 1000.0;
        let changes = belief.changes * seconds;
        let ends = changes / (1.0 + changes);
        let keeps = 1.0 - ends;
        let mut leaving = belief.colours.map(|colour| ends * colour);
        self.spread(belief, room);
        let mut flash = 0.0;
        if steps > LONGEST {
            flash += self.lose_place(belief, room);
            self.spread(belief, room);
            belief.late.fill(0.0);
            steps = 0;
        }
        // A sample that ends in these first cells of a step began before it.
        let edge_cells = (integration_ms / CELL_MS + 0.5).max(1.0) as usize;
        let of_cell = (integration_ms / CELL_MS).clamp(0.05, 1.0);
        let mut exposures = [0.0; EXPOSURES];
        for step in 1..=steps {
            self.go_on(belief, room);
            flash += room.left[self.flash];
            let cells = steps - step;
            if cells == 0 {
                break;
            }
            let part = if cells < edge_cells { of_cell } else { 0.0 };
            for (bank, edges) in self.edges.iter().enumerate() {
                if belief.asleep[bank] {
                    belief.asleep[bank] = sum_of(&room.entered[self.of_bank[bank].clone()]) < FORGOTTEN;
                    if belief.asleep[bank] {
                        continue;
                    }
                }
                for edges in edges {
                    let edge = between(edges.before, bank);
                    // Relative to what the bank is weighed by below.
                    let seen = part * weights[edge] / weights[bank];
                    let entered = &mut room.entered[edges.runs.clone()];
                    let seen_there = sum_of(entered) * part * weights[edge] * keeps;
                    exposures[edge] += seen_there;
                    exposures[bank] -= seen_there;
                    for value in entered {
                        *value *= seen + 1.0 - part;
                    }
                }
                self.enter(belief, room, bank, 1.0 / belief.factors[bank]);
            }
        }
        // What changed since the last sample did so before this one began, or within it.
        let within = (integration_ms / milliseconds.max(1.0e-3)).min(1.0);
        let turned = Changed::new(weights, within);
        let red = place(Colour::Red);
        let left_patterns = leaving;
        leaving[red] += flash;
        let mut flashed = (turned.from(red) * flash).0;
        flashed[red] = 0.0;
        let entry_colours = Four(self.entry_colours);
        let mut entering = Four::ZERO;
        for (before, leaving) in leaving.into_iter().enumerate() {
            entering += turned.from(before) * leaving;
            turned.add(before, entry_colours * leaving, &mut exposures);
        }
        let entering = entering.0;
        if steps == 0 {
            for (entered, late) in room.entered.iter_mut().zip(&belief.late) {
                *entered = late * belief.late_scale;
            }
        }
        let likely: f32 = belief
            .colours()
            .iter()
            .zip(weights)
            .map(|(belief, weight)| belief * weight)
            .sum();
        let forgotten = FORGOTTEN * likely;
        for bank in 0..BANKS {
            belief.factors[bank] *= keeps * weights[bank];
            let mut sum = self.weigh(belief, room, bank, steps > 0);
            exposures[bank] += sum;
            // What entered in this sample.
            for edges in &self.edges[bank] {
                let edge = keeps * of_cell * weights[between(edges.before, bank)];
                let beside = keeps * (1.0 - of_cell) * weights[bank];
                let not_yet = keeps * weights[edges.before];
                let entered = fours_mut(&mut room.entered[edges.runs.clone()]);
                let mut seen = Four::ZERO;
                for (entered, late) in entered.zip(fours_mut(&mut belief.late[edges.runs.clone()])) {
                    let value = Four(*entered);
                    seen += value;
                    *late = (value * not_yet).max(Four::all(TINY)).0;
                    *entered = (value * (edge + beside)).0;
                }
                let seen = seen.sum();
                exposures[between(edges.before, bank)] += seen * edge;
                exposures[bank] += seen * beside;
                sum += seen * (edge + beside);
            }
            sum += entering[bank] * self.enters[bank];
            if sum < forgotten {
                self.forget(belief, room, bank);
                sum = 0.0;
            } else {
                belief.asleep[bank] = false;
                let inverse = 1.0 / belief.factors[bank];
                let runs = self.of_bank[bank].clone();
                let shares = fours(&self.begins[runs.clone()]).zip(fours(&self.anywhere[runs.clone()]));
                let shares = shares.zip(fours(&self.mean[runs.clone()]));
                let values = fours_mut(&mut room.belief[runs.clone()]).zip(fours_mut(&mut room.entered[runs.clone()]));
                let kinds = self.kind[runs].as_chunks::<4>().0;
                for (((value, entered), kinds), ((begins, anywhere), mean)) in values.zip(kinds).zip(shares) {
                    // A pattern changes to another one: what was believed in this one does not begin it again.
                    let [one, two, three, four] = *kinds;
                    let kinds = Four([
                        belief.kind(one as usize),
                        belief.kind(two as usize),
                        belief.kind(three as usize),
                        belief.kind(four as usize),
                    ]);
                    let begun = Four(*begins) * entering[bank] * (Four::all(1.0) - kinds);
                    let new = Four(*entered) + begun;
                    *entered = new.0;
                    *value = (Four(*value) + new + Four(*anywhere) * entering[bank] * Four(*mean)).0;
                }
                if steps > 0 {
                    self.enter(belief, room, bank, inverse);
                } else {
                    self.enter_again(belief, room, bank, inverse);
                }
                belief.added[bank] += entering[bank] * inverse;
            }
            belief.colours[bank] = sum;
        }
        for (value, held) in belief.held.iter_mut().zip(&self.held) {
            let colour = held.bank;
            let seen = *value * keeps * weights[colour];
            exposures[colour] += seen;
            *value = (seen + entering[colour] * held.begins).max(TINY);
        }
        let change = expectations.strange_changes * seconds;
        let change = change / (1.0 + change * 4.0 / 3.0);
        let mut strange = Four::ZERO;
        for (before, old) in belief.strange.into_iter().enumerate() {
            // Any colour after any other.
            let mut after = Four::all(change / 3.0);
            after.0[before] = 1.0 - change;
            let after = after * (keeps * old);
            strange += turned.from(before) * after;
            turned.add(before, after, &mut exposures);
        }
        belief.strange = strange.0;
        for (value, entering) in belief.strange.iter_mut().zip(entering) {
            *value += entering * self.strange_begins;
        }
        belief.kinds.fill(Four::ZERO);
        for (bank, runs) in self.of_bank.iter().enumerate() {
            if !belief.asleep[bank] {
                for (value, kind) in room.belief[runs.clone()].iter().zip(&self.kind[runs.clone()]) {
                    *belief.kind_mut(*kind as usize) += value;
                }
            }
        }
        self.sum_up_held(belief);
        let total = Self::scale(belief, &mut exposures);
        self.grow_older(
            belief,
            seconds,
            &entering.map(|entering| entering / total.max(f32::MIN_POSITIVE)),
        );
        let inverse = 1.0 / total.max(f32::MIN_POSITIVE);
        let unseen = belief.unseen.iter_mut().zip(&mut belief.unseen_ms);
        for ((unseen, ms), (leaving, weight)) in unseen.zip(left_patterns.iter().zip(weights)) {
            *ms = (*ms + milliseconds * *unseen) * weight * inverse;
            *unseen = (*unseen + leaving) * weight * inverse;
            if *unseen < TINY {
                (*unseen, *ms) = (0.0, 0.0);
            }
            // What changed longer ago has had time to be seen.
            let longest = 0.5 * LONGEST as f32 * CELL_MS * *unseen;
            if *ms > longest {
                let part = longest / *ms;
                *unseen *= part;
                *ms *= part * part;
            }
        }
        self.settle_some(belief);
        Weighed {
            total,
            exposures,
            flashed: flashed.map(|flashed| flashed / total.max(f32::MIN_POSITIVE)),
        }
    }

    /// Lets a sample's time pass over what is shown, in which so much began with each colour, and gives what changes are to be expected.
    fn grow_older(&self, belief: &mut Belief, seconds: f32, entered: &PerColour) {
        let Expectations {
            changes,
            brief,
            brief_ends,
            ..
        } = self.expectations;
        // Stages end sooner than what lasts: what has been shown for some time is no stage.
        let stays = (1.0 + changes * seconds) / (1.0 + brief_ends * seconds);
        let mut all_changes = Four::ZERO;
        for (place, (stage, kind)) in belief.stages.iter_mut().zip(&belief.kinds).enumerate() {
            let mut new = Four::ZERO;
            for (entered, begins) in entered.iter().zip(&self.begin_as) {
                new += begins[place] * *entered;
            }
            let still = (*stage * stays).over(Four::all(1.0) - *stage * (1.0 - stays));
            let part = new.over(kind.max(Four::all(TINY))).min(Four::all(1.0));
            *stage = still + part * (Four::all(brief) - still);
            all_changes += *kind * (*stage * (brief_ends - changes) + Four::all(changes));
        }
        belief.changes = all_changes.sum();
    }

    /// Changes a second away from a pattern that is a stage with this probability.
    fn changes(&self, stage: f32) -> f32 {
        let Expectations {
            changes, brief_ends, ..
        } = self.expectations;
        changes + stage * (brief_ends - changes)
    }

    /// The share of what begins that begins with a colour, and still shows it after this time.
    pub(super) fn begins_with(&self, colour: usize, milliseconds: f32) -> f32 {
        let cell = ((milliseconds / CELL_MS) as usize).min(LONGEST);
        self.begins_with[colour][cell]
    }

    /// Adds to each kind how probable it is that the pattern has changed to it from `kind` of late and that nobody can have seen it yet,
    /// `share` of it.
    pub(super) fn add_unseen(&self, belief: &Belief, kind: usize, share: f32, kinds: &mut [f32]) {
        // Whatever has been shown since the colour began, what left the kind since then is in proportion to what is left of it.
        let left = share * belief.kind(kind) * belief.changes * CELL_MS / 1000.0;
        let all: f32 = belief.unseen.iter().sum();
        for (colour, (&unseen, ms)) in belief.unseen.iter().zip(belief.unseen_ms).enumerate() {
            let part = left * unseen / all.max(f32::MIN_POSITIVE);
            if part < LEAST_UNSEEN {
                continue;
            }
            // Changes were as likely at any time since the first of them.
            let cells = 2.0 * ms / (unseen * CELL_MS);
            let cell = (cells as usize).min(LONGEST);
            for (kind, begins) in kinds.iter_mut().zip(&self.begin_unseen[colour * (LONGEST + 1) + cell]) {
                *kind += part * cells * begins;
            }
        }
    }

    /// Gives every run what its bank adds to each cell.
    fn spread(&self, belief: &Belief, room: &mut Room) {
        for ((runs, added), asleep) in self.of_bank.iter().zip(belief.added).zip(belief.asleep) {
            if asleep {
                room.left[runs.clone()].fill(TINY);
                room.added[runs.clone()].fill(0.0);
                continue;
            }
            for (value, anywhere) in room.added[runs.clone()].iter_mut().zip(&self.anywhere[runs.clone()]) {
                *value = anywhere * added;
            }
        }
    }

    /// Lets a cell of time pass: what leaves each run, and enters the next.
    fn go_on(&self, belief: &mut Belief, room: &mut Room) {
        for ((ring, head), ends) in self.rings.iter().zip(&mut belief.heads).zip(&mut room.ends) {
            let next = *head as usize + 1;
            let next = if next == ring.cells() { 0 } else { next };
            *head = next as u32;
            *ends = ring.back(next, ring.shortest);
        }
        for (bank, runs) in self.of_bank.iter().enumerate() {
            belief.since[bank] += 1;
            belief.fresh[bank] += 1;
            if belief.asleep[bank] {
                continue;
            }
            let factor = belief.factors[bank];
            let runs = runs.clone();
            let values = fours_mut(&mut belief.ending[runs.clone()]).zip(fours_mut(&mut belief.lasting[runs.clone()]));
            let shares = fours(&self.part[runs.clone()]).zip(fours(&room.added[runs.clone()]));
            let places = self.places[runs.clone()].as_chunks::<4>().0;
            let lefts = fours_mut(&mut room.left[runs]).zip(places);
            for (((ending, lasting), (part, added)), (left, places)) in values.zip(shares).zip(lefts) {
                let changed = |lane: usize| {
                    let (ring, start) = (places[lane].ring(), places[lane].start());
                    belief.history[start + room.ends[ring]] - belief.history[start + belief.heads[ring] as usize]
                };
                let ends = Four(*ending) + Four([changed(0), changed(1), changed(2), changed(3)]);
                let leaves = ends * Four(*part);
                *ending = ends.0;
                *lasting = (Four(*lasting) - leaves).0;
                *left = ((leaves + Four(*added)) * factor).max(Four::all(TINY)).0;
            }
        }
        let left = |run: u32| room.left[run as usize];
        for (entered, before) in fours_mut(&mut room.entered).zip(self.before.as_chunks().0) {
            let [one, two, three, four] = *before;
            *entered = [left(one), left(two), left(three), left(four)];
        }
    }

    /// Puts what entered a bank's runs in their newest cell; `inverse` is one over the bank's factor.
    fn enter(&self, belief: &mut Belief, room: &mut Room, bank: usize, inverse: f32) {
        let runs = self.of_bank[bank].clone();
        let values = fours(&room.entered[runs.clone()]).zip(fours(&room.added[runs.clone()]));
        let places = self.places[runs.clone()].as_chunks::<4>().0;
        for (((entered, added), lasting), places) in values.zip(fours_mut(&mut belief.lasting[runs])).zip(places) {
            let values = Four(*entered) * inverse - Four(*added);
            *lasting = (Four(*lasting) + values).0;
            for (value, place) in values.0.iter().zip(places) {
                belief.history[place.start() + belief.heads[place.ring()] as usize] = *value;
            }
        }
    }

    /// The same where no whole cell of time has passed since something entered.
    fn enter_again(&self, belief: &mut Belief, room: &mut Room, bank: usize, inverse: f32) {
        let runs = self.of_bank[bank].clone();
        let places = self.places[runs.clone()].iter();
        for ((entered, lasting), place) in room.entered[runs.clone()]
            .iter()
            .zip(&mut belief.lasting[runs])
            .zip(places)
        {
            let value = entered * inverse;
            *lasting += value;
            belief.history[place.start() + belief.heads[place.ring()] as usize] += value;
        }
    }

    /// What is left of what was in a bank's runs before this sample, all in all, and of each in the room's belief; `moved` when cells of
    /// time passed.
    fn weigh(&self, belief: &mut Belief, room: &mut Room, bank: usize, moved: bool) -> f32 {
        let runs = self.of_bank[bank].clone();
        let left = &mut room.belief[runs.clone()];
        if belief.asleep[bank] {
            left.fill(0.0);
            return 0.0;
        }
        let newest = if moved { 1.0 } else { 0.0 };
        let factor = belief.factors[bank];
        let values = fours(&belief.lasting[runs.clone()]).zip(fours(&self.mean[runs.clone()]));
        let mut sum = Four::ZERO;
        for (((lasting, mean), added), left) in values.zip(fours(&room.added[runs])).zip(fours_mut(left)) {
            let cells = (Four(*mean) - Four::all(newest)) * Four(*added);
            let values = ((Four(*lasting) + cells) * factor).max(Four::all(TINY));
            sum += values;
            *left = values.0;
        }
        sum.sum()
    }

    /// Where a run's ring is in the history.
    fn cells(&self, run: usize) -> Range<usize> {
        let place = self.places[run];
        place.start()..place.start() + self.rings[place.ring()].cells()
    }

    /// Forgets a bank's runs.
    fn forget(&self, belief: &mut Belief, room: &mut Room, bank: usize) {
        belief.factors[bank] = 1.0;
        belief.added[bank] = 0.0;
        let since = core::mem::take(&mut belief.since[bank]);
        belief.fresh[bank] = 0;
        let runs = self.of_bank[bank].clone();
        room.belief[runs.clone()].fill(0.0);
        if core::mem::replace(&mut belief.asleep[bank], true) {
            return;
        }
        belief.ending[runs.clone()].fill(0.0);
        belief.lasting[runs.clone()].fill(0.0);
        for place in &self.places[runs] {
            let head = belief.heads[place.ring()] as usize;
            let ring = &self.rings[place.ring()];
            let cells = &mut belief.history[place.start()..place.start() + ring.cells()];
            for cells in ring.ages(cells, head, 0..since + 1) {
                cells.fill(0.0);
            }
        }
    }

    /// After a long silence a pattern may be anywhere in its round, and a flash is over: gives what was believed in that.
    fn lose_place(&self, belief: &mut Belief, room: &mut Room) -> f32 {
        for (bank, runs) in self.of_bank.iter().enumerate() {
            for run in runs.clone() {
                let cells = belief.lasting[run] + self.mean[run] * room.added[run];
                room.belief[run] = (cells * belief.factors[bank]).max(0.0);
            }
        }
        room.entered.fill(0.0);
        let mut over = 0.0;
        for (track, (runs, part)) in self.of_track.iter().enumerate() {
            let sum: f32 = runs.iter().map(|&run| room.belief[run as usize]).sum();
            let is_flash = track == self.flash_track;
            if is_flash {
                over = sum;
            }
            for &run in runs {
                room.entered[run as usize] = if is_flash { 0.0 } else { sum * part };
            }
        }
        for (run, entered) in room.entered.iter().enumerate() {
            belief.history[self.cells(run)].fill(*entered);
        }
        for bank in 0..BANKS {
            belief.asleep[bank] = false;
            self.multiplied_out(belief, bank);
        }
        over
    }

    /// Multiplies out the factors that have become too large or too small, and each now and then.
    fn settle_some(&self, belief: &mut Belief) {
        belief.since_settled += 1;
        let all = belief.since_settled >= SETTLE_EVERY;
        if all {
            belief.since_settled = 0;
        }
        for bank in 0..BANKS {
            if belief.asleep[bank] {
                continue;
            }
            let factor = belief.factors[bank];
            if all || factor > FACTORS.end {
                self.settle(belief, bank);
            } else if factor < FACTORS.start {
                self.fade(belief, bank);
            }
        }
    }

    /// Multiplies out a bank's factor that has become so small that what was believed when it was last multiplied out is nothing.
    fn fade(&self, belief: &mut Belief, bank: usize) {
        let factor = core::mem::replace(&mut belief.factors[bank], 1.0);
        belief.added[bank] *= factor;
        let fresh = core::mem::take(&mut belief.fresh[bank]);
        let since = core::mem::replace(&mut belief.since[bank], fresh);
        for run in self.of_bank[bank].clone() {
            let place = self.places[run];
            let ring = &self.rings[place.ring()];
            let head = belief.heads[place.ring()] as usize;
            let cells = &mut belief.history[place.start()..place.start() + ring.cells()];
            let last = cells.len() - 1;
            let (mut whole, mut ending, mut left) = (0.0, 0.0, 0.0);
            for cells in ring.ages(cells, head, 0..fresh + 1) {
                for cell in cells {
                    *cell *= factor;
                    if cell.abs() < TINY {
                        *cell = 0.0;
                    }
                    whole += *cell;
                }
            }
            // Those that may end are seldom among what is fresh.
            for age in ring.shortest..=fresh.min(last) {
                let cell = cells[ring.back(head, age)];
                whole -= cell;
                ending += cell;
                left += cell * (last - age) as f32;
            }
            for cells in ring.ages(cells, head, fresh + 1..since + 1) {
                cells.fill(0.0);
            }
            (belief.ending[run], belief.lasting[run]) = (ending, whole + left * self.part[run]);
        }
    }

    /// Multiplies a bank's factor out.
    fn settle(&self, belief: &mut Belief, bank: usize) {
        let (factor, added) = (belief.factors[bank], belief.added[bank]);
        for run in self.of_bank[bank].clone() {
            let added = added * self.anywhere[run];
            for cell in &mut belief.history[self.cells(run)] {
                *cell = ((*cell + added) * factor).max(TINY);
            }
        }
        self.multiplied_out(belief, bank);
    }

    /// Takes it that a bank's history is what is believed, and sums it up anew.
    fn multiplied_out(&self, belief: &mut Belief, bank: usize) {
        belief.factors[bank] = 1.0;
        belief.added[bank] = 0.0;
        belief.since[bank] = self.history;
        belief.fresh[bank] = 0;
        for run in self.of_bank[bank].clone() {
            let ring = self.places[run].ring();
            let head = belief.heads[ring] as usize;
            let ring = &self.rings[ring];
            let cells = &belief.history[self.cells(run)];
            // Those that may end come first in the round after the newest cell, from the oldest on.
            let (mut ending, mut left) = (0.0, 0.0);
            let (after, until) = (&cells[head + 1..], &cells[..=head]);
            for (shown, cell) in after.iter().chain(until).take(ring.lengths).enumerate() {
                ending += cell;
                left += cell * shown as f32;
            }
            let whole = sum_of(cells) - ending;
            (belief.ending[run], belief.lasting[run]) = (ending, whole + left * self.part[run]);
        }
    }

    /// Takes another belief in, which saw the same samples, as a `share` of both.
    pub(super) fn merge(&self, belief: &mut Belief, other: &Belief, share: f32) {
        for bank in 0..BANKS {
            if belief.asleep[bank] && other.asleep[bank] {
                continue;
            }
            let (factor, added) = (belief.factors[bank], belief.added[bank]);
            for run in self.of_bank[bank].clone() {
                let cells = self.cells(run);
                let (added, others_added) = (added * self.anywhere[run], other.added[bank] * self.anywhere[run]);
                for (cell, others) in belief.history[cells.clone()].iter_mut().zip(&other.history[cells]) {
                    let (one, another) = ((*cell + added) * factor, (others + others_added) * other.factors[bank]);
                    *cell = (one + share * (another - one)).max(TINY);
                }
            }
            belief.asleep[bank] = false;
            self.multiplied_out(belief, bank);
        }
        let (scale, others_scale) = (core::mem::replace(&mut belief.late_scale, 1.0), other.late_scale);
        for (late, others) in belief.late.iter_mut().zip(&other.late) {
            *late = (1.0 - share) * *late * scale + share * others * others_scale;
        }
        for (values, others) in [(&mut belief.kinds, &other.kinds), (&mut belief.stages, &other.stages)] {
            for (value, other) in values.iter_mut().zip(others) {
                *value += (*other - *value) * share;
            }
        }
        let both = [
            (&mut belief.held[..], &other.held[..]),
            (&mut belief.strange[..], &other.strange[..]),
            (&mut belief.colours[..], &other.colours[..]),
        ];
        for (values, others) in both {
            for (value, other) in values.iter_mut().zip(others) {
                *value += share * (other - *value);
            }
        }
    }

    /// Makes belief, and what it rests on, sum to 1; gives what it summed to.
    fn scale(belief: &mut Belief, exposures: &mut PerExposure) -> f32 {
        let total = belief.kinds.iter().fold(Four::ZERO, |sum, four| sum + *four).sum();
        let scale = 1.0 / total.max(f32::MIN_POSITIVE);
        belief.late_scale = scale;
        for four in &mut belief.kinds {
            *four = *four * scale;
        }
        for values in [&mut belief.factors, &mut belief.strange, &mut belief.colours] {
            *values = (Four(*values) * scale).0;
        }
        for value in &mut belief.held {
            *value *= scale;
        }
        *exposures = (Twelve::of_ten(*exposures) * scale).ten();
        total
    }
}

/// A sum, in fours.
fn sum_of(values: &[f32]) -> f32 {
    let (fours, rest) = values.as_chunks();
    let sum = fours.iter().fold(Four::ZERO, |sum, four| sum + Four(*four));
    sum.sum() + rest.iter().sum::<f32>()
}

/// Numbers of runs, which are laid out in whole fours.
fn fours(values: &[f32]) -> impl Iterator<Item = &[f32; 4]> {
    values.as_chunks().0.iter()
}

fn fours_mut(values: &mut [f32]) -> impl Iterator<Item = &mut [f32; 4]> {
    values.as_chunks_mut().0.iter_mut()
}

/// Tracks while they are laid.
struct Plan {
    expectations: Expectations,
    kinds: Vec<Kind>,
    runs: Vec<Run>,
    held: Vec<Held>,
    /// Mean length of each track of runs, cells.
    tracks: Vec<f32>,
    flash_track: usize,
}

impl Plan {
    fn new(expectations: Expectations) -> Self {
        Self {
            expectations,
            kinds: Vec::new(),
            runs: Vec::new(),
            held: Vec::new(),
            tracks: Vec::new(),
            flash_track: 0,
        }
    }

    fn lay(&mut self, steps: &[Step], share: f32) {
        let kind = self.kinds.len() - 1;
        if let [step] = steps {
            self.held.push(Held {
                kind,
                bank: place(step.colour),
                begins: share,
                begins_first: share,
            });
            return;
        }
        let first = self.runs.len();
        let Expectations {
            from_the_start,
            first_from_the_start,
            ..
        } = self.expectations;
        for (index, step) in steps.iter().enumerate() {
            let before = (index + steps.len() - 1) % steps.len();
            let [shortest, longest] =
                [step.shortest, step.longest].map(|length| length.as_secs_f32() * 1000.0 / CELL_MS);
            // Lengths spread evenly over so many cells to either side vary as much as an edge strays in this time.
            let variance = self.expectations.stray * 0.5 * (shortest + longest) / CELL_MS;
            let aside = (0..LONGEST)
                .take_while(|aside| (aside * (aside + 1)) as f32 <= 3.0 * variance)
                .last();
            let aside = aside.unwrap_or_default();
            let shortest = ((shortest + 0.5) as usize).saturating_sub(aside).max(1);
            let longest = (longest + 0.5) as usize + aside;
            let [begins, begins_first] = if index == 0 {
                [from_the_start, first_from_the_start].map(|part| share * part)
            } else {
                [0.0; 2]
            };
            self.runs.push(Run {
                track: self.tracks.len(),
                kind,
                bank: place(step.colour),
                before: Some(first + before),
                shortest,
                lengths: longest + 1 - shortest,
                anywhere: share * (1.0 - from_the_start),
                begins,
                begins_first,
            });
        }
        let runs = &mut self.runs[first..];
        let mean: f32 = runs.iter().map(Run::mean).sum();
        for run in runs {
            run.anywhere /= mean;
        }
        self.tracks.push(mean);
    }

    /// A single red flash, alone or after the dark of a unit whose power comes up.
    fn lay_flash(&mut self) {
        let Expectations {
            flash,
            power_up,
            first_power_up,
            ..
        } = self.expectations;
        self.kinds.push(Kind::Flash);
        self.flash_track = self.tracks.len();
        for (before, colour, lengths, begins, begins_first) in [
            (None, Colour::Off, POWER_UP, power_up, first_power_up),
            (Some(self.runs.len()), Colour::Red, FLASH, flash, flash),
        ] {
            self.runs.push(Run {
                track: self.flash_track,
                kind: self.kinds.len() - 1,
                bank: place(colour),
                before,
                shortest: lengths.start,
                lengths: lengths.len(),
                anywhere: 0.0,
                begins,
                begins_first,
            });
        }
        self.tracks.push((POWER_UP.end + FLASH.end) as f32);
    }

    #[expect(
        clippy::too_many_lines,
        reason = "one layout: what follows indexes what stands before it"
    )]
    fn tracks(self) -> Tracks {
        let Self {
            expectations,
            kinds,
            runs,
            mut held,
            tracks,
            flash_track,
        } = self;
        let colour_before = |run: &Run| run.before.map_or(run.bank, |before| runs[before].bank);
        // Neighbours of one bank after one colour are weighed alike, in fours: what is missing of the last four are runs that nothing enters.
        let nothing = |bank| Run {
            track: tracks.len(),
            kind: 0,
            bank,
            before: None,
            shortest: FLASH.start,
            lengths: 1,
            anywhere: 0.0,
            begins: 0.0,
            begins_first: 0.0,
        };
        let mut order: Vec<Option<usize>> = Vec::new();
        let mut sorted: Vec<Run> = Vec::new();
        let mut edges: [Vec<Edges>; BANKS] = Default::default();
        let of_bank = core::array::from_fn(|bank| {
            let start = sorted.len();
            for before in 0..BANKS {
                let first = sorted.len();
                let neighbours = |run: &Run| run.bank == bank && colour_before(run) == before;
                for (place, run) in runs.iter().enumerate().filter(|(_, run)| neighbours(run)) {
                    order.push(Some(place));
                    sorted.push(run.clone());
                }
                while !sorted.len().is_multiple_of(4) {
                    order.push(None);
                    sorted.push(nothing(bank));
                }
                if sorted.len() > first {
                    edges[bank].push(Edges {
                        before,
                        runs: first..sorted.len(),
                    });
                }
            }
            start..sorted.len()
        });
        let place_of = |run: usize| {
            order
                .iter()
                .position(|&other| other == Some(run))
                .unwrap_or(order.len()) as u32
        };
        let mut rings: Vec<Ring> = Vec::new();
        let mut places = Vec::new();
        let mut history = 0;
        for run in &sorted {
            let same = |ring: &Ring| ring.shortest == run.shortest && ring.lengths == run.lengths;
            let ring = rings.iter().position(same).unwrap_or_else(|| {
                rings.push(Ring {
                    shortest: run.shortest,
                    lengths: run.lengths,
                });
                rings.len() - 1
            });
            places.push(Place {
                ring: ring as u32,
                start: history as u32,
            });
            history += rings[ring].cells();
        }
        let list = |is_in: &dyn Fn(&Run) -> bool| -> Vec<u32> {
            let runs = (0..sorted.len()).filter(|&run| is_in(&sorted[run]));
            runs.map(|run| run as u32).collect()
        };
        let of_track = tracks.iter().enumerate();
        let of_track = of_track
            .map(|(track, mean)| (list(&|run| run.track == track), 1.0 / mean))
            .collect();
        let strange = expectations.strange / 4.0;
        let of_runs = |value: &dyn Fn(&Run) -> f32| -> Vec<f32> { sorted.iter().map(value).collect() };
        // Shares of what begins: first as laid, then such that they sum to 1.
        let anywhere = |run: &Run| run.anywhere * run.mean();
        let sum = |values: &dyn Fn(&Run) -> f32| runs.iter().map(values).sum::<f32>();
        let lasting: f32 = held.iter().map(|held| held.begins).sum::<f32>() + 4.0 * strange;
        let total = lasting + sum(&|run| run.begins + anywhere(run));
        let Expectations {
            from_the_start,
            first_from_the_start,
            ..
        } = expectations;
        let anywhere_first = (1.0 - first_from_the_start) / (1.0 - from_the_start).max(f32::MIN_POSITIVE);
        let total_first = lasting + sum(&|run| run.begins_first + anywhere_first * anywhere(run));
        for held in &mut held {
            held.begins /= total;
            held.begins_first /= total_first;
        }
        let mut enters = [0.0; BANKS];
        let mut entry_colours = [strange / total; 4];
        for run in &runs {
            enters[run.bank] += (run.begins + anywhere(run)) / total;
        }
        for (bank, enters) in enters.into_iter().enumerate() {
            entry_colours[bank] += enters;
        }
        for held in &held {
            entry_colours[held.bank] += held.begins;
        }
        let mut begins_with = [[0.0; LONGEST + 1]; 4];
        for (colour, shares) in begins_with.iter_mut().enumerate() {
            let held = held.iter().filter(|held| held.bank == colour);
            let lasting = strange / total + held.map(|held| held.begins).sum::<f32>();
            for (cell, share) in shares.iter_mut().enumerate() {
                let runs = runs.iter().filter(|run| run.bank == colour);
                let runs: f32 = runs
                    .map(|run| run.begins * run.outlasts(cell) + run.anywhere * run.left(cell))
                    .sum();
                *share = lasting + runs / total;
            }
        }
        let begins_as = |colour: usize, cell: usize, kind: usize| {
            let strange = if kind + 1 == kinds.len() { strange } else { 0.0 };
            let held = held.iter().filter(|held| held.bank == colour && held.kind == kind);
            let runs = runs.iter().filter(|run| run.bank == colour && run.kind == kind);
            let runs = runs.map(|run| run.begins * run.outlasts(cell) + run.anywhere * run.left(cell));
            held.map(|held| held.begins).sum::<f32>() + (strange + runs.sum::<f32>()) / total
        };
        let mut begin_unseen = Vec::new();
        for colour in 0..BANKS {
            let mut sums = vec![0.0; kinds.len()];
            for cell in 0..=LONGEST {
                for (kind, sum) in sums.iter_mut().enumerate() {
                    *sum += begins_as(colour, cell, kind);
                }
                begin_unseen.push(sums.iter().map(|sum| sum / (cell + 1) as f32).collect());
            }
        }
        let flash = (0..sorted.len()).find(|&run| sorted[run].track == flash_track && sorted[run].before.is_some());
        Tracks {
            strange: kinds.len() - 1,
            strange_begins: strange / total,
            strange_begins_first: strange / total_first,
            before: sorted
                .iter()
                .map(|run| run.before.map_or(sorted.len() as u32, place_of))
                .collect(),
            kind: sorted.iter().map(|run| run.kind as u32).collect(),
            places,
            of_bank,
            part: of_runs(&|run| 1.0 / run.lengths as f32),
            mean: of_runs(&Run::mean),
            anywhere: of_runs(&|run| run.anywhere / total),
            begins: of_runs(&|run| run.begins / total),
            begins_first: of_runs(&|run| run.begins_first / total_first),
            edges,
            of_track,
            flash: flash.unwrap_or_default(),
            flash_track,
            enters,
            first_anywhere: anywhere_first * total / total_first,
            entry_colours,
            begins_with,
            begin_as: core::array::from_fn(|colour| {
                let share = |kind| {
                    if kind < kinds.len() {
                        begins_as(colour, 0, kind)
                    } else {
                        0.0
                    }
                };
                let fours = (0..kinds.len()).step_by(4);
                fours
                    .map(|kind| Four([share(kind), share(kind + 1), share(kind + 2), share(kind + 3)]))
                    .collect()
            }),
            begin_unseen,
            history,
            kinds,
            held,
            rings,
            expectations,
        }
    }
}

/// How a sample weighs light that has changed its colour since the last one: from each colour, within the sample, or before it began.
struct Changed {
    within: [Four; 4],
    before: Four,
}

impl Changed {
    /// Of the changes, the part `within` was within the sample.
    fn new(weights: &PerExposure, within: f32) -> Self {
        let [off, red, amber, green, ..] = *weights;
        let of_edges = |before| core::array::from_fn(|after| weights[between(before, after)]);
        Self {
            within: core::array::from_fn(|before| Four(of_edges(before)) * within),
            before: Four([off, red, amber, green]) * (1.0 - within),
        }
    }

    /// The weight of a change from a colour into each.
    fn from(&self, before: usize) -> Four {
        self.within[before] + self.before
    }

    /// Adds what changed into each colour to what was seen.
    fn add(&self, before: usize, into: Four, exposures: &mut PerExposure) {
        let (within, earlier) = (self.within[before] * into, self.before * into);
        for after in 0..COLOURS.len() {
            exposures[between(before, after)] += within.0[after];
            exposures[after] += earlier.0[after];
        }
    }
}
