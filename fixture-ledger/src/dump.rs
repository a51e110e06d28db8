//! A ledger as text, the same for two ledgers of the same records.

use std::io::{self, Write};
use std::path::Path;

use futures_util::TryStreamExt;
use sqlx::{AssertSqlSafe, Connection, SqliteConnection};

use crate::error::LedgerError;
use crate::files::Reader;

const OPERATION: &str = "dumping it";

/// [`dump_to`] as one text.
///
/// # Errors
/// The ledger could not be read.
pub async fn dump(path: &Path) -> Result<String, LedgerError> {
    let mut text = Vec::new();
    dump_to(path, &mut text).await?;
    String::from_utf8(text).map_err(|error| LedgerError::Corrupt {
        path: path.to_owned(),
        operation: OPERATION,
        what: error.to_string(),
    })
}

/// Every table in order of name, each row on a line in order of its key, every value as an SQL literal.
///
/// It names no time but those recorded, so two simulated ledgers of the same inputs are equal byte for byte.
///
/// # Errors
/// The ledger could not be read, or the text not be written.
pub async fn dump_to(path: &Path, text: &mut impl Write) -> Result<(), LedgerError> {
    let failed = |error| LedgerError::sqlx(path, OPERATION, error);
    let unwritten = |error: io::Error| LedgerError::io(path, "writing its dump", &error);
    let mut reader = Reader::open(path).await?;
    writeln!(text, "ledger of version {}", reader.version).map_err(unwritten)?;
    let mut transaction = reader.connection.begin().await.map_err(failed)?;
    let tables: Vec<String> = sqlx::query_scalar(
        "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%' ORDER BY name",
    )
    .fetch_all(&mut *transaction)
    .await
    .map_err(failed)?;
    for table in tables {
        let (names, query) = table_query(&mut transaction, &table).await.map_err(failed)?;
        writeln!(text, "\n{table} ({names})").map_err(unwritten)?;
        let mut rows = sqlx::query_scalar::<_, String>(AssertSqlSafe(query)).fetch(&mut *transaction);
        while let Some(row) = rows.try_next().await.map_err(failed)? {
            writeln!(text, "{row}").map_err(unwritten)?;
        }
    }
    transaction.commit().await.map_err(failed)?;
    reader.close(path, OPERATION).await
}

/// The names of a table's columns, and a query that gives its rows as text in order of its key. The names come from the schema; a name
/// cannot be a bound parameter.
async fn table_query(connection: &mut SqliteConnection, table: &str) -> Result<(String, String), sqlx::Error> {
    let columns: Vec<(String, i64)> = sqlx::query_as("SELECT name, pk FROM pragma_table_info(?1) ORDER BY cid")
        .bind(table)
        .fetch_all(connection)
        .await?;
    let mut key: Vec<&(String, i64)> = columns.iter().filter(|(_, place)| *place > 0).collect();
    key.sort_by_key(|(_, place)| *place);
    let joined = |words: Vec<String>, between: &str| words.join(between);
    let values = columns.iter().map(|(name, _)| format!("quote(\"{name}\")")).collect();
    let order = key.iter().map(|(name, _)| format!("\"{name}\"")).collect();
    let names = columns.iter().map(|(name, _)| name.clone()).collect();
    let query = format!(
        "SELECT {} FROM \"{table}\" ORDER BY {}",
        joined(values, " || ', ' || "),
        joined(order, ", ")
    );
    Ok((joined(names, ", "), query))
}
