//! What is told from rollups and indexes is what a slow look at every run tells.

use std::collections::BTreeMap;
use std::path::Path;

use fixture_ledger::record::{Annotation, AnnotationKind, Setup, UnitHistory};
use fixture_ledger::report::{CodeCount, YieldSummary};
use fixture_ledger::{Ledger, Reports};
use fixture_link::act::ActAnswer;
use fixture_link::verdict::{Outcome, VerdictCode};
use proptest::prelude::*;
use proptest::sample::select;

use crate::sample::{at, end, lane, run_id, serial, setup, start, unlock};

const HOUR: i64 = 3_600_000_000;

/// Something that happens to a ledger. Runs are named by how long ago they were begun.
#[derive(Debug, Clone)]
enum Event {
    Begin {
        lane: u8,
        serial: Option<u8>,
        lot: u8,
        seated: i64,
        simulated: bool,
    },
    Finish {
        ago: usize,
        code: VerdictCode,
    },
    Annotate {
        ago: usize,
        kind: AnnotationKind,
    },
    Unlock {
        serial: u8,
    },
    OpenAgain,
}

/// A run as the slow computation knows it.
#[derive(Debug, Clone)]
struct Known {
    lane: u8,
    serial: Option<u8>,
    seated: i64,
    simulated: bool,
    /// The code, and which verdict of the ledger it was.
    verdict: Option<(VerdictCode, usize)>,
    suspected: bool,
}

impl Known {
    fn counted(&self) -> Option<usize> {
        self.verdict
            .and_then(|(code, order)| code.outcome().in_yield().then_some(order))
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
    prop_oneof![
        6 => (1..=3_u8, proptest::option::weighted(0.8, 0..4_u8), 0..2_u8, seated, any::<bool>())
            .prop_map(|(lane, serial, lot, seated, simulated)| Event::Begin { lane, serial, lot, seated, simulated }),
        6 => (0..4_usize, code).prop_map(|(ago, code)| Event::Finish { ago, code }),
        2 => (0..8_usize, select(&AnnotationKind::ALL[..])).prop_map(|(ago, kind)| Event::Annotate { ago, kind }),
        1 => (0..4_u8).prop_map(|serial| Event::Unlock { serial }),
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
        .filter(|run| run.serial == Some(of))
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
    }
}

async fn play(events: Vec<Event>) {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("ledger");
    let (mut ledger, _) = Ledger::open(&path, at(0)).await.unwrap();
    let mut known: Vec<Known> = Vec::new();
    let mut verdicts = 0;
    let mut unlocked_after: BTreeMap<u8, usize> = BTreeMap::new();
    for event in events {
        match event {
            Event::Begin {
                lane,
                serial,
                lot,
                seated,
                simulated,
            } => {
                let setup = ledger.setup(&Setup { simulated, ..setup() }).await.unwrap();
                let number = u32::try_from(known.len()).unwrap();
                let mut start = start(number, lane, serial.map(name).as_deref(), seated);
                start.lot = format!("lot {lot}");
                ledger.begin_run(setup, &start).await.unwrap();
                known.push(Known {
                    lane,
                    serial,
                    seated,
                    simulated,
                    verdict: None,
                    suspected: false,
                });
            }
            Event::Finish { ago, code } => {
                if let Some(number) = known.len().checked_sub(ago + 1)
                    && known[number].verdict.is_none()
                {
                    let end = end(u32::try_from(number).unwrap(), code);
                    ledger.finish_run(&end, at(9 * HOUR)).await.unwrap();
                    verdicts += 1;
                    known[number].verdict = Some((code, verdicts));
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
            Event::Unlock { serial: of } => {
                let asked = unlock(&name(of), "console", "looked at");
                ledger.record_act(&asked, &ActAnswer::Done, at(0)).await.unwrap();
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
