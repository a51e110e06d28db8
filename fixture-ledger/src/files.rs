//! The ledger's files: the database, its `-wal` and `-shm`, and the writer's lock.
//!
//! A reader of another user can write neither the files nor the directory, so it can neither make a `-wal` and a `-shm` nor change
//! them: `SQLite` then reads a ledger in WAL mode only while both exist (<https://www.sqlite.org/wal.html#read_only_databases>).
//! `SQLite` gives both the owner and mode of the database file, and deletes both when the last connection that could write closes.
//! So the database file is made with mode 0640 before `SQLite` first opens it, and the writer holds a read-only connection, the
//! keeper, beside its own: the writing connection is never the last to close, and the keeper's close cannot delete.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Read, Seek, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use sqlx::migrate::Migrator;
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};
use sqlx::{ConnectOptions, Connection};

use crate::error::LedgerError;

/// The forward steps of the schema.
pub(crate) static MIGRATIONS: Migrator = sqlx::migrate!("../migrations");

/// What `PRAGMA application_id` says of a ledger, `BlLg` in ASCII.
const APPLICATION_ID: i64 = 0x426c_4c67;

/// Owner reads and writes, group reads.
const MODE: u32 = 0o640;

/// How much work a report may be, in steps of the database's machine: 0.3 s of a core of a small virtual machine.
const STEPS_AT_MOST: i32 = 20_000_000;

/// How often a report looks whether it has worked too much, in the same steps.
const STEPS_BETWEEN_RESTS: i32 = 100_000;

/// The newest version of the schema that this program knows.
pub(crate) fn known_version() -> i64 {
    MIGRATIONS.iter().map(|migration| migration.version).max().unwrap_or(0)
}

/// A file beside the ledger, by its ending.
pub(crate) fn beside(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(ending);
    PathBuf::from(name)
}

/// The lock that one writer holds for as long as the value lives, also over a crash of the process: the kernel frees it.
#[derive(Debug)]
pub(crate) struct WriterLock {
    /// Holds the lock.
    file: File,
}

impl Drop for WriterLock {
    fn drop(&mut self) {
        // Closing alone would not free it while a child that is being started still has a copy of the file. What cannot be freed here is freed
        // when that becomes its own program.
        let _freed = self.file.unlock();
    }
}

impl WriterLock {
    /// Takes the lock of the ledger at `path`, or says who has it. The lock's file stays.
    pub(crate) fn take(path: &Path) -> Result<Self, LedgerError> {
        const OPERATION: &str = "locking it for writing";
        let mut file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .mode(MODE)
            .open(beside(path, ".lock"))
            .map_err(|error| writing(path, OPERATION, &error))?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let mut holder = String::new();
                let pid = file
                    .read_to_string(&mut holder)
                    .ok()
                    .and_then(|_| holder.trim().parse().ok());
                return Err(LedgerError::Locked {
                    path: path.to_owned(),
                    pid,
                });
            }
            Err(TryLockError::Error(error)) => return Err(LedgerError::io(path, OPERATION, &error)),
        }
        file.set_len(0)
            .and_then(|()| file.rewind())
            .and_then(|()| writeln!(file, "{}", std::process::id()))
            .map_err(|error| writing(path, OPERATION, &error))?;
        Ok(Self { file })
    }
}

/// Where a new ledger is made: it gets its name once it is whole, so that one that is there but empty has lost what it held.
pub(crate) fn unfinished(path: &Path) -> PathBuf {
    beside(path, ".new")
}

/// Gives a whole new ledger its name, where nothing is.
pub(crate) fn name(unfinished: &Path, path: &Path) -> Result<(), LedgerError> {
    std::fs::rename(unfinished, path)
        .and_then(|()| File::open(directory(path)).and_then(|directory| directory.sync_all()))
        .map_err(|error| writing(path, "making it", &error))
}

/// The ledger's `-wal`, where there is one that holds something: without its database nobody can read it.
pub(crate) fn orphan(path: &Path) -> Option<PathBuf> {
    let wal = beside(path, "-wal");
    std::fs::metadata(&wal)
        .is_ok_and(|metadata| metadata.len() > 0)
        .then_some(wal)
}

/// Sees that there is room to bring a ledger of an older version to this one: as much again as it is large. What is copied goes into the `-wal` first, and from there
/// into the ledger.
pub(crate) fn room_to_migrate(path: &Path) -> Result<(), LedgerError> {
    const OPERATION: &str = "looking for room";
    let failed = |error: &std::io::Error| LedgerError::io(path, OPERATION, error);
    let needed = std::fs::metadata(path).map_err(|error| failed(&error))?.len();
    let disk = nix::sys::statvfs::statvfs(directory(path)).map_err(|error| failed(&error.into()))?;
    let free = disk.blocks_available().saturating_mul(disk.fragment_size());
    if free >= needed {
        return Ok(());
    }
    Err(LedgerError::NoRoom {
        path: path.to_owned(),
        needed,
        free,
    })
}

/// Makes the empty database file, readable by its group whatever the umask; it must not exist.
pub(crate) fn create(path: &Path) -> Result<(), LedgerError> {
    const OPERATION: &str = "making it";
    let file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(MODE)
        .open(path)
        .map_err(|error| writing(path, OPERATION, &error))?;
    file.set_permissions(std::fs::Permissions::from_mode(MODE))
        .and_then(|()| file.sync_all())
        .and_then(|()| File::open(directory(path)).and_then(|directory| directory.sync_all()))
        .map_err(|error| writing(path, OPERATION, &error))
}

/// Takes away a ledger that could not be made.
pub(crate) fn remove(path: &Path) {
    for file in [path.to_owned(), beside(path, "-wal"), beside(path, "-shm")] {
        if let Err(error) = std::fs::remove_file(&file)
            && error.kind() != std::io::ErrorKind::NotFound
        {
            tracing::warn!(file = %file.display(), %error, "an unfinished ledger could not be removed");
        }
    }
}

/// Takes away a whole ledger with everything beside it.
///
/// # Errors
/// Another process writes to it, or it cannot be taken away.
pub fn discard(path: &Path) -> Result<(), LedgerError> {
    let lock = WriterLock::take(path)?;
    for ending in ["", "-wal", "-shm", ".lock"] {
        match std::fs::remove_file(beside(path, ending)) {
            Ok(()) => {}
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
            Err(error) => return Err(writing(path, "taking it away", &error)),
        }
    }
    drop(lock);
    Ok(())
}

fn directory(path: &Path) -> &Path {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    }
}

/// Sorts an error of writing: what may not be opened for writing is read-only to this process.
fn writing(path: &Path, operation: &'static str, error: &std::io::Error) -> LedgerError {
    if error.kind() == std::io::ErrorKind::PermissionDenied {
        return LedgerError::ReadOnly {
            path: path.to_owned(),
            operation,
            what: error.to_string(),
        };
    }
    if error.kind() == std::io::ErrorKind::NotFound {
        return LedgerError::NoDirectory {
            path: directory(path).to_owned(),
        };
    }
    LedgerError::io(path, operation, error)
}

/// A connection that can only read, and has read the ledger's version.
#[derive(Debug)]
pub(crate) struct Reader {
    /// The connection.
    pub connection: SqliteConnection,
    /// The ledger's version, at most [`known_version`].
    pub version: i64,
    /// What the database file was when it was opened without its `-wal`.
    unlogged: Option<Fingerprint>,
}

/// What changes when a file is written or replaced.
#[derive(Debug, PartialEq, Eq)]
struct Fingerprint {
    inode: u64,
    length: u64,
    changed: (i64, i64),
}

impl Fingerprint {
    fn of(path: &Path) -> std::io::Result<Self> {
        let metadata = std::fs::metadata(path)?;
        Ok(Self {
            inode: metadata.ino(),
            length: metadata.len(),
            changed: (metadata.ctime(), metadata.ctime_nsec()),
        })
    }
}

impl Reader {
    /// Opens a ledger to be read.
    ///
    /// Where maintenance has taken `-wal` and `-shm` away and this user cannot make them, nobody writes and the database file is all
    /// there is: it is read as it is, and [`close`](Self::close) says whether it stayed so.
    pub(crate) async fn open(path: &Path) -> Result<Self, LedgerError> {
        const OPERATION: &str = "opening it to read";
        let before = Fingerprint::of(path).map_err(|error| LedgerError::io(path, OPERATION, &error))?;
        let options = SqliteConnectOptions::new()
            .filename(path)
            .read_only(true)
            .disable_statement_logging();
        match Self::connect(path, &options).await {
            Err(LedgerError::ReadOnly { .. }) if !beside(path, "-wal").exists() => {
                let mut reader = Self::connect(path, &options.immutable(true)).await?;
                reader.unlogged = Some(before);
                Ok(reader)
            }
            other => other,
        }
    }

    async fn connect(path: &Path, options: &SqliteConnectOptions) -> Result<Self, LedgerError> {
        let mut connection = options
            .connect()
            .await
            .map_err(|error| LedgerError::sqlx(path, "opening it to read", error))?;
        let version = version(path, &mut connection).await?;
        Ok(Self {
            connection,
            version,
            unlogged: None,
        })
    }

    /// Bounds the work of whatever is read through this connection from now on, so that no read transaction lasts long: [`STEPS_AT_MOST`] steps
    /// of the database's machine. More ends in [`LedgerError::TooMuch`].
    pub(crate) async fn bound(&mut self, path: &Path) -> Result<(), LedgerError> {
        let mut rests = STEPS_AT_MOST / STEPS_BETWEEN_RESTS;
        self.connection
            .lock_handle()
            .await
            .map_err(|error| LedgerError::sqlx(path, "opening it to read", error))?
            .set_progress_handler(STEPS_BETWEEN_RESTS, move || {
                rests -= 1;
                rests > 0
            });
        Ok(())
    }

    /// Ends reading. What was read holds only if this succeeds.
    pub(crate) async fn close(self, path: &Path, operation: &'static str) -> Result<(), LedgerError> {
        self.connection
            .close()
            .await
            .map_err(|error| LedgerError::sqlx(path, operation, error))?;
        match self.unlogged {
            Some(before)
                if beside(path, "-wal").exists() || Fingerprint::of(path).is_ok_and(|after| after != before) =>
            {
                Err(LedgerError::Busy {
                    path: path.to_owned(),
                    operation,
                })
            }
            Some(_) | None => Ok(()),
        }
    }
}

/// The schema's version of an existing ledger.
async fn version(path: &Path, connection: &mut SqliteConnection) -> Result<i64, LedgerError> {
    const OPERATION: &str = "reading its version";
    let found: i64 = sqlx::query_scalar("PRAGMA user_version")
        .fetch_one(&mut *connection)
        .await
        .map_err(|error| LedgerError::sqlx(path, OPERATION, error))?;
    let application: i64 = sqlx::query_scalar("PRAGMA application_id")
        .fetch_one(connection)
        .await
        .map_err(|error| LedgerError::sqlx(path, OPERATION, error))?;
    if application != APPLICATION_ID {
        return Err(LedgerError::NotALedger { path: path.to_owned() });
    }
    let known = known_version();
    if found > known {
        return Err(LedgerError::Newer {
            path: path.to_owned(),
            found,
            known,
        });
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_report_without_end_ends() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("ledger");
        let ledger = crate::Ledger::create(&path, crate::Durability::Unsynced).await.unwrap();
        let mut reader = Reader::open(&path).await.unwrap();
        reader.bound(&path).await.unwrap();
        let said = sqlx::query_scalar::<_, i64>(
            "WITH RECURSIVE number (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM number) SELECT count(*) FROM number",
        )
        .fetch_one(&mut reader.connection)
        .await
        .map_err(|error| LedgerError::sqlx(&path, "counting all numbers", error));
        assert!(matches!(said, Err(LedgerError::TooMuch { .. })), "{said:?}");
        reader.close(&path, "closing it").await.unwrap();
        ledger.close().await.unwrap();
    }
}
