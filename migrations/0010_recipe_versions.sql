-- Recipes are changed as new versions, never in place: what each version is made of, by whom it was made, from which one and why; and the act by which a
-- person makes one.

PRAGMA user_version = 10;

-- Whose version was asked for; the name as it was asked for, which may be none that there is.
ALTER TABLE act ADD COLUMN recipe TEXT CHECK ((kind = 'recipe') = (recipe IS NOT NULL));

-- What was asked for of it, as JSON: {"entries": ["times.stage=\"20s\""]} or {"version": "0123456789abcdef"}.
ALTER TABLE act ADD COLUMN recipe_change TEXT CHECK ((kind = 'recipe') = (recipe_change IS NOT NULL));

CREATE TABLE recipe_version (
    -- The order in which they came to be: the newest of a name is what runs begin by.
    number INTEGER NOT NULL PRIMARY KEY,
    name TEXT NOT NULL CHECK (length(name) BETWEEN 1 AND 64),
    -- As runs record it. The same one again where somebody went back to it.
    version TEXT NOT NULL CHECK (length(version) = 16),
    -- file: as it stood in the recipe's file; act: somebody changed the one before; program: the same, read as another version.
    origin TEXT NOT NULL CHECK (origin IN ('file', 'act', 'program')),
    at INTEGER NOT NULL CHECK (at >= 0),
    at_synchronised INTEGER NOT NULL CHECK (at_synchronised IN (0, 1)),
    -- Empty where no person did it by an act.
    by TEXT NOT NULL CHECK ((origin = 'act') = (by <> '')),
    reason TEXT NOT NULL,
    from_version TEXT CHECK (length(from_version) = 16),
    -- By which the recipe's file is told from what it is after a change.
    file TEXT NOT NULL CHECK (length(file) = 16),
    -- The recipe as TOML; secrets are in files that it names.
    text TEXT NOT NULL CHECK (length(CAST(text AS BLOB)) BETWEEN 1 AND 65536),
    -- What is other than before, an entry a line.
    changes TEXT NOT NULL
) STRICT;

CREATE INDEX recipe_version_by_name ON recipe_version (name, number);

CREATE TRIGGER recipe_version_is_final BEFORE UPDATE ON recipe_version
BEGIN
    SELECT RAISE(ABORT, 'a version of a recipe never changes');
END;

CREATE TRIGGER recipe_version_is_kept BEFORE DELETE ON recipe_version
BEGIN
    SELECT RAISE(ABORT, 'a version of a recipe is never deleted');
END;
