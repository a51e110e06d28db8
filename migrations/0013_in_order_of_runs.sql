-- Attempts, readings, facts and measurements are rows in the order of their runs, under one number each that tells run and place: such a table fills its pages and
-- is added to at its end. By run and place, as keys of two columns without such a number, they filled two thirds of theirs, moved rows to and fro between them,
-- and whatever was longer than 102 bytes spilt over into a page of its own.
--
-- The run and the place are not stored besides, so that only a range of ids finds a run's rows by itself: `id BETWEEN run * 1000000 AND run * 1000000 + 999999`. A number that would be another run's is stored as 0, which no
-- table takes: here nothing is then changed at all.

PRAGMA user_version = 13;

DROP VIEW verdict;

-- One BlinkUp transmission.
CREATE TABLE attempt_in_order (
    -- The run, and the attempt's number in it: run * 1000000 + number.
    id INTEGER NOT NULL PRIMARY KEY,
    run INTEGER NOT NULL GENERATED ALWAYS AS (id / 1000000) VIRTUAL REFERENCES run (number),
    number INTEGER NOT NULL GENERATED ALWAYS AS (id % 1000000) VIRTUAL CHECK (number >= 1),
    rate INTEGER NOT NULL CHECK (rate BETWEEN 1 AND 255),
    level_permille INTEGER NOT NULL CHECK (level_permille BETWEEN 0 AND 1000),
    -- The light of a mid symbol that was meant, in thousandths of bright; unknown of attempts from before, and of an imp's own.
    mid_permille INTEGER CHECK (mid_permille BETWEEN 0 AND 1000),
    began INTEGER NOT NULL CHECK (began >= 0),
    took INTEGER NOT NULL CHECK (took >= 0),
    -- The token's id, never the token.
    token_id TEXT CHECK (length(token_id) BETWEEN 1 AND 200),
    result TEXT NOT NULL CHECK (
        result IN ('received', 'damaged', 'no-answer', 'not-receiving', 'late', 'stopped', 'lamp-failed')
    ),
    symbols INTEGER NOT NULL CHECK (symbols >= 0),
    latest INTEGER NOT NULL CHECK (latest >= 0),
    -- Symbols by lateness: a JSON array of 21 counts.
    lateness TEXT NOT NULL CHECK (json_valid(lateness) AND json_array_length(lateness) = 21),
    loop_bright REAL,
    loop_mid_share REAL,
    loop_samples INTEGER CHECK (loop_samples >= 0),
    CHECK ((loop_bright IS NULL) = (loop_mid_share IS NULL) AND (loop_bright IS NULL) = (loop_samples IS NULL))
) STRICT;

INSERT INTO attempt_in_order (
    id, rate, level_permille, mid_permille, began, took, token_id, result, symbols, latest, lateness, loop_bright,
    loop_mid_share, loop_samples
)
SELECT
    run * 1000000 + iif(number <= 999999, number, 0), rate, level_permille, mid_permille, began, took, token_id, result, symbols, latest,
    lateness, loop_bright, loop_mid_share, loop_samples
FROM attempt
ORDER BY run, number;

DROP TABLE attempt;

ALTER TABLE attempt_in_order RENAME TO attempt;

CREATE INDEX attempt_by_token ON attempt (token_id) WHERE token_id IS NOT NULL;

-- What the LED reader said.
CREATE TABLE reading_in_order (
    -- run * 1000000 + number
    id INTEGER NOT NULL PRIMARY KEY,
    run INTEGER NOT NULL GENERATED ALWAYS AS (id / 1000000) VIRTUAL REFERENCES run (number),
    number INTEGER NOT NULL GENERATED ALWAYS AS (id % 1000000) VIRTUAL CHECK (number >= 1),
    at INTEGER NOT NULL CHECK (at >= 0),
    -- A JSON array of status codes, most certain first; empty when the light became unreadable.
    codes TEXT NOT NULL CHECK (json_valid(codes) AND json_type(codes) = 'array'),
    confidence REAL NOT NULL CHECK (confidence BETWEEN 0 AND 1)
) STRICT;

INSERT INTO reading_in_order (id, at, codes, confidence)
SELECT run * 1000000 + iif(number <= 999999, number, 0), at, codes, confidence
FROM reading
ORDER BY run, number;

DROP TABLE reading;

ALTER TABLE reading_in_order RENAME TO reading;

-- The facts that a verdict rests on.
CREATE TABLE evidence_in_order (
    -- run * 1000000 + number
    id INTEGER NOT NULL PRIMARY KEY,
    run INTEGER NOT NULL GENERATED ALWAYS AS (id / 1000000) VIRTUAL REFERENCES run (number),
    number INTEGER NOT NULL GENERATED ALWAYS AS (id % 1000000) VIRTUAL CHECK (number >= 1),
    at INTEGER NOT NULL CHECK (at >= 0),
    kind TEXT NOT NULL CHECK (
        kind IN ('nest', 'stage', 'light', 'loop-back', 'token', 'claim', 'bless', 'fault', 'act', 'policy')
    ),
    detail TEXT NOT NULL
) STRICT;

INSERT INTO evidence_in_order (id, at, kind, detail)
SELECT run * 1000000 + iif(number <= 999999, number, 0), at, kind, detail
FROM evidence
ORDER BY run, number;

DROP TABLE evidence;

ALTER TABLE evidence_in_order RENAME TO evidence;

-- What was measured of a unit.
CREATE TABLE measurement_in_order (
    -- run * 1000000 and a number for what it is of, so that nothing is there twice.
    id INTEGER NOT NULL PRIMARY KEY,
    run INTEGER NOT NULL GENERATED ALWAYS AS (id / 1000000) VIRTUAL REFERENCES run (number),
    -- The LED's dice, both together, and the green die's share of both; the empty nest's clear light before the unit, and how much that varied.
    what TEXT NOT NULL GENERATED ALWAYS AS (
        CASE id % 1000000
            WHEN 1 THEN 'red-die'
            WHEN 2 THEN 'green-die'
            WHEN 3 THEN 'led-strength'
            WHEN 4 THEN 'green-share'
            WHEN 5 THEN 'ambient'
            WHEN 6 THEN 'ambient-noise'
        END
    ) VIRTUAL,
    scale TEXT NOT NULL CHECK (scale IN ('counts', 'of-reference', 'share')),
    value REAL NOT NULL,
    -- The standard deviation of that value.
    deviation REAL NOT NULL CHECK (deviation >= 0),
    -- The recipe's limits; empty where it sets none.
    least REAL,
    most REAL,
    -- Whether the value is outside them by more than its uncertainty lets it be by chance; of the nest's light, whether it is outside.
    is_outside INTEGER CHECK (is_outside IN (0, 1)),
    CHECK ((least IS NULL) = (most IS NULL) AND (least IS NULL) = (is_outside IS NULL)),
    CHECK (least <= most)
) STRICT;

INSERT INTO measurement_in_order (id, scale, value, deviation, least, most, is_outside)
SELECT
    run * 1000000 + CASE what
        WHEN 'red-die' THEN 1
        WHEN 'green-die' THEN 2
        WHEN 'led-strength' THEN 3
        WHEN 'green-share' THEN 4
        WHEN 'ambient' THEN 5
        WHEN 'ambient-noise' THEN 6
        ELSE 0
    END AS id,
    scale,
    value,
    deviation,
    least,
    most,
    is_outside
FROM measurement
ORDER BY run;

DROP TABLE measurement;

ALTER TABLE measurement_in_order RENAME TO measurement;

-- Before it is inserted, and so also where the same is there already; after it the id of one that was given none is known.
CREATE TRIGGER attempt_is_added_before_the_verdict
BEFORE INSERT ON attempt
WHEN NEW.id < 1000000 OR (SELECT outcome FROM run WHERE run.number = NEW.id / 1000000) IS NOT NULL
BEGIN
    SELECT RAISE(ABORT, 'what a recorded verdict rests on never changes');
END;

CREATE TRIGGER attempt_is_final
BEFORE UPDATE ON attempt
WHEN NEW.id IS NOT OLD.id OR (SELECT outcome FROM run WHERE run.number = OLD.id / 1000000) IS NOT NULL
BEGIN
    SELECT RAISE(ABORT, 'what a recorded verdict rests on never changes');
END;

CREATE TRIGGER attempt_is_kept
BEFORE DELETE ON attempt
BEGIN
    SELECT RAISE(ABORT, 'an attempt is never deleted');
END;

CREATE TRIGGER reading_is_added_before_the_verdict
AFTER INSERT ON reading
WHEN (SELECT outcome FROM run WHERE run.number = NEW.id / 1000000) IS NOT NULL
BEGIN
    SELECT RAISE(ABORT, 'what a recorded verdict rests on never changes');
END;

CREATE TRIGGER reading_is_final
BEFORE UPDATE ON reading
BEGIN
    SELECT RAISE(ABORT, 'what a recorded verdict rests on never changes');
END;

CREATE TRIGGER reading_is_kept
BEFORE DELETE ON reading
BEGIN
    SELECT RAISE(ABORT, 'a reading is never deleted');
END;

CREATE TRIGGER evidence_is_added_before_the_verdict
AFTER INSERT ON evidence
WHEN (SELECT outcome FROM run WHERE run.number = NEW.id / 1000000) IS NOT NULL
BEGIN
    SELECT RAISE(ABORT, 'what a recorded verdict rests on never changes');
END;

CREATE TRIGGER evidence_is_final
BEFORE UPDATE ON evidence
BEGIN
    SELECT RAISE(ABORT, 'what a recorded verdict rests on never changes');
END;

CREATE TRIGGER evidence_is_kept
BEFORE DELETE ON evidence
BEGIN
    SELECT RAISE(ABORT, 'evidence is never deleted');
END;

CREATE TRIGGER measurement_is_added_before_the_verdict
AFTER INSERT ON measurement
WHEN (SELECT outcome FROM run WHERE run.number = NEW.id / 1000000) IS NOT NULL
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

-- Never holds a row: what is inserted into it becomes the verdict of the run `number`.
CREATE VIEW verdict AS
SELECT
    number,
    outcome,
    code,
    detail,
    stage,
    took,
    ended,
    ended_synchronised,
    device_id,
    agent_url,
    samples_lost,
    is_first,
    ordinal,
    verdict_number,
    seal,
    -- The run of the same unit that was its latest until now; empty where there is none, or where this one does not count in yields.
    NULL AS followed,
    -- Rows as JSON. Attempts: those that are not stored yet, an object each.
    NULL AS attempts,
    -- All of the others: the fields of one row after those of the other in one list. Objects would be written out and read again, each for each of its fields. A field
    -- is found by its place, for which the list is walked from its start: what has very many rows is inserted before, in the same transaction.
    NULL AS readings,
    NULL AS evidence,
    NULL AS measurements,
    -- The compact trace; of no bytes where there is none.
    NULL AS light,
    -- Whether a label is to be printed.
    NULL AS label
FROM run
WHERE false;

CREATE TRIGGER verdict_is_stored
INSTEAD OF INSERT ON verdict
BEGIN
    SELECT RAISE(ABORT, 'no run of this number waits for its verdict')
    WHERE NOT EXISTS (SELECT * FROM run WHERE number = NEW.number AND outcome IS NULL);

    INSERT INTO attempt (
        id, rate, level_permille, mid_permille, began, took, token_id, result, symbols, latest, lateness,
        loop_bright, loop_mid_share, loop_samples
    )
    SELECT
        NEW.number * 1000000 + iif((value ->> 'number') <= 999999, value ->> 'number', 0),
        value ->> 'rate',
        value ->> 'level_permille',
        value ->> 'mid_permille',
        value ->> 'began',
        value ->> 'took',
        value ->> 'token_id',
        value ->> 'result',
        value ->> 'symbols',
        value ->> 'latest',
        value -> 'lateness',
        value ->> 'loop_bright',
        value ->> 'loop_mid_share',
        value ->> 'loop_samples'
    FROM json_each(NEW.attempts)
    WHERE true
    ON CONFLICT (id) DO UPDATE
    SET rate = excluded.rate,
        level_permille = excluded.level_permille,
        mid_permille = excluded.mid_permille,
        began = excluded.began,
        took = excluded.took,
        token_id = excluded.token_id,
        result = excluded.result,
        symbols = excluded.symbols,
        latest = excluded.latest,
        lateness = excluded.lateness,
        loop_bright = excluded.loop_bright,
        loop_mid_share = excluded.loop_mid_share,
        loop_samples = excluded.loop_samples
    WHERE (
        rate, level_permille, mid_permille, began, took, token_id, result, symbols, latest, lateness, loop_bright,
        loop_mid_share, loop_samples
    ) IS NOT (
        excluded.rate, excluded.level_permille, excluded.mid_permille, excluded.began, excluded.took,
        excluded.token_id, excluded.result, excluded.symbols, excluded.latest, excluded.lateness,
        excluded.loop_bright, excluded.loop_mid_share, excluded.loop_samples
    );

    INSERT INTO reading (id, at, codes, confidence)
    SELECT NEW.number * 1000000 + key / 3 + 1, value, NEW.readings -> (key + 1), NEW.readings ->> (key + 2)
    FROM json_each(NEW.readings)
    WHERE key % 3 = 0;

    INSERT INTO evidence (id, at, kind, detail)
    SELECT NEW.number * 1000000 + key / 3 + 1, value, NEW.evidence ->> (key + 1), NEW.evidence ->> (key + 2)
    FROM json_each(NEW.evidence)
    WHERE key % 3 = 0;

    INSERT INTO measurement (id, scale, value, deviation, least, most, is_outside)
    SELECT
        NEW.number * 1000000 + iif(value <= 999999, value, 0),
        NEW.measurements ->> (key + 1),
        NEW.measurements ->> (key + 2),
        NEW.measurements ->> (key + 3),
        NEW.measurements ->> (key + 4),
        NEW.measurements ->> (key + 5),
        NEW.measurements ->> (key + 6)
    FROM json_each(NEW.measurements)
    WHERE key % 7 = 0;

    INSERT INTO trace (run, light)
    SELECT NEW.number, NEW.light
    WHERE length(NEW.light) > 0;

    UPDATE run
    SET outcome = NEW.outcome,
        code = NEW.code,
        detail = NEW.detail,
        stage = NEW.stage,
        took = NEW.took,
        ended = NEW.ended,
        ended_synchronised = NEW.ended_synchronised,
        device_id = NEW.device_id,
        agent_url = NEW.agent_url,
        samples_lost = NEW.samples_lost,
        is_first = NEW.is_first,
        ordinal = NEW.ordinal,
        verdict_number = NEW.verdict_number,
        seal = NEW.seal
    WHERE number = NEW.number;

    INSERT INTO batch (setup, lot, work_order, operator, purpose)
    SELECT setup, lot, work_order, operator, purpose
    FROM run
    WHERE number = NEW.number
    ON CONFLICT DO NOTHING;

    INSERT INTO rollup (
        quarter, lane, batch, code, ordinal, reached, runs, last_runs, suspected, attempts, received, took
    )
    SELECT
        run.seated / 900000000,
        run.lane,
        batch.number,
        run.code,
        min(run.ordinal, 3),
        run.reached,
        1,
        run.ordinal > 0,
        EXISTS (SELECT * FROM annotation WHERE annotation.run = run.number AND kind LIKE 'suspected-%'),
        (
            SELECT count(*)
            FROM attempt
            WHERE attempt.id BETWEEN run.number * 1000000 AND run.number * 1000000 + 999999
        ),
        (
            SELECT count(*)
            FROM attempt
            WHERE attempt.id BETWEEN run.number * 1000000 AND run.number * 1000000 + 999999
                AND attempt.result = 'received'
        ),
        coalesce(run.took, 0)
    FROM run
    JOIN batch USING (setup, lot, work_order, operator, purpose)
    WHERE run.number = NEW.number
    ON CONFLICT (quarter, lane, batch, code, ordinal, reached) DO UPDATE
    SET runs = runs + 1,
        last_runs = last_runs + excluded.last_runs,
        suspected = suspected + excluded.suspected,
        attempts = attempts + excluded.attempts,
        received = received + excluded.received,
        took = took + excluded.took;

    INSERT INTO label (run, state, why, tries, changed, changed_synchronised)
    SELECT NEW.number, 'pending', '', 0, NEW.ended, NEW.ended_synchronised
    WHERE NEW.label;
END;

-- It is no longer its unit's latest. A trigger of its own, since most runs follow none and an UPDATE of nothing has its price too.
CREATE TRIGGER verdict_follows_another
INSTEAD OF INSERT ON verdict
WHEN NEW.followed IS NOT NULL
BEGIN
    UPDATE rollup
    SET last_runs = last_runs - 1
    FROM run
    JOIN batch USING (setup, lot, work_order, operator, purpose)
    WHERE run.number = NEW.followed
        AND rollup.quarter = run.seated / 900000000
        AND rollup.lane = run.lane
        AND rollup.batch = batch.number
        AND rollup.code = run.code
        AND rollup.ordinal = min(run.ordinal, 3)
        AND rollup.reached = run.reached;
END;
