//! What a person should see to, and how the first administrator gets in, in words for the local screen.

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
    /// Words the first of these; `None` where there is none.
    pub fn of(notices: &[Notice], language: &Language) -> Option<Self> {
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
    fn a_fingerprint_stands_in_four_groups() {
        let fingerprint = ["0F"; 32].join(":");
        let shown = in_groups(&fingerprint);
        assert_eq!(shown.split(' ').count(), 4);
        assert_eq!(shown.replace(' ', ":"), fingerprint);
        assert_eq!(in_groups("AB:CD"), "AB:CD");
    }
}
