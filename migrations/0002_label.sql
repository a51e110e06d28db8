-- Labels, with a state of their own beside the verdict; and a code for a nest's switch.

PRAGMA user_version = 2;

INSERT INTO verdict_code (code, class, outcome) VALUES ('nest-fault', 'fixture', 'ERROR');

-- The label of a unit that passed. The verdict stands whatever becomes of it.
CREATE TABLE label (
    run INTEGER NOT NULL PRIMARY KEY REFERENCES run (number),
    -- pending: to be printed; printed: the printer took it; confirmed: the printer says it is out; failed: it is not.
    state TEXT NOT NULL CHECK (state IN ('pending', 'printed', 'confirmed', 'failed')),
    -- Why it failed; empty otherwise.
    why TEXT NOT NULL CHECK (length(why) <= 2000),
    -- How often it was given to the printer.
    tries INTEGER NOT NULL CHECK (tries >= 0),
    changed INTEGER NOT NULL CHECK (changed >= 0),
    changed_synchronised INTEGER NOT NULL CHECK (changed_synchronised IN (0, 1)),
    CHECK ((state = 'failed') = (why <> '')),
    CHECK (state = 'pending' OR tries >= 1)
) STRICT;

CREATE INDEX label_that_is_open ON label (run) WHERE state IN ('pending', 'failed');

CREATE TRIGGER label_is_for_a_pass BEFORE INSERT ON label
WHEN (SELECT outcome FROM run WHERE number = NEW.run) IS NOT 'PASS'
BEGIN
    SELECT RAISE(ABORT, 'only a unit that passed gets a label');
END;

CREATE TRIGGER label_keeps_its_run BEFORE UPDATE OF run ON label
BEGIN
    SELECT RAISE(ABORT, 'a label keeps its run');
END;

CREATE TRIGGER label_that_is_out_stays_out BEFORE UPDATE ON label
WHEN OLD.state = 'confirmed' OR (OLD.state = 'printed' AND NEW.state = 'pending')
BEGIN
    SELECT RAISE(ABORT, 'a label that is out is not taken back');
END;

CREATE TRIGGER label_is_kept BEFORE DELETE ON label
BEGIN
    SELECT RAISE(ABORT, 'a label is never deleted');
END;
