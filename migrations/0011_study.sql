-- Gauge studies: the same units several times by several people. Runs of one count in no yield.

PRAGMA user_version = 11;

DROP TRIGGER run_verdict_is_final;
DROP TRIGGER run_start_is_final;

-- One purpose more. The column anew, with all purposes among those it knows: SQLite has no other way to change a CHECK.
ALTER TABLE run ADD COLUMN run_for TEXT NOT NULL DEFAULT 'production' CHECK (
    run_for IN ('production', 'golden', 'known-bad', 'study')
);

UPDATE run
SET run_for = purpose
WHERE purpose <> 'production';

ALTER TABLE run DROP COLUMN purpose;

ALTER TABLE run RENAME COLUMN run_for TO purpose;

CREATE TRIGGER run_verdict_is_final
BEFORE UPDATE OF
    number, id, setup, lane, serial, operator, lot, work_order, purpose, seated, seated_synchronised,
    outcome, code, detail, stage, took, ended, ended_synchronised, device_id, agent_url, samples_lost, is_first, ordinal,
    verdict_number, seal
ON run
WHEN OLD.outcome IS NOT NULL
BEGIN
    SELECT RAISE(ABORT, 'a recorded verdict never changes');
END;

CREATE TRIGGER run_start_is_final
BEFORE UPDATE OF number, id, setup, lane, serial, operator, lot, work_order, purpose, seated, seated_synchronised ON run
BEGIN
    SELECT RAISE(ABORT, 'a recorded start never changes');
END;

CREATE INDEX run_of_study ON run (number) WHERE purpose = 'study';

-- Its runs are those for the purpose of a study that were begun after its beginning and before its end.
CREATE TABLE study (
    number INTEGER NOT NULL PRIMARY KEY,
    began INTEGER NOT NULL CHECK (began >= 0),
    began_synchronised INTEGER NOT NULL CHECK (began_synchronised IN (0, 1)),
    began_by TEXT NOT NULL CHECK (length(began_by) BETWEEN 1 AND 64),
    reason TEXT NOT NULL CHECK (length(reason) BETWEEN 1 AND 200),
    -- How often each of its people runs each of its units.
    times INTEGER NOT NULL CHECK (times BETWEEN 2 AND 10),
    -- The last run that was begun before it; 0 for none.
    after_run INTEGER NOT NULL CHECK (after_run >= 0),
    -- Empty while it runs.
    ended_as TEXT CHECK (ended_as IN ('ended', 'abandoned')),
    ended INTEGER CHECK (ended >= 0),
    ended_synchronised INTEGER CHECK (ended_synchronised IN (0, 1)),
    ended_by TEXT CHECK (length(ended_by) BETWEEN 1 AND 64),
    ended_reason TEXT CHECK (length(ended_reason) BETWEEN 1 AND 200),
    -- The last run that was begun before its end.
    until_run INTEGER CHECK (until_run >= after_run),
    CHECK ((ended_as IS NULL) = (ended IS NULL)),
    CHECK ((ended_as IS NULL) = (ended_synchronised IS NULL)),
    CHECK ((ended_as IS NULL) = (ended_by IS NULL)),
    CHECK ((ended_as IS NULL) = (ended_reason IS NULL)),
    CHECK ((ended_as IS NULL) = (until_run IS NULL))
) STRICT;

CREATE UNIQUE INDEX study_that_runs ON study (ended_as IS NULL) WHERE ended_as IS NULL;

CREATE TRIGGER study_is_final
BEFORE UPDATE ON study
WHEN OLD.ended_as IS NOT NULL
    OR (OLD.number, OLD.began, OLD.began_synchronised, OLD.began_by, OLD.reason, OLD.times, OLD.after_run)
    IS NOT (NEW.number, NEW.began, NEW.began_synchronised, NEW.began_by, NEW.reason, NEW.times, NEW.after_run)
BEGIN
    SELECT RAISE(ABORT, 'a recorded study never changes');
END;

CREATE TRIGGER study_is_kept
BEFORE DELETE ON study
BEGIN
    SELECT RAISE(ABORT, 'a recorded study is never deleted');
END;

CREATE TABLE study_unit (
    study INTEGER NOT NULL REFERENCES study (number),
    place INTEGER NOT NULL CHECK (place BETWEEN 0 AND 49),
    serial TEXT NOT NULL CHECK (length(serial) BETWEEN 1 AND 64),
    -- What was known of it as the study began.
    mark TEXT NOT NULL CHECK (mark IN ('ordinary', 'golden', 'known-bad')),
    PRIMARY KEY (study, place),
    UNIQUE (study, serial)
) STRICT, WITHOUT ROWID;

CREATE TRIGGER study_unit_is_final BEFORE UPDATE ON study_unit
BEGIN
    SELECT RAISE(ABORT, 'a recorded study never changes');
END;

CREATE TRIGGER study_unit_is_kept BEFORE DELETE ON study_unit
BEGIN
    SELECT RAISE(ABORT, 'a recorded study is never deleted');
END;

CREATE TABLE study_person (
    study INTEGER NOT NULL REFERENCES study (number),
    place INTEGER NOT NULL CHECK (place BETWEEN 0 AND 9),
    -- As the operator of the runs is named.
    name TEXT NOT NULL CHECK (length(name) BETWEEN 1 AND 64),
    PRIMARY KEY (study, place),
    UNIQUE (study, name)
) STRICT, WITHOUT ROWID;

CREATE TRIGGER study_person_is_final BEFORE UPDATE ON study_person
BEGIN
    SELECT RAISE(ABORT, 'a recorded study never changes');
END;

CREATE TRIGGER study_person_is_kept BEFORE DELETE ON study_person
BEGIN
    SELECT RAISE(ABORT, 'a recorded study is never deleted');
END;
