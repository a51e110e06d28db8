-- Who may do what, and what came of it: an act's id, role and place, what it changed, and more kinds of acts; found by person, kind, unit and time.

PRAGMA user_version = 9;

-- The table anew, with more acts among those it knows; SQLite has no other way to change a CHECK.
CREATE TABLE act_with_id (
    number INTEGER NOT NULL PRIMARY KEY,
    -- A UUID that whoever asked made up; unknown of acts from before, as are role and origin.
    id BLOB UNIQUE CHECK (length(id) = 16),
    at INTEGER NOT NULL CHECK (at >= 0),
    at_synchronised INTEGER NOT NULL CHECK (at_synchronised IN (0, 1)),
    by TEXT NOT NULL,
    role TEXT CHECK (role IN ('viewer', 'operator', 'qa', 'engineer', 'admin')),
    -- Where it was asked from: console, line, or a network address.
    origin TEXT CHECK (length(origin) <= 64),
    kind TEXT NOT NULL CHECK (
        kind IN (
            'start', 'stop', 'acknowledge', 'unlock', 'lot', 'work-order', 'operator', 'quarantine', 'dispose', 'mark',
            'golden-check', 'shelve', 'language', 'recipe', 'study', 'account'
        )
    ),
    lane INTEGER CHECK (lane BETWEEN 1 AND 8),
    serial TEXT CHECK (length(serial) BETWEEN 1 AND 64),
    -- The reason, the note of an acknowledgement, or the name that was given: lot, work order, operator, language, account; empty where
    -- there is none.
    words TEXT NOT NULL,
    -- What was chosen: the disposition, the mark, the part whose notice is shelved, what a study is made of, what is changed of an account; empty for all
    -- others.
    choice TEXT,
    -- How long a notice is shelved.
    minutes INTEGER,
    -- Why it was not done; empty when it was done.
    refused TEXT,
    -- What it changed, in words; both empty where it changed nothing.
    before TEXT,
    after TEXT,
    -- The last verdict committed before it; 0 for none. Empty of acts from before.
    after_verdict INTEGER CHECK (after_verdict >= 0),
    CHECK ((id IS NULL) = (role IS NULL) AND (id IS NULL) = (origin IS NULL) AND (id IS NULL) = (after_verdict IS NULL)),
    CHECK ((before IS NULL) = (after IS NULL)),
    CHECK (kind NOT IN ('unlock', 'quarantine', 'dispose', 'mark') OR serial IS NOT NULL),
    CHECK ((kind IN ('dispose', 'mark', 'shelve', 'study', 'account')) = (choice IS NOT NULL)),
    CHECK (kind <> 'dispose' OR choice IN ('rework', 'scrap', 'rma', 'release')),
    CHECK (kind <> 'mark' OR choice IN ('ordinary', 'golden', 'known-bad')),
    CHECK ((kind = 'shelve') = (minutes IS NOT NULL)),
    CHECK (refused IS NOT NULL OR minutes IS NULL OR minutes BETWEEN 1 AND 1440)
) STRICT;

INSERT INTO act_with_id (number, at, at_synchronised, by, kind, lane, serial, words, refused)
SELECT number, at, at_synchronised, by, kind, lane, serial, words, refused
FROM act
ORDER BY number;

DROP TABLE act;

ALTER TABLE act_with_id RENAME TO act;

CREATE INDEX act_by_at ON act (at);

CREATE INDEX act_by_person ON act (by, at);

CREATE INDEX act_by_kind ON act (kind, at);

CREATE INDEX act_by_serial ON act (serial, at) WHERE serial IS NOT NULL;

CREATE TRIGGER act_is_final BEFORE UPDATE ON act
BEGIN
    SELECT RAISE(ABORT, 'the audit never changes');
END;

CREATE TRIGGER act_is_kept BEFORE DELETE ON act
BEGIN
    SELECT RAISE(ABORT, 'the audit is never deleted');
END;
