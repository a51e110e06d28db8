//! What people did and what came of it, as rows and back.

use core::fmt;
use core::str::FromStr;
use std::borrow::Cow;
use std::path::Path;

use fixture_link::act::{Act, ActAnswer, ActId, ActKind, ActRequest, Mark};
use fixture_link::identity::{LaneId, Serial, WallTime};
use fixture_link::role::Role;
use fixture_link::verdict::Unknown;
use sqlx::SqliteConnection;
use uuid::Uuid;

use crate::decode::{self, Place};
use crate::error::LedgerError;
use crate::record::{Change, Decided, Decision};
use crate::report::{PAGE_LIMIT, Reports};

/// A stored act.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ActRow {
    /// When.
    pub at: WallTime,
    /// Its id; unknown of acts that were stored before ids were.
    pub id: Option<ActId>,
    /// Who.
    pub by: String,
    /// As what; unknown of acts that were stored before roles were.
    pub role: Option<Role>,
    /// Where from: `console`, `line` or a network address; empty where that is unknown.
    pub from: String,
    /// What.
    pub act: Act,
    /// What was answered.
    pub answer: ActAnswer,
    /// What it changed; `None` where it changed nothing.
    pub change: Option<Change>,
}

/// Which acts are wanted; those that fit everything that is given.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct AuditFilter {
    /// By this person.
    pub by: Option<String>,
    /// Of this kind.
    pub kind: Option<ActKind>,
    /// About this unit.
    pub serial: Option<Serial>,
    /// At this instant or later, in microseconds since 1970 UTC.
    pub from: Option<i64>,
    /// Before this instant, in microseconds since 1970 UTC.
    pub until: Option<i64>,
    /// Done or refused.
    pub answer: Option<Answered>,
    /// The last act of the page before.
    pub before: Option<ActCursor>,
}

/// How an act was answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Answered {
    /// It was done.
    Done,
    /// It was refused.
    Refused,
}

impl Answered {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Done, Self::Refused];

    /// The name in addresses.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Refused => "refused",
        }
    }
}

impl FromStr for Answered {
    type Err = Unknown;

    fn from_str(text: &str) -> Result<Self, Unknown> {
        Self::ALL
            .into_iter()
            .find(|known| known.as_str() == text)
            .ok_or_else(|| Unknown(text.to_owned(), "answer"))
    }
}

/// A place in the list of acts, as text in a page's address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct ActCursor {
    at: i64,
    number: i64,
}

/// Text that is not an [`ActCursor`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not a place in the list of acts")]
pub struct BadActCursor(pub String);

impl fmt::Display for ActCursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.at, self.number)
    }
}

impl FromStr for ActCursor {
    type Err = BadActCursor;

    fn from_str(text: &str) -> Result<Self, BadActCursor> {
        text.split_once('-')
            .and_then(|(at, number)| {
                Some(Self {
                    at: at.parse().ok()?,
                    number: number.parse().ok()?,
                })
            })
            .ok_or_else(|| BadActCursor(text.to_owned()))
    }
}

/// Some acts, newest first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditPage {
    /// The acts.
    pub rows: Vec<ActRow>,
    /// How many fit the filter, on all pages.
    pub of: u64,
    /// For [`AuditFilter::before`] of the next page; `None` on the last.
    pub next: Option<ActCursor>,
}

/// An act as its columns have it.
#[derive(Debug)]
pub(crate) struct Columns<'a> {
    pub kind: &'static str,
    pub lane: Option<u8>,
    pub serial: Option<&'a str>,
    pub words: &'a str,
    pub choice: Option<Cow<'a, str>>,
    pub minutes: Option<u16>,
    pub recipe: Option<&'a str>,
    pub recipe_change: Option<String>,
}

/// What of an act goes into which column.
pub(crate) fn columns(act: &Act) -> Columns<'_> {
    let (lane, words, choice, minutes) = match act {
        Act::Start { lane, .. } | Act::GoldenCheck { lane } => (*lane, "", None, None),
        Act::Stop { lane, reason } => (*lane, reason.as_str(), None, None),
        Act::Acknowledge { note } => (None, note.as_str(), None, None),
        Act::Unlock { reason, .. } | Act::Quarantine { reason, .. } => (None, reason.as_str(), None, None),
        Act::Lot { lot } => (None, lot.as_str(), None, None),
        Act::WorkOrder { work_order } => (None, work_order.as_str(), None, None),
        Act::Operator { name } => (None, name.as_str(), None, None),
        Act::Dispose {
            disposition, reason, ..
        } => (None, reason.as_str(), Some(disposition.as_str().into()), None),
        Act::Mark { mark, reason, .. } => (None, reason.as_str(), Some(mark.as_str().into()), None),
        Act::Shelve { part, minutes, reason } => (None, reason.as_str(), Some(part.as_str().into()), Some(*minutes)),
        Act::Language { language } => (None, language.as_str(), None, None),
        Act::Study { step, reason } => (
            None,
            reason.as_str(),
            Some(serde_json::to_string(step).unwrap_or_default().into()),
            None,
        ),
        Act::Account { name, change, .. } => (None, name.as_str(), Some(change.as_str().into()), None),
        Act::Recipe { reason, .. } => (None, reason.as_str(), None, None),
    };
    let recipe = if let Act::Recipe { recipe, change, .. } = act {
        Some((recipe.as_str(), change))
    } else {
        None
    };
    Columns {
        kind: act.kind().as_str(),
        lane: lane.map(LaneId::number),
        serial: act.serial().map(Serial::as_str),
        words,
        choice,
        minutes,
        recipe: recipe.map(|(name, _)| name),
        recipe_change: recipe.map(|(_, change)| serde_json::to_string(change).expect("words are JSON")),
    }
}

/// A row of the table of acts.
#[derive(Debug)]
pub(crate) struct Row {
    pub number: i64,
    pub id: Option<Vec<u8>>,
    pub at: i64,
    pub at_synchronised: i64,
    pub by: String,
    pub role: Option<String>,
    pub origin: Option<String>,
    pub kind: String,
    pub lane: Option<i64>,
    pub serial: Option<String>,
    pub words: String,
    pub choice: Option<String>,
    pub minutes: Option<i64>,
    pub refused: Option<String>,
    pub before: Option<String>,
    pub after: Option<String>,
    pub recipe: Option<String>,
    pub recipe_change: Option<String>,
}

impl Row {
    /// The act that is stored in it.
    pub fn read(self, path: &Path) -> Result<ActRow, LedgerError> {
        let place = Place {
            path,
            table: "act",
            row: self.number,
        };
        let lane = self.lane.map(|lane| place.lane("lane", lane)).transpose()?;
        let serial = self.serial.map(|serial| place.serial("serial", &serial)).transpose()?;
        let named = || {
            serial
                .clone()
                .ok_or_else(|| place.nonsense("serial", "such an act names a unit"))
        };
        let chosen = || {
            self.choice
                .as_deref()
                .ok_or_else(|| place.nonsense("choice", "such an act chooses something"))
        };
        let words = self.words;
        let act = match place.parse::<ActKind>("kind", &self.kind)? {
            ActKind::Start => Act::Start { lane, serial },
            ActKind::Stop => Act::Stop { lane, reason: words },
            ActKind::Acknowledge => Act::Acknowledge { note: words },
            ActKind::Unlock => Act::Unlock {
                serial: named()?,
                reason: words,
            },
            ActKind::Lot => Act::Lot { lot: words },
            ActKind::WorkOrder => Act::WorkOrder { work_order: words },
            ActKind::Operator => Act::Operator { name: words },
            ActKind::Quarantine => Act::Quarantine {
                serial: named()?,
                reason: words,
            },
            ActKind::Dispose => Act::Dispose {
                serial: named()?,
                disposition: place.parse("choice", chosen()?)?,
                reason: words,
            },
            ActKind::Mark => Act::Mark {
                serial: named()?,
                mark: place.parse("choice", chosen()?)?,
                reason: words,
            },
            ActKind::GoldenCheck => Act::GoldenCheck { lane },
            ActKind::Study => Act::Study {
                step: place.json("choice", chosen()?)?,
                reason: words,
            },
            ActKind::Shelve => Act::Shelve {
                part: chosen()?.to_owned(),
                minutes: place.number("minutes", self.minutes.unwrap_or(0))?,
                reason: words,
            },
            ActKind::Recipe => Act::Recipe {
                recipe: self.recipe.unwrap_or_default(),
                change: place.json("recipe_change", self.recipe_change.as_deref().unwrap_or_default())?,
                reason: words,
            },
            ActKind::Language => Act::Language { language: words },
            ActKind::Account => Act::Account {
                name: words,
                change: place.parse("choice", chosen()?)?,
                before: self.before.clone().unwrap_or_default(),
                after: self.after.clone().unwrap_or_default(),
            },
        };
        Ok(ActRow {
            at: decode::wall(self.at, self.at_synchronised),
            id: self.id.map(|id| act_id(place, &id)).transpose()?,
            by: self.by,
            role: self.role.map(|role| place.parse("role", &role)).transpose()?,
            from: self.origin.unwrap_or_default(),
            act,
            answer: match self.refused {
                None => ActAnswer::Done,
                Some(why) => ActAnswer::Refused { why },
            },
            change: match (self.before, self.after) {
                (Some(before), Some(after)) => Some(Change { before, after }),
                (_, _) => None,
            },
        })
    }
}

fn act_id(place: Place<'_>, bytes: &[u8]) -> Result<ActId, LedgerError> {
    Uuid::from_slice(bytes)
        .map(ActId)
        .map_err(|error| place.nonsense("id", error))
}

impl ActRow {
    /// Whether somebody who asks this under the same id asks for the same again.
    pub fn is_of(&self, request: &ActRequest) -> bool {
        self.by == request.by && self.act == request.act
    }
}

/// What a unit is, as far as people decided about it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct UnitStanding {
    /// What was decided last, where anything was, and when.
    pub decision: Option<(WallTime, Decision)>,
    /// What it is run for, and since when where somebody said so.
    pub mark: (Mark, Option<WallTime>),
}

impl UnitStanding {
    /// From the acts about a unit that were done, oldest first.
    fn of(acts: impl IntoIterator<Item = ActRow>) -> Self {
        let mut standing = Self::default();
        for row in acts {
            match row.act {
                Act::Quarantine { reason, .. } => {
                    let decision = Decision {
                        what: Decided::Quarantine,
                        by: row.by,
                        reason,
                    };
                    standing.decision = Some((row.at, decision));
                }
                Act::Dispose {
                    disposition, reason, ..
                } => {
                    let decision = Decision {
                        what: Decided::Disposition(disposition),
                        by: row.by,
                        reason,
                    };
                    standing.decision = Some((row.at, decision));
                }
                Act::Mark { mark, .. } => standing.mark = (mark, Some(row.at)),
                Act::Start { .. }
                | Act::Stop { .. }
                | Act::Acknowledge { .. }
                | Act::Unlock { .. }
                | Act::Lot { .. }
                | Act::WorkOrder { .. }
                | Act::Operator { .. }
                | Act::GoldenCheck { .. }
                | Act::Study { .. }
                | Act::Shelve { .. }
                | Act::Account { .. }
                | Act::Recipe { .. }
                | Act::Language { .. } => {}
            }
        }
        standing
    }
}

/// A filter as the queries take it.
#[derive(Debug)]
struct Asked<'a> {
    by: Option<&'a str>,
    kind: Option<&'static str>,
    serial: Option<&'a str>,
    from: i64,
    until: i64,
    refused: Option<bool>,
    past: ActCursor,
}

/// Acts, newest first: by an index, and the condition that leads through it.
macro_rules! select_acts {
    ($index:tt, $leading:tt, $asked:expr, $limit:expr) => {
        sqlx::query_as!(
            Row,
            r#"SELECT
                number, id, at, at_synchronised, by, role, origin, kind, lane, serial, words, choice, minutes, refused,
                before, after, recipe, recipe_change
            FROM act INDEXED BY "#
                + $index
                + r#"
            WHERE "#
                + $leading
                + r#"
                AND (?1 IS NULL OR by = ?1)
                AND (?2 IS NULL OR kind = ?2)
                AND (?3 IS NULL OR serial = ?3)
                AND at >= ?4
                AND at < ?5
                AND (?6 IS NULL OR (refused IS NOT NULL) = ?6)
                AND (at, number) < (?7, ?8)
            ORDER BY at DESC, number DESC
            LIMIT ?9"#,
            $asked.by,
            $asked.kind,
            $asked.serial,
            $asked.from,
            $asked.until,
            $asked.refused,
            $asked.past.at,
            $asked.past.number,
            $limit
        )
    };
}

/// How many there are, likewise.
macro_rules! count_acts {
    ($index:tt, $leading:tt, $asked:expr) => {
        sqlx::query_scalar!(
            r#"SELECT count(*) AS "acts!: i64"
            FROM act INDEXED BY "#
                + $index
                + r#"
            WHERE "#
                + $leading
                + r#"
                AND (?1 IS NULL OR by = ?1)
                AND (?2 IS NULL OR kind = ?2)
                AND (?3 IS NULL OR serial = ?3)
                AND at >= ?4
                AND at < ?5
                AND (?6 IS NULL OR (refused IS NOT NULL) = ?6)"#,
            $asked.by,
            $asked.kind,
            $asked.serial,
            $asked.from,
            $asked.until,
            $asked.refused
        )
    };
}

impl Reports {
    /// What people did and were answered, newest first: at most `limit` acts and at most [`PAGE_LIMIT`], and how many there are. What it costs grows
    /// with how many acts there are of the person, the kind, the unit or the time that is asked for.
    ///
    /// # Errors
    /// The ledger could not be read, or a row of it makes no sense.
    pub async fn audit(&self, filter: &AuditFilter, limit: u32) -> Result<AuditPage, LedgerError> {
        const OPERATION: &str = "reading the audit";
        let asked = Asked {
            by: filter.by.as_deref(),
            kind: filter.kind.map(ActKind::as_str),
            serial: filter.serial.as_ref().map(Serial::as_str),
            from: filter.from.unwrap_or(i64::MIN),
            until: filter.until.unwrap_or(i64::MAX),
            refused: filter.answer.map(|answer| answer == Answered::Refused),
            past: filter.before.unwrap_or(ActCursor {
                at: i64::MAX,
                number: i64::MAX,
            }),
        };
        let limit = limit.clamp(1, PAGE_LIMIT);
        let wanted = i64::from(limit) + 1;
        let failed = |error| LedgerError::sqlx(&self.path, OPERATION, error);
        let mut reader = self.reader().await?;
        let connection = &mut reader.connection;
        let (rows, of) = match asked {
            Asked { serial: Some(_), .. } => (
                select_acts!("act_by_serial", "serial = ?3", asked, wanted)
                    .fetch_all(&mut *connection)
                    .await
                    .map_err(failed)?,
                count_acts!("act_by_serial", "serial = ?3", asked)
                    .fetch_one(&mut *connection)
                    .await
                    .map_err(failed)?,
            ),
            Asked { by: Some(_), .. } => (
                select_acts!("act_by_person", "by = ?1", asked, wanted)
                    .fetch_all(&mut *connection)
                    .await
                    .map_err(failed)?,
                count_acts!("act_by_person", "by = ?1", asked)
                    .fetch_one(&mut *connection)
                    .await
                    .map_err(failed)?,
            ),
            Asked { kind: Some(_), .. } => (
                select_acts!("act_by_kind", "kind = ?2", asked, wanted)
                    .fetch_all(&mut *connection)
                    .await
                    .map_err(failed)?,
                count_acts!("act_by_kind", "kind = ?2", asked)
                    .fetch_one(&mut *connection)
                    .await
                    .map_err(failed)?,
            ),
            Asked { .. } => (
                select_acts!("act_by_at", "TRUE", asked, wanted)
                    .fetch_all(&mut *connection)
                    .await
                    .map_err(failed)?,
                count_acts!("act_by_at", "TRUE", asked)
                    .fetch_one(&mut *connection)
                    .await
                    .map_err(failed)?,
            ),
        };
        reader.close(&self.path, OPERATION).await?;
        let shown = limit as usize;
        let next = rows.get(shown).and_then(|_| rows.get(shown - 1)).map(|last| ActCursor {
            at: last.at,
            number: last.number,
        });
        Ok(AuditPage {
            rows: rows
                .into_iter()
                .take(shown)
                .map(|row| row.read(&self.path))
                .collect::<Result<_, _>>()?,
            of: u64::try_from(of).unwrap_or(0),
            next,
        })
    }

    /// What people did last, newest first.
    ///
    /// # Errors
    /// The ledger could not be read.
    pub async fn acts(&self, limit: u32) -> Result<Vec<ActRow>, LedgerError> {
        Ok(self.audit(&AuditFilter::default(), limit).await?.rows)
    }

    /// What a unit is now, as far as people decided about it.
    ///
    /// # Errors
    /// The ledger could not be read.
    pub async fn unit_standing(&self, serial: &Serial) -> Result<UnitStanding, LedgerError> {
        const OPERATION: &str = "reading what was decided about a unit";
        let mut reader = self.reader().await?;
        let standing = standing(&self.path, &mut reader.connection, serial).await?;
        reader.close(&self.path, OPERATION).await?;
        Ok(standing)
    }
}

/// What a unit is, as far as people decided about it.
pub(crate) async fn standing(
    path: &Path,
    connection: &mut SqliteConnection,
    serial: &Serial,
) -> Result<UnitStanding, LedgerError> {
    let serial = serial.as_str();
    let rows = sqlx::query_as!(
        Row,
        "SELECT
            number, id, at, at_synchronised, by, role, origin, kind, lane, serial, words, choice, minutes, refused,
            before, after, recipe, recipe_change
        FROM act
        WHERE serial = ?1
            AND kind IN ('quarantine', 'dispose', 'mark')
            AND refused IS NULL
        ORDER BY number",
        serial
    )
    .fetch_all(connection)
    .await
    .map_err(|error| LedgerError::sqlx(path, "reading what was decided about a unit", error))?;
    let acts = rows.into_iter().map(|row| row.read(path));
    Ok(UnitStanding::of(acts.collect::<Result<Vec<ActRow>, LedgerError>>()?))
}
