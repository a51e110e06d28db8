//! Pages of runs by any filter: their cost grows with the page, not with history.
//!
//! One condition that has an index of its own leads to its runs in order. Several together, or one without an index, are first asked of the rollups,
//! which tell in which quarters of an hour such runs are; only those are read. A serial's beginning that few runs have is sorted; of one that more
//! have the index of serials alone tells in which quarters of an hour those are, and of one that very many have, the days of such serials do.

use fixture_link::identity::LaneId;
use fixture_link::verdict::{Outcome, VerdictCode};

use crate::error::LedgerError;
use crate::files::Reader;
use crate::record::Purpose;
use crate::report::{Cursor, PAGE_LIMIT, Page, Reports, RunFilter, RunRow, SelectedRun, SerialFilter, Sort};
use crate::yields::QUARTER;

/// How many runs are read one by one before it is worth to ask where the wanted ones are.
const FEW: u16 = 5000;

/// The most stems' days of a serial's beginning that are read; where there are more, they leave little out.
const STEM_DAYS: i64 = 50_000;

/// Quarters of an hour of a day.
const DAY: i64 = 96;

/// The most quarters of an hour whose rollups are asked at once: a quarter of a year.
const WINDOW: i64 = 91 * 96;

/// The most of given quarters of an hour whose rollups are asked at once.
const QUARTERS: usize = 500;

/// A run's place in the order of pages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Key {
    pub seated: i64,
    pub number: i64,
}

/// Quarters of an hour: from one (included) until another (excluded).
type Stretch = (i64, i64);

/// Which index leads to the runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Lead {
    Serial,
    Code,
    Lot,
    WorkOrder,
    Outcome,
    Lane,
    Time,
}

/// A filter as the queries take it.
#[derive(Debug, Clone, Copy)]
struct Asked<'a> {
    serial: Option<&'a str>,
    prefix: Option<&'a str>,
    outcome: Option<&'static str>,
    code: Option<&'static str>,
    lane: Option<u8>,
    lot: Option<&'a str>,
    work_order: Option<&'a str>,
    operator: Option<&'a str>,
    recipe: Option<&'a str>,
    software: Option<&'a str>,
    purpose: Option<&'static str>,
    reached: Option<u8>,
    from: i64,
    until: i64,
    past: Cursor,
    sort: Sort,
}

impl<'a> Asked<'a> {
    /// What a filter asks for; `None` where nothing can fit.
    fn of(filter: &'a RunFilter) -> Option<Self> {
        let (serial, prefix) = match &filter.serial {
            Some(SerialFilter::Is(serial)) => (Some(serial.as_str()), None),
            // Every run with a serial begins with nothing.
            Some(SerialFilter::BeginsWith(prefix)) => (None, Some(prefix.as_str())),
            None => (None, None),
        };
        if let (Some(code), Some(outcome)) = (filter.code, filter.outcome)
            && code.outcome() != outcome
        {
            return None;
        }
        let start = match filter.sort {
            Sort::Newest => Cursor {
                seated: i64::MAX,
                number: i64::MAX,
            },
            Sort::Oldest => Cursor { seated: -1, number: -1 },
        };
        let past = filter.before.unwrap_or(start);
        let (from, until) = (filter.from.unwrap_or(0).max(0), filter.until.unwrap_or(i64::MAX));
        let (from, until) = match filter.sort {
            Sort::Newest => (from, until.min(past.seated.saturating_add(1))),
            Sort::Oldest => (from.max(past.seated), until),
        };
        (from < until).then_some(Self {
            serial,
            prefix,
            // The code says it all.
            outcome: filter.outcome.filter(|_| filter.code.is_none()).map(Outcome::as_str),
            code: filter.code.map(VerdictCode::as_str),
            lane: filter.lane.map(LaneId::number),
            lot: filter.lot.as_deref(),
            work_order: filter.work_order.as_deref(),
            operator: filter.operator.as_deref(),
            recipe: filter.recipe.as_deref(),
            software: filter.software.as_deref(),
            purpose: filter.purpose.map(Purpose::as_str),
            reached: filter.reached.map(|reached| reached as u8),
            from,
            until,
            past,
            sort: filter.sort,
        })
    }

    /// The same within a stretch of time.
    fn within(mut self, (from, until): Stretch) -> Self {
        self.from = self.from.max(from.saturating_mul(QUARTER));
        self.until = self.until.min(until.saturating_mul(QUARTER));
        self
    }

    /// The index of the most telling condition; most runs pass, so that those are found among all.
    fn lead(&self) -> Lead {
        let named = |text: Option<&str>| text.is_some_and(|text| !text.is_empty());
        if self.serial.is_some() {
            Lead::Serial
        } else if self.code.is_some_and(|code| code != VerdictCode::Ok.as_str()) {
            Lead::Code
        } else if named(self.lot) {
            Lead::Lot
        } else if named(self.work_order) {
            Lead::WorkOrder
        } else if self.outcome.is_some_and(|outcome| outcome != Outcome::Pass.as_str()) {
            Lead::Outcome
        } else if self.lane.is_some() {
            Lead::Lane
        } else {
            Lead::Time
        }
    }

    /// Whether it asks for what all runs of a while have in common.
    fn asks_for_batches(&self) -> bool {
        self.lot.is_some()
            || self.work_order.is_some()
            || self.operator.is_some()
            || self.recipe.is_some()
            || self.software.is_some()
            || self.purpose.is_some()
    }

    /// How many conditions besides serial and time.
    fn conditions(&self) -> usize {
        [
            self.outcome.is_some(),
            self.code.is_some(),
            self.lane.is_some(),
            self.lot.is_some(),
            self.work_order.is_some(),
            self.operator.is_some(),
            self.recipe.is_some(),
            self.software.is_some(),
            self.purpose.is_some(),
            self.reached.is_some(),
        ]
        .into_iter()
        .filter(|given| *given)
        .count()
    }

    /// Whether runs without a verdict may fit.
    fn takes_unfinished(&self) -> bool {
        self.outcome.is_none() && self.code.is_none() && self.reached.is_none()
    }
}

/// The places of runs: an index, the condition that leads through it, and the order; `?1` to `?17` are the filters, any of them empty.
macro_rules! select_keys {
    ($index:tt, $leading:tt, $beyond:tt, $order:tt, $asked:expr, $limit:expr) => {
        sqlx::query_as!(
            Key,
            r#"SELECT run.seated, run.number
            FROM run INDEXED BY "#
                + $index
                + r#"
            WHERE "#
                + $leading
                + r#"
                AND (?1 IS NULL OR run.serial = ?1)
                AND (?2 IS NULL OR run.outcome = ?2)
                AND (?3 IS NULL OR run.code = ?3)
                AND (?4 IS NULL OR run.lane = ?4)
                AND (?5 IS NULL OR run.lot = ?5)
                AND run.seated >= ?6
                AND run.seated < ?7
                AND (?11 IS NULL OR run.work_order = ?11)
                AND (?12 IS NULL OR run.operator = ?12)
                AND (
                    ?13 IS NULL AND ?14 IS NULL
                    OR EXISTS (
                        SELECT *
                        FROM setup
                        WHERE setup.number = run.setup
                            AND (?13 IS NULL OR setup.recipe = ?13)
                            AND (?14 IS NULL OR setup.software = ?14)
                    )
                )
                AND (?15 IS NULL OR run.purpose = ?15)
                AND (?16 IS NULL OR run.outcome IS NOT NULL AND run.reached = ?16)
                AND (?17 IS NULL OR run.serial >= ?17 AND run.serial < ?17 || char(0x10ffff))
                AND (run.seated, run.number) "#
                + $beyond
                + r#" (?8, ?9)
            ORDER BY run.seated "#
                + $order
                + r#", run.number "#
                + $order
                + r#"
            LIMIT ?10"#,
            $asked.serial,
            $asked.outcome,
            $asked.code,
            $asked.lane,
            $asked.lot,
            $asked.from,
            $asked.until,
            $asked.past.seated,
            $asked.past.number,
            $limit,
            $asked.work_order,
            $asked.operator,
            $asked.recipe,
            $asked.software,
            $asked.purpose,
            $asked.reached,
            $asked.prefix
        )
    };
}

/// The quarters of an hour in which runs are that fit, as the rollups tell, in the order of pages.
macro_rules! select_quarters {
    ($from:tt, $order:tt, $asked:expr, $stretch:expr, $batches:expr, $limit:expr $(, $only:expr)?) => {
        sqlx::query_as!(
            Counted,
            r#"SELECT rollup.quarter AS "quarter!: i64", sum(rollup.runs) AS "runs!: i64"
            FROM "#
                + $from
                + r#"
            WHERE rollup.quarter >= ?1
                AND rollup.quarter < ?2
                AND (?3 IS NULL OR rollup.lane = ?3)
                AND (?4 IS NULL OR rollup.batch IN (SELECT value FROM json_each(?4)))
                AND (?5 IS NULL OR rollup.code = ?5)
                AND (?6 IS NULL OR rollup.code IN (SELECT code FROM verdict_code WHERE outcome = ?6))
                AND (?7 IS NULL OR rollup.reached = ?7)
            GROUP BY rollup.quarter
            ORDER BY rollup.quarter "#
                + $order
                + r#"
            LIMIT ?8"#,
            $stretch.0,
            $stretch.1,
            $asked.lane,
            $batches,
            $asked.code,
            $asked.outcome,
            $asked.reached,
            $limit
            $(, $only)?
        )
    };
}

/// How many runs of a quarter of an hour fit.
struct Counted {
    quarter: i64,
    runs: i64,
}

/// One ledger, open for as long as a page is put together.
struct Pager<'a> {
    reports: &'a Reports,
    reader: Reader,
}

impl Reports {
    /// Runs that fit a filter, in its order, at most `limit` of them and at most [`PAGE_LIMIT`].
    ///
    /// # Errors
    /// The ledger could not be read.
    pub async fn runs(&self, filter: &RunFilter, limit: u32) -> Result<Page<RunRow>, LedgerError> {
        let limit = limit.clamp(1, PAGE_LIMIT) as usize;
        let mut pager = Pager::open(self).await?;
        let (keys, next) = pager.page(filter, limit).await?;
        let numbers: Vec<i64> = keys.iter().map(|key| key.number).collect();
        let rows = pager.rows(&numbers).await?;
        pager.close().await?;
        let mut found = Vec::with_capacity(rows.len());
        for row in rows {
            found.push(self.run_row(row)?);
        }
        Ok(Page { rows: found, next })
    }

    /// The places of a page of runs, and where the next one begins.
    pub(crate) async fn page_of_keys(
        &self,
        filter: &RunFilter,
        limit: usize,
    ) -> Result<(Vec<Key>, Option<Cursor>), LedgerError> {
        let mut pager = Pager::open(self).await?;
        let page = pager.page(filter, limit).await?;
        pager.close().await?;
        Ok(page)
    }
}

impl<'a> Pager<'a> {
    const OPERATION: &'static str = "listing runs";

    async fn open(reports: &'a Reports) -> Result<Self, LedgerError> {
        Ok(Self {
            reports,
            reader: reports.reader().await?,
        })
    }

    async fn close(self) -> Result<(), LedgerError> {
        self.reader.close(self.reports.path(), Self::OPERATION).await
    }

    fn failed(&self) -> impl Fn(sqlx::Error) -> LedgerError + use<'a> {
        let path = self.reports.path();
        move |error| LedgerError::sqlx(path, Self::OPERATION, error)
    }

    fn json<T: serde::Serialize>(&self, value: &T) -> Result<String, LedgerError> {
        serde_json::to_string(value).map_err(|error| LedgerError::Refused {
            path: self.reports.path().to_owned(),
            operation: Self::OPERATION,
            what: error.to_string(),
        })
    }

    /// The places of a page, and where the next one begins.
    async fn page(&mut self, filter: &RunFilter, limit: usize) -> Result<(Vec<Key>, Option<Cursor>), LedgerError> {
        let Some(asked) = Asked::of(filter) else {
            return Ok((Vec::new(), None));
        };
        let mut keys = self.keys(&asked, limit + 1).await?;
        let more = keys.len() > limit;
        keys.truncate(limit);
        let last = keys.last().filter(|_| more).map(|last| Cursor {
            seated: last.seated,
            number: last.number,
        });
        Ok((keys, last))
    }

    /// The places of the next runs, at most `wanted`.
    async fn keys(&mut self, asked: &Asked<'_>, wanted: usize) -> Result<Vec<Key>, LedgerError> {
        if asked.serial.is_some() {
            return self.led(asked, Lead::Serial, wanted).await;
        }
        if let Some(prefix) = asked.prefix {
            return self.of_prefix(asked, prefix, wanted).await;
        }
        let lead = asked.lead();
        let alone = match asked.conditions() {
            0 => true,
            1 => lead != Lead::Time,
            _ => false,
        };
        if alone || self.leads_to_few(asked).await? {
            return self.led(asked, lead, wanted).await;
        }
        let windows = windows(&self.stretches(asked).await?, asked.sort);
        self.walk(asked, windows, wanted).await
    }

    /// Whether so few runs did not pass in this way, or are of this lot or work order, that they are read one by one.
    async fn leads_to_few(&mut self, asked: &Asked<'_>) -> Result<bool, LedgerError> {
        let few = i64::from(FEW);
        let bounded = few + 1;
        let found = match asked.lead() {
            Lead::Code => {
                sqlx::query_scalar!(
                    r#"SELECT count(*) AS "found!: i64"
                FROM (
                    SELECT 1
                    FROM run INDEXED BY run_by_code
                    WHERE code = ?1
                        AND code <> 'ok'
                        AND seated >= ?2
                        AND seated < ?3
                    LIMIT ?4
                )"#,
                    asked.code,
                    asked.from,
                    asked.until,
                    bounded
                )
                .fetch_one(&mut self.reader.connection)
                .await
            }
            Lead::Outcome => {
                sqlx::query_scalar!(
                    r#"SELECT count(*) AS "found!: i64"
                FROM (
                    SELECT 1
                    FROM run INDEXED BY run_by_outcome
                    WHERE outcome = ?1
                        AND outcome <> 'PASS'
                        AND seated >= ?2
                        AND seated < ?3
                    LIMIT ?4
                )"#,
                    asked.outcome,
                    asked.from,
                    asked.until,
                    bounded
                )
                .fetch_one(&mut self.reader.connection)
                .await
            }
            Lead::Lot => {
                sqlx::query_scalar!(
                    r#"SELECT count(*) AS "found!: i64"
                FROM (
                    SELECT 1
                    FROM run INDEXED BY run_by_lot
                    WHERE lot = ?1
                        AND lot <> ''
                        AND seated >= ?2
                        AND seated < ?3
                    LIMIT ?4
                )"#,
                    asked.lot,
                    asked.from,
                    asked.until,
                    bounded
                )
                .fetch_one(&mut self.reader.connection)
                .await
            }
            Lead::WorkOrder => {
                sqlx::query_scalar!(
                    r#"SELECT count(*) AS "found!: i64"
                FROM (
                    SELECT 1
                    FROM run INDEXED BY run_by_work_order
                    WHERE work_order = ?1
                        AND work_order <> ''
                        AND seated >= ?2
                        AND seated < ?3
                    LIMIT ?4
                )"#,
                    asked.work_order,
                    asked.from,
                    asked.until,
                    bounded
                )
                .fetch_one(&mut self.reader.connection)
                .await
            }
            Lead::Serial | Lead::Lane | Lead::Time => return Ok(false),
        };
        Ok(found.map_err(self.failed())? <= few)
    }

    /// Runs of a serial's beginning.
    async fn of_prefix(&mut self, asked: &Asked<'_>, prefix: &str, wanted: usize) -> Result<Vec<Key>, LedgerError> {
        let found = self.have_prefix(prefix).await?;
        if found <= u32::from(FEW) {
            return self.sorted(asked, wanted).await;
        }
        if self.leads_to_few(asked).await? {
            return self.led(asked, asked.lead(), wanted).await;
        }
        self.bound().await?;
        if found > self.reports.many {
            let mut stretches = self.stretches(asked).await?;
            if let Some(days) = self.days(prefix).await? {
                stretches = common(&stretches, &days);
            }
            return self.walk(asked, windows(&stretches, asked.sort), wanted).await;
        }
        if asked.conditions() == 0 {
            return self.scanned(asked, wanted).await;
        }
        let seen = self.seen(asked).await?;
        self.walk(asked, windows_of(&seen, asked.sort), wanted).await
    }

    /// How many runs have a serial that begins so, as far as it matters.
    async fn have_prefix(&mut self, prefix: &str) -> Result<u32, LedgerError> {
        let bounded = self.reports.many.max(u32::from(FEW)).saturating_add(1);
        sqlx::query_scalar!(
            r#"SELECT count(*) AS "found!: u32"
            FROM (
                SELECT 1
                FROM run INDEXED BY run_by_serial
                WHERE serial >= ?1
                    AND serial < ?1 || char(0x10ffff)
                LIMIT ?2
            )"#,
            prefix,
            bounded
        )
        .fetch_one(&mut self.reader.connection)
        .await
        .map_err(self.failed())
    }

    /// Bounds the work from here on anew: no query is within another's transaction.
    async fn bound(&mut self) -> Result<(), LedgerError> {
        self.reader.bound(self.reports.path()).await
    }

    /// Runs by one index.
    async fn led(&mut self, asked: &Asked<'_>, lead: Lead, wanted: usize) -> Result<Vec<Key>, LedgerError> {
        let limit = i64::try_from(wanted).unwrap_or(i64::MAX);
        macro_rules! both_ways {
            ($index:tt, $leading:tt) => {
                match asked.sort {
                    Sort::Newest => {
                        select_keys!($index, $leading, "<", "DESC", asked, limit)
                            .fetch_all(&mut self.reader.connection)
                            .await
                    }
                    Sort::Oldest => {
                        select_keys!($index, $leading, ">", "ASC", asked, limit)
                            .fetch_all(&mut self.reader.connection)
                            .await
                    }
                }
            };
        }
        match lead {
            Lead::Serial => both_ways!("run_by_serial", "run.serial = ?1"),
            Lead::Code => both_ways!("run_by_code", "run.code = ?3 AND run.code <> 'ok'"),
            Lead::Lot => both_ways!("run_by_lot", "run.lot = ?5 AND run.lot <> ''"),
            Lead::WorkOrder => both_ways!("run_by_work_order", "run.work_order = ?11 AND run.work_order <> ''"),
            Lead::Outcome => both_ways!("run_by_outcome", "run.outcome = ?2 AND run.outcome <> 'PASS'"),
            Lead::Lane => both_ways!("run_by_lane", "run.lane = ?4"),
            Lead::Time => both_ways!("run_by_seated", "true"),
        }
        .map_err(self.failed())
    }

    /// Runs of a serial's beginning that few have, sorted.
    async fn sorted(&mut self, asked: &Asked<'_>, wanted: usize) -> Result<Vec<Key>, LedgerError> {
        let limit = i64::try_from(wanted).unwrap_or(i64::MAX);
        match asked.sort {
            Sort::Newest => {
                select_keys!(
                    "run_by_serial",
                    "run.serial >= ?17 AND run.serial < ?17 || char(0x10ffff)",
                    "<",
                    "DESC",
                    asked,
                    limit
                )
                .fetch_all(&mut self.reader.connection)
                .await
            }
            Sort::Oldest => {
                select_keys!(
                    "run_by_serial",
                    "run.serial >= ?17 AND run.serial < ?17 || char(0x10ffff)",
                    ">",
                    "ASC",
                    asked,
                    limit
                )
                .fetch_all(&mut self.reader.connection)
                .await
            }
        }
        .map_err(self.failed())
    }

    /// Runs of a serial's beginning that many have and nothing else is asked of, from the index of serials alone.
    async fn scanned(&mut self, asked: &Asked<'_>, wanted: usize) -> Result<Vec<Key>, LedgerError> {
        let limit = i64::try_from(wanted).unwrap_or(i64::MAX);
        macro_rules! scan {
            ($beyond:tt, $order:tt) => {
                sqlx::query_as!(
                    Key,
                    r#"SELECT run.seated, run.number
                    FROM run INDEXED BY run_by_serial
                    WHERE run.serial >= ?1
                        AND run.serial < ?1 || char(0x10ffff)
                        AND run.seated >= ?2
                        AND run.seated < ?3
                        AND (run.seated, run.number) "#
                        + $beyond
                        + r#" (?4, ?5)
                    ORDER BY run.seated "#
                        + $order
                        + r#", run.number "#
                        + $order
                        + r#"
                    LIMIT ?6"#,
                    asked.prefix,
                    asked.from,
                    asked.until,
                    asked.past.seated,
                    asked.past.number,
                    limit
                )
                .fetch_all(&mut self.reader.connection)
                .await
            };
        }
        match asked.sort {
            Sort::Newest => scan!("<", "DESC"),
            Sort::Oldest => scan!(">", "ASC"),
        }
        .map_err(self.failed())
    }

    /// When runs of a serial's beginning were seated, from the index of serials alone.
    async fn seen(&mut self, asked: &Asked<'_>) -> Result<Vec<i64>, LedgerError> {
        let mut quarters = sqlx::query_scalar!(
            r#"SELECT DISTINCT seated / 900000000 AS "quarter!: i64"
            FROM run INDEXED BY run_by_serial
            WHERE serial >= ?1
                AND serial < ?1 || char(0x10ffff)
                AND seated >= ?2
                AND seated < ?3"#,
            asked.prefix,
            asked.from,
            asked.until
        )
        .fetch_all(&mut self.reader.connection)
        .await
        .map_err(self.failed())?;
        quarters.sort_unstable();
        Ok(quarters)
    }

    /// The days in which units of a serial's beginning were seated; `None` where those are too many to say.
    async fn days(&mut self, prefix: &str) -> Result<Option<Vec<Stretch>>, LedgerError> {
        // Of a short serial the stem may be shorter than what is asked for.
        let shorter: Vec<&str> = prefix
            .char_indices()
            .skip(1)
            .map(|(end, _)| prefix.get(..end).unwrap_or_default())
            .collect();
        let shorter = self.json(&shorter)?;
        let days = sqlx::query_scalar!(
            r#"SELECT day AS "day!: i64"
            FROM serial_day
            WHERE stem >= ?1
                AND stem < ?1 || char(0x10ffff)
            UNION ALL
            SELECT serial_day.day
            FROM json_each(?2) AS shorter
            CROSS JOIN serial_day ON serial_day.stem = shorter.value
            LIMIT ?3"#,
            prefix,
            shorter,
            STEM_DAYS
        )
        .fetch_all(&mut self.reader.connection)
        .await
        .map_err(self.failed())?;
        if i64::try_from(days.len()).is_ok_and(|days| days >= STEM_DAYS) {
            return Ok(None);
        }
        let days = days.into_iter().map(|day| (day * DAY, (day + 1) * DAY));
        Ok(Some(joined(days.collect())))
    }

    /// The batches that fit; `None` where all do.
    async fn batches(&mut self, asked: &Asked<'_>) -> Result<Option<Vec<Batch>>, LedgerError> {
        if !asked.asks_for_batches() {
            return Ok(None);
        }
        sqlx::query_as!(
            Batch,
            r#"SELECT batch.number, batch.lot, batch.work_order
            FROM batch
            JOIN setup ON setup.number = batch.setup
            WHERE (?1 IS NULL OR batch.lot = ?1)
                AND (?2 IS NULL OR batch.work_order = ?2)
                AND (?3 IS NULL OR batch.operator = ?3)
                AND (?4 IS NULL OR setup.recipe = ?4)
                AND (?5 IS NULL OR setup.software = ?5)
                AND (?6 IS NULL OR batch.purpose = ?6)"#,
            asked.lot,
            asked.work_order,
            asked.operator,
            asked.recipe,
            asked.software,
            asked.purpose
        )
        .fetch_all(&mut self.reader.connection)
        .await
        .map(Some)
        .map_err(self.failed())
    }

    /// When the first and the last run was seated.
    async fn whole(&mut self) -> Result<Stretch, LedgerError> {
        let ends = sqlx::query!(
            r#"SELECT
                (SELECT seated FROM run ORDER BY seated LIMIT 1) AS "first?: i64",
                (SELECT seated FROM run ORDER BY seated DESC LIMIT 1) AS "last?: i64""#
        )
        .fetch_one(&mut self.reader.connection)
        .await
        .map_err(self.failed())?;
        Ok(match (ends.first, ends.last) {
            (Some(first), Some(last)) => (first.div_euclid(QUARTER), last.div_euclid(QUARTER) + 1),
            _ => (0, 0),
        })
    }

    /// The stretches of time outside of which no run fits, as far as that is told at once: by when the lots and work orders were made.
    async fn stretches(&mut self, asked: &Asked<'_>) -> Result<Vec<Stretch>, LedgerError> {
        let (first, end) = self.whole().await?;
        let first = first.max(asked.from.div_euclid(QUARTER));
        let end = end.min((asked.until - 1).div_euclid(QUARTER) + 1);
        if first >= end {
            return Ok(Vec::new());
        }
        let whole = [(first, end)];
        let Some(batches) = self.batches(asked).await? else {
            return Ok(whole.to_vec());
        };
        if batches
            .iter()
            .any(|batch| batch.lot.is_empty() && batch.work_order.is_empty())
        {
            return Ok(whole.to_vec());
        }
        let mut lots: Vec<&str> = Vec::new();
        let mut work_orders: Vec<&str> = Vec::new();
        for batch in &batches {
            if batch.lot.is_empty() {
                work_orders.push(&batch.work_order);
            } else {
                lots.push(&batch.lot);
            }
        }
        for names in [&mut lots, &mut work_orders] {
            names.sort_unstable();
            names.dedup();
        }
        let (lots, work_orders) = (self.json(&lots)?, self.json(&work_orders)?);
        let made = sqlx::query!(
            r#"SELECT
                (
                    SELECT seated
                    FROM run INDEXED BY run_by_lot
                    WHERE lot = wanted.value AND lot <> ''
                    ORDER BY seated
                    LIMIT 1
                ) AS "first?: i64",
                (
                    SELECT seated
                    FROM run INDEXED BY run_by_lot
                    WHERE lot = wanted.value AND lot <> ''
                    ORDER BY seated DESC
                    LIMIT 1
                ) AS "last?: i64"
            FROM json_each(?1) AS wanted
            UNION ALL
            SELECT
                (
                    SELECT seated
                    FROM run INDEXED BY run_by_work_order
                    WHERE work_order = wanted.value AND work_order <> ''
                    ORDER BY seated
                    LIMIT 1
                ),
                (
                    SELECT seated
                    FROM run INDEXED BY run_by_work_order
                    WHERE work_order = wanted.value AND work_order <> ''
                    ORDER BY seated DESC
                    LIMIT 1
                )
            FROM json_each(?2) AS wanted"#,
            lots,
            work_orders
        )
        .fetch_all(&mut self.reader.connection)
        .await
        .map_err(self.failed())?;
        let mut stretches: Vec<Stretch> = made
            .into_iter()
            .filter_map(|made| Some((made.first?.div_euclid(QUARTER), made.last?.div_euclid(QUARTER) + 1)))
            .collect();
        if asked.takes_unfinished() {
            // What has no verdict is in no batch yet.
            let unfinished = self.unfinished().await?;
            stretches.extend(unfinished.into_iter().map(|quarter| (quarter, quarter + 1)));
        }
        Ok(common(&whole, &joined(stretches)))
    }

    /// When runs were seated that have no verdict, in order.
    async fn unfinished(&mut self) -> Result<Vec<i64>, LedgerError> {
        sqlx::query_scalar!(
            r#"SELECT DISTINCT seated / 900000000 AS "quarter!: i64"
            FROM run
            WHERE verdict_number IS NULL
            ORDER BY 1"#
        )
        .fetch_all(&mut self.reader.connection)
        .await
        .map_err(self.failed())
    }

    /// Reads runs only in those quarters of an hour in which the rollups tell of such that fit.
    async fn walk(&mut self, asked: &Asked<'_>, windows: Vec<Window>, wanted: usize) -> Result<Vec<Key>, LedgerError> {
        let batches = self.batches(asked).await?;
        let batches = batches.map(|batches| batches.iter().map(|batch| batch.number).collect::<Vec<_>>());
        let batches = batches.map(|batches| self.json(&batches)).transpose()?;
        let unfinished = if asked.takes_unfinished() {
            self.unfinished().await?
        } else {
            Vec::new()
        };
        let lead = asked.lead();
        let mut keys = Vec::new();
        for window in windows {
            self.bound().await?;
            let only = window.only.as_ref().map(|only| self.json(only)).transpose()?;
            let mut left = Some(window.stretch);
            while let Some(stretch) = left {
                let need = wanted - keys.len();
                let places = (batches.as_deref(), only.as_deref());
                let quarters = self.quarters(asked, stretch, places, need).await?;
                left = quarters.left;
                let more = unfinished.iter().copied().filter(|quarter| {
                    let (from, until) = quarters.covered;
                    let wanted = window.only.as_ref().is_none_or(|only| only.contains(quarter));
                    (from..until).contains(quarter) && wanted
                });
                let found = quarters.fit.iter().copied().chain(more);
                let found = joined(found.map(|quarter| (quarter, quarter + 1)).collect());
                for stretch in in_order(&found, asked.sort) {
                    let part = self.led(&asked.within(stretch), lead, wanted - keys.len()).await?;
                    keys.extend(part);
                    if keys.len() >= wanted {
                        return Ok(keys);
                    }
                }
            }
        }
        Ok(keys)
    }

    /// The next quarters of an hour with at least `need` runs that fit.
    async fn quarters(
        &mut self,
        asked: &Asked<'_>,
        stretch: Stretch,
        (batches, only): (Option<&str>, Option<&str>),
        need: usize,
    ) -> Result<Quarters, LedgerError> {
        let limit = i64::try_from(need).unwrap_or(i64::MAX);
        macro_rules! counted {
            ($from:tt, $order:tt $(, $only:expr)?) => {
                select_quarters!($from, $order, asked, stretch, batches, limit $(, $only)?)
                    .fetch_all(&mut self.reader.connection)
                    .await
            };
        }
        let counted = match (asked.sort, only) {
            (Sort::Newest, None) => counted!("rollup", "DESC"),
            (Sort::Oldest, None) => counted!("rollup", "ASC"),
            (Sort::Newest, Some(only)) => counted!(
                "json_each(?9) AS seen CROSS JOIN rollup ON rollup.quarter = seen.value",
                "DESC",
                only
            ),
            (Sort::Oldest, Some(only)) => counted!(
                "json_each(?9) AS seen CROSS JOIN rollup ON rollup.quarter = seen.value",
                "ASC",
                only
            ),
        }
        .map_err(self.failed())?;
        let all = counted.len() < need;
        let mut found = Quarters {
            fit: Vec::new(),
            runs: 0,
            covered: stretch,
            left: None,
        };
        for Counted { quarter, runs } in counted {
            if found.runs >= limit {
                break;
            }
            found.runs += runs;
            found.fit.push(quarter);
        }
        if all && found.runs < limit {
            return Ok(found);
        }
        if let Some(last) = found.fit.last().copied() {
            let (from, until) = stretch;
            let (covered, left) = match asked.sort {
                Sort::Newest => ((last, until), (from, last)),
                Sort::Oldest => ((from, last + 1), (last + 1, until)),
            };
            found.covered = covered;
            found.left = Some(left).filter(|(from, until)| from < until);
        }
        Ok(found)
    }

    /// What a list shows of runs, in the order of their numbers here.
    async fn rows(&mut self, numbers: &[i64]) -> Result<Vec<SelectedRun>, LedgerError> {
        let wanted = self.json(&numbers)?;
        let mut rows = sqlx::query_as!(
            SelectedRun,
            r#"SELECT
                run.number, run.id, run.lane, run.serial, run.operator, run.lot, run.work_order, run.seated,
                run.seated_synchronised,
                setup.recipe, setup.pass_rule, setup.simulated,
                run.outcome, run.code, run.detail, run.stage, run.took, run.ended, run.ended_synchronised,
                run.device_id, run.agent_url, run.samples_lost, run.is_first,
                (
                    SELECT count(*)
                    FROM attempt
                    WHERE attempt.id BETWEEN run.number * 1000000 AND run.number * 1000000 + 999999
                ) AS "attempts!: i64",
                (SELECT count(*) FROM annotation WHERE annotation.run = run.number) AS "annotations!: i64"
            FROM json_each(?1) AS wanted
            CROSS JOIN run ON run.number = wanted.value
            JOIN setup ON setup.number = run.setup"#,
            wanted
        )
        .fetch_all(&mut self.reader.connection)
        .await
        .map_err(self.failed())?;
        let place = |row: &SelectedRun| numbers.iter().position(|number| *number == row.number);
        rows.sort_by_cached_key(place);
        Ok(rows)
    }
}

/// A batch that fits.
struct Batch {
    number: i64,
    lot: String,
    work_order: String,
}

/// Quarters of an hour in which runs are that fit.
struct Quarters {
    /// They.
    fit: Vec<i64>,
    /// How many such runs.
    runs: i64,
    /// All that was looked at.
    covered: Stretch,
    /// What was not.
    left: Option<Stretch>,
}

/// Stretches in order, those that meet as one.
fn joined(mut stretches: Vec<Stretch>) -> Vec<Stretch> {
    stretches.sort_unstable();
    let mut joined: Vec<Stretch> = Vec::new();
    for (from, until) in stretches {
        match joined.last_mut() {
            Some(last) if from <= last.1 => last.1 = last.1.max(until),
            Some(_) | None => joined.push((from, until)),
        }
    }
    joined
}

/// What lies in both; each in order.
fn common(one: &[Stretch], other: &[Stretch]) -> Vec<Stretch> {
    let mut common = Vec::new();
    let (mut one, mut other) = (one.iter().peekable(), other.iter().peekable());
    while let (Some(a), Some(b)) = (one.peek(), other.peek()) {
        let (from, until) = (a.0.max(b.0), a.1.min(b.1));
        if from < until {
            common.push((from, until));
        }
        if a.1 <= b.1 {
            one.next();
        } else {
            other.next();
        }
    }
    common
}

fn in_order(stretches: &[Stretch], sort: Sort) -> Vec<Stretch> {
    let mut stretches = stretches.to_vec();
    if sort == Sort::Newest {
        stretches.reverse();
    }
    stretches
}

/// What of the rollups is asked at once.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Window {
    stretch: Stretch,
    /// Only these quarters of an hour within it.
    only: Option<Vec<i64>>,
}

/// The stretches cut into windows, in order.
fn windows(stretches: &[Stretch], sort: Sort) -> Vec<Window> {
    let mut windows = Vec::new();
    for (from, until) in stretches.iter().copied() {
        let mut from = from;
        while from < until {
            let end = from.saturating_add(WINDOW).min(until);
            windows.push((from, end));
            from = end;
        }
    }
    let windows = in_order(&windows, sort).into_iter();
    windows.map(|stretch| Window { stretch, only: None }).collect()
}

/// Windows of these quarters of an hour, which are in order.
fn windows_of(quarters: &[i64], sort: Sort) -> Vec<Window> {
    let mut windows: Vec<Window> = quarters
        .chunks(QUARTERS)
        .filter_map(|only| {
            let (first, last) = (only.first()?, only.last()?);
            Some(Window {
                stretch: (*first, last + 1),
                only: Some(only.to_vec()),
            })
        })
        .collect();
    if sort == Sort::Newest {
        windows.reverse();
    }
    windows
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stretches_are_joined_and_cut() {
        assert_eq!(joined(vec![(7, 9), (1, 3), (3, 4), (2, 3)]), [(1, 4), (7, 9)]);
        assert_eq!(
            common(&[(0, 5), (8, 12)], &[(3, 9), (11, 20)]),
            [(3, 5), (8, 9), (11, 12)]
        );
        assert_eq!(common(&[(0, 5)], &[(5, 9)]), []);
        let cut = |stretches: &[Stretch], sort| -> Vec<Stretch> {
            windows(stretches, sort)
                .into_iter()
                .map(|window| window.stretch)
                .collect()
        };
        let long = [(0, 2), (10, 10 + WINDOW + 1)];
        let newest = [(10 + WINDOW, 10 + WINDOW + 1), (10, 10 + WINDOW), (0, 2)];
        assert_eq!(cut(&long, Sort::Newest), newest);
        assert_eq!(cut(&long, Sort::Oldest), [newest[2], newest[1], newest[0]]);
    }
}
