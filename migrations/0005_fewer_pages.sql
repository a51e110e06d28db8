-- Fewer pages are written for a run. Most runs pass, so the index over codes and the one over outcomes hold only those that did not; what passed is
-- found by when it was seated. A run without a verdict stands in neither.

PRAGMA user_version = 5;

DROP INDEX run_by_code;
CREATE INDEX run_by_code ON run (code, seated) WHERE code <> 'ok';

DROP INDEX run_by_outcome;
CREATE INDEX run_by_outcome ON run (outcome, seated) WHERE outcome <> 'PASS';
