-- Who may do what at a fixture: accounts, log-ins and tokens. Another database than the ledger, written by the web service alone. Forward only: a
-- migration is never edited after it landed.
--
-- Instants are INTEGER microseconds since 1970 UTC. Of a secret only its digest is here.

PRAGMA application_id = 0x426c5070; -- "BlPp"
PRAGMA user_version = 1;

-- What badges are hashed with, so that one can be looked up; a badge of another fixture has another digest.
CREATE TABLE salt (
    badge BLOB NOT NULL CHECK (length(badge) = 16)
) STRICT;

INSERT INTO salt (badge) VALUES (randomblob(16));

-- A person. Never deleted: the audit tells of people by name, so that a name is given once.
CREATE TABLE account (
    number INTEGER NOT NULL PRIMARY KEY,
    name TEXT NOT NULL UNIQUE COLLATE NOCASE CHECK (length(name) BETWEEN 1 AND 64),
    role TEXT NOT NULL CHECK (role IN ('viewer', 'operator', 'qa', 'engineer', 'admin')),
    -- Argon2id, in its own notation; empty where the person logs in otherwise.
    password TEXT CHECK (password LIKE '$argon2id$%'),
    pin TEXT CHECK (pin LIKE '$argon2id$%'),
    -- Argon2id of the badge with the salt of this database.
    badge BLOB UNIQUE CHECK (length(badge) = 32),
    made INTEGER NOT NULL,
    -- When it was taken away; empty while it stands.
    ended INTEGER
) STRICT;

CREATE TRIGGER account_is_kept BEFORE DELETE ON account
BEGIN
    SELECT RAISE(ABORT, 'an account is never deleted');
END;

-- Somebody is logged in. `digest` is SHA-256 of what the browser holds.
CREATE TABLE log_in (
    digest BLOB NOT NULL PRIMARY KEY CHECK (length(digest) = 32),
    account INTEGER NOT NULL REFERENCES account (number),
    made INTEGER NOT NULL,
    -- When it was last used, to within a minute.
    used INTEGER NOT NULL,
    -- When it ends whatever happens.
    ends INTEGER NOT NULL,
    -- It was made at the line, and holds nowhere else.
    at_line INTEGER NOT NULL CHECK (at_line IN (0, 1)),
    address TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX log_in_by_account ON log_in (account);

-- A machine's. `digest` is SHA-256 of the token.
CREATE TABLE token (
    number INTEGER NOT NULL PRIMARY KEY,
    digest BLOB NOT NULL UNIQUE CHECK (length(digest) = 32),
    name TEXT NOT NULL UNIQUE COLLATE NOCASE CHECK (length(name) BETWEEN 1 AND 64),
    role TEXT NOT NULL CHECK (role IN ('viewer', 'operator', 'qa', 'engineer', 'admin')),
    by TEXT NOT NULL,
    made INTEGER NOT NULL,
    ends INTEGER NOT NULL,
    -- When it was taken away; empty while it stands.
    ended INTEGER
) STRICT;

-- Wrong guesses since the last right one, of an account or from an address.
CREATE TABLE guess (
    whose TEXT NOT NULL PRIMARY KEY,
    wrong INTEGER NOT NULL CHECK (wrong >= 1),
    -- Before then no further guess is looked at.
    wait_until INTEGER NOT NULL,
    last INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
