//! What is told from rollups and indexes is what a slow look at every run tells.

use std::collections::BTreeMap;
use std::path::Path;

use fixture_ledger::record::{self, Annotation, AnnotationKind, Purpose, RefusedStart, Setup, UnitHistory};
use fixture_ledger::report::{CodeCount, YieldSummary};
use fixture_ledger::shift::{Met, Wholeness};
use fixture_ledger::yields::{By, Counted, Scope, Span, Tally};
use fixture_ledger::{Ledger, Reports};
use fixture_link::snapshot::Stage;
use fixture_link::verdict::{Outcome, Refusal, VerdictCode};
use proptest::prelude::*;
use proptest::sample::select;

use crate::sample::{at, done, end, lane, run_id, serial, setup, start, unlock};

const HOUR: i64 = 3_600_000_000;

/// Something that happens to a ledger. Runs are named by how long ago they were begun.
#[derive(Debug, Clone)]
enum Event {
    Begin {
        lane: u8,
        serial: Option<u8>,
        lot: u8,
        operator: u8,
        purpose: Purpose,
        seated: i64,
        simulated: bool,
    },
    Finish {
        ago: usize,
        code: VerdictCode,
        stage: Stage,
    },
    Annotate {
        ago: usize,
        kind: AnnotationKind,
    },
    Unlock {
        serial: u8,
    },
    Refuse {
        refusal: Refusal,
        at: i64,
    },
    OpenAgain,
}

/// A run as the slow computation knows it.
#[derive(Debug, Clone)]
struct Known {
    lane: u8,
    serial: Option<u8>,
    lot: u8,
    operator: u8,
    purpose: Purpose,
    seated: i64,
    simulated: bool,
    stage: Option<Stage>,
    attempts: u64,
    /// The code, and which verdict of the ledger it was.
    verdict: Option<(VerdictCode, usize)>,
    suspected: bool,
}

impl Known {
    fn counted(&self) -> Option<usize> {
        self.verdict.and_then(|(code, order)| {
            (code.outcome().in_yield() && self.purpose == Purpose::Production).then_some(order)
        })
    }

    /// Which of its unit's counted runs it is, from 1; 0 where it does not count.
    fn ordinal(&self, all: &[Self]) -> usize {
        self.counted().map_or(0, |order| {
            let earlier = all
                .iter()
                .filter(|other| self.serial.is_some() && other.serial == self.serial)
                .filter_map(Self::counted)
                .filter(|other| *other < order);
            earlier.count() + 1
        })
    }

    /// Whether it is its unit's first or last counted run, as `better` tells of two orders.
    fn is_extreme(&self, all: &[Self], better: fn(usize, usize) -> bool) -> bool {
        self.counted().is_some_and(|order| {
            self.serial.is_none()
                || !all
                    .iter()
                    .filter(|other| other.serial == self.serial)
                    .filter_map(Self::counted)
                    .any(|other| better(other, order))
        })
    }
}

fn event() -> impl Strategy<Value = Event> {
    let code = prop_oneof![
        4 => Just(VerdictCode::Ok),
        3 => select(&[VerdictCode::StuckDns, VerdictCode::Rejected, VerdictCode::NotReceiving][..]),
        2 => select(&VerdictCode::ALL[..]),
    ];
    // Few hours, and instants on and beside their borders.
    let seated = (0..4_i64, select(&[0, 1, HOUR / 2, HOUR - 1][..])).prop_map(|(hour, within)| hour * HOUR + within);
    let purpose = prop_oneof![
        8 => Just(Purpose::Production),
        1 => Just(Purpose::Golden),
        1 => Just(Purpose::KnownBad),
    ];
    prop_oneof![
        6 => (1..=3_u8, proptest::option::weighted(0.8, 0..4_u8), 0..2_u8, 0..2_u8, purpose, seated, any::<bool>())
            .prop_map(|(lane, serial, lot, operator, purpose, seated, simulated)| {
                Event::Begin { lane, serial, lot, operator, purpose, seated, simulated }
            }),
        6 => (0..4_usize, code, select(&Stage::ALL[..])).prop_map(|(ago, code, stage)| Event::Finish { ago, code, stage }),
        2 => (0..8_usize, select(&AnnotationKind::ALL[..])).prop_map(|(ago, kind)| Event::Annotate { ago, kind }),
        1 => (0..4_u8).prop_map(|serial| Event::Unlock { serial }),
        1 => (select(&Refusal::ALL[..3]), 0..4 * HOUR).prop_map(|(refusal, at)| Event::Refuse { refusal, at }),
        1 => Just(Event::OpenAgain),
    ]
}

fn name(of: u8) -> String {
    format!("SN-{of}")
}

fn slow_summary(known: &[Known], from: i64, until: i64, on: Option<u8>) -> YieldSummary {
    let mut summary = YieldSummary::default();
    for run in known {
        let Some((code, _)) = run.verdict else { continue };
        if run.seated < from || run.seated >= until || on.is_some_and(|on| on != run.lane) {
            continue;
        }
        let passed = u64::from(code.outcome() == Outcome::Pass);
        summary.runs += 1;
        summary.simulated += u64::from(run.simulated);
        summary.suspected += u64::from(run.suspected);
        summary.by_outcome[Outcome::ALL.iter().position(|of| *of == code.outcome()).unwrap()] += 1;
        if run.is_extreme(known, |other, this| other < this) {
            summary.first_pass.total += 1;
            summary.first_pass.passed += passed;
        }
        if run.is_extreme(known, |other, this| other > this) {
            summary.last_pass.total += 1;
            summary.last_pass.passed += passed;
        }
    }
    summary
}

fn slow_failures(known: &[Known], from: i64, until: i64) -> Vec<CodeCount> {
    let mut counts: BTreeMap<VerdictCode, (u64, u64)> = BTreeMap::new();
    for run in known {
        if let Some((code, _)) = run.verdict
            && code != VerdictCode::Ok
            && run.seated >= from
            && run.seated < until
        {
            let count = counts.entry(code).or_default();
            count.0 += 1;
            count.1 += u64::from(run.suspected);
        }
    }
    let mut counts: Vec<CodeCount> = counts
        .into_iter()
        .map(|(code, (runs, suspected))| CodeCount {
            code,
            class: code.class(),
            runs,
            suspected,
        })
        .collect();
    counts.sort_by_key(|count| (core::cmp::Reverse(count.runs), count.code));
    counts
}

fn slow_history(known: &[Known], of: u8, unlocked_after: usize) -> UnitHistory {
    let mut codes: Vec<(usize, VerdictCode)> = known
        .iter()
        .filter(|run| run.serial == Some(of) && run.purpose == Purpose::Production)
        .filter_map(|run| run.verdict.map(|(code, order)| (order, code)))
        .filter(|(_, code)| matches!(code.outcome(), Outcome::Pass | Outcome::Fail | Outcome::Undecided))
        .collect();
    codes.sort_unstable();
    let passed = codes.iter().any(|(_, code)| code.outcome() == Outcome::Pass);
    codes.retain(|(order, _)| *order > unlocked_after);
    UnitHistory {
        runs: u32::try_from(codes.len()).unwrap(),
        passed,
        codes: codes.into_iter().map(|(_, code)| code).collect(),
        known: if known.iter().any(|run| run.serial == Some(of)) {
            record::Known::Yes
        } else {
            record::Known::No
        },
        ..UnitHistory::default()
    }
}

#[expect(clippy::too_many_lines, reason = "a kind of event after another")]
async fn play(events: Vec<Event>) {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("ledger");
    let (mut ledger, _) = Ledger::open(&path, at(0)).await.unwrap();
    let mut known: Vec<Known> = Vec::new();
    let mut verdicts = 0;
    let mut acts = 0;
    let mut unlocked_after: BTreeMap<u8, usize> = BTreeMap::new();
    let mut refused = Vec::new();
    for event in events {
        match event {
            Event::Begin {
                lane,
                serial,
                lot,
                operator,
                purpose,
                seated,
                simulated,
            } => {
                let setup = ledger.setup(&Setup { simulated, ..setup() }).await.unwrap();
                let number = u32::try_from(known.len()).unwrap();
                let mut start = start(number, lane, serial.map(name).as_deref(), seated);
                start.lot = format!("lot {lot}");
                start.operator = format!("operator {operator}");
                start.purpose = purpose;
                ledger.begin_run(setup, &start).await.unwrap();
                known.push(Known {
                    lane,
                    serial,
                    lot,
                    operator,
                    purpose,
                    seated,
                    simulated,
                    stage: None,
                    attempts: 0,
                    verdict: None,
                    suspected: false,
                });
            }
            Event::Finish { ago, code, stage } => {
                if let Some(number) = known.len().checked_sub(ago + 1)
                    && known[number].verdict.is_none()
                {
                    let mut end = end(u32::try_from(number).unwrap(), code);
                    end.stage = stage;
                    ledger.finish_run(&end, at(9 * HOUR)).await.unwrap();
                    verdicts += 1;
                    known[number].verdict = Some((code, verdicts));
                    known[number].attempts = 2;
                    known[number].stage = (code != VerdictCode::Interrupted).then_some(stage);
                }
            }
            Event::Annotate { ago, kind } => {
                if let Some(number) = known.len().checked_sub(ago + 1) {
                    let annotation = Annotation {
                        run: run_id(u32::try_from(number).unwrap()),
                        kind,
                        detail: String::new(),
                    };
                    ledger.annotate(&[annotation], at(9 * HOUR)).await.unwrap();
                    known[number].suspected |= kind != AnnotationKind::LateBlessEvent;
                }
            }
            Event::Refuse { refusal, at: instant } => {
                let setup = ledger.setup(&setup()).await.unwrap();
                let start = RefusedStart {
                    lane: lane(1),
                    serial: None,
                    refusal,
                    detail: String::new(),
                };
                ledger.record_refusal(setup, &start, at(instant)).await.unwrap();
                refused.push((refusal, instant));
            }
            Event::Unlock { serial: of } => {
                acts += 1;
                let asked = done(unlock(acts, &name(of), "console", "looked at"));
                ledger.record_act(&asked, at(0)).await.unwrap();
                unlocked_after.insert(of, verdicts);
            }
            Event::OpenAgain => {
                ledger.close().await.unwrap();
                let (again, recovered) = Ledger::open(&path, at(9 * HOUR)).await.unwrap();
                ledger = again;
                let mut interrupted = Vec::new();
                for (number, run) in (0_u32..).zip(&mut known) {
                    if run.verdict.is_none() {
                        verdicts += 1;
                        run.verdict = Some((VerdictCode::Interrupted, verdicts));
                        interrupted.push(run_id(number));
                    }
                }
                assert_eq!(recovered.interrupted, interrupted);
            }
        }
    }
    compare_reports(&path, &known).await;
    compare_tallies(&path, &known).await;
    compare_shifts(&path, &known, &refused).await;
    // Counted anew from the runs, it is what was counted run by run.
    let dumped = fixture_ledger::dump(&path).await.unwrap();
    ledger.count_again().await.unwrap();
    assert!(fixture_ledger::dump(&path).await.unwrap() == dumped);
    for of in 0..4 {
        assert_eq!(
            ledger.unit_history(&serial(&name(of))).await.unwrap(),
            slow_history(&known, of, unlocked_after.get(&of).copied().unwrap_or(0)),
            "{of}"
        );
    }
    ledger.close().await.unwrap();
}

async fn compare_reports(path: &Path, known: &[Known]) {
    let reports = Reports::open(path).await.unwrap();
    let borders = [
        i64::MIN,
        0,
        1,
        HOUR / 2,
        HOUR,
        HOUR + 1,
        2 * HOUR,
        3 * HOUR - 1,
        4 * HOUR,
        i64::MAX,
    ];
    for (turn, from) in borders.into_iter().enumerate() {
        // Every second border, then the others, so that each case looks at half of all ranges.
        for until in borders.into_iter().skip((turn + known.len()) % 2).step_by(2) {
            let on = (turn % 3 == 0).then_some(2);
            assert_eq!(
                reports.today(from, until, on.map(lane)).await.unwrap(),
                slow_summary(known, from, until, on),
                "from {from} until {until} on {on:?}"
            );
            assert_eq!(
                reports.failures_by_code(from, until).await.unwrap(),
                slow_failures(known, from, until),
                "from {from} until {until}"
            );
        }
    }
}

/// How far a unit got, of seated, received, connected and passed.
fn reached(run: &Known) -> usize {
    if run.verdict.is_some_and(|(code, _)| code.outcome() == Outcome::Pass) {
        return 3;
    }
    match run.stage {
        None | Some(Stage::Seated | Stage::Ready | Stage::Receiving) => 0,
        Some(Stage::Connected | Stage::Updating | Stage::Blessed) => 2,
        Some(
            Stage::Received
            | Stage::Searching
            | Stage::Joining
            | Stage::Proxy
            | Stage::Cellular
            | Stage::GettingIp
            | Stage::Resolving
            | Stage::Connecting,
        ) => 1,
    }
}

fn slow_tally(known: &[Known], fits: impl Fn(&Known) -> bool) -> Tally {
    let mut tally = Tally::default();
    for run in known.iter().filter(|run| fits(run)) {
        let Some((code, _)) = run.verdict else { continue };
        tally.runs += 1;
        tally.simulated += u64::from(run.simulated);
        if run.purpose != Purpose::Production {
            tally.set_aside += 1;
            continue;
        }
        tally.suspected += u64::from(run.suspected);
        let passed = u64::from(code.outcome() == Outcome::Pass);
        tally.by_outcome[Outcome::ALL.iter().position(|of| *of == code.outcome()).unwrap()] += 1;
        let ordinal = run.ordinal(known);
        for (which, share) in [(1, &mut tally.first), (2, &mut tally.second)] {
            if ordinal == which {
                share.total += 1;
                share.passed += passed;
            }
        }
        if ordinal == 1 {
            for reached in &mut tally.reached[..=reached(run)] {
                *reached += 1;
            }
        }
        if run.is_extreme(known, |other, this| other > this) {
            tally.last.total += 1;
            tally.last.passed += passed;
        }
        // Of the two attempts that every end tells of, the second was received.
        tally.attempts.total += run.attempts;
        tally.attempts.passed += run.attempts / 2;
        if run.stage.is_some() {
            tally.took += core::time::Duration::from_micros(61_234_567);
        }
        let of_code = tally.codes.entry(code).or_default();
        of_code.runs += 1;
        of_code.first += u64::from(ordinal == 1);
        of_code.suspected += u64::from(run.suspected);
    }
    tally
}

async fn compare_tallies(path: &Path, known: &[Known]) {
    let reports = Reports::open(path).await.unwrap();
    let quarter = HOUR / 4;
    let spans: Vec<Span> = [(0, 1), (1, 2), (2, 4), (0, 16), (4, 9), (9, 9), (12, 400)]
        .into_iter()
        .map(|(from, until)| Span {
            from: from * quarter,
            until: until * quarter,
        })
        .collect();
    let scopes = [
        Scope::default(),
        Scope {
            lane: Some(lane(2)),
            ..Scope::default()
        },
        Scope {
            lot: Some("lot 1".to_owned()),
            operator: Some("operator 0".to_owned()),
            ..Scope::default()
        },
        Scope {
            recipe: Some("another".to_owned()),
            ..Scope::default()
        },
    ];
    for scope in &scopes {
        let fits = |run: &Known| {
            scope.lane.is_none_or(|on| on.number() == run.lane)
                && scope.lot.as_ref().is_none_or(|lot| *lot == format!("lot {}", run.lot))
                && scope
                    .operator
                    .as_ref()
                    .is_none_or(|operator| *operator == format!("operator {}", run.operator))
                && scope.recipe.is_none()
        };
        for by in [By::Nothing, By::Lane, By::Lot, By::Operator, By::Software] {
            let name = |run: &Known| match by {
                By::Lane => run.lane.to_string(),
                By::Lot => format!("lot {}", run.lot),
                By::Operator => format!("operator {}", run.operator),
                By::Software => "0.1.0".to_owned(),
                By::Nothing | By::WorkOrder | By::Recipe => String::new(),
            };
            let mut expected = Vec::new();
            for (place, span) in spans.iter().enumerate() {
                let names: std::collections::BTreeSet<String> = known.iter().map(name).collect();
                for of in names {
                    let tally = slow_tally(known, |run| {
                        fits(run) && name(run) == of && run.seated >= span.from && run.seated < span.until
                    });
                    if tally.runs > 0 {
                        expected.push(Counted { span: place, of, tally });
                    }
                }
            }
            assert_eq!(
                reports.tallies(&spans, scope, by).await.unwrap(),
                expected,
                "{scope:?} {by:?}"
            );
        }
    }
    // Spans added up are the span of all.
    let mut sum = Tally::default();
    for counted in reports
        .tallies(&[spans[3], spans[6]], &Scope::default(), By::Lot)
        .await
        .unwrap()
    {
        sum.add(&counted.tally);
    }
    let slow = |span: Span| slow_tally(known, |run| run.seated >= span.from && run.seated < span.until);
    let mut expected = slow(spans[3]);
    expected.add(&slow(spans[6]));
    assert_eq!(sum, expected);
}

/// What a shift's report tells besides yields.
async fn compare_shifts(path: &Path, known: &[Known], refused: &[(Refusal, i64)]) {
    let reports = Reports::open(path).await.unwrap();
    for (from, until) in [(0, HOUR), (HOUR / 2, 3 * HOUR), (0, 4 * HOUR), (5 * HOUR, 6 * HOUR)] {
        let span = Span { from, until };
        let within = |instant: i64| instant >= from && instant < until;
        let mut met: Vec<Met> = Vec::new();
        for run in known.iter().filter(|run| run.verdict.is_some() && within(run.seated)) {
            let one = Met {
                setup: Setup {
                    simulated: run.simulated,
                    ..setup()
                },
                lot: format!("lot {}", run.lot),
                work_order: "wo-31".to_owned(),
                operator: format!("operator {}", run.operator),
                purpose: run.purpose,
                runs: 1,
            };
            let alike = |met: &&mut Met| {
                Met {
                    runs: 1,
                    ..(**met).clone()
                } == one
            };
            match met.iter_mut().find(alike) {
                Some(met) => met.runs += 1,
                None => met.push(one),
            }
        }
        let mut found = reports.met(span).await.unwrap();
        let key = |met: &Met| format!("{met:?}");
        met.sort_by_key(key);
        found.sort_by_key(key);
        assert_eq!(found, met, "{span:?}");

        let mut counts: BTreeMap<&str, (Refusal, u64)> = BTreeMap::new();
        for (refusal, _) in refused.iter().filter(|(_, instant)| within(*instant)) {
            counts.entry(refusal.as_str()).or_insert((*refusal, 0)).1 += 1;
        }
        let mut counts: Vec<(Refusal, u64)> = counts.into_values().collect();
        // Stable: of those that are as frequent, the names stay in order.
        counts.sort_by_key(|(_, starts)| core::cmp::Reverse(*starts));
        assert_eq!(reports.refused(span).await.unwrap(), counts, "{span:?}");

        let seated = || known.iter().filter(|run| within(run.seated));
        let count = |fits: fn(&&Known) -> bool| u64::try_from(seated().filter(fits).count()).unwrap();
        let expected = Wholeness {
            unjudged: count(|run| run.verdict.is_none()),
            // Every start of the sample is.
            unsynchronised: count(|_| true),
            last: seated().any(|run| run.verdict.is_some()).then(|| at(9 * HOUR)),
        };
        assert_eq!(reports.wholeness(span).await.unwrap(), expected, "{span:?}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    #[test]
    fn rollups_and_histories_tell_what_a_slow_look_at_every_run_tells(events in proptest::collection::vec(event(), 1..80)) {
        tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap()
            .block_on(play(events));
    }
}
