//! Versions of recipes: what each was made of, by whom and why. A version never changes; another one takes its place.

use core::str::FromStr;
use std::path::Path;

use fixture_link::identity::WallTime;
use fixture_link::verdict::Unknown;
use sqlx::SqliteConnection;

use crate::decode::{self, Place};
use crate::error::LedgerError;
use crate::ledger::Ledger;
use crate::record::Audited;
use crate::report::{PAGE_LIMIT, Reports};

/// The longest text of a recipe that is stored, in bytes.
pub const LONGEST_TEXT: usize = 65_536;

/// A version of a recipe, as it came to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecipeVersion {
    /// The recipe's name.
    pub name: String,
    /// The version: 16 hex digits.
    pub version: String,
    /// How it came to be.
    pub origin: Origin,
    /// Since when it is the recipe.
    pub at: WallTime,
    /// By whom; empty where no person did it by an act.
    pub by: String,
    /// Why.
    pub reason: String,
    /// The version before; `None` for the first that the ledger knows.
    pub from: Option<String>,
    /// By which the recipe's file is told from what it is after a change: 16 hex digits of what it sets.
    pub file: String,
    /// The recipe as TOML. Secrets are in files that it names.
    pub text: String,
    /// What is other than before, an entry a line; empty for the first.
    pub changes: String,
}

/// How a version of a recipe came to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Origin {
    /// It stood in the recipe's file when the fixture started.
    File,
    /// Somebody changed an earlier one by an act.
    Act,
    /// The same recipe, which this program or another table of status codes reads as another version.
    Program,
}

impl Origin {
    /// Every one.
    pub const ALL: [Self; 3] = [Self::File, Self::Act, Self::Program];

    /// The name in records, kebab-case.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::File => "file",
            Self::Act => "act",
            Self::Program => "program",
        }
    }
}

impl FromStr for Origin {
    type Err = Unknown;

    fn from_str(text: &str) -> Result<Self, Unknown> {
        Self::ALL
            .into_iter()
            .find(|known| known.as_str() == text)
            .ok_or_else(|| Unknown(text.to_owned(), "origin of a recipe's version"))
    }
}

/// A row of the table of versions.
#[derive(Debug)]
struct Row {
    number: i64,
    name: String,
    version: String,
    origin: String,
    at: i64,
    at_synchronised: i64,
    by: String,
    reason: String,
    from_version: Option<String>,
    file: String,
    text: String,
    changes: String,
}

impl Row {
    fn read(self, path: &Path) -> Result<RecipeVersion, LedgerError> {
        let place = Place {
            path,
            table: "recipe_version",
            row: self.number,
        };
        Ok(RecipeVersion {
            name: self.name,
            version: self.version,
            origin: place.parse("origin", &self.origin)?,
            at: decode::wall(self.at, self.at_synchronised),
            by: self.by,
            reason: self.reason,
            from: self.from_version,
            file: self.file,
            text: self.text,
            changes: self.changes,
        })
    }
}

impl Ledger {
    /// The newest version of a recipe; `None` where none is stored.
    ///
    /// # Errors
    /// The ledger could not be read.
    pub async fn newest_recipe(&mut self, name: &str) -> Result<Option<RecipeVersion>, LedgerError> {
        self.recipe_version(name, None).await
    }

    /// A version of a recipe, as it was stored last; the newest for `None`.
    ///
    /// # Errors
    /// The ledger could not be read.
    pub async fn recipe_version(
        &mut self,
        name: &str,
        version: Option<&str>,
    ) -> Result<Option<RecipeVersion>, LedgerError> {
        let (path, connection) = self.parts();
        let row = sqlx::query_as!(
            Row,
            "SELECT number, name, version, origin, at, at_synchronised, by, reason, from_version, file, text, changes
            FROM recipe_version
            WHERE name = ?1
                AND (?2 IS NULL OR version = ?2)
            ORDER BY number DESC
            LIMIT 1",
            name,
            version
        )
        .fetch_optional(connection)
        .await
        .map_err(|error| LedgerError::sqlx(path, "reading a recipe's version", error))?;
        row.map(|row| row.read(path)).transpose()
    }

    /// Stores a version that no person made by an act.
    ///
    /// # Errors
    /// It could not be stored.
    pub async fn record_recipe(&mut self, version: &RecipeVersion) -> Result<(), LedgerError> {
        let (path, connection) = self.parts();
        store(path, connection, version).await
    }

    /// Stores the act by which somebody made a version, and the version: never the one without the other.
    ///
    /// # Errors
    /// They could not be stored; an act of this id is stored already.
    pub async fn record_recipe_act(&mut self, audited: &Audited, version: &RecipeVersion) -> Result<(), LedgerError> {
        self.record_act_with(audited, version.at, Some(version)).await
    }
}

/// Stores a version.
pub(crate) async fn store(
    path: &Path,
    connection: &mut SqliteConnection,
    version: &RecipeVersion,
) -> Result<(), LedgerError> {
    let origin = version.origin.as_str();
    sqlx::query!(
        "INSERT INTO recipe_version (
            name, version, origin, at, at_synchronised, by, reason, from_version, file, text, changes
        )
        VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)",
        version.name,
        version.version,
        origin,
        version.at.micros,
        version.at.synchronised,
        version.by,
        version.reason,
        version.from,
        version.file,
        version.text,
        version.changes
    )
    .execute(connection)
    .await
    .map_err(|error| LedgerError::sqlx(path, "storing a recipe's version", error))?;
    Ok(())
}

impl Reports {
    /// Versions of recipes, newest first: at most `limit` and at most [`PAGE_LIMIT`], of one recipe or of all.
    ///
    /// # Errors
    /// The ledger could not be read.
    pub async fn recipe_versions(&self, name: Option<&str>, limit: u32) -> Result<Vec<RecipeVersion>, LedgerError> {
        const OPERATION: &str = "reading the versions of recipes";
        let limit = i64::from(limit.clamp(1, PAGE_LIMIT));
        let mut reader = self.reader().await?;
        let rows = sqlx::query_as!(
            Row,
            "SELECT number, name, version, origin, at, at_synchronised, by, reason, from_version, file, text, changes
            FROM recipe_version
            WHERE ?1 IS NULL OR name = ?1
            ORDER BY number DESC
            LIMIT ?2",
            name,
            limit
        )
        .fetch_all(&mut reader.connection)
        .await
        .map_err(|error| LedgerError::sqlx(&self.path, OPERATION, error))?;
        reader.close(&self.path, OPERATION).await?;
        rows.into_iter().map(|row| row.read(&self.path)).collect()
    }

    /// The newest version of every recipe, in order of name.
    ///
    /// # Errors
    /// The ledger could not be read.
    pub async fn recipes(&self) -> Result<Vec<RecipeVersion>, LedgerError> {
        const OPERATION: &str = "reading the newest versions of recipes";
        let mut reader = self.reader().await?;
        let rows = sqlx::query_as!(
            Row,
            "SELECT number, name, version, origin, at, at_synchronised, by, reason, from_version, file, text, changes
            FROM recipe_version
            WHERE number IN (SELECT max(number) FROM recipe_version GROUP BY name)
            ORDER BY name"
        )
        .fetch_all(&mut reader.connection)
        .await
        .map_err(|error| LedgerError::sqlx(&self.path, OPERATION, error))?;
        reader.close(&self.path, OPERATION).await?;
        rows.into_iter().map(|row| row.read(&self.path)).collect()
    }
}
