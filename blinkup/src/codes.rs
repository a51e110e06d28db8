//! What a status LED can say: the status codes, and the patterns of light that they share.
//!
//! A *pattern* is what light can tell; a *status code* is what it means. Codes that look alike share a pattern: solid green is
//! "received", "updating" and "blessed". A [`CodeTable`] is checked when it is made; [`CodeTable::vendor`] is the table that comes
//! with this crate (feature `toml`).

#[cfg(feature = "toml")]
mod table_text;

use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::fmt;
use core::time::Duration;

#[cfg(feature = "toml")]
pub use table_text::TableError;

/// A colour of the bicolour status LED.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "lowercase"))]
pub enum Colour {
    /// Neither die lit.
    Off,
    /// The red die.
    Red,
    /// Both dice.
    Amber,
    /// The green die.
    Green,
}

impl Colour {
    /// Every colour.
    pub const ALL: [Self; 4] = [Self::Off, Self::Red, Self::Amber, Self::Green];

    /// The name in tables and records, lower case.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Off => "off",
            Self::Red => "red",
            Self::Amber => "amber",
            Self::Green => "green",
        }
    }
}

impl fmt::Display for Colour {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Whether a code can be a reading.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    /// It has a pattern that stands or repeats.
    Pattern,
    /// An event for the station, never a reading: a single flash.
    Transient,
}

/// How sure the colours of a code are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Confidence {
    /// Published.
    Certain,
    /// Concluded from reports.
    Inferred,
    /// At least one colour is not known.
    Unknown,
}

/// Where in a unit's life a code belongs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Category {
    /// Before and during BlinkUp.
    Blinkup,
    /// Wi-Fi connection.
    Wifi,
    /// Wi-Fi and Ethernet connection.
    WifiEthernet,
    /// Cellular connection.
    Cellular,
    /// Any connection.
    Generic,
    /// Power faults.
    Fault,
    /// Codes of certain imps at start-up.
    DeviceSpecific,
    /// No longer used by current impOS.
    Legacy,
    /// The factory's own.
    Factory,
    /// Seen, but not in the vendor's guide.
    Observed,
}

/// How long a step lasts; both ends are the same where one length is published.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Span {
    /// The shortest that it may be.
    pub shortest: Duration,
    /// The longest that it may be.
    pub longest: Duration,
}

/// One step of a pattern.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Step {
    /// The colour; `None` where nobody published it. It may then be any but its neighbours'.
    pub colour: Option<Colour>,
    /// How long; `None` when it is held.
    pub lasts: Option<Span>,
}

/// A status code as a row of the table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Code {
    /// Its id: lower case letters, digits and hyphens; unique.
    pub id: String,
    /// Whether it can be a reading.
    pub kind: Kind,
    /// Name of its pattern; `None` for a transient.
    pub pattern: Option<String>,
    /// What the vendor's guide calls it.
    pub title: String,
    /// Where it belongs.
    pub category: Category,
    /// Which imps or versions of impOS show it.
    pub applies_to: String,
    /// What it looks like; at least one step.
    pub steps: Vec<Step>,
    /// Whether the steps repeat.
    pub repeats: bool,
    /// One round of a repeating code; `None` where a step's length is a range.
    pub period: Option<Duration>,
    /// How long it is shown in all, where that is published.
    pub duration: Option<Duration>,
    /// How long it is shown, in words.
    pub until: Option<String>,
    /// Where each of these facts comes from; at least one.
    pub source: Vec<String>,
    /// How sure the colours are.
    pub confidence: Confidence,
    /// What it means.
    pub meaning: String,
    /// What to do about it.
    pub remedy: String,
    /// A guess at the steps, a letter and milliseconds each (o off, r red, a amber, g green, ? unknown); never good for a verdict.
    pub hypothesis: Option<String>,
    /// What else is known.
    pub note: Option<String>,
}

/// A pattern's place in its [`CodeTable`]: small, copyable, valid for that table only.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct PatternId(pub u16);

/// What light can tell: the steps that one or more codes share.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pattern {
    id: PatternId,
    name: String,
    steps: Vec<Step>,
    repeats: bool,
    codes: Vec<usize>,
}

impl Pattern {
    /// Its place in the table.
    pub fn id(&self) -> PatternId {
        self.id
    }

    /// Its name, as in `solid-green`.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its steps; at least one. The only step of a pattern that does not repeat is held where any of its codes holds it.
    pub fn steps(&self) -> &[Step] {
        &self.steps
    }

    /// Whether the steps repeat.
    pub fn repeats(&self) -> bool {
        self.repeats
    }

    /// Places of its codes in [`CodeTable::codes`]; at least one.
    pub fn codes(&self) -> &[usize] {
        &self.codes
    }

    /// Whether every step's colour is known.
    pub fn is_fully_known(&self) -> bool {
        self.steps.iter().all(|step| step.colour.is_some())
    }
}

/// Why codes are no table: which code, which field of it, and what was expected.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CodeError {
    /// The code's place in the table, from 0.
    pub row: usize,
    /// Its id.
    pub id: String,
    /// The field.
    pub field: &'static str,
    /// What it holds and what was expected.
    pub what: String,
}

impl fmt::Display for CodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "code {:?}: {}: {}", self.id, self.field, self.what)
    }
}

impl core::error::Error for CodeError {}

/// A checked table of status codes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CodeTable {
    codes: Vec<Code>,
    patterns: Vec<Pattern>,
}

impl CodeTable {
    /// A table from its codes. Patterns are numbered in the order in which codes name them.
    ///
    /// # Errors
    /// A code contradicts itself or another one: an id twice, a pattern without a name, neighbours of the same colour, a period that is
    /// not the sum of the steps, codes of one pattern that look different, codes of two patterns that look the same.
    pub fn new(codes: Vec<Code>) -> Result<Self, CodeError> {
        let mut patterns: Vec<Pattern> = Vec::new();
        for (row, code) in codes.iter().enumerate() {
            let wrong = |(field, what)| CodeError {
                row,
                id: code.id.clone(),
                field,
                what,
            };
            if codes.iter().take(row).any(|earlier| earlier.id == code.id) {
                return Err(wrong(("id", "stands twice, expected unique ids".to_string())));
            }
            code.check().map_err(wrong)?;
            let Some(name) = &code.pattern else { continue };
            if let Some(pattern) = patterns.iter_mut().find(|pattern| pattern.name == *name) {
                pattern.share(row, code).map_err(wrong)?;
                continue;
            }
            let id = u16::try_from(patterns.len())
                .map(PatternId)
                .map_err(|_| wrong(("pattern", "expected at most 65536 patterns".to_string())))?;
            patterns.push(Pattern {
                id,
                name: name.clone(),
                steps: code.steps.clone(),
                repeats: code.repeats,
                codes: alloc::vec![row],
            });
        }
        for (index, pattern) in patterns.iter().enumerate() {
            let twin = patterns.iter().take(index).find(|other| pattern.looks_like(other));
            if let (Some(twin), Some(&row)) = (twin, pattern.codes.first()) {
                return Err(CodeError {
                    row,
                    id: codes.get(row).map_or_else(String::new, |code| code.id.clone()),
                    field: "pattern",
                    what: format!("looks like {:?}, expected codes that look alike to share it", twin.name),
                });
            }
        }
        Ok(Self { codes, patterns })
    }

    /// Every code, in the order of the table.
    pub fn codes(&self) -> &[Code] {
        &self.codes
    }

    /// The code with this id.
    pub fn code(&self, id: &str) -> Option<&Code> {
        self.codes.iter().find(|code| code.id == id)
    }

    /// Every pattern, in order of id.
    pub fn patterns(&self) -> &[Pattern] {
        &self.patterns
    }

    /// The pattern with this id; `None` when the id is another table's.
    pub fn pattern(&self, id: PatternId) -> Option<&Pattern> {
        self.patterns.get(usize::from(id.0))
    }

    /// The pattern with this name.
    pub fn pattern_named(&self, name: &str) -> Option<&Pattern> {
        self.patterns.iter().find(|pattern| pattern.name == name)
    }

    /// The pattern that the code with this id has; `None` for a transient or an id that is not in the table.
    pub fn pattern_of(&self, id: &str) -> Option<&Pattern> {
        self.pattern_named(self.code(id)?.pattern.as_deref()?)
    }

    /// The codes that a reading of this pattern stands for, in the order of the table; none when the id is another table's.
    ///
    /// They are those that share it. Where colours are unknown they are also those of the other patterns with the same timing: light cannot
    /// tell them apart.
    pub fn codes_of(&self, pattern: PatternId) -> impl Iterator<Item = &Code> {
        let read = self.pattern(pattern);
        let stands = move |code: &&Code| {
            let other = code.pattern.as_deref().and_then(|name| self.pattern_named(name));
            read.zip(other).is_some_and(|(read, other)| {
                read.id == other.id
                    || !read.is_fully_known() && read.repeats == other.repeats && read.steps == other.steps
            })
        };
        self.codes.iter().filter(stands)
    }
}

/// A field of a code and what is wrong with it.
type Fault = (&'static str, String);

impl Code {
    /// Checks what can be checked without the other codes.
    fn check(&self) -> Result<(), Fault> {
        let is_name = |text: &str| {
            !text.is_empty()
                && text
                    .bytes()
                    .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
        };
        let name_expected = |text: &str| format!("{text:?}, expected lower case letters, digits and hyphens");
        if !is_name(&self.id) {
            return Err(("id", name_expected(&self.id)));
        }
        match (self.kind, &self.pattern) {
            (Kind::Pattern, None) => return Err(("pattern", "missing, expected the pattern's name".to_string())),
            (Kind::Transient, Some(_)) => {
                return Err(("pattern", "expected none: a transient is never a reading".to_string()));
            }
            (Kind::Pattern, Some(name)) if !is_name(name) => return Err(("pattern", name_expected(name))),
            (Kind::Pattern, Some(_)) | (Kind::Transient, None) => {}
        }
        for (field, text) in [
            ("title", &self.title),
            ("applies_to", &self.applies_to),
            ("meaning", &self.meaning),
            ("remedy", &self.remedy),
        ] {
            if text.trim().is_empty() {
                return Err((field, "empty, expected words".to_string()));
            }
        }
        if self.source.is_empty() || self.source.iter().any(|source| source.trim().is_empty()) {
            return Err(("source", "expected at least one source, none of them empty".to_string()));
        }
        self.check_steps()?;
        let knows_all = self.steps.iter().all(|step| step.colour.is_some());
        if knows_all == (self.confidence == Confidence::Unknown) {
            return Err((
                "confidence",
                "expected \"unknown\" exactly where a step's colour is unknown".to_string(),
            ));
        }
        if let Some(hypothesis) = &self.hypothesis {
            self.check_hypothesis(hypothesis)?;
        }
        Ok(())
    }

    fn check_steps(&self) -> Result<(), Fault> {
        let (Some(first), Some(last)) = (self.steps.first(), self.steps.last()) else {
            return Err(("steps", "empty, expected at least one step".to_string()));
        };
        let same_colour = |a: &Step, b: &Step| a.colour.is_some() && a.colour == b.colour;
        for (index, pair) in self.steps.windows(2).enumerate() {
            if let [a, b] = pair
                && same_colour(a, b)
            {
                return Err((
                    "steps",
                    format!(
                        "steps {} and {} have the same colour, expected one longer step",
                        index + 1,
                        index + 2
                    ),
                ));
            }
        }
        for span in self.steps.iter().filter_map(|step| step.lasts) {
            if span.shortest.is_zero() || span.longest < span.shortest {
                return Err((
                    "steps",
                    "expected a length above 0 ms, or a range from the shorter to the longer".to_string(),
                ));
            }
        }
        let held = self.steps.iter().any(|step| step.lasts.is_none());
        if held && (self.repeats || self.steps.len() > 1) {
            return Err((
                "steps",
                "a held step (ms = 0), expected it alone and without repeat".to_string(),
            ));
        }
        if self.repeats && self.steps.len() < 2 {
            return Err(("repeat", "true, expected at least two steps to repeat".to_string()));
        }
        if self.repeats && same_colour(first, last) {
            return Err((
                "steps",
                "the last and the first step have the same colour, expected one longer step".to_string(),
            ));
        }
        let fixed = self.steps.iter().try_fold(Duration::ZERO, |sum, step| {
            let span = step.lasts.filter(|span| span.shortest == span.longest)?;
            sum.checked_add(span.shortest)
        });
        let sum = fixed.filter(|_| self.repeats);
        if self.period == sum {
            return Ok(());
        }
        let ms =
            |period: Option<Duration>| period.map_or_else(|| "none".to_string(), |ms| format!("{}", ms.as_millis()));
        Err((
            "period_ms",
            format!(
                "{}, expected {}, the sum of the steps of a repeating code",
                ms(self.period),
                ms(sum)
            ),
        ))
    }

    /// A hypothesis has the steps' lengths and known colours.
    fn check_hypothesis(&self, hypothesis: &str) -> Result<(), Fault> {
        let guesses: Vec<&str> = hypothesis.split_whitespace().collect();
        let fits = |(guess, step): (&&str, &Step)| {
            let mut rest = guess.chars();
            let colour = match rest.next() {
                Some('o') => Some(Colour::Off),
                Some('r') => Some(Colour::Red),
                Some('a') => Some(Colour::Amber),
                Some('g') => Some(Colour::Green),
                Some('?') => None,
                Some(_) | None => return false,
            };
            let length = rest.as_str().parse().ok().map(Duration::from_millis);
            let in_span = match (length, step.lasts) {
                (Some(length), Some(span)) => (span.shortest..=span.longest).contains(&length),
                (Some(_) | None, _) => false,
            };
            in_span && (step.colour.is_none() || step.colour == colour)
        };
        if guesses.len() == self.steps.len() && guesses.iter().zip(&self.steps).all(fits) {
            Ok(())
        } else {
            Err((
                "hypothesis",
                format!("{hypothesis:?}, expected a letter of o r a g ? and milliseconds for each step, as in steps"),
            ))
        }
    }
}

impl Pattern {
    /// Takes in another code that names this pattern.
    fn share(&mut self, row: usize, code: &Code) -> Result<(), Fault> {
        let unlike = |field| (field, format!("differs from the other codes of {:?}", self.name));
        let colours = |steps: &[Step]| -> Vec<Option<Colour>> { steps.iter().map(|step| step.colour).collect() };
        if self.repeats != code.repeats {
            return Err(unlike("repeat"));
        }
        if colours(&self.steps) != colours(&code.steps) {
            return Err(unlike("steps"));
        }
        match (&mut *self.steps, &*code.steps) {
            ([mine], [theirs]) if !code.repeats => {
                // What is shown once may be shown for as long as any of the codes lets it be.
                mine.lasts = match (mine.lasts, theirs.lasts) {
                    (Some(mine), Some(theirs)) => Some(Span {
                        shortest: mine.shortest.min(theirs.shortest),
                        longest: mine.longest.max(theirs.longest),
                    }),
                    (None, _) | (_, None) => None,
                };
            }
            (mine, theirs) if mine != theirs => return Err(unlike("steps")),
            (_, _) => {}
        }
        self.codes.push(row);
        Ok(())
    }

    /// Whether light cannot tell the two apart: the same known steps, wherever a round begins.
    fn looks_like(&self, other: &Self) -> bool {
        let count = self.steps.len();
        self.is_fully_known()
            && self.repeats == other.repeats
            && count == other.steps.len()
            && (0..count).any(|turn| {
                (turn == 0 || self.repeats)
                    && other
                        .steps
                        .iter()
                        .zip(self.steps.iter().cycle().skip(turn))
                        .all(|(theirs, mine)| {
                            theirs.colour == mine.colour && (count == 1 || theirs.lasts == mine.lasts)
                        })
            })
    }
}
