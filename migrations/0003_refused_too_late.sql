-- A start that came too late for the unit: it no longer listens for BlinkUp.

PRAGMA user_version = 3;

-- The table anew, with one more refusal among those it knows; SQLite has no other way to change a CHECK.
CREATE TABLE refusal_with_too_late (
    number INTEGER NOT NULL PRIMARY KEY,
    setup INTEGER NOT NULL REFERENCES setup (number),
    at INTEGER NOT NULL CHECK (at >= 0),
    at_synchronised INTEGER NOT NULL CHECK (at_synchronised IN (0, 1)),
    lane INTEGER NOT NULL CHECK (lane BETWEEN 1 AND 8),
    serial TEXT CHECK (length(serial) BETWEEN 1 AND 64),
    refusal TEXT NOT NULL CHECK (
        refusal IN (
            'double-trigger', 'duplicate-serial', 'no-serial', 'bad-serial', 'already-passed', 'retest-limit',
            'quarantined', 'line-stopped', 'lane-stopped', 'too-late'
        )
    ),
    detail TEXT NOT NULL
) STRICT;

INSERT INTO refusal_with_too_late (number, setup, at, at_synchronised, lane, serial, refusal, detail)
SELECT number, setup, at, at_synchronised, lane, serial, refusal, detail
FROM refusal;

DROP TABLE refusal;

ALTER TABLE refusal_with_too_late RENAME TO refusal;

CREATE INDEX refusal_by_serial ON refusal (serial) WHERE serial IS NOT NULL;

CREATE TRIGGER refusal_is_final BEFORE UPDATE ON refusal
BEGIN
    SELECT RAISE(ABORT, 'a refusal never changes');
END;

CREATE TRIGGER refusal_is_kept BEFORE DELETE ON refusal
BEGIN
    SELECT RAISE(ABORT, 'a refusal is never deleted');
END;
