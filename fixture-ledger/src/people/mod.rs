//! Who may do what at a fixture: accounts, log-ins and tokens, in a database of their own that only the web service writes.
//!
//! Of secrets only digests are stored: Argon2id of what people choose or carry, SHA-256 of what is drawn here and cannot be guessed. Guesses are
//! counted before they are looked at, so that many at once count as many.

mod guess;
mod secret;

use core::time::Duration;
use std::path::{Path, PathBuf};

use fixture_link::role::Role;
use sqlx::ConnectOptions as _;
use sqlx::migrate::Migrator;
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection, SqliteJournalMode, SqliteSynchronous};
use tokio::sync::Mutex;

pub use self::guess::LONGEST_WAIT;
use self::secret::Digest;
pub use self::secret::{PASSWORD_LETTERS, PIN_DIGITS, Secret, setup_code};
use crate::decode::Place;
use crate::error::LedgerError;
use crate::files;

static MIGRATIONS: Migrator = sqlx::migrate!("../migrations/people");

/// What `PRAGMA application_id` says of such a database, `BlPp` in ASCII.
const APPLICATION_ID: i64 = 0x426c_5070;

/// How long a log-in holds, whatever happens: a shift and a half.
pub const LOG_IN_HOLDS: Duration = Duration::from_hours(12);

/// A log-in that was not used for so long has ended, where it was not made at the line.
pub const LOG_IN_RESTS: Duration = Duration::from_hours(2);

/// How exactly it is written down when a log-in was last used, microseconds.
const USED_WITHIN: i64 = 60_000_000;

/// Names that records give to what is no account.
const RESERVED: [&str; 4] = ["console", "scanner", "line", "nobody"];

/// The most letters of a name.
const LONGEST_NAME: usize = 64;

/// Why people's database did not do what it was asked. After any of them nothing is half-written.
#[derive(Debug, thiserror::Error)]
pub enum PeopleError {
    /// The database.
    #[error(transparent)]
    Store(#[from] LedgerError),
    /// Name, password, PIN or badge cannot be one.
    #[error("{0}")]
    Unfit(String),
    /// There is such an account, or was one: names are given once.
    #[error("the name {0:?} is taken: the records tell of people by name, so that each is given once")]
    Taken(String),
    /// Somebody else has this badge.
    #[error("this badge is somebody else's")]
    BadgeTaken,
    /// Name and secret do not fit; it is not said which.
    #[error("name and password, PIN or badge do not fit")]
    Wrong,
    /// Too many wrong guesses: before then none is looked at.
    #[error("too many wrong tries: wait {} s", .0.as_secs().max(1))]
    Wait(Duration),
    /// There must be an administrator.
    #[error("this is the last administrator who can log in: make another one first")]
    LastAdmin,
    /// There is no such account or token, or it was taken away.
    #[error("there is no such account or token any more")]
    Gone,
    /// The secret could not be hashed, or the system gives no randomness.
    #[error("{0}")]
    Broken(String),
}

/// A person, without anything secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Account {
    /// The account's number.
    pub number: i64,
    /// The person's name.
    pub name: String,
    /// What the person may do.
    pub role: Role,
    /// Can log in by a password.
    pub password: bool,
    /// Can log in by a PIN at the line.
    pub pin: bool,
    /// Can log in by a badge at the line.
    pub badge: bool,
    /// When it was made, microseconds since 1970 UTC.
    pub made: i64,
    /// When it was taken away.
    pub ended: Option<i64>,
}

/// Somebody whom a log-in or a token has proven.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Person {
    /// The account's number; `None` for a machine with a token.
    pub account: Option<i64>,
    /// The name in records; a token's begins with `token `.
    pub name: String,
    /// What may be done.
    pub role: Role,
}

/// A machine's token, without the secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Token {
    /// Its number.
    pub number: i64,
    /// What it is for.
    pub name: String,
    /// What may be done with it.
    pub role: Role,
    /// Who made it.
    pub by: String,
    /// When, microseconds since 1970 UTC.
    pub made: i64,
    /// When it ends.
    pub ends: i64,
    /// When it was taken away.
    pub ended: Option<i64>,
}

/// By what somebody logs in.
#[derive(Debug, Clone)]
pub enum Proof {
    /// Name and password.
    Password {
        /// The account.
        name: String,
        /// The password.
        password: Secret,
    },
    /// Name and PIN, at the line.
    Pin {
        /// The account.
        name: String,
        /// The PIN.
        pin: Secret,
    },
    /// A badge, at the line.
    Badge(Secret),
}

/// Where somebody is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Whereabouts {
    /// At the fixture.
    Line,
    /// Elsewhere, at an address.
    Network(String),
}

impl Whereabouts {
    /// As it is recorded: `line`, or the address.
    pub fn as_str(&self) -> &str {
        match self {
            Self::Line => "line",
            Self::Network(address) => address,
        }
    }
}

/// The database of people, open.
#[derive(Debug)]
pub struct People {
    path: PathBuf,
    connection: Mutex<SqliteConnection>,
}

impl People {
    /// Opens the database, makes it where it is missing, with its folder, and brings an older one to this program's version.
    ///
    /// # Errors
    /// It cannot be opened or written, is newer than this program, or something else.
    pub async fn open(path: &Path) -> Result<Self, LedgerError> {
        const OPERATION: &str = "opening it";
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder).map_err(|error| LedgerError::io(folder, OPERATION, &error))?;
        }
        if path.symlink_metadata().is_err() {
            files::create(path)?;
        }
        let failed = |error| LedgerError::sqlx(path, OPERATION, error);
        let mut connection = SqliteConnectOptions::new()
            .filename(path)
            .journal_mode(SqliteJournalMode::Delete)
            .synchronous(SqliteSynchronous::Full)
            .foreign_keys(true)
            .disable_statement_logging()
            .connect()
            .await
            .map_err(failed)?;
        let application: i64 = sqlx::query_scalar("PRAGMA application_id")
            .fetch_one(&mut connection)
            .await
            .map_err(failed)?;
        if application != 0 && application != APPLICATION_ID {
            return Err(LedgerError::NotALedger { path: path.to_owned() });
        }
        MIGRATIONS
            .run(&mut connection)
            .await
            .map_err(|error| LedgerError::migrate(path, OPERATION, error))?;
        Ok(Self {
            path: path.to_owned(),
            connection: Mutex::new(connection),
        })
    }

    /// Whether there is an administrator who can log in.
    ///
    /// # Errors
    /// The database could not be read.
    pub async fn has_admin(&self) -> Result<bool, PeopleError> {
        Ok(self.admins().await? > 0)
    }

    async fn admins(&self) -> Result<i64, PeopleError> {
        let mut connection = self.connection.lock().await;
        sqlx::query_scalar!(
            r#"SELECT count(*) AS "count!: i64"
            FROM account
            WHERE role = 'admin'
                AND password IS NOT NULL
                AND ended IS NULL"#
        )
        .fetch_one(&mut *connection)
        .await
        .map_err(|error| self.failed("counting administrators", error))
    }

    /// Everybody, those whose account was taken away as well, in order of name.
    ///
    /// # Errors
    /// The database could not be read.
    pub async fn accounts(&self) -> Result<Vec<Account>, PeopleError> {
        let mut connection = self.connection.lock().await;
        let rows = sqlx::query!(
            r#"SELECT
                number,
                name,
                role,
                password IS NOT NULL AS "password!: bool",
                pin IS NOT NULL AS "pin!: bool",
                badge IS NOT NULL AS "badge!: bool",
                made,
                ended
            FROM account
            ORDER BY ended IS NOT NULL, name COLLATE NOCASE"#
        )
        .fetch_all(&mut *connection)
        .await
        .map_err(|error| self.failed("reading accounts", error))?;
        rows.into_iter()
            .map(|row| {
                Ok(Account {
                    number: row.number,
                    name: row.name,
                    role: self.role("account", row.number, &row.role)?,
                    password: row.password,
                    pin: row.pin,
                    badge: row.badge,
                    made: row.made,
                    ended: row.ended,
                })
            })
            .collect()
    }

    /// An account that stands, by its number.
    ///
    /// # Errors
    /// There is none; the database could not be read.
    pub async fn account(&self, number: i64) -> Result<Account, PeopleError> {
        let accounts = self.accounts().await?;
        accounts
            .into_iter()
            .find(|account| account.number == number && account.ended.is_none())
            .ok_or(PeopleError::Gone)
    }

    /// Whether a name can be given to somebody.
    ///
    /// # Errors
    /// It cannot be one or is taken; the database could not be read.
    pub async fn free(&self, name: &str) -> Result<(), PeopleError> {
        fit_name(name)?;
        let mut connection = self.connection.lock().await;
        let there = sqlx::query_scalar!("SELECT number FROM account WHERE name = ?1", name)
            .fetch_optional(&mut *connection)
            .await
            .map_err(|error| self.failed("looking a name up", error))?;
        match there {
            None => Ok(()),
            Some(_) => Err(PeopleError::Taken(name.to_owned())),
        }
    }

    /// Whether these can be the secrets of `name`, so that an account is not made with half of them.
    ///
    /// # Errors
    /// One of them cannot be one.
    pub fn fit(
        name: &str,
        password: Option<&Secret>,
        pin: Option<&Secret>,
        badge: Option<&Secret>,
    ) -> Result<(), PeopleError> {
        password.map(|password| password.as_password(name)).transpose()?;
        pin.map(Secret::as_pin).transpose()?;
        badge.map(Secret::as_badge).transpose()?;
        Ok(())
    }

    /// Makes an account that nobody can log in with yet.
    ///
    /// # Errors
    /// The name cannot be one or is taken; it could not be stored.
    pub async fn make(&self, name: &str, role: Role, at: i64) -> Result<Account, PeopleError> {
        fit_name(name)?;
        let text = role.as_str();
        let mut connection = self.connection.lock().await;
        let made = sqlx::query!(
            "INSERT INTO account (name, role, made)
            VALUES (?1, ?2, ?3)
            ON CONFLICT (name) DO NOTHING",
            name,
            text,
            at
        )
        .execute(&mut *connection)
        .await
        .map_err(|error| self.failed("making an account", error))?;
        if made.rows_affected() == 0 {
            return Err(PeopleError::Taken(name.to_owned()));
        }
        Ok(Account {
            number: made.last_insert_rowid(),
            name: name.to_owned(),
            role,
            password: false,
            pin: false,
            badge: false,
            made: at,
            ended: None,
        })
    }

    /// Makes the first administrator, who can log in at once.
    ///
    /// # Errors
    /// There is one already; name or password cannot be one; it could not be stored.
    pub async fn make_first_admin(&self, name: &str, password: Secret, at: i64) -> Result<Account, PeopleError> {
        fit_name(name)?;
        let digest = password.as_password(name)?.hashed().await?;
        let mut connection = self.connection.lock().await;
        let made = sqlx::query!(
            "INSERT INTO account (name, role, password, made)
            SELECT ?1, 'admin', ?2, ?3
            WHERE NOT EXISTS (
                SELECT *
                FROM account
                WHERE role = 'admin'
                    AND password IS NOT NULL
                    AND ended IS NULL
            )
            ON CONFLICT (name) DO NOTHING",
            name,
            digest,
            at
        )
        .execute(&mut *connection)
        .await
        .map_err(|error| self.failed("making the first administrator", error))?;
        if made.rows_affected() == 0 {
            return Err(PeopleError::Taken(name.to_owned()));
        }
        Ok(Account {
            number: made.last_insert_rowid(),
            name: name.to_owned(),
            role: Role::Admin,
            password: true,
            pin: false,
            badge: false,
            made: at,
            ended: None,
        })
    }

    /// Gives an account a password; everybody who is logged in with it is logged out.
    ///
    /// # Errors
    /// It cannot be one; the account is gone; it could not be stored.
    pub async fn set_password(&self, number: i64, password: Secret) -> Result<(), PeopleError> {
        let account = self.account(number).await?;
        let digest = password.as_password(&account.name)?.hashed().await?;
        let changed = {
            let mut connection = self.connection.lock().await;
            sqlx::query!(
                "UPDATE account
                SET password = ?2
                WHERE number = ?1
                    AND ended IS NULL",
                number,
                digest
            )
            .execute(&mut *connection)
            .await
            .map_err(|error| self.failed("storing a password", error))?
        };
        self.changed(changed.rows_affected(), number).await
    }

    /// Gives an account a PIN, or takes it away.
    ///
    /// # Errors
    /// It cannot be one; the account is gone; it could not be stored.
    pub async fn set_pin(&self, number: i64, pin: Option<Secret>) -> Result<(), PeopleError> {
        let digest = match pin {
            Some(pin) => Some(pin.as_pin()?.hashed().await?),
            None => None,
        };
        let changed = {
            let mut connection = self.connection.lock().await;
            sqlx::query!(
                "UPDATE account
                SET pin = ?2
                WHERE number = ?1
                    AND ended IS NULL",
                number,
                digest
            )
            .execute(&mut *connection)
            .await
            .map_err(|error| self.failed("storing a PIN", error))?
        };
        self.changed(changed.rows_affected(), number).await
    }

    /// Gives an account a badge, or takes it away.
    ///
    /// # Errors
    /// It cannot be one, or is somebody else's; the account is gone; it could not be stored.
    pub async fn set_badge(&self, number: i64, badge: Option<Secret>) -> Result<(), PeopleError> {
        let digest = match badge {
            Some(badge) => Some(self.badge_digest(badge).await?),
            None => None,
        };
        let changed = {
            let mut connection = self.connection.lock().await;
            let stored = sqlx::query!(
                "UPDATE account
                SET badge = ?2
                WHERE number = ?1
                    AND ended IS NULL",
                number,
                digest
            )
            .execute(&mut *connection)
            .await;
            match stored {
                Ok(changed) => changed,
                Err(error)
                    if error
                        .as_database_error()
                        .is_some_and(sqlx::error::DatabaseError::is_unique_violation) =>
                {
                    return Err(PeopleError::BadgeTaken);
                }
                Err(error) => return Err(self.failed("storing a badge", error)),
            }
        };
        self.changed(changed.rows_affected(), number).await
    }

    /// Gives an account another role; everybody who is logged in with it is logged out.
    ///
    /// # Errors
    /// It is the last administrator's; it is gone; it could not be stored.
    pub async fn set_role(&self, number: i64, role: Role) -> Result<(), PeopleError> {
        let account = self.account(number).await?;
        if account.role == Role::Admin && role != Role::Admin {
            self.another_admin_than(&account).await?;
        }
        let role = role.as_str();
        let changed = {
            let mut connection = self.connection.lock().await;
            sqlx::query!(
                "UPDATE account
                SET role = ?2
                WHERE number = ?1
                    AND ended IS NULL",
                number,
                role
            )
            .execute(&mut *connection)
            .await
            .map_err(|error| self.failed("storing a role", error))?
        };
        self.changed(changed.rows_affected(), number).await
    }

    /// Takes an account away; everybody who is logged in with it is logged out. Its name stays taken.
    ///
    /// # Errors
    /// It is the last administrator's; it is gone already; it could not be stored.
    pub async fn end(&self, number: i64, at: i64) -> Result<(), PeopleError> {
        let account = self.account(number).await?;
        if account.role == Role::Admin {
            self.another_admin_than(&account).await?;
        }
        let changed = {
            let mut connection = self.connection.lock().await;
            sqlx::query!(
                "UPDATE account
                SET ended = ?2, badge = NULL
                WHERE number = ?1
                    AND ended IS NULL",
                number,
                at
            )
            .execute(&mut *connection)
            .await
            .map_err(|error| self.failed("taking an account away", error))?
        };
        self.changed(changed.rows_affected(), number).await
    }

    async fn another_admin_than(&self, account: &Account) -> Result<(), PeopleError> {
        if self.admins().await? > i64::from(account.password) {
            Ok(())
        } else {
            Err(PeopleError::LastAdmin)
        }
    }

    async fn changed(&self, rows: u64, account: i64) -> Result<(), PeopleError> {
        if rows == 0 {
            return Err(PeopleError::Gone);
        }
        self.log_out_everywhere(account).await
    }

    /// Logs somebody in: who it is, and what the browser is to hold.
    ///
    /// # Errors
    /// It does not fit, or too many guesses did not; PIN or badge elsewhere than at the line; it could not be stored.
    pub async fn log_in(&self, proof: Proof, from: &Whereabouts, at: i64) -> Result<(Person, Secret), PeopleError> {
        if matches!(proof, Proof::Pin { .. } | Proof::Badge(_)) && *from != Whereabouts::Line {
            return Err(PeopleError::Unfit(
                "PINs and badges hold at the line only: log in with a password".to_owned(),
            ));
        }
        let of = match &proof {
            Proof::Password { name, .. } => Some(format!("password of {}", name.to_lowercase())),
            Proof::Pin { name, .. } => Some(format!("PIN of {}", name.to_lowercase())),
            Proof::Badge(_) => None,
        };
        let address = format!("from {}", from.as_str());
        self.count_guess(of.as_deref(), &address, at).await?;
        let found = match proof {
            Proof::Password { name, password } => self.by_secret(&name, password, Kind::Password).await?,
            Proof::Pin { name, pin } => self.by_secret(&name, pin, Kind::Pin).await?,
            Proof::Badge(badge) => self.by_badge(badge).await?,
        };
        let person = found.ok_or(PeopleError::Wrong)?;
        self.guessed_right(of.as_deref(), &address).await?;
        let secret = self.begin(&person, from, at).await?;
        Ok((person, secret))
    }

    async fn by_secret(&self, name: &str, secret: Secret, kind: Kind) -> Result<Option<Person>, PeopleError> {
        let row = {
            let mut connection = self.connection.lock().await;
            sqlx::query!(
                "SELECT number, name, role, password, pin
                FROM account
                WHERE name = ?1
                    AND ended IS NULL",
                name
            )
            .fetch_optional(&mut *connection)
            .await
            .map_err(|error| self.failed("looking an account up", error))?
        };
        let digest = row.as_ref().and_then(|row| match kind {
            Kind::Password => row.password.clone(),
            Kind::Pin => row.pin.clone(),
        });
        // An unknown name takes as long as a known one.
        let fits = secret.fits(digest).await?;
        match row {
            Some(row) if fits => Ok(Some(Person {
                account: Some(row.number),
                name: row.name,
                role: self.role("account", row.number, &row.role)?,
            })),
            Some(_) | None => Ok(None),
        }
    }

    async fn by_badge(&self, badge: Secret) -> Result<Option<Person>, PeopleError> {
        let digest = self.badge_digest(badge).await?;
        let mut connection = self.connection.lock().await;
        let row = sqlx::query!(
            "SELECT number, name, role
            FROM account
            WHERE badge = ?1
                AND ended IS NULL",
            digest
        )
        .fetch_optional(&mut *connection)
        .await
        .map_err(|error| self.failed("looking a badge up", error))?;
        row.map(|row| {
            Ok(Person {
                account: Some(row.number),
                name: row.name,
                role: self.role("account", row.number, &row.role)?,
            })
        })
        .transpose()
    }

    async fn badge_digest(&self, badge: Secret) -> Result<Vec<u8>, PeopleError> {
        let salt = {
            let mut connection = self.connection.lock().await;
            sqlx::query_scalar!("SELECT badge FROM salt")
                .fetch_one(&mut *connection)
                .await
                .map_err(|error| self.failed("reading the badges' salt", error))?
        };
        badge.as_badge()?.hashed_with(salt).await
    }

    async fn begin(&self, person: &Person, from: &Whereabouts, at: i64) -> Result<Secret, PeopleError> {
        let secret = Secret::drawn()?;
        let digest = secret.digest();
        let digest = digest.as_slice();
        let ends = at.saturating_add(micros(LOG_IN_HOLDS));
        let at_line = *from == Whereabouts::Line;
        let address = from.as_str();
        let mut connection = self.connection.lock().await;
        // Those that have ended go with the next that begins.
        sqlx::query!("DELETE FROM log_in WHERE ends < ?1", at)
            .execute(&mut *connection)
            .await
            .map_err(|error| self.failed("clearing log-ins", error))?;
        sqlx::query!(
            "INSERT INTO log_in (digest, account, made, used, ends, at_line, address)
            VALUES (?1, ?2, ?3, ?3, ?4, ?5, ?6)",
            digest,
            person.account,
            at,
            ends,
            at_line,
            address
        )
        .execute(&mut *connection)
        .await
        .map_err(|error| self.failed("storing a log-in", error))?;
        Ok(secret)
    }

    /// Who holds a log-in's secret, while it lasts. One that was made at the line holds nowhere else.
    ///
    /// # Errors
    /// The database could not be read or written.
    pub async fn logged_in(&self, secret: &Secret, from: &Whereabouts, at: i64) -> Result<Option<Person>, PeopleError> {
        let digest = secret.digest();
        let digest = digest.as_slice();
        let mut connection = self.connection.lock().await;
        let row = sqlx::query!(
            r#"SELECT account.number, account.name, account.role, log_in.used, log_in.ends, log_in.at_line AS "at_line: bool"
            FROM log_in
            JOIN account ON account.number = log_in.account
            WHERE log_in.digest = ?1
                AND account.ended IS NULL"#,
            digest
        )
        .fetch_optional(&mut *connection)
        .await
        .map_err(|error| self.failed("looking a log-in up", error))?;
        let Some(row) = row else { return Ok(None) };
        let rested = !row.at_line && at.saturating_sub(row.used) > micros(LOG_IN_RESTS);
        if at >= row.ends || rested || (row.at_line && *from != Whereabouts::Line) {
            return Ok(None);
        }
        if at.saturating_sub(row.used) > USED_WITHIN {
            sqlx::query!("UPDATE log_in SET used = ?2 WHERE digest = ?1", digest, at)
                .execute(&mut *connection)
                .await
                .map_err(|error| self.failed("storing that a log-in is used", error))?;
        }
        Ok(Some(Person {
            account: Some(row.number),
            name: row.name,
            role: self.role("account", row.number, &row.role)?,
        }))
    }

    /// Ends a log-in.
    ///
    /// # Errors
    /// It could not be stored.
    pub async fn log_out(&self, secret: &Secret) -> Result<(), PeopleError> {
        let digest = secret.digest();
        let digest = digest.as_slice();
        let mut connection = self.connection.lock().await;
        sqlx::query!("DELETE FROM log_in WHERE digest = ?1", digest)
            .execute(&mut *connection)
            .await
            .map_err(|error| self.failed("logging out", error))?;
        Ok(())
    }

    /// Ends every log-in of an account.
    ///
    /// # Errors
    /// It could not be stored.
    pub async fn log_out_everywhere(&self, account: i64) -> Result<(), PeopleError> {
        let mut connection = self.connection.lock().await;
        sqlx::query!("DELETE FROM log_in WHERE account = ?1", account)
            .execute(&mut *connection)
            .await
            .map_err(|error| self.failed("logging out everywhere", error))?;
        Ok(())
    }

    /// Makes a machine's token, which is told once.
    ///
    /// # Errors
    /// The name cannot be one or is taken; `ends` is not after `at`; it could not be stored.
    pub async fn make_token(
        &self,
        name: &str,
        role: Role,
        by: &str,
        at: i64,
        ends: i64,
    ) -> Result<Secret, PeopleError> {
        fit_name(name)?;
        if ends <= at {
            return Err(PeopleError::Unfit(
                "ends: expected a day that is still to come".to_owned(),
            ));
        }
        let secret = Secret::drawn()?;
        let digest = secret.digest();
        let digest = digest.as_slice();
        let role = role.as_str();
        let mut connection = self.connection.lock().await;
        let made = sqlx::query!(
            "INSERT INTO token (digest, name, role, by, made, ends)
            VALUES (?1, ?2, ?3, ?4, ?5, ?6)
            ON CONFLICT (name) DO NOTHING",
            digest,
            name,
            role,
            by,
            at,
            ends
        )
        .execute(&mut *connection)
        .await
        .map_err(|error| self.failed("making a token", error))?;
        if made.rows_affected() == 0 {
            return Err(PeopleError::Taken(name.to_owned()));
        }
        Ok(secret)
    }

    /// All tokens, those that were taken away as well, the newest first.
    ///
    /// # Errors
    /// The database could not be read.
    pub async fn tokens(&self) -> Result<Vec<Token>, PeopleError> {
        let mut connection = self.connection.lock().await;
        let rows = sqlx::query!(
            "SELECT number, name, role, by, made, ends, ended
            FROM token
            ORDER BY number DESC"
        )
        .fetch_all(&mut *connection)
        .await
        .map_err(|error| self.failed("reading tokens", error))?;
        rows.into_iter()
            .map(|row| {
                Ok(Token {
                    number: row.number,
                    name: row.name,
                    role: self.role("token", row.number, &row.role)?,
                    by: row.by,
                    made: row.made,
                    ends: row.ends,
                    ended: row.ended,
                })
            })
            .collect()
    }

    /// Takes a token away.
    ///
    /// # Errors
    /// There is none; it could not be stored.
    pub async fn end_token(&self, number: i64, at: i64) -> Result<(), PeopleError> {
        let mut connection = self.connection.lock().await;
        let changed = sqlx::query!(
            "UPDATE token
            SET ended = ?2
            WHERE number = ?1
                AND ended IS NULL",
            number,
            at
        )
        .execute(&mut *connection)
        .await
        .map_err(|error| self.failed("taking a token away", error))?;
        if changed.rows_affected() == 0 {
            return Err(PeopleError::Gone);
        }
        Ok(())
    }

    /// Which machine holds a token's secret, while it lasts.
    ///
    /// # Errors
    /// The database could not be read.
    pub async fn by_token(&self, secret: &Secret, at: i64) -> Result<Option<Person>, PeopleError> {
        let digest = secret.digest();
        let digest = digest.as_slice();
        let mut connection = self.connection.lock().await;
        let row = sqlx::query!(
            "SELECT number, name, role
            FROM token
            WHERE digest = ?1
                AND ended IS NULL
                AND ends > ?2",
            digest,
            at
        )
        .fetch_optional(&mut *connection)
        .await
        .map_err(|error| self.failed("looking a token up", error))?;
        row.map(|row| {
            Ok(Person {
                account: None,
                name: format!("token {}", row.name),
                role: self.role("token", row.number, &row.role)?,
            })
        })
        .transpose()
    }

    fn role(&self, table: &'static str, row: i64, text: &str) -> Result<Role, PeopleError> {
        let place = Place {
            path: &self.path,
            table,
            row,
        };
        Ok(place.parse("role", text)?)
    }

    fn failed(&self, operation: &'static str, error: sqlx::Error) -> PeopleError {
        PeopleError::Store(LedgerError::sqlx(&self.path, operation, error))
    }
}

/// Which secret of an account.
#[derive(Debug, Clone, Copy)]
enum Kind {
    Password,
    Pin,
}

fn micros(time: Duration) -> i64 {
    i64::try_from(time.as_micros()).unwrap_or(i64::MAX)
}

fn fit_name(name: &str) -> Result<(), PeopleError> {
    let letters = name.chars().count();
    let plain = name.trim() == name && !name.chars().any(char::is_control);
    if !(1..=LONGEST_NAME).contains(&letters) || !plain {
        return Err(PeopleError::Unfit(format!(
            "name: expected 1 to {LONGEST_NAME} printable characters without white space at the ends"
        )));
    }
    let lower = name.to_lowercase();
    if RESERVED.contains(&lower.as_str()) || lower.starts_with("token ") {
        return Err(PeopleError::Unfit(format!(
            "name: {name:?} stands for something else in records: expected a person's"
        )));
    }
    Ok(())
}
