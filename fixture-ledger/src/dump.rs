//! A ledger as text, the same for two ledgers of the same records.

use core::fmt::Write;
use std::path::Path;

use sqlx::{AssertSqlSafe, Connection, Row, SqliteConnection};

use crate::error::LedgerError;
use crate::files::Reader;

const OPERATION: &str = "dumping it";

/// Every table in order of name, each row on a line in order of its key, every value as an SQL literal.
///
/// It names no time but those recorded, so two simulated ledgers of the same inputs are equal byte for byte.
///
/// # Errors
/// The ledger could not be read.
pub async fn dump(path: &Path) -> Result<String, LedgerError> {
    let failed = |error| LedgerError::sqlx(path, OPERATION, error);
    let mut reader = Reader::open(path).await?;
    let mut text = format!("ledger of version {}\n", reader.version);
    let mut transaction = reader.connection.begin().await.map_err(failed)?;
    let tables: Vec<String> = sqlx::query_scalar(
        "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%' ORDER BY name",
    )
    .fetch_all(&mut *transaction)
    .await
    .map_err(failed)?;
    for table in tables {
        dump_table(&mut transaction, &table, &mut text).await.map_err(failed)?;
    }
    transaction.commit().await.map_err(failed)?;
    reader.close(path, OPERATION).await?;
    Ok(text)
}

async fn dump_table(connection: &mut SqliteConnection, table: &str, text: &mut String) -> Result<(), sqlx::Error> {
    // Names come from the schema; a name cannot be a bound parameter.
    let columns: Vec<(String, i64)> = sqlx::query_as("SELECT name, pk FROM pragma_table_info(?1) ORDER BY cid")
        .bind(table)
        .fetch_all(&mut *connection)
        .await?;
    let mut key: Vec<&(String, i64)> = columns.iter().filter(|(_, place)| *place > 0).collect();
    key.sort_by_key(|(_, place)| *place);
    let quoted = |name: &str| format!("\"{name}\"");
    let line: Vec<String> = columns
        .iter()
        .map(|(name, _)| format!("quote({})", quoted(name)))
        .collect();
    let order: Vec<String> = key.iter().map(|(name, _)| quoted(name)).collect();
    let names: Vec<&str> = columns.iter().map(|(name, _)| name.as_str()).collect();
    let _ = writeln!(text, "\n{table} ({})", names.join(", "));
    let rows = sqlx::query(AssertSqlSafe(format!(
        "SELECT {} FROM {} ORDER BY {}",
        line.join(" || ', ' || "),
        quoted(table),
        order.join(", ")
    )))
    .fetch_all(connection)
    .await?;
    for row in rows {
        let _ = writeln!(text, "{}", row.try_get::<String, _>(0)?);
    }
    Ok(())
}
