//! Notices as people see them: one a part, each with its age, and out of sight for a time where somebody wants that.

use fixture_link::identity::WallTime;
use fixture_link::snapshot::{Notice, Shelved};

use crate::engine::to_see::ToSee;

/// What a person should see to, and what was put out of sight.
#[derive(Debug, Default)]
pub struct Alarms {
    standing: Vec<Notice>,
    shelf: Vec<OnShelf>,
}

/// A notice that is not shown.
#[derive(Debug, Clone, PartialEq, Eq)]
struct OnShelf {
    part: String,
    what: String,
    until: WallTime,
    by: String,
}

impl Alarms {
    /// What the notice says that stands of a part.
    pub fn says(&self, part: &str) -> Option<String> {
        let standing = self.standing.iter().find(|notice| notice.part == part);
        standing.map(|notice| notice.what.clone())
    }

    /// Puts the notice of a part out of sight until then, as long as it says this, whatever its figures are.
    pub fn shelve(&mut self, part: String, what: String, until: WallTime, by: String) {
        self.shelf.retain(|shelved| shelved.part != part);
        self.shelf.push(OnShelf { part, what, until, by });
    }

    /// What is to be seen to at that moment: what is shown, and what is shelved.
    pub fn sort(&mut self, at: WallTime, found: Vec<ToSee>) -> (Vec<Notice>, Vec<Shelved>) {
        let since = |part: &str, what: &str| {
            let before = self.standing.iter().find(|notice| notice.part == part);
            before
                .filter(|notice| is_the_same(&notice.what, what))
                .map_or(at, |notice| notice.since)
        };
        self.standing = one_a_part(found)
            .into_iter()
            .map(|ToSee { part, what, remedy }| Notice {
                since: since(&part, &what),
                part,
                what,
                remedy,
            })
            .collect();
        // What has changed since comes back into sight, and stays there when it changes back.
        let standing = &self.standing;
        self.shelf.retain(|shelved| {
            let other = |notice: &Notice| notice.part == shelved.part && !is_the_same(&notice.what, &shelved.what);
            shelved.until.micros > at.micros && !standing.iter().any(other)
        });
        let (mut shown, mut shelved) = (Vec::new(), Vec::new());
        for notice in &self.standing {
            match self.shelf.iter().find(|shelved| shelved.part == notice.part) {
                None => shown.push(notice.clone()),
                Some(OnShelf { until, by, .. }) => shelved.push(Shelved {
                    notice: notice.clone(),
                    until: *until,
                    by: by.clone(),
                }),
            }
        }
        (shown, shelved)
    }
}

/// Whether two notices of a part say the same but for their figures: a temperature that rises by a degree is no other thing to see to.
fn is_the_same(one: &str, other: &str) -> bool {
    let words = |text: &str| -> String { text.chars().filter(|letter| !letter.is_ascii_digit()).collect() };
    words(one) == words(other)
}

/// What is found of one part is one notice, with every sentence and every remedy once.
fn one_a_part(found: Vec<ToSee>) -> Vec<ToSee> {
    let mut parts: Vec<ToSee> = Vec::new();
    for next in found {
        match parts.iter_mut().find(|other| other.part == next.part) {
            None => parts.push(next),
            Some(other) => {
                for (text, more) in [(&mut other.what, next.what), (&mut other.remedy, next.remedy)] {
                    if !text.split("; ").any(|known| known == more) && *text != more {
                        text.push_str("; ");
                        text.push_str(&more);
                    }
                }
            }
        }
    }
    parts
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> WallTime {
        WallTime {
            micros: seconds * 1_000_000,
            synchronised: true,
        }
    }

    fn hot(what: &str) -> Vec<ToSee> {
        vec![ToSee {
            part: "machine".to_owned(),
            what: what.to_owned(),
            remedy: "let air in".to_owned(),
        }]
    }

    #[test]
    fn what_is_found_again_and_again_is_one_notice_with_its_age() {
        let mut alarms = Alarms::default();
        let (shown, _) = alarms.sort(at(10), [hot("it is hot"), hot("it is hot"), hot("it is slow")].concat());
        assert_eq!(shown.len(), 1);
        assert_eq!(
            (shown[0].what.as_str(), shown[0].remedy.as_str()),
            ("it is hot; it is slow", "let air in")
        );
        assert_eq!(shown[0].since, at(10));
        let (shown, _) = alarms.sort(at(20), [hot("it is hot"), hot("it is slow")].concat());
        assert_eq!(shown[0].since, at(10));
        let (shown, _) = alarms.sort(at(30), hot("it is hot"));
        assert_eq!(shown[0].since, at(30), "it says something else");
        assert_eq!(alarms.sort(at(40), Vec::new()), (Vec::new(), Vec::new()));
        let (shown, _) = alarms.sort(at(50), hot("it is hot"));
        assert_eq!(shown[0].since, at(50), "it was gone");
    }

    #[test]
    fn a_shelved_notice_comes_back_when_its_time_is_over() {
        let mut alarms = Alarms::default();
        alarms.sort(at(10), hot("it is hot"));
        assert_eq!(alarms.says("machine").as_deref(), Some("it is hot"));
        assert_eq!(alarms.says("network"), None);
        alarms.shelve("machine".to_owned(), "it is hot".to_owned(), at(100), "kim".to_owned());
        let (shown, shelved) = alarms.sort(at(99), hot("it is hot"));
        assert_eq!(shown, []);
        assert_eq!(shelved.len(), 1);
        assert_eq!((shelved[0].until, shelved[0].by.as_str()), (at(100), "kim"));
        assert_eq!(shelved[0].notice.since, at(10));
        // It is not found for a while, and is the same again.
        assert_eq!(alarms.sort(at(99), Vec::new()), (Vec::new(), Vec::new()));
        assert_eq!(alarms.sort(at(99), hot("it is hot")).0, []);
        let (shown, shelved) = alarms.sort(at(100), hot("it is hot"));
        assert_eq!((shown.len(), shelved.len()), (1, 0));
    }

    #[test]
    fn a_figure_that_changes_makes_no_other_notice() {
        let mut alarms = Alarms::default();
        let (shown, _) = alarms.sort(at(10), hot("the processor is at 81 °C"));
        assert_eq!(shown[0].since, at(10));
        alarms.shelve("machine".to_owned(), shown[0].what.clone(), at(100), "kim".to_owned());
        let (shown, shelved) = alarms.sort(at(20), hot("the processor is at 82 °C"));
        assert_eq!((shown.len(), shelved.len()), (0, 1));
        assert_eq!(shelved[0].notice.since, at(10), "it is as old as it was");
        assert_eq!(shelved[0].notice.what, "the processor is at 82 °C");
    }

    #[test]
    fn a_shelved_notice_that_changes_is_shown_and_stays_so() {
        let mut alarms = Alarms::default();
        alarms.shelve("machine".to_owned(), "it is hot".to_owned(), at(100), "kim".to_owned());
        let (shown, shelved) = alarms.sort(at(20), hot("it burns"));
        assert_eq!((shown.len(), shelved.len()), (1, 0));
        assert_eq!(alarms.sort(at(30), hot("it is hot")).0.len(), 1);
    }
}
