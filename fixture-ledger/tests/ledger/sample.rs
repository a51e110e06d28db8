//! Records for the tests.

use core::time::Duration;

use fixture_ledger::record::{
    Attempt, AttemptResult, Audited, Evidence, EvidenceKind, Limits, LoopBack, Measurement, Purpose, Quantity, RunEnd,
    RunStart, Scale, Setup, Side, StoredReading,
};
use fixture_link::act::{Act, ActAnswer, ActId, ActRequest};
use fixture_link::identity::{LaneId, RunId, Serial, WallTime};
use fixture_link::role::Role;
use fixture_link::snapshot::Stage;
use fixture_link::verdict::VerdictCode;
use uuid::Uuid;

/// The wall clock, synchronised.
pub fn at(micros: i64) -> WallTime {
    WallTime {
        micros,
        synchronised: true,
    }
}

/// A run's id by a small number.
pub fn run_id(n: u32) -> RunId {
    RunId(Uuid::from_u128(
        0x0198_0000_0000_7000_8000_0000_0000_0000 | u128::from(n),
    ))
}

/// A lane.
pub fn lane(number: u8) -> LaneId {
    LaneId::new(number).expect("a lane from 1 to 8")
}

/// A serial.
pub fn serial(text: &str) -> Serial {
    Serial::new(text).expect("a serial")
}

/// A simulated fixture.
pub fn setup() -> Setup {
    Setup {
        fixture: "fixture-1".to_owned(),
        software: "0.1.0".to_owned(),
        recipe: "sensor-wifi".to_owned(),
        recipe_version: "0123456789abcdef".to_owned(),
        pass_rule: "blessed".to_owned(),
        simulated: true,
    }
}

/// A start of run `n`.
pub fn start(n: u32, on: u8, unit: Option<&str>, seated: i64) -> RunStart {
    RunStart {
        run: run_id(n),
        lane: lane(on),
        serial: unit.map(serial),
        operator: "console".to_owned(),
        lot: "lot-7".to_owned(),
        work_order: "wo-31".to_owned(),
        purpose: Purpose::Production,
        seated: WallTime {
            micros: seated,
            synchronised: false,
        },
    }
}

/// Act `n`, as somebody asks for it.
pub fn asked(n: u32, by: &str, act: Act) -> ActRequest {
    ActRequest {
        id: ActId(Uuid::from_u128(u128::from(n))),
        by: by.to_owned(),
        role: Role::Qa,
        from: "10.0.0.7".to_owned(),
        act,
    }
}

/// An act that was done and changed nothing that is told.
pub fn done(request: ActRequest) -> Audited {
    Audited {
        request,
        answer: ActAnswer::Done,
        change: None,
        study: None,
    }
}

/// A person lets a unit run again, by act `n`.
pub fn unlock(n: u32, unit: &str, by: &str, reason: &str) -> ActRequest {
    let act = Act::Unlock {
        serial: serial(unit),
        reason: reason.to_owned(),
    };
    asked(n, by, act)
}

/// An end of run `n` with everything that a run can have.
pub fn end(n: u32, code: VerdictCode) -> RunEnd {
    let attempt = Attempt {
        number: 1,
        rate: 60,
        level_permille: 800,
        mid_permille: Some(475),
        began: Duration::from_millis(2_500),
        took: Duration::from_millis(14_001),
        token_id: Some(format!("token-{n}")),
        result: AttemptResult::Damaged,
        symbols: 840,
        latest: Duration::from_micros(731),
        lateness: [
            0, 7, 14, 21, 28, 35, 42, 49, 56, 63, 70, 77, 84, 91, 98, 105, 112, 119, 126, 133, 140,
        ],
        loop_back: Some(LoopBack {
            bright: 2_137.25,
            mid_share: 0.513,
            samples: 411,
        }),
    };
    RunEnd {
        run: run_id(n),
        code,
        detail: "wifi \"joining\" for 30 s – 'Zoë'".to_owned(),
        stage: Stage::Joining,
        took: Duration::from_micros(61_234_567),
        device_id: Some(format!("{n:016x}")),
        agent_url: Some("https://agent.example/abc".to_owned()),
        attempts: vec![
            attempt.clone(),
            Attempt {
                number: 2,
                rate: 30,
                mid_permille: None,
                token_id: None,
                result: AttemptResult::Received,
                loop_back: None,
                ..attempt
            },
        ],
        readings: vec![
            StoredReading {
                at: Duration::from_millis(900),
                codes: vec!["no-network-settings".to_owned()],
                confidence: 0.997,
            },
            StoredReading {
                at: Duration::from_millis(20_400),
                codes: vec!["wifi-joining".to_owned(), "wifi-searching".to_owned()],
                confidence: 0.612_345_7,
            },
            StoredReading {
                at: Duration::from_secs(55),
                codes: Vec::new(),
                confidence: 0.2,
            },
        ],
        evidence: vec![
            Evidence {
                at: Duration::ZERO,
                kind: EvidenceKind::Nest,
                detail: "ambient 41 counts".to_owned(),
            },
            Evidence {
                at: Duration::from_secs(21),
                kind: EvidenceKind::Stage,
                detail: "joining".to_owned(),
            },
        ],
        measurements: measurements(),
        trace: (0..1_500_u32)
            .map(|i| i.wrapping_mul(2_654_435_761).to_be_bytes()[0])
            .collect(),
        samples_lost: 3,
    }
}

/// Figures with limits, inside and outside, and without.
fn measurements() -> Vec<Measurement> {
    vec![
        Measurement {
            what: Quantity::RedDie,
            scale: Scale::Counts,
            value: 1_204.5,
            deviation: 3.25,
            limits: None,
        },
        Measurement {
            what: Quantity::GreenDie,
            scale: Scale::Counts,
            value: 640.1,
            deviation: 2.75,
            limits: None,
        },
        Measurement {
            what: Quantity::LedStrength,
            scale: Scale::OfReference,
            value: 0.913,
            deviation: 0.004,
            limits: Some(Limits {
                allowed: 0.5..=2.0,
                side: Side::Inside,
            }),
        },
        Measurement {
            what: Quantity::GreenShare,
            scale: Scale::Share,
            value: 0.347,
            deviation: 0.001,
            limits: Some(Limits {
                allowed: 0.4..=0.6,
                side: Side::Outside,
            }),
        },
        Measurement {
            what: Quantity::Ambient,
            scale: Scale::Counts,
            value: 41.5,
            deviation: 0.25,
            limits: Some(Limits {
                allowed: 0.0..=800.0,
                side: Side::Inside,
            }),
        },
        Measurement {
            what: Quantity::AmbientNoise,
            scale: Scale::Counts,
            value: 1.75,
            deviation: 0.125,
            limits: None,
        },
    ]
}
