-- The ledger of a fixture. Forward only: a migration is never edited after it landed.
--
-- Instants are INTEGER microseconds since 1970 UTC with a `_synchronised` column beside them; durations are INTEGER
-- microseconds. A run's `id` is a UUIDv7 in its 16 bytes (half of the text, and bytes sort by time); `number` is the order in
-- which runs were begun, whatever the wall clock said, and is what other tables refer to.

PRAGMA application_id = 0x426c4c67; -- "BlLg"
PRAGMA user_version = 1;

-- What a verdict can say, as data, so that a new code is a row and not a new table.
CREATE TABLE verdict_code (
    code TEXT NOT NULL PRIMARY KEY,
    class TEXT NOT NULL CHECK (class IN ('unit', 'evidence', 'fixture', 'network', 'operator', 'power')),
    outcome TEXT NOT NULL CHECK (outcome IN ('PASS', 'FAIL', 'ERROR', 'UNDECIDED', 'ABORTED', 'INTERRUPTED')),
    UNIQUE (code, outcome),
    CHECK (
        CASE class
            WHEN 'unit' THEN outcome = iif(code = 'ok', 'PASS', 'FAIL')
            WHEN 'evidence' THEN outcome = 'UNDECIDED'
            WHEN 'fixture' THEN outcome = 'ERROR'
            WHEN 'network' THEN outcome = 'ERROR'
            WHEN 'operator' THEN outcome = 'ABORTED'
            WHEN 'power' THEN outcome = 'INTERRUPTED'
        END
    )
) STRICT;

INSERT INTO verdict_code (code, class, outcome) VALUES
    ('ok', 'unit', 'PASS'),
    ('no-light', 'unit', 'FAIL'),
    ('power-fault', 'unit', 'FAIL'),
    ('flash-missing', 'unit', 'FAIL'),
    ('flash-bad', 'unit', 'FAIL'),
    ('no-firmware', 'unit', 'FAIL'),
    ('not-ready', 'unit', 'FAIL'),
    ('unexpected-pattern', 'unit', 'FAIL'),
    ('not-receiving', 'unit', 'FAIL'),
    ('reception-error', 'unit', 'FAIL'),
    ('stuck-searching', 'unit', 'FAIL'),
    ('stuck-joining', 'unit', 'FAIL'),
    ('stuck-ip', 'unit', 'FAIL'),
    ('stuck-dns', 'unit', 'FAIL'),
    ('stuck-connecting', 'unit', 'FAIL'),
    ('stuck-proxy', 'unit', 'FAIL'),
    ('stuck-cellular', 'unit', 'FAIL'),
    ('stuck-updating', 'unit', 'FAIL'),
    ('rejected', 'unit', 'FAIL'),
    ('firmware-crash', 'unit', 'FAIL'),
    ('brown-out', 'unit', 'FAIL'),
    ('bless-failed', 'unit', 'FAIL'),
    ('led-out-of-limits', 'unit', 'FAIL'),
    ('no-bless-event', 'evidence', 'UNDECIDED'),
    ('not-claimed', 'evidence', 'UNDECIDED'),
    ('bless-disagrees', 'evidence', 'UNDECIDED'),
    ('unreadable-light', 'evidence', 'UNDECIDED'),
    ('lamp-not-seen', 'fixture', 'ERROR'),
    ('lamp-weak', 'fixture', 'ERROR'),
    ('lamp-late', 'fixture', 'ERROR'),
    ('sensor-fault', 'fixture', 'ERROR'),
    ('sensor-saturated', 'fixture', 'ERROR'),
    ('ambient-too-bright', 'fixture', 'ERROR'),
    ('store-failed', 'fixture', 'ERROR'),
    ('label-failed', 'fixture', 'ERROR'),
    ('token-unavailable', 'network', 'ERROR'),
    ('network-down', 'network', 'ERROR'),
    ('calibration-overdue', 'fixture', 'ERROR'),
    ('golden-check-overdue', 'fixture', 'ERROR'),
    ('lifted-early', 'operator', 'ABORTED'),
    ('stopped-by-operator', 'operator', 'ABORTED'),
    ('interrupted', 'power', 'INTERRUPTED');

-- Who, what and where of every run made by one process with one recipe.
CREATE TABLE setup (
    number INTEGER NOT NULL PRIMARY KEY,
    fixture TEXT NOT NULL CHECK (length(fixture) BETWEEN 1 AND 200),
    software TEXT NOT NULL CHECK (length(software) BETWEEN 1 AND 200),
    recipe TEXT NOT NULL CHECK (length(recipe) BETWEEN 1 AND 200),
    recipe_version TEXT NOT NULL CHECK (length(recipe_version) BETWEEN 1 AND 200),
    pass_rule TEXT NOT NULL CHECK (pass_rule IN ('blessed', 'claimed', 'led-only')),
    simulated INTEGER NOT NULL CHECK (simulated IN (0, 1)),
    UNIQUE (fixture, software, recipe, recipe_version, pass_rule, simulated)
) STRICT;

-- One unit's stay in a lane. The second block is empty until the verdict, and never changes after it.
CREATE TABLE run (
    number INTEGER NOT NULL PRIMARY KEY,
    id BLOB NOT NULL UNIQUE CHECK (length(id) = 16),
    setup INTEGER NOT NULL REFERENCES setup (number),
    lane INTEGER NOT NULL CHECK (lane BETWEEN 1 AND 8),
    serial TEXT CHECK (length(serial) BETWEEN 1 AND 64),
    operator TEXT NOT NULL CHECK (length(operator) BETWEEN 1 AND 200),
    lot TEXT NOT NULL CHECK (length(lot) <= 200),
    seated INTEGER NOT NULL CHECK (seated >= 0),
    seated_synchronised INTEGER NOT NULL CHECK (seated_synchronised IN (0, 1)),

    outcome TEXT,
    code TEXT,
    detail TEXT,
    -- How far the unit got; unknown for an interrupted run.
    stage TEXT CHECK (
        stage IN (
            'seated', 'ready', 'receiving', 'received', 'searching', 'joining', 'proxy', 'cellular', 'getting-ip',
            'resolving', 'connecting', 'connected', 'updating', 'blessed'
        )
    ),
    -- From seated to the verdict; unknown for an interrupted run.
    took INTEGER CHECK (took >= 0),
    ended INTEGER CHECK (ended >= 0),
    ended_synchronised INTEGER CHECK (ended_synchronised IN (0, 1)),
    device_id TEXT CHECK (length(device_id) = 16 AND device_id NOT GLOB '*[^0-9a-fA-F]*'),
    agent_url TEXT CHECK (length(agent_url) BETWEEN 1 AND 2000),
    samples_lost INTEGER CHECK (samples_lost >= 0),
    -- The unit's first run with a verdict that counts in yields; without a serial every such run is a unit's first.
    is_first INTEGER CHECK (is_first IN (0, 1)),
    -- The order in which verdicts were committed, from 1.
    verdict_number INTEGER UNIQUE CHECK (verdict_number >= 1),

    lifted INTEGER CHECK (lifted >= 0),
    lifted_synchronised INTEGER CHECK (lifted_synchronised IN (0, 1)),

    FOREIGN KEY (code, outcome) REFERENCES verdict_code (code, outcome),
    CHECK ((outcome IS NULL) = (code IS NULL)),
    CHECK ((outcome IS NULL) = (detail IS NULL)),
    CHECK ((outcome IS NULL) = (ended IS NULL)),
    CHECK ((outcome IS NULL) = (ended_synchronised IS NULL)),
    CHECK ((outcome IS NULL) = (samples_lost IS NULL)),
    CHECK ((outcome IS NULL) = (is_first IS NULL)),
    CHECK ((outcome IS NULL) = (verdict_number IS NULL)),
    CHECK (iif(outcome IS NULL OR outcome = 'INTERRUPTED', stage IS NULL AND took IS NULL, stage IS NOT NULL AND took IS NOT NULL)),
    CHECK (is_first IS NULL OR is_first = 0 OR outcome IN ('PASS', 'FAIL')),
    CHECK ((lifted IS NULL) = (lifted_synchronised IS NULL)),
    CHECK (lifted IS NULL OR outcome IS NOT NULL)
) STRICT;

CREATE INDEX run_by_seated ON run (seated);
CREATE INDEX run_by_serial ON run (serial, seated) WHERE serial IS NOT NULL;
CREATE INDEX run_by_lane ON run (lane, seated);
CREATE INDEX run_by_code ON run (code, seated);
CREATE INDEX run_by_outcome ON run (outcome, seated);
CREATE INDEX run_by_lot ON run (lot, seated) WHERE lot <> '';
CREATE INDEX run_by_device ON run (device_id) WHERE device_id IS NOT NULL;

CREATE TRIGGER run_verdict_is_final
BEFORE UPDATE OF
    number, id, setup, lane, serial, operator, lot, seated, seated_synchronised,
    outcome, code, detail, stage, took, ended, ended_synchronised, device_id, agent_url, samples_lost, is_first, verdict_number
ON run
WHEN OLD.outcome IS NOT NULL
BEGIN
    SELECT RAISE(ABORT, 'a recorded verdict never changes');
END;

CREATE TRIGGER run_start_is_final
BEFORE UPDATE OF number, id, setup, lane, serial, operator, lot, seated, seated_synchronised ON run
BEGIN
    SELECT RAISE(ABORT, 'a recorded start never changes');
END;

CREATE TRIGGER run_is_kept
BEFORE DELETE ON run
BEGIN
    SELECT RAISE(ABORT, 'a run is never deleted');
END;

-- One BlinkUp transmission.
CREATE TABLE attempt (
    run INTEGER NOT NULL REFERENCES run (number),
    number INTEGER NOT NULL CHECK (number >= 1),
    rate INTEGER NOT NULL CHECK (rate BETWEEN 1 AND 255),
    level_permille INTEGER NOT NULL CHECK (level_permille BETWEEN 0 AND 1000),
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
    PRIMARY KEY (run, number),
    CHECK ((loop_bright IS NULL) = (loop_mid_share IS NULL) AND (loop_bright IS NULL) = (loop_samples IS NULL))
) STRICT, WITHOUT ROWID;

CREATE INDEX attempt_by_token ON attempt (token_id) WHERE token_id IS NOT NULL;

-- What the LED reader said.
CREATE TABLE reading (
    run INTEGER NOT NULL REFERENCES run (number),
    number INTEGER NOT NULL CHECK (number >= 1),
    at INTEGER NOT NULL CHECK (at >= 0),
    -- A JSON array of status codes, most certain first; empty when the light became unreadable.
    codes TEXT NOT NULL CHECK (json_valid(codes) AND json_type(codes) = 'array'),
    confidence REAL NOT NULL CHECK (confidence BETWEEN 0 AND 1),
    PRIMARY KEY (run, number)
) STRICT, WITHOUT ROWID;

-- The facts that a verdict rests on.
CREATE TABLE evidence (
    run INTEGER NOT NULL REFERENCES run (number),
    number INTEGER NOT NULL CHECK (number >= 1),
    at INTEGER NOT NULL CHECK (at >= 0),
    kind TEXT NOT NULL CHECK (
        kind IN ('nest', 'stage', 'light', 'loop-back', 'token', 'claim', 'bless', 'fault', 'act', 'policy')
    ),
    detail TEXT NOT NULL,
    PRIMARY KEY (run, number)
) STRICT, WITHOUT ROWID;

-- The recorded light of a run, in the compact format of the reader's crate.
CREATE TABLE trace (
    run INTEGER NOT NULL PRIMARY KEY REFERENCES run (number),
    light BLOB NOT NULL CHECK (length(light) >= 1)
) STRICT;

CREATE TRIGGER attempt_is_added_before_the_verdict
BEFORE INSERT ON attempt
WHEN (SELECT outcome FROM run WHERE run.number = NEW.run) IS NOT NULL
BEGIN
    SELECT RAISE(ABORT, 'what a recorded verdict rests on never changes');
END;

CREATE TRIGGER attempt_is_final
BEFORE UPDATE ON attempt
WHEN (SELECT outcome FROM run WHERE run.number = OLD.run) IS NOT NULL
BEGIN
    SELECT RAISE(ABORT, 'what a recorded verdict rests on never changes');
END;

CREATE TRIGGER attempt_is_kept
BEFORE DELETE ON attempt
BEGIN
    SELECT RAISE(ABORT, 'an attempt is never deleted');
END;

CREATE TRIGGER reading_is_added_before_the_verdict
BEFORE INSERT ON reading
WHEN (SELECT outcome FROM run WHERE run.number = NEW.run) IS NOT NULL
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
BEFORE INSERT ON evidence
WHEN (SELECT outcome FROM run WHERE run.number = NEW.run) IS NOT NULL
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

CREATE TRIGGER trace_is_added_before_the_verdict
BEFORE INSERT ON trace
WHEN (SELECT outcome FROM run WHERE run.number = NEW.run) IS NOT NULL
BEGIN
    SELECT RAISE(ABORT, 'what a recorded verdict rests on never changes');
END;

CREATE TRIGGER trace_is_kept
BEFORE DELETE ON trace
BEGIN
    SELECT RAISE(ABORT, 'a trace is never deleted');
END;

CREATE TRIGGER trace_is_final
BEFORE UPDATE ON trace
BEGIN
    SELECT RAISE(ABORT, 'what a recorded verdict rests on never changes');
END;

-- Something learned later about a stored run.
CREATE TABLE annotation (
    number INTEGER NOT NULL PRIMARY KEY,
    run INTEGER NOT NULL REFERENCES run (number),
    at INTEGER NOT NULL CHECK (at >= 0),
    at_synchronised INTEGER NOT NULL CHECK (at_synchronised IN (0, 1)),
    kind TEXT NOT NULL CHECK (kind IN ('suspected-network', 'suspected-fixture', 'late-bless-event')),
    detail TEXT NOT NULL
) STRICT;

CREATE INDEX annotation_by_run ON annotation (run);

-- Runs that have a verdict, counted: what yields and failures are told from.
CREATE TABLE rollup (
    -- Hours since 1970 UTC in which the units were seated.
    hour INTEGER NOT NULL,
    lane INTEGER NOT NULL CHECK (lane BETWEEN 1 AND 8),
    lot TEXT NOT NULL,
    setup INTEGER NOT NULL REFERENCES setup (number),
    outcome TEXT NOT NULL,
    code TEXT NOT NULL,
    is_first INTEGER NOT NULL CHECK (is_first IN (0, 1)),
    runs INTEGER NOT NULL CHECK (runs >= 1),
    -- Of these, runs that are their unit's latest with a verdict that counts in yields.
    last_runs INTEGER NOT NULL CHECK (last_runs BETWEEN 0 AND runs),
    -- Of these, runs that an annotation blames on the network or the fixture.
    suspected INTEGER NOT NULL CHECK (suspected BETWEEN 0 AND runs),
    PRIMARY KEY (hour, lane, lot, setup, code, is_first),
    FOREIGN KEY (code, outcome) REFERENCES verdict_code (code, outcome)
) STRICT, WITHOUT ROWID;

-- A quarantine or retest limit that a person lifted.
CREATE TABLE unlock (
    number INTEGER NOT NULL PRIMARY KEY,
    serial TEXT NOT NULL CHECK (length(serial) BETWEEN 1 AND 64),
    at INTEGER NOT NULL CHECK (at >= 0),
    at_synchronised INTEGER NOT NULL CHECK (at_synchronised IN (0, 1)),
    by TEXT NOT NULL CHECK (length(by) BETWEEN 1 AND 200),
    reason TEXT NOT NULL,
    -- The last verdict committed before it; 0 for none.
    after_verdict INTEGER NOT NULL CHECK (after_verdict >= 0)
) STRICT;

CREATE INDEX unlock_by_serial ON unlock (serial);

-- A start that was not allowed: no run, in no yield.
CREATE TABLE refusal (
    number INTEGER NOT NULL PRIMARY KEY,
    setup INTEGER NOT NULL REFERENCES setup (number),
    at INTEGER NOT NULL CHECK (at >= 0),
    at_synchronised INTEGER NOT NULL CHECK (at_synchronised IN (0, 1)),
    lane INTEGER NOT NULL CHECK (lane BETWEEN 1 AND 8),
    serial TEXT CHECK (length(serial) BETWEEN 1 AND 64),
    refusal TEXT NOT NULL CHECK (
        refusal IN (
            'double-trigger', 'duplicate-serial', 'no-serial', 'bad-serial', 'already-passed', 'retest-limit',
            'quarantined', 'line-stopped', 'lane-stopped'
        )
    ),
    detail TEXT NOT NULL
) STRICT;

CREATE INDEX refusal_by_serial ON refusal (serial) WHERE serial IS NOT NULL;

-- What people did, and what they were answered.
CREATE TABLE act (
    number INTEGER NOT NULL PRIMARY KEY,
    at INTEGER NOT NULL CHECK (at >= 0),
    at_synchronised INTEGER NOT NULL CHECK (at_synchronised IN (0, 1)),
    by TEXT NOT NULL,
    kind TEXT NOT NULL CHECK (kind IN ('start', 'stop', 'acknowledge', 'unlock', 'lot')),
    lane INTEGER CHECK (lane BETWEEN 1 AND 8),
    serial TEXT CHECK (length(serial) BETWEEN 1 AND 64),
    -- The reason of a stop or an unlock, the note of an acknowledgement, the lot; empty for a start.
    words TEXT NOT NULL,
    -- Why it was not done; empty when it was done.
    refused TEXT,
    CHECK (kind <> 'unlock' OR serial IS NOT NULL)
) STRICT;

-- The line stood still.
CREATE TABLE line_stop (
    number INTEGER NOT NULL PRIMARY KEY,
    since INTEGER NOT NULL CHECK (since >= 0),
    since_synchronised INTEGER NOT NULL CHECK (since_synchronised IN (0, 1)),
    -- Empty when a person stopped it.
    code TEXT REFERENCES verdict_code (code),
    cause TEXT NOT NULL,
    lane INTEGER CHECK (lane BETWEEN 1 AND 8),
    wants_acknowledgement INTEGER NOT NULL CHECK (wants_acknowledgement IN (0, 1)),
    -- Empty while it lasts.
    ended INTEGER CHECK (ended >= 0),
    ended_synchronised INTEGER CHECK (ended_synchronised IN (0, 1)),
    CHECK ((ended IS NULL) = (ended_synchronised IS NULL))
) STRICT;

CREATE INDEX line_stop_that_lasts ON line_stop (number) WHERE ended IS NULL;

CREATE TRIGGER annotation_is_final BEFORE UPDATE ON annotation
BEGIN
    SELECT RAISE(ABORT, 'an annotation never changes');
END;

CREATE TRIGGER annotation_is_kept BEFORE DELETE ON annotation
BEGIN
    SELECT RAISE(ABORT, 'an annotation is never deleted');
END;

CREATE TRIGGER act_is_final BEFORE UPDATE ON act
BEGIN
    SELECT RAISE(ABORT, 'the audit never changes');
END;

CREATE TRIGGER act_is_kept BEFORE DELETE ON act
BEGIN
    SELECT RAISE(ABORT, 'the audit is never deleted');
END;

CREATE TRIGGER unlock_is_final BEFORE UPDATE ON unlock
BEGIN
    SELECT RAISE(ABORT, 'the audit never changes');
END;

CREATE TRIGGER unlock_is_kept BEFORE DELETE ON unlock
BEGIN
    SELECT RAISE(ABORT, 'the audit is never deleted');
END;

CREATE TRIGGER refusal_is_final BEFORE UPDATE ON refusal
BEGIN
    SELECT RAISE(ABORT, 'a refusal never changes');
END;

CREATE TRIGGER refusal_is_kept BEFORE DELETE ON refusal
BEGIN
    SELECT RAISE(ABORT, 'a refusal is never deleted');
END;
