//! Units that still lie in a nest since before this process.

use core::time::Duration;

use blinkup::Tick;
use fixture_ledger::record::StandingVerdict;
use fixture_ledger::{Ledger, LedgerError};
use fixture_link::identity::{LaneId, WallTime};

use crate::clock::Clock;
use crate::jig::{JigError, Nest};

/// Looks at a nest before it is believed to be empty, and how far apart they are: a switch bounces for some milliseconds.
const LOOKS: u32 = 11;
const LOOK_EVERY: Duration = Duration::from_millis(5);

/// The lanes whose nest holds a unit as the process begins, or may hold one: a nest is empty only where every look says so. A switch that
/// bounces or cannot be read keeps what stood; whoever watches the nests tells when the unit is lifted.
pub fn lanes_with_units(clock: Clock, nest: &mut dyn Nest, lanes: &[LaneId]) -> Vec<LaneId> {
    let mut held = Vec::new();
    for look in 0..LOOKS {
        for lane in lanes {
            if !held.contains(lane) && nest.occupied(*lane) != Ok(false) {
                held.push(*lane);
            }
        }
        if look + 1 < LOOKS {
            clock.sleep_until(clock.now() + LOOK_EVERY);
        }
    }
    held
}

/// The verdicts that are shown again: those whose unit still lies in its nest. The other units were lifted while nobody looked.
///
/// # Errors
/// The ledger could not be read or written.
pub async fn verdicts(
    ledger: &mut Ledger,
    held: &[LaneId],
    now: WallTime,
) -> Result<Vec<StandingVerdict>, LedgerError> {
    let mut standing = Vec::new();
    for verdict in ledger.standing_verdicts().await? {
        if held.contains(&verdict.lane) {
            standing.push(verdict);
        } else {
            ledger.lifted(verdict.run, now).await?;
        }
    }
    Ok(standing)
}

/// Nests of a simulated jig, which is made anew at every start: those whose verdict was still shown when the last process ended hold
/// their unit until somebody has had the time to lift it.
pub struct StillThere {
    nests: Box<dyn Nest>,
    clock: Clock,
    lanes: Vec<LaneId>,
    until: Tick,
}

impl StillThere {
    /// `lanes` hold their unit until `until`.
    pub fn new(nests: Box<dyn Nest>, clock: Clock, lanes: Vec<LaneId>, until: Tick) -> Self {
        Self {
            nests,
            clock,
            lanes,
            until,
        }
    }
}

impl Nest for StillThere {
    fn occupied(&mut self, lane: LaneId) -> Result<bool, JigError> {
        if self.clock.now() < self.until && self.lanes.contains(&lane) {
            return Ok(true);
        }
        self.nests.occupied(lane)
    }
}

#[cfg(test)]
mod tests {
    use fixture_ledger::Durability;
    use fixture_ledger::record::{Purpose, RunEnd, RunStart, Setup};
    use fixture_link::identity::{RunId, Serial};
    use fixture_link::snapshot::Stage;
    use fixture_link::verdict::VerdictCode;

    use super::*;

    const AT: WallTime = WallTime {
        micros: 1_750_000_000_000_000,
        synchronised: true,
    };

    /// Switches by lane: what each shows at every look, the last one from then on.
    struct Switches(Vec<Vec<Result<bool, ()>>>, [usize; 4]);

    impl Nest for Switches {
        fn occupied(&mut self, lane: LaneId) -> Result<bool, JigError> {
            let looks = &self.0[lane.index()];
            let look = self.1[lane.index()];
            self.1[lane.index()] += 1;
            looks[look.min(looks.len() - 1)].map_err(|()| JigError::Failed {
                lane,
                part: "nest",
                what: "no such line".to_owned(),
            })
        }
    }

    fn run(number: u8) -> RunId {
        RunId(uuid::Uuid::from_u128(u128::from(number)))
    }

    /// A ledger in which a unit passed in each of four lanes and was not lifted.
    async fn four_verdicts(folder: &std::path::Path) -> Ledger {
        let mut ledger = Ledger::create(&folder.join("ledger.db"), Durability::Unsynced)
            .await
            .unwrap();
        let setup = Setup {
            fixture: "f".to_owned(),
            software: "1".to_owned(),
            recipe: "r".to_owned(),
            recipe_version: "0".repeat(16),
            pass_rule: "blessed".to_owned(),
            simulated: false,
        };
        let setup = ledger.setup(&setup).await.unwrap();
        for lane in LaneId::first(4) {
            let run = run(lane.number());
            let start = RunStart {
                run,
                lane,
                serial: Serial::new(&format!("SN-{lane}")).ok(),
                operator: "console".to_owned(),
                lot: String::new(),
                work_order: String::new(),
                purpose: Purpose::Production,
                seated: AT,
            };
            ledger.begin_run(setup, &start).await.unwrap();
            let end = RunEnd {
                run,
                code: VerdictCode::Ok,
                detail: String::new(),
                stage: Stage::Blessed,
                took: Duration::from_secs(40),
                device_id: None,
                agent_url: None,
                attempts: Vec::new(),
                readings: Vec::new(),
                evidence: Vec::new(),
                measurements: Vec::new(),
                trace: Vec::new(),
                samples_lost: 0,
            };
            ledger.finish_run(&end, AT).await.unwrap();
        }
        ledger
    }

    #[tokio::test]
    async fn a_verdict_stands_over_a_restart_as_long_as_its_unit_lies_in_the_nest() {
        let folder = tempfile::tempdir().unwrap();
        let mut ledger = four_verdicts(folder.path()).await;
        // Lane 1 holds its unit, lane 2 is empty, lane 3's switch bounces as the table is hit, and lane 4's cannot be read.
        let mut nest = Switches(
            vec![
                vec![Ok(true)],
                vec![Ok(false)],
                vec![Ok(false), Ok(false), Ok(true), Ok(false)],
                vec![Err(())],
            ],
            [0; 4],
        );
        let lanes: Vec<LaneId> = LaneId::first(4).collect();
        let held = lanes_with_units(Clock::start(), &mut nest, &lanes);
        assert_eq!(held.iter().map(|lane| lane.number()).collect::<Vec<_>>(), [1, 4, 3]);
        let standing = verdicts(&mut ledger, &held, AT).await.unwrap();
        let shown: Vec<RunId> = standing.iter().map(|verdict| verdict.run).collect();
        assert_eq!(shown, [run(1), run(3), run(4)]);
        // What was lifted is stored as lifted, and does not come back.
        let again = ledger.standing_verdicts().await.unwrap();
        assert_eq!(again, standing);
        ledger.close().await.unwrap();
    }
}
