//! What goes wrong on a simulated line: the table fault → verdict, and how often each fault comes.

use core::fmt;
use core::ops::Range;
use core::time::Duration;
use std::path::{Path, PathBuf};

use fixture_link::verdict::VerdictCode;
use serde::Deserialize;
use toml::Spanned;

use super::fault::{Fault, Scope};

/// A checked scenario.
#[derive(Debug, Clone, PartialEq)]
pub struct Scenario {
    /// Its name.
    pub name: String,
    /// What may go wrong; empty for nothing.
    pub rows: Vec<Row>,
}

/// One fault of a scenario.
#[derive(Debug, Clone, PartialEq)]
pub struct Row {
    /// The fault.
    pub fault: Fault,
    /// What it is a fault of, and how often.
    pub strikes: Strikes,
    /// The verdict codes of a run that it struck.
    pub codes: Vec<VerdictCode>,
    /// A run that it struck must not pass.
    pub must_fail: bool,
}

/// How often a fault comes.
#[derive(Debug, Clone, PartialEq)]
pub enum Strikes {
    /// A share of the units, 0 to 1; each in its first `runs` runs.
    Unit {
        /// The share.
        share: f64,
        /// How many of the unit's runs; `None` for all.
        runs: Option<u32>,
    },
    /// Each lane now and then.
    Lane(Spell),
    /// The line now and then.
    Line(Spell),
}

/// A fault that comes and goes.
#[derive(Debug, Clone, PartialEq)]
pub struct Spell {
    /// When the first one comes at the earliest, from the start.
    pub from: Duration,
    /// Mean time from the end of one to the next.
    pub every: Duration,
    /// How long it lasts, where nobody mends it earlier.
    pub lasts: Range<Duration>,
}

impl Row {
    /// What it is a fault of.
    pub const fn scope(&self) -> Scope {
        match self.strikes {
            Strikes::Unit { .. } => Scope::Unit,
            Strikes::Lane(_) => Scope::Lane,
            Strikes::Line(_) => Scope::Line,
        }
    }
}

/// A scenario that cannot be used: where, and what was expected.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ScenarioError {
    file: PathBuf,
    line: Option<usize>,
    what: String,
}

impl fmt::Display for ScenarioError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.file.display())?;
        if let Some(line) = self.line {
            write!(f, ":{line}")?;
        }
        write!(f, ": {}", self.what)
    }
}

impl std::error::Error for ScenarioError {}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawScenario {
    name: String,
    #[serde(default)]
    fault: Vec<Spanned<RawRow>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawRow {
    fault: Spanned<String>,
    scope: Spanned<String>,
    codes: Vec<Spanned<String>>,
    must_fail: bool,
    share: Option<Spanned<f64>>,
    runs: Option<Spanned<u32>>,
    from_s: Option<Spanned<f64>>,
    every_s: Option<Spanned<f64>>,
    lasts_s: Option<Spanned<[f64; 2]>>,
}

impl Scenario {
    /// Nothing goes wrong.
    pub fn none() -> Self {
        Self {
            name: "none".to_owned(),
            rows: Vec::new(),
        }
    }

    /// Reads and checks a scenario file.
    ///
    /// # Errors
    /// The file cannot be read, or something in it is not as expected; the error names the line.
    pub fn load(file: &Path) -> Result<Self, ScenarioError> {
        let text = std::fs::read_to_string(file).map_err(|error| ScenarioError {
            file: file.to_owned(),
            line: None,
            what: error.to_string(),
        })?;
        Self::parse(&text, file)
    }

    /// Checks a scenario's text; `file` is only named in errors.
    ///
    /// # Errors
    /// As [`load`](Self::load).
    pub fn parse(text: &str, file: &Path) -> Result<Self, ScenarioError> {
        let wrong = |at: Option<Range<usize>>, what: String| ScenarioError {
            file: file.to_owned(),
            line: at.map(|span| text.get(..span.start).unwrap_or(text).matches('\n').count() + 1),
            what,
        };
        let raw: RawScenario =
            toml::from_str(text).map_err(|error| wrong(error.span(), error.message().trim().to_owned()))?;
        let mut rows: Vec<Row> = Vec::new();
        for spanned in raw.fault {
            let span = spanned.span();
            let row = check(spanned.into_inner(), span.clone()).map_err(|(at, what)| wrong(Some(at), what))?;
            if rows
                .iter()
                .any(|other| other.fault == row.fault && other.scope() == row.scope())
            {
                return Err(wrong(
                    Some(span),
                    format!(
                        "fault: \"{}\" of a {} stands twice; expected once",
                        row.fault,
                        row.scope().as_str()
                    ),
                ));
            }
            rows.push(row);
        }
        let shares: f64 = rows
            .iter()
            .map(|row| match row.strikes {
                Strikes::Unit { share, .. } => share,
                Strikes::Lane(_) | Strikes::Line(_) => 0.0,
            })
            .sum();
        if shares > 1.0 + 1e-9 {
            return Err(wrong(
                None,
                format!("share: all units' shares are {shares} together; expected at most 1"),
            ));
        }
        Ok(Self { name: raw.name, rows })
    }

    /// The same scenario with one fault only: of every unit, or of lane or line from the start and for good.
    pub fn only(row: &Row) -> Self {
        let for_good = Spell {
            from: Duration::ZERO,
            every: Duration::ZERO,
            lasts: Duration::from_secs(1_000_000)..Duration::from_secs(1_000_001),
        };
        let strikes = match row.strikes {
            Strikes::Unit { runs, .. } => Strikes::Unit { share: 1.0, runs },
            Strikes::Lane(_) => Strikes::Lane(for_good),
            Strikes::Line(_) => Strikes::Line(for_good),
        };
        Self {
            name: row.fault.as_str().to_owned(),
            rows: vec![Row { strikes, ..row.clone() }],
        }
    }
}

fn check(raw: RawRow, span: Range<usize>) -> Result<Row, (Range<usize>, String)> {
    let fault = Fault::ALL
        .into_iter()
        .find(|fault| fault.as_str() == raw.fault.as_ref())
        .ok_or_else(|| {
            let names: Vec<&str> = Fault::ALL.iter().map(|fault| fault.as_str()).collect();
            (
                raw.fault.span(),
                format!(
                    "fault: unknown \"{}\"; expected one of {}",
                    raw.fault.as_ref(),
                    names.join(", ")
                ),
            )
        })?;
    let scope = Scope::ALL
        .into_iter()
        .find(|scope| scope.as_str() == raw.scope.as_ref() && fault.scopes().contains(scope))
        .ok_or_else(|| {
            let names: Vec<&str> = fault.scopes().iter().map(|scope| scope.as_str()).collect();
            (
                raw.scope.span(),
                format!(
                    "scope: \"{}\"; expected {} for \"{fault}\"",
                    raw.scope.as_ref(),
                    names.join(" or ")
                ),
            )
        })?;
    let mut codes = Vec::new();
    for code in &raw.codes {
        codes.push(code.as_ref().parse::<VerdictCode>().map_err(|_| {
            let names = VerdictCode::ALL.map(VerdictCode::as_str);
            (
                code.span(),
                format!(
                    "codes: \"{}\" is not a verdict code; expected one of {}",
                    code.as_ref(),
                    names.join(", ")
                ),
            )
        })?);
    }
    if codes.is_empty() {
        return Err((span, "codes: none; expected at least one verdict code".to_owned()));
    }
    if raw.must_fail && codes.contains(&VerdictCode::Ok) {
        return Err((
            span,
            "must_fail: true beside the code \"ok\"; expected false, or other codes".to_owned(),
        ));
    }
    let strikes = match scope {
        Scope::Unit => {
            for (name, at) in [
                ("from_s", raw.from_s.as_ref().map(Spanned::span)),
                ("every_s", raw.every_s.as_ref().map(Spanned::span)),
                ("lasts_s", raw.lasts_s.as_ref().map(Spanned::span)),
            ] {
                if let Some(at) = at {
                    return Err((
                        at,
                        format!("{name}: expected only for a lane or the line; a unit has a share"),
                    ));
                }
            }
            let share = raw
                .share
                .ok_or_else(|| (span, "share: missing; expected the share of units, 0 to 1".to_owned()))?;
            if !(0.0..=1.0).contains(share.as_ref()) {
                return Err((share.span(), format!("share: {}; expected 0 to 1", share.as_ref())));
            }
            if let Some(runs) = raw.runs.as_ref().filter(|runs| *runs.as_ref() == 0) {
                return Err((
                    runs.span(),
                    "runs: 0; expected 1 or more, or none for all runs".to_owned(),
                ));
            }
            Strikes::Unit {
                share: share.into_inner(),
                runs: raw.runs.map(Spanned::into_inner),
            }
        }
        Scope::Lane => Strikes::Lane(spell(&raw, &span)?),
        Scope::Line => Strikes::Line(spell(&raw, &span)?),
    };
    Ok(Row {
        fault,
        strikes,
        codes,
        must_fail: raw.must_fail,
    })
}

/// The longest time that a scenario may name: a year.
const LONGEST: f64 = 365.0 * 86_400.0;

fn spell(raw: &RawRow, span: &Range<usize>) -> Result<Spell, (Range<usize>, String)> {
    if let Some(share) = &raw.share {
        return Err((
            share.span(),
            "share: expected only for a unit; a lane or the line has every_s and lasts_s".to_owned(),
        ));
    }
    if let Some(runs) = &raw.runs {
        return Err((runs.span(), "runs: expected only for a unit".to_owned()));
    }
    let seconds = |name: &str, value: &Spanned<f64>| {
        if (0.0..=LONGEST).contains(value.as_ref()) {
            Ok(Duration::from_secs_f64(*value.as_ref()))
        } else {
            Err((
                value.span(),
                format!("{name}: {}; expected seconds from 0 to {LONGEST}", value.as_ref()),
            ))
        }
    };
    let from = raw
        .from_s
        .as_ref()
        .map_or(Ok(Duration::ZERO), |value| seconds("from_s", value))?;
    let every = raw
        .every_s
        .as_ref()
        .ok_or_else(|| {
            (
                span.clone(),
                "every_s: missing; expected the mean seconds between two".to_owned(),
            )
        })
        .and_then(|value| seconds("every_s", value))?;
    let lasts = raw.lasts_s.as_ref().ok_or_else(|| {
        (
            span.clone(),
            "lasts_s: missing; expected [least, most] seconds".to_owned(),
        )
    })?;
    let [least, most] = *lasts.as_ref();
    if !(least > 0.0 && least <= most && most <= LONGEST) {
        return Err((
            lasts.span(),
            format!("lasts_s: [{least}, {most}]; expected [least, most] seconds above 0, in order"),
        ));
    }
    Ok(Spell {
        from,
        every,
        lasts: Duration::from_secs_f64(least)..Duration::from_secs_f64(most),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(text: &str) -> String {
        Scenario::parse(text, Path::new("s.toml")).unwrap_err().to_string()
    }

    const GOOD: &str = "name = \"x\"\n\n[[fault]]\nfault = \"dead-led\"\nscope = \"unit\"\nshare = 0.5\ncodes = [\"no-light\"]\nmust_fail = true\n";

    #[test]
    fn a_scenario_is_checked_and_its_errors_name_line_field_and_what_was_expected() {
        assert_eq!(Scenario::parse(GOOD, Path::new("s.toml")).unwrap().rows.len(), 1);
        assert!(
            error(&GOOD.replace("dead-led", "dead")).starts_with("s.toml:4: fault: unknown \"dead\"; expected one of")
        );
        assert_eq!(
            error(&GOOD.replace("\"unit\"", "\"lane\"")),
            "s.toml:5: scope: \"lane\"; expected unit for \"dead-led\""
        );
        assert_eq!(
            error(&GOOD.replace("0.5", "1.5")),
            "s.toml:6: share: 1.5; expected 0 to 1"
        );
        let unknown = error(&GOOD.replace("no-light", "nolight"));
        assert!(
            unknown.starts_with("s.toml:7: codes: \"nolight\" is not a verdict code; expected one of ok, no-light, "),
            "{unknown}"
        );
        for code in VerdictCode::ALL {
            assert!(unknown.contains(code.as_str()), "{code}: {unknown}");
        }
        assert!(error(&GOOD.replace("must_fail", "mustfail")).contains("s.toml:8"));
        assert!(error(&GOOD.replace("share = 0.5\n", "")).starts_with("s.toml:3: share: missing"));
        assert!(error(&GOOD.replace("no-light", "ok")).contains("must_fail: true beside"));
        assert!(error(&format!("{GOOD}{}", &GOOD[12..])).contains("stands twice"));
    }

    #[test]
    fn the_mix_of_all_faults_holds_every_fault_in_every_scope() {
        let text = include_str!("../../../../config/scenarios/mixed.toml");
        let mixed = Scenario::parse(text, Path::new("config/scenarios/mixed.toml")).unwrap();
        for fault in Fault::ALL {
            for scope in fault.scopes() {
                assert!(
                    mixed.rows.iter().any(|row| row.fault == fault && row.scope() == *scope),
                    "{fault} of a {} is missing",
                    scope.as_str()
                );
            }
        }
    }

    #[test]
    fn every_scenario_that_is_shipped_can_be_loaded() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../config/scenarios");
        let mut loaded = 0;
        for entry in std::fs::read_dir(folder).unwrap() {
            Scenario::load(&entry.unwrap().path()).unwrap();
            loaded += 1;
        }
        assert!(loaded >= 1);
    }
}
