//! What can go wrong with a ledger, by what a caller can do about it.

use std::io;
use std::path::{Path, PathBuf};

use fixture_link::identity::RunId;
use sqlx::error::DatabaseError;
use sqlx::migrate::MigrateError;

/// Why the ledger did not do what it was asked. After any of them nothing is half-written.
#[derive(Debug, thiserror::Error)]
pub enum LedgerError {
    /// There is no such ledger.
    #[error("{}: no such ledger", .path.display())]
    Missing {
        /// The ledger.
        path: PathBuf,
    },
    /// A ledger was to be made in a directory that is not there.
    #[error("{}: no such directory: a ledger is made in one that exists", .path.display())]
    NoDirectory {
        /// The directory.
        path: PathBuf,
    },
    /// A ledger was to be made where there is something already.
    #[error("{}: exists already; expected a path where there is nothing yet", .path.display())]
    Exists {
        /// The path.
        path: PathBuf,
    },
    /// Another process writes to this ledger.
    #[error("{}: another process{} writes to this ledger; only one may", .path.display(), .pid.map_or_else(String::new, |pid| format!(" (pid {pid})")))]
    Locked {
        /// The ledger.
        path: PathBuf,
        /// The other process, where it could be told.
        pid: Option<u32>,
    },
    /// The ledger was written by newer software.
    #[error("{}: the ledger has version {found}, this program knows versions up to {known}: install the newer program", .path.display())]
    Newer {
        /// The ledger.
        path: PathBuf,
        /// The ledger's version.
        found: i64,
        /// The newest version that this program knows.
        known: i64,
    },
    /// The ledger has not been migrated by its writer yet; a reader cannot do that.
    #[error("{}: the ledger has version {found}, reading needs version {known}: start the daemon of this version once", .path.display())]
    Older {
        /// The ledger.
        path: PathBuf,
        /// The ledger's version.
        found: i64,
        /// The version that this program reads.
        known: i64,
    },
    /// A `SQLite` database, but of something else.
    #[error("{}: a database, but not a fixture's ledger", .path.display())]
    NotALedger {
        /// The file.
        path: PathBuf,
    },
    /// The file is damaged.
    #[error("{}: {operation}: the ledger is damaged ({what}): keep a copy of it and restore it from a backup", .path.display())]
    Corrupt {
        /// The ledger.
        path: PathBuf,
        /// What was being done.
        operation: &'static str,
        /// What the database says.
        what: String,
    },
    /// The ledger or its directory cannot be written to.
    #[error("{}: {operation}: cannot be written to ({what}): check the owner of the directory and whether the disk is mounted read-only", .path.display())]
    ReadOnly {
        /// The ledger.
        path: PathBuf,
        /// What was being done.
        operation: &'static str,
        /// What the system says.
        what: String,
    },
    /// This user may not read the ledger.
    #[error("{}: {operation}: may not be opened by this user: expected a member of the ledger's group", .path.display())]
    NoAccess {
        /// The ledger.
        path: PathBuf,
        /// What was being done.
        operation: &'static str,
    },
    /// No space is left.
    #[error("{}: {operation}: the disk is full; nothing of it was stored", .path.display())]
    Full {
        /// The ledger.
        path: PathBuf,
        /// What was being done.
        operation: &'static str,
    },
    /// A ledger of an older version is copied in part when it is brought to this one, and there is no room for that.
    #[error("{}: bringing it to this program's version needs {needed} bytes free on its disk, and {free} are: make room, or install the version before again; nothing was changed", .path.display())]
    NoRoom {
        /// The ledger.
        path: PathBuf,
        /// Bytes that have to be free.
        needed: u64,
        /// Bytes that are free.
        free: u64,
    },
    /// The disk failed.
    #[error("{}: {operation}: {what}", .path.display())]
    Io {
        /// The ledger.
        path: PathBuf,
        /// What was being done.
        operation: &'static str,
        /// What the system says.
        what: String,
    },
    /// Another connection held the ledger for too long; trying again may help.
    #[error("{}: {operation}: the ledger is busy", .path.display())]
    Busy {
        /// The ledger.
        path: PathBuf,
        /// What was being done.
        operation: &'static str,
    },
    /// The question reads more than a report may; a narrower one (a shorter range, a longer prefix) will do.
    #[error("{}: {operation}: too much to read at once: ask for less", .path.display())]
    TooMuch {
        /// The ledger.
        path: PathBuf,
        /// What was being done.
        operation: &'static str,
    },
    /// The record contradicts what is stored, or is outside what can be stored.
    #[error("{}: {operation}: {what}", .path.display())]
    Refused {
        /// The ledger.
        path: PathBuf,
        /// What was being done.
        operation: &'static str,
        /// Which constraint.
        what: String,
    },
    /// The run was never begun in this ledger.
    #[error("run {run}: not in the ledger")]
    NoSuchRun {
        /// The run.
        run: RunId,
    },
    /// A stored row makes no sense.
    #[error("{}: table {table}, row {row}, column {column}: {what}", .path.display())]
    Nonsense {
        /// The ledger.
        path: PathBuf,
        /// The table.
        table: &'static str,
        /// The column.
        column: &'static str,
        /// The row's number.
        row: i64,
        /// What was found and what was expected.
        what: String,
    },
    /// Anything else that the database says.
    #[error("{}: {operation}", .path.display())]
    Database {
        /// The ledger.
        path: PathBuf,
        /// What was being done.
        operation: &'static str,
        /// What it says.
        source: sqlx::Error,
    },
}

// Primary result codes, https://www.sqlite.org/rescode.html
const BUSY: u32 = 5;
const LOCKED: u32 = 6;
const READONLY: u32 = 8;
const INTERRUPT: u32 = 9;
const IOERR: u32 = 10;
const CORRUPT: u32 = 11;
const FULL: u32 = 13;
const CANTOPEN: u32 = 14;
const CONSTRAINT: u32 = 19;
const NOTADB: u32 = 26;

impl LedgerError {
    /// Whether the same record may be stored later without anyone changing it: the disk is full, read-only or failing, or the ledger busy.
    pub fn may_pass(&self) -> bool {
        match self {
            Self::ReadOnly { .. } | Self::Full { .. } | Self::Io { .. } | Self::Busy { .. } => true,
            Self::Missing { .. }
            | Self::NoDirectory { .. }
            | Self::Exists { .. }
            | Self::Locked { .. }
            | Self::Newer { .. }
            | Self::Older { .. }
            | Self::NotALedger { .. }
            | Self::NoRoom { .. }
            | Self::Corrupt { .. }
            | Self::NoAccess { .. }
            | Self::TooMuch { .. }
            | Self::Refused { .. }
            | Self::NoSuchRun { .. }
            | Self::Nonsense { .. }
            | Self::Database { .. } => false,
        }
    }

    /// Sorts what the database said about `operation` on the ledger at `path`.
    pub(crate) fn sqlx(path: &Path, operation: &'static str, source: sqlx::Error) -> Self {
        let path = path.to_owned();
        // The tables hold only values of the types that their columns have: others come from damage within a row.
        if let sqlx::Error::ColumnDecode { index, source } = &source {
            return Self::Corrupt {
                path,
                operation,
                what: format!("column {index}: {source}"),
            };
        }
        let Some(said) = source.as_database_error() else {
            return Self::Database {
                path,
                operation,
                source,
            };
        };
        let what = said.message().to_owned();
        match primary_code(said) {
            BUSY | LOCKED => Self::Busy { path, operation },
            READONLY => Self::ReadOnly { path, operation, what },
            INTERRUPT => Self::TooMuch { path, operation },
            IOERR => Self::Io { path, operation, what },
            CORRUPT | NOTADB => Self::Corrupt { path, operation, what },
            FULL => Self::Full { path, operation },
            CANTOPEN => match std::fs::File::open(&path) {
                Ok(_) => Self::ReadOnly { path, operation, what },
                Err(error) => Self::io(&path, operation, &error),
            },
            CONSTRAINT => Self::Refused { path, operation, what },
            _ => Self::Database {
                path,
                operation,
                source,
            },
        }
    }

    /// Sorts what the system said about a file.
    pub(crate) fn io(path: &Path, operation: &'static str, error: &io::Error) -> Self {
        let path = path.to_owned();
        let what = error.to_string();
        // The kinds are many and grow; only these mean something else than "the disk failed" to a caller.
        let kind = error.kind();
        if kind == io::ErrorKind::NotFound {
            Self::Missing { path }
        } else if kind == io::ErrorKind::AlreadyExists {
            Self::Exists { path }
        } else if kind == io::ErrorKind::StorageFull || kind == io::ErrorKind::QuotaExceeded {
            Self::Full { path, operation }
        } else if kind == io::ErrorKind::ReadOnlyFilesystem {
            Self::ReadOnly { path, operation, what }
        } else if kind == io::ErrorKind::PermissionDenied {
            Self::NoAccess { path, operation }
        } else {
            Self::Io { path, operation, what }
        }
    }

    /// Sorts what a migration said.
    pub(crate) fn migrate(path: &Path, operation: &'static str, error: MigrateError) -> Self {
        if let MigrateError::Execute(source) | MigrateError::ExecuteMigration(source, _) = error {
            return Self::sqlx(path, operation, source);
        }
        // The rest says that the ledger's own list of migrations is not what any version of this program has written.
        Self::Corrupt {
            path: path.to_owned(),
            operation,
            what: error.to_string(),
        }
    }
}

fn primary_code(said: &dyn DatabaseError) -> u32 {
    said.code()
        .and_then(|code| code.parse::<u32>().ok())
        .map_or(0, |code| code & 0xff)
}
