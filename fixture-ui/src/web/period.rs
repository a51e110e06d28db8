//! What a page of reports is asked: a period, how it is divided, and which runs. All of it stands in the address, so that a view can be sent on.

use core::fmt::Write as _;

use fixture_ledger::yields::{By, Scope, Span};
use jiff::ToSpan as _;
use jiff::civil::{Date, Weekday};

use super::Sources;
use super::asked::lane;
use super::link;

/// The most spans that a period is divided into.
const MOST_SPANS: usize = 200;

/// How many days a page tells of where it is asked for none.
const DAYS: i32 = 28;

/// Into what a period is divided.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Per {
    /// Hours.
    Hour,
    /// Shifts.
    Shift,
    /// Days.
    Day,
    /// Weeks, from Monday on.
    Week,
    /// Months.
    Month,
}

impl Per {
    /// Every one.
    pub const ALL: [Self; 5] = [Self::Hour, Self::Shift, Self::Day, Self::Week, Self::Month];

    /// The name in addresses and forms.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Hour => "hour",
            Self::Shift => "shift",
            Self::Day => "day",
            Self::Week => "week",
            Self::Month => "month",
        }
    }
}

/// A part of the period, with what it is called.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part {
    /// Its time.
    pub span: Span,
    /// What it is called on an axis.
    pub short: String,
    /// What it is called in a table.
    pub long: String,
}

/// What was asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ask {
    /// The first day.
    pub from: Date,
    /// The last day.
    pub until: Date,
    /// How the period is divided.
    pub per: Per,
    /// By what runs are told apart.
    pub by: By,
    /// Which runs.
    pub scope: Scope,
    /// The fields as they stand in the address, without empty ones.
    given: Vec<(&'static str, String)>,
}

const FIELDS: [&str; 11] = [
    "days",
    "from",
    "to",
    "per",
    "by",
    "lane",
    "lot",
    "work_order",
    "recipe",
    "operator",
    "software",
];

impl Ask {
    /// What a query asks.
    ///
    /// # Errors
    /// The first field that makes no sense, and what was expected.
    pub fn of(sources: &Sources, query: &str) -> Result<Self, String> {
        Self::with(sources, query, &[])
    }

    /// As [`of`](Self::of), with fields of the page's own, which it reads with [`field`](Self::field).
    ///
    /// # Errors
    /// The first field that makes no sense, and what was expected.
    pub fn with(sources: &Sources, query: &str, own: &[&'static str]) -> Result<Self, String> {
        let mut given: Vec<(&'static str, String)> = Vec::new();
        for (name, value) in link::fields(query) {
            let known = FIELDS
                .iter()
                .chain(own)
                .copied()
                .find(|known| *known == name)
                .ok_or_else(|| format!("{name}: expected one of {}", [&FIELDS, own].concat().join(", ")))?;
            if given.iter().any(|(name, _)| *name == known) {
                return Err(format!("{name}: expected once"));
            }
            let value = value.trim();
            if value.chars().any(char::is_control) {
                return Err(format!("{name}: {value:?}: expected no control characters"));
            }
            if value.chars().count() > 200 {
                return Err(format!("{name}: expected at most 200 characters"));
            }
            if !value.is_empty() {
                given.push((known, value.to_owned()));
            }
        }
        let field = |name: &str| {
            given
                .iter()
                .find(|(known, _)| *known == name)
                .map(|(_, value)| value.as_str())
        };
        let (from, until) = period(sources, &field)?;
        let days = (until - from).get_days() + 1;
        let per = match field("per") {
            None if days <= 2 => Per::Hour,
            None if days <= 92 => Per::Day,
            None if days <= 800 => Per::Week,
            None => Per::Month,
            Some(text) => Per::ALL
                .into_iter()
                .find(|per| per.as_str() == text)
                .ok_or_else(|| format!("per: {text:?}: expected hour, shift, day, week or month"))?,
        };
        let by = match field("by") {
            None => By::Lane,
            Some(text) => By::ALL
                .into_iter()
                .find(|by| by.as_str() == text)
                .ok_or_else(|| format!("by: {text:?}: expected {}", By::ALL.map(By::as_str).join(", ")))?,
        };
        let owned = |name: &str| field(name).map(str::to_owned);
        let scope = Scope {
            lane: lane(field("lane").unwrap_or_default())?,
            lot: owned("lot"),
            work_order: owned("work_order"),
            recipe: owned("recipe"),
            operator: owned("operator"),
            software: owned("software"),
        };
        Ok(Self {
            from,
            until,
            per,
            by,
            scope,
            given,
        })
    }

    /// A field as it was given; empty where it was not.
    pub fn field(&self, name: &str) -> &str {
        self.given
            .iter()
            .find(|(known, _)| *known == name)
            .map_or("", |(_, value)| value.as_str())
    }

    /// The address of a page that is asked the same but for these fields; an empty one is left out.
    pub fn address(&self, path: &str, but: &[(&str, &str)]) -> String {
        let kept = self
            .given
            .iter()
            .map(|(name, value)| (*name, value.as_str()))
            .filter(|(name, _)| !but.iter().any(|(other, _)| other == name));
        addressed(path, kept.chain(but.iter().copied()))
    }

    /// The address of the list of the runs that it tells of, with further filters.
    pub fn runs(&self, more: &[(&str, &str)]) -> String {
        let (from, until) = (self.from.to_string(), self.until.to_string());
        let asked = ["lane", "lot", "work_order", "recipe", "operator", "software"];
        let kept = self
            .given
            .iter()
            .map(|(name, value)| (*name, value.as_str()))
            .filter(|(name, _)| asked.contains(name) && !more.iter().any(|(other, _)| other == name));
        let period = [("from", from.as_str()), ("to", until.as_str())]
            .into_iter()
            .filter(|(name, _)| !more.iter().any(|(other, _)| other == name));
        addressed("/runs", kept.chain(period).chain(more.iter().copied()))
    }

    /// The whole period.
    ///
    /// # Errors
    /// It is beyond the calendar.
    pub fn whole(&self, sources: &Sources) -> Result<Span, String> {
        let beyond = || format!("to: {}: expected a day of the calendar", self.until);
        let after = self.until.checked_add(1.day()).map_err(|_| beyond())?;
        Ok(Span {
            from: sources.shifts.begins(self.from).ok_or_else(beyond)?,
            until: sources.shifts.begins(after).ok_or_else(beyond)?,
        })
    }

    /// Its parts, the earliest first.
    ///
    /// # Errors
    /// There are too many.
    pub fn parts(&self, sources: &Sources) -> Result<Vec<Part>, String> {
        let shifts = &sources.shifts;
        let mut parts = Vec::new();
        let mut day = self.from;
        let next = |day: Date| day.checked_add(1.day()).map_err(|error| error.to_string());
        while day <= self.until {
            let begins = |day: Date| {
                shifts
                    .begins(day)
                    .ok_or_else(|| format!("from: {day}: beyond the calendar"))
            };
            let mut push = |from: i64, until: i64, short: String, long: String| {
                parts.push(Part {
                    span: Span { from, until },
                    short,
                    long,
                });
            };
            let after = match self.per {
                Per::Hour => {
                    let (mut from, until) = (begins(day)?, begins(next(day)?)?);
                    while from < until {
                        let at = super::list::clock_time(sources, from);
                        push(from, (from + HOUR).min(until), at.clone(), format!("{day} {at}"));
                        from += HOUR;
                    }
                    next(day)?
                }
                Per::Shift => {
                    for shift in shifts.on(day) {
                        let long = format!("{day} {}", shift.name);
                        push(
                            shift.from,
                            shift.until,
                            format!("{} {}", day.strftime("%d.%m"), shift.name),
                            long,
                        );
                    }
                    next(day)?
                }
                Per::Day => {
                    let after = next(day)?;
                    push(
                        begins(day)?,
                        begins(after)?,
                        day.strftime("%d %b").to_string(),
                        day.strftime("%Y-%m-%d %a").to_string(),
                    );
                    after
                }
                Per::Week => {
                    let mut after = next(day)?;
                    while after.weekday() != Weekday::Monday && after <= self.until {
                        after = next(after)?;
                    }
                    push(
                        begins(day)?,
                        begins(after)?,
                        day.strftime("%d %b").to_string(),
                        format!("week from {day}"),
                    );
                    after
                }
                Per::Month => {
                    let first = day
                        .first_of_month()
                        .checked_add(1.month())
                        .map_err(|error| error.to_string())?;
                    let after = first.min(next(self.until)?);
                    push(
                        begins(day)?,
                        begins(after)?,
                        day.strftime("%b %Y").to_string(),
                        day.strftime("%B %Y").to_string(),
                    );
                    after
                }
            };
            if parts.len() > MOST_SPANS {
                return Err(format!(
                    "from {} to {} per {}: more than {MOST_SPANS} parts; expected a shorter period or larger parts",
                    self.from,
                    self.until,
                    self.per.as_str()
                ));
            }
            day = after;
        }
        Ok(parts)
    }
}

const HOUR: i64 = 3_600_000_000;

fn addressed<'a>(path: &str, fields: impl Iterator<Item = (&'a str, &'a str)>) -> String {
    let mut address = format!("{path}?");
    for (name, value) in fields.filter(|(_, value)| !value.is_empty()) {
        // Writing to a String cannot fail.
        let _written = write!(address, "{name}={}&", link::quoted(value));
    }
    address.pop();
    address
}

/// The first and last day.
fn period<'a>(sources: &Sources, field: &dyn Fn(&str) -> Option<&'a str>) -> Result<(Date, Date), String> {
    let date = |name: &str| {
        field(name)
            .map(|text| {
                text.parse::<Date>()
                    .map_err(|_| format!("{name}: {text:?}: expected a date such as 2026-01-31"))
            })
            .transpose()
    };
    let today = sources.clock.wall().to_zoned(sources.shifts.zone().clone()).date();
    let (from, until) = (date("from")?, date("to")?);
    let days = match field("days") {
        None => DAYS,
        Some(_) if from.is_some() => return Err("days: expected either days, or from and to".to_owned()),
        Some(text) => text
            .parse::<i32>()
            .ok()
            .filter(|days| (1..=4000).contains(days))
            .ok_or_else(|| format!("days: {text:?}: expected a number from 1 to 4000"))?,
    };
    let until = until.unwrap_or_else(|| from.map_or(today, |from| today.max(from)));
    let from = match from {
        Some(from) => from,
        None => until
            .checked_sub((days - 1).days())
            .map_err(|_| format!("to: {until}: beyond the calendar"))?,
    };
    if from > until {
        return Err(format!(
            "to: {until} is before {from}; expected a day that is not before from"
        ));
    }
    let (first, last) = (jiff::civil::date(1970, 1, 2), jiff::civil::date(9000, 1, 1));
    for (name, day) in [("from", from), ("to", until)] {
        if !(first..=last).contains(&day) {
            return Err(format!("{name}: {day}: expected a day from {first} to {last}"));
        }
    }
    Ok((from, until))
}
