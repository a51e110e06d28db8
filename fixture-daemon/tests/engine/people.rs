//! What people decide about units and about the line, and who may.

use fixture_daemon::engine::input::ActFacts;
use fixture_ledger::record::{Decided, Decision, Known, UnitHistory};
use fixture_link::act::{Act, ActAnswer, ActKind, Disposition, RecipeChange};
use fixture_link::role::{Right, Role};
use fixture_link::snapshot::LaneState;
use fixture_link::study::StudyStep;
use fixture_link::verdict::{Refusal, VerdictCode};

use crate::bench::{ms, serial};
use crate::light::{Light, lane};
use crate::whole::{line, named};

fn reason() -> String {
    "looked at".to_owned()
}

fn quarantine(unit: &str) -> Act {
    Act::Quarantine {
        serial: serial(unit),
        reason: reason(),
    }
}

fn dispose(unit: &str, disposition: Disposition) -> Act {
    Act::Dispose {
        serial: serial(unit),
        disposition,
        reason: reason(),
    }
}

/// A unit that has passed.
fn passed() -> UnitHistory {
    UnitHistory {
        runs: 1,
        passed: true,
        codes: vec![VerdictCode::Ok],
        known: Known::Yes,
        ..UnitHistory::default()
    }
}

/// A unit that failed twice in the same way.
fn twice() -> UnitHistory {
    UnitHistory {
        runs: 2,
        passed: false,
        codes: vec![VerdictCode::StuckIp; 2],
        known: Known::Yes,
        ..UnitHistory::default()
    }
}

/// Why a lane's unit was refused, and in what words.
fn refusal(light: &Light, number: u8) -> Option<(Refusal, String)> {
    if let LaneState::Refused { refusal, detail } = light.state(number) {
        Some((refusal, detail))
    } else {
        None
    }
}

#[test]
#[expect(clippy::too_many_lines, reason = "one act after another")]
fn every_act_needs_its_right() {
    let mut light = line(1);
    light.wait(ms(3000));
    let acts = [
        (
            Act::Start {
                lane: None,
                serial: None,
            },
            Right::RunTheLine,
        ),
        (
            Act::Stop {
                lane: None,
                reason: reason(),
            },
            Right::RunTheLine,
        ),
        (Act::Acknowledge { note: String::new() }, Right::RunTheLine),
        (
            Act::Unlock {
                serial: serial("A"),
                reason: reason(),
            },
            Right::JudgeUnits,
        ),
        (Act::Lot { lot: String::new() }, Right::RunTheLine),
        (
            Act::WorkOrder {
                work_order: String::new(),
            },
            Right::RunTheLine,
        ),
        (Act::Operator { name: String::new() }, Right::RunTheLine),
        (quarantine("A"), Right::RunTheLine),
        (dispose("A", Disposition::Scrap), Right::JudgeUnits),
        (
            Act::Mark {
                serial: serial("A"),
                mark: fixture_link::act::Mark::Golden,
                reason: reason(),
            },
            Right::JudgeUnits,
        ),
        (Act::GoldenCheck { lane: None }, Right::RunTheLine),
        (
            Act::Study {
                step: StudyStep::Abandon,
                reason: reason(),
            },
            Right::StudyTheFixture,
        ),
        (
            Act::Shelve {
                part: "card".to_owned(),
                minutes: 1,
                reason: reason(),
            },
            Right::ChangeTheFixture,
        ),
        (
            Act::Recipe {
                recipe: "bench".to_owned(),
                change: RecipeChange::Version("0".repeat(16)),
                reason: reason(),
            },
            Right::ChangeTheFixture,
        ),
        (
            Act::Language {
                language: "de".to_owned(),
            },
            Right::RunTheLine,
        ),
        // Whose account it is the web service decides.
        (
            Act::Account {
                name: "Ana".to_owned(),
                change: fixture_link::act::AccountChange::Role,
                before: "viewer".to_owned(),
                after: "qa".to_owned(),
            },
            Right::Look,
        ),
    ];
    let mut kinds: Vec<ActKind> = acts.iter().map(|(act, _)| act.kind()).collect();
    kinds.sort_unstable();
    kinds.dedup();
    assert_eq!(kinds.len(), ActKind::ALL.len(), "every kind is tried");
    for (act, right) in acts {
        for role in Role::ALL {
            let facts = ActFacts {
                history: act.serial().map(|_| twice()),
                notice: Some("it wears out".to_owned()),
                ..ActFacts::default()
            };
            let answer = light.act_as(role, act.clone(), facts);
            let forbidden = matches!(&answer, ActAnswer::Refused { why } if why.starts_with("role: "));
            assert_eq!(forbidden, !role.has(right), "{role} {act:?}: {answer:?}");
            let audited = light.audited.last().unwrap();
            assert_eq!((&audited.request.act, audited.request.role), (&act, role));
            assert_eq!(audited.answer, answer);
            assert!(
                !forbidden || audited.change.is_none(),
                "what was refused changed nothing: {audited:?}"
            );
        }
    }
}

#[test]
fn a_unit_that_was_set_aside_is_refused_in_words_that_say_who_and_why() {
    let mut light = line(1);
    light.wait(ms(3000));
    for what in [
        Decided::Quarantine,
        Decided::Disposition(Disposition::Scrap),
        Decided::Disposition(Disposition::Rma),
    ] {
        let history = UnitHistory {
            decision: Some(Decision {
                what,
                by: "zoë".to_owned(),
                reason: "cracked".to_owned(),
            }),
            ..UnitHistory::default()
        };
        light.seats(1, named("A"), history);
        let (refusal, detail) = refusal(&light, 1).unwrap();
        assert_eq!(refusal, Refusal::Quarantined);
        assert!(detail.ends_with("by zoë: cracked"), "{detail}");
        light.lift(1);
    }
    assert!(light.ends.is_empty());
}

#[test]
fn a_unit_that_waits_in_the_nest_runs_once_it_is_released_but_not_where_it_has_passed() {
    let mut light = line(1);
    light.wait(ms(3000));
    let start = || Act::Start {
        lane: Some(lane(1)),
        serial: None,
    };
    light.seats(1, named("A"), twice());
    assert_eq!(refusal(&light, 1).unwrap().0, Refusal::Quarantined);
    assert_eq!(
        light.act_on(dispose("A", Disposition::Release), Some(twice())),
        ActAnswer::Done
    );
    let change = light.audited.last().unwrap().change.clone().unwrap();
    assert_eq!(
        (change.before.as_str(), change.after.as_str()),
        ("nothing decided", "released by console: looked at")
    );
    assert_eq!(light.act(start()), ActAnswer::Done);
    light.wait(ms(60_000));
    assert_eq!(light.ends[0].1.code, VerdictCode::Ok);
    light.lift(1);
    light.wait(ms(3000));

    light.seats(1, named("B"), passed());
    assert_eq!(refusal(&light, 1).unwrap().0, Refusal::AlreadyPassed);
    light.act_on(dispose("B", Disposition::Release), Some(passed()));
    assert!(matches!(light.act(start()), ActAnswer::Refused { .. }), "it has passed");
    light.act_on(dispose("B", Disposition::Rework), Some(passed()));
    assert_eq!(light.act(start()), ActAnswer::Done);
    light.wait(ms(60_000));
    assert_eq!(light.ends.len(), 2);
}

#[test]
fn what_was_just_decided_holds_before_the_ledger_tells_it() {
    let mut light = line(1);
    light.wait(ms(3000));
    assert_eq!(light.act_on(quarantine("A"), Some(passed())), ActAnswer::Done);
    // The history was read before that was stored.
    light.seats(1, named("A"), UnitHistory::default());
    assert_eq!(refusal(&light, 1).unwrap().0, Refusal::Quarantined);
    let again = light.act_on(quarantine("A"), Some(passed()));
    assert!(
        matches!(&again, ActAnswer::Refused { why } if why.contains("set aside by console: looked at")),
        "{again:?}"
    );
    light.lift(1);
    light.act_on(dispose("A", Disposition::Rework), Some(passed()));
    light.wait(ms(3000));
    light.seats(1, named("A"), passed());
    assert_eq!(refusal(&light, 1), None);
}

#[test]
fn a_unit_that_nobody_has_seen_is_not_disposed_of() {
    let mut light = line(1);
    let misspelt = light.act_on(dispose("a", Disposition::Scrap), Some(UnitHistory::default()));
    assert_eq!(
        misspelt,
        ActAnswer::Refused {
            why: "serial: a was never run and never set aside; is it spelt as on the unit?".to_owned()
        }
    );
    let no_reason = Act::Quarantine {
        serial: serial("A"),
        reason: " ".to_owned(),
    };
    assert!(matches!(
        light.act_on(no_reason, Some(UnitHistory::default())),
        ActAnswer::Refused { .. }
    ));
}

#[test]
fn only_a_notice_that_stands_is_shelved_and_only_for_a_day() {
    let mut light = line(1);
    let shelve = |minutes| Act::Shelve {
        part: "card".to_owned(),
        minutes,
        reason: reason(),
    };
    let facts = |notice: Option<&str>| ActFacts {
        notice: notice.map(str::to_owned),
        ..ActFacts::default()
    };
    for (minutes, notice) in [(30, None), (0, Some("it wears out")), (1441, Some("it wears out"))] {
        let answer = light.act_as(Role::Engineer, shelve(minutes), facts(notice));
        assert!(matches!(answer, ActAnswer::Refused { .. }), "{minutes} {notice:?}");
        assert!(light.shelved.is_empty());
    }
    let answer = light.act_as(Role::Engineer, shelve(1440), facts(Some("it wears out")));
    assert_eq!(answer, ActAnswer::Done);
    assert_eq!(light.shelved, ["card"]);
    let change = light.audited.last().unwrap().change.clone().unwrap();
    assert_eq!(
        (change.before.as_str(), change.after.as_str()),
        ("it wears out", "shelved for 1440 minutes")
    );
}
