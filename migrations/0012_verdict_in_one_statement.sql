-- A verdict and all that it rests on come in one statement, which is a transaction of its own: one text that is given to the writer's thread costs two changes
-- of threads, and one statement is there whole or not at all, whatever becomes of whoever gave it.
--
-- A later migration that makes one of these tables anew has to drop the view before, and to make it and its triggers again.

PRAGMA user_version = 12;

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
        run, number, rate, level_permille, mid_permille, began, took, token_id, result, symbols, latest, lateness,
        loop_bright, loop_mid_share, loop_samples
    )
    SELECT
        NEW.number,
        value ->> 'number',
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
    ON CONFLICT (run, number) DO UPDATE
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

    INSERT INTO reading (run, number, at, codes, confidence)
    SELECT NEW.number, key / 3 + 1, value, NEW.readings -> (key + 1), NEW.readings ->> (key + 2)
    FROM json_each(NEW.readings)
    WHERE key % 3 = 0;

    INSERT INTO evidence (run, number, at, kind, detail)
    SELECT NEW.number, key / 3 + 1, value, NEW.evidence ->> (key + 1), NEW.evidence ->> (key + 2)
    FROM json_each(NEW.evidence)
    WHERE key % 3 = 0;

    INSERT INTO measurement (run, what, scale, value, deviation, least, most, is_outside)
    SELECT
        NEW.number,
        value,
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
        (SELECT count(*) FROM attempt WHERE attempt.run = run.number),
        (SELECT count(*) FROM attempt WHERE attempt.run = run.number AND attempt.result = 'received'),
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
