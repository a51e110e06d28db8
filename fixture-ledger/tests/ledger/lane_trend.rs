//! What becomes of a lane is what a slow look at the latest runs of each span tells.

use fixture_ledger::lane_trend::SAMPLE;
use fixture_ledger::record::{Quantity, Side};
use fixture_ledger::yields::Span;
use fixture_ledger::{Durability, Ledger, Reports};
use fixture_link::verdict::VerdictCode;

use crate::sample::{at, end, lane, setup, start};

const HOUR: i64 = 3_600_000_000;

#[tokio::test]
async fn a_nests_light_and_noise_are_those_of_the_latest_runs_with_the_least_of_their_limits() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ledger");
    let mut ledger = Ledger::create(&path, Durability::Unsynced).await.unwrap();
    let setup = ledger.setup(&setup()).await.unwrap();
    let mut known = Vec::new();
    for n in 0..90_u32 {
        let (on, seated) = (1 + u8::from(n % 5 == 0), i64::from(n) * HOUR / 20);
        ledger.begin_run(setup, &start(n, on, None, seated)).await.unwrap();
        let mut ended = end(n, VerdictCode::Ok);
        let (light, noise) = (
            40.0 + f32::from(u8::try_from(n * 7 % 13).unwrap()),
            1.0 + f32::from(u8::try_from(n % 4).unwrap()) / 8.0,
        );
        let most = if n < 50 { 500.0 } else { 600.0 };
        for figure in &mut ended.measurements {
            match figure.what {
                Quantity::Ambient => {
                    figure.value = light;
                    figure.limits.as_mut().unwrap().allowed = 0.0..=most;
                    assert_eq!(figure.limits.as_ref().unwrap().side, Side::Inside);
                }
                Quantity::AmbientNoise => figure.value = noise,
                Quantity::RedDie | Quantity::GreenDie | Quantity::LedStrength | Quantity::GreenShare => {}
            }
        }
        // Of some runs nothing was measured.
        if n % 6 == 0 {
            ended.measurements.clear();
        }
        ledger.finish_run(&ended, at(seated + 1)).await.unwrap();
        if on == 1 {
            known.push((seated, (n % 6 != 0).then_some((light, noise, most))));
        }
    }
    ledger.close().await.unwrap();
    let reports = Reports::open(&path).await.unwrap();
    let spans = [(0, 2), (2, 4), (4, 5), (9, 10)].map(|(from, until)| Span {
        from: from * HOUR,
        until: until * HOUR,
    });
    let trend = reports.lane_trend(lane(1), &spans).await.unwrap();
    assert_eq!(trend.iter().map(|point| point.span).collect::<Vec<_>>(), [0, 1, 2]);
    for point in &trend {
        let span = spans[point.span];
        let mut within: Vec<_> = known
            .iter()
            .filter(|(seated, _)| (span.from..span.until).contains(seated))
            .collect();
        within.reverse();
        within.truncate(SAMPLE as usize);
        assert_eq!(point.runs as usize, within.len());
        let told: Vec<_> = within.iter().filter_map(|(_, told)| *told).collect();
        let mean = |of: fn(&(f32, f32, f32)) -> f32| {
            told.iter().map(|told| f64::from(of(told))).sum::<f64>() / f64::from(u32::try_from(told.len()).unwrap())
        };
        let near = |found: Option<f64>, expected: f64| {
            assert!((found.unwrap() - expected).abs() < 1e-9, "{point:?}: {expected}");
        };
        near(point.ambient, mean(|told| told.0));
        near(point.noise, mean(|told| told.1));
        let least = told.iter().map(|told| told.2).fold(f32::INFINITY, f32::min);
        assert_eq!(point.ambient_limit, Some(f64::from(least)));
    }
    assert!(trend.iter().any(|point| point.runs == SAMPLE), "{trend:?}");
}
