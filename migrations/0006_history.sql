-- What yields are told from, by quarter of an hour and with all that a question may ask for; which of its unit's runs a run is; runs of golden units,
-- which count in no yield; a seal on every run; why the line stood still; and what changed at the fixture.

PRAGMA user_version = 6;

-- What a unit was run for: to be sold, or to look at the fixture with one that is known to be good, or bad.
ALTER TABLE run ADD COLUMN purpose TEXT NOT NULL DEFAULT 'production' CHECK (purpose IN ('production', 'golden', 'known-bad'));

-- Which of its unit's runs that count in yields it is, from 1; 0 where it does not count. Without a serial every such run is a unit's first.
ALTER TABLE run ADD COLUMN ordinal INTEGER CHECK (ordinal >= 0);

-- SHA-256 of the seal before it, in the order of verdicts, and of the run's canonical form. Empty of runs from before there were seals.
ALTER TABLE run ADD COLUMN seal BLOB CHECK (length(seal) = 32);

-- How far the unit got: 0 seated, 1 received, 2 connected, 3 passed.
ALTER TABLE run ADD COLUMN reached INTEGER GENERATED ALWAYS AS (
    CASE
        WHEN outcome = 'PASS' THEN 3
        WHEN stage IN ('connected', 'updating', 'blessed') THEN 2
        WHEN stage IN (
            'received', 'searching', 'joining', 'proxy', 'cellular', 'getting-ip', 'resolving', 'connecting'
        ) THEN 1
        ELSE 0
    END
) VIRTUAL;

UPDATE run
SET ordinal = counted.ordinal
FROM (
    SELECT
        number,
        iif(serial IS NULL, 1, row_number() OVER (PARTITION BY serial ORDER BY verdict_number)) AS ordinal
    FROM run
    WHERE outcome IN ('PASS', 'FAIL')
) AS counted
WHERE counted.number = run.number;

UPDATE run
SET ordinal = 0
WHERE outcome IS NOT NULL
    AND ordinal IS NULL;

DROP TRIGGER run_verdict_is_final;
DROP TRIGGER run_start_is_final;

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

-- Everything that runs have in common for a while.
CREATE TABLE batch (
    number INTEGER NOT NULL PRIMARY KEY,
    setup INTEGER NOT NULL REFERENCES setup (number),
    lot TEXT NOT NULL,
    work_order TEXT NOT NULL,
    operator TEXT NOT NULL,
    purpose TEXT NOT NULL,
    UNIQUE (setup, lot, work_order, operator, purpose)
) STRICT;

INSERT INTO batch (setup, lot, work_order, operator, purpose)
SELECT setup, lot, work_order, operator, purpose
FROM run
WHERE outcome IS NOT NULL
GROUP BY setup, lot, work_order, operator, purpose
ORDER BY min(number);

DROP TABLE rollup;

-- Runs that have a verdict, counted: what yields and failures are told from.
CREATE TABLE rollup (
    -- Quarters of an hour since 1970 UTC in which the units were seated.
    quarter INTEGER NOT NULL,
    lane INTEGER NOT NULL CHECK (lane BETWEEN 1 AND 8),
    batch INTEGER NOT NULL,
    code TEXT NOT NULL REFERENCES verdict_code (code),
    -- Of the runs; 3 stands for the third and every later one.
    ordinal INTEGER NOT NULL CHECK (ordinal BETWEEN 0 AND 3),
    reached INTEGER NOT NULL CHECK (reached BETWEEN 0 AND 3),
    runs INTEGER NOT NULL CHECK (runs >= 1),
    -- Of these, runs that are their unit's latest with a verdict that counts in yields.
    last_runs INTEGER NOT NULL CHECK (last_runs BETWEEN 0 AND runs),
    -- Of these, runs that an annotation blames on the network or the fixture.
    suspected INTEGER NOT NULL CHECK (suspected BETWEEN 0 AND runs),
    -- Their attempts, and how many of those were received.
    attempts INTEGER NOT NULL CHECK (attempts >= 0),
    received INTEGER NOT NULL CHECK (received BETWEEN 0 AND attempts),
    -- From seated to the verdict, all together.
    took INTEGER NOT NULL CHECK (took >= 0),
    PRIMARY KEY (quarter, lane, batch, code, ordinal, reached)
) STRICT, WITHOUT ROWID;

INSERT INTO rollup (
    quarter, lane, batch, code, ordinal, reached, runs, last_runs, suspected, attempts, received, took
)
SELECT
    run.seated / 900000000,
    run.lane,
    batch.number,
    run.code,
    min(run.ordinal, 3) AS ordinal_to_three,
    run.reached,
    count(*),
    sum(
        run.ordinal > 0
        AND NOT EXISTS (
            SELECT *
            FROM run AS later
            WHERE later.serial = run.serial
                AND later.outcome IN ('PASS', 'FAIL')
                AND later.verdict_number > run.verdict_number
        )
    ),
    sum(EXISTS (SELECT * FROM annotation WHERE annotation.run = run.number AND kind LIKE 'suspected-%')),
    sum((SELECT count(*) FROM attempt WHERE attempt.run = run.number)),
    sum((SELECT count(*) FROM attempt WHERE attempt.run = run.number AND attempt.result = 'received')),
    sum(coalesce(run.took, 0))
FROM run
JOIN batch USING (setup, lot, work_order, operator, purpose)
WHERE run.outcome IS NOT NULL
GROUP BY 1, 2, 3, 4, 5, 6;

-- Why the line stood still, in one of a few words, so that stops can be added up; the cause says it in all of them.
ALTER TABLE line_stop ADD COLUMN reason TEXT NOT NULL DEFAULT 'other' CHECK (
    reason IN ('break', 'changeover', 'material', 'maintenance', 'quality', 'unit', 'fixture', 'network', 'other')
);

UPDATE line_stop
SET reason = (SELECT class FROM verdict_code WHERE verdict_code.code = line_stop.code)
WHERE code IN (SELECT code FROM verdict_code WHERE class IN ('unit', 'fixture', 'network'));

CREATE INDEX line_stop_by_since ON line_stop (since);

-- Something of the fixture is another from now on; what runs themselves tell (software, recipe, lot, operator) is not here.
CREATE TABLE change (
    number INTEGER NOT NULL PRIMARY KEY,
    at INTEGER NOT NULL CHECK (at >= 0),
    at_synchronised INTEGER NOT NULL CHECK (at_synchronised IN (0, 1)),
    kind TEXT NOT NULL CHECK (kind IN ('calibration', 'lamp', 'config')),
    -- What it is now.
    detail TEXT NOT NULL CHECK (length(detail) <= 2000)
) STRICT;

CREATE TRIGGER change_is_final BEFORE UPDATE ON change
BEGIN
    SELECT RAISE(ABORT, 'a recorded change never changes');
END;

CREATE TRIGGER change_is_kept BEFORE DELETE ON change
BEGIN
    SELECT RAISE(ABORT, 'a recorded change is never deleted');
END;
