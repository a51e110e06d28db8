//! The fixture's calendar: its time zone, its shifts, and the pace that they ask for.

use core::time::Duration;
use std::path::Path;

use jiff::civil::{Date, Time, Weekday};
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan as _};
use serde::Deserialize;
use toml::Spanned;

use crate::mistake::Mistake;

/// The most shifts of a calendar.
const MOST: usize = 24;

/// When the fixture's people work, in its time zone. Where the configuration has no shifts, the day is one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shifts {
    zone: TimeZone,
    takt: Option<Duration>,
    of_a_day: Vec<Shift>,
}

/// One shift.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Shift {
    name: String,
    from: Time,
    /// Of the next day where it is not after `from`.
    until: Time,
    days: Vec<Weekday>,
}

/// One shift of one day.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ShiftTime {
    /// Its name.
    pub name: String,
    /// The day on which it begins.
    pub date: Date,
    /// Its first instant, microseconds since 1970 UTC.
    pub from: i64,
    /// The first instant after it.
    pub until: i64,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawShifts {
    zone: Option<Spanned<String>>,
    takt: Option<Spanned<String>>,
    #[serde(default)]
    shift: Vec<RawShift>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawShift {
    name: Spanned<String>,
    from: Spanned<String>,
    until: Spanned<String>,
    days: Option<Spanned<Vec<Spanned<String>>>>,
}

const DAYS: [(&str, Weekday); 7] = [
    ("mon", Weekday::Monday),
    ("tue", Weekday::Tuesday),
    ("wed", Weekday::Wednesday),
    ("thu", Weekday::Thursday),
    ("fri", Weekday::Friday),
    ("sat", Weekday::Saturday),
    ("sun", Weekday::Sunday),
];

impl Default for Shifts {
    fn default() -> Self {
        Self::days(TimeZone::system())
    }
}

impl Shifts {
    /// Every day is a shift.
    pub fn days(zone: TimeZone) -> Self {
        Self {
            zone,
            takt: None,
            of_a_day: vec![Shift {
                name: "day".to_owned(),
                from: Time::midnight(),
                until: Time::midnight(),
                days: DAYS.iter().map(|(_, day)| *day).collect(),
            }],
        }
    }

    /// The time zone.
    pub const fn zone(&self) -> &TimeZone {
        &self.zone
    }

    /// How often the line is to finish a unit, where the configuration says so.
    pub const fn takt(&self) -> Option<Duration> {
        self.takt
    }

    /// What the shifts are called, in the order of the configuration.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.of_a_day.iter().map(|shift| shift.name.as_str())
    }

    /// The shift that ended last at an instant (microseconds since 1970 UTC); `None` where none did within a week.
    pub fn ended_last(&self, instant: i64) -> Option<ShiftTime> {
        self.around(self.date(instant)?)
            .filter(|shift| shift.until <= instant)
            .max_by_key(|shift| (shift.until, shift.from))
    }

    /// The shifts that begin before and after another does, where there are any within a week.
    pub fn beside(&self, shift: &ShiftTime) -> (Option<ShiftTime>, Option<ShiftTime>) {
        let before = self.around(shift.date).filter(|other| other.from < shift.from);
        let after = self.around(shift.date).filter(|other| other.from > shift.from);
        (
            before.max_by_key(|other| other.from),
            after.min_by_key(|other| other.from),
        )
    }

    /// The shifts of the days from a week and a day before until as many after.
    fn around(&self, date: Date) -> impl Iterator<Item = ShiftTime> {
        (-8..=8)
            .filter_map(move |days: i32| date.checked_add(days.days()).ok())
            .flat_map(|date| self.on(date))
    }

    /// The shifts that begin on a day, the earliest first. Where a clock is put forward over the beginning or end of one, it begins or ends that much
    /// later; where it is put back, a time that comes twice is the first of the two.
    pub fn on(&self, date: Date) -> Vec<ShiftTime> {
        let mut on: Vec<ShiftTime> = self
            .of_a_day
            .iter()
            .filter(|shift| shift.days.contains(&date.weekday()))
            .filter_map(|shift| {
                let ends = if shift.until > shift.from {
                    date
                } else {
                    date.checked_add(1.day()).ok()?
                };
                Some(ShiftTime {
                    name: shift.name.clone(),
                    date,
                    from: self.instant(date, shift.from)?,
                    until: self.instant(ends, shift.until)?,
                })
            })
            .collect();
        on.sort_by_key(|shift| shift.from);
        on
    }

    /// The shift that an instant (microseconds since 1970 UTC) is in; of two that overlap, the one that began later.
    pub fn at(&self, instant: i64) -> Option<ShiftTime> {
        let date = self.date(instant)?;
        let yesterday = date.checked_sub(1.day()).ok();
        [yesterday, Some(date)]
            .into_iter()
            .flatten()
            .flat_map(|date| self.on(date))
            .filter(|shift| (shift.from..shift.until).contains(&instant))
            .max_by_key(|shift| shift.from)
    }

    /// The day that an instant (microseconds since 1970 UTC) is in, at the fixture.
    pub fn date(&self, instant: i64) -> Option<Date> {
        let timestamp = Timestamp::from_microsecond(instant).ok()?;
        Some(timestamp.to_zoned(self.zone.clone()).date())
    }

    /// The first instant of a day, microseconds since 1970 UTC; `None` beyond the calendar.
    pub fn begins(&self, date: Date) -> Option<i64> {
        self.instant(date, Time::midnight())
    }

    fn instant(&self, date: Date, time: Time) -> Option<i64> {
        let zoned = date.to_datetime(time).to_zoned(self.zone.clone()).ok()?;
        Some(zoned.timestamp().as_microsecond())
    }

    /// The checked calendar.
    pub(super) fn checked(raw: &RawShifts, file: &Path, text: &str) -> Result<Self, Mistake> {
        let mistake = |span, what: String| Mistake::at(file, text, span, what);
        let zone = match &raw.zone {
            None => TimeZone::system(),
            Some(name) => TimeZone::get(name.get_ref()).map_err(|_| {
                mistake(
                    name.span(),
                    format!(
                        "expected a time zone such as \"Europe/Berlin\", found {:?}",
                        name.get_ref()
                    ),
                )
            })?,
        };
        let takt = match &raw.takt {
            None => None,
            Some(takt) => Some(
                takt.get_ref()
                    .parse::<jiff::SignedDuration>()
                    .ok()
                    .and_then(|takt| Duration::try_from(takt).ok())
                    .filter(|takt| (1..=86_400).contains(&takt.as_secs()))
                    .ok_or_else(|| {
                        mistake(
                            takt.span(),
                            format!(
                                "expected a time from 1s to 24h such as \"15s\", found {:?}",
                                takt.get_ref()
                            ),
                        )
                    })?,
            ),
        };
        let mut shifts: Vec<Shift> = Vec::new();
        for shift in &raw.shift {
            let name = shift.name.get_ref().trim();
            if name.is_empty() || name.chars().count() > 32 || name.chars().any(char::is_control) {
                return Err(mistake(
                    shift.name.span(),
                    format!("expected 1 to 32 printable characters, found {name:?}"),
                ));
            }
            if shifts.iter().any(|known| known.name == name) {
                return Err(mistake(shift.name.span(), format!("a second shift is called {name:?}")));
            }
            if shifts.len() == MOST {
                return Err(mistake(shift.name.span(), format!("expected at most {MOST} shifts")));
            }
            let time = |raw: &Spanned<String>| {
                raw.get_ref()
                    .parse::<Time>()
                    .ok()
                    .filter(|time| time.minute() % 15 == 0 && time.second() == 0 && time.subsec_nanosecond() == 0)
                    .ok_or_else(|| {
                        mistake(
                            raw.span(),
                            format!(
                                "expected a time at a whole quarter of an hour such as \"06:15\", found {:?}",
                                raw.get_ref()
                            ),
                        )
                    })
            };
            let days = match &shift.days {
                None => DAYS.iter().map(|(_, day)| *day).collect(),
                Some(days) if days.get_ref().is_empty() => {
                    return Err(mistake(days.span(), "expected at least one day".to_owned()));
                }
                Some(days) => days
                    .get_ref()
                    .iter()
                    .map(|day| {
                        DAYS.iter()
                            .find(|(name, _)| *name == day.get_ref())
                            .map(|(_, day)| *day)
                            .ok_or_else(|| {
                                mistake(
                                    day.span(),
                                    format!(
                                        "expected mon, tue, wed, thu, fri, sat or sun, found {:?}",
                                        day.get_ref()
                                    ),
                                )
                            })
                    })
                    .collect::<Result<_, _>>()?,
            };
            shifts.push(Shift {
                name: name.to_owned(),
                from: time(&shift.from)?,
                until: time(&shift.until)?,
                days,
            });
        }
        let mut checked = Self::days(zone);
        checked.takt = takt;
        if !shifts.is_empty() {
            checked.of_a_day = shifts;
        }
        Ok(checked)
    }
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;

    const HOUR: i64 = 3_600_000_000;

    fn checked(text: &str) -> Result<Shifts, String> {
        let raw: RawShifts = toml::from_str(text).map_err(|error| error.to_string())?;
        Shifts::checked(&raw, Path::new("fixture.toml"), text).map_err(|mistake| mistake.to_string())
    }

    const TWO: &str = r#"zone = "Europe/Berlin"
takt = "15s"

[[shift]]
name = "early"
from = "06:00"
until = "14:00"
days = ["mon", "tue", "wed", "thu", "fri"]

[[shift]]
name = "night"
from = "22:00"
until = "06:00"
"#;

    #[test]
    fn a_shift_over_midnight_belongs_to_the_day_on_which_it_begins() {
        let shifts = checked(TWO).unwrap();
        assert_eq!(shifts.takt(), Some(Duration::from_secs(15)));
        let friday = date(2026, 1, 9);
        let on = shifts.on(friday);
        let names: Vec<_> = on.iter().map(|shift| shift.name.as_str()).collect();
        assert_eq!(names, ["early", "night"]);
        let within = on[1].from + 5 * HOUR;
        assert_eq!(shifts.date(within), Some(date(2026, 1, 10)));
        assert_eq!(shifts.at(within), Some(on[1].clone()));
        assert_eq!(shifts.at(on[0].until), None);
        assert_eq!(shifts.at(on[0].from), Some(on[0].clone()));
        // Saturday has no early shift.
        assert_eq!(shifts.on(date(2026, 1, 10)).len(), 1);
    }

    #[test]
    fn the_shift_that_ended_last_and_those_beside_another_are_found_over_days_without_any() {
        let shifts = checked(&TWO.replace("until = \"06:00\"", "until = \"06:00\"\ndays = [\"mon\"]")).unwrap();
        assert_eq!(shifts.names().collect::<Vec<_>>(), ["early", "night"]);
        let early = |day| shifts.on(date(2026, 1, day)).remove(0);
        // Friday's early shift is the last of its week, until Monday's has ended.
        let [friday, monday] = [early(9), early(12)];
        assert_eq!(shifts.ended_last(monday.until - 1), Some(friday.clone()));
        assert_eq!(shifts.ended_last(monday.until), Some(monday.clone()));
        assert_eq!(shifts.beside(&friday), (Some(early(8)), Some(monday.clone())));
        // Monday's night ends on the day after, before Tuesday's early shift begins.
        let night = shifts.on(date(2026, 1, 12)).remove(1);
        assert_eq!(shifts.ended_last(night.until), Some(night.clone()));
        assert_eq!(shifts.beside(&night), (Some(monday), Some(early(13))));
    }

    #[test]
    fn a_night_in_which_the_clock_is_changed_is_an_hour_shorter_or_longer() {
        let shifts = checked(TWO).unwrap();
        for (on, hours) in [(date(2026, 3, 28), 7), (date(2026, 10, 24), 9), (date(2026, 6, 6), 8)] {
            let night = shifts.on(on).pop().unwrap();
            assert_eq!(night.until - night.from, hours * HOUR, "{on}");
        }
    }

    #[test]
    fn without_shifts_the_day_is_one_also_where_it_has_23_hours() {
        let days = checked("zone = \"Europe/Berlin\"").unwrap();
        let shift = days.on(date(2026, 3, 29)).pop().unwrap();
        assert_eq!(shift.until - shift.from, 23 * HOUR);
        assert_eq!(days.begins(date(2026, 3, 29)), Some(shift.from));
        assert_eq!(days.takt(), None);
    }

    #[test]
    fn mistakes_are_told_with_their_place() {
        let said = |wrong: &str, instead_of: &str| {
            assert!(TWO.contains(instead_of));
            checked(&TWO.replacen(instead_of, wrong, 1)).unwrap_err()
        };
        assert!(said("Europe/Atlantis", "Europe/Berlin").starts_with("fixture.toml:1:8: zone: expected a time zone"));
        assert!(said("06:10", "06:00").starts_with("fixture.toml:6:8: shift.from: expected a time at a whole quarter"));
        assert!(said("25:00", "14:00").contains("expected a time at a whole quarter"));
        assert!(said("0s", "15s").contains("expected a time from 1s to 24h"));
        assert!(said("early", "night").contains("a second shift is called \"early\""));
        assert!(said("friday", "fri").contains("expected mon, tue, wed"));
        assert!(said(" ", "early").contains("expected 1 to 32 printable"));
        assert!(said("till = ", "until = ").contains("unknown field"));
    }
}
