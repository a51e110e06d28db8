//! A day at the fixture's place.

use jiff::ToSpan as _;
use jiff::civil::Date;

use super::Sources;

/// A day, from midnight to midnight of the fixture's time zone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Day {
    date: Date,
    /// Its first instant, microseconds since 1970 UTC.
    pub from: i64,
    /// The next day's first instant, microseconds since 1970 UTC.
    pub until: i64,
}

impl Day {
    /// The day that `text` names, as 2026-01-31.
    ///
    /// # Errors
    /// What was expected.
    pub fn of(sources: &Sources, text: &str) -> Result<Self, String> {
        let date = text
            .parse()
            .map_err(|_| format!("day: {text:?}: expected a date such as 2026-01-31"))?;
        Self::at(sources, date)
    }

    /// The day that it is now.
    ///
    /// # Errors
    /// The clock is beyond the calendar.
    pub fn today(sources: &Sources) -> Result<Self, String> {
        Self::at(
            sources,
            sources.clock.wall().to_zoned(sources.shifts.zone().clone()).date(),
        )
    }

    fn at(sources: &Sources, date: Date) -> Result<Self, String> {
        let beyond = |_| format!("day: {date}: expected a day of the calendar");
        let midnight = |date: Date| {
            date.to_zoned(sources.shifts.zone().clone())
                .map(|zoned| zoned.timestamp().as_microsecond())
                .map_err(beyond)
        };
        Ok(Self {
            date,
            from: midnight(date)?,
            until: midnight(date.checked_add(1.day()).map_err(beyond)?)?,
        })
    }

    /// As a date.
    pub const fn date(&self) -> Date {
        self.date
    }

    /// As 2026-01-31.
    pub fn name(&self) -> String {
        self.date.to_string()
    }

    /// The name of the day that so many days later is.
    pub fn after(&self, days: i32) -> String {
        self.date.checked_add(days.days()).unwrap_or(self.date).to_string()
    }
}
