-- The work order beside the lot; the mid light that an attempt was sent with; and what was measured of a unit, as numbers with their limits.

PRAGMA user_version = 4;

-- Empty for none, and of every run from before: a scanner's work order was stored as the lot then.
ALTER TABLE run ADD COLUMN work_order TEXT NOT NULL DEFAULT '' CHECK (length(work_order) <= 200);

CREATE INDEX run_by_work_order ON run (work_order, seated) WHERE work_order <> '';

DROP TRIGGER run_verdict_is_final;
DROP TRIGGER run_start_is_final;

CREATE TRIGGER run_verdict_is_final
BEFORE UPDATE OF
    number, id, setup, lane, serial, operator, lot, work_order, seated, seated_synchronised,
    outcome, code, detail, stage, took, ended, ended_synchronised, device_id, agent_url, samples_lost, is_first, verdict_number
ON run
WHEN OLD.outcome IS NOT NULL
BEGIN
    SELECT RAISE(ABORT, 'a recorded verdict never changes');
END;

CREATE TRIGGER run_start_is_final
BEFORE UPDATE OF number, id, setup, lane, serial, operator, lot, work_order, seated, seated_synchronised ON run
BEGIN
    SELECT RAISE(ABORT, 'a recorded start never changes');
END;

-- The light of a mid symbol that was meant, in thousandths of bright; unknown of attempts from before, and of an imp's own.
ALTER TABLE attempt ADD COLUMN mid_permille INTEGER CHECK (mid_permille BETWEEN 0 AND 1000);

-- What was measured of a unit.
CREATE TABLE measurement (
    run INTEGER NOT NULL REFERENCES run (number),
    -- The LED's dice, both together, and the green die's share of both.
    what TEXT NOT NULL CHECK (what IN ('red-die', 'green-die', 'led-strength', 'green-share')),
    scale TEXT NOT NULL CHECK (scale IN ('counts', 'of-reference', 'share')),
    value REAL NOT NULL,
    -- The standard deviation of that value.
    deviation REAL NOT NULL CHECK (deviation >= 0),
    -- The recipe's limits; empty where it sets none.
    least REAL,
    most REAL,
    -- Whether the value is outside them by more than its uncertainty lets it be by chance.
    is_outside INTEGER CHECK (is_outside IN (0, 1)),
    PRIMARY KEY (run, what),
    CHECK ((least IS NULL) = (most IS NULL) AND (least IS NULL) = (is_outside IS NULL)),
    CHECK (least <= most)
) STRICT, WITHOUT ROWID;

CREATE TRIGGER measurement_is_added_before_the_verdict
BEFORE INSERT ON measurement
WHEN (SELECT outcome FROM run WHERE run.number = NEW.run) IS NOT NULL
BEGIN
    SELECT RAISE(ABORT, 'what a recorded verdict rests on never changes');
END;

CREATE TRIGGER measurement_is_final
BEFORE UPDATE ON measurement
BEGIN
    SELECT RAISE(ABORT, 'what a recorded verdict rests on never changes');
END;

CREATE TRIGGER measurement_is_kept
BEFORE DELETE ON measurement
BEGIN
    SELECT RAISE(ABORT, 'a measurement is never deleted');
END;

-- The table anew, with one more act among those it knows; SQLite has no other way to change a CHECK.
CREATE TABLE act_with_work_order (
    number INTEGER NOT NULL PRIMARY KEY,
    at INTEGER NOT NULL CHECK (at >= 0),
    at_synchronised INTEGER NOT NULL CHECK (at_synchronised IN (0, 1)),
    by TEXT NOT NULL,
    kind TEXT NOT NULL CHECK (kind IN ('start', 'stop', 'acknowledge', 'unlock', 'lot', 'work-order')),
    lane INTEGER CHECK (lane BETWEEN 1 AND 8),
    serial TEXT CHECK (length(serial) BETWEEN 1 AND 64),
    -- The reason of a stop or an unlock, the note of an acknowledgement, the lot, the work order; empty for a start.
    words TEXT NOT NULL,
    -- Why it was not done; empty when it was done.
    refused TEXT,
    CHECK (kind <> 'unlock' OR serial IS NOT NULL)
) STRICT;

INSERT INTO act_with_work_order (number, at, at_synchronised, by, kind, lane, serial, words, refused)
SELECT number, at, at_synchronised, by, kind, lane, serial, words, refused
FROM act;

DROP TABLE act;

ALTER TABLE act_with_work_order RENAME TO act;

CREATE TRIGGER act_is_final BEFORE UPDATE ON act
BEGIN
    SELECT RAISE(ABORT, 'the audit never changes');
END;

CREATE TRIGGER act_is_kept BEFORE DELETE ON act
BEGIN
    SELECT RAISE(ABORT, 'the audit is never deleted');
END;
