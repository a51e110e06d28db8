//! How measurements keep within limits is what a slow look at every run tells.

use fixture_ledger::record::{Limits, Measurement, Purpose, Quantity, Scale, Side};
use fixture_ledger::yields::Span;
use fixture_ledger::{Durability, Ledger, Reports};
use fixture_link::verdict::VerdictCode;

use crate::sample::{at, end, lane, setup, start};

const HOUR: i64 = 3_600_000_000;

#[tokio::test]
async fn only_first_runs_of_the_lane_against_the_newest_limits_are_told_of() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ledger");
    let mut ledger = Ledger::create(&path, Durability::Unsynced).await.unwrap();
    let setup = ledger.setup(&setup()).await.unwrap();
    let mut shares = Vec::new();
    for n in 0..120_u32 {
        let (on, retest, golden) = (1 + u8::from(n % 7 == 0), n % 5 == 0 && n > 0, n % 11 == 3);
        // A unit's second run has the serial of the run before.
        let serial = format!("SN-{}", if retest { n - 1 } else { n });
        let mut start = start(n, on, Some(&serial), i64::from(n) * HOUR / 2);
        if golden {
            start.purpose = Purpose::Golden;
        }
        ledger.begin_run(setup, &start).await.unwrap();
        let mut ended = end(
            n,
            if n % 3 == 0 {
                VerdictCode::StuckDns
            } else {
                VerdictCode::Ok
            },
        );
        // From run 40 on there are other limits.
        let allowed = if n < 40 { 0.4..=0.6 } else { 0.35..=0.65 };
        let value = 0.5 + f32::from(u8::try_from(n * 37 % 23).unwrap()) / 250.0 - 0.04;
        ended.measurements = vec![
            Measurement {
                what: Quantity::GreenShare,
                scale: Scale::Share,
                value,
                deviation: 0.001,
                limits: Some(Limits {
                    allowed,
                    side: Side::Inside,
                }),
            },
            Measurement {
                what: Quantity::LedStrength,
                scale: Scale::OfReference,
                value: 1.0,
                deviation: 0.001,
                limits: None,
            },
        ];
        ledger
            .finish_run(&ended, at(i64::from(n) * HOUR / 2 + 1))
            .await
            .unwrap();
        // The run before of the same unit counted, unless it was a golden unit's.
        let counted_before = retest && (n - 1) % 11 != 3;
        if on == 1 && !golden && !counted_before && (10..110).contains(&n) {
            // As it is stored: what the figure was written as.
            shares.push((n, value.to_string().parse::<f64>().unwrap()));
        }
    }
    ledger.close().await.unwrap();
    let reports = Reports::open(&path).await.unwrap();
    let span = Span {
        from: 5 * HOUR,
        until: 55 * HOUR,
    };
    let kept = reports.kept_within_limits(span, lane(1)).await.unwrap();
    // Strength has no limits.
    let [share] = kept.as_slice() else { panic!("{kept:?}") };
    let now: Vec<f64> = shares
        .iter()
        .filter(|(n, _)| *n >= 40)
        .map(|(_, value)| *value)
        .collect();
    assert_eq!(share.what, Quantity::GreenShare);
    assert_eq!(share.units as usize, now.len());
    assert_eq!(share.others as usize, shares.len() - now.len());
    let [least, most] = [0.35, 0.65];
    assert!(
        (share.least - least).abs() < 1e-12 && (share.most - most).abs() < 1e-12,
        "{share:?}"
    );
    let count = f64::from(u32::try_from(now.len()).unwrap());
    let mean = now.iter().sum::<f64>() / count;
    let variance = now.iter().map(|value| (value - mean) * (value - mean)).sum::<f64>() / (count - 1.0);
    let cpk = f64::min(
        (most - mean) / (3.0 * variance.sqrt()),
        (mean - least) / (3.0 * variance.sqrt()),
    );
    let told = share.capability.unwrap();
    assert!(
        (told.cpk - cpk).abs() < 1e-9 && (told.mean - mean).abs() < 1e-12,
        "{told:?} {cpk}"
    );
    assert!(now.len() > 30, "{}", now.len());
    assert_eq!(reports.kept_within_limits(span, lane(3)).await.unwrap(), []);
}
