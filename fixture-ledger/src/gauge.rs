//! How well a gauge agrees with itself and with what is known: agreement of answers, and the parts of a measured variation. Pure.
//!
//! By AIAG, Measurement Systems Analysis, 4th edition (2010): variables by the analysis of variance of a crossed study (chapter III B and appendix A),
//! answers by agreement and kappa (chapter III C). What is called an appraiser there is a person here, a part a unit, a trial a time.
#![expect(clippy::cast_precision_loss, reason = "counts of runs are far below 2^52")]

use statrs::function::beta::beta_reg;

use crate::statistics::{Interval, wilson};

/// What is found in every cell of a crossed study: each unit by each person the same number of times.
#[derive(Debug, Clone, PartialEq)]
pub struct Crossed<T> {
    /// Units, at least 2.
    units: usize,
    /// People, at least 2.
    people: usize,
    /// Times, at least 2.
    times: usize,
    /// By unit, then by person, then by time.
    found: Vec<T>,
}

impl<T> Crossed<T> {
    /// A crossed study from what was found, by unit, then by person, then by time; `None` where anything is missing or too much, or where there are
    /// fewer than two units, people or times.
    pub fn new(units: usize, people: usize, times: usize, found: Vec<T>) -> Option<Self> {
        let whole = units.checked_mul(people)?.checked_mul(times)?;
        (units >= 2 && people >= 2 && times >= 2 && found.len() == whole).then_some(Self {
            units,
            people,
            times,
            found,
        })
    }

    /// What one person found of one unit.
    pub fn cell(&self, unit: usize, person: usize) -> &[T] {
        let from = (unit * self.people + person) * self.times;
        self.found.get(from..from + self.times).unwrap_or_default()
    }

    /// What everybody found of one unit.
    pub fn of_unit(&self, unit: usize) -> &[T] {
        let each = self.people * self.times;
        self.found.get(unit * each..(unit + 1) * each).unwrap_or_default()
    }

    /// All that was found.
    pub fn of_all(&self) -> &[T] {
        &self.found
    }

    /// How many people there are.
    pub const fn people(&self) -> usize {
        self.people
    }

    fn of_person(&self, person: usize) -> impl Iterator<Item = &T> {
        (0..self.units).flat_map(move |unit| self.cell(unit, person))
    }
}

/// The parts of a measured variation, each a standard deviation in the unit of what is measured.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Variation {
    /// Repeatability, EV: the same unit by the same person again.
    pub repeatability: f64,
    /// Reproducibility, AV: the same unit by another person.
    pub reproducibility: f64,
    /// What people measure differently of some units only, INT; 0 where it is pooled with the repeatability.
    pub interaction: f64,
    /// The chance of an interaction as large as this where there is none (F test), 0 to 1.
    pub interaction_chance: f64,
    /// Whether the interaction was pooled.
    pub pooled: Pooled,
    /// The units' own, PV.
    pub units: f64,
}

/// Whether the interaction was taken as repeatability.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Pooled {
    /// It was: nothing speaks for one.
    Yes,
    /// It stands for itself.
    No,
}

/// How many standard deviations a study's variation is wide: 6 hold 99.73 % of a normal distribution (AIAG, 4th edition).
pub const WIDE: f64 = 6.0;

/// Units that a gauge can tell apart lie 1.41 standard deviations of the gauge from each other (AIAG, 4th edition: 97 % intervals that do not overlap).
const APART: f64 = 1.41;

/// Figures that differ by less than this share of the largest of them differ by rounding: they are computed from 64 bits.
const ROUNDING: f64 = 1e-12;

impl Variation {
    /// Of the gauge, GRR: all that is not the units'.
    pub fn gauge(&self) -> f64 {
        self.repeatability.hypot(self.reproducibility).hypot(self.interaction)
    }

    /// Of all that was measured, TV.
    pub fn total(&self) -> f64 {
        self.gauge().hypot(self.units)
    }

    /// %GRR of the total variation, 0 to 1; `None` where nothing varies.
    pub fn of_total(&self) -> Option<f64> {
        let total = self.total();
        (total > 0.0).then(|| self.gauge() / total)
    }

    /// %GRR of a tolerance, as a share: the width of the gauge's variation between two limits so far apart.
    pub fn of_tolerance(&self, tolerance: f64) -> Option<f64> {
        (tolerance > 0.0).then(|| WIDE * self.gauge() / tolerance)
    }

    /// How many categories of units can be told apart, ndc; `None` where the gauge does not vary.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "not negative, and a larger one than fits is as many as fits"
    )]
    pub fn categories(&self) -> Option<u32> {
        let gauge = self.gauge();
        (gauge > 0.0).then(|| (APART * self.units / gauge).floor() as u32)
    }
}

/// The parts of a variation, by analysis of variance with units and people drawn at random. The interaction is pooled with the repeatability where its
/// chance is above `pool_above`; a part whose estimate is negative is 0.
pub fn variation(measured: &Crossed<f64>, pool_above: f64) -> Variation {
    let (units, people, times) = (measured.units as f64, measured.people as f64, measured.times as f64);
    let mean = mean(&measured.found);
    let unit_means: Vec<f64> = (0..measured.units)
        .map(|unit| self::mean(measured.of_unit(unit)))
        .collect();
    let person_means: Vec<f64> = (0..measured.people)
        .map(|person| measured.of_person(person).sum::<f64>() / (units * times))
        .collect();
    let squares = |means: &[f64]| means.iter().map(|one| (one - mean).powi(2)).sum::<f64>();
    let of_units = people * times * squares(&unit_means);
    let of_people = units * times * squares(&person_means);
    let (mut of_both, mut of_times) = (0.0, 0.0);
    for (unit, unit_mean) in unit_means.iter().enumerate() {
        for (person, person_mean) in person_means.iter().enumerate() {
            let cell = measured.cell(unit, person);
            let cell_mean = self::mean(cell);
            of_both += times * (cell_mean - unit_mean - person_mean + mean).powi(2);
            of_times += cell.iter().map(|one| (one - cell_mean).powi(2)).sum::<f64>();
        }
    }
    // What only rounding tells apart is the same.
    let largest = measured
        .found
        .iter()
        .fold(0.0_f64, |largest, one| largest.max(one.abs()));
    let rounding = (largest * ROUNDING).powi(2) * measured.found.len() as f64;
    let real = |squares: f64| if squares > rounding { squares } else { 0.0 };
    let (of_units, of_people, of_both, of_times) = (real(of_units), real(of_people), real(of_both), real(of_times));
    let both_free = (units - 1.0) * (people - 1.0);
    let times_free = units * people * (times - 1.0);
    let (both, repeated) = (of_both / both_free, of_times / times_free);
    let interaction_chance = chance(both, repeated, both_free, times_free);
    let pooled = if interaction_chance > pool_above {
        Pooled::Yes
    } else {
        Pooled::No
    };
    // What units and people are weighed against, and what is left of the repeatability.
    let (error, repeatability, interaction) = match pooled {
        Pooled::Yes => {
            let error = (of_both + of_times) / (both_free + times_free);
            (error, error, 0.0)
        }
        Pooled::No => (both, repeated, (both - repeated) / times),
    };
    let root = |variance: f64| variance.max(0.0).sqrt();
    Variation {
        repeatability: root(repeatability),
        reproducibility: root((of_people / (people - 1.0) - error) / (units * times)),
        interaction: root(interaction),
        interaction_chance,
        pooled,
        units: root((of_units / (units - 1.0) - error) / (people * times)),
    }
}

fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}

/// The chance of a ratio of two mean squares as large as this, of as many degrees of freedom: the upper tail of the F distribution, by the incomplete
/// beta function (Abramowitz and Stegun, 26.6.2).
fn chance(above: f64, below: f64, above_free: f64, below_free: f64) -> f64 {
    if above <= 0.0 {
        return 1.0;
    }
    if below <= 0.0 {
        return 0.0;
    }
    let ratio = above / below;
    let share = below_free / (below_free + above_free * ratio);
    beta_reg(below_free / 2.0, above_free / 2.0, share.clamp(0.0, 1.0))
}

/// How many of how many.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Agreed {
    /// So many are judged alike.
    pub alike: u64,
    /// Of so many.
    pub of: u64,
}

impl Agreed {
    /// The share, 0 to 1; `None` of none.
    pub fn share(self) -> Option<f64> {
        (self.of > 0).then(|| self.alike as f64 / self.of as f64)
    }

    /// Its Wilson 95 % interval.
    pub fn interval(self) -> Option<Interval> {
        wilson(self.alike, self.of)
    }

    fn count(each: impl Iterator<Item = bool>) -> Self {
        let (mut alike, mut of) = (0, 0);
        for agrees in each {
            of += 1;
            alike += u64::from(agrees);
        }
        Self { alike, of }
    }
}

/// How well one person agrees.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct OfPerson {
    /// Units of which every answer was the same.
    pub within: Agreed,
    /// Fleiss' kappa of that person's answers; `None` where it cannot be told, since every answer was the same.
    pub within_kappa: Option<f64>,
    /// Units of which every answer was what is known of them; of those of which something is.
    pub right: Agreed,
    /// Cohen's kappa against what is known; `None` where it cannot be told.
    pub right_kappa: Option<f64>,
}

/// How well answers agree.
#[derive(Debug, Clone, PartialEq)]
pub struct Agreement {
    /// By person.
    pub people: Vec<OfPerson>,
    /// Units of which all answers of all people were the same.
    pub between: Agreed,
    /// Fleiss' kappa of all answers; `None` where it cannot be told, since every answer was the same.
    pub kappa: Option<f64>,
    /// Units of which all answers of all people were what is known of them; of those of which something is.
    pub right: Agreed,
    /// Cohen's kappa of all answers against what is known; `None` where it cannot be told.
    pub right_kappa: Option<f64>,
}

/// How well answers agree with each other, and with what is known of each unit (`None`: nothing).
pub fn agreement<T: PartialEq + Copy>(answers: &Crossed<T>, known: &[Option<T>]) -> Agreement {
    let known_units: Vec<(usize, T)> = (0..)
        .zip(known)
        .take(answers.units)
        .filter_map(|(unit, known)| Some((unit, (*known)?)))
        .collect();
    let same = |answers: &[T]| answers.windows(2).all(|pair| pair.first() == pair.last());
    let people = (0..answers.people)
        .map(|person| OfPerson {
            within: Agreed::count((0..answers.units).map(|unit| same(answers.cell(unit, person)))),
            within_kappa: fleiss((0..answers.units).map(|unit| answers.cell(unit, person))),
            right: Agreed::count(
                known_units
                    .iter()
                    .map(|(unit, known)| answers.cell(*unit, person).iter().all(|answer| answer == known)),
            ),
            right_kappa: cohen(
                known_units
                    .iter()
                    .flat_map(|(unit, known)| answers.cell(*unit, person).iter().map(|answer| (*answer, *known))),
            ),
        })
        .collect();
    Agreement {
        people,
        between: Agreed::count((0..answers.units).map(|unit| same(answers.of_unit(unit)))),
        kappa: fleiss((0..answers.units).map(|unit| answers.of_unit(unit))),
        right: Agreed::count(
            known_units
                .iter()
                .map(|(unit, known)| answers.of_unit(*unit).iter().all(|answer| answer == known)),
        ),
        right_kappa: cohen(
            known_units
                .iter()
                .flat_map(|(unit, known)| answers.of_unit(*unit).iter().map(|answer| (*answer, *known))),
        ),
    }
}

/// Fleiss' kappa (J. L. Fleiss, "Measuring nominal scale agreement among many raters", Psychological Bulletin 76, 1971): how much more the answers of
/// each unit agree than by chance, 1 for entirely. Every unit has equally many, at least two; `None` where every answer of all is the same.
pub fn fleiss<'a, T: PartialEq + Copy + 'a>(units: impl Iterator<Item = &'a [T]>) -> Option<f64> {
    let mut totals: Vec<(T, f64)> = Vec::new();
    let (mut agree, mut count, mut each) = (0.0, 0.0, 0.0);
    for answers in units {
        let mut tally: Vec<(T, f64)> = Vec::new();
        for answer in answers {
            add(&mut tally, *answer, 1.0);
        }
        each = answers.len() as f64;
        agree += tally.iter().map(|(_, n)| n * (n - 1.0)).sum::<f64>() / (each * (each - 1.0));
        count += 1.0;
        for (answer, n) in tally {
            add(&mut totals, answer, n);
        }
    }
    let by_chance: f64 = totals.iter().map(|(_, n)| (n / (count * each)).powi(2)).sum();
    above_chance(agree / count, by_chance)
}

/// Cohen's kappa (J. Cohen, "A coefficient of agreement for nominal scales", Educational and Psychological Measurement 20, 1960): how much more two
/// answers about the same agree than by chance, 1 for entirely; `None` where every one of both is the same, and of none.
pub fn cohen<T: PartialEq + Copy>(pairs: impl Iterator<Item = (T, T)>) -> Option<f64> {
    let mut ones: Vec<(T, f64)> = Vec::new();
    let mut others: Vec<(T, f64)> = Vec::new();
    let (mut agree, mut count) = (0.0, 0.0);
    for (one, other) in pairs {
        count += 1.0;
        agree += f64::from(u8::from(one == other));
        add(&mut ones, one, 1.0);
        add(&mut others, other, 1.0);
    }
    let by_chance: f64 = ones
        .iter()
        .map(|(answer, n)| {
            let other = others.iter().find(|(other, _)| other == answer);
            n * other.map_or(0.0, |(_, n)| *n)
        })
        .sum::<f64>()
        / (count * count);
    above_chance(agree / count, by_chance)
}

fn above_chance(agree: f64, by_chance: f64) -> Option<f64> {
    let kappa = (agree - by_chance) / (1.0 - by_chance);
    // By chance everything agrees: there is nothing to be above of.
    (by_chance < 1.0 - 1e-12 && kappa.is_finite()).then_some(kappa)
}

fn add<T: PartialEq>(tally: &mut Vec<(T, f64)>, answer: T, n: f64) {
    match tally.iter_mut().find(|(known, _)| *known == answer) {
        Some((_, known)) => *known += n,
        None => tally.push((answer, n)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn near(one: f64, other: f64, within: f64) {
        assert!((one - other).abs() <= within, "{one} is not {other}");
    }

    /// The study that AIAG, Measurement Systems Analysis, 4th edition, works through in chapter III B: 3 appraisers, 3 trials, 10 parts. Its analysis of
    /// variance is printed there; Minitab's sample data set "Gageaiag" is the same study, with the same figures.
    const AIAG: [[[f64; 10]; 3]; 3] = [
        [
            [0.29, -0.56, 1.34, 0.47, -0.80, 0.02, 0.59, -0.31, 2.26, -1.36],
            [0.41, -0.68, 1.17, 0.50, -0.92, -0.11, 0.75, -0.20, 1.99, -1.25],
            [0.64, -0.58, 1.27, 0.64, -0.84, -0.21, 0.66, -0.17, 2.01, -1.31],
        ],
        [
            [0.08, -0.47, 1.19, 0.01, -0.56, -0.20, 0.47, -0.63, 1.80, -1.68],
            [0.25, -1.22, 0.94, 1.03, -1.20, 0.22, 0.55, 0.08, 2.12, -1.62],
            [0.07, -0.68, 1.34, 0.20, -1.28, 0.06, 0.83, -0.34, 2.19, -1.50],
        ],
        [
            [0.04, -1.38, 0.88, 0.14, -1.46, -0.29, 0.02, -0.46, 1.77, -1.49],
            [-0.11, -1.13, 1.09, 0.20, -1.07, -0.67, 0.01, -0.56, 1.45, -1.77],
            [-0.15, -0.96, 0.67, 0.11, -1.45, -0.49, 0.21, -0.49, 1.87, -2.16],
        ],
    ];

    fn aiag() -> Crossed<f64> {
        let found = (0..10).flat_map(|part| {
            AIAG.iter()
                .flat_map(move |person| person.iter().map(move |trial| trial[part]))
        });
        Crossed::new(10, 3, 3, found.collect()).unwrap()
    }

    #[test]
    fn the_published_study_has_the_published_parts_of_variation() {
        let found = variation(&aiag(), 0.25);
        assert_eq!(found.pooled, Pooled::Yes);
        near(found.interaction_chance, 0.974, 0.000_5);
        near(found.repeatability, 0.19993, 0.000_005);
        near(found.reproducibility, 0.22684, 0.000_005);
        near(found.gauge(), 0.30237, 0.000_005);
        near(found.units, 1.04233, 0.000_005);
        near(found.total(), 1.08530, 0.000_005);
        near(found.of_total().unwrap(), 0.2786, 0.000_05);
        assert_eq!(found.categories(), Some(4));
        // Minitab's page of the same study: 22.68 % of a tolerance of 8.
        near(found.of_tolerance(8.0).unwrap(), 0.2268, 0.000_05);
    }

    /// The same by another way: sums of squares as sums of squared totals less the correction, as textbooks do it by hand.
    fn by_hand(measured: &Crossed<f64>) -> [f64; 4] {
        let (units, people, times) = (measured.units, measured.people, measured.times);
        let at = |unit: usize, person: usize, time: usize| measured.found[(unit * people + person) * times + time];
        let all = (units * people * times) as f64;
        let total: f64 = measured.found.iter().sum();
        let correction = total * total / all;
        let squared = |sums: Vec<f64>, each: usize| sums.iter().map(|sum| sum * sum).sum::<f64>() / each as f64;
        let of = |unit: Option<usize>, person: Option<usize>| {
            let mut sum = 0.0;
            for u in 0..units {
                for p in 0..people {
                    for t in 0..times {
                        if unit.is_none_or(|unit| unit == u) && person.is_none_or(|person| person == p) {
                            sum += at(u, p, t);
                        }
                    }
                }
            }
            sum
        };
        let of_units = squared((0..units).map(|u| of(Some(u), None)).collect(), people * times) - correction;
        let of_people = squared((0..people).map(|p| of(None, Some(p))).collect(), units * times) - correction;
        let cells = (0..units).flat_map(|u| (0..people).map(move |p| (u, p)));
        let of_cells = squared(cells.map(|(u, p)| of(Some(u), Some(p))).collect(), times) - correction;
        let of_all = measured.found.iter().map(|one| one * one).sum::<f64>() - correction;
        let of_both = of_cells - of_units - of_people;
        let both = of_both / ((units - 1) * (people - 1)) as f64;
        let repeated = (of_all - of_cells) / (units * people * (times - 1)) as f64;
        let unit = of_units / (units - 1) as f64;
        let person = of_people / (people - 1) as f64;
        [
            repeated,
            (person - both) / (units * times) as f64,
            (both - repeated) / times as f64,
            (unit - both) / (people * times) as f64,
        ]
    }

    #[test]
    fn the_parts_are_those_of_the_textbooks_way_by_hand() {
        let mut state = 7_u64;
        let mut even = move || {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            (state >> 11) as f64 / (1_u64 << 53) as f64
        };
        for (units, people, times) in [(2, 2, 2), (5, 3, 2), (10, 3, 3), (50, 10, 10)] {
            for _ in 0..20 {
                let mut found = Vec::new();
                let seen: Vec<f64> = (0..people).map(|_| even()).collect();
                for _ in 0..units {
                    let unit = 10.0 * even();
                    for seen in &seen {
                        let both = even();
                        found.extend((0..times).map(|_| unit + seen + both + even()));
                    }
                }
                let measured = Crossed::new(units, people, times, found).unwrap();
                // Never pooled.
                let parts = variation(&measured, 1.0);
                let slow = by_hand(&measured);
                let fast = [
                    parts.repeatability,
                    parts.reproducibility,
                    parts.interaction,
                    parts.units,
                ];
                for (fast, slow) in fast.into_iter().zip(slow) {
                    near(fast * fast, slow.max(0.0), 1e-9);
                }
            }
        }
    }

    #[test]
    fn the_chance_of_a_ratio_is_that_of_the_tables() {
        // Upper 5 % and 1 % points of the F distribution, as every table of it has them.
        for (ratio, above, below, tail) in [
            (4.964_603, 1.0, 10.0, 0.05),
            (3.098_391, 3.0, 20.0, 0.05),
            (4.938_193, 3.0, 20.0, 0.01),
            (1.0, 12.0, 12.0, 0.5),
        ] {
            near(chance(ratio, 1.0, above, below), tail, 1e-5);
        }
        near(chance(0.0, 1.0, 3.0, 3.0), 1.0, 0.0);
        near(chance(1.0, 0.0, 3.0, 3.0), 0.0, 0.0);
    }

    #[test]
    fn what_does_not_vary_has_no_share() {
        let same = Crossed::new(2, 2, 2, vec![1.0; 8]).unwrap();
        let found = variation(&same, 0.25);
        assert_eq!((found.of_total(), found.categories()), (None, None));
        assert_eq!(found.of_tolerance(1.0), Some(0.0));
        assert_eq!(found.of_tolerance(0.0), None);
        // A figure whose mean is not the figure to the last bit.
        let same = Crossed::new(3, 2, 2, vec![10.4; 12]).unwrap();
        let found = variation(&same, 0.25);
        assert_eq!((found.of_total(), found.pooled), (None, Pooled::Yes));
        // Only the units vary: the gauge is perfect.
        let units = Crossed::new(2, 2, 2, vec![1.0, 1.0, 1.0, 1.0, 2.0, 2.0, 2.0, 2.0]).unwrap();
        let found = variation(&units, 0.25);
        assert_eq!((found.of_total(), found.categories()), (Some(0.0), None));
    }

    #[test]
    fn a_study_with_something_missing_is_none() {
        assert!(Crossed::new(2, 2, 2, vec![0.0; 7]).is_none());
        assert!(Crossed::new(2, 2, 2, vec![0.0; 9]).is_none());
        assert!(Crossed::new(1, 2, 2, vec![0.0; 4]).is_none());
        assert!(Crossed::new(2, 1, 2, vec![0.0; 4]).is_none());
        assert!(Crossed::new(2, 2, 1, vec![0.0; 4]).is_none());
    }

    /// So many answers of each kind.
    fn answers(counts: &[u32]) -> Vec<usize> {
        counts
            .iter()
            .enumerate()
            .flat_map(|(kind, count)| (0..*count).map(move |_| kind))
            .collect()
    }

    #[test]
    fn fleiss_kappa_is_that_of_the_worked_example() {
        // Ten subjects, 14 raters, five categories: the worked example of the article "Fleiss' kappa" of Wikipedia, 0.210.
        let units = [
            [0, 0, 0, 0, 14],
            [0, 2, 6, 4, 2],
            [0, 0, 3, 5, 6],
            [0, 3, 9, 2, 0],
            [2, 2, 8, 1, 1],
            [7, 7, 0, 0, 0],
            [3, 2, 6, 3, 0],
            [2, 5, 3, 2, 2],
            [6, 5, 2, 1, 0],
            [0, 2, 2, 3, 7],
        ]
        .map(|counts| answers(&counts));
        near(fleiss(units.iter().map(Vec::as_slice)).unwrap(), 0.209_93, 0.000_005);
        let same = [vec![0, 0], vec![0, 0]];
        assert_eq!(fleiss(same.iter().map(Vec::as_slice)), None);
        let apart = [vec![0, 0], vec![1, 1]];
        assert_eq!(fleiss(apart.iter().map(Vec::as_slice)), Some(1.0));
    }

    #[test]
    fn cohens_kappa_is_that_of_the_published_study() {
        // AIAG, Measurement Systems Analysis, 4th edition, chapter III C: 50 parts, three trials, each appraiser's decisions by the reference: both
        // reject, only the appraiser, only the reference, both accept. The kappas are printed there as 0.88, 0.92 and 0.77.
        for (table, kappa) in [([45, 5, 3, 97], 0.88), ([45, 2, 3, 100], 0.92), ([42, 9, 6, 93], 0.77)] {
            let pairs = [(0, 0), (0, 1), (1, 0), (1, 1)];
            let all = pairs
                .into_iter()
                .zip(table)
                .flat_map(|(pair, count)| (0..count).map(move |_| pair));
            near(cohen(all).unwrap(), kappa, 0.005);
        }
        assert_eq!(cohen([(1, 1), (1, 1)].into_iter()), None);
        assert_eq!(cohen(core::iter::empty::<(u8, u8)>()), None);
    }

    #[test]
    fn agreement_counts_units_and_not_answers() {
        // Three units, two people, two times: the second person once lets the bad one pass, and nothing is known of the third.
        let found = vec!['p', 'p', 'p', 'p', 'f', 'f', 'p', 'f', 'p', 'p', 'p', 'p'];
        let answers = Crossed::new(3, 2, 2, found).unwrap();
        let agreement = agreement(&answers, &[Some('p'), Some('f'), None]);
        let told = |agreed: Agreed| (agreed.alike, agreed.of);
        assert_eq!(told(agreement.people[0].within), (3, 3));
        assert_eq!(told(agreement.people[1].within), (2, 3));
        assert_eq!(told(agreement.people[0].right), (2, 2));
        assert_eq!(told(agreement.people[1].right), (1, 2));
        assert_eq!(told(agreement.between), (2, 3));
        assert_eq!(told(agreement.right), (1, 2));
        assert_eq!(agreement.people[0].within_kappa, Some(1.0));
        assert_eq!(agreement.people[0].right_kappa, Some(1.0));
        near(agreement.people[1].right_kappa.unwrap(), 0.5, 1e-12);
        assert!(agreement.kappa.unwrap() < 1.0);
    }
}
