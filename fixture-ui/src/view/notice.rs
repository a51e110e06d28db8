//! What a person should see to, and how the first administrator gets in, in words for the local screen.

use fixture_link::identity::WallTime;
use fixture_link::snapshot::Notice;

use super::language::{Language, Text};

/// What a person should see to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NoticeWords {
    /// The words at its left.
    pub word: String,
    /// How many there are; empty for one.
    pub count: String,
    /// What the first one says.
    pub what: String,
    /// The same with what to do about it.
    pub in_full: String,
}

impl NoticeWords {
    /// Words the first of these as they stand at that time; `None` where there is none.
    pub fn of(notices: &[Notice], at: WallTime, language: &Language) -> Option<Self> {
        let first = notices.first()?;
        let said = |english: &str| language.sentence(english).unwrap_or_else(|| english.to_owned());
        let (what, part) = (said(&first.what), language.part(&first.part));
        // Some say by themselves what they are about.
        let what = if first.what.starts_with(&first.part) {
            what
        } else {
            language.fill(Text::SayPart, &[("part", &part), ("what", &what)])
        };
        let remedy = said(&first.remedy);
        let what = match age(at.micros.saturating_sub(first.since.micros), language) {
            Some(age) => language.fill(Text::SayAged, &[("age", &age), ("what", &what)]),
            None => what,
        };
        Some(Self {
            word: language.say(Text::WordSeeTo).to_owned(),
            count: if notices.len() > 1 {
                language.fill(Text::SayCount, &[("count", &notices.len().to_string())])
            } else {
                String::new()
            },
            in_full: language.fill(Text::SayRemedy, &[("what", &what), ("remedy", &remedy)]),
            what,
        })
    }
}

/// For how long something is to be seen to; `None` for less than two minutes.
fn age(micros: i64, language: &Language) -> Option<String> {
    let minutes = micros / 60_000_000;
    let (text, name, value) = match minutes {
        ..2 => return None,
        2..120 => (Text::SayMinutes, "minutes", minutes),
        120..2880 => (Text::SayHours, "hours", minutes / 60),
        _ => (Text::SayDays, "days", minutes / 1440),
    };
    Some(language.fill(text, &[(name, &value.to_string())]))
}

/// How the first administrator gets in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SetupWords {
    /// The one-time code, and where it is to be entered.
    pub code: String,
    /// The fingerprint of the pages' certificate, to be compared with what a browser shows; empty where there is none.
    pub fingerprint: String,
}

impl SetupWords {
    /// Words a code for the pages at `address`.
    pub fn of(code: &str, address: &str, fingerprint: Option<&str>, language: &Language) -> Self {
        Self {
            code: language.fill(Text::SaySetupCode, &[("code", code), ("address", address)]),
            fingerprint: fingerprint
                .map(|fingerprint| language.fill(Text::SayFingerprint, &[("fingerprint", &in_groups(fingerprint))]))
                .unwrap_or_default(),
        }
    }
}

/// A fingerprint in groups of eight bytes, in which an eye finds its place again, and a line its end.
fn in_groups(fingerprint: &str) -> String {
    let pairs: Vec<&str> = fingerprint.split(':').collect();
    let groups: Vec<String> = pairs.chunks(8).map(|group| group.join(":")).collect();
    groups.join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_to_be_seen_to_says_since_when() {
        let told = |minutes: i64| {
            let wall = |micros| WallTime {
                micros,
                synchronised: true,
            };
            let notice = Notice {
                part: "card".to_owned(),
                what: "card worn".to_owned(),
                remedy: "change it".to_owned(),
                since: wall(0),
            };
            let words = NoticeWords::of(&[notice], wall(minutes * 60_000_000), Language::english());
            words.unwrap().what
        };
        assert_eq!(told(-5), "card worn", "the clock was set back");
        assert_eq!(told(1), "card worn");
        assert_eq!(told(2), "2 min: card worn");
        assert_eq!(told(119), "119 min: card worn");
        assert_eq!(told(120), "2 h: card worn");
        assert_eq!(told(2880), "2 days: card worn");
    }

    #[test]
    fn a_fingerprint_stands_in_four_groups() {
        let fingerprint = ["0F"; 32].join(":");
        let shown = in_groups(&fingerprint);
        assert_eq!(shown.split(' ').count(), 4);
        assert_eq!(shown.replace(' ', ":"), fingerprint);
        assert_eq!(in_groups("AB:CD"), "AB:CD");
    }
}
