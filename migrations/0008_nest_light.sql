-- The empty nest's light before a unit among what is measured; and refusals and changes are found by their time.

PRAGMA user_version = 8;

-- The table anew, with two more quantities; SQLite has no other way to change a CHECK.
CREATE TABLE measurement_with_nest (
    run INTEGER NOT NULL REFERENCES run (number),
    -- The LED's dice, both together, and the green die's share of both; the empty nest's clear light before the unit, and how much that varied.
    what TEXT NOT NULL CHECK (what IN ('red-die', 'green-die', 'led-strength', 'green-share', 'ambient', 'ambient-noise')),
    scale TEXT NOT NULL CHECK (scale IN ('counts', 'of-reference', 'share')),
    value REAL NOT NULL,
    -- The standard deviation of that value.
    deviation REAL NOT NULL CHECK (deviation >= 0),
    -- The recipe's limits; empty where it sets none.
    least REAL,
    most REAL,
    -- Whether the value is outside them by more than its uncertainty lets it be by chance; of the nest's light, whether it is outside.
    is_outside INTEGER CHECK (is_outside IN (0, 1)),
    PRIMARY KEY (run, what),
    CHECK ((least IS NULL) = (most IS NULL) AND (least IS NULL) = (is_outside IS NULL)),
    CHECK (least <= most)
) STRICT, WITHOUT ROWID;

INSERT INTO measurement_with_nest (run, what, scale, value, deviation, least, most, is_outside)
SELECT run, what, scale, value, deviation, least, most, is_outside
FROM measurement
ORDER BY run, what;

DROP TABLE measurement;

ALTER TABLE measurement_with_nest RENAME TO measurement;

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

CREATE INDEX refusal_by_at ON refusal (at);

CREATE INDEX change_by_at ON change (at);
