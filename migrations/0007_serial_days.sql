-- On which days units were seated whose serials begin alike: where to look for the runs of a serial's beginning that many have.

PRAGMA user_version = 7;

CREATE TABLE serial_day (
    -- A serial without its last three characters: where serials are counted up, those of a thousand units.
    stem TEXT NOT NULL,
    -- Days since 1970 UTC.
    day INTEGER NOT NULL,
    PRIMARY KEY (stem, day)
) STRICT, WITHOUT ROWID;

INSERT INTO serial_day (stem, day)
SELECT DISTINCT substr(serial, 1, max(length(serial) - 3, 1)), seated / 86400000000
FROM run
WHERE serial IS NOT NULL;

CREATE TRIGGER run_has_a_serial_day AFTER INSERT ON run
WHEN NEW.serial IS NOT NULL
BEGIN
    INSERT INTO serial_day (stem, day)
    VALUES (substr(NEW.serial, 1, max(length(NEW.serial) - 3, 1)), NEW.seated / 86400000000)
    ON CONFLICT DO NOTHING;
END;
