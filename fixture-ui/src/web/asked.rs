//! Which runs an address asks for: the same words for the list of runs, its export and the interface for programs.

use core::fmt::{Display, Write as _};
use core::str::FromStr;

use fixture_ledger::report::{RunFilter, SerialFilter};
use fixture_link::identity::LaneId;

use super::Sources;
use super::day::Day;
use super::link;

/// The longest text that is looked for.
const LONGEST: usize = 200;

/// What was asked for, as it stands in the address; empty for what was not.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Asked {
    /// How the serial begins.
    pub serial: String,
    /// The outcome.
    pub outcome: String,
    /// The verdict's code.
    pub code: String,
    /// The lane.
    pub lane: String,
    /// The lot.
    pub lot: String,
    /// The work order.
    pub work_order: String,
    /// The operator.
    pub operator: String,
    /// The recipe's name.
    pub recipe: String,
    /// The version of the software.
    pub software: String,
    /// What the unit was run for.
    pub purpose: String,
    /// How far the unit got.
    pub reached: String,
    /// The day.
    pub day: String,
    /// The first day.
    pub from: String,
    /// The last day.
    pub to: String,
    /// The order.
    pub sort: String,
    /// The last run of the page before.
    pub before: String,
}

/// The fields' names, in the order of addresses.
const NAMES: [&str; 16] = [
    "serial",
    "outcome",
    "code",
    "lane",
    "lot",
    "work_order",
    "operator",
    "recipe",
    "software",
    "purpose",
    "reached",
    "day",
    "from",
    "to",
    "sort",
    "before",
];

impl Asked {
    /// The fields of a query.
    ///
    /// # Errors
    /// A field is not known, given twice, or too long: it is named.
    pub fn of(query: &str) -> Result<Self, String> {
        let mut asked = Self::default();
        for (name, value) in link::fields(query) {
            let value = value.trim();
            let Some(field) = asked.field(&name) else {
                let (last, others) = NAMES.split_last().unwrap_or((&"", &[]));
                return Err(format!("{}: expected {} or {last}", short(&name), others.join(", ")));
            };
            if !field.is_empty() {
                return Err(format!("{name}: expected once"));
            }
            if value.chars().count() > LONGEST {
                return Err(format!(
                    "{name}: {}: expected at most {LONGEST} characters",
                    short(value)
                ));
            }
            value.clone_into(field);
        }
        Ok(asked)
    }

    fn field(&mut self, name: &str) -> Option<&mut String> {
        Some(match name {
            "serial" => &mut self.serial,
            "outcome" => &mut self.outcome,
            "code" => &mut self.code,
            "lane" => &mut self.lane,
            "lot" => &mut self.lot,
            "work_order" => &mut self.work_order,
            "operator" => &mut self.operator,
            "recipe" => &mut self.recipe,
            "software" => &mut self.software,
            "purpose" => &mut self.purpose,
            "reached" => &mut self.reached,
            "day" => &mut self.day,
            "from" => &mut self.from,
            "to" => &mut self.to,
            "sort" => &mut self.sort,
            "before" => &mut self.before,
            _ => return None,
        })
    }

    /// The filter.
    ///
    /// # Errors
    /// What was expected of the first field that makes no sense.
    pub fn filter(&self, sources: &Sources) -> Result<RunFilter, String> {
        let (from, until) = self.span(sources)?;
        Ok(RunFilter {
            serial: text(&self.serial).map(SerialFilter::BeginsWith),
            outcome: parsed("outcome", &self.outcome)?,
            code: parsed("code", &self.code)?,
            lane: lane(&self.lane)?,
            lot: text(&self.lot),
            work_order: text(&self.work_order),
            operator: text(&self.operator),
            recipe: text(&self.recipe),
            software: text(&self.software),
            purpose: parsed("purpose", &self.purpose)?,
            reached: parsed("reached", &self.reached)?,
            from,
            until,
            sort: parsed("sort", &self.sort)?.unwrap_or_default(),
            before: parsed("before", &self.before)?,
        })
    }

    /// From which instant, until which.
    fn span(&self, sources: &Sources) -> Result<(Option<i64>, Option<i64>), String> {
        let named = |name: &str, day: &str| {
            text(day)
                .map(|day| Day::of(sources, &day).map_err(|said| said.replacen("day:", &format!("{name}:"), 1)))
                .transpose()
        };
        let day = named("day", &self.day)?;
        let (first, last) = (named("from", &self.from)?, named("to", &self.to)?);
        if day.is_some() && (first.is_some() || last.is_some()) {
            return Err("day: expected either a day, or from and to".to_owned());
        }
        let from = day.as_ref().or(first.as_ref()).map(|day| day.from);
        let until = day.as_ref().or(last.as_ref()).map(|day| day.until);
        if from.zip(until).is_some_and(|(from, until)| from >= until) {
            return Err(format!(
                "to: {}: expected a day that is not before {}",
                self.to, self.from
            ));
        }
        Ok((from, until))
    }

    /// What is asked for, but for the place in the list, as the query of an address; empty for nothing.
    pub fn query(&self) -> String {
        let mut copy = self.clone();
        let mut query = String::new();
        for name in NAMES.into_iter().filter(|name| *name != "before") {
            let value = copy.field(name).map(core::mem::take).unwrap_or_default();
            if !value.is_empty() {
                // Writing to a String cannot fail.
                let _written = write!(query, "{name}={}&", link::quoted(&value));
            }
        }
        query.pop();
        query
    }

    /// An address with what is asked for, from a place in the list on.
    pub fn address(&self, path: &str, before: &str) -> String {
        let query = self.query();
        match (query.is_empty(), before.is_empty()) {
            (true, true) => path.to_owned(),
            (false, true) => format!("{path}?{query}"),
            (true, false) => format!("{path}?before={}", link::quoted(before)),
            (false, false) => format!("{path}?{query}&before={}", link::quoted(before)),
        }
    }

    /// What is asked for, in words: a field's name and its value.
    pub fn words(&self) -> Vec<(&'static str, String)> {
        let mut copy = self.clone();
        NAMES
            .into_iter()
            .filter(|name| *name != "before")
            .filter_map(|name| {
                let value = core::mem::take(copy.field(name)?);
                (!value.is_empty()).then(|| {
                    let words = match name {
                        "serial" => "serial begins with",
                        "work_order" => "work order",
                        "reached" => "got as far as",
                        "sort" => "order",
                        other => other,
                    };
                    (words, value)
                })
            })
            .collect()
    }
}

/// Text that was given.
fn text(text: &str) -> Option<String> {
    (!text.is_empty()).then(|| text.to_owned())
}

/// A name or a number that was given.
pub fn parsed<T: FromStr<Err: Display>>(name: &str, value: &str) -> Result<Option<T>, String> {
    text(value)
        .map(|value| value.parse().map_err(|error| format!("{name}: {error}")))
        .transpose()
}

/// A lane that was given.
pub fn lane(value: &str) -> Result<Option<LaneId>, String> {
    text(value)
        .map(|value| {
            value
                .parse()
                .ok()
                .and_then(|number| LaneId::new(number).ok())
                .ok_or_else(|| format!("lane: {value:?}: expected a number from 1 to {}", LaneId::MOST))
        })
        .transpose()
}

/// Text from an address, short enough to be shown.
pub fn short(text: &str) -> String {
    let short: String = text.chars().take(40).collect();
    if short.len() < text.len() {
        format!("{short}…")
    } else {
        short
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_field_that_nobody_knows_is_named() {
        assert_eq!(
            Asked::of("serial=1&colour=up").unwrap_err(),
            "colour: expected serial, outcome, code, lane, lot, work_order, operator, recipe, software, purpose, reached, day, from, to, sort or before"
        );
        assert_eq!(Asked::of("lot=1&lot=2").unwrap_err(), "lot: expected once");
        let long = Asked::of(&format!("lot={}", "x".repeat(201))).unwrap_err();
        assert_eq!(
            long,
            format!("lot: {}…: expected at most 200 characters", "x".repeat(40))
        );
    }

    #[test]
    fn an_address_keeps_the_filters() {
        let asked = Asked::of("serial=SN%2F1&outcome=FAIL&lane=&sort=oldest&before=1-2").unwrap();
        assert_eq!(
            asked.address("/runs", "17-4"),
            "/runs?serial=SN%2F1&outcome=FAIL&sort=oldest&before=17-4"
        );
        assert_eq!(
            asked.address("/export", ""),
            "/export?serial=SN%2F1&outcome=FAIL&sort=oldest"
        );
        assert_eq!(Asked::default().address("/runs", ""), "/runs");
        assert_eq!(Asked::default().address("/runs", "1-2"), "/runs?before=1-2");
        assert_eq!(asked.words()[0], ("serial begins with", "SN/1".to_owned()));
    }
}
