//! Runs for other programs: flat rows of a documented list of columns, and whole records with their seals. Read in batches, so that memory stays
//! bounded and no read of the ledger lasts long, however many runs there are.

use fixture_link::verdict::{Class, VerdictCode};

use crate::chain::{Sealed, line};
use crate::decode::Place;
use crate::error::LedgerError;
use crate::report::{Cursor, Reached, Reports, RunFilter};
use crate::seal::Seal;

/// How many runs a batch of an export has.
pub const BATCH: usize = 1000;

/// How many sealed records a batch has.
const RECORDS: usize = 250;

/// What a column of an export holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Text.
    Text,
    /// A whole number.
    Number,
    /// A number with a fraction.
    Fraction,
    /// Whether something is so.
    Flag,
    /// An instant.
    Instant,
    /// A length of time, in seconds.
    Seconds,
}

/// A column of an export.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Column {
    /// Its name.
    pub name: &'static str,
    /// What it holds.
    pub kind: Kind,
    /// What it says.
    pub says: &'static str,
}

/// A cell of an export.
#[derive(Debug, Clone, PartialEq)]
pub enum Cell {
    /// Nothing is known.
    Empty,
    /// Text.
    Text(String),
    /// A whole number.
    Number(i64),
    /// A number with a fraction.
    Fraction(f64),
    /// Whether something is so.
    Flag(bool),
    /// Microseconds since 1970 UTC.
    Instant(i64),
    /// Microseconds.
    Seconds(i64),
}

/// A row of an export: a cell for each of [`COLUMNS`].
pub type Row = Vec<Cell>;

const fn column(name: &'static str, kind: Kind, says: &'static str) -> Column {
    Column { name, kind, says }
}

/// Every column, in order. Columns are only ever added, at the end; none is renamed, moved or given another meaning.
pub const COLUMNS: [Column; 42] = [
    column("run", Kind::Text, "the run's id"),
    column(
        "simulated",
        Kind::Text,
        "`SIMULATED` of a run on a simulated jig; empty otherwise",
    ),
    column("seated", Kind::Instant, "when the unit was seated"),
    column(
        "seated_synchronised",
        Kind::Flag,
        "whether the clock was synchronised then",
    ),
    column("fixture", Kind::Text, "the fixture"),
    column("software", Kind::Text, "its software's version"),
    column("recipe", Kind::Text, "the recipe's name"),
    column("recipe_version", Kind::Text, "the recipe's version"),
    column(
        "pass_rule",
        Kind::Text,
        "what a PASS took: `blessed`, `claimed` or `led-only`",
    ),
    column(
        "purpose",
        Kind::Text,
        "`production`, `golden`, `known-bad` or `study`; only the first counts in yields",
    ),
    column("lane", Kind::Number, "the lane"),
    column("serial", Kind::Text, "the unit's serial; empty where it had none"),
    column("operator", Kind::Text, "the operator"),
    column("lot", Kind::Text, "the lot; empty for none"),
    column("work_order", Kind::Text, "the work order; empty for none"),
    column(
        "outcome",
        Kind::Text,
        "`PASS`, `FAIL`, `ERROR`, `UNDECIDED`, `ABORTED` or `INTERRUPTED`; empty while the run lasts",
    ),
    column("code", Kind::Text, "the verdict's code"),
    column(
        "class",
        Kind::Text,
        "whose fault it is: `unit`, `evidence`, `fixture`, `network`, `operator` or `power`",
    ),
    column("detail", Kind::Text, "what exactly was seen"),
    column("stage", Kind::Text, "the last stage that the unit was seen in"),
    column(
        "reached",
        Kind::Text,
        "how far it got, as yields tell it: `seated`, `received`, `connected` or `passed`",
    ),
    column("took_s", Kind::Seconds, "from seated to the verdict"),
    column("ended", Kind::Instant, "when the verdict was stored"),
    column(
        "ended_synchronised",
        Kind::Flag,
        "whether the clock was synchronised then",
    ),
    column("lifted", Kind::Instant, "when the unit was lifted"),
    column(
        "verdict_number",
        Kind::Number,
        "which verdict of the ledger it was, from 1",
    ),
    column(
        "ordinal",
        Kind::Number,
        "which of its unit's runs that count in yields it was, from 1; 0 of a run that does not count",
    ),
    column("attempts", Kind::Number, "how many BlinkUp transmissions"),
    column("attempts_received", Kind::Number, "how many of them were received"),
    column("device_id", Kind::Text, "the device's id"),
    column("agent_url", Kind::Text, "the agent's URL"),
    column(
        "samples_lost",
        Kind::Number,
        "samples of light that were lost or came too late",
    ),
    column("annotations", Kind::Number, "how many annotations it has"),
    column(
        "suspected",
        Kind::Flag,
        "whether one of them blames the network or the fixture",
    ),
    column("red_die", Kind::Fraction, "the LED's red die"),
    column("green_die", Kind::Fraction, "the LED's green die"),
    column("led_strength", Kind::Fraction, "both dice together"),
    column(
        "led_scale",
        Kind::Text,
        "in what those three are: `counts`, or `of-reference` (multiples of the lane's reference unit)",
    ),
    column("green_share", Kind::Fraction, "the green die's share of both"),
    column(
        "ambient",
        Kind::Fraction,
        "the empty nest's light before the unit, clear counts",
    ),
    column(
        "ambient_noise",
        Kind::Fraction,
        "the standard deviation of its samples, flicker included, counts",
    ),
    column(
        "ambient_limit",
        Kind::Fraction,
        "the most light that was allowed, counts",
    ),
];

/// A run as selected.
struct Selected {
    number: i64,
    id: Vec<u8>,
    fixture: String,
    software: String,
    recipe: String,
    recipe_version: String,
    pass_rule: String,
    simulated: i64,
    purpose: String,
    lane: i64,
    serial: Option<String>,
    operator: String,
    lot: String,
    work_order: String,
    seated: i64,
    seated_synchronised: i64,
    outcome: Option<String>,
    code: Option<String>,
    detail: Option<String>,
    stage: Option<String>,
    reached: i64,
    took: Option<i64>,
    ended: Option<i64>,
    ended_synchronised: Option<i64>,
    lifted: Option<i64>,
    verdict_number: Option<i64>,
    ordinal: Option<i64>,
    device_id: Option<String>,
    agent_url: Option<String>,
    samples_lost: Option<i64>,
    attempts: i64,
    received: i64,
    annotations: i64,
    suspected: i64,
    red_die: Option<f64>,
    green_die: Option<f64>,
    led_strength: Option<f64>,
    led_scale: Option<String>,
    green_share: Option<f64>,
    ambient: Option<f64>,
    ambient_noise: Option<f64>,
    ambient_limit: Option<f64>,
}

/// Rows of an export, batch by batch.
#[derive(Debug)]
pub struct Export {
    reports: Reports,
    filter: RunFilter,
    ended: bool,
}

impl Reports {
    /// Rows of the runs that fit a filter, in its order. Runs that begin meanwhile are in it where they come last.
    pub fn export(&self, filter: RunFilter) -> Export {
        Export {
            reports: self.clone(),
            filter,
            ended: false,
        }
    }

    /// Whole records of the runs that fit a filter, as lines that [`chain::verify_export`](crate::chain::verify_export) looks at, in the order of
    /// their verdicts. Runs without a verdict, and those from before there were seals, are left out.
    pub fn export_records(&self, filter: RunFilter) -> Records {
        Records {
            reports: self.clone(),
            filter,
            found: Found::NotYet,
        }
    }

    async fn export_rows(&self, numbers: &[i64]) -> Result<Vec<Row>, LedgerError> {
        const OPERATION: &str = "exporting runs";
        let wanted = self.numbers(numbers, OPERATION)?;
        let mut reader = self.reader().await?;
        let mut rows = sqlx::query_as!(
            Selected,
            r#"SELECT
                run.number, run.id,
                setup.fixture, setup.software, setup.recipe, setup.recipe_version, setup.pass_rule, setup.simulated,
                run.purpose, run.lane, run.serial, run.operator, run.lot, run.work_order, run.seated, run.seated_synchronised,
                run.outcome, run.code, run.detail, run.stage, run.reached AS "reached!: i64", run.took, run.ended,
                run.ended_synchronised, run.lifted, run.verdict_number, run.ordinal, run.device_id, run.agent_url,
                run.samples_lost,
                (
                    SELECT count(*)
                    FROM attempt
                    WHERE attempt.id BETWEEN run.number * 1000000 AND run.number * 1000000 + 999999
                ) AS "attempts!: i64",
                (
                    SELECT count(*)
                    FROM attempt
                    WHERE attempt.id BETWEEN run.number * 1000000 AND run.number * 1000000 + 999999
                        AND attempt.result = 'received'
                ) AS "received!: i64",
                (SELECT count(*) FROM annotation WHERE annotation.run = run.number) AS "annotations!: i64",
                EXISTS (
                    SELECT *
                    FROM annotation
                    WHERE annotation.run = run.number AND kind LIKE 'suspected-%'
                ) AS "suspected!: i64",
                (
                    SELECT value
                    FROM measurement
                    WHERE measurement.id BETWEEN run.number * 1000000 AND run.number * 1000000 + 999999
                        AND what = 'red-die'
                ) AS "red_die?: f64",
                (
                    SELECT value
                    FROM measurement
                    WHERE measurement.id BETWEEN run.number * 1000000 AND run.number * 1000000 + 999999
                        AND what = 'green-die'
                ) AS "green_die?: f64",
                (
                    SELECT value
                    FROM measurement
                    WHERE measurement.id BETWEEN run.number * 1000000 AND run.number * 1000000 + 999999
                        AND what = 'led-strength'
                ) AS "led_strength?: f64",
                (
                    SELECT scale
                    FROM measurement
                    WHERE measurement.id BETWEEN run.number * 1000000 AND run.number * 1000000 + 999999
                        AND what = 'led-strength'
                ) AS "led_scale?: String",
                (
                    SELECT value
                    FROM measurement
                    WHERE measurement.id BETWEEN run.number * 1000000 AND run.number * 1000000 + 999999
                        AND what = 'green-share'
                ) AS "green_share?: f64",
                (
                    SELECT value
                    FROM measurement
                    WHERE measurement.id BETWEEN run.number * 1000000 AND run.number * 1000000 + 999999
                        AND what = 'ambient'
                ) AS "ambient?: f64",
                (
                    SELECT value
                    FROM measurement
                    WHERE measurement.id BETWEEN run.number * 1000000 AND run.number * 1000000 + 999999
                        AND what = 'ambient-noise'
                ) AS "ambient_noise?: f64",
                (
                    SELECT most
                    FROM measurement
                    WHERE measurement.id BETWEEN run.number * 1000000 AND run.number * 1000000 + 999999
                        AND what = 'ambient'
                ) AS "ambient_limit?: f64"
            FROM json_each(?1) AS wanted
            CROSS JOIN run ON run.number = wanted.value
            JOIN setup ON setup.number = run.setup"#,
            wanted
        )
        .fetch_all(&mut reader.connection)
        .await
        .map_err(|error| LedgerError::sqlx(self.path(), OPERATION, error))?;
        reader.close(self.path(), OPERATION).await?;
        let mut places: Vec<(i64, usize)> = numbers.iter().copied().zip(0..).collect();
        places.sort_unstable();
        let place = |row: &Selected| {
            let found = places.binary_search_by_key(&row.number, |(number, _)| *number);
            found.map_or(usize::MAX, |found| places[found].1)
        };
        rows.sort_by_cached_key(place);
        rows.into_iter().map(|row| self.export_row(row)).collect()
    }

    fn export_row(&self, row: Selected) -> Result<Row, LedgerError> {
        let place = Place {
            path: self.path(),
            table: "run",
            row: row.number,
        };
        let text = |text: Option<String>| text.map_or(Cell::Empty, Cell::Text);
        let number = |number: Option<i64>| number.map_or(Cell::Empty, Cell::Number);
        let fraction = |fraction: Option<f64>| {
            // It is an f32; what it was written as is shorter than what it is as an f64.
            let short = fraction.map(|fraction| crate::decode::small_float(fraction).to_string());
            let short = short.and_then(|short| short.parse().ok());
            short.map_or(Cell::Empty, Cell::Fraction)
        };
        let flag = |flag: Option<i64>| flag.map_or(Cell::Empty, |flag| Cell::Flag(flag == 1));
        let instant = |instant: Option<i64>| instant.map_or(Cell::Empty, Cell::Instant);
        let class = row
            .code
            .as_deref()
            .map(|code| place.parse::<VerdictCode>("code", code))
            .transpose()?
            .map(|code| class_name(code.class()).to_owned());
        let reached = if row.outcome.is_some() {
            let reached: usize = place.number("reached", row.reached)?;
            Reached::ALL.get(reached).map(|reached| reached.as_str().to_owned())
        } else {
            None
        };
        Ok(vec![
            Cell::Text(place.run_id("id", &row.id)?.to_string()),
            text((row.simulated == 1).then(|| "SIMULATED".to_owned())),
            Cell::Instant(row.seated),
            flag(Some(row.seated_synchronised)),
            Cell::Text(row.fixture),
            Cell::Text(row.software),
            Cell::Text(row.recipe),
            Cell::Text(row.recipe_version),
            Cell::Text(row.pass_rule),
            Cell::Text(row.purpose),
            Cell::Number(row.lane),
            text(row.serial),
            Cell::Text(row.operator),
            Cell::Text(row.lot),
            Cell::Text(row.work_order),
            text(row.outcome),
            text(row.code),
            text(class),
            text(row.detail),
            text(row.stage),
            text(reached),
            row.took.map_or(Cell::Empty, Cell::Seconds),
            instant(row.ended),
            flag(row.ended_synchronised),
            instant(row.lifted),
            number(row.verdict_number),
            number(row.ordinal),
            Cell::Number(row.attempts),
            Cell::Number(row.received),
            text(row.device_id),
            text(row.agent_url),
            number(row.samples_lost),
            Cell::Number(row.annotations),
            flag(Some(row.suspected)),
            fraction(row.red_die),
            fraction(row.green_die),
            fraction(row.led_strength),
            text(row.led_scale),
            fraction(row.green_share),
            fraction(row.ambient),
            fraction(row.ambient_noise),
            fraction(row.ambient_limit),
        ])
    }

    pub(crate) fn numbers(&self, numbers: &[i64], operation: &'static str) -> Result<String, LedgerError> {
        serde_json::to_string(numbers).map_err(|error| LedgerError::Refused {
            path: self.path().to_owned(),
            operation,
            what: error.to_string(),
        })
    }

    /// The verdicts of these runs that are sealed, in order.
    async fn verdicts(&self, numbers: &[i64]) -> Result<Vec<i64>, LedgerError> {
        const OPERATION: &str = "exporting records";
        let wanted = self.numbers(numbers, OPERATION)?;
        let mut reader = self.reader().await?;
        let verdicts = sqlx::query_scalar!(
            r#"SELECT run.verdict_number AS "verdict!: i64"
            FROM json_each(?1) AS wanted
            CROSS JOIN run ON run.number = wanted.value
            WHERE run.seal IS NOT NULL"#,
            wanted
        )
        .fetch_all(&mut reader.connection)
        .await
        .map_err(|error| LedgerError::sqlx(self.path(), OPERATION, error))?;
        reader.close(self.path(), OPERATION).await?;
        Ok(verdicts)
    }
}

/// The class's name in records.
pub const fn class_name(class: Class) -> &'static str {
    match class {
        Class::Unit => "unit",
        Class::Evidence => "evidence",
        Class::Fixture => "fixture",
        Class::Network => "network",
        Class::Operator => "operator",
        Class::Power => "power",
    }
}

impl Export {
    /// The next rows, at most [`BATCH`]; none when all were told.
    ///
    /// # Errors
    /// The ledger could not be read.
    pub async fn next(&mut self) -> Result<Vec<Row>, LedgerError> {
        if self.ended {
            return Ok(Vec::new());
        }
        let (keys, next) = self.reports.page_of_keys(&self.filter, BATCH).await?;
        self.ended = next.is_none();
        self.filter.before = next;
        let numbers: Vec<i64> = keys.iter().map(|key| key.number).collect();
        self.reports.export_rows(&numbers).await
    }
}

/// Which runs an export of records has.
#[derive(Debug)]
enum Found {
    NotYet,
    /// Every one after this verdict.
    All(i64),
    /// Those among these verdicts that are not below this one.
    Some(Verdicts, i64),
}

/// A set of verdicts: a bit for each that the ledger has.
#[derive(Debug, Default)]
struct Verdicts(Vec<u64>);

impl Verdicts {
    fn place(verdict: i64) -> Option<(usize, u64)> {
        let verdict = usize::try_from(verdict).ok()?;
        Some((verdict / 64, 1 << (verdict % 64)))
    }

    fn add(&mut self, verdict: i64) {
        if let Some((word, bit)) = Self::place(verdict) {
            if word >= self.0.len() {
                self.0.resize(word + 1, 0);
            }
            self.0[word] |= bit;
        }
    }

    /// The next ones from a verdict on, at most so many.
    fn from(&self, verdict: i64, at_most: usize) -> Vec<i64> {
        let end = i64::try_from(self.0.len() * 64).unwrap_or(i64::MAX);
        (verdict..end)
            .filter(|verdict| Self::place(*verdict).is_some_and(|(word, bit)| self.0[word] & bit != 0))
            .take(at_most)
            .collect()
    }
}

/// Whole records with their seals, batch by batch.
#[derive(Debug)]
pub struct Records {
    reports: Reports,
    filter: RunFilter,
    found: Found,
}

impl Records {
    /// The next lines, some hundred at a time; `None` when all were told.
    ///
    /// # Errors
    /// The ledger could not be read.
    pub async fn next(&mut self) -> Result<Option<String>, LedgerError> {
        if matches!(self.found, Found::NotYet) {
            let all = RunFilter {
                sort: self.filter.sort,
                ..RunFilter::default()
            };
            self.found = if self.filter == all {
                Found::All(0)
            } else {
                Found::Some(self.find().await?, 0)
            };
        }
        let runs = match &mut self.found {
            Found::NotYet => Vec::new(),
            Found::All(after) => {
                let runs = self.reports.sealed(*after).await?;
                *after = runs.last().map_or(*after, |last| last.verdict);
                runs
            }
            Found::Some(verdicts, from) => {
                let next = verdicts.from(*from, RECORDS);
                *from = next.last().map_or(*from, |last| last + 1);
                self.reports.sealed_of(&next).await?
            }
        };
        if runs.is_empty() {
            return Ok(None);
        }
        let lines = runs.iter().filter_map(|run: &Sealed| {
            let seal = run.seal?;
            Some(line(run.previous.unwrap_or(Seal::NONE), seal, &run.record))
        });
        Ok(Some(lines.collect()))
    }

    /// The verdicts of the runs that fit.
    async fn find(&self) -> Result<Verdicts, LedgerError> {
        let mut verdicts = Verdicts::default();
        let mut filter = self.filter.clone();
        loop {
            let (keys, next): (_, Option<Cursor>) = self.reports.page_of_keys(&filter, BATCH).await?;
            let numbers: Vec<i64> = keys.iter().map(|key| key.number).collect();
            for verdict in self.reports.verdicts(&numbers).await? {
                verdicts.add(verdict);
            }
            filter.before = next;
            if next.is_none() {
                return Ok(verdicts);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_set_of_verdicts_gives_them_back_in_order() {
        let mut verdicts = Verdicts::default();
        for verdict in [200, 3, 64, 63, 1] {
            verdicts.add(verdict);
        }
        assert_eq!(verdicts.from(0, 2), [1, 3]);
        assert_eq!(verdicts.from(4, 9), [63, 64, 200]);
        assert_eq!(verdicts.from(201, 9), [0; 0]);
        assert_eq!(Verdicts::default().from(0, 9), [0; 0]);
    }
}
